"""Strangers' files say after an import what the catalogue of captures states of each of them.

Means are of rows, as they are stated there; those of a session are weighted by time.
"""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import pytest

from rowlog import imports
from rowlog.contents import Contents, load_contents
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.importing import import_files
from rowlog.imports.workout import Point, Workout
from rowlog.resegment import resegment
from rowlog.summary import Summary, load


class Known(NamedTuple):
    """One file as it is read, and as it is once it is imported."""

    workout: Workout
    contents: Contents

    @property
    def summary(self) -> Summary:
        return self.contents.summary

    @property
    def strokes(self) -> list[Point]:
        return [point for point in self.workout.points if point.stroke is not None]

    @property
    def beats(self) -> list[int]:
        return [point.heart_rate_bpm for point in self.workout.points if point.heart_rate_bpm]

    def work(self, figure: str) -> list[float]:
        """A figure of every piece of work."""
        return [getattr(lap, figure) for lap in self.summary.segments if lap.kind == "work"]


@pytest.fixture(scope="module")
def known(captures: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Known]:
    files = [
        file for file in sorted((captures / "rowingdata").iterdir()) if file.suffix != ".json"
    ] + [captures / "goldencheetah" / "hrv_run_stryd_rr.csv"]
    database = tmp_path_factory.mktemp("catalogue") / "rowlog.db"
    done = import_files(database, files)
    assert [one.fault for one in done] == [None] * len(files)
    return {
        one.file.name: Known(
            imports.read(one.file.name, one.file.read_bytes())[0],
            load_contents(database, one.sessions[0]),
        )
        for one in done
    }


# (file, rows or strokes, metres, seconds, lowest and highest and mean heart rate)
STATED = [
    ("testdata.csv", 191, 2000, 540.0, (127, 156, 148.6)),
    ("testdata_export.fit", 191, 2000, 540.0, (127, 156, 148.6)),
    ("boatcoach_fixed_distance.csv", 498, 2000, 494.2, (116, 175, None)),
    ("RP_interval.csv", 1673, 19026, 5280, None),
    ("smartrow_intervals.csv", 739, 6979, 2339, (84, 135, None)),
    ("SpeedCoach2Link_interval.csv", 131, 1186.2, 300, None),
    ("ergdata_example.csv", 180, 1992, 523.9, (80, 141, 123.8)),
    ("ergstick2.csv", 308, 965, 298.9, (95, 128, None)),
    ("herodata.csv", 300, 3512.7, 897.9, (70, 171, 138.9)),
    ("painsled_desktop_example.csv", 661, 7118, 1843, (58, 163, 145.5)),
    ("painsled_out_data.csv", 661, 7118, 1843, (58, 163, 145.5)),
    ("recover.tcx", 41, 313.4, 92, None),
]


@pytest.mark.parametrize(("file", "rows", "metres", "seconds", "beats"), STATED)
def test_rows_metres_seconds_and_heart_rates(
    known: dict[str, Known],
    file: str,
    rows: int,
    metres: float,
    seconds: float,
    beats: tuple[float, float, float | None] | None,
) -> None:
    one = known[file]
    session = one.summary.session
    assert session.distance_m == pytest.approx(metres, abs=0.3)
    worked = session.work_s if file.startswith("boatcoach") else session.duration_s
    assert worked == pytest.approx(seconds, abs=0.1)
    if rows in (498, 308, 41):  # a row a second
        assert len({point.line for point in one.workout.points if point.line}) in (rows, 0)
        assert len(one.workout.points) in (rows, rows + 1)
    else:
        assert session.stroke_count == rows
    if beats is not None:
        assert (min(one.beats), max(one.beats)) == beats[:2]
        assert (session.min_heart_rate_bpm, session.max_heart_rate_bpm) == beats[:2]
        if beats[2] is not None:
            assert fmean(one.beats) == pytest.approx(beats[2], abs=0.051)
            assert session.mean_heart_rate_bpm == pytest.approx(beats[2], abs=1)


