"""What `devices` and `doctor` do: looking around, without recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from rowlog.doctor import Step, examine, verdict
from rowlog.finding import Found, look_around, nearest_first
from rowlog.store import Store
from rowlog.store_devices import known_devices
from rowlog_drivers.clock import life_ns
from rowlog_drivers.errors import CallError
from rowlog_drivers.transports.ble_radio import Radio

TELL_EVERY_NS: Final = 500_000_000
"""Of life."""


async def scan(
    database: Path,
    athlete: str | None,
    *,
    seconds: float,
    on_change: Callable[[list[Found]], None] | None = None,
) -> list[Found]:
    """The rowers and straps in reach, the nearest first. Raises BluetoothError, StoreError.

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
            on_change(nearest_first(found.values()))

    return await look_around(Radio(), known, seconds=seconds, on_found=heard)


def forget(database: Path, address: str) -> None:
    """Know a device no longer. Raises CallError when it is not known, StoreError."""
    named = address if address.startswith("ble:") else f"ble:{address}"
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
    known = known_devices(database)
    if device is not None:
        device = device.removeprefix("ble:")
    async for step in examine(database, known, seconds=seconds, device=device):
        steps.append(step)
        on_step(step)
    return steps, verdict(steps), all(step.outcome != "problem" for step in steps)
