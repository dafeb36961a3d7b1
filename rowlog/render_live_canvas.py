"""A grid of cells that a live view is drawn on, and digits that are read from two metres."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

GLYPHS: Final = {
    "0": "###|#.#|#.#|#.#|###",
    "1": ".#.|##.|.#.|.#.|###",
    "2": "###|..#|###|#..|###",
    "3": "###|..#|.##|..#|###",
    "4": "#.#|#.#|###|..#|..#",
    "5": "###|#..|###|..#|###",
    "6": "###|#..|###|#.#|###",
    "7": "###|..#|..#|..#|..#",
    "8": "###|#.#|###|#.#|###",
    "9": "###|#.#|###|..#|###",
    ":": ".|#|.|#|.",
    ".": ".|.|.|.|#",
    "-": "...|...|###|...|...",
    "<": "..#|.#.|#..|.#.|..#",
    ">": "#..|.#.|..#|.#.|#..",
    " ": "..|..|..|..|..",
    "/": "..#|..#|.#.|#..|#..",
    "'": "#|#|.|.|.",
    "▲": "..#..|.###.|#####|..#..|..#..",
    "▼": "..#..|..#..|#####|.###.|..#..",
    "A": "###|#.#|###|#.#|#.#",
    "B": "##.|#.#|##.|#.#|##.",
    "C": "###|#..|#..|#..|###",
    "D": "##.|#.#|#.#|#.#|##.",
    "E": "###|#..|##.|#..|###",
    "F": "###|#..|##.|#..|#..",
    "G": "###|#..|#.#|#.#|###",
    "H": "#.#|#.#|###|#.#|#.#",
    "I": "###|.#.|.#.|.#.|###",
    "J": "..#|..#|..#|#.#|###",
    "K": "#.#|#.#|##.|#.#|#.#",
    "L": "#..|#..|#..|#..|###",
    "M": "#...#|##.##|#.#.#|#...#|#...#",
    "N": "#..#|##.#|#.##|#..#|#..#",
    "O": "###|#.#|#.#|#.#|###",
    "P": "###|#.#|###|#..|#..",
    "Q": "###|#.#|#.#|###|..#",
    "R": "##.|#.#|##.|#.#|#.#",
    "S": "###|#..|###|..#|###",
    "T": "###|.#.|.#.|.#.|.#.",
    "U": "#.#|#.#|#.#|#.#|###",
    "V": "#.#|#.#|#.#|#.#|.#.",
    "W": "#...#|#...#|#.#.#|##.##|#...#",
    "X": "#.#|#.#|.#.|#.#|#.#",
    "Y": "#.#|#.#|.#.|.#.|.#.",
    "Z": "###|..#|.#.|#..|###",
}
"""Dots of each character, five rows high."""
DOT_ROWS: Final = 5
SCALES: Final = (12, 10, 8, 6, 5, 4, 3, 2, 1)
"""How many columns, and half rows, a dot may take; the largest that fits is taken."""
BRAILLE: Final = 0x2800
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille cell's dots, by row and column."""


class Canvas:
    """So many rows of so many cells, each with a character and the name of a style.

    What does not fit is cut off: nothing ever wraps or raises.
    """

    def __init__(self, width: int, height: int, *, unicode: bool = True) -> None:
        self.width = width
        self.height = height
        self.unicode = unicode
        self.cells = [[" "] * width for _ in range(height)]
        """A wide character stands in its first cell; its second is ""."""
        self.styles = [[""] * width for _ in range(height)]

    def text(self, x: int, y: int, text: str, style: str = "", width: int | None = None) -> int:
        """Write from a cell on, in at most `width` cells; the cell after it."""
        end = self.width if width is None else min(self.width, x + width)
        if not 0 <= y < self.height:
            return x
        cells, styles = self.cells[y], self.styles[y]
        for character in text if self.unicode else _plain(text):
            wide = _cells(character)
            if x + wide > end:
                break
            if x >= 0 and wide:
                cells[x], styles[x] = character, style
                if wide == 2:
                    cells[x + 1], styles[x + 1] = "", style
            x += wide
        return x

    def right(self, x: int, y: int, text: str, style: str = "") -> int:
        """Write so that the text ends before cell `x`; where it begins."""
        start = max(0, x - length(text))
        self.text(start, y, text, style, x - start)
        return start

    def fill(self, x: int, y: int, width: int, style: str, character: str = " ") -> None:
        """The same character in a row of cells."""
        self.text(x, y, character * max(0, width), style)

    def big(self, x: int, y: int, text: str, scale: int, style: str = "") -> int:
        """Write in dots of `scale` columns and half rows; the cell after it."""
        for character in text:
            for row, line in enumerate(_big(character, scale, self.unicode)):
                for column, part in enumerate(line):
                    if part != " ":
                        self.text(x + column, y + row, part, style)
            x += _big_width(character, scale) + gap(scale)
        return x

    def lines(self) -> list[str]:
        """What stands on it, without styles."""
        return ["".join(row).rstrip() for row in self.cells]


def length(text: str) -> int:
    """How many cells a text takes."""
    return sum(map(_cells, text))


