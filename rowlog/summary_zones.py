"""Rows to ZonesSummary: time in heart-rate zones, by period."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from rowlog.periods import Kind, Span
from rowlog.store_years import open_years
from rowlog.summary_years import Asked, asked, periods_of
from rowlog.wanted import Wanted
from rowlog.zones import BELOW, NAMES, UNKNOWN


class ZoneTime(NamedTuple):
    """Time in one zone; below the first, and unknown, stand in the list too."""

    name: str
    low_bpm: float | None
    """As it is for the latest session; None for "below" and "unknown"."""
    seconds: float


class ZonesPeriod(NamedTuple):
    """One period's time in zones, each session judged by what was true on its day."""

    name: str
    start: str | None
    end: str | None
    sessions: int
    with_heart_rate: int
    zones: tuple[ZoneTime, ...]
    not_judged_s: float
    """Time with a heart rate of sessions whose athlete has no zones."""
    edwards: float | None
    """Training impulse; None where nothing is known that it could be computed from."""
    banister: float | None


class ZonesSummary(NamedTuple):
    """Time in zones by period, the latest first."""

    by: Kind
    asked: Asked
    periods: tuple[ZonesPeriod, ...]
    total: ZonesPeriod


def load_zones(path: Path, wanted: Wanted, kind: Kind, span: Span, today: date) -> ZonesSummary:
    """Time in zones of the wanted sessions. Raises CallError and StoreError."""
    with open_years(path) as years:
        head = asked(years, wanted)
        periods, starts = periods_of(years, wanted, kind, today, span)
        found = years.zones(wanted, starts) if starts else {}
    whole = _together(list(found.values()))
    names, lows = _latest(whole)
    rows = [
        _period(period.name, period.start.isoformat(), period.end.isoformat(), row, names, lows)
        for place, period in enumerate(periods)
        for row in (found.get(place, _NONE),)
    ]
    first = rows[0].start if rows else None
    last = rows[-1].end if rows else None
    total = _period("total", first, last, whole, names, lows)
    return ZonesSummary(kind, head, tuple(reversed(rows)), total)


_NONE: Final[tuple[Any, ...]] = (0, 0, *([0.0] * 8), None, None, None)


def _together(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The sums of all periods, which hold every session; the zones of the latest of them."""
    if not rows:
        return _NONE
    columns = list(zip(*rows, strict=True))
    impulses = [[value for value in column if value is not None] for column in columns[10:12]]
    return (
        *(sum(column) for column in columns[:10]),
        *(sum(known) if known else None for known in impulses),
        max((text for text in columns[12] if text is not None), default=None),
    )


def _latest(row: tuple[Any, ...]) -> tuple[tuple[str, ...], tuple[float | None, ...]]:
    """The names and lower limits of the zones of the latest session that has some."""
    if row[-1] is None:
        return NAMES["rowing"], (None,) * 5
    _, names, limits = row[-1].split("|")
    return tuple(names.split(",")), tuple(float(limit) for limit in limits.split(","))


def _period(
    name: str,
    start: str | None,
    end: str | None,
    row: tuple[Any, ...],
    names: tuple[str, ...],
    lows: tuple[float | None, ...],
) -> ZonesPeriod:
    sessions, hearts, below_s, *rest = row
    inside, (unknown_s, not_judged_s, edwards, banister, _) = rest[:5], rest[5:]
    zones = (
        ZoneTime(BELOW, None, below_s),
        *(ZoneTime(*zone) for zone in zip(names, lows, inside, strict=True)),
        ZoneTime(UNKNOWN, None, unknown_s),
    )
    return ZonesPeriod(name, start, end, sessions, hearts, zones, not_judged_s, edwards, banister)
