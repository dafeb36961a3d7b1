"""The question which device is one's own, on a real terminal."""

from __future__ import annotations

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from rowlog.store_read import open_reader
from tests.bluez.fake import Daemon, bluez, rower
from tests.support import MAIN, PATIENCE_S, environment

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

QUICK: Final = "import rowlog.finding as f; f.SCAN_S = 1.0\n"
QUESTION: Final = "Which rower is yours?"


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", QUICK + MAIN, *arguments],
            env=environment(TERM="xterm", COLUMNS="120"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def until(self, words: str) -> None:
        """Wait until these words stand on the screen."""
        end_s = time.monotonic() + PATIENCE_S
        while words not in self.seen:
            left_s = end_s - time.monotonic()
            if left_s <= 0 or not select.select([self._master], [], [], left_s)[0]:
                self.process.kill()
                raise AssertionError(f"waited in vain for {words!r}: {self.seen}")
            try:
                self.seen += os.read(self._master, 4096).decode(errors="replace")
            except OSError as error:
                raise AssertionError(f"ended without {words!r}: {self.seen}") from error

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._master, text.encode())

    def close(self) -> int:
        """Wait for its end; its exit code."""
        code = self.process.wait(PATIENCE_S)
        os.close(self._master)
        return code


def test_the_answer_is_recorded(daemon: Daemon, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"

    async def run() -> None:
        machines = [rower(rssi_dbm=-80), rower("C0:00:00:00:00:03", "Rower 2", rssi_dbm=-40)]
        async with bluez(daemon, *machines):
            terminal = Terminal("record", "--rower", "auto", "--db", str(database))
            await asyncio.to_thread(terminal.until, QUESTION)
            assert terminal.seen.index("1  Rower 2") < terminal.seen.index("2  Rower 1")
            terminal.type("2\n")
            await asyncio.to_thread(terminal.until, "READY")  # in large numbers
            assert [machine.connected for machine in machines] == [True, False]
            terminal.process.send_signal(signal.SIGINT)
            await asyncio.to_thread(terminal.until, "kept")
            assert await asyncio.to_thread(terminal.close) == 0

    asyncio.run(run())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_question(daemon: Daemon, tmp_path: Path, number: signal.Signals) -> None:
    database = tmp_path / "rowlog.db"

    async def run() -> None:
        machines = [rower(), rower("C0:00:00:00:00:03", "Rower 2")]
        async with bluez(daemon, *machines):
            terminal = Terminal("record", "--rower", "auto", "--db", str(database))
            await asyncio.to_thread(terminal.until, QUESTION)
            began = time.monotonic()
            terminal.process.send_signal(number)
            await asyncio.to_thread(terminal.until, "nothing was recorded")
            assert await asyncio.to_thread(terminal.close) == 1
            assert time.monotonic() - began < 5

    asyncio.run(run())
    with open_reader(database) as reader:
        assert reader.sessions() == []


def test_devices_are_drawn_in_place(daemon: Daemon, tmp_path: Path) -> None:
    """The table is there while it listens, and once at its end."""

    async def run() -> str:
        async with bluez(daemon, rower()):
            terminal = Terminal("devices", "--seconds", "2", "--db", str(tmp_path / "rowlog.db"))
            await asyncio.to_thread(terminal.until, "Record with: rowlog record --rower")
            assert await asyncio.to_thread(terminal.close) == 0
            return terminal.seen

    seen = asyncio.run(run())
    drawn = seen.count("ble:C0:00:00:00:00:01") - 1  # the last line names it too
    assert drawn >= 3
    assert seen.count("\x1b[3F\x1b[J") == drawn - 1
