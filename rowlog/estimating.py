"""How long a plan takes, by what an athlete has rowed: an estimate, and said to be one."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Final

from rowlog.figures import calories_per_hour, watts
from rowlog.plan import ROW, Piece, Plan, Reference, Target

DOUBLING_S: Final = 5.0
"""Paul's law: twice as far is so many seconds per 500 m slower."""
EASY_S: Final = 45.0
"""A rest that is rowed is so many seconds per 500 m slower than 2000 m."""
FROM_2K_S: Final[dict[Reference, float]] = {
    "2k": 0.0,
    "5k": DOUBLING_S * log2(5000 / 2000),
    "6k": DOUBLING_S * log2(6000 / 2000),
    "30min": DOUBLING_S * log2(7500 / 2000),
    "60min": DOUBLING_S * log2(14500 / 2000),
}
"""How much slower each best is than that over 2000 m, by the same law."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How long a plan takes."""

    seconds: float | None
    """None when a pace is needed that is not known."""
    by_pace: bool
    """Whether it rests on the athlete's pace; else it is exact."""
    open_pieces: int
    """Pieces and rests whose end nobody knows beforehand; they are not in it."""


def pace_over_2k(metres: float, pace_s_per_500m: float) -> float:
    """The pace over 2000 m that a pace over another distance stands for."""
    return pace_s_per_500m - DOUBLING_S * log2(metres / 2000)


def estimate(plan: Plan, pace_2k: float | None) -> Estimate:
    """How long a plan takes for who rows 2000 m at this pace, seconds per 500 m; None: unknown."""
    total = 0.0
    by_pace = unknown = False
    open_pieces = 0
    last_s = 0.0
    for piece in plan.pieces:
        seconds, paced = _seconds(piece, plan, pace_2k, last_s)
        by_pace |= paced
        if seconds is None:
            if paced:
                unknown = True
            else:
                open_pieces += 1
            continue
        total += seconds
        if piece.kind == "work":
            last_s = seconds
    return Estimate(None if unknown else total, by_pace, open_pieces)


def _seconds(
    piece: Piece, plan: Plan, pace_2k: float | None, last_s: float
) -> tuple[float | None, bool]:
    """How long a piece takes, and whether that takes a pace to know."""
    target = piece.target
    if target.type == "time":
        return target.value, False
    if target.type == "ratio":
        return (target.value or 0.0) * last_s, last_s == 0.0
    if target.type not in ("distance", "energy") or target.value is None:
        return target.at_most_s, False
    if piece.activity != ROW and piece.kind == "work":
        return None, False
    pace, known = _pace(piece, plan, pace_2k)
    if pace is None:
        return None, True
    if target.type == "distance":
        return target.value * pace / 500.0, not known
    return _energy_s(target, pace), not known


def _energy_s(target: Target, pace: float) -> float:
    return 3600.0 * (target.value or 0.0) / calories_per_hour(watts(pace))


def _pace(piece: Piece, plan: Plan, pace_2k: float | None) -> tuple[float | None, bool]:
    """The pace to expect, and whether the plan itself says it."""
    for band in piece.bands:
        ends = [end for end in (band.low, band.high) if end is not None]
        middle = sum(ends) / len(ends)
        if band.quantity == "pace_s_per_500m" and band.reference is None:
            return middle, True
        if band.quantity == "pace_s_per_500m" and band.reference is not None:
            if pace_2k is None:
                return None, False
            return pace_2k + FROM_2K_S[band.reference] + middle, False
        if band.quantity == "power_w":
            return 500.0 * (2.80 / middle) ** (1 / 3), True
    if pace_2k is None:
        return None, False
    if piece.kind == "rest":
        return pace_2k + EASY_S, False
    metres = piece.target.value or 0.0
    if piece.target.type == "energy":
        metres *= 15  # a kilocalorie is some 15 m
    # Reps are rowed as if they were one piece of half their sum: 8x500m at the pace of 2000 m.
    whole = max(metres, plan.work_m / 2)
    return pace_2k + DOUBLING_S * log2(max(whole, 100.0) / 2000), False
