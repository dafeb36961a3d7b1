"""From addresses to open devices: what a recording listens to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import isfinite, nan
from pathlib import Path
from typing import Final, get_args

from rowlog.plan import Plan
from rowlog.simulating import held_by, just_row, script_for
from rowlog_drivers.addresses import Address
from rowlog_drivers.catalog import DRIVERS, find_driver, make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Device
from rowlog_drivers.errors import AddressError
from rowlog_drivers.frames import Frame, FramesHeader, SourceHeader, read_frames
from rowlog_drivers.simulator import FAULTS, Erg, RowerKind, Simulator
from rowlog_drivers.transports.replay import ReplayTransport

ROWER: Final = "rower"
STRAP: Final = "strap"
SIM_OPTIONS: Final = ("seed", "fault", "speed", "paddling", "rate", "relay", "erg")
REPLAY_OPTIONS: Final = ("speed",)
SERIAL_OPTIONS: Final = ("driver", "baud", "speed")
BLE_OPTIONS: Final = ("driver",)
YES: Final = ("yes", "true", "1")
NO: Final = ("no", "false", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The devices of one session, and what they are called."""

    devices: tuple[Device, ...]
    sources: tuple[SourceHeader, ...]
    addresses: dict[str, str]
    """Each source's address."""
    clock: Clock
    end_ns: int | None = None
    """Where a recording ends, when the devices are one."""
    running: bool = False
    """Whether its devices are open and its time runs."""


def open_devices(
    rower: Address | None, strap: Address | None, *, plan: Plan | None = None
) -> Opened:
    """Make ready the simulated and replayed devices that a session listens to.

    A rower on a serial port is not opened here, but its options count.

    Raises AddressError or CallError for what is not understood, and FramesError for a recording
    that cannot be read.
    """
    given = [address for address in (rower, strap) if address is not None]
    for address in given:
        if address.scheme in ("serial", "usb") and address is strap:
            raise AddressError(
                f"{address}: no strap speaks over a {address.scheme} port.",
                "Name it as ble:, or leave it out.",
            )
        if address.scheme not in ("sim", "replay", "serial", "usb"):
            raise AddressError(
                f"{address}: live recording knows no such device.",
                "Name one as ble:, serial:, usb:, sim: or replay:, or leave it out.",
            )
        check_options(address)
    speed = _speed(given)
    clock = Clock(speed)
    devices: list[Device] = []
    sources: list[SourceHeader] = []
    addresses: dict[str, str] = {}
    end_ns: int | None = None
    simulated = [address for address in given if address.scheme == "sim"]
    if simulated:
        simulator = _simulator(
            rower if rower in simulated else None, strap if strap in simulated else None, plan
        )
        sources += simulator.sources
        addresses |= _addresses_of(simulator, rower, strap)
        transport = ReplayTransport(simulator, clock=clock, speed=1.0)
        devices.append(Device(transport, make_decoding(simulator.sources)))
    for address in dict.fromkeys(given):
        if address.scheme == "replay":
            opened = read_frames(Path(address.target).expanduser())
            opened.verify()
            taken = {source.name for source in sources}
            header = _renamed(opened.header, taken)
            names = dict(
                zip(
                    (source.name for source in opened.header.sources),
                    (source.name for source in header.sources),
                    strict=True,
                )
            )
            sources += header.sources
            addresses |= {source.name: str(address) for source in header.sources}
            frames = _Renaming(opened, names)
            transport = ReplayTransport(frames, clock=clock, speed=1.0)
            devices.append(Device(transport, make_decoding(header.sources)))
            if len(given) == 1 and header.end_ns is not None:
                end_ns = header.end_ns
    return Opened(
        devices=tuple(devices),
        sources=tuple(sources),
        addresses=addresses,
        clock=clock,
        end_ns=end_ns,
    )


class _Renaming:
    """Frames of a recording whose sources get other names."""

    def __init__(self, frames: Iterable[Frame], names: dict[str, str]) -> None:
        self._frames = frames
        self._names = names

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            name = self._names.get(frame.source, frame.source)
            yield frame if name == frame.source else replace(frame, source=name)


def _renamed(header: FramesHeader, taken: set[str]) -> FramesHeader:
    sources: list[SourceHeader] = []
    for source in header.sources:
        name, number = source.name, 2
        while name in taken:
            name, number = f"{source.name}{number}", number + 1
        taken.add(name)
        sources.append(replace(source, name=name))
    return replace(header, sources=tuple(sources))


