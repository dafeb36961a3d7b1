"""The schema: strict tables whose columns are the records' fields; other files are refused."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import pytest

from rowlog import schema
from rowlog.config import db_option, default_path
from rowlog.rebuild import rebuild
from rowlog.schema import APPLICATION_ID, SCHEMA_VERSION, NewerSchemaWarning
from rowlog.store import Store
from rowlog.store_check import check
from rowlog.store_errors import (
    DamagedError,
    ForeignDatabaseError,
    NoDatabaseError,
    NotWritableError,
    SchemaError,
)
from rowlog.store_read import open_reader
from rowlog.store_rows import SHAPES, STRUCTURE, TOTALS, Shape
from tests.support import run

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "database.md"
PLAIN = ROOT / "fixtures" / "ftms" / "split_4x250m.frames"


def made(path: Path) -> Path:
    """A new database without sessions."""
    Store.open_writer(path).close()
    return path


def columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_xinfo({table})")]


def test_a_new_database_says_what_it_is(tmp_path: Path) -> None:
    with closing(sqlite3.connect(made(tmp_path / "a" / "b" / "rowlog.db"))) as db:
        pragma = {
            name: db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("application_id", "user_version", "journal_mode", "auto_vacuum")
        }
    assert pragma == {
        "application_id": 0x524F574C,
        "user_version": SCHEMA_VERSION,
        "journal_mode": "wal",
        "auto_vacuum": 2,  # incremental: room is given back
    }


def test_every_table_of_ours_is_strict(tmp_path: Path) -> None:
    with closing(sqlite3.connect(made(tmp_path / "rowlog.db"))) as db:
        loose = db.execute(
            "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main' "
            "AND NOT strict AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\'"
        ).fetchall()
    assert loose == []


@pytest.mark.parametrize("shape", [*SHAPES.values(), TOTALS], ids=lambda shape: shape.table)
def test_columns_are_the_fields(shape: Shape[object], tmp_path: Path) -> None:
    """Plain records have a column for each field; parts of segments are flattened."""
    with closing(sqlite3.connect(made(tmp_path / "rowlog.db"))) as db:
        found = set(columns(db, shape.table))
    keys = {"session_id", "seq"} if shape.numbered else {"session_id"}
    if shape is TOTALS:
        keys = {"session_id", "version"}
    if shape.type in STRUCTURE:
        keys = {"session_id", "segmentation_id"}
    else:
        assert shape.columns == tuple(f.name for f in fields(shape.type))  # type: ignore[arg-type]
    assert found == keys | set(shape.columns)


def test_every_table_view_and_column_is_documented(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    with closing(sqlite3.connect(made(tmp_path / "rowlog.db"))) as db:
        names = [
            row[0]
            for row in db.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
            if not row[0].startswith(("sqlite_", "_"))
        ]
        hidden = [f"`{name}`" for name in names if f"`{name}`" not in page]
        for name in ("sessions", "frames", "frame_blocks", "v_sessions", "v_segments", "v_strokes"):
            hidden += [
                f"{name}.{column}" for column in columns(db, name) if f"`{column}`" not in page
            ]
    assert len(names) > 30
    assert hidden == []


def test_a_missing_database_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    with pytest.raises(NoDatabaseError) as caught:
        open_reader(path)
    assert str(caught.value) == (
        f"No database at {path}. Record something first, or name one with --db."
    )
    assert list(tmp_path.iterdir()) == []


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE photos (name)")
    before = path.read_bytes()
    for attempt in (Store.open_writer, open_reader, check):
        with pytest.raises(ForeignDatabaseError, match=r"photos\.db is a database of another pro"):
            attempt(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear rower, " * 500, encoding="utf-8")
    before = path.read_bytes()
    for attempt in (Store.open_writer, open_reader, check):
        with pytest.raises(ForeignDatabaseError, match=r"letter\.txt is not a database"):
            attempt(path)
    assert path.read_bytes() == before


def test_a_later_schema_is_refused_with_both_versions(tmp_path: Path) -> None:
    path = made(tmp_path / "rowlog.db")
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 6}")
    both = rf"schema version {SCHEMA_VERSION + 6}.*this one knows {SCHEMA_VERSION}. Update"
    with pytest.raises(SchemaError, match=both) as got:
        Store.open_writer(path)
    assert (got.value.found, got.value.known) == (SCHEMA_VERSION + 6, SCHEMA_VERSION)


def test_a_later_schema_is_read_with_a_word_and_not_written(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    assert run("demo", "--db", path).returncode == 0
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
        db.execute("ALTER TABLE sessions ADD COLUMN mood TEXT")
    with pytest.warns(NewerSchemaWarning), open_reader(path) as reader:
        assert len(reader.sessions()) == 1
    before = path.read_bytes()
    for command in (("show",), ("sessions",), ("db", "check"), ("bests",)):
        done = run(*command, "--db", path)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("was written by a later rowlog") == 1
        assert done.stdout
    refused = run("record", "--rower", "sim:rower?speed=60", "--for", "1s", "--db", path)
    assert refused.returncode == 1
    assert "Update rowlog" in refused.stderr
    assert path.read_bytes() == before


def at_version(path: Path, version: int) -> list[bytes]:
    """A database as the rowlog of that schema version left it, with a session; its payloads."""
    payloads = [bytes([0x2C, number]) for number in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:version])
        patch.setattr(schema, "SCHEMA_VERSION", version)
        schema.prepare(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute(
            "INSERT INTO sessions (id, started_at, ended_at, end_ns, activity, state, note) VALUES "
            "(1, '2026-11-01T07:00:00+00:00', '2026-11-01T07:00:03+00:00', 3000000000, 'row', "
            "'complete', 'early')"
        )
        db.execute("INSERT INTO sources VALUES (1, 'rower', 0, 'ftms', NULL, '[]')")
        db.execute(
            "INSERT INTO segmentations (session_id, origin, is_default) VALUES (1, 'auto', 1)"
        )
        db.executemany(
            "INSERT INTO frames VALUES (1, ?, ?, 'rower', '2ad1', ?, 0, 0)",
            [(number, number * 10**9, payload) for number, payload in enumerate(payloads)],
        )
        db.commit()
    return payloads


VERSIONS = range(1, SCHEMA_VERSION)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_released_schema_is_brought_up_to_date(version: int, tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    payloads = at_version(path, version)
    with Store.open_writer(path) as store:
        kept = store.kept_copy
    assert kept is not None
    assert f"-before-schema-{version + 1}-" in kept.name
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
        assert db.execute("SELECT note FROM sessions").fetchall() == [("early",)]
    assert check(path).problems == ()
    rebuild(path)
    with open_reader(path) as reader:
        assert [frame.payload for frame in reader.read_frames(1)] == payloads
        assert reader.session().note == "early"
        assert reader.session().totals is not None
    new = made(tmp_path / "new.db")
    assert shape(path) == shape(new)


def shape(path: Path) -> list[tuple[str, str]]:
    """Every table, view, index and trigger as it is defined, without a migration's own marks."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return sorted((name, " ".join(sql.split())) for name, sql in found)


