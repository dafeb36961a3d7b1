"""The writer: appends frames and facts in one transaction, closes sessions, packs their frames.

Reading is in `store_read`, which is also how a session is looked at while it is written here.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from rowlog.archive import (
    BLOCK_BYTES,
    BLOCK_FRAMES,
    ENCODING,
    checksum,
    decode_block,
    encode_block,
)
from rowlog.schema import FIGURES_VERSION, connect, prepare
from rowlog.store_errors import DamagedError, no_session, not_writable, translated
from rowlog.store_lock import WriterLock
from rowlog.store_read import default_segmentation, stored_frames
from rowlog.store_rows import (
    FRAME_COLUMNS,
    MARKERS,
    SHAPES,
    STRUCTURE,
    TOTALS,
    Fact,
    Row,
    Shape,
    Source,
    pack_frame,
    pack_options,
    unpack_frame,
)
from rowlog.totals import SessionTotals
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Delivery

__all__ = ["Source", "Store"]

BATCH_FACTS: Final = 10_000
"""How many facts are held at once while a session is derived anew."""

_INSERT_FRAME: Final = (
    f"INSERT INTO frames (session_id, seq, {', '.join(FRAME_COLUMNS)}) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)

_DERIVED: Final = tuple(
    shape for shape in SHAPES.values() if shape.type not in STRUCTURE and shape is not MARKERS
)
"""Tables whose rows all come from the frames; markers are the user's own and stay."""


def _insert(shape: Shape[Any]) -> str:
    """The statement that writes one row, or writes it again where it is told again."""
    keys = ("session_id", "segmentation_id") if shape.type in STRUCTURE else ("session_id",)
    columns = (*keys, *(("seq",) if shape.numbered else ()), *shape.columns)
    names = ", ".join(f'"{column}"' for column in columns)
    how = "INSERT" if shape.numbered else "INSERT OR REPLACE"
    return f"{how} INTO {shape.table} ({names}) VALUES ({', '.join('?' * len(columns))})"


_INSERTS: Final = {kind: _insert(shape) for kind, shape in SHAPES.items()}

_INSERT_TOTALS: Final = (
    f"INSERT OR REPLACE INTO session_totals (session_id, version, {TOTALS.selected}) "
    f"VALUES (?, ?{', ?' * len(TOTALS.columns)})"
)


