"""The heart of a session: variability, time at each heart rate, zones, impulse, efficiency."""

from __future__ import annotations

import json
from math import exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog import hrv, pulse
from rowlog.athlete import ALWAYS, Athlete, Change, check_history, checked_value, known_on
from rowlog.figures import Stream
from rowlog.heart import Plausibility
from rowlog.zones import judge, zones_of
from rowlog_drivers.errors import CallError
from rowlog_drivers.records import HeartRate
from tests.support import ROOT

SERIES = ROOT.parent / "shared" / "captures"
recorded = pytest.mark.skipif(not (SERIES / "hrv").is_dir(), reason="the captures are not here")


# -------------------------------------------------------------------------------- variability


@recorded
@pytest.mark.parametrize(
    ("name", "sdnn", "rmssd", "pnn50"),
    [
        ("hrv_analysis_nn_intervals", 43.113075, 19.519401, 2.402402),
        ("pyhrv_sample_nni_short", 95.690354, 101.300634, 48.511905),
        ("lubdub_rr_intervals_1", 71.167, 61.179, 47.788),
        ("lubdub_rr_intervals_2", 75.581, 80.816, 42.342),
    ],
)
def test_the_published_digits(name: str, sdnn: float, rmssd: float, pnn50: float) -> None:
    found = hrv.measures(np.loadtxt(SERIES / "hrv" / f"{name}.txt"))
    assert found is not None
    places = 3 if name.startswith("lubdub") else 6
    assert round(found.sdnn_ms, places) == sdnn
    assert round(found.rmssd_ms, places) == rmssd
    assert round(found.pnn50_pct, places) == pnn50


@recorded
def test_long_breaths_at_rest_are_left_out_where_the_rule_says_so() -> None:
    """Five of pyHRV's intervals are 31 to 36 % above the median of the eleven round them."""
    rr_ms = np.loadtxt(SERIES / "hrv" / "pyhrv_sample_nni_short.txt")
    places = np.flatnonzero(hrv.artefacts(rr_ms))
    off = [float(rr_ms[at] / np.median(rr_ms[at - 5 : at + 6]) - 1) for at in places]
    assert len(rr_ms) == 337
    assert [round(100 * share) for share in off] == [34, 31, 35, 36, 31]
    found = hrv.variability(rr_ms)
    assert found.corrected == 5
    assert found.measures is not None
    assert round(found.measures.rmssd_ms, 1) == 93.6


@recorded
def test_a_run_is_sane_once_missed_beats_are_left_out() -> None:
    path = SERIES / "goldencheetah" / "hrv_run_stryd_rr.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [line.split(",") for line in lines if line[0].isdigit()]
    rr_ms = np.array([float(value) for row in rows for value in row[2].split()])
    raw, found = hrv.measures(rr_ms), hrv.variability(rr_ms)
    assert raw is not None
    assert raw.rmssd_ms > 140  # as sent, with beats that were missed
    assert found.measures is not None
    assert found.measures.rmssd_ms < 12  # a heart at 135 a minute varies by a few ms
    assert (found.intervals, 0 < found.corrected_share < 0.01) == (9350, True)


def test_by_hand() -> None:
    """Steps of 40, -60 and 60: mean square (1600 + 3600 + 3600) / 3, two of three above 50."""
    found = hrv.measures(np.array([800.0, 840.0, 780.0, 840.0]))
    assert found is not None
    assert found.mean_rr_ms == 815.0
    assert found.rmssd_ms == pytest.approx((8800 / 3) ** 0.5)
    assert found.pnn50_pct == pytest.approx(200 / 3)
    assert found.sdnn_ms == pytest.approx(((15**2 + 25**2 + 35**2 + 25**2) / 3) ** 0.5)


def test_a_missed_beat_is_left_out_and_counted() -> None:
    """Every other step is 10 ms; the pair round the artefact is no step."""
    rr_ms = np.array([800.0, 810.0] * 50)
    rr_ms[41] = 1610.0
    found = hrv.variability(rr_ms)
    assert (found.intervals, found.corrected) == (100, 1)
    assert found.measures is not None
    assert found.measures.rmssd_ms == pytest.approx(10.0)


