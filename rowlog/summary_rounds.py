"""What exercises and rounds of a circuit come to: heart rate by exercise and by round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Stretch(Protocol):
    """What is needed of a segment's summary."""

    @property
    def kind(self) -> str: ...  # noqa: D102 - as SegmentSummary says
    @property
    def activity(self) -> str: ...  # noqa: D102 - as SegmentSummary says
    @property
    def piece(self) -> int | None: ...  # noqa: D102 - as SegmentSummary says
    @property
    def tag(self) -> str | None: ...  # noqa: D102 - as SegmentSummary says
    @property
    def round(self) -> int | None: ...  # noqa: D102 - as SegmentSummary says
    @property
    def started_at_s(self) -> float: ...  # noqa: D102 - as SegmentSummary says
    @property
    def duration_s(self) -> float: ...  # noqa: D102 - as SegmentSummary says
    @property
    def distance_m(self) -> float | None: ...  # noqa: D102 - as SegmentSummary says
    @property
    def mean_heart_rate_bpm(self) -> float | None: ...  # noqa: D102 - as SegmentSummary says
    @property
    def max_heart_rate_bpm(self) -> float | None: ...  # noqa: D102 - as SegmentSummary says
    @property
    def end_heart_rate_bpm(self) -> float | None: ...  # noqa: D102 - as SegmentSummary says
    @property
    def heart_rate_coverage(self) -> float | None: ...  # noqa: D102 - as SegmentSummary says


class ExerciseSummary(NamedTuple):
    """All stretches of one exercise, or of the rowing between exercises."""

    activity: str
    count: int  # type: ignore[assignment]  # how often it was done
    work_s: float
    distance_m: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    end_heart_rate_bpm: float | None
    """The mean of what it was at the end of each."""


class RoundSummary(NamedTuple):
    """One time through a group that is repeated, rests and pauses included in its heart rate."""

    number: int
    started_at_s: float
    duration_s: float
    work_s: float
    distance_m: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    end_heart_rate_bpm: float | None
    """At the end of its last piece of work."""


def is_circuit(segments: Sequence[Stretch]) -> bool:
    """Whether exercises are in it, beside rowing or without."""
    return any(s.kind == "work" and s.activity not in ("row", "other") for s in segments)


def exercises_of(segments: Sequence[Stretch]) -> tuple[ExerciseSummary, ...]:
    """By exercise, in the order in which each was first done; warm-up and cool-down left out."""
    held: dict[str, list[Stretch]] = {}
    for segment in segments:
        if segment.kind == "work" and segment.tag not in ("warm_up", "cool_down"):
            held.setdefault(segment.activity, []).append(segment)
    return tuple(
        ExerciseSummary(
            activity,
            _times(parts),
            sum(part.duration_s for part in parts),
            _metres(parts),
            _mean(parts),
            _highest(parts),
            _mean_of([part.end_heart_rate_bpm for part in parts]),
        )
        for activity, parts in held.items()
    )


def _times(parts: Sequence[Stretch]) -> int:
    """How often it was done: the stretches of a piece with pauses are once."""
    pieces = [part.piece for part in parts]
    return len({piece for piece in pieces if piece is not None}) + pieces.count(None)


def rounds_of(segments: Sequence[Stretch]) -> tuple[RoundSummary, ...]:
    """By round, in order: of groups that hold exercises and were rowed or done more than once."""
    runs: list[list[Stretch]] = []
    for segment in segments:
        if segment.round is None:
            if segment.kind != "pause":
                runs.append([])
            continue
        if not runs or not runs[-1] or runs[-1][-1].round != segment.round:
            runs.append([])
        runs[-1].append(segment)
    found: list[RoundSummary] = []
    for parts in runs:
        work = [part for part in parts if part.kind == "work"]
        number = parts[0].round if parts else None
        if number is None or not work or not is_circuit(parts):
            continue
        last = parts[-1]
        found.append(
            RoundSummary(
                number,
                parts[0].started_at_s,
                last.started_at_s + last.duration_s - parts[0].started_at_s,
                sum(part.duration_s for part in work),
                _metres(work),
                _mean(parts),
                _highest(parts),
                work[-1].end_heart_rate_bpm,
            )
        )
    return tuple(found)


def _metres(parts: Sequence[Stretch]) -> float | None:
    known = [part.distance_m for part in parts if part.distance_m is not None]
    return sum(known) if known else None


def _mean(parts: Sequence[Stretch]) -> float | None:
    """The mean heart rate, weighted by the time it is known of."""
    known = [
        (part.mean_heart_rate_bpm, part.duration_s * (part.heart_rate_coverage or 0.0))
        for part in parts
        if part.mean_heart_rate_bpm is not None
    ]
    seconds = sum(weight for _, weight in known)
    return sum(bpm * weight for bpm, weight in known) / seconds if seconds > 0 else None


def _highest(parts: Sequence[Stretch]) -> float | None:
    known = [part.max_heart_rate_bpm for part in parts if part.max_heart_rate_bpm is not None]
    return max(known, default=None)


def _mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
