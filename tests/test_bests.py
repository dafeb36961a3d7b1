"""Best efforts from recorded sessions, and what is predicted from them."""

from __future__ import annotations

import csv
import json
import random
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog import efforts, store_years
from rowlog.predictions import (
    calories_per_hour,
    critical_power,
    distance_in,
    paul_s,
    time_over,
    vo2max,
    watts_of_pace,
)
from rowlog.render import pace
from rowlog.summary_bests import event_of
from rowlog_drivers.errors import CallError, RowlogError
from tests.support import ROOT
from tests.test_years_commands import answer, call

SEASONS = sorted((ROOT.parent / "shared" / "captures" / "go_concept2").glob("*.csv"))


# ------------------------------------------------------------------------------ Concept2's rows


@pytest.mark.skipif(not SEASONS, reason="the captures are not here")
def test_the_logbook_is_reproduced() -> None:
    """Watts and calories of every row; pace truncated as there, whole tenths up to one lower."""
    rows = [
        row
        for path in SEASONS
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    ]
    rowed = [row for row in rows if row["Type"] == "Indoor Rower" and row["Avg Watts"]]
    odd = 0
    for row in rowed:
        exact = 500 * float(row["Work Time (Seconds)"]) / float(row["Work Distance"])
        assert int(watts_of_pace(exact) + 0.5) == int(row["Avg Watts"]), row["ID"]
        assert int(calories_per_hour(watts_of_pace(exact))) == int(row["Cal/Hour"]), row["ID"]
        if pace(exact) != row["Pace"]:
            odd += 1
            assert pace(exact - 0.1) == row["Pace"], row["ID"]
            assert abs(exact * 10 - round(exact * 10)) < 1e-6, row["ID"]  # an exact tenth
    assert len(rowed) > 400
    assert odd <= 14


# ----------------------------------------------------------------------------------- predictions


def test_critical_power_of_efforts_that_follow_it() -> None:
    """200 W and 15 kJ: 325 W for 2 minutes, 225 for 10, 212.5 for 20; longer ones are left out."""
    points = [(seconds, 200 + 15_000 / seconds) for seconds in (120.0, 240.0, 600.0, 1200.0)]
    found = critical_power([*points, (5.0, 900.0), (3600.0, 150.0)])
    assert found is not None
    assert found.power_w == pytest.approx(200)
    assert found.reserve_j == pytest.approx(15_000)
    assert found.power_error_w == pytest.approx(0, abs=1e-6)
    assert found.efforts == 4
    seconds = time_over(found, 2000.0)
    assert seconds is not None
    assert distance_in(found, seconds) == pytest.approx(2000)
    assert time_over(found, 100.0) is None  # half a minute


def test_the_errors_are_those_of_least_squares() -> None:
    """Work of 100, 210 and 290 kJ in 200, 700 and 1200 s: numpy's fit, and its covariance."""
    import numpy as np

    seconds, work = np.array([200.0, 700.0, 1200.0]), np.array([100e3, 210e3, 290e3])
    found = critical_power(list(zip(seconds.tolist(), (work / seconds).tolist(), strict=True)))
    fit, covariance = np.polyfit(seconds, work, 1, cov=True)
    assert found is not None
    assert found.power_w == pytest.approx(190.0)  # 190 kJ more in 1000 s
    assert found.efforts == 3
    assert found.reserve_j == pytest.approx(fit[1])
    assert found.power_error_w == pytest.approx(covariance[0, 0] ** 0.5)
    assert found.reserve_error_j == pytest.approx(covariance[1, 1] ** 0.5)


@pytest.mark.parametrize(
    "points",
    [[], [(120.0, 200.0)], [(300.0, 200.0)] * 5, [(120.0, 100.0), (600.0, 200.0), (1200.0, 300.0)]],
)
def test_no_critical_power_of_too_little(points: list[tuple[float, float]]) -> None:
    assert critical_power(points) is None


