"""Every fault of docs/reliability.md injected, in full, and whether what the page says is so.

The page's tables name a test for each fault. All of them run, those that do more when asked to in
full: 200 kills, 300 power cuts, and the failure of every single write, flush and opening of a
recording. Prints the tables with what came out and how long it took.

    python -m benchmarks.faults [--quick] [WORDS]

WORDS: only faults whose line has these words. --quick: as much of each as the test suite does,
which is also `python3 dev.py faults`. The bar: every line is ok; "none" stands for what does not
exist yet.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reliability.md"
TIMEOUT_S = 1800
"""For one test; the longest goes through some hundred failing calls."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the page."""

    part: str
    number: str
    """"" in tables that do not count their lines."""
    what: str
    tests: tuple[str, ...]
    """() for what does not exist yet."""


@dataclass(slots=True)
class Outcome:
    """What came of a test, its variants together."""

    count: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    measured: tuple[str, ...] = ()
    """What its variants told of what they measured."""


def faults(page: str) -> Iterator[Fault]:
    """The lines of the page's tables that are numbered or name tests."""
    part = ""
    for line in page.splitlines():
        if line.startswith("#"):
            part = line.lstrip("# ")
        if not line.startswith("|"):
            continue
        first, second = (cell.strip() for cell in line.split("|")[1:3])
        tests = tuple(re.findall(r"`(test_\w+)`", line))
        if first.isdigit():
            yield Fault(part, first, second, tests)
        elif tests:
            yield Fault(part, "", first, tests)


def places() -> dict[str, list[str]]:
    """In which files each test is."""
    found: dict[str, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in re.findall(
            r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.MULTILINE
        ):
            found.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    return found


def run(wanted: list[str], *, full: bool) -> dict[str, Outcome]:
    """Run tests, each given as `file::name`; their outcomes by name."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.xml"
        subprocess.run(
            [
                sys.executable, "-m", "pytest", "-q", f"--timeout={TIMEOUT_S}",
                "-o", "junit_family=xunit1", f"--junitxml={told}", *wanted,
            ],
            cwd=ROOT, check=False,
            env={**os.environ, "ROWLOG_FAULTS": "full" if full else "some"},
        )  # fmt: skip
        outcomes: dict[str, Outcome] = {}
        for case in ElementTree.parse(told).iter("testcase"):
            outcome = outcomes.setdefault(case.get("name", "").partition("[")[0], Outcome())
            outcome.count += 1
            outcome.failed += case.find("failure") is not None or case.find("error") is not None
            outcome.skipped += case.find("skipped") is not None
            outcome.seconds += float(case.get("time", "0"))
            told_of = [one.get("value", "") for one in case.iter("property")]
            outcome.measured += tuple(told_of if case.find("properties") is not None else ())
    return outcomes


def judged(outcomes: list[Outcome]) -> str:
    """What the tests of one fault say together."""
    if not outcomes:
        return "none"
    if any(one.failed or not one.count for one in outcomes):
        return "NOT SO"
    return "NOT RUN" if any(one.skipped == one.count for one in outcomes) else "ok"


def main() -> int:
    """Run what is asked for, print the tables; 0 when all is as the page says."""
    full = "--quick" not in sys.argv
    words = " ".join(word for word in sys.argv[1:] if word != "--quick").casefold()
    wanted = [one for one in faults(PAGE.read_text("utf-8")) if words in str(one).casefold()]
    where = places()
    names = dict.fromkeys(name for fault in wanted for name in fault.tests)
    missing = [name for name in names if name not in where]
    if missing:
        print(f"The page names tests that are not there: {', '.join(missing)}.")
        return 1
    began_s = time.monotonic()
    outcomes = run([f"{path}::{name}" for name in names for path in where[name]], full=full)
    took_s = time.monotonic() - began_s
    part, bad = "", 0
    for fault in wanted:
        if fault.part != part:
            part = fault.part
            print(f"\n{part}")
        these = [outcomes.get(name, Outcome()) for name in fault.tests]
        said = judged(these)
        bad += said.isupper()
        seconds, count = sum(one.seconds for one in these), sum(one.count for one in these)
        print(f"{fault.number:>3}  {said:<8}{seconds:7.1f} s {count:4} tests  {fault.what}")
    for name, outcome in outcomes.items():
        if outcome.measured and not all(one.isdigit() for one in outcome.measured):
            print(f"\n{name}: {'; '.join(outcome.measured)}.")
    absent = sum(not fault.tests for fault in wanted)
    print(
        f"\n{len(wanted)} faults: {len(wanted) - bad - absent} ok, {bad} not as the page says, "
        f"{absent} of what does not exist yet; {took_s:.0f} s."
    )
    return int(bool(bad or not wanted))


if __name__ == "__main__":
    sys.exit(main())
