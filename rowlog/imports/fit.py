"""Reading FIT activities: records, strokes in developer fields, RR intervals and laps."""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, Final, NamedTuple

from rowlog.fit_layout import EPOCH_S, MOST_PARTS, part_name
from rowlog.imports.cells import KINDS, SLOWEST_M_PER_S, Cells
from rowlog.imports.left_out import counted_out, left_out
from rowlog.imports.stamps import sharpened
from rowlog.imports.workout import (
    MOST_BEATS,
    MOST_LAPS,
    MOST_POINTS,
    MOST_WORKOUTS,
    ImportFault,
    Lap,
    Point,
    Workout,
    bounded,
    figures_in,
    instant,
    note_in,
    shown,
    tags_in,
)
from rowlog.starts import UNKNOWN, start_of
from rowlog_drivers.records import FileLap, FileTotals

MOST_MESSAGES: Final = 700_000
MOST_FIELDS: Final = 6_000_000
"""A record a second of thirty fields for two days, and what stands between them."""
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


class _Known(NamedTuple):
    field: str
    kind: str
    factor: float
    zero: bool


def _known(
    field: str, factor: float = 1.0, *, zero: bool = False, kind: str | None = None
) -> _Known:
    return _Known(field, kind or field, factor, zero)


_FIELDS: Final = {
    # native
    "distance": _known("distance_m", zero=True),
    "enhanced_distance": _known("distance_m", zero=True),
    "cadence": _known("stroke_rate_spm", zero=True),
    "power": _known("power_w", zero=True),
    "speed": _known("speed"),
    "enhanced_speed": _known("speed"),
    "heart_rate": _known("heart_rate_bpm", zero=True),
    # rowlog's own
    "stroke_number": _known("stroke", zero=True, kind="count"),
    "stroke_t_s": _known("at", zero=True),
    "stroke_drive_s": _known("drive_s"),
    "stroke_recovery_s": _known("recovery_s"),
    "stroke_drive_length_m": _known("drive_length_m"),
    "stroke_distance_m": _known("stroke_distance_m"),
    "stroke_work_j": _known("work_j"),
    "stroke_peak_force_n": _known("peak_force_n"),
    "stroke_mean_force_n": _known("mean_force_n"),
    # rowingdata's developer fields, whole numbers of a part of the unit that they name
    "DriveLength": _known("drive_length_m", 0.01),
    "DriveTime": _known("drive_s", 0.001),
    "StrokeRecoveryTime": _known("recovery_s", 0.001),
    "StrokeDistance": _known("stroke_distance_m", 0.01),
    "AverageDriveForceN": _known("mean_force_n", 0.1),
    "PeakDriveForceN": _known("peak_force_n", 0.1),
    "DragFactor": _known("drag_factor"),
}
"""What a record's field is, of what kind, times what, and whether 0 is a value; later ones win."""
_OF_STROKES: Final[dict[str, str]] = {
    "stroke_rate_spm": "stroke_rate_spm", "stroke_power_w": "power_w",
    "stroke_inferred": "inferred", "stroke_drive_s": "drive_s",
    "stroke_recovery_s": "recovery_s", "stroke_drive_length_m": "drive_length_m",
    "stroke_distance_m": "distance_m", "stroke_work_j": "work_j",
    "stroke_peak_force_n": "peak_force_n", "stroke_mean_force_n": "mean_force_n",
}  # fmt: skip
"""(rowlog's own field of a record: what it is of the stroke that the record carries)."""
_OWN_FIGURES: Final = tuple(
    (name, field, kind)
    for name, field in _OF_STROKES.items()
    if (kind := KINDS.get(name) or KINDS.get(name.removeprefix("stroke_"))) is not None
)
_NUMBERS: Final = (int, float)
_WHOLE: Final = ("stroke", "drag_factor", "heart_rate_bpm")


def read(name: str, content: bytes) -> list[Workout]:
    """The workouts of a FIT file, one behind the other in it. Raises ImportFault."""
    found: list[Workout] = []
    rest = content
    while rest:
        part, rest, doubt = _first(rest)
        found.append(_read(name, part, doubt))
        bounded(name, "workouts", len(found), MOST_WORKOUTS)
        bounded(name, "records", sum(len(one.points) for one in found), MOST_POINTS)
    return found


def _read(name: str, content: bytes, doubt: str | None) -> Workout:
    """One of them; `doubt` says what is wrong with its length, None where nothing is."""
    import fitdecode  # type: ignore[import-untyped]

    found = _Found(name)
    cut = doubt is not None
    file = BytesIO(content)
    try:
        # Without a processor times stay whole seconds of FIT's own epoch, which is all we need.
        check = fitdecode.CrcCheck.DISABLED if cut else fitdecode.CrcCheck.WARN
        with (
            warnings.catch_warnings(action="ignore"),
            fitdecode.FitReader(
                file, check_crc=check, processor=None, keep_raw_chunks=True
            ) as reader,
        ):
            for frame in reader:
                if isinstance(frame, fitdecode.FitDataMessage):
                    found.take(frame)
                elif isinstance(frame, fitdecode.FitDefinitionMessage):
                    found.count(len(frame.field_defs) + len(frame.dev_field_defs))
                elif isinstance(frame, fitdecode.FitCRC) and not (frame.matched or cut):
                    doubt = "Its checksum does not match."
    except (fitdecode.FitError, *_RAISED) as error:
        if not (cut and found.points):
            raise ImportFault(
                f"{name} is no whole FIT file: it makes no sense at byte {file.tell():,} of "
                f"{len(content):,}.",
                "Download or copy it again.",
            ) from error
    return found.workout(doubt)


