"""Whether two sessions heard the same heart beat, by its RR intervals or by its rate over time."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median
from typing import Final

WINDOW: Final = 16
"""So many intervals in a row are looked up together."""
WINDOWS: Final = 9
"""At so many places, from the first interval to the last."""
FOUND: Final = 2 / 3
"""So many of them must be found."""
LEAST_WINDOWS: Final = 4
SAME_MS: Final = 1.0
"""By what milliseconds and 1/1024 s are rounded."""
VARIED_MS: Final = 3.0
"""A window in which no two intervals differ by more tells nothing."""
TOGETHER_S: Final = 3.0
"""All windows must lie as far apart in the one as in the other, but for what was not heard."""
LEAST: Final = 60
"""Fewer readings, a second each, tell nothing for sure."""
COMPARED: Final = 0.8
"""So much of the shorter one must be there in both."""
HOLD_S: Final = 5.0
"""A reading stands for so long at most."""
STEP_S: Final = 0.5
AROUND_S: Final = 3.0
"""Around each way to lay them over each other others are tried, step by step."""
APART_BPM: Final = 1.0
"""So far apart, on the mean, may the rates of one heart be, which one telling rounds to a beat and
to a second."""
ODD_BPM: Final = 2.0
ODD_SHARE: Final = 0.1
"""So many readings may be further apart than that."""
ROSE_BPM: Final = 15
"""By so much must the rate have changed: hearts that stay where they are are all alike."""
EXACT_S: Final = 300.0
EXACT_ROSE_BPM: Final = 25
EXACT_APART_BPM: Final = 0.1
"""What it takes where one does not say when it was: the very readings, for so long."""
MOST_COMPARED: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """What a heart is known again by."""

    beats: tuple[tuple[float, int], ...]
    """(seconds since the session's start, beats a minute), in order of time."""
    rr: tuple[tuple[float, float], ...]
    """(seconds since the start when it was told, milliseconds), in order; () where none was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SameHeart:
    """Two sessions heard the same beats."""

    later_s: float
    """By how much later an instant stands on the first one's time than on the second's."""
    by_intervals: bool
    """Whether RR intervals tell it: then it is so whatever the clocks say."""
    exact: bool
    """Whether it is enough where one of them does not say when it was."""


def pulse(told: Iterable[tuple[float, int, Sequence[float] | None]]) -> Pulse | None:
    """What (seconds, beats a minute, RR intervals in ms) come to; None for too few of them."""
    beats: list[tuple[float, int]] = []
    rr: list[tuple[float, float]] = []
    for t_s, bpm, intervals in told:
        if bpm > 0 and (not beats or t_s > beats[-1][0]):
            beats.append((t_s, bpm))
        rr += [(t_s, ms) for ms in intervals or ()]
    if len(beats) < LEAST:
        return None
    return Pulse(beats=tuple(beats), rr=tuple(rr))


def same_heart(one: Pulse, other: Pulse, by_clock_s: float | None = None) -> SameHeart | None:
    """How two sessions stand to each other that heard the same beats; None where they did not.

    RR intervals decide where both have them: no two hearts, and no heart twice, beat so many in
    the same order. Else the rates must agree all along, laid over each other from their starts,
    first or last readings, or by their clocks: `by_clock_s` is by how much later an instant stands
    on the first one's time than on the second's if their clocks are right, None where unknown.
    """
    if len(one.rr) >= LEAST and len(other.rr) >= LEAST:
        return _by_intervals(one.rr, other.rr)
    return _by_rates(one.beats, other.beats, by_clock_s)


def _by_intervals(
    one: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]
) -> SameHeart | None:
    if len(one) > len(other):
        found = _by_intervals(other, one)
        return None if found is None else replace(found, later_s=-found.later_s)
    wanted, there = [ms for _, ms in one], [ms for _, ms in other]
    laid: list[list[float]] = []
    for place in range(WINDOWS):
        first = (len(wanted) - WINDOW) * place // (WINDOWS - 1)
        window = wanted[first : first + WINDOW]
        if max(window) - min(window) > VARIED_MS:
            laid.append([one[first][0] - other[k][0] for k in _places(window, there)])
    if len(laid) < LEAST_WINDOWS:
        return None
    for later_s in sorted({round(each) for window in laid for each in window}):
        close = [[s for s in window if abs(s - later_s) <= TOGETHER_S] for window in laid]
        if sum(map(bool, close)) >= FOUND * len(laid):
            middle_s = median(s for window in close for s in window)
            return SameHeart(later_s=middle_s, by_intervals=True, exact=True)
    return None


def _places(window: Sequence[float], there: Sequence[float]) -> list[int]:
    """Where the same intervals stand in a row."""
    first = window[0]
    return [
        k
        for k in range(len(there) - len(window) + 1)
        if abs(there[k] - first) <= SAME_MS
        and all(
            abs(a - b) <= SAME_MS for a, b in zip(there[k : k + len(window)], window, strict=True)
        )
    ]


def _by_rates(
    one: Sequence[tuple[float, int]], other: Sequence[tuple[float, int]], by_clock_s: float | None
) -> SameHeart | None:
    ends = [0.0, one[0][0] - other[0][0], one[-1][0] - other[-1][0]]
    if by_clock_s is not None:
        ends.append(by_clock_s)
    steps = int(AROUND_S / STEP_S)
    tried = {round((end + k * STEP_S) / STEP_S) for end in ends for k in range(-steps, steps + 1)}
    best: tuple[float, float, list[tuple[int, int]]] | None = None
    for step in sorted(tried, key=abs):
        pairs = _pairs(one, other, step * STEP_S)
        if pairs:
            apart = fmean(abs(a - b) for a, b in pairs)
            if best is None or apart < best[0]:
                best = (apart, step * STEP_S, pairs)
    if best is None:
        return None
    apart, later_s, pairs = best
    shorter_s = min(_heard_s(one), _heard_s(other))
    step_s = max(1.0, _heard_s(other) / MOST_COMPARED)
    compared_s = len(pairs) * step_s
    odd = sum(abs(a - b) > ODD_BPM for a, b in pairs)
    rates = [a for a, _ in pairs]
    rose = max(rates) - min(rates)
    if compared_s < max(LEAST, COMPARED * shorter_s) or apart > APART_BPM:
        return None
    if odd > ODD_SHARE * len(pairs) or rose < ROSE_BPM:
        return None
    exact = compared_s >= EXACT_S and rose >= EXACT_ROSE_BPM and apart <= EXACT_APART_BPM
    return SameHeart(later_s=later_s, by_intervals=False, exact=exact)


def _heard_s(beats: Sequence[tuple[float, int]]) -> float:
    """How long a heart was heard, what was missed left out."""
    return sum(min(after - before, HOLD_S) for (before, _), (after, _) in pairwise(beats))


def _pairs(
    one: Sequence[tuple[float, int]], other: Sequence[tuple[float, int]], later_s: float
) -> list[tuple[int, int]]:
    """Both rates at one instant, at every so many seconds while both are known."""
    step_s = max(1.0, _heard_s(other) / MOST_COMPARED)
    times = [t_s for t_s, _ in one]
    found: list[tuple[int, int]] = []
    next_s = other[0][0]
    for (t_s, bpm), following in zip(other, [*other[1:], None], strict=False):
        until_s = t_s + HOLD_S if following is None else min(following[0], t_s + HOLD_S)
        next_s = max(next_s, t_s)
        while next_s < until_s:
            place = bisect_right(times, next_s + later_s) - 1
            if place >= 0 and next_s + later_s - times[place] <= HOLD_S:
                found.append((one[place][1], bpm))
            next_s += step_s
    return found
