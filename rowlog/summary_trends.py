"""Rows to TrendsSummary: how things went over months and years."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

from rowlog.athlete import Change, known_on
from rowlog.periods import Kind, Span
from rowlog.starts import Start
from rowlog.store_years import Years, open_years
from rowlog.summary_years import Asked, asked, periods_of
from rowlog.training import REACH_DAYS, LoadDay, Streaks, load_days, streaks
from rowlog.wanted import Wanted
from rowlog_drivers.errors import CallError


class TrendPeriod(NamedTuple):
    """One period; None is not known. Means weigh each session that has the figure the same."""

    name: str
    start: str
    end: str
    sessions: int
    duration_s: float | None
    work_s: float | None
    distance_m: float | None
    work_distance_m: float | None
    mean_pace_s_per_500m: float | None
    load: float | None
    """Sum of the training impulse, of the kind that `TrendsSummary.load_by` says."""
    heart_rate_drop_30s_bpm: float | None
    heart_rate_drop_60s_bpm: float | None
    heart_rate_drop_120s_bpm: float | None
    """How far the heart rate fell after pieces of work."""
    decoupling: float | None
    metres_per_beat: float | None
    watts_per_beat: float | None
    min_heart_rate_bpm: float | None
    """The lowest of all."""
    resting_rmssd_ms: float | None
    """Before the first stroke."""
    heart_rate_at_power_bpm: float | None
    """In settled work at `TrendsSummary.power_w`."""
    resting_heart_rate_bpm: float | None
    """What was known of the athlete at its end; None too where there are several athletes."""


class TrendsSummary(NamedTuple):
    """How things went, the latest period first."""

    by: Kind
    asked: Asked
    power_w: float | None
    """The middle of the band of 25 W that `heart_rate_at_power_bpm` is told for."""
    periods: tuple[TrendPeriod, ...]
    streaks: Streaks
    load_by: str | None
    """"banister" or "edwards"; None where no session has an impulse."""
    sessions_without_load: int
    """They count as nothing in the load."""
    load: tuple[LoadDay, ...]
    """Every day of the periods, or the latest that were asked for; the earliest first."""


class Repetition(NamedTuple):
    """One session of a workout that was done again and again."""

    session: int
    started_at: str
    start_from: Start
    athlete: str | None
    work_s: float
    work_distance_m: float | None
    mean_pace_s_per_500m: float | None
    mean_power_w: float | None
    mean_stroke_rate_spm: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    heart_rate_drop_60s_bpm: float | None
    fastest_pace_s_per_500m: float | None
    slowest_pace_s_per_500m: float | None


class WorkoutSummary(NamedTuple):
    """The same workout over time, the earliest first."""

    asked: Asked
    sessions: tuple[Repetition, ...]


BAND_W: Final = 25.0
"""Width of the bands of power, as `pulse` has it."""


def load_trends(
    path: Path,
    wanted: Wanted,
    kind: Kind,
    span: Span,
    today: date,
    *,
    power_w: float | None = None,
    days: int | None = None,
) -> TrendsSummary:
    """Trends of the wanted sessions. Raises CallError and StoreError.

    `power_w`: at which power the heart rate is told; None: where most time was spent. Load is told
    for the days of the periods, but reckoned from the first session of all, so that fitness does
    not begin at nothing with them; of `days` for the latest so many, which takes less time.
    """
    if power_w is not None and not 0 < power_w < 2000:
        raise CallError(f"--power is {power_w:g} W, which cannot be.", "Name watts, as in 180.")
    with open_years(path) as years:
        head = asked(years, wanted)
        periods, starts = periods_of(years, wanted, kind, today, span)
        found = years.trends(wanted, starts) if starts else {}
        band = _band(years, wanted, power_w)
        at_power = years.heart_rates_at(wanted, starts, band) if starts and band is not None else {}
        count, banister, edwards, rowed = years.regularity(wanted._replace(since=None))
        sessions = years.loads(wanted._replace(since=_reaching(wanted, today, rowed, days)))
        changes = _changes(years, wanted)
    by_banister = None if not edwards and not banister else banister >= edwards
    with_load = banister if by_banister else edwards
    load_by = None if by_banister is None else "banister" if by_banister else "edwards"
    rows = []
    for place, period in enumerate(periods):
        sums = found.get(place, (0, *([None] * 15)))
        start, end = period.start.isoformat(), period.end.isoformat()
        load = sums[6] if by_banister else sums[7]
        known = known_on(min(end, today.isoformat()), changes)
        figures = (*sums[:6], load, *sums[8:], at_power.get(place), known.resting_heart_rate_bpm)
        rows.append(TrendPeriod(period.name, start, end, *figures))
    loads: dict[str, float] = {}
    for day, *impulses in sessions:
        load = impulses[0 if by_banister else 1]
        loads[day] = loads.get(day, 0.0) + (0.0 if load is None else load)
    return TrendsSummary(
        by=kind,
        asked=head,
        power_w=band,
        periods=tuple(reversed(rows)),
        streaks=streaks(rowed, today),
        load_by=load_by,
        sessions_without_load=count - with_load,
        load=tuple(load_days(loads, today, wanted.since, days)) if load_by is not None else (),
    )


def load_workout(path: Path, wanted: Wanted) -> WorkoutSummary:
    """The same workout over time. Raises CallError and StoreError."""
    with open_years(path) as years:
        head = asked(years, wanted)
        rows = years.repetitions(wanted)
    return WorkoutSummary(head, tuple(Repetition(*row) for row in rows))


def _reaching(wanted: Wanted, today: date, rowed: Sequence[int], days: int | None) -> str | None:
    """From which date on loads matter: what came long before the first day that is told is nothing
    in it. None: from the first on.
    """
    if not rowed:
        return None
    first = min(rowed)
    if wanted.since is not None:
        first = max(first, date.fromisoformat(wanted.since).toordinal())
    if days is not None:
        first = max(first, max(today.toordinal(), *rowed) - days + 1)
    reached = first - REACH_DAYS
    return date.fromordinal(reached).isoformat() if reached > min(rowed) else None


def _band(years: Years, wanted: Wanted, power_w: float | None) -> float | None:
    """The middle of the band that a power lies in; None: of the one with most time."""
    if power_w is not None:
        return (power_w // BAND_W + 0.5) * BAND_W
    powers = years.powers(wanted)
    return max(powers, key=lambda row: row[1])[0] if powers else None


def _changes(years: Years, wanted: Wanted) -> list[Change]:
    """The history of the athlete that this is all about; nothing where there are several."""
    if wanted.athlete is not None:
        return years.changes(years.athlete_number(wanted.athlete))
    only = years.only_athlete()
    return years.changes(None if only is None else only[0])
