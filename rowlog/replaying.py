"""Sessions from recorded or simulated frames, and stored sessions back to frames."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from rowlog.notation import parse
from rowlog.plan import Plan
from rowlog.recorder import Recorder
from rowlog.simulating import script_for
from rowlog.starts import UNKNOWN, split_off, told
from rowlog.store import Store
from rowlog.store_read import HEADER_TEXTS, open_reader
from rowlog.store_rows import Source
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import wall_now
from rowlog_drivers.device import Device
from rowlog_drivers.errors import FramesError
from rowlog_drivers.frames import (
    Frame,
    FramesHeader,
    SourceHeader,
    read_frames,
    write_frames,
)
from rowlog_drivers.simulator import simulate
from rowlog_drivers.transports.replay import ReplayTransport

DEMO_PLAN: Final = "8x500m/1:30r"


def replay_file(
    file: Path,
    database: Path,
    *,
    plan: Plan | None = None,
    athlete: str | None = None,
    speed: float | None = None,
) -> int:
    """Record a session from a .frames file; returns its number.

    Nothing is stored of a file that cannot be read to its end. Raises FramesError, NotationError,
    UnknownDriverError, or what the store raises.
    """
    opened = read_frames(file)
    header = opened.header
    if plan is None and header.plan is not None:
        plan = parse(header.plan)
    make_decoding(header.sources)
    opened.verify()
    if next(iter(opened), None) is None:
        raise FramesError(
            f"{file} is a recording of nothing: no frame is in it.",
            "Export it again.",
            path=str(file),
            expected="a frame",
        )
    if header.started_at is None:  # as of any file that does not say
        dated = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        header = replace(
            header,
            started_at=dated - timedelta(microseconds=(header.end_ns or 0) // 1000),
            extra=(*told(UNKNOWN), *split_off(header.extra)[1]),
        )
    return record_frames(
        opened,
        header,
        database,
        plan=plan,
        athlete=athlete,
        speed=speed,
        origin=header.origin,
    )


def replay_demo(database: Path, *, seed: int = 1) -> int:
    """Record a simulated session of intervals with a strap; returns its number."""
    plan = parse(DEMO_PLAN)
    simulation = simulate(script_for(plan), seed=seed)
    header = FramesHeader(
        sources=simulation.sources,
        end_ns=round(simulation.truth.end_s * 1e9),
        machine="simulated rower",
    )
    return record_frames(simulation.frames, header, database, plan=plan, origin="rowlog demo")


def record_frames(
    frames: Iterable[Frame],
    header: FramesHeader,
    database: Path,
    *,
    plan: Plan | None,
    athlete: str | None = None,
    speed: float | None = None,
    origin: str | None = None,
) -> int:
    """Record a session from frames in order of time; returns its number."""
    decoding = make_decoding(header.sources)
    started_at = header.started_at or wall_now()
    start_from, extra = split_off(header.extra)
    transport = ReplayTransport(frames, speed=speed)
    drivers = {source.driver for source in header.sources}
    with closing(Store.open_writer(database)) as store:
        session_id = store.begin_session(
            started_at=started_at,
            plan=str(plan) if plan is not None else None,
            athlete=athlete,
            activity="row" if drivers - {"heart_rate"} else "other",
            sources=[_source(source) for source in header.sources],
            origin=origin,
            note=header.note,
            licence=header.licence,
            header=[
                *(
                    (key, text)
                    for key in HEADER_TEXTS
                    if (text := getattr(header, key)) is not None
                ),
                *extra,
            ],
            start_from=start_from,
        )
        recorder = Recorder(
            [Device(transport, decoding)],
            store,
            session_id,
            plan=plan,
            end_ns=header.end_ns,
            started_at=started_at,
        )
        asyncio.run(_recorded(recorder, transport))
    return session_id


async def _recorded(recorder: Recorder, transport: ReplayTransport) -> None:
    await transport.open()
    await recorder.run()


def _source(header: SourceHeader) -> Source:
    return Source(
        name=header.name,
        driver=header.driver,
        address=None,
        options=header.options,
    )


def export_frames(database: Path, session_id: int, target: Path | TextIO) -> int:
    """Write a session's frames as a .frames file; returns how many there are.

    Raises StoreError, or FramesError when the file cannot be written.
    """
    with open_reader(database) as reader:
        header = reader.session(session_id).frames_header
        return write_frames(target, header, reader.read_frames(session_id))


class FramesDigest(NamedTuple):
    """How many frames there are, and what all of them together are."""

    frames: int
    sha256: str
    """Over time, source, channel, direction, lateness and payload of each, in order."""


def stored_digest(database: Path, session_id: int) -> FramesDigest:
    """The digest of a session's stored frames. Raises StoreError."""
    with open_reader(database) as reader:
        return _digest(reader.read_frames(session_id))


def frames_digest(file: Path) -> FramesDigest:
    """The digest of a .frames file's frames. Raises FramesError."""
    return _digest(iter(read_frames(file)))


def _digest(frames: Iterable[Frame]) -> FramesDigest:
    whole, count = sha256(), 0
    for frame in frames:
        parts = (frame.t_ns, frame.source, frame.channel, frame.sent, frame.late_ns)
        whole.update(repr(parts).encode())
        whole.update(frame.payload)
        count += 1
    return FramesDigest(count, whole.hexdigest())
