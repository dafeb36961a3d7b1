"""ESP Rowing Monitor, a home-made radio for any rower: its own values beside its FTMS.

Source: the documentation of Abasz/ESPRowingMonitor, custom Bluetooth services.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols import ftms
from rowlog_drivers.protocols.stroke_numbers import StrokeNumbers
from rowlog_drivers.records import Record, RowerSample, Stroke, Undecoded

__all__ = [
    "DELTA_TIMES_CHANNEL",
    "FORCES_CHANNEL",
    "METRICS_CHANNEL",
    "EspRowingDecoder",
    "Forces",
    "Metrics",
    "parse_delta_times",
    "parse_forces",
    "parse_metrics",
]

SERVICE: Final = "a72a5762-803b-421d-a759-f0314153da97"
METRICS_CHANNEL: Final = "808a0d51-efae-4f0c-b2e0-48bc180d65c3"
FORCES_CHANNEL: Final = "3d9c2760-cf91-41ee-87e9-fd99d5f129a4"
DELTA_TIMES_CHANNEL: Final = "ae5d11ea-62f6-4789-b809-6fc93fee92b9"
_TIMES_PER_S: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """The extended metrics, once a stroke."""

    average_power_w: int
    recovery_time_s: float
    drive_time_s: float
    drag_factor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Forces:
    """One part of a stroke's handle forces."""

    parts: int
    part: int
    """From 1."""
    force_n: tuple[float, ...]


def parse_metrics(payload: bytes) -> Metrics | None:
    """A value of `METRICS_CHANNEL`; None where it is too short. Bytes beyond are left alone."""
    if len(payload) < 7:
        return None
    power, recovery, drive, drag = struct.unpack_from("<hHHB", payload)
    return Metrics(
        average_power_w=power,
        recovery_time_s=recovery / _TIMES_PER_S,
        drive_time_s=drive / _TIMES_PER_S,
        drag_factor=drag,
    )


def parse_forces(payload: bytes) -> Forces | None:
    """A value of `FORCES_CHANNEL`; None where it is none. Numbers that are none make it none."""
    if len(payload) < 2 or (len(payload) - 2) % 4:
        return None
    parts, part = payload[:2]
    points = struct.unpack(f"<{(len(payload) - 2) // 4}f", payload[2:])
    if not 1 <= part <= parts or not all(abs(point) < 1e5 for point in points):
        return None
    return Forces(parts=parts, part=part, force_n=points)


def parse_delta_times(payload: bytes) -> tuple[float, ...] | None:
    """A value of `DELTA_TIMES_CHANNEL`: seconds between impulses; None where it is none."""
    if len(payload) % 4:
        return None
    return tuple(raw / 1e6 for (raw,) in struct.iter_unpack("<I", payload))


class EspRowingDecoder:
    """What its FTMS tells, and of each stroke the drive, the recovery and the force curve.

    Strokes are numbered by the count that FTMS told last. Delta times are kept as frames and give
    no record: what they mean depends on the wheel.
    """

    __slots__ = ("_forces", "_ftms", "_number", "_numbers")

    def __init__(self) -> None:
        self._ftms = ftms.RowerDecoder()
        self._numbers = StrokeNumbers()
        self._number = 0
        self._forces: list[Forces] = []

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of this frame; Undecoded for bytes or channels that cannot be read."""
        channel, t_ns, source = frame.channel, frame.t_ns, frame.source
        if channel == "link":
            self._forces.clear()
        own = (METRICS_CHANNEL, FORCES_CHANNEL, DELTA_TIMES_CHANNEL)
        if frame.sent or channel not in own:
            records = self._ftms.decode(frame)
            for one in records:
                if isinstance(one, RowerSample) and one.stroke_count:
                    number = self._numbers.take(one.stroke_count, None)
                    self._number = self._number if number is None else number
            return records
        told: list[Record] | None = None
        if channel == METRICS_CHANNEL:
            told = self._metrics(parse_metrics(frame.payload), t_ns, source)
        elif channel == FORCES_CHANNEL:
            told = self._part(parse_forces(frame.payload), t_ns, source)
        elif parse_delta_times(frame.payload) is not None:
            told = []
        if told is None:
            reason = f"{channel[:8]}: not a value of an ESP Rowing Monitor"
            return (Undecoded(t_ns=t_ns, source=source, reason=reason),)
        return tuple(told)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """A curve without all its parts is none."""
        return ()

    def _metrics(self, value: Metrics | None, t_ns: int, source: str) -> list[Record] | None:
        if value is None:
            return None
        records: list[Record] = [
            RowerSample(
                t_ns=t_ns,
                source=source,
                average_power_w=value.average_power_w,
                drag_factor=value.drag_factor or None,
            )
        ]
        if self._number:
            records.append(
                Stroke(
                    t_ns=t_ns,
                    source=source,
                    number=self._number,
                    drive_s=value.drive_time_s,
                    recovery_s=value.recovery_time_s,
                )
            )
        return records

    def _part(self, value: Forces | None, t_ns: int, source: str) -> list[Record] | None:
        if value is None:
            return None
        if value.part == 1:
            self._forces.clear()
        if value.part != len(self._forces) + 1 or any(
            one.parts != value.parts for one in self._forces
        ):
            self._forces.clear()
            return []
        self._forces.append(value)
        if value.part < value.parts or not self._number:
            return []
        curve = tuple(point for one in self._forces for point in one.force_n)
        self._forces.clear()
        return [Stroke(t_ns=t_ns, source=source, number=self._number, force_curve_n=curve)]
