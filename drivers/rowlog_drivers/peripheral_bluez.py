"""Linux only: a peripheral through BlueZ's GATT server and advertising manager, over D-Bus.

Interfaces as in BlueZ's D-Bus documentation: org.bluez.GattManager, .GattService,
.GattCharacteristic, .LEAdvertisingManager, .LEAdvertisement. BlueZ tells who reads and writes,
but of subscriptions only that there are some: a notification reaches all who subscribed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from dbus_fast import AuthError, BusType, InvalidAddressError, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from rowlog_drivers.peripheral import (
    Hindrance,
    Peripheral,
    PeripheralError,
    RefusedWriteError,
)
from rowlog_drivers.peripheral_offer import Notice
from rowlog_drivers.transports.ble_errors import Trouble, advice, is_blocked
from rowlog_drivers.transports.ble_names import uuid_of

BLUEZ: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"
DEVICE: Final = "org.bluez.Device1"
GATT_MANAGER: Final = "org.bluez.GattManager1"
ADVERTISING_MANAGER: Final = "org.bluez.LEAdvertisingManager1"
SERVICE: Final = "org.bluez.GattService1"
CHARACTERISTIC: Final = "org.bluez.GattCharacteristic1"
ADVERTISEMENT: Final = "org.bluez.LEAdvertisement1"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"

ROOT: Final = "/rowlog"
ADVERTISEMENT_PATH: Final = "/rowlog/advertisement"

ANSWER_S: Final = 10.0
"""How long BlueZ may take to answer, in seconds of life."""
GOODBYE_S: Final = 2.0
"""The same when nothing more is wanted of it."""

_MATCHES: Final = (
    "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez'",
    "type='signal',sender='org.bluez',interface='org.freedesktop.DBus.Properties',"
    "member='PropertiesChanged',arg0='org.bluez.Device1'",
)

_HINDRANCES: Final[Mapping[str, Hindrance]] = {
    "org.freedesktop.DBus.Error.ServiceUnknown": Hindrance.NO_SERVICE,
    "org.freedesktop.DBus.Error.NameHasNoOwner": Hindrance.NO_SERVICE,
    "org.freedesktop.DBus.Error.AccessDenied": Hindrance.NO_PERMISSION,
    "org.freedesktop.DBus.Error.UnknownMethod": Hindrance.NO_PERIPHERAL,
    "org.freedesktop.DBus.Error.UnknownInterface": Hindrance.NO_PERIPHERAL,
    "org.freedesktop.DBus.Error.UnknownObject": Hindrance.NO_ADAPTER,
    "org.freedesktop.DBus.Error.NoReply": Hindrance.NO_ANSWER,
    "org.bluez.Error.NotReady": Hindrance.OFF,
    "org.bluez.Error.NotAuthorized": Hindrance.NO_PERMISSION,
    "org.bluez.Error.NotPermitted": Hindrance.FULL,
}

_NEXT_STEPS: Final[Mapping[Hindrance, str]] = {
    Hindrance.NO_BUS: advice(Trouble.NO_BUS),
    Hindrance.NO_SERVICE: advice(Trouble.NO_SERVICE),
    Hindrance.SERVICE_LOST: "Start both again: sudo systemctl start bluetooth, then rowlog.",
    Hindrance.NO_PERMISSION: advice(Trouble.NO_PERMISSION),
    Hindrance.NO_ADAPTER: advice(Trouble.NO_ADAPTER),
    Hindrance.OFF: advice(Trouble.ADAPTER_OFF),
    Hindrance.BLOCKED: advice(Trouble.BLOCKED),
    Hindrance.NO_PERIPHERAL: "Use another adapter, 4.0 or newer: --adapter hci1",
    Hindrance.FULL: "End another program that advertises, or restart the Bluetooth service.",
    Hindrance.NO_ANSWER: "Restart the Bluetooth service: sudo systemctl restart bluetooth",
    Hindrance.RELEASED: "Check that the adapter is plugged in, then start again.",
    Hindrance.REFUSED: "Look into its log: journalctl -u bluetooth",
}

_REFUSALS: Final = {
    "not_configured": "org.bluez.Error.ImproperlyConfigured",
    "length": "org.bluez.Error.InvalidValueLength",
}

Interfaces = dict[str, dict[str, Variant]]


class BluezAir:
    """The peripheral's side of BlueZ; opened once."""

    def __init__(self, peripheral: Peripheral, adapter: str | None) -> None:
        """`adapter` as in "hci0"; None: the first that can be a peripheral."""
        self._peripheral = peripheral
        self._wanted = adapter
        self._adapter_path = ""
        self._bus: MessageBus | None = None
        self._objects, self._uuids = _objects(peripheral)
        self._paths = {uuid: path for path, uuid in self._uuids.items()}
        self._centrals: set[str] = set()
        self._advertises = self._offers = False
        self._watch: asyncio.Task[None] | None = None
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Fails with PeripheralError when the peripheral is not on the air any more."""

    @property
    def adapter(self) -> str:
        """The adapter's name, "hci0"; "" before it is open."""
        return self._adapter_path.rpartition("/")[2]

    async def open(self) -> None:
        """Register services and advertisement. Raises PeripheralError."""
        bus = await self._connect()
        for rule in _MATCHES:
            await self._ask("org.freedesktop.DBus", "/org/freedesktop/DBus", "AddMatch", "s", rule)
        bus.add_message_handler(self._handle)
        self._watch = asyncio.create_task(self._watch_bus(bus))
        managed = await self._ask(BLUEZ, "/", "GetManagedObjects")
        self._adapter_path = self._choose(managed.body[0])
        # What was asked for is taken back also when the answer was not waited for.
        self._offers = True
        try:
            await self._register(GATT_MANAGER, "RegisterApplication", ROOT)
        except PeripheralError:
            self._offers = False
            raise
        await self._advertise()

    async def close(self) -> None:
        """Take everything off the air; safe to call twice, and without a working BlueZ."""
        with suppress(PeripheralError):
            await self._hide()
        if self._offers:
            self._offers = False
            with suppress(PeripheralError):
                await self._unregister(GATT_MANAGER, "UnregisterApplication", ROOT)
        self.gone.cancel()
        if not self.gone.cancelled():
            self.gone.exception()
        if self._bus is not None:
            self._bus.disconnect()
            if self._watch is not None:
                await asyncio.wait({self._watch}, timeout=GOODBYE_S)
            self._bus = None

    def send(self, notice: Notice) -> None:
        """Notify, or indicate, all who subscribed."""
        changed = {"Value": Variant("ay", notice.payload)}
        self._post(
            Message.new_signal(
                self._paths[notice.uuid],
                PROPERTIES,
                "PropertiesChanged",
                "sa{sv}as",
                [CHARACTERISTIC, changed, []],
            )
        )

    async def lose(self) -> None:
        """Advertise no more, and disconnect everybody who read or wrote something here."""
        with suppress(PeripheralError):
            await self._hide()
        for central in sorted(self._centrals):
            with suppress(PeripheralError):
                await self._ask(BLUEZ, central, "Disconnect", interface=DEVICE, limit_s=GOODBYE_S)
        self._centrals.clear()

    async def regain(self) -> None:
        """Advertise again. Raises PeripheralError."""
        if not self._advertises:
            await self._advertise()

    # ------------------------------------------------------------------------ getting there

    async def _connect(self) -> MessageBus:
        bus: MessageBus | None = None
        try:
            bus = MessageBus(bus_type=BusType.SYSTEM)
            await bus.connect()
        except (AuthError, PermissionError) as error:
            if bus is not None and isinstance(error, AuthError):
                bus.disconnect()  # its socket stands
            raise _error(Hindrance.NO_PERMISSION) from error
        except (OSError, EOFError, InvalidAddressError) as error:
            raise _error(Hindrance.NO_BUS) from error
        self._bus = bus
        return bus

    def _choose(self, managed: Mapping[str, Mapping[str, Mapping[str, Variant]]]) -> str:
        """The adapter's path. Raises PeripheralError when none will do."""
        adapters = {
            path.rpartition("/")[2]: path
            for path, interfaces in sorted(managed.items())
            if ADAPTER in interfaces
        }
        if self._wanted is not None and adapters and self._wanted not in adapters:
            raise PeripheralError(
                f"There is no Bluetooth adapter {self._wanted!r}.",
                f"There {'is' if len(adapters) == 1 else 'are'} {', '.join(adapters)}.",
                hindrance=Hindrance.NO_ADAPTER,
            )
        names = [self._wanted] if self._wanted in adapters else list(adapters)
        hindrances: list[tuple[Hindrance, str]] = []
        for name in names:
            interfaces = managed[adapters[name]]
            roles = interfaces[ADAPTER].get("Roles")
            if not {GATT_MANAGER, ADVERTISING_MANAGER} <= interfaces.keys() or (
                roles is not None and "peripheral" not in roles.value
            ):
                hindrances.append((Hindrance.NO_PERIPHERAL, name))
            elif not (powered := interfaces[ADAPTER].get("Powered")) or not powered.value:
                off = Hindrance.BLOCKED if is_blocked() else Hindrance.OFF
                hindrances.append((off, name))
            else:
                return adapters[name]
        # An adapter that is off is nearer to working than one that cannot.
        hindrances.sort(key=lambda one: one[0] is Hindrance.NO_PERIPHERAL)
        raise _error(*hindrances[0]) if hindrances else _error(Hindrance.NO_ADAPTER)

    async def _advertise(self) -> None:
        self._advertises = True
        try:
            await self._register(ADVERTISING_MANAGER, "RegisterAdvertisement", ADVERTISEMENT_PATH)
        except PeripheralError:
            self._advertises = False
            raise

    async def _hide(self) -> None:
        if self._advertises:
            self._advertises = False
            await self._unregister(
                ADVERTISING_MANAGER, "UnregisterAdvertisement", ADVERTISEMENT_PATH
            )

    async def _register(self, interface: str, member: str, path: str) -> None:
        await self._ask(BLUEZ, self._adapter_path, member, "oa{sv}", path, {}, interface=interface)

    async def _unregister(self, interface: str, member: str, path: str) -> None:
        await self._ask(
            BLUEZ,
            self._adapter_path,
            member,
            "o",
            path,
            interface=interface,
            limit_s=GOODBYE_S,
        )

    async def _ask(
        self,
        destination: str,
        path: str,
        member: str,
        signature: str = "",
        *body: Any,
        interface: str | None = None,
        limit_s: float | None = None,
    ) -> Message:
        """Call and give the answer. Raises PeripheralError for anything but a good one."""
        if interface is None:
            interface = destination if destination != BLUEZ else OBJECT_MANAGER
        message = Message(
            destination=destination,
            path=path,
            interface=interface,
            member=member,
            signature=signature,
            body=list(body),
        )
        if self._bus is None or not self._bus.connected:
            raise _error(Hindrance.NO_BUS)
        try:
            async with asyncio.timeout(ANSWER_S if limit_s is None else limit_s):
                reply = await self._bus.call(message)
        except TimeoutError as error:
            raise _error(Hindrance.NO_ANSWER) from error
        except (OSError, EOFError) as error:
            raise _error(Hindrance.NO_BUS) from error
        if reply is None:
            raise _error(Hindrance.NO_ANSWER)
        if reply.message_type is MessageType.ERROR:
            raise self._refusal(str(reply.error_name), reply.body)
        return reply

    def _refusal(self, name: str, body: list[Any]) -> PeripheralError:
        hindrance = _HINDRANCES.get(name, Hindrance.REFUSED)
        if name.startswith("org.freedesktop.DBus.Error.Spawn"):
            hindrance = Hindrance.NO_SERVICE
        elif hindrance is Hindrance.OFF and is_blocked():
            hindrance = Hindrance.BLOCKED
        text = " ".join([name, *map(str, body)]) if hindrance is Hindrance.REFUSED else ""
        return _error(hindrance, self.adapter, text)

    async def _watch_bus(self, bus: MessageBus) -> None:
        with suppress(OSError, EOFError):
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        self._fail(_error(Hindrance.NO_BUS))

    def _fail(self, error: PeripheralError) -> None:
        if not self.gone.done():
            self.gone.set_exception(error)

    # ----------------------------------------------------------------------- being asked

    def _handle(self, message: Message) -> Message | bool:
        if message.message_type is MessageType.SIGNAL:
            self._heard(message)
            return False
        path = str(message.path)
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        if path != ROOT and path not in self._objects:
            return False
        if message.member == "GetManagedObjects":
            listed = {
                path: interfaces
                for path, interfaces in self._objects.items()
                if path != ADVERTISEMENT_PATH
            }
            return Message.new_method_return(message, "a{oa{sa{sv}}}", [listed])
        if message.member in ("Get", "GetAll"):
            return self._properties(message, self._objects.get(path, {}))
        if message.member == "Release" and path == ADVERTISEMENT_PATH:
            self._advertises = False
            self._fail(_error(Hindrance.RELEASED, self.adapter))
            return Message.new_method_return(message)
        if path in self._uuids:
            return self._characteristic(message, self._uuids[path])
        return _unknown(message)

    def _heard(self, message: Message) -> None:
        if message.member == "NameOwnerChanged" and message.body[0] == BLUEZ and message.body[1]:
            self._advertises = self._offers = False
            self._fail(_error(Hindrance.SERVICE_LOST))
        elif message.member == "PropertiesChanged" and message.body[0] == DEVICE:
            connected = message.body[1].get("Connected")
            if connected is not None and not connected.value:
                self._centrals.discard(str(message.path))
                self._peripheral.central_left(str(message.path))

    def _properties(self, message: Message, interfaces: Interfaces) -> Message:
        properties = interfaces.get(str(message.body[0]) if message.body else "")
        if properties is None:
            return _unknown(message, "org.freedesktop.DBus.Error.UnknownInterface")
        if message.member == "GetAll":
            return Message.new_method_return(message, "a{sv}", [properties])
        if len(message.body) < 2 or message.body[1] not in properties:
            return _unknown(message, "org.freedesktop.DBus.Error.UnknownProperty")
        return Message.new_method_return(message, "v", [properties[message.body[1]]])

    def _characteristic(self, message: Message, uuid: str) -> Message | bool:
        if message.member == "ReadValue":
            return self._read(message, uuid)
        if message.member == "WriteValue":
            return self._write(message, uuid)
        if message.member == "StartNotify":
            self._peripheral.subscribe(uuid)
        elif message.member == "StopNotify":
            self._peripheral.unsubscribe(uuid)
        elif message.member != "Confirm":
            return _unknown(message)
        return Message.new_method_return(message)

    def _read(self, message: Message, uuid: str) -> Message:
        options = message.body[0] if message.body else {}
        self._met(options)
        value = self._peripheral.read(uuid)
        if value is None or not self._flagged(message, "read"):
            return Message.new_error(message, "org.bluez.Error.NotPermitted", "not readable")
        offset = options["offset"].value if "offset" in options else 0
        if offset > len(value):
            return Message.new_error(message, "org.bluez.Error.InvalidOffset", "beyond the end")
        return Message.new_method_return(message, "ay", [value[offset:]])

    def _write(self, message: Message, uuid: str) -> Message | bool:
        if not self._flagged(message, "write"):
            return Message.new_error(message, "org.bluez.Error.NotPermitted", "not writable")
        payload, options = message.body
        central = self._met(options)
        try:
            notices = self._peripheral.write(bytes(payload), central, uuid)
        except RefusedWriteError as error:
            return Message.new_error(message, _REFUSALS[error.reason], error.what)
        # The response to the write comes before the indication that answers the request.
        self._post(Message.new_method_return(message))
        for notice in notices:
            self.send(notice)
        return True

    def _flagged(self, message: Message, flag: str) -> bool:
        flags = self._objects[str(message.path)][CHARACTERISTIC]["Flags"].value
        return flag in flags

    def _met(self, options: Mapping[str, Variant]) -> str:
        """Who reads or writes, by the path of its object; "" when BlueZ does not say."""
        central = str(options["device"].value) if "device" in options else ""
        if central:
            self._centrals.add(central)
        return central

    def _post(self, message: Message) -> None:
        if self._bus is not None and self._bus.connected:
            self._bus.send(message).add_done_callback(_forget)


