"""The browser view: from a stroke's last byte to its number on the page, and what viewers cost.

    python benchmarks/web.py [SECONDS] [DATABASE]

Records a simulated session of SECONDS (60 by default) of life three times: with a page open in
chromium and the view in a terminal, with nobody looking, and while a thousand connections, readers
that never read and messages of 100 MB trouble the server. Then an hour of session time, thirty
times as fast, for memory. With DATABASE, one of many sessions as `ten_years.py` makes them, the
pages of history are timed as well.

The bars: 250 ms to the number; 150 kB and 300 ms for the page; no frame lost and the recording's
loop as punctual as without; memory flat; 8 % of a core for recording and pages together.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "drivers")]

from rowlog.notation import parse  # noqa: E402
from rowlog.recording import record  # noqa: E402
from rowlog.screen import Screen  # noqa: E402
from rowlog.summary import load  # noqa: E402
from rowlog.viewing import Controls, Feed  # noqa: E402
from rowlog.web.beside import Beside  # noqa: E402
from rowlog_drivers.addresses import parse_address  # noqa: E402
from tests.browser import Browser, Tab  # noqa: E402

TICK_S = 0.01
CONNECTIONS = 1000
STUCK = 20
HUGE = 100_000_000
_LOG = """(() => {
  window.shown = [];
  const Real = WebSocket;
  window.WebSocket = function (...words) {
    const made = new Real(...words);
    made.addEventListener("message", (event) => {
      const said = JSON.parse(event.data);
      if (said.kind !== "now") return;
      // After the frame in which it is drawn.
      requestAnimationFrame(() => setTimeout(() =>
        window.shown.push([said.number, performance.timeOrigin + performance.now()])));
    });
    return made;
  };
  Object.assign(window.WebSocket, { OPEN: 1, CLOSED: 3 });
})()"""


class Watch:
    """A view that notes when the bytes of each picture came in, and how punctual the loop is."""

    name = "The benchmark"

    def __init__(self) -> None:
        self.heard: dict[int, float] = {}
        """Wall time of the newest frame, by the number of the picture."""
        self.late_s: list[float] = []

    def run(self, feed: Feed, controls: Controls) -> None:
        """Watch until the recording is over."""
        probe = asyncio.run_coroutine_threadsafe(self._probe(), controls._loop)
        number, newest = 0, None
        while (live := feed.wait(number)) is not None:
            number = live.number
            if live.heard_s is not None and live.heard_s != newest and live.speed == 1:
                newest = live.heard_s
                self.heard[number] = live.started_at.timestamp() + live.heard_s
        probe.cancel()

    async def _probe(self) -> None:
        due = time.monotonic()
        while True:
            due = max(due + TICK_S, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            self.late_s.append(time.monotonic() - due)


def recorder(database: str, seconds: str, speed: str, screen: str) -> None:
    """The process that records: tells its address, then what it saw."""
    pages = Beside(Path(database), None, 0)
    print(json.dumps({"url": pages.url, "pages": pages._process.pid}), flush=True)
    watch = Watch()
    options = f"seed=1&speed={speed}"
    number = record(
        Path(database),
        parse_address(f"sim:rower?{options}"),
        parse_address(f"sim:strap?{options}"),
        plan=parse(f"{int(seconds) * int(speed)}s"),
        for_s=int(seconds) * int(speed) + 5,
        views=[pages.view, watch, *([_terminal()] if screen == "screen" else [])],
    )
    pages.ended(number)
    pages.close()
    quality = load(Path(database), number).quality
    told = {"heard": watch.heard, "late_s": watch.late_s, "quality": quality._asdict()}
    print(json.dumps(told), flush=True)


def _terminal() -> Screen:
    """The terminal view on a terminal of 120 by 40, which reads all that is drawn."""
    reads, draws = os.openpty()
    termios.tcsetwinsize(draws, (40, 120))

    def drain() -> None:
        while os.read(reads, 65536):
            pass

    threading.Thread(target=drain, daemon=True).start()
    return Screen(draws, unicode=True, colours=True, sound="off")


@dataclass
class Recording:
    """A recording in a process of its own."""

    process: subprocess.Popen[str]
    url: str
    pages: int

    @property
    def port(self) -> int:
        """Of its pages."""
        return int(self.url.rstrip("/").rpartition(":")[2])

    def told(self) -> dict[str, Any]:
        """Its next line."""
        assert self.process.stdout is not None
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said


@contextmanager
def recording(seconds: int, speed: int = 1, *, screen: bool = False) -> Iterator[Recording]:
    """A recording that has begun; `screen`: with the terminal view too."""
    with tempfile.TemporaryDirectory(prefix="rowlog-web-") as folder:
        process = subprocess.Popen(
            [
                *(sys.executable, __file__, "recorder", f"{folder}/rowlog.db"),
                *(str(seconds), str(speed), "screen" if screen else "none"),
            ],
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        try:
            yield Recording(process, said["url"], said["pages"])
        finally:
            process.wait(600)


def cpu_s(number: int) -> float:
    """Processor time that a process has taken."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(number: int) -> float:
    """Memory of a process that is its own."""
    for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1000
    return float("nan")


