"""Which heart-rate readings are believed: the impossible and the passing are not."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rowlog_drivers.records import HeartRate, RowerSample

JUMP_BPM: Final = 25.0
"""No heart changes by more from one reading to the next; a sensor that slips does."""
RETURN_BPM: Final = 15.0
"""A reading this close to where a jump began has returned from it."""
SPIKE_NS: Final = 5_000_000_000
"""A jump that returns within this time was a spike; one that stays is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one measurement stands for."""

    t_ns: int
    source: str
    bpm: float | None
    """None for 0, lost contact and the impossible."""
    doubted: bool = False
    """Whether a jump to this value, or shortly before it, may yet prove to be a spike."""
    spike_ns: int | None = None
    """Since when the readings before this one were a spike; None when they were not."""
    spike_bpm: float | None = None
    """The first value of that spike."""


class Plausibility:
    """Follows the readings of one source."""

    __slots__ = ("_before", "_jump")

    def __init__(self) -> None:
        self._before: tuple[int, float] | None = None
        self._jump: tuple[int, float, float] | None = None
        """Since when, from which value, to which."""

    def read(self, record: HeartRate | RowerSample) -> Reading:
        """Take a measurement, in order of time."""
        t_ns, bpm = record.t_ns, valid_heart_rate(record)
        before, jump = self._before, self._jump
        spike_ns = spike_bpm = None
        if bpm is not None:
            self._before = (t_ns, bpm)
            leapt = before is not None and abs(bpm - before[1]) > JUMP_BPM
            if jump is not None:
                stays = t_ns - jump[0] > SPIKE_NS and not leapt
                if stays:
                    jump = None
                elif abs(bpm - jump[1]) <= RETURN_BPM or t_ns - jump[0] > SPIKE_NS:
                    # It came back; or, after readings that are no values, it is elsewhere again.
                    spike_ns, spike_bpm, jump = jump[0], jump[2], None
            elif leapt and before is not None and t_ns - before[0] <= SPIKE_NS:
                jump = (t_ns, before[1], bpm)
        self._jump = jump
        return Reading(
            t_ns=t_ns,
            source=record.source,
            bpm=bpm,
            doubted=jump is not None,
            spike_ns=spike_ns,
            spike_bpm=spike_bpm,
        )


def valid_heart_rate(record: HeartRate | RowerSample) -> float | None:
    """The heart rate that a record stands for: None for 0, lost contact and the impossible."""
    bpm = record.heart_rate_bpm
    if bpm is None or not 20 <= bpm <= 250:
        return None
    if isinstance(record, HeartRate) and record.contact is False:
        return None
    return float(bpm)


Beats = Mapping[str, tuple["array[int]", "array[float]"]]
"""Readings by source: their times in nanoseconds, rising, and what was told, as it was told."""


class Relayed:
    """What rowers relayed of the heart rate, held until the session is closed.

    It is stored nowhere but in the frames, and matters only where no strap is heard: with the first
    valid reading of one it is let go.
    """

    __slots__ = ("_outranked", "beats")

    def __init__(self) -> None:
        self.beats: dict[str, tuple[array[int], array[float]]] = {}
        """Sixteen bytes a reading: a megabyte for ten hours at 2 Hz."""
        self._outranked = False

    def add(self, record: RowerSample) -> None:
        """Take what a sample tells, in order of time."""
        if self._outranked or record.heart_rate_bpm is None:
            return
        held = self.beats.get(record.source)
        if held is None:
            held = self.beats[record.source] = array("q"), array("d")
        held[0].append(record.t_ns)
        held[1].append(record.heart_rate_bpm)

    def strap(self, record: HeartRate) -> None:
        """A strap was heard."""
        if not self._outranked and valid_heart_rate(record) is not None:
            self._outranked = True
            self.beats.clear()
