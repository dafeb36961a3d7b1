"""The live view in a terminal: a thread that draws the newest picture, and says what it hears."""

from __future__ import annotations

import atexit
import os
import sys
from typing import Final

from rich.color import ColorSystem

from rowlog.cues import Cues
from rowlog.live import Live
from rowlog.render_live import Shown, draw
from rowlog.screen_terminal import Terminal
from rowlog.sounds import Kind, Sounder
from rowlog.viewing import Controls, Feed
from rowlog_drivers.clock import life_ns

NEWS_S: Final = 8.0
"""So long a piece of news is shown."""
ASKED_S: Final = 5.0
"""So long it is shown that a second key ends the session: as long as it does."""
LEAST_S: Final = 0.02
MOST_S: Final = 0.5
"""The shortest and longest wait, in seconds of life, before clocks are drawn anew."""
HEAL_S: Final = 10.0
"""So often all is drawn anew, over what another program may have written on the screen."""
AWAY_S: Final = 3.0
"""After a longer wait than was asked for, the program was stopped: the screen may be another's."""


class Screen:
    """A view (see `viewing.View`) on the terminal at a file descriptor."""

    name = "The screen"

    def __init__(
        self, fd: int, *, unicode: bool, colours: bool, sound: Kind, hint: str = "? keys"
    ) -> None:
        """`hint` stands at the end of the last line."""
        self._terminal = Terminal(fd, colours=_colours() if colours else None)
        self._unicode = unicode
        self._hint = hint
        self._braille = os.environ.get("TERM") != "linux"
        self._cues = Cues()
        self._help = False
        self._asked_s: float | None = None
        self._news: tuple[float, str] | None = None
        self.told: list[str] = []
        """What was told while the screen was open, for afterwards; the latest hundred."""
        self.open = True
        """Whether it draws, or is about to: False once it has ended or failed."""
        self._sounder = Sounder(sound, bell=self._terminal.ring, tell=self.tell)

    def run(self, feed: Feed, controls: Controls) -> None:
        """Draw until the feed is closed."""
        atexit.register(self._terminal.close)
        try:
            self._run(feed)
        finally:
            self.open = False
            self._terminal.close()
            self._sounder.close()
            atexit.unregister(self._terminal.close)

    def tell(self, text: str) -> None:
        """Show a sentence for some seconds; from any thread."""
        self._news = (_now_s(), text)
        self.told = [*self.told[-99:], text]

    def key(self, label: str, text: str) -> None:
        """A key was pressed: "help" shows or hides the keys, "end?" asks; `text` says it."""
        self._asked_s = _now_s() if label == "end?" else None
        if label == "help":
            self._help = not self._help
        else:
            self._help = False
            if label != "end?":
                self._news = (_now_s(), text)

    def suspended(self, away: bool) -> None:
        """The program is about to be stopped by the terminal's key, or goes on after it."""
        if away:
            self._terminal.leave(stopped=True)
        else:
            self._terminal.go_on()

    def _run(self, feed: Feed) -> None:
        live: Live | None = None
        came_s = healed_s = _now_s()
        wait_s = MOST_S
        while True:
            asked_s = _now_s()
            newer = feed.wait(live.number if live is not None else 0, wait_s)
            now_s = _now_s()
            if now_s - asked_s > wait_s + AWAY_S:
                self._terminal.redraw()
            if newer is not None:
                live, came_s = newer, now_s
            if feed.closed:
                return
            if live is None:
                continue
            shown = live.since(now_s - came_s)
            for cue in self._cues.take(shown):
                self._sounder.play(cue, shown)
            if now_s - healed_s > HEAL_S:
                healed_s = now_s
                self._terminal.heal()
            width, height = self._terminal.size()
            self._terminal.draw(draw(shown, self._shown(now_s), width, height))
            wait_s = until_change_s(shown)

    def _shown(self, now_s: float) -> Shown:
        news = self._news
        if self._asked_s is not None and now_s - self._asked_s > ASKED_S:
            self._asked_s = None
        return Shown(
            unicode=self._unicode,
            braille=self._braille,
            hint=self._hint,
            help=self._help,
            asking=self._asked_s is not None,
            news=news[1] if news is not None and now_s - news[0] < NEWS_S else None,
        )


def until_change_s(live: Live) -> float:
    """Seconds of life until a clock of the picture shows another second."""
    left_s = 1.0 - live.moment.t_s % 1.0
    if live.countdown_s is not None and live.countdown_s > 0:
        # A countdown is rounded up: it changes when a whole second has gone.
        left_s = min(left_s, live.countdown_s % 1.0 or 1.0)
    return min(MOST_S, max(LEAST_S, left_s / live.speed + 0.002))


def fits() -> bool:
    """Whether standard input and output are a terminal that knows how to be drawn on."""
    try:
        if not (os.isatty(0) and os.isatty(1)):
            return False
    except OSError:
        return False
    if sys.platform == "win32":
        return "WT_SESSION" in os.environ  # the console that knows escape sequences by itself
    return os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


def _colours() -> ColorSystem:
    """What the terminal says it knows of colours."""
    if os.environ.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return ColorSystem.TRUECOLOR
    if "256color" in os.environ.get("TERM", ""):
        return ColorSystem.EIGHT_BIT
    return ColorSystem.STANDARD


def _now_s() -> float:
    return life_ns() / 1e9
