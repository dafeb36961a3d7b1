"""A copy of the database that is whole, made while a recording goes on."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from rowlog.schema import PRIVATE, open_for_reading
from rowlog.store_check import CheckReport, check
from rowlog.store_damage import BESIDE
from rowlog.store_errors import DamagedError, no_database, not_writable, translated
from rowlog.store_lock import WriterLock, lock_file
from rowlog_drivers.clock import wall_now
from rowlog_drivers.errors import CallError


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """A copy that was made and checked."""

    path: Path
    bytes: int
    sessions: int
    frames: int


def backup(database: Path, target: Path | None = None, *, overwrite: bool = False) -> Backup:
    """Copy a database as it stands at one moment, check the copy, and only then give it its name.

    Readers and the recorder do not wait for it. `target` None: beside the database, by the date;
    a folder: in it by that name. What belongs to a database that is replaced goes with it: SQLite
    would apply its log to the copy. Raises CallError where the target exists, or the log of one
    that did, or its folder does not, SecondWriterError where it is being written, and StoreError.
    """
    database = database.expanduser().absolute()
    if not database.is_file():
        raise no_database(database)
    stamp = wall_now().strftime("%Y-%m-%d-%H%M%S")
    named = f"{database.stem}-backup-{stamp}{database.suffix}"
    target = (database.parent if target is None else target).expanduser().absolute()
    target = target / named if target.is_dir() else target
    if not target.parent.is_dir():
        raise CallError(f"There is no folder {target.parent}.", "Make it first, or name another.")
    taken = CallError(f"{target} exists already.", "Name another file, or add --force.")
    if target == database or (os.path.lexists(target) and not overwrite):
        raise taken
    left = [target.with_name(target.name + ending) for ending in BESIDE]
    log = next((one for one in left if one.exists() and one.stat().st_size), None)
    if log is not None and not overwrite:
        raise CallError(
            f"{log} is there, of a database that is not, and would be taken for the copy's.",
            "Name another file, or delete it by adding --force.",
        )
    part = target.with_name(f".{target.name}.part")
    lock = WriterLock(target) if overwrite and lock_file(target).exists() else None
    try:
        report = _copy(database, part)
        size = part.stat().st_size
        if overwrite:
            for one in left:
                one.unlink(missing_ok=True)
            part.replace(target)
        else:
            _put_new(part, target)
        _sync(target.parent)
    except FileExistsError as error:
        raise taken from error
    except OSError as error:
        raise not_writable(error, target, "another file") from error
    finally:
        for ending in ("", *BESIDE):
            with suppress(OSError):
                part.with_name(part.name + ending).unlink(missing_ok=True)
        if lock is not None:
            lock.release()
    return Backup(path=target, bytes=size, sessions=report.sessions, frames=report.frames)


def _copy(database: Path, part: Path) -> CheckReport:
    part.unlink(missing_ok=True)
    part.touch(PRIVATE)
    source, _ = open_for_reading(database)
    with closing(source), translated(part), closing(sqlite3.connect(part)) as copy:
        # All pages in one step: they are of one moment, however much is written meanwhile.
        source.backup(copy)
        # As one file, which can be read on a disk that nothing can be written to.
        copy.execute("PRAGMA journal_mode=DELETE")
    with part.open("rb") as file:
        os.fsync(file.fileno())
    report = check(part)
    if not report.ok:
        raise DamagedError(
            f"The copy of {database} is not whole ({report.problems[0]}), so it was not kept.",
            "See what is wrong with: rowlog db check. Bring back what can be: rowlog db recover",
            path=database,
        )
    return report


def _put_new(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # fails where the name was taken meanwhile, as rename does not
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise FileExistsError(target) from None
        part.replace(target)


def _sync(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
