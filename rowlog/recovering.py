"""A damaged database: out of the way of the next recording, and what can be read brought back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from rowlog.rebuild import cut_anew
from rowlog.spilling import take_in
from rowlog.store import Store
from rowlog.store_check import check
from rowlog.store_damage import SetAside, damaged_beside, fault_of, set_aside
from rowlog.store_errors import DamagedError, StoreError, no_database
from rowlog.store_lock import WriterLock
from rowlog.store_mending import FaultyLog, look
from rowlog.store_read import open_reader
from rowlog.store_salvage import Salvage, Salvaged
from rowlog_drivers.errors import CallError


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtBack:
    """One session that was found in a damaged database."""

    id: int
    """Its number now."""
    was: int
    """Its number in the damaged file."""
    started_at: datetime | None
    """None: its start is lost."""
    frames: int
    """How many of its frames came back."""
    frames_lost: int | None
    """How many did not; None: some, and nobody knows how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What came of bringing back a damaged database."""

    damaged: Path | None
    """Where the damaged file is; it is kept. None: only a fault in the write-ahead log was found,
    which is mended, with a FaultyLogWarning."""
    into: Path
    sessions: tuple[BroughtBack, ...]
    already_there: int
    """Sessions that had been brought back before."""
    fault: str | None
    """What is wrong with the file; None where it was moved aside before."""


def make_way(path: Path) -> SetAside | None:
    """Move a database that is damaged aside and begin a new one; None when it is not damaged.

    Raises StoreError where neither can be done.
    """
    path = path.expanduser().absolute()
    mend_log(path)
    return None if fault_of(path) is None else begin_anew(path, fault_of)


def mend_log(path: Path) -> FaultyLog | None:
    """Have a fault in the write-ahead log mended, with a FaultyLogWarning; None where none is."""
    faulty = look(path) if path.is_file() else None
    if faulty is not None:
        with suppress(StoreError):  # somebody else writes, or the file itself is damaged
            Store.open_writer(path).close()
    return faulty


def begin_anew(path: Path, look_for_fault: Callable[[Path], str | None]) -> SetAside | None:
    """Move a damaged database aside and begin a new one that numbers its sessions on.

    It is looked at again once nobody else can write: None where another rowlog has done all of this
    meanwhile, whose new database is not to be moved. Raises SecondWriterError while another process
    writes to it, and StoreError.
    """
    lock = WriterLock(path)
    try:
        fault = look_for_fault(path)
        aside = None if fault is None else set_aside(path, fault)
    except BaseException:
        lock.release()
        raise
    if aside is None:
        lock.release()
        return None
    with Store.open_writer(path, lock) as store:
        store.number_from(aside.last_number)
    return aside


def recover_database(
    database: Path,
    damaged: Path | None = None,
    *,
    on_session: Callable[[BroughtBack], None] | None = None,
) -> Recovery:
    """Bring back what can be read of a damaged database into `database`.

    `damaged` None: `database` itself, which is moved aside first when it is damaged, else the one
    that was moved aside from it last. Sessions come one after the other, each with its frames first
    and what they mean derived anew; one whose frames are not whole keeps the rows that were derived
    before. What came back before stays as it is. Raises StoreError, and CallError where there is
    nothing damaged.
    """
    database = database.expanduser().absolute()
    fault = None
    if damaged is None or damaged.expanduser().absolute() == database:
        faulty = mend_log(database)
        aside = None
        if _fault_anywhere(database) is not None:
            aside = begin_anew(database, _fault_anywhere)
        if aside is not None:
            damaged, fault = aside.path, aside.fault
        elif faulty is not None:
            return Recovery(
                damaged=None, into=database, sessions=(), already_there=0, fault=faulty.what
            )
        else:
            before = damaged_beside(database)
            if not before:
                raise CallError(
                    f"{database} is whole, and no damaged one lies beside it.",
                    "Name the damaged file: rowlog db recover FILE",
                )
            damaged = before[-1]
    damaged = damaged.expanduser().absolute()
    if not damaged.is_file():
        raise no_database(damaged)
    try:
        salvage = Salvage(damaged)
        lost_start = datetime.fromtimestamp(damaged.stat().st_mtime).astimezone()
    except OSError as error:
        raise StoreError(
            f"{damaged} cannot be read: {error.strerror or error}.",
            "Copy it to another disk as far as that goes, and name the copy.",
            path=damaged,
        ) from error
    found: list[BroughtBack] = []
    already_there = 0
    claimed: set[int] = set()
    with Store.open_writer(database) as store:
        shared = salvage.shared()
        store.bring_back_shared(shared)
        for session in salvage.sessions():
            number = store.bring_back(session, shared, lost_start, claimed)
            if number is None:
                already_there += 1
                continue
            take_in(store)  # what a recording put elsewhere when the file was damaged under it
            _close(store, number, session)
            one = _told(number, session)
            found.append(one)
            if on_session is not None:
                on_session(one)
        store.bring_back_edits(salvage.changes(), {one.was: one.id for one in found})
    return Recovery(
        damaged=damaged,
        into=database,
        sessions=tuple(found),
        already_there=already_there,
        fault=fault,
    )


def _fault_anywhere(database: Path) -> str | None:
    """What is wrong with a database, looked for everywhere in it."""
    fault = fault_of(database)
    if fault is None and database.is_file():
        try:
            report = check(database)
        except DamagedError as error:
            return error.what
        fault = report.problems[0] if report.problems else None
    return fault


def _close(store: Store, number: int, session: Salvaged) -> None:
    """Derive what the frames mean, and close the session as it was."""
    with open_reader(store.path) as reader:
        last_ns = reader.last_ns(number) or 0
    store.resume_session(number)
    if session.whole and session.frames:
        try:
            with open_reader(store.path) as reader:
                stored = reader.session(number)
            cut_anew(store, stored)
            with open_reader(store.path) as reader:
                totals = reader.session(number).totals
        except (CallError, DamagedError):  # a driver that is not installed: the frames are kept
            totals = None
        if totals is not None:
            end_ns = session.row.get("end_ns")
            last_ns = max(last_ns, end_ns if isinstance(end_ns, int) else 0)
            was_complete = session.row.get("state") == "complete"
            store.close_session(
                number,
                end_ns=last_ns,
                ended_at=stored.started_at + timedelta(microseconds=last_ns // 1000),
                totals=totals,
                state="complete" if was_complete else "recovered",
            )
            return
    store.close_as_found(number, session, last_ns)


def _told(number: int, session: Salvaged) -> BroughtBack:
    started_at = session.row.get("started_at")
    told = session.others.get("session_totals", [])
    counted = told[0].get("frames") if told else None
    lost: int | None = 0
    if not session.whole:
        lost = max(0, counted - len(session.frames)) or None if isinstance(counted, int) else None
    return BroughtBack(
        id=number,
        was=session.number,
        started_at=datetime.fromisoformat(str(started_at)) if started_at else None,
        frames=len(session.frames),
        frames_lost=lost,
    )
