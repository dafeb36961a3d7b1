"""What ends, summed up: segments, splits, and how the heart recovers after them."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.figures import (
    Figures,
    Sums,
    Total,
    add_sums,
    choose_heart_rate,
    estimated,
    figures_of,
    partly_heard,
)
from rowlog.intervals_state import Found, Open, State
from rowlog.plan import ASIDE, ROW, Piece, Target
from rowlog.segments import EndedBy, Recovery, Segment, SegmentKind, Split
from rowlog.timeline import STILL_NS

LOOK_BACK_NS: Final = 10 * SECOND_NS
"""No start is found further back than this before the frame that shows it."""
FASTEST_SPM: Final = 60.0
SLOWEST_SPM: Final = 10.0
"""Who rows makes no fewer strokes a minute, and nobody makes more."""


class Closing(State):
    """Sums up what went by between two marks, and makes a segment or a split of it."""

    def _opened(self, mark: Mark, *, segment_index: int = 0, index: int = 0) -> Open:
        unseen = self._track.unseen(mark.t_ns)
        return Open(start=mark, unseen=unseen, segment_index=segment_index, index=index)

    def _cut(self, mark: Mark) -> Total:
        """Everything between the cut before and `mark`, added where it belongs."""
        total = self._between(self._cut_mark, mark)
        power = self._power.cut(mark.t_ns)
        piece = self._piece
        if piece is None or not self._on_floor(piece):
            total.power = power
        total.drag_factor = self._drag.cut(mark.t_ns)
        total.heart_rate = {
            source: stream.cut(mark.t_ns) for source, stream in self._heart_rates.items()
        }
        add_sums(self.session_heart_rate, total.heart_rate)
        self._cut_mark = mark
        if self._segment is not None:
            self._segment.total.add(total)
            if not self.paused and self._split is not None:
                self._split.total.add(total)
        return total

    def _between(self, start: Mark, end: Mark) -> Total:
        total = Total(duration_s=(end.t_ns - start.t_ns) / SECOND_NS)
        piece = self._piece
        if piece is not None and self._on_floor(piece):
            return total  # what drifts in while the rower is on the floor is not its work
        last_ns = self._track.last_ns
        if self._track and start.t_ns >= last_ns and self._now_ns - last_ns > STILL_NS:
            return total  # the rower was not heard any more
        if self._on_machine_time_between(start, end) and self._rowing:
            total.duration_s = (end.elapsed_s or 0.0) - (start.elapsed_s or 0.0)
        total.distance_m = _minus(end.distance_m, start.distance_m)
        total.energy_kcal = _minus(end.energy_kcal, start.energy_kcal)
        if total.energy_kcal is not None and total.energy_kcal < 0:
            total.energy_kcal = 0.0  # a piece that ended unseen was given a little too much
        total.elapsed_s = _minus(end.elapsed_s, start.elapsed_s)
        if end.stroke_count is not None:
            total.stroke_count = end.stroke_count - (start.stroke_count or 0)
        return total

    def _on_machine_time_between(self, start: Mark, end: Mark) -> bool:
        return (
            start.elapsed_s is not None
            and end.elapsed_s is not None
            and end.elapsed_s > start.elapsed_s
            and self._track.exact_elapsed
        )

    def _close(self, mark: Mark, ended_by: EndedBy, *, piece_goes_on: bool = False) -> None:
        """End the open segment at `mark`."""
        self._cut(mark)
        segment, piece = self._segment, self._piece
        self._segment = None
        if segment is None or piece is None:
            return
        kind: SegmentKind = "pause" if self.paused else piece.kind
        if not piece_goes_on:
            self._end_split(mark)
        if mark.t_ns <= segment.start.t_ns:
            return
        self._correct(segment.total)
        source = self._choose(segment.total.heart_rate)
        end_bpm = self._heart_rates[source].at(mark.t_ns) if source is not None else None
        closed = Segment(
            index=len(self.segments),
            piece=self._number if self._several else None,
            kind=kind,
            activity=piece.activity if kind == "work" else kind,
            target=self._told_target(piece) if kind != "pause" else None,
            start=segment.start,
            end=mark,
            ended_by=ended_by,
            clock="machine" if self._rowing and self._on_machine_time(piece) else "host",
            figures=self._figures(segment, mark, piece, source, end_bpm),
            round=piece.round,
            tag=piece.tag if kind != "pause" else None,
        )
        if self._counts_late(mark):
            self._uncounted = None
        if kind == "work":
            if self.workout:
                self.workout[-1].append(closed.index)
            if closed.tag not in ASIDE:
                self.work.add(segment.total)
                if piece.activity == ROW:
                    self.rowed.add(segment.total)
            if source is not None and end_bpm is not None:
                self._recoveries.append(Recovery(closed.index, mark.t_ns, source, end_bpm))
        elif kind == "rest":
            self.rest.add(segment.total)
        self.segments.append(closed)
        self._found.append(closed)

    def _end_split(self, mark: Mark) -> None:
        split, self._split = self._split, None
        if split is None:
            return
        self._split_count += 1
        if split.total.duration_s <= 0:
            return
        source = self._choose(split.total.heart_rate)
        end_bpm = self._heart_rates[source].at(mark.t_ns) if source is not None else None
        self._found.append(
            Split(
                segment_index=split.segment_index,
                index=split.index,
                start=split.start,
                end=mark,
                figures=self._figures(split, mark, self._piece, source, end_bpm),
            )
        )

    def _figures(
        self, opened: Open, end: Mark, piece: Piece | None, source: str | None, bpm: float | None
    ) -> Figures:
        """The figures of what ends; those that hang on an edge that nobody saw are estimated.

        Metres are exact all the same where they are what ended the piece.
        """
        figures = figures_of(opened.total, source, end_bpm=bpm)
        if self._counts_late(end) and opened.total.stroke_count:
            unknown = replace(opened.total, stroke_count=None)
            figures = figures_of(unknown, source, end_bpm=bpm)
        if not opened.unseen and not self._track.unseen(end.t_ns):
            return partly_heard(figures) if opened.missed else figures
        if not self._strokes_told(opened, figures, piece):
            unknown = replace(opened.total, stroke_count=None)
            figures = figures_of(unknown, source, end_bpm=bpm)
        exact: tuple[str, ...] = ()
        if piece is not None and piece.kind == "work" and not self.paused:
            exact = {"distance": ("distance_m",), "energy": ("energy_kcal",)}.get(
                piece.target.type, ()
            )
        return partly_heard(estimated(figures, exact))

    def _counts_late(self, end: Mark) -> bool:
        """Whether strokes that were made unseen, in other pieces too, were told before an end."""
        return self._uncounted is not None and (end.stroke_count or 0) > self._uncounted

    def _strokes_told(self, opened: Open, figures: Figures, piece: Piece | None) -> bool:
        """Whether it is known how many strokes are of a stretch with an edge that nobody saw.

        Not where the machine had not counted yet, nor where nobody rows so slowly or so fast:
        some of them are another piece's.
        """
        rate = figures.mean_stroke_rate_spm
        if opened.unseen and opened.start.stroke_count is None:
            return False
        if rate is None or rate > FASTEST_SPM:
            return False
        rows = piece is not None and piece.kind == "work" and not self.paused
        return not rows or rate >= SLOWEST_SPM

    def _correct(self, total: Total) -> None:
        """A segment's sums may be known better than they add up; here they are not."""

    def _told_target(self, piece: Piece) -> Target | None:
        """The target as it is told: the plan's, or what the monitor was programmed with."""
        if self.plan is None and not (self.device_led and piece.target.type != "open"):
            return None
        return piece.target

    def _choose(self, heart_rates: dict[str, Sums]) -> str | None:
        return choose_heart_rate(heart_rates, self.straps)

    def _end_after_all(self) -> None:
        if self.segments and self.segments[-1].ended_by == "pause":
            self.segments[-1] = replace(self.segments[-1], ended_by="end")
            self._found.append(self.segments[-1])

    def retell(self, index: int, figures: Figures) -> Found:
        """A segment's figures are known better."""
        self.segments[index] = replace(self.segments[index], figures=figures)
        return [self.segments[index]]

    def _watch_recoveries(self, t_ns: int) -> None:
        for recovery in self._recoveries:
            if recovery.read(t_ns, self._heart_rates[recovery.source]):
                self._tell_recovery(recovery)

    def _work_resumes(self, t_ns: int) -> None:
        for recovery in self._recoveries:
            if recovery.cut_short(t_ns):
                self._tell_recovery(recovery)
        self._recoveries.clear()

    def _tell_recovery(self, recovery: Recovery) -> None:
        told = recovery.told(self.segments[recovery.index])
        self.segments[recovery.index] = told
        self._found.append(told)

    def _settle(self) -> None:
        """Forget what no boundary can reach back to: every few seconds, which is often enough."""
        horizon_ns = self._now_ns - LOOK_BACK_NS
        if self._track:
            horizon_ns = min(horizon_ns, self._track.last_ns - LOOK_BACK_NS)
            if self._rowing and not self.paused:
                horizon_ns = min(horizon_ns, self._motion_ns)
            self._track.forget(horizon_ns)
        if self.key_ns is not None:
            horizon_ns = min(horizon_ns, self.key_ns)
        if self._heart_rate_near_ns is not None:
            horizon_ns = min(horizon_ns, self._heart_rate_near_ns)
        if self.pauses_ns:
            horizon_ns = min(horizon_ns, self.pauses_ns[0])
        self._power.settle(horizon_ns)
        self._drag.settle(horizon_ns)
        for stream in self._heart_rates.values():
            stream.settle(horizon_ns)


def _minus(end: float | None, start: float | None) -> float | None:
    if end is None:
        return None
    return end - (start or 0.0)
