"""Pace and heart rate of one session over time, drawn with characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rowlog.charts import line_chart
from rowlog.contents import Contents
from rowlog.render import Style, duration, whole

_WIDTH: Final = 68
_HEIGHT: Final = 8


def session_charts(contents: Contents, style: Style) -> str:
    """The charts of what is known, the pieces marked below each; a sentence where nothing is."""
    grid = contents.grid()
    work = np.array([segment.kind == "work" for segment in contents.segments] + [False])
    working = work[grid.segment]
    rowed = grid.speed_mps > 0
    if working.any():
        rowed &= working
    paces = np.full(len(grid.t_s), np.nan)
    paces[rowed] = 500.0 / grid.speed_mps[rowed]
    known = paces[~np.isnan(paces)]
    if len(known):  # the first stroke from a stop would flatten all others
        paces = np.clip(paces, *np.percentile(known, (1, 98)))
    parts: list[str] = []
    for name, values, label, upside_down in (
        ("Pace of the work, /500 m" if working.any() else "Pace, /500 m", paces, duration, True),
        ("Heart rate, beats a minute", grid.heart_rate_bpm, whole, False),
    ):
        lines = _chart(contents, grid.t_s, values, style, label, upside_down)
        if lines:
            parts += [style.bold(name), *lines, ""]
    return "\n".join(parts).rstrip() or "There is neither pace nor heart rate to draw."


def _chart(
    contents: Contents,
    t_s: NDArray[np.float64],
    values: NDArray[np.float64],
    style: Style,
    label: Callable[[float], str],
    upside_down: bool,
) -> list[str]:
    end_s = float(t_s[-1]) if len(t_s) else 0.0
    lines = line_chart(
        list(zip(t_s.tolist(), values.tolist(), strict=True)),
        style,
        width=_WIDTH,
        height=_HEIGHT,
        label_y=lambda value: f"{label(value):>5}",
        label_x=duration,
        upside_down=upside_down,
    )
    if lines and end_s > 0:
        lines.insert(-1, f"{'':7}{_pieces(contents, end_s, style)}".rstrip())
    return lines


def _pieces(contents: Contents, end_s: float, style: Style) -> str:
    """A row of blocks where there is work, each piece parted from the next."""
    row = [" "] * _WIDTH
    for segment in contents.segments:
        if segment.kind == "work":
            first = round(segment.started_at_s / end_s * _WIDTH)
            last = round((segment.started_at_s + segment.duration_s) / end_s * _WIDTH)
            for column in range(first, min(max(last, first + 1), _WIDTH)):
                row[column] = "▀" if style.unicode else "="
            if last < _WIDTH and last > first + 1 and row[last - 1] != " ":
                row[last - 1] = "▘" if style.unicode else "-"
    return "".join(row)
