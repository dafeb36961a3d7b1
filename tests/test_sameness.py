"""One workout that comes in twice is known as one and merged into one; two workouts stay two."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sameness import Strokes, Telling, measure, told
from rowlog.editing import undo
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.importing import Imported, import_files
from rowlog.merging import merge_sessions
from rowlog.sameness import Course, Same, course, same, sketch
from rowlog.summary import Summary, load
from tests.support import ROOT, run

BEGAN = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


def strokes(
    seed: int, seconds: float = 1200.0, *, stop_s: float = 0.0
) -> list[tuple[float, float]]:
    """Strokes of 2.5 s and 10 m as somebody takes them, a stop half way, from 5 s on."""
    random = Random(seed)
    found: list[tuple[float, float]] = []
    t_s, metres = 5.0, 0.0
    while t_s < seconds + stop_s:
        found.append((t_s, metres))
        if stop_s and t_s > seconds / 2 and found[-2][0] <= seconds / 2:
            t_s += stop_s
        t_s += 2.5 + random.gauss(0, 0.05)
        metres += 10.0 + random.gauss(0, 0.2)
    return found


def known(found: Strokes, telling: Telling = "as heard", since_s: float = 0.0) -> Course:
    made = told(found, telling, since_s)
    assert made is not None
    return made


def compared(one: Strokes, other: Strokes, telling: Telling, since_s: float = 0.0) -> Same | None:
    return same(known(one), known(other, telling, since_s))


@pytest.mark.parametrize("telling", ["as heard", "tenths", "whole", "a second"])
def test_a_workout_told_in_another_way_is_known_again_and_laid_over(telling: Telling) -> None:
    """The other file's clock began 17.25 s earlier, so all stands as much earlier on this one's."""
    for seed in range(5):
        found = compared(strokes(seed), strokes(seed), telling, 17.25)
        assert found is not None
        cut_off_s = 0.5 if telling == "whole" else 0.0  # half a second and half a metre, at 4 m/s
        assert found.later_s == pytest.approx(-17.25 + cut_off_s, abs=0.25)
        assert (found.strokes > 400) == (telling != "a second")
        assert compared(strokes(seed), strokes(seed + 100), telling) is None


def test_how_often_it_errs_over_simulated_sessions() -> None:
    """Two monitors of the same strokes; and the same plan once more, pieces within 0.5 and 1 %.

    `python -m benchmarks.sameness` compares more of them, and longer ones.
    """
    found = measure(4, kinds=("2k", "8x500m"), varied=(0.005, 0.01))
    assert {what for what, *_ in found} == {"one", "two", "part", "part of another"}
    assert sum(count for _, count in found.values()) == 32 + 48
    assert [key for key, (wrong, _) in found.items() if wrong] == []


def test_a_clock_that_stands_while_nobody_rows_does_not_hide_a_workout() -> None:
    """A machine's own time leaves the stop of 60 s out; that of who listens does not."""
    whole = strokes(3, stop_s=60.0)
    stopped = [(t_s if t_s < 630 else t_s - 60.0, metres) for t_s, metres in whole]
    assert compared(whole, stopped, "tenths") is not None
    assert compared(whole, stopped, "a second") is None  # without strokes that is too little


def test_metres_before_the_first_stroke_may_be_counted_or_not() -> None:
    late = [(t_s, metres + 9.0) for t_s, metres in strokes(4)]
    assert compared(strokes(4), late, "tenths") is not None
    further = [(t_s, metres * 1.02) for t_s, metres in strokes(4)]
    assert compared(strokes(4), further, "tenths") is None


def test_hearts_that_beat_apart_are_not_one() -> None:
    beats = [(float(t_s), 120 + t_s // 30) for t_s in range(0, 1200, 2)]
    mine = course(strokes(5), beats, by_stroke=True)
    assert mine is not None
    for more_bpm, one in ((1, True), (12, False)):
        another = course(strokes(5), [(t, bpm + more_bpm) for t, bpm in beats], by_stroke=True)
        assert another is not None
        assert (same(mine, another) is not None) == one


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.sampled_from([0.0, 0.0, 3.0, 10.0, 1000.0])),
        min_size=60,
        max_size=150,
    ),
    st.floats(0, 1e4),
)
def test_anything_is_like_itself_or_cannot_be_compared(
    steps: list[tuple[float, float]], first_m: float
) -> None:
    t_s, metres, points = 0.0, first_m, []
    for took_s, rowed_m in steps:
        t_s, metres = t_s + took_s, metres + rowed_m
        points.append((t_s, metres))
    for by_stroke in (True, False):
        found = course(points, by_stroke=by_stroke)
        if found is None:
            continue
        assert not sketch(found).unlike(sketch(found))
        match = same(found, found)
        assert match is None or match.later_s == pytest.approx(0, abs=1e-6)


