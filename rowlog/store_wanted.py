"""Which sessions are meant, and which of several periods each lies in, as conditions of SQL."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, Final

from rowlog.wanted import Wanted

_CONDITIONS: Final = {
    "athlete": "sessions.athlete_id = (SELECT id FROM athletes WHERE name = :athlete)",
    "activity": "sessions.activity = :activity",
    "plan": "sessions.id IN (SELECT session_id FROM session_keys WHERE shape = :plan)",
    "tag": "sessions.id IN (SELECT session_id FROM tags WHERE tag = :tag)",
    "machine": "sessions.id IN (SELECT session_id FROM session_keys WHERE machine = :machine)",
    "since": "sessions.started_at >= :since",
    # A time of the last date sorts before that date with a tilde after it.
    "until": "sessions.started_at < :until || '~'",
}

KNOWN: Final = {
    "athlete": "SELECT name FROM athletes ORDER BY name",
    "activity": "SELECT DISTINCT activity FROM sessions WHERE deleted_at IS NULL ORDER BY activity",
    "plan": "SELECT DISTINCT shape FROM session_keys WHERE shape IS NOT NULL ORDER BY shape",
    "tag": "SELECT DISTINCT tag FROM tags ORDER BY tag",
    "machine": "SELECT DISTINCT machine FROM session_keys WHERE machine IS NOT NULL "
    "ORDER BY machine",
}
"""The names that there are of each kind."""

FEW_STARTS: Final = 64
"""So many periods are told apart in SQL itself; of more, its text would be long."""


def where(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """The condition on `sessions`, deleted ones left out, and its values."""
    asked = {name: value for name, value in wanted._asdict().items() if value is not None}
    conditions = ["sessions.deleted_at IS NULL", *(_CONDITIONS[name] for name in asked)]
    return " AND ".join(conditions), asked


def dated_by_file(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """What counts those of them that stand at the date of a file which said none."""
    condition, values = where(wanted)
    return f"SELECT count(*) FROM sessions WHERE start_from = 'file' AND {condition}", values


def place_of(db: sqlite3.Connection, starts: Sequence[str], column: str = "started_at") -> str:
    """SQL that says which of `starts` (ISO dates, in order) a session, or a month, belongs to."""
    if len(starts) < 2:
        return "0"
    size = len("2026-11") if column == "month" else len("2026-11-24")
    if len(starts) <= FEW_STARTS:
        return _halved([start[:size] for start in starts], column, 0, len(starts))
    db.create_function("place", 1, lambda day: bisect_right(starts, day) - 1, deterministic=True)
    return f"place(substr({column}, 1, 10) || '{'-01' if column == 'month' else ''}')"


def _halved(starts: Sequence[str], column: str, low: int, high: int) -> str:
    """SQL that looks a column's date up among `starts` from `low` to before `high`."""
    if high - low == 1:
        return str(low)
    middle = (low + high) // 2
    day = starts[middle]
    if not day.replace("-", "").isdecimal():
        raise ValueError(f"{day!r} is no date to stand in a query")
    before, after = _halved(starts, column, low, middle), _halved(starts, column, middle, high)
    return f"CASE WHEN {column} < '{day}' THEN {before} ELSE {after} END"
