"""What an import costs: an hour against the peers, and many files in one call on all cores.

Run: python benchmarks/imports.py [FILES] [--alone]

The peers are fitdecode, which is there, and rowingdata, which is installed for this alone, into an
environment of its own beside the temporary files (`--alone` leaves it out; ROWINGDATA_PYTHON names
a Python that has it). Each works on the same file of an hour, several times in one process; the
best processor time counts. rowlog's is told four times: read and checked, which stands beside
fitdecode alone; summed up as text by what `rowlog import --dry-run --quick` runs, which stands
beside rowingdata with its summary; with all that it derives (strokes, pieces, splits, totals, the
heart, frames to be cut anew, packed), as each process that reads does it; and the whole import into
a database that is there, on the disk when it is done. Neither of the last two is done by any peer.
FILES is how many are imported in one call after that, 1000 unless it is said; 0 leaves that out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from random import Random
from shutil import copyfile
from tempfile import TemporaryDirectory

import fitdecode  # type: ignore[import-untyped]

from rowlog import imports
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.importing import Imported, import_files
from rowlog.importing_sessions import parts_of
from rowlog.previewing import preview_files
from rowlog.render import Style
from rowlog.render_previews import preview

HEADER = '"Stroke Number","Time (seconds)","Distance (meters)","Stroke Rate","Heart Rate"'
STROKES_AN_HOUR = 1440
TIMES = 5
PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
from rowingdata import TCXParser, rowingdata
def tcx(file):
    TCXParser(file).write_csv(file + ".csv")
    return rowingdata(csvfile=file + ".csv").allstats()
def csv(file):
    return rowingdata(csvfile=file).allstats()
told = {}
for name, work in (("tcx", tcx), ("csv", csv)):
    times = []
    for _ in range(int(sys.argv[3])):
        start = time.process_time()
        summary = work(sys.argv[1] if name == "tcx" else sys.argv[2])
        times.append(time.process_time() - start)
    assert "14400" in summary
    told[name] = min(times)
print(json.dumps(told))
"""
PEER_NEEDS = (
    "numpy", "pandas", "polars", "scipy", "matplotlib", "lxml", "arrow", "pytz", "iso8601",
    "xmltodict", "docopt", "tqdm", "six", "requests", "python-dateutil", "timezonefinder",
)  # fmt: skip
"""What rowingdata imports to read a file; the rest of what it asks for needs a compiler."""
PEER_PARTS = ("rowingdata", "rowingphysics", "fitparse", "fit-tool")


def main() -> None:
    """Print what was measured."""
    words = [word for word in sys.argv[1:] if word != "--alone"]
    count = int(words[0]) if words else 1000
    with TemporaryDirectory() as folder:
        _formats(Path(folder), alone="--alone" in sys.argv)
        if count:
            _many(Path(folder), count)


def _strokes(metres: float, count: int = STROKES_AN_HOUR, seed: int | None = None) -> bytes:
    """Strokes of 2.5 s and so many metres; as somebody rows them where there is a seed.

    No two are alike then, and the pace wanders by some 2 %.
    """
    random = Random(seed)
    rows, t_s, rowed_m, better = [HEADER], 0.0, 0.0, 0.0
    for n in range(1, count + 1):
        if seed is not None:
            better = 0.98 * better + random.gauss(0, 0.004)
        t_s += 2.5 + (0.0 if seed is None else random.gauss(0, 0.05))
        rowed_m += metres * (1 + better) + (0.0 if seed is None else random.gauss(0, 0.2))
        rows.append(f"{n},{t_s:.2f},{rowed_m:.1f},24,{120 + n % 50}")
    return "\n".join(rows).encode()


