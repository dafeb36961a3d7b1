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
from rowlog.notation import parse
from rowlog.program_monitor import send_program
from rowlog.programming import program_for
from rowlog.store_read import open_reader
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import merge
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols import pm5
from rowlog_drivers.protocols.csafe_frames import CsafeFramer, pieces
from rowlog_drivers.records import (
    Link,
    MachineInfo,
    MachineSummary,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)
from rowlog_drivers.simulator import Stretch, simulate
from rowlog_drivers.simulator.csafe_monitor import PaperMonitor, PaperRow
from rowlog_drivers.transports.ble_names import uuid_of
from tests.bluez.fake import Characteristic, Daemon, FakeBluez, Machine, bluez
from tests.bluez.support import PATIENCE_S
from tests.bluez.test_record import begun, ended, names, record
from tests.support import run as run_program

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


# A workout that is sent to it

REQUEST: Final = uuid_of(pm5.channel(0x21))
REPLY: Final = uuid_of(pm5.channel(0x22))
STATUS: Final = uuid_of(pm5.channel(0x31))


def with_paper(air: FakeBluez, machine: Machine, paper: PaperMonitor) -> None:
    """The machine answers what is written to it, and tells what it holds in its status."""

    def status() -> None:
        held = paper.workout[0] if paper.workout else None
        value = pm5.GeneralStatus(
            elapsed_s=0.0,
            distance_m=0.0,
            workout_type=paper.workout_type,
            interval_type=1,
            workout_state=0,
            rowing_state=0,
            stroke_state=0,
            total_work_distance_raw=0,
            target_raw=0 if held is None else held.target_raw,
            target_type=0x80 if held is None else held.target_type,
            drag_factor=None,
        )
        air.notify(machine, STATUS, pm5.encode_value(value))

    def written(uuid: str, payload: bytes) -> None:
        if uuid == RATE:
            status()
        elif uuid == REQUEST:
            assert len(payload) <= 20
            for answer in paper.take(payload):
                for piece in pieces(answer):
                    air.notify(machine, REPLY, piece)
            status()

    machine.on_write = written


def programmed(
    daemon: Daemon, text: str, paper: PaperMonitor, *, asks: bool = False
) -> RowlogError | None:
    """Send the plan to a PM5 as `rowlog record --program` does; what went wrong.

    `asks`: by its control service alone.
    """
    machine = monitor()
    outcome: list[RowlogError | None] = []

    async def run() -> None:
        async with bluez(daemon, machine) as air:
            with_paper(air, machine, paper)
            empty = Opened(devices=(), sources=(), addresses={}, clock=Clock())
            address = parse_address(f"ble:{AT}" + ("?driver=csafe" if asks else ""))
            on_air = await connect(empty, {"rower": address}, [])
            (device,) = on_air.opened.devices
            try:
                workout = program_for(parse(text))
                await send_program(device, workout, label="PM5 430070439 Row", asks=asks)
                outcome.append(None)
            except RowlogError as error:
                outcome.append(error)
            finally:
                await device.close()
            # What was said meanwhile is not lost: a recording begins with it.
            told = [one async for one in device.deliveries()]
            assert any(one.frame is not None and one.frame.channel == "ce060022" for one in told)

    asyncio.run(run())
    return outcome[0]


@pytest.mark.parametrize("asks", [False, True], ids=["told", "asked"])
@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("2000m", [(0x80, 2000, 0)]),
        ("20:00", [(0x00, 120_000, 0)]),
        ("8x500m/1:30r", [(0x80, 500, 90)] * 8),
        ("v300m/0:40r+1:00/...r+20cal", [(0x80, 300, 40), (0x00, 6000, 0), (0x40, 20, 0)]),
    ],
)
def test_a_plan_is_sent_and_held(
    daemon: Daemon, text: str, held: list[tuple[int, int, int]], asks: bool
) -> None:
    paper = PaperMonitor()
    assert programmed(daemon, text, paper, asks=asks) is None
    assert [(one.target_type, one.target_raw, one.rest_s) for one in paper.workout] == held


@pytest.mark.parametrize(
    ("paper", "why"),
    [
        (PaperMonitor(busy=True), "refused the workout (not ready)"),
        (PaperMonitor(reserved=True), "refused the workout (reject)"),
        (PaperMonitor(deaf=True), "does not hold it: it shows just row splits"),
    ],
    ids=["in a workout", "without the right", "only says so"],
)
def test_a_plan_that_is_not_taken_is_told(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch, paper: PaperMonitor, why: str
) -> None:
    monkeypatch.setattr("rowlog.program_monitor.TAKEN_S", 0.5)
    error = programmed(daemon, "8x500m/1:30r", paper)
    assert error is not None
    assert why in str(error)
    assert "main menu" in str(error)


