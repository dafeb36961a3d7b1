"""What judging a session reads: strokes, heart rates, and the athlete's bests until then."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from rowlog.schema import open_for_reading
from rowlog.store_errors import translated
from rowlog.store_open import OpenDatabase

Row = tuple[Any, ...]

EVENTS: Final = {
    "2k": ("distance", 2000.0),
    "5k": ("distance", 5000.0),
    "6k": ("distance", 6000.0),
    "30min": ("time", 1800.0),
    "60min": ("time", 3600.0),
}


class Evidence(OpenDatabase):
    """A database open for judging sessions. Raises StoreError from every method."""

    def strokes(self, session_id: int) -> list[Row]:
        """(seconds, rate, watts, metres so far) of the strokes of the rower with most of them."""
        return self._rows(
            "SELECT t_ns / 1e9, stroke_rate_spm, power_w, total_distance_m FROM strokes "
            "WHERE session_id = :id AND source = (SELECT source FROM strokes "
            "WHERE session_id = :id GROUP BY source ORDER BY count(*) DESC LIMIT 1) ORDER BY t_ns",
            {"id": session_id},
        )

    def heart_rates(self, session_id: int, source: str | None) -> list[Row]:
        """(seconds, beats per minute; None for no valid value) of one source, in order."""
        return self._rows(
            "SELECT t_s, CASE WHEN valid THEN heart_rate_bpm END FROM v_heart_rates "
            "WHERE session_id = ? AND source = ? ORDER BY t_s",
            (session_id, source),
        )

    def best_pace(self, reference: str, athlete: str | None, before: str | None) -> float | None:
        """An athlete's best pace over 2k, 5k, 6k, 30min or 60min, in seconds per 500 m.

        `before`: of sessions that began earlier, ISO time; None: of all. `athlete` None: of the
        sessions that name nobody.
        """
        kind, target = EVENTS[reference]
        rows = self._rows(
            "SELECT min(value) FROM best_efforts JOIN sessions ON sessions.id = session_id "
            "LEFT JOIN athletes ON athletes.id = athlete_id "
            "WHERE kind = ? AND target = ? AND name IS ? AND deleted_at IS NULL "
            "AND (? IS NULL OR started_at < ?)",
            (kind, target, athlete, before, before),
        )
        best: float | None = rows[0][0]
        if not best:
            return None
        # Seconds over a distance; over a time, metres as a negative number.
        return 500.0 * best / target if kind == "distance" else 500.0 * target / -best

    def rowed_paces(self, athlete: str | None) -> list[Row]:
        """(metres, seconds per 500 m) of an athlete's pieces of work of 400 m and more.

        Not of those whose pace is estimated.
        """
        return self._rows(
            "SELECT distance_m, mean_pace_s_per_500m FROM segments "
            "JOIN segmentations ON segmentations.id = segmentation_id "
            "JOIN sessions ON sessions.id = segments.session_id "
            "LEFT JOIN athletes ON athletes.id = athlete_id "
            "WHERE is_default AND kind = 'work' AND segments.activity = 'row' "
            "AND deleted_at IS NULL AND distance_m >= 400 "
            "AND mean_pace_s_per_500m BETWEEN 75 AND 300 AND name IS ? "
            "AND coalesce(origins ->> 'mean_pace_s_per_500m', '') <> 'estimated'",
            (athlete,),
        )

    def _rows(self, query: str, values: Any) -> list[Row]:
        with translated(self.path):
            return self._db.execute(query, values).fetchall()


def open_evidence(path: Path) -> Evidence:
    """Open an existing database to judge by; errors as `open_for_reading`."""
    db, path = open_for_reading(path)
    return Evidence(db, path)
