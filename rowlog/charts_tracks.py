"""A session over time: pace, stroke rate, power and heart rate, one above the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.transforms import ScaledTranslation

from rowlog.charts_report import (
    GAP,
    HEART,
    INK,
    PACE,
    PAPER,
    POWER,
    RATE,
    SHADE,
    SMALL,
    SOFT,
    characters,
    finish,
    headline,
    pace_scale,
    time_scale,
    whole_scale,
)
from rowlog.charts_reps import Rep, reps_of
from rowlog.charts_values import (
    Array,
    Kind,
    Track,
    gaps_of,
    rowed,
    scaled,
    smoothed,
    tracks,
    window_s,
)
from rowlog.contents import Contents, Grid

_COLOURS: Final[dict[Kind, str]] = {"pace": PACE, "rate": RATE, "power": POWER, "heart": HEART}


_LEAST_S: Final = 15.0
"""Paddling in a rest that lasts less is not drawn."""


def heights(count: int, width: float) -> list[float]:
    """How high each drawing is, in inches: the first and last have more to say."""
    row = 1.35 if width < 5 else 1.5
    return [row + 0.2 * (at == 0) + 0.35 * (at == count - 1) for at in range(count)]


def draw_tracks(axes: Sequence[Axes], contents: Contents, grid: Grid, width: float) -> None:
    """Each quantity on its own axes, the pieces shaded; `width` in inches.

    The line is the mean of some seconds around, what is paler behind it from the lowest to the
    highest of them.
    """
    reps = reps_of(contents.segments)
    known = tracks(contents, grid)
    last_s = max(contents.duration_s, 1.0)
    for axis, track in zip(axes, known, strict=True):
        _shade(axis, contents, heart=track.kind == "heart")
        low, high, values = scaled(contents, grid, track)
        if track.is_pace:
            pace_scale(axis, low, high)
        else:
            whole_scale(axis, low, high)
        _draw_line(axis, contents, grid, track, values, (low, high))
        first = axis is axes[0]
        headline(
            axis,
            width,
            f"{track.name}, {track.unit}",
            color=_COLOURS[track.kind],
            pad=17 if first else 5,
        )
        axis.set_xlim(0, last_s)
        time_scale(axis, last_s, max(3, int(width)))
        finish(axis)
    for axis in axes[:-1]:
        axis.tick_params(labelbottom=False)
    axes[-1].set_xlabel(
        "time since the start, " + ("h:min:s" if last_s >= 3600 else "min:s"), fontsize=SMALL
    )
    _name_reps(axes[0], reps, last_s, width)
    _explain(axes[0], contents)


def _shade(axis: Axes, contents: Contents, *, heart: bool) -> None:
    before_s = -1.0
    for segment in contents.segments:
        if segment.kind == "work":
            start_s = segment.started_at_s
            axis.axvspan(start_s, start_s + segment.duration_s, color=SHADE, linewidth=0)
            if 0 < start_s <= before_s + 0.5:  # no rest parts them
                axis.axvline(start_s, color=PAPER, linewidth=2)
            before_s = start_s + segment.duration_s
    for gap in gaps_of(contents, heart=heart):
        axis.axvspan(
            gap.started_at_s, gap.started_at_s + gap.duration_s, facecolor=GAP, linewidth=0
        )


def _draw_line(
    axis: Axes,
    contents: Contents,
    grid: Grid,
    track: Track,
    values: Array,
    scale: tuple[float, float],
) -> None:
    """The line of one quantity, with what it lies within; paler in rests."""
    work = np.array([segment.kind == "work" for segment in contents.segments] + [False])
    working = work[grid.segment]
    if track.kind == "heart":
        axis.plot(grid.t_s, values, color=_COLOURS[track.kind], linewidth=1.5)
        return
    seconds = window_s(contents)
    mean, lowest, highest = smoothed(values, grid.segment, seconds)
    step = max(1, int(seconds / 4))
    kept = np.arange(len(mean)) % step == 0
    kept |= np.diff(grid.segment, append=-1) != 0
    # Both sides of whatever is not known stay: a line ends where its values do.
    hole = np.isnan(mean)
    kept |= hole | np.append(hole[1:], True) | np.append(True, hole[:-1])
    t_s, working = grid.t_s[kept], working[kept]
    drawn, one, other = (track.told(line[kept]) for line in (mean, lowest, highest))
    if working.any():
        rested = np.where(working | ~rowed(contents, grid)[kept], np.nan, drawn)
        rested[(rested < scale[0]) | (rested > scale[1])] = np.nan
        rested = lasting(t_s, rested, _LEAST_S)
        axis.plot(t_s, rested, color=_COLOURS[track.kind], linewidth=0.8, alpha=0.4)
        drawn = np.where(working, drawn, np.nan)
    inside = ~np.isnan(drawn)
    axis.fill_between(
        t_s, one, other, where=inside.tolist(), color=_COLOURS[track.kind], alpha=0.22, linewidth=0
    )
    axis.plot(t_s, drawn, color=_COLOURS[track.kind], linewidth=1.6, solid_capstyle="round")


def lasting(t_s: Array, values: Array, least_s: float) -> Array:
    """The values without those runs that are over sooner: what a line was before it fell away."""
    found = values.copy()
    known = ~np.isnan(values)
    for run in np.split(np.arange(len(values)), np.flatnonzero(np.diff(known.astype(int))) + 1):
        if len(run) and known[run[0]] and t_s[run[-1]] - t_s[run[0]] < least_s:
            found[run] = np.nan
    return found


def _name_reps(axis: Axes, reps: Sequence[Rep], last_s: float, width: float) -> None:
    """Each piece's name above it where there is room for all; else every number, or every nth."""
    if len(reps) < 2:
        return
    room = characters(width) / last_s  # characters a second
    placed = _placed(reps, [rep.name for rep in reps], room, last_s)
    if len(placed) < len(reps):
        for every in (1, 2, 3, 5, 10, 20, 50, 100):
            chosen = reps[::every]
            placed = _placed(chosen, [str(rep.number) for rep in chosen], room, last_s)
            if len(placed) == len(chosen):
                break
    for middle_s, name in placed:
        axis.annotate(
            name, (middle_s, 1), xycoords=("data", "axes fraction"), xytext=(0, 3),
            textcoords="offset points", ha="center", fontsize=SMALL, color=SOFT,
        )  # fmt: skip


