"""A fault in the write-ahead log: what SQLite would drop without a word is kept, or told."""

from __future__ import annotations

import json
import os
import sqlite3
import struct
import warnings
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.notation import parse
from rowlog.rebuild import recover
from rowlog.recovering import make_way, recover_database
from rowlog.simulating import script_for
from rowlog.store import Store
from rowlog.store_check import check
from rowlog.store_log import FRAME_HEAD_BYTES, HEAD_BYTES, checksum, last_commit, read_log
from rowlog.store_mending import MARK, FaultyLogWarning, look
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.device import deliveries
from rowlog_drivers.frames import Frame
from rowlog_drivers.simulator import simulate
from tests.support import run

STARTED_AT: Final = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
STEP: Final = FRAME_HEAD_BYTES + 4096
FLIPS: Final = 400 if os.environ.get("ROWLOG_FAULTS") == "full" else 40
"""How many bits are flipped, one at a time."""
FRAMES: Final = 240
"""Of a recording: all of it, or so many."""


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, list[Frame]]:
    """A database and its log as a kill leaves them, and the frames that were committed."""
    path = tmp_path_factory.mktemp("killed") / "rowlog.db"
    simulation = simulate(script_for(parse("200m")), seed=3)
    frames = list(simulation.frames)[:FRAMES]
    with Store.open_writer(path):
        pass
    with Store.open_writer(path) as store:
        number = store.begin_session(
            started_at=STARTED_AT, plan="200m", athlete="Ida", activity="row",
            sources=[
                Source(name=one.name, driver=one.driver, options=one.options)
                for one in simulation.sources
            ],
        )  # fmt: skip
        for frame in deliveries(frames, make_decoding(simulation.sources)):
            store.append(number, [frame], [])
        return path.read_bytes(), path.with_name("rowlog.db-wal").read_bytes(), frames


