"""Reading FIT activities: records, strokes in developer fields, RR intervals and laps."""

from __future__ import annotations

import math
from datetime import datetime
from io import BytesIO
from typing import Any, Final

from rowlog.imports.workout import ImportFault, Lap, Point, Workout, figures_in
from rowlog_drivers.records import FileLap, FileTotals

_READ: Final = ("record", "hrv", "lap", "session")
_ROWINGDATA: Final = {
    "DriveLength": ("drive_length_m", 0.01), "DriveTime": ("drive_s", 0.001),
    "StrokeRecoveryTime": ("recovery_s", 0.001), "StrokeDistance": ("stroke_distance_m", 0.01),
    "AverageDriveForceN": ("mean_force_n", 0.1), "PeakDriveForceN": ("peak_force_n", 0.1),
    "DragFactor": ("drag_factor", 1.0),
}  # fmt: skip
"""rowingdata's developer fields, which are whole numbers of a part of the unit that they name."""


def read(name: str, content: bytes) -> list[Workout]:
    """The workout of a FIT file. Raises ImportFault."""
    import fitdecode  # type: ignore[import-untyped]

    points: list[Point] = []
    laps: list[dict[str, Any]] = []
    said: dict[str, Any] = {}
    start: datetime | None = None
    try:
        with fitdecode.FitReader(BytesIO(content), check_crc=fitdecode.CrcCheck.WARN) as reader:
            for frame in reader:
                if not isinstance(frame, fitdecode.FitDataMessage) or frame.name not in _READ:
                    continue
                # Developer fields come last, and override native ones of their name.
                row = {
                    str(name): value
                    for field in frame.fields
                    if (name := field.name) is not None and (value := field.value) is not None
                }
                if frame.name == "record":
                    at = row.get("timestamp")
                    if isinstance(at, datetime):
                        start = start or at
                        points.append(_point(row, (at - start).total_seconds()))
                elif frame.name == "hrv" and points:
                    rr = _rr(row.get("time"))
                    points[-1] = points[-1]._replace(rr_ms=(points[-1].rr_ms or ()) + rr)
                elif frame.name == "lap":
                    laps.append(row)
                elif frame.name == "session":
                    said = row
    except (fitdecode.FitError, ValueError, TypeError, KeyError, IndexError) as error:
        raise ImportFault(
            f"{name} is no whole FIT file: {error}.", "Download or copy it again."
        ) from error
    points.sort(key=lambda point: point.t_s)
    if points and all(point.stroke is None for point in points):  # rowingdata: a record a stroke
        places = [k for k, point in enumerate(points) if point.drive_s or point.stroke_distance_m]
        for number, k in enumerate(places, 1):
            points[k] = points[k]._replace(stroke=number)
    own = isinstance(said.get("started_at"), str)  # written by rowlog
    found = [_own_lap(row) if own else _lap(row, start) for row in laps]
    if start is not None and own:
        start = datetime.fromisoformat(said["started_at"])
    plausible = start is not None and 1995 <= start.year <= 2100
    return [
        Workout(
            format="fit",
            started_at=start if plausible else None,
            points=tuple(points),
            laps=tuple(lap for lap in found if lap is not None),
            laps_are_own=own,
            plan=_text(said.get("plan")),
            athlete=_text(said.get("athlete")),
            said=_totals(said, own=own),
        )
    ]


def _number(row: dict[str, Any], *names: str) -> float | None:
    """The first of these fields that holds a number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    return None


def _point(row: dict[str, Any], t_s: float) -> Point:
    speed = _number(row, "enhanced_speed", "speed")
    bpm = _number(row, "heart_rate")
    stroke = _number(row, "stroke_number")
    told = {
        field: value * factor
        for name, (field, factor) in _ROWINGDATA.items()
        if (value := _number(row, name))
    }
    at = _number(row, "stroke_t_s")
    return Point(
        t_s=t_s if at is None else max(at, 0.0) if abs(at - t_s) < 2 else t_s,
        distance_m=_number(row, "enhanced_distance", "distance"),
        stroke_rate_spm=_number(row, "cadence"),
        power_w=_number(row, "power"),
        pace_s_per_500m=500.0 / speed if speed else None,
        heart_rate_bpm=None if bpm is None else int(bpm),
        stroke=None if stroke is None else int(stroke),
        drive_s=_number(row, "stroke_drive_s") or told.get("drive_s"),
        recovery_s=_number(row, "stroke_recovery_s") or told.get("recovery_s"),
        drive_length_m=_number(row, "stroke_drive_length_m") or told.get("drive_length_m"),
        stroke_distance_m=_number(row, "stroke_distance_m") or told.get("stroke_distance_m"),
        drag_factor=int(told["drag_factor"]) if "drag_factor" in told else None,
        work_j=_number(row, "stroke_work_j") or told.get("work_j"),
        peak_force_n=_number(row, "stroke_peak_force_n") or told.get("peak_force_n"),
        mean_force_n=_number(row, "stroke_mean_force_n") or told.get("mean_force_n"),
    )


def _rr(times: Any) -> tuple[float, ...]:
    listed = times if isinstance(times, tuple | list) else (times,)
    return tuple(round(s * 1000, 3) for s in listed if isinstance(s, int | float) and 0 < s < 10)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _totals(row: dict[str, Any], *, own: bool) -> dict[str, float | str]:
    """What the session message says; of a stranger's only what its records do not."""
    if own:
        activity = {"activity": row.get("session_activity")}
        return figures_in({**row, **activity}, FileTotals, but=("plan",))
    kcal = _number(row, "total_calories")
    return {"energy_kcal": kcal} if kcal else {}


def _own_lap(row: dict[str, Any]) -> Lap | None:
    """A lap as rowlog wrote it, to the last digit; None for one that stands for no segment."""
    said = figures_in(row, FileLap, but=("number", "start_s", "end_s"))
    start_s, seconds = _number(row, "started_at_s"), _number(row, "duration_s")
    if start_s is None or seconds is None or "kind" not in said:
        return None
    return Lap(said["kind"] == "rest", seconds, None, start_s, said)


def _lap(row: dict[str, Any], start: datetime | None) -> Lap:
    elapsed = _number(row, "total_elapsed_time")
    timer = _number(row, "total_timer_time")
    # Some programs write the two in each other's place; the time that passed is the longer.
    seconds = max(elapsed or 0.0, timer or 0.0)
    rest = row.get("intensity") in ("rest", "recovery", 1, 4)
    at, kcal = row.get("start_time"), _number(row, "total_calories")
    start_s = (at - start).total_seconds() if isinstance(at, datetime) and start else None
    said = {"energy_kcal": kcal} if kcal else {}
    return Lap(rest, seconds, _number(row, "total_distance"), start_s, said)
