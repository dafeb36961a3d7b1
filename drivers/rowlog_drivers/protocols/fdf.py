"""First Degree Fitness fluid rowers with a serial console (FDF IPM): text lines over USB, 9600 8N1.

The console speaks when a stroke is over; it must be woken, and kept awake. Lines end with CR LF,
those of the host with LF. No maker's document is public: layout and commands after the
implementations stefanjenkner/fdf-console-monitor and Fluid Rower Monitor, and lines of a real
console posted to the golden-cheetah-users list in 2016, whose energy and power agree with
Concept2's formulas.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.waterrower_lines import LineFramer, printable
from rowlog_drivers.records import (
    MachineInfo,
    MachineState,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)

__all__ = ["FdfDecoder", "Line", "Other", "StrokeLine", "encode_stroke_line", "parse_line"]

CONNECT: Final = b"C\n"
KEEP_ALIVE: Final = b"K\n"
ABOUT: Final = (b"T\n", b"V\n", b"O\n", b"L\n")
"""Type, version, odometer and level: asked for once."""
HEART_RATE: Final = b"H\n"

_MS: Final = 1_000_000
_CONNECT_EVERY_NS: Final = 1_000 * _MS
_GAP_NS: Final = 100 * _MS
_HEART_RATE_EVERY_NS: Final = 1_000 * _MS
_REPLY_LIMIT_NS: Final = 1_000 * _MS
_MOST_LOST: Final = 3
_STROKE_LINE: Final = re.compile(
    rb"A(\d)(\d)([0-5]\d)([0-5]\d)(\d{5})(\d)(\d\d)([0-5]\d)(\d{3})(\d{3})(\d{4})(\d\d)"
)
_OTHER: Final = re.compile(rb"C\d+|[TVL]\d+|H\d{3}|O[\d ]*|W|R|\.FDF[ -~]*")
_PAUSED: Final = "paused"
_ROWING: Final = "rowing"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokeLine:
    """`A` and 28 digits: where the row stands, once a stroke."""

    model: int
    elapsed_s: int
    distance_m: int
    flag: int
    """0 on consoles of model 5, 1 on model 8; its meaning is not known."""
    pace_s_per_500m: int
    stroke_rate_spm: int
    """0: no stroke. At elapsed 0 the row begins, later it is paused."""
    power_w: int
    energy: int
    """Kilocalories per hour; in a pause the kilocalories so far."""
    resistance_level: int

    @property
    def paused(self) -> bool:
        """Whether this is the line of a pause, whose pace and power are averages."""
        return self.stroke_rate_spm == 0 and self.elapsed_s > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Any other line: its letter, and what stands behind it."""

    code: str
    """"C", "T", "V", "L", "H", "O", "W", "R", or "." for the banner."""
    value: str


Line = StrokeLine | Other


def parse_line(line: bytes) -> Line | None:
    """One line without its end; None for what the console does not send."""
    match = _STROKE_LINE.fullmatch(line)
    if match is None:
        if _OTHER.fullmatch(line) is None:
            return None
        text = line.decode("ascii")
        return Other(code=text[0], value=text[1:])
    model, hours, minutes, seconds, metres, flag, pace_min, pace_s, rate, watts, energy, level = (
        int(group) for group in match.groups()
    )
    return StrokeLine(
        model=model,
        elapsed_s=hours * 3600 + minutes * 60 + seconds,
        distance_m=metres,
        flag=flag,
        pace_s_per_500m=pace_min * 60 + pace_s,
        stroke_rate_spm=rate,
        power_w=watts,
        energy=energy,
        resistance_level=level,
    )


def encode_stroke_line(line: StrokeLine) -> bytes:
    """The line as a console sends it, for simulators; numbers are clamped to their digits."""

    def digits(number: int, width: int) -> str:
        return f"{min(max(number, 0), 10**width - 1):0{width}d}"

    minutes, seconds = divmod(min(max(line.elapsed_s, 0), 35_999), 60)
    pace = min(max(line.pace_s_per_500m, 0), 5_999)
    return (
        f"A{digits(line.model, 1)}{minutes // 60}{minutes % 60:02d}{seconds:02d}"
        f"{digits(line.distance_m, 5)}{digits(line.flag, 1)}{pace // 60:02d}{pace % 60:02d}"
        f"{digits(line.stroke_rate_spm, 3)}{digits(line.power_w, 3)}{digits(line.energy, 4)}"
        f"{digits(line.resistance_level, 2)}\r\n"
    ).encode("ascii")


