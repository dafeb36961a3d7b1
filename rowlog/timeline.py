"""From what machines say to what happened: unwraps counters, finds resets, infers strokes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rowlog.believing import STROKE_RATE_LIMIT_SPM, Believed
from rowlog.counters import SECOND_NS, Counter
from rowlog.hearing import Hearing
from rowlog.heart import Plausibility, Reading
from rowlog_drivers.records import Flood, HeartRate, Link, Record, RowerSample, Stroke, Tick

STANDSTILL_NS: Final = 2 * SECOND_NS
"""A distance counter that rests for longer stands still."""
STANDING_MPS: Final = 1.0
"""Slower than this over a stretch that was not seen, nobody was rowing."""
STILL_NS: Final = 3 * SECOND_NS
"""A stretch without samples that is longer may hide a standstill."""
STALLED_NS: Final = 10 * SECOND_NS
"""What a link holds back for less than this may all come yet, at once."""
CATCH_UP_NS: Final = 3 * SECOND_NS
"""For so long after a gap a machine's first readings are waited for."""
COAST_NS: Final = 6 * SECOND_NS
"""A flywheel runs on for this long after a stroke; metres beyond that are not rowing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Record):
    """A stretch in which a source was not heard; `t_ns` is its last frame before it."""

    end_ns: int
    """The first frame after it, or the session's end."""
    cause: str
    """"silence", or "link: " and the reason why it went down."""
    distance_before_m: float | None = None
    """Session distance by the machine's counter before the gap."""
    distance_after_m: float | None = None
    stroke_count_before: int | None = None
    stroke_count_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly(Record):
    """Something implausible or unusual, marked and never dropped."""

    kind: str
    """"machine_reset", "counter_wrap", "glitch", "jump", "counts_down", "spike", "doubted",
    "flood"."""
    field: str
    """The field that showed it."""
    value: float | None = None
    """The value as sent."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a rower stands after one delivery: session totals, counted from its first reading.

    A total is None until the machine has sent its counter.
    """

    t_ns: int
    source: str
    distance_m: float | None
    stroke_count: int | None
    energy_kcal: float | None
    elapsed_s: float | None
    exact_elapsed: bool
    """Whether the machine's time has parts of a second, so that pieces can run on it."""
    moved: bool
    """Whether this delivery shows rowing: a stroke, or metres soon after one."""
    began_ns: int | None
    """When the movement that goes on now began: a reported catch, or the last sample before the
    distance rose from standstill; None when nothing moves."""
    at_zero: bool
    """Whether the machine's own distance counter stands at 0."""
    distance_step_m: float
    """Resolution of the distance counter: 1.0 when only whole metres were seen."""
    power_w: float | None
    """As just said; None for what no rower does."""
    power_unknown: bool = False
    """Whether a power was said that is not believed: none is known from then on."""
    power_derived: bool = False
    """Whether the power is made from other values."""
    stroke_rate_spm: float | None
    pace_s_per_500m: float | None
    after_gap: bool = False
    """Whether the rower was not heard before for longer than is usual for it."""
    concluded: bool = False
    """Whether nobody heard the rower here: where it stood is concluded from before and after."""
    uncertainty_s: float = 0.0
    """Of a concluded position: half-width within which the true instant lies."""


