"""What the user changes of sessions, each change with what undoes it; within a transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from rowlog.config import db_option
from rowlog.schema import open_for_reading
from rowlog.store_errors import NoSessionError, StoreError, no_session, translated

TAG_LENGTH: Final = 40
_KINDS: Final = {
    "note": "the note",
    "tags": "the tags",
    "athlete": "the athlete",
    "start": "the start",
    "delete": "deletion",
    "merge": "the merging",
}


class StoredEdit(NamedTuple):
    """What a change did to one session."""

    id: int
    session: int
    """What was changed; of a merge what came of it."""
    before: dict[str, Any]
    """What it was: {"note": text}, {"tags": [...]}, {"athlete": name}, {}, {"sessions": [...]}, and
    {"started_at": ISO 8601, "start_from": word} of a start."""


class StoredChange(NamedTuple):
    """What one call changed, of one session or of several: it is undone as one."""

    id: int
    """Its number: that of its first edit."""
    edited_at: str
    kind: str
    """"note", "tags", "athlete", "start", "delete" or "merge"."""
    edits: tuple[StoredEdit, ...]
    """One at least."""
    undone: bool

    @property
    def sessions(self) -> list[int]:
        """The sessions that it changed."""
        return [edit.session for edit in self.edits]

    @property
    def touched(self) -> frozenset[int]:
        """The sessions that it changed, of a merge its parts too."""
        parts = (part for edit in self.edits for part in edit.before.get("sessions", ()))
        return frozenset((*self.sessions, *parts))

    @property
    def words(self) -> str:
        """What it was: "deletion of sessions 4 and 5"."""
        return f"{_KINDS[self.kind]} of {counted(self.sessions)}"


def counted(numbers: Sequence[int]) -> str:
    """Sessions by their numbers: "session 4", "sessions 4 and 5"."""
    if len(numbers) == 1:
        return f"session {numbers[0]}"
    return f"sessions {', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"


def read_changes(path: Path, limit: int) -> list[StoredChange]:
    """The latest changes, the latest first. Raises StoreError."""
    db, path = open_for_reading(path)
    try:
        with translated(path):
            return _changes(db, "true", limit)
    finally:
        db.close()


def latest_change(db: sqlite3.Connection, path: Path, number: int | None) -> StoredChange:
    """That change, or the latest that is not undone. Raises StoreError when there is none."""
    if number is None:
        found = _changes(db, "max(undone_at IS NULL)", 1)
    else:
        found = _changes(db, f"max(id = {number:d})", 1)
    if not found:
        what = "There is nothing to undo" if number is None else f"There is no change {number}"
        raise StoreError(
            f"{what} in {path}.",
            f"See what was changed: rowlog edit list{db_option(path)}",
            path=path,
        )
    return found[0]


def require_last(db: sqlite3.Connection, path: Path, change: StoredChange) -> None:
    """Raises StoreError where a later change of the same sessions stands: that is undone first.

    What a change keeps is what was before it. Put back under a later one, it would bring back the
    parts of a merge beside what came of them, or a note that somebody had replaced twice.
    """
    built = _built_on(db, change)
    if built:
        raise StoreError(
            f"Change {change.id}, {change.words}, cannot be undone while change {built[0].id} "
            f"stands: {built[0].words}.",
            f"Undo that first: rowlog edit undo {built[0].id}{db_option(path)}",
            path=path,
        )


def require_unmerged(db: sqlite3.Connection, path: Path, session_id: int) -> None:
    """Raises StoreError for what came of a merge that stands, and for its parts.

    Only undoing brings the parts back, and it takes what came of them out of sight: without the
    one or the other, something that was rowed would be where no command finds it.
    """
    for merge in _changes(db, "kind = 'merge' AND max(undone_at IS NULL)", -1):
        if session_id not in merge.touched:
            continue
        made = merge.edits[0]
        parts = counted(made.before["sessions"])
        if session_id == made.session:
            what = f"Session {session_id} was made of {parts}, which only undoing brings back."
        else:
            what = f"Session {session_id} went into session {made.session}, of {parts}."
        raise StoreError(what, f"Undo the merging first: {_how_undone(db, path, merge)}", path=path)


def _built_on(db: sqlite3.Connection, change: StoredChange) -> list[StoredChange]:
    """The later changes that must be undone before this one can be, the first to be undone first.

    Those that stand and touch what it touched, or what one of them did.
    """
    touched = set(change.touched)
    built: list[StoredChange] = []
    later = _changes(db, f"max(undone_at IS NULL) AND min(id) > {change.id:d}", -1)
    for one in reversed(later):
        if not touched.isdisjoint(one.touched):
            touched |= one.touched
            built.insert(0, one)
    return built


def _how_undone(db: sqlite3.Connection, path: Path, change: StoredChange) -> str:
    """The commands that undo a change, after those that were built on it."""
    undone = (*_built_on(db, change), change)
    named = db_option(path)
    return ", then ".join(f"rowlog edit undo {one.id}{named}" for one in undone)


def _changes(db: sqlite3.Connection, which: str, limit: int) -> list[StoredChange]:
    """Edits of one call have one instant, to the microsecond, and are one change."""
    rows = db.execute(
        "SELECT edited_at, kind, json_group_array(json_array(id, session_id, json(before))), "
        f"min(undone_at IS NOT NULL) FROM edits GROUP BY edited_at, kind HAVING {which} "
        "ORDER BY min(id) DESC LIMIT ?",
        (limit,),
    )
    found = []
    for at, kind, packed, undone in rows:
        edits = tuple(StoredEdit(*edit) for edit in sorted(json.loads(packed)))
        found.append(StoredChange(edits[0].id, at, kind, edits, bool(undone)))
    return found


def note_edit(
    db: sqlite3.Connection, at: str, kind: str, session_id: int, before: dict[str, Any]
) -> None:
    """Keep what undoes a change."""
    db.execute(
        "INSERT INTO edits (edited_at, kind, session_id, before) VALUES (?, ?, ?, ?)",
        (at, kind, session_id, json.dumps(before, ensure_ascii=False)),
    )


def not_in_sight(db: sqlite3.Connection, path: Path, session_id: int) -> NoSessionError:
    """That there is no such session; of one that is deleted, by what, and how it comes back."""
    if db.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)).fetchone() is None:
        return no_session(session_id, path)
    for change in _changes(db, "kind IN ('delete', 'merge')", -1):
        made = change.edits[0].session
        if change.undone:
            if change.kind == "merge" and session_id == made:
                what = f"Session {session_id} came of a merging that was undone."
                return NoSessionError(
                    what, f"See what there is: rowlog sessions{db_option(path)}", path=path
                )
        elif change.kind == "delete" and session_id in change.sessions:
            back = "it" if len(change.sessions) == 1 else counted(change.sessions)
            what = f"Session {session_id} is deleted."
            return NoSessionError(
                what, f"Bring {back} back: {_how_undone(db, path, change)}", path=path
            )
        elif change.kind == "merge" and session_id in change.touched and session_id != made:
            what = f"Session {session_id} was merged into session {made}."
            step = f"Undo that to have it back: {_how_undone(db, path, change)}"
            return NoSessionError(what, step, path=path)
    what = f"Session {session_id} is deleted, and what would bring it back is lost."
    return NoSessionError(what, f"See what there is: rowlog sessions{db_option(path)}", path=path)


def require_there(db: sqlite3.Connection, path: Path, session_id: int) -> None:
    """Raises StoreError unless there is such a session that is not deleted."""
    row = db.execute("SELECT deleted_at FROM sessions WHERE id = ?", (session_id,)).fetchone()
    if row is None or row[0] is not None:
        raise not_in_sight(db, path, session_id)


def require_closed(db: sqlite3.Connection, path: Path, session_id: int) -> None:
    """Raises StoreError for a session that is being recorded, or was interrupted."""
    require_there(db, path, session_id)
    (state,) = db.execute("SELECT state FROM sessions WHERE id = ?", (session_id,)).fetchone()
    if state == "open":
        raise StoreError(
            f"Session {session_id} is not closed.",
            f"Close an interrupted one with: rowlog db rebuild{db_option(path)}",
            path=path,
        )


def note_of(db: sqlite3.Connection, session_id: int) -> str | None:
    """A session's note."""
    found: str | None = db.execute(
        "SELECT note FROM sessions WHERE id = ?", (session_id,)
    ).fetchone()[0]
    return found


