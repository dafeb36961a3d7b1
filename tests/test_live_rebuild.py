"""Recording live and rebuilding from the stored frames give equal rows, whatever went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from rowlog import store_kept
from rowlog.notation import parse
from rowlog.rebuild import rebuild, rebuild_kept
from rowlog.recorder import Recorder
from rowlog.simulating import held_by, script_for
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock, wall_now
from rowlog_drivers.device import Device
from rowlog_drivers.frames import Frame, Request, SourceHeader
from rowlog_drivers.simulator import FAULTS, Simulation, simulate
from rowlog_drivers.transports.replay import ReplayTransport
from tests.support import rows

PLAN: Final = "3x100m/0:30r"
KEPT: Final = ("session_keys", "best_efforts", "session_hearts", "heart_rates_at_power")
RATE: Final = 600.0
"""Seconds of session in one of life: three minutes take a third of a second."""
COMBINED: Final = (
    ("drop", "reset"),
    ("silent", "reset", "garbage"),
    ("split", "frozen", "spike"),
    ("wrap", "drop", "contact"),
    FAULTS,
)


def simulated(rower: str | None, faults: Iterable[str], *, text: str = PLAN) -> Simulation:
    return simulate(
        script_for(parse(text), paddling=True),
        rower=rower,  # type: ignore[arg-type]
        seed=11,
        faults=faults,
        program=held_by(parse(text)),
    )


class Late:
    """A transport whose frames come when they come: some with stamps of seconds ago."""

    def __init__(self, frames: Iterable[Frame], clock: Clock, random: Random) -> None:
        stamped = list(frames)
        # Within a source the order mostly stands, but not always: a gateway may hand on frames
        # in the order in which it found them.
        arriving = [
            (frame.t_ns + (random.randrange(5_000_000_000) if random.random() < 0.1 else 0), at)
            for at, frame in enumerate(stamped)
        ]
        self._due = [(due_ns, stamped[at]) for due_ns, at in sorted(arriving)]
        self._clock = clock

    async def open(self) -> None:
        """There is nothing to open."""

    async def frames(self) -> AsyncIterator[Frame]:
        for due_ns, frame in self._due:
            while (left_ns := due_ns - self._clock.now_ns()) > 0:
                await asyncio.sleep(self._clock.life_s(left_ns / 1e9))
            yield frame

    async def send(self, request: Request) -> None:
        """Nobody listens."""

    async def close(self) -> None:
        """There is nothing to close."""


def record_live(
    database: Path,
    devices: Iterable[tuple[Iterable[Frame], tuple[SourceHeader, ...]]],
    text: str | None,
    *,
    late: Random | None = None,
) -> tuple[int, SessionTotals]:
    """Record through the very loop of `rowlog record`, by a fast clock."""
    clock = Clock(RATE)

    async def recorded(store: Store) -> tuple[int, SessionTotals]:
        opened: list[Device] = []
        sources: list[SourceHeader] = []
        for frames, headers in devices:
            transport = (
                ReplayTransport(frames, clock=clock, speed=1.0)
                if late is None
                else Late(frames, clock, late)
            )
            opened.append(Device(transport, make_decoding(headers)))
            sources += headers
        clock.restart()
        session_id = store.begin_session(
            started_at=wall_now(),
            plan=text,
            athlete=None,
            activity="row",
            sources=[
                Source(name=one.name, driver=one.driver, address=None, options=one.options)
                for one in sources
            ],
        )
        recorder = Recorder(
            opened,
            store,
            session_id,
            plan=parse(text) if text is not None else None,
            clock=clock,
            hold_s=5,
        )
        return session_id, await recorder.run()

    with Store.open_writer(database) as store:
        return asyncio.run(recorded(store))


def check_rebuild(database: Path, session_id: int) -> dict[str, list[tuple[Any, ...]]]:
    """A rebuild changes no row and no frame; gives the rows."""
    before = rows(database, session_id)
    with open_reader(database) as reader:
        frames = list(reader.read_frames(session_id))
        session = reader.session(session_id)
    assert session.totals is not None
    assert session.totals.frames == len(frames)
    assert rebuild(database).sessions == (session_id,)
    after = rows(database, session_id)
    for table, expected in before.items():
        assert after[table] == expected, table
    with open_reader(database) as reader:
        assert list(reader.read_frames(session_id)) == frames
        assert reader.session(session_id) == session
    assert all(one.t_ns <= other.t_ns for one, other in pairwise(frames))
    return before


@pytest.mark.parametrize("rower", ["ftms", "s4", "pm5"])
@pytest.mark.parametrize(
    "faults", [(), *((fault,) for fault in FAULTS), *COMBINED], ids=lambda faults: "+".join(faults)
)
def test_a_live_session_and_its_rebuild(
    tmp_path: Path, rower: str, faults: tuple[str, ...]
) -> None:
    database = tmp_path / "rowlog.db"
    sim = simulated(rower, faults)
    session_id, totals = record_live(database, [(sim.frames, sim.sources)], PLAN)
    found = check_rebuild(database, session_id)
    assert totals.frames == len(sim.frames)
    assert len(found["session_totals"]) == 1
    assert found["segments"]
    assert found["strokes"]
    assert found["heart_rates"]


@pytest.mark.parametrize("rower", ["ftms", "s4", "pm5"])
@pytest.mark.parametrize("faults", [(), ("drop", "garbage"), ("split", "reset")], ids="+".join)
@pytest.mark.parametrize("seed", range(3))
def test_late_frames_and_their_rebuild(
    tmp_path: Path, rower: str, faults: tuple[str, ...], seed: int
) -> None:
    database = tmp_path / "rowlog.db"
    sim = simulated(rower, faults)
    session_id, totals = record_live(
        database, [(sim.frames, sim.sources)], PLAN, late=Random(f"late {seed}")
    )
    check_rebuild(database, session_id)
    assert totals.late_frames > 0
    # As late as they were, they are all there under the stamps that they came with.
    with open_reader(database) as reader:
        stored = [
            replace(frame, t_ns=frame.t_ns - frame.late_ns, late_ns=0)
            for frame in reader.read_frames(session_id)
        ]
    assert sorted(stored, key=repr) == sorted(sim.frames, key=repr)


@pytest.mark.parametrize("seed", range(2))
def test_two_devices_that_are_late_by_turns(tmp_path: Path, seed: int) -> None:
    database = tmp_path / "rowlog.db"
    sim = simulated("ftms", ("drop", "contact"))
    rower, strap = sim.sources
    split = [
        ([frame for frame in sim.frames if frame.source == source.name], (source,))
        for source in (rower, strap)
    ]
    session_id, totals = record_live(database, split, PLAN, late=Random(f"turns {seed}"))
    check_rebuild(database, session_id)
    assert totals.frames == len(sim.frames)
    assert totals.late_frames > 0


@pytest.mark.parametrize(
    ("rower", "text"),
    [
        (None, "2x(0:30 jumping jacks + 0:20 swings)/0:15r"),
        (None, None),
        ("ftms", None),
        ("s4", "4x0:20/1:1"),
        ("ftms", "2x(100m + 0:20 swings)/0:15r"),
        ("ftms", "2x5cal/rest until <120bpm"),
        ("ftms", "0:40/...r+100m"),
        ("pm5", None),
        ("pm5", "100m/...r+0:40"),
    ],
)
def test_plans_of_every_kind(tmp_path: Path, rower: str | None, text: str | None) -> None:
    database = tmp_path / "rowlog.db"
    sim = simulated(rower, (), text=text or PLAN)
    plan = str(parse(text)) if text is not None else None
    session_id, _ = record_live(database, [(sim.frames, sim.sources)], plan)
    assert check_rebuild(database, session_id)["segments"]


@pytest.mark.parametrize("late", [None, 3])
@pytest.mark.parametrize("text", [PLAN, None])
def test_a_relayed_heart_rate_is_held_and_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, late: int | None
) -> None:
    """What is kept of it at the end is what its frames tell when they are decoded again."""
    database = tmp_path / "rowlog.db"
    sim = simulate(
        script_for(parse(PLAN), paddling=True), strap=False, relay_heart_rate=True, seed=5
    )

    def again(*_: object) -> None:
        raise AssertionError("decoded again")

    with monkeypatch.context() as without:
        without.setattr(store_kept, "_relayed", again)
        session_id, _ = record_live(
            database,
            [(sim.frames, sim.sources)],
            text,
            late=None if late is None else Random(late),
        )
    before = rows(database, session_id, KEPT)
    assert before["session_hearts"]
    with open_reader(database) as reader:
        totals = reader.session(session_id).totals
    assert totals is not None and totals.heart_rate_source == "rower"
    assert rebuild_kept(database) == 1
    assert rows(database, session_id, KEPT) == before
    check_rebuild(database, session_id)
