"""What can be had of a damaged database, and how it goes into a whole one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from rowlog.archive import BlockError, checksum, decode_block
from rowlog.schema import MIGRATIONS, SCHEMA_VERSION
from rowlog.store_pages import DamagedFile, Row, Value
from rowlog.store_rows import unpack_frame
from rowlog_drivers.frames import Frame

Record = dict[str, Value]
"""A row by the names of its columns."""

SHARED: Final = ("athletes", "plans", "imports", "athlete_values", "known_devices")
"""Tables whose rows belong to no one session."""
OF_SESSION: Final = ("sources", "segmentations", "markers", "notes", "tags", "events")
"""The truth of a session beside its frames."""
OF_SEVERAL: Final = ("merges", "edits")
"""What the user changed, of which each row may speak of several sessions."""
DERIVED: Final = (
    "strokes",
    "heart_rates",
    "segments",
    "splits",
    "machine_states",
    "machine_infos",
    "machine_splits",
    "machine_summaries",
    "control_replies",
    "links",
    "undecoded",
    "gaps",
    "anomalies",
    "session_totals",
)
"""Brought back as they are where the frames that they were derived from are lost."""
MOST_SESSIONS: Final = 1_000_000_000
"""A higher number is none that was ever given."""
FRAMES: Final = ("sessions", "frames", "frame_blocks")


@dataclass(slots=True)
class Salvaged:
    """One session as far as it could be read."""

    row: Record
    """Its row in `sessions`."""
    frames: list[Frame] = field(default_factory=list)
    whole: bool = True
    """Whether no frame is missing, as far as can be told."""
    others: dict[str, list[Record]] = field(default_factory=dict)
    """Its rows in other tables, by table."""

    @property
    def number(self) -> int:
        """Its number in the damaged file."""
        number = self.row["id"]
        return number if isinstance(number, int) else 0


@dataclass(frozen=True, slots=True)
class _Table:
    name: str
    columns: tuple[str, ...]
    """In the order of the record; with `key` first where it is the rowid."""
    types: tuple[str, ...]
    required: tuple[bool, ...]
    key: str | None
    """The column that is the rowid; None for a table without rowids."""


class Salvage:
    """A damaged database open for what is left in it. Raises OSError for an unreadable file."""

    def __init__(self, path: Path) -> None:
        self._file = DamagedFile(path)
        version = self._file.user_version
        known = version if version is not None and 0 < version <= SCHEMA_VERSION else SCHEMA_VERSION
        self._tables = {table.name: table for table in _tables(known)}
        self._rows: dict[str, list[Record]] = {}
        with self._file:
            self._read()

    def sessions(self) -> Iterator[Salvaged]:
        """Every session of which anything is left, by number; deleted ones among them."""
        rows: dict[int, Record] = {}
        for row in self._rows["sessions"]:
            if isinstance(row["id"], int):
                rows.setdefault(row["id"], row)
        by_session = {table: _by_session(found) for table, found in self._rows.items()}
        numbers = sorted({*rows, *by_session["frame_blocks"], *by_session["frames"]} - {0})
        for number in numbers:
            session = Salvaged(rows.get(number, {"id": number}))
            session.frames, session.whole = _frames(
                by_session["frame_blocks"].get(number, []), by_session["frames"].get(number, [])
            )
            told = by_session["session_totals"].get(number, [])
            counted = told[0].get("frames") if told else None
            if isinstance(counted, int) and counted > len(session.frames):
                session.whole = False
            if not session.frames and session.row.get("state") != "open":
                session.whole = False
            for table in (*OF_SESSION, *(() if session.whole else DERIVED)):
                session.others[table] = by_session[table].get(number, [])
            if number in rows or session.frames:
                yield session

    def shared(self) -> dict[str, list[Record]]:
        """The rows that belong to no one session, by table."""
        return {table: self._rows[table] for table in SHARED}

    def changes(self) -> dict[str, list[Record]]:
        """What the user changed of sessions, by table."""
        return {table: self._rows[table] for table in OF_SEVERAL}

    def _read(self) -> None:
        wanted = (*FRAMES, *SHARED, *OF_SESSION, *OF_SEVERAL, *DERIVED)
        self._rows = {table: [] for table in wanted}
        for name, root in list(_roots(self._file)):
            table = self._tables.get(name) if name in wanted else None
            if table is None:
                self._file.pass_over(root)
            else:
                for row in self._file.tree(root):
                    self._take(table, row)
        self._file.pass_over_free()
        for keyed, row in self._file.lost():
            _tell_apart(self._tables, keyed, row, self._rows)

    def _take(self, table: _Table, row: Row) -> None:
        record = _record(table, row)
        if record is not None:
            self._rows[table.name].append(record)


@dataclass(frozen=True, slots=True)
class FoundInPages:
    """What single pages tell of one session."""

    row: Record | None
    """Its row in `sessions`; None where that is in none of them."""
    frames: Mapping[int, Frame]
    """By their `seq`, in order."""
    sources: list[Record]


def found_in_pages(
    path: Path, pages: Mapping[int, bytes], numbers: Iterable[int]
) -> dict[int, FoundInPages]:
    """What the pages of these `numbers` hold of each session that they tell of.

    `pages` are laid over those of the file, where what does not fit into one page goes on. Raises
    OSError for a file that cannot be read.
    """
    tables = {table.name: table for table in _tables(SCHEMA_VERSION)}
    rows: dict[str, list[Record]] = {name: [] for name in _TOLD_APART}
    with DamagedFile(path, pages) as file:
        for keyed, row in file.rows_of(numbers):
            _tell_apart(tables, keyed, row, rows)
    sessions = {row["id"]: row for row in rows["sessions"]}
    blocks, frames, sources = (
        _by_session(rows[name]) for name in ("frame_blocks", "frames", "sources")
    )
    found: dict[int, FoundInPages] = {}
    for number in sorted({*blocks, *frames}):
        by_seq = _by_seq(blocks.get(number, []), frames.get(number, []))
        found[number] = FoundInPages(
            sessions.get(number),
            {seq: by_seq[seq] for seq in sorted(by_seq)},
            sources.get(number, []),
        )
    return found


def _tell_apart(
    tables: Mapping[str, _Table], keyed: bool, row: Row, into: Mapping[str, list[Record]]
) -> None:
    """Put a row that nothing led to with those of the table that it is of."""
    for name, fits in _TOLD_APART.items():
        table = tables[name]
        if (table.key is not None) == keyed:
            record = _record(table, row)
            if record is not None and fits(record):
                into[name].append(record)
                return


def highest_number(path: Path) -> int:
    """The highest number of a session in a damaged database; 0 where none can be read."""
    numbers = [0]
    try:
        with DamagedFile(path) as file:
            roots = dict(_roots(file))
            numbers += [row.key or 0 for row in file.tree(roots.get("sessions", 0))]
            for row in file.tree(roots.get("sqlite_sequence", 0)):
                name, number = (*row.values, None, None)[:2]
                if name == "sessions" and isinstance(number, int):
                    numbers.append(number)
            if "sessions" not in roots:
                sessions = next(one for one in _tables(SCHEMA_VERSION) if one.name == "sessions")
                for keyed, row in file.lost():
                    record = _record(sessions, row) if keyed else None
                    if record is not None and _is_session(record):
                        numbers.append(row.key or 0)
    except OSError:
        return 0
    return max(number for number in numbers if number < MOST_SESSIONS)


def _roots(file: DamagedFile) -> Iterator[tuple[str, int]]:
    """Each table and index with the page where its tree begins, as far as they are told."""
    for row in file.tree(1):
        kind, name, _, root = row.values[:4] if len(row.values) >= 4 else (None,) * 4
        if isinstance(name, str) and isinstance(root, int) and kind in ("table", "index"):
            yield name, root


def _tables(version: int) -> Iterator[_Table]:
    """The tables of a schema version, their columns in the order of their records."""
    with closing(sqlite3.connect(":memory:")) as db:
        for _, statements in MIGRATIONS[:version]:
            for statement in statements:
                db.execute(statement)
        named = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (name,) in named:
            told = db.execute(f'PRAGMA table_info("{name}")').fetchall()
            (without_rowid,) = db.execute(
                "SELECT wr FROM pragma_table_list WHERE name = ? AND schema = 'main'", (name,)
            ).fetchone()
            key = None
            if without_rowid:  # the primary key's columns stand first in the record
                first = sorted((one for one in told if one[5]), key=lambda one: int(one[5]))
                told = [*first, *(one for one in told if not one[5])]
            else:
                key = next(
                    (one[1] for one in told if one[5] and one[2].upper() == "INTEGER"), "rowid"
                )
            yield _Table(
                name,
                tuple(one[1] for one in told),
                tuple(one[2].upper() for one in told),
                tuple(bool(one[3] or one[5]) and one[1] != key and one[4] is None for one in told),
                key,
            )


_JSON: Final = ("rr_ms", "origins", "derived", "features", "target_features", "ranges", "header")
"""Columns that hold JSON, whatever their table."""

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "INTEGER": (int,),
    "REAL": (int, float),
    "TEXT": (str,),
    "BLOB": (bytes,),
    "ANY": (int, float, str, bytes),
}


def _record(table: _Table, row: Row) -> Record | None:
    """A row as one of the table; None where it cannot be."""
    if len(row.values) > len(table.columns):
        return None
    values = row.values + (None,) * (len(table.columns) - len(row.values))
    for value, kind, required in zip(values, table.types, table.required, strict=True):
        if value is None:
            if required:
                return None
        elif not isinstance(value, _TYPES[kind]):
            return None
    record = dict(zip(table.columns, values, strict=True))
    if table.key in record:
        record[table.key] = row.key
    for column, kind in zip(table.columns, table.types, strict=True):
        value = record[column]
        if value is None:
            continue
        if kind == "REAL":
            record[column] = float(value)
        elif column in _JSON:
            try:
                json.loads(str(value))
            except ValueError:
                return None
    return record


def _is_block(record: Record) -> bool:
    payload = record["payload"]
    return isinstance(payload, bytes) and checksum(payload) == record["checksum"]


def _is_session(record: Record) -> bool:
    try:
        started_at = datetime.fromisoformat(str(record["started_at"]))
    except ValueError:
        return False
    return started_at.tzinfo is not None and record["state"] in ("open", "complete", "recovered")


def _is_frame(record: Record) -> bool:
    t_ns, late_ns, seq = record["t_ns"], record["late_ns"], record["seq"]
    return (
        isinstance(t_ns, int)
        and isinstance(late_ns, int)
        and isinstance(seq, int)
        and record["sent"] in (0, 1)
        and 0 <= late_ns <= t_ns
        and seq >= 0
    )


def _is_source(record: Record) -> bool:
    return str(record["options"]).startswith("[") and isinstance(record["place"], int)


_TOLD_APART: Final[Mapping[str, Callable[[Record], bool]]] = {
    "frame_blocks": _is_block,
    "sessions": _is_session,
    "frames": _is_frame,
    "sources": _is_source,
}
"""The tables whose rows are known by themselves, and by what."""


def _by_session(rows: list[Record]) -> dict[int, list[Record]]:
    found: dict[int, list[Record]] = {}
    for row in rows:
        number = row.get("session_id")
        if isinstance(number, int):
            found.setdefault(number, []).append(row)
    return found


def _frames(blocks: list[Record], rows: list[Record]) -> tuple[list[Frame], bool]:
    """The frames of a session in order, and whether none is missing between the first and last.

    What is damaged is left out; a block goes before rows of the same numbers.
    """
    found = _by_seq(blocks, rows)
    ends = [
        first + count
        for first, count in ((block["first_seq"], block["frame_count"]) for block in blocks)
        if isinstance(first, int) and isinstance(count, int)
    ]
    expected = max(ends, default=0)
    numbers = sorted(found)
    whole = numbers == list(range(max(expected, len(numbers))))
    ordered, last_ns = [], 0
    for number in numbers:
        frame = found[number]
        if frame.t_ns >= last_ns:  # times never fall; what does is no frame of this session
            ordered.append(frame)
            last_ns = frame.t_ns
        else:
            whole = False
    return ordered, whole


def _by_seq(blocks: list[Record], rows: list[Record]) -> dict[int, Frame]:
    """The frames of a session that can be read, by their number."""
    found: dict[int, Frame] = {}
    for row in rows:
        seq = row["seq"]
        if isinstance(seq, int):
            found[seq] = unpack_frame([row[column] for column in _FRAME_VALUES])
    for block in blocks:
        first, encoding, payload = (block[name] for name in ("first_seq", "encoding", "payload"))
        if not (isinstance(first, int) and isinstance(encoding, int) and _is_block(block)):
            continue
        if isinstance(payload, bytes):
            with suppress(BlockError):
                found.update(enumerate(decode_block(payload, encoding), first))
    return found


_FRAME_VALUES: Final = ("t_ns", "source", "channel", "payload", "sent", "late_ns")
