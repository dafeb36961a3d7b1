"""Stored frames through the same buffer and pipeline: the derived rows, made anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from rowlog.segments import Segment
from rowlog.spilling import take_in
from rowlog.store import Store
from rowlog.store_errors import DamagedError, no_database
from rowlog.store_kept_many import computed
from rowlog.store_read import Segmentation, StoredSession, open_reader
from rowlog.store_whole import Original, Whole
from rowlog.structuring import Recording
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.errors import CallError


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """An imported session whose file is not read any more: it stays as it was read."""

    session_id: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What was made anew."""

    sessions: tuple[int, ...]
    """The numbers of all, those of `unread` too, whose stored frames served."""
    read_again: tuple[int, ...]
    """Imported ones whose file is read differently today than it was."""
    unread: tuple[Unread, ...]


def rebuild(database: Path, numbers: Sequence[int] | None = None) -> Rebuilt:
    """Make the derived rows of closed sessions anew.

    `numbers` None: all of them. Each session is replaced as a whole or not at all, and cut anew in
    every way in which it was cut. The kept bytes of an imported one are read again, and what they
    are read as today takes its place. Sessions that a crash left open are closed as recovered on
    the way. Raises StoreError.
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
        renewed: list[int] = []
        unread: list[Unread] = []
        for session in sessions:
            kept = store.original_of(session.id)
            whole, why = (None, None) if kept is None else _read_again(store, session, *kept)
            cut_anew(store, session, whole, imported=kept is not None)
            if whole is not None:
                renewed.append(session.id)
            if why is not None:
                unread.append(Unread(session_id=session.id, why=why))
    return Rebuilt(
        sessions=tuple(session.id for session in sessions),
        read_again=tuple(renewed),
        unread=tuple(unread),
    )


def _read_again(
    store: Store, session: StoredSession, original: Original, place: int
) -> tuple[Whole | None, str | None]:
    """An imported session as its file is read today, and why that cannot be.

    `place` is which of the sessions of its bytes it is, from 0. None for what is read as it was.
    """
    from rowlog.importing_sessions import FAULTS, FRAMES, again
    from rowlog.imports import VERSION

    if original.importer == FRAMES:  # a recording: its frames are stored as they are
        return None, None
    try:
        whole = again(original, place, session.ended_at or session.started_at)
    except FAULTS as error:
        return None, str(error)
    store.read_by(session.id, VERSION)
    same = (
        session.start_from in (whole.start_from, "user")
        and whole.plan == session.plan
        and whole.frames == tuple(store.read_frames(session.id))
    )
    return None if same else whole, None


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


def recover(store: Store, but: int | None = None) -> list[int]:
    """Close the sessions that were left open, as recovered; returns their numbers.

    What was spilled of them to another folder is taken in first. `but` is the one that goes on;
    None: none does. What this very writer records is not among them, so call it before a session
    begins. One that cannot be understood (by a driver that is not installed, or damaged) stays open
    and keeps its frames; it never stands in the way of the next recording.
    """
    take_in(store)
    recovered: list[int] = []
    for number in store.open_sessions():
        if number == but:
            continue
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


def cut_anew(
    store: Store,
    session: StoredSession,
    renewed: Whole | None = None,
    *,
    imported: bool = False,
) -> None:
    """Derive a session's rows from its frames, in every way in which it was cut.

    `renewed` is an imported one as its file is read today, which takes the place of its frames,
    and whose plan, or none, that of the session. An imported one that nobody planned is cut as
    an import cuts it: as its file tells, else by what it looks like.
    """
    recording = recording_of(store, session)
    plan = session.plan
    if renewed is not None:
        frames, plan = renewed.frames, renewed.plan
        recording = replace(recording, frames=lambda: frames, end_ns=renewed.end_ns)
    with open_reader(store.path) as reader:
        ways = reader.segmentations(session.id)
    shown = next((way for way in ways if way.is_default), None)
    if shown is None:
        made = recording.cut("auto" if plan is None else "plan", plan)
        store.replace_derived(
            session.id, made.facts, made.totals, renewed=renewed, relayed=made.relayed
        )
        return
    if plan != session.plan:
        ways = [_planned(way, session.plan, plan) for way in ways]
        shown = next(way for way in ways if way.is_default)
    ways_told = any(way.origin == "device" and way is not shown for way in ways)
    if plan is None and (
        session.totals is None or (imported and shown.origin == "auto" and not ways_told)
    ):
        made, _ = recording.unplanned()
    else:
        made = recording.cut(shown.origin, shown.text)
    store.replace_derived(
        session.id,
        made.facts,
        made.totals,
        segmentation_id=shown.id,
        told=(made.text, made.confidence),
        renewed=renewed,
        relayed=made.relayed,
    )
    for way in ways:
        if way is not shown:
            _cut_beside(store, session, recording, way)


def _planned(way: Segmentation, was: str | None, plan: str | None) -> Segmentation:
    """A way to cut a session under the plan that its file is read as having today."""
    if (way.origin == "plan" and way.text == was) or (
        was is None and way.origin in ("auto", "device") and way.is_default
    ):
        return replace(way, origin="auto" if plan is None else "plan", text=plan)
    return way


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
            relayed=made.relayed,
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
