"""What months add up to, kept so that trends over years read a hundred rows and not thousands.

Derived from what is kept of each session, by month, athlete and activity. Whatever changes a
session says by a trigger which month is stale; `refresh` adds that month up anew, in the same
transaction. Who reads takes the sessions themselves where a month is stale, so that what is told
is right however the file was changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from rowlog.schema import KEPT_VERSION
from rowlog.wanted import Wanted

_MEANS: Final = (
    ("drop_30s", "drop_30s_bpm"), ("drop_60s", "drop_60s_bpm"), ("drop_120s", "drop_120s_bpm"),
    ("decoupling", "decoupling"), ("metres_per_beat", "metres_per_beat"),
    ("watts_per_beat", "watts_per_beat"), ("rest_rmssd", "rest_rmssd_ms"),
)  # fmt: skip
"""Means that weigh each session that has the figure the same: their name, and a session's figure;
`total` and `count` of each are columns."""

_PACED: Final = (
    "CASE WHEN work_distance_m > 0 AND session_totals.mean_pace_s_per_500m IS NOT NULL THEN"
)

_SUMS: Final[tuple[tuple[str, str], ...]] = (
    ("version", f"{KEPT_VERSION:d}"),
    ("first_started_at", "min(started_at)"),
    ("last_started_at", "max(started_at)"),
    ("days", "sum(DISTINCT 1 << CAST(substr(started_at, 9, 2) AS INTEGER))"),
    ("sessions", "count(*)"),
    ("unkept", f"total(state <> 'open' AND session_keys.version IS NOT {KEPT_VERSION:d})"),
    ("duration_s", "sum(duration_s)"),
    ("work_s", "sum(work_s)"),
    ("distance_m", "sum(distance_m)"),
    ("work_distance_m", "sum(work_distance_m)"),
    ("paced_s", f"sum({_PACED} session_totals.mean_pace_s_per_500m * work_distance_m END) / 500"),
    ("paced_m", f"sum({_PACED} work_distance_m END)"),
    ("banister", "sum(banister)"),
    ("banister_count", "count(banister)"),
    ("edwards", "sum(edwards)"),
    ("edwards_count", "count(edwards)"),
    ("min_heart_rate_bpm", "min(min_heart_rate_bpm)"),
    *((f"{name}_total", f"sum({column})") for name, column in _MEANS),
    *((f"{name}_count", f"count({column})") for name, column in _MEANS),
)
"""The columns besides the keys, and what they are of a month's sessions."""

_KEYS: Final = "substr(started_at, 1, 7), coalesce(athlete_id, 0), sessions.activity"
_OF_MONTH: Final = "deleted_at IS NULL AND started_at >= :month AND started_at < :month || '~'"

_ADD_UP: Final = (
    "DELETE FROM month_sums WHERE month = :month",
    "DELETE FROM month_powers WHERE month = :month",
    f"INSERT INTO month_sums (month, athlete_id, activity, {', '.join(n for n, _ in _SUMS)}) "
    f"SELECT {_KEYS}, {', '.join(sum_ for _, sum_ in _SUMS)} FROM sessions "
    "LEFT JOIN session_totals ON session_totals.session_id = sessions.id "
    "LEFT JOIN session_keys ON session_keys.session_id = sessions.id "
    "LEFT JOIN session_hearts ON session_hearts.session_id = sessions.id "
    "LEFT JOIN session_zones ON session_zones.session_id = sessions.id "
    f"WHERE {_OF_MONTH} GROUP BY 1, 2, 3",
    "INSERT INTO month_powers (month, athlete_id, activity, power_w, seconds, beats) "
    f"SELECT {_KEYS}, power_w, sum(seconds), sum(heart_rate_bpm * seconds) FROM sessions "
    "CROSS JOIN heart_rates_at_power ON session_id = sessions.id "
    f"WHERE {_OF_MONTH} GROUP BY 1, 2, 3, 4",
    "DELETE FROM stale_months WHERE month = :month",
)

TRENDS: Final = (
    "sum(sessions), sum(duration_s), sum(work_s), sum(distance_m), sum(work_distance_m), "
    "500 * sum(paced_s) / sum(paced_m), sum(banister), sum(edwards), "
    + "".join(f"sum({name}_total) / sum({name}_count), " for name, _ in _MEANS[:-1])
    + "min(min_heart_rate_bpm), sum(rest_rmssd_total) / sum(rest_rmssd_count)"
)
"""The columns of `Years.trends`, of months."""


def refresh(db: sqlite3.Connection) -> None:
    """Add up anew what is stale; within the transaction that made it so."""
    stale = db.execute(
        "SELECT month FROM stale_months UNION SELECT month FROM month_sums WHERE version <> ?",
        (KEPT_VERSION,),
    ).fetchall()
    for (month,) in stale:
        for statement in _ADD_UP:
            db.execute(statement, {"month": month})


def all_fresh(db: sqlite3.Connection) -> bool:
    """Whether what months add up to can be taken for what it says."""
    fresh: int = db.execute(
        "SELECT NOT EXISTS (SELECT 1 FROM stale_months) "
        "AND NOT EXISTS (SELECT 1 FROM month_sums WHERE version <> ?)",
        (KEPT_VERSION,),
    ).fetchone()[0]
    return bool(fresh)


def months_where(wanted: Wanted) -> tuple[str, dict[str, Any]] | None:
    """The condition on months and its values; None where the wanted sessions are no whole months
    of an athlete and an activity.
    """
    since, until = wanted.since, wanted.until
    if wanted.plan is not None or wanted.tag is not None or wanted.machine is not None:
        return None
    conditions: list[str] = []
    values: dict[str, Any] = {}
    if since is not None:
        if not since.endswith("-01"):
            return None
        conditions.append("month >= :since")
        values["since"] = since[:7]
    if until is not None:
        last = date.fromisoformat(until)
        if last < date.max and date.fromordinal(last.toordinal() + 1).day != 1:
            return None
        conditions.append("month <= :until")
        values["until"] = until[:7]
    if wanted.athlete is not None:
        conditions.append("athlete_id = (SELECT id FROM athletes WHERE name = :athlete)")
        values["athlete"] = wanted.athlete
    if wanted.activity is not None:
        conditions.append("activity = :activity")
        values["activity"] = wanted.activity
    return " AND ".join(conditions) or "1", values


def begin_months(starts: Sequence[str]) -> bool:
    """Whether each of these dates is the first of its month."""
    return all(start.endswith("-01") for start in starts)
