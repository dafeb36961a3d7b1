"""The figures of a stretch of rowing, and the running sums they are made from."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from typing import Final, Literal

Origin = Literal["measured", "machine", "derived", "estimated"]
"""Where a number comes from: a sensor's readings, the monitor's own figure, arithmetic on
other figures, or a formula that the machine did not confirm."""


SLOWEST_STROKE_S: Final = 6.0
"""Ten a minute: nobody rows more slowly."""


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
    drag_factor: int | None = None
    """Unit 1e-6 N m s^2, mean over the stretch."""
    origins: tuple[tuple[str, Origin], ...] = ()
    """(field, origin) for every figure that is not None."""

    @property
    def estimated(self) -> bool:
        """Whether some of its metres or its edges were not seen."""
        return any(origin == "estimated" and name in _OF_EDGES for name, origin in self.origins)


HOLD_NS: Final = 5_000_000_000
"""A reading stands for this long at most when no newer one comes."""


@dataclass(slots=True)
class Sums:
    """Time-weighted running sums of one quantity over a stretch; adding two joins stretches."""

    seconds: float = 0.0
    """Time covered by valid values."""
    integral: float = 0.0
    """Sum of value times seconds."""
    maximum: float | None = None
    """Highest valid reading, the one in force at the start included."""
    minimum: float | None = None
    """Lowest valid reading, the one in force at the start included."""
    derived: bool = False
    """Whether the values are made from others, and not measured."""

    @property
    def mean(self) -> float | None:
        """Time-weighted mean; None when no time is covered."""
        return self.integral / self.seconds if self.seconds > 0 else None

    def add(self, other: Sums) -> None:
        """Join `other`'s stretch to this one."""
        self.seconds += other.seconds
        self.derived = self.derived or other.derived
        self.integral += other.integral
        if other.maximum is not None:
            self.maximum = (
                other.maximum if self.maximum is None else max(self.maximum, other.maximum)
            )
        if other.minimum is not None:
            self.minimum = (
                other.minimum if self.minimum is None else min(self.minimum, other.minimum)
            )


class Stream:
    """One quantity over time, to be cut at instants that are known only later.

    Readings are held until the cut that they belong to; `settle` folds into the running sums
    what no later cut can come before, so that memory stays flat in a long piece.
    """

    __slots__ = ("_doubted", "_from_ns", "_hold_ns", "_linear", "_readings", "_sums", "derived")

    def __init__(self, from_ns: int = 0, hold_ns: int = HOLD_NS, *, linear: bool = False) -> None:
        """`linear`: the quantity moves evenly from one valid reading to the next, as a heart rate
        does; otherwise each reading stands until the next, as the power of a stroke does.
        """
        self.derived = False
        """Whether the readings are made from other values."""
        self._readings: deque[tuple[int, float | None]] = deque()
        self._doubted: list[tuple[int, float | None]] = []
        self._sums = Sums()
        self._from_ns = from_ns
        self._hold_ns = hold_ns
        self._linear = linear

    def add(self, t_ns: int, value: float | None, *, doubted: bool = False) -> None:
        """A reading at `t_ns`; None says that the quantity is not known from then on.

        What is doubted counts in nothing until a reading that is not confirms it; until then the
        last reading before stands, across cuts too.
        """
        if doubted:
            self._doubted.append((t_ns, value))
            return
        if self._doubted:
            self._readings.extend(self._doubted)
            self._doubted.clear()
        self._readings.append((t_ns, value))

    def retract(self) -> None:
        """The readings that are doubted were none: the one before them stands in their place."""
        self._doubted.clear()

    def at(self, t_ns: int) -> float | None:
        """The latest valid reading at or before `t_ns`, unless it is too old to stand."""
        for reading_ns, value in reversed(self._readings):
            if reading_ns <= t_ns:
                return value if t_ns - reading_ns <= self._hold_ns else None
        return None

    def settle(self, t_ns: int) -> None:
        """Fold in everything before `t_ns`: no cut will come before it."""
        readings = self._readings
        if len(readings) > 2 and readings[1][0] <= t_ns:
            self._fold(min(t_ns, readings[-1][0]))

    def cut(self, t_ns: int) -> Sums:
        """The sums up to `t_ns` since the cut before; the reading in force goes on counting."""
        self._fold(t_ns)
        sums = self._sums
        sums.derived = self.derived
        self._sums = Sums()
        return sums

    def _fold(self, t_ns: int) -> None:
        readings = self._readings
        while readings and readings[0][0] < t_ns:
            reading_ns, value = readings[0]
            following = readings[1] if len(readings) > 1 else None
            if value is not None:
                self._fold_reading(reading_ns, value, following, t_ns)
            if following is None or following[0] > t_ns:
                break
            readings.popleft()
        self._from_ns = max(self._from_ns, t_ns)

    def _fold_reading(
        self, reading_ns: int, value: float, following: tuple[int, float | None] | None, t_ns: int
    ) -> None:
        """Add what the first held reading stands for, up to `t_ns`."""
        sums = self._sums
        since_ns = max(reading_ns, self._from_ns)
        until_ns = min(t_ns, reading_ns + self._hold_ns)
        slope = 0.0
        if following is not None:
            until_ns = min(until_ns, following[0])
            gap_ns = following[0] - reading_ns
            if self._linear and following[1] is not None and 0 < gap_ns <= self._hold_ns:
                slope = (following[1] - value) / gap_ns
        if until_ns > since_ns:
            seconds = (until_ns - since_ns) / 1e9
            middle_ns = (since_ns + until_ns) / 2 - reading_ns
            sums.maximum = value if sums.maximum is None else max(sums.maximum, value)
            sums.minimum = value if sums.minimum is None else min(sums.minimum, value)
            sums.seconds += seconds
            sums.integral += (value + slope * middle_ns) * seconds


