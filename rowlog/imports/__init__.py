"""Finished workouts from other programs' files, told by their content and not by their name."""

from __future__ import annotations

import csv
from typing import Final

from rowlog.imports.packing import MOST_BYTES, still_packed, unpacked
from rowlog.imports.workout import (
    MOST_BEATS,
    MOST_POINTS,
    ImportFault,
    Workout,
    bounded,
    checked,
)

__all__ = ["MOST_BYTES", "VERSION", "ImportFault", "read", "unpacked"]

SPARE: Final = 200
"""Lines that a file may have above and below its rows."""
MOST_CELLS: Final = 6_000_000
"""A row a second with thirty columns for two days."""

SQLITE: Final = b"SQLite format 3\0"
"""How a database begins ("Database File Format", https://sqlite.org/fileformat2.html, 1.3.1)."""
WHAT_IS_READ: Final = "What is read, says: rowlog import --help"
VERSION: Final = "13"
"""Of the readers; raised when one of them reads a file differently than before."""


def read(name: str, content: bytes) -> list[Workout]:
    """The workouts of a file, each checked. Raises ImportFault for what is none."""
    from rowlog.imports import fit, tcx

    if not content.strip(b"\0 \t\r\n"):
        raise ImportFault(f"{name} is empty.", "Copy or export it again.")
    if content.startswith(SQLITE):
        raise database(name)
    if content[8:12] == b".FIT":
        found: list[Workout] | None = fit.read(name, content)
    elif tcx.is_tcx(content):
        found = tcx.read(name, content)
    else:
        found = _read_text(name, _text(name, content))
    if not found:
        raise ImportFault(f"{name} is of no format that rowlog reads.", WHAT_IS_READ)
    return [checked(name, workout) for workout in found]


def database(name: str) -> ImportFault:
    """Why a file that begins as `SQLITE` is not taken in."""
    return ImportFault(
        f"{name} is a database, not a workout's file.",
        "If it is one of rowlog's, look into it with: rowlog sessions --db FILE",
    )


def _read_text(name: str, text: str) -> list[Workout] | None:
    """The workouts of a text file, by the first format that knows it as its own."""
    from rowlog.imports import (
        boatcoach,
        logbook,
        painsled,
        rowpro,
        rr,
        speedcoach,
        stroke_csv,
        tables,
    )

    text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    _bounded(name, text)
    for format_ in (logbook, rowpro, boatcoach, speedcoach, painsled, tables, stroke_csv, rr):
        try:
            found: list[Workout] | None = format_.read(name, text)
        except csv.Error as error:
            _check_quotes(name, text)
            raise ImportFault(
                f"{name} holds a cell of more than {csv.field_size_limit():,} characters.",
                "Correct it, or export the file again.",
            ) from error
        if found is not None:
            if format_ is not logbook:  # in which somebody may write on in another line
                _check_quotes(name, text)
            return found
    return None


def _check_quotes(name: str, text: str) -> None:
    """Raise ImportFault for a quote that is not closed in its line, and so takes in others."""
    if '"' not in text:
        return
    for number, line in enumerate(text.split("\n"), 1):
        if line.count('"') % 2 and not line.startswith("#"):
            raise ImportFault(
                f"{name}: line {number} opens a quote that it does not close.",
                "Correct that line, or export the file again.",
            )


def _bounded(name: str, text: str) -> None:
    """Raise ImportFault for more lines and cells than a workout has, before they are parted."""
    lines, cells = text.count("\n") + 1, text.count(",") + text.count(";")
    bare = 2 * cells < lines  # a heartbeat a line
    bounded(name, "lines", lines, MOST_BEATS + SPARE if bare else MOST_POINTS + SPARE)
    bounded(name, "cells", cells, MOST_CELLS)


def _text(name: str, content: bytes) -> str:
    """A text file's text, whatever it is encoded in. Raises ImportFault for what is no text."""
    packed = still_packed(name, content)
    if packed is not None:
        raise packed
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    encodings = ("utf-16",) if wide else ("utf-8-sig", "cp1252")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
        place = text.count("\n", 0, text.index("\0")) + 1
        raise ImportFault(
            f"{name} is no text that can be read: line {place} holds a NUL character.",
            f"If it is a CSV, save it as UTF-8. {WHAT_IS_READ}",
        )
    raise ImportFault(
        f"{name} is neither FIT nor a text in UTF-8, Windows-1252 or UTF-16.",
        f"If it is a CSV, save it as UTF-8. {WHAT_IS_READ}",
    )
