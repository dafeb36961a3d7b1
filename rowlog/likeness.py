"""Whether what was rowed has the shape of a plan, within tolerances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeGuard

from rowlog.notation import NotationError, parse
from rowlog.plan import ASIDE, Piece, Plan, Target

LEAST: Final = {"distance": 10.0, "time": 2.0, "energy": 1.0}
SHARE: Final = {"distance": 0.02, "time": 0.02, "energy": 0.05}
"""A piece of work may miss what it is compared with by the larger of the two."""
REST_LEAST: Final = {"distance": 30.0, "time": 10.0, "energy": 2.0}
REST_SHARE: Final = 0.15
"""A rest may, likewise."""
SURE: Final = 0.6
"""So sure must be what a session looks like for its pattern to count."""


@dataclass(frozen=True, slots=True)
class Rowed:
    """A stretch of work or rest as it was; of a piece with pauses there are several."""

    piece: int | None
    kind: str
    activity: str
    tag: str | None
    duration_s: float
    distance_m: float | None
    energy_kcal: float | None
    paused_s: float = 0.0
    """Of the time of a piece, how much was pauses: its clock may have run on in them, or not."""

    def reached(self, quantity: str) -> float | None:
        """How much of it there was, in the unit of the quantity; None when nobody said."""
        if quantity == "time":
            return self.duration_s
        return self.distance_m if quantity == "distance" else self.energy_kcal


def work_pieces(plan: Plan) -> list[Piece]:
    """The plan's pieces of work, without warm-up and cool-down."""
    return [piece for piece in plan.pieces if piece.kind == "work" and piece.tag not in ASIDE]


def alike(plan: Plan, rowed: Sequence[Rowed]) -> bool:
    """Whether a session has the plan's shape: as many pieces, as long, with as much rest between.

    The rest after the last piece is not compared; neither are rests that the plan ends by heart
    rate or leaves open, nor work that it does.
    """
    planned, held = _joined_plan(plan), _joined(rowed)
    if len(planned) != len(held):
        return False
    for place, ((piece, rest), (work, rested)) in enumerate(zip(planned, held, strict=True)):
        if piece.activity != work.activity:
            return False
        if not _near(piece.target, work, LEAST, SHARE.get(piece.target.type, 0.0)):
            return False
        last = place == len(planned) - 1
        if not last and not _rest_alike(rest, work, rested):
            return False
    return True


def same_shape(plan: Plan, text: str) -> bool:
    """Whether a pattern that was recognised is the plan, whatever its guidance."""
    try:
        other = parse(text)
    except NotationError:
        return False
    shapes = [
        [(piece.activity, piece.target, rest) for piece, rest in _joined_plan(one)]
        for one in (plan, other)
    ]
    for shape in shapes:  # the last rest is not compared
        if shape:
            shape[-1] = (*shape[-1][:2], None)
    return shapes[0] == shapes[1]


def _rest_alike(rest: Target | None, work: Rowed, rested: Rowed | None) -> bool:
    if rest is None:
        return rested is None or rested.duration_s <= REST_LEAST["time"]
    if rest.type not in ("time", "distance", "energy", "ratio"):
        return rested is not None
    if rested is None:
        return False
    if rest.type == "ratio":
        rest = Target(type="time", value=(rest.value or 0.0) * work.duration_s)
    return _near(rest, rested, REST_LEAST, REST_SHARE)


def _near(target: Target, held: Rowed, least: dict[str, float], share: float) -> bool:
    if target.type not in least or target.value is None:
        return True
    reached = held.reached(target.type)
    if reached is None:
        return False
    slack = max(least[target.type], share * target.value)
    return abs(reached - target.value) <= slack or (
        target.type == "time" and abs(reached - held.paused_s - target.value) <= slack
    )


def _joined_plan(plan: Plan) -> list[tuple[Piece, Target | None]]:
    """Each piece of work and the rest after it."""
    joined: list[tuple[Piece, Target | None]] = []
    aside = False
    for piece in plan.pieces:
        if piece.kind == "work":
            aside = piece.tag in ASIDE
            if not aside:
                joined.append((piece, None))
        elif joined and not aside:
            joined[-1] = (joined[-1][0], piece.target)
    return joined


def _joined(rowed: Sequence[Rowed]) -> list[tuple[Rowed, Rowed | None]]:
    """Each piece of work, its pauses bridged, and the rest after it."""
    joined: list[tuple[Rowed, Rowed | None]] = []
    aside = False
    for held in rowed:
        resting = joined[-1][1] if joined and not aside else None
        if held.kind == "rest":
            if joined and not aside:
                whole = _sum(resting, held) if _same(resting, held) else held
                joined[-1] = (joined[-1][0], whole)
            continue
        if held.kind == "pause" and _same(resting, held):
            continue  # a key paused the rest
        aside = held.tag in ASIDE
        if aside:
            continue
        before = joined[-1] if joined else None
        if before is not None and before[1] is None and before[0].piece == held.piece:
            joined[-1] = (_sum(before[0], held), None)
        else:
            joined.append((held, None))
    return joined


def _same(rested: Rowed | None, held: Rowed) -> TypeGuard[Rowed]:
    """Whether a stretch is of the rest before it."""
    return rested is not None and held.piece is not None and rested.piece == held.piece


def _sum(one: Rowed, other: Rowed) -> Rowed:
    return Rowed(
        piece=one.piece,
        kind=one.kind,
        activity=one.activity,
        tag=one.tag,
        duration_s=one.duration_s + other.duration_s,
        distance_m=_plus(one.distance_m, other.distance_m),
        energy_kcal=_plus(one.energy_kcal, other.energy_kcal),
        paused_s=one.paused_s + (other.duration_s if other.kind == "pause" else 0.0),
    )


def _plus(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
