"""From a file's bytes to whole sessions, derived along the path of a recording; no database."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from rowlog import imports
from rowlog.archive import BlockError
from rowlog.imports.left_out import LeftOut
from rowlog.imports.naming import plan_of
from rowlog.imports.workout import (
    LONGEST_S,
    ImportFault,
    Point,
    Workout,
    bounded,
    laps_told,
)
from rowlog.notation import NotationError, parse
from rowlog.plan import Plan
from rowlog.starts import UNKNOWN, Start, split_off
from rowlog.store_edits import TAG_LENGTH
from rowlog.store_pack import blocks_of
from rowlog.store_rows import Source
from rowlog.store_whole import Original, Whole
from rowlog.structuring import Recording
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.errors import CallError, FramesError, UnknownDriverError
from rowlog_drivers.frames import Frame, read_frames
from rowlog_drivers.protocols.workout_file import encode

SOURCE: Final = "file"
FRAMES: Final = "frames"
"""The format of our own recordings, whose frames are stored as they are."""
_FRAMES: Final = b"# rowlog-frames "
_DRIVER: Final = "workout_file"
MOST_FRAMES: Final = 1_000_000
"""Eleven a second for a day."""
HELD_POINTS: Final = 20_000
"""The frames of more are made anew each time that they are gone through, and never held at once."""
FAULTS: Final = (ImportFault, OSError, FramesError, CallError, UnknownDriverError)
"""What a file that cannot be taken in raises."""


class Part(NamedTuple):
    """Bytes that are known by themselves, and the sessions that they tell of."""

    original: Original
    wholes: tuple[Whole, ...]
    left_out: tuple[LeftOut, ...] = ()
    """Rows that could not be read as a part of them."""


def is_recording(content: bytes) -> bool:
    """Whether a file is one of our own recordings."""
    return content.startswith(_FRAMES)


def digest(content: bytes) -> str:
    """What bytes are known by: their SHA-256."""
    return sha256(content).hexdigest()


def parts_of(
    name: str, content: bytes, dated: datetime, athlete: str | None, known: frozenset[str]
) -> list[Part]:
    """The sessions of a file's bytes, unpacked; () of a part that is known already.

    `dated` is the file's own date, at which a workout ended that does not say when it began.
    Raises one of FAULTS.
    """
    if digest(content) in known:
        return [Part(_original(name, content, ""), ())]
    if is_recording(content):
        return [Part(_original(name, content, FRAMES), (recorded(name, content, dated, athlete),))]
    workouts = imports.read(name, content)
    found = []
    for part, several in groupby(workouts, key=lambda workout: workout.content):
        original = _original(name, content if part is None else part, workouts[0].format)
        read = list(several)
        new = [] if original.sha256 in known else read
        wholes = [whole(name, workout, dated, athlete) for workout in new]
        lacking = [told for workout in read for told in workout.left_out]
        found.append(Part(original, tuple(wholes), tuple(lacking)))
    return found


def _original(name: str, content: bytes, importer: str) -> Original:
    packed = zlib.compress(content)
    return Original(name, digest(content), importer, imports.VERSION, packed)


def again(original: Original, place: int, dated: datetime) -> Whole:
    """One workout of kept bytes, by today's readers; `dated` is when it ended. Raises FAULTS."""
    workouts = imports.read(original.name, original.content)
    if place >= len(workouts):
        raise ImportFault(
            f"{original.name} tells of {len(workouts)} workouts, no longer of {place + 1}.",
            "Please report it, with the file.",
        )
    return whole(original.name, workouts[place], dated, None)


def whole(name: str, workout: Workout, dated: datetime, athlete: str | None) -> Whole:
    """A workout as a session, with all that is derived from it."""
    started_at = workout.started_at or workout.dated_at
    if started_at is None:
        started_at = dated - timedelta(seconds=workout.end_s)
    lacking = " ".join(str(told) for told in workout.left_out if not told.workout)
    told_of = (("left_out", lacking),) if lacking else ()
    frames = partial(frames_of, workout)
    if len(workout.points) <= HELD_POINTS:
        held = tuple(frames())
        frames = partial(iter, held)
    return _derived(
        frames,
        plan=planned(workout),
        started_at=started_at,
        start_from=workout.start_from,
        end_ns=round(workout.end_s * 1e9),
        athlete=athlete or workout.athlete,
        sources=(Source(name=SOURCE, driver=_DRIVER),),
        origin=name,
        note=" ".join(filter(None, (workout.note, lacking))) or None,
        tags=tuple(tag for tag in workout.tags if len(tag) <= TAG_LENGTH),
        header=(("format", workout.format), *told_of),
    )


