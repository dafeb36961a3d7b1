"""What is known around a stretch that nobody saw: of plan, rower and a monitor's workout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from rowlog.bridging import Known, Unseen
from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.plan import Piece
from rowlog.programmed import STEP_SLACK, Step
from rowlog.segments import Segment
from rowlog.timeline import STANDING_MPS, Position

_SURE_AFTER_S: Final = 15.0
"""The speed of a piece is known well once it has lasted so long,"""
ANYBODY: Final = (4.0, 0.25)
"""The speed that is expected of whom nothing is known yet."""
_GUESSED_AFTER_S: Final = 5.0
"""and roughly once it has lasted so long."""

_RAN_ON_M: Final = 20.0
"""No wheel runs on for more metres in a rest."""


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
    if step.number is None and _next_began(step, standing):
        step = replace(step, number=standing.intervals + 1)
    return known_from(
        step,
        standing.before,
        standing.pieces,
        at=standing.at,
        intervals=standing.intervals,
        programmed=standing.programmed,
    )


def _next_began(step: Step, standing: Standing) -> bool:
    """Whether a step tells of the next interval after the one whose work was heard last.

    Where as many metres or seconds were counted until then as its work has.
    """
    piece, begin = standing.pieces[standing.at], standing.begin
    target, value = piece.target, piece.target.value
    if step.kind != "work" or step.goes_on or piece.kind != "work" or value is None:
        return False
    if step.elapsed_s is None or step.distance_m is None:
        return False
    if target.type == "distance":
        counted = step.distance_m - (begin.distance_m or 0.0)
        return -STEP_SLACK["distance"] <= counted - value <= _RAN_ON_M
    counted = step.elapsed_s - (begin.elapsed_s or 0.0)
    return target.type == "time" and abs(counted - value) <= STEP_SLACK["time"]


def known_from(
    step: Step,
    before: Position,
    pieces: Sequence[Piece],
    *,
    at: int = -1,
    intervals: int = 0,
    programmed: bool,
) -> Known | None:
    """Likewise; `at` is -1 and `intervals` 0 where nothing had begun before the stretch."""
    if step.kind == "over":
        return Known(piece=len(pieces)) if programmed else None
    if step.number is None or step.number < max(1, intervals):
        return None
    if at >= 0 and pieces[at].kind != "work":
        at -= 1
    for _ in range(step.number - intervals):
        later = range(at + 1, len(pieces))
        at = next((number for number in later if pieces[number].kind == "work"), len(pieces))
    at += step.kind == "rest"
    if not 0 <= at < len(pieces) or (step.kind == "work" and pieces[at].target != step.target):
        return None
    since_ns, target = step.t_ns, pieces[at].target
    rest_s = target.value if target.type == "time" else None
    if step.kind == "rest" and step.rest_left_s is not None and rest_s is not None:
        since_ns = step.told_ns - round((rest_s - step.rest_left_s) * SECOND_NS)
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
    return ANYBODY


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
