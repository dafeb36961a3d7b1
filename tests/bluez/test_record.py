"""`rowlog record` as a process of its own, in a room with a rower and a strap."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from rowlog.store import Store
from rowlog.store_devices import KnownDevice, known_devices
from rowlog.store_read import open_reader
from rowlog_drivers.clock import wall_now
from rowlog_drivers.frames import Frame
from rowlog_drivers.records import MachineInfo
from tests.bluez.fake import HANG, Daemon, FakeBluez, Machine, bluez, rower, strap
from tests.support import PATIENCE_S, Process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

QUICK: Final = "import rowlog.finding as f; f.SCAN_S = 1.5; f.NAMESAKE_S = 0.3"
"""In the process: in this room a device is heard fifty times a second, so a short look will do."""
ROWER_AT: Final = "ble:C0:00:00:00:00:01"
STRAP_AT: Final = "ble:C0:00:00:00:00:02"


ROW: Final = bytes.fromhex("0400300100" + "0a0000")
"""Rower data: 24 strokes a minute, one stroke, 10 m."""


def record(database: Path, *arguments: str) -> Process:
    """The program, with its lines of JSON."""
    return Process("record", "--json", "--db", str(database), *arguments, before=QUICK)


async def begun(process: Process) -> dict[str, Any]:
    """The first second of the recording."""
    return await asyncio.to_thread(process.object)


async def ended(process: Process) -> tuple[int, dict[str, Any], str]:
    """Exit code, the last object of stdout, and all of stderr."""
    code, lines, errors = await asyncio.to_thread(process.end)
    return code, json.loads(lines[-1]) if lines else {}, errors


def stored(database: Path, session_id: int = 1) -> list[Frame]:
    """All frames of a session."""
    with open_reader(database) as reader:
        return list(reader.read_frames(session_id))


def payloads(database: Path, channel: str, session_id: int = 1) -> list[bytes]:
    """What was stored of one channel."""
    return [frame.payload for frame in stored(database, session_id) if frame.channel == channel]


def names(database: Path, session_id: int = 1) -> dict[str, str]:
    """Each source's address."""
    with contextlib.closing(sqlite3.connect(database)) as db:
        return dict(
            db.execute("SELECT name, address FROM sources WHERE session_id = ?", (session_id,))
        )


@contextlib.asynccontextmanager
async def session(
    daemon: Daemon, database: Path, machines: list[Machine], *arguments: str
) -> AsyncIterator[tuple[FakeBluez, Process]]:
    """A room, and a recording in it that has begun."""
    async with bluez(daemon, *machines) as air:
        with record(database, *arguments) as process:
            await begun(process)
            yield air, process