@pytest.mark.parametrize("rr_ms", [[], [800.0], [800.0] * 59, [800.0, 1700.0, 400.0] * 40])
def test_no_number_without_enough_beats(rr_ms: list[float]) -> None:
    assert hrv.variability(np.array(rr_ms)).measures is None


@given(st.lists(st.floats(0, 70_000), max_size=200))
def test_variability_is_never_nan(rr_ms: list[float]) -> None:
    found = hrv.variability(np.array(rr_ms, dtype=np.float64))
    assert 0 <= found.corrected <= found.intervals == len(rr_ms)
    if found.measures is not None:
        assert np.isfinite([found.measures.sdnn_ms, found.measures.rmssd_ms]).all()


# ------------------------------------------------------------------------- time at heart rates


READINGS = st.lists(
    st.tuples(st.integers(1, 9_000), st.sampled_from([0, 60, 61, 75, 83])), min_size=1, max_size=60
)
"""Milliseconds to the next reading, and beats a minute, 0 for none; no step is a spike."""


@given(READINGS)
def test_the_histogram_agrees_with_the_running_sums(beats: list[tuple[int, int]]) -> None:
    """The session's own coverage and mean, which are summed up reading by reading."""
    t_ns = np.cumsum([step_ms * 1_000_000 for step_ms, _ in beats])
    stream = Stream(linear=True)
    for at_ns, (_, value) in zip(t_ns.tolist(), beats, strict=True):
        stream.add(at_ns, float(value) if value else None)
    end_ns = int(t_ns[-1]) + 2_000_000_000
    sums = stream.cut(end_ns)
    bpm = np.array([float(value) for _, value in beats])
    readings = pulse.believed(t_ns, bpm)
    found = pulse.histogram(readings, end_ns / 1e9)
    if found is None:
        assert sums.seconds == 0
        return
    assert found.seconds.sum() == pytest.approx(sums.seconds)
    assert found.known_s + found.unknown_s == pytest.approx(end_ns / 1e9)
    at = found.low_bpm + np.arange(len(found.seconds))
    assert found.seconds @ at == pytest.approx(sums.integral)


@given(st.lists(st.sampled_from([0.0, 60.0, 90.0, 150.0, 240.0]), min_size=1, max_size=40))
def test_what_is_believed_is_what_is_believed_live(values: list[float]) -> None:
    judge_one, believed = Plausibility(), list[float]()
    for second, value in enumerate(values):
        reading = judge_one.read(
            HeartRate(t_ns=second * 10**9, source="s", heart_rate_bpm=int(value))
        )
        if reading.spike_ns is not None:
            begun = reading.spike_ns // 10**9
            believed[begun:] = [np.nan] * (second - begun)
        believed.append(np.nan if reading.bpm is None else reading.bpm)
    found = pulse.believed(np.arange(len(values)) * 10**9, np.array(values))
    np.testing.assert_array_equal(found.bpm, np.array(believed))


def test_a_step_is_spread_over_what_it_moves_through() -> None:
    """From 100 to 102 in 2 s: half a second at either end, one at 101; then 5 s are held at 102."""
    t_ns, bpm = np.array([0, 2_000_000_000]), np.array([100.0, 102.0])
    readings = pulse.believed(t_ns, bpm)
    found = pulse.histogram(readings, 10.0)
    assert found is not None
    assert (found.low_bpm, found.seconds.tolist()) == (100, [0.5, 1.0, 5.5])
    assert (found.known_s, found.unknown_s) == (7.0, 3.0)


def test_a_spike_is_marked_and_counts_nowhere() -> None:
    bpm = np.array([120.0] * 10 + [210.0] * 2 + [121.0] * 10)
    t_ns = np.arange(22) * 1_000_000_000
    readings = pulse.believed(t_ns, bpm)
    assert readings.spikes == 1
    assert np.nanmax(readings.bpm) == 121.0


def test_lost_contact_is_unknown() -> None:
    readings = pulse.believed(np.arange(4) * 10**9, np.array([130.0, 0.0, 0.0, 130.0]))
    found = pulse.histogram(readings, 4.0)
    assert found is not None
    assert (found.known_s, found.unknown_s) == (2.0, 2.0)


