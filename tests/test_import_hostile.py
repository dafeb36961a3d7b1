"""Imports of files that mean harm, or were harmed: refused or bounded, with a reason, and nothing
half taken in."""

from __future__ import annotations

import gzip
import os
import sqlite3
import tarfile
import tracemalloc
import warnings
from contextlib import closing
from datetime import datetime
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog import imports
from rowlog.exports.fit_writer import Field, FitWriter
from rowlog.fit_layout import RECORD, TIMESTAMP, UINT32
from rowlog.importing import import_files
from rowlog.importing_files import read_all
from rowlog.importing_sessions import frames_of
from rowlog.imports.archives import is_archive, members
from rowlog.imports.workout import MOST_LAPS, ImportFault, Workout
from rowlog.previewing import preview_files
from rowlog.store_read import open_reader
from tests.support import run
from tests.test_import_formats import WHOLE, boatcoach_intervals, tcx_file
from tests.test_imports import HEADS, LOGBOOK, LONG, stroke_csv


def taken_or_refused(content: bytes) -> list[Workout]:
    """What is read of it: () where it is refused. Raises for all that is neither, warnings too."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = imports.read("x", imports.unpacked("x", content))
        except ImportFault as fault:
            assert 10 < len(str(fault)) < 600
            return []
    for workout in found:
        assert list(frames_of(workout))
    return found


GOOD = {
    "fit": WHOLE,
    "tcx": tcx_file(),
    "boatcoach": boatcoach_intervals().encode(),
    "strokes": stroke_csv(),
    "logbook": (LOGBOOK + LONG).encode(),
    "gzip": gzip.compress(stroke_csv()),
}


HARMS = st.sampled_from(["set", "cut", "add", "swap"])


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(GOOD)),
    st.lists(
        st.tuples(
            st.floats(0, 1), st.sampled_from(["set", "cut", "add", "swap"]), st.binary(max_size=9)
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_what_was_harmed_on_the_way_is_read_or_refused(
    name: str, harms: list[tuple[float, str, bytes]]
) -> None:
    content = bytearray(GOOD[name])
    for share, how, other in harms:
        at = int(share * max(len(content) - 1, 0))
        if how == "set":
            content[at : at + len(other)] = other
        elif how == "cut":
            del content[at : at + 1 + 10 * len(other)]
        elif how == "add":
            content[at:at] = other
        else:
            content[:] = content[at:] + content[:at]
    taken_or_refused(bytes(content))


TABLES = {**HEADS, "tcx": "", "fit": ""}
FIGURES = ["nan", "-nan", "inf", "1e400", "-1e400", "1e308", "-5", "=HYPERLINK(1)", "@SUM(A1)", "٣"]


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("column", [1, 2, 4])
def test_a_figure_that_is_none_never_comes_in(figure: str, column: int) -> None:
    cells = ["10", "25.0", "100", "24", "130"]
    cells[column] = figure
    for workout in taken_or_refused(stroke_csv(last=",".join(cells))):
        for point in workout.points:
            assert all(value is None or value == value for value in point[:6])
            assert point.t_s < 1e6 and (point.distance_m or 0) < 1e6


def test_times_of_a_flywheel_are_no_heart() -> None:
    """Seconds between impulses, one a line, as other recorders write them."""
    assert taken_or_refused("\n".join(["0.548", "0.268", "0.217", "0.231"] * 20).encode()) == []
    (heart,) = taken_or_refused("\n".join(["0.848", "0.868", "0.817", "0.231"] * 20).encode())
    assert len(heart.points) == 80


@pytest.mark.parametrize("figure", ["nan", "NaN", "inf"])
def test_a_heart_rate_that_is_no_number_is_not_known(figure: str) -> None:
    """Tools that work on tables write "nan" where a strap said nothing; the rest is as good."""
    (workout,) = taken_or_refused(stroke_csv(last=f"10,25.0,100,24,{figure}"))
    assert workout.points[-1].heart_rate_bpm is None
    assert workout.points[-1].distance_m == 100
    assert any(point.heart_rate_bpm for point in workout.points)


@pytest.mark.parametrize("seconds", ["1e9", "-1", "nan", "604801"])
def test_a_season_whose_workout_lasts_for_ever_is_refused(seconds: str) -> None:
    content = (LOGBOOK + LONG.replace('"1801.4"', f'"{seconds}"')).encode()
    assert taken_or_refused(content) == []


@pytest.mark.parametrize("value", ["NaN", "INF", "-INF", "1e400", "9" * 400])
def test_a_tcx_figure_that_is_none_never_comes_in(value: str) -> None:
    text = tcx_file().decode()
    for old in ("<DistanceMeters>40.0<", "<Value>140<", "<TotalTimeSeconds>25<", "<Calories>7<"):
        for workout in taken_or_refused(
            text.replace(old, old.split(">")[0] + f">{value}<").encode()
        ):
            assert all((point.distance_m or 0) < 1e6 for point in workout.points)


def test_years_of_records_are_refused() -> None:
    writer = FitWriter()
    for year in range(3):
        writer.message(RECORD, [Field(TIMESTAMP, UINT32, 10**9 + year * 31_536_000),
                                Field(5, UINT32, year * 100)])  # fmt: skip
    with pytest.raises(ImportFault, match="which no workout reaches"):
        imports.read("years.fit", writer.content())
    late = tcx_file().replace(b"2026-01-01T00:01:05Z", b"2031-01-01T00:01:05Z")
    with pytest.raises(ImportFault, match="which no workout reaches"):
        imports.read("years.tcx", late)


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("173,000 lines", b"Time (seconds),Number\n" + b"1,1\n" * 173_001),
        ("400,200 lines", b"810\n" * 400_201),
        ("6,000,000 cells", b"Time (seconds),Number\n" + b"," * 6_000_001),
        ("4,500,000 tags", tcx_file().replace(b"</Activity>", b"<a/>" * 4_500_001)),
    ],
    ids=["lines", "beats", "cells", "tags"],
)
def test_more_than_any_workout_has_is_refused_before_it_takes_memory(
    what: str, content: bytes
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ImportFault, match=f"holds more than {what}, which no workout does"):
            imports.read("big", content)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(content) + 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "inside",
    [
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x SYSTEM "http://example.org/x.dtd">',
        b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
    ],
)
def test_xml_that_defines_anything_is_refused(inside: bytes) -> None:
    bomb = tcx_file().replace(b"?>", b"?>" + inside, 1)
    with pytest.raises(ImportFault, match="defines entities"):
        imports.read("bomb.tcx", bomb)


def test_xml_nested_without_end_is_read_or_refused() -> None:
    deep = tcx_file().replace(b"</Activity>", b"<a>" * 200_000 + b"</a>" * 200_000 + b"</Activity>")
    taken_or_refused(deep)


ENCODINGS = [
    ("utf-8-sig", True), ("utf-16", True), ("cp1252", True), ("utf-16-le", False), ("utf-7", True),
    ("utf-32", False), ("cp037", False),
]  # fmt: skip


@pytest.mark.parametrize(("encoding", "read"), ENCODINGS)
def test_an_encoding_is_read_or_told(encoding: str, read: bool) -> None:
    text = stroke_csv().decode().replace('"Heart Rate"', '"Heart Rate","Müdigkeit"')
    found = taken_or_refused(text.encode(encoding if encoding != "utf-7" else "utf-8"))
    assert bool(found) is read
    strange = tcx_file().replace(b'version="1.0"', b'version="1.0" encoding="x-none"')
    assert taken_or_refused(strange) == []


def test_lines_may_end_as_they_like() -> None:
    (plain,) = imports.read("x", stroke_csv())
    for ending in (b"\r\n", b"\r"):
        (other,) = imports.read("x", stroke_csv().replace(b"\n", ending))
        assert other == plain


@settings(max_examples=60, deadline=None)
@given(st.booleans(), st.integers(0, 10**6), st.binary(min_size=1, max_size=6))
def test_a_harmed_archive_gives_what_is_whole_or_a_reason(
    zipped: bool, at: int, other: bytes
) -> None:
    content = bytearray(ZIPPED if zipped else TAPED)
    at %= len(content)
    content[at : at + len(other)] = other
    file = SCRATCH / "harmed"
    file.write_bytes(content)
    if is_archive(file):
        try:
            for member in members(file):
                assert isinstance(member.content, bytes | ImportFault)
                assert member.name.isprintable()
        except ImportFault as fault:
            assert str(fault)


def _archives() -> tuple[bytes, bytes]:
    zipped, taped = BytesIO(), BytesIO()
    with ZipFile(zipped, "w", ZIP_DEFLATED) as archive:
        for name in ("a.csv", "b/c.csv"):
            archive.writestr(name, stroke_csv())
    with tarfile.open(fileobj=taped, mode="w:gz") as tape:
        for name in ("a.csv", "b/c.csv"):
            member = tarfile.TarInfo(name)
            member.size = len(stroke_csv())
            tape.addfile(member, BytesIO(stroke_csv()))
    return zipped.getvalue(), taped.getvalue()


ZIPPED, TAPED = _archives()
SCRATCH = Path()


@pytest.fixture(autouse=True, scope="module")
def _scratch(tmp_path_factory: pytest.TempPathFactory) -> None:
    global SCRATCH
    SCRATCH = tmp_path_factory.mktemp("harmed")


def test_a_name_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    bad, good = tmp_path / "a\x1b[2J.csv", tmp_path / "b\x07.csv"
    bad.write_bytes(b"hello")
    good.write_bytes(stroke_csv())
    told = run("import", bad, good, "--db", tmp_path / "i.db")
    assert told.returncode == 1
    assert not set(told.stdout + told.stderr) & {"\x1b", "\x07"}


def test_a_harmed_file_among_good_ones_hurts_none_of_them(tmp_path: Path) -> None:
    for name, content in (("a", stroke_csv()), ("b", WHOLE[:60]), ("c", tcx_file())):
        (tmp_path / name).write_bytes(content)
    done = import_files(tmp_path / "i.db", [tmp_path / name for name in "abc"])
    assert [one.sessions for one in done] == [(1,), (), (2,)]
    with open_reader(tmp_path / "i.db") as reader:
        assert len(reader.sessions()) == 2


HEAD, *STROKES = stroke_csv().decode().split("\n")
SEASON = '"Date","Work Time (Seconds)","Work Distance","Comments"\n'
ENTRY = '"2026-01-02 03:04:05","480","2000",""\n'


def zipped(name: str = "a.csv", content: bytes = stroke_csv()) -> bytes:
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()


def locked() -> bytes:
    content = bytearray(zipped())
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.find(magic) + at] |= 1
    return bytes(content)


REFUSED = [
    ("locked.zip", locked(), "locked.zip/a.csv is locked by a password."),
    ("method.zip", zipped().replace(b"\x08\x00", b"\x63\x00"), "packed in a way that"),
    ("half.zip", zipped()[:-30], "half.zip is no whole archive: it is damaged, or a part of it"),
    ("inner.zip", zipped("in.zip", zipped()), "inner.zip/in.zip is a zip within another archive"),
    ("tar.zip", zipped("in.tar", bytes(257) + b"ustar"), "in.tar is a tar within another archive"),
    ("twice.gz", gzip.compress(gzip.compress(stroke_csv())), "twice.gz is a gzip within another"),
    ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(50), "packed by 7-Zip, which rowlog does not open"),
    ("a.rar", b"Rar!\x1a\x07" + bytes(50), "packed by rar"),
    ("nul.csv", stroke_csv().replace(b"\n3,", b"\n3\0,"), "line 4 holds a NUL character"),
    ("quote.csv", stroke_csv().replace(b"\n3,", b'\n"3,'), "line 4 opens a quote that it does"),
    ("cell.csv", f"{HEAD}\n1,2,{'1' * 200_000}".encode(), "a cell of more than 131,072 characters"),
    ("season.csv", (SEASON + ENTRY.replace('""', '"') + ENTRY * 3).encode(),
     "a quote is not closed"),
    ("wide.csv", (SEASON + ENTRY.replace('""', '"","a"')).encode(), "line 2 has more cells than"),
    ("bare.csv", SEASON.encode(), "has no row below its first line"),
    ("metres.csv", stroke_csv(last="10,30,5,24,130"), "line 11 has fewer metres than the one"),
    ("clock.csv", stroke_csv(last="10,1,99,24,130"), "its clock begins again in line 11"),
    ("blank.csv", b" \n\n", "blank.csv is empty"),
    ("ebcdic.tcx", b'<?xml version="1.0" encoding="cp037"?>' + tcx_file().split(b"?>", 1)[1],
     'says that it is written in "cp037", as no TCX file is'),
    ("latin.tcx", tcx_file().replace(b"</Activity>", b"<Notes>\xfc</Notes></Activity>"),
     "is not written in utf-8"),
    ("deep.tcx", tcx_file().replace(b"</Activity>", b"<a>" * 2000), "1,000 elements within one"),
    ("text.tcx", tcx_file().replace(b"</Activity>", b"x" * 1_000_001), "1,000,000 characters in"),
    ("years.frames", ("# rowlog-frames 1\n# source: strap heart_rate\n" + "".join(
        f"{n * 80_000}.0 strap 2a37 0050\n" for n in range(1000))).encode(),
     "years.frames is a recording of 925 days, which no workout reaches"),
    ("course.tcx", b"<TrainingCenterDatabase/>", "is a TCX without an activity"),
    ("hole.fit", WHOLE[:100] + bytes(200) + WHOLE[300:], "it makes no sense at byte"),
    ("many.fit", WHOLE * 501, "holds more than 500 workouts"),
    ("laps.tcx", tcx_file().replace(b"</Activity>", b"<Lap/>" * 2001 + b"</Activity>"),
     "holds more than 2,000 laps"),
]  # fmt: skip


def everything(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables."""
    with closing(sqlite3.connect(database)) as db:
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {
            name: sorted(db.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr)
            for (name,) in tables
        }


