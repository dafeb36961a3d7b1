"""A session's report as a picture: png or svg, or pages of paper as pdf."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import Any, BinaryIO

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from rowlog.charts_pages import PAPER_WIDTH_IN, WIDTH_IN, Part, Rows, write
from rowlog.charts_pieces import (
    compared,
    draw_force,
    draw_pieces,
    draw_recovery,
    draw_zones,
    force_curves,
    has_zones,
    pieces_heights,
    recoveries,
)
from rowlog.charts_report import INK, LINE, SMALL, SOFT, drawing
from rowlog.charts_tracks import draw_tracks, heights
from rowlog.charts_values import tracks
from rowlog.contents import Contents
from rowlog.render import began, facts, printable
from rowlog.render_rows import devices_line, key_figures, report_tables, title_of

MOST_ROWS = 40
"""A table on a sheet leaves its rests out when it would have more rows than this."""


def poster(contents: Contents, out: BinaryIO, kind: str) -> None:
    """Draw all that is known of a session; `kind` is "png", "svg" or "pdf"."""
    width = PAPER_WIDTH_IN if kind == "pdf" else WIDTH_IN
    with drawing():
        write(parts_of(contents, width, paper=kind == "pdf"), out, kind, title_of(contents))


def parts_of(contents: Contents, width: float, *, paper: bool) -> list[Part | Rows]:
    """All that is known of a session, from top to bottom; `paper` has room for every row."""
    grid = contents.grid()
    parts: list[Part | Rows] = [
        head(
            title_of(contents),
            _said(contents),
            key_figures(contents.summary),
            width,
        )
    ]
    known = len(tracks(contents, grid))
    if known:
        parts.append(
            _stacked(
                heights(known, width),
                lambda axes: draw_tracks(axes, contents, grid, width),
            )
        )
    parts += _tables(contents, paper=paper)
    if compared(contents):
        parts.append(
            _stacked(pieces_heights(contents), lambda axes: draw_pieces(axes, contents, width))
        )
    beside = [
        draw
        for draw, wanted in (
            (draw_recovery, bool(recoveries(contents))),
            (draw_force, bool(force_curves(contents))),
            (draw_zones, has_zones(contents)),
        )
        if wanted
    ]
    parts += [_beside(beside[at : at + 2], contents, width) for at in range(0, len(beside), 2)]
    parts.append(_notes([printable(line, 400) for line in facts(contents.summary)], width))
    return parts


def _tables(contents: Contents, *, paper: bool) -> list[Rows]:
    found = []
    for title, (heads, rows) in report_tables(contents.summary):
        if not paper and len(rows) > MOST_ROWS and any(look == "rest" for look, _ in rows):
            title = f"{title}, without the rests"
            sums = next(at for at, (look, _) in enumerate(rows) if "sum" in look)
            rows = [row for at, row in enumerate(rows) if at >= sums or row[0] != "rest"]
        found.append(Rows(title, heads, rows, 2 if "Exercise" in heads[1:] else 1))
    return found


def _stacked(sizes: Sequence[float], draw: Callable[[Sequence[Axes]], None]) -> Part:
    def drawn(into: Any) -> None:
        axes = into.subplots(len(sizes), 1, squeeze=False, height_ratios=list(sizes))
        draw(list(axes[:, 0]))

    return Part(sum(sizes) + 0.15, drawn)


def _beside(
    draws: Sequence[Callable[[Axes, Contents, float], None]], contents: Contents, width: float
) -> Part:
    def drawn(into: Any) -> None:
        axes = into.subplots(1, len(draws), squeeze=False)[0]
        for axis, draw in zip(axes, draws, strict=True):
            draw(axis, contents, width / len(draws))

    return Part(2.7 if len(draws) > 1 else 2.3, drawn)


def _notes(said: Sequence[str], width: float) -> Part:
    """What the figures rest on, in small letters."""
    lines = [line for text in said for line in _lines(text, int(width * 13), 3)]
    height = 0.25 + 0.18 * len(lines)

    def drawn(into: Any) -> None:
        for place, line in enumerate(lines, 1):
            at = 1 - (0.15 + 0.18 * place) / height
            into.text(0, at, line, fontsize=SMALL, color=SOFT, va="baseline")

    return Part(height, drawn)


def _said(contents: Contents) -> list[str]:
    """When, who and with what; then the note."""
    session = contents.session
    devices = devices_line(session)
    when = began(session.started_at, session.start_from)
    line = " · ".join(word for word in (when, session.athlete, devices) if word)
    note = printable(" ".join((session.note or "").split()), 400)
    nothing = [] if contents.segments else ["Nothing was rowed, and no piece of work was found."]
    return [printable(line, 300), *([note] if note else []), *nothing]


def head(
    title: str, said: Sequence[str], figures: Sequence[tuple[str, str, str]], width: float
) -> Part:
    """What a picture begins with: a title, lines below it, figures with name and unit."""
    titles = _lines(title, int(width * 6.4), 2)
    lines = [line for text in said for line in _lines(text, int(width * 12.5), 2)]
    height = 0.1 + 0.34 * len(titles) + 0.2 * len(lines) + (0.72 if figures else 0.15)

    def drawn(into: Any) -> None:
        def put(at_in: float, text: str, left: float = 0.0, **look: Any) -> None:
            into.text(left, 1 - at_in / height, text, va="baseline", **look)

        at_in = 0.0
        for line in titles:
            at_in += 0.34
            put(at_in - 0.04, line, fontsize=19, fontweight="bold")
        for line in lines:
            at_in += 0.2
            put(at_in, line, fontsize=9.5, color=SOFT)
        if not figures:
            return
        for edge, colour, wide in ((at_in + 0.14, INK, 1.4), (height - 0.04, LINE, 0.7)):
            y = 1 - edge / height
            into.add_artist(Line2D([0, 1], [y, y], color=colour, linewidth=wide))
        sizes = [
            max(_width(value, 14) + _width(unit, SMALL) + 0.06, _width(name, SMALL))
            for name, value, unit in figures
        ]
        between = (width - sum(sizes)) / max(len(figures) - 1, 1)
        squeezed = min(1.0, (width - 0.12 * len(figures)) / sum(sizes))
        left = 0.0
        for (name, value, unit), size in zip(figures, sizes, strict=True):
            put(at_in + 0.34, name, left / width, fontsize=SMALL * squeezed, color=SOFT)
            put(at_in + 0.58, value, left / width, fontsize=14 * squeezed, fontweight="bold")
            after = left + (_width(value, 14) + 0.06) * squeezed
            put(at_in + 0.58, unit, after / width, fontsize=SMALL * squeezed, color=SOFT)
            left += size * squeezed + min(max(between, 0.12), 0.35)

    return Part(height, drawn)


def _width(text: str, points: float) -> float:
    """How wide a line is in inches, in the bold face that matplotlib brings."""
    return sum(0.39 if character in ":.,/ " else 0.7 for character in text) * points / 72


def _lines(text: str, width: int, most: int) -> list[str]:
    """Text in lines, what does not go into so many of them cut off with a sign."""
    lines = wrap(text, width) or [""]
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: width - 1].rstrip() + "…"]
    return lines
