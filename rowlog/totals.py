"""A session's figures, computed once when it closes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from rowlog.figures import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTotals:
    """What is reported of a whole session; None is unknown.

    Means run over the pieces of work only, heart rate over the whole session.
    """

    activity: str
    """"row", "circuit", "mixed", or "other" for a strap alone."""
    duration_s: float
    """Host time from the first frame to the end."""
    elapsed_s: float | None = None
    """The machine's time, unwrapped."""
    work_s: float
    rest_s: float
    distance_m: float | None = None
    """All metres, those outside the plan's pieces included."""
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
    """Share of the time with a valid heart rate, 0 to 1; None when no source could give one."""
    heart_rate_source: str | None = None
    """The one source that the heart rate was taken from."""
    drag_factor: int | None = None
    frames: int = 0
    undecoded: int = 0
    gaps: int = 0
    link_losses: int = 0
    machine_resets: int = 0
    late_frames: int = 0
    origins: tuple[tuple[str, Origin], ...] = ()
    """(field, origin) for every figure that is not None."""
    derived: tuple[tuple[str, float], ...] = ()
    """(field, value) of what was derived, for each figure that the machine's own outranks."""


_ORIGINS: Final[dict[str, Origin]] = {
    "elapsed_s": "measured",
    "distance_m": "measured",
    "work_distance_m": "measured",
    "rest_distance_m": "measured",
    "stroke_count": "measured",
    "energy_kcal": "measured",
    "mean_pace_s_per_500m": "derived",
    "mean_power_w": "measured",
    "mean_stroke_rate_spm": "derived",
    "mean_heart_rate_bpm": "measured",
    "max_heart_rate_bpm": "measured",
    "min_heart_rate_bpm": "measured",
    "drag_factor": "measured",
}


_OF_WORK: Final = ("work_distance_m", "rest_distance_m", "mean_pace_s_per_500m")


def with_origins(
    totals: SessionTotals,
    *,
    power_derived: bool = False,
    power_estimated: bool = False,
    estimated: bool = False,
) -> SessionTotals:
    """The same totals, saying of every known figure where it comes from.

    `power_derived`: the power was made from other values, and not measured; `power_estimated`: part
    of the work was not heard. `estimated`: which of the metres were work was not seen throughout.
    """
    origins: dict[str, Origin] = dict(_ORIGINS)
    if power_derived:
        origins["mean_power_w"] = "derived"
    if power_estimated:
        origins["mean_power_w"] = "estimated"
    if estimated:
        origins |= dict.fromkeys(_OF_WORK, "estimated")
    known = tuple(
        (name, origin) for name, origin in origins.items() if getattr(totals, name) is not None
    )
    return replace(totals, origins=known)
