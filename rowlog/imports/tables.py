"""Reading the tables that rowlog itself writes: strokes; of the others, what to import instead."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from rowlog.imports.cells import Cells, whole
from rowlog.imports.left_out import LeftOut, left_out
from rowlog.imports.workout import ImportFault, Point, Workout

_STROKES: Final = {
    "number": "count", "stroke_rate_spm": "stroke_rate_spm", "power_w": "power_w",
    "distance_m": "stroke_distance_m", "total_distance_m": "distance_m", "drive_s": "drive_s",
    "recovery_s": "recovery_s", "drive_length_m": "drive_length_m", "work_j": "work_j",
    "peak_force_n": "peak_force_n", "mean_force_n": "mean_force_n",
}  # fmt: skip
"""(a column of strokes: what kind of figure stands in it)."""
_EXACT: Final = tuple(name for name in _STROKES if name not in ("number", "total_distance_m"))
_INSTEAD: Final = (
    (("point", "force_n"), "the force curves of a session, and neither its metres nor its heart"),
    (("elapsed_s", "energy_kcal_per_hour"), "the records of a rower as they came, and no strokes"),
)
"""(columns of a table that no session can be made of: what it holds)."""
_FIGURES: Final = '"segments"'
"""What stands near the beginning of the JSON that rowlog writes."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a table of strokes; None where it is no table of rowlog's.

    Raises ImportFault for one of which no session can be made, saying what to import instead.
    """
    first, _, rest = text.partition("\n")
    head = [cell.strip() for cell in first.split(",")]
    if "source" in head and "t_s" in head:
        for columns, holds in _INSTEAD:
            if all(column in head for column in columns):
                raise _instead(name, holds)
        if "total_distance_m" in head and "inferred" in head:
            return [_strokes(name, head, rest)]
    if first.startswith("{") and '"session"' in text[:200] and _FIGURES in text:
        raise _instead(name, "the figures of a session, and not what was rowed")
    return None


def _instead(name: str, holds: str) -> ImportFault:
    return ImportFault(
        f"{name} holds {holds}.",
        "Import the session's .frames or .fit file, as made by: rowlog export ID session.frames",
    )


def _strokes(name: str, head: Sequence[str], text: str) -> Workout:
    """Strokes with their metres; when it began, the heart and the pieces are not in such a file."""
    told = Cells(name)
    reader = csv.reader(text.split("\n"))
    rows = [
        (reader.line_num + 1, dict(zip(head, cells, strict=False)))
        for cells in reader
        if any(map(str.strip, cells))
    ]
    chosen, others = of_one_source(rows)
    points: list[Point] = []
    exact: dict[int, dict[str, float | bool]] = {}
    untimed: list[int] = []
    for line, row in chosen:
        t_s = told.figure("t_s", row.get("t_s"), line)
        get = {
            column: told.figure(kind, row.get(column), line) for column, kind in _STROKES.items()
        }
        number = whole(get["number"])
        if t_s is None or number is None:
            untimed.append(line)
            continue
        known = {column: value for column in _EXACT if (value := get[column]) is not None}
        exact[number] = {**known, "inferred": row.get("inferred", "").strip() == "1"}
        points.append(
            Point(
                t_s=t_s,
                distance_m=get["total_distance_m"],
                stroke_rate_spm=get["stroke_rate_spm"],
                power_w=get["power_w"],
                stroke=number,
                drive_s=get["drive_s"],
                recovery_s=get["recovery_s"],
                drive_length_m=get["drive_length_m"],
                stroke_distance_m=get["distance_m"],
                work_j=get["work_j"],
                peak_force_n=get["peak_force_n"],
                mean_force_n=get["mean_force_n"],
                line=line,
            )
        )
    lacking = left_out("row", "without a time or a number", untimed)
    return Workout(
        format="strokes",
        started_at=None,
        points=tuple(points),
        strokes=exact,
        left_out=(*told.left_out(), *lacking, *others),
    )


def of_one_source(
    rows: Sequence[tuple[int, Mapping[str, str]]],
) -> tuple[list[tuple[int, Mapping[str, str]]], tuple[LeftOut, ...]]:
    """The rows of the device that has most of them, by line; and what was left out for that."""
    counted = Counter(row.get("source", "") for _, row in rows)
    if len(counted) < 2:
        return list(rows), ()
    main = counted.most_common(1)[0][0]
    others = [line for line, row in rows if row.get("source", "") != main]
    return (
        [(line, row) for line, row in rows if row.get("source", "") == main],
        left_out("row", "of another device", others),
    )
