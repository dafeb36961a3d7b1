"""What a Bluetooth device is, by what it advertises: pure, from names, services and data."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from rowlog_drivers.catalog import DRIVERS, Role, find_quirk
from rowlog_drivers.protocols import ftms
from rowlog_drivers.quirks import QUIRKS, Quirk

Kind = Literal["rower", "strap", "other"]

FITNESS_MACHINE: Final = "1826"
HEART_RATE: Final = "180d"
MAKERS_OWN: Final = "fff0"
"""The service of consoles with a protocol of their own, FitShow's among them."""
CONCEPT2: Final = "ce060000"
CONCEPT2_SERVICES: Final = frozenset({"ce060000", "ce060010", "ce060020", "ce060030"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """What a device was taken for."""

    kind: Kind
    """"other": a fitness machine that is no rower, or a rower that no driver reads."""
    driver: str | None
    """The driver that reads it; None when none does."""
    what: str
    """In words, for people."""
    quirk: Quirk | None = None
    certain: bool = True
    """False when only connecting will tell: the device did not say which machine it is."""


def identify(
    name: str | None, services: Collection[str], service_data: Mapping[str, bytes]
) -> Identified | None:
    """What a device is; None when nothing it advertises is ours.

    Args:
        name: as it advertised it; None without one.
        services: short UUIDs of the advertised services ("1826", "180d", "ce060000").
        service_data: by short service UUID, without the UUID itself.
    """
    quirk = _quirk(name)
    if quirk is not None and quirk.driver not in DRIVERS:
        return Identified(kind="other", driver=None, what=quirk.note, quirk=quirk)
    has_ftms = FITNESS_MACHINE in services or FITNESS_MACHINE in service_data
    if CONCEPT2_SERVICES & set(services) or _is_named_as_concept2(name, has_ftms=has_ftms):
        return _concept2(name)
    if has_ftms:
        return _fitness_machine(service_data.get(FITNESS_MACHINE), quirk)
    if quirk is not None and quirk.shared_name and MAKERS_OWN in services:
        what = "console with the maker's own service alone, which rowlog does not read"
        return Identified(kind="other", driver=None, what=what, quirk=quirk)
    if quirk is not None:
        return _rower("ftms" if quirk.driver == "ftms" else quirk.driver, quirk.note, quirk)
    if HEART_RATE in services:
        return Identified(kind="strap", driver="heart_rate", what="heart-rate strap or band")
    return None


def _is_named_as_concept2(name: str | None, *, has_ftms: bool) -> bool:
    """A PM5 has its serial number in its name; a program that plays one calls itself just PM5."""
    folded = (name or "").casefold().strip()
    return folded.startswith("pm5") and not (folded == "pm5" and has_ftms)


def _concept2(name: str | None) -> Identified:
    """A PM5 is read by its own service even where it has FTMS too: that one tells neither forces
    nor drag factor, and nothing of the monitor's intervals and its own summary.
    """
    last = (name or "").casefold().rsplit(" ", 1)[-1]
    machine = {"ski": "SkiErg", "bike": "BikeErg"}.get(last, "RowErg")
    return _rower("pm5", f"Concept2 PM5 ({machine})", find_quirk("pm5", name))


def _fitness_machine(payload: bytes | None, quirk: Quirk | None) -> Identified:
    note = quirk.note if quirk is not None else "FTMS rower"
    types: tuple[str, ...] = ()
    if payload is not None:
        types = ftms.parse_service_data(payload).machine_types
    if "rower" in types or (quirk is not None and not (types and quirk.shared_name)):
        return _rower("ftms", note, quirk)
    if types:
        return Identified(kind="other", driver="ftms", what=f"FTMS {', '.join(types)}")
    return Identified(
        kind="rower",
        driver="ftms",
        what="FTMS machine that does not say which",
        certain=False,
    )


def _rower(driver: str, what: str, quirk: Quirk | None) -> Identified:
    role: Role = DRIVERS[driver].role
    return Identified(kind=role, driver=driver, what=what, quirk=quirk)


def _quirk(name: str | None) -> Quirk | None:
    """The quirk of the longest matching prefix, whatever its driver."""
    if not name:
        return None
    fitting = [quirk for quirk in QUIRKS if quirk.fits(name)]
    return max(fitting, key=lambda quirk: len(quirk.prefix), default=None)
