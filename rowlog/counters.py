"""What a machine's counter says, made into a total that never falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limits:
    """What one counter can do: wrap, and grow by so much."""

    moduli: tuple[int, ...]
    per_s: float
    slack: float
    back: float
    """A step back up to this is a correction by the machine, not a restart."""
    speed_over_ns: int = 0
    """Over at least so long its speed is taken; 0: what a restart hides is not estimated."""
    rises_within_ns: int = 0
    """While someone rows it rises again by then."""
    by_steps: bool = False
    """Whether it rises by whole steps, each some seconds after the one before."""


_LIMITS: Final = {
    # Plausible growth after the protocol references' limits (8 m/s, 2 strokes/s, elapsed + 2 s);
    # the slack lets frames through that were held up by the radio and arrive in a burst.
    "distance_m": _Limits(
        moduli=(1 << 16, 1 << 24),
        per_s=8.0,
        slack=25.0,
        back=2.0,
        speed_over_ns=2 * SECOND_NS,
        rises_within_ns=1_250_000_000,
    ),
    "stroke_count": _Limits(moduli=(1 << 16,), per_s=2.0, slack=5.0, back=1.0),
    "energy_kcal": _Limits(
        moduli=(1 << 16,),
        per_s=1.0,
        slack=5.0,
        back=1.0,
        speed_over_ns=8 * SECOND_NS,
        rises_within_ns=6 * SECOND_NS,
        by_steps=True,
    ),
    "elapsed_s": _Limits(
        moduli=(1 << 16,),
        per_s=1.05,
        slack=5.0,
        back=0.0,
        speed_over_ns=2 * SECOND_NS,
        rises_within_ns=1_250_000_000,
    ),
}


OFTEN_NS: Final = SECOND_NS // 5
"""A counter that is read more often than this loses next to nothing in a restart."""
SILENT_NS: Final = 3 * SECOND_NS
"""A counter of steps that was not read for so long before a restart: nobody may have rowed."""

TREND: Final = 3
"""So many changes in the same direction, one after the other, tell which way a counter counts."""


class Counter:
    """One cumulative counter of one machine, made into a session total that never falls.

    The first reading is the zero. A wrap is carried on, a restart counts from 0 again, a value
    that is off and comes back is ignored, a jump that stays is not counted; each is reported.
    What a counter counted between its last reading and a restart went with it: it is estimated
    from the speed before.
    """

    __slots__ = (
        "_anchor",
        "_base",
        "_last_ns",
        "_later_anchor",
        "_limits",
        "_pending",
        "_rose_ns",
        "_said",
        "_step_ns",
        "_trend",
        "counts_down",
        "estimated",
        "field",
        "raw",
        "total",
    )

    def __init__(self, field: str, base: float = 0.0) -> None:
        """`base` is the session total that the first reading stands for."""
        self.field = field
        self.total: float | None = None
        self.raw: float | None = None
        """The latest accepted reading."""
        self._limits = _LIMITS[field]
        self._base = base
        self._last_ns = 0
        self._pending: tuple[int, float] | None = None
        self._anchor: tuple[int, float] | None = None
        self._later_anchor: tuple[int, float] | None = None
        self._rose_ns = self._step_ns = 0
        self.estimated = 0.0
        """What was added at the latest restart for what it hid."""
        self.counts_down = False
        """Whether the readings fall time after time, as a countdown's do."""
        self._said: float | None = None
        self._trend = 0
        """How often in a row the readings have risen, negative when they have fallen."""

    def update(self, t_ns: int, raw: float) -> tuple[str, float] | None:
        """Take a reading; returns what is odd about it as (kind, value), or None.

        A fall or a jump is believed only when the next reading goes on from it: until then the
        total stands still.
        """
        if self.total is None or self.raw is None:
            self.total, self.raw, self._last_ns = self._base, raw, t_ns
            self._said = raw
            return None
        if raw != self._said:
            self._watch_trend(raw)
        if self.counts_down:
            self._pending = None
            return None
        step = raw - self.raw
        if 0 <= step <= self._allowed(t_ns - self._last_ns):
            self._accept(t_ns, raw, step)
            pending = self._pending
            if pending is None:
                return None
            self._pending = None
            return "glitch", pending[1]
        if self._pending is not None:
            return self._resolve(t_ns, raw)
        if step < 0:
            for modulus in self._limits.moduli:
                grown = step + modulus
                if self.raw > 0.9 * modulus and 0 <= grown <= self._allowed(t_ns - self._last_ns):
                    self._accept(t_ns, raw, grown)
                    return "counter_wrap", raw
            if -step <= self._limits.back and raw > 0 and self.raw > 20:
                self._last_ns = t_ns
                return None
        self._pending = (t_ns, raw)
        return None

    def settle(self) -> tuple[str, float] | None:
        """The session is over: a fall that was not contradicted was a restart."""
        if self._pending is None or self.raw is None:
            return None
        t_ns, raw = self._pending
        self._pending = None
        if raw >= self.raw:
            return "glitch", raw
        since_zero = raw <= self._allowed(t_ns - self._last_ns)
        hidden = self._hidden(t_ns, raw) if since_zero else 0.0
        self._accept(t_ns, raw, raw + hidden if since_zero else 0.0)
        return "machine_reset", raw

    @property
    def last_ns(self) -> int:
        """When the latest accepted reading came."""
        return self._last_ns

    def _resolve(self, t_ns: int, raw: float) -> tuple[str, float] | None:
        if self._pending is None or self.raw is None:
            return None
        pending_ns, pending = self._pending
        if not 0 <= raw - pending <= self._allowed(t_ns - pending_ns):
            self._pending = (t_ns, raw)
            return None
        since_zero = pending <= self._allowed(pending_ns - self._last_ns)
        if raw == pending < self.raw and not since_zero:
            return None  # a lower value that is only repeated: a restart would count on from it
        self._pending = None
        if pending > self.raw:
            self._accept(t_ns, raw, raw - pending)
            return "jump", pending
        hidden = self._hidden(pending_ns, pending) if since_zero else 0.0
        self._accept(t_ns, raw, raw + hidden if since_zero else raw - pending)
        return "machine_reset", pending

    def _watch_trend(self, raw: float) -> None:
        said, self._said = self._said, raw
        if said is None:
            return
        trend = self._trend
        if raw > said:
            self._trend = trend + 1 if trend > 0 else 1
        else:
            self._trend = trend - 1 if trend < 0 else -1
        if self._trend <= -TREND:
            self.counts_down = True
        elif self._trend >= TREND and self.counts_down:
            # It counts up again, from wherever it stands: that is its new zero.
            self.counts_down = False
            self.raw = raw

    def _hidden(self, t_ns: int, raw: float) -> float:
        """What a restart that showed at `t_ns` hid: counted since the last rise, not in `raw`.

        Nothing when the counter stood before, or was silent for more than two intervals of its
        readings: then nobody may have rowed. Nor when it is read all the time.
        """
        self.estimated = 0.0
        limits = self._limits
        often = self._step_ns < OFTEN_NS and not limits.by_steps
        silent = t_ns - self._last_ns > (SILENT_NS if limits.by_steps else 2 * self._step_ns)
        stood = self._last_ns - self._rose_ns > limits.rises_within_ns
        since_ns = self._rose_ns if limits.by_steps else self._last_ns
        anchor = self._anchor or self._later_anchor
        if anchor is None or since_ns <= anchor[0] or often or silent or stood:
            return 0.0
        anchor_ns, total = anchor
        speed = ((self.total or 0.0) - total) / (since_ns - anchor_ns)
        self.estimated = max(0.0, speed * (t_ns - since_ns) - raw)
        if limits.by_steps:
            self.estimated = min(self.estimated, 1.0)  # more would have been a step
        return self.estimated

    def _accept(self, t_ns: int, raw: float, step: float) -> None:
        limits, before = self._limits, (self._last_ns, self.total or 0.0)
        self.total = (self.total or 0.0) + step
        self._step_ns = t_ns - self._last_ns
        self.raw, self._last_ns = raw, t_ns
        if not limits.speed_over_ns:
            return
        if step > 0:
            if t_ns - self._rose_ns > limits.rises_within_ns:
                # It stood: its speed is that since then.
                self._anchor = None
                self._later_anchor = (t_ns, self.total) if limits.by_steps else before
            self._rose_ns = t_ns
        elif limits.by_steps:
            return
        later = self._later_anchor
        if later is None or t_ns - later[0] >= limits.speed_over_ns:
            self._anchor, self._later_anchor = later, (t_ns, self.total)

    def _allowed(self, dt_ns: int) -> float:
        return self._limits.per_s * dt_ns / SECOND_NS + self._limits.slack
