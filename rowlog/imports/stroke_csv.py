"""Reading CSV files with a row a stroke: one table of column names for all programs."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby, pairwise, repeat, zip_longest
from operator import itemgetter
from typing import Final

from rowlog.imports.left_out import csv_lines, lacking, left_out
from rowlog.imports.stamps import ended, sharpened
from rowlog.imports.workout import IN_TENTHS, ImportFault, Lap, Point, Resolution, Workout
from rowlog.starts import UNKNOWN, Start, start_of

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
WAITING, RESTING, OVER = 0.0, 3.0, 10.0
"""WorkoutState, as Concept2 monitors number it: before the first piece, a rest, after the last."""
_NUMBER: Final = re.compile(r"\s*(?:(?:(\d+):)?(\d+):)?(-?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)\s*m?\s*")
_PIECE: Final = re.compile(r"\d+'|(?:\d+:)?\d+:\d\d|[\d.,]+ ?m")
"""A single piece as Hero names it: 15', 20:00, 2000m."""
_A_STROKE: Final = Resolution(within_s=3.0, within_m=12.0)
"""How far a piece that ends with the stroke in which it was over ends from its end."""
_FIELDS: Final = frozenset(Point._fields)
_OF_A_STROKE: Final = frozenset({"drive_s", "stroke_distance_m"})
"""Where a program says these, a row without them and the others is of nobody who rows."""
_ROWING: Final = (*_OF_A_STROKE, "recovery_s", "stroke_rate_spm", "power_w", "pace_s_per_500m")
_WHOLE: Final = ("heart_rate_bpm", "drag_factor")
_MOST: Final = {
    "stroke_rate_spm": ("cadence", 1_000.0),
    "power_w": ("watts", 10_000.0),
    "pace_s_per_500m": ("pace", 100_000.0),
    "heart_rate_bpm": ("heart rate", 1_000.0),
    "drag_factor": ("drag factor", 10_000.0),
    "energy_kcal": ("calories", 1_000_000.0),
    "count": ("stroke number", 1_000_000.0),
    "stroke_distance_m": ("metres of a stroke", 10_000.0),
    "drive_s": ("drive time", 100_000.0),
    "recovery_s": ("recovery time", 1_000_000.0),
    "drive_length_m": ("drive length", 1_000.0),
    "work_j": ("work", 1_000_000.0),
    "peak_force_n": ("peak force", 1_000_000.0),
    "mean_force_n": ("mean force", 1_000_000.0),
}
"""(field: (in words, what is beyond it is a fault of the file and said of nobody who rows))."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a stroke CSV; None where its columns are of no known program."""
    rows = [row for row in csv.reader(text.splitlines()) if any(map(str.strip, row))]
    for place, row in enumerate(rows[:3]):
        header = [cell.strip().lower() for cell in row]
        program = next((known for column, known in NAMES if column in header), None)
        if program is not None:
            columns = _columns(header, rows[place + 1 :])
            beyond = _without_beyond(columns)
            start_from = _start_from(header, rows[place + 1 :])
            workout, timed = _workout(
                name, program, header, columns, len(rows) - place - 1, rows[:place]
            )
            if start_from == UNKNOWN:
                workout = replace(workout, started_at=None, dated_at=workout.started_at)
            workout = replace(workout, start_from=start_from)
            if beyond:
                lines = csv_lines(text)[place + 1 :]
                told = [
                    each
                    for what, where in beyond
                    for each in left_out("cell", what, [lines[row] for row in where])
                ]
                workout = replace(workout, left_out=(*workout.left_out, *told))
            if len(timed) < len(rows) - place - 1:
                lines = csv_lines(text)[place + 1 :]
                untimed = [line for k, line in enumerate(lines) if k not in timed]
                unplaced = left_out("row", "without a time", untimed)
                workout = replace(workout, left_out=(*workout.left_out, *unplaced))
            return [workout]
    return None


_Column = list[float | None]


