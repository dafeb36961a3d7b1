"""What an unplanned row looks like: work, rests, warm-up and cool-down, from strokes and metres."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from statistics import linear_regression, median
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.timeline import Position

STOP_S: Final = 6.0
"""No stroke for so long is a stop."""
UNSEEN_S: Final = 3.0
"""Samples that are further apart hide what happened between them."""
LEAST_PERIOD_S: Final = 0.6
"""Nobody makes strokes faster than this."""
BLOCK: Final = 3
"""So many strokes at least have one speed."""
AROUND_S: Final = 20.0
CLEAR_S: Final = 3.0
"""How far round a change of speed the rowing before and after it is looked at, and from where."""
LAST_SHARE: Final = 0.4
"""How much of a stroke's time is taken for the last one before a stop, on average cut short."""
ROW_SHARE: Final = 0.9
"""Likewise where there is a row for each stroke: it stands at the end of that, half a stroke after
the instant that is taken for the catch, and what was cut short after it has none."""
BY_STROKE_SHARE: Final = 0.9
"""So many of the rows are a stroke each where there is a row for each stroke."""
STRAY_STROKES: Final = 4
"""So few strokes between two stops are no piece: somebody loosens up, or moves the machine."""
EASY_SHARE: Final = 0.86
"""Slower than this share of the work's speed (0.64 of its power) is paddling."""
SLOWER_SHARE: Final = 0.93
"""A first or last piece slower than this share of the others' speed is warm-up or cool-down."""
LEAST_STEP: Final = 0.08
"""A change of speed by less than this share is no change of what is done."""
SURE: Final = 4.0
"""A change of speed counts when it is so many times what chance makes of it."""
FAIR_SHARE: Final = 0.15
"""Of all rowing, at least so much is work."""
WARM_UP_S: Final = 30.0
"""Less easy rowing before or after the work is not worth the name."""
PAUSE_SHARE: Final = 0.08
"""A stop that is shorter than this share of the rowing on both sides is a pause in it."""
LONE_PAUSE_S: Final = 30.0
"""So long may the only stop of a row be for it to pass for a pause."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rowing of one kind, without a stop."""

    start_s: float
    end_s: float
    distance_m: float
    strokes: int

    @property
    def seconds(self) -> float:
        """How long it lasted."""
        return self.end_s - self.start_s

    @property
    def speed(self) -> float:
        """Metres a second."""
        return self.distance_m / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Bout(Stretch):
    """A piece of work as it was found."""

    tag: str | None = None
    """"warm_up", "cool_down" or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The structure of a row."""

    bouts: tuple[Bout, ...]
    """The pieces in order; between them is rest."""
    contrast: float
    """How clearly work and rest differ, 0 to 1: 1 where every rest is a stop."""


def find(positions: Sequence[Position]) -> Found | None:
    """The pieces of a row; None where it is one piece, or nothing was rowed."""
    curve = _Curve(positions)
    catches = _catches(positions, curve)
    if len(catches) < STRAY_STROKES:
        return None
    rows = [
        row
        for row in _rows(catches, curve, ROW_SHARE if _by_stroke(positions) else LAST_SHARE)
        if row  # strokes between two stops, cut where their speed changes
    ]
    stretches = [stretch for row in rows for stretch in row]
    hard_from = _hard_from(stretches)
    bouts, contrast = _bouts(rows, hard_from)
    bouts = _without_pauses(bouts)
    bouts = _named(bouts)
    if len(bouts) < 2:
        return None
    return Found(bouts=tuple(bouts), contrast=contrast)


class _Curve:
    """How far the rower was at any instant, straight between samples."""

    def __init__(self, positions: Sequence[Position]) -> None:
        self._t_s: list[float] = []
        self._m: list[float] = []
        for position in positions:
            if position.distance_m is None:
                continue
            t_s = position.t_ns / SECOND_NS
            if self._t_s and t_s <= self._t_s[-1]:
                self._m[-1] = max(self._m[-1], position.distance_m)
                continue
            self._t_s.append(t_s)
            self._m.append(position.distance_m)

    def speed(self, start_s: float, end_s: float) -> float:
        """Metres a second between two instants."""
        return (self.at(end_s) - self.at(start_s)) / (end_s - start_s)

    def line(self, start_s: float, end_s: float) -> tuple[float, float] | None:
        """The straight line through the samples of a stretch: metres at 0 s, and metres a second.

        None where there are fewer than four of them.
        """
        low, high = bisect_left(self._t_s, start_s), bisect_right(self._t_s, end_s)
        if high - low < 4:
            return None
        times, metres = self._t_s[low:high], self._m[low:high]
        speed, at_zero = linear_regression(times, metres)
        return at_zero, speed

    def at(self, t_s: float) -> float:
        """Metres at an instant."""
        place = bisect_right(self._t_s, t_s)
        if place == 0:
            return self._m[0] if self._m else 0.0
        if place == len(self._t_s):
            return self._m[-1]
        before, after = self._t_s[place - 1], self._t_s[place]
        share = (t_s - before) / (after - before)
        return self._m[place - 1] + share * (self._m[place] - self._m[place - 1])


