"""Pieces beside each other: their figures, the falls of the heart rate after them, their force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from rowlog.charts_report import (
    HEART,
    INK,
    LINE,
    PAPER,
    RATE,
    SMALL,
    characters,
    finish,
    headline,
    legend,
    pace_scale,
    shade,
    whole_scale,
)
from rowlog.charts_reps import Rep, reps_of
from rowlog.charts_values import widened
from rowlog.contents import Contents
from rowlog.metrics import HOLD_S
from rowlog.render import EASY, duration, metres, pace, tenth, whole
from rowlog.summary import ZoneSummary

Array = NDArray[np.float64]

RECOVERY_S: Final = 120.0
"""How long after a piece the heart rate is followed."""
_LEAST_S: Final = 20.0
"""A fall of the heart rate that was seen for less is not drawn."""
_PACES, _RATES, _BEATS = "pace", "rate", "heart rate"
_HEIGHTS: Final = {_PACES: 2.0, _RATES: 1.1, _BEATS: 1.5}


class Fall(NamedTuple):
    """The heart rate after a piece."""

    rep: Rep
    t_s: Array
    """Seconds after its end."""
    heart_rate_bpm: Array
    """NaN where the strap was not heard."""


def compared(contents: Contents) -> list[str]:
    """What there is to compare of the pieces, from top to bottom; [] of less than two."""
    reps = _compared_reps(contents)
    found = [
        (_PACES, [rep.pace_s_per_500m for rep in reps]),
        (_RATES, [rep.stroke_rate_spm for rep in reps]),
        (_BEATS, [rep.mean_heart_rate_bpm for rep in reps]),
    ]
    return [what for what, values in found if sum(bool(value) for value in values) > 1]


def _compared_reps(contents: Contents) -> list[Rep]:
    """The pieces, without easy rowing before and after them."""
    return [rep for rep in reps_of(contents.segments) if rep.segment.tag not in EASY]


def pieces_heights(contents: Contents) -> list[float]:
    """How high the drawings of `compared` are, in inches."""
    made = [_HEIGHTS[what] for what in compared(contents)]
    if len(made) == 1:
        made = [1.4 * made[0]]
    return [*made[:-1], made[-1] + 0.35] if made else []


def draw_pieces(axes: Sequence[Axes], contents: Contents, width: float) -> None:
    """Each piece beside its fellows, those of one exercise together; `width` in inches."""
    reps = _compared_reps(contents)
    where = places(reps)
    for axis, what in zip(axes, compared(contents), strict=True):
        if what == _PACES:
            _draw_paces(axis, contents, reps, where, width)
        elif what == _RATES:
            _draw_rates(axis, reps, where, width)
        else:
            _draw_beats(axis, reps, where, width)
        axis.set_xticks([])
        axis.set_xlim(0.4, max(where.values()) + 0.6)
        finish(axis)
    _name_places(axes[-1], reps, where, width)


def places(reps: Sequence[Rep]) -> dict[int, float]:
    """Where each piece stands, by its number: the same exercise side by side, groups parted."""
    found: dict[int, float] = {}
    free = 1.0
    for exercise in dict.fromkeys(rep.exercise for rep in reps):
        group = [rep.number for rep in reps if rep.exercise == exercise]
        found |= {number: free + at for at, number in enumerate(group)}
        free += len(group) + 0.7
    return found


def _draw_paces(
    axis: Axes, contents: Contents, reps: Sequence[Rep], where: Mapping[int, float], width: float
) -> None:
    """Bars up from the mean where a piece was faster, down where it was slower."""
    pace_m, count = contents.summary.pace_m, len(reps_of(contents.segments))
    mean = contents.session.mean_pace_s_per_500m
    known = [
        (where[rep.number], rep.pace_s_per_500m * pace_m / 500, shade(rep.number - 1, count))
        for rep in reps
        if rep.pace_s_per_500m
    ]
    values = [value for _, value, _ in known]
    base = mean * pace_m / 500 if mean is not None else sum(values) / len(values)
    axis.bar(
        [at for at, _, _ in known], [value - base for value in values], bottom=base, width=0.66,
        color=[colour for *_, colour in known], zorder=2,
    )  # fmt: skip
    low, high = widened(min(*values, base), max(*values, base), 1.5)
    pace_scale(axis, low - 0.22 * (high - low), high + 0.22 * (high - low))
    if len(where) * 6.5 <= characters(width):
        for at, value, _ in known:
            slow = value > base
            axis.annotate(
                pace(value), (at, value), xytext=(0, -3 if slow else 3),
                textcoords="offset points", ha="center", va="top" if slow else "bottom",
                fontsize=SMALL, color=INK,
            )  # fmt: skip
    axis.axhline(base, color=INK, linewidth=1, zorder=3)
    said = f"/{pace_m:g} m; mean {pace(base)}"
    headline(axis, width, f"Pace of each piece, {said}", f"Pace, {said}")


def _draw_rates(axis: Axes, reps: Sequence[Rep], where: Mapping[int, float], width: float) -> None:
    known = [(where[rep.number], rep.stroke_rate_spm) for rep in reps if rep.stroke_rate_spm]
    values = [value for _, value in known]
    low, high = widened(min(values), max(values), 4.0)
    whole_scale(axis, low - 0.15 * (high - low), high + 0.35 * (high - low), 3)
    axis.plot([at for at, _ in known], values, "o", color=RATE, markersize=6, zorder=4)
    if len(where) * 5 <= characters(width):
        for at, value in known:
            axis.annotate(
                tenth(value), (at, value), xytext=(0, 6), textcoords="offset points",
                ha="center", fontsize=SMALL, color=INK,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.3},
            )  # fmt: skip
    headline(
        axis, width, "Stroke rate of each piece, strokes a minute", "Stroke rate of each piece",
        color=RATE,
    )  # fmt: skip


def _draw_beats(axis: Axes, reps: Sequence[Rep], where: Mapping[int, float], width: float) -> None:
    ends = []
    for rep in reps:
        mean, top = rep.mean_heart_rate_bpm, rep.max_heart_rate_bpm
        if mean is not None and top is not None:
            at = where[rep.number]
            axis.plot([at] * 2, [mean, top], color=HEART, linewidth=3, alpha=0.35)
            axis.plot(at, mean, "o", color=HEART, markersize=6)
            axis.plot(at, top, "_", color=HEART, markersize=10, markeredgewidth=2)
            ends += [mean, top]
    low, high = widened(min(ends), max(ends), 20.0)
    whole_scale(axis, low - 0.12 * (high - low), high + 0.12 * (high - low))
    headline(
        axis, width, "Heart rate of each piece: mean (dot), highest (dash)",
        "Heart rate: mean, highest", color=HEART,
    )  # fmt: skip


def _name_places(axis: Axes, reps: Sequence[Rep], where: Mapping[int, float], width: float) -> None:
    """The pieces' numbers below, as many as there is room for, and below them what they were."""
    room = characters(width)
    every = max(1, -(-3 * len(reps) // room))
    shown = [rep for rep in reps if (rep.number - 1) % every == 0]
    lengths = [_length(rep) for rep in reps]
    longest = max(map(len, lengths))
    many = len(set(lengths)) > 1 and all(lengths) and (longest + 1) * len(reps) <= room
    axis.set_xticks(
        [where[rep.number] for rep in shown],
        [f"{rep.number}\n{_length(rep)}" if many else str(rep.number) for rep in shown],
    )
    axis.tick_params(axis="x", length=0)
    groups = list(dict.fromkeys(rep.exercise for rep in reps))
    if groups == [None]:
        axis.set_xlabel("piece", fontsize=SMALL)
        return
    per_place = room / (max(where.values()) + 0.2)
    names = ["rowing" if exercise is None else exercise for exercise in groups]
    inside = [[where[rep.number] for rep in reps if rep.exercise == group] for group in groups]
    fits = all(
        len(name) + 1 <= per_place * (len(group) + 0.7)
        for name, group in zip(names, inside, strict=True)
    )
    for name, group in zip(names, inside, strict=True):
        axis.annotate(
            name, ((group[0] + group[-1]) / 2, 0), xycoords=("data", "axes fraction"),
            xytext=(0, -19 - 11 * many), textcoords="offset points", fontsize=SMALL, color=INK,
            ha="center" if fits else "right", va="top", rotation=0 if fits else 35,
            rotation_mode="default" if fits else "anchor",
        )  # fmt: skip


def _length(rep: Rep) -> str:
    """What a piece was to be, as short as it goes: "500 m", "4:00"; "" where nobody said."""
    target = rep.segment.target
    if target is None or target.value is None:
        return ""
    if target.type == "distance":
        return f"{metres(target.value)} m"
    if target.type == "time":
        return pace(target.value).removesuffix(".0")
    return ""


def recoveries(contents: Contents) -> list[Fall]:
    """The heart rate after each piece, until the next begins."""
    found = []
    reps = reps_of(contents.segments)
    times, beats = contents.series.heart_rate_bpm
    for place, rep in enumerate(reps):
        following = (
            reps[place + 1].segment.started_at_s if place + 1 < len(reps) else contents.duration_s
        )
        until_s = min(following, rep.end_s + RECOVERY_S)
        inside = (times >= rep.end_s) & (times <= until_s) & ~np.isnan(beats)
        after_s, values = times[inside] - rep.end_s, beats[inside]
        steps = np.diff(after_s)
        if float(steps[steps <= HOLD_S].sum()) < _LEAST_S:
            continue
        holes = np.flatnonzero(steps > HOLD_S) + 1
        found.append(Fall(rep, np.insert(after_s, holes, np.nan), np.insert(values, holes, np.nan)))
    return found


def draw_recovery(axis: Axes, contents: Contents, width: float) -> None:
    """The falls of the heart rate, laid over each other; `width` in inches, as everywhere here."""
    falls = recoveries(contents)
    count = len(reps_of(contents.segments))
    longest_s = max(float(np.nanmax(fall.t_s)) for fall in falls)
    if longest_s >= 62:
        axis.axvline(60, color=LINE, linewidth=1.2)
    for rep, t_s, beats in falls:
        called = f"after piece {rep.number}" + (f", {rep.exercise}" if rep.exercise else "")
        colour = shade(rep.number - 1, count) if len(falls) > 1 else HEART
        axis.plot(t_s, beats, color=colour, linewidth=1.6, label=called)
    ends = [(float(np.nanmin(fall[2])), float(np.nanmax(fall[2]))) for fall in falls]
    low, high = widened(min(low for low, _ in ends), max(high for _, high in ends), 30.0)
    whole_scale(axis, low - 0.04 * (high - low), high + 0.04 * (high - low), 5)
    after = "the work" if len(falls) == 1 else "each piece"
    headline(
        axis, width, f"Heart rate after {after}, beats a minute", f"Heart rate after {after}",
        color=HEART,
    )  # fmt: skip
    axis.set_xlabel("seconds after the piece", fontsize=SMALL)
    axis.set_xlim(0, longest_s)
    axis.set_xticks(np.arange(0, longest_s + 1, 15 if longest_s < 80 else 30))
    legend(axis, len(falls))
    finish(axis)


def force_curves(contents: Contents) -> list[tuple[str, int, Array]]:
    """The mean force curve of each piece over its drive, in 61 even steps, newtons."""
    strokes = [stroke for stroke in contents.main_strokes if stroke.force_curve_n]
    found = []
    evenly = np.linspace(0, 1, 61)
    for rep in reps_of(contents.segments):
        curves = [
            np.interp(evenly, np.linspace(0, 1, len(s.force_curve_n)), s.force_curve_n)
            for s in strokes
            if s.force_curve_n is not None
            and len(s.force_curve_n) > 3
            and rep.segment.started_at_s < s.t_s <= rep.end_s
        ]
        if curves:
            found.append((rep.name, rep.number, np.mean(curves, axis=0)))
    return found


def draw_force(axis: Axes, contents: Contents, width: float) -> None:
    """The mean force curve of each piece."""
    curves = force_curves(contents)
    count = len(reps_of(contents.segments))
    for name, number, newtons in curves:
        axis.plot(
            np.linspace(0, 100, len(newtons)), newtons, color=shade(number - 1, count),
            linewidth=1.6, label=f"piece {name}",
        )  # fmt: skip
    headline(axis, width, "Force at the handle, newtons")
    axis.set_xlabel("% of the drive; the mean of each piece's strokes", fontsize=SMALL)
    axis.set_xlim(0, 100)
    whole_scale(axis, 0, 1.08 * max(float(newtons.max()) for *_, newtons in curves), 5)
    legend(axis, len(curves))
    finish(axis)


def draw_zones(axis: Axes, contents: Contents, width: float) -> None:
    """Time in each heart-rate zone, the hardest at the top; the times stand beside the bars."""
    zones = [z for z in contents.summary.zones if z.low_bpm is not None or z.seconds >= 1]
    zones.sort(key=lambda zone: (zone.name != "unknown", zone.low_bpm or 0.0))
    total = sum(zone.seconds for zone in zones) or 1.0
    places = range(len(zones))
    axis.barh(places, [zone.seconds for zone in zones], color=HEART, height=0.6)
    axis.set_yticks(list(places), [_zone(zone) for zone in zones])
    headline(axis, width, "Time in heart-rate zones", color=HEART)
    for place, zone in zip(places, zones, strict=True):
        axis.annotate(
            f"{duration(zone.seconds)} · {100 * zone.seconds / total:.0f} %",
            (zone.seconds, place), xytext=(4, 0), textcoords="offset points", va="center",
            fontsize=SMALL, color=INK,
        )  # fmt: skip
    axis.set_xlim(0, 1.3 * max(zone.seconds for zone in zones))
    axis.set_xticks([])
    finish(axis)
    axis.spines["bottom"].set_visible(False)
    axis.grid(visible=False)


def has_zones(contents: Contents) -> bool:
    """Whether the athlete's zones are known, and any time was spent in them or below."""
    zones = contents.summary.zones
    return any(zone.low_bpm is not None for zone in zones) and any(
        zone.seconds >= 1 for zone in zones
    )


def _zone(zone: ZoneSummary) -> str:
    """A zone's name with its limits."""
    if zone.name == "unknown":
        return "not known"
    if zone.low_bpm is None:
        return zone.name if zone.high_bpm is None else f"below {whole(zone.high_bpm)}"
    high = "" if zone.high_bpm is None else whole(zone.high_bpm)
    return f"{zone.name}  {whole(zone.low_bpm)}–{high}"
