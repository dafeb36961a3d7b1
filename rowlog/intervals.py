"""The interval module: where pieces begin and end, found exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from rowlog.bridging import Course, Known, Turn, course
from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark, Track, between, start_between
from rowlog.figures import (
    Figures,
    Stream,
    Sums,
    Total,
    add_sums,
    choose_heart_rate,
    estimated,
    figures_of,
    partly_heard,
)
from rowlog.heart import Reading
from rowlog.keys import EXTEND, NEXT, PAUSE, RESUME, extended
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
from rowlog.plan import ASIDE, ROW, Piece, PieceKind, Plan, Target
from rowlog.programmed import STEP_SLACK, Step
from rowlog.segments import EndedBy, Recovery, Segment, SegmentKind, Split
from rowlog.timeline import STANDING_MPS, STILL_NS, Position
from rowlog.unseen import ANYBODY, Standing, known_from, known_of, unseen_of

__all__ = ["Boundary", "Found", "Segment", "Split", "Tracker"]

PAUSE_AFTER_NS: Final = 6 * SECOND_NS
"""A stop in a piece of work is a pause once it has lasted so long; it counts from its start."""
LOOK_BACK_NS: Final = 10 * SECOND_NS
"""No start is found further back than this before the frame that shows it."""
OTHER: Final = "other"
"""The activity of a session with a strap alone and no plan."""
VAGUE_S: Final = 1.0
"""What begins at an instant that is known no better ends at one that is not."""
UNSEEN_KCAL: Final = 3.0
"""By so much more may the energy differ where it was not seen how the piece began."""
UNCOUNTED_M: Final = 20.0
"""Who rowed so far made strokes."""
FASTEST_SPM: Final = 60.0
SLOWEST_SPM: Final = 10.0
"""Who rows makes no fewer strokes a minute, and nobody makes more."""
SETTLE_S: Final = 4
"""What no boundary can reach back to is forgotten every so many seconds."""
COUNTED_LATE_NS: Final = 3 * SECOND_NS // 2
"""Strokes of a stretch that nobody saw are counted by then, where they are asked for."""
STROKES_AGAIN: Final = 2
"""So many strokes end a pause that a key began: one may have been under way when it was pressed."""
SAME_NS: Final = SECOND_NS // 4
"""A monitor's rest that ends so near the plan's ends with it."""


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


@dataclass(slots=True)
class _Open:
    """A segment or split that has begun."""

    start: Mark
    unseen: bool = False
    """Whether it began in a stretch that nobody saw: its counters there are estimated."""
    missed: bool = False
    """Whether the rower was not heard in part of it."""
    total: Total = field(default_factory=Total)
    segment_index: int = 0
    index: int = 0


Found = list[Segment | Split]


class Tracker:
    """Structures a session into segments, from positions, heart rates, keys and ticks.

    Fed in order of time; deterministic. A boundary is placed at the exact instant, found by
    interpolation between the samples around it, as soon as the sample after it is known; until
    then nothing of it is told. A segment is told again when its heart-rate drops are known.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        self.plan = plan
        self.pieces: tuple[Piece, ...] = (
            plan.pieces if plan is not None else (Piece(kind="work", target=Target(type="open")),)
        )
        self.segments: list[Segment] = []
        self.work = Total()
        self.rowed = Total()
        """Of the work, what was on the machine."""
        self.rest = Total()
        self.session_heart_rate: dict[str, Sums] = {}
        self.straps: set[str] = set()
        self._heart_rates: dict[str, Stream] = {}
        self._power = Stream()
        self._drag = Stream()
        self._powered = False
        self._track = Track()
        self.first = 0
        """The piece that a session begins with: not the plan's first where a key left that out."""
        self.at = -1
        self.begin: Mark | None = None
        self._from_zero = False
        self._cursor_ns = 0
        self._nothing_until_ns = 0
        """No boundary comes before this, whatever is fed but keys; 0: not known."""
        self._exact_elapsed = False
        self._cut_mark = Mark(t_ns=0)
        self._segment: _Open | None = None
        self._split: _Open | None = None
        self._split_count = 0
        self._split_step: Target | None = None
        self._split_target: Target | None = None
        self.paused = False
        self._still = False
        self._motion_ns = 0
        self.held: Mark | None = None
        """Where the piece stood when a key paused it; None while none has."""
        self.pauses_ns: list[int] = []
        """Keys that begin and end pauses in turn from now on: the next sample is to show where."""
        self.key_ns: int | None = None
        """When a key ended the piece, while the next sample is to show where; else None."""
        self._heart_rate_near_ns: int | None = None
        """The first reading that reached the piece's heart rate, while it is doubted."""
        self._heart_rate_hit_ns: int | None = None
        self.last_work_s = 0.0
        self._recoveries: list[Recovery] = []
        self._now_ns = 0
        self._found: Found = []
        self._started = False
        self._first_ns = 0
        self.device_led = False
        """Whether the segments are the monitor's own: it holds a workout, and there is no plan."""
        self.workout: list[list[int]] = []
        """The segments of each interval of the monitor's latest workout: several with pauses."""
        self.split_length: Target | None = None
        """Of the splits of the monitor's intervals; None: the customary ones."""
        self._workout_over = True
        self._monitors: Target | None = None
        """What the monitor's work ends with; None while it has none."""
        self._programmed = False
        """Whether the monitor's workout is more than a free row."""
        self._unheard: Step | None = None
        """A step that was told after a gap, until it is told how far the rower went in that."""
        self._back: Position | None = None
        """Where the rower was heard again in a rest whose start was not seen."""
        self._counted_again = False
        """Whether its strokes have been counted since then."""
        self._uncounted: int | None = None
        """How many strokes were counted when others, that nobody saw, were not yet: those are told
        with the next one alone. None: all have been told."""
        self._waiting: list[Position] = []
        """What was heard since a stretch in which all began that nobody saw, until it is told how
        fast somebody rows."""
        self._lost_ns = 0
        """When the rower was heard last before that stretch."""
        self._dated: Dated | None = None
        """The piece in which somebody is after that stretch, as far as can be told."""
        self.hindsight: Dated | None = None
        """When a piece began in a stretch that nobody saw, where that was found out later, and
        this goes through it again."""
        self.hindsight_serves = False
        """Whether the stretch could be gone through with it."""
        self._rested: Rested | None = None
        """A rest that began in a stretch that nobody saw, until it is seen when it ends."""
        self._resumed: list[Position] = []
        """What was heard since a stretch at whose end somebody is thought to row again, until it is
        seen whether that is so."""
        self.found_out: Dated | None = None
        """When that rest began, or that somebody is in it still."""

    # What comes in

    def position(self, position: Position) -> Found:
        """The rower stands somewhere new, or has been heard again."""
        self._reach(position.t_ns)
        if position.exact_elapsed is not self._exact_elapsed:
            self._exact_elapsed = position.exact_elapsed
            self._nothing_until_ns = 0
        for heard in self._held_back(position):
            self._come_to(heard)
            if self._rested is not None:
                self._watch_rest(heard, self._rested)
            if self._resumed:
                self._watch_rowing(heard)
        return self._told()

    @property
    def in_doubt(self) -> bool:
        """Whether what comes may tell more of a stretch that nobody saw."""
        return bool(self._waiting or self._resumed) or self._rested is not None

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

    def _watch_rest(self, position: Position, rested: Rested) -> None:
        """Where a rest ends tells when it began, unseen."""
        if position.t_ns > rested.back.t_ns:
            self.found_out = rested.seen(position)
        if self.found_out is not None or rested.over(position):
            self._rested = None

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

    def _stand(self, position: Position) -> None:
        """What ends with where the rower stands, whether that was heard or is concluded."""
        self._track.add(position)
        if position.power_unknown:
            self._power.add(position.t_ns, None)
        elif position.power_w is not None:
            self._power.derived = position.power_derived
            # Machines say 0 W until the first stroke of a piece is measured: that is no value.
            self._powered = self._powered or position.power_w > 0
            self._power.add(position.t_ns, position.power_w if self._powered else None)
        if self.at < 0:
            self._await_start(position)
        self._advance(position.t_ns)
        at, begin = self.at, self.begin
        self._watch_motion(position)
        if self.at != at or self.begin is not begin:  # else nothing ends that did not before
            self._advance(position.t_ns)

    def _await_start(self, position: Position) -> None:
        """The first piece begins with the first movement."""
        if position.moved:
            began_ns = self._began_ns(position)
            self._cut(self._track.start_mark(began_ns))
            self._enter(self.first, self._cut_mark)
            self._motion_ns = began_ns

    def drag_factor(self, t_ns: int, value: int) -> Found:
        """The machine tells its drag factor."""
        self._drag.add(t_ns, value or None)
        return []

    def step(self, step: Step) -> Found:
        """The monitor's own workout goes on with work, with a rest, or is over.

        With a plan it places the boundaries that both share; without one its intervals are the
        segments, each ended by the device.
        """
        self._reach(step.told_ns)
        last = self._track.last
        if (
            self.plan is not None
            and last is not None
            and self._unseen_since(step.told_ns)
            and (self._piece is not None or self._told_outset(step, last) is not None)
        ):
            self._unheard = step  # how far it went meanwhile is told next
            return self._told()
        if step.goes_on:
            return self._told()
        for heard in self._waiting:
            self._track.add(heard)  # the monitor tells itself when it began
        self._waiting = []
        self._take_step(step)
        self._settle()
        return self._told()

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

    def _begin(self, mark: Mark) -> None:
        self._cut(mark)
        self._enter(self.first, mark)
        self._motion_ns = mark.t_ns

    def _end_by_device(self, mark: Mark, over: EndedBy) -> None:
        """End the piece under way; a stop that nobody rowed after was no pause of it."""
        stopped = self._stopped_before(mark.t_ns) and not self._rowed_to(mark)
        if self._rowing and not self.paused and stopped:
            self._pause()
        self._close(mark, over)

    # Stretches that nobody saw

    def _unseen_since(self, t_ns: int) -> bool:
        """Whether the rower was not heard for so long that it may have stopped."""
        last = self._track.last
        return last is not None and t_ns - last.t_ns > STILL_NS

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

    def retell(self, index: int, figures: Figures) -> Found:
        """A segment's figures are known better."""
        self.segments[index] = replace(self.segments[index], figures=figures)
        return [self.segments[index]]

    def heart_rate(self, reading: Reading, *, strap: bool) -> Found:
        """A heart rate, measured by a strap or relayed by the machine, which ranks below."""
        t_ns, source, bpm = reading.t_ns, reading.source, reading.bpm
        self._reach(t_ns)
        stream = self._heart_rates.get(source)
        if stream is None:
            stream = self._heart_rates[source] = Stream(self._cut_mark.t_ns, linear=True)
            if strap:
                self.straps.add(source)
        if reading.spike_ns is not None:
            stream.retract()
        stream.add(t_ns, bpm, doubted=reading.doubted)
        if source == self._heart_rate_source:
            self._watch_heart_rate(reading)
        return self._told()

    def _watch_heart_rate(self, reading: Reading) -> None:
        """A heart rate that a piece ends with counts from its first reading, once believed."""
        piece, begin = self._piece, self.begin
        if (
            reading.bpm is None
            or piece is None
            or begin is None
            or piece.target.value is None
            or self._heart_rate_hit_ns is not None
            or self.held is not None
            or reading.t_ns < begin.t_ns
        ):
            return
        limit_bpm = piece.target.value
        above = piece.target.type == "heart_rate_above" and reading.bpm >= limit_bpm
        below = piece.target.type == "heart_rate_below" and reading.bpm <= limit_bpm
        if not above and not below:
            self._heart_rate_near_ns = None
            return
        if self._heart_rate_near_ns is None:
            self._heart_rate_near_ns = reading.t_ns
        if not reading.doubted:
            self._heart_rate_hit_ns = self._heart_rate_near_ns
            self._advance_off_machine(reading.t_ns)

    def marker(self, t_ns: int, label: str) -> Found:
        """A key ends, pauses or lengthens the current piece; others only stand in the log.

        Without a plan there is nothing to go on to, and nothing that could be longer.
        """
        self._reach(t_ns)
        self._nothing_until_ns = 0
        piece = self._piece
        if piece is None:
            if label in NEXT and self.at < 0 and self.plan is not None:
                self._leave_out_first(t_ns)
            return self._told()
        if label == PAUSE or (label == RESUME and self.paused_by_key):
            self.pauses_ns.append(t_ns)
            self._advance_off_machine(t_ns)
        elif self.key_ns is not None:
            return self._told()
        elif label in NEXT and self.plan is not None:
            self.key_ns = t_ns
            self._advance_off_machine(t_ns)
        elif label.startswith(EXTEND) and self.plan is not None:
            longer = extended(piece, label)
            self.pieces = (*self.pieces[: self.at], longer, *self.pieces[self.at + 1 :])
        return self._told()

    def _leave_out_first(self, t_ns: int) -> None:
        """The key for the next piece, before anything has begun: the session begins with that."""
        later = range(self.first + 1, len(self.pieces))
        first = next((at for at in later if self.pieces[at].kind == "work"), None)
        if first is None:
            return  # there is nothing else to begin with
        self.first = first
        if self._starts_at_once:
            mark = self._track.mark_at(t_ns)
            self._cut(mark)  # the wait before it belongs to no piece
            self._enter(first, mark)

    def tick(self, t_ns: int) -> Found:
        """A second went by."""
        self._reach(t_ns)
        self._advance_off_machine(t_ns)
        if t_ns // SECOND_NS % SETTLE_S == 0:
            self._settle()
        return self._told()

    def finish(self, t_ns: int) -> Found:
        """The session ends at `t_ns`."""
        self._reach(t_ns)
        if self._waiting and self._track.last is not None:
            for heard in self._go_on(self._track.last, at_last=True):
                self._come_to(heard)
        self._heart_rate_hit_ns = self._heart_rate_hit_ns or self._heart_rate_near_ns
        if self.at < 0 and self.plan is None and not self._track and self._heart_rates:
            # A strap alone, without a plan: the whole session is one stretch.
            self.pieces = (Piece(kind="work", target=Target(type="open"), activity=OTHER),)
            self.at = 0
            self._segment = _Open(start=Mark(t_ns=self._first_ns))
        last = self._track.last
        lost = (
            last is not None
            and self._rowing
            and not self.paused
            and t_ns - last.t_ns > LOOK_BACK_NS
            and self._motion_ns == last.t_ns
        )
        if lost and last is not None:
            self._close(self._track.mark_at(last.t_ns, closing=True), "link")
        else:
            self._advance(t_ns)
            if self._segment is not None:
                if self._rowing and not self.paused and self._stopped_before(t_ns):
                    self._pause()
                if self.paused:
                    # Nobody rowed again: the work ended there, and no pause stands after it.
                    self._cut(self._track.mark_at(t_ns))
                    self._segment = None
                    self._end_after_all()
                else:
                    self._close(self._track.mark_at(t_ns, closing=True), "end")
        self.at = len(self.pieces)
        self._cut(self._track.mark_at(t_ns))
        return self._told()

    def _end_after_all(self) -> None:
        if self.segments and self.segments[-1].ended_by == "pause":
            self.segments[-1] = replace(self.segments[-1], ended_by="end")
            self._found.append(self.segments[-1])

    @property
    def paused_by_key(self) -> bool:
        """Whether a key has paused the piece, and nothing has ended that yet."""
        return (self.held is not None) ^ (len(self.pauses_ns) % 2 == 1)

    def _told(self) -> Found:
        found, self._found = self._found, []
        return found

    # Where we are

    @property
    def _piece(self) -> Piece | None:
        return self.pieces[self.at] if 0 <= self.at < len(self.pieces) else None

    @property
    def _rowing(self) -> bool:
        """Whether a piece of work on the machine is going on."""
        piece = self._piece
        return piece is not None and piece.kind == "work" and piece.activity == ROW

    @property
    def _starts_at_once(self) -> bool:
        """Whether the first piece waits for no stroke."""
        first = self.pieces[self.first]
        return first.activity != ROW or first.kind == "rest"

    @property
    def _heart_rate_source(self) -> str | None:
        """The source that is believed: a strap before the machine's relayed value."""
        for source in self._heart_rates:
            if source in self.straps:
                return source
        return next(iter(self._heart_rates), None)

    def _reach(self, t_ns: int) -> None:
        """Time has come to `t_ns`: a piece off the machine may begin, drops may be read."""
        if not self._started:
            self._started = True
            self._cursor_ns = self._first_ns = t_ns
            self._cut_mark = Mark(t_ns=t_ns)
            if self._starts_at_once:
                self._enter(self.first, Mark(t_ns=t_ns))
        self._now_ns = max(self._now_ns, t_ns)
        if self._recoveries:
            self._watch_recoveries(t_ns)

    # Boundaries

    def _advance_off_machine(self, t_ns: int) -> None:
        """Without a rower's counters to wait for, boundaries in time are known at once."""
        while True:
            if not 0 <= self.at < len(self.pieces):
                return
            if self._track.corners and not self._on_floor(self.pieces[self.at]):
                return
            boundary = self._next_boundary(t_ns)
            if self.pauses_ns and self._turns(boundary, t_ns):
                continue
            if boundary is None:
                return
            self._apply(boundary)

    def _on_floor(self, piece: Piece) -> bool:
        if piece.kind == "work":
            return piece.activity != ROW
        return self.at > 0 and self.pieces[self.at - 1].activity != ROW

    def _advance(self, t_ns: int) -> None:
        while True:
            boundary = self._next_boundary(t_ns)
            if self.pauses_ns and self._turns(boundary, t_ns):
                continue
            if boundary is None:
                return
            if (
                self._rowing
                and not self.paused
                and boundary.quantity is None
                and self._stopped_before(boundary.t_ns)
                and not self._rowed_through(boundary.t_ns)
            ):
                self._pause()
            self._apply(boundary)

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

    def _on_machine_time(self, piece: Piece) -> bool:
        return piece.kind == "work" and piece.activity == ROW and self._track.exact_elapsed

    # Motion

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

    def _with_pace(self, position: Position) -> Position:
        """The position, with the pace of the last work where the machine tells none."""
        if position.pace_s_per_500m is not None:
            return position
        for segment in reversed(self.segments):
            metres, seconds = segment.figures.distance_m, segment.figures.duration_s
            if segment.kind == "work" and metres:
                return replace(position, pace_s_per_500m=500.0 * seconds / metres)
        return position

    def _watch_motion(self, position: Position) -> None:
        piece = self._piece
        if piece is None or self.begin is None:
            self._motion_ns = position.t_ns if position.moved else self._motion_ns
            return
        t_ns = position.t_ns
        if self.held is not None:
            if not position.moved:
                self._still = self._still or t_ns - self._motion_ns > STILL_NS
                return
            if self._on_floor(piece) or not self._rows_again(position, self.held):
                self._motion_ns = t_ns
                return
            before = self._track.before_last()
            if before is None or self._still or self._unseen_stop(position, STILL_NS):
                self._release(self._began_ns(position), standing=True)
            else:  # who never stopped rows again with the stroke that shows it
                self._release(before.t_ns)
        if not position.moved:
            if self._rowing and not self.paused and self._stopped_before(t_ns):
                self._pause()
            if t_ns - self._motion_ns > STILL_NS:
                self._still = True
            return
        if self._rowing:
            if not self.paused and self._unseen_stop(position, PAUSE_AFTER_NS):
                self._pause()
            if self.paused:
                self._resume(self._began_ns(position))
        elif (
            piece.kind == "rest"
            and piece.target.type == "open"
            and not self.device_led
            and (
                self._still
                or self._unseen_stop(position, STILL_NS)
                or self._rows_after_gap(position)
            )
        ):
            self._apply(self._rest_over(position))
        self._still = False
        self._motion_ns = t_ns

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
        self._close(at, "resume", piece_goes_on=True)
        self._powered = False
        self.paused = False
        self._segment = self._opened(at)
        self._cursor_ns = max(self._cursor_ns, t_ns)  # no boundary comes before it any more
        self._work_resumes(t_ns)

    # Pauses by key

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

    # Pieces

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

    def _opened(self, mark: Mark, *, segment_index: int = 0, index: int = 0) -> _Open:
        unseen = self._track.unseen(mark.t_ns)
        return _Open(start=mark, unseen=unseen, segment_index=segment_index, index=index)

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

    # Sums

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

    def _figures(
        self, opened: _Open, end: Mark, piece: Piece | None, source: str | None, bpm: float | None
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

    def _strokes_told(self, opened: _Open, figures: Figures, piece: Piece | None) -> bool:
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

    @property
    def _several(self) -> bool:
        """Whether pieces are told apart by their number."""
        return self.plan is not None or self.device_led

    @property
    def _number(self) -> int:
        """The number of the piece under way."""
        return self.at

    def _correct(self, total: Total) -> None:
        """A segment's sums may be known better than they add up; here they are not."""

    def _told_target(self, piece: Piece) -> Target | None:
        """The target as it is told: the plan's, or what the monitor was programmed with."""
        if self.plan is None and not (self.device_led and piece.target.type != "open"):
            return None
        return piece.target

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

    def _choose(self, heart_rates: dict[str, Sums]) -> str | None:
        return choose_heart_rate(heart_rates, self.straps)

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


def _later(begin: float | None, since: float | None, until: float | None) -> float | None:
    """A counter's value at a piece's begin, moved by what it rose in a pause."""
    return begin if since is None or until is None else (begin or 0.0) + until - since
