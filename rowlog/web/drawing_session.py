"""One session over time, as charts for its page."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from rowlog.render import clock_time, pace, whole
from rowlog.web.drawing import NUMBERS, POINTS, SECONDS, Axis, Line, Shade, chart, round_marks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from rowlog.contents import Contents
    from rowlog.summary import SegmentSummary

    Array = NDArray[np.float64]

NUMBERED: Final = 16
"""More pieces than this have no numbers at their heads: they would run into each other."""


def over_time(contents: Contents) -> list[tuple[str, str, str]]:
    """Heading, unit and drawing of each quantity that is known; strokes are not looked at."""
    grid = contents.grid()
    working = np.isin(
        grid.segment, [k for k, one in enumerate(contents.segments) if one.kind == "work"]
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        paces = np.where(grid.speed_mps > 0.5, 500.0 / grid.speed_mps, np.nan)
    every: list[tuple[str, str, Array, Callable[[float], str], Sequence[float], str, bool]] = [
        ("Pace", "/500 m", paces, _pace, SECONDS, "pace", True),
        ("Power", "W", grid.power_w, whole, NUMBERS, "power", False),
        ("Stroke rate", "/min", grid.stroke_rate_spm, whole, NUMBERS, "rate", False),
        ("Heart rate", "bpm", grid.heart_rate_bpm, whole, NUMBERS, "heart", False),
    ]
    last_s = contents.duration_s or 1.0
    x = Axis(low=0.0, high=last_s, marks=round_marks(0, last_s, _clock, SECONDS, 5))
    shades = _shades(contents)
    drawn = []
    for name, unit, values, text, steps, look, upside_down in every:
        # The heart counts at all times, the rest where the rower works.
        if look != "heart" and working.any():
            values = np.where(working, values, np.nan)
        scaled = values[np.isfinite(values)]
        if len(scaled) < 2:
            continue
        low, high = (float(v) for v in np.percentile(scaled, (2, 98)))
        if look == "heart":
            low, high = float(scaled.min()), float(scaled.max())
        room = max((high - low) * 0.2, 1.0 if upside_down else 2.0)
        low, high = low - room, high + room
        inside = np.where((values >= low) & (values <= high), values, np.nan)
        times, thinned = _thin(grid.t_s, inside)
        marks = round_marks(low, high, text, steps, 4)
        y = Axis(low=high, high=low, marks=marks) if upside_down else Axis(
            low=low, high=high, marks=marks
        )  # fmt: skip
        told = f"{name} over time, from {text(float(scaled.min()))} to {text(float(scaled.max()))}"
        points = list(zip(times.tolist(), thinned.tolist(), strict=True))
        drawn.append(
            (name, unit, chart(told, x, y, lines=[Line(points=points, look=look)], shades=shades))
        )
    return drawn


def _shades(contents: Contents) -> list[Shade]:
    work = [one for one in contents.segments if one.kind == "work"]
    shades = [
        Shade(
            start=one.started_at_s,
            end=one.started_at_s + one.duration_s,
            look="work",
            text=str(number) if 1 < len(work) <= NUMBERED else "",
            said=_said(number, one),
        )
        for number, one in enumerate(work, 1)
    ]
    return shades + [
        Shade(start=gap.started_at_s, end=gap.started_at_s + gap.duration_s, look="gap")
        for gap in contents.summary.gaps
    ]


def _said(number: int, one: SegmentSummary) -> str:
    shown = [f"Piece {number}", clock_time(one.duration_s)]
    if one.mean_pace_s_per_500m is not None:
        shown.append(f"{pace(one.mean_pace_s_per_500m)} /500 m")
    return ", ".join(shown)


def _thin(t_s: Array, values: Array) -> tuple[Array, Array]:
    """As many points as can be seen: the mean of each stretch, NaN where nothing is known."""
    if len(t_s) <= POINTS:
        return t_s, values
    edges = np.linspace(0, len(t_s), POINTS + 1).astype(int)
    times = np.array([t_s[a:b].mean() for a, b in pairwise(edges)])
    known = np.isfinite(values)
    sums = np.add.reduceat(np.where(known, values, 0.0), edges[:-1])
    counts = np.add.reduceat(known.astype(float), edges[:-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        return times, np.where(counts > 0, sums / counts, np.nan)


def _clock(seconds: float) -> str:
    return clock_time(seconds)[:-2]


def _pace(seconds: float) -> str:
    return _clock(seconds)
