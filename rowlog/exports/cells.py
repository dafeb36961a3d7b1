"""CSV tables: written so that no cell can become a formula, read back with the csv module."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")


def cell(value: object) -> str:
    """A value as the text of a cell: numbers in full precision, None empty, text harmless.

    Text that a spreadsheet would take for a formula gets an apostrophe in front of it.
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, str):
        text = value.replace("\0", "")
        return f"'{text}" if text.startswith(_FORMULA) else text
    if isinstance(value, tuple):
        return " ".join(map(cell, value))
    return str(value)


def write_table(out: BinaryIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows in UTF-8."""
    text = TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(value) for value in row] for row in rows)
    text.flush()
    text.detach()


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of a file that was written here, by column."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    """What a cell says; None for an empty one."""
    return float(text) if text else None


def total(rows: Iterable[dict[str, str]], column: str) -> float:
    """The sum of a column's numbers."""
    return sum(float(row[column]) for row in rows if row[column])
