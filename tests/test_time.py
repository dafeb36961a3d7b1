"""Clocks that jump, computers that sleep: session time goes on, and the time of day comes right."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rowlog import recorder as recording
from rowlog.notation import parse
from rowlog.rebuild import rebuild
from rowlog.recorder import Recorder
from rowlog.simulating import script_for
from rowlog.store import Store
from rowlog.store_read import StoredSession, open_reader
from rowlog.store_rows import Source
from rowlog.timeline import Gap
from rowlog_drivers import clock as clocks
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Device
from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.simulator import simulate
from tests.support import rows, run

PLAN = "2x150m/0:20r"
SIMULATION = simulate(script_for(parse(PLAN)), seed=2)
FRAMES = list(SIMULATION.frames)
SECOND = 10**9


@dataclass
class Computer:
    """Its clocks: the steady one, how long of that it slept, and the wall clock."""

    steady_ns: int = 5000 * SECOND
    asleep_ns: int = 0
    wall: datetime = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)

    def passes(self, ns: int) -> None:
        self.steady_ns += ns
        self.wall += timedelta(microseconds=ns // 1000)

    def sleeps(self, ns: int) -> None:
        self.passes(ns)
        self.asleep_ns += ns


@dataclass
class Machine:
    """Sends the simulation's frames by the computer's clock; `at` may do something before each."""

    computer: Computer
    clock: Clock
    at: Callable[[int], None]
    by_radio: bool
    taken: asyncio.Event = field(default_factory=asyncio.Event)
    woken: int = 0

    async def open(self) -> None:
        pass

    async def frames(self) -> AsyncIterator[Frame]:
        before_ns = 0
        for number, frame in enumerate(FRAMES):
            self.computer.passes(frame.t_ns - before_ns)
            before_ns = frame.t_ns
            self.at(number)
            self.taken.clear()
            yield Frame(
                t_ns=self.clock.now_ns(), source=frame.source, channel=frame.channel,
                payload=frame.payload, sent=frame.sent,
            )  # fmt: skip
            await self.taken.wait()

    async def send(self, request: Request) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        pass


class RadioMachine(Machine):
    def woke(self) -> None:
        self.woken += 1


@dataclass
class Rowed:
    computer: Computer
    session: StoredSession
    gaps: list[Gap]
    machine: Machine
    started_at: datetime
    database: Path

    def events(self) -> list[tuple[str, str]]:
        import sqlite3
        from contextlib import closing

        with closing(sqlite3.connect(self.database)) as db:
            return db.execute("SELECT kind, text FROM events").fetchall()


@pytest.fixture
def row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rowed]:
    """Record the simulation on a computer to which something happens."""

    def recorded(at: Callable[[int, Computer], None], *, by_radio: bool = False) -> Rowed:
        computer = Computer()
        monkeypatch.setattr(clocks, "steady_ns", lambda: computer.steady_ns)
        for name in ("asleep_ns", "wall_now"):
            monkeypatch.setattr(
                recording,
                name,
                (lambda: computer.asleep_ns) if name == "asleep_ns" else (lambda: computer.wall),
            )
        monkeypatch.setattr("rowlog_drivers.device.GATHER_S", 0.0)
        clock = Clock()
        started_at = computer.wall
        kind = RadioMachine if by_radio else Machine
        machine = kind(computer, clock, lambda number: at(number, computer), by_radio)
        database = tmp_path / "rowlog.db"
        with Store.open_writer(database) as store:
            number = store.begin_session(
                started_at=started_at, plan=PLAN, athlete=None, activity="row",
                sources=[
                    Source(name=one.name, driver=one.driver, options=one.options)
                    for one in SIMULATION.sources
                ],
            )  # fmt: skip
            recorder = Recorder(
                [Device(machine, make_decoding(SIMULATION.sources))], store, number,
                plan=parse(PLAN), clock=clock, hold_s=60.0, started_at=started_at,
            )  # fmt: skip
            asyncio.run(recorder.run(on_progress=lambda _: machine.taken.set()))
        with open_reader(database) as reader:
            session, gaps = reader.session(1), reader.records(1, Gap)
        before = rows(database, 1)
        rebuild(database)
        assert rows(database, 1) == before
        return Rowed(computer, session, gaps, machine, started_at, database)

    return recorded


def test_nothing_happens(row: Callable[..., Rowed]) -> None:
    rowed = row(lambda *_: None)
    assert rowed.session.started_at == rowed.started_at
    assert rowed.events() == []
    assert rowed.gaps == []


@pytest.mark.parametrize(
    "step",
    [timedelta(hours=3), -timedelta(hours=2), timedelta(days=20000)],
    ids=["ahead", "back", "a computer that began in 1970"],
)
def test_a_wall_clock_that_is_set_while_rowing_changes_no_duration_and_corrects_the_start(
    row: Callable[..., Rowed], step: timedelta
) -> None:
    def at(number: int, computer: Computer) -> None:
        if number == 100:
            computer.wall += step

    rowed = row(at)
    last_s = FRAMES[-1].t_ns / 1e9
    assert rowed.session.end_ns == pytest.approx(FRAMES[-1].t_ns, abs=1000)
    assert rowed.session.totals is not None
    assert rowed.session.totals.duration_s == pytest.approx(last_s, abs=0.1)
    assert abs(rowed.session.started_at - (rowed.started_at + step)) < timedelta(seconds=1)
    assert rowed.session.ended_at is not None
    passed = rowed.session.ended_at - rowed.session.started_at
    assert passed.total_seconds() == pytest.approx(last_s, abs=0.01)
    assert [kind for kind, _ in rowed.events()] == ["clock"]
    assert str(rowed.started_at) in rowed.events()[0][1]


def test_a_clock_that_is_slewed_by_a_little_is_left_alone(row: Callable[..., Rowed]) -> None:
    def at(number: int, computer: Computer) -> None:
        computer.wall += timedelta(milliseconds=2)  # 0.7 s over the row

    rowed = row(at)
    assert rowed.session.started_at == rowed.started_at
    assert rowed.events() == []


@pytest.mark.parametrize("by_radio", [False, True], ids=["cable", "radio"])
def test_a_computer_that_sleeps_leaves_a_gap_and_connects_anew(
    row: Callable[..., Rowed], by_radio: bool
) -> None:
    def at(number: int, computer: Computer) -> None:
        if number == 100:
            computer.sleeps(720 * SECOND)

    rowed = row(at, by_radio=by_radio)
    assert rowed.events() == [("slept", "The computer slept for 720 s.")]
    assert rowed.machine.woken == by_radio  # a radio's link is made anew at once
    long = [gap for gap in rowed.gaps if gap.end_ns - gap.t_ns > 700 * SECOND]
    assert {gap.source for gap in long} == {"rower", "strap"}
    if not by_radio:
        assert {gap.cause for gap in long} == {"link: computer slept"}
        shown = run("show", "1", "--db", rowed.database, "--json")
        assert "link: computer slept" in {gap["cause"] for gap in json.loads(shown.stdout)["gaps"]}
    # The wall clock went on too: the session began when it did.
    assert rowed.session.started_at == rowed.started_at
    assert rowed.session.end_ns == pytest.approx(FRAMES[-1].t_ns + 720 * SECOND, abs=1000)


def test_the_session_clock_goes_on_while_the_computer_sleeps() -> None:
    clock = Clock()
    before = clock.now_ns()
    assert clock.now_ns() >= before
    assert clocks.asleep_ns() >= 0
    # Both readings are of one clock: what the computer slept is part of the steady time.
    assert clocks.steady_ns() - clocks.asleep_ns() == pytest.approx(clocks.life_ns(), abs=1e9)


def test_sessions_are_in_order_of_their_numbers_whatever_the_clock_said(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    days = (26, 3, 25)
    with Store.open_writer(database) as store:
        for day in days:
            store.begin_session(
                started_at=datetime(2026, 11, day, tzinfo=UTC), plan=None, athlete=None,
                activity="row", sources=[],
            )  # fmt: skip
    with open_reader(database) as reader:
        assert [one.id for one in reader.sessions()] == [3, 2, 1]
        assert reader.session().started_at.day == 25
    done = run("sessions", "--db", database, "--json")
    assert [one["id"] for one in json.loads(done.stdout)] == [3, 2, 1]


def test_summer_time_and_a_move_to_another_zone_change_no_label(tmp_path: Path) -> None:
    """A session keeps the offset that it was rowed under, wherever it is looked at."""
    database = tmp_path / "rowlog.db"
    arguments = ("record", "--rower", "sim:rower?speed=60", "--for", "1s", "--db", database)
    assert run(*arguments, TZ="America/New_York").returncode == 0
    for zone in ("Asia/Tokyo", "Europe/Helsinki"):
        told = json.loads(run("show", "--db", database, "--json", TZ=zone).stdout)["session"]
        offset = datetime.fromisoformat(told["started_at"]).utcoffset()
        assert offset in (timedelta(hours=-4), timedelta(hours=-5))
        shown = run("show", "--db", database, TZ=zone).stdout
        assert told["started_at"][11:16] in shown
        ended_at = datetime.fromisoformat(told["ended_at"])
        passed = ended_at - datetime.fromisoformat(told["started_at"])
        assert passed.total_seconds() == pytest.approx(told["duration_s"], abs=2)
