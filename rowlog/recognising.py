"""Which sessions of a database are of the same workout as another, by what was rowed."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from os import SEEK_END
from typing import IO, Final, Literal, NamedTuple, TypeVar

from rowlog import sameness
from rowlog.candidates import MANY, Beginnings, Clocks, Instants
from rowlog.counters import SECOND_NS
from rowlog.same_hearts import LEAST as LEAST_READINGS
from rowlog.same_hearts import Pulse, same_heart
from rowlog.sameness import Course, Sketch, near, sketch
from rowlog.starts import TIMED
from rowlog.store_read import ClosedWorkout, Reader, StoredSession
from rowlog.store_whole import Whole
from rowlog.tellings import (
    BEGINNING,
    Beginning,
    beginning_in,
    course_in,
    course_of,
    pulse_in,
    pulse_of,
    strokes_of,
)
from rowlog_drivers.records import Stroke

T = TypeVar("T")

ZONE_S: Final = 900.0
"""Clocks of other zones differ by whole quarter hours."""
FARTHEST_S: Final = 26 * 3600.0
"""Between the earliest and the latest zone, with summer time on one side."""
SET_S: Final = 300.0
"""So far besides may a clock be off that somebody set by hand."""
SURE_STROKES: Final = 150
"""So many strokes that fall together are enough whatever the clocks say."""
STROKES: Final = 5
STROKES_SHARE: Final = 0.03
"""By the larger of the two may the numbers of strokes differ, as programs tell them."""
FEW_FRAMES: Final = 100
"""What has fewer is no more than a row of a season."""
PART_S: Final = 60.0
"""So far besides zones may clocks be apart that are to tell what strokes or a heart leave open."""
COMPARABLE: Final = 2 * sameness.LEAST
"""Who has so many strokes, or other instants, and is not known as one with another, is not."""
BEGINNING_S: Final = 0.9
"""So far may these times be apart; twice as far where one has whole seconds."""
SAME_DAY_S: Final = 14 * 3600.0
"""So far is the farthest zone from that of Greenwich: clocks that are further apart are of two
days, on which a heart may well do the same."""
NEAR_BPM: Final = 2.0
"""Mean heart rates that are further apart are of other hearts."""
SHORTEST_SHARE: Final = 0.8
"""What is shorter is not the same heart told twice, whatever was not heard of it."""
HELD: Final = 64
"""So many courses are kept at hand."""
HELD_INSTANTS: Final = 2_000_000
"""So many strokes are kept at hand beside them, in 34 MB, where there are many sessions."""
LOOKS: Final = 50
"""After so many looks it pays, of few sessions too, to lay strokes out for numpy."""
HOUR_S: Final = 3600.0
"""Far longer than a heart goes on after its session."""


How = Literal["same", "whole", "part", "heart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A session that is of the same workout as another."""

    session: int
    clock_s: float | None
    """By how much its clock is behind the other's; None where one of them does not say when."""
    how: How = "same"
    """"same": both tell all of it. "whole": it tells all of it, the other a part. "part": it tells
    a part. "heart": both heard the same heart, and one rowing at most is told."""


def _as_bytes(course: Course | None, pulse: Pulse | None) -> bytes:
    """Both, as they are laid aside: JSON, which gives every float back as it was."""
    mine = course and (course.times_s, course.metres, course.by_stroke, course.beats)
    return json.dumps((mine, pulse and (pulse.beats, pulse.rr))).encode("ascii")


def _from_bytes(content: bytes) -> tuple[Course | None, Pulse | None]:
    """What `_as_bytes` wrote."""
    mine, heart = json.loads(content)
    course = pulse = None
    if mine is not None:
        times_s, metres, by_stroke, beats = mine
        course = Course(
            times_s=tuple(times_s), metres=tuple(metres), by_stroke=by_stroke, beats=_pairs(beats)
        )
    if heart is not None:
        beats, rr = heart
        pulse = Pulse(beats=_pairs(beats), rr=_pairs(rr))
    return course, pulse


