"""Serial rowers found: `devices`, `doctor` and `auto`, where the system lists a terminal."""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
import serial.tools.list_ports
from serial.tools.list_ports_common import ListPortInfo

from rowlog import ports, render_devices, summary
from rowlog.doctor_serial import examine_ports
from rowlog.doctor_step import Step
from rowlog.finding import Found
from rowlog.notation import parse
from rowlog.ports import FoundPort, look_at_ports, remembered, to_remember
from rowlog.recording import record
from rowlog.render import Style
from rowlog.scanning import forget
from rowlog.simulating import OnPaper
from rowlog.store_devices import known_devices
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.transports.serial_errors import SerialPortError, Trouble

if sys.platform == "win32":
    pytest.skip(
        "a pseudo-terminal is the serial port here: not on Windows", allow_module_level=True
    )

from rowlog.simulating_serial import machine_of
from tests.test_serial_record import plugged_in

PAPER: Final = OnPaper(plan=parse("100m"), strap=False)
PLAIN: Final = Style(colour=False, unicode=True)


def listed(path: str, vid: int | None = None, pid: int | None = None, **more: Any) -> ListPortInfo:
    """What the system says of a port: no hardware is needed to say it."""
    info = ListPortInfo(path, skip_link_detection=True)
    info.vid, info.pid = vid, pid
    for key, value in more.items():
        setattr(info, key, value)
    return info


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> list[ListPortInfo]:
    """The ports of this computer: whatever a test puts here."""
    there: list[ListPortInfo] = []
    monkeypatch.setattr(serial.tools.list_ports, "comports", lambda: list(there))
    monkeypatch.setattr(ports, "HELLOS", 1)
    return there


@pytest.fixture
def monitor(system: list[ListPortInfo], tmp_path: Path) -> Iterator[str]:
    """A WaterRower on USB, beside other things."""
    with plugged_in(lambda _: machine_of(PAPER), tmp_path / "rower") as port:
        system += [
            listed(port.path, 0x04D8, 0x000A, product="CDC RS-232: WR-S4.2", location="1-2"),
            listed("/dev/rowlog-3d-printer", 0x1A86, 0x7523, product="USB Serial"),
            listed("/dev/rowlog-ttyS0"),
        ]
        yield port.path


def test_devices_names_what_is_behind_each_port(monitor: str) -> None:
    """The one that shows itself as a rower is asked; the others are named and left alone."""
    found = asyncio.run(look_at_ports())
    by_path = {one.port.path: one for one in found}
    rower = by_path[monitor]
    assert (rower.identified.kind, rower.identified.driver) == ("rower", "waterrower")
    assert rower.answered
    table = render_devices.table(found, PLAIN, 120)
    assert f"serial:{monitor}" in table
    assert "WaterRower S4 and S5 monitors on USB" in table
    assert "printer" not in table
    closing = render_devices.closing(found)
    assert "Other serial ports, not asked: /dev/rowlog-3d-printer (USB Serial)" in closing
    assert closing.endswith(f"Record with: rowlog record --rower serial:{monitor}")
    strange = [one for one in found if not one.answered]
    assert render_devices.closing(strange, deaf=True) == (
        "Other serial ports, not asked: /dev/rowlog-3d-printer (USB Serial), /dev/rowlog-ttyS0"
    )
    assert render_devices.closing([], deaf=True) == ""
    shown = {one["address"]: one for one in render_devices.as_json(found)}
    assert shown[f"serial:{monitor}"]["driver"] == "waterrower"
    assert shown[f"serial:{monitor}"]["trouble"] is None
    assert shown["serial:/dev/rowlog-3d-printer"]["kind"] == "other"


def test_a_rower_that_does_not_answer_is_listed_with_the_remedy(system: list[ListPortInfo]) -> None:
    master, slave = os.openpty()
    try:
        path = os.ttyname(slave)
        system.append(listed(path, 0x04D8, 0x000A, product="CDC RS-232: WR-S4.2"))
        (found,) = asyncio.run(look_at_ports())
        everything: list[Found | FoundPort] = [found]
        assert found.trouble is not None
        assert found.trouble.trouble in (Trouble.SILENT, Trouble.STRANGER)
        assert not found.answered
        closing = render_devices.closing(everything)
        assert "nothing answers. Switch the monitor on" in closing
        assert "Record with" not in closing
    finally:
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("ending", ["", "&speed=10"])
def test_a_port_is_asked_at_the_speed_that_is_named(
    system: list[ListPortInfo], ending: str
) -> None:
    master, slave = os.openpty()
    try:
        address = parse_address(f"serial:{os.ttyname(slave)}?baud=19200{ending}")
        with pytest.raises(SerialPortError, match="nothing answers"):
            asyncio.run(ports.recognise(address))
        assert termios.tcgetattr(slave)[4:6] == [termios.B19200] * 2
    finally:
        os.close(master)
        os.close(slave)


