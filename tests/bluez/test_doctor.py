"""`rowlog doctor` and `rowlog devices`: why there is no data, and what is in reach."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from bleak import BleakAdapter

from rowlog import doctor, doctor_bluetooth, render_devices
from rowlog.doctor_step import Step
from rowlog.render import Style
from rowlog.store import Store
from rowlog.store_devices import KnownDevice, known_devices
from rowlog_drivers.clock import wall_now
from rowlog_drivers.transports.ble_bluez import adapters
from tests.bluez.fake import HANG, Daemon, Fail, FakeBluez, Machine, bluez, rower, strap
from tests.support import run as run_program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

LISTEN_S: Final = 1.0
ROWING: Final = bytes.fromhex("0400300100") + bytes.fromhex("0a0000")
"""24 strokes a minute, one stroke, 10 m."""
STILL: Final = bytes.fromhex("0400000000") + bytes.fromhex("000000")
BEFORE: Final = ("system", "database", "platform", "adapter", "service", "permission")
"""What is looked at before anything is listened for."""
TOO_SHORT: Final = bytes.fromhex("04")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device is listened to for a second here, and this computer has an adapter."""
    monkeypatch.setattr(doctor_bluetooth, "adapters", lambda: ("hci0",))
    monkeypatch.setattr(doctor_bluetooth, "FRAMES_S", LISTEN_S)


async def examined(
    database: Path, *, device: str | None = None, known: tuple[KnownDevice, ...] = ()
) -> list[Step]:
    """All steps but what this computer has plugged in."""
    steps = doctor.examine(database, known, seconds=0.6, device=device)
    return [step async for step in steps if step.what != "serial ports"]


async def sending(air: FakeBluez, what: dict[str, tuple[str, bytes]]) -> None:
    """Each machine sends its payload ten times a second, to whoever listens."""
    while True:
        for machine in air.machines:
            if machine.address in what:
                air.notify(machine, *what[machine.address])
        await asyncio.sleep(0.1)


def outcome(
    daemon: Daemon,
    database: Path,
    machines: list[Machine],
    what: dict[str, tuple[str, bytes]],
    **options: Any,
) -> tuple[list[Step], FakeBluez]:
    """The steps, in a room with these machines, each sending one thing again and again."""

    async def run() -> tuple[list[Step], FakeBluez]:
        async with bluez(daemon, *machines) as air:
            task = asyncio.create_task(sending(air, what))
            try:
                steps = await examined(database, **options)
            finally:
                task.cancel()
            assert not any(machine.connected for machine in machines)
            return steps, air

    return asyncio.run(run())


ROWER: Final = "C0:00:00:00:00:01"
STRAP: Final = "C0:00:00:00:00:02"


@pytest.mark.parametrize(
    ("machines", "what", "bad", "words"),
    [
        pytest.param(
            lambda: [rower(), strap()],
            {ROWER: ("2ad1", ROWING), STRAP: ("2a37", b"\x00\x50")},
            None, "All is well: data come in. Record with: rowlog record", id="all well",
        ),
        pytest.param(
            list, {}, "scan", "no rower and no strap was heard in 0.6 s. Wake the monitor",
            id="nothing in reach",
        ),
        pytest.param(
            lambda: [rower()], {}, "Rower 1, first frame",
            "connected, but silent for 1 s. First Degree Fitness. Row a few strokes", id="silent",
        ),
        pytest.param(
            lambda: [strap()], {}, "Strap, first frame",
            "connected, but silent for 1 s. Wear it and wet its electrodes", id="silent strap",
        ),
        pytest.param(
            lambda: [rower()], {ROWER: ("2ad1", TOO_SHORT)}, "Rower 1, first frame",
            "frames could not be read: keep a recording", id="unreadable",
        ),
        pytest.param(
            lambda: [rower()], {ROWER: ("2ad1", STILL)}, None,
            " records is zero: nobody rows",
            id="zeros",
        ),
        pytest.param(
            lambda: [strap()], {STRAP: ("2a37", b"\x00\x00")}, "Strap, first frame",
            "readings has a pulse: wet the electrodes", id="strap without pulse",
        ),
        pytest.param(
            lambda: [strap()], {STRAP: ("2a37", b"\x04\x50")}, "Strap, first frame",
            "readings has a pulse", id="strap off the chest",
        ),
        pytest.param(
            lambda: [rower(services={"180f": []})], {}, "Rower 1, services",
            "connected, but it has no 2ad1. It offers 180f", id="another service",
        ),
        pytest.param(
            lambda: [rower(name="CARE 1")], {}, "scan", "no rower and no strap was heard",
            id="what no driver reads",
        ),
    ],
)  # fmt: skip
def test_the_verdict(
    daemon: Daemon, tmp_path: Path, machines: Callable[[], list[Machine]],
    what: dict[str, tuple[str, bytes]], bad: str | None, words: str,
) -> None:  # fmt: skip
    steps, _ = outcome(daemon, tmp_path / "rowlog.db", machines(), what)
    assert [step.what for step in steps[:7]] == [*BEFORE, "scan"]
    problems = [step.subject for step in steps if step.outcome == "problem"]
    assert problems == ([] if bad is None else [bad])
    assert words in doctor.verdict(steps)


