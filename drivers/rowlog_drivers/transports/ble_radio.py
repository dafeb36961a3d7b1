"""The adapter that all devices share: one scan for all, one connection attempt at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bleak import BleakAdapter, BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakError

from rowlog_drivers.transports.ble_calls import within
from rowlog_drivers.transports.ble_errors import explain
from rowlog_drivers.transports.ble_names import channel_of, printable, uuid_of

CALL_S: Final = 5.0
"""How long the system may take to start a scan, in seconds of life."""
STOP_S: Final = 1.5
"""How long it may take to stop one, in seconds of life."""

# The system is asked by service: those of rowers and straps, and those that nearly all have.
_HELD_SERVICES: Final = (
    *("1800", "1801", "1826", "180a", "180d", "180f"),
    *("ce060000", "ce060010", "ce060020", "ce060030"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A device as it was heard, or as the system holds it connected."""

    address: str
    """Bluetooth address in capitals; on macOS the system's own UUID for the device."""
    name: str | None
    """As it was sent: it may hold anything. `label` is what can be shown."""
    rssi_dbm: int | None
    """Signal strength, about -30 (near) to -100 (gone); None for a device held connected."""
    services: tuple[str, ...]
    """Channels of the advertised services, sorted: "1826", "180d", "ce060000"."""
    service_data: Mapping[str, bytes] = field(default_factory=lambda: MappingProxyType({}))
    """By service channel, without the UUID."""
    connected: bool = False
    """True for a device that the system holds connected, for whatever program."""
    device: BLEDevice = field(repr=False, compare=False)
    """What bleak needs for connecting."""

    @property
    def label(self) -> str:
        """Its name, fit for a terminal; the address when it has none."""
        return self.address if not self.name else printable(self.name)

    def answers_to(self, wanted: str) -> bool:
        """Whether `wanted` is its address, without regard to case, or its name."""
        return wanted.casefold() == self.address.casefold() or wanted == self.name


class Radio:
    """One Bluetooth adapter and what all devices on it share; one per event loop.

    Args:
        adapter: its name where there are several ("hci1", Linux only); None: the system's first.
    """

    def __init__(self, adapter: str | None = None) -> None:
        self.connecting = asyncio.Lock()
        """Held while a device is being connected: adapters do one at a time."""
        self._adapter = adapter
        self._scanner: BleakScanner | None = None
        self._searchers = 0
        self._scan_lock = asyncio.Lock()
        self._suspect = False
        self._listeners: set[Callable[[Sighting], None]] = set()

    async def check(self) -> None:
        """Raises BluetoothError, saying what to do, when Bluetooth cannot be used at all."""
        await self.held()

    async def held(self, services: Iterable[str] = ()) -> list[Sighting]:
        """The devices that the system holds connected, which no scan finds.

        A recorder that was killed leaves its devices like that. `services` are looked for beside
        the usual ones. Raises BluetoothError.
        """
        uuids = [uuid_of(channel) for channel in (*_HELD_SERVICES, *services)]
        try:
            devices = await within(CALL_S, self._held(uuids))
        except NotImplementedError:
            return []
        except (BleakError, OSError, EOFError) as error:
            raise explain(error) from error
        return [_held_sighting(device) for device in devices]

    async def sightings(
        self,
        seconds: float,
        *,
        enough: Callable[[Mapping[str, Sighting]], bool] | None = None,
        held: bool = True,
    ) -> AsyncGenerator[Sighting, None]:
        """What is there, first what the system holds connected, then what is heard.

        A device comes again whenever it is heard again. All searches at a time share one scan,
        which filters nothing: some machines name their service in the service data only. Ends
        after `seconds` of life, or when `enough` is true of all devices so far, by address; who
        leaves earlier closes it (`contextlib.aclosing`), since the scan runs as long as it lives.
        Raises BluetoothError.
        """
        found: dict[str, Sighting] = {}
        if held:
            for sighting in await self.held():
                found[sighting.address] = sighting
                yield sighting
        if enough is not None and enough(found):
            return
        heard: asyncio.Queue[Sighting] = asyncio.Queue()
        deadline = asyncio.get_running_loop().time() + seconds
        async with self._scanning():
            with self._listening(heard.put_nowait):
                while True:
                    try:
                        async with asyncio.timeout_at(deadline):
                            sighting = await heard.get()
                    except TimeoutError:
                        return
                    found[sighting.address] = sighting
                    yield sighting
                    if enough is not None and enough(found):
                        return

    async def find(
        self, match: Callable[[Sighting], bool], seconds: float, *, held: bool = True
    ) -> Sighting | None:
        """The first device that matches; None when none came within `seconds` of life.

        Raises BluetoothError.
        """
        heard = False
        async with aclosing(self.sightings(seconds, held=held)) as search:
            async for sighting in search:
                if match(sighting):
                    return sighting
                heard = heard or not sighting.connected
        # A scan that outlived bluetoothd hears nothing for ever and says nothing of it.
        self._suspect = self._suspect or not heard
        return None

    async def close(self) -> None:
        """Stop a scan that still runs."""
        async with self._scan_lock:
            await self._stop()

    async def _held(self, uuids: list[str]) -> list[BLEDevice]:
        bluez = {} if self._adapter is None else {"adapter": self._adapter}
        adapter = await BleakAdapter.get(bluez=bluez)  # type: ignore[arg-type]
        return await adapter.get_connected_devices(uuids)

    @asynccontextmanager
    async def _scanning(self) -> AsyncIterator[None]:
        async with self._scan_lock:
            if self._suspect and self._scanner is not None:
                await self._stop()
            if self._scanner is None:
                await self._start()
            self._searchers += 1
        try:
            yield
        finally:
            self._searchers -= 1
            if not self._searchers:
                async with self._scan_lock:
                    if not self._searchers:
                        await self._stop()

    @contextmanager
    def _listening(self, listener: Callable[[Sighting], None]) -> Iterator[None]:
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

    async def _start(self) -> None:
        self._suspect = False
        bluez = {} if self._adapter is None else {"adapter": self._adapter}
        scanner = BleakScanner(self._detected, bluez=bluez)  # type: ignore[arg-type]
        try:
            await within(CALL_S, scanner.start())
        except (BleakError, OSError, EOFError) as error:
            raise explain(error) from error
        self._scanner = scanner

    async def _stop(self) -> None:
        scanner, self._scanner = self._scanner, None
        if scanner is None:
            return
        try:
            await within(STOP_S, scanner.stop())
        except (BleakError, OSError, EOFError):
            return  # a scan that cannot be stopped ended with its adapter, service or bus

    def _detected(self, device: BLEDevice, heard: AdvertisementData) -> None:
        sighting = Sighting(
            address=device.address,
            name=heard.local_name or device.name,
            rssi_dbm=heard.rssi,
            services=tuple(sorted({channel_of(uuid) for uuid in heard.service_uuids})),
            service_data=MappingProxyType(
                {channel_of(uuid): value for uuid, value in heard.service_data.items()}
            ),
            device=device,
        )
        for listener in tuple(self._listeners):
            listener(sighting)


def _held_sighting(device: BLEDevice) -> Sighting:
    # BlueZ keeps the service list of a device here; other systems keep something else.
    properties = device.details.get("props", {}) if isinstance(device.details, dict) else {}
    return Sighting(
        address=device.address,
        name=device.name,
        rssi_dbm=None,
        services=tuple(sorted({channel_of(uuid) for uuid in properties.get("UUIDs", ())})),
        connected=True,
        device=device,
    )
