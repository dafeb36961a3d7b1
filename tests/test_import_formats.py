"""Imports, format by format: what each says in its own way, in small files made by hand."""

from __future__ import annotations

import ast
import csv
import re
import struct
from dataclasses import fields
from pathlib import Path

import pytest

from rowlog import imports
from rowlog.exports import rowingdata
from rowlog.exports.fit_writer import Field, FitWriter
from rowlog.fit_layout import (
    ENUM,
    EPOCH_S,
    FLOAT64,
    LAP,
    RECORD,
    SESSION,
    TIMESTAMP,
    UINT8,
    UINT16,
    UINT32,
)
from rowlog.importing import import_files
from rowlog.imports import fit, stroke_csv
from rowlog.imports.cells import KINDS
from rowlog.imports.workout import ImportFault, Lap, Point, laid_out
from rowlog.summary import Summary, load
from rowlog_drivers.records import FileLap, FileTotals
from tests.support import ROOT

START = 1_767_225_600 - EPOCH_S
"""2026-01-01T00:00:00+00:00, on FIT's clock."""


def taken_in(content: bytes, name: str, folder: Path) -> Summary:
    (folder / name).write_bytes(content)
    (done,) = import_files(folder / "i.db", [folder / name])
    assert done.fault is None
    return load(folder / "i.db", done.sessions[0])


def fit_file(*, swapped: bool = False) -> bytes:
    """Two pieces of 100 m in 25 s at 4 m/s, standing for 20 s between them, ten seconds unheard."""
    writer = FitWriter()
    rows = [(s, 4.0 * s) for s in range(26)] + [(s, 100 + 4.0 * (s - 45)) for s in range(45, 71)]
    for second, metres in rows:
        fields = [
            Field(TIMESTAMP, UINT32, START + second),
            Field(5, UINT32, metres * 100),
            Field(3, UINT8, 140),
            Field(7, UINT16, 100),
            writer.own("power", FLOAT64, 180.5),
        ]
        writer.message(RECORD, fields)
    for begin, seconds, rest in ((0, 25, 0), (25, 20, 1), (45, 25, 0)):
        # elapsed goes on in a pause, the timer does not: it can never be the longer of the two
        elapsed, timer = (seconds * 900, seconds * 1000) if swapped else (seconds * 1000,) * 2
        fields = [
            Field(TIMESTAMP, UINT32, START + begin + seconds),
            Field(2, UINT32, START + begin),
            Field(7, UINT32, elapsed),
            Field(8, UINT32, timer),
            Field(9, UINT32, 0 if rest else 10_000),
            Field(11, UINT16, 0 if rest else 7),
            Field(23, ENUM, rest),
        ]
        writer.message(LAP, fields)
    writer.message(SESSION, [Field(TIMESTAMP, UINT32, START + 70), Field(11, UINT16, 15)])
    return writer.content()


@pytest.mark.parametrize("swapped", [False, True])
def test_fit_laps_are_pieces_and_rests_whichever_timer_is_which(
    swapped: bool, tmp_path: Path
) -> None:
    row = taken_in(fit_file(swapped=swapped), "a.fit", tmp_path)
    told = [(lap.kind, lap.duration_s, lap.distance_m, lap.energy_kcal) for lap in row.segments]
    assert told == [
        ("work", 25.0, 100.0, 7.0),
        ("rest", 20.0, 0.0, None),
        ("work", 25.0, 100.0, 7.0),
    ]
    assert (row.session.distance_m, row.session.energy_kcal) == (200.0, 15.0)
    assert row.session.started_at == "2026-01-01T00:00:00+00:00"


def test_a_fit_developer_field_overrides_the_native_one_of_its_name(tmp_path: Path) -> None:
    row = taken_in(fit_file(), "a.fit", tmp_path)
    assert row.session.mean_power_w == pytest.approx(180.5)


def test_fit_records_at_the_end_of_each_stroke_begin_at_no_metres(tmp_path: Path) -> None:
    """Where the session counts the first record's metres as its own, they were rowed in it."""
    writer = FitWriter()
    for second in range(41):
        fields = [Field(TIMESTAMP, UINT32, START + second), Field(5, UINT32, 500 + 400 * second)]
        writer.message(RECORD, [*fields, Field(7, UINT16, 100)])
    writer.message(SESSION, [Field(TIMESTAMP, UINT32, START + 40), Field(9, UINT32, 16_500)])
    session = taken_in(writer.content(), "a.fit", tmp_path).session
    assert (session.distance_m, session.work_distance_m, session.work_s) == (165.0, 165.0, 40.0)


