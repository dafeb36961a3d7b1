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
    nobodys: int
    """How many of `sessions` are no athlete's though there is one: those have no zones and no
    training load."""
    only_athlete: str | None
    """Whose all the others are, and `nobodys` are counted with; None where several rowed."""
    dated_by_file: int
    """How many of `sessions` stand at the date of a file that did not say when they were."""


def asked(years: Years, wanted: Wanted) -> Asked:
    """The heading. Raises CallError for a name that no session has."""
    check_names(years, wanted)
    only = years.only_athlete()
    nobodys = len(years.nobodys(wanted)) if wanted.athlete is None and years.names("athlete") else 0
    return Asked(
        *wanted,
        years.span(wanted)[0],
        years.unkept(),
        nobodys,
        None if only is None else only[1],
        years.dated_by_file(wanted),
    )


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
