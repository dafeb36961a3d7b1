"""Charts made of characters: lines over time or a scale of its own, for a terminal.

Points are drawn in braille, eight dots to a character, or as stars where only ASCII can be shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from math import isnan, log
from typing import Final

from rowlog.render import Style

_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of the eight dots of a braille character, by row and column (Unicode 2800)."""


def line_chart(
    points: Sequence[tuple[float, float]],
    style: Style,
    *,
    width: int = 60,
    height: int = 10,
    label_y: Callable[[float], str],
    label_x: Callable[[float], str],
    log_x: bool = False,
    upside_down: bool = False,
    joined: bool = True,
    between: tuple[float, float] | None = None,
) -> list[str]:
    """Points with a scale at the left and below, a string a line; empty without points.

    Where y is NaN the line is broken.

    Args:
        points: (x, y) in order of x; with `log_x` x is above 0.
        style: what the screen can show.
        width: characters of the drawing itself.
        height: lines of it.
        label_y: how a value at the left is written.
        label_x: how a value below is written.
        log_x: whether equal factors are equally far apart.
        upside_down: whether low values stand at the top, as paces do.
        joined: whether points are joined by lines.
        between: the lowest and highest y of the scale, which no point is beyond; None: the points'.
    """
    scaled = [(log(x) if log_x else x, -y if upside_down else y) for x, y in points]
    xs, ys = [x for x, _ in scaled], [y for _, y in scaled if not isnan(y)]
    if not ys:
        return []
    low_x, high_x, low_y, high_y = min(xs), max(xs), min(ys), max(ys)
    if between is not None:
        low_y, high_y = sorted(-y if upside_down else y for y in between)
    across, down = 2 * width - 1, 4 * height - 1
    spots = [
        None
        if isnan(y)
        else (
            round((x - low_x) / (high_x - low_x) * across) if high_x > low_x else across // 2,
            round((high_y - y) / (high_y - low_y) * down) if high_y > low_y else down // 2,
        )
        for x, y in scaled
    ]
    dots = {spot for spot in spots if spot is not None}
    if joined:
        for start, end in pairwise(spots):
            if start is not None and end is not None:
                dots.update(_between(start, end))
    values = [high_y + (low_y - high_y) * row / (height - 1) for row in range(height)]
    wanted = {0, height // 2, height - 1} if high_y > low_y else {height // 2}
    labels = [
        label_y(-value if upside_down else value) if row in wanted else ""
        for row, value in enumerate(values)
    ]
    edge = max(map(len, labels))
    lines = [
        f"{label:>{edge}} {'┤' if label else '│'}{_drawn(dots, row, width, style)}".rstrip()
        for row, label in enumerate(labels)
    ]
    first, last = label_x(points[0][0]), label_x(points[-1][0])
    lines.append(f"{'':>{edge}} └{'─' * width}")
    gap = max(1, width - len(first) - len(last))
    lines.append(f"{'':>{edge}}  {first}{' ' * gap}{last if high_x > low_x else ''}".rstrip())
    return [line.translate(_PLAIN) if not style.unicode else line for line in lines]


def thinned(
    points: Sequence[tuple[float, float]],
    best: Callable[[Iterable[float]], float],
    most: int = 60,
) -> tuple[int, list[tuple[float, float]]]:
    """Points for a chart of `most` characters, which more than twice as many would only blacken.

    Returns how many points each stands for, and of so many the best, at the place of their first.
    """
    if len(points) <= 2 * most:
        return 1, list(points)
    every = -(-len(points) // most)
    stretches = [points[at : at + every] for at in range(0, len(points), every)]
    return every, [(stretch[0][0], best(y for _, y in stretch)) for stretch in stretches]


_PLAIN: Final = str.maketrans({"┤": "+", "│": "|", "└": "+", "─": "-"})


def _between(start: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """The dots of a straight line."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    return [
        (
            round(start[0] + (end[0] - start[0]) * step / steps),
            round(start[1] + (end[1] - start[1]) * step / steps),
        )
        for step in range(steps + 1)
    ]


def _drawn(dots: set[tuple[int, int]], row: int, width: int, style: Style) -> str:
    """One line of the drawing."""
    text = ""
    for column in range(width):
        bits = sum(
            _DOTS[y][x] for y in range(4) for x in range(2) if (2 * column + x, 4 * row + y) in dots
        )
        text += chr(0x2800 + bits) if bits and style.unicode else "*" if bits else " "
    return text