def _pairs(told: list[tuple[float, T]]) -> tuple[tuple[float, T], ...]:
    return tuple((t_s, value) for t_s, value in told)


class Recognised:
    """The sessions of a database by how far they went, how they began, and how their hearts beat.

    What is added and not in the database is laid aside in a file, so that this stays small.
    """

    def __init__(
        self, reader: Reader | None, known: Iterable[ClosedWorkout], aside: IO[bytes] | None = None
    ) -> None:
        """`reader` is asked again where a session is worth a closer look; None: there is none.

        `aside`: where what is added lies; None: in the database.
        """
        self._reader = reader
        self._rowed: set[int] = set()
        self._unsketched: list[tuple[float, int]] = []
        self._moving: list[tuple[float, int]] = []
        self._clocks = Clocks()
        self._pulsed: list[tuple[float, int]] = []
        self._pulsed_alone: list[tuple[float, int]] = []
        self._sessions: dict[int, ClosedWorkout] = {}
        self._sketches: dict[int, Sketch | None] = {}
        self._courses: dict[int, Course | None] = {}
        self._beginnings: dict[int, Beginning] | None = None
        self._begun_at = Beginnings()
        self._instants: dict[int, Instants] = {}
        self._instants_held = 0
        self._looks = 0
        self._aside: dict[int, tuple[int, int]] = {}
        self._file = aside
        self._mine: tuple[Whole, Course | None] | None = None
        self._laid_mine: tuple[Course, Instants] | None = None
        for one in known:
            self._put(one)

    def add(self, number: int, whole: Whole) -> None:
        """One more, which is in the database by now if that is where they are."""
        course = self._mine[1] if self._mine is not None and self._mine[0] is whole else None
        if self._file is not None:
            course = course or course_in(whole)
            at = self._file.seek(0, SEEK_END)
            self._aside[number] = (at, self._file.write(_as_bytes(course, pulse_in(whole))))
        self._put(
            ClosedWorkout(
                number=number,
                started_at=whole.started_at.astimezone(UTC),
                ended_at=whole.ended_at.astimezone(UTC),
                start_known=whole.start_known,
                distance_m=whole.totals.distance_m,
                stroke_count=whole.totals.stroke_count,
                frames=whole.totals.frames,
                mean_heart_rate_bpm=whole.totals.mean_heart_rate_bpm,
                athlete=whole.athlete,
            )
        )
        if self._beginnings is not None:
            self._begin(number, beginning_in(whole))
        if course is not None:
            self._keep(number, course)
            self._sketch(number)

    def same_as(self, one: Whole) -> list[Twin]:
        """Those of the same workout, by their number: that tell it all, else parts, else hearts."""
        at_one_time = self._near(one)
        # Without strokes its course is had by going through all of it again: only where it matters.
        needed = at_one_time or _tells_strokes(one) or self._together(one)
        mine = self._course_of(one) if needed else None
        found = self._told_again(one, mine, at_one_time) if mine is not None else []
        if not found and mine is not None:
            found = self._parts(one, mine)
        if not found:
            found = self._hearts(one)
        return sorted(found, key=lambda twin: twin.session)

    def workout(self, number: int) -> ClosedWorkout:
        """What is known of a session that is here. Raises KeyError."""
        return self._sessions[number]

    def comparable(self, one: Whole, number: int) -> bool:
        """Whether metres and strokes of both are known well enough to tell whether they are one."""
        mine, theirs = self._course_of(one), self._course(number)
        if mine is None or theirs is None or sameness.is_drawn(mine) or sameness.is_drawn(theirs):
            return False
        return min(len(mine.times_s), len(theirs.times_s)) >= COMPARABLE

    def apart(self, one: Whole, number: int) -> bool | None:
        """Whether two hearts beat otherwise at one time; None where they cannot be compared."""
        mine, theirs = pulse_in(one), self._pulse(number)
        if mine is None or theirs is None:
            return None
        later_s = (self._sessions[number].started_at - one.started_at).total_seconds()
        agree = sameness.hearts_agree(mine.beats, theirs.beats, later_s)
        return None if agree is None else not agree

    def _course_of(self, one: Whole) -> Course | None:
        if self._mine is None or self._mine[0] is not one:
            enough = one.totals.distance_m and one.totals.frames >= FEW_FRAMES
            self._mine = (one, course_in(one) if enough else None)
        return self._mine[1]

    def _as_long(self, one: Whole, told: Sequence[tuple[float, int]]) -> Sequence[int]:
        """Those of (metres, number), in order, that are as long."""
        low_m, high_m = _lengths_near(one)
        low, high = bisect_left(told, (low_m, -1)), bisect_left(told, (high_m, -1))
        return [number for _, number in told[low:high]]

    def _near(self, one: Whole) -> list[ClosedWorkout]:
        """Those that are as long and may be of its time by their clocks."""
        low_m, high_m = _lengths_near(one)
        found = []
        if one.start_known:
            start, end = one.started_at.astimezone(UTC), one.ended_at.astimezone(UTC)
            for number in self._clocks.around(start, end, FARTHEST_S + SET_S):
                known = self._sessions[number]
                if low_m <= (known.distance_m or 0.0) < high_m and _may_be_of_one_time(known, one):
                    found.append(known)
        return found

    def _in_strokes(self, one: Whole, drawn: Sketch) -> list[ClosedWorkout]:
        """Those that are as long, and in whose strokes as much time went by."""
        count = one.totals.stroke_count or 0
        for number in self._as_long(one, self._unsketched):
            theirs = self._sessions[number].stroke_count
            if theirs and abs(theirs - count) <= max(STROKES, STROKES_SHARE * count):
                self._sketch(number)
        low_m, high_m = _lengths_near(one)
        low_s, high_s = drawn.moving_within
        low, high = bisect_left(self._moving, (low_s, -1)), bisect_left(self._moving, (high_s, -1))
        found = [self._sessions[number] for _, number in self._moving[low:high]]
        return [known for known in found if low_m <= (known.distance_m or 0.0) < high_m]

    def _told_again(
        self, one: Whole, mine: Course, at_one_time: Sequence[ClosedWorkout]
    ) -> list[Twin]:
        drawn = sketch(mine)
        near_by = {known.number: known for known in at_one_time}
        if mine.by_stroke and one.totals.stroke_count:
            near_by |= {known.number: known for known in self._in_strokes(one, drawn)}
        found = []
        for known in near_by.values():
            if self._unlike(known, one, mine, drawn) or not self._may_be_same(mine, known.number):
                continue
            theirs = self._course(known.number)
            match = None if theirs is None else sameness.same(mine, theirs)
            if match is None:
                continue
            clock_s = _clock(one, known, match.later_s)
            one_day = match.strokes > 0 or (clock_s is not None and abs(clock_s) <= SAME_DAY_S)
            if match.strokes >= SURE_STROKES or (
                one_day and clock_s is not None and _a_zone(clock_s)
            ):
                found.append(Twin(session=known.number, clock_s=clock_s))
        return found

    def _together(self, one: Whole) -> set[int]:
        """Sessions that rowed, and of which a part may be of the same time by their clocks."""
        if not one.start_known:
            return set()
        start, end = one.started_at.astimezone(UTC), one.ended_at.astimezone(UTC)
        around = self._clocks.together(start, end, SAME_DAY_S)
        return {each for each in around if _may_be_together(one, self._sessions[each])}

    def _parts(self, one: Whole, mine: Course) -> list[Twin]:
        """Sessions that this is a part of, and those that are parts of it."""
        rowed_m = one.totals.distance_m
        found = []
        together = self._together(one)
        alike = self._alike(mine) if mine.by_stroke else set()
        for number in sorted(together | alike):
            known = self._sessions[number]
            if near(known.distance_m, rowed_m):
                continue
            at_once = _at_once(one, known)
            if number not in together and not self._may_be_part(mine, number):
                continue
            theirs = self._course(number)
            if theirs is None:
                continue
            longer = theirs.metres[-1] > mine.metres[-1]
            part, whole = (mine, theirs) if longer else (theirs, mine)
            shifts: tuple[float, ...] = ()
            if at_once:
                later_s = (known.started_at - one.started_at).total_seconds()
                shifts = _where(part, whole, later_s if longer else -later_s)
            match = sameness.within(part, whole, shifts)
            if match is None:
                continue
            later_s = match.later_s if longer else -match.later_s
            clock_s = _clock(one, known, later_s)
            if match.strokes >= SURE_STROKES or _may_be(clock_s, exact=False):
                how: How = "whole" if longer else "part"
                found.append(Twin(session=number, clock_s=clock_s, how=how))
        return found

    def _hearts(self, one: Whole) -> list[Twin]:
        bpm = one.totals.mean_heart_rate_bpm
        if bpm is None:
            return []
        heard = None
        found = []
        rowed = self._mine is not None and self._mine[0] is one and self._mine[1] is not None
        for number in self._beat_like(bpm, alone=rowed):
            known = self._sessions[number]
            lasted = (one.ended_at - one.started_at, known.ended_at - known.started_at)
            if min(lasted) < SHORTEST_SHARE * max(lasted):
                continue
            if _rowed_enough(known) and self._course_of(one) is not None:
                continue  # their rowing told them apart
            heard = heard or pulse_in(one)
            if heard is None:
                break
            if _days_apart(one, known, heard):
                continue
            theirs = self._pulse(number)
            if theirs is None:
                continue
            clocks = one.start_known and known.start_known
            by_clock_s = (known.started_at - one.started_at).total_seconds() if clocks else None
            match = same_heart(heard, theirs, by_clock_s)
            if match is None:
                continue
            clock_s = _clock(one, known, match.later_s)
            if match.by_intervals or _may_be(clock_s, exact=match.exact):
                found.append(Twin(session=number, clock_s=clock_s, how="heart"))
        return found

    def _put(self, known: ClosedWorkout) -> None:
        self._sessions[known.number] = known
        if known.distance_m and known.frames >= FEW_FRAMES:
            insort(self._unsketched, (known.distance_m, known.number))
            self._rowed.add(known.number)
            if known.start_known:
                self._clocks.add(known.number, known.started_at, known.ended_at)
        if known.mean_heart_rate_bpm is not None:
            told = self._pulsed if _rowed_enough(known) else self._pulsed_alone
            insort(told, (known.mean_heart_rate_bpm, known.number))

    def _beat_like(self, bpm: float, *, alone: bool) -> list[int]:
        """Those whose hearts beat as fast; `alone`: without those known by their rowing."""
        found = []
        for told in (self._pulsed_alone,) if alone else (self._pulsed_alone, self._pulsed):
            low = bisect_left(told, (bpm - NEAR_BPM, -1))
            high = bisect_right(told, (bpm + NEAR_BPM, -1))
            found += [number for _, number in told[low:high]]
        return found

    def _alike(self, mine: Course) -> set[int]:
        """Those that rowed and began alike."""
        beginnings = self._begun()
        found = self._begun_at.alike(mine, _beginning_within(mine))
        return {
            number
            for number in found
            if number in self._rowed and _begins_alike(beginnings[number], mine)
        }

    def _may_be_part(self, mine: Course, number: int) -> bool:
        """Whether one that began alike, but says another time, is worth going through."""
        laid = self._both_laid_out(mine, number)
        if laid is None:
            return True
        ours, theirs = laid
        longer = theirs.metres[-1] > ours.metres[-1]
        return theirs.may_hold(ours) if longer else ours.may_hold(theirs)

    def _may_be_same(self, mine: Course, number: int) -> bool:
        """Likewise of one that is as long."""
        laid = self._both_laid_out(mine, number)
        return laid is None or laid[0].may_be(laid[1])

    def _both_laid_out(self, mine: Course, number: int) -> tuple[Instants, Instants] | None:
        """The strokes of both; None where there are too few, or not yet worth it."""
        self._looks += 1
        if not mine.by_stroke or (len(self._rowed) < MANY and self._looks <= LOOKS):
            return None
        theirs = self._laid_out(number)
        if theirs is None:
            return None
        if self._laid_mine is None or self._laid_mine[0] is not mine:
            self._laid_mine = (mine, Instants(mine))
        return self._laid_mine[1], theirs

    def _laid_out(self, number: int) -> Instants | None:
        """The strokes of one, or None where they are too few."""
        if number not in self._instants:
            found = self._strokes(number)
            if found is None:
                return None
            self._lay_out(number, found)
        return self._instants[number]

    def _lay_out(self, number: int, found: Course) -> None:
        while self._instants and self._instants_held + len(found.times_s) > HELD_INSTANTS:
            first = next(iter(self._instants))
            self._instants_held -= len(self._instants.pop(first).times_s)
        self._instants[number] = Instants(found)
        self._instants_held += len(found.times_s)

    def _strokes(self, number: int) -> Course | None:
        """The course of one by its strokes, perhaps without its heart."""
        found = self._courses.get(number)
        if found is None and number in self._aside:
            found = self._from_aside(number)[0]
        elif found is None and self._reader is not None:
            found = strokes_of(self._reader, number)
        return None if found is None or not found.by_stroke else found

    def _begin(self, number: int, beginning: Beginning) -> None:
        if self._beginnings is not None:
            self._beginnings[number] = beginning
            self._begun_at.add(number, beginning)

    def _begun(self) -> dict[int, Beginning]:
        """How sessions began; looked up when it is first asked for."""
        if self._beginnings is None:
            self._beginnings = {}
            if self._reader is not None:
                for number, told in self._reader.strokes_at(BEGINNING).items():
                    self._begin(number, [(t_ns / SECOND_NS, metres) for t_ns, metres in told])
            for number in self._aside:
                course, _ = self._from_aside(number)
                if course is not None and course.by_stroke:
                    instants = list(zip(course.times_s, course.metres, strict=True))
                    self._begin(number, [instants[k - 1] for k in BEGINNING if k <= len(instants)])
        return self._beginnings

    def _from_aside(self, number: int) -> tuple[Course | None, Pulse | None]:
        at, size = self._aside[number]
        if self._file is None:
            raise AssertionError("what was laid aside lies in a file")
        self._file.seek(at)
        return _from_bytes(self._file.read(size))

    def _pulse(self, number: int) -> Pulse | None:
        if number in self._aside:
            return self._from_aside(number)[1]
        return None if self._reader is None else pulse_of(self._reader, number)

    def _unlike(self, known: ClosedWorkout, one: Whole, mine: Course, drawn: Sketch) -> bool:
        """Whether it is plain, without a closer look, that a session is another workout."""
        counts = (one.totals.stroke_count, known.stroke_count)
        if mine.by_stroke and counts[0] and counts[1]:
            if abs(counts[0] - counts[1]) > max(STROKES, STROKES_SHARE * counts[0]):
                return True
            theirs = self._sketch(known.number)
            if theirs is not None:
                return drawn.unlike(theirs)
        # By metres alone: only where the clocks may tell of one time.
        return not _may_be_of_one_time(known, one)

    def _sketch(self, number: int) -> Sketch | None:
        """None where its strokes are not known."""
        if number not in self._sketches:
            found = self._strokes(number)
            self._sketches[number] = drawn = None if found is None else sketch(found)
            if found is not None and len(self._rowed) >= MANY and number not in self._instants:
                self._lay_out(number, found)
            if drawn is not None:
                insort(self._moving, (drawn.moving_s, number))
            place = bisect_left(
                self._unsketched, (self._sessions[number].distance_m or 0.0, number)
            )
            if self._unsketched[place : place + 1] and self._unsketched[place][1] == number:
                del self._unsketched[place]
        return self._sketches[number]

    def _course(self, number: int) -> Course | None:
        if number not in self._courses:
            if number in self._aside:
                self._keep(number, self._from_aside(number)[0])
            elif self._reader is not None:
                self._keep(number, course_of(self._reader, self._reader.session(number)))
        return self._courses.get(number)

    def _keep(self, number: int, found: Course | None) -> None:
        if len(self._courses) >= HELD:
            del self._courses[next(iter(self._courses))]
        self._courses[number] = found


