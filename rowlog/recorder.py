"""The one async loop: devices to store, and progress to whoever watches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from rowlog.derivation import Derivation, Derived
from rowlog.pipeline import Fact
from rowlog.plan import Plan
from rowlog.spilling import Reserve, Spill, put_in, to_delete
from rowlog.store_errors import DiskFullError
from rowlog.totals import SessionTotals
from rowlog_drivers.clock import Clock, asleep_ns, life_ns, wall_now
from rowlog_drivers.device import Decoding, Device, merge
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols.link import encode_link
from rowlog_drivers.records import KEY_SOURCE
from rowlog_drivers.transports.replay import ReplayTransport

if TYPE_CHECKING:
    from rowlog.store import Store

GRACE_LIFE_S: Final = 0.25
"""Ticks wait so long for frames that were stamped before them and are still on their way."""
DURABLE_EVERY_NS: Final = 1_000_000_000
"""After so much host time a commit waits for the disk: what a power cut can cost at most."""
PATIENCE_LIFE_S: Final = 0.5
"""A live recording waits so long for a commit, then goes on while that is under way."""
RETRY_LIFE_S: Final = 0.25
"""How long after a failed commit the next one is tried."""
TAKEN_AT_ONCE: Final = 1000
"""How many frames of a session that goes on are understood at once."""
SLEPT_NS: Final = 5_000_000_000
"""A sleep of the computer that is worth telling."""
SLEPT: Final = "computer slept"
"""Why a link went down, as its frame says."""
CLOCK_SET_S: Final = 2.0
"""By how much the wall clock must have been set for a session's start to be told anew."""
SPILL_LIFE_S: Final = 5.0
"""How long frames stay in memory when the disk is not full but fails, is read-only, or locked."""
MOST_HELD: Final = 200_000
"""How many frames are kept in memory where no folder at all takes them: hours."""
LAST_HOLD_S: Final = 10.0
"""How long the end of a recording is tried again when the database cannot be written."""


class SpilledError(RowlogError):
    """The database could not be written to the end: the session is in a file."""


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
    ended: bool = False
    """Whether the session has ended: no frame follows, though it may wait to be stored."""
    closed: bool = False
    """Whether the session is closed now: nothing follows."""
    trouble: str | None = None
    """What is wrong with the database; None when nothing is."""
    memory_left_s: float | None = None
    """How many seconds of life what cannot be stored is still held in memory; None when it is not.

    After that it goes to another folder.
    """


