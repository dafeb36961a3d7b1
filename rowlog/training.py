"""Training load over days: fitness, fatigue and form; and streaks. Plain arithmetic on dates.

Fitness and fatigue are exponentially weighted means of the daily load over 42 and 7 days, after
Banister's model of 1975 in the form that Coggan's performance manager made customary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final, NamedTuple

FITNESS_DAYS: Final = 42.0
FATIGUE_DAYS: Final = 7.0


class LoadDay(NamedTuple):
    """One day's load and what it adds up to."""

    date: str
    load: float
    fitness: float
    fatigue: float
    form: float
    """Fitness less fatigue of the day before: how rested the athlete began the day."""


class Streaks(NamedTuple):
    """Days and weeks in a row with a session; the current ones end today or yesterday."""

    days: int
    longest_days: int
    weeks: int
    """Up to this week, or last week as long as this one is not over."""
    longest_weeks: int


def load_days(
    loads: Mapping[str, float], today: date, since: str | None = None, latest: int | None = None
) -> list[LoadDay]:
    """Every day from the first load (by ISO date) to today or the last one.

    `since`: only days from that date on are told, and of `latest` only the last so many; all are
    reckoned from the first load nevertheless.
    """
    if not loads:
        return []
    by_day = {date.fromisoformat(day).toordinal(): load for day, load in loads.items()}
    first, last = min(by_day), max(today.toordinal(), *by_day)
    told = first if since is None else date.fromisoformat(since).toordinal()
    told = told if latest is None else max(told, last - latest + 1)
    fitness = fatigue = 0.0
    days: list[LoadDay] = []
    for number in range(first, last + 1):
        form, load = fitness - fatigue, by_day.get(number, 0.0)
        fitness += (load - fitness) / FITNESS_DAYS
        fatigue += (load - fatigue) / FATIGUE_DAYS
        if number >= told:
            day = date.fromordinal(number).isoformat()
            days.append(LoadDay(day, load, fitness, fatigue, form))
    return days


REACH_DAYS: Final = 1600
"""A load of so long ago is nothing in today's fitness: (41 / 42)^1600 is 2e-17 of it."""


def streaks(days: Iterable[int], today: date) -> Streaks:
    """How regularly there were sessions, from the days (proleptic ordinals) that had one."""
    numbers = sorted(set(days))
    weeks = sorted({(number - 1) // 7 for number in numbers})  # ordinal 1 is a Monday
    this_day, this_week = today.toordinal(), (today.toordinal() - 1) // 7
    current_days, longest_days = _runs(numbers, this_day)
    current_weeks, longest_weeks = _runs(weeks, this_week)
    return Streaks(current_days, longest_days, current_weeks, longest_weeks)


def _runs(numbers: list[int], now: int) -> tuple[int, int]:
    """The run of numbers that ends now or just before, and the longest."""
    current = longest = run = 0
    before: int | None = None
    for number in numbers:
        if number - 1 != before:
            run = 0
        run += 1
        if run > longest:
            longest = run
        if now - 1 <= number <= now:
            current = run
        before = number
    return current, longest
