"""The vocabulary: what a device can say, in the rower's words and in SI-like units.

Every record is frozen, starts with `t_ns` (nanoseconds since session start, of the frame it was
decoded from) and `source` (the device's name within the session). A field that is None was not
said by the machine; 0 means it said zero. Units stand at the end of the names.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What all records share."""

    t_ns: int
    """Host monotonic time since session start, nanoseconds, of the frame that said it."""
    source: str
    """Name of the device within the session, as in the `# source:` header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowerSample(Record):
    """One notification or reading of a rowing machine, holding only what it carried.

    No decoder carries values forward: absent and "not available" are both None. A pace of 0 or a
    heart rate of 0 is reported as sent; readers take it for no value.
    """

    elapsed_s: float | None = None
    """Machine time since its session began; may pause, reset, or count whole seconds."""
    remaining_s: float | None = None
    """Machine time left in a programmed workout."""
    distance_m: float | None = None
    """Cumulative distance since the machine's session began."""
    stroke_count: int | None = None
    """Cumulative strokes since the machine's session began."""
    stroke_rate_spm: float | None = None
    pace_s_per_500m: float | None = None
    """Instantaneous pace; 0 means not moving."""
    power_w: float | None = None
    average_stroke_rate_spm: float | None = None
    average_pace_s_per_500m: float | None = None
    average_power_w: float | None = None
    speed_mps: float | None = None
    """Instantaneous speed, from machines that send speed and no pace."""
    energy_kcal: float | None = None
    """Cumulative energy since the machine's session began, kilocalories."""
    energy_kcal_per_hour: float | None = None
    energy_kcal_per_minute: float | None = None
    met: float | None = None
    """Metabolic equivalent."""
    resistance: int | None = None
    """Raw level as sent, unscaled; some machines put other things here."""
    drag_factor: int | None = None
    """Unit 1e-6 N m s^2."""
    heart_rate_bpm: int | None = None
    """Relayed by the machine; 0 means no reading."""
    complete: bool = True
    """Whether the machine's record ended with this notification."""
    truncated: bool = False
    """Whether the payload ended before all announced fields."""
    extra_bytes: int = 0
    """Bytes after the last announced field, ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke(Record):
    """One stroke, or what is known of it so far: records of one number are merged above.

    A stroke is its drive and the whole recovery after it.
    """

    number: int
    """Count of strokes on this connection, from 1; the session's own number once stored."""
    stroke_rate_spm: float | None = None
    drive_s: float | None = None
    recovery_s: float | None = None
    drive_length_m: float | None = None
    """Length of the handle's travel."""
    distance_m: float | None = None
    """Metres covered in this stroke alone."""
    power_w: float | None = None
    work_j: float | None = None
    peak_force_n: float | None = None
    mean_force_n: float | None = None
    force_curve_n: tuple[float, ...] | None = None
    """Handle force over the drive, evenly spaced in the machine's own steps."""
    total_distance_m: float | None = None
    """Session distance when the stroke was seen; filled in above the decoder."""
    elapsed_s: float | None = None
    """Machine time when the stroke was seen; filled in above the decoder."""
    inferred: bool = False
    """True when concluded from a counter, False when the machine reported the stroke itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartRate(Record):
    """One heart-rate measurement of a strap or band."""

    heart_rate_bpm: int
    """As sent; 0 and values without contact are no measurement to readers."""
    rr_ms: tuple[float, ...] | None = None
    """RR intervals in ms (raw * 1000 / 1024), oldest first; None: flag clear; (): set and empty."""
    contact: bool | None = None
    """Skin contact; None when the sensor cannot tell."""
    energy_kj: int | None = None
    """Energy expended since the sensor's reset, kilojoules."""
    truncated: bool = False
    """Whether the payload ended before all announced fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState(Record):
    """What the machine says of its own state: started, paused, idle, in interval 3, ..."""

    state: str
    """Lower-case name, words joined by underscores; "unknown" for a reserved code."""
    interval_number: int | None = None
    code: int | None = None
    """The code as sent."""
    text: str | None = None
    """Text sent along, or the label of a key."""
    parameter: float | int | tuple[float, ...] | None = None
    """The state's parameter in its own unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineInfo(Record):
    """What the device says of itself; each record carries what one reading told."""

    manufacturer: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware: str | None = None
    hardware: str | None = None
    software: str | None = None
    battery_pct: int | None = None
    features: tuple[int, ...] | None = None
    """Numbers of the set feature bits."""
    target_features: tuple[int, ...] | None = None
    """Numbers of the set target-setting bits."""
    ranges: tuple[tuple[str, float, float, float], ...] | None = None
    """(what, minimum, maximum, step), each in the unit that `what` ends with."""
    body_location: str | None = None
    tank_volume_l: float | None = None
    """Water in the tank of a water rower, litres."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSplit(Record):
    """What the monitor itself says of one split or interval."""

    number: int
    kind: str | None = None
    """"work", "rest" or the machine's own word for the interval type."""
    time_s: float | None = None
    distance_m: float | None = None
    stroke_count: int | None = None
    stroke_rate_spm: float | None = None
    pace_s_per_500m: float | None = None
    power_w: float | None = None
    energy_kcal: float | None = None
    energy_kcal_per_hour: float | None = None
    heart_rate_bpm: int | None = None
    end_heart_rate_bpm: int | None = None
    rest_heart_rate_bpm: int | None = None
    drag_factor: int | None = None
    rest_s: float | None = None
    rest_distance_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSummary(Record):
    """What the monitor itself says of the whole piece."""

    workout: str | None = None
    time_s: float | None = None
    distance_m: float | None = None
    stroke_count: int | None = None
    stroke_rate_spm: float | None = None
    pace_s_per_500m: float | None = None
    power_w: float | None = None
    energy_kcal: float | None = None
    energy_kcal_per_hour: float | None = None
    heart_rate_bpm: int | None = None
    min_heart_rate_bpm: int | None = None
    max_heart_rate_bpm: int | None = None
    end_heart_rate_bpm: int | None = None
    recovery_heart_rate_bpm: int | None = None
    drag_factor: int | None = None
    interval_count: int | None = None
    rest_s: float | None = None
    rest_distance_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLap(Record):
    """What a finished workout's file says of one of its laps: a piece of work, a rest, a pause."""

    number: int
    """From 0, in order of time."""
    kind: str
    """"work", "rest" or "pause"."""
    start_s: float
    """Since session start."""
    end_s: float
    activity: str | None = None
    """None: rowing, or a rest from it."""
    ended_by: str | None = None
    target_type: str | None = None
    target_value: float | None = None
    duration_s: float | None = None
    """By the clock that counted; None: from start to end."""
    distance_m: float | None = None
    stroke_count: int | None = None
    energy_kcal: float | None = None
    mean_pace_s_per_500m: float | None = None
    mean_power_w: float | None = None
    mean_stroke_rate_spm: float | None = None
    mean_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None
    min_heart_rate_bpm: float | None = None
    end_heart_rate_bpm: float | None = None
    heart_rate_drop_30s_bpm: float | None = None
    heart_rate_drop_60s_bpm: float | None = None
    heart_rate_drop_120s_bpm: float | None = None
    heart_rate_coverage: float | None = None
    drag_factor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileTotals(Record):
    """What a finished workout's file says of all of it, and what its laps follow."""

    plan: str | None = None
    """Interval text; None: the laps are all that is known of what was meant."""
    activity: str | None = None
    duration_s: float | None = None
    elapsed_s: float | None = None
    work_s: float | None = None
    rest_s: float | None = None
    distance_m: float | None = None
    work_distance_m: float | None = None
    rest_distance_m: float | None = None
    stroke_count: int | None = None
    energy_kcal: float | None = None
    mean_pace_s_per_500m: float | None = None
    mean_power_w: float | None = None
    mean_stroke_rate_spm: float | None = None
    mean_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None
    min_heart_rate_bpm: float | None = None
    heart_rate_coverage: float | None = None
    drag_factor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlReply(Record):
    """The machine's answer to something that was written to it."""

    request: int
    """Code of the request answered."""
    result: int
    result_name: str
    """Lower-case name; "reserved" for an unknown code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Record):
    """The link to a device came up or went down."""

    up: bool
    reason: str | None = None
    """Why it went down, for people; None when up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker(Record):
    """A key that the user pressed."""

    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood(Record):
    """A source sent more frames than are kept."""

    count: int
    """How many were left out since this was last said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecoded(Record):
    """Bytes that could not be read as specified; they are kept in the frame."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick(Record):
    """A whole second of frame time went by; its source is the empty string."""


KEY_SOURCE: Final = "user"
"""The source of `key` frames; needs no header."""


def fields_of(record: Record) -> dict[str, object]:
    """A record's fields by name, in their order, None included."""
    return {field.name: getattr(record, field.name) for field in fields(record)}
