"""A WaterRower S4 on paper that any program may ask: it lives on in time, and answers.

The monitor is the one of `s4`, without its host: what it sends of itself comes from there, and so
do the values of its memory. Nothing is sent before the host has said hello, nor after goodbye.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Final

from rowlog_drivers.protocols import waterrower_requests as wire
from rowlog_drivers.protocols.csafe_programs import Interval
from rowlog_drivers.protocols.waterrower_lines import LineFramer
from rowlog_drivers.simulator.athlete import Leg, Performance
from rowlog_drivers.simulator.faults import Faults
from rowlog_drivers.simulator.s4 import POWER_FACTOR, S4Rower
from rowlog_drivers.simulator.script import Athlete, Fault, Stretch, StretchTruth

_COUNTED: Final = {
    "055": 2,
    "088": 2,
    "08A": 3,
    "140": 2,
    "142": 2,
    "14A": 2,
    "1A9": 1,
    "1E1": 3,
    "00D": 1,
    "00F": 1,
    "03E": 1,
    "049": 1,
}
"""Registers that the rowing moves, or the workout that is held, with their width in bytes."""
_SAME: Final = {0x057: "055", 0x058: "055"}
"""Registers that show what another one counts: the displayed distance."""
_FIXED: Final = {0x083: 32, 0x084: 35, 0x0A9: 180}
"""32 pulses are 35 cm; 18 litres in the tank."""
_LAST_ADDRESS: Final = 0x1FF
_FOREVER_S: Final = 10 * 86_400.0


class LiveS4(S4Rower):
    """The monitor, to be moved on in time and asked."""

    def __init__(
        self,
        script: Iterable[Stretch],
        *,
        seed: int = 1,
        faults: Iterable[str | Fault] = (),
        athlete: Athlete | None = None,
        stale: bool = False,
        program: Sequence[Interval] = (),
    ) -> None:
        """The arguments are those of `Simulator`; after the script the wheel stands still."""
        shared = Faults(faults, Random(f"rowlog:{seed}:faults"))
        super().__init__(
            "rower",
            Random(f"rowlog:{seed}:rower"),
            shared,
            stale=stale,
            reset_at_s=None,
            program=program,
        )
        self.talking = False
        """Whether a host has said hello, and not goodbye."""
        self.plugged = True
        """False while the fault `drop` has the cable out."""
        self._said = bytearray()
        self._asked_for = LineFramer()
        self._performance = Performance(
            _endless(script),
            athlete=athlete if athlete is not None else Athlete(),
            seed=seed,
            power_factor=POWER_FACTOR,
        )
        self._legs = self._performance.legs()
        self._leg = next(self._legs)
        self._began = False
        self._now_s = 0.0
        self._enter(self._leg)

    @property
    def stretches(self) -> tuple[StretchTruth, ...]:
        """What really happened: the stretches that are over."""
        return tuple(self._performance.stretches)

    @property
    def metres(self) -> int:
        """What register 055 counts now, without its wrap."""
        return self._value("055", self._now_s, self._leg)

    @property
    def strokes(self) -> int:
        """What register 140 counts now."""
        return self._value("140", self._now_s, self._leg)

    def advance(self, t_s: float) -> bytes:
        """Live on until `t_s`, in seconds since its start; all that it sends meanwhile."""
        while True:
            if self.next_s < self._leg.end_s:
                if self.next_s > t_s:
                    break
                self.tick(self.next_s, self._leg)
            elif self._leg.end_s > t_s:
                break
            else:
                self._leg = next(self._legs)
                self._enter(self._leg)
        self._now_s = t_s
        return self._taken()

    def answer(self, octets: bytes) -> bytes:
        """What it answers now to bytes of the host, which may end within a packet."""
        # The rest of a line that is half sent comes first.
        self._say(bytes(self._line))
        self._line.clear()
        for packet in self._asked_for.feed(octets):
            self._hear(packet.upper())
        return self._taken()

    def press_reset(self) -> bytes:
        """Somebody presses the power button: all counters begin again."""
        self._reset(self._now_s, self._leg)
        self._say(wire.PING)
        return self._taken()

    # ------------------------------------------------- what differs from a monitor with its host

    def emit(
        self, t_s: float, channel: str, payload: bytes, *, sent: bool = False, exact: bool = False
    ) -> None:
        """Speak, instead of writing down that it was heard."""
        if channel == "link":
            self.plugged = payload == b"up"
            if not self.plugged:
                self.talking = False
        elif not sent:
            self._say(payload)

    def greet(self, t_s: float) -> None:
        """The host greets by itself."""

    def _poll(self, t_s: float, leg: Leg) -> None:
        """The host asks by itself."""

    def _ask(self, t_s: float, request: bytes, reply: bytes) -> None:
        """Nobody asked: a monitor that restarts says nothing of it."""

    # ------------------------------------------------------------------------------------------

    def _hear(self, packet: bytes) -> None:
        if packet == b"USB":
            self.talking = True
            self._say(wire.WR)
        elif not self.talking:
            return
        elif packet == b"IV?":
            self._say(wire.encode_model())
        elif packet == b"RESET":
            self._reset(self._now_s, self._leg)
            self._say(wire.OK + wire.PING)
        elif packet == b"EXIT":
            self._say(wire.OK)
            self.talking = False
        else:
            self._say(self._read_out(packet))

    def _read_out(self, packet: bytes) -> bytes:
        request = wire.parse_request(packet)
        if request is None:
            return wire.ERROR
        first = int(request.register, 16)
        if first + request.width - 1 > _LAST_ADDRESS:
            return wire.ERROR
        memory = bytes(self._octet(first + offset) for offset in range(request.width))
        value = int.from_bytes(memory, "little")
        return wire.encode_reply(request.register, request.width, value)

    def _octet(self, address: int) -> int:
        for register, width in _COUNTED.items():
            first = int(register, 16)
            if first <= address < first + width:
                return self._octet_of(register, address - first)
        if address in _SAME:
            return self._octet_of(_SAME[address], address - min(_SAME))
        return _FIXED.get(address, 0)

    def _octet_of(self, register: str, offset: int) -> int:
        return self._value(register, self._now_s, self._leg) >> 8 * offset & 0xFF

    def _enter(self, leg: Leg) -> None:
        if not self._began and leg.kind in ("work", "exercise"):
            self._began = True
            self.faults.work_began(leg.start_s)
        self.on_leg(leg)

    def _say(self, octets: bytes) -> None:
        if self.talking:
            self._said += octets

    def _taken(self) -> bytes:
        said = bytes(self._said)
        self._said.clear()
        return said


def _endless(script: Iterable[Stretch]) -> Iterator[Stretch]:
    yield from script
    while True:
        yield Stretch(kind="wait", seconds=_FOREVER_S)
