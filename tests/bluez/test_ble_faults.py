"""What goes wrong between a machine and rowlog, and that recording goes on.

Time runs twenty times as fast as life where watchdog and backoff are waited for.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest

from rowlog import summary
from rowlog.recorder import Progress, Recorder
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock, wall_now
from rowlog_drivers.device import Device
from rowlog_drivers.frames import SourceHeader
from rowlog_drivers.transports import ble
from rowlog_drivers.transports.ble import BleProfile, BleState, BleTransport
from rowlog_drivers.transports.ble_errors import BluetoothError, Trouble
from rowlog_drivers.transports.ble_radio import Radio
from tests.bluez.fake import (
    ABORT,
    HANG,
    IN_PROGRESS,
    Characteristic,
    Daemon,
    Fail,
    FakeBluez,
    Machine,
    bluez,
    rower,
    strap,
)
from tests.bluez.support import PATIENCE_S, ROWER, STRAP, Tape, connected

RATE = 20.0
DATA = "2ad1"
QUIET = BleProfile(notify=(DATA,), needs=(DATA,), reads=("2a29",))


class Sender:
    """A machine that sends a numbered frame every so often, as long as it can."""

    def __init__(self, air: FakeBluez, machine: Machine, uuid: str = DATA) -> None:
        self.air, self.machine, self.uuid = air, machine, uuid
        self.sent: list[bytes] = []
        self.paused = False

    def send(self) -> bool:
        payload = len(self.sent).to_bytes(4, "little")
        if self.paused or not self.air.notify(self.machine, self.uuid, payload):
            return False
        self.sent.append(payload)
        return True

    async def run(self, every_s: float) -> None:
        while True:
            self.send()
            await asyncio.sleep(every_s / RATE)


@asynccontextmanager
async def sending(
    air: FakeBluez, machine: Machine, *, every_s: float = 0.5, uuid: str = DATA
) -> AsyncIterator[Sender]:
    """The machine sends every `every_s` of session time."""
    sender = Sender(air, machine, uuid)
    task = asyncio.create_task(sender.run(every_s))
    try:
        yield sender
    finally:
        task.cancel()


def test_row_1_silence_with_the_link_up_is_noticed_and_the_link_made_anew(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with (
            connected(daemon, machine, profile=QUIET, rate=RATE, moving=lambda: True) as (
                air,
                transport,
                tape,
            ),
            sending(air, machine) as sender,
        ):
            await tape.of(DATA, 20)
            machine.silent = True
            last = await tape.of(DATA, len(sender.sent))
            await air.until(lambda: (machine.path, "Disconnect") in air.calls)
            assert told(transport)[0] == "silent"
            machine.silent = False
            assert await tape.links(3) == ["up", "down silent", "up"]
            down, up = (await tape.of("link", 3))[1:]
            # 3 s until it is noticed; then StopNotify hangs for its 2 s of life, 40 here.
            assert down.t_ns - last[-1].t_ns >= 3e9
            assert up.t_ns >= down.t_ns
            await tape.until(
                lambda frames: sum(frame.channel == DATA for frame in frames) > len(last) + 10
            )
            assert transport.state is BleState.UP
            sent = list(sender.sent)
            assert await tape.payloads(DATA, len(sent)) == sent

    asyncio.run(run())


def test_row_1_a_module_that_stops_notifying_is_subscribed_to_again(daemon: Daemon) -> None:
    """It needs no new link: the subscription written once more brings it back."""

    async def run() -> None:
        machine = rower()
        async with (
            connected(daemon, machine, profile=QUIET, rate=RATE, moving=lambda: True) as (
                air,
                _transport,
                tape,
            ),
            sending(air, machine) as sender,
        ):
            await tape.of(DATA, 20)
            starts = machine.characteristic(DATA).starts
            sender.paused = True
            await air.until(lambda: machine.characteristic(DATA).starts > starts)
            before = len(sender.sent)
            sender.paused = False
            await tape.of(DATA, before + 20)
            assert await tape.links(1) == ["up"]
            assert machine.connects == 1
            assert [frame.channel for frame in tape.frames].count("link") == 1
            assert await tape.payloads(DATA, before) == sender.sent[:before]

    asyncio.run(run())


@pytest.mark.parametrize("always_sends", [False, True])
def test_row_1_a_machine_at_rest_may_be_silent(daemon: Daemon, always_sends: bool) -> None:
    """It is asked whether it is still there; only one that always sends is given up."""
    profile = BleProfile(notify=(DATA,), needs=(DATA,), reads=("2a29",), always_sends=always_sends)

    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=profile, rate=RATE, moving=lambda: False) as (
            air,
            _transport,
            tape,
        ):
            for number in range(4):
                assert air.notify(machine, DATA, bytes([number]))
            await tape.of(DATA, 4)
            if always_sends:
                assert await tape.links(3) == ["up", "down silent", "up"]
                return
            await air.until(lambda: machine.reads.count("2a19") >= 3)
            assert await tape.links(1) == ["up"]
            assert machine.connects == 1
            assert air.notify(machine, DATA, b"\xff")
            assert (await tape.payloads(DATA, 5))[-1] == b"\xff"

    asyncio.run(run())


def test_row_1_a_machine_at_rest_whose_link_is_dead_is_given_up(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, _transport, tape):
            for number in range(4):
                assert air.notify(machine, DATA, bytes([number]))
            await tape.of(DATA, 4)
            machine.script["ReadValue"].append(HANG)
            await air.until(lambda: not machine.connected)
            assert await tape.links(3) == ["up", "down silent", "up"]

    asyncio.run(run())


def test_row_2_a_link_that_falls_is_made_again_at_once(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET) as (air, _transport, tape):
            assert air.notify(machine, DATA, b"\x01")
            await tape.of(DATA, 1)
            air.drop(machine)
            assert await tape.links(3) == ["up", "down link lost", "up"]
            await air.until_subscribed(machine, DATA)
            assert air.notify(machine, DATA, b"\x02")
            assert await tape.payloads(DATA, 2) == [b"\x01", b"\x02"]
            down, up = (await tape.of("link", 3))[1:]
            assert up.t_ns - down.t_ns < 0.8e9  # the first retry waits for nothing
            assert [frame.channel for frame in tape.frames].count("2a29") == 1

    asyncio.run(run())


def test_row_60_after_a_sleep_the_link_is_made_anew_at_once(daemon: Daemon) -> None:
    """BlueZ may call a device connected that was long gone when the computer woke."""

    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET) as (air, transport, tape):
            assert air.notify(machine, DATA, b"\x01")
            await tape.of(DATA, 1)
            transport.woke()
            assert await tape.links(3) == ["up", "down computer slept", "up"]
            down, up = (await tape.of("link", 3))[1:]
            assert up.t_ns - down.t_ns < 0.8e9

    asyncio.run(run())


def test_row_2_out_of_reach_and_back(daemon: Daemon) -> None:
    """As long as it is away the transport goes on looking; it is back by itself."""

    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, _transport, tape):
            air.leave(machine)
            await tape.links(2)
            await air.until(lambda: air.scans >= 2)
            machine.in_reach = True
            assert await tape.links(3) == ["up", "down link lost", "up"]

    asyncio.run(run())


def test_row_3_bluetoothd_is_killed_and_comes_back(daemon: Daemon) -> None:
    """bleak notices nothing by itself and would deliver everything twice afterwards."""

    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, _transport, tape):
            assert air.notify(machine, DATA, b"\x01")
            await tape.of(DATA, 1)
            await air.kill()
            assert await tape.links(2) == ["up", "down Bluetooth service stopped or restarted"]
            await air.start()
            await tape.links(3)
            await air.until_subscribed(machine, DATA)
            for number in range(2, 12):
                assert air.notify(machine, DATA, bytes([number]))
            await tape.until(lambda frames: frames[-1].payload == bytes([11]))
            assert await tape.payloads(DATA, 11) == [bytes([number]) for number in range(1, 12)]
            assert sum(frame.channel == DATA for frame in tape.frames) == 11

    asyncio.run(run())


def test_row_3_bluetoothd_stays_away(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, transport, _tape):
            changed = watching(transport)
            await air.kill()
            await until_trouble(transport, changed, Trouble.NO_SERVICE)
            assert told(transport) == (
                "Bluetooth service not running",
                "Start it: sudo systemctl start bluetooth",
            )

    asyncio.run(run())


def told(transport: BleTransport) -> tuple[str, str | None]:
    """What a person is told of a device that is not heard: the trouble, and what to do."""
    complaint = transport.complaint()
    assert complaint is not None
    assert (complaint.source, complaint.device) == ("rower", "Rower 1")
    assert complaint.seconds >= 0
    return complaint.trouble, complaint.advice


def watching(transport: BleTransport) -> asyncio.Event:
    changed = asyncio.Event()
    transport._on_change = lambda _: changed.set()
    return changed


async def until_trouble(transport: BleTransport, changed: asyncio.Event, trouble: Trouble) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while transport.trouble is None or transport.trouble.trouble is not trouble:
            changed.clear()
            await changed.wait()


def test_row_4_the_system_bus_dies(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (_air, transport, tape):
            daemon.kill()
            assert await tape.links(2) == ["up", "down system bus lost"]
            assert transport.state is not BleState.CLOSED
            assert told(transport)[0] == "system bus lost"

    asyncio.run(run())


def test_row_5_the_adapter_is_switched_off_and_on(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, transport, tape):
            air.power(False)
            assert await tape.links(2) == ["up", "down adapter off"]
            assert told(transport) == ("adapter off", "Switch it on: bluetoothctl power on")
            air.power(True)
            assert (await tape.links(3))[-1] == "up"
            await air.until_subscribed(machine, DATA)
            assert air.notify(machine, DATA, b"\x01")
            await tape.of(DATA, 1)
            assert transport.complaint() is None

    asyncio.run(run())


def test_row_5_a_switch_holds_the_adapter_off(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Layout: the kernel's Documentation/ABI/stable/sysfs-class-rfkill."""
    switch = tmp_path / "rfkill0"
    switch.mkdir()
    for name, value in (("type", "bluetooth"), ("soft", "1"), ("hard", "0")):
        (switch / name).write_text(f"{value}\n")
    monkeypatch.setattr("rowlog_drivers.transports.ble_errors._RFKILL", tmp_path)

    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, transport, tape):
            air.power(False)
            assert await tape.links(2) == ["up", "down adapter blocked"]
            assert told(transport) == (
                "adapter blocked",
                "Unblock it: rfkill unblock bluetooth",
            )

    asyncio.run(run())


