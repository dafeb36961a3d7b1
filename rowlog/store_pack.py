"""Packing: once a session is closed its frames become compressed blocks, and its rows lie close."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rowlog.archive import (
    BLOCK_BYTES,
    BLOCK_FRAMES,
    ENCODING,
    BlockError,
    checksum,
    decode_block,
    encode_block,
)
from rowlog.store_errors import DamagedError
from rowlog.store_rows import FRAME_COLUMNS, Row, unpack_frame
from rowlog_drivers.frames import Frame

MANY_ROWS: Final = ("strokes", "heart_rates")
"""Tables of which a session fills many pages."""
HELD_BACK: Final = 10
"""Every so many-th row is put in last. Rows that come one after the other leave an eighth of each
page empty, since SQLite halves what does not fit; the rest then finds that room."""


class Block(NamedTuple):
    """Frames that follow one another in a session, packed, and proved to come back."""

    frame_count: int
    first_t_ns: int
    last_t_ns: int
    payload: bytes

    @property
    def frames(self) -> list[Frame]:
        """The frames as they were."""
        return decode_block(self.payload, ENCODING)


def blocks_of(frames: Iterable[Frame]) -> Iterator[Block]:
    """All frames of a session as blocks, in their order.

    Raises BlockError when one does not give back the very frames.
    """
    portion: list[Frame] = []
    size = 0
    for frame in frames:
        size += len(frame.payload)
        if portion and (len(portion) >= BLOCK_FRAMES or size > BLOCK_BYTES):
            yield _block(portion)
            portion, size = [], len(frame.payload)
        portion.append(frame)
    if portion:
        yield _block(portion)


def _block(frames: Sequence[Frame]) -> Block:
    payload = encode_block(frames)
    if decode_block(payload, ENCODING) != frames:
        raise BlockError("frames do not come back as they were from a compressed block")
    return Block(len(frames), frames[0].t_ns, frames[-1].t_ns, payload)


def put_block(db: sqlite3.Connection, session_id: int, first_seq: int, block: Block) -> None:
    """Store a block whose first frame has this number in its session; within a transaction."""
    db.execute(
        "INSERT INTO frame_blocks (session_id, first_seq, last_seq, frame_count, first_t_ns, "
        "last_t_ns, encoding, payload, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session_id,
            first_seq,
            first_seq + block.frame_count - 1,
            block.frame_count,
            block.first_t_ns,
            block.last_t_ns,
            ENCODING,
            block.payload,
            checksum(block.payload),
        ),
    )


def unpacked_sessions(db: sqlite3.Connection) -> list[int]:
    """Closed sessions of which frames are rows still, as a crash leaves them."""
    rows = db.execute(
        "SELECT id FROM sessions WHERE state <> 'open' AND "
        "EXISTS (SELECT 1 FROM frames WHERE session_id = sessions.id) ORDER BY id"
    )
    return [row[0] for row in rows]


def pack_block(db: sqlite3.Connection, path: Path, session_id: int) -> bool:
    """Turn a session's first rows into a block; False when there are none left.

    To be called within a transaction. Raises DamagedError when the block does not give back
    the very frames.
    """
    rows = _first_rows(db, session_id)
    if not rows:
        return False
    first_seq, last_seq = rows[0][0], rows[-1][0]
    try:
        block = _block([unpack_frame(row[1:]) for row in rows])
    except BlockError as error:
        raise DamagedError(
            f"Frames {first_seq} to {last_seq} of session {session_id} in {path} do not come back "
            "as they were from a compressed block, so they stay rows.",
            "Please report it, with the file.",
            path=path,
        ) from error
    put_block(db, session_id, first_seq, block)
    db.execute(
        "DELETE FROM frames WHERE session_id = ? AND seq BETWEEN ? AND ?",
        (session_id, first_seq, last_seq),
    )
    return True


def pack_rows(db: sqlite3.Connection, session_id: int) -> None:
    """Lay a closed session's strokes and heart rates close: they take a twelfth less room.

    To be called within a transaction. Not a value changes.
    """
    db.execute("PRAGMA temp.cache_size=-200")  # kB: of many hours the rest goes to a file
    for table in MANY_ROWS:
        db.execute(
            f"CREATE TEMP TABLE laid AS SELECT * FROM {table} WHERE session_id = ?", (session_id,)
        )
        db.execute(f"DELETE FROM {table} WHERE session_id = ?", (session_id,))
        for order in ("<>", "="):
            db.execute(
                f"INSERT INTO main.{table} SELECT * FROM laid WHERE rowid % ? {order} 0 "
                "ORDER BY rowid",
                (HELD_BACK,),
            )
        db.execute("DROP TABLE laid")


def laid(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows that come in about the order of their keys, in that in which they will lie close."""
    yield from (row for place, row in enumerate(rows, 1) if place % HELD_BACK)
    yield from rows[HELD_BACK - 1 :: HELD_BACK]


def give_back_room(db: sqlite3.Connection) -> None:
    """Shrink the file by what the rows took; outside any transaction."""
    db.executescript("PRAGMA incremental_vacuum")  # `execute` would free one page and stop
    db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def _first_rows(db: sqlite3.Connection, session_id: int) -> list[tuple[Any, ...]]:
    """As many of the first rows, without a hole in their numbers, as make one block."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    for row in db.execute(
        f"SELECT seq, {', '.join(FRAME_COLUMNS)} FROM frames WHERE session_id = ? "
        f"ORDER BY seq LIMIT {BLOCK_FRAMES}",
        (session_id,),
    ):
        size += len(row[4])
        if rows and (size > BLOCK_BYTES or row[0] != rows[-1][0] + 1):
            break
        rows.append(row)
    return rows
