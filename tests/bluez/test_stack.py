"""What BlueZ and bleak do, each fact by name, and that the transport lives with it.

These were seen on BlueZ 5.66 and 5.82; see `stack.py` for running them on a real one.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from bleak import BleakClient, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.exc import BleakDBusError

from rowlog_drivers.clock import Clock
from rowlog_drivers.transports.ble import BleProfile, BleTransport
from rowlog_drivers.transports.ble_radio import Radio
from tests.bluez.fake import Daemon, uuid_of
from tests.bluez.stack import DATA, ELSEWHERE, Stack, Who, room
from tests.bluez.support import Tape

RATE = 20.0
"""Watchdog and backoff run so much faster than life."""


@pytest.fixture(autouse=True)
def on_the_systems_bus(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere it is the real one."""
    if ELSEWHERE in os.environ:
        monkeypatch.delenv("DBUS_SYSTEM_BUS_ADDRESS")


async def found(stack: Stack, who: Who) -> BLEDevice:
    """As bleak's scan gives it."""
    device = await BleakScanner.find_device_by_address(stack.address(who), 10)
    assert device is not None
    return device


@asynccontextmanager
async def followed(
    stack: Stack, who: Who = "rower", *, moving: bool = True
) -> AsyncIterator[tuple[BleTransport, Tape]]:
    """A transport that is connected to the device and subscribed to its data."""
    profile = BleProfile(notify=(DATA[who],), needs=(DATA[who],))
    transport = BleTransport(
        stack.address(who), who, Clock(RATE), profile, radio=Radio(), moving=lambda: moving, seed=1
    )
    await transport.open()
    tape = Tape(transport)
    try:
        await stack.listened_to(who)
        yield transport, tape
    finally:
        await transport.close()
        await tape.end()


async def numbered(stack: Stack, who: Who, first: int, count: int) -> list[bytes]:
    """Send so many frames, each unlike the others."""
    payloads = [number.to_bytes(4, "little") for number in range(first, first + count)]
    for payload in payloads:
        assert await stack.send(who, payload)
    return payloads


def in_the_room(daemon: Daemon, test: Callable[[Stack], Awaitable[None]]) -> None:
    async def run() -> None:
        async with room(daemon) as stack:
            await test(stack)

    asyncio.run(run())


def test_two_scans_in_one_process_fail_and_the_radio_shares_one(daemon: Daemon) -> None:
    async def test(stack: Stack) -> None:
        async with BleakScanner():
            with pytest.raises(BleakDBusError, match="InProgress"):
                await BleakScanner().start()
        radio = Radio()
        both = await asyncio.gather(
            radio.find(lambda one: one.answers_to(stack.address("rower")), 10),
            radio.find(lambda one: one.answers_to(stack.address("strap")), 10),
        )
        assert None not in both

    in_the_room(daemon, test)


def test_a_scan_costs_a_device_that_streams_nothing(daemon: Daemon) -> None:
    async def test(stack: Stack) -> None:
        async with followed(stack) as (_, tape), BleakScanner():
            sent = await numbered(stack, "rower", 0, 50)
            assert await tape.payloads(DATA["rower"], 50) == sent

    in_the_room(daemon, test)


def test_equal_notifications_are_all_delivered(daemon: Daemon) -> None:
    async def test(stack: Stack) -> None:
        async with followed(stack, "strap") as (_, tape):
            for _ in range(20):
                assert await stack.send("strap", b"\x00\x50")
            assert await tape.payloads(DATA["strap"], 20) == [b"\x00\x50"] * 20

    in_the_room(daemon, test)


def test_a_device_that_hangs_up_comes_back_by_itself(daemon: Daemon) -> None:
    async def test(stack: Stack) -> None:
        async with followed(stack) as (_, tape):
            before = await numbered(stack, "rower", 0, 5)
            await tape.of(DATA["rower"], 5)
            await stack.drop("rower", 0.5)
            assert await tape.links(3) == ["up", "down link lost", "up"]
            await stack.listened_to("rower")
            after = await numbered(stack, "rower", 5, 5)
            assert await tape.payloads(DATA["rower"], 10) == before + after

    in_the_room(daemon, test)


def test_a_silent_device_stays_connected_for_bleak_and_not_for_us(daemon: Daemon) -> None:
    async def test(stack: Stack) -> None:
        lost = asyncio.Event()
        client = BleakClient(await found(stack, "strap"), lambda _: lost.set())
        await client.connect()
        await client.start_notify(uuid_of(DATA["strap"]), lambda *_: None)
        async with followed(stack) as (_, tape):
            await numbered(stack, "rower", 0, 5)
            await tape.of(DATA["rower"], 5)
            await stack.mute("strap", True)
            await stack.mute("rower", True)
            assert (await tape.links(2))[1] == "down silent"
            assert client.is_connected
            assert not lost.is_set()
            await stack.mute("rower", False)
            await stack.mute("strap", False)
            assert (await tape.links(3))[2] == "up"
        await client.disconnect()

    in_the_room(daemon, test)


def test_an_adapter_that_was_off_is_used_again(daemon: Daemon) -> None:
    async def test(stack: Stack) -> None:
        async with followed(stack) as (_, tape):
            await stack.power(False)
            assert await tape.links(2) == ["up", "down adapter off"]
            await stack.power(True)
            assert (await tape.links(3))[2] == "up"
            await stack.listened_to("rower")
            sent = await numbered(stack, "rower", 0, 5)
            assert await tape.payloads(DATA["rower"], 5) == sent

    in_the_room(daemon, test)


def test_after_a_restart_of_bluetoothd_every_frame_comes_once(daemon: Daemon) -> None:
    async def test(stack: Stack) -> None:
        async with followed(stack) as (_, tape):
            await stack.restart()
            assert (await tape.links(3))[2] == "up"
            await stack.listened_to("rower")
            sent = await numbered(stack, "rower", 0, 20)
            assert await tape.payloads(DATA["rower"], 20) == sent
            last = await numbered(stack, "rower", 20, 1)
            await tape.until(lambda frames: frames[-1].payload == last[0])
            assert sum(frame.channel == DATA["rower"] for frame in tape.frames) == 21

    in_the_room(daemon, test)


HOLD = """
import asyncio, sys
from bleak import BleakClient, BleakScanner

async def run():
    device = await BleakScanner.find_device_by_address(sys.argv[1], 10)
    async with BleakClient(device):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(run())
"""


def test_what_a_killed_program_leaves_connected_no_scan_finds_and_we_take_over(
    daemon: Daemon,
) -> None:
    async def test(stack: Stack) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", HOLD, stack.address("rower")), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        assert await process.stdout.readline() == b"held\n"
        process.send_signal(signal.SIGKILL)
        await process.wait()
        assert await BleakScanner.find_device_by_address(stack.address("rower"), 0.3) is None
        async with followed(stack) as (_, tape):
            sent = await numbered(stack, "rower", 0, 5)
            assert await tape.payloads(DATA["rower"], 5) == sent

    in_the_room(daemon, test)
