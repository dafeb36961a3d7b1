"""`rowlog record` from a WaterRower on a pseudo-terminal, five times as fast as life."""

from __future__ import annotations

import contextlib
import itertools
import json
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import pytest

from rowlog import summary
from rowlog.live import Moment
from rowlog.notation import parse
from rowlog.rebuild import rebuild
from rowlog.recording import record
from rowlog.simulating import OnPaper, script_of
from rowlog.store_read import open_reader
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import make_decoder
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Frame
from rowlog_drivers.records import RowerSample
from rowlog_drivers.simulator.s4_live import LiveS4
from tests.support import Process, rows, run

if sys.platform == "win32":
    pytest.skip(
        "a pseudo-terminal plays the serial port: Windows has none", allow_module_level=True
    )

from rowlog_drivers.pseudo_terminal import SerialMachine

RATE: Final = 5.0
PLAN: Final = "2x150m/0:10r"
FOR_S: Final = 95.0


@dataclass(frozen=True)
class Mischief:
    """Something that is done to the port when the athlete has rowed so far."""

    at_m: float
    do: Callable[[SerialMachine], None]


class Tricky(LiveS4):
    """A monitor to whose port things happen as the athlete gets on."""

    def __init__(self, port: list[SerialMachine], mischief: list[Mischief]) -> None:
        super().__init__(script_of(OnPaper(plan=parse(PLAN))), seed=2)
        self._port, self._mischief = port, mischief

    def advance(self, t_s: float) -> bytes:
        said = super().advance(t_s)
        rowed_m = self._leg.distance_m(t_s)
        while self._mischief and rowed_m >= self._mischief[0].at_m:
            self._mischief.pop(0).do(self._port[0])
            said += self._taken()
        return said


@contextlib.contextmanager
def plugged_in(
    make: Callable[[list[SerialMachine]], LiveS4], link: Path
) -> Iterator[SerialMachine]:
    """A monitor on a port that `link` points to."""
    ports: list[SerialMachine] = []
    port = SerialMachine(lambda: make(ports), clock=Clock(RATE), link=link)
    ports.append(port)
    thread = threading.Thread(target=port.run)
    thread.start()
    try:
        assert port.opened.wait(10)
        yield port
    finally:
        port.stop()
        thread.join(10)


@dataclass(frozen=True)
class Rowed:
    """A session that was recorded, and what it was in truth."""

    database: Path
    machine: LiveS4
    shown: dict[str, Any]
    moments: list[Moment]
    paths: list[str]
    frames: list[Frame]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.database)) as db:
            return db.execute(query).fetchall()


@pytest.fixture(scope="module")
def rowed(tmp_path_factory: pytest.TempPathFactory) -> Rowed:
    """Two reps: the cable is pulled in the first, the power button pressed in the second."""
    folder = tmp_path_factory.mktemp("serial")
    paths: list[str] = []

    def unplug(port: SerialMachine) -> None:
        paths.append(port.path)
        # As with a real cable: the next device that comes takes the name that became free.
        port.unplug()

    def plug(port: SerialMachine) -> None:
        port.plug()
        paths.append(port.path)

    def noise(octets: bytes) -> Callable[[SerialMachine], None]:
        return lambda port: port.say(octets)

    mischief = [
        Mischief(20, noise(b"\0\0")),
        Mischief(40, unplug),
        Mischief(65, plug),
        Mischief(90, noise(b"IDD05")),
        Mischief(100, noise(b"\xff" * 6000)),
        Mischief(110, noise(b"\r\nPING\r\nP00\r\n")),
        Mischief(215, SerialMachine.press_reset),
    ]
    link = folder / "rower"
    moments: list[Moment] = []
    with plugged_in(lambda ports: Tricky(ports, mischief), link) as port:
        session_id = record(
            folder / "rowlog.db",
            parse_address(f"serial:{link}?speed={RATE:g}"),
            None,
            plan=parse(PLAN),
            for_s=FOR_S,
            on_moment=moments.append,
        )
        machine = port.machine
    assert machine is not None
    assert not mischief
    shown = summary.as_json(summary.load(folder / "rowlog.db", session_id))
    assert isinstance(shown, dict)
    with open_reader(folder / "rowlog.db") as reader:
        frames = list(reader.read_frames(session_id))
    return Rowed(folder / "rowlog.db", machine, shown, moments, paths, frames)


