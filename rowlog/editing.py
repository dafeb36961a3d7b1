"""Changing stored sessions: notes, tags, whose they are; deleting, and undoing it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from rowlog.starts import FIRST_YEAR, LAST_YEAR
from rowlog.store import Store
from rowlog.store_edits import TAG_LENGTH, StoredChange
from rowlog.store_errors import no_database
from rowlog_drivers.clock import wall_now
from rowlog_drivers.errors import CallError

AHEAD: Final = timedelta(days=1)
"""So far may a session's start be ahead of this computer's clock, which may be wrong itself."""
_DAY: Final = "2019-03-02"


def edit_note(path: Path, session_id: int, note: str | None) -> None:
    """Put a note to a session; None or blank takes it away. Raises StoreError."""
    with open_store(path) as store:
        store.edit_note(session_id, note.strip() or None if note else None, wall_now())


def edit_tags(
    path: Path, session_id: int, add: Sequence[str], take: Sequence[str]
) -> tuple[str, ...]:
    """Add and take away tags; those that it has then. Raises CallError and StoreError."""
    for tag in add:
        if not tag.strip() or len(tag) > TAG_LENGTH or not tag.isprintable() or tag != tag.strip():
            raise CallError(
                f"{tag!r} is no tag.", f"Write up to {TAG_LENGTH} letters, as in race or technique."
            )
    with open_store(path) as store:
        return tuple(store.edit_tags(session_id, add, take, wall_now()))


def edit_athlete(path: Path, numbers: Sequence[int], athlete: str | None) -> None:
    """Say whose sessions are; None: nobody's. All or none; raises StoreError."""
    with open_store(path) as store:
        store.edit_athlete(numbers, athlete, wall_now())


def edit_start(path: Path, session_id: int, when: str) -> datetime:
    """Say when a session began; returns that. Raises CallError and StoreError.

    `when` is a date and a time of ISO 8601, of this place where it says no zone.
    """
    try:
        at = datetime.fromisoformat(when.strip())
    except ValueError:
        at = None
    if at is not None and not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise CallError(
            f"Nobody recorded a session in {at.year}.",
            f"Years from {FIRST_YEAR} to {LAST_YEAR} are taken.",
        )
    if at is None or len(when.strip()) <= len(_DAY):
        raise CallError(f"{when[:40]!r} is no date with a time.", "Write it as 2019-03-02T18:05.")
    at = at if at.tzinfo is not None else at.astimezone()
    if at > wall_now() + AHEAD:
        raise CallError(
            f"{when.strip()} is still to come: no session began then.",
            "Name a date and time that has been.",
        )
    with open_store(path) as store:
        store.edit_start(session_id, at, wall_now())
    return at


def delete_sessions(path: Path, numbers: Sequence[int]) -> None:
    """Take sessions out of every list and sum until that is undone, all or none; or StoreError."""
    with open_store(path) as store:
        store.delete_sessions(numbers, wall_now())


def purge_session(path: Path, session_id: int) -> None:
    """Take a deleted session out of the file for good. Raises StoreError."""
    with open_store(path) as store:
        store.purge_session(session_id)


def undo(path: Path, number: int | None) -> StoredChange:
    """Undo a change, None: the latest that stands; returns it. Raises StoreError."""
    with open_store(path) as store:
        return store.undo_change(number, wall_now())


def open_store(path: Path) -> Store:
    """The database for writing; one that is not there is not made. Raises StoreError."""
    if not path.expanduser().is_file():
        raise no_database(path)
    return Store.open_writer(path)
