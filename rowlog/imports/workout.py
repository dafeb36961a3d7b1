"""What any reader finds in a file: one workout, as points over time and its pieces."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import itemgetter, le
from typing import Final, NamedTuple

from rowlog.imports.left_out import LeftOut, unbelieved_date
from rowlog.starts import FIRST_YEAR, LAST_YEAR, UNKNOWN, Start
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.records import MachineSummary, Record

LONGEST_S: Final = 7 * 86_400.0
FARTHEST_M: Final = 1_000_000.0
MOST_POINTS: Final = 172_800
"""A row a second for two days; who rows longer has a row a stroke."""
MOST_LAPS: Final = 2_000
"""Intervals of 30 seconds with rests of 30 seconds for sixteen hours."""
MOST_BEATS: Final = 400_000
"""Two days of a heart at 139."""
MOST_WORKOUTS: Final = 500
"""In one file that is no season; each with all its rows."""
LARGEST: Final = 1e9
"""No figure of a workout is as large."""
LONGEST_WORD: Final = 200
LONGEST_NOTE: Final = 20_000
MOST_TAGS: Final = 100
SHORTEST_LAP_S: Final = 1.0
"""What is shorter is a slip of the lap key, or of two clocks, and no piece."""


class ImportFault(RowlogError):
    """A file that cannot be taken in; nothing of it was."""


class Point(NamedTuple):
    """What a file says of one instant; None is what it does not say."""

    t_s: float
    """Since the workout's start."""
    distance_m: float | None = None
    """Since the workout's start."""
    stroke_rate_spm: float | None = None
    power_w: float | None = None
    pace_s_per_500m: float | None = None
    heart_rate_bpm: int | None = None
    rr_ms: tuple[float, ...] | None = None
    stroke: int | None = None
    """Number of the stroke that this is; None where points are no strokes."""
    drive_s: float | None = None
    recovery_s: float | None = None
    drive_length_m: float | None = None
    stroke_distance_m: float | None = None
    work_j: float | None = None
    peak_force_n: float | None = None
    mean_force_n: float | None = None
    drag_factor: int | None = None
    energy_kcal: float | None = None
    line: int = 0
    """Where the file says it: the first is 1; 0 where it does not stand in one place."""


class Lap(NamedTuple):
    """One piece of work or rest as the file has it."""

    rest: bool
    seconds: float
    metres: float | None = None
    start_s: float | None = None
    """Since the workout's start; None: where the one before ends."""
    said: Mapping[str, float | str] = {}
    """What else it says, under the names of a FileLap's fields."""


class Resolution(NamedTuple):
    """How far the lengths of a file's laps may be from what they were meant to be."""

    within_s: float = 0.3
    within_m: float = 0.5


IN_TENTHS: Final = Resolution()
"""That of a table of laps in tenths, and of a lap key's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workout:
    """One workout of a file."""

    format: str
    started_at: datetime | None
    """None when the file does not say. Without an offset as a reader finds it, with that of this
    place once it is checked."""
    dated_at: datetime | None = None
    """With an offset: the date of the file that it comes from in turn, where that did not say."""
    start_from: Start = "said"
    """Who says that; "day" where a reader finds the day alone."""
    points: tuple[Point, ...]
    """In order of time."""
    laps: tuple[Lap, ...] = ()
    """In order; () where the file has none."""
    laps_are_own: bool = False
    """Whether rowlog itself wrote them, so that even one alone tells where the piece was."""
    one_lap_tells: bool = False
    """Whether even one alone tells where the piece was, whoever wrote it."""
    resolution: Resolution = IN_TENTHS
    """Of its laps."""
    said: Mapping[str, float | str] = field(default_factory=dict)
    """What it says of the whole, under the names of a FileTotals' fields."""
    plan: str | None = None
    """Interval text, where the file has it."""
    athlete: str | None = None
    note: str | None = None
    """What the file says of it in words."""
    tags: tuple[str, ...] = ()
    strokes: Mapping[int, Mapping[str, float | bool]] = field(default_factory=dict)
    """What rowlog itself wrote of strokes, by their numbers and under the names of a Stroke's
    fields: all that is known of them, whatever else stands in the same row."""
    summary: MachineSummary | None = None
    """The whole of it, where the file has that."""
    content: bytes | None = None
    """Its own part of the file; None where it is all of it."""
    left_out: tuple[LeftOut, ...] = ()
    """Rows and cells of the file that could not be read as a part of it."""
    counted: str = "line"
    """What the points' `line` counts: the file's lines, or what it has in their place."""

    @property
    def end_s(self) -> float:
        """When the last of it was."""
        return self.points[-1].t_s if self.points else 0.0