def _workout(
    name: str,
    program: str,
    header: Sequence[str],
    columns: dict[str, _Column],
    count: int,
    above: Sequence[Sequence[str]],
) -> tuple[Workout, Collection[int]]:
    """The workout of so many rows, and the places of those that it was made of."""
    if "distance_m" not in columns:
        columns.pop("pace_s_per_500m", None)  # of which metres would be made that nobody counted
    stamps = [at for at in columns.get("unix_s", ()) if at is not None]
    has_time = "t_s" in columns
    if stamps and not has_time:
        columns["t_s"] = [None if at is None else at - stamps[0] for at in columns["unix_s"]]
    told_times = columns.get("t_s", ())
    timed = [place for place, at in enumerate(told_times) if at is not None]
    if len(timed) < count:
        columns = {field: [told[place] for place in timed] for field, told in columns.items()}
    times = [at for at in columns.get("t_s", ()) if at is not None]
    for place, (before, at) in enumerate(pairwise(times), 2):
        if at < before:
            raise ImportFault(
                f"{name}: its clock begins again at row {place}, and how long the rest "
                "before was is not said.",
                "Export that workout as FIT or TCX, which say it.",
            )
    states, counts = columns.get("state"), columns.get("count")
    # A file that says who waits, and that he has not rowed yet, is believed in all its strokes.
    says = bool(states and counts and (states[0], counts[0]) == (WAITING, 0))
    waits = not says and any(COLUMNS.get(column, ("", 0))[0] in _OF_A_STROKE for column in header)
    rowed = _rowed(columns, len(times)) if waits else [True] * len(times)
    strokes, last_count = _strokes(counts, rowed)
    points = _points(columns, times, strokes)
    counted = counts is not None or "index" in header
    piece = _piece_alone(above, points) if program == "hero" else ()
    by_stroke = columns.get("lap") is not None and not _rows_between(points, states)
    workout = Workout(
        resolution=_A_STROKE if by_stroke else IN_TENTHS,
        one_lap_tells=bool(piece)
        or (states is not None and _pieces(states, points) != (-1, len(points))),
        format=program,
        started_at=_start(stamps, points, has_time, above),
        points=tuple(ended(sharpened(points))),
        laps=piece or _laps(columns, points),
        said={"stroke_count": int(last_count)} if counted else {},
        left_out=() if "distance_m" in columns else lacking("metres", "the distance is unknown"),
    )
    return workout, frozenset(timed)


def _columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, _Column]:
    """What the known columns say, those in which something stands; a later one goes before."""
    found: dict[str, _Column] = {}
    for cells, column in zip(zip_longest(*rows, fillvalue=""), header, strict=False):
        if column in COLUMNS and any(cells):
            field, times = COLUMNS[column]
            told = [None if value is None else value * times for value in _numbers(cells)]
            if field in found:
                told = [b if a is None else a for a, b in zip(told, found[field], strict=True)]
            if any(value is not None for value in told):
                found[field] = told
    return found


def _without_beyond(columns: dict[str, _Column]) -> list[tuple[str, list[int]]]:
    """Take out what is beyond all rowing: of what it was, and the places of its rows."""
    found = []
    for field, (what, most) in _MOST.items():
        told = columns.get(field, [])
        where = [k for k, value in enumerate(told) if value is not None and abs(value) > most]
        if where:
            for place in where:
                told[place] = None
            found.append((f"of {what} beyond {most:,.0f}", where))
    return found


def _numbers(cells: Sequence[str]) -> Iterable[float | None]:
    try:
        values = list(map(float, cells))  # most columns are full of plain numbers: this is fast
    except ValueError:
        return map(number, cells)
    if math.isfinite(sum(values)) and "_" not in "".join(cells):
        return values
    return map(number, cells)


def _rowed(columns: Mapping[str, _Column], count: int) -> list[bool]:
    """Whether each row is of a stroke, and not of somebody who waits."""
    told = [columns[field] for field in _ROWING if field in columns]
    return list(map(any, zip(*told, strict=True))) if told else [False] * count


def _strokes(counts: _Column | None, rowed: Sequence[bool]) -> tuple[list[int | None], float]:
    """The number of the stroke that each row is, and the last of all numbers.

    ErgStick has a row a second, several for one stroke. Painsled numbers its rows from 0, that of
    who waits too.
    """
    last = -1.0 if rowed and not rowed[0] else 0.0
    strokes: list[int | None] = []
    for row, count in zip(rowed, counts or repeat(None), strict=False):
        reached = last + 1 if count is None else count
        strokes.append(int(reached) if reached > last and row else None)
        last = max(last, reached)
    return strokes, last


