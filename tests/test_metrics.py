"""Arithmetic on series, against running sums and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog import metrics, summary
from rowlog.figures import Stream
from rowlog.replaying import replay_file
from rowlog.series import load_series

S = 1_000_000_000
RECORDING = Path(__file__).resolve().parent.parent / "fixtures" / "ftms" / "split_4x250m.frames"
Readings = list[tuple[int, float | None]]
READINGS = st.lists(
    st.tuples(st.integers(0, 60_000), st.one_of(st.none(), st.integers(20, 250).map(float))),
    min_size=1,
    max_size=30,
    unique_by=lambda reading: reading[0],
).map(sorted)


def series(readings: Readings) -> tuple[metrics.Array, metrics.Array]:
    """Readings (in ms) as times in seconds and values."""
    t_s = np.array([t_ms / 1000 for t_ms, _ in readings], dtype=np.float64)
    values = np.array([np.nan if v is None else v for _, v in readings], dtype=np.float64)
    return t_s, values


@given(READINGS, st.integers(0, 70_000), st.integers(0, 70_000), st.booleans())
def test_means_agree_with_the_running_sums(
    readings: Readings, one: int, other: int, linear: bool
) -> None:
    start_ms, end_ms = sorted((one, other))
    stream = Stream(linear=linear)
    for t_ms, value in readings:
        stream.add(t_ms * 1_000_000, value)
    stream.cut(start_ms * 1_000_000)
    sums = stream.cut(end_ms * 1_000_000)
    mean = metrics.time_weighted_mean(
        *series(readings), start_ms / 1000, end_ms / 1000, linear=linear
    )
    assert mean.seconds == pytest.approx(sums.seconds)
    if mean.value is None:
        assert sums.seconds == 0
    else:
        assert mean.value == pytest.approx(sums.mean)


def test_a_mean_by_hand() -> None:
    # 100 W for 2 s, unknown for 1 s, 200 W for 5 s at most, then nothing: (200 + 1000) / 7.
    t_s, watts = series([(0, 100.0), (2000, None), (3000, 200.0)])
    mean = metrics.time_weighted_mean(t_s, watts, 0.0, 60.0)
    assert mean.value == pytest.approx(1200 / 7)
    assert mean.seconds == 7.0
    assert metrics.time_weighted_mean(t_s, watts, 2.0, 3.0).value is None


@given(READINGS, st.lists(st.integers(0, 70_000), min_size=1, max_size=8))
def test_as_of_is_what_a_stream_has_in_force(readings: Readings, instants: list[int]) -> None:
    stream = Stream()
    for t_ms, value in readings:
        stream.add(t_ms * 1_000_000, value)
    at_s = np.array(instants) / 1000
    for t_ms, found in zip(instants, metrics.as_of(*series(readings), at_s), strict=True):
        held = stream.at(t_ms * 1_000_000)
        assert np.isnan(found) if held is None else found == held


def test_zones_by_hand() -> None:
    t_s, bpm = series([(0, 110.0), (2000, 130.0), (5000, None), (7000, 150.0)])
    seconds = metrics.zone_seconds(t_s, bpm, np.array([120.0, 140.0]), 10.0)
    # Below 120: 2 s; 120 to 140: 3 s; from 140 on: 3 s; not known: 2 s.
    assert seconds.tolist() == [2.0, 3.0, 3.0, 2.0]


@given(READINGS)
def test_zones_and_the_unknown_make_up_the_whole(readings: Readings) -> None:
    t_s, bpm = series(readings)
    seconds = metrics.zone_seconds(t_s, bpm, np.array([100.0, 150.0]), 75.0)
    assert (seconds >= 0).all()
    assert seconds.sum() == pytest.approx(75.0 - t_s[0])


def test_recovery_by_hand() -> None:
    t_s, bpm = series([(0, 170.0), (30_000, 140.0), (60_000, None)])
    fallen = metrics.recovery(t_s, bpm, 1.0, np.array([30.0, 60.0]))
    assert fallen[0] == 30.0
    assert np.isnan(fallen[1])


def test_drift_by_hand() -> None:
    t_s = np.arange(0.0, 40.0)
    watts = np.full(40, 200.0)
    bpm = np.where(t_s < 20, 140.0, 160.0)
    # 200/140 in the first half; in the second the rate is 160 but for the last step's slope.
    share = metrics.drift((t_s, watts), (t_s, bpm), 0.0, 40.0)
    assert share == pytest.approx(1 - 140 / 160, abs=0.005)
    assert metrics.drift((t_s, watts), (t_s, np.full(40, np.nan)), 0.0, 40.0) is None


def test_empty_series_have_no_answers() -> None:
    nothing = np.array([], dtype=np.float64)
    assert metrics.time_weighted_mean(nothing, nothing, 0.0, 1.0).value is None
    assert np.isnan(metrics.as_of(nothing, nothing, np.array([1.0]))).all()
    assert metrics.zone_seconds(nothing, nothing, np.array([100.0]), 9.0).tolist() == [0, 0, 0]


def test_a_stored_session_comes_back_as_series(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    session_id = replay_file(RECORDING, database)
    shown = summary.load(database, session_id)
    found = load_series(database, session_id)
    assert found.distance_m[0][0] >= 0
    assert found.distance_m[1][-1] == shown.session.distance_m
    assert (np.diff(found.distance_m[1]) >= 0).all()
    assert found.heart_rate_source == "strap"
    rep = shown.segments[2]
    mean = metrics.time_weighted_mean(
        *found.heart_rate_bpm,
        rep.started_at_s,
        rep.started_at_s + rep.duration_s,
        linear=True,
    )
    # The rep's end was cut before the reading after it had come: a hair's difference.
    assert mean.value == pytest.approx(rep.mean_heart_rate_bpm, abs=0.05)
    mean = metrics.time_weighted_mean(
        *found.power_w, rep.started_at_s, rep.started_at_s + rep.duration_s
    )
    assert mean.value == pytest.approx(rep.mean_power_w)
