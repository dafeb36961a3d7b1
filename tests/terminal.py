"""A terminal for tests: a pseudo-terminal, the program that runs in it, and what it shows."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pyte
import pytest

from tests.support import MAIN, PATIENCE_S, environment

fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")

ENTER: Final = b"\x1b[?1049h"
LEAVE: Final = b"\x1b[?1049l"


class InTerminal:
    """The program in a terminal of a size; a thread reads what it writes, until told not to."""

    def __init__(
        self,
        *arguments: str | Path,
        columns: int = 80,
        rows: int = 24,
        before: str = "",
        command: Sequence[str] | None = None,
        **variables: str,
    ) -> None:
        """`before` is Python that runs first; `command` runs in the program's place."""
        self.person, self._program = os.openpty()
        self.resize(columns, rows)
        self.settings: list[Any] = termios.tcgetattr(self._program)
        self.raw = b""
        """All that was written so far."""
        self.times: list[tuple[float, int]] = []
        """When so many bytes had been read, on the clock of `time.monotonic`."""
        self._changed = threading.Condition()
        self._reading = threading.Event()
        self._reading.set()
        argv = [sys.executable, "-c", f"{CONTROL}\n{before}\n{MAIN}", *map(str, arguments)]
        colours = {"TERM": "xterm-256color", "COLORTERM": ""}
        self.process = subprocess.Popen(
            argv if command is None else command,
            env=environment(**(colours | variables)),
            stdin=self._program,
            stdout=self._program,
            stderr=self._program,
            start_new_session=True,
        )
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> InTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        os.close(self._program)
        self._reading.set()
        self._thread.join(PATIENCE_S)
        os.close(self.person)

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size."""
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._program, termios.TIOCSWINSZ, size)
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)

    def now(self) -> list[Any]:
        """The terminal's settings now."""
        found: list[Any] = termios.tcgetattr(self._program)
        return found

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.person, text.encode())

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self.process.send_signal(number)

    def stop_reading(self) -> None:
        """Take nothing more of what the program writes, as a terminal that hangs."""
        self._reading.clear()

    def read_on(self) -> None:
        """Take it again."""
        self._reading.set()

    def lines(self) -> list[str]:
        """What the screen shows."""
        with self._changed:
            return [line.rstrip() for line in self._screen.display]

    def wait(self, wanted: Callable[[list[str]], bool]) -> list[str]:
        """The screen, once it is as wanted."""

        def shown() -> bool:
            return wanted([line.rstrip() for line in self._screen.display])

        with self._changed:
            if not self._changed.wait_for(shown, PATIENCE_S):
                raise AssertionError("\n".join(["never shown:", *self._screen.display]))
            return [line.rstrip() for line in self._screen.display]

    def wait_for(self, words: str, *, on: int | None = None) -> list[str]:
        """The screen, once it has these words, in a row of it or anywhere."""
        return self.wait(lambda lines: words in (lines[on] if on is not None else "\n".join(lines)))

    def wait_raw(self, octets: bytes, times: int = 1) -> None:
        """Wait until these were written so often."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.raw.count(octets) >= times, PATIENCE_S):
                raise AssertionError(f"{octets!r} was not written: {self.raw[-500:]!r}")

    def end(self) -> int:
        """Wait for the program's end, and for all that it wrote; its exit code."""
        code = self.process.wait(PATIENCE_S)
        self._thread.join(PATIENCE_S)
        return code

    def after_leaving(self) -> str:
        """What was written since the program gave the screen back."""
        return self.raw.rpartition(LEAVE)[2].decode(errors="replace").replace("\r\n", "\n")

    def _read(self) -> None:
        while True:
            self._reading.wait()
            try:
                ready, _, _ = select.select([self.person], [], [], 0.2)
                octets = os.read(self.person, 65536) if ready else None
            except OSError:
                return
            with self._changed:
                if octets:
                    self.raw += octets
                    self.times.append((time.monotonic(), len(self.raw)))
                    self._stream.feed(octets)
                self._changed.notify_all()
            if octets == b"" or (octets is None and self._over()):
                return

    def _over(self) -> bool:
        return self.process.poll() is not None


CONTROL: Final = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
