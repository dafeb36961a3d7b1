"""Whole sessions, derived elsewhere, with the bytes that they come from; within a transaction."""

from __future__ import annotations

import sqlite3
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from rowlog.starts import TIMED, UNKNOWN, Start
from rowlog.store_edits import put_tags, start_of
from rowlog.store_facts import Inserter
from rowlog.store_pack import Block, put_block
from rowlog.store_rows import Fact, Source, pack_options
from rowlog.totals import SessionTotals
from rowlog_drivers.clock import wall_now
from rowlog_drivers.frames import Frame


class Original(NamedTuple):
    """The bytes of a file, or of the part of it that is known by itself."""

    name: str
    sha256: str
    importer: str
    """The format that they are in."""
    version: str
    """Of the readers that read them last."""
    packed: bytes
    """Compressed by zlib."""

    @property
    def content(self) -> bytes:
        """The bytes as they were."""
        return zlib.decompress(self.packed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A closed session with all that is stored of it."""

    started_at: datetime
    """Wall time of instant 0, with an offset."""
    start_from: Start = "said"
    """Who says that."""
    end_ns: int
    """The last instant."""
    plan: str | None
    """The plan's canonical text."""
    athlete: str | None
    sources: tuple[Source, ...]
    blocks: tuple[Block, ...]
    """Its frames, in order of processing."""
    facts: tuple[Fact, ...]
    totals: SessionTotals
    text: str | None
    """The plan, or the pattern that was recognised; None: neither."""
    confidence: float | None
    """In what was recognised, 0 to 1; None where nothing was."""
    origin: str | None
    note: str | None = None
    licence: str | None = None
    tags: tuple[str, ...] = ()
    header: tuple[tuple[str, str], ...] = ()

    @property
    def frames(self) -> tuple[Frame, ...]:
        """Its frames, unpacked; in order of processing."""
        return tuple(frame for block in self.blocks for frame in block.frames)

    @property
    def ended_at(self) -> datetime:
        """Wall time of the last instant, counted from the start."""
        return self.started_at + timedelta(microseconds=self.end_ns // 1000)

    @property
    def start_known(self) -> bool:
        """Whether the time of the day is known at which it began."""
        return self.start_from in TIMED

    @property
    def way(self) -> Literal["plan", "auto"]:
        """Who says where its pieces are."""
        return "auto" if self.plan is None else "plan"


def put_original(db: sqlite3.Connection, original: Original) -> int:
    """Keep a file's bytes; those that are there from a session that is gone, anew. The number."""
    db.execute(
        "INSERT INTO imports (name, sha256, importer, importer_version, imported_at, content) "
        "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO UPDATE SET name = excluded.name, "
        "importer = excluded.importer, importer_version = excluded.importer_version, "
        "imported_at = excluded.imported_at, content = excluded.content",
        (
            original.name,
            original.sha256,
            original.importer,
            original.version,
            wall_now().isoformat(),
            original.packed,
        ),
    )
    (number,) = db.execute("SELECT id FROM imports WHERE sha256 = ?", (original.sha256,)).fetchone()
    return int(number)


def original_of(db: sqlite3.Connection, session_id: int) -> tuple[Original, int] | None:
    """The bytes that a session was imported from, and which session of them it is, from 0.

    None for one that was not imported.
    """
    row = db.execute(
        "SELECT name, sha256, importer, importer_version, content, (SELECT count(*) FROM sessions "
        "AS before WHERE before.import_id = imports.id AND before.id < sessions.id) FROM sessions "
        "JOIN imports ON imports.id = import_id WHERE sessions.id = ?",
        (session_id,),
    ).fetchone()
    return None if row is None else (Original(*row[:5]), row[5])


def insert(
    db: sqlite3.Connection,
    rows: Inserter,
    whole: Whole,
    *,
    athlete_id: int | None,
    import_id: int | None,
) -> int:
    """Put a whole session into the tables, but for what is kept for speed; returns its number."""
    if whole.plan is not None:
        db.execute("INSERT OR IGNORE INTO plans (text) VALUES (?)", (whole.plan,))
    session_id = db.execute(
        "INSERT INTO sessions (started_at, ended_at, end_ns, athlete_id, activity, plan, state, "
        "note, origin, licence, header, import_id, start_from) "
        "VALUES (?, ?, ?, ?, ?, ?, 'complete', ?, ?, ?, ?, ?, ?)",
        (
            whole.started_at.isoformat(),
            whole.ended_at.isoformat(),
            whole.end_ns,
            athlete_id,
            whole.totals.activity,
            whole.plan,
            whole.note,
            whole.origin,
            whole.licence,
            pack_options(whole.header) if whole.header else None,
            import_id,
            whole.start_from,
        ),
    ).lastrowid
    number = session_id or 0
    db.executemany(
        "INSERT INTO sources (session_id, place, name, driver, address, options) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            (number, place, one.name, one.driver, one.address, pack_options(one.options))
            for place, one in enumerate(whole.sources)
        ],
    )
    put_tags(db, number, whole.tags)
    structure = rows.new_structure(number, whole.way, whole.plan, is_default=True)
    rows.describe(structure, whole.text, whole.confidence)
    _put_blocks(db, number, whole.blocks)
    rows.facts(number, whole.facts, structure, close=True)
    rows.totals(number, whole.totals)
    return number


def renew(db: sqlite3.Connection, rows: Inserter, number: int, whole: Whole) -> None:
    """Put what a file is read as today in the place of what it was read as.

    The user's own, such as note, tags, athlete and further ways to cut it, stays. What is derived
    is left to be put after this.
    """
    (was,) = db.execute("SELECT plan FROM sessions WHERE id = ?", (number,)).fetchone()
    db.execute("DELETE FROM frames WHERE session_id = ?", (number,))
    db.execute("DELETE FROM frame_blocks WHERE session_id = ?", (number,))
    rows.forget()
    _put_blocks(db, number, whole.blocks)
    started_at, start_from = start_of(db, number)
    # A start that was said stays, and so does its zone: that of where it was imported first.
    if start_from == UNKNOWN and whole.start_from != UNKNOWN:
        started_at = whole.started_at.isoformat()
    if start_from != "user":
        start_from = whole.start_from
    ended_at = datetime.fromisoformat(started_at) + timedelta(microseconds=whole.end_ns // 1000)
    db.execute(
        "UPDATE sessions SET started_at = ?, start_from = ?, ended_at = ?, end_ns = ?, "
        "activity = ?, header = ? WHERE id = ?",
        (
            started_at,
            start_from,
            ended_at.isoformat(),
            whole.end_ns,
            whole.totals.activity,
            pack_options(whole.header) if whole.header else None,
            number,
        ),
    )
    if whole.plan != was:
        if whole.plan is not None:
            db.execute("INSERT OR IGNORE INTO plans (text) VALUES (?)", (whole.plan,))
        db.execute("UPDATE sessions SET plan = ? WHERE id = ?", (whole.plan, number))
        db.execute(
            "UPDATE segmentations SET origin = ?, text = ? WHERE session_id = ? AND "
            "(origin = 'plan' AND text IS ? OR "
            "? IS NULL AND origin IN ('auto', 'device') AND is_default)",
            (whole.way, whole.plan, number, was, was),
        )


def note_version(db: sqlite3.Connection, session_id: int, version: str) -> None:
    """Say by which readers the bytes of a session were read last."""
    db.execute(
        "UPDATE imports SET importer_version = ? "
        "WHERE id = (SELECT import_id FROM sessions WHERE id = ?)",
        (version, session_id),
    )


def _put_blocks(db: sqlite3.Connection, number: int, blocks: tuple[Block, ...]) -> None:
    first_seq = 0
    for block in blocks:
        put_block(db, number, first_seq, block)
        first_seq += block.frame_count
