"""What the pieces of a file were meant to be, as interval text: by time or by metres."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, NamedTuple

from rowlog.imports.workout import SHORTEST_LAP_S, Lap, Resolution

_TIMES_S: Final = (60.0, 30.0, 15.0, 10.0, 5.0)
_LENGTHS_M: Final = (500.0, 250.0, 100.0, 50.0, 10.0)
_ENERGIES_KCAL: Final = (50.0, 10.0, 5.0)
"""What people set, from the roundest on."""
_FINEST: Final = 0.05
"""No time and no distance is known more exactly than this, in seconds or metres."""
_CHANCE: Final = 0.01
"""What comes about by chance more often than this was not meant."""
_COUNTED_KCAL: Final = 0.5
"""Energy is counted in whole kilocalories."""
_SPREAD: Final = 0.1
"""Pieces that were not meant to be equal differ by so much of their size at least."""
_OPEN: Final = "...r"
"""A rest that ends when its rower rows on."""


class _Even(NamedTuple):
    """Sizes as they were meant."""

    chance: float
    """How often sizes that nobody meant would lie as near to these."""
    sizes: tuple[float, ...]


def plan_of(laps: Sequence[Lap], known: Resolution, *, alone: bool = False) -> str | None:
    """Interval text for the pieces that a file's laps are; None for a single one.

    `alone`: whether one by itself tells of a piece; it is named where it is of an even size.

    Pieces of even times are named by their times, those of even metres by their metres, of energies
    by those, all of them alike; where none are, each by its metres, where they are known.
    Rests of all lengths between equal pieces are undefined ones. Equal pieces are told once.
    """
    if not laps or (len(laps) == 1 and not alone):
        return None
    pieces: list[tuple[Lap, Lap | None]] = []
    for lap in laps:
        if lap.seconds < SHORTEST_LAP_S:
            continue
        if not lap.rest:
            pieces.append((lap, None))
        elif pieces and pieces[-1][1] is None:
            pieces[-1] = (pieces[-1][0], lap)
        else:
            return None
    words, even = _work([work for work, _ in pieces], known)
    if len(laps) == 1 and not even:
        return None
    alike = even and len(set(words)) == 1
    rests = _rests([rest for _, rest in pieces], known, alike=alike)
    if alike and len(words) > 1 and len(set(rests)) == 1:
        return f"{len(words)}x{words[0]}{rests[0]}"
    return " + ".join(map("".join, zip(words, rests, strict=True))) or None


def _work(laps: Sequence[Lap], known: Resolution) -> tuple[list[str], bool]:
    """Each piece of work in words, and whether they are of even sizes."""
    metres = [lap.metres for lap in laps if lap.metres is not None and lap.metres >= 1]
    told = [lap.said.get("energy_kcal") for lap in laps]
    kcal = [value for value in told if isinstance(value, float | int)]
    ways: list[tuple[_Even | None, Callable[[float], str]]] = [
        (_even(metres, known.within_m, _LENGTHS_M) if len(metres) == len(laps) else None, _length),
        (_even([lap.seconds for lap in laps], known.within_s, _TIMES_S), clock),
    ]
    if len(kcal) == len(laps) > 2:  # of two, both are even too often
        ways.append((_even(kcal, _COUNTED_KCAL, _ENERGIES_KCAL), _energy))
    found = [(even.chance, place) for place, (even, _) in enumerate(ways) if even is not None]
    if found:
        even, word = ways[min(found)[1]]
        return [word(size) for size in (() if even is None else even.sizes)], True
    return [
        # Cut off and not rounded: the last piece's end must be reached by the last metre.
        _length(math.floor(lap.metres * 10 + 1e-6) / 10)
        if lap.metres is not None and lap.metres >= 1
        else clock(lap.seconds)
        for lap in laps
    ], False


def _rests(laps: Sequence[Lap | None], known: Resolution, *, alike: bool) -> list[str]:
    """What follows each piece; a last rest that was cut short, or left out, is as the others."""
    given = [lap.seconds for lap in laps if lap is not None]
    if not given:
        return [""] * len(laps)
    if alike and len(laps) > 1 and all(lap is not None for lap in laps[:-1]):
        last = laps[-1].seconds if laps[-1] is not None else 0.0
        before = [lap.seconds for lap in laps[:-1] if lap is not None]
        meant = _even(before, known.within_s, _TIMES_S)
        sizes = before if meant is None else list(meant.sizes)
        if max(sizes) - min(sizes) <= 2 * known.within_s and last <= max(sizes) + known.within_s:
            return [f"/{clock(median(sizes))}r"] * len(laps)
        if meant is None and len(before) > 1:
            return [f"/{_OPEN}"] * len(laps)
    even = _even(given, known.within_s, _TIMES_S)
    waiting = iter(given if even is None else even.sizes)
    return ["" if lap is None else f"/{clock(next(waiting))}r" for lap in laps]


def _even(sizes: Sequence[float], within: float, steps: Sequence[float]) -> _Even | None:
    """The sizes as multiples of the roundest step that they fit, or all as one; None: neither."""
    if not sizes:
        return None
    found = []
    for step in steps:
        meant = [round(size / step) * step for size in sizes]
        off = max(abs(size - near) for size, near in zip(sizes, meant, strict=True))
        if min(meant) > 0 and off <= within and _chance(within, step, len(sizes)) <= _CHANCE:
            chance = _chance(max(off, _FINEST), step, len(sizes))
            found.append(_Even(chance, tuple(meant)))
            break
    one = float(round(median(sizes)))
    off = max(abs(size - one) for size in sizes)
    others = len(sizes) - 1
    if one > 0 and off <= within and _chance(within, _SPREAD * one, others) <= _CHANCE:
        chance = _chance(max(off, _FINEST), _SPREAD * one, others)
        found.append(_Even(chance, (one,) * len(sizes)))
    return found[0] if found else None


def _chance(off: float, step: float, count: int) -> float:
    """How likely so many sizes lie so near a multiple of a step without being meant to."""
    return float(min(2 * off / step, 1.0) ** count)


def _length(metres: float) -> str:
    return f"{metres:.1f}".removesuffix(".0") + "m"


def _energy(kcal: float) -> str:
    return f"{kcal:.0f}cal"


def clock(seconds: float) -> str:
    """A time as interval text has it, to the tenth: 1:00, 2:00.5, 75:00."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    text = f"{minutes}:{rest // 10:02d}"
    return f"{text}.{rest % 10}" if rest % 10 else text
