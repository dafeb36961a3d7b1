"""The serial transport on pseudo-terminals: real pyserial, real errors, machines of a few lines."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

if sys.platform == "win32":
    pytest.skip(
        "a pseudo-terminal is the serial port here: not on Windows", allow_module_level=True
    )

import grp  # noqa: F401 - a user without rights may not read this Python
import pty
import pwd  # noqa: F401
import tty

from rowlog.ports import device_at, recognise
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import DRIVERS, make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Device
from rowlog_drivers.errors import LinkLostError
from rowlog_drivers.frames import Frame, Request, SourceHeader
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols import csafe, csafe_commands
from rowlog_drivers.records import Link, MachineInfo, Record, RowerSample, Stroke
from rowlog_drivers.transports import serial_errors, serial_port
from rowlog_drivers.transports.serial_errors import SerialPortError, Trouble
from rowlog_drivers.transports.serial_port import SerialState, SerialTransport
from rowlog_drivers.transports.serial_profile import Port, SerialProfile, find_again

RATE: Final = 20.0
PATIENCE_S: Final = 60.0
ECHO: Final = SerialProfile(baud=9600, hello=b"HI\n", answer=rb"HO\n", goodbye=b"BYE\n")
"""What the machines of these tests speak, unless they are someone's."""


class Terminal:
    """A port at whose other end a function answers, in the event loop."""

    def __init__(self, answer: Callable[[bytes], bytes] = lambda asked: b"") -> None:
        self.answer = answer
        self.heard = bytearray()
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)
        asyncio.get_running_loop().add_reader(self.master, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            asked = os.read(self.master, 4096)
            self.heard += asked
            self.say(self.answer(asked))

    def say(self, octets: bytes) -> None:
        """Send, as far as the other end has room."""
        with contextlib.suppress(BlockingIOError):
            while octets:
                octets = octets[os.write(self.master, octets) :]

    def unplug(self) -> None:
        """Pull the cable."""
        if self.master >= 0:
            asyncio.get_running_loop().remove_reader(self.master)
            os.close(self.master)
            os.close(self.slave)
            self.master = -1


def hallo(asked: bytes) -> bytes:
    return b"HO\n" if b"HI" in asked else b""


def going(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in a loop of its own, for so long at most."""

    async def limited() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test()

    asyncio.run(limited())


@contextlib.asynccontextmanager
async def opened(
    port: Port, profile: SerialProfile = ECHO, **options: Any
) -> AsyncIterator[SerialTransport]:
    transport = SerialTransport(port, "rower", Clock(RATE), profile, **options)
    await transport.open()
    try:
        yield transport
    finally:
        await transport.close()


async def until(frames: AsyncIterator[Frame], wanted: Callable[[Frame], bool]) -> list[Frame]:
    """All frames up to the one that is wanted."""
    seen = []
    async for frame in frames:
        seen.append(frame)
        if wanted(frame):
            return seen
    raise AssertionError(f"it never came: {seen}")


def is_link(words: bytes) -> Callable[[Frame], bool]:
    return lambda frame: frame.channel == "link" and frame.payload == words


# ------------------------------------------------------------------------------ found again

S4 = Port(path="/dev/ttyACM0", vendor=0x04D8, product_id=0x000A, product="WR-S4.2", location="1-2")


@pytest.mark.parametrize(
    ("before", "there", "path"),
    [
        (S4, (replace(S4, path="/dev/ttyACM3"),), "/dev/ttyACM3"),
        (S4, (replace(S4, path="/dev/ttyACM1", location="1-4"),), "/dev/ttyACM1"),
        (
            S4,
            (replace(S4, path="/dev/ttyACM0", location="1-4"), replace(S4, path="/dev/ttyACM1")),
            "/dev/ttyACM1",
        ),
        (
            replace(S4, serial_number="A"),
            (
                replace(S4, path="/dev/ttyACM0", serial_number="B"),
                replace(S4, path="/dev/ttyACM2", serial_number="A", location="3-1"),
            ),
            "/dev/ttyACM2",
        ),
        (replace(S4, serial_number="A"), (replace(S4, serial_number="B"),), None),
        (S4, (replace(S4, vendor=0x0403),), None),
        (
            S4,
            (
                replace(S4, path="/dev/ttyACM1", location="1-4"),
                replace(S4, path="/dev/ttyACM2", location="1-5"),
            ),
            None,
        ),
        (S4, (), None),
    ],
    ids=[
        "another name", "another socket", "the socket tells two apart", "the serial number",
        "another's serial number", "another make", "two strangers", "not there",
    ],
)  # fmt: skip
def test_a_device_is_known_again(before: Port, there: tuple[Port, ...], path: str | None) -> None:
    found = find_again(before, there)
    assert (None if found is None else found.path) == path


def test_back_under_another_name_by_its_usb_serial_number() -> None:
    """The old port is closed first, and what is said to nobody is told as such."""

    async def test() -> None:
        there: list[Port] = []
        first = Terminal(hallo)
        port = replace(S4, path=first.path, serial_number="S1")
        there.append(port)
        async with opened(port, there=lambda: tuple(there)) as transport:
            frames = transport.frames()
            await until(frames, lambda frame: frame.payload == b"HO\n")
            there.clear()
            first.unplug()
            await until(frames, is_link(b"down unplugged"))
            assert not serial_errors.holders(first.path)
            assert transport.state is not SerialState.UP
            with pytest.raises(LinkLostError):
                await transport.send(Request(channel="tx", payload=b"X\n"))
            complaint = transport.complaint()
            assert complaint is not None
            assert complaint.trouble in ("unplugged", "cable out")
            holder = Terminal(hallo)  # takes the name that became free
            second = Terminal(hallo)
            there.append(replace(port, path=second.path))
            again = await until(frames, lambda frame: frame.payload == b"HO\n")
            assert [frame.payload for frame in again] == [b"up", b"HI\n", b"HO\n"]
            assert transport.port.path == second.path
            assert transport.complaint() is None
            assert not holder.heard
        assert second.heard.endswith(b"BYE\n")

    going(test)


def test_a_named_link_is_followed_wherever_it_points(tmp_path: Path) -> None:
    async def test() -> None:
        link = tmp_path / "rower"
        first = Terminal(hallo)
        link.symlink_to(first.path)
        async with opened(Port(path=str(link))) as transport:
            frames = transport.frames()
            await until(frames, is_link(b"up"))
            link.unlink()
            second = Terminal(hallo)
            link.symlink_to(second.path)
            first.unplug()
            await until(frames, is_link(b"down unplugged"))
            await until(frames, is_link(b"up"))
            assert b"HI" in second.heard

    going(test)


def test_a_write_into_a_cable_that_is_out_ends_the_link_not_the_session() -> None:
    async def test() -> None:
        machine = Terminal(hallo)
        async with opened(Port(path=machine.path)) as transport:
            frames = transport.frames()
            await until(frames, is_link(b"up"))
            machine.unplug()
            with contextlib.suppress(LinkLostError):
                while True:
                    await transport.send(Request(channel="tx", payload=b"X\n"))
                    await asyncio.sleep(0)
            await until(frames, is_link(b"down unplugged"))

    going(test)


def test_a_machine_that_takes_no_bytes_does_not_hold_the_loop() -> None:
    async def test() -> None:
        machine = Terminal(hallo)
        async with opened(Port(path=machine.path)) as transport:
            frames = transport.frames()
            await until(frames, is_link(b"up"))
            asyncio.get_running_loop().remove_reader(machine.master)
            with pytest.raises(LinkLostError):
                while True:
                    await transport.send(Request(channel="tx", payload=b"X" * 512))
            await until(frames, is_link(b"down takes no bytes"))

    going(test)


def test_silence_of_a_machine_that_always_answers_is_a_lost_link() -> None:
    async def test() -> None:
        machine = Terminal(hallo)
        async with opened(Port(path=machine.path), replace(ECHO, silence_s=3.0)) as transport:
            frames = transport.frames()
            seen = await until(frames, is_link(b"down silent"))
            assert seen[-1].t_ns - seen[0].t_ns >= 3_000_000_000
            await until(frames, is_link(b"up"))

    going(test)


def test_memory_is_bounded_when_nobody_takes_the_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial_port, "MOST_WAITING", 20)

    async def test() -> None:
        machine = Terminal(hallo)
        async with opened(Port(path=machine.path)) as transport:
            while transport.state is SerialState.UP:
                machine.say(b"more\n")
                await asyncio.sleep(0.001)
            seen = await until(transport.frames(), is_link(b"down more came than could be taken"))
            assert len(seen) < 100

    going(test)


# ------------------------------------------------------------------------- what is in the way


def failing(path: str, profile: SerialProfile = ECHO) -> SerialPortError:
    """Why a port cannot be opened."""

    async def test() -> SerialPortError:
        with pytest.raises(SerialPortError) as caught:
            async with opened(Port(path=path), profile):
                pass
        return caught.value

    return asyncio.run(test())


def test_no_such_port() -> None:
    error = failing("/dev/rowlog-none")
    assert error.trouble is Trouble.MISSING
    assert "Plug the machine's cable in" in str(error)


@pytest.mark.parametrize("path", ["/dev/null", __file__, str(Path(__file__).parent)])
def test_no_port_at_all(path: str) -> None:
    assert failing(path).trouble is Trouble.NO_TERMINAL


def test_a_port_in_use_names_who_holds_it() -> None:
    async def test() -> None:
        machine = Terminal(hallo)
        async with opened(Port(path=machine.path)):
            with pytest.raises(SerialPortError) as caught:
                async with opened(Port(path=machine.path)):
                    pass
        assert caught.value.trouble is Trouble.BUSY
        if sys.platform == "linux":
            assert f"({os.getpid()})" in caught.value.what
            assert "Close the other program" in str(caught.value)

    going(test)


@pytest.mark.skipif(sys.platform != "linux", reason="ModemManager and /proc are Linux's")
def test_modem_manager_is_named_with_the_rule_that_keeps_it_away(tmp_path: Path) -> None:
    """Played by another program that is called so, and has the port open."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    player = tmp_path / "ModemManager"
    player.symlink_to(sleep)
    master, slave = pty.openpty()
    with subprocess.Popen([player, "60"], stdin=slave) as process:
        try:
            os.close(slave)
            path = os.ttyname(slave := os.open(f"/proc/{process.pid}/fd/0", os.O_RDWR))
            error = serial_errors.busy(path)
            assert f"ModemManager ({process.pid})" in error.what
            assert 'ENV{ID_MM_DEVICE_IGNORE}="1"' in str(error)
            assert "udevadm control --reload" in str(error)
        finally:
            process.kill()
            os.close(master)
            os.close(slave)


def test_nobody_answers_or_somebody_else_does() -> None:
    async def test() -> None:
        quiet, chatty = Terminal(), Terminal(lambda asked: b"what? \x1b[2J\n")
        with pytest.raises(SerialPortError) as caught:
            async with opened(Port(path=quiet.path)):
                pass
        assert caught.value.trouble is Trouble.SILENT
        assert quiet.heard.count(b"HI\n") == serial_port.HELLOS
        with pytest.raises(SerialPortError) as caught:
            async with opened(Port(path=chatty.path)):
                pass
        assert caught.value.trouble is Trouble.STRANGER
        assert caught.value.heard.startswith(b"what?")
        assert b"what? \x1b".hex() in str(caught.value)
        assert "\x1b" not in str(caught.value)

    going(test)


def test_a_machine_that_wakes_slowly_is_greeted_again() -> None:
    async def test() -> None:
        def sleepy(asked: bytes) -> bytes:
            return b"HO\n" if machine.heard.count(b"HI\n") >= 3 else b""

        machine = Terminal(sleepy)
        async with opened(Port(path=machine.path)) as transport:
            seen = await until(transport.frames(), lambda frame: frame.payload == b"HO\n")
        payloads = [frame.payload for frame in seen]
        assert payloads == [b"up", b"HI\n", b"HI\n", b"HI\n", b"HO\n"]

    going(test)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """With the rights of a user who has none, where this process may give up its own."""
    if os.geteuid() != 0:
        yield
        return
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def test_without_permission_the_exact_remedy_is_told() -> None:
    master, slave = pty.openpty()
    path = os.ttyname(slave)
    root = os.geteuid() == 0
    try:
        for mode, remedy in (
            (0o620, "Run: sudo usermod -aG"),
            (0o600, "may not either. Run: sudo"),
        ):
            if root:
                os.chown(path, 0, 5)
            os.chmod(path, mode if root else 0)  # noqa: PTH101 - a device
            with as_nobody():
                error = failing(path)
            assert error.trouble is Trouble.NO_PERMISSION
            assert (remedy if root else "Run: sudo") in str(error)
        assert "log out and in again" in str(error) or f"sudo chmod a+rw {path}" in str(error)
    finally:
        os.close(master)
        os.close(slave)


# -------------------------------------------------------------------------- whole machines


async def rowed(
    driver: str, machine: Terminal, wanted: Callable[[list[Record]], bool]
) -> tuple[list[Record], list[Frame]]:
    """What a device tells until it has told what is wanted."""
    profile = DRIVERS[driver].serial
    assert profile is not None
    clock = Clock(RATE)
    header = SourceHeader(name="rower", driver=driver, options=profile.options)
    transport = SerialTransport(Port(path=machine.path), "rower", clock, profile)
    device = Device(transport, make_decoding([header]), clock=clock)
    await transport.open()
    records: list[Record] = []
    frames: list[Frame] = []
    deliveries = device.deliveries()
    try:
        delivery: Delivery
        async for delivery in deliveries:
            records += delivery.records
            if delivery.frame is not None:
                frames.append(delivery.frame)
            if wanted(records):
                break
    finally:
        await device.close()
    return records, frames


def tells(told: list[Record], **values: float) -> bool:
    """Whether a sample holds these values."""
    return any(
        isinstance(one, RowerSample)
        and all(getattr(one, key) == value for key, value in values.items())
        for one in told
    )


FDF_ROW: Final = (
    "A5000000000000415000021037207",
    "A5000040000900408014023037907",
    "A5000060001500358019026038907",
)


def test_a_first_degree_console_is_woken_and_read() -> None:
    """The lines of a real one; 4:08 at 14 a minute is its second line."""
    machines: list[Terminal] = []

    def console(asked: bytes) -> bytes:
        said = {
            b"C": b"C2135", b"T": b"T5", b"V": b"V2135014", b"O": b"O871 72", b"L": b"L7",
            b"H": b"H065", b"K": b"\r\n".join(line.encode() for line in FDF_ROW),
        }  # fmt: skip
        if machines[0].heard.count(b"C") == 1:
            return b".FDF IPM...\r\n"  # it shows its banner when it wakes
        lines = [said[letter] + b"\r\n" for letter in asked.split(b"\n") if letter in said]
        return b"".join(lines) + (b"W\r\n" if b"L" in asked else b"")

    async def test() -> None:
        machines.append(machine := Terminal(console))
        records, _ = await rowed(
            "fdf",
            machine,
            lambda told: tells(told, heart_rate_bpm=65) and tells(told, distance_m=15),
        )
        infos = [one for one in records if isinstance(one, MachineInfo)]
        assert {info.firmware for info in infos} >= {"2135"}
        (first, second) = [one for one in records if isinstance(one, Stroke)][:2]
        assert (first.stroke_rate_spm, first.power_w) == (14, 23)
        assert (second.stroke_rate_spm, second.power_w) == (19, 26)
        samples = [one for one in records if isinstance(one, RowerSample)]
        paces = {one.distance_m: one.pace_s_per_500m for one in samples if one.distance_m}
        assert paces[9] == 4 * 60 + 8
        assert machine.heard.count(b"K") == 1

    going(test)


def test_a_kettler_console_is_asked_who_it_is_and_then_for_its_status() -> None:
    """An answer comes in two halves."""
    machines: list[Terminal] = []

    def console(asked: bytes) -> bytes:
        replies = {
            b"ID\r\n": b"COACH M\r\n",
            b"VE\r\n": b"121\r\n",
            b"ST\r\n": b"142\t028\t112\t0035\t025\t0118\t12:07\t150\r\n",
        }
        reply = b"".join(replies.get(line, b"ERROR\r\n") for line in asked.splitlines(True))
        machines[0].say(reply[:4])
        return reply[4:]

    async def test() -> None:
        machines.append(machine := Terminal(console))
        records, frames = await rowed(
            "kettler", machine, lambda told: sum(isinstance(o, RowerSample) for o in told) >= 4
        )
        infos = [one for one in records if isinstance(one, MachineInfo)]
        assert "COACH M" in {info.model for info in infos}
        assert tells(records, stroke_rate_spm=28, power_w=150, elapsed_s=727)
        sent = [frame.payload for frame in frames if frame.sent]
        assert set(sent) == {b"ID\r\n", b"VE\r\n", b"ST\r\n"}

    going(test)


def test_another_makers_machine_tells_by_csafe_over_a_plain_line() -> None:
    """9600 baud, public commands only; each answer comes in two halves."""
    machines: list[Terminal] = []
    framer = csafe.CsafeFramer()

    def machine_says(one: csafe_commands.Command) -> bytes | None:
        return {
            csafe_commands.VERSION: bytes([9, 2, 1, 0, 1, 0, 1]),
            csafe_commands.CADENCE: bytes([24, 0, 0x54]),
            csafe_commands.POWER: bytes([179, 0, 0x58]),
            csafe_commands.PACE: bytes([250, 0, 0x39]),
            csafe_commands.WORK_TIME: bytes([0, 1, 5]),
            csafe_commands.HORIZONTAL: bytes([100, 0, 0x24]),
        }.get(one.id) if one.wrapper is None else None  # fmt: skip

    def answer(asked: bytes) -> bytes:
        replies = b""
        for frame in framer.feed(asked):
            assert isinstance(frame, csafe.CsafeFrame)
            commands = csafe.parse_request(frame.contents)
            said = [(one.wrapper, one.id, data) for one in commands if (data := machine_says(one))]
            replies += csafe.encode_frame(csafe.encode_reply(0x85, said))
        machines[0].say(replies[:3])
        return replies[3:]

    async def test() -> None:
        machines.append(machine := Terminal(answer))
        records, frames = await rowed(
            "csafe",
            machine,
            lambda told: any(
                isinstance(one, RowerSample) and one.distance_m == 100 for one in told
            ),
        )
        assert isinstance(records[0], Link)
        infos = [one for one in records if isinstance(one, MachineInfo)]
        assert infos[0].manufacturer == "CSAFE 9"
        assert all(frame.payload[0] == 0xF1 for frame in frames if frame.sent)
        samples = [one for one in records if isinstance(one, RowerSample)]
        assert any(one.power_w == 179 for one in samples)
        assert any(one.pace_s_per_500m == 125 for one in samples)

    going(test)


def test_a_monitor_that_only_talks_is_heard_without_being_asked() -> None:
    """Series 3: FE d is tenths of a metre, FF r v a stroke."""

    async def test() -> None:
        machine = Terminal()
        asyncio.get_running_loop().call_later(
            0.1, lambda: machine.say(b"\xfe\x23\xfc\xff\x18\x25\xfe\x24")
        )
        records, frames = await rowed(
            "waterrower_s3",
            machine,
            lambda told: any(
                isinstance(one, RowerSample) and one.distance_m == 7.1 for one in told
            ),
        )
        assert [one.number for one in records if isinstance(one, Stroke)][-1] == 1
        assert not [frame for frame in frames if frame.sent]
        assert not machine.heard

    going(test)


def test_a_home_made_rower_is_heard_with_the_options_of_its_wheel() -> None:
    """100 impulses of 10 ms: 60 degrees each with 6 magnets, at drag factor 120 3.5 cm a radian."""

    async def test() -> None:
        machine = Terminal()
        asyncio.get_running_loop().call_later(0.1, lambda: machine.say(b"0.010000\r\n" * 100))
        path = f"serial:{machine.path}?driver=impulses&magnets=6&drag=120"
        found = await recognise(parse_address(path))
        device, header = device_at(found, "rower", Clock(RATE))
        assert header.options == (("magnets", "6"), ("drag", "120"))
        await device.transport.open()
        metres = 0.0
        async for delivery in device.deliveries():
            samples = [one for one in delivery.records if isinstance(one, RowerSample)]
            metres = max([metres, *(one.distance_m or 0.0 for one in samples)])
            if metres > 2.6:
                break
        await device.close()
        assert metres == pytest.approx(100 * math.pi / 3 * (120e-6 / 2.8) ** (1 / 3), abs=1.0)

    going(test)


@pytest.mark.parametrize(
    ("text", "target", "options"),
    [
        ("serial:/dev/ttyACM0", "/dev/ttyACM0", ()),
        ("serial:COM3", "COM3", ()),
        ("serial:/dev/ttyUSB0?driver=fdf&baud=19200", "/dev/ttyUSB0",
         (("driver", "fdf"), ("baud", "19200"))),
        ("ble:AA:BB:CC:DD:EE:FF", "AA:BB:CC:DD:EE:FF", ()),
        ("ble:PM5 430 Row?driver=csafe", "PM5 430 Row", (("driver", "csafe"),)),
        ("ble:What? No rower", "What? No rower", ()),
        ("ble:Who? Me?driver=ftms", "Who? Me", (("driver", "ftms"),)),
    ],
)  # fmt: skip
def test_addresses(text: str, target: str, options: tuple[tuple[str, str], ...]) -> None:
    address = parse_address(text)
    scheme = text.partition(":")[0]
    assert (address.scheme, address.target, address.options) == (scheme, target, options)
    assert str(address) == text
