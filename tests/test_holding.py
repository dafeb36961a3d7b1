"""A database that cannot be written while somebody rows: nothing is lost, and what to do is said.

The store is the real one; it refuses as SQLite does on a full, failing or locked disk. Time is the
recorder's own, moved on by hand, so that a minute takes none.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rowlog import recorder as recording
from rowlog.importing import import_files
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.rebuild import rebuild, recover
from rowlog.recorder import Progress, Recorder, SpilledError
from rowlog.simulating import script_for
from rowlog.spilling import Reserve, Spill, _name, is_spilled, to_delete
from rowlog.store import Store
from rowlog.store_errors import DiskFullError, LockedError, NotWritableError, StoreError
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Device
from rowlog_drivers.frames import Frame, Request, read_frames
from rowlog_drivers.interface import Delivery
from rowlog_drivers.simulator import simulate
from tests.support import rows

PLAN = "2x200m/0:20r"
STARTED_AT = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
SIMULATION = simulate(script_for(parse(PLAN)), seed=5)
FRAMES = list(SIMULATION.frames)
END_NS = FRAMES[-1].t_ns


@dataclass
class Time:
    """What the recorder takes for the clock of life: a turn of its loop is a tenth of a second."""

    ns: int = 0

    def __call__(self) -> int:
        return self.ns


class SessionClock(Clock):
    """A session's clock that stands where the frames are."""

    def __init__(self) -> None:
        super().__init__()
        self.t_ns = 0

    def now_ns(self) -> int:
        return self.t_ns


class Refusing(Store):
    """A store whose disk fails while `fault` is set."""

    fault: Callable[[Path], StoreError] | None = None
    too_late = False
    """Whether it fails only when what was to be stored is stored."""
    refused = 0

    def append(
        self,
        session_id: int,
        deliveries: Sequence[Delivery],
        facts: Sequence[Fact],
        *,
        durable: bool = False,
        after: int | None = None,
    ) -> bool:
        if not self.too_late:
            self._refuse()
        whole = super().append(session_id, deliveries, facts, durable=durable, after=after)
        if self.too_late:
            self._refuse()
        return whole

    def close_session(self, session_id: int, **more: object) -> None:
        self._refuse()
        super().close_session(session_id, **more)  # type: ignore[arg-type]

    def sync(self) -> None:
        self._refuse()
        super().sync()

    def _refuse(self) -> None:
        if self.fault is not None:
            self.refused += 1
            raise self.fault(self.path)


@dataclass
class Rowed:
    """A session as it was recorded, and what was told of it."""

    database: Path
    store: Refusing
    told: list[Progress] = field(default_factory=list)
    told_at_s: list[float] = field(default_factory=list)
    """When it was told, by the clock of life."""
    error: StoreError | SpilledError | None = None


class Machine:
    """Sends the frames of the simulation, each a step of time later; `at` is told before each."""

    def __init__(self, clock: SessionClock, time: Time, at: Callable[[int], None]) -> None:
        self._clock, self._time, self._at = clock, time, at
        self.taken = asyncio.Event()
        """Set when what was sent last has been dealt with."""

    async def open(self) -> None:
        pass

    async def frames(self) -> AsyncIterator[Frame]:
        for number, frame in enumerate(FRAMES):
            self._at(number)
            self._time.ns += frame.t_ns - self._clock.t_ns
            self._clock.t_ns = frame.t_ns
            self.taken.clear()
            yield frame
            await self.taken.wait()

    async def send(self, request: Request) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        pass


@pytest.fixture
def row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Rowed]:
    """Record the simulation; `at` may set the store's fault before each frame."""
    elsewhere = tmp_path / "elsewhere"
    monkeypatch.setattr("rowlog.spilling.data_folder", lambda: elsewhere)

    def recorded(at: Callable[[int, Refusing], None], *, reserve: Reserve | None = None) -> Rowed:
        database = tmp_path / "rowlog.db"
        time, clock = Time(), SessionClock()
        monkeypatch.setattr(recording, "life_ns", time)
        monkeypatch.setattr(recording, "RETRY_LIFE_S", 0.01)
        monkeypatch.setattr(recording, "LAST_HOLD_S", 2.0)
        with Refusing.open_writer(database) as store:
            found = Rowed(database, store)
            number = store.begin_session(
                started_at=STARTED_AT, plan=PLAN, athlete=None, activity="row",
                sources=[
                    Source(name=one.name, driver=one.driver, options=one.options)
                    for one in SIMULATION.sources
                ],
            )  # fmt: skip
            machine = Machine(clock, time, lambda count: at(count, store))
            clock.rate = 10_000.0  # batches follow each other at once
            recorder = Recorder(
                [Device(machine, make_decoding(SIMULATION.sources))], store, number,
                plan=parse(PLAN), clock=clock, hold_s=60.0, started_at=STARTED_AT, reserve=reserve,
                end_ns=END_NS,
            )  # fmt: skip

            def progressed(progress: Progress) -> None:
                found.told.append(progress)
                found.told_at_s.append(time.ns / 1e9)
                if clock.t_ns == END_NS:
                    time.ns += 500_000_000  # nothing moves it on any more while it is tried again
                machine.taken.set()

            try:
                asyncio.run(recorder.run(on_progress=progressed))
            except (StoreError, SpilledError) as error:
                found.error = error
        return found

    return recorded


