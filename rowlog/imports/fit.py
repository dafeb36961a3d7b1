"""Reading FIT activities: records, strokes in developer fields, RR intervals and laps."""

from __future__ import annotations

import math
import struct
import warnings
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final

from rowlog.fit_layout import EPOCH_S, MOST_PARTS, part_name
from rowlog.imports.left_out import counted_out
from rowlog.imports.stamps import sharpened
from rowlog.imports.workout import (
    LARGEST,
    MOST_POINTS,
    ImportFault,
    Lap,
    Point,
    Workout,
    figures_in,
    instant,
    note_in,
    tags_in,
)
from rowlog.starts import UNKNOWN, start_of
from rowlog_drivers.records import FileLap, FileTotals

_READ: Final = ("record", "hrv", "lap", "session")
_CRC_BYTES: Final = 2
_RAISED: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, RecursionError,
    TypeError, ValueError, struct.error,
)  # fmt: skip
"""What fitdecode raises besides its own errors for bytes that are no FIT."""
_SAME_S: Final = 2.0
"""A stroke's own time lies no further from the record that carries it."""
_SAME_M: Final = 1.0
"""The last record's distance is the session's whole one: they count from the same 0."""
_FIRST_S: Final = 0.001
"""Where such a first record lies at least, so that the piece begins before it."""
_LONGEST_FIRST_S: Final = 15.0
"""No first stroke takes longer; what says so is not of one."""
_SWITCHED_ON: Final = 0x1000_0000
"""Times below this count from when the device was switched on (FIT protocol, date_time)."""

_FIELDS: Final[dict[str, tuple[str, float | None, bool]]] = {
    # native
    "distance": ("distance_m", 1.0, True), "enhanced_distance": ("distance_m", 1.0, True),
    "cadence": ("stroke_rate_spm", 1.0, True), "power": ("power_w", 1.0, True),
    "speed": ("speed", None, False), "enhanced_speed": ("speed", None, False),
    "heart_rate": ("bpm", None, True),
    # rowlog's own
    "stroke_number": ("stroke", None, True), "stroke_t_s": ("at", None, True),
    "stroke_drive_s": ("drive_s", 1.0, False), "stroke_recovery_s": ("recovery_s", 1.0, False),
    "stroke_drive_length_m": ("drive_length_m", 1.0, False),
    "stroke_distance_m": ("stroke_distance_m", 1.0, False),
    "stroke_work_j": ("work_j", 1.0, False),
    "stroke_peak_force_n": ("peak_force_n", 1.0, False),
    "stroke_mean_force_n": ("mean_force_n", 1.0, False),
    # rowingdata's developer fields, whole numbers of a part of the unit that they name
    "DriveLength": ("drive_length_m", 0.01, False), "DriveTime": ("drive_s", 0.001, False),
    "StrokeRecoveryTime": ("recovery_s", 0.001, False),
    "StrokeDistance": ("stroke_distance_m", 0.01, False),
    "AverageDriveForceN": ("mean_force_n", 0.1, False),
    "PeakDriveForceN": ("peak_force_n", 0.1, False), "DragFactor": ("drag_factor", 1.0, False),
}  # fmt: skip
"""(a record's field: (what it is, times what, whether 0 is a value)); later ones win."""
_OF_STROKES: Final[dict[str, str]] = {
    "stroke_rate_spm": "stroke_rate_spm", "stroke_power_w": "power_w",
    "stroke_inferred": "inferred", "stroke_drive_s": "drive_s",
    "stroke_recovery_s": "recovery_s", "stroke_drive_length_m": "drive_length_m",
    "stroke_distance_m": "distance_m", "stroke_work_j": "work_j",
    "stroke_peak_force_n": "peak_force_n", "stroke_mean_force_n": "mean_force_n",
}  # fmt: skip
"""(rowlog's own field of a record: what it is of the stroke that the record carries)."""


def read(name: str, content: bytes) -> list[Workout]:
    """The workouts of a FIT file, one behind the other in it. Raises ImportFault."""
    found = []
    rest = content
    while rest:
        part, rest, doubt = _first(rest)
        found.append(_read(name, part, doubt))
    return found


