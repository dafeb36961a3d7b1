"""Devices on paper: what an FTMS rower and a strap send while an athlete performs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from random import Random
from typing import Final

from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols import ftms, heart_rate
from rowlog_drivers.protocols.device_information import BATTERY
from rowlog_drivers.protocols.link import encode_link
from rowlog_drivers.records import RowerSample
from rowlog_drivers.simulator.athlete import Leg, PaperStroke
from rowlog_drivers.simulator.faults import Faults

_JITTER_S: Final = 0.004
_GARBAGE_SHARE: Final = 0.04
_MANUFACTURER: Final = "2a29"
_MODEL: Final = "2a24"
_FIRMWARE: Final = "2a26"
_FEATURES: Final = (1, 2, 5, 9, 12, 14)
"""FTMS features: cadence, distance, pace, energy, elapsed time, power."""
_IDLE_AFTER_S: Final = 6.0
_ROUNDING_KCAL: Final = 1e-9
"""A count that is just full is full, whatever the last digit of a sum says."""


class Device(ABC):
    """What all devices share: a link that may be lost, stamps with jitter, an outbox."""

    def __init__(self, source: str, random: Random, faults: Faults, *, faulty: bool) -> None:
        """`faulty` says whether the faults of the link (drop, silent) hit this device."""
        self.source = source
        self.random = random
        self.faults = faults
        self.outbox: list[Frame] = []
        self.next_s = 0.05 + 0.1 * random.random()
        """When `tick` wants to be called."""
        self._faulty = faulty
        self._up = False
        self._greeted = False
        self._last_ns = 0

    def on_leg(self, leg: Leg) -> None:  # noqa: B027 - not every device minds
        """A leg begins; called in order, before the ticks within it."""

    def tick(self, t_s: float, leg: Leg) -> None:
        """The instant asked for has come, within `leg`; sets `next_s` anew."""
        if self._faulty and self.faults.active("drop", t_s):
            if self._up:
                self._up = False
                self.emit(t_s, "link", encode_link(False, "connection lost"))
            self.faults.saw("drop", self.source, t_s)
        elif not self._up:
            self._up = True
            if self._greeted:
                self.faults.saw("drop", self.source, t_s)
            self.emit(t_s, "link", encode_link(True))
            self.greet(t_s)
            self._greeted = True
        if self._up and self._faulty and self.faults.active("silent", t_s):
            self.faults.saw("silent", self.source, t_s)
            self.pass_over(t_s, leg)
        elif self._up:
            self.speak(t_s, leg)
        else:
            self.pass_over(t_s, leg)

    def greet(self, t_s: float) -> None:  # noqa: B027 - not every device does
        """Send what is read once on connecting."""

    @abstractmethod
    def speak(self, t_s: float, leg: Leg) -> None:
        """Send what is due at `t_s`, and set `next_s`."""

    @abstractmethod
    def pass_over(self, t_s: float, leg: Leg) -> None:
        """What was due at `t_s` does not come through; set `next_s`."""

    def emit(
        self, t_s: float, channel: str, payload: bytes, *, sent: bool = False, exact: bool = False
    ) -> None:
        """Put a frame in the outbox, stamped some milliseconds after `t_s`, in order."""
        late_s = 0.0 if exact else _JITTER_S * self.random.random()
        self._last_ns = max(round((t_s + late_s) * 1e9), self._last_ns)
        self.outbox.append(
            Frame(
                t_ns=self._last_ns, source=self.source, channel=channel, payload=payload, sent=sent
            )
        )


class Counters:
    """What a machine counts and shows of the athlete's legs."""

    def __init__(self, *, moving_time_only: bool) -> None:
        self.last: PaperStroke | None = None
        """The last completed stroke."""
        self.catch_s = -1e9
        self.first_catch_s: float | None = None
        self.base_m = 0.0
        self.base_strokes = 0
        self.base_kcal = 0.0
        self.base_s = 0.0
        self._running: PaperStroke | None = None
        self._moving_only = moving_time_only
        self._moved_s = 0.0
        self._leg_start_s = 0.0
        self._moving = False

    def on_leg(self, leg: Leg) -> bool:
        """Follow the athlete; True when this leg is the machine's first stroke."""
        if self._moving:
            self._moved_s += leg.start_s - self._leg_start_s
        self._leg_start_s, self._moving = leg.start_s, leg.phase != "still"
        if leg.stroke is not self._running:
            if self._running is not None:
                self.last = self._running
            self._running = leg.stroke
        if leg.phase != "drive" or not leg.begins:
            return False
        self.catch_s = leg.start_s
        first = self.first_catch_s is None
        if first:
            self.first_catch_s = leg.start_s
            self._moved_s = 0.0
        return first

    def elapsed_s(self, t_s: float) -> float:
        """The machine's time at `t_s`: 0 before the first stroke."""
        if self.first_catch_s is None:
            return -self.base_s
        if not self._moving_only:
            return t_s - self.first_catch_s - self.base_s
        moving_s = t_s - self._leg_start_s if self._moving else 0.0
        return self._moved_s + moving_s - self.base_s

    def restart(self, t_s: float, leg: Leg) -> None:
        """All counters begin again at 0; time too, at once if the athlete rows."""
        self.base_m = leg.distance_m(t_s)
        self.base_strokes = leg.strokes
        self.base_kcal = leg.energy_kcal(t_s)
        self.base_s = 0.0
        self._moved_s, self._leg_start_s = 0.0, t_s
        self.first_catch_s = t_s if leg.stroke is not None else None
        self.last = None

    def idle(self, t_s: float) -> bool:
        """Whether no stroke was made for so long that a machine shows zeros."""
        return t_s - self.catch_s > _IDLE_AFTER_S


