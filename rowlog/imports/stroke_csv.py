"""Reading CSV files with a row a stroke: one table of column names for all programs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby, islice, pairwise, repeat, zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from rowlog.imports.cells import Cells, column, whole
from rowlog.imports.left_out import LeftOut, lacking, left_out
from rowlog.imports.stamps import ended, sharpened
from rowlog.imports.workout import IN_TENTHS, ImportFault, Lap, Point, Resolution, Workout
from rowlog.starts import UNKNOWN, Start, start_of

if TYPE_CHECKING:
    from _csv import Reader as CsvReader  # the type alone; csv names it from Python 3.13 on

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
_PIECE: Final = re.compile(r"\d+'|(?:\d+:)?\d+:\d\d|[\d.,]+ ?m")
"""A single piece as Hero names it: 15', 20:00, 2000m."""
_A_STROKE: Final = Resolution(within_s=3.0, within_m=12.0)
"""How far a piece that ends with the stroke in which it was over ends from its end."""
_FIELDS: Final = frozenset(Point._fields)
_OF_A_STROKE: Final = frozenset({"drive_s", "stroke_distance_m"})
"""Where a program says these, a row without them and the others is of nobody who rows."""
_ROWING: Final = (*_OF_A_STROKE, "recovery_s", "stroke_rate_spm", "power_w", "pace_s_per_500m")
_WHOLE: Final = ("heart_rate_bpm", "drag_factor")
_ABOVE: Final = 3
"""So many rows may stand above those of the strokes."""
_CHUNK: Final = 4_000
"""So many rows are held as text at a time."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a stroke CSV; None where its columns are of no known program."""
    reader = csv.reader(text.split("\n"))
    above: list[list[str]] = []
    for row in reader:
        if not any(map(str.strip, row)):
            continue
        header = [cell.strip().lower() for cell in row]
        program = next((known for column, known in NAMES if column in header), None)
        if program is not None:
            return [_workout(name, program, header, _table(name, header, reader), above)]
        above.append(row)
        if len(above) == _ABOVE:
            break
    return None


_Column = list[float | None]


class _Table(NamedTuple):
    """What a file says under its header."""

    columns: dict[str, _Column]
    """What is known, by field; only those in which something stands."""
    lines: list[int]
    """Where each row stands."""
    start_from: Start
    """What a file that rowlog wrote says of its start."""
    left_out: tuple[LeftOut, ...]


def _table(name: str, header: Sequence[str], reader: CsvReader) -> _Table:
    """The rows, a few thousand of them as text at a time."""
    told = Cells(name)
    found: dict[str, _Column] = {}
    placed: list[int] = []
    long: list[int] = []
    places = [place for place, column in enumerate(header) if column in COLUMNS]
    start_from: Start | None = None
    while rows := list(islice(_rows(reader), _CHUNK)):
        beyond = [row for row in rows if any(map(str.strip, row[1][len(header) :]))]
        if beyond:
            long += [line for line, _ in beyond]
            away = set(long)
            rows = [row for row in rows if row[0] not in away]
        if start_from is None:
            start_from = _start_from(header, rows)
        lines = [line for line, _ in rows]
        by_place = list(zip_longest(*(row for _, row in rows), fillvalue=""))
        for place in places:
            cells = by_place[place] if place < len(by_place) else ()
            if any(cells):
                field, times = COLUMNS[header[place]]
                said = column(field, cells, lines, times, told)
                _put(found, field, said, len(placed))
        placed += lines
        for field_column in found.values():
            field_column += [None] * (len(placed) - len(field_column))
    columns = {field: said for field, said in found.items() if any(v is not None for v in said)}
    extra = left_out("row", "with more cells than there are columns", long)
    if "t_s" in found and "t_s" not in columns:
        extra += lacking("times", "its rows are placed by their time stamps, if it has them")
    return _Table(columns, placed, start_from or "said", (*told.left_out(), *extra))


