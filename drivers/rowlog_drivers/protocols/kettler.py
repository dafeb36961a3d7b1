"""Kettler consoles with a serial port: asked for their status in text, 9600 8N1, lines end CR LF.

The status has eight fields with tabs between them. Layout and commands as in GoldenCheetah
(src/Train/Kettler*) and cagnulein/qdomyos-zwift, which know them from bikes; that the second field
is the stroke rate on a rower is concluded, not told. Nothing is ever set.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.waterrower_lines import LineFramer, printable
from rowlog_drivers.records import MachineInfo, MachineState, Record, RowerSample, Undecoded

__all__ = ["KettlerDecoder", "Status", "encode_status", "parse_status"]

IDENTITY: Final = b"ID\r\n"
VERSION: Final = b"VE\r\n"
STATUS: Final = b"ST\r\n"

_EVERY_NS: Final = 500_000_000
_REPLY_LIMIT_NS: Final = 1_000_000_000
KJ_PER_KCAL: Final = 4.184
_STEP_M: Final = 100.0
_SHORT_OF_M: Final = 0.1
_LONGEST_STEP_S: Final = 2.0
"""A speed says nothing of a longer time without a status."""
_STATUS: Final = re.compile(
    rb"(\d{1,3})\t(\d{1,4})\t(\d{1,5})\t(\d{1,6})\t(\d{1,4})\t(\d{1,6})\t(\d{1,3}):([0-5]\d)\t"
    rb"(\d{1,4})"
)
_STANDING_WORDS: Final = (b"ACK", b"RUN")
"""Said to a command, of which none is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the console shows."""

    heart_rate_bpm: int | None
    """None for 0: there is no belt."""
    cadence_rpm: int
    """On a rower its strokes a minute."""
    speed_kmh: float
    distance_m: int
    """In steps of 100 m."""
    target_power_w: int
    energy_kj: int
    elapsed_s: int
    power_w: int


def parse_status(line: bytes) -> Status | None:
    """A status line without its end; None for anything else."""
    match = _STATUS.fullmatch(line)
    if match is None:
        return None
    bpm, rpm, speed, distance, wanted, energy, minutes, seconds, power = map(int, match.groups())
    return Status(
        heart_rate_bpm=bpm or None,
        cadence_rpm=rpm,
        speed_kmh=speed / 10,
        distance_m=distance * 100,
        target_power_w=wanted,
        energy_kj=energy,
        elapsed_s=minutes * 60 + seconds,
        power_w=power,
    )


def encode_status(status: Status) -> bytes:
    """The line as a console sends it, for simulators; numbers have the digits of the samples."""
    minutes, seconds = divmod(status.elapsed_s, 60)
    return (
        f"{status.heart_rate_bpm or 0:03d}\t{status.cadence_rpm:03d}\t"
        f"{round(status.speed_kmh * 10):03d}\t{status.distance_m // 100:03d}\t"
        f"{status.target_power_w:03d}\t{status.energy_kj:04d}\t{minutes:02d}:{seconds:02d}\t"
        f"{status.power_w:03d}\r\n"
    ).encode("ascii")


class KettlerDecoder:
    """A dialogue: who it is, once a connection, and its status twice a second, one at a time.

    Its counter shows hundreds of metres only. The metres between are those of its speed from one
    status to the next, never more nor less than the counter allows.
    """

    __slots__ = (
        "_asked",
        "_asked_ns",
        "_counter_m",
        "_lines",
        "_metres",
        "_read_ns",
        "_status_ns",
        "_unasked",
    )

    def __init__(self) -> None:
        self._lines = LineFramer()
        self._unasked = [IDENTITY, VERSION]
        self._asked: bytes | None = None
        """What was sent and has no answer yet."""
        self._asked_ns = 0
        self._status_ns: int | None = None
        self._read_ns: int | None = None
        self._counter_m = 0
        self._metres = 0.0

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of the lines that this frame completes; Undecoded for any other line."""
        t_ns, source = frame.t_ns, frame.source
        if frame.channel == "link":
            self._lines.clear()
            self._unasked, self._asked = [IDENTITY, VERSION], None
            return (decode_link(frame),)
        if frame.channel == "tx" or frame.sent:
            self._asked, self._asked_ns = frame.payload, t_ns
            if frame.payload in self._unasked:
                self._unasked.remove(frame.payload)
            elif frame.payload == STATUS:
                self._status_ns = t_ns
            return ()
        if frame.channel != "rx":
            reason = f"{frame.channel}: not a channel of a serial console"
            return (Undecoded(t_ns=t_ns, source=source, reason=reason),)
        records: list[Record] = []
        for line in self._lines.feed(frame.payload):
            asked, self._asked = self._asked, None
            status = parse_status(line)
            if status is not None:
                records.append(self._row(status, t_ns, source))
            else:
                records += _said(line, asked, t_ns, source)
        return tuple(records)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is pending: every line is complete in itself."""
        return ()

    def next_request(self, t_ns: int) -> Request | None:
        """What to send at `t_ns`; None while it is too early or an answer is awaited."""
        if self._asked is not None and t_ns - self._asked_ns < _REPLY_LIMIT_NS:
            return None
        if self._unasked:
            return Request(channel="tx", payload=self._unasked[0])
        if self._status_ns is not None and t_ns - self._status_ns < _EVERY_NS:
            return None
        return Request(channel="tx", payload=STATUS)

    def _row(self, status: Status, t_ns: int, source: str) -> RowerSample:
        speed_mps = status.speed_kmh / 3.6
        if self._read_ns is None or status.distance_m < self._counter_m:
            self._metres = float(status.distance_m)
        else:
            self._metres += speed_mps * min((t_ns - self._read_ns) / 1e9, _LONGEST_STEP_S)
        self._read_ns, self._counter_m = t_ns, status.distance_m
        least, most = float(status.distance_m), status.distance_m + _STEP_M - _SHORT_OF_M
        self._metres = min(max(self._metres, least), most)
        return RowerSample(
            t_ns=t_ns,
            source=source,
            elapsed_s=status.elapsed_s,
            distance_m=self._metres,
            stroke_rate_spm=status.cadence_rpm,
            speed_mps=speed_mps,
            power_w=status.power_w,
            energy_kcal=status.energy_kj / KJ_PER_KCAL,
            heart_rate_bpm=status.heart_rate_bpm,
        )


def _said(line: bytes, asked: bytes | None, t_ns: int, source: str) -> list[Record]:
    if line in _STANDING_WORDS:
        return []
    text = printable(line)
    if line == b"ERROR":
        return [MachineState(t_ns=t_ns, source=source, state="error")]
    if asked == IDENTITY and line.isascii():
        return [MachineInfo(t_ns=t_ns, source=source, manufacturer="Kettler", model=text)]
    if asked == VERSION and line.isascii():
        return [MachineInfo(t_ns=t_ns, source=source, firmware=text)]
    reason = f"kettler: {text}: not a line of the console"
    return [Undecoded(t_ns=t_ns, source=source, reason=reason)]