def test_record_programs_the_monitor_and_keeps_what_was_said(
    daemon: Daemon, tmp_path: Path
) -> None:
    database = tmp_path / "rowlog.db"
    machine, paper = monitor(), PaperMonitor()

    async def run() -> None:
        async with bluez(daemon, machine) as air:
            with_paper(air, machine, paper)
            with record(database, "3x150m/0:30r", "--program") as process:
                await begun(process)
                process.send(signal.SIGINT)
                code, _, errors = await ended(process)
        assert code == 0, errors
        assert "PM5 430070439 Row holds the workout." in errors

    asyncio.run(run())
    assert [one.target_raw for one in paper.workout] == [150] * 3
    with open_reader(database) as reader:
        frames = list(reader.read_frames(1))
    assert any(one.sent and one.channel == "ce060021" for one in frames)
    assert any(one.channel == "ce060022" for one in frames)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--program",), "needs a plan to send"),
        (("3x50m/1:00r", "--program"), "takes a piece of 100 to 50000 m, not 50"),
        (("500m", "--program", "--rower", "sim:pm5"), "sim:pm5 holds the plan by itself"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_anything_begins(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    result = run_program("record", *arguments, "--db", tmp_path / "rowlog.db")
    assert result.returncode == 2
    assert why in result.stderr
    assert not (tmp_path / "rowlog.db").exists()


# CSAFE alone, over its control service


def test_csafe_over_the_control_service(daemon: Daemon) -> None:
    machine, paper = monitor(), PaperMonitor()
    row = PaperRow(
        paper,
        [
            Stretch(kind="wait", seconds=1.0),
            Stretch(kind="work", distance_m=60.0),
            Stretch(kind="wait", seconds=4.0),
        ],
    )
    t_s = 0.0

    async def run() -> tuple[Heard, Opened]:
        async with bluez(daemon, machine) as air:

            def written(uuid: str, payload: bytes) -> None:
                nonlocal t_s
                assert uuid == REQUEST
                assert len(payload) <= 20
                for answer in paper.take(payload):
                    # The row goes on with each answer: no load of the computer thins the polling.
                    t_s += 0.06
                    row.at(t_s)
                    for piece in pieces(answer):
                        air.notify(machine, REPLY, piece)

            machine.on_write = written
            empty = Opened(devices=(), sources=(), addresses={}, clock=Clock(20.0))
            address = parse_address("ble:PM5 430070439 Row?driver=csafe")
            opened = (await connect(empty, {"rower": address}, [])).opened
            heard = Heard()
            listening = asyncio.create_task(heard.run(opened))
            await heard.until(lambda: t_s > row.truth.end_s + 1.0)
            await asyncio.gather(*(one.close() for one in opened.devices))
            await listening
        return heard, opened

    heard, opened = asyncio.run(run())
    assert opened.sources == (
        SourceHeader(
            name="rower", driver="csafe", options=(("name", machine.name or ""), ("link", "ble"))
        ),
    )
    # Its rowing service was left alone.
    starts = {one.uuid: one.starts for service in machine.services.values() for one in service}
    assert {uuid for uuid, count in starts.items() if count} == {REPLY}
    assert not [record for record in heard.records if isinstance(record, Undecoded)]
    (info,) = [one for one in heard.records if isinstance(one, MachineInfo) and one.model]
    assert (info.manufacturer, info.model) == ("Concept2", "PM5")
    told = [one for one in heard.records if isinstance(one, Stroke)]
    every = range(1, row.truth.stroke_count + 1)
    assert list(dict.fromkeys(one.number for one in told)) == list(every)
    curves = {one.number for one in told if one.force_curve_n is not None}
    assert len(curves) >= len(every) - 1
    metres = [
        one.distance_m
        for one in heard.records
        if isinstance(one, RowerSample) and one.distance_m is not None
    ]
    assert metres == sorted(metres)
    assert metres[-1] == pytest.approx(row.truth.distance_m, abs=0.1)
    # One request at a time: what was sent last is answered before anything else is sent.
    requests = CsafeFramer()
    replies = CsafeFramer()
    open_count = 0
    for delivery in heard.deliveries:
        frame = delivery.frame
        if frame is None or frame.channel not in ("ce060021", "ce060022"):
            continue
        if frame.sent:
            open_count += len(requests.feed(frame.payload))
        else:
            open_count -= len(replies.feed(frame.payload))
        assert open_count in (0, 1)
    # What is stored is understood again by what the header says.
    decoding = make_decoding(opened.sources)
    again = [
        record
        for delivery in heard.deliveries
        if delivery.frame is not None
        for record in decoding.deliver(delivery.frame).records
    ]
    assert again == heard.records


def test_a_driver_that_reads_no_bluetooth_is_refused_before_anything_begins(
    tmp_path: Path,
) -> None:
    for option, why in (
        ("driver=fdf", "the driver fdf reads no rower over Bluetooth. These do: csafe,"),
        ("driver=heart_rate", "the driver heart_rate reads no rower"),
        ("driver=nothing", "No driver is called 'nothing'"),
        ("link=usb", "there is no option 'link'"),
        ("driver=csafe&link=usb", "there is no option 'link'"),
    ):
        result = run_program(
            "record", "--rower", f"ble:{AT}?{option}", "--db", tmp_path / "rowlog.db"
        )
        assert (result.returncode, why in result.stderr) == (2, True), result.stderr
    assert not (tmp_path / "rowlog.db").exists()