class FtmsRower(Device):
    """A rowing machine with the Bluetooth Fitness Machine Service."""

    def __init__(
        self,
        source: str,
        random: Random,
        faults: Faults,
        *,
        rate_hz: float,
        relay_heart_rate: bool,
        moving_time_only: bool,
    ) -> None:
        super().__init__(source, random, faults, faulty=True)
        self._period_s = 1 / rate_hz
        self._relay = relay_heart_rate
        self._split = "split" in faults.names
        self._frozen = "frozen" in faults.names
        self._counters = Counters(moving_time_only=moving_time_only)
        self._resets = 0
        self._started = False
        if "wrap" in faults.names:
            # Both 16-bit counters come round within the first minute of rowing.
            self._counters.base_strokes = -(65536 - 11)
            self._counters.base_s = -(65536 - 31.5)

    def on_leg(self, leg: Leg) -> None:
        """Count; the first stroke is announced by the machine's status."""
        if self._counters.on_leg(leg):
            self._started = True

    def greet(self, t_s: float) -> None:
        """Device information and features."""
        for channel, text in (
            (_MANUFACTURER, "rowlog"),
            (_MODEL, "Paper rower"),
            (_FIRMWARE, "1.0"),
        ):
            self.emit(t_s, channel, text.encode())
        self.emit(t_s, ftms.FEATURE_CHANNEL, ftms.encode_features(_FEATURES))

    def pass_over(self, t_s: float, leg: Leg) -> None:
        """Nothing comes through, but the machine goes on counting."""
        self._reset_when_due(t_s, leg)
        self.next_s = t_s + self._period_s

    def speak(self, t_s: float, leg: Leg) -> None:
        """One record, in one or two notifications."""
        self._reset_when_due(t_s, leg)
        self.next_s = t_s + self._period_s
        if self._started:
            self._started = False
            self.emit(t_s, ftms.STATUS_CHANNEL, ftms.encode_status("started_or_resumed_by_user"))
        sample = self._sample(t_s, leg)
        if "garbage" in self.faults.names and self.random.random() < _GARBAGE_SHARE:
            self.faults.saw("garbage", self.source, t_s)
            self.emit(t_s, ftms.ROWER_DATA_CHANNEL, bytes([int(self.random.random() * 256)]))
        if self._split:
            self.faults.saw("split", self.source, t_s)
            # The layout of Concept2's PM5: flags 0x0AFF with a surplus byte, then 0x0100.
            first, rest = _two_parts(sample, leg.heart_rate_bpm(t_s) if self._relay else 0.0)
            self.emit(
                t_s,
                ftms.ROWER_DATA_CHANNEL,
                ftms.encode_rower_data(first, more_data=True) + b"\x00",
            )
            self.emit(t_s + 0.01, ftms.ROWER_DATA_CHANNEL, ftms.encode_rower_data(rest))
        else:
            self.emit(t_s, ftms.ROWER_DATA_CHANNEL, ftms.encode_rower_data(sample))

    def _reset_when_due(self, t_s: float, leg: Leg) -> None:
        if self.faults.started("reset", t_s) > self._resets:
            self._resets += 1
            self._counters.restart(t_s, leg)
            self.faults.saw("reset", self.source, t_s)

    def _sample(self, t_s: float, leg: Leg) -> RowerSample:
        counters = self._counters
        stroke = counters.last
        if counters.idle(t_s) and stroke is not None:
            if self._frozen:
                self.faults.saw("frozen", self.source, t_s)
            else:
                stroke = None
        rate, pace, power, hourly = 0.0, 0.0, 0.0, 0.0
        if stroke is not None:
            rate, pace = stroke.stroke_rate_spm, stroke.pace_s_per_500m
            power, hourly = stroke.power_w, stroke.kcal_per_s * 3600
            if self.faults.active("spike", t_s):
                self.faults.saw("spike", self.source, t_s)
                rate, pace = 118.0, 21.0
        elapsed_s = int(counters.elapsed_s(t_s))
        strokes = leg.strokes - counters.base_strokes
        if elapsed_s > 65535 or strokes > 65535:
            self.faults.saw("wrap", self.source, t_s)
        return RowerSample(
            t_ns=0,
            source=self.source,
            stroke_rate_spm=rate,
            stroke_count=strokes & 0xFFFF,
            distance_m=int(leg.distance_m(t_s) - counters.base_m),
            pace_s_per_500m=round(pace),
            power_w=round(power),
            energy_kcal=int(leg.energy_kcal(t_s) - counters.base_kcal + _ROUNDING_KCAL),
            energy_kcal_per_hour=round(hourly),
            energy_kcal_per_minute=round(hourly / 60),
            heart_rate_bpm=round(leg.heart_rate_bpm(t_s)) if self._relay else None,
            elapsed_s=elapsed_s & 0xFFFF,
        )


