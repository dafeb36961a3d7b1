"""Trends: load, fitness and fatigue, streaks, and the command over real sessions."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from math import isfinite
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog import store_wanted, store_years
from rowlog.athlete import Change
from rowlog.charts import line_chart, thinned
from rowlog.periods import Kind, Span
from rowlog.render import Style
from rowlog.render_trends import workout
from rowlog.render_years import sparkline
from rowlog.store import Store
from rowlog.summary_trends import TrendsSummary, load_trends, load_workout
from rowlog.training import REACH_DAYS, load_days, streaks
from rowlog.wanted import ANY, Wanted
from rowlog_drivers.errors import RowlogError
from tests.support import ROOT
from tests.test_years_commands import answer, call

TODAY = date(2026, 11, 24)  # a Tuesday
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def days(*back: int) -> list[str]:
    """Dates so many days before today."""
    return [(TODAY - timedelta(days=count)).isoformat() for count in back]


def ordinals(*back: int) -> list[int]:
    """The same as ordinals."""
    return [date.fromisoformat(day).toordinal() for day in days(*back)]


# ---------------------------------------------------------------------------- load and streaks


def test_load_by_hand() -> None:
    """84 once: fitness 2 and fatigue 12 that day, form 0; the day after 41/42 and 6/7 of them."""
    first, second = load_days({days(1)[0]: 84.0}, TODAY)
    assert (first.load, first.fitness, first.fatigue, first.form) == (84.0, 2.0, 12.0, 0.0)
    assert second.load == 0.0
    assert second.fitness == pytest.approx(2 * 41 / 42)
    assert second.fatigue == pytest.approx(12 * 6 / 7)
    assert second.form == -10.0
    assert load_days({}, TODAY) == []


def test_what_is_beyond_reach_is_nothing_in_the_fitness() -> None:
    """A daily load of 80 for ten years, against the last 180 + REACH_DAYS of it alone."""
    loads = dict.fromkeys(days(*range(3650)), 80.0)
    near = dict.fromkeys(days(*range(180 + REACH_DAYS)), 80.0)
    whole, part = load_days(loads, TODAY, latest=180), load_days(near, TODAY, latest=180)
    for one, other in zip(whole, part, strict=True):
        assert one[2:] == pytest.approx(other[2:], rel=1e-14)


def test_a_steady_load_is_its_own_fitness() -> None:
    loads = {(TODAY - timedelta(days=k)).isoformat(): 50.0 for k in range(700)}
    last = load_days(loads, TODAY)[-1]
    assert last.fitness == pytest.approx(50, abs=0.01)
    assert last.form == pytest.approx(0, abs=0.01)


def test_the_latest_days_are_those_of_all() -> None:
    loads = dict.fromkeys(days(60, 30, 2), 40.0)
    whole = load_days(loads, TODAY)
    assert load_days(loads, TODAY, latest=5) == whole[-5:]
    assert load_days(loads, TODAY, latest=500) == whole
    assert load_days(loads, TODAY, days(3)[0], 10) == whole[-4:]


@pytest.mark.parametrize(
    ("rowed", "expected"),
    [
        ((), (0, 0, 0, 0)),
        ((0,), (1, 1, 1, 1)),
        ((1,), (1, 1, 1, 1)),  # Monday: yesterday, and this week
        ((2,), (0, 1, 1, 1)),  # Sunday: last week, which still counts
        ((0, 1, 2, 4), (3, 3, 2, 2)),
        ((30, 31, 32, 33, 0), (1, 4, 1, 1)),  # Thursday to Sunday
        ((0, 7, 14, 28), (1, 1, 3, 3)),
    ],
)
def test_streaks(rowed: tuple[int, ...], expected: tuple[int, ...]) -> None:
    assert tuple(streaks(ordinals(*rowed), TODAY)) == expected


@given(st.sets(st.integers(0, 400)))
def test_a_streak_is_no_longer_than_the_longest(rowed: set[int]) -> None:
    found = streaks(ordinals(*rowed), TODAY)
    assert 0 <= found.days <= found.longest_days <= len(rowed)
    assert 0 <= found.weeks <= found.longest_weeks


# ------------------------------------------------------------------------------------- charts


POINTS = st.lists(st.tuples(st.floats(1, 1e6), st.floats(-1e6, 1e6)), max_size=30)


@given(POINTS, st.booleans(), st.booleans(), st.booleans())
def test_a_chart_keeps_its_size(
    points: list[tuple[float, float]], log_x: bool, upside_down: bool, unicode: bool
) -> None:
    lines = line_chart(
        sorted(points), Style(unicode=unicode), width=40, height=6,
        label_y=lambda y: f"{y:.0f}", label_x=lambda x: f"{x:.0f}", log_x=log_x,
        upside_down=upside_down,
    )  # fmt: skip
    assert len(lines) == (8 if points else 0)
    assert max(map(len, lines), default=0) <= 8 + 2 + 40 + 8
    if not unicode:
        assert "".join(lines).isascii()


def test_a_chart_goes_up_where_values_do() -> None:
    lines = line_chart(
        [(0.0, 1.0), (1.0, 2.0), (2.0, 3.0)], Style(unicode=False), width=9, height=3,
        label_y=str, label_x=str,
    )  # fmt: skip
    assert lines == [
        "3.0 +      ***",
        "2.0 +   ***",
        "1.0 +***",
        "    +---------",
        "     0.0   2.0",
    ]


def test_many_points_are_thinned_to_the_best_of_as_many_as_it_takes() -> None:
    few = [(float(k), 120.0 - k) for k in range(120)]
    assert thinned(few, min) == (1, few)
    many = [(float(k), float(k % 10)) for k in range(600)]
    assert thinned(many, min) == (10, [(10.0 * k, 0.0) for k in range(60)])
    assert thinned(many[:-1], max)[1][-1] == (590.0, 8.0)


def test_a_sparkline() -> None:
    assert sparkline([1.0, None, 2.0, 3.0]) == "▁ ▄█"
    assert sparkline([None, None]) == "  "
    assert sparkline([5.0, 5.0]) == "▄▄"


# ------------------------------------------------------------------------------------ commands


@pytest.fixture(scope="module")
def rowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann's 750 m four times, in four months, with what is kept of it made better by and by."""
    path = tmp_path_factory.mktemp("trends") / "rowlog.db"
    frames = ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames"
    call(path, "athlete", "add", "Ann", "--max", "185", "--resting", "50", "--sex", "female")
    for _ in range(4):
        call(path, "replay", str(frames), "--athlete", "Ann")
    with closing(sqlite3.connect(path)) as db, db:
        for number in range(1, 5):
            db.execute(
                "UPDATE sessions SET started_at = ? WHERE id = ?",
                (f"2026-0{2 * number}-10T07:00:00+02:00", number),
            )
            db.execute(
                "UPDATE session_hearts SET watts_per_beat = 1.4 + 0.1 * session_id, "
                "drop_60s_bpm = 20 + session_id WHERE session_id = ?",
                (number,),
            )
            db.execute("INSERT INTO heart_rates_at_power VALUES (?, 187.5, 600, ?)",
                       (number, 160.0 - number))  # fmt: skip
    return path


