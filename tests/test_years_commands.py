"""Athletes, zones and what else is asked over years, by the commands themselves."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rowlog.cli import whole_app
from rowlog.store import Store
from rowlog_drivers.errors import RowlogError
from tests.support import ROOT, rows

FRAMES = ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames"
KEPT = ("session_keys", "best_efforts", "session_hearts", "session_zones", "heart_rates_at_power")


def call(path: Path, *words: str) -> str:
    """What a command prints; its error is raised."""
    done = CliRunner().invoke(
        whole_app(), [*words, "--db", str(path)], env={"COLUMNS": "80"}, catch_exceptions=True
    )
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def answer(path: Path, *words: str) -> Any:
    """The JSON that a command prints."""
    return json.loads(call(path, *words, "--json"))


@pytest.fixture(scope="module")
def rowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann has rowed 750 m with a stop, nobody 8 x 500 m."""
    path = tmp_path_factory.mktemp("years") / "rowlog.db"
    call(path, "athlete", "add", "Ann", "--max", "185", "--resting", "50", "--sex", "female")
    call(path, "replay", str(FRAMES), "--athlete", "Ann")
    call(path, "demo")
    return path


@pytest.fixture
def own(rowed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    copy = tmp_path / "rowlog.db"
    with closing(sqlite3.connect(rowed)) as db, closing(sqlite3.connect(copy)) as into:
        db.backup(into)
    return copy


def test_show_has_zones_once_a_maximum_is_known(rowed: Path) -> None:
    shown = answer(rowed, "show", "1")
    names = [zone["name"] for zone in shown["zones"]]
    assert names == ["below", "UT2", "UT1", "AT", "TR", "AN", "unknown"]
    assert [zone["low_bpm"] for zone in shown["zones"][1:6]] == [124, 144, 158, 165, 178]
    total = sum(zone["seconds"] for zone in shown["zones"])
    assert total == pytest.approx(shown["session"]["duration_s"], abs=0.2)
    assert shown["heart"]["banister"] > 0
    assert answer(rowed, "show", "2")["zones"] == []  # nobody's
    assert "UT2  124–144" in call(rowed, "show", "1")


def test_the_heart_without_enough_of_it_is_not_told(rowed: Path) -> None:
    heart = answer(rowed, "show", "1")["heart"]
    assert heart["decoupling"] is None  # three minutes
    assert heart["resting"]["rmssd_ms"] is None  # five beats before the first stroke
    assert heart["variability"]["rmssd_ms"] > 0


def test_an_old_session_is_judged_by_what_was_true_then(own: Path) -> None:
    before = answer(own, "show", "1")["zones"]
    call(own, "athlete", "set", "Ann", "--max", "200")  # from today; the session was in March
    assert answer(own, "show", "1")["zones"] == before
    call(own, "athlete", "set", "Ann", "--max", "200", "--since", "2026-02-01")
    after = answer(own, "show", "1")["zones"]
    assert after[1]["low_bpm"] == 50 + 0.55 * 150 + 0.5 or after[1]["low_bpm"] == 132
    assert sum(z["seconds"] for z in after) == pytest.approx(sum(z["seconds"] for z in before))


def test_forgetting_the_maximum_takes_the_zones(own: Path) -> None:
    call(own, "athlete", "set", "Ann", "--forget", "max")
    assert answer(own, "show", "1")["zones"] == []
    assert "--max" in call(own, "athlete", "show", "Ann")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "Ann"), "already"),
        (("add", "Bob", "--born", "1700"), "1900"),
        (("add", "Bob", "--max", "100", "--resting", "110"), "not above"),
        (("add", " "), "no name"),
        (("set", "Bob", "--max", "180"), "There is: Ann"),
        (("set", "Ann"), "Nothing was given"),
        (("set", "Ann", "--max", "40"), "cannot be"),
        (("set", "Ann", "--limits", "150,140,160,170,180"), "overlap"),
        (("set", "Ann", "--max", "180", "--since", "soon"), "no date"),
        (("set", "Ann", "--max", "180", "--since", "2999-01-01"), "still to come"),
        (("set", "Ann", "--forget", "shoes"), "no value"),
        (("show", "Bob"), "There is: Ann"),
    ],
)
def test_a_wrong_call_changes_nothing(words: tuple[str, ...], told: str, own: Path) -> None:
    before = answer(own, "athlete", "show", "Ann")
    with pytest.raises(RowlogError, match=told):
        call(own, "athlete", *words)
    assert answer(own, "athlete", "show", "Ann") == before


def test_several_athletes(own: Path) -> None:
    call(own, "athlete", "add", "Bob", "--zones-by", "limits", "--limits", "100,120,140,150,160")
    listed = answer(own, "athlete", "list")
    assert [row["name"] for row in listed] == ["Ann", "Bob"]
    assert [row["zones_by"] for row in listed] == ["reserve", "limits"]
    with pytest.raises(RowlogError, match="Name one of them"):
        call(own, "athlete", "show")
    with pytest.raises(RowlogError, match="none of the words"):
        call(own, "athlete", "set", "Bob", "--zones-by", "feeling")


