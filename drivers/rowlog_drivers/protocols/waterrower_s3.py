"""WaterRower Series 2 and 3 and early S4 on RS-232: a binary stream that only the monitor talks.

Source: "WaterRower Series III and S4 Computer Data Format". 1200 baud, 8N1. A first byte FB to FF
says how many bytes follow; those may have any value, FB to FF too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.waterrower_lines import printable
from rowlog_drivers.records import Link, Record, RowerSample, Stroke, Undecoded

_LENGTHS: Final = {0xFB: 2, 0xFC: 1, 0xFD: 3, 0xFE: 2, 0xFF: 3}
"""Bytes of a message with its first one."""
_LONGEST_SKIP: Final = 256
"""Unknown bytes that are reported together."""
LONGEST_DRIVE_S: Final = 5.0
LONGEST_STROKE_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """`FE d`: the way of the last second."""

    type: ClassVar[str] = "distance"
    distance_delta_m: float
    """0 to 25.5, in steps of 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokeDone:
    """`FF r v`: a stroke is over."""

    type: ClassVar[str] = "stroke"
    stroke_rate_spm: int
    speed_mps: float
    """0 to 25.5, in steps of 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriveEnd:
    """`FC`: the drive is over."""

    type: ClassVar[str] = "drive_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """`FB h`: the heart rate of the monitor's receiver."""

    type: ClassVar[str] = "heart_rate"
    heart_rate_bpm: int
    """As sent; 40 to 240 on a working receiver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MotorVoltage:
    """`FD v1 v2`: Series 3 only; what the two bytes count is not documented."""

    type: ClassVar[str] = "motor_voltage"
    raw: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """Bytes that start no message."""

    type: ClassVar[str] = "skipped"
    octets: bytes


Message = Distance | StrokeDone | DriveEnd | Pulse | MotorVoltage | Skipped


class S3Framer:
    """Cuts the stream into messages by their length; the result depends on the bytes alone."""

    __slots__ = ("_pending", "_skipped")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipped = bytearray()

    def feed(self, chunk: bytes) -> tuple[Message, ...]:
        """The messages that `chunk` completes; unknown first bytes are skipped one at a time."""
        messages: list[Message] = []
        for octet in chunk:
            if not self._pending and octet not in _LENGTHS:
                self._skipped.append(octet)
                if len(self._skipped) >= _LONGEST_SKIP:
                    messages += self.skipped()
                continue
            messages += self.skipped()
            self._pending.append(octet)
            if len(self._pending) == _LENGTHS[self._pending[0]]:
                messages.append(_parse(bytes(self._pending)))
                self._pending.clear()
        return tuple(messages)

    def skipped(self) -> tuple[Message, ...]:
        """The run of unknown bytes that has not been given yet, as one."""
        if not self._skipped:
            return ()
        run = Skipped(octets=bytes(self._skipped))
        self._skipped.clear()
        return (run,)

    def clear(self) -> None:
        """Forget the unfinished message: the link was cut in it."""
        self._pending.clear()
        self._skipped.clear()


def _parse(message: bytes) -> Message:
    match message[0]:
        case 0xFE:
            return Distance(distance_delta_m=message[1] / 10)
        case 0xFF:
            return StrokeDone(stroke_rate_spm=message[1], speed_mps=message[2] / 10)
        case 0xFC:
            return DriveEnd()
        case 0xFB:
            return Pulse(heart_rate_bpm=message[1])
    return MotorVoltage(raw=message[1:])


class S3Decoder:
    """The records of one Series 2 or 3 monitor; it cannot be asked, so there is no dialogue.

    The machine counts nothing over the whole row: distance and strokes are summed up here, from
    the start of the connection.
    """

    __slots__ = (
        "_decimetres",
        "_drive_end_ns",
        "_framer",
        "_source",
        "_start_ns",
        "_strokes",
    )

    def __init__(self) -> None:
        self._source = ""
        self._framer = S3Framer()
        self._decimetres = 0
        self._strokes = 0
        self._start_ns: int | None = None
        self._drive_end_ns: int | None = None

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of all messages that this frame completes."""
        self._source = frame.source
        if frame.channel == "link":
            link = decode_link(frame)
            if not isinstance(link, Link):
                return (link,)
            skipped = self.finish(frame.t_ns)
            self._framer.clear()
            self._start_ns = self._drive_end_ns = None
            return (*skipped, link)
        if frame.sent:
            return ()
        if frame.channel != "rx":
            return (
                self._undecoded(frame.t_ns, f"{frame.channel}: not a channel of a serial line"),
            )
        return self._records(self._framer.feed(frame.payload), frame.t_ns)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Unknown bytes at the very end; strokes and distance are never held back."""
        return self._records(self._framer.skipped(), t_ns)

    def _records(self, messages: tuple[Message, ...], t_ns: int) -> tuple[Record, ...]:
        records: list[Record] = []
        for message in messages:
            self._message(message, t_ns, records)
        return tuple(records)

    def _message(self, message: Message, t_ns: int, records: list[Record]) -> None:
        source = self._source
        match message:
            case Distance():
                self._decimetres += round(message.distance_delta_m * 10)
                records.append(
                    RowerSample(t_ns=t_ns, source=source, distance_m=self._decimetres / 10)
                )
            case StrokeDone():
                self._stroke(message, t_ns, records)
            case DriveEnd():
                drive_s = self._since(self._start_ns, t_ns, LONGEST_DRIVE_S)
                if drive_s is not None and self._drive_end_ns is None:
                    records.append(
                        Stroke(t_ns=t_ns, source=source, number=self._strokes + 1, drive_s=drive_s)
                    )
                self._drive_end_ns = t_ns
            case Pulse():
                records.append(
                    RowerSample(t_ns=t_ns, source=source, heart_rate_bpm=message.heart_rate_bpm)
                )
            case Skipped():
                reason = (
                    f"{printable(message.octets)}: {len(message.octets)} bytes start no message"
                )
                records.append(self._undecoded(t_ns, reason))

    def _stroke(self, message: StrokeDone, t_ns: int, records: list[Record]) -> None:
        """The end of one stroke is the start of the next."""
        self._strokes += 1
        recovery_s = self._since(self._drive_end_ns, t_ns, LONGEST_STROKE_S)
        self._start_ns, self._drive_end_ns = t_ns, None
        records.append(
            Stroke(
                t_ns=t_ns,
                source=self._source,
                number=self._strokes,
                stroke_rate_spm=message.stroke_rate_spm,
                recovery_s=recovery_s,
            )
        )
        records.append(
            RowerSample(
                t_ns=t_ns,
                source=self._source,
                stroke_count=self._strokes,
                stroke_rate_spm=message.stroke_rate_spm,
                speed_mps=message.speed_mps,
            )
        )

    def _since(self, start_ns: int | None, t_ns: int, longest_s: float) -> float | None:
        """Seconds since `start_ns`; None when unknown or absurd."""
        if start_ns is None:
            return None
        seconds = (t_ns - start_ns) / 1e9
        return seconds if 0 < seconds <= longest_s else None

    def _undecoded(self, t_ns: int, reason: str) -> Undecoded:
        return Undecoded(t_ns=t_ns, source=self._source, reason=reason)
