"""How fast a recorded hour goes through everything into the database, and what it takes.

An hour of intervals (12x4:00/1:00r; FTMS at 2 Hz, heart rate with RR intervals at 1 Hz) on the
same path as a live recording: decoding, ordering, intervals, figures, database, packing. Once
from the simulator, which itself costs time, and once from a `.frames` file, which is read twice,
so that nothing of a damaged file is stored. Then ten hours of the same. Every run is a process of
its own, into a new database on disk.

    python benchmarks/replay.py [ROUNDS]

The bars: 3,000 times real time or better for the hour by the clock on the wall, simulation
included; ten hours cost at most 11 times the CPU time of one; their peak memory is at most 1.1
times that of one (needs the standard library's `resource`: not on Windows); a closed hour adds
less than 500 kB to a database.
"""

from __future__ import annotations

import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

FASTER = 3_000
GROWTH = 11.0
MEMORY = 1.1
KILOBYTES = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one process measured."""

    session_s: float
    """How long the session lasts."""
    wall_s: float
    cpu_s: float
    peak_mb: float
    base_mb: float
    """Peak memory before the first frame: Python and the modules."""
    frames: int
    added_kb: float
    """By how much the database grew from an empty one."""
    file_kb: float


def child(kind: str, hours: int, folder: Path) -> None:
    """One run in a process of its own; prints a Run as JSON.

    Modules are imported here, so that the process which starts this one stays small: memory at
    its peak is inherited.
    """
    import resource
    import time

    from rowlog.notation import parse
    from rowlog.replaying import record_frames, replay_file
    from rowlog.simulating import script_for
    from rowlog.store import Store
    from rowlog_drivers.clock import wall_now
    from rowlog_drivers.frames import FramesHeader, write_frames
    from rowlog_drivers.simulator import Simulator

    def peak_mb() -> float:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6

    plan = parse(f"{12 * hours}x4:00/1:00r")
    simulator = Simulator(script_for(plan))
    header = FramesHeader(sources=simulator.sources, started_at=wall_now(), plan=str(plan))
    recording = folder / f"{hours}h.frames"
    if kind == "write":
        write_frames(recording, header, simulator)
        return
    database = folder / f"{kind}.db"
    Store.open_writer(database).close()
    empty = database.stat().st_size
    base_mb = peak_mb()
    began, cpu_began = time.perf_counter(), time.process_time()
    if kind == "file":
        replay_file(recording, database)
    else:
        record_frames(simulator, header, database, plan=plan)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    with closing(sqlite3.connect(database)) as db:
        frames, session_s = db.execute(
            "SELECT frames, duration_s FROM session_totals ORDER BY session_id DESC LIMIT 1"
        ).fetchone()
    size = database.stat().st_size
    run = {
        "session_s": session_s,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "peak_mb": peak_mb(),
        "base_mb": base_mb,
        "frames": frames,
        "added_kb": (size - empty) / 1000,
        "file_kb": size / 1000,
    }
    print(json.dumps(run))


def measure(kind: str, hours: int, folder: Path) -> Run:
    """Start a child and read what it measured."""
    for old in folder.glob(f"{kind}.db*"):
        old.unlink()
    output = subprocess.run(
        [sys.executable, __file__, "--child", kind, str(hours), str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return Run(**json.loads(output))


def verdict(met: bool) -> str:
    """A word for it."""
    return "met" if met else "MISSED"


def main() -> None:
    """Measure and print; exit status 1 when a bar is missed."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
        return
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(f"{rounds} rounds of one hour and ten in turn; medians")
    met: list[bool] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for hours in (1, 10):
            command = [sys.executable, __file__, "--child", "write", str(hours), temporary]
            subprocess.run(command, check=True)
        for kind, title in (("simulator", "from the simulator"), ("file", "from a .frames file")):
            measure(kind, 1, folder)
            pairs = [(measure(kind, 1, folder), measure(kind, 10, folder)) for _ in range(rounds)]
            hour = pairs[0][0]
            print(f"\n{title}: {hour.frames} frames in {hour.session_s:.0f} s of session")
            speed = statistics.median(one.session_s / one.wall_s for one, _ in pairs)
            wall_s = statistics.median(one.wall_s for one, _ in pairs)
            ten_s = statistics.median(ten.cpu_s for _, ten in pairs)
            growth = statistics.median(ten.cpu_s / one.cpu_s for one, ten in pairs)
            memory = statistics.median(ten.peak_mb / one.peak_mb for one, ten in pairs)
            cpu_s = statistics.median(one.cpu_s for one, _ in pairs)
            one_mb = statistics.median(one.peak_mb for one, _ in pairs)
            ten_mb = statistics.median(ten.peak_mb for _, ten in pairs)
            met += [speed >= FASTER, growth <= GROWTH, memory <= MEMORY, hour.added_kb < KILOBYTES]
            print(
                f"  one hour     {wall_s:6.2f} s ({cpu_s:.2f} s of CPU), "
                f"{speed:,.0f} times real time"
                f"   bar {FASTER:,} {verdict(met[-4])}\n"
                f"  ten hours    {ten_s:6.2f} s of CPU, {growth:.1f} times one hour"
                f"   bar {GROWTH:.0f} {verdict(met[-3])}\n"
                f"  peak memory  {one_mb:6.1f} MB for one hour, {ten_mb:.1f} MB for ten, "
                f"{hour.base_mb:.1f} MB before the first frame: {memory:.2f} times"
                f"   bar {MEMORY} {verdict(met[-2])}\n"
                f"  database     {hour.added_kb:6.0f} kB for the closed hour"
                f"   bar {KILOBYTES:.0f} {verdict(met[-1])}; a new file with it "
                f"{hour.file_kb:.0f} kB"
            )
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
