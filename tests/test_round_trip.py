"""Out and in again: what each format keeps of a session, and what it cannot hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from garmin_fit_sdk import Decoder, Stream
from typer.testing import CliRunner

from rowlog.cli import whole_app
from rowlog.contents import Contents, load_contents
from rowlog.editing import edit_note, edit_tags
from rowlog.exporting import export
from rowlog.exports import FORMATS, Exporter, exporter, named
from rowlog.exports.fit_words import parts, words_read
from rowlog.importing import import_files
from rowlog.replaying import replay_file
from tests.support import ROOT

FIXTURES = (
    "ftms/calories_5x10cal_garbage.frames",
    "ftms/undefined_rests_4x300m.frames",
    "ftms/timed_6x1min_paddling.frames.gz",
    "pm5/intervals_3x200m.frames.gz",
    "ftms/piece_2000m.frames",
    "ftms/stop_in_the_middle_750m.frames",
)
CALORIES, RESTS, TIMED, MONITOR, PIECE, STOP = range(1, 7)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recorded") / "rowlog.db"
    for name in FIXTURES:
        replay_file(ROOT / "fixtures" / name, path)
    return path


def there_and_back(database: Path, number: int, name: str, folder: Path) -> tuple[Contents, ...]:
    """A session as it was, and as it is after a way through a file."""
    known = named(name)
    assert known is not None
    (out,) = export(database, [number], folder / f"s{known.suffix}", known, folder=False)
    assert out.file is not None
    (done,) = import_files(folder / "again.db", [out.file])
    assert done.fault is None
    return load_contents(database, number), load_contents(folder / "again.db", done.sessions[0])


# ------------------------------------------------------------------------------------ RowingData


@pytest.mark.parametrize(
    ("number", "plan"),
    [
        (CALORIES, "5x10cal/0:45r"), (RESTS, "4x300m/...r"), (TIMED, "6x1:00/1:00r"),
        (MONITOR, "3x200m/0:40r"), (PIECE, "2000m"), (STOP, None),
    ],
)  # fmt: skip
def test_a_rowingdata_csv_keeps_pieces_energy_strokes_and_heart_rates(
    number: int, plan: str | None, recorded: Path, tmp_path: Path
) -> None:
    was, now = there_and_back(recorded, number, "rowingdata", tmp_path)
    assert now.session.plan == (plan or "268m/0:16.2r + 482m")  # it knows no pauses
    assert len(now.segments) == len(was.segments)
    for then, lap in zip(was.segments, now.segments, strict=True):
        assert lap.kind == then.kind.replace("pause", "rest")
        assert lap.duration_s == pytest.approx(then.duration_s, abs=0.01)
        assert lap.distance_m == pytest.approx(then.distance_m, abs=0.05)
        assert lap.energy_kcal == pytest.approx(then.energy_kcal, abs=1e-6)
        assert lap.stroke_count == then.stroke_count
        assert lap.max_heart_rate_bpm == then.max_heart_rate_bpm
        assert lap.mean_heart_rate_bpm == pytest.approx(then.mean_heart_rate_bpm, abs=1.1)
        assert lap.heart_rate_drop_60s_bpm == then.heart_rate_drop_60s_bpm
        if lap.kind == "work":
            assert lap.mean_power_w == pytest.approx(then.mean_power_w, rel=0.05)
    assert now.session.work_distance_m == pytest.approx(was.session.work_distance_m, abs=0.05)
    assert now.session.max_heart_rate_bpm == was.session.max_heart_rate_bpm
    for stroke, other in zip(was.main_strokes, now.main_strokes, strict=True):
        assert other.power_w is not None or stroke.power_w is None
        assert other.distance_m == pytest.approx(stroke.distance_m)


def test_a_rowingdata_csv_whose_energy_is_another_is_found_out(
    recorded: Path, tmp_path: Path
) -> None:
    module, path = exporter_of("rowingdata"), tmp_path / "x.csv"
    contents = load_contents(recorded, CALORIES)
    with path.open("wb") as out:
        module.write(contents, out)
    assert module.differences(contents, path) == []
    segments = list(contents.segments)
    segments[2] = segments[2]._replace(energy_kcal=13.0, max_heart_rate_bpm=199.0)
    changed = contents._replace(summary=contents.summary._replace(segments=tuple(segments)))
    assert [str(one) for one in module.differences(changed, path)] == [
        "energy_kcal of lap 3 should be 13.0 and reads 10.0",
        "max_heart_rate_bpm of lap 3 should be 199.0 and reads None",
    ]


# ----------------------------------------------------------------------------------- FIT and TCX

ODD = "<b>&amp; \"50 %\"</b> =SUM(A1)\n- 櫂 🚣, 'fast'\tand \x1b[31mred\x07\r\n" + "long " * 200
WORDS = ("race, <final> & =1+1", "Technik")


@pytest.mark.parametrize("name", ["fit", "tcx"])
def test_notes_tags_the_athlete_and_exercises_go_along(name: str, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    circuit = ROOT / "fixtures" / "heart_rate" / "circuit_off_the_machine.frames"
    number = replay_file(circuit, database, athlete='=Ann "<1>" & 櫂')
    edit_note(database, number, ODD)
    edit_tags(database, number, WORDS, ())
    was, now = there_and_back(database, number, name, tmp_path)
    if name == "tcx":  # XML has no way to say what a terminal would act on
        was = was._replace(
            summary=was.summary._replace(
                session=was.session._replace(
                    note=(was.session.note or "").replace("\x1b", "").replace("\x07", "")
                )
            )
        )
    for figure in ("note", "tags", "athlete", "plan", "activity"):
        assert getattr(now.session, figure) == getattr(was.session, figure), figure
    assert [lap.activity for lap in now.segments] == [lap.activity for lap in was.segments]
    assert len({lap.activity for lap in now.segments}) > 2


def test_words_that_are_too_long_for_one_field_go_on_in_the_next() -> None:
    text = "Ünï 🚣" * 400
    assert "".join(parts(text)) == text
    assert max(len(part.encode()) for part in parts(text)) <= 254
    assert "".join(parts("a\0b")) == "ab"
    assert parts("") == []
    assert len("".join(parts("x" * 9000))) == 24 * 254
    told = {"note": "a", "note_2": "b", "note_3": 5}
    assert words_read(told.get, "note") == "ab"


def test_a_note_that_fit_has_no_room_for_is_told(recorded: Path, tmp_path: Path) -> None:
    kept = recorded.read_bytes()
    database = tmp_path / "long.db"
    database.write_bytes(kept)
    runner = CliRunner()
    base = ["--db", str(database)]
    assert runner.invoke(whole_app(), ["edit", "note", "1", "x" * 7000, *base]).exit_code == 0
    told = runner.invoke(whole_app(), ["export", "1", str(tmp_path / "a.fit"), *base])
    assert told.exit_code == 0
    assert "Session 1: FIT holds only the beginning of its note." in told.stderr
    kept_whole = runner.invoke(whole_app(), ["export", "1", str(tmp_path / "a.tcx"), *base])
    assert kept_whole.exit_code == 0 and kept_whole.stderr == ""
    said = runner.invoke(whole_app(), ["export", "1", str(tmp_path / "b.fit"), "--json", *base])
    assert json.loads(said.stdout)[0]["shortened"] == ["note"]


def test_a_stroke_in_a_fit_is_what_it_was_to_the_last_digit(recorded: Path, tmp_path: Path) -> None:
    """Those that a monitor tells, and those that were concluded, with what is unknown of them."""
    for number in (MONITOR, TIMED):
        folder = tmp_path / str(number)
        folder.mkdir()
        was, now = there_and_back(recorded, number, "fit", folder)
        counted: dict[str, Any] = {"source": "", "total_distance_m": None, "elapsed_s": None}
        unsaid: dict[str, Any] = {"force_curve_n": None}  # `.frames` has them
        assert [stroke._replace(**counted) for stroke in now.main_strokes] == [
            stroke._replace(**counted, **unsaid) for stroke in was.main_strokes
        ]
        for stroke, other in zip(was.main_strokes, now.main_strokes, strict=True):
            assert other.total_distance_m == pytest.approx(stroke.total_distance_m, abs=6)
        told = [[rr for beat in one.beats for rr in beat.rr_ms or ()] for one in (was, now)]
        assert told[1] == pytest.approx(told[0], abs=0.51)


def test_the_plan_is_a_workout_of_steps_to_other_programs(recorded: Path, tmp_path: Path) -> None:
    known = named("fit")
    assert known is not None
    steps = {}
    for number in (CALORIES, RESTS, TIMED, PIECE):
        file = tmp_path / f"{number}.fit"
        export(recorded, [number], file, known, folder=False)
        messages, errors = Decoder(Stream.from_file(str(file))).read()
        assert errors == []
        (workout,) = messages["workout_mesgs"]
        assert (workout["sport"], workout["sub_sport"]) == ("rowing", "indoor_rowing")
        assert workout["wkt_name"] == load_contents(recorded, number).session.plan
        steps[number] = [
            (step["duration_type"], step.get("duration_time"), step.get("duration_distance"),
             step.get("duration_calories"), step["intensity"])
            for step in messages["workout_step_mesgs"]
        ]  # fmt: skip
        assert workout["num_valid_steps"] == len(steps[number])
        laps = messages["lap_mesgs"]
        assert [lap["wkt_step_index"] for lap in laps] == [*range(len(laps))]
    rest, open_rest = ("time", 45.0, None, None, "rest"), ("open", None, None, None, "rest")
    assert steps == {
        CALORIES: [("calories", None, None, 10, "active"), rest] * 5,
        RESTS: [("distance", None, 300.0, None, "active"), open_rest] * 4,
        TIMED: [("time", 60.0, None, None, "active"), ("time", 60.0, None, None, "rest")] * 6,
        PIECE: [("distance", None, 2000.0, None, "active")],
    }


def test_what_somebody_wrote_to_a_strangers_tcx_is_its_note(tmp_path: Path) -> None:
    head = 'xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"'
    (tmp_path / "a.tcx").write_text(
        f"<TrainingCenterDatabase {head}><Activities><Activity Sport='Other'>"
        "<Lap StartTime='2026-01-01T00:00:00Z'><TotalTimeSeconds>9</TotalTimeSeconds><Track>"
        "<Trackpoint><Time>2026-01-01T00:00:00Z</Time><DistanceMeters>0</DistanceMeters>"
        "</Trackpoint><Trackpoint><Time>2026-01-01T00:00:09Z</Time><DistanceMeters>40"
        "</DistanceMeters></Trackpoint></Track><Notes>of the lap</Notes></Lap>"
        "<Notes> A head wind &amp; rain. </Notes></Activity></Activities></TrainingCenterDatabase>"
    )
    (done,) = import_files(tmp_path / "i.db", [tmp_path / "a.tcx"])
    assert load_contents(tmp_path / "i.db", done.sessions[0]).session.note == "A head wind & rain."


# -------------------------------------------------------------------------------- rowlog's tables


def test_a_table_of_strokes_comes_in_again(recorded: Path, tmp_path: Path) -> None:
    for number in (MONITOR, RESTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        was, now = there_and_back(recorded, number, "strokes", folder)
        unsaid: dict[str, Any] = {"source": "", "elapsed_s": None, "force_curve_n": None}
        assert [stroke._replace(**unsaid) for stroke in now.main_strokes] == [
            stroke._replace(**unsaid) for stroke in was.main_strokes
        ]
        assert now.session.stroke_count == was.session.stroke_count
        assert (now.session.start_from, now.session.mean_heart_rate_bpm) == ("file", None)
        lengths = [lap.distance_m for lap in now.segments if lap.kind == "work"]
        meant = [lap.distance_m for lap in was.segments if lap.kind == "work"]
        assert lengths == pytest.approx(meant, abs=12)  # found by the strokes alone


@pytest.mark.parametrize("name", ["rr", "heart-rate"])
def test_tables_of_the_heart_come_in_again(name: str, recorded: Path, tmp_path: Path) -> None:
    was, now = there_and_back(recorded, STOP, name, tmp_path)
    told = [[rr for beat in one.beats for rr in beat.rr_ms or ()] for one in (was, now)]
    assert told[0] == told[1]
    mean, highest = now.session.mean_heart_rate_bpm, now.session.max_heart_rate_bpm
    assert mean == pytest.approx(was.session.mean_heart_rate_bpm, abs=0.3)
    assert highest == pytest.approx(was.session.max_heart_rate_bpm, abs=0 if name != "rr" else 2)


def test_of_two_straps_and_no_skin(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "source,t_s,heart_rate_bpm,rr_ms,contact\na,1.0,120,500,1\nb,1.5,80,,\na,2.0,121,495.5,1\n"
        "a,3.0,63,,0\n"
    )
    (done,) = import_files(tmp_path / "i.db", [tmp_path / "a.csv"])
    assert [str(told) for told in done.left_out] == [
        "1 row of another device was left out: line 3."
    ]
    beats = load_contents(tmp_path / "i.db", done.sessions[0]).beats
    assert [(beat.t_s, beat.heart_rate_bpm) for beat in beats] == [(1.0, 120), (2.0, 121)]


@pytest.mark.parametrize(
    ("name", "holds"),
    [
        ("force", "the force curves of a session, and neither its metres nor its heart"),
        ("samples", "the records of a rower as they came, and no strokes"),
        ("json", "the figures of a session, and not what was rowed"),
    ],
)
def test_what_no_session_can_be_made_of_says_what_to_import_instead(
    name: str, holds: str, recorded: Path, tmp_path: Path
) -> None:
    known = named(name)
    assert known is not None
    file = tmp_path / f"s{known.suffix}"
    export(recorded, [MONITOR], file, known, folder=False)
    (done,) = import_files(tmp_path / "i.db", [file])
    assert done.fault == (
        f"s{known.suffix} holds {holds}. Import the session's .frames or .fit file, as made by: "
        "rowlog export ID session.frames"
    )


def test_every_format_comes_in_again_or_says_what_to_import_instead() -> None:
    docs = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    table = docs[docs.index("| `--format` | By suffix |") :].split("\n\n", 1)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert rows[0] == ["`--format`", "By suffix", "Holds", "Imported again"]
    told = {name: row[3] for row in rows[2:] for name in row[0].replace("`", "").split(", ")}
    assert set(told) == {known.name for known in FORMATS}
    refused = {name for name, text in told.items() if text.startswith("no")}
    assert refused == {"force", "samples", "json"}


def exporter_of(name: str) -> Exporter:
    known = named(name)
    assert known is not None
    return exporter(known)
