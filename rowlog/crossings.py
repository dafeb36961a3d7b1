"""Where the counters stood at any instant, and when they reached a value: between the samples."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from rowlog.bridging import Course, Turn
from rowlog.counters import SECOND_NS
from rowlog.timeline import STANDING_MPS, STILL_NS, Position

ROUNDING: Final = 1e-6
"""Totals are sums of steps: one that stops at its target must not miss it by a rounding error."""
STAMP_S: Final = 0.03
"""A record is stamped so much later than another after the machine read its counters, as it
happens: it waits for the radio's turn, or for a poll."""

_STANDS_ELSE_NS: Final = 2 * SECOND_NS + SECOND_NS // 10
_STANDS_NS: Final = {"energy_kcal": 6 * SECOND_NS}
"""A counter that stands for longer did not rise: kilocalories come whole, or by strokes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One instant of the session and where every counter stood at it."""

    t_ns: int
    elapsed_s: float | None = None
    """Machine time, unwrapped; None when the machine sends none."""
    distance_m: float | None = None
    stroke_count: int | None = None
    energy_kcal: float | None = None
    interpolated: bool = False
    """True when the instant lies between two samples."""
    uncertainty_s: float = 0.0
    """Half-width within which the true instant lies."""


class Track:
    """The latest positions of one rower, oldest first."""

    def __init__(self) -> None:
        self.corners: deque[Position] = deque()

    def __bool__(self) -> bool:
        return bool(self.corners)

    @property
    def last(self) -> Position | None:
        """The latest position; None before the first."""
        return self.corners[-1] if self.corners else None

    @property
    def last_ns(self) -> int:
        """When the latest position was seen; 0 before the first."""
        return self.corners[-1].t_ns if self.corners else 0

    @property
    def exact_elapsed(self) -> bool:
        """Whether the machine's time has parts of a second."""
        return bool(self.corners) and self.corners[-1].exact_elapsed

    def add(self, position: Position) -> None:
        """Take in a position; of two at one instant the later one counts."""
        if self.corners and self.corners[-1].t_ns == position.t_ns:
            gone = self.corners.pop()
            position = replace(position, after_gap=True) if gone.after_gap else position
        self.corners.append(position)

    def before_last(self) -> Position | None:
        """The position before the latest; None when there is none."""
        return self.corners[-2] if len(self.corners) > 1 else None

    def at_or_before(self, t_ns: int) -> Position | None:
        """The latest position at or before an instant; None when there is none."""
        return next((corner for corner in reversed(self.corners) if corner.t_ns <= t_ns), None)

    def after(self, t_ns: int) -> Position | None:
        """The first position after an instant; None when there is none."""
        return next((corner for corner in self.corners if corner.t_ns > t_ns), None)

    def forget(self, horizon_ns: int) -> None:
        """Drop what no instant from `horizon_ns` on needs."""
        while len(self.corners) > 2 and self.corners[1].t_ns <= horizon_ns:
            self.corners.popleft()

    def crossing(self, name: str, value: float) -> tuple[int, float] | None:
        """When a counter reached `value`, and the half-width of what is known of it."""
        value -= ROUNDING
        if not self.corners:
            return None
        now = self.corners[-1]
        reached = getattr(now, name)
        if reached is None or reached < value:
            return None
        before = self._before(name, value)
        if before is None:
            return now.t_ns, 0.0
        corner, since_ns = before
        low = getattr(corner, name)
        end = now
        for following in self.corners:
            if following.t_ns > corner.t_ns and (getattr(following, name) or 0.0) >= value:
                end = following
                break
        high, until_ns = getattr(end, name), end.t_ns
        if end.concluded and high - value <= 2 * ROUNDING:
            return until_ns, end.uncertainty_s
        uncertainty_s = (until_ns - since_ns) / 2 / SECOND_NS + STAMP_S
        if name == "distance_m":
            since_ns, until_ns = self._rowed_between(corner, since_ns, until_ns, high - low)
        share = (value - low) / (high - low) if high > low else 1.0
        at_ns = since_ns + round(share * (until_ns - since_ns))
        return at_ns, uncertainty_s

    def _before(self, name: str, value: float) -> tuple[Position, int] | None:
        """The last corner below `value`, and since when the counter stood there."""
        below: Position | None = None
        since_ns = 0
        for corner in self.corners:
            reading = getattr(corner, name)
            if reading is None:
                continue
            if reading >= value:
                break
            if below is None or getattr(below, name) != reading:
                since_ns = corner.t_ns
            below = corner
        if below is None:
            return None
        if below.t_ns - since_ns > _STANDS_NS.get(name, _STANDS_ELSE_NS):
            since_ns = below.t_ns
        return below, since_ns

    def mark_at(self, t_ns: int, *, closing: bool = False) -> Mark:
        """Where every counter stood at `t_ns`, between the samples around it.

        A stroke that begins at the very instant belongs to what follows, unless nothing does
        (`closing`).
        """
        before: Position | None = None
        after: Position | None = None
        for corner in self.corners:
            if corner.t_ns <= t_ns:
                before = corner
            else:
                after = corner
                break
        if before is None or after is None or before.t_ns == t_ns:
            known = before or after
            if known is None:
                return Mark(t_ns=t_ns)
            return Mark(
                t_ns=t_ns,
                elapsed_s=known.elapsed_s,
                distance_m=known.distance_m,
                stroke_count=self._strokes_before(t_ns + closing),
                energy_kcal=known.energy_kcal,
                uncertainty_s=known.uncertainty_s,
            )
        since_ns = before.t_ns
        share = 0.0
        energy = before.energy_kcal if before.energy_kcal is not None else after.energy_kcal
        distance = before.distance_m if before.distance_m is not None else after.distance_m
        if before.distance_m is not None and after.distance_m is not None:
            rise = after.distance_m - before.distance_m
            since_ns, until_ns = self._moved_between(before, after, rise)
            share = min(1.0, max(0.0, (t_ns - since_ns) / max(1, until_ns - since_ns)))
            distance = before.distance_m + share * rise
            unseen = after.after_gap and after.t_ns - before.t_ns > STILL_NS
            if unseen and energy is not None and after.energy_kcal is not None:
                energy += share * (after.energy_kcal - energy)
        strokes = self._strokes_before(t_ns + closing)
        away = after.after_gap or after.concluded
        if away and after.t_ns - before.t_ns > STILL_NS and distance is not None:
            strokes = _shared(before.stroke_count, after.stroke_count, share)
        elapsed = before.elapsed_s
        if before.elapsed_s is not None and after.elapsed_s is not None:
            share = (t_ns - before.t_ns) / (after.t_ns - before.t_ns)
            elapsed = before.elapsed_s + share * (after.elapsed_s - before.elapsed_s)
        return Mark(
            t_ns=t_ns,
            elapsed_s=elapsed,
            distance_m=distance,
            stroke_count=strokes,
            energy_kcal=energy,
            interpolated=True,
            uncertainty_s=(after.t_ns - since_ns) / 2 / SECOND_NS,
        )

    def _moved_between(self, before: Position, after: Position, rise_m: float) -> tuple[int, int]:
        """In which part of the time between two positions the metres between them were rowed."""
        since_ns, until_ns = self._rowed_between(before, before.t_ns, after.t_ns, rise_m)
        if rise_m > 0 and self.stood(before):
            first = after if after.pace_s_per_500m is not None else self._with_pace(after)
            since_ns = min(until_ns - 1, max(since_ns, start_between(before, first)))
        return since_ns, until_ns

    def unseen(self, t_ns: int) -> bool:
        """Whether an instant lies in a stretch that nobody saw, while metres were rowed in it."""
        before, after = self.at_or_before(t_ns), self.after(t_ns)
        if before is None or after is None or before.t_ns == t_ns:
            return before is not None and before.t_ns == t_ns and before.concluded
        if before.concluded or after.concluded:
            return True
        if before.distance_m is None or after.distance_m is None:
            return False
        rise_m = after.distance_m - before.distance_m
        if not after.after_gap or after.t_ns - before.t_ns <= STILL_NS or rise_m <= 0:
            return False
        since_ns, until_ns = self._moved_between(before, after, rise_m)
        return since_ns < t_ns < until_ns

    def stood(self, at: Position) -> bool:
        """Whether no metre was rowed in the second or more before a position."""
        earlier = self.at_or_before(at.t_ns - SECOND_NS)
        return earlier is not None and earlier.distance_m == at.distance_m

    def _with_pace(self, first: Position) -> Position:
        """The first position of movement with the latest pace told before, where it tells none."""
        return replace(first, pace_s_per_500m=self.latest_pace(first.t_ns - 1))

    def latest_pace(self, t_ns: int) -> float | None:
        """The latest pace that was told at or before an instant; None: none was."""
        paces = (one.pace_s_per_500m for one in reversed(self.corners) if one.t_ns <= t_ns)
        return next((one for one in paces if one), None)

    def _rowed_between(
        self, before: Position, since_ns: int, until_ns: int, metres: float
    ) -> tuple[int, int]:
        """In which part of a stretch without samples the metres were rowed.

        Who rowed before it rowed on at that speed, and then stopped if that is too far.
        """
        if until_ns - before.t_ns > STILL_NS and metres > 0:
            earlier = self.at_or_before(before.t_ns - STILL_NS)
            if earlier is not None and earlier.distance_m is not None:
                seconds = (before.t_ns - earlier.t_ns) / SECOND_NS
                speed = ((before.distance_m or 0.0) - earlier.distance_m) / seconds
                if speed >= STANDING_MPS:
                    return since_ns, min(until_ns, since_ns + round(metres / speed * SECOND_NS))
        return rowing_since(since_ns, until_ns, metres), until_ns

    def start_mark(self, t_ns: int) -> Mark:
        """The mark of a start from standstill: no metre has been rowed at it."""
        mark = self.mark_at(t_ns)
        standing, first = self.at_or_before(t_ns), self.after(t_ns)
        if standing is None or first is None or standing.distance_m is None:
            return mark
        return replace(
            mark,
            distance_m=standing.distance_m,
            interpolated=True,
            uncertainty_s=max(t_ns - standing.t_ns, first.t_ns - t_ns) / SECOND_NS,
        )

    def _strokes_before(self, t_ns: int) -> int | None:
        """The strokes that began before an instant."""
        count: int | None = None
        for corner in self.corners:
            # What is concluded was shared out so that it ends with the piece.
            after = corner.t_ns >= t_ns + corner.concluded
            if after and count is not None:
                break
            if corner.stroke_count is not None:
                if after:
                    return 0 if corner.moved else corner.stroke_count
                count = corner.stroke_count
        return count


