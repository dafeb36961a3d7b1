"""What an import costs: an hour's FIT against fitdecode alone, and many files in one call.

Run: python benchmarks/imports.py [FILES]
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import fitdecode  # type: ignore[import-untyped]

from rowlog import imports
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.importing import Imported, import_files

HEADER = '"Stroke Number","Time (seconds)","Distance (meters)","Stroke Rate","Heart Rate"'
STROKES_AN_HOUR = 1440


def main() -> None:
    """Print what was measured."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with TemporaryDirectory() as folder:
        _formats(Path(folder))
        _many(Path(folder), count)


def _strokes(metres: float, count: int = STROKES_AN_HOUR) -> bytes:
    rows = [f"{n},{2.5 * n},{metres * n:.1f},24,{120 + n % 50}" for n in range(1, count + 1)]
    return "\n".join([HEADER, *rows]).encode()


def _formats(folder: Path) -> None:
    csv_file, database = folder / "hour.csv", folder / "hour.db"
    csv_file.write_bytes(_strokes(10.0))
    import_files(database, [csv_file])
    contents = {"csv": csv_file.read_bytes()}
    for name in ("fit", "tcx"):
        format_ = named(name)
        if format_ is None:
            raise SystemExit(f"no format {name}")
        export(database, [1], folder / f"hour.{name}", format_, folder=False)
        contents[name] = (folder / f"hour.{name}").read_bytes()
    for name, content in contents.items():
        seconds = _best(partial(imports.read, "x", content))
        print(f"an hour of {name}: read in {seconds * 1000:.0f} ms")
        if name == "fit":
            alone = _best(partial(_decoded, content))
            print(f"  fitdecode alone {alone * 1000:.0f} ms: {seconds / alone:.2f} times as long")


def _decoded(content: bytes) -> int:
    return sum(1 for _ in fitdecode.FitReader(content))


def _many(folder: Path, count: int) -> None:
    inside = folder / "many"
    inside.mkdir()
    for n in range(count):
        (inside / f"{n:05d}.csv").write_bytes(_strokes(8.0 + n / count, 300))
    memory: list[int] = []

    def seen(_: Imported) -> None:
        memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)

    start = time.perf_counter()
    done = import_files(folder / "many.db", [inside], on_file=seen)
    seconds = time.perf_counter() - start
    taken = sum(len(one.sessions) for one in done)
    print(f"{taken} files of 300 strokes: {seconds:.1f} s, {seconds / count * 1000:.0f} ms each")
    tenth = memory[max(0, count // 10 - 1)]
    print(
        f"  peak memory {tenth / 1024:.0f} MB after a tenth, {memory[-1] / 1024:.0f} MB at the end"
    )


def _best(work: Callable[[], object], times: int = 3) -> float:
    def once() -> float:
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    return min(once() for _ in range(times))


if __name__ == "__main__":
    main()