def _catches(positions: Sequence[Position], curve: _Curve) -> list[float]:
    """When each stroke began, in seconds, as well as samples tell.

    Between two samples a count may have risen by one. A stretch that was not seen was rowed through
    when the metres went on; else the strokes counted in it are laid at its start, at the rate
    before it, but for the last, which ended the stop.
    """
    counted = [p for p in positions if p.stroke_count is not None]
    if len(counted) < 2:
        return _risings(positions)
    catches: list[float] = []
    before_s, before_n = counted[0].t_ns / SECOND_NS, counted[0].stroke_count or 0
    if counted[0].moved and before_n:
        catches.append(before_s)
    for position in counted[1:]:
        t_s, count = position.t_ns / SECOND_NS, position.stroke_count or 0
        more, gap_s = count - before_n, t_s - before_s
        if gap_s > UNSEEN_S:
            usual_s = _period(catches)
            speed = curve.speed(before_s - 10.0, before_s)
            rowed = curve.speed(before_s, t_s) >= 0.7 * speed > 0
            if usual_s is not None and rowed:
                more = max(more, round(gap_s / usual_s))
            period_s = gap_s / more if more else 0.0
            if usual_s is not None and not rowed and usual_s < period_s:
                catches += [before_s + usual_s * (place + 0.5) for place in range(more - 1)]
                catches += [t_s - 0.5 * usual_s] if more else []
            else:
                catches += [before_s + period_s * (place + 0.5) for place in range(more)]
        elif more > 0:
            catches += [before_s + gap_s * (place + 0.5) / more for place in range(more)]
        before_s, before_n = t_s, count
    return _apart(catches)


def _by_stroke(positions: Sequence[Position]) -> bool:
    """Whether positions are told once a stroke, as many files do, and not several times."""
    told = [(p.t_ns, p.stroke_count) for p in positions if p.stroke_count is not None]
    rises = [
        (after[1] or 0) > (before[1] or 0)
        for before, after in pairwise(told)
        if after[0] - before[0] <= STOP_S * SECOND_NS
    ]
    return bool(rises) and sum(rises) >= BY_STROKE_SHARE * len(rises)


def _apart(catches: Sequence[float]) -> list[float]:
    """Strokes that are as far apart as strokes can be."""
    apart: list[float] = []
    for t_s in catches:
        if not apart or t_s - apart[-1] >= LEAST_PERIOD_S:
            apart.append(t_s)
    return apart


def _risings(positions: Sequence[Position]) -> list[float]:
    """Without a count of strokes: the instants, two seconds apart at least, that show rowing."""
    instants: list[float] = []
    for position in positions:
        t_s = position.t_ns / SECOND_NS
        if position.moved and (not instants or t_s - instants[-1] >= 2.0):
            instants.append(t_s)
    return instants


def _period(catches: Sequence[float]) -> float | None:
    """Seconds from stroke to stroke lately; None before three of them."""
    last = catches[-6:]
    if len(last) < 3:
        return None
    return median(b - a for a, b in pairwise(last))


def _rows(catches: Sequence[float], curve: _Curve, last_share: float) -> list[list[Stretch]]:
    """The rowing between stops, each cut where its speed changes.

    `last_share`: how much of a stroke's time the last one before a stop takes.
    """
    rows: list[list[Stretch]] = []
    first = 0
    for place in range(1, len(catches) + 1):
        over = place == len(catches) or catches[place] - catches[place - 1] > STOP_S
        if over:
            rows.append(_cut(catches[first:place], curve, last_share))
            first = place
    return rows


def _cut(catches: Sequence[float], curve: _Curve, last_share: float) -> list[Stretch]:
    usual_s = _period(catches) or 2.0
    edges = [*catches, catches[-1] + last_share * usual_s]
    metres = [curve.at(t_s) for t_s in edges]
    places = [0, *_changes(edges, metres), len(catches)]
    changes = [_changed_s(edges, places, at, curve) for at in range(1, len(places) - 1)]
    instants = [edges[0], *changes, edges[-1]]
    return [
        Stretch(start_s, end_s, curve.at(end_s) - curve.at(start_s), b - a)
        for (start_s, end_s), (a, b) in zip(pairwise(instants), pairwise(places), strict=True)
    ]


