"""RowingData CSV: a row a stroke, in the columns of rowingdata and RowsAndAll."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np

from rowlog.contents import Contents
from rowlog.exports.cells import read_table, total, write_table
from rowlog.exports.checking import CannotSay, Difference, Expected, compare
from rowlog.metrics import as_of

COLUMNS: Final = (
    "TimeStamp (sec)", " activityIdx", " lapIdx", " pointIdx", " ElapsedTime (sec)",
    " Horizontal (meters)", " Stroke500mPace (sec/500m)", " Cadence (stokes/min)",
    " HRCur (bpm)", " Power (watts)", " Calories (kCal)", " Speed (m/sec)", " StrokeCount",
    " StrokeDistance (meters)", " DriveLength (meters)", " DriveTime (ms)",
    " StrokeRecoveryTime (ms)", " WorkPerStroke (joules)", " AverageDriveForce (lbs)",
    " PeakDriveForce (lbs)", " DragFactor", " WorkoutState",
)  # fmt: skip
"""As rowingdata spells them, the blank before each and the missing r included."""

NEWTONS_PER_POUND: Final = 4.4482216152605
WORK_BY_TIME, WORK_BY_DISTANCE, RESTING, ROWING = 4, 5, 3, 1
"""WorkoutState: what a Concept2 monitor says (its interface definition, "workout state")."""


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every stroke. Raises CannotSay where there are none."""
    if not contents.main_strokes:
        raise CannotSay("it has no strokes")
    write_table(out, COLUMNS, _rows(contents))


def _rows(contents: Contents) -> Iterator[tuple[object, ...]]:
    started = datetime.fromisoformat(contents.session.started_at).timestamp()
    starts = [segment.started_at_s for segment in contents.segments]
    strokes = contents.main_strokes
    t_s = np.array([stroke.t_s for stroke in strokes])
    series = contents.series
    metres = np.full(len(t_s), np.nan)
    if len(series.distance_m[0]):
        metres = np.interp(t_s, *series.distance_m)
    bpm = as_of(*series.heart_rate_bpm, t_s)
    pace = as_of(*series.pace_s_per_500m, t_s)
    power = as_of(*series.power_w, t_s)
    for place, stroke in enumerate(strokes):
        segment = max(0, bisect_right(starts, stroke.t_s) - 1)
        pace_s = _known(pace[place])
        power_w = stroke.power_w if stroke.power_w is not None else _known(power[place])
        reached = stroke.total_distance_m
        yield (
            started + stroke.t_s,
            0,
            segment,
            place,
            stroke.t_s,
            reached if reached is not None else _known(metres[place]),
            pace_s,
            stroke.stroke_rate_spm,
            _known(bpm[place]),
            power_w,
            None,
            500.0 / pace_s if pace_s else None,
            stroke.number,
            stroke.distance_m,
            stroke.drive_length_m,
            _scaled(stroke.drive_s, 1000.0),
            _scaled(stroke.recovery_s, 1000.0),
            stroke.work_j,
            _scaled(stroke.mean_force_n, 1 / NEWTONS_PER_POUND),
            _scaled(stroke.peak_force_n, 1 / NEWTONS_PER_POUND),
            contents.session.drag_factor,
            _state(contents, segment),
        )


def _state(contents: Contents, place: int) -> int:
    if not contents.segments:
        return ROWING
    segment = contents.segments[place]
    if segment.kind != "work":
        return RESTING
    if len(contents.segments) == 1 or segment.target is None:
        return ROWING
    return WORK_BY_DISTANCE if segment.target.type == "distance" else WORK_BY_TIME


def _known(value: float) -> float | None:
    return None if value != value else float(value)


def _scaled(value: float | None, by: float) -> float | None:
    return None if value is None else value * by


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the table back, and compare strokes, metres and laps."""
    rows = read_table(path)
    strokes = contents.main_strokes
    starts = [segment.started_at_s for segment in contents.segments]
    laps = {max(0, bisect_right(starts, stroke.t_s) - 1) for stroke in strokes}
    expected = [
        Expected("strokes", len(strokes), len(rows)),
        Expected("laps", len(laps), len({row[" lapIdx"] for row in rows})),
        Expected(
            "seconds of the last stroke", strokes[-1].t_s, float(rows[-1][" ElapsedTime (sec)"])
        ),
        Expected(
            "sum of stroke distances",
            sum(stroke.distance_m or 0.0 for stroke in strokes),
            total(rows, " StrokeDistance (meters)"),
        ),
    ]
    if strokes[-1].total_distance_m is not None:
        last = float(rows[-1][" Horizontal (meters)"])
        expected.append(Expected("metres at the last stroke", strokes[-1].total_distance_m, last))
    return compare(expected)
