"""The workout that the monitor itself holds, step by step: it places what a plan shares with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.intervals_closing import LOOK_BACK_NS
from rowlog.intervals_motion import Motion
from rowlog.plan import ROW, Piece, PieceKind
from rowlog.programmed import STEP_SLACK, Step
from rowlog.segments import EndedBy

UNSEEN_KCAL: Final = 3.0
"""By so much more may the energy differ where it was not seen how the piece began."""
SAME_NS: Final = SECOND_NS // 4
"""A monitor's rest that ends so near the plan's ends with it."""


class Monitored(Motion):
    """Follows the steps of the monitor's own workout."""

    def _take_step(self, step: Step) -> None:
        """Follow a step of the monitor's workout."""
        t_ns = step.t_ns
        if step.kind != "work" and step.elapsed_s is not None:
            # A stroke may have told already that the clock had come to where it stopped.
            reached = self._track.crossing("elapsed_s", step.elapsed_s)
            t_ns = t_ns if reached is None else min(t_ns, reached[0])
        t_ns = max(t_ns, self._cursor_ns, self._first_ns)
        mark = replace(self._track.mark_at(t_ns), t_ns=t_ns)
        if step.elapsed_s is None:  # it was seen at some time between two questions
            mark = replace(mark, uncertainty_s=(step.told_ns - step.t_ns) / SECOND_NS)
        else:
            mark = replace(
                mark,
                elapsed_s=step.elapsed_s,
                distance_m=step.distance_m,
                interpolated=True,
                uncertainty_s=0.0,
            )
        if step.kind == "work" and self._workout_over:
            self.workout = []
        self._workout_over = step.kind == "over"
        self._programmed = step.programmed
        self._monitors = step.target if step.kind == "work" else None
        if self.plan is not None:
            self._agree(step, mark)
        elif step.programmed or self.device_led:
            self._led(step, mark)
        if step.kind == "work":
            self.workout.append([])

    def _agree(self, step: Step, mark: Mark) -> None:
        """A step of the monitor's workout, while a plan is followed."""
        piece, begin = self._piece, self.begin
        if self.at < 0:
            first = self.pieces[self.first]
            if step.kind == "work" and first.kind == "work" and first.activity == ROW:
                self._begin(mark)
            return
        if piece is None or begin is None:
            return
        # A step of any kind ends work, and a rest ends with the next work or with the workout.
        open_work = piece.kind == "work" and piece.target.type == "open"
        if (step.kind == "rest" and piece.kind == "rest") or (step.kind == "work" and open_work):
            return
        if piece.activity != ROW and piece.kind == "work":
            return
        if not self._due(piece, begin, mark):
            return
        over: EndedBy = "target" if piece.kind == "work" else "rest_over"
        if piece.kind == "work" and piece.target.type == "open":
            over = "device"
        if piece.kind == "rest" and piece.target.type == "time":
            # Both clocks mean the same instant, and the plan's is not blurred by the radio.
            end_ns = begin.t_ns + round((piece.target.value or 0.0) * SECOND_NS)
            # An end is seen by the status after it, a new interval's start by its own clock.
            same_ns = SECOND_NS if step.kind == "over" else SAME_NS
            if abs(end_ns - mark.t_ns) <= same_ns:
                if end_ns > step.told_ns:
                    return
                mark = replace(mark, t_ns=max(end_ns, self._cursor_ns))
        if piece.target.type == "distance" and piece.target.value is not None:
            mark = replace(mark, distance_m=(begin.distance_m or 0.0) + piece.target.value)
        if piece.kind == "work":
            self.last_work_s = (mark.t_ns - begin.t_ns) / SECOND_NS
        self._end_by_device(mark, over)
        self._enter(self.at + 1, mark)

    def _due(self, piece: Piece, begin: Mark, mark: Mark) -> bool:
        """Whether a piece of the plan is about to end where the monitor's step does."""
        target = piece.target
        seconds = (mark.t_ns - begin.t_ns) / SECOND_NS
        if target.type == "open":
            return True
        if target.value is None or target.type not in STEP_SLACK:
            return False
        wanted, reached = target.value, seconds
        if target.type == "distance":
            reached = (mark.distance_m or 0.0) - (begin.distance_m or 0.0)
        elif target.type == "energy":
            reached = (mark.energy_kcal or 0.0) - (begin.energy_kcal or 0.0)
        elif target.type == "ratio":
            wanted *= self.last_work_s
        elif self._on_machine_time(piece) and begin.elapsed_s is not None:
            reached = (mark.elapsed_s or 0.0) - begin.elapsed_s
        slack = STEP_SLACK[target.type]
        if target.type == "energy" and self._segment is not None and self._segment.unseen:
            slack += UNSEEN_KCAL
        return abs(reached - wanted) <= slack

    def _led(self, step: Step, mark: Mark) -> None:
        """A step of the monitor's workout, which is all the structure that there is."""
        if step.kind == "over":
            if self.device_led and self._segment is not None:
                self._end_by_device(mark, "device")
            if self.device_led:
                self.at = len(self.pieces)
                self.begin = None
                self._cut(mark)
            return
        kind: PieceKind = "work" if step.kind == "work" else "rest"
        piece = Piece(kind=kind, target=step.target, split=self.split_length)
        begun_ns = self.begin.t_ns if self.begin is not None else mark.t_ns
        if self.at < 0:
            self.device_led = True
            self.pieces = (piece,)
            self._begin(mark)
            return
        if not self.device_led and not self.segments and mark.t_ns - begun_ns < LOOK_BACK_NS:
            # The first stroke was told before the state that it led to.
            self.device_led = True
            self.pieces = (piece,)
            if self.begin is not None:
                self._enter(0, self.begin)
            return
        self.device_led = True
        if self._segment is not None:
            self._end_by_device(mark, "device")
        else:
            self._cut(mark)
        self.pieces = (*self.pieces[: self.at + 1], piece)
        self._enter(len(self.pieces) - 1, mark)

    def _end_by_device(self, mark: Mark, over: EndedBy) -> None:
        """End the piece under way; a stop that nobody rowed after was no pause of it."""
        stopped = self._stopped_before(mark.t_ns) and not self._rowed_to(mark)
        if self._rowing and not self.paused and stopped:
            self._pause()
        self._close(mark, over)
