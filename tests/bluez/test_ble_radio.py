"""Looking round: what is heard, what the system holds, and one scan for all."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest
from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakError,
    BleakGATTProtocolError,
)

from rowlog_drivers.transports.ble_errors import (
    BluetoothError,
    Trouble,
    advice,
    explain,
    is_blocked,
    trouble_of,
)
from rowlog_drivers.transports.ble_radio import Radio, Sighting
from tests.bluez.fake import Daemon, Machine, bluez, rower, strap


async def look(radio: Radio, seconds: float, count: int) -> dict[str, Sighting]:
    found: dict[str, Sighting] = {}
    async with aclosing(
        radio.sightings(seconds, enough=lambda devices: len(devices) >= count)
    ) as sightings:
        async for sighting in sightings:
            found[sighting.address] = sighting
    return found


def test_what_a_sighting_tells(daemon: Daemon) -> None:
    """Service data that name the service, a strap that lists it, and one that says nothing."""
    quiet = Machine("C0:00:00:00:00:03", None, {}, rssi_dbm=-91)

    async def run() -> dict[str, Sighting]:
        async with bluez(daemon, rower(advertised=()), strap(), quiet):
            return await look(Radio(), 10, 3)

    found = asyncio.run(run())
    machine, belt, other = (found[f"C0:00:00:00:00:0{number}"] for number in (1, 2, 3))
    assert (machine.name, machine.services) == ("Rower 1", ())
    assert dict(machine.service_data) == {"1826": bytes.fromhex("011000")}
    assert (belt.services, belt.connected) == (("180d",), False)
    assert (other.name, other.label) == (None, "C0:00:00:00:00:03")
    assert other.rssi_dbm in (-91, -90)
    assert machine.answers_to("Rower 1")
    assert machine.answers_to("c0:00:00:00:00:01")
    assert not machine.answers_to("rower 1")


def test_the_scan_filters_no_services(daemon: Daemon) -> None:
    """A filter would miss machines that name their service in the service data only."""

    async def run() -> None:
        async with bluez(daemon, rower()) as air:
            await look(Radio(), 10, 1)
            assert all("UUIDs" not in used for used in air.filters)
            assert air.filters[0]["Transport"] == "le"

    asyncio.run(run())


def test_what_the_system_holds_comes_first_and_may_be_all(daemon: Daemon) -> None:
    async def run() -> None:
        machine = rower()
        async with bluez(daemon, strap()) as air:
            air.machines.append(machine)
            air.hold(machine)
            radio = Radio()
            found = await look(radio, 10, 1)
            assert list(found) == [machine.address]
            held = found[machine.address]
            assert held.connected
            assert held.rssi_dbm is None
            assert held.services == ("180a", "180f", "1826")
            assert air.scans == 0
            both = await look(radio, 10, 2)
            assert list(both) == [machine.address, "C0:00:00:00:00:02"]

    asyncio.run(run())


def test_searches_at_a_time_share_one_scan(daemon: Daemon) -> None:
    async def run() -> None:
        async with bluez(daemon, rower(), strap()) as air:
            radio = Radio()
            results = await asyncio.gather(
                radio.find(lambda one: one.name == "Rower 1", 5),
                radio.find(lambda one: one.name == "Strap", 5),
                radio.find(lambda one: one.name == "Nobody", 0.3),
            )
            names = [None if one is None else one.name for one in results]
            assert names == ["Rower 1", "Strap", None]
            assert (air.scans, air.refused_scans) == (1, 0)
            await air.until(lambda: not air.scanners)

    asyncio.run(run())


def test_searches_one_after_another_and_given_up(daemon: Daemon) -> None:
    """A search that is cancelled while its scan starts leaves none running, and none stuck."""

    async def run() -> None:
        async with bluez(daemon, rower()) as air:
            radio = Radio()
            for _ in range(20):
                search = asyncio.create_task(radio.find(lambda _: False, 5))
                calls = len(air.calls)
                await air.until(lambda calls=calls: len(air.calls) > calls)  # type: ignore[misc]
                search.cancel()
                await asyncio.wait({search})
                assert await radio.find(lambda one: one.name == "Rower 1", 5) is not None
            assert air.refused_scans == 0
            await air.until(lambda: not air.scanners)

    asyncio.run(run())


def test_a_scan_that_outlived_bluetoothd_is_begun_anew(daemon: Daemon) -> None:
    """It hears nothing any more and says nothing of it: the next search does not join it."""

    async def run() -> None:
        machine = rower(in_reach=False)
        async with bluez(daemon, machine, strap()) as air:
            radio = Radio()
            running = asyncio.Event()

            def is_the_rower(sighting: Sighting) -> bool:
                running.set()
                return sighting.address == machine.address

            long_search = asyncio.create_task(radio.find(is_the_rower, 20))
            await running.wait()
            await air.restart()
            machine.in_reach = True
            assert await radio.find(lambda _: True, 0.2) is None
            assert await radio.find(lambda _: True, 5) is not None
            assert await long_search is not None

    asyncio.run(run())


NO = BleakBluetoothNotAvailableReason
DBUS = "org.freedesktop.DBus.Error"
ERRORS: list[tuple[BaseException, Trouble]] = [
    (BleakBluetoothNotAvailableError("", NO.NO_BLUETOOTH), Trouble.NO_ADAPTER),
    (BleakBluetoothNotAvailableError("", NO.NO_BLE_CENTRAL_ROLE), Trouble.NOT_LOW_ENERGY),
    (BleakBluetoothNotAvailableError("", NO.DENIED_BY_USER), Trouble.NO_PERMISSION),
    (BleakBluetoothNotAvailableError("", NO.DENIED_BY_SYSTEM), Trouble.NO_PERMISSION),
    (BleakDBusError(f"{DBUS}.ServiceUnknown", [""]), Trouble.NO_SERVICE),
    (BleakDBusError(f"{DBUS}.NameHasNoOwner", [""]), Trouble.NO_SERVICE),
    (BleakDBusError(f"{DBUS}.Spawn.ChildExited", [""]), Trouble.NO_SERVICE),
    (BleakDBusError(f"{DBUS}.AccessDenied", [""]), Trouble.NO_PERMISSION),
    (BleakDBusError(f"{DBUS}.UnknownObject", [""]), Trouble.LOST),
    (BleakDBusError("org.bluez.Error.InProgress", [""]), Trouble.BUSY),
    (BleakDBusError("org.bluez.Error.Failed", ["Operation already in progress"]), Trouble.BUSY),
    (
        BleakDBusError("org.bluez.Error.Failed", ["le-connection-abort-by-local"]),
        Trouble.INTERFERENCE,
    ),
    (
        BleakDBusError("org.bluez.Error.Failed", ["Software caused connection abort"]),
        Trouble.INTERFERENCE,
    ),
    (BleakDBusError("org.bluez.Error.Failed", ["Connection Limit Exceeded"]), Trouble.NO_SLOT),
    (BleakDBusError("org.bluez.Error.NotPermitted", ["Not paired"]), Trouble.REFUSED),
    (BleakDBusError("org.bluez.Error.Failed", ["something new"]), Trouble.OTHER),
    (BleakGATTProtocolError(5), Trouble.REFUSED),
    (BleakDeviceNotFoundError("AA"), Trouble.NOT_FOUND),
    (BleakCharacteristicNotFoundError("2ad1"), Trouble.MISSING),
    (BleakError("adapter 'hci1' not found"), Trouble.NO_ADAPTER),
    (BleakError("failed to discover services, device disconnected"), Trouble.INTERFERENCE),
    (BleakError("Not connected"), Trouble.LOST),
    (TimeoutError(), Trouble.TIMED_OUT),
    (PermissionError(13, "denied"), Trouble.NO_PERMISSION),
    (FileNotFoundError(2, "no socket"), Trouble.NO_BUS),
    (EOFError(), Trouble.NO_BUS),
]


@pytest.mark.parametrize(("error", "trouble"), ERRORS)
def test_every_error_has_a_name(error: BaseException, trouble: Trouble) -> None:
    assert trouble_of(error) is trouble
    explained = explain(error, "Rower 1")
    assert explained.trouble is trouble
    assert explained.what.startswith(f"Rower 1: {trouble.value}")
    assert explained.next_step == advice(trouble)
    assert explain(explained) is explained


@pytest.mark.parametrize("trouble", list(Trouble))
def test_every_trouble_has_a_remedy(trouble: Trouble) -> None:
    error = BluetoothError("Rower 1.", trouble=trouble)
    assert error.next_step
    assert error.exit_code == 1


@pytest.mark.parametrize(
    ("kind", "soft", "hard", "blocked"),
    [
        ("bluetooth", "1", "0", True),
        ("bluetooth", "0", "1", True),
        ("bluetooth", "0", "0", False),
        ("wlan", "1", "1", False),
    ],
)
def test_rfkill(tmp_path: Path, kind: str, soft: str, hard: str, blocked: bool) -> None:
    """Layout: the kernel's Documentation/ABI/stable/sysfs-class-rfkill."""
    switch = tmp_path / "rfkill0"
    switch.mkdir()
    for name, value in (("type", kind), ("soft", soft), ("hard", hard)):
        (switch / name).write_text(f"{value}\n")
    (tmp_path / "rfkill1").mkdir()
    assert is_blocked(tmp_path) is blocked
    assert not is_blocked(tmp_path / "none")
