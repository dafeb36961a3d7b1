"""Reading the database: never writes, and works while a recording goes on."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeVar

from rowlog.archive import BlockError, checksum, decode_block
from rowlog.intervals import Segment, Split
from rowlog.schema import open_for_reading
from rowlog.starts import TIMED, Start, split_off, told
from rowlog.store_errors import (
    DamagedError,
    no_session,
    translated,
)
from rowlog.store_lock import holder_of
from rowlog.store_open import OpenDatabase
from rowlog.store_rows import (
    FRAME_COLUMNS,
    SEGMENTS,
    SHAPES,
    SPLITS,
    STRUCTURE,
    TOTALS,
    Shape,
    Source,
    unpack_frame,
    unpack_options,
)
from rowlog.totals import SessionTotals
from rowlog_drivers.frames import Frame, FramesHeader

R = TypeVar("R")

Status = Literal["recording", "interrupted", "complete", "recovered"]

HEADER_TEXTS: Final = ("machine", "firmware")
"""Fields of a .frames header that a session keeps beside those with a column of their own."""

READ_FRAMES: Final = 2000
"""How many frames that are still rows are read at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """One session as it is stored; None is unknown or not given."""

    id: int
    started_at: datetime
    """Wall time of instant 0, with its offset."""
    start_from: Start
    """Who says that."""
    ended_at: datetime | None
    """None until the session is closed."""
    end_ns: int | None
    """The last instant, nanoseconds since the start; None until the session is closed."""
    athlete: str | None
    activity: str
    plan: str | None
    """The plan's canonical text."""
    status: Status
    """"interrupted": not closed, and nobody writes it any more."""
    note: str | None
    origin: str | None
    """Where it comes from when it was not recorded: the replayed or imported file."""
    licence: str | None
    header: tuple[tuple[str, str], ...]
    """Other (key, value) pairs of the .frames file that it comes from."""
    sources: tuple[Source, ...]
    totals: SessionTotals | None
    """None until the session is closed."""

    @property
    def frames_header(self) -> FramesHeader:
        """The same as a .frames file has it."""
        kept = dict(self.header)
        return FramesHeader(
            sources=tuple(source.header for source in self.sources),
            started_at=self.started_at,
            end_ns=self.end_ns,
            plan=self.plan,
            licence=self.licence,
            origin=self.origin,
            note=self.note,
            machine=kept.get("machine"),
            firmware=kept.get("firmware"),
            extra=(
                *told(self.start_from),
                *(pair for pair in split_off(self.header)[1] if pair[0] not in HEADER_TEXTS),
            ),
        )


class ClosedWorkout(NamedTuple):
    """One session, as far as it is needed to find those that are like another."""

    number: int
    started_at: datetime
    """In UTC."""
    ended_at: datetime
    start_known: bool
    """Whether somebody said that, and not the day alone."""
    distance_m: float | None
    stroke_count: int | None
    frames: int
    mean_heart_rate_bpm: float | None = None
    athlete: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmentation:
    """One way in which a session was cut into segments."""

    id: int
    origin: Literal["device", "plan", "auto", "user"]
    """Who says where its pieces are."""
    text: str | None
    """The plan's canonical text, or the pattern that was recognised; None where there is none."""
    is_default: bool
    confidence: float | None = None
    """In what was recognised, 0 to 1; None where nothing was."""


