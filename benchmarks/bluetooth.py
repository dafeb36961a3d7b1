"""How much of a processor it takes to read many Bluetooth machines, and whether any frame is lost.

    .venv/bin/python -m benchmarks.bluetooth [--machines 60] [--hz 4] [--seconds 20]

The machines are played by a stand-in for BlueZ in a process of its own, on a private D-Bus; what is
measured is rowlog's transport, the real bleak and dbus-fast. Needs Linux and dbus-daemon.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time

from rowlog_drivers.clock import Clock
from rowlog_drivers.transports.ble import BleProfile, BleTransport
from rowlog_drivers.transports.ble_radio import Radio
from tests.bluez.fake import Daemon, FakeBluez, Machine, rower

DATA = "2ad1"
PROFILE = BleProfile(notify=(DATA,), needs=(DATA,), reads=("2a29", "2a24", "2a25"))
FRAME_BYTES = 20


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
        if not air.notify(machine, DATA, number.to_bytes(FRAME_BYTES, "little")):
            raise RuntimeError(f"{machine.address} has lost its link")


async def take(transport: BleTransport, rounds: int) -> int:
    """How many of the machine's frames came, in order and once each, until the last one."""
    count = 0
    async for frame in transport.frames():
        if frame.channel != DATA:
            continue
        if int.from_bytes(frame.payload, "little") == count:
            count += 1
        if int.from_bytes(frame.payload, "little") == rounds - 1:
            break
    return count


async def measure(daemon: Daemon, count: int, hz: float, seconds: float) -> bool:
    """Connect to all, take what they send, and say what it took; whether nothing was lost."""
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
    work, life = time.process_time(), time.perf_counter()
    got = await asyncio.gather(*(take(transport, rounds) for transport in transports))
    work, life = time.process_time() - work, time.perf_counter() - life
    await asyncio.gather(*(transport.close() for transport in transports))
    player.stdin.close()
    await player.wait()
    frames = sum(got)
    lost = count * rounds - frames
    print(f"{count} machines connected in {opened_s:.2f} s, one after the other")
    print(f"{frames} frames in {life:.1f} s, {lost} lost")
    print(f"processor: {100 * work / life:.2f} % of a core, {1e6 * work / frames:.0f} us a frame")
    return lost == 0


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
