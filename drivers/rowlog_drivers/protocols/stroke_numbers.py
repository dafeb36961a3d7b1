"""Numbers for strokes, from a count that machines start anew with an interval or a reset."""

from __future__ import annotations


class StrokeNumbers:
    """A machine's stroke count, which may start anew, counted on.

    The first count is taken as it is, so that the numbers of a single piece are the machine's.
    """

    __slots__ = ("_count", "_elapsed_s", "number")

    def __init__(self) -> None:
        self._count: int | None = None
        self._elapsed_s = 0.0
        self.number = 0
        """Of the latest stroke; 0 before the first."""

    def take(self, count: int, elapsed_s: float | None) -> int | None:
        """The number of the stroke with this count; None when it is older than the latest.

        `elapsed_s` is the machine's time at it: one that falls tells that counting began anew.
        """
        if count == 0:
            return None
        last, last_s = self._count, self._elapsed_s
        anew = elapsed_s is not None and elapsed_s < last_s
        if last is None:
            self.number = count
        elif anew or (elapsed_s is None and count < last):
            self.number += count
        elif count < last:
            return None
        else:
            self.number += count - last
        self._count = count
        if elapsed_s is not None:
            self._elapsed_s = elapsed_s
        return self.number
