"""How well a plan was kept to: time in its bands, evenness of the reps, and one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

from rowlog.plan import Band, Quantity

GRACE_S: Final = 5.0
"""Rate, pace and power are not judged so long after the start of a piece: the wheel gets going."""
HEART_GRACE_S: Final = 60.0
HEART_GRACE_SHARE: Final = 1 / 3
"""Nor is the heart rate, which follows slowly; but never for longer than this share of a piece."""
HOLD_S: Final = 5.0
"""A heart rate stands for so long at most when no newer one comes."""
MEASURED: Final = ("distance", "time", "energy")
"""Targets of which a part can be reached."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A value and from when to when it stood, in seconds since session start."""

    start_s: float
    end_s: float
    value: float | None


@dataclass(frozen=True, slots=True)
class InBand:
    """How a piece was kept within one band."""

    quantity: Quantity
    low: float | None
    high: float | None
    inside_s: float
    below_s: float
    above_s: float
    unknown_s: float
    """Without a value."""

    @property
    def share(self) -> float | None:
        """Of the time with a value, how much was inside, 0 to 1; None when there is none."""
        known_s = self.inside_s + self.below_s + self.above_s
        return self.inside_s / known_s if known_s > 0 else None


def in_band(
    band: Band, readings: Sequence[Reading], spans: Sequence[tuple[float, float]]
) -> InBand:
    """Time inside, below and above a band whose ends are values of its quantity.

    Args:
        band: single values (low equal to high) are widened by `tolerance` on either side.
        readings: in order of time; they do not overlap.
        spans: the stretches of work of the piece, in order, in seconds since session start.
    """
    slack = tolerance(band)
    low = None if band.low is None else band.low - slack
    high = None if band.high is None else band.high + slack
    inside = below = above = unknown = 0.0
    first = True
    whole_s = sum(end_s - start_s for start_s, end_s in spans)
    grace_s = GRACE_S
    if band.quantity == "heart_rate_bpm":
        grace_s = min(HEART_GRACE_S, HEART_GRACE_SHARE * whole_s)
    for start_s, end_s in spans:
        since_s = start_s + (grace_s if first else 0.0)
        first = False
        known_s = 0.0
        for reading in readings:
            seconds = min(reading.end_s, end_s) - max(reading.start_s, since_s)
            if seconds <= 0 or reading.value is None:
                continue
            known_s += seconds
            if low is not None and reading.value < low:
                below += seconds
            elif high is not None and reading.value > high:
                above += seconds
            else:
                inside += seconds
        unknown += max(0.0, end_s - since_s - known_s)
    return InBand(band.quantity, band.low, band.high, inside, below, above, unknown)


def tolerance(band: Band) -> float:
    """How far from a single value still counts as kept: nobody rows at 24.0 all the time."""
    if band.low is None or band.low != band.high:
        return 0.0
    return {
        "stroke_rate_spm": 1.0,
        "pace_s_per_500m": 1.0,
        "power_w": 0.03 * band.low,
        "heart_rate_bpm": 3.0,
    }[band.quantity]


def done_share(target_type: str, target: float | None, reached: float | None) -> float:
    """How much of a piece was done, 0 to 1; pieces without a figure to reach are done."""
    if target is None or target <= 0 or target_type not in MEASURED:
        return 1.0
    share = 0.0 if reached is None else reached / target
    return 1.0 if share > 1.0 - 1e-6 else share


def piece_score(done: float, shares: Sequence[float | None]) -> float:
    """A piece's score, 0 to 1: done x (1/2 + 1/2 x the mean share of time in its bands).

    Without guidance, or where nothing of it is known, it is what was done.
    """
    known = [share for share in shares if share is not None]
    if not known:
        return done
    return done * (0.5 + 0.5 * sum(known) / len(known))


@dataclass(frozen=True, slots=True)
class Evenness:
    """How alike reps of one kind were."""

    count: int
    fastest: float
    """Pace, seconds per 500 m."""
    slowest: float
    spread: float
    """Standard deviation over mean of the paces, 0 for all alike."""
    trend: float
    """By how many seconds per 500 m each rep was slower than the one before, on the whole."""


def evenness(paces: Sequence[float]) -> Evenness | None:
    """Of the paces of reps, in order; None for fewer than two."""
    count = len(paces)
    if count < 2:
        return None
    mean = sum(paces) / count
    spread = sqrt(sum((pace - mean) ** 2 for pace in paces) / (count - 1)) / mean
    middle = (count - 1) / 2
    trend = sum((place - middle) * pace for place, pace in enumerate(paces)) / sum(
        (place - middle) ** 2 for place in range(count)
    )
    return Evenness(count, min(paces), max(paces), spread, trend)


def recovered_s(
    beats: Sequence[tuple[float, float | None]], end_s: float, until_s: float, bpm: float
) -> float | None:
    """How long after a piece's end the heart rate had fallen to `bpm`; None when it did not.

    Args:
        beats: (seconds since session start, beats per minute or None for no value), in order.
        end_s: when the piece ended.
        until_s: when work began again, or the session ended.
        bpm: the rate to fall to; when it was there already, that is after 0 s.
    """
    before: float | None = None
    for t_s, value in beats:
        if value is None:
            continue
        if t_s <= end_s:
            before = value if end_s - t_s <= HOLD_S else None
            continue
        if before is not None and before <= bpm:
            return 0.0
        if t_s > until_s:
            return None
        if value <= bpm:
            return t_s - end_s
        before = value
    return 0.0 if before is not None and before <= bpm and not beats[-1][0] > end_s else None