def test_too_little_is_no_course() -> None:
    assert course(strokes(6, 90.0), by_stroke=True) is None  # 34 strokes
    assert course([(t_s, None) for t_s, _ in strokes(6)], by_stroke=True) is None


# Files


def stamped(began: datetime) -> str:
    return f"{began:%Y-%m-%d %H:%M:%S} +00:00\n"


def ergdata(found: Strokes, began: datetime | None, *, beats: bool = False) -> bytes:
    """A row a stroke in tenths, without laps."""
    head = '"Stroke Number","Time (seconds)","Distance (meters)","Stroke Rate","Heart Rate"'
    rows = [
        f"{k},{t_s:.1f},{metres:.1f},24,{120 + k // 20 if beats else ''}"
        for k, (t_s, metres) in enumerate(found, 1)
    ]
    above = stamped(began) if began is not None else ""
    return (above + "\n".join([head, *rows])).encode()


def laps(found: Strokes, began: datetime) -> bytes:
    """A row a stroke in whole seconds and tenths of metres, in four laps, with what drives were."""
    head = (
        "TimeStamp (sec),lapIdx,Horizontal (meters),Cadence (stokes/min),Power (watts),"
        "DriveTime (ms),DriveLength (meters),StrokeDistance (meters)"
    )
    since = began.timestamp()
    rows = [
        f"{int(since + t_s)},{4 * k // len(found)},{metres:.1f},24,180,800,1.35,10.0"
        for k, (t_s, metres) in enumerate(found)
    ]
    return "\n".join([head, *rows]).encode()


def taken_in(folder: Path, *contents: bytes) -> list[Imported]:
    """Files taken in one after the other."""
    return list(_taken_in(folder, contents))


def _taken_in(folder: Path, contents: Sequence[bytes]) -> Iterator[Imported]:
    for place, content in enumerate(contents):
        (folder / f"{place}.csv").write_bytes(content)
        yield from import_files(folder / "i.db", [folder / f"{place}.csv"])


CLOCKS = [
    # (how much earlier the other clock is, whether the same strokes are known in spite of it)
    ("right", timedelta(), True),
    ("summer time", timedelta(hours=1), True),
    ("Kathmandu", timedelta(hours=5, minutes=45), True),
    ("the other side of the date line", timedelta(hours=-24), True),
    ("set by hand", timedelta(hours=2, minutes=3), True),
    ("a monitor's that was never set", timedelta(days=9000), True),
]


@pytest.mark.parametrize(("what", "earlier", "known_again"), CLOCKS, ids=[c[0] for c in CLOCKS])
def test_a_workout_is_known_whatever_its_clock_says(
    what: str, earlier: timedelta, known_again: bool, tmp_path: Path
) -> None:
    found = strokes(7)
    first, again = taken_in(tmp_path, ergdata(found, BEGAN), laps(found, BEGAN - earlier))
    assert first.same == ()
    assert [twin.session for twin in again.same] == [1] * known_again
    # 5 s in, the first stroke has the first row of both; that one's clock began with it
    clock_s = again.same[0].clock_s
    assert clock_s == pytest.approx(-earlier.total_seconds(), abs=1.1)


def test_another_row_of_the_same_plan_is_no_twin(tmp_path: Path) -> None:
    """Yesterday's at the same time, today's again an hour later, and one right beside."""
    days = [(11, timedelta(days=1)), (12, timedelta(hours=-1)), (13, timedelta())]
    done = taken_in(
        tmp_path,
        ergdata(strokes(10), BEGAN),
        *(ergdata(strokes(seed), BEGAN - earlier) for seed, earlier in days),
    )
    assert [one.same for one in done] == [()] * 4
    assert [one.overlaps for one in done] == [(), (), (), (1,)]


def test_few_strokes_are_known_by_a_clock_that_can_be_of_their_time_alone(tmp_path: Path) -> None:
    found = strokes(14, 200.0)  # 78 strokes
    done = taken_in(
        tmp_path,
        ergdata(found, BEGAN),
        laps(found, BEGAN - timedelta(minutes=45)),
        laps(found, BEGAN - timedelta(minutes=52)),
        ergdata(found, None),
    )
    assert [[twin.session for twin in one.same] for one in done] == [[], [1], [], []]


def test_a_file_without_a_start_is_known_by_many_strokes(tmp_path: Path) -> None:
    _, again = taken_in(tmp_path, laps(strokes(15), BEGAN), ergdata(strokes(15), None))
    assert [(twin.session, twin.clock_s) for twin in again.same] == [(1, None)]


