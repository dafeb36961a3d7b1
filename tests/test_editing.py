"""Notes, tags, whose a session is, deleting and merging: every change can be undone."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rowlog.config import db_option
from rowlog.store import Store
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import FramesHeader, read_frames, write_frames
from tests.support import ROOT
from tests.test_years_commands import answer, call

FRAMES = ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ann's 750 m, and the same recorded again as two halves of one session, and as two devices."""
    folder = tmp_path_factory.mktemp("edits")
    path = folder / "rowlog.db"
    call(path, "athlete", "add", "Ann", "--max", "185", "--resting", "50", "--sex", "female")
    call(path, "athlete", "add", "Bob", "--max", "200")
    call(path, "replay", str(FRAMES), "--athlete", "Ann")
    opened = read_frames(FRAMES)
    frames = list(opened)
    began = opened.header.started_at
    assert began is not None
    half_ns = 60 * 10**9

    def stored(name: str, wanted: list[int], moved_ns: int, sources: tuple[str, ...]) -> None:
        chosen = [frames[place] for place in wanted]
        header = FramesHeader(
            sources=tuple(s for s in opened.header.sources if s.name in sources),
            started_at=began + timedelta(microseconds=moved_ns // 1000),
            plan="750m",
        )
        from dataclasses import replace

        file = folder / f"{name}.frames"
        write_frames(file, header, [replace(f, t_ns=f.t_ns - moved_ns) for f in chosen])
        call(path, "replay", str(file), "--athlete", "Ann")

    both = ("rower", "strap")
    first = [k for k, frame in enumerate(frames) if frame.t_ns < half_ns]
    second = [k for k, frame in enumerate(frames) if frame.t_ns >= half_ns]
    stored("first", first, 0, both)
    stored("second", second, half_ns, both)
    stored("rower", [k for k, f in enumerate(frames) if f.source == "rower"], 0, ("rower",))
    stored("strap", [k for k, f in enumerate(frames) if f.source == "strap"], 0, ("strap",))
    return path


@pytest.fixture
def own(made: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "rowlog.db"
    with closing(sqlite3.connect(made)) as db, closing(sqlite3.connect(copy)) as into:
        db.backup(into)
    return copy


def figures(path: Path, number: int) -> dict[str, float]:
    session = answer(path, "show", str(number))["session"]
    names = ("distance_m", "work_distance_m", "work_s", "stroke_count", "mean_heart_rate_bpm")
    return {name: session[name] for name in names}


def test_a_note_and_tags_are_shown_and_undone(own: Path) -> None:
    call(own, "edit", "note", "1", "Felt strong.")
    assert answer(own, "edit", "tag", "1", "race", "2k test")["tags"] == ["2k test", "race"]
    session = answer(own, "show", "1")["session"]
    assert (session["note"], session["tags"]) == ("Felt strong.", ["2k test", "race"])
    assert "#race Felt strong." in call(own, "show", "1")
    assert [s["id"] for s in answer(own, "sessions", "--tag", "race")] == [1]
    assert (
        answer(own, "summary", "--by", "year", "--tag", "race")["current"]["lifetime"]["sessions"]
        == 1
    )
    assert answer(own, "bests", "--tag", "race")["asked"]["sessions"] == 1
    assert answer(own, "edit", "tag", "1", "race", "--remove")["tags"] == ["2k test"]
    call(own, "edit", "undo")
    assert answer(own, "show", "1")["session"]["tags"] == ["2k test", "race"]
    call(own, "edit", "undo")
    call(own, "edit", "undo")
    session = answer(own, "show", "1")["session"]
    assert (session["note"], session["tags"]) == (opened_note(), [])
    with pytest.raises(RowlogError, match="nothing to undo"):
        call(own, "edit", "undo")
    assert [edit["undone"] for edit in answer(own, "edit", "list")] == [True] * 3


def test_what_one_call_changed_is_undone_as_one(own: Path) -> None:
    call(own, "edit", "athlete", "1", "2", "3", "2", "--name", "Bob")
    call(own, "edit", "delete", "4", "5")
    told = call(own, "edit", "list").splitlines()
    assert [line[:4].strip() + line[22:] for line in told] == [
        "4  deletion of sessions 4 and 5",
        "1  the athlete of sessions 1, 2 and 3",
    ]
    # By the number of any of its sessions' edits, and then it says so.
    undone = "Undone: change 1, which 2 is part of: the athlete of sessions 1, 2 and 3.\n"
    assert call(own, "edit", "undo", "2") == undone
    assert {s["athlete"] for s in answer(own, "sessions")} == {"Ann"}
    with pytest.raises(RowlogError, match="Change 1, which 3 is part of, is undone already"):
        call(own, "edit", "undo", "3")
    with pytest.raises(RowlogError, match="Change 1 is undone already"):
        call(own, "edit", "undo", "1")
    assert answer(own, "edit", "undo")["sessions"] == [4, 5]
    assert len(answer(own, "sessions")) == 5
    listed = answer(own, "edit", "list")
    assert [(one["id"], one["undone"]) for one in listed] == [(4, True), (1, True)]
    assert listed[1]["edits"][2] == {"session": 3, "before": {"athlete": "Ann"}}


@pytest.mark.parametrize(
    "words",
    [
        ("tag", "1", "race"),
        ("tag", "1", "fast", "--remove"),
        ("note", "1", "Felt strong."),
        ("athlete", "1", "2", "--name", "Ann"),
    ],
)
def test_what_is_so_already_is_no_change(own: Path, words: tuple[str, ...]) -> None:
    call(own, "edit", "tag", "1", "race")
    call(own, "edit", "note", "1", "Felt strong.")
    call(own, "edit", *words)
    assert [edit["kind"] for edit in answer(own, "edit", "list")] == ["note", "tags"]


def opened_note() -> str | None:
    """What the recording itself notes."""
    return read_frames(FRAMES).header.note


def test_whose_it_is_decides_its_zones(own: Path) -> None:
    before = answer(own, "show", "1")["zones"]
    call(own, "edit", "athlete", "1", "--name", "Bob")
    shown = answer(own, "show", "1")
    assert shown["session"]["athlete"] == "Bob"
    assert shown["zones"][1]["low_bpm"] == 110  # 55 % of 200
    call(own, "edit", "athlete", "1")
    assert answer(own, "show", "1")["zones"] == []
    call(own, "edit", "undo")
    call(own, "edit", "undo")
    assert answer(own, "show", "1")["zones"] == before
    with pytest.raises(RowlogError, match="No athlete is called"):
        call(own, "edit", "athlete", "1", "--name", "Zoe")


def of(database: Path) -> str:
    """How a command that is told names the database, as a pattern."""
    return re.escape(db_option(database))


def test_a_deleted_session_is_nowhere_until_it_is_brought_back(own: Path) -> None:
    everywhere = (
        ("sessions", "--limit", "0"), ("summary", "--by", "year"), ("bests",),
        ("zones", "--by", "year"), ("trends", "--by", "year"), ("sessions", "--like", "750m"),
    )  # fmt: skip
    before = [answer(own, *words) for words in everywhere]
    call(own, "edit", "delete", "1", "last")
    assert [s["id"] for s in answer(own, "sessions")] == [4, 3, 2]
    assert answer(own, "show")["session"]["id"] == 4
    assert 1 not in {best["session"] for best in answer(own, "bests")["bests"]}
    assert answer(own, "summary", "--by", "year")["current"]["lifetime"]["sessions"] == 3
    told = rf"1 is deleted\. Bring sessions 1 and 5 back: rowlog edit undo 1{of(own)}$"
    with pytest.raises(RowlogError, match=told):
        call(own, "show", "1")
    with pytest.raises(RowlogError, match=told):
        call(own, "edit", "delete", "2", "1")
    assert [s["id"] for s in answer(own, "sessions")] == [4, 3, 2]  # all or none
    assert call(own, "edit", "undo") == "Undone: deletion of sessions 1 and 5.\n"
    assert [answer(own, *words) for words in everywhere] == before
    assert "sessions" in call(own, "db", "check")


def test_what_is_out_of_sight_says_how_it_comes_back(own: Path) -> None:
    call(own, "edit", "merge", "2", "3")
    call(own, "edit", "delete", "6")
    with pytest.raises(RowlogError, match=rf"Bring it back: rowlog edit undo 2{of(own)}$"):
        call(own, "show", "6")
    then = f"rowlog edit undo 2{of(own)}, then rowlog edit undo 1{of(own)}"
    told = rf"2 was merged into session 6\. .*: {then}$"
    with pytest.raises(RowlogError, match=told):
        call(own, "edit", "note", "2", "x")
    with pytest.raises(RowlogError, match=told), Store.open_writer(own) as store:
        store.edit_note(2, "x", datetime.now(UTC))
    call(own, "edit", "undo", "2")
    call(own, "edit", "undo", "1")
    assert answer(own, "show", "2")["session"]["id"] == 2
    with pytest.raises(RowlogError, match="6 came of a merging that was undone"):
        call(own, "show", "6")
    with closing(sqlite3.connect(own)) as db, db:  # as a rescue leaves it, which knows no edits
        db.execute("DELETE FROM edits")
    with pytest.raises(RowlogError, match="6 is deleted, and what would bring it back is lost"):
        call(own, "show", "6")


def test_purging_is_for_what_was_deleted(own: Path) -> None:
    with pytest.raises(RowlogError, match="not deleted"):
        call(own, "edit", "purge", "1")
    call(own, "edit", "delete", "1")
    call(own, "edit", "purge", "1")
    with closing(sqlite3.connect(own)) as db:
        for table in ("frame_blocks", "strokes", "best_efforts", "session_hearts", "edits"):
            query = f"SELECT count(*) FROM {table} WHERE session_id = 1"
            assert db.execute(query).fetchone()[0] == 0
    call(own, "db", "check")


def test_a_session_that_was_broken_off_is_one_again(own: Path) -> None:
    """Two halves of a recording, merged: what the whole of it was."""
    found = answer(own, "edit", "merge", "2", "3")
    assert found == {"session": 6, "merged": [2, 3], "told_twice": []}
    assert figures(own, 6) == pytest.approx(figures(own, 1), rel=0.01)
    sources = [source["name"] for source in answer(own, "show", "6")["session"]["sources"]]
    assert sources == ["rower", "strap"]
    assert [s["id"] for s in answer(own, "sessions")] == [6, 5, 4, 1]
    call(own, "edit", "undo")
    assert [s["id"] for s in answer(own, "sessions")] == [5, 4, 3, 2, 1]


def test_a_strap_recorded_apart_belongs_to_the_rowing(own: Path) -> None:
    assert figures(own, 4)["mean_heart_rate_bpm"] is None
    call(own, "edit", "tag", "5", "strap alone")
    into = answer(own, "edit", "merge", "4", "5")["session"]
    assert figures(own, into) == pytest.approx(figures(own, 1), rel=0.001)
    shown = answer(own, "show", str(into))["session"]
    assert (shown["athlete"], shown["tags"], shown["plan"]) == ("Ann", ["strap alone"], "750m")


def test_two_at_a_time_keep_their_own_devices(own: Path) -> None:
    before = figures(own, 1)
    into = answer(own, "edit", "merge", "1", "4", "5")["session"]
    sources = [source["name"] for source in answer(own, "show", str(into))["session"]["sources"]]
    assert sources == ["rower", "strap", "rower2", "strap2"]
    assert figures(own, into)["distance_m"] == pytest.approx(before["distance_m"])


def listed(path: Path) -> list[int]:
    """The sessions that are in sight."""
    return sorted(session["id"] for session in answer(path, "sessions"))


def test_a_merge_is_not_undone_under_the_deletion_of_what_came_of_it(own: Path) -> None:
    call(own, "edit", "merge", "2", "3")
    call(own, "edit", "delete", "6")
    told = (
        "Change 1, the merging of session 6, cannot be undone while change 2 stands: deletion of "
        r"session 6\. Undo that first: rowlog edit undo 2"
    )
    with pytest.raises(RowlogError, match=told):
        call(own, "edit", "undo", "1")
    assert listed(own) == [1, 4, 5]
    call(own, "edit", "undo", "2")
    assert listed(own) == [1, 4, 5, 6]
    call(own, "edit", "undo", "1")
    assert listed(own) == [1, 2, 3, 4, 5]


def test_merges_of_merges_are_undone_from_the_last_one(own: Path) -> None:
    call(own, "edit", "merge", "2", "3")
    call(own, "edit", "merge", "6", "5")
    call(own, "edit", "tag", "7", "race")
    for number in ("1", "2"):
        with pytest.raises(RowlogError, match="Undo that first: rowlog edit undo 3"):
            call(own, "edit", "undo", number)
    assert listed(own) == [1, 4, 7]
    call(own, "edit", "undo")
    call(own, "edit", "undo")
    assert listed(own) == [1, 4, 5, 6]
    call(own, "edit", "undo")
    assert listed(own) == [1, 2, 3, 4, 5]


def test_a_note_is_what_it_was_whatever_is_undone(own: Path) -> None:
    call(own, "edit", "note", "1", "A")
    call(own, "edit", "note", "1", "B")
    call(own, "edit", "note", "2", "another's")
    with pytest.raises(RowlogError, match="rowlog edit undo 2"):
        call(own, "edit", "undo", "1")
    assert answer(own, "show", "1")["session"]["note"] == "B"
    call(own, "edit", "undo", "2")  # what was done to session 2 since is none of it
    assert answer(own, "show", "1")["session"]["note"] == "A"
    call(own, "edit", "undo", "1")
    assert answer(own, "show", "1")["session"]["note"] == opened_note()
    assert answer(own, "show", "2")["session"]["note"] == "another's"


def test_what_a_merge_needs_to_be_undone_is_not_purged(own: Path) -> None:
    call(own, "edit", "merge", "2", "3")
    with pytest.raises(RowlogError, match=f"Undo the merging first: rowlog edit undo 1{of(own)}$"):
        call(own, "edit", "purge", "6")
    call(own, "edit", "delete", "6")
    first = f"merging first: rowlog edit undo 2{of(own)}, then rowlog edit undo 1{of(own)}"
    with pytest.raises(RowlogError, match=f"6 was made of sessions 2 and 3, .*{first}"):
        call(own, "edit", "purge", "6")
    with pytest.raises(RowlogError, match=f"2 went into session 6.*{first}"):
        call(own, "edit", "purge", "2")
    call(own, "edit", "undo", "2")
    call(own, "edit", "undo", "1")
    assert listed(own) == [1, 2, 3, 4, 5]
    call(own, "edit", "purge", "6")
    assert listed(own) == [1, 2, 3, 4, 5]
    with pytest.raises(RowlogError, match="no session 6"):
        call(own, "edit", "purge", "6")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("merge", "1"), "two sessions at least"),
        (("merge", "1", "1"), "two sessions at least"),
        (("merge", "1", "99"), "no session 99"),
        (("tag", "1", " "), "no tag"),
        (("tag", "1", "x" * 50), "no tag"),
        (("undo", "7"), "no change 7"),
        (("undo",), "nothing to undo"),
        (("note", "99", "x"), "no session 99"),
        (("purge", "99"), "no session 99"),
        (("athlete", "1", "--name", ""), "not empty. Leave --name out"),
    ],
)
def test_a_wrong_call_changes_nothing(words: tuple[str, ...], told: str, own: Path) -> None:
    with pytest.raises(RowlogError, match=told):
        call(own, "edit", *words)
    assert answer(own, "edit", "list") == []


def test_days_apart_are_no_one_session(own: Path) -> None:
    with closing(sqlite3.connect(own)) as db, db:
        (began,) = db.execute("SELECT started_at FROM sessions WHERE id = 2").fetchone()
        later = (datetime.fromisoformat(began) + timedelta(days=2)).isoformat()
        db.execute("UPDATE sessions SET started_at = ? WHERE id = 3", (later,))
    with pytest.raises(RowlogError, match="more than a day"):
        call(own, "edit", "merge", "2", "3")
    assert len(answer(own, "sessions")) == 5
