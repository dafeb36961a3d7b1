"""Stretches that nobody saw, gone through once it is heard how far the rower came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rowlog.bridging import Course, Known, Turn, course
from rowlog.counters import SECOND_NS
from rowlog.crossings import between
from rowlog.intervals_closing import LOOK_BACK_NS
from rowlog.intervals_monitor import Monitored
from rowlog.intervals_pieces import VAGUE_S
from rowlog.outset import (
    Dated,
    Rested,
    began_unseen,
    resting,
    rows_on,
    since_outset,
    speed_after,
    start_unseen,
)
from rowlog.programmed import STEP_SLACK, Step
from rowlog.timeline import STILL_NS, Position
from rowlog.unseen import ANYBODY, Standing, known_from, known_of, unseen_of

UNCOUNTED_M: Final = 20.0
"""Who rowed so far made strokes."""


class Unseen(Monitored):
    """Goes through what was rowed while the rower was not heard."""

    def _come_to(self, position: Position) -> None:
        """The rower stands somewhere new; what it did unseen before that is gone through."""
        last = self._track.last
        if last is not None and position.after_gap and position.t_ns - last.t_ns > STILL_NS:
            for opened in (self._segment, self._split):
                if opened is not None:
                    opened.missed = True
        if last is not None and position.after_gap:
            rose_m = (position.distance_m or 0.0) - (last.distance_m or 0.0)
            same = position.stroke_count == last.stroke_count
            if same and rose_m >= UNCOUNTED_M and self._uncounted is None:
                self._uncounted = position.stroke_count
        unheard, self._unheard = self._unheard, None
        bridged = self._bridge(position, unheard) if self.plan is not None else None
        if bridged is not None:
            position = bridged
        elif unheard is not None and not unheard.goes_on:
            self._take_step(unheard)
        self._stand(position)

    def _held_back(self, position: Position) -> Sequence[Position]:
        """The positions to go on with now: none while it is waited for how fast somebody rows.

        Where all began in a stretch that nobody saw, no speed is known from before it: the one
        that is seen after it tells how long ago the first stroke was.
        """
        waiting, last = self._waiting, self._track.last
        if self.at >= 0 or last is None or not (waiting or began_unseen(last, position)):
            self._waiting = []
            return (*waiting, position)
        waiting.append(position)
        return self._go_on(last, at_last=position.t_ns - waiting[0].t_ns > LOOK_BACK_NS)

    def _go_on(self, last: Position, *, at_last: bool) -> Sequence[Position]:
        """The positions that were held back, once it is told how the session began before them.

        `at_last`: it is waited for no longer. All of them as they are where nobody rows after all.
        """
        waiting = self._waiting
        back = waiting[0]
        known = self._known_outset(last, back)
        speed_mps = speed_after(waiting, at_last=at_last)
        if known is None and self.plan is not None:
            dated = resting(last, back, self.pieces, self.first)
            rows = rows_on(waiting)
            unsure = dated is not None and not back.exact_elapsed
            if rows is None and unsure and not at_last:
                return ()
            if dated is not None and (speed_mps is None if rows is None else not rows):
                self._dated, known = dated, dated.known(last)
                speed_mps = dated.speed_mps
        if known is not None and speed_mps is None:
            speed_mps = ANYBODY[0]
        if speed_mps is None and not at_last:
            return ()
        self._waiting = []
        if speed_mps is None:
            return waiting
        if self._dated is not None and self._dated.speed_mps is not None:
            speed_mps = self._dated.speed_mps
        began = start_unseen(last, back, speed_mps, self.pieces, self.first, known)
        self._lost_ns = last.t_ns
        self._track.add(began)
        mark = self._track.mark_at(began.t_ns)
        self._cut(mark)
        self._enter(self.first, mark)
        self._motion_ns = back.t_ns
        if known is not None and known.told:
            self.workout, self._workout_over, self._programmed = [[]], False, True
        return [replace(back, moved=True, after_gap=True), *waiting[1:]]

    def _known_outset(self, last: Position, back: Position) -> Known | None:
        """Which piece is under way after a stretch in which all began, where that is told.

        By the monitor that holds the workout, or by what was seen later.
        """
        if self.hindsight is not None and self.hindsight.back_ns == back.t_ns:
            self._dated = self.hindsight
            return self.hindsight.known(last)
        step = self._unheard
        return None if step is None else self._told_outset(step, last)

    def _told_outset(self, step: Step, last: Position) -> Known | None:
        """What a monitor's step tells of a plan of which nothing had begun.

        None: no more than when its first piece did.
        """
        if self.plan is None or self.first or self.at >= 0 or step.kind == "over":
            return None
        known = known_from(step, last, self.pieces, programmed=step.programmed)
        return None if known is None or known.piece <= 0 else known

    def _bridge(self, position: Position, step: Step | None) -> Position | None:
        """Go through what was rowed unseen before a position, piece by piece as the plan has it.

        The position, and whether it shows rowing by that; None where there is nothing to go
        through, or the plan was not followed.
        """
        before, begin, piece = self._track.last, self.begin, self._piece
        if before is None or begin is None or piece is None:
            return None
        if not position.after_gap or not self._unseen_since(position.t_ns):
            return None
        if self.held is not None or self.paused or self.pauses_ns or self.key_ns is not None:
            return None
        if before.t_ns < begin.t_ns:
            if self.segments or before.distance_m != begin.distance_m:
                return None
            # All began unseen, and the monitor says when.
            before = replace(before, t_ns=begin.t_ns, elapsed_s=begin.elapsed_s, concluded=True)
            self._track.add(before)
        standing = Standing(
            before=before,
            pieces=self.pieces,
            at=self.at,
            begin=begin,
            origin_m=self._origin_m(),
            on_machine_time=self._on_machine_time(piece),
            rowing=self._rowing,
            last_work_s=self.last_work_s,
            segments=self.segments,
            pace_s_per_500m=self._track.latest_pace(before.t_ns),
            intervals=len(self.workout),
            programmed=self._programmed,
        )
        known = known_of(step, standing)
        dated = self._dated_at(position)
        if known is None and dated is not None:
            known = dated.known(before)
        unseen = unseen_of(standing, position, known)
        found = None if unseen is None else course(unseen)
        if unseen is None or found is None:
            return None
        self.hindsight_serves = self.hindsight_serves or dated is self.hindsight is not None
        held = unseen.held
        under_way = self.at
        turns = found.turns
        if before.concluded and known is None and not position.exact_elapsed:
            turns = since_outset(found, self.pieces, before.uncertainty_s)
        for turn in turns:
            at = self.at
            stood = between(before, position, turn, found)
            exact = step is not None and step.t_ns == stood.t_ns and not step.goes_on
            if exact and step is not None and step.elapsed_s is not None:
                stood = replace(stood, elapsed_s=step.elapsed_s)
            self._turn(turn, stood)
            if held and self.at != at and self._rowing:
                self.workout.append([])
        if step is not None:
            self._monitors = step.target if step.kind == "work" else None
            self._workout_over = step.kind == "over"
        if not self.hindsight_serves or (dated is not None and dated.since_ns is None):
            self._rested = self._rested_unseen(before, position, found)
        if not self.hindsight_serves and found.rows and under_way < self.at and not held:
            rested = self._rowing and self.pieces[self.at - 1].kind == "rest"
            self._resumed = [position] if rested else []
        if found.rows is None:
            return position
        if not found.rows:
            self._motion_ns = position.t_ns  # the wheel may still be running out
            self._back, self._still = position, False
        return replace(position, moved=found.rows, began_ns=None)

    def _dated_at(self, position: Position) -> Dated | None:
        """What is known of a stretch by what was seen after it, or else is taken for likely."""
        for dated in (self.hindsight, self._dated):
            if dated is not None and dated.back_ns == position.t_ns:
                return dated
        return None

    def _rested_unseen(self, before: Position, back: Position, found: Course) -> Rested | None:
        """The rest that a stretch ended in, where it is hardly known when that began.

        Or before which it ended, where nobody is seen to row yet.
        """
        piece, begin, at = self._piece, self.begin, self.at
        if found.rows is None and at > 0 and self.segments:
            piece, begin, at = self.pieces[at - 1], self.segments[-1].start, at - 1
        if piece is None or begin is None or piece.kind != "rest" or found.rows:
            return None
        if piece.target.type not in ("time", "ratio") or begin.uncertainty_s <= VAGUE_S:
            return None
        outset = before.concluded
        before_ns = self._lost_ns if outset else before.t_ns
        if begin.t_ns <= before_ns:
            return None
        works = [one for one in self.segments if one.kind == "work" and one.piece == at - 1]
        work_ns = works[0].start.t_ns if len(works) == 1 else None
        if work_ns is not None and (not back.exact_elapsed if outset else work_ns > before_ns):
            work_ns = None
        return Rested(
            before_ns=before_ns,
            back=back,
            pieces=self.pieces,
            piece=at,
            about_ns=begin.t_ns,
            within_s=begin.uncertainty_s,
            work_ns=work_ns,
            outset=outset,
        )

    def _turn(self, turn: Turn, position: Position) -> None:
        """Come to a turn of the course; the piece whose end it is ends there at the latest."""
        self._now_ns = max(self._now_ns, position.t_ns)
        self._stand(position)
        if not turn.ends or self.at != turn.piece:
            return
        mark = self._track.mark_at(position.t_ns)
        piece = self._piece
        if piece is not None and self.begin is not None and piece.kind == "work":
            self.last_work_s = (mark.t_ns - self.begin.t_ns) / SECOND_NS
        if piece is not None and piece.target.type == "distance" and not self._monitors:
            return  # its counter has not come so far
        if piece is not None and piece.target.type == "energy" and self.begin is not None:
            kcal = (self.begin.energy_kcal or 0.0) + (piece.target.value or 0.0)
            mark = replace(mark, energy_kcal=kcal)
        if piece is not None and piece.target.type == "distance" and self.begin is not None:
            metres = (self.begin.distance_m or 0.0) + (piece.target.value or 0.0)
            if abs(metres - (mark.distance_m or 0.0)) <= STEP_SLACK["distance"]:
                mark = replace(mark, distance_m=metres)
        self._close(mark, "target" if turn.rows else "rest_over")
        self._enter(turn.piece + 1, mark)

    def _watch_rest(self, position: Position, rested: Rested) -> None:
        """Where a rest ends tells when it began, unseen."""
        if position.t_ns > rested.back.t_ns:
            self.found_out = rested.seen(position)
        if self.found_out is not None or rested.over(position):
            self._rested = None

    def _watch_rowing(self, position: Position) -> None:
        """Who stands after a stretch is in a rest still, whatever its metres seemed to say."""
        back = self._resumed[0]
        if position.t_ns > back.t_ns:
            self._resumed.append(position)
        rows = rows_on(self._resumed)
        if rows is not None or (position.after_gap and position.t_ns > back.t_ns):
            self._resumed = []
        if rows is False and self.at > 0 and self._rowing:
            self.found_out = Dated(back_ns=back.t_ns, piece=self.at - 1, since_ns=None)
