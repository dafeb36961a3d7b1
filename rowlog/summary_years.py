"""What all summaries over years share: which sessions, which periods, and what is not there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from rowlog.periods import Kind, Period, Span, periods_between
from rowlog.store_years import Years
from rowlog.wanted import Wanted, check_names


class Asked(NamedTuple):
    """Which sessions a summary is about, for its heading and its JSON."""

    athlete: str | None
    activity: str | None
    plan: str | None
    tag: str | None
    machine: str | None
    since: str | None
    until: str | None
    sessions: int
    """How many there are."""
    unkept: int
    """So many closed sessions are not counted in: what is kept of them is missing or older."""


def asked(years: Years, wanted: Wanted) -> Asked:
    """The heading. Raises CallError for a name that no session has."""
    check_names(years, wanted)
    return Asked(*wanted, years.span(wanted)[0], years.unkept())


def periods_of(
    years: Years, wanted: Wanted, kind: Kind, today: date, span: Span
) -> tuple[list[Period], list[str]]:
    """The periods from the first wanted session on, oldest first, and their first dates."""
    _, first, last = years.span(wanted)
    if first is None or last is None:
        return [], []
    begin = max(date.fromisoformat(first), span.since or date.min)
    end = span.until or max(today, date.fromisoformat(last))
    if begin > end:
        return [], []
    periods: Sequence[Period] = list(periods_between(kind, begin, end))
    return list(periods), [period.start.isoformat() for period in periods]
