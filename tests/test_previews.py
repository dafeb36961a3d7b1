"""Looks into files before they are imported: the figures of the import, and nothing taken in."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import ANY

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog import imports, previewing
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.importing import import_files
from rowlog.importing_files import read_all
from rowlog.importing_sessions import parts_of
from rowlog.imports.workout import Workout
from rowlog.previewing import FilePreview, preview_files
from rowlog.previewing_workouts import WorkoutPreview, preview_of, preview_of_session
from rowlog.render import Style
from rowlog.render_imports import lines
from rowlog.render_previews import preview, previews
from rowlog.store_whole import Whole
from rowlog.summary import load
from tests.support import ROOT, run

FIXTURES = sorted((ROOT / "fixtures").glob("*/*.frames*"))
OF_ALL = (
    "duration_s", "distance_m", "stroke_count", "energy_kcal", "mean_heart_rate_bpm",
    "max_heart_rate_bpm",
)  # fmt: skip
OF_WORK = (
    "work_s", "rest_s", "work_distance_m", "rest_distance_m", "mean_pace_s_per_500m",
    "mean_power_w", "mean_stroke_rate_spm",
)  # fmt: skip
OF_PIECES = (
    "started_at_s", "duration_s", "distance_m", "stroke_count", "mean_pace_s_per_500m",
    "mean_power_w", "mean_stroke_rate_spm", "mean_heart_rate_bpm", "max_heart_rate_bpm",
)  # fmt: skip


def whole_of(name: str, content: bytes) -> tuple[list[Workout], list[Whole]]:
    """A file's workouts as they are read, and as they are once all is derived from them."""
    parts = parts_of(name, content, datetime.now(UTC), None, frozenset())
    return imports.read(name, content), [whole for part in parts for whole in part.wholes]


def alike(look: object, derived: object, names: tuple[str, ...]) -> None:
    for name in names:
        there = getattr(derived, name)
        wanted = there
        if isinstance(there, int | float):
            wanted = pytest.approx(there, abs=1e-5, rel=1e-9)
        assert getattr(look, name) == wanted, name


def same(look: WorkoutPreview, derived: WorkoutPreview) -> None:
    """The figures of a look are those of the import, the pieces' too where the file tells any."""
    alike(look, derived, OF_ALL)
    if look.pieces:
        alike(look, derived, OF_WORK)
        assert [(one.kind, one.activity) for one in look.pieces] == [
            (one.kind, one.activity) for one in derived.pieces
        ]
        for here, there in zip(look.pieces, derived.pieces, strict=True):
            alike(here, there, OF_PIECES)


