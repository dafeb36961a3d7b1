"""SmartRow, the pulley of a WaterRower with a Bluetooth radio: its own text messages.

A message has 17 bytes: a letter, five digits of distance, eight characters, a checksum of two hex
digits, CR. The link drops unless `$` is written every second. No maker's document is public:
layout after logs of a real SmartRow in inonoob/pirowflo, docs/Waterrower/smartrow, and after
cagnulein/qdomyos-zwift, src/smartrowrower.cpp.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.stroke_numbers import StrokeNumbers
from rowlog_drivers.protocols.waterrower_lines import LineFramer, printable
from rowlog_drivers.records import (
    MachineInfo,
    MachineState,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)

__all__ = [
    "NOTIFY_CHANNEL",
    "RESET",
    "SERVICE",
    "WRITE_CHANNEL",
    "Message",
    "SmartRowDecoder",
    "encode_message",
    "parse_message",
]

SERVICE: Final = "1234"
WRITE_CHANNEL: Final = "1235"
NOTIFY_CHANNEL: Final = "1236"
KEEP_ALIVE: Final = b"$"
KEEP_ALIVE_EVERY_NS: Final = 1_000_000_000
RESET: Final = (b"\x0d", b"V", b"@", b"\x0d")
"""To be written one after the other: the counters begin anew."""

FORCE_STEP_N: Final = 20.0
"""Newtons of one step of the force curve: no document says so, but curves and peaks agree."""
CURVE_LETTERS: Final = "xyz"
"""The thirds of a force curve, in their order."""

_LETTERS: Final = "abcdefxyz"
_BYTES: Final = 16
_CHECKED: Final = 14
_FORCE_ZERO: Final = 0x21
_VERSION: Final = re.compile(rb".?martrow\s*'?\s*V([\d.]+).*", re.IGNORECASE)
_CLOCK: Final = re.compile(r"(\d)(\d\d)(\d\d)")
_STOPPED: Final = "!"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message. None: this letter does not say it, or the machine has no value."""

    type: str
    """One of "abcdefxyz"."""
    distance_m: int
    elapsed_s: int | None = None
    work_j: float | None = None
    stroke_length_m: float | None = None
    power_w: int | None = None
    average_power_w: float | None = None
    stroke_rate_spm: float | None = None
    stroke_count: int | None = None
    pace_s_per_500m: int | None = None
    average_pace_s_per_500m: int | None = None
    peak_force_n: int | None = None
    stopped: bool | None = None
    force_points: tuple[int, ...] | None = None
    """Eight points of the force curve, in steps of about 20 N."""


def parse_message(line: bytes) -> Message | str:
    """A message without its CR; what is wrong with it, when it is none.

    Digits of the distance may be those of firmware 3, which sends them in codes 40 to 59.
    """
    if len(line) != _BYTES:
        return f"{_BYTES} characters expected, got {len(line)}"
    right = sum(line[:_CHECKED]) & 0xFF
    if line[_CHECKED:].upper() != b"%02X" % right:
        return f"checksum {printable(line[_CHECKED:])}, {right:02X} expected"
    letter = chr(line[0])
    if letter not in _LETTERS:
        return f"a message of type {printable(line[:1])}"
    metres = _distance(line[1:6])
    if metres is None:
        return f"distance {printable(line[1:6])}"
    rest = line[6:_CHECKED]
    if letter in CURVE_LETTERS:
        points = tuple(max(octet - _FORCE_ZERO, 0) for octet in rest)
        return Message(type=letter, distance_m=metres, force_points=points)
    text = rest.decode("latin-1")
    match letter:
        case "a":
            return Message(type=letter, distance_m=metres, elapsed_s=_clock(text[:5]))
        case "b":
            return Message(
                type=letter,
                distance_m=metres,
                work_j=_number(text[:5], 10),
                stroke_length_m=_number(text[5:], 100),
            )
        case "c":
            return Message(
                type=letter,
                distance_m=metres,
                power_w=_whole(text[:3]),
                average_power_w=_number(text[3:], 10),
            )
        case "d":
            return Message(
                type=letter,
                distance_m=metres,
                stroke_rate_spm=_number(text[:3], 10) or None,
                stroke_count=_whole(text[3:7]),
            )
        case "e":
            return Message(
                type=letter,
                distance_m=metres,
                pace_s_per_500m=_pace(text[:3]),
                average_pace_s_per_500m=_pace(text[3:6]),
            )
        case _:
            return Message(
                type=letter,
                distance_m=metres,
                peak_force_n=_whole(text[1:5]),
                stopped=text[5:6] == _STOPPED,
            )


