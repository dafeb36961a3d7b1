"""Exports: what is in each file, read by others than wrote it, and what happens when it is not."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import fitdecode  # type: ignore[import-untyped]
import pytest
from garmin_fit_sdk import Decoder, Stream

from rowlog import exports
from rowlog.contents import Contents, StrokeRow, load_contents
from rowlog.exporting import Exported, ExportError, Filter, chosen, export, format_for, safe_name
from rowlog.exports import FORMATS, Format, by_suffix, exporter, named
from rowlog.exports.cells import cell
from rowlog.exports.checking import CannotSay
from rowlog.exports.fit_writer import Field, FitWriter
from rowlog.fit_layout import FILE_ID, STRING, UINT8, UINT16, crc16
from rowlog.replaying import replay_file
from rowlog.store_read import open_reader
from rowlog_drivers.errors import CallError
from tests.support import ROOT, run

FIXTURES = (
    "ftms/undefined_rests_4x300m.frames",
    "ftms/link_lost_1000m.frames",
    "heart_rate/circuit_off_the_machine.frames",
    "waterrower/intervals_3x300m_reset.frames.gz",
    "ftms/stop_in_the_middle_750m.frames",
)
RESTS, LOST, CIRCUIT, WATER, STOP = range(1, 6)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports") / "rowlog.db"
    for name in FIXTURES:
        replay_file(ROOT / "fixtures" / name, path, athlete="=HYPERLINK(1)")
    return path


@pytest.fixture(scope="module")
def fits(database: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("fit")
    done = export(database, [1, 2, 3, 4, 5], folder, fmt("fit"), folder=True)
    return {one.session_id: one.file for one in done if one.file is not None}


def fmt(name: str) -> Format:
    found = named(name)
    assert found is not None
    return found


def written(database: Path, number: int, name: str, folder: Path) -> Path:
    (done,) = export(database, [number], folder / f"s{fmt(name).suffix}", fmt(name), folder=False)
    assert done.file is not None
    return done.file


# ------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a.fit", "fit"),
        ("a.TCX", "tcx"),
        ("a.csv", "rowingdata"),
        ("a.strokes.csv", "strokes"),
        ("a.heart-rate.csv", "heart-rate"),
        ("a.rr.csv", "rr"),
        ("a.force.csv", "force"),
        ("a.samples.csv", "samples"),
        ("a.json", "json"),
        ("a.frames", "frames"),
        ("a.frames.gz", "frames.gz"),
    ],
)
def test_the_suffix_tells_the_format(file: str, name: str) -> None:
    assert format_for(Path(file), None).name == name


def test_every_format_has_its_file() -> None:
    for known in FORMATS:
        module = exporter(known)
        assert callable(module.write)
        assert callable(module.differences)
        assert by_suffix(f"x{known.suffix}") is not None


def test_a_format_that_is_not_known_is_told() -> None:
    with pytest.raises(CallError, match="no format 'pdf'"):
        format_for(Path("x.fit"), "pdf")
    with pytest.raises(CallError, match=r"x\.doc does not say"):
        format_for(Path("x.doc"), None)


# ------------------------------------------------------------------------------------- FIT


def test_the_vendors_decoder_reads_every_fit_without_an_error(fits: dict[int, Path]) -> None:
    assert len(fits) == len(FIXTURES)
    for path in fits.values():
        assert Decoder(Stream.from_file(str(path))).check_integrity()
        _, errors = Decoder(Stream.from_file(str(path))).read()
        assert errors == []


def test_a_fit_file_has_the_pieces_as_laps(database: Path, fits: dict[int, Path]) -> None:
    messages, _ = Decoder(Stream.from_file(str(fits[RESTS]))).read()
    laps = messages["lap_mesgs"]
    contents = load_contents(database, RESTS)
    assert [lap["intensity"] for lap in laps] == ["active", "rest"] * 4
    assert [lap["total_distance"] for lap in laps[::2]] == [300.0] * 4
    for lap, segment in zip(laps, contents.segments, strict=True):
        assert lap["total_elapsed_time"] == pytest.approx(segment.duration_s, abs=0.0005)
        assert lap["total_strokes"] == segment.stroke_count
        assert lap["max_heart_rate"] == segment.max_heart_rate_bpm
    (session,) = messages["session_mesgs"]
    assert (session["sport"], session["sub_sport"]) == ("rowing", "indoor_rowing")
    assert session["total_distance"] == contents.session.distance_m
    assert session["num_laps"] == 8


def test_a_circuit_is_a_training_and_its_rr_are_hrv_messages(
    database: Path, fits: dict[int, Path]
) -> None:
    messages, _ = Decoder(Stream.from_file(str(fits[CIRCUIT]))).read()
    assert messages["session_mesgs"][0]["sport"] == "training"
    assert "distance" not in messages["record_mesgs"][0]
    sent = [rr for beat in load_contents(database, CIRCUIT).beats for rr in beat.rr_ms or ()]
    times: list[float | None] = []
    for message in messages["hrv_mesgs"]:
        time = message["time"]
        times += time if isinstance(time, list) else [time]
    assert times == [pytest.approx(rr / 1000, abs=0.00051) for rr in sent]


def test_a_pause_is_a_lap_of_rest_that_says_pause(fits: dict[int, Path]) -> None:
    laps = fit_messages(fits[STOP], "lap")
    assert [lap.get_value("kind") for lap in laps] == ["work", "pause", "work"]
    assert [lap.get_value("intensity") for lap in laps] == ["active", "rest", "active"]


def fit_messages(path: Path, name: str) -> list[Any]:
    with fitdecode.FitReader(str(path), check_crc=fitdecode.CrcCheck.RAISE) as reader:
        return [
            frame
            for frame in reader
            if isinstance(frame, fitdecode.FitDataMessage) and frame.name == name
        ]


def test_every_stroke_is_in_the_fit_once_and_at_its_instant(
    database: Path, fits: dict[int, Path]
) -> None:
    for number in (LOST, WATER):
        records = fit_messages(fits[number], "record")
        found = [
            (record.get_value("stroke_number"), record.get_value("stroke_t_s"))
            for record in records
            if record.has_field("stroke_number")
        ]
        strokes = load_contents(database, number).main_strokes
        assert found == [(stroke.number, stroke.t_s) for stroke in strokes]
        stamps = [record.get_value("timestamp") for record in records]
        assert stamps == sorted(stamps)


def test_a_fit_can_hold_no_number_that_means_unknown() -> None:
    writer = FitWriter()
    values = [Field(0, UINT8, 300.0), Field(1, UINT16, -5.0), Field(8, STRING, "é" * 200)]
    writer.message(FILE_ID, values)
    content = writer.content()
    assert crc16(content) == 0  # a whole file with its checksum sums up to nothing
    body = content[14:-2]
    data = body[6 + 3 * 3 + 1 :]
    assert data[0] == 254
    assert data[1:3] == b"\0\0"
    assert data[3:] == "é".encode() * 127 + b"\0"


def test_definitions_beyond_sixteen_are_written_again() -> None:
    writer = FitWriter()
    for _ in range(2):
        for number in range(20):
            writer.message(0xFF00 + number, [Field(0, UINT8, number)])
    _, errors = Decoder(Stream.from_byte_array(bytearray(writer.content()))).read()
    assert errors == []


# ------------------------------------------------------------------------------------- others


def test_a_tcx_has_laps_points_and_exact_figures(database: Path, tmp_path: Path) -> None:
    root = ElementTree.parse(written(database, RESTS, "tcx", tmp_path)).getroot()
    space = {"t": root.tag[1:].split("}")[0], "r": "urn:rowlog:figures:1"}
    laps = root.findall(".//t:Lap", space)
    contents = load_contents(database, RESTS)
    assert [lap.findtext("t:Intensity", None, space) for lap in laps] == ["Active", "Resting"] * 4
    for lap, segment in zip(laps, contents.segments, strict=True):
        order = [child.tag.split("}")[1] for child in lap]
        schema = ["TotalTimeSeconds", "DistanceMeters", "Calories", "AverageHeartRateBpm",
                  "MaximumHeartRateBpm", "Intensity", "Cadence", "TriggerMethod", "Track",
                  "Extensions"]  # fmt: skip
        assert order == [name for name in schema if name in order]
        own = lap.find(".//r:Lap", space)
        assert own is not None
        assert float(own.get("mean_heart_rate_bpm", "")) == segment.mean_heart_rate_bpm
    metres = [
        float(point.text or "") for point in root.findall(".//t:Trackpoint/t:DistanceMeters", space)
    ]
    assert metres == sorted(metres)


def test_a_rowingdata_csv_says_work_and_rest(database: Path, tmp_path: Path) -> None:
    with written(database, RESTS, "rowingdata", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    segments = load_contents(database, RESTS).segments
    # Somebody waits until the first piece begins; a rest is of the lap of the work before it.
    assert (rows[0][" WorkoutState"], rows[0][" StrokeCount"]) == ("0", "0")
    assert float(rows[0][" ElapsedTime (sec)"]) == segments[0].started_at_s
    told = list(dict.fromkeys((row[" lapIdx"], row[" WorkoutState"]) for row in rows[1:]))
    assert told == [(str(lap), state) for lap in range(4) for state in ("5", "3")]
    for place, segment in enumerate(segments):
        inside = [row for row in rows[1:] if (row[" lapIdx"], row[" WorkoutState"]) == told[place]]
        ended_s = float(inside[-1][" ElapsedTime (sec)"])
        assert ended_s == pytest.approx(segment.started_at_s + segment.duration_s, abs=0.01)
    rest = [row for row in rows if row[" lapIdx"] == "0" and row[" WorkoutState"] == "3"]
    assert len(rest) > 15  # nobody strokes in it, but the heart is heard every two seconds
    assert {row[" Cadence (stokes/min)"] for row in rest} == {""}
    assert float(rows[-1][" Horizontal (meters)"]) <= (
        load_contents(database, RESTS).session.distance_m or 0.0
    )


def test_tables_hold_every_row(database: Path, tmp_path: Path) -> None:
    contents = load_contents(database, RESTS)
    for name, count in (
        ("strokes", len(contents.strokes)),
        ("heart-rate", len(contents.beats)),
        ("rr", sum(len(beat.rr_ms or ()) for beat in contents.beats)),
    ):
        with written(database, RESTS, name, tmp_path).open(newline="") as file:
            assert len(list(csv.reader(file))) == count + 1


def test_raw_samples_say_only_what_was_sent(database: Path, tmp_path: Path) -> None:
    with written(database, RESTS, "samples", tmp_path).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 500
    assert {row["drag_factor"] for row in rows} == {""}
    assert float(rows[-1]["distance_m"]) == load_contents(database, RESTS).session.distance_m


def test_the_json_is_the_contract(database: Path, tmp_path: Path) -> None:
    exported = json.loads(written(database, RESTS, "json", tmp_path).read_text())
    shown = run("show", "1", "--json", "--db", database)
    assert exported == json.loads(shown.stdout)


@pytest.mark.parametrize("name", ["frames", "frames.gz"])
def test_frames_can_be_replayed_to_the_same_session(
    name: str, database: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again.db"
    number = replay_file(written(database, WATER, name, tmp_path), again, athlete="=HYPERLINK(1)")
    first, second = load_contents(database, WATER), load_contents(again, number)
    assert first.segments == second.segments
    assert first.strokes == second.strokes


def test_force_curves_are_a_row_a_point(database: Path, tmp_path: Path) -> None:
    contents = with_forces(load_contents(database, STOP))
    module, path = exporter(fmt("force")), tmp_path / "f.csv"
    with path.open("wb") as out:
        module.write(contents, out)
    assert module.differences(contents, path) == []
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert [row[1:2] + row[4:] for row in rows[1:4]] == [
        ["1", "0", "10.0"],
        ["1", "1", "250.5"],
        ["2", "0", "10.0"],
    ]


def with_forces(contents: Contents) -> Contents:
    def pushed(stroke: StrokeRow) -> StrokeRow:
        return stroke._replace(force_curve_n=(10.0, 250.5))

    return contents._replace(strokes=tuple(pushed(stroke) for stroke in contents.strokes))


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("=1+1", "'=1+1"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("row", "row"),
        (-3.5, "-3.5"),
        (None, ""),
        (float("nan"), ""),
        (0, "0"),
        (True, "1"),
        ((800.5, 790.0), "800.5 790.0"),
    ],
)
def test_no_cell_becomes_a_formula(text: object, harmless: str) -> None:
    assert cell(text) == harmless


# ------------------------------------------------------------------------------------- read back


@pytest.mark.parametrize(
    "name", ["fit", "tcx", "rowingdata", "strokes", "json", "heart-rate", "rr"]
)
def test_a_file_that_says_something_else_is_found_out(
    name: str, database: Path, tmp_path: Path
) -> None:
    """The file of one session, held against another one: what differs is named."""
    module, path = exporter(fmt(name)), tmp_path / "x"
    with path.open("wb") as out:
        module.write(load_contents(database, RESTS), out)
    assert module.differences(load_contents(database, RESTS), path) == []
    assert module.differences(load_contents(database, LOST), path)


def test_one_wrong_figure_is_named(database: Path, tmp_path: Path) -> None:
    contents = load_contents(database, RESTS)
    for name in ("fit", "tcx"):
        module, path = exporter(fmt(name)), tmp_path / name
        with path.open("wb") as out:
            module.write(contents, out)
        segments = list(contents.segments)
        segments[2] = segments[2]._replace(mean_heart_rate_bpm=99.25)
        changed = contents._replace(summary=contents.summary._replace(segments=tuple(segments)))
        told = [str(one) for one in module.differences(changed, path)]
        assert any("lap 3: mean_heart_rate_bpm should be 99.25 and reads" in one for one in told)
        assert all(one.startswith("lap 3") for one in told)


class Decaying:
    """What it writes is, bit by bit, something else when it is read back."""

    def __init__(self, known: Format, share: float) -> None:
        self.inner, self.share = exporter(known), share

    def write(self, contents: Contents, out: Any) -> None:
        self.inner.write(contents, out)

    def differences(self, contents: Contents, path: Path) -> Any:
        content = bytearray(path.read_bytes())
        content[int(self.share * (len(content) - 1))] ^= 1
        path.write_bytes(content)
        return self.inner.differences(contents, path)


@pytest.mark.parametrize("known", FORMATS, ids=lambda known: known.name)
def test_a_bit_that_the_disk_lost_is_found_in_every_format(
    known: Format, forceful: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for share in (0.0, 0.31, 0.62, 0.93, 1.0):
        decaying = Decaying(known, share)
        monkeypatch.setattr(exports, "exporter", lambda _, it=decaying: it)
        with pytest.raises(ExportError, match="was not written: "):
            export(forceful, [1], tmp_path / "x", known, folder=False)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def forceful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of which every format can hold something."""
    path = tmp_path_factory.mktemp("forceful") / "rowlog.db"
    replay_file(ROOT / "fixtures" / "pm5" / "intervals_3x200m.frames.gz", path)
    return path


