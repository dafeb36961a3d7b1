"""The one async loop: devices to store, and progress to whoever watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowlog.derivation import Derivation, Derived
from rowlog.plan import Plan
from rowlog.totals import SessionTotals
from rowlog_drivers.clock import Clock, life_ns, wall_now
from rowlog_drivers.device import Device, merge
from rowlog_drivers.errors import RowlogError

if TYPE_CHECKING:
    from rowlog.store import Store

GRACE_LIFE_S: Final = 0.25
"""Ticks wait so long for frames that were stamped before them and are still on their way."""
DURABLE_EVERY_NS: Final = 1_000_000_000
"""After so much host time a commit waits for the disk: what a power cut can cost at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What one turn of the loop led to, once it is in the database."""

    t_ns: int
    """Session time reached."""
    frames_committed: int
    """How many of the session's frames are in the database."""
    derivation: Derivation
    """Where everything stands; to be read, not kept."""
    derived: Derived
    """What was new in this turn."""
    closed: bool = False
    """Whether the session is closed now: nothing follows."""
    trouble: str | None = None
    """Why what was new could not be stored yet; it is held in memory and tried again."""


class Recorder:
    """Records one session that has been begun in the store.

    Every batch of deliveries is ordered, understood and committed as one transaction, on a
    thread of its own that is awaited, so that a failing disk surfaces here at once.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        store: Store,
        session_id: int,
        *,
        plan: Plan | None = None,
        clock: Clock | None = None,
        end_ns: int | None = None,
        hold_s: float = 0.0,
    ) -> None:
        """`clock` ticks a live session on in silence; without one the frames tell the time.

        `end_ns` is the last instant of a recorded session; None: when the devices end. `hold_s`
        is for how long, in seconds of life, new frames are held in memory while the database
        cannot be written, before that ends the recording.
        """
        self.devices = devices
        self.derivation = Derivation(plan)
        self.session_id = session_id
        self.frames_committed = 0
        self._store = store
        self._clock = clock
        self._end_ns = end_ns
        self.committed_ns = 0
        """Session time of the last frame in the database."""
        self._hold_ns = round(hold_s * 1e9)
        self._held: list[Derived] = []
        self._failing_since_ns: int | None = None
        self._trouble: str | None = None
        self._last_ns = 0
        self._durable_ns = 0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="rowlog-writer")

    async def run(
        self,
        *,
        stop: asyncio.Event | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> SessionTotals:
        """Record until the devices end or `stop` is set; close the session; its figures.

        Raises RowlogError when a device or the database fails; what was committed stays, and
        the session is left open, to be recovered by the next writer.
        """
        stopper = asyncio.create_task(self._close_on(stop)) if stop is not None else None
        try:
            async for batch in merge(self.devices, clock=self._clock):
                now_ns = self._ticked_ns()
                derived = self.derivation.take(batch, now_ns)
                self._last_ns = max(self._last_ns, now_ns or 0)
                await self._commit(derived)
                if on_progress is not None:
                    on_progress(self._progress(derived))
            return await self._finish(on_progress)
        finally:
            if stopper is not None:
                stopper.cancel()
            for device in self.devices:
                await device.close()
            self._writer.shutdown(wait=True)

    async def _close_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        for device in self.devices:
            await device.close()

    def _ticked_ns(self) -> int | None:
        """Up to when the ticks are due; None where the frames tell the time."""
        if self._clock is None:
            return None
        return max(0, self._clock.now_ns() - round(GRACE_LIFE_S * self._clock.rate * 1e9))

    async def _commit(self, derived: Derived, *, last: bool = False) -> None:
        """Store what is new, and what is held from before; hold it when that cannot be."""
        if derived.deliveries or derived.facts:
            self._held.append(derived)
        if derived.deliveries:
            self._last_ns = max(self._last_ns, derived.deliveries[-1].t_ns)
        if not self._held:
            return
        deliveries = [delivery for held in self._held for delivery in held.deliveries]
        facts = [fact for held in self._held for fact in held.facts]
        now_ns = life_ns()
        durable = now_ns - self._durable_ns >= DURABLE_EVERY_NS
        try:
            await self._on_thread(
                lambda: self._store.append(self.session_id, deliveries, facts, durable=durable)
            )
        except RowlogError as error:
            if self._failing_since_ns is None:
                self._failing_since_ns = now_ns
            if last or life_ns() - self._failing_since_ns >= self._hold_ns:
                raise
            self._trouble = str(error)
            return
        self._held.clear()
        self._failing_since_ns = self._trouble = None
        if durable:
            self._durable_ns = now_ns
        if deliveries:
            self.frames_committed += len(deliveries)
            self.committed_ns = deliveries[-1].t_ns

    async def _on_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer, work)

    async def _finish(self, on_progress: Callable[[Progress], None] | None) -> SessionTotals:
        end_ns = self._end_ns
        if end_ns is None and self._clock is not None:
            end_ns = self._clock.now_ns()
        end_ns = max(self._last_ns, end_ns if end_ns is not None else 0)
        pending = [record for device in self.devices for record in device.decoding.finish(end_ns)]
        derived, totals = self.derivation.finish(end_ns, pending)
        await self._commit(derived, last=True)
        await self._on_thread(
            lambda: self._store.close_session(
                self.session_id, end_ns=end_ns, ended_at=wall_now(), totals=totals
            )
        )
        self._last_ns = end_ns
        if on_progress is not None:
            on_progress(self._progress(derived, closed=True))
        return totals

    def _progress(self, derived: Derived, *, closed: bool = False) -> Progress:
        return Progress(
            t_ns=self._last_ns,
            frames_committed=self.frames_committed,
            derivation=self.derivation,
            derived=derived,
            closed=closed,
            trouble=self._trouble,
        )