def mean_pace(distance_m: float, duration_s: float) -> float | None:
    """Pace over a stretch, in seconds per 500 m.

    From total distance and total time, not from the mean of paces.
    None when distance_m is not above 0.
    """
    return 500.0 * duration_s / distance_m if distance_m > 0 else None


def watts(pace_s_per_500m: float) -> float:
    """Power in watts that a Concept2 shows at a pace: 2.80 / (pace / 500)^3, pace above 0."""
    return 2.80 / (pace_s_per_500m / 500.0) ** 3


def calories_per_hour(power_w: float) -> float:
    """Energy in kcal/h as Concept2 publishes it: 4 * watts * 0.8604 + 300."""
    return 4.0 * power_w * 0.8604 + 300.0


@dataclass(slots=True)
class Total:
    """What stretches add up to: differences of counters, and sums over time."""

    duration_s: float = 0.0
    distance_m: float | None = None
    stroke_count: int | None = None
    energy_kcal: float | None = None
    elapsed_s: float | None = None
    power: Sums = field(default_factory=Sums)
    drag_factor: Sums = field(default_factory=Sums)
    heart_rate: dict[str, Sums] = field(default_factory=dict)

    def add(self, other: Total) -> None:
        """Join another stretch to this one."""
        self.duration_s += other.duration_s
        self.distance_m = _plus(self.distance_m, other.distance_m)
        self.energy_kcal = _plus(self.energy_kcal, other.energy_kcal)
        self.elapsed_s = _plus(self.elapsed_s, other.elapsed_s)
        if other.stroke_count is not None:
            self.stroke_count = (self.stroke_count or 0) + other.stroke_count
        self.power.add(other.power)
        self.drag_factor.add(other.drag_factor)
        add_sums(self.heart_rate, other.heart_rate)


def add_sums(total: dict[str, Sums], more: dict[str, Sums]) -> None:
    """Join the sums of each source to the total of that source."""
    for source, sums in more.items():
        if source not in total:
            total[source] = Sums()
        total[source].add(sums)


def choose_heart_rate(heart_rates: dict[str, Sums], straps: set[str]) -> str | None:
    """The one source that a stretch's heart rate is taken from: straps first, then coverage."""
    covered = [source for source, sums in heart_rates.items() if sums.seconds > 0]
    if not covered:
        return None
    return max(covered, key=lambda source: (source in straps, heart_rates[source].seconds))


