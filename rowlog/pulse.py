"""A session's heart rate as a whole: time at each heart rate, efficiency, decoupling, stuck values.

Arithmetic on readings of one source, in numpy. A heart rate moves evenly from one believed reading
to the next; each stands for five seconds at most, so what is not known stays so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rowlog.heart import JUMP_BPM, SPIKE_NS, Plausibility
from rowlog.metrics import HOLD_S, time_weighted_mean
from rowlog_drivers.records import HeartRate

Array = NDArray[np.float64]

STRETCH: Final = 8_192
"""So many readings are reckoned at a time."""
STUCK_S: Final = 120.0
"""A heart that beats does not show one and the same value for so long while its owner works."""
ALIVE_MS: Final = 1.0
"""RR intervals that vary by more show that it beats nevertheless."""
ENOUGH: Final = 0.8
"""A figure of a stretch is given when the heart rate is known for this share of it."""
DECOUPLING_S: Final = 1200.0
"""Decoupling is told of a stretch of work of at least so long (Friel: steady aerobic work)."""
BAND_W: Final = 25.0
"""Width of the bands of power that the heart rate is told for."""
SETTLED_S: Final = 180.0
"""The heart needs so long after the start of work to follow the power."""


@dataclass(frozen=True, slots=True)
class Readings:
    """The readings of one source, in order of time; shape (n,) each."""

    t_s: Array
    bpm: Array
    """NaN for what is not believed: no value, no contact, a spike."""
    spikes: int
    """How many runs of readings were taken for a spike."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """Time at each whole heart rate."""

    low_bpm: int
    """The heart rate of the first of `seconds`."""
    seconds: Array
    known_s: float
    unknown_s: float


@dataclass(frozen=True, slots=True)
class Work:
    """A stretch of work, pauses within it included."""

    start_s: float
    end_s: float
    distance_m: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """What the heart's beats were worth; None where too little is known."""

    metres_per_beat: float | None = None
    watts_per_beat: float | None = None
    """Mean watts of the work over its mean beats a minute."""
    decoupling: float | None = None
    """By what share watts per beat fell within the longest stretch, from half to half."""


def believed(t_ns: NDArray[np.int64], bpm: Array) -> Readings:
    """Readings with what is not believed as NaN, as `heart.Plausibility` judges them one by one.

    `bpm` is 0 where nothing was measured, or contact was lost.
    """
    valid = np.where((bpm >= 20) & (bpm <= 250), bpm, np.nan)
    t_s = t_ns / 1e9
    known = np.flatnonzero(~np.isnan(valid))
    if not (np.abs(np.diff(valid[known])) > JUMP_BPM).any():
        return Readings(t_s, valid, 0)
    judge, spikes = Plausibility(), 0
    for place, (at_ns, value) in enumerate(zip(t_ns.tolist(), valid.tolist(), strict=True)):
        reading = judge.read(
            HeartRate(t_ns=at_ns, source="", heart_rate_bpm=0 if value != value else int(value))
        )
        if reading.spike_ns is not None:
            spikes += 1
            begun = int(np.searchsorted(t_ns, max(reading.spike_ns, at_ns - 3 * SPIKE_NS)))
            valid[begun:place] = np.nan
    return Readings(t_s, valid, spikes)


def histogram(readings: Readings, end_s: float) -> Histogram | None:
    """Time at each heart rate, rounded to whole ones, from the session's start to its end.

    None where no reading is believed. What a reading moves through on its way to the next gets its
    share of the time between them.
    """
    known = ~np.isnan(readings.bpm)
    if not known.any():
        return None
    low, high = (int(edge) for edge in np.rint([np.nanmin(readings.bpm), np.nanmax(readings.bpm)]))
    slope = np.zeros(high - low + 2)
    ends = np.zeros(high - low + 1)
    known_s = 0.0
    # Some at a time: what is reckoned of many hours is not in memory at once.
    for begin in range(0, len(known), STRETCH):
        after = begin + STRETCH
        t_s, bpm = readings.t_s[begin:after], readings.bpm[begin:after]
        valid = known[begin:after]
        next_s = readings.t_s[after] if after < len(known) else max(end_s, float(t_s[-1]))
        next_bpm = readings.bpm[after] if after < len(known) else np.nan
        following = np.append(t_s[1:], next_s)
        seconds = np.clip(np.minimum(following, t_s + HOLD_S) - t_s, 0.0, None)[valid]
        since = bpm[valid]
        gaps = (following - t_s)[valid]
        until = np.append(bpm[1:], next_bpm)[valid]
        until = np.where(np.isnan(until) | (gaps > HOLD_S), since, until)
        # A step of n beats spends half a part of n at either end, and a whole one at each between.
        a = np.rint(np.minimum(since, until)).astype(int)
        b = np.rint(np.maximum(since, until)).astype(int)
        part = seconds / np.maximum(b - a, 1)
        np.add.at(slope, a - low, part)
        np.add.at(slope, b - low + 1, -part)
        halves = np.where(a == b, 0.0, part / 2)
        np.add.at(ends, a - low, -halves)
        np.add.at(ends, b - low, -halves)
        known_s += float(seconds.sum())
    total = np.clip(np.cumsum(slope)[:-1] + ends, 0.0, None)
    return Histogram(low, total, known_s, max(0.0, end_s - known_s))


