"""The adapter that all devices share: one scan for all, one connection attempt at a time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bleak import BleakAdapter, BleakScanner
from bleak.args.bluez import BlueZAdapterArgs, BlueZScannerArgs
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback
from bleak.exc import BleakError

from rowlog_drivers.transports.ble_bluez import Watch, watch_service
from rowlog_drivers.transports.ble_calls import within
from rowlog_drivers.transports.ble_errors import explain
from rowlog_drivers.transports.ble_names import channel_of, printable, uuid_of

CALL_S: Final = 5.0
"""How long the system may take to start a scan, in seconds of life."""
STOP_S: Final = 1.5
"""How long it may take to stop one, in seconds of life."""

_ERRORS: Final = (BleakError, OSError, EOFError, AssertionError, KeyError, ImportError)
"""What bleak and D-Bus raise when the service, the bus or the adapter goes away under a call, and
what comes of a system that bleak does not run on."""

# The system is asked by service: those of rowers and straps, and those that nearly all have.
_HELD_SERVICES: Final = (
    *("1800", "1801", "1826", "180a", "180d", "180f"),
    *("ce060000", "ce060010", "ce060020", "ce060030"),
)

# A bus that dies is told to the user as such; dbus-fast would write its traceback to the screen.
logging.getLogger("dbus_fast").addHandler(logging.NullHandler())


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
        self._scan: _Scan | None = None
        self._suspect = False
        self._listeners: set[Callable[[Sighting], None]] = set()
        self._watch: Watch | None = None
        self._watch_lock = asyncio.Lock()
        self._watchers: set[Callable[[], None]] = set()

    async def check(self) -> None:
        """Raises BluetoothError, saying what to do, when Bluetooth cannot be used at all."""
        try:
            await within(CALL_S, self._held([uuid_of(channel) for channel in _HELD_SERVICES]))
        except NotImplementedError:
            # Where nobody tells what is connected, a scan that begins shows that all is there.
            async with self._scanning():
                return
        except _ERRORS as error:
            raise explain(error) from error

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
        except _ERRORS as error:
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

    async def watch_service(self, lost: Callable[[], None]) -> None:
        """Call `lost` whenever the system's Bluetooth service goes away, until told otherwise.

        Costs nothing when called again. Where it cannot be watched, nothing is called.
        """
        self._watchers.add(lost)
        async with self._watch_lock:
            if self._watch is not None and self._watch.alive:
                return
            try:
                self._watch = await within(CALL_S, watch_service(self._service_lost))
            except (OSError, EOFError):
                self._watch = None

    async def unwatch_service(self, lost: Callable[[], None]) -> None:
        """Call `lost` no longer."""
        self._watchers.discard(lost)
        if not self._watchers and self._watch is not None:
            watch, self._watch = self._watch, None
            with suppress(TimeoutError):
                await within(STOP_S, watch.close())

    def _service_lost(self) -> None:
        self._suspect = True
        for lost in tuple(self._watchers):
            lost()

    async def _held(self, uuids: list[str]) -> list[BLEDevice]:
        bluez: BlueZAdapterArgs = {} if self._adapter is None else {"adapter": self._adapter}
        adapter = await BleakAdapter.get(bluez=bluez)
        return await adapter.get_connected_devices(uuids)

    @asynccontextmanager
    async def _scanning(self) -> AsyncIterator[None]:
        scan = self._scan
        if scan is None or scan.ending or self._suspect:
            self._suspect = False
            scan = self._scan = _Scan(self._detected, self._adapter, after=scan)
        scan.searchers += 1
        try:
            await asyncio.shield(scan.started)
            yield
        finally:
            scan.searchers -= 1
            if not scan.searchers:
                await scan.end()

    @contextmanager
    def _listening(self, listener: Callable[[Sighting], None]) -> Iterator[None]:
        self._listeners.add(listener)
        try:
            yield
        finally:
            self._listeners.discard(listener)

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


class _Scan:
    """A scan in a task of its own, so that no search that is given up leaves it half started."""

    def __init__(
        self, detected: AdvertisementDataCallback, adapter: str | None, after: _Scan | None
    ) -> None:
        self.searchers = 0
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unused = asyncio.Event()
        self.task = asyncio.create_task(self._run(detected, adapter, after))

    @property
    def ending(self) -> bool:
        """Whether it is of no use to another search."""
        return self._unused.is_set() or self.task.done()

    async def end(self) -> None:
        """Stop it, without waiting for a system that hangs."""
        self._unused.set()
        await asyncio.wait({self.task}, timeout=STOP_S)

    async def _run(
        self, detected: AdvertisementDataCallback, adapter: str | None, after: _Scan | None
    ) -> None:
        if after is not None:
            after._unused.set()
            await asyncio.wait({after.task})
        bluez: BlueZScannerArgs = {} if adapter is None else {"adapter": adapter}
        scanner = BleakScanner(detected, bluez=bluez)
        try:
            await within(CALL_S, scanner.start())
        except _ERRORS as error:
            self.started.set_exception(explain(error))
            self.started.exception()  # whoever waited may have gone
            return
        self.started.set_result(None)
        await self._unused.wait()
        # A scan that cannot be stopped ended with its adapter, service or bus.
        with suppress(*_ERRORS):
            await within(STOP_S, scanner.stop())


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
