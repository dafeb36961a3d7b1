"""The charts of a season's report, by matplotlib: metres, pace, load, the heart, bests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from math import log10
from typing import Any, BinaryIO, Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MonthLocator, num2date
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter, NullFormatter

from rowlog.charts_inline import Chart, chart
from rowlog.charts_pages import PAPER_WIDTH_IN, WIDTH_IN, Part, Rows, write
from rowlog.charts_poster import head
from rowlog.charts_report import (
    HEART,
    INK,
    PACE,
    POWER,
    RATE,
    SMALL,
    drawing,
    figure,
    finish,
    pace_scale,
    whole_scale,
)
from rowlog.charts_values import widened
from rowlog.periods import Period
from rowlog.render import whole
from rowlog.render_season_rows import best_rows, month_rows, season_figures, season_line
from rowlog.summary_bests import Best, BestsSummary
from rowlog.summary_trends import TrendPeriod, TrendsSummary


class _Panel(NamedTuple):
    name: str
    told: str
    draw: Callable[[Axes, float], None]


def charts(period: Period, shown: TrendsSummary, bests: BestsSummary) -> list[Chart]:
    """All that can be drawn of a season, for a page."""

    def drawn(panel: _Panel) -> Callable[[float], Figure]:
        def one(width: float) -> Figure:
            made, (axis,) = figure(width, [2.7])
            panel.draw(axis, width)
            return made

        return one

    with drawing():
        return [
            chart(panel.name, panel.told, drawn(panel), number)
            for number, panel in enumerate(_panels(period, shown, bests))
        ]


def poster(
    period: Period, shown: TrendsSummary, bests: BestsSummary, out: BinaryIO, kind: str
) -> None:
    """A season as one picture; `kind` is "png", "svg" or "pdf"."""
    with drawing():
        write(_parts(period, shown, bests, kind), out, kind, f"Season {period.name}")


def _parts(
    period: Period, shown: TrendsSummary, bests: BestsSummary, kind: str
) -> list[Part | Rows]:
    width = PAPER_WIDTH_IN if kind == "pdf" else WIDTH_IN

    def part(panel: _Panel) -> Part:
        def drawn(into: Any) -> None:
            axis = into.subplots()
            panel.draw(axis, width)
            axis.set_title(panel.name)

        return Part(2.45, drawn)

    return [
        head(f"Season {period.name}", [season_line(period, shown)], season_figures(shown), width),
        Rows("Month by month", *month_rows(shown)),
        *(part(panel) for panel in _panels(period, shown, bests)),
        *([Rows("Bests of the season", *best_rows(bests))] if bests.bests else []),
    ]


def _panels(period: Period, shown: TrendsSummary, bests: BestsSummary) -> list[_Panel]:
    months = shown.periods[::-1]
    panels = []
    metres = [month.distance_m or 0 for month in months]
    if any(metres):
        told = f"kilometres a month, {whole(max(metres) / 1000)} at most"
        panels.append(
            _Panel(
                "Kilometres a month", told, lambda axis, width: _metres(axis, months, period, width)
            )
        )
    if any(month.mean_pace_s_per_500m for month in months):
        told = "mean pace of the work by month, as in the table"
        panels.append(
            _Panel(
                "Pace of the work, /500 m",
                told,
                lambda axis, width: _paces(axis, months, period, width),
            )
        )
    if shown.load:
        told = "training load by day: fitness over 42 days and fatigue over 7"
        panels.append(
            _Panel(
                "Load, impulse a day", told, lambda axis, width: _load(axis, shown, period, width)
            )
        )
    if any(month.heart_rate_drop_60s_bpm is not None for month in months):
        told = "how far the heart rate fell in 60 s after work, by month, as in the table"
        name = "Fall of the heart rate in 60 s, beats"
        panels.append(
            _Panel(name, told, lambda axis, width: _recovery(axis, months, period, width))
        )
    if len(bests.bests) > 1:
        told = "best pace over each distance and, as another line, over each time, as in the table"
        panels.append(
            _Panel(
                "Bests, pace /500 m", told, lambda axis, width: draw_bests(axis, bests.bests, width)
            )
        )
    return panels


def _metres(axis: Axes, months: Sequence[TrendPeriod], period: Period, width: float) -> None:
    km = [(month.distance_m or 0) / 1000 for month in months]
    axis.bar([_middle(month) for month in months], km, width=24, color=PACE)
    whole_scale(axis, 0, 1.12 * max(km))
    for month, value in zip(months, km, strict=True):
        if value:
            axis.annotate(
                f"{value:.0f}" if value >= 10 else f"{value:.1f}", (_middle(month), value),
                xytext=(0, 2), textcoords="offset points", ha="center", fontsize=SMALL, color=INK,
            )  # fmt: skip
    _dates(axis, period, width)


def _paces(axis: Axes, months: Sequence[TrendPeriod], period: Period, width: float) -> None:
    known = _line(axis, months, [month.mean_pace_s_per_500m for month in months], PACE)
    low, high = widened(min(known), max(known), 6.0)
    pace_scale(axis, low - 0.12 * (high - low), high + 0.12 * (high - low))
    _dates(axis, period, width)


def _recovery(axis: Axes, months: Sequence[TrendPeriod], period: Period, width: float) -> None:
    known = _line(axis, months, [month.heart_rate_drop_60s_bpm for month in months], HEART)
    low, high = widened(min(known), max(known), 20.0)
    whole_scale(axis, low - 0.1 * (high - low), high + 0.1 * (high - low), 5)
    _dates(axis, period, width)


def _line(
    axis: Axes, months: Sequence[TrendPeriod], values: Sequence[float | None], colour: str
) -> list[float]:
    """A dot for each month of which it is known, joined where one follows the other."""
    drawn = [np.nan if value is None else value for value in values]
    axis.plot([_middle(month) for month in months], drawn, color=colour, marker="o", markersize=5)
    return [value for value in values if value is not None]


def _middle(month: TrendPeriod) -> Any:
    start, end = date.fromisoformat(month.start), date.fromisoformat(month.end)
    return start + (end - start) / 2


def _load(axis: Axes, shown: TrendsSummary, period: Period, width: float) -> None:
    days: Any = [date.fromisoformat(row.date) for row in shown.load]
    fitness, fatigue = (
        [getattr(row, name) for row in shown.load] for name in ("fitness", "fatigue")
    )
    axis.plot(days, fatigue, color=POWER, linewidth=0.9, alpha=0.75, label="fatigue, 7 days")
    axis.plot(days, fitness, color=RATE, linewidth=2.2, label="fitness, 42 days")
    whole_scale(axis, 0, 1.2 * max(*fitness, *fatigue, 1.0))
    axis.legend(frameon=False, loc="upper left", ncols=2, fontsize=SMALL, labelcolor=INK)
    _dates(axis, period, width)


_WIDE_IN: Final = 5.0
"""What is narrower is for a telephone."""
_CHARACTER_IN: Final = 0.08
"""How wide a digit of a scale is."""
_ROUND_M: Final = (100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5)
"""Marks where no best is over a distance."""
_BESTS: Final = {
    "distance": ("over a distance", PACE, "-", "o"),
    "time": ("over a time", POWER, "--", "D"),
}
"""(what was to be rowed: (in words, colour, line, mark))."""


def draw_bests(axis: Axes, bests: Sequence[Best], width: float) -> None:
    """Distances and times apart: each has its own line, and a time says at its mark which it is."""
    for kind, (name, colour, line, mark) in _BESTS.items():
        points = sorted(
            (best.distance_m, best.pace_s_per_500m, best.target)
            for best in bests
            if best.kind == kind
        )
        if not points:
            continue
        axis.plot(
            [metres for metres, _, _ in points], [pace_s for _, pace_s, _ in points], line,
            color=colour, marker=mark, markersize=5, linewidth=1.4, label=name,
        )  # fmt: skip
        unit = " min" if width >= _WIDE_IN else "'"
        for metres, pace_s, target in points if kind == "time" else ():
            axis.annotate(
                f"{target / 60:g}{unit}",
                (metres, pace_s),
                xytext=(0, 6),
                textcoords="offset points",
                ha="center",
                fontsize=SMALL,
                color=colour,
            )
    axis.set_xscale("log")
    reached = [best.distance_m for best in bests]
    marks = sorted(best.target for best in bests if best.kind == "distance")
    axis.set_xticks(_apart(marks or _ROUND_M, min(reached), max(reached), width))
    axis.set_xticks([], minor=True)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("metres")
    axis.margins(x=0.07)
    paces = [best.pace_s_per_500m for best in bests]
    low, high = widened(min(paces), max(paces), 10.0)
    room = 0.2 if width >= _WIDE_IN else 0.4  # the legend is as high on a telephone
    pace_scale(axis, low - 0.25 * (high - low), high + room * (high - low))
    axis.legend(frameon=False, loc="lower left", fontsize=SMALL, labelcolor=INK)
    finish(axis)


def _apart(marks: Sequence[float], low_m: float, high_m: float, width: float) -> list[float]:
    """Those marks of the scale whose names stand apart from each other, from the left on."""
    inch = 0.83 * width / max(0.1, log10(high_m / low_m))
    kept: list[float] = []
    taken = float("-inf")
    for mark in marks:
        at, half = inch * log10(mark / low_m), 0.5 * _CHARACTER_IN * (len(_short(mark)) + 1)
        if low_m <= mark <= high_m and at - half >= taken:
            kept.append(mark)
            taken = at + half
    return kept


def _short(metres: float) -> str:
    """A distance as people call it: 500, 1k, 21.1k."""
    return f"{metres:g}" if metres < 1000 else f"{round(metres / 1000, 1):g}k"


def _dates(axis: Axes, period: Period, width: float) -> None:
    """The season from end to end; the months' names stand in their middles."""
    ends: Any = (period.start, period.end)
    axis.set_xlim(*ends)
    axis.xaxis.set_major_locator(MonthLocator())  # type: ignore[no-untyped-call]
    axis.xaxis.set_minor_locator(MonthLocator(bymonthday=16))  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_formatter(NullFormatter())
    names: Formatter = DateFormatter("%b")  # type: ignore[no-untyped-call]
    if width < _WIDE_IN:
        names = FuncFormatter(_initial)
    axis.xaxis.set_minor_formatter(names)
    axis.tick_params(axis="x", which="minor", length=0)
    finish(axis)


def _initial(at: float, _: int | None = None) -> str:
    """The first letter of a month."""
    return f"{num2date(at):%b}"[0]  # type: ignore[no-untyped-call]
