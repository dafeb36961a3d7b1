"""A fake org.bluez for a peripheral: GATT manager, advertising manager, and who connects to it.

Method calls, signals and their order follow BlueZ's D-Bus documentation (org.bluez.GattManager,
.GattCharacteristic, .LEAdvertisingManager, .LEAdvertisement). As with the real one a
characteristic's notifications go to all who subscribed, and StartNotify comes for the first only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from dbus_fast import BusType, DBusError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from rowlog_drivers.transports.ble_names import channel_of, uuid_of
from tests.bluez.fake import ADAPTER, BLUEZ, CHARACTERISTIC, DEVICE, PROPERTIES, Daemon, Fail
from tests.bluez.fake import OBJECT_MANAGER as OBJECTS
from tests.bluez.fake import SERVICE as SERVICE
from tests.bluez.support import PATIENCE_S

GATT_MANAGER: Final = "org.bluez.GattManager1"
ADVERTISING_MANAGER: Final = "org.bluez.LEAdvertisingManager1"
ADVERTISEMENT: Final = "org.bluez.LEAdvertisement1"

PHONE: Final = "/org/bluez/hci0/dev_AA_00_00_00_00_01"
TABLET: Final = "/org/bluez/hci0/dev_AA_00_00_00_00_02"

Properties = dict[str, Any]


def adapter(
    *, powered: bool = True, managers: bool = True, roles: tuple[str, ...] | None = ("peripheral",)
) -> dict[str, dict[str, Variant]]:
    """An adapter's interfaces; `roles` None: a BlueZ that does not tell them."""
    properties = {"Powered": Variant("b", powered)}
    if roles is not None:
        properties["Roles"] = Variant("as", list(roles))
    interfaces: dict[str, dict[str, Variant]] = {ADAPTER: properties}
    if managers:
        interfaces |= {GATT_MANAGER: {}, ADVERTISING_MANAGER: {}}
    return interfaces


