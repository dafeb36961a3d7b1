"""A Concept2 PM5 in a room: its own service, read whole, through the real bleak."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from rowlog.bluetooth import connect
from rowlog.devices import Opened
from rowlog.store_read import open_reader
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import merge
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols import pm5
from rowlog_drivers.records import Link, MachineInfo, MachineSummary, Record, Stroke
from rowlog_drivers.simulator import Stretch, simulate
from rowlog_drivers.transports.ble_names import uuid_of
from tests.bluez.fake import Characteristic, Daemon, FakeBluez, Machine, bluez
from tests.bluez.support import PATIENCE_S
from tests.bluez.test_record import begun, ended, names, record

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

AT: Final = "C0:00:00:00:00:05"
INFO: Final = {0x11: b"PM5", 0x12: b"430070439", 0x13: b"634", 0x14: b"8200-174", 0x15: b"Concept2"}
NOTIFIED: Final = (0x31, 0x32, 0x33, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3B, 0x3D, 0x3E, 0x3F)
RATE: Final = uuid_of(pm5.SAMPLE_RATE_CHANNEL)


def monitor(without: Sequence[int] = (), *, fitness_machine: bool = True) -> Machine:
    """A PM5, with newer firmware's FTMS beside its own services."""

    def one(number: int, flags: tuple[str, ...], value: bytes = b"") -> Characteristic:
        return Characteristic(uuid_of(pm5.channel(number)), flags, value)

    services = {
        uuid_of("ce060010"): [one(number, ("read",), value) for number, value in INFO.items()],
        uuid_of("ce060020"): [one(0x21, ("write",)), one(0x22, ("read", "notify"))],
        uuid_of("ce060030"): [
            *(one(number, ("notify",)) for number in NOTIFIED if number not in without),
            one(0x34, ("read", "write"), b"\x01"),
            one(0x80, ("notify",)),
        ],
    }
    if fitness_machine:
        services["1826"] = [Characteristic("2ad1"), Characteristic("2acc", ("read",), bytes(8))]
    return Machine(
        address=AT,
        name="PM5 430070439 Row",
        services=services,
        advertised=(uuid_of("ce060000"), *(("1826",) if fitness_machine else ())),
    )


def rowed() -> list[Frame]:
    """What a PM5 notifies during twenty seconds of rowing."""
    script = [
        Stretch(kind="wait", seconds=2.0),
        Stretch(kind="work", distance_m=80.0),
        Stretch(kind="wait", seconds=3.0),
    ]
    frames = simulate(script, rower="pm5", strap=False, rate_hz=4.0).frames
    return [
        frame
        for frame in frames
        if not frame.sent and frame.channel.startswith("ce06003") and frame.channel != RATE[:8]
    ]


