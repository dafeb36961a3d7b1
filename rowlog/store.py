"""The writer: appends frames and facts in one transaction, closes sessions, packs their frames.

Reading is in `store_read`, which is also how a session is looked at while it is written here.
"""

from __future__ import annotations

import sqlite3
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from rowlog import store_edits, store_whole
from rowlog.athlete import Change, check_history
from rowlog.config import db_option
from rowlog.heart import Beats
from rowlog.schema import connect, prepare
from rowlog.starts import Start
from rowlog.store_athletes import athlete_id_of, changes_of, put_changes, spelled
from rowlog.store_devices import KnownDevice, forget, remember
from rowlog.store_disk import identity, is_careful
from rowlog.store_edits import StoredChange
from rowlog.store_errors import (
    StoreError,
    no_database,
    no_session,
    not_writable,
    replaced,
    translated,
)
from rowlog.store_facts import Inserter
from rowlog.store_judged import judge_athlete
from rowlog.store_kept import Kept, compute, write
from rowlog.store_lock import WriterLock
from rowlog.store_mending import FaultyLog, FaultyLogWarning, LostPart, mend
from rowlog.store_months import refresh
from rowlog.store_pack import give_back_room, pack_block, pack_rows, unpacked_sessions
from rowlog.store_read import Reader, known_imports, stored_frames
from rowlog.store_restore import close_as_found, put_edits, put_session, put_shared
from rowlog.store_rows import MARKERS, STRUCTURE, Fact, Source, pack_options
from rowlog.store_salvage import SHARED, Record, Salvaged
from rowlog.store_whole import Original, Whole
from rowlog.totals import SessionTotals
from rowlog_drivers.clock import wall_now
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame, FramesHeader
from rowlog_drivers.interface import Delivery

__all__ = ["Source", "Store"]

BATCH_FACTS: Final = 10_000
"""How many facts are held at once while a session is derived anew."""

BATCH_KEPT: Final = 200
"""How many sessions' kept rows are written in one transaction."""

