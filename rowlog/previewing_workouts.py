"""What a workout comes to: as a session of which all is derived, or from its rows alone, quickly.

A quick look counts, weighs and believes by the same rules as along the path of a recording, here
in whole columns at once. Only a heart rate that leaps within five seconds of a piece's edge, or is
not told at it, may differ: at the edge a recording does not know yet what the next reading is, a
file does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from operator import itemgetter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from rowlog.figures import mean_pace, mean_rate
from rowlog.heart import JUMP_BPM, Plausibility
from rowlog.importing_sessions import planned
from rowlog.imports.left_out import LeftOut
from rowlog.imports.workout import Lap, Point, Workout, laps_told
from rowlog.metrics import HOLD_S, Array, Mean, time_weighted_mean
from rowlog.plan import ROW
from rowlog.segments import Segment
from rowlog.starts import Start
from rowlog.store_whole import Whole
from rowlog_drivers.records import HeartRate

_SLOWEST_BPM, _FASTEST_BPM = 20, 250
_MOST_W: Final = 2000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PiecePreview:
    """One piece of work, rest or pause; None is unknown."""

    kind: str
    activity: str
    started_at_s: float
    """Since the workout's start."""
    duration_s: float
    distance_m: float | None = None
    stroke_count: int | None = None
    mean_pace_s_per_500m: float | None = None
    mean_power_w: float | None = None
    mean_stroke_rate_spm: float | None = None
    mean_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkoutPreview:
    """One workout of a file; None is unknown. Means run over work only, heart rate over all."""

    sha256: str = ""
    """What the bytes that tell of it are known by."""
    session: int | None = None
    """The number that it would get; None for one that is known, and where that is not asked."""
    known: bool = False
    """Whether it was imported before."""
    overlaps: tuple[int, ...] = ()
    """Sessions that are there and of the same time."""
    format: str
    started_at: str | None
    """ISO 8601 with offset; None in a quick look where the file does not say."""
    start_from: Start = "said"
    """Who says that."""
    plan: str | None = None
    """Interval text: the file's own, or what its laps come to."""
    looks_like: str | None = None
    """The pattern that was recognised where nobody tells of pieces; None in a quick look."""
    confidence: float | None = None
    """In that, 0 to 1."""
    athlete: str | None = None
    note: str | None = None
    duration_s: float
    work_s: float | None = None
    """Of work and rest is known what laps tell, or the file of the whole."""
    rest_s: float | None = None
    distance_m: float | None = None
    work_distance_m: float | None = None
    rest_distance_m: float | None = None
    stroke_count: int | None = None
    energy_kcal: float | None = None
    mean_pace_s_per_500m: float | None = None
    mean_power_w: float | None = None
    mean_stroke_rate_spm: float | None = None
    mean_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None
    left_out: tuple[LeftOut, ...] = ()
    """Rows of the file that could not be read as a part of it."""
    pieces: tuple[PiecePreview, ...] = ()
    """() where nobody rowed; in a quick look also where the file tells of none."""


_OF_PIECES: Final = frozenset(field.name for field in fields(PiecePreview))
_OF_WORKOUTS: Final = frozenset(field.name for field in fields(WorkoutPreview)) - {"plan"}


def preview_of(workout: Workout) -> WorkoutPreview:
    """What a workout comes to."""
    rows = _Rows(workout.points)
    laps = laps_told(workout)
    pieces = [_piece(rows, *lap) for lap in laps]
    plan = planned(workout)
    from_zero = bool(laps or workout.said) or rows.starts_at_zero
    start_s = 0.0 if from_zero else workout.points[0].t_s
    beats = rows.beats(0.0, workout.end_s)
    preview = WorkoutPreview(
        format=workout.format,
        started_at=None if workout.started_at is None else workout.started_at.isoformat(),
        start_from=workout.start_from,
        plan=None if plan is None else str(plan),
        athlete=workout.athlete,
        note=workout.note,
        left_out=workout.left_out,
        duration_s=round(workout.end_s * 1e9) / 1e9 - start_s,
        distance_m=rows.distance_m,
        stroke_count=rows.stroke_count,
        energy_kcal=rows.energy_kcal,
        mean_heart_rate_bpm=beats.value,
        max_heart_rate_bpm=beats.maximum,
        pieces=tuple(piece for piece, _ in pieces),
    )
    if pieces:
        preview = replace(preview, **_sums(pieces))
    if workout.summary is not None:
        preview = replace(preview, **_monitors(workout))
    said: dict[str, Any] = {k: v for k, v in workout.said.items() if k in _OF_WORKOUTS}
    return replace(preview, **said)


