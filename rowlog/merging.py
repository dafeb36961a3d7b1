"""Several stored sessions made one: parts of one workout, or the same workout told twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from heapq import merge as merged_in_order
from pathlib import Path
from typing import Final, NamedTuple

from rowlog.config import db_option
from rowlog.counters import SECOND_NS
from rowlog.editing import open_store
from rowlog.merging_files import (
    HEART,
    Counted,
    Part,
    Said,
    counted_before,
    is_file,
    of_one,
    of_several,
    one_after_another,
    told,
)
from rowlog.notation import parse
from rowlog.recognising import Match, matched
from rowlog.replaying import record_frames
from rowlog.starts import TIMED
from rowlog.starts import told as start_told
from rowlog.store import Store
from rowlog.store_read import Reader, StoredSession, open_reader
from rowlog_drivers.clock import wall_now
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame, FramesHeader, SourceHeader
from rowlog_drivers.records import Stroke

LONGEST_NS: Final = 24 * 3600 * 10**9
"""What lies further apart than this is no one session."""
MORE_HEART: Final = 0.1
"""By so much of the time must another file know the heart for longer to be worth taking."""
AS_LONG: Final = 0.99
"""Intervals between beats stand for rates that were heard for hardly longer."""
EARLIER_NS: Final = 5 * SECOND_NS
"""What another file tells of so little before the first of the rowing is left out."""
CLOCKS_S: Final = 5.0
"""Two recordings of one rowing are laid by their clocks where those are no further apart."""
_STROKE: Final = tuple(field.name for field in fields(Stroke)[2:] if field.name != "inferred")


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What came of merging."""

    session: int
    """The new one."""
    rowing: int
    """The session whose clock and rowing it has; where none was told twice, the first."""
    told_twice: tuple[int, ...]
    """Sessions that tell of that rowing once more: of them only what it lacks was taken."""


class _Twice(NamedTuple):
    """What tells of one rowing more than once."""

    most: StoredSession
    """That which tells most; the first where nothing is told twice."""
    again: Mapping[int, int]
    """By their numbers, those of which only what it lacks is taken, files and what tells a part of
    it, and by how many nanoseconds their instants stand later in its time."""
    parts: frozenset[int]
    """Of these those that tell a part, or the heart alone: their laps and plan are not its."""
    laid: Mapping[int, int]
    """Likewise recordings of it by a clock that says another time."""
    alone: bool
    """Whether `most` is a file, and the only one that rowed: its laps and sums are of all."""

    def hearts_beside(self, sessions: Sequence[StoredSession], following: Sequence[Part]) -> bool:
        """Whether a heart that is not known as that of the rowing is laid beside it."""
        own = {self.most.id, *self.again} if not following else {p.session.id for p in following}
        return any(
            one.id not in own
            and one.totals is not None
            and one.totals.mean_heart_rate_bpm is not None
            for one in sessions
        )


