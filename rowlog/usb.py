"""Concept2 monitors on a USB cable, for a session: found, named, opened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from rowlog_drivers.addresses import Address
from rowlog_drivers.catalog import DRIVERS, Driver
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import AddressError
from rowlog_drivers.identify import Identified
from rowlog_drivers.transports.hid import HidError, HidTransport, Trouble, monitors
from rowlog_drivers.transports.serial_profile import Port

DRIVER = "csafe"
ANY = ("", "pm", "auto")
"""What stands for whichever monitor is plugged in, in an address."""

There = Callable[[], tuple[Port, ...]]


def driver() -> Driver:
    """The one that reads monitors on a cable."""
    return DRIVERS[DRIVER]


def plugged_in_now() -> tuple[Port, ...]:
    """The monitors that are plugged in. Raises HidError where hidapi is not installed."""
    return monitors(driver().usb)


def name_of(port: Port) -> str:
    """By which an address finds it again: its serial number, else where the system has it."""
    return port.serial_number or port.path


def model(port: Port) -> int:
    """Which PM it is: 3, 4 or 5."""
    return {1: 3, 2: 4}.get(port.product_id or 0, 5)


def identified(port: Port) -> Identified:
    """What it is, for people."""
    product = {1: "PM3", 2: "PM4", 3: "PM5"}.get(port.product_id or 0, "monitor")
    return Identified(kind="rower", driver=DRIVER, what=f"Concept2 {product} on USB")


async def monitors_in_reach(there: There = plugged_in_now) -> list[Port]:
    """The monitors that are plugged in; none where hidapi is not installed."""
    with suppress(HidError):
        return list(await asyncio.to_thread(there))
    return []


async def monitor_at(address: Address, there: There = plugged_in_now) -> Port:
    """The monitor that the user named. Raises HidError or AddressError when it cannot be had."""
    found = await asyncio.to_thread(there)
    fitting = [
        port
        for port in found
        if address.target.casefold() in (*ANY, name_of(port).casefold(), port.path.casefold())
    ]
    if len(fitting) == 1:
        return fitting[0]
    others = ", ".join(f"usb:{name_of(port)}" for port in found)
    if not found:
        raise HidError(
            "No Concept2 monitor is plugged in by USB.",
            "Plug its cable in, and switch the monitor on.",
            trouble=Trouble.MISSING,
        )
    if fitting:
        raise AddressError(f"{len(fitting)} monitors are plugged in.", f"Name one: {others}.")
    raise AddressError(f"{address} is not plugged in.", f"There are: {others}.")


def transport(port: Port, source: str, clock: Clock) -> HidTransport:
    """The transport for a monitor, which is not open yet."""
    return HidTransport(port, source, clock, driver().usb)