class _Rower:
    """What the timeline keeps of one rowing machine."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.counters: dict[str, Counter] = {}
        self.reset_ns = -1
        self.exact_elapsed = False
        self.whole_metres = True
        self.starts = 0
        self.session_strokes = 0
        self.stroke: Stroke | None = None
        self.stroke_at: tuple[float | None, float | None] = (None, None)
        """The metres and the machine's time at which that stroke began."""
        self.counts_strokes = False
        self.last_stroke_ns: int | None = None
        self.sampled_ns: int | None = None
        self.rose_ns = 0
        self.rise_ns: int | None = None
        self.first_ns: int | None = None
        self.derived_m = 0.0
        self.derived_ns: int | None = None
        self.power: tuple[int, float] | None = None
        self.rate: tuple[int, float] | None = None
        self.rate_limit_spm = STROKE_RATE_LIMIT_SPM

    def total(self, field: str) -> float | None:
        counter = self.counters.get(field)
        if counter is None or counter.counts_down:
            return None
        return counter.total

    @property
    def distance_m(self) -> float | None:
        total = self.total("distance_m")
        if total is None and self.derived_m > 0:
            return self.derived_m
        return total

    @property
    def stroke_count(self) -> int | None:
        total = self.total("stroke_count")
        if total is not None:
            return int(total)
        return self.starts if self.starts else None


