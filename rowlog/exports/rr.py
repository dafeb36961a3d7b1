"""RR intervals as CSV: one a row, in milliseconds, with when it was reported."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from rowlog.contents import Contents
from rowlog.exports.cells import read_table, total, write_table
from rowlog.exports.checking import CannotSay, Difference, Expected, compare

COLUMNS: Final = ("source", "t_s", "rr_ms")


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every RR interval. Raises CannotSay where no strap sent any."""
    rows = list(_rows(contents))
    if not rows:
        raise CannotSay("it has no RR intervals")
    write_table(out, COLUMNS, rows)


def _rows(contents: Contents) -> list[tuple[str, float, float]]:
    return [(beat.source, beat.t_s, rr) for beat in contents.beats for rr in beat.rr_ms or ()]


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the table back, and compare its sums."""
    expected, rows = _rows(contents), read_table(path)
    return compare(
        [
            Expected("RR intervals", len(expected), len(rows)),
            Expected("sum of t_s", sum(row[1] for row in expected), total(rows, "t_s")),
            Expected("sum of rr_ms", sum(row[2] for row in expected), total(rows, "rr_ms")),
        ]
    )
