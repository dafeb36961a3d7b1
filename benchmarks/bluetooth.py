"""How much of a processor it takes to read and store many Bluetooth machines, and what is lost.

    .venv/bin/python -m benchmarks.bluetooth [--machines 60] [--hz 4] [--seconds 20]

The machines are played by a stand-in for BlueZ in a process of its own, on a private D-Bus; what is
measured is rowlog's transport, the real bleak and dbus-fast, decoding, engine and database, as one
session of so many rowers. The bars: no frame lost, and under 5 % of a core. Needs Linux and
dbus-daemon.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rowlog.recorder import Progress, Recorder
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock, wall_now
from rowlog_drivers.device import Device
from rowlog_drivers.frames import SourceHeader
from rowlog_drivers.transports.ble import BleProfile, BleTransport
from rowlog_drivers.transports.ble_radio import Radio
from tests.bluez.fake import Daemon, FakeBluez, Machine, rower

DATA = "2ad1"
PROFILE = BleProfile(notify=(DATA,), needs=(DATA,), reads=("2a29", "2a24", "2a25"))
BAR_PERCENT = 5.0


def address(number: int) -> str:
    """The address of the machine of this number, below 256."""
    return f"C0:00:00:00:00:{number:02X}"


async def play(bus: str, count: int, hz: float, seconds: float) -> None:
    """The process with the machines: send when all are subscribed to, stay until told to go."""
    machines = [rower(address(number), f"Rower {number}") for number in range(count)]
    air = FakeBluez(bus, machines)
    await air.start()
    print("ready", flush=True)
    for machine in machines:
        await air.until(lambda one=machine: bool(one.characteristic(DATA).subscribers), 120)  # type: ignore[misc]
    rounds = int(seconds * hz)
    loop = asyncio.get_running_loop()
    begin = loop.time() + 0.2
    print(f"sending {rounds}", flush=True)
    await asyncio.gather(
        *(
            send(air, machine, begin + number / count / hz, hz, rounds)
            for number, machine in enumerate(machines)
        )
    )
    await asyncio.to_thread(sys.stdin.read)
    await air.kill()


async def send(air: FakeBluez, machine: Machine, begin: float, hz: float, rounds: int) -> None:
    """One machine's frames, each with its number."""
    loop = asyncio.get_running_loop()
    for number in range(rounds):
        await asyncio.sleep(max(0.0, begin + number / hz - loop.time()))
        if not air.notify(machine, DATA, payload(number, hz)):
            raise RuntimeError(f"{machine.address} has lost its link")


def payload(number: int, hz: float) -> bytes:
    """Rower data of somebody at 2:00 / 500 m and 24 strokes a minute; its length is usual.

    Stroke rate and count, distance, pace, power, energy, heart rate and elapsed time: Fitness
    Machine Service 1.0, section 4.8.
    """
    seconds = number / hz
    return (
        0x0B2C.to_bytes(2, "little")
        + bytes([48])
        + int(seconds * 0.4).to_bytes(2, "little")
        + int(seconds * 500 / 120).to_bytes(3, "little")
        + (120).to_bytes(2, "little")
        + (203).to_bytes(2, "little")
        + int(seconds * 0.25).to_bytes(2, "little")
        + (800).to_bytes(2, "little")
        + bytes([13, 140])
        + int(seconds).to_bytes(2, "little")
    )


async def store_all(
    transports: list[BleTransport], clock: Clock, database: Path, wanted: int
) -> tuple[float, float]:
    """Record until so many frames of data are stored; seconds of life, and of the processor.

    Both count from the first frame of data on: opening a database is no matter of a rate.
    """
    sources = [SourceHeader(name=one.source, driver="ftms", options=()) for one in transports]
    devices = [
        Device(transport, make_decoding([source]))
        for transport, source in zip(transports, sources, strict=True)
    ]
    stop = asyncio.Event()
    stored = 0
    began = worked = took_s = work_s = 0.0

    def watch(progress: Progress) -> None:
        nonlocal stored, began, worked, took_s, work_s
        frames = [delivery.frame for delivery in progress.derived.deliveries]
        stored += sum(frame is not None and frame.channel == DATA for frame in frames)
        if stored and not began:
            began, worked = time.perf_counter(), time.process_time()
        if stored >= wanted and not stop.is_set():
            took_s, work_s = time.perf_counter() - began, time.process_time() - worked
            stop.set()

    with Store.open_writer(database) as store:
        session_id = store.begin_session(
            started_at=wall_now(),
            plan=None,
            athlete=None,
            activity="row",
            sources=[Source(name=one.name, driver=one.driver) for one in sources],
        )
        recorder = Recorder(devices, store, session_id, clock=clock)
        loop = asyncio.get_running_loop()
        loop.call_later(120, stop.set)
        await recorder.run(stop=stop, on_progress=watch)
    return took_s, work_s


def read_back(database: Path, machines: int, hz: float, rounds: int) -> int:
    """How many frames are in the database as they were sent, in order and once each."""
    expected = [payload(number, hz) for number in range(rounds)]
    kept: dict[str, list[bytes]] = {f"rower{number}": [] for number in range(machines)}
    with open_reader(database) as reader:
        for frame in reader.read_frames(1):
            if frame.channel == DATA:
                kept[frame.source].append(frame.payload)
    return sum(len(frames) for frames in kept.values() if frames == expected)


async def measure(daemon: Daemon, count: int, hz: float, seconds: float) -> bool:
    """Connect to all, record what they send, and say what it took; whether both bars are kept."""
    player = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.bluetooth"),
        *("--play", daemon.address, "--machines", str(count)),
        *("--hz", str(hz), "--seconds", str(seconds)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert player.stdout is not None
    assert player.stdin is not None
    await player.stdout.readline()
    radio, clock = Radio(), Clock()
    transports = [
        BleTransport(address(number), f"rower{number}", clock, PROFILE, radio=radio, open_s=120)
        for number in range(count)
    ]
    began = time.perf_counter()
    await asyncio.gather(*(transport.open() for transport in transports))
    opened_s = time.perf_counter() - began
    rounds = int((await player.stdout.readline()).split()[1])
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "rowlog.db"
        life, work = await store_all(transports, clock, database, count * rounds)
        player.stdin.close()
        await player.wait()
        frames = read_back(database, count, hz, rounds)
    lost = count * rounds - frames
    percent = 100 * work / life
    print(f"{count} machines connected in {opened_s:.2f} s, one after the other")
    print(f"{frames} frames in {life:.1f} s, {lost} lost")
    print(f"processor: {percent:.2f} % of a core, {1e6 * work / frames:.0f} us a frame")
    return lost == 0 and percent < BAR_PERCENT


def main() -> None:
    """Measure, or play the machines when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machines", type=int, default=60)
    parser.add_argument("--hz", type=float, default=4.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--play", metavar="BUS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.play is not None:
        asyncio.run(play(given.play, given.machines, given.hz, given.seconds))
        return
    daemon = Daemon()
    os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = daemon.address
    try:
        complete = asyncio.run(measure(daemon, given.machines, given.hz, given.seconds))
    finally:
        daemon.kill()
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    main()