def full(path: Path) -> StoreError:
    return DiskFullError("The disk is full.", path=path)


def read_only(path: Path) -> StoreError:
    return NotWritableError("The database cannot be written.", path=path)


def locked(path: Path) -> StoreError:
    return LockedError("Another program holds the database locked.", path=path)


def between(
    first: int, last: int, fault: Callable[[Path], StoreError]
) -> Callable[[int, Refusing], None]:
    """The fault holds from one frame to another."""

    def at(number: int, store: Refusing) -> None:
        store.fault = fault if first <= number < last else None

    return at


def stored(database: Path) -> list[Frame]:
    with open_reader(database) as reader:
        return list(reader.read_frames(1))


def seconds(first: int, last: int) -> float:
    return (FRAMES[last].t_ns - FRAMES[first].t_ns) / 1e9


def test_a_disk_that_is_full_for_less_than_a_minute_costs_nothing(
    row: Callable[..., Rowed],
) -> None:
    rowed = row(between(60, 160, full))
    assert 30 < seconds(60, 160) < 55
    assert rowed.error is None
    # What is left runs down with the clock, a minute from the first write that failed.
    left = [
        (at_s, told.memory_left_s)
        for at_s, told in zip(rowed.told_at_s, rowed.told, strict=True)
        if told.memory_left_s is not None
    ]
    ends_s = [at_s + left_s for at_s, left_s in left]
    assert ends_s == pytest.approx([ends_s[0]] * len(left))
    assert 59.9 < ends_s[0] - FRAMES[60].t_ns / 1e9 < 60 + seconds(60, 160)
    assert left[-1][0] - left[0][0] > 20
    assert stored(rowed.database) == FRAMES
    assert rowed.told[-1].trouble is None
    assert not is_spilled(rowed.database)


@pytest.mark.parametrize("fault", [full, read_only, locked], ids=lambda one: one.__name__)
def test_longer_it_goes_to_another_folder_and_back(
    row: Callable[..., Rowed], fault: Callable[[Path], StoreError], tmp_path: Path
) -> None:
    spilled: list[Path] = []

    def at(number: int, store: Refusing) -> None:
        between(60, 350, fault)(number, store)
        spilled.extend((tmp_path / "elsewhere").glob("*.frames"))

    rowed = row(at)
    assert seconds(60, 350) > 80
    assert rowed.error is None
    assert spilled
    files = {str(path) for path in spilled}
    assert any(files & set((one.trouble or "").rstrip(".").split()) for one in rowed.told)
    # Back in the database, and nothing left over.
    assert stored(rowed.database) == FRAMES
    assert not is_spilled(rowed.database)
    assert rowed.told[-1].trouble is None
    assert rowed.told[-1].frames_committed == len(FRAMES)
    # What was stored without its meaning has been derived since.
    before = rows(rowed.database, 1)
    assert len(before["segments"]) == 4
    assert rebuild(rowed.database).sessions == (1,)
    assert rows(rowed.database, 1) == before


def test_a_disk_that_stays_read_only_leaves_a_file_that_is_taken_in_later(
    row: Callable[..., Rowed], tmp_path: Path
) -> None:
    rowed = row(between(60, 10_000, read_only))
    (file,) = (tmp_path / "elsewhere").glob("*.frames")
    assert isinstance(rowed.error, SpilledError)
    assert str(file) in str(rowed.error)
    assert f"All {len(FRAMES)} frames" in str(rowed.error)
    # The file is a recording like any other ...
    assert list(read_frames(file)) == FRAMES
    assert [one.fault for one in import_files(tmp_path / "other.db", [file])] == [None]
    assert [len(stored(tmp_path / "other.db"))] == [len(FRAMES)]
    # ... and the next writer takes it in.
    assert len(stored(rowed.database)) < len(FRAMES)
    assert is_spilled(rowed.database)
    with Store.open_writer(rowed.database) as store:
        assert recover(store) == [1]
    assert stored(rowed.database) == FRAMES
    assert not file.exists()


@pytest.mark.parametrize("fault", [full, read_only, locked], ids=lambda one: one.__name__)
def test_what_is_still_in_memory_when_the_session_ends_goes_to_another_folder(
    row: Callable[..., Rowed], fault: Callable[[Path], StoreError], tmp_path: Path
) -> None:
    rowed = row(between(len(FRAMES) - 9, 10_000, fault))
    assert seconds(len(FRAMES) - 9, len(FRAMES) - 1) < 5  # too soon for it to go there before
    assert 0 < len(stored(rowed.database)) < len(FRAMES)
    (file,) = (tmp_path / "elsewhere").glob("*.frames")
    assert isinstance(rowed.error, SpilledError)
    assert f"All {len(FRAMES)} frames" in str(rowed.error)
    assert list(read_frames(file)) == FRAMES
    with Store.open_writer(rowed.database) as store:
        assert recover(store) == [1]
    assert stored(rowed.database) == FRAMES
    assert not is_spilled(rowed.database)