class Reader(OpenDatabase):
    """A database open for reading. Raises StoreError from every method."""

    def sessions(self, limit: int | None = None) -> list[StoredSession]:
        """The sessions, latest number first; the latest `limit` of them."""
        return self._sessions("ORDER BY sessions.id DESC LIMIT ?", -1 if limit is None else limit)

    def session(self, session_id: int | None = None) -> StoredSession:
        """One session; None: the one with the highest number."""
        if session_id is None:
            found = self.sessions(1)
        else:
            found = self._sessions("WHERE sessions.id = ?", session_id)
        if not found:
            raise no_session(session_id, self.path)
        return found[0]

    def known_imports(self) -> set[str]:
        """The SHA-256 of all that was imported before, and of which a session is there."""
        with translated(self.path):
            return known_imports(self._db)

    def deleted_imports(self) -> dict[str, int]:
        """By the SHA-256 of imports of which all sessions are deleted, the first of these.

        Those that were merged are not deleted.
        """
        with translated(self.path):
            rows = self._db.execute(
                "SELECT sha256, min(sessions.id) FROM imports "
                "JOIN sessions ON import_id = imports.id "
                "LEFT JOIN merges ON merges.session_id = sessions.id GROUP BY imports.id "
                "HAVING count(deleted_at) = count(*) AND count(merges.session_id) = 0"
            ).fetchall()
        return dict(rows)

    def closed_workouts(self) -> list[ClosedWorkout]:
        """When and how far all sessions were that are closed and not deleted, by their number."""
        with translated(self.path):
            rows = self._db.execute(
                "SELECT sessions.id, started_at, ended_at, start_from, distance_m, stroke_count, "
                "frames, mean_heart_rate_bpm, athletes.name FROM sessions "
                "JOIN session_totals ON session_id = sessions.id "
                "LEFT JOIN athletes ON athletes.id = athlete_id "
                "WHERE ended_at IS NOT NULL AND deleted_at IS NULL ORDER BY sessions.id"
            ).fetchall()
        return [
            ClosedWorkout(
                number=number,
                started_at=datetime.fromisoformat(started_at).astimezone(UTC),
                ended_at=datetime.fromisoformat(ended_at).astimezone(UTC),
                start_known=start_from in TIMED,
                distance_m=figures[0],
                stroke_count=figures[1],
                frames=figures[2],
                mean_heart_rate_bpm=figures[3],
                athlete=athlete,
            )
            for number, started_at, ended_at, start_from, *figures, athlete in rows
        ]

    def segmentations(self, session_id: int) -> list[Segmentation]:
        """The ways in which a session was cut, in the order in which they were made."""
        with translated(self.path):
            rows = self._db.execute(
                "SELECT id, origin, text, is_default, confidence FROM segmentations "
                "WHERE session_id = ? "
                "ORDER BY id",
                (session_id,),
            ).fetchall()
        return [
            Segmentation(
                id=row[0],
                origin=row[1],
                text=row[2],
                is_default=bool(row[3]),
                confidence=row[4],
            )
            for row in rows
        ]

    def segments(self, session_id: int, segmentation_id: int | None = None) -> list[Segment]:
        """A session's segments in order; None: those of its default segmentation."""
        return self._structure(SEGMENTS, session_id, segmentation_id)

    def splits(self, session_id: int, segmentation_id: int | None = None) -> list[Split]:
        """A session's splits in order; None: those of its default segmentation."""
        return self._structure(SPLITS, session_id, segmentation_id)

    def records(self, session_id: int, record: type[R]) -> list[R]:
        """A session's stored records of one type, in the order in which they became known.

        Strokes stand in order of source and number. Raises KeyError for a type that is not
        stored (rower samples and ticks), or that belongs to a segmentation.
        """
        if record in STRUCTURE:
            raise KeyError(record)
        shape: Shape[R] = SHAPES[record]
        order = "seq" if shape.numbered else "source, number"
        with translated(self.path):
            rows = self._db.execute(
                f"SELECT {shape.selected} FROM {shape.table} WHERE session_id = ? ORDER BY {order}",
                (session_id,),
            ).fetchall()
        return [shape.unpack(row) for row in rows]

    def stroke_instants(self, session_id: int) -> list[tuple[int, float | None]]:
        """When a session's rower took each stroke, and how far it was then; [] without strokes.

        Of the rower that was heard first; (nanoseconds since the start, metres), in order of time.
        """
        with translated(self.path):
            rows = self._db.execute(
                "SELECT source, t_ns, total_distance_m FROM strokes WHERE session_id = ? "
                "ORDER BY t_ns",
                (session_id,),
            ).fetchall()
        return [(t_ns, metres) for source, t_ns, metres in rows if source == rows[0][0]]

    def beats(self, session_id: int) -> list[tuple[int, int]]:
        """A session's heart rates, of the source that was heard most, in order of time.

        (nanoseconds since the start, beats a minute as sent).
        """
        with translated(self.path):
            rows = self._db.execute(
                "SELECT source, t_ns, heart_rate_bpm FROM heart_rates WHERE session_id = ? "
                "ORDER BY t_ns",
                (session_id,),
            ).fetchall()
        most = Counter(source for source, *_ in rows).most_common(1)
        return [(t_ns, bpm) for source, t_ns, bpm in rows if source == most[0][0]]

    def heart(self, session_id: int) -> list[tuple[int, int, tuple[float, ...] | None]]:
        """A session's heart, of the source that was heard most, in order of time.

        (nanoseconds since the start, beats a minute as sent, RR intervals in ms).
        """
        with translated(self.path):
            rows = self._db.execute(
                "SELECT source, t_ns, heart_rate_bpm, rr_ms FROM heart_rates WHERE session_id = ? "
                "ORDER BY t_ns, seq",
                (session_id,),
            ).fetchall()
        most = Counter(source for source, *_ in rows).most_common(1)
        return [
            (t_ns, bpm, None if rr is None else tuple(json.loads(rr)))
            for source, t_ns, bpm, rr in rows
            if source == most[0][0]
        ]

    def strokes_at(self, numbers: Sequence[int]) -> dict[int, list[tuple[int, float]]]:
        """When each session that is not deleted took its strokes of these numbers.

        (nanoseconds since the start, metres), of one source each, those that it has of them.
        """
        wanted = ", ".join(str(int(number)) for number in numbers)
        with translated(self.path):
            rows = self._db.execute(
                "SELECT strokes.session_id, strokes.source, t_ns, total_distance_m FROM sessions "
                "CROSS JOIN sources ON sources.session_id = sessions.id "  # or all are read
                "CROSS JOIN strokes ON strokes.session_id = sessions.id AND source = sources.name "
                f"AND number IN ({wanted}) WHERE deleted_at IS NULL "
                "AND total_distance_m IS NOT NULL ORDER BY sessions.id, place, number"
            ).fetchall()
        found: dict[int, list[tuple[int, float]]] = {}
        source_of: dict[int, str] = {}
        for number, source, t_ns, metres in rows:
            if source_of.setdefault(number, source) == source:
                found.setdefault(number, []).append((t_ns, metres))
        return found

    def next_session(self) -> int:
        """The number that the next session will have."""
        with translated(self.path):
            row = self._db.execute(
                "SELECT seq FROM sqlite_sequence WHERE name = 'sessions'"
            ).fetchone()
        return 1 if row is None else int(row[0]) + 1

    def read_frames(self, session_id: int, first: int = 0) -> Iterator[Frame]:
        """Every frame of a session from number `first` on, in order, equal to what was stored."""
        return stored_frames(self._db, self.path, session_id, first)

    def frame_count(self, session_id: int) -> int:
        """How many frames of a session are stored."""
        with translated(self.path):
            return frame_count(self._db, session_id)

    def last_ns(self, session_id: int) -> int | None:
        """The time of a session's last frame so far; None while it has none."""
        with translated(self.path):
            row = self._db.execute(
                "SELECT max(t_ns) FROM ("
                "SELECT last_t_ns AS t_ns FROM frame_blocks WHERE session_id = :id "
                "UNION ALL SELECT t_ns FROM (SELECT t_ns FROM frames WHERE session_id = :id "
                "ORDER BY seq DESC LIMIT 1))",
                {"id": session_id},
            ).fetchone()
        last: int | None = row[0]
        return last

    def _sessions(self, clause: str, value: int) -> list[StoredSession]:
        # Asked before the rows are read: a session that is closed in between shows as complete.
        holder = holder_of(self.path)
        recording = holder.session_id if holder is not None else None
        totals = ", ".join(f"session_totals.{column}" for column in TOTALS.columns)
        with translated(self.path):
            rows = self._db.execute(
                "SELECT sessions.id, started_at, ended_at, end_ns, athletes.name, "
                "sessions.activity, plan, state, note, origin, licence, header, start_from, "
                f"session_totals.session_id, {totals} FROM sessions "
                "LEFT JOIN athletes ON athletes.id = athlete_id "
                f"LEFT JOIN session_totals ON session_totals.session_id = sessions.id {clause}",
                (value,),
            ).fetchall()
            sources = self._sources(rows[0][0] if len(rows) == 1 else None)
        return [
            StoredSession(
                id=row[0],
                started_at=datetime.fromisoformat(row[1]),
                ended_at=datetime.fromisoformat(row[2]) if row[2] is not None else None,
                end_ns=row[3],
                athlete=row[4],
                activity=row[5],
                plan=row[6],
                status=_status(row[7], being_recorded=row[0] == recording),
                note=row[8],
                origin=row[9],
                licence=row[10],
                header=unpack_options(row[11]) if row[11] is not None else (),
                start_from=row[12],
                sources=tuple(sources.get(row[0], ())),
                totals=TOTALS.unpack(row[14:]) if row[13] is not None else None,
            )
            for row in rows
        ]

    def _sources(self, session_id: int | None) -> dict[int, list[Source]]:
        """The sources by session: of all sessions, or of one."""
        clause, values = ("WHERE session_id = ?", (session_id,)) if session_id else ("", ())
        found: dict[int, list[Source]] = {}
        for row in self._db.execute(
            f"SELECT session_id, name, driver, address, options FROM sources {clause} "
            "ORDER BY session_id, place",
            values,
        ):
            source = Source(
                name=row[1], driver=row[2], address=row[3], options=unpack_options(row[4])
            )
            found.setdefault(row[0], []).append(source)
        return found

    def _structure(self, shape: Shape[R], session_id: int, segmentation_id: int | None) -> list[R]:
        with translated(self.path):
            if segmentation_id is None:
                segmentation_id = default_segmentation(self._db, session_id)
            order = '"index"' if shape is SEGMENTS else 'segment_index, "index"'
            rows = self._db.execute(
                f"SELECT {shape.selected} FROM {shape.table} "
                f"WHERE session_id = ? AND segmentation_id = ? ORDER BY {order}",
                (session_id, segmentation_id),
            ).fetchall()
        return [shape.unpack(row) for row in rows]


