"""Rows that no workout can be made of: counted, named, told, and kept with the session."""

from __future__ import annotations

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from rowlog import imports
from rowlog.importing import import_files
from rowlog.imports.left_out import LeftOut, left_out
from rowlog.imports.workout import ImportFault
from rowlog.previewing import preview_files
from rowlog.summary import load
from tests.support import run

ERGDATA = '"Stroke Number","Time (seconds)","Distance (meters)","Stroke Rate","Heart Rate"\n'
BOATCOACH = (
    "Workout data\n"
    "DateTime,workoutType,intervalCount,lastSplitTime,workDistance,splitAvg500MPace,strokeCount\n"
)
BC_ROW = "2022-06-13T08:31:{0:02d}-04:00,JustRow,0,0:00:00.0,{1},0:02:00.0,{2}\n"
PAINSLED = "stroke.REVISION,stroke.driveStartMs,stroke.startWorkoutMeter,stroke.strokeNumber\n"
ROWPRO = (
    "RowfileId\n\nDate,TotalTime\n01/12/2016 19:23:00,20000\n\n"
    "Type,Time,Distance,AvgPace\n1,20000,80,120\n\n"
    "Time,Distance,Pace,Watts,Calories,SPM,HR\n"
)
SPEEDCOACH = (
    "Session Information:\n\nPer-Stroke Data:\nInterval,Elapsed Time,Distance (GPS)\n"
    "(#),(HH:MM:SS.tenths),(Meters)\n"
)
LOGBOOK = '"Date","Work Time (Seconds)","Work Distance","Rest Time (Seconds)","Rest Distance"\n'
TCX = (
    '<TrainingCenterDatabase xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2">'
    "<Activities><Activity><Lap><Track>{}</Track></Lap></Activity></Activities>"
    "</TrainingCenterDatabase>"
)
POINT = (
    "<Trackpoint><Time>2026-01-02T03:04:0{}Z</Time><DistanceMeters>{}</DistanceMeters></Trackpoint>"
)

FILES = [
    ("strokes", ERGDATA + "1,2,10,24,120\n2,,20,24,121\n3,x,30,24,122\n\n4,8,40,24,123\n",
     "2 rows without a time were left out: lines 3 and 4."),
    ("beyond all rowing", ERGDATA.replace("Heart Rate", "Watts")
     + "1,2,10,24,120\n2,4,20,1e308,-1e20\n3,6,30,24,1e9\n4,8,40,1e9,9\n5,9,45,,10001",
     ["2 cells of cadence beyond 1,000 were left out: lines 3 and 5.",
      "1 cell of watts below 0 was left out: line 3.",
      "2 cells of watts beyond 10,000 were left out: lines 4 and 6."]),
    ("ends of lines", ERGDATA.replace("\n", "\r\r\n") + "1,2,1,9,1\r\r\n2,,2,9,1\r\r\n3,9,9,9,9",
     "1 row without a time was left out: line 3."),
    ("boatcoach", BOATCOACH + BC_ROW.format(0, 5, 1) + "x,JustRow,0,0:00:00.0,10,0,2\n"
     + BC_ROW.format(2, "", 2) + BC_ROW.format(4, 15, 3),
     "2 rows without a time or metres were left out: lines 4 and 5."),
    ("painsled", PAINSLED + "1,2016-03-29T17:41:00,5,1\n1,never,10,2\n1,2016-03-29T17:41:09,15,3\n",
     "1 row without a time was left out: line 3."),
    ("rowpro", ROWPRO + "5000,20,120,180,1,24,130\n,40,120,180,1,24,131\n15000,60\n"
     "20000,80,120,180,1,24,132\n",
     "2 rows without a time or with too few cells were left out: lines 11 and 12."),
    ("speedcoach", SPEEDCOACH + "1,00:02.0,8\n---,---,16\n1,00:06.0,24\n",
     "1 row without an interval or a time was left out: line 7."),
    ("rr", "# a strap\nt_s,hr,rr_ms\n1,74,810\n\n,75,800\n3,75\n4,75,800\n",
     "2 rows without a time or with too few cells were left out: lines 5 and 6."),
    ("season", LOGBOOK + '"2026-01-02 03:04:05","","2000"\n"2026-01-03 03:04:05","480","2000"\n',
     "1 row without a time or metres was left out: line 2."),
    ("tcx", TCX.format(POINT.format(1, 0) + POINT.format("x", 9) + POINT.format(5, 20)),
     "1 trackpoint without a time was left out: trackpoint 2."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "sentence"), FILES, ids=[name for name, *_ in FILES])
