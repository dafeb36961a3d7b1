"""Where pieces and their splits end: the instant at which each target is reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.intervals_closing import Closing
from rowlog.plan import ROW, Piece, Target
from rowlog.segments import EndedBy

VAGUE_S: Final = 1.0
"""What begins at an instant that is known no better ends at one that is not."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """An instant that ends a piece or one of its splits."""

    t_ns: int
    ended_by: EndedBy | None
    """None for the end of a split within the piece."""
    quantity: str | None = None
    """The counter that stands at `value` exactly, where one does."""
    value: float | None = None
    uncertainty_s: float = 0.0


class Pieces(Closing):
    """Goes from piece to piece at the boundaries that its targets have."""

    def _begin(self, mark: Mark) -> None:
        self._cut(mark)
        self._enter(self.first, mark)
        self._motion_ns = mark.t_ns

    def _enter(self, index: int, mark: Mark) -> None:
        """Begin a piece at `mark`."""
        self.at = index
        self._nothing_until_ns = 0
        self.key_ns = self._heart_rate_hit_ns = self._heart_rate_near_ns = None
        self.paused = self._still = False
        self.held = self._back = None
        self._counted_again = False
        while self.pauses_ns and self.pauses_ns[0] < mark.t_ns:
            del self.pauses_ns[0]
        self._split = self._split_step = self._split_target = None
        self._segment = None
        self._powered = False
        self.begin = None
        self._cursor_ns = mark.t_ns
        self._motion_ns = max(self._motion_ns, mark.t_ns)
        piece = self._piece
        if piece is None:
            return
        self.begin = mark
        standing = self._track.at_or_before(mark.t_ns)
        self._from_zero = standing is not None and standing.at_zero
        self._segment = self._opened(mark)
        self._split_step = self._splits_of(piece)
        if self._split_step is not None:
            self._split = self._opened(mark, segment_index=len(self.segments))
            self._split_count = 0
            self._aim_split()
        if piece.kind == "work":
            self._work_resumes(mark.t_ns)

    def _apply(self, boundary: Boundary) -> None:
        mark = self._track.mark_at(boundary.t_ns)
        if boundary.quantity == "distance_m":
            mark = replace(mark, distance_m=boundary.value)
        elif boundary.quantity == "energy_kcal":
            mark = replace(mark, energy_kcal=boundary.value)
        elif boundary.quantity == "elapsed_s":
            mark = replace(mark, elapsed_s=boundary.value)
        begun_s = 0.0 if self.begin is None else self.begin.uncertainty_s
        if boundary.quantity is None and boundary.ended_by is not None and begun_s >= VAGUE_S:
            mark = replace(mark, uncertainty_s=max(mark.uncertainty_s, begun_s))
        if boundary.quantity is not None:
            uncertainty_s = boundary.uncertainty_s
            if begun_s > VAGUE_S and not self._track.unseen(mark.t_ns):
                uncertainty_s += begun_s  # it is counted from there
            mark = replace(mark, interpolated=True, uncertainty_s=uncertainty_s)
        if boundary.ended_by is None:
            self._cut(mark)
            self._end_split(mark)
            self._split = self._opened(
                mark, segment_index=len(self.segments), index=self._split_count
            )
            self._aim_split()
            return
        if self.held is not None:
            self._shift_begin(mark)
        if self.begin is not None:
            self.last_work_s = (
                (mark.t_ns - self.begin.t_ns) / SECOND_NS
                if self.pieces[self.at].kind == "work"
                else self.last_work_s
            )
        self._close(mark, boundary.ended_by)
        self._enter(self.at + 1, mark)

    def _shift_begin(self, at: Mark) -> None:
        """Count the piece as if it had begun later by all that went by in the pause."""
        held, begin = self.held, self.begin
        self.held = None
        self._nothing_until_ns = 0
        if held is None or begin is None:
            return
        self.begin = replace(
            begin,
            t_ns=begin.t_ns + at.t_ns - held.t_ns,
            elapsed_s=_later(begin.elapsed_s, held.elapsed_s, at.elapsed_s),
            distance_m=_later(begin.distance_m, held.distance_m, at.distance_m),
            energy_kcal=_later(begin.energy_kcal, held.energy_kcal, at.energy_kcal),
        )

    def _aim_split(self) -> None:
        step = self._split_step
        self._nothing_until_ns = 0
        if step is not None:
            value = (step.value or 0.0) * (self._split_count + 1)
            self._split_target = Target(type=step.type, value=value)

    def _splits_of(self, piece: Piece) -> Target | None:
        """The length of a piece's splits: its own, or five equal ones, or five minutes."""
        if piece.kind != "work" or piece.activity != ROW:
            return None
        if piece.split is not None:
            return piece.split
        target = piece.target
        if target.value is None or target.type not in ("time", "distance", "energy"):
            return Target(type="time", value=300.0)
        if target.type == "time" and target.value >= 1200.0:
            return Target(type="time", value=300.0)
        return Target(type=target.type, value=target.value / 5)

    def _next_boundary(self, t_ns: int) -> Boundary | None:
        """The earliest end of the piece or of a split that has come by `t_ns`."""
        begin = self.begin
        if t_ns < self._nothing_until_ns or begin is None or not 0 <= self.at < len(self.pieces):
            return None
        piece = self.pieces[self.at]
        best = self._end_of(piece, begin, t_ns)
        if self.held is not None:
            return best
        if self._split_target is not None and self._split is not None:
            at = self._target_boundary(piece, begin, self._split_target, t_ns)
            if at is not None and (best is None or at.t_ns < best.t_ns):
                return replace(at, ended_by=None)
        if best is None:
            self._nothing_until_ns = self._due_ns(piece, begin)
        return best

    def _due_ns(self, piece: Piece, begin: Mark) -> int:
        """When the piece or its split ends, if both do by the host's time alone; else 0."""
        target, split = piece.target, self._split_target
        by_time = target.type == "time" and (split is None or split.type == "time")
        if not by_time or self.key_ns is not None or self._on_machine_time(piece):
            return 0
        due_s = target.value or 0.0
        if split is not None:
            due_s = min(due_s, split.value or 0.0)
        return begin.t_ns + round(due_s * SECOND_NS)

    def _end_of(self, piece: Piece, begin: Mark, t_ns: int) -> Boundary | None:
        """Where the piece has ended by `t_ns`, whatever ended it first; None while it goes on."""
        if self.held is not None:  # only a key ends what a key has paused
            key_ns = self.key_ns
            return None if key_ns is None else Boundary(max(key_ns, self._cursor_ns), "key")
        # A monitor counts calories finer than it tells them: where it holds the piece, it ends it.
        held = piece.target.type == "energy" and piece.target == self._monitors
        best: Boundary | None = None
        if not self.device_led and not held:
            best = self._target_boundary(piece, begin, piece.target, t_ns)
        if piece.target.at_most_s is None and self.key_ns is None:
            return best
        ends: list[Boundary | None] = []
        if piece.target.at_most_s is not None:
            limit = Target(type="time", value=piece.target.at_most_s)
            ends.append(self._target_boundary(piece, begin, limit, t_ns))
        if self.key_ns is not None:
            ends.append(Boundary(max(self.key_ns, self._cursor_ns), "key"))
        for end in ends:
            if end is not None and (best is None or end.t_ns < best.t_ns):
                best = end
        return best

    def _target_boundary(
        self, piece: Piece, begin: Mark, target: Target, t_ns: int
    ) -> Boundary | None:
        over: EndedBy = "target" if piece.kind == "work" else "rest_over"
        value = target.value
        if target.type in ("heart_rate_above", "heart_rate_below"):
            if self._heart_rate_hit_ns is None:
                return None
            return Boundary(max(self._heart_rate_hit_ns, self._cursor_ns), over)
        if target.type == "open" or value is None:
            return None
        if piece.kind == "work" and piece.activity != ROW and target.type != "time":
            return None  # nobody counts the metres of a run
        if target.type == "distance":
            # A counter that was not heard before the piece began counts from 0 once it is.
            crossing = self._track.crossing("distance_m", self._origin_m() + value)
            exact: tuple[str, float] = ("distance_m", (begin.distance_m or 0.0) + value)
        elif target.type == "energy":
            reached_kcal = (begin.energy_kcal or 0.0) + value
            crossing = self._track.crossing("energy_kcal", reached_kcal)
            exact = ("energy_kcal", reached_kcal)
        else:
            seconds = value * self.last_work_s if target.type == "ratio" else value
            if self._on_machine_time(piece) and begin.elapsed_s is not None:
                crossing = self._track.crossing("elapsed_s", begin.elapsed_s + seconds)
                exact = ("elapsed_s", begin.elapsed_s + seconds)
            else:
                at_ns = begin.t_ns + round(seconds * SECOND_NS)
                if at_ns > t_ns:
                    return None
                return Boundary(max(at_ns, self._cursor_ns), over)
        if crossing is None:
            return None
        at_ns, uncertainty_s = crossing
        return Boundary(max(at_ns, self._cursor_ns), over, *exact, uncertainty_s)

    def _origin_m(self) -> float:
        """Where the piece began, as its counter will count it.

        A counter of whole steps at true zero is half a step ahead of what it says on average;
        elsewhere that cancels between start and end. The step shows once the counter has moved.
        """
        begin_m = self.begin.distance_m if self.begin is not None else None
        last = self._track.last
        if not self._from_zero or last is None:
            return begin_m or 0.0
        return (begin_m or 0.0) - last.distance_step_m / 2


def _later(begin: float | None, since: float | None, until: float | None) -> float | None:
    """A counter's value at a piece's begin, moved by what it rose in a pause."""
    return begin if since is None or until is None else (begin or 0.0) + until - since
