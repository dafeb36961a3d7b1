"""A database in a folder that cannot be written: whatever only reads it works there too.

The commands are run as an ordinary user on a share or a stick meets them: in a process that may
not write to the folder. Root may write anywhere, so it becomes another user first.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from rowlog.replaying import replay_demo
from rowlog.schema import connect
from tests.support import PATIENCE_S, ROOT, environment

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="folders there have no such permission"
)

# What is imported later than the first round could lie where the other user may not look.
SCRIPT: Final = """
import contextlib, io, json, os, sys
from rowlog.cli import errors_told, whole_app

program = whole_app()

def said(words):
    out, told = io.StringIO(), io.StringIO()
    code = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(told):
        try:
            with errors_told():
                program(words)
        except SystemExit as end:
            code = end.code or 0
    return code, out.getvalue(), told.getvalue()

calls, own, kept = json.loads(sys.argv[1])
free = [said([*call, "--db", own]) for call in calls]
if os.geteuid() == 0:
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
print(json.dumps([free, [said([*call, "--db", kept]) for call in calls]]))
"""

Said = tuple[int, str, str]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with one session, and all of it in its file."""
    path = tmp_path_factory.mktemp("original") / "rowlog.db"
    replay_demo(path)
    with closing(connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return path


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may read, and whose parents are open to all."""
    made = Path(tempfile.mkdtemp(prefix="rowlog my "))
    try:
        yield made
    finally:
        made.chmod(0o755)
        shutil.rmtree(made)


def closed(folder: Path) -> None:
    """Let nobody write to it, or to what is in it; everybody may read."""
    for file in folder.iterdir():
        file.chmod(0o444)
    folder.chmod(0o555)


def both(original: Path, kept: Path, *calls: tuple[str, ...]) -> list[tuple[Said, Said]]:
    """Each call's exit code, output and errors: of a database of one's own, and of `kept`."""
    own = original.with_name("own.db")
    shutil.copy(original, own)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps([calls, str(own), str(kept)])],
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=True,
        cwd="/",
    )
    free, there = json.loads(done.stdout)
    return [(tuple(one), tuple(other)) for one, other in zip(free, there, strict=True)]


def test_what_only_reads_needs_no_folder_that_can_be_written(original: Path, folder: Path) -> None:
    kept = folder / "rowlog.db"
    shutil.copy(original, kept)
    file = shutil.copy(ROOT / "fixtures" / "ftms" / "split_4x250m.frames", folder)
    (folder / "link.db").symlink_to(kept)
    out = folder / "out"
    out.mkdir()
    closed(folder)
    out.chmod(0o777)
    calls: tuple[tuple[str, ...], ...] = (
        ("sessions", "--json"),
        ("show",),
        ("summary",),
        ("bests",),
        ("edit", "list"),
        ("export", "last", str(out / "strokes.csv"), "--format", "strokes", "--force"),
        ("import", "--dry-run", str(file)),
    )
    for call, (free, there) in zip(calls, both(original, kept, *calls), strict=True):
        assert free[0] == 0, (call, free)
        assert there == free, call
        assert there[1], call
    ((free, there),) = both(original, folder / "link.db", ("sessions",))
    assert there == free
    assert sorted(one.name for one in folder.iterdir()) == [
        "link.db", "out", "rowlog.db", "split_4x250m.frames"
    ]  # fmt: skip


@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_an_empty_log_holds_nothing_that_could_be_left_out(
    original: Path, folder: Path, ending: str
) -> None:
    kept = folder / "rowlog.db"
    shutil.copy(original, kept)
    kept.with_name(kept.name + ending).touch()
    closed(folder)
    ((free, there),) = both(original, kept, ("sessions",))
    assert there == free
    assert free[0] == 0


def test_a_change_that_was_cut_short_is_not_taken_for_what_is_stored(
    original: Path, folder: Path
) -> None:
    """A disk without a log has a journal instead: what it holds is to be put back first."""
    own, kept = original.with_name("cut.db"), folder / "rowlog.db"
    shutil.copy(original, own)
    with closing(connect(own)) as db:
        db.execute("PRAGMA journal_mode=DELETE").fetchone()
        db.execute("PRAGMA cache_size=5")  # pages: what does not fit is written early
        db.execute("BEGIN")
        db.execute("UPDATE strokes SET t_ns = t_ns + 1")
        for ending in ("", "-journal"):
            shutil.copy(f"{own}{ending}", f"{kept}{ending}")
        db.execute("ROLLBACK")
    closed(folder)
    ((_, (code, out, told)),) = both(original, kept, ("sessions",))
    assert (code, out) == (1, "")
    assert told == (
        f"rowlog: The database {kept} cannot be read where it lies: its folder cannot be written, "
        "and what was saved last is still in rowlog.db-journal beside it. Copy both files into a "
        "folder of your own, and name the copy with --db.\n"
    )


def test_the_log_of_a_killed_recording_is_read_from_a_copy(original: Path, folder: Path) -> None:
    """As is said: copied together, both files have all."""
    kept = folder / "rowlog.db"
    with closing(connect(original)) as db:
        db.execute("PRAGMA wal_autocheckpoint=0").fetchone()
        db.execute("UPDATE sessions SET note = 'in the log alone'")
        for ending in ("", "-wal"):
            shutil.copy(f"{original}{ending}", f"{kept}{ending}")
        db.execute("UPDATE sessions SET note = NULL")
    closed(folder)
    ((_, (code, _, told)),) = both(original, kept, ("show",))
    assert code == 1
    assert "what was saved last is still in rowlog.db-wal beside it. Copy both files" in told
    for ending in ("", "-wal"):
        shutil.copyfile(f"{kept}{ending}", original.with_name(f"copy.db{ending}"))
    with closing(sqlite3.connect(original.with_name("copy.db"))) as copy:
        assert copy.execute("SELECT note FROM sessions").fetchall() == [("in the log alone",)]