class Match(NamedTuple):
    """How one stored session stands to another that is of the same workout."""

    later_s: float
    """By how much later an instant stands on the first one's time than on the other's."""
    how: How
    """What the other is; see `Twin`."""


def matched(reader: Reader, one: StoredSession, other: StoredSession) -> Match | None:
    """How two stored sessions stand to each other that are of one workout; None: they are not."""
    rowed = [
        session.totals.distance_m if session.totals is not None else None
        for session in (one, other)
    ]
    mine, theirs = (
        course_of(reader, session) if metres else None
        for session, metres in zip((one, other), rowed, strict=True)
    )
    if mine is not None and theirs is not None:
        if near(*rowed):
            found = sameness.same(mine, theirs)
            return None if found is None else Match(found.later_s, "same")
        longer = theirs.metres[-1] > mine.metres[-1]
        part, whole = (mine, theirs) if longer else (theirs, mine)
        later_s = (other.started_at - one.started_at).total_seconds()
        found = sameness.within(part, whole, _where(part, whole, later_s if longer else -later_s))
        if found is None:
            return None
        if found.strokes < SURE_STROKES:
            timed = one.start_from in TIMED and other.start_from in TIMED
            stands_s = found.later_s if longer else -found.later_s
            if not _may_be(stands_s - later_s if timed else None, exact=False):
                return None
        return Match(found.later_s, "whole") if longer else Match(-found.later_s, "part")
    heard, again = pulse_of(reader, one.id), pulse_of(reader, other.id)
    if heard is None or again is None:
        return None
    timed = one.start_from in TIMED and other.start_from in TIMED
    by_clock_s = (other.started_at - one.started_at).total_seconds() if timed else None
    beat = same_heart(heard, again, by_clock_s)
    if beat is None:
        return None
    clock_s = None if by_clock_s is None else beat.later_s - by_clock_s
    if not (beat.by_intervals or _may_be(clock_s, exact=beat.exact)):
        return None
    return Match(beat.later_s, "heart")


