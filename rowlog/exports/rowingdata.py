"""RowingData CSV: a row a stroke, and where pieces end, in the columns of RowsAndAll."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import numpy as np

from rowlog.contents import Contents, StrokeRow
from rowlog.exports.cells import number, read_table, total, write_table
from rowlog.exports.checking import CannotSay, Difference, Expected, compare
from rowlog.metrics import Array, as_of

START_COLUMN: Final = "startFrom"
"""Who says when it began, where the file that it comes from did not say all of it."""
COLUMNS: Final = (
    "TimeStamp (sec)", " activityIdx", " lapIdx", " pointIdx", " ElapsedTime (sec)",
    " Horizontal (meters)", " Stroke500mPace (sec/500m)", " Cadence (stokes/min)",
    " HRCur (bpm)", " Power (watts)", " Calories (kCal)", " Speed (m/sec)", " StrokeCount",
    " StrokeDistance (meters)", " DriveLength (meters)", " DriveTime (ms)",
    " StrokeRecoveryTime (ms)", " WorkPerStroke (joules)", " AverageDriveForce (lbs)",
    " PeakDriveForce (lbs)", " DragFactor", " WorkoutState",
)  # fmt: skip
"""As rowingdata spells them, the blank before each and the missing r included."""

NEWTONS_PER_POUND: Final = 4.4482216152605
WAITING, ROWING, RESTING, WORK_BY_TIME, WORK_BY_DISTANCE, OVER = 0, 1, 3, 4, 5, 10
"""WorkoutState: what a Concept2 monitor says (its interface definition, "workout state")."""
_SAME_M: Final = 1.5
"""Counters of whole metres are off by so much, at most."""
_EDGE_M: Final = 6.0
"""What pieces come to, and rows that tell of metres once a second, are off by so much, at most."""
_FIRST_S: Final = 2.0
"""So long before the first piece its first stroke may be stamped."""
_AT_EDGE_S: Final = 0.5
"""A stroke no further from where a piece ends may count to either side of it."""
_BREAK_S: Final = 4.0
"""While nobody strokes for longer, there is a row whenever the heart is heard."""
_SAME_KCAL: Final = 5.0
"""What a monitor says of its intervals, and its running counter, are off by so much, at most."""


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every stroke, and where pieces begin and end. Raises CannotSay without strokes."""
    if not contents.main_strokes:
        raise CannotSay("it has no strokes")
    start_from = contents.session.start_from
    if start_from == "said":
        write_table(out, COLUMNS, _rows(contents))
        return
    more = chain((start_from,), repeat(None))  # in the first row
    rows = ((*row, said) for row, said in zip(_rows(contents), more, strict=False))
    write_table(out, (*COLUMNS, START_COLUMN), rows)


class _Row(NamedTuple):
    """What stands at one instant: a stroke, the end of a piece, or a beat while nobody strokes."""

    t_s: float
    lap: int
    state: int
    stroke: StrokeRow | None = None
    edge: bool = False
    """Whether the first piece begins here, or one ends."""


def _instants(contents: Contents) -> list[_Row]:
    """The strokes, and rows without one where the first piece begins and where each one ends.

    So rests in which nobody strokes are there, with the heart in them, and pieces end where they
    do. Before the first piece and after the last there are only strokes, since other programs count
    what stands there as rowed.
    """
    starts, ends = [segment.started_at_s for segment in contents.segments], _ends(contents)
    laps, last = _laps(contents), len(contents.segments)
    rows = [
        (end_s, place, 1, _Row(end_s, lap, _state(contents, place), edge=True))
        for place, (lap, end_s) in enumerate(zip(laps, ends, strict=True))
    ]
    strokes = contents.main_strokes
    if starts:
        rows.append((starts[0], -1, 1, _Row(starts[0], 0, WAITING, edge=True)))
    if ends and strokes[-1].t_s > ends[-1]:
        rows.append((ends[-1], last, 1, _Row(ends[-1], laps[-1], OVER)))
    for stroke, place in zip(strokes, _places(contents), strict=True):
        t_s = stroke.t_s
        if 0 <= place < last:
            t_s = max(t_s, starts[place])
        if 0 <= place < last - 1:
            t_s = min(t_s, starts[place + 1])
        lap = laps[max(0, place)] if laps else 0
        rows.append((t_s, place, 0, _Row(t_s, lap, _state(contents, place), stroke)))
    rows.sort(key=lambda row: row[:3])
    ordered = [row for *_, row in rows]
    return list(_with_beats(contents, ordered, *contents.series.heart_rate_bpm))