def _formats(folder: Path, *, alone: bool) -> None:
    hour, database = folder / "hour.strokes", folder / "hour.db"
    hour.write_bytes(_strokes(10.0))
    import_files(database, [hour])
    files = {}
    for name, written in (("fit", "fit"), ("tcx", "tcx"), ("csv", "rowingdata")):
        format_ = named(written)
        if format_ is None:
            raise SystemExit(f"no format {written}")
        files[name] = folder / f"hour.{name}"
        export(database, [1], files[name], format_, folder=False)
    peers = {"fit": ("fitdecode alone", _best(partial(_decoded, files["fit"].read_bytes())))}
    if not alone:
        for name, seconds in _rowingdata(folder, files["tcx"], files["csv"]).items():
            peers[name] = ("rowingdata with its summary", seconds)
    empty = folder / "empty.db"
    import_files(empty, [])
    for name, file in files.items():
        content = file.read_bytes()
        works: dict[str, Callable[[], object]] = {
            "read and checked": partial(imports.read, "x", content),
            "summed up as text": partial(_summed_up, file),
            "all derived": partial(parts_of, "x", content, datetime.now(UTC), None, frozenset()),
            "taken in": partial(_taken_in, empty, file),
        }
        who, seconds = peers.get(name, ("", 0.0))
        print(f"an hour of {name}" + (f": {who} takes {seconds * 1000:.1f} ms" if who else ""))
        for what, work in works.items():
            own = _best(work)
            ratio = f", {seconds / own:.2f} times as fast" if who else ""
            print(f"  rowlog, {what + ':':<18} {own * 1000:6.1f} ms{ratio}")


def _decoded(content: bytes) -> int:
    return sum(1 for _ in fitdecode.FitReader(content))


def _summed_up(file: Path) -> str:
    """What `rowlog import --dry-run --quick` prints of it."""
    (look,) = preview_files(file.with_suffix(".none"), [file], quick=True)
    text = preview(look, Style())
    if "14400" not in text:
        raise SystemExit(f"{file.name} was not summed up: {text}")
    return text


def _taken_in(empty: Path, file: Path) -> None:
    """Into a database that has its tables already, and nothing in them."""
    database = empty.with_name("taken.db")
    copyfile(empty, database)
    (done,) = import_files(database, [file])
    if not done.sessions:
        raise SystemExit(f"{file.name} was not taken in: {done}")


def _rowingdata(folder: Path, tcx: Path, csv: Path) -> dict[str, float]:
    python = os.environ.get("ROWINGDATA_PYTHON") or _installed(folder / "peer")
    told = subprocess.run(
        [python, "-c", PEER, str(tcx), str(csv), str(TIMES)],
        env={**os.environ, "MPLBACKEND": "Agg"},
        capture_output=True,
        text=True,
        check=False,
    )
    if told.returncode:
        raise SystemExit(f"rowingdata did not run: {told.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def _installed(folder: Path) -> str:
    print("installing rowingdata beside the temporary files ...", flush=True)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for call in (
        [sys.executable, "-m", "venv", str(folder)],
        [*pip, *PEER_NEEDS],
        [*pip, "--no-deps", *PEER_PARTS],
    ):
        subprocess.run(call, check=True, capture_output=True)
    return python


def _many(folder: Path, count: int) -> None:
    inside = folder / "many"
    inside.mkdir()
    for n in range(count):
        (inside / f"{n:05d}.csv").write_bytes(_strokes(8.0 + n / count, 300, n))
    memory: list[tuple[float, float]] = []

    def seen(_: Imported) -> None:
        if (len(memory) + 1) % max(1, count // 10) and len(memory) + 1 < count:
            memory.append((0.0, 0.0))
            return
        others = [child.pid for child in active_children() if child.pid is not None]
        memory.append((_resident_mb(os.getpid()), sum(map(_resident_mb, others))))

    start, busy = time.perf_counter(), _busy_s()
    done = import_files(folder / "many.db", [inside], on_file=seen)
    seconds, used = (
        time.perf_counter() - start,
        [now - was for now, was in zip(_busy_s(), busy, strict=True)],
    )
    taken = sum(len(one.sessions) for one in done)
    twice = sum(bool(one.same) for one in done)
    print(f"  taken for workouts that were there: {twice}")
    print(f"{taken} files of 300 strokes: {seconds:.1f} s, {seconds / count * 1000:.0f} ms each")
    own, others = (one / count * 1000 for one in used)
    print(f"  of processor time each: {own:.1f} ms to write it, {others:.1f} ms to read it")
    tenths = [one for one in memory if one[0]]
    print("  memory after each tenth, MB: " + " ".join(f"{own:.0f}" for own, _ in tenths))
    print("  of the other processes:      " + " ".join(f"{rest:.0f}" for _, rest in tenths))


def _busy_s() -> tuple[float, float]:
    """Processor time of this process, and of others of its that have ended."""
    spent = os.times()
    return spent.user + spent.system, spent.children_user + spent.children_system


def _resident_mb(process: int) -> float:
    """What a process holds in memory now, on Linux."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _best(work: Callable[[], object], times: int = TIMES) -> float:
    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(times))


if __name__ == "__main__":
    main()
