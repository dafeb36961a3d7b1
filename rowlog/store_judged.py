"""A session's zones and training impulse as a row: its heart rate judged by what was true then."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Sequence
from typing import Any, Final

from rowlog.athlete import Change, known_on
from rowlog.store_athletes import changes_of
from rowlog.zones import judge

ZONE_COLUMNS: Final = (
    "zones_by", "names", "limits_bpm", "top_bpm", "below_s", "zone1_s", "zone2_s", "zone3_s",
    "zone4_s", "zone5_s", "unknown_s", "banister", "edwards",
)  # fmt: skip


def judged_row(
    changes: Sequence[Change], day: str, low_bpm: int, seconds: bytes, unknown_s: float
) -> tuple[Any, ...]:
    """The columns of ZONE_COLUMNS for a session of that local date."""
    spread = struct.unpack(f"<{len(seconds) // 4}f", seconds)
    found = judge(known_on(day, changes), low_bpm, spread)
    zones = found.zones
    return (
        zones.by if zones else None,
        ",".join(zones.names) if zones else None,
        ",".join(f"{limit:g}" for limit in zones.limits_bpm) if zones else None,
        zones.top_bpm if zones else None,
        found.below_s,
        *found.seconds,
        unknown_s,
        found.banister,
        found.edwards,
    )


def judge_athlete(db: sqlite3.Connection, athlete_id: int) -> int:
    """Judge all sessions of an athlete anew, within a transaction; how many there are."""
    changes = changes_of(db, athlete_id)
    rows = db.execute(
        "SELECT id, substr(started_at, 1, 10), low_bpm, seconds, unknown_s FROM sessions "
        "JOIN session_hearts ON session_id = id WHERE athlete_id = ?",
        (athlete_id,),
    ).fetchall()
    db.executemany(
        f"INSERT OR REPLACE INTO session_zones (session_id, {', '.join(ZONE_COLUMNS)}) "
        f"VALUES (?{', ?' * len(ZONE_COLUMNS)})",
        [(number, *judged_row(changes, *judged)) for number, *judged in rows],
    )
    return len(rows)
