"""Heart-rate variability in the time domain, from the intervals between beats.

Definitions: Task Force of the European Society of Cardiology and the North American Society of
Pacing and Electrophysiology, Circulation 93:1043 (1996): SDNN with n - 1, RMSSD over the successive
differences, pNN50 the share of differences of more than 50 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAST_MS: Final = 240.0
MOST_MS: Final = 2400.0
"""No interval of a beating heart is outside (250 and 25 beats a minute)."""
NEIGHBOURS: Final = 5
"""An interval is compared with the median of so many on either side and itself."""
STRETCH: Final = 8_192
DEVIATION: Final = 0.30
"""It is an artefact when it is off by more than this share: a beat that was missed gives twice, one
that was seen too many half of the true interval, and an extrasystole a short and a long one."""
CORRECTION: Final = "local median of 11, 30 %"
"""What the correction is called wherever its result is shown."""
ENOUGH_BEATS: Final = 60
"""Nothing is told of fewer accepted intervals."""
MOST_CORRECTED: Final = 0.20
"""Nothing is told either when a larger share had to be left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Of a series of intervals without artefacts."""

    mean_rr_ms: float
    sdnn_ms: float
    rmssd_ms: float
    pnn50_pct: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Variability:
    """What the intervals of a stretch tell."""

    intervals: int
    """All that the strap sent."""
    corrected: int
    """How many of them were left out as artefacts."""
    measures: Measures | None
    """None where too few are left, or too many had to be left out."""

    @property
    def corrected_share(self) -> float:
        """Share of the intervals that were left out, 0 to 1."""
        return self.corrected / self.intervals if self.intervals else 0.0


def measures(rr_ms: Array, follows: NDArray[np.bool_] | None = None) -> Measures | None:
    """The measures of a series as it is.

    Args:
        rr_ms: shape (n,), the intervals, oldest first.
        follows: shape (n - 1,): whether interval i + 1 came right after interval i; differences
            are taken over those pairs alone. None: all.

    Returns:
        None where there is no difference to take.
    """
    if len(rr_ms) < 2:
        return None
    steps = np.diff(rr_ms)
    if follows is not None:
        steps = steps[follows]
    if not len(steps):
        return None
    return Measures(
        mean_rr_ms=float(rr_ms.mean()),
        sdnn_ms=float(rr_ms.std(ddof=1)),
        rmssd_ms=float(np.sqrt(np.square(steps).mean())),
        pnn50_pct=float(100.0 * np.count_nonzero(np.abs(steps) > 50.0) / len(steps)),
    )


def artefacts(rr_ms: Array) -> NDArray[np.bool_]:
    """Which intervals are no true distance between two beats; shape (n,)."""
    out: NDArray[np.bool_] = (rr_ms < LEAST_MS) | (rr_ms > MOST_MS)
    if len(rr_ms) < 3:
        return out
    padded = np.pad(rr_ms, NEIGHBOURS, mode="reflect" if len(rr_ms) > NEIGHBOURS else "edge")
    # Some at a time: the windows of many hours are not in memory at once.
    for begin in range(0, len(rr_ms), STRETCH):
        part = padded[begin : begin + STRETCH + 2 * NEIGHBOURS]
        # Where a window's ends are closer than that, none in it can be off by so much.
        odd = np.flatnonzero(
            _widest(part, np.maximum) > (1 + DEVIATION) * _widest(part, np.minimum)
        )
        windows = np.lib.stride_tricks.sliding_window_view(part, 2 * NEIGHBOURS + 1)
        middle = np.median(windows[odd], axis=1)
        out[begin + odd] |= np.abs(rr_ms[begin + odd] - middle) > DEVIATION * middle
    return out


def _widest(padded: Array, of: Callable[[Array, Array], Array]) -> Array:
    """The largest or smallest of each window of eleven: of two, of four, of eight, of eleven."""
    two = of(padded[:-1], padded[1:])
    four = of(two[:-2], two[2:])
    eight = of(four[:-4], four[4:])
    return of(eight[:-3], eight[3:])


def variability(rr_ms: Array) -> Variability:
    """The measures after leaving out artefacts; differences only between true neighbours."""
    wrong = artefacts(rr_ms)
    count, corrected = len(rr_ms), int(np.count_nonzero(wrong))
    found = None
    if count - corrected >= ENOUGH_BEATS and corrected <= MOST_CORRECTED * count:
        kept = ~wrong
        # Two that are left are neighbours when nothing was left out between them.
        follows = np.diff(np.flatnonzero(kept)) == 1 if corrected else None
        found = measures(rr_ms[kept] if corrected else rr_ms, follows)
    return Variability(intervals=count, corrected=corrected, measures=found)
