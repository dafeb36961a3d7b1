"""What the live view costs, and how soon a stroke is on the screen.

The program records a simulated rower and strap in a pseudo-terminal, as a person would see it:

- Latency: from when the frame that told of a stroke, or of another metre, came in (its stamp, on
  the host's clock by the session's start) to when the terminal was given the number. In real time.
- Cost: CPU time of the whole program in real time, with the view and with `--plain`; what is more
  is the drawing. At several sizes, and with a PM5, which tells ten times as often.
- Painting: the same pictures at 80 by 24 drawn by what has changed, as the view does, and by rich's
  `Live`; CPU time of each picture, layout included.
- An hour, at 60 times real time: resident memory from the tenth minute to the last, frames stored
  against frames simulated.

Where chromium is installed, cost and hour are measured once more with `--web` and the page open in
it; chromium itself does not count.

    python -m benchmarks.live [SECONDS]

SECONDS (60) are for each measurement in real time. The bars: under 150 ms for the median and the
99th percentile, drawing at most 5 % of a core, both views at most 8 % in all, memory flat, no frame
lost.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from rich.color import ColorSystem
from rich.console import Console
from rich.live import Live as RichLive
from rich.text import Text

from rowlog.live import Live
from rowlog.notation import parse
from rowlog.recording import record
from rowlog.render_live import Shown, draw
from rowlog.screen_terminal import LOOKS, Terminal
from rowlog.store_read import open_reader
from rowlog.viewing import Controls, Feed
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import SourceHeader
from rowlog_drivers.records import RowerSample
from rowlog_drivers.simulator import Simulator, Stretch
from tests.terminal import InTerminal

LATENCY_MS = 150.0
DRAWING_PERCENT = 5.0
BOTH_PERCENT = 8.0
PORT = 18372
GROWTH_MB = 3.0
"""What an allocator may move by in 50 minutes; a leak of a byte a frame would be seen by more."""
HOUR_SPEED = 60.0
SHOWN = re.compile(r"(\d+) m · (\d+) strokes?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a running process has used so far."""

    cpu_s: float
    resident_mb: float


