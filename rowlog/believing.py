"""Which values of a machine are believed: those that it is known to get wrong count in nothing.

What a machine of a certain name gets wrong stands with its quirks; here is what each treatment
named there does. The frames keep what was sent, and each stretch that is not believed is marked.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog_drivers.interface import Delivery
from rowlog_drivers.records import Record, RowerSample

ROWING_NS: Final = 6 * SECOND_NS
"""Without a stroke for longer nobody rows: the timeline's coasting."""
BETWEEN_NS: Final = 3 * SECOND_NS
"""0 W so soon after a power, while strokes are made, is no power."""
RECALLED_STROKES: Final = 6
"""Over the latest so many strokes a rate is taken; a count comes with a reading, up to 1 s late."""
STRETCH_NS: Final = 10 * SECOND_NS
"""What is not believed again within this time belongs to one stretch, which is marked once."""
STROKE_RATE_LIMIT_SPM: Final = 80.0
"""No rower is faster."""
BOTH_SIDES_LIMIT_SPM: Final = 160.0
"""Nor a paddler, whose strokes on both sides are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """The first value of a stretch that is not believed."""

    field: str
    value: float
    """As sent."""
    treatment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Believed(RowerSample):
    """A machine's sample as it is believed."""

    unknown: tuple[str, ...] = ()
    """Fields that were sent and are not believed: they are None here."""
    derived: tuple[str, ...] = ()
    """Fields that stand for what was sent, and are made from other values."""
    doubts: tuple[Doubt, ...] = ()
    """Stretches that begin with this sample."""
    stroke_rate_limit_spm: float = STROKE_RATE_LIMIT_SPM
    """A faster stroke rate is no rate."""


class Believing:
    """Judges the samples of machines that are treated in some way, in order of processing.

    Pure and deterministic, so that a recording and its rebuild judge alike.
    """

    def __init__(self, treatments: Mapping[str, tuple[str, ...]]) -> None:
        """`treatments`: by source, names as the quirks have them.

        Raises KeyError for a name that means nothing.
        """
        self._machines = {
            source: _Machine({name: _TREATMENTS[name] for name in names})
            for source, names in treatments.items()
            if names
        }

    def judge(self, delivery: Delivery) -> Delivery:
        """The delivery, its samples as they are believed."""
        frame = delivery.frame
        if frame is None or frame.source not in self._machines:
            return delivery
        machine = self._machines[frame.source]
        records: tuple[Record, ...] = tuple(
            machine.judge(record) if isinstance(record, RowerSample) else record
            for record in delivery.records
        )
        return Delivery(frame, records)


@dataclass(slots=True)
class _Verdict:
    """What is made of one sample."""

    changed: dict[str, float | None]
    stroke_rate_limit_spm: float = STROKE_RATE_LIMIT_SPM

    def doubt(self, sample: RowerSample, *names: str) -> None:
        """Believe nothing of these, where they were sent as something."""
        for name in names:
            if getattr(sample, name):
                self.changed[name] = None


class _Machine:
    """What is remembered of one machine."""

    def __init__(self, treatments: Mapping[str, Treatment]) -> None:
        self._treatments = treatments
        self._doubted_ns: dict[str, int] = {}
        self._count: int | None = None
        self.stroked_ns: int | None = None
        """When a stroke was last counted; at first, when the count was first seen."""
        self.strokes_since_rest = 0
        self.strokes: deque[tuple[int, int]] = deque(maxlen=RECALLED_STROKES)
        """Times and counts of the latest strokes of this bout."""
        self.rate_spm: float | None = None
        self.powered_ns: int | None = None
        """When a power was last told."""

    def judge(self, sample: RowerSample) -> Believed:
        self._remember(sample)
        verdict = _Verdict({})
        doubts: list[Doubt] = []
        for name, treatment in self._treatments.items():
            before = dict(verdict.changed)
            treatment(self, sample, verdict)
            for field in verdict.changed.keys() - before.keys():
                if verdict.changed[field] != getattr(sample, field):
                    doubts += self._doubts(field, sample, name)
        if sample.power_w:
            self.powered_ns = sample.t_ns
        changed = verdict.changed
        sent = {one.name: getattr(sample, one.name) for one in fields(RowerSample)}
        return Believed(
            **{**sent, **changed},
            unknown=tuple(name for name, value in changed.items() if value is None),
            derived=tuple(name for name, value in changed.items() if value is not None),
            doubts=tuple(doubts),
            stroke_rate_limit_spm=verdict.stroke_rate_limit_spm,
        )

    def rests(self, t_ns: int) -> bool:
        """Whether no stroke was counted for so long that nobody rows."""
        return self.stroked_ns is not None and t_ns - self.stroked_ns > ROWING_NS

    def _remember(self, sample: RowerSample) -> None:
        if sample.stroke_rate_spm is not None:
            self.rate_spm = sample.stroke_rate_spm
        count, before = sample.stroke_count, self._count
        if count is None or count == before:
            return
        self._count = count
        if before is None or count < before:  # a machine that restarts, or a count that came round
            self.strokes.clear()
        elif self.rests(sample.t_ns):
            self.strokes.clear()
            self.strokes_since_rest = count - before
        else:
            self.strokes_since_rest += count - before
        if before is not None:
            self.strokes.append((sample.t_ns, count))
        self.stroked_ns = sample.t_ns

    def _doubts(self, field: str, sample: RowerSample, treatment: str) -> list[Doubt]:
        value = getattr(sample, field)
        if value is None:
            return []
        last_ns = self._doubted_ns.get(field)
        self._doubted_ns[field] = sample.t_ns
        if last_ns is not None and sample.t_ns - last_ns <= STRETCH_NS:
            return []
        return [Doubt(field=field, value=float(value), treatment=treatment)]


