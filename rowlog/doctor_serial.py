"""The doctor's part for serial ports: who answers, what comes, and what is in the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Final

from rowlog.doctor_step import Step
from rowlog.ports import FoundPort, candidates, device_at, look_at_ports, recognise
from rowlog_drivers.addresses import Address
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Device
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.interface import Delivery
from rowlog_drivers.records import MachineInfo, RowerSample, Undecoded
from rowlog_drivers.transports.serial_errors import MODEM_RULE, SerialPortError, modem_manager_runs
from rowlog_drivers.transports.serial_port import port_at, ports
from rowlog_drivers.transports.serial_profile import Port

SOURCE: Final = "device"


async def examine_ports(
    named: Address | None,
    *,
    seconds: float,
    clock: Callable[[], Clock] = Clock,
    there: Callable[[], tuple[Port, ...]] = ports,
) -> AsyncIterator[Step]:
    """Each port that may be a rower's, asked and listened to for some seconds of session time.

    `named` is the only one to look at, whatever it seems to be; None: those that show themselves
    as a rower's. The others are named and left alone.
    """
    if named is not None:
        found = [await _named(named, there)]
    else:
        found = await look_at_ports(there)
        others = [one.port for one in found if one.port.is_usb and not candidates(one.port)]
        if others:
            names = ", ".join(f"{port.path} ({port.product or 'no USB name'})" for port in others)
            yield Step(
                what="serial ports",
                outcome="ok",
                text=f"left alone, since no USB number says that they are rowers: {names}",
            )
    for one in found:
        if not candidates(one.port) and named is None:
            continue
        if modem_manager_runs() and one.port.is_usb:
            yield Step(
                what=one.label,
                outcome="note",
                text="ModemManager runs, and may take it for a modem for half a minute after it is "
                f"plugged in. Keep it away: {MODEM_RULE}",
            )
        if one.trouble is not None:
            text = str(one.trouble).removeprefix(f"{one.label}: ")
            yield Step(what=one.label, outcome="problem", text=text)
            continue
        async for step in _listened(one, seconds, clock()):
            yield step


async def _named(named: Address, there: Callable[[], tuple[Port, ...]]) -> FoundPort:
    try:
        return await recognise(named)
    except SerialPortError as error:
        port = port_at(named.target, await asyncio.to_thread(there))
        return FoundPort(port=port, identified=FoundPort.NOTHING, trouble=error)


async def _listened(one: FoundPort, seconds: float, clock: Clock) -> AsyncIterator[Step]:
    """Ask the machine for some seconds; what it said of itself, and how much came."""
    device, _ = device_at(one, SOURCE, clock)
    label = one.label
    infos: list[MachineInfo] = []
    samples = distances = moving = undecoded = 0
    try:
        try:
            await device.transport.open()
        except RowlogError as error:
            yield Step(what=label, outcome="problem", text=str(error))
            return
        async for delivery in _until(device, clock.life_s(seconds)):
            for record in delivery.records:
                undecoded += isinstance(record, Undecoded)
                if isinstance(record, MachineInfo):
                    infos.append(record)
                elif isinstance(record, RowerSample):
                    samples += 1
                    distances += record.distance_m is not None
                    moving += bool(record.stroke_rate_spm or record.power_w or record.speed_mps)
    finally:
        with suppress(RowlogError):
            await device.close()
    model = next((info.model for info in infos if info.model), None)
    firmware = next((info.firmware for info in infos if info.firmware), None)
    who = " ".join(filter(None, (model, f"firmware {firmware}" if firmware else None)))
    bad = f" {undecoded} lines could not be read." if undecoded else ""
    yield Step(what=label, outcome="ok", text=f"{who or one.identified.what}, on {one.port.path}")
    if not samples:
        yield Step(
            what=label,
            outcome="note",
            text=f"it answers, but tells nothing in {seconds:g} s.{bad} Row a few strokes: some "
            "machines send only while someone rows.",
            connected=True,
        )
        return
    yield Step(
        what=label,
        outcome="ok",
        text=f"{samples} records in {seconds:g} s, {distances / seconds:.1f} distances a second"
        f"{'' if moving else '; nobody rows'}.{bad}",
        connected=True,
    )


async def _until(device: Device, life_s: float) -> AsyncIterator[Delivery]:
    """The device's deliveries for some seconds of life; then it is closed."""
    closing = asyncio.create_task(_close_after(device, life_s))
    try:
        async for delivery in device.deliveries():
            yield delivery
    finally:
        closing.cancel()


async def _close_after(device: Device, life_s: float) -> None:
    await asyncio.sleep(life_s)
    await device.close()
