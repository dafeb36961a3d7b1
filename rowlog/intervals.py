"""The interval module: where pieces begin and end, found exactly."""

from __future__ import annotations

from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.figures import Stream
from rowlog.heart import Reading
from rowlog.intervals_closing import LOOK_BACK_NS
from rowlog.intervals_pieces import Boundary
from rowlog.intervals_state import Found, Open
from rowlog.intervals_unseen import Unseen
from rowlog.keys import EXTEND, NEXT, PAUSE, RESUME, extended
from rowlog.plan import Piece, Target
from rowlog.programmed import Step
from rowlog.segments import Segment, Split
from rowlog.timeline import Position

__all__ = ["Boundary", "Found", "Segment", "Split", "Tracker"]

OTHER: Final = "other"
"""The activity of a session with a strap alone and no plan."""
SETTLE_S: Final = 4
"""What no boundary can reach back to is forgotten every so many seconds."""


class Tracker(Unseen):
    """Structures a session into segments, from positions, heart rates, keys and ticks.

    Fed in order of time; deterministic. A boundary is placed at the exact instant, found by
    interpolation between the samples around it, as soon as the sample after it is known; until
    then nothing of it is told. A segment is told again when its heart-rate drops are known.

    What comes in is here; what it leads to lies in the files below, from what is known of the
    session (`intervals_state`) up to stretches that nobody saw (`intervals_unseen`).
    """

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
            self._segment = Open(start=Mark(t_ns=self._first_ns))
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
