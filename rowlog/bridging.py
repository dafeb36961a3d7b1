"""How a stretch that nobody saw was rowed, if the plan was followed in it: its likeliest course."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import Final

from rowlog.plan import ROW, Piece

WIDEST: Final = 0.9
"""Speeds from exp(-0.9) to exp(0.9) times the one expected are tried."""
STEP: Final = 0.01
FINER: Final = 20
"""So much finer near the best."""
LONGEST_REST_S: Final = 1200.0
"""Of rests without a length."""
MOST_RESTS: Final = 240
"""So many lengths of them are tried."""
MOST_PIECES: Final = 200
"""No stretch of more pieces is bridged."""
STANDING_MPS: Final = 1.0
"""Slower than this, nobody was rowing."""
FASTEST_MPS: Final = 500.0 / 70.0
"""1:10 for 500 m: nobody rows faster."""
COAST_S: Final = 5.0
"""A wheel runs out for about so long."""
COAST_PER_MPS: Final = 1.9
"""So many metres for each m/s that it had: with friction in proportion to speed, mostly gone in
`COAST_S`."""
BEGAN_SURE_S: Final = 0.1
"""How exactly a monitor tells when one of its intervals began."""
KCAL_SPREAD: Final = 0.3
"""Of the logarithm of what a metre costs, where a monitor tells when an interval began."""
KCAL_SLACK: Final = 0.15
"""So exactly is known what a metre costs, where nobody tells when an interval began."""
FIT: Final = 4.0
"""More spreads than this from what is expected, the plan was not followed."""
LEAST_SURE_S: Final = 0.3
"""No instant that is sought in a stretch that nobody saw is known better."""
OPEN_REST_S: Final = 60.0
"""Rests without a length last so long where nothing is known of them, give or take a lot."""
OPEN_REST_OVER: Final = 2.0
"""So much less likely is a rest without a length that ended than one that goes on."""
OPEN_REST_SPREAD: Final = (0.8, 0.4)
"""Of the logarithm of their length: by that guess, and by rests before in the session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a monitor says of its workout after the stretch, or what was seen later shows of it."""

    piece: int
    """Of the plan: the one under way."""
    since_s: float | None = None
    """When it began, after the start of the stretch; None where that is not told."""
    since_m: float | None = None
    """What was counted in the stretch until then; None where that is not told."""
    told: bool = True
    """False: no monitor said so; it is concluded from what was seen later."""
    sure_s: float = 0.0
    """Half-width of `since_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A stretch without samples, and what is known around it."""

    seconds: float
    metres: float
    """That the machine counted in it."""
    kcal: float | None
    """Likewise."""
    pieces: Sequence[Piece]
    at: int
    """The piece that was under way when it began."""
    done_s: float
    """Of that piece, before."""
    done_m: float
    done_kcal: float
    last_work_s: float
    """How long the work before took, for rests that last in proportion."""
    speed_mps: float
    """Of rowing, as it is expected."""
    spread: float
    """Of the speed: one standard deviation of its logarithm."""
    kcal_per_m: float
    """0 where no piece ends by energy."""
    rest_m: float | None
    """Metres of a rest, as they were in this session; None: not known."""
    rest_s: float | None
    """Length of a rest without a length, as they were; None: not known."""
    step_m: float
    """Of the counter."""
    known: Known | None = None

    @property
    def held(self) -> bool:
        """Whether a monitor follows the plan too: it counts the metres of rests apart."""
        return self.known is not None and self.known.told


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was done of one piece within the stretch."""

    piece: int
    seconds: float
    metres: float
    kcal: float
    rows: bool
    ends: bool
    """False for the piece that is still under way at its end."""
    fixed: bool = False
    """Whether its metres are given by the plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An instant within the stretch at which the way of moving changes, and what came before."""

    piece: int
    """Whose end it is, or in which the wheel has run out."""
    at_s: float
    """After the start of the stretch."""
    metres: float
    """Since then."""
    kcal: float
    work_s: float
    """Time spent rowing, since then."""
    rows: bool
    """Whether it was rowed up to here."""
    ends: bool
    """Whether the piece ends here."""
    uncertainty_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The likeliest course of the stretch."""

    turns: tuple[Turn, ...]
    rows: bool | None
    """Whether somebody rows at its end; None: work is due, but hardly a metre of it was rowed."""
    work_s: float
    """Time spent rowing, in all."""
    speed_mps: float


@dataclass(frozen=True, slots=True)
class Guess:
    """What is tried."""

    speed_mps: float
    rest_s: float
    """Length of rests without a length."""
    kcal_factor: float = 1.0
    """Of what a metre costs."""


def course(unseen: Unseen) -> Course | None:
    """How the stretch was rowed; None where no piece ends in it, or the plan was not followed.

    The speed of rowing, or the length of rests that have none, is sought so that the metres are
    those that the machine counted, and intervals began where its monitor says; among those that
    fit alike, the one nearest to what was seen before counts. How much those that fit differ is
    the half-width of each instant.
    """
    expected = _parts(unseen, Guess(unseen.speed_mps, unseen.rest_s or 0.0))
    if not expected:
        return None
    guesses = _guesses(unseen, _gone_through(unseen, expected))
    tried = [
        (_cost(unseen, parts, guess), guess, parts)
        for guess in guesses
        if (parts := _parts(unseen, guess))
    ]
    if not tried:
        return None
    best = min(tried, key=lambda one: one[0])
    if guesses[0].rest_s == guesses[-1].rest_s:
        by_energy = guesses[0].kcal_factor != guesses[-1].kcal_factor
        for guess in _finer(best[1], by_energy=by_energy):
            parts = _parts(unseen, guess)
            best = min(best, (_cost(unseen, parts, guess), guess, parts), key=lambda one: one[0])
    least, guess, parts = best
    if len(parts) < 2 or not _followed(unseen, parts, guess):
        return None
    if any(_is_open(unseen.pieces[part.piece]) for part in parts if part.ends):
        guess, parts = _middle(unseen, guess, parts, [(c - least, g, p) for c, g, p in tried])
    spreads = _spreads(unseen, parts, [(cost - least, other) for cost, _, other in tried])
    told = _evened(unseen, parts)
    if not _rowable(unseen, told, guess):
        return None
    last = told[-1]
    return Course(
        turns=tuple(_turns(unseen, told, spreads)),
        rows=None if last.rows and last.metres < STANDING_MPS * last.seconds else last.rows,
        work_s=sum(part.seconds for part in told if part.rows),
        speed_mps=guess.speed_mps,
    )


def _middle(
    unseen: Unseen,
    best: Guess,
    parts: list[Part],
    tried: Sequence[tuple[float, Guess, Sequence[Part]]],
) -> tuple[Guess, list[Part]]:
    """Of all lengths of rests that fit with as many pieces, the mean: metres tell little."""
    alike = [
        (exp(-cost / 2), guess.rest_s)
        for cost, guess, other in tried
        if len(other) == len(parts) and cost < FIT
    ]
    mean_s = sum(share * rest_s for share, rest_s in alike) / sum(share for share, _ in alike)
    guess = replace(best, rest_s=mean_s)
    middle = _parts(unseen, guess)
    return (guess, middle) if len(middle) == len(parts) else (best, parts)


def _turns(unseen: Unseen, parts: Sequence[Part], spreads: Sequence[float]) -> Iterator[Turn]:
    """The turns of a course, with no more metres than the machine counted.

    None before a piece that a monitor dates is later than that date.
    """
    known = unseen.known
    latest_s, most_m = unseen.seconds, unseen.metres
    if known is not None and known.since_s is not None:
        latest_s = known.since_s
        most_m = most_m if known.since_m is None else known.since_m
    at_s = metres = kcal = work_s = 0.0
    for part, spread_s in zip(parts, spreads, strict=True):
        before = known is not None and part.piece < known.piece
        within_s, within_m = (latest_s, most_m) if before else (unseen.seconds, unseen.metres)
        coast_s = min(COAST_S, part.seconds)
        if not part.rows and part.metres > 0 and coast_s < part.seconds:
            yield Turn(
                piece=part.piece,
                at_s=min(at_s + coast_s, within_s),
                metres=min(metres + part.metres, within_m),
                kcal=kcal,
                work_s=work_s,
                rows=False,
                ends=False,
                uncertainty_s=spread_s,
            )
        at_s = min(at_s + part.seconds, within_s)
        metres = min(metres + part.metres, within_m)
        kcal += part.kcal
        work_s += part.seconds if part.rows else 0.0
        if known is not None and known.since_s is not None and part.piece == known.piece - 1:
            at_s, spread_s = known.since_s, known.sure_s
            metres = metres if known.since_m is None else known.since_m
        if part.ends:
            yield Turn(
                piece=part.piece,
                at_s=at_s,
                metres=metres,
                kcal=kcal,
                work_s=work_s,
                rows=part.rows,
                ends=True,
                uncertainty_s=spread_s,
            )


def _guesses(unseen: Unseen, pieces: Sequence[Piece]) -> list[Guess]:
    """Lengths of rests where some have none, else how energy is spent, else how fast one rows."""
    if any(_is_open(piece) for piece in pieces):
        resting = unseen.at < len(unseen.pieces) and _is_open(unseen.pieces[unseen.at])
        least_s = unseen.done_s if resting else 0.0
        span_s = min(LONGEST_REST_S, unseen.seconds + unseen.done_s + 1.0 - least_s)
        count = max(2, min(MOST_RESTS, round(span_s / 0.25)))
        return [
            Guess(unseen.speed_mps, least_s + span_s * number / count)
            for number in range(count + 1)
        ]
    told = unseen.known is not None and unseen.known.since_s is not None
    by_energy = told and any(piece.target.type == "energy" for piece in pieces[:-1])
    steps = round(WIDEST / STEP)
    return [
        Guess(unseen.speed_mps, 0.0, exp(number * STEP))
        if by_energy
        else Guess(unseen.speed_mps * exp(number * STEP), 0.0)
        for number in range(-steps, steps + 1)
    ]


def _finer(guess: Guess, *, by_energy: bool) -> Iterator[Guess]:
    """Guesses about one."""
    for number in range(-FINER, FINER + 1):
        factor = exp(number * STEP / FINER)
        if by_energy:
            yield replace(guess, kcal_factor=guess.kcal_factor * factor)
        else:
            yield replace(guess, speed_mps=guess.speed_mps * factor)


def _gone_through(unseen: Unseen, parts: Sequence[Part]) -> Sequence[Piece]:
    """The pieces of some parts."""
    return unseen.pieces[parts[0].piece : parts[-1].piece + 1]


def _is_open(piece: Piece) -> bool:
    return piece.kind == "rest" and piece.target.type == "open"


def _rowed(piece: Piece) -> bool:
    """Whether a piece is rowed: work on the machine, and rests by metres or calories."""
    if piece.kind == "work":
        return piece.activity == ROW
    return piece.target.type in ("distance", "energy")


def _parts(unseen: Unseen, guess: Guess) -> list[Part]:
    """Piece by piece through the stretch; [] where it cannot be told when one ends."""
    speed_mps, kcal_per_m = guess.speed_mps, unseen.kcal_per_m * guess.kcal_factor
    left_s, last_work_s = unseen.seconds, unseen.last_work_s
    done_s, done_m, done_kcal = unseen.done_s, unseen.done_m, unseen.done_kcal
    found: list[Part] = []
    for at in range(unseen.at, min(len(unseen.pieces), unseen.at + MOST_PIECES)):
        piece = unseen.pieces[at]
        rows = _rowed(piece)
        whole_s = _seconds_of(piece, guess, kcal_per_m, last_work_s, done_m, done_kcal)
        if whole_s is None:
            return []
        needs_s = whole_s - (done_s if _by_time(piece) else 0.0)
        ends = needs_s <= left_s
        seconds = max(0.0, min(needs_s, left_s))
        if rows:
            metres = seconds * speed_mps
        elif unseen.held and unseen.known is not None and at != unseen.known.piece:
            metres = (
                0.0  # a monitor counts the metres of rests apart, and tells of the latest alone
            )
        else:
            metres = _run_out(
                unseen,
                speed_mps,
                done_s,
                seconds,
                after_row=at == 0 or _rowed(unseen.pieces[at - 1]),
            )
        fixed = rows and ends and piece.target.type == "distance"
        found.append(
            Part(
                piece=at,
                seconds=seconds,
                metres=metres,
                kcal=metres * kcal_per_m if rows else 0.0,
                rows=rows,
                ends=ends,
                fixed=fixed,
            )
        )
        if piece.kind == "work":
            last_work_s = done_s + seconds
        left_s -= seconds
        done_s = done_m = done_kcal = 0.0
        if not ends:
            break
    else:
        if left_s > 0 and len(found) < MOST_PIECES:
            # The plan is over: what is counted now is of no piece.
            metres = _run_out(unseen, speed_mps, 0.0, left_s, after_row=_rowed(unseen.pieces[-1]))
            metres = 0.0 if unseen.held else metres
            found.append(
                Part(
                    piece=len(unseen.pieces),
                    seconds=left_s,
                    metres=metres,
                    kcal=0.0,
                    rows=False,
                    ends=False,
                )
            )
    return found


def _by_time(piece: Piece) -> bool:
    return piece.target.type in ("time", "ratio", "open")


def _seconds_of(
    piece: Piece,
    guess: Guess,
    kcal_per_m: float,
    last_work_s: float,
    done_m: float,
    done_kcal: float,
) -> float | None:
    """How long a piece takes: by time in all, else from where it stands; None: cannot be told."""
    target = piece.target
    value = target.value
    if target.at_most_s is not None:
        return None
    if target.type == "time" and value is not None:
        return value
    if target.type == "ratio" and value is not None:
        return value * last_work_s
    if target.type == "open":
        return guess.rest_s if piece.kind == "rest" else float("inf")
    if not _rowed(piece) or value is None:
        return None
    if target.type == "distance":
        return max(0.0, value - done_m) / guess.speed_mps
    if target.type == "energy" and kcal_per_m > 0:
        return max(0.0, value - done_kcal) / (kcal_per_m * guess.speed_mps)
    return None


def _run_out(
    unseen: Unseen, speed_mps: float, done_s: float, seconds: float, *, after_row: bool
) -> float:
    """The metres of a stretch of rest that begins `done_s` after its start."""
    if not after_row:
        return 0.0
    whole_m = unseen.rest_m if unseen.rest_m is not None else COAST_PER_MPS * speed_mps

    def until(at_s: float) -> float:
        left = 1.0 - min(1.0, at_s / COAST_S)
        return whole_m * (1.0 - left * left)

    return until(done_s + seconds) - until(done_s)


def _slack_m(unseen: Unseen, parts: Sequence[Part]) -> float:
    """How far the metres may be off: by the counter's step, and by what wheels run on."""
    by_energy = any(piece.target.type == "energy" for piece in _gone_through(unseen, parts))
    rests = sum(not part.rows for part in parts)
    each_m = 10.0 if by_energy or unseen.held else 2.5
    return unseen.step_m / 2 + 0.2 + each_m * sqrt(rests)


def _off_m(unseen: Unseen, parts: Sequence[Part]) -> float:
    """By how much a course's metres are too many, up to where they are told."""
    known = unseen.known
    if known is not None and known.since_m is not None:
        return sum(part.metres for part in parts if part.piece < known.piece) - known.since_m
    return sum(part.metres for part in parts) - unseen.metres


def _cost(unseen: Unseen, parts: Sequence[Part], guess: Guess) -> float:
    """How unlikely a course is: squares of spreads from what is known."""
    cost = (_off_m(unseen, parts) / _slack_m(unseen, parts)) ** 2
    cost += (log(guess.speed_mps / unseen.speed_mps) / unseen.spread) ** 2
    cost += (log(guess.kcal_factor) / KCAL_SPREAD) ** 2
    over = sum(part.ends and _is_open(unseen.pieces[part.piece]) for part in parts)
    if over:
        usual_s, spread = (
            (unseen.rest_s, OPEN_REST_SPREAD[1])
            if unseen.rest_s
            else (OPEN_REST_S, OPEN_REST_SPREAD[0])
        )
        cost += (log(max(guess.rest_s, 1.0) / usual_s) / spread) ** 2
        cost += over * OPEN_REST_OVER  # it goes on until metres tell that it is over
    counted_m = sum(part.metres for part in parts if part.ends and part.fixed)
    cost += (max(0.0, counted_m - unseen.metres - 0.2) / 0.1) ** 2
    known = unseen.known
    if known is not None:
        cost += 400.0 * abs(parts[-1].piece - known.piece)
        if known.since_s is not None:
            began_s = sum(part.seconds for part in parts if part.piece < known.piece)
            cost += ((began_s - known.since_s) / BEGAN_SURE_S) ** 2
    return cost


def _followed(unseen: Unseen, parts: Sequence[Part], guess: Guess) -> bool:
    """Whether the best course is one that can be believed."""
    if unseen.known is not None and parts[-1].piece != unseen.known.piece:
        return False
    if (
        sum(part.metres for part in parts if part.ends and part.fixed)
        > unseen.metres + unseen.step_m
    ):
        return False  # fewer metres were counted than its pieces have
    by_clock = all(_by_time(unseen.pieces[part.piece]) for part in parts if part.ends)
    if by_clock and not any(_is_open(unseen.pieces[part.piece]) for part in parts if part.ends):
        return True
    if abs(_off_m(unseen, parts)) > FIT * _slack_m(unseen, parts) + 0.02 * unseen.metres:
        return False
    return abs(log(guess.speed_mps / unseen.speed_mps)) <= FIT * unseen.spread


def _rowable(unseen: Unseen, parts: Sequence[Part], guess: Guess) -> bool:
    """Whether somebody could have rowed all that was counted, and not slower than is expected."""
    if guess.speed_mps > FASTEST_MPS:
        return False
    if log(guess.speed_mps / unseen.speed_mps) < -FIT * unseen.spread:
        return False
    work_s = sum(part.seconds for part in parts if part.rows)
    work_m = sum(part.metres for part in parts if part.rows)
    return work_m <= FASTEST_MPS * work_s + _slack_m(unseen, parts)


def _spreads(
    unseen: Unseen, parts: Sequence[Part], others: Sequence[tuple[float, Sequence[Part]]]
) -> list[float]:
    """For each part, the half-width of its end: two standard deviations over what fits.

    Where calories end pieces, what a metre costs is not sure either.
    """
    ends: list[float] = []
    at_s = 0.0
    for part in parts:
        at_s += part.seconds
        ends.append(at_s)
    weight = [0.0] * len(parts)
    squares = [0.0] * len(parts)
    for cost, other in others:
        if cost > 25.0:
            continue
        share, other_s = exp(-cost / 2), 0.0
        for number in range(min(len(other), len(parts))):
            other_s += other[number].seconds
            weight[number] += share
            squares[number] += share * (other_s - ends[number]) ** 2
    found: list[float] = []
    energy_s = 0.0
    sought = False
    for part, square, sum_ in zip(parts, squares, weight, strict=True):
        target = unseen.pieces[part.piece].target if part.ends else None
        if target is not None and target.type == "energy" and part.metres > 0:
            kcal_per_s = part.metres * unseen.kcal_per_m / part.seconds
            energy_s += (0.5 + KCAL_SLACK * part.kcal) / kcal_per_s
        sought = sought or (target is not None and target.type in ("distance", "energy", "open"))
        least_s = LEAST_SURE_S if sought else 0.0
        found.append(least_s + energy_s + (2 * sqrt(square / sum_) if sum_ > 0 else 0.0))
    return found


def _evened(unseen: Unseen, parts: Sequence[Part]) -> list[Part]:
    """The parts with all the metres that were counted, no more and no fewer.

    What the course lacks or has too much goes to work whose metres no plan gives, then to rests.
    """
    told = list(parts)
    known = unseen.known
    off_m = -_off_m(unseen, told)
    last = len(told) - 1
    if known is not None and known.since_m is not None:
        told[last] = replace(told[last], metres=max(0.0, unseen.metres - known.since_m))
        last = max(0, last - 1)
    by_clock = all(_by_time(unseen.pieces[part.piece]) for part in told if part.ends)
    most = float("inf") if by_clock else 1.25
    free = [number for number in range(last + 1) if not told[number].fixed]
    for numbers, limit in (
        ([number for number in free if told[number].rows], most),
        ([number for number in free if not told[number].rows], 2.0),
        ([last], float("inf")),
    ):
        pool_m = sum(told[number].metres for number in numbers)
        if pool_m <= 0 or abs(off_m) < 1e-9:
            continue
        factor = min(limit, max(0.0, (pool_m + off_m) / pool_m))
        for number in numbers:
            part = told[number]
            told[number] = replace(part, metres=part.metres * factor, kcal=part.kcal * factor)
        off_m -= pool_m * (factor - 1)
    return told if unseen.kcal is None else _with_energy(told, unseen.kcal)


def _with_energy(parts: Sequence[Part], kcal: float) -> list[Part]:
    """The parts with all the energy that was counted; what is too much was spent in rests."""
    spent = sum(part.kcal for part in parts)
    rests = sum(not part.rows for part in parts)
    if spent <= kcal and rests:
        each = (kcal - spent) / rests
        return [part if part.rows else replace(part, kcal=each) for part in parts]
    last = parts[-1]
    if last.rows and not last.ends and last.kcal >= spent - kcal:
        return [*parts[:-1], replace(last, kcal=last.kcal - (spent - kcal))]
    factor = kcal / spent if spent > 0 else 0.0
    return [replace(part, kcal=part.kcal * factor) for part in parts]
