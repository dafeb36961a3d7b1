"""Where a session began that nobody saw beginning: by what came before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from typing import Final

from rowlog.bridging import COAST_PER_MPS, COAST_S, FASTEST_MPS, FIT, Course, Known, Turn
from rowlog.counters import SECOND_NS
from rowlog.crossings import start_between
from rowlog.plan import ROW, Piece
from rowlog.timeline import STANDSTILL_NS, STILL_NS, Position
from rowlog.unseen import ANYBODY

_BEGAN_M: Final = 20.0
"""A machine that is silent while nobody rows speaks again after fewer metres."""
_WATCHED_S: Final = 6.0
"""So long, some strokes, is watched how fast somebody rows who tells no pace."""
_SLOWEST_MPS: Final = 500.0 / 300.0
"""A wheel that runs out is slower over some seconds."""
_FROM_REST_S: Final = 8.0
"""Who rows on from a rest is watched for so long: the first strokes are slower."""
_SPEED_SLACK: Final = 0.1
"""So exactly is the speed of work known by that of later work."""
_LATE_NS: Final = 5 * SECOND_NS
"""Nobody is believed to have rested longer than the plan has it by more than this."""
_STOOD_NS: Final = 9 * SECOND_NS // 10
"""Whose metres did not rise for so long stood, be it between two strokes."""
_HERE_NS: Final = SECOND_NS // 5
"""A rest that somebody is in lasts on for so long at least."""
SURE_S: Final = 1.0
"""So exactly is known when a rest began by where it ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """When a piece began in a stretch that nobody saw."""

    back_ns: int
    """When the rower was heard again."""
    piece: int
    """The one under way then."""
    since_ns: int | None
    """None: that is not known."""
    sure_s: float = SURE_S
    """Half-width of it."""
    speed_mps: float | None = None
    """How fast was rowed, by what was seen later; None where nothing hangs on it."""

    def known(self, before: Position) -> Known:
        """As seen from the start of the stretch."""
        if self.since_ns is None:
            return Known(piece=self.piece, told=False)
        since_s = (self.since_ns - before.t_ns) / SECOND_NS
        return Known(piece=self.piece, since_s=since_s, told=False, sure_s=self.sure_s)


