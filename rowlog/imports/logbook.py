"""Reading a season of the Concept2 logbook: a row a workout, with its totals and no strokes."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import datetime, time
from typing import TYPE_CHECKING, Final, NamedTuple

from rowlog.imports.cells import KINDS, Cells, number, whole
from rowlog.imports.left_out import left_out
from rowlog.imports.naming import clock
from rowlog.imports.workout import (
    LONGEST_S,
    ImportFault,
    Lap,
    Point,
    Workout,
    bounded,
    laid_out,
    plausible,
)
from rowlog_drivers.records import MachineSummary

if TYPE_CHECKING:
    from _csv import Reader as CsvReader  # the type alone; csv names it from Python 3.13 on

STEP_S: Final = 3.0
"""Between two positions of a workout of which only the totals are known: no further apart than what
is taken for a stretch in which a machine was not heard."""
MIDNIGHT: Final = time()
SLACK_S: Final = 1.0
"""The times that a description tells of may differ by so much from those of the workout."""
MOST_WORKOUTS: Final = 4_000
"""Eleven a day for a year."""
MOST_SEASON: Final = 480_000
"""Points that the workouts of a season may be laid out in: an hour and more a day, all year."""
_KINDS: Final = {
    "Work Time (Seconds)": "t_s", "Work Distance": "distance_m", "Rest Time (Seconds)": "rest_s",
    "Rest Distance": "rest_m", "Avg Watts": "power_w", "Stroke Rate/Cadence": "stroke_rate_spm",
    "Avg Heart Rate": "heart_rate_bpm", "Stroke Count": "count", "Drag Factor": "drag_factor",
    "Total Cal": "energy_kcal", "Cal/Hour": "kcal_per_hour",
}  # fmt: skip
"""(column: what kind of figure stands in it)."""
_EQUAL: Final = re.compile(
    r"(\d{1,3})x(?:([\d,]{1,7})m|(\d{1,3}):(\d\d))/(\d{1,3}):(\d\d)r(?: row)?"
)
"""As the logbook describes equal repetitions: 5x200m/1:30r row."""


_TIMED: Final = re.compile(r"((?:\d{1,2}:)?\d{1,3}:\d\d)(?: row)?")
"""As it describes one piece of a time: 30:01 row. The seconds of the row itself have tenths."""


class _Reps(NamedTuple):
    """How often the same was rowed, and what was meant each time."""

    times: int
    plan: str


def read(name: str, text: str) -> list[Workout] | None:
    """The workouts of a season; None where the file is none."""
    first = text.split("\n", 1)[0]
    if "Work Time (Seconds)" not in first or "Work Distance" not in first:
        return None
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        return _season(name, reader)
    except csv.Error as error:
        raise ImportFault(
            f"{name}: down to line {reader.line_num} a quote is not closed, or stands amid a cell.",
            "Correct it, or export the season again.",
        ) from error


def _season(name: str, reader: CsvReader) -> list[Workout]:
    columns = next(reader)
    found: list[Workout] = []
    lacking: list[int] = []
    undated: list[int] = []
    points = 0
    for cells in reader:
        line = reader.line_num
        workout = _workout(name, columns, cells, line)
        if workout is not None and _is_no_day(dict(zip(columns, cells, strict=False))):
            undated.append(line)
        elif workout is not None:
            found.append(workout)
            points += len(workout.points)
            bounded(name, "workouts", len(found), MOST_WORKOUTS)
            if points > MOST_SEASON:
                raise ImportFault(
                    f"{name} tells of more than {MOST_SEASON * STEP_S / 3600:,.0f} hours of rowing "
                    f"down to line {line}, which no season has.",
                    "Correct its times, or split it into several files, each with the first line.",
                )
        elif any(map(str.strip, cells)):
            lacking.append(line)
    told = (
        *left_out("row", "without a time or metres", lacking, workout=True),
        *left_out("row", "of a day that there is not", undated, workout=True),
    )
    if found:
        found[0] = replace(found[0], left_out=(*told, *found[0].left_out))
        return found
    if not told:
        raise ImportFault(f"{name} has no row below its first line.", "Export it again.")
    raise ImportFault(
        " ".join((f"{name}: no workout of it can be taken in.", *map(str, told))),
        "Correct the dates, as in 2019-03-02 18:05:00." if undated else "Export it again.",
    )


def _workout(name: str, columns: list[str], cells: list[str], line: int) -> Workout | None:
    row = dict(zip(columns, cells, strict=False))
    told = Cells(name)

    def get(column: str) -> float | None:
        return told.figure(_KINDS[column], row.get(column, ""), line)

    if any(map(str.strip, cells[len(columns) :])):
        raise ImportFault(
            f"{name}: line {line} has more cells than there are columns.",
            "Put cells that hold a comma in quotes, or export the file again.",
        )
    seconds, metres = get("Work Time (Seconds)"), get("Work Distance")
    if not seconds or metres is None:
        return None
    rest_s, rest_m = get("Rest Time (Seconds)") or 0.0, get("Rest Distance") or 0.0
    if seconds + rest_s > LONGEST_S:  # before it is laid out, point by point
        raise ImportFault(
            f"{name}: line {line} is of {seconds:g} s with {rest_s:g} s of rest, which no workout "
            "reaches.",
            "Correct or remove that row.",
        )
    watts, rate, bpm = get("Avg Watts"), get("Stroke Rate/Cadence"), get("Avg Heart Rate")
    strokes, drag = get("Stroke Count"), get("Drag Factor")
    kcal, kcal_per_hour = get("Total Cal"), get("Cal/Hour")
    began = _start(row.get("Date", ""))
    pace = 500 * seconds / metres if metres else None
    description = row.get("Description", "")
    reps = _reps(description, seconds, metres, rest_s) if rest_s else None
    count = reps.times if reps is not None else 1
    unsaid = bool(rest_s) and reps is None
    work = Lap(False, seconds, metres)
    return Workout(
        format="logbook",
        started_at=began,
        start_from="day" if began is not None and began.time() == MIDNIGHT else "said",
        points=tuple(_even(seconds, metres, rest_s, rest_m, count)),
        plan=reps.plan if reps is not None else None if unsaid else _single(description, work),
        # Pieces whose lengths nobody says are together no piece that was meant: no target, no best.
        laps=laid_out((work, Lap(True, rest_s, rest_m))) if unsaid else (work,),
        laps_are_own=unsaid,
        note=_note(row, bpm),
        summary=MachineSummary(
            t_ns=round((seconds + rest_s) * 1e9), source="", workout=None, time_s=seconds,
            distance_m=metres, stroke_count=0 if strokes == 0 else whole(strokes),
            stroke_rate_spm=rate,
            pace_s_per_500m=pace if pace and pace <= KINDS["pace_s_per_500m"].most else None,
            power_w=watts, energy_kcal=kcal, energy_kcal_per_hour=kcal_per_hour,
            heart_rate_bpm=whole(bpm),
            drag_factor=whole(drag),
            rest_s=rest_s or None, rest_distance_m=rest_m if rest_s else None,
        ),
        content=_line(columns) + _line(cells),
        left_out=told.left_out(),
    )  # fmt: skip


def _reps(description: str, work_s: float, work_m: float, rest_s: float) -> _Reps | None:
    """The equal repetitions that a description tells of; None where the totals are of others."""
    found = _EQUAL.fullmatch(description.strip())
    if found is None:
        return None
    told, metres, minutes, seconds, rest_minutes, rest_seconds = found.groups()
    count, rest = int(told), 60 * int(rest_minutes) + int(rest_seconds)
    if not count or abs(count * rest - rest_s) > SLACK_S:
        return None
    tail = f"{int(rest_minutes)}:{rest_seconds}r"
    if metres is not None:
        each_m = int(metres.replace(",", "") or 0)
        agrees, plan = count * each_m == work_m > 0, f"{count}x{each_m}m/{tail}"
    else:
        each_s = 60 * int(minutes) + int(seconds)
        agrees, plan = count * each_s == work_s, f"{count}x{int(minutes)}:{seconds}/{tail}"
    return _Reps(count, plan) if agrees else None


def _single(description: str, work: Lap) -> str:
    """One piece as interval text: by the time where that was its measure, else by its metres."""
    found = _TIMED.fullmatch(description.strip())
    told_s = number(found[1]) if found is not None else None
    if work.metres and (told_s is None or abs(told_s - work.seconds) > SLACK_S):
        return f"{work.metres:g}m"
    return clock(work.seconds)


def _even(
    work_s: float, work_m: float, rest_s: float, rest_m: float, count: int = 1
) -> list[Point]:
    """The metres at the mean pace, so often in equal parts, and behind each its part of the rests.

    What was rowed is not known better, and over no stretch was the best of it slower than this.
    """
    points = [Point(t_s=0.0, distance_m=0.0)]
    steps = [max(1, round(each / count / STEP_S)) if each else 0 for each in (work_s, rest_s)]
    for rep in range(count):
        worked_s, worked_m = work_s / count, work_m / count
        for part in range(2):
            done, rests = rep + part, rep  # so many parts of work and of rest lie before
            base_s = (done * work_s + rests * rest_s) / count
            base_m = (done * work_m + rests * rest_m) / count
            each_s, each_m = (rest_s / count, rest_m / count) if part else (worked_s, worked_m)
            points += [
                Point(
                    t_s=base_s + each_s * k / steps[part],
                    distance_m=base_m + each_m * k / steps[part],
                )
                for k in range(1, steps[part] + 1)
            ]
    return points


def _note(row: dict[str, str], bpm: float | None) -> str | None:
    beats = f"Mean heart rate {bpm:g}." if bpm else None
    return ". ".join(filter(None, (row.get("Description"), row.get("Comments"), beats))) or None


def _line(cells: list[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def _start(text: str) -> datetime | None:
    """The logbook's times are those of the place the athlete lives in.

    Midnight stands for a day alone: what was typed in there has no time.
    """
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        return None


def _is_no_day(row: dict[str, str]) -> bool:
    """Whether a row says when it was, and that cannot be; 31 February, or the year 9999."""
    said = row.get("Date", "").strip()
    began = _start(said)
    return bool(said) and (began is None or not plausible(began))
