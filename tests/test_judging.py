"""How well a plan was kept to: time in band, evenness, recovery, and the score's formula."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.judging import (
    Reading,
    done_share,
    evenness,
    in_band,
    piece_score,
    recovered_s,
)
from rowlog.notation import parse
from rowlog.plan import Band
from rowlog.replaying import record_frames
from rowlog.resolving import Values
from rowlog.simulating import script_for
from rowlog.standing import guidance
from rowlog.summary_athletes import add_athlete
from rowlog.summary_judging import load_judged, values_today
from rowlog_drivers.frames import FramesHeader
from rowlog_drivers.simulator import simulate


def rate(low: float | None, high: float | None) -> Band:
    return Band(quantity="stroke_rate_spm", low=low, high=high)


def test_time_in_band_begins_after_the_first_strokes() -> None:
    # 60 s: 20 s at 22, 20 s at 24, 10 s at 30, 10 s unknown; the first 5 s are not judged.
    readings = [Reading(0, 20, 22), Reading(20, 40, 24), Reading(40, 50, 30), Reading(50, 60, None)]
    held = in_band(rate(24, 28), readings, [(0, 60)])
    assert (held.below_s, held.inside_s, held.above_s, held.unknown_s) == (15, 20, 10, 10)
    assert held.share == pytest.approx(20 / 45)
    # One value: a stroke a minute on either side of it is kept.
    assert in_band(rate(23, 23), readings, [(0, 60)]).inside_s == 35
    assert in_band(rate(None, 24), readings, [(0, 60)]).above_s == 10
    assert in_band(rate(24, None), readings, [(0, 60)]).below_s == 15


def test_a_pause_is_not_judged() -> None:
    readings = [Reading(0, 30, 24), Reading(50, 80, 24)]
    held = in_band(rate(24, 24), readings, [(0, 30), (50, 80)])
    assert (held.inside_s, held.unknown_s) == (25 + 30, 0)


def test_the_heart_has_time_to_follow() -> None:
    band = Band(quantity="heart_rate_bpm", low=140, high=150)
    beats = [Reading(t, t + 1, 100 if t < 60 else 145) for t in range(240)]
    assert in_band(band, beats, [(0, 240)]).share == 1.0
    # Never more than a third of a piece.
    assert in_band(band, beats, [(0, 90)]).below_s == 30


@given(
    st.lists(st.tuples(st.floats(0.1, 20), st.none() | st.floats(10, 60)), max_size=30),
    st.floats(10, 300),
)
def test_all_time_is_somewhere(steps: list[tuple[float, float | None]], seconds: float) -> None:
    readings, t_s = [], 0.0
    for length, value in steps:
        readings.append(Reading(t_s, t_s + length, value))
        t_s += length
    held = in_band(rate(20, 30), readings, [(0.0, seconds)])
    total = held.inside_s + held.below_s + held.above_s + held.unknown_s
    assert total == pytest.approx(seconds - 5.0, abs=1e-6)
    assert held.share is None or 0 <= held.share <= 1


@pytest.mark.parametrize(
    ("done", "shares", "score"),
    [
        (1.0, [], 1.0),
        (1.0, [None], 1.0),
        (1.0, [1.0, 1.0], 1.0),
        (1.0, [0.0], 0.5),
        (1.0, [0.8, 0.6], 0.85),
        (0.5, [0.8], 0.45),
        (0.0, [1.0], 0.0),
    ],
)
def test_the_score_of_a_piece(done: float, shares: list[float | None], score: float) -> None:
    assert piece_score(done, shares) == pytest.approx(score)


def test_what_was_done_of_a_piece() -> None:
    assert done_share("distance", 500, 400) == pytest.approx(0.8, abs=1e-5)
    assert done_share("time", 240, 250) == 1.0
    assert done_share("energy", 20, None) == 0.0
    assert done_share("open", None, None) == 1.0
    assert done_share("heart_rate_above", 165, None) == 1.0


def test_evenness() -> None:
    even = evenness([110.0, 112.0, 114.0])
    assert even is not None
    assert (even.fastest, even.slowest) == (110, 114)
    assert even.trend == pytest.approx(2.0)
    assert even.spread == pytest.approx(2 / 112)
    assert evenness([110.0]) is None


@pytest.mark.parametrize(
    ("bpm", "until_s", "seconds"),
    [(150, 200, 10), (130, 200, 30), (90, 200, None), (130, 110, None), (180, 200, 0)],
)
def test_time_to_recover(bpm: float, until_s: float, seconds: float | None) -> None:
    beats = [(t, 160.0 if t <= 100 else 160.0 - (t - 100)) for t in range(90, 151)]
    held: list[tuple[float, float | None]] = [(float(t), value) for t, value in beats]
    held[12] = (102.0, None)
    assert recovered_s(held, 100.0, until_s, bpm) == seconds


# ------------------------------------------------------------------------------ a whole session


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("judged") / "rowlog.db"
    for rowed, planned in (
        ("2000m@1:58", "2000m@1:58"),
        ("3x500m@2:00@r26/1:30r", "4x500m@2k..2k+3@r26@<150bpm@UT2/1:30r"),
    ):
        simulation = simulate(script_for(parse(rowed)), seed=3)
        header = FramesHeader(
            sources=simulation.sources, end_ns=round(simulation.truth.end_s * 1e9)
        )
        record_frames(simulation.frames, header, database, plan=parse(planned))
    return database


def test_a_session_is_judged(judged: Path) -> None:
    found = load_judged(judged, 2, recover_bpm=130)
    assert [piece.done for piece in found.pieces] == [1.0, 1.0, 1.0, 0.0]
    first = found.pieces[0]
    by_word = {band.said: band for band in first.bands}
    assert list(by_word) == ["r26", "2k..2k+3", "<150bpm", "UT2"]
    rate_share, pace_share = by_word["r26"].share, by_word["2k..2k+3"].share
    assert rate_share is not None
    assert rate_share > 0.95
    # 2:00 is within 3 s of what was held over 2000 m, some 1:58.
    assert by_word["2k..2k+3"].low == pytest.approx(118, abs=1.5)
    assert pace_share is not None
    assert pace_share > 0.8
    heart = by_word["<150bpm"]
    assert heart.inside_s is not None
    assert heart.above_s is not None
    assert heart.inside_s + heart.above_s == pytest.approx(120 - 40, abs=2)
    assert by_word["UT2"].share is None
    assert found.unresolved == ("UT2",)
    # The score is the mean over all pieces of the plan, the one that was not rowed included.
    scores = [piece.score for piece in found.pieces]
    assert scores[3] == 0.0
    assert found.score == pytest.approx(100 * sum(scores) / 4)
    shares = [band.share for band in first.bands if band.share is not None]
    assert first.score == pytest.approx(0.5 + 0.5 * sum(shares) / 3)
    (reps,) = found.reps
    assert (reps.count, reps.target_type, reps.target_value) == (3, "distance", 500.0)
    assert reps.spread < 0.02
    assert all(piece.recovery_s is not None for piece in found.pieces[:3])
    assert found.pieces[3].recovery_s is None


def test_a_plan_without_guidance_is_judged_by_what_was_done(judged: Path) -> None:
    from rowlog.resegment import resegment

    resegment(judged, 1, "3000m", shown=False)
    found = load_judged(judged, 1, "3000m")
    assert found.score == pytest.approx(100 * 2000 / 3000, abs=1)


def test_a_session_without_a_heart_rate_is_judged_by_the_rest(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    simulation = simulate(script_for(parse("250m@r26")), seed=3, strap=False)
    header = FramesHeader(sources=simulation.sources, end_ns=round(simulation.truth.end_s * 1e9))
    record_frames(simulation.frames, header, database, plan=parse("250m@r26@<150bpm"))
    (piece,) = load_judged(database, 1).pieces
    told = {band.said: band.share for band in piece.bands}
    assert told["r26"] is not None
    assert told["<150bpm"] is None


# ------------------------------------------------------------------------ the same while rowing


def test_what_guidance_refers_to_is_known_before_rowing(judged: Path, tmp_path: Path) -> None:
    today = date(2026, 11, 26)
    plan = parse("500m@2k+10@UT2 + 500m@6k + 5:00@<85%max")
    rowed = values_today(judged, plan, None, today)
    assert list(rowed.paces_s_per_500m) == ["2k"]  # nobody has rowed 6000 m yet
    assert rowed.paces_s_per_500m["2k"] == pytest.approx(118, abs=1.5)
    assert (rowed.max_heart_rate_bpm, rowed.zones) == (None, {})
    assert values_today(judged, plan, "Ida", today) == Values()
    assert values_today(judged, parse("500m@1:50"), None, today) == Values()
    assert values_today(tmp_path / "none.db", plan, None, today) == Values()
    database = tmp_path / "rowlog.db"
    add_athlete(database, "Ida", {"max_heart_rate_bpm": 200}, "2026-01-01", today)
    known = values_today(database, plan, "Ida", today)
    assert known.max_heart_rate_bpm == 200
    assert (known.zones["UT2"].low, known.zones["UT2"].high) == (110, 140)
    assert (known.zones["AN"].low, known.zones["AN"].high) == (190, 200)
    assert values_today(database, plan, "Ida", date(2025, 12, 31)) == Values()


def test_guidance_by_bests_maximum_and_zones_is_judged_while_rowing() -> None:
    ut2 = Band(quantity="heart_rate_bpm", low=110, high=140)
    values = Values(paces_s_per_500m={"2k": 105.0}, max_heart_rate_bpm=200.0, zones={"UT2": ut2})
    latest = {"pace_s_per_500m": 118.0, "heart_rate_bpm": 150.0}
    (piece,) = parse("500m@2k+5..2k+10@<80%max@UT2").pieces
    assert [
        (one.quantity, one.low, one.high, one.state) for one in guidance(piece, latest.get, values)
    ] == [
        ("pace_s_per_500m", 110.0, 115.0, "above"),
        ("heart_rate_bpm", None, 160.0, "in"),
        ("heart_rate_bpm", 110.0, 140.0, "above"),
    ]
    assert [one.state for one in guidance(piece, latest.get)] == ["unknown"] * 3