def _shared(before: int | None, after: int | None, share: float) -> int | None:
    """The strokes up to an instant that nobody saw: as many as of the metres until then."""
    if before is None or after is None:
        return before
    return before + round(share * (after - before))


def between(before: Position, after: Position, turn: Turn, course: Course) -> Position:
    """Where a rower stood at a turn of the stretch between two positions, as it is concluded."""
    share = turn.work_s / course.work_s if course.work_s > 0 else 0.0
    seconds = (after.t_ns - before.t_ns) / SECOND_NS
    elapsed = None
    if before.elapsed_s is not None and after.elapsed_s is not None:
        ran_s = after.elapsed_s - before.elapsed_s
        if abs(ran_s - seconds) <= 1.5:
            elapsed = before.elapsed_s + turn.at_s
        elif abs(ran_s - course.work_s) <= 1.5:  # it stands still in rests
            elapsed = min(before.elapsed_s + turn.work_s, after.elapsed_s)
    strokes = before.stroke_count
    if strokes is not None and after.stroke_count is not None:
        strokes += round(share * (after.stroke_count - strokes))
    kcal = before.energy_kcal
    if kcal is not None and after.energy_kcal is not None:
        kcal = min(kcal + turn.kcal, after.energy_kcal)
    return replace(
        after,
        t_ns=before.t_ns + round(turn.at_s * SECOND_NS),
        distance_m=min((before.distance_m or 0.0) + turn.metres, after.distance_m or 0.0),
        stroke_count=strokes,
        energy_kcal=kcal,
        elapsed_s=elapsed,
        moved=turn.rows,
        began_ns=None,
        at_zero=False,
        power_w=None,
        power_unknown=False,
        stroke_rate_spm=None,
        pace_s_per_500m=500.0 / course.speed_mps if turn.rows else None,
        after_gap=False,
        concluded=True,
        uncertainty_s=turn.uncertainty_s,
    )


