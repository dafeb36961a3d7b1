"""How views watch a recording: a letter box of one for each, and keys that they may press."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, Protocol

from rowlog.board import Board
from rowlog.keys import UNDO, is_key
from rowlog.live import Live, Moment
from rowlog.recorder import Progress
from rowlog_drivers.clock import Clock, life_ns
from rowlog_drivers.records import Stroke

EVERY_NS: Final = 100_000_000
"""Views are told of ten states in a second of life at most, of two in quick succession and of
strokes at once."""
JOIN_S: Final = 2.0
"""At its end a recording waits so long for its views."""
END: Final = "end"
"""What `Controls.press` calls the end of the session; it leaves no key in the recording."""
OTHERS: Final = frozenset({UNDO, "mark", END})


class View(Protocol):
    """Something that shows a recording while it goes on: a screen, a server of pages."""

    @property
    def name(self) -> str:
        """What people call it, at the start of a sentence: "The screen"."""
        ...

    def run(self, feed: Feed, controls: Controls) -> None:
        """Show what `feed` has until it is closed; runs on a thread of its own.

        Whatever it raises, however long it blocks: the recording goes on. It may use an event
        loop of its own (`asyncio.run` here), and from that `asyncio.to_thread(feed.wait, ...)`.
        """
        ...


class Feed:
    """The newest picture of a session; older ones are gone. Safe from any thread."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._latest: Live | None = None
        self._closed = False

    @property
    def latest(self) -> Live | None:
        """The newest picture; None before the first."""
        return self._latest

    @property
    def closed(self) -> bool:
        """Whether the recording is over: no newer picture comes. The last one stays."""
        return self._closed

    def wait(self, after: int = 0, seconds: float | None = None) -> Live | None:
        """The newest picture, as soon as its `number` is above `after`.

        None once the feed is closed and has none above it, or after so many seconds of life.
        """

        def newer() -> Live | None:
            latest = self._latest
            return latest if latest is not None and latest.number > after else None

        with self._condition:
            self._condition.wait_for(lambda: newer() or self._closed, seconds)
            return newer()

    def put(self, live: Live) -> None:
        """A newer picture; never waits for those who read."""
        with self._condition:
            self._latest = live
            self._condition.notify_all()

    def close(self) -> None:
        """No more pictures come."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()


class Controls:
    """What a view may do to the recording. Safe from any thread, and never waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop, press: Callable[[str], None]) -> None:
        self._loop = loop
        self._press = press

    def press(self, label: str) -> None:
        """Press a key by its label.

        "next" (or "skip", "lap") ends the piece; "extend", or "extend 50m", "extend 30s",
        "extend 5cal" makes it longer; "pause" stops its clock and metres, once more (or "resume")
        they go on; "undo" takes the last of these back; "mark" marks the instant; "end" ends the
        session at once, without asking. All but "end" become frames of the source `user`, which
        replay as the keyboard's do; the same label twice within 0.6 s counts once. Nothing happens
        once the session is over. Raises ValueError for any other label.
        """
        if not may_press(label):
            raise ValueError(f"there is no key {label!r}")
        with suppress(RuntimeError):  # the session's loop has ended
            self._loop.call_soon_threadsafe(self._press, label)


def may_press(label: str) -> bool:
    """Whether `Controls.press` knows a label."""
    return label in OTHERS or is_key(label)


