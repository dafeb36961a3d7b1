"""A damaged database: recording goes on in a new one, and what can be read comes back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest

from rowlog import recovering
from rowlog.editing import delete_sessions, undo
from rowlog.merging import merge_sessions
from rowlog.notation import parse
from rowlog.rebuild import rebuild
from rowlog.recovering import begin_anew, make_way, recover_database
from rowlog.replaying import record_frames
from rowlog.simulating import script_for
from rowlog.spilling import Spill, is_spilled, take_in
from rowlog.store import Store
from rowlog.store_backup import backup
from rowlog.store_check import check
from rowlog.store_damage import damaged_beside, fault_of
from rowlog.store_edits import read_changes
from rowlog.store_errors import NoDatabaseError, SecondWriterError, StoreError
from rowlog.store_pages import DamagedFile
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog.store_salvage import Salvaged
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.device import deliveries
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame, FramesHeader
from rowlog_drivers.simulator import simulate
from tests.support import Locked, Process, rows, run

PLAN = "2x100m/0:10r"
STARTED_AT = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
DAMAGES = 18
"""How many different damages are tried."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two closed sessions with notes, one that a crash left open."""
    path = tmp_path_factory.mktemp("original") / "rowlog.db"
    for number in (1, 2):
        simulation = simulate(script_for(parse(PLAN)), seed=number)
        header = FramesHeader(
            sources=simulation.sources, started_at=STARTED_AT.replace(day=number), note="säätö"
        )
        record_frames(simulation.frames, header, path, plan=parse(PLAN), athlete="Ida")
    simulation = simulate(script_for(parse(PLAN)), seed=3)
    with Store.open_writer(path) as store:
        store.edit_tags(1, ["test"], [], STARTED_AT)
        number = store.begin_session(
            started_at=STARTED_AT, plan=PLAN, athlete="Ida", activity="row",
            sources=[],
        )  # fmt: skip
        store.add_sources(
            number,
            [
                Source(name=source.name, driver=source.driver, options=source.options)
                for source in simulation.sources
            ],
        )
        some = list(simulation.frames)[:200]
        store.append(number, list(deliveries(some, make_decoding(simulation.sources))), [])
    return path


