"""Which sessions could be of the same workout as another, found without a look at each of them.

Whatever is named here is looked at more closely; what is not could not have been found.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from rowlog.sameness import (
    BLOCK,
    COPIED,
    LEAST,
    LEAST_SHIFT_M,
    MATCHED,
    METRES_DRIFT_S,
    SAME_M,
    STOP_S,
    Course,
)
from rowlog.sameness import FAR_S as CUT_S

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MANY: Final = 500
"""Fewer sessions are looked at one by one sooner than numpy is loaded."""
ROUNDING: Final = 1e-6
"""By so much, in seconds, may sums in another order differ; far more than they do."""


class Clocks:
    """Sessions whose time is known, by when they began and ended."""

    def __init__(self) -> None:
        self._starts: list[tuple[datetime, int]] = []
        self._ends: list[tuple[datetime, int]] = []
        self._longest = timedelta()

    def add(self, number: int, started_at: datetime, ended_at: datetime) -> None:
        """One more; both in UTC."""
        insort(self._starts, (started_at, number))
        insort(self._ends, (ended_at, number))
        self._longest = max(self._longest, ended_at - started_at)

    def around(self, started_at: datetime, ended_at: datetime, apart_s: float) -> set[int]:
        """Those that began or ended at most so long before or after; both in UTC."""
        by_s = timedelta(seconds=apart_s + 1)
        return {
            *_between(self._starts, started_at - by_s, started_at + by_s),
            *_between(self._ends, ended_at - by_s, ended_at + by_s),
        }

    def together(self, started_at: datetime, ended_at: datetime, apart_s: float) -> set[int]:
        """Those that began at most so long before or after, or were at the same time."""
        by = timedelta(seconds=apart_s + 1)
        return set(
            _between(
                self._starts,
                started_at - max(by, self._longest),
                max(started_at + by, ended_at),
            )
        )


def _between(
    told: Sequence[tuple[datetime, int]], first: datetime, last: datetime
) -> Iterator[int]:
    low, high = bisect_left(told, (first, -1)), bisect_right(told, (last, 1 << 62))
    return (number for _, number in told[low:high])


class Beginnings:
    """How sessions began: (seconds, metres) at three strokes of each; fewer tell nothing."""

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._columns = tuple(array("d") for _ in range(6))

    def add(self, number: int, beginning: Sequence[tuple[float, float]]) -> None:
        """One more."""
        if len(beginning) < 3:
            return
        self._numbers.append(number)
        flat = [figure for instant in beginning[:3] for figure in instant]
        for column, figure in zip(self._columns, flat, strict=True):
            column.append(figure)

    def alike(self, mine: Course, limit_s: float) -> Sequence[int]:
        """Those from whose first instant to its others as much time went by, within a limit."""
        if len(self._numbers) < MANY:
            return self._numbers
        import numpy as np

        times, metres = np.asarray(mine.times_s), np.asarray(mine.metres)
        laid = [np.frombuffer(column) for column in self._columns]
        reached = [
            _when(times, metres, at_m) - t_s
            for t_s, at_m in zip(laid[::2], laid[1::2], strict=True)
        ]
        limit_s += ROUNDING
        fits = (abs(reached[1] - reached[0]) <= limit_s) & (abs(reached[2] - reached[0]) <= limit_s)
        return [self._numbers[place] for place in np.flatnonzero(fits)]


def _when(times: Floats, metres: Floats, wanted: Floats) -> Floats:
    """When a session was so far; NaN where it was not, or begins further on."""
    import numpy as np

    place = np.searchsorted(metres, wanted, side="right")
    inside = (place > 0) & (place < len(metres))
    place = np.where(inside, place, 1)
    before_s, before_m = times[place - 1], metres[place - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = (wanted - before_m) / (metres[place] - before_m)
    return np.where(inside, before_s + (times[place] - before_s) * share, np.nan)


class Instants:
    """When a session took its strokes, and how far it was then, laid out for many looks."""

    def __init__(self, course: Course) -> None:
        import numpy as np

        self.times_s: Floats = np.asarray(course.times_s)
        self.metres: Floats = np.asarray(course.metres)
        self.rose = np.concatenate([[True], self.metres[1:] != self.metres[:-1]])
        self.rising = int(np.count_nonzero(self.rose)) - 1

    def may_hold(self, part: Instants) -> bool:
        """Whether another by strokes may be a part of it, as `sameness.within` tells."""
        ended_m = float(self.metres[-1] - part.metres[-1])
        return any(
            by_m > -LEAST_SHIFT_M and _stays(part, self, by_m, copied=True)
            for by_m in dict.fromkeys((0.0, ended_m))
        )

    def may_be(self, other: Instants) -> bool:
        """Whether another by strokes may be of the same workout, as `sameness.same` tells."""
        shift_m = float(other.metres[-1] - self.metres[-1])
        return any(
            _stays(self, other, by_m) or _stays(other, self, -by_m)
            for by_m in (0.0, shift_m)
            if abs(by_m) <= SAME_M
        )


def _stays(part: Instants, whole: Instants, shift_m: float, *, copied: bool = False) -> bool:
    """What `sameness` asks first: whether blocks of strokes stay where they were in the other."""
    import numpy as np

    least = max(LEAST, (COPIED if copied else MATCHED) * part.rising)
    others, times = whole.metres, whole.times_s
    wanted = part.metres + shift_m
    place = np.searchsorted(others, wanted, side="right")
    good = (place > 0) & (place < len(others)) & part.rose
    place = place[good]
    if len(place) < least:
        return False
    before_s, before_m = times[place - 1], others[place - 1]
    took_s = times[place] - before_s
    known = (took_s <= STOP_S) & ~((place > 1) & (others[place - 2] == before_m))
    share = (wanted[good] - before_m) / (others[place] - before_m)
    other_s = (before_s + share * took_s)[known]
    mine_s = part.times_s[good][known]
    count = len(mine_s)
    if count < least:
        return False
    gaps = (mine_s[1:] - mine_s[:-1] > STOP_S) | (other_s[1:] - other_s[:-1] > STOP_S)
    stops = np.flatnonzero(gaps) + 1
    edges = [0, *stops.tolist(), count]
    runs = [(low, high) for low, high in pairwise(edges) if high - low >= BLOCK // 2]
    apart = mine_s - other_s
    if sum(high - low for low, high in runs) < MATCHED * count:
        return False
    pieces = [apart[low:high] for low, high in runs]
    usual = [_median(np.concatenate(pieces))] * len(runs) if copied else map(_median, pieces)
    off = np.concatenate([piece - usual_s for piece, usual_s in zip(pieces, usual, strict=True)])
    off = np.minimum(np.maximum(off, -CUT_S), CUT_S)
    blocks: list[int] = []
    first = 0
    for piece in pieces:
        many = max(1, len(piece) // BLOCK)
        blocks += [first + place * len(piece) // many for place in range(many)]
        first += len(piece)
    sizes = [after - before for before, after in pairwise([*blocks, first])]
    drifts = np.add.reduceat(off, blocks) / sizes
    return math.sqrt(float(drifts @ drifts) / len(drifts)) <= METRES_DRIFT_S + ROUNDING


def _median(told: Floats) -> float:
    import numpy as np

    ordered, middle = np.sort(told), len(told) // 2
    both = ordered[middle], ordered[middle - 1 + len(told) % 2]
    return float(both[0] + both[1]) / 2
