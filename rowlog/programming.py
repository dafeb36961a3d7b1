"""A plan as a workout for a Concept2 monitor, or why none can hold it."""

from __future__ import annotations

from collections.abc import Sequence

from rowlog.plan import ROW, Piece, Plan, Target
from rowlog_drivers.errors import CallError
from rowlog_drivers.protocols.csafe_programs import (
    Interval,
    Kind,
    Program,
    just_row,
    program,
    public,
)

_KINDS: dict[str, Kind] = {"time": "time", "distance": "distance", "energy": "calories"}
_INSTEAD = "Leave out --program: rowlog counts the pieces itself."


def program_for(plan: Plan, *, monitor: int = 5) -> Program:
    """What makes a PM3, PM4 or PM5 hold this plan, over Bluetooth.

    Raises CallError, saying which piece it cannot hold and why.
    """
    if len(plan.pieces) == 1 and _is_free_row(plan.pieces[0]):
        return just_row()
    intervals = intervals_of(plan)
    return program(intervals, split=_split(plan, intervals), monitor=monitor)


def program_over_usb(plan: Plan, *, monitor: int = 5) -> Program:
    """What makes a PM3, PM4 or PM5 hold this plan, over USB: a single piece of time or distance.

    Raises CallError, saying why it cannot hold it.
    """
    if len(plan.pieces) == 1 and _is_free_row(plan.pieces[0]):
        raise CallError(
            "Over USB no free row can be sent to a Concept2 monitor: choose Just Row on it.",
            "Leave out --program.",
        )
    intervals = intervals_of(plan)
    if len(intervals) > 1 or intervals[0].rest_s != 0:
        raise CallError(
            "Over USB a Concept2 monitor takes single pieces only: to send it intervals needs an "
            "authentication that its maker does not give out.",
            f"Send them over Bluetooth, or choose them on the monitor. {_INSTEAD}",
        )
    split = _split(plan, intervals)
    return public(intervals[0].kind, intervals[0].amount, split=split, monitor=monitor)


def _split(plan: Plan, intervals: Sequence[Interval]) -> float | None:
    """Of a single piece; None where the plan says none, or has several. Raises CallError."""
    split = plan.pieces[0].split
    if len(intervals) > 1 or split is None or intervals[0].rest_s != 0:
        return None
    if _KINDS.get(split.type) != intervals[0].kind:
        raise CallError(
            f"A Concept2 monitor has splits of the same kind as the piece, not of {split.type}.",
            _INSTEAD,
        )
    return split.value


def intervals_of(plan: Plan) -> tuple[Interval, ...]:
    """The plan's pieces of work, each with the rest after it; limits are checked elsewhere.

    Raises CallError for what no Concept2 monitor knows.
    """
    found: list[Interval] = []
    work: tuple[int, Piece, Kind, float] | None = None
    rest_s: float | None = 0.0
    for number, piece in enumerate(plan.pieces, 1):
        if piece.kind == "work":
            if work is not None:
                found.append(_interval(work, rest_s))
            work, rest_s = (number, piece, *_ending(number, piece)), 0.0
            continue
        if work is None:
            raise CallError("A Concept2 monitor begins with work, the plan with a rest.", _INSTEAD)
        more_s = _rest_s(number, piece, work)
        rest_s = None if more_s is None or rest_s is None else rest_s + more_s
    if work is None:
        raise CallError("There is no work in the plan.", _INSTEAD)
    found.append(_interval(work, rest_s))
    return tuple(found)


def _is_free_row(piece: Piece) -> bool:
    return piece.kind == "work" and piece.activity == ROW and piece.target == Target(type="open")


def _interval(work: tuple[int, Piece, Kind, float], rest_s: float | None) -> Interval:
    number, _, kind, amount = work
    if rest_s is not None and rest_s != int(rest_s):
        raise CallError(
            f"The rest after piece {number} takes {rest_s:g} s; a Concept2 monitor rests for whole "
            "seconds.",
            _INSTEAD,
        )
    return Interval(kind=kind, amount=amount, rest_s=None if rest_s is None else int(rest_s))


def _ending(number: int, piece: Piece) -> tuple[Kind, float]:
    if piece.activity != ROW:
        raise CallError(
            f"Piece {number} is {piece.activity}: a Concept2 monitor knows nothing but rowing.",
            _INSTEAD,
        )
    target = piece.target
    kind = _KINDS.get(target.type)
    if kind is None or target.value is None or target.at_most_s is not None:
        ends = "with no end" if target.type == "open" else "by heart rate"
        if target.at_most_s is not None:
            ends = "by whichever of two comes first"
        raise CallError(
            f"Piece {number} ends {ends}; a Concept2 monitor ends pieces by distance, time or "
            "calories.",
            _INSTEAD,
        )
    return kind, target.value


def _rest_s(number: int, piece: Piece, work: tuple[int, Piece, Kind, float]) -> float | None:
    """Seconds of a rest; None: until the rower goes on."""
    target = piece.target
    if target.type == "open" and target.at_most_s is None:
        return None
    if target.type == "time" and target.value is not None and target.at_most_s is None:
        return target.value
    if target.type == "ratio" and target.value is not None and work[2] == "time":
        return target.value * work[3]
    how = {
        "ratio": "lasts as long as the work before it takes",
        "distance": "ends by distance",
        "energy": "ends by calories",
    }.get(target.type, "ends by heart rate")
    raise CallError(
        f"The rest that is piece {number} {how}; a Concept2 monitor rests for a fixed time, or "
        "until the rower goes on.",
        _INSTEAD,
    )
