"""A recording and its pages are two processes: the recording's end of the pipes between them.

So nothing that happens to the pages, however many look at them, takes a moment of the recording.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Final

from rowlog.web import wire

if TYPE_CHECKING:
    from rowlog.live import Live
    from rowlog.viewing import Controls, Feed

IDLE_END_S: Final = 120.0
"""A recording that lost its pages, and so its buttons, ends when nobody has moved for so long."""
LINE_BYTES: Final = 2_000_000
"""No message is longer: a plan of a thousand pieces takes a tenth of it."""


def standard_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """Standard output and input for messages alone: what is printed goes nowhere from now on."""
    out = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - as a descriptor
        os.dup2(nowhere.fileno(), 1)
    return out, os.fdopen(os.dup(0), "rb")


def write_line(out: IO[bytes], text: str) -> None:
    """One message. Raises OSError where nobody reads any more."""
    out.write(text.encode() + b"\n")
    out.flush()


def write_later(out: IO[bytes], text: str) -> threading.Thread:
    """One message from where nobody may wait: a thread writes it, should the other side not read.

    It is lost where nobody reads any more.
    """

    def write() -> None:
        with suppress(OSError, ValueError):
            write_line(out, text)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def lines(source: IO[bytes]) -> Iterator[dict[str, object]]:
    """The messages that come, until the other side has gone; what is none is left out."""
    with suppress(OSError, ValueError):
        for raw in iter(lambda: source.readline(LINE_BYTES), b""):
            with suppress(ValueError):
                said = json.loads(raw)
                if isinstance(said, dict):
                    yield said


def pictures(feed: Feed, *, elsewhere: bool = False) -> Iterator[tuple[str, str]]:
    """What a page is told of a recording until its feed is closed: kinds of messages, and each.

    `elsewhere`: another program records it.
    """
    number, second, reps, session = 0, -1, -1, None
    while (live := feed.wait(number)) is not None:
        number = live.number
        if session is None:
            session = live.moment.session_id
            yield "stage", wire.stage("recording", session, elsewhere=elsewhere)
        if int(live.moment.t_s) != second or live.rep_count != reps or live.closed:
            second, reps = int(live.moment.t_s), live.rep_count
            yield "past", wire.past(live)
        yield "now", wire.now(live)


class PipedView:
    """A view that writes each picture into a pipe, and presses what comes out of another."""

    name = "The browser view"

    def __init__(self, out: IO[bytes], back: IO[bytes], *, alone: bool) -> None:
        """`alone`: whether only the pages can end the recording; if they go, it ends when idle."""
        self._out = out
        self._back = back
        self._alone = alone

    def run(self, feed: Feed, controls: Controls) -> None:
        """Show what the feed has until it is closed. Raises OSError once the pages are gone."""
        threading.Thread(target=self._listen, args=(controls,), daemon=True).start()
        try:
            for _, text in pictures(feed):
                write_line(self._out, text)
        except OSError:
            if self._alone:
                latest = feed.latest
                _end_when_idle(feed, controls, 0 if latest is None else latest.number)
            raise

    def _listen(self, controls: Controls) -> None:
        for said in lines(self._back):
            label = said.get("press")
            if isinstance(label, str):
                with suppress(ValueError):
                    controls.press(label)


def _end_when_idle(feed: Feed, controls: Controls, number: int) -> None:
    """Watch a recording that nobody can end any more."""
    moved: Live | None = feed.latest
    while (live := feed.wait(number)) is not None:
        number = live.number
        if moved is None or _somebody(live, moved):
            moved = live
        elif live.moment.t_s - moved.moment.t_s > IDLE_END_S:
            controls.press("end")
            return


def _somebody(live: Live, before: Live) -> bool:
    """Whether anybody has moved between two pictures, or rests as the plan says.

    Without a machine: whether anything was heard.
    """
    now, then = live.moment, before.moment
    if now.distance_m is None and now.stroke_count is None:
        return live.heard_s != before.heard_s
    return (
        now.distance_m != then.distance_m
        or now.stroke_count != then.stroke_count
        or now.standing.phase == "rest"
    )
