"""What can go wrong with the database, said so that it can be acted on."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rowlog.config import db_option
from rowlog_drivers.errors import RowlogError


class StoreError(RowlogError):
    """The database cannot do what was asked.

    Attributes:
        path: the database file.
    """

    def __init__(self, what: str, next_step: str | None = None, *, path: Path) -> None:
        super().__init__(what, next_step)
        self.path = path


class NoDatabaseError(StoreError):
    """There is no database file."""


class ForeignDatabaseError(StoreError):
    """The file is no database, or another program's."""


class SchemaError(StoreError):
    """The database has a schema that this program does not read.

    Attributes:
        found: the file's schema version.
        known: the version that this program reads and writes.
    """

    def __init__(
        self, what: str, next_step: str | None = None, *, path: Path, found: int, known: int
    ) -> None:
        super().__init__(what, next_step, path=path)
        self.found = found
        self.known = known


class SecondWriterError(StoreError):
    """Another process writes to this database.

    Attributes:
        pid: that process; None when it did not say.
        session_id: the session that it records; None when it records none.
    """

    def __init__(
        self,
        what: str,
        next_step: str | None = None,
        *,
        path: Path,
        pid: int | None,
        session_id: int | None,
    ) -> None:
        super().__init__(what, next_step, path=path)
        self.pid = pid
        self.session_id = session_id


class NoSessionError(StoreError):
    """There is no session of that number."""


class NotWritableError(StoreError):
    """The file or its folder cannot be written."""


class DiskFullError(StoreError):
    """There is no room left; what was committed before is safe, and the transaction undone."""


class LockedError(StoreError):
    """Another program holds the database locked for longer than was waited."""


class DamagedError(StoreError):
    """The file's content is damaged."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Within it every error of SQLite, or of a value that it cannot hold, is a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error
    except UnicodeDecodeError as error:
        raise DamagedError(
            f"The database {path} is damaged (it holds text that is none).",
            _how_mended(path),
            path=path,
        ) from error
    except (OverflowError, UnicodeEncodeError) as error:
        raise StoreError(
            f"A value does not fit the database {path}: {error}.",
            "Please report it with the machine's name.",
            path=path,
        ) from error


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """The StoreError that says what `error` means for the database at `path`."""
    code: int = getattr(error, "sqlite_errorcode", None) or sqlite3.SQLITE_ERROR
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL or code in (
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_SHMSIZE,
    ):
        return DiskFullError(
            f"Nothing more can be written to {path}: the disk is full or failing ({error}).",
            "Make room on it, or name a database on another disk with --db; "
            "what was saved before is safe.",
            path=path,
        )
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LockedError(
            f"Another program holds the database {path} locked.",
            "Close what else has it open for writing, then try again.",
            path=path,
        )
    if primary == sqlite3.SQLITE_NOTADB:
        return ForeignDatabaseError(
            f"{path} is not a database.",
            "Name another file with --db; if it was one of rowlog's: "
            f"rowlog db recover{db_option(path)}",
            path=path,
        )
    if primary == sqlite3.SQLITE_CORRUPT:
        return DamagedError(
            f"The database {path} is damaged ({error}).",
            _how_mended(path),
            path=path,
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return NotWritableError(
            f"The database {path} cannot be written ({error}).",
            "Change the permissions of the file and its folder, or name another file with --db.",
            path=path,
        )
    if primary == sqlite3.SQLITE_CANTOPEN:
        return NotWritableError(
            f"The database {path} cannot be opened ({error}).",
            "Its file must be readable and its folder writable, since SQLite keeps -wal and -shm "
            "files beside it; or copy it to a folder of your own.",
            path=path,
        )
    return StoreError(
        f"The database {path} refused ({error}).",
        f"Look into it with: rowlog db check{db_option(path)}",
        path=path,
    )


def _how_mended(path: Path) -> str:
    named = db_option(path)
    return (
        f"See what is wrong with: rowlog db check{named}. "
        f"Bring back what can be: rowlog db recover{named}"
    )


def not_writable(
    error: OSError, path: Path, other: str = "a database elsewhere with --db"
) -> StoreError:
    """The StoreError for a file or folder that the system would not let us make or open.

    `other` is what to name instead.
    """
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EEXIST):
        step = "Make the folder that it is to be in"
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        step = "Make room on its disk"
    elif error.errno == errno.ENAMETOOLONG:
        step = "Give it a shorter name"
    else:
        step = "Change its permissions"
    return NotWritableError(
        f"{path} cannot be written: {error.strerror or os.strerror(error.errno or 0)}.",
        f"{step}, or name {other}.",
        path=path,
    )


def left_beside(path: Path, left: Path) -> NotWritableError:
    """The StoreError for reading in a folder that cannot be written, where `left` is to be read."""
    return NotWritableError(
        f"The database {path} cannot be read where it lies: its folder cannot be written, and "
        f"what was saved last is still in {left.name} beside it.",
        "Copy both files into a folder of your own, and name the copy with --db.",
        path=path,
    )


def replaced(path: Path) -> NotWritableError:
    """The StoreError for a database that was taken away from who writes to it."""
    return NotWritableError(
        f"The database {path} was deleted, moved or replaced while it was written to.",
        "Put it back, if you can.",
        path=path,
    )


def no_database(path: Path) -> NoDatabaseError:
    """The StoreError for a database that is not there."""
    return NoDatabaseError(
        f"No database at {path}.", "Record something first, or name one with --db.", path=path
    )


def no_session(session_id: int | None, path: Path) -> NoSessionError:
    """The StoreError for a session that is not there; None: there is none at all."""
    if session_id is None:
        return NoSessionError(
            f"No session is stored in {path} yet.", "Record or replay one first.", path=path
        )
    return NoSessionError(
        f"There is no session {session_id} in {path}.",
        f"See which: rowlog sessions{db_option(path)}",
        path=path,
    )