def _placed(
    reps: Sequence[Rep], names: Sequence[str], room: float, last_s: float
) -> list[tuple[float, str]]:
    free_s = -0.03 * last_s
    placed = []
    for rep, name in zip(reps, names, strict=True):
        middle_s = (rep.segment.started_at_s + rep.end_s) / 2
        half_s = (len(name) + 0.6) / 2 / room
        if middle_s - half_s >= free_s and middle_s + half_s <= last_s * 1.02:
            placed.append((middle_s, name))
            free_s = middle_s + half_s
    return placed


def _explain(axis: Axes, contents: Contents) -> None:
    """What the grounds mean, above the first drawing at its right, where there is more than one."""
    meant = []
    if any(segment.kind == "work" for segment in contents.segments) and (
        contents.summary.gaps or any(s.kind != "work" for s in contents.segments)
    ):
        meant.append(Patch(facecolor=SHADE, label="work"))
    if contents.summary.gaps:
        meant.append(Patch(facecolor=GAP, label="not heard"))
    made = axis.get_figure()
    if not meant or made is None:
        return
    above = ScaledTranslation(0, 12 / 72, made.dpi_scale_trans)
    axis.legend(
        handles=meant, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, frameon=False,
        bbox_transform=axis.transAxes + above, borderaxespad=0.0, fontsize=SMALL,
        handlelength=1.1, columnspacing=1.2, labelcolor=INK,
    )  # fmt: skip
