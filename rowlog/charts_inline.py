"""A report's charts as SVG that stands in a page: its colours, its font, no word to elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import StringIO
from typing import Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rowlog.charts_pieces import (
    compared,
    draw_force,
    draw_pieces,
    draw_recovery,
    force_curves,
    has_zones,
    pieces_heights,
    recoveries,
)
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
    drawing,
    figure,
)
from rowlog.charts_reps import reps_of
from rowlog.charts_tracks import draw_tracks, heights
from rowlog.charts_values import tracks, tracks_told
from rowlog.contents import Contents
from rowlog.render import pace, tenth, whole

_COLOURS: Final = {
    INK: "ink", SOFT: "soft", LINE: "line", SHADE: "shade", GAP: "gap", PACE: "pace",
    RATE: "rate", POWER: "power", HEART: "heart", PAPER: "bg",
}  # fmt: skip
WIDE_IN, HALF_IN, MIDDLE_IN, NARROW_IN = 9.0, 4.6, 6.2, 3.6
"""Of a desk, beside another chart on a desk, of a tablet, of a telephone. Each is shown about as
wide as it was drawn for, so that its words are as large as the page's small ones."""


class Chart(NamedTuple):
    """One chart of a page."""

    name: str
    """Its heading."""
    told: str
    """What it shows, for who does not see it."""
    wide: str
    """As <svg>, for a desk."""
    middle: str
    """The same for a tablet."""
    narrow: str
    """The same for a telephone."""
    half: bool = False
    """Whether it stands beside another one where there is room."""


def charts(contents: Contents) -> list[Chart]:
    """All that can be drawn of a session."""
    made: list[Chart] = []
    grid = contents.grid()
    known = tracks(contents, grid)
    falls, curves = recoveries(contents), force_curves(contents)
    half = sum((bool(falls), bool(curves), has_zones(contents))) > 1

    def over_time(width: float) -> Figure:
        made, axes = figure(width, heights(len(known), width))
        draw_tracks(axes, contents, grid, width)
        return made

    def pieces(width: float) -> Figure:
        made, axes = figure(width, pieces_heights(contents))
        draw_pieces(axes, contents, width)
        return made

    def one(draw: Callable[[Axes, Contents, float], None]) -> Callable[[float], Figure]:
        def drawn(width: float) -> Figure:
            made, (axis,) = figure(width, [2.9])
            draw(axis, contents, width)
            return made

        return drawn

    with drawing():
        if known:
            names = ", ".join(track.name.lower() for track in known)
            told = f"{names} over time, the work shaded; {tracks_told(contents, grid, known)}"
            made.append(chart("Over time", told, over_time, 0))
        if compared(contents):
            made.append(chart("Piece by piece", _pieces_told(contents), pieces, 1))
        if falls:
            lost = [fall.heart_rate_bpm[0] - fall.heart_rate_bpm[-1] for fall in falls]
            after = "the work" if len(falls) == 1 else f"{len(falls)} pieces"
            told = f"heart rate after {after}; from the first reading to the last it fell by"
            told += f" {_ends(min(lost), max(lost))} beats a minute"
            made.append(chart("Recovery", told, one(draw_recovery), 2, half=half))
        if curves:
            peaks = [float(newtons.max()) for *_, newtons in curves]
            many = "one piece" if len(curves) == 1 else f"{len(curves)} pieces"
            told = f"mean force over the drive in {many}, with a peak of"
            told += f" {_ends(min(peaks), max(peaks))} newtons"
            made.append(chart("Force", told, one(draw_force), 3, half=half))
    return made


def _ends(low: float, high: float) -> str:
    one, other = whole(low), whole(high)
    return one if one == other else f"{one} to {other}"


def _pieces_told(contents: Contents) -> str:
    reps = reps_of(contents.segments)
    said = []
    paces = [rep.pace_s_per_500m for rep in reps if rep.pace_s_per_500m]
    if paces:
        pace_m = contents.summary.pace_m
        ends = f"{pace(min(paces), pace_m)} to {pace(max(paces), pace_m)}"
        said.append(f"pace from {ends} /{pace_m:g} m")
    rates = [rep.stroke_rate_spm for rep in reps if rep.stroke_rate_spm]
    if rates:
        said.append(f"stroke rate from {tenth(min(rates))} to {tenth(max(rates))}")
    beats = [rep.mean_heart_rate_bpm for rep in reps if rep.mean_heart_rate_bpm]
    if beats:
        said.append(f"mean heart rate from {whole(min(beats))} to {whole(max(beats))}")
    return f"each piece beside the others, as in the table: {', '.join(said)}"


def chart(
    name: str, told: str, draw: Callable[[float], Figure], number: int, *, half: bool = False
) -> Chart:
    """A chart in all its widths, within `drawing`; `number` is another for each of a page."""
    return Chart(
        name,
        f"Chart: {told}.",
        inline_svg(draw(HALF_IN if half else WIDE_IN), f"w{number}-"),
        inline_svg(draw(MIDDLE_IN), f"m{number}-"),
        inline_svg(draw(NARROW_IN), f"n{number}-"),
        half,
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