def put(folder: Path, content: bytes, log: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "rowlog.db"
    path.write_bytes(content)
    path.with_name("rowlog.db-wal").write_bytes(log)
    return path


def frames_of(path: Path) -> list[Frame]:
    with open_reader(path) as reader:
        return list(reader.read_frames(1)) if reader.sessions() else []


def flipped(log: bytes, place: int, bit: int) -> bytes:
    bad = bytearray(log)
    bad[place] ^= 1 << bit
    return bytes(bad)


def test_a_flipped_bit_in_the_log_loses_nothing(
    killed: tuple[bytes, bytes, list[Frame]],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    content, log, frames = killed
    random = Random("bits")
    # Some in the log's header, some in the last frame, which nothing follows.
    places = [*range(16, 28, 2), *(len(log) - random.randrange(STEP) for _ in range(4))]
    places += [random.randrange(len(log)) for _ in range(FLIPS - len(places))]
    mended = 0
    for number, place in enumerate(places):
        path = put(tmp_path / str(number), content, flipped(log, place, random.randrange(8)))
        bad = path.with_name("rowlog.db-wal").read_bytes()
        if look(path) is None:  # of the last commit not every bit can be told from a torn end
            assert place >= len(log) - STEP
            assert frames_of(path) == frames[:-1]
            continue
        assert not check(path).ok
        assert path.with_name("rowlog.db-wal").read_bytes() == bad  # checking changes nothing
        with pytest.warns(FaultyLogWarning) as told, Store.open_writer(path):
            pass
        (kept,) = path.parent.glob(f"*{MARK}*")
        assert kept.read_bytes() == bad
        assert str(kept) in str(told[0].message)
        mended += "nothing is lost" in str(told[0].message)
        got = frames_of(path)
        assert got == frames or f", {len(frames) - len(got)} are lost" in str(told[0].message)
        assert check(path).ok or got != frames
        with warnings.catch_warnings(action="error"), Store.open_writer(path):
            pass
    record_property("measured", f"{FLIPS} bits flipped, {mended} put right")
    # The highest bits of a word in a page that is not written again can be any of several.
    assert mended >= 0.9 * FLIPS


def test_without_care_sqlite_drops_what_follows(
    killed: tuple[bytes, bytes, list[Frame]], tmp_path: Path
) -> None:
    """The reason for all of this: no error, no word, half of the recording gone."""
    content, log, frames = killed
    path = put(tmp_path, content, flipped(log, len(log) // 2, 1))
    with closing(sqlite3.connect(path)) as db:
        (count,) = db.execute("SELECT count(*) FROM frames").fetchone()
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert 0 < count < 0.75 * len(frames)


@pytest.mark.parametrize("part", ["a sector", "a page", "a frame's head", "two frames"])
def test_what_follows_a_destroyed_part_of_the_log_is_brought_back(
    killed: tuple[bytes, bytes, list[Frame]], tmp_path: Path, part: str
) -> None:
    content, log, frames = killed
    random = Random(part)
    bad = bytearray(log)
    start = HEAD_BYTES + (len(log) // STEP // 2) * STEP
    at, length = {
        "a sector": (start + FRAME_HEAD_BYTES + 3584, 512),
        "a page": (start + FRAME_HEAD_BYTES, 4096),
        "a frame's head": (start, 8),
        "two frames": (start + FRAME_HEAD_BYTES + 1000, STEP),
    }[part]
    bad[at : at + length] = random.randbytes(length)
    if part == "two frames":
        bad[start + STEP + 8 : start + STEP + 16] = log[16:24]  # their salts are left
    path = put(tmp_path, content, bytes(bad))
    with pytest.warns(FaultyLogWarning, match="is destroyed") as told, Store.open_writer(path):
        pass
    got = frames_of(path)
    text = str(told[0].message)
    # The page that held them was written again with each later frame, until it was full.
    missing = len(frames) - len(got)
    assert missing <= 0.25 * len(frames)
    assert [one for one in frames if one in got] == got
    assert got[-1] == frames[-1]
    assert (f"{missing} are lost" in text) == (missing > 0)
    assert "Of session 1 " in text
    assert check(path).ok
    # What is brought back can be made a session of.
    with Store.open_writer(path) as store:
        assert recover(store) == [1]


def test_a_session_that_only_the_lost_part_knows_comes_back(
    killed: tuple[bytes, bytes, list[Frame]], tmp_path: Path
) -> None:
    content, log, frames = killed
    bad = bytearray(log)
    bad[HEAD_BYTES + FRAME_HEAD_BYTES : HEAD_BYTES + STEP] = bytes(4096)
    path = put(tmp_path, content, bytes(bad))
    with pytest.warns(FaultyLogWarning, match="Of session 1 "), Store.open_writer(path):
        pass
    assert frames_of(path) == frames
    with open_reader(path) as reader:
        session = reader.session(1)
        assert session.started_at == STARTED_AT
        assert [source.driver for source in session.sources] == ["ftms", "heart_rate"]


def test_a_torn_end_is_no_fault(killed: tuple[bytes, bytes, list[Frame]], tmp_path: Path) -> None:
    content, log, frames = killed
    random = Random("torn")
    lengths = []
    for number in range(32):
        end = random.randrange(len(log) + 1)
        torn = log[:end]
        kind = number % 4
        if kind == 1:  # the file has its length, but not all of what was written
            torn += bytes(len(log) - end)
        elif kind == 2:
            torn += random.randbytes(len(log) - end)
        elif kind == 3:  # sectors of the last commits in any order, as a disk writes them
            torn_at = len(log) - random.randrange(2 * STEP)
            torn = log[:torn_at] + bytes(512) + log[torn_at + 512 :]
            torn = torn[: len(log)]
        path = put(tmp_path / str(number), content, torn)
        assert look(path) is None
        with warnings.catch_warnings(action="error"):
            assert make_way(path) is None
            Store.open_writer(path).close()
        got = frames_of(path)
        assert got == frames[: len(got)]
        lengths.append(len(got))
        assert sorted(path.parent.glob(f"*{MARK}*")) == []
    assert len(set(lengths)) > 12


def test_what_a_shorter_round_of_the_log_left_behind_is_no_fault(tmp_path: Path) -> None:
    """The log is begun anew from its start when all of it is in the database."""
    path = tmp_path / "rowlog.db"
    with Store.open_writer(path) as store:
        number = store.begin_session(
            started_at=STARTED_AT, plan=None, athlete=None, activity="row", sources=[]
        )
        for count in range(20):
            store.set_note(number, "x" * 3000 + str(count))
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0] == 0
        store.set_note(number, "short")
        copied = put(
            tmp_path / "copy", path.read_bytes(), path.with_name("rowlog.db-wal").read_bytes()
        )
    log = copied.with_name("rowlog.db-wal").read_bytes()
    assert last_commit(log) < len(log) // STEP
    assert look(copied) is None
    with open_reader(copied) as reader:
        assert reader.session(number).note == "short"
    # And one that was undone after it had been written in part is none either.
    assert read_log(log).beyond == ()


def test_a_reader_that_goes_on_keeps_nothing_from_coming_back(
    killed: tuple[bytes, bytes, list[Frame]], tmp_path: Path
) -> None:
    content, log, frames = killed
    path = put(tmp_path, content, flipped(log, len(log) // 2, 1))
    with open_reader(path) as reader:
        before = list(reader.read_frames(1))
        assert len(before) < len(frames)
        with pytest.warns(FaultyLogWarning, match="are brought back"), Store.open_writer(path):
            pass
        assert list(reader.read_frames(1)) == frames
    assert check(path).ok


def test_the_commands_tell_and_mend_it(
    killed: tuple[bytes, bytes, list[Frame]], tmp_path: Path
) -> None:
    content, log, frames = killed
    path = put(tmp_path, content, flipped(log, len(log) // 2, 1))
    done = run("db", "check", "--db", path)
    assert (done.returncode, "had flipped" in done.stdout) == (1, True)
    assert "Mend it with: rowlog db recover" in done.stdout
    done = run("db", "recover", "--db", path, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["damaged"] is None
    assert "It is mended, and nothing is lost." in done.stderr
    assert run("db", "check", "--db", path).returncode == 0
    assert frames_of(path) == frames


def test_a_log_beside_a_damaged_database_is_mended_on_the_way(
    killed: tuple[bytes, bytes, list[Frame]], tmp_path: Path
) -> None:
    content, log, frames = killed
    path = put(tmp_path, bytes(100) + content[100:], flipped(log, len(log) // 2, 1))
    recover_database(tmp_path / "new.db", path)
    assert frames_of(tmp_path / "new.db") == frames


@given(st.binary(max_size=3 * STEP))
def test_any_bytes_are_a_log_or_none(content: bytes) -> None:
    last_commit(content)
    assert read_log(content).frames == ()


@given(st.data())
def test_any_bytes_behind_a_true_beginning_are_read(data: st.DataObject) -> None:
    head = struct.pack(">6I", 0x377F0682, 3007000, 512, 0, 1, 2)
    head += struct.pack(">2I", *checksum(head, "<", (0, 0)))
    tail = data.draw(st.binary(max_size=1200))
    salted = tail[:8] + head[16:24] + tail[16:]
    last_commit(head + salted)
    read_log(head + salted)


@pytest.mark.parametrize(
    ("early", "late", "checkpointed"),
    [(0.3, 0.6, False), (0.02, 0.3, False), (0.02, 0.3, True), (0.05, 0.8, True)],
)
def test_a_bit_before_a_destroyed_part_makes_nothing_worse(
    killed: tuple[bytes, bytes, list[Frame]],
    tmp_path: Path,
    early: float,
    late: float,
    checkpointed: bool,
) -> None:
    """A log that is mended up to somewhere lays old pages over newer ones of the database."""
    content, log, frames = killed
    if checkpointed:  # all of the log is in the file, and the log was not begun anew
        with closing(sqlite3.connect(put(tmp_path / "before", content, log))) as db:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            content = (tmp_path / "before" / "rowlog.db").read_bytes()
    count = last_commit(log)
    bad = bytearray(log)
    bad[HEAD_BYTES + int(count * early) * STEP + 2000] ^= 1
    page = HEAD_BYTES + int(count * late) * STEP + FRAME_HEAD_BYTES
    bad[page : page + 4096] = bytes(4096)
    alone = frames_of(put(tmp_path / "alone", content, bytes(bad)))
    path = put(tmp_path / "mended", content, bytes(bad))
    with pytest.warns(FaultyLogWarning, match="is destroyed") as told, Store.open_writer(path):
        pass
    assert "nothing is lost" not in str(told[0].message)
    got = frames_of(path)
    assert len(got) == len(set(got)) >= len(alone)
    assert set(got) <= set(frames)
    assert [frame.t_ns for frame in got] == sorted(frame.t_ns for frame in got)
    if checkpointed:
        assert got == frames
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert check(path).ok