@pytest.fixture
def copied(original: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    path = tmp_path / "rowlog.db"
    backup(original, path)
    return path


def frames_of(path: Path) -> dict[int, list[Frame]]:
    with open_reader(path) as reader:
        return {one.id: list(reader.read_frames(one.id)) for one in reader.sessions()}


def damaged(content: bytes, seed: int) -> bytes:
    """The file's bytes after something happened to them."""
    random = Random(f"damage {seed}")
    bad = bytearray(content)
    kind = ("bits", "cut", "zeros", "header", "page", "bits")[seed % 6]
    if kind == "bits":
        for _ in range(random.choice([1, 10, 100])):
            bad[random.randrange(len(bad))] ^= 1 << random.randrange(8)
    elif kind == "cut":
        bad = bad[: random.randrange(1, len(bad))]
    elif kind == "header":
        bad[:100] = random.randbytes(100)
    else:
        start = random.randrange(len(bad) // 4096) * 4096
        bad[start : start + 4096] = random.randbytes(4096) if kind == "page" else bytes(4096)
    return bytes(bad)


@pytest.fixture(scope="module")
def whole(original: Path) -> dict[int, list[Frame]]:
    """The frames of the original."""
    return frames_of(original)


def test_what_can_be_read_comes_back_whatever_was_damaged(
    original: Path, whole: dict[int, list[Frame]], tmp_path: Path
) -> None:
    backup(original, tmp_path / "copy.db")
    content = (tmp_path / "copy.db").read_bytes()
    frames = sum(map(len, whole.values()))
    came_back = []
    for seed in range(DAMAGES):
        bad, new = tmp_path / f"{seed}.db", tmp_path / f"{seed}-new.db"
        bad.write_bytes(damaged(content, seed))
        before = bad.read_bytes()
        done = recover_database(new, bad)
        assert bad.read_bytes() == before
        assert check(new).problems == ()
        with open_reader(new) as reader:
            for session in done.sessions:
                got = list(reader.read_frames(session.id))
                assert len(got) == session.frames
                if session.was == 3:  # rows have no checksum: a bit more or less passes unseen
                    assert len(got) <= len(whole[3])
                elif session.frames_lost == 0:
                    assert got == whole[session.was]
                else:
                    assert [one for one in got if one in whole[session.was]] == got
        came_back.append(sum(one.frames for one in done.sessions) / frames)
    # A cut loses what lay behind it; all else costs a session's block at most, mostly nothing.
    assert sum(share > 0.99 for share in came_back) >= 0.6 * DAMAGES
    assert sum(share > 0.3 for share in came_back) >= 0.85 * DAMAGES


def test_what_came_back_is_what_was_there(
    copied: Path, original: Path, whole: dict[int, list[Frame]], tmp_path: Path
) -> None:
    content = bytearray(copied.read_bytes())
    content[:100] = bytes(100)
    copied.write_bytes(content)
    new = tmp_path / "new.db"
    done = recover_database(new, copied)
    assert [(one.id, one.was, one.frames_lost) for one in done.sessions] == [
        (1, 1, 0), (2, 2, 0), (3, 3, 0),
    ]  # fmt: skip
    assert frames_of(new) == whole
    for number in (1, 2):
        assert rows(new, number) == rows(original, number)
    with open_reader(new) as reader:
        told = [(one.athlete, one.note, one.status, one.plan) for one in reader.sessions()]
    assert told == [
        ("Ida", None, "recovered", PLAN),
        ("Ida", "säätö", "complete", PLAN),
        ("Ida", "säätö", "complete", PLAN),
    ]
    with closing(sqlite3.connect(new)) as db:
        assert db.execute("SELECT session_id, tag FROM tags").fetchall() == [(1, "test")]
    # A second time there is nothing to add.
    again = recover_database(new, copied)
    assert (again.sessions, again.already_there) == ((), 3)


def state_of(path: Path) -> list[list[tuple[object, ...]]]:
    """Which sessions are in sight, merged and tagged."""
    with closing(sqlite3.connect(path)) as db:
        return [
            db.execute(query).fetchall()
            for query in (
                "SELECT id, deleted_at IS NULL FROM sessions ORDER BY id",
                "SELECT session_id, into_session_id, offset_ns FROM merges ORDER BY session_id",
                "SELECT session_id, tag FROM tags",
            )
        ]


def test_what_was_changed_can_be_undone_as_before(copied: Path, tmp_path: Path) -> None:
    """Of a file that has lost its header; in the second one two sessions have other numbers."""
    rebuild(copied)  # closes what a crash left open
    delete_sessions(copied, [3])
    merged = merge_sessions(copied, [1, 2], plan=PLAN).session
    changes = read_changes(copied, 10)
    assert [change.kind for change in changes] == ["merge", "delete", "tags"]
    undamaged = tmp_path / "undamaged.db"
    backup(copied, undamaged)
    content = bytearray(copied.read_bytes())
    content[:100] = bytes(100)
    copied.write_bytes(content)
    new = tmp_path / "new.db"
    recover_database(new, copied)
    assert read_changes(new, 10) == changes
    assert state_of(new) == state_of(undamaged)
    for _ in changes:
        undo(new, None)
        undo(undamaged, None)
        assert state_of(new) == state_of(undamaged)
    other = tmp_path / "other.db"
    simulation = simulate(script_for(parse(PLAN)), seed=9)
    header = FramesHeader(sources=simulation.sources, started_at=STARTED_AT.replace(year=2025))
    assert record_frames(simulation.frames, header, other, plan=parse(PLAN)) == 1
    with Store.open_writer(other) as store:
        store.edit_tags(1, ["mine"], [], STARTED_AT.replace(hour=20))
    done = recover_database(other, copied)
    now = {one.was: one.id for one in done.sessions}
    assert now[1] != 1
    merge, delete, tags, mine = read_changes(other, 10)
    assert (merge.sessions, delete.sessions) == ([now[merged]], [now[3]])
    assert merge.edits[0].before == {"sessions": [now[1], now[2]]}
    assert (tags.sessions, mine.sessions) == ([now[1]], [1])


def test_sessions_of_one_start_or_of_none_all_come_back(
    original: Path, whole: dict[int, list[Frame]], tmp_path: Path
) -> None:
    """One was replayed twice; and nobody knows when those began whose rows are destroyed."""
    path = tmp_path / "rowlog.db"
    backup(original, path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE sessions SET started_at = (SELECT min(started_at) FROM sessions)")
        (root,) = db.execute(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'sessions'"
        ).fetchone()
    content = path.read_bytes()
    for number, bad in enumerate((
        bytes(100) + content[100:],
        content[: (root - 1) * 4096] + bytes(4096) + content[root * 4096 :],
    )):  # fmt: skip
        file, new = tmp_path / f"bad{number}.db", tmp_path / f"new{number}.db"
        file.write_bytes(bad)
        assert [one.was for one in recover_database(new, file).sessions] == [1, 2, 3]
        assert frames_of(new) == whole
        again = recover_database(new, file)
        assert (again.sessions, again.already_there) == ((), 3)
        assert frames_of(new) == whole


def test_a_recovery_that_was_broken_off_is_ended_by_the_next(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, new = tmp_path / "bad.db", tmp_path / "new.db"
    backup(original, bad)
    close = recovering._close

    def broken_off(store: Store, number: int, session: Salvaged) -> None:
        if number == 2:
            raise KeyboardInterrupt
        close(store, number, session)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("rowlog.recovering._close", broken_off)
        recover_database(new, bad)
    done = recover_database(new, bad)
    assert ([one.was for one in done.sessions], done.already_there) == ([2, 3], 1)
    for number in (1, 2):
        with open_reader(original) as before, open_reader(new) as after:
            assert after.session(number).status == before.session(number).status == "complete"
            assert after.session(number).totals == before.session(number).totals
        assert rows(new, number) == rows(original, number)


def test_a_session_whose_frames_are_lost_keeps_its_figures(
    copied: Path, original: Path, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(copied)) as db:
        db.execute("UPDATE frame_blocks SET payload = zeroblob(100) WHERE session_id = 1")
        db.commit()
    new = tmp_path / "new.db"
    hurt, *others = recover_database(new, copied).sessions
    assert (hurt.id, hurt.frames) == (1, 0)
    assert hurt.frames_lost
    assert [one.frames_lost for one in others] == [0, 0]
    before, after = rows(original, 1), rows(new, 1)
    assert after == before
    assert check(new).ok
    shown = run("show", "1", "--db", new)
    assert shown.returncode == 0, shown.stderr
    assert PLAN in shown.stdout


def test_what_only_the_log_holds_comes_back_too(original: Path, tmp_path: Path) -> None:
    """A computer that crashed leaves its last minutes in the write-ahead log."""
    path = tmp_path / "rowlog.db"
    backup(original, path)
    with Store.open_writer(path) as store, open_reader(path) as reader:
        more = list(reader.read_frames(3))
        new = [replace(more[-1], t_ns=more[-1].t_ns + n * 10**9) for n in (1, 2, 3)]
        store.append(3, list(deliveries(new, make_decoding(()))), [])
        files = {name: path.with_name(name).read_bytes() for name in ("rowlog.db", "rowlog.db-wal")}
    assert len(files["rowlog.db-wal"]) > 4096
    bad = tmp_path / "bad.db"
    bad.write_bytes(bytes(100) + files["rowlog.db"][100:])
    bad.with_name("bad.db-wal").write_bytes(files["rowlog.db-wal"])
    done = recover_database(tmp_path / "new.db", bad)
    assert frames_of(tmp_path / "new.db")[3] == [*more, *new]
    assert [one.frames_lost for one in done.sessions] == [0, 0, 0]
    # A log whose end is torn gives what was committed before.
    torn = bytearray(files["rowlog.db-wal"])
    torn[-2000:] = bytes(2000)
    bad.with_name("bad.db-wal").write_bytes(torn)
    with DamagedFile(bad) as file:
        assert file.page_count >= len(files["rowlog.db"]) // 4096


def test_recording_goes_on_in_a_new_database(copied: Path, tmp_path: Path) -> None:
    content = bytearray(copied.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 64] = b"\xff" * 64
    copied.write_bytes(content)
    done = run("record", "--rower", "sim:rower?speed=60", "--for", "1s", "--db", copied)
    assert done.returncode == 0, done.stderr
    (aside,) = damaged_beside(copied)
    assert aside.read_bytes() == bytes(content)
    assert f"It is kept as {aside}" in done.stderr
    assert f"rowlog db recover --db {copied}" in done.stderr
    with open_reader(copied) as reader:
        assert [one.status for one in reader.sessions()] == ["complete"]


def test_two_recorders_on_one_damaged_database_move_it_aside_once(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one has seen the damage before the first one begins anew, and acts after it."""
    copied.write_bytes(bytes(100) + copied.read_bytes()[100:])
    looked = 0

    def look(path: Path) -> str | None:
        nonlocal looked
        looked += 1
        fault = fault_of(path)
        if looked == 1:
            assert make_way(path) is not None  # the other recorder, between look and deed
            with Store.open_writer(path) as store:
                assert begin(store) == 4
        return fault

    monkeypatch.setattr("rowlog.recovering.fault_of", look)
    assert make_way(copied) is None
    assert looked > 2
    assert len(damaged_beside(copied)) == 1
    with Store.open_writer(copied) as store:
        assert store.open_sessions() == [4]
        with pytest.raises(SecondWriterError):
            begin_anew(copied, fault_of)
        assert begin(store) == 5


def begin(store: Store) -> int:
    return store.begin_session(
        started_at=STARTED_AT.replace(day=24), plan=None, athlete=None, activity="row", sources=[]
    )


@pytest.mark.parametrize("kind", ["cut", "header"])
def test_numbers_go_on_after_those_of_the_damaged_file(copied: Path, kind: str) -> None:
    if kind == "cut":
        with copied.open("r+b") as file:
            file.truncate(copied.stat().st_size - 4096)
    else:
        copied.write_bytes(bytes(4096) + copied.read_bytes()[4096:])
    assert fault_of(copied) is not None
    aside = make_way(copied)
    assert aside is not None
    with Store.open_writer(copied) as store:
        number = store.begin_session(
            started_at=STARTED_AT.replace(day=24), plan=None, athlete=None, activity="row",
            sources=[],
        )  # fmt: skip
    assert number == aside.last_number + 1 == 4


def test_the_commands(copied: Path, tmp_path: Path) -> None:
    made = run("db", "backup", tmp_path / "kept.db", "--db", copied)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("3 sessions, ")
    again = run("db", "backup", tmp_path / "kept.db", "--db", copied)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    nothing = run("db", "recover", "--db", copied)
    assert (nothing.returncode, "is whole" in nothing.stderr) == (2, True)
    copied.write_bytes(bytes(100) + copied.read_bytes()[100:])
    done = run("db", "recover", "--db", copied, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert [one["frames_lost"] for one in told["sessions"]] == [0, 0, 0]
    assert Path(told["damaged"]).is_file()
    assert told["fault"] == "its first page is destroyed"
    assert run("db", "check", "--db", copied).returncode == 0


def test_a_database_that_is_damaged_under_a_recording(
    copied: Path, whole: dict[int, list[Frame]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it held, and what the recording put into another folder then, are one session again."""
    monkeypatch.setattr("rowlog.spilling.data_folder", lambda: tmp_path / "elsewhere")
    before = whole[3]
    later = [replace(before[-1], t_ns=before[-1].t_ns + n * 10**9) for n in range(1, 50)]
    Spill(copied, 3, len(before), later).close()
    copied.write_bytes(bytes(100) + copied.read_bytes()[100:])
    assert make_way(copied) is not None
    recover_database(copied)
    assert frames_of(copied)[3] == [*before, *later]
    with open_reader(copied) as reader:
        assert reader.session(3).status == "recovered"
    assert not is_spilled(copied)


@pytest.mark.parametrize("fault", ["none", "a torn end", "a bad line", "another session"])
def test_a_file_that_was_not_read_to_its_end_is_kept(
    copied: Path,
    whole: dict[int, list[Frame]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: str,
) -> None:
    folder = tmp_path / "elsewhere"
    monkeypatch.setattr("rowlog.spilling.data_folder", lambda: folder)
    before = whole[3]
    later = [replace(before[-1], t_ns=before[-1].t_ns + n * 10**9) for n in range(1, 50)]
    spill = Spill(copied, 3, len(before), later)
    spill.close()
    lines = spill.path.read_text(encoding="utf-8").splitlines(keepends=True)
    if fault == "a torn end":
        lines[-1] = lines[-1][:9]
    elif fault == "a bad line":
        lines[-20] = "\x00" * 60 + "\n"
    elif fault == "another session":
        lines = [line.replace("2026-11-20", "2026-11-21") for line in lines]
    spill.path.write_text("".join(lines), encoding="utf-8")
    with Store.open_writer(copied) as store:
        taken = take_in(store)
    assert len(taken) == (fault != "another session")
    kept = {"none": 49, "a torn end": 48, "a bad line": 29, "another session": 0}[fault]
    assert frames_of(copied)[3] == [*before, *later[:kept]]
    assert is_spilled(copied) == (fault == "another session")
    left = [path.read_text(encoding="utf-8") for path in folder.glob("*.frames")]
    assert left == ([] if fault == "none" else ["".join(lines)])


def test_the_log_goes_aside_with_the_file(copied: Path) -> None:
    with Store.open_writer(copied) as store:
        store.set_note(3, "only in the log")
        content = copied.read_bytes(), copied.with_name("rowlog.db-wal").read_bytes()
    copied.write_bytes(bytes(100) + content[0][100:])
    copied.with_name("rowlog.db-wal").write_bytes(content[1])
    aside = make_way(copied)
    assert aside is not None
    assert aside.path.with_name(aside.path.name + "-wal").read_bytes() == content[1]
    assert check(copied).ok
    recover_database(copied)
    with open_reader(copied) as reader:
        assert reader.session(3).note == "only in the log"


@pytest.mark.parametrize("place", [18, 47])
def test_a_format_that_no_sqlite_writes_is_a_damage(copied: Path, place: int) -> None:
    Store.open_writer(copied).close()
    assert fault_of(copied) is None
    content = bytearray(copied.read_bytes())
    content[place] ^= 0xFF
    copied.write_bytes(content)
    done = run("record", "--rower", "sim:rower?speed=60", "--for", "1s", "--db", copied)
    assert done.returncode == 0, done.stderr
    assert "its first page is damaged" in done.stderr
    assert [one.was for one in recover_database(copied).sessions] == [1, 2, 3]


def test_another_programs_file_is_not_moved(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear rower, " * 500, encoding="utf-8")
    assert fault_of(path) is None
    photos = tmp_path / "photos.db"
    with closing(sqlite3.connect(photos)) as db:
        db.execute("CREATE TABLE photos (name)")
    assert fault_of(photos) is None
    done = run("record", "--rower", "sim:rower?speed=60", "--for", "1s", "--db", path)
    assert done.returncode == 1
    done = run("db", "recover", path, "--db", tmp_path / "a.db")
    assert (done.returncode, "No session was found in it" in done.stderr) == (1, True)
    assert path.read_text(encoding="utf-8").startswith("Dear rower")
    assert damaged_beside(path) == []


# Backups


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Process]:
    with Process(
        "record", "--rower", "sim:rower?speed=30", "--db", tmp_path / "live.db", "--json"
    ) as process:
        process.object(lambda moment: moment["frames_committed"] > 20)
        yield process


def test_a_backup_while_recording_is_whole_and_costs_no_frame(
    recording: Process, tmp_path: Path
) -> None:
    made = backup(tmp_path / "live.db", tmp_path / "kept.db")
    later = recording.object(lambda moment: moment["frames_committed"] > made.frames + 20)
    assert later["trouble"] is None
    assert made.sessions == 1
    assert made.frames >= 20
    assert check(made.path).ok
    with open_reader(tmp_path / "live.db") as live, open_reader(made.path) as kept:
        copied = list(kept.read_frames(1))
        assert copied == list(live.read_frames(1))[: len(copied)]
    assert len(copied) == made.frames
    # Nothing lies about, and the copy is one file that can be written to again.
    assert sorted(tmp_path.glob(".*")) == []
    with Store.open_writer(made.path) as store:
        assert store.open_sessions() == [1]
    with closing(sqlite3.connect(made.path)) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_backup_replaces_nothing_unasked(copied: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.db"
    taken.write_text("mine", encoding="utf-8")
    with pytest.raises(CallError, match="exists already"):
        backup(copied, taken)
    assert taken.read_text(encoding="utf-8") == "mine"
    assert backup(copied, taken, overwrite=True).sessions == 3
    with pytest.raises(CallError, match="exists already"):
        backup(copied, copied, overwrite=True)
    folder = tmp_path / "folder"
    folder.mkdir()
    assert backup(copied, folder).path.parent == folder
    with pytest.raises(NoDatabaseError):
        backup(tmp_path / "none.db")
    for file in (tmp_path / "none" / "copy.db", taken / "copy.db"):
        with pytest.raises(CallError) as told:
            backup(copied, file)
        assert f"There is no folder {file.parent}. Make it first" in str(told.value)


@pytest.mark.parametrize("gone", [False, True], ids=["a database", "only its log"])
def test_a_backup_takes_in_no_log_of_what_was_there(
    copied: Path, tmp_path: Path, *, gone: bool
) -> None:
    # What a killed recording left: SQLite would apply its log to whatever has the name.
    taken, log = tmp_path / "taken.db", tmp_path / "taken.db-wal"
    killed = tmp_path / "killed.db"
    with Store.open_writer(killed) as store:
        store.begin_session(
            started_at=STARTED_AT, plan=None, athlete=None, activity="row", sources=[]
        )
        taken.write_bytes(killed.read_bytes())
        log.write_bytes(killed.with_name("killed.db-wal").read_bytes())
    assert log.stat().st_size > 0
    if gone:
        taken.unlink()
        with pytest.raises(CallError, match=r"taken\.db-wal"):
            backup(copied, taken)
        assert log.exists()
        assert not taken.exists()
    made = backup(copied, taken, overwrite=True)
    assert check(taken).ok
    with open_reader(taken) as reader:
        assert len(reader.sessions()) == made.sessions == 3


def test_a_backup_does_not_replace_a_database_that_is_written(
    recording: Process, copied: Path, tmp_path: Path
) -> None:
    with pytest.raises(SecondWriterError, match="records session 1"):
        backup(copied, tmp_path / "live.db", overwrite=True)
    seen = recording.object()["frames_committed"]
    assert recording.object(lambda moment: moment["frames_committed"] > seen)["trouble"] is None
    assert sorted(tmp_path.glob(".*")) == []


def test_a_backup_of_a_damaged_database_is_not_kept(copied: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(copied)) as db:
        db.execute("UPDATE frame_blocks SET payload = zeroblob(100) WHERE session_id = 1")
        db.commit()
    with pytest.raises(StoreError, match="is not whole"):
        backup(copied, tmp_path / "kept.db")
    assert not (tmp_path / "kept.db").exists()
    assert sorted(tmp_path.glob(".*")) == []


def test_a_backup_while_another_program_writes(copied: Path, tmp_path: Path) -> None:
    Store.open_writer(copied).close()
    with Locked(copied):
        assert backup(copied, tmp_path / "kept.db").sessions == 3
