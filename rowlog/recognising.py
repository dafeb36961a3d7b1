"""Which sessions of a database are of the same workout as another, by what was rowed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from rowlog import sameness
from rowlog.counters import SECOND_NS
from rowlog.sameness import Course, Same, Sketch, course, near, sketch
from rowlog.store_read import ClosedWorkout, Reader, StoredSession
from rowlog.store_whole import Whole
from rowlog.structuring import Recording
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.records import HeartRate, Stroke

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
HELD: Final = 64
"""So many courses are kept at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A session that is of the same workout as another."""

    session: int
    clock_s: float | None
    """By how much its clock is behind the other's; None where one of them does not say when."""


class Recognised:
    """The sessions of a database by how far they went."""

    def __init__(self, reader: Reader, known: Iterable[ClosedWorkout]) -> None:
        """`reader` is asked again where a session is worth a closer look."""
        self._reader = reader
        self._lengths: list[tuple[float, int]] = []
        self._sessions: dict[int, ClosedWorkout] = {}
        self._sketches: dict[int, Sketch | None] = {}
        self._courses: dict[int, Course | None] = {}
        self._mine: tuple[Whole, Course | None] | None = None
        for one in known:
            self._put(one)

    def add(self, number: int, whole: Whole) -> None:
        """One more, which is in the database by now."""
        self._put(
            ClosedWorkout(
                number=number,
                started_at=whole.started_at.astimezone(UTC),
                ended_at=whole.ended_at.astimezone(UTC),
                start_known=whole.start_known,
                distance_m=whole.totals.distance_m,
                stroke_count=whole.totals.stroke_count,
                frames=whole.totals.frames,
            )
        )
        if self._mine is not None and self._mine[0] is whole:
            self._keep(number, self._mine[1])
            self._sketch(number)

    def same_as(self, one: Whole) -> list[Twin]:
        """Those of the same workout, by their number."""
        rowed_m = one.totals.distance_m
        if not rowed_m or one.totals.frames < FEW_FRAMES:
            return []
        slack_m = max(sameness.SAME_M, sameness.SAME_SHARE * rowed_m)
        low = bisect_left(self._lengths, (rowed_m - slack_m, -1))
        high = bisect_right(self._lengths, (rowed_m + slack_m, -1))
        near_by = [self._sessions[number] for _, number in self._lengths[low:high]]
        if not near_by:
            return []
        mine = _course_of(one)
        self._mine = (one, mine)
        if mine is None:
            return []
        drawn = sketch(mine)
        found = []
        for known in near_by:
            if self._unlike(known, one, mine, drawn):
                continue
            theirs = self._course(known.number)
            match = None if theirs is None else sameness.same(mine, theirs)
            if match is None:
                continue
            clock_s = None
            if known.start_known and one.start_known:
                began = one.started_at.astimezone(UTC) - known.started_at
                clock_s = began.total_seconds() + match.later_s
            if match.strokes >= SURE_STROKES or (clock_s is not None and _a_zone(clock_s)):
                found.append(Twin(session=known.number, clock_s=clock_s))
        return sorted(found, key=lambda twin: twin.session)

    def _put(self, known: ClosedWorkout) -> None:
        if known.distance_m and known.frames >= FEW_FRAMES:
            insort(self._lengths, (known.distance_m, known.number))
            self._sessions[known.number] = known

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
        if not (known.start_known and one.start_known):
            return True
        start, end = one.started_at.astimezone(UTC), one.ended_at.astimezone(UTC)
        begins, ends = (
            (start - known.started_at).total_seconds(),
            (end - known.ended_at).total_seconds(),
        )
        return not (_a_zone(begins, SET_S) or _a_zone(ends, SET_S))

    def _sketch(self, number: int) -> Sketch | None:
        """None where its strokes are not known."""
        if number not in self._sketches:
            found = self._courses.get(number)
            if found is None:
                found = _by_stroke(self._reader, number)
                if found is not None:
                    self._keep(number, found)
            if found is not None and not found.by_stroke:
                found = None
            self._sketches[number] = None if found is None else sketch(found)
        return self._sketches[number]

    def _course(self, number: int) -> Course | None:
        if number not in self._courses:
            self._keep(number, course_of(self._reader, self._reader.session(number)))
        return self._courses[number]

    def _keep(self, number: int, found: Course | None) -> None:
        if len(self._courses) >= HELD:
            del self._courses[next(iter(self._courses))]
        self._courses[number] = found


def course_of(reader: Reader, session: StoredSession) -> Course | None:
    """What a stored session is known again by; None where there is too little."""
    found = _by_stroke(reader, session.id)
    if found is not None:
        return found
    recording = Recording(
        frames=lambda: reader.read_frames(session.id),
        decoding=lambda: make_decoding(source.header for source in session.sources),
        end_ns=session.end_ns,
    )
    return _by_metres(recording, _beats(reader, session.id))


def _by_stroke(reader: Reader, number: int) -> Course | None:
    strokes = [(t_ns / SECOND_NS, metres) for t_ns, metres in reader.stroke_instants(number)]
    if len(strokes) < sameness.LEAST:
        return None
    return course(strokes, _beats(reader, number), by_stroke=True)


def _beats(reader: Reader, number: int) -> list[tuple[float, int]]:
    return [(t_ns / SECOND_NS, bpm) for t_ns, bpm in reader.beats(number)]


def matched(reader: Reader, one: StoredSession, other: StoredSession) -> Same | None:
    """How two stored sessions stand to each other that are of one workout; None: they are not."""
    totals = (one.totals, other.totals)
    rowed = [total.distance_m if total is not None else None for total in totals]
    if not near(*rowed):
        return None
    mine, theirs = course_of(reader, one), course_of(reader, other)
    return None if mine is None or theirs is None else sameness.same(mine, theirs)


def _course_of(one: Whole) -> Course | None:
    strokes = [fact for fact in one.facts if isinstance(fact, Stroke)]
    beats = [
        (fact.t_ns / SECOND_NS, fact.heart_rate_bpm)
        for fact in one.facts
        if isinstance(fact, HeartRate) and fact.source == one.totals.heart_rate_source
    ]
    instants = [
        (fact.t_ns / SECOND_NS, fact.total_distance_m)
        for fact in strokes
        if fact.source == strokes[0].source
    ]
    found = course(instants, beats, by_stroke=True)
    if found is not None:
        return found
    recording = Recording(
        frames=lambda: one.frames,
        decoding=lambda: make_decoding(source.header for source in one.sources),
        end_ns=one.end_ns,
    )
    return _by_metres(recording, beats)


def _by_metres(recording: Recording, beats: Sequence[tuple[float, int]]) -> Course | None:
    positions = recording.watched()[1].positions
    instants = [(one.t_ns / SECOND_NS, one.distance_m) for one in positions]
    return course(instants, beats, by_stroke=False)


def _a_zone(seconds: float, more_s: float = 0.0) -> bool:
    """Whether two clocks may differ by that much: by zones, and by what a hand sets wrong."""
    off_s = abs(seconds - ZONE_S * round(seconds / ZONE_S))
    return abs(seconds) <= FARTHEST_S + more_s and off_s <= SET_S + more_s