def start_of(db: sqlite3.Connection, session_id: int) -> tuple[str, str]:
    """When a session began (ISO 8601 with offset), and who says so."""
    found: tuple[str, str] = db.execute(
        "SELECT started_at, start_from FROM sessions WHERE id = ?", (session_id,)
    ).fetchone()
    return found


def put_start(db: sqlite3.Connection, session_id: int, started_at: str, start_from: str) -> None:
    """Say when a closed session began, and who says so; it ends as much later."""
    (end_ns,) = db.execute("SELECT end_ns FROM sessions WHERE id = ?", (session_id,)).fetchone()
    ended_at = datetime.fromisoformat(started_at) + timedelta(microseconds=(end_ns or 0) // 1000)
    db.execute(
        "UPDATE sessions SET started_at = ?, start_from = ?, ended_at = ? WHERE id = ?",
        (started_at, start_from, ended_at.isoformat(), session_id),
    )


def tags_of(db: sqlite3.Connection, session_id: int) -> list[str]:
    """A session's tags in alphabetical order."""
    rows = db.execute("SELECT tag FROM tags WHERE session_id = ? ORDER BY tag", (session_id,))
    return [tag for (tag,) in rows]


def put_tags(db: sqlite3.Connection, session_id: int, tags: Sequence[str]) -> None:
    """Give a session these tags and no others."""
    db.execute("DELETE FROM tags WHERE session_id = ?", (session_id,))
    db.executemany(
        "INSERT INTO tags (session_id, tag) VALUES (?, ?)",
        [(session_id, tag) for tag in dict.fromkeys(tags)],
    )


def set_deleted(db: sqlite3.Connection, session_id: int, at: str | None) -> None:
    """Take a session out of sight; None: bring it back."""
    db.execute("UPDATE sessions SET deleted_at = ? WHERE id = ?", (at, session_id))


def put_merge(db: sqlite3.Connection, into: int, parts: Sequence[tuple[int, int]], at: str) -> None:
    """Say that sessions, by how many nanoseconds later, went into another; they go out of sight."""
    for session_id, offset_ns in parts:
        db.execute(
            "INSERT OR REPLACE INTO merges (session_id, into_session_id, offset_ns, merged_at) "
            "VALUES (?, ?, ?, ?)",
            (session_id, into, offset_ns, at),
        )
        set_deleted(db, session_id, at)


def undo_merge(db: sqlite3.Connection, into: int, parts: Sequence[int], at: str) -> None:
    """Bring the parts back, and take what came of them out of sight."""
    db.execute("DELETE FROM merges WHERE into_session_id = ?", (into,))
    for session_id in parts:
        set_deleted(db, session_id, None)
    set_deleted(db, into, at)
