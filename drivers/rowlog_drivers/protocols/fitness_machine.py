"""What a fitness machine says beside its data: features, ranges, states, answers, advertising.

Layouts: Bluetooth SIG, Fitness Machine Service 1.0: section 3.1 (service data), 4.3 (feature),
4.10 (training status), 4.11 to 4.15 (supported ranges), 4.16 (control point), 4.17 (status).
Public names are offered by `ftms`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Final

from rowlog_drivers.fields import Cursor, Packer
from rowlog_drivers.records import ControlReply, MachineInfo, MachineState, Undecoded

FEATURE_CHANNEL: Final = "2acc"
TRAINING_STATUS_CHANNEL: Final = "2ad3"
CONTROL_CHANNEL: Final = "2ad9"
STATUS_CHANNEL: Final = "2ada"

UNKNOWN: Final = "unknown"
"""The state of a reserved code or an empty value."""

Parameter = float | int | tuple[float, ...] | None
"""The parameter of a state or request: a number, several, or None when there is none."""


# --- advertising -------------------------------------------------------------------------------

MACHINE_TYPES: Final = (
    "treadmill",
    "cross_trainer",
    "step_climber",
    "stair_climber",
    "rower",
    "indoor_bike",
)
"""Names of the machine type bits, from bit 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceData:
    """What a machine advertises as service data of 0x1826."""

    available: bool | None
    """Whether the machine can be used now; None when it does not say."""
    machine_types: tuple[str, ...]
    """Names from `MACHINE_TYPES` in bit order; () when unknown until connected."""


def parse_service_data(payload: bytes) -> ServiceData:
    """Service data of 0x1826 without the UUID: u8 flags, u16 machine type bits.

    All bytes after the flags are joined: machines are known that send the type's bytes swapped,
    or one of them, and only its low six bits are defined. Nothing is rejected.
    """
    bits = 0
    for octet in payload[1:]:
        bits |= octet
    return ServiceData(
        available=bool(payload[0] & 1) if payload else None,
        machine_types=tuple(name for bit, name in enumerate(MACHINE_TYPES) if bits >> bit & 1),
    )


def encode_service_data(
    *, available: bool = True, machine_types: Iterable[str] = ("rower",)
) -> bytes:
    """Service data of 0x1826 without the UUID. Raises ValueError for an unknown type."""
    bits = 0
    for name in machine_types:
        if name not in MACHINE_TYPES:
            raise ValueError(f"{name!r} is not a machine type: {', '.join(MACHINE_TYPES)}")
        bits |= 1 << MACHINE_TYPES.index(name)
    return Packer().unsigned(available, 1).unsigned(bits, 2).bytes()


# --- features and ranges -----------------------------------------------------------------------

_FEATURE_BYTES: Final = 4


def decode_features(payload: bytes, *, t_ns: int, source: str) -> MachineInfo:
    """Fitness Machine Feature (0x2ACC): u32 features, u32 target settings, as numbers of set bits.

    Missing bytes are read as 0, since two-byte values are seen; surplus bytes are ignored.
    """
    return MachineInfo(
        t_ns=t_ns,
        source=source,
        features=_set_bits(payload[:_FEATURE_BYTES]),
        target_features=_set_bits(payload[_FEATURE_BYTES : 2 * _FEATURE_BYTES]),
    )


def encode_features(features: Iterable[int], target_features: Iterable[int] = ()) -> bytes:
    """Fitness Machine Feature (0x2ACC) with these bits set.

    Raises ValueError for a bit outside 0 to 31.
    """
    packer = Packer()
    for bits in (features, target_features):
        word = 0
        for bit in bits:
            if not 0 <= bit < 8 * _FEATURE_BYTES:
                raise ValueError(f"a feature bit is 0 to {8 * _FEATURE_BYTES - 1}, not {bit}")
            word |= 1 << bit
        packer.unsigned(word, _FEATURE_BYTES)
    return packer.bytes()


@dataclass(frozen=True, slots=True)
class _Number:
    """One number on the wire: `value = raw / per_unit`."""

    width: int
    signed: bool = False
    per_unit: int = 1

    def take(self, cursor: Cursor) -> float | int | None:
        raw = cursor.signed(self.width) if self.signed else cursor.unsigned(self.width)
        return raw if raw is None or self.per_unit == 1 else raw / self.per_unit

    def put(self, packer: Packer, value: float) -> None:
        if not isfinite(value):
            raise ValueError(f"a parameter must be a finite number, not {value}")
        raw = round(value * self.per_unit)
        if self.signed:
            packer.signed(raw, self.width)
        else:
            packer.unsigned(raw, self.width)


