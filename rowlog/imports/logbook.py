"""Reading a season of the Concept2 logbook: a row a workout, with its totals and no strokes."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import datetime
from typing import Final

from rowlog.imports.left_out import left_out
from rowlog.imports.stroke_csv import number, whole
from rowlog.imports.workout import LONGEST_S, ImportFault, Lap, Point, Workout
from rowlog_drivers.records import MachineSummary

STEP_S: Final = 3.0
"""Between two positions of a workout of which only the totals are known: no further apart than what
is taken for a stretch in which a machine was not heard."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workouts of a season; None where the file is none."""
    first = text.split("\n", 1)[0]
    if "Work Time (Seconds)" not in first or "Work Distance" not in first:
        return None
    reader = csv.reader(io.StringIO(text))
    columns = next(reader)
    found: list[Workout] = []
    lacking: list[int] = []
    for cells in reader:
        workout = _workout(name, columns, cells)
        if workout is not None:
            found.append(workout)
        elif any(map(str.strip, cells)):
            lacking.append(reader.line_num)
    if found:
        told = left_out("row", "without a time or metres", lacking, workout=True)
        found[0] = replace(found[0], left_out=told)
    return found


def _workout(name: str, columns: list[str], cells: list[str]) -> Workout | None:
    row = dict(zip(columns, cells, strict=False))
    get = {name: number(cell) for name, cell in row.items()}.get
    seconds, metres = get("Work Time (Seconds)"), get("Work Distance")
    if not seconds or metres is None:
        return None
    rest_s, rest_m = get("Rest Time (Seconds)") or 0.0, get("Rest Distance") or 0.0
    if not 0 < seconds + rest_s <= LONGEST_S:  # before it is laid out, point by point
        raise ImportFault(
            f"{name}: a workout of {seconds:g} s with {rest_s:g} s of rest is none.",
            "Correct or remove that row.",
        )
    watts, rate, bpm = get("Avg Watts"), get("Stroke Rate/Cadence"), get("Avg Heart Rate")
    strokes, drag = get("Stroke Count"), get("Drag Factor")
    points = _even(seconds, metres, rest_s, rest_m)
    return Workout(
        format="logbook",
        started_at=_start(row.get("Date", "")),
        points=tuple(points),
        plan=f"{metres:g}m/{int(rest_s // 60)}:{rest_s % 60:02g}r" if rest_s else f"{metres:g}m",
        laps=(Lap(False, seconds, metres),),
        note=_note(row),
        summary=MachineSummary(
            t_ns=round((seconds + rest_s) * 1e9), source="", workout=None, time_s=seconds,
            distance_m=metres, stroke_count=0 if strokes == 0 else whole(strokes),
            stroke_rate_spm=rate, pace_s_per_500m=500 * seconds / metres if metres else None,
            power_w=watts, energy_kcal=get("Total Cal"), energy_kcal_per_hour=get("Cal/Hour"),
            heart_rate_bpm=whole(bpm),
            drag_factor=whole(drag),
            rest_s=rest_s or None, rest_distance_m=rest_m if rest_s else None,
        ),
        content=_line(columns) + _line(cells),
    )  # fmt: skip


def _even(work_s: float, work_m: float, rest_s: float, rest_m: float) -> list[Point]:
    """The metres at the mean pace, then those of all rests together.

    What was rowed is not known better, and over no stretch was the best of it slower than this.
    """
    count = max(1, round(work_s / STEP_S))
    points = [Point(t_s=work_s * k / count, distance_m=work_m * k / count) for k in range(count)]
    points.append(Point(t_s=work_s, distance_m=work_m))
    count = round(rest_s / STEP_S)
    points += [
        Point(t_s=work_s + rest_s * k / count, distance_m=work_m + rest_m * k / count)
        for k in range(1, count + 1)
    ]
    return points


def _note(row: dict[str, str]) -> str | None:
    bpm = row.get("Avg Heart Rate")
    beats = f"Mean heart rate {bpm}." if bpm else None
    return ". ".join(filter(None, (row.get("Description"), row.get("Comments"), beats))) or None


def _line(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def _start(text: str) -> datetime | None:
    """The logbook's times are those of the place the athlete lives in."""
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OSError, OverflowError):
        return None