class Store:
    """A database open for writing, by one process at a time.

    Every method raises StoreError when it cannot be done, and then has changed nothing. Methods
    may be called from any thread; they wait for one another.
    """

    def __init__(self, path: Path, lock: WriterLock, db: sqlite3.Connection) -> None:
        self.path = path
        self.kept_copy: Path | None = None
        """The copy that was made before the schema was brought up to date; None when it was."""
        self._lock = lock
        self._db = db
        self._mutex = threading.RLock()
        self._next: dict[tuple[int, str], int] = {}
        self._structures: dict[int, int] = {}
        self._full = False
        self._closed = False

    @classmethod
    def open_writer(cls, path: str | Path) -> Self:
        """Open a database for writing; make it, and its folder, when there is none.

        Brings its schema up to date, keeping a copy, and packs what a crash left unpacked.
        Raises SecondWriterError when another process has it, and StoreError for what else
        stands in the way.
        """
        path = Path(path).expanduser().absolute()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise not_writable(error, path.parent) from error
        lock = WriterLock(path)
        db = None
        try:
            kept_copy = prepare(path)
            with translated(path):
                db = connect(path)
                store = cls(path, lock, db)
                store.kept_copy = kept_copy
                for session_id in store._unpacked():
                    store.pack(session_id)
        except BaseException:
            if db is not None:
                db.close()
            lock.release()
            raise
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file and the lock; safe to call twice. A session may stay open."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            try:
                with translated(self.path):
                    self._db.close()
            finally:
                self._lock.release()

    # Sessions

    def begin_session(
        self,
        *,
        started_at: datetime,
        plan: str | None,
        athlete: str | None,
        activity: str,
        sources: Sequence[Source],
        origin: str | None = None,
        note: str | None = None,
        licence: str | None = None,
    ) -> int:
        """A new session, open; returns its number.

        Args:
            started_at: wall time of instant 0, with an offset; ValueError without.
            plan: the plan's canonical text; None when nothing was planned.
            athlete: by name, made when new; None: nobody said.
            activity: "row" or what else is known at the start; `close_session` corrects it.
            sources: the devices that are known so far; see `add_sources`.
            origin: the file that it is replayed from; None for a recording.
            note: free text.
            licence: terms of the data, where they come from someone else.
        """
        if started_at.tzinfo is None:
            raise ValueError("a session's start needs an offset from UTC")
        with self._transaction(durable=True) as db:
            if plan is not None:
                db.execute("INSERT OR IGNORE INTO plans (text) VALUES (?)", (plan,))
            session_id = db.execute(
                "INSERT INTO sessions (started_at, athlete_id, activity, plan, state, note, "
                "origin, licence) VALUES (?, ?, ?, ?, 'open', ?, ?, ?)",
                (
                    started_at.isoformat(),
                    self._athlete(athlete),
                    activity,
                    plan,
                    note,
                    origin,
                    licence,
                ),
            ).lastrowid
            if session_id is None:
                raise no_session(None, self.path)
            self._insert_sources(session_id, sources)
            self._insert_segmentation(
                session_id, "auto" if plan is None else "plan", plan, is_default=True
            )
            # Before others see the session, so that none takes it for an interrupted one.
            self._lock.name(session_id)
        return session_id

    def resume_session(self, session_id: int) -> None:
        """Say that this open session is being written now: what a recovering writer does first."""
        if session_id not in self.open_sessions():
            raise no_session(session_id, self.path)
        self._lock.name(session_id)

    def add_sources(self, session_id: int, sources: Sequence[Source]) -> None:
        """Devices that were found after the start; one that is known already is replaced."""
        with self._transaction() as db:
            self._require(db, session_id)
            self._insert_sources(session_id, sources)

    def set_activity(self, session_id: int, activity: str) -> None:
        """What was done: "row", an exercise's name, "circuit", "mixed" or "other"."""
        self._set(session_id, "UPDATE sessions SET activity = ? WHERE id = ?", activity)

    def set_note(self, session_id: int, note: str | None) -> None:
        """Free text about the session; None takes it away."""
        self._set(session_id, "UPDATE sessions SET note = ? WHERE id = ?", note)

    def set_athlete(self, session_id: int, athlete: str | None) -> None:
        """Whose session it is, by name, made when new; None: nobody's."""
        with self._transaction() as db:
            self._require(db, session_id)
            db.execute(
                "UPDATE sessions SET athlete_id = ? WHERE id = ?",
                (self._athlete(athlete), session_id),
            )

    def add_event(
        self,
        kind: str,
        text: str,
        *,
        happened_at: datetime,
        session_id: int | None = None,
        t_ns: int | None = None,
    ) -> None:
        """Something about the program or the system worth keeping, for people.

        `session_id` and `t_ns` are None when it belongs to no session, or to no instant of it.
        """
        with self._transaction() as db:
            db.execute(
                "INSERT INTO events (session_id, t_ns, happened_at, kind, text) "
                "VALUES (?, ?, ?, ?, ?)",
                (session_id, t_ns, happened_at.isoformat(), kind, text),
            )

    def open_sessions(self) -> list[int]:
        """The sessions that are not closed: this writer's own, and what crashes left behind."""
        with self._mutex, translated(self.path):
            rows = self._db.execute("SELECT id FROM sessions WHERE state = 'open' ORDER BY id")
            return [row[0] for row in rows]

    # Frames and facts

    def append(
        self,
        session_id: int,
        deliveries: Sequence[Delivery],
        facts: Sequence[Fact],
        *,
        durable: bool = False,
    ) -> None:
        """Store frames, in processing order, and the facts that they led to: all or nothing.

        Facts of a type that is not stored (ticks, rower samples) are passed over; segments,
        splits and strokes that were stored before are replaced. After a commit a kill of this
        process loses nothing; after a `durable` one a power cut loses nothing either.
        """
        frames = [delivery.frame for delivery in deliveries if delivery.frame is not None]
        with self._transaction(durable=durable) as db:
            if frames:
                first = self._take_numbers(session_id, "frames", len(frames))
                db.executemany(
                    _INSERT_FRAME,
                    (
                        (session_id, seq, *pack_frame(frame))
                        for seq, frame in enumerate(frames, first)
                    ),
                )
            self._insert_facts(session_id, facts, None)

    def read_frames(self, session_id: int) -> Iterator[Frame]:
        """Every frame of a session in processing order; see `store_read.stored_frames`."""
        frames = stored_frames(self._db, self.path, session_id)
        while True:
            with self._mutex:
                batch = list(islice(frames, BLOCK_FRAMES))
            if not batch:
                return
            yield from batch

    def close_session(
        self,
        session_id: int,
        *,
        end_ns: int,
        ended_at: datetime,
        totals: SessionTotals,
        state: Literal["complete", "recovered"] = "complete",
    ) -> None:
        """Close a session: store its figures, then pack its frames.

        A crash in between leaves a closed session whose frames are rows, in part or all; the next
        writer packs them. Safe to call again.

        Args:
            session_id: the session.
            end_ns: its last instant, nanoseconds since its start.
            ended_at: wall time of that, with an offset.
            totals: its figures.
            state: "recovered" when this is done for a writer that did not come to it.
        """
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            self._insert_totals(session_id, totals)
            db.execute(
                "UPDATE sessions SET ended_at = ?, end_ns = ?, state = ?, activity = ? "
                "WHERE id = ?",
                (ended_at.isoformat(), end_ns, state, totals.activity, session_id),
            )
        self._lock.name(None)
        self._next = {key: seq for key, seq in self._next.items() if key[0] != session_id}
        self._structures.pop(session_id, None)
        self.pack(session_id)

    def pack(self, session_id: int) -> None:
        """Make blocks of the session's frames that are rows, each in one transaction."""
        while self._pack_block(session_id):
            pass
        with self._mutex, translated(self.path):
            # Gives the room of the rows back. `execute` would free one page and stop.
            self._db.executescript("PRAGMA incremental_vacuum")
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    # What is derived

    def replace_derived(
        self,
        session_id: int,
        facts: Iterable[Fact],
        totals: SessionTotals,
        *,
        segmentation_id: int | None = None,
    ) -> None:
        """Put newly derived facts and figures in the place of the old ones: all or nothing.

        Frames, markers and other segmentations stay. None: the default segmentation's segments
        are replaced. `facts` may be derived from `read_frames` while they are taken.
        """
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            structure = self._structure_of(session_id, segmentation_id)
            for shape in _DERIVED:
                db.execute(f"DELETE FROM {shape.table} WHERE session_id = ?", (session_id,))
                self._next[session_id, shape.table] = 0
            self._clear_structure(db, session_id, structure)
            remaining = iter(facts)
            while batch := list(islice(remaining, BATCH_FACTS)):
                kept = [fact for fact in batch if not isinstance(fact, MARKERS.type)]
                self._insert_facts(session_id, kept, structure)
            self._insert_totals(session_id, totals)

    def add_segmentation(
        self,
        session_id: int,
        origin: Literal["device", "plan", "auto", "user"],
        text: str | None,
        facts: Iterable[Fact],
        *,
        is_default: bool = False,
    ) -> int:
        """Another way to cut a session, beside those it has; returns its number.

        Of the facts only segments and splits are taken. `is_default` makes it the one shown.
        """
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            structure = self._insert_segmentation(session_id, origin, text, is_default=is_default)
            wanted = [fact for fact in facts if type(fact) in STRUCTURE]
            self._insert_facts(session_id, wanted, structure)
        return structure

    def set_default_segmentation(self, session_id: int, segmentation_id: int) -> None:
        """Show this one of the session's segmentations."""
        with self._transaction() as db:
            self._require(db, session_id)
            self._structure_of(session_id, segmentation_id)
            db.execute(
                "UPDATE segmentations SET is_default = (id = ?) WHERE session_id = ?",
                (segmentation_id, session_id),
            )
            self._structures.pop(session_id, None)

    # Below: what the methods above share

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at its end, undone and told as StoreError on failure."""
        with self._mutex, translated(self.path):
            db = self._db
            if durable != self._full:  # not possible within a transaction
                db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._full = durable
            numbers = self._next.copy()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                self._next = numbers
                self._structures.clear()
                # SQLite has undone it already where the disk is full.
                with suppress(sqlite3.Error):
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                raise

    def _take_numbers(self, session_id: int, table: str, count: int) -> int:
        """The first of `count` numbers that rows of this table and session get."""
        key = (session_id, table)
        first = self._next.get(key)
        if first is None:
            highest = f"SELECT max(seq) FROM {table} WHERE session_id = ?"
            found = [self._db.execute(highest, (session_id,)).fetchone()[0]]
            if table == "frames":
                packed = "SELECT max(last_seq) FROM frame_blocks WHERE session_id = ?"
                found.append(self._db.execute(packed, (session_id,)).fetchone()[0])
            first = max((seq + 1 for seq in found if seq is not None), default=0)
        self._next[key] = first + count
        return first

    def _insert_facts(self, session_id: int, facts: Iterable[Fact], structure: int | None) -> None:
        """Insert facts of any types; None: segments belong to the default segmentation."""
        by_type: dict[type, list[Row]] = {}
        for fact in facts:
            kind = type(fact)
            shape = SHAPES.get(kind)
            if shape is not None:
                by_type.setdefault(kind, []).append(shape.pack(fact))
        for kind, rows in by_type.items():
            shape = SHAPES[kind]
            if shape.numbered:
                first = self._take_numbers(session_id, shape.table, len(rows))
                values: Iterable[Row] = (
                    (session_id, seq, *row) for seq, row in enumerate(rows, first)
                )
            elif kind in STRUCTURE:
                structure = self._structure_of(session_id, structure)
                values = map(partial(_joined, (session_id, structure)), rows)
            else:
                values = map(partial(_joined, (session_id,)), rows)
            self._db.executemany(_INSERTS[kind], values)

    def _structure_of(self, session_id: int, segmentation_id: int | None) -> int:
        """The number of a segmentation of this session; None: its default one, made if needed."""
        if segmentation_id is None:
            found = self._structures.get(session_id)
            if found is None:
                found = default_segmentation(self._db, session_id)
            if found is None:
                found = self._insert_segmentation(session_id, "auto", None, is_default=True)
            self._structures[session_id] = found
            return found
        row = self._db.execute(
            "SELECT id FROM segmentations WHERE id = ? AND session_id = ?",
            (segmentation_id, session_id),
        ).fetchone()
        if row is None:
            raise no_session(session_id, self.path)
        return segmentation_id

    def _insert_segmentation(
        self, session_id: int, origin: str, text: str | None, *, is_default: bool
    ) -> int:
        if is_default:
            self._db.execute(
                "UPDATE segmentations SET is_default = 0 WHERE session_id = ?", (session_id,)
            )
            self._structures.pop(session_id, None)
        number = self._db.execute(
            "INSERT INTO segmentations (session_id, origin, text, is_default) VALUES (?, ?, ?, ?)",
            (session_id, origin, text, is_default),
        ).lastrowid
        return number or 0

    @staticmethod
    def _clear_structure(db: sqlite3.Connection, session_id: int, structure: int) -> None:
        for kind in STRUCTURE:
            db.execute(
                f"DELETE FROM {SHAPES[kind].table} WHERE session_id = ? AND segmentation_id = ?",
                (session_id, structure),
            )

    def _insert_totals(self, session_id: int, totals: SessionTotals) -> None:
        self._db.execute(_INSERT_TOTALS, (session_id, FIGURES_VERSION, *TOTALS.pack(totals)))

    def _insert_sources(self, session_id: int, sources: Sequence[Source]) -> None:
        known = self._db.execute(
            "SELECT coalesce(max(place), -1) + 1 FROM sources WHERE session_id = ?", (session_id,)
        ).fetchone()[0]
        self._db.executemany(
            "INSERT INTO sources (session_id, place, name, driver, address, options) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (session_id, name) DO UPDATE SET "
            "driver = excluded.driver, address = excluded.address, options = excluded.options",
            [
                (
                    session_id,
                    place,
                    source.name,
                    source.driver,
                    source.address,
                    pack_options(source.options),
                )
                for place, source in enumerate(sources, known)
            ],
        )

    def _athlete(self, name: str | None) -> int | None:
        if name is None:
            return None
        self._db.execute("INSERT OR IGNORE INTO athletes (name) VALUES (?)", (name,))
        number: int = self._db.execute(
            "SELECT id FROM athletes WHERE name = ?", (name,)
        ).fetchone()[0]
        return number

    def _set(self, session_id: int, statement: str, value: str | None) -> None:
        with self._transaction() as db:
            self._require(db, session_id)
            db.execute(statement, (value, session_id))

    def _require(self, db: sqlite3.Connection, session_id: int) -> None:
        if db.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)).fetchone() is None:
            raise no_session(session_id, self.path)

    def _unpacked(self) -> list[int]:
        """Closed sessions of which frames are rows still."""
        rows = self._db.execute(
            "SELECT id FROM sessions WHERE state <> 'open' AND "
            "EXISTS (SELECT 1 FROM frames WHERE session_id = sessions.id) ORDER BY id"
        )
        return [row[0] for row in rows]

    def _pack_block(self, session_id: int) -> bool:
        """Turn the first rows into a block; False when there are none left."""
        with self._transaction() as db:
            rows = _first_rows(db, session_id)
            if not rows:
                return False
            frames = [unpack_frame(row[1:]) for row in rows]
            first_seq, last_seq = rows[0][0], rows[-1][0]
            block = encode_block(frames)
            if decode_block(block, ENCODING) != frames:
                raise DamagedError(
                    f"Frames {first_seq} to {last_seq} of session {session_id} in {self.path} do "
                    "not come back as they were from a compressed block, so they stay rows.",
                    "Please report it, with the file.",
                    path=self.path,
                )
            db.execute(
                "INSERT INTO frame_blocks (session_id, first_seq, last_seq, frame_count, "
                "first_t_ns, last_t_ns, encoding, payload, checksum) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    session_id,
                    first_seq,
                    last_seq,
                    len(frames),
                    frames[0].t_ns,
                    frames[-1].t_ns,
                    ENCODING,
                    block,
                    checksum(block),
                ),
            )
            db.execute(
                "DELETE FROM frames WHERE session_id = ? AND seq BETWEEN ? AND ?",
                (session_id, first_seq, last_seq),
            )
            return True


def _joined(keys: Row, row: Row) -> Row:
    return keys + row


def _first_rows(db: sqlite3.Connection, session_id: int) -> list[Row]:
    """As many of the first rows, without a hole in their numbers, as make one block."""
    rows: list[Row] = []
    size = 0
    for row in db.execute(
        f"SELECT seq, {', '.join(FRAME_COLUMNS)} FROM frames WHERE session_id = ? "
        f"ORDER BY seq LIMIT {BLOCK_FRAMES}",
        (session_id,),
    ):
        size += len(row[4])
        if rows and (size > BLOCK_BYTES or row[0] != rows[-1][0] + 1):
            break
        rows.append(row)
    return rows
