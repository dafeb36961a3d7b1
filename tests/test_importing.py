"""How an import lies in the database: packed by who reads the file, and close at once."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rowlog import archive
from rowlog.importing import import_files
from rowlog.importing_sessions import parts_of
from rowlog.store import Store
from rowlog.store_pack import blocks_of, pack_rows
from rowlog.store_read import open_reader
from rowlog_drivers.frames import Frame

STROKES = "\n".join(
    [
        '"Stroke Number","Time (seconds)","Distance (meters)","Stroke Rate","Heart Rate"',
        *(f"{n},{n * 2.5:.1f},{n * 10.0:.1f},24,{120 + n % 50}" for n in range(1, 2001)),
    ]
).encode()


def frames(count: int, size: int = 10) -> list[Frame]:
    return [
        Frame(t_ns=n * 1000, source="file", channel="sample", payload=n.to_bytes(size, "big"))
        for n in range(count)
    ]


def pages(path: Path) -> int:
    """The pages that hold something."""
    with closing(sqlite3.connect(path)) as db:
        ((count,), (free,)) = (
            db.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "freelist_count")
        )
    return int(count - free)


def test_frames_are_packed_by_who_reads_the_file(tmp_path: Path) -> None:
    (part,) = parts_of("x.csv", STROKES, datetime(2026, 1, 1, tzinfo=UTC), None, frozenset())
    (whole,) = part.wholes
    (tmp_path / "x.csv").write_bytes(STROKES)
    import_files(tmp_path / "a.db", [tmp_path / "x.csv"])
    with open_reader(tmp_path / "a.db") as reader:
        assert tuple(reader.read_frames(1)) == whole.frames
    with closing(sqlite3.connect(tmp_path / "a.db")) as db:
        assert db.execute("SELECT count(*) FROM frames").fetchone() == (0,)
        assert db.execute("SELECT first_seq, last_seq, payload FROM frame_blocks").fetchall() == [
            (0, len(whole.frames) - 1, whole.blocks[0].payload)
        ]


def test_rows_lie_as_close_as_they_can(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(STROKES)
    path = tmp_path / "a.db"
    import_files(path, [tmp_path / "x.csv"])
    before = pages(path)
    with closing(sqlite3.connect(path)) as db, db:
        pack_rows(db, 1)
    assert before <= pages(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*), min(number), max(number) FROM strokes").fetchone() == (
            (2000, 1, 2000)
        )


def test_blocks_end_where_they_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowlog.store_pack.BLOCK_FRAMES", 40)
    monkeypatch.setattr("rowlog.store_pack.BLOCK_BYTES", 300)
    assert list(blocks_of([])) == []
    # Of 5 bytes each: 40 frames. Of 10: 30, since 31 would be more than 300 bytes.
    for size, most in ((5, 40), (10, 30)):
        made = list(blocks_of(frames(100, size)))
        assert [block.frame_count for block in made] == [*[most] * (100 // most), 100 % most]
        assert [frame for block in made for frame in block.frames] == frames(100, size)
        assert (made[1].first_t_ns, made[1].last_t_ns) == (most * 1000, (2 * most - 1) * 1000)
    # One that is too large by itself is a block of its own.
    assert [block.frame_count for block in blocks_of(frames(3, 301))] == [1, 1, 1]


def test_a_file_whose_frames_do_not_come_back_is_refused_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(given: list[Frame]) -> bytes:
        late = 1 if len(given) > 1000 else 0
        return archive.encode_block([replace(frame, late_ns=late) for frame in given])

    monkeypatch.setattr("rowlog.store_pack.encode_block", wrong)
    (tmp_path / "x.csv").write_bytes(STROKES)
    (tmp_path / "y.csv").write_bytes(STROKES[:2000].rpartition(b"\n")[0])
    long, short = import_files(tmp_path / "a.db", [tmp_path / "x.csv", tmp_path / "y.csv"])
    assert long.fault is not None
    assert "x.csv cannot be kept: its frames do not come back as they were" in long.fault
    assert short.sessions == (1,)
    with Store.open_writer(tmp_path / "a.db") as store:
        assert store.closed_sessions() == [1]


def test_the_bar_is_there_at_once_and_goes_when_all_is_done(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")  # a terminal to draw on
    from tests.terminal import InTerminal

    folder = tmp_path / "in"
    folder.mkdir()
    for n in range(2):
        (folder / f"{n}.csv").write_bytes(STROKES[: 2000 + 500 * n].rpartition(b"\n")[0])
    with InTerminal("import", folder, "--db", tmp_path / "a.db") as terminal:
        assert terminal.end() == 0
        shown = terminal.lines()
    assert re.findall(r"\[[= ]{40}\][^\r]*", terminal.raw.decode()) == [
        f"[{' ' * 40}] 0 of 2 files, 0 sessions",
        f"[{'=' * 20}{' ' * 20}] 1 of 2 files, 1 session",
        f"[{'=' * 40}] 2 of 2 files, 2 sessions",
    ]
    assert [line for line in shown if ".csv" in line] == ["0.csv: session 1.", "1.csv: session 2."]
    assert not any(line.startswith("[") for line in shown)
