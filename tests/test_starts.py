"""When a workout was: what each file says of it, and that nothing is made of what it does not."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog import imports, schema
from rowlog.editing import edit_start, undo
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.importing import import_files
from rowlog.imports import logbook
from rowlog.imports.workout import ImportFault
from rowlog.merging import merge_sessions
from rowlog.rebuild import rebuild
from rowlog.render import Style, began, day, sessions, short_day
from rowlog.replaying import replay_file
from rowlog.starts import STARTS, Start, split_off, start_of, told
from rowlog.store import Store
from rowlog.store_restore import start_of_row
from rowlog.store_salvage import Record
from rowlog.summary import load, load_sessions
from rowlog_drivers.errors import CallError
from tests.support import ROOT, run
from tests.test_import_figures import SHEETS

BOUGHT = datetime(2019, 3, 2, 17, 5, tzinfo=UTC)
"""The date of the files."""
STROKES = '"Stroke Number","Time (seconds)","Distance (meters)","Stroke Rate"\n' + "".join(
    f"{n},{2.5 * n:.1f},{10 * n},24\n" for n in range(1, 201)
)
"""500 s."""
ENDED_BEFORE = timedelta(seconds=500)
SEASON = (
    '"ID","Date","Description","Work Time (Seconds)","Rest Time (Seconds)","Work Distance",'
    '"Rest Distance","Stroke Rate/Cadence","Stroke Count","Avg Watts","Cal/Hour","Total Cal",'
    '"Avg Heart Rate","Drag Factor","Comments"\n'
)


def row(number: int, date: str) -> str:
    told = f'"{number}","{date}","2000m row","48{number}.0","","2000","","24","192"'
    return told + ',"","","","",""\n'


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (BOUGHT.timestamp(),) * 2)
    return path


@pytest.fixture
def undated(tmp_path: Path) -> Path:
    """The database of a file that says nothing of its start."""
    import_files(tmp_path / "i.db", [written(tmp_path / "a.csv", STROKES)])
    return tmp_path / "i.db"


TCX = (
    '<TrainingCenterDatabase><Activities><Activity Sport="Other"><Lap StartTime="{0}">'
    "<Track><Trackpoint><Time>{0}</Time><DistanceMeters>1</DistanceMeters></Trackpoint>"
    "</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
)
SAID: list[tuple[str, str, Start, str | None]] = [
    # what, the file's content, who says its start, when it was by that
    ("strokes alone", STROKES, "file", None),
    ("a line above", "2026-01-02 03:04:05 +01:00\n" + STROKES, "said", "2026-01-02T03:04:05+01:00"),
    ("TCX", TCX.format("2021-05-25T10:02:54Z"), "said", "2021-05-25T10:02:54+00:00"),
    ("TCX without a zone", TCX.format("2021-05-25T10:02:54"), "local", "2021-05-25T10:02:54"),
    ("TCX of a watch never set", TCX.format("1989-12-31T00:00:00Z"), "file", None),
    ("a season", SEASON + row(1, "2021-03-05 18:03:00"), "local", "2021-03-05T18:03:00"),
    ("a season's day", SEASON + row(1, "2021-03-05"), "day", "2021-03-05T00:00:00"),
    ("its midnight", SEASON + row(1, "2021-03-05 00:00:00"), "day", "2021-03-05T00:00:00"),
    ("a season without dates", SEASON + row(1, ""), "file", None),
    ("RR intervals", "801\n799\n" * 20, "file", None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "start", "at"), SAID, ids=[each[0] for each in SAID])
def test_what_a_file_says_of_its_start_is_kept(
    what: str, text: str, start: Start, at: str | None, tmp_path: Path
) -> None:
    (workout,) = imports.read("a", text.encode())
    assert (workout.start_from, workout.started_at is None) == (start, at is None)
    import_files(tmp_path / "i.db", [written(tmp_path / "a", text)])
    found = load(tmp_path / "i.db", 1).session
    assert found.start_from == start
    began_at = datetime.fromisoformat(found.started_at)
    if at is None:
        assert abs(began_at - BOUGHT) < timedelta(minutes=10)
    else:
        wanted = datetime.fromisoformat(at)
        local = wanted if wanted.tzinfo is not None else wanted.astimezone()
        assert began_at == local
    was = load(tmp_path / "i.db", 1)
    rebuild(tmp_path / "i.db")
    assert load(tmp_path / "i.db", 1) == was


def test_strangers_files_say_what_the_table_of_formats_says(captures: Path) -> None:
    said = {}
    for file in sorted((captures / "rowingdata").iterdir()):
        if file.suffix in (".csv", ".tcx", ".fit"):
            said[file.name] = imports.read(file.name, file.read_bytes())[0].start_from
    local = {"RP_interval.csv", "SpeedCoach2Link_interval.csv"}
    unsaid = {"ergdata_example.csv", "ergstick2.csv", "smartrow_intervals.csv"}
    assert {name for name, start in said.items() if start == "local"} == local
    assert {name for name, start in said.items() if start == "file"} == unsaid
    assert len(said) == 12


NO_DAYS = ("2021-02-31 10:00:00", "0000-01-01", "0001-01-01", "9999-12-31 23:59:59", "yesterday")


def test_rows_of_a_season_with_a_day_that_there_is_not_are_refused_by_their_line() -> None:
    days = ["2021-03-05 18:03:00", *NO_DAYS, ""]
    text = SEASON + "".join(row(n, each) for n, each in enumerate(days))
    found = imports.read("s.csv", text.encode())
    assert len(found) == 2
    (out,) = found[0].left_out
    assert str(out) == "5 rows of a day that there is not were left out: lines 3 to 7."
    assert out.workout
    alone = SEASON + "".join(row(n, each) for n, each in enumerate(NO_DAYS))
    with pytest.raises(ImportFault, match=r"no workout of it .* lines 2 to 6\. Correct the dates"):
        imports.read("s.csv", alone.encode())


@given(st.text(alphabet="0123456789-: T+Z.", max_size=26) | st.datetimes().map(str))
def test_any_date_of_a_season_is_taken_as_it_is_or_refused(date: str) -> None:
    """What is refused stands in no database; what is taken lies in a year that can be."""
    found = logbook.read("s.csv", SEASON + row(1, date) + row(2, "2021-03-05 18:03:00")) or []
    refused = [line for one in found for out in one.left_out for line in out.lines]
    assert len(found) == 2 - len(refused)
    for one in found:
        assert one.started_at is None or 1995 <= one.started_at.year <= 2100
    assert refused or found[0].started_at is not None or not date.strip()


def test_nothing_presents_the_date_of_a_file_as_that_of_the_workout(undated: Path) -> None:
    shown = load(undated, 1).session
    at = datetime.fromisoformat(shown.started_at)
    date = f"{at.day} {at:%b %Y}"
    assert at == BOUGHT - ENDED_BEFORE
    head = run("show", "1", "--db", undated).stdout.splitlines()[1]
    assert head.startswith(f"~{at:%a} {date} (date of the file) · ")
    listed = run("sessions", "--db", undated).stdout.splitlines()
    assert f" ~{date}  " in listed[2]
    assert f"{at:%H:%M}" not in listed[2]
    assert listed[3] == "~ is the date of a file that does not say when it was rowed."
    for command in (
        ["summary"],
        ["bests"],
        ["trends", "--since", "2018"],
        ["zones", "--since", "2018"],
    ):
        said = run(*command, "--db", undated).stdout
        assert "1 session stands at the date of its file, which does not say" in said, command
    assert f"~{date}" in run("bests", "--db", undated).stdout
    import_files(undated, [written(undated.parent / "s.csv", SEASON + row(1, ""))])
    for command, path in [
        (["show", "1"], ("session",)),
        (["sessions"], (0,)),
        (["bests"], ("bests", 0)),
        (["trends", "--plan", "2000m", "--since", "2018"], ("sessions", 0)),
    ]:
        value = json.loads(run(*command, "--json", "--db", undated).stdout)
        for key in path:
            value = value[key]
        assert value["start_from"] == "file", command
    for command, path in [(["summary"], ()), (["bests"], ("asked",))]:
        value = json.loads(run(*command, "--json", "--db", undated).stdout)
        for key in path:
            value = value[key]
        assert value["dated_by_file"] == 2
    with closing(sqlite3.connect(undated)) as db:
        assert db.execute("SELECT start_from FROM v_sessions").fetchall() == [("file",)] * 2


def test_a_date_that_is_not_believed_is_told_once(tmp_path: Path) -> None:
    text = SHEETS["rowpro"].text().replace("01/12/2016 19:23:00", "01/12/1066 19:23:00")
    file, database = written(tmp_path / "a.csv", text), tmp_path / "i.db"
    doubted = 'It says "1066-01-12" as its date, which is not believed.'
    said = run("import", file, "--db", database).stdout.splitlines()
    assert said[1:3] == [f"  {doubted}", "  So it stands at ~Sat 2 Mar 2019 (date of the file)."]
    assert said[3].startswith("  To say when: ") and doubted not in "".join(said[3:])
    look = run("import", file, "--dry-run", "--quick", "--db", tmp_path / "j.db").stdout
    assert look.count(doubted) == 1 and "does not say when" not in look


def test_the_import_says_so_and_how_to_say_when_it_was(tmp_path: Path) -> None:
    file, database = written(tmp_path / "a.csv", STROKES), tmp_path / "i.db"
    said = run("import", file, "--db", database).stdout.splitlines()
    assert said[1] == "  It does not say when it was: ~Sat 2 Mar 2019 (date of the file)."
    command = said[2].removeprefix("  To say when: rowlog ").split()
    done = run(*command[:3], "2019-02-28T18:05:00+01:00", "--db", database)
    assert done.stdout == "Session 1 began on Thu 28 Feb 2019, 18:05.\n"
    assert load(database, 1).session.start_from == "user"
    (told_json,) = json.loads(run("import", file, "--json", "--db", tmp_path / "j.db").stdout)
    assert told_json["starts"][0]["start_from"] == "file"
    season = written(tmp_path / "s.csv", SEASON + row(1, "") + row(2, "") + row(3, "2021-03-05"))
    many = run("import", season, "--db", database).stdout.splitlines()
    assert many[1].startswith("  2 of them do not say when they were: ~Sat 2 Mar 2019 (date of")


def test_reports_and_pages_say_so(undated: Path, tmp_path: Path) -> None:
    run("report", "1", tmp_path / "a.html", "--db", undated)
    page = (tmp_path / "a.html").read_text()
    assert page.count("(date of the file)") == 2  # its title, and its head
    assert "17:" not in page.split("</header>")[0].split("<header>")[1]


@pytest.mark.parametrize("name", ["fit", "tcx", "rowingdata", "frames", "frames.gz"])
@pytest.mark.parametrize("start", STARTS)
def test_what_is_unknown_goes_out_and_comes_in_again(
    start: Start, name: str, undated: Path, tmp_path: Path
) -> None:
    known = named(name)
    assert known is not None
    with closing(sqlite3.connect(undated)) as db, db:
        db.execute("UPDATE sessions SET start_from = ?", (start,))
    was = load(undated, 1).session
    (out,) = export(undated, [1], tmp_path / "out", known, folder=True)
    assert out.file is not None
    assert out.file.name.startswith("about-2019-03-02-") == (start == "file")
    again = tmp_path / "b.db"
    import_files(again, [out.file])
    now = load(again, 1).session
    assert now.start_from == start
    assert datetime.fromisoformat(now.started_at) == datetime.fromisoformat(was.started_at)
    if name == "frames":
        replay_file(out.file, again)
        replayed = load(again, 2).session
        assert (replayed.start_from, replayed.started_at) == (start, now.started_at)


def test_a_recording_without_a_start_is_replayed_at_the_date_of_its_file(tmp_path: Path) -> None:
    text = (ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames").read_text()
    file = written(tmp_path / "a.frames", re.sub(r"# started_at: .*\n", "", text))
    replay_file(file, tmp_path / "i.db")
    found = load(tmp_path / "i.db", 1).session
    assert found.start_from == "file"
    assert datetime.fromisoformat(found.ended_at or "") == BOUGHT


def test_one_that_does_not_say_when_it_was_is_of_nobodys_time(tmp_path: Path) -> None:
    """Two other rows lie at the same date of a file; neither is told to be of one time."""
    other = STROKES.replace(",24\n", ",25\n").replace("00,24", "00,26")[:-40]
    paths = [written(tmp_path / "a.csv", STROKES), written(tmp_path / "b.csv", other)]
    assert [one.overlaps for one in import_files(tmp_path / "i.db", paths)] == [(), ()]
    at = f"{BOUGHT - ENDED_BEFORE:%Y-%m-%d %H:%M:%S} +00:00\n"
    third = written(tmp_path / "c.csv", at + other[:-90])
    assert [one.overlaps for one in import_files(tmp_path / "i.db", [third])] == [()]


def test_merging_takes_the_start_of_the_one_that_says_it(undated: Path, tmp_path: Path) -> None:
    dated = "2026-01-02 03:04:05 +01:00\n" + STROKES.replace(",24\n", ",\n")
    import_files(undated, [written(tmp_path / "b.csv", dated)])
    made = merge_sessions(undated, [1, 2])
    found = load(undated, made.session).session
    assert (made.rowing, found.start_from) == (1, "said")
    assert datetime.fromisoformat(found.started_at) == datetime.fromisoformat(
        "2026-01-02T03:04:05+01:00"
    )
    undo(undated, None)
    import_files(undated, [written(tmp_path / "c.csv", STROKES.replace(",24\n", ",23\n"))])
    both = merge_sessions(undated, [1, 4])
    assert load(undated, both.session).session.start_from == "file"


def test_the_user_says_when_it_was_and_takes_that_back(undated: Path) -> None:
    was = load(undated, 1).session
    edit_start(undated, 1, "2019-02-28T18:05:00+01:00")
    now = load(undated, 1).session
    assert (now.started_at, now.start_from) == ("2019-02-28T18:05:00+01:00", "user")
    assert (
        datetime.fromisoformat(now.ended_at or "") - datetime.fromisoformat(now.started_at)
        == ENDED_BEFORE
    )
    rebuild(undated)
    assert load(undated, 1).session == now
    change = undo(undated, None)
    assert change.words == "the start of session 1"
    assert load(undated, 1).session == was
    edit_start(undated, 1, "2019-02-28 18:05")
    assert (
        datetime.fromisoformat(load(undated, 1).session.started_at)
        == datetime(2019, 2, 28, 18, 5).astimezone()
    )
    for wrong in ("2019-02-28", "18:05", "2019-02-31T18:05", "", "x"):
        with pytest.raises(CallError, match="no date with a time"):
            edit_start(undated, 1, wrong)
    for wrong in ("0001-01-01T10:00", "2199-01-01T10:00"):
        with pytest.raises(CallError, match="Years from 1995 to 2100 are taken"):
            edit_start(undated, 1, wrong)
    today = datetime.now().astimezone()
    told = "is still to come: no session began then"
    with pytest.raises(CallError, match=told):
        edit_start(undated, 1, (today + timedelta(days=2)).isoformat())
    soon = today + timedelta(hours=20)  # by a clock that is wrong, or in another zone
    assert edit_start(undated, 1, soon.isoformat()) == soon


def test_an_earlier_database_learns_which_of_its_starts_nobody_said(tmp_path: Path) -> None:
    """Schema 10 kept that in the header; the other lines of it stay."""
    path = tmp_path / "old.db"
    with pytest.MonkeyPatch.context() as earlier:
        known = [one for one in schema.MIGRATIONS if one[0] != "starts"]
        earlier.setattr(schema, "MIGRATIONS", tuple(known))
        earlier.setattr(schema, "SCHEMA_VERSION", len(known))
        schema.prepare(path)
    headers = [
        '[["format", "ergdata"], ["start", "unknown, by the file\'s date"]]',
        '[["start", "unknown, by the file\'s date"]]', '[["machine", "start"]]', None,
    ]  # fmt: skip
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(
            "INSERT INTO sessions (started_at, activity, state, header) "
            "VALUES ('2019-03-02T10:00:00+00:00', 'row', 'complete', ?)",
            [(header,) for header in headers],
        )
        db.execute(
            "INSERT INTO edits (id, edited_at, kind, session_id, before) "
            "VALUES (7, '2019-03-02T10:00:00+00:00', 'note', 1, '{\"note\": null}')"
        )
    Store.open_writer(path).close()
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT start_from, header FROM sessions ORDER BY id").fetchall()
        assert db.execute("SELECT id, kind FROM edits").fetchall() == [(7, "note")]
    assert [start for start, _ in found] == ["file", "file", "said", "said"]
    kept = [None if header is None else json.loads(header) for _, header in found]
    assert kept == [[["format", "ergdata"]], None, [["machine", "start"]], None]
    lines = sessions(load_sessions(path), Style()).splitlines()
    assert sum("~" in line for line in lines) == 3  # two, and what it means


def test_dates_are_told_as_far_as_they_are_known() -> None:
    at = "2019-03-02T18:05:00+01:00"
    assert [day(at, start) for start in STARTS] == [
        "Sat 2 Mar 2019, 18:05", "Sat 2 Mar 2019, 18:05", "Sat 2 Mar 2019", "~Sat 2 Mar 2019",
        "Sat 2 Mar 2019, 18:05",
    ]  # fmt: skip
    assert [short_day(at, start, timed=True) for start in ("said", "day", "file")] == [
        "2 Mar 2019, 18:05", "2 Mar 2019", "~2 Mar 2019",
    ]  # fmt: skip
    assert began(at, "local") == "Sat 2 Mar 2019, 18:05 (no zone said)"
    for start in STARTS:
        other = ("machine", "x")
        assert split_off((*told(start), other)) == (start, (other,))
        assert start_of(start) == start
    assert split_off((("start", "with a bang"),)) == ("said", (("start", "with a bang"),))


def test_a_session_of_a_damaged_database_keeps_what_is_known_of_its_start() -> None:
    at = "2019-03-02T18:05:00+01:00"
    by_file = '[["format", "fit"], ["start", "unknown, by the file\'s date"]]'
    rows: list[tuple[Record, Start]] = [
        ({"started_at": at, "start_from": "local"}, "local"),
        ({"started_at": at, "start_from": "x"}, "said"),
        ({"started_at": at, "header": by_file}, "file"),
        ({"started_at": at, "header": "[]"}, "said"),
        ({}, "file"),
    ]
    for row_, start in rows:
        assert start_of_row(row_) == start
