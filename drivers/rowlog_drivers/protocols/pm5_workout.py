"""A Concept2 monitor's counters, counted on through intervals, each of which starts them anew.

Elapsed time and distance begin at 0 again with each interval and each workout; metres of a rest
are counted apart. Source: Concept2 PM Bluetooth Smart Communications Interface Definition 1.30,
and public traces of interval workouts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rowlog_drivers.protocols.pm5_names import TARGET_DISTANCE, TARGET_TIME

SECOND_NS: Final = 1_000_000_000
RESTING: Final = frozenset({3, 8, 9})
"""Workout states of a rest: interval rest, and the two that lead to it."""
WORKING: Final = frozenset({1, 4, 5, 6, 7})
"""Workout states of work, and the two that lead from a rest to it."""
UNDEFINED_REST: Final = frozenset({3, 4, 5, 7, 9})
"""Interval types whose rest has no length: elapsed time goes on in it."""

_BACK_S: Final = 1.0
"""Values that are not in step may be older by less than this."""
_BACK_M: Final = 5.0
_HOLD_NS: Final = 2 * SECOND_NS
"""A monitor that does not say so soon which interval is under way never will."""
_FASTEST_MPS: Final = 8.0
_SAME_S: Final = 0.2
"""Two tellings of one interval's time differ by less."""
_LIKELY: Final = 0.4
"""Nobody's intervals differ by a larger share of what is expected of them."""
WORK: Final = "work"
REST: Final = "rest"


@dataclass(frozen=True, slots=True)
class Began:
    """When a state of the workout began, and where the counters stood then."""

    since_s: float
    """Seconds before the notification that tells it."""
    elapsed_s: float
    """Counted on, as all here."""
    distance_m: float
    rest_left_s: float | None = None
    """How much is left of a rest whose start was not heard; None where that is not told."""

    @property
    def parameter(self) -> tuple[float, ...]:
        """As it stands in a MachineState."""
        said = (self.since_s, self.elapsed_s, self.distance_m)
        return said if self.rest_left_s is None else (*said, self.rest_left_s)


@dataclass(frozen=True, slots=True)
class Latest:
    """What the monitor says of the interval that was over last, and of all that are."""

    seconds: float
    metres: int
    """Whole metres; 0 for some."""


@dataclass(slots=True)
class _Status:
    """One general status, as sent."""

    t_ns: int
    elapsed_s: float
    distance_m: float
    state: int
    target_type: int | None
    target_raw: int | None
    undefined_rest: bool
    total_raw: int | None
    """Metres of the intervals that are over, in metres or tenths: sources disagree."""

    @property
    def phase(self) -> str:
        return _phase(self.state)

    @property
    def target_s(self) -> float:
        """Seconds that the interval lasts; 0 when it does not end by time."""
        timed = self.target_type == TARGET_TIME and self.target_raw is not None
        return (self.target_raw or 0) / 100 if timed else 0.0

    @property
    def target_m(self) -> float:
        """Metres of the interval; 0 when it does not end by distance."""
        return float(self.target_raw or 0) if self.target_type == TARGET_DISTANCE else 0.0