def _lengths_near(one: Whole) -> tuple[float, float]:
    """From how many metres up to, but not with, how many another is as long."""
    rowed_m = one.totals.distance_m or 0.0
    slack_m = max(sameness.SAME_M, sameness.SAME_SHARE * rowed_m)
    return rowed_m - slack_m, rowed_m + slack_m


def _days_apart(one: Whole, known: ClosedWorkout, heard: Pulse) -> bool:
    """Whether the rates of two hearts, which alone would tell, cannot be of one day."""
    if not (one.start_known and known.start_known) or len(heard.rr) >= LEAST_READINGS:
        return False
    apart_s = abs((one.started_at - known.started_at).total_seconds())
    lasted_s = (known.ended_at - known.started_at).total_seconds() + heard.beats[-1][0]
    return apart_s > SAME_DAY_S + lasted_s + HOUR_S


def _beginning_within(mine: Course) -> float:
    """By how many seconds beginnings may differ that are alike."""
    return BEGINNING_S if mine.times_s[1] % 1 else 2 * BEGINNING_S


def _begins_alike(beginning: Beginning, mine: Course) -> bool:
    """Whether it is worth a closer look: both were as far at the same times since the first."""
    limit_s = _beginning_within(mine)
    first_s = None
    alike = 0
    for t_s, metres in beginning:
        mine_s = _when(mine, metres)
        if mine_s is None:
            break
        if first_s is None:
            first_s = mine_s - t_s
        elif abs(mine_s - t_s - first_s) > limit_s:
            return False
        else:
            alike += 1
    return alike >= 2