def test_rows_that_are_left_out_are_named(name: str, text: str, sentence: str | list[str]) -> None:
    (workout,) = imports.read(name, text.encode())
    sentences = [sentence] if isinstance(sentence, str) else sentence
    assert [str(told) for told in workout.left_out] == sentences
    assert len(workout.points) >= 2


@pytest.mark.parametrize("figure", ["1e308", "1e20", "1e9", "-1e9"])
@pytest.mark.parametrize(
    "column", ["Watts", "Stroke Rate", "Pace (seconds per 500m)", "Heart Rate"]
)
def test_a_figure_that_nobody_reaches_costs_its_cell_alone(
    figure: str, column: str, tmp_path: Path
) -> None:
    file, database = tmp_path / "a.csv", tmp_path / "i.db"
    rows = [f"{n},{3 * n},{12 * n},{figure}\n" for n in range(1, 30)]
    head = f"Stroke Number,Time (seconds),Distance (meters),{column}\n"
    file.write_text(head + "".join(rows))
    (done,) = import_files(database, [file])
    assert [told.lines for told in done.left_out] == [tuple(range(2, 31))]
    rowed = load(database, 1).session
    assert (rowed.distance_m, rowed.stroke_count) == (348, 29)


def test_a_file_without_such_rows_tells_of_none() -> None:
    (workout,) = imports.read("a.csv", (ERGDATA + "1,2,10,24,120\n2,4,20,24,121\n").encode())
    assert workout.left_out == ()
    assert left_out("row", "without a time", []) == ()


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ((4,), "line 4"), ((4, 5), "lines 4 and 5"), ((4, 5, 6), "lines 4 to 6"),
        ((4, 5, 9), "lines 4, 5 and 9"), ((1, 3, 4, 5, 9), "lines 1, 3 to 5 and 9"),
        (tuple(range(1, 30, 2)), "lines 1, 3, 5, 7, 9, 11 and 9 more"),
    ],
)  # fmt: skip
def test_lines_are_told_by_runs(lines: tuple[int, ...], words: str) -> None:
    told = LeftOut(count=len(lines), row="row", why="without a time", lines=lines)
    assert str(told).endswith(f" left out: {words}.")


def test_what_was_left_out_is_told_and_kept(tmp_path: Path) -> None:
    file, database = tmp_path / "a.csv", tmp_path / "i.db"
    file.write_text(ERGDATA + "1,2,10,24,120\n2,,20,24,121\n4,8,40,24,123\n")
    sentence = "1 row without a time was left out: line 3."
    done = run("import", file, "--db", database)
    first, *undated, last = done.stdout.splitlines()
    assert (first, last, len(undated)) == ("a.csv: session 1.", f"  {sentence}", 2)
    told = json.loads(run("import", file, "--json", "--db", tmp_path / "j.db").stdout)
    assert load(database, 1).session.note == sentence
    assert sentence in run("show", "1", "--db", database).stdout
    with closing(sqlite3.connect(database)) as db:
        (header,) = db.execute("SELECT header FROM sessions").fetchone()
    assert ["left_out", sentence] in json.loads(header)
    row = {"count": 1, "row": "row", "why": "without a time", "lines": [3], "workout": False}
    row["counted"] = "line"
    assert told[0]["left_out"] == [row]