def laps_told(workout: Workout) -> list[tuple[Lap, float, float]]:
    """The laps that tell where its pieces are, and from when to when each is; [] where none do.

    Seconds since the workout's start. A lap alone tells nothing, unless it says so.
    """
    alone = workout.laps_are_own or workout.one_lap_tells
    laps = workout.laps if alone or len(workout.laps) > 1 else ()
    told = []
    for lap, following in zip(laps, (*laps[1:], None), strict=False):
        start_s = lap.start_s or 0.0
        end_s = start_s + lap.seconds
        next_s = None if following is None else following.start_s
        if next_s is not None and abs(next_s - end_s) < SHORTEST_LAP_S:
            end_s = next_s  # the same instant, by the session's clock
        told.append((lap, start_s, end_s))
    return told


def checked(name: str, workout: Workout) -> Workout:
    """The workout, if it can be one. Raises ImportFault, naming what cannot be."""
    points = workout.points
    if workout.summary is None and not any(any(point[1:-1]) for point in points):
        raise ImportFault(
            f"{name} tells of no metre, no stroke and no heartbeat.", "Export it again."
        )
    bounded(name, "rows", len(points), MOST_BEATS if workout.format == "rr" else MOST_POINTS)
    bounded(name, "pieces", len(workout.laps), MOST_LAPS)
    if not _sound(points):
        _judge(name, points, workout.counted)
    for number, lap in enumerate(workout.laps, 1):
        if not (0 <= lap.seconds <= LONGEST_S and 0 <= (lap.metres or 0.0) <= FARTHEST_M):
            metres = "" if lap.metres is None else f" and {lap.metres:g} m"
            raise ImportFault(
                f"{name}: its piece {number} is of {lap.seconds:g} s{metres}, "
                "which no workout reaches.",
                "Correct or remove it, or export the file again.",
            )
    laps = workout.laps if workout.laps_are_own else laid_out(workout.laps)
    at, start_from = _start(workout)
    lacking = workout.left_out
    if at is None and workout.started_at is not None:
        lacking = (*lacking, *unbelieved_date(workout.started_at.date().isoformat()))
    dated_at = workout.dated_at
    if dated_at is not None and (dated_at.tzinfo is None or not plausible(dated_at)):
        dated_at = None
    return replace(
        workout,
        started_at=at,
        start_from=start_from,
        dated_at=dated_at,
        laps=laps,
        left_out=lacking,
    )


def bounded(name: str, what: str, count: int, most: int) -> None:
    """Raise ImportFault for more than one workout can have of it."""
    if count > most:
        raise ImportFault(
            f"{name} holds more than {most:,} {what}, which no workout does.",
            "Name a file of one workout, or split this one.",
        )


def _sound(points: Sequence[Point]) -> bool:
    """Whether it is plain, column by column, that nothing is wrong with any row."""
    times: list[float] = [*map(itemgetter(0), points)]
    if not (all(map(le, times, times[1:])) and times[0] >= 0 and times[-1] <= LONGEST_S):
        return False
    metres: list[float] = [told for told in map(itemgetter(1), points) if told is not None]
    if not (all(map(le, metres, metres[1:]))):
        return False
    if metres and not (metres[0] >= 0 and metres[-1] <= FARTHEST_M):
        return False
    return all(
        _is_finite([told for told in map(itemgetter(place), points) if told])
        for place, field in enumerate(Point._fields)
        if field not in ("rr_ms", "line")
    )


def _is_finite(figures: Sequence[float]) -> bool:
    try:
        whole = math.isfinite(sum(figures))
    except OverflowError:
        return False
    return whole and (not figures or (min(figures) > -LARGEST and max(figures) < LARGEST))


