"""The interval module: where pieces begin and end, found exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rowlog.figures import Figures
from rowlog.plan import Target

SegmentKind = Literal["work", "rest", "pause"]
EndedBy = Literal["target", "key", "device", "rest_over", "link", "end"]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of work, rest or unplanned pause."""

    index: int
    """Position in the session, from 0."""
    piece: int | None
    """Index of the plan's piece; None without a plan."""
    kind: SegmentKind
    activity: str
    target: Target | None
    start: Mark
    end: Mark
    ended_by: EndedBy
    clock: Literal["machine", "host"]
    figures: Figures
    round: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One part of a piece of work."""

    segment_index: int
    """The segment that the split began in."""
    index: int
    """Position within the piece, from 0."""
    start: Mark
    end: Mark
    figures: Figures
