"""Figures that are none, in every column of every format: told with their place, or refused."""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from rowlog import imports
from rowlog.exports.fit_writer import Field, FitWriter
from rowlog.fit_layout import (
    ENUM,
    FLOAT32,
    FLOAT64,
    HRV,
    LAP,
    RECORD,
    SESSION,
    STRING,
    TIMESTAMP,
    UINT8,
    UINT16,
    UINT32,
)
from rowlog.imports import fit, stroke_csv
from rowlog.imports.cells import KINDS
from rowlog.imports.workout import ImportFault, Workout
from tests.support import run

NONE_OF_THEM = ("nan", "inf", "-inf", "1e308", "-5", "abc", "=1+1", "1e5000", "-1e5000", "0x7")
"""What no cell of figures can hold."""
ABSURD_DATES = ("0001-01-01T00:00:00", "1066-10-14T09:00:00", "9999-12-31T23:59:59", *NONE_OF_THEM)
EMPTY = ("", "-", "---", " ", "--:--")
"""What cells hold of which nothing is known."""
ROWS = 12
CHANGED = 7
"""This row of them holds it."""


class Sheet(NamedTuple):
    """A file of one format, as rows of named cells."""

    head: str
    """All above the rows; ends with a line's end."""
    columns: dict[str, Callable[[int], str]]
    """(column: its cell in the row of this number, from 1)."""
    tail: str = ""
    dates: tuple[str, ...] = ()
    """Columns that hold dates."""
    titled: bool = True
    """Whether the columns' names stand above them."""

    def text(self, column: str | None = None, cell: str = "", row: int = CHANGED) -> str:
        """The file, one cell of it changed."""
        lines = [",".join(self.columns)] if self.titled else []
        lines += [
            ",".join(
                cell if (n, name) == (row, column) else of(n) for name, of in self.columns.items()
            )
            for n in range(1, ROWS + 1)
        ]
        return self.head + "\n".join(lines) + "\n" + self.tail

    @property
    def line(self) -> int:
        """Where the changed row stands."""
        return self.head.count("\n") + self.titled + CHANGED


VALUES: dict[str, Callable[[int], float]] = {
    "unix_s": lambda n: 1_463_751_686 + 3 * n, "t_s": lambda n: 3 * n, "lap": lambda n: n // 5,
    "distance_m": lambda n: 12 * n, "state": lambda n: 1, "count": lambda n: n,
    "heart_rate_bpm": lambda n: 130 + n, "drag_factor": lambda n: 120,
    "energy_kcal": lambda n: n, "drive_s": lambda n: 0.8, "recovery_s": lambda n: 1.7,
}  # fmt: skip


def strokes(*columns: str) -> Sheet:
    def cell(column: str) -> Callable[[int], str]:
        field, times = stroke_csv.COLUMNS[column]
        return lambda n: f"{VALUES.get(field, float)(n) / times:.12g}"

    return Sheet("", {column: cell(column) for column in columns})


def lettered(
    date: str, *columns: tuple[str, Callable[[int], object]]
) -> dict[str, Callable[[int], str]]:
    """Columns of which the first is of a date, a row every three seconds."""

    def told(of: Callable[[int], object]) -> Callable[[int], str]:
        return lambda n: str(of(n))

    return {date: lambda n: f"2022-06-13T08:31:{3 * n:02d}"} | {
        name: told(of) for name, of in columns
    }


