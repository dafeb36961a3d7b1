"""Reading RowPro CSV: strokes whose clock and metres begin again with each interval."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from rowlog.imports.left_out import left_out
from rowlog.imports.stroke_csv import number, whole
from rowlog.imports.workout import ImportFault, Lap, Point, Workout

_STROKES = ["time", "distance", "pace", "watts"]
_PIECES = ["type", "time", "distance", "avgpace"]
_REST, _WORK = 0.0, 1.0


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a RowPro file; None where it is none. Raises ImportFault."""
    if "RowfileId" not in text[:500]:
        return None
    tables = _tables(text)
    strokes = next((rows for head, rows in tables if head[:4] == _STROKES), [])
    pieces = next((rows for head, rows in tables if head[:4] == _PIECES), [])
    about = next(
        (rows[0].cells for head, rows in tables if head[:2] == ["date", "totaltime"] if rows), []
    )
    laps = tuple(_laps(pieces))
    bouts, untimed = _bouts(strokes)
    if len(bouts) != sum(not lap.rest for lap in laps):
        raise ImportFault(
            f"{name}: its strokes are of {len(bouts)} intervals, its table of intervals has "
            f"{sum(not lap.rest for lap in laps)}.",
            "Export it again from RowPro.",
        )
    return [
        Workout(
            format="rowpro",
            started_at=_start(about[0] if about else ""),
            points=tuple(_points(bouts, laps)),
            laps=laps,
            said=_whole(about),
            left_out=left_out("row", "without a time or with too few cells", untimed),
        )
    ]


def _whole(about: list[str]) -> dict[str, float | str]:
    """What the line about the whole row says that its strokes do not: TotalCals, the seventh."""
    kcal = number(about[6]) if len(about) > 6 else None
    return {"energy_kcal": kcal} if kcal else {}


def _laps(pieces: list[_Row]) -> Iterator[Lap]:
    """Work and rest by the table of intervals, with what it says of each piece of work."""
    for row in pieces:
        kind, ms, metres, _, _, kcal, _, end_bpm = map(number, [*row.cells, *[""] * 8][:8])
        if kind not in (_REST, _WORK) or not ms:
            continue
        if kind == _REST:
            yield Lap(rest=True, seconds=ms / 1000)
            continue
        told = {"energy_kcal": kcal, "end_heart_rate_bpm": end_bpm}
        said = {name: value for name, value in told.items() if value}
        yield Lap(rest=False, seconds=ms / 1000, metres=metres, said=said)


class _Row(NamedTuple):
    line: int
    cells: list[str]


def _tables(text: str) -> list[tuple[list[str], list[_Row]]]:
    """The file's tables, parted by empty lines: (head in lower case, rows)."""
    tables = []
    above = 0
    for block in text.split("\n\n"):
        reader = csv.reader(block.splitlines())
        rows = [_Row(above + reader.line_num, row) for row in reader if any(row)]
        above += block.count("\n") + 2
        if rows:
            tables.append(([cell.strip().lower() for cell in rows[0].cells], rows[1:]))
    return tables


def _bouts(rows: list[_Row]) -> tuple[list[list[tuple[float | None, ...]]], list[int]]:
    """The strokes by interval, a new one where the clock begins again; lines that are none."""
    bouts: list[list[tuple[float | None, ...]]] = []
    untimed: list[int] = []
    last_ms = float("inf")
    for line, cells in rows:
        said = tuple(number(cell) for cell in cells[:7])
        if len(said) < 7 or said[0] is None:
            untimed.append(line)
            continue
        if said[0] < last_ms:
            bouts.append([])
        bouts[-1].append(said)
        last_ms = said[0]
    return bouts, untimed


def _points(bouts: list[list[tuple[float | None, ...]]], laps: tuple[Lap, ...]) -> Iterator[Point]:
    """The strokes in one row, and the exact end of each interval by the table."""
    start_s = start_m = 0.0
    stroke = 0
    waiting = iter(bouts)
    for lap in laps:
        if not lap.rest:
            for ms, metres, pace, watts, _, rate, bpm in next(waiting):
                stroke += 1
                yield Point(
                    t_s=start_s + min((ms or 0.0) / 1000, lap.seconds),
                    distance_m=None if metres is None else start_m + metres,
                    pace_s_per_500m=pace * 500 if pace else None,
                    power_w=watts or None,
                    stroke_rate_spm=rate or None,
                    heart_rate_bpm=whole(bpm),
                    stroke=stroke,
                )
            start_m += lap.metres or 0.0
        start_s += lap.seconds
        yield Point(t_s=start_s, distance_m=start_m)


def _start(text: str) -> datetime | None:
    """Month first, as the .NET program writes it; the time is that of the place it was rowed in."""
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y %H:%M:%S")  # noqa: DTZ007 - it says no zone
    except ValueError:
        return None