def _when(course: Course, metres: float) -> float | None:
    """When a session was so far; None where it was not, or begins further on."""
    place = bisect_right(course.metres, metres)
    if not 0 < place < len(course.metres):
        return None
    before_m, after_m = course.metres[place - 1], course.metres[place]
    before_s, after_s = course.times_s[place - 1], course.times_s[place]
    return before_s + (after_s - before_s) * (metres - before_m) / (after_m - before_m)


def _where(part: Course, whole: Course, later_s: float) -> tuple[float, ...]:
    """How far the whole was when the part began, if an instant is so much later on the part's time.

    () where it had not begun, or was over.
    """
    at_s = part.times_s[0] - later_s
    place = bisect_right(whole.times_s, at_s)
    if not 0 < place < len(whole.times_s):
        return ()
    before_s, after_s = whole.times_s[place - 1], whole.times_s[place]
    share = (at_s - before_s) / (after_s - before_s)
    there_m = whole.metres[place - 1] + share * (whole.metres[place] - whole.metres[place - 1])
    return (there_m - part.metres[0],)


def _may_be(clock_s: float | None, *, exact: bool) -> bool:
    """Whether what agrees, and alone is not enough, may be of one time by the clocks.

    `exact`: it is enough where one does not say when it was.
    """
    if clock_s is None:
        return exact
    return abs(clock_s) <= SAME_DAY_S and _a_zone(clock_s, within_s=PART_S)


