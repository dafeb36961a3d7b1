"""What `devices` and `doctor` do: looking around, without recording."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rowlog.doctor import examine, verdict
from rowlog.doctor_step import Step
from rowlog.finding import Found, look_around, nearest_first
from rowlog.ports import FoundPort, look_at_ports, look_at_usb, remembered
from rowlog.store import Store
from rowlog.store_devices import known_devices
from rowlog_drivers.clock import life_ns
from rowlog_drivers.errors import CallError, RowlogError
from rowlog_drivers.transports.ble_radio import Radio

TELL_EVERY_NS: Final = 500_000_000
"""Of life."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is in reach."""

    found: tuple[Found | FoundPort, ...]
    """What is plugged in, then what is on the air, the nearest first."""
    trouble: RowlogError | None = None
    """Why Bluetooth could not be listened to; None when it was."""

    @property
    def in_vain(self) -> bool:
        """Whether Bluetooth is of no use and nothing plugged in answers either."""
        return self.trouble is not None and not any(
            isinstance(one, FoundPort) and one.answered for one in self.found
        )


async def scan(
    database: Path,
    athlete: str | None,
    *,
    seconds: float,
    on_change: Callable[[list[Found | FoundPort]], None] | None = None,
) -> Seen:
    """The rowers and straps in reach, and the serial ports. Raises StoreError.

    `on_change` is told of all so far, a few times a second at most.
    """
    known = known_devices(database, athlete)
    found: dict[str, Found] = {}
    told_ns = 0

    def heard(one: Found) -> None:
        nonlocal told_ns
        new = one.address not in found
        found[one.address] = one
        if on_change is not None and (new or life_ns() - told_ns > TELL_EVERY_NS):
            told_ns = life_ns()
            on_change(_all(ports, found.values()))

    ports: list[FoundPort] = []

    async def plugged_in() -> None:
        there = [*await look_at_usb(), *await look_at_ports()]
        ports.extend(remembered(one, known) for one in there)
        if on_change is not None and ports:
            on_change(_all(ports, found.values()))

    looking = asyncio.create_task(plugged_in())
    try:
        around = await look_around(Radio(), known, seconds=seconds, on_found=heard)
        trouble = None
    except RowlogError as error:
        around, trouble = [], error
    await looking
    return Seen(found=tuple(_all(ports, around)), trouble=trouble)


def _all(ports: Iterable[FoundPort], found: Iterable[Found]) -> list[Found | FoundPort]:
    return [*ports, *nearest_first(found)]


def forget(database: Path, address: str) -> None:
    """Know a device no longer. Raises CallError when it is not known, StoreError."""
    named = address if address.startswith(("ble:", "serial:", "usb:")) else f"ble:{address}"
    if not any(known.address.casefold() == named.casefold() for known in known_devices(database)):
        raise CallError(f"{address} is not among the known devices.", "See: rowlog devices")
    with Store.open_writer(database) as store:
        store.forget_device(named)


async def diagnose(
    database: Path,
    *,
    device: str | None,
    seconds: float,
    on_step: Callable[[Step], None],
) -> tuple[list[Step], str, bool]:
    """Every step of the examination, told as it is made; what it comes to; whether all is well."""
    steps: list[Step] = []
    known = [one for one in known_devices(database) if one.address.startswith("ble:")]
    if device is not None:
        device = device.removeprefix("ble:")
    async for step in examine(database, known, seconds=seconds, device=device):
        steps.append(step)
        on_step(step)
    return steps, verdict(steps), all(step.outcome != "problem" for step in steps)
