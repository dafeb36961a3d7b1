"""Which sessions are meant, as a condition of SQL."""

from __future__ import annotations

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


def where(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """The condition on `sessions`, deleted ones left out, and its values."""
    asked = {name: value for name, value in wanted._asdict().items() if value is not None}
    conditions = ["sessions.deleted_at IS NULL", *(_CONDITIONS[name] for name in asked)]
    return " AND ".join(conditions), asked
