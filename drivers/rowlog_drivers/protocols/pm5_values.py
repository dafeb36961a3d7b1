"""What a Concept2 PM5 sends over Bluetooth: the values of its characteristics, read and written.

A value comes through its own characteristic (`decode_value`, `encode_value`) or, with its id in
front, through the shared one (0080: `decode_multiplexed`, `encode_multiplexed`), where some values
look a little different. Lengths vary with the monitor's firmware: what is there is read, surplus
bytes are ignored, and only what every firmware sends is insisted on.

Source: Concept2 PM Bluetooth Smart Communications Interface Definition 1.30; the length of each
older form, and the unit of the last split's time, as in public recordings of real monitors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final, Literal

from rowlog_drivers.fields import Packer
from rowlog_drivers.protocols.pm5_names import SAMPLE_PERIODS_MS, TARGETS

MOST_FORCE_POINTS: Final = 9
"""Points of a force curve in one notification of 20 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralStatus:
    """0031: where the workout stands. None: not sent, or not known yet."""

    elapsed_s: float
    """Starts anew with each interval; stands still in a planned rest."""
    distance_m: float
    """Starts anew with each interval."""
    workout_type: int
    interval_type: int
    workout_state: int
    rowing_state: int
    stroke_state: int
    total_work_distance_raw: int | None = None
    """Sources disagree about the unit: 1 m or 0.1 m."""
    target_raw: int | None = None
    target_type: int | None = None
    drag_factor: int | None = None
    """None too for 0: not measured yet."""

    @property
    def target(self) -> tuple[str, float] | None:
        """What the workout or interval is long, as ("target_distance_m", 2000.0); None: unknown."""
        known = None if self.target_type is None else TARGETS.get(self.target_type)
        if known is None or self.target_raw is None:
            return None
        name, per = known
        return name, self.target_raw / per


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalStatus1:
    """0032: how fast, and the rest. None: not sent, or the monitor has none."""

    elapsed_s: float
    speed_mps: float
    stroke_rate_spm: int
    """0 until about the third stroke."""
    heart_rate_bpm: int | None
    """None for 255; 0 as sent."""
    pace_s_per_500m: float
    """0: none."""
    average_pace_s_per_500m: float
    """0: none."""
    rest_distance_m: int | None = None
    rest_time_s: float | None = None
    """Counts down in a rest."""
    average_power_w: int | None = None
    """Only through 0080."""
    erg_machine_type: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalStatus2:
    """0033: averages and energy. None: not sent."""

    elapsed_s: float
    interval_count: int
    """Splits or intervals that are over: 0 in the first."""
    average_power_w: int | None = None
    """Not through 0080, nor from very early firmware."""
    energy_kcal: int
    split_average_pace_s_per_500m: float
    split_average_power_w: int
    split_energy_kcal: int
    last_split_time_s: float
    last_split_distance_m: int
    """Stays 0 with splits of a fixed distance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokeData:
    """0035: one stroke; sent at the end of its drive and, completed, at that of its recovery."""

    elapsed_s: float
    distance_m: float
    drive_length_m: float
    drive_s: float
    recovery_s: float
    """At the end of the drive still that of the stroke before."""
    stroke_distance_m: float
    peak_force_lbf: float
    mean_force_lbf: float
    work_j: float | None = None
    """None through 0080, and on a first stroke."""
    stroke_count: int
    """Starts anew with each interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalStrokeData:
    """0036: power of one stroke, and where the workout is going."""

    elapsed_s: float
    power_w: int
    energy_kcal_per_hour: int
    stroke_count: int
    projected_time_s: int | None = None
    """Of a distance workout; else 0."""
    projected_distance_m: int | None = None
    """Of a time workout or a free row; else 0."""
    work_j: float | None = None
    """Only through 0080."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitData:
    """0037: a split or interval that is over; of an interval, after its rest."""

    elapsed_s: float
    distance_m: float
    split_time_s: float
    split_distance_m: int
    rest_s: int
    rest_distance_m: int
    interval_type: int
    number: int
    """From 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalSplitData:
    """0038: more of the split or interval. A heart rate of None: 0 was sent, there is none."""

    elapsed_s: float
    stroke_rate_spm: int
    heart_rate_bpm: int | None
    rest_heart_rate_bpm: int | None
    pace_s_per_500m: float
    energy_kcal: int
    energy_kcal_per_hour: int
    speed_mps: float
    power_w: int
    drag_factor: int
    number: int
    """From 1."""
    erg_machine_type: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkoutSummary:
    """0039: the whole workout. A heart rate of None: 0 was sent, there is none.

    Sent again a minute after the end, with the recovery heart rate.
    """

    log_date: date | None
    """None for a date that is none."""
    log_time: time | None
    elapsed_s: float
    distance_m: float
    stroke_rate_spm: int
    end_heart_rate_bpm: int | None
    heart_rate_bpm: int | None
    min_heart_rate_bpm: int | None
    max_heart_rate_bpm: int | None
    drag_factor: int | None
    """None too for 0: some firmware does not give it here."""
    recovery_heart_rate_bpm: int | None
    workout_type: int
    pace_s_per_500m: float | None = None
    """Not through 0080."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalSummary:
    """003a: more of the whole workout."""

    log_date: date | None
    log_time: time | None
    interval_type: int | None = None
    """Not through 0080."""
    split_size_raw: int
    """Metres or seconds, as the workout type of 0039 says."""
    split_count: int
    energy_kcal: int
    power_w: int
    rest_distance_m: int
    rest_s: int
    """Of one interval."""
    energy_kcal_per_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartRateBelt:
    """003b: the belt that the monitor listens to."""

    manufacturer_id: int
    device_type: int
    belt_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalSummary2:
    """003c: the rest of the summary, seen through 0080 only."""

    log_date: date | None
    log_time: time | None
    pace_s_per_500m: float
    game: int
    """Low half: which game; high half 1: the workout is verified."""
    game_score: int
    erg_machine_type: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcePart:
    """003d: one part of a force curve."""

    parts: int
    """How many parts the curve has."""
    part: int
    """Which one this is, from 0."""
    points_lbf: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdditionalStatus3:
    """003e: what the monitor is doing, from newer firmware."""

    operational_state: int
    verification_state: int
    screen: int
    last_error: int
    calibration_mode: int
    calibration_state: int
    calibration_status: int
    game: int
    game_score: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedWorkout:
    """003f: where the monitor keeps the workout, from newer firmware."""

    workout_hash: int
    log_address: int
    log_size: int
    erg_model_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplePeriod:
    """0034: how often 0031 to 0033 are sent."""

    code: int

    @property
    def period_ms(self) -> int | None:
        """The time between two notifications; None for a code that nobody has published."""
        return SAMPLE_PERIODS_MS.get(self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErgMachine:
    """0016: which machine the monitor sits on, from newer firmware."""

    erg_machine_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoText:
    """0011 to 0015: one text about the monitor, without padding."""

    characteristic: int
    text: str


Value = (
    GeneralStatus
    | AdditionalStatus1
    | AdditionalStatus2
    | StrokeData
    | AdditionalStrokeData
    | SplitData
    | AdditionalSplitData
    | WorkoutSummary
    | AdditionalSummary
    | HeartRateBelt
    | AdditionalSummary2
    | ForcePart
    | AdditionalStatus3
    | LoggedWorkout
    | SamplePeriod
    | ErgMachine
    | InfoText
)
"""Everything that a characteristic can say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A payload that holds no value."""

    reason: str


INFO_FIELDS: Final[Mapping[int, str]] = {
    0x11: "model",
    0x12: "serial_number",
    0x13: "hardware",
    0x14: "firmware",
    0x15: "manufacturer",
}
"""Characteristic of a text to the field of MachineInfo that it fills."""

SILENT: Final = frozenset({0x17, 0x18})
"""Characteristics about the link itself (ATT MTU, link layer length), which nothing here needs."""


@dataclass(frozen=True, slots=True)
class _Item:
    name: str
    width: int
    per: int = 1
    """Counts in one unit; more than 1 makes a float."""
    absent: int | None = None
    """The count that means "not available"."""
    where: Literal["both", "direct", "multiplexed"] = "both"
    form: Literal["number", "date", "clock"] = "number"


@dataclass(frozen=True, slots=True)
class _Layout:
    characteristic: int
    kind: type[Any]
    least: int
    """Bytes of the multiplexed form that every firmware sends."""
    items: tuple[_Item, ...]
    short_direct: int | None = None
    """A direct value shorter than this has the multiplexed form."""

    def chosen(self, *, multiplexed: bool) -> list[_Item]:
        unwanted = "direct" if multiplexed else "multiplexed"
        return [item for item in self.items if item.where != unwanted]


_ELAPSED: Final = _Item("elapsed_s", 3, 100)
_METRES: Final = _Item("distance_m", 3, 10)
_DATE: Final = _Item("log_date", 2, form="date")
_CLOCK: Final = _Item("log_time", 2, form="clock")


def _bpm(name: str) -> _Item:
    return _Item(name, 1, absent=0)


_LAYOUTS: Final = (
    _Layout(
        0x31,
        GeneralStatus,
        11,
        (
            _ELAPSED,
            _METRES,
            _Item("workout_type", 1),
            _Item("interval_type", 1),
            _Item("workout_state", 1),
            _Item("rowing_state", 1),
            _Item("stroke_state", 1),
            _Item("total_work_distance_raw", 3),
            _Item("target_raw", 3),
            _Item("target_type", 1),
            _Item("drag_factor", 1, absent=0),
        ),
    ),
    _Layout(
        0x32,
        AdditionalStatus1,
        11,
        (
            _ELAPSED,
            _Item("speed_mps", 2, 1000),
            _Item("stroke_rate_spm", 1),
            _Item("heart_rate_bpm", 1, absent=255),
            _Item("pace_s_per_500m", 2, 100),
            _Item("average_pace_s_per_500m", 2, 100),
            _Item("rest_distance_m", 2),
            _Item("rest_time_s", 3, 100),
            _Item("average_power_w", 2, where="multiplexed"),
            _Item("erg_machine_type", 1),
        ),
    ),
    _Layout(
        0x33,
        AdditionalStatus2,
        18,
        (
            _ELAPSED,
            _Item("interval_count", 1),
            _Item("average_power_w", 2, where="direct"),
            _Item("energy_kcal", 2),
            _Item("split_average_pace_s_per_500m", 2, 100),
            _Item("split_average_power_w", 2),
            _Item("split_energy_kcal", 2),
            _Item("last_split_time_s", 3, 100),
            _Item("last_split_distance_m", 3),
        ),
        short_direct=20,
    ),
    _Layout(
        0x35,
        StrokeData,
        18,
        (
            _ELAPSED,
            _METRES,
            _Item("drive_length_m", 1, 100),
            _Item("drive_s", 1, 100),
            _Item("recovery_s", 2, 100),
            _Item("stroke_distance_m", 2, 100),
            _Item("peak_force_lbf", 2, 10),
            _Item("mean_force_lbf", 2, 10),
            _Item("work_j", 2, 10, absent=0xFFFF, where="direct"),
            _Item("stroke_count", 2),
        ),
        short_direct=20,
    ),
    _Layout(
        0x36,
        AdditionalStrokeData,
        9,
        (
            _ELAPSED,
            _Item("power_w", 2),
            _Item("energy_kcal_per_hour", 2),
            _Item("stroke_count", 2),
            _Item("projected_time_s", 3),
            _Item("projected_distance_m", 3),
            _Item("work_j", 2, 10, absent=0xFFFF, where="multiplexed"),
        ),
    ),
    _Layout(
        0x37,
        SplitData,
        18,
        (
            _ELAPSED,
            _METRES,
            _Item("split_time_s", 3, 10),
            _Item("split_distance_m", 3),
            _Item("rest_s", 2),
            _Item("rest_distance_m", 2),
            _Item("interval_type", 1),
            _Item("number", 1),
        ),
    ),
    _Layout(
        0x38,
        AdditionalSplitData,
        18,
        (
            _ELAPSED,
            _Item("stroke_rate_spm", 1),
            _bpm("heart_rate_bpm"),
            _bpm("rest_heart_rate_bpm"),
            _Item("pace_s_per_500m", 2, 10),
            _Item("energy_kcal", 2),
            _Item("energy_kcal_per_hour", 2),
            _Item("speed_mps", 2, 1000),
            _Item("power_w", 2),
            _Item("drag_factor", 1),
            _Item("number", 1),
            _Item("erg_machine_type", 1),
        ),
    ),
    _Layout(
        0x39,
        WorkoutSummary,
        18,
        (
            _DATE,
            _CLOCK,
            _ELAPSED,
            _METRES,
            _Item("stroke_rate_spm", 1),
            _bpm("end_heart_rate_bpm"),
            _bpm("heart_rate_bpm"),
            _bpm("min_heart_rate_bpm"),
            _bpm("max_heart_rate_bpm"),
            _Item("drag_factor", 1, absent=0),
            _bpm("recovery_heart_rate_bpm"),
            _Item("workout_type", 1),
            _Item("pace_s_per_500m", 2, 10, where="direct"),
        ),
    ),
    _Layout(
        0x3A,
        AdditionalSummary,
        18,
        (
            _DATE,
            _CLOCK,
            _Item("interval_type", 1, where="direct"),
            _Item("split_size_raw", 2),
            _Item("split_count", 1),
            _Item("energy_kcal", 2),
            _Item("power_w", 2),
            _Item("rest_distance_m", 3),
            _Item("rest_s", 2),
            _Item("energy_kcal_per_hour", 2),
        ),
        short_direct=19,
    ),
    _Layout(
        0x3B,
        HeartRateBelt,
        6,
        (_Item("manufacturer_id", 1), _Item("device_type", 1), _Item("belt_id", 4)),
    ),
    _Layout(
        0x3C,
        AdditionalSummary2,
        9,
        (
            _DATE,
            _CLOCK,
            _Item("pace_s_per_500m", 2, 10),
            _Item("game", 1),
            _Item("game_score", 2),
            _Item("erg_machine_type", 1),
        ),
    ),
    _Layout(
        0x3E,
        AdditionalStatus3,
        12,
        (
            _Item("operational_state", 1),
            _Item("verification_state", 1),
            _Item("screen", 2),
            _Item("last_error", 2),
            _Item("calibration_mode", 1),
            _Item("calibration_state", 1),
            _Item("calibration_status", 1),
            _Item("game", 1),
            _Item("game_score", 2),
        ),
    ),
    _Layout(
        0x3F,
        LoggedWorkout,
        15,
        (
            _Item("workout_hash", 8),
            _Item("log_address", 4),
            _Item("log_size", 2),
            _Item("erg_model_type", 1),
        ),
    ),
    _Layout(0x34, SamplePeriod, 1, (_Item("code", 1),)),
    _Layout(0x16, ErgMachine, 1, (_Item("erg_machine_type", 1),)),
)

_BY_CHARACTERISTIC: Final = {layout.characteristic: layout for layout in _LAYOUTS}
_BY_KIND: Final = {layout.kind: layout for layout in _LAYOUTS}
_FORCE: Final = 0x3D
_NOT_MULTIPLEXED: Final = frozenset({0x16, 0x34, *INFO_FIELDS, *SILENT})

CHARACTERISTICS: Final = frozenset({*_BY_CHARACTERISTIC, *INFO_FIELDS, _FORCE})
"""Those whose values are read here, by the last byte of their number."""


def characteristic_of(value: Value) -> int:
    """Through which characteristic a value is sent, the last byte of its number."""
    if isinstance(value, InfoText):
        return value.characteristic
    if isinstance(value, ForcePart):
        return _FORCE
    return _BY_KIND[type(value)].characteristic


def decode_value(characteristic: int, payload: bytes) -> Value | Malformed:
    """What a notification or reading of one of `CHARACTERISTICS` says.

    A payload that ends before what every firmware sends is Malformed; a field that is cut later
    on is None, and bytes after the last field are ignored.
    """
    if characteristic in INFO_FIELDS:
        text = payload.decode("utf-8", "replace").split("\0", 1)[0].strip()
        return InfoText(characteristic=characteristic, text=text)
    return _decode(characteristic, payload, multiplexed=False)


def decode_multiplexed(payload: bytes) -> Value | Malformed:
    """What a notification of 0080 says: the id of a characteristic, then its value."""
    if not payload:
        return Malformed(reason="1 byte or more expected, got 0")
    characteristic = payload[0]
    if characteristic in _NOT_MULTIPLEXED:
        return Malformed(reason=f"id {characteristic:02x} is none that is sent here")
    return _decode(characteristic, payload[1:], multiplexed=True)


def encode_value(value: Value) -> bytes:
    """The payload through the value's own characteristic; numbers are clamped to their width.

    What firmware may leave out at the end is left out from the first None on.
    """
    if isinstance(value, InfoText):
        return value.text.encode()
    return _encode(value, multiplexed=False)


def encode_multiplexed(value: Value) -> bytes:
    """The payload through 0080, id first; a value that is not sent there raises ValueError."""
    characteristic = characteristic_of(value)
    if characteristic in _NOT_MULTIPLEXED:
        raise ValueError(f"{type(value).__name__} is not sent through 0080")
    return bytes([characteristic]) + _encode(value, multiplexed=True)


def _decode(characteristic: int, payload: bytes, *, multiplexed: bool) -> Value | Malformed:
    if characteristic == _FORCE:
        return _decode_force(payload)
    layout = _BY_CHARACTERISTIC.get(characteristic)
    if layout is None:
        return Malformed(reason=f"{characteristic:02x} is no value of a Concept2 monitor")
    if layout.short_direct is not None and len(payload) < layout.short_direct:
        multiplexed = True
    if len(payload) < layout.least:
        return Malformed(reason=f"{layout.least} bytes or more expected, got {len(payload)}")
    fields: dict[str, Any] = {}
    at = 0
    for item in layout.chosen(multiplexed=multiplexed):
        end = at + item.width
        if end > len(payload):
            break
        fields[item.name] = _read(item, int.from_bytes(payload[at:end], "little"))
        at = end
    value: Value = layout.kind(**fields)
    return value


def _read(item: _Item, raw: int) -> float | int | date | time | None:
    if raw == item.absent:
        return None
    if item.form == "date":
        return _date(raw)
    if item.form == "clock":
        hour, minute = raw >> 8, raw & 0xFF
        return time(hour, minute) if hour < 24 and minute < 60 else None
    return raw if item.per == 1 else raw / item.per


def _date(raw: int) -> date | None:
    try:
        return date(2000 + (raw >> 9), raw & 0x0F, raw >> 4 & 0x1F)
    except ValueError:
        return None


def _encode(value: Value, *, multiplexed: bool) -> bytes:
    if isinstance(value, ForcePart):
        return _encode_force(value)
    layout = _BY_KIND[type(value)]
    packer = Packer()
    size = 0
    for item in layout.chosen(multiplexed=multiplexed):
        given = getattr(value, item.name)
        if given is None and item.absent is None and item.form == "number" and size >= layout.least:
            break
        packer.unsigned(_raw(item, given), item.width)
        size += item.width
    return packer.bytes()


def _raw(item: _Item, given: float | date | time | None) -> int:
    if given is None:
        return item.absent or 0
    if isinstance(given, date):
        return (given.year - 2000) << 9 | given.day << 4 | given.month
    if isinstance(given, time):
        return given.hour << 8 | given.minute
    return round(given * item.per)


def _decode_force(payload: bytes) -> ForcePart | Malformed:
    if len(payload) < 2:
        return Malformed(reason=f"2 bytes or more expected, got {len(payload)}")
    parts, count = payload[0] >> 4, payload[0] & 0x0F
    if len(payload) < 2 + 2 * count:
        return Malformed(reason=f"{2 + 2 * count} bytes or more expected, got {len(payload)}")
    if payload[1] >= parts:
        return Malformed(reason=f"part {payload[1]} of a curve of {parts} parts")
    points = tuple(
        int.from_bytes(payload[at : at + 2], "little", signed=True)
        for at in range(2, 2 + 2 * count, 2)
    )
    return ForcePart(parts=parts, part=payload[1], points_lbf=points)


def _encode_force(value: ForcePart) -> bytes:
    points = value.points_lbf
    packer = Packer().unsigned(value.parts << 4 | len(points), 1).unsigned(value.part, 1)
    for point in points:
        packer.signed(point, 2)
    return packer.bytes()


def force_parts(points_lbf: tuple[int, ...]) -> tuple[ForcePart, ...]:
    """A whole force curve in parts of up to nine points, as a monitor sends it.

    A curve of more than 135 points (15 parts) raises ValueError; an empty one has no parts.
    """
    cuts = range(0, len(points_lbf), MOST_FORCE_POINTS)
    if len(cuts) > 15:
        raise ValueError(f"a force curve has up to 135 points, not {len(points_lbf)}")
    return tuple(
        ForcePart(parts=len(cuts), part=n, points_lbf=points_lbf[at : at + MOST_FORCE_POINTS])
        for n, at in enumerate(cuts)
    )