def test_who_may_not_use_bluetooth_is_told_how_to(daemon: Daemon) -> None:
    async def run() -> BluetoothError:
        async with bluez(daemon, rower()) as air:
            denied = Fail("org.freedesktop.DBus.Error.AccessDenied", "rejected")
            air.script["GetManagedObjects"].extend([denied] * 3)
            with pytest.raises(BluetoothError) as raised:
                await Radio().check()
            return raised.value

    error = asyncio.run(run())
    assert error.trouble is Trouble.NO_PERMISSION
    assert "usermod -aG bluetooth" in str(error)


def test_row_5_the_adapter_is_pulled_out_and_put_back(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, _transport, tape):
            air.pull()
            assert await tape.links(2) == ["up", "down no Bluetooth adapter"]
            air.plug()
            assert (await tape.links(3))[-1] == "up"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("row", "script", "trouble"),
    [
        (6, [IN_PROGRESS] * 3, Trouble.BUSY),
        (
            7,
            [Fail("org.bluez.Error.Failed", "Software caused connection abort")] * 3,
            Trouble.INTERFERENCE,
        ),
        (18, [Fail("org.bluez.Error.Failed", "le-connection-create-socket")], Trouble.NO_SLOT),
        (18, [Fail("org.bluez.Error.Failed", "No available connection slots")], Trouble.NO_SLOT),
    ],
)
def test_rows_6_7_18_a_connection_that_is_refused_is_tried_again(
    daemon: Daemon, row: int, script: list[Fail | None], trouble: Trouble
) -> None:
    async def run() -> None:
        machine = rower()
        machine.script["Connect"].extend(script)
        troubles: list[Trouble | None] = []

        def note(transport: BleTransport) -> None:
            troubles.append(None if transport.trouble is None else transport.trouble.trouble)

        async with connected(daemon, machine, profile=QUIET, rate=RATE, on_change=note) as (
            _air,
            transport,
            _tape,
        ):
            assert trouble in troubles
            assert troubles[-1] is None
            assert transport.attempts == len(script) + 1

    asyncio.run(run())


