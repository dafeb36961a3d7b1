"""Reading RR intervals: one a line in milliseconds, or by second in a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from statistics import median

from rowlog.imports.left_out import left_out
from rowlog.imports.stroke_csv import number, whole
from rowlog.imports.workout import Point, Workout

_SHORTEST_MS, _LONGEST_MS = 150.0, 10_000.0
_FASTEST_MS = 60_000 / 220
"""Half of them are longer: a bare column of shorter times is of a flywheel, not of a heart."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a file of RR intervals; None where it is none."""
    places, lines = [], []
    for place, line in enumerate(map(str.strip, text.splitlines()), 1):
        if line and not line.startswith("#"):
            places.append(place)
            lines.append(line)
    if not lines:
        return None
    head = [cell.strip().lower() for cell in lines[0].split(",")]
    if "rr_ms" in head and "t_s" in head:
        points, untimed = _table(head, lines[1:])
        return _made(points, [places[k + 1] for k in untimed])
    values = [number(line) for line in lines]
    if head in (["rr"], ["rr_ms"]):
        values = values[1:]
    if len(values) < 2 or any(v is None or not 0 < v <= _LONGEST_MS for v in values):
        return None
    told = [value for value in values if value is not None]
    if max(told) < 10:  # seconds
        told = [value * 1000 for value in told]
    if min(told) < _SHORTEST_MS or median(told) < _FASTEST_MS:
        return None
    t_s = 0.0
    points = []
    for rr in told:
        t_s += rr / 1000
        points.append(Point(t_s=t_s, heart_rate_bpm=round(60_000 / rr), rr_ms=(rr,)))
    return _made(points)


def _table(head: list[str], lines: list[str]) -> tuple[list[Point], list[int]]:
    """The points, and the places of rows that are none."""
    beat = next((head.index(name) for name in ("hr", "heart_rate_bpm") if name in head), None)
    points = []
    untimed: list[int] = []
    for place, row in enumerate(csv.reader(lines)):
        if len(row) != len(head) or (t_s := number(row[head.index("t_s")])) is None:
            untimed.append(place)
            continue
        rr = tuple(
            ms for cell in row[head.index("rr_ms")].split() if (ms := number(cell)) and 0 < ms < 1e4
        )
        bpm = number(row[beat]) if beat is not None else None
        if bpm is None and rr:
            bpm = round(60_000 * len(rr) / sum(rr))
        points.append(Point(t_s=t_s, heart_rate_bpm=whole(bpm), rr_ms=rr or None))
    return points, untimed


def _made(points: list[Point], untimed: Sequence[int] = ()) -> list[Workout]:
    told = left_out("row", "without a time or with too few cells", untimed)
    return [Workout(format="rr", started_at=None, points=tuple(points), left_out=told)]
