"""Cutting a stored session anew, beside the ways in which it was cut before."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rowlog.intervals import Split
from rowlog.notation import parse
from rowlog.plan import Target
from rowlog.rebuild import recording_of
from rowlog.store import Store
from rowlog.store_read import StoredSession, open_reader
from rowlog.structuring import Origin, Recording
from rowlog.summary import SegmentSummary, SplitSummary, Summary, load
from rowlog.workouts import plan_of
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.errors import CallError


def resegment(database: Path, session_id: int, how: str, *, shown: bool = True) -> int:
    """Cut a session in another way; returns the segmentation's number.

    Args:
        database: where it is kept.
        session_id: a closed session.
        how: interval text or a workout's name; "plan" for the session's own plan, "auto" for what
            it looks like, "device" for what the machine told.
        shown: whether it is shown and counted so from now on.

    Raises NotationError, CallError for what the session does not have, StoreError.
    """
    with open_reader(database) as reader:
        origin, text = _way(reader.session(session_id), how, database)
    with Store.open_writer(database) as store:
        with open_reader(database) as reader:
            session = reader.session(session_id)
        if session.totals is None:
            raise CallError(
                f"Session {session_id} is not closed: it is {session.status}.",
                "Close an interrupted one with: rowlog db rebuild",
            )
        made = recording_of(store, session).cut(origin, text)
        return store.put_segmentation(
            session_id,
            origin,
            made.text,
            made.facts,
            confidence=made.confidence,
            totals=made.totals if shown else None,
        )


def _way(session: StoredSession, how: str, database: Path) -> tuple[Origin, str | None]:
    if how == "auto":
        return "auto", None
    if how == "device":
        return "device", None
    if how == "plan":
        if session.plan is None:
            raise CallError(
                f"Session {session.id} was rowed without a plan.",
                "Name one, or cut it by what it looks like: auto.",
            )
        return "plan", session.plan
    text = str(plan_of(how, database))
    return ("plan" if text == session.plan else "user"), text


Pieces = tuple[tuple[int, frozenset[int]], ...]
"""Pieces of work by their number, from 1, and the indexes of their segments."""


def with_splits(
    database: Path, session_id: int, which: str | None, length: str | None, piece: int | None
) -> tuple[Summary, Pieces]:
    """A session's summary with splits of any length in each piece; nothing is stored.

    Args:
        database: where it is kept.
        session_id: the session.
        which: of its segmentations; None: the default one.
        length: of the splits, as text; None: as they are stored.
        piece: number of the only piece whose splits are wanted; None: of all.

    Raises StoreError, CallError.
    """
    shown = load(database, session_id, which)
    if length is not None:
        way = shown.segmentation.id if shown.segmentation is not None else None
        shown = shown._replace(splits=_splits(database, session_id, way, _length(length)))
    pieces = tuple(enumerate(_pieces(shown.segments), 1))
    if piece is not None:
        if piece > len(pieces):
            raise CallError(
                f"There is no piece {piece}: the session has {len(pieces)} of work.",
                "Pieces are counted from 1, as rowlog show does.",
            )
        pieces = (pieces[piece - 1],)
        held = pieces[0][1]
        shown = shown._replace(splits=tuple(s for s in shown.splits if s.segment in held))
    return shown, pieces


def _pieces(segments: Sequence[SegmentSummary]) -> list[frozenset[int]]:
    """For each piece of work in order, the indexes of its segments, pauses bridged."""
    pieces: list[set[int]] = []
    last: int | None = -1
    for segment in segments:
        if segment.kind == "work":
            if segment.piece != last or not pieces:
                pieces.append(set())
            pieces[-1].add(segment.index)
            last = segment.piece
        elif segment.kind == "rest":
            last = -1
    return [frozenset(piece) for piece in pieces]


def _splits(
    database: Path, session_id: int, segmentation_id: int | None, length: Target
) -> tuple[SplitSummary, ...]:
    with open_reader(database) as reader:
        session = reader.session(session_id)
        ways = reader.segmentations(session_id)
        way = next((way for way in ways if way.id == segmentation_id), None)
        recording = Recording(
            frames=lambda: reader.read_frames(session_id),
            decoding=lambda: make_decoding(source.header for source in session.sources),
            end_ns=session.end_ns,
        )
        origin: Origin = way.origin if way is not None else "auto"
        made = recording.cut(origin, way.text if way is not None else None, split=length)
    last: dict[tuple[int, int], Split] = {}
    for fact in made.facts:
        if isinstance(fact, Split):  # the last telling of each counts
            last[fact.segment_index, fact.index] = fact
    return tuple(_told(split) for _, split in sorted(last.items()))


def _length(text: str) -> Target:
    """The length of a split as people write it: 100m, 1:00, 20cal. Raises CallError."""
    try:
        pieces = parse(text).pieces
    except CallError:
        pieces = ()
    if len(pieces) != 1 or pieces[0].target.type not in ("distance", "time", "energy"):
        raise CallError(f"{text!r} is no length of splits.", "Write 100m, 1:00 or 20cal.")
    return pieces[0].target


def _told(split: Split) -> SplitSummary:
    figures = split.figures
    return SplitSummary(
        segment=split.segment_index,
        index=split.index,
        started_at_s=split.start.t_ns / 1e9,
        duration_s=figures.duration_s,
        distance_m=figures.distance_m,
        stroke_count=figures.stroke_count,
        energy_kcal=figures.energy_kcal,
        mean_pace_s_per_500m=figures.mean_pace_s_per_500m,
        mean_power_w=figures.mean_power_w,
        mean_stroke_rate_spm=figures.mean_stroke_rate_spm,
        mean_heart_rate_bpm=figures.mean_heart_rate_bpm,
        max_heart_rate_bpm=figures.max_heart_rate_bpm,
        end_heart_rate_bpm=figures.end_heart_rate_bpm,
        origins=dict(figures.origins),
    )