class Timeline:
    """Takes deliveries in order; tells where each rower stands and what happened.

    Pure and deterministic: the same deliveries give the same answers.
    """

    def __init__(self) -> None:
        self._rowers: dict[str, _Rower] = {}
        self._hearing: dict[str, Hearing] = {}
        self._hearts: dict[str, Plausibility] = {}
        self._waiting: dict[str, Gap] = {}
        self._gaps_before: set[str] = set()
        """Rowers of whose gap nothing has been said yet."""
        self._back_ns: dict[str, int] = {}
        """When a source was heard again after its latest gap."""
        self.gap_count = 0
        self.reset_count = 0

    def heard(self, t_ns: int, source: str) -> list[Record]:
        """A frame of `source` came in (not one that was sent); () or the gap that it ends."""
        hearing = self._hearing.get(source)
        if hearing is None:
            hearing = self._hearing[source] = Hearing()
        before_ns = hearing.heard(t_ns)
        if before_ns is None:
            return []
        gap = self._gap(source, before_ns, t_ns, hearing)
        self._back_ns[source] = t_ns
        if source in self._rowers:
            self._waiting[source] = gap
            self._gaps_before.add(source)
            return []
        return [gap]

    def tick(self, tick: Tick) -> None:
        """A second went by."""
        for hearing in self._hearing.values():
            hearing.tick(tick.t_ns)

    def silent(self, source: str) -> bool:
        """Whether a source that was heard is silent now, for longer than is usual for it."""
        hearing = self._hearing.get(source)
        return hearing is not None and hearing.silent

    def link(self, link: Link) -> None:
        """A link went up or down: a gap that follows a loss is the link's."""
        hearing = self._hearing.get(link.source)
        if hearing is not None and not link.up:
            hearing.down_reason = link.reason or "lost"
            hearing.silent = True

    def sample(self, sample: RowerSample) -> tuple[Position, list[Record]]:
        """A machine's sample: where the rower stands now, and what is odd or new."""
        rower = self._rower(sample.source)
        t_ns = sample.t_ns
        facts: list[Record] = []
        strokes_before = rower.stroke_count
        distance_before = rower.distance_m
        if rower.first_ns is None:
            rower.first_ns = t_ns
        if sample.elapsed_s is not None:
            rower.exact_elapsed = rower.exact_elapsed or sample.elapsed_s % 1 != 0
            self._count(rower, "elapsed_s", t_ns, sample.elapsed_s, facts)
        if sample.distance_m is not None:
            rower.whole_metres = rower.whole_metres and sample.distance_m % 1 == 0
            self._count(rower, "distance_m", t_ns, sample.distance_m, facts)
        if sample.energy_kcal is not None:
            self._count(rower, "energy_kcal", t_ns, sample.energy_kcal, facts)
        counted_ns = 0
        if sample.stroke_count is not None:
            rower.counts_strokes = True
            counter = rower.counters.get("stroke_count")
            counted_ns = counter.last_ns if counter is not None else t_ns
            self._count(rower, "stroke_count", t_ns, sample.stroke_count, facts)
        if sample.power_w is not None:
            rower.power = (t_ns, sample.power_w)
        if sample.stroke_rate_spm is not None:
            rower.rate = (t_ns, sample.stroke_rate_spm)
        believed = sample if isinstance(sample, Believed) else None
        if believed is not None:
            rower.rate_limit_spm = believed.stroke_rate_limit_spm
            facts.extend(_doubted(believed))
        strokes = rower.stroke_count
        stroked = strokes is not None and strokes > (strokes_before or 0)
        if stroked and strokes_before is None:
            stroked = False
        fresh = not self._told_late(rower, sample, counted_ns)
        if stroked and not fresh:
            rower.last_stroke_ns = t_ns
        if stroked and strokes is not None and not rower.starts:
            facts.extend(self._infer(rower, t_ns, strokes - (strokes_before or 0)))
        self._derive_distance(rower, sample)
        position = self._position(
            rower,
            t_ns,
            stroked=stroked and fresh,
            distance_before=distance_before,
            had_distance=sample.distance_m is not None
            or (sample.pace_s_per_500m is not None and "distance_m" not in rower.counters),
            power_w=sample.power_w,
            stroke_rate_spm=sample.stroke_rate_spm,
            pace_s_per_500m=sample.pace_s_per_500m,
            power_unknown=believed is not None and "power_w" in believed.unknown,
            power_derived=believed is not None and "power_w" in believed.derived,
        )
        gap = self._waiting.get(sample.source)
        if gap is not None and self._counted_since(rower, gap, ("distance_m", "stroke_count")):
            facts.append(self._explained(rower, self._waiting.pop(sample.source)))
        return position, facts

    def after_gap(self, source: str) -> bool:
        """Whether what a rower says now is the first since a gap; told once."""
        if source not in self._gaps_before:
            return False
        self._gaps_before.discard(source)
        return True

    def _told_late(self, rower: _Rower, sample: RowerSample, counted_ns: int) -> bool:
        """Whether strokes were made before a gap was over, after which its metres were told."""
        back_ns = self._back_ns.get(rower.source)
        if back_ns is None or sample.stroke_count is None or sample.distance_m is not None:
            return False
        distance = rower.counters.get("distance_m")
        return distance is not None and counted_ns < back_ns <= distance.last_ns

    def catching_up(self, source: str, more: tuple[str, ...] = ()) -> bool:
        """Whether a rower is heard again after a gap, but its counters are not known yet.

        `more`: counters that are needed besides that of its metres.
        """
        gap = self._waiting.get(source)
        rower = self._rowers.get(source)
        if gap is None or rower is None:
            return False
        field = "distance_m" if "distance_m" in rower.counters else "stroke_count"
        short = gap.end_ns - gap.t_ns < STALLED_NS
        if short and rower.exact_elapsed:  # it may all be held back, and come at once
            more = tuple(counter for counter in more if counter != "stroke_count")
        return not self._counted_since(rower, gap, (field, *more))

    def heart_rate(self, record: HeartRate | RowerSample) -> tuple[Reading, list[Record]]:
        """A heart rate, measured or relayed: what it stands for, and the spike that it ends."""
        plausibility = self._hearts.get(record.source)
        if plausibility is None:
            plausibility = self._hearts[record.source] = Plausibility()
        reading = plausibility.read(record)
        if reading.spike_ns is None:
            return reading, []
        spike = Anomaly(
            t_ns=reading.spike_ns,
            source=record.source,
            kind="spike",
            field="heart_rate_bpm",
            value=reading.spike_bpm,
        )
        return reading, [spike]

    def stroke(self, stroke: Stroke) -> tuple[Position | None, list[Record]]:
        """A stroke as the machine reports it, perhaps in several records of one number."""
        rower = self._rower(stroke.source)
        pending = rower.stroke
        if pending is not None and pending.number == stroke.number:
            rower.stroke = _merged(pending, stroke)
            return None, []
        facts: list[Record] = []
        if pending is not None:
            facts.append(self._numbered(rower, pending))
        rower.starts += 1
        rower.counts_strokes = True
        rower.stroke = stroke
        rower.stroke_at = (rower.distance_m, rower.total("elapsed_s"))
        position = self._position(
            rower,
            stroke.t_ns,
            stroked=True,
            distance_before=rower.distance_m,
            had_distance=False,
            power_w=pending.power_w if pending is not None else None,
            stroke_rate_spm=pending.stroke_rate_spm if pending is not None else None,
            pace_s_per_500m=None,
            began_ns=stroke.t_ns,
        )
        return position, facts

    def finish(self, t_ns: int) -> list[Record]:
        """The session ends at `t_ns`: what was pending is decided."""
        facts: list[Record] = []
        for rower in self._rowers.values():
            for field, counter in rower.counters.items():
                before_ns = counter.last_ns
                odd = counter.settle()
                if odd is not None:
                    self._note(rower, field, before_ns, t_ns, odd, facts)
            if rower.stroke is not None:
                facts.append(self._numbered(rower, rower.stroke))
                rower.stroke = None
        for source, gap in self._waiting.items():
            facts.append(self._explained(self._rowers[source], gap))
        self._waiting.clear()
        for source, hearing in self._hearing.items():
            hearing.tick(t_ns)
            if hearing.silent and hearing.last_ns is not None and t_ns > hearing.last_ns:
                facts.append(self._gap(source, hearing.last_ns, t_ns, hearing))
        return facts

    def position(self, source: str, t_ns: int) -> Position | None:
        """Where the rower stands at `t_ns` by what was said so far; None before anything was."""
        rower = self._rowers.get(source)
        if rower is None:
            return None
        return self._position(
            rower,
            t_ns,
            stroked=False,
            distance_before=rower.distance_m,
            had_distance=False,
            power_w=None,
            stroke_rate_spm=None,
            pace_s_per_500m=None,
        )

    def total(self, source: str, field: str, raw: float) -> float:
        """What a reading of a counter stands for in the session; 0 for its first one."""
        rower = self._rowers.get(source)
        counter = rower.counters.get(field) if rower is not None else None
        if counter is None or counter.total is None or counter.raw is None:
            return 0.0
        return counter.total + raw - counter.raw

    def _rower(self, source: str) -> _Rower:
        rower = self._rowers.get(source)
        if rower is None:
            rower = self._rowers[source] = _Rower(source)
        return rower

    def _count(self, rower: _Rower, field: str, t_ns: int, raw: float, facts: list[Record]) -> None:
        counter = rower.counters.get(field)
        if counter is None:
            base = 0.0
            if field == "stroke_count":
                base = float(rower.starts)
            elif field == "distance_m":
                base = rower.derived_m
            counter = rower.counters[field] = Counter(field, base)
        counted_down = counter.counts_down
        before_ns = counter.last_ns
        odd = counter.update(t_ns, raw)
        if odd is not None:
            self._note(rower, field, before_ns, t_ns, odd, facts)
        elif counter.counts_down and not counted_down:
            facts.append(
                Anomaly(t_ns=t_ns, source=rower.source, kind="counts_down", field=field, value=raw)
            )

    def _note(
        self,
        rower: _Rower,
        field: str,
        before_ns: int,
        t_ns: int,
        odd: tuple[str, float],
        facts: list[Record],
    ) -> None:
        kind, value = odd
        detail = ""
        if kind == "machine_reset":
            if before_ns <= rower.reset_ns:
                return  # another counter of a machine whose restart is known already
            rower.reset_ns = t_ns
            self.reset_count += 1
            hidden = rower.counters[field].estimated
            detail = f"{hidden:.1f} estimated for what the restart hid" if hidden else ""
        facts.append(
            Anomaly(
                t_ns=t_ns, source=rower.source, kind=kind, field=field, value=value, detail=detail
            )
        )

    def _derive_distance(self, rower: _Rower, sample: RowerSample) -> None:
        """Metres from pace for machines that send no distance; dropped once they do."""
        if "distance_m" in rower.counters or sample.pace_s_per_500m is None:
            return
        before_ns, rower.derived_ns = rower.derived_ns, sample.t_ns
        rowing = not rower.counts_strokes or (
            rower.last_stroke_ns is not None and sample.t_ns - rower.last_stroke_ns <= COAST_NS
        )
        late = rower.first_ns is not None and sample.t_ns - rower.first_ns >= 3 * SECOND_NS
        if before_ns is None or not rowing or not late:
            return
        if 60 <= sample.pace_s_per_500m <= 600:
            seconds = min((sample.t_ns - before_ns) / SECOND_NS, 5.0)
            rower.derived_m += seconds * 500.0 / sample.pace_s_per_500m

    def _position(
        self,
        rower: _Rower,
        t_ns: int,
        *,
        stroked: bool,
        distance_before: float | None,
        had_distance: bool,
        power_w: float | None,
        stroke_rate_spm: float | None,
        pace_s_per_500m: float | None,
        began_ns: int | None = None,
        power_unknown: bool = False,
        power_derived: bool = False,
    ) -> Position:
        distance = rower.distance_m
        rise = distance - distance_before if distance is not None and distance_before else 0.0
        rose = distance is not None and distance_before is not None and distance > distance_before
        # Strokes of an unseen stretch are counted late, its metres tell of them at once.
        unseen_ns = t_ns - rower.sampled_ns if rower.sampled_ns is not None else 0
        gap = self._waiting.get(rower.source)
        if gap is not None:  # machines that tell changes only were heard after their last metre
            unseen_ns = min(unseen_ns, t_ns - gap.t_ns)
        rowed_unseen = unseen_ns > STILL_NS and rise >= STANDING_MPS * unseen_ns / SECOND_NS
        if stroked:
            rower.last_stroke_ns = t_ns
        if rose:
            if rower.rise_ns is None:
                rower.rise_ns = rower.sampled_ns
            rower.rose_ns = t_ns
        elif had_distance and t_ns - rower.rose_ns > STANDSTILL_NS:
            rower.rise_ns = None
        if had_distance:
            rower.sampled_ns = t_ns
        coasting = rower.last_stroke_ns is not None and t_ns - rower.last_stroke_ns <= COAST_NS
        moved = stroked or (rose and (not rower.counts_strokes or coasting or rowed_unseen))
        if began_ns is None and moved:
            began_ns = rower.rise_ns
        counter = rower.counters.get("distance_m")
        strokes = rower.stroke_count
        return Position(
            t_ns=t_ns,
            source=rower.source,
            distance_m=distance,
            stroke_count=strokes,
            energy_kcal=rower.total("energy_kcal"),
            elapsed_s=rower.total("elapsed_s"),
            exact_elapsed=rower.exact_elapsed,
            moved=moved,
            began_ns=began_ns,
            at_zero=counter is not None and counter.raw == 0,
            distance_step_m=1.0 if rower.whole_metres else 0.0,
            power_w=power_w if power_w is not None and 0 <= power_w <= 2000 else None,
            stroke_rate_spm=stroke_rate_spm,
            pace_s_per_500m=pace_s_per_500m,
            power_unknown=power_unknown,
            power_derived=power_derived,
        )

    def _infer(self, rower: _Rower, t_ns: int, count: int) -> list[Record]:
        """Strokes concluded from the counter, spread over the time since the one before."""
        since_ns = rower.last_stroke_ns
        if since_ns is None or t_ns - since_ns > COAST_NS * count:
            since_ns = t_ns
        rate = _fresh(rower.rate, t_ns)
        if rate is not None and not 0 < rate <= rower.rate_limit_spm:
            rate = None
        power = _fresh(rower.power, t_ns)
        strokes: list[Record] = []
        for number in range(1, count + 1):
            rower.session_strokes += 1
            strokes.append(
                Stroke(
                    t_ns=since_ns + (t_ns - since_ns) * number // count,
                    source=rower.source,
                    number=rower.session_strokes,
                    stroke_rate_spm=rate,
                    power_w=power if power is not None and 0 < power <= 2000 else None,
                    total_distance_m=rower.distance_m,
                    elapsed_s=rower.total("elapsed_s"),
                    inferred=True,
                )
            )
        return strokes

    def _numbered(self, rower: _Rower, stroke: Stroke) -> Stroke:
        rower.session_strokes += 1
        metres, elapsed_s = rower.stroke_at
        return Stroke(  # every field by name, in a third of the time that `replace` takes
            t_ns=stroke.t_ns,
            source=stroke.source,
            number=rower.session_strokes,
            stroke_rate_spm=stroke.stroke_rate_spm,
            drive_s=stroke.drive_s,
            recovery_s=stroke.recovery_s,
            drive_length_m=stroke.drive_length_m,
            distance_m=stroke.distance_m,
            power_w=stroke.power_w,
            work_j=stroke.work_j,
            peak_force_n=stroke.peak_force_n,
            mean_force_n=stroke.mean_force_n,
            force_curve_n=stroke.force_curve_n,
            total_distance_m=metres,
            elapsed_s=elapsed_s,
            inferred=stroke.inferred,
        )

    def _counted_since(self, rower: _Rower, gap: Gap, fields: tuple[str, ...]) -> bool:
        """Whether those of the counters that there are were read after a gap, or it is long ago."""
        hearing = self._hearing[rower.source]
        if hearing.last_ns is not None and hearing.last_ns - gap.end_ns > CATCH_UP_NS:
            return True
        return all(
            rower.counters[field].last_ns >= gap.end_ns
            for field in fields
            if field in rower.counters
        )

    def _gap(self, source: str, before_ns: int, t_ns: int, hearing: Hearing) -> Gap:
        self.gap_count += 1
        rower = self._rowers.get(source)
        reason, hearing.down_reason = hearing.down_reason, None
        return Gap(
            t_ns=before_ns,
            source=source,
            end_ns=t_ns,
            cause="silence" if reason is None else f"link: {reason}",
            distance_before_m=rower.distance_m if rower is not None else None,
            stroke_count_before=rower.stroke_count if rower is not None else None,
        )

    def _explained(self, rower: _Rower, gap: Gap) -> Gap:
        return replace(
            gap, distance_after_m=rower.distance_m, stroke_count_after=rower.stroke_count
        )


