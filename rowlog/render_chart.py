"""Pace and heart rate of one session over time, drawn with characters."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np

from rowlog.charts import line_chart
from rowlog.charts_reps import reps_of
from rowlog.charts_values import Array, Track, scaled, smoothed, tracks
from rowlog.contents import Contents, Grid
from rowlog.render import Style, duration, whole

_HEIGHT: Final = 8
_EDGE: Final = 7
"""What stands at the left of a drawing: the scale, a blank and the axis."""
_NARROWEST, _WIDEST = 24, 112
"""Of a drawing itself, in characters."""
_STEPS_S: Final = (
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400,
)  # fmt: skip


def session_charts(contents: Contents, style: Style, columns: int = 80) -> str:
    """The charts of what is known, with the pieces marked below each; `columns` of the screen.

    A sentence where nothing is known.
    """
    width = min(max(columns - _EDGE - 5, _NARROWEST), _WIDEST)
    grid = contents.grid()
    working = any(segment.kind == "work" for segment in contents.segments)
    parts: list[str] = []
    for track in tracks(contents, grid):
        if track.kind == "pace":
            name = f"{'Pace of the work' if working else 'Pace'}, {track.unit}"
            lines = _chart(contents, grid, track, style, duration, width)
        elif track.kind == "heart":
            name = "Heart rate, beats a minute"
            lines = _chart(contents, grid, track, style, whole, width)
        else:
            continue
        parts += [style.bold(name), *lines, ""]
    return "\n".join(parts).rstrip() or "There is neither pace nor heart rate to draw."


def _chart(
    contents: Contents,
    grid: Grid,
    track: Track,
    style: Style,
    label: Callable[[float], str],
    width: int,
) -> list[str]:
    """One drawing with its scales, and the pieces of work below it."""
    end_s = float(grid.t_s[-1])
    tight = track._replace(least=track.least / 2)  # there are few lines to tell by
    low, high, values = scaled(contents, grid, tight)
    if track.kind == "pace":
        work = np.array([segment.kind == "work" for segment in contents.segments] + [False])
        working = work[grid.segment]
        mean, _, _ = smoothed(values, grid.segment, max(5.0, 2 * end_s / width))
        values = track.told(np.where(working, mean, np.nan) if working.any() else mean)
        values = np.where((values >= low) & (values <= high), values, np.nan)
    lines = line_chart(
        _points(grid.t_s, values, width),
        style,
        width=width,
        height=_HEIGHT,
        label_y=lambda value: f"{label(value):>5}",
        label_x=duration,
        upside_down=track.kind == "pace",
        between=(low, high),
    )
    if not lines or end_s <= 0:
        return lines
    axis, times = _times(end_s, width, style)
    blank = " " * _EDGE
    below = [row for row in _pieces(contents, end_s, width, style) if row]
    return [*lines[:-2], axis, blank + times, *(blank + row for row in below)]


def _points(t_s: Array, values: Array, width: int) -> list[tuple[float, float]]:
    """One for each dot across, the mean of what falls to it; more would only blacken."""
    dots = 2 * width
    if len(t_s) <= dots:
        return list(zip(t_s.tolist(), values.tolist(), strict=True))
    edges = np.linspace(0, len(t_s), dots + 1).astype(int)
    points = []
    for start, end in pairwise(edges):
        known = values[start:end][~np.isnan(values[start:end])]
        points.append((float(t_s[start]), float(known.mean()) if len(known) else float("nan")))
    return [*points[:-1], (float(t_s[-1]), points[-1][1])]


def _times(end_s: float, width: int, style: Style) -> tuple[str, str]:
    """The axis with its marks, and the times below them: round ones, as many as are easily read."""
    step = next((step for step in _STEPS_S if end_s / step <= width / 11), _STEPS_S[-1])
    axis, times = ["─"] * width, ""
    for at_s in np.arange(0, end_s + 1e-6, step):
        column = min(round(at_s / end_s * (width - 1)), width - 1)
        text = duration(at_s)
        start = max(0, column - len(text) // 2)
        if start + len(text) <= width + 4 and (not times or start > len(times)):
            axis[column] = "┬"
            times = times.ljust(start) + text
    line = f"{'':{_EDGE - 1}}└{''.join(axis)}"
    return (line if style.unicode else line.translate(_PLAIN)), times


def _pieces(contents: Contents, end_s: float, width: int, style: Style) -> list[str]:
    """A row of blocks where there is work, each piece parted from the next; their numbers."""
    row, numbers = [" "] * width, ""
    reps = reps_of(contents.segments)
    for rep in reps:
        for stretch in rep.stretches:
            first = round(stretch.started_at_s / end_s * width)
            last = round((stretch.started_at_s + stretch.duration_s) / end_s * width)
            for column in range(first, min(max(last, first + 1), width)):
                row[column] = "▀" if style.unicode else "="
        if last < width and last > first + 1 and row[last - 1] != " ":
            row[last - 1] = "▘" if style.unicode else "-"
        middle = round((rep.segment.started_at_s + rep.end_s) / 2 / end_s * width)
        start = max(0, middle - len(str(rep.number)) // 2)
        if start > len(numbers) or not numbers:
            numbers = numbers.ljust(start) + str(rep.number)
    return ["".join(row).rstrip(), numbers if len(reps) > 1 else ""]


_PLAIN: Final = str.maketrans({"└": "+", "─": "-", "┬": "+"})
