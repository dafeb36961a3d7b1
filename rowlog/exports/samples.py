"""Raw samples as CSV: every record that a rower sent, with only what it carried."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from rowlog.contents import SAMPLE_COLUMNS, Contents, sample_rows
from rowlog.exports.cells import cell, read_table, write_table
from rowlog.exports.checking import CannotSay, Difference, Expected, compare


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every record. Raises CannotSay where no rower was recorded."""
    rows = list(sample_rows(contents))
    if not rows:
        raise CannotSay("it has no records of a rower")
    write_table(out, SAMPLE_COLUMNS, rows)


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the table back, and compare what each column says and how often."""
    rows = read_table(path)
    said = dict.fromkeys(SAMPLE_COLUMNS, 0)
    last: dict[str, str] = {}
    count = 0
    for sample in sample_rows(contents):
        count += 1
        for name, value in zip(SAMPLE_COLUMNS, sample, strict=True):
            if value is not None:
                said[name] += 1
                last[name] = cell(value)
    expected = [Expected("records", count, len(rows))]
    for name in SAMPLE_COLUMNS:
        found = [row[name] for row in rows if row[name]]
        expected.append(Expected(f"values of {name}", said[name], len(found)))
        expected.append(Expected(f"last {name}", last.get(name), found[-1] if found else None))
    return compare(expected)
