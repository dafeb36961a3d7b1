"""Reading RowPro CSV: strokes whose clock and metres begin again with each interval."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Final, NamedTuple

from rowlog.imports.cells import Cells, whole
from rowlog.imports.left_out import left_out, unbelieved_date
from rowlog.imports.workout import ImportFault, Lap, Point, Workout, shown

_STROKES = ["time", "distance", "pace", "watts"]
_PIECES = ["type", "time", "distance", "avgpace"]
_REST, _WORK = 0.0, 1.0
_PIECE_KINDS: Final = (
    ("kind", 0, 1.0), ("piece_s", 1, 0.001), ("piece_m", 2, 1.0), ("energy_kcal", 5, 1.0),
    ("heart_rate_bpm", 7, 1.0),
)  # fmt: skip
"""(what kind of figure, in which cell, times what) in the table of intervals."""
_TOTAL_CALS: Final = 7
_HR: Final = 6
_STROKE_KINDS: Final = (
    ("distance_m", 1, 1.0), ("pace_s_per_500m", 2, 500.0), ("power_w", 3, 1.0),
    ("stroke_rate_spm", 5, 1.0), ("heart_rate_bpm", _HR, 1.0),
)  # fmt: skip
"""(what kind of figure, in which cell, times what) of a stroke, behind its time."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a RowPro file; None where it is none. Raises ImportFault."""
    if "RowfileId" not in text[:500]:
        return None
    tables = _tables(text)
    told = Cells(name)
    strokes = next((rows for head, rows in tables if head[:4] == _STROKES), [])
    pieces = next((rows for head, rows in tables if head[:4] == _PIECES), [])
    about = next(
        (rows[0] for head, rows in tables if head[:2] == ["date", "totaltime"] if rows), None
    )
    laps = tuple(_laps(pieces, told))
    bouts, untimed = _bouts(strokes, told)
    if len(bouts) != sum(not lap.rest for lap in laps):
        lacking = " ".join(str(each) for each in told.left_out())
        raise ImportFault(
            f"{name}: its strokes are of {len(bouts)} intervals, its table of intervals has "
            f"{sum(not lap.rest for lap in laps)}." + (f" {lacking}" if lacking else ""),
            "Export it again from RowPro.",
        )
    said = about.cells[0] if about is not None else ""
    started_at = _start(said)
    return [
        Workout(
            format="rowpro",
            started_at=started_at,
            points=tuple(_points(bouts, laps)),
            laps=laps,
            said=_whole(about, told),
            left_out=(
                *(unbelieved_date(shown(said)) if started_at is None and said.strip() else ()),
                *told.left_out(),
                *left_out("row", "without a time or with too few cells", untimed),
            ),
        )
    ]


class _Row(NamedTuple):
    line: int
    cells: list[str]


def _tables(text: str) -> list[tuple[list[str], list[_Row]]]:
    """The file's tables, parted by empty lines: (head in lower case, rows)."""
    tables = []
    above = 0
    for block in text.split("\n\n"):
        reader = csv.reader(block.split("\n"))
        rows = [_Row(above + reader.line_num, row) for row in reader if any(row)]
        above += block.count("\n") + 2
        if rows:
            tables.append(([cell.strip().lower() for cell in rows[0].cells], rows[1:]))
    return tables


def _laps(rows: list[_Row], told: Cells) -> Iterator[Lap]:
    """Work and rest by the table of intervals, with what it says of each piece of work."""
    for line, cells in rows:
        kind, seconds, metres, kcal, end_bpm = (
            told.figure(of, cells[place] if place < len(cells) else "", line, times)
            for of, place, times in _PIECE_KINDS
        )
        if kind == _REST and seconds:
            yield Lap(rest=True, seconds=seconds)
        elif kind == _WORK and seconds:
            figures = {"energy_kcal": kcal, "end_heart_rate_bpm": end_bpm}
            said = {name: value for name, value in figures.items() if value}
            yield Lap(rest=False, seconds=seconds, metres=metres, said=said)


def _whole(about: _Row | None, told: Cells) -> dict[str, float | str]:
    """What the line about the whole row says that its strokes do not: TotalCals, the seventh."""
    if about is None or len(about.cells) < _TOTAL_CALS:
        return {}
    kcal = told.figure("energy_kcal", about.cells[_TOTAL_CALS - 1], about.line)
    return {"energy_kcal": kcal} if kcal else {}


class _Stroke(NamedTuple):
    line: int
    t_s: float
    """Since the interval's start, as its metres are."""
    metres: float | None
    pace_s_per_500m: float | None
    watts: float | None
    rate_spm: float | None
    bpm: float | None


def _bouts(rows: list[_Row], told: Cells) -> tuple[list[list[_Stroke]], list[int]]:
    """The strokes by interval, a new one where the clock begins again; lines that are none."""
    bouts: list[list[_Stroke]] = []
    untimed: list[int] = []
    last_s = float("inf")
    for line, cells in rows:
        at = told.figure("t_s", cells[0], line, 0.001) if len(cells) > _HR else None
        if at is None:
            untimed.append(line)
            continue
        if at < last_s:
            bouts.append([])
        others = (
            told.figure(kind, cells[place], line, times) for kind, place, times in _STROKE_KINDS
        )
        bouts[-1].append(_Stroke(line, at, *others))
        last_s = at
    return bouts, untimed


def _points(bouts: list[list[_Stroke]], laps: tuple[Lap, ...]) -> Iterator[Point]:
    """The strokes in one row, and the exact end of each interval by the table."""
    start_s = start_m = 0.0
    stroke = line = 0
    waiting = iter(bouts)
    for lap in laps:
        if not lap.rest:
            reached_m = 0.0
            for line, at, metres, pace, watts, rate, bpm in next(waiting):
                stroke += 1
                reached_m = reached_m if metres is None else metres
                yield Point(
                    t_s=start_s + min(at, lap.seconds),
                    distance_m=None if metres is None else start_m + metres,
                    pace_s_per_500m=pace or None,
                    power_w=watts or None,
                    stroke_rate_spm=rate or None,
                    heart_rate_bpm=whole(bpm),
                    stroke=stroke,
                    line=line,
                )
            start_m += reached_m if lap.metres is None else lap.metres
        start_s += lap.seconds
        yield Point(t_s=start_s, distance_m=start_m, line=line)


def _start(text: str) -> datetime | None:
    """Month first, as the .NET program writes it; the time is that of the place it was rowed in."""
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y %H:%M:%S")  # noqa: DTZ007 - it says no zone
    except ValueError:
        return None