def test_trends_by_month(rowed: Path) -> None:
    found = answer(rowed, "trends", "--since", "2026-01", "--until", "2026-08")
    months = found["periods"]
    assert [month["name"] for month in months] == [f"2026-0{k}" for k in range(8, 1, -1)]
    august, february = months[0], months[-1]
    assert (august["sessions"], months[1]["sessions"]) == (1, 0)
    assert august["watts_per_beat"] == pytest.approx(1.8)
    assert (february["heart_rate_drop_60s_bpm"], august["heart_rate_drop_60s_bpm"]) == (21, 24)
    assert found["power_w"] == 187.5
    assert (february["heart_rate_at_power_bpm"], august["heart_rate_at_power_bpm"]) == (159, 156)
    assert august["resting_heart_rate_bpm"] == 50
    assert months[1]["mean_pace_s_per_500m"] is None
    assert found["load_by"] == "banister"
    assert found["load"][0]["date"] == "2026-02-10"
    assert found["streaks"]["longest_days"] == 1
    assert all(isfinite(day["fitness"]) for day in found["load"])


def test_power_is_chosen_by_its_band(rowed: Path) -> None:
    span = ("--since", "2026-01", "--until", "2026-08")
    found = answer(rowed, "trends", "--power", "180", *span)
    assert found["power_w"] == 187.5
    other = answer(rowed, "trends", "--power", "300", *span)
    assert all(month["heart_rate_at_power_bpm"] is None for month in other["periods"])
    with pytest.raises(RowlogError, match="cannot be"):
        call(rowed, "trends", "--power", "-5")


