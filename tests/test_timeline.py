"""What machines' counters say, and what really happened."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.counters import Counter
from rowlog.timeline import Anomaly, Gap, Position, Timeline
from rowlog_drivers.records import HeartRate, Link, Record, RowerSample, Stroke, Tick

S = 1_000_000_000


def sample(second: float, **fields: float | int | None) -> RowerSample:
    return RowerSample(t_ns=round(second * S), source="rower", **fields)  # type: ignore[arg-type]


def counted(field: str, readings: list[tuple[float, float]]) -> tuple[list[float], list[str]]:
    """The totals after each reading (second, value), and what was odd."""
    counter = Counter(field)
    totals, odd = [], []
    for second, raw in readings:
        found = counter.update(round(second * S), raw)
        totals.append(counter.total or 0.0)
        if found is not None:
            odd.append(found[0])
    settled = counter.settle()
    totals.append(counter.total or 0.0)
    if settled is not None:
        odd.append(settled[0])
    return totals, odd


# One reading a second. The first reading is the zero of the session.
@pytest.mark.parametrize(
    ("name", "field", "raws", "total", "odd"),
    [
        ("plain", "distance_m", [100, 104, 108], 8, []),
        ("repeats", "distance_m", [100, 104, 104, 104, 108], 8, []),
        ("wrap at 16 bits", "distance_m", [65530, 65534, 2, 6], 12, ["counter_wrap"]),
        ("wrap at 24 bits", "distance_m", [16777210, 16777214, 2], 8, ["counter_wrap"]),
        ("stroke wrap", "stroke_count", [65534, 65535, 0, 1], 3, ["counter_wrap"]),
        ("restart", "distance_m", [496, 500, 0, 4, 8], 12, ["machine_reset"]),
        ("restart at the end", "distance_m", [496, 500, 0], 4, ["machine_reset"]),
        ("off and back, low", "distance_m", [359, 300, 360], 1, ["glitch"]),
        ("off and back, high", "distance_m", [359, 4000, 363], 4, ["glitch"]),
        ("a step back of one", "distance_m", [359, 358, 360], 1, []),
        ("a jump that stays", "distance_m", [100, 104, 9000, 9004], 8, ["jump"]),
        ("elapsed off and back", "elapsed_s", [599, 659, 600, 601], 2, ["glitch"]),
        ("energy restarts", "energy_kcal", [90, 91, 0, 1], 2, ["machine_reset"]),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else None,
)
def test_counters(name: str, field: str, raws: list[float], total: float, odd: list[str]) -> None:
    totals, found = counted(field, [(float(second), raw) for second, raw in enumerate(raws)])
    assert totals[-1] == total
    assert found == odd


@given(
    st.integers(0, 65_000),
    st.lists(st.tuples(st.floats(0.1, 3), st.integers(0, 8)), min_size=1, max_size=60),
    st.sampled_from([1 << 16, 1 << 24]),
    st.data(),
)
def test_a_wrapping_counter_gives_the_truth(
    start: int, steps: list[tuple[float, int]], modulus: int, data: st.DataObject
) -> None:
    """Whatever is dropped or repeated: the total is what was rowed between first and last."""
    second, true = 0.0, modulus - 1 - start % 300 if start % 2 else start
    readings = [(0.0, true)]
    for seconds, metres in steps:
        second += seconds
        true += min(metres, int(seconds * 8))
        readings.append((second, true))
    inner = readings[1:-1]
    kept = [one for one in inner if data.draw(st.booleans(), label="kept")]
    heard = [readings[0], *kept, readings[-1], readings[-1]]
    totals, odd = counted("distance_m", [(at, value % modulus) for at, value in heard])
    assert totals[-1] == readings[-1][1] - readings[0][1]
    assert set(odd) <= {"counter_wrap"}
    assert all(one <= other for one, other in pairwise(totals))


@given(
    st.lists(
        st.tuples(st.floats(0, 5), st.one_of(st.integers(0, 70_000), st.integers(0, 50))),
        max_size=50,
    )
)
def test_no_reading_makes_a_total_fall(steps: list[tuple[float, int]]) -> None:
    second = 0.0
    readings = []
    for seconds, value in steps:
        second += seconds
        readings.append((second, float(value)))
    for field in ("distance_m", "stroke_count", "energy_kcal", "elapsed_s"):
        totals, _ = counted(field, readings)
        assert all(one <= other for one, other in pairwise(totals))


@given(st.integers(100, 60_000), st.integers(1, 30), st.integers(2, 40))
def test_a_restart_counts_from_zero(before: int, rowed: int, after: int) -> None:
    readings = [before + 4 * second for second in range(rowed)] + [4 * s for s in range(after)]
    totals, odd = counted("distance_m", [(float(s), value) for s, value in enumerate(readings)])
    assert odd == ["machine_reset"]
    # Once it rows at 4 m/s the 4 m between the last reading and the restart are known too.
    hidden = 4 if rowed >= 3 else 0
    assert totals[-1] == pytest.approx(4 * (rowed - 1) + hidden + 4 * (after - 1))


def test_a_restart_after_standing_hides_nothing() -> None:
    rowing = [(second / 2, 100.0 + 2 * second) for second in range(20)]
    standing = [(10 + second / 2, 138.0) for second in range(4)]
    totals, odd = counted("distance_m", [*rowing, *standing, (12.0, 0.0), (12.5, 2.0)])
    assert odd == ["machine_reset"]
    assert totals[-1] == 40.0


def test_a_kilocalorie_cut_in_two_by_a_restart_is_estimated_whole() -> None:
    # One each 4 s; the restart comes 3 s after the fourth: 0.75 of one was not counted yet.
    readings = [(float(second), float(second // 4)) for second in range(20)]
    totals, odd = counted("energy_kcal", [*readings, (19.5, 0.0), (20.0, 0.0), (24.0, 1.0)])
    assert odd == ["machine_reset"]
    assert totals[-1] == pytest.approx(4 + (19.5 - 16) / 4 + 1)


def test_a_restart_just_after_a_start_hides_what_was_rowed_since() -> None:
    standing = [(second / 2, 100.0) for second in range(20)]
    rowing = [(10.0 + second / 2, 100.0 + 2 * second) for second in range(4)]
    # 2 m a reading, the last of them 106 at 11.5 s; the restart shows at 12 s with 1 m.
    totals, odd = counted("distance_m", [*standing, *rowing, (12.0, 1.0), (12.5, 3.0)])
    assert odd == ["machine_reset"]
    assert totals[-1] == pytest.approx(6 + 2 + 2)


def test_strokes_hidden_by_a_restart_are_not_made_up() -> None:
    readings = [(float(second), float(second // 2)) for second in range(20)]
    totals, odd = counted("stroke_count", [*readings, (20.0, 0.0), (21.0, 1.0)])
    assert odd == ["machine_reset"]
    assert totals[-1] == 10


def test_a_countdown_is_no_distance() -> None:
    timeline = Timeline()
    odd: list[Record] = []
    position: Position | None = None
    for second in range(10):
        position, facts = timeline.sample(sample(second, distance_m=2000.0 - 4 * second))
        odd += facts
    assert position is not None
    assert position.distance_m is None
    assert [fact.kind for fact in odd if isinstance(fact, Anomaly)] == ["counts_down"]
    assert timeline.reset_count == 0


def test_elapsed_that_counts_down_is_no_machine_time() -> None:
    timeline = Timeline()
    for second in range(10):
        position, _ = timeline.sample(
            sample(second, elapsed_s=600.0 - second, distance_m=4.0 * second)
        )
    assert position.elapsed_s is None
    assert position.distance_m == 36


@given(st.permutations(["distance_m", "stroke_count", "energy_kcal", "elapsed_s"]))
def test_one_restart_is_counted_once_in_whatever_order_counters_show_it(order: list[str]) -> None:
    timeline = Timeline()
    high = {"distance_m": 800.0, "stroke_count": 90, "energy_kcal": 60.0, "elapsed_s": 200.0}
    steps = {"distance_m": 4.0, "stroke_count": 1, "energy_kcal": 1.0, "elapsed_s": 1.0}
    for second in range(5):
        timeline.sample(sample(second, **{f: high[f] + second * steps[f] for f in order}))
    # Each counter is told in a sample of its own, as machines with split records do.
    for second in range(5, 10):
        for place, field in enumerate(order):
            timeline.sample(sample(second + place / 10, **{field: (second - 5) * steps[field]}))
    assert timeline.reset_count == 1
    position = timeline.position("rower", 10 * S)
    assert position is not None
    # 4 m/s from the last reading, at 4 s, to the restart; the strokes in it are not made up.
    hidden_m = 4 * (1 + order.index("distance_m") / 10)
    assert position.distance_m == pytest.approx(16 + hidden_m + 16)
    assert position.stroke_count == 4 + 4


def test_two_restarts_are_two() -> None:
    timeline = Timeline()
    for second, metres in enumerate([100, 104, 0, 4, 8, 12, 16, 0, 4, 8]):
        timeline.sample(sample(second, distance_m=float(metres), stroke_count=metres // 4))
    assert timeline.reset_count == 2


def test_strokes_are_concluded_from_the_counter() -> None:
    timeline = Timeline()
    timeline.sample(sample(0, stroke_count=0, distance_m=0.0))
    _, first = timeline.sample(sample(1, stroke_count=1, distance_m=2.0, power_w=150.0))
    _, more = timeline.sample(sample(5, stroke_count=3, distance_m=18.0, stroke_rate_spm=30.0))
    assert [(s.t_ns, s.number) for s in first if isinstance(s, Stroke)] == [(1 * S, 1)]
    strokes = [stroke for stroke in more if isinstance(stroke, Stroke)]
    # Two strokes since the one at 1 s: evenly at 3 s and 5 s.
    assert [(s.t_ns, s.number, s.inferred) for s in strokes] == [(3 * S, 2, True), (5 * S, 3, True)]
    assert strokes[-1].stroke_rate_spm == 30.0
    assert strokes[-1].total_distance_m == 18.0


def test_strokes_that_the_machine_reports_are_merged_by_number() -> None:
    timeline = Timeline()
    timeline.stroke(Stroke(t_ns=1 * S, source="rower", number=7))
    timeline.stroke(Stroke(t_ns=2 * S, source="rower", number=7, drive_s=0.8))
    _, ended = timeline.stroke(Stroke(t_ns=3 * S, source="rower", number=8))
    assert ended == [Stroke(t_ns=1 * S, source="rower", number=1, drive_s=0.8)]
    (last,) = timeline.finish(4 * S)
    assert isinstance(last, Stroke)
    assert (last.t_ns, last.number) == (3 * S, 2)


def test_all_that_a_machine_says_of_a_stroke_stays_when_it_is_numbered() -> None:
    said = {
        field.name: (1.0, 2.0) if field.name == "force_curve_n" else place + 0.5
        for place, field in enumerate(fields(Stroke))
        if field.name not in ("t_ns", "source", "number", "inferred")
    }
    told = Stroke(t_ns=1 * S, source="rower", number=7, inferred=True, **said)  # type: ignore[arg-type]
    timeline = Timeline()
    timeline.sample(sample(0.5, distance_m=3.0, elapsed_s=0.5))
    timeline.sample(sample(0.9, distance_m=5.0, elapsed_s=0.9))
    timeline.stroke(told)
    # Its number, metres and time are the session's: 5 - 3 m and 0.9 - 0.5 s.
    (numbered,) = timeline.finish(4 * S)
    assert numbered == replace(told, number=1, total_distance_m=2.0, elapsed_s=0.9 - 0.5)


def run_of_samples(timeline: Timeline, seconds: range, mps: float = 4.0) -> list[Record]:
    facts: list[Record] = []
    for second in seconds:
        timeline.tick(Tick(t_ns=second * S, source=""))
        facts += timeline.heard(second * S, "rower")
        facts += timeline.sample(sample(second, distance_m=mps * second, stroke_count=second // 2))[
            1
        ]
    return facts


def test_a_gap_knows_the_counters_on_both_sides() -> None:
    timeline = Timeline()
    run_of_samples(timeline, range(20))
    for second in range(20, 31):
        timeline.tick(Tick(t_ns=second * S, source=""))
    facts = run_of_samples(timeline, range(31, 33))
    gaps = [fact for fact in facts if isinstance(fact, Gap)]
    assert gaps == [
        Gap(
            t_ns=19 * S,
            source="rower",
            end_ns=31 * S,
            cause="silence",
            distance_before_m=76.0,
            distance_after_m=124.0,
            stroke_count_before=9,
            stroke_count_after=15,
        )
    ]
    assert timeline.gap_count == 1


def test_a_gap_after_a_lost_link_says_why() -> None:
    timeline = Timeline()
    run_of_samples(timeline, range(20))
    timeline.link(Link(t_ns=20 * S, source="rower", up=False, reason="out of range"))
    timeline.link(Link(t_ns=29 * S, source="rower", up=True))
    facts = run_of_samples(timeline, range(30, 32))
    assert [fact.cause for fact in facts if isinstance(fact, Gap)] == ["link: out of range"]


def test_counters_of_a_gap_are_waited_for() -> None:
    timeline = Timeline()
    run_of_samples(timeline, range(20))
    timeline.link(Link(t_ns=20 * S, source="rower", up=False, reason="lost"))
    timeline.heard(30 * S, "rower")
    timeline.sample(sample(30, stroke_rate_spm=24.0))
    assert timeline.catching_up("rower")
    timeline.heard(30 * S + 1, "rower")
    position, _ = timeline.sample(sample(30.1, distance_m=120.0))
    assert not timeline.catching_up("rower")
    # 44 m in 11 s without a stroke seen: the strokes will be told later, but this was rowing.
    assert position.moved


def test_silence_to_the_end_is_a_gap() -> None:
    timeline = Timeline()
    run_of_samples(timeline, range(20))
    gaps = [fact for fact in timeline.finish(60 * S) if isinstance(fact, Gap)]
    assert [(gap.t_ns, gap.end_ns) for gap in gaps] == [(19 * S, 60 * S)]


def test_metres_long_after_a_stroke_are_not_rowing() -> None:
    timeline = Timeline()
    timeline.sample(sample(0, distance_m=0.0, stroke_count=0))
    moved = {}
    for second in range(1, 20):
        strokes = min(second, 5)  # the last stroke at 5 s, then the wheel runs on
        position, _ = timeline.sample(sample(second, distance_m=4.0 * second, stroke_count=strokes))
        moved[second] = position.moved
    assert all(moved[second] for second in range(1, 12))
    assert not any(moved[second] for second in range(12, 20))


def test_a_stale_speed_without_strokes_is_not_rowing() -> None:
    timeline = Timeline()
    position = None
    for second in range(10):
        position, _ = timeline.sample(
            sample(second, stroke_count=0, pace_s_per_500m=125.0, power_w=150.0)
        )
        assert not position.moved
    assert position is not None
    assert position.distance_m is None


def test_metres_come_from_pace_where_the_machine_sends_none() -> None:
    timeline = Timeline()
    for second in range(14):
        position, _ = timeline.sample(
            sample(second, stroke_count=second // 2, pace_s_per_500m=125.0)
        )
    # 4 m/s from the third second on, in which the machine proves to send no distance.
    assert position.distance_m == pytest.approx(4 * 11)


def heart(second: float, bpm: int, contact: bool | None = True) -> HeartRate:
    return HeartRate(t_ns=round(second * S), source="strap", heart_rate_bpm=bpm, contact=contact)


@pytest.mark.parametrize(
    ("bpm", "contact", "believed"),
    [
        (150, True, 150.0),
        (150, None, 150.0),
        (150, False, None),
        (0, True, None),
        (19, True, None),
        (20, True, 20.0),
        (250, True, 250.0),
        (251, True, None),
    ],
)
def test_which_heart_rates_are_valid(
    bpm: int, contact: bool | None, believed: float | None
) -> None:
    assert Timeline().heart_rate(heart(0, bpm, contact))[0].bpm == believed


def test_a_heart_rate_that_jumps_and_returns_was_a_spike() -> None:
    timeline = Timeline()
    found = [timeline.heart_rate(heart(s, bpm)) for s, bpm in enumerate((140, 220, 225, 143))]
    assert [reading.doubted for reading, _ in found] == [False, True, True, False]
    assert found[3][0].spike_ns == 1 * S
    assert found[3][1] == [
        Anomaly(t_ns=1 * S, source="strap", kind="spike", field="heart_rate_bpm", value=220.0)
    ]


def test_a_heart_rate_that_stays_is_believed() -> None:
    timeline = Timeline()
    bpms = [140, 180, 180, 180, 180, 180, 180, 180, 142]
    found = [timeline.heart_rate(heart(s, bpm)) for s, bpm in enumerate(bpms)]
    # Doubted from 1 s to 6 s; then 180 stands, and the fall to 142 is the next jump.
    assert [reading.doubted for reading, _ in found] == [False, *[True] * 6, False, True]
    assert all(reading.spike_ns is None for reading, _ in found)
