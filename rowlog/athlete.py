"""Who rows: an athlete's values, since when each of them was true, and which are believed.

Named tuples and no more modules than needed, as in `summary`, and for its reason. A value is true
from its `since` until the next one of its quantity; before the first nothing is known, unless that
one says from the beginning (`ALWAYS`). So an old session is judged by what was true then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import isfinite
from typing import Final, NamedTuple

from rowlog_drivers.errors import CallError

ALWAYS: Final = "0001-01-01"
"""The `since` of what was true from the beginning."""

Value = float | str


class Change(NamedTuple):
    """One value of one quantity, from a date on."""

    quantity: str
    since: str
    """ISO date; ALWAYS for from the beginning."""
    value: Value


class Athlete(NamedTuple):
    """What is known of an athlete on one day; None is not known."""

    birth_year: int | None = None
    sex: str | None = None
    """"female" or "male": two formulas differ by it (Banister's impulse, Concept2's VO2max)."""
    mass_kg: float | None = None
    resting_heart_rate_bpm: float | None = None
    max_heart_rate_bpm: float | None = None
    threshold_heart_rate_bpm: float | None = None
    """At the lactate threshold."""
    threshold_power_w: float | None = None
    zones_by: str | None = None
    """How the zones are made: one of ZONES_BY; None: by what is known, see `zones`."""
    zone_names: str | None = None
    """"rowing" (UT2 UT1 AT TR AN) or "numbers" (Z1 to Z5); None: rowing."""
    zone_limits: str | None = None
    """The athlete's own lower limits of the five zones: "110,130,150,165,178"."""


class Bounds(NamedTuple):
    """Between which values a quantity is believed, both included."""

    low: float
    high: float
    unit: str
    words: str


ZONES_BY: Final = ("max", "reserve", "threshold", "limits")
SEXES: Final = ("female", "male")
NAMINGS: Final = ("rowing", "numbers")
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "sex": SEXES,
    "zones_by": ZONES_BY,
    "zone_names": NAMINGS,
}
"""The quantities that are a word, and the words."""
BOUNDS: Final[Mapping[str, Bounds]] = {
    "birth_year": Bounds(1900, 0, "", "The birth year"),
    "mass_kg": Bounds(20, 300, "kg", "The mass"),
    "resting_heart_rate_bpm": Bounds(25, 120, "bpm", "The resting heart rate"),
    "max_heart_rate_bpm": Bounds(90, 240, "bpm", "The maximum heart rate"),
    "threshold_heart_rate_bpm": Bounds(70, 230, "bpm", "The heart rate at the threshold"),
    "threshold_power_w": Bounds(20, 800, "W", "The power at the threshold"),
}
"""The quantities that are a number; a birth year reaches to this year."""
YOUNGEST: Final = 4
"""Nobody rows who was born later than so many years ago."""


def known_on(day: str, changes: Iterable[Change]) -> Athlete:
    """What was true on a date (ISO): of each quantity the latest value since then or before."""
    known: dict[str, tuple[str, Value]] = {}
    for change in changes:
        before = known.get(change.quantity)
        if change.since <= day and (before is None or change.since >= before[0]):
            known[change.quantity] = (change.since, change.value)
    return Athlete(**{name: value for name, (_, value) in known.items()})  # type: ignore[arg-type]


def dates_of_change(changes: Iterable[Change]) -> list[str]:
    """The dates from which something differs, in order; the first is ALWAYS."""
    return sorted({ALWAYS, *(change.since for change in changes)})


def checked_value(quantity: str, value: Value, year: int) -> Value:
    """A value as it is kept. Raises CallError for what cannot be; `year` is this year."""
    if quantity in WORDS:
        text = str(value).strip().lower()
        if text not in WORDS[quantity]:
            words = ", ".join(WORDS[quantity])
            raise CallError(
                f"{value!r} is none of the words for {quantity.replace('_', ' ')}.",
                f"Say one of: {words}.",
            )
        return text
    if quantity == "zone_limits":
        return ",".join(f"{limit:g}" for limit in limits_of(str(value)))
    bounds = BOUNDS[quantity]
    high = float(year - YOUNGEST) if quantity == "birth_year" else bounds.high
    number = float(value)
    if not bounds.low <= number <= high:  # also where it is no number
        unit = f" {bounds.unit}" if bounds.unit else ""
        given = f"{number:g}{unit}, which cannot be" if isfinite(number) else "no number"
        raise CallError(
            f"{bounds.words} is {given}.",
            f"It lies between {bounds.low:g} and {high:g}{unit}.",
        )
    return int(number) if quantity == "birth_year" else number


def limits_of(text: str) -> tuple[float, ...]:
    """The lower limits of five zones, in beats per minute, rising. Raises CallError."""
    try:
        limits = tuple(float(part) for part in text.split(","))
    except ValueError:
        limits = ()
    if len(limits) != 5 or not all(20 <= limit <= 250 for limit in limits):
        raise CallError(
            f"{text!r} is not the limits of five zones.",
            "Give the heart rate at which each begins, lowest first: 110,130,150,165,178.",
        )
    if any(low >= high for low, high in pairwise(limits)):
        raise CallError(
            f"The zones {text} overlap: each must begin above the one before.",
            "Give the heart rate at which each begins, lowest first: 110,130,150,165,178.",
        )
    return limits


LEAST_RESERVE_BPM: Final = 30.0
"""No heart that rows has a smaller range; five zones need some."""


def check_history(name: str, changes: Iterable[Change]) -> None:
    """Refuse values that contradict each other on any day. Raises CallError."""
    changes = list(changes)
    for day in dates_of_change(changes):
        known = known_on(day, changes)
        rest, top = known.resting_heart_rate_bpm, known.max_heart_rate_bpm
        threshold = known.threshold_heart_rate_bpm
        when = "" if day == ALWAYS else f" on {day}"
        for low, high, words in (
            (rest, top, "maximum heart rate of {high:g} is not above the resting one of {low:g}"),
            (rest, threshold, "threshold of {high:g} is not above the resting heart rate, {low:g}"),
            (threshold, top, "maximum heart rate of {high:g} is not above the threshold, {low:g}"),
        ):
            if low is not None and high is not None and high <= low:
                raise CallError(
                    f"{name}'s {words.format(low=low, high=high)}{when}.",
                    "Correct one of them; see: rowlog athlete show",
                )
        if rest is not None and top is not None and top - rest < LEAST_RESERVE_BPM:
            raise CallError(
                f"{name}'s maximum heart rate of {top:g} is less than {LEAST_RESERVE_BPM:g} above "
                f"the resting one of {rest:g}{when}, which leaves no room for zones.",
                "Correct one of them; see: rowlog athlete show",
            )
