"""CSAFE contents: commands of a request, status and blocks of a reply, and what they mean.

Source: CSAFE Protocol Technical Specification; Concept2 PM CSAFE Communication Definition 0.27.
The byte order inside each wrapper, and that bytes of a force plot after the valid ones are left
over from before, as in public recordings and implementations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rowlog_drivers.errors import CallError

Meaning = int | float | str | tuple[int, ...]

PM: Final = 0x1A
"""Wrapper of Concept2's own commands, without rights; its numbers are low byte first."""
SET_CONFIGURATION: Final = 0x76
SET_DATA: Final = 0x77
GET_CONFIGURATION: Final = 0x7E
GET_DATA: Final = 0x7F
WRAPPERS: Final = frozenset({PM, SET_CONFIGURATION, SET_DATA, GET_CONFIGURATION, GET_DATA})

STATUS: Final = 0x80
RESET: Final = 0x81
GO_IDLE: Final = 0x82
GO_HAVE_ID: Final = 0x83
GO_IN_USE: Final = 0x85
GO_FINISHED: Final = 0x86
GO_READY: Final = 0x87
VERSION: Final = 0x91
SERIAL: Final = 0x94
WORK_TIME: Final = 0xA0
HORIZONTAL: Final = 0xA1
CALORIES: Final = 0xA3
PACE: Final = 0xA6
CADENCE: Final = 0xA7
HEART_RATE: Final = 0xB0
POWER: Final = 0xB4

PM_WORK_TIME: Final = 0xA0
PM_WORK_DISTANCE: Final = 0xA3
PM_STROKE_STATE: Final = 0xBF
PM_DRAG_FACTOR: Final = 0xC1
PM_FORCE_PLOT: Final = 0x6B
PM_HEART_BEATS: Final = 0x6C
PM_STROKE_STATS: Final = 0x6E
PM_WORKOUT_TYPE: Final = 0x89
PM_WORKOUT_STATE: Final = 0x8D
PM_INTERVAL_TYPE: Final = 0x8E
PM_INTERVAL_COUNT: Final = 0x9F
PM_DURATION: Final = 0xE8

