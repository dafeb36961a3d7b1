"""A disk that fails as asked: SQLite on a file layer of our own, which writes down what is done.

apsw brings a SQLite of its own whose file layer can be replaced. `FaultyDisk` passes every call on
to real files, keeps what was written and synced in order, and lets the n-th call of a kind fail.
From the order the files can be had as a power cut at any moment would leave them. The store talks
to it through `Connection`, which looks like one of `sqlite3`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

import apsw

SECTOR: Final = 512
"""What a disk writes whole or not at all."""

CHECKPOINT_EVERY: Final = 20
"""Commits between two checkpoints."""

Kind = Literal["open", "write", "sync"]
Fault = Literal["IOERR", "FULL", "BUSY", "DELAY"]
FAULTS: Final[tuple[Fault, ...]] = ("IOERR", "FULL", "BUSY", "DELAY")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to a file."""

    what: Literal["write", "truncate", "sync", "delete"]
    name: str
    at: int = 0
    """Where it was written; how long the file is then; of a deletion, whether that was synced."""
    content: bytes = b""


@dataclass
class FaultyDisk:
    """What was done, and what is to fail."""

    steps: list[Step] = field(default_factory=list)
    counts: dict[Kind, int] = field(default_factory=lambda: {"open": 0, "write": 0, "sync": 0})
    fail: tuple[Kind, int, Fault] | None = None
    """The kind of call, which one of them from 1, and how; None: all go well."""
    failed: bool = False
    delay: Callable[[], None] = lambda: None
    """Called in the place of waiting for two seconds."""

    def __post_init__(self) -> None:
        self.name = f"faulty-{id(self):x}"
        self._layer = _Layer(self)

    def close(self) -> None:
        """Take the layer out again."""
        self._layer.unregister()

    def count(self, kind: Kind) -> None:
        """A call is about to be passed on. Raises what is to fail."""
        self.counts[kind] += 1
        if self.fail is None or (kind, self.counts[kind]) != self.fail[:2]:
            return
        self.failed = True
        fault = self.fail[2]
        if fault == "DELAY":
            self.delay()
        elif fault == "FULL":
            raise apsw.FullError("the disk is full")
        elif fault == "BUSY":
            raise apsw.BusyError("the disk is busy")
        else:
            raise apsw.IOError("the disk failed")

    def connect(self, path: Path) -> Connection:
        """In the place of `rowlog.schema.connect`."""
        return Connection(path, self.name)

    def after_power_cut(
        self, step: int, random: Random, *, forgetful: bool = False
    ) -> dict[str, bytes]:
        """The files, by name, when the power went after so many steps.

        What was synced is there. Of the rest each sector is, or is not, in any order. A file that
        was deleted may be there again until anything was synced after that; on a `forgetful` disk,
        which has no journal, until its folder was synced.
        """
        synced: dict[str, bytearray] = {}
        waiting: dict[str, list[Step]] = {}
        gone: list[str] = []
        for one in self.steps[:step]:
            if one.what == "sync":
                content = synced.setdefault(one.name, bytearray())
                for write in waiting.pop(one.name, []):
                    _apply(content, write)
                if not forgetful:
                    for name in gone:
                        synced.pop(name, None)
                    gone.clear()
            elif one.what == "delete":
                waiting.pop(one.name, None)
                if one.at:
                    synced.pop(one.name, None)
                else:
                    gone.append(one.name)
            else:
                waiting.setdefault(one.name, []).append(one)
        for name in gone:
            if random.random() < 0.5:
                synced.pop(name, None)
        share = random.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        for name, writes in waiting.items():
            content = synced.setdefault(name, bytearray())
            pieces = [piece for write in writes for piece in _sectors(write)]
            kept = [piece for piece in pieces if random.random() < share]
            if random.random() < 0.5:
                random.shuffle(kept)
            for piece in kept:
                _apply(content, piece)
        return {name: bytes(content) for name, content in synced.items()}


