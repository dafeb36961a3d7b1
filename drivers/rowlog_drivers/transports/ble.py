"""The Bluetooth transport: finds a device, keeps it, and gives every notification as a frame.

Frames stand under the characteristic's channel; values that were read stand there too. `link`
frames say "up" and "down REASON". What BlueZ calls connected may be dead, so what counts as alive
is what sends.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator, Callable
from enum import Enum
from typing import Final

from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import LinkLostError
from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.interface import Complaint
from rowlog_drivers.transports.ble_calls import settle
from rowlog_drivers.transports.ble_complaint import HOPELESS, complain
from rowlog_drivers.transports.ble_duty import Duty
from rowlog_drivers.transports.ble_errors import BluetoothError, Trouble
from rowlog_drivers.transports.ble_identity import SERIAL_NUMBER, Identity
from rowlog_drivers.transports.ble_link import Link, read_once
from rowlog_drivers.transports.ble_liveness import SECOND_NS, Liveness
from rowlog_drivers.transports.ble_names import printable
from rowlog_drivers.transports.ble_profile import BleProfile
from rowlog_drivers.transports.ble_radio import Radio, Sighting
from rowlog_drivers.transports.outgoing import Outgoing

__all__ = ["BleProfile", "BleState", "BleTransport"]

BACKOFF_S: Final = (0.0, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Session seconds before each attempt to connect; the last goes on for ever."""
JITTER: Final = 0.2
"""By how much of itself each of them varies, so that two recorders do not march in step."""
STEADY_S: Final = 10.0
"""A link that lived so long, in session seconds, ends the backoff."""
SEARCH_S: Final = 10.0
"""How long each attempt listens for the device, in seconds of life."""
NAMESAKE_S: Final = 1.0
"""How long to listen for a second device of the same name, in seconds of life."""
LATE_SERVICES_S: Final = 0.5
"""When services are missing they may just be late: seconds of life until the second look."""
REASON_S: Final = 0.05
"""Seconds of life until what took a link down with it is known too."""

_FORGETFUL: Final = frozenset({Trouble.SERVICE_LOST, Trouble.NO_SERVICE, Trouble.NO_BUS})
"""After these BlueZ holds nothing connected."""


class BleState(Enum):
    """Where a transport stands."""

    SEARCHING = "searching"
    CONNECTING = "connecting"
    UP = "up"
    SILENT = "silent"
    """Connected; nothing has come for too long, and why is being found out."""
    WAITING = "waiting"
    """Before the next attempt."""
    CLOSED = "closed"


