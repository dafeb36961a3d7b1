"""A look into files before they are imported: what an import would make and say of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from rowlog import imports
from rowlog.importing import Imported, Stored, There
from rowlog.importing_files import Read, files_in, read_all
from rowlog.importing_sessions import FRAMES, Part, digest, is_recording, parts_of, recorded
from rowlog.previewing_workouts import WorkoutPreview, preview_of, preview_of_session
from rowlog.store_errors import NoDatabaseError
from rowlog.store_read import Reader, open_reader

QUICK_WORTH_IT: Final = 60
"""A quick look takes a quarter of an import, or less: fewer files are done before others start."""
FIRST: Final = 1
"""The number of the first session of a database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePreview:
    """What one file holds, and what an import would say of it."""

    would: Imported
    """New sessions under the numbers that they would get."""
    workouts: tuple[WorkoutPreview, ...] = ()
    quick: bool = False
    """Whether only the rows were looked at."""

    @property
    def file(self) -> Path:
        """Which it is."""
        return self.would.file

    @property
    def fault(self) -> str | None:
        """Why it cannot be taken in; None where it can."""
        return self.would.fault

    @property
    def known(self) -> bool:
        """Whether there is nothing new in it."""
        return self.would.known

    def as_json(self) -> dict[str, object]:
        """As `rowlog import --dry-run --json` tells it."""
        return {
            **self.would.as_json(),
            "workouts": [asdict(workout) for workout in self.workouts],
        }


def preview_files(
    database: Path,
    files: Sequence[Path],
    *,
    athlete: str | None = None,
    quick: bool = False,
    on_file: Callable[[FilePreview], None] | None = None,
) -> list[FilePreview]:
    """Do with files all that an import does, in the same order, but take nothing in.

    The database is only read, to say what of it is there; it need not exist. `quick`: told by
    their rows and laps alone, without looking for pieces or for workouts that are there, which
    takes a quarter of the time; only the same content is known. Raises StoreError.
    """
    done = []
    with ExitStack() as opened:
        reader = None
        with suppress(NoDatabaseError):
            reader = opened.enter_context(open_reader(database))
        for preview in _looks(reader, files, athlete, quick=quick):
            done.append(preview)
            if on_file is not None:
                on_file(preview)
    return done


def _looks(
    reader: Reader | None, files: Sequence[Path], athlete: str | None, *, quick: bool
) -> Iterator[FilePreview]:
    if quick:
        taken = set() if reader is None else reader.known_imports()
        rows = partial(workouts_in, athlete=athlete)
        with closing(read_all(files_in(files), rows, worth_it=QUICK_WORTH_IT)) as looks:
            for look in looks:
                yield _quick(look, taken)
        return
    numbers = _Numbers(FIRST if reader is None else reader.next_session())
    work = partial(parts_of, athlete=athlete, known=frozenset())
    with (
        TemporaryFile(prefix="rowlog-") as aside,
        closing(read_all(files_in(files), work)) as reads,
    ):
        there = There(reader, aside)
        for read in reads:
            known = frozenset(there.taken)
            would = there.taking(read, numbers.give)
            yield FilePreview(would=would, workouts=_workouts(read.found or [], would, known))


class _Numbers:
    """What the next sessions would be called."""

    def __init__(self, following: int) -> None:
        self._next = following

    def give(self, parts: Stored) -> list[int]:
        """A number for each session of these parts, in order."""
        count = sum(len(wholes) for _, wholes in parts)
        numbers = list(range(self._next, self._next + count))
        self._next += count
        return numbers


def _workouts(
    parts: Sequence[Part], would: Imported, known: frozenset[str]
) -> tuple[WorkoutPreview, ...]:
    new = iter(zip(would.sessions, would.at_once, strict=True))
    found = []
    for part in parts:
        there = part.original.sha256 in known
        for place, whole in enumerate(part.wholes):
            session, overlaps = (None, ()) if there else next(new)
            found.append(
                replace(
                    preview_of_session(whole, dict(whole.header).get("format", FRAMES)),
                    sha256=part.original.sha256,
                    session=session,
                    known=there,
                    overlaps=overlaps,
                    left_out=() if place else part.left_out,
                )
            )
    return tuple(found)


# By rows alone


def workouts_in(
    name: str, content: bytes, dated: datetime, athlete: str | None
) -> list[WorkoutPreview]:
    """What a file's bytes, unpacked, hold, but for what is derived. Raises one of FAULTS."""
    if is_recording(content):
        found = preview_of_session(recorded(name, content, dated, athlete), FRAMES)
        return [replace(found, sha256=digest(content))]
    whole = digest(content)
    return [
        replace(
            preview_of(workout),
            sha256=whole if workout.content is None else digest(workout.content),
            athlete=athlete or workout.athlete,
        )
        for workout in imports.read(name, content)
    ]


def _quick(read: Read[list[WorkoutPreview]], taken: set[str]) -> FilePreview:
    """The workouts of a file, with whether their bytes are known."""
    found = tuple(replace(one, known=one.sha256 in taken) for one in read.found or ())
    taken.update(one.sha256 for one in found)
    would = Imported(
        file=read.file,
        known=bool(found) and all(one.known for one in found),
        left_out=tuple(told for one in found for told in one.left_out),
        fault=read.fault,
        done=read.done,
    )
    return FilePreview(would=would, workouts=found, quick=True)
