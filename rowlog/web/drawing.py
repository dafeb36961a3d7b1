"""Charts as SVG that fits any width: lines stretch, words do not. Colours come from the style."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from math import isfinite
from typing import Final

Point = tuple[float, float]

POINTS: Final = 700
"""A line has no more points: about two for each dot of a telephone's screen."""
BELOW: Final = 20
"""Dots below the drawing, for the words of its axis."""
NARROWEST: Final = 330.0
"""The width in dots of a drawing on the narrowest of telephones."""
WORD: Final = 6.5
"""A letter of a word below takes so many dots."""
GAP: Final = 8.0
"""So many dots are free between two words below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis: from where to where, and what is written beside it."""

    low: float
    high: float
    marks: Sequence[tuple[float, str]] = ()

    def place(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        return (value - self.low) / ((self.high - self.low) or 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line, in the colour of its class."""

    points: Sequence[Point]
    """In order of x; a y that is not finite breaks the line."""
    look: str
    area: bool = False
    """Whether what is below it is tinted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """A stretch of x that is tinted, over the whole height or up to `top`."""

    start: float
    end: float
    look: str
    text: str = ""
    """Written at its head."""
    low: float | None = None
    top: float | None = None
    said: str = ""
    """Shown where somebody points at it."""


def chart(
    told: str,
    x: Axis,
    y: Axis,
    *,
    lines: Sequence[Line] = (),
    shades: Sequence[Shade] = (),
    height: int = 150,
) -> str:
    """One drawing as an <svg>; `told` is what it shows, for who does not see it."""
    inner = height - BELOW

    def across(value: float) -> float:
        return 1000 * min(1.0, max(0.0, x.place(value)))

    def down(value: float) -> float:
        return 1000 * (1 - min(1.0, max(0.0, y.place(value))))

    drawn: list[str] = []
    words: list[str] = []
    for shade in shades:
        left, right = across(shade.start), across(shade.end)
        top = down(shade.top) if shade.top is not None else 0.0
        bottom = down(shade.low) if shade.low is not None else 1000.0
        said = f"<title>{escape(shade.said)}</title>" if shade.said else ""
        drawn.append(
            f'<rect class="{shade.look}" x="{left:.1f}" y="{top:.1f}" '
            f'width="{max(right - left, 0.5):.1f}" height="{max(bottom - top, 0):.1f}">'
            f"{said}</rect>"
        )
        if shade.text:
            words.append(
                f'<text class="head" x="{(left + right) / 20:.2f}%" y="11" '
                f'text-anchor="middle">{escape(shade.text)}</text>'
            )
    for value, text in y.marks:
        at = down(value)
        drawn.append(f'<path class="grid" d="M0 {at:.1f}H1000"/>')
        level = max(11.0, at * inner / 1000 - 4)
        words.append(f'<text x="2" y="{level:.0f}">{escape(text)}</text>')
    for line in lines:
        for run in _runs(line.points):
            path = "L".join(f"{across(a):.1f} {down(b):.1f}" for a, b in run)
            if line.area:
                drawn.append(
                    f'<path class="area {line.look}" d="M{across(run[0][0]):.1f} 1000L{path}'
                    f'L{across(run[-1][0]):.1f} 1000Z"/>'
                )
            drawn.append(f'<path class="line {line.look}" d="M{path}"/>')
    for share, anchor, text in _apart(x):
        words.append(
            f'<text x="{100 * share:.2f}%" y="{height - 4}" text-anchor="{anchor}">'
            f"{escape(text)}</text>"
        )
    return (
        f'<svg class="plot" height="{height}" role="img" aria-label="{escape(told)}">'
        f'<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="{inner}">'
        f"{''.join(drawn)}</svg>{''.join(words)}</svg>"
    )


def _apart(x: Axis) -> Iterable[tuple[float, str, str]]:
    """Where the words below stand, how they lie to it, and the words.

    One that would run into the one before on the narrowest of telephones is left out.
    """
    free = 0.0
    for value, text in sorted(x.marks):
        share, width = x.place(value), (WORD * len(text) + GAP) / NARROWEST
        anchor, left = "middle", share - width / 2
        if left < 0:
            anchor, left = "start", share
        elif left + width > 1:
            anchor, left = "end", share - width
        if left >= free - 0.01:
            free = left + width
            yield share, anchor, text


def _runs(points: Sequence[Point]) -> Iterable[list[Point]]:
    """The unbroken stretches of a line."""
    for known, run in groupby(points, lambda point: isfinite(point[1])):
        if known:
            there = list(run)
            # A point alone is a line from itself to itself, which round ends make a dot.
            yield there if len(there) > 1 else there * 2


def bar(share: float, look: str) -> str:
    """A bar of a table's row, `share` of it filled."""
    width = 100 * min(1.0, max(0.0, share))
    return (
        '<svg class="bar" height="10" aria-hidden="true">'
        f'<rect class="{look}" width="{width:.1f}%" height="10" rx="2"/></svg>'
    )


def round_marks(
    low: float, high: float, text: Callable[[float], str], steps: Sequence[float], count: int = 3
) -> list[tuple[float, str]]:
    """Round values between two, about `count` of them, by the first of `steps` that fits."""
    span = high - low
    step = next((one for one in steps if span / one <= count), steps[-1])
    first = -(-low // step) * step
    marks: list[tuple[float, str]] = []
    while first <= high and len(marks) < 4 * count:
        marks.append((first, text(first)))
        first += step
    return marks


NUMBERS: Final = tuple(base * 10**power for power in range(7) for base in (1, 2, 5))
SECONDS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