_U8: Final = _Number(1)
_U16: Final = _Number(2)
_U24: Final = _Number(3)
_S16: Final = _Number(2, signed=True)
_SPEED: Final = _Number(2, per_unit=100)
_INCLINATION: Final = _Number(2, signed=True, per_unit=10)
_RESISTANCE: Final = _Number(1, per_unit=10)
_WIDE_RESISTANCE: Final = _Number(2, signed=True, per_unit=10)
_CIRCUMFERENCE: Final = _Number(2, per_unit=10)
_CADENCE: Final = _Number(2, per_unit=2)

_RANGES: Final[Mapping[str, tuple[str, tuple[_Number, _Number, _Number]]]] = {
    "2ad4": ("speed_kmh", (_SPEED, _SPEED, _SPEED)),
    "2ad5": ("inclination_pct", (_INCLINATION, _INCLINATION, _Number(2, per_unit=10))),
    "2ad6": ("resistance", (_WIDE_RESISTANCE, _WIDE_RESISTANCE, _Number(2, per_unit=10))),
    "2ad7": ("heart_rate_bpm", (_U8, _U8, _U8)),
    "2ad8": ("power_w", (_S16, _S16, _U16)),
}
"""Characteristic to what it is the range of, and its minimum, maximum and step."""

_NARROW_RANGE: Final = (_U8, _U8, _U8)
"""Resistance as the later GATT Specification Supplement has it, of unclear scale: as sent."""

RANGE_CHANNELS: Final = frozenset(_RANGES)
"""Channels that `decode_range` takes."""


def decode_range(
    channel: str, payload: bytes, *, t_ns: int, source: str
) -> MachineInfo | Undecoded:
    """A supported range (0x2AD4 to 0x2AD8): minimum, maximum and step of what can be set.

    Resistance of exactly three bytes is the one-byte layout and reported unscaled. Too short a
    value, or a channel that is no range, is Undecoded; surplus bytes are ignored.
    """
    if channel not in _RANGES:
        reason = f"{channel}: not a supported range"
        return Undecoded(t_ns=t_ns, source=source, reason=reason)
    what, numbers = _RANGES[channel]
    if what == "resistance" and len(payload) == len(_NARROW_RANGE):
        numbers = _NARROW_RANGE
    cursor = Cursor(payload)
    low, high, step = (number.take(cursor) for number in numbers)
    if low is None or high is None or step is None:
        expected = sum(number.width for number in numbers)
        reason = f"{channel}: {expected} bytes expected, got {len(payload)}"
        return Undecoded(t_ns=t_ns, source=source, reason=reason)
    return MachineInfo(t_ns=t_ns, source=source, ranges=((what, low, high, step),))


def encode_range(
    channel: str, minimum: float, maximum: float, step: float, *, narrow: bool = False
) -> bytes:
    """A supported range, each value rounded and clamped to its resolution.

    With `narrow`, resistance takes one byte each, unscaled. Raises ValueError for a channel that
    is no range and for a value that is not a finite number.
    """
    if channel not in _RANGES:
        raise ValueError(f"{channel!r} is not a range: {', '.join(_RANGES)}")
    what, numbers = _RANGES[channel]
    if narrow and what == "resistance":
        numbers = _NARROW_RANGE
    packer = Packer()
    for number, value in zip(numbers, (minimum, maximum, step), strict=True):
        number.put(packer, value)
    return packer.bytes()


# --- states ------------------------------------------------------------------------------------

TRAINING_STATES: Final = (
    "other",
    "idle",
    "warming_up",
    "low_intensity_interval",
    "high_intensity_interval",
    "recovery_interval",
    "isometric",
    "heart_rate_control",
    "fitness_test",
    "speed_below_control_region",
    "speed_above_control_region",
    "cool_down",
    "watt_control",
    "manual_mode",
    "pre_workout",
    "post_workout",
)
"""Names of the training status codes, by code; the codes after these are reserved."""

_HAS_TEXT: Final = 0x01


