"""Concept2 PM5 over Bluetooth: its own service, complete, in rowlog's records.

The values of the characteristics live in `pm5_values`, the meaning of codes in `pm5_names`; both
are named here for those who use them.

Source: Concept2 PM Bluetooth Smart Communications Interface Definition 1.30; what it leaves open
as in public recordings of real monitors.
"""

from __future__ import annotations

from typing import Final

from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.protocols import device_information
from rowlog_drivers.protocols.csafe import (
    DRIVING,
    FORCE_REQUEST,
    REPLY_CHANNEL,
    REPLY_LIMIT_NS,
    REQUEST_CHANNEL,
    BadFrame,
    Command,
    CsafeFramer,
    ReplyReader,
    parse_reply,
    parse_request,
)
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.pm5_names import (
    BIKE_ERG,
    CHANNEL_PREFIX,
    DYNO,
    INTERVAL_TYPES,
    MULTIPLEXED,
    MULTIPLEXED_CHANNEL,
    READ_CHANNELS,
    ROW_ERG,
    SAMPLE_RATE_CHANNEL,
    SKI_ERG,
    SUBSCRIBE_CHANNELS,
    WORKOUT_TYPES,
    channel,
    erg_name,
    pace_distance_m,
)
from rowlog_drivers.protocols.pm5_states import UNKNOWN, States
from rowlog_drivers.protocols.pm5_strokes import LBF_N, PartedCurve, newtons
from rowlog_drivers.protocols.pm5_values import (
    CHARACTERISTICS,
    INFO_FIELDS,
    SILENT,
    AdditionalSplitData,
    AdditionalStatus1,
    AdditionalStatus2,
    AdditionalStatus3,
    AdditionalStrokeData,
    AdditionalSummary,
    AdditionalSummary2,
    ErgMachine,
    ForcePart,
    GeneralStatus,
    HeartRateBelt,
    InfoText,
    LoggedWorkout,
    Malformed,
    SamplePeriod,
    SplitData,
    StrokeData,
    Value,
    WorkoutSummary,
    characteristic_of,
    decode_multiplexed,
    decode_value,
    encode_multiplexed,
    encode_value,
    force_parts,
)
from rowlog_drivers.protocols.pm5_workout import Latest, Workout
from rowlog_drivers.protocols.stroke_numbers import StrokeNumbers
from rowlog_drivers.records import (
    MachineInfo,
    MachineSplit,
    MachineState,
    MachineSummary,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)

__all__ = [
    "BIKE_ERG",
    "DYNO",
    "MULTIPLEXED_CHANNEL",
    "READ_CHANNELS",
    "ROW_ERG",
    "SAMPLE_RATE_CHANNEL",
    "SKI_ERG",
    "SUBSCRIBE_CHANNELS",
    "AdditionalSplitData",
    "AdditionalStatus1",
    "AdditionalStatus2",
    "AdditionalStatus3",
    "AdditionalStrokeData",
    "AdditionalSummary",
    "AdditionalSummary2",
    "ErgMachine",
    "ForcePart",
    "GeneralStatus",
    "HeartRateBelt",
    "InfoText",
    "LoggedWorkout",
    "Malformed",
    "Pm5Decoder",
    "SamplePeriod",
    "SplitData",
    "StrokeData",
    "Value",
    "WorkoutSummary",
    "channel",
    "characteristic_of",
    "decode_multiplexed",
    "decode_value",
    "encode_multiplexed",
    "encode_value",
    "erg_name",
    "force_parts",
    "pace_distance_m",
]

FASTEST_SAMPLES: Final = 3
"""Code of 0034 for a status every 100 ms."""
_FORCE_EVERY_NS: Final = 90_000_000
_STROKES_BEFORE_ASKING: Final = 2
"""So many strokes without a curve of its own accord, and the curve is asked for by CSAFE."""
_MOST_ASKED_IN_VAIN: Final = 5
_SAME_PEAK_LBF: Final = 1.0
"""A curve holds whole pounds of force: its peak is that of 0035, rounded down."""
_VERIFIED: Final = 0x10


