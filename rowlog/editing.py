"""Changing stored sessions: notes, tags, whose they are; deleting, merging, and undoing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from heapq import merge as merged_in_order
from pathlib import Path
from typing import Final

from rowlog.notation import parse
from rowlog.replaying import record_frames
from rowlog.store import Store
from rowlog.store_edits import TAG_LENGTH, StoredChange
from rowlog.store_errors import no_database
from rowlog.store_read import Reader, StoredSession, open_reader
from rowlog_drivers.clock import wall_now
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame, FramesHeader, SourceHeader

OF_THE_FILE: Final = ("lap", "totals")
"""Channels of an imported file's frames that tell of the whole of it."""
LONGEST_NS: Final = 24 * 3600 * 10**9
"""What lies further apart than this is no one session."""


def edit_note(path: Path, session_id: int, note: str | None) -> None:
    """Put a note to a session; None or blank takes it away. Raises StoreError."""
    with _open(path) as store:
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
    with _open(path) as store:
        return tuple(store.edit_tags(session_id, add, take, wall_now()))


def edit_athlete(path: Path, numbers: Sequence[int], athlete: str | None) -> None:
    """Say whose sessions are; None: nobody's. All or none; raises StoreError."""
    with _open(path) as store:
        store.edit_athlete(numbers, athlete, wall_now())


def delete_sessions(path: Path, numbers: Sequence[int]) -> None:
    """Take sessions out of every list and sum until that is undone, all or none; or StoreError."""
    with _open(path) as store:
        store.delete_sessions(numbers, wall_now())


def purge_session(path: Path, session_id: int) -> None:
    """Take a deleted session out of the file for good. Raises StoreError."""
    with _open(path) as store:
        store.purge_session(session_id)


def undo(path: Path, number: int | None) -> StoredChange:
    """Undo a change, None: the latest that stands; returns it. Raises StoreError."""
    with _open(path) as store:
        return store.undo_change(number, wall_now())


def merge_sessions(path: Path, numbers: Sequence[int], *, plan: str | None = None) -> int:
    """Make one session of several, by the wall time at which each began; returns its number.

    Their frames go through the recording path again, in order of time, so that a strap recorded
    apart belongs to the rowing it was worn for, and a session that was broken off goes on. The
    parts go out of sight; undoing it brings them back.

    Args:
        path: the database.
        numbers: two sessions at least.
        plan: interval text; None: the plan that they have, the first where they differ.

    Raises CallError for what cannot be one session, and StoreError.
    """
    if len(set(numbers)) < 2:
        raise CallError("Merging takes two sessions at least.", "Name them by their numbers.")
    with _open(path) as store, open_reader(path) as reader:
        parts = sorted(
            (reader.session(number) for number in dict.fromkeys(numbers)),
            key=lambda session: session.started_at,
        )
        there = set(store.closed_sessions(deleted=False))
        offsets = _offsets(parts)
        for session in parts:
            if session.id not in there:
                raise CallError(
                    f"Session {session.id} is deleted, or not closed.",
                    "See what there is: rowlog sessions",
                )
            if not reader.frame_count(session.id):
                raise CallError(
                    f"Session {session.id} has no frames, so it cannot be merged.",
                    "Only sessions that were recorded or replayed can.",
                )
    if plan is None:
        plan = next((session.plan for session in parts if session.plan is not None), None)
    names = _names(parts, offsets)
    first = parts[0]
    header = FramesHeader(
        sources=tuple(
            {
                source.name: source
                for session in parts
                for source in _renamed(session, names[session.id])
            }.values()
        ),
        started_at=first.started_at,
        end_ns=max(
            (session.end_ns or 0) + offset for session, offset in zip(parts, offsets, strict=True)
        ),
        note=" ".join(session.note for session in parts if session.note) or None,
        origin=next((session.origin for session in parts if session.origin), None),
        licence=next((session.licence for session in parts if session.licence), None),
    )
    with open_reader(path) as reader:
        streams = [
            _moved(reader, session.id, offset, names[session.id])
            for session, offset in zip(parts, offsets, strict=True)
        ]
        frames = list(merged_in_order(*streams, key=lambda frame: frame.t_ns))
    into = record_frames(
        frames,
        header,
        path,
        plan=parse(plan) if plan is not None else None,
        athlete=next((session.athlete for session in parts if session.athlete), None),
        origin=header.origin,
    )
    with _open(path) as store:
        moved = [(session.id, offset) for session, offset in zip(parts, offsets, strict=True)]
        store.put_merged(into, moved, wall_now())
    return into


def _open(path: Path) -> Store:
    """The database for writing; one that is not there is not made. Raises StoreError."""
    if not path.expanduser().is_file():
        raise no_database(path)
    return Store.open_writer(path)


def _offsets(parts: Sequence[StoredSession]) -> list[int]:
    """By how many nanoseconds each begins later than the first.

    The only place where two wall times are compared: sessions have no other clock in common.
    """
    first = parts[0].started_at
    offsets = [
        round((session.started_at - first).total_seconds() * 1_000_000) * 1000 for session in parts
    ]
    for session, offset in zip(parts, offsets, strict=True):
        if offset + (session.end_ns or 0) > LONGEST_NS:
            raise CallError(
                f"Session {session.id} ends more than a day after session {parts[0].id} began.",
                "Only what belongs to one day can be one session.",
            )
    return offsets


def _names(parts: Sequence[StoredSession], offsets: Sequence[int]) -> dict[int, dict[str, str]]:
    """What each session's sources are called in the merged one.

    A device that goes on after the earlier part has ended keeps its name; another one of the same
    name, or one that was recorded twice at a time, gets a number.
    """
    taken: dict[str, tuple[SourceHeader, int]] = {}
    names: dict[int, dict[str, str]] = {}
    for session, offset in zip(parts, offsets, strict=True):
        given: dict[str, str] = {}
        for source in session.sources:
            name, count = source.name, 1
            while (before := taken.get(name)) is not None and not (
                before[0].driver == source.driver
                and before[0].options == source.options
                and before[1] <= offset
            ):
                count += 1
                name = f"{source.name}{count}"
            given[source.name] = name
        for source in session.sources:
            taken[given[source.name]] = (source.header, offset + (session.end_ns or 0))
        names[session.id] = given
    return names


def _renamed(session: StoredSession, names: dict[str, str]) -> list[SourceHeader]:
    return [replace(source.header, name=names[source.name]) for source in session.sources]


def _moved(reader: Reader, session_id: int, offset: int, names: dict[str, str]) -> Iterator[Frame]:
    for frame in reader.read_frames(session_id):
        if frame.channel in OF_THE_FILE:  # it is of that file's workout, not of both together
            continue
        name = names.get(frame.source, frame.source)
        yield replace(frame, t_ns=frame.t_ns + offset, source=name)