READ_BATCH: Final = 1000
"""How many frames are read between two chances for another thread."""


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
        self._insert = Inserter(db, path)
        self._identity = identity(path)
        self._careful = is_careful(path)
        if self._careful:
            db.execute("PRAGMA synchronous=EXTRA")
        self._full = False
        self._closed = False

    @classmethod
    def open_writer(cls, path: str | Path, lock: WriterLock | None = None) -> Self:
        """Open a database for writing; make it, and its folder, when there is none.

        Mends what a crash left in its log, with a FaultyLogWarning, brings its schema up to date,
        keeping a copy, and packs what a crash left unpacked. Raises SecondWriterError when another
        process has it, and StoreError for what else stands in the way.

        `lock`: the database's own, where it is held already; it is the store's from then on.
        """
        path = Path(path).expanduser().absolute()
        if lock is None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise not_writable(error, path.parent) from error
            lock = WriterLock(path)
        db = None
        try:
            faulty = mend(path)
            kept_copy = prepare(path)
            with translated(path):
                db = connect(path)
                store = cls(path, lock, db)
                store.kept_copy = kept_copy
                if faulty is not None:
                    faulty = store._bring_in(faulty)
                    warnings.warn(faulty.told(), FaultyLogWarning, stacklevel=2)
                for session_id in unpacked_sessions(db):
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
        header: Sequence[tuple[str, str]] = (),
        start_from: Start = "said",
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
            header: other (key, value) pairs of the .frames file that it comes from, in order.
            start_from: who says when it began.
        """
        if started_at.tzinfo is None:
            raise ValueError("a session's start needs an offset from UTC")
        with self._transaction(durable=True) as db:
            if plan is not None:
                db.execute("INSERT OR IGNORE INTO plans (text) VALUES (?)", (plan,))
            session_id = db.execute(
                "INSERT INTO sessions (started_at, athlete_id, activity, plan, state, note, "
                "origin, licence, header, start_from) VALUES (?, ?, ?, ?, 'open', ?, ?, ?, ?, ?)",
                (
                    started_at.isoformat(),
                    self._athlete(athlete),
                    activity,
                    plan,
                    note,
                    origin,
                    licence,
                    pack_options(header) if header else None,
                    start_from,
                ),
            ).lastrowid
            if session_id is None:
                raise no_session(None, self.path)
            self._insert_sources(session_id, sources)
            self._insert.new_structure(
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

    def set_start(self, session_id: int, started_at: datetime) -> None:
        """The wall time of a session's instant 0, when it was not known at the start."""
        self._set(
            session_id, "UPDATE sessions SET started_at = ? WHERE id = ?", started_at.isoformat()
        )

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
        self.keep(session_id)

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

    def known_imports(self) -> set[str]:
        """The SHA-256 of all that was imported before, and of which a session is there."""
        with self._mutex, translated(self.path):
            return known_imports(self._db)

    def import_sessions(self, parts: Sequence[tuple[Original, Sequence[Whole]]]) -> list[int]:
        """Store closed sessions and the bytes that they come from: all or nothing.

        Each part is of bytes that are known by themselves. Returns the sessions' numbers.
        """
        numbers = []
        with self._transaction(durable=True) as db:
            for original, wholes in parts:
                import_id = store_whole.put_original(db, original)
                for whole in wholes:
                    number = store_whole.insert(
                        db,
                        self._insert,
                        whole,
                        athlete_id=self._athlete(whole.athlete),
                        import_id=import_id,
                    )
                    kept = compute(db, self.path, number)
                    if kept is not None:
                        write(db, number, kept)
                    numbers.append(number)
        return numbers

    def original_of(self, session_id: int) -> tuple[Original, int] | None:
        """The bytes that a session was imported from, and which session of theirs it is, from 0.

        None for one that was not imported.
        """
        with self._mutex, translated(self.path):
            return store_whole.original_of(self._db, session_id)

    def read_by(self, session_id: int, version: str) -> None:
        """Note which readers read the bytes of an imported session last."""
        with self._transaction() as db:
            store_whole.note_version(db, session_id, version)

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
        after: int | None = None,
    ) -> bool:
        """Store frames, in processing order, and the facts that they led to: all or nothing.

        Facts of a type that is not stored (ticks, rower samples) are passed over; segments,
        splits and strokes that were stored before are replaced. After a commit a kill of this
        process loses nothing; after a `durable` one a power cut loses nothing either.

        `after` is how many frames the session is known to have; None: whatever it has. Frames
        beyond that, which an append left there that seemed to fail, are not stored twice; False is
        returned when there were some, since the facts of the others are not stored then.
        """
        frames = [delivery.frame for delivery in deliveries if delivery.frame is not None]
        with self._transaction(durable=durable, sessions=False):
            there = 0 if after is None else self._insert.frame_count(session_id) - after
            if there > 0 and frames:
                self._insert.frames(session_id, frames[there:])
                return False
            self._insert.frames(session_id, frames)
            self._insert.facts(session_id, facts)
        return True

    def replaced(self) -> bool:
        """Whether the file was deleted or moved away: what is written to it then is in no file."""
        return identity(self.path) != self._identity

    def frames_header(self, session_id: int) -> FramesHeader:
        """What a session's .frames file begins with; read where `replaced`, too."""
        with self._mutex:
            return Reader(self._db, self.path).session(session_id).frames_header

    def sync(self) -> None:
        """Wait until everything that was committed is on the disk."""
        with self._mutex, translated(self.path):
            # A checkpoint syncs the write-ahead log before it copies from it.
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def read_frames(self, session_id: int) -> Iterator[Frame]:
        """Every frame of a session in processing order; see `store_read.stored_frames`."""
        frames = stored_frames(self._db, self.path, session_id)
        while True:
            with self._mutex:
                batch = list(islice(frames, READ_BATCH))
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
        relayed: Beats | None = None,
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
            relayed: the heart rates that rowers relayed, as the frames tell them; what is not
                given is decoded from those again where it is needed.
        """
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            self._insert.totals(session_id, totals)
            # Of a rower that never sent anything the figures do not tell that it was there.
            silent = totals.activity == "other" and totals.heart_rate_source is None
            db.execute(
                "UPDATE sessions SET ended_at = ?, end_ns = ?, state = ?, "
                "activity = coalesce(?, activity) WHERE id = ?",
                (
                    ended_at.isoformat(),
                    end_ns,
                    state,
                    None if silent else totals.activity,
                    session_id,
                ),
            )
        self._lock.name(None)
        self.pack(session_id)
        self.keep(session_id, relayed=relayed)

    def pack(self, session_id: int) -> None:
        """Make blocks of the session's frames that are rows, each in one transaction.

        Then lay its other rows close.
        """
        packing = True
        while packing:
            with self._transaction(sessions=False) as db:
                packing = pack_block(db, self.path, session_id)
        self._lay_close(session_id)
        with self._mutex, translated(self.path):
            give_back_room(self._db)

    def _lay_close(self, session_id: int) -> None:
        # Where there is no room to move them, rows lie as they came.
        with suppress(StoreError), self._transaction(sessions=False) as db:
            pack_rows(db, session_id)

    # What is derived

    def replace_derived(
        self,
        session_id: int,
        facts: Iterable[Fact],
        totals: SessionTotals,
        *,
        segmentation_id: int | None = None,
        told: tuple[str | None, float | None] | None = None,
        renewed: Whole | None = None,
        relayed: Beats | None = None,
    ) -> None:
        """Put newly derived facts and figures in the place of the old ones: all or nothing.

        Frames, markers and other segmentations stay. None: the default segmentation's segments
        are replaced. `told` is its text and the confidence in it, None where those stay as they
        are; `relayed` as of `close_session`. `facts` may be derived from `read_frames` while they
        are taken. `renewed` is what the file that it was imported from is read as today: its frames
        and plan come in with them.
        """
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            if renewed is not None:
                store_whole.renew(db, self._insert, session_id, renewed)
            structure = self._insert.structure(session_id, segmentation_id)
            self._insert.clear_derived(session_id, structure)
            if told is not None:
                self._insert.describe(structure, *told)
            remaining = iter(facts)
            while batch := list(islice(remaining, BATCH_FACTS)):
                kept = [fact for fact in batch if not isinstance(fact, MARKERS.type)]
                self._insert.facts(session_id, kept, structure)
            self._insert.totals(session_id, totals)
        self._lay_close(session_id)
        self.keep(session_id, relayed=relayed)

    def rederive(self, session_id: int, facts: Sequence[Fact]) -> None:
        """Put what an open session's frames tell in the place of what was derived so far."""
        kept = [fact for fact in facts if not isinstance(fact, MARKERS.type)]
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            self._insert.clear_derived(session_id, self._insert.structure(session_id, None))
            self._insert.facts(session_id, kept)

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
            structure = self._insert.new_structure(session_id, origin, text, is_default=is_default)
            wanted = [fact for fact in facts if type(fact) in STRUCTURE]
            self._insert.facts(session_id, wanted, structure)
        if is_default:
            self.keep(session_id)
        return structure

    def put_segmentation(
        self,
        session_id: int,
        origin: Literal["device", "plan", "auto", "user"],
        text: str | None,
        facts: Iterable[Fact],
        *,
        confidence: float | None = None,
        totals: SessionTotals | None = None,
        relayed: Beats | None = None,
    ) -> int:
        """Cut a session in one way, in the place of what was cut so before; returns its number.

        Ways are the same when origin and text are, and all of the machine's or automatic ones
        are one. Of the facts only segments and splits are taken.

        Args:
            session_id: a closed session.
            origin: who says where the pieces are.
            text: the plan, or the pattern that was recognised; None: neither.
            facts: what the cutting led to.
            confidence: in what was recognised, 0 to 1; None where nothing was.
            totals: the session's figures under it, which makes it the one shown; None leaves
                the one shown as it is.
            relayed: as of `close_session`.
        """
        wanted = [fact for fact in facts if type(fact) in STRUCTURE]
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            structure = self._insert.same_structure(session_id, origin, text)
            if structure is None:
                structure = self._insert.new_structure(session_id, origin, text, is_default=False)
            self._insert.clear_structure(session_id, structure)
            self._insert.describe(structure, text, confidence)
            self._insert.facts(session_id, wanted, structure)
            if totals is not None:
                self._insert.set_default(session_id, structure)
                self._insert.totals(session_id, totals)
        if totals is not None:
            self.keep(session_id, relayed=relayed)
        return structure

    def set_default_segmentation(self, session_id: int, segmentation_id: int) -> None:
        """Show this one of the session's segmentations."""
        with self._transaction() as db:
            self._require(db, session_id)
            structure = self._insert.structure(session_id, segmentation_id)
            self._insert.set_default(session_id, structure)
        self.keep(session_id)

    # What is kept so that years are answered at once; see `store_kept`

    def keep(self, session_id: int, *, relayed: Beats | None = None) -> None:
        """Keep best efforts, heart and zones of a closed session; `relayed` as of `close_session`.

        Nothing is done for a session that is open, whose rows are not complete.
        """
        with self._transaction() as db:
            kept = compute(db, self.path, session_id, relayed)
            if kept is not None:
                write(db, session_id, kept)

    def keep_all(self, kept: Iterable[tuple[int, Kept]]) -> int:
        """Keep what was computed elsewhere, in transactions of many; returns how many."""
        done = 0
        remaining = iter(kept)
        while batch := list(islice(remaining, BATCH_KEPT)):
            with self._transaction() as db:
                for session_id, figures in batch:
                    write(db, session_id, figures)
            done += len(batch)
        return done

    def closed_sessions(self, *, deleted: bool = True) -> list[int]:
        """The numbers of all sessions that are closed, deleted ones among them or not."""
        only = "" if deleted else "AND deleted_at IS NULL "
        with self._mutex, translated(self.path):
            rows = self._db.execute(
                f"SELECT id FROM sessions WHERE state <> 'open' {only}ORDER BY id"
            )
            return [row[0] for row in rows]

    def compact(self) -> tuple[int, int]:
        """Write the whole file anew without the room that is left in it; bytes before and after.

        Nothing in it changes. Takes up to twice the file's size on the disk meanwhile; when that is
        not there, all is left as it was. Raises StoreError.
        """
        with self._mutex, translated(self.path):
            before = self._bytes()
            self._db.execute("VACUUM")
            # Who reads at this moment keeps the old pages until done; the file shrinks after that.
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return before, self._bytes()

    def _bytes(self) -> int:
        (size,) = self._db.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        ).fetchone()
        return int(size)

    # Athletes

    def add_athlete(self, name: str, changes: Sequence[Change], *, another: bool = False) -> None:
        """A new athlete with what is known; `another` beside one whose name is spelled alike.

        Raises CallError for a name that is taken.
        """
        check_history(name, changes)
        with self._transaction(durable=True) as db:
            there = spelled(db, name)
            if db.execute("SELECT 1 FROM athletes WHERE name = ?", (there,)).fetchone() and (
                there == name or not another
            ):
                or_else = "" if there == name else ". Somebody else: add --another"
                raise CallError(
                    f"There is an athlete {there!r} already.",
                    f'Change what is known with: rowlog athlete set "{there}"{or_else}',
                )
            number = db.execute("INSERT INTO athletes (name) VALUES (?)", (name,)).lastrowid
            put_changes(db, number or 0, changes)

    def set_athlete_values(
        self, name: str, changes: Sequence[Change], taken: Sequence[str] = ()
    ) -> int:
        """Change what is known of an athlete; `taken` are quantities to forget altogether.

        All sessions are judged anew by it; returns how many. Raises CallError for an athlete that
        there is not, and where values contradict each other.
        """
        with self._transaction(durable=True) as db:
            number = athlete_id_of(db, name)
            put_changes(db, number, changes, taken)
            check_history(name, changes_of(db, number))
            return judge_athlete(db, number)

    # What the user changes of sessions; see `store_edits`

    def edit_note(self, session_id: int, note: str | None, at: datetime) -> None:
        """Put a note in the place of the one there was; None takes it away. Can be undone."""
        with self._transaction(durable=True) as db:
            store_edits.require_there(db, self.path, session_id)
            before = store_edits.note_of(db, session_id)
            if note != before:
                db.execute("UPDATE sessions SET note = ? WHERE id = ?", (note, session_id))
                store_edits.note_edit(db, at.isoformat(), "note", session_id, {"note": before})

    def edit_tags(
        self, session_id: int, add: Sequence[str], take: Sequence[str], at: datetime
    ) -> list[str]:
        """Add tags and take others away; those that it has then. Can be undone."""
        with self._transaction(durable=True) as db:
            store_edits.require_there(db, self.path, session_id)
            before = store_edits.tags_of(db, session_id)
            store_edits.put_tags(
                db, session_id, [tag for tag in (*before, *add) if tag not in take]
            )
            after = store_edits.tags_of(db, session_id)
            if after != before:
                store_edits.note_edit(db, at.isoformat(), "tags", session_id, {"tags": before})
            return after

    def edit_athlete(self, numbers: Sequence[int], athlete: str | None, at: datetime) -> None:
        """Say whose sessions are; None: nobody's. Judged anew by that. Can be undone as one."""
        with self._transaction(durable=True) as db:
            if athlete is not None:
                athlete_id_of(db, athlete)
                athlete = spelled(db, athlete)
            changed: list[int] = []
            for number in dict.fromkeys(numbers):
                store_edits.require_there(db, self.path, number)
                before = self._athlete_of(number)
                if before != athlete:
                    self._put_athlete(number, athlete)
                    changed.append(number)
                    was = {"athlete": before}
                    store_edits.note_edit(db, at.isoformat(), "athlete", number, was)
        for number in changed:
            self.keep(number)

    def edit_start(self, session_id: int, started_at: datetime, at: datetime) -> None:
        """Say when a closed session began; it is judged anew by that. Can be undone."""
        with self._transaction(durable=True) as db:
            store_edits.require_closed(db, self.path, session_id)
            before = store_edits.start_of(db, session_id)
            after = (started_at.isoformat(), "user")
            if before != after:
                store_edits.put_start(db, session_id, *after)
                was = {"started_at": before[0], "start_from": before[1]}
                store_edits.note_edit(db, at.isoformat(), "start", session_id, was)
        if before != after:
            self.keep(session_id)

    def delete_sessions(self, numbers: Sequence[int], at: datetime) -> None:
        """Take closed sessions out of every list and sum. Can be undone as one."""
        with self._transaction(durable=True) as db:
            for number in dict.fromkeys(numbers):
                store_edits.require_closed(db, self.path, number)
                store_edits.set_deleted(db, number, at.isoformat())
                store_edits.note_edit(db, at.isoformat(), "delete", number, {})

    def put_merged(self, into: int, parts: Sequence[tuple[int, int]], at: datetime) -> None:
        """Say that sessions, by so many nanoseconds later, went into another. Can be undone."""
        with self._transaction(durable=True) as db:
            for session_id, _ in parts:
                store_edits.require_closed(db, self.path, session_id)
            tags = [tag for part, _ in parts for tag in store_edits.tags_of(db, part)]
            store_edits.put_tags(db, into, tags)
            store_edits.put_merge(db, into, parts, at.isoformat())
            numbers = [session_id for session_id, _ in parts]
            store_edits.note_edit(db, at.isoformat(), "merge", into, {"sessions": numbers})

    def undo_change(self, number: int | None, at: datetime) -> StoredChange:
        """Undo a change of all sessions that it was of, None: the latest that stands; returns it.

        Raises StoreError when there is none, it is undone already, or a later change of the same
        sessions stands.
        """
        with self._transaction(durable=True) as db:
            change = store_edits.latest_change(db, self.path, number)
            if change.undone:
                part = "" if number in (None, change.id) else f", which {number} is part of,"
                raise StoreError(f"Change {change.id}{part} is undone already.", path=self.path)
            store_edits.require_last(db, self.path, change)
            for edit in change.edits:
                if change.kind == "note":
                    note = edit.before["note"]
                    db.execute("UPDATE sessions SET note = ? WHERE id = ?", (note, edit.session))
                elif change.kind == "tags":
                    store_edits.put_tags(db, edit.session, edit.before["tags"])
                elif change.kind == "athlete":
                    self._put_athlete(edit.session, edit.before["athlete"])
                elif change.kind == "start":
                    was = (edit.before["started_at"], edit.before["start_from"])
                    store_edits.put_start(db, edit.session, *was)
                elif change.kind == "delete":
                    store_edits.set_deleted(db, edit.session, None)
                else:
                    parts = edit.before["sessions"]
                    store_edits.undo_merge(db, edit.session, parts, at.isoformat())
                db.execute("UPDATE edits SET undone_at = ? WHERE id = ?", (at.isoformat(), edit.id))
        if change.kind in ("athlete", "start"):
            for edit in change.edits:
                self.keep(edit.session)
        return change

    # What is brought back from a damaged file; see `store_salvage`

    def number_from(self, last_number: int) -> None:
        """Let the next session have a number above `last_number`."""
        with self._transaction(durable=True) as db:
            if last_number > 0:
                db.execute("DELETE FROM sqlite_sequence WHERE name = 'sessions'")
                db.execute("INSERT INTO sqlite_sequence VALUES ('sessions', ?)", (last_number,))

    def bring_back_shared(self, shared: Mapping[str, Sequence[Record]]) -> int:
        """Put back what belongs to no one session, as far as it is not there; how many rows."""
        with self._transaction(durable=True) as db:
            return put_shared(db, shared)

    def bring_back(
        self,
        session: Salvaged,
        shared: Mapping[str, Sequence[Record]],
        lost_start: datetime,
        claimed: set[int],
    ) -> int | None:
        """Put a salvaged session back and leave it open; see `store_restore.put_session`."""
        with self._transaction(durable=True) as db:
            return put_session(db, self._insert, session, shared, lost_start, claimed)

    def bring_back_edits(
        self, changes: Mapping[str, Sequence[Record]], numbers: Mapping[object, int]
    ) -> int:
        """Put back what the user changed; `numbers` are those of the sessions then and now."""
        with self._transaction(durable=True) as db:
            return put_edits(db, changes, numbers)

    def _bring_in(self, faulty: FaultyLog) -> FaultyLog:
        """Put in the frames that were read in a log behind a fault; their sessions stay open.

        What does not fit is left: the log of another database keeps nobody from rowing.
        """
        brought: list[LostPart] = []
        for part in faulty.lost:
            with suppress(StoreError, sqlite3.Error), self._transaction(durable=True) as db:
                if part.row is None:
                    self._insert.frames(part.number, part.frames)
                else:
                    session = Salvaged(
                        part.row, list(part.frames), others={"sources": part.sources}
                    )
                    names = db.execute("SELECT id, name FROM athletes")
                    athletes: list[Record] = [{"id": row[0], "name": row[1]} for row in names]
                    shared = {**dict.fromkeys(SHARED, ()), "athletes": athletes}
                    put_session(db, self._insert, session, shared, wall_now(), set())
                brought.append(part)
        return replace(faulty, lost=tuple(brought))

    def close_as_found(self, session_id: int, session: Salvaged, last_ns: int) -> None:
        """Close a session that was brought back with the figures that were found of it."""
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            close_as_found(db, session_id, session, last_ns)
        self.pack(session_id)
        # What was found may be nonsense: then nothing is kept of it.
        with suppress(ArithmeticError, LookupError, TypeError, ValueError):
            self.keep(session_id)

    def purge_session(self, session_id: int) -> None:
        """Take a deleted session out of the file for good, frames and all.

        Raises StoreError for one that is not deleted, or belongs to a merge that stands.
        """
        with self._transaction(durable=True) as db:
            self._require(db, session_id)
            store_edits.require_unmerged(db, self.path, session_id)
            deleted = db.execute(
                "SELECT deleted_at FROM sessions WHERE id = ?", (session_id,)
            ).fetchone()[0]
            if deleted is None:
                raise StoreError(
                    f"Session {session_id} is not deleted.",
                    f"Delete it first: rowlog edit delete {session_id}{db_option(self.path)}",
                    path=self.path,
                )
            db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        with self._mutex, translated(self.path):
            give_back_room(self._db)

    def _athlete_of(self, session_id: int) -> str | None:
        row = self._db.execute(
            "SELECT name FROM athletes WHERE id = (SELECT athlete_id FROM sessions WHERE id = ?)",
            (session_id,),
        ).fetchone()
        return None if row is None else row[0]

    def _put_athlete(self, session_id: int, athlete: str | None) -> None:
        self._db.execute(
            "UPDATE sessions SET athlete_id = ? WHERE id = ?", (self._athlete(athlete), session_id)
        )

    # Below: what the methods above share

    @contextmanager
    def _transaction(
        self, *, durable: bool = False, sessions: bool = True
    ) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at its end, undone and told as StoreError on failure.

        `sessions`: it may change what a month adds up to.
        """
        with self._mutex, translated(self.path):
            db = self._db
            if durable != self._full and not self._careful:  # not possible within a transaction
                db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                self._full = durable
            if durable and self.replaced():
                raise replaced(self.path)
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                if sessions:
                    refresh(db)
                db.execute("COMMIT")
            except BaseException:
                self._insert.forget()
                # SQLite has undone it already where the disk is full.
                with suppress(sqlite3.Error):
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                raise

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

    def remember_devices(self, athlete: str | None, devices: Sequence[KnownDevice]) -> None:
        """Keep devices as known to an athlete, made when new; None: to everybody."""
        with self._transaction() as db:
            remember(db, self._athlete(athlete), devices)

    def forget_device(self, address: str) -> int:
        """Know a device no longer, whosever it is; how many entries that were."""
        with self._transaction() as db:
            return forget(db, address)

    def _athlete(self, name: str | None) -> int | None:
        if name is None:
            return None
        name = spelled(self._db, name)
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


def compact(path: Path) -> tuple[int, int]:
    """`Store.compact` of an existing database. Raises StoreError, for a missing one too."""
    if not path.expanduser().is_file():
        raise no_database(path)
    with Store.open_writer(path) as store:
        return store.compact()
