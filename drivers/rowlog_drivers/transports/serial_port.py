"""Serial ports: which there are, one of them opened, and the transport that keeps a machine's.

A thread a port reads, and stamps every chunk as it came; all else happens in the event loop. A
chunk may hold several lines or half a one. `link` frames say "up" and "down REASON"; a machine
that must be greeted is up once it has answered, and its greeting stands among the frames.
"""

from __future__ import annotations

import asyncio
import os
import re
import select
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Any, Final

import serial
import serial.tools.list_ports

from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import LinkLostError
from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.interface import Complaint
from rowlog_drivers.transports import serial_errors as errors
from rowlog_drivers.transports.outgoing import Outgoing
from rowlog_drivers.transports.serial_errors import SerialPortError, Trouble
from rowlog_drivers.transports.serial_profile import Port, SerialProfile, find_again

__all__ = ["Line", "SerialState", "SerialTransport", "greet", "open_line", "port_at", "ports"]

MOST_BYTES: Final = 4096
"""Of one chunk, and of what a machine may say before it is known."""
MOST_WAITING: Final = 20_000
"""Chunks that may wait to be taken, some minutes of any machine; then the port is let go."""
READ_S: Final = 0.5
"""How long the thread waits for bytes before it looks whether it is still wanted; of life."""
WRITE_S: Final = 0.5
"""How long a write may take; a few bytes take none of it."""
CLOSE_S: Final = 2.0
"""How long closing is waited for: some drivers of serial chips hang in it."""
HELLO_S: Final = 1.0
"""How long a greeting's answer is waited for, in session seconds."""
HELLOS: Final = 4
"""How often a machine is greeted before another port, or another driver, is tried."""
BACKOFF_S: Final = (0.0, 0.5, 1.0)
"""Session seconds before each attempt to open the port; the last goes on for ever."""

if sys.platform == "win32":
    _TERMINAL: tuple[type[Exception], ...] = ()
else:
    import termios

    _TERMINAL = (termios.error,)
FAILURES: Final[tuple[type[Exception], ...]] = (OSError, ValueError, *_TERMINAL)
"""What pyserial raises: its own errors are OSErrors, those of a terminal that is gone are not."""


ADVISED_S: Final = 5.0
"""When a cable has been out for so long, in session seconds, people are told to plug it in."""
_PASSING: Final = frozenset({Trouble.MISSING, Trouble.UNPLUGGED, Trouble.SILENT, Trouble.STUCK})
"""What may mend itself: a cable that moved, a monitor that starts."""


class SerialState(Enum):
    """Where a transport stands."""

    WAITING = "waiting"
    """Before the next attempt to open the port."""
    GREETING = "greeting"
    UP = "up"
    CLOSED = "closed"


def ports() -> tuple[Port, ...]:
    """The serial ports of this computer, in order of their names."""
    return tuple(
        sorted(
            (
                Port(
                    path=found.device,
                    vendor=found.vid,
                    product_id=found.pid,
                    product=found.product or _named(found.description),
                    manufacturer=found.manufacturer,
                    serial_number=found.serial_number or None,
                    location=found.location,
                )
                for found in serial.tools.list_ports.comports()
            ),
            key=lambda port: port.path,
        )
    )


def _named(description: str | None) -> str | None:
    return None if description in (None, "", "n/a") else description


def port_at(path: str, there: tuple[Port, ...] | None = None) -> Port:
    """The port that the user named, with what the system knows of it, if anything."""
    there = ports() if there is None else there
    with suppress(OSError):
        device = str(Path(path).resolve())
        for port in there:
            if path == port.path or device == str(Path(port.path).resolve()):
                return Port(
                    path=path,
                    vendor=port.vendor,
                    product_id=port.product_id,
                    product=port.product,
                    manufacturer=port.manufacturer,
                    serial_number=port.serial_number,
                    location=port.location,
                )
    return Port(path=path)