def decode_training_status(payload: bytes, *, t_ns: int, source: str) -> MachineState:
    """Training Status (0x2AD3): u8 flags, u8 status, [UTF-8 text].

    The state is "unknown" for a reserved code and for a value too short to hold one, whose code
    is None. `text` is None when its flag is clear; bytes that are not UTF-8 are replaced. A
    notification may hold the beginning of a long text only.
    """
    code = payload[1] if len(payload) > 1 else None
    known = code is not None and code < len(TRAINING_STATES)
    text = None
    if code is not None and payload[0] & _HAS_TEXT:
        text = payload[2:].decode("utf-8", "replace").rstrip("\0")
    return MachineState(
        t_ns=t_ns,
        source=source,
        state=TRAINING_STATES[code] if known and code is not None else UNKNOWN,
        code=code,
        text=text,
    )


def encode_training_status(status: int | str, text: str | None = None) -> bytes:
    """Training Status (0x2AD3). Raises ValueError for an unknown name or a code over 255."""
    if isinstance(status, str):
        if status not in TRAINING_STATES:
            raise ValueError(f"{status!r} is not a training status: {', '.join(TRAINING_STATES)}")
        status = TRAINING_STATES.index(status)
    packer = Packer().unsigned(0 if text is None else _HAS_TEXT, 1)
    packer.unsigned(_code(status), 1)
    return packer.raw(b"" if text is None else text.encode()).bytes()


@dataclass(frozen=True, slots=True)
class _Message:
    """One op code's name and the numbers after it."""

    name: str
    numbers: tuple[_Number, ...] = ()


_SIMULATION: Final = (
    _Number(2, signed=True, per_unit=1000),
    _Number(2, signed=True, per_unit=100),
    _Number(1, per_unit=10_000),
    _Number(1, per_unit=100),
)
"""Wind (m/s), grade (%), rolling resistance coefficient, wind resistance (kg/m)."""

_STATUS: Final[Mapping[int, _Message]] = {
    0x01: _Message("reset"),
    0x02: _Message("stopped_or_paused_by_user", (_U8,)),
    0x03: _Message("stopped_by_safety_key"),
    0x04: _Message("started_or_resumed_by_user"),
    0x05: _Message("target_speed_changed", (_SPEED,)),
    0x06: _Message("target_incline_changed", (_INCLINATION,)),
    0x07: _Message("target_resistance_level_changed", (_RESISTANCE,)),
    0x08: _Message("target_power_changed", (_S16,)),
    0x09: _Message("target_heart_rate_changed", (_U8,)),
    0x0A: _Message("targeted_energy_changed", (_U16,)),
    0x0B: _Message("targeted_steps_changed", (_U16,)),
    0x0C: _Message("targeted_strides_changed", (_U16,)),
    0x0D: _Message("targeted_distance_changed", (_U24,)),
    0x0E: _Message("targeted_training_time_changed", (_U16,)),
    0x0F: _Message("targeted_time_in_2_heart_rate_zones_changed", (_U16,) * 2),
    0x10: _Message("targeted_time_in_3_heart_rate_zones_changed", (_U16,) * 3),
    0x11: _Message("targeted_time_in_5_heart_rate_zones_changed", (_U16,) * 5),
    0x12: _Message("bike_simulation_parameters_changed", _SIMULATION),
    0x13: _Message("wheel_circumference_changed", (_CIRCUMFERENCE,)),
    0x14: _Message("spin_down_status", (_U8,)),
    0x15: _Message("targeted_cadence_changed", (_CADENCE,)),
    0xFF: _Message("control_permission_lost"),
}

STATUS_NAMES: Final[Mapping[int, str]] = {op: message.name for op, message in _STATUS.items()}
"""Machine status op codes and their names."""


def decode_status(payload: bytes, *, t_ns: int, source: str) -> MachineState | Undecoded:
    """Fitness Machine Status (0x2ADA): u8 op code, parameter.

    `code` is the op code, `state` its name ("unknown" when reserved), `parameter` its parameter:
    km/h, %, W, bpm, kcal, m, s, mm, strokes/min; resistance in tenths, one byte or, when there
    are two, two signed; for a stop 1 means stopped, 2 paused; several numbers are a tuple. It is
    None when the op code has none or when it did not arrive whole. Surplus bytes are ignored. An
    empty value is Undecoded.
    """
    if not payload:
        return Undecoded(t_ns=t_ns, source=source, reason="2ada: 1 byte or more expected, got 0")
    op = payload[0]
    message = _STATUS.get(op)
    return MachineState(
        t_ns=t_ns,
        source=source,
        state=UNKNOWN if message is None else message.name,
        code=op,
        parameter=None if message is None else _take_parameter(message, payload[1:]),
    )


