"""What bests say of other efforts: critical power, Paul's law, Concept2's estimate of VO2max.

Plain arithmetic, no numpy. Sources of the formulas: docs/bests.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log2, sqrt
from typing import Final, NamedTuple

LEAST_S: Final = 120.0
MOST_S: Final = 1200.0
"""Critical power is fitted to efforts between these durations, in which it holds (Jones 2010)."""
LEAST_EFFORTS: Final = 3
PAUL_S: Final = 5.0
"""Seconds of pace per 500 m that each doubling of the distance costs (Paul's law)."""
TRUSTED_S: Final = (LEAST_S, 3600.0)
"""Times outside are not predicted from critical power."""


class CriticalPower(NamedTuple):
    """The two-parameter model: work = reserve + power x time, by least squares on work and time."""

    power_w: float
    power_error_w: float
    """Standard error of the fit; infinite knowledge is 0."""
    reserve_j: float
    """W', the work that can be done above critical power."""
    reserve_error_j: float
    efforts: int
    """How many efforts it rests on."""


def critical_power(efforts: Sequence[tuple[float, float]]) -> CriticalPower | None:
    """Fit (seconds, mean watts) of best efforts.

    Only those of LEAST_S to MOST_S are taken. None where there are fewer than three, or where they
    give no positive power and reserve, which no maximal efforts do.
    """
    points = [(s, watts * s) for s, watts in efforts if LEAST_S <= s <= MOST_S]
    count = len(points)
    if count < LEAST_EFFORTS:
        return None
    mean_s = sum(s for s, _ in points) / count
    mean_j = sum(work for _, work in points) / count
    spread = sum((s - mean_s) ** 2 for s, _ in points)
    if spread <= 0:
        return None
    power_w = sum((s - mean_s) * (work - mean_j) for s, work in points) / spread
    reserve_j = mean_j - power_w * mean_s
    if power_w <= 0 or reserve_j <= 0:
        return None
    squares = sum((work - reserve_j - power_w * s) ** 2 for s, work in points)
    variance = squares / (count - 2)
    return CriticalPower(
        power_w=power_w,
        power_error_w=sqrt(variance / spread),
        reserve_j=reserve_j,
        reserve_error_j=sqrt(variance * (1 / count + mean_s**2 / spread)),
        efforts=count,
    )


def paul_s(seconds: float, metres: float, target_m: float) -> float:
    """The time over another distance by Paul's law."""
    pace = 500 * seconds / metres + PAUL_S * log2(target_m / metres)
    return pace * target_m / 500


def time_over(model: CriticalPower, metres: float) -> float | None:
    """The time over a distance by critical power; None outside of TRUSTED_S."""
    low, high = TRUSTED_S
    if not _distance(model, low) <= metres <= _distance(model, high):
        return None
    for _ in range(60):
        middle = (low + high) / 2
        if _distance(model, middle) < metres:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def distance_in(model: CriticalPower, seconds: float) -> float | None:
    """The distance in a time by critical power; None outside of TRUSTED_S."""
    return _distance(model, seconds) if TRUSTED_S[0] <= seconds <= TRUSTED_S[1] else None


def watts_of_pace(pace_s_per_500m: float) -> float:
    """Concept2's power of a pace: 2.80 / (pace / 500) ** 3."""
    return 2.80 / (pace_s_per_500m / 500) ** 3


def calories_per_hour(watts: float) -> float:
    """Concept2's calories of a power: 4 x watts x 0.8604 + 300."""
    return 4 * watts * 0.8604 + 300


def _distance(model: CriticalPower, seconds: float) -> float:
    watts = model.power_w + model.reserve_j / seconds
    metres_per_s: float = (watts / 2.80) ** (1 / 3)
    return metres_per_s * seconds


def vo2max(two_km_s: float, mass_kg: float, sex: str, *, trained: bool) -> float | None:
    """Concept2's estimate from the time over 2000 m, in ml per kg and minute (Hagerman).

    None where the formula leaves what is possible, as it does for very slow times.
    """
    minutes = two_km_s / 60
    if not trained:
        litres = 10.7 - 0.9 * minutes if sex == "male" else 10.26 - 0.93 * minutes
    elif sex == "male":
        litres = (15.7 if mass_kg > 75 else 15.1) - 1.5 * minutes
    else:
        litres = (14.9 if mass_kg > 61.36 else 14.6) - 1.5 * minutes
    found = 1000 * litres / mass_kg
    return found if 15 <= found <= 100 else None
