"""What is kept of many sessions, computed on all cores: each process reads for itself."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Final

from rowlog.schema import open_for_reading
from rowlog.store_errors import translated
from rowlog.store_kept import Kept, compute

CHUNK: Final = 25
"""Sessions that one process computes before it hands them back."""
WORTH_IT: Final = 100
"""Fewer sessions are computed sooner than other processes start."""


def computed(path: Path, numbers: Sequence[int]) -> Iterator[tuple[int, Kept]]:
    """What is kept of each of these sessions, in order; those that are open are left out.

    Raises StoreError for what cannot be read.
    """
    chunks = [numbers[at : at + CHUNK] for at in range(0, len(numbers), CHUNK)]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    if len(numbers) < WORTH_IT or (cores or 1) < 2:
        for chunk in chunks:
            yield from _chunk(path, chunk)
        return
    # Spawned, not forked: this process has a connection and a lock that are its own. Looking for
    # rings among the rows would take a sixth of the time, and there are none.
    spawn = get_context("spawn")
    with ProcessPoolExecutor(cores, mp_context=spawn, initializer=gc.disable) as pool:
        for found in pool.map(_chunk, [path] * len(chunks), chunks):
            yield from found


def _chunk(path: Path, numbers: Sequence[int]) -> list[tuple[int, Kept]]:
    db, path = open_for_reading(path)
    try:
        with translated(path):
            kept = [(number, compute(db, path, number)) for number in numbers]
    finally:
        db.close()
    return [(number, figures) for number, figures in kept if figures is not None]