def test_what_the_programs_own_tests_assert(known: dict[str, Known], captures: Path) -> None:
    """From the first to the last row that has metres, cut off; their lap 1 likewise."""
    stated = json.loads((captures / "rowingdata" / "expected_totals.json").read_text())
    for row in stated:
        one, name = known[row["file"]], row["file"]
        metres = [p.distance_m for p in one.strokes if p.distance_m is not None]
        if name == "RP_interval.csv":
            assert len(one.strokes) == row["rows"]
            assert metres[-1] - metres[0] == pytest.approx(row["distance_m"], abs=20)
        elif name == "painsled_desktop_example.csv":
            assert len(one.strokes) == row["rows"]  # without those of somebody who waits
            assert math.floor(metres[-1] - metres[0]) == pytest.approx(row["distance_m"], abs=12)
        elif name == "SpeedCoach2Link_interval.csv":  # with a line of means below each interval
            assert len(one.strokes) == row["rows"] - 4
        elif name not in ("painsled_out_data.csv", "boatcoach_fixed_distance.csv"):
            assert len(one.workout.points) in (row["rows"], row["rows"] + 1)
        laps = len(one.work("duration_s"))
        assert laps == row["intervals"] or (name.startswith("painsled") and laps == 2)  # a pause


def test_painsled_and_the_fit_that_was_made_of_it_are_one_session(
    known: dict[str, Known], tmp_path: Path
) -> None:
    csv, fit = known["testdata.csv"], known["testdata_export.fit"]
    first_s = csv.strokes[0].t_s
    lengths = csv.work("duration_s")
    assert [lengths[0] - first_s, *lengths[1:]] == pytest.approx(
        [139.7, 130.1, 134.4, 132.8], abs=0.11
    )
    assert [int(metres) for metres in csv.work("distance_m")] == [510, 499, 498, 491]
    assert csv.summary.session.plan == "4x500m"
    drags = [point.drag_factor or 0 for point in csv.strokes]
    assert fmean(drags) == pytest.approx(104.4, abs=0.05)
    assert int(fmean([point.power_w or 0 for point in fit.strokes])) == 143
    assert sum(point.stroke_rate_spm is None for point in fit.strokes) == 1
    assert fit.workout.points[-1].t_s - fit.strokes[0].t_s == pytest.approx(537.242, abs=0.01)
    session, other = csv.summary.session, fit.summary.session
    assert (session.distance_m, session.stroke_count, session.energy_kcal) == (2000, 191, 118)
    assert (other.distance_m, other.stroke_count, other.energy_kcal) == (2000, 191, 118)
    assert session.drag_factor == other.drag_factor
    assert session.work_s == pytest.approx(other.work_s, abs=0.2)
    assert session.mean_power_w == pytest.approx(other.mean_power_w, abs=0.2)
    assert session.mean_heart_rate_bpm == pytest.approx(other.mean_heart_rate_bpm, abs=0.1)
    for stroke, again in zip(csv.strokes, fit.strokes, strict=True):
        assert stroke.t_s == pytest.approx(again.t_s, abs=1)  # stamped by whole seconds there
        assert (stroke.heart_rate_bpm, stroke.drive_s) == (again.heart_rate_bpm, again.drive_s)
        assert stroke.drive_length_m == pytest.approx(again.drive_length_m, abs=0.006)


def test_painsled_is_cut_anew_into_equal_distances(captures: Path, tmp_path: Path) -> None:
    database = tmp_path / "i.db"
    import_files(database, [captures / "rowingdata" / "testdata.csv"])
    resegment(database, 1, "500m + 500m + 500m + 500m")
    laps = load(database, 1, "500m + 500m + 500m + 500m").segments
    seconds = [lap.duration_s for lap in laps]
    # stated from the first stroke's end on, which was at 2.8 s
    assert [seconds[0] - 2.8, *seconds[1:]] == pytest.approx([137.0, 130.2, 134.8, 135.1], abs=0.3)
    assert sum(seconds) - 2.8 == pytest.approx(537.0, abs=0.3)


def test_boatcoach_counts_down_and_repeats_its_last_rows(known: dict[str, Known]) -> None:
    one = known["boatcoach_fixed_distance.csv"]
    assert one.work("duration_s") == pytest.approx([110.0, 113.8, 156.3, 114.1], abs=0.001)
    assert one.work("distance_m") == [500.0] * 4
    assert one.summary.session.stroke_count == 217
    times = [point.t_s for point in one.workout.points]
    rowed = [point for point in one.workout.points if point.distance_m is not None]
    after = one.workout.points[len(rowed) :]
    assert [point.heart_rate_bpm is not None for point in after] == [True] * len(after)
    assert len(after) >= 6
    assert times[-1] - times[-2] == pytest.approx(50, abs=2)
    assert max(rowed, key=lambda point: point.t_s).distance_m == 2000