def usage(pid: int) -> Usage:
    """User and system time, and memory, of a process and its children (Linux)."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    cpu_s = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    resident_mb = int(found[1]) / 1024 if found else 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            one = usage(int(child))
            cpu_s, resident_mb = cpu_s + one.cpu_s, resident_mb + one.resident_mb
    return Usage(cpu_s=cpu_s, resident_mb=resident_mb)


@contextmanager
def recording(
    database: Path, *more: str, rower: str = "sim:rower", columns: int = 80, rows: int = 24
) -> Iterator[InTerminal]:
    """The program in a terminal, recording until the end of the block."""
    speed = f"?speed={HOUR_SPEED:g}" if "hour" in database.name else ""
    arguments = ("record", "100000m", "--rower", f"{rower}{speed}", "--strap", f"sim:strap{speed}")
    with InTerminal(*arguments, "--db", database, *more, columns=columns, rows=rows) as terminal:
        yield terminal
        terminal.send(signal.SIGTERM)
        if terminal.end() != 0:
            raise SystemExit(f"the recording failed: {terminal.raw[-2000:]!r}")


def latency(folder: Path, seconds: float) -> list[float]:
    """Milliseconds from each frame that changed metres or strokes to the terminal."""
    database = folder / "latency.db"
    first: dict[tuple[str, int], float] = {}
    with recording(database) as terminal:
        terminal.wait_for("WORK", on=0)
        until_s = time.monotonic() + seconds
        there: set[tuple[str, int]] = set()
        at = 0
        while time.monotonic() < until_s:
            time.sleep(0.002)
            lines = terminal.lines()
            if len(terminal.times) == at:
                continue
            at = len(terminal.times)
            came_s = terminal.times[-1][0]
            found = next(filter(None, map(SHOWN.search, lines)), None)
            if found is not None:
                first.setdefault(("m", int(found[1])), came_s)
                first.setdefault(("strokes", int(found[2])), came_s)
                there = there or set(first)  # since when these were shown is not known
    offset_s = time.time() - time.monotonic()
    db = sqlite3.connect(database)
    (started_at,) = db.execute("SELECT started_at FROM sessions").fetchone()
    zero_s = datetime.fromisoformat(started_at).timestamp() - offset_s
    told = {
        ("strokes", number): t_ns
        for number, t_ns in db.execute("SELECT number, t_ns FROM strokes ORDER BY t_ns DESC")
    }
    told |= {("m", metres): t_ns for metres, t_ns in _metres(database)}
    db.close()
    shown = [
        (first[key] - zero_s - t_ns / 1e9) * 1000
        for key, t_ns in told.items()
        if key in first and key not in there
    ]
    return sorted(shown)


def _metres(database: Path) -> list[tuple[int, int]]:
    """Each number of metres and when a frame first told of it."""
    with open_reader(database) as reader:
        frames = list(reader.read_frames(1))
    decoding = make_decoding(
        [SourceHeader(name="rower", driver="ftms"), SourceHeader(name="strap", driver="heart_rate")]
    )
    found: dict[int, int] = {}
    for frame in frames:
        for one in decoding.deliver(frame).records:
            if isinstance(one, RowerSample) and one.distance_m is not None:
                found.setdefault(int(one.distance_m), frame.t_ns)
    return list(found.items())


def cost(folder: Path, seconds: float, name: str, *more: str, **kinds: object) -> float:
    """Per cent of a core that the whole program takes."""
    with recording(folder / f"{name}.db", *more, **kinds) as terminal:  # type: ignore[arg-type]
        terminal.wait_raw(b"to go" if more else b"TO GO")
        time.sleep(5.0)
        before = usage(terminal.process.pid)
        began_s = time.monotonic()
        time.sleep(seconds)
        after = usage(terminal.process.pid)
        return 100 * (after.cpu_s - before.cpu_s) / (time.monotonic() - began_s)


@contextmanager
def page(terminal: InTerminal) -> Iterator[None]:
    """The live page open in chromium, as soon as it is served."""
    terminal.wait_raw(b"localhost:")
    with tempfile.TemporaryDirectory() as profile:
        browser = subprocess.Popen(
            [
                "chromium", "--headless", "--no-sandbox", "--disable-gpu",
                "--disable-background-networking", f"--user-data-dir={profile}",
                "--remote-debugging-port=0", f"http://localhost:{PORT}/",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            yield
        finally:
            browser.terminate()
            browser.wait(20)


def both(folder: Path, seconds: float) -> float:
    """Per cent of a core with both views open."""
    with (
        recording(folder / "both.db", "--web", "--port", str(PORT)) as terminal,
        page(terminal),
    ):
        time.sleep(10.0)
        before = usage(terminal.process.pid)
        began_s = time.monotonic()
        time.sleep(seconds)
        after = usage(terminal.process.pid)
        return 100 * (after.cpu_s - before.cpu_s) / (time.monotonic() - began_s)


def hour(folder: Path, *, web: bool = False) -> tuple[float, int, int]:
    """Growth of memory in MB, frames stored, and frames simulated up to the last of them."""
    database = folder / f"hour-{web}.db"
    more = ("--web", "--port", str(PORT)) if web else ()
    with recording(database, *more) as terminal, page(terminal) if web else nullcontext():
        terminal.wait_raw(b"TO GO")
        time.sleep(600 / HOUR_SPEED)
        early = usage(terminal.process.pid).resident_mb
        time.sleep(3000 / HOUR_SPEED)
        late = usage(terminal.process.pid).resident_mb
    with open_reader(database) as reader:
        frames = [frame.t_ns for frame in reader.read_frames(1)]
    script = [Stretch(kind="wait", seconds=5.0), Stretch(kind="work", distance_m=100_000.0)]
    simulated = 0
    for frame in Simulator(script, rower="ftms", strap=True, seed=1):
        if frame.t_ns > frames[-1]:
            break
        simulated += 1
    return late - early, len(frames), simulated


class _Kept:
    """A view that keeps every picture."""

    name = "The bench"

    def __init__(self) -> None:
        self.seen: list[Live] = []

    def run(self, feed: Feed, controls: Controls) -> None:
        after = 0
        while (live := feed.wait(after)) is not None:
            self.seen.append(live)
            after = live.number


def painting(folder: Path) -> tuple[float, float]:
    """Milliseconds of CPU for a picture: by what has changed, and by rich's Live."""
    kept = _Kept()
    record(
        folder / "painting.db",
        parse_address("sim:rower?speed=10"),
        parse_address("sim:strap?speed=10"),
        plan=parse("3x100m/0:15r"),
        for_s=120,
        views=(kept,),
    )
    person, program = os.openpty()
    threading.Thread(target=_drain, args=(person,), daemon=True).start()
    terminal = Terminal(program, colours=ColorSystem.EIGHT_BIT)
    began_s = time.thread_time()
    for live in kept.seen:
        terminal.draw(draw(live, Shown(), 80, 24))
    ours_s = time.thread_time() - began_s
    with os.fdopen(program, "w", encoding="utf-8") as out:
        console = Console(file=out, force_terminal=True, width=80, height=24)
        with RichLive(console=console, screen=True, auto_refresh=False) as painted:
            began_s = time.thread_time()
            for live in kept.seen:
                canvas = draw(live, Shown(), 80, 24)
                text = Text(no_wrap=True)
                for cells, styles in zip(canvas.cells, canvas.styles, strict=True):
                    pairs = zip(cells, styles, strict=True)
                    for style, run in groupby(pairs, key=lambda pair: pair[1]):
                        text.append("".join(cell for cell, _ in run), LOOKS.get(style, ""))
                    text.append("\n")
                painted.update(text, refresh=True)
            rich_s = time.thread_time() - began_s
    return 1000 * ours_s / len(kept.seen), 1000 * rich_s / len(kept.seen)