def test_no_metres_are_made_where_their_column_is_missing(tmp_path: Path) -> None:
    """Nor by the paces beside it; laps of unknown metres have none, and nothing of it is a best."""
    head = "TimeStamp (sec), lapIdx, ElapsedTime (sec), Weite, Stroke500mPace (sec/500m), "
    head += "Cadence (stokes/min), HRCur (bpm), Power (watts)\n"
    rows = [f"{1463751686 + 3 * n},{n // 40},{3 * n},{12 * n},125,22,140,180\n" for n in range(80)]
    file, database = tmp_path / "a.csv", tmp_path / "i.db"
    file.write_text(head + "".join(rows))
    sentence = "No column of metres is known in it: the distance is unknown."
    assert run("import", file, "--db", database).stdout == f"a.csv: session 1.\n  {sentence}\n"
    found = load(database, 1)
    assert found.session.note == sentence
    assert (found.session.distance_m, found.session.work_distance_m) == (None, None)
    assert [segment.distance_m for segment in found.segments] == [None, None]
    assert found.session.mean_power_w == pytest.approx(180)
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT * FROM best_efforts").fetchall() == []
    file.write_text((head + "".join(rows)).replace("Weite", "Horizontal (meters)"))
    (named,) = imports.read("a.csv", file.read_bytes())
    assert named.left_out == ()
    assert [lap.metres for lap in named.laps] == [468, 480]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.frames", "# rowlog-frames 1\n# source: rower s4\n", "recording of nothing"),
        ("b.frames", "# rowlog-frames 1\n# source: rower ftms\n1.0 rower link 7570\n", "rowed"),
        ("c.csv", ERGDATA + "0,1,0,0,0\n0,2,0,0,0\n", "no metre, no stroke and no heartbeat"),
    ],
)
def test_what_holds_no_rowing_and_no_heart_is_refused(
    name: str, text: str, words: str, tmp_path: Path
) -> None:
    file, database = tmp_path / name, tmp_path / "i.db"
    file.write_text(text)
    (done,) = import_files(database, [file])
    assert words in (done.fault or "")
    assert done.sessions == ()
    (look,) = preview_files(database, [file])
    assert look.fault == done.fault


def test_an_empty_folder_and_an_archive_of_links_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    link = tarfile.TarInfo("a.csv")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    with tarfile.open(tmp_path / "links.tar", "w") as archive:
        archive.addfile(link)
    for words in (("import",), ("import", "--dry-run")):
        done = run(*words, tmp_path / "empty", tmp_path / "links.tar", "--db", tmp_path / "i.db")
        assert done.stdout.startswith("There was nothing to read: ")


def test_a_row_of_a_season_is_no_sessions_note(tmp_path: Path) -> None:
    file, database = tmp_path / "season.csv", tmp_path / "i.db"
    file.write_text(next(text for name, text, _ in FILES if name == "season"))
    done = run("import", file, "--db", database)
    assert "1 row without a time or metres was left out: line 2." in done.stdout
    assert load(database, 1).session.note is None


def test_boatcoach_strokes_of_nan_are_not_known() -> None:
    rows = [BC_ROW.format(2 * n, 5 * n, "nan") for n in range(4)]
    (workout,) = imports.read("b.csv", (BOATCOACH + "".join(rows)).encode())
    assert [point.stroke for point in workout.points] == [None] * 4
    assert dict(workout.said) == {}


@pytest.mark.parametrize("cell", [f"{'9' * 5000}:00", "9" * 5000, "1:" * 5000])
def test_a_cell_of_thousands_of_digits_is_no_time(cell: str) -> None:
    (workout,) = imports.read("a.csv", (ERGDATA + f"1,2,10,24,1\n2,{cell},20,24,121\n").encode())
    assert [str(told) for told in workout.left_out] == [
        "1 row without a time was left out: line 3."
    ]


def test_a_file_without_rows_is_told_so() -> None:
    with pytest.raises(ImportFault, match="no metre, no stroke and no heartbeat"):
        imports.read("a.csv", ERGDATA.encode())
