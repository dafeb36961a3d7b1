"""The database through power cuts and a disk whose n-th call fails.

By default some of them, with ROWLOG_FAULTS=full all: `python -m benchmarks.faults`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

import pytest

from rowlog import recorder as recording
from rowlog.notation import parse
from rowlog.rebuild import recover
from rowlog.recorder import Progress, Recorder
from rowlog.simulating import script_for
from rowlog.store import Store
from rowlog.store_check import check
from rowlog.store_errors import StoreError
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Device
from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.simulator import simulate
from tests.faulty_disk import FAULTS, Fault, FaultyDisk, Kind
from tests.support import rows

FULL: Final = os.environ.get("ROWLOG_FAULTS") == "full"
CUTS: Final = 300 if FULL else 20
EVERY: Final = 1 if FULL else 29
"""Every how many-th call is made to fail."""
PLAN: Final = "2x60m/0:10r"
STARTED_AT: Final = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
SIMULATION: Final = simulate(script_for(parse(PLAN)), seed=3)
FRAMES: Final = list(SIMULATION.frames)
SHORT: Final = FRAMES[:40]
"""A recording for the calls that fail: thirteen seconds."""


# apsw tells of a file layer that fails while a connection is closed in no other way.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Time:
    """The clock of the session and of life, which stands where the frames are."""

    def __init__(self) -> None:
        self.ns = 10**9
        self.slow_ns = 0
        """How much of life passed beside the session: what a slow disk took."""

    def life_ns(self) -> int:
        return self.ns + self.slow_ns


class SessionClock(Clock):
    def __init__(self, time: Time) -> None:
        super().__init__(rate=10_000.0)
        self._time = time

    def now_ns(self) -> int:
        return self._time.ns - 10**9


@dataclass
class Machine:
    """Sends frames, each when the one before has been dealt with."""

    frames_: list[Frame]
    time: Time
    taken: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self) -> None:
        pass

    async def frames(self) -> AsyncIterator[Frame]:
        for frame in self.frames_:
            self.time.ns = 10**9 + frame.t_ns
            self.taken.clear()
            yield frame
            await self.taken.wait()

    async def send(self, request: Request) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Told:
    """That frames are in the database, and what the disk had been asked until then."""

    frames: int
    t_ns: int
    steps: int


def record(
    disk: FaultyDisk, database: Path, frames: list[Frame], patch: pytest.MonkeyPatch
) -> list[Told]:
    """Record frames on this disk; what was told of them. Raises what the recorder does."""
    time = Time()
    told: list[Told] = []
    patch.setattr("rowlog.schema.connect", disk.connect)
    patch.setattr("rowlog.store.connect", disk.connect)
    patch.setattr("rowlog.rebuild.structure_unplanned", lambda *_: None)
    patch.setattr("rowlog.spilling.data_folder", lambda: database.parent / "elsewhere")
    patch.setattr(recording, "life_ns", time.life_ns)
    patch.setattr(recording, "RETRY_LIFE_S", 0.0)

    def slow() -> None:
        time.slow_ns += 2_000_000_000

    disk.delay = slow
    with Store.open_writer(database) as store:
        number = store.begin_session(
            started_at=STARTED_AT, plan=PLAN, athlete=None, activity="row",
            sources=[
                Source(name=one.name, driver=one.driver, options=one.options)
                for one in SIMULATION.sources
            ],
        )  # fmt: skip
        machine = Machine(frames, time)
        recorder = Recorder(
            [Device(machine, make_decoding(SIMULATION.sources))], store, number,
            plan=parse(PLAN), clock=SessionClock(time), hold_s=60.0, started_at=STARTED_AT,
            end_ns=frames[-1].t_ns,
        )  # fmt: skip

        def progressed(progress: Progress) -> None:
            told.append(Told(progress.frames_committed, progress.t_ns, len(disk.steps)))
            time.slow_ns += 1
            machine.taken.set()

        asyncio.run(recorder.run(on_progress=progressed))
    return told


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as context:
        yield context


def stored(database: Path) -> list[Frame]:
    with open_reader(database) as reader:
        return list(reader.read_frames(1))


def test_power_cuts_lose_a_second_at_most_and_damage_nothing(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    disk = FaultyDisk()
    with pytest.MonkeyPatch.context() as patch:
        told = record(disk, tmp_path / "rowlog.db", FRAMES, patch)
    disk.close()
    assert stored(tmp_path / "rowlog.db") == FRAMES
    syncs = sum(step.what == "sync" for step in disk.steps)
    assert syncs < len(FRAMES)  # not one for each frame
    lost_ns = 0
    states = []
    for number in range(CUTS):
        random = Random(f"power cut {number}")
        step = random.randrange(len(disk.steps) + 1)
        folder = tmp_path / f"cut {number}"
        folder.mkdir()
        for name, content in disk.after_power_cut(step, random).items():
            (folder / name).write_bytes(content)
        database = folder / "rowlog.db"
        with Store.open_writer(database) as store:  # whatever is there, it can be written to
            recover(store)
        assert check(database).problems == (), f"cut {number} after step {step}"
        known = [one for one in told if one.steps <= step]
        with open_reader(database) as reader:
            sessions = reader.sessions()
            frames = list(reader.read_frames(1)) if sessions else []
            states.append(sessions[0].status if sessions else "none")
        assert frames == FRAMES[: len(frames)]
        if known and len(frames) < known[-1].frames:
            lost_ns = max(lost_ns, known[-1].t_ns - FRAMES[len(frames)].t_ns)
    record_property("measured", f"{CUTS} cuts, {lost_ns / 1e9:.2f} s lost at most")
    assert lost_ns <= 1_000_000_000
    assert {"recovered", "complete"} <= set(states)


def test_a_disk_without_a_journal_is_written_so_that_it_forgets_nothing(tmp_path: Path) -> None:
    """FAT and exFAT: what was deleted may be there again; then no commit that was told is lost."""
    disk = FaultyDisk()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rowlog.store_disk.file_system", lambda _: "vfat")
        told = record(disk, tmp_path / "rowlog.db", SHORT, patch)
    disk.close()
    assert not (tmp_path / "rowlog.db-wal").exists()
    for number in range(max(10, CUTS // 5)):
        random = Random(f"forgetful {number}")
        step = random.randrange(len(disk.steps) + 1)
        folder = tmp_path / f"cut {number}"
        folder.mkdir()
        for name, content in disk.after_power_cut(step, random, forgetful=True).items():
            (folder / name).write_bytes(content)
        known = [one for one in told if one.steps <= step]
        database = folder / "rowlog.db"
        with Store.open_writer(database) as store:
            recover(store)
        assert check(database).problems == (), f"cut {number} after step {step}"
        with open_reader(database) as reader:
            frames = list(reader.read_frames(1)) if reader.sessions() else []
        assert frames == SHORT[: len(frames)]
        assert len(frames) >= (known[-1].frames if known else 0)


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[Kind, int]:
    """How many calls of each kind the short recording makes when all go well."""
    disk = FaultyDisk()
    with pytest.MonkeyPatch.context() as patch:
        record(disk, tmp_path_factory.mktemp("calls") / "rowlog.db", SHORT, patch)
    disk.close()
    return dict(disk.counts)


KINDS: Final[tuple[Kind, ...]] = ("open", "sync", "write")


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_whichever_call_fails_nothing_is_lost(
    kind: Kind,
    fault: Fault,
    calls: dict[Kind, int],
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    expected: dict[str, list[tuple[object, ...]]] | None = None
    first = 1 + Random(f"{kind} {fault}").randrange(EVERY if kind == "write" else 1)
    every = EVERY if kind == "write" else max(1, EVERY // 8)
    numbers = range(first, calls[kind] + 1, every)
    record_property("measured", f"{kind} {fault}: {len(numbers)} calls, nothing lost")
    for number in numbers:
        database = tmp_path / f"{kind} {fault} {number}" / "rowlog.db"
        disk = FaultyDisk(fail=(kind, number, fault))
        try:
            told = recorded_at_last(disk, database)
        finally:
            disk.close()
        assert disk.failed, (kind, fault, number)
        assert check(database).problems == (), (kind, fault, number)
        assert stored(database) == SHORT, (kind, fault, number)
        assert told[-1].frames == len(SHORT)
        if expected is None:
            expected = rows(database, 1)
        assert rows(database, 1) == expected, (kind, fault, number)


def recorded_at_last(disk: FaultyDisk, database: Path) -> list[Told]:
    """Record on a disk one call of which fails; begun again where it failed before it began."""
    with pytest.MonkeyPatch.context() as patch:
        try:
            return record(disk, database, SHORT, patch)
        except StoreError as error:
            # Told in words, before the row began; nothing of a session is left.
            assert error.next_step
    assert not stored_sessions(database)
    with pytest.MonkeyPatch.context() as patch:
        return record(disk, database, SHORT, patch)


def stored_sessions(database: Path) -> list[int]:
    """The sessions that a failed beginning left; () where there is no database yet."""
    try:
        with open_reader(database) as reader:
            return [one.id for one in reader.sessions()]
    except StoreError:
        return []
