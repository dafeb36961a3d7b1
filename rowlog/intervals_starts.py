"""When a movement began, and whether the rower stood: what pieces, pauses and rests begin by."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark, start_between
from rowlog.intervals_closing import LOOK_BACK_NS
from rowlog.intervals_pieces import Boundary, Pieces
from rowlog.timeline import STANDING_MPS, STILL_NS, Position

PAUSE_AFTER_NS: Final = 6 * SECOND_NS
"""A stop in a piece of work is a pause once it has lasted so long; it counts from its start."""


class Starts(Pieces):
    """Finds starts from a standstill and stops, where somebody saw them and where nobody did."""

    def _began_ns(self, position: Position) -> int:
        """When the movement that `position` shows began."""
        began_ns = position.began_ns
        before = self._track.before_last()
        if began_ns is None:
            began_ns = before.t_ns if before is not None else position.t_ns
        least_ns = position.t_ns - LOOK_BACK_NS
        if before is not None and position.t_ns - before.t_ns > STILL_NS:
            least_ns = min(least_ns, before.t_ns)  # it may have begun unseen, however long ago
        if before is not None and self._stood_before_unseen(before, position):
            began_ns = max(before.t_ns, start_between(before, self._with_pace(position)))
        else:
            first = self._track.after(began_ns)
            standing = self._track.at_or_before(began_ns)
            if standing is not None and first is not None:
                began_ns = max(began_ns, start_between(standing, first))
        return max(began_ns, self._cursor_ns, least_ns)

    def _rest_over(self, position: Position) -> Boundary:
        """The end of a rest without a length: where the movement that `position` shows began."""
        began_ns = self._began_ns(position)
        before = self._track.before_last()
        if before is None or not self._stood_before_unseen(before, position):
            return Boundary(began_ns, "rest_over")
        start = self._track.start_mark(began_ns)  # all that was rowed unseen belongs to the work
        return Boundary(
            began_ns, "rest_over", "distance_m", start.distance_m, start.uncertainty_s or 0.0
        )

    def _stood_before_unseen(self, before: Position, position: Position) -> bool:
        """Whether the stretch before a position was not seen, and was stood through at first."""
        if before.distance_m is None or position.distance_m is None:
            return False
        unseen_s = (position.t_ns - before.t_ns) / SECOND_NS
        rise_m = position.distance_m - before.distance_m
        if unseen_s * SECOND_NS <= STILL_NS or rise_m <= 0:
            return False
        went_on = position.began_ns is None or position.began_ns <= before.t_ns
        slow = rise_m < STANDING_MPS * unseen_s
        return (slow and went_on) or self._track.stood(before)

    def _unseen_stop(self, position: Position, least_ns: int) -> bool:
        """Whether the rower stood still, for so long, in a stretch without samples before."""
        last = self._track.before_last()
        if last is None or last.distance_m is None or position.distance_m is None:
            return False
        gap_ns = position.t_ns - last.t_ns
        if gap_ns <= least_ns:
            return False
        if (position.distance_m - last.distance_m) / (gap_ns / SECOND_NS) >= STANDING_MPS:
            return False
        still_ns = self._began_ns(position) - max(self._motion_ns, self._cursor_ns)
        return still_ns > least_ns

    def _stopped_before(self, t_ns: int) -> bool:
        return t_ns - max(self._motion_ns, self._cursor_ns) > PAUSE_AFTER_NS

    def _rowed_to(self, mark: Mark) -> bool:
        """Whether the monitor counted rowing up to its step, since a movement was last heard of."""
        since_ns = max(self._motion_ns, self._cursor_ns)
        before_m = self._track.mark_at(since_ns).distance_m
        if before_m is None or mark.distance_m is None or mark.t_ns <= since_ns:
            return False
        return (mark.distance_m - before_m) / ((mark.t_ns - since_ns) / SECOND_NS) >= STANDING_MPS

    def _rowed_through(self, t_ns: int) -> bool:
        """Whether an instant lies in a stretch without samples that was rowed all the same."""
        last, before = self._track.last, self._track.before_last()
        if last is None or before is None or not last.moved:
            return False
        return before.t_ns <= t_ns <= last.t_ns and not self._unseen_stop(last, PAUSE_AFTER_NS)

    def _with_pace(self, position: Position) -> Position:
        """The position, with the pace of the last work where the machine tells none."""
        if position.pace_s_per_500m is not None:
            return position
        for segment in reversed(self.segments):
            metres, seconds = segment.figures.distance_m, segment.figures.duration_s
            if segment.kind == "work" and metres:
                return replace(position, pace_s_per_500m=500.0 * seconds / metres)
        return position
