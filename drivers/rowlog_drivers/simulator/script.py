"""What the athlete is to do, what can go wrong, and what really happened."""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import Final, Literal, get_args

StretchKind = Literal["wait", "work", "rest", "exercise"]
FaultName = Literal[
    "garbage", "split", "drop", "silent", "reset", "wrap", "frozen", "contact", "spike"
]

FAULTS: Final[tuple[str, ...]] = get_args(FaultName)
"""Every fault by name: garbage (undecodable frames in between), split (records in two parts),
drop (the link is lost, counters go on), silent (no frames while rowing), reset (counters start
again at 0), wrap (counters start near their top), frozen (rate, pace and power keep their last
values after stopping), contact (the strap leaves the chest), spike (absurd heart rates, stroke
rates and paces)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One thing that the athlete does; it lasts until the first of its ends is reached."""

    kind: StretchKind
    """wait: stands before the start; exercise: works off the machine, heart rate only."""
    seconds: float | None = None
    distance_m: float | None = None
    energy_kcal: float | None = None
    below_bpm: float | None = None
    """Ends when the heart rate has fallen to this; for rests."""
    activity: str = "row"
    """"row", or the name of the exercise."""
    paddling: bool = False
    """Whether the rest has some light strokes in its middle part."""
    pace_s_per_500m: float | None = None
    """The pace to hold; None: what the athlete's fitness gives for the length of the piece."""
    stroke_rate_spm: float | None = None
    """The stroke rate to hold; None: what goes with the intensity."""
    stop_after_s: float | None = None
    """Stops, unplanned, with the first stroke that ends so long after the start of the work."""
    stop_s: float = 15.0
    """How long such a stop lasts."""

    def __post_init__(self) -> None:
        ends = (self.seconds, self.distance_m, self.energy_kcal, self.below_bpm)
        if all(end is None for end in ends):
            raise ValueError(f"a {self.kind} must end: by seconds, distance_m, energy_kcal, ...")
        if any(end is not None and not 0 < end < 1e9 for end in ends) or not self.stop_s > 0:
            raise ValueError(f"the ends of a {self.kind} are above 0: {ends}")
        if self.kind in ("wait", "exercise") and self.seconds is None:
            raise ValueError(f"a {self.kind} lasts some seconds")
        if self.kind == "rest" and self.seconds is None and self.below_bpm is None:
            raise ValueError("a rest ends by seconds or below_bpm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Athlete:
    """Who rows."""

    pace_2000m_s_per_500m: float = 118.0
    """What this athlete can hold for 2000 m."""
    resting_heart_rate_bpm: float = 58.0
    maximum_heart_rate_bpm: float = 186.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong at a given time."""

    name: FaultName
    at_s: float
    """Seconds since session start."""
    seconds: float = 8.0
    """How long it lasts; a reset takes no time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultTruth:
    """A fault that happened."""

    name: str
    source: str
    start_s: float
    end_s: float
    """Of the last frame that it touched, or of the frame that ended it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchTruth:
    """What really happened in one stretch, exact; cumulative values since session start."""

    kind: StretchKind
    activity: str
    start_s: float
    end_s: float
    start_distance_m: float
    end_distance_m: float
    start_strokes: int
    """Strokes whose catch was before the start."""
    end_strokes: int
    start_energy_kcal: float
    """By Concept2's formula, counted while strokes are made."""
    end_energy_kcal: float
    mean_heart_rate_bpm: float
    """Time-weighted."""
    max_heart_rate_bpm: float
    end_heart_rate_bpm: float
    pauses: tuple[tuple[float, float], ...] = ()
    """(start, end) of unplanned stops, seconds since session start, from the end of the last
    stroke to the next catch."""

    @property
    def duration_s(self) -> float:
        """Seconds from start to end."""
        return self.end_s - self.start_s

    @property
    def distance_m(self) -> float:
        """Metres covered, the coasting of the wheel included."""
        return self.end_distance_m - self.start_distance_m

    @property
    def strokes(self) -> int:
        """Strokes that began in this stretch."""
        return self.end_strokes - self.start_strokes

    @property
    def energy_kcal(self) -> float:
        """Kilocalories of the strokes in this stretch."""
        return self.end_energy_kcal - self.start_energy_kcal


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What really happened, as no device tells it."""

    stretches: tuple[StretchTruth, ...]
    faults: tuple[FaultTruth, ...]
    end_s: float
    """The session's last instant."""

    def total(self, kind: StretchKind) -> tuple[float, float, int, float]:
        """(seconds, metres, strokes, kilocalories) of all stretches of this kind."""
        chosen = [stretch for stretch in self.stretches if stretch.kind == kind]
        return (
            fsum(stretch.duration_s for stretch in chosen),
            fsum(stretch.distance_m for stretch in chosen),
            sum(stretch.strokes for stretch in chosen),
            fsum(stretch.energy_kcal for stretch in chosen),
        )

    @property
    def distance_m(self) -> float:
        """All metres, those of rests included."""
        return self.stretches[-1].end_distance_m if self.stretches else 0.0

    @property
    def stroke_count(self) -> int:
        """All strokes."""
        return self.stretches[-1].end_strokes if self.stretches else 0

    @property
    def energy_kcal(self) -> float:
        """All energy."""
        return self.stretches[-1].end_energy_kcal if self.stretches else 0.0

    @property
    def mean_heart_rate_bpm(self) -> float | None:
        """Time-weighted over everything; None when nothing was done."""
        if not self.end_s:
            return None
        return fsum(s.mean_heart_rate_bpm * s.duration_s for s in self.stretches) / self.end_s
