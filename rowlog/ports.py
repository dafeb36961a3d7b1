"""Rowers on serial ports, for a session: found, recognised, opened, looked for again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar, Final

from rowlog import usb
from rowlog.devices import ROWER, Opened, baud_of, check_options
from rowlog.store_devices import KnownDevice
from rowlog_drivers.addresses import Address
from rowlog_drivers.catalog import DRIVERS, NAME_OPTION, Driver, find_driver, make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Device
from rowlog_drivers.errors import AddressError, LinkLostError
from rowlog_drivers.frames import SourceHeader
from rowlog_drivers.identify import Identified
from rowlog_drivers.transports.ble_names import printable
from rowlog_drivers.transports.serial_errors import SerialPortError, Trouble
from rowlog_drivers.transports.serial_port import (
    SerialTransport,
    greet,
    open_line,
    port_at,
    ports,
)
from rowlog_drivers.transports.serial_profile import Port, SerialProfile

ASKED: Final = ("waterrower", "fdf", "csafe")
"""The drivers whose greeting tells their machine, in the order in which a port is asked."""
HELLOS: Final = 2
"""How often a port is greeted in each of these ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPort:
    """A serial port, and what is behind it."""

    port: Port
    identified: Identified
    NOTHING: ClassVar[Identified] = Identified(kind="other", driver=None, what="serial port")
    """What is behind a port that could not be asked."""

    options: tuple[tuple[str, str], ...] = ()
    """Options of its decoder that the user gave."""
    baud: int | None = None
    """The speed that the user gave; None: the driver's own."""
    scheme: str = "serial"
    """"usb" for a monitor that is no serial port."""
    trouble: SerialPortError | None = None
    """Why it could not be asked, or that it did not answer; None when it was not asked, or did."""
    known: KnownDevice | None = None
    """What is remembered of it; None for a stranger."""

    @property
    def address(self) -> str:
        """With its scheme, as `--rower` takes it."""
        return f"usb:{usb.name_of(self.port)}" if self.on_usb else f"serial:{self.port.path}"

    @property
    def on_usb(self) -> bool:
        """Whether it is a monitor on a USB cable."""
        return self.scheme == "usb"

    @property
    def name(self) -> str | None:
        """As the USB device says it, raw."""
        return self.port.product

    @property
    def label(self) -> str:
        """What people call it, fit for a terminal."""
        return printable(self.port.product or self.port.path)

    @property
    def rssi_dbm(self) -> int | None:
        """There is no signal."""
        return None

    @property
    def connected(self) -> bool:
        """Nobody else can be connected: such a port tells that it is in use."""
        return False

    @property
    def services(self) -> tuple[str, ...]:
        """There are none."""
        return ()

    @property
    def answered(self) -> bool:
        """Whether a machine that rowlog reads has answered."""
        return self.identified.kind == "rower" and self.trouble is None


def candidates(port: Port) -> list[Driver]:
    """The drivers whose machines show themselves like this port."""
    found = []
    for name in ASKED:
        driver = DRIVERS[name]
        if driver.serial is not None and any(port.fits(usb) for usb in driver.serial.usb):
            found.append(driver)
    return found


async def look_at_ports(there: Callable[[], tuple[Port, ...]] = ports) -> list[FoundPort]:
    """All serial ports; those that may be a rower by their USB numbers are asked, no others.

    A strange device may take any byte for a command, so nothing is written to it.
    """
    found = await asyncio.to_thread(there)
    return list(await asyncio.gather(*(_look_at(port) for port in found)))


async def _look_at(port: Port) -> FoundPort:
    drivers = candidates(port)
    if not drivers:
        what = "serial port, no rower by its USB numbers"
        return FoundPort(port=port, identified=Identified(kind="other", driver=None, what=what))
    return await ask(port, drivers)


async def ask(port: Port, drivers: Sequence[Driver], *, baud: int | None = None) -> FoundPort:
    """Which of these machines answers at a port; never raises for what is wrong with it.

    `baud`: the speed at which all are asked; None: each at its own.
    """
    worst: SerialPortError | None = None
    for driver in drivers:
        profile = driver.serial
        if profile is None:
            continue
        try:
            await _greeted(port.path, profile if baud is None else replace(profile, baud=baud))
        except SerialPortError as error:
            if worst is None or error.trouble is not Trouble.SILENT:
                worst = error
            if error.trouble not in (Trouble.SILENT, Trouble.STRANGER):
                break
            continue
        return FoundPort(
            port=port,
            identified=Identified(kind="rower", driver=driver.name, what=driver.summary),
        )
    likely = candidates(port)
    what = likely[0].summary if likely else port.product or "serial port"
    return FoundPort(
        port=port,
        identified=Identified(
            kind="rower" if likely else "other",
            driver=likely[0].name if likely else None,
            what=what,
            certain=False,
        ),
        trouble=worst,
    )


