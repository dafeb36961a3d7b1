"""USB HID: the Concept2 monitors that are plugged in, and the transport that keeps one of them.

A thread a device reads, and stamps every report as it came, its id first; all else happens in the
event loop. `link` frames say "up" and "down REASON". Reports go through hidapi, an optional part
of rowlog, as its `hid` module has them.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from enum import Enum
from typing import Any, Final, Protocol

from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import LinkLostError, RowlogError
from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.interface import Complaint
from rowlog_drivers.transports.outgoing import Outgoing
from rowlog_drivers.transports.serial_profile import Port, UsbId, find_again

MOST_BYTES: Final = 512
"""Of one report: the longest known has 500."""
MOST_WAITING: Final = 20_000
"""Reports that may wait to be taken, minutes of any monitor; then the device is let go."""
READ_S: Final = 0.2
"""How long the thread waits for a report before it looks whether it is still wanted; of life."""
CLOSE_S: Final = 2.0
AGAIN_S: Final = 1.0
"""Session seconds between two looks for a device that is gone."""
ADVISED_S: Final = 5.0
"""When a cable has been out for so long, in session seconds, people are told to plug it in."""

RULE: Final = (
    'echo \'KERNEL=="hidraw*", ATTRS{idVendor}=="17a4", TAG+="uaccess"\' | '
    "sudo tee /etc/udev/rules.d/70-rowlog.rules && sudo udevadm control --reload"
)
"""What lets the one who sits at a Linux computer use the monitor; from the next plugging in."""

FAILURES: Final = (OSError, ValueError, RuntimeError)
"""What hidapi raises when a device is gone, closed, or not to be had."""


class Trouble(Enum):
    """What is wrong with a device; the value is the reason that a `link` frame tells."""

    NO_LIBRARY = "hidapi not installed"
    MISSING = "not plugged in"
    REFUSED = "cannot be opened"
    UNPLUGGED = "unplugged"
    OVERRUN = "more came than could be taken"


class HidError(RowlogError):
    """A USB device that cannot be used, or not any more.

    Attributes:
        trouble: what is wrong.
    """

    def __init__(self, what: str, next_step: str | None = None, *, trouble: Trouble) -> None:
        super().__init__(what, next_step)
        self.trouble = trouble


class Opened(Protocol):
    """One device of hidapi."""

    def open_path(self, path: bytes) -> None:
        """Open it. Raises OSError."""

    def read(self, max_length: int, timeout_ms: int = 0) -> list[int]:
        """The next report, its id first; [] when none came in time. Raises OSError."""

    def write(self, buff: bytes) -> int:
        """Send a report, its id first; how many bytes went out, -1 when it failed."""

    def close(self) -> None:
        """Let go of it."""


class Hid(Protocol):
    """The module `hid` of hidapi, as far as it is needed here."""

    def enumerate(self, vendor_id: int = 0, product_id: int = 0) -> list[dict[str, Any]]:
        """What is plugged in."""

    def device(self) -> Opened:
        """A device that is not open yet."""


def library() -> Hid:
    """The module of hidapi. Raises HidError where it is not installed."""
    try:
        module: Any = importlib.import_module("hid")
    except ImportError as error:
        raise HidError(
            "Concept2 monitors on a USB cable need hidapi, which is not installed here.",
            'Install it: python3 -m pip install "rowlog[usb]". Or record a PM5 by Bluetooth.',
            trouble=Trouble.NO_LIBRARY,
        ) from error
    found: Hid = module
    return found


def monitors(wanted: tuple[UsbId, ...], hid: Hid | None = None) -> tuple[Port, ...]:
    """Those of these devices that are plugged in, in order of their paths.

    Raises HidError where hidapi is not installed.
    """
    hid = library() if hid is None else hid
    found: dict[str, Port] = {}
    for vendor in sorted({one.vendor for one in wanted}):
        for told in hid.enumerate(vendor, 0):
            path = told.get("path", b"")
            port = Port(
                path=path.decode("utf-8", "backslashreplace") if isinstance(path, bytes) else path,
                vendor=told.get("vendor_id"),
                product_id=told.get("product_id"),
                product=told.get("product_string") or None,
                manufacturer=told.get("manufacturer_string") or None,
                serial_number=told.get("serial_number") or None,
            )
            if any(port.fits(one) for one in wanted):
                found.setdefault(port.path, port)
    return tuple(found[path] for path in sorted(found))


class HidTransport:
    """One USB device, from `open()` to `close()`, whatever happens to its cable.

    Args:
        port: which device; found again by its serial number, or as the only one of its make.
        source: what it is called in frames.
        clock: the session's; stamps and waits use it.
        wanted: what may be looked for.
        hid: hidapi; None: the one that is installed.
    """

    def __init__(
        self,
        port: Port,
        source: str,
        clock: Clock,
        wanted: tuple[UsbId, ...],
        *,
        hid: Hid | None = None,
    ) -> None:
        self.port = port
        self.source = source
        self.trouble: HidError | None = None
        self._clock = clock
        self._wanted = wanted
        self._hid = hid
        self._outgoing = Outgoing()
        self._reader: _Reader | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self._heard_ns = 0

    async def open(self) -> None:
        """Open the device; from then on it is kept.

        Raises HidError, saying why and what to do; the transport is closed then.
        """
        try:
            reader = await self._connect()
        except BaseException:
            await self.close()
            raise
        self._task = asyncio.create_task(self._keep(reader))
        self._outgoing.end_with(self._task)

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame in order of arrival; ends when closed, after all that had come."""
        async for frame in self._outgoing.frames():
            yield frame

    async def send(self, request: Request) -> None:
        """Send a report, its id first. Raises LinkLostError when the device is gone."""
        reader = self._reader
        if reader is None or reader.down.is_set():
            raise LinkLostError(f"{self._label} is not plugged in.", "It is being looked for.")
        self._put(self._clock.now_ns(), request.channel, request.payload, sent=True)
        reader.write(request.payload)

    def complaint(self) -> Complaint | None:
        """Why the monitor is not heard at the moment; None when it is."""
        if self.trouble is None or self._closed:
            return None
        seconds = (self._clock.now_ns() - self._heard_ns) / 1e9
        return Complaint(
            source=self.source,
            device=self._label,
            trouble=self.trouble.trouble.value,
            seconds=seconds,
            advice=self.trouble.next_step if seconds >= ADVISED_S else None,
        )

    async def close(self) -> None:
        """Let go of the device; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()
        self._outgoing.end()

    @property
    def _label(self) -> str:
        return self.port.product or self.port.path

    async def _keep(self, reader: _Reader) -> None:
        """Serve the device, and open it again when it is lost, for as long as that is wanted."""
        while True:
            await reader.down.wait()
            lost_ns = self._clock.now_ns()
            self._reader = None
            await reader.close()
            self._put(lost_ns, "link", f"down {reader.trouble.value}".encode())
            self.trouble = HidError(
                f"{self._label}: {reader.trouble.value}.",
                "Plug its cable in again.",
                trouble=reader.trouble,
            )
            reader = await self._connect_again()

    async def _connect_again(self) -> _Reader:
        while True:
            await asyncio.sleep(self._clock.life_s(AGAIN_S))
            with suppress(HidError):
                return await self._connect()

    async def _connect(self) -> _Reader:
        """The device, open and read. Raises HidError."""
        hid = library() if self._hid is None else self._hid
        there = await asyncio.to_thread(monitors, self._wanted, hid)
        found = find_again(self.port, there)
        if found is None:
            raise HidError(
                f"{self._label} is not plugged in.",
                "Plug its USB cable in, and switch the monitor on.",
                trouble=Trouble.MISSING,
            )
        device = hid.device()
        try:
            await asyncio.to_thread(device.open_path, found.path.encode())
        except FAILURES as error:
            raise _refused(found, error) from error
        self.port, self.trouble = found, None
        self._heard_ns = self._clock.now_ns()
        reader = _Reader(device, self._clock, self._heard)
        self._reader = reader
        self._put(self._heard_ns, "link", b"up")
        return reader

    def _heard(self, t_ns: int, report: bytes) -> None:
        self._heard_ns = t_ns
        self._put(t_ns, "rx", report)
        if len(self._outgoing) > MOST_WAITING and self._reader is not None:
            self._reader.fall(Trouble.OVERRUN)

    def _put(self, t_ns: int, channel: str, payload: bytes, *, sent: bool = False) -> None:
        self._outgoing.put(
            Frame(t_ns=t_ns, source=self.source, channel=channel, payload=payload, sent=sent)
        )


class _Reader:
    """An open device with the thread that reads it, until the first error."""

    def __init__(self, device: Opened, clock: Clock, heard: Callable[[int, bytes], None]) -> None:
        self.down = asyncio.Event()
        self.trouble = Trouble.UNPLUGGED
        self._device = device
        self._clock = clock
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._closing = False
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="rowlog usb", daemon=True)
        self._thread.start()

    def write(self, report: bytes) -> None:
        """Send it at once. Raises LinkLostError when the device is lost by it."""
        with suppress(*FAILURES):
            if not self.down.is_set() and self._device.write(report) >= 0:
                return
        self.fall(Trouble.UNPLUGGED)
        raise LinkLostError("The monitor cannot be written to.", "It is being looked for.")

    def fall(self, trouble: Trouble) -> None:
        """It is lost, for this reason, if it was not before."""
        if not self.down.is_set():
            self.trouble = trouble
            self.down.set()

    async def close(self) -> None:
        """End the thread, which lets go of the device; safe to call twice."""
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._ended.wait()

    def _run(self) -> None:
        """On the thread: read until told to end, or until nothing can be read."""
        try:
            while not self._closing:
                report = self._device.read(MOST_BYTES, timeout_ms=round(READ_S * 1000))
                if report:
                    t_ns = self._clock.now_ns()
                    self._call(self._heard, t_ns, bytes(report))
        except FAILURES:
            self._call(self.fall, Trouble.UNPLUGGED)
        finally:
            with suppress(*FAILURES):
                self._device.close()
            self._call(self._ended.set)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(function, *arguments)


def _refused(port: Port, error: Exception) -> HidError:
    remedy = "Close other programs that may hold it, and unplug and replug the cable."
    if sys.platform == "linux":
        remedy = f"{remedy} If it is the permission that is missing: {RULE}"
    return HidError(
        f"{port.product or port.path} is plugged in and cannot be opened: {error}.",
        remedy,
        trouble=Trouble.REFUSED,
    )