STATES: Final[Mapping[int, str]] = {
    0: "error",
    1: "ready",
    2: "idle",
    3: "have_id",
    5: "in_use",
    6: "pause",
    7: "finished",
    8: "manual",
    9: "offline",
}
"""A PM5 is "offline" while someone rows a workout that CSAFE did not start: no error."""
RESULTS: Final = ("ok", "reject", "bad", "not_ready")
CONCEPT2: Final = 22
"""The manufacturer's number in the version."""
UNITS: Final[Mapping[str, int]] = {"km": 0x21, "m": 0x24, "s_per_km": 0x39, "spm": 0x54, "w": 0x58}
MOST_FORCE_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of a request."""

    id: int
    data: bytes = b""
    wrapper: int | None = None
    """The wrapper that it stands in; None: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyStatus:
    """The first byte of a reply."""

    toggle: int
    """Changes with every frame."""
    previous: str
    """One of `RESULTS`: what became of the frame before."""
    state: str
    """One of `STATES`, or "reserved"."""
    octet: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """What a reply says to one command."""

    id: int
    data: bytes
    wrapper: int | None
    meanings: tuple[tuple[str, Meaning], ...] = ()
    """(name, value), the unit at the end of the name; () for what is not read here."""

    def number(self, name: str) -> float | None:
        """A number by its name; None when this block does not say it."""
        value = dict(self.meanings).get(name)
        return value if isinstance(value, int | float) else None

    def integer(self, name: str) -> int | None:
        """A whole number by its name; None when this block does not say it."""
        value = dict(self.meanings).get(name)
        return value if isinstance(value, int) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The contents of a reply."""

    status: ReplyStatus
    blocks: tuple[Block, ...]
    truncated: bool = False
    """Whether the last block is shorter than it says."""


def command(id: int, data: bytes = b"", *, wrapper: int | None = None) -> Command:
    """One command, checked: only ids below 80 take data, 255 bytes at most. Raises CallError."""
    if not 0 <= id <= 0xFF or (id >= STATUS and data) or len(data) > 0xFF:
        raise CallError(f"The CSAFE command {id:02x} cannot be sent with {len(data)} bytes.")
    return Command(id=id, data=data, wrapper=wrapper)


def encode_commands(commands: Sequence[Command]) -> bytes:
    """The contents of a request; neighbours with the same wrapper share it."""
    contents = bytearray()
    at = 0
    while at < len(commands):
        wrapper = commands[at].wrapper
        if wrapper is None:
            contents += _encode_command(commands[at])
            at += 1
            continue
        inner = bytearray()
        while at < len(commands) and commands[at].wrapper == wrapper:
            inner += _encode_command(commands[at])
            at += 1
        if len(inner) > 0xFF:
            raise CallError("A CSAFE wrapper holds up to 255 bytes.", "Send several frames.")
        contents += bytes([wrapper, len(inner)]) + inner
    return bytes(contents)


def parse_request(contents: bytes) -> tuple[Command, ...]:
    """The commands of a request, for simulators; one that is cut is left out."""
    found: list[Command] = []
    for id, data in _commands(contents):
        if id in WRAPPERS:
            found += [Command(id=inner, data=of_it, wrapper=id) for inner, of_it in _commands(data)]
        else:
            found.append(Command(id=id, data=data))
    return tuple(found)


def parse_reply(contents: bytes) -> Reply | None:
    """What a monitor answered; None for empty contents."""
    if not contents:
        return None
    blocks: list[Block] = []
    truncated = False
    at = 1
    while at < len(contents):
        id = contents[at]
        size = contents[at + 1] if at + 1 < len(contents) else None
        data = contents[at + 2 : at + 2 + (size or 0)]
        truncated = size is None or len(data) < size
        at += 2 + len(data)
        if id in WRAPPERS:
            truncated = _unwrap(id, data, blocks) or truncated
        else:
            blocks.append(_block(None, id, data))
    return Reply(status=parse_status(contents[0]), blocks=tuple(blocks), truncated=truncated)


def parse_status(octet: int) -> ReplyStatus:
    """The status byte of a reply."""
    return ReplyStatus(
        toggle=octet >> 7,
        previous=RESULTS[octet >> 4 & 3],
        state=STATES.get(octet & 0x0F, "reserved"),
        octet=octet,
    )


def encode_reply(octet: int, blocks: Sequence[tuple[int | None, int, bytes]] = ()) -> bytes:
    """The contents of a reply, for simulators: status byte, then (wrapper, id, data)."""
    contents = bytearray([octet])
    at = 0
    while at < len(blocks):
        wrapper = blocks[at][0]
        inner = bytearray()
        while at < len(blocks) and blocks[at][0] == wrapper:
            _, id, data = blocks[at]
            inner += bytes([id]) if wrapper in _BARE else bytes([id, len(data)]) + data
            at += 1
        contents += inner if wrapper is None else bytes([wrapper, len(inner)]) + inner
    return bytes(contents)


def encode_force_block(points_lbf: Sequence[int], wrapper: int = PM) -> bytes:
    """The data of a force plot's reply: how many bytes are valid, then 32 bytes of points."""
    points = b"".join(point.to_bytes(2, _order(wrapper)) for point in points_lbf)
    if len(points) > MOST_FORCE_BYTES:
        raise CallError(f"A force plot's reply holds 16 points, not {len(points_lbf)}.")
    return bytes([len(points)]) + points.ljust(MOST_FORCE_BYTES, b"\0")


_BARE: Final = frozenset({SET_CONFIGURATION, SET_DATA})
"""In these a reply names the commands that were taken, without lengths."""


def _encode_command(command: Command) -> bytes:
    if command.id >= STATUS:
        return bytes([command.id])
    return bytes([command.id, len(command.data)]) + command.data


def _commands(contents: bytes) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    at = 0
    while at < len(contents):
        id = contents[at]
        if id >= STATUS:
            found.append((id, b""))
            at += 1
            continue
        if at + 1 >= len(contents) or at + 2 + contents[at + 1] > len(contents):
            break
        end = at + 2 + contents[at + 1]
        found.append((id, contents[at + 2 : end]))
        at = end
    return found