def test_rowpro_has_its_intervals_in_a_footer(known: dict[str, Known]) -> None:
    one = known["RP_interval.csv"]
    assert one.summary.session.plan == "4x20:00/2:00r"
    assert [lap.kind for lap in one.summary.segments] == ["work", "rest"] * 4
    assert one.work("stroke_count") == [429, 414, 439, 391]
    assert one.work("distance_m") == pytest.approx([4956.1, 4869.5, 4875.1, 4325.4], abs=0.051)
    assert [round(bpm) for bpm in one.work("mean_heart_rate_bpm")] == [151, 162, 166, 143]
    assert one.work("end_heart_rate_bpm") == [169, 164, 173, 141]
    assert one.work("mean_stroke_rate_spm") == pytest.approx([21, 21, 22, 20], abs=0.51)
    assert one.work("energy_kcal") == pytest.approx([326, 315, 315, 250], abs=0.5)
    rests = [lap.duration_s for lap in one.summary.segments if lap.kind == "rest"]
    assert rests == pytest.approx([120] * 4)
    session = one.summary.session
    assert (session.work_s, session.rest_s) == pytest.approx((4800, 480))


def test_smartrow_has_three_bouts_that_no_column_tells(known: dict[str, Known]) -> None:
    """0 to 719, 812 to 1525 and 1620 to 2339 s; a bout ends or begins within a stroke of that."""
    one = known["smartrow_intervals.csv"]
    assert [str(told) for told in one.workout.left_out] == [
        "1 row without a time was left out: line 2."
    ]
    segments = one.summary.segments
    assert [lap.kind for lap in segments] == ["work", "rest", "work", "rest", "work"]
    starts, ends = [0, 812, 1620], [719, 1525, 2339]
    bouts = segments[::2]
    assert [lap.started_at_s for lap in bouts] == pytest.approx(starts, abs=5)
    assert [lap.started_at_s + lap.duration_s for lap in bouts] == pytest.approx(ends, abs=5)
    assert [lap.distance_m for lap in bouts] == pytest.approx([2302, 2287, 2307], abs=6)
    assert [lap.mean_heart_rate_bpm for lap in bouts] == pytest.approx(
        [116.6, 121.1, 126.2], abs=0.06
    )
    assert [lap.stroke_count for lap in segments[1::2]] == [2, 1]  # somebody who paddles


def test_speedcoach_has_five_minutes_and_no_heart(known: dict[str, Known]) -> None:
    one = known["SpeedCoach2Link_interval.csv"]
    assert one.summary.session.plan == "5x1:00"
    assert one.work("duration_s") == pytest.approx([60.0] * 5)
    assert one.work("distance_m") == pytest.approx([225.8, 230.5, 235.8, 243.0, 251.1])
    assert one.work("mean_stroke_rate_spm") == pytest.approx([24, 24, 26, 27, 29], abs=1.01)
    assert one.summary.session.stroke_count == 131
    assert one.summary.session.mean_heart_rate_bpm is None
    assert one.workout.left_out == ()
    assert [point.work_j for point in one.strokes[:2]] == [487, 371]


def test_ergdata_ergstick_and_hero(known: dict[str, Known]) -> None:
    erg = known["ergdata_example.csv"].strokes
    assert all(point.pace_s_per_500m for point in erg)  # though its head lacks a bracket
    stick = known["ergstick2.csv"]
    assert stick.summary.session.stroke_count == 89
    assert stick.workout.points[0].t_s == 2.1
    hero = known["herodata.csv"]
    assert hero.work("duration_s") == [pytest.approx(897.9)]
    assert hero.summary.session.drag_factor == 106


def test_both_files_of_painsled_are_one_session(known: dict[str, Known]) -> None:
    desktop, phone = (
        known[name] for name in ("painsled_desktop_example.csv", "painsled_out_data.csv")
    )
    session, other = desktop.summary.session, phone.summary.session
    for figure in ("distance_m", "work_s", "stroke_count", "max_heart_rate_bpm",
                   "min_heart_rate_bpm"):  # fmt: skip
        assert getattr(session, figure) == pytest.approx(getattr(other, figure), abs=0.01)
    assert session.mean_heart_rate_bpm == pytest.approx(other.mean_heart_rate_bpm, abs=0.1)
    assert session.mean_power_w == pytest.approx(other.mean_power_w, abs=0.01)
    assert len(desktop.strokes) == len(phone.strokes)
    for lap, again in zip(desktop.summary.segments, phone.summary.segments, strict=True):
        assert (lap.kind, lap.stroke_count) == (again.kind, again.stroke_count)
        assert lap.distance_m == pytest.approx(again.distance_m)
    assert (session.energy_kcal, other.energy_kcal) == (446, None)  # the phone does not say


