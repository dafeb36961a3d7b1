"""The library of workouts: those that rowlog knows, and the user's own in a file."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from rowlog.notation import NotationError, parse
from rowlog.plan import Plan
from rowlog.workouts_known import KNOWN, Workout
from rowlog_drivers.errors import CallError

__all__ = ["OWN_GROUP", "Fault", "Library", "Workout", "library", "own_file", "plan_of"]

OWN_NAME: Final = "workouts.toml"
"""The user's file, in the folder of the database."""
OWN_GROUP: Final = "Your own"
MAX_BYTES: Final = 1_000_000
_KEYS: Final = ("plan", "about", "group")
_HEADER: Final = re.compile(r"^[ \t]*\[[ \t]*([^\[\]]+?)[ \t]*\][ \t]*(?:#.*)?$")
_NAME: Final = re.compile(r"[^\W_](?:[\w.+-]*\w)?")
_AT_LINE: Final = re.compile(r" *\(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """An entry of the user's file that cannot be used, in words."""

    line: int
    """From 1; 0 for the file as a whole."""
    key: str | None
    """What it is about, as `tuesday.plan`; None for the file as a whole."""
    text: str

    def names(self, name: str) -> bool:
        """Whether it is about the entry of this name."""
        return self.key is not None and self.key.split(".")[0].casefold() == name.casefold()

    def __str__(self) -> str:
        where = f"line {self.line}, " if self.line else ""
        return f"{where}{self.key}: {self.text}" if self.key else f"{where}{self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All workouts there are to choose from, the user's own first."""

    workouts: tuple[Workout, ...]
    own_file: Path
    """Where the user's own stand, whether there is such a file or not."""
    faults: tuple[Fault, ...] = ()
    """What in that file cannot be used; the other entries can."""

    def find(self, name: str) -> Workout | None:
        """The workout of this name, in any case; the user's own before a known one."""
        wanted = name.strip().casefold()
        return next((w for w in self.workouts if w.name.casefold() == wanted), None)

    def like(self, name: str) -> list[str]:
        """Names that are almost this one."""
        return get_close_matches(name.casefold(), [w.name for w in self.workouts], 3)


def own_file(database: Path) -> Path:
    """The file of the user's own workouts that belongs to a database."""
    return database.expanduser().absolute().parent / OWN_NAME


def library(database: Path) -> Library:
    """The workouts to choose from beside a database, which need not exist."""
    file = own_file(database)
    own: tuple[Workout, ...] = ()
    faults: tuple[Fault, ...] = ()
    try:
        if file.exists():
            if file.stat().st_size > MAX_BYTES:
                raise OSError(0, f"it is larger than {MAX_BYTES // 1000} kB")
            own, faults = read_own(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        faults = (Fault(line=0, key=None, text=f"it is not UTF-8 text (byte {error.start + 1})"),)
    except OSError as error:
        faults = (Fault(line=0, key=None, text=f"it cannot be read: {error.strerror or error}"),)
    names = {workout.name.casefold() for workout in own}
    known = tuple(workout for workout in KNOWN if workout.name.casefold() not in names)
    return Library(workouts=(*own, *known), own_file=file, faults=faults)


def plan_of(text: str, database: Path) -> Plan:
    """The plan that a call names: interval text, or a workout of the library by its name.

    Raises NotationError for text that is neither, CallError for an entry of the user's that
    cannot be used, or for what looks like a misspelt name.
    """
    try:
        return parse(text)
    except NotationError as error:
        books = library(database)
        found = books.find(text)
        if found is not None:
            return parse(found.plan)
        for fault in books.faults:
            if fault.names(text):
                raise CallError(f"{books.own_file}, {fault}.", "Mend that entry.") from None
        near = books.like(text)
        if near and error.position == 0 and _NAME.fullmatch(text):
            raise CallError(
                f"{text!r} is neither a plan nor the name of a workout.",
                f"Did you mean {' or '.join(near)}? All of them lists: rowlog workouts",
            ) from None
        raise


def read_own(text: str) -> tuple[tuple[Workout, ...], tuple[Fault, ...]]:
    """The workouts of a TOML text, and what in it cannot be used.

    One table a workout, `plan` in it and perhaps `about` and `group`. A table that is no TOML
    hides no other: each then is read by itself.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    try:
        tables = [(dict(tomllib.loads(text)), 0, len(lines))]
        faults: list[Fault] = []
    except tomllib.TOMLDecodeError:
        tables, faults = _apart(lines)
    found: dict[str, Workout] = {}
    for entries, first, last in tables:
        for name, entry in entries.items():
            line = _line_of(lines, name, None, first, last)
            workout = _entry(name, entry, lines, line, last)
            if isinstance(workout, Fault):
                faults.append(workout)
            elif name.casefold() in found:
                faults.append(Fault(line=line, key=name, text="this name stands twice"))
            else:
                found[name.casefold()] = workout
    faults.sort(key=lambda fault: fault.line)
    return tuple(found.values()), tuple(faults)


def _apart(lines: list[str]) -> tuple[list[tuple[dict[str, Any], int, int]], list[Fault]]:
    """Each table of a text that is no TOML as a whole, read by itself: (its content, lines)."""
    starts = [place for place, line in enumerate(lines) if _HEADER.match(line)]
    ends = [*starts[1:], len(lines)] if starts else []
    bounds = list(zip(starts, ends, strict=True))
    if not starts or any(line.strip() for line in lines[: starts[0]]):
        bounds.insert(0, (0, starts[0] if starts else len(lines)))
    tables: list[tuple[dict[str, Any], int, int]] = []
    faults: list[Fault] = []
    for first, last in bounds:
        try:
            tables.append((tomllib.loads("\n".join(lines[first:last])), first, last))
        except tomllib.TOMLDecodeError as error:
            said = str(error)
            at = _AT_LINE.search(said)
            line = first + int(at[1]) if at and at[1] else last
            header = _HEADER.match(lines[first])
            what = _AT_LINE.sub("", said).strip()
            faults.append(
                Fault(
                    line=min(line, max(last, 1)),
                    key=_bare(header[1]) if header else None,
                    text=f"this is no TOML ({what[:1].lower()}{what[1:]})",
                )
            )
    return tables, faults


def _entry(name: str, entry: object, lines: list[str], line: int, last: int) -> Workout | Fault:
    def fault(key: str | None, text: str) -> Fault:
        at = line if key is None else _line_of(lines, name, key, max(line - 1, 0), last)
        return Fault(line=at, key=name if key is None else f"{name}.{key}", text=text)

    if not isinstance(entry, dict):
        return fault(None, "a workout is a table: write [name] on a line, and plan = below it")
    if not _NAME.fullmatch(name):
        return fault(None, "a name has letters, digits and hyphens, and no blanks")
    for key, value in entry.items():
        if key not in _KEYS:
            return fault(key, f"there is no such key; there are {', '.join(_KEYS)}")
        if not isinstance(value, str):
            return fault(key, "this is to be text in quotation marks")
    if "plan" not in entry:
        return fault(None, "plan is missing")
    try:
        plan = parse(entry["plan"])
    except NotationError as error:
        said = error.expected.rstrip(".")
        return fault("plan", f"character {error.position + 1} of {entry['plan']!r}: {said}")
    try:
        named = parse(name)
    except NotationError:
        named = plan
    if named.text != plan.text:
        return fault(None, "this name is itself another plan; choose another name")
    return Workout(
        name=name,
        group=entry.get("group", OWN_GROUP),
        plan=entry["plan"],
        about=entry.get("about", ""),
    )


def _bare(name: str) -> str:
    return name.strip().strip("\"'")


def _line_of(lines: list[str], name: str, key: str | None, first: int, last: int) -> int:
    """The line, from 1, of a table's header, or of a key below it; the first where it hides."""
    if key is None:
        heads: list[tuple[int, str]] = []
        words: list[tuple[int, str]] = []
        for place in range(first, last):
            header = _HEADER.match(lines[place])
            if header:
                heads.append((place, _bare(header[1])))
                heads.append((place, _bare(header[1].split(".")[0])))  # [name.key]
            else:
                words.append((place, _bare(lines[place].split("=")[0].split(".")[0])))
        return next((place + 1 for place, word in heads + words if word == name), first + 1)
    for place in range(first, last):
        header = _HEADER.match(lines[place])
        if header and _bare(header[1].split(".")[-1]) == key:
            return place + 1
        if place > first and header:
            break
        if _bare(lines[place].split("=")[0].split(".")[-1]) == key:
            return place + 1
    return first + 1
