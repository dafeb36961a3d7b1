"""Concept2 monitors on a USB cable: a library of hidapi's shape, with a monitor on paper behind."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from rowlog import summary, usb
from rowlog.devices import Opened as Session
from rowlog.notation import parse
from rowlog.pipeline import Pipeline
from rowlog.ports import FoundPort, join, plugged_in, recognise
from rowlog.recording import record
from rowlog.store_read import open_reader
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import merge
from rowlog_drivers.errors import CallError, RowlogError
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols import csafe_commands
from rowlog_drivers.protocols import csafe_programs as programs
from rowlog_drivers.protocols.pm5_strokes import LBF_N
from rowlog_drivers.records import (
    Link,
    MachineInfo,
    MachineState,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)
from rowlog_drivers.simulator import Stretch
from rowlog_drivers.simulator.csafe_monitor import PaperMonitor, PaperRow
from rowlog_drivers.transports import hid
from rowlog_drivers.transports.hid import HidError, Trouble

R = TypeVar("R", bound=Record)


class Plugged:
    """A monitor with its cable: what hidapi's device does, over a `PaperMonitor`."""

    def __init__(self, monitor: PaperMonitor, *, serial: str = "430000001", pm: int = 3) -> None:
        self.monitor = monitor
        self.info = {
            "path": f"/dev/hidraw-{serial}".encode(),
            "vendor_id": 0x17A4,
            "product_id": pm,
            "product_string": f"Concept2 Performance Monitor {pm + 2}",
            "manufacturer_string": "Concept2",
            "serial_number": serial,
        }
        self.out = False
        """Whether the cable is out."""
        self.denied = False
        self.opened = 0
        self.closed = 0
        self.before: Callable[[], None] = lambda: None
        """Called before each request is answered."""
        self.reports: deque[bytes] = deque()
        self.came = threading.Condition()

    def pull(self) -> None:
        with self.came:
            self.out = True
            self.came.notify_all()


class Opening:
    """One opening of the device."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._plugged: Plugged | None = None

    def open_path(self, path: bytes) -> None:
        for one in self._library.plugged:
            if one.info["path"] == path and not one.out and not one.denied:
                self._plugged = one
                one.opened += 1
                return
        raise OSError("open failed")

    def read(self, max_length: int, timeout_ms: int = 0) -> list[int]:
        one = self._plugged
        if one is None:
            raise ValueError("not open")
        with one.came:
            if not one.reports and not one.out:
                one.came.wait(timeout_ms / 1000)
            if one.out:
                raise OSError("read error")
            return list(one.reports.popleft()[:max_length]) if one.reports else []

    def write(self, buff: bytes) -> int:
        one = self._plugged
        if one is None or one.out:
            return -1
        one.before()
        with one.came:
            one.reports.extend(one.monitor.take_report(bytes(buff)))
            one.came.notify_all()
        return len(buff)

    def close(self) -> None:
        if self._plugged is not None:
            self._plugged.closed += 1
            self._plugged = None


class Library:
    """The module of hidapi."""

    def __init__(self, *plugged: Plugged) -> None:
        self.plugged = list(plugged)

    def enumerate(self, vendor_id: int = 0, product_id: int = 0) -> list[dict[str, Any]]:
        return [one.info for one in self.plugged if not one.out]

    def device(self) -> Opening:
        return Opening(self)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    """The library that rowlog finds installed, with one PM5."""
    made = Library(Plugged(PaperMonitor()))
    monkeypatch.setattr(hid, "library", lambda: made)
    return made


class Heard:
    """What a session hears of the monitor."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.deliveries: list[Delivery] = []
        self._came = asyncio.Event()

    async def run(self) -> None:
        async for batch in merge(self.session.devices):
            self.deliveries += batch
            self._came.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._came.clear()
                await self._came.wait()

    @property
    def records(self) -> list[Record]:
        return [record for one in self.deliveries for record in one.records]

    def of(self, kind: type[R]) -> list[R]:
        return [record for record in self.records if isinstance(record, kind)]


