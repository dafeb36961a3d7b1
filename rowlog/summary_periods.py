"""Rows to PeriodsSummary: what was rowed in each day, week, month, season or year.

Named tuples, and no more modules than needed, for the reason that `summary` gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from rowlog.periods import Kind, Period, Span, period_of, periods_between
from rowlog.store_show import Row, Shown, open_shown
from rowlog.wanted import ANY, Wanted, check_names


class PeriodTotals(NamedTuple):
    """What was rowed in one period: sums over its sessions, a mean and a highest.

    A sum is 0 when there was no session, and None when no session says anything of it; it leaves
    out sessions that do not.
    """

    name: str
    """As in `Period`; "lifetime" and "total" for those."""
    start: str | None
    """First date that is counted; None when there is none."""
    end: str | None
    """Last date that is counted."""
    sessions: int
    """All that began in the period."""
    open_sessions: int
    """How many of them are not closed (being recorded, or interrupted) and so have no figures."""
    duration_s: float | None
    """Whole sessions, from first frame to last."""
    work_s: float | None
    rest_s: float | None
    distance_m: float | None
    """All metres, those rowed in rests included."""
    work_distance_m: float | None
    rest_distance_m: float | None
    stroke_count: int | None
    energy_kcal: float | None
    mean_pace_s_per_500m: float | None
    """500 times the time over the metres of all work that has metres."""
    mean_heart_rate_bpm: float | None
    """Weighted by the time in which there was a heart rate."""
    max_heart_rate_bpm: float | None


class CurrentTotals(NamedTuple):
    """Where the athlete stands today, whatever period was asked for."""

    week: PeriodTotals
    month: PeriodTotals
    season: PeriodTotals
    lifetime: PeriodTotals


class PeriodsSummary(NamedTuple):
    """Totals by period, the latest period first."""

    by: Kind
    since: str | None
    """First date that was asked for; None: from the first session on."""
    until: str | None
    """Last date that was asked for; None: to today, and to sessions dated later."""
    athlete: str | None
    activity: str | None
    """Whose sessions, and of what kind, were counted; None: all."""
    plan: str | None
    tag: str | None
    machine: str | None
    """Of which workout, with which tag and on which machine; None: all."""
    periods: tuple[PeriodTotals, ...]
    """Every period from the first session within the dates on, those without any included."""
    total: PeriodTotals
    """All of `periods` together."""
    current: CurrentTotals
    dated_by_file: int
    """How many sessions of the lifetime stand at the date of a file which said none."""


def load_periods(
    path: Path,
    kind: Kind,
    span: Span,
    today: date,
    wanted: Wanted = ANY,
) -> PeriodsSummary:
    """Totals by period over all wanted sessions that began within `span`.

    Raises CallError for a name that no session has, StoreError for what cannot be read.
    """
    with open_shown(path) as shown:
        check_names(shown, wanted)
        count = _Counter(shown, wanted)
        lifetime = count.all()
        rows = tuple(_periods(kind, span, today, lifetime))
        return PeriodsSummary(
            by=kind,
            since=_iso(span.since),
            until=_iso(span.until),
            athlete=wanted.athlete,
            activity=wanted.activity,
            plan=wanted.plan,
            tag=wanted.tag,
            machine=wanted.machine,
            periods=tuple(reversed(count.each(rows))),
            total=_total(count, rows, lifetime)
            if rows
            else _without("total", _iso(span.since), _iso(span.until)),
            current=CurrentTotals(
                week=count.now("week", today),
                month=count.now("month", today),
                season=count.now("season", today),
                lifetime=lifetime,
            ),
            dated_by_file=shown.dated_by_file(wanted),
        )


def _periods(kind: Kind, span: Span, today: date, lifetime: PeriodTotals) -> Iterator[Period]:
    """Every period within the span, cut at its dates, from the first session on; oldest first."""
    if lifetime.start is None or lifetime.end is None:
        return
    first = date.fromisoformat(lifetime.start)
    if span.since is not None:
        first = max(first, span.since)
    last = span.until or max(today, date.fromisoformat(lifetime.end))
    if first > last:
        return
    for period in periods_between(kind, first, last):
        yield period._replace(
            start=max(period.start, span.since or period.start),
            end=min(period.end, span.until or period.end),
        )


def _total(count: _Counter, rows: Sequence[Period], lifetime: PeriodTotals) -> PeriodTotals:
    """All of the periods together, which often are all that there is."""
    start, end = rows[0].start.isoformat(), rows[-1].end.isoformat()
    if (lifetime.start or "") >= start and (lifetime.end or "") <= end:
        return lifetime._replace(name="total", start=start, end=end)
    return count.one("total", rows[0].start, rows[-1].end)


class _Counter:
    """Adds up the sessions that are wanted."""

    def __init__(self, shown: Shown, wanted: Wanted) -> None:
        self._shown = shown
        self._wanted = wanted

    def each(self, periods: Sequence[Period]) -> list[PeriodTotals]:
        """The totals of periods that follow each other without a gap."""
        if not periods:
            return []
        starts = [period.start.isoformat() for period in periods]
        found = self._rows(_FIGURES, starts, periods[-1].end.isoformat())
        return [
            PeriodTotals(period.name, start, period.end.isoformat(), *found[place])
            if place in found
            else _without(period.name, start, period.end.isoformat())
            for place, (period, start) in enumerate(zip(periods, starts, strict=True))
        ]

    def one(self, name: str, start: date, end: date) -> PeriodTotals:
        """The totals of one stretch, its last date within."""
        dates = (start.isoformat(), end.isoformat())
        found = self._rows(_FIGURES, dates[:1], dates[1])
        return PeriodTotals(name, *dates, *found[0]) if found else _without(name, *dates)

    def now(self, kind: Kind, today: date) -> PeriodTotals:
        """The totals of the period that has today."""
        period = period_of(kind, today)
        return self.one(period.name, period.start, period.end)

    def all(self) -> PeriodTotals:
        """The totals of all time, from the first session's date to the last's."""
        found = self._rows(("first_started_at", "last_started_at", *_FIGURES), ("",), None)
        if not found:
            return _without("lifetime", None, None)
        first, last, *figures = found[0]
        return PeriodTotals("lifetime", first[:_DATE], last[:_DATE], *figures)

    def _rows(
        self, columns: Sequence[str], starts: Sequence[str], until: str | None
    ) -> dict[int, Row]:
        return self._shown.totals_by_date(columns, starts, until=until, wanted=self._wanted)


_DATE: Final = len("2026-11-24")
_FIGURES: Final = PeriodTotals._fields[3:]
_NOTHING: Final[tuple[Any, ...]] = tuple(
    None if name.startswith(("mean_", "max_")) else 0 for name in _FIGURES
)


def _without(name: str, start: str | None, end: str | None) -> PeriodTotals:
    """A stretch without any session."""
    return PeriodTotals(name, start, end, *_NOTHING)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
