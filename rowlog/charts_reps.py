"""The pieces of work as they are compared: stretches parted by a pause as one, with a name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rowlog.render import printable
from rowlog.summary import SegmentSummary


class Rep(NamedTuple):
    """One piece of work, with its number as the interval table has it."""

    number: int
    name: str
    """What is written of it: its number, or the exercise."""
    stretches: tuple[SegmentSummary, ...]
    """One, and another after each pause in it."""

    @property
    def segment(self) -> SegmentSummary:
        """Its first stretch."""
        return self.stretches[0]

    @property
    def end_s(self) -> float:
        """Where its last stretch ends, since session start."""
        return self.stretches[-1].started_at_s + self.stretches[-1].duration_s

    @property
    def pace_s_per_500m(self) -> float | None:
        """Mean pace, pauses left out: from its metres and time where it has several stretches."""
        if len(self.stretches) == 1:
            return self.segment.mean_pace_s_per_500m
        known = [(s.duration_s, s.distance_m) for s in self.stretches if s.distance_m]
        distance_m = sum(distance_m for _, distance_m in known)
        return 500 * sum(seconds for seconds, _ in known) / distance_m if known else None

    @property
    def stroke_rate_spm(self) -> float | None:
        """Mean stroke rate, pauses left out."""
        return _mean((s.mean_stroke_rate_spm, s.duration_s) for s in self.stretches)

    @property
    def mean_heart_rate_bpm(self) -> float | None:
        """Mean heart rate, pauses left out."""
        return _mean(
            (s.mean_heart_rate_bpm, s.duration_s * (s.heart_rate_coverage or 0.0))
            for s in self.stretches
        )

    @property
    def max_heart_rate_bpm(self) -> float | None:
        """The highest heart rate, pauses left out."""
        known = [s.max_heart_rate_bpm for s in self.stretches if s.max_heart_rate_bpm is not None]
        return max(known, default=None)

    @property
    def exercise(self) -> str | None:
        """What was done off the machine; None where it is rowed, or nobody said."""
        return None if self.segment.activity in ("row", "other") else self.name


def _mean(weighted: Iterable[tuple[float | None, float]]) -> float | None:
    """Of values with their weights; None is not known and weighs nothing."""
    known = [(value, weight) for value, weight in weighted if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total > 0 else None


def reps_of(segments: Sequence[SegmentSummary]) -> list[Rep]:
    """The pieces of work in order; stretches of one piece, parted by a pause, are one."""
    reps: list[Rep] = []
    for segment in segments:
        if segment.kind != "work":
            continue
        if reps and segment.piece is not None and segment.piece == reps[-1].segment.piece:
            reps[-1] = reps[-1]._replace(stretches=(*reps[-1].stretches, segment))
            continue
        number = len(reps) + 1
        plain = segment.activity in ("row", "other")
        name = str(number) if plain else printable(segment.activity, 18)
        reps.append(Rep(number, name, (segment,)))
    return reps
