"""What is known around a stretch that nobody saw: of plan, rower and a monitor's workout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rowlog.bridging import COAST_PER_MPS, FASTEST_MPS, Known, Unseen
from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.plan import ROW, Piece
from rowlog.programmed import Step
from rowlog.segments import Segment
from rowlog.timeline import STANDING_MPS, STILL_NS, Position

_SURE_AFTER_S: Final = 15.0
"""The speed of a piece is known well once it has lasted so long,"""
_ANYBODY: Final = (4.0, 0.25)
"""The speed that is expected of whom nothing is known yet."""
_GUESSED_AFTER_S: Final = 5.0
"""and roughly once it has lasted so long."""

_BEGAN_M: Final = 20.0
"""A machine that is silent while nobody rows speaks again after fewer metres."""
_WATCHED_S: Final = 6.0
"""So long, some strokes, is watched how fast somebody rows who tells no pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a session stood when its rower was heard last."""

    before: Position
    pieces: Sequence[Piece]
    at: int
    """The piece under way."""
    begin: Mark
    origin_m: float
    """Where that piece began, as its counter counts it."""
    on_machine_time: bool
    rowing: bool
    """Whether it is a piece of work on the machine."""
    last_work_s: float
    segments: Sequence[Segment]
    pace_s_per_500m: float | None
    """As told last."""
    intervals: int
    """How many intervals of the monitor's workout have begun."""
    programmed: bool
    """Whether that workout is more than a free row."""


def known_of(step: Step | None, standing: Standing) -> Known | None:
    """What a step of the monitor's workout says of the plan; None where it does not hold that."""
    if step is None or not standing.intervals:
        return None
    pieces = standing.pieces
    if step.kind == "over":
        return Known(piece=len(pieces)) if standing.programmed else None
    if step.number is None or step.number < standing.intervals:
        return None
    at = standing.at if pieces[standing.at].kind == "work" else standing.at - 1
    for _ in range(step.number - standing.intervals):
        later = range(at + 1, len(pieces))
        at = next((number for number in later if pieces[number].kind == "work"), len(pieces))
    at += step.kind == "rest"
    if not 0 <= at < len(pieces) or (step.kind == "work" and pieces[at].target != step.target):
        return None
    since_ns, target = step.t_ns, pieces[at].target
    rest_s = target.value if target.type == "time" else None
    if step.kind == "rest" and step.rest_left_s is not None and rest_s is not None:
        since_ns = step.told_ns - round((rest_s - step.rest_left_s) * SECOND_NS)
    before = standing.before
    if step.goes_on or not before.t_ns < since_ns < step.told_ns:
        return Known(piece=at)
    since_m = None
    if step.distance_m is not None and since_ns == step.t_ns:
        since_m = step.distance_m - (before.distance_m or 0.0)
    return Known(piece=at, since_s=(since_ns - before.t_ns) / SECOND_NS, since_m=since_m)


def unseen_of(standing: Standing, position: Position, known: Known | None) -> Unseen | None:
    """What is known of the stretch before a position; None where that is too little."""
    before, begin = standing.before, standing.begin
    if before.distance_m is None or position.distance_m is None:
        return None
    metres = position.distance_m - before.distance_m
    done_s = (before.t_ns - begin.t_ns) / SECOND_NS
    if standing.on_machine_time and begin.elapsed_s is not None:
        done_s = (before.elapsed_s or 0.0) - begin.elapsed_s
    done_m = before.distance_m - standing.origin_m
    speed = _speed(standing, done_s, done_m)
    if metres < 0:
        return None
    kcal = done_kcal = 0.0
    if before.energy_kcal is not None:
        done_kcal = before.energy_kcal - (begin.energy_kcal or 0.0)
        if before.energy_kcal % 1 == 0:
            done_kcal += 0.5  # whole ones, down
        kcal = (position.energy_kcal or before.energy_kcal) - before.energy_kcal
    rests = [one for one in standing.segments if one.kind == "rest"]
    rested_m = [
        one.figures.distance_m
        for one in rests
        if one.figures.distance_m is not None and not one.figures.estimated
    ]
    open_s = [
        one.figures.duration_s
        for one in rests
        if one.target is not None and one.target.type == "open"
    ]
    return Unseen(
        seconds=(position.t_ns - before.t_ns) / SECOND_NS,
        metres=metres,
        kcal=None if before.energy_kcal is None else kcal,
        pieces=standing.pieces,
        at=standing.at,
        done_s=done_s,
        done_m=done_m,
        done_kcal=done_kcal,
        last_work_s=standing.last_work_s,
        speed_mps=speed[0],
        spread=speed[1],
        kcal_per_m=_kcal_per_m(standing.segments, before, position),
        rest_m=sum(rested_m) / len(rested_m) if rested_m else None,
        rest_s=sum(open_s) / len(open_s) if open_s else None,
        step_m=position.distance_step_m,
        known=known,
    )


