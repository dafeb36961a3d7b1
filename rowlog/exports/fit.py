"""FIT activities: laps for work and rest, a record a second, strokes, RR intervals, exact figures.

What FIT has no field for, or holds in whole beats and seconds only, stands in developer fields
named as everywhere in rowlog, so that nothing is lost on the way out and in again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from math import ceil
from typing import BinaryIO, Final

from rowlog.contents import Contents, StrokeRow
from rowlog.exports.fit_back import differences
from rowlog.exports.fit_figures import LAP_FIGURES, SESSION_FIGURES
from rowlog.exports.fit_words import own_words, shortened, steps, words
from rowlog.exports.fit_writer import Field, FitWriter
from rowlog.fit_layout import (
    ACTIVITY,
    DEVICE_INFO,
    ENUM,
    EPOCH_S,
    EVENT,
    FILE_ID,
    FLOAT64,
    HRV,
    INTENSITY_ACTIVE,
    INTENSITY_REST,
    LAP,
    MESSAGE_INDEX,
    RECORD,
    SESSION,
    SPORT_ROWING,
    SPORT_TRAINING,
    STRING,
    SUB_SPORT_CARDIO_TRAINING,
    SUB_SPORT_INDOOR_ROWING,
    TIMESTAMP,
    UINT8,
    UINT16,
    UINT32,
    UINT32Z,
    BaseType,
)
from rowlog.summary import SegmentSummary, SessionSummary

__all__ = ["differences", "shortened", "write"]

RR_PER_MESSAGE: Final = 5

_STROKE_FIGURES: Final = (
    "stroke_rate_spm", "power_w", "drive_s", "recovery_s", "drive_length_m", "distance_m",
    "work_j", "peak_force_n", "mean_force_n",
)  # fmt: skip


def write(contents: Contents, out: BinaryIO) -> None:
    """Write the session as a FIT activity."""
    writer = FitWriter()
    session = contents.session
    started = datetime.fromisoformat(session.started_at)
    start = int(started.timestamp()) - EPOCH_S
    end_s = contents.duration_s
    end = start + ceil(end_s)
    writer.message(
        FILE_ID,
        (
            Field(0, ENUM, 4),  # activity
            Field(1, UINT16, 255),  # manufacturer: development
            Field(2, UINT16, 1),
            Field(3, UINT32Z, session.id),
            Field(4, UINT32, start),
        ),
    )
    writer.message(
        DEVICE_INFO,
        (
            Field(TIMESTAMP, UINT32, start),
            Field(0, UINT8, 0),
            Field(2, UINT16, 255),
            Field(27, STRING, "rowlog"),
        ),
    )
    for number, fields in steps(session.plan, _sport(session.activity)):
        writer.message(number, fields)
    writer.message(EVENT, _timer(start, 0))
    _body(writer, contents, start)
    writer.message(EVENT, _timer(end, 4))
    for place, segment in enumerate(contents.segments):
        writer.message(LAP, list(_lap(writer, session, segment, place, start)))
    if not contents.segments:
        writer.message(LAP, list(_only_lap(session, start, end_s)))
    writer.message(SESSION, list(_session(writer, contents, started, start)))
    offset = started.utcoffset()
    local = end + (round(offset.total_seconds()) if offset is not None else 0)
    writer.message(
        ACTIVITY,
        (
            Field(TIMESTAMP, UINT32, end),
            Field(0, UINT32, end_s * 1000),
            Field(1, UINT16, 1),
            Field(2, ENUM, 0),  # manual
            Field(3, ENUM, 26),  # activity
            Field(4, ENUM, 1),  # stop
            Field(5, UINT32, local),
        ),
    )
    out.write(writer.content())


def _timer(timestamp: int, event_type: int) -> tuple[Field, ...]:
    return (Field(TIMESTAMP, UINT32, timestamp), Field(0, ENUM, 0), Field(1, ENUM, event_type))


def _body(writer: FitWriter, contents: Contents, start: int) -> None:
    """A record a second with the strokes of that second, and the RR intervals after it."""
    grid = contents.grid()
    strokes = _by_second(contents.main_strokes)
    beats: dict[int, list[int]] = {}
    source = contents.session.heart_rate_source
    for beat in contents.beats:
        if beat.rr_ms and (source is None or beat.source == source):
            beats.setdefault(int(beat.t_s), []).extend(round(rr) for rr in beat.rr_ms)
    columns = (grid.t_s, grid.distance_m, grid.speed_mps, grid.stroke_rate_spm, grid.power_w)
    rows = zip(*(column.tolist() for column in (*columns, grid.heart_rate_bpm)), strict=True)
    for t_s, distance_m, speed_mps, rate_spm, power_w, bpm in rows:
        if t_s != int(t_s) and t_s != grid.t_s[-1]:
            continue  # a segment's end: its figures are in the lap
        second = int(t_s) if t_s == int(t_s) else int(t_s) + 1
        fields = [Field(TIMESTAMP, UINT32, start + second)]
        for number, kind, value, scale in (
            (5, UINT32, distance_m, 100.0),
            (73, UINT32, speed_mps, 1000.0),
            (4, UINT8, rate_spm, 1.0),
            (7, UINT16, power_w, 1.0),
            (3, UINT8, bpm, 1.0),
        ):
            if value == value:
                fields.append(Field(number, kind, value * scale))
        stroke = strokes.pop(second, None)
        if stroke is not None:
            fields.extend(_stroke(writer, stroke))
        writer.message(RECORD, fields)
        rr = beats.pop(second, [])
        for first in range(0, len(rr), RR_PER_MESSAGE):
            part = rr[first : first + RR_PER_MESSAGE]
            writer.message(HRV, (Field(0, UINT16, part),))
    for stroke in strokes.values():
        last = (Field(TIMESTAMP, UINT32, start + ceil(contents.duration_s)),)
        writer.message(RECORD, (*last, *_stroke(writer, stroke)))


def _by_second(strokes: Sequence[StrokeRow]) -> dict[int, StrokeRow]:
    """The strokes by the record that carries them: the first free second from their own on."""
    placed: dict[int, StrokeRow] = {}
    free = 0
    for stroke in strokes:
        free = max(free, int(stroke.t_s))
        placed[free] = stroke
        free += 1
    return placed


def _stroke(writer: FitWriter, stroke: StrokeRow) -> Iterator[Field]:
    yield writer.own("stroke_number", UINT32, stroke.number)
    yield writer.own("stroke_t_s", FLOAT64, stroke.t_s, "s")
    for name in _STROKE_FIGURES:
        value = getattr(stroke, name)
        if value is not None:
            own = f"stroke_{name.removeprefix('stroke_')}"
            yield writer.own(own, FLOAT64, value, _unit(name))
    if stroke.inferred:
        yield writer.own("stroke_inferred", UINT8, 1)


def _lap(
    writer: FitWriter, session: SessionSummary, segment: SegmentSummary, place: int, start: int
) -> Iterator[Field]:
    begin_s, end_s = segment.started_at_s, segment.started_at_s + segment.duration_s
    yield Field(MESSAGE_INDEX, UINT16, place)
    yield Field(TIMESTAMP, UINT32, start + end_s)
    yield Field(0, ENUM, 9)  # lap
    yield Field(1, ENUM, 1)  # stop
    yield Field(2, UINT32, start + begin_s)
    yield Field(7, UINT32, segment.duration_s * 1000)
    yield Field(8, UINT32, segment.duration_s * 1000)
    yield from _native(
        (9, UINT32, segment.distance_m, 100.0),
        (10, UINT32, segment.stroke_count, 1.0),
        (11, UINT16, segment.energy_kcal, 1.0),
        (110, UINT32, _mean_speed(segment.mean_pace_s_per_500m), 1000.0),
        (15, UINT8, segment.mean_heart_rate_bpm, 1.0),
        (16, UINT8, segment.max_heart_rate_bpm, 1.0),
        (17, UINT8, segment.mean_stroke_rate_spm, 1.0),
        (19, UINT16, segment.mean_power_w, 1.0),
        (63, UINT8, segment.min_heart_rate_bpm, 1.0),
    )
    yield Field(23, ENUM, INTENSITY_ACTIVE if segment.kind == "work" else INTENSITY_REST)
    yield Field(24, ENUM, _trigger(segment))
    sport, sub_sport = _sport(segment.activity if segment.kind == "work" else session.activity)
    yield Field(25, ENUM, sport)
    yield Field(39, ENUM, sub_sport)
    if segment.piece is not None and session.plan is not None:
        yield Field(71, UINT16, segment.piece)  # the workout's step
    yield writer.own("kind", STRING, segment.kind)
    yield from own_words(writer, "activity", segment.activity)
    yield writer.own("ended_by", STRING, segment.ended_by)
    if segment.target is not None:
        yield writer.own("target_type", STRING, segment.target.type)
        if segment.target.value is not None:
            yield writer.own("target_value", FLOAT64, segment.target.value)
    yield from _figures(writer, segment, LAP_FIGURES)


def _only_lap(session: SessionSummary, start: int, end_s: float) -> Iterator[Field]:
    """The lap that readers need where the session has no segments."""
    yield Field(MESSAGE_INDEX, UINT16, 0)
    yield Field(TIMESTAMP, UINT32, start + end_s)
    yield Field(0, ENUM, 9)
    yield Field(1, ENUM, 1)
    yield Field(2, UINT32, start)
    yield Field(7, UINT32, end_s * 1000)
    yield Field(8, UINT32, end_s * 1000)
    yield from _native((9, UINT32, session.distance_m, 100.0))
    yield Field(23, ENUM, INTENSITY_ACTIVE)
    sport, sub_sport = _sport(session.activity)
    yield Field(25, ENUM, sport)
    yield Field(39, ENUM, sub_sport)


def _session(
    writer: FitWriter, contents: Contents, started: datetime, start: int
) -> Iterator[Field]:
    session = contents.session
    end_s = contents.duration_s
    yield Field(MESSAGE_INDEX, UINT16, 0)
    yield Field(TIMESTAMP, UINT32, start + ceil(end_s))
    yield Field(0, ENUM, 9)
    yield Field(1, ENUM, 1)
    yield Field(2, UINT32, start)
    sport, sub_sport = _sport(session.activity)
    yield Field(5, ENUM, sport)
    yield Field(6, ENUM, sub_sport)
    yield Field(7, UINT32, end_s * 1000)
    yield Field(8, UINT32, end_s * 1000)
    yield from _native(
        (9, UINT32, session.distance_m, 100.0),
        (10, UINT32, session.stroke_count, 1.0),
        (11, UINT16, session.energy_kcal, 1.0),
        (124, UINT32, _mean_speed(session.mean_pace_s_per_500m), 1000.0),
        (16, UINT8, session.mean_heart_rate_bpm, 1.0),
        (17, UINT8, session.max_heart_rate_bpm, 1.0),
        (18, UINT8, session.mean_stroke_rate_spm, 1.0),
        (20, UINT16, session.mean_power_w, 1.0),
        (64, UINT8, session.min_heart_rate_bpm, 1.0),
    )
    yield Field(25, UINT16, 0)
    yield Field(26, UINT16, max(1, len(contents.segments)))
    yield Field(28, ENUM, 0)  # ended by the activity's end
    yield writer.own("started_at", STRING, started.isoformat())
    for name, text in words(session).items():
        yield from own_words(writer, name, text)
    yield from _figures(writer, session, SESSION_FIGURES)


def _native(*fields: tuple[int, BaseType, float | None, float]) -> Iterator[Field]:
    for number, kind, value, scale in fields:
        if value is not None:
            yield Field(number, kind, value * scale)


def _figures(
    writer: FitWriter, of: SessionSummary | SegmentSummary, names: Sequence[str]
) -> Iterator[Field]:
    for name in names:
        value = getattr(of, name)
        if value is not None:
            yield writer.own(name, FLOAT64, value, _unit(name))


def _unit(name: str) -> str:
    """What a figure's name says of its unit, as FIT writes it."""
    ending = name.rsplit("_", 1)[-1]
    known = {"s": "s", "m": "m", "kcal": "kcal", "w": "watts", "spm": "strokes/min",
             "bpm": "bpm", "500m": "s/500m", "j": "J", "n": "N", "count": "strokes"}  # fmt: skip
    return known.get(ending, "")


def _mean_speed(pace_s_per_500m: float | None) -> float | None:
    return 500.0 / pace_s_per_500m if pace_s_per_500m else None


def _sport(activity: str) -> tuple[int, int]:
    if activity in ("row", "mixed"):
        return SPORT_ROWING, SUB_SPORT_INDOOR_ROWING
    return SPORT_TRAINING, SUB_SPORT_CARDIO_TRAINING


def _trigger(segment: SegmentSummary) -> int:
    """FIT's lap trigger: 0 manual, 1 time, 2 distance, 7 the session's end."""
    if segment.ended_by == "end":
        return 7
    if segment.ended_by in ("target", "rest_over") and segment.target is not None:
        return {"time": 1, "ratio": 1, "distance": 2}.get(segment.target.type, 0)
    return 0
