"""Which Bluetooth devices a session listens to: looks around, knows again, asks when it must."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from rowlog.knowing import known_by_serial
from rowlog.store_devices import KnownDevice
from rowlog_drivers.addresses import Address
from rowlog_drivers.catalog import DRIVERS, Role, find_driver, find_quirk
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Request
from rowlog_drivers.identify import Identified, identify
from rowlog_drivers.protocols import ftms
from rowlog_drivers.transports.ble_names import printable

if TYPE_CHECKING:
    from rowlog_drivers.transports.ble import BleProfile
    from rowlog_drivers.transports.ble_radio import Radio, Sighting

SCAN_S: Final = 10.0
"""How long to look around at most, in seconds of life."""
NAMESAKE_S: Final = 1.0
"""How long to listen for a second device of a name that was given, in seconds of life."""


class Ask(Protocol):
    """Puts a question with its choices to the user: the place of the one taken, None for none."""

    def __call__(
        self, question: str, choices: Sequence[str], default: int | None = None
    ) -> int | None:
        """`default` is taken when the user just agrees; None: then none is."""
        ...


Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A device that is in reach, and what it was taken for."""

    sighting: Sighting
    identified: Identified
    known: KnownDevice | None
    """What is remembered of it; None for a stranger."""
    options: tuple[tuple[str, str], ...] = ()
    """Options of its decoder that the user gave."""

    @property
    def address(self) -> str:
        """With its scheme, as `--rower` and `--strap` take it."""
        return f"ble:{self.sighting.address}"

    @property
    def trouble(self) -> RowlogError | None:
        """What stands in the way of recording it: nothing that can be heard."""
        return None

    @property
    def name(self) -> str | None:
        """As it advertises it, raw."""
        return self.sighting.name

    @property
    def label(self) -> str:
        """What people call it, fit for a terminal."""
        return self.sighting.label

    @property
    def rssi_dbm(self) -> int | None:
        """How strong it is heard."""
        return self.sighting.rssi_dbm

    @property
    def connected(self) -> bool:
        """Whether the system holds it connected."""
        return self.sighting.connected

    @property
    def services(self) -> tuple[str, ...]:
        """Short UUIDs of the services that it advertises."""
        return self.sighting.services


async def look_around(
    radio: Radio,
    known: Sequence[KnownDevice],
    *,
    seconds: float = SCAN_S,
    on_found: Callable[[Found], None] | None = None,
    enough: Callable[[Mapping[str, Found]], bool] | None = None,
    named: Mapping[str, Role] | None = None,
) -> list[Found]:
    """The rowers, straps and other fitness machines in reach, the nearest first.

    `on_found` hears of each one, again whenever it is heard again. Ends after `seconds`, or when
    `enough` is true of all found so far, by address. Of devices that were recorded by several
    athletes the first of `known` counts. What the user named, by address or name, is found even
    when it says nothing of what it is. Raises BluetoothError.
    """
    remembered = {device.address.casefold(): device for device in reversed(known)}
    found: dict[str, Found] = {}
    async with aclosing(radio.sightings(seconds)) as search:
        async for sighting in search:
            before = found.get(sighting.address)
            if before is not None:
                sighting = _joined(before.sighting, sighting)
            identified = identify(sighting.name, sighting.services, sighting.service_data)
            device = remembered.get(f"ble:{sighting.address}".casefold())
            if identified is None and device is not None:
                identified = Identified(
                    kind="strap" if device.role == "strap" else "rower",
                    driver=device.driver,
                    what=DRIVERS[device.driver].summary,
                )
            if identified is None:
                identified = _as_named(sighting, named or {})
            if identified is None:
                continue
            one = Found(sighting=sighting, identified=identified, known=device)
            found[sighting.address] = one
            if on_found is not None:
                on_found(one)
            if enough is not None and enough(found):
                break
    return nearest_first(found.values())


def nearest_first(found: Iterable[Found]) -> list[Found]:
    """By signal strength; those that the system holds connected, which have none, come last."""
    return sorted(found, key=lambda one: -(one.sighting.rssi_dbm or -999))