def recorded(name: str, content: bytes, dated: datetime, athlete: str | None) -> Whole:
    """A recording, as `rowlog replay` takes it."""
    with TemporaryDirectory(prefix="rowlog-") as folder:
        copy = Path(folder) / "import.frames"
        copy.write_bytes(content)
        try:
            opened = read_frames(copy)
            opened.verify()
            header, frames = opened.header, tuple(opened)
        except FramesError as error:
            told = str(error).replace(str(copy), name)
            raise ImportFault(told, "Mend that line, or export it again.") from error
    if not frames:
        raise ImportFault(
            f"{name} is a recording of nothing: no frame is in it.", "Export it again."
        )
    bounded(name, "frames", len(frames), MOST_FRAMES)
    last_ns = frames[-1].t_ns
    end_ns = max(header.end_ns or 0, last_ns)
    if end_ns > LONGEST_S * 1e9:
        raise ImportFault(
            f"{name} is a recording of {end_ns / 86_400e9:,.0f} days, which no workout reaches.",
            "Correct its times, or split it.",
        )
    said = ((key, getattr(header, key)) for key in ("machine", "firmware"))
    start_from, extra = split_off(header.extra)
    whole = _derived(
        lambda: frames,
        sources=tuple(
            Source(name=source.name, driver=source.driver, options=source.options)
            for source in header.sources
        ),
        plan=None if header.plan is None else parse(header.plan),
        started_at=header.started_at or dated - timedelta(microseconds=end_ns // 1000),
        start_from=start_from if header.started_at is not None else UNKNOWN,
        end_ns=end_ns,
        athlete=athlete,
        origin=header.origin or name,
        note=header.note,
        licence=header.licence,
        header=(*((key, text) for key, text in said if text is not None), *extra),
    )
    if _is_empty(whole.totals):
        raise ImportFault(
            f"{name} is a recording in which nobody rowed, and no heart was heard.",
            f"To keep it nevertheless: rowlog replay {name}",
        )
    return whole


def _is_empty(totals: SessionTotals) -> bool:
    """Whether nothing was done, and nothing said that a later rowlog might understand."""
    done = totals.distance_m or totals.stroke_count or totals.work_s or totals.energy_kcal
    return not done and totals.max_heart_rate_bpm is None and not totals.undecoded


def _derived(
    frames: Callable[[], Iterable[Frame]],
    *,
    sources: tuple[Source, ...],
    plan: Plan | None,
    started_at: datetime,
    start_from: Start,
    end_ns: int,
    athlete: str | None,
    origin: str,
    note: str | None,
    header: tuple[tuple[str, str], ...],
    licence: str | None = None,
    tags: tuple[str, ...] = (),
) -> Whole:
    recording = Recording(
        frames=frames,
        decoding=lambda: make_decoding(source.header for source in sources),
        end_ns=end_ns,
    )
    if plan is not None:
        made = recording.cut("plan", str(plan))
    elif _tells_no_intervals(sources, frames()):
        made = recording.cut("auto", None)
    else:
        made = recording.unplanned()[0]
    try:
        blocks = tuple(blocks_of(frames()))
    except BlockError as error:
        raise ImportFault(
            f"{origin or 'A file'} cannot be kept: its {error}.", "Please report it, with the file."
        ) from error
    return Whole(
        started_at=started_at,
        start_from=start_from,
        end_ns=end_ns,
        plan=None if plan is None else str(plan),
        athlete=athlete,
        sources=sources,
        blocks=blocks,
        facts=tuple(made.facts),
        totals=made.totals,
        text=made.text,
        confidence=made.confidence,
        origin=origin,
        note=note,
        licence=licence,
        tags=tags,
        header=header,
    )


def _tells_no_intervals(sources: Sequence[Source], frames: Iterable[Frame]) -> bool:
    """Whether it is of a file that is silent about them; a recording may hold nothing at all."""
    filed = bool(sources) and sources[0].driver == _DRIVER
    first = next(iter(frames), None)
    return filed and first is not None and first.channel != "lap"


def frames_of(workout: Workout) -> Iterator[Frame]:
    """The workout as frames of the `workout_file` driver, in order of time."""
    yield from _told(workout)
    first = workout.points[0] if workout.points else None
    if first is not None and first.distance_m and first.t_s > 0:
        yield Frame(
            t_ns=0,
            source=SOURCE,
            channel="sample",
            payload=encode("sample", elapsed_s=0.0, distance_m=0.0),
        )
    for point in workout.points:
        t_ns = round(point.t_s * 1e9)
        for channel, payload in _records(point, workout.strokes.get(point.stroke or 0)):
            yield Frame(t_ns=t_ns, source=SOURCE, channel=channel, payload=payload)
    if workout.summary is not None:
        said = asdict(workout.summary)
        t_ns = said.pop("t_ns")
        del said["source"]
        payload = encode("summary", **said)
        yield Frame(t_ns=t_ns, source=SOURCE, channel="summary", payload=payload)


def _told(workout: Workout) -> Iterator[Frame]:
    """What the file says of its laps and of the whole, before all else."""
    plan = planned(workout)
    laps = laps_told(workout)
    for number, (lap, start_s, end_s) in enumerate(laps):
        payload = encode(
            "lap",
            **{
                "kind": "rest" if lap.rest else "work",
                "distance_m": lap.metres,
                **lap.said,
                "number": number,
                "start_s": start_s,
                "end_s": end_s,
            },
        )
        yield Frame(t_ns=0, source=SOURCE, channel="lap", payload=payload)
    if laps or workout.said:
        told = {"plan": None if plan is None else str(plan), **workout.said}
        yield Frame(t_ns=0, source=SOURCE, channel="totals", payload=encode("totals", **told))


def _records(point: Point, own: Mapping[str, float | bool] | None) -> Iterator[tuple[str, bytes]]:
    """A row's records; `own`: all that is known of its stroke, None where that is the row's."""
    # The heart first: a piece that the sample ends has then all beats that are known of it.
    if point.heart_rate_bpm is not None or point.rr_ms:
        yield (
            "heart_rate",
            encode("heart_rate", heart_rate_bpm=point.heart_rate_bpm or 0, rr_ms=point.rr_ms),
        )
    if any(
        value is not None
        for value in (point.distance_m, point.stroke_rate_spm, point.power_w, point.stroke)
    ):
        yield (
            "sample",
            encode(
                "sample",
                elapsed_s=point.t_s,
                distance_m=point.distance_m,
                stroke_rate_spm=point.stroke_rate_spm,
                pace_s_per_500m=point.pace_s_per_500m,
                power_w=point.power_w,
                energy_kcal=point.energy_kcal,
                drag_factor=point.drag_factor,
            ),
        )
    if point.stroke is not None and own is not None:
        yield ("stroke", encode("stroke", number=point.stroke, **own))
    elif point.stroke is not None:
        yield (
            "stroke",
            encode(
                "stroke",
                number=point.stroke,
                stroke_rate_spm=point.stroke_rate_spm,
                power_w=point.power_w,
                distance_m=point.stroke_distance_m,
                drive_s=point.drive_s,
                recovery_s=point.recovery_s,
                drive_length_m=point.drive_length_m,
                work_j=point.work_j,
                peak_force_n=point.peak_force_n,
                mean_force_n=point.mean_force_n,
            ),
        )


def planned(workout: Workout) -> Plan | None:
    """The plan that a workout follows: as its file says, else as its laps were; None: neither."""
    text = workout.plan
    if text is None and not workout.laps_are_own:
        text = plan_of(workout.laps, workout.resolution, alone=workout.one_lap_tells)
    if text is None:
        return None
    try:
        return parse(text)
    except NotationError:
        return None
