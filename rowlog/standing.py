"""Where the session stands at this moment: the piece, how far, what is left, what comes next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.intervals import Tracker
from rowlog.judging import tolerance
from rowlog.plan import ROW, Piece, Quantity
from rowlog.resolving import Values, guides
from rowlog.timeline import Position

Phase = Literal["waiting", "work", "rest", "pause", "done", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One moment of a session, as a live view shows it.

    It runs ahead of the segments: they wait for the sample after a boundary, this does not.
    """

    phase: Phase
    """"waiting": for the first stroke; "done": the plan has ended; "ended": the
    session ended before that."""
    index: int | None
    """Of the plan's piece; None before the first and after the last."""
    piece: Piece | None
    next: Piece | None
    number: int
    """How many pieces of work have begun."""
    count: int | None
    """How many pieces of work there are; None without a plan."""
    seconds: float = 0.0
    """Since the piece began, without the pauses that a key made."""
    metres: float | None = None
    """Likewise."""
    to_go: float | None = None
    """What is left of the target, in its unit; None when the target is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Whether the piece's guidance is kept at this moment, for one band of it."""

    quantity: Quantity
    low: float | None
    high: float | None
    """In values of the quantity; both None where that needs what is not known of the athlete."""
    value: float | None
    """The latest; None when it is not known."""
    state: Literal["in", "below", "above", "unknown"]
    """"unknown" too where the band needs an athlete's best, maximum or zones that are not known."""


NOTHING_KNOWN: Final = Values()


def guidance(
    piece: Piece | None,
    latest: Callable[[Quantity], float | None],
    values: Values = NOTHING_KNOWN,
) -> tuple[Held, ...]:
    """Each band of a piece of work, judged by the latest values; () where there is none.

    `values` are the athlete's, for what is said by a best, the maximum heart rate or a zone.
    """
    if piece is None or piece.kind != "work":
        return ()
    held: list[Held] = []
    for one in guides(piece, values):
        band = one.band
        if band is None:
            quantity = "heart_rate_bpm" if isinstance(one.said, str) else one.said.quantity
            value = latest(quantity)
            held.append(Held(quantity=quantity, low=None, high=None, value=value, state="unknown"))
            continue
        value = latest(band.quantity)
        slack = tolerance(band)
        state: Literal["in", "below", "above", "unknown"] = "in"
        if value is None:
            state = "unknown"
        elif band.low is not None and value < band.low - slack:
            state = "below"
        elif band.high is not None and value > band.high + slack:
            state = "above"
        held.append(
            Held(quantity=band.quantity, low=band.low, high=band.high, value=value, state=state)
        )
    return tuple(held)


def standing(tracker: Tracker, position: Position | None, t_ns: int) -> Standing:
    """Where a session stands at `t_ns`; `position` is the rower's latest, None without one."""
    pieces = tracker.pieces
    count = tracker.plan.work_count if tracker.plan is not None else None
    index, begin = tracker.at, tracker.begin
    if index < 0 or (begin is None and index < len(pieces)):
        first = pieces[tracker.first] if tracker.plan is not None and pieces else None
        return Standing(phase="waiting", index=None, piece=None, next=first, number=0, count=count)
    paused = tracker.paused or tracker.paused_by_key
    last_work_s = tracker.last_work_s
    now_ns, (t_ns, held) = t_ns, _clock_ns(tracker, t_ns)
    distance_m = position.distance_m if position is not None else None
    energy_kcal = position.energy_kcal if position is not None else None
    # Pieces that end by a key or by time may be over already, although no sample has told where the
    # rower stood at their end.
    if tracker.key_ns is not None and begin is not None and index < len(pieces):
        if pieces[index].kind == "work":
            last_work_s = (min(tracker.key_ns, t_ns) - begin.t_ns) / SECOND_NS
        begin = Mark(
            t_ns=tracker.key_ns,
            distance_m=position.distance_m if position is not None else None,
            energy_kcal=position.energy_kcal if position is not None else None,
        )
        index, paused, held, t_ns = index + 1, False, None, now_ns
    if held is not None:
        distance_m, energy_kcal = held.distance_m, held.energy_kcal
    while index < len(pieces) and begin is not None:
        seconds = _time_target_s(pieces[index], last_work_s)
        if seconds is None or t_ns < begin.t_ns + round(seconds * SECOND_NS):
            break
        begin = Mark(
            t_ns=begin.t_ns + round(seconds * SECOND_NS),
            distance_m=distance_m,
        )
        index, paused = index + 1, tracker.paused_by_key
    number = sum(piece.kind == "work" for piece in pieces[: index + 1])
    if index >= len(pieces) or begin is None:
        return Standing(phase="done", index=None, piece=None, next=None, number=number, count=count)
    piece = pieces[index]
    seconds_in = (t_ns - begin.t_ns) / SECOND_NS
    metres = None
    if distance_m is not None and piece.activity == ROW:
        metres = max(0.0, distance_m - (begin.distance_m or 0.0))
    kcal = None if energy_kcal is None else energy_kcal - (begin.energy_kcal or 0.0)
    return Standing(
        phase="pause" if paused else piece.kind,
        index=index if tracker.plan is not None else None,
        piece=piece,
        next=pieces[index + 1] if index + 1 < len(pieces) else None,
        number=number,
        count=count,
        seconds=max(0.0, seconds_in),
        metres=metres,
        to_go=_to_go(piece, last_work_s, seconds_in, metres, kcal),
    )


def _clock_ns(tracker: Tracker, t_ns: int) -> tuple[int, Mark | None]:
    """What time it is on the piece's clock, and where it stands while a key has paused it.

    Keys count at once here, also those whose place between two samples is not known yet.
    """
    held = tracker.held
    since_ns = held.t_ns if held is not None else None
    away_ns = 0
    for key_ns in tracker.pauses_ns:
        if since_ns is None:
            since_ns = key_ns
        else:
            away_ns += key_ns - since_ns
            since_ns = held = None
    return (t_ns if since_ns is None else since_ns) - away_ns, held


def _time_target_s(piece: Piece, last_work_s: float) -> float | None:
    target = piece.target
    if target.type == "time":
        return target.value
    if target.type == "ratio" and target.value is not None:
        return target.value * last_work_s
    return target.at_most_s


def _to_go(
    piece: Piece,
    last_work_s: float,
    seconds: float,
    metres: float | None,
    kcal: float | None,
) -> float | None:
    target = piece.target
    if target.value is None:
        return None
    if target.type in ("time", "ratio"):
        whole = _time_target_s(piece, last_work_s)
        return None if whole is None else max(0.0, whole - seconds)
    if target.type == "distance":
        return None if metres is None else max(0.0, target.value - metres)
    if target.type == "energy" and kcal is not None:
        return max(0.0, target.value - kcal)
    return target.value if target.type.startswith("heart_rate") else None