def sized(content: bytes, size: int) -> bytes:
    return content[:4] + struct.pack("<I", size) + content[8:]


WHOLE = fit_file()
SIZES = [
    ("never written, as when a watch loses power", sized(WHOLE, 0)[:-2], "ends before its end"),
    ("longer than the file", sized(WHOLE, 2**32 - 1), "ends before its end"),
    ("no checksum at all", WHOLE[:-2], "has no checksum"),
    ("another checksum", WHOLE[:-2] + b"??", "checksum does not match"),
    ("a header of twelve bytes", bytes([12]) + WHOLE[1:12] + WHOLE[14:], "checksum does not match"),
    ("bytes after the end", WHOLE + bytes(50), None),
]  # fmt: skip


@pytest.mark.parametrize(("what", "content", "note"), SIZES, ids=[what for what, *_ in SIZES])
def test_a_fit_file_of_a_wrong_size_is_read_as_far_as_it_goes(
    what: str, content: bytes, note: str | None
) -> None:
    (workout,) = imports.read("a.fit", content)
    assert (len(workout.points), len(workout.laps)) == (52, 3)
    assert workout.note is None if note is None else note in (workout.note or "")


def test_a_fit_file_that_is_cut_off_gives_what_it_holds_and_says_so() -> None:
    (workout,) = imports.read("a.fit", WHOLE[: len(WHOLE) // 2])
    assert 5 < len(workout.points) < 52
    assert "ends before its end" in (workout.note or "")
    with pytest.raises(ImportFault, match="no whole FIT"):
        imports.read("a.fit", WHOLE[:100] + bytes(200) + WHOLE[300:])


def test_fit_files_chained_in_one_are_workouts_of_their_own() -> None:
    assert [len(one.points) for one in imports.read("a.fit", WHOLE + WHOLE)] == [52, 52]


def tcx_file(*, start: str = "2026-01-01T00:00:00Z", laps: bool = True) -> bytes:
    def point(second: int, metres: float) -> str:
        at = f"{start[:17]}{second:02d}Z" if second < 60 else f"{start[:14]}01:{second - 60:02d}Z"
        return (
            f"<Trackpoint><Time>{at}</Time><DistanceMeters>{metres}</DistanceMeters>"
            "<HeartRateBpm><Value>140</Value></HeartRateBpm></Trackpoint>"
        )

    def lap(begin: int, rows: range, base: float) -> str:
        points = "".join(point(s, base + 4.0 * (s - rows.start)) for s in rows)
        at = f"{start[:17]}{begin:02d}Z"
        return (
            f'<Lap StartTime="{at}"><TotalTimeSeconds>25</TotalTimeSeconds>'
            f"<DistanceMeters>100</DistanceMeters><Calories>7</Calories><Track>{points}</Track></Lap>"
        )

    inside = lap(0, range(26), 0.0)
    if laps:
        inside += lap(45, range(45, 71), 100.0)
    return (
        '<?xml version="1.0"?><TrainingCenterDatabase xmlns='
        '"http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"><Activities>'
        f'<Activity Sport="Other">{inside}</Activity></Activities></TrainingCenterDatabase>'
    ).encode()


def test_time_between_two_tcx_laps_is_a_rest(tmp_path: Path) -> None:
    row = taken_in(tcx_file(), "a.tcx", tmp_path)
    told = [(lap.kind, lap.duration_s, lap.energy_kcal) for lap in row.segments]
    assert told == [("work", 25.0, 7.0), ("rest", 20.0, None), ("work", 25.0, 7.0)]
    assert row.session.work_distance_m == 200.0


def test_tcx_padded_with_nul_bytes_is_read(tmp_path: Path) -> None:
    row = taken_in(tcx_file(laps=False) + bytes(3000), "a.tcx", tmp_path)
    assert (row.session.distance_m, row.session.max_heart_rate_bpm) == (100.0, 140.0)


def test_an_absurd_year_is_no_start_and_the_files_date_stands_in(tmp_path: Path) -> None:
    row = taken_in(tcx_file(start="0001-01-01T00:00:00Z"), "a.tcx", tmp_path)
    assert row.session.started_at > "2020"
    assert row.session.distance_m == 200.0


BOATCOACH = (
    "Workout data\nDateTime,workoutType,intervalType,intervalCount,strokeRate,currentHeartRate,"
    "workTime,restTime,lastSplitTime,workDistance,splitAvg500MPace,strokePower,strokeCount\n"
)


def boatcoach_intervals() -> str:
    """2x20 s with 10 s of rest: metres and work time begin again with each interval."""
    rows = []
    for second in range(61):
        interval, inside = divmod(second, 30) if second < 60 else (1, 30)
        resting = inside >= 20
        metres, strokes = 4 * min(inside, 20), 10 * interval + min(inside, 20) // 2
        rest = f"0:00:{30 - inside:02d}" if resting else "0:00:00"
        rows.append(
            f"2022-06-13T08:{second // 60:02d}:{second % 60:02d}.0-04:00,FixedTimeInterval,time,"
            f"{interval},30,140,0:00:20,{rest},0:00:00.0,{metres},0:02:05.0,180,{strokes}"
        )
    return BOATCOACH + "\n".join(rows) + "\n"


def test_intervals_of_boatcoach_are_told_by_its_count_and_its_rests(tmp_path: Path) -> None:
    row = taken_in(boatcoach_intervals().encode(), "b.csv", tmp_path)
    told = [(lap.kind, lap.duration_s, lap.stroke_count) for lap in row.segments]
    assert told[:3] == [("work", 20.0, 10), ("rest", 10.0, 0), ("work", 20.0, 10)]
    assert row.session.work_distance_m == pytest.approx(160, abs=4)
    assert row.session.stroke_count == 20


@pytest.mark.parametrize("down", [False, True])
def test_distances_of_boatcoach_are_told_by_metres_whichever_way_they_run(
    down: bool, tmp_path: Path
) -> None:
    """3x100 m at 4 m/s with 20 s of rest, in which it shows the last metre or those to come."""
    rows, at, strokes = [], 0, 0
    for interval in range(3):
        for second in range(46):
            rowed = min(4 * second, 100)
            resting, at = second > 25, at + 1
            strokes += 1 if second % 2 and not resting else 0
            left = 100 if resting else 100 - rowed
            rest = f"0:00:{46 - second:02d}" if resting else "0:00:00"
            rows.append(
                f"2022-06-13T08:{at // 60:02d}:{at % 60:02d}.0-04:00,FixedDistanceInterval,"
                f"distance,{interval},30,140,0:00:20,{rest},0:00:00.0,{left if down else rowed},"
                f"0:02:05.0,180,{strokes}"
            )
    row = taken_in((BOATCOACH + "\n".join(rows) + "\n").encode(), "b.csv", tmp_path)
    assert row.session.plan == "3x100m/0:20r"
    assert [lap.kind for lap in row.segments] == ["work", "rest"] * 3
    assert [lap.distance_m for lap in row.segments if lap.kind == "work"] == [100.0] * 3
    assert [lap.stroke_count for lap in row.segments if lap.kind == "work"] == [13] * 3
    assert row.session.rest_distance_m == 0


def test_laps_are_laid_one_behind_the_other() -> None:
    def lap(seconds: float, start_s: float | None) -> Lap:
        return Lap(False, seconds, None, start_s)

    assert laid_out([lap(10, 0.0), lap(0.4, 10.0), lap(10, 30.0)]) == (
        lap(10, 0.0), Lap(True, 20.0, None, 10.0), lap(10, 30.0),
    )  # fmt: skip
    assert laid_out([lap(10, None), lap(10, 9.0), lap(10, 20.5)]) == (
        lap(10, 0.0), lap(10, 10.0), lap(10, 20.0),
    )  # fmt: skip


def test_what_rowlog_writes_in_its_own_name_may_be_a_strangers_lie() -> None:
    text = tcx_file().decode()
    name = 'xmlns:r="urn:rowlog:figures:1"'
    own = f'<r:Session {name} started_at="yesterday" plan="&#7;" work_s="nan"/>'
    lap = f'<r:Lap {name} kind="war" started_at_s="-9e999" duration_s="5"/>'
    lie = text.replace("</Activity>", f"<Extensions>{own}{lap}</Extensions></Activity>")
    for content in (lie, lie.replace("&#7;", "1e9m"), lie.replace("-9e999", "7e8")):
        try:
            (workout,) = imports.read("a.tcx", content.encode())
        except ImportFault:
            continue
        assert (workout.said, workout.started_at) == ({}, None)


# ----------------------------------------------------------------- the table in docs/formats.md

DOCS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
FACTORS = {"/ 1000": 0.001, "/ 100": 0.01, "/ 10": 0.1, "× 4.448": 4.4482216152605, "": 1.0}
TOLD = re.compile(r"`([^`]+)`(?: (/ 10+|× 4\.448))?")


def table() -> list[dict[str, str]]:
    """The rows of the one table that has a unit, by its heads."""
    lines = DOCS[DOCS.index("| rowlog | unit |") :].split("\n\n", 1)[0].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(cells[0], row, strict=True)) for row in cells[2:]]