def percentiles(values: list[float]) -> str:
    """Median, 99th percentile and highest, in ms."""
    cut = statistics.quantiles(values, n=100, method="inclusive")
    return (
        f"median {1e3 * cut[49]:.1f}, p99 {1e3 * cut[98]:.1f}, highest {1e3 * max(values):.1f} ms"
    )


def opened(browser: Browser, url: str) -> Tab:
    """The live page, numbers showing."""
    tab = browser.tab(1180, 820)
    tab.call("Page.addScriptToEvaluateOnNewDocument", source=_LOG)
    tab.open(f"{url}live")
    tab.wait("document.getElementById('pace').textContent.includes(':')")
    return tab


def latency(browser: Browser, seconds: int) -> tuple[int, list[float]]:
    """Frames of a recording that is looked at, and the lateness of its loop."""
    with recording(seconds, screen=True) as one:
        tab = opened(browser, one.url)
        began, begun = time.monotonic(), (cpu_s(one.process.pid), cpu_s(one.pages))
        until = time.monotonic() + seconds - 12
        while time.monotonic() < until:
            tab.run("new Promise(done => setTimeout(done, 1000))")
        spent = (cpu_s(one.process.pid) - begun[0], cpu_s(one.pages) - begun[1])
        passed = time.monotonic() - began
        shown = dict(tab.run("window.shown"))
        told = one.told()
    found = [
        shown[number] / 1e3 - wall
        for number, wall in ((int(key), value) for key, value in told["heard"].items())
        if number in shown
    ]
    print(f"from the last byte to the number, {len(found)} pictures: {percentiles(found)}")
    shares = [100 * one / passed for one in spent]
    print(f"both views open: recording {shares[0]:.1f} %, pages {shares[1]:.1f} % of a core")
    print(f"lateness of the recording's loop, both views open: {percentiles(told['late_s'])}")
    return told["quality"]["frames"], told["late_s"]


def first_paint(browser: Browser, seconds: int = 20) -> None:
    """Weight of the page, and when it is first seen."""
    with recording(seconds) as one:
        times, weight = [], 0
        for _ in range(7):
            tab = browser.tab(390, 844)
            tab.open(f"{one.url}live")
            times.append(tab.wait(
                "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
            ))  # fmt: skip
            weight = tab.run(
                "performance.getEntries().filter(one => one.transferSize)"
                ".reduce((sum, one) => sum + one.transferSize, 0)"
            )
            tab.close()
        print(
            f"live page: {weight / 1e3:.1f} kB, first paint after {statistics.median(times):.0f} ms"
        )