def _places(contents: Contents) -> list[int]:
    """The piece that each stroke belongs to, -1 for those before the first.

    By when it was; at the edges of pieces by how many strokes each of them has: the one that began
    the first piece is stamped before that began, where the machine tells of it sooner than of its
    metres, and one at the very end may count to either side.
    """
    segments, strokes = contents.segments, contents.main_strokes
    starts = [segment.started_at_s for segment in segments]
    places = [bisect_right(starts, stroke.t_s) - 1 for stroke in strokes]
    for k, stroke in enumerate(strokes):
        if places[k] < 0 and starts and starts[0] - stroke.t_s < _FIRST_S:
            places[k] = 0
    first = bisect_left(places, 0)
    for place, (segment, start_s) in enumerate(zip(segments, starts[1:], strict=False)):
        edge = bisect_left(places, place + 1)
        if segment.stroke_count is not None:
            wanted = min(len(strokes), first + segment.stroke_count)
            while edge < wanted and strokes[edge].t_s - start_s <= _AT_EDGE_S:
                places[edge] = place
                edge += 1
            while edge > wanted and start_s - strokes[edge - 1].t_s <= _AT_EDGE_S:
                edge -= 1
                places[edge] = place + 1
        first = edge
    return places


def _laps(contents: Contents) -> list[int]:
    """The lap of each piece: a rest belongs to that of the work before it, as on the monitors."""
    count, laps = 0, []
    for segment in contents.segments:
        count += segment.kind == "work"
        laps.append(max(0, count - 1))
    return laps


def _with_beats(contents: Contents, rows: Sequence[_Row], t_s: Array, bpm: Array) -> Iterator[_Row]:
    """The rows, and more of them in long breaks between two, and at the highest heart rates."""
    highest = _highest(contents, t_s, bpm)
    for row, following in zip(rows, [*rows[1:], None], strict=False):
        yield row
        if following is None or row.state in (OVER, *(() if row.edge else (WAITING,))):
            continue
        # A stroke is followed by its own piece; what comes after a piece's end belongs to the next.
        lap, state = (following if row.stroke is None else row)[1:3]
        first, last = np.searchsorted(t_s, (row.t_s, following.t_s), side="right").tolist()
        long = following.t_s - row.t_s >= _BREAK_S
        for at_s, known in zip(t_s[first:last].tolist(), bpm[first:last].tolist(), strict=True):
            if at_s < following.t_s and known == known and (long or at_s in highest):
                yield _Row(at_s, lap, state)


def _highest(contents: Contents, t_s: Array, bpm: Array) -> frozenset[float]:
    """When each piece first reached the heart rate that is its highest."""
    found = []
    for segment in contents.segments:
        first, last = np.searchsorted(
            t_s, (segment.started_at_s, segment.started_at_s + segment.duration_s)
        ).tolist()
        reached = np.flatnonzero(bpm[first:last] == segment.max_heart_rate_bpm)
        if len(reached):
            found.append(float(t_s[first + reached[0]]))
    return frozenset(found)


def _ends(contents: Contents) -> list[float]:
    """Where each piece ends: where the next begins, by whatever clock it was counted."""
    segments = contents.segments
    ends = [segment.started_at_s for segment in segments[1:]]
    return [*ends, *(one.started_at_s + one.duration_s for one in segments[-1:])]


