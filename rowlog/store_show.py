"""What `show`, `sessions` and `summary` read: plain rows, by a module that loads almost nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rowlog.schema import open_for_reading
from rowlog.store_errors import no_session, translated
from rowlog.store_lock import holder_of
from rowlog.store_open import OpenDatabase
from rowlog.store_wanted import KNOWN, dated_by_file, place_of, where
from rowlog.wanted import ANY, Wanted

Row = tuple[Any, ...]

# A session's own pace tells the time of its metres, whatever else was done in it.
_WITH_PACE: Final = "CASE WHEN work_distance_m > 0 AND mean_pace_s_per_500m IS NOT NULL THEN"
_WITH_HEART_RATE: Final = "CASE WHEN mean_heart_rate_bpm IS NOT NULL THEN"
_OVER_SESSIONS: Final = {
    "sessions": "count(*)",
    "open_sessions": "count(*) - count(session_id)",
    "mean_pace_s_per_500m": f"sum({_WITH_PACE} mean_pace_s_per_500m * work_distance_m END) / "
    f"sum({_WITH_PACE} work_distance_m END)",
    "mean_heart_rate_bpm": "sum(mean_heart_rate_bpm * heart_rate_coverage * duration_s) / "
    f"sum({_WITH_HEART_RATE} heart_rate_coverage * duration_s END)",
    "max_heart_rate_bpm": "max(max_heart_rate_bpm)",
    "first_started_at": "min(started_at)",
    "last_started_at": "max(started_at)",
}
"""How a figure of many sessions is had; the others are sums of what is known."""


_EARLIER: Final = (
    "SELECT value, amount, started_at, start_from FROM best_efforts CROSS JOIN sessions "
    "ON id = session_id WHERE kind = :kind AND target = :target AND athlete_id IS :athlete "
    "AND started_at < :started_at AND deleted_at IS NULL AND id <> :id"
)


class Shown(OpenDatabase):
    """A database open for showing what is in it. Raises StoreError from every method."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        super().__init__(db, path)
        # Asked before any row is read: a session that is closed in between shows as complete.
        holder = holder_of(path)
        self._recording = holder.session_id if holder is not None else None

    def session_number(self, number: int | None) -> int:
        """That very number if there is such a session; None: the highest."""
        clause = "" if number is None else "AND id = ?"
        values = () if number is None else (number,)
        rows = self._rows(
            f"SELECT id FROM sessions WHERE deleted_at IS NULL {clause} ORDER BY id DESC LIMIT 1",
            values,
        )
        if not rows:
            if number is None:
                raise no_session(None, self.path)
            from rowlog.store_edits import not_in_sight  # only where it is needed: time to start

            with translated(self.path):
                raise not_in_sight(self._db, self.path, number)
        found: int = rows[0][0]
        return found

    def sessions(
        self,
        columns: Sequence[str],
        *,
        session_id: int | None = None,
        limit: int | None = None,
        wanted: Wanted = ANY,
    ) -> list[Row]:
        """Columns of sessions, their athletes and totals, latest number first, or of one."""
        condition, values = where(wanted)
        if session_id is not None:
            condition = "sessions.id = :session_id"
        rows = self._rows(
            f"SELECT {', '.join(columns)} FROM sessions "
            "LEFT JOIN athletes ON athletes.id = athlete_id "
            "LEFT JOIN session_totals ON session_totals.session_id = sessions.id "
            f"WHERE {condition} ORDER BY sessions.id DESC LIMIT :limit",
            {**values, "session_id": session_id, "limit": -1 if limit is None else limit},
        )
        if session_id is not None and not rows:
            raise no_session(session_id, self.path)
        return rows

    def status(self, session_id: int, state: str) -> str:
        """What a session's state means to a reader: "interrupted" when nobody writes it."""
        if state == "open":
            return "recording" if session_id == self._recording else "interrupted"
        return state

    def sources(self, session_id: int) -> list[tuple[str, str, str | None, str | None]]:
        """(name, driver, address, what it calls itself) of a session's devices."""
        rows = self._rows(
            "SELECT name, driver, address, options, (SELECT model FROM machine_infos "
            "WHERE machine_infos.session_id = sources.session_id AND source = sources.name "
            "AND model IS NOT NULL LIMIT 1) FROM sources WHERE session_id = ? ORDER BY place",
            (session_id,),
        )
        return [
            (name, driver, address, dict(json.loads(options)).get("name", model))
            for name, driver, address, options, model in rows
        ]

    def ergs(self, session_id: int) -> list[str]:
        """What Concept2 monitors of a session said they are on: "RowErg", "SkiErg", "BikeErg"."""
        rows = self._rows(
            "SELECT DISTINCT text FROM machine_states "
            "WHERE session_id = ? AND state = 'erg_machine' AND text IS NOT NULL",
            (session_id,),
        )
        return [text for (text,) in rows]

    def segmentations(self, columns: Sequence[str], session_id: int) -> list[Row]:
        """Columns of the ways in which a session was cut, the one shown by default first."""
        return self._rows(
            f"SELECT {', '.join(columns)} FROM segmentations WHERE session_id = ? "
            "ORDER BY is_default DESC, id",
            (session_id,),
        )

    def structure(
        self, table: str, columns: Sequence[str], session_id: int, segmentation_id: int | None
    ) -> list[Row]:
        """Columns of the segments or splits of one of a session's segmentations, in order."""
        order = '"index"' if table == "segments" else 'segment_index, "index"'
        return self._rows(
            f"SELECT {', '.join(columns)} FROM {table} WHERE session_id = ? "
            f"AND segmentation_id = ? ORDER BY {order}",
            (session_id, segmentation_id),
        )

    def shapes(self, work_count: int) -> list[Row]:
        """What sessions of so many pieces of work consist of, in every way they were cut.

        Rows of (session, segmentation, piece, kind, activity, tag, seconds, metres, kilocalories)
        in order, pauses left out, the latest session first.
        """
        return self._rows(
            "WITH cut AS (SELECT session_id, segmentation_id FROM segments "
            "JOIN sessions ON sessions.id = session_id "
            "WHERE kind = 'work' AND deleted_at IS NULL "
            "GROUP BY session_id, segmentation_id HAVING count(*) >= ?) "
            "SELECT cut.session_id, cut.segmentation_id, piece, kind, activity, tag, duration_s, "
            "distance_m, energy_kcal FROM cut JOIN segments USING (session_id, segmentation_id) "
            "WHERE kind <> 'pause' "
            'ORDER BY cut.session_id DESC, cut.segmentation_id, segments."index"',
            (work_count,),
        )

    def recognised(self, least: float) -> list[Row]:
        """(session, pattern) of what sessions look like, where that is at least so sure."""
        return self._rows(
            "SELECT session_id, text FROM segmentations JOIN sessions ON sessions.id = session_id "
            "WHERE segmentations.origin = 'auto' AND text IS NOT NULL AND confidence >= ? "
            "AND deleted_at IS NULL",
            (least,),
        )

    def left_out(self, session_id: int) -> int:
        """How many frames of a session were left out, since their source sent too many."""
        rows = self._rows(
            "SELECT CAST(TOTAL(value) AS INTEGER) FROM anomalies "
            "WHERE session_id = ? AND kind = 'flood'",
            (session_id,),
        )
        return int(rows[0][0])

    def gaps(self, session_id: int) -> list[Row]:
        """(source, start and end in ns, cause, metres, strokes, restarted) of a session's gaps.

        Metres and strokes are what the machine counted from before to after, None when unknown;
        `restarted` is 1 where its counters began again in the gap, as shows just after it.
        """
        return self._rows(
            "SELECT source, t_ns, end_ns, cause, distance_after_m - distance_before_m, "
            "stroke_count_after - stroke_count_before, EXISTS (SELECT 1 FROM anomalies AS odd "
            "WHERE odd.session_id = gaps.session_id AND odd.source = gaps.source AND "
            "odd.kind = 'machine_reset' "
            "AND odd.t_ns BETWEEN gaps.t_ns AND gaps.end_ns + 3000000000) "
            "FROM gaps WHERE session_id = ? ORDER BY t_ns, source",
            (session_id,),
        )

    def kept(self, table: str, columns: Sequence[str], session_id: int) -> Row | None:
        """Columns of what is kept of a session in such a table; None when there is nothing."""
        rows = self._rows(
            f"SELECT {', '.join(columns)} FROM {table} WHERE session_id = ?", (session_id,)
        )
        return rows[0] if rows else None

    def new_bests(self, session_id: int) -> list[Row]:
        """(kind, target, amount, the amount before, when, and who says when) of new bests.

        Of a session, against earlier ones of the same athlete, or of nobody if it is nobody's.
        The index of best efforts is gone through in order, up to the first that fits.
        """
        found = []
        for kind, target, amount, value, athlete_id, started_at in self._rows(
            "SELECT kind, target, amount, min(value), athlete_id, started_at FROM best_efforts "
            "JOIN sessions ON id = session_id WHERE session_id = ? AND kind <> 'power' "
            "GROUP BY kind, target ORDER BY kind, target",
            (session_id,),
        ):
            given = {
                "kind": kind,
                "target": target,
                "value": value,
                "athlete": athlete_id,
                "started_at": started_at,
                "id": session_id,
            }
            if self._rows(f"{_EARLIER} AND whole IN (0, 1) AND value <= :value LIMIT 1", given):
                continue
            before = [
                row
                for whole in (0, 1)
                for row in self._rows(
                    f"{_EARLIER} AND whole = {whole} ORDER BY value LIMIT 1", given
                )
            ]
            best = min(before, key=lambda row: row[0], default=(None, None, None, None))
            found.append((kind, target, amount, *best[1:]))
        return found

    def totals(self, columns: Sequence[str], session_id: int) -> Row:
        """Columns of a closed session's totals."""
        (row,) = self._rows(
            f"SELECT {', '.join(columns)} FROM session_totals WHERE session_id = ?", (session_id,)
        )
        return row

    def totals_by_date(
        self,
        columns: Sequence[str],
        starts: Sequence[str],
        *,
        until: str | None,
        wanted: Wanted,
    ) -> dict[int, Row]:
        """Totals over the sessions that began from one of `starts` to the day before the next.

        By the place of that start, where there are sessions. Dates are local, as ISO text;
        `starts` are in order. Nothing is counted before the first of them, nor after `until`.

        Args:
            columns: totals' sums, or what _OVER_SESSIONS has.
            starts: one date at least.
            until: the last date, None for no end.
            wanted: only these sessions.
        """
        condition, values = where(wanted._replace(since=starts[0], until=until))
        place = place_of(self._db, starts)
        sums = ", ".join(_OVER_SESSIONS.get(column, f"sum({column})") for column in columns)
        rows = self._rows(
            f"SELECT {place} AS place, {sums} "
            "FROM sessions LEFT JOIN session_totals ON session_id = sessions.id "
            f"WHERE {condition} GROUP BY place",
            values,
        )
        return {row[0]: row[1:] for row in rows}

    def dated_by_file(self, wanted: Wanted) -> int:
        """How many of the wanted sessions stand at the date of a file that said none."""
        sql, values = dated_by_file(wanted)
        count: int = self._rows(sql, values)[0][0]
        return count

    def names(self, what: str) -> list[str]:
        """The names that there are: of "athlete", "activity", "plan", "tag" or "machine"."""
        return [name for (name,) in self._rows(KNOWN[what], ())]

    def frame_count(self, session_id: int) -> int:
        """How many frames of a session are stored, in blocks and as rows."""
        count: int = self._rows(
            "SELECT (SELECT count(*) FROM frames WHERE session_id = :id) + "
            "(SELECT coalesce(sum(frame_count), 0) FROM frame_blocks WHERE session_id = :id)",
            {"id": session_id},
        )[0][0]
        return count

    def last_ns(self, session_id: int) -> int | None:
        """The time of a session's last frame that is still a row; None when there is none."""
        rows = self._rows(
            "SELECT t_ns FROM frames WHERE session_id = ? ORDER BY seq DESC LIMIT 1", (session_id,)
        )
        return rows[0][0] if rows else None

    def _rows(self, query: str, values: Any) -> list[Row]:
        with translated(self.path):
            return self._db.execute(query, values).fetchall()


def open_shown(path: Path) -> Shown:
    """Open an existing database to show what is in it; errors as `open_for_reading`."""
    db, path = open_for_reading(path)
    return Shown(db, path)
