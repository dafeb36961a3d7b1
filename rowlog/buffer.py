"""Where the streams meet: puts deliveries in order, inserts ticks, keeps recent windows."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from rowlog.counters import SECOND_NS
from rowlog.heart import valid_heart_rate
from rowlog_drivers.interface import Delivery
from rowlog_drivers.records import HeartRate, RowerSample, Stroke, Tick

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WINDOW_READINGS: Final = 1200
"""How many readings of each quantity are kept for live views: five minutes at 4 Hz."""
RELAYED: Final = "relayed_heart_rate_bpm"
"""The heart rate that a machine relays: shown where no strap is heard."""


class Buffer:
    """Orders the deliveries of all devices and inserts a Tick at every whole second.

    Ticks come before everything of their second and later. What arrives after its place in the
    order has been given away gets the time of the last item that was given (a late frame after a
    Tick: that Tick's), and its `late_ns` says by how much; so `t_ns` never falls.
    """

    def __init__(
        self, judge: Callable[[Delivery], Delivery] | None = None, *, windows: bool = True
    ) -> None:
        """`judge` has each delivery in its turn, and says what of it is believed; None: all.

        `windows`: whether recent readings are kept; nobody asks for those of what is long over.
        """
        self._judge = judge
        self._keeps_windows = windows
        self._pending: list[Delivery] = []
        self._last_ns = 0
        self._next_tick_ns = SECOND_NS
        self._windows: dict[str, deque[tuple[int, float]]] = {}
        self.late_count = 0

    def push(self, delivery: Delivery) -> None:
        """Take in a delivery; it is given out by the next `drain`."""
        self._pending.append(delivery)

    @property
    def backlog(self) -> int:
        """How many deliveries wait to be given out."""
        return len(self._pending)

    def drain(self, until_ns: int | None = None) -> Iterator[Delivery]:
        """Give out what waits, in order, with the ticks that are due.

        Ticks up to `until_ns` are given out although no frame came; None: the frames alone move
        time on.
        """
        pending = self._pending
        self._pending = []
        if len(pending) > 1:
            pending.sort(key=attrgetter("t_ns"))
        for delivery in pending:
            t_ns = delivery.t_ns
            if self._next_tick_ns <= t_ns:
                yield from self._ticks(t_ns)
            if t_ns < self._last_ns:
                delivery = redated(delivery, self._last_ns)
                t_ns = delivery.t_ns
            frame = delivery.frame
            if frame is not None and frame.late_ns:
                self.late_count += 1
            self._last_ns = t_ns
            if self._judge is not None:
                delivery = self._judge(delivery)
            if self._keeps_windows:
                self._remember(delivery)
            yield delivery
        if until_ns is not None:
            yield from self._ticks(until_ns)

    def latest(self, quantity: str, t_ns: int, *, seconds: float = 5.0) -> float | None:
        """The latest valid reading of a quantity; None when it is older than `seconds`.

        The heart rate is a strap's, or what the machine relays while no strap is heard.
        """
        window = self._windows.get(quantity)
        if quantity == "heart_rate_bpm" and not _fresh(window, t_ns, seconds):
            window = self._windows.get(RELAYED)
        return window[-1][1] if window and _fresh(window, t_ns, seconds) else None

    def window(
        self, quantity: str, seconds: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The latest readings of a quantity: times in s since session start, and values.

        `quantity` is a field name ("power_w", "stroke_rate_spm", "pace_s_per_500m",
        "heart_rate_bpm"); both arrays have the shape (n,), n may be 0. Only valid readings.
        """
        import numpy as np

        readings = self._windows.get(quantity, deque())
        since_ns = self._last_ns - round(seconds * SECOND_NS)
        recent = [(t_ns / 1e9, value) for t_ns, value in readings if t_ns >= since_ns]
        pairs = np.array(recent, dtype=np.float64).reshape(-1, 2)
        return pairs[:, 0], pairs[:, 1]

    def _ticks(self, until_ns: int) -> Iterator[Delivery]:
        while (t_ns := self._next_tick_ns) <= until_ns:
            self._next_tick_ns = t_ns + SECOND_NS
            if t_ns > self._last_ns:
                self._last_ns = t_ns
            yield Delivery(None, (Tick(t_ns=t_ns, source=""),))

    def _remember(self, delivery: Delivery) -> None:
        for record in delivery.records:
            if isinstance(record, RowerSample):
                for quantity in ("power_w", "stroke_rate_spm", "pace_s_per_500m"):
                    value = getattr(record, quantity)
                    if value:
                        self._keep(quantity, record.t_ns, value)
                if record.pace_s_per_500m is None and record.speed_mps:
                    self._keep("pace_s_per_500m", record.t_ns, 500 / record.speed_mps)
                relayed = valid_heart_rate(record)
                if relayed is not None:
                    self._keep(RELAYED, record.t_ns, relayed)
            elif isinstance(record, Stroke):
                if record.power_w:
                    self._keep("power_w", record.t_ns, record.power_w)
            elif isinstance(record, HeartRate):
                bpm = valid_heart_rate(record)
                if bpm is not None:
                    self._keep("heart_rate_bpm", record.t_ns, bpm)

    def _keep(self, quantity: str, t_ns: int, value: float) -> None:
        window = self._windows.get(quantity)
        if window is None:
            window = self._windows[quantity] = deque(maxlen=WINDOW_READINGS)
        window.append((t_ns, value))


def _fresh(window: deque[tuple[int, float]] | None, t_ns: int, seconds: float) -> bool:
    return bool(window and t_ns - window[-1][0] <= seconds * SECOND_NS)


def redated(delivery: Delivery, t_ns: int) -> Delivery:
    """The same delivery at a later time; its frame says by how much it is late."""
    frame = delivery.frame
    if frame is None:
        return delivery
    moved = replace(frame, t_ns=t_ns, late_ns=frame.late_ns + t_ns - frame.t_ns)
    return Delivery(moved, tuple(replace(record, t_ns=t_ns) for record in delivery.records))