class BleTransport:
    """One Bluetooth device, from `open()` to `close()` whatever happens to its link.

    Args:
        target: a sighting, or an address (on macOS the system's UUID) or advertised name.
        source: what the device is called in frames.
        clock: the session's clock; stamps, watchdog and backoff use it.
        profile: what to subscribe to, read and send.
        radio: shared by all devices of the session.
        moving: whether the machine was moving when last heard, as the decoded frames tell;
            None: unknown, taken for no.
        seed: of the backoff's jitter; None: a new one each time.
        open_s: how long `open()` goes on trying, in seconds of life.
        on_change: called when `state` or `trouble` has changed.

    Attributes:
        state: where it stands.
        trouble: what is or last was wrong; None while the device sends.
        identity: by which the device is known again, with its latest address.
        services: the device's services, once connected.
        attempts: connections tried since the link was last steady.
        stale_frames: notifications of older subscriptions that came and were ignored.
    """

    def __init__(
        self,
        target: Sighting | str,
        source: str,
        clock: Clock,
        profile: BleProfile,
        *,
        radio: Radio,
        moving: Callable[[], bool] | None = None,
        seed: int | None = None,
        open_s: float = 20.0,
        on_change: Callable[[BleTransport], None] | None = None,
    ) -> None:
        self.state = BleState.WAITING
        self.trouble: BluetoothError | None = None
        self.identity = Identity()
        self.services: tuple[str, ...] = ()
        self.attempts = 0
        self.stale_frames = 0
        self.source = source
        self._wanted = target if isinstance(target, str) else target.address
        self._label = target.label if isinstance(target, Sighting) else printable(target)
        self._sighting = target if isinstance(target, Sighting) else None
        self._clock = clock
        self._profile = profile
        self._radio = radio
        self._moving = moving
        self._random = random.Random(seed)
        self._open_s = open_s
        self._on_change = on_change
        self._outgoing = Outgoing()
        self._liveness = Liveness(0)
        self._heard_ns = clock.now_ns()
        self._ever_heard = False
        self._link: Link | None = None
        self._trust_held = True
        self._unread = list(profile.reads)
        self._task: asyncio.Task[None] | None = None
        self._first_up = asyncio.Event()
        self._hopeless = asyncio.Event()

    @property
    def address(self) -> str | None:
        """Of the device, once connected; another only when it is certainly the same device."""
        return self.identity.address

    # ------------------------------------------------------------------ as the recorder sees it

    async def open(self) -> None:
        """Find the device, connect and subscribe; from then on the link is kept up.

        Raises BluetoothError, saying why and what to do, at once when Bluetooth itself is not
        usable, otherwise after `open_s`; the transport is closed then.
        """
        self._task = asyncio.create_task(self._keep())
        self._outgoing.end_with(self._task)
        waits = [asyncio.ensure_future(event.wait()) for event in (self._first_up, self._hopeless)]
        try:
            await asyncio.wait(
                {self._task, *waits},
                timeout=self._open_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            for wait in waits:
                wait.cancel()
        if self._first_up.is_set():
            return
        failed = self._task if self._task.done() else None
        await self.close()
        if failed is not None and not failed.cancelled():
            failed.result()
        raise self.trouble or self._error(Trouble.NOT_FOUND)

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame in order of arrival; ends when closed, after all that had come."""
        async for frame in self._outgoing.frames():
            yield frame

    async def send(self, request: Request) -> None:
        """Write to the device, in pieces where the profile says so.

        Raises LinkLostError when the link is down, and BluetoothError when it is refused.
        """
        link = self._link
        if link is None or link.down.is_set():
            raise LinkLostError(f"{self._label} is not connected.", "It is being looked for.")
        payload = request.payload
        size = dict(self._profile.piece_bytes).get(request.channel) or max(1, len(payload))
        for at in range(0, max(1, len(payload)), size):
            piece = payload[at : at + size]
            self._put(request.channel, piece, sent=True)
            await link.write(request.channel, piece)

    def complaint(self) -> Complaint | None:
        """Why the device is not heard; None when it is, and while a machine at rest is silent."""
        up = self._link is not None and not self._link.down.is_set()
        silent_ns = self._clock.now_ns() - self._heard_ns
        resting = self._ever_heard and self._moving is not None and not self._moving()
        if self.state is BleState.CLOSED or (not up and self.trouble is None):
            return None
        if up and (silent_ns < self._liveness.limit_ns() or resting):
            return None
        trouble = self.trouble if self.trouble is not None else self._error(Trouble.SILENT)
        seconds = silent_ns / SECOND_NS
        return complain(self.source, self._label, trouble, seconds=seconds, attempts=self.attempts)

    async def close(self) -> None:
        """Let go of the device, within 5 s even when the system hangs; safe to call twice."""
        if self.state is BleState.CLOSED:
            return
        self._change(BleState.CLOSED, self.trouble)
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
        link, self._link = self._link, None
        if link is not None:
            await self._drop(link)
        await self._radio.unwatch_service(self._service_lost)
        await settle(1.0)
        self._outgoing.end()

    # --------------------------------------------------------------------- keeping the link up

    async def _keep(self) -> None:
        """Connect, watch, drop, and again, for as long as the transport is open."""
        first = True
        while True:
            await self._pause()
            self.attempts += 1
            try:
                link = await self._connect()
            except BluetoothError as error:
                self._failed(error)
                continue
            up_ns = self._clock.now_ns()
            ended = await self._serve(link)
            down_ns = self._clock.now_ns()
            steady = self._liveness.count and down_ns - up_ns >= STEADY_S * SECOND_NS
            if steady or first:
                self.attempts = 0
            first = False
            link.fall(ended.trouble)
            if ended.trouble is Trouble.LOST:
                ended = await self._reason(ended)
            # What bleak calls connected may be what it remembers from before the trouble.
            if ended.trouble in _FORGETFUL or not self._liveness.count:
                self._trust_held = False
            self._put("link", f"down {ended.trouble.value}".encode(), t_ns=down_ns)
            self._change(BleState.WAITING, ended)
            await self._drop(link)
            self._link = None

    async def _reason(self, lost: BluetoothError) -> BluetoothError:
        """Why the link was lost: the adapter, the service or the bus may have gone with it."""
        await asyncio.sleep(REASON_S)
        try:
            await self._radio.check()
        except BluetoothError as error:
            return error
        return lost

    async def _pause(self) -> None:
        backoff_s = BACKOFF_S[min(self.attempts, len(BACKOFF_S) - 1)]
        jitter = 1 + JITTER * (2 * self._random.random() - 1)
        await asyncio.sleep(self._clock.life_s(backoff_s * jitter))

    def _failed(self, error: BluetoothError) -> None:
        self._change(BleState.WAITING, error)
        if error.trouble in HOPELESS:
            self._hopeless.set()

    async def _connect(self) -> Link:
        """A link to a device that has what is needed. Raises BluetoothError."""
        for look in range(3):
            await self._radio.watch_service(self._service_lost)
            sighting = await self._find()
            self._label = sighting.label
            self._change(BleState.CONNECTING, self.trouble)
            link = Link(sighting.device, self._label, self._heard, self._profile.only_services)
            try:
                async with self._radio.connecting:
                    await link.connect()
            except BluetoothError as error:
                self._trust_held = not sighting.connected
                raise await self._counted(error) from error
            self.identity.connected(sighting)
            self.services = link.services
            missing = [channel for channel in self._profile.needs if channel not in link.channels]
            if not missing:
                return link
            await self._look_again(link, sighting, look)
        offered = ", ".join(self.services) or "no services"
        raise BluetoothError(
            f"{self._label}: connected, but it has no {', '.join(missing)}. It offers {offered}.",
            trouble=Trouble.MISSING,
        )

    async def _look_again(self, link: Link, sighting: Sighting, look: int) -> None:
        """Services are missing: they may be late, or BlueZ may remember older ones."""
        await self._drop(link)
        self._trust_held = False
        if look == 0:
            await asyncio.sleep(LATE_SERVICES_S)
        elif look == 1 and sys.platform == "linux" and not _is_paired(sighting):
            what = f"{self._label}: its services have changed; those remembered are forgotten."
            changed = BluetoothError(what, trouble=Trouble.MISSING)
            self._change(BleState.CONNECTING, changed)
            await link.forget()

    async def _counted(self, error: BluetoothError) -> BluetoothError:
        """A full adapter is told with how many devices fill it."""
        if error.trouble is not Trouble.NO_SLOT:
            return error
        try:
            count = len(await self._radio.held())
        except BluetoothError:
            return error
        what = f"{self._label}: {error.trouble.value}; {count} connected already."
        return BluetoothError(what, trouble=error.trouble)

    async def _find(self) -> Sighting:
        """The device, as it was given or as it is heard. Raises BluetoothError."""
        given, self._sighting = self._sighting, None
        if given is not None:
            return given
        self._change(BleState.SEARCHING, self.trouble)
        wanted = self.identity.address or self._wanted
        held, self._trust_held = self._trust_held, True
        alike: dict[str, Sighting] = {}

        def is_it(sighting: Sighting) -> bool:
            if self.identity.is_like(sighting):
                alike[sighting.address] = sighting
            return sighting.answers_to(wanted)

        found = await self._radio.find(is_it, SEARCH_S, held=held)
        if found is None:
            return await self._moved(list(alike.values()))
        if wanted.casefold() != found.address.casefold():
            other = await self._radio.find(
                lambda one: one.answers_to(wanted) and one.address != found.address, NAMESAKE_S
            )
            if other is not None:
                raise BluetoothError(
                    f"{found.label}: two devices have this name, "
                    f"{' and '.join(sorted((found.address, other.address)))}.",
                    trouble=Trouble.AMBIGUOUS,
                )
        return found

    async def _moved(self, alike: list[Sighting]) -> Sighting:
        """The device under a new address. Raises BluetoothError when none is certainly it."""
        if not alike:
            raise self._error(Trouble.NOT_FOUND)

        async def read(sighting: Sighting, channel: str) -> bytes | None:
            return await read_once(self._radio, sighting, channel)

        asks = SERIAL_NUMBER in self._profile.reads
        found = await self.identity.among(alike, read if asks else None)
        if found is not None:
            return found
        strangers = self.identity.are_strangers(alike)
        raise self._error(Trouble.NOT_FOUND if strangers else Trouble.UNSURE)

    # ----------------------------------------------------------------------------------- frames

    async def _serve(self, link: Link) -> BluetoothError:
        """Everything that a link is for, until it ends; why it did."""
        self._link = link
        self._put("link", b"up")
        self._liveness = Liveness(self._clock.now_ns())
        if not self._first_up.is_set():
            self._heard_ns = self._clock.now_ns()
        duty = Duty(
            link,
            self._label,
            self._profile,
            self._clock,
            self._liveness,
            put=self._put,
            moving=self._moving,
            unread=self._unread,
            on_sending=self._sends,
            on_silence=lambda silent: self._change(BleState.SILENT, silent),
        )
        return await duty.done()

    def _sends(self) -> None:
        self._change(BleState.UP, None)
        self._first_up.set()

    async def _drop(self, link: Link) -> None:
        await link.close()
        self.stale_frames += link.stale

    def woke(self) -> None:
        """The computer slept: the link is made anew at once, whatever the service says of it."""
        if self._link is not None:
            self._link.fall(Trouble.SLEPT)

    def _service_lost(self) -> None:
        if self._link is not None:
            self._link.fall(Trouble.SERVICE_LOST)

    def _heard(self, channel: str, payload: bytes) -> None:
        self._heard_ns = self._put(channel, payload)
        self._ever_heard = True
        self._liveness.heard(self._heard_ns)

    def _put(
        self, channel: str, payload: bytes, *, sent: bool = False, t_ns: int | None = None
    ) -> int:
        if t_ns is None:
            t_ns = self._clock.now_ns()
        if channel == SERIAL_NUMBER:
            self.identity.told_serial(payload)
        self._outgoing.put(
            Frame(t_ns=t_ns, source=self.source, channel=channel, payload=payload, sent=sent)
        )
        return t_ns

    def _change(self, state: BleState, trouble: BluetoothError | None) -> None:
        if self.state is BleState.CLOSED or (state is self.state and trouble is self.trouble):
            return
        self.state, self.trouble = state, trouble
        if self._on_change is not None:
            self._on_change(self)

    def _error(self, trouble: Trouble) -> BluetoothError:
        return BluetoothError(f"{self._label}: {trouble.value}.", trouble=trouble)


def _is_paired(sighting: Sighting) -> bool:
    details = sighting.device.details
    return bool(details.get("props", {}).get("Paired")) if isinstance(details, dict) else False
