"""Heart-rate zones, and the training impulse of the time spent in them.

Five zones, each from its lower limit to below the next one's; the last has no end. What is below
the first, and what is not known, is told apart. Sources of the shares: docs/heart-rate.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import exp
from typing import Final, NamedTuple

from rowlog.athlete import Athlete, limits_of

NAMES: Final = {
    "rowing": ("UT2", "UT1", "AT", "TR", "AN"),
    "numbers": ("Z1", "Z2", "Z3", "Z4", "Z5"),
}
BELOW: Final = "below"
UNKNOWN: Final = "unknown"

SHARES: Final = {
    ("max", "rowing"): (0.55, 0.70, 0.80, 0.85, 0.95),
    ("reserve", "rowing"): (0.55, 0.70, 0.80, 0.85, 0.95),
    ("threshold", "rowing"): (0.70, 0.85, 0.95, 1.02, 1.06),
    ("max", "numbers"): (0.50, 0.60, 0.70, 0.80, 0.90),
    ("reserve", "numbers"): (0.50, 0.60, 0.70, 0.80, 0.90),
    ("threshold", "numbers"): (0.70, 0.85, 0.90, 0.95, 1.00),
}
"""Where each zone begins: a share of the maximum, of the reserve above the resting heart rate, or
of the heart rate at the lactate threshold."""

EDWARDS: Final = (1.0, 2.0, 3.0, 4.0, 5.0)
"""Points a minute in zones of 50, 60, 70, 80 and 90 % of the maximum (Edwards 1993)."""
EDWARDS_SHARES: Final = (0.5, 0.6, 0.7, 0.8, 0.9)

BANISTER: Final = {"male": (0.64, 1.92), "female": (0.86, 1.67)}
"""Factor and exponent of the impulse (Banister 1991; Morton, Fitz-Clarke and Banister 1990)."""


class Zones(NamedTuple):
    """Five zones of one athlete on one day."""

    by: str
    """"max", "reserve", "threshold" or "limits"."""
    names: tuple[str, ...]
    limits_bpm: tuple[float, ...]
    """Where each of them begins, rising."""
    top_bpm: float | None
    """The maximum heart rate, where the last one ends; None when it is not known."""


class Judged(NamedTuple):
    """A session's heart rate, judged by what was true of the athlete then."""

    zones: Zones | None
    """None as long as nothing that makes zones is known."""
    below_s: float
    seconds: tuple[float, ...]
    """In each of the five zones."""
    banister: float | None
    """None as long as maximum, resting heart rate or sex are not known."""
    edwards: float | None
    """None as long as the maximum is not known."""


def zones_of(athlete: Athlete) -> Zones | None:
    """The athlete's zones; None as long as what they are made from is not known.

    Where the athlete does not say how: own limits, else the reserve, else the maximum, else the
    threshold, whichever is known first.
    """
    naming = athlete.zone_names or "rowing"
    names, top = NAMES[naming], athlete.max_heart_rate_bpm
    rest, threshold = athlete.resting_heart_rate_bpm, athlete.threshold_heart_rate_bpm
    for by in (
        (athlete.zones_by,) if athlete.zones_by else ("limits", "reserve", "max", "threshold")
    ):
        if by == "limits" and athlete.zone_limits is not None:
            return Zones(by, names, limits_of(athlete.zone_limits), top)
        if by == "reserve" and top is not None and rest is not None:
            limits = [rest + share * (top - rest) for share in SHARES[by, naming]]
        elif by == "max" and top is not None:
            limits = [share * top for share in SHARES[by, naming]]
        elif by == "threshold" and threshold is not None:
            limits = [share * threshold for share in SHARES[by, naming]]
        else:
            continue
        return Zones(by, names, tuple(float(round(limit)) for limit in limits), top)
    return None


def missing_for_zones(athlete: Athlete) -> str:
    """What to say to have zones, as an option of `rowlog athlete set`."""
    if athlete.zones_by == "limits":
        return "--limits"
    if athlete.zones_by == "threshold":
        return "--threshold-hr"
    if athlete.zones_by == "reserve" and athlete.max_heart_rate_bpm is not None:
        return "--resting"
    return "--max"


def judge(athlete: Athlete, low_bpm: int, seconds: Sequence[float]) -> Judged:
    """Zones and impulse of a session's heart rate.

    Args:
        athlete: what was true on the session's day.
        low_bpm: the heart rate of the first of `seconds`.
        seconds: time at each whole heart rate from `low_bpm` on.
    """
    zones = zones_of(athlete)
    inside: tuple[float, ...] = (0.0,) * 5
    below_s = sum(seconds)
    if zones is not None:
        below_s, *each = _between(zones.limits_bpm, low_bpm, seconds)
        inside = tuple(each)
    edwards = banister = None
    top, rest, sex = athlete.max_heart_rate_bpm, athlete.resting_heart_rate_bpm, athlete.sex
    if top is not None:
        limits = [share * top for share in EDWARDS_SHARES]
        _, *each = _between(limits, low_bpm, seconds)
        edwards = sum(points * s for points, s in zip(EDWARDS, each, strict=True)) / 60
        if rest is not None and sex is not None:
            factor, exponent = BANISTER[sex]
            banister = 0.0
            for bpm, s in enumerate(seconds, low_bpm):
                share = min(1.0, max(0.0, (bpm - rest) / (top - rest)))
                banister += s / 60 * share * factor * exp(exponent * share)
    return Judged(zones, below_s, inside, banister, edwards)


def _between(
    limits_bpm: Sequence[float], low_bpm: int, seconds: Sequence[float]
) -> tuple[float, ...]:
    """Time below the first limit, in each zone between two, and from the last one on."""
    places = [min(max(_ceil(limit) - low_bpm, 0), len(seconds)) for limit in limits_bpm]
    ends = [0, *places, len(seconds)]
    return tuple(sum(seconds[a:b]) for a, b in pairwise(ends))


def _ceil(value: float) -> int:
    return -int(-value // 1)