async def choose(
    radio: Radio,
    wanted: Mapping[Role, Address],
    known: Sequence[KnownDevice],
    *,
    athlete: str | None = None,
    optional: frozenset[Role] = frozenset(),
    ask: Ask | None = None,
    tell: Tell | None = None,
) -> dict[Role, Found]:
    """The device for each role that is wanted; a role in `optional` may stay without one.

    A device that is named is taken. For `auto` one that this athlete recorded before is taken, by
    its address or, when that has changed, by its serial number, and a rower that nobody in
    particular recorded, or that is the only one in reach. Of several of one's own `ask` proposes
    the one used last, which is taken where nobody can be asked. Otherwise `ask` decides, and
    without it nothing is taken: nobody's strap is recorded unasked. Raises RowlogError, naming
    what is in reach.
    """

    def enough(found: Mapping[str, Found]) -> bool:
        return all(
            any(_is_wanted(one, role, address, athlete) for one in found.values())
            for role, address in wanted.items()
        )

    named: dict[str, Role] = {
        address.target: role for role, address in wanted.items() if address.scheme == "ble"
    }
    found = await look_around(radio, known, seconds=SCAN_S, enough=enough, named=named)
    several = any(_has_several(role, athlete, known) for role in _automatic(wanted))
    if several or any(_by_name(one, named) for one in found):
        later = await look_around(radio, known, seconds=NAMESAKE_S, named=named)
        places = {one.address for one in found}
        found += [one for one in later if one.address not in places]
    for role in _automatic(wanted):
        found = await _known_again(radio, role, found, known, athlete, tell)
    chosen: dict[Role, Found] = {}
    for role, address in wanted.items():
        one = (
            _named(role, address, found)
            if address.scheme == "ble"
            else _picked(role, found, known, athlete, ask, tell, needed=role not in optional)
        )
        if one is not None:
            chosen[role] = one
        elif role not in optional:
            raise RowlogError(*_not_found(role, address, found))
    return chosen


def _automatic(wanted: Mapping[Role, Address]) -> list[Role]:
    return [role for role, address in wanted.items() if address.scheme != "ble"]


def _has_several(role: Role, athlete: str | None, known: Sequence[KnownDevice]) -> bool:
    """Whether more than one device may be taken unasked, so that the first heard may not be it."""
    own = {device.address.casefold() for device in known if _is_ones_own(device, role, athlete)}
    return len(own) > 1


async def _known_again(
    radio: Radio,
    role: Role,
    found: list[Found],
    known: Sequence[KnownDevice],
    athlete: str | None,
    tell: Tell | None,
) -> list[Found]:
    """What was found, with strangers known again that are one's own under a new address."""
    if any(_fits(one, role) and _is_familiar(one, role, athlete) for one in found):
        return found
    places = {one.address.casefold() for one in found}
    missing = [
        device
        for device in known
        if _is_ones_own(device, role, athlete) and device.address.casefold() not in places
    ]
    strangers = [one.sighting for one in found if _fits(one, role) and one.known is None]
    again = await known_by_serial(radio, strangers, missing)
    for address, device in again.items():
        if tell is not None:
            label = next(one.label for one in found if one.sighting.address == address)
            tell(
                f"{label} has a new address, ble:{address}; it is your {role} by its serial "
                f"number {printable(device.serial_number or '')}."
            )
    return [replace(one, known=again.get(one.sighting.address, one.known)) for one in found]


def profile_of(found: Found) -> BleProfile:
    """What the driver wants of this device, and what this machine needs besides."""
    from rowlog_drivers.transports.ble import BleProfile

    driver = find_driver(found.identified.driver or "ftms")
    wanted, quirk = driver.bluetooth, found.identified.quirk
    if wanted is None:
        raise RowlogError(f"The driver {driver.name} does not read Bluetooth devices.")
    only = quirk is not None and quirk.only_service
    return BleProfile(
        notify=wanted.notify,
        needs=wanted.needs,
        reads=() if only else wanted.reads,
        start=_start() if quirk is not None and quirk.must_start else (),
        always_sends=quirk is not None and quirk.always_sends,
        only_services=wanted.services if only else (),
        piece_bytes=wanted.piece_bytes,
    )


def needed_options(found: Found) -> tuple[tuple[str, str], ...]:
    """The options that its decoder needs over Bluetooth."""
    wanted = find_driver(found.identified.driver or "ftms").bluetooth
    return () if wanted is None else wanted.options


def _start() -> tuple[Request, ...]:
    return tuple(
        Request(channel=ftms.CONTROL_CHANNEL, payload=ftms.encode_control(request))
        for request in (ftms.REQUEST_CONTROL, ftms.START_OR_RESUME)
    )


def _joined(before: Sighting, now: Sighting) -> Sighting:
    """All that was heard of a device: names and services may come in different packets."""
    return replace(
        now,
        name=now.name or before.name,
        services=tuple(sorted({*before.services, *now.services})),
        service_data={**before.service_data, **now.service_data},
        connected=now.connected or before.connected,
    )


def _as_named(sighting: Sighting, named: Mapping[str, Role]) -> Identified | None:
    """What the user says that it is."""
    role = next((role for target, role in named.items() if sighting.answers_to(target)), None)
    if role is None:
        return None
    driver = "ftms" if role == "rower" else "heart_rate"
    return Identified(kind=role, driver=driver, what=DRIVERS[driver].summary, certain=False)


def _read_as(address: Address, role: Role, one: Found) -> Found:
    """The device, to be read by the driver that the address names, where it names one."""
    name = address.option("driver")
    if name is None:
        return one
    driver = find_driver(name)
    identified = Identified(
        kind=role,
        driver=driver.name,
        what=driver.summary,
        quirk=find_quirk(driver.name, one.sighting.name),
    )
    options = tuple(pair for pair in address.options if pair[0] in driver.options)
    return replace(one, identified=identified, options=options)


