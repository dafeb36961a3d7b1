"""Transport and Decoder together: deliveries of one device, and of several merged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from rowlog_drivers.allowance import FRAMES_PER_S, Allowance
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import (
    Complaint,
    Decoder,
    Delivery,
    Dialogue,
    Transport,
    Waking,
    Watched,
)
from rowlog_drivers.protocols.link import FLOOD_CHANNEL, decode_flood, decode_key
from rowlog_drivers.records import KEY_SOURCE, Record, Undecoded
from rowlog_drivers.transports.ble_names import channel_of

SECOND_NS: Final = 1_000_000_000
BATCH_FRAMES: Final = 1000
"""How many deliveries wait at most for whoever takes them."""
GATHER_S: Final = 0.05
"""Live batches follow each other no faster than this, in session seconds."""
ASK_EVERY_S: Final = 0.04
"""How long a dialogue waits at most, in session seconds, before it is looked what is due."""
UNWELL_S: Final = 0.5
"""After a request that could not be sent, the next one waits so long."""


class Decoding:
    """Frames of any number of sources to deliveries, each source with a decoder of its own.

    Pure: used for live frames, for replay and for rebuilding alike. A frame that was late when
    it was recorded is decoded at its own stamp, so that a decoder sees the times that it saw then.
    """

    def __init__(
        self,
        decoders: Mapping[str, Decoder],
        treatments: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        """`treatments`: by source, what its readers must not take for good; None: nothing."""
        self.decoders = dict(decoders)
        self.treatments = dict(treatments or {})

    def deliver(self, frame: Frame) -> Delivery:
        """The frame with what it means; a source without a decoder gives an Undecoded."""
        if frame.source == KEY_SOURCE and frame.channel == "key":
            return Delivery(frame, (decode_key(frame),))
        if frame.channel == FLOOD_CHANNEL:
            return Delivery(frame, (decode_flood(frame),))
        decoder = self.decoders.get(frame.source)
        if decoder is None:
            reason = f"no driver is known for the source {frame.source}"
            return Delivery(
                frame, (Undecoded(t_ns=frame.t_ns, source=frame.source, reason=reason),)
            )
        channel = channel_of(frame.channel)
        if not frame.late_ns and channel == frame.channel:
            return Delivery(frame, decoder.decode(frame))
        stamped = replace(frame, t_ns=frame.t_ns - frame.late_ns, late_ns=0, channel=channel)
        records = decoder.decode(stamped)
        if not frame.late_ns:
            return Delivery(frame, records)
        return Delivery(frame, tuple(replace(record, t_ns=frame.t_ns) for record in records))

    def finish(self, t_ns: int) -> list[Record]:
        """What the decoders still held when the session ended at `t_ns`."""
        return [record for decoder in self.decoders.values() for record in decoder.finish(t_ns)]


class Device:
    """One transport, and the decoders of the sources that speak through it.

    With the `clock` that stamps its frames the device is asked what its decoders want to ask;
    without one nothing is: what was recorded cannot be asked again.
    """

    def __init__(
        self, transport: Transport, decoding: Decoding, *, clock: Clock | None = None
    ) -> None:
        self.transport = transport
        self.decoding = decoding
        self.held: list[Delivery] = []
        """What `listen` took and nobody else has had yet."""
        self._latest_ns: dict[str, int] = {}
        self._allowances: dict[str, Allowance] = {}
        self._left_out = 0
        self._asker: _Asker | None = None
        dialogues = [one for one in decoding.decoders.values() if isinstance(one, Dialogue)]
        if clock is not None and dialogues:
            self._asker = _Asker(transport, dialogues, clock)

    async def deliveries(self) -> AsyncIterator[Delivery]:
        """Every frame with its meaning, in order of arrival, what `listen` took included.

        A frame stamped before one of its source that came earlier is late: it is dated after it,
        so that whoever orders frames by time keeps the order in which they were decoded.
        """
        asker = self._asker
        asking = asyncio.create_task(asker.run()) if asker is not None else None
        try:
            while self.held:
                yield self.held.pop(0)
            async for delivery in self._fresh():
                yield delivery
                if asking is not None and asking.done():
                    asking.result()
        finally:
            if asking is not None:
                asking.cancel()
                with suppress(asyncio.CancelledError):
                    await asking

    async def listen(self, done: Callable[[Delivery], bool], seconds: float) -> bool:
        """Take what comes until `done` is true of it, for so many seconds of life at most.

        Before `deliveries`, which still gives everything; whether it was done in time.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for delivery in self._fresh():
                    self.held.append(delivery)
                    if done(delivery):
                        return True
        return False

    async def _fresh(self) -> AsyncIterator[Delivery]:
        async for frame in self._admitted():
            late_ns = self._latest_ns.get(frame.source, 0) - frame.t_ns
            if late_ns > 0:
                late_ns += frame.late_ns
                frame = replace(frame, t_ns=self._latest_ns[frame.source], late_ns=late_ns)
            self._latest_ns[frame.source] = frame.t_ns
            delivery = self.decoding.deliver(frame)
            if self._asker is not None:
                self._asker.decoded(frame)
            yield delivery

    async def _admitted(self) -> AsyncIterator[Frame]:
        """The transport's frames, as many of each source as are kept."""
        last: dict[str, Frame] = {}
        async for frame in self.transport.frames():
            allowance = self._allowances.get(frame.source)
            if allowance is None:
                allowance = self._allowances[frame.source] = Allowance()
            last[frame.source] = frame
            for admitted in allowance.admit(frame):
                yield admitted
        for source, frame in last.items():
            for admitted in self._allowances[source].finish(frame):
                yield admitted

    def complaint(self) -> Complaint | None:
        """Why it is not heard at the moment; None when it is, or when its transport cannot tell.

        Or that it flooding: when more was left out since this was asked the last time.
        """
        told = self.transport.complaint() if isinstance(self.transport, Watched) else None
        return told if told is not None else self._flooding()

    def _flooding(self) -> Complaint | None:
        left_out = sum(one.left_out for one in self._allowances.values())
        grown, self._left_out = left_out > self._left_out, left_out
        if not grown:
            return None
        source = max(self._allowances, key=lambda name: self._allowances[name].left_out)
        allowance = self._allowances[source]
        since_ns = allowance.since_ns if allowance.since_ns is not None else 0
        return Complaint(
            source=source,
            device=source,
            trouble="flooding",
            seconds=max(0.0, (self._latest_ns.get(source, 0) - since_ns) / SECOND_NS),
            advice=f"Only {FRAMES_PER_S} frames a second are kept of it. Switch it off and on.",
            heard=True,
        )

    def woke(self) -> bool:
        """The computer slept and is awake again; whether that takes a new link, which is made."""
        if isinstance(self.transport, Waking):
            self.transport.woke()
            return True
        return False

    async def close(self) -> None:
        """Let go of the device; safe to call twice."""
        await self.transport.close()