def _rows(contents: Contents) -> Iterator[tuple[object, ...]]:
    started = datetime.fromisoformat(contents.session.started_at).timestamp()
    instants = _instants(contents)
    t_s = np.array([row.t_s for row in instants])
    series = contents.series
    metres = np.full(len(t_s), np.nan)
    if len(series.distance_m[0]):
        metres = np.interp(t_s, *series.distance_m)
    bpm = as_of(*series.heart_rate_bpm, t_s)
    pace = as_of(*series.pace_s_per_500m, t_s)
    power = as_of(*series.power_w, t_s)
    kcal = _energy(contents, t_s)
    edges = [row.edge for row in instants]
    exact = _at_edges(contents, t_s[edges].tolist())
    metres[edges], kcal[edges] = (values for _, values in exact.values())
    counted_m = [
        row.stroke.total_distance_m if row.stroke is not None else None for row in instants
    ]
    reached_m = _between(
        edges,
        [
            _known(drawn) if counted is None else counted
            for counted, drawn in zip(counted_m, metres, strict=True)
        ],
    )
    spent_kcal = _between(edges, [_known(spent) for spent in kcal])
    count = 0
    for place, (at_s, lap, state, stroke, _) in enumerate(instants):
        told = _stroke(stroke, _known(pace[place]), _known(power[place]))
        count += stroke is not None
        yield (
            started + at_s,
            0,
            lap,
            place,
            at_s,
            reached_m[place],
            *told[:2],
            _known(bpm[place]),
            told[2],
            spent_kcal[place],
            told[3],
            count,
            *told[4:],
            contents.session.drag_factor,
            state,
        )


def _energy(contents: Contents, at_s: Array) -> Array:
    """Energy by then, as the counter stood; 0 before it was first read.

    Where only pieces or the whole tell of it, spent evenly over each; NaN where nothing does.
    """
    times, kcal = contents.series.energy_kcal
    if len(times):
        place = np.searchsorted(times, at_s, side="right") - 1
        return np.where(place < 0, 0.0, kcal[np.maximum(place, 0)])
    segments, ends = contents.segments, _ends(contents)
    told = [segment.energy_kcal for segment in segments]
    if not any(told):
        told = [contents.session.energy_kcal] if contents.session.energy_kcal else []
        ends = ends[-1:]
    if not told or not segments:
        return np.full(len(at_s), np.nan)
    spent = np.cumsum([0.0, *(value or 0.0 for value in told)])
    drawn: Array = np.interp(at_s, [segments[0].started_at_s, *ends], spent)
    return drawn


def _exact(contents: Contents, name: str, drawn: Array, within: float) -> list[float]:
    """A sum at each edge: by the pieces' own, where what the samples draw agrees with them."""
    told = [getattr(segment, name) or 0.0 for segment in contents.segments]
    found: list[float] = []
    # Monitors count energy by the piece and for the whole apart; metres of pieces are in the whole.
    whole = contents.session.distance_m if name == "distance_m" else None
    reached = 0.0
    for seen, more in zip(drawn.tolist(), [0.0] * (len(drawn) - len(told)) + told, strict=True):
        reached += more
        if not abs(reached - seen) <= within:
            reached = seen
        if whole is not None:
            reached = min(reached, whole)
        reached = max([reached, *found[-1:]])
        found.append(reached)
    return found


def _between(edges: Sequence[bool], counted: Sequence[float | None]) -> list[float | None]:
    """A sum that never falls, and that no row carries beyond the edge that follows it.

    A counter of whole metres may be half a metre ahead of the end of a piece, or behind it.
    """
    held: list[float | None] = []
    most = float("inf")
    for edge, value in zip(reversed(edges), reversed(counted), strict=True):
        if value is not None:
            value = min(value, most)
            most = value if edge else most
        held.append(value)
    held.reverse()
    least = 0.0
    for place, value in enumerate(held):
        if value is not None:
            held[place] = least = max(least, value)
    return held


def _stroke(
    stroke: StrokeRow | None, pace_s: float | None, power_w: float | None
) -> tuple[float | None, ...]:
    """Pace, rate, watts and speed, and after the count what its oar did."""
    if stroke is None:
        return (None,) * 11
    return (
        pace_s,
        stroke.stroke_rate_spm,
        stroke.power_w if stroke.power_w is not None else power_w,
        500.0 / pace_s if pace_s else None,
        stroke.distance_m,
        stroke.drive_length_m,
        _scaled(stroke.drive_s, 1000.0),
        _scaled(stroke.recovery_s, 1000.0),
        stroke.work_j,
        _scaled(stroke.mean_force_n, 1 / NEWTONS_PER_POUND),
        _scaled(stroke.peak_force_n, 1 / NEWTONS_PER_POUND),
    )


def _state(contents: Contents, place: int) -> int:
    if not contents.segments:
        return ROWING
    segment = contents.segments[place]
    if segment.kind != "work":
        return RESTING
    if len(contents.segments) == 1 or segment.target is None:
        return ROWING
    return WORK_BY_DISTANCE if segment.target.type == "distance" else WORK_BY_TIME


