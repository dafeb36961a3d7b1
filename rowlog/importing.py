"""Imports: files' workouts into the database, each once and whole, with the file's bytes kept."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Final, Literal, NamedTuple

from rowlog.importing_files import Read, files_in, read_all
from rowlog.importing_sessions import Part, parts_of
from rowlog.imports.left_out import LeftOut
from rowlog.recognising import Recognised, Twin
from rowlog.sameness import near
from rowlog.starts import Start
from rowlog.store import Store
from rowlog.store_read import ClosedWorkout, Reader, open_reader
from rowlog.store_whole import Original, Whole

_ORDER: Final = ("same", "whole", "part", "heart")


class Began(NamedTuple):
    """When a session began."""

    started_at: datetime
    """With an offset."""
    start_from: Start
    """Who says that."""


class Offer(NamedTuple):
    """A session with which a new one is likely to be made one."""

    session: int
    """The new one."""
    other: int
    how: Literal["same", "whole", "part", "heart", "time"]
    """How the other is its twin; "time": they were at one time, and each has what one lacks."""
    clock_s: float | None
    """By how much the other's clock is behind; None where one of them does not say when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one file."""

    file: Path
    sessions: tuple[int, ...] = ()
    """New ones; () when it was imported before, or cannot be read."""
    known: bool = False
    """Whether the same content was imported before."""
    deleted: tuple[int, ...] = ()
    """Of a known one the sessions that came of it, where all of them are deleted."""
    starts: tuple[Began, ...] = ()
    """When each of `sessions` began, as far as that is known."""
    overlaps: tuple[int, ...] = ()
    """Sessions that were there and of the same time."""
    at_once: tuple[tuple[int, ...], ...] = ()
    """These by each of `sessions`."""
    same: tuple[Twin, ...] = ()
    """Sessions that were there and of the same workout, whatever their clocks say."""
    offers: tuple[Offer, ...] = ()
    """Of these the one that is likely to be made one with each of `sessions`, if any is."""
    left_out: tuple[LeftOut, ...] = ()
    """Rows of it that could not be read as a part of its sessions."""
    fault: str | None = None
    done: float = 1.0
    """So many of the files that were named are done now; a part of an archive counts in part."""

    def as_json(self) -> dict[str, object]:
        """As `rowlog import --json` tells it."""
        return {
            "file": str(self.file),
            "sessions": self.sessions,
            "starts": [
                {"started_at": at.isoformat(), "start_from": start} for at, start in self.starts
            ],
            "known": self.known,
            "deleted": self.deleted,
            "overlaps": self.overlaps,
            "same": [asdict(twin) for twin in self.same],
            "offers": [
                {"session": one.session, "with": one.other, "how": one.how, "clock_s": one.clock_s}
                for one in self.offers
            ],
            "left_out": [asdict(told) for told in self.left_out],
            "fault": self.fault,
        }


def import_files(
    database: Path,
    files: Sequence[Path],
    *,
    athlete: str | None = None,
    on_file: Callable[[Imported], None] | None = None,
) -> list[Imported]:
    """Take in files, a folder's in order of their names, on all cores; told in that order.

    The sessions of a file come in together with its bytes, in one transaction: whatever ends this,
    a file is in or it is not. One that cannot be read is told, and the others are taken in.
    Raises StoreError.
    """
    done = []
    with Store.open_writer(database) as store, open_reader(database) as reader:
        there = There(reader)
        work = partial(parts_of, athlete=athlete, known=frozenset(there.taken))
        with closing(read_all(files_in(files), work)) as reads:
            for read in reads:
                imported = there.taking(read, store.import_sessions)
                done.append(imported)
                if on_file is not None:
                    on_file(imported)
    return done


Stored = Sequence[tuple[Original, Sequence[Whole]]]