def test_the_table_of_fields_says_what_the_readers_do() -> None:
    columns = {re.sub(r"\s*\(.*", "", name): to for name, to in stroke_csv.COLUMNS.items()}
    checked = 0
    for row in table():
        field = row["rowlog"].strip("`")
        for program in ("RowingData, Painsled on a phone", "ErgData, logbook strokes", "ErgStick",
                        "SmartRow", "Hero"):  # fmt: skip
            for name, how in TOLD.findall(row[program]):
                to, factor = columns.get(name.lower(), (None, 0.0))
                if to in Point._fields and to != "t_s":
                    assert to == field, (program, name)
                    assert factor == pytest.approx(FACTORS[how]), (program, name)
                    checked += 1
        for name, how in TOLD.findall(row["FIT"]):
            known = fit._FIELDS.get(name)
            if known is not None and known.field not in ("speed", "heart_rate_bpm", "stroke", "at"):
                assert known.field == field, name
                assert known.factor == pytest.approx(FACTORS[how]), name
                checked += 1
    assert checked > 50


READERS = {
    "boatcoach": "BoatCoach", "painsled": "Painsled on a desktop", "logbook": "Concept2 season",
    "speedcoach": "SpeedCoach", "tcx": "TCX", "rowpro": "RowPro", "fit": "FIT",
}  # fmt: skip
"""(a reader: the column of the table that says what it reads)."""
OWN_FIGURES = {"started_at_s", "duration_s", "start_from"} | {
    field.name for kind in (FileLap, FileTotals) for field in fields(kind)
}
"""What rowlog wrote under its own names, which stand below the table."""


