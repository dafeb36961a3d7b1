"""What there is to choose from: names for a filter, athletes, devices, workouts."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rowlog.store_devices import known_devices
from rowlog.store_errors import NoDatabaseError
from rowlog.store_show import open_shown
from rowlog.workouts import library


class Choice(NamedTuple):
    """One thing to choose."""

    value: str
    """As a command takes it."""
    text: str
    """For people; from the air or a file, so to be escaped."""


class Choices(NamedTuple):
    """What a database knows by name."""

    athletes: tuple[str, ...]
    activities: tuple[str, ...]
    plans: tuple[str, ...]
    tags: tuple[str, ...]
    machines: tuple[str, ...]
    rowers: tuple[Choice, ...]
    straps: tuple[Choice, ...]
    """Recorded before, last used first."""
    workouts: tuple[Choice, ...]
    """Those of the library, one's own first."""


def load_choices(path: Path) -> Choices:
    """All of it; a database that does not exist yet has no names. Raises StoreError."""
    names: dict[str, tuple[str, ...]] = {}
    kinds = ("athlete", "activity", "plan", "tag", "machine")
    try:
        with open_shown(path) as shown:
            names = {what: tuple(shown.names(what)) for what in kinds}
    except NoDatabaseError:
        names = dict.fromkeys(kinds, ())
    devices: dict[str, dict[str, Choice]] = {"rower": {}, "strap": {}}
    for device in known_devices(path):
        there = devices.setdefault(device.role, {})
        there.setdefault(device.address, Choice(device.address, device.name or device.address))
    return Choices(
        athletes=names["athlete"],
        activities=names["activity"],
        plans=names["plan"],
        tags=names["tag"],
        machines=names["machine"],
        rowers=tuple(devices["rower"].values()),
        straps=tuple(devices["strap"].values()),
        workouts=tuple(Choice(one.name, one.plan) for one in library(path).workouts),
    )