def encode_status(
    status: int | str, parameter: Parameter = None, *, wide_resistance: bool = False
) -> bytes:
    """Fitness Machine Status (0x2ADA), with the parameter in its unit; None sends none.

    With `wide_resistance` a resistance level takes two bytes, signed. Raises ValueError for an
    unknown status, a parameter that it does not have, or the wrong number of numbers.
    """
    op = _op(status, STATUS_NAMES, "machine status")
    return _encode_message(op, _STATUS[op], parameter, wide_resistance)


# --- control point -----------------------------------------------------------------------------

_CONTROL: Final[Mapping[int, _Message]] = {
    0x00: _Message("request_control"),
    0x01: _Message("reset"),
    0x02: _Message("set_target_speed", (_SPEED,)),
    0x03: _Message("set_target_inclination", (_INCLINATION,)),
    0x04: _Message("set_target_resistance_level", (_RESISTANCE,)),
    0x05: _Message("set_target_power", (_S16,)),
    0x06: _Message("set_target_heart_rate", (_U8,)),
    0x07: _Message("start_or_resume"),
    0x08: _Message("stop_or_pause", (_U8,)),
    0x09: _Message("set_targeted_energy", (_U16,)),
    0x0A: _Message("set_targeted_steps", (_U16,)),
    0x0B: _Message("set_targeted_strides", (_U16,)),
    0x0C: _Message("set_targeted_distance", (_U24,)),
    0x0D: _Message("set_targeted_training_time", (_U16,)),
    0x0E: _Message("set_targeted_time_in_2_heart_rate_zones", (_U16,) * 2),
    0x0F: _Message("set_targeted_time_in_3_heart_rate_zones", (_U16,) * 3),
    0x10: _Message("set_targeted_time_in_5_heart_rate_zones", (_U16,) * 5),
    0x11: _Message("set_bike_simulation_parameters", _SIMULATION),
    0x12: _Message("set_wheel_circumference", (_CIRCUMFERENCE,)),
    0x13: _Message("spin_down_control", (_U8,)),
    0x14: _Message("set_targeted_cadence", (_CADENCE,)),
}

CONTROL_NAMES: Final[Mapping[int, str]] = {op: message.name for op, message in _CONTROL.items()}
"""Control point op codes and their names."""

REQUEST_CONTROL: Final = 0x00
RESET: Final = 0x01
START_OR_RESUME: Final = 0x07
STOP_OR_PAUSE: Final = 0x08
STOP: Final = 1
"""Parameter of `STOP_OR_PAUSE`."""
PAUSE: Final = 2
"""Parameter of `STOP_OR_PAUSE`."""

_SHORTHANDS: Final[Mapping[str, bytes]] = {
    "start": bytes([START_OR_RESUME]),
    "stop": bytes([STOP_OR_PAUSE, STOP]),
    "pause": bytes([STOP_OR_PAUSE, PAUSE]),
}

_REPLY: Final = 0x80
_REPLY_BYTES: Final = 3

