"""Many files read on all cores, one after the other told in their order, in flat memory."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

from rowlog.importing_sessions import FAULTS
from rowlog.imports import SQLITE, database
from rowlog.imports.archives import is_archive, members
from rowlog.imports.packing import MOST_BYTES, unpacked
from rowlog.imports.workout import ImportFault, shown

WORTH_IT: Final = 12
"""Fewer files are read sooner than other processes start."""
AHEAD: Final = 4
"""So many files a core are read before the first of them is stored."""
HELD_BYTES: Final = 2 * MOST_BYTES
"""What was unpacked is held up to this, and the file after it."""

UNFORESEEN: Final = (
    ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip
"""What a fault of rowlog's own raises: of one file, and no reason to leave out the others."""

T = TypeVar("T")
Work = Callable[[str, bytes, datetime], T]
"""What is done with a file: given its name, its bytes unpacked, and its date. Raises FAULTS."""


class Job(NamedTuple):
    """One file, or one of an archive, to be read."""

    file: Path
    """Within an archive: the archive's path, and the name in it."""
    done: float
    """So many of the files that were named are done once this one is."""
    content: bytes | None = None
    """None: that of `file`."""
    dated_by: Path | None = None
    """The file whose date counts; None: `file`."""
    fault: str | None = None
    """Why there is nothing to read."""


class Read(NamedTuple, Generic[T]):
    """What became of one job."""

    file: Path
    done: float
    found: T | None = None
    fault: str | None = None
    """Why nothing was found; None where something was."""


def files_in(named: Sequence[Path]) -> list[Path]:
    """The files that are meant, those of a folder in order of their names; hidden ones are not."""
    found: list[Path] = []
    for path in named:
        if path.is_dir():
            found += sorted(
                inner
                for inner in path.rglob("*")
                if inner.is_file() and not inner.name.startswith(".")
            )
        else:
            found.append(path)
    return found


def read_all(
    files: Sequence[Path], work: Work[T], *, worth_it: int = WORTH_IT
) -> Generator[Read[T]]:
    """Every file read, in their order, archives opened, and `work` done with each.

    On all cores where there are `worth_it` files: each process reads, works, and hands back; it
    never sees the database.
    """
    jobs = _jobs(files)
    first = list(islice(jobs, worth_it))
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if len(first) < worth_it or (cores or 1) < 2:
        for job in (*first, *jobs):
            yield _read(job, work)
        return
    # Spawned, not forked: this process has a connection and a lock that are its own.
    pool = ProcessPoolExecutor(
        cores, mp_context=get_context("spawn"), initializer=_prepare, initargs=(work,)
    )
    waiting: deque[tuple[Job, Future[Read[T]]]] = deque()
    held = 0

    def next_read() -> Read[T]:
        nonlocal held
        job, coming = waiting.popleft()
        held -= len(job.content or b"")
        try:
            return coming.result()
        except BrokenExecutor:
            fault = f"{job.file.name} could not be read: the system ended the process that did."
            return Read(job.file, job.done, fault=fault)

    try:
        for job in (*first, *jobs):
            held += len(job.content or b"")
            waiting.append((job, _submitted(pool, job)))
            while len(waiting) >= AHEAD * (cores or 1) or held > HELD_BYTES:
                yield next_read()
        while waiting:
            yield next_read()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _submitted(pool: ProcessPoolExecutor, job: Job) -> Future[Read[Any]]:
    try:
        return pool.submit(_read_here, job)
    except BrokenExecutor as error:  # the system has ended one of the processes, and so all
        failed: Future[Read[Any]] = Future()
        failed.set_exception(error)
        return failed


_given: list[Work[Any]] = []
"""The work that all jobs of a process share."""


def _prepare(work: Work[Any]) -> None:
    _given.append(work)
    threading.Thread(target=_end_with_first, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends the others
    gc.set_threshold(50_000)  # there are hardly rings among the rows


def _end_with_first() -> None:
    """End when the first process has, however that ended: nobody waits for what is read here."""
    first = parent_process()
    if first is not None:
        wait([first.sentinel])
        os._exit(1)


def _read_here(job: Job) -> Read[Any]:
    return _read(job, _given[0])


def _jobs(files: Sequence[Path]) -> Iterator[Job]:
    for place, file in enumerate(files):
        try:
            if not file.is_dir() and file.exists() and not file.is_file():
                raise ImportFault(
                    f"{shown(str(file))} is no file.", "Name a file, or a folder of files."
                )
            if not is_archive(file):
                yield Job(file, place + 1)
                continue
            for name, content, share in members(file):
                job = partial(Job, file / name, place + share)
                if isinstance(content, ImportFault):
                    yield job(fault=str(content))
                else:
                    yield job(content, dated_by=file)
        except (ImportFault, OSError) as error:
            yield Job(file, place + 1, fault=_fault(file, error))


def _read(job: Job, work: Work[T]) -> Read[T]:
    if job.fault is not None:
        return Read(job.file, job.done, fault=job.fault)
    try:
        dated = datetime.fromtimestamp((job.dated_by or job.file).stat().st_mtime, UTC)
        name = shown(job.file.name)
        content = unpacked(name, _content(job.file) if job.content is None else job.content)
        found = work(name, content, dated)
    except FAULTS as error:
        fault = _fault(job.file, error)
        if job.dated_by is not None and fault.startswith(name):  # of several archives' members
            fault = f"{shown(job.dated_by.name)}/{fault}"
        return Read(job.file, job.done, fault=fault)
    except UNFORESEEN as error:
        fault = (
            f"{shown(job.file.name)} holds what rowlog did not foresee "
            f"({type(error).__name__}: {shown(str(error))}). Please report it, with the file."
        )
        return Read(job.file, job.done, fault=fault)
    return Read(job.file, job.done, found)


def _content(file: Path) -> bytes:
    if file.stat().st_size > MOST_BYTES:
        with file.open("rb") as begun:
            if begun.read(len(SQLITE)) == SQLITE:
                raise database(shown(file.name))
        raise ImportFault(
            f"{shown(file.name)} is too large for a workout.", "Name that of one workout."
        )
    return file.read_bytes()


def _fault(file: Path, error: Exception) -> str:
    if isinstance(error, OSError):
        return f"{shown(str(file))} cannot be read: {error.strerror or error}."
    return str(error)
