"""Imports: strangers' files, our own files back again, and files that mean harm."""

from __future__ import annotations

import gzip
import json
import math
import signal
import sqlite3
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog import imports
from rowlog.contents import load_contents
from rowlog.editing import delete_sessions, edit_note, edit_tags, undo
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.exports.fit_figures import LAP_FIGURES, SESSION_FIGURES
from rowlog.exports.fit_writer import Field, FitWriter
from rowlog.fit_layout import EPOCH_S, LAP, RECORD, SESSION, TIMESTAMP, UINT8, UINT16, UINT32
from rowlog.importing import Imported, import_files
from rowlog.importing_sessions import frames_of
from rowlog.imports import logbook
from rowlog.imports import stroke_csv as stroke_csv_reader
from rowlog.imports.cells import number
from rowlog.imports.naming import plan_of
from rowlog.imports.workout import ImportFault, Lap, Resolution, Workout
from rowlog.merging import merge_sessions
from rowlog.previewing import FilePreview, preview_files
from rowlog.previewing_workouts import preview_of
from rowlog.rebuild import rebuild
from rowlog.render_imports import lines
from rowlog.replaying import frames_digest, replay_file, stored_digest
from rowlog.resegment import resegment
from rowlog.store import Store
from rowlog.store_errors import StoreError
from rowlog.store_read import open_reader
from rowlog.summary import Summary, load
from rowlog.totals import SessionTotals
from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols.workout_file import WorkoutFileDecoder, encode
from rowlog_drivers.records import HeartRate, RowerSample, Stroke, Undecoded
from tests.support import PATIENCE_S, ROOT, run

STRANGERS = [
    ("testdata.csv", 2000, 540.0, 191, 4, (127, 156)),
    ("testdata_export.fit", 2000, 540.0, 191, 1, (127, 156)),
    ("painsled_out_data.csv", 7118, 1843, 651, 1, (58, 163)),
    ("ergdata_example.csv", 1992, 523.9, 180, 1, (80, 141)),
    ("ergstick2.csv", 965, 298.9, 89, 1, (95, 128)),
    ("herodata.csv", 3512.7, 897.9, 300, 1, (70, 171)),
    ("smartrow_intervals.csv", 6979, 2339, 739, 1, (84, 135)),
    ("recover.tcx", 313.4, 91.0, None, 1, (73, 109)),
    ("painsled_desktop_example.csv", 7118, 1843, 651, 1, (58, 163)),
    ("boatcoach_fixed_distance.csv", 2000, 550.3, 217, 4, (116, 175)),
    ("RP_interval.csv", 19026, 5280, 1673, 8, (74, 173)),
]
"""(file, metres, seconds, last stroke, laps, lowest and highest heart rate) as catalogued.

A FIT file's 537.242 s are those since the end of the first stroke, of 2.84 s. Painsled has rows up
to number 661; those after 651 are of somebody who waits.
"""


@pytest.mark.parametrize(("file", "metres", "seconds", "strokes", "laps", "beats"), STRANGERS)
def test_a_strangers_file_says_what_it_is_known_to_say(
    captures: Path,
    file: str,
    metres: float,
    seconds: float,
    strokes: int | None,
    laps: int,
    beats: tuple[int, int],
) -> None:
    (workout,) = imports.read(file, (captures / "rowingdata" / file).read_bytes())
    rowed = [point.distance_m for point in workout.points if point.distance_m is not None]
    assert rowed[-1] == pytest.approx(metres, abs=1)
    assert workout.end_s == pytest.approx(seconds, abs=2)
    numbers = [point.stroke for point in workout.points if point.stroke is not None]
    assert (max(numbers) if numbers else None) == strokes
    assert len(workout.laps) in (laps, 0 if laps == 1 else laps)
    bpm = [point.heart_rate_bpm for point in workout.points if point.heart_rate_bpm]
    assert (min(bpm), max(bpm)) == beats or file == "recover.tcx"


def test_a_hero_file_is_the_one_piece_that_it_names(captures: Path, tmp_path: Path) -> None:
    """15 minutes, of which the last stroke, of 2.1 s, is not in its rows."""
    content = (captures / "rowingdata" / "herodata.csv").read_bytes()
    (tmp_path / "a.csv").write_bytes(content)
    (tmp_path / "b.csv").write_bytes(content.replace(b"15'", b"3 pieces"))
    import_files(tmp_path / "i.db", [tmp_path / "a.csv", tmp_path / "b.csv"])
    one, several = load(tmp_path / "i.db", 1), load(tmp_path / "i.db", 2)
    (piece,) = one.segments
    assert (piece.kind, piece.distance_m, piece.duration_s) == ("work", 3512.7, 897.9)
    assert (one.session.work_distance_m, piece.stroke_count) == (3512.7, 300)
    assert len(several.segments) > 1  # it does not say where: found by how it was rowed


def test_strangers_sessions_reach_the_database(captures: Path, tmp_path: Path) -> None:
    folder, database = captures / "rowingdata", tmp_path / "i.db"
    done = import_files(database, [folder / "testdata.csv", folder / "testdata_export.fit"])
    assert [one.sessions for one in done] == [(1,), (2,)]
    assert [one.overlaps for one in done] == [(), (1,)]
    first, second = load(database, 1), load(database, 2)
    assert first.session.stroke_count == 191
    assert [segment.kind for segment in first.segments] == ["work"] * 4
    assert (first.session.plan, first.session.energy_kcal) == ("4x500m", 118)
    assert second.session.energy_kcal == 118
    assert [segment.energy_kcal for segment in first.segments] == [28, 31, 29, 30]
    strokes = [load_contents(database, number_).main_strokes for number_ in (1, 2)]
    assert len(strokes[0]) == len(strokes[1]) == 191
    for here, there in zip(*strokes, strict=True):
        assert here.drive_s == there.drive_s
        assert here.drive_length_m == pytest.approx(there.drive_length_m, abs=0.01)
        assert here.distance_m == pytest.approx(there.distance_m, abs=0.01)
    for one in (first, second):
        assert one.session.distance_m == one.session.work_distance_m == 2000
        assert one.session.max_heart_rate_bpm == 156
        assert one.session.mean_heart_rate_bpm == pytest.approx(148.6, abs=0.6)
        assert one.quality.gaps == 0


