"""A damaged database: noticed before anything is written to it, and moved aside with its date."""

from __future__ import annotations

import mmap
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rowlog.schema import APPLICATION_ID
from rowlog.store_errors import (
    DamagedError,
    ForeignDatabaseError,
    explain,
    not_writable,
)
from rowlog.store_salvage import highest_number
from rowlog_drivers.clock import life_ns, wall_now

LOOK_NS: Final = 300_000_000
"""How long a database is looked through for damage before a session begins."""
WRITTEN_TO: Final = (
    "sessions", "sources", "frames", "segmentations", "segments", "splits", "strokes",
    "heart_rates", "gaps", "links",
)  # fmt: skip
"""The tables that a recording writes to, looked at first."""
OURS: Final = b"CREATE TABLE frame_blocks"
"""Stands in every rowlog database, whatever else of it is destroyed."""
MARK: Final = "-damaged-"
BESIDE: Final = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A damaged database that was moved out of the way."""

    path: Path
    """Where it is now."""
    fault: str
    """What is wrong with it, in a few words."""
    last_number: int
    """The highest number of a session that could be read in it; 0 for none."""


def fault_of(path: Path) -> str | None:
    """What is wrong with one of our databases, in a few words; None when nothing was noticed.

    Looks for a third of a second at most: `rowlog db check` looks at everything. Another program's
    file, and one that is not there or may not be read, have no fault that is ours to mend.
    """
    try:
        if not path.is_file() or path.stat().st_size == 0:
            return None
        with closing(_reading(path)) as db:
            marked = db.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            if not marked:
                return "its first page is destroyed" if _is_ours(path) else None
            return "its first page is damaged" if _is_unwritable(path) else _look(db, path)
    except sqlite3.Error as error:
        fault = explain(error, path)
        if isinstance(fault, DamagedError):
            return str(error)
        if isinstance(fault, ForeignDatabaseError) and _is_ours(path):
            return "its first page is destroyed"
        return "its first page is damaged" if _is_unwritable(path) else None
    except UnicodeDecodeError:
        return "it holds text that is none"
    except OSError:
        return None


def _reading(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even by taking in the write-ahead log at its end."""
    uri = f"{path.expanduser().absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=1.0)


def _look(db: sqlite3.Connection, path: Path) -> str | None:
    wal = path.with_name(path.name + "-wal")
    if not wal.exists() or not wal.stat().st_size:
        pages, page_bytes = (
            db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
        )
        if path.stat().st_size < pages * page_bytes:
            return f"it was cut: {path.stat().st_size} bytes of {pages * page_bytes} are left"
    until_ns = life_ns() + LOOK_NS
    db.set_progress_handler(lambda: int(life_ns() > until_ns), 5000)
    there = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    try:
        for what in (*(f"({table})" for table in WRITTEN_TO if table in there), "(1)"):
            (said,) = db.execute(f"PRAGMA quick_check{what}").fetchone()
            if said != "ok":
                return str(said).removeprefix("*** in database main ***\n").splitlines()[0]
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
            raise
    return None


def _is_unwritable(path: Path) -> bool:
    """Whether the header of one of ours has a file format that no SQLite writes."""
    wal = path.with_name(path.name + "-wal")
    if wal.exists() and wal.stat().st_size:
        return False  # the page that counts may be in there
    with path.open("rb") as file:
        header = file.read(100)
    written_by = header[18:20]
    schema_format = int.from_bytes(header[44:48], "big")
    ours = header[68:72] == APPLICATION_ID.to_bytes(4, "big")
    return ours and (written_by not in (b"\1\1", b"\2\2") or schema_format > 4)


def _is_ours(path: Path) -> bool:
    """Whether a file that SQLite does not know holds what every database of ours does."""
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(OURS) >= 0


def set_aside(path: Path, fault: str) -> SetAside:
    """Move a damaged database out of the way, with what lies beside it; for who holds its lock.

    What is begun in its place numbers its sessions on from those of the old one. Raises StoreError.
    """
    last_number = highest_number(path)
    stamp = wall_now().strftime("%Y-%m-%d-%H%M%S")
    count = 1
    while True:
        more = "" if count == 1 else f"-{count}"
        aside = path.with_name(f"{path.stem}{MARK}{stamp}{more}{path.suffix}")
        if not os.path.lexists(aside):
            break
        count += 1
    try:
        # The log first: SQLite deletes one that lies beside a file that is new.
        for ending in BESIDE:
            beside = path.with_name(path.name + ending)
            if beside.exists():
                beside.rename(aside.with_name(aside.name + ending))
        path.rename(aside)
    except OSError as error:
        raise not_writable(error, aside) from error
    return SetAside(path=aside, fault=fault, last_number=last_number)


def damaged_beside(path: Path) -> list[Path]:
    """The damaged databases that were moved aside from `path`, the oldest first."""
    name = f"{path.stem}{MARK}*{path.suffix}"
    return sorted(found for found in path.parent.glob(name) if found.is_file())
