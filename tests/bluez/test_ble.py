"""The Bluetooth transport at its usual work: find, connect, read, stream, send, let go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import LinkLostError
from rowlog_drivers.frames import Request
from rowlog_drivers.interface import Transport
from rowlog_drivers.transports.ble import BleProfile, BleState, BleTransport
from rowlog_drivers.transports.ble_errors import BluetoothError, Trouble
from rowlog_drivers.transports.ble_radio import Radio
from tests.bluez.fake import Characteristic, Daemon, FakeBluez, Machine, bluez, rower, strap
from tests.bluez.support import ROWER, STRAP, Tape, connected

LONG = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"


def as_a_transport(transport: BleTransport) -> Transport:
    """For the type checker: it is what the recorder asks for."""
    return transport


def test_rower_and_strap_stream_side_by_side(daemon: Daemon) -> None:
    async def run() -> None:
        async with bluez(daemon, rower(), strap()) as air:
            radio, clock = Radio(), Clock()
            transports: list[BleTransport] = [
                BleTransport("Rower 1", "rower", clock, ROWER, radio=radio),
                BleTransport("c0:00:00:00:00:02", "strap", clock, STRAP, radio=radio),
            ]
            await asyncio.gather(*(transport.open() for transport in transports))
            assert air.scans >= 1
            assert air.refused_scans == 0
            tapes = [Tape(transport) for transport in transports]
            rows = [bytes([0, 0, number, 0, 0]) for number in range(50)]
            beats = [bytes([0, 60 + number]) for number in range(50)]
            for row, beat in zip(rows, beats, strict=True):
                assert air.notify(air.machines[0], "2ad1", row)
                assert air.notify(air.machines[1], "2a37", beat)
            assert await tapes[0].payloads("2ad1", 50) == rows
            assert await tapes[1].payloads("2a37", 50) == beats
            stamps = [frame.t_ns for frame in tapes[0].frames]
            assert stamps == sorted(stamps)
            assert {frame.source for frame in tapes[0].frames} == {"rower"}
            for transport in transports:
                await transport.close()
                await transport.close()
                assert transport.state is BleState.CLOSED
            assert not any(machine.connected for machine in air.machines)
            for tape in tapes:
                await tape.end()
            assert [frame.payload for frame in tapes[0].frames if frame.channel == "link"] == [
                b"up"
            ]

    asyncio.run(run())


def test_what_the_machine_says_of_itself_comes_first(daemon: Daemon) -> None:
    """Channels that the machine lacks are left out, of reading and of subscribing."""

    async def run() -> None:
        async with connected(daemon, rower()) as (air, transport, tape):
            await tape.payloads("2a19", 1)
            assert [(frame.channel, frame.payload) for frame in tape.frames] == [
                ("link", b"up"),
                ("2a29", b"Acme"),
                ("2a24", b"R1"),
                ("2a25", b"SN01"),
                ("2acc", bytes(8)),
                ("2a19", b"\x5a"),
            ]
            assert transport.services == ("180a", "180f", "1826")
            assert transport.trouble is None
            assert air.machines[0].writes == []
            assert not air.machines[0].characteristic("2ad9").subscribers

    asyncio.run(run())


def test_channels_of_all_lengths(daemon: Daemon) -> None:
    concept2 = "ce060031-43e5-11e4-916c-0800200c9a66"
    machine = rower(
        services={
            "ce060030-43e5-11e4-916c-0800200c9a66": [Characteristic(concept2)],
            "fb005c80-02e7-f387-1cad-8acd2d8df0c8": [Characteristic(LONG)],
        }
    )
    profile = BleProfile(notify=("ce060031", LONG), needs=("ce060031",))

    async def run() -> None:
        async with connected(daemon, machine, profile=profile) as (air, transport, tape):
            assert transport.services == ("ce060030", "fb005c80-02e7-f387-1cad-8acd2d8df0c8")
            assert air.notify(machine, concept2, b"\x01")
            assert air.notify(machine, LONG, b"\x02")
            assert await tape.payloads("ce060031", 1) == [b"\x01"]
            assert await tape.payloads(LONG, 1) == [b"\x02"]

    asyncio.run(run())


def test_a_machine_that_must_be_told_to_start_is_told(daemon: Daemon) -> None:
    """Request control, answer, start, answer: the second is sent only after the first answer."""
    machine = rower()
    profile = BleProfile(
        notify=("2ad1",),
        needs=("2ad1",),
        start=(
            Request(channel="2ad9", payload=b"\x00"),
            Request(channel="2ad9", payload=b"\x07"),
        ),
    )

    async def run() -> None:
        async with bluez(daemon, machine) as air:

            def answer(uuid: str, payload: bytes) -> None:
                air.notify(machine, uuid, b"\x80" + payload + b"\x01")

            machine.on_write = answer
            transport = BleTransport(machine.address, "rower", Clock(), profile, radio=Radio())
            await transport.open()
            tape = Tape(transport)
            await tape.until(lambda frames: len(frames) == 5)
            assert [(frame.channel, frame.sent, frame.payload) for frame in tape.frames] == [
                ("link", False, b"up"),
                ("2ad9", True, b"\x00"),
                ("2ad9", False, b"\x80\x00\x01"),
                ("2ad9", True, b"\x07"),
                ("2ad9", False, b"\x80\x07\x01"),
            ]
            await transport.close()
            await tape.end()

    asyncio.run(run())


def test_sending(daemon: Daemon) -> None:
    async def run() -> None:
        async with connected(daemon, rower()) as (air, transport, tape):
            await transport.send(Request(channel="2ad9", payload=b"\x00"))
            assert air.machines[0].writes == [("2ad9", b"\x00")]
            assert (await tape.of("2ad9", 1))[0].sent
            with pytest.raises(BluetoothError, match="Rower 1 has no 2a39"):
                await transport.send(Request(channel="2a39", payload=b"\x01"))
            await transport.close()
            with pytest.raises(LinkLostError, match="Rower 1 is not connected"):
                await transport.send(Request(channel="2ad9", payload=b"\x00"))

    asyncio.run(run())


def test_a_sighting_is_connected_without_another_scan(daemon: Daemon) -> None:
    async def run() -> None:
        async with bluez(daemon, rower()) as air:
            radio = Radio()
            sighting = await radio.find(lambda one: one.name == "Rower 1", 5)
            assert sighting is not None
            transport = BleTransport(sighting, "rower", Clock(), ROWER, radio=radio)
            await transport.open()
            assert air.scans == 1
            assert transport.address == "C0:00:00:00:00:01"
            await transport.close()

    asyncio.run(run())


def test_a_machine_left_connected_by_a_dead_recorder_is_taken_over(daemon: Daemon) -> None:
    """It does not advertise, so no scan would find it; bluetoothd still has it connected."""

    async def run() -> None:
        machine = rower()
        async with bluez(daemon) as air:
            air.machines.append(machine)
            air.hold(machine)
            transport = BleTransport(machine.address, "rower", Clock(), ROWER, radio=Radio())
            await transport.open()
            tape = Tape(transport)
            assert air.scans == 0
            assert machine.connects == 0
            assert air.notify(machine, "2ad1", b"\x00\x00")
            assert await tape.payloads("2ad1", 1) == [b"\x00\x00"]
            await transport.close()
            assert not machine.connected
            await tape.end()

    asyncio.run(run())


def test_identical_payloads_are_all_kept(daemon: Daemon) -> None:
    async def run() -> None:
        async with connected(daemon, strap(), profile=STRAP) as (air, _, tape):
            for _ in range(20):
                assert air.notify(air.machines[0], "2a37", b"\x00\x50")
            assert air.notify(air.machines[0], "2a37", b"\x00\x51")
            assert await tape.payloads("2a37", 21) == [b"\x00\x50"] * 20 + [b"\x00\x51"]

    asyncio.run(run())


def change(what: Callable[[FakeBluez, Machine], object]) -> Callable[[FakeBluez], Awaitable[None]]:
    async def apply(air: FakeBluez) -> None:
        what(air, air.machines[0])

    return apply


@pytest.mark.parametrize(
    ("before", "trouble", "next_step"),
    [
        (change(lambda air, _: air.power(False)), Trouble.ADAPTER_OFF, "bluetoothctl power on"),
        (change(lambda air, _: air.pull()), Trouble.NO_ADAPTER, "Plug in"),
        (FakeBluez.kill, Trouble.NO_SERVICE, "systemctl start bluetooth"),
        (
            change(lambda _, machine: machine.services.pop("1826")),
            Trouble.MISSING,
            "firmware",
        ),
        (change(lambda air, machine: air.leave(machine)), Trouble.NOT_FOUND, "Wake it"),
    ],
)
def test_opening_says_why_not_and_what_to_do(
    daemon: Daemon,
    before: Callable[[FakeBluez], Awaitable[None]],
    trouble: Trouble,
    next_step: str,
) -> None:
    async def run() -> None:
        async with bluez(daemon, rower()) as air:
            await before(air)
            transport = BleTransport(
                "Rower 1", "rower", Clock(20), ROWER, radio=Radio(), open_s=3.0
            )
            with pytest.raises(BluetoothError) as raised:
                await transport.open()
            assert raised.value.trouble is trouble
            assert next_step in str(raised.value)
            assert transport.state is BleState.CLOSED
            assert [frame async for frame in transport.frames()] == []

    asyncio.run(run())


def test_a_machine_of_another_kind_says_what_it_offers(daemon: Daemon) -> None:
    async def run() -> str:
        async with bluez(daemon, strap(name="Rower 1")):
            transport = BleTransport("Rower 1", "rower", Clock(20), ROWER, radio=Radio())
            with pytest.raises(BluetoothError) as raised:
                await transport.open()
            return raised.value.what

    assert asyncio.run(run()) == ("Rower 1: connected, but it has no 2ad1. It offers 180d, 180f.")


def test_without_a_bus(daemon: Daemon) -> None:
    async def run() -> None:
        daemon.kill()
        with pytest.raises(BluetoothError) as raised:
            await Radio().check()
        assert raised.value.trouble is Trouble.NO_BUS

    asyncio.run(run())
