"""What a season's report says in figures: its head, the rows of its tables; nothing escaped."""

from __future__ import annotations

from datetime import date

from rowlog.periods import Period
from rowlog.render import calendar_day, clock_time, day, duration, metres, pace, printable, whole
from rowlog.render_rows import Table, known_columns
from rowlog.summary_bests import BestsSummary
from rowlog.summary_trends import TrendPeriod, TrendsSummary


def season_line(period: Period, shown: TrendsSummary) -> str:
    """From when to when it was, and whose."""
    over = f"{calendar_day(period.start)} to {calendar_day(period.end)}"
    name = printable(shown.asked.athlete, 60) if shown.asked.athlete else ""
    return " · ".join(word for word in (over, name) if word)


def season_figures(shown: TrendsSummary) -> list[tuple[str, str, str]]:
    """The figures at its head: name, value, unit."""
    longest = max(shown.periods, key=lambda month: month.distance_m or 0)
    most = f"km, {month_name(longest)}" if longest.distance_m else "km"
    return [
        ("Sessions", str(sum(month.sessions for month in shown.periods)), ""),
        ("Distance", _km(sum(month.distance_m or 0 for month in shown.periods)), "km"),
        ("Time", duration(sum(month.duration_s or 0 for month in shown.periods)), ""),
        ("Most in a month", _km(longest.distance_m or 0), most),
    ]


def month_rows(shown: TrendsSummary) -> Table:
    """Months in which something was rowed, without columns that nothing is known of."""
    heads = ["Month", "Sessions", "Time", "Metres", "Pace", "Load", "Fall in 60 s", "Lowest HR"]
    rows = [
        (
            "",
            [
                month_name(month),
                str(month.sessions),
                duration(month.duration_s),
                metres(month.distance_m),
                pace(month.mean_pace_s_per_500m),
                whole(month.load),
                whole(month.heart_rate_drop_60s_bpm),
                whole(month.min_heart_rate_bpm),
            ],
        )
        for month in shown.periods[::-1]
        if month.sessions
    ]
    return known_columns(heads, rows, 2)


def best_rows(bests: BestsSummary) -> Table:
    """The season's bests."""
    heads = ["Over", "Time", "Metres", "Pace", "Watts", "When"]
    rows = [
        (
            "",
            [
                best.event,
                clock_time(best.time_s),
                metres(best.distance_m),
                pace(best.pace_s_per_500m),
                whole(best.power_w),
                day(best.started_at, best.start_from),
            ],
        )
        for best in bests.bests
    ]
    return heads, rows


def month_name(month: TrendPeriod) -> str:
    """As people write it: May 2026."""
    return calendar_day(date.fromisoformat(month.start)).split(" ", 2)[2]


def _km(distance_m: float) -> str:
    return f"{distance_m / 1000:,.1f}"
