"""What to ask a WaterRower S4 or S5 next: handshake, then a plan of memory reads.

All that is remembered comes from packets that were really sent and lines that really came, so the
dialogue of a recording replays. Asking for the next request changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from rowlog_drivers.frames import Request
from rowlog_drivers.protocols.waterrower_lines import (
    SIZE_LETTERS,
    Error,
    Hardware,
    Line,
    Memory,
    Model,
    Ok,
    Pulses,
    Rejected,
    StrokeEnd,
    StrokeStart,
    printable,
)
from rowlog_drivers.protocols.waterrower_requests import parse_request
from rowlog_drivers.protocols.waterrower_workout import WORKOUT_BITS

_MS: Final = 1_000_000

PACKET_GAP_NS: Final = 30 * _MS
"""Least time between two packets; the maker's document allows one every 25 ms."""
REPLY_LIMIT_NS: Final = 1_000 * _MS
"""A reply that has not come by then is lost."""
SILENCE_NS: Final = 3_000 * _MS
"""So long without any line although asked: say hello again."""
POWER_AFTER_START_NS: Final = tuple(ms * _MS for ms in (100, 300, 500, 700))
"""When to read 088 after SS; it holds the power of the stroke for about 0.95 s only."""
POWER_UNTIL_NS: Final = 950 * _MS
ENERGY_AFTER_START_NS: Final = 400 * _MS
"""When to read 08A after SS: a stroke's energy is counted 0.1 to 0.45 s after the next catch."""
_MOST_ERRORS: Final = 2
_MOST_LOSSES: Final = 3
_BACK_OFF_NS: Final = 30_000 * _MS
_MOST_OPEN: Final = 64

_POWER: Final = "IRD088"
_COUNT: Final = "IRD140"
_TIMES: Final = "IRD142"
_ENERGY: Final = "IRT08A"
_DISTANCE: Final = "IRD055"
_ONCE: Final = ("IRS083", "IRS084", "IRS0A9")
_EVERY_NS: Final = {
    _DISTANCE: 180 * _MS,
    _COUNT: 1_000 * _MS,
    "IRS1A9": 1_000 * _MS,
    _ENERGY: 1_000 * _MS,
    "IRD14A": 1_000 * _MS,
    "IRS1A0": 1_000 * _MS,
    "IRT1E1": 1_000 * _MS,
    _TIMES: 5_000 * _MS,
    "IRS00D": 5_000 * _MS,
    "IRS00F": 5_000 * _MS,
    "IRS03E": 5_000 * _MS,
    "IRS049": 5_000 * _MS,
}
_STEPS: Final = ("IRS049", "IRS00D")
_STEPS_NS: Final = 500 * _MS
"""How often the steps of the monitor's own workout are asked for, while it holds one."""
_DISTANCE_BESIDE_PULSES_NS: Final = 500 * _MS
"""Where pulses tell the distance, its register only serves to notice a reset."""


@dataclass(slots=True)
class _Asked:
    """What became of one kind of packet on this connection."""

    sent_ns: int = 0
    waiting: bool = False
    answers: int = 0
    errors: int = 0
    losses: int = 0
    """Since the last answer."""


@dataclass(frozen=True, slots=True)
class _Open:
    packet: str
    sent_ns: int


