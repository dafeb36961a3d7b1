"""What the store costs above SQLite itself: its frames against bare `executemany` of the same rows.

The same frames into the same table under the same settings (write-ahead log, synchronous=NORMAL),
in turn: by the store, which takes deliveries, numbers them, checks the session and makes rows;
and by `executemany` of rows that were made before, foreign keys unchecked. Once in transactions of
1,000 frames, as a replay at full speed writes, and once in transactions of one, as a live
recording does. Last the way back: reading all frames of a session, as rows and packed.

    python benchmarks/store.py [ROUNDS]

The bars: at least 0.5 of the bare throughput in transactions of 1,000 frames, and 0.5 in
transactions of one.
"""

from __future__ import annotations

import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rowlog.derivation import Derivation
from rowlog.store import Store
from rowlog.store_rows import Source
from rowlog_drivers.clock import wall_now
from rowlog_drivers.frames import SourceHeader
from rowlog_drivers.interface import Delivery
from rowlog_drivers.simulator import Simulator, Stretch

BARS = {1000: 0.5, 1: 0.5}
COUNTS = {1000: 40_000, 1: 4_000}
"""How many frames are written, by frames a transaction."""


def session(frames: int) -> tuple[list[Delivery], tuple[SourceHeader, ...]]:
    """So many frames of a simulated rower and strap."""
    simulator = Simulator([Stretch(kind="work", seconds=86_400.0)])
    found = [Delivery(frame, ()) for frame, _ in zip(simulator, range(frames), strict=False)]
    return found, simulator.sources


def begin(store: Store, sources: Sequence[SourceHeader]) -> int:
    """A new session in the store."""
    return store.begin_session(
        started_at=wall_now(),
        plan=None,
        athlete=None,
        activity="row",
        sources=[
            Source(name=source.name, driver=source.driver, address=None, options=source.options)
            for source in sources
        ],
    )


def by_store(
    database: Path, deliveries: list[Delivery], sources: tuple[SourceHeader, ...], each: int
) -> float:
    """Seconds that the store takes."""
    with Store.open_writer(database) as store:
        session_id = begin(store, sources)
        began = time.perf_counter()
        for first in range(0, len(deliveries), each):
            store.append(session_id, deliveries[first : first + each], ())
        return time.perf_counter() - began


def bare(database: Path, table: str, deliveries: list[Delivery], each: int) -> float:
    """Seconds that bare executemany takes for the same rows in the same table."""
    rows = [
        (1, seq, f.t_ns, f.source, f.channel, f.payload, int(f.sent), f.late_ns)
        for seq, f in enumerate(d.frame for d in deliveries if d.frame is not None)
    ]
    with closing(sqlite3.connect(database, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute(table)
        insert = (
            "INSERT INTO frames (session_id, seq, t_ns, source, channel, payload, sent, late_ns) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        began = time.perf_counter()
        for first in range(0, len(rows), each):
            db.execute("BEGIN IMMEDIATE")
            db.executemany(insert, rows[first : first + each])
            db.execute("COMMIT")
        return time.perf_counter() - began


def read_back(folder: Path, deliveries: list[Delivery], sources: tuple[SourceHeader, ...]) -> None:
    """Print how fast an hour's frames are read: as rows, and from blocks."""
    database = folder / "read.db"
    derivation = Derivation()
    with Store.open_writer(database) as store:
        session_id = begin(store, sources)
        store.append(session_id, deliveries, ())
        for state in ("rows", "blocks"):
            began = time.perf_counter()
            count = sum(1 for _ in store.read_frames(session_id))
            took = time.perf_counter() - began
            print(f"reading {state:<7} {count / took:12,.0f} frames/s")
            if state == "rows":
                end_ns = deliveries[-1].t_ns
                _, totals = derivation.finish(end_ns)
                began = time.perf_counter()
                store.close_session(session_id, end_ns=end_ns, ended_at=wall_now(), totals=totals)
                took = time.perf_counter() - began
                print(f"closing and packing {count / took:7,.0f} frames/s")


def main() -> None:
    """Measure and print; exit status 1 when a bar is missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    met = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pattern = folder / "pattern.db"
        Store.open_writer(pattern).close()
        with closing(sqlite3.connect(pattern)) as db:
            (table,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'frames'").fetchone()
        for each, bar in BARS.items():
            deliveries, sources = session(COUNTS[each])
            pairs: list[tuple[float, float]] = []
            for turn in range(rounds + 1):
                ours = by_store(folder / f"store-{each}-{turn}.db", deliveries, sources, each)
                theirs = bare(folder / f"bare-{each}-{turn}.db", table, deliveries, each)
                pairs.append((ours, theirs))
            pairs = pairs[1:]
            ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
            ratio = statistics.median(other / our for our, other in pairs)
            met = met and ratio >= bar
            print(
                f"{each:5} a transaction   store {len(deliveries) / ours:9,.0f} frames/s"
                f"   executemany {len(deliveries) / theirs:9,.0f}   ratio {ratio:.2f}"
                f"   bar {bar} {'met' if ratio >= bar else 'MISSED'}"
            )
        read_back(folder, *session(10_800))
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
