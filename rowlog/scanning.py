"""What `devices` and `doctor` do: looking around, without recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rowlog.doctor import Step, examine, verdict
from rowlog.finding import Found, look_around
from rowlog.store import Store
from rowlog.store_devices import known_devices
from rowlog_drivers.errors import CallError
from rowlog_drivers.transports.ble_radio import Radio


async def scan(
    database: Path,
    athlete: str | None,
    *,
    seconds: float,
    on_found: Callable[[Found], None] | None = None,
) -> list[Found]:
    """The rowers and straps in reach, the nearest first. Raises BluetoothError, StoreError."""
    known = known_devices(database, athlete)
    return await look_around(Radio(), known, seconds=seconds, on_found=on_found)


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
    async for step in examine(database, known, seconds=seconds, device=device):
        steps.append(step)
        on_step(step)
    return steps, verdict(steps), all(step.outcome != "problem" for step in steps)
