"""RowingData CSV: a row a stroke, and where pieces end, in the columns of RowsAndAll."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from rowlog.contents import Contents, StrokeRow
from rowlog.exports.cells import read_table, total, write_table
from rowlog.exports.checking import CannotSay, Difference, Expected, compare
from rowlog.metrics import Array, as_of

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
WAITING, ROWING, RESTING, WORK_BY_TIME, WORK_BY_DISTANCE, OVER = 0, 1, 3, 4, 5, 10
"""WorkoutState: what a Concept2 monitor says (its interface definition, "workout state")."""
_SAME_M: Final = 1.5
"""Counters of whole metres are off by so much, at most."""
_FIRST_S: Final = 2.0
"""So long before the first piece its first stroke may be stamped."""
_BEAT_S: Final = 2.0
"""While nobody strokes there is a row so often, as long as the heart is heard."""


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every stroke, and where pieces begin and end. Raises CannotSay without strokes."""
    if not contents.main_strokes:
        raise CannotSay("it has no strokes")
    write_table(out, COLUMNS, _rows(contents))


class _Row(NamedTuple):
    """What stands at one instant: a stroke, the end of a piece, or a beat while nobody strokes."""

    t_s: float
    lap: int
    state: int
    stroke: StrokeRow | None = None
    edge: bool = False
    """Whether the first piece begins here, or one ends."""


def _instants(contents: Contents) -> list[_Row]:
    """The strokes, and rows without one where the first piece begins and where each one ends.

    So rests in which nobody strokes are there, with the heart in them, and pieces end where they
    do. A stroke at the very end belongs to what follows. Before the first piece and after the last
    there are only strokes, since other programs count what stands there as rowed.
    """
    starts, ends = [segment.started_at_s for segment in contents.segments], _ends(contents)
    laps = _laps(contents)
    rows = [
        _Row(end_s, lap, _state(contents, place), edge=True)
        for place, (lap, end_s) in enumerate(zip(laps, ends, strict=True))
    ]
    strokes = contents.main_strokes
    if starts and starts[0] > 0:
        rows.insert(0, _Row(starts[0], 0, WAITING, edge=True))
    if ends and strokes[-1].t_s > ends[-1]:
        rows.append(_Row(ends[-1], laps[-1], OVER))
    for stroke in strokes:
        place, t_s = bisect_right(starts, stroke.t_s) - 1, stroke.t_s
        if place < 0 and starts:
            # The stroke that began the first piece is stamped before that began, where the
            # machine tells of it sooner than of its metres.
            place, t_s = 0, starts[0] if starts[0] - t_s < _FIRST_S else t_s
        lap = laps[place] if laps else 0
        rows.append(_Row(t_s, lap, _state(contents, place), stroke))
    rows.sort(key=lambda row: (row.t_s, row.stroke is not None))
    return list(_with_beats(rows, *contents.series.heart_rate_bpm))


def _laps(contents: Contents) -> list[int]:
    """The lap of each piece: a rest belongs to that of the work before it, as on the monitors."""
    count, laps = 0, []
    for segment in contents.segments:
        count += segment.kind == "work"
        laps.append(max(0, count - 1))
    return laps


def _with_beats(rows: Sequence[_Row], t_s: Array, bpm: Array) -> Iterator[_Row]:
    """The rows, and more of them in long breaks between two."""
    for row, following in zip(rows, [*rows[1:], None], strict=False):
        yield row
        if following is None or following.t_s - row.t_s < 2 * _BEAT_S:
            continue
        # A stroke is followed by its own piece; what comes after a piece's end belongs to the next.
        lap, state = (following if row.stroke is None else row)[1:3]
        at_s = np.arange(row.t_s + _BEAT_S, following.t_s - _BEAT_S / 2, _BEAT_S)
        for beat_s, known in zip(at_s, as_of(t_s, bpm, at_s), strict=True):
            if known == known:
                yield _Row(float(beat_s), lap, state)


def _ends(contents: Contents) -> list[float]:
    """Where each piece ends: where the next begins, by whatever clock it was counted."""
    segments = contents.segments
    ends = [segment.started_at_s for segment in segments[1:]]
    return [*ends, *(one.started_at_s + one.duration_s for one in segments[-1:])]


