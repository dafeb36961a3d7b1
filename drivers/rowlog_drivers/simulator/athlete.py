"""An athlete on paper: strokes, speed, energy and heart, exact at every instant.

Speed is continuous and linear within each leg (drive, recovery, coasting, standing still), so
distance is quadratic and the instant a target is crossed has a closed form. Only the four
operations, square roots and `random.random` are used: equal seeds give equal bits everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import frexp, inf, sqrt
from random import Random
from typing import Final, Literal

from rowlog_drivers.simulator.script import Athlete, Stretch, StretchTruth

Phase = Literal["drive", "recovery", "coast", "still"]

_SURGE: Final = 0.12
"""How far speed swings about its mean within a stroke, as a share of it."""
_MEAN_RECOVERY_S: Final = 48.0
_MEAN_RISE_S: Final = 34.0
"""Time constants of the heart rate, falling and rising."""
_BODY_STEP_S: Final = 0.25
_STILL_STEP_S: Final = 1.0
_PADDLE_PACE_S: Final = 175.0
_PADDLE_RATE_SPM: Final = 17.0
_EASY_STROKES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperStroke:
    """One stroke as the athlete meant it."""

    number: int
    drive_s: float
    period_s: float
    pace_s_per_500m: float
    power_w: float

    @property
    def stroke_rate_spm(self) -> float:
        """Strokes per minute."""
        return 60 / self.period_s

    @property
    def kcal_per_s(self) -> float:
        """Concept2's published form: 4 * watts * 0.8604 + 300 kcal an hour."""
        return (4 * 0.8604 * self.power_w + 300) / 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A short time in which speed and heart rate change linearly."""

    phase: Phase
    begins: bool
    """False for the rest of a leg that a target cut in two."""
    start_s: float
    end_s: float
    start_mps: float
    end_mps: float
    start_m: float
    end_m: float
    strokes: int
    """Catches so far, the one that this leg begins with included."""
    start_kcal: float
    end_kcal: float
    stroke: PaperStroke | None
    """None while no stroke is made."""
    start_bpm: float
    end_bpm: float
    beats: tuple[tuple[float, float], ...]
    """(instant in s, RR interval in ms) of the heartbeats in this leg."""
    kind: str
    """That of the stretch."""

    def distance_m(self, t_s: float) -> float:
        """Metres since session start at an instant of this leg."""
        past = min(max(t_s - self.start_s, 0.0), self.end_s - self.start_s)
        gain = (self.end_mps - self.start_mps) / (self.end_s - self.start_s)
        return min(self.start_m + past * (self.start_mps + gain * past / 2), self.end_m)

    def energy_kcal(self, t_s: float) -> float:
        """Kilocalories since session start at an instant of this leg."""
        return self.start_kcal + self._share(t_s) * (self.end_kcal - self.start_kcal)

    def heart_rate_bpm(self, t_s: float) -> float:
        """Heart rate at an instant of this leg."""
        return self.start_bpm + self._share(t_s) * (self.end_bpm - self.start_bpm)

    def _share(self, t_s: float) -> float:
        return min(max((t_s - self.start_s) / (self.end_s - self.start_s), 0.0), 1.0)


class Heart:
    """Heart rate that follows a demand with delay, drifts, and beats irregularly."""

    def __init__(self, athlete: Athlete, random: Random) -> None:
        self._rest_bpm = athlete.resting_heart_rate_bpm
        self._span_bpm = athlete.maximum_heart_rate_bpm - athlete.resting_heart_rate_bpm
        self._random = random
        self._drift = 0.0
        self._next_beat_s = random.random() * 0.5
        self._rr_ms = 850.0
        self.bpm = self._rest_bpm + 0.13 * self._span_bpm

    def advance(
        self, start_s: float, seconds: float, intensity: float
    ) -> list[tuple[float, float]]:
        """Live `seconds` on at an intensity (1: what 2000 m demand); the beats in that time."""
        before = self.bpm
        demand = min(0.13 + 0.75 * intensity + self._drift, 0.985)
        goal = self._rest_bpm + demand * self._span_bpm
        steps = int(seconds / _BODY_STEP_S) + 1
        step_s = seconds / steps
        for _ in range(steps):
            delay_s = _MEAN_RISE_S if goal > self.bpm else _MEAN_RECOVERY_S
            self.bpm += (goal - self.bpm) * step_s / delay_s
        # Heart rate creeps up at equal work: some 5 % of its span in twenty minutes.
        target_drift = 0.06 * min(intensity, 1.2)
        self._drift += (target_drift - self._drift) * seconds / 900
        beats: list[tuple[float, float]] = []
        while self._next_beat_s < start_s + seconds:
            share = (self._next_beat_s - start_s) / seconds
            beats.append((self._next_beat_s, self._rr_ms))
            self._rr_ms = self._interval_ms(before + share * (self.bpm - before))
            self._next_beat_s += self._rr_ms / 1000
        return beats

    def _interval_ms(self, bpm: float) -> float:
        ease = 1 - (bpm - self._rest_bpm) / self._span_bpm
        # Breathing, four seconds a breath: a triangle wave between -1 and 1.
        breath = abs((self._next_beat_s / 4) % 1 * 4 - 2) - 1
        swing = breath * 0.05 * ease * ease + 0.012 * bell(self._random) * (0.3 + ease)
        return 60_000 / bpm * (1 + swing)


class Performance:
    """The athlete performing a script: `legs()` once, with `stretches` growing as they end."""

    def __init__(
        self, script: Iterable[Stretch], *, athlete: Athlete, seed: int, power_factor: float
    ) -> None:
        self._script = script
        self._athlete = athlete
        self._random = Random(f"rowlog:{seed}:strokes")
        self._heart = Heart(athlete, Random(f"rowlog:{seed}:heart"))
        self._power_factor = power_factor
        self.stretches: list[StretchTruth] = []
        self._t_s = 0.0
        self._m = 0.0
        self._mps = 0.0
        self._kcal = 0.0
        self._strokes = 0
        self._stroke: PaperStroke | None = None
        self._fatigue = 0.0
        self._cut: tuple[Phase, float, float] | None = None
        self._over = False
        self._by_energy = False
        self._kind = "wait"
        self._end_s = self._end_m = self._end_kcal = inf
        self._below_bpm = -inf
        self._beat_s = 0.0
        self._max_bpm = 0.0

    @property
    def t_s(self) -> float:
        """How far the performance is."""
        return self._t_s

    def legs(self) -> Iterator[Leg]:
        """Everything that happens, leg by leg without gaps."""
        for stretch in self._script:
            start = (self._t_s, self._m, self._strokes, self._kcal)
            pauses: list[tuple[float, float]] = []
            self._begin(stretch)
            if stretch.kind == "work":
                yield from self._row(stretch, pauses)
            else:
                yield from self._off(stretch)
                self._cut = None
            duration_s = self._t_s - start[0]
            self.stretches.append(
                StretchTruth(
                    kind=stretch.kind,
                    activity=stretch.activity,
                    start_s=start[0],
                    end_s=self._t_s,
                    start_distance_m=start[1],
                    end_distance_m=self._m,
                    start_strokes=start[2],
                    end_strokes=self._strokes,
                    start_energy_kcal=start[3],
                    end_energy_kcal=self._kcal,
                    mean_heart_rate_bpm=self._beat_s / duration_s,
                    max_heart_rate_bpm=self._max_bpm,
                    end_heart_rate_bpm=self._heart.bpm,
                    pauses=tuple(pauses),
                )
            )

    def _begin(self, stretch: Stretch) -> None:
        self._kind = stretch.kind
        self._by_energy = self._over and self._end_kcal < inf
        self._over = False
        self._end_s = inf if stretch.seconds is None else self._t_s + stretch.seconds
        self._end_m = inf if stretch.distance_m is None else self._m + stretch.distance_m
        self._end_kcal = inf if stretch.energy_kcal is None else self._kcal + stretch.energy_kcal
        self._below_bpm = -inf if stretch.below_bpm is None else stretch.below_bpm
        self._beat_s = 0.0
        self._max_bpm = self._heart.bpm

    def _row(self, stretch: Stretch, pauses: list[tuple[float, float]]) -> Iterator[Leg]:
        start_s, start_m, start_kcal = self._t_s, self._m, self._kcal
        base_pace = stretch.pace_s_per_500m or self._natural_pace(stretch)
        trend = 0.03 * (self._random.random() - 0.4)
        burst = 3
        stop_after_s = inf if stretch.stop_after_s is None else stretch.stop_after_s
        yield from self._finish_stroke()
        while not self._over:
            if self._t_s - start_s >= stop_after_s:
                stop_after_s = inf
                stopped_s = self._t_s
                yield from self._stand_still(stretch.stop_s, 0.1)
                pauses.append((stopped_s, self._t_s))
                continue
            share = max(
                (self._m - start_m) / (self._end_m - start_m),
                (self._t_s - start_s) / (self._end_s - start_s),
                (self._kcal - start_kcal) / (self._end_kcal - start_kcal),
            )
            mean_mps = 500 / base_pace * (1 + trend * (share - 0.5) - self._fatigue)
            if burst:
                mean_mps *= 1.05
                burst -= 1
            mean_mps *= 1 + 0.006 * bell(self._random)
            yield from self._make_stroke(mean_mps, stretch.stroke_rate_spm)
        self._fatigue = min(self._fatigue + (self._t_s - start_s) * 1.5e-5, 0.04)

    def _off(self, stretch: Stretch) -> Iterator[Leg]:
        intensity = {"exercise": 0.75, "rest": 0.12}.get(stretch.kind, 0.02)
        if self._by_energy:
            yield from self._ease_off()
        self._cut = None
        if not stretch.paddling or stretch.seconds is None:
            yield from self._stand_still(inf, intensity)
            return
        start_s = self._t_s
        yield from self._stand_still(0.25 * stretch.seconds, intensity)
        while not self._over and self._t_s - start_s < 0.6 * stretch.seconds:
            yield from self._make_stroke(500 / _PADDLE_PACE_S, _PADDLE_RATE_SPM)
        yield from self._stand_still(inf, intensity)

    def _ease_off(self) -> Iterator[Leg]:
        """Finish the stroke in which the kilocalories were full, and make two light ones.

        Nobody stops within a stroke when a counter jumps, and some machines count a stroke's
        energy only with the next catch.
        """
        yield from self._finish_stroke()
        for _ in range(_EASY_STROKES):
            if not self._over:
                yield from self._make_stroke(500 / _PADDLE_PACE_S, _PADDLE_RATE_SPM)

    def _finish_stroke(self) -> Iterator[Leg]:
        """What is left of a stroke that the end of the stretch before cut in two."""
        if self._cut is None:
            return
        phase, seconds, mps = self._cut
        yield self._leg(phase, seconds, mps, begins=False)
        if phase == "drive" and not self._over and self._stroke is not None:
            rest_s = self._stroke.period_s - self._stroke.drive_s
            yield self._leg("recovery", rest_s, self._mps * (1 - _SURGE) / (1 + _SURGE))

    def _make_stroke(self, mean_mps: float, rate_spm: float | None) -> Iterator[Leg]:
        if rate_spm is None:
            reference = 500 / self._athlete.pace_2000m_s_per_500m
            rate_spm = 14 + 16 * (mean_mps / reference) * (mean_mps / reference)
        period_s = 60 / (rate_spm + 0.35 * bell(self._random))
        drive_s = 0.5 + 0.12 * period_s
        catch_mps, finish_mps = mean_mps * (1 - _SURGE), mean_mps * (1 + _SURGE)
        metres = (
            drive_s * (self._mps + finish_mps) + (period_s - drive_s) * (finish_mps + catch_mps)
        ) / 2
        speed = metres / period_s
        self._strokes += 1
        self._stroke = PaperStroke(
            number=self._strokes,
            drive_s=drive_s,
            period_s=period_s,
            pace_s_per_500m=500 / speed,
            # Concept2: watts = 2.80 / pace^3, pace in seconds per metre.
            power_w=2.80 * speed * speed * speed * self._power_factor,
        )
        yield self._leg("drive", drive_s, finish_mps)
        if not self._over:
            yield self._leg("recovery", period_s - drive_s, catch_mps)

    def _stand_still(self, seconds: float, intensity: float) -> Iterator[Leg]:
        """Let the wheel run out, then nothing, until the stretch is over or `seconds` passed."""
        self._stroke = None
        end_s = self._t_s + seconds
        for seconds_left, share in ((2.0, 0.35), (3.0, 0.0)):
            if self._over or self._mps <= 0 or self._t_s >= end_s:
                break
            yield self._leg("coast", seconds_left, self._mps * share, intensity=intensity)
        while not self._over and (left_s := end_s - self._t_s) > 1e-6:
            yield self._leg("still", min(_STILL_STEP_S, left_s), 0.0, intensity=intensity)

    def _leg(
        self,
        phase: Phase,
        seconds: float,
        end_mps: float,
        *,
        begins: bool = True,
        intensity: float = 0.0,
    ) -> Leg:
        """Live one leg, cut short where the stretch ends."""
        start_s, start_m, start_kcal, start_mps = self._t_s, self._m, self._kcal, self._mps
        gain = (end_mps - start_mps) / seconds
        kcal_per_s = self._stroke.kcal_per_s if self._stroke is not None else 0.0
        lived_s, ended_by = seconds, ""
        if self._end_s - start_s <= lived_s:
            lived_s, ended_by = self._end_s - start_s, "time"
        need_m = self._end_m - start_m
        if start_mps * lived_s + gain * lived_s * lived_s / 2 >= need_m:
            root = sqrt(max(start_mps * start_mps + 2 * gain * need_m, 0.0))
            lived_s = 2 * need_m / (start_mps + root)
            ended_by = "distance"
        if kcal_per_s and self._end_kcal - start_kcal <= kcal_per_s * lived_s:
            lived_s, ended_by = (self._end_kcal - start_kcal) / kcal_per_s, "energy"
        self._over = bool(ended_by)
        self._t_s = self._end_s if ended_by == "time" else start_s + lived_s
        self._m = (
            self._end_m
            if ended_by == "distance"
            else start_m + lived_s * (start_mps + gain * lived_s / 2)
        )
        self._kcal = self._end_kcal if ended_by == "energy" else start_kcal + kcal_per_s * lived_s
        self._mps = max(start_mps + gain * lived_s, 0.0)
        left_s = seconds - lived_s
        self._cut = (phase, left_s, end_mps) if self._over and left_s > 1e-9 else None
        if self._stroke is not None:
            reference = 500 / self._athlete.pace_2000m_s_per_500m
            full_w = 2.80 * reference * reference * reference * self._power_factor
            intensity = 0.25 + 0.75 * self._stroke.power_w / full_w
        start_bpm = self._heart.bpm
        beats = self._heart.advance(start_s, self._t_s - start_s, intensity)
        self._beat_s += (start_bpm + self._heart.bpm) / 2 * (self._t_s - start_s)
        self._max_bpm = max(self._max_bpm, self._heart.bpm)
        if self._heart.bpm <= self._below_bpm:
            self._over = True
        return Leg(
            phase=phase,
            begins=begins,
            start_s=start_s,
            end_s=self._t_s,
            start_mps=start_mps,
            end_mps=self._mps,
            start_m=start_m,
            end_m=self._m,
            strokes=self._strokes,
            start_kcal=start_kcal,
            end_kcal=self._kcal,
            stroke=self._stroke,
            start_bpm=start_bpm,
            end_bpm=self._heart.bpm,
            beats=tuple(beats),
            kind=self._kind,
        )

    def _natural_pace(self, stretch: Stretch) -> float:
        """What fitness gives: some seconds slower with each doubling beyond 2000 m."""
        base = self._athlete.pace_2000m_s_per_500m
        if stretch.distance_m is not None:
            metres = stretch.distance_m
        elif stretch.seconds is not None:
            metres = stretch.seconds * 500 / base
        else:
            metres = (stretch.energy_kcal or 100.0) * 15
        # The binary logarithm, linear between powers of two: exact on every platform.
        mantissa, exponent = frexp(metres / 2000)
        doublings = exponent - 1 + (2 * mantissa - 1)
        return base + (4.5 if doublings > 0 else 2.0) * max(doublings, -4.0)


def bell(random: Random) -> float:
    """A random number about 0 with a spread of about 1, never beyond 3.5."""
    total = random.random() + random.random() + random.random() + random.random() - 2
    return total * 1.7320508