def _read(name: str, content: bytes, doubt: str | None) -> Workout:
    """One of them; `doubt` says what is wrong with its length, None where nothing is."""
    import fitdecode  # type: ignore[import-untyped]

    points: list[Point] = []
    strokes: dict[int, dict[str, float | bool]] = {}
    laps: list[dict[str, Any]] = []
    said: dict[str, Any] = {}
    start: float | None = None
    untimed = 0
    cut = doubt is not None
    try:
        # Without a processor times stay whole seconds of FIT's own epoch, which is all we need.
        check = fitdecode.CrcCheck.DISABLED if cut else fitdecode.CrcCheck.WARN
        with (
            warnings.catch_warnings(action="ignore"),
            fitdecode.FitReader(BytesIO(content), check_crc=check, processor=None) as reader,
        ):
            for frame in reader:
                if not isinstance(frame, fitdecode.FitDataMessage):
                    if isinstance(frame, fitdecode.FitCRC) and not (frame.matched or cut):
                        doubt = "Its checksum does not match."
                    continue
                if frame.name not in _READ:
                    continue
                # Developer fields come last, and override native ones of their name.
                row = {
                    field.name: value
                    for field in frame.fields
                    if (value := field.value) is not None and field.field is not None
                }
                if frame.name == "record":
                    at = row.get("timestamp")
                    if isinstance(at, int | float):
                        start = at if start is None else start
                        points.append(_point(row, at - start))
                        if "stroke_t_s" in row and points[-1].stroke is not None:
                            strokes[points[-1].stroke] = _own_stroke(row)
                        if len(points) > MOST_POINTS:
                            break  # `checked` says so
                    else:
                        untimed += 1
                elif frame.name == "hrv" and points:
                    rr = _rr(row.get("time"))
                    points[-1] = points[-1]._replace(rr_ms=(points[-1].rr_ms or ()) + rr)
                elif frame.name == "lap":
                    laps.append(row)
                elif frame.name == "session":
                    said = row
    except (fitdecode.FitError, *_RAISED) as error:
        if not (cut and points):
            raise ImportFault(
                f"{name} is no whole FIT file: {error or 'it is damaged'}.",
                "Download or copy it again.",
            ) from error
    points.sort(key=lambda point: point.t_s)
    if points and all(point.stroke is None for point in points):  # rowingdata: a record a stroke
        places = [k for k, point in enumerate(points) if point.drive_s or point.stroke_distance_m]
        for number, k in enumerate(places, 1):
            points[k] = points[k]._replace(stroke=number)
    own = isinstance(said.get("started_at"), str)  # written by rowlog
    before_s = 0.0
    if not own and start is not None:
        points = sharpened(points, _number(said, "total_elapsed_time", "total_timer_time"))
        before_s = _from_zero(points, _number(said, "total_distance"))
        start -= before_s
    found = [_own_lap(row) if own else _lap(row, start, before_s) for row in laps]
    started_at = None if start is None else _wall(start)
    if own:
        started_at = instant(said["started_at"])
    start_from = start_of(said.get("start_from"))
    return Workout(
        format="fit",
        started_at=None if start_from == UNKNOWN else started_at,
        dated_at=started_at if start_from == UNKNOWN else None,
        start_from=start_from,
        points=tuple(points),
        laps=tuple(lap for lap in found if lap is not None),
        laps_are_own=own,
        plan=_text(said, "plan"),
        athlete=_text(said, "athlete"),
        said=_totals(said, own=own),
        note=" ".join(filter(None, (note_in(_text(said, "note")), doubt))) or None,
        tags=tags_in(_text(said, "tags")),
        strokes=strokes,
        left_out=counted_out("record", "without a time", untimed),
    )


def _from_zero(points: list[Point], whole_m: float | None) -> float:
    """Begin at 0 m where the first record has metres that the session counts as its own.

    A program that writes a record at the end of each stroke has the first one's metres there. They
    took as long as its own speed says; returns by how many seconds all was moved for that.
    """
    metres = [point.distance_m for point in points if point.distance_m is not None]
    if not whole_m or not metres or metres[0] <= 0 or abs(metres[-1] - whole_m) >= _SAME_M:
        return 0.0
    first = points[0]
    before_s = (first.distance_m or 0.0) * (first.pace_s_per_500m or 0.0) / 500
    if first.t_s > 0 or before_s > _LONGEST_FIRST_S:
        before_s = 0.0
    for place, point in enumerate(points):
        points[place] = point._replace(t_s=point.t_s + before_s)
    points[0] = points[0]._replace(t_s=max(points[0].t_s, _FIRST_S))
    points.insert(0, Point(t_s=0.0, distance_m=0.0))
    return before_s


def _wall(seconds: float) -> datetime | None:
    """The wall time of FIT's own; None for a clock that only counts since it was switched on."""
    if seconds < _SWITCHED_ON:
        return None
    return datetime.fromtimestamp(EPOCH_S + seconds, UTC)


