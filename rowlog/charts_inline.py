"""A report's charts as SVG that stands in a page: its colours, its font, no word to elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rowlog.charts_report import (
    GAP,
    HEART,
    INK,
    LINE,
    PACE,
    PAPER,
    POWER,
    RATE,
    SHADE,
    SOFT,
    draw_force,
    draw_recovery,
    draw_reps,
    draw_tracks,
    drawing,
    figure,
    force_curves,
    has_reps,
    recoveries,
    tracks,
)
from rowlog.contents import Contents
from rowlog.render import pace, whole

_COLOURS: Final = {
    INK: "ink", SOFT: "soft", LINE: "line", SHADE: "shade", GAP: "gap", PACE: "pace",
    RATE: "rate", POWER: "power", HEART: "heart", PAPER: "bg",
}  # fmt: skip
_WIDE, _NARROW = 9.0, 4.5


class Chart(NamedTuple):
    """One chart of a page."""

    name: str
    """Its heading."""
    told: str
    """What it shows, for who does not see it."""
    wide: str
    """As <svg>, for a desk."""
    narrow: str
    """The same for a telephone."""


def charts(contents: Contents) -> list[Chart]:
    """All that can be drawn of a session."""
    made: list[Chart] = []
    grid = contents.grid()
    known = tracks(grid)

    def over_time(*, narrow: bool) -> Figure:
        rows = len(known)
        height = (1.5 if narrow else 1.7) * rows + 0.5
        made, axes = figure(_NARROW if narrow else _WIDE, height, rows)
        draw_tracks(axes, contents, grid, narrow=narrow)
        return made

    def one(draw: Callable[[Axes, bool], None]) -> Callable[..., Figure]:
        def drawn(*, narrow: bool) -> Figure:
            made, (axis,) = figure(_NARROW if narrow else _WIDE, 3.1, 1)
            draw(axis, narrow)
            return made

        return drawn

    with drawing():
        if known:
            names = ", ".join(name.lower() for name, *_ in known)
            made.append(_chart("Over time", f"{names} over time, work shaded", over_time, 0))
        if has_reps(contents):
            draw = one(lambda axis, narrow: draw_reps(axis, contents, narrow=narrow))
            made.append(_chart("Piece by piece", _reps_told(contents), draw, 1))
        found = recoveries(contents)
        if found:
            falls = [beats[0] - beats[-1] for _, _, beats in found]
            told = f"heart rate after {len(found)} pieces; from the first reading to the last it"
            told += f" fell by {whole(min(falls))} to {whole(max(falls))} beats a minute"
            draw = one(lambda axis, narrow: draw_recovery(axis, contents))
            made.append(_chart("Recovery", told, draw, 2))
        curves = force_curves(contents)
        if curves:
            peaks = [float(newtons.max()) for *_, newtons in curves]
            told = f"mean force curves of {len(curves)} pieces, with peaks of"
            told += f" {whole(min(peaks))} to {whole(max(peaks))} newtons"
            draw = one(lambda axis, narrow: draw_force(axis, contents))
            made.append(_chart("Force", told, draw, 3))
    return made


def _reps_told(contents: Contents) -> str:
    work = [segment for segment in contents.segments if segment.kind == "work"]
    paces = [s.mean_pace_s_per_500m for s in work if s.mean_pace_s_per_500m]
    if not paces:
        return "mean and highest heart rate of each piece, as in the table"
    return f"pace of each piece, from {pace(min(paces))} to {pace(max(paces))}, as in the table"


def _chart(name: str, told: str, draw: Callable[..., Figure], number: int) -> Chart:
    told = f"Chart: {told}."
    return Chart(
        name,
        told,
        inline_svg(draw(narrow=False), f"w{number}-"),
        inline_svg(draw(narrow=True), f"n{number}-"),
    )


def inline_svg(made: Figure, prefix: str) -> str:
    """A figure as an <svg> element whose ids begin with `prefix`, within `drawing`."""
    import matplotlib as mpl

    out = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context({"svg.fonttype": "none"}):
        made.savefig(out, format="svg", metadata=nothing, transparent=True)
    text = out.getvalue()
    text = text[text.index("<svg") :].strip()
    # What matplotlib says there would be said of the whole page.
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    # Tags alone: what is between them is text, and a name may look like anything.
    return re.sub(r"<[^>]*>", lambda tag: _tag(tag[0], prefix), text)


def _tag(tag: str, prefix: str) -> str:
    if tag.startswith("<!--"):
        return ""
    if tag.startswith("<svg"):
        box = re.search(r'viewBox="[^"]*"', tag)
        return f'<svg {box[0] if box else ""} aria-hidden="true" focusable="false">'
    tag = re.sub(r'\bid="', f'id="{prefix}', tag)
    tag = tag.replace("url(#", f"url(#{prefix}")
    tag = re.sub(r'(xlink:)?href="#', f'href="#{prefix}', tag)
    tag = re.sub(r"font: ([a-z0-9]+ )?([0-9.]+)px [^;\"]*", r"font: \1\2px var(--font)", tag)
    return re.sub(r"#[0-9a-f]{6}\b", lambda c: _colour(c[0]), tag)


def _colour(value: str) -> str:
    name = _COLOURS.get(value)
    return f"var(--{name})" if name else value