def test_both_named_are_recorded_as_sent_and_remembered(daemon: Daemon, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    machine, belt = rower(), strap()
    rows = [bytes([0, 0, 20 + number, number, 0, number, 0, 0]) for number in range(100)]
    beats = [bytes([0, 60 + number]) for number in range(100)]

    async def run() -> None:
        async with session(
            daemon, database, [machine, belt], "--rower", ROWER_AT, "--strap", "ble:Strap"
        ) as (air, process):
            for one, other in zip(rows, beats, strict=True):
                assert air.notify(machine, "2ad1", one)
                assert air.notify(belt, "2a37", other)
                await asyncio.sleep(0)
            # 6 machine infos of the rower, 2 of the strap, 2 links
            wanted = 200 + 5 + 2 + 2
            await asyncio.to_thread(process.object, lambda o: o["frames_committed"] >= wanted)
            process.send(signal.SIGINT)
            code, shown, errors = await ended(process)
            assert (code, errors.count("\n")) == (0, 0), errors
            assert not machine.connected
            assert not belt.connected
        assert shown["session"]["status"] == "complete"

    asyncio.run(run())
    assert payloads(database, "2ad1") == rows
    assert payloads(database, "2a37") == beats
    with open_reader(database) as reader:
        infos = reader.records(1, MachineInfo)
    told = {
        (info.source, key): value
        for info in infos
        for key in ("manufacturer", "model", "serial_number", "battery_pct", "body_location")
        if (value := getattr(info, key)) is not None
    }
    assert told["rower", "manufacturer"] == "Acme"
    assert told["rower", "model"] == "R1"
    assert told["rower", "serial_number"] == "SN01"
    assert told["rower", "battery_pct"] == 90
    assert told["strap", "battery_pct"] == 80
    assert told["strap", "body_location"] == "chest"
    known = {device.role: device for device in known_devices(database)}
    assert known["rower"].address == ROWER_AT
    assert known["rower"].serial_number == "SN01"
    assert known["rower"].name == "Rower 1"
    assert known["strap"].address == STRAP_AT


async def recorded(
    daemon: Daemon, database: Path, machines: list[Machine], *arguments: str
) -> tuple[dict[str, Any], str]:
    """A short session; its summary and what was told."""
    async with session(daemon, database, machines, *arguments) as (_, process):
        process.send(signal.SIGINT)
        code, shown, errors = await ended(process)
        assert code == 0, errors
        assert not any(machine.connected for machine in machines)
        return shown, errors


def test_a_strap_is_recorded_only_when_it_is_ones_own(daemon: Daemon, tmp_path: Path) -> None:
    """The only rower is taken; a strap once it was named, and from then on by itself."""
    database = tmp_path / "rowlog.db"

    async def run() -> None:
        _, errors = await recorded(daemon, database, [rower(), strap()])
        assert names(database, 1) == {"rower": ROWER_AT}
        assert "Not recorded, since nobody said whose it is: Strap" in errors
        assert f"Name yours: --strap {STRAP_AT}" in errors
        await recorded(daemon, database, [rower(), strap()], "--strap", STRAP_AT)
        assert names(database, 2) == {"strap": STRAP_AT}
        _, errors = await recorded(daemon, database, [rower(), strap()])
        assert names(database, 3) == {"rower": ROWER_AT, "strap": STRAP_AT}
        assert "Not recorded" not in errors

    asyncio.run(run())


def test_another_athletes_devices_are_not_preferred(daemon: Daemon, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    hers = [rower("C0:00:00:00:00:11", "Her rower"), strap("C0:00:00:00:00:12", "Her strap")]
    his = [rower("C0:00:00:00:00:21", "His rower"), strap("C0:00:00:00:00:22", "His strap")]

    async def run() -> None:
        for athlete, machines in (("Ann", hers), ("Ben", his)):
            address, belt = (f"ble:{machine.address}" for machine in machines)
            await recorded(
                daemon, database, machines,
                "--athlete", athlete, "--rower", address, "--strap", belt,
            )  # fmt: skip
        for number, (athlete, machines) in enumerate((("Ann", hers), ("Ben", his)), 3):
            await recorded(daemon, database, [*hers, *his], "--athlete", athlete)
            assert names(database, number) == {
                "rower": f"ble:{machines[0].address}",
                "strap": f"ble:{machines[1].address}",
            }
        # Nobody in particular: one rower is taken, nobody's strap is.
        _, errors = await recorded(daemon, database, hers)
        assert names(database, 5) == {"rower": f"ble:{hers[0].address}"}
        assert "nobody said whose" in errors

    asyncio.run(run())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("hang", [False, True])
def test_a_signal_ends_it_properly_within_5_s(
    daemon: Daemon, tmp_path: Path, number: signal.Signals, *, hang: bool
) -> None:
    """Even when bluetoothd does not answer any more: then it is only asked to disconnect."""
    database = tmp_path / "rowlog.db"
    machines = [rower(), strap()]

    async def run() -> None:
        arguments = ["--rower", ROWER_AT, "--strap", STRAP_AT]
        async with session(daemon, database, machines, *arguments) as (air, process):
            if hang:
                for machine in machines:
                    machine.script["Disconnect"].extend([HANG] * 10)
                    machine.script["StopNotify"].extend([HANG] * 10)
                air.script["StopDiscovery"].extend([HANG] * 10)
            began = time.monotonic()
            process.send(number)
            code, shown, errors = await ended(process)
            took_s = time.monotonic() - began
            assert (code, shown["session"]["status"]) == (0, "complete"), errors
            assert took_s < 5
            assert [(one.path, "Disconnect") in air.calls for one in machines] == [True, True]
            assert hang or not any(machine.connected for machine in machines)

    asyncio.run(run())


@pytest.mark.parametrize("step", ["StartDiscovery", "Connect", "StartNotify"])
def test_a_signal_before_the_session_leaves_nothing_behind(
    daemon: Daemon, tmp_path: Path, step: str
) -> None:
    """No session, and nothing connected, whatever the start was waiting for."""
    database = tmp_path / "rowlog.db"
    machine = rower()

    async def run() -> None:
        async with bluez(daemon, machine, strap()) as air:
            (air if step == "StartDiscovery" else machine).script[step].append(HANG)
            with record(database, "--rower", ROWER_AT, "--strap", STRAP_AT) as process:
                await air.until(lambda: any(member == step for _, member in air.calls))
                began = time.monotonic()
                process.send(signal.SIGTERM)
                code, _, errors = await ended(process)
                assert time.monotonic() - began < 5
            assert code == 1
            assert "nothing was recorded" in errors
            assert not any(one.connected for one in air.machines)

    asyncio.run(run())
    with open_reader(database) as reader:
        assert reader.sessions() == []


def test_after_a_kill_the_devices_left_connected_are_taken_over(
    daemon: Daemon, tmp_path: Path
) -> None:
    """They advertise no more, so that no scan would find them."""
    database = tmp_path / "rowlog.db"
    machine, belt = rower(), strap()

    async def run() -> None:
        arguments = ["--rower", ROWER_AT, "--strap", STRAP_AT]
        async with session(daemon, database, [machine, belt], *arguments) as (air, process):
            process.process.kill()
            await asyncio.to_thread(process.process.wait, PATIENCE_S)
            await air.until(lambda: not machine.characteristic("2ad1").subscribers)
            assert machine.connected
            assert belt.connected
            with record(database) as following:
                await begun(following)
                assert any("Session 1 goes on" in line for line in following.errors)
                assert names(database, 1) == {"rower": ROWER_AT, "strap": STRAP_AT}
                assert air.notify(machine, "2ad1", ROW)
                await asyncio.to_thread(
                    following.object, lambda moment: moment["distance_m"] is not None
                )
                following.send(signal.SIGINT)
                assert (await ended(following))[0] == 0
            assert (machine.connects, belt.connects) == (1, 1)
            assert not machine.connected
            assert not belt.connected

    asyncio.run(run())
    assert payloads(database, "2ad1", 1) == [ROW]
    with open_reader(database) as reader:
        assert [one.status for one in reader.sessions()] == ["complete"]
        links = [frame.payload.split()[0] for frame in reader.read_frames(1)
                 if (frame.source, frame.channel) == ("rower", "link")]  # fmt: skip
    assert links[:3] == [b"up", b"down", b"up"]


NAMED: Final = ("--rower", ROWER_AT)


@pytest.mark.parametrize(
    ("machines", "arguments", "words"),
    [
        pytest.param(
            [rower(), rower("C0:00:00:00:00:03", "Rower 2")], (),
            ["2 rowers are in reach: ", "Rower 1 (ble:C0:00:00:00:00:01, -",
             "Rower 2 (ble:C0:00:00:00:00:03, -", "Name yours: --rower ble:"],
            id="two rowers",
        ),
        pytest.param(
            [rower(), rower("C0:00:00:00:00:03")], ("--rower", "ble:Rower 1"),
            ["2 devices are called Rower 1: ", "C0:00:00:00:00:01", "C0:00:00:00:00:03"],
            id="two of one name",
        ),
        pytest.param(
            [], (),
            ["No rower was found. Nothing that rowlog reads is in reach.", "Wake it",
             "rowlog devices"],
            id="nothing in reach",
        ),
        pytest.param(
            [strap()], NAMED,
            [f"{ROWER_AT} was not found. In reach: Strap (ble:C0:00:00:00:00:02, -"],
            id="another in reach",
        ),
        pytest.param(
            [strap()], ("--strap", "auto"),
            ["A strap that you never recorded is in reach: Strap", f"--strap {STRAP_AT}"],
            id="an unknown strap for auto",
        ),
        pytest.param(
            [strap()], ("--rower", STRAP_AT),
            ["is no rower: heart-rate strap or band", f"--strap {STRAP_AT}"],
            id="a strap for a rower",
        ),
        pytest.param(
            [rower(name="CARE 7")], NAMED,
            ["CARE 7", "the maker's own protocol"],
            id="a machine that no driver reads",
        ),
        pytest.param(
            [rower(services={"180f": []})], NAMED,
            ["Rower 1: connected, but it has no 2ad1", "It offers 180f"],
            id="without the service",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded_is_said(
    daemon: Daemon, tmp_path: Path, machines: list[Machine], arguments: tuple[str, ...],
    words: list[str],
) -> None:  # fmt: skip
    database = tmp_path / "rowlog.db"

    async def run() -> None:
        async with bluez(daemon, *machines) as air:
            with record(database, *arguments) as process:
                code, _, errors = await ended(process)
            assert code == 1, errors
            for each in words:
                assert each in errors
            assert not any(machine.connected for machine in air.machines)

    asyncio.run(run())
    with open_reader(database) as reader:
        assert reader.sessions() == []


def off(air: FakeBluez) -> None:
    air.powered = False


def pulled(air: FakeBluez) -> None:
    air.has_adapter = False


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (off, ["adapter off", "bluetoothctl power on"]),
        (pulled, ["no Bluetooth adapter", "Plug in"]),
    ],
    ids=["off", "none"],
)
def test_no_adapter(
    daemon: Daemon, tmp_path: Path, change: Callable[[FakeBluez], None], words: list[str]
) -> None:
    async def run() -> None:
        air = FakeBluez(daemon.address, [rower()])
        change(air)
        await air.start()
        with record(tmp_path / "rowlog.db") as process:
            code, _, errors = await ended(process)
        await air.kill()
        assert code == 1
        for each in words:
            assert each in errors

    asyncio.run(run())


@pytest.mark.parametrize(
    ("kill", "words"),
    [(True, ["start dbus"]), (False, ["sudo systemctl start bluetooth"])],
    ids=["no bus", "no bluetoothd"],
)
def test_no_bluetooth(daemon: Daemon, tmp_path: Path, words: list[str], *, kill: bool) -> None:
    if kill:
        daemon.kill()
    with record(tmp_path / "rowlog.db") as process:
        code, _, errors = process.end()
    assert code == 1
    assert "Traceback" not in errors
    for each in words:
        assert each in errors


def test_what_is_not_heard_is_told_while_recording(daemon: Daemon, tmp_path: Path) -> None:
    """Each trouble once, with what to do when only a person can mend it, and that it is over."""
    machine = rower()

    async def run() -> None:
        arguments = ("--rower", ROWER_AT)
        async with session(daemon, tmp_path / "rowlog.db", [machine], *arguments) as (air, process):
            assert air.notify(machine, "2ad1", ROW)
            air.power(False)
            moment = await asyncio.to_thread(process.object, lambda one: one["complaints"])
            (complaint,) = moment["complaints"]
            assert (complaint["source"], complaint["device"]) == ("rower", "Rower 1")
            assert complaint["trouble"] == "adapter off"
            assert complaint["seconds"] > 0
            assert complaint["advice"] == "Switch it on: bluetoothctl power on"
            air.power(True)
            await air.until_subscribed(machine, "2ad1")
            sending = asyncio.create_task(row_on(air, machine))
            await asyncio.to_thread(process.error, "Rower 1: heard again.")
            sending.cancel()
            process.send(signal.SIGINT)
            _, _, errors = await ended(process)
            assert errors.count("Rower 1: adapter off for ") == 1

    asyncio.run(run())


def test_a_known_rower_with_a_new_address_is_remembered_under_that_alone(
    daemon: Daemon, tmp_path: Path
) -> None:
    """Two rowers of one name are in reach: the serial number tells which is one's own."""
    database = tmp_path / "rowlog.db"
    mine, other = rower(), rower("C0:00:00:00:00:03")
    other.characteristic("2a25").value = b"SN02"
    with Store.open_writer(database) as store:
        store.remember_devices(
            None,
            [
                KnownDevice(
                    role="rower", driver="ftms", address="ble:C0:00:00:00:00:99", name="Rower 1",
                    serial_number="SN01", athlete=None, used_at=wall_now(),
                )
            ],
        )  # fmt: skip

    async def run() -> None:
        _, errors = await recorded(daemon, database, [mine, other])
        assert "it is your rower by its serial number SN01." in errors

    asyncio.run(run())
    assert names(database, 1) == {"rower": ROWER_AT}
    (known,) = known_devices(database)
    assert (known.address, known.serial_number) == (ROWER_AT, "SN01")


def test_a_rower_whose_address_changes_in_mid_session_is_the_same_source(
    daemon: Daemon, tmp_path: Path
) -> None:
    """It is followed by its serial number, and remembered under its new address alone."""
    database = tmp_path / "rowlog.db"
    before, after = rower(), rower("C0:00:00:00:00:03")
    after.characteristic("2a25").value = b"SN01"
    quick = f"{QUICK}; import rowlog_drivers.transports.ble as b; b.SEARCH_S = 0.3"
    arguments = ("record", "--json", "--db", str(database), "--rower", ROWER_AT)

    async def run() -> None:
        async with bluez(daemon, before) as air:
            with Process(*arguments, before=quick) as process:
                await begun(process)
                assert air.notify(before, "2ad1", ROW)
                await asyncio.to_thread(process.object, lambda one: one["distance_m"] is not None)
                air.leave(before)
                air.machines.append(after)
                await air.until_subscribed(after, "2ad1")
                assert air.notify(after, "2ad1", ROW)
                # the first address's row, machine infos and links, and the new one's
                frames = 1 + 5 + 3 + 1
                await asyncio.to_thread(
                    process.object, lambda one: one["frames_committed"] >= frames
                )
                process.send(signal.SIGINT)
                assert (await ended(process))[0] == 0

    asyncio.run(run())
    assert payloads(database, "2ad1") == [ROW, ROW]
    assert {frame.source for frame in stored(database)} == {"rower"}
    (known,) = known_devices(database)
    assert (known.address, known.serial_number) == ("ble:C0:00:00:00:00:03", "SN01")


async def row_on(air: FakeBluez, machine: Machine) -> None:
    """The machine sends, ten times a second."""
    while True:
        air.notify(machine, "2ad1", ROW)
        await asyncio.sleep(0.1)
