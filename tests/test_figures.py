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


def brute(
    readings: Readings, since_ns: int, until_ns: int, linear: bool
) -> tuple[float, float, list[float]]:
    """(seconds, integral, values in force) of the readings between two instants."""
    seconds = integral = 0.0
    in_force = []
    for place, (t_ns, value) in enumerate(readings):
        following = readings[place + 1] if place + 1 < len(readings) else None
        next_ns = following[0] if following is not None else 1 << 62
        begin = max(t_ns, since_ns)
        end = min(next_ns, t_ns + HOLD_NS, until_ns)
        if value is None or end <= begin:
            continue
        in_force.append(value)
        at_begin = at_end = value
        slopes = linear and following is not None and next_ns - t_ns <= HOLD_NS
        if slopes and following is not None and following[1] is not None:
            per_ns = (following[1] - value) / (next_ns - t_ns)
            at_begin += per_ns * (begin - t_ns)
            at_end += per_ns * (end - t_ns)
        seconds += (end - begin) / 1e9
        integral += (at_begin + at_end) / 2 * (end - begin) / 1e9
    return seconds, integral, in_force


@given(READINGS, INSTANTS, st.booleans())
def test_cuts_at_any_instants_add_up_what_was_in_force(
    readings: Readings, cuts: list[int], linear: bool
) -> None:
    """All readings are known when a cut is made, as they are for a boundary found later."""
    stream = Stream(linear=linear)
    for t_ns, value in readings:
        stream.add(t_ns, value)
    since_ns = 0
    for cut_ns in cuts:
        sums = stream.cut(cut_ns)
        seconds, integral, in_force = brute(readings, since_ns, cut_ns, linear)
        assert sums.seconds == pytest.approx(seconds)
        assert sums.integral == pytest.approx(integral)
        assert sums.maximum == max(in_force, default=None)
        assert sums.minimum == min(in_force, default=None)
        since_ns = cut_ns


@given(READINGS, INSTANTS, st.booleans())
def test_settling_early_changes_no_sum(readings: Readings, cuts: list[int], linear: bool) -> None:
    """What no later cut can come before may be folded at any time."""
    plain, early = Stream(linear=linear), Stream(linear=linear)
    for t_ns, value in readings:
        plain.add(t_ns, value)
        early.add(t_ns, value)
    for cut_ns in cuts:
        early.settle(cut_ns // 2)
        early.settle(cut_ns)
        one, other = plain.cut(cut_ns), early.cut(cut_ns)
        assert one.seconds == pytest.approx(other.seconds)
        assert one.integral == pytest.approx(other.integral)
        assert (one.maximum, one.minimum) == (other.maximum, other.minimum)


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
        stream.add(second * S, bpm, doubted=bpm > 200)
    stream.retract()
    stream.add(3 * S, 141.0)
    sums = stream.cut(4 * S)
    # 140 stands for 3 s, 141 for one.
    assert (sums.seconds, sums.mean, sums.maximum) == (4.0, 140.25, 141.0)


def test_a_cut_amid_doubt_takes_what_was_believed_before() -> None:
    stream = Stream()
    stream.add(0, 140.0)
    stream.add(1 * S, 220.0, doubted=True)
    sums = stream.cut(2 * S)
    assert (sums.seconds, sums.mean, sums.maximum) == (2.0, 140.0, 140.0)
    stream.add(3 * S, 221.0)  # it stays, so it was no spike, and counts from the cut on
    sums = stream.cut(4 * S)
    assert (sums.seconds, sums.mean, sums.maximum) == (2.0, 220.5, 221.0)


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
