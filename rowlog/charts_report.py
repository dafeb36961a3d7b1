"""The charts of a session's report, by matplotlib: over time, rep by rep, recovery, force."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from rowlog.contents import Contents, Grid
from rowlog.render import clock_time, duration, pace, printable
from rowlog.summary import SegmentSummary

INK, SOFT, LINE, SHADE, GAP = "#1b2530", "#5b6672", "#d9dee3", "#e9f0f7", "#f6e3c8"
PAPER = "#fffffe"
"""What is drawn on, where it must cover something."""
PACE, RATE, POWER, HEART = "#1f66a8", "#2c7a4b", "#8a5a00", "#b8322a"
"""Each is at least 4.5 : 1 against white; a page puts its own in their place."""

_RAMP: Final = LinearSegmentedColormap.from_list("reps", ("#2f86c9", "#8a6fc8", "#dd5a3c"))
MARGIN_IN: Final = 0.45
"""Of paper round a picture."""
RECOVERY_S: Final = 120.0
"""How long after a piece the heart rate is followed."""
_START_S: Final = 15.0
"""The first strokes of a piece, which the scales are not made for, take so long at most."""


class Rep(NamedTuple):
    """One piece of work, with its number as the interval table has it."""

    number: int
    name: str
    """What is written of it: its number, or the exercise."""
    segment: SegmentSummary
    """Its first stretch."""
    end_s: float
    """Where its last stretch ends, since session start."""


def reps_of(segments: Sequence[SegmentSummary]) -> list[Rep]:
    """The pieces of work in order; stretches of one piece, parted by a pause, are one."""
    reps: list[Rep] = []
    for segment in segments:
        if segment.kind != "work":
            continue
        end_s = segment.started_at_s + segment.duration_s
        if reps and segment.piece is not None and segment.piece == reps[-1].segment.piece:
            reps[-1] = reps[-1]._replace(end_s=end_s)
            continue
        number = len(reps) + 1
        plain = segment.activity in ("row", "other")
        name = str(number) if plain else printable(segment.activity, 18)
        reps.append(Rep(number, name, segment, end_s))
    return reps


@contextmanager
def drawing() -> Iterator[None]:
    """Text as it is (no formula in a name), in the fonts that there are, the same bytes twice."""
    settings: Any = {
        "text.parse_math": False, "svg.hashsalt": "rowlog", "font.size": 9.5,
        "font.family": "sans-serif", "axes.edgecolor": LINE, "axes.labelcolor": SOFT,
        "text.color": INK, "xtick.color": SOFT, "ytick.color": SOFT, "axes.titlesize": 10.5,
        "axes.titleweight": "bold", "axes.titlecolor": INK, "pdf.fonttype": 42,
    }  # fmt: skip
    with mpl.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in a script without a font
        yield


def tracks(grid: Grid) -> list[tuple[str, str, str, NDArray[np.float64]]]:
    """What is known over time: what it is, its unit, its colour and values."""
    with np.errstate(divide="ignore"):
        paces = np.where(grid.speed_mps > 0, 500.0 / grid.speed_mps, np.nan)
    every = [
        ("Pace", "/500 m", PACE, paces),
        ("Stroke rate", "a minute", RATE, grid.stroke_rate_spm),
        ("Power", "watts", POWER, grid.power_w),
        ("Heart rate", "beats a minute", HEART, grid.heart_rate_bpm),
    ]
    return [track for track in every if np.count_nonzero(~np.isnan(track[3])) > 1]


def draw_tracks(axes: Sequence[Axes], contents: Contents, grid: Grid, *, narrow: bool) -> None:
    """Each quantity over time on its own axes, one above the other, the pieces shaded."""
    reps = reps_of(contents.segments)
    work = np.array([segment.kind == "work" for segment in contents.segments] + [False])
    working = work[grid.segment]
    known = tracks(grid)
    last_s = max(contents.duration_s, 1.0)
    for axis, (name, unit, colour, values) in zip(axes, known, strict=True):
        for segment in contents.segments:
            if segment.kind == "work":
                start_s = segment.started_at_s
                axis.axvspan(start_s, start_s + segment.duration_s, color=SHADE, linewidth=0)
        for gap in contents.summary.gaps:
            axis.axvspan(
                gap.started_at_s, gap.started_at_s + gap.duration_s, facecolor=GAP, linewidth=0
            )
        heart = colour == HEART
        values = _heard(contents, grid, values, heart=heart)
        settled = values if heart else np.where(_settled(contents, grid), values, np.nan)
        low, high = _limits(settled if np.count_nonzero(~np.isnan(settled)) > 1 else values, heart)
        if not heart:
            values = _under_way(contents, grid, values, low, high)
        if not heart and working.any() and not working.all():
            rested = np.where(_rowed(contents, grid), values, np.nan)
            axis.plot(grid.t_s, rested, color=colour, linewidth=0.8, alpha=0.35)
        shown = values if heart or not working.any() else np.where(working, values, np.nan)
        axis.plot(grid.t_s, shown, color=colour, linewidth=1.5, solid_capstyle="round")
        if colour == PACE:
            axis.set_ylim(high, low)
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: duration(value)))
        else:
            axis.set_ylim(low, high)
        axis.set_title(
            f"{name}, {unit}", loc="left", color=colour, pad=5 if axes[0] != axis else 16
        )
        axis.set_xlim(0, last_s)
        axis.yaxis.set_major_locator(MaxNLocator(4, integer=colour != PACE))
        _time_axis(axis, last_s, 5 if narrow else 9)
        finish(axis)
    for axis in axes[:-1]:
        axis.tick_params(labelbottom=False)
    _name_reps(axes[0], reps, last_s, narrow=narrow)


def _name_reps(axis: Axes, reps: Sequence[Rep], last_s: float, *, narrow: bool) -> None:
    """Each piece's number above it, as many as there is room for."""
    room = (44 if narrow else 105) / last_s  # characters a second
    free_s = -0.03 * last_s
    for rep in reps if len(reps) > 1 else []:
        middle_s = (rep.segment.started_at_s + rep.end_s) / 2
        half_s = (len(rep.name) + 0.6) / 2 / room
        if middle_s - half_s >= free_s and middle_s + half_s <= last_s * 1.02:
            axis.annotate(
                rep.name, (middle_s, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
                textcoords="offset points", ha="center", fontsize=8.5, color=SOFT,
            )  # fmt: skip
            free_s = middle_s + half_s


def has_reps(contents: Contents) -> bool:
    """Whether there are pieces to compare."""
    reps = reps_of(contents.segments)
    return len(reps) > 1 and any(
        rep.segment.mean_pace_s_per_500m or rep.segment.mean_heart_rate_bpm for rep in reps
    )


def draw_reps(axis: Axes, contents: Contents, *, narrow: bool) -> None:
    """Each piece beside its fellows: its pace, else its mean and highest heart rate."""
    reps = reps_of(contents.segments)
    paces = [rep.segment.mean_pace_s_per_500m for rep in reps]
    places = [rep.number for rep in reps]
    if any(paces):
        known = [(at, value) for at, value in zip(places, paces, strict=True) if value]
        values = [value for _, value in known]
        mean = contents.session.mean_pace_s_per_500m
        spread = max(max(values) - min(values), 0.01 * max(values))
        bottom = max(values) + 0.6 * spread
        axis.bar(
            [at for at, _ in known], [value - bottom for value in values], bottom=bottom,
            width=0.62, color=[shade(at - 1, len(reps)) for at, _ in known], zorder=2,
        )  # fmt: skip
        axis.set_ylim(bottom, min(values) - 0.35 * spread)
        if len(known) <= (8 if narrow else 12):
            for at, value in known:
                axis.annotate(
                    pace(value), (at, value), xytext=(0, 3), textcoords="offset points",
                    ha="center", fontsize=8.5, color=INK, zorder=4,
                    bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8},
                )  # fmt: skip
        if mean is not None:
            axis.axhline(mean, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: pace(value)))
        axis.set_title("Pace of each piece, /500 m", loc="left")
    else:
        for rep in reps:
            mean, top = rep.segment.mean_heart_rate_bpm, rep.segment.max_heart_rate_bpm
            if mean is not None and top is not None:
                axis.plot([rep.number] * 2, [mean, top], color=HEART, linewidth=3, alpha=0.35)
                axis.plot(rep.number, mean, "o", color=HEART, markersize=6)
                axis.plot(rep.number, top, "_", color=HEART, markersize=9, markeredgewidth=2)
        axis.set_title("Heart rate of each piece: mean and highest", loc="left")
    shown = places if len(places) <= (10 if narrow else 24) else places[:: len(places) // 10 + 1]
    axis.set_xticks(shown)
    if any(not rep.name.isdigit() for rep in reps):
        axis.set_xticklabels([reps[at - 1].name for at in shown], rotation=40, ha="right")
    axis.set_xlim(0.4, len(reps) + 0.6)
    axis.yaxis.set_major_locator(MaxNLocator(5))
    axis.tick_params(axis="x", length=0)
    finish(axis)


def recoveries(contents: Contents) -> list[tuple[Rep, NDArray[np.float64], NDArray[np.float64]]]:
    """The heart rate after each piece, until the next begins: seconds after it, and beats."""
    found = []
    reps = reps_of(contents.segments)
    times, beats = contents.series.heart_rate_bpm
    for place, rep in enumerate(reps):
        following = (
            reps[place + 1].segment.started_at_s if place + 1 < len(reps) else contents.duration_s
        )
        until_s = min(following, rep.end_s + RECOVERY_S)
        inside = (times >= rep.end_s) & (times <= until_s) & ~np.isnan(beats)
        if until_s - rep.end_s >= 20 and np.count_nonzero(inside) >= 5:
            found.append((rep, times[inside] - rep.end_s, beats[inside]))
    return found


def draw_recovery(axis: Axes, contents: Contents) -> None:
    """The falls of the heart rate, laid over each other."""
    curves = recoveries(contents)
    count = len(reps_of(contents.segments))
    for rep, times, beats in curves:
        axis.plot(
            times, beats, color=shade(rep.number - 1, count), linewidth=1.6,
            label=f"after {rep.name}",
        )  # fmt: skip
    axis.set_title("Heart rate after each piece, beats a minute", loc="left")
    axis.set_xlabel("seconds after the piece")
    axis.set_xlim(0, max(float(times[-1]) for _, times, _ in curves))
    axis.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    _legend(axis, len(curves))
    finish(axis)


def force_curves(contents: Contents) -> list[tuple[str, int, NDArray[np.float64]]]:
    """The mean force curve of each piece over its drive, in 61 even steps, newtons."""
    strokes = [stroke for stroke in contents.main_strokes if stroke.force_curve_n]
    found = []
    evenly = np.linspace(0, 1, 61)
    for rep in reps_of(contents.segments):
        curves = [
            np.interp(evenly, np.linspace(0, 1, len(s.force_curve_n)), s.force_curve_n)
            for s in strokes
            if s.force_curve_n is not None
            and len(s.force_curve_n) > 3
            and rep.segment.started_at_s < s.t_s <= rep.end_s
        ]
        if curves:
            found.append((rep.name, rep.number, np.mean(curves, axis=0)))
    return found


def draw_force(axis: Axes, contents: Contents) -> None:
    """The mean force curve of each piece."""
    curves = force_curves(contents)
    count = len(reps_of(contents.segments))
    for name, number, newtons in curves:
        axis.plot(
            np.linspace(0, 100, len(newtons)), newtons, color=shade(number - 1, count),
            linewidth=1.6, label=f"piece {name}",
        )  # fmt: skip
    axis.set_title("Force at the handle, newtons", loc="left")
    axis.set_xlabel("% of the drive, mean of each piece's strokes")
    axis.set_xlim(0, 100)
    axis.set_ylim(bottom=0)
    _legend(axis, len(curves))
    finish(axis)


def shade(place: int, count: int) -> str:
    """The colour of one rep of several: blue is the first, red the last."""
    return to_hex(_RAMP(place / max(count - 1, 1)))


def finish(axis: Axes) -> None:
    """Faint lines across, and no box round the drawing."""
    axis.grid(axis="y", color=LINE, linewidth=0.7)
    axis.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.tick_params(axis="y", length=0)


def _legend(axis: Axes, count: int) -> None:
    """Names of the lines: all of a few, first and last of many."""
    handles, names = axis.get_legend_handles_labels()
    if count > 6:
        handles, names = [handles[0], handles[-1]], [names[0], names[-1]]
    if count > 1:
        axis.legend(handles, names, frameon=False, loc="best", fontsize=8.5, labelcolor=INK)


def _heard(
    contents: Contents, grid: Grid, values: NDArray[np.float64], *, heart: bool
) -> NDArray[np.float64]:
    """The values, but none within a stretch in which their device was not heard."""
    heard = values.copy()
    for gap in contents.summary.gaps:
        if (gap.source == contents.series.heart_rate_source) == heart:
            end_s = gap.started_at_s + gap.duration_s
            heard[(grid.t_s > gap.started_at_s) & (grid.t_s < end_s)] = np.nan
    return heard


def _settled(contents: Contents, grid: Grid) -> NDArray[np.bool_]:
    """Where there is work, and the first strokes from a standstill are over."""
    found = np.zeros(len(grid.t_s), dtype=np.bool_)
    for index, segment in enumerate(contents.segments):
        if segment.kind == "work":
            start_s = min(_START_S, segment.duration_s / 3)
            found |= (grid.segment == index) & (grid.t_s >= segment.started_at_s + start_s)
    return found


def _under_way(
    contents: Contents, grid: Grid, values: NDArray[np.float64], low: float, high: float
) -> NDArray[np.float64]:
    """The values, but none of a piece's first strokes until they stay within the scale."""
    found = values.copy()
    for index, segment in enumerate(contents.segments):
        if segment.kind == "work":
            start_s = segment.started_at_s
            first = (grid.segment == index) & (grid.t_s < start_s + _START_S)
            outside = np.flatnonzero(first & ~((values >= low) & (values <= high)))
            if len(outside):
                found[first & (grid.t_s <= grid.t_s[outside[-1]])] = np.nan
    return found


def _rowed(contents: Contents, grid: Grid) -> NDArray[np.bool_]:
    """Where strokes were taken: a monitor repeats in a rest what it showed last."""
    rowed = [segment.kind == "work" or bool(segment.stroke_count) for segment in contents.segments]
    return np.array([*rowed, False])[grid.segment]


def _limits(values: NDArray[np.float64], every: bool) -> tuple[float, float]:
    """From where to where to draw, with room: all, or all but the outermost hundredths."""
    known = values[~np.isnan(values)]
    low, high = (float(value) for value in np.percentile(known, (0, 100) if every else (1, 99)))
    room = max(0.12 * (high - low), 0.02 * abs(high), 0.5)
    return max(0.0, low - room), high + room


def _time_axis(axis: Axes, last_s: float, most: int) -> None:
    """Ticks at whole minutes, or parts of one in a short session."""
    steps = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400)
    step = next((step for step in steps if last_s / step <= most), steps[-1])
    axis.set_xticks(np.arange(0, last_s + 1e-6, step))
    axis.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: clock_time(value).removesuffix(".0"))
    )


def figure(width: float, height: float, rows: int) -> tuple[Figure, list[Axes]]:
    """Axes one above the other, in inches."""
    made = Figure(figsize=(width, height), layout="constrained")
    axes: Any = made.subplots(rows, 1, squeeze=False)
    return made, list(axes[:, 0])