RESULT_NAMES: Final[Mapping[int, str]] = {
    0x01: "success",
    0x02: "op_code_not_supported",
    0x03: "invalid_parameter",
    0x04: "operation_failed",
    0x05: "control_not_permitted",
}
"""Results of a request to the control point; all others are reserved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRequest:
    """What a client wrote to the control point."""

    op: int
    name: str
    """Name of the op code; "unknown" when it is reserved."""
    parameter: Parameter
    """In its unit; None when the op code has none or when it did not arrive whole."""


def encode_control(
    request: int | str, parameter: Parameter = None, *, wide_resistance: bool = False
) -> bytes:
    """A request to the Control Point (0x2AD9), to be written with response.

    Args:
        request: an op code, its name in `CONTROL_NAMES`, or "start", "stop" or "pause".
        parameter: in its unit, as in `decode_status`; None for a request without one.
        wide_resistance: whether a resistance level takes two bytes, signed, as many machines
            want against the text of the standard.

    Raises ValueError for an unknown request and for a missing, surplus or non-finite parameter.
    """
    if isinstance(request, str) and request in _SHORTHANDS:
        if parameter is not None:
            raise ValueError(f"{request} takes no parameter")
        return _SHORTHANDS[request]
    op = _op(request, CONTROL_NAMES, "request")
    message = _CONTROL[op]
    if parameter is None and message.numbers:
        raise ValueError(f"{message.name} needs a parameter")
    return _encode_message(op, message, parameter, wide_resistance)


def parse_control(payload: bytes) -> ControlRequest | None:
    """What was written to the Control Point (0x2AD9); None for an empty value."""
    if not payload:
        return None
    op = payload[0]
    message = _CONTROL.get(op)
    return ControlRequest(
        op=op,
        name=UNKNOWN if message is None else message.name,
        parameter=None if message is None else _take_parameter(message, payload[1:]),
    )


def decode_control_reply(payload: bytes, *, t_ns: int, source: str) -> ControlReply | Undecoded:
    """An indication of the Control Point (0x2AD9): 0x80, op code of the request, result.

    Fewer than three bytes, or another first byte, is Undecoded and no success. Surplus bytes are
    ignored.
    """
    if len(payload) < _REPLY_BYTES:
        reason = f"2ad9: {_REPLY_BYTES} bytes or more expected, got {len(payload)}"
        return Undecoded(t_ns=t_ns, source=source, reason=reason)
    if payload[0] != _REPLY:
        reason = f"2ad9: a reply begins with 0x80, got 0x{payload[0]:02x}"
        return Undecoded(t_ns=t_ns, source=source, reason=reason)
    return ControlReply(
        t_ns=t_ns,
        source=source,
        request=payload[1],
        result=payload[2],
        result_name=RESULT_NAMES.get(payload[2], "reserved"),
    )


def encode_control_reply(request: int | str, result: int | str) -> bytes:
    """An indication of the Control Point (0x2AD9); request and result as codes or names.

    Raises ValueError for an unknown name or a code over 255.
    """
    if isinstance(request, str):
        request = _op(request, CONTROL_NAMES, "request")
    if isinstance(result, str):
        result = _op(result, RESULT_NAMES, "result")
    return (
        Packer().unsigned(_REPLY, 1).unsigned(_code(request), 1).unsigned(_code(result), 1).bytes()
    )


# --- helpers -----------------------------------------------------------------------------------


def _set_bits(payload: bytes) -> tuple[int, ...]:
    word = int.from_bytes(payload, "little")
    return tuple(bit for bit in range(word.bit_length()) if word >> bit & 1)


def _code(code: int) -> int:
    if not 0 <= code <= 0xFF:
        raise ValueError(f"a code is 0 to 255, not {code}")
    return code


def _op(op: int | str, names: Mapping[int, str], what: str) -> int:
    """The code of a name, or the code itself when it has one."""
    for code, name in names.items():
        if op in (code, name):
            return code
    raise ValueError(f"{op!r} is not a {what}: {', '.join(names.values())}")


def _take_parameter(message: _Message, payload: bytes) -> Parameter:
    numbers = message.numbers
    if numbers == (_RESISTANCE,) and len(payload) >= _WIDE_RESISTANCE.width:
        numbers = (_WIDE_RESISTANCE,)
    cursor = Cursor(payload)
    values = tuple(value for n in numbers if (value := n.take(cursor)) is not None)
    if not numbers or len(values) < len(numbers):
        return None
    return values[0] if len(values) == 1 else values


def _encode_message(op: int, message: _Message, parameter: Parameter, wide: bool) -> bytes:
    packer = Packer().unsigned(op, 1)
    if parameter is None:
        return packer.bytes()
    numbers = message.numbers
    if wide and numbers == (_RESISTANCE,):
        numbers = (_WIDE_RESISTANCE,)
    values = parameter if isinstance(parameter, tuple) else (parameter,)
    if len(values) != len(numbers):
        raise ValueError(f"{message.name} takes {len(numbers)} numbers, not {len(values)}")
    for number, value in zip(numbers, values, strict=True):
        number.put(packer, value)
    return packer.bytes()
