"""What was meant: a Plan of Pieces, each with a Target and bands to stay within."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PieceKind = Literal["work", "rest"]
TargetType = Literal[
    "time", "distance", "energy", "heart_rate_above", "heart_rate_below", "open", "ratio"
]
Tag = Literal["warm_up", "cool_down", "test"]
ASIDE: Final = ("warm_up", "cool_down")
"""Pieces with these tags are rowed and shown, but are no part of a session's work in all."""
Quantity = Literal["stroke_rate_spm", "pace_s_per_500m", "power_w", "heart_rate_bpm"]
Reference = Literal["2k", "5k", "6k", "30min", "60min", "max_heart_rate"]

ROW: Final = "row"
"""The activity of a piece on the machine; any other activity is an exercise's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What ends a piece."""

    type: TargetType
    value: float | None = None
    """Seconds, metres, kilocalories or beats per minute by `type`; None for "open".

    For "ratio", which only a rest has: how many times as long as the work before it took.
    """
    at_most_s: float | None = None
    """The piece ends after so many seconds at the latest; None: no such bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A range to stay within while a piece lasts; either end may be open (None)."""

    quantity: Quantity
    low: float | None = None
    high: float | None = None
    reference: Reference | None = None
    """None: `low` and `high` are values of the quantity. Otherwise they need an athlete first:
    seconds per 500 m to add to the athlete's pace over 2k, 5k, 6k, 30 or 60 minutes, or per cent
    of the maximum heart rate.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One stretch of work or rest."""

    kind: PieceKind
    target: Target
    activity: str = ROW
    bands: tuple[Band, ...] = ()
    zone: str | None = None
    """A heart-rate zone by name ("UT2"), which needs an athlete to become a band."""
    free: bool = False
    """Expressly without guidance (`@open`: as the rower likes); False: nothing was said."""
    round: int | None = None
    """Which round of the innermost repeated group this belongs to, from 1; None outside groups."""
    split: Target | None = None
    """Length of this piece's splits; None: the customary ones."""
    tag: Tag | None = None
    note: str | None = None
    """What a run is called ("tempo"), in lower case; None: nothing was said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole workout, its groups already unrolled."""

    pieces: tuple[Piece, ...]
    text: str
    """The canonical notation: parsing it again gives an equal plan."""

    def __str__(self) -> str:
        return self.text

    @property
    def work_count(self) -> int:
        """How many pieces of work there are."""
        return sum(piece.kind == "work" for piece in self.pieces)

    @property
    def work_m(self) -> float:
        """Metres of the pieces of work that end by distance."""
        return self._total("work", "distance")

    @property
    def work_s(self) -> float:
        """Seconds of the pieces of work that end by time."""
        return self._total("work", "time")

    @property
    def rest_s(self) -> float:
        """Seconds of the rests that end by time, the last one included."""
        return self._total("rest", "time")

    def _total(self, kind: PieceKind, target_type: TargetType) -> float:
        values = (
            piece.target.value or 0.0
            for piece in self.pieces
            if piece.kind == kind and piece.target.type == target_type
        )
        return sum(values, start=0.0)