def test_the_session_is_one_piece(rowed: Rowed) -> None:
    """Cable, power button and noise are told of; none of them ends or divides the session."""
    session, quality = rowed.shown["session"], rowed.shown["quality"]
    assert session["status"] == "complete"
    assert [segment["kind"] for segment in rowed.shown["segments"]] == ["work", "rest"] * 2
    assert (quality["link_losses"], quality["machine_resets"], quality["gaps"]) == (1, 1, 1)
    # The half line, and the line without an end: 6000 bytes are cut at 4096 and said once.
    assert quality["undecoded"] == 2
    assert rowed.paths[0] != ""
    assert all(moment.trouble is None for moment in rowed.moments)


def test_nothing_is_counted_twice(rowed: Rowed) -> None:
    """Metres and strokes are those that were rowed, those of the hole included."""
    session = rowed.shown["session"]
    truth = rowed.machine.stretches
    # Pulses are 11 mm; what was rowed between the last report and the restart is lost, the stroke
    # of that instant too where the computer was too busy to ask in time.
    assert 0 <= truth[-1].end_strokes - session["stroke_count"] <= 1
    assert session["distance_m"] == pytest.approx(truth[-1].end_distance_m, abs=4.0)
    assert session["work_distance_m"] == 300.0
    rowed_s = [one.end_s - one.start_s for one in truth if one.kind == "work"]
    shown_s = [one["duration_s"] for one in rowed.shown["segments"] if one["kind"] == "work"]
    assert shown_s == pytest.approx(rowed_s, abs=2.0)


def test_the_hole_is_not_rowed(rowed: Rowed) -> None:
    """No stroke is made up for the time without a cable; the counters tell what it was."""
    ((start_ns, end_ns, before_m, after_m, before, after),) = rowed.rows(
        "SELECT t_ns, end_ns, distance_before_m, distance_after_m, "
        "stroke_count_before, stroke_count_after FROM gaps"
    )
    assert (before_m, after_m) == pytest.approx((40, 66), abs=12)
    assert after > before
    catches_ns = [t_ns for (t_ns,) in rowed.rows("SELECT t_ns FROM strokes")]
    assert not [t_ns for t_ns in catches_ns if start_ns < t_ns < end_ns]
    # A catch at either edge of the hole may be heard without the count that it makes.
    truth = rowed.machine.stretches[-1].end_strokes
    assert len(catches_ns) <= truth - (after - before) + 2


def test_a_monitor_whose_wheel_stands_still_is_not_complained_of(rowed: Rowed) -> None:
    """It is paused, not lost, while its port answers: before the row, in the rests and after."""
    assert len(rowed.moments) > 5
    out_of_hole = [one for one in rowed.moments if not 35 < (one.distance_m or 0) < 70]
    assert [one.complaints for one in out_of_hole] == [()] * len(out_of_hole)
    links = rowed.rows("SELECT up FROM links ORDER BY t_ns")
    assert links == [(1,), (0,), (1,)]


def test_drive_and_recovery_are_those_of_the_lines(rowed: Rowed) -> None:
    told = rowed.rows("SELECT drive_s, recovery_s, stroke_rate_spm FROM strokes")
    whole = [(drive, rest, rate) for drive, rest, rate in told if rest is not None]
    assert len(whole) > 10
    for drive_s, recovery_s, rate_spm in whole:
        assert 60 / rate_spm == pytest.approx(drive_s + recovery_s, abs=1e-6)
    assert median(drive_s for drive_s, _, _ in whole) == pytest.approx(0.72, abs=0.06)
    powers = [power for (power,) in rowed.rows("SELECT power_w FROM strokes") if power]
    assert len(powers) >= len(told) / 2