@given(st.lists(st.floats(200, 3000), min_size=3, max_size=60))
def test_artefacts_are_those_of_the_plain_definition(values: list[float]) -> None:
    rr_ms = np.array(values)
    count = hrv.NEIGHBOURS
    padded = np.pad(rr_ms, count, mode="reflect" if len(rr_ms) > count else "edge")
    middle = np.array([np.median(padded[k : k + 2 * count + 1]) for k in range(len(rr_ms))])
    outside = (rr_ms < hrv.LEAST_MS) | (rr_ms > hrv.MOST_MS)
    expected = outside | (np.abs(rr_ms - middle) > hrv.DEVIATION * middle)
    np.testing.assert_array_equal(hrv.artefacts(rr_ms), expected)


def test_a_value_that_never_changes_is_told() -> None:
    t_s = np.arange(0.0, 300.0)
    bpm = np.where(t_s < 100, 120 + t_s % 3, 150.0)
    readings = pulse.Readings(t_s, bpm, 0)
    none = (t_s[:0], t_s[:0])
    assert pulse.stuck_s(readings, [pulse.Work(0.0, 250.0, None)], lambda: none) == 150.0
    assert pulse.stuck_s(readings, [pulse.Work(0.0, 130.0, None)], lambda: none) == 0.0
    beating = (t_s, 400.0 + t_s % 2 * 5)  # at 150 a minute, as its RR intervals tell
    assert pulse.stuck_s(readings, [pulse.Work(0.0, 250.0, None)], lambda: beating) == 0.0


def test_efficiency_and_decoupling_by_hand() -> None:
    """200 W at 140, then at 160 bpm: 1.4286 and 1.25 W a beat are 12.5 % less."""
    t_s = np.arange(0.0, 2400.0)
    readings = pulse.Readings(t_s, np.where(t_s < 1200, 140.0, 160.0), 0)
    strokes = (t_s[::2], np.full(1200, 200.0))
    found = pulse.efficiency(readings, strokes, [pulse.Work(0.0, 2400.0, 9000.0)])
    assert found.decoupling == pytest.approx(0.125, abs=1e-3)
    assert found.watts_per_beat == pytest.approx(200 / 150, rel=1e-3)
    assert found.metres_per_beat == pytest.approx(9000 / (2.5 * 2400), rel=1e-3)
    short = pulse.efficiency(readings, strokes, [pulse.Work(0.0, 600.0, 2000.0)])
    assert short.decoupling is None
    nothing = pulse.Readings(t_s[:0], t_s[:0], 0)
    assert pulse.efficiency(nothing, strokes, [pulse.Work(0.0, 2400.0, 9000.0)]) == (
        pulse.Efficiency()
    )


def test_heart_rate_by_power_waits_for_the_heart() -> None:
    t_s = np.arange(0.0, 600.0)
    readings = pulse.Readings(t_s, np.where(t_s < 180, 100.0, 150.0), 0)
    found = pulse.at_power(readings, (t_s[::2], np.full(300, 180.0)), [pulse.Work(0.0, 600.0, 1.0)])
    ((power_w, seconds, bpm),) = found
    assert (power_w, bpm) == (187.5, 150.0)
    assert seconds == pytest.approx(420.0)


# ------------------------------------------------------------------------------ zones and values


ANN = Athlete(max_heart_rate_bpm=190.0, resting_heart_rate_bpm=50.0, sex="female")


@pytest.mark.parametrize(
    ("athlete", "by", "limits"),
    [
        (ANN, "reserve", (127, 148, 162, 169, 183)),
        (ANN._replace(resting_heart_rate_bpm=None), "max", (105, 133, 152, 162, 180)),
        (ANN._replace(zones_by="max", zone_names="numbers"), "max", (95, 114, 133, 152, 171)),
        (
            ANN._replace(zones_by="threshold", threshold_heart_rate_bpm=170.0),
            "threshold",
            (119, 144, 162, 173, 180),
        ),
        (ANN._replace(zone_limits="110,130,150,165,178"), "limits", (110, 130, 150, 165, 178)),
    ],
)
def test_zones(athlete: Athlete, by: str, limits: tuple[int, ...]) -> None:
    """50 + 0.55 x 140 = 127, 0.55 x 190 = 104.5, above it, 0.7 x 170 = 119, ..."""
    zones = zones_of(athlete)
    assert zones is not None
    assert (zones.by, zones.limits_bpm) == (by, limits)