class Pm5Decoder:
    """Everything that a PM5 sends, as it sends it, and what it should be asked for.

    Elapsed time, distance, energy and stroke count, which the monitor starts anew with each
    interval and workout, are counted on, the metres of rests among them: samples hold what was
    rowed since the first one, as those of other machines. A stroke is told in parts, of one
    number: at the end of the drive, with its power, its force curve, and its recovery when that
    is over.

    States (of the workout, the rower, the kind of interval, the machine) are told when they
    change. Where work, a rest, or what is neither begins, the state of the workout has a
    `parameter`: (seconds before the record at which it began, elapsed time and distance there),
    and for a rest whose start was not heard how many seconds of it are left.
    The monitor's own figures of splits and workout come as MachineSplit and MachineSummary, each
    with what one notification said.
    """

    __slots__ = (
        "_asked",
        "_asked_in_vain",
        "_awaiting",
        "_curve",
        "_curve_lbf",
        "_curve_told",
        "_force_ns",
        "_numbers",
        "_own_curves",
        "_peak_lbf",
        "_rate_set",
        "_reader",
        "_recovery_s",
        "_replies",
        "_requests",
        "_states",
        "_stroke_count",
        "_stroke_state",
        "_workout",
        "_workout_state",
    )

    def __init__(self) -> None:
        self._states = States()
        self._workout = Workout()
        self._workout_state = 0
        self._numbers = StrokeNumbers()
        self._stroke_count: int | None = None
        self._peak_lbf: float | None = None
        self._recovery_s: float | None = None
        self._curve = PartedCurve()
        self._curve_lbf: tuple[int, ...] | None = None
        """A curve whose stroke has not been told yet."""
        self._curve_told = False
        """Whether the latest stroke has its curve."""
        self._own_curves = False
        """Whether the monitor sends curves of its own accord."""
        self._replies = CsafeFramer()
        self._requests = CsafeFramer()
        self._reader = ReplyReader(self._states)
        self._asked: tuple[Command, ...] = ()
        self._awaiting = False
        self._asked_in_vain = 0
        self._force_ns: int | None = None
        self._stroke_state: int | None = None
        self._rate_set = False

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of this frame; Undecoded for bytes or channels that cannot be read."""
        name, payload, t_ns, source = frame.channel, frame.payload, frame.t_ns, frame.source
        if name == "link":
            self._disconnected()
            return (decode_link(frame),)
        if frame.sent:
            self._sent(frame)
            return ()
        if name == REPLY_CHANNEL:
            return tuple(self._csafe(payload, t_ns, source))
        if name in device_information.CHANNELS:
            return device_information.decode(name, payload, t_ns=t_ns, source=source)
        number = _number(name)
        if number in SILENT:
            return ()
        if number == MULTIPLEXED:
            value = decode_multiplexed(payload)
        elif number in CHARACTERISTICS:
            value = decode_value(number, payload)
        else:
            value = Malformed(reason="not a channel of a Concept2 monitor")
        if isinstance(value, Malformed):
            return (Undecoded(t_ns=t_ns, source=source, reason=f"{name}: {value.reason}"),)
        return tuple(self._told(value, t_ns, source))

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is pending: a curve that no stroke came for belongs to none."""
        return ()

    def next_request(self, t_ns: int) -> Request | None:
        """The fastest sample rate once a connection; force curves where none come by themselves.

        None while there is nothing to ask, or an answer is awaited.
        """
        if not self._rate_set:
            return Request(
                channel=SAMPLE_RATE_CHANNEL, payload=bytes([FASTEST_SAMPLES]), expects_reply=False
            )
        if (
            self._own_curves
            or self._numbers.number < _STROKES_BEFORE_ASKING
            or self._asked_in_vain >= _MOST_ASKED_IN_VAIN
        ):
            return None
        if not (self._stroke_state == DRIVING or self._reader.in_curve):
            return None
        if self._force_ns is not None:
            wait_ns = REPLY_LIMIT_NS if self._awaiting else _FORCE_EVERY_NS
            if t_ns - self._force_ns < wait_ns:
                return None
        return Request(channel=REQUEST_CHANNEL, payload=FORCE_REQUEST)

    def _sent(self, frame: Frame) -> None:
        if frame.channel == SAMPLE_RATE_CHANNEL:
            self._rate_set = True
        elif frame.channel == REQUEST_CHANNEL:
            for found in self._requests.feed(frame.payload):
                if isinstance(found, BadFrame):
                    continue
                self._asked_in_vain += self._awaiting
                self._awaiting = True
                self._asked, self._force_ns = parse_request(found.contents), frame.t_ns

    def _disconnected(self) -> None:
        """The link came or went: states are told again, and nothing that was begun goes on."""
        self._states.forget()
        self._workout.lose()
        self._reader.forget()
        self._replies.drop()
        self._requests.drop()
        self._curve.drop()
        self._curve_lbf = None
        self._asked, self._awaiting, self._asked_in_vain = (), False, 0
        self._rate_set = False
        self._stroke_state = None

    def _csafe(self, payload: bytes, t_ns: int, source: str) -> list[Record]:
        records: list[Record] = []
        for found in self._replies.feed(payload):
            if isinstance(found, BadFrame):
                reason = f"csafe: {found.reason}"
                records.append(Undecoded(t_ns=t_ns, source=source, reason=reason))
                continue
            reply = parse_reply(found.contents)
            if reply is None:
                continue
            asked, self._asked = self._asked, ()
            self._awaiting, self._asked_in_vain = False, 0
            told = self._reader.read(reply, asked, t_ns, source)
            records += told.records
            if told.curve_lbf is not None:
                records += self._whole_curve(told.curve_lbf, t_ns, source)
        return records

    def _told(self, value: Value, t_ns: int, source: str) -> list[Record]:
        match value:
            case GeneralStatus():
                return self._general(value, t_ns, source)
            case AdditionalStatus1():
                return self._status1(value, t_ns, source)
            case AdditionalStatus2():
                return self._status2(value, t_ns, source)
            case StrokeData():
                return self._stroke(value, t_ns, source)
            case AdditionalStrokeData():
                return self._more_of_stroke(value, t_ns, source)
            case ForcePart():
                self._own_curves = True
                curve = self._curve.add(value)
                return [] if curve is None else self._whole_curve(curve, t_ns, source)
            case SplitData() | AdditionalSplitData():
                return self._split(value, t_ns, source)
            case WorkoutSummary() | AdditionalSummary() | AdditionalSummary2():
                return self._summary(value, t_ns, source)
            case _:
                return self._machine(value, t_ns, source)

    def _general(self, value: GeneralStatus, t_ns: int, source: str) -> list[Record]:
        states = self._states
        self._stroke_state = value.stroke_state
        records: list[Record] = [
            *states.workout_type(value.workout_type, t_ns, source),
            *states.interval_type(value.interval_type, t_ns, source),
        ]
        if value.target_type is not None and value.target_raw is not None:
            records += states.target(value.target_type, value.target_raw, t_ns, source)
        began = self._workout.status(
            t_ns,
            value.elapsed_s,
            value.distance_m,
            value.workout_state,
            interval_type=value.interval_type,
            target_type=value.target_type,
            target_raw=value.target_raw,
            total_raw=value.total_work_distance_raw,
        )
        self._workout_state = value.workout_state
        counters = self._workout.counters()
        if counters is not None:
            records += states.workout_state(value.workout_state, t_ns, source, began)
        records += states.rowing_state(value.rowing_state, t_ns, source)
        records.append(
            RowerSample(
                t_ns=t_ns,
                source=source,
                elapsed_s=None if counters is None else counters[0],
                distance_m=None if counters is None else counters[1],
                drag_factor=value.drag_factor,
            )
        )
        return records

    def _status1(self, value: AdditionalStatus1, t_ns: int, source: str) -> list[Record]:
        records: list[Record] = []
        if value.erg_machine_type is not None:
            records += self._states.erg_machine(value.erg_machine_type, t_ns, source)
        records.append(
            RowerSample(
                t_ns=t_ns,
                source=source,
                elapsed_s=self._workout.elapsed(value.elapsed_s),
                distance_m=self._workout.rest(value.rest_distance_m or 0, value.rest_time_s),
                speed_mps=value.speed_mps,
                stroke_rate_spm=value.stroke_rate_spm,
                heart_rate_bpm=value.heart_rate_bpm,
                pace_s_per_500m=value.pace_s_per_500m,
                average_pace_s_per_500m=value.average_pace_s_per_500m,
                average_power_w=value.average_power_w,
            )
        )
        return records

    def _status2(self, value: AdditionalStatus2, t_ns: int, source: str) -> list[Record]:
        held = self._workout.counters() is None
        latest = Latest(value.last_split_time_s, value.last_split_distance_m)
        began = self._workout.interval(value.interval_count, latest)
        counters = self._workout.counters()
        records: list[Record] = [*self._states.interval_count(value.interval_count, t_ns, source)]
        resumed = held and counters is not None
        if resumed:
            records += self._states.workout_state(self._workout_state, t_ns, source, began)
        records.append(
            RowerSample(
                t_ns=t_ns,
                source=source,
                elapsed_s=self._workout.elapsed(value.elapsed_s),
                distance_m=counters[1] if resumed and counters is not None else None,
                average_power_w=value.average_power_w,
                energy_kcal=self._workout.energy(value.energy_kcal),
            )
        )
        return records

    def _stroke(self, value: StrokeData, t_ns: int, source: str) -> list[Record]:
        counters = self._workout.stroke(value.elapsed_s, value.distance_m)
        before = self._numbers.number
        number = self._numbers.take(value.stroke_count, value.elapsed_s)
        sample = RowerSample(
            t_ns=t_ns,
            source=source,
            elapsed_s=None if counters is None else counters[0],
            distance_m=None if counters is None else counters[1],
            stroke_count=self._numbers.number,
        )
        if number is None:
            return [sample]
        records: list[Record] = []
        recovery_s: float | None = value.recovery_s
        if number != before or self._peak_lbf is None:
            # What is new is the drive: the recovery is told again from the stroke before.
            if recovery_s == self._recovery_s:
                recovery_s = None
            if number != before:
                records += self._curve_of_stroke(value.peak_force_lbf, before, t_ns, source)
            self._peak_lbf = value.peak_force_lbf
        self._recovery_s = value.recovery_s
        curve_lbf, self._curve_lbf = self._curve_lbf, None
        self._curve_told = self._curve_told or curve_lbf is not None
        records.append(
            Stroke(
                t_ns=t_ns,
                source=source,
                number=number,
                drive_s=value.drive_s,
                recovery_s=recovery_s,
                drive_length_m=value.drive_length_m,
                distance_m=value.stroke_distance_m,
                work_j=value.work_j,
                peak_force_n=value.peak_force_lbf * LBF_N,
                mean_force_n=value.mean_force_lbf * LBF_N,
                force_curve_n=None if curve_lbf is None else newtons(curve_lbf),
            )
        )
        # The stroke stands before the count that holds it, so that counting starts with it.
        records.append(sample)
        return records

    def _more_of_stroke(self, value: AdditionalStrokeData, t_ns: int, source: str) -> list[Record]:
        before = self._numbers.number
        number = self._numbers.take(value.stroke_count, value.elapsed_s)
        records: list[Record] = []
        if number is not None:
            if number != before:
                records += self._curve_of_stroke(None, before, t_ns, source)
                self._peak_lbf = None
            records.append(
                Stroke(
                    t_ns=t_ns,
                    source=source,
                    number=number,
                    power_w=value.power_w,
                    work_j=value.work_j,
                )
            )
        records.append(
            RowerSample(
                t_ns=t_ns,
                source=source,
                elapsed_s=self._workout.elapsed(value.elapsed_s),
                stroke_count=self._numbers.number,
                power_w=value.power_w,
                energy_kcal_per_hour=value.energy_kcal_per_hour,
            )
        )
        return records

    def _whole_curve(self, curve_lbf: tuple[int, ...], t_ns: int, source: str) -> list[Record]:
        """A force curve is complete: tell it with its stroke, or keep it until that is told."""
        peak_lbf = self._peak_lbf
        if (
            self._curve_told
            or not self._numbers.number
            or (peak_lbf is not None and not _same_peak(curve_lbf, peak_lbf))
        ):
            self._curve_lbf = curve_lbf
            return []
        self._curve_told = True
        return [
            Stroke(
                t_ns=t_ns,
                source=source,
                number=self._numbers.number,
                force_curve_n=newtons(curve_lbf),
            )
        ]

    def _curve_of_stroke(
        self, peak_lbf: float | None, before: int, t_ns: int, source: str
    ) -> list[Record]:
        """A new stroke begins: a curve that waits is its own, or else that of the one before."""
        curve_lbf, told = self._curve_lbf, self._curve_told
        self._curve_told = False
        if curve_lbf is None or peak_lbf is None or _same_peak(curve_lbf, peak_lbf):
            return []
        self._curve_lbf = None
        if told or not before:
            return []
        return [Stroke(t_ns=t_ns, source=source, number=before, force_curve_n=newtons(curve_lbf))]

    def _split(
        self, value: SplitData | AdditionalSplitData, t_ns: int, source: str
    ) -> list[Record]:
        if isinstance(value, SplitData):
            return [
                MachineSplit(
                    t_ns=t_ns,
                    source=source,
                    number=value.number,
                    kind=INTERVAL_TYPES.get(value.interval_type, UNKNOWN),
                    time_s=value.split_time_s,
                    distance_m=value.split_distance_m,
                    rest_s=value.rest_s,
                    rest_distance_m=value.rest_distance_m,
                )
            ]
        return [
            MachineSplit(
                t_ns=t_ns,
                source=source,
                number=value.number,
                stroke_rate_spm=value.stroke_rate_spm,
                pace_s_per_500m=value.pace_s_per_500m,
                power_w=value.power_w,
                energy_kcal=value.energy_kcal,
                energy_kcal_per_hour=value.energy_kcal_per_hour,
                heart_rate_bpm=value.heart_rate_bpm,
                rest_heart_rate_bpm=value.rest_heart_rate_bpm,
                drag_factor=value.drag_factor,
            )
        ]

    def _summary(
        self,
        value: WorkoutSummary | AdditionalSummary | AdditionalSummary2,
        t_ns: int,
        source: str,
    ) -> list[Record]:
        if isinstance(value, WorkoutSummary):
            return [
                MachineSummary(
                    t_ns=t_ns,
                    source=source,
                    workout=WORKOUT_TYPES.get(value.workout_type, UNKNOWN),
                    time_s=value.elapsed_s,
                    distance_m=value.distance_m,
                    stroke_rate_spm=value.stroke_rate_spm,
                    pace_s_per_500m=value.pace_s_per_500m,
                    heart_rate_bpm=value.heart_rate_bpm,
                    min_heart_rate_bpm=value.min_heart_rate_bpm,
                    max_heart_rate_bpm=value.max_heart_rate_bpm,
                    end_heart_rate_bpm=value.end_heart_rate_bpm,
                    recovery_heart_rate_bpm=value.recovery_heart_rate_bpm,
                    drag_factor=value.drag_factor,
                )
            ]
        if isinstance(value, AdditionalSummary):
            return [
                MachineSummary(
                    t_ns=t_ns,
                    source=source,
                    power_w=value.power_w,
                    energy_kcal=value.energy_kcal,
                    energy_kcal_per_hour=value.energy_kcal_per_hour,
                    interval_count=value.split_count,
                    rest_s=value.rest_s,
                    rest_distance_m=value.rest_distance_m,
                )
            ]
        return [
            MachineSummary(t_ns=t_ns, source=source, pace_s_per_500m=value.pace_s_per_500m),
            MachineState(
                t_ns=t_ns,
                source=source,
                state="verified" if value.game & 0xF0 == _VERIFIED else "not_verified",
                code=value.game,
            ),
        ]

    def _machine(self, value: Value, t_ns: int, source: str) -> list[Record]:
        match value:
            case InfoText():
                return [_info(value, t_ns, source)]
            case ErgMachine():
                return [*self._states.erg_machine(value.erg_machine_type, t_ns, source)]
            case AdditionalStatus3():
                return [*self._states.operational_state(value.operational_state, t_ns, source)]
            case SamplePeriod():
                return [
                    MachineState(
                        t_ns=t_ns,
                        source=source,
                        state="sample_period_ms",
                        code=value.code,
                        parameter=value.period_ms,
                    )
                ]
            case HeartRateBelt():
                return [
                    MachineState(
                        t_ns=t_ns,
                        source=source,
                        state="heart_rate_belt",
                        code=value.belt_id,
                        parameter=(value.manufacturer_id, value.device_type),
                    )
                ]
            case LoggedWorkout():
                return [
                    MachineState(
                        t_ns=t_ns,
                        source=source,
                        state="logged_workout",
                        code=value.log_address,
                        text=f"{value.workout_hash:016x}",
                        parameter=value.log_size,
                    )
                ]
        return []


def _info(value: InfoText, t_ns: int, source: str) -> MachineInfo:
    text = value.text or None
    match INFO_FIELDS[value.characteristic]:
        case "model":
            return MachineInfo(t_ns=t_ns, source=source, model=text)
        case "serial_number":
            return MachineInfo(t_ns=t_ns, source=source, serial_number=text)
        case "hardware":
            return MachineInfo(t_ns=t_ns, source=source, hardware=text)
        case "firmware":
            return MachineInfo(t_ns=t_ns, source=source, firmware=text)
        case _:
            return MachineInfo(t_ns=t_ns, source=source, manufacturer=text)


def _number(name: str) -> int | None:
    """The last byte of a characteristic's number; None for a channel that is not of a PM5."""
    if len(name) != 8 or not name.startswith(f"{CHANNEL_PREFIX}00"):
        return None
    try:
        return int(name[6:], 16)
    except ValueError:
        return None


def _same_peak(curve_lbf: tuple[int, ...], peak_lbf: float) -> bool:
    return abs(max(curve_lbf) - peak_lbf) <= _SAME_PEAK_LBF