@pytest.mark.parametrize("name", ["fit", "tcx"])
def test_strangers_files_go_out_and_come_in_as_they_were(
    name: str, captures: Path, tmp_path: Path
) -> None:
    """Pieces found, pieces told and one piece; with strokes and without."""
    database, again, known = tmp_path / "i.db", tmp_path / "b.db", named(name)
    assert known is not None
    names = ("smartrow_intervals.csv", "boatcoach_fixed_distance.csv", "painsled_out_data.csv")
    import_files(database, [captures / "rowingdata" / name for name in names])
    out = export(database, [1, 2, 3], tmp_path / "out", known, folder=True)
    import_files(again, [one.file for one in out if one.file is not None])
    for number_ in (1, 2, 3):
        was, now = load(database, number_), load(again, number_)
        assert figures_of(now.session, SESSION_FIGURES) == figures_of(was.session, SESSION_FIGURES)
        assert [figures_of(lap, LAPS) for lap in now.segments] == [
            figures_of(lap, LAPS) for lap in was.segments
        ]


def test_an_import_is_merged_with_a_recording_of_the_same_time(tmp_path: Path) -> None:
    """Own rower, a stranger's file with the heart: the file's totals are not those of both."""
    recording = ROOT / "fixtures" / "ftms" / "silent_machine_1000m.frames"
    database, text = tmp_path / "i.db", recording.read_text()
    rower = [line for line in text.splitlines() if " strap " not in line]
    (tmp_path / "own.frames").write_text("\n".join(rower) + "\n")
    import_files(database, [tmp_path / "own.frames"])
    began = datetime.fromisoformat(load(database, 1).session.started_at)
    (tmp_path / "watch.fit").write_bytes(watch(began))
    (done,) = import_files(database, [tmp_path / "watch.fit"])
    assert done.overlaps == (1,)
    was = load(database, 1).session
    now = load(database, merge_sessions(database, [1, 2]).session).session
    assert (now.distance_m, now.work_distance_m) == (was.distance_m, was.work_distance_m)
    assert (was.max_heart_rate_bpm, now.max_heart_rate_bpm) == (None, 151)
    assert now.energy_kcal == was.energy_kcal


def watch(began: datetime) -> bytes:
    """A heart rate a second for four minutes, in two laps, without a metre."""
    writer, start = FitWriter(), int(began.timestamp()) - EPOCH_S
    for second in range(240):
        bpm = Field(3, UINT8, 150 + second % 2)
        writer.message(RECORD, [Field(TIMESTAMP, UINT32, start + second), bpm])
    for lap in range(2):
        writer.message(
            LAP,
            [Field(TIMESTAMP, UINT32, start + 120 * (lap + 1)),
             Field(2, UINT32, start + 120 * lap), Field(7, UINT32, 120_000), Field(11, UINT16, 99)],
        )  # fmt: skip
    writer.message(SESSION, [Field(TIMESTAMP, UINT32, start + 240), Field(11, UINT16, 198)])
    return writer.content()


def test_intervals_of_other_programs_stay_intervals(captures: Path, tmp_path: Path) -> None:
    folder, database = captures / "rowingdata", tmp_path / "i.db"
    names = ("RP_interval.csv", "SpeedCoach2Link_interval.csv", "boatcoach_fixed_distance.csv")
    import_files(database, [folder / name for name in names])
    rowpro, speedcoach, boatcoach = (load(database, number_) for number_ in (1, 2, 3))
    work = [segment for segment in rowpro.segments if segment.kind == "work"]
    assert [segment.kind for segment in rowpro.segments] == ["work", "rest"] * 4
    stated = [(4956.1, 151, 197), (4869.5, 162, 187), (4875.1, 166, 188), (4325.4, 143, 131)]
    for segment, (metres, bpm, watts) in zip(work, stated, strict=True):
        assert segment.distance_m == pytest.approx(metres, abs=0.15)
        assert segment.duration_s == pytest.approx(1200, abs=0.2)
        assert segment.mean_heart_rate_bpm == pytest.approx(bpm, abs=1)
        # the program's watts follow from the mean pace, these from each stroke's
        assert segment.mean_power_w == pytest.approx(watts, abs=9)
    assert [segment.energy_kcal for segment in work] == pytest.approx(
        [326.3, 314.6, 315.4, 250.4], abs=0.05
    )
    assert [segment.end_heart_rate_bpm for segment in work] == [169, 164, 173, 141]
    assert (rowpro.session.energy_kcal, rowpro.session.plan) == (1207, "4x20:00/2:00r")
    assert speedcoach.session.plan == "5x1:00"
    assert [segment.stroke_count for segment in speedcoach.segments] == [24, 25, 26, 27, 29]
    assert [segment.distance_m for segment in speedcoach.segments] == pytest.approx(
        [225.8, 230.5, 235.8, 243.0, 251.1], abs=0.1
    )
    assert speedcoach.session.stroke_count == 131
    assert speedcoach.session.mean_heart_rate_bpm is None
    assert boatcoach.session.work_distance_m == pytest.approx(2000, abs=0.1)
    assert [segment.duration_s for segment in boatcoach.segments[:4]] == pytest.approx(
        [110.0, 113.8, 156.3, 114.1], abs=1.0
    )
    assert boatcoach.session.work_s == pytest.approx(494.2, abs=0.01)
    assert boatcoach.session.stroke_count == 217


LOGBOOK = (
    '"ID","Date","Description","Work Time (Formatted)","Work Time (Seconds)",'
    '"Rest Time (Formatted)","Rest Time (Seconds)","Work Distance","Rest Distance",'
    '"Stroke Rate/Cadence","Stroke Count","Pace","Avg Watts","Cal/Hour","Total Cal",'
    '"Avg Heart Rate","Drag Factor","Comments"\n'
)
LONG = (
    '"2","2021-02-16 11:28:00","30:01 row","""30:01.4""","1801.4","","","7096","","22","670",'
    '"2:06.9","171","889","441","166","122",""\n'
)
REPS = (
    '"1","2017-09-13 19:34:00","4x200m/1:00r row","""2:34.0""","154","4:00.0","240","800","165",'
    '"35","105","1:36.2","393","1650","69","","124","=1+1"\n'
)