def _judge(name: str, points: Sequence[Point], counted: str) -> None:
    """Look at each row. Raises ImportFault for the first that cannot be."""
    last_s = last_m = 0.0
    for place, point in enumerate(points, 1):
        where = f"{name}: {counted} {point.line or place}"
        t_s, metres = point[0], point[1]
        if not (
            0 <= t_s <= LONGEST_S
            and (metres is None or 0 <= metres <= FARTHEST_M)
            and all(
                -LARGEST < figure < LARGEST
                for figure in point
                if figure.__class__ is float or figure.__class__ is int
            )
        ):
            _check(where, point)
        if t_s < last_s:
            raise ImportFault(
                f"{where} is of an earlier time than the one before it.",
                "Put them in order, or split the file where its clock begins again.",
            )
        if metres is not None and metres < last_m - 1:
            raise ImportFault(
                f"{where} has fewer metres than the one before it: {metres:g} after {last_m:g}.",
                "Put them in order, or split the file where its metres begin again.",
            )
        last_s = t_s
        if metres is not None and metres > last_m:
            last_m = metres


def _check(where: str, point: Point) -> None:
    """Name what is wrong with a row. Raises ImportFault."""
    next_ = "Correct or remove it, or export the file again."
    for what, value, most, unit in (
        ("time", point.t_s, LONGEST_S, "s"),
        ("distance", point.distance_m, FARTHEST_M, "m"),
    ):
        if value is not None and not 0 <= value <= most:
            raise ImportFault(
                f"{where} is at a {what} of {value:g} {unit} since the start, "
                "which no workout reaches.",
                next_,
            )
    for what_of, figure in zip(Point._fields, point, strict=True):
        if isinstance(figure, float | int) and not abs(figure) < LARGEST:
            what = what_of.rpartition("_")[0].replace("_", " ") or what_of
            raise ImportFault(f"{where} has a {what} of {figure:g}, which nobody reaches.", next_)


def instant(text: object) -> datetime | None:
    """The instant that a text of ISO 8601 says; None for any other."""
    try:
        return datetime.fromisoformat(str(text).strip())
    except ValueError:
        return None


def note_in(text: str | None) -> str | None:
    """A note of a file's, as long as one can be; None where nothing stands in it."""
    return (text or "").strip()[:LONGEST_NOTE] or None


def tags_in(text: str | None) -> tuple[str, ...]:
    """The tags that a file of rowlog's has, a line each."""
    told = (line.strip() for line in (text or "").splitlines()[:MOST_TAGS])
    return tuple(tag for tag in told if tag and tag.isprintable())


def shown(text: str) -> str:
    """Text of a stranger's without what would do something to a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:300]


def figures_in(
    said: Mapping[str, object],
    kind: type[Record],
    *,
    but: Sequence[str] = (),
    told: Callable[[str, object], None],
) -> dict[str, float | str]:
    """Of what a file says under rowlog's own names, that which a record of this kind can hold.

    `told` is called with the name and the value of each that it cannot.
    """
    found: dict[str, float | str] = {}
    for known in fields(kind)[2:]:
        value, wanted = said.get(known.name), str(known.type)
        if value is None or known.name in but:
            continue
        if wanted.startswith("str"):
            if isinstance(value, str) and len(value) <= LONGEST_WORD and value.isprintable():
                found[known.name] = value
            else:
                told(known.name, value)
            continue
        try:
            figure = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            figure = math.nan
        if math.isfinite(figure) and abs(figure) <= FARTHEST_M:
            found[known.name] = figure if "float" in wanted else round(figure)
        else:
            told(known.name, value)
    return found


def laid_out(laps: Sequence[Lap]) -> tuple[Lap, ...]:
    """The laps one behind the other: a rest where time is missing, none shorter than a second."""
    laid: list[Lap] = []
    at_s = 0.0
    for lap in laps:
        start_s = at_s if lap.start_s is None else max(lap.start_s, at_s)
        if lap.seconds < SHORTEST_LAP_S:
            continue
        if start_s - at_s >= SHORTEST_LAP_S:
            if laid:
                laid.append(Lap(rest=True, seconds=start_s - at_s, start_s=at_s))
        elif laid:
            start_s = at_s
        laid.append(lap._replace(start_s=start_s))
        at_s = start_s + lap.seconds
    return tuple(laid)


def plausible(at: datetime) -> bool:
    """Whether somebody can have rowed then: a clock that was never set tells other years."""
    return FIRST_YEAR <= at.year <= LAST_YEAR


def _start(workout: Workout) -> tuple[datetime | None, Start]:
    """When it began, in the zone of this place where none is told, and who says so."""
    at = workout.started_at
    if at is None or not plausible(at):
        return None, UNKNOWN
    if at.tzinfo is not None:
        return at, workout.start_from
    return at.astimezone(), "local" if workout.start_from == "said" else workout.start_from
