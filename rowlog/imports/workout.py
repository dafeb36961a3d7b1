"""What any reader finds in a file: one workout, as points over time and its pieces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from rowlog_drivers.errors import RowlogError
from rowlog_drivers.records import MachineSummary

LONGEST_S: Final = 7 * 86_400.0
FARTHEST_M: Final = 1_000_000.0
MOST_POINTS: Final = 500_000


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


class Lap(NamedTuple):
    """One piece of work or rest as the file has it."""

    rest: bool
    seconds: float
    metres: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Workout:
    """One workout of a file."""

    format: str
    started_at: datetime | None
    """With an offset; None when the file does not say."""
    points: tuple[Point, ...]
    """In order of time."""
    laps: tuple[Lap, ...] = ()
    """In order, without gaps; () where the file has none."""
    plan: str | None = None
    """Interval text, where the file has it."""
    athlete: str | None = None
    note: str | None = None
    """What the file says of it in words."""
    summary: MachineSummary | None = None
    """The whole of it, where the file has that."""
    content: bytes | None = None
    """Its own part of the file; None where it is all of it."""

    @property
    def end_s(self) -> float:
        """When the last of it was."""
        return self.points[-1].t_s if self.points else 0.0


def checked(name: str, workout: Workout) -> Workout:
    """The workout, if it can be one. Raises ImportFault, naming what cannot be."""
    points = workout.points
    if all(all(figure is None for figure in point[1:]) for point in points):
        raise ImportFault(f"{name}: no row of it holds anything.", "Export it again.")
    if len(points) > MOST_POINTS:
        raise ImportFault(f"{name}: over {MOST_POINTS} rows are no workout.", "Split the file.")
    last_s = last_m = 0.0
    for place, point in enumerate(points, 1):
        for what, value, most in (
            ("time", point.t_s, LONGEST_S),
            ("distance", point.distance_m, FARTHEST_M),
        ):
            if value is not None and not (math.isfinite(value) and 0 <= value <= most):
                raise ImportFault(
                    f"{name}: the {what} of row {place} is {value:g}, which no workout reaches.",
                    "Correct or remove that row.",
                )
        for field, figure in zip(Point._fields, point, strict=True):
            if isinstance(figure, float) and not math.isfinite(figure):
                raise ImportFault(
                    f"{name}: the {field} of row {place} is {figure:g}, which is no number.",
                    "Correct or remove that row.",
                )
        if point.t_s < last_s or (point.distance_m or last_m) < last_m - 1:
            raise ImportFault(
                f"{name}: row {place} lies before the row above it.",
                "Sort the rows, or split the file where its counters begin again.",
            )
        last_s, last_m = point.t_s, max(last_m, point.distance_m or 0.0)
    for lap in workout.laps:
        if not (0 <= lap.seconds <= LONGEST_S and 0 <= (lap.metres or 0.0) <= FARTHEST_M):
            raise ImportFault(
                f"{name}: a piece of {lap.seconds:g} s and {lap.metres} m is none.",
                "Correct or remove it.",
            )
    return replace(workout, started_at=_plausible(workout.started_at))


def _plausible(at: datetime | None) -> datetime | None:
    """A start with an offset, that of this place where there is none; None for absurd years."""
    if at is None or not 1995 <= at.year <= 2100:
        return None
    return at if at.tzinfo is not None else at.astimezone()


def plan_of(laps: Sequence[Lap]) -> str | None:
    """Interval text that cuts a session as the file's laps do; None for a single lap."""
    if len(laps) < 2:
        return None
    words: list[str] = []
    for lap in laps:
        if lap.seconds < 1:
            continue
        if lap.rest:
            if not words or "/" in words[-1]:
                return None
            words[-1] += f"/{_clock(lap.seconds)}r"
        elif lap.metres is not None and lap.metres >= 1:
            # Cut off and not rounded: the last piece's end must be reached by the last metre.
            words.append(f"{math.floor(lap.metres * 10 + 1e-6) / 10:.1f}".removesuffix(".0") + "m")
        else:
            words.append(_clock(lap.seconds))
    return " + ".join(words) or None


def _clock(seconds: float) -> str:
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    text = f"{minutes}:{rest // 10:02d}"
    return f"{text}.{rest % 10}" if rest % 10 else text
