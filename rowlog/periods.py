"""Days, weeks, months, seasons and years: which one a date lies in, and what a call asks for.

All dates are local: a session belongs to the date that it began on where it was rowed. Weeks are
those of ISO 8601, Monday to Sunday. A rowing season runs from 1 May to 30 April and is named after
the year it ends. Nothing here reads the clock: `today` is always given.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final, Literal, NamedTuple, get_args

from rowlog_drivers.errors import CallError

Kind = Literal["day", "week", "month", "season", "year"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

SEASON_MONTH: Final = 5
"""A rowing season begins on the first of May (Concept2's logbook and rankings)."""

ROWS: Final[dict[Kind, int]] = {"day": 14, "week": 12, "month": 12}
"""How many periods are looked back over when a call does not say; of other kinds, all."""

_DAY: Final = timedelta(days=1)


class Period(NamedTuple):
    """A day, week, month, season or year."""

    kind: Kind
    name: str
    """2026-11-24, 2026-W48, 2026-11, 2026 (a year), 2027 (the season that ends in it)."""
    start: date
    end: date
    """Its last day, which is in it."""


class Span(NamedTuple):
    """From one date to another, both within; None is open."""

    since: date | None
    until: date | None


def period_of(kind: Kind, day: date) -> Period:
    """The one period of its kind that `day` lies in, cut off where the calendar ends."""
    if kind == "day":
        return Period(kind, day.isoformat(), day, day)
    if kind == "week":
        year, week, weekday = day.isocalendar()
        return Period(
            kind, f"{year:04d}-W{week:02d}", _moved(day, 1 - weekday), _moved(day, 7 - weekday)
        )
    if kind == "month":
        last = day.replace(day=_month_length(day.year, day.month))
        return Period(kind, f"{day.year:04d}-{day.month:02d}", day.replace(day=1), last)
    if kind == "year":
        return Period(kind, f"{day.year:04d}", date(day.year, 1, 1), date(day.year, 12, 31))
    ends = day.year + (day.month >= SEASON_MONTH)
    start = date(ends - 1, SEASON_MONTH, 1) if ends > date.min.year else date.min
    end = date(ends, SEASON_MONTH, 1) - _DAY if ends <= date.max.year else date.max
    return Period(kind, f"{ends:04d}", start, end)


def season_named(text: str | None, today: date) -> Period:
    """The season that ends in the year `text`; None: the present one. Raises CallError."""
    if text is None:
        return period_of("season", today)
    if len(text) != 4 or not text.isascii() or not text.isdigit() or int(text) < 2:
        raise CallError(f"{text!r} is no season.", "Name the year that it ends in, as in 2027.")
    return period_of("season", date(int(text), 1, 1))


def periods_between(kind: Kind, first: date, last: date) -> Iterator[Period]:
    """The periods from the one with `first` to the one with `last`, none left out, oldest first."""
    period = period_of(kind, first)
    while period.start <= last:
        yield period
        if period.end == date.max:
            return
        period = period_of(kind, period.end + _DAY)


def kind_of(text: str) -> Kind:
    """The kind of period that a call names. Raises CallError for any other word."""
    for kind in KINDS:
        if text == kind:
            return kind
    raise CallError(f"There is no period {text!r}.", f"Say {_listed(KINDS)}.")


def span_of(
    kind: Kind, today: date, *, since: str | None, until: str | None, last: str | None
) -> Span:
    """The days that a call asks for.

    `since` and `until` are dates, or weeks, months or years by their names, of which the first or
    the last day counts. `last` is a stretch up to `until`, or up to today: 30d, 12w, 6m, 1y. With
    none of them it is the latest ROWS periods, the one with today included, and open to the future.

    Raises CallError for what is no date or stretch, and for what ends before it begins.
    """
    end = _named(until, "--until").end if until is not None else None
    if last is not None:
        if since is not None:
            raise CallError("--last and --since both say where to begin.", "Leave one of them out.")
        end = end if end is not None else today
        return Span(_stretch_before(end, last), end)
    if since is not None:
        start = _named(since, "--since").start
        if end is not None and start > end:
            raise CallError(
                f"--since {since} is after --until {until}.", "Name the earlier date with --since."
            )
        return Span(start, end)
    if end is not None or kind not in ROWS:
        return Span(None, end)
    period = period_of(kind, today)
    for _ in range(ROWS[kind] - 1):
        period = period_of(kind, _moved(period.start, -1))
    return Span(period.start, None)


# Compiled when they are needed, which is seldom.
_NAME: Final = r"([0-9]{4})(?:-W([0-9]{2})|-([0-9]{2})(?:-([0-9]{2}))?)?"
_STRETCH: Final = r"([0-9]{1,6})([dwmy])"


def _named(text: str, option: str) -> Period:
    """The day, week, month or year of that name."""
    match = re.fullmatch(_NAME, text)
    try:
        if match is None:
            raise ValueError(text)
        year, week, month, day = (int(part) if part else None for part in match.groups())
        if week is not None:
            return period_of("week", date.fromisocalendar(year or 0, week, 1))
        kind: Kind = "day" if day is not None else "month" if month is not None else "year"
        numbers = (year or 0, 1 if month is None else month, 1 if day is None else day)
        return period_of(kind, date(*numbers))
    except ValueError:
        raise CallError(
            f"{option} {text!r} is no date.",
            "Write 2026-11-24, or a week 2026-W48, a month 2026-11 or a year 2026.",
        ) from None


def _stretch_before(end: date, text: str) -> date:
    """The first day of the stretch that has `end` as its last."""
    match = re.fullmatch(_STRETCH, text)
    if match is None or int(match[1]) == 0:
        raise CallError(
            f"--last {text!r} is no stretch of time.",
            "Write 30d for days, 12w for weeks, 6m for months or 1y for years.",
        )
    count = int(match[1])
    if match[2] in "dw":
        return _moved(end, 1 - count * (7 if match[2] == "w" else 1))
    months = 12 * end.year + end.month - 1 - count * (12 if match[2] == "y" else 1)
    if months < 12:
        return date.min
    year, month = divmod(months, 12)
    same_day = date(year, month + 1, min(end.day, _month_length(year, month + 1)))
    # The day after the same day then, so that the stretch is whole and counts no day twice.
    return _moved(same_day, 1)


def _month_length(year: int, month: int) -> int:
    if month == 12:
        return 31
    return (date(year, month + 1, 1) - _DAY).day


def _moved(day: date, days: int) -> date:
    """`day` moved by `days`, no further than the calendar goes."""
    number = day.toordinal() + days
    return date.fromordinal(min(max(number, date.min.toordinal()), date.max.toordinal()))


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