def merge_sessions(path: Path, numbers: Sequence[int], *, plan: str | None = None) -> Merged:
    """Make one session of several, by the wall time at which each began.

    Their frames go through the recording path again, in order of time, so that a strap recorded
    apart belongs to the rowing it was worn for, and a session that was broken off goes on. What
    tells of the same rowing as another of the sessions, known by its strokes and metres, is laid
    over it whatever its clock says; of files the one that says most is taken, unless there is a
    recording, and of the others only laps and heart rates that it lacks. What tells only a part of
    it, such as a copy that broke off, is never taken for the whole. The parts go out of
    sight; undoing it brings them back.

    Args:
        path: the database.
        numbers: two sessions at least.
        plan: interval text; None: the plan that they have, the first where they differ, and none
            where files follow each other, whose pieces then stand one behind the other.

    Raises CallError for what cannot be one session, and StoreError.
    """
    if len(set(numbers)) < 2:
        raise CallError("Merging takes two sessions at least.", "Name them by their numbers.")
    with open_store(path) as store, open_reader(path) as reader:
        sessions = _sessions(store, reader, numbers)
        twice = _told_twice(reader, sessions)
        most, twins = twice.most, twice.again
        parts = _parts(reader, sessions, twice)
        own = next(part for part in parts if part.session is most)
        laps = next((part for part in parts if part.laps), None)
        following = [] if twins or twice.laid else one_after_another(reader, parts)
        heart = not twice.hearts_beside(sessions, following)
        said: list[Said] = []
        before: dict[int, Counted] = {}
        if following:
            said = of_several(reader, following, heart=heart)
            before = counted_before(reader, following)
        elif twins or twice.alone:
            said = of_one(reader, own, laps, heart=heart)
    if plan is None and not following:
        ordered = [most, *([laps.session] if laps is not None else []), *sessions]
        ordered = [one for one in ordered if one.id not in twice.parts or not is_file(one)]
        plan = next((session.plan for session in ordered if session.plan is not None), None)
    names = _names(parts)
    header = _header(sessions, parts, names, own, twins)
    with open_reader(path) as reader:
        streams = [
            _moved(reader, part, names[part.session.id], before.get(part.session.id))
            for part in parts
        ]
        frames = [
            *(replace(frame, source=names[by][frame.source]) for frame, by in said),
            *merged_in_order(*streams, key=lambda frame: frame.t_ns),
        ]
    into = record_frames(
        frames,
        header,
        path,
        plan=parse(plan) if plan is not None else None,
        athlete=next((session.athlete for session in sessions if session.athlete), None),
        origin=header.origin,
    )
    offsets = {part.session.id: part.offset_ns for part in parts}
    with open_store(path) as store:
        moved = [
            (session.id, offsets.get(session.id, own.offset_ns + twins.get(session.id, 0)))
            for session in sessions
        ]
        store.put_merged(into, moved, wall_now())
    return Merged(session=into, rowing=most.id, told_twice=tuple(twins))


def _sessions(store: Store, reader: Reader, numbers: Sequence[int]) -> list[StoredSession]:
    """Those that can be merged, the earliest first. Raises CallError and StoreError."""
    sessions = sorted(
        (reader.session(number) for number in dict.fromkeys(numbers)),
        key=lambda session: session.started_at,
    )
    there = set(store.closed_sessions(deleted=False))
    for session in sessions:
        if session.id not in there:
            raise CallError(
                f"Session {session.id} is deleted, or not closed.",
                f"See what there is: rowlog sessions{db_option(reader.path)}",
            )
        if not reader.frame_count(session.id):
            raise CallError(
                f"Session {session.id} has no frames, so it cannot be merged.",
                "Only sessions that were recorded or replayed can.",
            )
    return sessions


# The same rowing, told twice


def _told_twice(reader: Reader, sessions: Sequence[StoredSession]) -> _Twice:
    """Which of the sessions tell of one rowing, or heard one heart."""
    rowed = [s for s in sessions if s.totals is not None and s.totals.distance_m]
    most = max(rowed or sessions, key=lambda session: _worth(reader, session))
    found = _matches(reader, most, sessions)
    while longer := [one for one in sessions if one.id in found and found[one.id].how == "whole"]:
        most = longer[0]
        found = _matches(reader, most, sessions)
    again: dict[int, int] = {}
    laid: dict[int, int] = {}
    for other in sessions:
        match = found.get(other.id)
        if match is None:
            continue
        later_ns = round(match.later_s * SECOND_NS)
        if is_file(other) or match.how == "part":
            again[other.id] = later_ns
            continue
        by_clock_s = (other.started_at - most.started_at).total_seconds()
        if abs(by_clock_s - match.later_s) > CLOCKS_S:
            laid[other.id] = later_ns
    parts = frozenset(number for number in again if found[number].how != "same")
    alone = len(rowed) == 1 and is_file(most)
    return _Twice(most if again or laid or alone else sessions[0], again, parts, laid, alone)


def _matches(
    reader: Reader, most: StoredSession, sessions: Sequence[StoredSession]
) -> dict[int, Match]:
    """How the other sessions stand to one of them, those that are of one workout with it."""
    found = {one.id: matched(reader, most, one) for one in sessions if one is not most}
    return {number: match for number, match in found.items() if match is not None}


