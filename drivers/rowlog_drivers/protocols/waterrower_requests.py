"""What a host sends to a WaterRower S4 or S5, and, for simulators, what the machine sends back.

All packets end with CR LF. Source: "Water Rower S4 & S5 USB Protocol", issue 1.04.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rowlog_drivers.errors import CallError
from rowlog_drivers.protocols.waterrower_lines import SIZE_LETTERS

USB: Final = b"USB\r\n"
"""Hello; answered by WR."""
IV: Final = b"IV?\r\n"
"""Which model and firmware; answered by `IV` and five digits."""
RESET: Final = b"RESET\r\n"
"""Like the power button; answered by OK, then PING. Distance, strokes and energy start at 0."""
EXIT: Final = b"EXIT\r\n"
"""Goodbye: the machine stops sending by itself."""

WR: Final = b"_WR_\r\n"
OK: Final = b"OK\r\n"
ERROR: Final = b"ERROR\r\n"
PING: Final = b"PING\r\n"
SS: Final = b"SS\r\n"
SE: Final = b"SE\r\n"

LONGEST_DISTANCE_M: Final = 64_000
MOST_STROKES: Final = 5_000
LONGEST_DURATION_S: Final = 18_000
LONGEST_REST_S: Final = 3_600
MOST_INTERVALS: Final = 9

_UNIT_DIGITS: Final = {"m": 1, "miles": 2, "km": 3, "strokes": 4}
_END_OF_INTERVALS: Final = b"WINFFFFFFFF\r\n"
_READ: Final = re.compile(r"IR([SDT])([0-9A-F]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """`IRS`, `IRD`, `IRT`: the host asks for memory."""

    register: str
    """Three hexadecimal digits in upper case."""
    width: int
    """Bytes: 1, 2 or 3."""


def read_request(register: int | str, width: int) -> bytes:
    """Ask for `width` bytes (1 to 3) from `register` on, a number or its hexadecimal digits.

    Raises CallError for another width or an address beyond FFF.
    """
    return f"IR{_size_letter(width)}{_address(register)}\r\n".encode("ascii")


def parse_request(line: bytes) -> ReadRequest | None:
    """The memory that a host asks for; None for every other packet, and for noise."""
    match = _READ.fullmatch(line.decode("latin-1").strip("\r\n").upper())
    if match is None:
        return None
    width = next(width for width, letter in SIZE_LETTERS.items() if letter == match[1])
    return ReadRequest(register=match[2], width=width)


def encode_reply(register: int | str, width: int, value: int) -> bytes:
    """The machine's answer to `read_request(register, width)`.

    `value` is the number as it stands in the reply, highest address first; for the pairs that the
    machine keeps high byte first (1A1, 1A5, 1A7) that is `swap(number)`, for the clock
    `packed_clock(seconds)`. Raises CallError when it does not fit.
    """
    letter = _size_letter(width)
    if not 0 <= value < 1 << 8 * width:
        raise CallError(f"{value} does not fit into {width} bytes of register {register}.")
    return f"ID{letter}{_address(register)}{value:0{2 * width}X}\r\n".encode("ascii")


def encode_pulses(count: int) -> bytes:
    """`count` pulses of the paddle within 25 ms, 0 to 255."""
    if not 0 <= count <= 0xFF:
        raise CallError(f"A pulse packet holds 0 to 255 pulses, not {count}.")
    return f"P{count:02X}\r\n".encode("ascii")


def encode_model(model: int = 4, firmware: str = "02.10") -> bytes:
    """The machine's answer to `IV?`: `model` 4 or 5, `firmware` as "02.10"."""
    if not 0 <= model <= 9 or not re.fullmatch(r"[0-9]{2}\.[0-9]{2}", firmware):
        raise CallError(
            f'A model has one digit, its firmware the form "02.10": {model}, {firmware}.'
        )
    return f"IV{model}{firmware.replace('.', '')}\r\n".encode("ascii")


def swap(number: int) -> int:
    """A 16-bit number with its bytes exchanged."""
    return (number & 0xFF) << 8 | number >> 8 & 0xFF