class _Found:
    """What the messages of a file told so far."""

    def __init__(self, name: str) -> None:
        self.points: list[Point] = []
        self._name = name
        self._laps: list[dict[str, Any]] = []
        self._said: dict[str, Any] = {}
        self._start: float | None = None
        self._records = self._messages = self._fields = 0
        self._strokes: dict[int, dict[str, float | bool]] = {}
        self._beats: list[float] = []
        """Since the last record."""
        self._beat_count = self._early = 0
        self._untimed: list[int] = []
        self._told = Cells(name, row="figure", counted="record")
        self._told_laps = Cells(name, row="figure", counted="lap")

    def count(self, fields: int) -> None:
        """One message more, of so many fields. Raises ImportFault for more than a workout has."""
        self._messages += 1
        self._fields += fields
        if self._messages > MOST_MESSAGES or self._fields > MOST_FIELDS:
            raise ImportFault(
                f"{self._name} holds more than {MOST_MESSAGES:,} messages or {MOST_FIELDS:,} "
                "fields, which no workout does.",
                "Name a file of one workout, or split this one.",
            )

    def take(self, message: Any) -> None:
        """One message. Raises ImportFault."""
        self.count(len(message.fields))
        kind = message.name
        if kind not in _READ:
            return
        # Developer fields come last, and override native ones of their name.
        row = {
            field.name: value
            for field in message.fields
            if (value := field.value) is not None and field.field is not None
        }
        if kind == "record":
            self._records += 1
            if len(row) < len(message.fields):
                self._tell_nan(message)
            at = row.get("timestamp")
            if not isinstance(at, _NUMBERS):
                self._untimed.append(self._records)
                return
            self._start = at if self._start is None else self._start
            self._end_record()
            self.points.append(_point(row, at - self._start, self._records, self._told))
            if "stroke_t_s" in row and (stroke := self.points[-1].stroke) is not None:
                self._strokes[stroke] = _own_stroke(row, self._records, self._told)
            bounded(self._name, "records", len(self.points), MOST_POINTS)
        elif kind == "hrv":
            self._hear(row.get("time"))
        elif kind == "lap":
            self._laps.append(row)
            bounded(self._name, "laps", len(self._laps), MOST_LAPS)
        else:
            self._said = row

    def _hear(self, times: Any) -> None:
        listed = times if isinstance(times, tuple | list) else (times,)
        rr_ms = [
            round(ms, 3)
            for seconds in listed
            if seconds is not None
            and (ms := self._judged("rr_ms", seconds, 1000.0, self._records)) is not None
            and ms > 0
        ]
        self._beat_count += len(rr_ms)
        bounded(self._name, "heartbeats", self._beat_count, MOST_BEATS)
        if self.points:
            self._beats += rr_ms
        else:
            self._early += len(rr_ms)

    def _end_record(self) -> None:
        """The beats that came behind the last record are its own."""
        if self._beats:
            self.points[-1] = self.points[-1]._replace(rr_ms=tuple(self._beats))
            self._beats = []

    def _judged(self, kind: str, value: Any, factor: float, record: int) -> float | None:
        figure = value * factor if isinstance(value, int | float) else None
        return self._told.judged(kind, figure, record, value)

    def _tell_nan(self, message: Any) -> None:
        """Tell of what is NaN by another pattern than the one that FIT says nothing with."""
        content, defined = message.chunk.bytes, message.def_mesg
        at = 1
        for field in defined.all_field_defs:
            known = _FIELDS.get(field.name)
            raw = content[at : at + field.size]
            at += field.size
            if known is None or field.base_type.fmt not in "fd" or raw == b"\xff" * len(raw):
                continue
            if field.size == field.base_type.size:
                (value,) = struct.unpack(defined.endian + field.base_type.fmt, raw)
                if math.isnan(value):
                    self._told.judged(known.kind, value, self._records)

    def workout(self, doubt: str | None) -> Workout:
        """All that was told as a workout; `doubt` is what is wrong with the file."""
        self._end_record()
        points, said, start = self.points, self._said, self._start
        points.sort(key=lambda point: point.t_s)
        if points and all(point.stroke is None for point in points):  # rowingdata: one a stroke
            places = [k for k, each in enumerate(points) if each.drive_s or each.stroke_distance_m]
            for number, k in enumerate(places, 1):
                points[k] = points[k]._replace(stroke=number)
        own = isinstance(said.get("started_at"), str)  # written by rowlog
        before_s = 0.0
        if not own and start is not None:
            points = sharpened(points, _number(said, "total_elapsed_time", "total_timer_time"))
            before_s = _from_zero(points, _number(said, "total_distance"))
            start -= before_s
        told = self._told_laps
        found = [
            _own_lap(row, number, told) if own else _lap(row, start, before_s, number, told)
            for number, row in enumerate(self._laps, 1)
        ]
        started_at = None if start is None else _wall(start)
        if own:
            started_at = instant(said["started_at"])
        start_from = start_of(said.get("start_from"))
        totals = Cells(self._name, row="figure", counted="session")
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
            said=_totals(said, own=own, told=totals),
            note=" ".join(filter(None, (note_in(_text(said, "note")), doubt))) or None,
            tags=tags_in(_text(said, "tags")),
            strokes=self._strokes,
            left_out=(
                *left_out("record", "without a time", self._untimed, counted="record"),
                *counted_out("RR interval", "before the first record", self._early),
                *self._told.left_out(),
                *told.left_out(),
                *totals.left_out(),
            ),
            counted="record",
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


