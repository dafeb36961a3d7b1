"""Concept2 PM3, PM4 and PM5 by CSAFE: over USB, over Bluetooth's control service, over serial.

`CsafeDecoder` asks and understands. Frames, commands and workouts live in the `csafe_*` modules
beside this one and are named here for those who use them.

Source: CSAFE Protocol Technical Specification; Concept2 PM CSAFE Communication Definition 0.27.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.protocols.csafe_commands import (
    CADENCE,
    CALORIES,
    CONCEPT2,
    HEART_RATE,
    HORIZONTAL,
    MOST_FORCE_BYTES,
    PACE,
    PM,
    PM_DRAG_FACTOR,
    PM_DURATION,
    PM_FORCE_PLOT,
    PM_INTERVAL_COUNT,
    PM_INTERVAL_TYPE,
    PM_STROKE_STATE,
    PM_STROKE_STATS,
    PM_WORK_DISTANCE,
    PM_WORK_TIME,
    PM_WORKOUT_STATE,
    PM_WORKOUT_TYPE,
    POWER,
    RESULTS,
    SERIAL,
    SET_CONFIGURATION,
    STATUS,
    VERSION,
    WORK_TIME,
    Block,
    Command,
    Meaning,
    Reply,
    ReplyStatus,
    command,
    encode_commands,
    encode_force_block,
    encode_reply,
    parse_reply,
    parse_request,
    parse_status,
)
from rowlog_drivers.protocols.csafe_counting import Counting
from rowlog_drivers.protocols.csafe_frames import (
    BadFrame,
    CsafeFrame,
    CsafeFramer,
    checksum,
    decode_frames,
    encode_frame,
    encode_report,
    pieces,
)
from rowlog_drivers.protocols.csafe_programs import (
    Interval,
    Program,
    fixed,
    just_row,
    program,
    public,
    repeated,
    standard,
    terminate,
    variable,
)
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.pm5_names import (
    REPLY_CHANNEL,
    REQUEST_CHANNEL,
    TARGET_DISTANCE,
    TARGET_TIME,
    TARGETS,
)
from rowlog_drivers.protocols.pm5_states import States
from rowlog_drivers.protocols.pm5_strokes import LBF_N, PolledCurve, newtons
from rowlog_drivers.protocols.stroke_numbers import StrokeNumbers
from rowlog_drivers.records import (
    ControlReply,
    Link,
    MachineInfo,
    MachineState,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)

__all__ = [
    "FORCE_REQUEST",
    "HELD_REQUESTS",
    "MOST_REPLY_BYTES",
    "OPTIONS",
    "REPLY_CHANNEL",
    "REQUEST_CHANNEL",
    "BadFrame",
    "Block",
    "Command",
    "CsafeDecoder",
    "CsafeFrame",
    "CsafeFramer",
    "Interval",
    "Meaning",
    "Program",
    "Reply",
    "ReplyReader",
    "ReplyStatus",
    "Told",
    "checksum",
    "command",
    "decode_frames",
    "encode_commands",
    "encode_force_block",
    "encode_frame",
    "encode_reply",
    "encode_report",
    "fixed",
    "just_row",
    "parse_reply",
    "parse_request",
    "parse_status",
    "pieces",
    "program",
    "public",
    "repeated",
    "standard",
    "terminate",
    "variable",
]

LINKS: Final = ("serial", "usb", "ble")

REPLY_LIMIT_NS: Final = 1_000_000_000
"""A reply that has not come by then is lost; until then nothing else is asked."""
DRIVING: Final = 2
"""Stroke state in which a force curve grows."""
_ASKED_FOR_VERSION: Final = 3
MOST_REPLY_BYTES: Final = 62
"""No reply to the requests below is longer: it fits the USB report of 63 bytes."""


@dataclass(slots=True)
class Told:
    """What one reply said."""

    records: list[Record] = field(default_factory=list)
    curve_lbf: tuple[int, ...] | None = None
    """A force curve that is complete with this reply."""
    stats: Block | None = None
    """Figures of the latest stroke."""


class ReplyReader:
    """Replies of one connection to records; keeps what states and curves need."""

    __slots__ = ("_curve", "_metres", "_seconds", "_states", "concept2", "stroke_state")

    def __init__(self, states: States) -> None:
        self._states = states
        self._curve = PolledCurve()
        self._seconds = Counting()
        self._metres = Counting()
        self.concept2: bool | None = None
        """Whether the machine is a Concept2; None until it has said who it is."""
        self.stroke_state: int | None = None

    @property
    def in_curve(self) -> bool:
        """Whether a force curve grows now, so that its points must be asked for."""
        return self.stroke_state == DRIVING or self._curve.begun

    def forget(self) -> None:
        """The connection is gone."""
        self._curve.drop()
        self._seconds.goal = self._metres.goal = None
        self.stroke_state = None

    def read(self, reply: Reply, asked: tuple[Command, ...], t_ns: int, source: str) -> Told:
        """What a reply to the commands `asked` says; () when it is not known what was asked."""
        told = Told()
        status = reply.status
        if self._states.changed("csafe", status.state):
            told.records.append(
                MachineState(t_ns=t_ns, source=source, state=status.state, code=status.octet & 0x0F)
            )
        self._result(status, asked, told, t_ns, source)
        values = {name: value for block in reply.blocks for name, value in block.meanings}
        self._sample(values, told, t_ns, source)
        self._machine(values, told, t_ns, source)
        for block in reply.blocks:
            if block.id == PM_FORCE_PLOT and block.wrapper is not None:
                points = dict(block.meanings).get("force_lbf")
                if isinstance(points, tuple):
                    curve = self._curve.add(points)
                    told.curve_lbf = curve if curve is not None else told.curve_lbf
            elif block.id == PM_STROKE_STATS and block.integer("stroke_count"):
                told.stats = block
        if reply.truncated:
            reason = "csafe: the last block is shorter than it says"
            told.records.append(Undecoded(t_ns=t_ns, source=source, reason=reason))
        return told

    def _result(
        self,
        status: ReplyStatus,
        asked: tuple[Command, ...],
        told: Told,
        t_ns: int,
        source: str,
    ) -> None:
        """Say what became of a request that was refused, or that was to change something."""
        setting = [
            one
            for one in asked
            if one.wrapper == SET_CONFIGURATION or (one.wrapper is None and one.id < STATUS)
        ]
        if not asked or (status.previous == "ok" and not setting):
            return
        first = (setting or asked)[0]
        told.records.append(
            ControlReply(
                t_ns=t_ns,
                source=source,
                request=first.wrapper if first.wrapper is not None else first.id,
                result=RESULTS.index(status.previous),
                result_name=status.previous,
            )
        )

    def _sample(self, values: Mapping[str, Meaning], told: Told, t_ns: int, source: str) -> None:
        def number(*names: str) -> float | None:
            for name in names:
                value = values.get(name)
                if isinstance(value, int | float):
                    return value
            return None

        def integer(name: str) -> int | None:
            value = values.get(name)
            return value if isinstance(value, int) else None

        def counted(counting: Counting, whole: str, fine: str) -> float | None:
            both = number(whole), number(fine)
            if both[0] is None or both[1] is None:
                return both[1] if both[0] is None else both[0]
            return counting.take(both[0], both[1])

        sample = RowerSample(
            t_ns=t_ns,
            source=source,
            elapsed_s=counted(self._seconds, "elapsed_s", "work_time_s"),
            distance_m=counted(self._metres, "distance_m", "work_distance_m"),
            stroke_rate_spm=number("stroke_rate_spm"),
            pace_s_per_500m=number("pace_s_per_500m", "stroke_pace_s_per_500m"),
            power_w=number("power_w", "stroke_power_w"),
            average_stroke_rate_spm=number("average_stroke_rate_spm"),
            average_pace_s_per_500m=number("average_pace_s_per_500m"),
            average_power_w=number("average_power_w"),
            energy_kcal=number("energy_kcal"),
            energy_kcal_per_hour=number("stroke_energy_kcal_per_hour"),
            drag_factor=integer("drag_factor") or None,
            heart_rate_bpm=integer("heart_rate_bpm"),
        )
        if sample != RowerSample(t_ns=t_ns, source=source):
            told.records.append(sample)

    def _machine(self, values: Mapping[str, Meaning], told: Told, t_ns: int, source: str) -> None:
        states = self._states
        manufacturer, model = values.get("manufacturer_id"), values.get("model")
        if isinstance(manufacturer, int):
            self.concept2 = manufacturer == CONCEPT2
            told.records.append(
                MachineInfo(
                    t_ns=t_ns,
                    source=source,
                    manufacturer="Concept2" if self.concept2 else f"CSAFE {manufacturer}",
                    model=f"PM{model}" if self.concept2 else _said(model),
                    hardware=_said(values.get("hardware_version")),
                    software=_said(values.get("software_version")),
                )
            )
        serial, firmware = values.get("serial_number"), values.get("firmware")
        battery = values.get("battery_pct")
        if serial is not None or firmware is not None or battery is not None:
            told.records.append(
                MachineInfo(
                    t_ns=t_ns,
                    source=source,
                    serial_number=_said(serial),
                    firmware=_said(firmware),
                    battery_pct=battery if isinstance(battery, int) and battery <= 100 else None,
                )
            )
        for name, tell in (
            ("workout_type_enum", states.workout_type),
            ("workout_state_enum", states.workout_state),
            ("rowing_state_enum", states.rowing_state),
            ("interval_type_enum", states.interval_type),
            ("interval_count", states.interval_count),
            ("operational_state_enum", states.operational_state),
            ("erg_machine_type_enum", states.erg_machine),
        ):
            code = values.get(name)
            if isinstance(code, int):
                told.records += tell(code, t_ns, source)
        kind, raw = values.get("duration_type_enum"), values.get("duration_raw")
        if isinstance(kind, int) and isinstance(raw, int):
            told.records += states.target(kind, raw, t_ns, source)
        for counting, whole, target in (
            (self._seconds, "elapsed_s", TARGET_TIME),
            (self._metres, "distance_m", TARGET_DISTANCE),
        ):
            if counting.goal is not None and values.get(whole) == 0:
                # Nothing is rowed yet: what is displayed is the length of the workout.
                raw = round(counting.goal * TARGETS[target][1])
                told.records += states.target(target, raw, t_ns, source)
        stroke_state = values.get("stroke_state_enum")
        if isinstance(stroke_state, int):
            self.stroke_state = stroke_state


def _said(value: Meaning | None) -> str | None:
    return None if value is None else str(value)


def _pm(id: int, data: bytes = b"") -> Command:
    return command(id, data, wrapper=PM)


def _request(*commands: Command) -> bytes:
    return encode_frame(encode_commands(commands))


FORCE_REQUEST: Final = _request(_pm(PM_FORCE_PLOT, bytes([MOST_FORCE_BYTES - 12])))
"""Asks for 20 bytes of force plot, as the maker's examples do."""