def test_the_command_says_so_and_offers_to_merge_or_leave(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(ergdata(strokes(16), BEGAN))
    (tmp_path / "b.csv").write_bytes(laps(strokes(16), BEGAN + timedelta(hours=1)))
    database = tmp_path / "i.db"
    run("import", tmp_path / "a.csv", "--db", database)
    said = run("import", tmp_path / "b.csv", "--db", database).stdout
    assert said.splitlines() == [
        "b.csv: session 2.",
        "  Session 1 is the same workout; its clock is 1 h behind.",
        f"  To make one of both: rowlog edit merge 1 2 --db {database}",
        f"  To leave this one out: rowlog edit delete 2 --db {database}",
    ]
    made = run("edit", "merge", "1", "2", "--db", database)
    assert made.stdout == "Sessions 1 and 2 are session 3 now. Clock and rowing are session 2's.\n"
    (tmp_path / "c.csv").write_bytes(ergdata(strokes(16), BEGAN, beats=True))
    told_json = json.loads(run("import", tmp_path / "c.csv", "--db", database, "--json").stdout)
    (twin,) = told_json[0]["same"]
    assert twin["session"] == 3
    assert twin["clock_s"] == pytest.approx(-3600, abs=1)


FIGURES = ("distance_m", "work_distance_m", "work_s", "stroke_count", "mean_pace_s_per_500m")


def same_rowing(one: Summary, other: Summary) -> bool:
    return all(getattr(one.session, name) == getattr(other.session, name) for name in FIGURES)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_merging_takes_the_richer_one_and_what_the_other_adds(
    order: tuple[int, int], tmp_path: Path
) -> None:
    """Laps and drives on the one side, the heart on the other, whose clock is two hours off."""
    found = strokes(17)
    contents = [
        laps(found, BEGAN),
        ergdata(found, BEGAN - timedelta(hours=2), beats=True),
    ]
    taken_in(tmp_path, *(contents[place] for place in order))
    database = tmp_path / "i.db"
    rich, heart = (load(database, order.index(place) + 1) for place in (0, 1))
    assert (len(rich.segments), rich.session.mean_heart_rate_bpm) == (4, None)
    made = merge_sessions(database, [1, 2])
    assert (made.rowing, made.told_twice) == (rich.session.id, (heart.session.id,))
    whole = load(database, made.session)
    assert same_rowing(whole, rich)
    assert [s.stroke_count for s in whole.segments] == [s.stroke_count for s in rich.segments]
    assert [s.duration_s for s in whole.segments] == [s.duration_s for s in rich.segments]
    assert whole.session.started_at == rich.session.started_at
    for figure in ("mean_heart_rate_bpm", "max_heart_rate_bpm", "min_heart_rate_bpm"):
        wanted = getattr(heart.session, figure)
        assert getattr(whole.session, figure) == pytest.approx(wanted, abs=0.1), figure
    rising = [segment.mean_heart_rate_bpm or 0.0 for segment in whole.segments]
    assert rising == sorted(rising)  # a beat every 50 s: each where it was rowed
    undo(database, None)
    assert same_rowing(load(database, rich.session.id), rich)


def test_laps_of_the_other_file_cut_the_rowing_that_has_none(tmp_path: Path) -> None:
    """The file with laps knows nothing of the strokes but when they were."""
    found = strokes(18)
    bare = laps(found, BEGAN).replace(b"DriveTime", b"x").replace(b"DriveLength", b"y")
    rows = bare.replace(b"Power", b"z").replace(b"StrokeDistance", b"w")
    fuller = laps(found, BEGAN + timedelta(hours=1)).replace(b"lapIdx", b"x")
    taken_in(tmp_path, fuller, rows)
    database = tmp_path / "i.db"
    one, four = load(database, 1), load(database, 2)
    assert (len(one.segments), len(four.segments)) == (1, 4)
    made = merge_sessions(database, [1, 2])
    whole = load(database, made.session)
    assert len(whole.segments) == 4
    assert whole.session.distance_m == pytest.approx(one.session.distance_m, abs=0.1)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    "names",
    [
        ("testdata.csv", "testdata_export.fit"),
        ("painsled_desktop_example.csv", "painsled_out_data.csv"),
    ],
)
def test_strangers_files_of_one_workout_merge_to_the_richer_of_them(
    names: tuple[str, str], order: tuple[int, int], captures: Path, tmp_path: Path
) -> None:
    """The first of each pair says more: four laps, or a second's parts and the drag factor."""
    database = tmp_path / "i.db"
    ordered = [captures / "rowingdata" / names[place] for place in order]
    first, again = import_files(database, ordered)
    assert (first.same, [twin.session for twin in again.same]) == ((), [1])
    richer = order.index(0) + 1
    made = merge_sessions(database, [1, 2])
    assert made.rowing == richer
    was, now = load(database, richer), load(database, made.session)
    assert now.session._replace(id=richer) == was.session
    assert now.segments == was.segments
    assert (now.quality, now.splits) == (was.quality, was.splits)


