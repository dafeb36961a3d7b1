"""Trends and bests as pictures, by matplotlib: png, svg or pdf, as the file's name ends."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter

from rowlog.render import pace
from rowlog.render_trends import title
from rowlog.summary_bests import BestsSummary
from rowlog.summary_trends import TrendPeriod, TrendsSummary

SUFFIXES: Final = (".png", ".svg", ".pdf")
BLUE, RED, GREY, GREEN = "#1f5f99", "#c2452d", "#8a8f98", "#3a7d44"


def trends_picture(shown: TrendsSummary, file: Path) -> None:
    """Metres, pace, load with fitness and fatigue, and the heart, one below the other.

    Raises OSError where the file cannot be written.
    """
    periods = shown.periods[::-1]
    days = [date.fromisoformat(period.start) for period in periods]
    figure, axes = _figure(4, title(shown))
    metres, paces, load, heart = axes
    widths = [
        0.8 * ((date.fromisoformat(period.end) - day).days + 1)
        for period, day in zip(periods, days, strict=True)
    ]
    metres.bar(
        _dated(days), [(period.distance_m or 0) / 1000 for period in periods], width=widths,
        align="edge", color=BLUE,
    )  # fmt: skip
    metres.set_ylabel("km")
    _line(paces, periods, "mean_pace_s_per_500m", BLUE, "pace of the work")
    _paces(paces)
    if shown.load:
        when = _dated([date.fromisoformat(row.date) for row in shown.load])
        load.plot(
            when, [row.fitness for row in shown.load], color=GREEN, linewidth=2.2, zorder=3,
            label="fitness, 42 days",
        )  # fmt: skip
        load.plot(
            when, [row.fatigue for row in shown.load], color=RED, linewidth=0.8, alpha=0.55,
            label="fatigue, 7 days",
        )  # fmt: skip
    load.set_ylabel("impulse a day")
    _line(heart, periods, "heart_rate_drop_60s_bpm", RED, "fall in 60 s after work")
    if shown.power_w is not None:
        words = f"at {shown.power_w:g} W"
        _line(heart, periods, "heart_rate_at_power_bpm", BLUE, words)
    _line(heart, periods, "resting_heart_rate_bpm", GREY, "resting")
    heart.set_ylabel("beats a minute")
    for axis in axes:
        if shown.by in ("season", "year") and len(periods) <= 20:
            axis.set_xticks(
                _dated([_middle(one) for one in periods]), [one.name for one in periods]
            )
            axis.tick_params(axis="x", length=0)
        else:
            locator = AutoDateLocator()  # type: ignore[no-untyped-call]
            axis.xaxis.set_major_locator(locator)
            axis.xaxis.set_major_formatter(
                ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
            )
        if days:
            axis.set_xlim(*_dated([days[0], date.fromisoformat(periods[-1].end)]))
        _finish(axis)
    figure.savefig(file, dpi=150)


def bests_picture(shown: BestsSummary, file: Path) -> None:
    """The curves of pace over distance and power over time.

    Raises OSError where the file cannot be written.
    """
    words = [word for word in shown.asked[:5] if word is not None]
    figure, (paces, power) = _figure(2, " · ".join(["Bests", *words]))
    points = sorted((best.distance_m, best.pace_s_per_500m) for best in shown.bests)
    paces.plot([x for x, _ in points], [y for _, y in points], color=BLUE, marker="o")
    for best in shown.bests:
        if best.kind == "time":  # distances stand on the scale
            where = (best.distance_m, best.pace_s_per_500m)
            paces.annotate(
                best.event, where, xytext=(0, 8), textcoords="offset points", ha="center",
                fontsize=9,
            )  # fmt: skip
    _paces(paces)
    paces.set_xlabel("metres")
    watts = [(best.time_s, best.power_w) for best in shown.power]
    power.plot([x for x, _ in watts], [y for _, y in watts], color=RED, marker="o", label="best")
    model = shown.critical_power
    if model is not None:
        times = [120.0 * 1.05**k for k in range(48)]
        power.plot(
            times, [model.power_w + model.reserve_j / s for s in times], color=GREY,
            linestyle="--", label=f"critical power {model.power_w:.0f} W",
        )  # fmt: skip
    power.set_ylabel("watts")
    power.set_xlabel("minutes")
    for axis, xs, say in (
        (paces, [best.target for best in shown.bests if best.kind == "distance"], _length),
        (power, [x for x, _ in watts if x != 900.0], _time),  # 15:00 would run into 20:00
    ):
        if axis.lines and len(axis.get_lines()[0].get_xdata()):  # type: ignore[arg-type]
            axis.set_xscale("log")
        if xs:
            axis.set_xticks(xs, [say(x) for x in xs], fontsize=9)
            axis.set_xticks([], minor=True)
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.margins(y=0.15)
        _finish(axis)
    figure.savefig(file, dpi=150)


def _length(metres: float) -> str:
    """A ranked distance as it stands below a scale: 500, 2k, 21.1k."""
    return f"{metres:g}" if metres < 1000 else f"{metres / 1000:.3g}k"


def _time(seconds: float) -> str:
    """A time as it stands below a scale: 0:30, 4:00."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _paces(axis: Axes) -> None:
    """A scale of paces, the faster the higher; a difference of a blink is drawn as one."""
    low, high = axis.get_ylim()
    if axis.lines and high - low < 1.0:
        middle = (low + high) / 2
        axis.set_ylim(middle - 0.5, middle + 0.5)
    axis.invert_yaxis()
    axis.set_ylabel("pace /500 m")
    axis.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: pace(value + 1e-6)))


def _middle(period: TrendPeriod) -> date:
    start, end = date.fromisoformat(period.start), date.fromisoformat(period.end)
    return start + (end - start) / 2


def _figure(rows: int, name: str) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(9, 2.6 * rows + 0.6), layout="constrained")
    figure.suptitle(name, fontsize=14, fontweight="bold", x=0.02, ha="left")
    made: Any = figure.subplots(rows, 1)
    return figure, list(made)


def _dated(days: Sequence[date]) -> Any:
    """Dates as matplotlib takes them, which its types do not say."""
    return list(days)


def _line(axis: Axes, periods: Sequence[TrendPeriod], field: str, colour: str, name: str) -> None:
    """One figure over the periods, each at its middle; nothing is drawn where it is not known."""
    points = []
    for period in periods:
        value = getattr(period, field)
        if value is not None:
            points.append((_middle(period), value))
    if points:
        axis.plot(
            _dated([day for day, _ in points]), [value for _, value in points], color=colour,
            marker="o", markersize=4, label=name,
        )  # fmt: skip


def _finish(axis: Axes) -> None:
    axis.grid(axis="y", color="#e3e5e8", linewidth=0.8)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(
            frameon=False, loc="lower right", bbox_to_anchor=(1.0, 0.98), ncols=3, fontsize=9,
            borderaxespad=0.0,
        )  # fmt: skip