class There:
    """What is there already, and how what comes in stands to it; grows with every file."""

    def __init__(self, reader: Reader | None, aside: IO[bytes] | None = None) -> None:
        """`reader` None: nothing is there. `aside`: where what comes in is kept; None: there."""
        known = [] if reader is None else reader.closed_workouts()
        self.taken = set() if reader is None else reader.known_imports()
        """The SHA-256 of all that was imported before."""
        self._deleted = {} if reader is None else reader.deleted_imports()
        self._times, self._recognised = Times(known), Recognised(reader, known, aside)

    def taking(self, read: Read[list[Part]], store: Callable[[Stored], list[int]]) -> Imported:
        """Take in one file, and say what became of it; `store` gives the new sessions' numbers."""
        if read.found is None:
            return Imported(file=read.file, fault=read.fault, done=read.done)
        taken = self.taken
        new = [part for part in read.found if part.wholes and part.original.sha256 not in taken]
        lacking = tuple(told for part in read.found for told in part.left_out)
        if not new:
            of_it = [part.original.sha256 for part in read.found if part.original.sha256 in taken]
            gone = [self._deleted[digest] for digest in of_it if digest in self._deleted]
            return Imported(
                file=read.file,
                known=True,
                deleted=tuple(gone) if len(gone) == len(of_it) else (),
                left_out=lacking,
                done=read.done,
            )
        wholes = [one for part in new for one in part.wholes]
        overlaps = [
            self._times.shared_with(one.started_at, one.ended_at) if one.start_known else []
            for one in wholes
        ]
        twins = [self._recognised.same_as(one) for one in wholes]
        likely = [self._likely(*each) for each in zip(wholes, twins, overlaps, strict=True)]
        numbers = store([(part.original, part.wholes) for part in new])
        taken.update(part.original.sha256 for part in new)
        for number, one in zip(numbers, wholes, strict=True):
            if one.start_known:
                self._times.add(number, one.started_at, one.ended_at)
            self._recognised.add(number, one)
        same = {twin.session: twin for found in twins for twin in found}
        return Imported(
            file=read.file,
            sessions=tuple(numbers),
            starts=tuple(Began(one.started_at, one.start_from) for one in wholes),
            overlaps=tuple(dict.fromkeys(number for found in overlaps for number in found)),
            at_once=tuple(map(tuple, overlaps)),
            offers=tuple(
                Offer(number, *found)
                for number, found in zip(numbers, likely, strict=True)
                if found is not None
            ),
            left_out=lacking,
            same=tuple(same.values()),
            done=read.done,
        )

    def _likely(
        self, one: Whole, twins: Sequence[Twin], overlaps: Sequence[int]
    ) -> tuple[int, Literal["same", "whole", "part", "heart", "time"], float | None] | None:
        """The session that is likely to be made one with this; None where none is."""
        if twins:
            best = min(twins, key=lambda twin: (_ORDER.index(twin.how), _off(twin), twin.session))
            return best.session, best.how, best.clock_s
        known = [self._recognised.workout(number) for number in overlaps]
        fitting = [
            (_apart(one, workout), workout.number)
            for workout in known
            if self._belongs(one, workout)
        ]
        return None if not fitting else (min(fitting)[1], "time", None)

    def _belongs(self, one: Whole, known: ClosedWorkout) -> bool:
        """Whether two sessions of one time, which are not known to be one, may belong together.

        A strap and the rowing it was worn for do, unless another heart was heard there. Two who
        rowed do not, but where strokes cannot tell, and they came as far: a row of a season.
        """
        if one.athlete is not None and known.athlete not in (None, one.athlete):
            return False
        if one.totals.distance_m and known.distance_m:
            if self._recognised.comparable(one, known.number):
                return False
            return near(one.totals.distance_m, known.distance_m)
        apart = self._recognised.apart(one, known.number)
        if one.totals.distance_m or known.distance_m:
            return apart is not True
        return apart is False


def _off(twin: Twin) -> float:
    return float("inf") if twin.clock_s is None else abs(twin.clock_s)


def _apart(one: Whole, known: ClosedWorkout) -> float:
    """By how many seconds two sessions do not begin and end together."""
    ends = (one.started_at - known.started_at, one.ended_at - known.ended_at)
    return sum(abs(end.total_seconds()) for end in ends)


class Times:
    """When the sessions of a database were of which that is known, by their start."""

    def __init__(self, known: Iterable[ClosedWorkout]) -> None:
        self._known = sorted(
            (one.started_at, one.ended_at, one.number) for one in known if one.start_known
        )
        self._longest = max((end - start for start, end, _ in self._known), default=timedelta())

    def add(self, number: int, started_at: datetime, ended_at: datetime) -> None:
        """One more."""
        start, end = started_at.astimezone(UTC), ended_at.astimezone(UTC)
        insort(self._known, (start, end, number))
        self._longest = max(self._longest, end - start)

    def shared_with(self, started_at: datetime, ended_at: datetime) -> list[int]:
        """Those that cover over half of a stretch of time, by their number."""
        start, end = started_at.astimezone(UTC), ended_at.astimezone(UTC)
        first = bisect_left(self._known, (start - self._longest,))
        found = []
        for began, ended, number in self._known[first:]:
            if began >= end:
                break
            if min(end, ended) - max(start, began) > (end - start) / 2:
                found.append(number)
        return sorted(found)
