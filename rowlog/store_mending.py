"""A write-ahead log with a fault in it, mended before SQLite drops what lies behind."""

from __future__ import annotations

import os
import shutil
import sqlite3
import struct
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from rowlog.schema import PRIVATE
from rowlog.store_errors import StoreError
from rowlog.store_log import Log, LogFrame, last_commit, read_log
from rowlog.store_read import open_reader
from rowlog.store_salvage import Record, found_in_pages
from rowlog_drivers.clock import wall_now
from rowlog_drivers.frames import Frame

POWER_CUT_NS: Final = 1_500_000_000
"""Of a session's time: what is torn by a power cut is not more, since each second is flushed. So
far a log that cannot be mended is one that simply ends."""
MARK: Final = "-faulty-log-"


class FaultyLogWarning(UserWarning):
    """A fault in the write-ahead log, and what came of it."""


@dataclass(frozen=True, slots=True)
class LostPart:
    """What a log tells of one session behind a fault that cannot be mended."""

    number: int
    row: Record | None
    """Its row, where the database has none yet; None where it has."""
    sources: list[Record]
    frames: tuple[Frame, ...]
    """In order; they go on from those that the database has."""
    missing: int
    """How many are lost between or before them."""


@dataclass(frozen=True, slots=True)
class FaultyLog:
    """A fault in the log of a database, of which SQLite says nothing."""

    path: Path
    """The database."""
    log: Log
    whole: bool
    """Whether it can be mended to its very last commit: only that makes nothing worse."""
    mended: bool
    """Whether SQLite reads now all that was committed."""
    lost: tuple[LostPart, ...]
    """What it does not read and could be read here."""
    kept: Path | None = None
    """The log as it was; None where no copy was made."""

    @property
    def what(self) -> str:
        """What is wrong, as a sentence begins."""
        if not self.whole:
            return f"A part of the write-ahead log of {self.path} is destroyed"
        bits = len(self.log.mends)
        which = "A bit" if bits == 1 else f"{bits} bits"
        return f"{which} of the write-ahead log of {self.path} had flipped"

    def told(self) -> str:
        """What was wrong and what came of it, in sentences."""
        said = [f"{self.what}; SQLite drops what was written after that."]
        for part in self.lost:
            count = len(part.frames)
            missing = f", {part.missing} are lost" if part.missing else ""
            said.append(f"Of session {part.number} {count} frames are brought back{missing}.")
        if self.mended:
            said.append("It is mended, and nothing is lost.")
        elif not self.whole:
            said.append("What else was written last may be missing.")
        elif not self.lost:
            said.append("It could not be mended while another program reads the database.")
        if self.kept is None:
            said.append("No copy of it could be made.")
        else:
            said.append(f"The log as it was is kept as {self.kept}")
        return " ".join(said)


def look(path: Path) -> FaultyLog | None:
    """The fault in the log of a database that nobody writes to; None where there is none.

    Changes nothing. A log that just ends, as a kill or a power cut leaves it, has no fault. Costs
    nothing without a log, and a millisecond or two with one that SQLite reads to its end.
    """
    try:
        if not path.is_file():
            return None
        content = _log_of(path).read_bytes()
        last = last_commit(content)
        if last == 0:
            return None
        seen = _seen(path, content)
        if seen >= last > 0:
            return None
        log = read_log(content, _Pages(path))
        whole = bool(log.mends) and _is_whole(log, content)
        lost = () if whole else _lost(path, log, seen)
    except OSError:
        return None
    if not log.mends and not lost:
        return None
    return FaultyLog(path=path, log=log, whole=whole, mended=False, lost=lost)


def _is_whole(log: Log, content: bytes) -> bool:
    """Whether a log is, once mended, all that was written into it.

    To mend it up to some commit before its last would lay old pages over those that a checkpoint
    has put into the database since.
    """
    mended = bytearray(content)
    for one in log.mends:
        mended[one.place : one.place + len(one.was)] = one.was
    again = read_log(bytes(mended))
    last = last_commit(bytes(mended))
    return not again.mends and not again.beyond and len(again.frames) == len(log.frames) >= last > 0