def packed_clock(seconds: int) -> int:
    """The value of a reply of three bytes from 1E1: hours, minutes, seconds in packed decimal.

    Hours start anew after 9, as on the monitor.
    """
    hours, minutes = seconds // 3600 % 10, seconds // 60 % 60
    return int(f"{hours:02d}{minutes:02d}{seconds % 60:02d}", 16)


def program_distance(amount: int, *, unit: str = "m") -> bytes:
    """A single distance: `amount` metres (1 to 64000), shown in `unit` ("m", "miles", "km").

    With the unit "strokes", `amount` is strokes, 1 to 5000. Send RESET first and wait for PING;
    nobody may row. Raises CallError, naming the limit.
    """
    return _distance("WSI", amount, unit)


def program_duration(seconds: int) -> bytes:
    """A single duration, 1 to 18000 s. Raises CallError, naming the limit."""
    return _duration("WSU", seconds)


def program_distance_intervals(
    amounts: Sequence[int], rests_s: Sequence[int], *, unit: str = "m"
) -> tuple[bytes, ...]:
    """1 to 9 distances with a rest (1 to 3600 s) between each two, units as `program_distance`.

    All lines must be sent within one second, else the machine throws the workout away. Raises
    CallError, naming the limit; the machine knows no interval workout without rest.
    """
    _check_intervals(amounts, rests_s)
    what, most = _distance_limit(unit)
    for amount in amounts:
        _check(what, amount, most)
    rests = tuple(_rest(rest, amount) for rest, amount in zip(rests_s, amounts[1:], strict=True))
    return (_distance("WII", amounts[0], unit), *rests, _END_OF_INTERVALS)


def program_duration_intervals(seconds: Sequence[int], rests_s: Sequence[int]) -> tuple[bytes, ...]:
    """1 to 9 durations with a rest between each two; otherwise as for distances."""
    _check_intervals(seconds, rests_s)
    for duration in seconds:
        _check("duration in seconds", duration, LONGEST_DURATION_S)
    rests = tuple(_rest(rest, work) for rest, work in zip(rests_s, seconds[1:], strict=True))
    return (_duration("WIU", seconds[0]), *rests, _END_OF_INTERVALS)


def _size_letter(width: int) -> str:
    letter = SIZE_LETTERS.get(width)
    if letter is None:
        raise CallError(f"A WaterRower reads 1, 2 or 3 bytes at once, not {width}.")
    return letter


def _address(register: int | str) -> str:
    text = f"{register:03X}" if isinstance(register, int) else register.upper()
    if not re.fullmatch(r"[0-9A-F]{3}", text):
        raise CallError(f"A register of a WaterRower is 000 to FFF, not {register}.")
    return text


def _check(what: str, amount: int, most: int) -> None:
    if not 1 <= amount <= most:
        raise CallError(
            f"A WaterRower takes a {what} of 1 to {most}, not {amount}.",
            "Choose one within these limits.",
        )


def _distance_limit(unit: str) -> tuple[str, int]:
    if unit not in _UNIT_DIGITS:
        raise CallError(
            f"A WaterRower shows distance in {', '.join(_UNIT_DIGITS)}, not in {unit!r}."
        )
    if unit == "strokes":
        return "number of strokes", MOST_STROKES
    return "distance in metres", LONGEST_DISTANCE_M


def _distance(command: str, amount: int, unit: str) -> bytes:
    what, most = _distance_limit(unit)
    _check(what, amount, most)
    return f"{command}{_UNIT_DIGITS[unit]}{amount:04X}\r\n".encode("ascii")


def _duration(command: str, seconds: int) -> bytes:
    _check("duration in seconds", seconds, LONGEST_DURATION_S)
    return f"{command}{seconds:04X}\r\n".encode("ascii")


def _rest(rest_s: int, work: int) -> bytes:
    _check("rest in seconds", rest_s, LONGEST_REST_S)
    return f"WIN{rest_s:04X}{work:04X}\r\n".encode("ascii")


def _check_intervals(work: Sequence[int], rests_s: Sequence[int]) -> None:
    _check("number of intervals", len(work), MOST_INTERVALS)
    if len(rests_s) != len(work) - 1:
        raise CallError(
            f"{len(work)} intervals have {len(work) - 1} rests between them, not {len(rests_s)}.",
            "A WaterRower has no rest after the last interval.",
        )