@pytest.mark.parametrize("athlete", [Athlete(), Athlete(zones_by="threshold", mass_kg=70.0)])
def test_no_zones_of_nothing(athlete: Athlete) -> None:
    assert zones_of(athlete) is None
    found = judge(athlete, 100, [60.0, 60.0])
    assert (found.zones, found.below_s, found.banister, found.edwards) == (None, 120.0, None, None)


def test_impulses_by_hand() -> None:
    """Ten minutes at 120 of 50 to 190: half the reserve, and 63 % of the maximum, two points."""
    found = judge(ANN, 120, [600.0])
    assert found.edwards == 20.0
    assert found.banister == pytest.approx(10 * 0.5 * 0.86 * exp(1.67 * 0.5))
    assert (found.below_s, found.seconds) == (600.0, (0.0,) * 5)


@given(st.integers(20, 250), st.lists(st.floats(0, 5000), min_size=1, max_size=200))
def test_zones_lose_no_second(low: int, seconds: list[float]) -> None:
    found = judge(ANN, low, seconds)
    assert found.below_s + sum(found.seconds) == pytest.approx(sum(seconds))


def test_what_was_true_then() -> None:
    changes = [
        Change("max_heart_rate_bpm", ALWAYS, 195.0),
        Change("max_heart_rate_bpm", "2025-06-01", 190.0),
        Change("mass_kg", "2026-01-01", 70.0),
    ]
    assert known_on("2025-05-31", changes).max_heart_rate_bpm == 195.0
    assert known_on("2025-06-01", changes).max_heart_rate_bpm == 190.0
    assert known_on("2025-06-01", changes).mass_kg is None
    assert known_on("2026-02-01", changes).mass_kg == 70.0
    assert known_on("2026-02-01", []) == Athlete()


@pytest.mark.parametrize(
    ("quantity", "value"),
    [
        ("birth_year", 1700),
        ("birth_year", 2026),
        ("max_heart_rate_bpm", 300.0),
        ("max_heart_rate_bpm", float("nan")),
        ("mass_kg", -1.0),
        ("sex", "yes"),
        ("zones_by", "guess"),
        ("zone_limits", "110,130"),
        ("zone_limits", "110,130,120,165,178"),
        ("zone_limits", "a,b,c,d,e"),
    ],
)
def test_values_that_cannot_be_are_refused(quantity: str, value: float | str) -> None:
    with pytest.raises(CallError):
        checked_value(quantity, value, 2026)


def test_contradictions_are_refused_on_the_day_they_begin() -> None:
    changes = [
        Change("resting_heart_rate_bpm", ALWAYS, 60.0),
        Change("max_heart_rate_bpm", ALWAYS, 190.0),
        Change("resting_heart_rate_bpm", "2026-01-01", 200.0),
    ]
    check_history("Ann", changes[:2])
    with pytest.raises(CallError, match=r"190 is not above the resting one of 200 on 2026-01-01"):
        check_history("Ann", changes)


def test_a_heart_rate_without_room_for_zones_is_refused() -> None:
    changes = [
        Change("resting_heart_rate_bpm", ALWAYS, 94.0),
        Change("max_heart_rate_bpm", ALWAYS, 95.0),
    ]
    with pytest.raises(CallError, match="95 is less than 30 above the resting one of 94, which"):
        check_history("Ann", changes)


def test_no_number_is_told_in_words() -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(CallError, match=r"rate is no number\. It lies between 90"):
            checked_value("max_heart_rate_bpm", value, 2026)


def test_json_of_limits_is_plain() -> None:
    assert json.dumps(checked_value("zone_limits", " 110, 130,150,165,178", 2026)) == (
        '"110,130,150,165,178"'
    )