@dataclass(slots=True)
class Rested:
    """A rest that began in a stretch that nobody saw, watched for its end: that dates it."""

    before_ns: int
    """When the rower was heard last before the stretch."""
    back: Position
    """Where it was heard again after it."""
    pieces: Sequence[Piece]
    piece: int
    about_ns: int
    """When it began, as far as could be told,"""
    within_s: float
    """and how exactly: half-width."""
    work_ns: int | None
    """When the work before it began; None where that is not known."""
    outset: bool
    """Whether all began in the stretch."""
    level: Position | None = None
    """Where its metres rose last."""
    stood: Position | None = None
    """Where the rower has been seen at a standstill last since,"""
    rose: Position | None = None
    """and first with more metres than there: some tell of the stroke later."""
    again: Position | None = None
    """Where somebody rowed again,"""
    again_ns: int = 0
    """and since when."""

    @property
    def _wants_speed(self) -> bool:
        """Whether it is to be seen how fast is rowed after it."""
        if self.work_ns is not None or not (self.outset or self._in_proportion):
            return False
        works = [one for one in self.pieces[: self.piece] if one.kind == "work"]
        return any(one.target.type != "time" for one in works)

    @property
    def _in_proportion(self) -> bool:
        return self.pieces[self.piece].target.type == "ratio"

    def seen(self, position: Position) -> Dated | None:
        """Take a later position; what it tells of the rest, None while it tells nothing."""
        if self.again is None and not self._ends_with(position):
            return None
        again = self.again or position
        speed_mps = None
        if self._wants_speed:
            seconds = (position.t_ns - self.again_ns) / SECOND_NS
            if seconds < _FROM_REST_S:
                return None
            speed_mps = _told_mps(position) or _rise_m(again, position) / seconds
            speed_mps = speed_mps if _SLOWEST_MPS <= speed_mps <= FASTEST_MPS else ANYBODY[0]
        since_ns = self._since_ns(self.again_ns, speed_mps)
        if since_ns is None or not self._likely(since_ns):
            self.stood = self.rose = self.level = self.again = None  # some strokes within the rest
            return None
        back_ns = self.back.t_ns
        least_ns = since_ns + back_ns + _HERE_NS - self.again_ns  # it went on until then
        return Dated(
            back_ns=back_ns,
            piece=self.piece,
            since_ns=min(max(since_ns, least_ns), back_ns),
            speed_mps=speed_mps,
        )

    def _since_ns(self, again_ns: int, speed_mps: float | None) -> int | None:
        """When it began if it was over then; None where that cannot be told."""
        target, before = self.pieces[self.piece].target, self.pieces[self.piece - 1].target
        value, work = target.value or 0.0, before.value or 0.0
        if not self._in_proportion:
            return again_ns - round(value * SECOND_NS)
        if self.work_ns is not None:  # the work and a rest in proportion to it
            return self.work_ns + round((again_ns - self.work_ns) / (1.0 + value))
        if before.type == "time":
            return again_ns - round(value * work * SECOND_NS)
        if before.type == "distance" and speed_mps is not None:
            return again_ns - round(value * work / speed_mps * SECOND_NS)
        return None

    def _likely(self, since_ns: int) -> bool:
        """Whether it may have begun then."""
        if not self.before_ns < since_ns <= self.back.t_ns + _LATE_NS:
            return False
        return abs(since_ns - self.about_ns) <= (self.within_s + SURE_S) * SECOND_NS

    def _ends_with(self, position: Position) -> bool:
        """Whether somebody rows again: from a standstill, or since the rower was heard again."""
        if _rise_m(self.level or self.back, position) > 0 or self.level is None:
            self.level = position
        stood = self.stood
        if not position.moved:
            if position.t_ns - self.level.t_ns >= _STOOD_NS:
                self.stood, self.rose = position, None
            elif self.rose is None and stood is not None and _rise_m(stood, position) > 0:
                self.rose = position
            return False
        if stood is None:
            seconds = (position.t_ns - self.back.t_ns) / SECOND_NS
            if not _WATCHED_S <= seconds <= 2 * _WATCHED_S:
                return False
            if _rise_m(self.back, position) < _SLOWEST_MPS * seconds:
                return False
            since_ns = self._since_ns(self.back.t_ns, None)
            if since_ns is None or 2 * self.about_ns >= since_ns + self.back.t_ns:
                return False  # the work before it goes on, more likely
            self.again, self.again_ns = self.back, self.back.t_ns
            return True
        self.again = position
        self.again_ns = start_between(stood, self.rose or position)
        return True

    def over(self, position: Position) -> bool:
        """Whether it cannot be dated any more: there was a gap again, or it lasts too long."""
        if position.t_ns <= self.back.t_ns:
            return False
        if position.after_gap:
            return True
        if self.again is not None:
            return False
        since_ns = self._since_ns(position.t_ns, ANYBODY[0])
        latest_ns = self.about_ns + round((self.within_s + SURE_S) * SECOND_NS)
        return since_ns is None or since_ns > min(latest_ns, self.back.t_ns + _LATE_NS)


def began_unseen(standing: Position, back: Position) -> bool:
    """Whether somebody began to row between two positions, and nobody saw it."""
    if not back.after_gap or back.t_ns - standing.t_ns <= STILL_NS:
        return False
    return _rise_m(standing, back) >= _BEGAN_M