def figures_of(
    total: Total, heart_rate_source: str | None, *, end_bpm: float | None = None
) -> Figures:
    """The figures of what was added up; heart rate from one source alone."""
    origins: list[tuple[str, Origin]] = []
    rowed = total.stroke_count is None or total.stroke_count > 0
    pace = power = rate = None
    if total.distance_m is not None:
        origins.append(("distance_m", "measured"))
        if rowed:
            pace = mean_pace(total.distance_m, total.duration_s)
    if pace is not None:
        origins.append(("mean_pace_s_per_500m", "derived"))
    if total.stroke_count is not None:
        origins.append(("stroke_count", "measured"))
        rate = mean_rate(total.stroke_count, total.duration_s)
        if rate is not None:
            origins.append(("mean_stroke_rate_spm", "derived"))
    if total.energy_kcal is not None:
        origins.append(("energy_kcal", "measured"))
    if rowed:
        power = total.power.mean
    if power is not None:
        origins.append(("mean_power_w", "derived" if total.power.derived else "measured"))
    drag = total.drag_factor.mean if rowed else None
    if drag is not None:
        origins.append(("drag_factor", "measured"))
    heart_rate = Sums()
    coverage = 0.0 if total.heart_rate else None
    if heart_rate_source is not None:
        heart_rate = total.heart_rate[heart_rate_source]
        coverage = min(1.0, heart_rate.seconds / total.duration_s) if total.duration_s else 0.0
        origins += [
            (name, "measured")
            for name, value in (
                ("mean_heart_rate_bpm", heart_rate.mean),
                ("max_heart_rate_bpm", heart_rate.maximum),
                ("min_heart_rate_bpm", heart_rate.minimum),
                ("end_heart_rate_bpm", end_bpm),
            )
            if value is not None
        ]
    return Figures(
        duration_s=total.duration_s,
        distance_m=total.distance_m,
        stroke_count=total.stroke_count,
        energy_kcal=total.energy_kcal,
        mean_pace_s_per_500m=pace,
        mean_power_w=power,
        mean_stroke_rate_spm=rate,
        mean_heart_rate_bpm=heart_rate.mean,
        max_heart_rate_bpm=heart_rate.maximum,
        min_heart_rate_bpm=heart_rate.minimum,
        end_heart_rate_bpm=end_bpm,
        heart_rate_coverage=coverage,
        heart_rate_source=heart_rate_source,
        drag_factor=None if drag is None else round(drag),
        origins=tuple(origins),
    )


def mean_rate(stroke_count: int, duration_s: float) -> float | None:
    """Strokes a minute; 0 for none. None of no time, and of a single stroke in less time than the
    slowest takes: that is the time of its beginning, not of a stroke.
    """
    if duration_s <= 0 or (stroke_count == 1 and duration_s < SLOWEST_STROKE_S):
        return None
    return 60.0 * stroke_count / duration_s


_OF_EDGES: Final = (
    "distance_m",
    "stroke_count",
    "energy_kcal",
    "mean_pace_s_per_500m",
    "mean_stroke_rate_spm",
)
"""What is counted between two edges, and what is made of that."""


def estimated(figures: Figures, exact: tuple[str, ...] = ()) -> Figures:
    """The figures of a stretch with an edge that nobody saw; `exact`: those known all the same."""
    origins: dict[str, Origin] = dict(figures.origins)
    for name in _OF_EDGES:
        if name in origins and name not in exact:
            origins[name] = "estimated"
    return replace(figures, origins=tuple(origins.items()))


def partly_heard(figures: Figures) -> Figures:
    """The figures of a stretch of which part was not heard: its mean power is of the rest of it."""
    origins: dict[str, Origin] = dict(figures.origins)
    if "mean_power_w" in origins:
        origins["mean_power_w"] = "estimated"
    return replace(figures, origins=tuple(origins.items()))


def _plus(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
