"""Whether a source is heard, and when its silence is a gap."""

from __future__ import annotations

from rowlog.counters import SECOND_NS


class Hearing:
    """How often a source is heard, and the gaps when it is not."""

    __slots__ = ("_frames", "_usual_ns", "down_reason", "last_ns", "silent")

    def __init__(self) -> None:
        self.last_ns: int | None = None
        self.silent = False
        self.down_reason: str | None = None
        self._usual_ns = 0.0
        self._frames = 0

    def heard(self, t_ns: int) -> int | None:
        """A frame came; returns when the one before it came, if a gap ends here."""
        before_ns, self.last_ns = self.last_ns, t_ns
        if before_ns is None:
            return None
        if self.silent:
            self.silent = False
            return before_ns
        self._frames += 1
        weight = max(1.0 / self._frames, 0.1)
        self._usual_ns += weight * ((t_ns - before_ns) - self._usual_ns)
        return None

    def tick(self, t_ns: int) -> None:
        """Time goes by: silence beyond what is usual begins a gap."""
        if self.last_ns is not None and t_ns - self.last_ns > self.patience_ns:
            self.silent = True

    @property
    def patience_ns(self) -> float:
        """3 s for a source that sends once a second or more, else 3 usual gaps, 10 s at most."""
        if self._frames < 5:
            return 10 * SECOND_NS
        return min(max(3 * SECOND_NS, 3 * self._usual_ns), 10 * SECOND_NS)