def test_one_thing_is_asked_at_a_time_and_the_distance_told_often(rowed: Rowed) -> None:
    """At ten times the speed of life, on a computer that may be busy: five a second by itself."""
    samples = [
        t_ns for (t_ns,) in distances(rowed.frames) if 50e9 < t_ns < 60e9 or 65e9 < t_ns < 80e9
    ]
    assert len(samples) / 25 >= 2
    asked_ns = None
    packets: list[int] = []
    for frame in rowed.frames:
        if frame.channel == "link":
            asked_ns = None
        elif frame.sent:
            assert asked_ns is None or frame.t_ns - asked_ns >= 1_000_000_000
            packets.append(frame.t_ns)
            asked_ns = frame.t_ns
        elif any(word in frame.payload for word in (b"ID", b"IV", b"_WR_", b"OK", b"ERROR")):
            asked_ns = None
    gaps_ns = [later - earlier for earlier, later in itertools.pairwise(packets)]
    assert min(gaps_ns) >= 25_000_000
    assert len(packets) / FOR_S >= 4


def distances(frames: list[Frame]) -> list[tuple[int]]:
    """When a distance was told."""
    decoder = make_decoder("waterrower")
    return [
        (record.t_ns,)
        for frame in frames
        for record in decoder.decode(frame)
        if isinstance(record, RowerSample) and record.distance_m is not None
    ]


def test_a_rebuild_gives_the_same(rowed: Rowed) -> None:
    before = rows(rowed.database, 1)
    rebuild(rowed.database, [1])
    assert rows(rowed.database, 1) == before


def test_rows_with_the_monitor_of_another_program(tmp_path: Path) -> None:
    """Both commands as processes: one prints where the port is, the other records from it."""
    link = tmp_path / "rower"
    with Process(
        "simulate", "serial", "100m", "--speed", "10", "--link", link, "--json"
    ) as monitor:
        assert monitor.object()["path"].startswith("/dev/")
        done = run(
            "record", "100m", "--rower", f"serial:{link}?speed=10", "--for", "35s",
            "--db", tmp_path / "rowlog.db", "--json",
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        shown = json.loads(done.stdout.splitlines()[-1])
        assert shown["segments"][0]["distance_m"] == 100
        assert shown["session"]["sources"][0]["driver"] == "waterrower"
        assert monitor.object(lambda event: event["event"] == "left")
        monitor.send(signal.SIGINT)
        code, _, errors = monitor.end()
        assert (code, errors) == (0, "")
    assert not link.is_symlink()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("serial:/dev/rowlog-none", "/dev/rowlog-none is not there. Plug the machine's cable in"),
        ("serial:/dev/null", "/dev/null is no serial port."),
        ("serial:/dev/null?driver=pm5", "the driver pm5 reads no serial port. These do: csafe"),
        ("serial:/dev/null?driver=waterrower&baud=fast", "baud=fast is no speed"),
        ("serial:/dev/null?baud=-3", "baud=-3 is no speed. Write baud=9600, for example."),
        ("serial:/dev/null?rate=2", "there is no option 'rate'. There are: driver, baud, speed."),
    ],
)
def test_what_cannot_be_recorded_is_said_and_leaves_no_session(
    tmp_path: Path, address: str, words: str
) -> None:
    database = tmp_path / "rowlog.db"
    with pytest.raises(RowlogError) as caught:
        record(database, parse_address(address), None, for_s=1)
    assert words in str(caught.value)
    assert not database.exists() or not summary.load_sessions(database)


def test_a_strap_has_no_serial_port(tmp_path: Path) -> None:
    with pytest.raises(RowlogError, match="no strap speaks over a serial port"):
        record(tmp_path / "rowlog.db", None, parse_address("serial:/dev/ttyACM0"))