Treatment = Callable[[_Machine, RowerSample, _Verdict], None]


def _power_from_pace(_: _Machine, sample: RowerSample, verdict: _Verdict) -> None:
    """Power is the pace's: 2.80 / (pace / 500)^3, Concept2's published relation."""
    pace = sample.pace_s_per_500m
    if pace is not None and 60 <= pace <= 600:
        verdict.changed["power_w"] = 2.80 / (pace / 500) ** 3
    elif sample.power_w is not None:
        verdict.changed["power_w"] = 0.0 if pace == 0 else None


def _rate_zero_is_rest(machine: _Machine, sample: RowerSample, verdict: _Verdict) -> None:
    """Pace and power count only while the stroke rate is above 0."""
    if machine.rate_spm == 0:
        verdict.doubt(sample, "pace_s_per_500m", "power_w")


def _values_stay(machine: _Machine, sample: RowerSample, verdict: _Verdict) -> None:
    """Rate, pace and power count only as long as strokes are counted."""
    if machine.rests(sample.t_ns):
        verdict.doubt(sample, "stroke_rate_spm", "pace_s_per_500m", "power_w")


def _zero_power_between(machine: _Machine, sample: RowerSample, verdict: _Verdict) -> None:
    """0 W between two strokes' powers is none."""
    recent = machine.powered_ns is not None and sample.t_ns - machine.powered_ns <= BETWEEN_NS
    if sample.power_w == 0 and recent and machine.rate_spm:
        verdict.changed["power_w"] = None


def _rate_from_count(machine: _Machine, sample: RowerSample, verdict: _Verdict) -> None:
    """The stroke rate is that of the strokes counted lately; none while none is."""
    if sample.stroke_rate_spm is None:
        return
    rate = None
    if len(machine.strokes) > 2 and not machine.rests(sample.t_ns):
        (first_ns, first), (last_ns, last) = machine.strokes[0], machine.strokes[-1]
        if last_ns > first_ns:  # strokes told at one instant, as after a hold-up, have no rate
            rate = 60.0 * (last - first) * SECOND_NS / (last_ns - first_ns)
    if rate is not None or sample.stroke_rate_spm:
        verdict.changed["stroke_rate_spm"] = rate


def _late_start(machine: _Machine, sample: RowerSample, verdict: _Verdict) -> None:
    """Pace and power count from the second stroke after a start or a rest."""
    if machine.strokes_since_rest < 2 or machine.rests(sample.t_ns):
        verdict.doubt(sample, "pace_s_per_500m", "power_w")


def _both_sides(_: _Machine, __: RowerSample, verdict: _Verdict) -> None:
    """Strokes on either side are counted: twice the rate is possible."""
    verdict.stroke_rate_limit_spm = BOTH_SIDES_LIMIT_SPM


_TREATMENTS: Final[Mapping[str, Treatment]] = {
    "power_from_pace": _power_from_pace,
    "rate_zero_is_rest": _rate_zero_is_rest,
    "values_stay": _values_stay,
    "zero_power_between": _zero_power_between,
    "rate_from_count": _rate_from_count,
    "late_start": _late_start,
    "both_sides": _both_sides,
}
