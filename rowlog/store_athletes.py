"""Athletes and the history of their values, in the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

from rowlog.athlete import Change
from rowlog.schema import open_for_reading
from rowlog.store_errors import NoDatabaseError, SchemaError, translated
from rowlog_drivers.errors import CallError


class StoredAthlete(NamedTuple):
    """One athlete with all that was ever known."""

    name: str
    changes: tuple[Change, ...]
    """In order of quantity and date."""
    sessions: int
    last_started_at: str | None


def changes_of(db: sqlite3.Connection, athlete_id: int | None) -> list[Change]:
    """An athlete's values; none for nobody."""
    if athlete_id is None:
        return []
    rows = db.execute(
        "SELECT quantity, since, value FROM athlete_values WHERE athlete_id = ? "
        "ORDER BY quantity, since",
        (athlete_id,),
    )
    return [Change(*row) for row in rows]


def athlete_id_of(db: sqlite3.Connection, name: str) -> int:
    """The number of the athlete of that name. Raises CallError when there is none."""
    row = db.execute("SELECT id FROM athletes WHERE name = ?", (spelled(db, name),)).fetchone()
    if row is None:
        raise no_athlete(db, name)
    number: int = row[0]
    return number


def spelled(db: sqlite3.Connection, name: str) -> str:
    """The name of the athlete that is meant: as given, or as the one athlete spells it that differs
    only in capitals, blanks or how its letters are encoded.
    """
    names = [row[0] for row in db.execute("SELECT name FROM athletes ORDER BY name")]
    alike = [there for there in names if _plain(there) == _plain(name)]
    return name if name in names or len(alike) != 1 else alike[0]


def spelled_in(path: Path, name: str) -> str:
    """`spelled` of the database at `path`; as given where there is none, or an older one."""
    try:
        db, path = open_for_reading(path)
    except (NoDatabaseError, SchemaError):
        return name
    try:
        with translated(path):
            return spelled(db, name)
    finally:
        db.close()


def _plain(name: str) -> str:
    return " ".join(normalize("NFKC", name).casefold().split())


def no_athlete(db: sqlite3.Connection, name: str) -> CallError:
    """That there is none of that name, and which there are."""
    names = [row[0] for row in db.execute("SELECT name FROM athletes ORDER BY name")]
    there = f"There is: {', '.join(names)}." if names else "There is none yet."
    made = f'"{name}"' if name.strip() else "NAME"
    return CallError(
        f"No athlete is called {name!r}. {there}", f"Make one with: rowlog athlete add {made}"
    )


def put_changes(
    db: sqlite3.Connection, athlete_id: int, changes: Sequence[Change], taken: Sequence[str] = ()
) -> None:
    """Put values in the place of those of the same date; `taken` are quantities to forget."""
    db.executemany(
        "DELETE FROM athlete_values WHERE athlete_id = ? AND quantity = ?",
        [(athlete_id, quantity) for quantity in taken],
    )
    db.executemany(
        "INSERT OR REPLACE INTO athlete_values (athlete_id, quantity, since, value) "
        "VALUES (?, ?, ?, ?)",
        [(athlete_id, *change) for change in changes],
    )


def only_athlete(path: Path) -> str | None:
    """The athlete that is meant where none is named: the only one; None where there are others.

    None too where there is no database yet, or an older one. Raises StoreError for another's file.
    """
    try:
        athletes = read_athletes(path)
    except (NoDatabaseError, SchemaError):
        return None
    return athletes[0].name if len(athletes) == 1 else None


def read_athletes(path: Path) -> list[StoredAthlete]:
    """All athletes by name. Raises StoreError."""
    db, path = open_for_reading(path)
    try:
        with translated(path):
            rows = db.execute(
                "SELECT athletes.id, name, count(sessions.id), max(started_at) FROM athletes "
                "LEFT JOIN sessions ON athlete_id = athletes.id GROUP BY athletes.id ORDER BY name"
            ).fetchall()
            return [
                StoredAthlete(name, tuple(changes_of(db, number)), sessions, last)
                for number, name, sessions, last in rows
            ]
    finally:
        db.close()