class Stage:
    """Tells the views of one recording of its states; what they do about it is their own affair."""

    def __init__(
        self,
        views: Sequence[View],
        board: Board,
        clock: Clock,
        *,
        controls: Controls,
        moment_at: Callable[[Progress, int], Moment],
        tell: Callable[[str], None],
    ) -> None:
        """`moment_at` makes the moment of a session time (ns); `tell` hears of views that fail."""
        self._board = board
        self._clock = clock
        self._controls = controls
        self._moment_at = moment_at
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._feeds = [Feed() for _ in views]
        self._threads = [
            threading.Thread(
                target=self._show, args=(view, feed), name=f"rowlog-view-{place}", daemon=True
            )
            for place, (view, feed) in enumerate(zip(views, self._feeds, strict=True))
        ]
        self._progress: Progress | None = None
        self._told_ns = (-2 * EVERY_NS, -2 * EVERY_NS)
        """When they were told of the last two."""
        self._phase: tuple[str, int] = ("", 0)
        self._later: asyncio.TimerHandle | None = None
        self._boundary: asyncio.TimerHandle | None = None
        self._broken = False

    def open(self) -> None:
        """Let the views begin."""
        for thread in self._threads:
            thread.start()

    def arrived(self, progress: Progress) -> None:
        """Something came in, or time went by. Raises nothing: failing ends the views."""
        if self._broken:
            return
        try:
            moment = self._take(progress)
            phase = (moment.standing.phase, moment.standing.number)
            now_ns = life_ns()
            if (
                phase != self._phase
                or now_ns - self._told_ns[0] >= 2 * EVERY_NS
                or any(isinstance(fact, Stroke) for fact in progress.derived.facts)
            ):
                self._put(moment)
            elif self._later is None:
                left_ns = self._told_ns[0] + 2 * EVERY_NS - now_ns
                self._later = self._loop.call_later(left_ns / 1e9, self._put)
        except Exception as error:  # noqa: BLE001 - no view is worth a recording
            self._break(error)

    def stored(self, progress: Progress) -> None:
        """What came in is in the database now, or is held; or the session is closed."""
        if self._broken:
            return
        troubled = self._progress is not None and progress.trouble != self._progress.trouble
        try:
            if progress.closed:
                self._put(self._take(progress))
                return
            self._progress = progress
            if troubled:
                self._put()
        except Exception as error:  # noqa: BLE001 - no view is worth a recording
            self._break(error)

    def _take(self, progress: Progress) -> Moment:
        self._progress = progress
        moment = self._moment_at(progress, self._now_ns(progress))
        self._board.take(progress.derivation, progress.derived, moment)
        return moment

    def close(self) -> None:
        """The recording is over; wait for the views, but not for long."""
        self._cancel()
        until_ns = life_ns() + round(JOIN_S * 1e9)
        for feed in self._feeds:
            feed.close()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, (until_ns - life_ns()) / 1e9))

    def _now_ns(self, progress: Progress) -> int:
        return progress.t_ns if progress.closed else max(progress.t_ns, self._clock.now_ns())

    def _put(self, moment: Moment | None = None) -> None:
        """A picture of now for all views."""
        progress = self._progress
        if progress is None:
            return
        self._cancel()
        try:
            if moment is None:
                moment = self._moment_at(progress, self._now_ns(progress))
            live = self._board.live(progress.derivation, moment, closed=progress.closed)
            for feed in self._feeds:
                feed.put(live)
        except Exception as error:  # noqa: BLE001 - no view is worth a recording
            self._break(error)
            return
        self._told_ns = (self._told_ns[1], life_ns())
        self._phase = (moment.standing.phase, moment.standing.number)
        if live.countdown_s is not None and not live.closed:
            # Time alone ends the piece: that is shown when it happens, whatever comes in.
            left_s = self._clock.life_s(live.countdown_s) + 0.001
            self._boundary = self._loop.call_later(left_s, self._put)

    def _cancel(self) -> None:
        for timer in (self._later, self._boundary):
            if timer is not None:
                timer.cancel()
        self._later = self._boundary = None

    def _show(self, view: View, feed: Feed) -> None:
        """On a thread of the view's own."""
        try:
            view.run(feed, self._controls)
        except Exception as error:  # noqa: BLE001 - no view is worth a recording
            with suppress(RuntimeError):  # the session has ended meanwhile
                self._loop.call_soon_threadsafe(self._fail, view.name, error)

    def _break(self, error: Exception) -> None:
        """No picture can be made any more: all views end."""
        self._broken = True
        self._cancel()
        for feed in self._feeds:
            feed.close()
        self._fail("The live view", error)

    def _fail(self, name: str, error: Exception) -> None:
        with suppress(OSError):  # nobody may be listening there either
            self._tell(f"{name} has failed: {error!r}. The recording goes on without it.")