def _point(row: dict[str, Any], t_s: float, number: int, told: Cells) -> Point:
    said: dict[str, Any] = {}
    for name, value in row.items():
        known = _FIELDS.get(name)
        if known is None or not (value or known.zero):
            continue
        figure = value * known.factor if isinstance(value, _NUMBERS) else None
        limits = KINDS[known.kind]
        if figure is None or not limits.least <= figure <= limits.most:
            figure = told.judged(known.kind, figure, number, value)
        if figure is not None:
            said[known.field] = figure
    speed, at = said.pop("speed", None), said.pop("at", None)
    if at is not None and abs(at - t_s) < _SAME_S:
        t_s = max(at, 0.0)
    for field in _WHOLE:
        if field in said:
            said[field] = int(said[field])
    if speed and speed >= SLOWEST_M_PER_S:
        said["pace_s_per_500m"] = 500.0 / speed
    return Point(t_s=t_s, line=number, **said)


def _own_stroke(row: dict[str, Any], number: int, told: Cells) -> dict[str, float | bool]:
    """A stroke as rowlog wrote it, to the last digit; what is not there was not known."""
    found: dict[str, float | bool] = {"inferred": bool(row.get("stroke_inferred"))}
    for name, field, kind in _OWN_FIGURES:
        value = row.get(name)
        if not isinstance(value, _NUMBERS):
            continue
        if kind.least <= value <= kind.most:
            found[field] = float(value)
        elif name not in _FIELDS:  # of those it was told already
            told.leave_out(kind.words, f"{value:g}", number)
    return found


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


def _totals(row: dict[str, Any], *, own: bool, told: Cells) -> dict[str, float | str]:
    """What the session message says; of a stranger's only what its records do not."""
    if own:
        activity = {"activity": _text(row, "session_activity")}
        return figures_in({**row, **activity}, FileTotals, but=("plan",), told=_leaving(told, 1))
    kcal = _said(row, "total_calories", "energy_kcal", 1, told)
    return {"energy_kcal": kcal} if kcal else {}


def _leaving(told: Cells, number: int) -> Callable[[str, object], None]:
    """Tells of a figure that is left out, by its name."""
    return lambda name, value: told.leave_out(name.replace("_", " "), shown(str(value)), number)


def _own_lap(row: dict[str, Any], number: int, told: Cells) -> Lap | None:
    """A lap as rowlog wrote it, to the last digit; None for one that stands for no segment."""
    row = {**row, "activity": _text(row, "activity")}
    said = figures_in(row, FileLap, but=("number", "start_s", "end_s"), told=_leaving(told, number))
    start_s = _said(row, "started_at_s", "at", number, told)
    seconds = _said(row, "duration_s", "piece_s", number, told)
    if start_s is None or seconds is None or "kind" not in said:
        return None
    return Lap(said["kind"] == "rest", seconds, None, start_s, said)


def _lap(
    row: dict[str, Any], start: float | None, before_s: float, number: int, told: Cells
) -> Lap:
    """A stranger's lap; that of the first record begins `before_s` earlier, with its metres."""
    elapsed = _said(row, "total_elapsed_time", "piece_s", number, told)
    timer = _said(row, "total_timer_time", "piece_s", number, told)
    # Some programs write the two in each other's place; the time that passed is the longer.
    seconds = max(elapsed or 0.0, timer or 0.0)
    rest = row.get("intensity") in ("rest", "recovery", 1, 4)
    at = _number(row, "start_time")
    kcal = _said(row, "total_calories", "energy_kcal", number, told)
    start_s = None
    if at is not None and start is not None:
        start_s = told.judged("piece_start_s", at - start, number, at)
    if start_s is not None and start_s == before_s:
        start_s, seconds = 0.0, seconds + before_s
    said = {"energy_kcal": kcal} if kcal else {}
    return Lap(rest, seconds, _said(row, "total_distance", "piece_m", number, told), start_s, said)


def _said(row: dict[str, Any], name: str, kind: str, number: int, told: Cells) -> float | None:
    """A figure of a lap or session; None where it is not said, or left out."""
    value = row.get(name)
    if value is None:
        return None
    return told.judged(
        kind, float(value) if isinstance(value, int | float) else None, number, value
    )