def test_what_is_refused_says_why_and_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    database, good = tmp_path / "i.db", tmp_path / "good.csv"
    good.write_bytes(stroke_csv())
    import_files(database, [good])
    before = everything(database)
    files = []
    for name, content, _ in REFUSED:
        files.append(tmp_path / name)
        files[-1].write_bytes(content)
    done = import_files(database, files)
    looks = preview_files(database, files)
    assert everything(database) == before
    for one, look, (name, _, sentence) in zip(done, looks, REFUSED, strict=True):
        assert sentence in (one.fault or ""), name
        assert look.fault == one.fault
        assert one.sessions == ()


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for file, why in ((tmp_path / "pipe", "is no file"), (Path("/dev/zero"), "is no file"),
                      (tmp_path / "nowhere.csv", "cannot be read")):  # fmt: skip
        (done,) = import_files(tmp_path / "i.db", [file])
        assert why in (done.fault or "")


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_file_that_is_cut_anywhere_is_read_or_refused(name: str) -> None:
    content = GOOD[name]
    step = max(64, len(content) // 40)
    for length in range(0, len(content), step):
        taken_or_refused(content[:length])


def test_a_comment_of_a_season_may_go_on_in_the_next_line() -> None:
    text = SEASON + ENTRY.replace('""', '"hard, ""really""\nhard"') + ENTRY
    first, _ = imports.read("s.csv", text.encode())
    assert first.note == 'hard, "really"\nhard'


def test_a_fault_of_our_own_costs_one_file_and_no_other(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)

    def work(name: str, content: bytes, dated: datetime) -> int:
        return 10 // (content[0] - ord("b"))

    done = list(read_all([tmp_path / name for name in "abc"], work))
    assert [one.found for one in done] == [-10, None, 10]
    assert "b holds what rowlog did not foresee (ZeroDivisionError: " in (done[1].fault or "")


def test_as_many_pieces_as_there_may_be_come_in(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    head = "TimeStamp (sec),lapIdx,ElapsedTime (sec),Horizontal (meters)\n"
    rows = (f"{10**9 + 3 * n},{n // 2},{3 * n},{12 * n}\n" for n in range(2 * MOST_LAPS))
    file.write_text(head + "".join(rows))
    (look,) = preview_files(tmp_path / "i.db", [file])
    assert [len(one.pieces) for one in look.workouts] == [MOST_LAPS]
    file.write_text(file.read_text() + f"2000000000,{MOST_LAPS},99999,99999\n")
    (look,) = preview_files(tmp_path / "i.db", [file])
    assert "holds more than 2,000 pieces, which no workout does" in (look.fault or "")
