"""Arithmetic on whole series, in numpy: means, as-of joins, zones, recovery, drift.

A series is two arrays of one shape (n,): times in seconds since session start, never falling, and
values, NaN where the quantity was not known. A reading stands until the next one, `hold_s` seconds
at most; a linear quantity moves evenly from one valid reading to the next that is no further away.
The figures of segments come from running sums (`figures`), which agree with these functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HOLD_S: Final = 5.0
"""A reading stands for this long at most when no newer one comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A time-weighted mean, and the time that it rests on."""

    value: float | None
    """None when no time is covered."""
    seconds: float
    """Time covered by valid readings."""
    maximum: float | None = None
    """The highest reading that covers some of it; None when no time is covered."""


def time_weighted_mean(
    t_s: Array,
    values: Array,
    start_s: float,
    end_s: float,
    *,
    hold_s: float = HOLD_S,
    linear: bool = False,
) -> Mean:
    """The mean of a series between two instants, weighted by time over its valid readings.

    Args:
        t_s: shape (n,), seconds, never falling.
        values: shape (n,), NaN where not known.
        start_s: where the stretch begins, seconds.
        end_s: where it ends, seconds.
        hold_s: how long a reading stands at most.
        linear: whether the quantity moves evenly between valid readings.
    """
    if len(t_s) == 0 or end_s <= start_s:
        return Mean(value=None, seconds=0.0)
    # No other reading is in force in it, nor what one in force moves towards.
    first, last = (
        np.searchsorted(t_s, start_s - hold_s),
        np.searchsorted(t_s, end_s + hold_s, "right"),
    )
    t_s, values = t_s[first:last], values[first:last]
    since, until = _in_force(t_s, start_s, end_s, hold_s)
    seconds = np.where(np.isnan(values), 0.0, np.maximum(until - since, 0.0))
    level = values
    if linear:
        level = values + _slopes(t_s, values, hold_s) * ((since + until) / 2 - t_s)
    covered = float(seconds.sum())
    if covered == 0:
        return Mean(value=None, seconds=0.0)
    # No dot product: of many hours numpy would start threads for it, which cost more than they do.
    integral = float((np.where(seconds > 0, level, 0.0) * seconds).sum())
    highest = float(values[seconds > 0].max())
    return Mean(value=integral / covered, seconds=covered, maximum=highest)


def as_of(t_s: Array, values: Array, at_s: Array, *, hold_s: float = HOLD_S) -> Array:
    """The readings in force at given instants: the latest at or before each.

    Args:
        t_s: shape (n,), seconds, never falling.
        values: shape (n,), NaN where not known.
        at_s: shape (m,), the instants.
        hold_s: how long a reading stands at most.

    Returns:
        Shape (m,): NaN where nothing is in force.
    """
    found = np.full(len(at_s), np.nan)
    if len(t_s) == 0:
        return found
    place = np.searchsorted(t_s, at_s, side="right") - 1
    known = (place >= 0) & (at_s - t_s[np.maximum(place, 0)] <= hold_s)
    found[known] = values[place[known]]
    return found


def zone_seconds(
    t_s: Array, values: Array, limits: Array, end_s: float, *, hold_s: float = HOLD_S
) -> Array:
    """Time spent between limits, from the first reading to `end_s`.

    Args:
        t_s: shape (n,), seconds, never falling.
        values: shape (n,), NaN where not known.
        limits: shape (k,), rising; zone i reaches from limits[i - 1] to below limits[i].
        end_s: where the series ends, seconds.
        hold_s: how long a reading stands at most.

    Returns:
        Shape (k + 2,): seconds below the first limit, in the k - 1 zones between, from the last
        limit on, and last the seconds in which nothing was known.
    """
    totals = np.zeros(len(limits) + 2)
    if len(t_s) == 0:
        return totals
    since, until = _in_force(t_s, float(t_s[0]), end_s, hold_s)
    seconds = np.maximum(until - since, 0.0)
    valid = ~np.isnan(values)
    zone = np.searchsorted(limits, values[valid], side="right")
    np.add.at(totals, zone, seconds[valid])
    totals[-1] = max(0.0, end_s - float(t_s[0]) - float(seconds[valid].sum()))
    return totals


def recovery(
    t_s: Array, bpm: Array, end_s: float, after_s: Array, *, hold_s: float = HOLD_S
) -> Array:
    """How far the heart rate has fallen so long after a piece that ended at `end_s`.

    Args:
        t_s: shape (n,), seconds, never falling.
        bpm: shape (n,), beats per minute, NaN where not known.
        end_s: the end of the piece, seconds.
        after_s: shape (m,), seconds after it, for example 30, 60 and 120.
        hold_s: how long a reading stands at most.

    Returns:
        Shape (m,): beats per minute, positive for a fall; NaN where one of the two is not known.
    """
    at_end = as_of(t_s, bpm, np.array([end_s]), hold_s=hold_s)[0]
    fallen: Array = at_end - as_of(t_s, bpm, end_s + after_s, hold_s=hold_s)
    return fallen


def drift(
    power: tuple[Array, Array],
    bpm: tuple[Array, Array],
    start_s: float,
    end_s: float,
) -> float | None:
    """Decoupling of heart rate from power over a stretch: the share by which efficiency fell.

    Efficiency is mean watts per mean beat a minute; the share is (first half - second half) /
    first half, so 0.05 means that the same heart rate gave 5 % less power in the second half.
    `power` and `bpm` are series as (times, values). None when a half has no mean of either.
    """
    middle_s = (start_s + end_s) / 2
    halves: list[float] = []
    for since_s, until_s in ((start_s, middle_s), (middle_s, end_s)):
        watts = time_weighted_mean(*power, since_s, until_s).value
        beats = time_weighted_mean(*bpm, since_s, until_s, linear=True).value
        if not watts or not beats:
            return None
        halves.append(watts / beats)
    return (halves[0] - halves[1]) / halves[0]


def _in_force(t_s: Array, start_s: float, end_s: float, hold_s: float) -> tuple[Array, Array]:
    """From when to when each reading stands, within a stretch; until may lie before since."""
    following = np.append(t_s[1:], np.inf)
    since = np.maximum(t_s, start_s)
    until = np.minimum(np.minimum(following, t_s + hold_s), end_s)
    return since, until


def _slopes(t_s: Array, values: Array, hold_s: float) -> Array:
    """How fast each reading moves towards the next; 0 where it stands."""
    gaps = np.diff(t_s)
    steps = np.diff(values)
    moving = (gaps > 0) & (gaps <= hold_s) & ~np.isnan(steps)
    slopes = np.zeros(len(t_s))
    slopes[:-1][moving] = steps[moving] / gaps[moving]
    return slopes