def _number(row: dict[str, Any], *names: str) -> float | None:
    """The first of these fields that holds a number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, int | float) and math.isfinite(value):
            return float(value)
    return None


def _point(row: dict[str, Any], t_s: float) -> Point:
    said: dict[str, Any] = {}
    for name, value in row.items():
        known = _FIELDS.get(name)
        if known is not None and isinstance(value, int | float) and math.isfinite(value):
            field, factor, zero = known
            if value or zero:
                said[field] = value if factor is None else value * factor
    speed, bpm, at = said.pop("speed", None), said.pop("bpm", None), said.pop("at", None)
    if at is not None and abs(at - t_s) < _SAME_S:
        t_s = max(at, 0.0)
    for field in ("stroke", "drag_factor"):
        if field in said:
            said[field] = int(said[field])
    if speed:
        said["pace_s_per_500m"] = 500.0 / speed
    if bpm is not None:
        said["heart_rate_bpm"] = int(bpm)
    return Point(t_s=t_s, **said)


def _own_stroke(row: dict[str, Any]) -> dict[str, float | bool]:
    """A stroke as rowlog wrote it, to the last digit; what is not there was not known."""
    told: dict[str, float | bool] = {
        field: float(value)
        for name, field in _OF_STROKES.items()
        if (value := _number(row, name)) is not None and abs(value) < LARGEST
    }
    return {**told, "inferred": bool(told.get("inferred"))}


def _rr(times: Any) -> tuple[float, ...]:
    listed = times if isinstance(times, tuple | list) else (times,)
    return tuple(round(s * 1000, 3) for s in listed if isinstance(s, int | float) and 0 < s < 10)


def _first(content: bytes) -> tuple[bytes, bytes, str | None]:
    """The first file with a length in its header that can be, what comes after, and what was wrong.

    A watch that is switched off while it records never writes the length; a copy that broke off is
    shorter than it says. Both are read as far as they go.
    """
    header, said = content[0], int.from_bytes(content[4:8], "little")
    there = len(content) - header
    end = header + said + _CRC_BYTES
    if 0 < said <= there - _CRC_BYTES:
        another = content[end + 8 : end + 12] == b".FIT"
        return content[:end], content[end:] if another else b"", None
    doubt = "The file ends before its end; it was read as far as it goes."
    if said == there:
        doubt = "The file has no checksum."
    return content[:4] + max(there, 0).to_bytes(4, "little") + content[8:], b"", doubt


def _text(row: dict[str, Any], name: str) -> str | None:
    """A text of rowlog's own, which may go on in further fields."""
    read = [row.get(part_name(name, number)) for number in range(1, MOST_PARTS + 1)]
    return "".join(part for part in read if isinstance(part, str)) or None


def _totals(row: dict[str, Any], *, own: bool) -> dict[str, float | str]:
    """What the session message says; of a stranger's only what its records do not."""
    if own:
        activity = {"activity": _text(row, "session_activity")}
        return figures_in({**row, **activity}, FileTotals, but=("plan",))
    kcal = _number(row, "total_calories")
    return {"energy_kcal": kcal} if kcal else {}


def _own_lap(row: dict[str, Any]) -> Lap | None:
    """A lap as rowlog wrote it, to the last digit; None for one that stands for no segment."""
    row = {**row, "activity": _text(row, "activity")}
    said = figures_in(row, FileLap, but=("number", "start_s", "end_s"))
    start_s, seconds = _number(row, "started_at_s"), _number(row, "duration_s")
    if start_s is None or seconds is None or "kind" not in said:
        return None
    return Lap(said["kind"] == "rest", seconds, None, start_s, said)


def _lap(row: dict[str, Any], start: float | None, before_s: float) -> Lap:
    """A stranger's lap; that of the first record begins `before_s` earlier, with its metres."""
    elapsed = _number(row, "total_elapsed_time")
    timer = _number(row, "total_timer_time")
    # Some programs write the two in each other's place; the time that passed is the longer.
    seconds = max(elapsed or 0.0, timer or 0.0)
    rest = row.get("intensity") in ("rest", "recovery", 1, 4)
    at, kcal = _number(row, "start_time"), _number(row, "total_calories")
    start_s = None if at is None or start is None else at - start
    if start_s is not None and start_s == before_s:
        start_s, seconds = 0.0, seconds + before_s
    said = {"energy_kcal": kcal} if kcal else {}
    return Lap(rest, seconds, _number(row, "total_distance"), start_s, said)
