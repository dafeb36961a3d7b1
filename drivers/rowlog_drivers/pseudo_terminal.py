"""A pseudo-terminal that behaves like the serial port of a machine on paper."""

from __future__ import annotations

import errno
import os
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.simulator.s4_live import LiveS4

MOST_BYTES: Final = 4096
STEP_S: Final = 0.01
"""How often the machine moves on, in session seconds."""
ALONE_S: Final = 60.0
"""A host that comes back within so long, in session seconds, finds the session it left."""


class TerminalError(RowlogError):
    """A pseudo-terminal that cannot be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to the port."""

    name: str
    """"open", "begun", "unplugged", "plugged" or "left"."""
    text: str
    path: str


class SerialMachine:
    """A machine on a port of its own, from `run()` to `stop()`; any thread may call the others.

    Args:
        machine: makes the machine anew, when its session begins.
        clock: how fast its time passes.
        link: a symbolic link that always points to the port, or None.
        tell: hears what happens, in the thread of `run`.

    The session begins when a host says hello. When the host has left for a minute it is over, and
    the next one finds a fresh machine. Without a host the machine rows on.
    """

    def __init__(
        self,
        machine: Callable[[], LiveS4],
        *,
        clock: Clock,
        link: Path | None = None,
        tell: Callable[[Event], None] | None = None,
    ) -> None:
        if sys.platform == "win32":
            raise TerminalError(
                "Windows has no pseudo-terminals that could be a serial port.",
                "Simulate on Linux or macOS; or use a pair of virtual COM ports, and a machine.",
            )
        self.path = ""
        """Where the port is; "" while it is unplugged."""
        self.machine: LiveS4 | None = None
        self.opened = threading.Event()
        """Set while the port is there."""
        self._make = machine
        self._clock = clock
        self._link = link
        self._tell = tell
        self._master: int | None = None
        self._slave: int | None = None
        self._out = bytearray()
        self._lock = threading.RLock()
        self._wake_read, self._wake_write = os.pipe()
        self._stopping = False
        self._begun_s = 0.0
        self._left_s: float | None = None
        self._dropped = False
        """Whether the machine's own fault has the cable out."""

    def run(self) -> None:
        """Be the machine until `stop()`. Raises TerminalError when there can be no port."""
        try:
            self.plug()
            while not self._stopping:
                self._turn()
        finally:
            self.unplug()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def stop(self) -> None:
        """End `run()`."""
        self._stopping = True
        with suppress(OSError):
            os.write(self._wake_write, b"x")

    def plug(self) -> None:
        """Put the cable in: there is a port again, under a new name most likely."""
        import pty
        import tty

        with self._lock:
            if self._master is not None:
                return
            try:
                self._master, self._slave = pty.openpty()
            except OSError as error:
                raise TerminalError(
                    f"No pseudo-terminal can be made: {error.strerror}.", "Close some terminals."
                ) from error
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self.path = os.ttyname(self._slave)
            self._out.clear()
            self._point_link()
            self.opened.set()
        shown = self.path if self._link is None else f"{self._link} ({self.path})"
        self._told(
            "plugged" if self.machine is not None else "open", f"A WaterRower S4 is on {shown}"
        )

    def unplug(self) -> None:
        """Pull the cable out; the machine rows on."""
        with self._lock:
            if self._master is None or self._slave is None:
                return
            path, self.path = self.path, ""
            self.opened.clear()
            if self._link is not None and self._link.is_symlink():
                self._link.unlink()
            os.close(self._master)
            os.close(self._slave)
            self._master = self._slave = None
            if self.machine is not None:
                self.machine.talking = False
        if not self._stopping:
            self._told("unplugged", f"The cable is out: {path} is gone.")

    def say(self, octets: bytes) -> None:
        """Send bytes that the machine did not mean to: noise on the line."""
        with self._lock:
            self._out += octets
            self._flush()

    def press_reset(self) -> None:
        """Press the power button."""
        with self._lock:
            if self.machine is not None:
                self._out += self.machine.press_reset()

    # ---------------------------------------------------------------------- in the thread of run

    def _turn(self) -> None:
        master = self._master
        readable = [self._wake_read] if master is None else [self._wake_read, master]
        try:
            ready, _, _ = select.select(readable, [], [], self._clock.life_s(STEP_S))
        except (OSError, ValueError):
            return  # unplugged just now
        with self._lock:
            asked = b""
            if master is not None and master in ready and master == self._master:
                asked = self._read(master)
            if self.machine is None and b"USB" in asked.upper():
                self._begin()
            machine = self.machine
            if machine is None:
                return
            was_talking = machine.talking
            self._out += machine.advance(self._t_s())
            if asked:
                self._out += machine.answer(asked)
            self._flush()
            self._presence(machine, was_talking)
        if not machine.plugged and not self._dropped:
            self._dropped = True
            self.unplug()
        elif machine.plugged and self._dropped:
            self._dropped = False
            self.plug()

    def _presence(self, machine: LiveS4, was_talking: bool) -> None:
        if was_talking and not machine.talking and self._master is not None:
            self._left_s = self._clock.now_ns() / 1e9
            self._told("left", "The program said goodbye.")
        elif machine.talking and not was_talking:
            alone_s = self._clock.now_ns() / 1e9 - (self._left_s or 0.0)
            if self._left_s is not None and alone_s > ALONE_S:
                self._begin()
                self._out += self.machine.answer(b"USB\r\n") if self.machine is not None else b""
            self._left_s = None

    def _begin(self) -> None:
        self.machine = self._make()
        self._begun_s = self._clock.now_ns() / 1e9
        self._told("begun", "A program said hello: the session begins.")

    def _t_s(self) -> float:
        return self._clock.now_ns() / 1e9 - self._begun_s

    def _read(self, master: int) -> bytes:
        try:
            return os.read(master, MOST_BYTES)
        except OSError:
            return b""

    def _flush(self) -> None:
        """Send what waits; what nobody reads is lost when the buffer is full, as on a wire."""
        if self._master is None:
            self._out.clear()
            return
        try:
            while self._out:
                del self._out[: os.write(self._master, self._out)]
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EIO):
                raise
            del self._out[:-MOST_BYTES]

    def _point_link(self) -> None:
        if self._link is None:
            return
        try:
            if self._link.is_symlink():
                self._link.unlink()
            self._link.symlink_to(self.path)
        except OSError as error:
            raise TerminalError(
                f"{self._link} cannot be made a link to the port: {error.strerror}.",
                "Name another place with --link.",
            ) from error

    def _told(self, name: str, text: str) -> None:
        if self._tell is not None:
            self._tell(Event(name=name, text=text, path=self.path))