def _rows(contents: Contents) -> Iterator[tuple[object, ...]]:
    started = datetime.fromisoformat(contents.session.started_at).timestamp()
    instants = _instants(contents)
    t_s = np.array([row.t_s for row in instants])
    series = contents.series
    metres = np.full(len(t_s), np.nan)
    if len(series.distance_m[0]):
        metres = np.interp(t_s, *series.distance_m)
    bpm = as_of(*series.heart_rate_bpm, t_s)
    pace = as_of(*series.pace_s_per_500m, t_s)
    power = as_of(*series.power_w, t_s)
    exact = _exact_metres(contents, metres[[row.edge for row in instants]])
    count, last_m = 0, 0.0
    for place, (at_s, lap, state, stroke, edge) in enumerate(instants):
        told = _stroke(stroke, _known(pace[place]), _known(power[place]))
        count += stroke is not None
        reached = stroke.total_distance_m if stroke is not None else None
        if edge:
            reached = next(exact)
        if reached is None:
            reached = _known(metres[place])
        if reached is not None:  # a piece's end may be half a metre ahead of the next stroke
            reached = last_m = max(last_m, reached)
        yield (
            started + at_s,
            0,
            lap,
            place,
            at_s,
            reached,
            *told[:2],
            _known(bpm[place]),
            *told[2:5],
            count,
            *told[5:],
            contents.session.drag_factor,
            state,
        )


def _exact_metres(contents: Contents, drawn: Array) -> Iterator[float | None]:
    """The metres at each edge: by the pieces' own, where what the samples draw agrees with them."""
    told = [segment.distance_m or 0.0 for segment in contents.segments]
    reached_m = 0.0
    for drawn_m, more_m in zip(
        drawn.tolist(), [0.0] * (len(drawn) - len(told)) + told, strict=True
    ):
        reached_m += more_m
        if abs(reached_m - drawn_m) > _SAME_M:
            reached_m = drawn_m
        yield _known(reached_m)


def _stroke(
    stroke: StrokeRow | None, pace_s: float | None, power_w: float | None
) -> tuple[float | None, ...]:
    """Pace, rate, watts, calories and speed, and after the count what its oar did."""
    if stroke is None:
        return (None,) * 12
    return (
        pace_s,
        stroke.stroke_rate_spm,
        stroke.power_w if stroke.power_w is not None else power_w,
        None,
        500.0 / pace_s if pace_s else None,
        stroke.distance_m,
        stroke.drive_length_m,
        _scaled(stroke.drive_s, 1000.0),
        _scaled(stroke.recovery_s, 1000.0),
        stroke.work_j,
        _scaled(stroke.mean_force_n, 1 / NEWTONS_PER_POUND),
        _scaled(stroke.peak_force_n, 1 / NEWTONS_PER_POUND),
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
    table = read_table(path)
    counts = [int(row[" StrokeCount"]) for row in table]
    stroked = [count > before for count, before in zip(counts, [0, *counts], strict=False)]
    rows = [row for row, is_stroke in zip(table, stroked, strict=True) if is_stroke]
    outside = (str(WAITING), str(OVER))
    ended = [
        row
        for row, is_stroke in zip(table, stroked, strict=True)
        if not is_stroke and row[" WorkoutState"] not in outside
    ]
    ended = [row for row in ended if float(row[" ElapsedTime (sec)"]) in set(_ends(contents))]
    strokes, ends = contents.main_strokes, _ends(contents)
    expected = [
        Expected("strokes", len(strokes), len(rows)),
        Expected("laps", len(ends), len(ended)),
        Expected(
            "seconds of the last stroke", strokes[-1].t_s, float(rows[-1][" ElapsedTime (sec)"])
        ),
        Expected(
            "sum of stroke distances",
            sum(stroke.distance_m or 0.0 for stroke in strokes),
            total(rows, " StrokeDistance (meters)"),
        ),
    ]
    expected += [
        Expected(f"seconds at the end of lap {lap}", end_s, float(row[" ElapsedTime (sec)"]))
        for lap, (end_s, row) in enumerate(zip(ends, ended, strict=False))
    ]
    if strokes[-1].total_distance_m is not None:
        last = float(rows[-1][" Horizontal (meters)"])
        expected.append(
            Expected("metres at the last stroke", strokes[-1].total_distance_m, last, _SAME_M)
        )
    return compare(expected)
