"""Where pieces begin and end: machines and rowers of every kind, drawn with a ruler.

The rowers here hold one speed exactly, so that every expected instant can be worked out by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from math import floor

import pytest

from rowlog.derivation import Derivation
from rowlog.intervals import Segment, Split, Tracker
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.timeline import Gap, Position
from rowlog.totals import SessionTotals
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Delivery
from rowlog_drivers.records import HeartRate, Link, Marker, Record, RowerSample

S = 1_000_000_000
MPS = 4.0
"""Everybody rows at 4 m/s, 2:05 / 500 m, and 30 strokes a minute."""

Phase = tuple[str, float]
"""("row" or "still", seconds)"""
Said = Callable[[RowerSample], RowerSample]


def rower(
    phases: Iterable[Phase],
    *,
    hz: float = 2.0,
    step_m: float = 1.0,
    source: str = "rower",
    silent_when_still: bool = False,
    said: Said = lambda sample: sample,
) -> list[RowerSample]:
    """What a machine says while phases are rowed, from 0 s on."""
    spans = []
    begin, metres, strokes = 0.0, 0.0, 0
    for kind, seconds in phases:
        spans.append((kind, begin, seconds, metres, strokes))
        begin += seconds
        if kind == "row":
            metres += MPS * seconds
            strokes += int(seconds / 2)
    samples = []
    for number in range(int(begin * hz) + 1):
        second = number / hz
        kind, start, _, before_m, before = [span for span in spans if span[1] <= second][-1]
        rowing = kind == "row"
        into = second - start
        metres = before_m + (MPS * into if rowing else 0.0)
        if not rowing and silent_when_still and into > 1:
            continue
        samples.append(
            said(
                RowerSample(
                    t_ns=round(second * S),
                    source=source,
                    distance_m=floor(metres / step_m) * step_m,
                    # A stroke is counted at its catch: the first one as the rowing begins.
                    stroke_count=before + (int(into / 2) + (into > 0) if rowing else 0),
                    pace_s_per_500m=500 / MPS if rowing else 0,
                    power_w=180.0 if rowing else 0.0,
                )
            )
        )
    return samples


def strap(beats: Iterable[tuple[float, int]], source: str = "strap") -> list[HeartRate]:
    return [
        HeartRate(t_ns=round(second * S), source=source, heart_rate_bpm=bpm, contact=True)
        for second, bpm in beats
    ]


def key(second: float, label: str = "next") -> Marker:
    return Marker(t_ns=round(second * S), source="user", label=label)


@dataclass
class Outcome:
    """What became of a session."""

    totals: SessionTotals
    facts: list[Fact] = field(default_factory=list)

    @property
    def segments(self) -> list[Segment]:
        """As they stand at the end: a segment may be told again."""
        latest = {fact.index: fact for fact in self.facts if isinstance(fact, Segment)}
        return [latest[index] for index in sorted(latest)]

    @property
    def splits(self) -> list[Split]:
        return [fact for fact in self.facts if isinstance(fact, Split)]

    @property
    def kinds(self) -> list[str]:
        return [segment.kind for segment in self.segments]

    @property
    def seconds(self) -> list[tuple[float, float]]:
        return [(s.start.t_ns / S, s.end.t_ns / S) for s in self.segments]

    @property
    def metres(self) -> list[float | None]:
        return [segment.figures.distance_m for segment in self.segments]


def lived(plan: str | None, *streams: Iterable[Record], end_s: float | None = None) -> Outcome:
    """A session of these records, whatever their order, through buffer and pipeline."""
    records = [record for stream in streams for record in stream]
    channels = {RowerSample: "2ad1", HeartRate: "2a37", Marker: "key", Link: "link"}
    deliveries = [
        Delivery(Frame(t_ns=r.t_ns, source=r.source, channel=channels[type(r)], payload=b""), (r,))
        for r in records
    ]
    derivation = Derivation(parse(plan) if plan is not None else None)
    facts = list(derivation.take(deliveries).facts)
    last_ns = max(record.t_ns for record in records)
    end_ns = last_ns if end_s is None else round(end_s * S)
    derived, totals = derivation.finish(end_ns)
    return Outcome(totals, facts + list(derived.facts))


def check_whole(outcome: Outcome) -> None:
    """Segments follow each other, and none overlaps another."""
    for one, other in zip(outcome.segments, outcome.segments[1:], strict=False):
        assert one.end.t_ns <= other.start.t_ns
        assert one.start.t_ns < one.end.t_ns


# 500 m at 4 m/s: 125 s.
REPS = [("still", 5), *[("row", 125), ("still", 60)] * 3]


@pytest.mark.parametrize("hz", [1, 2, 4])
@pytest.mark.parametrize("step_m", [0.01, 1, 10])
def test_reps_by_distance(hz: float, step_m: float) -> None:
    outcome = lived("3x500m/1:00r", rower(REPS, hz=hz, step_m=step_m))
    assert outcome.kinds == ["work", "rest"] * 3
    assert [s.ended_by for s in outcome.segments] == ["target", "rest_over"] * 3
    check_whole(outcome)
    slack_s = max(1 / hz, step_m / MPS)
    for place, (start, end) in enumerate(outcome.seconds[::2]):
        assert start == pytest.approx(5 + 185 * place, abs=slack_s)
        assert end == pytest.approx(130 + 185 * place, abs=slack_s)
    assert outcome.metres[::2] == [500.0] * 3
    assert outcome.totals.distance_m == 1500
    assert outcome.totals.work_distance_m == 1500


def test_reps_by_time() -> None:
    phases = [("still", 3), *[("row", 60), ("still", 60)] * 4]
    outcome = lived("4x1:00/1:00r", rower(phases))
    assert outcome.kinds == ["work", "rest"] * 4
    for place, (start, end) in enumerate(outcome.seconds[::2]):
        assert start == pytest.approx(3 + 120 * place, abs=0.5)
        assert end == pytest.approx(63 + 120 * place, abs=0.5)
    assert outcome.metres[::2] == pytest.approx([240] * 4, abs=3)


def test_reps_by_energy() -> None:
    def energy(sample: RowerSample) -> RowerSample:
        # 0.25 kcal a second while it is rowed, in steps of one: 1 kcal every 16 m.
        return replace(sample, energy_kcal=floor((sample.distance_m or 0) / 16))

    phases = [("still", 3), ("row", 80), ("still", 30), ("row", 80), ("still", 30)]
    outcome = lived("2x20cal/0:30r", rower(phases, said=energy))
    assert outcome.kinds == ["work", "rest"] * 2
    assert [s.figures.energy_kcal for s in outcome.segments][::2] == [20, 20]
    for place, (_, end) in enumerate(outcome.seconds[::2]):
        assert end == pytest.approx(83 + 110 * place, abs=4)


def test_a_rest_of_undefined_length_ends_when_rowing_begins() -> None:
    phases = [("still", 3), ("row", 125), ("still", 47), ("row", 125), ("still", 71), ("row", 125)]
    outcome = lived("3x500m/...r", rower([*phases, ("still", 20)]))
    assert outcome.kinds == ["work", "rest"] * 3
    for (start, end), expected in zip(
        outcome.seconds[1::2], [(128, 175), (300, 371), (496, 516)], strict=True
    ):
        assert start == pytest.approx(expected[0], abs=0.5)
        assert end == pytest.approx(expected[1], abs=0.5)


def test_a_rest_as_long_as_the_work() -> None:
    phases = [("still", 3), *[("row", 125), ("still", 125)] * 2]
    outcome = lived("2x500m/1:1", rower(phases), end_s=503)
    assert outcome.kinds == ["work", "rest"] * 2
    assert outcome.seconds[1] == pytest.approx((128, 253), abs=0.6)


def test_a_rest_until_the_heart_rate_has_fallen() -> None:
    phases = [("still", 3), ("row", 125), ("still", 40), ("row", 125), ("still", 60)]
    beats = [(s, 160 if s < 128 else max(100, 160 - (s - 128))) for s in range(172)]
    beats += [(s, 160 if s < 293 else max(100, 160 - (s - 293))) for s in range(172, 354)]
    outcome = lived("2x500m/rest until <120bpm", rower(phases), strap(beats))
    assert outcome.kinds[:3] == ["work", "rest", "work"]
    # 160 at 128 s, one less each second: 120 at 168 s, the first that is not above.
    assert outcome.seconds[1][1] == pytest.approx(168, abs=1)


def test_one_stray_beat_ends_no_rest() -> None:
    phases = [("still", 3), ("row", 125), ("still", 60)]
    beats = [(s, 60 if s in (140, 141) else 160 if s < 170 else 110) for s in range(188)]
    outcome = lived("500m/rest until <120bpm", rower(phases), strap(beats))
    assert outcome.seconds[1][1] == pytest.approx(170, abs=1)


def test_a_rest_that_waits_for_the_heart_ends_at_its_bound() -> None:
    plan = parse("2x500m/1:00r")
    pieces = tuple(
        replace(
            piece,
            target=replace(piece.target, type="heart_rate_below", value=100.0, at_most_s=90.0),
        )
        if piece.kind == "rest"
        else piece
        for piece in plan.pieces
    )
    derivation = Derivation(replace(plan, pieces=pieces))
    records: list[Record] = [
        *rower([("still", 3), ("row", 125), ("still", 120)]),
        *strap((s, 150) for s in range(248)),
    ]
    deliveries = [
        Delivery(Frame(t_ns=r.t_ns, source=r.source, channel="2ad1", payload=b""), (r,))
        for r in records
    ]
    facts = [*derivation.take(deliveries).facts, *derivation.finish(248 * S)[0].facts]
    outcome = Outcome(SessionTotals(activity="row", duration_s=0, work_s=0, rest_s=0), facts)
    assert outcome.seconds[1] == pytest.approx((128, 218), abs=0.5)
    assert outcome.segments[1].ended_by == "rest_over"


# Machines of many kinds


def test_a_machine_without_distance_is_followed_by_its_pace() -> None:
    def no_distance(sample: RowerSample) -> RowerSample:
        return replace(sample, distance_m=None)

    phases = [("still", 5), ("row", 128), ("still", 60), ("row", 128)]
    outcome = lived("2x500m/1:00r", rower(phases, said=no_distance))
    assert outcome.kinds[:3] == ["work", "rest", "work"]
    assert outcome.seconds[0][1] == pytest.approx(130, abs=1)


def test_a_machine_that_is_silent_while_nobody_rows() -> None:
    outcome = lived("3x500m/1:00r", rower(REPS, silent_when_still=True), end_s=560)
    assert outcome.kinds == ["work", "rest"] * 3
    for place, (start, end) in enumerate(outcome.seconds[::2]):
        assert start == pytest.approx(5 + 185 * place, abs=1)
        assert end == pytest.approx(130 + 185 * place, abs=1)


def test_a_machine_that_always_says_0_watts() -> None:
    def no_power(sample: RowerSample) -> RowerSample:
        return replace(sample, power_w=0.0, pace_s_per_500m=None)

    outcome = lived("3x500m/1:00r", rower(REPS, said=no_power))
    assert outcome.kinds == ["work", "rest"] * 3
    assert outcome.metres[::2] == [500.0] * 3
    # Its zeros are no measurement.
    assert [s.figures.mean_power_w for s in outcome.segments][::2] == [None] * 3


def test_a_machine_whose_time_counts_down() -> None:
    def countdown(sample: RowerSample) -> RowerSample:
        return replace(sample, elapsed_s=max(0.0, 600.0 - sample.t_ns // S))

    outcome = lived("3x500m/1:00r", rower(REPS, said=countdown))
    assert outcome.kinds == ["work", "rest"] * 3
    assert outcome.metres[::2] == [500.0] * 3
    assert outcome.totals.elapsed_s is None
    assert outcome.totals.machine_resets == 0


def test_a_stale_pace_without_strokes_is_not_rowed() -> None:
    def stale(sample: RowerSample) -> RowerSample:
        if sample.t_ns < 15 * S:
            return replace(sample, distance_m=0.0, pace_s_per_500m=125.0, power_w=180.0)
        return sample

    phases = [("still", 15), ("row", 125), ("still", 30)]
    outcome = lived("500m/0:30r", rower(phases, said=stale))
    assert outcome.seconds[0] == pytest.approx((15, 140), abs=0.5)


def test_a_restart_of_the_machine_in_a_rest_loses_no_metre() -> None:
    def restarted(sample: RowerSample) -> RowerSample:
        if sample.t_ns < 150 * S:
            return sample
        return replace(
            sample,
            distance_m=(sample.distance_m or 0) - 500,
            stroke_count=(sample.stroke_count or 0) - 62,
        )

    outcome = lived("3x500m/1:00r", rower(REPS, said=restarted))
    assert outcome.kinds == ["work", "rest"] * 3
    assert outcome.metres[::2] == [500.0] * 3
    assert outcome.totals.machine_resets == 1
    assert outcome.totals.distance_m == 1500


# Links and stops


def lost(samples: list[RowerSample], since_s: float, until_s: float) -> list[Record]:
    """The link is lost in between; the machine counts on."""
    kept: list[Record] = [s for s in samples if not since_s <= s.t_ns / S < until_s]
    kept.append(Link(t_ns=round(since_s * S), source="rower", up=False, reason="lost"))
    kept.append(Link(t_ns=round(until_s * S) - 1, source="rower", up=True))
    return kept


@pytest.mark.parametrize(("since_s", "until_s"), [(40, 52), (40, 75), (120, 140), (3.2, 9)])
def test_a_link_lost_inside_a_rep_splits_it_not(since_s: float, until_s: float) -> None:
    outcome = lived("3x500m/1:00r", lost(rower(REPS), since_s, until_s))
    assert outcome.kinds == ["work", "rest"] * 3
    assert outcome.metres[::2] == [500.0] * 3
    (gap,) = [fact for fact in outcome.facts if isinstance(fact, Gap)]
    assert gap.cause == "link: lost"
    rowed = [max(0.0, min(t, 130) - 5) * MPS for t in (since_s - 0.5, until_s)]
    assert gap.distance_before_m == pytest.approx(rowed[0], abs=2)
    assert gap.distance_after_m == pytest.approx(rowed[1], abs=2)
    assert outcome.totals.link_losses == 1
    assert outcome.totals.gaps == 1
    if until_s < 100 and since_s > 10:
        assert outcome.seconds[0] == pytest.approx((5, 130), abs=0.5)


def test_a_timed_rep_that_ends_while_the_link_is_lost() -> None:
    phases = [("still", 5), ("row", 60), ("still", 60), ("row", 60), ("still", 60)]
    outcome = lived("2x1:00/1:00r", lost(rower(phases), 50, 70))
    assert outcome.kinds == ["work", "rest"] * 2
    assert outcome.seconds[0] == pytest.approx((5, 65), abs=0.5)


def test_a_link_that_is_lost_for_good_ends_the_work_there() -> None:
    samples = [s for s in rower([("still", 5), ("row", 125)]) if s.t_ns < 60 * S]
    down = Link(t_ns=60 * S, source="rower", up=False, reason="lost")
    outcome = lived("3x500m/1:00r", samples, [down], end_s=300)
    assert [(s.kind, s.ended_by) for s in outcome.segments] == [("work", "link")]
    assert outcome.seconds == [pytest.approx((5, 59.5), abs=0.5)]
    assert outcome.metres == [218.0]


def test_a_pause_inside_a_rep_by_distance() -> None:
    phases = [("still", 5), ("row", 50), ("still", 20), ("row", 75), ("still", 60)]
    outcome = lived("500m/1:00r", rower(phases))
    assert outcome.kinds == ["work", "pause", "work", "rest"]
    assert [s.ended_by for s in outcome.segments[:3]] == ["pause", "resume", "target"]
    assert outcome.seconds[1] == pytest.approx((55, 75), abs=1)
    work = [m or 0 for m, kind in zip(outcome.metres, outcome.kinds, strict=True) if kind == "work"]
    assert sum(work) == pytest.approx(500, abs=1)
    assert sum(m or 0 for m in outcome.metres[:3]) == 500
    assert outcome.totals.work_s == pytest.approx(125, abs=1)


def test_a_short_stop_is_no_pause() -> None:
    phases = [("still", 5), ("row", 50), ("still", 5), ("row", 75), ("still", 30)]
    outcome = lived("500m/1:00r", rower(phases))
    assert outcome.kinds == ["work", "rest"]


def test_a_timed_rep_whose_end_falls_into_a_pause() -> None:
    phases = [("still", 5), ("row", 40), ("still", 80), ("row", 60), ("still", 60)]
    outcome = lived("2x1:00/1:00r", rower(phases))
    # 5 to 65 s by the clock; nobody rowed from 45 s on; the rest ends at 125 s.
    assert outcome.kinds == ["work", "pause", "rest", "work", "rest"]
    assert [s.piece for s in outcome.segments] == [0, 0, 1, 2, 3]
    assert outcome.seconds[1] == pytest.approx((45, 65), abs=1)
    assert outcome.seconds[3] == pytest.approx((125, 185), abs=1)
    assert outcome.segments[1].ended_by == "target"


def test_stopping_for_good_ends_the_work_at_the_last_stroke() -> None:
    outcome = lived("5000m", rower([("still", 5), ("row", 100), ("still", 90)]))
    assert [(s.kind, s.ended_by) for s in outcome.segments] == [("work", "end")]
    assert outcome.seconds[0] == pytest.approx((5, 105), abs=1)


# Keys


def test_the_key_next_ends_the_piece_at_once() -> None:
    phases = [("still", 5), ("row", 60), ("still", 60), ("row", 126), ("still", 10)]
    outcome = lived("2x500m/1:00r", rower(phases), [key(65.3)])
    assert outcome.segments[0].ended_by == "key"
    assert outcome.seconds[0][1] == 65.3
    # The rest counts from the key: 125.3 s.
    assert outcome.seconds[1] == (65.3, 125.3)
    assert outcome.kinds == ["work", "rest", "work", "rest"]


def test_other_keys_only_stand_in_the_log() -> None:
    outcome = lived("3x500m/1:00r", rower(REPS), [key(50, "felt good")])
    assert outcome.kinds == ["work", "rest"] * 3
    assert any(isinstance(fact, Marker) for fact in outcome.facts)


# Off the machine, and without a plan


def test_a_strap_alone_is_one_stretch() -> None:
    outcome = lived(None, strap((s, 120 + s % 2) for s in range(300)))
    assert outcome.kinds == ["work"]
    assert outcome.segments[0].activity == "other"
    assert outcome.segments[0].piece is None
    assert outcome.segments[0].figures.mean_heart_rate_bpm == pytest.approx(120.5, abs=0.01)
    assert outcome.totals.activity == "other"
    assert outcome.totals.distance_m is None
    assert outcome.totals.heart_rate_coverage == pytest.approx(1, abs=0.01)


def test_a_circuit_runs_by_the_clock_with_a_strap_alone() -> None:
    text = "2x(0:30 jumping jacks + 0:30 superman raises)/0:15r"
    outcome = lived(text, strap((s, 130) for s in range(151)), end_s=150)
    assert outcome.seconds == [(0, 30), (30, 60), (60, 75), (75, 105), (105, 135), (135, 150)]
    assert [s.activity for s in outcome.segments][:2] == ["jumping jacks", "superman raises"]
    assert all(s.clock == "host" for s in outcome.segments)
    assert outcome.totals.activity == "circuit"


def test_rowing_without_a_plan_is_one_piece_with_its_pauses() -> None:
    outcome = lived(None, rower([("still", 5), ("row", 100), ("still", 30), ("row", 100)]))
    assert outcome.kinds == ["work", "pause", "work"]
    assert outcome.totals.work_distance_m == pytest.approx(800, abs=1)
    assert all(s.piece is None for s in outcome.segments)


def test_two_rowers_segments_follow_the_first() -> None:
    other = rower([("still", 3), ("row", 500)], source="other")
    outcome = lived("3x500m/1:00r", rower(REPS), other[1:], end_s=560)
    assert outcome.kinds == ["work", "rest"] * 3
    assert outcome.metres[::2] == [500.0] * 3
    assert outcome.totals.distance_m == 1500


# Splits and heart-rate drops


@pytest.mark.parametrize("metres", [500, 2000])
def test_a_piece_by_distance_has_five_equal_splits(metres: int) -> None:
    outcome = lived(f"{metres}m", rower([("still", 5), ("row", metres / MPS), ("still", 20)]))
    assert [split.index for split in outcome.splits] == [0, 1, 2, 3, 4]
    assert [split.figures.distance_m for split in outcome.splits] == pytest.approx([metres / 5] * 5)
    whole = outcome.segments[0].figures
    assert sum(s.figures.duration_s for s in outcome.splits) == pytest.approx(whole.duration_s)
    assert sum(s.figures.stroke_count or 0 for s in outcome.splits) == whole.stroke_count


@pytest.mark.parametrize(
    ("text", "seconds", "split_s"),
    [("10:00", 600, 120), ("20:00", 1200, 300), ("30:00", 1800, 300)],
)
def test_a_long_timed_piece_has_splits_of_five_minutes(
    text: str, seconds: float, split_s: float
) -> None:
    outcome = lived(text, rower([("still", 5), ("row", seconds), ("still", 20)]))
    expected = [split_s] * round(seconds / split_s)
    assert [s.figures.duration_s for s in outcome.splits] == pytest.approx(expected)
    whole = outcome.segments[0].figures
    assert sum(s.figures.distance_m or 0 for s in outcome.splits) == pytest.approx(whole.distance_m)


def test_a_pause_is_in_no_split() -> None:
    phases = [("still", 5), ("row", 50), ("still", 20), ("row", 75), ("still", 20)]
    outcome = lived("500m", rower(phases))
    assert [s.figures.distance_m for s in outcome.splits] == pytest.approx([100] * 5, abs=1.1)
    assert [s.figures.duration_s for s in outcome.splits] == pytest.approx([25] * 5, abs=1.1)


def falling(work_s: float, end_s: float) -> list[tuple[float, int]]:
    """170 bpm until the work ends, then one less every two seconds."""
    return [(s, 170 if s <= work_s else 170 - int((s - work_s) / 2)) for s in range(int(end_s) + 1)]


@pytest.mark.parametrize(("rest_s", "drop"), [(30, None), (59, None), (60, 30.0), (90, 30.0)])
def test_a_drop_counts_only_when_work_does_not_resume_before(
    rest_s: int, drop: float | None
) -> None:
    phases = [("still", 5), ("row", 60), ("still", rest_s), ("row", 60), ("still", 10)]
    text = f"2x1:00/{rest_s // 60}:{rest_s % 60:02d}r"
    outcome = lived(text, rower(phases), strap(falling(65, 200)))
    figures = outcome.segments[0].figures
    assert figures.end_heart_rate_bpm == 170
    if drop is None:
        assert figures.heart_rate_drop_60s_bpm is None
    else:
        assert figures.heart_rate_drop_60s_bpm == pytest.approx(drop, abs=1)
    # 15 in thirty seconds, read in every one of these rests.
    assert figures.heart_rate_drop_30s_bpm == pytest.approx(15, abs=1)


def test_means_are_weighted_by_time() -> None:
    # 120 bpm for 30 s, told once a second, then 150 for 30 s told twice a second.
    beats = [(5 + s, 120) for s in range(30)] + [(35 + s / 2, 150) for s in range(60)]
    outcome = lived("1:00/0:10r", rower([("still", 5), ("row", 60), ("still", 10)]), strap(beats))
    assert outcome.segments[0].figures.mean_heart_rate_bpm == pytest.approx(135, abs=0.6)


# Exactness


def test_a_boundary_lies_between_the_samples_around_it() -> None:
    # One sample a second, 4 m/s: 498 m at 124.5 s never shows; 500 m is reached at 130 s.
    phases = [("still", 5.25), ("row", 125), ("still", 30)]
    outcome = lived("500m/0:30r", rower(phases, hz=1, step_m=0.01))
    end = outcome.segments[0].end
    assert end.t_ns / S == pytest.approx(130.25, abs=0.5)
    assert end.interpolated
    assert end.distance_m == 500.0
    assert 0 < end.uncertainty_s <= 0.5 + 0.03  # half the gap, and the radio's turn


def test_a_session_that_ends_in_its_last_rest_is_complete() -> None:
    outcome = lived("3x500m/1:00r", rower(REPS[:-1]), end_s=520)
    assert outcome.kinds == ["work", "rest"] * 3
    assert outcome.segments[-1].ended_by == "end"


def test_a_machine_with_parts_of_a_second_times_its_pieces_itself() -> None:
    def fast(sample: RowerSample) -> RowerSample:
        # Its clock runs 1 % fast: 60 s on it are 59.41 s of ours.
        return replace(sample, elapsed_s=round(max(0.0, sample.t_ns / S - 5) * 1.01, 2))

    phases = [("still", 5), ("row", 60), ("still", 60)]
    outcome = lived("1:00/1:00r", rower(phases, hz=4, said=fast))
    piece = outcome.segments[0]
    assert (piece.kind, piece.clock, piece.ended_by) == ("work", "machine", "target")
    assert piece.end.t_ns / S == pytest.approx(5 + 60 / 1.01, abs=0.3)
    assert piece.figures.duration_s == 60
    assert outcome.segments[1].clock == "host"


def test_a_machine_of_whole_seconds_is_timed_by_the_host() -> None:
    def coarse(sample: RowerSample) -> RowerSample:
        return replace(sample, elapsed_s=max(0, sample.t_ns // S - 5))

    phases = [("still", 5), ("row", 60), ("still", 60)]
    outcome = lived("1:00/1:00r", rower(phases, said=coarse))
    assert outcome.segments[0].clock == "host"
    assert outcome.segments[0].figures.duration_s == 60
    assert outcome.totals.elapsed_s == 120


def test_memory_stays_flat_in_a_long_session() -> None:
    derivation = Derivation(parse("600:00"))
    for minute in range(120):
        batch = []
        for second in range(minute * 60, minute * 60 + 60):
            record = RowerSample(
                t_ns=second * S, source="rower", distance_m=second * 4.0, stroke_count=second // 2
            )
            frame = Frame(t_ns=second * S, source="rower", channel="2ad1", payload=b"")
            batch.append(Delivery(frame, (record, *strap([(second, 150)]))))
        derivation.take(batch)
        tracker = derivation.pipeline.tracker
        assert len(tracker._track.corners) < 30
        assert all(len(stream._readings) < 30 for stream in tracker._heart_rates.values())


def test_a_burst_after_a_silence_ends_no_piece_before_the_pause_in_it() -> None:
    """A computer that stood still hears in one instant what was said in 80 s."""

    def position(second: float, metres: float, *, moved: bool = True) -> Position:
        return Position(
            t_ns=round(second * S),
            source="rower",
            distance_m=metres,
            stroke_count=None,
            energy_kcal=None,
            elapsed_s=None,
            exact_elapsed=False,
            moved=moved,
            began_ns=round(second * S) if moved else None,
            at_zero=metres == 0,
            distance_step_m=0.1,
            power_w=None,
            stroke_rate_spm=None,
            pace_s_per_500m=None,
        )

    tracker = Tracker(parse("2x300m/0:20r"))
    tracker.position(position(0, 0.0, moved=False))
    for second in range(1, 56):
        tracker.position(position(second, MPS * second))
    # Half a metre first, as if nobody had rowed; then the rest of the piece, at 4 m/s by then.
    tracker.position(position(140, 220.5, moved=False))
    for metres in range(222, 310, 2):
        tracker.position(position(140, metres))
    tracker.tick(170 * S)
    tracker.position(position(170, 310.0, moved=False))
    assert [(one.kind, one.start.t_ns / S, one.end.t_ns / S) for one in tracker.segments] == [
        ("work", 1, 55),
        ("pause", 55, 140),
        ("rest", 140, 160),
    ]