def test_another_spelling_is_the_same_athlete(own: Path) -> None:
    told = "is taken for the athlete Ann.\n"
    assert f"rowlog: ann {told}" in call(own, "replay", str(FRAMES), "--athlete", "ann")
    assert [s["athlete"] for s in answer(own, "sessions")] == ["Ann", None, "Ann"]
    for words in (("bests",), ("zones",), ("trends",), ("sessions",), ("summary",)):
        assert call(own, *words, "--athlete", " ANN") == f"rowlog:  ANN {told}" + call(
            own, *words, "--athlete", "Ann"
        )
    assert told in call(own, "edit", "athlete", "2", "--name", "ann")
    assert told in call(own, "athlete", "set", "ann", "--max", "187", "--since", "2026-01-01")
    assert [row["name"] for row in answer(own, "athlete", "list")] == ["Ann"]
    with Store.open_writer(own) as store:  # a recording that asks nobody
        store.set_athlete(2, "aNN")
    assert answer(own, "show", "2")["session"]["athlete"] == "Ann"
    # A second one of that name only when it is asked for; from then on each is as it is spelled.
    with pytest.raises(RowlogError, match=r"There is an athlete 'Ann' already.*--another"):
        call(own, "athlete", "add", "ann")
    call(own, "athlete", "add", "ann", "--another")
    call(own, "edit", "athlete", "2", "--name", "ann")
    assert [row["name"] for row in answer(own, "athlete", "list")] == ["Ann", "ann"]
    assert [s["id"] for s in answer(own, "sessions", "--athlete", "ann")] == [2]
    with pytest.raises(RowlogError, match="No session is of athlete 'ANN'"):
        call(own, "sessions", "--athlete", "ANN")


def test_a_last_zone_that_begins_above_the_maximum_has_no_end(own: Path) -> None:
    call(own, "athlete", "add", "Bob", "--max", "160", "--limits", "100,120,140,150,165")
    last = answer(own, "athlete", "show", "Bob")["zones"][-1]
    assert (last["low_bpm"], last["high_bpm"]) == (165.0, None)


def test_zones_add_up(rowed: Path) -> None:
    found = answer(rowed, "zones", "--by", "season")
    assert found["total"]["sessions"] == 2
    assert found["total"]["with_heart_rate"] == 2
    inside = sum(zone["seconds"] for zone in found["total"]["zones"])
    assert inside == pytest.approx(answer(rowed, "show", "1")["session"]["duration_s"], abs=2)
    assert found["total"]["not_judged_s"] == pytest.approx(1648, abs=5)
    ann = answer(rowed, "zones", "--by", "year", "--athlete", "Ann")
    assert (ann["total"]["sessions"], ann["total"]["not_judged_s"]) == (1, 0)
    text = call(rowed, "zones", "--by", "season")
    assert "UT2" in text
    assert "in no zone" in text
    assert max(map(len, text.splitlines())) <= 90


def test_no_sessions_are_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    Store.open_writer(path).close()
    assert answer(path, "zones")["periods"] == []
    assert "No sessions" in call(path, "zones")
    assert "No athletes yet" in call(path, "athlete", "list")
    with pytest.raises(RowlogError, match="no athlete yet"):
        call(path, "athlete", "show")


def test_a_filter_that_no_session_meets_is_told(rowed: Path) -> None:
    for words in (
        ("--athlete", "Bob"), ("--tag", "race"), ("--machine", "X"), ("--plan", "5000m"),
        ("--activity", "swim"),
    ):  # fmt: skip
        with pytest.raises(RowlogError, match="No session is of"):
            call(rowed, "zones", *words)
    assert (
        answer(rowed, "zones", "--by", "year", "--plan", "8x500m/1:30r@r28")["total"]["sessions"]
        == 1
    )


def test_what_is_kept_is_the_same_when_computed_anew(own: Path) -> None:
    before = [rows(own, number, KEPT) for number in (1, 2)]
    assert before[0]["best_efforts"]
    with closing(sqlite3.connect(own)) as db, db:
        for table in KEPT:
            db.execute(f"DELETE FROM {table}")
    assert answer(own, "zones", "--by", "year")["asked"]["unkept"] == 2
    assert "rowlog db rebuild --kept" in call(own, "zones", "--by", "year")
    assert answer(own, "db", "rebuild", "--kept") == {"kept": 2}
    assert [rows(own, number, KEPT) for number in (1, 2)] == before
    answer(own, "db", "rebuild")
    assert [rows(own, number, KEPT) for number in (1, 2)] == before


def keys_of(value: Any) -> set[str]:
    """Every key of a JSON value, however deep."""
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set().union(*map(keys_of, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(
    ("chapter", "calls"),
    [
        ("summary", [("summary", "--by", "year")]),
        ("zones", [("zones", "--by", "year")]),
        ("bests", [("bests", "--by", "athlete", "--athlete", "Ann"), ("bests", "500m")]),
        ("trends", [("trends", "--by", "year"), ("trends", "--plan", "750m")]),
        ("athlete", [("athlete", "show"), ("athlete", "list")]),
    ],
)
def test_the_page_tells_every_key(rowed: Path, chapter: str, calls: list[tuple[str, ...]]) -> None:
    """And tells of none that is not printed, but for what this database is too young for."""
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    head, text = (page.split(f"\n## {name}\n")[1].split("\n## ")[0]
                  for name in ("What was asked", chapter))  # fmt: skip
    printed = set[str]().union(*(keys_of(answer(rowed, *words)) for words in calls))
    told = set(re.findall(r"`([a-z_0-9]+)`", text))
    assert printed <= told | set(re.findall(r"`([a-z_0-9]+)`", head))
    too_young = {"power_error_w", "reserve_j", "reserve_error_j", "efforts", "untrained", "trained"}
    assert told - printed <= {*too_young, "mass_kg"}


def test_a_plan_is_estimated_for_nobody_unknown(rowed: Path) -> None:
    assert "About " in call(rowed, "plan", "8x500m/1:30r", "--athlete", "Ann")
    with pytest.raises(RowlogError, match="No athlete is called 'Zed'"):
        call(rowed, "plan", "8x500m/1:30r", "--athlete", "Zed")
