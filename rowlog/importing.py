"""Imports: files' workouts into the database, each once and whole, with the file's bytes kept."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rowlog.importing_files import Read, files_in, read_all
from rowlog.importing_sessions import Part, parts_of
from rowlog.imports.left_out import LeftOut
from rowlog.recognising import Recognised, Twin
from rowlog.starts import Start
from rowlog.store import Store
from rowlog.store_read import ClosedWorkout, open_reader


class Began(NamedTuple):
    """When a session began."""

    started_at: datetime
    """With an offset."""
    start_from: Start
    """Who says that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of one file."""

    file: Path
    sessions: tuple[int, ...] = ()
    """New ones; () when it was imported before, or cannot be read."""
    known: bool = False
    """Whether the same content was imported before."""
    starts: tuple[Began, ...] = ()
    """When each of `sessions` began, as far as that is known."""
    overlaps: tuple[int, ...] = ()
    """Sessions that were there and of the same time."""
    same: tuple[Twin, ...] = ()
    """Sessions that were there and of the same workout, whatever their clocks say."""
    left_out: tuple[LeftOut, ...] = ()
    """Rows of it that could not be read as a part of its sessions."""
    fault: str | None = None
    done: float = 1.0
    """So many of the files that were named are done now; a part of an archive counts in part."""


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
        taken = store.known_imports()
        known = reader.closed_workouts()
        times, there = Times(known), Recognised(reader, known)
        work = partial(parts_of, athlete=athlete, known=frozenset(taken))
        with closing(read_all(files_in(files), work)) as reads:
            for read in reads:
                imported = _stored(store, read, taken, times, there)
                done.append(imported)
                if on_file is not None:
                    on_file(imported)
    return done


def _stored(
    store: Store, read: Read[list[Part]], taken: set[str], times: Times, there: Recognised
) -> Imported:
    if read.found is None:
        return Imported(file=read.file, fault=read.fault, done=read.done)
    new = [part for part in read.found if part.wholes and part.original.sha256 not in taken]
    lacking = tuple(told for part in read.found for told in part.left_out)
    if not new:
        return Imported(file=read.file, known=True, left_out=lacking, done=read.done)
    wholes = [one for part in new for one in part.wholes]
    overlaps = [
        number
        for one in wholes
        if one.start_known
        for number in times.shared_with(one.started_at, one.ended_at)
    ]
    same = {twin.session: twin for one in wholes for twin in there.same_as(one)}
    numbers = store.import_sessions([(part.original, part.wholes) for part in new])
    taken.update(part.original.sha256 for part in new)
    for number, one in zip(numbers, wholes, strict=True):
        if one.start_known:
            times.add(number, one.started_at, one.ended_at)
        there.add(number, one)
    return Imported(
        file=read.file,
        sessions=tuple(numbers),
        starts=tuple(Began(one.started_at, one.start_from) for one in wholes),
        overlaps=tuple(dict.fromkeys(overlaps)),
        left_out=lacking,
        same=tuple(same.values()),
        done=read.done,
    )


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