def test_each_step_of_a_device_is_told_in_order(daemon: Daemon, tmp_path: Path) -> None:
    steps, air = outcome(daemon, tmp_path / "rowlog.db", [rower()], {ROWER: ("2ad1", ROWING)})
    assert [(step.subject, step.outcome) for step in steps] == [
        ("system", "ok"),
        ("database", "ok"),
        ("platform", "ok"),
        ("adapter", "ok"),
        ("service", "ok"),
        ("permission", "ok"),
        ("scan", "ok"),
        ("Rower 1, connect", "ok"),
        ("Rower 1, services", "ok"),
        ("Rower 1, machine", "ok"),
        ("Rower 1, first frame", "ok"),
    ]
    assert [step.text for step in steps[2:6]] == [
        "Linux with BlueZ, over the system bus", "hci0, and on", "it answers",
        "you may use Bluetooth",
    ]  # fmt: skip
    assert steps[7].text.startswith("connected within ")
    assert steps[8].text == "180a, 180f, 1826"
    assert steps[9].text == "Acme, R1, serial number SN01, battery 90 %"
    assert re.fullmatch(r"after \d\.\d s; \d+ records in 1 s", steps[10].text)
    assert not (tmp_path / "rowlog.db").exists()
    assert air.machines[0].writes == []


def test_zeros_are_told_with_what_the_machine_says(daemon: Daemon, tmp_path: Path) -> None:
    """The fitness machine status "stopped or paused by the user" is one reason for zeros."""

    async def run() -> list[Step]:
        machine = rower()
        async with bluez(daemon, machine) as air:

            async def send() -> None:
                await air.until_subscribed(machine, "2ada")
                air.notify(machine, "2ada", bytes.fromhex("0202"))
                while True:
                    air.notify(machine, "2ad1", STILL)
                    await asyncio.sleep(0.1)

            task = asyncio.create_task(send())
            try:
                return await examined(tmp_path / "rowlog.db")
            finally:
                task.cancel()

    last = asyncio.run(run())[-1]
    assert (last.subject, last.outcome) == ("Rower 1, first frame", "note")
    assert 'display is in a menu. It says "stopped or paused by user". Start' in last.text


async def off(air: FakeBluez) -> None:
    air.powered = False


async def pulled(air: FakeBluez) -> None:
    air.has_adapter = False


async def hung(air: FakeBluez) -> None:
    air.script["StartDiscovery"].append(HANG)


async def denied(air: FakeBluez) -> None:
    air.script["GetManagedObjects"].append(Fail("org.freedesktop.DBus.Error.AccessDenied", "no"))


@pytest.mark.parametrize(
    ("change", "stage", "told", "words"),
    [
        (off, "adapter", [*BEFORE], "adapter off. Switch it on: bluetoothctl power on"),
        (pulled, "adapter", [*BEFORE], "no Bluetooth adapter. Plug in a Bluetooth adapter"),
        (denied, "permission", [*BEFORE], "no permission to use Bluetooth. Add yourself to"),
        (hung, "scan", [*BEFORE, "scan"], "no answer in time"),
    ],
    ids=["off", "none", "denied", "hangs"],
)
def test_each_trouble_stands_at_its_step(
    daemon: Daemon, tmp_path: Path, change: Callable[[FakeBluez], Awaitable[None]], stage: str,
    told: list[str], words: str,
) -> None:  # fmt: skip
    async def run() -> list[Step]:
        async with bluez(daemon, rower()) as air:
            await change(air)
            return await examined(tmp_path / "rowlog.db")

    steps = asyncio.run(run())
    assert [step.what for step in steps] == told
    assert [step.what for step in steps if step.outcome == "problem"] == [stage]
    verdict = doctor.verdict(steps)
    assert verdict.startswith(f"Bluetooth, {stage}: ")
    assert words in verdict