def speed_after(heard: Sequence[Position], *, at_last: bool = False) -> float | None:
    """How fast is rowed after a stretch, by what was heard since; None where it cannot be told yet.

    The pace that the machine tells, else the mean speed over some strokes. `at_last`: nothing
    more will be heard; what anybody rows stands for what is not known.
    """
    if not any(one.moved for one in heard):
        return None
    told = [_told_mps(one) for one in heard if one.pace_s_per_500m is not None]
    if told and told[-1] is not None:
        return told[-1]
    back, last = heard[0], heard[-1]
    seconds = (last.t_ns - back.t_ns) / SECOND_NS
    if seconds < _WATCHED_S:
        return ANYBODY[0] if at_last else None
    speed_mps = _rise_m(back, last) / seconds
    return speed_mps if _SLOWEST_MPS <= speed_mps <= FASTEST_MPS else ANYBODY[0]


def rows_on(heard: Sequence[Position]) -> bool | None:
    """Whether somebody rows after a stretch; None while it cannot be told yet.

    A wheel that runs out moves too, and its machine tells the pace of the last stroke a while.
    """
    back = rose = heard[0]
    if back.pace_s_per_500m == 0 and back.stroke_rate_spm == 0:
        return False  # the machine says so
    for one in heard[1:]:
        if _rise_m(rose, one) > 0:
            rose = one
        elif one.t_ns - rose.t_ns >= STANDSTILL_NS:
            return False
    seconds = (heard[-1].t_ns - back.t_ns) / SECOND_NS
    if seconds < _WATCHED_S:
        return None
    return _rise_m(back, heard[-1]) >= _SLOWEST_MPS * seconds


def _rise_m(earlier: Position, later: Position) -> float:
    return (later.distance_m or 0.0) - (earlier.distance_m or 0.0)


def _told_mps(position: Position) -> float | None:
    pace = position.pace_s_per_500m
    if pace is None or not 500.0 / FASTEST_MPS <= pace <= 300.0:
        return None
    return 500.0 / pace


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretch:
    """What the positions on both sides tell of a stretch in which all began."""

    seconds: float
    metres: float
    kcal: float
    clock_s: float | None
    """That the machine's exact clock ran, where it began in the stretch."""

    @staticmethod
    def between(standing: Position, back: Position) -> _Stretch:
        seconds = (back.t_ns - standing.t_ns) / SECOND_NS
        clock_s = None
        if back.exact_elapsed and back.elapsed_s is not None:
            ran_s = back.elapsed_s - (standing.elapsed_s or 0.0)
            if 0 < ran_s < seconds - 1.0:  # the clock of a monitor begins with the first stroke
                clock_s = ran_s
        return _Stretch(
            seconds=seconds,
            metres=_rise_m(standing, back),
            kcal=(back.energy_kcal or 0.0) - (standing.energy_kcal or 0.0),
            clock_s=clock_s,
        )

    @property
    def kcal_per_m(self) -> float:
        return (self.kcal + 0.5) / self.metres if self.kcal > 0 and self.metres > 0 else 0.0