def _known(value: float) -> float | None:
    return None if value != value else float(value)


def _scaled(value: float | None, by: float) -> float | None:
    return None if value is None else value * by


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the table back, and compare strokes, metres and laps."""
    table = read_table(path)
    counts = [int(row[" StrokeCount"]) for row in table]
    stroked = [count > before for count, before in zip(counts, [0, *counts], strict=False)]
    rows = [row for row, is_stroke in zip(table, stroked, strict=True) if is_stroke]
    outside = (str(WAITING), str(OVER))
    ended = [
        row
        for row, is_stroke in zip(table, stroked, strict=True)
        if not is_stroke and row[" WorkoutState"] not in outside
    ]
    ended = [row for row in ended if float(row[" ElapsedTime (sec)"]) in set(_ends(contents))]
    strokes, ends = contents.main_strokes, _ends(contents)
    expected = [
        Expected("strokes", len(strokes), len(rows)),
        Expected("laps", len(ends), len(ended)),
        Expected(
            "seconds of the last stroke", strokes[-1].t_s, float(rows[-1][" ElapsedTime (sec)"])
        ),
        Expected(
            "sum of stroke distances",
            sum(stroke.distance_m or 0.0 for stroke in strokes),
            total(rows, " StrokeDistance (meters)"),
        ),
    ]
    expected += [
        Expected(f"seconds at the end of lap {lap}", end_s, float(row[" ElapsedTime (sec)"]))
        for lap, (end_s, row) in enumerate(zip(ends, ended, strict=False), 1)
    ]
    if len(ended) == len(contents.segments):
        expected += _laps_read(contents, table, ended)
    if strokes[-1].total_distance_m is not None:
        last = float(rows[-1][" Horizontal (meters)"])
        expected.append(
            Expected("metres at the last stroke", strokes[-1].total_distance_m, last, _SAME_M)
        )
    return compare(expected)


def _laps_read(
    contents: Contents, table: Sequence[dict[str, str]], ended: Sequence[dict[str, str]]
) -> Iterator[Expected]:
    """Metres, energy and the highest heart rate of each piece, by the rows at its ends."""
    segments, first_s = contents.segments, contents.segments[0].started_at_s
    begun = [
        row
        for row in table
        if row[" WorkoutState"] == str(WAITING) and float(row[" ElapsedTime (sec)"]) == first_s
    ]
    yield Expected("rows where the first piece begins", 1, len(begun[:1]))
    for column, (told, wanted) in _at_edges(contents, [first_s, *_ends(contents)]).items():
        read = [number(row[column]) for row in (*begun[:1], *ended)]
        for lap, (before, after) in enumerate(pairwise(zip(wanted, read, strict=False)), 1):
            if after[0] == after[0] and before[1] is not None and after[1] is not None:
                meant, found = after[0] - before[0], after[1] - before[1]
                yield Expected(f"{told} of lap {lap}", meant, found, 1e-6)
    for lap, segment in enumerate(segments, 1):
        highest = segment.max_heart_rate_bpm
        if highest is not None and segment.heart_rate_source == contents.series.heart_rate_source:
            until_s = segment.started_at_s + segment.duration_s
            beats = {
                number(row[" HRCur (bpm)"])
                for row in table
                if segment.started_at_s <= float(row[" ElapsedTime (sec)"]) <= until_s
            }
            found_bpm = highest if highest in beats else None
            yield Expected(f"max_heart_rate_bpm of lap {lap}", highest, found_bpm)


def _at_edges(contents: Contents, edges: Sequence[float]) -> dict[str, tuple[str, list[float]]]:
    """(a column that counts up: (what a piece's part of it is, what it reaches at each edge))."""
    at_s = np.array(edges)
    metres = np.full(len(at_s), np.nan)
    if len(contents.series.distance_m[0]):
        metres = np.interp(at_s, *contents.series.distance_m)
    return {
        " Horizontal (meters)": (
            "distance_m", _exact(contents, "distance_m", metres, _EDGE_M)
        ),
        " Calories (kCal)": (
            "energy_kcal", _exact(contents, "energy_kcal", _energy(contents, at_s), _SAME_KCAL)
        ),
    }  # fmt: skip
