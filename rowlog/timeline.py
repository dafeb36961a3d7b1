"""From what machines say to what happened: unwraps counters, finds resets, infers strokes."""

from __future__ import annotations

from dataclasses import dataclass

from rowlog_drivers.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap(Record):
    """A stretch in which a source was not heard; `t_ns` is its last frame before it."""

    end_ns: int
    """The first frame after it, or the session's end."""
    cause: str
    """"silence" or "link"."""
    distance_before_m: float | None = None
    """Session distance by the machine's counter before the gap."""
    distance_after_m: float | None = None
    stroke_count_before: int | None = None
    stroke_count_after: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly(Record):
    """Something implausible or unusual, marked and never dropped."""

    kind: str
    """"machine_reset", "counter_wrap", "glitch", "jump", "counts_down", ..."""
    field: str
    """The field that showed it."""
    value: float | None = None
    """The value as sent."""
    detail: str = ""
