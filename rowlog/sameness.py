"""Whether two sessions are of one workout, by how metres and strokes came, whatever clocks say."""

from __future__ import annotations

import cmath
import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median
from typing import Final

LEAST_SHIFT_M: Final = 0.5
"""Wholes that differ by less are counted from one start."""
LEAST: Final = 40
"""Fewer strokes, or other instants, tell nothing for sure."""
STOP_S: Final = 6.0
"""Without a stroke for longer nobody rowed; a clock may have stood meanwhile."""
SAME_M: Final = 12.0
SAME_SHARE: Final = 0.005
"""By the larger of the two may the metres differ: one counts from the first catch, or lets the
wheel run out."""
MATCHED: Final = 0.7
"""So many of the instants must be found in the other session, while both rowed."""
COPIED: Final = 0.95
"""So many of those of a part."""
BLOCK: Final = 12
"""So many strokes together: what whole seconds and metres do to each is gone from their mean."""
DRIFT_S: Final = 0.2
"""So far, on the mean, may strokes of two tellings of one workout drift apart, block by block: an
even rate falls in step with whole seconds, and with a monitor that is heard once a second."""
METRES_DRIFT_S: Final = 0.3
"""Likewise of metres, where there are strokes to go by; they may be whole ones."""
ALONE_DRIFT_S: Final = 0.08
"""Likewise of metres where there are none."""
FAR_S: Final = 3.0
"""One instant that is further off is an odd one out, and counts as so far."""
IN_STEP: Final = 0.3
"""How well the strokes of both fall together: 1 exactly, 0.57 where both stamp whole seconds at 24
strokes a minute, 0 by chance."""
MOVING_S: Final = 4.0
MOVING_SHARE: Final = 0.005
"""By the larger of the two may the times differ in which there were strokes."""
MARKS: Final = 8
"""At so many marks at least is a workout looked at first."""
ROUGH_S: Final = 0.45
"""So far, on the mean, may times at these be apart, of which each is one stroke's."""
WHOLE_ROUGH_S: Final = 0.8
"""Likewise where one has whole seconds."""
EVEN: Final = 1e-4
DRAWN: Final = 0.7
"""So much of the time does nobody row at one speed: it was drawn."""
BEATS: Final = 30
APART_BPM: Final = 5.0
"""Whose hearts are further apart, half of the time, are not one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How a session was rowed, as far as it is known again by that."""

    times_s: tuple[float, ...]
    """Instants since the session's start, rising."""
    metres: tuple[float, ...]
    """Where the rower was at each, never falling."""
    by_stroke: bool
    """Whether each instant is a stroke's."""
    beats: tuple[tuple[float, int], ...] = ()
    """(seconds since the start, beats a minute), in order of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """Two sessions are of one workout."""

    later_s: float
    """By how much later an instant stands on the first one's time than on the second's."""
    strokes: int
    """So many strokes fell together; 0 where one does not know them, and only metres agree."""


_Pair = tuple[float, float]
"""An instant of one session, and when the other was as far."""


def course(
    points: Sequence[tuple[float, float | None]],
    beats: Sequence[tuple[float, int]] = (),
    *,
    by_stroke: bool,
) -> Course | None:
    """What a session is known again by; None where there is too little.

    `points`: (seconds since the start, metres), in order of time.
    """
    times: list[float] = []
    metres: list[float] = []
    for t_s, rowed_m in points:
        if rowed_m is None or (times and (t_s <= times[-1] or rowed_m < metres[-1])):
            continue
        times.append(t_s)
        metres.append(rowed_m)
    if len(times) < LEAST:
        return None
    return Course(
        times_s=tuple(times),
        metres=tuple(metres),
        by_stroke=by_stroke,
        beats=tuple(beat for beat in beats if beat[1] > 0),
    )


def is_drawn(found: Course) -> bool:
    """Whether its metres were laid out evenly by somebody who knew but the whole of them."""
    if found.by_stroke:
        return False
    instants = list(pairwise(zip(found.times_s, found.metres, strict=True)))
    speeds = [(after[1] - before[1]) / (after[0] - before[0]) for before, after in instants]
    middle = median(speeds)
    return sum(abs(speed - middle) <= EVEN * middle for speed in speeds) >= DRAWN * len(speeds)


def near(one_m: float | None, other_m: float | None) -> bool:
    """Whether two workouts are as long, so that it is worth comparing them."""
    if one_m is None or other_m is None:
        return False
    return abs(one_m - other_m) <= max(SAME_M, SAME_SHARE * max(one_m, other_m))


def same(one: Course, other: Course) -> Same | None:
    """How two sessions stand to each other that are of one workout; None where they are not.

    The instant at which each stroke's metres were reached in the one is looked up in the other. Of
    one workout the two differ by what the clocks do and by rounding, which has no memory: the means
    of some strokes each agree. Of two workouts they drift apart, with every stroke that was longer
    or stronger. Between stops each stretch of rowing is compared for itself, since a machine's
    clock may stand while nobody rows. Where both know strokes, those must fall together too; where
    one does not, no clock may have stood.
    """
    if one.by_stroke != other.by_stroke:  # instants of strokes stand where somebody rowed
        found = _same(*((one, other) if one.by_stroke else (other, one)), 0.0)
        return found if one.by_stroke else _turned(found)
    shift_m = other.metres[-1] - one.metres[-1]
    shifts = (0.0, shift_m) if LEAST_SHIFT_M <= abs(shift_m) <= SAME_M else (0.0,)
    for by_m in shifts:
        found = _same(one, other, by_m) or _turned(_same(other, one, -by_m))
        if found is not None:
            return found
    return None


def within(part: Course, whole: Course, shifts_m: Sequence[float] = ()) -> Same | None:
    """How a part of a workout stands to the whole of it; None where it is no part of that.

    A copy that broke off is its beginning, a recording that began late its end. `shifts_m` are
    further metres that the whole may have had where the part began. All of the part must be found,
    stops too, and no clock may have stood; else it is compared as a whole.
    """
    if part.metres[-1] - part.metres[0] > whole.metres[-1] - whole.metres[0]:
        return None
    ended_m = whole.metres[-1] - part.metres[-1]
    for by_m in dict.fromkeys((0.0, ended_m, *shifts_m)):
        if by_m > -LEAST_SHIFT_M:
            found = _same(part, whole, by_m, copied=True)
            if found is not None:
                return found
    return None


def _turned(found: Same | None) -> Same | None:
    """The same, seen from the other."""
    return None if found is None else replace(found, later_s=-found.later_s)


def _same(one: Course, other: Course, shift_m: float, *, copied: bool = False) -> Same | None:
    pairs = _pairs(one, other, shift_m)
    rowed = sum(after > before for before, after in pairwise(one.metres))
    if len(pairs) < max(LEAST, (COPIED if copied else MATCHED) * rowed):
        return None
    runs = [run for run in _runs(pairs) if len(run) >= BLOCK // 2]
    if sum(map(len, runs)) < MATCHED * len(pairs):
        return None
    by_stroke = one.by_stroke and other.by_stroke
    later_s = median(t_s - other_s for run in runs for t_s, other_s in run)
    usual = [later_s] * len(runs)
    if by_stroke and not copied:  # else no clock may have stood, for there is less to go by
        usual = [median(t_s - other_s for t_s, other_s in run) for run in runs]
    drifts = [
        fmean([max(-FAR_S, min(FAR_S, t_s - other_s - usual_s)) for t_s, other_s in block])
        for run, usual_s in zip(runs, usual, strict=True)
        for block in _blocks(run)
    ]
    if _spread(drifts) > (METRES_DRIFT_S if by_stroke else ALONE_DRIFT_S):
        return None
    if by_stroke:
        one_clock = [later_s] * len(runs)
        if not any(_in_step(runs, each, other.times_s) for each in (usual, one_clock)):
            return None
    if hearts_agree(one.beats, other.beats, later_s) is False:
        return None
    return Same(later_s=later_s, strokes=len(pairs) if by_stroke else 0)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What two workouts can be told apart by at once, before they are compared."""

    moving_s: float
    """How long there were strokes, stops left out."""
    step_m: float
    marks_s: tuple[float | None, ...]
    """How long until each whole step, stops left out; None for one within a stop."""
    whole: bool
    """Whether all its instants are whole seconds."""

    @property
    def moving_within(self) -> tuple[float, float]:
        """Between which times, and a little more, it lies how long others moved that may be it."""
        by_s = max(MOVING_S, MOVING_SHARE * self.moving_s / (1 - MOVING_SHARE)) + 0.5
        return self.moving_s - by_s, self.moving_s + by_s

    def unlike(self, other: Sketch) -> bool:
        """Whether they are of two workouts for certain."""
        longer_s = max(self.moving_s, other.moving_s)
        if abs(self.moving_s - other.moving_s) > max(MOVING_S, MOVING_SHARE * longer_s):
            return True
        marks = zip(self.marks_s, other.marks_s, strict=False)
        apart = [a - b for a, b in marks if a is not None and b is not None]
        if self.step_m != other.step_m or len(apart) < 3:
            return False
        middle = median(apart)
        off = sorted(abs(one - middle) for one in apart)[:-1]  # one may lie where nobody heard
        limit_s = WHOLE_ROUGH_S if self.whole or other.whole else ROUGH_S
        return _spread(off) > limit_s