def test_a_logbook_that_grew_adds_what_is_new(tmp_path: Path) -> None:
    file, database = tmp_path / "season.csv", tmp_path / "i.db"
    file.write_text(LOGBOOK + LONG)
    assert import_files(database, [file])[0].sessions == (1,)
    file.write_text(LOGBOOK + REPS + LONG)
    (again,) = import_files(database, [file])
    assert (again.sessions, again.overlaps) == ((2,), ())
    assert import_files(database, [file])[0].known
    long, reps = load(database, 1).session, load(database, 2).session
    assert (long.work_s, long.work_distance_m, long.stroke_count) == (1801.4, 7096, 670)
    assert (long.mean_power_w, long.mean_stroke_rate_spm, long.energy_kcal) == (171, 22, 441)
    assert (long.drag_factor, long.mean_heart_rate_bpm) == (122, None)
    assert (reps.work_s, reps.work_distance_m, reps.stroke_count) == (154.0, 800, 105)
    assert reps.rest_distance_m == pytest.approx(165, abs=2)
    assert reps.rest_s == pytest.approx(240, abs=2)


VARIED = (
    '"3","2017-06-18 10:21:00","v300m/1:00r...4 row","""3:09.4""","189.4","4:00.0","240","1000",'
    '"189","38","99","1:33.7","425","1759","67","","131",""\n'
)


def test_only_repetitions_that_the_logbook_tells_give_bests(tmp_path: Path) -> None:
    """2x500m are two of 500 m; what varied, or is no 3x500m in all, is no piece of 1,000 m."""
    told = REPS.replace("4x200m/1:00r", "2x500m/2:00r").replace('"800"', '"1000"')
    false = (
        told.replace('"1"', '"4"').replace("2x500m", "3x500m").replace("2017-09-13", "2017-09-14")
    )
    single = LONG.replace('"2"', '"5"').replace("1801.4", "420.0").replace("7096", "2000")
    file, database = tmp_path / "season.csv", tmp_path / "i.db"
    file.write_text(LOGBOOK + told + VARIED + false + single)
    assert import_files(database, [file])[0].sessions == (1, 2, 3, 4)
    with closing(sqlite3.connect(database)) as db:
        kept = db.execute("SELECT session_id, kind, target, amount FROM best_efforts").fetchall()
    bests = {row[:3]: round(row[3], 2) for row in kept}
    assert bests == {(1, "distance", 500.0): 77.0, (4, "distance", 2000.0): 420.0}
    for session, pieces, rest_m, work_s in ((1, 4, 165, 154), (2, 2, 189, 189.4), (3, 2, 165, 154)):
        seen = load(database, session)
        assert len(seen.segments) == pieces
        assert (seen.session.work_distance_m, seen.session.work_s) == (1000, work_s)
        assert seen.session.rest_s == pytest.approx(240)
        assert seen.session.rest_distance_m == pytest.approx(rest_m)


def test_what_nobody_rows_is_no_best_whatever_a_file_says(tmp_path: Path) -> None:
    fast = LONG.replace("1801.4", "54.0").replace("7096", "500")
    told = LONG.replace('"2"', '"5"').replace("1801.4", "70.0").replace("7096", "500")
    file, database = tmp_path / "season.csv", tmp_path / "i.db"
    file.write_text(LOGBOOK + fast + told)
    import_files(database, [file])
    with closing(sqlite3.connect(database)) as db:
        kept = db.execute("SELECT session_id, target, round(value, 1) FROM best_efforts").fetchall()
    assert kept == [(2, 500.0, 70.0)]


@pytest.mark.parametrize(
    ("description", "plan"),
    [
        ("5x2,000m/1:30r row", "5x2000m/1:30r"), ("10x1:00/0:45r row", "10x1:00/0:45r"),
        ("5x2,000m/1:31r row", None), ("4x2,000m/1:30r row", None), ("10x1:01/0:45r", None),
        ("0x2,000m/1:30r", None), ("5x,m/1:30r", None), ("v2000m/1:30r...5 row", None), ("", None),
    ],
)  # fmt: skip
def test_equal_repetitions_are_believed_where_the_totals_agree(
    description: str, plan: str | None
) -> None:
    row = f'"2026-01-02 03:04:05","{description}","600","450","10000","0"\n'
    head = '"Date","Description","Work Time (Seconds)","Rest Time (Seconds)","Work Distance",'
    (workout,) = imports.read("s.csv", (head + '"Rest Distance"\n' + row).encode())
    assert workout.plan == plan
    assert (workout.end_s, workout.points[-1].distance_m) == (1050, 10000)


@pytest.mark.parametrize(
    ("description", "plan"),
    [("30:00 row", "30:00"), ("30:01 row", "30:00"), ("7:00 row", "7096m"), ("7096m", "7096m"),
     ("7,096m row", "7096m"), ("12c row", "7096m"), ("", "7096m")],
)  # fmt: skip
def test_one_piece_of_a_season_is_named_as_it_was_set(description: str, plan: str) -> None:
    row = f'"2026-01-02 03:04:05","{description}","1800","","7096",""\n'
    head = '"Date","Description","Work Time (Seconds)","Rest Time (Seconds)","Work Distance",'
    (workout,) = imports.read("s.csv", (head + '"Rest Distance"\n' + row).encode())
    assert workout.plan == plan
    assert (workout.end_s, workout.points[-1].distance_m) == (1800, 7096)


def test_what_the_logbook_says_of_hardly_any_rowing_stands(tmp_path: Path) -> None:
    """74.3 s, 20 m and one stroke, at a pace that nobody rows, and among other workouts."""
    short = (
        '"9","2020-05-21 12:58:00","1:14 row","""1:14.3""","74.3","","","20","","9","1","30:57.5",'
        '"","300","1","82","",""\n'
    )
    file, database = tmp_path / "season.csv", tmp_path / "i.db"
    file.write_text(LOGBOOK + short + LONG)
    import_files(database, [file])
    said = load(database, 1).session
    assert (said.work_s, said.work_distance_m, said.distance_m) == (74.3, 20, 20)
    assert (said.stroke_count, said.mean_stroke_rate_spm, said.energy_kcal) == (1, 9, 1)


def test_every_season_is_read_whole(captures: Path) -> None:
    for year, rows, metres in ((2018, 157, 261_385), (2021, 277, 1_512_768)):
        name = f"concept2-season-{year}.csv"
        read = imports.read(name, (captures / "go_concept2" / name).read_bytes())
        assert len(read) == rows
        rowed = [workout.summary.distance_m for workout in read if workout.summary is not None]
        assert sum(m for m in rowed if m is not None) == metres


@pytest.mark.parametrize(
    "text",
    ["810\n795.5\n800\n", "0.810\n0.7955\n0.800\n", "t_s,hr,rr_ms\n1,74,810 795.5\n2,75,800\n"],
)
def test_rr_intervals_come_in_by_line_and_by_second(text: str) -> None:
    (workout,) = imports.read("rr.txt", text.encode())
    told = [rr for point in workout.points for rr in point.rr_ms or ()]
    assert told == pytest.approx([810, 795.5, 800])


