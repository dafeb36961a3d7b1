"""What later frames show of a stretch that nobody saw: it is gone through again with that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.intervals import Found, Tracker
from rowlog.timeline import STILL_NS, Position
from rowlog.undoing import Since, TakenBack

LONGEST_NS: Final = 1200 * SECOND_NS
"""No stretch is thought over for longer."""


class Hindsight:
    """Keeps the tracker of before a stretch that nobody saw, while it is in doubt how that went."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: Since | None = None

    def __bool__(self) -> bool:
        return self._since is not None

    def comes(self, tracker: Tracker, position: Position, before: Position | None) -> None:
        """A position is about to be taken in; `before` is the one that was taken last."""
        if tracker.plan is None or before is None or not position.after_gap:
            return
        if type(tracker) is Tracker and position.t_ns - before.t_ns > STILL_NS:
            self._since = Since.now(tracker, position.t_ns)

    def forget(self) -> None:
        """What was told stands."""
        self._since = None

    def fed(
        self, tracker: Tracker, call: Callable[[Tracker], Found], found: Found, t_ns: int
    ) -> tuple[Tracker, TakenBack, Found] | None:
        """The tracker was given something, and told `found`.

        Another one that goes by what is known now, what is not so after all, and what is; None
        where nothing is known better.
        """
        since = self._since
        if since is None:
            return None
        since.calls.append(call)
        since.told(found)
        better, tracker.found_out = tracker.found_out, None
        if better is None:
            if not tracker.in_doubt or t_ns - since.t_ns > LONGEST_NS:
                self._since = None
            return None
        self._since = None
        since.before.hindsight = better
        later = Since.now(since.before, since.t_ns) if better.since_ns is None else None
        tracker, back, found = since.again()
        if not tracker.hindsight_serves:
            return None
        if later is not None and tracker.in_doubt:  # it may be found out yet when that rest began
            later.calls = since.calls
            later.told(found)
            self._since = later
        return tracker, back, found
