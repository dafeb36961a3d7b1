"""How long a source may be silent before something is wrong: arithmetic on the times it sent."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median
from typing import Final

SECOND_NS: Final = 1_000_000_000
LEAST_NS: Final = 3 * SECOND_NS
"""The limit for a source that was sending once a second or more often."""
MOST_NS: Final = 10 * SECOND_NS
"""The longest limit, and the one of a source that is not yet known."""

_BRISK_NS: Final = 1_250_000_000
"""A usual gap up to this is "once a second": machines and radio are not exact."""
_BURST_NS: Final = 150_000_000
"""Notifications closer than this belong to one sending."""
_REMEMBERED: Final = 24


class Liveness:
    """Keeps the times of a source's latest notifications, in session time.

    The limit is 3 s for a source that was sending at 1 Hz or more, otherwise three times its
    usual gap (the median), at least 3 s and at most 10 s.
    """

    __slots__ = ("_stamps", "count", "since_ns")

    def __init__(self, now_ns: int) -> None:
        self._stamps: deque[int] = deque(maxlen=_REMEMBERED)
        self.count = 0
        """How many notifications came."""
        self.since_ns = now_ns
        """From when on the source is silent."""

    def heard(self, t_ns: int) -> None:
        """A notification came at `t_ns`."""
        self._stamps.append(t_ns)
        self.count += 1
        self.since_ns = t_ns

    def usual_gap_ns(self) -> int | None:
        """The usual time between two sendings; None before the third."""
        stamps = tuple(self._stamps)
        gaps = [later - earlier for earlier, later in pairwise(stamps)]
        apart = [gap for gap in gaps if gap > _BURST_NS]
        if apart:
            return int(median(apart)) if len(apart) > 1 else None
        return int(median(gaps)) if len(gaps) > 1 else None

    def limit_ns(self) -> int:
        """How long the source may be silent."""
        gap_ns = self.usual_gap_ns()
        if gap_ns is None:
            return MOST_NS
        if gap_ns <= _BRISK_NS:
            return LEAST_NS
        return min(max(3 * gap_ns, LEAST_NS), MOST_NS)

    def patience_ns(self) -> int:
        """How long to wait for the next notification after subscribing again."""
        gap_ns = self.usual_gap_ns()
        return LEAST_NS if gap_ns is None else min(max(2 * gap_ns, LEAST_NS // 2), MOST_NS)
