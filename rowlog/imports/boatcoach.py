"""Reading BoatCoach CSV: a row a second, metres that may run down, either decimal sign."""

from __future__ import annotations

import csv
from datetime import datetime
from itertools import pairwise
from typing import Final, NamedTuple

from rowlog.imports.cells import Cells, whole
from rowlog.imports.left_out import left_out
from rowlog.imports.workout import IN_TENTHS, Lap, Point, Resolution, Workout

_ROWS: Final = Resolution(within_s=1.0, within_m=5.0)
"""Intervals are told by rows, of which there is one a second."""
_POUND_N: Final = 4.4482216152605
_KINDS: Final = {
    "workDistance": "piece_m", "intervalCount": "lap", "restTime": "rest_s",
    "strokeCount": "count", "lastSplitTime": "piece_s", "splitAvg500MPace": "pace_s_per_500m",
    "currentHeartRate": "heart_rate_bpm", "strokeRate": "stroke_rate_spm",
    "strokePower": "power_w", "stroke500MPace": "pace_s_per_500m", "strokeDriveTime": "drive_s",
    "strokeLength": "drive_length_m", "strokeAverageForce": "mean_force_n",
    "strokePeakForce": "peak_force_n", "dragFactor": "drag_factor",
}  # fmt: skip
"""(column: what kind of figure stands in it)."""


class _Row(NamedTuple):
    line: int
    t_s: float
    metres: float
    """As the monitor showed them: rowed, or left to row."""
    interval: float
    resting: bool
    strokes: int
    split_s: float
    """Time of the split or interval before this one; 0 in the first."""
    split_pace_s: float
    """Mean pace of the split so far."""
    said: dict[str, float | None]


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a BoatCoach file; None where it is none."""
    above = text.split("\n", 3)[:3]
    place = next((i for i, line in enumerate(above) if "lastSplitTime" in line), None)
    if place is None:
        return None
    lines = text.split("\n")
    sign = ";" if lines[place].count(";") > lines[place].count(",") else ","
    table = csv.reader(lines[place:], delimiter=sign)
    columns = [cell.strip() for cell in next(table)]
    first: datetime | None = None
    rows: list[_Row] = []
    lacking: list[int] = []
    told = Cells(name)
    down = False
    for cells in table:
        if table.line_num == 2:
            down = len(cells) > 1 and cells[1].startswith("FixedDistance")
        line = place + table.line_num
        named = dict(zip(columns, cells, strict=False))
        at = _time(named.get("DateTime", ""))
        if at is None:
            if any(map(str.strip, cells)):
                lacking.append(line)
            continue
        said = {
            key: told.figure(kind, named[key], line) for key, kind in _KINDS.items() if key in named
        }
        metres = said.get("workDistance")
        if metres is None:
            lacking.append(line)
            continue
        first = first or at
        at_s = (at.astimezone() - first.astimezone()).total_seconds()
        rows.append(
            _Row(
                line, at_s, metres, said.get("intervalCount") or 0.0,
                bool(said.get("restTime")), whole(said.get("strokeCount")) or 0,
                said.get("lastSplitTime") or 0.0, said.get("splitAvg500MPace") or 0.0, said,
            )
        )  # fmt: skip
    down = down and not any(row.resting for row in rows)
    reached = _reached(rows)
    laps = _splits(rows) if down else _intervals(rows, reached)
    total_m = sum(lap.metres or 0 for lap in laps)
    points = _points(rows, reached, total_m if down else None)
    counts = [row.strokes for row in rows if row.strokes]
    if down and points and laps:  # the last metre by the splits' tenths, not by whole seconds
        end = Point(t_s=sum(lap.seconds for lap in laps), distance_m=total_m)
        points = sorted([*points, end], key=lambda point: point.t_s)
    return [
        Workout(
            format="boatcoach",
            started_at=first,
            points=tuple(points),
            laps=laps,
            resolution=IN_TENTHS if down else _ROWS,
            said=_counted(max(counts)) if counts else {},
            left_out=(*told.left_out(), *left_out("row", "without a time or metres", lacking)),
        )
    ]


def _counted(strokes: int) -> dict[str, float | str]:
    """The monitor's own count, which knows of strokes between two rows."""
    return {"stroke_count": strokes}