def mend(path: Path) -> FaultyLog | None:
    """Mend the log of a database, for who holds its writer's lock and has not opened it yet.

    Only one that can be mended to its end; another is left as it is. The log is kept as it was in
    a copy beside the database. What SQLite does not read even so is to be put into it by the
    caller. None where there was no fault.
    """
    found = look(path)
    if found is None:
        return None
    log_path = _log_of(path)
    kept = _keep(path, log_path)
    if not found.whole:
        return replace(found, kept=kept)
    seen, lost = -1, found.lost
    with suppress(OSError):
        with log_path.open("r+b") as file:
            for one in found.log.mends:
                file.seek(one.place)
                file.write(one.was)
            file.flush()
            os.fsync(file.fileno())
        # Who reads at this moment keeps SQLite from looking again: then it is dropped all the same.
        seen = _seen(path, log_path.read_bytes())
    mended = seen >= len(found.log.frames)
    if not mended:
        lost = _lost(path, found.log, seen)
    return replace(found, mended=mended, lost=lost, kept=kept)


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


class _Pages:
    """The pages of a database file, by number, of the size that its header tells."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, number: int) -> bytes:
        with self._path.open("rb") as file:
            size = int.from_bytes(file.read(18)[16:18], "big")
            size = 65536 if size == 1 else size
            file.seek((number - 1) * size)
            return file.read(size)


def _seen(path: Path, content: bytes) -> int:
    """How many frames of its log SQLite reads; -1 where it does not tell."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None, timeout=1.0)) as db:
            db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            with path.with_name(path.name + "-shm").open("rb") as file:
                index = file.read(48)
    except (OSError, sqlite3.Error):
        return -1
    # "WAL-mode File Format" (https://sqlite.org/walformat.html), section 2.1
    if len(index) < 48 or not index[12]:
        return -1
    if index[32:40] != content[16:24]:
        return 0  # it takes it for a log without anything in it
    (frames,) = struct.unpack(f"{'<' if sys.byteorder == 'little' else '>'}I", index[16:20])
    return int(frames)


def _lost(path: Path, log: Log, seen: int) -> tuple[LostPart, ...]:
    """What the frames of the log that SQLite does not read tell of sessions."""
    unread = (*log.frames[max(seen, 0) :], *log.beyond)
    newest = _newest((*log.frames, *log.beyond))
    numbers = _newest(unread)
    try:
        with open_reader(path) as reader:
            found = found_in_pages(path, newest, numbers)
            parts: list[LostPart] = []
            there = dict(reader._db.execute("SELECT id, state FROM sessions").fetchall())
            for number, session in found.items():
                known = there.get(number)
                if known not in (None, "open") or (known is None and session.row is None):
                    continue
                count, last_ns = reader.frame_count(number), reader.last_ns(number) or 0
                frames, missing = _going_on(session.frames, count, last_ns)
                if frames and frames[-1].t_ns - last_ns > POWER_CUT_NS:
                    row = None if known is not None else session.row
                    parts.append(LostPart(number, row, session.sources, frames, missing))
    except (StoreError, sqlite3.Error):
        return ()
    return tuple(parts)


def _going_on(
    found: Mapping[int, Frame], count: int, last_ns: int
) -> tuple[tuple[Frame, ...], int]:
    """The frames that go on from `count` others, and how many are missing among them."""
    frames: list[Frame] = []
    end = count
    for seq, frame in found.items():
        if seq >= count and frame.t_ns >= last_ns:
            frames.append(frame)
            last_ns, end = frame.t_ns, seq + 1
    return tuple(frames), end - count - len(frames)


def _newest(frames: tuple[LogFrame, ...]) -> dict[int, bytes]:
    return {frame.number: frame.content for frame in frames}


def _keep(path: Path, log: Path) -> Path | None:
    """Copy a log beside its database; None where that cannot be done."""
    stamp = wall_now().strftime("%Y-%m-%d-%H%M%S")
    for count in range(1, 100):
        more = "" if count == 1 else f"-{count}"
        kept = path.with_name(f"{path.stem}{MARK}{stamp}{more}.wal")
        try:
            kept.touch(PRIVATE, exist_ok=False)
        except FileExistsError:
            continue
        except OSError:
            return None
        try:
            shutil.copyfile(log, kept)
        except OSError:
            kept.unlink(missing_ok=True)
            return None
        return kept
    return None
