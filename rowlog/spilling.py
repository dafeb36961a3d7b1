"""Where a recording goes while its database cannot be written: a reserve, then another folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import gettempdir
from typing import Final, TextIO

from rowlog.config import data_folder
from rowlog.schema import PRIVATE
from rowlog.store import Store
from rowlog.store_errors import replaced
from rowlog.store_read import open_reader
from rowlog_drivers.errors import FramesError, RowlogError
from rowlog_drivers.frames import Frame, FramesHeader, FramesWriter, read_frames
from rowlog_drivers.interface import Delivery

RESERVE_BYTES: Final = 8 << 20
"""Kept free for the moment when the disk is full: more than an hour of frames."""
BATCH_FRAMES: Final = 1000
KEPT_COPIES: Final = ("-backup-", "-before-schema-", "-damaged-")
"""In the names of files beside a database that can be made again, or are not needed daily."""


class Reserve:
    """Room on the disk that is held while recording, to be given up when there is no other."""

    def __init__(self, database: Path) -> None:
        """Take it where there is plenty; else there is none."""
        self._path = database.with_name(database.name + ".reserve")
        self.held = False
        """Whether there is any to give up."""
        try:
            if _free_bytes(self._path.parent) < 4 * RESERVE_BYTES:
                return
            with self._path.open("wb") as file:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
                else:
                    file.write(bytes(RESERVE_BYTES))
            self.held = True
        except OSError:
            self.release()

    def release(self) -> bool:
        """Give it up; whether there was any."""
        held, self.held = self.held, False
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        return held


def to_delete(database: Path) -> str | None:
    """What could be deleted to make room: the largest copy beside a database; None for none."""
    sizes: dict[Path, int] = {}
    with suppress(OSError):
        for path in database.parent.iterdir():
            if path.name.startswith(database.stem) and any(one in path.name for one in KEPT_COPIES):
                sizes[path] = path.stat().st_size
    if not sizes:
        return None
    largest = max(sizes, key=lambda path: sizes[path])
    return f"{largest} has {sizes[largest] / 1e6:.0f} MB and could be moved elsewhere."


class Spill:
    """A session as a .frames file in another folder, from its first frame to its last so far."""

    def __init__(
        self,
        database: Path,
        session_id: int,
        stored: int,
        held: Iterable[Frame],
        store: Store | None = None,
    ) -> None:
        """Begin it with the first frames that the database has, then those that are held.

        `stored` is how many of the first are not held; the database may have more by now. They are
        read from the `store` where the database was taken away from it: only that still has them.
        Raises RowlogError where no folder takes it, or the database cannot even be read.
        """
        self.last_ns = 0
        """Session time of the last frame in it."""
        if store is not None and store.replaced():
            self._begin(
                database, session_id, store.frames_header(session_id),
                islice(store.read_frames(session_id), stored), held,
            )  # fmt: skip
            return
        with open_reader(database) as reader:
            self._begin(
                database, session_id, reader.session(session_id).frames_header,
                islice(reader.read_frames(session_id), stored), held,
            )  # fmt: skip

    def _begin(
        self,
        database: Path,
        session_id: int,
        header: FramesHeader,
        *parts: Iterable[Frame],
    ) -> None:
        found = _opened(database, session_id)
        if found is None:
            raise RowlogError("No other folder could be written to either.", "Make room, at once.")
        self.path, self._file = found
        try:
            self._writer = FramesWriter(self._file, header, str(self.path))
            for frames in parts:
                self.write(frames)
        except BaseException:
            self.remove()
            raise

    @property
    def count(self) -> int:
        """How many of the session's frames are in it."""
        return self._writer.count

    def write(self, frames: Iterable[Frame]) -> None:
        """Add frames and wait until the disk has them. Raises OSError and FramesError."""
        frames = list(frames)
        self._writer.write(frames)
        if frames:
            self.last_ns = frames[-1].t_ns
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Write no more."""
        with suppress(OSError):
            self._file.close()

    def remove(self) -> None:
        """Delete it: the database has all of it."""
        self.close()
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


def put_in(store: Store, session_id: int, path: Path, count: int | None = None) -> int:
    """Add to an open session what its spilled file has more; how many frames that were.

    `count` is with how many frames it ends; None: with all that can be read.
    Raises RowlogError, and what was added until then stays.
    """
    if store.replaced():
        raise replaced(store.path)
    with open_reader(store.path) as reader:
        there = reader.frame_count(session_id)
    added = 0
    more = islice(_lines(path), there, None if count is None else max(there, count))
    while batch := list(islice(more, BATCH_FRAMES)):
        store.append(session_id, [Delivery(frame, ()) for frame in batch], (), durable=True)
        added += len(batch)
    return added


def _lines(path: Path) -> Iterator[Frame]:
    """The frames of a file, up to a last line that is torn."""
    with suppress(FramesError):
        yield from read_frames(path)


def _is_whole(path: Path) -> bool:
    """Whether a file can be read to its end."""
    try:
        for _ in read_frames(path):
            pass
    except FramesError:
        return False
    return True


def take_in(store: Store) -> list[tuple[int, Path]]:
    """Add to the sessions that were left open what was spilled of them; which, and from where.

    The files are deleted then; one that could not be read to its end is kept under another name.
    One that does not fit its session is left alone.
    """
    taken = []
    for number in store.open_sessions():
        for folder in _folders(store.path):
            path = folder / _name(store.path, number)
            if not path.is_file():
                continue
            with suppress(RowlogError, OSError):
                with open_reader(store.path) as reader:
                    started_at = reader.session(number).started_at
                if read_frames(path).header.started_at == started_at:
                    put_in(store, number, path)
                    if _is_whole(path):
                        path.unlink()
                    else:
                        _keep_other(path)
                    taken.append((number, path))
    return taken


def is_spilled(database: Path) -> bool:
    """Whether a session of this database lies in another folder."""
    name = _name(database, 0).replace("-0-", "-*-")
    return any(
        path.is_file()
        for folder in _folders(database)
        if folder.is_dir()
        for path in folder.glob(name)
    )


def _opened(database: Path, session_id: int) -> tuple[Path, TextIO] | None:
    """A new file in the first folder that takes one, another disk's first."""
    for folder in _folders(database):
        path = folder / _name(database, session_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _keep_other(path)
            path.touch(PRIVATE, exist_ok=False)
            file = path.open("w", encoding="utf-8", newline="\n")
        except OSError:
            continue
        try:
            file.write(" " * BATCH_FRAMES)
            file.flush()
            os.fsync(file.fileno())
            file.seek(0)
            file.truncate()
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            continue
        return path, file
    return None


def _keep_other(path: Path) -> None:
    """Give a file that nothing took in another name: it is of a database that is gone."""
    for count in range(1, 1000):
        other = path.with_name(f"kept-{count}-{path.name}")
        if not os.path.lexists(other):
            with suppress(FileNotFoundError):
                path.rename(other)
            return


def _folders(database: Path) -> Sequence[Path]:
    """Where a session may be spilled to: on another disk than the database where there is one."""
    beside = database.parent
    there = [data_folder(), Path.home(), Path(gettempdir()), beside]

    def same_disk(folder: Path) -> bool:
        while not folder.is_dir() and folder != folder.parent:
            folder = folder.parent
        try:
            return folder.stat().st_dev == beside.stat().st_dev
        except OSError:
            return True

    return sorted(dict.fromkeys(there), key=lambda folder: (folder == beside, same_disk(folder)))


def _name(database: Path, session_id: int) -> str:
    """A name that tells the database and the session apart from others."""
    which = sha256(str(database).encode()).hexdigest()[:8]
    return f"rowlog-session-{session_id}-{which}.frames"


def _free_bytes(folder: Path) -> int:
    from shutil import disk_usage

    return disk_usage(folder).free