def test_either_decimal_sign_of_boatcoach_is_read() -> None:
    head = "DateTime,workoutType,intervalCount,lastSplitTime,workDistance,splitAvg500MPace"
    rows = [
        "2022-06-13T08:31:36.9-04:00,FixedDistanceSplits,0,0:00:00.0,98,0:02:00.0",
        "2022-06-13T08:32:00.7-04:00,FixedDistanceSplits,0,0:00:00.0,2,0:02:00.0",
        "2022-06-13T08:32:01.0-04:00,FixedDistanceSplits,1,0:00:24.0,0,0:02:00.0",
    ]
    point = "\n".join(["Workout data", head, *rows])
    comma = point.replace(",", ";").replace(".", ",")
    (one,), (other,) = (imports.read("b.csv", text.encode()) for text in (point, comma))
    assert one == other
    assert one.laps == (Lap(False, 24.0, 100.0, 0.0),)
    assert [point.distance_m for point in one.points] == [0.0, 98.0, 100.0, 100.0]


HEADS = {
    "boatcoach": "x\nDateTime,workoutType,intervalCount,lastSplitTime,workDistance,strokeRate",
    "rowpro": "RowfileId\n\nType,Time,Distance,AvgPace\n{}\n\nTime,Distance,Pace,Watts,C,SPM,HR",
    "speedcoach": "Session Information:\nPer-Stroke Data:\nInterval,Elapsed Time,Heart Rate\nunits",
    "painsled": "stroke.REVISION,stroke.driveStartMs,stroke.hrBpm,stroke.startWorkoutMeter",
    "logbook": LOGBOOK.strip(),
    "ergdata": '"Stroke Number","Time (seconds)","Distance (meters)","Stroke Rate","Heart Rate"',
    "rr": "t_s,hr,rr_ms",
}
CELLS = st.sampled_from(
    ["1", "0", "-1", "nan", "inf", "1e999", "9" * 400, "", "=1+1", "2:00.0", "1,5", "\0", "\u0663",
     "FixedDistance", "2022-06-13T08:31:36.9", "0001-01-01 00:00:00", "9999-12-31T23:59:59Z", '"']
)  # fmt: skip


@given(st.sampled_from(sorted(HEADS)), st.lists(st.lists(CELLS, max_size=9), max_size=6))
def test_cells_of_any_kind_are_read_or_refused(head: str, rows: list[list[str]]) -> None:
    body = "\n".join(",".join(cells) for cells in rows)
    text = HEADS[head].replace("{}", body) + "\n" + body
    try:
        found = imports.read("x.csv", text.encode())
    except ImportFault:
        return
    for workout in found:
        assert list(frames_of(workout))
        assert workout.started_at is None or workout.started_at.tzinfo is not None
        plan_of(workout.laps, workout.resolution)
        assert math.isfinite(preview_of(workout).duration_s)


@pytest.mark.parametrize(
    "table", ["imports", "sessions", "frame_blocks", "segments", "session_totals", "session_keys"]
)
def test_an_import_that_fails_at_any_table_leaves_nothing(table: str, tmp_path: Path) -> None:
    file, database = tmp_path / "a.csv", tmp_path / "i.db"
    file.write_bytes(stroke_csv())
    Store.open_writer(database).close()
    with closing(sqlite3.connect(database)) as db:
        db.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(StoreError, match="full"):
        import_files(database, [file])
    assert rows_of(database) == (0, 0, 0)
    with closing(sqlite3.connect(database)) as db:
        db.execute("DROP TRIGGER full")
    assert import_files(database, [file])[0].sessions == (1,)
    assert rows_of(database) == (1, 1, 1)


def test_a_kill_between_a_session_and_its_bytes_leaves_nothing(tmp_path: Path) -> None:
    file, database = tmp_path / "a.csv", tmp_path / "i.db"
    file.write_bytes(stroke_csv())
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(database), str(file)], capture_output=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert rows_of(database) == (0, 0, 0)
    assert import_files(database, [file])[0].sessions == (1,)


KILLED = """
import os, signal, sys
from pathlib import Path
from rowlog import store
from rowlog.importing import Imported, import_files
store.write = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # the last rows of a session
import_files(Path(sys.argv[1]), [Path(sys.argv[2])])
"""