def _reached(rows: list[_Row]) -> list[float]:
    """The metres of all intervals by each row; they begin again with each, and may run down."""
    within = [(row, after) for row, after in pairwise(rows) if row.interval == after.interval]
    falls = sum(after.metres < row.metres for row, after in within)
    rises = sum(after.metres > row.metres for row, after in within)
    reached, metres = [], 0.0
    for before, row in zip([None, *rows], rows, strict=False):
        if before is None:
            metres = 0.0 if falls > rises else row.metres
        elif falls > rises:
            metres += max(0.0, before.metres - row.metres)
        else:
            metres += row.metres - before.metres * (row.metres >= before.metres)
        reached.append(metres)
    return reached


def _points(rows: list[_Row], reached: list[float], total_m: float | None) -> list[Point]:
    """What the rows say; `total_m` where metres run down from it.

    Rows after the last metre repeat the monitor's last screen: of them only the heart is believed.
    """
    points: list[Point] = []
    metres, before, strokes = 0.0, 0.0, 0
    for row, reached_m in zip(rows, reached, strict=True):
        over = total_m is not None and before == 0 and bool(points)
        if total_m is not None:
            metres = max(metres, total_m - row.metres) if points else 0.0
        else:
            metres = reached_m
        before = row.metres
        get = row.said.get
        bpm = get("currentHeartRate")
        beat = whole(bpm)
        if over:
            points.append(Point(t_s=row.t_s, heart_rate_bpm=beat, line=row.line))
            continue
        drag, force = get("dragFactor"), get("strokeAverageForce")
        new = row.strokes > strokes
        strokes = max(strokes, row.strokes)
        peak = get("strokePeakForce")
        points.append(
            Point(
                t_s=row.t_s,
                distance_m=metres,
                heart_rate_bpm=beat,
                stroke_rate_spm=get("strokeRate") or None,
                power_w=get("strokePower") or None,
                pace_s_per_500m=get("stroke500MPace") or None,
                stroke=row.strokes if new else None,
                drive_s=get("strokeDriveTime") or None,
                drive_length_m=get("strokeLength") or None,
                mean_force_n=force * _POUND_N if force else None,
                peak_force_n=peak * _POUND_N if peak else None,
                drag_factor=whole(drag),
                line=row.line,
            )
        )
    return points


def _splits(rows: list[_Row]) -> tuple[Lap, ...]:
    """The splits of a fixed distance: their times as stated, their metres by their mean pace."""
    laps, strokes = [], 0
    for row, after in pairwise(rows):
        if after.interval > row.interval and row.split_pace_s:
            metres = float(round(500 * after.split_s / row.split_pace_s, -1))
            said = _counted(after.strokes - strokes) if after.strokes else {}
            laps.append(Lap(rest=False, seconds=after.split_s, metres=metres, said=said))
            strokes = after.strokes
    return tuple(laps)


def _intervals(rows: list[_Row], reached: list[float]) -> tuple[Lap, ...]:
    """Work and rest as the rows tell them apart, with the metres that they came to by then."""
    laps: list[Lap] = []
    start_s = start_m = 0.0
    strokes = counted = 0

    def close(last: _Row, end_s: float, end_m: float) -> None:
        said = _counted(counted - strokes) if counted else {}
        laps.append(Lap(last.resting, end_s - start_s, end_m - start_m, said=said))

    for before, row, metres in zip([None, *rows], rows, reached, strict=False):
        counted = max(counted, row.strokes)
        key = (row.interval, row.resting)
        if before is not None and key != (before.interval, before.resting):
            close(before, row.t_s, metres)
            start_s, start_m, strokes = row.t_s, metres, counted
    if rows:
        close(rows[-1], rows[-1].t_s, reached[-1])
    return tuple(laps)


def _time(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text.strip().replace(",", "."))
        at.astimezone()
    except (ValueError, OSError, OverflowError):
        return None
    return at