def full_uuid(short: str) -> str:
    """The 128-bit form of a 16-bit UUID, or of one of a Concept2 monitor."""
    return uuid_of(short)


def _objects(peripheral: Peripheral) -> tuple[dict[str, Interfaces], dict[str, str]]:
    """The D-Bus objects by path, and the characteristics' UUIDs by path."""
    objects: dict[str, Interfaces] = {}
    uuids: dict[str, str] = {}
    for number, service in enumerate(peripheral.services):
        service_path = f"{ROOT}/service{number}"
        objects[service_path] = {
            SERVICE: {
                "UUID": Variant("s", full_uuid(service.uuid)),
                "Primary": Variant("b", True),
            }
        }
        for index, one in enumerate(service.characteristics):
            path = f"{service_path}/char{index}"
            uuids[path] = one.uuid
            objects[path] = {
                CHARACTERISTIC: {
                    "UUID": Variant("s", full_uuid(one.uuid)),
                    "Service": Variant("o", service_path),
                    "Flags": Variant("as", list(one.flags)),
                }
            }
    objects[ADVERTISEMENT_PATH] = {
        ADVERTISEMENT: {
            "Type": Variant("s", "peripheral"),
            "ServiceUUIDs": Variant(
                "as", [one if len(one) == 4 else full_uuid(one) for one in peripheral.advertised]
            ),
            "ServiceData": Variant(
                "a{sv}",
                {uuid: Variant("ay", data) for uuid, data in peripheral.service_data.items()},
            ),
            "LocalName": Variant("s", peripheral.name),
            "Discoverable": Variant("b", True),
        }
    }
    return objects, uuids


def _error(hindrance: Hindrance, adapter: str = "", text: str = "") -> PeripheralError:
    subject = f"Bluetooth ({adapter})" if adapter else "Bluetooth"
    detail = f" ({text[:200]})" if text else ""
    return PeripheralError(
        f"{subject}: {hindrance.value}{detail}.", _NEXT_STEPS[hindrance], hindrance=hindrance
    )


def _unknown(message: Message, name: str = "org.freedesktop.DBus.Error.UnknownMethod") -> Message:
    return Message.new_error(message, name, f"{message.member} on {message.path}")


def _forget(sent: asyncio.Future[Any]) -> None:
    """A message that could not be sent is told of by the bus's end."""
    if not sent.cancelled():
        sent.exception()