def _changed_s(edges: Sequence[float], places: Sequence[int], at: int, curve: _Curve) -> float:
    """When the speed changed, more finely than by whole strokes.

    Where the straight lines meet that the metres follow on either side; half a stroke earlier,
    since who changes the speed does so with the next catch.
    """
    place = places[at]
    low_s, high_s = edges[places[at - 1]], edges[places[at + 1]]
    stroke_s = edges[place] - edges[place - 1]
    met_s, slower = edges[place], False
    for _ in range(3):
        start_s, end_s = max(low_s, met_s - AROUND_S), min(high_s, met_s + AROUND_S)
        before = curve.line(start_s, max(met_s - CLEAR_S, start_s + CLEAR_S))
        after = curve.line(min(met_s + CLEAR_S, end_s - CLEAR_S), end_s)
        if before is None or after is None or abs(before[1] - after[1]) < 0.1:
            break
        meet_s = (after[0] - before[0]) / (before[1] - after[1])
        if abs(meet_s - edges[place]) > 3 * stroke_s:
            break
        met_s, slower = meet_s, after[1] < before[1]
    if slower:  # the wheel runs on: it slows down over the first of the slower strokes
        met_s -= 0.3 * (edges[place + 1] - edges[place])
    return min(max(met_s - stroke_s / 2, low_s), high_s)


def _changes(edges: Sequence[float], metres: Sequence[float]) -> list[int]:
    """The strokes with which the speed changes for good, in order.

    Neighbours that differ by no more than chance makes of it are joined, the most alike first;
    what is left apart differs, also where fast and slow take turns.
    """
    count = len(edges) - 1

    def speed(a: int, b: int) -> float:
        return (metres[b] - metres[a]) / (edges[b] - edges[a])

    def step(a: int, middle: int, b: int) -> float:
        """How much the speed changes, in its standard error as of evenly spread noise."""
        left, right = speed(a, middle), speed(middle, b)
        if abs(left - right) < LEAST_STEP * max(left, right):
            return 0.0
        n, m = middle - a, b - middle
        return abs(left - right) * float((n * m / (n + m)) ** 0.5)

    jumps = [abs(speed(i + 1, i + 2) - speed(i, i + 1)) for i in range(1, count - 1)]
    noise = SURE * median(jumps) / 0.954 if jumps else 0.0
    starts = list(range(0, max(1, count - BLOCK + 1), BLOCK))
    after = dict(zip(starts, [*starts[1:], count], strict=True))
    before = {end: start for start, end in after.items()}
    waiting = [
        (step(before[middle], middle, after[middle]), middle, before[middle], after[middle])
        for middle in starts[1:]
    ]
    heapify(waiting)
    while waiting:
        score, middle, a, b = heappop(waiting)
        if middle not in after or before.get(middle) != a or after[middle] != b:
            continue  # one of the two has grown since
        if score > noise and score > 0:
            continue
        del after[middle]
        del before[middle]
        after[a], before[b] = b, a
        for place in (a, b):
            if place in before and place in after:
                low, high = before[place], after[place]
                heappush(waiting, (step(low, place, high), place, low, high))
    places = sorted(after)[1:]
    while True:  # a stroke or three between two speeds are the change itself
        bounds = [0, *places, count]
        thin = next((k for k, (a, b) in enumerate(pairwise(bounds)) if b - a <= BLOCK), None)
        if thin is None or not places:
            break
        a, b = bounds[max(thin - 1, 0)], bounds[min(thin + 2, len(bounds) - 1)]
        ends = [place for place in bounds[thin : thin + 2] if 0 < place < count]
        best = max(ends, key=lambda at: step(a, at, b))
        keeps = len(ends) == 2
        places = [place for place in places if place not in ends or (keeps and place == best)]
    found = []
    bounds = [0, *places, count]
    for a, middle, b in zip(bounds, places, bounds[2:], strict=False):
        near = range(max(a + 2, middle - BLOCK), min(b - 2, middle + BLOCK) + 1)
        found.append(max(near, key=lambda at: step(a, at, b), default=middle))
    return found


def _hard_from(stretches: Sequence[Stretch]) -> float:
    """The speed from which rowing is work; 0 where all that was rowed is of one kind.

    In the highest wide gap between speeds that leaves a fair share of the rowing above it.
    """
    rowed = sorted(
        (s for s in stretches if s.strokes >= STRAY_STROKES and s.seconds >= 8),
        key=lambda s: s.speed,
    )
    whole_s = sum(s.seconds for s in rowed)
    for place in range(len(rowed) - 1, 0, -1):
        above = rowed[place:]
        low, high = rowed[place - 1].speed, rowed[place].speed
        wide = high - low >= LEAST_STEP * high
        easy = low < EASY_SHARE * median(s.speed for s in above)
        if wide and easy and sum(s.seconds for s in above) >= FAIR_SHARE * whole_s:
            return (low + high) / 2
    return 0.0


