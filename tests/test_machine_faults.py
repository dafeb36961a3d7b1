"""What machines say that is not so: a former row, resets in a pause, coasting, nonsense."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from rowlog_drivers.records import RowerSample
from tests.test_intervals import MPS, S, check_whole, lived, rower

REPS: Final = (("still", 5), ("row", 125), ("still", 60), ("row", 125), ("still", 30))
PLAN: Final = "500m/1:00r+500m"


def test_counters_that_start_above_zero_are_an_offset() -> None:
    """A machine that still holds the row before: 5200 m, 312 strokes."""

    def stale(sample: RowerSample) -> RowerSample:
        return replace(
            sample,
            distance_m=(sample.distance_m or 0.0) + 5200,
            stroke_count=(sample.stroke_count or 0) + 312,
        )

    fresh, held = lived(PLAN, rower(REPS)), lived(PLAN, rower(REPS, said=stale))
    assert held.metres == fresh.metres
    assert held.metres[::2] == [500.0, 500.0]
    assert held.totals.distance_m == fresh.totals.distance_m == pytest.approx(1000, abs=1)
    assert held.totals.stroke_count == fresh.totals.stroke_count
    assert held.totals.machine_resets == 0


def test_a_display_that_resets_in_a_pause_loses_nothing() -> None:
    """It pauses by itself after some seconds, and begins at 0 when rowing goes on."""
    phases = (("still", 5), ("row", 60), ("still", 40), ("row", 65), ("still", 30))

    def paused(sample: RowerSample) -> RowerSample:
        if sample.t_ns < 80 * S:
            return sample
        return replace(
            sample,
            distance_m=(sample.distance_m or 0.0) - 60 * MPS,
            stroke_count=(sample.stroke_count or 0) - 30,
        )

    outcome = lived("500m", rower(phases, said=paused))
    check_whole(outcome)
    assert outcome.kinds == ["work", "pause", "work"]
    assert sum(metres or 0.0 for metres in outcome.metres) == pytest.approx(500, abs=1.5)
    assert outcome.totals.distance_m == pytest.approx(500, abs=1.5)
    assert outcome.totals.machine_resets == 1


def test_a_wheel_that_runs_on_is_counted_but_no_rowing() -> None:
    """Ten seconds of pace and watts without a stroke: the pause began when they ended."""

    def coasting(sample: RowerSample) -> RowerSample:
        if 65 * S < sample.t_ns <= 75 * S:
            return replace(sample, pace_s_per_500m=500 / MPS, power_w=180.0)
        return sample

    phases = (("still", 5), ("row", 60), ("still", 40), ("row", 65), ("still", 30))
    plain = lived("500m", rower(phases))
    outcome = lived("500m", rower(phases, said=coasting))
    assert outcome.kinds == plain.kinds == ["work", "pause", "work"]
    assert outcome.metres == plain.metres
    assert outcome.totals.work_s == pytest.approx(plain.totals.work_s, abs=0.5)


def test_absurd_rates_watts_and_paces_reach_no_summary() -> None:
    """80 spm with the same count, 3000 W for a sample, a pace of 0.1 s: the counters decide."""

    def absurd(sample: RowerSample) -> RowerSample:
        second = sample.t_ns // S
        if second in (40, 41, 90):
            return replace(sample, stroke_rate_spm=80.0, power_w=3000.0, pace_s_per_500m=0.1)
        return replace(sample, stroke_rate_spm=30.0)

    sane, odd = lived(PLAN, rower(REPS)), lived(PLAN, rower(REPS, said=absurd))
    for one, other in zip(odd.segments, sane.segments, strict=True):
        assert one.figures.distance_m == other.figures.distance_m
        assert one.figures.stroke_count == other.figures.stroke_count
        assert one.figures.mean_stroke_rate_spm == other.figures.mean_stroke_rate_spm
        assert one.figures.mean_pace_s_per_500m == other.figures.mean_pace_s_per_500m
        if other.figures.mean_power_w is not None:
            assert one.figures.mean_power_w == pytest.approx(other.figures.mean_power_w, rel=0.05)


def test_a_machine_that_goes_for_good_ends_its_interval_where_it_was_heard_last() -> None:
    """In the second of two reps, 60 s before its end: nothing is rowed that nobody saw."""
    said = [one for one in rower(REPS) if one.t_ns < 260 * S]
    outcome = lived(PLAN, said, end_s=400)
    work = [one for one in outcome.segments if one.kind == "work"]
    assert work[0].ended_by == "target"
    assert work[-1].ended_by != "target"
    assert outcome.metres[0] == 500.0
    assert outcome.totals.distance_m == pytest.approx(500 + 70 * MPS, abs=MPS)
    assert outcome.totals.gaps == 1
