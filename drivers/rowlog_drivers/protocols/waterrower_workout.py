"""The workout that a WaterRower holds itself: its steps, and counters that begin anew with each.

Registers by "Water Rower S4 & S5 USB Protocol", issue 1.04: 03E says which workout is set, 049
whether it is in work or rest, 00D 0xF0 that it has ended. Register 055 starts anew with each
interval of an interval workout.
"""

from __future__ import annotations

from typing import Final

WORKOUT_BITS: Final = 0xF0
"""Of 03E: a workout by distance, by duration, intervals by distance, by duration."""
_INTERVAL_BITS: Final = 0xC0
_BY_DURATION: Final = 0x80
_ENDED: Final = 0xF0
_SEEN_NS: Final = 2_000_000_000
"""A change between two readings further apart is taken to be that of the latter."""
_WRAP_DROP: Final = 0x8000
"""A counter that falls by more came round."""
_CLOCK_DROP_S: Final = 5
"""A clock that falls by less counts down."""

Step = tuple[str, float]
"""The state that begins, and how many seconds ago it did."""


class Workout:
    """Which step of its own workout the monitor is in."""

    __slots__ = ("_mode", "_phase", "_screen", "_seen_ns", "_told")

    def __init__(self) -> None:
        self._mode = 0
        self._phase = "ready"
        self._screen = 0
        self._seen_ns: int | None = None
        self._told: str | None = None
        """"work", "rest", "over"; None before the first stroke of a workout."""

    @property
    def on(self) -> bool:
        """Whether a workout of any kind is set."""
        return self._mode & WORKOUT_BITS != 0

    @property
    def by_intervals(self) -> bool:
        """Whether its counters begin anew with each interval."""
        return self._mode & _INTERVAL_BITS != 0

    def mode(self, octet: int) -> Step | None:
        """A reading of 03E."""
        was_on, self._mode = self.on, octet
        if not was_on and self.on and self._told == "over":
            self._told = None
        return None if self.on else self._end(0.0)

    def screen(self, code: int) -> Step | None:
        """A reading of 00D."""
        self._screen = code
        return self._end(0.0) if code == _ENDED else None

    def phase(self, phase: str, t_ns: int) -> Step | None:
        """A reading of 049: "work", "rest" or "ready".

        A change was half way between the two readings that show it, as far as anybody can tell.
        """
        gap_ns = _SEEN_NS if self._seen_ns is None else t_ns - self._seen_ns
        since_s = gap_ns / 2e9 if gap_ns < _SEEN_NS else 0.0
        self._seen_ns = t_ns
        before, self._phase = self._phase, phase
        if phase == before or not self.on or self._told in (None, "over"):
            return None
        if phase == "ready":
            return self._end(since_s)
        if phase == self._told:
            return None
        return self._tell(phase, since_s)

    def stroke(self) -> Step | None:
        """Somebody made a stroke: work begins with the first one, and a free row after the end."""
        if self._told is None and self.on and self._phase == "work":
            return self._tell("work", 0.0)
        if self._told == "over":
            self._told = "free"
            return ("workout_row", 0.0)
        return None

    def _tell(self, kind: str, since_s: float) -> Step:
        self._told = kind
        if kind == "rest":
            return ("interval_rest", since_s)
        if not self.by_intervals:
            return ("workout_row", since_s)
        by_time = self._mode & _BY_DURATION
        return ("interval_work_time" if by_time else "interval_work_distance", since_s)

    def _end(self, since_s: float) -> Step | None:
        if self._told not in ("work", "rest"):
            return None
        self._told = "over"
        return ("workout_end", since_s)


class Carried:
    """A counter that goes on where an interval's fresh start would set it back."""

    __slots__ = ("_base", "_clock", "_last", "_last_ns")

    def __init__(self, *, clock: bool = False) -> None:
        """`clock`: it counts seconds, and may count down."""
        self._clock = clock
        self._base = 0
        self._last: int | None = None
        self._last_ns = 0

    def take(self, value: int, t_ns: int, *, carry: bool) -> int:
        """A reading; `carry`: whether a fall is an interval's start, and not the machine's."""
        last = self._last
        if last is not None and value < last:
            fell = last - value
            if not carry:
                self._base = 0
            elif fell <= _WRAP_DROP and (not self._clock or fell > _CLOCK_DROP_S):
                self._base += last
                if self._clock:
                    # It ran on since it was read last, and has come to `value` since its start.
                    self._base += max(0, round((t_ns - self._last_ns) / 1e9) - value)
        self._last, self._last_ns = value, t_ns
        return self._base + value

    def restart(self) -> None:
        """The machine itself was restarted."""
        self._base, self._last = 0, None
