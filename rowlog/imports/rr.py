"""Reading RR intervals: one a line in milliseconds, or by second in a table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from statistics import median
from typing import Final

from rowlog.imports.cells import Cells, is_nothing, number, whole
from rowlog.imports.left_out import LeftOut, left_out
from rowlog.imports.tables import of_one_source
from rowlog.imports.workout import MOST_BEATS, Point, Workout, bounded

_SHORTEST_MS, _LONGEST_MS = 150.0, 10_000.0
_FASTEST_MS = 60_000 / 220
"""Half of them are longer: a bare column of shorter times is of a flywheel, not of a heart."""

_FEW: Final = 10
"""A line in so many, and a few beats, may hold something else, and is left out."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a file of RR intervals; None where it is none."""
    rows = [
        (place, line)
        for place, line in enumerate(map(str.strip, text.split("\n")), 1)
        if not is_nothing(line) and not line.startswith("#")
    ]
    if not rows:
        return None
    head = [cell.strip().lower() for cell in rows[0][1].split(",")]
    if "rr_ms" in head and "t_s" in head:
        return [_table(name, head, [line for _, line in rows[1:]], [at for at, _ in rows[1:]])]
    few = _FEW
    if head in (["rr"], ["rr_ms"]):
        rows, few = rows[1:], 1
    values = [number(line) for _, line in rows]
    places = [place for place, _ in rows]
    del rows
    odd = [
        place
        for place, value in zip(places, values, strict=True)
        if value is None or not 0 < value <= _LONGEST_MS
    ]
    told = [value for value in values if value is not None and 0 < value <= _LONGEST_MS]
    if len(told) < 2 or len(odd) * few > len(told):
        return None
    times = 1000 if max(told) < 10 else 1  # seconds
    if times * min(told) < _SHORTEST_MS or times * median(told) < _FASTEST_MS:
        return None
    bounded(name, "heartbeats", len(told), MOST_BEATS)
    away = set(odd)
    t_s = 0.0
    points = []
    for place, value in zip(places, values, strict=True):
        if value is not None and place not in away:
            rr = value * times
            t_s += rr / 1000
            points.append(
                Point(t_s=t_s, heart_rate_bpm=round(60_000 / rr), rr_ms=(rr,), line=place)
            )
    return [_made(points, left_out("line", "without an RR interval", odd))]


def _table(name: str, head: list[str], lines: list[str], places: Sequence[int]) -> Workout:
    """The workout of a table by seconds, of one strap where it has several."""
    beat = next((name for name in ("hr", "heart_rate_bpm") if name in head), None)
    points = []
    untimed: list[int] = []
    told = Cells(name)
    beats = 0
    rows: list[tuple[int, dict[str, str]]] = []
    for line, cells in zip(places, csv.reader(lines), strict=False):
        if len(cells) == len(head):
            rows.append((line, dict(zip(head, cells, strict=True))))
        else:
            untimed.append(line)
    chosen, others = of_one_source(rows)
    for line, row in chosen:
        t_s = told.figure("t_s", row["t_s"], line)
        if t_s is None:
            untimed.append(line)
            continue
        said = (told.figure("rr_ms", cell, line) for cell in row["rr_ms"].split())
        rr = tuple(ms for ms in said if ms)
        beats += len(rr)
        bounded(name, "heartbeats", beats, MOST_BEATS)
        bpm = None if beat is None else told.figure("heart_rate_bpm", row[beat], line)
        if bpm is None and rr:
            bpm = round(60_000 * len(rr) / sum(rr))
        if row.get("contact", "").strip() == "0":
            bpm = None  # without the skin no strap is believed
        points.append(Point(t_s=t_s, heart_rate_bpm=whole(bpm), rr_ms=rr or None, line=line))
    lacking = left_out("row", "without a time or with too few cells", sorted(untimed))
    return _made(points, (*told.left_out(), *lacking, *others))


def _made(points: list[Point], lacking: tuple[LeftOut, ...]) -> Workout:
    return Workout(format="rr", started_at=None, points=tuple(points), left_out=lacking)
