"""Reading the CSV of Painsled for the desktop: a row a stroke under names of its own."""

from __future__ import annotations

import csv
from datetime import datetime

from rowlog.imports.left_out import left_out
from rowlog.imports.stamps import ended
from rowlog.imports.stroke_csv import number, whole
from rowlog.imports.workout import Point, Workout


def read(name: str, text: str) -> list[Workout] | None:
    """The workout of a desktop Painsled file; None where it is none."""
    if not text.startswith("stroke.REVISION"):
        return None
    rows = csv.reader(text.splitlines(), skipinitialspace=True)
    columns = next(rows)
    points: list[Point] = []
    first: datetime | None = None
    last = 0
    untimed: list[int] = []
    for cells in rows:
        row = dict(zip(columns, cells, strict=False))
        get = {key: number(cell) for key, cell in row.items()}.get
        try:
            at = datetime.fromisoformat(row.get("stroke.driveStartMs", ""))
        except ValueError:
            if any(map(str.strip, cells)):
                untimed.append(rows.line_num)
            continue
        first = first or at
        t_s = (at - first).total_seconds()
        metres, drive, slide = (
            get("stroke.startWorkoutMeter"), get("stroke.driveMs"), get("stroke.slideMs"),
        )  # fmt: skip
        bpm, drag, pace = (
            get("stroke.hrBpm"), get("stroke.dragFactor"), get("stroke.paceSecPer1k"),
        )  # fmt: skip
        count = get("stroke.strokeNumber")
        last = max(last, whole(count) or 0)
        rowed = drive or get("stroke.strokeMeters")  # else the row of somebody who waits
        points.append(
            Point(
                t_s=max(t_s, points[-1].t_s if points else 0.0),
                distance_m=metres,
                stroke=whole(count) if rowed else None,
                stroke_rate_spm=get("stroke.strokesPerMin") or None,
                power_w=get("stroke.watts") or None,
                pace_s_per_500m=pace / 2 if pace else None,
                heart_rate_bpm=whole(bpm),
                drag_factor=whole(drag),
                energy_kcal=get("stroke.calorieCounter") if rowed else None,
                drive_s=drive / 1000 if drive else None,
                recovery_s=slide / 1000 if slide else None,
                stroke_distance_m=get("stroke.strokeMeters") or None,
                drive_length_m=get("stroke.driveMeters") or None,
            )
        )
    said = {"stroke_count": last} if last else {}
    return [
        Workout(
            format="painsled",
            started_at=first,
            points=tuple(ended(points)),
            said=said,
            left_out=left_out("row", "without a time", untimed),
        )
    ]