def test_an_own_recording_keeps_its_rowing_and_gets_the_heart_of_a_file(tmp_path: Path) -> None:
    """The same strokes as rowingdata has them, with the strap, by a clock two hours ahead."""
    text = (ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames").read_text()
    began = re.search(r"# started_at: (\S+)", text)
    assert began is not None
    later = datetime.fromisoformat(began[1]) + timedelta(hours=2)
    (tmp_path / "both.frames").write_text(text.replace(began[1], later.isoformat()))
    (tmp_path / "own.frames").write_text(
        "\n".join(line for line in text.splitlines() if " strap " not in line) + "\n"
    )
    import_files(tmp_path / "other.db", [tmp_path / "both.frames"])
    rowingdata = named("rowingdata")
    assert rowingdata is not None
    export(tmp_path / "other.db", [1], tmp_path / "out.csv", rowingdata, folder=False)
    database = tmp_path / "i.db"
    _, again = import_files(database, [tmp_path / "own.frames", tmp_path / "out.csv"])
    assert [twin.session for twin in again.same] == [1]
    assert again.same[0].clock_s == pytest.approx(7200, abs=1)
    own, file = load(database, 1), load(database, 2)
    made = merge_sessions(database, [1, 2])
    assert (made.rowing, made.told_twice) == (1, (2,))
    whole = load(database, made.session)
    assert same_rowing(whole, own)
    assert own.session.mean_heart_rate_bpm is None
    assert whole.session.max_heart_rate_bpm == file.session.max_heart_rate_bpm
    assert [(s.kind, s.duration_s) for s in whole.segments] == [
        (s.kind, s.duration_s) for s in own.segments
    ]


@pytest.mark.parametrize(
    "fixture", ["link_lost_1000m", "silent_machine_1000m", "calories_5x10cal_garbage"]
)
def test_what_rowlog_wrote_of_a_recording_is_known_in_every_format(
    fixture: str, tmp_path: Path
) -> None:
    """By a clock in Delhi; with strokes that nobody heard, gone in a gap or laid into it."""
    text = (ROOT / "fixtures" / "ftms" / f"{fixture}.frames").read_text()
    began = re.search(r"# started_at: (\S+)", text)
    assert began is not None
    later = datetime.fromisoformat(began[1]) + timedelta(hours=5, minutes=30)
    (tmp_path / "own.frames").write_text(text)
    (tmp_path / "later.frames").write_text(text.replace(began[1], later.isoformat()))
    import_files(tmp_path / "other.db", [tmp_path / "later.frames"])
    files = [tmp_path / "own.frames"]
    for name, suffix in (("rowingdata", "csv"), ("fit", "fit"), ("tcx", "tcx")):
        written = named(name)
        assert written is not None
        files.append(tmp_path / f"out.{suffix}")
        export(tmp_path / "other.db", [1], files[-1], written, folder=False)
    _, *exports = import_files(tmp_path / "i.db", files)
    assert [one.fault for one in exports] == [None] * 3
    for one in exports:
        assert one.same[0].session == 1
        assert one.same[0].clock_s == pytest.approx(19800, abs=1)


def test_two_recordings_of_one_rowing_are_laid_over_each_other(tmp_path: Path) -> None:
    """Two computers listened; the clock of one is an hour ahead."""
    text = (ROOT / "fixtures" / "ftms" / "piece_2000m.frames").read_text()
    began = re.search(r"# started_at: (\S+)", text)
    assert began is not None
    later = datetime.fromisoformat(began[1]) + timedelta(hours=1)
    (tmp_path / "own.frames").write_text(text)
    (tmp_path / "later.frames").write_text(text.replace(began[1], later.isoformat()))
    database = tmp_path / "i.db"
    _, again = import_files(database, [tmp_path / "own.frames", tmp_path / "later.frames"])
    assert [(twin.session, round(twin.clock_s or 0)) for twin in again.same] == [(1, 3600)]
    own = load(database, 1)
    made = merge_sessions(database, [1, 2])
    whole = load(database, made.session)
    assert same_rowing(whole, own)
    assert whole.session.duration_s == pytest.approx(own.session.duration_s, abs=0.1)
    assert whole.session.started_at == own.session.started_at
    assert [source.name for source in whole.session.sources] == [
        "rower", "strap", "rower2", "strap2",
    ]  # fmt: skip
