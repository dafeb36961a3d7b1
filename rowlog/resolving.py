"""Guidance that refers to an athlete's bests, maximum or zones, in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rowlog.plan import Band, Piece, Plan, Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What is known of an athlete on one day; without anything, guidance stays as it was said."""

    paces_s_per_500m: Mapping[Reference, float] = field(default_factory=dict)
    """The athlete's bests; those that are not there are not known."""
    max_heart_rate_bpm: float | None = None
    zones: Mapping[str, Band] = field(default_factory=dict)
    """Each zone by its name, as a band of heart rate."""


@dataclass(frozen=True, slots=True)
class Guide:
    """One thing that a piece's guidance asks for."""

    said: Band | str
    """As the plan has it: a band, or the name of a zone."""
    band: Band | None
    """In values of its quantity; None where it needs something that is not known."""


def guides(piece: Piece, values: Values) -> tuple[Guide, ...]:
    """All that a piece's guidance asks for, in numbers where they are known."""
    found = [Guide(band, resolved(band, values)) for band in piece.bands]
    if piece.zone is not None:
        found.append(Guide(piece.zone, values.zones.get(piece.zone)))
    return tuple(found)


def resolved(band: Band, values: Values) -> Band | None:
    """A band in values of its quantity; None where what it refers to is not known."""
    if band.reference is None:
        return band
    if band.reference == "max_heart_rate":
        top = values.max_heart_rate_bpm
        return None if top is None else _moved(band, lambda percent: percent / 100 * top)
    pace = values.paces_s_per_500m.get(band.reference)
    return None if pace is None else _moved(band, lambda seconds: pace + seconds)


def _moved(band: Band, move: Callable[[float], float]) -> Band:
    return Band(
        quantity=band.quantity,
        low=None if band.low is None else move(band.low),
        high=None if band.high is None else move(band.high),
    )


def referred_to(plan: Plan) -> tuple[frozenset[Reference], bool]:
    """Which bests (and the maximum) a plan's guidance refers to, and whether to any zone."""
    pieces = [piece for piece in plan.pieces if piece.kind == "work"]
    bands = (band.reference for piece in pieces for band in piece.bands)
    return (
        frozenset(reference for reference in bands if reference is not None),
        any(piece.zone is not None for piece in pieces),
    )


def unresolved(plan: Plan, values: Values) -> tuple[Band | str, ...]:
    """What a plan's guidance says that stays without numbers, each once, in order."""
    found: dict[Band | str, None] = {}
    for piece in plan.pieces:
        if piece.kind == "work":
            found.update({one.said: None for one in guides(piece, values) if one.band is None})
    return tuple(found)
