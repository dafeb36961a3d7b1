"""Stored frames through the same buffer and pipeline: the derived rows, made anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from rowlog.segments import Segment
from rowlog.store import Store
from rowlog.store_errors import DamagedError, no_database
from rowlog.store_kept_many import computed
from rowlog.store_read import Segmentation, StoredSession, open_reader
from rowlog.structuring import Recording
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.errors import CallError


def rebuild(database: Path, numbers: Sequence[int] | None = None) -> list[int]:
    """Make the derived rows of closed sessions anew; returns the sessions' numbers.

    `numbers` None: all of them. Each session is replaced as a whole or not at all, and cut anew in
    every way in which it was cut. Sessions that a crash left open are closed as recovered on the
    way. Raises StoreError.
    """
    if not database.expanduser().is_file():
        raise no_database(database)
    with Store.open_writer(database) as store:
        recover(store)
        with open_reader(database) as reader:
            sessions = [
                session
                for session in reversed(reader.sessions())
                if numbers is None or session.id in numbers
            ]
        for session in sessions:
            cut_anew(store, session)
    return [session.id for session in sessions]


def rebuild_kept(database: Path, numbers: Sequence[int] | None = None) -> int:
    """Compute anew what is kept of closed sessions, from their stored rows; how many there are.

    `numbers` None: all of them. On as many cores as there are, each reading for itself; one writes.
    Raises StoreError.
    """
    if not database.expanduser().is_file():
        raise no_database(database)
    with Store.open_writer(database) as store:
        wanted = [
            number for number in store.closed_sessions() if numbers is None or number in numbers
        ]
        return store.keep_all(computed(store.path, wanted))


def recover(store: Store) -> list[int]:
    """Close the sessions that were left open, as recovered; returns their numbers.

    What this very writer records is not among them, so call it before a session begins. One that
    cannot be understood (by a driver that is not installed, or damaged) stays open and keeps its
    frames; it never stands in the way of the next recording.
    """
    recovered: list[int] = []
    for number in store.open_sessions():
        store.resume_session(number)
        try:
            with open_reader(store.path) as reader:
                session = reader.session(number)
                last_ns = reader.last_ns(number) or 0
            cut_anew(store, session)
        except (CallError, DamagedError):
            continue
        with open_reader(store.path) as reader:
            totals = reader.session(number).totals
        if totals is None:
            raise AssertionError("cutting a session stores its totals")
        store.close_session(
            number,
            end_ns=last_ns,
            ended_at=session.started_at + timedelta(microseconds=last_ns // 1000),
            totals=totals,
            state="recovered",
        )
        recovered.append(number)
    return recovered


def recording_of(store: Store, session: StoredSession) -> Recording:
    """A stored session's frames and how they are decoded."""
    return Recording(
        frames=lambda: store.read_frames(session.id),
        decoding=lambda: make_decoding(source.header for source in session.sources),
        end_ns=session.end_ns,
    )


def cut_anew(store: Store, session: StoredSession) -> None:
    """Derive a session's rows from its frames, in every way in which it was cut."""
    recording = recording_of(store, session)
    with open_reader(store.path) as reader:
        ways = reader.segmentations(session.id)
    shown = next((way for way in ways if way.is_default), None)
    if shown is None:
        made = recording.cut("auto" if session.plan is None else "plan", session.plan)
        store.replace_derived(session.id, made.facts, made.totals)
        return
    if session.totals is None and session.plan is None:
        made, _ = recording.unplanned()
    else:
        made = recording.cut(shown.origin, shown.text)
    store.replace_derived(
        session.id,
        made.facts,
        made.totals,
        segmentation_id=shown.id,
        told=(made.text, made.confidence),
    )
    for way in ways:
        if way is not shown:
            _cut_beside(store, session, recording, way)


def structure_unplanned(store: Store, session_id: int) -> None:
    """Cut a session that was just closed, and that nobody planned, by what it looks like.

    Nothing is done where it looks like one piece. Raises RowlogError, and then has changed nothing.
    """
    with open_reader(store.path) as reader:
        session = reader.session(session_id)
    made = recording_of(store, session).cut("auto", None)
    if any(isinstance(fact, Segment) and fact.piece is not None for fact in made.facts):
        store.put_segmentation(
            session_id,
            "auto",
            made.text,
            made.facts,
            confidence=made.confidence,
            totals=made.totals,
        )


def rebuild_one(store: Store, session_id: int) -> None:
    """Derive the rows of a session anew that this writer has just closed. Raises RowlogError."""
    with open_reader(store.path) as reader:
        session = reader.session(session_id)
    cut_anew(store, session)


def _cut_beside(
    store: Store, session: StoredSession, recording: Recording, way: Segmentation
) -> None:
    try:
        made = recording.cut(way.origin, way.text)
    except CallError:  # what the machine told is not understood any more: as it was, then
        return
    store.put_segmentation(
        session.id, way.origin, made.text, made.facts, confidence=made.confidence
    )
