"""One connection to one device: what is there, reading, subscribing, writing, letting go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError, BleakGATTProtocolError

from rowlog_drivers.transports.ble_calls import within
from rowlog_drivers.transports.ble_errors import BluetoothError, Trouble, explain, trouble_of
from rowlog_drivers.transports.ble_names import channel_of, uuid_of
from rowlog_drivers.transports.ble_radio import Radio, Sighting

CONNECT_S: Final = 15.0
"""How long connecting and finding the services may take. All limits here are seconds of life."""
SUBSCRIBE_S: Final = 5.0
AGAIN_S: Final = 2.0
"""The same for a device that has fallen silent: less is expected of it."""
READ_S: Final = 2.0
WRITE_S: Final = 5.0
CLOSE_S: Final = 1.5

_BATTERY: Final = "2a19"

SYSTEM_ERRORS: Final = (BleakError, OSError, EOFError, AssertionError, KeyError)
"""What bleak and D-Bus raise when the service, the bus or the device goes away under a call."""


class Link:
    """A connection, used once: whoever wants another makes another.

    Args:
        device: from a scan, or held by the system.
        label: what it is called in messages.
        heard: called with channel and payload of each notification of the latest subscription.
        services: only these are looked for; (): all.

    Attributes:
        down: set when the link is down, for whatever reason.
        trouble: why, once it is down.
        stale: how many notifications of an older subscription came and were ignored.
    """

    def __init__(
        self,
        device: BLEDevice,
        label: str,
        heard: Callable[[str, bytes], None],
        services: Iterable[str] = (),
    ) -> None:
        self.down = asyncio.Event()
        self.trouble = Trouble.LOST
        self.stale = 0
        self._label = label
        self._heard = heard
        self._generation = 0
        self._subscribed: list[tuple[str, BleakGATTCharacteristic]] = []
        self._replies: dict[str, asyncio.Event] = {}
        self._characteristics: dict[str, list[BleakGATTCharacteristic]] = {}
        self._services: tuple[str, ...] = ()
        only = [uuid_of(service) for service in services]
        self._client = BleakClient(device, lambda _: self.down.set(), only or None)

    @property
    def services(self) -> tuple[str, ...]:
        """The device's services by channel, sorted."""
        return self._services

    @property
    def channels(self) -> frozenset[str]:
        """The device's characteristics."""
        return frozenset(self._characteristics)

    async def connect(self) -> None:
        """Connect and find the services. Raises BluetoothError; the link is then closed."""
        try:
            await within(CONNECT_S, self._client.connect(), undo=self._client.disconnect)
            found = self._client.services
        except SYSTEM_ERRORS as error:
            await self.close()
            raise explain(error, self._label) from error
        except asyncio.CancelledError:
            self.fall(Trouble.LOST)
            raise
        self._services = tuple(sorted({channel_of(service.uuid) for service in found}))
        for service in found:
            for characteristic in service.characteristics:
                channel = channel_of(characteristic.uuid)
                self._characteristics.setdefault(channel, []).append(characteristic)

    def fall(self, trouble: Trouble) -> None:
        """Count the link as down from now on."""
        if not self.down.is_set():
            self.trouble = trouble
            self.down.set()
        self._generation += 1

    async def subscribe(
        self, channels: Iterable[str], needed: Iterable[str], seconds: float | None = None
    ) -> None:
        """Have the device send these channels, those that it has.

        Notifications of an earlier subscription count as stale from here on. Each may take
        `seconds` of life, SUBSCRIBE_S when None. Raises BluetoothError when one of `needed`
        cannot be had.
        """
        self._generation += 1
        self._subscribed.clear()
        required = frozenset(needed)
        limit_s = SUBSCRIBE_S if seconds is None else seconds
        for channel in channels:
            try:
                await within(limit_s, self._start(channel, self._generation))
            except SYSTEM_ERRORS as error:
                refused = isinstance(error, BleakGATTProtocolError) or (
                    trouble_of(error) is Trouble.REFUSED
                )
                if channel in required or not refused:
                    raise explain(error, self._label) from error

    async def subscribe_again(self, channels: Iterable[str], needed: Iterable[str]) -> None:
        """Write the subscriptions once more, for a device that fell silent.

        Raises BluetoothError.
        """
        for channel, characteristic in tuple(self._subscribed):
            try:
                await within(AGAIN_S, self._client.stop_notify(characteristic))
            except TimeoutError as error:
                raise explain(error, self._label) from error
            except SYSTEM_ERRORS as error:
                if trouble_of(error) in (Trouble.NO_SERVICE, Trouble.NO_BUS, Trouble.LOST):
                    raise explain(error, f"{self._label}, {channel}") from error
        await self.subscribe(channels, needed, AGAIN_S)

    async def read(self, channel: str) -> bytes:
        """The value of a characteristic. Raises BluetoothError."""
        try:
            characteristic = self._characteristics[channel][0]
            return bytes(await within(READ_S, self._client.read_gatt_char(characteristic)))
        except SYSTEM_ERRORS as error:
            raise explain(error, self._label) from error

    async def probe(self, preferred: Iterable[str]) -> tuple[str, bytes] | None:
        """Read something, to see whether the device is still there: channel and value.

        None when it has nothing that can be read. Raises BluetoothError when no answer comes;
        an answer that refuses is one.
        """
        readable = [
            channel
            for channel, characteristics in self._characteristics.items()
            if "read" in characteristics[0].properties
        ]
        wanted = (_BATTERY, *preferred, *readable)
        channel = next((channel for channel in wanted if channel in readable), None)
        if channel is None:
            return None
        try:
            return channel, await self.read(channel)
        except BluetoothError as error:
            if error.trouble is Trouble.REFUSED:
                return None
            raise

    async def write(self, channel: str, payload: bytes) -> None:
        """Write a characteristic. Raises BluetoothError."""
        characteristics = self._characteristics.get(channel)
        if not characteristics:
            what = f"{self._label} has no {channel} to write to."
            raise BluetoothError(what, trouble=Trouble.MISSING)
        answered = "write" in characteristics[0].properties
        try:
            await within(
                WRITE_S,
                self._client.write_gatt_char(characteristics[0], payload, response=answered),
            )
        except SYSTEM_ERRORS as error:
            raise explain(error, self._label) from error

    def reply_on(self, channel: str) -> asyncio.Event:
        """Set when the next notification comes on this channel."""
        return self._replies.setdefault(channel, asyncio.Event())

    async def close(self) -> None:
        """Let go of the device, within 3 s even when the system hangs; never raises."""
        self.fall(Trouble.LOST)
        try:
            await within(CLOSE_S, self._client.disconnect())
        except SYSTEM_ERRORS:
            return  # bleak has dropped its side of the link by then, which is what matters here

    async def forget(self) -> None:
        """Have BlueZ drop what it keeps of the device, its list of services too; never raises."""
        try:
            await within(CLOSE_S, self._client.unpair())
        except (*SYSTEM_ERRORS, NotImplementedError):
            return

    async def _start(self, channel: str, generation: int) -> None:
        """Subscribe to the first characteristic of the channel that is really there.

        After a crash of bluetoothd bleak may list characteristics that have gone beside those
        that came in their place.
        """

        def heard(_: BleakGATTCharacteristic, payload: bytearray) -> None:
            if generation != self._generation:
                self.stale += 1
                return
            self._heard(channel, bytes(payload))
            reply = self._replies.pop(channel, None) if self._replies else None
            if reply is not None:
                reply.set()

        characteristics = self._characteristics.get(channel, [])
        for characteristic in characteristics:
            try:
                await self._client.start_notify(characteristic, heard)
            except BleakError as error:
                if characteristic is characteristics[-1] or trouble_of(error) is not Trouble.LOST:
                    raise
            else:
                self._subscribed.append((channel, characteristic))
                return


async def read_once(radio: Radio, sighting: Sighting, channel: str) -> bytes | None:
    """One value of a device that nobody records, over a link of its own that ends with it.

    None when it cannot be had.
    """
    link = Link(sighting.device, sighting.label, lambda *_: None)
    try:
        async with radio.connecting:
            await link.connect()
        return await link.read(channel) if channel in link.channels else None
    except BluetoothError:
        return None
    finally:
        await link.close()