class Stepped(Clock):
    """A clock that goes on by four milliseconds whenever it is read: no load makes it jump."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._t_ns = 0

    def now_ns(self) -> int:
        with self._lock:
            self._t_ns += 4_000_000
            return self._t_ns

    def life_s(self, session_s: float) -> float:
        return min(super().life_s(session_s), 0.001)


async def session(address: str = "usb:pm", clock: Clock | None = None) -> Session:
    """What `rowlog record --rower usb:...` opens."""
    found = await recognise(parse_address(address))
    clock = Clock(20.0) if clock is None else clock
    empty = Session(devices=(), sources=(), addresses={}, clock=clock)
    opened = join(empty, found)
    opened.clock.restart()
    await opened.devices[0].transport.open()
    return opened


def test_a_row_is_heard_as_it_was_rowed(library: Library) -> None:
    (plugged,) = library.plugged
    row = PaperRow(
        plugged.monitor,
        [
            Stretch(kind="wait", seconds=1.0),
            Stretch(kind="work", distance_m=60.0),
            Stretch(kind="wait", seconds=4.0),
        ],
    )
    pipeline = Pipeline()

    async def run() -> Heard:
        opened = await session(clock=Stepped())
        plugged.before = lambda: row.at(opened.clock.now_ns() / 1e9)
        heard = Heard(opened)
        listening = asyncio.create_task(heard.run())
        await heard.until(
            lambda: bool(heard.deliveries) and heard.deliveries[-1].t_ns / 1e9 > row.truth.end_s
        )
        await opened.devices[0].close()
        await listening
        return heard

    heard = asyncio.run(run())
    assert (plugged.opened, plugged.closed) == (1, 1)
    assert heard.of(Undecoded) == []
    (info,) = [one for one in heard.of(MachineInfo) if one.model is not None]
    assert (info.manufacturer, info.model) == ("Concept2", "PM5")
    for delivery in heard.deliveries:
        pipeline.feed(delivery)
    position = pipeline.position
    assert position is not None
    assert position.distance_m == pytest.approx(row.truth.distance_m, abs=0.2)
    # Every stroke once, with its forces in newtons, and most with the curve that was polled.
    strokes: dict[int, list[Stroke]] = {}
    for stroke in heard.of(Stroke):
        strokes.setdefault(stroke.number, []).append(stroke)
    assert list(strokes) == list(range(1, row.truth.stroke_count + 1))
    curves = [one for one in heard.of(Stroke) if one.force_curve_n is not None]
    assert len(curves) >= row.truth.stroke_count - 2
    whole = 0
    for one in curves:
        assert one.force_curve_n is not None
        assert one.peak_force_n is not None
        # Points are whole pounds of force, rounded down; beside the top it is a little less.
        gap_lbf = (one.peak_force_n - max(one.force_curve_n)) / LBF_N
        whole += 0 <= gap_lbf < 4
    assert whole >= len(curves) - 1
    samples = heard.of(RowerSample)
    assert {one.drag_factor for one in samples} == {None, 118}
    # Never two requests at a time: each report that came answers one that was sent.
    balance = 0
    for delivery in heard.deliveries:
        frame = delivery.frame
        if frame is not None and frame.channel in ("tx", "rx"):
            balance += 1 if frame.sent else -1
            assert balance in (0, 1)


def test_a_cable_that_is_pulled_and_plugged_in_again(library: Library) -> None:
    (plugged,) = library.plugged

    async def run() -> Heard:
        opened = await session()
        (device,) = opened.devices
        heard = Heard(opened)
        listening = asyncio.create_task(heard.run())
        await heard.until(lambda: len(heard.of(MachineInfo)) >= 1)
        plugged.pull()
        await heard.until(lambda: [one.up for one in heard.of(Link)] == [True, False])
        complaint = device.complaint()
        assert complaint is not None
        assert complaint.trouble == "unplugged"
        # It comes back in another socket, under another name, beside another monitor.
        again = Plugged(plugged.monitor)
        again.info["path"] = b"/dev/hidraw9"
        library.plugged = [Plugged(PaperMonitor(), serial="430000002"), again]
        before = len(heard.of(RowerSample))
        await heard.until(lambda: len(heard.of(RowerSample)) > before + 3)
        assert device.complaint() is None
        assert (again.opened, library.plugged[0].opened) == (1, 0)
        await device.close()
        await listening
        assert again.closed == 1
        return heard

    heard = asyncio.run(run())
    assert [one.up for one in heard.of(Link)] == [True, False, True]
    assert plugged.closed == 1


def test_the_monitors_that_are_plugged_in(library: Library) -> None:
    library.plugged.append(Plugged(PaperMonitor(model=3), serial="31234", pm=1))

    async def run() -> list[FoundPort]:
        return [one for one in await plugged_in(lambda: ()) if one.on_usb]

    found = asyncio.run(run())
    assert [(one.address, one.identified.what) for one in found] == [
        ("usb:31234", "Concept2 PM3 on USB"),
        ("usb:430000001", "Concept2 PM5 on USB"),
    ]
    assert all(one.answered for one in found)
    with pytest.raises(RowlogError, match="2 monitors are plugged in"):
        asyncio.run(recognise(parse_address("usb:pm")))
    one = asyncio.run(recognise(parse_address("usb:31234")))
    assert one.port.product == "Concept2 Performance Monitor 3"


@pytest.mark.parametrize(
    ("prepare", "address", "why", "trouble"),
    [
        (lambda one: one.pull(), "usb:pm", "No Concept2 monitor is plugged in", Trouble.MISSING),
        (lambda one: None, "usb:99", "usb:99 is not plugged in. There are: usb:430000001", None),
        (
            lambda one: setattr(one, "denied", True),
            "usb:pm",
            "is plugged in and cannot be opened",
            Trouble.REFUSED,
        ),
    ],
    ids=["none", "another", "no permission"],
)
def test_what_cannot_be_had_is_told(
    library: Library,
    prepare: Callable[[Plugged], None],
    address: str,
    why: str,
    trouble: Trouble | None,
) -> None:
    prepare(library.plugged[0])
    with pytest.raises(RowlogError) as caught:
        asyncio.run(session(address))
    assert why in str(caught.value)
    if trouble is not None:
        assert isinstance(caught.value, HidError)
        assert caught.value.trouble is trouble
    if trouble is Trouble.REFUSED:
        assert "udev" in str(caught.value)


def test_without_hidapi_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> object:
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(HidError, match=r'pip install "rowlog\[usb\]"'):
        asyncio.run(recognise(parse_address("usb:pm")))
    # Where nobody asked for it, nothing is wrong.
    assert asyncio.run(usb.monitors_in_reach()) == []


def test_the_library_that_is_installed_has_what_is_used() -> None:
    module = pytest.importorskip("hid")
    assert isinstance(module.enumerate(0x17A4, 0), list)
    device = module.device()
    for name in ("open_path", "read", "write", "close"):
        assert callable(getattr(device, name))
    with pytest.raises(hid.FAILURES):
        device.open_path(b"/nowhere")
    with pytest.raises(hid.FAILURES):
        device.read(64, timeout_ms=1)


# A workout that is sent to it


def under_way() -> PaperMonitor:
    """Somebody rows on it."""
    monitor = PaperMonitor()
    monitor.shown.workout_state = 1
    return monitor


def recorded(tmp_path: Path, text: str, address: str = "usb:pm") -> tuple[Path, list[str]]:
    """What `rowlog record TEXT --program --rower ADDRESS --for 1s` does."""
    database = tmp_path / "rowlog.db"
    told: list[str] = []
    record(
        database,
        parse_address(address),
        None,
        plan=parse(text),
        program=True,
        for_s=0.3,
        tell=told.append,
    )
    return database, told


@pytest.mark.parametrize(
    ("text", "monitor", "held", "sent"),
    [
        # 21 and 20 with the goal, 1a 05 with a fifth of it, 24 0, 85: in use.
        ("2000m", PaperMonitor(), (3, 0x80, 2000, 400),
         "f1 21 03 d0 07 24 1a 07 05 05 80 90 01 00 00 24 02 00 00 85 7e f2"),
        ("20:00", PaperMonitor(), (5, 0x00, 120_000, 24_000),
         "f1 20 03 00 14 00 1a 07 05 05 00 c0 5d 00 00 24 02 00 00 85 14 f2"),
        ("5000m [1000m]", PaperMonitor(model=3), (3, 0x80, 5000, 1000), None),
        ("1:10:00", PaperMonitor(terse=True), (5, 0x00, 420_000, 84_000), None),
        ("100m", PaperMonitor(reserved=True), (3, 0x80, 100, 100), None),
    ],
    ids=["distance", "time", "splits", "terse", "reserved"],
)  # fmt: skip
def test_a_single_piece_is_sent_and_held(
    library: Library,
    tmp_path: Path,
    text: str,
    monitor: PaperMonitor,
    held: tuple[int, int, int, int],
    sent: str | None,
) -> None:
    library.plugged[0].monitor = monitor
    database, told = recorded(tmp_path, text)
    (workout,) = monitor.workout
    assert held == (
        monitor.workout_type,
        workout.target_type,
        workout.target_raw,
        workout.split_raw,
    )
    assert told == ["Concept2 Performance Monitor 5 holds the workout."]
    with open_reader(database) as reader:
        reports = [frame.payload for frame in reader.read_frames(1) if frame.sent]
        states = [one for one in reader.records(1, MachineState) if one.state.startswith("target")]
    # Asked what is under way, reset, and told.
    assert reports[1][1:].rstrip(b"\0") == b"\xf1\x81\x81\xf2"
    if sent is not None:
        assert reports[2][1:].rstrip(b"\0") == bytes.fromhex(sent)
    # What is not rowed yet is no metre of the session, though the display begins at its length.
    assert summary.load(database, 1).session.distance_m in (None, 0.0)
    assert [one.parameter for one in states] == [
        workout.target_raw / (100 if workout.target_type == 0x00 else 1)
    ]


@pytest.mark.parametrize(
    ("monitor", "why"),
    [
        (PaperMonitor(busy=True), "refused the workout (not ready)"),
        (under_way(), "has a workout under way"),
        (PaperMonitor(deaf=True), "took the workout and does not hold it: it shows just row"),
    ],
    ids=["in no mood", "in a workout", "only says so"],
)
def test_a_piece_that_is_not_taken_is_told_and_nothing_recorded(
    library: Library,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    monitor: PaperMonitor,
    why: str,
) -> None:
    monkeypatch.setattr("rowlog.program_monitor.TAKEN_S", 0.2)
    library.plugged[0].monitor = monitor
    with pytest.raises(RowlogError) as caught:
        recorded(tmp_path, "2000m")
    assert why in str(caught.value)
    assert (caught.value.exit_code, library.plugged[0].closed) == (1, 1)
    resets = [one for one in monitor.requests if one[0].id == csafe_commands.RESET]
    assert len(resets) == (0 if "under way" in why else 1)
    with open_reader(tmp_path / "rowlog.db") as reader:
        assert reader.sessions() == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("8x500m/1:30r", "takes single pieces only: to send it intervals needs an authentication"),
        ("100cal", "takes no piece that ends by calories: its public commands"),
        ("open", "choose Just Row on it"),
        ("50m", "takes a piece of 100 to 50000 m, not 50"),
    ],
)
def test_what_cannot_be_sent_by_usb_is_refused_before_anything_begins(
    library: Library, tmp_path: Path, text: str, why: str
) -> None:
    with pytest.raises(CallError, match=why):
        recorded(tmp_path, text)
    assert library.plugged[0].opened == 0
    assert not (tmp_path / "rowlog.db").exists()


def test_an_older_monitor_has_fewer_splits(library: Library, tmp_path: Path) -> None:
    library.plugged[0] = Plugged(PaperMonitor(model=3), pm=1)
    with pytest.raises(CallError, match="A PM3 holds up to 30 splits"):
        recorded(tmp_path, "10000m [250m]")
    assert recorded(tmp_path, "7500m [250m]")


def test_a_workout_that_counts_down_is_recorded_as_it_was_rowed(library: Library) -> None:
    """A piece of 100 m on the display falls from 100.0 m; what was rowed rises from 0."""
    (plugged,) = library.plugged
    for frame in programs.public("distance", 100).frames:
        plugged.monitor.take(frame)
    row = PaperRow(
        plugged.monitor,
        [
            Stretch(kind="wait", seconds=1.0),
            Stretch(kind="work", distance_m=25.0),
            Stretch(kind="wait", seconds=3.0),
        ],
    )
    pipeline = Pipeline()

    async def run() -> Heard:
        opened = await session(clock=Stepped())
        plugged.before = lambda: row.at(opened.clock.now_ns() / 1e9)
        heard = Heard(opened)
        listening = asyncio.create_task(heard.run())
        await heard.until(
            lambda: bool(heard.deliveries) and heard.deliveries[-1].t_ns / 1e9 > row.truth.end_s
        )
        await opened.devices[0].close()
        await listening
        return heard

    heard = asyncio.run(run())
    metres = [one.distance_m for one in heard.of(RowerSample) if one.distance_m is not None]
    assert metres == sorted(metres)
    for delivery in heard.deliveries:
        pipeline.feed(delivery)
    position = pipeline.position
    assert position is not None
    assert position.distance_m == pytest.approx(row.truth.distance_m, abs=0.2)
