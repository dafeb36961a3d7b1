"""Stored frames through the same buffer and pipeline: the derived rows, made anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from rowlog.derivation import Derivation
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.plan import Plan
from rowlog.store import Store
from rowlog.store_errors import DamagedError, no_database
from rowlog.store_kept_many import computed
from rowlog.store_read import StoredSession, open_reader
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.device import Decoding
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame

BATCH_FRAMES = 1000


def derive(
    frames: Iterable[Frame], decoding: Decoding, plan: Plan | None, end_ns: int | None
) -> Iterator[tuple[tuple[Fact, ...], SessionTotals | None]]:
    """The facts of stored frames, in batches; the last one comes with the session's totals.

    `end_ns` is the session's last instant; None: that of its last frame.
    """
    derivation = Derivation(plan)
    last_ns = 0
    batch = []
    for frame in frames:
        batch.append(decoding.deliver(frame))
        last_ns = frame.t_ns
        if len(batch) >= BATCH_FRAMES:
            yield derivation.take(batch).facts, None
            batch = []
    yield derivation.take(batch).facts, None
    end_ns = last_ns if end_ns is None else max(end_ns, last_ns)
    derived, totals = derivation.finish(end_ns, decoding.finish(end_ns))
    yield derived.facts, totals


def rebuild(database: Path, numbers: Sequence[int] | None = None) -> list[int]:
    """Make the derived rows of closed sessions anew; returns the sessions' numbers.

    `numbers` None: all of them. Each session is replaced as a whole or not at all. Sessions that
    a crash left open are closed as recovered on the way. Raises StoreError.
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
            facts, totals = _derived(store, session)
            store.replace_derived(session.id, facts, totals)
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
            facts, totals = _derived(store, session)
        except (CallError, DamagedError):
            continue
        store.replace_derived(number, facts, totals)
        store.close_session(
            number,
            end_ns=last_ns,
            ended_at=session.started_at + timedelta(microseconds=last_ns // 1000),
            totals=totals,
            state="recovered",
        )
        recovered.append(number)
    return recovered


def _derived(store: Store, session: StoredSession) -> tuple[list[Fact], SessionTotals]:
    plan = parse(session.plan) if session.plan is not None else None
    decoding = make_decoding(source.header for source in session.sources)
    facts: list[Fact] = []
    totals: SessionTotals | None = None
    frames = store.read_frames(session.id)
    for batch, found in derive(frames, decoding, plan, session.end_ns):
        facts += batch
        totals = found
    if totals is None:
        raise AssertionError("derive ends with the totals")
    return facts, totals
