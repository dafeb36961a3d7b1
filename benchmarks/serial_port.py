"""What polling a WaterRower S4 costs, and how often it tells its distance.

`rowlog simulate serial` is the monitor, in a process of its own; another one asks it at the pace
that a real monitor allows: a bare reader (pyserial, a thread, and an event loop that takes its
chunks and makes nothing of them), then polling and decoding, then recording into a new database.
CPU is user and system time of that process as a share of one core, once the athlete rows. Two
requests are open at a time when one is sent before the answer to the last, or a second, has passed.

    python benchmarks/serial_port.py [SECONDS]

The bars: 5 distances a second, 25 ms between requests, never two of them open, and for polling and
decoding no more than 1 % of a core beyond the bare reader. Needs pseudo-terminals: not on Windows.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rowlog_drivers.frames import Frame

DISTANCES = 5.0
GAP_MS = 25.0
CPU_PERCENT = 1.0
ROWS_AFTER_S = 6.0
"""The athlete sits down, and rows by then."""
MAIN = "from rowlog.cli import main; main()"
ANSWER = re.compile(rb"ID|IV|_WR_|OK|ERROR")


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one way of asking measured."""

    way: str
    distances_per_s: float
    requests_per_s: float
    lines_per_s: float
    least_gap_ms: float
    two_open: int
    cpu_percent: float


async def bare(path: str, seconds: float) -> float:
    """What it costs to read as much, and to ask as often, without understanding any of it."""
    import threading

    import serial

    port = serial.Serial(path, 115_200, timeout=0.5, exclusive=True)
    loop = asyncio.get_running_loop()
    chunks: list[bytes] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            chunk = port.read(1)
            if chunk:
                loop.call_soon_threadsafe(chunks.append, chunk + port.read(port.in_waiting))

    thread = threading.Thread(target=read)
    thread.start()
    port.write(b"USB\r\n")
    await asyncio.sleep(ROWS_AFTER_S)
    began, cpu_began = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        port.write(b"IRD055\r\n")
        await asyncio.sleep(0.09)
    share = (time.process_time() - cpu_began) / (time.perf_counter() - began)
    over.set()
    thread.join()
    port.close()
    return share


async def poll(path: str, seconds: float, database: Path | None) -> Polled:
    """Ask the monitor at `path`; with a database record it too."""
    from rowlog.devices import Opened
    from rowlog.ports import join, recognise
    from rowlog.recorder import Recorder
    from rowlog.store import Store
    from rowlog.store_rows import Source
    from rowlog_drivers.addresses import parse_address
    from rowlog_drivers.clock import Clock, wall_now
    from rowlog_drivers.device import Device
    from rowlog_drivers.interface import Delivery
    from rowlog_drivers.records import RowerSample

    found = await recognise(parse_address(f"serial:{path}?driver=waterrower"))
    nothing = Opened(devices=(), sources=(), addresses={}, clock=Clock())
    opened = join(nothing, found)
    (device,) = opened.devices
    frames: list[Frame] = []
    told = 0
    measuring = False

    def count(delivery: Delivery) -> None:
        nonlocal told
        if measuring and delivery.frame is not None:
            frames.append(delivery.frame)
            told += sum(
                isinstance(one, RowerSample) and one.distance_m is not None
                for one in delivery.records
            )

    class Counted(Device):
        """The device, with what it delivers counted on the way."""

        async def deliveries(self) -> AsyncIterator[Delivery]:
            async for delivery in device.deliveries():
                count(delivery)
                yield delivery

    await device.transport.open()
    counted = Counted(device.transport, device.decoding)
    stop = asyncio.Event()

    async def record(store: Store) -> None:
        session_id = store.begin_session(
            started_at=wall_now(),
            plan=None,
            athlete=None,
            activity="row",
            sources=[
                Source(name=one.name, driver=one.driver, address=None, options=one.options)
                for one in opened.sources
            ],
        )
        await Recorder([counted], store, session_id, clock=opened.clock).run(stop=stop)

    async def listen() -> None:
        async for _ in counted.deliveries():
            pass

    async def measure() -> float:
        nonlocal measuring
        await asyncio.sleep(ROWS_AFTER_S)
        measuring = True
        began, cpu_began = time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        share = (time.process_time() - cpu_began) / (time.perf_counter() - began)
        measuring = False
        stop.set()
        if database is None:
            await device.close()
        return share

    if database is None:
        share, _ = await asyncio.gather(measure(), listen())
    else:
        with Store.open_writer(database) as store:
            share, _ = await asyncio.gather(measure(), record(store))
    sent = [frame.t_ns for frame in frames if frame.sent]
    return Polled(
        way="polling" if database is None else "recording",
        distances_per_s=told / seconds,
        requests_per_s=len(sent) / seconds,
        lines_per_s=sum(frame.payload.count(b"\n") for frame in frames if not frame.sent) / seconds,
        least_gap_ms=min((b - a) / 1e6 for a, b in itertools.pairwise(sent)),
        two_open=_two_open(frames),
        cpu_percent=100 * share,
    )