def flooded(record: Flood) -> Anomaly:
    """So many frames were left out, since their source sent more than are kept."""
    return Anomaly(
        t_ns=record.t_ns, source=record.source, kind="flood", field="frames", value=record.count
    )


def _doubted(sample: Believed) -> list[Record]:
    return [
        Anomaly(
            t_ns=sample.t_ns,
            source=sample.source,
            kind="doubted",
            field=doubt.field,
            value=doubt.value,
            detail=doubt.treatment,
        )
        for doubt in sample.doubts
    ]


def _fresh(reading: tuple[int, float] | None, t_ns: int) -> float | None:
    """A value that is at most three seconds old."""
    if reading is None or t_ns - reading[0] > 3 * SECOND_NS:
        return None
    return reading[1]


def _merged(earlier: Stroke, later: Stroke) -> Stroke:
    """One stroke from two records of its number: what the later one says wins."""
    return replace(
        earlier,
        **{name: value for name in _STROKE_VALUES if (value := getattr(later, name)) is not None},
    )


_STROKE_VALUES: Final = (
    "stroke_rate_spm",
    "drive_s",
    "recovery_s",
    "drive_length_m",
    "distance_m",
    "power_w",
    "work_j",
    "peak_force_n",
    "mean_force_n",
    "force_curve_n",
)