_WHO: Final = _request(command(VERSION), command(SERIAL), command(STATUS))
_FAST: Final = _request(
    _pm(PM_WORK_TIME),
    _pm(PM_WORK_DISTANCE),
    _pm(PM_STROKE_STATE),
    command(WORK_TIME),
    command(HORIZONTAL),
    command(CADENCE),
    command(POWER),
    command(PACE),
)
_SLOW: Final = _request(
    _pm(PM_DRAG_FACTOR),
    _pm(PM_WORKOUT_TYPE),
    _pm(PM_WORKOUT_STATE),
    _pm(PM_INTERVAL_TYPE),
    _pm(PM_INTERVAL_COUNT),
    command(HEART_RATE),
    command(CALORIES),
)
HELD_REQUESTS: Final = (
    _request(
        _pm(PM_WORKOUT_TYPE),
        _pm(PM_WORKOUT_STATE),
        _pm(PM_WORK_TIME),
        _pm(PM_WORK_DISTANCE),
        command(WORK_TIME),
        command(HORIZONTAL),
    ),
    _request(_pm(PM_DURATION)),
)
"""Ask which workout the monitor holds; the second is not known to every monitor."""
_STATS: Final = _request(_pm(PM_STROKE_STATS, b"\0"))
_PLAIN: Final = _request(
    command(WORK_TIME),
    command(HORIZONTAL),
    command(CADENCE),
    command(POWER),
    command(PACE),
    command(CALORIES),
    command(HEART_RATE),
)
_MS: Final = 1_000_000
_EVERY_NS: Final[Mapping[bytes, int]] = {
    FORCE_REQUEST: 80 * _MS,
    _FAST: 100 * _MS,
    _SLOW: 1_000 * _MS,
    _PLAIN: 250 * _MS,
}
"""How often each is asked for; the force plot only while a curve grows."""


