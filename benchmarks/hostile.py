"""What files cost that are as large as is allowed, and those that are made to do harm.

Run: python benchmarks/hostile.py [NAME...]

Each file goes through `rowlog import` and `rowlog import --dry-run`, each in a process of its own
on an empty database; told are processor seconds, the highest memory, and what became of it. NAME
chooses among the files; all of them take some minutes. On Linux, since memory is told in its units.
"""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from rowlog.exports.fit_writer import Field, FitWriter
from rowlog.fit_layout import FLOAT64, HRV, LAP, RECORD, SESSION, TIMESTAMP, UINT8, UINT16, UINT32
from rowlog.imports.workout import MOST_BEATS, MOST_LAPS, MOST_POINTS

MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
said = (done.stderr or done.stdout).strip().splitlines() or [""]
print(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said[0])
"""
START = 1_136_000_000
STEP = MOST_POINTS // MOST_LAPS + 1
"""So many rows a lap."""


def main() -> None:
    """Print what was measured."""
    chosen = sys.argv[1:] or list(FILES)
    print(f"{'':<16}{'MB':>5} {'look':>16} {'import':>17}")
    with TemporaryDirectory() as folder:
        for name in chosen:
            file = Path(folder) / name
            file.write_bytes(FILES[name]())
            look_s, look_mb, _ = _measured(file, "--dry-run")
            done_s, done_mb, said = _measured(file)
            size = file.stat().st_size / 1e6
            print(
                f"{name:<16}{size:5.1f} {look_s:6.1f} s {look_mb:4.0f} MB {done_s:7.1f} s "
                f"{done_mb:4.0f} MB  {said[:60]}",
                flush=True,
            )
            file.unlink()


def _measured(file: Path, *options: str) -> tuple[float, float, str]:
    database = file.with_suffix(".db")
    program = [sys.executable, "-c", "from rowlog.cli import main; main()"]
    words = [*program, "import", str(file), "--db", str(database), *options]
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, *words], capture_output=True, text=True, check=True
    )
    for left in file.parent.glob(f"{file.stem}.db*"):
        left.unlink()
    seconds, memory, said = told.stdout.strip().split(" ", 2)
    return float(seconds), float(memory), said


def _rows(count: int = MOST_POINTS) -> bytes:
    """A row a second, as many laps as there may be, each second one a rest."""
    head = (
        "TimeStamp (sec),lapIdx,ElapsedTime (sec),Horizontal (meters),Stroke500mPace (sec/500m),"
        "Cadence (stokes/min),HRCur (bpm),Power (watts),WorkoutState\n"
    )
    rows = (
        f"{1_463_751_686 + n},{n // STEP},{n},{3.5 * n:.1f},143,24,{140 + n % 20},120,"
        f"{1 if n // STEP % 2 == 0 else 3}\n"
        for n in range(count)
    )
    return (head + "".join(rows)).encode()


def _beats(count: int = MOST_BEATS) -> bytes:
    return "\n".join(str(400 + n * 7 % 60) for n in range(count)).encode()


def _trackpoints(count: int = MOST_POINTS) -> bytes:
    points = (
        f"<Trackpoint><Time>2026-01-{1 + n // 86400:02d}T{n // 3600 % 24:02d}:{n // 60 % 60:02d}:"
        f"{n % 60:02d}Z</Time><DistanceMeters>{3.5 * n:.1f}</DistanceMeters><HeartRateBpm><Value>"
        f"{140 + n % 20}</Value></HeartRateBpm><Cadence>24</Cadence><Extensions><TPX><Watts>120"
        "</Watts></TPX></Extensions></Trackpoint>"
        for n in range(count)
    )
    return (
        "<TrainingCenterDatabase><Activities><Activity><Lap><Track>"
        + "".join(points)
        + "</Track></Lap></Activity></Activities></TrainingCenterDatabase>"
    ).encode()


def _fit(count: int = MOST_POINTS) -> bytes:
    """Records with fields of the developers, two heartbeats each, and laps."""
    writer = FitWriter()
    for n in range(count):
        own = [writer.own(name, FLOAT64, 0.7) for name in ("stroke_drive_s", "stroke_recovery_s")]
        fields = [Field(TIMESTAMP, UINT32, START + n), Field(5, UINT32, 350 * n)]
        writer.message(RECORD, [*fields, Field(3, UINT8, 150), Field(7, UINT16, 120), *own])
        writer.message(HRV, [Field(0, UINT16, (440, 450))])
    for lap in range(MOST_LAPS):
        at = START + lap * STEP
        writer.message(LAP, [Field(TIMESTAMP, UINT32, at + STEP), Field(2, UINT32, at),
                             Field(7, UINT32, STEP * 1000)])  # fmt: skip
    writer.message(SESSION, [Field(TIMESTAMP, UINT32, START + count)])
    return writer.content()


def _season(hours: int = 399) -> bytes:
    head = '"Date","Description","Work Time (Seconds)","Work Distance","Rest Time (Seconds)"\n'
    rows = (
        f'"20{20 + n // 336:02d}-{1 + n // 28 % 12:02d}-{1 + n % 28:02d} 10:00:00","","3600",'
        f'"{14_000 + n}",""\n'
        for n in range(hours)
    )
    return (head + "".join(rows)).encode()


def _entities() -> bytes:
    grown = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "ha">{grown}]>'
    return f"{bomb}<TrainingCenterDatabase>&e9;</TrainingCenterDatabase>".encode()


def _around(inside: bytes) -> bytes:
    return _trackpoints(9).replace(b"</Activity>", inside + b"</Activity>")


def _definitions() -> bytes:
    one = b"\x40\0\0\x14\0\xff" + b"".join(bytes((n % 250, 1, 2)) for n in range(255))
    body = one * 80_000
    return b"\x0e\x20\0\0" + struct.pack("<I", len(body) + 100) + b".FIT\0\0" + body


def _overlapping() -> bytes:
    """Three thousand names for the same sixty megabytes."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a", b"1,2,3\n" * 10_000_000)
    whole = out.getvalue()
    start = whole.find(b"PK\x01\x02")
    names = whole[start : whole.find(b"PK\x05\x06")] * 3000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 3000, 3000, len(names), start, 0)
    return whole[:start] + names + end


FILES: dict[str, Callable[[], bytes]] = {
    # as large as is allowed
    "rows.csv": _rows,
    "beats.txt": _beats,
    "points.tcx": _trackpoints,
    "records.fit": _fit,
    "season.csv": _season,
    # larger, or harmful
    "over.csv": lambda: _rows(MOST_POINTS + 1000),
    "cells.csv": lambda: b"Time (seconds),Number\n" + b"," * 60_000_000,
    "lines.csv": lambda: b"Time (seconds),Number\n" * 2_700_000,
    "entities.tcx": _entities,
    "deep.tcx": lambda: _around(b"<a>" * 4_000_000),
    "wide.tcx": lambda: _around(b"<a/>" * 4_000_000),
    "attributes.tcx": lambda: _around(b"<a " + b"".join(b'b%d="" ' % n for n in range(10**6))),
    "definitions.fit": _definitions,
    "bomb.csv.gz": lambda: gzip.compress(bytes(2_000_000_000), 1),
    "overlapping.zip": _overlapping,
}


if __name__ == "__main__":
    main()