class Heard:
    """What comes from the PM5 once it is connected, through the code that a recording uses."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self._came = asyncio.Event()

    async def run(self, opened: Opened) -> None:
        async for batch in merge(opened.devices):
            self.deliveries += batch
            self._came.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._came.clear()
                await self._came.wait()

    @property
    def records(self) -> list[Record]:
        return [record for delivery in self.deliveries for record in delivery.records]

    def payloads(self, prefix: str) -> list[bytes]:
        return [
            one.frame.payload
            for one in self.deliveries
            if one.frame is not None and one.frame.channel.startswith(prefix)
        ]


def listened(daemon: Daemon, machine: Machine, act: Callable[[FakeBluez, Heard], object]) -> Heard:
    """Connect to the machine as `rowlog record` does; `act` is awaited while it is heard."""
    heard = Heard()

    async def run() -> None:
        async with bluez(daemon, machine) as air:
            empty = Opened(devices=(), sources=(), addresses={}, clock=Clock())
            on_air = await connect(empty, {"rower": parse_address("ble:PM5 430070439 Row")}, [])
            assert on_air.found["rower"].identified.driver == "pm5"
            listening = asyncio.create_task(heard.run(on_air.opened))
            try:
                await act(air, heard)  # type: ignore[misc]
            finally:
                await asyncio.gather(*(one.close() for one in on_air.opened.devices))
                await listening

    asyncio.run(run())
    return heard


def strokes(records: Sequence[Record]) -> list[tuple[int, float | None, object]]:
    return [
        (one.number, one.power_w, one.force_curve_n) for one in records if isinstance(one, Stroke)
    ]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """In this room a device is heard fifty times a second, so a short look will do."""
    monkeypatch.setattr("rowlog.finding.NAMESAKE_S", 0.2)


@pytest.mark.parametrize(
    "without", [(), (0x35, 0x36, 0x3D)], ids=["each for itself", "strokes through 0080"]
)
def test_all_of_its_own_service_is_heard(daemon: Daemon, without: tuple[int, ...]) -> None:
    frames = rowed()
    machine = monitor(without)

    async def act(air: FakeBluez, heard: Heard) -> None:
        await air.until_subscribed(machine, uuid_of(pm5.MULTIPLEXED_CHANNEL))
        await air.until(lambda: (RATE, b"\x03") in machine.writes)
        for frame in frames:
            number = int(frame.channel[6:], 16)
            if number in without:
                value = pm5.decode_value(number, frame.payload)
                assert not isinstance(value, pm5.Malformed)
                payload = pm5.encode_multiplexed(value)
                assert air.notify(machine, uuid_of(pm5.MULTIPLEXED_CHANNEL), payload)
            else:
                assert air.notify(machine, uuid_of(frame.channel), frame.payload)
            await asyncio.sleep(0)
        wanted = len(frames)
        await heard.until(
            lambda: len(heard.payloads("ce06003")) + len(heard.payloads("ce060080")) >= wanted
        )

    heard = listened(daemon, machine, act)
    # Every characteristic that it has was subscribed to once, and none of its FTMS.
    starts = {one.uuid: one.starts for service in machine.services.values() for one in service}
    for number in NOTIFIED:
        if number not in without:
            assert starts[uuid_of(pm5.channel(number))] == 1
    assert starts["2ad1"] == 0
    told = [record for record in heard.records if isinstance(record, MachineInfo)]
    assert {one.model for one in told} >= {"PM5"}
    assert {one.serial_number for one in told} >= {"430070439"}
    assert {one.firmware for one in told} >= {"8200-174"}
    # The fastest rate was set once, and stands among the frames.
    assert machine.writes == [(RATE, b"\x03")]
    assert heard.payloads(pm5.SAMPLE_RATE_CHANNEL) == [b"\x01", b"\x03"]
    decoding = make_decoding([SourceHeader(name="rower", driver="pm5")])
    direct = [record for frame in frames for record in decoding.deliver(frame).records]
    assert strokes(heard.records) == strokes(direct)
    assert sum(one[2] is not None for one in strokes(direct)) >= 8


def test_the_rate_is_set_again_after_the_link_was_lost(daemon: Daemon) -> None:
    machine = monitor()

    async def act(air: FakeBluez, heard: Heard) -> None:
        await air.until(lambda: machine.writes == [(RATE, b"\x03")])
        air.drop(machine)
        await air.until(lambda: machine.writes == [(RATE, b"\x03")] * 2, PATIENCE_S)
        await heard.until(lambda: len(heard.payloads("ce060034")) >= 3)

    heard = listened(daemon, machine, act)
    links = [record.up for record in heard.records if isinstance(record, Link)]
    assert links == [True, False, True]


def test_without_its_own_service_it_is_said_what_it_lacks(daemon: Daemon, tmp_path: Path) -> None:
    machine = monitor()
    del machine.services[uuid_of("ce060030")]

    async def run() -> None:
        async with bluez(daemon, machine):
            with record(tmp_path / "rowlog.db", "--rower", f"ble:{AT}") as process:
                code, _, errors = await ended(process)
        assert code == 1
        assert "ce060031" in errors

    asyncio.run(run())


def test_record_takes_it_by_its_own_service(daemon: Daemon, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    machine = monitor()
    said = [
        pm5.WorkoutSummary(
            log_date=None,
            log_time=None,
            elapsed_s=25.0,
            distance_m=100.0,
            stroke_rate_spm=24,
            end_heart_rate_bpm=None,
            heart_rate_bpm=None,
            min_heart_rate_bpm=None,
            max_heart_rate_bpm=None,
            drag_factor=98,
            recovery_heart_rate_bpm=None,
            workout_type=3,
            pace_s_per_500m=125.0,
        )
    ]

    async def run() -> None:
        async with bluez(daemon, machine) as air:
            with record(database) as process:
                await begun(process)
                for value in said:
                    channel = pm5.channel(pm5.characteristic_of(value))
                    assert air.notify(machine, uuid_of(channel), pm5.encode_value(value))
                # 7 readings, the rate that was set, the link, the summary
                await asyncio.to_thread(process.object, lambda o: o["frames_committed"] >= 9)
                process.send(signal.SIGINT)
                code, _, errors = await ended(process)
        assert (code, errors.count("Traceback")) == (0, 0), errors

    asyncio.run(run())
    assert names(database) == {"rower": f"ble:{AT}"}
    with open_reader(database) as reader:
        assert [source.driver for source in reader.session(1).sources] == ["pm5"]
        (summary,) = reader.records(1, MachineSummary)
        frames = list(reader.read_frames(1))
    assert (summary.time_s, summary.distance_m, summary.drag_factor) == (25.0, 100.0, 98)
    sent = [(frame.channel, frame.payload) for frame in frames if frame.sent]
    assert sent == [(pm5.SAMPLE_RATE_CHANNEL, b"\x03")]
