"""When faults happen, and what is remembered of them."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Final

from rowlog_drivers.errors import CallError
from rowlog_drivers.simulator.script import FAULTS, Fault, FaultTruth

_FIRST_S: Final = {"spike": 12.0, "contact": 18.0, "drop": 24.0, "silent": 36.0, "reset": 46.0}
"""Seconds from the first work to a fault whose time is not given: far enough apart to tell."""
_LENGTH_S: Final = {"spike": 2.5, "contact": 9.0, "drop": 7.0, "silent": 5.0, "reset": 0.0}


class Faults:
    """Which faults were asked for, and from when to when."""

    def __init__(self, faults: Iterable[str | Fault], random: Random) -> None:
        """Raises CallError for a name that is no fault."""
        self._windows: dict[str, list[tuple[float, float]]] = {}
        self._unset: list[str] = []
        self._random = random
        self._seen: dict[tuple[str, str, float], tuple[float, float]] = {}
        self.names: set[str] = set()
        for fault in faults:
            name = fault if isinstance(fault, str) else fault.name
            if name not in FAULTS:
                raise CallError(
                    f"{name!r} is no fault of the simulator.", f"Choose from {', '.join(FAULTS)}."
                )
            self.names.add(name)
            if not isinstance(fault, str):
                window = (fault.at_s, fault.at_s + fault.seconds)
                self._windows.setdefault(name, []).append(window)
            elif name in _FIRST_S:
                self._unset.append(name)

    def work_began(self, t_s: float) -> None:
        """The first work began: faults without a given time are now due."""
        for name in self._unset:
            start_s = t_s + _FIRST_S[name] + 6 * self._random.random()
            length_s = _LENGTH_S[name] * (1 + 0.3 * self._random.random())
            self._windows.setdefault(name, []).append((start_s, start_s + length_s))
        self._unset.clear()

    def active(self, name: str, t_s: float) -> bool:
        """Whether `t_s` is within a window of this fault."""
        windows = self._windows.get(name)
        return windows is not None and any(start <= t_s < end for start, end in windows)

    def started(self, name: str, t_s: float) -> int:
        """How many windows of this fault have begun by `t_s`."""
        return sum(start <= t_s for start, _ in self._windows.get(name, ()))

    def saw(self, name: str, source: str, t_s: float) -> None:
        """The fault showed in something that `source` sent, or should have sent, at `t_s`."""
        windows = self._windows.get(name, ())
        start_s = max((start for start, _ in windows if start <= t_s), default=-1.0)
        key = (name, source, start_s)
        self._seen[key] = (self._seen.get(key, (t_s, t_s))[0], t_s)

    @property
    def truth(self) -> tuple[FaultTruth, ...]:
        """What happened so far, in order of start."""
        found = [
            FaultTruth(name=name, source=source, start_s=start, end_s=end)
            for (name, source, _), (start, end) in self._seen.items()
        ]
        return tuple(sorted(found, key=lambda one: (one.start_s, one.name, one.source)))
