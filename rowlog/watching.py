"""A session that another rowlog records, watched: its frames as they are stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rowlog.board import Board
from rowlog.derivation import Derivation, Derived
from rowlog.live import Live, Moment
from rowlog.movement import Movement
from rowlog.notation import parse
from rowlog.recorder import Progress
from rowlog.recording import moment_of, zones_on
from rowlog.resolving import Values
from rowlog.resuming import rate_of
from rowlog.standing import NOTHING_KNOWN, standing
from rowlog.store_disk import identity
from rowlog.store_lock import holder_of
from rowlog.store_read import Reader, StoredSession, open_reader
from rowlog.summary_judging import values_today
from rowlog.viewing import JOIN_S, Controls, Feed, View
from rowlog.zones import Zones
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import CallError, RowlogError
from rowlog_drivers.frames import Frame

LOOK_EVERY_S: Final = 1.0
"""How often it is looked what is new."""


class StoppedError(RowlogError):
    """The program that recorded has gone without an end of the session."""


def watch(
    database: Path,
    on_moment: Callable[[Moment], None],
    *,
    pause: Callable[[float], None] = time.sleep,
    views: Sequence[View] = (),
) -> int:
    """Tell of the session that is being recorded, once a second, until it ends; its number.

    `views` show it meanwhile, as they would a recording, but whose keys do nothing. Only reads, so
    that the recording does not notice. Raises CallError when nothing is recorded, StoppedError
    when what recorded has gone, or the database was taken away.
    """
    looked_at = identity(database)
    with open_reader(database) as reader:
        session = _recorded(reader)
        if session is None:
            raise CallError(
                f"Nothing is being recorded into {reader.path}.", "The latest: rowlog show"
            )
        watched = Watched(
            session,
            zones=zones_on(database, session.athlete, session.started_at),
            values=_values(database, session),
        )
        with shown(views) as put:
            while True:
                frames = list(reader.read_frames(session.id, watched.frames))
                status = reader.session(session.id).status
                moment = watched.take(frames)
                put(watched.live(moment))
                on_moment(moment)
                if identity(database) != looked_at:
                    raise StoppedError(
                        f"The database {database} was deleted, moved or replaced while session "
                        f"{session.id} was recorded into it.",
                        "What records it says where it goes on.",
                    )
                if status == "interrupted":
                    raise StoppedError(
                        f"What recorded session {session.id} has stopped without ending it.",
                        "Go on with it: rowlog record, within ten minutes.",
                    )
                if status != "recording":
                    return session.id
                pause(LOOK_EVERY_S)


def recorded_now(database: Path) -> int | None:
    """The session that a program records at this moment; None when none does. Opens no database."""
    if identity(database) is None:  # it was taken away from who writes to it
        return None
    try:
        holder = holder_of(database)
    except OSError:
        return None
    return None if holder is None else holder.session_id


@contextmanager
def shown(views: Sequence[View]) -> Iterator[Callable[[Live], None]]:
    """Let views run, each on a thread of its own, until the end of the block."""
    feeds = [Feed() for _ in views]
    threads = [
        threading.Thread(target=view.run, args=(feed, NoControls()), daemon=True)
        for view, feed in zip(views, feeds, strict=True)
    ]
    for thread in threads:
        thread.start()

    def put(live: Live) -> None:
        for feed in feeds:
            feed.put(live)

    try:
        yield put
    finally:
        for feed in feeds:
            feed.close()
        for thread in threads:
            thread.join(JOIN_S)


def _recorded(reader: Reader) -> StoredSession | None:
    return next((one for one in reader.sessions() if one.status == "recording"), None)


def _values(database: Path, session: StoredSession) -> Values:
    """What its plan's guidance refers to, as it was known on that day."""
    if session.plan is None:
        return NOTHING_KNOWN
    return values_today(
        database, parse(session.plan), session.athlete, session.started_at.astimezone().date()
    )


class NoControls(Controls):
    """A session that is recorded elsewhere is not steered from here."""

    def __init__(self) -> None:
        pass

    def press(self, label: str) -> None:
        """Nothing."""


class Watched:
    """Where a session stands that is recorded elsewhere."""

    def __init__(
        self,
        session: StoredSession,
        *,
        zones: Zones | None = None,
        values: Values = NOTHING_KNOWN,
    ) -> None:
        self.frames = 0
        """How many of its frames were taken."""
        self._session = session
        self._values = values
        self._decoding = make_decoding(source.header for source in session.sources)
        plan = parse(session.plan) if session.plan is not None else None
        self._derivation = Derivation(plan)
        self._clock: Clock | None = None
        self._rate = rate_of(session.sources)
        self._movement = Movement()
        self._last_ns = 0
        named = {source.name: source.header.option("name") for source in session.sources}
        self._board = Board(
            started_at=session.started_at,
            plan=plan,
            zones=zones,
            sources=list(named),
            machine=next((name for source, name in named.items() if source != "strap"), None),
            speed=self._rate,
        )

    def live(self, moment: Moment) -> Live:
        """A picture of the session at the moment that `take` gave last."""
        return self._board.live(self._derivation, moment)

    def take(self, frames: Sequence[Frame]) -> Moment:
        """Understand what is new; the moment that it has come to."""
        if frames:
            self._last_ns = frames[-1].t_ns
        if self._clock is None:
            self._clock = Clock(self._rate)
            self._clock.go_on(self._last_ns)
        now_ns = max(self._last_ns, self._clock.now_ns())
        # The frames alone move time on: some that are older than now may not be stored yet.
        derived = self._derivation.take(self._decoding.deliver(frame) for frame in frames)
        self.frames += len(frames)
        pipeline = self._derivation.pipeline
        position = pipeline.position
        self._movement.take(position)
        progress = Progress(
            t_ns=now_ns,
            frames_committed=self.frames,
            derivation=self._derivation,
            derived=Derived(derived.deliveries, derived.facts),
        )
        where = standing(pipeline.tracker, position, now_ns)
        rate = self._derivation.buffer.latest("stroke_rate_spm", now_ns, seconds=30.0)
        still = self._movement.still(now_ns, rate)
        moment = moment_of(self._session.id, (), progress, where, self._values, now_ns, still=still)
        self._board.take(self._derivation, derived, moment)
        return moment
