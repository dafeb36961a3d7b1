"""Why there is no data: goes through everything between a device and the database, in order."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from rowlog.doctor_bluetooth import OF_BLUETOOTH, examine_bluetooth
from rowlog.doctor_serial import examine_ports
from rowlog.doctor_step import Step
from rowlog.schema import SQLITE_VERSION, open_for_reading
from rowlog.store_devices import KnownDevice
from rowlog.store_errors import NoDatabaseError, StoreError
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.clock import Clock

LISTEN_S: Final = 4.0
"""How long a rower on a serial port is listened to, in session seconds."""


async def examine(
    database: Path,
    known: Sequence[KnownDevice],
    *,
    seconds: float,
    device: str | None = None,
    clock: Callable[[], Clock] = Clock,
) -> AsyncIterator[Step]:
    """Look at everything in turn: system, database, Bluetooth, what is in reach, its data.

    Ends after the first problem that makes the rest pointless. `device` is the one to connect to,
    by address or name, `serial:/dev/ttyACM0` for a port; None: the serial ports of rowers, and
    the known ones, or where none is in reach the nearest rower and the
    nearest strap. In a full room the others are left alone.
    """
    yield _system()
    yield _database(database)
    port = None
    if device is not None and device.startswith("serial:"):
        port = parse_address(device)
    on_cable = False
    if device is None or port is not None:
        async for step in examine_ports(port, seconds=LISTEN_S, clock=clock):
            on_cable = on_cable or step.connected
            yield step
    if port is not None:
        return
    async for step in examine_bluetooth(known, seconds=seconds, device=device, clock=clock):
        # Whoever rows on a cable may do without Bluetooth.
        yield replace(step, outcome="note") if on_cable and step.outcome == "problem" else step


def verdict(steps: Sequence[Step]) -> str:
    """What it all comes to, in a sentence."""
    problems = [step for step in steps if step.outcome == "problem"]
    if problems:
        first = problems[0]
        of = "Bluetooth, " if first.what in OF_BLUETOOTH and first.device is None else ""
        return f"{of}{first.subject}: {first.text}"
    notes = [step for step in steps if step.outcome == "note" and step.connected]
    if notes:
        return f"Data come in, but {notes[0].subject}: {notes[0].text}"
    return "All is well: data come in. Record with: rowlog record"


def _system() -> Step:
    return Step(
        what="system",
        outcome="ok",
        text=f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {SQLITE_VERSION}",
    )


def _database(path: Path) -> Step:
    try:
        db, path = open_for_reading(path)
        db.close()
    except NoDatabaseError:
        return Step(what="database", outcome="ok", text=f"{path} will be made by the first row")
    except StoreError as error:
        return Step(what="database", outcome="problem", text=str(error))
    return Step(what="database", outcome="ok", text=str(path))