KILLED = """
import os, signal, sys
sys.path[:0] = {paths!r}
from pathlib import Path
from rowlog import schema
from rowlog.store import Store
from sqlite_utils import Database
whole, left = Database.execute, [int(sys.argv[2])]
def execute(self, statement, *more):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, statement, *more)
Database.execute = execute
Store.open_writer(Path(sys.argv[1])).close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")
@pytest.mark.parametrize("statements", [1, 12, 40])
def test_a_migration_that_is_killed_half_way_changes_nothing(
    statements: int, tmp_path: Path
) -> None:
    path = tmp_path / "rowlog.db"
    payloads = at_version(path, 2)
    before = shape(path)
    script = KILLED.format(paths=[str(ROOT), str(ROOT / "drivers"), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(statements)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    assert shape(path) == before
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (2,)
        assert db.execute("SELECT note FROM sessions").fetchall() == [("early",)]
    # The copy was made before anything was changed, and the next start tries again.
    assert len(list(tmp_path.glob("*-before-schema-3-*"))) == 1
    Store.open_writer(path).close()
    assert check(path).problems == ()
    with open_reader(path) as reader:
        assert [frame.payload for frame in reader.read_frames(1)] == payloads


def test_an_earlier_schema_is_copied_before_it_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute("CREATE TABLE early (x)")
        db.execute("INSERT INTO early VALUES (42)")
        db.commit()
    with pytest.raises(SchemaError, match="schema version 0") as got:
        open_reader(path)
    assert str(got.value).endswith(f" rowlog db rebuild --db {path}")
    with Store.open_writer(path) as store:
        kept = store.kept_copy
    assert kept is not None
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("SELECT x FROM early").fetchall() == [(42,)]
        assert db.execute("PRAGMA user_version").fetchone() == (0,)
    open_reader(path).close()


def test_a_new_database_needs_no_copy(tmp_path: Path) -> None:
    with Store.open_writer(tmp_path / "rowlog.db") as store:
        assert store.kept_copy is None
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".db", ".lock"]


def test_an_empty_file_becomes_a_database(tmp_path: Path) -> None:
    path = tmp_path / "rowlog.db"
    path.touch()
    with pytest.raises(NoDatabaseError):
        open_reader(path)
    with open_reader(made(path)) as reader:
        assert reader.sessions() == []


def test_damage_is_reported(tmp_path: Path) -> None:
    path = made(tmp_path / "rowlog.db")
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):  # the header page stays
        content[start : start + 64] = b"\xff" * 64
    path.write_bytes(content)
    with open_reader(path) as reader, pytest.raises(DamagedError, match="rowlog db check"):
        reader.sessions()
    assert not check(path).ok


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotWritableError, match="cannot be written"):
        Store.open_writer(tmp_path / "file" / "rowlog.db")


READ_ONLY = """
import os, sys
sys.path[:0] = {paths!r}
from rowlog.store import Store
import sqlite_utils
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Store.open_writer(sys.argv[1])
except Exception as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="folders there have no such permission")
def test_a_read_only_folder_is_explained(tmp_path_factory: pytest.TempPathFactory) -> None:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="rowlog"))  # not below a folder of our own alone
    try:
        path = made(folder / "rowlog.db")
        path.chmod(0o444)
        (folder / "rowlog.db.lock").unlink()
        folder.chmod(0o555)
        script = READ_ONLY.format(paths=[entry for entry in sys.path if entry])
        done = subprocess.run(
            [sys.executable, "-c", script, str(path)],
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
        )
        (told,) = done.stdout.splitlines()
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)
    assert told.startswith(f"NotWritableError {path}.lock cannot be written: Permission denied.")


