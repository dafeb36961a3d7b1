"""The best effort over a distance or a time within a stretch of work, exact on its curve.

A curve is what a counter read over time: times rising, counts never falling, straight lines
between. On such a curve the best window begins or ends at a point, so only those are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Spans = Sequence[tuple[float, float]]

RANKED_M: Final = (100.0, 500.0, 1000.0, 2000.0, 5000.0, 6000.0, 10000.0, 21097.0, 42195.0)
RANKED_S: Final = (60.0, 240.0, 1800.0, 3600.0)
"""Concept2's ranked events."""
POWER_S: Final = (
    5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 240.0, 360.0, 600.0, 900.0, 1200.0, 1800.0, 3600.0,
)  # fmt: skip
"""The durations of the power curve."""
FASTEST_S_PER_500M: Final = 55.0
MOST_W: Final = 2_100.0
"""The best row 100 m at some 1:03. Nobody rows faster than this, nor with more power: what a
machine or a file says beyond it is no effort."""
_TOUCH_S: Final = 1e-6
"""A window may begin and end at the very edge of what was seen, but for rounding."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a curve."""

    start_s: float
    end_s: float
    amount: float
    """How much was counted in it."""


class Curve:
    """A counter over time, made ready to be searched."""

    def __init__(self, t_s: Array, amount: Array, unseen: Spans = ()) -> None:
        """Points in any order; of those at one time the highest counts, a fall is levelled.

        `unseen`: stretches between points, each (from, until), in which no window may begin or
        end: how the line goes within them is not known.
        """
        order = np.lexsort((amount, t_s))
        t_s, amount = t_s[order], np.maximum.accumulate(amount[order])
        last = np.append(t_s[1:] > t_s[:-1], True) if len(t_s) else np.zeros(0, dtype=bool)
        self.t_s: Array = t_s[last]
        self.amount: Array = amount[last]
        rises = np.append(True, np.diff(self.amount) > 0) if len(self.t_s) else last[last]
        self._levels: Array = self.amount[rises]
        first = np.flatnonzero(rises)
        self._first_s: Array = self.t_s[first]
        """When each level was reached."""
        after = np.append(first[1:], len(self.t_s)) - 1 if len(first) else first
        self._last_s: Array = self.t_s[after]
        """When each level was left."""
        self._unseen = unseen

    @property
    def seconds(self) -> float:
        """From its first point to its last."""
        return float(self.t_s[-1] - self.t_s[0]) if len(self.t_s) else 0.0

    @property
    def total(self) -> float:
        """How much was counted on it."""
        return float(self.amount[-1] - self.amount[0]) if len(self.t_s) else 0.0

    def fastest(self, amount: float) -> Window | None:
        """The shortest window in which `amount` was counted; None where there is not so much."""
        levels, first_s, last_s = self._levels, self._first_s, self._last_s
        if amount <= 0 or len(levels) < 2 or levels[-1] - levels[0] < amount:
            return None
        best: Window | None = None
        goal = levels + amount  # windows that begin where a level is left
        fits = goal <= levels[-1]
        starts, ends = last_s[fits], self._reached(goal[fits], levels, first_s, last_s)
        starts, ends = self._seen(starts, ends)
        if len(starts):
            k = int(np.argmin(ends - starts))
            best = Window(float(starts[k]), float(ends[k]), amount)
        goal = levels - amount  # windows that end where a level is reached
        fits = goal >= levels[0]
        ends, starts = first_s[fits], self._left(goal[fits], levels, first_s, last_s)
        starts, ends = self._seen(starts, ends)
        if len(ends):
            k = int(np.argmin(ends - starts))
            found = Window(float(starts[k]), float(ends[k]), amount)
            if best is None or found.end_s - found.start_s < best.end_s - best.start_s:
                best = found
        return best

    def furthest(self, seconds: float) -> Window | None:
        """The window of so many seconds in which most was counted; None where it is shorter."""
        if seconds <= 0 or len(self.t_s) < 2 or self.seconds < seconds:
            return None
        t_s, amount = self.t_s, self.amount
        starts = np.concatenate(
            (t_s[t_s <= t_s[-1] - seconds], t_s[t_s >= t_s[0] + seconds] - seconds)
        )
        starts, _ = self._seen(starts, starts + seconds)
        if not len(starts):
            return None
        counted = np.interp(starts + seconds, t_s, amount) - np.interp(starts, t_s, amount)
        k = int(np.argmax(counted))
        return Window(float(starts[k]), float(starts[k]) + seconds, float(counted[k]))

    def _seen(self, starts: Array, ends: Array) -> tuple[Array, Array]:
        """Of some windows, those that begin and end where the curve is known."""
        for since_s, until_s in self._unseen:
            out = (starts > since_s + _TOUCH_S) & (starts < until_s - _TOUCH_S)
            out |= (ends > since_s + _TOUCH_S) & (ends < until_s - _TOUCH_S)
            starts, ends = starts[~out], ends[~out]
        return starts, ends

    @staticmethod
    def _reached(goal: Array, levels: Array, first_s: Array, last_s: Array) -> Array:
        """When each amount was first counted."""
        after = np.clip(np.searchsorted(levels, goal, side="left"), 1, len(levels) - 1)
        before = after - 1
        share = (goal - levels[before]) / (levels[after] - levels[before])
        reached: Array = last_s[before] + share * (first_s[after] - last_s[before])
        return reached

    @staticmethod
    def _left(goal: Array, levels: Array, first_s: Array, last_s: Array) -> Array:
        """Until when each amount was all that was counted."""
        before = np.clip(np.searchsorted(levels, goal, side="right") - 1, 0, len(levels) - 2)
        share = (goal - levels[before]) / (levels[before + 1] - levels[before])
        left: Array = last_s[before] + share * (first_s[before + 1] - last_s[before])
        return left


def can_be(kind: str, target: float, amount: float) -> bool:
    """Whether anybody rows that.

    Args:
        kind: "distance" (`target` in metres, `amount` in seconds), "time" (`target` in seconds,
            `amount` in metres) or "power" (`amount` in watts, whatever the seconds).
        target: what was to be rowed, over 0.
        amount: what it took, or came to.
    """
    if kind == "power":
        return amount <= MOST_W
    seconds, metres = (amount, target) if kind == "distance" else (target, amount)
    return 500.0 * seconds >= FASTEST_S_PER_500M * metres


def energy_curve(t_s: Array, power_w: Array, unseen: Spans = (), *, hold_s: float = 6.0) -> Curve:
    """Work done over time, in joules, from the power of each stroke at its end.

    A stroke's power stands for the time since the one before, `hold_s` at most; what is not known
    (NaN) is no work.
    """
    if len(t_s) < 2:
        return Curve(t_s[:0], t_s[:0])
    steps = np.minimum(np.diff(t_s), hold_s)
    work = np.nan_to_num(power_w[1:], nan=0.0) * steps
    return Curve(t_s, np.concatenate(([0.0], np.cumsum(work))), unseen)
