"""A look into files before they are imported: what they hold, and what of it is there already."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from rowlog import imports
from rowlog.importing import Times
from rowlog.importing_files import files_in, read_all
from rowlog.importing_sessions import FRAMES, digest, is_recording, recorded
from rowlog.previewing_workouts import WorkoutPreview, preview_of, preview_of_recording
from rowlog.starts import TIMED
from rowlog.store_errors import NoDatabaseError
from rowlog.store_read import open_reader

WORTH_IT: Final = 60
"""A look takes a quarter of an import, or less: fewer files are done before others start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePreview:
    """What one file holds."""

    file: Path
    workouts: tuple[WorkoutPreview, ...] = ()
    fault: str | None = None
    """Why it cannot be taken in; None where it can."""
    done: float = 1.0
    """So many of the files that were named are done now; a part of an archive counts in part."""

    @property
    def known(self) -> bool:
        """Whether there is nothing new in it."""
        return bool(self.workouts) and all(workout.known for workout in self.workouts)

    def as_json(self) -> dict[str, object]:
        """As `rowlog import --dry-run --json` tells it."""
        return {
            "file": str(self.file),
            "known": self.known,
            "fault": self.fault,
            "workouts": [asdict(workout) for workout in self.workouts],
        }


def preview_files(
    database: Path,
    files: Sequence[Path],
    *,
    athlete: str | None = None,
    on_file: Callable[[FilePreview], None] | None = None,
) -> list[FilePreview]:
    """Read and check files as an import does, in the same order, and take nothing in.

    The database is only read, to say what of it is there; it need not exist. Raises StoreError.
    """
    taken: set[str] = set()
    times: Times | None = None
    with suppress(NoDatabaseError), open_reader(database) as reader:
        taken = reader.known_imports()
        times = Times(reader.closed_workouts())
    done = []
    with closing(
        read_all(files_in(files), partial(workouts_in, athlete=athlete), worth_it=WORTH_IT)
    ) as reads:
        for read in reads:
            found = tuple(_known(workout, taken, times) for workout in read.found or ())
            taken.update(workout.sha256 for workout in found)
            preview = FilePreview(file=read.file, workouts=found, fault=read.fault, done=read.done)
            done.append(preview)
            if on_file is not None:
                on_file(preview)
    return done


def workouts_in(
    name: str, content: bytes, dated: datetime, athlete: str | None
) -> list[WorkoutPreview]:
    """What a file's bytes, unpacked, hold. Raises one of FAULTS."""
    if is_recording(content):
        found = preview_of_recording(recorded(name, content, dated, athlete), FRAMES)
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


def _known(workout: WorkoutPreview, taken: set[str], times: Times | None) -> WorkoutPreview:
    """The workout, with what the database knows of it."""
    known = workout.sha256 in taken
    overlaps: list[int] = []
    if times is not None and workout.started_at and workout.start_from in TIMED and not known:
        began = datetime.fromisoformat(workout.started_at)
        overlaps = times.shared_with(began, began + timedelta(seconds=workout.duration_s))
    return replace(workout, known=known, overlaps=tuple(overlaps))