@pytest.fixture(scope="module")
def tables(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Each session with strokes as RowingData CSV."""
    known, folder = named("rowingdata"), tmp_path_factory.mktemp("tables")
    assert known is not None
    out = export(recorded, [*range(1, len(FIXTURES) + 1)], folder, known, folder=True)
    return {one.session_id: one.file for one in out if one.file is not None}


def test_a_rowingdata_csv_keeps_pieces_and_rests(recorded: Path, tables: dict[int, Path]) -> None:
    """It knows no pause but a rest, and a stroke on an edge may be of either side."""
    for number, file in tables.items():
        (workout,) = imports.read(file.name, file.read_bytes())
        look, was = preview_of(workout), load(recorded, number)
        kinds = ["work" if one.kind == "work" else "rest" for one in was.segments]
        assert [one.kind for one in look.pieces] == kinds
        for now, then in zip(look.pieces, was.segments, strict=True):
            assert now.duration_s == pytest.approx(then.duration_s, abs=0.02)
            assert now.distance_m == pytest.approx(then.distance_m, abs=0.1)
            assert now.stroke_count == pytest.approx(then.stroke_count, abs=1)
            assert now.mean_heart_rate_bpm == pytest.approx(then.mean_heart_rate_bpm, abs=2)
            assert now.max_heart_rate_bpm == pytest.approx(then.max_heart_rate_bpm, abs=2)
        assert look.stroke_count == was.session.stroke_count
        assert look.work_s == pytest.approx(was.session.work_s, abs=0.05)
        assert look.work_distance_m == pytest.approx(was.session.work_distance_m, abs=0.2)
        assert look.started_at is not None
        began = datetime.fromisoformat(look.started_at)
        assert began == datetime.fromisoformat(was.session.started_at)


def test_a_look_tells_what_the_import_will(tables: dict[int, Path]) -> None:
    """Of files that tell of pieces by their rows alone; those of FIT and TCX: `test_imports`."""
    looks = []
    for file in tables.values():
        (workout,), (whole,) = whole_of(file.name, file.read_bytes())
        looks.append(preview_of(workout))
        same(looks[-1], preview_of_session(whole, workout.format))
    assert len(looks) == len(FIXTURES) - 1  # one has no strokes
    assert sum(len(look.pieces) > 1 for look in looks) >= 10


def test_a_look_into_strangers_files_tells_what_the_import_will(captures: Path) -> None:
    pieces = {}
    for file in sorted((captures / "rowingdata").iterdir()):
        if file.suffix in (".csv", ".tcx", ".fit"):
            (workout,), (whole,) = whole_of(file.name, file.read_bytes())
            look = preview_of(workout)
            same(look, preview_of_session(whole, workout.format))
            pieces[file.name] = len(look.pieces)
    assert len(pieces) == 12
    assert {name: count for name, count in pieces.items() if count} == {
        "RP_interval.csv": 8, "SpeedCoach2Link_interval.csv": 5, "testdata.csv": 4,
        "boatcoach_fixed_distance.csv": 4, "herodata.csv": 1,
    }  # fmt: skip


def test_a_season_is_told_by_its_rows(captures: Path) -> None:
    file = captures / "go_concept2" / "concept2-season-2018.csv"
    for workout, whole in zip(*whole_of(file.name, file.read_bytes()), strict=True):
        look = preview_of(workout)
        alike(look, preview_of_session(whole, "logbook"), (*OF_ALL, "work_s", "work_distance_m"))
        told = [piece.kind for piece in look.pieces]  # only of repetitions whose lengths vary
        assert told == (["work", "rest"] if (workout.note or "").startswith("v") else [])


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1.0, 2.0, 2.5, 3.25, 7.0]), st.sampled_from([0.0, 3.0, 8.0, 12.0]),
            st.sampled_from([0, 24, 30]), st.sampled_from([100, 112, 120]),
            st.booleans(), st.sampled_from([5, 5, 3]), st.sampled_from(["", 150, 200]),
        ),
        min_size=4, max_size=25,
    ),
    st.sampled_from([0.0, 1.0, 2.5, 30.0]),
)  # fmt: skip
@settings(max_examples=60)
def test_a_look_into_any_laps_tells_what_the_import_will(
    rows: list[tuple[float, float, int, int, bool, int, int | str]], start_s: float
) -> None:
    lines = [
        "TimeStamp (sec), lapIdx, ElapsedTime (sec), Horizontal (meters), StrokeCount,"
        " Cadence (stokes/min), WorkoutState,HRCur (bpm), Power (watts)"
    ]
    t_s, metres, lap = start_s, 0.0, 0
    for number, (step_s, more_m, rate, bpm, new, state, watts) in enumerate(rows, 1):
        t_s, metres, lap = t_s + step_s, metres + more_m, lap + new
        lines.append(f"{1.6e9 + t_s},{lap},{t_s},{metres},{number},{rate},{state},{bpm},{watts}")
    (workout,), (whole,) = whole_of("a.csv", "\n".join(lines).encode())
    same(preview_of(workout), preview_of_session(whole, workout.format))


STROKES = [(2.5 * n, 10.0 * n, 120 + n) for n in range(1, 41)]


def table(rows: list[tuple[float, float, int]], start: str = "") -> bytes:
    header = '"Stroke Number","Time (seconds)","Distance (meters)","Watts","Heart Rate"'
    body = [f"{n},{t:g},{m:g},180,{bpm}" for n, (t, m, bpm) in enumerate(rows, 1)]
    return "\n".join([*([start] if start else []), header, *body]).encode()


BEGAN = "2026-01-02 03:04:05 +00:00"


@pytest.mark.parametrize(
    ("what", "beats", "highest"),
    [
        ("a jump that comes back", {10: 200}, 159),
        ("a jump that stays", dict.fromkeys(range(10, 40), 200), 200),
        ("a jump at the very end", {39: 230}, 159),
        ("an impossible rate", {10: 255, 11: 3}, 159),
        ("a strap that falls silent", dict.fromkeys(range(10, 30), 0), 159),
    ],
)
def test_a_look_believes_the_beats_that_the_import_believes(
    what: str, beats: dict[int, int], highest: int
) -> None:
    """The last reading, 160, stands for no time."""
    rows = [(t, m, beats.get(place, bpm)) for place, (t, m, bpm) in enumerate(STROKES)]
    (workout,), (whole,) = whole_of("a.csv", table(rows))
    look = preview_of(workout)
    same(look, preview_of_session(whole, "ergdata"))
    assert look.max_heart_rate_bpm == highest, what


def test_nothing_is_made_and_nothing_locked(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(table(STROKES, BEGAN))
    (look,) = preview_files(tmp_path / "i.db", [tmp_path / "a.csv"])
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (look.fault, look.known) == (None, False)
    (workout,) = look.workouts
    assert (workout.started_at, workout.distance_m, workout.stroke_count) == (
        "2026-01-02T03:04:05+00:00", 400.0, 40,
    )  # fmt: skip


def test_what_is_there_already_is_told(tmp_path: Path) -> None:
    database, known, new = tmp_path / "i.db", tmp_path / "a.csv", tmp_path / "b.csv"
    known.write_bytes(table(STROKES, BEGAN))
    new.write_bytes(table(STROKES[:-1], BEGAN))
    import_files(database, [known])
    was = database.read_bytes()
    first, second, third = preview_files(database, [known, new, new])
    assert database.read_bytes() == was
    assert (tmp_path / "i.db-wal").read_bytes() == b""
    assert (first.known, first.workouts[0].overlaps) == (True, ())
    assert (second.known, second.workouts[0].overlaps) == (False, (1,))
    assert third.known  # the same content twice is taken in once
    looks = [first, second, third]
    assert previews(looks, Style()).splitlines()[2:] == [
        "2026-01-02 03:04  ergdata  1:40     400       40  141  159  * a.csv",
        "2026-01-02 03:04  ergdata  1:37     390       39  140  158  +1 b.csv",
        "2026-01-02 03:04  ergdata  1:37     390       39  140  158  * b.csv",
        "───────────────────────────────────────────────────────────",
        "1 new workout              1:37     390       39",
        "",
        "* was imported before.",
        "+3 is likely to belong to session 3, of the same time.",
        "3 files read: would be session 2. 2 files imported before. 1 session is likely to belong "
        "to another of the same time: see which with --json; to make one of two, rowlog edit "
        "merge.",
    ]
    nothing = previews([first, third], Style()).splitlines()
    assert nothing[5].split() == ["0", "new", "workouts", "–", "–", "–"]
    long = [
        replace(one, would=replace(one.would, file=tmp_path / f"{'a' * 40}-{n}.csv"))
        for n, one in enumerate(looks)
    ]
    lines = previews(long, Style(), 80).splitlines()
    assert all(len(line) <= 80 for line in lines[:6])
    assert [line.rpartition("a-")[2] for line in lines[2:5]] == ["0.csv", "1.csv", "2.csv"]


def test_a_recording_is_told_as_it_will_be_shown() -> None:
    recording = ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames"
    (look,) = preview_files(Path("no.db"), [recording])
    text = preview(look, Style(unicode=False))
    assert all(len(line) <= 80 for line in text.splitlines())
    figures = [line.split()[:4] for line in text.splitlines()[6:9]]
    assert figures == [
        ["1", "1:04.2", "268", "1:59.8"], ["pause", "0:16.2", "0", "143"],
        ["+", "1:50.8", "482", "1:55.0"],
    ]  # fmt: skip


def test_many_files_are_looked_into_by_several_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previewing, "QUICK_WORTH_IT", 2)
    for n in range(4):
        (tmp_path / f"{n}.csv").write_bytes(table(STROKES[: 10 + n]) if n != 2 else b"hello")
    heard: list[FilePreview] = []
    done = preview_files(tmp_path / "i.db", [tmp_path], quick=True, on_file=heard.append)
    assert done == heard
    assert [one.file.name for one in done] == ["0.csv", "1.csv", "2.csv", "3.csv"]
    assert [len(one.workouts) for one in done] == [1, 1, 0, 1]
    assert "of no format" in (done[2].fault or "")


def killed(name: str, content: bytes, dated: datetime) -> str:
    """What the system does to a process that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    return name


def test_a_process_that_is_killed_costs_no_more_than_its_files(tmp_path: Path) -> None:
    for n in range(30):
        (tmp_path / f"{n:02d}.csv").write_bytes(b"x")
    with closing(read_all(sorted(tmp_path.iterdir()), killed, worth_it=2)) as reads:
        faults = [read.fault or "" for read in reads]
    assert len(faults) == 30
    assert all("the system ended the process" in fault for fault in faults)


def test_the_command_says_what_files_hold(tmp_path: Path) -> None:
    database = tmp_path / "i.db"
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.csv").write_bytes(table(STROKES))
    one = run("import", "--dry-run", "--quick", tmp_path / "in" / "a.csv", "--db", database)
    assert one.returncode == 0
    assert one.stdout == (
        "a.csv · ergdata\nIt does not say when it was.\n\n"
        "       time  metres   HR  max\n──────────────────────────────\n"
        "all  1:40.0     400  141  159\n\n40 strokes.\n"
        "It tells of no pieces; they are looked for without --quick.\n"
        "Nothing was taken in. To do so, leave out --dry-run.\n"
    )
    (tmp_path / "in" / "b.txt").write_text("hello")
    with (tmp_path / "in" / "a.csv").open("a") as file:
        file.write("\n41,,410,180,160\n")
    many = run("import", "--dry-run", tmp_path / "in", "--json", "--db", database)
    assert many.returncode == 1
    assert "b.txt is of no format" in many.stderr
    told = json.loads(many.stdout)
    assert [len(one["workouts"]) for one in told] == [1, 0]
    assert told[0]["workouts"][0]["left_out"][0]["lines"] == [42]
    assert not database.exists()
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    chapter = page.split("\n## import --dry-run\n")[1].split("\n## ")[0]
    printed = set(keys_of(told)) | {"pieces", *OF_PIECES, "kind", "activity"}
    printed |= {"clock_s", "how", "with"}
    assert printed == set(re.findall(r"`([a-z_0-9]+)`", chapter))


def keys_of(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for inner in value.values():
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


# A look does and says all that an import does


def copied(database: Path, to: Path) -> Path:
    with closing(sqlite3.connect(database)) as here, closing(sqlite3.connect(to)) as there:
        here.backup(there)
    return to


def agree(database: Path, files: list[Path]) -> list[FilePreview]:
    """Looked into and then imported, each file is told in the same words, figures and pieces."""
    looks = preview_files(database, files)
    done = import_files(database, files)
    assert [look.would for look in looks] == done
    assert [json.loads(json.dumps(look.as_json())) for look in looks] == [
        {**json.loads(json.dumps(one.as_json())), "workouts": ANY} for one in done
    ]
    for look, one in zip(looks, done, strict=True):
        if one.fault is not None:
            continue
        said = "\n".join(lines(look.would, would=True)).replace(": would be session", ": session")
        told = "\n".join(lines(one))
        told = re.sub(r"\n  To (say when|leave this one out): .*", "", told)
        assert said.replace("When it is in, to make", "To make") == told
        new = [workout for workout in look.workouts if workout.session is not None]
        assert tuple(workout.session for workout in new) == one.sessions
        for workout in new:
            shown = load(database, workout.session or 0)
            alike(workout, shown.session, (*OF_ALL, *OF_WORK, "started_at", "start_from", "plan"))
            assert workout.note == shown.session.note
            way = shown.segmentation
            assert way is not None
            assert (workout.looks_like, workout.confidence) == (
                way.text if workout.plan is None else None, way.confidence,
            )  # fmt: skip
            assert len(workout.pieces) == len(shown.segments)
            for piece, segment in zip(workout.pieces, shown.segments, strict=True):
                alike(piece, segment, (*OF_PIECES, "kind", "activity"))
    return looks


def test_a_look_says_of_what_rowlog_wrote_what_the_import_does(
    recorded: Path, tmp_path: Path
) -> None:
    """Beside the sessions that it is of; FIT and TCX of all of them: `test_imports`."""
    database = copied(recorded, tmp_path / "i.db")
    files = []
    for name, numbers in (
        ("rowingdata", [*range(1, len(FIXTURES) + 1)]), ("heart-rate", [2, 12]), ("rr", [3, 12]),
        ("fit", [2, 12]), ("tcx", [8, 12]), ("frames", [4]),
    ):  # fmt: skip
        known = named(name)
        assert known is not None
        out = export(recorded, numbers, tmp_path / name, known, folder=True)
        files += [one.file for one in out if one.file is not None]
    looks = agree(database, files)
    hows = [one.how for look in looks for one in look.would.offers]
    assert hows.count("same") >= 14
    assert hows.count("heart") >= 4
    assert looks[-1].known == (looks[-1].would.sessions == ())


def test_a_look_into_captures_says_what_the_import_does(captures: Path, tmp_path: Path) -> None:
    """Whatever lies there: sessions by date, pieces that are found, faults, and two of one."""
    folders = ("rowingdata", "hrv", "goldencheetah", "reference", "openrowingmonitor", "hr")
    season = tmp_path / "season.csv"
    rows = (captures / "go_concept2" / "concept2-season-2018.csv").read_text().splitlines()
    season.write_text("\n".join(rows[:30]))
    files = [file for folder in folders for file in sorted((captures / folder).iterdir())]
    looks = agree(tmp_path / "i.db", [*files, season])
    assert sum(one.fault is not None for one in looks) > 5
    assert sum(bool(look.would.offers) for look in looks) >= 2
    assert any(workout.looks_like for look in looks for workout in look.workouts)