def start_between(standing: Position, first: Position) -> int:
    """When movement began, between the last position at a standstill and the first after it.

    By the metres risen since (and half a count, for whole ones) at the pace that the first
    position tells. A stroke before the first metre began halfway between, as far as one can tell;
    metres without a pace were rowed ever since the standstill.
    """
    rise = (first.distance_m or 0.0) - (standing.distance_m or 0.0)
    since_ns = rowing_since(standing.t_ns, first.t_ns, rise)
    if rise == 0 and first.t_ns - standing.t_ns <= STILL_NS:
        return (standing.t_ns + first.t_ns) // 2
    pace = first.pace_s_per_500m
    if pace is None or not 60 <= pace <= 600 or first.distance_m is None:
        return since_ns
    rise += first.distance_step_m / 2
    return max(since_ns, first.t_ns - round(rise * pace / 500 * SECOND_NS))


def rowing_since(since_ns: int, until_ns: int, metres: float) -> int:
    """Where in a stretch without samples the metres were rowed.

    Few metres in a long stretch were rowed at its end, not evenly over it: a machine that is
    silent while nobody rows speaks again after the first of them.
    """
    gap_ns = until_ns - since_ns
    if gap_ns > STILL_NS and metres / (gap_ns / SECOND_NS) < STANDING_MPS:
        return max(since_ns, until_ns - max(SECOND_NS, round(metres / 2 * SECOND_NS)))
    return since_ns