def _sectors(step: Step) -> Iterator[Step]:
    if step.what == "truncate":
        yield step
        return
    start = 0
    while start < len(step.content):
        end = start + SECTOR - (step.at + start) % SECTOR
        yield Step("write", step.name, step.at + start, step.content[start:end])
        start = end


def _apply(content: bytearray, step: Step) -> None:
    if step.what == "truncate":
        del content[step.at :]
        return
    if len(content) < step.at:
        content.extend(bytes(step.at - len(content)))
    content[step.at : step.at + len(step.content)] = step.content


class _Layer(apsw.VFS):
    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        super().__init__(disk.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> _File:  # noqa: N802
        self._disk.count("open")
        return _File(self._disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._disk.steps.append(Step("delete", Path(filename).name, int(syncdir)))


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        full = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(full).name if full else ""
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.count("write")
        super().xWrite(data, offset)
        if self._name:
            self._disk.steps.append(Step("write", self._name, offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        if self._name:
            self._disk.steps.append(Step("truncate", self._name, newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.count("sync")
        if self._name:  # no need to wait for a real disk
            self._disk.steps.append(Step("sync", self._name))


class Connection:
    """As much of `sqlite3.Connection` as the store uses."""

    isolation_level = None
    autocommit = -1

    def __init__(self, path: Path, layer: str) -> None:
        with _told():
            self._db = apsw.Connection(str(path), vfs=layer)
            try:
                # A layer in Python has no shared memory: the log's index stays with the connection.
                self.execute("PRAGMA locking_mode=EXCLUSIVE")
                self.execute("PRAGMA foreign_keys=ON")
                self.execute("PRAGMA synchronous=NORMAL")
                # Done below, since apsw tells of failures in it that SQLite itself passes over.
                self.execute("PRAGMA wal_autocheckpoint=0")
            except BaseException:
                self.close()
                raise
        self._commits = 0

    @property
    def in_transaction(self) -> bool:
        return bool(self._db.in_transaction)

    def execute(self, statement: str, values: Sequence[Any] | dict[str, Any] = ()) -> Cursor:
        with _told():
            cursor = self._db.cursor()
            names: list[str] = []

            def described(known: apsw.Cursor, *_: Any) -> bool:
                names.extend(one[0] for one in known.get_description())
                return True

            cursor.exec_trace = described
            cursor.execute(statement, values or None)
            if statement == "COMMIT":
                self._commits += 1
                if self._commits % CHECKPOINT_EVERY == 0:
                    with suppress(apsw.Error):
                        self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            return Cursor(self._db, cursor, names)

    def executescript(self, script: str) -> None:
        with _told():
            self._db.cursor().execute(script).fetchall()

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> Cursor:
        with _told():
            cursor = self._db.cursor()
            cursor.executemany(statement, rows)
            return Cursor(self._db, cursor)

    def close(self) -> None:
        with suppress(apsw.Error):  # SQLite closes all the same, and leaves the log to the next
            self._db.close()

    def create_function(self, *_: Any, **__: Any) -> None:
        """Nothing of ours needs one."""


class Cursor:
    """As much of `sqlite3.Cursor` as the store uses."""

    def __init__(self, db: apsw.Connection, cursor: apsw.Cursor, names: Sequence[str] = ()) -> None:
        self._cursor = cursor
        self.lastrowid = db.last_insert_rowid()
        self.rowcount = db.changes()
        self.description = tuple((name, *[None] * 6) for name in names) or None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        with _told():
            yield from self._cursor

    def fetchone(self) -> Any:
        with _told():
            return self._cursor.fetchone()

    def fetchall(self) -> list[Any]:
        with _told():
            return list(self._cursor.fetchall())


class _told:  # noqa: N801 - a context manager, read as a word
    """Errors of apsw as those of sqlite3."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, apsw.Error):
            made = (
                sqlite3.IntegrityError
                if isinstance(error, apsw.ConstraintError)
                else sqlite3.OperationalError
            )(str(error))
            made.sqlite_errorcode = getattr(error, "extendedresult", 0) or getattr(
                error, "result", 1
            )
            raise made from error
