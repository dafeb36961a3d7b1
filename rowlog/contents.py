"""All that is known of one session, in the shape that exports, charts and reports are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rowlog.metrics import as_of
from rowlog.series import Series, load_series, samples
from rowlog.store_read import open_reader
from rowlog.summary import SegmentSummary, SessionSummary, Summary, load
from rowlog_drivers.records import HeartRate, RowerSample, Stroke

Array = NDArray[np.float64]

STROKE_HOLD_S: Final = 10.0
"""The rate and power of a stroke stand for this long at most."""


class StrokeRow(NamedTuple):
    """One stroke; None is unknown."""

    source: str
    number: int
    t_s: float
    """Since session start, when the stroke was reported."""
    stroke_rate_spm: float | None
    power_w: float | None
    distance_m: float | None
    """Of this stroke alone."""
    total_distance_m: float | None
    elapsed_s: float | None
    """Machine time."""
    drive_s: float | None
    recovery_s: float | None
    drive_length_m: float | None
    work_j: float | None
    peak_force_n: float | None
    mean_force_n: float | None
    inferred: int
    """1: concluded from a counter; 0: the machine reported it."""
    force_curve_n: tuple[float, ...] | None
    """Handle force over the drive, evenly spaced in the machine's own steps."""


class BeatRow(NamedTuple):
    """One heart-rate measurement."""

    source: str
    t_s: float
    heart_rate_bpm: int
    rr_ms: tuple[float, ...] | None
    contact: bool | None


class Grid(NamedTuple):
    """The session on one axis: whole seconds, and the ends of segments; NaN is unknown."""

    t_s: Array
    segment: NDArray[np.int64]
    """Index of the segment that each instant belongs to, -1 for none. An end belongs to what
    ends there."""
    distance_m: Array
    speed_mps: Array
    stroke_rate_spm: Array
    power_w: Array
    heart_rate_bpm: Array


class Contents(NamedTuple):
    """One session with everything in it."""

    summary: Summary
    series: Series
    strokes: tuple[StrokeRow, ...]
    beats: tuple[BeatRow, ...]
    """Every measurement of every strap, in order of time."""
    database: Path

    @property
    def session(self) -> SessionSummary:
        """The session's figures."""
        return self.summary.session

    @property
    def segments(self) -> tuple[SegmentSummary, ...]:
        """Its work, rests and pauses, in order."""
        return self.summary.segments

    @property
    def main_strokes(self) -> tuple[StrokeRow, ...]:
        """The strokes of one rower, in order of time: the one that reported most."""
        sources = [stroke.source for stroke in self.strokes]
        if not sources:
            return ()
        main = max(dict.fromkeys(sources), key=sources.count)
        return tuple(
            sorted((s for s in self.strokes if s.source == main), key=lambda stroke: stroke.t_s)
        )

    @property
    def duration_s(self) -> float:
        """The session's length; that of its last segment where that ends later."""
        ends = [segment.started_at_s + segment.duration_s for segment in self.segments]
        return max([self.session.duration_s or 0.0, *ends])

    def grid(self, step_s: float = 1.0) -> Grid:
        """The session at every `step_s`, and at the exact ends of its segments."""
        ends = [segment.started_at_s + segment.duration_s for segment in self.segments]
        starts = [segment.started_at_s for segment in self.segments]
        last_s = self.duration_s
        t_s = np.unique(np.round([*np.arange(0.0, last_s + 1e-9, step_s), *ends, last_s], 9))
        segment = np.full(len(t_s), -1, dtype=np.int64)
        for index, (start_s, end_s) in enumerate(zip(starts, ends, strict=True)):
            after = t_s >= start_s if index == 0 else t_s > round(start_s, 9)
            segment[after & (t_s <= round(end_s, 9))] = index
        return Grid(
            t_s=t_s,
            segment=segment,
            distance_m=self._distance(t_s),
            speed_mps=_speed(as_of(*self.series.pace_s_per_500m, t_s)),
            stroke_rate_spm=as_of(*self.series.stroke_rate_spm, t_s, hold_s=STROKE_HOLD_S),
            power_w=as_of(*self.series.power_w, t_s, hold_s=STROKE_HOLD_S),
            heart_rate_bpm=as_of(*self.series.heart_rate_bpm, t_s),
        )

    def _distance(self, t_s: Array) -> Array:
        times, metres = self.series.distance_m
        if len(times) == 0:
            return np.full(len(t_s), np.nan)
        reached = np.interp(t_s, times, metres, left=0.0 if times[0] > 0 else metres[0])
        total = self.session.distance_m
        if total is not None and len(reached):
            reached[-1] = max(total, reached[-2] if len(reached) > 1 else 0.0)
        return np.maximum.accumulate(reached)


def load_contents(database: Path, session_id: int, which: str | None = None) -> Contents:
    """Everything of a stored session, cut as `which` says. Raises StoreError and CallError."""
    summary = load(database, session_id, which)
    with open_reader(database) as reader:
        strokes = reader.records(session_id, Stroke)
        beats = reader.records(session_id, HeartRate)
    return Contents(
        summary=summary,
        series=load_series(database, session_id),
        strokes=tuple(_stroke(stroke) for stroke in strokes),
        beats=tuple(
            BeatRow(
                source=beat.source,
                t_s=beat.t_ns / 1e9,
                heart_rate_bpm=beat.heart_rate_bpm,
                rr_ms=beat.rr_ms,
                contact=beat.contact,
            )
            for beat in beats
        ),
        database=database,
    )


SAMPLE_COLUMNS: Final = ("t_s", *(field.name for field in fields(RowerSample)[1:]))
"""The columns of `sample_rows`: those of the record, its time in seconds."""


def sample_rows(contents: Contents) -> Iterator[tuple[object, ...]]:
    """Every record that a rower sent, as it was decoded, in `SAMPLE_COLUMNS`. Raises StoreError."""
    names = SAMPLE_COLUMNS[1:]
    for sample in samples(contents.database, contents.session.id):
        yield (sample.t_ns / 1e9, *(getattr(sample, name) for name in names))


def _stroke(stroke: Stroke) -> StrokeRow:
    return StrokeRow(
        source=stroke.source,
        number=stroke.number,
        t_s=stroke.t_ns / 1e9,
        stroke_rate_spm=stroke.stroke_rate_spm,
        power_w=stroke.power_w,
        distance_m=stroke.distance_m,
        total_distance_m=stroke.total_distance_m,
        elapsed_s=stroke.elapsed_s,
        drive_s=stroke.drive_s,
        recovery_s=stroke.recovery_s,
        drive_length_m=stroke.drive_length_m,
        work_j=stroke.work_j,
        peak_force_n=stroke.peak_force_n,
        mean_force_n=stroke.mean_force_n,
        inferred=int(stroke.inferred),
        force_curve_n=stroke.force_curve_n,
    )


def _speed(pace: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.where(pace > 0, 500.0 / pace, np.nan)
