"""A Concept2 monitor on paper as CSAFE sees it: answers requests, holds the workout it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from rowlog_drivers.protocols import csafe_commands as wire
from rowlog_drivers.protocols.csafe_commands import Command, encode_reply, parse_request
from rowlog_drivers.protocols.csafe_frames import (
    REPORT_BYTES,
    CsafeFrame,
    CsafeFramer,
    encode_frame,
)
from rowlog_drivers.protocols.csafe_programs import MOST_INTERVALS
from rowlog_drivers.protocols.pm5_strokes import LBF_N
from rowlog_drivers.simulator.athlete import Leg, PaperStroke, Performance
from rowlog_drivers.simulator.script import Athlete, Stretch, Truth

_CONFIGURATION: Final = {
    "type": 0x01,
    "duration": 0x03,
    "rest": 0x04,
    "split": 0x05,
    "screen": 0x13,
    "configure": 0x14,
    "interval_type": 0x17,
    "interval": 0x18,
}


_SET_TIME: Final = 0x20
_SET_DISTANCE: Final = 0x21
_SET_PROGRAM: Final = 0x24
_PUBLIC_GOALS: Final = (_SET_TIME, _SET_DISTANCE)


@dataclass(slots=True)
class Shown:
    """What the monitor shows and keeps of the row, in its own units."""

    elapsed_s: float = 0.0
    distance_m: float = 0.0
    stroke_state: int = 0
    stroke_rate_spm: int = 0
    power_w: int = 0
    pace_s_per_500m: float = 0.0
    energy_kcal: int = 0
    heart_rate_bpm: int = 0
    drag_factor: int = 0
    workout_state: int = 0
    interval_count: int = 0
    stroke_count: int = 0
    drive_s: float = 0.0
    recovery_s: float = 0.0
    drive_length_m: float = 0.0
    stroke_distance_m: float = 0.0
    peak_force_lbf: float = 0.0
    mean_force_lbf: float = 0.0
    work_j: float = 0.0
    force_lbf: list[int] = field(default_factory=list)
    """Points of the force curve that nobody has read yet."""


@dataclass(slots=True)
class Held:
    """One interval of the workout that the monitor holds."""

    interval_type: int | None = None
    target_type: int = 0x80
    target_raw: int = 0
    """Hundredths of a second, metres or kilocalories."""
    rest_s: int = 0
    split_raw: int = 0


class PaperMonitor:
    """Answers CSAFE frames; `shown` is there to be changed while it is asked.

    Args:
        model: 3, 4 or 5: which PM it is.
        busy: a workout is under way, so that it takes no other.
        deaf: whether it says that it took a workout, and did not.
        reserved: whether it refuses to be configured other than by public commands, as monitors do
            over USB.
        terse: whether it does not know the request for the workout's length.
    """

    def __init__(
        self,
        *,
        model: int = 5,
        busy: bool = False,
        deaf: bool = False,
        reserved: bool = False,
        terse: bool = False,
    ) -> None:
        self.shown = Shown()
        self.workout_type = 1
        self.workout: list[Held] = []
        self.requests: list[tuple[Command, ...]] = []
        self.on_workout: Callable[[], None] = lambda: None
        self._model = model
        self._busy = busy
        self._deaf = deaf
        self._reserved = reserved
        self._terse = terse
        self._framer = CsafeFramer()
        self._toggle = 0
        self._goal = Held()
        self._new_type = 1
        self._new: dict[int, Held] = {}
        self._at = 0

    def take(self, portion: bytes) -> list[bytes]:
        """Bytes of requests, in any portions; the whole frames that answer them."""
        frames = [one for one in self._framer.feed(portion) if isinstance(one, CsafeFrame)]
        return [encode_frame(self.answer(frame.contents)) for frame in frames]

    def take_report(self, report: bytes) -> list[bytes]:
        """A USB report, its id first; the reports that answer it, the smallest that do."""
        answers = []
        for frame in self.take(report[1:]):
            size = max(len(frame) + 1, REPORT_BYTES[report[0]])
            number = next(id for id, most in REPORT_BYTES.items() if size <= most)
            answers.append((bytes([number]) + frame).ljust(REPORT_BYTES[number], b"\0"))
        return answers

    def answer(self, contents: bytes) -> bytes:
        """The contents of the reply to the contents of a request."""
        commands = parse_request(contents)
        self.requests.append(commands)
        self._toggle ^= 0x80
        result = 0
        blocks: list[tuple[int | None, int, bytes]] = []
        for one in commands:
            if one.wrapper in (wire.SET_CONFIGURATION, wire.SET_DATA):
                if self._busy or self._reserved:
                    result = 1 if self._reserved else 3
                    continue
                self._configure(one)
                blocks.append((one.wrapper, one.id, b""))
                continue
            if one.wrapper is None and one.id in _PUBLIC_GOALS:
                if self._busy:
                    result = 3
                    continue
                self._set_goal(one)
            elif one.wrapper == wire.PM and one.id == _CONFIGURATION["split"]:
                self._goal.split_raw = int.from_bytes(one.data[1:5], "little")
                continue
            elif one.wrapper is None and one.id == _SET_PROGRAM:
                if self._busy or not self._take_goal():
                    result = result or 1
                continue
            data = self._value(one)
            if data is None and one.wrapper == wire.PM and one.id == wire.PM_DURATION:
                result = 1
            if data is not None:
                blocks.append((one.wrapper, one.id, data))
        state = 9 if self.shown.workout_state else 1
        return encode_reply(self._toggle | result << 4 | state, blocks)

    def _configure(self, one: Command) -> None:
        if not one.data:
            return
        number = int.from_bytes(one.data[1:5], "big") if len(one.data) == 5 else 0
        held = self._new.setdefault(self._at, Held())
        if one.id == _CONFIGURATION["type"]:
            self._new_type = one.data[0]
            if self._at == 0:
                held.interval_type = held.interval_type if self._new_type in (8, 9) else None
        elif one.id == _CONFIGURATION["interval"]:
            self._at = one.data[0]
            self._new[self._at] = Held()
        elif one.id == _CONFIGURATION["interval_type"]:
            held.interval_type = one.data[0]
        elif one.id == _CONFIGURATION["duration"]:
            held.target_type, held.target_raw = one.data[0], number
        elif one.id == _CONFIGURATION["split"]:
            held.split_raw = number
        elif one.id == _CONFIGURATION["rest"]:
            held.rest_s = int.from_bytes(one.data, "big")
        elif one.id == _CONFIGURATION["screen"] and one.data == b"\x01\x01":
            if not self._deaf:
                self.workout_type = self._new_type
                self.workout = [self._new[at] for at in sorted(self._new)]
                self.shown.workout_state = 0
            self._new, self._at = {}, 0
            self.on_workout()

    def _set_goal(self, one: Command) -> None:
        """The goal of a single piece, by a public command."""
        self._goal = Held()
        if one.id == _SET_TIME and len(one.data) == 3:
            hours, minutes, seconds = one.data
            self._goal.target_type = 0x00
            self._goal.target_raw = ((hours * 60 + minutes) * 60 + seconds) * 100
        elif one.id == _SET_DISTANCE and len(one.data) == 3:
            per = 1000 if one.data[2] == wire.UNITS["km"] else 1
            self._goal.target_raw = int.from_bytes(one.data[:2], "little") * per

    def _take_goal(self) -> bool:
        """Whether the limits hold: 20 s, 100 m, and as many splits as the monitor has."""
        goal = self._goal
        least = 2000 if goal.target_type == 0x00 else 100
        split = goal.split_raw or goal.target_raw
        most = MOST_INTERVALS[self._model]
        if goal.target_raw < least or not least <= split <= goal.target_raw:
            return False
        if goal.target_raw > most * split:
            return False
        if not self._deaf:
            self.workout_type = 5 if goal.target_type == 0x00 else 3
            self.workout = [goal]
            self.shown.workout_state = 0
        self.on_workout()
        return True

    def _displayed(self, counted: int, target_type: int) -> int:
        """In hundredths or tenths: a goal counts down on the display."""
        held = self.workout[0] if len(self.workout) == 1 and self.workout_type in (3, 5) else None
        if held is None or held.target_type != target_type:
            return counted
        per = 1 if target_type == 0x00 else 10
        return max(held.target_raw * per - counted, 0)

    def _value(self, one: Command) -> bytes | None:
        """The data of a reply's block; None for a command that gives none."""
        shown = self.shown
        if one.wrapper is None:
            return self._public(one.id)
        if one.wrapper != wire.PM:
            return None
        if one.id == wire.PM_FORCE_PLOT:
            points, shown.force_lbf = shown.force_lbf[:10], shown.force_lbf[10:]
            return wire.encode_force_block(points)
        if one.id == wire.PM_DURATION:
            if self._terse or not self.workout:
                return None
            held = self.workout[0]
            return bytes([held.target_type]) + _little(held.target_raw, 4)
        values = {
            wire.PM_WORK_TIME: _little(self._displayed(round(shown.elapsed_s * 100), 0x00), 4)
            + b"\0",
            wire.PM_WORK_DISTANCE: _little(self._displayed(round(shown.distance_m * 10), 0x80), 4)
            + b"\0",
            wire.PM_STROKE_STATE: bytes([shown.stroke_state]),
            wire.PM_DRAG_FACTOR: bytes([shown.drag_factor]),
            wire.PM_WORKOUT_TYPE: bytes([self.workout_type]),
            wire.PM_WORKOUT_STATE: bytes([shown.workout_state]),
            wire.PM_INTERVAL_TYPE: bytes([1]),
            wire.PM_INTERVAL_COUNT: bytes([shown.interval_count]),
            wire.PM_STROKE_STATS: b"".join(
                (
                    _little(round(shown.stroke_distance_m * 100), 2),
                    _little(round(shown.drive_s * 100), 1),
                    _little(round(shown.recovery_s * 100), 2),
                    _little(round(shown.drive_length_m * 100), 1),
                    _little(shown.stroke_count, 2),
                    _little(round(shown.peak_force_lbf * 10), 2),
                    _little(0, 2),
                    _little(round(shown.mean_force_lbf * 10), 2),
                    _little(round(shown.work_j * 10), 2),
                )
            ),
        }
        return values.get(one.id)

    def _public(self, id: int) -> bytes | None:
        shown = self.shown
        seconds = int(shown.elapsed_s)
        units = wire.UNITS
        values = {
            wire.VERSION: bytes([wire.CONCEPT2, 2, self._model, 0, 1, 2, 3]),
            wire.SERIAL: b"430000001",
            wire.WORK_TIME: bytes([seconds // 3600, seconds // 60 % 60, seconds % 60]),
            wire.HORIZONTAL: _little(int(shown.distance_m), 2) + bytes([units["m"]]),
            wire.CALORIES: _little(shown.energy_kcal, 2),
            wire.PACE: _little(round(shown.pace_s_per_500m * 2), 2) + bytes([units["s_per_km"]]),
            wire.CADENCE: _little(shown.stroke_rate_spm, 2) + bytes([units["spm"]]),
            wire.HEART_RATE: bytes([shown.heart_rate_bpm]),
            wire.POWER: _little(shown.power_w, 2) + bytes([units["w"]]),
        }
        return values.get(id)


def _little(number: int, width: int) -> bytes:
    return number.to_bytes(width, "little")


_DRIVE_M: Final = 1.35
_POINTS_PER_S: Final = 40
_MEAN_OF_PEAK: Final = 0.5625
"""Of the force curve 6.75 x (1 - x)^2, whose peak is 1."""


class PaperRow:
    """A free row on a `PaperMonitor`: `at` lets it show what it would at an instant."""

    def __init__(self, monitor: PaperMonitor, script: Iterable[Stretch], *, seed: int = 1) -> None:
        performance = Performance(script, athlete=Athlete(), seed=seed, power_factor=1.0)
        self._legs = list(performance.legs())
        self.truth = Truth(stretches=tuple(performance.stretches), faults=(), end_s=performance.t_s)
        self._monitor = monitor
        self._next = 0
        self._first_s: float | None = None
        self._t_s = 0.0

    def at(self, t_s: float) -> None:
        """The athlete has come to `t_s`, which never falls."""
        shown = self._monitor.shown
        while self._next < len(self._legs) and self._legs[self._next].start_s <= t_s:
            leg = self._legs[self._next]
            self._next += 1
            if leg.phase == "drive" and leg.begins and self._first_s is None:
                self._first_s = leg.start_s
                shown.workout_state = 1
            drive = self._legs[self._next - 2] if self._next > 1 else leg
            if leg.phase != "drive" and drive.phase == "drive" and drive.stroke is not None:
                self._stroke(drive, drive.stroke)
        if not self._next:
            return
        leg = self._legs[self._next - 1]
        if leg.stroke is not None and leg.phase == "drive":
            self._pull(leg, leg.stroke, self._t_s, t_s)
        self._t_s = t_s
        if self._first_s is not None:
            shown.elapsed_s = min(t_s, leg.end_s) - self._first_s
        shown.distance_m = leg.distance_m(t_s)
        shown.energy_kcal = int(leg.energy_kcal(t_s))
        shown.stroke_state = {"drive": 2, "recovery": 4, "coast": 1, "still": 0}[leg.phase]

    def _pull(self, leg: Leg, stroke: PaperStroke, since_s: float, t_s: float) -> None:
        """The points of the force curve that came since it was looked last."""
        count = max(8, int(stroke.drive_s * _POINTS_PER_S))
        peak_lbf = _peak_lbf(stroke)
        places = [leg.start_s + (n + 0.5) * stroke.drive_s / count for n in range(count)]
        for place in places:
            if since_s < place <= t_s:
                x = (place - leg.start_s) / stroke.drive_s
                force = peak_lbf * 6.75 * x * (1 - x) * (1 - x)
                self._monitor.shown.force_lbf.append(int(force))

    def _stroke(self, drive: Leg, stroke: PaperStroke) -> None:
        """A drive is over: its figures stand, and what is left of its curve is there."""
        shown = self._monitor.shown
        if self._t_s < drive.end_s:
            self._pull(drive, stroke, max(self._t_s, drive.start_s), drive.end_s)
        work_j = stroke.power_w * stroke.period_s
        shown.stroke_count = stroke.number
        shown.stroke_rate_spm = round(stroke.stroke_rate_spm)
        shown.power_w = round(stroke.power_w)
        shown.pace_s_per_500m = stroke.pace_s_per_500m
        shown.drag_factor = 118
        shown.drive_s, shown.recovery_s = stroke.drive_s, stroke.period_s - stroke.drive_s
        shown.drive_length_m = _DRIVE_M
        shown.stroke_distance_m = 500 / stroke.pace_s_per_500m * stroke.period_s
        shown.peak_force_lbf = _peak_lbf(stroke)
        shown.mean_force_lbf = work_j / _DRIVE_M / LBF_N
        shown.work_j = work_j


def _peak_lbf(stroke: PaperStroke) -> float:
    return stroke.power_w * stroke.period_s / _DRIVE_M / _MEAN_OF_PEAK / LBF_N
