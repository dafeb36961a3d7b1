"""What questions over years read: sums and rows of many sessions, by a module that loads little."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from rowlog.athlete import Change
from rowlog.schema import KEPT_VERSION, open_for_reading
from rowlog.store_athletes import changes_of
from rowlog.store_errors import translated
from rowlog.store_months import TRENDS, all_fresh, begin_months, months_where
from rowlog.store_open import OpenDatabase
from rowlog.store_wanted import KNOWN, dated_by_file, place_of, where
from rowlog.wanted import Wanted

Row = tuple[Any, ...]

EVENTS: Final[Mapping[str, tuple[float, ...]]] = {
    "distance": (100.0, 500.0, 1000.0, 2000.0, 5000.0, 6000.0, 10000.0, 21097.0, 42195.0),
    "time": (60.0, 240.0, 1800.0, 3600.0),
    "power": (
        5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 240.0, 360.0, 600.0, 900.0, 1200.0, 1800.0, 3600.0,
    ),
}  # fmt: skip
"""The ranked distances and times, and the durations of the power curve; as `efforts` has them."""
MANY: Final = 800
"""Of so many sessions it is quicker to go from the best effort on than through all efforts."""

_PACED: Final = (
    "CASE WHEN work_distance_m > 0 AND session_totals.mean_pace_s_per_500m IS NOT NULL THEN"
)
_JUDGED: Final = "CASE WHEN zones_by IS NOT NULL THEN"


_HAS_ROWED: Final = (
    "EXISTS (SELECT 1 FROM sessions WHERE athlete_id = athletes.id AND deleted_at IS NULL)"
)


class Years(OpenDatabase):
    """A database open for questions over many sessions. Raises StoreError from every method."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        super().__init__(db, path)
        self._spans: dict[Wanted, tuple[int, str | None, str | None]] = {}
        self._fresh: bool | None = None

    def names(self, what: str) -> list[str]:
        """The names that there are: of "athlete", "activity", "plan", "tag" or "machine"."""
        return [name for (name,) in self._rows(KNOWN[what], ())]

    def unkept(self) -> int:
        """How many closed sessions nothing is kept of, or by an earlier rowlog."""
        if self._by_month(Wanted()) is not None:
            return int(self._rows("SELECT total(unkept) FROM month_sums", ())[0][0])
        rows = self._rows(
            "SELECT count(*) FROM sessions LEFT JOIN session_keys ON session_id = id "
            "WHERE state <> 'open' AND deleted_at IS NULL AND version IS NOT ?",
            (KEPT_VERSION,),
        )
        count: int = rows[0][0]
        return count

    def span(self, wanted: Wanted) -> tuple[int, str | None, str | None]:
        """How many sessions are wanted, and the local dates of the first and the last."""
        if wanted not in self._spans:
            months = self._by_month(wanted)
            if months is not None:
                condition, values = months
                count, first, last = "total(sessions)", "first_started_at", "last_started_at"
                table = "month_sums"
            else:
                condition, values = where(wanted)
                count, first, last, table = "count(*)", "started_at", "started_at", "sessions"
            (row,) = self._rows(
                f"SELECT CAST({count} AS INTEGER), substr(min({first}), 1, 10), "
                f"substr(max({last}), 1, 10) FROM {table} WHERE {condition}",
                values,
            )
            count, first, last = row
            self._spans[wanted] = count, first, last
        return self._spans[wanted]

    def dated_by_file(self, wanted: Wanted) -> int:
        """How many of the wanted sessions stand at the date of a file that said none."""
        sql, values = dated_by_file(wanted)
        count: int = self._rows(sql, values)[0][0]
        return count

    def zones(self, wanted: Wanted, starts: Sequence[str]) -> dict[int, Row]:
        """Time in zones, by the place of the start among `starts` (ISO dates, in order).

        (sessions, those with a heart rate, below, five zones, unknown, not judged: seconds;
        Edwards' and Banister's impulse, None where no session has it; the zones' names and
        limits of the latest session).
        """
        condition, values = where(wanted)
        rows = self._rows(
            f"SELECT {place_of(self._db, starts)} AS place, count(*), "
            "count(session_zones.session_id), "
            f"total({_JUDGED} below_s END), total(zone1_s), total(zone2_s), total(zone3_s), "
            "total(zone4_s), total(zone5_s), total(unknown_s), "
            "total(CASE WHEN zones_by IS NULL THEN below_s END), sum(edwards), sum(banister), "
            f"max({_JUDGED} started_at || '|' || names || '|' || limits_bpm END) "
            "FROM sessions LEFT JOIN session_zones ON session_id = sessions.id "
            f"WHERE {condition} GROUP BY place",
            values,
        )
        return {row[0]: row[1:] for row in rows}

    def bests(self, wanted: Wanted) -> list[Row]:
        """The best effort of each kind, target and way (within a session 0, whole piece 1).

        (kind, target, whole, amount, session, started_at, who says that, athlete, machine, plan's
        shape, athlete's number), in order of kind and target.
        """
        condition, values = where(wanted)
        (wanted_count,), (all_count,) = (
            self._rows(f"SELECT count(*) FROM sessions WHERE {text}", given)[0]
            for text, given in ((condition, values), ("1", {}))
        )
        columns = (
            "kind, target, whole, amount, sessions.id, started_at, start_from, athletes.name, "
            "machine, shape, athlete_id"
        )
        joins = (
            "LEFT JOIN athletes ON athletes.id = athlete_id "
            "LEFT JOIN session_keys ON session_keys.session_id = sessions.id"
        )
        if wanted_count < min(MANY, all_count):
            # Few sessions: all their efforts are looked at.
            rows = self._rows(
                f"SELECT {columns}, min(value) FROM sessions CROSS JOIN best_efforts ON "
                f"best_efforts.session_id = sessions.id {joins} WHERE {condition} "
                "GROUP BY kind, target, whole ORDER BY kind, target, whole",
                values,
            )
            return [row[:-1] for row in rows]
        # Many: from the best on, until one is wanted.
        found: list[Row] = []
        for kind, targets in EVENTS.items():
            for target in targets:
                for whole in (0, 1):
                    found += self._rows(
                        f"SELECT {columns} FROM best_efforts CROSS JOIN sessions ON "
                        f"sessions.id = best_efforts.session_id {joins} WHERE kind = :kind AND "
                        f"target = :target AND whole = :whole AND {condition} "
                        "ORDER BY value LIMIT 1",
                        {**values, "kind": kind, "target": target, "whole": whole},
                    )
        return found

    def best_of(self, wanted: Wanted, kind: str, target: float, whole: bool | None) -> list[Row]:
        """Each session's best of one event, the best first; columns as of `bests`."""
        condition, values = where(wanted)
        only = "" if whole is None else "AND whole = :whole "
        return self._rows(
            "SELECT kind, target, whole, amount, sessions.id, started_at, start_from, "
            "athletes.name, machine, shape, athlete_id, min(value) AS value FROM best_efforts "
            "JOIN sessions ON sessions.id = best_efforts.session_id "
            "LEFT JOIN athletes ON athletes.id = athlete_id "
            "LEFT JOIN session_keys ON session_keys.session_id = sessions.id "
            f"WHERE kind = :kind AND target = :target {only}AND {condition} "
            "GROUP BY sessions.id ORDER BY value",
            {**values, "kind": kind, "target": target, "whole": whole},
        )

    def trends(self, wanted: Wanted, starts: Sequence[str]) -> dict[int, Row]:
        """Sums and means of what is followed over time, by the place of the start.

        (sessions, duration_s, work_s, distance_m, work_distance_m, the pace of the work, Banister's
        and Edwards' impulse, falls after 30, 60 and 120 s, decoupling, metres and watts per beat,
        lowest heart rate, resting RMSSD): means weigh each session that has the figure the same.
        """
        months = self._by_month(wanted, starts)
        if months is not None:
            condition, values = months
            rows = self._rows(
                f"SELECT {place_of(self._db, starts, 'month')} AS place, {TRENDS} FROM month_sums "
                f"WHERE {condition} GROUP BY place",
                values,
            )
            return {row[0]: row[1:] for row in rows}
        condition, values = where(wanted)
        rows = self._rows(
            f"SELECT {place_of(self._db, starts)} AS place, count(*), "
            "sum(duration_s), sum(work_s), "
            "sum(distance_m), sum(work_distance_m), "
            f"sum({_PACED} mean_pace_s_per_500m * work_distance_m END) / "
            f"sum({_PACED} work_distance_m END), sum(banister), sum(edwards), avg(drop_30s_bpm), "
            "avg(drop_60s_bpm), avg(drop_120s_bpm), avg(decoupling), avg(metres_per_beat), "
            "avg(watts_per_beat), min(min_heart_rate_bpm), avg(rest_rmssd_ms) FROM sessions "
            "LEFT JOIN session_totals ON session_totals.session_id = sessions.id "
            "LEFT JOIN session_hearts ON session_hearts.session_id = sessions.id "
            "LEFT JOIN session_zones ON session_zones.session_id = sessions.id "
            f"WHERE {condition} GROUP BY place",
            values,
        )
        return {row[0]: row[1:] for row in rows}

    def loads(self, wanted: Wanted) -> list[Row]:
        """(local date, Banister's, Edwards' impulse) of each session in order of time."""
        condition, values = where(wanted)
        return self._rows(
            "SELECT substr(started_at, 1, 10), banister, edwards FROM sessions "
            "LEFT JOIN session_zones ON session_id = sessions.id "
            f"WHERE {condition} ORDER BY started_at",
            values,
        )

    def regularity(self, wanted: Wanted) -> tuple[int, int, int, list[int]]:
        """How many sessions there are, how many of them have Banister's and Edwards' impulse, and
        on which days (ordinals, some more than once) they began.
        """
        months = self._by_month(wanted)
        if months is None:
            rows = self.loads(wanted)
            banister = sum(row[1] is not None for row in rows)
            edwards = sum(row[2] is not None for row in rows)
            days = {day for day, _, _ in rows}
            return (
                len(rows), banister, edwards, [date.fromisoformat(d).toordinal() for d in days]
            )  # fmt: skip
        condition, values = months
        sessions = banister = edwards = 0
        found: list[int] = []
        for month, days_in_it, *counts in self._rows(
            "SELECT month, days, sessions, banister_count, edwards_count FROM month_sums "
            f"WHERE {condition}",
            values,
        ):
            before = date.fromisoformat(f"{month}-01").toordinal() - 1
            bits = bin(days_in_it)[:1:-1]
            found += [before + day for day, bit in enumerate(bits) if bit == "1"]
            sessions, banister, edwards = (
                one + more for one, more in zip((sessions, banister, edwards), counts, strict=True)
            )
        return sessions, banister, edwards, found

    def powers(self, wanted: Wanted) -> list[Row]:
        """(power, seconds) of all bands of power that a heart rate is known at."""
        months = self._by_month(wanted)
        if months is not None:
            condition, values = months
            return self._rows(
                f"SELECT power_w, sum(seconds) FROM month_powers WHERE {condition} "
                "GROUP BY power_w ORDER BY power_w",
                values,
            )
        condition, values = where(wanted)
        count, _, _ = self.span(wanted)
        if count < MANY:
            # Few sessions: their own rows, by the index.
            return self._rows(
                "SELECT power_w, sum(seconds) FROM sessions CROSS JOIN heart_rates_at_power ON "
                f"session_id = sessions.id WHERE {condition} GROUP BY power_w ORDER BY power_w",
                values,
            )
        # Many: all rows in order, without those of sessions that are not wanted.
        return self._rows(
            "SELECT power_w, sum(seconds) FROM heart_rates_at_power WHERE session_id NOT IN "
            f"(SELECT id FROM sessions WHERE ({condition}) IS NOT 1) GROUP BY power_w "
            "ORDER BY power_w",
            values,
        )

    def heart_rates_at(
        self, wanted: Wanted, starts: Sequence[str], power_w: float
    ) -> dict[int, float]:
        """The mean heart rate in a band of power, by the place of the start."""
        months = self._by_month(wanted, starts)
        if months is not None:
            condition, values = months
            rows = self._rows(
                f"SELECT {place_of(self._db, starts, 'month')} AS place, "
                "total(beats) / total(seconds) "
                f"FROM month_powers WHERE power_w = :power_w AND {condition} GROUP BY place",
                {**values, "power_w": power_w},
            )
            return dict(rows)
        condition, values = where(wanted)
        rows = self._rows(
            f"SELECT {place_of(self._db, starts)} AS place, "
            "total(heart_rate_bpm * seconds) / total(seconds) "
            "FROM heart_rates_at_power JOIN sessions ON id = session_id "
            f"WHERE power_w = :power_w AND {condition} GROUP BY place",
            {**values, "power_w": power_w},
        )
        return dict(rows)

    def repetitions(self, wanted: Wanted) -> list[Row]:
        """Sessions in order of time, as the same workout is compared.

        (session, started_at, who says that, athlete, work_s, work_distance_m, pace, watts, rate,
        mean and highest heart rate, mean fall after 60 s, the paces of the fastest and the slowest
        piece).
        """
        condition, values = where(wanted)
        return self._rows(
            "SELECT sessions.id, sessions.started_at, start_from, athletes.name, work_s, "
            "work_distance_m, session_totals.mean_pace_s_per_500m, session_totals.mean_power_w, "
            "session_totals.mean_stroke_rate_spm, session_totals.mean_heart_rate_bpm, "
            "session_totals.max_heart_rate_bpm, drop_60s_bpm, "
            "min(segments.mean_pace_s_per_500m), max(segments.mean_pace_s_per_500m) FROM sessions "
            "JOIN session_totals ON session_totals.session_id = sessions.id "
            "LEFT JOIN athletes ON athletes.id = athlete_id "
            "LEFT JOIN session_hearts ON session_hearts.session_id = sessions.id "
            "LEFT JOIN segmentations ON segmentations.session_id = sessions.id AND is_default "
            "LEFT JOIN segments ON segments.session_id = sessions.id "
            "AND segmentation_id = segmentations.id AND kind = 'work' "
            f"WHERE {condition} GROUP BY sessions.id ORDER BY sessions.started_at",
            values,
        )

    def only_athlete(self) -> tuple[int, str] | None:
        """The athlete, by number and name, whose sessions these all are; None where several rowed.

        Sessions that are nobody's are taken for those of the only one: a household of one rower.
        """
        rows = self._rows(
            f"SELECT id, name FROM athletes WHERE {_HAS_ROWED} LIMIT 2", ()
        ) or self._rows("SELECT id, name FROM athletes LIMIT 2", ())
        return rows[0] if len(rows) == 1 else None

    def nobodys(self, wanted: Wanted | None = None) -> list[int]:
        """The wanted sessions that are no athlete's, by number; None: of all."""
        condition, values = where(wanted or Wanted())
        rows = self._rows(
            f"SELECT id FROM sessions WHERE athlete_id IS NULL AND {condition} ORDER BY id", values
        )
        return [number for (number,) in rows]

    def athlete_number(self, name: str) -> int | None:
        """The number of the athlete of that name; None when there is none."""
        rows = self._rows("SELECT id FROM athletes WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def changes(self, athlete_id: int | None) -> list[Change]:
        """What was ever known of an athlete; nothing of nobody."""
        with translated(self.path):
            return changes_of(self._db, athlete_id)

    def several_athletes(self) -> bool:
        """Whether more than one athlete has rowed; sessions that are nobody's do not count."""
        return len(self._rows(f"SELECT 1 FROM athletes WHERE {_HAS_ROWED} LIMIT 2", ())) > 1

    def _by_month(
        self, wanted: Wanted, starts: Sequence[str] = ()
    ) -> tuple[str, dict[str, Any]] | None:
        """The condition on months and its values, where the answer lies in whole months that are
        added up; None: ask the sessions.
        """
        months = months_where(wanted)
        if months is None or not begin_months(starts):
            return None
        if self._fresh is None:
            with translated(self.path):
                self._fresh = all_fresh(self._db)
        return months if self._fresh else None

    def _rows(self, query: str, values: Any) -> list[Row]:
        with translated(self.path):
            return self._db.execute(query, values).fetchall()


def open_years(path: Path) -> Years:
    """Open an existing database; errors as `open_for_reading`."""
    db, path = open_for_reading(path)
    return Years(db, path)
