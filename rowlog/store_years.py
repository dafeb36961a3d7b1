"""What questions over years read: sums and rows of many sessions, by a module that loads little."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from rowlog.schema import KEPT_VERSION, open_for_reading
from rowlog.store_errors import translated
from rowlog.store_wanted import KNOWN, where
from rowlog.wanted import Wanted

Row = tuple[Any, ...]

_JUDGED: Final = "CASE WHEN zones_by IS NOT NULL THEN"


class Years:
    """A database open for questions over many sessions. Raises StoreError from every method."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self.path = path
        self._db = db

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def names(self, what: str) -> list[str]:
        """The names that there are: of "athlete", "activity", "plan", "tag" or "machine"."""
        return [name for (name,) in self._rows(KNOWN[what], ())]

    def unkept(self) -> int:
        """How many closed sessions nothing is kept of, or by an earlier rowlog."""
        rows = self._rows(
            "SELECT count(*) FROM sessions LEFT JOIN session_keys ON session_id = id "
            "WHERE state <> 'open' AND deleted_at IS NULL AND version IS NOT ?",
            (KEPT_VERSION,),
        )
        count: int = rows[0][0]
        return count

    def span(self, wanted: Wanted) -> tuple[int, str | None, str | None]:
        """How many sessions are wanted, and the local dates of the first and the last."""
        condition, values = where(wanted)
        (row,) = self._rows(
            "SELECT count(*), substr(min(started_at), 1, 10), substr(max(started_at), 1, 10) "
            f"FROM sessions WHERE {condition}",
            values,
        )
        count, first, last = row
        return count, first, last

    def zones(self, wanted: Wanted, starts: Sequence[str]) -> dict[int, Row]:
        """Time in zones, by the place of the start among `starts` (ISO dates, in order).

        (sessions, those with a heart rate, below, five zones, unknown, not judged: seconds;
        Edwards' and Banister's impulse, None where no session has it; the zones' names and
        limits of the latest session).
        """
        condition, values = where(wanted)
        rows = self._rows(
            f"SELECT {self._place(starts)} AS place, count(*), count(session_zones.session_id), "
            f"total({_JUDGED} below_s END), total(zone1_s), total(zone2_s), total(zone3_s), "
            "total(zone4_s), total(zone5_s), total(unknown_s), "
            "total(CASE WHEN zones_by IS NULL THEN below_s END), sum(edwards), sum(banister), "
            f"max({_JUDGED} started_at || '|' || names || '|' || limits_bpm END) "
            "FROM sessions LEFT JOIN session_zones ON session_id = sessions.id "
            f"WHERE {condition} GROUP BY place",
            values,
        )
        return {row[0]: row[1:] for row in rows}

    def _place(self, starts: Sequence[str]) -> str:
        """SQL that says which of `starts` a session belongs to."""
        if len(starts) < 2:
            return "0"
        self._db.create_function(
            "place", 1, lambda day: bisect_right(starts, day) - 1, deterministic=True
        )
        return "place(substr(started_at, 1, 10))"

    def _rows(self, query: str, values: Any) -> list[Row]:
        with translated(self.path):
            return self._db.execute(query, values).fetchall()


def open_years(path: Path) -> Years:
    """Open an existing database; errors as `open_for_reading`."""
    db, path = open_for_reading(path)
    return Years(db, path)