class FakeServer:
    """bluetoothd, and the centrals that connect through it."""

    def __init__(
        self, bus_address: str, adapters: dict[str, dict[str, dict[str, Variant]]]
    ) -> None:
        self._bus_address = bus_address
        self.adapters = adapters
        self.script: dict[str, Fail] = {}
        """What every call of a method is answered with instead."""
        self.calls: list[tuple[str, str]] = []
        """(path, method) of every call, in order."""
        self.owner: str | None = None
        """Who registered an application."""
        self.application: dict[str, dict[str, Properties]] = {}
        """Its objects, by path."""
        self.advertisement: Properties | None = None
        """What is advertised; None: nothing."""
        self.advertisement_path = ""
        self.heard: defaultdict[str, list[bytes]] = defaultdict(list)
        """Notifications and indications by 16-bit UUID, whoever they go to."""
        self.order: list[str] = []
        """What came and in which order: "response" to a call, or the UUID of a value."""
        self._bus: MessageBus | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    async def start(self) -> None:
        """Take the name org.bluez."""
        self._bus = await MessageBus(
            bus_address=self._bus_address, bus_type=BusType.SYSTEM
        ).connect()
        self._bus.add_message_handler(self._handle)
        rules = (
            f"type='signal',interface='{PROPERTIES}',member='PropertiesChanged'",
            "type='signal',member='NameOwnerChanged'",
        )
        for rule in rules:
            await self._ask("org.freedesktop.DBus", "/org/freedesktop/DBus", "AddMatch", "s", rule)
        await self._bus.request_name(BLUEZ)

    async def stop(self) -> None:
        """Be gone."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._bus is not None:
            self._bus.disconnect()
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
            self._bus = None

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition about the fake holds; raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def look(self) -> None:
        """Let those who wait look again."""
        self._changed.set()

    async def until_advertised(self) -> Properties:
        """Wait for the advertisement, which is registered last."""
        await self.until(lambda: self.advertisement is not None)
        assert self.advertisement is not None
        return self.advertisement

    async def until_heard(self, uuid: str, count: int) -> list[bytes]:
        """Wait until so many notifications of a characteristic have come; all that have."""
        await self.until(lambda: len(self.heard[uuid]) >= count)
        return self.heard[uuid]

    # ------------------------------------------------------------------- what centrals do

    def path_of(self, uuid: str) -> str:
        """The characteristic's object."""
        full = uuid_of(uuid)
        return next(
            path
            for path, interfaces in self.application.items()
            if interfaces.get(CHARACTERISTIC, {}).get("UUID") == full
        )

    async def read(self, uuid: str, offset: int = 0, central: str = PHONE) -> bytes:
        """Read a characteristic."""
        options = {"device": Variant("o", central), "offset": Variant("q", offset)}
        reply = await self._of_app(uuid, "ReadValue", "a{sv}", options)
        return bytes(reply.body[0])

    async def write(self, uuid: str, payload: bytes, central: str = PHONE) -> None:
        """Write a characteristic, with response."""
        options = {"device": Variant("o", central), "type": Variant("s", "request")}
        await self._of_app(uuid, "WriteValue", "aya{sv}", payload, options)

    async def subscribe(self, *uuids: str) -> None:
        """The first central subscribes to these."""
        await asyncio.gather(*(self._of_app(uuid, "StartNotify") for uuid in uuids))

    async def unsubscribe(self, *uuids: str) -> None:
        """The last central unsubscribes, or is gone."""
        for uuid in uuids:
            await self._of_app(uuid, "StopNotify")

    async def control(self, payload: bytes, central: str = PHONE) -> bytes:
        """Write to the control point and confirm the answer, which is returned."""
        count = len(self.heard["2ad9"])
        await self.write("2ad9", payload, central)
        answer = (await self.until_heard("2ad9", count + 1))[count]
        await self._of_app("2ad9", "Confirm")
        return answer

    async def leave(self, central: str) -> None:
        """A central's link is gone; others are still subscribed."""
        assert self._bus is not None
        changed = {"Connected": Variant("b", False)}
        await self._bus.send(
            Message.new_signal(
                central, PROPERTIES, "PropertiesChanged", "sa{sv}as", [DEVICE, changed, []]
            )
        )

    async def release(self) -> None:
        """End the advertisement, as BlueZ does when the adapter is pulled."""
        assert self.owner is not None
        await self._ask(self.owner, self.advertisement_path, "Release", interface=ADVERTISEMENT)

    # ------------------------------------------------------------------------------ inside

    async def _of_app(self, uuid: str, member: str, signature: str = "", *body: Any) -> Message:
        assert self.owner is not None
        path = self.path_of(uuid)
        return await self._ask(self.owner, path, member, signature, *body, interface=CHARACTERISTIC)

    async def _ask(
        self,
        destination: str,
        path: str,
        member: str,
        signature: str = "",
        *body: Any,
        interface: str | None = None,
    ) -> Message:
        assert self._bus is not None
        async with asyncio.timeout(PATIENCE_S):
            reply = await self._bus.call(
                Message(
                    destination=destination,
                    path=path,
                    interface=interface or destination,
                    member=member,
                    signature=signature,
                    body=list(body),
                )
            )
        assert reply is not None
        if reply.message_type is MessageType.ERROR:
            raise DBusError(str(reply.error_name), str(reply.body))
        return reply

    def _handle(self, message: Message) -> Message | bool:
        if message.message_type is MessageType.SIGNAL:
            self._signalled(message)
            return False
        if message.message_type is MessageType.METHOD_RETURN and message.sender == self.owner:
            self.order.append("response")
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        path, member = str(message.path), str(message.member)
        self.calls.append((path, member))
        self._changed.set()
        if member in self.script:
            fail = self.script[member]
            return fail.name == "hang" or Message.new_error(message, fail.name, fail.text)
        if member == "GetManagedObjects":
            managed = {f"/org/bluez/{name}": one for name, one in self.adapters.items()}
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [managed])
        if member in ("RegisterApplication", "RegisterAdvertisement"):
            task = asyncio.ensure_future(self._register(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return True
        if member == "UnregisterApplication":
            self.application = {}
        elif member == "UnregisterAdvertisement":
            self.advertisement = None
        return Message.new_method_return(message)

    async def _register(self, message: Message) -> None:
        """Look at what is registered before answering, as BlueZ does."""
        assert self._bus is not None
        sender, path = str(message.sender), str(message.body[0])
        self.owner = sender
        if message.member == "RegisterApplication":
            reply = await self._ask(sender, path, "GetManagedObjects", interface=OBJECTS)
            self.application = {
                path: {name: _plain(one) for name, one in interfaces.items()}
                for path, interfaces in reply.body[0].items()
            }
        else:
            reply = await self._ask(
                sender, path, "GetAll", "s", ADVERTISEMENT, interface=PROPERTIES
            )
            self.advertisement, self.advertisement_path = _plain(reply.body[0]), path
        await self._bus.send(Message.new_method_return(message))
        self._changed.set()

    def _signalled(self, message: Message) -> None:
        if message.member == "PropertiesChanged" and message.body[0] == CHARACTERISTIC:
            uuid = channel_of(self.application[str(message.path)][CHARACTERISTIC]["UUID"])
            self.heard[uuid].append(bytes(message.body[1]["Value"].value))
            self.order.append(uuid)
        elif message.member == "NameOwnerChanged" and message.body[0] == self.owner:
            self.owner = None
        self._changed.set()


def _plain(value: Any) -> Any:
    """Without the variants round values."""
    if isinstance(value, Variant):
        return _plain(value.value)
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return value


@contextlib.asynccontextmanager
async def serving_bluez(
    daemon: Daemon, adapters: dict[str, dict[str, dict[str, Variant]]] | None = None
) -> AsyncIterator[FakeServer]:
    """A running fake, with one able adapter unless said otherwise."""
    server = FakeServer(daemon.address, {"hci0": adapter()} if adapters is None else adapters)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        # A bus that was disconnected closes its socket in the loop's next turn.
        for _ in range(3):
            await asyncio.sleep(0)
