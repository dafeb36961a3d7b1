"""Strokes as CSV: a row a stroke, columns named as in the database."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

from rowlog.contents import Contents, StrokeRow
from rowlog.exports.cells import read_table, write_table
from rowlog.exports.checking import CannotSay, Difference, Expected, compare

COLUMNS: Final = StrokeRow._fields[:-1]


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every stroke without its force curve. Raises CannotSay where there are none."""
    if not contents.strokes:
        raise CannotSay("it has no strokes")
    write_table(out, COLUMNS, (stroke[:-1] for stroke in contents.strokes))


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the table back, and compare its sums."""
    rows = read_table(path)
    expected = [Expected("strokes", len(contents.strokes), len(rows))]
    for name in COLUMNS[1:]:
        told = [value for row in contents.strokes if (value := getattr(row, name)) is not None]
        found = [float(row[name]) for row in rows if row[name]]
        expected.append(Expected(f"strokes with {name}", len(told), len(found)))
        expected.append(Expected(f"sum of {name}", sum(told), sum(found)))
    return compare(expected)