class Strap(Device):
    """A chest strap: heart rate and RR intervals once a second."""

    def __init__(self, source: str, random: Random, faults: Faults, *, faulty: bool) -> None:
        super().__init__(source, random, faults, faulty=faulty)
        self._beats: list[tuple[float, float]] = []
        self._held_bpm = 0

    def on_leg(self, leg: Leg) -> None:
        """Collect the heartbeats."""
        self._beats.extend(leg.beats)

    def greet(self, t_s: float) -> None:
        """Where it sits, and its battery."""
        self.emit(t_s, _MANUFACTURER, b"rowlog")
        self.emit(t_s, heart_rate.BODY_LOCATION_CHANNEL, heart_rate.encode_body_location("chest"))
        self.emit(t_s, BATTERY, heart_rate.encode_battery(int(60 + 40 * self.random.random())))

    def pass_over(self, t_s: float, leg: Leg) -> None:
        """The beats until `t_s` are never told."""
        self._take_beats(t_s)
        self.next_s = t_s + 1.0

    def speak(self, t_s: float, leg: Leg) -> None:
        """One measurement with the beats since the last one."""
        self.next_s = t_s + 1.0
        intervals = self._take_beats(t_s)
        if "garbage" in self.faults.names and self.random.random() < _GARBAGE_SHARE:
            self.faults.saw("garbage", self.source, t_s)
            self.emit(t_s, heart_rate.MEASUREMENT_CHANNEL, b"\x10")
        bpm = round(leg.heart_rate_bpm(t_s))
        contact = True
        if self.faults.active("contact", t_s):
            self.faults.saw("contact", self.source, t_s)
            bpm, contact, intervals = self._held_bpm or bpm, False, []
        elif self.faults.active("spike", t_s):
            self.faults.saw("spike", self.source, t_s)
            bpm = 238
        else:
            self._held_bpm = bpm
        payload = heart_rate.encode_measurement(bpm, intervals or None, contact)
        self.emit(t_s, heart_rate.MEASUREMENT_CHANNEL, payload)

    def _take_beats(self, t_s: float) -> list[float]:
        told = [rr_ms for beat_s, rr_ms in self._beats if beat_s <= t_s]
        del self._beats[: len(told)]
        return told


def _two_parts(sample: RowerSample, bpm: float) -> tuple[RowerSample, RowerSample]:
    seconds, metres = sample.elapsed_s or 0, sample.distance_m or 0
    strokes = sample.stroke_count or 0
    average_mps = metres / seconds if seconds else 0.0
    first = RowerSample(
        t_ns=0,
        source=sample.source,
        average_stroke_rate_spm=60 * strokes / seconds if seconds else 0,
        distance_m=metres,
        pace_s_per_500m=sample.pace_s_per_500m,
        average_pace_s_per_500m=500 / average_mps if average_mps else 0,
        power_w=sample.power_w,
        average_power_w=2.80 * average_mps * average_mps * average_mps,
        # A PM5 sends its drag factor here.
        resistance=120,
        heart_rate_bpm=round(bpm),
        elapsed_s=seconds,
    )
    rest = RowerSample(
        t_ns=0,
        source=sample.source,
        stroke_rate_spm=sample.stroke_rate_spm,
        stroke_count=strokes,
        energy_kcal=sample.energy_kcal,
        energy_kcal_per_hour=sample.energy_kcal_per_hour,
    )
    return first, rest
