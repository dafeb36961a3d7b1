"""The doctor's part for Bluetooth: from the platform to the first frame, one step after another."""

from __future__ import annotations

import asyncio
import platform
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from rowlog.doctor_step import Outcome, Step
from rowlog.finding import Found, look_around, profile_of
from rowlog.store_devices import KnownDevice
from rowlog_drivers.catalog import NAME_OPTION, make_decoding
from rowlog_drivers.clock import Clock, life_ns
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.identify import FITNESS_MACHINE
from rowlog_drivers.records import HeartRate, MachineInfo, MachineState, RowerSample, Undecoded
from rowlog_drivers.transports.ble import BleTransport
from rowlog_drivers.transports.ble_bluez import adapters
from rowlog_drivers.transports.ble_errors import BluetoothError, Trouble, advice, is_blocked
from rowlog_drivers.transports.ble_radio import Radio

SOURCE: Final = "device"
FRAMES_S: Final = 8.0
"""How long a connected device is listened to, in seconds of life."""

PLATFORM: Final = "platform"
ADAPTER: Final = "adapter"
SERVICE: Final = "service"
PERMISSION: Final = "permission"
SCAN: Final = "scan"
OF_BLUETOOTH: Final = (PLATFORM, ADAPTER, SERVICE, PERMISSION, SCAN)
"""The steps that are about no device."""
CONNECT: Final = "connect"
SERVICES: Final = "services"
MACHINE: Final = "machine"
FIRST_FRAME: Final = "first frame"

_STACKS: Final = {
    "linux": "BlueZ, over the system bus",
    "darwin": "Core Bluetooth",
    "win32": "the Windows Bluetooth API",
}
_AT: Final = {
    Trouble.NO_BUS: PLATFORM,
    Trouble.NO_BACKEND: PLATFORM,
    Trouble.NO_ADAPTER: ADAPTER,
    Trouble.NOT_LOW_ENERGY: ADAPTER,
    Trouble.ADAPTER_OFF: ADAPTER,
    Trouble.BLOCKED: ADAPTER,
    Trouble.NO_PERMISSION: PERMISSION,
}
"""The step that a trouble of Bluetooth itself belongs to; all others: the service's."""


async def examine_bluetooth(
    known: Sequence[KnownDevice], *, seconds: float, device: str | None, clock: Callable[[], Clock]
) -> AsyncIterator[Step]:
    """Bluetooth, and what is in reach by it; ends where nothing further can be told.

    `device` is the only one to connect to, by address or name; None: the known ones, or where
    none is in reach the nearest rower and the nearest strap.
    """
    radio = Radio()
    trouble = None
    try:
        await radio.check()
    except BluetoothError as error:
        trouble = error
    for step in _system_steps(trouble):
        yield step
    if trouble is not None:
        return
    try:
        found = await look_around(
            radio, known, seconds=seconds, named={} if device is None else {device: "rower"}
        )
    except RowlogError as error:
        yield Step(what=SCAN, outcome="problem", text=_without_subject(error))
        return
    readable = _to_examine(found, device)
    for one in found:
        if one.identified.driver is None:
            label = one.sighting.label
            yield Step(what=SCAN, device=label, outcome="note", text=one.identified.what)
    if not readable:
        yield _nothing_heard(seconds, device)
        return
    names = ", ".join(
        f"{one.sighting.label} ({one.identified.what})"
        for one in found
        if one.identified.driver is not None
    )
    yield Step(what=SCAN, outcome="ok", text=names)
    for one in readable:
        async for step in _device(radio, one, clock()):
            yield step