def _bouts(rows: Sequence[Sequence[Stretch]], hard_from: float) -> tuple[list[Bout], float]:
    """The pieces of work, and easy rowing before and after them; how clear their edges are."""
    parts: list[list[Stretch]] = []  # hard stretches that follow one another without a rest
    easy_before: list[Stretch] = []
    easy_after: list[Stretch] = []
    contrasts: list[float] = []
    for row in rows:
        strays = len(row) == 1 and row[0].strokes < STRAY_STROKES
        joins = False
        for stretch in row:
            if strays or stretch.speed < hard_from:
                joins = False
                (easy_after if parts else easy_before).append(stretch)
                continue
            easy_after = []
            if joins:
                parts[-1].append(stretch)
            else:
                parts.append([stretch])
            joins = True
        for one, other in pairwise(row):
            if (one.speed < hard_from) != (other.speed < hard_from):
                low, high = sorted((one.speed, other.speed))
                contrasts.append(min(1.0, (1 - low / high) / 0.25))
    _apart_from_work(parts, easy_before, easy_after)
    bouts = [_joined(part, None) for part in parts]
    for easy, tag in ((easy_before, "warm_up"), (easy_after, "cool_down")):
        lasting = [s for s in easy if s.strokes >= STRAY_STROKES]
        if bouts and sum(s.seconds for s in lasting) >= WARM_UP_S:
            joined = _joined(lasting, tag)
            bouts = [joined, *bouts] if tag == "warm_up" else [*bouts, joined]
    return bouts, min(contrasts, default=1.0)


def _apart_from_work(
    parts: Sequence[list[Stretch]], before: list[Stretch], after: list[Stretch]
) -> None:
    """Take easy rowing out of the first and the last piece where it leads into or out of it."""
    hard = [stretch.speed for part in parts for stretch in part]
    if len(hard) < 2:
        return
    limit = SLOWER_SHARE * median(hard)
    first, last = parts[0], parts[-1]
    if len(first) > 1 and first[0].speed < limit and first[0].seconds >= WARM_UP_S:
        before.append(first.pop(0))
    if len(last) > 1 and last[-1].speed < limit and last[-1].seconds >= WARM_UP_S:
        after.insert(0, last.pop())


def _joined(part: Sequence[Stretch], tag: str | None) -> Bout:
    return Bout(
        part[0].start_s,
        part[-1].end_s,
        sum(s.distance_m for s in part),
        sum(s.strokes for s in part),
        tag,
    )


def _without_pauses(bouts: list[Bout]) -> list[Bout]:
    """Stops that are pauses in a piece bridged: short ones beside what they interrupt."""
    joined: list[Bout] = []
    alone = len(bouts) == 2
    stops = [later.start_s - earlier.end_s for earlier, later in pairwise(bouts)]
    passing_s = 0.4 * median(stops) if stops else 0.0
    for bout in bouts:
        before = joined[-1] if joined else None
        if before is None or before.tag != bout.tag:
            joined.append(bout)
            continue
        stop_s = bout.start_s - before.end_s
        short = stop_s < PAUSE_SHARE * min(before.seconds, bout.seconds)
        lone = alone and stop_s < LONE_PAUSE_S
        if (short and stop_s < passing_s) or ((short or lone) and not _equal(before, bout)):
            joined[-1] = _joined([before, bout], bout.tag)
        else:
            joined.append(bout)
    return joined


def _equal(one: Bout, other: Bout) -> bool:
    return abs(one.distance_m - other.distance_m) <= 0.03 * max(
        one.distance_m, other.distance_m
    ) or abs(one.seconds - other.seconds) <= 0.03 * max(one.seconds, other.seconds)


def _named(bouts: list[Bout]) -> list[Bout]:
    """A first or last piece that is slower than the others, and of another length, is no work."""
    named = list(bouts)
    for end, tag in ((0, "warm_up"), (-1, "cool_down")):
        work = [bout for bout in named if bout.tag is None]
        if len(work) < 3 or named[end] is not work[end]:
            continue
        bout = work.pop(end)
        slower = bout.speed < SLOWER_SHARE * min(other.speed for other in work)
        if slower and not any(_equal(bout, other) for other in work):
            named[end] = _joined([bout], tag)
    return named