def _two_open(frames: list[Frame]) -> int:
    """How often a request was sent while another one was open."""
    asked_ns: int | None = None
    found = 0
    for frame in frames:
        if frame.sent:
            found += asked_ns is not None and frame.t_ns - asked_ns < 1_000_000_000
            asked_ns = frame.t_ns
        elif ANSWER.search(frame.payload):
            asked_ns = None
    return found


def measured(seconds: float, folder: Path, way: str) -> str:
    """Run the monitor and the program that asks it, each in a process of its own; what it says."""
    link = folder / way
    root = Path(__file__).resolve().parent.parent
    paths = os.pathsep.join([str(root), str(root / "drivers")])
    variables = {**os.environ, "PYTHONPATH": paths}
    monitor = subprocess.Popen(
        [sys.executable, "-c", MAIN, "simulate", "serial", "--link", str(link)],
        env=variables,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        if monitor.stdout is None or not monitor.stdout.readline():
            raise SystemExit("the monitor did not start")
        words = [way, str(seconds), str(link)]
        if way == "recording":
            words.append(str(folder / "serial.db"))
        done = subprocess.run(
            [sys.executable, __file__, "--child", *words],
            env=variables,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        return done.stdout
    finally:
        monitor.terminate()
        monitor.wait()


def main() -> None:
    """Measure both ways and print them."""
    if sys.argv[1:2] == ["--child"]:
        way, length, path, *database = sys.argv[2:]
        if way == "bare":
            print(100 * asyncio.run(bare(path, float(length))))
            return
        polled = asyncio.run(poll(path, float(length), Path(database[0]) if database else None))
        print(json.dumps(asdict(polled)))
        return
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    print(f"{seconds:g} s each, {sys.platform}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory(prefix="rowlog-") as folder:
        floor = float(measured(seconds, Path(folder), "bare"))
        ways = [
            Polled(**json.loads(measured(seconds, Path(folder), way)))
            for way in ("polling", "recording")
        ]
    print(f"      bare: {floor:.2f} % of a core")
    for one in ways:
        print(
            f"{one.way:>10}: {one.distances_per_s:.1f} distances, "
            f"{one.requests_per_s:.1f} requests, "
            f"{one.lines_per_s:.0f} lines a second; least gap {one.least_gap_ms:.1f} ms; "
            f"two open {one.two_open} times; {one.cpu_percent:.2f} % of a core"
        )
    polling = ways[0]
    met = (
        all(one.distances_per_s >= DISTANCES for one in ways)
        and all(one.least_gap_ms >= GAP_MS and not one.two_open for one in ways)
        and polling.cpu_percent - floor <= CPU_PERCENT
    )
    print("bars met" if met else "BARS MISSED")
    sys.exit(not met)


if __name__ == "__main__":
    main()
