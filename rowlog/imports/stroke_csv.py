"""Reading CSV files with a row a stroke: one table of column names for all programs."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rowlog.imports.stamps import ended, sharpened
from rowlog.imports.workout import ImportFault, Lap, Point, Workout

COLUMNS: Final[dict[str, tuple[str, float]]] = {
    # RowingData and Painsled
    "timestamp (sec)": ("unix_s", 1), "elapsedtime (sec)": ("t_s", 1),
    "horizontal (meters)": ("distance_m", 1), "cadence (stokes/min)": ("stroke_rate_spm", 1),
    "hrcur (bpm)": ("heart_rate_bpm", 1), "power (watts)": ("power_w", 1),
    "stroke500mpace (sec/500m)": ("pace_s_per_500m", 1), "lapidx": ("lap", 1),
    "drivelength (meters)": ("drive_length_m", 1), "drivetime (ms)": ("drive_s", 0.001),
    "strokerecoverytime (ms)": ("recovery_s", 0.001), "workoutstate": ("state", 1),
    "strokedistance (meters)": ("stroke_distance_m", 1), "dragfactor": ("drag_factor", 1),
    "workperstroke (joules)": ("work_j", 1), "calories (kcal)": ("energy_kcal", 1),
    "averagedriveforce (lbs)": ("mean_force_n", 4.4482216152605),
    "peakdriveforce (lbs)": ("peak_force_n", 4.4482216152605),
    # ErgData and the Concept2 logbook
    "time (seconds)": ("t_s", 1), "distance (meters)": ("distance_m", 1),
    "pace (seconds per 500m": ("pace_s_per_500m", 1),
    "pace (seconds per 500m)": ("pace_s_per_500m", 1), "watts": ("power_w", 1),
    "stroke rate": ("stroke_rate_spm", 1), "heart rate": ("heart_rate_bpm", 1),
    "stroke number": ("count", 1), "number": ("count", 1), "strokecount": ("count", 1),
    # SmartRow
    "stroke (#)": ("count", 1), "stroke #": ("count", 1),
    "second (#)": ("t_s", 1), "distance (m)": ("distance_m", 1), "work (j)": ("work_j", 1),
    "actual power (w)": ("power_w", 1), "actual split (s)": ("pace_s_per_500m", 1),
    "stroke rate (spm)": ("stroke_rate_spm", 1), "heart rate (bpm)": ("heart_rate_bpm", 1),
    # ErgStick
    "total elapsed time": ("t_s", 1), "total distance": ("distance_m", 1),
    "stroke rate (/min)": ("stroke_rate_spm", 1), "stroke count": ("count", 1),
    "current heart rate (bpm)": ("heart_rate_bpm", 1), "drag factor": ("drag_factor", 1),
    "current pace (/500m)": ("pace_s_per_500m", 1),
    # Hero
    "time": ("t_s", 1), "distance": ("distance_m", 1), "split": ("pace_s_per_500m", 1),
    "hr": ("heart_rate_bpm", 1), "stroke length": ("drive_length_m", 0.01),
    "drive time": ("drive_s", 1), "recovery time": ("recovery_s", 1),
    "distance per stroke": ("stroke_distance_m", 1), "peak drive force (n)": ("peak_force_n", 1),
    "average drive force (n)": ("mean_force_n", 1),
}  # fmt: skip
"""(column in lower case: (what it is, times what)); `docs/formats.md` shows it by program."""

NAMES: Final = (
    ("timestamp (sec)", "rowingdata"),
    ("time (seconds)", "ergdata"),
    ("second (#)", "smartrow"),
    ("total elapsed time", "ergstick"),
    ("stroke #", "hero"),
)
"""(a column that only this program writes, the program), in the order of asking."""
RESTING: Final = 3
_NUMBER: Final = re.compile(r"\s*(?:(?:(\d+):)?(\d+):)?(-?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)\s*m?\s*")
_FIELDS: Final = frozenset(Point._fields)
_OF_A_STROKE: Final = frozenset({"drive_s", "stroke_distance_m"})
"""Where a program says these, a row without them and the others is of nobody who rows."""
_ROWING: Final = (*_OF_A_STROKE, "recovery_s", "stroke_rate_spm", "power_w", "pace_s_per_500m")
_WHOLE: Final = ("heart_rate_bpm", "drag_factor", "stroke")


class _Lap(NamedTuple):
    key: tuple[float, bool]
    """Its number, and whether it is a rest."""
    end_s: float
    end_m: float
    strokes: int


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a stroke CSV; None where its columns are of no known program."""
    rows = [row for row in csv.reader(text.splitlines()) if any(map(str.strip, row))]
    for place, row in enumerate(rows[:3]):
        header = [cell.strip().lower() for cell in row]
        program = next((known for column, known in NAMES if column in header), None)
        if program is not None:
            return [_workout(name, program, header, rows[place + 1 :], rows[:place])]
    return None