def start_unseen(
    standing: Position,
    back: Position,
    speed_mps: float,
    pieces: Sequence[Piece],
    first: int = 0,
    known: Known | None = None,
) -> Position:
    """Where somebody began to row between two positions, at a speed that was seen later.

    `pieces`: with whose rests it was rowed from the `first` on, if there was time for them. That
    they were kept to is not known: it may have begun at any time of the stretch. `known`: which
    of them was under way at the end of it, and since when.
    """
    stretch = _Stretch.between(standing, back)
    since_s = stretch.seconds
    rowed_s = min(since_s, stretch.metres / speed_mps)
    by_plan_s = _seconds_for(stretch.metres, speed_mps, pieces[first:], stretch.kcal_per_m)
    if by_plan_s <= since_s * (1.0 + _SPEED_SLACK):
        rowed_s = min(since_s, by_plan_s)
    uncertainty_s = max(rowed_s, since_s - rowed_s)
    if stretch.clock_s is not None:
        rowed_s = stretch.clock_s
        uncertainty_s = 0.3
    if known is not None and known.since_s is not None:
        lasted = _lasted(pieces, first, known.piece, speed_mps, stretch.kcal_per_m)
        within_s = since_s - known.since_s
        if lasted is not None:
            work_s, rest_s = lasted
            if stretch.clock_s is None:
                rowed_s = work_s + rest_s + within_s
                by_time = all(one.target.type == "time" for one in pieces[first : known.piece])
                uncertainty_s = known.sure_s + (0.0 if by_time else _SPEED_SLACK * work_s)
            elif known.told:  # it stands still in the rests of the workout that a monitor holds
                runs_s = within_s if pieces[known.piece].kind == "work" else 0.0
                clock_s = stretch.clock_s - runs_s
                works = [one.target for one in pieces[first : known.piece] if one.kind == "work"]
                if len(works) > 1:  # and tells no more than the latest of them
                    clock_s = work_s
                    mean_mps = (works[-1].value or 0.0) / max(stretch.clock_s, 0.1)
                    if works[-1].type == "distance" and _SLOWEST_MPS <= mean_mps <= FASTEST_MPS:
                        lasted = _lasted(pieces, first, known.piece, mean_mps, stretch.kcal_per_m)
                        clock_s = work_s if lasted is None or runs_s else lasted[0]
                rowed_s = clock_s + rest_s + within_s
    rowed_s = min(since_s, max(0.0, rowed_s))
    return replace(
        standing,
        t_ns=back.t_ns - round(rowed_s * SECOND_NS),
        distance_step_m=back.distance_step_m,  # which shows only once it has moved
        power_w=None,
        power_unknown=False,
        stroke_rate_spm=None,
        pace_s_per_500m=500.0 / speed_mps,
        after_gap=False,
        concluded=True,
        uncertainty_s=uncertainty_s,
    )


def since_outset(found: Course, pieces: Sequence[Piece], uncertainty_s: float) -> tuple[Turn, ...]:
    """The turns of a stretch in which all began, with what is not known of that.

    They are counted back from where it ended, at the speed that was seen after it; from before a
    rest without a length, nothing is.
    """
    turns = found.turns
    opened = [at for at, one in enumerate(turns) if _lasts_as_it_may(pieces, one)]
    last = opened[-1] if opened else 0
    return tuple(
        replace(
            turn,
            uncertainty_s=turn.uncertainty_s
            + (uncertainty_s if at < last else _SPEED_SLACK * (found.work_s - turn.work_s)),
        )
        for at, turn in enumerate(turns)
    )


def _lasts_as_it_may(pieces: Sequence[Piece], turn: Turn) -> bool:
    target = pieces[turn.piece].target
    return pieces[turn.piece].kind == "rest" and target.type == "open" and turn.ends


def resting(
    standing: Position, back: Position, pieces: Sequence[Piece], first: int
) -> Dated | None:
    """In which rest somebody stands after a stretch in which all began; None: in none, it seems.

    The one after the work whose metres were counted, or nearest to it by what anybody rows. It
    has lasted half of what there was time for, as far as one can tell.
    """
    stretch = _Stretch.between(standing, back)
    best: tuple[float, Dated] | None = None
    for at in range(first, len(pieces)):
        piece = pieces[at]
        if piece.kind == "work":
            continue
        speed = _speed_until(stretch, pieces, first, at)
        if speed is None:
            break
        speed_mps, cost = speed
        per_m = stretch.kcal_per_m
        lasted = _lasted(pieces, first, at, speed_mps, per_m)
        longest = None if lasted is None else _lasted(pieces, first, at + 1, speed_mps, per_m)
        is_open = piece.target.type == "open"
        if lasted is None or (longest is None and not is_open):
            break
        longest_s = sum(longest) if longest is not None else stretch.seconds
        most_s = min(longest_s, stretch.seconds) - sum(lasted)
        if most_s <= 0:
            break
        least_s = min(COAST_S, most_s)
        since_ns: int | None = back.t_ns - round((least_s + most_s) / 2 * SECOND_NS)
        if stretch.clock_s is not None:
            since_ns = None  # it tells when all began
        if cost <= FIT**2 and (best is None or cost < best[0]):
            works = [one for one in pieces[first:at] if one.kind == "work"]
            by_time = all(one.target.type == "time" for one in works)
            spread_s = 0.0 if by_time else ANYBODY[1] * lasted[0]
            sure_s = max(SURE_S, (most_s - least_s) / 2 + spread_s)
            best = (
                cost,
                Dated(
                    back_ns=back.t_ns,
                    piece=at,
                    since_ns=since_ns,
                    sure_s=sure_s,
                    speed_mps=speed_mps,
                ),
            )
    return None if best is None else best[1]