def besieged(seconds: int) -> None:
    """A thousand connections, readers that never read, a message of 100 MB."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    with recording(seconds) as alone:
        told = alone.told()
    print(f"lateness of the recording's loop, nobody there: {percentiles(told['late_s'])}")
    with recording(seconds) as one:
        time.sleep(3)
        if hasattr(os, "nice"):
            os.nice(19)  # those who trouble it would not do so with this computer's processor
        held: list[socket.socket] = []
        stop = time.monotonic() + seconds - 8
        hostile = [threading.Thread(target=_huge, args=(one.port, stop)) for _ in range(2)]
        for thread in hostile:
            thread.start()
        rounds = 0
        while time.monotonic() < stop:
            for number in range(CONNECTIONS):
                with suppress(OSError):
                    held.append(_connected(one.port, ask=number % 2 == 0, stuck=number < STUCK))
            rounds += 1
            time.sleep(0.5)
            for made in held:
                made.close()
            held.clear()
        for thread in hostile:
            thread.join()
        siege = one.told()
    print(
        f"lateness of the recording's loop, {rounds} times {CONNECTIONS} connections: "
        f"{percentiles(siege['late_s'])}"
    )
    lost = told["quality"]["frames"] - siege["quality"]["frames"]
    print(f"frames: {siege['quality']['frames']} of {told['quality']['frames']}, lost {lost}")


def _connected(port: int, *, ask: bool, stuck: bool) -> socket.socket:
    made = socket.socket()
    made.settimeout(1.0)
    if stuck:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", port))
    host = f"Host: localhost:{port}\r\n"
    if stuck:
        made.sendall(_upgrade(port))
    elif ask:
        made.sendall(f"GET /live HTTP/1.1\r\n{host}\r\n".encode())
    return made


def _upgrade(port: int) -> bytes:
    return (
        f"GET /feed HTTP/1.1\r\nHost: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ).encode()


def _huge(port: int, stop: float) -> None:
    """Messages of 100 MB, one after another."""
    part = b"\0" * 65536
    while time.monotonic() < stop:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as made:
            made.sendall(_upgrade(port))
            # A masked text frame with a length of 64 bits.
            made.sendall(b"\x81\xff" + HUGE.to_bytes(8, "big") + b"\0\0\0\0")
            for _ in range(HUGE // len(part)):
                made.sendall(part)


def an_hour(browser: Browser, speed: int = 30) -> None:
    """Memory over an hour of session time with both views open."""
    with recording(3600 // speed, speed, screen=True) as one:
        tab = opened(browser, one.url)
        seen: list[tuple[float, float]] = []
        until = time.monotonic() + 3600 / speed - 12
        while time.monotonic() < until:
            tab.run("new Promise(done => setTimeout(done, 1000))")
            seen.append((memory_mb(one.process.pid), memory_mb(one.pages)))
        told = one.told()
    third = len(seen) // 3
    for name, place in (("recording", 0), ("pages", 1)):
        before = statistics.median(row[place] for row in seen[third : 2 * third])
        after = statistics.median(row[place] for row in seen[2 * third :])
        print(
            f"memory of an hour, {name}: {before:.1f} MB in its middle, {after:.1f} MB at its end"
        )
    print(
        f"frames of that hour: {told['quality']['frames']}, late {told['quality']['late_frames']}"
    )


def history(database: Path) -> None:
    """How soon each page of history is there."""
    from tests.web_support import served

    with served(database) as here:
        for path in (
            "/sessions",
            "/sessions/1",
            "/bests",
            "/trends",
            "/trends?by=season",
            "/zones",
        ):
            times = [_asked(here.listening.port, path) for _ in range(8)][1:]
            print(f"{path}: {1e3 * statistics.median(times):.0f} ms")


def _asked(port: int, path: str) -> float:
    began = time.perf_counter()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status == 200, path
    answer.read()
    connection.close()
    return time.perf_counter() - began


def main() -> None:
    """Measure all of it."""
    if sys.argv[1:2] == ["recorder"]:
        recorder(*sys.argv[2:6])
        return
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    browser = Browser()
    try:
        steps: list[Callable[[], object]] = [
            lambda: first_paint(browser),
            lambda: latency(browser, seconds),
            lambda: an_hour(browser),
            lambda: besieged(seconds),
        ]
        for step in steps:
            step()
    finally:
        browser.close()
    if len(sys.argv) > 2:
        history(Path(sys.argv[2]))


if __name__ == "__main__":
    main()