def _rows(reader: CsvReader) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line in which it ends."""
    for row in reader:
        if any(map(str.strip, row)):
            yield reader.line_num, row


def _put(found: dict[str, _Column], field: str, said: _Column, above: int) -> None:
    """Add to a field what a column says below so many rows; a later column goes before."""
    so_far = found.setdefault(field, [])
    so_far += [None] * (above - len(so_far))
    if len(so_far) > above:
        before = so_far[above:]
        said = [b if a is None else a for a, b in zip(said, before, strict=True)]
        del so_far[above:]
    so_far += said


def _workout(
    name: str,
    program: str,
    header: Sequence[str],
    table: _Table,
    above: Sequence[Sequence[str]],
) -> Workout:
    """The workout of a table; rows without a time are left out of it."""
    columns, lines = table.columns, table.lines
    if "distance_m" not in columns:
        columns.pop("pace_s_per_500m", None)  # of which metres would be made that nobody counted
    stamps = [at for at in columns.get("unix_s", ()) if at is not None]
    has_time = "t_s" in columns
    if stamps and not has_time:
        columns["t_s"] = [None if at is None else at - stamps[0] for at in columns["unix_s"]]
    told_times = columns.get("t_s", [None] * len(lines))
    timed = [place for place, at in enumerate(told_times) if at is not None]
    untimed = [line for line, at in zip(lines, told_times, strict=True) if at is None]
    if untimed:
        columns = {field: [told[place] for place in timed] for field, told in columns.items()}
        lines = [lines[place] for place in timed]
    times = [at for at in columns.get("t_s", ()) if at is not None]
    for line, (before, at) in zip(lines[1:], pairwise(times), strict=False):
        if at < before:
            raise ImportFault(
                f"{name}: its clock begins again in line {line}, and how long the rest "
                "before was is not said.",
                "Export that workout as FIT or TCX, which say it.",
            )
    states, counts = columns.get("state"), columns.get("count")
    # A file that says who waits, and that he has not rowed yet, is believed in all its strokes.
    says = bool(states and counts and (states[0], counts[0]) == (WAITING, 0))
    waits = not says and any(COLUMNS.get(column, ("", 0))[0] in _OF_A_STROKE for column in header)
    rowed = _rowed(columns, len(times)) if waits else [True] * len(times)
    strokes, last_count = _strokes(counts, rowed)
    points = _points(columns, times, strokes, lines)
    counted = counts is not None or "index" in header
    piece = _piece_alone(above, points) if program == "hero" else ()
    by_stroke = columns.get("lap") is not None and not _rows_between(points, states)
    began = _start(stamps, points, has_time, above)
    return Workout(
        resolution=_A_STROKE if by_stroke else IN_TENTHS,
        one_lap_tells=bool(piece)
        or (states is not None and _pieces(states, points) != (-1, len(points))),
        format=program,
        started_at=None if table.start_from == UNKNOWN else began,
        dated_at=began if table.start_from == UNKNOWN else None,
        start_from=table.start_from,
        points=tuple(ended(sharpened(points))),
        laps=piece or _laps(columns, points),
        said={"stroke_count": int(last_count)} if counted else {},
        left_out=(
            *(() if "distance_m" in columns else lacking("metres", "the distance is unknown")),
            *table.left_out,
            *left_out("row", "without a time", untimed),
        ),
    )


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
    columns: Mapping[str, _Column],
    times: Sequence[float],
    strokes: Sequence[int | None],
    lines: Sequence[int],
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
    told |= {"t_s": times, "stroke": strokes, "line": lines}
    if "distance_m" in columns:
        told["distance_m"] = columns["distance_m"]
    nothing = [None] * len(times)
    return list(
        map(Point._make, zip(*(told.get(field, nothing) for field in Point._fields), strict=True))
    )


def _start(
    stamps: Sequence[float],
    points: Sequence[Point],
    has_time: bool,
    above: Sequence[Sequence[str]],
) -> datetime | None:
    if stamps and points:
        before = points[0].t_s if has_time else 0.0
        return datetime.fromtimestamp(stamps[0] - before, UTC)
    for row in above:
        for cell in row:
            found = re.fullmatch(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([+-]\d\d:\d\d)", cell.strip())
            if found:
                return datetime.fromisoformat(f"{found[1]}{found[2]}")
    return None


def _start_from(header: Sequence[str], rows: Sequence[tuple[int, list[str]]]) -> Start:
    """What a file that rowlog wrote says of its start."""
    told = dict(zip(header, rows[0][1] if rows else (), strict=False))
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
