"""A WaterRower S4 on paper, with the host that polls it over a serial line.

What it sends follows "Water Rower S4 & S5 USB Protocol", issue 1.04, and how a monitor of
firmware 02.10 behaves: 32 pulses a 35 cm, power for 0.95 s after each catch, a stroke's energy
counted just after the next catch, rate and speed that keep their last value until RESET.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from rowlog_drivers.protocols import waterrower_requests as wire
from rowlog_drivers.protocols.csafe_programs import Interval
from rowlog_drivers.simulator.athlete import Leg
from rowlog_drivers.simulator.faults import Faults
from rowlog_drivers.simulator.machines import Counters, Device

POWER_FACTOR: Final = 0.69
"""An S4's watts as a share of Concept2's at equal speed."""

_TICK_S: Final = 0.025
_TICKS_A_POLL: Final = 4
_PULSES: Final = 32
_METRES: Final = 0.35
_POWER_SHOWN_S: Final = 0.95
_ENERGY_AFTER_CATCH_S: Final = 0.25
_CUT_SHARE: Final = 0.12
_GARBAGE_SHARE: Final = 0.004

_ROUND: Final = (
    ("055", 2),
    ("140", 2),
    ("088", 2),
    ("1E1", 3),
    ("055", 2),
    ("08A", 3),
    ("088", 2),
    ("1A9", 1),
    ("142", 2),
    ("14A", 2),
)
"""What the host asks for in turn: register and width."""
_ROUND_OF_WORKOUT: Final = (*_ROUND, ("03E", 1), ("049", 1), ("00D", 1), ("049", 1), ("00F", 1))
_ENERGY: Final = ("08A", 3)
_ENERGY_ASKED_S: Final = 0.4
"""So long after a catch the host also asks for the energy, which has just been counted."""


class S4Rower(Device):
    """The monitor and its host: what the one sends is `rx`, what the other sends `>tx`."""

    def __init__(
        self,
        source: str,
        random: Random,
        faults: Faults,
        *,
        stale: bool,
        reset_at_s: float | None,
        program: Sequence[Interval] = (),
    ) -> None:
        """`stale`: counters hold a former row; `reset_at_s`: when the host sends RESET.

        `program`: the workout that the monitor holds, intervals of distance or of duration with
        rests between them, best one that the script follows.
        """
        super().__init__(source, random, faults, faulty=True)
        self._counters = Counters(moving_time_only=False)
        self._reset_at_s = reset_at_s
        self._resets = 0
        self._ticks = 0
        self._asked = 0
        self._energy_asked = True
        self._pulses = 0
        self._in_drive = False
        self._program = tuple(program)
        self._round = _ROUND_OF_WORKOUT if program else _ROUND
        self._phase = "ready"
        self._begun = 0
        """Intervals that have begun."""
        self._line = bytearray()
        self._waiting: list[bytes] = []
        self._ping_s = 0.0
        self._start_pulses = 0
        self._base_pulses = 0
        self._speed_cm = 0
        self._kcal = self._kcal_before = 0.0
        self._caught_kcal: float | None = None
        if stale:
            self._base_pulses = -round(52 / _METRES * _PULSES) - 5
            self._counters.base_strokes = -5
            self._kcal = self._kcal_before = 1.147
        if "wrap" in faults.names:
            self._base_pulses = -round(65_450 / _METRES * _PULSES)

    def on_leg(self, leg: Leg) -> None:
        """Count; SS and SE are sent the moment a drive begins or ends."""
        self._count_energy(leg)
        self._counters.on_leg(leg)
        if self._program:
            self._follow_workout(leg)
        if self._in_drive and leg.phase != "drive":
            self._in_drive = False
            self._at_once(leg.start_s, wire.SE)
        elif leg.phase == "drive" and leg.begins:
            if self._in_drive:
                self._at_once(leg.start_s, wire.SE)
            self._in_drive = True
            self._at_once(leg.start_s, wire.SS)

    def _follow_workout(self, leg: Leg) -> None:
        """Work and rest as the script has them.

        Distance, strokes and clock begin anew with each interval.
        """
        last = self._begun == len(self._program)
        if leg.kind == "work" and self._phase != "work" and not last:
            if self._begun:
                counters = self._counters
                self._base_pulses = int(leg.start_m * _PULSES / _METRES)
                counters.base_strokes = leg.strokes - (leg.phase == "drive" and leg.begins)
                counters.base_s = leg.start_s - (counters.first_catch_s or 0.0)
            self._begun += 1
            self._phase = "work"
        elif leg.kind != "work" and self._phase == "work":
            self._phase = "over" if last else "rest"

    def workout_register(self, register: str) -> int | None:
        """What a register says of the workout; None for another register."""
        by_time = bool(self._program) and self._program[0].kind == "time"
        if register == "03E":
            if not self._program:
                return 0
            several = 0x40 if len(self._program) > 1 else 0x10
            return several << by_time
        if register == "049":
            return 0x08 | {"rest": 2, "over": 0}.get(self._phase, 1)
        if register == "00D":
            if not self._program:
                return 0
            several = 0x32 if len(self._program) > 1 else 0x30
            return 0xF0 if self._phase == "over" else several + by_time
        if register == "00F":
            return len(self._program) - self._begun
        return None

    def _count_energy(self, leg: Leg) -> None:
        """With each catch, the energy since the one before."""
        if leg.phase != "drive" or not leg.begins:
            return
        if self._caught_kcal is not None:
            self._kcal_before = self._kcal
            self._kcal += leg.start_kcal - self._caught_kcal
        self._caught_kcal = leg.start_kcal
        self._energy_asked = False

    def greet(self, t_s: float) -> None:
        """The host says hello and asks for the model."""
        self._waiting.clear()
        self._line.clear()
        self._ask(t_s, wire.USB, wire.WR)
        self._ask(t_s + 0.002, wire.IV, wire.encode_model())

    def pass_over(self, t_s: float, leg: Leg) -> None:
        """Nothing comes through; the monitor goes on counting."""
        self.next_s = t_s + _TICK_S
        self._ticks += 1
        self._count_pulses(t_s, leg)
        self._waiting.clear()
        self._line.clear()

    def speak(self, t_s: float, leg: Leg) -> None:
        """One tick: pulses, a ping, one request of the host, and a read."""
        self.next_s = t_s + _TICK_S
        self._ticks += 1
        self._line += b"".join(self._waiting)
        self._waiting.clear()
        pulses = self._count_pulses(t_s, leg)
        if leg.phase != "still":
            self._line += wire.encode_pulses(min(pulses, 0xFF))
        elif t_s >= self._ping_s:
            self._ping_s = t_s + 1.0
            self._line += wire.PING
        if "garbage" in self.faults.names and self.random.random() < _GARBAGE_SHARE:
            self.faults.saw("garbage", self.source, t_s)
            self._line += b"\xfe" + bytes([65 + int(self.random.random() * 26)]) + b"#!\r\n"
        self._read(t_s)
        if self._reset_is_due(t_s):
            self._reset(t_s, leg)
        elif self._ticks % _TICKS_A_POLL == 0:
            self._poll(t_s, leg)

    def _count_pulses(self, t_s: float, leg: Leg) -> int:
        before = self._pulses
        self._pulses = int(leg.distance_m(t_s) * _PULSES / _METRES)
        return self._pulses - before

    def _reset_is_due(self, t_s: float) -> bool:
        if self._reset_at_s is not None and t_s >= self._reset_at_s:
            self._reset_at_s = None
            return True
        if self.faults.started("reset", t_s) > self._resets:
            self._resets += 1
            self.faults.saw("reset", self.source, t_s)
            return True
        return False

    def _reset(self, t_s: float, leg: Leg) -> None:
        self._ask(t_s, wire.RESET, wire.OK + wire.PING)
        self._ask(t_s + 0.002, wire.USB, wire.WR)
        self._counters.restart(t_s, leg)
        self._base_pulses = self._pulses
        self._kcal = self._kcal_before = 0.0
        self._caught_kcal = leg.energy_kcal(t_s) if leg.stroke is not None else None
        self._speed_cm = 0

    def _poll(self, t_s: float, leg: Leg) -> None:
        if not self._energy_asked and t_s - self._counters.catch_s >= _ENERGY_ASKED_S:
            self._energy_asked = True
            register, width = _ENERGY
        else:
            register, width = self._round[self._asked % len(self._round)]
            self._asked += 1
        value = self._value(register, t_s, leg)
        self._ask(
            t_s,
            wire.read_request(register, width),
            wire.encode_reply(register, width, value & ((1 << 8 * width) - 1)),
        )

    def _value(self, register: str, t_s: float, leg: Leg) -> int:
        counters, stroke = self._counters, self._counters.last
        told = self.workout_register(register)
        if told is not None:
            return told
        if register == "055":
            metres = (self._pulses - self._base_pulses) // _PULSES * 35 // 100
            if metres > 0xFFFF:
                self.faults.saw("wrap", self.source, t_s)
            return metres
        if register == "140":
            return leg.strokes - counters.base_strokes
        if register == "08A":
            counted = t_s - counters.catch_s >= _ENERGY_AFTER_CATCH_S
            return int((self._kcal if counted else self._kcal_before) * 1000)
        if register == "1E1":
            return wire.packed_clock(int(counters.elapsed_s(t_s)))
        if register == "088":
            shown = stroke is not None and 0 <= t_s - counters.catch_s < _POWER_SHOWN_S
            return round(stroke.power_w) if shown and stroke is not None else 0
        if stroke is None:
            return 0
        if register == "14A":
            if leg.stroke is not None:
                self._speed_cm = round(50_000 / stroke.pace_s_per_500m)
            return self._speed_cm
        if register == "1A9":
            if self.faults.active("spike", t_s):
                self.faults.saw("spike", self.source, t_s)
                return 118
            if counters.idle(t_s) and "frozen" in self.faults.names:
                self.faults.saw("frozen", self.source, t_s)
            return round(stroke.stroke_rate_spm)
        if stroke.number - counters.base_strokes < 4:
            return 0
        return round(stroke.drive_s / _TICK_S) << 8 | round(stroke.period_s / _TICK_S)

    def _ask(self, t_s: float, request: bytes, reply: bytes) -> None:
        self.emit(t_s, "tx", request, sent=True)
        self._waiting.append(reply)

    def _at_once(self, t_s: float, packet: bytes) -> None:
        silent = self.faults.active("silent", t_s)
        if self._up and not silent and not self.faults.active("drop", t_s):
            self._line += packet
            self.emit(t_s, "rx", bytes(self._line))
            self._line.clear()

    def _read(self, t_s: float) -> None:
        """The host reads what has come, now and then before a line is whole."""
        if not self._line:
            return
        size = len(self._line)
        if size > 1 and self.random.random() < _CUT_SHARE:
            size = 1 + int(self.random.random() * (size - 1))
        self.emit(t_s, "rx", bytes(self._line[:size]))
        del self._line[:size]
