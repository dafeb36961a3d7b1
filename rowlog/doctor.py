"""Why there is no data: goes through everything between a device and the database, in order."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from rowlog.doctor_serial import examine_ports
from rowlog.doctor_step import Step
from rowlog.finding import Found, look_around, profile_of
from rowlog.schema import SQLITE_VERSION, open_for_reading
from rowlog.store_devices import KnownDevice
from rowlog.store_errors import NoDatabaseError, StoreError
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import NAME_OPTION, make_decoding
from rowlog_drivers.clock import Clock, life_ns
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.identify import FITNESS_MACHINE
from rowlog_drivers.records import HeartRate, RowerSample, Undecoded
from rowlog_drivers.transports.ble import BleTransport
from rowlog_drivers.transports.ble_radio import Radio

SOURCE: Final = "device"
LISTEN_S: Final = 4.0
"""How long a rower on a serial port is listened to, in session seconds."""
FRAMES_S: Final = 8.0
"""How long a connected device is listened to, in seconds of life."""


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
    async for step in _on_air(known, seconds=seconds, device=device, clock=clock):
        # Whoever rows on a cable may do without Bluetooth.
        yield replace(step, outcome="note") if on_cable and step.outcome == "problem" else step


async def _on_air(
    known: Sequence[KnownDevice], *, seconds: float, device: str | None, clock: Callable[[], Clock]
) -> AsyncIterator[Step]:
    """Bluetooth, and what is in reach by it."""
    radio = Radio()
    try:
        await radio.check()
    except RowlogError as error:
        yield Step(what="Bluetooth", outcome="problem", text=str(error).removeprefix("Bluetooth: "))
        return
    yield Step(what="Bluetooth", outcome="ok", text="service, adapter and permission are there")
    try:
        found = await look_around(
            radio, known, seconds=seconds, named={} if device is None else {device: "rower"}
        )
    except RowlogError as error:
        yield Step(what="scan", outcome="problem", text=str(error))
        return
    readable = _to_examine(found, device)
    for one in found:
        if one.identified.driver is None:
            yield Step(what=one.sighting.label, outcome="note", text=one.identified.what)
    if not readable:
        sought = f"{device} was not heard" if device else "no rower and no strap was heard"
        yield Step(
            what="scan",
            outcome="problem",
            text=f"{sought} in {seconds:g} s. Wake the monitor, close other apps that may hold it "
            "(most machines talk to one at a time), and wet the strap's electrodes. A rower on a "
            "cable would be among the serial ports: is it plugged in at both ends?",
        )
        return
    names = ", ".join(
        f"{one.sighting.label} ({one.identified.what})"
        for one in found
        if one.identified.driver is not None
    )
    yield Step(what="scan", outcome="ok", text=names)
    for one in readable:
        async for step in _device(radio, one, clock()):
            yield step


def verdict(steps: Sequence[Step]) -> str:
    """What it all comes to, in a sentence."""
    problems = [step for step in steps if step.outcome == "problem"]
    if problems:
        return f"{problems[0].what}: {problems[0].text}"
    notes = [step for step in steps if step.outcome == "note" and step.connected]
    if notes:
        return f"Data come in, but {notes[0].what}: {notes[0].text}"
    return "All is well: data come in. Record with: rowlog record"


def _to_examine(found: Sequence[Found], device: str | None) -> list[Found]:
    """The devices to connect to, of those in reach, the nearest first."""
    readable = [one for one in found if one.identified.driver is not None]
    if device is not None:
        return [one for one in readable if one.sighting.answers_to(device)]
    known = [one for one in readable if one.known is not None]
    if known:
        return known
    nearest = (
        next((one for one in readable if one.identified.kind == kind), None)
        for kind in ("rower", "strap")
    )
    return [one for one in nearest if one is not None]


def _system() -> Step:
    return Step(
        what="system",
        outcome="ok",
        text=f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"SQLite {SQLITE_VERSION}, {sys.platform}",
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


async def _device(radio: Radio, one: Found, clock: Clock) -> AsyncIterator[Step]:
    """Connect to one device and listen to it for some seconds."""
    label = one.sighting.label
    driver = one.identified.driver or "ftms"
    transport = BleTransport(one.sighting, SOURCE, clock, profile_of(one), radio=radio)
    try:
        try:
            await transport.open()
        except RowlogError as error:
            yield Step(what=label, outcome="problem", text=str(error))
            return
        also = ""
        if driver == "pm5" and FITNESS_MACHINE in transport.services:
            also = (
                ". Its own service is read rather than its FTMS (1826), which tells neither forces "
                "and drag factor nor its intervals and its own summary"
            )
        yield Step(
            what=label,
            outcome="ok",
            text=f"connected; services {', '.join(transport.services)}{also}",
        )
        yield await _listened(transport, one, driver)
    finally:
        with suppress(RowlogError):
            await transport.close()


async def _listened(transport: BleTransport, one: Found, driver: str) -> Step:
    """What came within some seconds, and whether it says anything."""
    label, name = one.sighting.label, one.sighting.name
    options = ((NAME_OPTION, name),) if name else ()
    decoding = make_decoding([SourceHeader(name=SOURCE, driver=driver, options=options)])
    samples = moving = beats = undecoded = 0
    until_ns = life_ns() + round(FRAMES_S * 1e9)
    async for frame in _until(transport, until_ns):
        for record in decoding.deliver(frame).records:
            undecoded += isinstance(record, Undecoded)
            if isinstance(record, RowerSample):
                samples += 1
                moving += bool(record.stroke_rate_spm or record.power_w or record.distance_m)
            elif isinstance(record, HeartRate):
                samples += 1
                beats += bool(record.heart_rate_bpm) and record.contact is not False
    if not samples:
        why = f" {undecoded} frames could not be read: keep a recording." if undecoded else ""
        quirk = f" {one.identified.quirk.note}." if one.identified.quirk is not None else ""
        return Step(
            what=label,
            outcome="problem",
            text=f"connected, but silent for {FRAMES_S:g} s.{why}{quirk} Row a few strokes: many "
            "machines send only while someone rows.",
        )
    if one.identified.kind == "strap" and not beats:
        return Step(
            what=label,
            outcome="problem",
            text=f"{samples} readings, none with a pulse: wet the electrodes, tighten the strap.",
        )
    if one.identified.kind == "rower" and not moving:
        return Step(
            what=label,
            outcome="note",
            text=f"{samples} records, but every value is zero: nobody rows, or its display is in "
            "a menu. Start a row on the monitor.",
            connected=True,
        )
    return Step(
        what=label, outcome="ok", text=f"{samples} records in {FRAMES_S:g} s", connected=True
    )


async def _until(transport: BleTransport, until_ns: int) -> AsyncIterator[Frame]:
    """The transport's frames until a moment of life."""
    frames = transport.frames()
    while (left_s := (until_ns - life_ns()) / 1e9) > 0:
        try:
            async with asyncio.timeout(left_s):
                frame = await anext(frames)
        except (TimeoutError, StopAsyncIteration):
            return
        yield frame