def told_of(program: str) -> set[str]:
    """The names that the table gives for a program, in lower case, without units."""
    names = [name for row in table() for name, _ in TOLD.findall(row[program])]
    names += [name for cell in (row[program] for row in table()) for name in CODE.findall(cell)]
    return {plain(name) for name in names}


CODE = re.compile(r"`([^`]+)`")


def plain(name: str) -> str:
    return re.sub(r"\s*\((?!gps|imp).*|^ ", "", name.lower())


def columns_of(reader: str) -> set[str]:
    """The names by which a reader asks a row for its cells, from its source."""
    path = ROOT / "rowlog" / "imports" / f"{reader}.py"
    asked: list[ast.expr | None] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Dict):
            kinds = (value.value for value in node.values if isinstance(value, ast.Constant))
            asked += node.keys if any(kind in KINDS for kind in kinds) else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            asked += node.args if name in ("get", "_number", "_text") else []
        elif isinstance(node, ast.Subscript):
            asked.append(node.slice)
    values = (node.value for node in asked if isinstance(node, ast.Constant))
    return {value for value in values if isinstance(value, str) and value.strip()}


def test_every_column_that_is_read_stands_in_the_table() -> None:
    """Under the program that it is of: what a reader asks for and what its table lacks is named."""
    lacking, asked = {}, 0
    for reader, program in READERS.items():
        told = told_of(program)
        names = columns_of(reader) - OWN_FIGURES - {*KINDS, *Point._fields}
        if reader == "fit":
            names |= {*fit._FIELDS, *fit._OF_STROKES}
        asked += len(names)
        said = {name for name in names if {plain(name), f"stroke.{plain(name)}",
                                            f"total {plain(name)}"} & told}  # fmt: skip
        if names - said:
            lacking[reader] = sorted(names - said)
    assert lacking == {}
    assert asked > 100
    by_stroke = set().union(*(told_of(program) for program in STROKES))
    assert {plain(name) for name in stroke_csv.COLUMNS} - by_stroke == set()


