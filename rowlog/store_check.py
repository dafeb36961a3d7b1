"""Is the database whole? Looks at everything and changes nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from rowlog.archive import BlockError, checksum, decode_block
from rowlog.store_errors import DamagedError, ForeignDatabaseError, explain
from rowlog.store_lock import holder_of
from rowlog.store_mending import look
from rowlog.store_read import open_reader


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport:
    """What was found in a database."""

    path: Path
    problems: tuple[str, ...]
    """What is wrong, a sentence each; () when the database is whole."""
    sessions: int
    open_sessions: tuple[int, ...]
    """Sessions that are not closed: being recorded, or interrupted."""
    frames: int
    """Frames of all sessions, in blocks and as rows."""
    blocks: int
    bytes: int
    """Size of the file, without what the write-ahead log still holds."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def check(path: str | Path) -> CheckReport:
    """Check the file, its references and every block of frames.

    Damage is reported, not raised. Raises StoreError for a file that cannot be opened at all:
    missing, another program's, or of another schema.
    """
    with open_reader(path) as reader:
        db, path = reader._db, reader.path
        problems: list[str] = []
        faulty = look(path) if holder_of(path) is None else None
        if faulty is not None:
            problems.append(
                f"{faulty.what}: what was written after that is not read. "
                "Mend it with: rowlog db recover"
            )
        counts = (0, 0, 0)
        unclosed: tuple[int, ...] = ()
        try:
            # One snapshot: rows that are packed meanwhile are neither missed nor met twice.
            db.execute("BEGIN")
            for (fault,) in db.execute("PRAGMA integrity_check"):
                if fault != "ok":
                    problems.append(f"SQLite: {fault}")
            for table, row, parent, _ in db.execute("PRAGMA foreign_key_check"):
                problems.append(f"row {row} of {table} belongs to no row of {parent}")
            problems += _block_problems(db)
            problems += _order_problems(db)
            counts = db.execute(
                "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM frames) + "
                "(SELECT coalesce(sum(frame_count), 0) FROM frame_blocks), "
                "(SELECT count(*) FROM frame_blocks)"
            ).fetchone()
            unclosed = tuple(
                row[0] for row in db.execute("SELECT id FROM sessions WHERE state = 'open'")
            )
        except sqlite3.Error as error:
            fault = explain(error, path)
            if not isinstance(fault, DamagedError | ForeignDatabaseError):
                raise fault from error
            problems.append(f"SQLite: {error}")
        except UnicodeDecodeError:
            problems.append("SQLite: the file holds text that is none")
        return CheckReport(
            path=path,
            problems=tuple(problems),
            sessions=counts[0],
            open_sessions=unclosed,
            frames=counts[1],
            blocks=counts[2],
            bytes=path.stat().st_size,
        )


def _block_problems(db: sqlite3.Connection) -> list[str]:
    """Blocks that do not give back the frames that they promise."""
    problems = []
    for (
        session_id,
        first_seq,
        count,
        first_t_ns,
        last_t_ns,
        encoding,
        payload,
        expected,
    ) in db.execute(
        "SELECT session_id, first_seq, frame_count, first_t_ns, last_t_ns, encoding, payload, "
        "checksum FROM frame_blocks ORDER BY session_id, first_seq"
    ):
        fault = None
        if checksum(payload) != expected:
            fault = "its checksum is wrong"
        else:
            try:
                frames = decode_block(payload, encoding)
            except BlockError as error:
                fault = str(error)
            else:
                if len(frames) != count:
                    fault = f"it holds {len(frames)} frames, not {count}"
                elif frames and (frames[0].t_ns, frames[-1].t_ns) != (first_t_ns, last_t_ns):
                    fault = "its frames are of other times than it says"
        if fault is not None:
            problems.append(f"the block of session {session_id} from frame {first_seq} on: {fault}")
    return problems


def _order_problems(db: sqlite3.Connection) -> list[str]:
    """Sessions whose frames are not numbered 0, 1, 2, ... through blocks and rows."""
    found = db.execute(
        "SELECT session_id, min(low), max(high), sum(frame_count) FROM ("
        "SELECT session_id, first_seq AS low, last_seq AS high, frame_count FROM frame_blocks "
        "UNION ALL SELECT session_id, min(seq), max(seq), count(*) FROM frames GROUP BY session_id"
        ") GROUP BY session_id"
    )
    return [
        f"session {session_id} has {count} frames, numbered from {low} to {high}"
        for session_id, low, high, count in found
        if low != 0 or count != high + 1
    ]