def test_row_6_after_30_s_the_other_program_is_to_be_closed(daemon: Daemon) -> None:
    """Until then it may well let go by itself, and nothing is asked of anybody."""

    async def run() -> list[tuple[float, str | None]]:
        machine = rower()
        advice: list[tuple[float, str | None]] = []

        def note(transport: BleTransport) -> None:
            complaint = transport.complaint()
            if complaint is not None and complaint.trouble == "another program is connecting":
                advice.append((complaint.seconds, complaint.advice))

        async with connected(daemon, machine, profile=QUIET, rate=RATE, on_change=note) as (
            air,
            _transport,
            tape,
        ):
            machine.script["Connect"].extend([IN_PROGRESS] * 8)
            air.drop(machine)
            await tape.links(3)
        return advice

    told_at = asyncio.run(run())
    assert told_at[0][0] < 30 < told_at[-1][0]
    for seconds, advice in told_at:
        assert advice == (None if seconds < 30 else "Close other apps that use this device.")


def test_row_7_interference_is_named_after_three_attempts(daemon: Daemon) -> None:
    async def run() -> list[tuple[int, str | None]]:
        machine = rower()
        advice: list[tuple[int, str | None]] = []

        def note(transport: BleTransport) -> None:
            complaint = transport.complaint()
            if complaint is not None and complaint.trouble == "interference or out of range":
                advice.append((transport.attempts, complaint.advice))

        machine.script["Connect"].extend(
            [Fail("org.bluez.Error.Failed", "Software caused connection abort")] * 4
        )
        async with connected(daemon, machine, profile=QUIET, rate=RATE, on_change=note):
            return advice

    told_at = asyncio.run(run())
    assert {attempts for attempts, advice in told_at if advice is None} == {1, 2}
    assert {attempts for attempts, advice in told_at if advice is not None} >= {3, 4}


