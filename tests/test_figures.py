"""Running sums against brute force, and the conventions of rowing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.figures import (
    HOLD_NS,
    Stream,
    Sums,
    Total,
    calories_per_hour,
    choose_heart_rate,
    figures_of,
    mean_pace,
    watts,
)

S = 1_000_000_000
Readings = list[tuple[int, float | None]]

VALUES = st.one_of(st.none(), st.integers(20, 250).map(float))
READINGS = st.lists(
    st.tuples(st.integers(0, 60 * S), VALUES), max_size=30, unique_by=lambda r: r[0]
).map(sorted)
INSTANTS = st.lists(st.integers(0, 70 * S), max_size=6).map(sorted)


def brute(readings: Readings, since_ns: int, until_ns: int) -> tuple[float, float]:
    """(seconds, integral) of the readings in force between two instants."""
    seconds = integral = 0.0
    for place, (t_ns, value) in enumerate(readings):
        next_ns = readings[place + 1][0] if place + 1 < len(readings) else 1 << 62
        begin = max(t_ns, since_ns)
        end = min(next_ns, t_ns + HOLD_NS, until_ns)
        if value is not None and end > begin:
            seconds += (end - begin) / 1e9
            integral += value * (end - begin) / 1e9
    return seconds, integral


@given(READINGS, INSTANTS)
def test_cuts_at_any_instants_add_up_what_was_in_force(readings: Readings, cuts: list[int]) -> None:
    stream = Stream()
    for t_ns, value in readings:
        stream.add(t_ns, value)
    since_ns = 0
    for cut_ns in cuts:
        sums = stream.cut(cut_ns)
        seconds, integral = brute(readings, since_ns, cut_ns)
        assert sums.seconds == pytest.approx(seconds)
        assert sums.integral == pytest.approx(integral)
        since_ns = cut_ns


@given(READINGS, INSTANTS, st.lists(st.integers(0, 70 * S), max_size=6), st.booleans())
def test_settling_early_changes_no_sum(
    readings: Readings, cuts: list[int], settled: list[int], linear: bool
) -> None:
    """Whatever was folded early, cuts that come after it see the same sums."""
    plain, early = Stream(linear=linear), Stream(linear=linear)
    # Events in order of time: at one instant readings first, then settling, then cuts.
    events: list[tuple[int, int, float | None]] = sorted(
        [(t_ns, 0, value) for t_ns, value in readings]
        + [(t_ns, 1, None) for t_ns in settled]
        + [(t_ns, 2, None) for t_ns in cuts],
        key=lambda event: event[:2],
    )
    for t_ns, what, value in events:
        if what == 0:
            plain.add(t_ns, value)
            early.add(t_ns, value)
        elif what == 1:
            early.settle(t_ns)
        else:
            one, other = plain.cut(t_ns), early.cut(t_ns)
            assert one.seconds == pytest.approx(other.seconds)
            assert one.integral == pytest.approx(other.integral)


@given(st.lists(st.integers(40, 220).map(float), min_size=1, max_size=40))
def test_the_maximum_is_the_highest_reading_in_force(values: list[float]) -> None:
    stream = Stream()
    for second, value in enumerate(values):
        stream.add(second * S, value)
    half = len(values) // 2
    before, after = stream.cut(half * S + S // 2), stream.cut(len(values) * S)
    assert (before.maximum, before.minimum) == (max(values[: half + 1]), min(values[: half + 1]))
    # The reading in force at the cut belongs to both sides.
    assert (after.maximum, after.minimum) == (max(values[half:]), min(values[half:]))


def test_a_linear_quantity_moves_evenly_between_its_readings() -> None:
    stream = Stream(linear=True)
    for second, bpm in ((0, 100.0), (2, 120.0), (4, None), (6, 140.0), (20, 150.0)):
        stream.add(second * S, bpm)
    # 0 to 2 s: mean 110. 2 to 4 s: 120 stands, for nothing valid follows it.
    assert stream.cut(1 * S).mean == pytest.approx(105.0)
    assert stream.cut(2 * S).mean == pytest.approx(115.0)
    assert stream.cut(6 * S) == Sums(seconds=2.0, integral=240.0, maximum=120.0, minimum=120.0)
    # The next reading is too far away to be moved to: 140 stands for five seconds.
    assert stream.cut(20 * S) == Sums(seconds=5.0, integral=700.0, maximum=140.0, minimum=140.0)


def test_a_reading_stands_for_five_seconds_at_most() -> None:
    stream = Stream()
    stream.add(0, 100.0)
    assert stream.at(5 * S) == 100.0
    assert stream.at(5 * S + 1) is None
    assert stream.cut(60 * S).seconds == 5.0


def test_unknown_ends_what_was_known() -> None:
    stream = Stream()
    stream.add(0, 100.0)
    stream.add(2 * S, None)
    assert stream.cut(4 * S).seconds == 2.0
    assert stream.at(3 * S) is None


def test_retracted_readings_never_were() -> None:
    stream = Stream()
    for second, bpm in enumerate((140.0, 220.0, 221.0)):
        stream.add(second * S, bpm)
    stream.retract(1 * S)
    stream.add(3 * S, 141.0)
    sums = stream.cut(4 * S)
    # 140 stands for 3 s, 141 for one.
    assert (sums.seconds, sums.mean, sums.maximum) == (4.0, 140.25, 141.0)


def test_a_long_piece_keeps_few_readings() -> None:
    stream = Stream()
    for second in range(36_000):
        stream.add(second * S, 150.0)
        stream.settle((second - 10) * S)
        assert len(stream._readings) < 20
    assert stream.cut(36_000 * S).seconds == pytest.approx(36_000)


def test_sums_of_stretches_join() -> None:
    sums = Sums(seconds=10, integral=1500, maximum=160, minimum=140)
    sums.add(Sums(seconds=10, integral=1000, maximum=120, minimum=90))
    sums.add(Sums())
    assert (sums.mean, sums.maximum, sums.minimum) == (125.0, 160, 90)
    assert Sums().mean is None


@pytest.mark.parametrize(
    ("distance_m", "duration_s", "pace"),
    [(500, 120, 120), (2000, 480, 120), (250, 50, 100), (0, 60, None)],
)
def test_pace_comes_from_distance_and_time(
    distance_m: float, duration_s: float, pace: float | None
) -> None:
    assert mean_pace(distance_m, duration_s) == pace


def test_power_and_energy_follow_concept2s_published_forms() -> None:
    # 2:00 / 500 m is 0.24 s/m: 2.80 / 0.24^3 = 2.80 / 0.013824 = 202.55 W.
    assert watts(120) == pytest.approx(202.546, abs=0.001)
    # 4 * 200 * 0.8604 + 300
    assert calories_per_hour(200) == pytest.approx(988.32)


def test_a_strap_goes_before_the_machine_and_then_coverage_decides() -> None:
    long, short = Sums(seconds=60, integral=1), Sums(seconds=5, integral=1)
    assert choose_heart_rate({"rower": long, "strap": short}, {"strap"}) == "strap"
    assert choose_heart_rate({"a": short, "b": long}, {"a", "b"}) == "b"
    assert choose_heart_rate({"rower": long, "strap": Sums()}, {"strap"}) == "rower"
    assert choose_heart_rate({"strap": Sums()}, {"strap"}) is None


def test_figures_say_where_they_come_from() -> None:
    total = Total(duration_s=120, distance_m=500.0, stroke_count=48, energy_kcal=30.0)
    total.heart_rate = {"strap": Sums(seconds=60, integral=9000, maximum=160, minimum=140)}
    figures = figures_of(total, "strap", end_bpm=158.0)
    assert figures.mean_pace_s_per_500m == 120
    assert figures.mean_stroke_rate_spm == 24  # 48 in two minutes
    assert (figures.mean_heart_rate_bpm, figures.heart_rate_coverage) == (150, 0.5)
    assert dict(figures.origins) == {
        "distance_m": "measured",
        "mean_pace_s_per_500m": "derived",
        "stroke_count": "measured",
        "mean_stroke_rate_spm": "derived",
        "energy_kcal": "measured",
        "mean_heart_rate_bpm": "measured",
        "max_heart_rate_bpm": "measured",
        "min_heart_rate_bpm": "measured",
        "end_heart_rate_bpm": "measured",
    }


def test_metres_without_a_stroke_have_no_pace() -> None:
    figures = figures_of(Total(duration_s=90, distance_m=8.0, stroke_count=0), None)
    assert figures.mean_pace_s_per_500m is None
    assert figures.mean_power_w is None
    assert figures.distance_m == 8.0


def test_what_is_unknown_has_no_origin() -> None:
    figures = figures_of(Total(duration_s=30), None)
    assert figures.origins == ()
    assert figures.distance_m is None
    assert figures.heart_rate_coverage is None