class Line:
    """One opening of a port, with the thread that reads it, until the first error.

    Args:
        path, baud: which port, and its speed.
        clock: stamps the chunks.
        heard: given each chunk with its stamp, in the event loop.

    Attributes:
        ready: done once the port is open; holds what pyserial raised when it cannot be.
        down: set when the line is lost; `trouble` says why.
    """

    def __init__(
        self, path: str, baud: int, clock: Clock, heard: Callable[[int, bytes], None]
    ) -> None:
        self.path = path
        self.opened_ns = 0
        self.trouble: Trouble | None = None
        self.down = asyncio.Event()
        self._baud = baud
        self._clock = clock
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self._closed = asyncio.Event()
        self._closing = False
        self._port: serial.Serial | None = None
        self._given = 0
        self._taken = 0
        self._thread = threading.Thread(target=self._run, name=f"rowlog {path}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Chunks that were read and that the loop has not come to."""
        return self._given - self._taken

    def write(self, payload: bytes) -> None:
        """Send it at once. Raises LinkLostError when the line is lost, or loses it."""
        port = self._port
        if port is None or self.down.is_set() or self._closing:
            raise LinkLostError(f"{self.path} is not open.", "It is being looked for.")
        try:
            if not _takes_bytes(port):
                self.fall(Trouble.STUCK)
            elif port.write(payload) == len(payload):
                return
        except serial.SerialTimeoutException:
            self.fall(Trouble.STUCK)
        except FAILURES:
            self.fall(Trouble.UNPLUGGED)
        raise LinkLostError(f"{self.path} cannot be written to.", "It is being looked for.")

    async def close(self) -> None:
        """Close the port; what was to be sent and was not is dropped. Safe to call twice."""
        self._closing = True
        port = self._port
        if port is not None:
            with suppress(*FAILURES, AttributeError, TypeError):
                port.cancel_read()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._closed.wait()

    def fall(self, trouble: Trouble) -> None:
        """It is lost, for this reason, if it was not before."""
        if not self.down.is_set():
            self.trouble = trouble
            self.down.set()

    # ------------------------------------------------------------------------ in the event loop

    def _opened(self, opened_ns: int) -> None:
        self.opened_ns = opened_ns
        if not self.ready.done():
            self.ready.set_result(None)

    def _not_opened(self, error: Exception) -> None:
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()  # nobody need ask for it
        self.fall(Trouble.UNPLUGGED)

    def _take(self, t_ns: int, chunk: bytes) -> None:
        self._taken += 1
        if not self.down.is_set() and not self._closing:
            self._heard(t_ns, chunk)

    # ----------------------------------------------------------------------------- in the thread

    def _run(self) -> None:
        try:
            port = serial.Serial(
                self.path, self._baud, timeout=READ_S, write_timeout=WRITE_S, **_alone()
            )
        except FAILURES as error:
            self._tell(self._not_opened, error)
            self._tell(self._closed.set)
            return
        self._port = port
        try:
            _alone_from_now(port)
            self._tell(self._opened, self._clock.now_ns())
            self._read(port)
        except FAILURES:
            self._tell(self.fall, Trouble.UNPLUGGED)
        finally:
            self._port = None
            with suppress(*FAILURES):
                port.reset_output_buffer()
            with suppress(*FAILURES):
                port.close()
            self._tell(self._closed.set)

    def _read(self, port: serial.Serial) -> None:
        while not self._closing:
            t_ns, chunk = _next_chunk(port, self._clock)
            if not chunk:
                continue
            if self.waiting > MOST_WAITING:
                self._tell(self.fall, Trouble.OVERRUN)
                return
            self._given += 1
            self._tell(self._take, t_ns, chunk)

    def _tell(self, what: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody is there to be told
            self._loop.call_soon_threadsafe(what, *arguments)


def _alone() -> dict[str, Any]:
    """A port is shared by nobody: two readers would each get half of the bytes."""
    return {} if sys.platform == "win32" else {"exclusive": True}


def _alone_from_now(port: serial.Serial) -> None:
    """Let no other program open it, those included that do not ask for a lock."""
    if sys.platform != "win32":
        import fcntl

        with suppress(*FAILURES):
            fcntl.ioctl(port.fileno(), termios.TIOCEXCL)


def _next_chunk(port: serial.Serial, clock: Clock) -> tuple[int, bytes]:
    """What has come, with its stamp; b"" when nothing did for a while, or reading was cancelled.

    Where it can be, the wait is for the port itself: pyserial would wait twice for each chunk.
    """
    if sys.platform == "win32":
        chunk = port.read(1)
        t_ns = clock.now_ns()
        return t_ns, chunk + port.read(min(port.in_waiting, MOST_BYTES - 1)) if chunk else b""
    number: int = port.fileno()
    cancelled: int = port.pipe_abort_read_r or number
    ready = select.select([number, cancelled], [], [], READ_S)[0]
    t_ns = clock.now_ns()
    if number not in ready:
        return t_ns, b""
    chunk = os.read(number, MOST_BYTES)
    if not chunk:
        raise OSError("the port is ready, and has nothing: it is gone")
    return t_ns, chunk


def _takes_bytes(port: serial.Serial) -> bool:
    """Whether a short write will not wait: the event loop has no time for that."""
    if sys.platform == "win32":
        return True
    return bool(select.select([], [port.fileno()], [], 0)[1])


async def open_line(
    path: str, baud: int, clock: Clock, heard: Callable[[int, bytes], None]
) -> Line:
    """A port that is open. Raises SerialPortError, saying why it is not."""
    line = Line(path, baud, clock, heard)
    try:
        await line.ready
    except FAILURES as error:
        raise await asyncio.to_thread(errors.from_opening, path, error) from error
    except BaseException:
        await line.close()
        raise
    return line


async def greet(
    line: Line,
    profile: SerialProfile,
    clock: Clock,
    heard: bytearray,
    sent: Callable[[bytes], None],
    *,
    hellos: int = HELLOS,
) -> None:
    """Say hello until the machine has answered, which is found in `heard` as it grows.

    `sent` is told of each hello before it goes. Raises SerialPortError when nothing comes, or
    something else, and LinkLostError when the port is lost meanwhile.
    """
    if profile.hello is None:
        return
    answer = re.compile(profile.answer)
    for _ in range(hellos):
        sent(profile.hello)
        line.write(profile.hello)
        until_ns = clock.now_ns() + round(HELLO_S * 1e9)
        while clock.now_ns() < until_ns and not line.down.is_set():
            if answer.search(heard):
                return
            await asyncio.sleep(min(0.01, clock.life_s(0.05)))
    if line.down.is_set():
        raise errors.fallen(line.path, line.trouble or Trouble.UNPLUGGED)
    raise errors.stranger(line.path, bytes(heard)) if heard else errors.silent(line.path)


class SerialTransport:
    """One machine on a serial port, from `open()` to `close()` whatever happens to its cable.

    Args:
        port: where it is now; found again by what the system knows of it.
        source: what the device is called in frames.
        clock: the session's clock; stamps, time limits of the dialogue and backoff use it.
        profile: speed, greeting and patience.
        there: lists the ports that there are.
        on_change: called when `state` or `trouble` has changed.

    Attributes:
        state: where it stands.
        trouble: what is or last was wrong; None while the machine is there.
        port: where it is, or last was.
    """

    def __init__(
        self,
        port: Port,
        source: str,
        clock: Clock,
        profile: SerialProfile,
        *,
        there: Callable[[], tuple[Port, ...]] = ports,
        on_change: Callable[[SerialTransport], None] | None = None,
    ) -> None:
        self.state = SerialState.WAITING
        self.trouble: SerialPortError | None = None
        self.port = port
        self.source = source
        self._named = port
        self._clock = clock
        self._profile = profile
        self._there = there
        self._on_change = on_change
        self._outgoing = Outgoing()
        self._line: Line | None = None
        self._task: asyncio.Task[None] | None = None
        self._held: list[Frame] | None = None
        """Frames of a machine that has not answered yet; None once it has."""
        self._greeting = bytearray()
        self._heard_ns = 0

    async def open(self) -> None:
        """Open the port and greet the machine; from then on it is kept.

        Raises SerialPortError, saying why and what to do; the transport is closed then.
        """
        try:
            line = await self._connect()
        except BaseException:
            await self.close()
            raise
        self._task = asyncio.create_task(self._keep(line))
        self._outgoing.end_with(self._task)

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame in order of arrival; ends when closed, after all that had come."""
        async for frame in self._outgoing.frames():
            yield frame

    async def send(self, request: Request) -> None:
        """Write to the machine. Raises LinkLostError when the port is not open."""
        line = self._line
        if line is None or self.state is not SerialState.UP or line.down.is_set():
            raise LinkLostError(f"{self.port.path} is not open.", "It is being looked for.")
        self._put(self._clock.now_ns(), request.channel, request.payload, sent=True)
        line.write(request.payload)

    def complaint(self) -> Complaint | None:
        """Why the machine is not heard at the moment; None when it is."""
        if self.trouble is None or self.state in (SerialState.UP, SerialState.CLOSED):
            return None
        seconds = (self._clock.now_ns() - self._heard_ns) / 1e9
        needs_somebody = self.trouble.trouble not in _PASSING or seconds >= ADVISED_S
        return Complaint(
            source=self.source,
            device=self.port.path,
            trouble=self.trouble.trouble.value,
            seconds=seconds,
            advice=self.trouble.next_step if needs_somebody else None,
        )

    async def close(self) -> None:
        """Say goodbye and let go of the port; safe to call twice."""
        if self.state is SerialState.CLOSED:
            return
        was_up = self.state is SerialState.UP
        self._change(SerialState.CLOSED, self.trouble)
        line, self._line = self._line, None
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        if line is not None:
            if was_up and self._profile.goodbye:
                with suppress(LinkLostError):
                    self._put(self._clock.now_ns(), "tx", self._profile.goodbye, sent=True)
                    line.write(self._profile.goodbye)
                    await asyncio.sleep(0.02)  # out of the buffer, which closing empties
            await line.close()
        self._outgoing.end()

    # --------------------------------------------------------------------- keeping the port open

    async def _keep(self, line: Line) -> None:
        """Serve the line, and open it again when it is lost, for as long as that is wanted."""
        while True:
            trouble = await self._serve(line)
            lost_ns = self._clock.now_ns()
            self._line = None
            # The old port first: while it is held the system gives the machine another name.
            await line.close()
            self._put(lost_ns, "link", f"down {trouble.value}".encode())
            self._change(SerialState.WAITING, errors.fallen(line.path, trouble))
            line = await self._connect_again()

    async def _serve(self, line: Line) -> Trouble:
        """Wait until the line is lost; why it was."""
        while not line.down.is_set():
            silence_s = self._profile.silence_s
            left_s = READ_S
            if silence_s is not None:
                silent_s = (self._clock.now_ns() - self._heard_ns) / 1e9
                if silent_s >= silence_s:
                    return Trouble.SILENT
                left_s = self._clock.life_s(silence_s - silent_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(left_s, 0.01)):
                    await line.down.wait()
        return line.trouble or Trouble.UNPLUGGED

    async def _connect_again(self) -> Line:
        attempts = 0
        while True:
            backoff_s = BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)]
            await asyncio.sleep(self._clock.life_s(backoff_s))
            attempts += 1
            try:
                return await self._connect()
            except SerialPortError as error:
                self._change(SerialState.WAITING, error)
            except LinkLostError:
                continue

    async def _connect(self) -> Line:
        """An open port whose machine has answered. Raises SerialPortError, LinkLostError."""
        self.port = await self._find()
        self._held, self._greeting = [], bytearray()
        line = await open_line(self.port.path, self._profile.baud, self._clock, self._take)
        self._line = line
        self._change(SerialState.GREETING, self.trouble)
        try:
            await greet(line, self._profile, self._clock, self._greeting, self._greeted)
        except BaseException:
            self._line = None
            await line.close()
            raise
        held, self._held = self._held, None
        self._put(line.opened_ns, "link", b"up")
        for frame in held:
            self._outgoing.put(frame)
        self._heard_ns = self._clock.now_ns()
        self._change(SerialState.UP, None)
        return line

    async def _find(self) -> Port:
        """The machine's port, under whatever name. Raises SerialPortError."""
        named = self._named
        if not named.is_usb:
            return named
        there = await asyncio.to_thread(self._there)
        found = find_again(named, there)
        if found is not None:
            return found
        raise errors.missing(named.path)

    # ----------------------------------------------------------------------------------- frames

    def _take(self, t_ns: int, chunk: bytes) -> None:
        self._heard_ns = t_ns
        if self._held is not None:
            self._greeting += chunk
            del self._greeting[:-MOST_BYTES]
            del self._held[:-MOST_BYTES]
        self._put(t_ns, "rx", chunk)
        if len(self._outgoing) > MOST_WAITING and self._line is not None:
            self._line.fall(Trouble.OVERRUN)

    def _greeted(self, payload: bytes) -> None:
        self._put(self._clock.now_ns(), "tx", payload, sent=True)

    def _put(self, t_ns: int, channel: str, payload: bytes, *, sent: bool = False) -> None:
        frame = Frame(t_ns=t_ns, source=self.source, channel=channel, payload=payload, sent=sent)
        if self._held is not None and channel != "link":
            self._held.append(frame)
        else:
            self._outgoing.put(frame)

    def _change(self, state: SerialState, trouble: SerialPortError | None) -> None:
        if self.state is SerialState.CLOSED or (state is self.state and trouble is self.trouble):
            return
        self.state, self.trouble = state, trouble
        if self._on_change is not None:
            self._on_change(self)