class _Asker:
    """Sends what the decoders of one device want to ask, when they want to."""

    def __init__(self, transport: Transport, dialogues: Sequence[Dialogue], clock: Clock) -> None:
        self._transport = transport
        self._dialogues = dialogues
        self._clock = clock
        self._sent_bytes = 0
        self._came = asyncio.Event()

    def decoded(self, frame: Frame) -> None:
        """A frame has been decoded: an answer may be there, or a request count as asked."""
        if frame.sent:
            self._sent_bytes += _weight(frame.payload)
        self._came.set()

    async def run(self) -> None:
        """Ask, for as long as the device is listened to."""
        while True:
            self._came.clear()
            for dialogue in self._dialogues:
                request = dialogue.next_request(self._clock.now_ns())
                if request is None:
                    continue
                asked_bytes = self._sent_bytes + _weight(request.payload)
                try:
                    await self._transport.send(request)
                except RowlogError:
                    # The link is down, or the machine refused: the transport tells of it.
                    await asyncio.sleep(self._clock.life_s(UNWELL_S))
                    continue
                # Until its decoder knows all of what was sent it would ask for the same again.
                while self._sent_bytes < asked_bytes:
                    self._came.clear()
                    await self._came.wait()
            await self._wait()

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._clock.life_s(ASK_EVERY_S), self._came.set)
        try:
            await self._came.wait()
        finally:
            timer.cancel()


def _weight(payload: bytes) -> int:
    """Bytes that were sent, perhaps in several frames; a frame without any counts as well."""
    return max(1, len(payload))


async def merge(
    devices: Sequence[Device], *, clock: Clock | None = None, keyboard: Device | None = None
) -> AsyncIterator[list[Delivery]]:
    """The deliveries of several devices as they come, in batches; ends when all have ended.

    What the `keyboard` gives comes along; it is not waited for.

    Within a batch they stand in order of arrival; the buffer puts them in order of time. With a
    clock an empty batch comes when a whole second of session time begins and nothing else does,
    and what many devices send in quick succession comes together: a batch that follows the one
    before within `GATHER_S` waits for it to be over, so that sixty machines make few commits.
    Raises what a device raised, after what it had delivered before.
    """
    queue: asyncio.Queue[Delivery | Exception | None] = asyncio.Queue(BATCH_FRAMES)

    async def pump(device: Device) -> None:
        try:
            async for delivery in device.deliveries():
                await queue.put(delivery)
        except Exception as error:  # noqa: BLE001 - nothing may be waited for in vain
            await queue.put(error)
        else:
            await queue.put(None)

    async def pump_keys(keyboard: Device) -> None:
        async for delivery in keyboard.deliveries():
            await queue.put(delivery)

    tasks = [asyncio.create_task(pump(device)) for device in devices]
    open_count = len(tasks)
    if keyboard is not None:
        tasks.append(asyncio.create_task(pump_keys(keyboard)))
    loop = asyncio.get_running_loop()
    gathered_s = 0.0
    try:
        while open_count:
            items = await _next(queue, clock)
            if clock is not None and items:
                await asyncio.sleep(gathered_s + clock.life_s(GATHER_S) - loop.time())
            gathered_s = loop.time()
            while not queue.empty():
                items.append(queue.get_nowait())
            batch = [item for item in items if isinstance(item, Delivery)]
            if batch or not items:
                yield batch
            for item in items:
                if isinstance(item, Exception):
                    raise item
                open_count -= item is None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _next(
    queue: asyncio.Queue[Delivery | Exception | None], clock: Clock | None
) -> list[Delivery | Exception | None]:
    """The next item, or nothing when the next whole second comes first."""
    if clock is None or not queue.empty():
        return [await queue.get()]
    left_ns = SECOND_NS - clock.now_ns() % SECOND_NS
    try:
        async with asyncio.timeout(clock.life_s(left_ns / SECOND_NS)):
            return [await queue.get()]
    except TimeoutError:
        return []


def deliveries(frames: Iterable[Frame], decoding: Decoding) -> Iterator[Delivery]:
    """Stored frames with their meaning, without a transport."""
    for frame in frames:
        yield decoding.deliver(frame)
