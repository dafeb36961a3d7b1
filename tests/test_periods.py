"""Periods: each date lies in exactly one of a kind, none is left out, and the edges are right."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.periods import KINDS, Kind, Period, Span, kind_of, period_of, periods_between, span_of
from rowlog_drivers.errors import CallError

DAY = timedelta(days=1)
TODAY = date(2026, 11, 24)  # a Tuesday

kinds = st.sampled_from(KINDS)
dates = st.dates()
years = st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 12, 31))


@given(kinds, dates)
def test_every_date_lies_in_its_period(kind: Kind, day: date) -> None:
    period = period_of(kind, day)
    assert period.start <= day <= period.end
    assert period.kind == kind


@given(kinds, dates)
def test_all_dates_of_a_period_agree_and_its_neighbours_differ(kind: Kind, day: date) -> None:
    """So each date belongs to exactly one period, and the periods touch."""
    period = period_of(kind, day)
    assert period_of(kind, period.start) == period_of(kind, period.end) == period
    if period.start > date.min:
        before = period_of(kind, period.start - DAY)
        assert before.end == period.start - DAY
        assert before.name != period.name
    if period.end < date.max:
        after = period_of(kind, period.end + DAY)
        assert after.start == period.end + DAY
        assert after.name != period.name


@given(kinds, years, st.integers(0, 800))
def test_periods_between_leave_no_gap(kind: Kind, first: date, days: int) -> None:
    last = first + days * DAY
    periods = list(periods_between(kind, first, last))
    assert periods[0].start <= first <= periods[0].end
    assert periods[-1].start <= last <= periods[-1].end
    assert all(one.end + DAY == next_one.start for one, next_one in pairwise(periods))
    assert len({period.name for period in periods}) == len(periods)


@given(years)
def test_lengths(day: date) -> None:
    lengths = {kind: (p.end - p.start).days + 1 for kind in KINDS for p in [period_of(kind, day)]}
    assert lengths["day"] == 1
    assert lengths["week"] == 7
    assert 28 <= lengths["month"] <= 31
    assert lengths["season"] in (365, 366)
    assert lengths["year"] in (365, 366)
    assert period_of("week", day).start.weekday() == 0


CASES: list[tuple[Kind, str, str, str, str]] = [
    ("day", "2026-11-24", "2026-11-24", "2026-11-24", "2026-11-24"),
    ("week", "2026-11-24", "2026-W48", "2026-11-23", "2026-11-29"),
    ("week", "2026-11-22", "2026-W47", "2026-11-16", "2026-11-22"),
    # The week with the year's first Thursday is its first (ISO 8601).
    ("week", "2026-01-01", "2026-W01", "2025-12-29", "2026-01-04"),
    ("week", "2025-12-29", "2026-W01", "2025-12-29", "2026-01-04"),
    ("week", "2021-01-03", "2020-W53", "2020-12-28", "2021-01-03"),
    ("week", "2021-01-04", "2021-W01", "2021-01-04", "2021-01-10"),
    ("month", "2024-02-29", "2024-02", "2024-02-01", "2024-02-29"),
    ("month", "2100-02-10", "2100-02", "2100-02-01", "2100-02-28"),
    ("month", "2026-12-31", "2026-12", "2026-12-01", "2026-12-31"),
    ("season", "2026-04-30", "2026", "2025-05-01", "2026-04-30"),
    ("season", "2026-05-01", "2027", "2026-05-01", "2027-04-30"),
    ("season", "2024-02-29", "2024", "2023-05-01", "2024-04-30"),
    ("year", "2026-12-31", "2026", "2026-01-01", "2026-12-31"),
    # Where the calendar ends, periods are cut off.
    ("season", "9999-12-31", "10000", "9999-05-01", "9999-12-31"),
    ("season", "0001-01-01", "0001", "0001-01-01", "0001-04-30"),
    ("week", "9999-12-31", "9999-W52", "9999-12-27", "9999-12-31"),
]


@pytest.mark.parametrize(("kind", "day", "name", "start", "end"), CASES)
def test_names_and_edges(kind: Kind, day: str, name: str, start: str, end: str) -> None:
    expected = Period(kind, name, date.fromisoformat(start), date.fromisoformat(end))
    assert period_of(kind, date.fromisoformat(day)) == expected


def test_the_last_period_of_the_calendar_is_the_last() -> None:
    names = [p.name for p in periods_between("year", date(9998, 1, 1), date.max)]
    assert names == ["9998", "9999"]


SPANS: list[tuple[Kind, str | None, str | None, str | None, str | None, str | None]] = [
    # kind, --since, --until, --last; first and last date
    ("day", None, None, None, "2026-11-11", None),  # 14 days, today's the last
    ("week", None, None, None, "2026-09-07", None),  # 12 Mondays: 23 Nov is the last
    ("month", None, None, None, "2025-12-01", None),
    ("season", None, None, None, None, None),
    ("year", None, None, None, None, None),
    ("week", "2026-03-05", None, None, "2026-03-05", None),
    ("week", None, "2026-03-05", None, None, "2026-03-05"),
    ("week", "2026-03", "2026-03", None, "2026-03-01", "2026-03-31"),
    ("week", "2024", "2024-02", None, "2024-01-01", "2024-02-29"),
    ("week", "2026-W01", "2026-W01", None, "2025-12-29", "2026-01-04"),
    ("week", "2026-03-05", "2026-03-05", None, "2026-03-05", "2026-03-05"),
    ("week", None, None, "1d", "2026-11-24", "2026-11-24"),
    ("week", None, None, "30d", "2026-10-26", "2026-11-24"),  # 24 of November, 6 of October
    ("week", None, None, "1w", "2026-11-18", "2026-11-24"),
    ("week", None, None, "1m", "2026-10-25", "2026-11-24"),
    ("week", None, None, "1y", "2025-11-25", "2026-11-24"),
    ("week", None, "2026-05-31", "3m", "2026-03-01", "2026-05-31"),  # the day after 28 February
    ("week", None, "2024-02-29", "1y", "2023-03-01", "2024-02-29"),
    ("week", None, None, "9999y", "0001-01-01", "2026-11-24"),
    ("week", None, None, "999999w", "0001-01-01", "2026-11-24"),
]


@pytest.mark.parametrize(("kind", "since", "until", "last", "first", "end"), SPANS)
def test_what_a_call_asks_for(
    kind: Kind,
    since: str | None,
    until: str | None,
    last: str | None,
    first: str | None,
    end: str | None,
) -> None:
    expected = Span(
        date.fromisoformat(first) if first else None, date.fromisoformat(end) if end else None
    )
    assert span_of(kind, TODAY, since=since, until=until, last=last) == expected


@pytest.mark.parametrize(("kind", "count"), [("day", 14), ("week", 12), ("month", 12)])
@pytest.mark.parametrize("today", [TODAY, date(2024, 2, 29), date(2021, 1, 3), date(2027, 3, 31)])
def test_the_default_is_a_fixed_number_of_whole_periods(
    kind: Kind, count: int, today: date
) -> None:
    since = span_of(kind, today, since=None, until=None, last=None).since
    assert since is not None
    assert len(list(periods_between(kind, since, today))) == count
    assert period_of(kind, since).start == since


@given(years, st.integers(1, 60))
def test_a_stretch_of_months_touches_the_one_before(end: date, months: int) -> None:
    """The day before a stretch has the same day of the month, or is the month's last."""
    since = span_of("week", end, since=None, until=None, last=f"{months}m").since
    assert since is not None
    before = since - DAY
    assert 12 * end.year + end.month - months == 12 * before.year + before.month
    assert before.day == min(end.day, period_of("month", before).end.day)


