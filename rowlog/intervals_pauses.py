"""Pauses of the work, by a stop or by a key, and what ends them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.intervals_pieces import Boundary
from rowlog.intervals_starts import Starts
from rowlog.timeline import STILL_NS, Position

COUNTED_LATE_NS: Final = 3 * SECOND_NS // 2
"""Strokes of a stretch that nobody saw are counted by then, where they are asked for."""
STROKES_AGAIN: Final = 2
"""So many strokes end a pause that a key began: one may have been under way when it was pressed."""


class Pauses(Starts):
    """Pauses a piece and goes on with it; one that a key paused stands still with its clock."""

    def _pause(self) -> None:
        """The work stopped at the last movement: close it there and begin a pause."""
        at = self._track.mark_at(max(self._motion_ns, self._cursor_ns), closing=True)
        self._close(at, "pause", piece_goes_on=True)
        self._segment = self._opened(at)
        self.paused = True

    def _resume(self, t_ns: int) -> None:
        if self._segment is not None:
            t_ns = max(t_ns, self._segment.start.t_ns)
        at = self._track.start_mark(t_ns)
        if self._segment is not None and at.distance_m is not None:
            # What the wheel ran out is of the piece, which counts to its end: no pause has metres.
            at = replace(at, distance_m=self._segment.start.distance_m)
        self._close(at, "resume", piece_goes_on=True)
        self._powered = False
        self.paused = False
        self._segment = self._opened(at)
        self._cursor_ns = max(self._cursor_ns, t_ns)  # no boundary comes before it any more
        self._work_resumes(t_ns)

    def _turns(self, boundary: Boundary | None, t_ns: int) -> bool:
        """Begin or end a pause whose key comes before the boundary; whether there was one."""
        if self.pauses_ns[0] > t_ns:
            return False
        if boundary is not None and boundary.t_ns <= self.pauses_ns[0]:
            return False
        key_ns = max(self.pauses_ns.pop(0), self._cursor_ns)
        if self.held is not None:
            self._release(key_ns)
        elif self._piece is not None:
            self._hold(key_ns)
        return True

    def _hold(self, t_ns: int) -> None:
        """A key pauses the piece: its clock and its metres stand still from here on."""
        self._nothing_until_ns = 0
        self.held = self._track.mark_at(t_ns, closing=True)
        self._heart_rate_hit_ns = self._heart_rate_near_ns = None
        if not self.paused:  # else nobody rows: the key only stops the clock
            self._close(self.held, "pause", piece_goes_on=True)
            self._segment = self._opened(self.held)
            self.paused = True

    def _release(self, t_ns: int, *, standing: bool = False) -> None:
        """The piece goes on where it was paused; `standing`: from a standstill."""
        if self._segment is None or self.held is None or self._piece is None:
            return
        t_ns = max(t_ns, self.held.t_ns, self._segment.start.t_ns)
        at = self._track.start_mark(t_ns) if standing else self._track.mark_at(t_ns)
        self._shift_begin(at)
        self._close(at, "resume", piece_goes_on=True)
        self._powered = self.paused = False
        self._segment = self._opened(at)
        self._cursor_ns = t_ns
        self._motion_ns = max(self._motion_ns, t_ns)
        if self._piece.kind == "work":
            self._work_resumes(t_ns)

    def _rows_again(self, position: Position, held: Mark) -> bool:
        """Whether strokes end a pause by key: what the wheel runs out is none."""
        if self._strokes_since(held, position):
            return True
        return self._still or self._unseen_stop(position, STILL_NS)

    def _rows_after_gap(self, position: Position) -> bool:
        """Whether strokes made since the rower was heard again end a rest.

        Not those that were made unseen, which some machines tell a moment later.
        """
        back = self._back
        if back is None or position.stroke_count is None:
            return False
        more = position.stroke_count - (back.stroke_count or 0)
        late = position.t_ns - back.t_ns <= COUNTED_LATE_NS
        if more and (late or (more >= STROKES_AGAIN and not self._counted_again)):
            self._back = replace(position, t_ns=back.t_ns)
        self._counted_again = self._counted_again or more > 0
        return more >= STROKES_AGAIN and self._back is back

    def _strokes_since(self, earlier: Mark | Position, position: Position) -> bool:
        """Whether so many strokes were made that it is no longer the one that was under way."""
        if position.stroke_count is None:
            return False
        return position.stroke_count - (earlier.stroke_count or 0) >= STROKES_AGAIN