def sketch(course: Course) -> Sketch:
    """The sketch of a workout."""
    step_m = 10.0
    while course.metres[-1] >= 2 * MARKS * step_m:
        step_m *= 2
    marks: list[float | None] = []
    moved_s, next_m = 0.0, step_m
    if course.metres[0] >= step_m:
        step_m, next_m = 0.0, math.inf  # it begins in the middle: there is nothing to count from
    instants = zip(course.times_s, course.metres, strict=True)
    for (before_s, before_m), (after_s, after_m) in pairwise(instants):
        took_s = after_s - before_s if after_s - before_s <= STOP_S else 0.0
        while next_m <= after_m:
            at_s = moved_s + took_s * (next_m - before_m) / (after_m - before_m)
            marks.append(at_s if took_s else None)
            next_m += step_m
        moved_s += took_s
    return Sketch(moved_s, step_m, tuple(marks), _whole(course))


def _whole(course: Course) -> bool:
    return all(t_s % 1 == 0 for t_s in course.times_s)


def _pairs(one: Course, other: Course, shift_m: float) -> list[_Pair]:
    """Each instant of the one, but while it stood, and when the other was as far."""
    found: list[_Pair] = []
    last_m = -1.0
    others, times = other.metres, other.times_s
    for t_s, rowed_m in zip(one.times_s, one.metres, strict=True):
        stood, last_m = rowed_m == last_m, rowed_m
        wanted_m = rowed_m + shift_m
        place = bisect_right(others, wanted_m)
        if stood or not 0 < place < len(others):
            continue
        before_s, after_s = times[place - 1], times[place]
        before_m, after_m = others[place - 1], others[place]
        if after_s - before_s > STOP_S or (place > 1 and others[place - 2] == before_m):
            continue  # it stood there, nobody knows until when
        share = (wanted_m - before_m) / (after_m - before_m)
        found.append((t_s, before_s + share * (after_s - before_s)))
    return found


