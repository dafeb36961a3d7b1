"""The figures of sessions and laps that go along exactly, in FIT and TCX."""

from __future__ import annotations

from typing import Final

SESSION_FIGURES: Final = (
    "duration_s", "elapsed_s", "work_s", "rest_s", "distance_m", "work_distance_m",
    "rest_distance_m", "stroke_count", "energy_kcal", "mean_pace_s_per_500m", "mean_power_w",
    "mean_stroke_rate_spm", "mean_heart_rate_bpm", "max_heart_rate_bpm", "min_heart_rate_bpm",
    "heart_rate_coverage", "drag_factor",
)  # fmt: skip
"""A session's figures that go along exactly; the units stand in the names."""
LAP_FIGURES: Final = (
    "started_at_s", "duration_s", "distance_m", "stroke_count", "energy_kcal",
    "mean_pace_s_per_500m", "mean_power_w", "mean_stroke_rate_spm", "mean_heart_rate_bpm",
    "max_heart_rate_bpm", "min_heart_rate_bpm", "end_heart_rate_bpm", "heart_rate_drop_30s_bpm",
    "heart_rate_drop_60s_bpm", "heart_rate_drop_120s_bpm", "heart_rate_coverage",
)  # fmt: skip
