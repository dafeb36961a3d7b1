"""Rows that were salvaged from a damaged database, put into this one; within a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from rowlog.starts import STARTS, UNKNOWN, Start, split_off
from rowlog.store_facts import Inserter
from rowlog.store_rows import unpack_options
from rowlog.store_salvage import DERIVED, OF_SESSION, SHARED, Record, Salvaged

_NAMED_BY: Final = {"athletes": "name", "plans": "text", "imports": "sha256"}
"""The column by which rows that have a number of their own are the same in both files."""
_KEPT_OF_SESSION: Final = (
    "activity", "plan", "note", "origin", "licence", "header", "deleted_at", "ended_at", "end_ns",
)  # fmt: skip
GUESSED_DRIVERS: Final = (
    ("2ad", "ftms"),
    ("2a37", "heart_rate"),
    ("ce06", "pm5"),
    ("rx", "waterrower"),
)
"""What speaks on a channel, by its beginning: for a source of which nothing else is left."""


def start_of_row(row: Record) -> Start:
    """Who says when a session began, of one of an earlier schema too, whose header says it."""
    told = next((start for start in STARTS if start == row.get("start_from")), None)
    if told is not None:
        return told
    if not row.get("started_at"):
        return UNKNOWN
    header = row.get("header")
    return "said" if not isinstance(header, str) else split_off(unpack_options(header))[0]


def put_shared(db: sqlite3.Connection, rows: Mapping[str, Sequence[Record]]) -> int:
    """Put back athletes, plans, imports and known devices that are not there; how many rows."""
    put = 0
    for table in SHARED:
        for row in rows[table]:
            own = dict(row)
            if table in _NAMED_BY or table == "known_devices":
                own.pop("id", None)
            if "athlete_id" in own:
                own["athlete_id"] = _same(db, "athletes", own["athlete_id"], rows)
                if own["athlete_id"] is None and table == "athlete_values":
                    continue
            put += _put(db, table, own)
    return put


def put_session(
    db: sqlite3.Connection,
    insert: Inserter,
    session: Salvaged,
    shared: Mapping[str, Sequence[Record]],
    lost_start: datetime,
    claimed: set[int],
) -> int | None:
    """Put a session back, open, with frames and what the user said of it; its number.

    It keeps its number where that is free. None: it is there already; one that is there and still
    open was put back by a recovery that did not come to its end. `lost_start` stands for the start
    of a session whose own row is lost. `claimed` are the sessions that are others of the same file,
    which may have begun at the same time; this one is added.
    """
    row = session.row
    started_at = row.get("started_at") or lost_start.isoformat()
    same = "SELECT id, state FROM sessions WHERE started_at = ? ORDER BY id"
    for there, state in db.execute(same, (started_at,)).fetchall():
        if there not in claimed:
            claimed.add(there)
            insert.forget()
            unfinished = state == "open" and insert.frame_count(there) == len(session.frames)
            return int(there) if unfinished else None
    taken = db.execute("SELECT 1 FROM sessions WHERE id = ?", (session.number,)).fetchone()
    columns: Record = {
        "id": None if taken or session.number < 1 else session.number,
        "started_at": started_at,
        "start_from": start_of_row(row),
        "activity": "row",
        "state": "open",
        "athlete_id": _same(db, "athletes", row.get("athlete_id"), shared),
        "import_id": _same(db, "imports", row.get("import_id"), shared),
    }
    columns |= {name: row[name] for name in _KEPT_OF_SESSION if row.get(name) is not None}
    names = ", ".join(columns)
    number = db.execute(
        f"INSERT INTO sessions ({names}) VALUES ({', '.join('?' * len(columns))})",
        tuple(columns.values()),
    ).lastrowid
    if number is None:
        return None
    claimed.add(number)
    structures: dict[object, int] = {}
    for table in OF_SESSION:
        for other in session.others.get(table, []):
            own = {**other, "session_id": number}
            old = own.pop("id", None)
            if _put(db, table, own) and table == "segmentations":
                structures[old] = db.execute("SELECT max(id) FROM segmentations").fetchone()[0]
    _name_sources(db, number, session)
    insert.forget()
    insert.frames(number, session.frames)
    for table in DERIVED:
        for other in session.others.get(table, []):
            own = {**other, "session_id": number}
            if "segmentation_id" in own:
                structure = structures.get(own["segmentation_id"])
                if structure is None:
                    continue
                own["segmentation_id"] = structure
            _put(db, table, own)
    return number


def put_edits(
    db: sqlite3.Connection, changes: Mapping[str, Sequence[Record]], numbers: Mapping[object, int]
) -> int:
    """Put back what was changed of sessions that came back, by their new numbers; how many rows.

    Of a merge only where all its parts are back. Edits stay in order, and keep their numbers where
    those are free.
    """
    put = 0
    for row in changes["merges"]:
        part, into = numbers.get(row["session_id"]), numbers.get(row["into_session_id"])
        if part is not None and into is not None:
            put += _put(db, "merges", {**row, "session_id": part, "into_session_id": into})
    by_number = {row["id"]: row for row in changes["edits"] if isinstance(row["id"], int)}
    lowest = min(by_number, default=0)
    taken = db.execute("SELECT 1 FROM edits WHERE id >= ? LIMIT 1", (lowest,)).fetchone()
    for number in sorted(by_number):
        own = by_number[number]
        before = _before(own["before"])
        parts = before.get("sessions", [])
        parts = parts if isinstance(parts, list) else [None]
        if not all(one in numbers for one in (own["session_id"], *parts)):
            continue
        if parts:
            before["sessions"] = [numbers[one] for one in parts]
        changed = {
            **own,
            "id": None if taken else number,
            "session_id": numbers[own["session_id"]],
            "before": json.dumps(before, ensure_ascii=False),
        }
        put += _put(db, "edits", changed)
    return put


def _before(text: object) -> dict[str, Any]:
    """What an edit changed; {} of what is none."""
    try:
        found = json.loads(str(text))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def close_as_found(db: sqlite3.Connection, number: int, session: Salvaged, last_ns: int) -> None:
    """Close a session with the figures that were found of it, since its frames are not whole."""
    row = session.row
    end_ns = row.get("end_ns")
    db.execute(
        "UPDATE sessions SET state = 'recovered', end_ns = ?, ended_at = coalesce(ended_at, "
        "started_at) WHERE id = ?",
        (end_ns if isinstance(end_ns, int) else last_ns, number),
    )


def _name_sources(db: sqlite3.Connection, number: int, session: Salvaged) -> None:
    """Give a driver to sources of which only frames are left."""
    named = {row["name"] for row in session.others.get("sources", [])}
    for frame in session.frames:
        if frame.source in named or frame.channel in ("key", "link"):
            continue
        driver = next((d for start, d in GUESSED_DRIVERS if frame.channel.startswith(start)), None)
        if driver is not None:
            named.add(frame.source)
            own: Record = {
                "session_id": number,
                "name": frame.source,
                "place": len(named),
                "driver": driver,
                "options": "[]",
            }
            _put(db, "sources", own)


def _same(
    db: sqlite3.Connection, table: str, number: object, rows: Mapping[str, Sequence[Record]]
) -> int | None:
    """The number here of what had `number` in the damaged file; None where it is not known."""
    column = _NAMED_BY[table]
    name = next((row[column] for row in rows[table] if row["id"] == number), None)
    if name is None:
        return None
    found = db.execute(f"SELECT id FROM {table} WHERE {column} = ?", (name,)).fetchone()
    return None if found is None else found[0]


def _put(db: sqlite3.Connection, table: str, row: Record) -> int:
    """Insert one row unless it is there, or is none that the table takes; how many that was."""
    names = ", ".join(f'"{column}"' for column in row)
    marks = ", ".join("?" * len(row))
    try:
        return db.execute(
            f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", tuple(row.values())
        ).rowcount
    except sqlite3.IntegrityError:  # it speaks of something that is lost
        return 0
