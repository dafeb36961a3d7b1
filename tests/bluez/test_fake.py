"""The stand-in for BlueZ, through the real bleak: what it shows is what bleak makes of it."""

from __future__ import annotations

import asyncio

import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakDBusError

from tests.bluez.fake import (
    ABORT,
    HANG,
    IN_PROGRESS,
    Daemon,
    Fail,
    bluez,
    rower,
    strap,
    uuid_of,
)
from tests.bluez.support import PATIENCE_S

ROWER_DATA = uuid_of("2ad1")


def test_two_machines_are_found_and_every_notification_arrives(daemon: Daemon) -> None:
    async def run() -> None:
        async with bluez(daemon, rower(), strap()) as air:
            found = await BleakScanner.discover(0.2, return_adv=True)
            assert {device.name for device, _ in found.values()} == {"Rower 1", "Strap"}
            machine = air.machines[0]
            payloads: list[bytes] = []
            all_there = asyncio.Event()
            async with BleakClient(found[machine.address][0]) as client:
                assert bytes(await client.read_gatt_char(uuid_of("2a29"))) == b"Acme"

                def heard(_: object, payload: bytearray) -> None:
                    payloads.append(bytes(payload))
                    if len(payloads) == 200:
                        all_there.set()

                await client.start_notify(ROWER_DATA, heard)
                sent = [bytes([number // 2]) for number in range(200)]
                for payload in sent:
                    assert air.notify(machine, "2ad1", payload)
                await asyncio.wait_for(all_there.wait(), PATIENCE_S)
                assert payloads == sent
            assert not machine.connected

    asyncio.run(run())


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ([IN_PROGRESS], "org.bluez.Error.InProgress"),
        ([Fail("org.bluez.Error.Failed", "Software caused connection abort")], "Failed"),
        ([ABORT, ABORT, ABORT], "connected"),
        ([HANG], "TimeoutError"),
        ([], "connected"),
    ],
)
def test_what_bleak_makes_of_each_answer_to_connect(
    daemon: Daemon, script: list[Fail | None], outcome: str
) -> None:
    """bleak repeats an abort-by-local itself and hands everything else over."""

    async def run() -> str:
        async with bluez(daemon, rower()) as air:
            device = await BleakScanner.find_device_by_name("Rower 1", 5)
            assert device is not None
            air.machines[0].script["Connect"].extend(script)
            client = BleakClient(device, timeout=0.5)
            try:
                await client.connect()
            except BleakDBusError as error:
                return error.dbus_error
            except TimeoutError:
                return "TimeoutError"
            finally:
                await client.disconnect()
            return "connected"

    assert outcome in asyncio.run(run())


def test_a_link_that_falls_is_told_and_a_vanished_object_is_not(daemon: Daemon) -> None:
    async def run() -> None:
        async with bluez(daemon, rower(), strap()) as air:
            found = await BleakScanner.discover(0.2)
            down: dict[str, asyncio.Event] = {
                machine.address: asyncio.Event() for machine in air.machines
            }
            clients = [
                BleakClient(device, disconnected_callback=lambda client: down[client.address].set())
                for device in sorted(found, key=lambda device: device.address)
            ]
            for client in clients:
                await client.connect()
            air.drop(air.machines[0])
            await asyncio.wait_for(down[air.machines[0].address].wait(), PATIENCE_S)
            air.forget(air.machines[1])
            with pytest.raises(BleakDBusError):
                await clients[1].start_notify(uuid_of("2a37"), lambda *_: None)
            assert clients[1].is_connected
            assert not down[air.machines[1].address].is_set()
            with pytest.raises(BleakDBusError):
                await clients[1].disconnect()
            await clients[0].disconnect()

    asyncio.run(run())