def _simulator(rower: Address | None, strap: Address | None, plan: Plan | None) -> Simulator:
    """One athlete for all simulated devices."""
    kind: RowerKind | None = None
    if rower is not None:
        kinds: dict[str, RowerKind] = {"rower": "ftms", "s4": "s4", "pm5": "pm5"}
        kind = kinds.get(rower.target)
        if kind is None:
            raise AddressError(
                f"{rower}: there is no such simulated rower.", "Write sim:rower, sim:pm5 or sim:s4."
            )
    if strap is not None and strap.target != "strap":
        raise AddressError(f"{strap}: there is no such simulated strap.", "Write sim:strap.")
    options: dict[str, str] = {}
    faults: list[str] = []
    for address in (rower, strap):
        for key, value in address.options if address is not None else ():
            if key == "fault":
                faults += [name for name in value.split(",") if name]
            elif options.setdefault(key, value) != value:
                raise AddressError(
                    f"{key} is {options[key]} for the one and {value} for the other.",
                    "A simulated rower and strap share one athlete: give both the same, or one.",
                )
    for name in faults:
        if name not in FAULTS:
            raise AddressError(f"There is no fault {name!r}.", f"There are: {', '.join(FAULTS)}.")
    script = (
        script_for(plan, paddling=_flag(options, "paddling")) if plan is not None else just_row()
    )
    return Simulator(
        script,
        rower=kind,
        strap=strap is not None,
        seed=_seed(options),
        faults=faults,
        rate_hz=_number(options, "rate", 10.0 if kind == "pm5" else 2.0),
        relay_heart_rate=_flag(options, "relay"),
        program=held_by(plan) if kind == "pm5" else (),
        erg=_erg(options),
    )


def _addresses_of(
    simulator: Simulator, rower: Address | None, strap: Address | None
) -> dict[str, str]:
    addresses: dict[str, str] = {}
    for source in simulator.sources:
        address = strap if source.name == STRAP else rower
        addresses[source.name] = str(address)
    return addresses


def _speed(addresses: Sequence[Address]) -> float:
    """How many seconds of session pass in one of life."""
    speeds = {
        _number(dict(address.options), "speed", 1.0)
        for address in addresses
        if address.option("speed") is not None
    }
    if len(speeds) > 1:
        raise AddressError(
            f"speed is {' and '.join(f'{speed:g}' for speed in sorted(speeds))}.",
            "A session has one speed: give it once, or the same to both.",
        )
    fastest = max(speeds, default=1.0)
    if not 0 < fastest <= 10_000:
        raise AddressError(f"speed={fastest:g} is not possible.", "It is above 0, at most 10000.")
    return fastest


def check_options(address: Address) -> None:
    """Raises AddressError where options of a device that is not on the air are not understood.

    UnknownDriverError for a driver that nobody knows.
    """
    known = {"sim": SIM_OPTIONS, "serial": SERIAL_OPTIONS, "usb": ()}.get(
        address.scheme, REPLAY_OPTIONS
    )
    if address.scheme == "serial" and (driver := address.option("driver")) is not None:
        known = (*known, *find_driver(driver).options)
    _only(address, known)
    if address.scheme == "serial":
        baud_of(address)


def _only(address: Address, known: Sequence[str]) -> None:
    for key, _ in address.options:
        if key not in known:
            raise AddressError(
                f"{address}: there is no option {key!r}.", f"There are: {', '.join(known)}."
            )


def baud_of(address: Address) -> int | None:
    """The speed that an address gives; None when it gives none. Raises AddressError."""
    text = address.option("baud")
    if text is None:
        return None
    with suppress(ValueError):
        if 50 <= int(text) <= 4_000_000:
            return int(text)
    raise AddressError(f"{address}: baud={text} is no speed.", "Write baud=9600, for example.")


def check_bluetooth_options(address: Address, role: str) -> None:
    """Raises AddressError where a Bluetooth address has options that are not understood.

    UnknownDriverError for a driver that nobody knows.
    """
    name = address.option("driver")
    known: tuple[str, ...] = BLE_OPTIONS
    if name is not None:
        driver = find_driver(name)
        if driver.bluetooth is None or driver.role != role:
            fitting = sorted(
                one.name for one in DRIVERS.values() if one.bluetooth and one.role == role
            )
            raise AddressError(
                f"{address}: the driver {name} reads no {role} over Bluetooth.",
                f"These do: {', '.join(fitting)}.",
            )
        needed = {key for key, _ in driver.bluetooth.options}
        known = (*known, *(key for key in driver.options if key not in needed))
    _only(address, known)


def _number(options: dict[str, str], key: str, default: float) -> float:
    text = options.get(key)
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = nan
    if not isfinite(number):
        raise AddressError(f"{key}={text} is no number.", f"Write {key}=3, for example.")
    return number


def _seed(options: dict[str, str]) -> int:
    text = options.get("seed", "1")
    try:
        return int(text)
    except ValueError:
        raise AddressError(
            f"seed={text} is no whole number.", "Write seed=3, for example."
        ) from None


def _erg(options: dict[str, str]) -> Erg:
    text = options.get("erg", "row")
    for erg in get_args(Erg):
        if erg == text:
            return erg  # type: ignore[no-any-return]
    raise AddressError(f"erg={text} is no Concept2 machine.", "Write erg=row, erg=ski or erg=bike.")


def _flag(options: dict[str, str], key: str) -> bool:
    text = options.get(key, "no")
    if text not in YES + NO:
        raise AddressError(f"{key}={text} is neither yes nor no.", f"Write {key}=yes.")
    return text in YES
