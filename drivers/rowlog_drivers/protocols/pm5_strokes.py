"""Force curves of a Concept2 monitor, put together from what it sends of them."""

from __future__ import annotations

from typing import Final

from rowlog_drivers.protocols.pm5_values import ForcePart

LBF_N: Final = 4.4482216152605
"""One pound-force in newtons, by definition."""
MOST_POINTS: Final = 1024
"""A longer run of points is no curve of one stroke: memory stays bounded."""


def newtons(points_lbf: tuple[int, ...]) -> tuple[float, ...]:
    """A curve in newtons; the monitor sends whole pounds of force."""
    return tuple(point * LBF_N for point in points_lbf)


class PartedCurve:
    """A force curve that comes in numbered parts (003d)."""

    __slots__ = ("_next", "_parts", "_points")

    def __init__(self) -> None:
        self._points: list[int] = []
        self._parts = 0
        self._next = 0

    def drop(self) -> None:
        """Forget what has come of a curve."""
        self._points, self._next = [], 0

    def add(self, part: ForcePart) -> tuple[int, ...] | None:
        """The whole curve once its last part is there; a curve that misses a part is dropped."""
        if part.part == 0:
            self._points, self._parts, self._next = [], part.parts, 0
        if part.part != self._next or part.parts != self._parts:
            self._points, self._next = [], 0
            self._parts = 0
            return None
        self._points += part.points_lbf
        self._next += 1
        if self._next < self._parts:
            return None
        curve = tuple(self._points)
        self._points, self._next, self._parts = [], 0, 0
        return curve or None


class PolledCurve:
    """A force curve that is asked for block by block (CSAFE 6b)."""

    __slots__ = ("_points",)

    def __init__(self) -> None:
        self._points: list[int] = []

    @property
    def begun(self) -> bool:
        """Whether points have come whose end has not."""
        return bool(self._points)

    def drop(self) -> None:
        """Forget what has come of a curve."""
        self._points = []

    def add(self, points_lbf: tuple[int, ...]) -> tuple[int, ...] | None:
        """The whole curve when a block without points follows some that had them."""
        if points_lbf:
            if len(self._points) < MOST_POINTS:
                self._points += points_lbf
            return None
        curve, self._points = tuple(self._points), []
        return curve or None
