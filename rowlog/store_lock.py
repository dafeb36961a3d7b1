"""One writer per database: a lock file that says who writes and what.

The lock is the operating system's, on `NAME.lock` beside the database; it goes when its holder
does, however that ends. The file's text, `PID SESSION` with 0 for no session, is for readers and
means nothing while no one holds the lock. It is never deleted: a lock on a deleted file locks
nothing.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from rowlog.store_errors import SecondWriterError, not_writable

TRIES: Final = 20
"""A reader that looks whether the lock is held holds it for an instant itself: try again."""
PAUSE_S: Final = 0.02
_TEXT_BYTES: Final = 40
_LOCKED_BYTE: Final = 4096
"""Beyond the text, since Windows lets nobody read what is locked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who writes to the database now."""

    pid: int | None
    """None when the lock's text does not say."""
    session_id: int | None
    """The session that it records; None when none."""


class WriterLock:
    """The right to write to one database, held until `release` or the end of the process."""

    def __init__(self, path: Path) -> None:
        """Take it. Raises SecondWriterError when it is held, NotWritableError when it cannot be."""
        self._path = lock_file(path)
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise not_writable(error, self._path) from error
        try:
            self._take(path)
            self.name(None)
        except BaseException:
            os.close(self._fd)
            raise

    def _take(self, path: Path) -> None:
        for left in reversed(range(TRIES)):
            if _try_lock(self._fd, exclusive=True):
                return
            if left:
                time.sleep(PAUSE_S)
        holder = _read(self._fd)
        who = f"process {holder.pid}" if holder.pid is not None else "another process"
        since = datetime.fromtimestamp(os.fstat(self._fd).st_mtime).astimezone()
        what = (
            f"which records session {holder.session_id} since {since:%H:%M}"
            if holder.session_id is not None
            else "which records nothing at the moment"
        )
        raise SecondWriterError(
            f"{who[0].upper()}{who[1:]}, {what}, is writing to {path}.",
            "Watch it with: rowlog watch. To record as well, name another database with --db."
            if holder.session_id is not None
            else "End it first, or name another database with --db.",
            path=path,
            pid=holder.pid,
            session_id=holder.session_id,
        )

    def name(self, session_id: int | None) -> None:
        """Say which session is being recorded; None: none."""
        text = f"{os.getpid()} {session_id or 0}".encode("ascii").ljust(_TEXT_BYTES - 1) + b"\n"
        try:
            os.lseek(self._fd, 0, os.SEEK_SET)
            os.write(self._fd, text)
        except OSError as error:
            raise not_writable(error, self._path) from error

    def release(self) -> None:
        """Let others write."""
        _unlock(self._fd)
        os.close(self._fd)


def lock_file(path: Path) -> Path:
    """The lock file of a database."""
    return path.with_name(path.name + ".lock")


def holder_of(path: Path) -> Holder | None:
    """Who writes to the database at `path`; None when nobody does. Changes nothing."""
    try:
        fd = os.open(lock_file(path), os.O_RDONLY)
    except OSError:
        return None  # no lock file, or one that is not ours to read: nobody that we can know of
    try:
        if _try_lock(fd, exclusive=False):
            _unlock(fd)
            return None
        return _read(fd)
    finally:
        os.close(fd)


def _read(fd: int) -> Holder:
    os.lseek(fd, 0, os.SEEK_SET)
    words = os.read(fd, _TEXT_BYTES).split()
    numbers = [int(word) if word.isdigit() else 0 for word in words[:2]] + [0, 0]
    return Holder(pid=numbers[0] or None, session_id=numbers[1] or None)


if sys.platform == "win32":
    import msvcrt

    def _try_lock(fd: int, *, exclusive: bool) -> bool:
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(fd: int) -> None:
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(fd: int, *, exclusive: bool) -> bool:
        try:
            fcntl.flock(fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)