def _by_name(one: Found, named: Mapping[str, Role]) -> bool:
    """Whether it was named by its name, which others may have too."""
    address = one.sighting.address.casefold()
    return any(one.sighting.answers_to(target) and target.casefold() != address for target in named)


def _is_wanted(one: Found, role: Role, address: Address, athlete: str | None) -> bool:
    if address.scheme == "ble":
        return one.sighting.answers_to(address.target)
    return _fits(one, role) and _is_familiar(one, role, athlete)


def _fits(one: Found, role: Role) -> bool:
    return one.identified.kind == role and one.identified.driver is not None


def _is_familiar(one: Found, role: Role, athlete: str | None) -> bool:
    """Whether it may be taken unasked: a strap is its wearer's, a rower often a household's."""
    return one.known is not None and _is_ones_own(one.known, role, athlete)


def _is_ones_own(device: KnownDevice, role: Role, athlete: str | None) -> bool:
    if device.role != role:
        return False
    return device.athlete == athlete or (role == "rower" and device.athlete is None)


def _named(role: Role, address: Address, found: Sequence[Found]) -> Found | None:
    """The device that the user named. Raises RowlogError when it cannot be that one."""
    named = [one for one in found if one.sighting.answers_to(address.target)]
    if not named:
        return None
    one = _read_as(address, role, named[0])
    if len(named) > 1:
        raise RowlogError(
            f"{len(named)} devices are called {one.sighting.label}: "
            f"{', '.join(other.address for other in named)}.",
            f"Name one by its address: --{role} {one.address}",
        )
    if one.identified.driver is None:
        raise RowlogError(
            f"{_line(one)}: {one.identified.what}.", "See what can be recorded: rowlog devices"
        )
    if one.identified.kind not in (role, "other"):
        raise RowlogError(
            f"{_line(one)} is no {role}: {one.identified.what}.",
            f"Name it as what it is: --{one.identified.kind} {one.address}",
        )
    return one


def _picked(
    role: Role,
    found: Sequence[Found],
    known: Sequence[KnownDevice],
    athlete: str | None,
    ask: Ask | None,
    tell: Tell | None,
    *,
    needed: bool,
) -> Found | None:
    """One that may be taken unasked, or the one that the user chooses."""
    fitting = [one for one in found if _fits(one, role)]
    familiar = [one for one in fitting if _is_familiar(one, role, athlete)]
    own = [one for one in familiar if one.known is not None and one.known.athlete == athlete]
    choices = own or familiar or fitting
    if not choices:
        return None
    if len(choices) == 1 and (familiar or role == "rower"):
        return choices[0]
    if familiar:
        return _one_of_ones_own(role, choices, known, ask, tell)
    many = len(choices) > 1
    if ask is not None:
        question = f"Which {role} is yours?" if many else f"Is this your {role}?"
        place = ask(question, [_line(one) for one in choices])
        if place is None and needed:
            raise RowlogError(f"No {role} was chosen.", f"Name one: --{role} {choices[0].address}")
        return None if place is None else choices[place]
    lines = ", ".join(map(_line, choices))
    next_step = f"Name yours: --{role} {choices[0].address}"
    if needed:
        what = f"{len(choices)} {role}s are" if many else f"A {role} that you never recorded is"
        raise RowlogError(f"{what} in reach: {lines}.", next_step)
    if tell is not None:
        tell(f"Not recorded, since nobody said whose it is: {lines}. {next_step}")
    return None


def _one_of_ones_own(
    role: Role,
    choices: Sequence[Found],
    known: Sequence[KnownDevice],
    ask: Ask | None,
    tell: Tell | None,
) -> Found | None:
    """The one that the user chooses, by default the one used last; that one without a user."""
    latest = sorted(
        choices, key=lambda one: known.index(one.known) if one.known in known else len(known)
    )
    lines = [_line(one) for one in latest]
    if ask is not None:
        lines[0] += ", used last"
        place = ask(f"Several {role}s of yours are in reach. Which one?", lines, 0)
        return None if place is None else latest[place]
    if tell is not None:
        tell(
            f"{len(latest)} {role}s of yours are in reach: taking {lines[0]}, which was used "
            f"last. To take another: --{role} {latest[1].address}"
        )
    return latest[0]


def _line(one: Found) -> str:
    signal = "" if one.sighting.rssi_dbm is None else f", {one.sighting.rssi_dbm} dBm"
    return f"{one.sighting.label} ({one.address}{signal})"


def _not_found(role: Role, address: Address, found: Sequence[Found]) -> tuple[str, str]:
    what = f"No {role} was found" if address.scheme == "auto" else f"{address} was not found"
    others = ", ".join(_line(one) for one in found)
    reach = f" In reach: {others}." if others else " Nothing that rowlog reads is in reach."
    return (
        f"{what}.{reach}",
        "Wake it (most rowers advertise only while their screen is on), and close other apps that "
        "may hold it; then see: rowlog devices",
    )