def preview_of_session(whole: Whole, format_: str) -> WorkoutPreview:
    """What a session would come to, of which all is derived."""
    totals = whole.totals
    told = {fact.index: fact for fact in whole.facts if isinstance(fact, Segment)}
    return WorkoutPreview(
        format=format_,
        started_at=whole.started_at.isoformat(),
        start_from=whole.start_from,
        plan=whole.plan,
        looks_like=whole.text if whole.plan is None else None,
        confidence=whole.confidence,
        athlete=whole.athlete,
        note=whole.note,
        pieces=tuple(
            PiecePreview(
                kind=one.kind,
                activity=one.activity,
                started_at_s=one.start.t_ns / 1e9,
                **{
                    name: getattr(one.figures, name)
                    for name in _OF_PIECES
                    if hasattr(one.figures, name)
                },
            )
            for _, one in sorted(told.items())
        ),
        **{name: getattr(totals, name) for name in _OF_WORKOUTS if hasattr(totals, name)},
    )


class _Rows:
    """The rows of a workout as columns; heart rates and watts only as far as they are believed."""

    def __init__(self, points: Sequence[Point]) -> None:
        self._points = points
        self._t_s = _numbers(self._column("t_s"))
        first = points[0] if points else None
        self.starts_at_zero = bool(first is not None and first.distance_m and first.t_s > 0)
        self._clock_s = self._machine_clock()
        exact = np.flatnonzero(self._clock_s % 1)
        self._exact_s = float(self._clock_s[exact[0]]) if len(exact) else np.inf
        metres = _numbers(self._column("distance_m"))
        known = ~np.isnan(metres)
        self._metres_t_s = self._t_s[known]
        self._metres = np.maximum.accumulate(metres[known])
        if self.starts_at_zero:
            self._metres_t_s = np.insert(self._metres_t_s, 0, 0.0)
            self._metres = np.insert(self._metres, 0, 0.0)
        elif len(self._metres):
            self._metres = self._metres - self._metres[0]
        self._stroke_places = _stroke_places(self._column("stroke"))
        self._strokes_t_s = self._t_s[self._stroke_places]
        self._power = self._believed_power()
        self._heart = self._believed_heart()

    def _column(self, field: str) -> list[Any]:
        """What all rows say of one field."""
        return list(map(itemgetter(Point._fields.index(field)), self._points))

    @property
    def distance_m(self) -> float | None:
        return float(self._metres[-1]) if len(self._metres) else None

    @property
    def energy_kcal(self) -> float | None:
        told = [kcal for kcal in self._column("energy_kcal") if kcal is not None]
        return told[-1] - told[0] if told else None

    @property
    def stroke_count(self) -> int | None:
        return len(self._strokes_t_s) or None

    def seconds(self, lap: Lap, start_s: float, end_s: float) -> float:
        """How long a lap was: work by the machine's clock where that has parts of a second."""
        clock_s = self._clock_s
        if lap.rest or not len(clock_s):
            return end_s - start_s
        first_s, last_s = float(clock_s[0]), float(clock_s[-1])
        shown_by = min(int(np.searchsorted(clock_s, end_s)), len(clock_s) - 1)  # that it has ended
        if clock_s[shown_by] < self._exact_s:
            return end_s - start_s
        counted = min(end_s, last_s) - max(start_s, first_s)
        return counted if counted > 0 else end_s - start_s

    def rowed(self, start_s: float, end_s: float) -> float | None:
        """The metres between two instants."""
        if not len(self._metres):
            return None
        at = np.interp((start_s, end_s), self._metres_t_s, self._metres)
        return float(at[1] - at[0])

    def strokes(self, start_s: float, end_s: float) -> int | None:
        """How many strokes began between two instants, one at the very end left to what follows."""
        if not len(self._strokes_t_s):
            return None
        first, last = np.searchsorted(self._strokes_t_s, (start_s, end_s))
        return int(last - first)

    def beats(self, start_s: float, end_s: float) -> Mean:
        """The heart rate between two instants."""
        return time_weighted_mean(*self._heart, start_s, end_s, linear=True)

    def power(self, start_s: float, end_s: float) -> Mean:
        """The power of a piece; 0 W before its first stroke is measured is no value."""
        t_s, watts = self._power
        reach = np.searchsorted(t_s, (start_s - HOLD_S, end_s + HOLD_S), "right")
        t_s, watts = t_s[reach[0] : reach[1]], watts[reach[0] : reach[1]].copy()
        first, last = np.searchsorted(t_s, (start_s, end_s))
        rowing = np.flatnonzero(watts[first:last] > 0)
        begun = first + int(rowing[0]) if len(rowing) else last
        watts[first:begun][watts[first:begun] == 0] = np.nan
        return time_weighted_mean(t_s, watts, start_s, end_s)

    def _machine_clock(self) -> Array:
        """When the machine told its time."""
        told = np.zeros(len(self._t_s), bool)
        for name in ("distance_m", "stroke_rate_spm", "power_w", "stroke"):
            told |= ~np.isnan(_numbers(self._column(name)))
        return np.insert(self._t_s[told], 0, [0.0] if self.starts_at_zero else [])

    def _believed_power(self) -> tuple[Array, Array]:
        """A stroke's watts count from where the next begins, as they come from a machine."""
        watts = _numbers(self._column("power_w"))
        strokes = watts[self._stroke_places]
        before = np.append(np.nan, strokes[:-1]) if len(strokes) else strokes
        watts[self._stroke_places] = np.where(np.isnan(before), strokes, before)
        known = (watts >= 0) & (watts <= _MOST_W)
        return self._t_s[known], watts[known]

    def _believed_heart(self) -> tuple[Array, Array]:
        """The readings without those that were impossible, and those of a passing jump."""
        bpm = _numbers(self._column("heart_rate_bpm"))
        told = ~np.isnan(bpm) | np.array([bool(rr) for rr in self._column("rr_ms")], bool)
        t_s, bpm = self._t_s[told], bpm[told]
        bpm[(bpm < _SLOWEST_BPM) | (bpm > _FASTEST_BPM)] = np.nan
        kept = _without_spikes(t_s, bpm)
        return t_s[kept], bpm[kept]


