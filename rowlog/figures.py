"""The figures of a stretch of rowing, and the running sums they are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Origin = Literal["measured", "machine", "derived", "estimated"]
"""Where a number comes from: a sensor's readings, the monitor's own figure, arithmetic on
other figures, or a formula that the machine did not confirm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is reported of a segment, a split, or a session's work; None is unknown."""

    duration_s: float
    distance_m: float | None = None
    stroke_count: int | None = None
    energy_kcal: float | None = None
    mean_pace_s_per_500m: float | None = None
    mean_power_w: float | None = None
    mean_stroke_rate_spm: float | None = None
    mean_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None
    min_heart_rate_bpm: float | None = None
    end_heart_rate_bpm: float | None = None
    heart_rate_drop_30s_bpm: float | None = None
    heart_rate_drop_60s_bpm: float | None = None
    heart_rate_drop_120s_bpm: float | None = None
    heart_rate_coverage: float | None = None
    """Share of the time with a valid heart rate, 0 to 1."""
    heart_rate_source: str | None = None
    origins: tuple[tuple[str, Origin], ...] = ()
    """(field, origin) for every figure that is not None."""