@pytest.mark.parametrize(
    ("since", "until", "last", "words"),
    [
        ("yesterday", None, None, ("--since", "yesterday", "2026-11-24")),
        ("2026-02-30", None, None, ("--since", "2026-02-30")),
        ("2026-13", None, None, ("2026-13",)),
        ("2026-W54", None, None, ("2026-W54",)),
        ("2025-W53", None, None, ("2025-W53",)),
        ("0000", None, None, ("0000",)),
        ("2026-1-1", None, None, ("2026-1-1",)),
        ("20261124", None, None, ("20261124",)),
        ("٢٠٢٦", None, None, ("--since",)),
        ("", None, None, ("--since",)),
        (None, "24.11.2026", None, ("--until", "24.11.2026")),
        ("2026-03-02", "2026-03-01", None, ("2026-03-02", "2026-03-01", "after")),
        ("2026-03", "2026-W08", None, ("after",)),
        ("2026-03-02", None, "30d", ("--last", "--since")),
        (None, None, "30", ("--last", "30d", "12w")),
        (None, None, "0d", ("--last",)),
        (None, None, "-3d", ("--last",)),
        (None, None, "3 d", ("--last",)),
        (None, None, "2s", ("--last",)),
    ],
)
def test_what_makes_no_sense_is_said(
    since: str | None, until: str | None, last: str | None, words: tuple[str, ...]
) -> None:
    with pytest.raises(CallError) as raised:
        span_of("week", TODAY, since=since, until=until, last=last)
    for word in words:
        assert word in str(raised.value)
    assert raised.value.exit_code == 2


def test_kinds_by_name() -> None:
    assert [kind_of(kind) for kind in KINDS] == ["day", "week", "month", "season", "year"]
    for text in ("fortnight", "Week", "", "weeks"):
        with pytest.raises(CallError, match="day, week, month, season or year"):
            kind_of(text)
