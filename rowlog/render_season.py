"""A season's report as one page of HTML that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from rowlog.periods import Period
from rowlog.render_report import chart_section, heading, key_list, page, table
from rowlog.render_season_rows import best_rows, month_rows, season_figures, season_line
from rowlog.render_years import notes_of
from rowlog.summary_bests import BestsSummary
from rowlog.summary_trends import TrendsSummary

if TYPE_CHECKING:
    from rowlog.charts_inline import Chart


def season_page(
    period: Period, shown: TrendsSummary, bests: BestsSummary, charts: Sequence[Chart]
) -> str:
    """The whole page."""
    notes = " ".join(line.replace("\n", " ") for line in notes_of(shown.asked))
    months = table(
        "Month by month", *month_rows(shown), second=("Load", "Fall in 60 s", "Lowest HR")
    )
    parts = [
        f"<header>{heading(f'Season {period.name}')}",
        f'<p class="soft">{escape(season_line(period, shown))}</p>',
        f"{key_list(season_figures(shown))}</header>",
        f'<p class="soft">{escape(notes)}</p>' if notes else "",
        f"<section><h2>Month by month</h2>{months}</section>",
        *(chart_section(chart) for chart in charts),
    ]
    if bests.bests:
        caption = "Bests of the season"
        made = table(caption, *best_rows(bests), second=("When",))
        parts.append(f"<section><h2>{caption}</h2>{made}</section>")
    return page(f"Season {period.name}", parts)
