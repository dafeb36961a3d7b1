"""Metres and seconds that a Concept2 monitor tells twice by CSAFE, once as it displays them.

The public commands A0 and A1 count up, in whole seconds and metres. The monitor's own A0 and A3 are
fine, but are what it displays: in a workout of a fixed length they may count down to 0.

Source: CSAFE Protocol Technical Specification, GetTWork and GetHorizontal; for what is displayed
the monitor's makers in their developers' forum, with a programmed 2000 m that begins at 2000.0.
"""

from __future__ import annotations

from math import ceil
from typing import Final

_WHOLE: Final = 1.05
"""By so much the two may differ: one is whole, and both are rounded."""
_EXACT: Final = 1e-6


class Counting:
    """One quantity, in its unit, of one connection."""

    __slots__ = ("goal",)

    def __init__(self) -> None:
        self.goal: float | None = None
        """What is counted down from, in whole units; None while it counts up."""

    def take(self, whole: float, fine: float) -> float:
        """What was counted, as fine as it is told: always within about one unit of `whole`."""
        if self.goal is not None and abs(whole + fine - self.goal) <= _WHOLE:
            return max(self.goal - fine, 0.0)
        if abs(fine - whole) <= _WHOLE:
            self.goal = None
            return fine
        self.goal = float(ceil(whole + fine - _EXACT))
        return self.goal - fine
