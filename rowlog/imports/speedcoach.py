"""Reading NK SpeedCoach CSV: strokes by interval, with a table of the intervals above them."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import NamedTuple

from rowlog.imports.cells import Cells, is_nothing, whole
from rowlog.imports.left_out import left_out, unbelieved_date
from rowlog.imports.workout import ImportFault, Lap, Point, Workout, shown

_FIELDS = ("Interval", "Elapsed Time", "Stroke Rate", "Heart Rate", "Power", "Total Strokes")

_NOTHING = "---"
"""What it writes for what it does not know."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a SpeedCoach file; None where it is none. Raises ImportFault.

    How long the rests were is not said, so the intervals stand one behind the other.
    """
    if not text.startswith("Session Information:"):
        return None
    reader = csv.reader(text.split("\n"))
    rows = [_Row(reader.line_num, cells) for cells in reader]
    start = next((row.cells[1] for row in rows if row.cells[:1] == ["Start Time:"]), "")
    told = Cells(name)
    strokes = _table(rows, "Per-Stroke Data:")
    if not strokes:
        raise ImportFault(f"{name} has no strokes.", "Export the session with its strokes.")
    laps = tuple(
        _lap(_totals(row), line, told) for line, row in _table(rows, "Interval Summaries:")
    )
    points: list[Point] = []
    start_s = start_m = 0.0
    inside, count = 0, 0
    untimed: list[int] = []
    for line, row in strokes:
        if {row["Elapsed Time"], row.get("Distance (GPS)")} == {_NOTHING}:
            continue  # the mean of the oarlock's figures, below the strokes of an interval
        place = told.figure("lap", row["Interval"], line)
        at = told.figure("t_s", row["Elapsed Time"], line)
        if place is None or at is None:
            untimed.append(line)
            continue
        metres = _metres("distance_m", row, line, told)
        while laps and inside < min(int(place) - 1, len(laps)):
            start_s, start_m = start_s + laps[inside].seconds, start_m + (laps[inside].metres or 0)
            points.append(Point(t_s=start_s, distance_m=start_m, line=line))
            inside += 1
        count += 1
        points.append(
            Point(
                t_s=start_s + at,
                distance_m=None if metres is None else start_m + metres,
                stroke_rate_spm=told.figure("stroke_rate_spm", row["Stroke Rate"], line) or None,
                heart_rate_bpm=whole(told.figure("heart_rate_bpm", row["Heart Rate"], line)),
                power_w=told.figure("power_w", row["Power"], line) or None,
                pace_s_per_500m=told.figure("pace_s_per_500m", row.get("Split (GPS)"), line)
                or None,
                stroke=count,
                line=line,
                stroke_distance_m=told.figure(
                    "stroke_distance_m", row.get("Distance/Stroke (GPS)"), line
                )
                or None,
                work_j=told.figure("work_j", row.get("Work"), line) or None,
                mean_force_n=told.figure("mean_force_n", row.get("Force Avg"), line) or None,
                peak_force_n=told.figure("peak_force_n", row.get("Force Max"), line) or None,
            )
        )
    for lap in laps[inside:]:
        start_s, start_m = start_s + lap.seconds, start_m + (lap.metres or 0)
        points.append(Point(t_s=start_s, distance_m=start_m))
    started_at = _start(start)
    doubted = () if started_at is not None or is_nothing(start) else unbelieved_date(shown(start))
    return [
        Workout(
            format="speedcoach", started_at=started_at, points=tuple(points), laps=laps,
            note="How long its rests were is not said.",
            left_out=(
                *doubted,
                *told.left_out(),
                *left_out("row", "without an interval or a time", untimed),
            ),
        )
    ]  # fmt: skip


class _Row(NamedTuple):
    line: int
    cells: list[str]


def _table(rows: list[_Row], title: str) -> list[tuple[int, dict[str, str]]]:
    """The table under a title, with the line of each row: head, units, rows up to an empty one."""
    place = next((i for i, row in enumerate(rows) if row.cells[:1] == [title]), None)
    if place is None:
        return []
    body = iter(rows[place + 1 :])
    head = next((row.cells for row in body if any(row.cells)), [])
    found = []
    next(body, None)
    for line, cells in body:
        if not any(cells):
            break
        told = {**dict.fromkeys(_FIELDS, ""), **dict(zip(head, cells, strict=False))}
        found.append((line, told))
    return found


def _lap(row: dict[str, str], line: int, told: Cells) -> Lap:
    """An interval by the table of them, with its own count of strokes."""
    strokes = whole(told.figure("count", row.get("Strokes"), line))
    said = {"stroke_count": strokes} if strokes else {}
    seconds = told.figure("piece_s", row["Elapsed Time"], line) or 0.0
    return Lap(False, seconds, _metres("piece_m", row, line, told), said=said)


def _totals(row: dict[str, str]) -> dict[str, str]:
    said = {key.removeprefix("Total "): cell for key, cell in row.items() if cell}
    return {**dict.fromkeys(_FIELDS, ""), **said}


def _metres(kind: str, row: dict[str, str], line: int, told: Cells) -> float | None:
    """By the satellites, or by the impeller where there is one and no satellite was heard."""
    by_satellite = told.figure(kind, row.get("Distance (GPS)"), line)
    by_impeller = told.figure(kind, row.get("Distance (IMP)"), line)
    return by_satellite or by_impeller or by_satellite


def _start(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), "%m/%d/%y %I:%M%p")  # noqa: DTZ007 - it says no zone
    except ValueError:
        return None
