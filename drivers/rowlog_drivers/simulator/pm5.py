"""A Concept2 PM5 on paper: what it sends over Bluetooth while an athlete rows its workout.

How it counts and when it tells what follows the Concept2 PM Bluetooth Smart Communications
Interface Definition 1.30 and recordings of real monitors: counters that begin again with each
interval, two tellings of each stroke, an interval's figures after its rest, a summary at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from random import Random
from typing import Final, Literal

from rowlog_drivers.protocols import pm5
from rowlog_drivers.protocols.csafe_programs import Interval, interval_type
from rowlog_drivers.protocols.pm5_names import SAMPLE_PERIODS_MS, TARGETS
from rowlog_drivers.protocols.pm5_strokes import LBF_N
from rowlog_drivers.simulator.athlete import Leg, PaperStroke
from rowlog_drivers.simulator.faults import Faults
from rowlog_drivers.simulator.machines import Device

_GARBAGE_SHARE: Final = 0.02
_DRAG_FACTOR: Final = 118
_DRIVE_M: Final = 1.35
_POINTS_PER_S: Final = 40
_MEAN_OF_PEAK: Final = 0.5625
"""Of the force curve 6.75 x (1 - x)^2, whose peak is 1."""
_LOGGED_AFTER_S: Final = 4.0
_TEXTS: Final = (
    (0x11, "PM5"),
    (0x12, "430000001"),
    (0x13, "634"),
    (0x14, "8200-000372-174.000"),
    (0x15, "Concept2"),
)
_LOG_DATE: Final = date(2026, 3, 1)
_LOG_TIME: Final = time(18, 4)
_EXACT: Final = 1e-6
_SPLITS: Final = 5
"""A single piece is told in so many parts, as the monitors make them by themselves."""

Erg = Literal["row", "ski", "bike"]
_ERG_MACHINES: Final[Mapping[Erg, int]] = {"row": 0, "ski": 128, "bike": 192}
Phase = Literal["ready", "work", "rest", "end", "logged"]


@dataclass(slots=True)
class _Since:
    """Where the athlete stood when something began."""

    t_s: float = 0.0
    m: float = 0.0
    kcal: float = 0.0
    strokes: int = 0


@dataclass(slots=True)
class _Sums:
    """What the monitor keeps of an interval, for its own report."""

    time_s: float = 0.0
    m: float = 0.0
    kcal: float = 0.0
    strokes: int = 0
    rest_s: float = 0.0
    rest_m: float = 0.0
    end_bpm: float = 0.0
    rest_bpm: float = 0.0


class Pm5Rower(Device):
    """The monitor; `program` is the workout that it holds, () for a free row."""

    def __init__(
        self,
        source: str,
        random: Random,
        faults: Faults,
        *,
        rate_hz: float,
        relay_heart_rate: bool,
        program: Sequence[Interval],
        erg: Erg = "row",
    ) -> None:
        super().__init__(source, random, faults, faulty=True)
        # The fastest of the monitor's rates that is not above the one wanted.
        self._rate = max(code for code in SAMPLE_PERIODS_MS if code == 0 or _hz(code) <= rate_hz)
        self._relay = relay_heart_rate
        self._program = tuple(program)
        self._erg = _ERG_MACHINES[erg]
        self._multiplexed = "split" in faults.names
        self._phase: Phase = "ready"
        self._index = 0
        self._since = _Since()
        self._begun = _Since()
        """The start of the workout."""
        self._rest_since = _Since()
        self._sums: list[_Sums] = []
        self._elapsed_s = 0.0
        self._run_m = 0.0
        self._rest_m = 0.0
        self._resets = 0
        self._stroke: PaperStroke | None = None
        """The one that was told at the end of its drive, until its recovery is over."""
        self._drive_end_s = 0.0
        self._drive_mps = 0.0
        self._recovery_s = 0.0
        self._latest: PaperStroke | None = None
        self._driving = False
        self._ended_s = 0.0
        self._last_stroke = 0

    # What the athlete does

    def on_leg(self, leg: Leg) -> None:
        """Count; a drive's end and a recovery's end are told the moment they come."""
        t_s = leg.start_s
        self._advance(t_s, leg)
        catch = leg.phase == "drive" and leg.begins
        if self._stroke is not None and (catch or leg.phase in ("coast", "still")):
            self._recovery_s = t_s - self._drive_end_s
            self._tell_stroke(t_s, leg, self._stroke, of_drive=False)
            self._stroke = None
        if catch:
            if self._phase == "ready" or (self._phase == "rest" and self._rest_s is None):
                self._begin_work(t_s, leg)
            self._latest = leg.stroke
            self._driving = True
        elif self._driving and leg.phase != "drive":
            self._driving = False
            stroke = self._latest
            if stroke is not None:
                self._drive_end_s = t_s
                self._tell_stroke(t_s, leg, stroke, of_drive=True)
                self._stroke = stroke

    # What it counts

    @property
    def _interval(self) -> Interval | None:
        return self._program[self._index] if self._index < len(self._program) else None

    @property
    def _rest_s(self) -> int | None:
        """How long the rest under way lasts; None: until the rower goes on."""
        interval = self._interval
        return None if interval is None else interval.rest_s

    def _advance(self, t_s: float, leg: Leg) -> None:
        """The workout goes on to `t_s`, an instant of `leg`."""
        if self.faults.started("reset", t_s) > self._resets:
            self._resets += 1
            self.faults.saw("reset", self.source, t_s)
            self._restart(t_s, leg)
        interval = self._interval
        if self._phase == "work":
            self._elapsed_s = t_s - self._since.t_s
            self._run_m = leg.distance_m(t_s) - self._since.m
            if interval is not None and self._reached(interval, t_s, leg):
                self._end_work(interval, t_s, leg)
        if self._phase == "rest" and interval is not None:
            self._rest_m = leg.distance_m(t_s) - self._rest_since.m
            if interval.rest_s is None:
                self._elapsed_s = t_s - self._since.t_s
            elif t_s - self._rest_since.t_s >= interval.rest_s - _EXACT:
                self._end_rest(t_s, leg)
        if self._phase == "end" and t_s - self._ended_s >= _LOGGED_AFTER_S:
            self._phase = "logged"

    def _reached(self, interval: Interval, t_s: float, leg: Leg) -> bool:
        done = {
            "time": self._elapsed_s,
            "distance": self._run_m,
            "calories": leg.energy_kcal(t_s) - self._since.kcal,
        }
        return done[interval.kind] >= interval.amount - _EXACT

    def _begin_work(self, t_s: float, leg: Leg) -> None:
        if self._phase == "rest":
            self._close_interval(t_s, leg)
        # A stroke whose drive begins or goes on is the first of the new interval.
        driving = leg.phase == "drive"
        self._since = _Since(t_s, leg.distance_m(t_s), leg.energy_kcal(t_s), leg.strokes - driving)
        if self._phase == "ready":
            self._begun = replace(self._since)
        self._phase = "work"
        self._elapsed_s = self._run_m = self._rest_m = 0.0

    def _end_work(self, interval: Interval, t_s: float, leg: Leg) -> None:
        if interval.kind == "time":
            self._elapsed_s = interval.amount
        elif interval.kind == "distance":
            self._run_m = interval.amount
        self._sums.append(
            _Sums(
                time_s=self._elapsed_s,
                m=self._run_m,
                kcal=leg.energy_kcal(t_s) - self._since.kcal,
                strokes=leg.strokes - self._since.strokes,
                end_bpm=leg.heart_rate_bpm(t_s),
            )
        )
        self._rest_since = _Since(t_s, leg.distance_m(t_s))
        self._phase = "rest"
        self._rest_m = 0.0
        if interval.rest_s == 0:
            self._end_rest(t_s, leg)

    def _end_rest(self, t_s: float, leg: Leg) -> None:
        if self._index + 1 < len(self._program):
            self._begin_work(t_s, leg)
            return
        self._phase, self._ended_s, self._last_stroke = "end", t_s, leg.strokes
        self._close_interval(t_s, leg)
        self._summarise(t_s)

    def _close_interval(self, t_s: float, leg: Leg) -> None:
        """The interval's own figures come after its rest, when the next one is under way."""
        sums = self._sums[-1]
        sums.rest_s, sums.rest_m = t_s - self._rest_since.t_s, self._rest_m
        sums.rest_bpm = leg.heart_rate_bpm(t_s)
        interval = self._interval
        if interval is not None:
            single = len(self._program) == 1 and interval.rest_s == 0
            self._tell_split(t_s, interval, sums, self._index + 1, single=single)
        if self._phase == "rest":
            self._index += 1

    def _restart(self, t_s: float, leg: Leg) -> None:
        """Somebody ends the workout on the monitor and begins a free row."""
        self._program, self._index = (), 0
        self._sums.clear()
        self._phase = "ready"
        self._elapsed_s = self._run_m = self._rest_m = 0.0
        if leg.stroke is not None:
            self._begin_work(t_s, leg)

    # What it sends

    def greet(self, t_s: float) -> None:
        """What is read once, and the fastest sample rate that is set."""
        for number, text in _TEXTS:
            self._say(t_s, pm5.InfoText(characteristic=number, text=text))
        self._say(t_s, pm5.ErgMachine(erg_machine_type=self._erg))
        self._say(t_s, pm5.SamplePeriod(code=1))
        self.emit(t_s, pm5.SAMPLE_RATE_CHANNEL, bytes([self._rate]), sent=True)
        if self._relay:
            belt = pm5.HeartRateBelt(manufacturer_id=1, device_type=120, belt_id=40_321)
            self._say(t_s, belt)

    def pass_over(self, t_s: float, leg: Leg) -> None:
        """Nothing comes through; the monitor goes on counting."""
        self.next_s = t_s + SAMPLE_PERIODS_MS[self._rate] / 1000
        self._advance(t_s, leg)

    def speak(self, t_s: float, leg: Leg) -> None:
        """The three status values."""
        self.next_s = t_s + SAMPLE_PERIODS_MS[self._rate] / 1000
        self._advance(t_s, leg)
        if "garbage" in self.faults.names and self.random.random() < _GARBAGE_SHARE:
            self.faults.saw("garbage", self.source, t_s)
            self.emit(t_s, pm5.channel(0x31), b"\x01\x02\x03")
        self._say(t_s, self._general(leg))
        self._say(t_s, self._status1(t_s, leg))
        self._say(t_s, self._status2(t_s, leg))

    def _say(self, t_s: float, value: pm5.Value) -> None:
        number = pm5.characteristic_of(value)
        if self._multiplexed and number >= 0x31 and number != 0x34:
            self.faults.saw("split", self.source, t_s)
            self.emit(t_s, pm5.MULTIPLEXED_CHANNEL, pm5.encode_multiplexed(value))
        else:
            self.emit(t_s, pm5.channel(number), pm5.encode_value(value))

    def _at_once(self, t_s: float, value: pm5.Value) -> None:
        """What comes with what the athlete does, if anything comes through."""
        silent = self.faults.active("silent", t_s)
        if self._up and not silent and not self.faults.active("drop", t_s):
            self._say(t_s, value)

    @property
    def _shown_s(self) -> float:
        return int(self._elapsed_s * 100 + _EXACT) / 100

    @property
    def _shown_m(self) -> float:
        return int(self._run_m * 10 + _EXACT) / 10

    @property
    def _workout_type(self) -> int:
        if not self._program:
            return 1
        if len(self._program) == 1 and self._program[0].rest_s == 0:
            return {"distance": 3, "time": 5, "calories": 10}[self._program[0].kind]
        return 9 if any(one.rest_s is None for one in self._program) else 8

    @property
    def _workout_state(self) -> int:
        interval = self._interval
        if self._phase == "work":
            if interval is None or self._workout_type < 8 or self._workout_type == 10:
                return 1
            return 4 if interval.kind == "time" else 5
        return {"ready": 0, "rest": 3, "end": 10, "logged": 12}[self._phase]

    def _general(self, leg: Leg) -> pm5.GeneralStatus:
        interval = self._interval
        kind, target, raw = 1, 0x80, 0
        if interval is not None:
            kind = interval_type(interval)
            if self._phase == "rest":
                kind = 5 if interval.rest_s is None else 2
            target = {"time": 0x00, "calories": 0x40, "distance": 0x80}[interval.kind]
            raw = round(interval.amount * TARGETS[target][1])
        strokes = leg.strokes - self._begun.strokes if self._phase != "ready" else 0
        return pm5.GeneralStatus(
            elapsed_s=self._shown_s,
            distance_m=self._shown_m,
            workout_type=self._workout_type,
            interval_type=kind,
            workout_state=self._workout_state,
            rowing_state=int(leg.phase in ("drive", "recovery")),
            stroke_state={"drive": 2, "recovery": 4, "coast": 1, "still": 0}[leg.phase],
            total_work_distance_raw=round(sum(one.m for one in self._sums)),
            target_raw=raw,
            target_type=target,
            drag_factor=_DRAG_FACTOR + self._index % 3 if strokes > 2 else None,
        )

    def _status1(self, t_s: float, leg: Leg) -> pm5.AdditionalStatus1:
        stroke = self._latest
        rate, pace = 0, 0.0
        if stroke is not None and leg.strokes - self._begun.strokes > 2:
            # They keep their last value when nobody rows.
            rate, pace = round(stroke.stroke_rate_spm), stroke.pace_s_per_500m
            if leg.stroke is None:
                self.faults.saw("frozen", self.source, t_s)
        if self.faults.active("spike", t_s):
            self.faults.saw("spike", self.source, t_s)
            rate, pace = 118, 12.0
        mean = 500 * self._elapsed_s / self._run_m if self._run_m > 1 else 0.0
        left_s = 0.0
        if self._phase == "rest":
            rested_s = t_s - self._rest_since.t_s
            left_s = rested_s if self._rest_s is None else max(self._rest_s - rested_s, 0.0)
        return pm5.AdditionalStatus1(
            elapsed_s=self._shown_s,
            speed_mps=500 / pace if pace else 0.0,
            stroke_rate_spm=rate,
            heart_rate_bpm=round(leg.heart_rate_bpm(t_s)) if self._relay else None,
            pace_s_per_500m=pace,
            average_pace_s_per_500m=min(mean, 655.0),
            rest_distance_m=int(self._rest_m),
            rest_time_s=left_s,
            erg_machine_type=self._erg,
        )

    def _status2(self, t_s: float, leg: Leg) -> pm5.AdditionalStatus2:
        kcal = leg.energy_kcal(t_s) - self._begun.kcal if self._phase != "ready" else 0.0
        run_kcal = leg.energy_kcal(t_s) - self._since.kcal if self._phase == "work" else 0.0
        if self._phase in ("rest", "end", "logged"):
            run_kcal = self._sums[-1].kcal
        last = self._sums[-1] if self._sums else _Sums()
        pace = 500 * self._elapsed_s / self._run_m if self._run_m > 1 else 0.0
        return pm5.AdditionalStatus2(
            elapsed_s=self._shown_s,
            interval_count=self._index,
            average_power_w=_watts(self._elapsed_s, self._run_m),
            energy_kcal=int(kcal),
            split_average_pace_s_per_500m=min(pace, 655.0),
            split_average_power_w=_watts(self._elapsed_s, self._run_m),
            split_energy_kcal=int(run_kcal),
            last_split_time_s=last.time_s,
            last_split_distance_m=round(last.m),
        )

    def _tell_stroke(self, t_s: float, leg: Leg, stroke: PaperStroke, *, of_drive: bool) -> None:
        """0035 twice a stroke; with the first 0036 and the force curve."""
        count = stroke.number - self._since.strokes
        if count < 1 or self._phase in ("ready", "logged"):
            return
        if self._phase == "end" and stroke.number > self._last_stroke:
            return  # made after the workout, of which nothing is counted any more
        drive_s = stroke.drive_s
        work_j = stroke.power_w * stroke.period_s
        peak_lbf = work_j / _DRIVE_M / _MEAN_OF_PEAK / LBF_N
        points = _curve(peak_lbf, drive_s)
        metres = 500 / stroke.pace_s_per_500m * stroke.period_s
        first = stroke.number - self._begun.strokes == 1
        if self._phase == "work":
            self._advance(t_s, leg)
        self._at_once(
            t_s,
            pm5.StrokeData(
                elapsed_s=self._shown_s,
                distance_m=self._shown_m,
                drive_length_m=_DRIVE_M,
                drive_s=drive_s,
                recovery_s=self._recovery_s,
                stroke_distance_m=metres,
                peak_force_lbf=max(points),
                mean_force_lbf=work_j / _DRIVE_M / LBF_N,
                work_j=None if first else work_j,
                stroke_count=count,
            ),
        )
        if not of_drive:
            return
        interval = self._interval
        left_m = left_s = 0.0
        if interval is not None and self._phase == "work" and self._run_m > 1:
            if interval.kind == "distance":
                left_s = interval.amount * self._elapsed_s / self._run_m
            elif interval.kind == "time":
                left_m = interval.amount * self._run_m / self._elapsed_s
        self._at_once(
            t_s,
            pm5.AdditionalStrokeData(
                elapsed_s=self._shown_s,
                power_w=round(stroke.power_w),
                energy_kcal_per_hour=round(stroke.kcal_per_s * 3600),
                stroke_count=count,
                projected_time_s=round(left_s),
                projected_distance_m=round(left_m),
                work_j=None if first else work_j,
            ),
        )
        for part in pm5.force_parts(tuple(int(point) for point in points)):
            self._at_once(t_s, part)

    def _tell_split(
        self, t_s: float, interval: Interval, sums: _Sums, number: int, *, single: bool
    ) -> None:
        """0037 and 0038 of an interval; a single piece is told in equal parts."""
        parts = _SPLITS if single else 1
        for part in range(parts):
            share = 1 / parts
            self._at_once(
                t_s,
                pm5.SplitData(
                    elapsed_s=self._shown_s,
                    distance_m=self._shown_m,
                    split_time_s=sums.time_s * share,
                    split_distance_m=round(sums.m * share),
                    rest_s=0 if single else round(sums.rest_s),
                    rest_distance_m=int(sums.rest_m),
                    interval_type=interval_type(interval),
                    number=number + part,
                ),
            )
            self._at_once(
                t_s,
                pm5.AdditionalSplitData(
                    elapsed_s=self._shown_s,
                    stroke_rate_spm=_rate(sums),
                    heart_rate_bpm=round(sums.end_bpm) if self._relay else None,
                    rest_heart_rate_bpm=round(sums.rest_bpm) if self._relay else None,
                    pace_s_per_500m=500 * sums.time_s / sums.m if sums.m else 0.0,
                    energy_kcal=round(sums.kcal * share),
                    energy_kcal_per_hour=_per_hour(sums),
                    speed_mps=sums.m / sums.time_s if sums.time_s else 0.0,
                    power_w=_watts(sums.time_s, sums.m),
                    drag_factor=_DRAG_FACTOR + (number - 1) % 3,
                    number=number + part,
                    erg_machine_type=self._erg,
                ),
            )

    def _summarise(self, t_s: float) -> None:
        """0039 and 003a of the workout that is over."""
        whole = _Sums(
            time_s=sum(one.time_s for one in self._sums),
            m=sum(one.m for one in self._sums),
            kcal=sum(one.kcal for one in self._sums),
            strokes=sum(one.strokes for one in self._sums),
            rest_m=sum(int(one.rest_m) for one in self._sums),
        )
        first = self._program[0]
        beat = round(self._sums[-1].end_bpm) if self._relay else None
        self._at_once(
            t_s,
            pm5.WorkoutSummary(
                log_date=_LOG_DATE,
                log_time=_LOG_TIME,
                elapsed_s=whole.time_s,
                distance_m=whole.m,
                stroke_rate_spm=_rate(whole),
                end_heart_rate_bpm=beat,
                heart_rate_bpm=None,
                min_heart_rate_bpm=None,
                max_heart_rate_bpm=None,
                drag_factor=_DRAG_FACTOR,
                recovery_heart_rate_bpm=None,
                workout_type=self._workout_type,
                pace_s_per_500m=500 * whole.time_s / whole.m if whole.m else 0.0,
            ),
        )
        self._at_once(
            t_s,
            pm5.AdditionalSummary(
                log_date=_LOG_DATE,
                log_time=_LOG_TIME,
                interval_type=interval_type(first),
                split_size_raw=min(round(first.amount), 0xFFFF),
                split_count=len(self._sums),
                energy_kcal=int(whole.kcal),
                power_w=_watts(whole.time_s, whole.m),
                rest_distance_m=round(whole.rest_m),
                rest_s=first.rest_s or 0,
                energy_kcal_per_hour=_per_hour(whole),
            ),
        )


def _hz(code: int) -> float:
    return 1000 / SAMPLE_PERIODS_MS[code]


def _watts(seconds: float, metres: float) -> int:
    """Concept2's watts of a mean speed: 2.80 times its cube."""
    if metres < 1 or seconds <= 0:
        return 0
    speed = metres / seconds
    return min(int(2.80 * speed * speed * speed), 0xFFFF)


def _rate(sums: _Sums) -> int:
    return round(60 * sums.strokes / sums.time_s) if sums.time_s else 0


def _per_hour(sums: _Sums) -> int:
    return int(300 + 4 * 0.8604 * _watts(sums.time_s, sums.m))


def _curve(peak_lbf: float, drive_s: float) -> tuple[float, ...]:
    """Force along a drive, evenly spaced: quick to its peak, slower down."""
    count = max(8, int(drive_s * _POINTS_PER_S))
    places = ((n + 0.5) / count for n in range(count))
    return tuple(peak_lbf * 6.75 * x * (1 - x) * (1 - x) for x in places)