def encode_message(message: Message) -> bytes:
    """A message as a SmartRow with firmware 2 sends it, CR included, for simulators."""

    def digits(value: float | None, width: int, per: int = 1) -> str:
        return " " * width if value is None else f"{round(value * per):{width}d}"[-width:]

    def pace(value: int | None) -> str:
        return "   " if value is None else f"{value // 60 % 10}{value % 60:02d}"

    head = f"{message.type}{message.distance_m % 100_000:05d}"
    match message.type:
        case "a":
            elapsed_s = message.elapsed_s or 0
            rest = f"{elapsed_s // 3600 % 10}{elapsed_s // 60 % 60:02d}{elapsed_s % 60:02d}   "
        case "b":
            rest = digits(message.work_j, 5, 10) + digits(message.stroke_length_m, 3, 100)
        case "c":
            rest = digits(message.power_w, 3) + digits(message.average_power_w, 5, 10)
        case "d":
            rate = 0.0 if message.stroke_rate_spm is None else message.stroke_rate_spm
            rest = f"{round(rate * 10):03d}{digits(message.stroke_count, 4)} "
        case "e":
            rest = f"{pace(message.pace_s_per_500m)}{pace(message.average_pace_s_per_500m)} W"
        case "f":
            mark = _STOPPED if message.stopped else " "
            rest = f"0{digits(message.peak_force_n, 4)}{mark}  "
        case _:
            points = message.force_points or (0,) * 8
            rest = "".join(chr(_FORCE_ZERO + point) for point in points)
    checked = (head + rest).encode("latin-1")
    return checked + b"%02X\r" % (sum(checked) & 0xFF)


