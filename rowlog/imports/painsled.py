"""Reading the CSV of Painsled for the desktop: a row a stroke under names of its own."""

from __future__ import annotations

import csv
from datetime import datetime
from typing import Final

from rowlog.imports.cells import Cells, whole
from rowlog.imports.left_out import left_out
from rowlog.imports.stamps import ended
from rowlog.imports.workout import Point, Workout

_KINDS: Final = {
    "startWorkoutMeter": "distance_m", "driveMs": "drive_s", "slideMs": "recovery_s",
    "hrBpm": "heart_rate_bpm", "dragFactor": "drag_factor", "paceSecPer1k": "pace_s_per_500m",
    "strokeNumber": "count", "strokeMeters": "stroke_distance_m",
    "strokesPerMin": "stroke_rate_spm", "watts": "power_w", "driveMeters": "drive_length_m",
    "calorieCounter": "energy_kcal",
}  # fmt: skip
"""(column, without "stroke.": what kind of figure stands in it)."""
_SLIP_S: Final = 10.0
"""A row that is earlier than the one before by no more is at the same time."""
_TIMES: Final = {"driveMs": 0.001, "slideMs": 0.001, "paceSecPer1k": 0.5}
"""Of those in another unit than rowlog's: times what."""


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a desktop Painsled file; None where it is none."""
    if not text.startswith("stroke.REVISION"):
        return None
    rows = csv.reader(text.split("\n"), skipinitialspace=True)
    columns = next(rows)
    points: list[Point] = []
    first: datetime | None = None
    last = 0
    untimed: list[int] = []
    told = Cells(name)
    for cells in rows:
        line = rows.line_num
        row = dict(zip(columns, cells, strict=False))
        try:
            at = datetime.fromisoformat(row.get("stroke.driveStartMs", ""))
            t_s = 0.0 if first is None else (at - first).total_seconds()
        except (ValueError, TypeError):  # or with an offset where others have none
            if any(map(str.strip, cells)):
                untimed.append(line)
            continue
        first = first or at
        if points and points[-1].t_s - _SLIP_S < t_s < points[-1].t_s:
            t_s = points[-1].t_s
        get = {
            key: told.figure(kind, row.get(f"stroke.{key}"), line, _TIMES.get(key, 1.0))
            for key, kind in _KINDS.items()
        }.get
        count = whole(get("strokeNumber"))
        last = max(last, count or 0)
        rowed = get("driveMs") or get("strokeMeters")  # else the row of somebody who waits
        points.append(
            Point(
                t_s=t_s,
                distance_m=get("startWorkoutMeter"),
                stroke=count if rowed else None,
                stroke_rate_spm=get("strokesPerMin") or None,
                power_w=get("watts") or None,
                pace_s_per_500m=get("paceSecPer1k") or None,
                heart_rate_bpm=whole(get("hrBpm")),
                drag_factor=whole(get("dragFactor")),
                energy_kcal=get("calorieCounter") if rowed else None,
                drive_s=get("driveMs") or None,
                recovery_s=get("slideMs") or None,
                stroke_distance_m=get("strokeMeters") or None,
                drive_length_m=get("driveMeters") or None,
                line=line,
            )
        )
    said = {"stroke_count": last} if last else {}
    return [
        Workout(
            format="painsled",
            started_at=first,
            points=tuple(ended(points)),
            said=said,
            left_out=(*told.left_out(), *left_out("row", "without a time", untimed)),
        )
    ]
