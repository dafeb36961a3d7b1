"""Reading NK SpeedCoach CSV: strokes by interval, with a table of the intervals above them."""

from __future__ import annotations

import csv
from datetime import datetime

from rowlog.imports.left_out import left_out
from rowlog.imports.stroke_csv import number, whole
from rowlog.imports.workout import ImportFault, Lap, Point, Workout

_FIELDS = ("Interval", "Elapsed Time", "Stroke Rate", "Heart Rate", "Power", "Total Strokes")

_NOTHING = "---"
"""What it writes for what it does not know."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a SpeedCoach file; None where it is none. Raises ImportFault.

    How long the rests were is not said, so the intervals stand one behind the other.
    """
    if not text.startswith("Session Information:"):
        return None
    rows = list(csv.reader(text.splitlines()))
    start = next((row[1] for row in rows if row and row[0] == "Start Time:"), "")
    pieces = [row for _, row in _table(rows, "Interval Summaries:")]
    strokes = _table(rows, "Per-Stroke Data:")
    if not strokes:
        raise ImportFault(f"{name} has no strokes.", "Export the session with its strokes.")
    laps = tuple(map(_lap, map(_totals, pieces)))
    points: list[Point] = []
    start_s = start_m = 0.0
    inside, count = 0, 0
    untimed: list[int] = []
    for line, row in strokes:
        place = number(row["Interval"])
        at, metres = number(row["Elapsed Time"]), _metres(row)
        if {row["Elapsed Time"], row.get("Distance (GPS)")} == {_NOTHING}:
            continue  # the mean of the oarlock's figures, below the strokes of an interval
        if place is None or at is None:
            untimed.append(line)
            continue
        while laps and inside < min(int(place) - 1, len(laps)):
            start_s, start_m = start_s + laps[inside].seconds, start_m + (laps[inside].metres or 0)
            points.append(Point(t_s=start_s, distance_m=start_m))
            inside += 1
        bpm, count = number(row["Heart Rate"]), count + 1
        points.append(
            Point(
                t_s=start_s + at,
                distance_m=None if metres is None else start_m + metres,
                stroke_rate_spm=number(row["Stroke Rate"]) or None,
                heart_rate_bpm=whole(bpm),
                power_w=number(row["Power"]) or None,
                pace_s_per_500m=number(row.get("Split (GPS)", "")) or None,
                stroke=count,
                stroke_distance_m=number(row.get("Distance/Stroke (GPS)", "")) or None,
                work_j=number(row.get("Work", "")) or None,
                mean_force_n=number(row.get("Force Avg", "")) or None,
                peak_force_n=number(row.get("Force Max", "")) or None,
            )
        )
    for lap in laps[inside:]:
        start_s, start_m = start_s + lap.seconds, start_m + (lap.metres or 0)
        points.append(Point(t_s=start_s, distance_m=start_m))
    return [
        Workout(
            format="speedcoach", started_at=_start(start), points=tuple(points), laps=laps,
            note="How long its rests were is not said.",
            left_out=left_out("row", "without an interval or a time", untimed),
        )
    ]  # fmt: skip


def _table(rows: list[list[str]], title: str) -> list[tuple[int, dict[str, str]]]:
    """The table under a title, with the line of each row: head, units, rows up to an empty one."""
    place = next((i for i, row in enumerate(rows) if row and row[0] == title), None)
    if place is None:
        return []
    body = iter(enumerate(rows[place + 1 :], place + 2))
    head = next((row for _, row in body if any(row)), [])
    found = []
    next(body, None)
    for line, row in body:
        if not any(row):
            break
        told = {**dict.fromkeys(_FIELDS, ""), **dict(zip(head, row, strict=False))}
        found.append((line, told))
    return found


def _lap(row: dict[str, str]) -> Lap:
    """An interval by the table of them, with its own count of strokes."""
    strokes = whole(number(row.get("Strokes", "")))
    said = {"stroke_count": strokes} if strokes else {}
    return Lap(False, number(row["Elapsed Time"]) or 0.0, _metres(row), said=said)


def _totals(row: dict[str, str]) -> dict[str, str]:
    return {key.removeprefix("Total "): cell for key, cell in row.items() if cell}


def _metres(row: dict[str, str]) -> float | None:
    """By the satellites, or by the impeller where there is one and no satellite was heard."""
    return number(row.get("Distance (GPS)", "")) or number(row.get("Distance (IMP)", ""))


def _start(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.strip(), "%m/%d/%y %I:%M%p")  # noqa: DTZ007 - it says no zone
    except ValueError:
        return None
