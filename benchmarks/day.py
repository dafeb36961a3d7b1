"""What a day of recording without a pause does to memory: 24 hours along the whole path, at once.

A simulated rower (FTMS at 2 Hz) and strap (1 Hz, with RR intervals) row intervals for HOURS of
session time as fast as the computer can, through transport, decoders, recorder and database, with
the picture that views are shown. The memory of that process is read at each hour of the session.

    python -m benchmarks.day [HOURS]

The bar: from the second hour to the last it grows by less than 5 MB. Linux only.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rowlog_drivers.frames import Frame

ROOT: Final = Path(__file__).resolve().parent.parent
GROWTH_MB: Final = 5.0
HOUR_NS: Final = 3600 * 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What the recording took."""

    hours_mb: list[float]
    """Memory after each hour of the session."""
    end_mb: float
    """When the session was closed."""
    frames: int
    seconds: float
    file_mb: float

    @property
    def growth_mb(self) -> float:
        """From the second hour on; before it, what is used for the first time is loaded."""
        return self.hours_mb[-1] - self.hours_mb[1]


def memory_mb() -> float:
    """What this process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def child(hours: int, database: Path) -> None:
    """Record in this process; prints a Day as JSON."""
    from rowlog.replaying import record_frames
    from rowlog_drivers.frames import FramesHeader
    from rowlog_drivers.simulator import Simulator, Stretch

    script = (
        Stretch(kind="rest", seconds=90.0) if n % 2 else Stretch(kind="work", distance_m=1000.0)
        for n in count()
    )
    simulator = Simulator(script, seed=1)
    hours_mb: list[float] = []
    told = 0

    def watched() -> Iterator[Frame]:
        nonlocal told
        for frame in simulator:
            if frame.t_ns >= (len(hours_mb) + 1) * HOUR_NS:
                hours_mb.append(memory_mb())
                if len(hours_mb) == hours:
                    return
            told += 1
            yield frame

    began = time.perf_counter()
    header = FramesHeader(sources=simulator.sources, end_ns=hours * HOUR_NS)
    record_frames(watched(), header, database, plan=None)
    day = {
        "hours_mb": hours_mb,
        "end_mb": memory_mb(),
        "frames": told,
        "seconds": time.perf_counter() - began,
        "file_mb": sum(path.stat().st_size for path in database.parent.iterdir()) / 1e6,
    }
    print(json.dumps(day))


def measure(hours: int) -> Day:
    """Record for so many hours in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.day", str(hours), str(Path(folder) / "rowlog.db")],
            cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8",
            env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "drivers")])},
        )  # fmt: skip
    return Day(**json.loads(done.stdout))


def main() -> None:
    """Measure and print; exit status 1 when the bar is missed."""
    hours = int(sys.argv[1]) if len(sys.argv) > 1 else 24
    if len(sys.argv) > 2:
        child(hours, Path(sys.argv[2]))
        return
    day = measure(hours)
    for hour, held in enumerate(day.hours_mb, 1):
        print(f"{hour:3} h  {held:6.1f} MB")
    print(f"closed {day.end_mb:6.1f} MB; {day.frames:,} frames in {day.seconds:.0f} s, ", end="")
    print(f"{day.file_mb:.1f} MB of files")
    met = day.growth_mb < GROWTH_MB
    print(f"grown by {day.growth_mb:.1f} MB from the second hour on; bar {GROWTH_MB:g} MB ", end="")
    print("met" if met else "MISSED")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
