"""Inserting: frames and facts get their numbers and go into their tables.

Everything here runs within a transaction of the writer.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from rowlog.schema import FIGURES_VERSION
from rowlog.store_errors import StoreError
from rowlog.store_pack import MANY_ROWS, laid
from rowlog.store_read import default_segmentation
from rowlog.store_rows import (
    FRAME_COLUMNS,
    MARKERS,
    SHAPES,
    STRUCTURE,
    TOTALS,
    Fact,
    Row,
    Shape,
    pack_frame,
)
from rowlog.totals import SessionTotals
from rowlog_drivers.frames import Frame

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

_NAME_ORIGIN: Final = (
    "UPDATE segmentations SET origin = CASE WHEN EXISTS (SELECT 1 FROM segments "
    "WHERE segmentation_id = segmentations.id AND ended_by = 'device') THEN 'device' ELSE 'auto' "
    "END WHERE session_id = ? AND is_default AND text IS NULL AND origin IN ('auto', 'device')"
)
"""Without a plan the segments are the machine's own intervals where it told some."""


class Inserter:
    """Puts rows into the tables of one connection, and remembers the numbers it gave."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self._next: dict[tuple[int, str], int] = {}
        self._defaults: dict[int, int] = {}

    def forget(self) -> None:
        """Look the numbers up again: what was inserted last has been undone."""
        self._next.clear()
        self._defaults.clear()

    def frames(self, session_id: int, frames: Sequence[Frame]) -> None:
        """Append frames, numbered on from those that are stored."""
        if not frames:
            return
        first = self._take_numbers(session_id, "frames", len(frames))
        self._db.executemany(
            _INSERT_FRAME,
            ((session_id, seq, *pack_frame(frame)) for seq, frame in enumerate(frames, first)),
        )

    def frame_count(self, session_id: int) -> int:
        """How many frames a session has; they are numbered from 0."""
        return self._take_numbers(session_id, "frames", 0)

    def facts(
        self,
        session_id: int,
        facts: Iterable[Fact],
        structure: int | None = None,
        *,
        close: bool = False,
    ) -> None:
        """Insert facts of any types, those that are not stored passed over.

        `structure` is the segmentation of segments and splits; None: the default one. `close`:
        these are all that the session has, and lie close at once, as `pack_rows` lays them.
        """
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
                values = [(session_id, seq, *row) for seq, row in enumerate(rows, first)]
            elif kind in STRUCTURE:
                structure = self.structure(session_id, structure)
                values = [(session_id, structure, *row) for row in rows]
            else:
                values = [(session_id, *row) for row in rows]
            in_order = laid(values) if close and shape.table in MANY_ROWS else values
            self._db.executemany(_INSERTS[kind], in_order)

    def totals(self, session_id: int, totals: SessionTotals) -> None:
        """The session's figures, in the place of those it had."""
        self._db.execute(_INSERT_TOTALS, (session_id, FIGURES_VERSION, *TOTALS.pack(totals)))
        self._db.execute(_NAME_ORIGIN, (session_id,))

    def clear_derived(self, session_id: int, structure: int) -> None:
        """Delete what is derived, of the segments only those of one segmentation."""
        for shape in _DERIVED:
            self._db.execute(f"DELETE FROM {shape.table} WHERE session_id = ?", (session_id,))
            self._next[session_id, shape.table] = 0
        self.clear_structure(session_id, structure)

    def clear_structure(self, session_id: int, structure: int) -> None:
        """Delete the segments and splits of one segmentation."""
        for kind in STRUCTURE:
            self._db.execute(
                f"DELETE FROM {SHAPES[kind].table} WHERE session_id = ? AND segmentation_id = ?",
                (session_id, structure),
            )

    def same_structure(self, session_id: int, origin: str, text: str | None) -> int | None:
        """The segmentation that cuts a session in this way already; None when there is none."""
        row = self._db.execute(
            "SELECT id FROM segmentations WHERE session_id = ? AND origin = ? "
            "AND (text IS ? OR origin IN ('device', 'auto')) ORDER BY id LIMIT 1",
            (session_id, origin, text),
        ).fetchone()
        return None if row is None else row[0]

    def describe(self, structure: int, text: str | None, confidence: float | None) -> None:
        """Say what a segmentation's text is, and how sure it is."""
        self._db.execute(
            "UPDATE segmentations SET text = ?, confidence = ? WHERE id = ?",
            (text, confidence, structure),
        )

    def structure(self, session_id: int, segmentation_id: int | None) -> int:
        """A segmentation of this session; None: its default one, made when there is none."""
        if segmentation_id is None:
            found = self._defaults.get(session_id)
            if found is None:
                found = default_segmentation(self._db, session_id)
            if found is None:
                found = self.new_structure(session_id, "auto", None, is_default=True)
            self._defaults[session_id] = found
            return found
        row = self._db.execute(
            "SELECT id FROM segmentations WHERE id = ? AND session_id = ?",
            (segmentation_id, session_id),
        ).fetchone()
        if row is None:
            raise StoreError(
                f"Session {session_id} in {self._path} has no segmentation {segmentation_id}.",
                path=self._path,
            )
        return segmentation_id

    def new_structure(
        self, session_id: int, origin: str, text: str | None, *, is_default: bool
    ) -> int:
        """A new segmentation, without segments yet; returns its number."""
        number = self._db.execute(
            "INSERT INTO segmentations (session_id, origin, text, is_default) VALUES (?, ?, ?, 0)",
            (session_id, origin, text),
        ).lastrowid
        structure = number or 0
        if is_default:
            self.set_default(session_id, structure)
        return structure

    def set_default(self, session_id: int, structure: int) -> None:
        """Make this segmentation the one that is shown, and no other."""
        self._db.execute(
            "UPDATE segmentations SET is_default = (id = ?) WHERE session_id = ?",
            (structure, session_id),
        )
        self._defaults[session_id] = structure

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