async def _greeted(path: str, profile: SerialProfile) -> None:
    """Open a port, say hello, close it. Raises SerialPortError."""
    clock = Clock()
    heard = bytearray()
    line = await open_line(path, profile.baud, clock, lambda _, chunk: heard.extend(chunk))
    try:
        await greet(line, profile, clock, heard, lambda _: None, hellos=HELLOS)
        if profile.goodbye:
            line.write(profile.goodbye)
            await asyncio.sleep(0.02)
    except LinkLostError as error:
        raise SerialPortError(
            f"{path}: {error.what}", "Unplug and replug the cable.", trouble=Trouble.UNPLUGGED
        ) from error
    finally:
        await line.close()


async def recognise(address: Address) -> FoundPort:
    """What is behind the port that the user named. Raises RowlogError when it cannot be read.

    The driver is the one that the address names, else the one whose machine answers. A machine
    that only talks cannot be asked, so its driver must be named.
    """
    if address.scheme == "usb":
        return _on_usb(await usb.monitor_at(address))
    check_options(address)
    path, baud = address.target, baud_of(address)
    there = await asyncio.to_thread(ports)
    port = port_at(path, there)
    named = address.option("driver")
    if named is not None:
        driver = find_driver(named)
        if driver.serial is None or driver.role != ROWER:
            known = ", ".join(sorted(n for n, one in DRIVERS.items() if one.serial is not None))
            raise AddressError(
                f"{address}: the driver {named} reads no serial port.", f"These do: {known}."
            )
        return FoundPort(
            port=port,
            identified=Identified(kind="rower", driver=driver.name, what=driver.summary),
            options=tuple(pair for pair in address.options if pair[0] in driver.options),
            baud=baud,
        )
    likely = candidates(port)
    others = [DRIVERS[name] for name in ASKED if DRIVERS[name] not in likely]
    found = await ask(port, [*likely, *others], baud=baud)
    if found.trouble is not None:
        raise found.trouble
    return replace(found, baud=baud)


async def plugged_in(there: Callable[[], tuple[Port, ...]] = ports) -> list[FoundPort]:
    """The rowers that are plugged into this computer and answer."""
    on_usb, found = await asyncio.gather(look_at_usb(), look_at_ports(there))
    return [*on_usb, *(one for one in found if one.answered)]


def remembered(found: FoundPort, known: Sequence[KnownDevice]) -> FoundPort:
    """With what is remembered of it: by its USB serial number, else by the name of its port."""
    if found.identified.kind != ROWER:
        return found
    serial_number = found.port.serial_number
    same = [one for one in known if one.role == ROWER and one.driver == found.identified.driver]
    for one in same:
        if serial_number is not None and one.serial_number == serial_number and _on_cable(one):
            return replace(found, known=one)
    for one in same:
        numbers = {serial_number, one.serial_number} - {None}
        if one.address == found.address and len(numbers) < 2:
            return replace(found, known=one)
    return found


def _on_cable(device: KnownDevice) -> bool:
    return device.address.startswith(("serial:", "usb:"))


def to_remember(found: FoundPort, used_at: datetime) -> KnownDevice:
    """What is kept of a rower that was recorded."""
    before = found.known
    moved = before is not None and before.address != found.address
    return KnownDevice(
        role=ROWER,
        driver=found.identified.driver or "",
        address=found.address,
        name=found.name,
        serial_number=found.port.serial_number,
        athlete=None,
        used_at=used_at,
        moved_from=before.address if before is not None and moved else None,
    )


async def look_at_usb() -> list[FoundPort]:
    """The Concept2 monitors on a USB cable; none where hidapi is not installed."""
    return [_on_usb(monitor) for monitor in await usb.monitors_in_reach()]


def _on_usb(monitor: Port) -> FoundPort:
    return FoundPort(port=monitor, identified=usb.identified(monitor), scheme="usb")


def device_at(found: FoundPort, source: str, clock: Clock) -> tuple[Device, SourceHeader]:
    """The rower at this port, not open yet, and how it stands in a recording's header."""
    if found.on_usb:
        header = SourceHeader(
            name=source, driver=usb.DRIVER, options=((NAME_OPTION, found.name or "Concept2"),)
        )
        monitor = usb.transport(found.port, source, clock)
        return Device(monitor, make_decoding([header]), clock=clock), header
    driver = DRIVERS.get(found.identified.driver or "") or find_driver(
        found.identified.driver or ""
    )
    profile = driver.serial
    if profile is None:
        raise AddressError(f"The driver {driver.name} reads no serial port.")
    if found.baud is not None:
        profile = replace(profile, baud=found.baud)
    name = ((NAME_OPTION, found.name),) if found.name else ()
    header = SourceHeader(
        name=source, driver=driver.name, options=(*name, *profile.options, *found.options)
    )
    transport = SerialTransport(found.port, source, clock, profile)
    return Device(transport, make_decoding([header]), clock=clock), header


def join(opened: Opened, found: FoundPort) -> Opened:
    """The session's devices and the rower at this port, which is not open yet."""
    device, header = device_at(found, ROWER, opened.clock)
    return replace(
        opened,
        devices=(*opened.devices, device),
        sources=(*opened.sources, header),
        addresses=opened.addresses | {ROWER: found.address},
    )