def examined(address: str | None = None) -> list[Step]:
    named = None if address is None else parse_address(address)

    async def run() -> list[Step]:
        steps = examine_ports(named, seconds=6.0, clock=lambda: Clock(10.0))
        return [step async for step in steps]

    return asyncio.run(run())


def test_the_doctor_asks_and_listens(monitor: str) -> None:
    steps = [step for step in examined() if "ModemManager" not in step.text]
    assert [step.outcome for step in steps] == ["ok", "ok", "ok"]
    assert "left alone" in steps[0].text
    assert "/dev/rowlog-3d-printer" in steps[0].text
    assert "ttyS0" not in steps[0].text
    assert steps[1].text == f"WaterRower S4 firmware 02.10, on {monitor}"
    assert "distances a second" in steps[2].text
    assert steps[2].connected


def test_the_doctor_says_what_is_in_the_way(monitor: str) -> None:
    (step,) = examined("serial:/dev/rowlog-none")
    assert step.outcome == "problem"
    assert "is not there. Plug the machine's cable in" in step.text
    (step,) = examined("serial:/dev/null")
    assert "is no serial port" in step.text


def test_auto_takes_the_rower_that_is_plugged_in(monitor: str, tmp_path: Path) -> None:
    told: list[str] = []
    database = tmp_path / "rowlog.db"
    session_id = record(database, parse_address("auto"), None, for_s=0.8, tell=told.append)
    assert f"serial:{monitor}" in told[0]
    shown = summary.as_json(summary.load(database, session_id))
    assert isinstance(shown, dict)
    (source,) = shown["session"]["sources"]
    assert (source["driver"], source["address"]) == ("waterrower", f"serial:{monitor}")


def test_a_rower_on_a_cable_is_known_from_then_on(monitor: str, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    record(database, parse_address(f"serial:{monitor}"), None, for_s=0.3)
    (known,) = known_devices(database)
    assert (known.role, known.driver) == ("rower", "waterrower")
    assert known.address == f"serial:{monitor}"
    (found,) = [one for one in asyncio.run(look_at_ports()) if one.answered]
    marked = remembered(found, [known])
    assert marked.known == known
    assert "known" in render_devices.table([marked], PLAIN, 200)
    # The same machine at another name is the same by its number; another number is another one.
    numbered = replace(found, port=replace(found.port, serial_number="77"))
    moved = replace(known, address="serial:/dev/ttyACM7", serial_number="77")
    assert remembered(numbered, [moved]).known == moved
    assert to_remember(remembered(numbered, [moved]), known.used_at).moved_from == moved.address
    assert remembered(numbered, [replace(known, serial_number="78")]).known is None
    assert remembered(found, [replace(known, driver="fdf")]).known is None
    forget(database, known.address)
    assert known_devices(database) == []


def test_of_two_the_one_that_is_known_is_taken(
    monitor: str, system: list[ListPortInfo], tmp_path: Path
) -> None:
    database = tmp_path / "rowlog.db"
    record(database, parse_address(f"serial:{monitor}"), None, for_s=0.3)
    with plugged_in(lambda _: machine_of(PAPER), tmp_path / "second") as other:
        system.append(listed(other.path, 0x04D8, 0x000A, location="1-3"))
        told: list[str] = []
        record(database, parse_address("auto"), None, for_s=0.3, tell=told.append)
        assert f"serial:{monitor}" in told[0]


def test_two_that_are_plugged_in_are_a_question(
    monitor: str, system: list[ListPortInfo], tmp_path: Path
) -> None:
    with plugged_in(lambda _: machine_of(PAPER), tmp_path / "second") as other:
        system.append(listed(other.path, 0x04D8, 0x000A, location="1-3"))
        database = tmp_path / "rowlog.db"
        with pytest.raises(RowlogError, match="2 rowers are plugged in"):
            record(database, parse_address("auto"), None, for_s=0.3)
        asked: list[str] = []

        def ask(question: str, choices: object, default: int | None = None) -> int:
            asked.append(question)
            return 1

        session_id = record(database, parse_address("auto"), None, for_s=0.3, ask=ask)
        shown = summary.as_json(summary.load(database, session_id))
        assert isinstance(shown, dict)
        taken = shown["session"]["sources"][0]["address"]
        assert asked == ["Which rower is yours?"]
        assert taken == f"serial:{max(monitor, other.path)}"