def _system_steps(error: BluetoothError | None) -> list[Step]:
    """Platform, adapter, service, permission: what is known of each, with what is in its way."""
    bad = None if error is None else _AT.get(error.trouble, SERVICE)
    trouble = None
    if error is not None:
        trouble = Step(what=bad or SERVICE, outcome="problem", text=_without_subject(error))
    stack = _STACKS.get(sys.platform, sys.platform)
    there = f"{platform.system()} with {stack}"
    if trouble is not None and bad == PLATFORM:
        return [trouble]
    steps = [Step(what=PLATFORM, outcome="ok", text=there)]
    if trouble is not None and bad == ADAPTER:
        steps.append(trouble)
    elif trouble is None:
        names = ", ".join(adapters() or ())
        steps.append(Step(what=ADAPTER, outcome="ok", text=f"{names or 'there'}, and on"))
    else:
        steps.append(_adapter_by_kernel())
        if steps[-1].outcome == "problem":
            return steps  # without an adapter the service does not even start
    if trouble is not None and bad == SERVICE:
        return [*steps, trouble]
    steps.append(Step(what=SERVICE, outcome="ok", text="it answers"))
    if trouble is not None and bad == PERMISSION:
        return [*steps, trouble]
    return [*steps, Step(what=PERMISSION, outcome="ok", text="you may use Bluetooth")]


def _adapter_by_kernel() -> Step:
    """What can be told of the adapter while the service does not answer."""
    names = adapters()
    if names is None:
        return Step(what=ADAPTER, outcome="note", text="not known before the service answers")
    if not names:
        text = f"the system sees no Bluetooth adapter. {advice(Trouble.NO_ADAPTER)}"
        return Step(what=ADAPTER, outcome="problem", text=text)
    if is_blocked():
        text = f"{Trouble.BLOCKED.value}. {advice(Trouble.BLOCKED)}"
        return Step(what=ADAPTER, outcome="problem", text=text)
    return Step(what=ADAPTER, outcome="ok", text=", ".join(names))


def _nothing_heard(seconds: float, device: str | None) -> Step:
    sought = f"{device} was not heard" if device else "no rower and no strap was heard"
    return Step(
        what=SCAN,
        outcome="problem",
        text=f"{sought} in {seconds:g} s. Wake the monitor, close other apps that may hold it "
        "(most machines talk to one at a time), and wet the strap's electrodes. A rower on a "
        "cable would be among the serial ports: is it plugged in at both ends?",
    )


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


async def _device(radio: Radio, one: Found, clock: Clock) -> AsyncIterator[Step]:
    """Connect to one device, look at its services, and listen to it for some seconds."""
    label = one.sighting.label
    driver = one.identified.driver or "ftms"
    transport = BleTransport(one.sighting, SOURCE, clock, profile_of(one), radio=radio)
    began_ns = life_ns()
    try:
        trouble = None
        try:
            await transport.open()
        except RowlogError as error:
            trouble = _without_subject(error, label)
        if trouble is not None and not transport.services:
            yield Step(what=CONNECT, device=label, outcome="problem", text=trouble)
            return
        took = "" if trouble is not None else f" within {(life_ns() - began_ns) / 1e9:.1f} s"
        held = ", as another program is already" if one.sighting.connected else ""
        yield Step(what=CONNECT, device=label, outcome="ok", text=f"connected{took}{held}")
        if trouble is not None:
            yield Step(what=SERVICES, device=label, outcome="problem", text=trouble)
            return
        also = ""
        if driver == "pm5" and FITNESS_MACHINE in transport.services:
            also = (
                ". Its own service is read rather than its FTMS (1826), which tells neither forces "
                "and drag factor nor its intervals and its own summary"
            )
        services = f"{', '.join(transport.services)}{also}"
        yield Step(what=SERVICES, device=label, outcome="ok", text=services)
        heard = await _listen(transport, one, driver)
    finally:
        with suppress(RowlogError):
            await transport.close()
    if heard.who:
        yield Step(what=MACHINE, device=label, outcome="ok", text=heard.who)
    yield _judged(one, heard)


