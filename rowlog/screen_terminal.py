"""A terminal that is drawn on without ever waiting for it: a stopped one costs pictures only."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from rich.color import ColorSystem
from rich.style import Style

if TYPE_CHECKING:
    from rowlog.render_live_canvas import Canvas

ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J\x1b[H"
"""The alternate screen, without a cursor, where no line wraps."""
LEAVE: Final = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
LEAVE_S: Final = 0.5
"""So long a terminal that takes nothing is waited for when its own screen is to come back."""
LOOKS: Final = {
    "dim": "dim",
    "bold": "bold",
    "label": "bold",
    "soon": "bold bright_yellow",
    "good": "bold bright_green",
    "warn": "bold bright_yellow",
    "bad": "bold bright_red",
    "news": "bold bright_cyan",
    "alarm": "bold bright_white on red",
    "hurry": "bold black on bright_yellow",
    "work": "bold black on green",
    "rest": "bold bright_white on blue",
    "ready": "bold black on cyan",
    "pause": "bold black on yellow",
    "done": "bold black on white",
    "help": "bold bright_white on rgb(40,40,60)",
    "zone-1": "bold white",
    "zone0": "bold bright_cyan",
    "zone1": "bold bright_green",
    "zone2": "bold bright_yellow",
    "zone3": "bold rgb(255,150,40)",
    "zone4": "bold bright_red",
    "heart": "bright_red",
    "power": "bright_cyan",
    "strip.work.done": "green",
    "strip.work.now": "bold bright_green",
    "strip.work.now.left": "bright_green",
    "strip.work.next": "white",
    "strip.work.later": "white",
    "strip.rest.done": "blue",
    "strip.rest.now": "bold bright_blue",
    "strip.rest.now.left": "bright_blue",
    "strip.rest.next": "dim",
    "strip.rest.later": "dim",
}
"""How each style looks where there are colours."""
SET_OFF: Final = ("alarm", "hurry", "work", "rest", "ready", "pause", "done", "help")
"""Without colours these are reversed; all others keep what is bold or dim of them."""


class Terminal:
    """Draws canvases on a terminal: only what has changed, and nothing while it takes nothing.

    Safe from any thread. The terminal is opened anew where that can be done, so that not to wait
    for it is this program's affair alone; otherwise a stopped terminal makes `draw` wait.
    """

    def __init__(self, fd: int, *, colours: ColorSystem | None) -> None:
        """`colours` is what the terminal knows of them; None: none are used."""
        self._lock = threading.Lock()
        self._fd, self._own = fd, False
        if sys.platform != "win32":
            with suppress(OSError):
                self._fd = os.open(os.ttyname(fd), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
                self._own = True
        self._looks = {name: _codes(look, name, colours) for name, look in LOOKS.items()}
        self._entered = False
        self._stopped = False
        self._pending = b""
        self._before: Canvas | None = None
        self.dropped = 0
        """How many pictures were not drawn because the terminal took nothing."""

    def size(self) -> tuple[int, int]:
        """Columns and rows now."""
        try:
            columns, rows = os.get_terminal_size(self._fd)
        except OSError:
            return 80, 24
        return (columns, rows) if columns > 0 and rows > 0 else (80, 24)

    def draw(self, canvas: Canvas) -> None:
        """Show a canvas. Raises OSError when the terminal is gone."""
        with self._lock:
            if self._stopped or not self._ours():
                self._entered = False
                return
            if not self._flush(0.0):
                self.dropped += 1
                return
            text = ""
            before = self._before
            if not self._entered:
                text, before, self._entered = ENTER, None, True
            if before is not None and (before.width, before.height) != (
                canvas.width,
                canvas.height,
            ):
                text, before = "\x1b[0m\x1b[2J", None
            text += "".join(self._changes(before, canvas))
            self._before = canvas
            if text:
                self._send(text)

    def ring(self, times: int) -> None:
        """Ring the bell, where the terminal takes it."""
        with self._lock, suppress(OSError):
            if self._ours() and self._flush(0.0):
                self._send("\a" * times)

    def redraw(self) -> None:
        """Have the next canvas drawn whole: something else may have written here."""
        with self._lock:
            self._entered = False

    def heal(self) -> None:
        """Have every cell of the next canvas written: a stray line may stand among them."""
        with self._lock:
            self._before = None

    def leave(self, *, stopped: bool = False) -> None:
        """Give the terminal its own screen back; `stopped`: nothing is drawn before `go_on`."""
        with self._lock:
            self._stopped = self._stopped or stopped
            if not self._entered:
                return
            self._entered = False
            with suppress(OSError):
                _let_flow(self._fd)
                self._pending += LEAVE.encode()
                self._flush(LEAVE_S)
            self._pending = b""

    def go_on(self) -> None:
        """Draw again, after `leave`."""
        with self._lock:
            self._stopped = False

    def close(self) -> None:
        """Give the screen back for good."""
        self.leave(stopped=True)
        with self._lock:
            if self._own:
                self._own = False
                os.close(self._fd)

    def _ours(self) -> bool:
        """Whether this program is the one that the terminal shows."""
        if sys.platform == "win32":
            return True
        try:
            return os.tcgetpgrp(self._fd) == os.getpgrp()
        except OSError:
            return True  # it is not the terminal that this program was started from

    def _send(self, text: str) -> None:
        self._pending += text.encode("utf-8", "replace")
        self._flush(0.0)

    def _flush(self, seconds: float) -> bool:
        """Write what waits, as far as it is taken; whether all of it was."""
        while self._pending:
            try:
                written = os.write(self._fd, self._pending)
            except BlockingIOError:
                if seconds <= 0:
                    return False
                _, ready, _ = select.select([], [self._fd], [], seconds)
                if not ready:
                    return False
                continue
            self._pending = self._pending[written:]
        return True

    def _changes(self, before: Canvas | None, canvas: Canvas) -> list[str]:
        """What leads from one canvas to the next."""
        parts: list[str] = []
        style = None
        for y in range(canvas.height):
            cells, styles = canvas.cells[y], canvas.styles[y]
            first, last = 0, canvas.width
            if before is not None:
                old_cells, old_styles = before.cells[y], before.styles[y]
                if cells == old_cells and styles == old_styles:
                    continue
                while cells[first] == old_cells[first] and styles[first] == old_styles[first]:
                    first += 1
                while (
                    cells[last - 1] == old_cells[last - 1]
                    and styles[last - 1] == old_styles[last - 1]
                ):
                    last -= 1
                while first > 0 and not cells[first]:
                    first -= 1
                if last < canvas.width and not cells[last]:
                    last += 1
            parts.append(f"\x1b[{y + 1};{first + 1}H")
            for x in range(first, last):
                if styles[x] != style:
                    style = styles[x]
                    parts.append("\x1b[0m" + self._looks.get(style, ""))
                parts.append(cells[x])
        return parts


@contextmanager
def watched_only(suspended: Callable[[bool], None]) -> Iterator[None]:
    """Have what is typed neither echoed nor kept, while a view without keys is shown.

    Ctrl-C stays what it is; before Ctrl-Z stops the program `suspended` hears True, and False when
    it goes on. The terminal's settings are as before afterwards. For the main thread.
    """
    if sys.platform == "win32":
        yield
        return
    import signal
    import termios

    before = termios.tcgetattr(0)

    def quiet() -> None:
        ours = termios.tcgetattr(0)
        ours[3] &= ~(termios.ECHO | termios.ICANON)
        termios.tcsetattr(0, termios.TCSANOW, ours)

    def stop(*_: object) -> None:
        suspended(True)
        termios.tcsetattr(0, termios.TCSANOW, before)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, stop)
        if os.tcgetpgrp(0) == os.getpgrp():
            quiet()
        suspended(False)

    handler = signal.signal(signal.SIGTSTP, stop)
    try:
        quiet()
        yield
    finally:
        signal.signal(signal.SIGTSTP, handler)
        if os.tcgetpgrp(0) == os.getpgrp():
            termios.tcflush(0, termios.TCIFLUSH)
            termios.tcsetattr(0, termios.TCSANOW, before)


def _codes(look: str, name: str, colours: ColorSystem | None) -> str:
    """The escape sequence that a style begins with."""
    style = Style.parse(look)
    if colours is None:
        style = style.without_color + Style(reverse=name in SET_OFF)
    return style.render("\0", color_system=colours or ColorSystem.STANDARD).partition("\0")[0]


def _let_flow(fd: int) -> None:
    """Take back a Ctrl-S: what is printed at the end must not wait for a Ctrl-Q."""
    if sys.platform != "win32":
        import termios

        with suppress(termios.error):
            own = termios.tcgetattr(fd)
            flowing = termios.tcgetattr(fd)
            flowing[0] &= ~termios.IXON  # a terminal that knows no Ctrl-S any more goes on
            termios.tcsetattr(fd, termios.TCSANOW, flowing)
            termios.tcsetattr(fd, termios.TCSANOW, own)
