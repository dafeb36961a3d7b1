"""Keys as a transport: of a terminal, where nothing is echoed, and those that a view presses."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from rowlog_drivers.clock import Clock, life_ns
from rowlog_drivers.frames import Frame, Request

REPEAT_NS: Final = 600_000_000
"""The same key again within so long is one that is held down, and counts once."""
HELD_S: Final = 0.15
"""A key that is held down comes again within so long, once it has begun to repeat."""
LOOK_EVERY_S: Final = 0.25
"""How often it is looked whether the terminal is ours: a shell takes and gives it silently."""
ESCAPES: Final = re.compile(r"\x1b(\[[0-9;?]*[^0-9;?]?|O?.?)", re.DOTALL)
"""What arrows and function keys send, and letters typed with Alt: none is a key of ours."""


class KeyboardTransport:
    """Keys of the terminal at standard input, as long as this program has the terminal.

    What a view presses (`press`) becomes the same frames. The terminal is set to give single keys
    without echo. It gets its own settings back when this closes, when the program is stopped by
    its key (Ctrl-Z), and is left alone in the background. Ctrl-C stays what it is.

    Args:
        clock: the session's clock, which stamps the keys.
        labels: what a key is called in its frame; other keys give no frame.
        other: hears every key that has no label, in lower case; twice when it is pressed twice.
        pressed: hears the label of every key that became a frame.
        source, channel: what the frames are of.
        terminal: the file descriptor to read; None: no terminal is, keys are only pressed.
        suspended: hears True before the program is stopped by its key, False when it goes on.
    """

    def __init__(
        self,
        clock: Clock,
        labels: Mapping[str, str],
        *,
        source: str,
        channel: str,
        other: Callable[[str], None],
        pressed: Callable[[str], None],
        terminal: int | None = 0,
        suspended: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._labels = labels
        self._source = source
        self._channel = channel
        self._other = other
        self._pressed = pressed
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._held: tuple[str, int] = ("", -REPEAT_NS)
        self._times = 0
        """How often a key without a label has come without a pause."""
        self._second: asyncio.TimerHandle | None = None
        self._terminal: _Windows | _Posix | None = None
        if terminal is not None and sys.platform == "win32":
            self._terminal = _Windows(self._typed)
        elif terminal is not None:
            self._terminal = _Posix(terminal, self._typed, suspended)

    async def open(self) -> None:
        """Begin to read keys; what was typed before is dropped."""
        if self._terminal is not None:
            self._terminal.open()

    async def frames(self) -> AsyncIterator[Frame]:
        """A frame for every key with a label, until this is closed."""
        while (frame := await self._queue.get()) is not None:
            yield frame

    async def send(self, request: Request) -> None:
        """Nothing: a keyboard takes nothing."""

    async def close(self) -> None:
        """Give the terminal its settings back, and end `frames()`; safe to call twice."""
        if self._terminal is not None:
            self._terminal.close()
        if self._second is not None:
            self._second.cancel()
        self._queue.put_nowait(None)

    def press(self, label: str) -> None:
        """A key by its label, as if it had been typed; from the event loop's own thread."""
        if self._once(label):
            self._give(label)

    def _typed(self, text: str) -> None:
        for key in ESCAPES.sub("", text).lower():
            once, label = self._once(key), self._labels.get(key)
            if label is None:
                self._unlabelled(key, once)
            elif once:
                self._give(label)

    def _unlabelled(self, key: str, once: bool) -> None:
        """Tell of a key; of a quick second press when it is clear that no third follows at once."""
        if self._second is not None:
            self._second.cancel()
            self._second = None
        self._times = 1 if once else self._times + 1
        if once:
            self._other(key)
        elif self._times == 2:
            self._second = asyncio.get_running_loop().call_later(HELD_S, self._other, key)

    def _once(self, key: str) -> bool:
        """Whether a key is not merely held down."""
        now_ns = life_ns()
        last, last_ns = self._held
        self._held = (key, now_ns)
        return key != last or now_ns - last_ns >= REPEAT_NS

    def _give(self, label: str) -> None:
        self._queue.put_nowait(
            Frame(
                t_ns=self._clock.now_ns(),
                source=self._source,
                channel=self._channel,
                payload=label.encode(),
            )
        )
        self._pressed(label)


