"""The charts of a season's report, by matplotlib: metres, pace, load, the heart, bests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, BinaryIO, NamedTuple

from matplotlib.axes import Axes
from matplotlib.dates import DateFormatter, MonthLocator
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from rowlog.charts_inline import Chart, inline_svg
from rowlog.charts_report import (
    HEART,
    INK,
    MARGIN_IN,
    PACE,
    POWER,
    RATE,
    SOFT,
    drawing,
    figure,
    finish,
)
from rowlog.periods import Period
from rowlog.render import pace, whole
from rowlog.summary_bests import BestsSummary
from rowlog.summary_trends import TrendPeriod, TrendsSummary


class _Panel(NamedTuple):
    name: str
    told: str
    draw: Callable[[Axes], None]


def charts(period: Period, shown: TrendsSummary, bests: BestsSummary) -> list[Chart]:
    """All that can be drawn of a season, for a page."""
    made = []
    with drawing():
        for number, panel in enumerate(_panels(period, shown, bests)):
            drawn = []
            for width, prefix in ((9.0, f"w{number}-"), (4.5, f"n{number}-")):
                whole_figure, (axis,) = figure(width, 2.7, 1)
                panel.draw(axis)
                drawn.append(inline_svg(whole_figure, prefix))
            made.append(Chart(panel.name, f"Chart: {panel.told}.", *drawn))
    return made


def poster(
    period: Period, shown: TrendsSummary, bests: BestsSummary, out: BinaryIO, kind: str
) -> None:
    """A season as one picture; `kind` is "png", "svg" or "pdf"."""
    with drawing():
        panels = _panels(period, shown, bests)
        made = Figure(figsize=(10, 1.0 + 2.7 * len(panels)))
        made.set_layout_engine("constrained", h_pad=0.14)
        parts: Any = made.subfigures(2, 1, height_ratios=[0.8, 2.5 * len(panels)])
        parts[0].text(0.012, 0.9, f"Season {period.name}", fontsize=19, fontweight="bold", va="top")
        parts[0].text(0.013, 0.3, totals_line(shown), fontsize=11, color=SOFT, va="top")
        axes: Any = parts[1].subplots(len(panels), 1, squeeze=False)
        for axis, panel in zip(axes[:, 0], panels, strict=True):
            panel.draw(axis)
            axis.set_title(panel.name, loc="left")
        nothing = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}.get(kind)
        made.savefig(
            out, format=kind, dpi=160, bbox_inches="tight", pad_inches=MARGIN_IN, metadata=nothing
        )


def totals_line(shown: TrendsSummary) -> str:
    """The season in a line."""
    sessions = sum(month.sessions for month in shown.periods)
    metres = sum(month.distance_m or 0 for month in shown.periods)
    hours = sum(month.duration_s or 0 for month in shown.periods) / 3600
    many = "session" if sessions == 1 else "sessions"
    return f"{sessions} {many} · {metres / 1000:.1f} km · {hours:.1f} hours"


def _panels(period: Period, shown: TrendsSummary, bests: BestsSummary) -> list[_Panel]:
    months = shown.periods[::-1]
    panels = []
    metres = [month.distance_m or 0 for month in months]
    if any(metres):
        told = f"kilometres a month, {whole(max(metres) / 1000)} at most"
        panels.append(
            _Panel("Kilometres a month", told, lambda axis: _metres(axis, months, period))
        )
    if any(month.mean_pace_s_per_500m for month in months):
        told = "mean pace of the work by month, as in the table"
        panels.append(
            _Panel("Pace of the work, /500 m", told, lambda axis: _paces(axis, months, period))
        )
    if shown.load:
        told = "training load by day: fitness over 42 days and fatigue over 7"
        panels.append(_Panel("Load, impulse a day", told, lambda axis: _load(axis, shown, period)))
    if any(month.heart_rate_drop_60s_bpm is not None for month in months):
        told = "how far the heart rate fell in 60 s after work, by month, as in the table"
        name = "Fall of the heart rate in 60 s, beats"
        panels.append(_Panel(name, told, lambda axis: _recovery(axis, months, period)))
    if len(bests.bests) > 1:
        told = "best pace over each distance and time, as in the table"
        panels.append(_Panel("Bests, pace /500 m", told, lambda axis: _bests(axis, bests)))
    return panels


def _metres(axis: Axes, months: Sequence[TrendPeriod], period: Period) -> None:
    _bars(axis, months, [(month.distance_m or 0) / 1000 for month in months])
    _dates(axis, period)


def _bars(axis: Axes, months: Sequence[TrendPeriod], values: Sequence[float]) -> None:
    starts: Any = [date.fromisoformat(month.start) for month in months]
    ends = [date.fromisoformat(month.end) for month in months]
    widths = [0.8 * ((end - start).days + 1) for start, end in zip(starts, ends, strict=True)]
    middles: Any = [start + (end - start) / 2 for start, end in zip(starts, ends, strict=True)]
    axis.bar(middles, values, width=widths, color=PACE)


def _paces(axis: Axes, months: Sequence[TrendPeriod], period: Period) -> None:
    _line(axis, months, [month.mean_pace_s_per_500m for month in months], PACE)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: pace(value)))
    axis.invert_yaxis()
    _dates(axis, period)


def _recovery(axis: Axes, months: Sequence[TrendPeriod], period: Period) -> None:
    _line(axis, months, [month.heart_rate_drop_60s_bpm for month in months], HEART)
    _dates(axis, period)


def _line(
    axis: Axes, months: Sequence[TrendPeriod], values: Sequence[float | None], colour: str
) -> None:
    points: list[tuple[Any, float]] = []
    for month, value in zip(months, values, strict=True):
        if value is not None:
            start, end = date.fromisoformat(month.start), date.fromisoformat(month.end)
            points.append((start + (end - start) / 2, value))
    axis.plot([x for x, _ in points], [y for _, y in points], color=colour, marker="o")
    axis.margins(y=0.25)


def _load(axis: Axes, shown: TrendsSummary, period: Period) -> None:
    days: Any = [date.fromisoformat(row.date) for row in shown.load]
    axis.plot(days, [row.fitness for row in shown.load], color=RATE, label="fitness, 42 days")
    axis.plot(
        days, [row.fatigue for row in shown.load], color=POWER, linewidth=1, label="fatigue, 7 days"
    )
    axis.legend(frameon=False, loc="best", fontsize=8.5, labelcolor=INK)
    _dates(axis, period)


def _bests(axis: Axes, shown: BestsSummary) -> None:
    points = sorted((best.distance_m, best.pace_s_per_500m) for best in shown.bests)
    axis.plot([x for x, _ in points], [y for _, y in points], color=PACE, marker="o")
    axis.set_xscale("log")
    marks = [best.target for best in shown.bests if best.kind == "distance"]
    if marks:
        axis.set_xticks(marks)
        axis.set_xticks([], minor=True)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.tick_params(axis="x", labelrotation=45)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: pace(value)))
    axis.set_xlabel("metres")
    axis.margins(y=0.15)
    axis.invert_yaxis()
    finish(axis)


def _dates(axis: Axes, period: Period) -> None:
    ends: Any = (period.start, period.end)
    axis.set_xlim(*ends)
    axis.xaxis.set_major_locator(MonthLocator())  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_formatter(DateFormatter("%b"))  # type: ignore[no-untyped-call]
    finish(axis)
