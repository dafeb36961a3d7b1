"""Deliveries in, facts out: timeline and tracker behind one feed()."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rowlog.bursts import Burst, Heard
from rowlog.counters import SECOND_NS
from rowlog.figures import choose_heart_rate, mean_pace, mean_rate
from rowlog.heart import Relayed
from rowlog.hindsight import Hindsight
from rowlog.intervals import Found, Segment, Split, Tracker
from rowlog.keys import UNDO, is_key
from rowlog.laps import LapTracker, outranked
from rowlog.monitor import MonitorWord
from rowlog.plan import ROW, Plan
from rowlog.programmed import Programme, Step
from rowlog.timeline import Position, Timeline, flooded
from rowlog.totals import SessionTotals, with_origins
from rowlog.undoing import TakenBack, Undoing
from rowlog_drivers.interface import Delivery
from rowlog_drivers.records import (
    FileLap,
    FileTotals,
    Flood,
    HeartRate,
    Link,
    MachineSplit,
    MachineState,
    MachineSummary,
    Marker,
    Record,
    RowerSample,
    Stroke,
    Tick,
    Undecoded,
)

Fact = Record | Segment | Split | TakenBack


_UNHEARD = ("link", "key", "flood", "sample", "stroke", "heart_rate", "summary", "lap", "totals")
"""Channels of the host's own and of imported files, whose rows come when they like: the time
between two of them is no silence of a device."""


class Pipeline:
    """Turns a session's deliveries, in the buffer's order, into the facts that are stored.

    Pure and deterministic: fed the same deliveries, it tells the same facts, live and later.
    Segments follow the first rower that is heard; further rowers get strokes and gaps.
    """

    def __init__(self, plan: Plan | None = None, tracker: Tracker | None = None) -> None:
        """`tracker` cuts the session in another way than by `plan`; None: by the plan."""
        self.plan = plan
        self.timeline = Timeline()
        self.tracker = Tracker(plan) if tracker is None else tracker
        by_energy = plan is not None and any(piece.target.type == "energy" for piece in plan.pieces)
        needed = ("stroke_count",) if plan is not None and len(plan.pieces) > 1 else ()
        self._needed = (*needed, "energy_kcal") if by_energy else needed
        """Counters besides that of metres that tell where the plan is after a gap."""
        self._catching_up: Position | None = None
        """Where the rower stood last while it was not all known how it had got on in a gap."""
        self._moved = False
        """Whether the rower moved in a gap of which not all is known yet."""
        self.rower: str | None = None
        """The rower that the segments follow; None until one is heard."""
        self.position: Position | None = None
        """Where it stood last."""
        self.heart_rate: HeartRate | None = None
        """The latest measurement of a strap, valid or not."""
        self.erg: str | None = None
        """What a Concept2 monitor said it is on last: "RowErg", "SkiErg", "BikeErg"."""
        self.undone = False
        """Whether something was taken back: what was told before that may not be so."""
        self.relayed = Relayed()
        """For whoever closes the session: it is in the frames alone."""
        self._undoing = Undoing()
        self._hindsight = Hindsight()
        self._burst = Burst()
        self._given: Position | None = None
        """Where the rower stood as the tracker was told last."""
        self.frame_count = 0
        self._first_ns: int | None = None
        self._undecoded = 0
        self._link_losses = 0
        self._late = 0
        self._drag_factor: int | None = None
        self._monitors: dict[str, MonitorWord] = {}
        self._programmes: dict[str, Programme] = {}
        self._laps: list[FileLap] = []
        self._file: FileTotals | None = None

    def feed(self, delivery: Delivery) -> list[Fact]:
        """Take one delivery; the facts that it makes known, in order of time."""
        facts: list[Fact] = []
        frame = delivery.frame
        if frame is not None:
            if self._burst and self._burst.over(frame.t_ns):
                self._release(facts)
            self.frame_count += 1
            if self._first_ns is None:
                self._first_ns = frame.t_ns
            if frame.late_ns:
                self._late += 1
            if not frame.sent and frame.channel not in _UNHEARD:
                facts.extend(self.timeline.heard(frame.t_ns, frame.source))
        for record in delivery.records:
            self._take(record, facts)
        return facts

    def finish(self, t_ns: int) -> tuple[list[Fact], SessionTotals]:
        """End the session at `t_ns`: the last facts, and the session's figures."""
        facts: list[Fact] = []
        self._release(facts)
        last = self._catching_up
        if last is not None and not self.timeline.catching_up(last.source):
            # How far it went is known; how many strokes that took is told no more.
            self._give(replace(last, moved=last.moved or self._moved, after_gap=True), facts)
        facts.extend(self.timeline.finish(t_ns))
        facts.extend(self.tracker.finish(t_ns))
        return facts, self._totals(t_ns)

    def _take(self, record: Record, facts: list[Fact]) -> None:
        t_ns = record.t_ns
        if isinstance(record, RowerSample):
            position, odd = self.timeline.sample(record)
            facts.extend(odd)
            if record.drag_factor is not None:
                self._drag_factor = record.drag_factor
                if self.rower in (None, record.source):
                    drag_factor = record.drag_factor
                    self._tell(lambda tracker: tracker.drag_factor(t_ns, drag_factor), t_ns, facts)
            self._follow(position, facts, clocked=record.elapsed_s is not None)
            if record.heart_rate_bpm is not None:
                self.relayed.add(record)
                self._beat(record, facts, strap=False)
        elif isinstance(record, HeartRate):
            facts.append(record)
            self.heart_rate = record
            self.relayed.strap(record)
            self._beat(record, facts, strap=True)
        elif isinstance(record, Stroke):
            moved, ended = self.timeline.stroke(record)
            facts.extend(ended)
            if moved is not None:
                self._follow(moved, facts)
        elif isinstance(record, Tick):
            if self._burst and self._burst.over(t_ns):
                self._release(facts)
            self.timeline.tick(record)
            if self._recalls:
                self._tell(lambda tracker: tracker.tick(t_ns), t_ns, facts)
            else:
                facts.extend(self.tracker.tick(t_ns))
        else:
            facts.append(record)
            if isinstance(record, Flood):
                facts[-1] = flooded(record)
            elif isinstance(record, Link):
                self.timeline.link(record)
                self._link_losses += not record.up
            elif isinstance(record, Undecoded):
                self._undecoded += 1
            elif isinstance(record, Marker):
                self._key(record, facts)
            elif isinstance(record, MachineState):
                self._step(record, facts)
            elif isinstance(record, FileLap):
                self._laps.append(record)
            elif isinstance(record, FileTotals):
                self._file = record
                self._cut_by_laps(record)
            elif isinstance(record, MachineSplit | MachineSummary):
                word = self._monitors.setdefault(record.source, MonitorWord())
                word.take(record)
                if record.source == self.rower and not self._burst.holds(record):
                    self._give(record, facts)

    # Most that comes is position, heart rate and tick: they make no function to be called again
    # unless there is a key that could be taken back, or a stretch in doubt.

    @property
    def _recalls(self) -> bool:
        """Whether what is told may be told again otherwise."""
        return bool(self._undoing.keys) or bool(self._hindsight)

    def _tell(self, call: Callable[[Tracker], Found], t_ns: int, facts: list[Fact]) -> None:
        """Give the tracker something, again too when a key is taken back."""
        found = call(self.tracker)
        if self._undoing.keys:
            self._undoing.fed(call, found, t_ns)
        facts.extend(found)
        if self._hindsight:
            again = self._hindsight.fed(self.tracker, call, found, t_ns)
            if again is not None:
                self.undone = True
                self.tracker, back, found = again
                facts.append(back)
                facts.extend(found)

    def _cut_by_laps(self, said: FileTotals) -> None:
        """A file's laps, which stand before all else, cut the session unless another way is asked.

        Its own plan is what they follow; any other is another way.
        """
        untouched = type(self.tracker) is Tracker and self.position is None
        if self._laps and untouched and (self.plan is None or str(self.plan) == said.plan):
            self.tracker.device_led = True  # for who gave it: there was something to go by
            self.tracker = LapTracker(self._laps, self.plan)

    def _beat(self, record: HeartRate | RowerSample, facts: list[Fact], *, strap: bool) -> None:
        reading, odd = self.timeline.heart_rate(record)
        facts.extend(odd)
        if self._recalls:
            self._tell(lambda tracker: tracker.heart_rate(reading, strap=strap), record.t_ns, facts)
        else:
            facts.extend(self.tracker.heart_rate(reading, strap=strap))

    def _step(self, state: MachineState, facts: list[Fact]) -> None:
        """A monitor's own workout may go on with this state."""
        source = state.source
        if self.rower not in (None, source):
            return
        if state.state == "erg_machine":
            self.erg = state.text
        programme = self._programmes.get(source)
        if programme is None:
            programme = self._programmes[source] = Programme()
        step = programme.take(state, lambda field, raw: self.timeline.total(source, field, raw))
        if step is not None and not self._burst.holds(step):
            self._give(step, facts)

    def _follow(self, position: Position, facts: list[Fact], *, clocked: bool = False) -> None:
        """`clocked`: the machine told its time with it."""
        if self.rower is None:
            self.rower = position.source
        if position.source == self.rower:
            self.position = position
            if self.timeline.catching_up(position.source, self._needed):
                self._moved = self._moved or position.moved
                self._catching_up = position
                return  # nothing is said yet of how far it went in the gap
            self._catching_up = None
            if self.timeline.after_gap(position.source):
                position = replace(position, moved=position.moved or self._moved, after_gap=True)
                self._moved = False
            if not self._burst.holds(position, clocked=clocked):
                self._give(position, facts)

    def _give(self, heard: Heard, facts: list[Fact]) -> None:
        """Give the tracker what a rower says."""
        if isinstance(heard, Step):
            self._tell(lambda tracker: tracker.step(heard), heard.told_ns, facts)
            return
        if isinstance(heard, MachineSplit | MachineSummary):
            word = self._monitors[heard.source]
            self._tell(lambda tracker: word.of_segments(heard, tracker), heard.t_ns, facts)
            return
        if not self._undoing.keys:
            self._hindsight.comes(self.tracker, heard, self._given)
        self._given = heard
        if self._recalls:
            self._tell(lambda tracker: tracker.position(heard), heard.t_ns, facts)
        else:
            facts.extend(self.tracker.position(heard))

    def _release(self, facts: list[Fact]) -> None:
        """What was held back is whole: it is given where it belongs."""
        for heard in self._burst.taken(self._given):
            self._give(heard, facts)

    def _key(self, marker: Marker, facts: list[Fact]) -> None:
        t_ns = marker.t_ns
        self._release(facts)
        self._hindsight.forget()  # keys go by what is shown
        if marker.label == UNDO:
            taken_back = self._undoing.undo(t_ns)
            if taken_back is not None:
                self.undone = True
                self.tracker, back, found = taken_back
                facts.append(back)
                facts.extend(found)
            return
        if not is_key(marker.label):
            self._tell(lambda tracker: tracker.marker(t_ns, marker.label), t_ns, facts)
            return
        self._undoing.pressed(self.tracker, t_ns)
        found = self.tracker.marker(t_ns, marker.label)
        self._undoing.told(found)
        facts.extend(found)

    def _totals(self, end_ns: int) -> SessionTotals:
        tracker = self.tracker
        work, rowed, rest = tracker.work, tracker.rowed, tracker.rest
        first_ns = self._first_ns if self._first_ns is not None else end_ns
        duration_s = max(0.0, (end_ns - first_ns) / SECOND_NS)
        position = self.timeline.position(self.rower, end_ns) if self.rower is not None else None
        source = choose_heart_rate(tracker.session_heart_rate, tracker.straps)
        heart_rate = tracker.session_heart_rate[source] if source is not None else None
        coverage = 0.0 if tracker.session_heart_rate else None
        if heart_rate is not None and duration_s > 0:
            coverage = min(1.0, heart_rate.seconds / duration_s)
        pace = rate = None
        if rowed.duration_s > 0:
            if rowed.distance_m is not None:
                pace = mean_pace(rowed.distance_m, rowed.duration_s)
            if rowed.stroke_count is not None:
                rate = mean_rate(rowed.stroke_count, rowed.duration_s)
        of_work = [one.figures.origins for one in tracker.segments if one.kind == "work"]
        totals = with_origins(
            SessionTotals(
                activity=self._activity(),
                duration_s=duration_s,
                elapsed_s=position.elapsed_s if position is not None else None,
                work_s=work.duration_s,
                rest_s=rest.duration_s,
                distance_m=position.distance_m if position is not None else None,
                work_distance_m=work.distance_m,
                rest_distance_m=rest.distance_m,
                stroke_count=position.stroke_count if position is not None else None,
                energy_kcal=position.energy_kcal if position is not None else None,
                mean_pace_s_per_500m=pace,
                mean_power_w=work.power.mean,
                mean_stroke_rate_spm=rate,
                mean_heart_rate_bpm=heart_rate.mean if heart_rate is not None else None,
                max_heart_rate_bpm=heart_rate.maximum if heart_rate is not None else None,
                min_heart_rate_bpm=heart_rate.minimum if heart_rate is not None else None,
                heart_rate_coverage=coverage,
                heart_rate_source=source,
                drag_factor=self._drag_factor,
                frames=self.frame_count,
                undecoded=self._undecoded,
                gaps=self.timeline.gap_count,
                link_losses=self._link_losses,
                machine_resets=self.timeline.reset_count,
                late_frames=self._late,
            ),
            power_derived=work.power.derived,
            power_estimated=any(("mean_power_w", "estimated") in told for told in of_work),
            estimated=any(("distance_m", "estimated") in told for told in of_work),
        )
        monitor = self._monitors.get(self.rower) if self.rower is not None else None
        if monitor is not None:
            totals = monitor.outrank(totals)
        if self._file is not None:
            by_laps = not self._laps or isinstance(self.tracker, LapTracker)
            totals = outranked(totals, self._file, by_laps=by_laps)
        return totals

    def _activity(self) -> str:
        """What was done: "row", "circuit" (exercises alone), "mixed"; "other": a strap alone."""
        if self.plan is not None:
            activities = {piece.activity for piece in self.plan.pieces if piece.kind == "work"}
            if activities == {ROW}:
                return "row"
            return "mixed" if ROW in activities else "circuit"
        return "row" if self.rower is not None else "other"