def _numbers(column: Sequence[Any]) -> Array:
    return np.array(column, dtype=np.float64)  # None becomes NaN


def _stroke_places(numbers: Sequence[int | None]) -> list[int]:
    """The rows in which a stroke begins; several of one number are one."""
    places: list[int] = []
    last = None
    for place, number in enumerate(numbers):
        if number is not None and number != last:
            places.append(place)
            last = number
    return places


def _without_spikes(t_s: Array, bpm: Array) -> NDArray[np.bool_]:
    """Which readings are believed; who judges them has to look only where a value leaps."""
    kept = np.ones(len(bpm), bool)
    valid = np.flatnonzero(~np.isnan(bpm))
    leaps = np.flatnonzero(np.abs(np.diff(bpm[valid])) > JUMP_BPM)
    judged = -1
    for before, leap in zip(valid[leaps].tolist(), valid[leaps + 1].tolist(), strict=True):
        if leap <= judged:
            continue
        plausibility = Plausibility()
        plausibility.read(_reading(t_s[before], bpm[before]))
        doubted: list[int] = []
        for judged in range(leap, len(bpm)):
            reading = plausibility.read(_reading(t_s[judged], bpm[judged]))
            if reading.spike_ns is not None:
                kept[doubted] = False
            if not reading.doubted:
                break
            doubted.append(judged)
        else:
            kept[doubted] = False  # no reading came that would have confirmed them
    return kept