@pytest.mark.skipif(sys.platform == "win32", reason="there no open file can be taken away")
@pytest.mark.parametrize("how", ["deleted", "replaced", "deleted at the end"])
def test_a_database_that_is_taken_away_leaves_the_session_in_another_folder(
    row: Callable[..., Rowed], tmp_path: Path, how: str
) -> None:
    when = len(FRAMES) - 2 if how == "deleted at the end" else 60
    other = tmp_path / "other.db"
    with Store.open_writer(other) as store:
        session = store.begin_session(
            started_at=STARTED_AT, plan=None, athlete=None, activity="row", sources=[]
        )
        store.append(session, [Delivery(frame, ()) for frame in FRAMES], ())

    def at(number: int, store: Refusing) -> None:
        if number == when and how == "replaced":
            other.replace(store.path)
        elif number == when:
            for ending in ("", "-wal", "-shm"):
                store.path.with_name(store.path.name + ending).unlink()

    rowed = row(at)
    (file,) = (tmp_path / "elsewhere").glob("*.frames")
    assert isinstance(rowed.error, SpilledError)
    assert "was deleted, moved or replaced" in str(rowed.error)
    assert f"rowlog import {file}" in str(rowed.error)
    assert list(read_frames(file)) == FRAMES
    # What another session leaves there does not replace it.
    with Store.open_writer(other) as store:
        session = store.begin_session(
            started_at=STARTED_AT, plan=None, athlete=None, activity="row", sources=[]
        )
    file.rename(file.with_name(_name(other, session)))
    Spill(other, session, 0, []).close()
    found = sorted(file.parent.glob("*.frames"))
    assert [len(list(read_frames(one))) for one in found] == [len(FRAMES), 0]


@pytest.mark.skipif(sys.platform == "win32", reason="there no open file can be taken away")
def test_a_database_that_is_moved_and_put_back_has_all(
    row: Callable[..., Rowed], tmp_path: Path
) -> None:
    away = tmp_path / "away.db"

    def at(number: int, store: Refusing) -> None:
        if number == 60:
            store.path.rename(away)
        elif number == 350:
            away.rename(store.path)

    rowed = row(at)
    assert rowed.error is None
    assert any("was deleted, moved" in (one.trouble or "") for one in rowed.told)
    assert stored(rowed.database) == FRAMES
    assert not is_spilled(rowed.database)


def test_a_commit_that_was_done_when_it_failed_is_not_done_twice(
    row: Callable[..., Rowed],
) -> None:
    def at(number: int, store: Refusing) -> None:
        store.too_late = True
        between(60, 75, full)(number, store)

    rowed = row(at)
    assert rowed.error is None
    assert rowed.store.refused
    assert stored(rowed.database) == FRAMES
    assert rowed.told[-1].frames_committed == len(FRAMES)
    before = rows(rowed.database, 1)
    assert rebuild(rowed.database).sessions == (1,)
    assert rows(rowed.database, 1) == before


def test_where_no_folder_takes_it_the_frames_stay_in_memory(
    row: Callable[..., Rowed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rowlog.spilling._opened", lambda *_: None)
    rowed = row(between(60, 350, full))
    assert rowed.error is None
    assert stored(rowed.database) == FRAMES
    before = rows(rowed.database, 1)
    rebuild(rowed.database)
    assert rows(rowed.database, 1) == before


def test_the_reserve_is_given_up_first_and_said(row: Callable[..., Rowed], tmp_path: Path) -> None:
    (tmp_path / "rowlog-backup-2026.db").write_bytes(bytes(3_000_000))
    reserve = Reserve(tmp_path / "rowlog.db")
    file = tmp_path / "rowlog.db.reserve"
    assert reserve.held
    assert file.stat().st_size == 8 << 20

    def at(number: int, store: Refusing) -> None:
        store.fault = full if number >= 60 and file.exists() else None

    rowed = row(at, reserve=reserve)
    assert rowed.error is None
    assert not file.exists()
    assert rowed.store.refused == 1
    told = rowed.told[-1].trouble or ""
    assert "its reserve is being used" in told
    assert "rowlog-backup-2026.db has 3 MB" in told
    assert stored(rowed.database) == FRAMES


def test_no_reserve_is_taken_where_there_is_little_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rowlog.spilling._free_bytes", lambda _: 20_000_000)
    assert not Reserve(tmp_path / "rowlog.db").held
    assert list(tmp_path.iterdir()) == []
    assert to_delete(tmp_path / "rowlog.db") is None