def _speed_until(
    stretch: _Stretch, pieces: Sequence[Piece], first: int, rest: int
) -> tuple[float, float] | None:
    """How fast was rowed if this rest has been come to, and how unlikely that is.

    Squares of spreads. None where nobody can tell.
    """
    by_energy_m = counted_m = work_s = 0.0
    rests = 0
    for piece in pieces[first : rest + 1]:
        target, value = piece.target, piece.target.value
        if piece.kind == "rest":
            rests += 1
            continue
        if piece.activity != ROW or value is None or target.at_most_s is not None:
            return None
        if target.type == "distance":
            counted_m += value
        elif target.type == "energy" and stretch.kcal_per_m > 0:
            by_energy_m += value / stretch.kcal_per_m
        elif target.type == "time":
            work_s += value
        else:
            return None
    coast_m = COAST_PER_MPS * ANYBODY[0] * rests
    over_m = stretch.metres - counted_m - by_energy_m - coast_m
    if work_s > 0:
        speed_mps = over_m / work_s
        if not 0.5 <= speed_mps <= FASTEST_MPS:
            return (ANYBODY[0], float("inf"))
        return speed_mps, (log(speed_mps / ANYBODY[0]) / ANYBODY[1]) ** 2
    if stretch.metres < counted_m - 1.0:
        return ANYBODY[0], float("inf")
    slack_m = 2.5 * rests + 0.1 * by_energy_m + 1.0
    return ANYBODY[0], (over_m / slack_m) ** 2


def _lasted(
    pieces: Sequence[Piece], first: int, until: int, speed_mps: float, kcal_per_m: float
) -> tuple[float, float] | None:
    """How long the work and the rests before a piece took, in seconds; None: cannot be told."""
    works_s = rests_s = work_s = 0.0
    for piece in pieces[first:until]:
        target, value = piece.target, piece.target.value
        if value is None or target.at_most_s is not None:
            return None
        if piece.kind == "rest":
            if target.type not in ("time", "ratio"):
                return None
            rests_s += value if target.type == "time" else value * work_s
            continue
        if target.type == "distance":
            work_s = value / speed_mps
        elif target.type == "energy" and kcal_per_m > 0:
            work_s = value / kcal_per_m / speed_mps
        elif target.type == "time":
            work_s = value
        else:
            return None
        works_s += work_s
    return works_s, rests_s


def _seconds_for(
    metres: float, speed_mps: float, pieces: Sequence[Piece], kcal_per_m: float
) -> float:
    """How long so many metres take by a plan, from its start, in whose work somebody rows."""
    seconds = work_s = 0.0
    for piece in pieces:
        target, value = piece.target, piece.target.value
        if value is None or target.at_most_s is not None or piece.activity != ROW:
            break
        energy = target.type == "energy" and kcal_per_m > 0
        if piece.kind == "work" and (energy or target.type in ("time", "distance")):
            work_s = value if target.type == "time" else value / speed_mps
            if energy:
                work_s /= kcal_per_m
            if metres <= work_s * speed_mps:
                break
            seconds += work_s
            metres -= work_s * speed_mps
        elif piece.kind == "rest" and target.type in ("time", "ratio"):
            seconds += value if target.type == "time" else value * work_s
            metres = max(0.0, metres - COAST_PER_MPS * speed_mps)
        else:
            break
    return seconds + metres / speed_mps