def open_reader(path: str | Path) -> Reader:
    """Open an existing database for reading only; errors as `open_for_reading`."""
    db, path = open_for_reading(path)
    return Reader(db, path)


def known_imports(db: sqlite3.Connection) -> set[str]:
    """The digests of all that was imported before, and of which a session is there."""
    rows = db.execute("SELECT sha256 FROM imports JOIN sessions ON import_id = imports.id")
    return {digest for (digest,) in rows}


def stored_frames(
    db: sqlite3.Connection, path: Path, session_id: int, seq: int = 0
) -> Iterator[Frame]:
    """A session's frames by number, from `seq` on, blocks and rows alike, holding one at a time.

    Each step looks at blocks and rows in one read transaction, so frames that are being packed
    meanwhile come exactly once; between steps no transaction is held.
    """
    while True:
        with translated(path):
            block, rows = _next_frames(db, session_id, seq)
        if block is not None and (not rows or block[0] <= rows[0][0]):
            first_seq, last_seq, *content = block
            yield from _block_frames(content, path, session_id)[max(0, seq - first_seq) :]
            seq = last_seq + 1
        elif rows:
            for row in rows:
                if block is not None and row[0] >= block[0]:
                    break
                yield unpack_frame(row[1:])
                seq = row[0] + 1
        else:
            return