def test_a_file_that_does_not_read_back_is_not_left_behind(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        """Writes one session and is asked about another."""

        def __init__(self) -> None:
            self.inner = exporter(fmt("fit"))

        def write(self, contents: Contents, out: Any) -> None:
            self.inner.write(load_contents(database, LOST), out)

        def differences(self, contents: Contents, path: Path) -> Any:
            return self.inner.differences(contents, path)

    monkeypatch.setattr(exports, "exporter", lambda known: Broken())
    with pytest.raises(ExportError, match="was not written: read back, it does not say"):
        export(database, [RESTS], tmp_path / "x.fit", fmt("fit"), folder=False)
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------------------------- files


def test_nothing_is_overwritten_unless_told(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("mine")
    with pytest.raises(CallError, match="exists already"):
        export(database, [RESTS], file, fmt("json"), folder=False)
    assert file.read_text() == "mine"
    export(database, [RESTS], file, fmt("json"), folder=False, overwrite=True)
    assert file.read_text() != "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sets no limit to a file's size")
@pytest.mark.parametrize("known", [f for f in FORMATS if f.name in ("fit", "strokes", "json")])
def test_an_export_that_fills_the_disk_leaves_the_old_file(
    known: Format, database: Path, tmp_path: Path
) -> None:
    import resource
    import signal

    file = tmp_path / f"a{known.suffix}"
    file.write_bytes(b"the old one")
    reading = open_reader(database)  # what lies beside the database has its size already
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(ExportError, match="cannot be written"):
            export(database, [1], file, known, folder=False, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
        reading.close()
    assert file.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_file_is_not_replaced(database: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.fit")
    with pytest.raises(CallError, match=r"x\.fit is no file\. Name one"):
        export(database, [1], tmp_path / "x.fit", fmt("fit"), folder=False, overwrite=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts a name's length otherwise")
def test_a_name_as_long_as_can_be_is_written(database: Path, tmp_path: Path) -> None:
    file = tmp_path / f"{'櫂' * 83}.json"  # 254 bytes of 255
    export(database, [1], file, fmt("json"), folder=False)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize("name", ["there", "new.fit", "new.strokes.csv"])
def test_several_sessions_go_into_no_file(name: str, database: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("a file")
    with pytest.raises(CallError, match=f"file of its own, and .*{name} names no folder"):
        export(database, [RESTS, CIRCUIT], tmp_path / name, fmt("fit"), folder=True)
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    (tmp_path / "rows.fit").mkdir()
    assert export(database, [RESTS], tmp_path / "rows.fit", fmt("fit"), folder=True)


def test_a_folder_that_is_not_there_is_told(database: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written"):
        export(database, [RESTS], tmp_path / "no" / "x.fit", fmt("fit"), folder=False)


def test_what_a_format_cannot_hold_is_told_or_passed_over(database: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="Session 3 cannot be written as strokes: it has no"):
        export(database, [CIRCUIT], tmp_path / "x.csv", fmt("strokes"), folder=False)
    seen: list[Exported] = []
    done = export(
        database, [RESTS, CIRCUIT], tmp_path, fmt("strokes"), folder=True, on_file=seen.append
    )
    assert done == seen
    assert [one.why_not for one in done] == [None, "it has no strokes"]
    assert [path.name for path in tmp_path.iterdir()] == ["2026-03-01-1804-4x300m-r-1.strokes.csv"]


def test_an_empty_session_has_no_strokes_to_say(database: Path, tmp_path: Path) -> None:
    contents = load_contents(database, RESTS)._replace(strokes=())
    with pytest.raises(CannotSay, match="no strokes"), (tmp_path / "x").open("wb") as out:
        exporter(fmt("rowingdata")).write(contents, out)


@pytest.mark.parametrize(
    ("words", "numbers"),
    [("2", [2]), ("1,3-4", [1, 3, 4]), ("last", [5]), ("all", [1, 2, 3, 4, 5])],
)
def test_sessions_are_named(words: str, numbers: list[int], database: Path) -> None:
    assert chosen(database, words, None) == numbers


@pytest.mark.parametrize("words", ["x", "3-", "4-2", "1;2", "", "1-999999999"])
def test_what_names_no_sessions_is_told(words: str, database: Path) -> None:
    with pytest.raises(CallError):
        chosen(database, words, None)


def test_a_filter_chooses(database: Path) -> None:
    assert chosen(database, "all", Filter(activity="circuit")) == [CIRCUIT]
    assert chosen(database, "all", Filter(athlete="nobody")) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("8x500m/1:30r", "8x500m-1-30r"),
        ("../../etc/passwd", "etc-passwd"),
        ("Übung: 3×(0:30 Kniebeugen)", "Ubung-3-0-30-Kniebeugen"),
        ("", "session"),
        ("日本", "session"),
        ("x" * 99, "x" * 40),
    ],
)
def test_names_are_safe(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_of_several_files_none_is_written_where_one_stands_already(
    database: Path, tmp_path: Path
) -> None:
    """And two sessions of one minute and plan have names of their own."""
    again = tmp_path / "a.db"
    for _ in range(2):
        replay_file(ROOT / "fixtures" / FIXTURES[STOP - 1], again)
    folder = tmp_path / "out"
    done = export(again, [1, 2], folder, fmt("json"), folder=True)
    names = [one.file.name for one in done if one.file is not None]
    assert names == ["2026-03-01-1804-750m-1.json", "2026-03-01-1804-750m-2.json"]
    (folder / names[0]).unlink()
    (folder / names[1]).write_text("mine")
    with pytest.raises(CallError, match=f"holds 1 of these 2 files already, such as {names[1]}"):
        export(again, [1, 2], folder, fmt("json"), folder=True)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [(names[1], "mine")]
    export(again, [1, 2], folder, fmt("json"), folder=True, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == names


def test_the_command_says_what_it_did(database: Path, tmp_path: Path) -> None:
    done = run("export", "2", tmp_path / "x.fit", "--db", database)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("kB, read back and compared\n")
    many = run("export", "all", tmp_path / "f", "--format", "rr", "--json", "--db", database)
    told = json.loads(many.stdout)
    assert [one["session"] for one in told] == [1, 2, 3, 4, 5]
    assert all(Path(one["file"]).stat().st_size == one["bytes"] for one in told)
    again = run("export", "2", tmp_path / "x.fit", "--db", database)
    assert again.returncode == 2
    assert "exists already" in again.stderr
