"""A disk that takes half a second for every flush does not hold up what the devices send.

How late the loop is depends on what else the computer does; `benchmarks/bluetooth_start.py`
measures it. What is certain stands here: no statement of SQL ever runs where a loop does, and the
loop turns while each flush is under way.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from rowlog import recording
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog_drivers.addresses import parse_address
from tests.bluez.fake import Daemon, bluez, rower, strap

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

FLUSH_S: Final = 0.5
LENGTH_S: Final = 4.0


class SlowStore(Store):
    """Every transaction that waits for the disk waits half a second longer, holding the lock."""

    flushes = 0
    lateness: Lateness | None = None
    """Of the loop that must not be held up; None: nobody looks."""
    turned: ClassVar[list[bool]] = []
    """Of each flush, whether that loop turned meanwhile."""

    @contextmanager
    def _transaction(
        self, *, durable: bool = False, sessions: bool = True
    ) -> Iterator[sqlite3.Connection]:
        with super()._transaction(durable=durable, sessions=sessions) as db:
            yield db
            if durable:
                type(self).flushes += 1
                turns = self._turns()
                time.sleep(FLUSH_S)  # stands for the disk
                if turns:  # the loop runs
                    type(self).turned.append(self._turns() > turns)

    def _turns(self) -> int:
        return 0 if self.lateness is None else len(self.lateness.late_s)


class Lateness:
    """How much later than asked for a loop comes back to a task, in seconds."""

    def __init__(self) -> None:
        self.late_s: list[float] = []
        self._task: asyncio.Task[None] | None = None

    def begin(self, _: str) -> None:
        """Watch the loop that this is called in, from the first thing that it tells."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + 0.002
            await asyncio.sleep(0.002)
            self.late_s.append(loop.time() - due_s)


class Room:
    """A rower and a strap in a thread of their own, sending ten frames a second each."""

    def __init__(self, daemon: Daemon) -> None:
        self.sent: list[bytes] = []
        self._ready = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(daemon)))

    def __enter__(self) -> Room:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    async def _run(self, daemon: Daemon) -> None:
        machine, belt = rower(), strap()
        async with bluez(daemon, machine, belt) as air:
            self._ready.set()
            number = 0
            while not self._over.is_set():
                number += 1
                payload = bytes([0, 0, 40]) + number.to_bytes(2, "little") + bytes(3)
                if air.notify(machine, "2ad1", payload):
                    self.sent.append(payload)
                air.notify(belt, "2a37", bytes([0, 80]))
                await asyncio.sleep(0.1)


def recorded(daemon: Daemon, database: Path) -> tuple[list[float], list[bytes]]:
    """A session of some seconds: how late the loop was, and what the rower sent."""
    lateness = SlowStore.lateness = Lateness()
    with Room(daemon) as room:
        recording.record(
            database,
            parse_address("ble:C0:00:00:00:00:01"),
            parse_address("ble:C0:00:00:00:00:02"),
            for_s=LENGTH_S,
            tell=lateness.begin,
        )
    return lateness.late_s, room.sent


def watched(connect: Callable[..., sqlite3.Connection], on_a_loop: list[str]) -> Any:
    """`connect`, noting the statements that run in a thread in which a loop does."""

    def note(statement: str) -> None:
        if asyncio._get_running_loop() is not None:
            on_a_loop.append(statement)

    def connected(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.set_trace_callback(note)
        return connection

    return connected


def test_what_watches_the_loop_sees_what_runs_on_it(tmp_path: Path) -> None:
    on_a_loop: list[str] = []
    connect = watched(sqlite3.connect, on_a_loop)

    async def run() -> None:
        connect(tmp_path / "a.db").execute("SELECT 1").connection.close()
        await asyncio.to_thread(lambda: connect(tmp_path / "a.db").execute("SELECT 2"))

    asyncio.run(run())
    assert on_a_loop == ["SELECT 1"]


def test_the_loop_waits_for_no_flush(
    daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From finding the devices, through beginning the session, to its end; and no frame is lost."""
    monkeypatch.setattr(recording, "Store", SlowStore)
    monkeypatch.setattr(SlowStore, "flushes", 0)
    monkeypatch.setattr(SlowStore, "turned", [])
    on_a_loop: list[str] = []
    monkeypatch.setattr(sqlite3, "connect", watched(sqlite3.connect, on_a_loop))
    database = tmp_path / "rowlog.db"
    late_s, sent = recorded(daemon, database)
    assert on_a_loop == []
    assert SlowStore.flushes >= 4
    assert len(SlowStore.turned) >= 3
    assert all(SlowStore.turned)
    assert late_s
    with open_reader(database) as reader:
        frames = [frame for frame in reader.read_frames(1) if frame.channel == "2ad1"]
    stored = [frame.payload for frame in frames]
    assert stored == sent[: len(stored)]
    assert len(stored) > 10