def test_every_way_of_asking_the_database_answers_the_same(
    rowed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few sessions or many, few periods or many, and sessions that are nobody's."""
    found = []
    for few_sessions, few_periods in ((10**6, 10**6), (0, 0)):
        monkeypatch.setattr(store_years, "MANY", few_sessions)
        monkeypatch.setattr(store_wanted, "FEW_STARTS", few_periods)
        with store_years.open_years(rowed) as years:
            first, last = years.span(ANY)[1:]
            assert first is not None and last is not None
            starts = ["2000-01-01", first, last, "2100-01-01"]
            named = ANY._replace(athlete="Nobody")
            found.append((years.trends(ANY, starts), years.powers(ANY), years.powers(named)))
    assert found[0] == found[1]
    assert found[0][1] and not found[0][2]


@pytest.fixture
def own(rowed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed; whatever was stale is added up."""
    copy = tmp_path / "rowlog.db"
    with closing(sqlite3.connect(rowed)) as db, closing(sqlite3.connect(copy)) as into:
        db.backup(into)
    with Store.open_writer(copy) as store:
        store.set_note(1, None)
    return copy


def told(path: Path, wanted: Wanted, kind: Kind, span: Span) -> TrendsSummary:
    """Trends up to TODAY."""
    return load_trends(path, wanted, kind, span, TODAY)


def like(one: object, other: object) -> bool:
    """Equal but for how a sum is rounded that is taken in another order."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(like, one, other))
    return one == (pytest.approx(other, rel=1e-12) if isinstance(other, float) else other)


CHANGES = [
    ("nothing", lambda store: store.set_note(2, "calm")),
    ("deleted", lambda store: store.delete_sessions([3], NOW)),
    ("another's", lambda store: (
        store.add_athlete("Bo", []), store.edit_athlete([2], "Bo", NOW))),
    ("nobody's", lambda store: store.set_athlete(4, None)),
    ("another activity", lambda store: store.set_activity(1, "ski")),
    ("judged anew", lambda store: store.set_athlete_values(
        "Ann", [Change("max_heart_rate_bpm", "2026-05-01", 199.0)])),
    ("gone", lambda store: (store.delete_sessions([1], NOW), store.purge_session(1))),
    ("kept anew", lambda store: store.keep(2)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[name for name, _ in CHANGES])
def test_months_tell_what_their_sessions_do(
    own: Path, name: str, change: Callable[[Store], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open_writer(own) as store:
        change(store)
    half_year = Wanted(since="2026-03-01", until="2026-08-31")
    asked: list[tuple[Wanted, Kind, Span]] = [
        (ANY, "season", Span(None, None)),
        (half_year, "month", Span(date(2026, 3, 1), date(2026, 8, 31))),
        (Wanted(activity="row"), "year", Span(None, None)),
    ]
    if name != "gone":
        asked.append((Wanted(athlete="Ann"), "season", Span(None, None)))
    with store_years.open_years(own) as years:
        assert years._by_month(ANY) is not None
    by_month = [told(own, *one) for one in asked]
    monkeypatch.setattr(store_years, "all_fresh", lambda db: False)
    for one, quick in zip(asked, by_month, strict=True):
        assert like(quick, told(own, *one)), one


def test_what_another_program_changed_is_told_all_the_same(own: Path) -> None:
    """Its trigger says that the month is stale; the sessions themselves are asked."""
    with closing(sqlite3.connect(own)) as db, db:
        db.execute("UPDATE session_hearts SET watts_per_beat = 9 WHERE session_id = 4")
    with store_years.open_years(own) as years:
        assert years._by_month(ANY) is None
    found = told(own, ANY, "month", Span(None, None))
    assert next(month.watts_per_beat for month in found.periods if month.sessions) == 9
    with Store.open_writer(own) as store:
        store.set_note(1, None)
    with store_years.open_years(own) as years:
        assert years._by_month(ANY) is not None


def test_the_same_workout_over_time(rowed: Path) -> None:
    found = answer(rowed, "trends", "--plan", "750m")
    assert [row["session"] for row in found["sessions"]] == [1, 2, 3, 4]
    first = found["sessions"][0]
    assert first["fastest_pace_s_per_500m"] < first["mean_pace_s_per_500m"]
    text = call(rowed, "trends", "--plan", "750m")
    assert "1:56.7" in text
    assert "2026-02-10" in text
    latest = workout(load_workout(rowed, Wanted(plan="750m")), Style(), limit=3)
    assert "2026-02-10" not in latest.split("Pace")[0]
    assert "1 earlier ones." in latest
    later = answer(rowed, "trends", "--plan", "750m", "--since", "2026-05")
    assert len(later["sessions"]) == 2


def test_the_text_fits_and_has_sparklines(rowed: Path) -> None:
    for words in (("--charts",), ("--by", "season"), ("--by", "year", "--charts")):
        text = call(rowed, "trends", "--since", "2026-01", "--until", "2026-08", *words)
        assert max(map(len, text.splitlines())) <= 88, words
        assert "nan" not in text.lower().replace("nan ", "nan")
    text = call(rowed, "trends", "--since", "2026-01", "--until", "2026-08")
    assert "watts per beat" in text
    assert "+20 %" in text  # from 1.5 to 1.8 watts a beat
    assert "█" in text


def test_next_to_nothing_is_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    call(path, "athlete", "add", "Ann")
    for words in ((), ("--charts",), ("--by", "day"), ("--plan", "2000m")):
        if words[:1] == ("--plan",):
            with pytest.raises(RowlogError, match="No session is of plan"):
                call(path, "trends", *words)
            continue
        assert "No sessions" in call(path, "trends", *words)
        json.dumps(answer(path, "trends", *words), allow_nan=False)
    call(path, "demo")
    text = call(path, "trends", "--charts")
    assert "No training load" in text
    found = answer(path, "trends")
    assert (found["load"], found["load_by"], found["sessions_without_load"]) == ([], None, 1)


def test_pictures(rowed: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    span = ("--since", "2026-01", "--until", "2026-08")
    for command in (("trends", *span), ("bests",)):
        for suffix, start in starts.items():
            file = tmp_path / f"{command[0]}{suffix}"
            call(rowed, *command, "--picture", str(file))
            assert file.read_bytes().startswith(start)
    with pytest.raises(RowlogError, match="names no picture"):
        call(rowed, "bests", "--picture", str(tmp_path / "bests.doc"))
    with pytest.raises(RowlogError, match="no folder"):
        call(rowed, "trends", "--picture", str(tmp_path / "none" / "trends.png"))


def test_a_picture_of_nothing(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / "rowlog.db"
    call(path, "athlete", "add", "Ann")
    call(path, "trends", "--picture", str(tmp_path / "trends.png"))
    call(path, "bests", "--picture", str(tmp_path / "bests.png"))