STROKES = ("RowingData, Painsled on a phone", "ErgData, logbook strokes", "ErgStick", "SmartRow",
           "Hero")  # fmt: skip


def test_every_column_of_the_table_is_read() -> None:
    known = {plain(name) for name in stroke_csv.COLUMNS}
    unread = {
        (program, name) for program in STROKES for name in told_of(program) if name not in known
    }
    for reader, program in READERS.items():
        if reader in ("fit", "tcx", "rowpro"):
            continue  # by numbers of fields, and places in rows
        text = (ROOT / "rowlog" / "imports" / f"{reader}.py").read_text(encoding="utf-8").lower()
        names = {plain(name) for name in columns_of(reader)} | {*re.findall(r'"([^"]+:)"', text)}
        names |= {f"{before}{name}" for name in names for before in ("stroke.", "total ")}
        unread |= {(program, name) for name in told_of(program) if name not in names}
    assert unread == set()


@pytest.mark.parametrize(
    ("file", "program", "above"),
    [("testdata.csv", 0, 0), ("painsled_out_data.csv", 0, 0), ("ergdata_example.csv", 1, 0),
     ("ergstick2.csv", 2, 0), ("smartrow_intervals.csv", 3, 0), ("herodata.csv", 4, 3)],
)  # fmt: skip
def test_what_is_read_of_a_file_stands_under_its_program(
    captures: Path, file: str, program: int, above: int
) -> None:
    text = (captures / "rowingdata" / file).read_text(encoding="utf-8-sig")
    head = next(csv.reader(text.splitlines()[above : above + 1]))
    read = {name.strip().lower() for name in head} & set(stroke_csv.COLUMNS)
    assert len(read) >= 6
    assert {plain(name) for name in read} - told_of(STROKES[program]) == set()


def test_what_is_written_as_rowingdata_stands_in_the_table() -> None:
    told = told_of("RowingData, Painsled on a phone")
    counted = {"activityidx", "pointidx", "speed"}  # which the format has to have
    assert {plain(name.strip()) for name in rowingdata.COLUMNS} - told == counted


STATES = (
    "TimeStamp (sec), lapIdx, ElapsedTime (sec), Horizontal (meters), StrokeCount,"
    " Cadence (stokes/min), WorkoutState\n"
)


def test_strokes_count_whatever_state_a_monitor_is_in() -> None:
    """The first is still told as waiting, the last as the end of the workout: both were rowed."""
    rows = [(2.0, 8, 1, 24, 0), (4.0, 17, 2, 24, 5), (6.0, 26, 3, 24, 5), (8.0, 35, 4, 24, 10)]
    body = "".join(f"{1.6e9 + t},0,{t},{m},{n},{spm},{state}\n" for t, m, n, spm, state in rows)
    (workout,) = imports.read("a.csv", (STATES + body).encode())
    assert [(lap.start_s, lap.seconds, lap.metres) for lap in workout.laps] == [(0.0, 8.0, 35.0)]
    assert workout.one_lap_tells is False
    assert [point.stroke for point in workout.points] == [1, 2, 3, 4]


def test_rows_without_strokes_tell_where_pieces_are() -> None:
    rows = [
        (0.0, 0, 0, "", 0), (5.0, 1, 0, "", 0), (6.0, 5, 1, 24, 5), (9.0, 18, 2, 24, 5),
        (10.0, 21, 2, "", 5), (40.0, 23, 2, "", 3), (40.0, 23, 2, "", 10), (43.0, 30, 3, 20, 5),
    ]  # fmt: skip
    body = "".join(f"{1.6e9 + t},0,{t},{m},{n},{spm},{state}\n" for t, m, n, spm, state in rows)
    (workout,) = imports.read("a.csv", (STATES + body).encode())
    assert [(lap.rest, lap.start_s, lap.seconds, lap.metres) for lap in workout.laps] == [
        (False, 5.0, 5.0, 20.0), (True, 10.0, 30.0, 2.0),
    ]  # fmt: skip
    assert workout.one_lap_tells
    assert [point.stroke for point in workout.points if point.stroke] == [1, 2, 3]
