"""What several test files share: the program as a process, and the rows of a database."""

from __future__ import annotations

import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
MAIN: Final = "from rowlog.cli import main; main()"
PATIENCE_S: Final = 60.0
"""How long anything that must come is waited for."""

DERIVED: Final = (
    "strokes",
    "heart_rates",
    "segments",
    "splits",
    "machine_states",
    "machine_infos",
    "links",
    "undecoded",
    "gaps",
    "anomalies",
    "session_totals",
)


def rows(
    database: Path, session_id: int, tables: Iterable[str] = DERIVED
) -> dict[str, list[tuple[Any, ...]]]:
    """All derived rows of a session, without the session's own number."""
    connection = sqlite3.connect(database)
    try:
        connection.row_factory = sqlite3.Row
        found: dict[str, list[tuple[Any, ...]]] = {}
        for table in tables:
            query = f"SELECT * FROM {table} WHERE session_id = ?"
            found[table] = sorted(
                (
                    tuple(
                        row[key]
                        for key in row.keys()  # noqa: SIM118 - a Row iterates over values
                        if key not in ("session_id", "segmentation_id", "id")
                    )
                    for row in connection.execute(query, (session_id,))
                ),
                key=repr,
            )
        return found
    finally:
        connection.close()


def environment(**more: str) -> dict[str, str]:
    """The variables of a process that runs this checkout's program."""
    variables = {key: value for key, value in os.environ.items() if key != "ROWLOG_DB"}
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "drivers")])
    variables["PYTHONIOENCODING"] = "utf-8"
    return variables | more


def run(*arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    """The program from start to end."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *map(str, arguments)],
        env=environment(**more),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )


class Process:
    """The program while it runs; its lines are read as they come."""

    def __init__(
        self,
        *arguments: str | Path,
        before: str = "",
        stdout: int | IO[str] | None = None,
        terminal: int | None = None,
        lines: int | None = None,
    ) -> None:
        """`before` is Python that runs first in the new process; `stdout`: where else it goes.

        `terminal`: the pseudo-terminal that is its standard input, and that it is to have;
        `lines`: a file descriptor that is its standard input and no terminal.
        """
        if terminal is not None:
            before += "\nimport fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)"
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        """The lines of stdout that were taken from the queue so far."""
        self.errors: list[str] = []
        self._told = threading.Condition()
        self.process = subprocess.Popen(
            [sys.executable, "-c", f"{before}\n{MAIN}", *map(str, arguments)],
            env=environment(),
            stdin=next((fd for fd in (terminal, lines) if fd is not None), subprocess.DEVNULL),
            start_new_session=terminal is not None,
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        self._threads = [threading.Thread(target=self._read_errors, daemon=True)]
        if stdout is None:
            self._threads.append(threading.Thread(target=self._read_lines, daemon=True))
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def line(self, wanted: Callable[[str], bool] = bool) -> str:
        """The next line that is wanted; fails when the program ends before."""
        until_s = time.monotonic() + PATIENCE_S
        while True:
            line = self._lines.get(timeout=max(0.01, until_s - time.monotonic()))
            if line is None:
                self._lines.put(None)
                raise AssertionError(f"ended too soon: {self.seen[-3:]} {self.errors}")
            self.seen.append(line)
            if wanted(line):
                return line

    def object(self, wanted: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """The next line of JSON that is wanted."""
        found: dict[str, Any] = json.loads(self.line(lambda line: wanted(json.loads(line))))
        return found

    def error(self, words: str) -> str:
        """The first line of stderr with these words, once it comes."""

        def told() -> str | None:
            return next((line for line in self.errors if words in line), None)

        with self._told:
            found = self._told.wait_for(lambda: told() or self._over(), PATIENCE_S)
        if not isinstance(found, str):
            raise AssertionError(f"{words!r} was not told: {self.errors}")
        return found

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self) -> tuple[int, list[str], str]:
        """Wait for its end: exit code, all lines of stdout, all of stderr."""
        code = self.process.wait(PATIENCE_S)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        while not self._lines.empty():
            line = self._lines.get_nowait()
            if line is not None:
                self.seen.append(line)
        return code, self.seen, "\n".join(self.errors)

    def _over(self) -> bool:
        return self.process.poll() is not None and not self._threads[0].is_alive()

    def _read_lines(self) -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _read_errors(self) -> None:
        if self.process.stderr is not None:
            for line in self.process.stderr:
                with self._told:
                    self.errors.append(line.rstrip("\n"))
                    self._told.notify_all()


class Locked:
    """Another program that holds a database's write lock, from `with` until its end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Locked:
        program = (
            "import sqlite3, sys\n"
            "db = sqlite3.connect(sys.argv[1], timeout=20, isolation_level=None)\n"
            "db.execute('BEGIN IMMEDIATE'); print('held', flush=True)\n"
            "sys.stdin.readline(); db.execute('ROLLBACK')\n"
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, str(self._path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        if self._process.stdout is None or self._process.stdout.readline() != "held\n":
            raise AssertionError("the lock was not to be had")
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.communicate("\n", timeout=PATIENCE_S)