@dataclass(slots=True)
class _Heard:
    """What a device said while it was listened to."""

    samples: int = 0
    moving: int = 0
    """Those of the samples that say of movement."""
    beats: int = 0
    """Those of the samples with a pulse."""
    undecoded: int = 0
    first_s: float | None = None
    """When the first sample came, in seconds of life after listening began."""
    state: str | None = None
    """What the machine says that it is doing, for people."""
    said: dict[str, str] = field(default_factory=dict)
    """What it says of itself, by field."""

    def take_info(self, info: MachineInfo) -> None:
        """Keep what is for people in it."""
        for name, form in _SAID.items():
            value = getattr(info, name)
            if value not in (None, ""):
                self.said[name] = form.format(value)

    @property
    def who(self) -> str:
        """Maker, model, numbers and battery in a line; "" when it told nothing."""
        return ", ".join(self.said[name] for name in _SAID if name in self.said)


_SAID: Final = {
    "manufacturer": "{}",
    "model": "{}",
    "serial_number": "serial number {}",
    "firmware": "firmware {}",
    "hardware": "hardware {}",
    "body_location": "worn: {}",
    "battery_pct": "battery {} %",
}


async def _listen(transport: BleTransport, one: Found, driver: str) -> _Heard:
    """Take what comes within some seconds."""
    name = one.sighting.name
    options = ((NAME_OPTION, name),) if name else ()
    decoding = make_decoding([SourceHeader(name=SOURCE, driver=driver, options=options)])
    heard = _Heard()
    began_ns = life_ns()
    async for frame in _until(transport, began_ns + round(FRAMES_S * 1e9)):
        for record in decoding.deliver(frame).records:
            heard.undecoded += isinstance(record, Undecoded)
            if isinstance(record, MachineInfo):
                heard.take_info(record)
            elif isinstance(record, MachineState):
                heard.state = record.state.replace("_", " ")
            elif isinstance(record, RowerSample | HeartRate):
                heard.samples += 1
                if heard.first_s is None:
                    heard.first_s = (life_ns() - began_ns) / 1e9
                if isinstance(record, RowerSample):
                    heard.moving += bool(
                        record.stroke_rate_spm or record.power_w or record.distance_m
                    )
                else:
                    heard.beats += bool(record.heart_rate_bpm) and record.contact is not False
    return heard


def _judged(one: Found, heard: _Heard) -> Step:
    """Whether anything came, and whether it says anything; why not."""
    label, is_strap = one.sighting.label, one.identified.kind == "strap"

    def step(outcome: Outcome, text: str) -> Step:
        return Step(
            what=FIRST_FRAME,
            device=label,
            outcome=outcome,
            text=text,
            connected=outcome != "problem",
        )

    if not heard.samples:
        why = f" {heard.undecoded} frames could not be read: keep a recording." * (
            heard.undecoded > 0
        )
        quirk = one.identified.quirk
        why += f" {quirk.note}." if quirk is not None else ""
        if one.sighting.connected:
            why += " Another program holds it too, and may be the one that it talks to: close it."
        do = (
            "Wear it and wet its electrodes: most straps send only on the skin."
            if is_strap
            else "Row a few strokes: many machines send only while someone rows."
        )
        return step("problem", f"connected, but silent for {FRAMES_S:g} s.{why} {do}")
    if is_strap and not heard.beats:
        return step(
            "problem",
            f"connected, but none of {heard.samples} readings has a pulse: wet the electrodes, "
            "tighten the strap.",
        )
    if not is_strap and not heard.moving:
        state = f' It says "{heard.state}".' if heard.state else ""
        return step(
            "note",
            f"connected, but every value in {heard.samples} records is zero: nobody rows, or its "
            f"display is in a menu.{state} Start a row on the monitor.",
        )
    return step(
        "ok",
        f"after {heard.first_s or 0.0:.1f} s; {heard.samples} records in {FRAMES_S:g} s",
    )


def _without_subject(error: RowlogError, subject: str = "Bluetooth") -> str:
    """The error's text, where a step says already what it is about."""
    return str(error).removeprefix(f"{subject}: ")


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
