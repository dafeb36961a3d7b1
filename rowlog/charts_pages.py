"""A picture of several parts: one tall sheet as png and svg, pages of paper as pdf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any, BinaryIO, Final, NamedTuple
from xml.sax.saxutils import escape

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from rowlog.charts_report import INK, LINE, MARGIN_IN, SMALL, SOFT
from rowlog.render_rows import thousands

WIDTH_IN: Final = 9.1
"""Of what is drawn on a sheet that is no paper."""
_PAPER_IN: Final = (8.27, 11.69)
"""A4; letter paper takes it with its own margins."""
_MARGINS_IN: Final = (0.65, 0.7)
"""Of paper: left and right, top and bottom."""
PAPER_WIDTH_IN: Final = _PAPER_IN[0] - 2 * _MARGINS_IN[0]
_PAPER_HEIGHT_IN: Final = _PAPER_IN[1] - 2 * _MARGINS_IN[1]
_ROW_IN, _HEAD_IN, _BELOW_IN = 0.205, 0.62, 0.12


class Part(NamedTuple):
    """One thing on a sheet, as wide as it is."""

    height_in: float
    draw: Callable[[Any], None]
    """Draws into a part of a figure."""


class Rows(NamedTuple):
    """A table, which may go on on the next page."""

    title: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    """(look, cells): "work", "rest", "work sum", "all"."""
    words: int = 1
    """How many columns from the left hold words."""

    def part(self, start: int, count: int, width_in: float) -> Part:
        """Some of its rows under its heads."""
        some = self.rows[start : start + count]
        height = _HEAD_IN + _ROW_IN * len(some) + _BELOW_IN
        title = self.title if start == 0 else f"{self.title}, continued"
        return Part(height, lambda into: _draw_rows(into, self, title, some, height, width_in))


def write(parts: Sequence[Part | Rows], out: BinaryIO, kind: str, title: str) -> None:
    """Draw all parts, one below the other, within `drawing`; `kind` is "png", "svg" or "pdf"."""
    if kind == "pdf":
        _write_paper(parts, out, title)
        return
    whole = [
        part.part(0, len(part.rows), WIDTH_IN) if isinstance(part, Rows) else part for part in parts
    ]
    made = Figure(figsize=(WIDTH_IN, sum(part.height_in for part in whole)))
    _fill(made, whole)
    named: Any = {"Title": title, "Date": None}
    if kind == "png":
        named = {"Title": title.encode("latin-1", "replace").decode("latin-1")}
    drawn = BytesIO()
    made.savefig(
        drawn, format=kind, dpi=160, bbox_inches="tight", pad_inches=MARGIN_IN, metadata=named
    )
    out.write(_titled(drawn.getvalue(), title) if kind == "svg" else drawn.getvalue())


def _titled(drawn: bytes, title: str) -> bytes:
    """A picture that a reader of screens tells by its name, wherever it is put."""
    said = escape(title, {'"': "&quot;"}).encode("utf-8", "replace")
    start = drawn.index(b"<svg")
    end = drawn.index(b">", start)
    named = drawn[start:end] + b' role="img" aria-label="' + said + b'"'
    return drawn[:start] + named + drawn[end:]


def paged(parts: Sequence[Part | Rows]) -> list[list[Part]]:
    """Parts on pages of paper: none is cut in two but a table, between its rows."""
    pages: list[list[Part]] = [[]]
    free = _PAPER_HEIGHT_IN
    for part in parts:
        start = 0
        while True:
            if isinstance(part, Rows):
                left = len(part.rows) - start
                count = min(left, int((free - _HEAD_IN - _BELOW_IN) / _ROW_IN))
                if count < min(left, 6) and pages[-1]:
                    pages.append([])
                    free = _PAPER_HEIGHT_IN
                    continue
                placed = part.part(start, count, PAPER_WIDTH_IN)
                start += count
            else:
                if part.height_in > free and pages[-1]:
                    pages.append([])
                    free = _PAPER_HEIGHT_IN
                placed = part
            pages[-1].append(placed)
            free -= placed.height_in
            if not isinstance(part, Rows) or start >= len(part.rows):
                break
    return pages


def _write_paper(parts: Sequence[Part | Rows], out: BinaryIO, title: str) -> None:
    pages = paged(parts)
    named = {"Title": title, "CreationDate": None}
    with PdfPages(out, metadata=named) as file:
        for number, page in enumerate(pages, 1):
            made = Figure(figsize=_PAPER_IN)
            used = sum(part.height_in for part in page)
            side, above = _MARGINS_IN
            across: Any = made.subfigures(
                1, 3, width_ratios=[side, PAPER_WIDTH_IN, side], wspace=0, hspace=0
            )
            rest = max(_PAPER_HEIGHT_IN - used, 0.0) + above
            down: Any = across[1].subfigures(3, 1, height_ratios=[above, used, rest], hspace=0)
            _fill(made, page, down[1])
            if len(pages) > 1:
                made.text(
                    0.5, 0.35 / _PAPER_IN[1], f"{number} / {len(pages)}", ha="center",
                    fontsize=SMALL, color=SOFT,
                )  # fmt: skip
            file.savefig(made)


def _fill(made: Figure, parts: Sequence[Part], into: Any = None) -> None:
    made.set_layout_engine("constrained", w_pad=0.1, h_pad=0.07, wspace=0.03, hspace=0.0)
    places: Any = (into or made).subfigures(
        len(parts), 1, squeeze=False, height_ratios=[part.height_in for part in parts]
    )
    for place, part in zip(places[:, 0], parts, strict=True):
        part.draw(place)


def _draw_rows(
    into: Any,
    table: Rows,
    title: str,
    rows: Sequence[tuple[str, Sequence[str]]],
    height_in: float,
    width_in: float,
) -> None:
    """A table as words at their places: numbers end under each other, words begin so."""
    ends = _ends(table, width_in)
    columns = range(len(table.heads))

    def put(at_in: float, cells: Sequence[str], **look: Any) -> None:
        for column in columns:
            words = column < table.words
            left = 0.0 if column == 0 else ends[column - 1] + 0.12
            into.text(
                (left if words else ends[column]) / width_in, 1 - at_in / height_in,
                thousands(cells[column]), ha="left" if words else "right", va="baseline", **look,
            )  # fmt: skip

    def rule(at_in: float, colour: str) -> None:
        y = 1 - at_in / height_in
        into.add_artist(
            Line2D([0, ends[-1] / width_in], [y, y], color=colour, linewidth=0.7,
                   transform=into.transSubfigure)
        )  # fmt: skip

    into.text(0, 1 - 0.2 / height_in, title, fontsize=10.5, fontweight="bold", va="baseline")
    put(0.48, table.heads, fontsize=8, color=SOFT)
    rule(0.54, INK)
    for number, (look, cells) in enumerate(rows):
        base_in = _HEAD_IN + _ROW_IN * number + 0.09
        heavy = "bold" if look.startswith("work") else "normal"
        put(
            base_in, cells, fontsize=9, fontweight=heavy, color=SOFT if look == "rest" else INK
        )  # fmt: skip
        if "sum" in look and number:
            rule(base_in - 0.15, INK)
        rule(base_in + 0.06, LINE)


def _ends(table: Rows, width_in: float) -> list[float]:
    """Where each column ends, in inches: each as wide as its longest cell needs, and no more."""
    needed = [
        max(len(head) * 0.9, *(len(cells[at]) for _, cells in table.rows)) + 2.5
        for at, head in enumerate(table.heads)
    ]
    wide = min(width_in / sum(needed), 0.125)
    ends: list[float] = []
    for characters in needed:
        ends.append((ends[-1] if ends else 0.0) + characters * wide)
    return ends