def test_where_no_one_tells_what_is_connected_a_scan_shows_what_is_wrong(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems than Linux may not tell of connected devices; the adapter is off."""

    async def untold(*_: object, **__: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(BleakAdapter, "get", untold)

    async def run() -> list[Step]:
        async with bluez(daemon, rower()) as air:
            air.powered = False
            return await examined(tmp_path / "rowlog.db")

    assert doctor.verdict(asyncio.run(run())).startswith("Bluetooth, adapter: adapter off. ")


def test_the_adapter_without_the_service(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the kernel is asked: without an adapter bluetoothd does not even start."""

    def told(names: tuple[str, ...] | None, *, blocked: bool = False) -> list[tuple[str, str]]:
        monkeypatch.setattr(doctor_bluetooth, "adapters", lambda: names)
        monkeypatch.setattr(doctor_bluetooth, "is_blocked", lambda: blocked)
        steps = asyncio.run(examined(tmp_path / "rowlog.db"))
        return [(step.what, step.outcome) for step in steps[3:]]

    assert told(("hci0",)) == [("adapter", "ok"), ("service", "problem")]
    assert told(("hci0",), blocked=True) == [("adapter", "problem")]
    assert told(()) == [("adapter", "problem")]
    assert told(None) == [("adapter", "note"), ("service", "problem")]


def test_the_kernel_lists_adapters_and_their_links(tmp_path: Path) -> None:
    for name in ("hci1", "hci0", "hci0:64"):
        (tmp_path / name).mkdir()
    assert adapters(tmp_path) == ("hci0", "hci1")
    assert adapters(tmp_path / "none") == ()


@pytest.mark.parametrize("kill", [True, False], ids=["no bus", "no bluetoothd"])
def test_no_bluetooth(daemon: Daemon, tmp_path: Path, *, kill: bool) -> None:
    """As programs: the verdict last, JSON whole, and exit code 1."""
    if kill:
        daemon.kill()
    options = ("--db", tmp_path / "rowlog.db", "--seconds", "1")
    result = run_program("doctor", *options)
    assert result.returncode == 1
    assert "Traceback" not in result.stderr
    verdict = result.stdout.splitlines()[-1]
    has_adapter = bool(adapters())
    stage = "platform" if kill else "service" if has_adapter else "adapter"
    assert verdict.startswith(f"Bluetooth, {stage}: ")
    assert ("no system bus on this computer" in verdict) == kill
    if kill or has_adapter:
        assert ("start dbus" if kill else "sudo systemctl start bluetooth") in verdict
    shown = json.loads(run_program("doctor", "--json", *options).stdout)
    assert (shown["ok"], shown["verdict"]) == (False, verdict)
    assert shown["steps"][-1]["what"] == stage
    assert shown["steps"][-1]["outcome"] == "problem"
    assert shown["steps"][-1]["device"] is None
    devices = run_program("devices", "--json", *options)
    assert devices.returncode == 1
    assert devices.stderr.startswith("rowlog: Bluetooth: ")
    assert isinstance(json.loads(devices.stdout), list)  # this computer may have serial ports


def test_the_doctor_at_80_columns() -> None:
    """Continued lines are set in; in a pipe each step is a line."""
    step = Step(what="first frame", device="Rower 1", outcome="note", text=" ".join(["word"] * 30))
    lines = render_devices.step(step, Style(), 80).split("\n")
    assert lines[0].startswith("note  Rower 1, first frame: word word")
    assert len(lines) == 3
    assert all(len(line) <= 80 for line in lines)
    assert all(line.startswith("      word") for line in lines[1:])
    assert "\n" not in render_devices.step(step, Style())


CROWD: Final = 4


@pytest.mark.parametrize(
    ("device", "mine", "connected"),
    [
        (None, None, [f"C0:00:00:00:00:{CROWD:02}", "C0:00:00:00:00:12"]),
        (None, "C0:00:00:00:00:01", ["C0:00:00:00:00:01"]),
        ("Rower 2", None, ["C0:00:00:00:00:02"]),
        ("c0:00:00:00:00:11", None, ["C0:00:00:00:00:11"]),
    ],
    ids=["the nearest of each", "the known", "by name", "by address"],
)
def test_a_full_room_is_left_alone(
    daemon: Daemon, tmp_path: Path, device: str | None, mine: str | None, connected: list[str]
) -> None:
    """Most machines talk to one program at a time: connecting to all would disturb the others."""
    machines = [
        rower(f"C0:00:00:00:00:{number:02}", f"Rower {number}", rssi_dbm=-90 + 10 * number)
        for number in range(1, CROWD + 1)
    ] + [
        strap(f"C0:00:00:00:00:1{number}", f"Strap {number}", rssi_dbm=-90 + 10 * number)
        for number in (1, 2)
    ]
    known = () if mine is None else (remembered("rower", mine),)
    outcome(daemon, tmp_path / "rowlog.db", machines, {}, device=device, known=known)
    assert [one.address for one in machines if one.connects] == connected


def remembered(role: str, address: str) -> KnownDevice:
    """A device that was recorded before."""
    return KnownDevice(
        role=role,
        driver="ftms" if role == "rower" else "heart_rate",
        address=f"ble:{address}",
        name=None,
        serial_number=None,
        athlete=None,
        used_at=wall_now(),
    )


def test_devices_as_a_table_and_as_json(daemon: Daemon, tmp_path: Path) -> None:
    """The nearest first; what is connected already, and what is known, is said."""
    database = tmp_path / "rowlog.db"
    with Store.open_writer(database) as store:
        store.remember_devices(None, [remembered("strap", STRAP)])
    held = rower("C0:00:00:00:00:09", "Held")
    machines = [rower(rssi_dbm=-72), strap(rssi_dbm=-41), rower("C0:00:00:00:00:05", "CARE 5")]

    async def run() -> tuple[str, str, str]:
        async with bluez(daemon, *machines) as air:
            air.machines.append(held)
            air.hold(held)
            arguments = ("devices", "--seconds", "1", "--db", database)
            shown = await asyncio.to_thread(run_program, *arguments)
            as_json = await asyncio.to_thread(run_program, *arguments, "--json")
            assert held.connected
            assert not any(machine.connects for machine in air.machines)
            return shown.stdout, as_json.stdout, shown.stderr + as_json.stderr

    text, as_json, errors = asyncio.run(run())
    assert errors == ""
    lines = text.splitlines()
    assert lines[0].split() == ["dBm", "kind", "name", "address", "what"]
    assert [line.split()[1] for line in lines[2:6]] == ["strap", "other", "rower", "rower"]
    assert lines[2].split("  ")[0].strip() in ("-41", "-40")
    assert "ble:C0:00:00:00:00:02  known" in lines[2]
    assert "does not read" in lines[3]
    assert "Held" in lines[5]
    assert "connected" in lines[5]
    assert lines[-1] == f"Record with: rowlog record --rower ble:{ROWER} --strap ble:{STRAP}"
    found = {
        one["address"]: one
        for one in json.loads(as_json)
        if one["address"].startswith("ble:")  # this computer may have serial ports
    }
    assert len(found) == 4
    assert found[f"ble:{STRAP}"]["known"] is True
    assert found[f"ble:{STRAP}"]["driver"] == "heart_rate"
    assert found[f"ble:{ROWER}"] == {
        "address": f"ble:{ROWER}",
        "name": "Rower 1",
        "rssi_dbm": found[f"ble:{ROWER}"]["rssi_dbm"],
        "kind": "rower",
        "driver": "ftms",
        "what": "First Degree Fitness",
        "certain": True,
        "known": False,
        "connected": False,
        "services": ["1826"],
        "trouble": None,
    }
    assert found["ble:C0:00:00:00:00:09"]["rssi_dbm"] is None
    assert found["ble:C0:00:00:00:00:09"]["connected"] is True


def test_nothing_in_reach(daemon: Daemon, tmp_path: Path) -> None:
    async def run() -> str:
        async with bluez(daemon):
            result = await asyncio.to_thread(
                run_program, "devices", "--seconds", "1", "--db", tmp_path / "rowlog.db"
            )
            assert result.returncode == 0
            return result.stdout

    assert "No rower and no strap is in reach. Wake the monitor" in asyncio.run(run())
    assert not (tmp_path / "rowlog.db").exists()


def test_forgetting(tmp_path: Path) -> None:
    """By address, with its scheme or without, in any case of letters; whosever it is."""
    database = tmp_path / "rowlog.db"
    with Store.open_writer(database) as store:
        for athlete in (None, "Ann"):
            store.remember_devices(
                athlete, [remembered("rower", ROWER), remembered("strap", STRAP)]
            )
    for address in (f"ble:{ROWER.lower()}", STRAP):
        result = run_program("devices", "--forget", address, "--db", database)
        assert (result.returncode, result.stderr) == (0, f"{address} is not known any more.\n")
    assert known_devices(database) == []
    result = run_program("devices", "--forget", ROWER, "--db", database)
    assert result.returncode == 2
    assert "is not among the known devices" in result.stderr
