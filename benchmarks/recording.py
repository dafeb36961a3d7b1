"""What a recording in real time costs: one machine, ten, and sixty, each a rower with a strap.

Simulated rowers (FTMS at 2 Hz) and straps (RR intervals at 1 Hz) are recorded into one session of
one new database by the same recorder as `rowlog record`, in a process of their own. CPU is user
and system time of that process, the simulation included, as a share of one core, from a second
after the start on. Memory is its peak. Lateness is by how much a task that asks to be woken 20
times a second is woken too late; with no machine at all, that and its cost are the floor.

    python benchmarks/recording.py [SECONDS]

The bars: one machine costs under 1 % of one core and under 60 MB (memory needs the standard
library's `resource`: not on Windows).
"""

from __future__ import annotations

import json
import platform
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

CPU_PERCENT = 1.0
MEGABYTES = 60.0
MACHINES = (0, 1, 10, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one process measured."""

    frames: int
    cpu_percent: float
    peak_mb: float
    late_p50_ms: float
    late_p99_ms: float
    late_worst_ms: float


def child(machines: int, seconds: float, database: Path) -> None:
    """One recording in a process of its own; prints a Cost as JSON.

    Modules are imported here, so that the process which starts this one stays small: memory at
    its peak is inherited.
    """
    import asyncio
    import resource
    import time

    from rowlog.recorder import Recorder
    from rowlog.store import Store
    from rowlog.store_rows import Source
    from rowlog_drivers.catalog import make_decoding
    from rowlog_drivers.clock import Clock, wall_now
    from rowlog_drivers.device import Device
    from rowlog_drivers.frames import SourceHeader
    from rowlog_drivers.simulator import Simulator, Stretch
    from rowlog_drivers.transports.replay import ReplayTransport

    pause_s = 0.05
    late_s: list[float] = []
    spent_s: list[float] = []

    async def watch(stop: asyncio.Event) -> None:
        await asyncio.sleep(1.0)
        began, cpu_began = time.perf_counter(), time.process_time()
        due = began
        while due < began + seconds:
            due += pause_s
            await asyncio.sleep(due - time.perf_counter())
            late_s.append(time.perf_counter() - due)
        spent_s.append((time.process_time() - cpu_began) / (time.perf_counter() - began))
        stop.set()

    async def recorded(store: Store) -> int:
        stop = asyncio.Event()
        if not machines:
            await watch(stop)
            return 0
        clock = Clock()
        devices: list[Device] = []
        sources: list[SourceHeader] = []
        for number in range(1, machines + 1):
            simulator = Simulator(
                [Stretch(kind="work", seconds=86_400.0)],
                seed=number,
                rower_source=f"rower{number}",
                strap_source=f"strap{number}",
            )
            sources += simulator.sources
            transport = ReplayTransport(simulator, clock=clock, speed=1.0)
            devices.append(Device(transport, make_decoding(simulator.sources)))
        session_id = store.begin_session(
            started_at=wall_now(),
            plan=None,
            athlete=None,
            activity="row",
            sources=[
                Source(name=each.name, driver=each.driver, address=None, options=each.options)
                for each in sources
            ],
        )
        for device in devices:
            await device.transport.open()
        recorder = Recorder(devices, store, session_id, clock=clock)
        clock.restart()
        watcher = asyncio.create_task(watch(stop))
        await recorder.run(stop=stop)
        await watcher
        return recorder.frames_committed

    with Store.open_writer(database) as store:
        frames = asyncio.run(recorded(store))
    unit = 1 if sys.platform == "darwin" else 1024
    late_s.sort()
    cost = {
        "frames": frames,
        "cpu_percent": 100 * spent_s[0],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6,
        "late_p50_ms": late_s[len(late_s) // 2] * 1e3,
        "late_p99_ms": late_s[int(len(late_s) * 0.99)] * 1e3,
        "late_worst_ms": late_s[-1] * 1e3,
    }
    print(json.dumps(cost))


def measure(machines: int, seconds: float, folder: Path) -> Cost:
    """Start a child and read what it measured."""
    database = folder / f"{machines}.db"
    output = subprocess.run(
        [sys.executable, __file__, "--child", str(machines), str(seconds), str(database)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    return Cost(**json.loads(output))


def main() -> None:
    """Measure and print; exit status 1 when a bar is missed."""
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(f"{seconds:g} s each; a new database each")
    met = True
    with tempfile.TemporaryDirectory() as temporary:
        for machines in MACHINES:
            cost = measure(machines, seconds, Path(temporary))
            print(
                f"{machines:3} machines {cost.frames / (seconds + 1):6.0f} frames/s"
                f"   CPU {cost.cpu_percent:5.2f} % of a core   peak {cost.peak_mb:5.1f} MB"
                f"   late p50 {cost.late_p50_ms:.2f}, p99 {cost.late_p99_ms:.2f}, "
                f"worst {cost.late_worst_ms:.2f} ms"
            )
            if machines == 1:
                met = cost.cpu_percent < CPU_PERCENT and cost.peak_mb < MEGABYTES
    print(
        f"bar for one machine: {CPU_PERCENT:g} % and {MEGABYTES:g} MB {'met' if met else 'MISSED'}"
    )
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