def _unwrap(wrapper: int, inner: bytes, blocks: list[Block]) -> bool:
    """Append the blocks of a wrapper; returns whether the last one was cut."""
    if wrapper in _BARE:
        blocks += [Block(id=id, data=b"", wrapper=wrapper) for id in inner]
        return False
    at = 0
    while at < len(inner):
        if at + 1 >= len(inner):
            blocks.append(Block(id=inner[at], data=b"", wrapper=wrapper))
            return False  # a command that was taken and has nothing to say
        size = inner[at + 1]
        data = inner[at + 2 : at + 2 + size]
        blocks.append(_block(wrapper, inner[at], data))
        if len(data) < size:
            return True
        at += 2 + size
    return False


def _block(wrapper: int | None, id: int, data: bytes) -> Block:
    reader = (_PUBLIC if wrapper is None else _PM_READERS).get(id)
    meanings = reader(data, _order(wrapper)) if reader is not None else ()
    return Block(id=id, data=data, wrapper=wrapper, meanings=meanings)


_Order = Literal["little", "big"]
_Meanings = tuple[tuple[str, Meaning], ...]
_Reader = Callable[[bytes, _Order], _Meanings]


def _order(wrapper: int | None) -> _Order:
    return "little" if wrapper in (None, PM) else "big"


def _fields(*items: tuple[str, int, int]) -> _Reader:
    """A reader of fields one after the other: (name, bytes, counts in one unit)."""

    def read(data: bytes, order: _Order) -> _Meanings:
        found: list[tuple[str, Meaning]] = []
        at = 0
        for name, width, per in items:
            if at + width > len(data):
                break
            raw = int.from_bytes(data[at : at + width], order)
            found.append((name, raw if per == 1 else raw / per))
            at += width
        return tuple(found)

    return read


def _with_unit(name: str, unit: int, factor: float = 1) -> _Reader:
    """A u16 that only counts with this unit behind it; a reply without a unit is taken too."""

    def read(data: bytes, order: _Order) -> _Meanings:
        if len(data) < 2 or (len(data) > 2 and data[2] != unit):
            return ()
        raw = int.from_bytes(data[:2], order)
        return ((name, raw if factor == 1 else raw * factor),)

    return read


def _horizontal(data: bytes, order: _Order) -> _Meanings:
    if len(data) < 3 or data[2] not in (UNITS["m"], UNITS["km"]):
        return ()
    metres = int.from_bytes(data[:2], order) * (1000 if data[2] == UNITS["km"] else 1)
    return (("distance_m", metres),)


def _clock(data: bytes, order: _Order) -> _Meanings:
    if len(data) < 3:
        return ()
    return (("elapsed_s", data[0] * 3600 + data[1] * 60 + data[2]),)


def _text(name: str) -> _Reader:
    def read(data: bytes, order: _Order) -> _Meanings:
        text = data.decode("latin-1").rstrip("\0 ")
        return ((name, text),) if text.isascii() and text.isprintable() and text else ()

    return read


def _with_fifth(name: str, per: int) -> _Reader:
    """A u32, and through the wrapper 1A one byte more that counts in the same unit."""

    def read(data: bytes, order: _Order) -> _Meanings:
        if len(data) < 4:
            return ()
        raw = int.from_bytes(data[:4], order)
        if len(data) > 4 and order == "little":
            raw += data[4]
        return ((name, raw / per),)

    return read


def _rest_time(data: bytes, order: _Order) -> _Meanings:
    """The one number that is low byte first in every wrapper."""
    return (("rest_time_s", int.from_bytes(data[:2], "little")),) if len(data) >= 2 else ()


def _plot(name: str) -> _Reader:
    def read(data: bytes, order: _Order) -> _Meanings:
        if not data:
            return ()
        valid = min(data[0], len(data) - 1) & ~1
        points = tuple(int.from_bytes(data[at : at + 2], order) for at in range(1, 1 + valid, 2))
        return (("valid_bytes", valid), (name, points))

    return read


