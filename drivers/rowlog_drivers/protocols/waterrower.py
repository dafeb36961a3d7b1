"""WaterRower S4 and S5 on USB: lines to records, and the questions that must be asked for them.

Source: "Water Rower S4 & S5 USB Protocol", issue 1.04; behaviour as in public recordings of real
machines. Lines, registers, requests and the polling plan live in the `waterrower_*` modules beside
this one, and are named here for those who use them; the older serial monitors in `waterrower_s3`.
"""

from __future__ import annotations

from typing import Final

from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.waterrower_dialogue import PollingDialogue
from rowlog_drivers.protocols.waterrower_lines import (
    Error,
    Hardware,
    Key,
    Line,
    LineFramer,
    Memory,
    Model,
    Ok,
    Ping,
    Pulses,
    Rejected,
    StrokeEnd,
    StrokeStart,
    parse_line,
)
from rowlog_drivers.protocols.waterrower_registers import FLAG_NAMES, Reading, screen_name
from rowlog_drivers.protocols.waterrower_requests import (
    ERROR,
    EXIT,
    IV,
    OK,
    PING,
    RESET,
    SE,
    SS,
    USB,
    WR,
    ReadRequest,
    encode_model,
    encode_pulses,
    encode_reply,
    packed_clock,
    parse_request,
    program_distance,
    program_distance_intervals,
    program_duration,
    program_duration_intervals,
    read_request,
    swap,
)
from rowlog_drivers.protocols.waterrower_s3 import S3Decoder
from rowlog_drivers.protocols.waterrower_workout import Carried, Step, Workout
from rowlog_drivers.records import (
    Link,
    MachineInfo,
    MachineState,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)

__all__ = [
    "ERROR",
    "EXIT",
    "FLAG_NAMES",
    "IV",
    "OK",
    "PING",
    "RESET",
    "SE",
    "SS",
    "USB",
    "WR",
    "Error",
    "Hardware",
    "Key",
    "Line",
    "LineFramer",
    "Memory",
    "Model",
    "Ok",
    "Ping",
    "Pulses",
    "ReadRequest",
    "Reading",
    "Rejected",
    "S3Decoder",
    "S4Decoder",
    "StrokeEnd",
    "StrokeStart",
    "encode_model",
    "encode_pulses",
    "encode_reply",
    "packed_clock",
    "parse_line",
    "parse_request",
    "program_distance",
    "program_distance_intervals",
    "program_duration",
    "program_duration_intervals",
    "read_request",
    "swap",
]

DISTANCE_EVERY_NS: Final = 170_000_000
"""Pulses come 40 times a second; their distance is reported no more often than this, which is
5 times a second and more."""
PULSES_PER_STEP: Final = 32
STEP_CM: Final = 35
"""32 pulses of the paddle are 35 cm, unless registers 083 and 084 say otherwise."""
_CONSTANT_LIMITS: Final = range(0x0A, 0x40)
"""What 083 and 084 can be set to."""
SILENCE_NS: Final = 2_000_000_000
"""An S4 sends pulses while it is rowed, and PING every second while it is not: after a longer
silence something was missed."""
BRIDGE_NS: Final = 2_000_000_000
"""For so long after a silence the distance waits for register 055 to say how far it went."""
LONGEST_DRIVE_S: Final = 5.0
LONGEST_STROKE_S: Final = 10.0
"""A longer time from SS to SS is a pause between strokes, not a recovery."""

_WRAP: Final = 1 << 16
_ENERGY_STEP_CAL: Final = 16_384
"""Most that energy is taken to grow between two reads of its lower 16 bits."""

_DISPLAYED, _REGISTER, _PULSES = 1, 2, 3
"""Sources of distance, the better one higher; 0 is none yet."""