def gap(scale: int) -> int:
    """Cells between two large characters."""
    return max(1, scale // 2)


def big_rows(scale: int) -> int:
    """How many rows large characters take."""
    return (DOT_ROWS * scale + 1) // 2


def big_width(text: str, scale: int) -> int:
    """How many cells a large text takes."""
    return sum(_big_width(one, scale) + gap(scale) for one in text) - gap(scale) if text else 0


def scale_for(text: str, width: int, rows: int, *, unicode: bool, tail: str = "") -> int | None:
    """The largest scale at which a text fits, its `tail` half as large; None where none does."""
    for scale in SCALES:
        if not unicode and scale % 2:
            continue  # half a row takes a block
        taken = big_width(text, scale)
        if tail:
            taken += gap(scale) + big_width(tail, tail_scale(scale))
        if big_rows(scale) <= rows and taken <= width:
            return scale
    return None


def tail_scale(scale: int) -> int:
    """How large the tenths of a number are beside it."""
    return max(1, scale // 2)


def drawable(text: str) -> bool:
    """Whether there are large characters for a text."""
    return all(character in GLYPHS for character in text)


@lru_cache(maxsize=512)
def _big(character: str, scale: int, unicode: bool) -> tuple[str, ...]:
    """A large character as rows of cells."""
    dots = GLYPHS.get(character, GLYPHS["-"]).split("|")
    halves = ["".join(dot * scale for dot in row) for row in dots for _ in range(scale)]
    if len(halves) % 2:
        halves.append("." * len(halves[0]))
    rows: list[str] = []
    for upper, lower in zip(halves[::2], halves[1::2], strict=True):
        pairs = zip(upper, lower, strict=True)
        if unicode:
            rows.append("".join(_HALVES[pair] for pair in pairs))
        else:
            rows.append("".join("#" if "#" in pair else " " for pair in pairs))
    return tuple(rows)


_HALVES: Final = {("#", "#"): "█", ("#", "."): "▀", (".", "#"): "▄", (".", "."): " "}


def _big_width(character: str, scale: int) -> int:
    return GLYPHS.get(character, GLYPHS["-"]).index("|") * scale


def plot(
    values: list[float | None], width: int, rows: int, *, low: float, high: float, braille: bool
) -> list[str]:
    """A curve in `width` columns and `rows` rows, its newest value at the right.

    Where braille is not to be had it is drawn in blocks. `values` are spread over the columns,
    several in one as their mean; None leaves a hole.
    """
    if width <= 0 or rows <= 0:
        return []
    columns = width * (2 if braille else 1)
    levels = rows * (4 if braille else 8)
    spans = list(_spans(len(values), columns))
    heights: list[int | None] = [None] * (columns - len(spans))
    for first, last in spans:
        known = [value for value in values[first:last] if value is not None]
        if not known:
            heights.append(None)
            continue
        share = (sum(known) / len(known) - low) / (high - low) if high > low else 0.5
        heights.append(round(min(1.0, max(0.0, share)) * (levels - 1)))
    return _braille(heights, rows) if braille else _blocks(heights, rows)


def _spans(count: int, columns: int) -> Iterator[tuple[int, int]]:
    """The values of each column; fewer columns where there are fewer values."""
    used = min(count, columns)
    for column in range(used):
        yield column * count // used, (column + 1) * count // used


def _braille(heights: list[int | None], rows: int) -> list[str]:
    cells = [[0] * (len(heights) // 2) for _ in range(rows)]
    before: int | None = None
    for x, height in enumerate(heights):
        if height is not None:
            start = height if before is None else before
            step = 1 if height >= start else -1
            # The line between two values is drawn too, but for its first dot.
            for level in range(start + step if start != height else start, height + step, step):
                row, dot = divmod(rows * 4 - 1 - level, 4)
                cells[row][x // 2] |= _DOTS[dot][x % 2]
        before = height
    return ["".join(chr(BRAILLE + bits) if bits else " " for bits in row) for row in cells]


def _blocks(heights: list[int | None], rows: int) -> list[str]:
    lines = []
    for row in range(rows):
        floor = (rows - 1 - row) * 8
        line = ""
        for height in heights:
            filled = 0 if height is None else min(8, max(0, height + 1 - floor))
            line += " ▁▂▃▄▅▆▇█"[filled]
        lines.append(line)
    return lines


@lru_cache(maxsize=4096)
def _cells(character: str) -> int:
    """How many cells of a terminal a character takes."""
    if character < "\u0300":
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


_ASCII: Final = str.maketrans(
    {"█": "#", "▓": "#", "▒": "=", "░": "-", "─": "-", "│": "|", "·": "|", "–": "-", "×": "x",
     "▲": "^", "▼": "v", "●": "*", "○": "o", "✗": "!", "✓": "+", "→": ">", "♥": "*", "…": ".",
     "≤": "<", "▁": "_", "▂": "_", "▃": ".", "▄": ".", "▅": "=", "▆": "=", "▇": "#", "▀": "^",
     "┌": "+", "┐": "+", "└": "+", "┘": "+", "⏸": "|"}
)  # fmt: skip


def _plain(text: str) -> str:
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