def _points(
    columns: Mapping[str, _Column], times: Sequence[float], strokes: Sequence[int | None]
) -> list[Point]:
    """The rows as points; 0 is what a program writes for unknown, but of time and sums."""
    told: dict[str, Iterable[object]] = {
        field: [value or None for value in columns[field]] for field in _FIELDS if field in columns
    }
    for field in _WHOLE:
        if field in told:
            told[field] = map(whole, columns[field])
    if any(columns.get("energy_kcal", ())):  # they begin at 0, which is no unknown then
        told["energy_kcal"] = columns["energy_kcal"]
    told |= {"t_s": times, "stroke": strokes}
    if "distance_m" in columns:
        told["distance_m"] = columns["distance_m"]
    nothing = [None] * len(times)
    return list(
        map(Point._make, zip(*(told.get(field, nothing) for field in Point._fields), strict=True))
    )


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


def _start_from(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Start:
    """What a file that rowlog wrote says of its start."""
    told = dict(zip(header, rows[0] if rows else (), strict=False))
    return start_of(told.get("startfrom"))


def _piece_alone(above: Sequence[Sequence[str]], points: Sequence[Point]) -> tuple[Lap, ...]:
    """The one piece that all rows are of, where the line above them tells of a time or metres."""
    named = zip(*above[:2], strict=False) if len(above) > 1 else ()
    told = next((cell.strip() for name, cell in named if name.strip().lower() == "piece"), "")
    if not points or _PIECE.fullmatch(told) is None:
        return ()
    said = {"stroke_count": sum(point.stroke is not None for point in points)}
    return (Lap(False, points[-1].t_s, points[-1].distance_m, 0.0, said),)


def _pieces(states: Sequence[float | None], points: Sequence[Point]) -> tuple[int, int]:
    """The row before the pieces, -1 where they begin with the file, and the one after them."""
    idle = [
        state if point.stroke is None else None for state, point in zip(states, points, strict=True)
    ]
    begin = max((k for k, state in enumerate(idle) if state == WAITING), default=-1)
    end = next((k for k, state in enumerate(idle) if state == OVER and k > begin), len(points))
    return begin, end


def _rows_between(points: Sequence[Point], states: Sequence[float | None] | None) -> bool:
    """Whether there are rows that are no strokes, as rowlog writes them where pieces end."""
    return states is not None and any(point.stroke is None for point in points)


def _laps(columns: Mapping[str, _Column], points: Sequence[Point]) -> tuple[Lap, ...]:
    """The laps by their numbers, work and rest apart: each reaches up to its last row.

    The first begins with the workout, or at the last row of somebody who waits for it; what comes
    after a row in which the workout is over, and nobody strokes, belongs to none.
    """
    numbers = columns.get("lap")
    if numbers is None:
        return ()
    states = columns.get("state") or [None] * len(points)
    begin, end = _pieces(states, points)
    keyed = [
        (number, state == RESTING, point)
        for number, state, point in zip(
            numbers[begin + 1 : end], states[begin + 1 : end], points[begin + 1 : end], strict=True
        )
        if number is not None
    ]
    laps: list[Lap] = []
    last_s, last_m, last_kcal = 0.0, 0.0, 0.0
    measured = "distance_m" in columns
    if begin >= 0:
        last_s, last_m = points[begin].t_s, points[begin].distance_m or 0.0
        last_kcal = points[begin].energy_kcal or 0.0
    for (_, rest), rows in groupby(keyed, key=itemgetter(0, 1)):
        inside = [point for _, _, point in rows]
        end_s, end_m = inside[-1].t_s, inside[-1].distance_m or 0.0
        said: dict[str, float | str] = {
            "stroke_count": sum(point.stroke is not None for point in inside)
        }
        if inside[-1].energy_kcal is not None:
            said["energy_kcal"] = max(0.0, inside[-1].energy_kcal - last_kcal)
            last_kcal = inside[-1].energy_kcal
        metres = max(0.0, end_m - last_m) if measured else None
        laps.append(Lap(rest, end_s - last_s, metres, last_s, said))
        last_s, last_m = end_s, end_m
    return tuple(laps)