@given(st.lists(st.tuples(st.floats(1, 4000), st.floats(0, 2000)), max_size=15))
def test_critical_power_is_never_nan(points: list[tuple[float, float]]) -> None:
    found = critical_power(points)
    if found is not None:
        json.dumps(found, allow_nan=False)


def test_pauls_law() -> None:
    """2000 m in 8:00 are 2:00; 4000 m go at 2:05, 1000 m at 1:55."""
    assert paul_s(480.0, 2000.0, 4000.0) == pytest.approx(1000.0)
    assert paul_s(480.0, 2000.0, 1000.0) == pytest.approx(230.0)


@pytest.mark.parametrize(
    ("minutes", "mass_kg", "sex", "trained", "expected"),
    [
        (7.0, 80.0, "male", False, (10.7 - 6.3) * 1000 / 80),
        (7.0, 80.0, "male", True, (15.7 - 10.5) * 1000 / 80),
        (7.0, 75.0, "male", True, (15.1 - 10.5) * 1000 / 75),
        (8.0, 60.0, "female", False, (10.26 - 7.44) * 1000 / 60),
        (8.0, 60.0, "female", True, (14.6 - 12.0) * 1000 / 60),
        (8.0, 70.0, "female", True, (14.9 - 12.0) * 1000 / 70),
        (12.0, 80.0, "male", True, None),  # less than nothing
    ],
)
def test_vo2max(
    minutes: float, mass_kg: float, sex: str, trained: bool, expected: float | None
) -> None:
    found = vo2max(60 * minutes, mass_kg, sex, trained=trained)
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize("text", ["2000m", "2k", "2km"])
def test_events_are_named_as_plans_are(text: str) -> None:
    assert event_of(text) == ("distance", 2000.0)
    assert event_of("30:00") == event_of("30min") == ("time", 1800.0)
    with pytest.raises(CallError, match="There is: 100m"):
        event_of("700m")


def test_the_events_are_the_same_everywhere() -> None:
    assert store_years.EVENTS == {
        "distance": efforts.RANKED_M,
        "time": efforts.RANKED_S,
        "power": efforts.POWER_S,
    }


# -------------------------------------------------------------------------------------- commands


@pytest.fixture(scope="module")
def rowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bests") / "rowlog.db"
    frames = ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames"
    call(path, "athlete", "add", "Ann", "--mass", "70", "--sex", "female")
    call(path, "replay", str(frames), "--athlete", "Ann")
    call(path, "demo")
    return path


def test_bests_of_pieces_and_within_them(rowed: Path) -> None:
    found = answer(rowed, "bests")
    by_event = {best["event"]: best for best in found["bests"]}
    assert list(by_event) == ["100m", "500m", "1min"]
    reps = [s for s in answer(rowed, "show", "2")["segments"] if s["kind"] == "work"]
    fastest = min(rep["duration_s"] for rep in reps)
    (whole,) = (b for b in answer(rowed, "bests", "--whole")["bests"] if b["event"] == "500m")
    assert whole["time_s"] == pytest.approx(fastest)
    assert whole["whole"]
    # No rest helps: nothing over 1000 m, which no piece has.
    assert by_event["500m"]["time_s"] <= whole["time_s"]
    ann = answer(rowed, "bests", "--athlete", "Ann")
    assert {best["session"] for best in ann["bests"]} == {1}
    assert ann["predicted_from"] is not None and ann["predictions"]
    assert answer(rowed, "bests", "--since", "2026-03-02")["asked"]["sessions"] == 1