class _DistanceAxis:
    """The one distance of a connection, from whichever source is the best so far.

    Pulses of the paddle are exact to the centimetre; register 055 counts whole metres; 057 is what
    the monitor shows. A source that takes over goes on where the last report ended.
    """

    __slots__ = (
        "_base_m",
        "_before_gap",
        "_last",
        "_per_step",
        "_pulses",
        "_resumed_ns",
        "_shift_m",
        "_source",
        "_step_cm",
        "_told_055",
        "pending",
        "reported_m",
        "reported_ns",
    )

    def __init__(self) -> None:
        self._source = 0
        self._base_m = 0.0
        self._pulses = 0
        self._shift_m = 0.0
        self._per_step = PULSES_PER_STEP
        self._step_cm = STEP_CM
        self._last: dict[int, tuple[int, float]] = {}
        """Register to its last value and the axis at that time."""
        self._told_055: tuple[int, float] | None = None
        self._before_gap: tuple[int, float] | None = None
        self._resumed_ns: int | None = None
        """When the machine was first heard after the latest gap; None in the gap itself."""
        self.pending = False
        """Whether pulses have moved the axis since the last report."""
        self.reported_m = 0.0
        self.reported_ns: int | None = None

    @property
    def by_pulses(self) -> bool:
        """Whether pulses of the paddle tell the distance."""
        return self._source == _PULSES

    def metres(self) -> float:
        """Where pulses have brought the axis."""
        return self._base_m + self._pulses * self._step_cm / (100 * self._per_step)

    def add_pulses(self, count: int) -> None:
        """The paddle turned on by `count` pulses."""
        if count == 0:
            return
        if not self.by_pulses:
            self._source, self._base_m, self._pulses = _PULSES, self.reported_m, 0
        self._pulses += count
        self.pending = True

    def set_constants(self, per_step: int | None, step_cm: int | None) -> None:
        """What registers 083 and 084 say; a value that they cannot be set to is ignored."""
        per_step = per_step if per_step in _CONSTANT_LIMITS else None
        step_cm = step_cm if step_cm in _CONSTANT_LIMITS else None
        self._base_m, self._pulses = self.metres(), 0
        self._per_step = per_step or self._per_step
        self._step_cm = step_cm or self._step_cm

    def read_register(self, source: int, metres: int) -> float | None:
        """What to report for a reading of 055 or 057; None where a better source reports."""
        if source < self._source:
            return None
        if source > self._source:
            self._source = source
            ahead = metres - self.reported_m
            # A metre or two ahead is the way rowed since; anything else is another origin.
            fits = self.reported_ns is None or 0 <= ahead <= 2
            self._shift_m = 0.0 if fits else -ahead
        elif self._fell(source, metres):
            self._shift_m = 0.0
        self._last[source] = (metres, 0.0)
        return metres + self._shift_m

    def restarted(self, register: int, value: int) -> bool:
        """While pulses tell the distance: whether this reading shows that the machine restarted.

        Registers 055 and 140 only grow. 057 may count down, but not faster than the boat moves.
        """
        now_m = self.metres()
        last = self._last.get(register)
        self._last[register] = (value, now_m)
        if last is None:
            return False
        drop = last[0] - value
        if drop <= 0 or drop > _WRAP - 1024:
            return False
        return register != _DISPLAYED or drop > now_m - last[1] + 5

    def bridge(self, metres: int) -> bool:
        """A reading of 055 while pulses tell the distance: whether it closes a gap in the link.

        True when the machine rowed on (or restarted) while nobody listened: the axis has been
        moved to what the register says.
        """
        before, self._before_gap = self._before_gap, None
        now_m = self.metres()
        moved = False
        if before is not None:
            grown = metres - before[0]
            missed = grown - (now_m - before[1])
            if grown < 0:
                self.restart(float(metres))
                moved = True
            elif missed > 1:
                self._base_m += missed
                moved = True
        self._told_055 = (metres, self.metres())
        return moved

    def note_register(self, metres: int, axis_m: float) -> None:
        """Register 055 itself told where the axis is: from here a later gap is bridged."""
        self._told_055, self._before_gap = (metres, axis_m), None

    def lose_link(self) -> None:
        """Pulses are missed from here on; the next reading of 055 tells how far it went."""
        self._before_gap = self._told_055 or self._before_gap
        self._told_055 = self._resumed_ns = None
        self._last.clear()

    def hear(self, t_ns: int) -> None:
        """The machine spoke: a gap, if there was one, is over."""
        if self._resumed_ns is None:
            self._resumed_ns = t_ns

    def bridging(self, t_ns: int) -> bool:
        """Whether the way since a gap is not known yet, but soon will be."""
        return (
            self._before_gap is not None
            and self._resumed_ns is not None
            and t_ns - self._resumed_ns < BRIDGE_NS
        )

    def restart(self, metres: float) -> None:
        """The machine counts from `metres` again."""
        self._base_m, self._pulses, self._shift_m = metres, 0, 0.0
        self._last.clear()
        self._told_055 = self._before_gap = None
        self.reported_m = metres
        self.pending = False

    def _fell(self, source: int, metres: int) -> bool:
        last = self._last.get(source)
        return last is not None and metres < last[0]


