"""Finished workouts from other programs' files, told by their content and not by their name."""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import Final

from rowlog.imports.packing import MOST_BYTES, unpacked
from rowlog.imports.workout import ImportFault, Workout, checked

__all__ = ["MOST_BYTES", "VERSION", "ImportFault", "read", "unpacked"]

MOST_LINES: Final = 1_000_000
MOST_CELLS: Final = 5_000_000
"""A row a second with thirty columns for two days."""

VERSION: Final = "10"
"""Of the readers; raised when one of them reads a file differently than before."""


def read(name: str, content: bytes) -> list[Workout]:
    """The workouts of a file, each checked. Raises ImportFault for what is none."""
    from rowlog.imports import fit, tcx

    if content[8:12] == b".FIT":
        found: list[Workout] | None = fit.read(name, content)
    elif b"<TrainingCenterDatabase" in content[:4000]:
        found = tcx.read(name, content)
    else:
        found = _read_text(name, _text(name, content))
    if not found:
        raise ImportFault(
            f"{name} is of no format that rowlog reads.", "See which: docs/formats.md"
        )
    return [checked(name, workout) for workout in found]


def _read_text(name: str, text: str) -> list[Workout] | None:
    """The workouts of a text file, by the first format that knows it as its own."""
    from rowlog.imports import boatcoach, logbook, painsled, rowpro, rr, speedcoach, stroke_csv

    text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    _bounded(name, text)
    for format_ in (logbook, rowpro, boatcoach, speedcoach, painsled, stroke_csv, rr):
        try:
            found: list[Workout] | None = format_.read(name, text)
        except csv.Error as error:
            raise ImportFault(f"{name} is no whole CSV: {error}.", "Export it again.") from error
        except _UNREADABLE as error:
            raise ImportFault(
                f"{name}: line {_breaks_at(format_.read, text)} holds what no "
                f"{format_.__name__.rpartition('.')[2].replace('_', ' ')} file does.",
                "Correct or remove that line, or export the file again.",
            ) from error
        if found is not None:
            return found
    return None


_UNREADABLE: Final = (ValueError, TypeError, OverflowError, LookupError, StopIteration)
"""What a reader raises for a cell that its format cannot have."""


def _breaks_at(read_: Callable[[str, str], object], text: str) -> int:
    """The first line with which a text can no longer be read, by halves; the first line is 1."""
    lines = text.splitlines(keepends=True)
    whole, broken = 0, len(lines)
    while broken - whole > 1:
        middle = (whole + broken) // 2
        try:
            read_("", "".join(lines[:middle]))
        except _UNREADABLE:
            broken = middle
        except (ImportFault, csv.Error):
            whole = middle  # that is another fault, of a text that breaks off
        else:
            whole = middle
    return broken


def _bounded(name: str, text: str) -> None:
    """Raise ImportFault for more lines and cells than a workout has, before they are parted."""
    if text.count("\n") > MOST_LINES or text.count(",") + text.count(";") > MOST_CELLS:
        raise ImportFault(
            f"{name} holds over {MOST_LINES} lines or {MOST_CELLS} cells, which no workout does.",
            "Name the file of one workout.",
        )


def _text(name: str, content: bytes) -> str:
    """A text file's text, whatever it is encoded in. Raises ImportFault for what is no text."""
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    encodings = ("utf-16",) if wide else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ImportFault(f"{name} is no text, FIT or TCX.", "See what is read: docs/formats.md")