class SmartRowDecoder:
    """Messages to records, and the sign of life that a SmartRow wants.

    A stroke is told when the count has gone up: with the work, length and peak force that were
    said since the stroke before, and with the force curve, when all of it came.
    """

    __slots__ = ("_count", "_curve", "_heard", "_lines", "_numbers", "_sent_ns", "_stopped")

    def __init__(self) -> None:
        self._lines = LineFramer()
        self._numbers = StrokeNumbers()
        self._count: int | None = None
        self._heard: dict[str, float] = {}
        self._curve: list[int] = []
        self._stopped: bool | None = None
        self._sent_ns: int | None = None

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of the messages that this frame completes; Undecoded for any other text."""
        t_ns, source = frame.t_ns, frame.source
        if frame.channel == "link":
            self._lines.clear()
            self._heard.clear()
            self._curve.clear()
            self._sent_ns = None
            return (decode_link(frame),)
        if frame.sent:
            self._sent_ns = t_ns
            return ()
        if frame.channel != NOTIFY_CHANNEL:
            reason = f"{frame.channel}: not a channel of a SmartRow"
            return (Undecoded(t_ns=t_ns, source=source, reason=reason),)
        records: list[Record] = []
        for line in self._lines.feed(frame.payload):
            message = parse_message(line)
            if isinstance(message, Message):
                records += self._told(message, t_ns, source)
            else:
                records += _other(line, message, t_ns, source)
        return tuple(records)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is told: what was said after the last count belongs to no whole stroke."""
        return ()

    def next_request(self, t_ns: int) -> Request | None:
        """The sign of life, once a second."""
        if self._sent_ns is not None and t_ns - self._sent_ns < KEEP_ALIVE_EVERY_NS:
            return None
        return Request(channel=WRITE_CHANNEL, payload=KEEP_ALIVE, expects_reply=False)

    def _told(self, message: Message, t_ns: int, source: str) -> list[Record]:
        records: list[Record] = []
        if message.type in CURVE_LETTERS:
            self._third(message)
        for name in ("work_j", "stroke_length_m", "peak_force_n", "stroke_rate_spm", "power_w"):
            value = getattr(message, name)
            if value is not None:
                self._heard[name] = value
        if message.stopped is not None and message.stopped != self._stopped:
            self._stopped = message.stopped
            state = "stopped" if message.stopped else "rowing"
            records.append(MachineState(t_ns=t_ns, source=source, state=state))
        if message.stroke_count is not None and message.stroke_count != self._count:
            before, self._count = self._count, message.stroke_count
            number = self._numbers.take(message.stroke_count, None)
            if number is not None and before is not None:
                records.append(self._stroke(number, t_ns, source))
            self._heard.clear()
            self._curve.clear()
        records.append(
            RowerSample(
                t_ns=t_ns,
                source=source,
                distance_m=message.distance_m,
                elapsed_s=message.elapsed_s,
                power_w=message.power_w,
                average_power_w=message.average_power_w,
                stroke_rate_spm=message.stroke_rate_spm,
                stroke_count=message.stroke_count,
                pace_s_per_500m=message.pace_s_per_500m,
                average_pace_s_per_500m=message.average_pace_s_per_500m,
            )
        )
        return records

    def _third(self, message: Message) -> None:
        place = CURVE_LETTERS.index(message.type)
        if place == 0:
            self._curve.clear()
        if len(self._curve) == 8 * place:
            self._curve += message.force_points or ()
        else:
            self._curve.clear()

    def _stroke(self, number: int, t_ns: int, source: str) -> Stroke:
        whole = len(self._curve) == 8 * len(CURVE_LETTERS)
        heard = self._heard
        return Stroke(
            t_ns=t_ns,
            source=source,
            number=number,
            stroke_rate_spm=heard.get("stroke_rate_spm"),
            power_w=heard.get("power_w"),
            work_j=heard.get("work_j"),
            drive_length_m=heard.get("stroke_length_m"),
            peak_force_n=heard.get("peak_force_n"),
            force_curve_n=tuple(point * FORCE_STEP_N for point in self._curve) if whole else None,
        )


def _other(line: bytes, reason: str, t_ns: int, source: str) -> list[Record]:
    """What a SmartRow says beside its messages: who it is, that it is locked."""
    version = _VERSION.fullmatch(line)
    if version is not None:
        firmware = version[1].decode("ascii")
        return [MachineInfo(t_ns=t_ns, source=source, model="SmartRow", firmware=firmware)]
    if line == b"V@":
        return []  # the echo of the reset
    if b"KEYLOCK" in line:
        text = printable(line)
        return [MachineState(t_ns=t_ns, source=source, state="key_lock", text=text)]
    return [Undecoded(t_ns=t_ns, source=source, reason=f"smartrow: {reason}")]


def _distance(octets: bytes) -> int | None:
    if any(octet >> 4 not in (3, 4, 5) or octet & 0x0F > 9 for octet in octets):
        return None
    return int("".join(str(octet & 0x0F) for octet in octets))


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _number(text: str, per: int) -> float | None:
    whole = _whole(text)
    return None if whole is None else whole / per


def _clock(text: str) -> int | None:
    match = _CLOCK.fullmatch(text)
    if match is None or not text.isascii():
        return None
    return int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3])


def _pace(text: str) -> int | None:
    whole = _whole(text)
    return None if whole is None else whole // 100 * 60 + whole % 100