def _worth(reader: Reader, session: StoredSession) -> tuple[bool, bool, int, int]:
    """A recording before a file, one with pieces before one without, and what says more of it."""
    strokes = reader.records(session.id, Stroke)
    known = sum(any(getattr(one, name) is not None for one in strokes) for name in _STROKE)
    if session.totals is not None:
        known += session.totals.drag_factor is not None
    known += _has_beats(reader, session)
    pieces = session.plan is not None or bool(told(reader, session.id, "lap"))
    return not is_file(session), pieces, known, -session.id


def _parts(reader: Reader, sessions: Sequence[StoredSession], twice: _Twice) -> list[Part]:
    """What goes in, whole sessions first; nothing of it begins before 0."""
    most, twins, partial, laid, _ = twice
    parts = _by_the_clock(
        reader.path, [one for one in sessions if one.id not in twins and one.id not in laid]
    )
    began_ns = next(part.offset_ns for part in parts if part.session is most)
    parts += [Part(one, began_ns + laid[one.id]) for one in sessions if one.id in laid]
    again = [session for session in sessions if session.id in twins]
    giver = _lap_giver(reader, most, [one for one in again if one.id not in partial])
    for twin in again:
        beats = _tells_beats(reader, most, twin)
        offset_ns, wanted = began_ns + twins[twin.id], beats or _knows_more_heart(most, twin)
        if beats and is_file(most):
            parts = [replace(part, heartless=part.session is most) for part in parts]
        if is_file(twin):
            channels = HEART if wanted else ()
            if channels or twin is giver:
                parts.append(Part(twin, offset_ns, channels, laps=twin is giver))
        elif wanted:
            straps = tuple(one.name for one in twin.sources if one.driver in HEART)
            parts.append(Part(twin, offset_ns, sources=straps))
    begins_ns = min(part.offset_ns for part in parts if part.whole)
    beside_ns = min(_begins_ns(reader, part) for part in parts)
    if beside_ns <= begins_ns - EARLIER_NS:
        begins_ns = beside_ns
    return [replace(part, offset_ns=part.offset_ns - begins_ns) for part in parts]


def _begins_ns(reader: Reader, part: Part) -> int:
    """When the first of what is taken of a session was."""
    if part.whole:
        return part.offset_ns
    taken = (frame for frame in reader.read_frames(part.session.id) if part.takes(frame))
    first = next(taken, None)
    return 0 if first is None else first.t_ns + part.offset_ns


def _lap_giver(
    reader: Reader, most: StoredSession, twins: Sequence[StoredSession]
) -> StoredSession | None:
    """The file by whose laps the rowing is cut; None where it has pieces of its own, or none has.

    What nobody planned and was found by what it looks like is no piece that anybody told.
    """
    ways = [way.origin for way in reader.segmentations(most.id) if way.is_default]
    if most.plan is not None or told(reader, most.id, "lap") or ways not in ([], ["auto"]):
        return None
    return next((twin for twin in twins if told(reader, twin.id, "lap")), None)


def _knows_more_heart(most: StoredSession, other: StoredSession) -> bool:
    """Whether another session knows the heart for longer than the one whose rowing is taken."""
    whole_s = most.totals.duration_s if most.totals is not None else 0.0
    return _hearing_s(other) > _hearing_s(most) + MORE_HEART * whole_s


def _hearing_s(session: StoredSession) -> float:
    """For how long a session heard a heart."""
    if session.totals is None:
        return 0.0
    return (session.totals.heart_rate_coverage or 0.0) * session.totals.duration_s


def _tells_beats(reader: Reader, most: StoredSession, other: StoredSession) -> bool:
    """Whether another session has RR intervals all along, and the one that rowed has none."""
    as_long = _hearing_s(other) >= AS_LONG * _hearing_s(most)
    return as_long and _has_beats(reader, other) and not _has_beats(reader, most)