class _StrokeTimes:
    """The stroke that is being rowed, from SS and SE; and its power, from register 088."""

    __slots__ = ("_end_ns", "_power_w", "_start_ns", "number")

    def __init__(self) -> None:
        self.number = 0
        self._start_ns: int | None = None
        self._end_ns: int | None = None
        self._power_w: float | None = None

    def start(self, t_ns: int, source: str) -> list[Record]:
        """SS: the stroke before is complete, another begins."""
        records = self.complete(t_ns, source, next_start=True)
        self.number += 1
        self._start_ns = t_ns
        records.append(Stroke(t_ns=t_ns, source=source, number=self.number))
        return records

    def end(self, t_ns: int, source: str) -> list[Record]:
        """SE: the drive is over; ignored without SS, or too long after it."""
        if self._start_ns is None or self._end_ns is not None:
            return []
        drive_s = (t_ns - self._start_ns) / 1e9
        if not 0 < drive_s <= LONGEST_DRIVE_S:
            return []
        self._end_ns = t_ns
        return [Stroke(t_ns=t_ns, source=source, number=self.number, drive_s=drive_s)]

    def power(self, power_w: float) -> None:
        """A reading of 088, which is 0 most of the time: the largest one counts."""
        if self._start_ns is not None and power_w > (self._power_w or 0):
            self._power_w = power_w

    def complete(self, t_ns: int, source: str, *, next_start: bool = False) -> list[Record]:
        """What was not yet said of the last stroke.

        Its rate and recovery are known only when the next one starts now.
        """
        recovery_s: float | None = None
        rate_spm: float | None = None
        if next_start and self._start_ns is not None:
            period_s = (t_ns - self._start_ns) / 1e9
            if 0 < period_s <= LONGEST_STROKE_S:
                rate_spm = 60 / period_s
                if self._end_ns is not None:
                    recovery_s = (t_ns - self._end_ns) / 1e9
        power_w = self._power_w
        self._start_ns = self._end_ns = self._power_w = None
        if power_w is None and rate_spm is None:
            return []
        return [
            Stroke(
                t_ns=t_ns,
                source=source,
                number=self.number,
                stroke_rate_spm=rate_spm,
                recovery_s=recovery_s,
                power_w=power_w,
            )
        ]