def _reading(t_s: float, bpm: float) -> HeartRate:
    beats = 0 if bpm != bpm else int(bpm)
    return HeartRate(t_ns=round(t_s * 1e9), source="", heart_rate_bpm=beats)


_Piece = tuple[PiecePreview, Mean]
"""A piece, and its power with the time that it rests on."""


def _piece(rows: _Rows, lap: Lap, start_s: float, end_s: float) -> _Piece:
    """A lap with what its rows say of it; what the file says of it goes before that."""
    said: dict[str, Any] = {"distance_m": lap.metres, **lap.said}
    power, beats = rows.power(start_s, end_s), rows.beats(start_s, end_s)
    seconds = _told(said, "duration_s", rows.seconds(lap, start_s, end_s))
    metres = _told(said, "distance_m", rows.rowed(start_s, end_s))
    strokes = _told(said, "stroke_count", rows.strokes(start_s, end_s))
    moving = strokes is None or strokes > 0
    piece = PiecePreview(
        kind="rest" if lap.rest else "work",
        activity="rest" if lap.rest else ROW,
        started_at_s=start_s,
        duration_s=seconds,
        distance_m=metres,
        stroke_count=strokes,
        mean_pace_s_per_500m=mean_pace(metres, seconds) if moving and metres is not None else None,
        mean_power_w=power.value if moving else None,
        mean_stroke_rate_spm=None if strokes is None else mean_rate(strokes, seconds),
        mean_heart_rate_bpm=beats.value,
        max_heart_rate_bpm=beats.maximum,
    )
    known = {k: v for k, v in said.items() if k in _OF_PIECES and v is not None}
    return replace(piece, **known), power


def _told(said: Mapping[str, Any], name: str, found: Any) -> Any:
    value = said.get(name)
    return found if value is None else value


def _sums(pieces: Sequence[_Piece]) -> dict[str, Any]:
    """What the pieces of work come to, and those of rest."""
    work = [(piece, power) for piece, power in pieces if piece.kind == "work"]
    rest = [piece for piece, _ in pieces if piece.kind == "rest"]
    rowed = [piece for piece, _ in work if piece.activity == ROW]
    seconds = sum(piece.duration_s for piece in rowed)
    metres = _sum(piece.distance_m for piece in rowed)
    strokes = _sum(piece.stroke_count for piece in rowed)
    powered = sum(power.seconds for _, power in work)
    return {
        "work_s": sum(piece.duration_s for piece, _ in work),
        "rest_s": sum(piece.duration_s for piece in rest),
        "work_distance_m": _sum(piece.distance_m for piece, _ in work),
        "rest_distance_m": _sum(piece.distance_m for piece in rest),
        "mean_pace_s_per_500m": mean_pace(metres, seconds) if metres is not None else None,
        "mean_power_w": sum((power.value or 0.0) * power.seconds for _, power in work) / powered
        if powered
        else None,
        "mean_stroke_rate_spm": None if strokes is None else mean_rate(int(strokes), seconds),
    }


def _sum(figures: Iterable[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if known else None


def _monitors(workout: Workout) -> dict[str, Any]:
    """What the monitor itself said of the whole, under a workout's names."""
    said = workout.summary
    if said is None or said.time_s is None or said.distance_m is None:
        return {}
    figures = {
        "work_s": said.time_s,
        "work_distance_m": said.distance_m,
        "rest_s": said.rest_s,
        "rest_distance_m": said.rest_distance_m,
        "stroke_count": said.stroke_count,
        "energy_kcal": said.energy_kcal,
        "mean_pace_s_per_500m": mean_pace(said.distance_m, said.time_s),
        "mean_power_w": said.power_w,
        "mean_stroke_rate_spm": said.stroke_rate_spm,
    }
    return {name: value for name, value in figures.items() if value is not None}