def test_row_7_abort_by_local_twenty_times(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        machine.script["Connect"].extend([ABORT] * 20)
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (_, _transport, tape):
            assert await tape.links(1) == ["up"]

    asyncio.run(run())


def test_row_8_connect_never_answers(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does the Disconnect with which bleak takes the attempt back."""
    monkeypatch.setattr("rowlog_drivers.transports.ble_link.CONNECT_S", 0.3)

    async def run() -> None:
        machine = rower()
        machine.script["Connect"].append(HANG)
        machine.script["Disconnect"].append(HANG)
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (_, transport, tape):
            assert await tape.links(1) == ["up"]
            assert transport.attempts == 2

    asyncio.run(run())


def test_row_9_a_reconnect_storm_slows_down(daemon: Daemon) -> None:
    """A link that lives a second each time: the pauses grow although every connect succeeds."""

    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=100.0) as (air, _transport, tape):
            for number in range(7):
                await tape.links(2 * number + 1)
                await air.until_subscribed(machine, DATA)
                assert air.notify(machine, DATA, bytes([number]))
                await tape.of(DATA, number + 1)
                air.drop(machine)
            links = await tape.of("link", 15)
            pauses = [
                (up.t_ns - down.t_ns) / 1e9
                for down, up in zip(links[1::2], links[2::2], strict=True)
            ]
            least = [0.8 * backoff_s for backoff_s in (0, 1, 2, 4, 8, 15, 15)]
            assert all(pause >= at_least for pause, at_least in zip(pauses, least, strict=True))
            assert await tape.payloads(DATA, 7) == [bytes([number]) for number in range(7)]

    asyncio.run(run())


def test_row_10_a_second_recorder_on_the_same_machine_doubles_nothing(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET) as (air, _transport, tape):
            radio = Radio()
            second = BleTransport(machine.address, "again", Clock(), QUIET, radio=radio)
            await second.open()
            other = Tape(second)
            for number in range(20):
                assert air.notify(machine, DATA, bytes([number // 2]))
            expected = [bytes([number // 2]) for number in range(20)]
            assert await tape.payloads(DATA, 20) == expected
            assert await other.payloads(DATA, 20) == expected
            assert sum(frame.channel == DATA for frame in tape.frames) == 20
            await second.close()
            await other.end()
            # BlueZ has one link for all programs of a computer: the second took it down.
            assert (await tape.links(3))[-1] == "up"
            await air.until_subscribed(machine, DATA)

    asyncio.run(run())


def test_row_13_services_of_an_older_firmware_are_forgotten(daemon: Daemon) -> None:
    """BlueZ shows what it remembers until it is told to forget the device."""

    async def run() -> None:
        machine = rower()
        fresh = machine.services
        machine.services = {"1826": [fresh["1826"][1]]}
        async with bluez(daemon, machine) as air:
            transport = BleTransport(machine.address, "rower", Clock(), QUIET, radio=Radio())
            opening = asyncio.create_task(transport.open())
            await air.until(lambda: any(member == "RemoveDevice" for _, member in air.calls))
            machine.services = fresh
            await opening
            assert machine.connects == 3
            await transport.close()

    asyncio.run(run())


def test_row_14_services_that_come_late(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower(resolved=False)
        async with connected(daemon, machine, profile=QUIET) as (air, _transport, tape):
            assert machine.connects == 2
            assert air.notify(machine, DATA, b"\x01")
            assert await tape.payloads(DATA, 1) == [b"\x01"]

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer", [HANG, Fail("org.bluez.Error.Failed", "Operation failed with ATT error: 0x0e")]
)
def test_row_15_subscribing_hangs_or_fails(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, answer: Fail
) -> None:
    monkeypatch.setattr("rowlog_drivers.transports.ble_link.SUBSCRIBE_S", 0.3)

    async def run() -> None:
        machine = rower()
        machine.script["StartNotify"].append(answer)
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (_air, _transport, tape):
            links = await tape.links(3)
            assert links[0] == links[2] == "up"
            assert links[1] in ("down no answer in time", "down refused by the device")
            assert machine.connects == 2

    asyncio.run(run())


@pytest.mark.parametrize("silent", [False, True])
def test_row_16_closing_ends_even_when_disconnect_hangs(daemon: Daemon, silent: bool) -> None:
    async def run() -> float:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET) as (air, transport, tape):
            assert air.notify(machine, DATA, b"\x01")
            await tape.of(DATA, 1)
            machine.silent = silent
            machine.script["Disconnect"].append(HANG)
            started = asyncio.get_running_loop().time()
            await transport.close()
            assert await tape.payloads(DATA, 1) == [b"\x01"]
            return asyncio.get_running_loop().time() - started

    assert asyncio.run(run()) < 5


def test_row_16_closing_ends_while_everything_hangs(daemon: Daemon) -> None:
    """In the middle of a search, with a bluetoothd that answers nothing any more."""

    async def run() -> float:
        machine = rower()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, transport, _tape):
            air.leave(machine)
            await air.until(lambda: bool(air.scanners))
            air.script["StopDiscovery"].append(HANG)
            started = asyncio.get_running_loop().time()
            await transport.close()
            return asyncio.get_running_loop().time() - started

    assert asyncio.run(run()) < 5


def test_a_program_that_was_held_up_takes_no_machine_for_silent(daemon: Daemon) -> None:
    """Six seconds of session time in which nothing could be taken in, again and again."""

    async def run() -> None:
        machine = rower()
        loop = asyncio.get_running_loop()
        async with (
            connected(daemon, machine, profile=QUIET, rate=RATE, moving=lambda: True) as (
                air,
                _transport,
                tape,
            ),
            sending(air, machine),
        ):
            for number in range(1, 6):
                await tape.of(DATA, 20 * number)
                until_s = loop.time() + 6 / RATE
                while loop.time() < until_s:
                    pass  # the whole program stands still
            await tape.of(DATA, 120)
            assert machine.characteristic(DATA).starts == 1
            assert await tape.links(1) == ["up"]

    asyncio.run(run())


def test_closing_while_connecting_leaves_no_link(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        machine.script["Connect"].append(HANG)
        async with bluez(daemon, machine) as air:
            transport = BleTransport(machine.address, "rower", Clock(), QUIET, radio=Radio())
            opening = asyncio.create_task(transport.open())
            await air.until(lambda: (machine.path, "Connect") in air.calls)
            opening.cancel()
            await asyncio.wait({opening})
            await transport.close()
            await air.until(lambda: (machine.path, "Disconnect") in air.calls)
            assert not air.scanners

    asyncio.run(run())


def test_closing_while_opening_ends_the_opening(daemon: Daemon) -> None:
    async def run() -> None:
        async with bluez(daemon) as air:
            transport = BleTransport("Nobody", "rower", Clock(), QUIET, radio=Radio())
            opening = asyncio.create_task(transport.open())
            await air.until(lambda: bool(air.scanners))
            await transport.close()
            with pytest.raises(BluetoothError, match="Nobody: not found"):
                await opening

    asyncio.run(run())


def test_row_17_two_machines_of_one_name(daemon: Daemon) -> None:
    """A name that two have is asked about; an address is not mixed up, whatever its name."""

    async def run() -> None:
        first, second = rower(), rower("C0:00:00:00:00:09")
        async with bluez(daemon, first, second) as air:
            radio = Radio()
            with pytest.raises(BluetoothError) as raised:
                await BleTransport("Rower 1", "rower", Clock(), QUIET, radio=radio).open()
            assert raised.value.trouble is Trouble.AMBIGUOUS
            assert "C0:00:00:00:00:01 and C0:00:00:00:00:09" in raised.value.what
            transport = BleTransport(second.address, "rower", Clock(), QUIET, radio=radio)
            await transport.open()
            tape = Tape(transport)
            air.leave(second)
            await tape.links(2)
            await air.until(lambda: bool(air.scanners))
            second.in_reach = True
            await tape.links(3)
            assert (first.connects, second.connects) == (0, 2)
            await transport.close()
            await tape.end()

    asyncio.run(run())


SERIAL = BleProfile(notify=("2a37",), needs=("2a37",), reads=("2a25", "2a19"))
"""A strap that is asked for its serial number."""
OLD, NEW, OTHER = "4A:00:00:00:00:01", "4B:00:00:00:00:02", "4C:00:00:00:00:03"
STAYS = "C4:00:00:00:00:01"


def numbered(address: str, serial: bytes | None, name: str = "Belt") -> Machine:
    """A strap with this serial number; None: it has none."""
    machine = strap(address, name)
    if serial is not None:
        machine.services["180a"] = [Characteristic("2a25", ("read",), serial)]
    return machine


async def moved(
    daemon: Daemon,
    monkeypatch: pytest.MonkeyPatch,
    lost: Machine,
    others: Sequence[Machine],
    *,
    profile: BleProfile = SERIAL,
) -> tuple[BleTransport, list[Machine], list[str]]:
    """The strap is lost in mid-session, and the others are heard from then on.

    The transport once it has either taken one of them or searched three times in vain, the
    machines that it is connected to then, and the addresses that are left waiting.
    """
    monkeypatch.setattr(ble, "SEARCH_S", 0.3)
    async with connected(daemon, lost, profile=profile, rate=RATE) as (air, transport, tape):
        assert air.notify(lost, "2a37", b"\x00\x50")
        await tape.of("2a37", 1)
        air.leave(lost)
        air.machines.extend(others)
        started = air.scans
        await air.until(
            lambda: (
                any(one.characteristic("2a37").subscribers for one in others)
                or air.scans >= started + 4
            )
        )
        taken = [one for one in others if one.characteristic("2a37").subscribers]
        for machine in taken:
            assert air.notify(machine, "2a37", b"\x00\x51")
            assert await tape.payloads("2a37", 2) == [b"\x00\x50", b"\x00\x51"]
            assert {frame.source for frame in tape.frames} == {"rower"}
            assert (await tape.links(3))[1:] == ["down link lost", "up"]
        complaint = transport.complaint()
        troubles = [] if complaint is None else [complaint.trouble]
        return transport, taken, troubles


@pytest.mark.parametrize(
    ("serial", "others", "taken", "trouble"),
    [
        pytest.param(b"SN-1234", {NEW: b"SN-1234"}, NEW, None, id="its serial number"),
        pytest.param(
            b"SN-1234", {NEW: b"SN-1234\0", OTHER: b"SN-9999"}, NEW, None, id="beside a stranger"
        ),
        pytest.param(b"SN-1234", {OTHER: b"SN-9999"}, None, "not found", id="a stranger"),
        pytest.param(
            b"SN-1234", {OTHER: None}, None, "found only by name",
            id="one that does not tell",
        ),
        pytest.param(
            b"SN-1234", {NEW: b"SN-1234", OTHER: b"SN-1234"}, None,
            "found only by name", id="a serial number that two have",
        ),
        pytest.param(None, {NEW: None}, NEW, None, id="the only one of its name"),
        pytest.param(b"0000", {NEW: b"0000"}, NEW, None, id="a serial number that tells nothing"),
        pytest.param(
            None, {NEW: None, OTHER: None}, None, "found only by name",
            id="two of its name",
        ),
        pytest.param(
            None, {OTHER: b"SN-9999"}, None, "not found", id="one with a number where it had none"
        ),
    ],
)  # fmt: skip
def test_row_17_an_address_that_changes_in_mid_session(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, serial: bytes | None,
    others: dict[str, bytes | None], taken: str | None, trouble: str | None,
) -> None:  # fmt: skip
    """It is followed when it is certainly the same device; a stranger's is never taken for it."""
    transport, connected_to, troubles = asyncio.run(
        moved(
            daemon,
            monkeypatch,
            numbered(OLD, serial),
            [numbered(address, number) for address, number in others.items()],
        )
    )
    assert [one.address for one in connected_to] == ([] if taken is None else [taken])
    assert transport.address == (taken or OLD)
    by_serial = serial == b"SN-1234" and taken is not None
    assert transport.identity.proven_address == (taken if by_serial else OLD)
    assert troubles == ([] if trouble is None else [trouble])


@pytest.mark.parametrize(
    ("name", "old", "kind", "held"),
    [
        ("Belt 2", OLD, "random", False),
        ("Belt", OLD, "public", False),
        ("Belt", STAYS, "random", False),
        ("Belt", OLD, "random", True),
    ],
    ids=["another name", "a public address", "a random one that stays", "held by another program"],
)
def test_row_17_what_cannot_be_the_same_device_is_left_alone(
    daemon: Daemon,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    old: str,
    kind: Literal["random", "public"],
    *,
    held: bool,
) -> None:
    other = numbered(NEW, None, name)
    if held:
        other.known = other.connected = True
    lost = numbered(old, None)
    lost.address_type = kind
    transport, taken, _ = asyncio.run(moved(daemon, monkeypatch, lost, [other]))
    assert taken == []
    assert transport.address == old
    assert other.connects == 0


def test_row_17_a_machine_that_minds_being_asked_is_not(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The only one of its name is connected as it always is, and no serial number is read."""
    other = numbered(NEW, b"SN-9999")
    _, taken, _ = asyncio.run(
        moved(daemon, monkeypatch, numbered(OLD, None), [other], profile=STRAP)
    )
    assert (taken, other.connects, other.reads.count("2a25")) == ([other], 1, 0)


def test_row_18_a_full_adapter_leaves_the_others_alone(daemon: Daemon) -> None:
    async def run() -> None:
        machine, belt = rower(), strap()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, _transport, tape):
            air.machines.append(belt)
            air.slots = 1
            late = BleTransport(belt.address, "strap", Clock(RATE), STRAP, radio=Radio(), open_s=2)
            with pytest.raises(BluetoothError) as raised:
                await late.open()
            assert raised.value.trouble is Trouble.NO_SLOT
            assert raised.value.what == "Strap: adapter has no link free; 1 connected already."
            assert air.notify(machine, DATA, b"\x01")
            assert await tape.payloads(DATA, 1) == [b"\x01"]
            assert await tape.links(1) == ["up"]

    asyncio.run(run())


def test_row_19_a_hostile_name_reaches_no_terminal(daemon: Daemon) -> None:
    name = "\x1b]0;gotcha\x07\u202eRower" + "A" * 200

    async def run() -> str:
        async with bluez(daemon, strap(name=name)):
            transport = BleTransport(name, "rower", Clock(RATE), ROWER, radio=Radio(), open_s=5)
            with pytest.raises(BluetoothError) as raised:
                await transport.open()
            return raised.value.what

    text = asyncio.run(run())
    assert text.isprintable()
    assert text.startswith(r"\x1b]0;gotcha\x07\u202eRower")


def test_row_20_whatever_bytes_come_every_frame_is_kept(daemon: Daemon, tmp_path: Path) -> None:
    """Those that cannot be read are counted; the recording goes on."""
    database = tmp_path / "rowlog.db"
    chance = random.Random(20)
    sent = [chance.randbytes(chance.randrange(40)) for _ in range(300)]
    last = bytes.fromhex("0400300100") + bytes.fromhex("0a0000")

    async def run() -> None:
        machine = rower()
        header = SourceHeader(name="rower", driver="ftms", options=())
        clock = Clock(RATE)
        async with bluez(daemon, machine) as air:
            transport = BleTransport(machine.address, "rower", clock, QUIET, radio=Radio(), seed=1)
            await transport.open()
            with Store.open_writer(database) as store:
                session_id = store.begin_session(
                    started_at=wall_now(),
                    plan=None,
                    athlete=None,
                    activity="row",
                    sources=[Source(name="rower", driver="ftms")],
                )
                stop = asyncio.Event()

                def watch(progress: Progress) -> None:
                    frames = [one.frame for one in progress.derived.deliveries]
                    if any(frame is not None and frame.payload == last for frame in frames):
                        stop.set()

                device = Device(transport, make_decoding([header]))
                recorder = Recorder([device], store, session_id, clock=clock)
                recording = asyncio.create_task(recorder.run(stop=stop, on_progress=watch))
                await air.until_subscribed(machine, DATA)
                for payload in (*sent, last):
                    assert air.notify(machine, DATA, payload)
                await recording

    asyncio.run(run())
    with open_reader(database) as reader:
        frames = [frame for frame in reader.read_frames(1) if frame.channel == DATA]
    assert [frame.payload for frame in frames] == [*sent, last]
    shown = summary.load(database, 1)
    assert shown.quality.undecoded == sum(len(payload) < 2 for payload in sent)


def test_row_32_a_strap_that_goes_leaves_the_rower_alone_and_is_back_by_itself(
    daemon: Daemon,
) -> None:
    async def run() -> None:
        machine, belt = rower(), strap()
        async with connected(daemon, machine, profile=QUIET, rate=RATE) as (air, transport, tape):
            air.machines.append(belt)
            late = BleTransport(
                belt.address, "strap", Clock(RATE), STRAP, radio=transport._radio, seed=2
            )
            await late.open()
            beats = Tape(late)
            await air.until_subscribed(belt, "2a37")
            assert air.notify(belt, "2a37", b"\x00\x50")
            await beats.of("2a37", 1)
            air.leave(belt)
            assert await beats.links(2) == ["up", "down link lost"]
            complaint = late.complaint()
            assert complaint is not None
            assert (complaint.source, complaint.device) == ("strap", "Strap")
            for number in range(20):
                assert air.notify(machine, DATA, bytes([number]))
            assert len(await tape.of(DATA, 20)) == 20
            belt.in_reach = True
            assert (await beats.links(3))[-1] == "up"
            await air.until_subscribed(belt, "2a37")
            assert air.notify(belt, "2a37", b"\x00\x51")
            # What was not heard is not made up: no zeros in between.
            assert await beats.payloads("2a37", 2) == [b"\x00\x50", b"\x00\x51"]
            assert await tape.links(1) == ["up"]
            await late.close()
            await beats.end()

    asyncio.run(run())


def test_row_20_and_a_vanished_object(daemon: Daemon) -> None:
    """BlueZ drops the device's object without saying that it is disconnected."""

    async def run() -> None:
        machine = rower()
        async with (
            connected(daemon, machine, profile=QUIET, rate=RATE, moving=lambda: True) as (
                air,
                _transport,
                tape,
            ),
            sending(air, machine) as sender,
        ):
            await tape.of(DATA, 20)
            air.forget(machine)
            lost = len(sender.sent)
            assert await tape.links(3) == ["up", "down link lost", "up"]
            await tape.of(DATA, lost + 5)

    asyncio.run(run())
