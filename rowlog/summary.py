"""Rows to Summary: what is shown and printed as JSON of one session."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSummary:
    """One device of a session."""

    name: str
    driver: str
    address: str | None = None
    model: str | None = None
    """What the device calls itself: its advertised name or model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """One session's figures; None is unknown. Means run over work, heart rate over all."""

    id: int
    started_at: str
    """ISO 8601 with offset."""
    ended_at: str | None
    athlete: str | None
    activity: str
    plan: str | None
    """Canonical interval text."""
    status: str
    """"recording", "complete", "interrupted" or "recovered"."""
    sources: tuple[SourceSummary, ...] = ()
    duration_s: float | None = None
    elapsed_s: float | None = None
    work_s: float | None = None
    rest_s: float | None = None
    distance_m: float | None = None
    work_distance_m: float | None = None
    rest_distance_m: float | None = None
    stroke_count: int | None = None
    energy_kcal: float | None = None
    mean_pace_s_per_500m: float | None = None
    mean_power_w: float | None = None
    mean_stroke_rate_spm: float | None = None
    mean_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None
    min_heart_rate_bpm: float | None = None
    heart_rate_coverage: float | None = None
    heart_rate_source: str | None = None
    drag_factor: int | None = None
    origins: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSummary:
    """What a segment was to reach."""

    type: str
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSummary:
    """One segment's figures; None is unknown."""

    index: int
    piece: int | None
    round: int | None
    kind: str
    activity: str
    target: TargetSummary | None
    duration_s: float
    distance_m: float | None
    stroke_count: int | None
    energy_kcal: float | None
    mean_pace_s_per_500m: float | None
    mean_power_w: float | None
    mean_stroke_rate_spm: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    min_heart_rate_bpm: float | None
    end_heart_rate_bpm: float | None
    heart_rate_drop_30s_bpm: float | None
    heart_rate_drop_60s_bpm: float | None
    heart_rate_drop_120s_bpm: float | None
    heart_rate_coverage: float | None
    heart_rate_source: str | None
    ended_by: str
    started_at_s: float
    """Since session start."""
    clock: str
    uncertainty_s: float
    """Half-width within which the segment's true end lies."""
    origins: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary:
    """One part of a piece."""

    segment: int
    """Index of the segment that it began in."""
    index: int
    started_at_s: float
    duration_s: float
    distance_m: float | None
    stroke_count: int | None
    energy_kcal: float | None
    mean_pace_s_per_500m: float | None
    mean_power_w: float | None
    mean_stroke_rate_spm: float | None
    mean_heart_rate_bpm: float | None
    max_heart_rate_bpm: float | None
    end_heart_rate_bpm: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSummary:
    """Time in one heart-rate zone."""

    name: str
    low_bpm: float
    high_bpm: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QualitySummary:
    """What can be said of the recording itself."""

    frames: int = 0
    undecoded: int = 0
    gaps: int = 0
    link_losses: int = 0
    machine_resets: int = 0
    late_frames: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Everything that `show` tells of one session."""

    session: SessionSummary
    segments: tuple[SegmentSummary, ...]
    zones: tuple[ZoneSummary, ...]
    splits: tuple[SplitSummary, ...]
    quality: QualitySummary


def as_json(value: object) -> object:
    """A summary as plain lists, dicts, numbers and texts, in its public shape."""
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if hasattr(value, "__dataclass_fields__"):
        return {
            field.name: as_json(getattr(value, field.name))
            for field in fields(value)  # type: ignore[arg-type]
        }
    return value
