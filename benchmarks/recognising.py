"""What it costs to take one more workout in, by how many are there: to look for it, and to keep it.

Run: python -m benchmarks.recognising [SESSIONS ...]

200, 1,000 and 5,000 unless it is said. The sessions are of 300 strokes each, rowed by one athlete
on other days and no two alike, within 5 % of one length and 2 % of one pace, so that most of them
are worth a look; they are made by stretching one that was read, and kept as an import keeps them.
Told is processor time: to look for the first, which reads what is there; to look for each of the
last of so many, for which nearly all that matters is at hand; to put each into the database.
Files are read by other processes, which costs the same however many there are.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final, TypeVar

from benchmarks.imports import _strokes
from rowlog.importing_sessions import parts_of
from rowlog.recognising import Recognised
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.store_whole import Original, Whole
from rowlog_drivers.records import Stroke

T = TypeVar("T")

MORE: Final = 240
"""So many are taken in, one after the other."""
LAST: Final = 80
TOGETHER: Final = 200
BEGAN: Final = datetime(2016, 1, 1, 6, tzinfo=UTC)


def main() -> None:
    """Print what was measured."""
    (part,) = parts_of("x", _strokes(8.5, 300, 1), BEGAN, None, frozenset())
    for sessions in [int(word) for word in sys.argv[1:]] or [200, 1000, 5000]:
        with TemporaryDirectory() as folder:
            _measure(Path(folder) / "many.db", part.original, part.wholes[0], sessions)


def _measure(database: Path, original: Original, first: Whole, sessions: int) -> None:
    with Store.open_writer(database) as store:
        for start in range(0, sessions, TOGETHER):
            numbers = range(start, min(start + TOGETHER, sessions))
            store.import_sessions([_another(original, first, number) for number in numbers])
    looked, kept, twins = [], [], 0
    with Store.open_writer(database) as store, open_reader(database) as reader:
        recognised = Recognised(reader, reader.closed_workouts())
        for number in range(sessions, sessions + MORE):
            named, (one,) = _another(original, first, number)
            found, took_s = _timed(lambda one=one: recognised.same_as(one))  # type: ignore[misc]
            looked.append(took_s)
            (stored,), took_s = _timed(
                lambda named=named, one=one: store.import_sessions([(named, [one])])  # type: ignore[misc]
            )
            kept.append(took_s)
            recognised.add(stored, one)
            twins += len(found)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{sessions} sessions: {_mean_ms(looked[-LAST:]):.1f} ms to look for one more, "
        f"{looked[0] * 1000:.0f} ms for the first, {_mean_ms(looked):.1f} ms on the mean of "
        f"{MORE}; {_mean_ms(kept):.1f} ms to keep it; {memory_mb:.0f} MB; "
        f"{twins} taken for one that was there",
        flush=True,
    )


def _another(original: Original, first: Whole, number: int) -> tuple[Original, Sequence[Whole]]:
    """The same as it would have been on another day."""
    random = Random(number)
    longer, slower, later_s = random.uniform(0.97, 1.06), random.uniform(0.98, 1.02), 0.0
    facts = []
    for fact in first.facts:
        if isinstance(fact, Stroke) and fact.total_distance_m is not None:
            later_s += random.gauss(0, 0.1)
            fact = replace(
                fact,
                t_ns=max(0, round(fact.t_ns * slower + later_s * 1e9)),
                total_distance_m=fact.total_distance_m * longer,
            )
        facts.append(fact)
    rowed_m = (first.totals.distance_m or 0.0) * longer
    whole = replace(
        first,
        started_at=BEGAN + timedelta(hours=17.37 * number),
        start_from="said",
        facts=tuple(facts),
        totals=replace(first.totals, distance_m=rowed_m),
    )
    return original._replace(name=f"{number}.csv", sha256=f"{number:064x}"), [whole]


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    start = time.process_time()
    done = work()
    return done, time.process_time() - start


def _mean_ms(seconds: Sequence[float]) -> float:
    return sum(seconds) / len(seconds) * 1000


if __name__ == "__main__":
    main()
