"""A session's report as one picture: png, svg or pdf."""

from __future__ import annotations

from typing import Any, BinaryIO, Final

from matplotlib.figure import Figure

from rowlog.charts_report import (
    HEART,
    INK,
    MARGIN_IN,
    SOFT,
    draw_force,
    draw_recovery,
    draw_reps,
    draw_tracks,
    drawing,
    finish,
    force_curves,
    has_reps,
    recoveries,
    tracks,
)
from rowlog.contents import Contents
from rowlog.render import day, duration
from rowlog.render_report import key_figures, title_of

_WIDTH: Final = 10.0


def poster(contents: Contents, out: BinaryIO, kind: str) -> None:
    """Draw all that is known of a session; `kind` is "png", "svg" or "pdf"."""
    with drawing():
        made = _poster(contents)
        made.savefig(
            out, format=kind, dpi=160, bbox_inches="tight", pad_inches=MARGIN_IN,
            metadata=_metadata(contents, kind),
        )  # fmt: skip


def _metadata(contents: Contents, kind: str) -> Any:
    title = title_of(contents)
    if kind == "png":
        return {"Title": title.encode("latin-1", "replace").decode("latin-1")}
    return {"Title": title, ("CreationDate" if kind == "pdf" else "Date"): None}


def _poster(contents: Contents) -> Figure:
    grid = contents.grid()
    rows = len(tracks(grid))
    below: list[Any] = [
        draw
        for draw, wanted in (
            (lambda axis: draw_reps(axis, contents, narrow=True), has_reps(contents)),
            (lambda axis: draw_recovery(axis, contents), bool(recoveries(contents))),
            (lambda axis: draw_force(axis, contents), bool(force_curves(contents))),
            (lambda axis: _zones(axis, contents), _has_zones(contents)),
        )
        if wanted
    ]
    lines = (len(below) + 1) // 2
    heights = [1.05, *([1.75 * rows] if rows else []), *([2.9] * lines)]
    made = Figure(figsize=(_WIDTH, sum(heights) + 0.3))
    made.set_layout_engine("constrained", w_pad=0.14, h_pad=0.1)
    parts: Any = made.subfigures(len(heights), 1, height_ratios=heights)
    parts = list(parts) if len(heights) > 1 else [parts]
    _head(parts[0], contents)
    if rows:
        axes: Any = parts[1].subplots(rows, 1, squeeze=False)
        draw_tracks(list(axes[:, 0]), contents, grid, narrow=False)
    for line in range(lines):
        some = below[2 * line : 2 * line + 2]
        axes = parts[-lines + line].subplots(1, len(some), squeeze=False)
        for axis, draw in zip(axes[0], some, strict=True):
            draw(axis)
    return made


def _head(part: Any, contents: Contents) -> None:
    part.text(0.012, 0.93, title_of(contents), fontsize=19, fontweight="bold", va="top")
    session = contents.session
    said = [day(session.started_at), *([session.athlete] if session.athlete else [])]
    part.text(0.013, 0.56, " · ".join(said)[:110], fontsize=10.5, color=SOFT, va="top")
    figures = key_figures(contents.session)
    wide = [len(value) + len(unit) + 3 for _, value, unit in figures]
    across = max(sum(wide), 62)
    for place, (name, value, unit) in enumerate(figures):
        left = 0.013 + sum(wide[:place]) / across * 0.98
        part.text(left, 0.02, name, fontsize=8.5, color=SOFT, va="bottom")
        part.text(left, 0.15, f"{value} {unit}".strip(), fontsize=14, color=INK, va="bottom")


def _has_zones(contents: Contents) -> bool:
    return any(zone.low_bpm is not None for zone in contents.summary.zones)


def _zones(axis: Any, contents: Contents) -> None:
    zones = [z for z in contents.summary.zones if z.low_bpm is not None or z.seconds >= 1]
    places = range(len(zones))
    axis.barh(places, [z.seconds / 60 for z in zones], color=HEART, height=0.62, alpha=0.85)
    axis.set_yticks(list(places), [z.name for z in zones])
    axis.set_title("Time in heart-rate zones, minutes", loc="left")
    for place, zone in zip(places, zones, strict=True):
        axis.annotate(
            duration(zone.seconds), (zone.seconds / 60, place), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8.5, color=INK,
        )  # fmt: skip
    axis.margins(x=0.15)
    finish(axis)
    axis.grid(visible=False)