_PUBLIC: Final[Mapping[int, _Reader]] = {
    VERSION: _fields(
        ("manufacturer_id", 1, 1),
        ("class_id", 1, 1),
        ("model", 1, 1),
        ("hardware_version", 2, 1),
        ("software_version", 2, 1),
    ),
    0x92: _text("user_id"),
    SERIAL: _text("serial_number"),
    0x9B: _fields(("odometer_raw", 4, 1), ("odometer_unit", 1, 1)),
    0x9C: _fields(("error_code", 3, 1)),
    WORK_TIME: _clock,
    HORIZONTAL: _horizontal,
    CALORIES: _fields(("energy_kcal", 2, 1)),
    0xA4: _fields(("program", 1, 1)),
    PACE: _with_unit("pace_s_per_500m", UNITS["s_per_km"], 0.5),
    CADENCE: _with_unit("stroke_rate_spm", UNITS["spm"]),
    HEART_RATE: _fields(("heart_rate_bpm", 1, 1)),
    POWER: _with_unit("power_w", UNITS["w"]),
}

_PM_READERS: Final[Mapping[int, _Reader]] = {
    PM_WORK_TIME: _with_fifth("work_time_s", 100),
    PM_WORK_DISTANCE: _with_fifth("work_distance_m", 10),
    0xA6: _fields(("rest_distance_m", 2, 1)),
    0xA8: _fields(("stroke_pace_s_per_500m", 4, 100)),
    0xA9: _fields(("stroke_power_w", 4, 1)),
    0xAA: _fields(("stroke_energy_kcal_per_hour", 4, 1)),
    0xAF: _fields(("average_pace_s_per_500m", 4, 100)),
    0xB0: _fields(("average_power_w", 4, 1)),
    0xB1: _fields(("average_energy_kcal_per_hour", 4, 1)),
    0xB2: _fields(("energy_kcal", 4, 1)),
    0xB3: _fields(("stroke_rate_spm", 1, 1)),
    0xB5: _fields(("average_stroke_rate_spm", 1, 1)),
    0xB6: _fields(("average_heart_rate_bpm", 1, 1)),
    0xB7: _fields(("end_heart_rate_bpm", 1, 1)),
    0xB8: _fields(("rest_heart_rate_bpm", 1, 1)),
    PM_STROKE_STATE: _fields(("stroke_state_enum", 1, 1)),
    PM_DRAG_FACTOR: _fields(("drag_factor", 1, 1)),
    0xC9: _fields(("error_code", 2, 1)),
    0xCF: _rest_time,
    PM_WORKOUT_TYPE: _fields(("workout_type_enum", 1, 1)),
    PM_WORKOUT_STATE: _fields(("workout_state_enum", 1, 1)),
    PM_INTERVAL_TYPE: _fields(("interval_type_enum", 1, 1)),
    0x8F: _fields(("operational_state_enum", 1, 1)),
    0x93: _fields(("rowing_state_enum", 1, 1)),
    0x97: _fields(("battery_pct", 1, 1)),
    PM_INTERVAL_COUNT: _fields(("interval_count", 1, 1)),
    0xED: _fields(("erg_machine_type_enum", 1, 1)),
    0xEC: _fields(("flywheel_rpm", 2, 1)),
    PM_DURATION: _fields(("duration_type_enum", 1, 1), ("duration_raw", 4, 1)),
    0x80: _text("firmware"),
    PM_FORCE_PLOT: _plot("force_lbf"),
    PM_HEART_BEATS: _plot("beats_raw"),
    PM_STROKE_STATS: _fields(
        ("stroke_distance_m", 2, 100),
        ("drive_s", 1, 100),
        ("recovery_s", 2, 100),
        ("drive_length_m", 1, 100),
        ("stroke_count", 2, 1),
        ("peak_force_lbf", 2, 10),
        ("impulse_raw", 2, 1),
        ("mean_force_lbf", 2, 10),
        ("work_j", 2, 10),
    ),
}
