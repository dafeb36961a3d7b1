"""Heart rate as CSV: a row a measurement, of every strap."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from rowlog.contents import BeatRow, Contents
from rowlog.exports.cells import read_table, total, write_table
from rowlog.exports.checking import CannotSay, Difference, Expected, compare

COLUMNS: Final = BeatRow._fields


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every measurement; several RR intervals of one stand in one cell, oldest first."""
    if not contents.beats:
        raise CannotSay("it has no heart rate of a strap")
    write_table(out, COLUMNS, contents.beats)


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the table back, and compare its sums."""
    rows = read_table(path)
    found = sum(len(row["rr_ms"].split()) for row in rows)
    beats = contents.beats
    return compare(
        [
            Expected("measurements", len(beats), len(rows)),
            Expected("sum of t_s", sum(beat.t_s for beat in beats), total(rows, "t_s")),
            Expected(
                "sum of heart_rate_bpm",
                sum(beat.heart_rate_bpm for beat in beats),
                total(rows, "heart_rate_bpm"),
            ),
            Expected("RR intervals", sum(len(beat.rr_ms or ()) for beat in beats), found),
        ]
    )