def _next_frames(
    db: sqlite3.Connection, session_id: int, seq: int
) -> tuple[list[Any] | None, list[Any]]:
    """The first block and the first rows from `seq` on, as they stood at one moment."""
    alone = not db.in_transaction
    if alone:
        db.execute("BEGIN")
    try:
        block = db.execute(
            "SELECT first_seq, last_seq, payload, encoding, checksum, frame_count "
            "FROM frame_blocks WHERE session_id = ? AND last_seq >= ? ORDER BY first_seq LIMIT 1",
            (session_id, seq),
        ).fetchone()
        rows = db.execute(
            f"SELECT seq, {', '.join(FRAME_COLUMNS)} FROM frames "
            f"WHERE session_id = ? AND seq >= ? ORDER BY seq LIMIT {READ_FRAMES}",
            (session_id, seq),
        ).fetchall()
    finally:
        if alone and db.in_transaction:
            db.execute("COMMIT")
    return block, rows


def _block_frames(content: list[Any], path: Path, session_id: int) -> list[Frame]:
    payload, encoding, expected, count = content
    fault = None
    frames: list[Frame] = []
    if checksum(payload) != expected:
        fault = "its checksum is wrong"
    else:
        try:
            frames = decode_block(payload, encoding)
        except BlockError as error:
            fault = str(error)
    if fault is None and len(frames) != count:
        fault = f"it holds {len(frames)} frames, not {count}"
    if fault is not None:
        raise DamagedError(
            f"A block of frames of session {session_id} in {path} cannot be read: {fault}.",
            "Restore a backup, or see what is left with: rowlog db check",
            path=path,
        )
    return frames


def frame_count(db: sqlite3.Connection, session_id: int) -> int:
    """How many frames of a session are stored, in blocks and as rows."""
    count: int = db.execute(
        "SELECT (SELECT count(*) FROM frames WHERE session_id = :id) + "
        "(SELECT coalesce(sum(frame_count), 0) FROM frame_blocks WHERE session_id = :id)",
        {"id": session_id},
    ).fetchone()[0]
    return count


def default_segmentation(db: sqlite3.Connection, session_id: int) -> int | None:
    """The number of the segmentation that is shown; None when there is none."""
    row = db.execute(
        "SELECT id FROM segmentations WHERE session_id = ? ORDER BY is_default DESC, id LIMIT 1",
        (session_id,),
    ).fetchone()
    return None if row is None else row[0]


def _status(state: str, *, being_recorded: bool) -> Status:
    if state == "open":
        return "recording" if being_recorded else "interrupted"
    return "recovered" if state == "recovered" else "complete"