def test_what_is_nobodys_counts_with_a_households_only_rower(rowed: Path, tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    with closing(sqlite3.connect(rowed)) as db, closing(sqlite3.connect(path)) as into:
        db.backup(into)
    frames = ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames"
    call(path, "replay", str(frames))
    found = answer(path, "bests")
    assert (found["several_athletes"], found["asked"]["only_athlete"]) == (False, "Ann")
    assert found["asked"]["nobodys"] == 2
    assert found["predictions"]
    said = "2 sessions are nobody's, without zones and load. If they are Ann's:\n"
    for words in (("bests", "--curves"), ("zones", "--by", "year"), ("trends", "--by", "year")):
        assert f"{said}rowlog edit athlete nobody --name Ann" in call(path, *words)
    page = tmp_path / "season.html"
    call(path, "report", "2026", str(page), "--season")
    assert "rowlog edit athlete nobody --name Ann" in page.read_text(encoding="utf-8")
    # Whose it is once another has rowed, nobody can say: several people's efforts make no model.
    call(path, "athlete", "add", "Bob")
    assert answer(path, "bests")["predictions"]  # he has not yet
    call(path, "edit", "athlete", "1", "--name", "Bob")
    call(path, "replay", str(frames), "--athlete", "Ann")
    found = answer(path, "bests")
    assert (found["several_athletes"], found["asked"]["only_athlete"]) == (True, None)
    assert (found["predicted_from"], found["predictions"]) == (None, [])
    assert "one athlete's" in call(path, "bests", "--curves")
    assert "Say whose: rowlog edit athlete --help" in call(path, "zones")
    assert answer(path, "edit", "athlete", "nobody", "--name", "Bob")["sessions"] == [2, 3]
    assert answer(path, "bests")["asked"]["nobodys"] == 0
    with pytest.raises(RowlogError, match="Every session is an athlete's"):
        call(path, "edit", "athlete", "nobody", "--name", "Bob")


def test_a_stop_counts_as_time(rowed: Path) -> None:
    """750 m with a stop of 16 s after 268 m: the best 500 m are not all from one side of it."""
    ann = {best["event"]: best for best in answer(rowed, "bests", "--athlete", "Ann")["bests"]}
    assert ann["500m"]["time_s"] > 110.8 + 15  # the 482 m after it, the stop, and some metres


def test_metres_that_nobody_saw_are_no_best(tmp_path: Path) -> None:
    """9 s without a link in an even 1000 m: the 39 m of them are not rowed in its first stroke."""
    path = tmp_path / "rowlog.db"
    call(path, "replay", str(ROOT / "fixtures" / "ftms" / "link_lost_1000m.frames"))
    by_event = {best["event"]: best for best in answer(path, "bests")["bests"]}
    assert by_event["1000m"]["time_s"] == pytest.approx(232, abs=0.5)
    assert by_event["100m"]["time_s"] == pytest.approx(23.2, abs=0.7)  # a metre counts 0.23 s
    with closing(sqlite3.connect(path)) as db:
        ((start_ns, end_ns),) = db.execute("SELECT t_ns, end_ns FROM gaps").fetchall()
        rows = db.execute(
            "SELECT target, value FROM best_efforts WHERE kind = 'power' AND end_t_ns > ? "
            "AND start_t_ns < ?",
            (start_ns, end_ns),
        ).fetchall()
    assert all(watts < 230 for _, watts in rows)


def test_metres_that_were_delivered_at_once_are_no_best(tmp_path: Path) -> None:
    """A link that holds back 12 s of an even piece, then delivers them within 50 ms."""
    lines = (ROOT / "fixtures" / "ftms" / "piece_2000m.frames").read_text(encoding="utf-8")
    head = [line for line in lines.splitlines() if line.startswith("#")]
    frames = [line.split() for line in lines.splitlines() if line and not line.startswith("#")]
    for columns in frames:
        if 100.0 < (t_s := float(columns[0])) < 112.0:
            columns[0] = f"{112.0 + (t_s - 100.0) * 0.004:.9f}"
    frames.sort(key=lambda columns: float(columns[0]))
    held = tmp_path / "held.frames"
    held.write_text("\n".join([*head, *map(" ".join, frames)]) + "\n", encoding="utf-8")
    path = tmp_path / "rowlog.db"
    call(path, "replay", str(held))
    by_event = {best["event"]: best for best in answer(path, "bests")["bests"]}
    assert by_event["100m"]["time_s"] == pytest.approx(23.5, abs=0.7)
    assert by_event["500m"]["time_s"] == pytest.approx(117.8, abs=0.7)
    assert by_event["1min"]["distance_m"] == pytest.approx(255, abs=2)


def test_groups_and_events(rowed: Path) -> None:
    by_athlete = answer(rowed, "bests", "--by", "athlete")["groups"]
    assert [group["name"] for group in by_athlete] == ["Ann", "nobody named"]
    assert len(answer(rowed, "bests", "--by", "season")["groups"]) == 2
    listed = answer(rowed, "bests", "500m")["bests"]
    assert [best["session"] for best in listed] == [2, 1]
    assert [best["time_s"] for best in listed] == sorted(best["time_s"] for best in listed)
    with pytest.raises(RowlogError, match="Say one of"):
        call(rowed, "bests", "--by", "shoe")


def test_texts_fit_the_screen(rowed: Path) -> None:
    for words in (
        ("bests",), ("bests", "--curves"), ("bests", "500m"), ("bests", "--by", "machine"),
        ("bests", "2000m"),
    ):  # fmt: skip
        text = call(rowed, *words)
        assert max(map(len, text.splitlines())) <= 80, words
        assert "nan" not in text


def test_many_sessions_are_asked_in_another_way_with_the_same_answer(
    rowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answer(rowed, "bests")
    monkeypatch.setattr(store_years, "MANY", 1)
    assert answer(rowed, "bests") == before
    assert answer(rowed, "bests", "--athlete", "Ann")["bests"]


def test_a_new_best_is_announced_once_it_is_one(rowed: Path, tmp_path: Path) -> None:
    """The same 8 x 500 m, one of Ann's a year later but 5 % quicker in what is kept of it."""
    path = tmp_path / "rowlog.db"
    with closing(sqlite3.connect(rowed)) as db, closing(sqlite3.connect(path)) as into:
        db.backup(into)
    call(path, "demo")
    assert answer(path, "show", "3")["bests"] == []  # equal is not better
    with closing(sqlite3.connect(path)) as db, db:
        later = (datetime.now().astimezone() + timedelta(days=365)).isoformat()
        db.execute("UPDATE sessions SET started_at = ? WHERE id = 3", (later,))
        db.execute(
            "UPDATE best_efforts SET value = value * 0.95, amount = amount * 0.95 "
            "WHERE session_id = 3 AND kind = 'distance'"
        )
    new = answer(path, "show", "3")["bests"]
    assert [best["target"] for best in new] == [100.0, 500.0]
    assert all(best["amount"] < best["before"] for best in new)
    assert "New best over 500 m: 1:48." in call(path, "show", "3")
    first = answer(path, "show", "2")["bests"]
    assert all(best["before"] is None for best in first)
    assert "New best" not in call(path, "show", "2")


def test_no_efforts_are_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    call(path, "athlete", "add", "Ann")
    assert answer(path, "bests")["bests"] == []
    assert "No sessions" in call(path, "bests", "--curves")
    assert answer(path, "bests", "2000m")["bests"] == []
    assert "No sessions" in call(path, "bests", "2000m")


def test_bests_do_not_depend_on_chance() -> None:
    """A walk of strokes, cut in two by a rest: no window of the whole lies over the cut."""
    import numpy as np

    steps = random.Random(4)
    t_s = np.cumsum([steps.uniform(2.0, 2.6) for _ in range(400)])
    metres = np.cumsum([steps.uniform(8.0, 10.0) for _ in range(400)])
    whole = efforts.Curve(t_s, metres).fastest(500.0)
    halves = [
        efforts.Curve(t_s[a:b], metres[a:b]).fastest(500.0) for a, b in ((0, 200), (200, 400))
    ]
    assert whole is not None
    best = min(h.end_s - h.start_s for h in halves if h is not None)
    assert whole.end_s - whole.start_s <= best
