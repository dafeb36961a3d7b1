"""When strokes were, more finely than a file's whole-second stamps: by how long each one took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from rowlog.imports.workout import Point

LEAST_STROKES: Final = 10
"""Fewer are no reason to doubt that they were at whole seconds."""
HALF_S: Final = 0.5
"""A stamp may be off by so much to either side; whether a program rounds or cuts off moves all."""
SAME_M: Final = 1.0
"""Metres that were rounded, or cut off, are the same."""
AHEAD: Final = 400
"""So many strokes are looked ahead at."""


def sharpened(points: Sequence[Point], whole_s: float | None = None) -> list[Point]:
    """The points with their strokes where they lie as evenly as stamps and lengths allow.

    A row's drive and recovery last until the next one's catch, so the times of a run of strokes are
    known but for their rounding. Of all times within half a second of the stamps those are taken
    that change least against the strokes' lengths (the shortest line through a tube). The first
    stays at its time. Points that are no strokes, or whose stamps and lengths contradict each
    other, stay at their second; a file with parts of seconds, or without drive and recovery, stays
    as it is.

    Args:
        points: in order of time.
        whole_s: from the first to the last, where the file says it in parts of a second.
    """
    if any(point.t_s % 1 for point in points):
        return list(points)
    if sum(_length_s(point) is not None for point in points) < LEAST_STROKES:
        return list(points)
    times: list[float] = []
    run: list[Point] = []
    for point, following in zip(points, [*points[1:], None], strict=False):
        run.append(point)
        length_s = _length_s(point)
        if (
            following is None
            or length_s is None
            or abs(following.t_s - point.t_s - length_s) >= 2 * HALF_S
        ):
            times += _run_times(run)
            run = []
    first_s, last_s = times[0] - points[0].t_s, 0.0
    moved = []
    for point, t_s in zip(points, times, strict=True):
        last_s = max(last_s, round(t_s - first_s, 3))
        moved.append(point._replace(t_s=last_s))
    if whole_s is not None and abs(whole_s - points[-1].t_s + points[0].t_s) < 2 * HALF_S:
        moved[-1] = moved[-1]._replace(t_s=max(points[0].t_s + whole_s, moved[-2].t_s))
    return moved


def ended(points: Sequence[Point]) -> list[Point]:
    """The points, and the end of each stroke that is followed by the row of somebody who waits.

    There the machine stood at its last metre already, whenever that row was written.
    """
    found: list[Point] = []
    for point, following in zip(points, [*points[1:], None], strict=False):
        found.append(point)
        if following is None or following.stroke is not None:
            continue
        length_s = _length_s(point)
        if length_s is None:
            continue
        end_s, before_m, after_m = point.t_s + length_s, point.distance_m, following.distance_m
        if before_m is None or after_m is None or not point.t_s < end_s < following.t_s:
            continue
        if abs(before_m + (point.stroke_distance_m or 0.0) - after_m) <= SAME_M:
            found.append(Point(t_s=end_s, distance_m=after_m))
    return found


def _length_s(point: Point) -> float | None:
    """How long a stroke took, from its catch to the next; None where it is none, or not said."""
    if point.stroke is None or point.drive_s is None or point.recovery_s is None:
        return None
    length_s = point.drive_s + point.recovery_s
    return length_s if math.isfinite(length_s) else None


def _run_times(run: Sequence[Point]) -> list[float]:
    """The times of strokes that follow one another without a break."""
    if len(run) < LEAST_STROKES:
        return [point.t_s for point in run]
    since = [0.0]
    for point in run[:-1]:
        since.append(since[-1] + (_length_s(point) or 0.0))
    middle = [point.t_s - length_s for point, length_s in zip(run, since, strict=True)]
    line = _shortest([at - HALF_S for at in middle], [at + HALF_S for at in middle])
    return [length_s + at for length_s, at in zip(since, line, strict=True)]


def _shortest(low: Sequence[float], high: Sequence[float]) -> list[float]:
    """The line between two bounds, its ends free, that is straight and level wherever it can be."""
    count = len(low)
    line: list[float] = []
    most, least = high[0], low[0]
    at, value = 0, (most + least) / 2
    for place in range(count):  # level, as long as one value serves
        if low[place] > most:
            value = most
            break
        if high[place] < least:
            value = least
            break
        most, least = min(most, high[place]), max(least, low[place])
        value = (most + least) / 2
    else:
        return [value] * count
    at = next(k for k in range(count) if value in (low[k], high[k]))
    line = [value] * (at + 1)
    while at < count - 1:
        at_next, slope = _reach(low, high, at, value)
        line += [value + slope * (k - at) for k in range(at + 1, at_next + 1)]
        at, value = at_next, line[-1]
    return line


def _reach(low: Sequence[float], high: Sequence[float], at: int, value: float) -> tuple[int, float]:
    """From one place on the line: up to where it goes straight, and how it rises by place."""
    least, most = float("-inf"), float("inf")
    at_least = at_most = at
    end = min(at + AHEAD, len(low) - 1)
    for k in range(at + 1, end + 1):
        lowest, highest = (low[k] - value) / (k - at), (high[k] - value) / (k - at)
        if lowest > most:
            return at_most, most
        if highest < least:
            return at_least, least
        if lowest >= least:
            least, at_least = lowest, k
        if highest <= most:
            most, at_most = highest, k
    if least > 0:
        return at_least, least
    if most < 0:
        return at_most, most
    whole = end == len(low) - 1
    return (end if whole else (at + end + 1) // 2), 0.0