KNOWN = list(stroke_csv.COLUMNS)
SHEETS = {
    "rowingdata": strokes(*KNOWN[: KNOWN.index("time (seconds)")]),
    "painsled on a phone": strokes(
        "timestamp (sec)", "lapidx", "horizontal (meters)", "hrcur (bpm)", "power (watts)"
    ),
    "ergdata": strokes("stroke number", "time (seconds)", "distance (meters)", "watts",
                       "pace (seconds per 500m)", "stroke rate", "heart rate"),
    "logbook strokes": strokes("number", "time (seconds)", "distance (meters)", "heart rate"),
    "smartrow": strokes("stroke (#)", "second (#)", "distance (m)", "work (j)",
                        "actual power (w)", "actual split (s)", "stroke rate (spm)",
                        "heart rate (bpm)"),
    "ergstick": strokes("total elapsed time", "total distance", "stroke rate (/min)",
                        "stroke count", "current heart rate (bpm)", "drag factor",
                        "current pace (/500m)"),
    "hero": strokes("stroke #", "time", "distance", "split", "watts", "stroke rate",
                    "drag factor", "stroke length", "hr", "peak drive force (n)",
                    "average drive force (n)", "drive time", "recovery time",
                    "distance per stroke"),
    "boatcoach": Sheet(
        "Workout data\n",
        lettered(
            "DateTime", ("workoutType", lambda n: "JustRow"), ("intervalCount", lambda n: n // 5),
            ("restTime", lambda n: "0:00:00"), ("lastSplitTime", lambda n: "0:00:10.0"),
            ("workDistance", lambda n: 12 * n), ("splitAvg500MPace", lambda n: "0:02:00.0"),
            ("strokeCount", lambda n: n), ("strokeRate", lambda n: 24),
            ("currentHeartRate", lambda n: 130), ("strokePower", lambda n: 180),
            ("stroke500MPace", lambda n: "0:02:05"), ("strokeDriveTime", lambda n: 0.8),
            ("strokeLength", lambda n: 1.3), ("strokeAverageForce", lambda n: 90),
            ("strokePeakForce", lambda n: 150), ("dragFactor", lambda n: 120),
        ),
        dates=("DateTime",),
    ),
    "painsled": Sheet(
        "",
        {"stroke.REVISION": lambda n: "1"} | lettered(
            "stroke.driveStartMs", ("stroke.startWorkoutMeter", lambda n: 12 * n),
            ("stroke.strokeNumber", lambda n: n), ("stroke.driveMs", lambda n: 800),
            ("stroke.slideMs", lambda n: 1700), ("stroke.strokeMeters", lambda n: 12),
            ("stroke.paceSecPer1k", lambda n: 250), ("stroke.strokesPerMin", lambda n: 24),
            ("stroke.watts", lambda n: 180), ("stroke.hrBpm", lambda n: 130),
            ("stroke.dragFactor", lambda n: 120), ("stroke.driveMeters", lambda n: 1.3),
            ("stroke.calorieCounter", lambda n: n),
        ),
        dates=("stroke.driveStartMs",),
    ),
    "rowpro": Sheet(
        "RowfileId\n\nDate,TotalTime\n01/12/2016 19:23:00,36000\n\n"
        "Type,Time,Distance,AvgPace\n1,36000,144,120\n\n",
        {"Time": lambda n: str(3000 * n), "Distance": lambda n: str(12 * n),
         "Pace": lambda n: "0.25", "Watts": lambda n: "180", "Cals": lambda n: "1",
         "SPM": lambda n: "24", "HR": lambda n: "130"},
    ),
    "rowpro's intervals": Sheet(
        "RowfileId\n\nDate,TotalTime\n01/12/2016 19:23:00,36000\n\n",
        {"Type": lambda n: str(n % 2), "Time": lambda n: "3000", "Distance": lambda n: "12",
         "AvgPace": lambda n: "120", "AvgWatts": lambda n: "180",
         "Cals of it": lambda n: "31.4", "SPM of it": lambda n: "24", "EndHR": lambda n: "151"},
        "\nTime,Distance,Pace,Watts,Cals,SPM,HR\n"
        + "".join(f"{3000 - 9 * n},9,0.25,180,1,24,130\n" for n in range(6)),
    ),
    "speedcoach": Sheet(
        "Session Information:\nStart Time:,11/14/16 07:38am\n\nPer-Stroke Data:\n"
        "Interval,Elapsed Time,Distance (GPS),Distance (IMP),Stroke Rate,Heart Rate,Power,"
        "Split (GPS),Distance/Stroke (GPS),Work,Force Avg,Force Max\n(#)\n",
        {"Interval": lambda n: "1", "Elapsed Time": lambda n: f"00:{3 * n:02d}.0",
         "Distance (GPS)": lambda n: str(12 * n), "Distance (IMP)": lambda n: "0",
         "Stroke Rate": lambda n: "24", "Heart Rate": lambda n: "130", "Power": lambda n: "180",
         "Split (GPS)": lambda n: "02:05.0", "Distance/Stroke (GPS)": lambda n: "9.6",
         "Work": lambda n: "430", "Force Avg": lambda n: "250", "Force Max": lambda n: "460"},
        titled=False,
    ),
    "speedcoach's intervals": Sheet(
        "Session Information:\n\nInterval Summaries:\nInterval,Total Distance (GPS),"
        "Total Elapsed Time,Total Strokes\n(#)\n",
        {"Interval": str, "Total Distance (GPS)": lambda n: "12",
         "Total Elapsed Time": lambda n: "00:03.0", "Total Strokes": lambda n: "24"},
        "\nPer-Stroke Data:\nInterval,Elapsed Time,Distance (GPS)\n(#)\n1,00:02.0,8\n",
        titled=False,
    ),
    "season": Sheet(
        "",
        {"Date": lambda n: f"2026-01-{n:02d} 03:04:05", "Description": lambda n: "a row",
         "Work Time (Seconds)": lambda n: "480", "Rest Time (Seconds)": lambda n: "60",
         "Work Distance": lambda n: "2000", "Rest Distance": lambda n: "100",
         "Stroke Rate/Cadence": lambda n: "24", "Stroke Count": lambda n: "190",
         "Avg Watts": lambda n: "202", "Cal/Hour": lambda n: "997", "Total Cal": lambda n: "133",
         "Avg Heart Rate": lambda n: "151", "Drag Factor": lambda n: "120"},
        dates=("Date",),
    ),
    "strokes": Sheet(
        "",
        {"source": lambda n: "rower", "number": str, "t_s": lambda n: str(3 * n),
         "stroke_rate_spm": lambda n: "24", "power_w": lambda n: "180",
         "distance_m": lambda n: "9.5", "total_distance_m": lambda n: str(12 * n),
         "drive_s": lambda n: "0.8", "recovery_s": lambda n: "1.7",
         "drive_length_m": lambda n: "1.3", "work_j": lambda n: "430",
         "peak_force_n": lambda n: "460", "mean_force_n": lambda n: "250",
         "inferred": lambda n: "0"},
    ),
    "heart rates": Sheet(
        "",
        {"source": lambda n: "strap", "t_s": str, "heart_rate_bpm": lambda n: "120",
         "rr_ms": lambda n: "500 501", "contact": lambda n: "1"},
    ),
    "RR by second": Sheet(
        "", {"t_s": str, "hr": lambda n: "120", "rr_ms": lambda n: "500 501"}
    ),
    "RR intervals": Sheet("", {"rr_ms": lambda n: str(500 + n)}),
}  # fmt: skip
UNREAD = {
    "stroke.REVISION", "SPM of it", "workoutType", "Cals", "AvgPace", "AvgWatts", "Description",
    "inferred", "source", "contact",
}  # fmt: skip
"""Columns of which nothing is made."""
NUMBERED = {("speedcoach's intervals", "Interval")}
"""Numbers of rows, of which nothing is made either."""

CASES = [
    (name, column)
    for name, sheet in SHEETS.items()
    for column in sheet.columns
    if column not in UNREAD and (name, column) not in NUMBERED
]


def outcome(name: str, content: bytes) -> list[Workout] | str:
    """What is read of a file, or why it is refused."""
    try:
        return imports.read(name, content)
    except ImportFault as fault:
        return str(fault)


def figures(workout: Workout) -> Iterator[float]:
    for point in workout.points:
        yield from (figure for figure in point if isinstance(figure, int | float))
        yield from point.rr_ms or ()
    for lap in workout.laps:
        yield from (lap.seconds, lap.metres or 0.0, lap.start_s or 0.0)
        yield from (figure for figure in lap.said.values() if isinstance(figure, int | float))
    yield from (figure for figure in workout.said.values() if isinstance(figure, int | float))


def told_or_refused(found: list[Workout] | str, place: int, counted: str) -> bool:
    """Whether the place of what is no figure was told; what came in is checked to be finite."""
    if isinstance(found, str):
        assert re.search(r"\b(line|trackpoint|record|lap|piece) \d", found), found
        assert found.endswith(".")
        return re.search(rf"\b{counted} {place}\b", found) is not None or "piece" in found
    assert all(
        math.isfinite(figure) and abs(figure) < 1e9 for one in found for figure in figures(one)
    )
    return any(
        place in told.lines and told.counted == counted for one in found for told in one.left_out
    )


@pytest.mark.parametrize(("name", "column"), CASES)
def test_a_cell_that_is_no_figure_is_told_or_refuses_the_file(name: str, column: str) -> None:
    sheet = SHEETS[name]
    for cell in ABSURD_DATES if column in sheet.dates else NONE_OF_THEM:
        found = outcome("a.csv", sheet.text(column, cell).encode())
        assert told_or_refused(found, sheet.line, "line"), (cell, found)


@pytest.mark.parametrize(("name", "column"), CASES)
def test_a_cell_that_is_empty_is_not_told_of(name: str, column: str) -> None:
    """But where its row cannot be placed without it."""
    sheet = SHEETS[name]
    for cell in EMPTY:
        found = outcome("a.csv", sheet.text(column, cell).encode())
        assert isinstance(found, list) or "RowPro" in found, (cell, found)
        assert {told.row for one in found if isinstance(one, Workout) for told in one.left_out} <= {
            "row"
        }, (cell, found)


@pytest.mark.parametrize("name", SHEETS)
def test_a_file_in_which_all_is_well_tells_of_nothing(name: str) -> None:
    found = outcome("a.csv", SHEETS[name].text().encode())
    assert isinstance(found, list), found
    assert [str(told) for one in found for told in one.left_out] == []
    assert sum(len(one.points) for one in found) >= ROWS


@pytest.mark.parametrize(
    ("name", "date"),
    [("rowpro", "01/12/1066 19:23:00"), ("rowpro", "nan"), ("rowpro", "13/13/2016 19:23:00"),
     ("speedcoach", "abc"), ("speedcoach", "99/99/16 07:38am")],
)  # fmt: skip
def test_a_date_of_the_whole_file_that_is_none_is_told(name: str, date: str) -> None:
    text = re.sub(r"01/12/2016 19:23:00|11/14/16 07:38am", date, SHEETS[name].text())
    (workout,) = imports.read("a.csv", text.encode())
    assert workout.started_at is None
    (told,) = workout.left_out
    assert "as its date, which is not believed." in str(told)


@pytest.mark.parametrize("stamp", ["100", "946684799"])  # in 1970, and a year before 2001
def test_stamps_of_a_clock_that_was_never_set_are_told(stamp: str) -> None:
    text = SHEETS["rowingdata"].text("timestamp (sec)", stamp, row=1)
    (workout,) = imports.read("a.csv", text.encode())
    believed = stamp != "100"
    assert (workout.started_at is not None) is believed
    assert [told.row for told in workout.left_out] == ([] if believed else ["date"])


def tcx(point: str = "", lap: str = "", start: str = "2026-01-01T00:00:00Z") -> bytes:
    """Two laps of ten points; `point` is in the seventh point, `lap` in the first lap."""

    def points(first: int) -> str:
        return "".join(
            f"<Trackpoint><Time>2026-01-01T00:00:{3 * n:02d}Z</Time>"
            f"<DistanceMeters>{12 * n}</DistanceMeters>{point if n == CHANGED else ''}</Trackpoint>"
            for n in range(first, first + 10)
        )

    return (
        "<TrainingCenterDatabase><Activities><Activity>"
        f'<Lap StartTime="{start}"><TotalTimeSeconds>30</TotalTimeSeconds>{lap}'
        f"<Track>{points(0)}</Track></Lap>"
        '<Lap StartTime="2026-01-01T00:00:30Z"><TotalTimeSeconds>27</TotalTimeSeconds>'
        f"<Track>{points(10)}</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
    ).encode()


TCX_POINT = [
    "<DistanceMeters>{}</DistanceMeters>",
    "<HeartRateBpm><Value>{}</Value></HeartRateBpm>",
    "<Cadence>{}</Cadence>",
    "<Extensions><TPX><Watts>{}</Watts></TPX></Extensions>",
    "<Extensions><TPX><Speed>{}</Speed></TPX></Extensions>",
]


@pytest.mark.parametrize("element", TCX_POINT)
def test_a_figure_of_a_trackpoint_that_is_none_is_told(element: str) -> None:
    for figure in (*NONE_OF_THEM, "99999999999"):
        found = outcome("a.tcx", tcx(element.format(figure)))
        assert told_or_refused(found, CHANGED + 1, "trackpoint"), (figure, found)
    (workout,) = imports.read("a.tcx", tcx(element.format("")))
    assert workout.left_out == ()


@pytest.mark.parametrize("date", ABSURD_DATES)
def test_a_trackpoint_at_no_time_is_told(date: str) -> None:
    found = outcome("a.tcx", tcx(f"<Time>{date}</Time>"))
    assert told_or_refused(found, CHANGED + 1, "trackpoint"), found
    found = outcome("a.tcx", tcx(start=date))
    if isinstance(found, list):
        assert [told.counted for told in found[0].left_out] == ["lap"]
        assert re.search(r'start (that says "|of a piece beyond)', str(found[0].left_out[0]))
    else:
        assert "since the start, which no workout reaches" in found


@pytest.mark.parametrize("name", ["TotalTimeSeconds", "DistanceMeters", "Calories"])
def test_a_figure_of_a_lap_that_is_none_is_told(name: str) -> None:
    for figure in NONE_OF_THEM:
        found = outcome("a.tcx", tcx(lap=f"<{name}>{figure}</{name}>"))
        assert told_or_refused(found, 1, "lap"), (figure, found)


def fit_of(change: Callable[[FitWriter], list[Field]], where: int = RECORD) -> bytes:
    """Twelve records of three seconds and two laps; `change` adds fields to one message."""
    writer = FitWriter()
    begun = 1_136_000_000
    for n in range(1, ROWS + 1):
        fields = [Field(TIMESTAMP, UINT32, begun + 3 * n), Field(5, UINT32, 1200 * n)]
        if (where, n) == (RECORD, CHANGED):
            added = change(writer)
            fields = [one for one in fields if one.number not in {a.number for a in added}] + added
        writer.message(RECORD, fields)
    if where == HRV:
        writer.message(HRV, change(writer))
    for lap in range(2):
        at, fields = begun + 18 * lap, [Field(23, ENUM, 0)]
        fields += [Field(2, UINT32, at), Field(7, UINT32, 18_000), Field(9, UINT32, 7200)]
        if where == LAP and not lap:
            added = change(writer)
            fields = [one for one in fields if one.number not in {a.number for a in added}] + added
        writer.message(LAP, fields)
    writer.message(
        SESSION,
        [Field(TIMESTAMP, UINT32, begun + 36), *(change(writer) if where == SESSION else [])],
    )
    return writer.content()


NOT_THERE = struct.unpack("<d", b"\xff" * 8)[0]
"""FIT's own word for nothing among floating-point numbers."""


@pytest.mark.parametrize("name", sorted(fit._FIELDS))
def test_a_float_of_a_record_that_is_none_is_told(name: str) -> None:
    for figure in (math.nan, math.inf, -math.inf, 1e38, -5.0):
        for base in (FLOAT64, FLOAT32):

            def own(writer: FitWriter, figure: float = figure, base: object = base) -> list[Field]:
                return [writer.own(name, base, figure)]  # type: ignore[arg-type]

            found = outcome("a.fit", fit_of(own))
            assert told_or_refused(found, CHANGED, "record"), (figure, found)
    (workout,) = imports.read(
        "a.fit", fit_of(lambda writer: [writer.own(name, FLOAT64, NOT_THERE)])
    )
    assert workout.left_out == ()


NATIVE = [
    ("distance", [Field(5, UINT32, 0xFFFFFFF0)], [Field(5, UINT32, b"\xff" * 4)]),
    ("speed", [Field(73, UINT32, 0xFFFFFFF0)], [Field(73, UINT32, b"\xff" * 4)]),
    ("power", [Field(7, UINT16, 65_000)], [Field(7, UINT16, b"\xff" * 2)]),
    ("timestamp", [Field(TIMESTAMP, UINT32, 5)], None),
    ("no timestamp", [Field(TIMESTAMP, UINT32, b"\xff" * 4)], None),
    ("nothing at all", [], [Field(3, UINT8, b"\xff")]),
]


@pytest.mark.parametrize(("what", "fields", "silent"), NATIVE, ids=[what for what, *_ in NATIVE])
def test_a_native_figure_beyond_all_rowing_is_told(
    what: str, fields: list[Field], silent: list[Field] | None
) -> None:
    if fields:
        found = outcome("a.fit", fit_of(lambda _: fields))
        if what == "timestamp":  # it is the first then, and all others are beyond
            assert "since the start, which no workout reaches" in str(found)
        else:
            assert told_or_refused(found, CHANGED, "record"), found
    if silent is not None:
        (workout,) = imports.read("a.fit", fit_of(lambda _: silent))
        assert workout.left_out == ()


@pytest.mark.parametrize(
    ("where", "fields", "told"),
    [(LAP, [Field(7, UINT32, 4_000_000_000)], "1 figure of time of a piece beyond 604,800"),
     (LAP, [Field(9, UINT32, 4_000_000_000)], "1 figure of metres of a piece beyond 1,000,000"),
     (HRV, [Field(0, UINT16, struct.pack("<5H", 400, 60_000, 0xFFFF, 0xFFFF, 410))],
      "1 figure of RR interval beyond 10,000")],
)  # fmt: skip
def test_a_figure_of_other_messages_is_told(where: int, fields: list[Field], told: str) -> None:
    (workout,) = imports.read("a.fit", fit_of(lambda _: fields, where))
    assert [str(each).split(" was")[0] for each in workout.left_out] == [told]


def test_what_rowlog_wrote_itself_is_judged_too() -> None:
    def own(writer: FitWriter) -> list[Field]:
        return [writer.own("started_at", STRING, "2026-01-01T00:00:00+00:00"),
                writer.own("mean_power_w", FLOAT64, math.inf)]  # fmt: skip

    (workout,) = imports.read("a.fit", fit_of(own, SESSION))
    assert 'of mean power w that says "inf" was left out: session 1.' in str(workout.left_out[-1])
    assert "mean_power_w" not in workout.said


def test_what_is_told_is_told_everywhere_alike(tmp_path: Path) -> None:
    """By the command, its look and its JSON; and kept in the session's note."""
    file, database = tmp_path / "a.csv", tmp_path / "i.db"
    text = SHEETS["rowingdata"].text("hrcur (bpm)", "inf").splitlines()
    text[3] = text[3].replace("133", "nan")
    file.write_text("\n".join(text))
    sentence = '2 cells of heart rate that say "nan" and "inf" were left out: lines 4 and 8.'
    assert sentence in run("import", "--dry-run", file, "--db", database).stdout
    look = json.loads(run("import", "--dry-run", "--json", file, "--db", database).stdout)
    assert run("import", file, "--db", database).stdout == f"a.csv: session 1.\n  {sentence}\n"
    done = json.loads(run("import", "--json", file, "--db", tmp_path / "j.db").stdout)
    assert look[0]["workouts"][0]["left_out"] == done[0]["left_out"]
    assert done[0]["left_out"][0]["lines"] == [4, 8]
    shown = run("show", "1", "--db", database).stdout
    assert "2 cells of heart rate that say" in shown


def test_every_kind_of_figure_has_bounds() -> None:
    assert {field for field, _ in stroke_csv.COLUMNS.values()} <= set(KINDS)
    assert all(kind.least < kind.most < 1e10 for kind in KINDS.values())
