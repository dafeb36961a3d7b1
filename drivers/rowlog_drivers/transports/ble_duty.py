"""What is done with a link while it is up: reading, subscribing, starting, and watching over it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from rowlog_drivers.clock import Clock
from rowlog_drivers.frames import Request
from rowlog_drivers.transports.ble_errors import BluetoothError, Trouble
from rowlog_drivers.transports.ble_link import Link
from rowlog_drivers.transports.ble_liveness import LEAST_NS, MOST_NS, SECOND_NS, Liveness
from rowlog_drivers.transports.ble_profile import BleProfile

REPLY_S: Final = 3.0
"""How long a machine may take to answer what it is sent at the start, in seconds of life."""
READS_S: Final = 5.0
"""How long reading what the machine says of itself may take in all, in seconds of life."""
IDLE_NS: Final = (MOST_NS, 2 * MOST_NS, 3 * MOST_NS)
"""Session time between looks at a machine that is silent because nobody moves it."""
HELD_UP_S: Final = 0.02
"""A loop that comes back so much later than asked, in seconds of life, was held up."""
CATCH_UP_S: Final = 0.05
"""Then it is given so long, again and again, to take in what has come meanwhile."""
MOST_CATCH_UPS: Final = 20


class Put(Protocol):
    """Makes a frame of a payload."""

    def __call__(self, channel: str, payload: bytes, *, sent: bool = False) -> int:
        """The stamp that the frame got."""
        ...


class Duty:
    """The work on one link, from connected to down.

    Args:
        link: connected, with what `profile` needs.
        label: what the device is called in messages.
        profile: what to read, subscribe to and send.
        clock: the session's.
        liveness: told of every notification by whoever makes frames of them.
        put: where frames go that are not notifications.
        moving: whether the machine was moving when last heard; None: unknown.
        unread: the channels still to be read; those that were are taken out.
        on_sending: called when the device is subscribed to, and when it turned out to be well.
        on_silence: called when it has been silent for too long.
    """

    def __init__(
        self,
        link: Link,
        label: str,
        profile: BleProfile,
        clock: Clock,
        liveness: Liveness,
        *,
        put: Put,
        moving: Callable[[], bool] | None,
        unread: list[str],
        on_sending: Callable[[], None],
        on_silence: Callable[[BluetoothError], None],
    ) -> None:
        self._link = link
        self._label = label
        self._profile = profile
        self._clock = clock
        self._liveness = liveness
        self._put = put
        self._moving = moving
        self._unread = unread
        self._on_sending = on_sending
        self._on_silence = on_silence

    async def done(self) -> BluetoothError:
        """Do the work until the link is down or given up; why it is."""
        work = asyncio.ensure_future(self._work())
        down = asyncio.ensure_future(self._link.down.wait())
        try:
            await asyncio.wait({work, down}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            down.cancel()
            work.cancel()
        if self._link.down.is_set():
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()
            return self._error(self._link.trouble)
        try:
            return work.result()
        except BluetoothError as error:
            return error

    async def _work(self) -> BluetoothError:
        await self._read_all()
        await self._link.subscribe(self._channels, self._profile.needs)
        self._on_sending()
        for request in self._profile.start:
            await self._tell(request)
        idle = 0
        while True:
            await self._until_silent(
                IDLE_NS[min(idle, len(IDLE_NS)) - 1] if idle else self._liveness.limit_ns()
            )
            count = self._liveness.count
            error = await self._revive()
            if error is not None:
                return error
            idle = 0 if self._liveness.count > count else idle + 1
            self._on_sending()

    @property
    def _channels(self) -> tuple[str, ...]:
        started = (request.channel for request in self._profile.start)
        return tuple(dict.fromkeys((*self._profile.notify, *started)))

    async def _until_silent(self, limit_ns: int) -> None:
        """Return when nothing has been heard for `limit_ns` of session time."""
        while True:
            if self._liveness.since_ns + limit_ns <= (now_ns := self._clock.now_ns()):
                return
            count = self._liveness.count
            # In steps: a machine that wakes from rest has a shorter limit than one at rest.
            left_ns = min(self._liveness.since_ns + limit_ns - now_ns, LEAST_NS)
            await self._listen(left_ns)
            if self._liveness.count > count:
                limit_ns = self._liveness.limit_ns()

    async def _listen(self, listen_ns: int) -> None:
        """Let so much session time go by, and be heard what has come in it.

        A program that was held up, or a computer that was asleep, comes back late, with
        notifications still to be taken in: that is no silence of the device.
        """
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self._clock.life_s(listen_ns / SECOND_NS)
        await asyncio.sleep(due_s - loop.time())
        count = self._liveness.count
        for _ in range(MOST_CATCH_UPS):
            if loop.time() - due_s < HELD_UP_S or self._liveness.count > count:
                return
            due_s = loop.time() + CATCH_UP_S
            await asyncio.sleep(CATCH_UP_S)

    async def _revive(self) -> BluetoothError | None:
        """The device is silent: subscribe again, then judge; None when the link may stay."""
        self._on_silence(self._error(Trouble.SILENT))
        patience_ns = self._liveness.patience_ns()
        count = self._liveness.count
        try:
            await self._link.subscribe_again(self._channels, self._profile.needs)
            await self._listen(patience_ns)
            if self._liveness.count > count:
                return None
            if self._profile.always_sends or (self._moving is not None and self._moving()):
                return self._error(Trouble.SILENT)
            answer = await self._link.probe(self._profile.reads)
        except BluetoothError as error:
            return self._error(Trouble.SILENT) if error.trouble is Trouble.TIMED_OUT else error
        if answer is not None and answer[0] in self._profile.reads:
            self._put(*answer)
        self._liveness.since_ns = self._clock.now_ns()
        return None

    async def _read_all(self) -> None:
        """What the machine says of itself, once; what it will not say is left out."""
        with suppress(TimeoutError):
            async with asyncio.timeout(READS_S):
                while self._unread:
                    channel = self._unread[0]
                    if channel in self._link.channels:
                        try:
                            self._put(channel, await self._link.read(channel))
                        except BluetoothError as error:
                            if error.trouble is not Trouble.REFUSED:
                                return
                    self._unread.pop(0)

    async def _tell(self, request: Request) -> None:
        """Send what the machine must be told, and wait for its answer; a refusal is one."""
        if request.channel not in self._link.channels:
            return
        reply = self._link.reply_on(request.channel)
        with suppress(BluetoothError, TimeoutError):
            self._put(request.channel, request.payload, sent=True)
            await self._link.write(request.channel, request.payload)
            if request.expects_reply:
                async with asyncio.timeout(REPLY_S):
                    await reply.wait()

    def _error(self, trouble: Trouble) -> BluetoothError:
        return BluetoothError(f"{self._label}: {trouble.value}.", trouble=trouble)