class _Posix:
    """A terminal that is read by the event loop."""

    def __init__(
        self, terminal: int, typed: Callable[[str], None], suspended: Callable[[bool], None]
    ) -> None:
        self._terminal = terminal
        self._typed = typed
        self._suspended = suspended
        self._before: list[Any] | None = None
        """The terminal's own settings while it has ours."""
        self._look_again: asyncio.TimerHandle | None = None
        self._stops = False

    def open(self) -> None:
        import signal

        with suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread
            if signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL:
                asyncio.get_running_loop().add_signal_handler(signal.SIGTSTP, self._stop)
                self._stops = True
        self._look()

    def close(self) -> None:
        import signal

        if self._look_again is not None:
            self._look_again.cancel()
            self._look_again = None
        self._release()
        if self._stops:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGTSTP)
            self._stops = False

    def _ours(self) -> bool:
        """Whether this program is the one that the terminal listens to."""
        import os

        try:
            return os.tcgetpgrp(self._terminal) == os.getpgrp()
        except OSError:
            return False  # it is gone, or none of ours

    def _look(self) -> None:
        """Take the terminal when it is ours, leave it when it is not."""
        if self._ours():
            self._take()
        else:
            self._release()
        loop = asyncio.get_running_loop()
        self._look_again = loop.call_later(LOOK_EVERY_S, self._look)

    def _take(self) -> None:
        import termios

        if self._before is not None:
            return
        try:
            before = termios.tcgetattr(self._terminal)
            ours = termios.tcgetattr(self._terminal)
            ours[3] &= ~(termios.ECHO | termios.ICANON)
            ours[6][termios.VMIN], ours[6][termios.VTIME] = 1, 0
            termios.tcflush(self._terminal, termios.TCIFLUSH)
            termios.tcsetattr(self._terminal, termios.TCSANOW, ours)
        except (termios.error, OSError):
            return
        self._before = before
        asyncio.get_running_loop().add_reader(self._terminal, self._read)

    def _release(self) -> None:
        """Give the settings back; not from the background, where that would stop the program."""
        import termios

        if self._before is None:
            return
        before, self._before = self._before, None
        asyncio.get_running_loop().remove_reader(self._terminal)
        if self._ours():
            with suppress(termios.error, OSError):
                termios.tcsetattr(self._terminal, termios.TCSANOW, before)

    def _read(self) -> None:
        import os

        if not self._ours():  # what is typed is for somebody else
            self._release()
            return
        try:
            typed = os.read(self._terminal, 1024)
        except OSError:
            typed = b""
        if typed:
            self._typed(typed.decode("utf-8", "replace"))
        else:
            self._release()

    def _stop(self) -> None:
        """Be stopped, as Ctrl-Z asks, with the terminal as it was; go on from here later."""
        import signal

        loop = asyncio.get_running_loop()
        self._suspended(True)
        self._release()
        loop.remove_signal_handler(signal.SIGTSTP)
        signal.raise_signal(signal.SIGTSTP)
        loop.add_signal_handler(signal.SIGTSTP, self._stop)
        if self._ours():
            self._take()
        self._suspended(False)


class _Windows:
    """A console that is looked at by a thread: Windows tells nobody of a key."""

    def __init__(self, typed: Callable[[str], None]) -> None:
        self._typed = typed
        self._closed = threading.Event()

    def open(self) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._watch, args=(loop,), daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        if sys.platform == "win32":
            import msvcrt

            while not self._closed.wait(0.05):
                while msvcrt.kbhit():
                    key = msvcrt.getwch()
                    if key in ("\x00", "\xe0"):  # an arrow or a function key: one more follows
                        msvcrt.getwch()
                        continue
                    with suppress(RuntimeError):  # the loop has ended meanwhile
                        loop.call_soon_threadsafe(self._typed, key)