def _has_beats(reader: Reader, session: StoredSession) -> bool:
    return any(rr for _, _, rr in reader.heart(session.id))


# The session that is made


def _by_the_clock(path: Path, sessions: Sequence[StoredSession]) -> list[Part]:
    """Each whole, as much later than the first as it began later.

    The only place where two wall times are compared: sessions have no other clock in common.
    Raises CallError.
    """
    first = sessions[0]
    parts = []
    for session in sessions:
        if len(sessions) > 1 and session.start_from not in TIMED:
            raise CallError(
                f"Session {session.id} does not say when it was, so its place is not known.",
                f"Say it first: rowlog edit start {session.id} "
                f"{session.started_at:%Y-%m-%d}T18:05{db_option(path)}",
            )
        later_s = (session.started_at - first.started_at).total_seconds()
        offset_ns = round(later_s * 1_000_000) * 1000
        if offset_ns + (session.end_ns or 0) > LONGEST_NS:
            raise CallError(
                f"Session {session.id} ends more than a day after session {first.id} began.",
                "Only what belongs to one day can be one session.",
            )
        parts.append(Part(session, offset_ns))
    return parts


def _header(
    sessions: Sequence[StoredSession],
    parts: Sequence[Part],
    names: Mapping[int, Mapping[str, str]],
    own: Part,
    twins: Mapping[int, int],
) -> FramesHeader:
    most = own.session
    started_at = most.started_at - timedelta(microseconds=own.offset_ns // 1000)
    start_from = most.start_from
    dated = [s for s in sessions if s.id in twins and s.start_from in TIMED]
    if start_from not in TIMED and dated:  # the other file says when it was
        later_ns = twins[dated[0].id] + own.offset_ns
        started_at = dated[0].started_at - timedelta(microseconds=later_ns // 1000)
        start_from = dated[0].start_from
    ordered = [most, *(session for session in sessions if session is not most)]
    notes = dict.fromkeys(session.note for session in sessions if session.note)
    return FramesHeader(
        sources=tuple(
            {
                source.name: source
                for part in parts
                for source in _renamed(part.session, names[part.session.id])
            }.values()
        ),
        started_at=started_at,
        end_ns=max((p.session.end_ns or 0) + p.offset_ns for p in parts if p.channels != ()),
        note=" ".join(notes) or None,
        origin=next((session.origin for session in ordered if session.origin), None),
        licence=next((session.licence for session in ordered if session.licence), None),
        extra=start_told(start_from),
    )


def _names(parts: Sequence[Part]) -> dict[int, dict[str, str]]:
    """What each session's sources are called in the merged one.

    A device that goes on after the earlier part has ended keeps its name; another one of the same
    name, or one that was recorded twice at a time, gets a number.
    """
    taken: dict[str, tuple[SourceHeader, int]] = {}
    names: dict[int, dict[str, str]] = {}
    for part in parts:
        session, offset = part.session, part.offset_ns
        given: dict[str, str] = {}
        for source in session.sources:
            name, count = source.name, 1
            while (before := taken.get(name)) is not None and not (
                before[0].driver == source.driver
                and before[0].options == source.options
                and before[1] <= offset
            ):
                count += 1
                name = f"{source.name}{count}"
            given[source.name] = name
        for source in session.sources:
            taken[given[source.name]] = (source.header, offset + (session.end_ns or 0))
        names[session.id] = given
    return names


def _renamed(session: StoredSession, names: Mapping[str, str]) -> list[SourceHeader]:
    return [replace(source.header, name=names[source.name]) for source in session.sources]


def _moved(
    reader: Reader, part: Part, names: Mapping[str, str], before: Counted | None
) -> Iterator[Frame]:
    frames = reader.read_frames(part.session.id)
    if before is not None:
        counted = map(before.before, frames)
        frames = merged_in_order(before.stands(part), counted, key=lambda frame: frame.t_ns)
    for frame in frames:
        t_ns = frame.t_ns + part.offset_ns
        if t_ns >= 0 and part.takes(frame):
            yield replace(frame, t_ns=t_ns, source=names.get(frame.source, frame.source))
