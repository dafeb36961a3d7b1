"""A season's report as one page of HTML that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from html import escape
from typing import TYPE_CHECKING

from rowlog.periods import Period
from rowlog.render import calendar_day, clock_time, day, duration, metres, pace, printable, whole
from rowlog.render_report import chart_section, key_list, page, table
from rowlog.render_years import notes_of
from rowlog.summary_bests import BestsSummary
from rowlog.summary_trends import TrendsSummary

if TYPE_CHECKING:
    from rowlog.charts_inline import Chart


def season_page(
    period: Period, shown: TrendsSummary, bests: BestsSummary, charts: Sequence[Chart]
) -> str:
    """The whole page."""
    months = [month for month in shown.periods[::-1] if month.sessions]
    longest = max(shown.periods, key=lambda month: month.distance_m or 0)
    name = printable(shown.asked.athlete, 60) if shown.asked.athlete else ""
    figures = [
        ("Sessions", str(sum(month.sessions for month in months)), ""),
        ("Distance", f"{sum(month.distance_m or 0 for month in months) / 1000:.1f}", "km"),
        ("Time", duration(sum(month.duration_s or 0 for month in months)), ""),
        ("Most in a month", f"{(longest.distance_m or 0) / 1000:.1f}", f"km, {longest.name}"),
    ]
    rows = [
        (
            "",
            (
                calendar_day(date.fromisoformat(month.start)).split(" ", 2)[2],
                str(month.sessions),
                duration(month.duration_s),
                metres(month.distance_m),
                pace(month.mean_pace_s_per_500m),
                whole(month.load),
                whole(month.heart_rate_drop_60s_bpm),
                whole(month.min_heart_rate_bpm),
            ),
        )
        for month in months
    ]
    heads = ("Month", "Sessions", "Time", "Metres", "Pace", "Load", "Fall in 60 s", "Lowest HR")
    over = f"{calendar_day(period.start)} to {calendar_day(period.end)}"
    parts = [
        f"<header><h1>Season {escape(period.name)}</h1>",
        f'<p class="soft">{escape(" · ".join(word for word in (over, name) if word))}</p>',
        f"{key_list(figures)}</header>",
        f"<section><h2>Month by month</h2>{table('Month by month', heads, rows)}</section>",
        *(chart_section(chart) for chart in charts),
    ]
    notes = " ".join(line.replace("\n", " ") for line in notes_of(shown.asked))
    if notes:
        parts.insert(2, f'<p class="soft">{escape(notes)}</p>')
    if bests.bests:
        best_rows = [
            (
                "",
                (
                    best.event,
                    clock_time(best.time_s),
                    metres(best.distance_m),
                    pace(best.pace_s_per_500m),
                    whole(best.power_w),
                    day(best.started_at),
                ),
            )
            for best in bests.bests
        ]
        best_heads = ("Over", "Time", "Metres", "Pace", "Watts", "When")
        caption = "Bests of the season"
        parts.append(
            f"<section><h2>{caption}</h2>{table(caption, best_heads, best_rows)}</section>"
        )
    return page(f"Season {period.name}", parts)
