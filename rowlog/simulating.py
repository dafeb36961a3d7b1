"""What the athlete on paper does to follow a plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rowlog.plan import ROW, Piece, Plan
from rowlog.programming import intervals_of, program_for
from rowlog_drivers.errors import CallError
from rowlog_drivers.protocols.csafe_programs import Interval
from rowlog_drivers.simulator import Stretch

WAIT_S: Final = 5.0
"""How long the athlete sits still before the first stroke and after the plan."""
EASY_PACE_S: Final = 165.0
"""The pace of a rest that is rowed: by distance or by energy."""
OPEN_WORK_S: Final = 60.0
OPEN_REST_S: Final = 75.0
"""How long pieces last that the plan leaves open."""
JUST_ROW_S: Final = 86_400.0
"""How long the athlete on paper rows when no plan says otherwise."""
JUST_ROW_PACE_S: Final = 125.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPaper:
    """What is simulated, and how."""

    plan: Plan | None = None
    """What the athlete follows; None: rows on and on."""
    rower: bool = True
    strap: bool = True
    seed: int = 1
    faults: Sequence[str] = ()
    speed: float = 1.0
    """Seconds of the session in one of life."""
    rate_hz: float = 2.0
    """Records a second of the rower."""
    relay: bool = False
    """Whether the rower sends the heart rate too."""
    paddling: bool = False
    """Whether the athlete makes light strokes in the rests."""
    machine: str = "ftms"
    """On the air: "ftms" or "pm5"."""
    held: bool = False
    """Whether the monitor of a WaterRower holds the plan as its own workout."""


def script_of(paper: OnPaper) -> list[Stretch]:
    """What the athlete does; when the plan is done they sit still."""
    if paper.plan is None:
        return just_row()
    script = script_for(paper.plan, paddling=paper.paddling)
    script.append(Stretch(kind="wait", seconds=JUST_ROW_S))
    return script


def just_row() -> list[Stretch]:
    """On and on, at one pace."""
    return [
        Stretch(kind="wait", seconds=3.0),
        Stretch(kind="work", seconds=JUST_ROW_S, pace_s_per_500m=JUST_ROW_PACE_S),
    ]


def script_for(plan: Plan, *, paddling: bool = False) -> list[Stretch]:
    """The stretches that follow `plan`, between two short waits; `paddling`: in the rests."""
    script: list[Stretch] = []
    if plan.pieces and plan.pieces[0].kind == "work" and plan.pieces[0].activity == ROW:
        script.append(Stretch(kind="wait", seconds=WAIT_S))
    work_s = 0.0
    for piece in plan.pieces:
        script.append(_stretch(piece, work_s, paddling=paddling))
        if piece.kind == "work":
            work_s = _rough_seconds(piece)
    script.append(Stretch(kind="wait", seconds=WAIT_S))
    return script


def held_by(plan: Plan | None) -> tuple[Interval, ...]:
    """What the simulated PM5 holds of a plan; (), a free row, where a real one could not."""
    if plan is None:
        return ()
    try:
        program_for(plan)
        return intervals_of(plan)
    except CallError:
        return ()


def _stretch(piece: Piece, work_s: float, *, paddling: bool) -> Stretch:
    target = piece.target
    value = target.value
    pace, rate = _bands(piece)
    if piece.kind == "rest":
        if target.type == "heart_rate_below":
            return Stretch(kind="rest", below_bpm=value, seconds=target.at_most_s)
        if target.type == "time" and value is not None:
            return Stretch(kind="rest", seconds=value, paddling=paddling)
        if target.type == "ratio" and value is not None:
            return Stretch(kind="rest", seconds=value * work_s, paddling=paddling)
        if target.type == "distance" and value is not None:
            return Stretch(kind="work", distance_m=value, pace_s_per_500m=EASY_PACE_S)
        if target.type == "energy" and value is not None:
            return Stretch(kind="work", energy_kcal=value, pace_s_per_500m=EASY_PACE_S)
        return Stretch(kind="rest", seconds=OPEN_REST_S)
    if piece.activity != ROW:
        seconds = value if target.type == "time" and value is not None else OPEN_WORK_S
        return Stretch(kind="exercise", seconds=seconds, activity=piece.activity)
    if target.type == "distance":
        return Stretch(kind="work", distance_m=value, pace_s_per_500m=pace, stroke_rate_spm=rate)
    if target.type == "energy":
        return Stretch(kind="work", energy_kcal=value, pace_s_per_500m=pace, stroke_rate_spm=rate)
    seconds = value if target.type == "time" and value is not None else OPEN_WORK_S
    return Stretch(kind="work", seconds=seconds, pace_s_per_500m=pace, stroke_rate_spm=rate)


def _bands(piece: Piece) -> tuple[float | None, float | None]:
    """Pace and stroke rate in the middle of the plan's bands; None where it has none."""
    middles: dict[str, float] = {}
    for band in piece.bands:
        ends = [end for end in (band.low, band.high) if end is not None]
        if band.reference is None and ends:
            middles[band.quantity] = sum(ends) / len(ends)
    return middles.get("pace_s_per_500m"), middles.get("stroke_rate_spm")


def _rough_seconds(piece: Piece) -> float:
    """About how long a piece of work takes, for a rest that lasts in proportion to it."""
    value = piece.target.value
    if piece.target.type == "time" and value is not None:
        return value
    if piece.target.type == "distance" and value is not None:
        return value / 500.0 * 115.0
    return OPEN_WORK_S