def test_an_import_that_is_broken_off_leaves_whole_sessions(tmp_path: Path) -> None:
    folder, database = tmp_path / "in", tmp_path / "i.db"
    folder.mkdir()
    for n in range(16):
        (folder / f"{n:02d}.csv").write_bytes(stroke_csv(4 + n))
    told = subprocess.run(
        [sys.executable, "-c", BROKEN_OFF, str(database), str(folder)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (told.returncode, told.stdout, told.stderr) == (0, "3\n", "")
    assert rows_of(database) == (3, 3, 3)
    again = import_files(database, [folder])
    assert [one.known for one in again] == [True] * 3 + [False] * 13


BROKEN_OFF = """
import os, signal, sys
from pathlib import Path
from rowlog.importing import import_files
told = []
def tell(done):
    told.append(done)
    if len(told) == 3:
        os.kill(os.getpid(), signal.SIGINT)
try:
    import_files(Path(sys.argv[1]), [Path(sys.argv[2])], on_file=tell)
except KeyboardInterrupt:
    print(len(told))
"""


@pytest.mark.parametrize("told_by", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_whatever_ends_the_command_it_says_what_is_in(told_by: str, tmp_path: Path) -> None:
    if not hasattr(signal, told_by):
        pytest.skip("a system without that signal")
    folder, database = tmp_path / "in", tmp_path / "i.db"
    folder.mkdir()
    for n in range(5):
        (folder / f"{n:02d}.csv").write_bytes(stroke_csv(4 + n))
    told = subprocess.run(
        [sys.executable, "-c", ENDED, told_by, "import", str(folder), "--db", str(database)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert told.returncode == 1
    assert told.stderr.startswith("rowlog: Broken off. 3 files read: 3 sessions, 1 to 3.")
    assert told.stderr.endswith("Call it again to go on.\n")
    assert rows_of(database) == (3, 3, 3)


ENDED = """
import os, signal, sys
from rowlog import render_imports
from rowlog.cli import main
number = getattr(signal, sys.argv.pop(1))
signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
lines, told = render_imports.lines, []
def ending(done, **more):
    told.append(done)
    if len(told) == 3:
        os.kill(os.getpid(), number)
    return lines(done, **more)
render_imports.lines = ending
main()
"""


def test_a_file_whose_session_was_deleted_says_what_brings_it_back(tmp_path: Path) -> None:
    """One whose session went into another, or came back, is only told to be known."""
    database, files = tmp_path / "i.db", [tmp_path / "a.csv", tmp_path / "b.csv"]
    for place, file in enumerate(files):
        file.write_bytes(stroke_csv(90 + 9 * place))
    import_files(database, files)
    delete_sessions(database, [2])
    first, second = import_files(database, files)
    assert (first.known, first.deleted, second.known, second.deleted) == (True, (), True, (2,))
    assert lines(second) == [
        "b.csv: imported before.",
        "  Session 2 of it is deleted. What brings it back, says: rowlog show 2",
    ]
    assert preview_files(database, files[1:])[0].would.deleted == (2,)
    undo(database, None)
    assert [one.deleted for one in import_files(database, files)] == [(), ()]


def rows_of(database: Path) -> tuple[int, int, int]:
    with closing(sqlite3.connect(database)) as db:
        found = [
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("sessions", "imports", "frame_blocks")
        ]
    return found[0], found[1], found[2]


def test_a_better_reader_improves_what_was_imported_before(tmp_path: Path) -> None:
    """The database of an earlier rowlog that read no heart rates, and knew no start."""
    file, database = tmp_path / "a.csv", tmp_path / "i.db"
    file.write_bytes(b"2026-01-02 03:04:05 +00:00\n" + stroke_csv())
    with pytest.MonkeyPatch.context() as earlier:
        known = dict(stroke_csv_reader.COLUMNS)
        del known["heart rate"]
        earlier.setattr(stroke_csv_reader, "COLUMNS", known)
        earlier.setattr(stroke_csv_reader, "_start", lambda *_: None)
        import_files(database, [file])
    was = load(database, 1).session
    assert was.max_heart_rate_bpm is None
    edit_tags(database, 1, ["race"], [])
    edit_note(database, 1, "windy")
    resegment(database, 1, "30m + 30m + 30m")
    done = rebuild(database)
    assert (done.sessions, done.read_again, done.unread) == ((1,), (1,), ())
    now = load(database, 1)
    assert now.session.max_heart_rate_bpm == 128  # the last one stands for no time
    assert now.session.started_at == "2026-01-02T03:04:05+00:00"
    assert (now.session.note, now.session.distance_m) == ("windy", was.distance_m)
    assert [segment.distance_m for segment in now.segments] == [30.0] * 3
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("SELECT tag FROM tags").fetchall() == [("race",)]
        versions = db.execute("SELECT importer_version FROM imports").fetchall()
    assert versions == [(imports.VERSION,)]
    assert rebuild(database).read_again == ()


def all_rows_of(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is stored of sessions, but when they were imported, and by what was kept of ids."""
    with closing(sqlite3.connect(database)) as db:
        tables = [
            name
            for (name,) in db.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' "
                "AND name NOT IN ('imports', 'plans', '_sqlite_migrations', 'frame_blocks')"
            )
        ]
        return {table: sorted(db.execute(f"SELECT * FROM {table}"), key=repr) for table in tables}


def test_a_season_that_an_earlier_rowlog_read_is_after_a_rebuild_what_it_is_today(
    tmp_path: Path,
) -> None:
    """It took what stands together of varied intervals for one piece, and that for a best."""
    file = tmp_path / "season.csv"
    file.write_text(LOGBOOK + VARIED + LONG)
    read = logbook._workout

    def earlier(name: str, columns: list[str], cells: list[str], line: int) -> Workout | None:
        found = read(name, columns, cells, line)
        if found is None or found.plan is not None:
            return found
        return replace(found, plan="1000m", laps=(), laps_are_own=False)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(logbook, "_workout", earlier)
        import_files(tmp_path / "old.db", [file])
    import_files(tmp_path / "new.db", [file])
    assert load(tmp_path / "old.db", 1).session.plan == "1000m"
    best = all_rows_of(tmp_path / "old.db")["best_efforts"]  # of session 1: a whole piece
    assert any(row[0] == 1 and row[1:3] == ("distance", 1000.0) for row in best)
    assert rebuild(tmp_path / "old.db").read_again == (1,)
    old, new = all_rows_of(tmp_path / "old.db"), all_rows_of(tmp_path / "new.db")
    assert {name for name in new if new[name] != old[name]} == set()
    assert not any(row[0] == 1 and row[1] == "distance" for row in new["best_efforts"])
    assert [one.kind for one in load(tmp_path / "old.db", 1).segments] == ["work", "rest"]
    assert rebuild(tmp_path / "old.db").read_again == ()
    assert all_rows_of(tmp_path / "old.db") == old


def test_a_rebuild_of_what_was_imported_changes_nothing(
    recorded: Path, captures: Path, tmp_path: Path
) -> None:
    """Cut by the laps of a file that knows no plan, by what it looks like, or by the machine."""
    database, known = tmp_path / "i.db", named("fit")
    assert known is not None
    out = export(recorded, [*range(1, len(FIXTURES) + 1)], tmp_path / "out", known, folder=True)
    import_files(database, [one.file for one in out if one.file is not None])
    import_files(database, [captures / "rowingdata"])
    was = all_rows_of(database)
    assert rebuild(database).read_again == ()
    now = all_rows_of(database)
    assert {name for name in now if now[name] != was[name]} == set()


def test_a_file_that_is_read_no_longer_leaves_its_session_as_it_is(tmp_path: Path) -> None:
    file, database = tmp_path / "a.csv", tmp_path / "i.db"
    file.write_bytes(stroke_csv())
    import_files(database, [file])
    was = load(database, 1)
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE imports SET content = ?", (zlib.compress(b"noise"),))
    done = run("db", "rebuild", "--db", database)
    assert done.returncode == 0
    assert "Session 1 stays as it was read: a.csv is of no format" in done.stderr
    assert load(database, 1) == was


def test_archives_and_recordings_come_in(tmp_path: Path) -> None:
    archive, database = tmp_path / "all.zip", tmp_path / "i.db"
    recording = ROOT / "fixtures" / "ftms" / "piece_2000m.frames"
    with ZipFile(archive, "w", ZIP_DEFLATED) as packed:
        packed.writestr("a/one.csv", stroke_csv())
        packed.writestr("a/same.csv", stroke_csv())
        packed.writestr("b.frames", recording.read_bytes())
        packed.writestr("bomb.csv", b"0" * 5_000_000)
        packed.writestr("inner.zip", b"PK\x03\x04" + bytes(50))
        packed.writestr("../../z\x1b[2J.txt", b"no workout")
    outside, one, same, frames, bomb, inner = import_files(database, [archive])
    assert "of no format" in (outside.fault or "")
    assert "\x1b" not in str(outside.file) + (outside.fault or "")
    assert "unpacks to 5 MB" in (bomb.fault or "")
    assert (one.sessions, same.known, frames.sessions) == ((1,), True, (2,))
    assert "is a zip within another archive" in (inner.fault or "")
    assert load(database, 2).session.work_distance_m == pytest.approx(2000, abs=0.1)
    assert import_files(database, [recording])[0].known
    archive.write_bytes(archive.read_bytes()[:-30])
    assert "no whole archive" in (import_files(database, [archive])[0].fault or "")


@pytest.mark.parametrize("packed_by", ["", "gz", "bz2", "xz"])
def test_tar_archives_come_in_however_they_are_compressed(packed_by: str, tmp_path: Path) -> None:
    archive, database = tmp_path / "all.tar", tmp_path / "i.db"
    with tarfile.open(archive, f"w:{packed_by}") as tape:  # type: ignore[call-overload]
        for name, content in (("b/one.csv", stroke_csv()), ("a.csv", stroke_csv(5)), (".x", b"?")):
            told = tarfile.TarInfo(name)
            told.size = len(content)
            tape.addfile(told, BytesIO(content))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            other = tarfile.TarInfo("other.csv")
            other.type, other.linkname = kind, "b/one.csv"
            tape.addfile(other)
    one, two = import_files(database, [archive])
    assert (one.file.name, one.sessions, two.sessions) == ("one.csv", (1,), (2,))
    assert 0 < one.done <= two.done <= 1
    whole = archive.read_bytes()
    archive.write_bytes(whole[: 700 if not packed_by else len(whole) // 2])
    assert "no whole" in (import_files(database, [archive])[-1].fault or "")


def test_a_tar_that_goes_on_for_too_long_is_broken_off(tmp_path: Path) -> None:
    bomb, database = tmp_path / "bomb.tgz", tmp_path / "i.db"
    with gzip.open(bomb, "wb", compresslevel=1) as packed:
        small = tarfile.TarInfo("a.csv")
        small.size = len(stroke_csv())
        packed.write(small.tobuf() + stroke_csv().ljust(512, b"\0"))
        big = tarfile.TarInfo("b.csv")
        big.size = 10_000_000
        packed.write(big.tobuf() + bytes(big.size))
    taken, left = import_files(database, [bomb])
    assert taken.sessions == (1,)
    assert "or 200 times its size" in (left.fault or "")
    header = tarfile.TarInfo("pax")
    header.type, header.size = tarfile.XHDTYPE, 8_000_000  # would be read into memory whole
    with gzip.open(bomb, "wb", compresslevel=1) as packed:
        packed.write(header.tobuf() + b"7 a=b\n" + bytes(9_000_000))
    assert "or 200 times its size" in (import_files(database, [bomb])[0].fault or "")


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["KILL", "TERM"])
def test_the_processes_that_read_end_with_the_one_that_asked(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for file in range(40):
        (folder / f"{file:02}.csv").write_bytes(stroke_csv(9 + file))
    program = (
        "import os\nfrom pathlib import Path\nfrom rowlog.importing import import_files\n"
        f"import_files(Path({str(tmp_path / 'a.db')!r}), [Path({str(folder)!r})],"
        f" on_file=lambda _: os.kill(os.getpid(), {int(number)}))"
    )
    # Its output ends when the last of them has: otherwise this runs out of time.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=PATIENCE_S
    )
    assert done.returncode == -number


def test_many_files_are_read_by_several_processes_in_their_order(tmp_path: Path) -> None:
    folder, database = tmp_path / "in", tmp_path / "i.db"
    folder.mkdir()
    for n in range(14):
        (folder / f"{n:02d}.csv").write_bytes(stroke_csv(4 + n))
    (folder / "07.csv").write_text("hello")
    (folder / "09.csv").write_bytes(stroke_csv(4))
    heard: list[Imported] = []
    done = import_files(database, [folder], on_file=heard.append)
    assert done == heard
    assert [one.file.name for one in done] == [f"{n:02d}.csv" for n in range(14)]
    assert [one.sessions[0] for one in done if one.sessions] == list(range(1, 13))
    assert (done[7].fault is not None, done[9].known, done[-1].done) == (True, True, 14)
    assert all(one.known or one.fault for one in import_files(database, [folder]))


FIXTURES = sorted((ROOT / "fixtures").glob("*/*.frames*"))
TOTALS = (*SESSION_FIGURES, "plan", "activity", "started_at")
LAPS = (*LAP_FIGURES, "kind", "activity", "ended_by", "target")


def test_an_imported_recording_is_the_replayed_one(recorded: Path, tmp_path: Path) -> None:
    for number_, file in enumerate(FIXTURES, 1):
        assert stored_digest(recorded, number_) == frames_digest(file)
    for name in ("machine_reset_2x500m.frames", "split_4x250m.frames"):
        number_ = 1 + [file.name for file in FIXTURES].index(name)
        again = replay_file(FIXTURES[number_ - 1], tmp_path / "r.db")
        was, now = load(recorded, number_), load(tmp_path / "r.db", again)
        assert now.session._replace(id=number_) == was.session
        assert (now.segments, now.splits) == (was.segments, was.splits)


@pytest.mark.parametrize("name", ["fit", "tcx"])
def test_what_goes_out_comes_in_again_to_the_last_digit(
    name: str, recorded: Path, tmp_path: Path
) -> None:
    known = named(name)
    assert known is not None
    numbers = range(1, len(FIXTURES) + 1)
    out = export(recorded, [*numbers], tmp_path / "out", known, folder=True)
    again = tmp_path / "b.db"
    files = [one.file for one in out if one.file is not None]
    looks = preview_files(again, files)
    done = import_files(again, files)
    assert [one.would for one in looks] == done
    assert [one.sessions for one in done] == [(one_of,) for one_of in numbers]
    for one_of, look in zip(numbers, looks, strict=True):
        was, now = load(recorded, one_of), load(again, one_of)
        seen_before(look, now)
        assert figures_of(now.session, TOTALS) == figures_of(was.session, TOTALS)
        assert [figures_of(lap, LAPS) for lap in now.segments] == [
            figures_of(lap, LAPS) for lap in was.segments
        ]
        derived = dict(session_of(again, one_of).derived)
        for figure in ("work_s", "distance_m", "mean_heart_rate_bpm", "max_heart_rate_bpm"):
            told = getattr(was.session, figure)
            if told is not None:  # the records say it too, in whole seconds and beats
                assert derived[figure] == pytest.approx(told, rel=0.01, abs=2), figure
        if name == "fit":
            assert strokes_of(again, one_of) == strokes_of(recorded, one_of)
    was = load(again, 3)
    assert rebuild(again, [3]).read_again == ()
    assert load(again, 3) == was


def seen_before(look: FilePreview, imported: Summary) -> None:
    """A look before the import told the same of the whole, and of each piece."""
    (workout,) = look.workouts
    for one, other in [
        (workout, imported.session),
        *zip(workout.pieces, imported.segments, strict=True),
    ]:
        for name in (name for name in SEEN if hasattr(one, name) and hasattr(other, name)):
            told = getattr(other, name)
            wanted = pytest.approx(told, abs=1e-9) if isinstance(told, float) else told
            assert getattr(one, name) == wanted, name


SEEN = (
    "started_at", "kind", "activity", "started_at_s", "duration_s", "distance_m", "stroke_count",
    "energy_kcal", "mean_pace_s_per_500m", "mean_power_w", "mean_stroke_rate_spm",
    "mean_heart_rate_bpm", "max_heart_rate_bpm", "work_s", "rest_s", "work_distance_m",
    "rest_distance_m", "plan",
)  # fmt: skip


def strokes_of(database: Path, number: int) -> int:
    with open_reader(database) as reader:
        return len(reader.records(number, Stroke))


def session_of(database: Path, number: int) -> SessionTotals:
    with open_reader(database) as reader:
        totals = reader.session(number).totals
    assert totals is not None
    return totals


def figures_of(of: object, names: Sequence[str]) -> dict[str, object]:
    return {name: getattr(of, name) for name in names}


def test_a_session_of_laps_can_be_cut_in_another_way_and_back(
    recorded: Path, tmp_path: Path
) -> None:
    known, database = named("fit"), tmp_path / "b.db"
    assert known is not None
    place = [file.name for file in FIXTURES].index("split_4x250m.frames")
    (out,) = export(recorded, [place + 1], tmp_path / "a.fit", known, folder=False)
    assert out.file is not None
    import_files(database, [out.file])
    was = load(database, 1)
    resegment(database, 1, "250m/0:45r + 100m")
    now = load(database, 1)
    assert [lap.distance_m for lap in now.segments[::2]] == pytest.approx([250, 100], abs=1)
    assert now.session.mean_heart_rate_bpm == was.session.mean_heart_rate_bpm
    assert now.session.work_distance_m == pytest.approx(350, abs=1)
    resegment(database, 1, "plan")
    assert load(database, 1).segments == was.segments
    assert load(database, 1).session == was.session


def test_the_same_content_is_taken_in_once_and_its_bytes_are_kept(tmp_path: Path) -> None:
    text = stroke_csv()
    (tmp_path / "a.csv").write_bytes(text)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(text))
    database = tmp_path / "i.db"
    first, second = import_files(database, [tmp_path / "a.csv", tmp_path / "b.csv.gz"])
    assert first.sessions == (1,)
    assert (second.sessions, second.known) == ((), True)
    rebuilt = run("db", "rebuild", "--db", database)
    assert rebuilt.returncode == 0
    assert load(database, 1).session.distance_m == 90.0
    with closing(sqlite3.connect(database)) as db:
        name, size = db.execute("SELECT name, length(content) FROM imports").fetchone()
    assert (name, size > 20) == ("a.csv", True)


def stroke_csv(rows: int = 9, last: str = "") -> bytes:
    header = '"Stroke Number","Time (seconds)","Distance (meters)","Stroke Rate","Heart Rate"'
    body = [f"{n},{2.5 * n},{10 * n},24,{120 + n}" for n in range(1, rows + 1)]
    return "\n".join([header, *body, last]).encode()


HOSTILE = [
    ("bomb.tcx", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]>'
     b"<TrainingCenterDatabase>&a;</TrainingCenterDatabase>", "defines entities"),
    ("cut.tcx", b"<TrainingCenterDatabase><Activities>", "no whole XML"),
    ("bomb.csv.gz", gzip.compress(b"\0" * (imports.MOST_BYTES + 1), mtime=0), "over 64 MB"),
    ("cut.gz", gzip.compress(b"x" * 999, mtime=0)[:20], "no whole gzip"),
    ("cut.fit", b"\x0e\x20\x00\x00\xff\x00\x00\x00.FIT\x00\x00\x40\x00",
     "no whole FIT|tells of no metre"),
    ("far.csv", stroke_csv(last="10,30,1e308,24,130"), 'line 11 tells of "1e308" as its distance'),
    ("years.csv", stroke_csv(last="10,99999999,100,24,130"), "which no workout reaches"),
    ("back.csv", stroke_csv(last="10,1,100,24,130"), "clock begins again"),
    ("noise.csv", bytes(range(256)), "neither FIT nor a text|no text"),
    ("empty.csv", b"", "is empty"),
    ("=cmd.csv", b"=cmd|'/c calc'!A1,2\n3,4\n", "no format"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "content", "why"), HOSTILE)
def test_a_hostile_file_is_refused_in_a_sentence(
    file: str, content: bytes, why: str, tmp_path: Path
) -> None:
    path, database = tmp_path / file, tmp_path / "i.db"
    path.write_bytes(content)
    (done,) = import_files(database, [path])
    assert done.sessions == ()
    assert done.fault is not None
    with pytest.raises(ImportFault, match=why):
        imports.read(file, imports.unpacked(file, content))
    if not file.endswith(".gz"):  # those are refused before the database is asked
        with open_reader(database) as reader:
            assert reader.sessions() == []


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_read_or_refused(content: bytes) -> None:
    try:
        imports.read("x", content)
    except ImportFault:
        return
    raise AssertionError("noise was taken for a workout")


@pytest.mark.parametrize(
    ("cell", "value"),
    [("12.5", 12.5), ("12,5", 12.5), ("6 m", 6.0), ("2:48.2", 168.2), ("1:00:01", 3601.0),
     ("", None), ("---", None), (" 7 ", 7.0), ("=1+1", None)],
)  # fmt: skip
def test_cells_are_read_as_they_are_written(cell: str, value: float | None) -> None:
    assert number(cell) == value


def told_as(*pieces: tuple[float, float | None] | float, within_m: float = 0.5) -> str | None:
    """The interval text of laps: (seconds, metres) of work, seconds of rest."""
    laps = [
        Lap(False, *piece) if isinstance(piece, tuple) else Lap(True, piece) for piece in pieces
    ]
    return plan_of(laps, Resolution(within_m=within_m))


NAMED = [
    ("by time, though each came to other metres", told_as(
        (60, 225.8), (60, 230.5), (60, 235.8), (60, 243.0), (60, 251.1)), "5x1:00"),
    ("by time, with rests", told_as((1200, 4956.1), 120, (1200, 4869.5), 120), "2x20:00/2:00r"),
    ("by metres, though each took another time", told_as(
        (97.4, 500), 90, (99.9, 500), 90, (98.1, 500.4), 90), "3x500m/1:30r"),
    ("equal metres that nobody rounds", told_as((70.1, 333), (71, 333), (72, 333)), "3x333m"),
    ("a pyramid of times", told_as((60, 290), 60, (120, 571), 60, (60, 288), 30),
     "1:00/1:00r + 2:00/1:00r + 1:00/0:30r"),
    ("a pyramid of metres", told_as((47, 250), 60.2, (101, 500), 59.8, (48, 250)),
     "250m/1:00r + 500m/1:00r + 250m"),
    ("a last rest that was cut short", told_as((99, 500), 90, (98, 500), 12), "2x500m/1:30r"),
    ("no last rest", told_as((99, 500), 90, (98, 500), 90, (97, 500)), "3x500m/1:30r"),
    ("rests as they came", told_as((60, 300), 41, (62, 300), 67, (61, 300), 52), "3x300m/...r"),
    ("neither", told_as((142.5, 510), (130.1, 499.6), (134.5, 498.6), (132.8, 491.8)),
     "510m + 499.6m + 498.6m + 491.8m"),
    ("metres by the stroke", told_as(
        (142.5, 510), (130.1, 499.6), (134.5, 498.6), (132.8, 491.8), within_m=12), "4x500m"),
    ("one piece with a rest", told_as((421.3, 2000), 180), "2000m/3:00r"),
    ("one piece by time", told_as((1800, 7096), 180), "30:00/3:00r"),
    ("two of no even size", told_as((100.0, 500), 60, (99.5, 498.25)), "500m/1:00r + 498.2m"),
    ("no metres", told_as((1200.0, None), 120.5), "20:00/2:00.5r"),
    ("metres of one only", told_as((61.4, 300), (62.5, None)), "300m + 1:02.5"),
    ("a lap alone", told_as((100.0, 500)), None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "text", "expected"), NAMED, ids=[what for what, *_ in NAMED])
def test_pieces_are_named_by_what_is_even_of_them(
    what: str, text: str | None, expected: str | None
) -> None:
    assert text == expected


@given(
    st.integers(2, 12),
    st.sampled_from([30, 45, 60, 90, 240, 1200]),
    st.sampled_from([0, 30, 90, 120]),
    st.lists(st.floats(1.5, 6.0), min_size=12, max_size=12),
    st.lists(st.floats(-0.2, 0.2), min_size=12, max_size=12),
)
def test_pieces_of_one_time_are_never_named_by_their_metres(
    count: int, seconds: int, rest_s: int, speeds: list[float], off: list[float]
) -> None:
    """Unless those happen to be even too, which is what the name then says."""
    pieces: list[tuple[float, float | None] | float] = []
    for speed, more in zip(speeds[:count], off, strict=False):
        pieces += [(seconds + more, seconds * speed), *([float(rest_s)] if rest_s else [])]
    metres = [piece[1] for piece in pieces if isinstance(piece, tuple)]
    text = told_as(*pieces)
    assert text is not None
    rest = f"/{rest_s // 60}:{rest_s % 60:02d}r" if rest_s else ""
    by_time = f"{count}x{seconds // 60}:{seconds % 60:02d}{rest}"
    assert text == by_time or all(
        abs(length - round(length / 10) * 10) <= 0.5 or abs(length - (metres[0] or 0)) <= 1.0
        for length in metres
        if length is not None
    )


def test_the_driver_reads_what_it_wrote_and_nothing_else() -> None:
    decoder = WorkoutFileDecoder()

    def told(channel: str, payload: bytes) -> object:
        return decoder.decode(Frame(t_ns=5, source="f", channel=channel, payload=payload))[0]

    assert told("sample", encode("sample", distance_m=3, power_w=None)) == RowerSample(
        t_ns=5, source="f", distance_m=3.0
    )
    assert told("heart_rate", encode("heart_rate", heart_rate_bpm=140, rr_ms=(430,))) == HeartRate(
        t_ns=5, source="f", heart_rate_bpm=140, rr_ms=(430.0,)
    )
    for payload in (b"", b"[]", b"{", b'{"x":1}', b'{"distance_m":"1"}', b'{"distance_m":1e400}'):
        assert isinstance(told("sample", payload), Undecoded)
    assert isinstance(told("nothing", b"{}"), Undecoded)


def test_the_command_tells_what_it_did(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(stroke_csv())
    (tmp_path / "in" / "b.txt").write_text("hello")
    done = run("import", tmp_path / "in", "--json", "--db", tmp_path / "i.db")
    assert done.returncode == 1
    assert [one["sessions"] for one in json.loads(done.stdout)] == [[1], []]
    assert "b.txt is of no format" in done.stderr
    again = run("import", tmp_path / "in" / "a.csv", "--db", tmp_path / "i.db")
    assert again.stdout == "a.csv: imported before.\n"


@pytest.mark.parametrize("more", [0, 65_000_000], ids=["small", "larger than any workout"])
def test_a_database_is_no_workout_and_it_is_said_how_to_look_into_it(
    tmp_path: Path, more: int
) -> None:
    file = tmp_path / "old.db"
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version=1")
    with file.open("r+b") as grown:
        grown.truncate(file.stat().st_size + more)  # a hole: nothing is written
    (done,) = import_files(tmp_path / "i.db", [file])
    assert done.fault == (
        "old.db is a database, not a workout's file. If it is one of rowlog's, look into it with: "
        "rowlog sessions --db FILE"
    )
