"""Taking a key back: the tracker as if it had not been pressed, given again what came since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from rowlog.intervals import Found, Segment, Split, Tracker
from rowlog.keys import UNDO, UNDO_NS
from rowlog_drivers.records import Marker, Record


@dataclass(slots=True)
class Undoing:
    """Keeps what a key changed, so that it can be taken back: the tracker, and what came since."""

    _before: Tracker | None = None
    _pressed_ns: int = 0
    _since: list[Callable[[Tracker], Found]] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether there is a key that can be taken back."""
        return self._before is not None

    def pressed(self, tracker: Tracker, t_ns: int) -> None:
        """A key is about to change the tracker."""
        self._before, self._pressed_ns = deepcopy(tracker), t_ns
        self._since.clear()

    def fed(self, call: Callable[[Tracker], Found], t_ns: int) -> None:
        """The tracker was given something, which it is to be given again after an undo."""
        if t_ns - self._pressed_ns > UNDO_NS:
            self._before = None
            self._since.clear()
            return
        self._since.append(call)

    def undo(self, t_ns: int) -> tuple[Tracker, Found] | None:
        """The tracker as if the key had not been pressed, and what it told; None: no such key."""
        tracker, self._before = self._before, None
        since, self._since = self._since, []
        if tracker is None or t_ns - self._pressed_ns > UNDO_NS:
            return None
        found: Found = []
        for call in since:
            found += call(tracker)
        return tracker, found


def without_undone(facts: Sequence[Record | Segment | Split]) -> list[Record | Segment | Split]:
    """The facts without the segments and splits that an undo took back and nothing told again."""
    kept = list(facts)
    places = [
        place for place, fact in enumerate(facts) if isinstance(fact, Marker) and fact.label == UNDO
    ]
    for place in reversed(places):
        later = [fact for fact in kept[place:] if isinstance(fact, Segment)]
        least = min((fact.index for fact in later), default=None)
        if least is None:
            continue
        told = {fact.index for fact in later}
        split = {
            (fact.segment_index, fact.index) for fact in kept[place:] if isinstance(fact, Split)
        }
        kept = [
            fact
            for at, fact in enumerate(kept)
            if at >= place
            or not (
                (isinstance(fact, Segment) and fact.index >= least and fact.index not in told)
                or (
                    isinstance(fact, Split)
                    and fact.segment_index >= least
                    and (fact.segment_index, fact.index) not in split
                )
            )
        ]
    return kept