def test_the_tcx_has_power_in_an_extension(known: dict[str, Known]) -> None:
    one = known["recover.tcx"]
    assert len(one.workout.points) == 41
    assert all(point.power_w is not None for point in one.workout.points[1:])
    assert one.summary.session.duration_s == pytest.approx(92, abs=0.05)


def test_a_run_has_its_heart_beats(known: dict[str, Known]) -> None:
    one = known["hrv_run_stryd_rr.csv"]
    beats = [rr for beat in one.contents.beats for rr in beat.rr_ms or ()]
    assert (len(beats), min(beats), max(beats)) == (9350, 407, 2709)
    assert sum(beats) / 1000 == pytest.approx(4241, abs=0.6)
    assert sum(abs(b - a) > 200 for a, b in pairwise(beats)) == 138
    assert sum(rr > 2000 for rr in beats) == 4
    assert (min(one.beats), max(one.beats)) == (94, 143)


@pytest.mark.parametrize(
    ("year", "rows", "intervals", "row"),
    [(2018, 157, 26, None), (2021, 277, 12, ((3, 1801.4, 7096, 22, 670, 122, 441),
                                            (276, 2544.1, 10000, 19, 818, 126, 624)))],
)  # fmt: skip
def test_seasons(
    captures: Path, year: int, rows: int, intervals: int, row: tuple[tuple[float, ...], ...] | None
) -> None:
    file = captures / "go_concept2" / f"concept2-season-{year}.csv"
    read = imports.read(file.name, file.read_bytes())
    said = [workout.summary for workout in read]
    assert len(read) == rows
    assert sum(one is not None and one.rest_s is not None for one in said) == intervals
    if year == 2021:
        beats = [one.heart_rate_bpm for one in said if one is not None and one.heart_rate_bpm]
        assert (len(beats), min(beats), max(beats)) == (226, 76, 186)
    for place, seconds, metres, rate, strokes, drag, kcal in row or ():
        one = said[int(place)]
        assert one is not None
        told = (one.time_s, one.distance_m, one.stroke_rate_spm, one.stroke_count,
                one.drag_factor, one.energy_kcal)  # fmt: skip
        assert told == (seconds, metres, rate, strokes, drag, kcal)
    for one in said:  # watts by the mean pace, calories an hour by the watts
        if one is not None and one.time_s and one.distance_m and one.power_w:
            watts = 2.8 * (one.distance_m / one.time_s) ** 3
            assert one.power_w == round(watts)
            assert one.energy_kcal_per_hour == math.floor(300 + 4 * 0.8604 * watts)


def test_rests_of_a_season_are_told_with_the_last_one(captures: Path) -> None:
    file = captures / "go_concept2" / "concept2-season-2018.csv"
    workouts = imports.read(file.name, file.read_bytes())
    equal = [w for w in workouts if w.plan is not None and "x" in w.plan]
    assert len(equal) > 5
    for workout in equal:
        assert workout.summary is not None
        count, _, rest = (workout.plan or "").replace("x", "/", 1).partition("/")
        minutes, seconds = rest.rsplit("/", 1)[-1].removesuffix("r").split(":")
        assert workout.summary.rest_s == int(count) * (60 * int(minutes) + int(seconds))


def test_what_came_in_can_be_written_as_rowingdata(known: dict[str, Known], tmp_path: Path) -> None:
    format_ = named("rowingdata")
    assert format_ is not None
    names = ("boatcoach_fixed_distance.csv", "smartrow_intervals.csv", "herodata.csv")
    rowed = [known[name].contents.session.id for name in names]
    database = known["testdata.csv"].contents.database
    out = export(database, rowed, tmp_path / "out", format_, folder=True)
    assert [one.why_not for one in out] == [None] * 3
    files = [one.file for one in out if one.file is not None]
    done = import_files(tmp_path / "again.db", files)
    for one, number in zip(done, rowed, strict=True):
        was, now = load(database, number), load(tmp_path / "again.db", one.sessions[0])
        assert len(now.segments) == len(was.segments)
        for lap, then in zip(now.segments, was.segments, strict=True):
            assert lap.duration_s == pytest.approx(then.duration_s, abs=0.01)
            assert lap.distance_m == pytest.approx(then.distance_m, abs=0.3)
            assert lap.max_heart_rate_bpm == then.max_heart_rate_bpm