class PollingDialogue:
    """The requests of one connection: which are open, which is due."""

    __slots__ = (
        "_asked",
        "_greeted",
        "_heard_ns",
        "_last_packet",
        "_left",
        "_open",
        "_power_reads",
        "_pulses_seen",
        "_sent_ns",
        "_stroke_end_ns",
        "_stroke_start_ns",
        "_workout",
    )

    def __init__(self) -> None:
        self._asked: dict[str, _Asked] = {}
        self._open: list[_Open] = []
        self._greeted = False
        self._left = False
        self._last_packet = ""
        self._heard_ns: int | None = None
        self._sent_ns: int | None = None
        self._stroke_start_ns: int | None = None
        self._stroke_end_ns: int | None = None
        self._power_reads = 0
        self._pulses_seen = False
        self._workout = False

    def sent(self, packet: bytes, t_ns: int) -> None:
        """The host sent `packet`, with or without its line end."""
        text = printable(packet.strip(b"\r\n\0")).upper()
        if not text:
            return
        self._sent_ns, self._last_packet = t_ns, text
        self._left = text == "EXIT"
        if text in ("USB", "RESET"):
            # After either the machine speaks only once it has said _WR_.
            self._greeted = False
        if text == _POWER:
            self._power_reads += 1
        asked = self._asked.get(text)
        if asked is None:
            # Only what the plan asks for again needs remembering: memory stays bounded.
            planned = text in _EVERY_NS or text in _ONCE or text in (_POWER, "IV?")
            asked = self._asked.setdefault(text, _Asked()) if planned else _Asked()
        if asked.waiting:
            asked.losses += 1
        asked.sent_ns, asked.waiting = t_ns, True
        self._open = [o for o in self._open if t_ns - o.sent_ns < REPLY_LIMIT_NS]
        self._open.append(_Open(text, t_ns))
        del self._open[:-_MOST_OPEN]

    def heard(self, line: Line, t_ns: int) -> str | None:
        """A line came; the packet that it answers, None when it answers none."""
        if isinstance(line, Rejected):
            return None
        self._heard_ns = t_ns
        match line:
            case StrokeStart():
                self._stroke_start_ns, self._power_reads = t_ns, 0
            case StrokeEnd():
                self._stroke_end_ns = t_ns
            case Pulses():
                self._pulses_seen = self._pulses_seen or line.count > 0
            case Hardware():
                self._greeted = True
            case Memory():
                mode = line.octet(0x03E)
                if mode is not None:
                    self._workout = mode & WORKOUT_BITS != 0
        number = next((n for n, o in enumerate(self._open) if _answers(line, o.packet)), None)
        if number is None:
            return None
        packet = self._open.pop(number).packet
        asked = self._asked.get(packet)
        if asked is not None:
            asked.waiting, asked.losses = False, 0
            if isinstance(line, Error):
                asked.errors += 1
            else:
                asked.answers += 1
        return packet

    def next_request(self, t_ns: int) -> Request | None:
        """What to send at `t_ns`; None while it is too early or an answer is awaited."""
        if self._left:
            return None
        if self._sent_ns is not None and t_ns - self._sent_ns < PACKET_GAP_NS:
            return None
        if any(t_ns - o.sent_ns < REPLY_LIMIT_NS for o in self._open):
            return None
        packet = self._due(t_ns)
        return None if packet is None else Request(channel="tx", payload=f"{packet}\r\n".encode())

    def _due(self, t_ns: int) -> str | None:
        silent = self._heard_ns is None or t_ns - self._heard_ns >= SILENCE_NS
        if not self._greeted or silent:
            return "USB"
        if self._wanted_once("IV?"):
            return "IV?"
        lost = self._open[-1].packet if self._open else None
        if lost in self._asked and lost != _POWER and not self._given_up(lost):
            return lost
        return self._due_for_stroke(t_ns) or self._most_overdue(t_ns)

    def _due_for_stroke(self, t_ns: int) -> str | None:
        """What only a stroke calls for: its power while it is there, the count, the times."""
        start_ns, end_ns = self._stroke_start_ns, self._stroke_end_ns
        if start_ns is not None:
            since_ns = t_ns - start_ns
            reads = self._power_reads
            if (
                reads < len(POWER_AFTER_START_NS)
                and POWER_AFTER_START_NS[reads] <= since_ns < POWER_UNTIL_NS
                and not self._given_up(_POWER)
            ):
                return _POWER
            if self._asked_before(_COUNT, start_ns):
                return _COUNT
            energy_ns = start_ns + ENERGY_AFTER_START_NS
            if t_ns >= energy_ns and self._asked_before(_ENERGY, energy_ns):
                return _ENERGY
        if end_ns is not None and self._asked_before(_TIMES, end_ns):
            return _TIMES
        return None

    def _most_overdue(self, t_ns: int) -> str | None:
        """The distance as soon as it is due, of the others the one that waits longest."""
        if self._last_packet != _DISTANCE and self._overdue(_DISTANCE, t_ns) >= 1:
            return _DISTANCE
        for packet in _ONCE:
            if self._wanted_once(packet):
                return packet
        overdue, packet = max(
            ((self._overdue(packet, t_ns), packet) for packet in _EVERY_NS), key=itemgetter(0)
        )
        return packet if overdue >= 1 else None

    def _overdue(self, packet: str, t_ns: int) -> float:
        """Time since it was last asked, in units of how often it should be."""
        asked = self._asked.get(packet)
        if asked is None:
            return math.inf
        if asked.errors >= _MOST_ERRORS:
            return 0.0
        every_ns = _EVERY_NS[packet]
        if asked.losses >= _MOST_LOSSES:
            every_ns = _BACK_OFF_NS
        elif packet == _DISTANCE and self._pulses_seen:
            every_ns = _DISTANCE_BESIDE_PULSES_NS
        elif packet in _STEPS and self._workout:
            every_ns = _STEPS_NS
        return (t_ns - asked.sent_ns) / every_ns

    def _wanted_once(self, packet: str) -> bool:
        asked = self._asked.get(packet)
        return asked is None or (asked.answers == 0 and not self._given_up(packet))

    def _asked_before(self, packet: str, t_ns: int) -> bool:
        asked = self._asked.get(packet)
        return asked is None or (asked.sent_ns < t_ns and not self._given_up(packet))

    def _given_up(self, packet: str) -> bool:
        """Whether the machine refused this packet, or left it unanswered time and again."""
        asked = self._asked.get(packet)
        return asked is not None and (asked.errors >= _MOST_ERRORS or asked.losses >= _MOST_LOSSES)


def _answers(line: Line, packet: str) -> bool:
    """Whether `line` can be the reply to `packet`: replies carry no number.

    A memory reply fits by size and address. OK is what packets get that have no other reply;
    ERROR is for any.
    """
    match line:
        case Hardware():
            return packet == "USB"
        case Model():
            return packet == "IV?"
        case Memory():
            return packet == f"IR{SIZE_LETTERS[line.width]}{line.register}"
        case Ok():
            return packet not in ("USB", "IV?") and parse_request(packet.encode()) is None
        case Error():
            return True
    return False