def stuck_s(
    readings: Readings, works: list[Work], intervals: Callable[[], tuple[Array, Array]]
) -> float:
    """How long one and the same value was shown without a break while there was work.

    `intervals` gives RR intervals as (times, milliseconds), and is asked only where a value stood
    for long: where they vary, the value is true all the same.
    """
    t_s, bpm = readings.t_s, readings.bpm
    if len(t_s) < 2 or not works:
        return 0.0
    changes = np.flatnonzero((np.diff(bpm) != 0) | (np.diff(t_s) > HOLD_S)) + 1
    starts = np.concatenate(([0], changes))
    ends = np.concatenate((changes - 1, [len(t_s) - 1]))
    long = (t_s[ends] - t_s[starts] >= STUCK_S) & ~np.isnan(bpm[starts])
    total = 0.0
    rr = intervals() if long.any() else None
    for start, end in zip(starts[long], ends[long], strict=True):
        if rr is not None:
            beats = rr[1][(rr[0] >= t_s[start]) & (rr[0] <= t_s[end])]
            if len(beats) and beats.std() > ALIVE_MS:
                continue
        within = sum(
            max(0.0, min(float(t_s[end]), work.end_s) - max(float(t_s[start]), work.start_s))
            for work in works
        )
        total += within if within >= STUCK_S else 0.0
    return total


def efficiency(readings: Readings, strokes: tuple[Array, Array], works: list[Work]) -> Efficiency:
    """Metres and watts per beat over all work, and decoupling in its longest stretch.

    `strokes` are the times of strokes and their power, NaN where the machine does not say.
    """
    t_s, bpm = readings.t_s, readings.bpm
    seconds = known_s = beats = metres = covered_power_s = watts = 0.0
    with_metres = bool(works)
    for work in works:
        mean = time_weighted_mean(t_s, bpm, work.start_s, work.end_s, linear=True)
        power = time_weighted_mean(*strokes, work.start_s, work.end_s)
        seconds += work.end_s - work.start_s
        known_s += mean.seconds
        beats += (mean.value or 0.0) * mean.seconds / 60
        watts += (power.value or 0.0) * power.seconds
        covered_power_s += power.seconds
        with_metres = with_metres and work.distance_m is not None
        metres += work.distance_m or 0.0
    if seconds <= 0 or known_s < ENOUGH * seconds or beats <= 0:
        return Efficiency()
    mean_bpm = beats / known_s * 60
    return Efficiency(
        metres_per_beat=metres / (mean_bpm / 60 * seconds) if with_metres and metres else None,
        watts_per_beat=watts / covered_power_s / mean_bpm
        if covered_power_s >= ENOUGH * seconds and watts > 0
        else None,
        decoupling=_decoupling(readings, strokes, max(works, key=lambda w: w.end_s - w.start_s)),
    )


def _decoupling(readings: Readings, strokes: tuple[Array, Array], work: Work) -> float | None:
    half_s = (work.end_s - work.start_s) / 2
    if 2 * half_s < DECOUPLING_S:
        return None
    worth = []
    for start_s in (work.start_s, work.start_s + half_s):
        end_s = start_s + half_s
        beats = time_weighted_mean(readings.t_s, readings.bpm, start_s, end_s, linear=True)
        power = time_weighted_mean(*strokes, start_s, end_s)
        enough = ENOUGH * half_s
        if beats.seconds < enough or power.seconds < enough or not beats.value or not power.value:
            return None
        worth.append(power.value / beats.value)
    return (worth[0] - worth[1]) / worth[0]


def at_power(
    readings: Readings, strokes: tuple[Array, Array], works: list[Work]
) -> list[tuple[float, float, float]]:
    """Heart rate by power: (middle of the band in watts, seconds, beats a minute), rising.

    Of strokes from SETTLED_S after the start of their stretch of work on.
    """
    t_s, power_w = strokes
    if len(t_s) < 2 or not len(readings.t_s):
        return []
    steps = np.minimum(np.diff(t_s, prepend=t_s[:1]), HOLD_S)
    settled = np.zeros(len(t_s), dtype=bool)
    for work in works:
        settled |= (t_s >= work.start_s + SETTLED_S) & (t_s <= work.end_s)
    place = np.clip(np.searchsorted(readings.t_s, t_s, side="right") - 1, 0, None)
    bpm = np.where(
        (t_s - readings.t_s[place] <= HOLD_S) & (readings.t_s[place] <= t_s),
        readings.bpm[place],
        np.nan,
    )
    wanted = settled & ~np.isnan(power_w) & ~np.isnan(bpm) & (steps > 0)
    if not wanted.any():
        return []
    band = np.floor(power_w[wanted] / BAND_W).astype(int)
    found, inverse = np.unique(band, return_inverse=True)
    weight = np.bincount(inverse, steps[wanted])
    beats = np.bincount(inverse, steps[wanted] * bpm[wanted])
    return [
        (float((number + 0.5) * BAND_W), float(s), float(sum_ / s))
        for number, s, sum_ in zip(found, weight, beats, strict=True)
        if s >= 30.0
    ]
