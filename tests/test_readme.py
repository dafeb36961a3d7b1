"""The tour in README.md does what it prints, from its first command to its last."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RECORDED_LIVE = "rowlog record"
MEETS_WHAT_WAS_LIVE = ("rowlog sessions", "rowlog summary", "rowlog db check")
"""Commands whose figures hold the session that was recorded live."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command of the tour."""

    command: str
    printed: str
    """What README.md shows below it."""


def steps(text: str) -> Iterator[Step]:
    """The commands of all blocks that call rowlog, in order; `export` belongs to them."""
    for block in BLOCK.findall(text):
        if not re.search(r"^\$ (rowlog|export ROWLOG_)", block, re.MULTILINE):
            continue
        before, *commands = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert before == "", "a block begins with a command"
        for command in commands:
            first, _, printed = command.partition("\n")
            yield Step(command=first, printed=printed)


TOUR = list(steps((ROOT / "README.md").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What every step prints, in a new folder and for a user who has nothing yet."""
    folder = tmp_path_factory.mktemp("tour")
    (folder / "home").mkdir()
    hidden = ("ROWLOG_", "XDG_", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR")
    variables = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    variables |= {
        "HOME": str(folder / "home"),
        "USERPROFILE": str(folder / "home"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "drivers")]),
        "PYTHONIOENCODING": "utf-8",
    }
    return [run(step.command, folder, variables) for step in TOUR]


def run(command: str, folder: Path, variables: dict[str, str]) -> str:
    """What a command of the tour prints; `export` changes `variables` instead."""
    line, _, pipe = command.partition(" | ")
    words = shlex.split(line)
    if words[0] == "export":
        name, _, value = words[1].partition("=")
        variables[name] = value
        return ""
    assert words[0] == "rowlog", f"the tour calls {words[0]}"
    # The recordings are those of this checkout; what is written goes to the folder.
    words = [str(ROOT / word) if word.startswith("fixtures/") else word for word in words]
    done = subprocess.run(
        [sys.executable, "-c", "from rowlog.cli import main; main()", *words[1:]],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    if not pipe:
        return done.stdout
    head = re.fullmatch(r"head -(\d+)", pipe)
    assert head is not None, f"the tour pipes into {pipe}"
    return "".join(done.stdout.splitlines(keepends=True)[: int(head[1])])


# --------------------------------------------------------------------------------- comparing


def settled(text: str) -> list[str]:
    """Lines without what differs by day, by place and by file system, and blanks as one."""
    months = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    text = re.sub(rf"(?:[A-Z][a-z]{{2}} )?\d{{1,2}} {months} \d{{4}}, \d\d:\d\d", "DATE", text)
    text = re.sub(r'"\d{4}-\d\d-\d\dT[0-9:.+-]+"', '"INSTANT"', text)
    text = re.sub(r"^(season )?20\d\d\b", r"\1YEAR", text, flags=re.MULTILINE)
    text = re.sub(r"^\S.*[/\\](\w+\.db)$", r"\1", text, flags=re.MULTILINE)
    text = re.sub(r"\b\d+\.\d [kM]B", "SIZE", text)
    text = re.sub(r"─+", "─", text)  # as wide as the dates are
    return [re.sub(r" +", " ", line).strip() for line in text.rstrip().splitlines()]


NUMBER = re.compile(r"\d+(?:[:.]\d+)*|(?<=\s)–(?=\s)")


def shape(text: str) -> list[str]:
    """The lines of a live recording with every figure as #, and of lines alike the first."""
    text = re.sub(r"[▁▂▃▄▅▆▇█]", "█", text)
    # At forty times life, a computer that is busy for 75 ms is a gap of three seconds.
    text = re.sub(r"frames kept; \d+ gaps?\.", "frames kept, no gaps.", text)
    text = re.sub(r"\b(work|rest)\b(?=.* bpm$)", "PHASE", text, flags=re.MULTILINE)
    lines = [re.sub(r"-?#(?: m to go)?", "#", NUMBER.sub("#", line)) for line in settled(text)]
    lines = [re.sub(r"PHASE # to go", "PHASE #", line) for line in lines]
    return [line for line, _ in groupby(lines)]


def value(token: str) -> float:
    """A figure, or a time in its smallest unit, as a number: 1:54.3 is 114.3."""
    total = 0.0
    for part in token.split(":"):
        total = 60 * total + float(part)
    return total


def test_the_tour_is_found_and_keeps_to_a_file_of_its_own() -> None:
    commands = [step.command for step in TOUR]
    assert commands[0].startswith("export ROWLOG_DB=")
    assert len(commands) >= 10
    assert {"rowlog demo", "rowlog sessions", "rowlog db check"} <= set(commands)


@pytest.mark.parametrize("index", range(len(TOUR)), ids=[step.command for step in TOUR])
def test_a_command_prints_what_the_tour_shows(index: int, outputs: list[str]) -> None:
    step, got = TOUR[index], outputs[index]
    if step.command.startswith(RECORDED_LIVE):
        assert shape(got) == shape(step.printed)
    elif step.command.startswith(MEETS_WHAT_WAS_LIVE):
        assert [NUMBER.sub("#", line) for line in settled(got)] == [
            NUMBER.sub("#", line) for line in settled(step.printed)
        ]
        for line, shown in zip(settled(got), settled(step.printed), strict=True):
            figures = [value(token) for token in NUMBER.findall(line) if token != "–"]
            expected = [value(token) for token in NUMBER.findall(shown) if token != "–"]
            # Live, a frame's stamp depends on how busy the machine is.
            assert figures == pytest.approx(expected, rel=0.02), line
    else:
        assert settled(got) == settled(step.printed)
