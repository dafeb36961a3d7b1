"""The only reader of time.

A clock may run faster than life (`rate` 20: twenty seconds of session time pass in one of ours).
Stamps, ticks, watchdogs and backoff all use it; time limits on calls to the operating system do
not.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Final

_STEADY: Final = getattr(
    time,
    "CLOCK_BOOTTIME",
    getattr(time, "CLOCK_MONOTONIC", None) if sys.platform == "darwin" else None,
)
"""The clock that goes on while the computer sleeps, where the system has a name for it."""


def steady_ns() -> int:
    """Nanoseconds that never jump, and go on while the computer sleeps."""
    return time.monotonic_ns() if _STEADY is None else time.clock_gettime_ns(_STEADY)


def asleep_ns() -> int:
    """For how long the computer has slept since some instant; 0 for ever where that is not told."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    awake_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - awake_ns


class Clock:
    """Session time: nanoseconds since its start, on the host's steady clock times `rate`."""

    def __init__(self, rate: float = 1.0) -> None:
        """`rate` is how many session seconds pass in one second of life, above 0."""
        if not rate > 0:
            raise ValueError(f"a clock's rate is above 0, not {rate}")
        self.rate = rate
        self.goes_on = False
        """Whether its session began before: then it is not set to 0 any more."""
        self._zero_ns = 0
        self.restart()

    def restart(self) -> None:
        """Make now the session's instant 0, unless the session goes on from before."""
        if not self.goes_on:
            self._zero_ns = steady_ns()

    def go_on(self, t_ns: int) -> None:
        """Make now that instant of a session which began before; it is no more restarted."""
        self._zero_ns = steady_ns() - round(t_ns / self.rate)
        self.goes_on = True

    def now_ns(self) -> int:
        """Session time now, nanoseconds since its start."""
        elapsed_ns = steady_ns() - self._zero_ns
        return elapsed_ns if self.rate == 1 else int(elapsed_ns * self.rate)

    def life_s(self, session_s: float) -> float:
        """How many seconds of life `session_s` seconds of session time take."""
        return session_s / self.rate


def wall_now() -> datetime:
    """The wall clock, with the local offset; used once per session, as its anchor."""
    return datetime.now().astimezone()


def life_ns() -> int:
    """The host's monotonic clock, for measuring work, never for stamping frames."""
    return time.monotonic_ns()
