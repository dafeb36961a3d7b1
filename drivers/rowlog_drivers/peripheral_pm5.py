"""A Concept2 PM5 as a Bluetooth peripheral: its own services, over the simulator's frames.

Services and what they carry follow the Concept2 PM Bluetooth Smart Communications Interface
Definition 1.30: what is subscribed by itself is not sent through 0080 too, the status comes as
often as 0034 says, and the control service answers CSAFE.
"""

from __future__ import annotations

from typing import Final

from rowlog_drivers.frames import Frame
from rowlog_drivers.peripheral_offer import Characteristic, Flag, Notice, Service
from rowlog_drivers.protocols import pm5
from rowlog_drivers.protocols.csafe_frames import pieces
from rowlog_drivers.protocols.pm5_names import (
    MULTIPLEXED_CHANNEL,
    REPLY_CHANNEL,
    REQUEST_CHANNEL,
    SAMPLE_PERIODS_MS,
    SAMPLE_RATE_CHANNEL,
    channel,
)
from rowlog_drivers.simulator.csafe_monitor import PaperMonitor

ADVERTISED: Final = "ce060000"
STATUS_CHANNEL: Final = channel(0x31)
_INFORMATION: Final = tuple(map(channel, range(0x11, 0x17)))
_STATUS: Final = tuple(map(channel, (0x31, 0x32, 0x33)))
_NOTIFIED: Final = (
    *_STATUS,
    *map(channel, (0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x3D, 0x3E, 0x3F)),
    MULTIPLEXED_CHANNEL,
)
DATA: Final = frozenset(_NOTIFIED)
"""Channels that the session begins with, once somebody subscribes to one."""
_DEFAULT_RATE: Final = 1
_EARLY_NS: Final = 10_000_000
"""A status that comes so much before its time is in time: both are rounded."""


class Pm5Side:
    """What a PM5 does beside what its frames say; one for all who are connected."""

    def __init__(self) -> None:
        self._rate = _DEFAULT_RATE
        self._told_ns: dict[str, int] = {}
        self._monitor = _monitor()

    def begin(self) -> None:
        """A session begins anew."""
        self._told_ns.clear()
        self._monitor = _monitor()

    def read(self, uuid: str) -> bytes | None:
        """A value of its own that is not among the frames; None where it is none."""
        return bytes([self._rate]) if uuid == SAMPLE_RATE_CHANNEL else None

    def write(self, uuid: str, payload: bytes) -> tuple[Notice, ...]:
        """A sample rate, or a piece of a CSAFE request; what is to be sent."""
        if uuid == SAMPLE_RATE_CHANNEL:
            if len(payload) == 1 and payload[0] in SAMPLE_PERIODS_MS:
                self._rate = payload[0]
            return ()
        return tuple(
            Notice(uuid=REPLY_CHANNEL, payload=piece)
            for answer in self._monitor.take(payload)
            for piece in pieces(answer)
        )

    def notices(self, frame: Frame, subscribed: frozenset[str]) -> tuple[Notice, ...]:
        """How a frame of the session is sent, to those who asked for it."""
        self._show(frame)
        if frame.channel in _STATUS and not self._is_due(frame):
            return ()
        if frame.channel in subscribed:
            return (Notice(uuid=frame.channel, payload=frame.payload),)
        if MULTIPLEXED_CHANNEL not in subscribed:
            return ()
        value = pm5.decode_value(int(frame.channel[6:], 16), frame.payload)
        if isinstance(value, pm5.Malformed):
            return ()
        return (Notice(uuid=MULTIPLEXED_CHANNEL, payload=pm5.encode_multiplexed(value)),)

    def _is_due(self, frame: Frame) -> bool:
        told_ns = self._told_ns.get(frame.channel)
        period_ns = SAMPLE_PERIODS_MS[self._rate] * 1_000_000
        if told_ns is not None and frame.t_ns - told_ns < period_ns - _EARLY_NS:
            return False
        self._told_ns[frame.channel] = frame.t_ns
        return True

    def _show(self, frame: Frame) -> None:
        """What CSAFE tells is what the frames tell."""
        shown = self._monitor.shown
        value = pm5.decode_value(int(frame.channel[6:], 16), frame.payload)
        match value:
            case pm5.GeneralStatus():
                shown.elapsed_s, shown.distance_m = value.elapsed_s, value.distance_m
                shown.workout_state, shown.stroke_state = value.workout_state, value.stroke_state
                shown.drag_factor = value.drag_factor or 0
                self._monitor.workout_type = value.workout_type
            case pm5.AdditionalStatus1():
                shown.stroke_rate_spm = value.stroke_rate_spm
                shown.pace_s_per_500m = value.pace_s_per_500m
                shown.heart_rate_bpm = value.heart_rate_bpm or 0
            case pm5.AdditionalStatus2():
                shown.interval_count, shown.energy_kcal = value.interval_count, value.energy_kcal
            case pm5.StrokeData():
                shown.stroke_count = value.stroke_count
                shown.drive_s, shown.recovery_s = value.drive_s, value.recovery_s
                shown.drive_length_m = value.drive_length_m
                shown.stroke_distance_m = value.stroke_distance_m
                shown.peak_force_lbf = value.peak_force_lbf
                shown.mean_force_lbf = value.mean_force_lbf
                shown.work_j = value.work_j or 0.0
            case pm5.AdditionalStrokeData():
                shown.power_w = value.power_w


def _monitor() -> PaperMonitor:
    """It answers what it is asked, and takes no workout: the athlete has their own."""
    return PaperMonitor(reserved=True, busy=True)


def services() -> tuple[Service, ...]:
    """What a PM5 offers."""

    def one(uuid: str, *flags: Flag) -> Characteristic:
        return Characteristic(uuid=uuid, flags=flags)

    return (
        Service(uuid="ce060010", characteristics=tuple(one(uuid, "read") for uuid in _INFORMATION)),
        Service(
            uuid="ce060020",
            characteristics=(one(REQUEST_CHANNEL, "write"), one(REPLY_CHANNEL, "notify")),
        ),
        Service(
            uuid="ce060030",
            characteristics=(
                *(one(uuid, "notify") for uuid in _NOTIFIED),
                one(SAMPLE_RATE_CHANNEL, "read", "write"),
            ),
        ),
    )
