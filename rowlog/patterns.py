"""Pieces and rests as somebody would have planned them: round figures, repetitions, sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Final, Literal

from rowlog.detection import Bout
from rowlog.notation import parse

Measure = Literal["distance", "time"]

GRIDS: Final[dict[str, tuple[tuple[float, float], ...]]] = {
    "distance": ((1000, 0.0), (500, 0.0), (250, 0.05), (100, 0.1), (50, 0.3)),
    "time": ((60, 0.0), (30, 0.05), (15, 0.15), (10, 0.2), (5, 0.35)),
}
"""Round figures, the roundest first, and what it costs to believe in one that is less round."""
SPECIAL_M: Final = (21097.0, 42195.0)
SLACK: Final = {"distance": (10.0, 0.012), "time": (2.5, 0.006)}
"""So far from a round figure a piece may be: the larger of the amount and the share."""
REST_SLACK_S: Final = 4.0
FINE: Final = {"distance": 100, "time": 15}
"""Figures that are less round than this are believed of pieces or rests alone that are all alike:
anything is near some of them."""


@dataclass(frozen=True, slots=True)
class Round:
    """A round figure that was probably meant."""

    value: float
    cost: float
    """How little it is believed in, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the pieces look like."""

    text: str
    """In the interval notation, canonical."""
    fit: float
    """How well the round figures fit, 0 to 1."""


def pattern(bouts: Sequence[Bout]) -> Pattern | None:
    """The plan that pieces look like; None when they fit no round figures."""
    measured = _measured([bout for bout in bouts if bout.tag is None])
    if measured is None:
        return None
    measure, figures = measured
    costs = [figure.cost for figure in figures]
    rest_figures = _rests([later.start_s - earlier.end_s for earlier, later in pairwise(bouts)])
    rests = [figure.value if figure is not None else None for figure in rest_figures]
    works = iter(figures)
    steps: list[_Step] = []
    for place, bout in enumerate(bouts):
        rest_s = rests[place] if place < len(rests) else 0.0
        if bout.tag is None:
            steps.append(_Step(_amount(next(works).value, measure), rest_s, None))
        else:
            minutes = max(1, round(bout.seconds / 30)) * 30
            steps.append(_Step(_amount(minutes, "time"), rest_s, bout.tag))
    held = [figure.cost for figure in rest_figures if figure is not None]
    fit = 1.0 - 0.6 * fmean(costs) - 0.2 * (fmean(held) if held else 0.0)
    return Pattern(text=str(parse(_text(steps))), fit=fit)


@dataclass(frozen=True, slots=True)
class _Step:
    amount: str
    rest_s: float | None
    """Seconds of rest after it: 0 for none, None for some that is no round figure."""
    tag: str | None


def _measured(work: Sequence[Bout]) -> tuple[Measure, list[Round]] | None:
    """Whether the pieces were meant by distance or by time, and as what figures."""
    found: list[tuple[float, Measure, list[Round]]] = []
    for measure in GRIDS:
        amounts = [bout.distance_m if measure == "distance" else bout.seconds for bout in work]
        same = max(amounts) - min(amounts) <= 2 * _slack(measure, max(amounts))
        if same:  # repetitions: all are one figure, that of their mean
            one = _nearest(fmean(amounts), measure, fine=True)
            figures = None if one is None else [one] * len(amounts)
            spread = (max(amounts) - min(amounts)) / (2 * _slack(measure, max(amounts)))
        else:
            each = [_nearest(amount, measure, fine=False) for amount in amounts]
            figures = [figure for figure in each if figure is not None]
            if len(figures) < len(each):
                figures = None
            spread = 0.0
        if figures is not None:
            cost = fmean(figure.cost for figure in figures) + 0.3 * spread + 0.2 * (not same)
            found.append((cost, "distance" if measure == "distance" else "time", figures))
    if not found:
        return None
    _, measure, figures = min(found, key=lambda one: one[0])
    return measure, figures


def _slack(measure: str, amount: float) -> float:
    least, share = SLACK[measure]
    return max(least, share * amount)


def _nearest(amount: float, measure: str, *, fine: bool) -> Round | None:
    """The round figure that an amount stands for; None when it is near none."""
    grids = [grid for grid in GRIDS[measure] if fine or grid[0] >= FINE[measure]]
    candidates = [
        (grid * round(amount / grid), cost)
        for grid, cost in grids
        if grid <= 0.6 * amount or round(amount / grid) == 1
    ]
    if measure == "distance":
        candidates += [(value, 0.0) for value in SPECIAL_M]
    return _best(amount, candidates, _slack(measure, amount))


def _rests(seconds: Sequence[float]) -> list[Round | None]:
    """The round figures that rests stand for; all are one where they are alike."""
    if not seconds:
        return []
    alike = max(seconds) - min(seconds) <= 1.5 * REST_SLACK_S
    if alike:
        return [_rest(fmean(seconds), fine=True)] * len(seconds)
    return [_rest(rest_s, fine=False) for rest_s in seconds]


def _rest(seconds: float, *, fine: bool) -> Round | None:
    grids = [grid for grid in GRIDS["time"] if fine or grid[0] >= FINE["time"]]
    candidates = [(grid * round(seconds / grid), cost) for grid, cost in grids]
    return _best(seconds, candidates, REST_SLACK_S)


def _best(amount: float, candidates: Sequence[tuple[float, float]], slack: float) -> Round | None:
    best: Round | None = None
    for value, cost in candidates:
        miss = abs(amount - value) / slack
        if value > 0 and miss <= 1 and (best is None or cost + 0.5 * miss < best.cost):
            best = Round(value, min(1.0, cost + 0.5 * miss))
    return best


def _amount(value: float, measure: str) -> str:
    return f"{value:.0f}m" if measure == "distance" else f"{value:.0f}s"


# Text


def _text(steps: Sequence[_Step]) -> str:
    """Warm-up, then the work with its repetitions and sets folded up, then cool-down."""
    work = [step for step in steps if step.tag is None]
    first = next(place for place, step in enumerate(steps) if step.tag is None)
    parts = [f"[w]{step.amount}{_rest_text(step.rest_s)}" for step in steps[:first]]
    after = steps[first + len(work) :]
    last_rest_s = work[-1].rest_s if after else 0.0
    parts.append(_folded(work))
    if last_rest_s != 0.0 and not parts[-1].endswith("r"):
        parts[-1] += _rest_text(last_rest_s)
    parts += [f"[c]{step.amount}" for step in after]
    return " + ".join(parts)


def _folded(work: Sequence[_Step]) -> str:
    amounts = [step.amount for step in work]
    rests = [step.rest_s for step in work[:-1]]
    if len(set(amounts)) == 1 and len(work) > 1:
        if len(set(rests)) == 1:
            return f"{len(work)}x{amounts[0]}{_rest_text(rests[0])}"
        folded = _sets(amounts, rests)
        if folded is not None:
            return folded
        if None in rests:
            return f"{len(work)}x{amounts[0]}/...r"
    folded = _sets(amounts, rests)
    if folded is not None:
        return folded
    return " + ".join(
        amount + (_rest_text(rests[place]) if place < len(rests) else "")
        for place, amount in enumerate(amounts)
    )


def _sets(amounts: Sequence[str], rests: Sequence[float | None]) -> str | None:
    """The work as a group that repeats; None when it does not."""
    count = len(amounts)
    for size in range(2, count // 2 + 1):
        if count % size:
            continue
        sets = count // size
        inner = rests[: size - 1]
        alike = all(
            list(amounts[at : at + size]) == list(amounts[:size])
            and list(rests[at : at + size - 1]) == list(inner)
            for at in range(0, count, size)
        )
        between = {rests[at - 1] for at in range(size, count, size)}
        if not alike or len(between) > 1:
            continue
        rest_s = between.pop()
        if len(set(amounts[:size])) == 1 and len(set(inner)) == 1:
            body = f"{size}x{amounts[0]}{_rest_text(inner[0])}"
        else:
            body = " + ".join(
                amount + (_rest_text(inner[place]) if place < size - 1 else "")
                for place, amount in enumerate(amounts[:size])
            )
        return f"{sets}x({body}){_rest_text(rest_s)}"
    return None


def _rest_text(rest_s: float | None) -> str:
    if rest_s is None:
        return "/...r"
    return f"/{rest_s:.0f}sr" if rest_s else ""