def _speed(standing: Standing, done_s: float, done_m: float) -> tuple[float, float]:
    """The speed of rowing that is expected in m/s, and the spread of its logarithm."""
    rowed = standing.rowing and done_m >= STANDING_MPS * done_s
    if rowed and done_s >= _SURE_AFTER_S:
        return done_m / done_s, 0.04
    for segment in reversed(standing.segments):
        metres, seconds = segment.figures.distance_m, segment.figures.duration_s
        if segment.kind == "work" and metres and seconds >= _GUESSED_AFTER_S:
            return metres / seconds, 0.06
    pace = standing.pace_s_per_500m
    if pace is not None and 60 <= pace <= 300:
        return 500.0 / pace, 0.12
    if rowed and done_s >= _GUESSED_AFTER_S:
        return done_m / done_s, 0.04 + 0.6 / done_s  # the start from a standstill is in it
    return _ANYBODY


def _kcal_per_m(segments: Sequence[Segment], before: Position, position: Position) -> float:
    """Of rowing in this session: by pieces that ended with so much energy, else by all."""
    ended = [
        one.figures
        for one in segments
        if one.target is not None and one.target.type == "energy" and one.kind == "work"
    ]
    seen = [one for one in ended if not one.estimated]
    metres = sum(one.distance_m or 0.0 for one in seen)
    if metres > 0:
        return sum(one.energy_kcal or 0.0 for one in seen) / metres
    for stood in (before, position):
        if stood.energy_kcal and stood.energy_kcal >= 5 and stood.distance_m:
            half = 0.5 if stood.energy_kcal % 1 == 0 else 0.0
            return (stood.energy_kcal + half) / stood.distance_m
    if position.energy_kcal and position.distance_m:
        return position.energy_kcal / position.distance_m
    return 0.0


def began_unseen(standing: Position, back: Position) -> bool:
    """Whether somebody began to row between two positions, and nobody saw it."""
    if not back.after_gap or back.t_ns - standing.t_ns <= STILL_NS:
        return False
    return (back.distance_m or 0.0) - (standing.distance_m or 0.0) >= _BEGAN_M


def speed_after(heard: Sequence[Position], *, at_last: bool = False) -> float | None:
    """How fast is rowed after a stretch, by what was heard since; None where it cannot be told yet.

    The pace that the machine tells, else the mean speed over some strokes. `at_last`: nothing
    more will be heard; what anybody rows stands for what is not known.
    """
    if not any(one.moved for one in heard):
        return None
    paces = [one.pace_s_per_500m for one in heard if one.pace_s_per_500m is not None]
    if paces and 500.0 / FASTEST_MPS <= paces[-1] <= 300.0:
        return 500.0 / paces[-1]
    back, last = heard[0], heard[-1]
    seconds = (last.t_ns - back.t_ns) / SECOND_NS
    if seconds < _WATCHED_S:
        return _ANYBODY[0] if at_last else None
    speed_mps = ((last.distance_m or 0.0) - (back.distance_m or 0.0)) / seconds
    return speed_mps if 500.0 / 300.0 <= speed_mps <= FASTEST_MPS else _ANYBODY[0]


def start_unseen(
    standing: Position, back: Position, speed_mps: float, pieces: Sequence[Piece]
) -> Position:
    """Where somebody began to row between two positions, at a speed that was seen later.

    `pieces`: with whose rests it was rowed, if there was time for them. That they were kept to is
    not known: it may have begun at any time of the stretch.
    """
    rise_m = (back.distance_m or 0.0) - (standing.distance_m or 0.0)
    since_s = (back.t_ns - standing.t_ns) / SECOND_NS
    rowed_s = min(since_s, rise_m / speed_mps)
    by_plan_s = _seconds_for(rise_m, speed_mps, pieces)
    if by_plan_s <= since_s:
        rowed_s = by_plan_s
    if back.exact_elapsed and back.elapsed_s is not None:
        ran_s = back.elapsed_s - (standing.elapsed_s or 0.0)
        if 0 < ran_s < since_s - 1.0:  # the clock of a monitor begins with the first stroke
            rowed_s = ran_s
    return replace(
        standing,
        t_ns=back.t_ns - round(rowed_s * SECOND_NS),
        power_w=None,
        power_unknown=False,
        stroke_rate_spm=None,
        pace_s_per_500m=500.0 / speed_mps,
        after_gap=False,
        concluded=True,
        uncertainty_s=max(rowed_s, since_s - rowed_s),
    )


def _seconds_for(metres: float, speed_mps: float, pieces: Sequence[Piece]) -> float:
    """How long so many metres take by a plan, from its start, in whose work somebody rows."""
    seconds = work_s = 0.0
    for piece in pieces:
        target, value = piece.target, piece.target.value
        if value is None or target.at_most_s is not None or piece.activity != ROW:
            break
        if piece.kind == "work" and target.type in ("time", "distance"):
            work_s = value if target.type == "time" else value / speed_mps
            if metres <= work_s * speed_mps:
                break
            seconds += work_s
            metres -= work_s * speed_mps
        elif piece.kind == "rest" and target.type in ("time", "ratio"):
            seconds += value if target.type == "time" else value * work_s
            metres = max(0.0, metres - COAST_PER_MPS * speed_mps)
        else:
            break
    return seconds + metres / speed_mps
