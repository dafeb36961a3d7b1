"""Athletes: rows to AthleteSummary, and what a call changes of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from rowlog.athlete import ALWAYS, Athlete, Change, Value, checked_value, known_on
from rowlog.store_athletes import StoredAthlete, read_athletes
from rowlog.store_years import open_years
from rowlog.zones import missing_for_zones, zones_of
from rowlog_drivers.errors import CallError


class ZoneRange(NamedTuple):
    """One zone as it is today."""

    name: str
    low_bpm: float
    high_bpm: float | None
    """Where the next begins, or the maximum; None when that is not known, or lies below."""


class ValueSummary(NamedTuple):
    """One value of the history."""

    quantity: str
    since: str | None
    """None: from the beginning."""
    value: Value


class AthleteSummary(NamedTuple):
    """One athlete as of today, with the history."""

    name: str
    now: Athlete
    zones_by: str | None
    """How the zones are made; None: there are none."""
    zones: tuple[ZoneRange, ...]
    missing: str | None
    """The option that would give zones; None where there are."""
    history: tuple[ValueSummary, ...]
    sessions: int
    last_started_at: str | None


ONCE = ("birth_year", "sex")
"""Quantities that do not change with time: said again, they are corrected."""


def load_athletes(path: Path, today: date) -> tuple[AthleteSummary, ...]:
    """All athletes by name. Raises StoreError."""
    return tuple(_summary(stored, today) for stored in read_athletes(path))


def load_athlete(path: Path, name: str | None, today: date) -> AthleteSummary:
    """One athlete; None: the only one. Raises CallError and StoreError."""
    there = load_athletes(path, today)
    names = ", ".join(athlete.name for athlete in there)
    if not there:
        raise CallError("There is no athlete yet.", "Make one with: rowlog athlete add NAME")
    if name is None:
        if len(there) > 1:
            raise CallError(f"There are {len(there)} athletes: {names}.", "Name one of them.")
        return there[0]
    for athlete in there:
        if athlete.name == name:
            return athlete
    raise CallError(f"No athlete is called {name!r}.", f"There is: {names}.")


def nobodys_sessions(path: Path) -> list[int]:
    """The numbers of the sessions that are no athlete's. Raises CallError where there is none."""
    with open_years(path) as years:
        numbers = years.nobodys()
    if not numbers:
        raise CallError("Every session is an athlete's.", "See whose: rowlog athlete list")
    return numbers


def add_athlete(
    path: Path,
    name: str,
    values: Mapping[str, Value],
    since: str | None,
    today: date,
    *,
    another: bool = False,
) -> None:
    """A new athlete; `another` beside one whose name is spelled alike.

    Raises CallError for what cannot be, and StoreError.
    """
    from rowlog.store import Store

    if not name.strip() or not name.isprintable():
        raise CallError(f"{name!r} is no name.", "Write it in letters that can be printed.")
    changes = _changes(values, since, today, ())
    with Store.open_writer(path) as store:
        store.add_athlete(name, changes, another=another)


def set_athlete(
    path: Path,
    name: str,
    values: Mapping[str, Value],
    since: str | None,
    today: date,
    forget: tuple[str, ...] = (),
) -> int:
    """Change what is known of an athlete; returns how many sessions were judged anew."""
    from rowlog.store import Store
    from rowlog.store_errors import no_database

    if not path.is_file():
        raise no_database(path)
    with Store.open_writer(path) as store:
        known = next((stored for stored in read_athletes(path) if stored.name == name), None)
        before = () if known is None else known.changes
        changes = _changes(values, since, today, before)
        return store.set_athlete_values(name, changes, forget)


def _changes(
    values: Mapping[str, Value], since: str | None, today: date, before: tuple[Change, ...]
) -> list[Change]:
    """The values with the dates from which they are true.

    Where the call does not say: the first value of a quantity from the beginning, others from
    today.
    """
    if since is not None:
        try:
            day = date.fromisoformat(since)
        except ValueError:
            raise CallError(f"--since {since!r} is no date.", "Write 2026-11-24.") from None
        if day > today:
            raise CallError(f"--since {since} is still to come.", "Name a date up to today.")
        since = day.isoformat()
    known = {change.quantity for change in before}
    return [
        Change(
            quantity,
            ALWAYS
            if quantity in ONCE
            else since or (today.isoformat() if quantity in known else ALWAYS),
            checked_value(quantity, value, today.year),
        )
        for quantity, value in values.items()
    ]


def _summary(stored: StoredAthlete, today: date) -> AthleteSummary:
    now = known_on(today.isoformat(), stored.changes)
    zones = zones_of(now)
    ranges: tuple[ZoneRange, ...] = ()
    if zones is not None:
        lows, top = zones.limits_bpm, zones.top_bpm
        # Own limits may begin the last zone above the maximum: then it has no end.
        ends = (*lows[1:], top if top is not None and top > lows[-1] else None)
        ranges = tuple(
            ZoneRange(*zone) for zone in zip(zones.names, zones.limits_bpm, ends, strict=True)
        )
    return AthleteSummary(
        name=stored.name,
        now=now,
        zones_by=zones.by if zones else None,
        zones=ranges,
        missing=None if zones else missing_for_zones(now),
        history=tuple(
            ValueSummary(change.quantity, _since(change.since), change.value)
            for change in stored.changes
        ),
        sessions=stored.sessions,
        last_started_at=stored.last_started_at,
    )


def _since(since: str) -> str | None:
    return None if since == ALWAYS else since