def _workout(
    name: str,
    program: str,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    above: Sequence[Sequence[str]],
) -> Workout:
    wanted = [(i, *COLUMNS[column]) for i, column in enumerate(header) if column in COLUMNS]
    said = [_said(row, wanted) for row in rows]
    has_time = any("t_s" in row for row in said)
    stamps = [row["unix_s"] for row in said if "unix_s" in row]
    points: list[Point] = []
    laps: list[_Lap] = []
    counted = any("count" in row for row in said)
    told = {field for _, field, _ in wanted}
    waits = not _OF_A_STROKE.isdisjoint(told)
    # Painsled numbers its rows from 0, that of who waits too.
    last_count = -1.0 if said and waits and not _rowed(said[0]) else 0.0
    for row in said:
        if not has_time and "unix_s" in row:
            row["t_s"] = row["unix_s"] - stamps[0]
        if "t_s" not in row:
            continue
        if points and row["t_s"] < points[-1].t_s:
            raise ImportFault(
                f"{name}: its clock begins again at row {len(points) + 1}, and how long the rest "
                "before was is not said.",
                "Export that workout as FIT or TCX, which say it.",
            )
        count = row.get("count", last_count + 1)
        stroke = None
        if count > last_count and (_rowed(row) or not waits):
            stroke = int(count)  # ErgStick has a row a second, several for one stroke
        last_count = max(last_count, count)
        values: dict[str, Any] = {
            key: value
            for key, value in row.items()
            if key in _FIELDS and (value or key in ("t_s", "distance_m"))
        }
        for name_of in _WHOLE:
            if name_of in values:
                values[name_of] = whole(values[name_of])
        values["stroke"] = stroke
        points.append(Point(**values))
        if "lap" in row:
            key = (row["lap"], row.get("state") == RESTING)
            reached = (points[-1].t_s, points[-1].distance_m or 0.0)
            strokes = int(stroke is not None)
            if laps and laps[-1].key == key:
                laps[-1] = _Lap(key, *reached, laps[-1].strokes + strokes)
            else:
                laps.append(_Lap(key, *reached, strokes))
    return Workout(
        format=program,
        started_at=_start(stamps, points, has_time, above),
        points=tuple(ended(sharpened(points))),
        laps=_laps(laps),
        said={"stroke_count": int(last_count)} if counted or "index" in header else {},
    )


def _said(row: Sequence[str], wanted: Sequence[tuple[int, str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    last = len(row)
    for place, field, times in wanted:
        if place < last and (cell := row[place]):
            value = number(cell)
            if value is not None:
                found[field] = value * times
    return found


def _rowed(row: Mapping[str, float]) -> bool:
    """Whether a row is of a stroke, and not of somebody who waits."""
    return any(row.get(field) for field in _ROWING)


def number(cell: str) -> float | None:
    """What a cell says: 12.5, 12,5, "6 m" or 2:48.2 as seconds; None for anything else."""
    try:
        value = float(cell)  # most cells are plain numbers, and this is fast
    except ValueError:
        pass
    else:
        if "_" not in cell:
            return value if math.isfinite(value) else math.nan
    found = _NUMBER.fullmatch(cell)
    if found is None:
        if cell.strip().lower().lstrip("+-") in ("inf", "infinity", "nan"):
            return math.nan
        return None
    hours, minutes, rest = found.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest.replace(",", "."))


def whole(value: float | None) -> int | None:
    """A count, a heart rate or a drag factor; None where a program wrote 0 or "nan" for unknown."""
    return int(value) if value and math.isfinite(value) else None


def _start(
    stamps: Sequence[float],
    points: Sequence[Point],
    has_time: bool,
    above: Sequence[Sequence[str]],
) -> datetime | None:
    if stamps and points and 0 < stamps[0] < 4e9:
        before = points[0].t_s if has_time else 0.0
        return datetime.fromtimestamp(stamps[0] - before, UTC)
    for row in above:
        for cell in row:
            found = re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([+-]\d\d:\d\d)", cell.strip())
            if found:
                return datetime.fromisoformat(f"{found[1]}{found[2]}")
    return None


def _laps(ends: Sequence[_Lap]) -> tuple[Lap, ...]:
    laps, last_s, last_m = [], 0.0, 0.0
    for (_, rest), end_s, end_m, strokes in ends:
        said = {"stroke_count": strokes}
        laps.append(Lap(rest, end_s - last_s, max(0.0, end_m - last_m), said=said))
        last_s, last_m = end_s, end_m
    return tuple(laps)