class CsafeDecoder:
    """A dialogue with a machine that speaks CSAFE; asks a Concept2 for far more than others.

    One request at a time. Requests that the host sends otherwise (a workout, for instance) are
    understood in the frames that report them, and their outcome is told as a ControlReply.
    """

    __slots__ = (
        "_asked",
        "_awaiting",
        "_curve_lbf",
        "_last_ns",
        "_link",
        "_numbers",
        "_out",
        "_reader",
        "_replies",
        "_states",
        "_stats_due",
        "_version_asked",
        "_when",
    )

    def __init__(self, *, link: str = "usb") -> None:
        """A decoder for one connection.

        Args:
            link: "usb": payloads are whole reports, id first; "serial": chunks of a stream;
                "ble": pieces on the PM5's control service.

        Raises ValueError for another link.
        """
        self._link = _one_link(link)
        self._replies = CsafeFramer()
        self._out = CsafeFramer()
        self._states = States()
        self._reader = ReplyReader(self._states)
        self._numbers = StrokeNumbers()
        self._curve_lbf: tuple[int, ...] | None = None
        self._asked: tuple[Command, ...] = ()
        self._awaiting = False
        self._last_ns: int | None = None
        self._when: dict[bytes, int] = {}
        self._version_asked = 0
        self._stats_due = False

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records that this frame completes; Undecoded for frames that are damaged."""
        channel, t_ns, source = frame.channel, frame.t_ns, frame.source
        if channel == "link":
            link = decode_link(frame)
            pending = self._close(t_ns, source) if isinstance(link, Link) else []
            return (*pending, link)
        if channel == (REQUEST_CHANNEL if self._link == "ble" else "tx"):
            self._sent(frame)
            return ()
        if frame.sent:
            return ()
        if channel != (REPLY_CHANNEL if self._link == "ble" else "rx"):
            reason = f"{channel}: not a channel of CSAFE over {self._link}"
            return (Undecoded(t_ns=t_ns, source=source, reason=reason),)
        records: list[Record] = []
        for found in self._cut(self._replies, frame.payload):
            if isinstance(found, BadFrame):
                reason = f"csafe: {found.reason}"
                records.append(Undecoded(t_ns=t_ns, source=source, reason=reason))
                continue
            records += self._reply(found, t_ns, source)
        return tuple(records)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is pending: a curve whose stroke was never told belongs to none."""
        return ()

    def next_request(self, t_ns: int) -> Request | None:
        """What to send at `t_ns`; None while it is too early or an answer is awaited."""
        if self._last_ns is not None:
            since_ns = t_ns - self._last_ns
            if self._awaiting and since_ns < REPLY_LIMIT_NS:
                return None
        due = self._due(t_ns)
        if due is None:
            return None
        if self._link == "usb":
            return Request(channel="tx", payload=encode_report(due, reply_bytes=MOST_REPLY_BYTES))
        return Request(channel=REQUEST_CHANNEL if self._link == "ble" else "tx", payload=due)

    def _due(self, t_ns: int) -> bytes | None:
        concept2 = self._reader.concept2
        if concept2 is None and self._version_asked < _ASKED_FOR_VERSION:
            return _WHO
        if concept2 is False:
            plan: tuple[bytes, ...] = (_PLAIN,)
        elif self._stats_due:
            return _STATS
        else:
            plan = (FORCE_REQUEST, _FAST, _SLOW) if self._reader.in_curve else (_FAST, _SLOW)
        overdue = {
            request: (t_ns - self._when[request]) / _EVERY_NS[request]
            if request in self._when
            else float("inf")
            for request in plan
        }
        request = max(plan, key=overdue.__getitem__)
        return request if overdue[request] >= 1 else None

    def _cut(self, framer: CsafeFramer, payload: bytes) -> list[CsafeFrame | BadFrame]:
        if self._link != "usb":
            return framer.feed(payload)
        # Each report holds whole frames: what one leaves unfinished never goes on.
        found = framer.feed(payload[1:])
        cut = framer.drop()
        return found if cut is None else [*found, cut]

    def _sent(self, frame: Frame) -> None:
        for found in self._cut(self._out, frame.payload):
            if isinstance(found, BadFrame):
                continue
            self._asked = parse_request(found.contents)
            self._awaiting, self._last_ns = True, frame.t_ns
            request = next(
                (one for one in (*_EVERY_NS, _WHO, _STATS) if _same(one, found.contents)), None
            )
            if request is not None:
                self._when[request] = frame.t_ns
            if request == _WHO:
                self._version_asked += 1
            elif request == _STATS:
                self._stats_due = False

    def _reply(self, frame: CsafeFrame, t_ns: int, source: str) -> list[Record]:
        reply = parse_reply(frame.contents)
        if reply is None:
            return []
        asked, self._asked = self._asked, ()
        self._awaiting = False
        driving = self._reader.stroke_state == DRIVING
        told = self._reader.read(reply, asked, t_ns, source)
        if told.curve_lbf is not None:
            self._curve_lbf, self._stats_due = told.curve_lbf, True
        elif driving and not self._reader.in_curve:
            self._stats_due = True
        if told.stats is not None:
            told.records += self._stroke(told.stats, t_ns, source)
        return told.records

    def _stroke(self, stats: Block, t_ns: int, source: str) -> list[Record]:
        count = stats.integer("stroke_count")
        number = None if count is None else self._numbers.take(count, None)
        if number is None:
            return []
        curve, self._curve_lbf = self._curve_lbf, None
        peak_lbf, mean_lbf = stats.number("peak_force_lbf"), stats.number("mean_force_lbf")
        return [
            Stroke(
                t_ns=t_ns,
                source=source,
                number=number,
                drive_s=stats.number("drive_s"),
                recovery_s=stats.number("recovery_s"),
                drive_length_m=stats.number("drive_length_m"),
                distance_m=stats.number("stroke_distance_m"),
                work_j=stats.number("work_j"),
                peak_force_n=None if peak_lbf is None else peak_lbf * LBF_N,
                mean_force_n=None if mean_lbf is None else mean_lbf * LBF_N,
                force_curve_n=None if curve is None else newtons(curve),
            ),
            RowerSample(t_ns=t_ns, source=source, stroke_count=count),
        ]

    def _close(self, t_ns: int, source: str) -> list[Record]:
        """The link came or went: nothing that was begun goes on."""
        cut = self._replies.drop()
        self._out.drop()
        self._reader.forget()
        self._states.forget()
        self._asked, self._awaiting, self._stats_due = (), False, False
        self._curve_lbf = None
        self._version_asked = 0
        if cut is None:
            return []
        return [Undecoded(t_ns=t_ns, source=source, reason=f"csafe: {cut.reason}")]


def _same(request: bytes, contents: bytes) -> bool:
    """Whether a frame of ours has these contents; none of ours needs stuffing."""
    return request[1:-2] == contents


def _one_link(text: str) -> str:
    if text not in LINKS:
        raise ValueError(f"one of {', '.join(LINKS)} is expected, not {text!r}")
    return text


OPTIONS: Final[Mapping[str, Callable[[str], object]]] = {"link": _one_link}
"""`CsafeDecoder`'s options by name, each with the parser of its text, which raises ValueError."""