class Recorder:
    """Records one session that has been begun in the store.

    Every batch of deliveries is ordered, understood and committed as one transaction, on a
    thread of its own that is awaited, so that a failing disk surfaces here at once. A live
    recording that waits in vain goes on, and holds in memory what cannot be stored yet.
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
        started_at: datetime | None = None,
        keyboard: Device | None = None,
        reserve: Reserve | None = None,
    ) -> None:
        """`clock` ticks a live session on in silence; without one the frames tell the time.

        `end_ns` is the last instant of a recorded session; None: when the devices end. `hold_s`
        is for how long, in seconds of life, new frames are held in memory while the database
        cannot be written, before they go to another folder; 0 ends the recording then. The
        `reserve` of the disk is given up when it is full. `started_at` is the wall time of
        instant 0, from which the session's end is counted; None: the end is when it closes.
        Keys of the `keyboard` count like frames of the devices, but no session waits for them.
        """
        self.devices = devices
        self._keyboard = keyboard
        treatments: dict[str, tuple[str, ...]] = {}
        for device in devices:
            treatments |= device.decoding.treatments
        self.derivation = Derivation(plan, treatments=treatments)
        self.session_id = session_id
        self.frames_committed = 0
        self._store = store
        self._clock = clock
        self._end_ns = end_ns
        self._started_at = started_at
        self.committed_ns = 0
        """Session time of the last frame in the database."""
        self._hold_s = hold_s
        self._held: list[Derived] = []
        self._reserve = reserve
        self._spill: Spill | None = None
        """Where everything goes while the database cannot be written for long."""
        self._putting: asyncio.Task[int] | None = None
        self._spill_again_ns = 0
        self._asleep_ns = asleep_ns()
        self._events: list[tuple[str, str]] = []
        self._told_before: tuple[Fact, ...] = ()
        """What was known when the session went on, for those who watch."""
        self._warning: str | None = None
        """What stays true after the database can be written again."""
        self._facts_lost = False
        """Whether something was stored without what it means, which is derived at the end then."""
        self._writing: asyncio.Task[None] | None = None
        self._failing_since_ns: int | None = None
        self._error: RowlogError | None = None
        """Why the latest commit failed; None when it did not."""
        self._retry_ns = 0
        self._trouble: str | None = None
        self._ended = False
        """Whether nothing more is taken in."""
        self._last_ns = 0
        self._unsynced = False
        self._durable_ns = 0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="rowlog-writer")

    def take_up(self, frames: Iterable[Frame], others: Decoding, reason: str) -> list[Fact]:
        """Understand what the session holds already, and that it was interrupted, before `run`.

        `others` decodes the sources that have no device any more. Every source's link is down from
        the last frame on, for `reason`; that of a recording is up again at once. Returns the facts
        that the frames tell.
        """
        decodings = {
            source: device.decoding
            for device in self.devices
            for source in device.decoding.decoders
        }
        facts: list[Fact] = []
        heard: dict[str, None] = {}
        batch: list[Delivery] = []
        for frame in frames:
            if frame.source != KEY_SOURCE:
                heard[frame.source] = None
            batch.append(decodings.get(frame.source, others).deliver(frame))
            self._last_ns = self.committed_ns = frame.t_ns
            self.frames_committed += 1
            if len(batch) >= TAKEN_AT_ONCE:
                facts += self.derivation.take(batch).facts
                batch = []
        facts += self.derivation.take(batch).facts
        self._told_before = tuple(facts)
        down = encode_link(False, reason)
        links = [(source, self._last_ns, down) for source in heard]
        if self._clock is not None:
            links += [
                (source, self._clock.now_ns(), encode_link(True))
                for device in self.devices
                if isinstance(device.transport, ReplayTransport)
                for source in device.decoding.decoders
                if source in heard
            ]
        self._hold(
            self.derivation.take(
                decodings.get(source, others).deliver(
                    Frame(t_ns=t_ns, source=source, channel="link", payload=payload)
                )
                for source, t_ns, payload in links
            )
        )
        return facts

    async def run(
        self,
        *,
        stop: asyncio.Event | None = None,
        on_progress: Callable[[Progress], None] | None = None,
        on_arrival: Callable[[Progress], None] | None = None,
    ) -> SessionTotals:
        """Record until the devices end or `stop` is set; close the session; its figures.

        `on_progress` hears of each turn once it is in the database, or held in memory;
        `on_arrival` before that: what is shown waits for no disk.

        Raises RowlogError when a device or the database fails; what was committed stays, and
        the session is left open, to be recovered by the next writer.
        """
        stopper = asyncio.create_task(self._close_on(stop)) if stop is not None else None
        try:
            async for batch in merge(self.devices, clock=self._clock, keyboard=self._keyboard):
                now_ns = self._ticked_ns()
                derived = self.derivation.take((*self._slept(batch), *batch), now_ns)
                self._last_ns = max(self._last_ns, now_ns or 0)
                told = derived
                if self._told_before:
                    facts = (*self._told_before, *derived.facts)
                    told, self._told_before = Derived(derived.deliveries, facts), ()
                if on_arrival is not None:
                    if derived.deliveries:
                        self._last_ns = max(self._last_ns, derived.deliveries[-1].t_ns)
                    on_arrival(self._progress(told))
                await self._commit(derived)
                if on_progress is not None:
                    on_progress(self._progress(told))
            if stop is not None and stop.is_set():
                self._end_ns = (
                    None  # a recording that is cut short does not end where it would have
                )
            return await self._finish(on_progress)
        finally:
            if stopper is not None:
                if stop is not None and stop.is_set():
                    await asyncio.wait({stopper})  # letting go of the devices may take seconds
                stopper.cancel()
            await self._close()
            self._writer.shutdown(wait=True)

    def _slept(self, batch: Sequence[Delivery]) -> list[Delivery]:
        """Links that went down and up since the computer slept, before what came after that.

        Those by radio are made anew, and tell it themselves.
        """
        if self._clock is None:
            return []
        slept_ns = asleep_ns() - self._asleep_ns
        if slept_ns < SLEPT_NS:
            return []
        self._asleep_ns += slept_ns
        self._events.append(("slept", f"The computer slept for {slept_ns / 1e9:.0f} s."))
        t_ns = min((one.t_ns for one in batch), default=self._clock.now_ns())
        return [
            device.decoding.deliver(
                Frame(t_ns=t_ns, source=source, channel="link", payload=payload)
            )
            for device in self.devices
            if not device.woke()
            for source in device.decoding.decoders
            for payload in (encode_link(False, SLEPT), encode_link(True))
        ]

    def _true_start(self) -> datetime | None:
        """The session's start by the wall clock as it is now; None where that is as it was told.

        A clock that was wrong when the session began, as of a computer without one of its own, is
        set while it goes on; session time does not notice. Devices on paper that live faster than
        life tell no time of day.
        """
        if self._started_at is None or self._clock is None or self._clock.rate != 1:
            return None
        now = wall_now()
        start = now - timedelta(microseconds=self._clock.now_ns() // 1000)
        off_s = abs((start - self._started_at).total_seconds())
        return start if off_s >= CLOCK_SET_S else None

    async def _close_on(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await self._close()

    async def _close(self) -> None:
        """Let go of all devices at a time: each may hang for seconds."""
        if self._keyboard is not None:  # first: a terminal must not stay as it is for a device
            await self._keyboard.close()
        await asyncio.gather(*(device.close() for device in self.devices))

    def _ticked_ns(self) -> int | None:
        """Up to when the ticks are due; None where the frames tell the time."""
        if self._clock is None:
            return None
        return max(0, self._clock.now_ns() - round(GRACE_LIFE_S * self._clock.rate * 1e9))

    async def _commit(self, derived: Derived) -> None:
        """Store what is new, and what is held from before; hold it while that cannot be.

        Raises RowlogError once the database could not be written for as long as is held, and
        nothing else takes it.
        """
        self._hold(derived)
        if self._spill is not None:
            await self._write_elsewhere(self._spill)
            return
        await self._try_to_write()
        if self._error is not None and self._hold_s <= 0:
            raise self._error
        if self._trouble is not None and self._memory_left_s() <= 0:
            await self._begin_spill()

    def _memory_left_s(self) -> float:
        """For how many seconds of life more is held in memory what cannot be written."""
        full = self._error is None or isinstance(self._error, DiskFullError)
        held_s = self._hold_s if full else min(self._hold_s, SPILL_LIFE_S)
        return held_s - self._failing_s()

    async def _begin_spill(self) -> None:
        """Have everything go to another folder; where none takes it, keep the frames in memory."""
        if life_ns() < self._spill_again_ns:
            return
        self._facts_lost = True
        self._held = [Derived(held.deliveries, ()) for held in self._held if held.deliveries]
        frames = [one.frame for held in self._held for one in held.deliveries if one.frame]
        try:
            self._spill = await asyncio.to_thread(
                Spill,
                self._store.path,
                self.session_id,
                self.frames_committed,
                frames,
                self._store,
            )
        except (RowlogError, OSError) as error:
            self._spill_again_ns = life_ns() + round(SPILL_LIFE_S * 1e9)
            if len(frames) > MOST_HELD:
                raise self._error or RowlogError(str(error)) from error
            return
        self._held.clear()
        self._retry_ns = life_ns() + round(SPILL_LIFE_S * 1e9)

    async def _write_elsewhere(self, spill: Spill) -> None:
        """Write what is held to the other folder, and try to get all of it into the database.

        Once that has all that is in the folder, and before more goes there, the spill is over.
        """
        if self._putting is not None and self._putting.done():
            task, self._putting = self._putting, None
            if task.result() == spill.count:
                self.frames_committed = spill.count
                self.committed_ns = spill.last_ns
                self._spill = None
                self._succeeded()
                await self._on_thread(spill.remove)
                await self._try_to_write()
                return
        frames = [one.frame for held in self._held for one in held.deliveries if one.frame]
        if frames:
            try:
                await asyncio.to_thread(spill.write, frames)
            except OSError:  # it stays held, and is tried again
                if len(frames) > MOST_HELD:
                    raise
                return
        self._held.clear()
        if self._putting is None and life_ns() >= self._retry_ns:
            self._putting = asyncio.create_task(self._put_in(spill, spill.count))

    async def _put_in(self, spill: Spill, count: int) -> int:
        """Get into the database what was spilled; how many frames those are, 0 when it failed."""
        try:
            await self._on_thread(lambda: put_in(self._store, self.session_id, spill.path, count))
        except RowlogError as error:
            self._failed(error)
            self._retry_ns = life_ns() + round(SPILL_LIFE_S * 1e9)
            return 0
        return count

    def _hold(self, derived: Derived) -> None:
        if derived.deliveries or derived.facts:
            self._held.append(derived)
        if derived.deliveries:
            self._last_ns = max(self._last_ns, derived.deliveries[-1].t_ns)

    async def _try_to_write(self) -> None:
        """Begin a commit when one is due; wait for it, but live not for long."""
        due = bool(self._held) or (
            self._unsynced and life_ns() - self._durable_ns >= DURABLE_EVERY_NS
        )
        if self._writing is None and due and life_ns() >= self._retry_ns:
            self._writing = asyncio.create_task(self._write())
        if self._writing is None:
            return
        patience_s = None
        if self._clock is not None:
            patience_s = PATIENCE_LIFE_S if self._trouble is None else 0.0
        done, _ = await asyncio.wait({self._writing}, timeout=patience_s)
        if done:
            task, self._writing = self._writing, None
            task.result()
        elif self._trouble is None:
            self._failing_since_ns = life_ns()
            self._trouble = (
                f"The database {self._store.path} does not answer: another program holds it "
                "locked, or its disk is slow."
            )

    async def _write(self) -> None:
        """One transaction with everything that is held now."""
        given = tuple(self._held)
        deliveries = [delivery for held in given for delivery in held.deliveries]
        facts = [fact for held in given for fact in held.facts]
        now_ns = life_ns()
        durable = now_ns - self._durable_ns >= DURABLE_EVERY_NS
        try:
            if given:
                after = self.frames_committed
                await self._on_thread(
                    lambda: self._append(deliveries, facts, durable=durable, after=after)
                )
            else:  # the devices fell silent: what was committed last still waits for the disk
                await self._on_thread(self._store.sync)
        except RowlogError as error:
            self._failed(error)
            return
        if self._spill is not None:
            return  # too late: these frames are in the other folder too, and counted from there
        del self._held[: len(given)]
        self._succeeded()
        self._unsynced = not durable
        if durable:
            self._durable_ns = now_ns
        if deliveries:
            self.frames_committed += len(deliveries)
            self.committed_ns = deliveries[-1].t_ns

    def _append(
        self, deliveries: Sequence[Delivery], facts: Sequence[Fact], *, durable: bool, after: int
    ) -> None:
        whole = self._store.append(self.session_id, deliveries, facts, durable=durable, after=after)
        if not whole:
            self._facts_lost = True

    def _failed(self, error: RowlogError) -> None:
        if self._failing_since_ns is None:
            self._failing_since_ns = life_ns()
        self._error = error
        self._trouble = str(error)
        self._retry_ns = life_ns() + round(RETRY_LIFE_S * 1e9)
        if isinstance(error, DiskFullError):
            hint = to_delete(self._store.path)
            if hint is not None:
                self._trouble = f"{error} {hint}"
            if self._reserve is not None and self._reserve.release():
                self._retry_ns = 0
                self._warning = (
                    f"The disk of {self._store.path} is full: its reserve is being used, which "
                    f"lasts for an hour or so. Make room on it.{f' {hint}' if hint else ''}"
                )

    def _succeeded(self) -> None:
        self._failing_since_ns = self._error = self._trouble = None
        self._retry_ns = 0

    def _failing_s(self) -> float:
        """For how many seconds of life the database could not be written."""
        since_ns = self._failing_since_ns
        return 0.0 if since_ns is None else (life_ns() - since_ns) / 1e9

    async def _on_thread(self, work: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer, work)

    async def _finish(self, on_progress: Callable[[Progress], None] | None) -> SessionTotals:
        end_ns = self._end_ns
        if end_ns is None and self._clock is not None:
            end_ns = self._clock.now_ns()
        end_ns = max(self._last_ns, end_ns if end_ns is not None else 0)
        pending = [record for device in self.devices for record in device.decoding.finish(end_ns)]
        derived, totals = self.derivation.finish(end_ns, pending)
        self._ended = True
        self._hold(derived)
        self._last_ns = end_ns

        def close() -> None:
            if true_start is not None:
                self._store.set_start(self.session_id, true_start)
            for kind, text in self._events:
                self._store.add_event(kind, text, happened_at=ended_at, session_id=self.session_id)
            self._events.clear()
            self._store.close_session(
                self.session_id,
                end_ns=end_ns,
                ended_at=ended_at,
                totals=totals,
                relayed=self.derivation.pipeline.relayed.beats,
            )

        # Counted from the start: two readings of the wall clock may not be compared.
        ended_at = wall_now()
        true_start = self._true_start()
        if true_start is not None:
            self._events.append(
                ("clock", f"The clock was set: the start was taken for {self._started_at}.")
            )
            self._started_at = true_start
        if self._started_at is not None:
            ended_at = self._started_at + timedelta(microseconds=end_ns // 1000)
        give_up_ns = life_ns() + round(min(self._hold_s, LAST_HOLD_S) * 1e9)
        while True:
            if self._spill is not None:
                self._retry_ns = 0
                await self._write_elsewhere(self._spill)
                if self._putting is not None:
                    await asyncio.wait({self._putting}, timeout=LAST_HOLD_S)
            else:
                await self._try_to_write()
            if self._writing is None and not self._held and self._spill is None:
                try:
                    await self._on_thread(close)
                    break
                except RowlogError as error:
                    self._failed(error)
            if self._error is not None and life_ns() >= give_up_ns:
                why = self._error
                unsaved = any(held.deliveries for held in self._held) or self._store.replaced()
                if self._hold_s > 0 and self._spill is None and unsaved:
                    await self._begin_spill()
                raise self._given_up(why)
            if on_progress is not None:
                on_progress(self._progress(derived))
            await asyncio.sleep(RETRY_LIFE_S)
        self._succeeded()
        await self._structure()
        if on_progress is not None:
            on_progress(self._progress(derived, closed=True))
        return totals

    def _given_up(self, error: RowlogError) -> RowlogError:
        """What is raised when the session ends and the database still cannot be written."""
        if self._spill is None:
            return error
        self._spill.close()
        return SpilledError(
            f"{error.what} All {self._spill.count} frames of session {self.session_id} are in "
            f"{self._spill.path}.",
            f"Take them in with: rowlog import {self._spill.path}"
            if self._store.replaced()
            else "They are taken in when you record the next time, or with: rowlog db rebuild",
        )

    async def _structure(self) -> None:
        """Cut what nobody planned by what it looks like; it stays one piece where that fails.

        And where a key was taken back, what it had ended is derived anew.
        """
        pipeline = self.derivation.pipeline
        if pipeline.undone or self._facts_lost:
            from rowlog.rebuild import rebuild_one

            with suppress(RowlogError):
                await self._on_thread(lambda: rebuild_one(self._store, self.session_id))
        if pipeline.plan is not None or pipeline.rower is None or pipeline.tracker.device_led:
            return
        from rowlog.rebuild import structure_unplanned

        with suppress(RowlogError):
            await self._on_thread(lambda: structure_unplanned(self._store, self.session_id))

    def _progress(self, derived: Derived, *, closed: bool = False) -> Progress:
        return Progress(
            t_ns=self._last_ns,
            frames_committed=self.frames_committed,
            derivation=self.derivation,
            derived=derived,
            ended=self._ended,
            closed=closed,
            trouble=self._told_trouble(),
            memory_left_s=(
                max(0.0, self._memory_left_s())
                if self._trouble is not None and self._spill is None and self._hold_s > 0
                else None
            ),
        )

    def _told_trouble(self) -> str | None:
        if self._trouble is None or self._spill is None:
            return self._trouble if self._trouble is not None else self._warning
        return f"{self._trouble} Recording goes on into {self._spill.path}."