def test_reading_loads_nothing_heavy() -> None:
    code = (
        "import sys; import rowlog.store_read, rowlog.config; "
        "print([name for name in ('sqlite_utils', 'numpy', 'asyncio', 'bleak', 'typer') "
        "if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'drivers'}"},
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"ROWLOG_DB": "/data/mine.db", "XDG_DATA_HOME": "/x"}, "/data/mine.db"),
        ("linux", {"ROWLOG_DB": "", "XDG_DATA_HOME": "/x"}, "/x/rowlog/rowlog.db"),
        ("linux", {}, "/home/r/.local/share/rowlog/rowlog.db"),
        ("linux", {"XDG_DATA_HOME": "relative"}, "/home/r/.local/share/rowlog/rowlog.db"),
        ("darwin", {}, "/home/r/Library/Application Support/rowlog/rowlog.db"),
        ("win32", {"LOCALAPPDATA": "/app"}, "/app/rowlog/rowlog.db"),
        ("win32", {}, "/home/r/AppData/Local/rowlog/rowlog.db"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the paths are written the other way there")
def test_the_default_path(
    platform: str,
    variables: dict[str, str],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("ROWLOG_DB", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/r", **variables}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    assert default_path() == Path(expected)


@pytest.mark.skipif(sys.platform == "win32", reason="its shell quotes in another way")
def test_a_command_that_is_told_names_the_database_where_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROWLOG_DB", str(tmp_path / "own.db"))
    monkeypatch.chdir(tmp_path)
    assert db_option(tmp_path / "own.db") == ""
    assert db_option(Path("own.db")) == ""
    assert db_option(Path("ann.db")) == " --db ann.db"
    assert db_option(Path("Ann's rows/$1.db")) == """ --db 'Ann'"'"'s rows/$1.db'"""
    other = tmp_path / "my rows.db"
    made(other)
    run("replay", PLAIN, "--db", other)
    deleted = run("edit", "delete", "1", "--db", other)
    assert deleted.stdout.endswith(f"back with: rowlog edit undo --db '{other}'\n")
    gone = run("show", "1", "--db", other)
    assert gone.stderr.endswith(f"Bring it back: rowlog edit undo 1 --db '{other}'\n")
    made(tmp_path / "own.db")
    usual = run("show", "1", ROWLOG_DB=str(tmp_path / "own.db"))
    assert usual.stderr.endswith("rowlog sessions\n"), usual
