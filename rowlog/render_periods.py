"""Totals by day, week, month, season or year as text for people."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from rowlog.render import (
    NONE,
    Style,
    Table,
    calendar_day,
    dated_by_file,
    metres,
    pace,
    printable,
    whole,
)

if TYPE_CHECKING:
    from rowlog.summary_periods import PeriodsSummary, PeriodTotals

HEADS: Final = ("count", "h:mm", "metres", "work m", "pace", "strokes", "kcal", "HR")


def periods(shown: PeriodsSummary, style: Style, *, current: bool) -> str:
    """The totals, a period a line; with `current`, this week, month and season stand above."""
    if not shown.periods:
        return style.fit(_nothing(shown))
    table = Table(("week from" if shown.by == "week" else shown.by, *HEADS), f"l{'r' * len(HEADS)}")
    marked = bool(shown.current.lifetime.open_sessions)
    if current:
        now = shown.current
        for label, totals in (
            ("this week", now.week),
            ("this month", now.month),
            (f"season {now.season.name}", now.season),
            ("lifetime", now.lifetime),
        ):
            _row(table, label, totals, style, marked=marked)
        table.rule()
    year = (shown.periods[0].start or "")[:4]
    for totals in shown.periods:
        _row(
            table,
            period_label(shown.by, totals.name, totals.start, year),
            totals,
            style,
            marked=marked,
        )
    said = current and shown.total.sessions == shown.current.lifetime.sessions
    if len(shown.periods) > 1 and not said:
        table.rule()
        _row(table, "total", shown.total, style, marked=marked)
    lines = [*_heading(shown, dates=not current), *table.lines(style)]
    if shown.total.open_sessions or (current and marked):
        lines += ["", "* One at least is being recorded, or was cut short: it has no figures yet."]
    if shown.dated_by_file:
        lines += ["", dated_by_file(shown.dated_by_file)]
    return style.fit("\n".join(lines))


def _row(table: Table, label: str, totals: PeriodTotals, style: Style, *, marked: bool) -> None:
    if not totals.sessions:
        table.row(label, f"{NONE}{' ' * marked}", look=style.dim)
        return
    mark = "*" if totals.open_sessions else " " * marked
    table.row(
        label,
        f"{totals.sessions}{mark}",
        hours(totals.duration_s),
        metres(totals.distance_m),
        metres(totals.work_distance_m),
        pace(totals.mean_pace_s_per_500m),
        whole(totals.stroke_count),
        whole(totals.energy_kcal),
        whole(totals.mean_heart_rate_bpm),
    )


def period_label(by: str, name: str, start: str | None, year: str) -> str:
    """How the row of a period is called, as short as it can be told from the others.

    `year` is that of the latest period; a day in it goes without.
    """
    if start is None or by in ("season", "year"):
        return name
    weekday, day, month, in_year = calendar_day(date.fromisoformat(start)).split()
    if by == "month":
        return f"{month} {in_year}"
    if by == "day" and start[:4] == year:
        return f"{weekday} {day} {month}"
    return f"{day} {month} {in_year}"


def hours(seconds: float | None) -> str:
    """Hours and minutes, truncated: 0:45, 12:05."""
    if seconds is None:
        return NONE
    hours, minutes = divmod(int(seconds) // 60, 60)
    return f"{hours}:{minutes:02d}"


def _asked(shown: PeriodsSummary) -> list[str]:
    """What sessions were asked for, besides dates."""
    words = (shown.athlete, shown.activity, shown.plan, shown.tag, shown.machine)
    return [word for word in words if word]


def _heading(shown: PeriodsSummary, *, dates: bool) -> list[str]:
    """Who and what was counted, and when, where that is not all there is."""
    parts = [printable(name, 40) for name in _asked(shown)]
    if dates:
        parts.append(_dates(shown.total.start, shown.total.end))
    return [" · ".join(parts), ""] if parts else []


def _dates(start: str | None, end: str | None) -> str:
    first, last = (
        None if at is None else calendar_day(date.fromisoformat(at)) for at in (start, end)
    )
    if first is None:
        return "all dates" if last is None else f"up to {last}"
    return f"from {first}" if last is None else f"{first} to {last}"


def _nothing(shown: PeriodsSummary) -> str:
    lifetime = shown.current.lifetime
    whose = ", ".join(printable(name, 40) for name in _asked(shown))
    if lifetime.sessions:
        there = _count(lifetime.sessions, _dates(lifetime.start, lifetime.end))
        return f"No sessions {_dates(shown.since, shown.until)}; there {there}."
    if whose:
        return f"No sessions of {whose}."
    return "No sessions yet. Record one, or try: rowlog demo"


def _count(sessions: int, dates: str) -> str:
    return f"is 1, {dates}" if sessions == 1 else f"are {sessions}, {dates}"