def _drain(fd: int) -> None:
    with suppress(OSError):
        while os.read(fd, 65536):
            pass


def main() -> None:
    """Measure and print."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    good = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours, richs = painting(folder)
        print(f"a picture at 80x24: {ours:.2f} ms of CPU, by rich's Live {richs:.2f} ms")
        shown = latency(folder, seconds)
        p50, p99 = shown[len(shown) // 2], shown[min(len(shown) - 1, len(shown) * 99 // 100)]
        good &= p99 < LATENCY_MS
        print(
            f"frame to screen, {len(shown)} numbers: median {p50:.0f} ms, 99th percentile "
            f"{p99:.0f} ms, worst {shown[-1]:.0f} ms (bar {LATENCY_MS:.0f})"
        )
        for rower in ("sim:rower", "sim:pm5"):
            plain = cost(folder, seconds, f"plain-{rower[4:]}", "--plain", rower=rower)
            print(f"{rower} --plain: {plain:.2f} % of a core in all")
            for columns, rows in ((80, 24), (120, 40), (200, 60)):
                whole = cost(
                    folder, seconds, f"{rower[4:]}-{columns}", rower=rower, columns=columns,
                    rows=rows,
                )  # fmt: skip
                good &= whole - plain <= DRAWING_PERCENT
                print(
                    f"{rower} {columns}x{rows}: {whole:.2f} % in all, "
                    f"drawing {whole - plain:.2f} % (bar {DRAWING_PERCENT:g})"
                )
        browser = shutil.which("chromium") is not None
        if browser:
            percent = both(folder, seconds)
            good &= percent <= BOTH_PERCENT
            print(f"with the page open too: {percent:.2f} % in all (bar {BOTH_PERCENT:g})")
        for web in (False, True) if browser else (False,):
            grown, stored, simulated = hour(folder, web=web)
            good &= grown < GROWTH_MB and stored == simulated
            print(
                f"an hour at {HOUR_SPEED:g} times real time{', both views' if web else ''}: memory "
                f"{grown:+.1f} MB from minute 10 to 60, {stored} frames stored of {simulated}"
            )
    if not good:
        raise SystemExit("over a bar")


if __name__ == "__main__":
    main()