def _runs(pairs: Sequence[_Pair]) -> Iterator[Sequence[_Pair]]:
    """Those between two stops."""
    first = 0
    for place in range(1, len(pairs)):
        (t_s, other_s), (before_s, other_before_s) = pairs[place], pairs[place - 1]
        if t_s - before_s > STOP_S or other_s - other_before_s > STOP_S:
            yield pairs[first:place]
            first = place
    yield pairs[first:]


def _blocks(run: Sequence[_Pair]) -> Iterator[Sequence[_Pair]]:
    count = max(1, len(run) // BLOCK)
    for place in range(count):
        yield run[place * len(run) // count : (place + 1) * len(run) // count]


def _spread(drifts: Sequence[float]) -> float:
    return math.sqrt(fmean(drift * drift for drift in drifts))


def _in_step(
    runs: Sequence[Sequence[_Pair]], usual: Sequence[float], others: Sequence[float]
) -> bool:
    """Whether strokes of the one fall on strokes of the other, or always as long after them."""
    turns: list[list[complex]] = []
    periods: list[float] = []
    for run, usual_s in zip(runs, usual, strict=True):
        for block in _blocks(run):
            turned = []
            for t_s, _ in block:
                at_s = t_s - usual_s
                place = bisect_right(others, at_s)
                if not 0 < place < len(others) or others[place] - others[place - 1] > STOP_S:
                    continue
                period_s = others[place] - others[place - 1]
                turned.append(cmath.rect(1.0, math.tau * (at_s - others[place - 1]) / period_s))
                periods.append(period_s)
            if turned:
                turns.append(turned)
    if len(periods) < LEAST:
        return False
    whole = sum(sum(block) for block in turns) / len(periods)
    if abs(whole) < IN_STEP:
        return False
    off = [cmath.phase(sum(block) / whole) / math.tau for block in turns]
    return _spread(off) * median(periods) <= DRIFT_S


def hearts_agree(
    one: Sequence[tuple[float, int]], other: Sequence[tuple[float, int]], later_s: float
) -> bool | None:
    """Whether two hearts beat alike; None where they cannot be compared.

    `later_s` is by how much later an instant stands on the first one's time.
    """
    times = [t_s for t_s, _ in one]
    apart = []
    for t_s, bpm in other:
        place = bisect_right(times, t_s + later_s) - 1
        if place >= 0 and t_s + later_s - times[place] <= STOP_S:
            apart.append(abs(bpm - one[place][1]))
    return None if len(apart) < BEATS else median(apart) <= APART_BPM
