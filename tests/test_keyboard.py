"""Keys of a real pseudo-terminal while a session is recorded."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rowlog.rebuild import rebuild
from rowlog.summary import load
from tests.support import Process, rows

termios = pytest.importorskip("termios")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Both ends of a pseudo-terminal: what a person types into, and what the program has."""

    person: int
    program: int

    def type(self, text: str) -> None:
        os.write(self.person, text.encode())

    def settings(self) -> list[Any]:
        found: list[Any] = termios.tcgetattr(self.program)
        return found

    def echoed(self) -> bytes:
        """What the terminal itself has written back so far."""
        ready, _, _ = select.select([self.person], [], [], 0)
        return os.read(self.person, 1024) if ready else b""


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    person, program = os.openpty()
    yield Terminal(person=person, program=program)
    os.close(person)
    os.close(program)


def test_a_key_ends_the_piece_and_another_the_session(terminal: Terminal, tmp_path: Path) -> None:
    before, database = terminal.settings(), tmp_path / "rowlog.db"
    arguments = ("3x10:00/5:00r", "--rower", "sim:rower?speed=30", "--json", "--db", database)
    with Process("record", *arguments, terminal=terminal.program) as recording:
        recording.object(lambda now: now["phase"] == "work" and now["piece_s"] > 5)
        terminal.type("x\x1b[C?mn")
        recording.error("key: mark")
        recording.error("key: next piece")
        recording.object(lambda now: now["phase"] == "rest" and now["piece"] == 1)
        assert terminal.echoed() == b""
        terminal.type("qy")
        code, _, errors = recording.end()
    assert code == 0
    assert "n or space next piece" in errors
    assert terminal.settings() == before
    first, rest = load(database, 1).segments
    assert (first.kind, first.ended_by) == ("work", "key")
    assert first.duration_s < 300
    assert (rest.kind, rest.ended_by) == ("rest", "end")
    tables = rows(database, 1, ("segments", "splits", "markers", "session_totals"))
    assert len(tables["markers"]) == 2
    rebuild(database)
    assert rows(database, 1, tables) == tables


def test_a_key_that_is_taken_back_never_was(terminal: Terminal, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    arguments = ("30:00", "--rower", "sim:rower?speed=20", "--json", "--db", database)
    with Process("record", *arguments, terminal=terminal.program) as recording:
        recording.object(lambda now: now["phase"] == "work" and now["piece_s"] > 5)
        terminal.type("e")
        recording.object(
            lambda now: now["phase"] == "work" and now["to_go"] + now["piece_s"] > 1800.5
        )
        terminal.type("u")
        recording.object(
            lambda now: now["phase"] == "work" and now["to_go"] + now["piece_s"] < 1800.5
        )
        terminal.type("qy")
        assert recording.end()[0] == 0
    (piece,) = load(database, 1).segments
    assert piece.ended_by == "end"


def test_keys_come_as_lines_of_a_pipe(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    program, script = os.pipe()
    arguments = ("3x10:00/5:00r", "--rower", "sim:rower?speed=30", "--json", "--db", database)
    with Process("record", *arguments, "--keys", "-", lines=program) as recording:
        os.close(program)
        recording.object(lambda now: now["phase"] == "work" and now["piece_s"] > 5)
        os.write(script, b"jump\n  Extend  15s\nne")
        recording.error("'jump' is no key. There are next, pause")
        recording.object(lambda now: now["to_go"] + now["piece_s"] > 614)
        os.write(script, b"xt\r\n")
        recording.error("key: next piece")
        recording.object(lambda now: now["phase"] == "rest" and now["piece"] == 1)
        os.write(script, b"mark")
        os.close(script)  # what the last line lacks is its end
        recording.error("key: mark")
        recording.send(signal.SIGINT)  # the end of the input is not that of the recording
        assert recording.end()[0] == 0
    first, rest = load(database, 1).segments
    assert first.ended_by == "key"
    assert first.target is not None
    assert first.target.value == 615.0
    assert (rest.kind, rest.ended_by) == ("rest", "end")
    tables = rows(database, 1, ("segments", "splits", "markers", "session_totals"))
    assert len(tables["markers"]) == 3
    rebuild(database)
    assert rows(database, 1, tables) == tables


def test_lines_of_a_file_end_a_recording(tmp_path: Path) -> None:
    keys, database = tmp_path / "keys.txt", tmp_path / "rowlog.db"
    keys.write_text("mark\nend\n", encoding="utf-8")
    with keys.open() as opened:
        recording = Process(
            "record", "--rower", "sim:rower?speed=20", "--keys", "-", "--db", database,
            lines=opened.fileno(),
        )  # fmt: skip
        with recording:
            code, _, errors = recording.end()
    assert code == 0
    assert "key: end" in errors


def test_keys_are_read_from_nothing_that_was_not_named(terminal: Terminal, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    with Process("record", "--keys", "-", "--db", database, terminal=terminal.program) as recording:
        code, _, errors = recording.end()
    assert code == 2
    assert "leave --keys out" in errors
    with Process("record", "--keys", "switch", "--db", database) as recording:
        code, _, errors = recording.end()
    assert code == 2
    assert "--keys - < FILE" in errors
    assert not database.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_the_terminal_as_it_was(
    terminal: Terminal, tmp_path: Path, number: signal.Signals
) -> None:
    before = terminal.settings()
    arguments = ("--rower", "sim:rower?speed=20", "--db", tmp_path / "rowlog.db")
    with Process("record", *arguments, terminal=terminal.program) as recording:
        assert recording.line().endswith("Keys: ? shows them.")
        recording.line()  # the first second
        assert not terminal.settings()[3] & (termios.ECHO | termios.ICANON)
        assert terminal.settings()[3] & termios.ISIG  # Ctrl-C stays what it is
        recording.send(number)
        assert recording.end()[0] == 0
    assert terminal.settings() == before


def test_a_key_that_is_held_down_counts_once(terminal: Terminal, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    arguments = ("5x10:00/5:00r", "--rower", "sim:rower?speed=20", "--json", "--db", database)
    with Process("record", *arguments, terminal=terminal.program) as recording:
        recording.object(lambda now: now["phase"] == "work" and now["piece_s"] > 5)
        terminal.type("nnnnn")
        recording.object(lambda now: now["phase"] == "rest" and now["piece"] == 1)
        terminal.type("qy")
        assert recording.end()[0] == 0
    assert len(load(database, 1).segments) == 2


def test_a_quick_second_press_ends_the_session_and_a_key_that_is_held_down_does_not(
    terminal: Terminal, tmp_path: Path
) -> None:
    database = tmp_path / "rowlog.db"
    arguments = ("--rower", "sim:rower?speed=20", "--json", "--db", database)
    with Process("record", *arguments, terminal=terminal.program) as recording:
        recording.object(lambda now: now["phase"] == "work")
        terminal.type("qqqqq")
        recording.error("end the session?")
        terminal.type("m")  # which takes the question away
        recording.error("key: mark")
        terminal.type("qq")
        assert recording.end()[0] == 0
