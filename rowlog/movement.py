"""Whether somebody rows, for what is shown live: a wheel that runs out keeps its last pace."""

from __future__ import annotations

from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.timeline import Position

STILL_S: Final = 5.0
"""Without movement for so long nobody rows; nor within two strokes that are missed, if longer."""
MISSED_STROKES: Final = 2
SLOWEST_SPM: Final = 8.0
"""Below it strokes are no rowing, and nothing is waited for so long."""


class Movement:
    """Hears of every position; pure.

    Strokes decide where the machine counts them: its distance goes on while the wheel runs out.
    """

    __slots__ = ("_moved_ns", "_stroke_count", "_stroke_ns")

    def __init__(self) -> None:
        self._moved_ns = 0
        self._stroke_count: float | None = None
        self._stroke_ns: int | None = None

    def take(self, position: Position | None) -> None:
        """Where the rower stands now."""
        if position is None:
            return
        if position.moved or position.began_ns is not None:
            self._moved_ns = position.t_ns
        count, before = position.stroke_count, self._stroke_count
        if count is not None and before is not None and count != before:
            self._stroke_ns = position.t_ns
        self._stroke_count = count

    def still(self, t_ns: int, stroke_rate_spm: float | None) -> bool:
        """Whether nobody rows at `t_ns`; the rate is that of the last strokes, None: unknown."""
        if t_ns - self._moved_ns > STILL_S * SECOND_NS:
            return True
        if self._stroke_ns is None:
            return False
        missed_s = STILL_S
        if stroke_rate_spm:
            missed_s = max(STILL_S, MISSED_STROKES * 60.0 / max(stroke_rate_spm, SLOWEST_SPM))
        return t_ns - self._stroke_ns > missed_s * SECOND_NS