class Workout:
    """The counters of one monitor over all its intervals and workouts, across lost links too.

    After a lost link nothing is counted until the monitor has said which interval is under way:
    one that ended unheard is counted as long as it was programmed.
    """

    __slots__ = (
        "_before",
        "_count",
        "_done_kcal",
        "_done_m",
        "_done_s",
        "_ended_s",
        "_held",
        "_left_s",
        "_lost",
        "_rest_m",
        "_run_kcal",
        "_run_m",
        "_run_s",
        "_told_m",
        "_total",
    )

    def __init__(self) -> None:
        self._done_s = 0.0
        self._done_m = 0.0
        self._run_s = 0.0
        """Of the interval under way, as sent."""
        self._run_m = 0.0
        self._rest_m = 0.0
        self._done_kcal = 0
        self._run_kcal = 0
        self._ended_s: float | None = None
        """Of the interval before, as sent."""
        self._count = 0
        self._lost = False
        self._left_s: float | None = None
        """Of the rest under way."""
        self._told_m = 0.0
        """Metres of the rest under way, as sent."""
        self._total: tuple[bool, float] | None = None
        """Of the metres of all intervals: whether they grow with the end of work or only with that
        of its rest, and their unit in metres; None while no interval has ended."""
        self._held: tuple[_Status, int] | None = None
        """The latest status after a lost link, and when the first one came."""
        self._before: _Status | None = None

    @property
    def resting(self) -> bool:
        """Whether the monitor is in a rest."""
        return self._before is not None and self._before.state in RESTING

    def lose(self) -> None:
        """The link is gone: intervals may pass unheard until it is back."""
        self._lost = self._before is not None
        self._held = None

    def status(
        self,
        t_ns: int,
        elapsed_s: float,
        distance_m: float,
        state: int,
        *,
        interval_type: int,
        target_type: int | None,
        target_raw: int | None,
        total_raw: int | None = None,
    ) -> Began | None:
        """Take a general status: when the work, rest or pause that it tells of began.

        None where it goes on as before, and while it is not known which interval it is of.
        """
        now = _Status(
            t_ns,
            elapsed_s,
            distance_m,
            state,
            target_type,
            target_raw,
            interval_type in UNDEFINED_REST,
            total_raw,
        )
        if not self._lost:
            return self._go_on(now)
        self._held = (now, t_ns if self._held is None else self._held[1])
        if t_ns - self._held[1] < _HOLD_NS:
            return None
        return self._resume(self._count, None)

    def interval(self, count: int, latest: Latest | None = None) -> Began | None:
        """Take how many intervals are over; as `status`, for one that was held back."""
        if self._lost and self._held is not None:
            return self._resume(count, latest)
        self._count = count
        return None

    def counters(self) -> tuple[float, float] | None:
        """Seconds and metres, those of rests included; None while some may be missing."""
        return None if self._lost else (self._done_s + self._run_s, self._metres)

    def elapsed(self, elapsed_s: float) -> float | None:
        """The time of a value that has no distance beside it, counted on.

        None when it is of an interval before or after the one that the status tells of.
        """
        of_before = self._ended_s is not None and abs(elapsed_s - self._ended_s) < _BACK_S
        ahead_s = elapsed_s - self._run_s
        if self._lost or ahead_s < -_BACK_S or (of_before and ahead_s > _BACK_S):
            return None
        self._run_s = max(elapsed_s, self._run_s)
        return self._done_s + self._run_s

    def stroke(self, elapsed_s: float, distance_m: float) -> tuple[float, float] | None:
        """Take time and distance at a stroke; `counters` after it."""
        if not self._lost:
            self._take(elapsed_s, distance_m)
        return self.counters()

    def rest(self, distance_m: float, left_s: float | None = None) -> float | None:
        """Take the metres of the rest under way: all metres with them, None out of rests."""
        self._left_s, self._told_m = left_s, distance_m
        if not self.resting or self._lost:
            return None
        self._rest_m = max(self._rest_m, distance_m)
        return self._metres

    def energy(self, energy_kcal: int) -> int:
        """Take the energy: all of it, of workouts before too."""
        if energy_kcal < self._run_kcal:
            self._done_kcal += self._run_kcal
        self._run_kcal = energy_kcal
        return self._done_kcal + energy_kcal

    @property
    def _metres(self) -> float:
        return self._done_m + self._run_m + self._rest_m

    def _go_on(self, now: _Status) -> Began | None:
        before, self._before = self._before, now
        if before is not None and before.phase == now.phase == WORK:
            self._complete(before, now)
        if before is not None and before.phase != now.phase:
            self._watch_total(before, now)
        anew = self._take(now.elapsed_s, now.distance_m)
        if before is None or (before.phase == now.phase and not (anew and now.phase == WORK)):
            return None if before is not None else Began(0.0, *self._here)
        gap_s = (now.t_ns - before.t_ns) / SECOND_NS
        if now.phase == WORK:
            return Began(min(now.elapsed_s, gap_s), self._done_s, self._done_m)
        if before.phase != WORK or anew:
            return Began(0.0, *self._here)
        here_s, here_m = self._here
        ran_s = now.elapsed_s - before.elapsed_s
        if before.undefined_rest or now.undefined_rest:
            ran_s = min(ran_s, _until_target(before, ran_s))
            here_s = self._done_s + before.elapsed_s + ran_s
        return Began(min(max(gap_s - ran_s, 0.0), gap_s), here_s, here_m)

    def _complete(self, before: _Status, now: _Status) -> None:
        """Work that is followed by work without a rest: its end came between two statuses."""
        gap_s = (now.t_ns - before.t_ns) / SECOND_NS
        if now.elapsed_s >= self._run_s - _BACK_S or not now.elapsed_s <= gap_s:
            return
        left_s = gap_s - now.elapsed_s - (self._run_s - before.elapsed_s)
        if before.target_s:
            left_s = before.target_s - self._run_s
        if 0 < left_s <= gap_s:
            self._run_s += left_s
        if 0 < before.target_m - self._run_m <= _FASTEST_MPS * gap_s:
            self._run_m = before.target_m

    def _resume(self, count: int, latest: Latest | None) -> Began | None:
        """It is known again which interval is under way: what ended unheard is counted."""
        held, self._held, self._lost = self._held, None, False
        before = self._before
        if held is None or before is None:
            return None
        now = held[0]
        missed = count - self._count
        self._count = count
        if missed <= 0:
            began = self._go_on(now)
            if began is None or before.phase in (WORK, REST) or now.phase != REST:
                return began
            self._rest_m = self._told_m
            left_s = None if now.undefined_rest else self._left_s
            return Began(0.0, *self._here, left_s)
        self._before = now
        seconds, metres = self._unheard(before, now, missed, latest)
        self._done_s += seconds
        self._done_m += metres + self._rest_m
        self._run_s, self._run_m, self._rest_m = now.elapsed_s, now.distance_m, 0.0
        if now.phase == REST:
            self._rest_m = self._told_m
        if now.phase != WORK:
            left_s = self._left_s if now.phase == REST and not now.undefined_rest else None
            return Began(0.0, *self._here, left_s)
        gap_s = (now.t_ns - before.t_ns) / SECOND_NS
        return Began(min(now.elapsed_s, gap_s), self._done_s, self._done_m)

    def _unheard(
        self, before: _Status, now: _Status, missed: int, latest: Latest | None
    ) -> tuple[float, float]:
        """Seconds and metres of the interval that was heard last and of those after it, to now.

        What an interval was programmed for counts, then what the monitor tells of the one that
        was over last, then its metres of all that are over. What none of them tells is missing.
        """
        gap_s = (now.t_ns - before.t_ns) / SECOND_NS
        heard = before.phase == REST  # all of its work was
        of_now = (
            latest is not None
            and now.phase != WORK
            and abs(latest.seconds - now.elapsed_s) < _SAME_S
            and abs(latest.metres - now.distance_m) <= 1
        )
        known = latest
        if latest is not None and (of_now or latest.seconds > self._run_s + gap_s):
            known = None
        seconds, metres = max(self._run_s, before.target_s), max(self._run_m, before.target_m)
        if missed == 1 and known is not None and not heard:
            seconds = seconds if before.target_s else max(seconds, known.seconds)
            metres = metres if before.target_m else max(metres, float(known.metres))
        sure = bool(before.target_m) or heard or (missed == 1 and known is not None)
        alike = (before.target_type, before.target_raw) == (now.target_type, now.target_raw)
        expected_m = self._run_m
        if before.target_s and self._run_s > 0:
            expected_m = self._run_m * seconds / self._run_s
        elif alike and known is not None and known.metres and not heard:
            expected_m = max(expected_m, float(known.metres))
        of_all_m = metres if sure else expected_m
        for number in range(1, missed):
            said = known if number == missed - 1 else None
            if said is not None:
                seconds += said.seconds
                metres += said.metres or (before.target_m if alike else 0.0)
                sure = sure and bool(said.metres or (alike and before.target_m))
                of_all_m += said.metres or expected_m
                continue
            seconds += before.target_s if alike else 0.0
            metres += before.target_m if alike else 0.0
            sure = sure and alike and bool(before.target_m) and self._total is None
            of_all_m += expected_m
        told_m = 0.0 if sure else self._of_all(before, now, of_all_m)
        return seconds, told_m or metres

    def _of_all(self, before: _Status, now: _Status, expected_m: float) -> float:
        """Metres of all intervals since the one that was heard last, that among them; 0: not told.

        Sources disagree about their unit, and when an interval is counted: as is likeliest.
        """
        if before.total_raw is None or now.total_raw is None or expected_m <= 0:
            return 0.0
        ways = [(with_work, unit) for with_work in (True, False) for unit in (1.0, 0.1)]
        if self._total is not None:
            ways = [self._total]
        counted = [
            (now.total_raw - before.total_raw) * unit
            + (self._run_m if with_work and before.phase == REST else 0.0)
            - (now.distance_m if with_work and now.phase != WORK else 0.0)
            for with_work, unit in ways
        ]
        nearest = min(counted, key=lambda one: abs(one - expected_m))
        likely = self._total is not None or abs(nearest - expected_m) <= _LIKELY * expected_m
        return nearest if likely and nearest >= self._run_m - 1 else 0.0

    def _watch_total(self, before: _Status, now: _Status) -> None:
        """Learn how the metres of all intervals are counted from the end of one that is heard."""
        if before.total_raw is None or now.total_raw is None or self._run_m < _BACK_M:
            return
        unit = self._run_m / grown if (grown := now.total_raw - before.total_raw) > 0 else 0.0
        for known in (1.0, 0.1):
            if abs(unit - known) <= 0.1 * known:
                self._total = (now.phase != WORK, known)

    @property
    def _here(self) -> tuple[float, float]:
        return self._done_s + self._run_s, self._metres

    def _take(self, elapsed_s: float, distance_m: float) -> bool:
        """Count on from what is sent; whether the monitor has started anew."""
        anew = (
            elapsed_s < self._run_s - _BACK_S
            or distance_m < self._run_m - _BACK_M
            or (elapsed_s == 0 and self._run_s > 0)
        )
        if anew:
            self._ended_s = self._run_s
            self._done_s += self._run_s
            self._done_m += self._run_m + self._rest_m
            self._run_s = self._run_m = self._rest_m = 0.0
        self._run_s = max(self._run_s, elapsed_s)
        self._run_m = max(self._run_m, distance_m)
        return anew


def _phase(state: int) -> str:
    if state in WORKING:
        return WORK
    return REST if state in RESTING else "off"


def _until_target(before: _Status, ran_s: float) -> float:
    """How long after `before` its target was reached, where the clock did not stop at it."""
    if before.target_s:
        return max(before.target_s - before.elapsed_s, 0.0)
    if before.target_m and before.elapsed_s and before.distance_m:
        left_m = max(before.target_m - before.distance_m, 0.0)
        return left_m * before.elapsed_s / before.distance_m
    return ran_s