class FdfDecoder:
    """Lines of a console to records, and what keeps it talking.

    A line with a stroke rate is a stroke. A line without is none: the row has just begun, or
    pauses, and then pace and power are averages and the total energy is told as the parameter
    of the state "paused".
    """

    __slots__ = (
        "_about",
        "_asked",
        "_asked_ns",
        "_connected",
        "_heart_ns",
        "_keep_alive",
        "_lines",
        "_lost",
        "_sent_ns",
        "_state",
        "_strokes",
    )

    def __init__(self) -> None:
        self._lines = LineFramer()
        self._strokes = 0
        self._state: str | None = None
        self._connected = False
        self._keep_alive = False
        self._about = 0
        """How many of `ABOUT` have been asked for."""
        self._asked: str | None = None
        """The letter whose reply is awaited."""
        self._asked_ns = 0
        self._sent_ns: int | None = None
        self._heart_ns: int | None = None
        self._lost = 0
        """Requests for the heart rate that had no reply, since the last that had one."""

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of the lines that this frame completes; Undecoded for any other line."""
        if frame.channel == "link":
            self._lines.clear()
            self._connected, self._keep_alive, self._asked = False, False, None
            self._about = 0
            return (decode_link(frame),)
        if frame.channel == "tx" or frame.sent:
            self._sent(frame)
            return ()
        if frame.channel != "rx":
            reason = f"{frame.channel}: not a channel of a serial console"
            return (Undecoded(t_ns=frame.t_ns, source=frame.source, reason=reason),)
        records: list[Record] = []
        for octets in self._lines.feed(frame.payload):
            line = parse_line(octets)
            if line is None:
                reason = f"fdf: {printable(octets)}: not a line of the console"
                records.append(Undecoded(t_ns=frame.t_ns, source=frame.source, reason=reason))
            elif isinstance(line, StrokeLine):
                records += self._row(line, frame.t_ns, frame.source)
            else:
                records += self._said(line, frame.t_ns, frame.source)
        return tuple(records)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is pending: every line is complete in itself."""
        return ()

    def next_request(self, t_ns: int) -> Request | None:
        """What to send at `t_ns`; None while it is too early or an answer is awaited."""
        if self._keep_alive:
            return Request(channel="tx", payload=KEEP_ALIVE, expects_reply=False)
        since_ns = None if self._sent_ns is None else t_ns - self._sent_ns
        if not self._connected:
            if since_ns is not None and since_ns < _CONNECT_EVERY_NS:
                return None
            return Request(channel="tx", payload=CONNECT)
        if since_ns is not None and since_ns < _GAP_NS:
            return None
        if self._asked is not None and t_ns - self._asked_ns < _REPLY_LIMIT_NS:
            return None
        if self._about < len(ABOUT):
            return Request(channel="tx", payload=ABOUT[self._about])
        due = self._heart_ns is None or t_ns - self._heart_ns >= _HEART_RATE_EVERY_NS
        if due and self._lost < _MOST_LOST:
            return Request(channel="tx", payload=HEART_RATE)
        return None

    def _sent(self, frame: Frame) -> None:
        self._sent_ns = frame.t_ns
        letter = frame.payload.strip().decode("latin-1")
        if letter == "K":
            self._keep_alive = False
            return
        if letter == "H":
            self._lost += 1
            self._heart_ns = frame.t_ns
        if letter == "D":
            self._connected = False
        if self._about < len(ABOUT) and frame.payload == ABOUT[self._about]:
            self._about += 1
        self._asked, self._asked_ns = letter, frame.t_ns

    def _row(self, line: StrokeLine, t_ns: int, source: str) -> list[Record]:
        self._connected = True
        records: list[Record] = []
        rate_spm: int | None = line.stroke_rate_spm or None
        state = _PAUSED if line.paused else _ROWING
        if state != self._state and (line.paused or rate_spm is not None):
            self._state = state
            records.append(
                MachineState(
                    t_ns=t_ns,
                    source=source,
                    state=state,
                    parameter=line.energy if line.paused else None,
                )
            )
        if rate_spm is not None:
            self._strokes += 1
            records.append(
                Stroke(
                    t_ns=t_ns,
                    source=source,
                    number=self._strokes,
                    stroke_rate_spm=rate_spm,
                    power_w=line.power_w,
                )
            )
        records.append(
            RowerSample(
                t_ns=t_ns,
                source=source,
                elapsed_s=line.elapsed_s,
                distance_m=line.distance_m,
                pace_s_per_500m=None if line.paused else line.pace_s_per_500m,
                power_w=None if line.paused else line.power_w,
                average_pace_s_per_500m=line.pace_s_per_500m if line.paused else None,
                average_power_w=line.power_w if line.paused else None,
                stroke_rate_spm=0 if line.paused else rate_spm,
                energy_kcal_per_hour=None if line.paused else line.energy,
                resistance=line.resistance_level,
            )
        )
        return records

    def _said(self, line: Other, t_ns: int, source: str) -> list[Record]:
        if line.code == self._asked:
            self._asked = None
        match line.code:
            case "C":
                self._connected = True
                info = MachineInfo(
                    t_ns=t_ns,
                    source=source,
                    manufacturer="First Degree Fitness",
                    firmware=line.value,
                )
                return [info]
            case "T":
                return [MachineInfo(t_ns=t_ns, source=source, model=line.value)]
            case "V":
                return [MachineInfo(t_ns=t_ns, source=source, software=line.value)]
            case "L":
                return [RowerSample(t_ns=t_ns, source=source, resistance=int(line.value))]
            case "H":
                self._lost = 0
                return [RowerSample(t_ns=t_ns, source=source, heart_rate_bpm=int(line.value))]
            case "O":
                text = line.value.strip() or None
                return [MachineState(t_ns=t_ns, source=source, state="odometer", text=text)]
            case "W":
                self._keep_alive = True
            case "R":
                self._state = None
                return [MachineState(t_ns=t_ns, source=source, state="reset")]
        return []
