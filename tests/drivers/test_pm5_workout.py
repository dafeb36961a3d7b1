"""Counters that a PM5 starts anew with each interval, counted on; when each interval began."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.protocols.pm5_workout import Began, Latest, Workout

MS = 1_000_000
WAITING, ROWING, RESTING, WORKING, ENDED = 0, 1, 3, 5, 10
DISTANCE, TIME = 0x80, 0x00


@dataclass
class Monitor:
    """Says statuses of 500 m intervals, or of whatever is asked for."""

    workout: Workout
    target_type: int = DISTANCE
    target_raw: int = 500
    interval_type: int = 1
    total_raw: int | None = None

    def says(self, t_ms: float, elapsed_s: float, distance_m: float, state: int) -> Began | None:
        return self.workout.status(
            round(t_ms * MS),
            elapsed_s,
            distance_m,
            state,
            interval_type=self.interval_type,
            target_type=self.target_type,
            target_raw=self.target_raw,
            total_raw=self.total_raw,
        )


@pytest.fixture
def monitor() -> Monitor:
    return Monitor(Workout())


def test_intervals_and_the_metres_of_their_rests_add_up(monitor: Monitor) -> None:
    workout = monitor.workout
    assert monitor.says(0, 0, 0, WAITING) == Began(0.0, 0.0, 0.0)
    # The first status of the work says that 0.3 s of it are over.
    assert monitor.says(1_000, 0.3, 1.2, WORKING) == Began(0.3, 0.0, 0.0)
    assert monitor.says(100_000, 99.3, 498.0, WORKING) is None
    # 0.4 s after the last status of the work its clock had run 0.25 s: it ended 0.15 s ago.
    began = monitor.says(100_400, 99.55, 500.0, RESTING)
    assert began is not None
    assert began.parameter == pytest.approx((0.15, 99.55, 500.0))
    assert workout.rest(6) == 506.0
    assert monitor.says(130_000, 99.55, 500.0, RESTING) is None
    assert workout.counters() == pytest.approx((99.55, 506.0))
    began = monitor.says(160_400, 0.2, 0.5, WORKING)
    assert began is not None
    assert began.parameter == pytest.approx((0.2, 99.55, 506.0))
    assert workout.counters() == pytest.approx((99.75, 506.5))


def test_values_that_are_not_in_step_are_of_the_interval_that_they_fit(monitor: Monitor) -> None:
    monitor.says(0, 99.0, 498.0, WORKING)
    assert monitor.workout.elapsed(99.5) == 99.5
    assert monitor.workout.elapsed(99.2) == 99.5, "time does not go back"
    monitor.says(1_000, 0.1, 0.4, WORKING)
    assert monitor.workout.elapsed(99.5) is None, "of the interval before"
    # A second after the 99.0 s the new interval was 0.1 s old: the old one ended at 99.9 s.
    assert monitor.workout.elapsed(0.3) == pytest.approx(99.9 + 0.3)


def test_a_rest_without_a_length_goes_on_counting_time(monitor: Monitor) -> None:
    monitor.interval_type, monitor.target_type, monitor.target_raw = 3, TIME, 6_000
    monitor.says(0, 0.0, 0.0, WAITING)
    monitor.says(100, 0.1, 0.4, 4)
    monitor.says(59_900, 59.9, 250.0, 4)
    monitor.interval_type = 5
    # The work ended at its 60 s, 0.1 s after the status before and 0.3 s before this one.
    began = monitor.says(60_300, 60.3, 250.4, RESTING)
    assert began is not None
    assert began.parameter == pytest.approx((0.3, 60.0, 250.4))


def test_a_workout_that_is_begun_anew_is_counted_on(monitor: Monitor) -> None:
    monitor.says(0, 50.0, 200.0, ROWING)
    monitor.says(500, 0.0, 0.0, WAITING)
    monitor.says(9_000, 2.0, 6.0, ROWING)
    assert monitor.workout.counters() == pytest.approx((52.0, 206.0))


@pytest.mark.parametrize(
    ("count", "expected_m", "began"),
    [
        (0, 250.0, None),  # still in the interval in which the link was lost
        (1, 500.0 + 250.0, (58.0, 40.0, 500.0)),  # in the next one, whose time says when it began
        (2, 500.0 + 500.0 + 250.0, (58.0, 40.0, 1000.0)),  # a whole one passed unheard
    ],
)
def test_intervals_that_passed_unheard_are_counted_as_programmed(
    monitor: Monitor, count: int, expected_m: float, began: tuple[float, ...] | None
) -> None:
    workout = monitor.workout
    workout.interval(0)
    monitor.says(0, 40.0, 200.0, WORKING)
    workout.lose()
    assert monitor.says(300_000, 58.0, 250.0, WORKING) is None
    assert workout.counters() is None
    assert workout.stroke(58.0, 250.0) is None
    told = workout.interval(count)
    assert (None if told is None else told.parameter) == began
    counters = workout.counters()
    assert counters is not None
    assert counters[1] == pytest.approx(expected_m)


@pytest.mark.parametrize(
    ("missed", "latest", "total_raw", "seconds", "metres"),
    [
        # The minute that was heard for 20 s, at 4.5 m/s: the monitor says 268 m of it.
        (1, Latest(60.0, 268), None, 60.0, 268.0),
        # Two minutes: of the first only the metres of all tell, in metres or in tenths.
        (2, Latest(60.0, 270), 538, 120.0, 538.0),
        (2, Latest(60.0, 270), 5380, 120.0, 538.0),
        # Three, and a monitor that tells nothing of metres: those that were heard.
        (3, None, None, 180.0, 90.0),
        # What cannot be of these intervals is not believed.
        (1, Latest(400.0, 1900), None, 60.0, 90.0),
        (2, Latest(60.0, 270), 90_000, 120.0, 360.0),
    ],
)
def test_timed_intervals_that_passed_unheard_have_the_metres_that_the_monitor_tells(
    monitor: Monitor,
    missed: int,
    latest: Latest | None,
    total_raw: int | None,
    seconds: float,
    metres: float,
) -> None:
    monitor.target_type, monitor.target_raw, monitor.interval_type = TIME, 6000, 0
    monitor.total_raw = 0 if total_raw is not None else None
    workout = monitor.workout
    monitor.says(0, 0, 0, WORKING)
    workout.interval(0)
    monitor.says(20_000, 20.0, 90.0, WORKING)
    workout.lose()
    monitor.total_raw = total_raw
    assert monitor.says(20_000 + missed * 90_000, 20.0, 91.0, WORKING) is None
    began = workout.interval(missed, latest)
    assert began is not None
    assert began.parameter == pytest.approx((20.0, seconds, metres))
    assert workout.counters() == pytest.approx((seconds + 20.0, metres + 91.0))


def test_what_is_left_of_a_rest_says_when_it_began(monitor: Monitor) -> None:
    workout = monitor.workout
    monitor.says(0, 0, 0, WORKING)
    workout.interval(0)
    monitor.says(50_000, 50.0, 250.0, WORKING)
    workout.lose()
    assert monitor.says(250_000, 101.0, 500.0, RESTING) is None
    assert workout.rest(4, 12.5) is None
    # It is the rest of the second interval: the first one counts as programmed, by 99 s.
    began = workout.interval(1, Latest(99.0, 500))
    assert began is not None
    assert began.parameter == pytest.approx((0.0, 200.0, 1004.0, 12.5))


def test_what_is_left_of_the_first_rest_is_told_where_all_began_unheard(monitor: Monitor) -> None:
    """Away from before the first stroke: no interval is over yet, and the clock stands."""
    workout = monitor.workout
    monitor.says(0, 0, 0, WAITING)
    workout.lose()
    workout.rest(7, 12.5)
    assert monitor.says(120_000, 99.5, 500.0, RESTING) is None
    began = workout.interval(0)
    assert began is not None
    assert began.parameter == pytest.approx((0.0, 99.5, 507.0, 12.5))


def test_a_monitor_that_never_says_its_interval_is_believed_in_the_end(monitor: Monitor) -> None:
    monitor.says(0, 40.0, 200.0, WORKING)
    monitor.workout.lose()
    monitor.says(9_000, 49.0, 240.0, WORKING)
    assert monitor.workout.counters() is None
    monitor.says(11_500, 51.0, 250.0, WORKING)
    assert monitor.workout.counters() == (51.0, 250.0)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 90_000),
            st.floats(0, 100_000),
            st.integers(0, 14),
            st.integers(0, 9),
            st.sampled_from([None, DISTANCE, TIME, 0x40]),
            st.integers(0, 5),
        )
    )
)
def test_counters_never_fall(said: list[tuple[float, float, int, int, int | None, int]]) -> None:
    workout = Workout()
    seen: list[tuple[float, float]] = []
    for n, (elapsed_s, distance_m, state, interval_type, target_type, then) in enumerate(said):
        workout.status(
            n * 100 * MS,
            elapsed_s,
            distance_m,
            state,
            interval_type=interval_type,
            target_type=target_type,
            target_raw=5_000,
        )
        if then == 0:
            workout.lose()
        elif then == 1:
            workout.interval(n % 7)
        elif then == 2:
            workout.rest(n)
        elif then == 3:
            workout.stroke(elapsed_s, distance_m)
        counters = workout.counters()
        if counters is not None:
            seen.append(counters)
    for before, after in pairwise(seen):
        assert after[0] >= before[0]
        assert after[1] >= before[1]