class S4Decoder:
    """The records of one WaterRower S4 or S5, and the dialogue that brings them.

    Given the `rx` chunks of the serial line as they came, what was sent (`tx`), and `link` frames.
    Where the chunks were cut makes no difference: a record has the stamp of the chunk that
    completed its line. Registers are reported as read, so they may hold an earlier row until
    RESET, and fall back when the machine restarts.
    """

    __slots__ = (
        "_axis",
        "_clock",
        "_count",
        "_counted",
        "_dialogue",
        "_energy_cal",
        "_framer",
        "_heard_ns",
        "_metres",
        "_rowing",
        "_said",
        "_source",
        "_strokes",
        "_workout",
    )

    def __init__(self) -> None:
        self._source = ""
        self._framer = LineFramer()
        self._dialogue = PollingDialogue()
        self._axis = _DistanceAxis()
        self._strokes = _StrokeTimes()
        self._workout = Workout()
        self._metres, self._count = Carried(), Carried()
        self._clock = Carried(clock=True)
        self._counted: int | None = None
        self._energy_cal: int | None = None
        self._heard_ns = 0
        self._rowing = False
        self._said: dict[str, int | float] = {}
        """What is reported only when it changes."""

    def next_request(self, t_ns: int) -> Request | None:
        """What to send at `t_ns`; None while it is too early or an answer is awaited."""
        return self._dialogue.next_request(t_ns)

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of all lines that this frame completes."""
        self._source = frame.source
        if frame.channel == "link":
            return self._link(frame)
        if frame.sent:
            for packet in frame.payload.replace(b"\r", b"\n").split(b"\n"):
                self._dialogue.sent(packet, frame.t_ns)
            return ()
        if frame.channel != "rx":
            return (
                self._undecoded(frame.t_ns, f"{frame.channel}: not a channel of a serial line"),
            )
        records: list[Record] = []
        for octets in self._framer.feed(frame.payload):
            self._line(parse_line(octets), frame.t_ns, records)
        return tuple(records)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """The distance of the last pulses, and the power of the last stroke."""
        records: list[Record] = []
        if self._axis.pending:
            records.append(self._distance(t_ns, self._axis.metres()))
        records += self._strokes.complete(t_ns, self._source)
        return tuple(records)

    def _link(self, frame: Frame) -> tuple[Record, ...]:
        link = decode_link(frame)
        if not isinstance(link, Link):
            return (link,)
        records = list(self.finish(frame.t_ns))
        self._framer.clear()
        self._dialogue = PollingDialogue()
        self._axis.lose_link()
        self._rowing = False
        self._said.clear()
        records.append(link)
        return tuple(records)

    def _line(self, line: Line, t_ns: int, records: list[Record]) -> None:
        answered = self._dialogue.heard(line, t_ns)
        if t_ns - self._heard_ns > SILENCE_NS:
            self._axis.lose_link()
        self._heard_ns = t_ns
        self._axis.hear(t_ns)
        match line:
            case Pulses():
                self._axis.add_pulses(line.count)
            case Memory():
                self._memory(line, t_ns, records)
            case StrokeStart():
                self._rowing = True
                self._report_pulses(t_ns, records)
                records += self._strokes.start(t_ns, self._source)
                self._step(self._workout.stroke(), t_ns, records)
            case StrokeEnd():
                self._report_pulses(t_ns, records)
                records += self._strokes.end(t_ns, self._source)
            case Ping():
                self._idle(t_ns, records)
            case Ok():
                if answered == "RESET":
                    self._reset(t_ns, records)
            case Model():
                records.append(
                    MachineInfo(
                        t_ns=t_ns,
                        source=self._source,
                        manufacturer="WaterRower",
                        model=f"WaterRower S{line.model}",
                        firmware=line.firmware,
                    )
                )
            case Key():
                records.append(
                    MachineState(t_ns=t_ns, source=self._source, state="key", text=line.label)
                )
            case Error():
                to = "no known request" if answered is None else answered
                records.append(self._undecoded(t_ns, f"the machine answered ERROR to {to}"))
            case Rejected():
                records.append(self._undecoded(t_ns, f"{line.line}: {line.reason}"))
        reported_ns = self._axis.reported_ns
        if reported_ns is None or t_ns - reported_ns >= DISTANCE_EVERY_NS:
            self._report_pulses(t_ns, records)

    def _idle(self, t_ns: int, records: list[Record]) -> None:
        """PING comes only while nobody rows: the last stroke has no recovery to wait for."""
        if not self._rowing:
            return
        self._rowing = False
        self._report_pulses(t_ns, records)
        records += self._strokes.complete(t_ns, self._source)
        records.append(MachineState(t_ns=t_ns, source=self._source, state="idle"))

    def _reset(self, t_ns: int, records: list[Record]) -> None:
        records += self.finish(t_ns)
        records.append(MachineState(t_ns=t_ns, source=self._source, state="reset"))
        self._restart(t_ns, 0.0, records)

    def _restart(self, t_ns: int, metres: float, records: list[Record]) -> None:
        self._report_pulses(t_ns, records)
        for counter in (self._metres, self._count, self._clock):
            counter.restart()
        self._counted = None
        self._energy_cal = None
        self._axis.restart(metres)
        if self._axis.by_pulses:
            records.append(self._distance(t_ns, metres))

    def _report_pulses(self, t_ns: int, records: list[Record]) -> None:
        if self._axis.pending and not self._axis.bridging(t_ns):
            records.append(self._distance(t_ns, self._axis.metres()))

    def _distance(self, t_ns: int, metres: float) -> RowerSample:
        self._note_distance(t_ns, metres)
        return RowerSample(t_ns=t_ns, source=self._source, distance_m=metres)

    def _note_distance(self, t_ns: int, metres: float) -> None:
        self._axis.reported_m, self._axis.reported_ns = metres, t_ns
        self._axis.pending = False

    def _memory(self, line: Memory, t_ns: int, records: list[Record]) -> None:
        power_w = line.value("power_w")
        if power_w is not None:
            self._strokes.power(power_w)
        per_step, step_cm = line.integer("pulses_per_step"), line.integer("step_cm")
        if per_step is not None or step_cm is not None:
            self._axis.set_constants(per_step, step_cm)
        count = self._carried(self._count, line.integer("stroke_count"), t_ns)
        if count is not None and self._axis.by_pulses and self._axis.restarted(0x140, count):
            self._restart(t_ns, 0.0, records)
        distance_m = self._distance_of(line, t_ns, records)
        elapsed_s = self._carried(self._clock, line.integer("clock_s"), t_ns)
        speed_mps = line.value("speed_mps")
        pace_s = line.integer("pace_s_per_500m")
        heart_rate_bpm = line.integer("heart_rate_bpm")
        energy_kcal = self._energy_of(line)
        # 142 tells an average that also goes by this name; the monitor's own figure is 1A9.
        rate_spm = line.octet(0x1A9)
        told = (distance_m, elapsed_s, speed_mps, pace_s, heart_rate_bpm, energy_kcal, rate_spm)
        if count is not None or any(value is not None for value in told):
            records.append(
                RowerSample(
                    t_ns=t_ns,
                    source=self._source,
                    distance_m=distance_m,
                    elapsed_s=elapsed_s,
                    stroke_count=count,
                    stroke_rate_spm=rate_spm,
                    pace_s_per_500m=pace_s,
                    speed_mps=speed_mps,
                    energy_kcal=energy_kcal,
                    heart_rate_bpm=heart_rate_bpm,
                )
            )
        self._machine(line, t_ns, records)
        if count is not None:
            if self._counted is not None and count > self._counted:
                self._step(self._workout.stroke(), t_ns, records)
            self._counted = count

    def _carried(self, counter: Carried, value: int | None, t_ns: int) -> int | None:
        if value is None:
            return None
        return counter.take(value, t_ns, carry=self._workout.by_intervals)

    def _distance_of(self, line: Memory, t_ns: int, records: list[Record]) -> float | None:
        """The distance that a register tells, where no better source does."""
        metres = self._carried(self._metres, line.integer("distance_m"), t_ns)
        source = _REGISTER
        if metres is None:
            metres = line.integer("distance_displayed_m")
            source = _DISPLAYED
        if metres is None:
            return None
        if not self._axis.by_pulses:
            told_m = self._axis.read_register(source, metres)
            if told_m is not None:
                if source == _REGISTER:
                    self._axis.note_register(metres, told_m)
                self._note_distance(t_ns, told_m)
            return told_m
        if source == _DISPLAYED and self._workout.on:
            return None  # it counts down, and up again with the next interval
        if self._axis.restarted(source, metres):
            self._restart(t_ns, float(metres) if source == _REGISTER else 0.0, records)
        if source == _REGISTER and self._axis.bridge(metres):
            records.append(self._distance(t_ns, self._axis.metres()))
        return None

    def _energy_of(self, line: Memory) -> float | None:
        """Energy in kcal; the lower 16 bits alone are continued past their wrap."""
        cal = line.integer("energy_cal")
        if cal is None:
            return None
        if line.octet(0x08C) is None and self._energy_cal is not None:
            last = self._energy_cal
            grown = (cal - last) % _WRAP
            # 0 is a machine that restarted; so is a drop too far from the wrap.
            restarted = cal < last % _WRAP and (cal == 0 or grown >= _ENERGY_STEP_CAL)
            if not restarted:
                cal = last + grown
        self._energy_cal = cal
        return cal / 1000

    def _machine(self, line: Memory, t_ns: int, records: list[Record]) -> None:
        """What the machine says of itself, when it differs from the last time."""
        tank_l = line.value("tank_volume_l")
        if tank_l is not None and self._changed("tank", tank_l):
            records.append(MachineInfo(t_ns=t_ns, source=self._source, tank_volume_l=tank_l))
        screen = line.octet(0x00D)
        if screen is not None and self._changed("screen", screen):
            records.append(self._state(t_ns, "screen", screen, screen_name(screen)))
            self._step(self._workout.screen(screen), t_ns, records)
        left = line.octet(0x00F)
        if left is not None and self._changed("intervals_left", left):
            records.append(
                MachineState(
                    t_ns=t_ns,
                    source=self._source,
                    state="intervals_left",
                    code=left,
                    parameter=left,
                )
            )
        mode = line.octet(0x03E)
        if mode is not None and self._changed("program", mode):
            records.append(self._state(t_ns, "program", mode, _names(0x03E, mode)))
            self._step(self._workout.mode(mode), t_ns, records)
        phase = line.octet(0x049)
        if phase is not None:
            state = "work" if phase & 1 else "rest" if phase & 2 else "ready"
            if self._changed("phase", phase):
                records.append(self._state(t_ns, state, phase, _names(0x049, phase)))
            self._step(self._workout.phase(state, t_ns), t_ns, records)

    def _step(self, step: Step | None, t_ns: int, records: list[Record]) -> None:
        """The monitor's own workout goes on: `parameter` is how many seconds ago it did."""
        if step is not None:
            self._report_pulses(t_ns, records)
            state, since_s = step
            records.append(
                MachineState(t_ns=t_ns, source=self._source, state=state, parameter=(since_s,))
            )

    def _changed(self, what: str, value: int | float) -> bool:
        changed = self._said.get(what) != value
        self._said[what] = value
        return changed

    def _state(self, t_ns: int, state: str, code: int, text: str | None) -> MachineState:
        return MachineState(t_ns=t_ns, source=self._source, state=state, code=code, text=text)

    def _undecoded(self, t_ns: int, reason: str) -> Undecoded:
        return Undecoded(t_ns=t_ns, source=self._source, reason=reason)


def _names(register: int, octet: int) -> str | None:
    """The names of the bits that are set, in one text; None when none is."""
    names = [name for bit, name in enumerate(FLAG_NAMES[register]) if name and octet >> bit & 1]
    return " ".join(names) or None