def _rowed_enough(known: ClosedWorkout) -> bool:
    """Whether a session is known well enough by its rowing, without a closer look at it."""
    if not known.distance_m or known.frames < FEW_FRAMES:
        return False
    return known.stroke_count is None or known.stroke_count >= sameness.LEAST


def _at_once(one: Whole, known: ClosedWorkout) -> bool:
    """Whether two sessions were at one time, by their clocks."""
    if not (one.start_known and known.start_known):
        return False
    return known.started_at < one.ended_at and one.started_at < known.ended_at


def _clock(one: Whole, known: ClosedWorkout, later_s: float) -> float | None:
    """By how much a session's clock is behind; None where it does not tell."""
    if not (known.start_known and one.start_known):
        return None
    return (one.started_at.astimezone(UTC) - known.started_at).total_seconds() + later_s


def _a_zone(seconds: float, more_s: float = 0.0, *, within_s: float = SET_S) -> bool:
    """Whether two clocks may differ by that much: by zones, and by what a hand sets wrong."""
    off_s = abs(seconds - ZONE_S * round(seconds / ZONE_S))
    return abs(seconds) <= FARTHEST_S + more_s and off_s <= within_s + more_s


def _tells_strokes(one: Whole) -> bool:
    """Whether it is known by its strokes, rather than by its metres."""
    return sum(isinstance(fact, Stroke) for fact in one.facts) >= sameness.LEAST


def _may_be_of_one_time(known: ClosedWorkout, one: Whole) -> bool:
    """Whether both clocks are known, and may tell of one time."""
    if not (known.start_known and one.start_known):
        return False
    start, end = one.started_at.astimezone(UTC), one.ended_at.astimezone(UTC)
    begins, ends = (
        (start - known.started_at).total_seconds(),
        (end - known.ended_at).total_seconds(),
    )
    return _a_zone(begins, SET_S) or _a_zone(ends, SET_S)


def _may_be_together(one: Whole, known: ClosedWorkout) -> bool:
    """Whether the one may be a part of the other by their clocks."""
    return _at_once(one, known) or _may_be(_clock(one, known, 0.0), exact=False)
