"""A fake org.bluez on a private dbus-daemon, for the real bleak to talk to.

Only the stack below bleak is acted: the daemon, the D-Bus traffic and bleak's BlueZ backend are
the real ones. Interfaces and signals follow BlueZ's D-Bus documentation (org.bluez.Adapter,
.Device, .GattService, .GattCharacteristic) and what BlueZ 5.66 and 5.82 were seen to do.
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import subprocess
import tempfile
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from bleak.backends.bluezdbus.manager import _global_instances
from dbus_fast import BusType, Message, MessageType, Variant
from dbus_fast.aio import MessageBus

BLUEZ: Final = "org.bluez"
ADAPTER: Final = "org.bluez.Adapter1"
DEVICE: Final = "org.bluez.Device1"
SERVICE: Final = "org.bluez.GattService1"
CHARACTERISTIC: Final = "org.bluez.GattCharacteristic1"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER: Final = "org.freedesktop.DBus.ObjectManager"
ADAPTER_PATH: Final = "/org/bluez/hci0"
ADVERTISING_S: Final = 0.02
"""How often a machine that advertises is heard while a scan runs."""

_DAEMON: Final = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=%s</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""


def uuid_of(short: str) -> str:
    """The full form of a 16-bit UUID; anything longer is full already."""
    return f"0000{short}-0000-1000-8000-00805f9b34fb" if len(short) == 4 else short


class Daemon:
    """A dbus-daemon of our own in a folder of its own; nothing of the host's bus is touched."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="rowlog-dbus-")
        config = Path(self._folder.name, "bus.conf")
        config.write_text(_DAEMON % Path(self._folder.name, "bus"))
        self._process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        output = self._process.stdout
        self.address = "" if output is None else output.readline().strip()

    def kill(self) -> None:
        """End it at once; safe to call twice."""
        self._process.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._folder.cleanup()


@dataclass(frozen=True, slots=True)
class Fail:
    """Answer a call with this D-Bus error."""

    name: str
    text: str = ""


HANG: Final = Fail("hang")
"""Never answer the call."""
ABORT: Final = Fail("org.bluez.Error.Failed", "le-connection-abort-by-local")
"""What Connect answers when the link was lost while it came up."""
IN_PROGRESS: Final = Fail("org.bluez.Error.InProgress", "Operation already in progress")
NOT_READY: Final = Fail("org.bluez.Error.NotReady", "Resource Not Ready")


@dataclass(slots=True)
class Characteristic:
    """One characteristic of a machine."""

    uuid: str
    """16-bit or full."""
    flags: tuple[str, ...] = ("notify",)
    value: bytes = b""
    subscribers: set[str] = field(default_factory=set)
    """D-Bus names of those who called StartNotify."""
    starts: int = 0
    """How often StartNotify was called."""


@dataclass(slots=True, eq=False)
class Machine:
    """A peripheral: what it advertises, its services, and how it takes calls.

    `script` maps a method ("Connect", "StartNotify", ...) to what the next calls of it meet:
    None for the usual answer, or a Fail. When it runs out, calls are answered as usual.
    """

    address: str
    name: str | None
    services: dict[str, list[Characteristic]]
    advertised: tuple[str, ...] = ()
    """Service UUIDs in the advertisement."""
    service_data: Mapping[str, bytes] = field(default_factory=dict)
    rssi_dbm: int = -60
    address_type: Literal["random", "public"] = "random"
    in_reach: bool = True
    """Whether it can be heard and connected to."""
    silent: bool = False
    """Whether nothing gets through although the link stands: a link dead unnoticed."""
    connected: bool = False
    known: bool = False
    """Whether the daemon has an object for it."""
    resolved: bool = True
    """False: on the next connection ServicesResolved comes, but not the services."""
    connects: int = 0
    reads: list[str] = field(default_factory=list)
    """Channels that were read, in order."""
    writes: list[tuple[str, bytes]] = field(default_factory=list)
    script: defaultdict[str, deque[Fail | None]] = field(default_factory=lambda: defaultdict(deque))
    on_write: Callable[[str, bytes], None] | None = None

    @property
    def path(self) -> str:
        return f"{ADAPTER_PATH}/dev_{self.address.replace(':', '_')}"

    def characteristic(self, uuid: str) -> Characteristic:
        """The first characteristic of this UUID; raises KeyError when there is none."""
        for characteristics in self.services.values():
            for characteristic in characteristics:
                if characteristic.uuid == uuid:
                    return characteristic
        raise KeyError(uuid)


class FakeBluez:
    """bluetoothd with one adapter and the machines that were put into its reach."""

    def __init__(self, bus_address: str, machines: Iterable[Machine] = ()) -> None:
        self.bus_address = bus_address
        self.machines = list(machines)
        self.has_adapter = True
        self.powered = True
        self.script: defaultdict[str, deque[Fail | None]] = defaultdict(deque)
        """As that of a machine, for calls to the adapter."""
        self.slots: int | None = None
        """How many links the adapter can hold; None: any number."""
        self.scanners: set[str] = set()
        """D-Bus names of those who are scanning."""
        self.scans = 0
        self.refused_scans = 0
        """How often a program asked for a second scan beside its first."""
        self.filters: list[dict[str, Any]] = []
        """What SetDiscoveryFilter was called with."""
        self.calls: list[tuple[str, str]] = []
        """(path, method) of every call, in order."""
        self._bus: MessageBus | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._outgoing: asyncio.Queue[Message] = asyncio.Queue()

    # ------------------------------------------------------------------- what a test does

    async def start(self) -> None:
        """Take the name org.bluez, as bluetoothd does when it starts."""
        bus = MessageBus(bus_address=self.bus_address, bus_type=BusType.SYSTEM)
        self._bus = await bus.connect()
        self._outgoing = asyncio.Queue()
        self._keep(self._write(bus, self._outgoing))
        bus.add_message_handler(self._handle)
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=["type='signal',member='NameOwnerChanged'"],
            )
        )
        await bus.request_name(BLUEZ)
        if self.has_adapter:
            self._added(ADAPTER_PATH, {ADAPTER: self._adapter_properties()})
        self._keep(self._advertise())

    async def kill(self) -> None:
        """Be gone at once, without a word, as a bluetoothd that was killed; links fall."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._bus is not None:
            self._bus.disconnect()
            self._bus = None
        self.scanners.clear()
        for machine in self.machines:
            machine.connected = machine.known = False
            self._forget_subscribers(machine)

    async def restart(self) -> None:
        """Killed and started again."""
        await self.kill()
        await self.start()

    def drop(self, machine: Machine) -> None:
        """The link to the machine falls, and BlueZ notices."""
        if machine.connected:
            self._disconnected(machine)

    def leave(self, machine: Machine) -> None:
        """The machine goes out of reach; its link falls."""
        machine.in_reach = False
        self.drop(machine)

    def power(self, on: bool) -> None:
        """Switch the adapter off or on; its links fall."""
        self.powered = on
        if not on:
            for machine in self.machines:
                self.drop(machine)
            self.scanners.clear()
        self._properties_changed(
            ADAPTER_PATH, ADAPTER, {"Powered": Variant("b", on), "Discovering": Variant("b", False)}
        )

    def pull(self) -> None:
        """The adapter is pulled out."""
        for machine in self.machines:
            self.drop(machine)
            if machine.known:
                machine.known = False
                self._removed(machine.path, [DEVICE])
        self.has_adapter = False
        self.scanners.clear()
        self._removed(ADAPTER_PATH, [ADAPTER])

    def plug(self) -> None:
        """The adapter is put back."""
        self.has_adapter = True
        self._added(ADAPTER_PATH, {ADAPTER: self._adapter_properties()})

    def forget(self, machine: Machine) -> None:
        """The machine's object vanishes while it is connected, without Connected = false."""
        for path, interface in self._gatt_paths(machine):
            self._removed(path, [interface])
        self._forget_subscribers(machine)
        machine.connected = machine.known = False
        self._removed(machine.path, [DEVICE])

    def hold(self, machine: Machine) -> None:
        """Let the machine be connected already, as a program that died leaves it."""
        machine.known = machine.connected = True

    def notify(self, machine: Machine, uuid: str, payload: bytes) -> bool:
        """The machine sends; whether anybody had subscribed and the link was alive."""
        if not machine.connected or machine.silent:
            return False
        for number, characteristics in enumerate(machine.services.values()):
            for index, characteristic in enumerate(characteristics):
                if characteristic.uuid == uuid and characteristic.subscribers:
                    path = _characteristic_path(machine, number, index)
                    self._value(path, payload)
                    return True
        return False

    async def until(self, condition: Callable[[], bool], seconds: float = 10.0) -> None:
        """Wait until a condition about the fake holds; raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_subscribed(self, machine: Machine, uuid: str) -> None:
        """Wait until somebody has subscribed to the characteristic."""
        await self.until(lambda: bool(machine.characteristic(uuid).subscribers))

    # --------------------------------------------------------------------------- calls

    def _handle(self, message: Message) -> Message | bool:
        if message.message_type is MessageType.SIGNAL:
            if message.member == "NameOwnerChanged" and not message.body[2]:
                self._client_gone(message.body[0])
            return False
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        path, member = str(message.path), str(message.member)
        self.calls.append((path, member))
        self._changed.set()
        machine = self._machine(path)
        script = self.script if machine is None else machine.script
        answer = script[member].popleft() if script[member] else None
        if answer is HANG:
            return True
        if answer is not None and answer is not ABORT:
            return Message.new_error(message, answer.name, answer.text)
        method = getattr(self, f"_on_{member.lower()}", None)
        if method is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownMethod", member)
        if machine is not None and not machine.known:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", path)
        if machine is not None and machine.silent and path != machine.path:
            return True
        self._answer(method, message, machine, answer)
        return True

    def _answer(
        self, method: Any, message: Message, machine: Machine | None, answer: Fail | None
    ) -> None:
        if answer is ABORT and machine is not None:
            self._properties_changed(machine.path, DEVICE, {"Connected": Variant("b", True)})
            self._send(Message.new_error(message, ABORT.name, ABORT.text))
            self._properties_changed(machine.path, DEVICE, {"Connected": Variant("b", False)})
            return
        reply = method(message, machine)
        self._changed.set()
        self._send(Message.new_method_return(message) if reply is None else reply)
        if message.member == "Connect" and machine is not None and machine.connected:
            self._resolve(machine)

    def _on_getmanagedobjects(self, message: Message, _: Machine | None) -> Message:
        objects: dict[str, Any] = {}
        if self.has_adapter:
            objects[ADAPTER_PATH] = {ADAPTER: self._adapter_properties()}
        for machine in self.machines:
            if machine.known:
                objects[machine.path] = {DEVICE: self._device_properties(machine)}
                if machine.connected:
                    objects.update(self._gatt_objects(machine))
        return Message.new_method_return(message, "a{oa{sa{sv}}}", [objects])

    def _on_setdiscoveryfilter(self, message: Message, _: Machine | None) -> Message | None:
        self.filters.append({key: value.value for key, value in message.body[0].items()})
        return None

    def _on_startdiscovery(self, message: Message, _: Machine | None) -> Message | None:
        if not self.powered:
            return Message.new_error(message, NOT_READY.name, NOT_READY.text)
        if message.sender in self.scanners:
            self.refused_scans += 1
            return Message.new_error(message, IN_PROGRESS.name, IN_PROGRESS.text)
        self.scanners.add(str(message.sender))
        self.scans += 1
        return None

    def _on_stopdiscovery(self, message: Message, _: Machine | None) -> Message | None:
        if message.sender not in self.scanners:
            return Message.new_error(message, "org.bluez.Error.Failed", "No discovery started")
        self.scanners.discard(str(message.sender))
        return None

    def _on_removedevice(self, message: Message, _: Machine | None) -> Message | None:
        machine = self._machine(message.body[0])
        if machine is not None and machine.known:
            self.drop(machine)
            machine.known = False
            self._removed(machine.path, [DEVICE])
        return None

    def _on_connect(self, message: Message, machine: Machine | None) -> Message | None:
        if machine is None:
            return None
        if not self.powered:
            return Message.new_error(message, NOT_READY.name, NOT_READY.text)
        links = sum(other.connected for other in self.machines)
        if self.slots is not None and links >= self.slots:
            return Message.new_error(
                message, "org.bluez.Error.Failed", "le-connection-create-socket"
            )
        if not machine.in_reach:
            return Message.new_error(message, "org.bluez.Error.Failed", "le-connection-timeout")
        machine.connects += 1
        machine.connected = True
        self._properties_changed(machine.path, DEVICE, {"Connected": Variant("b", True)})
        return None

    def _on_disconnect(self, message: Message, machine: Machine | None) -> Message | None:
        if machine is not None and machine.connected:
            self._disconnected(machine)
        return None

    def _on_readvalue(self, message: Message, machine: Machine | None) -> Message | None:
        characteristic = self._characteristic(machine, str(message.path))
        if machine is None or characteristic is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", "")
        machine.reads.append(characteristic.uuid)
        if "read" not in characteristic.flags:
            return Message.new_error(message, "org.bluez.Error.NotPermitted", "Read not permitted")
        return Message.new_method_return(message, "ay", [characteristic.value])

    def _on_writevalue(self, message: Message, machine: Machine | None) -> Message | None:
        characteristic = self._characteristic(machine, str(message.path))
        if machine is None or characteristic is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", "")
        payload = bytes(message.body[0])
        machine.writes.append((characteristic.uuid, payload))
        if machine.on_write is not None:
            machine.on_write(characteristic.uuid, payload)
        return None

    def _on_startnotify(self, message: Message, machine: Machine | None) -> Message | None:
        characteristic = self._characteristic(machine, str(message.path))
        if characteristic is None:
            return Message.new_error(message, "org.freedesktop.DBus.Error.UnknownObject", "")
        if not {"notify", "indicate"} & set(characteristic.flags):
            return Message.new_error(message, "org.bluez.Error.NotSupported", "Not supported")
        characteristic.subscribers.add(str(message.sender))
        characteristic.starts += 1
        return None

    def _on_stopnotify(self, message: Message, machine: Machine | None) -> Message | None:
        characteristic = self._characteristic(machine, str(message.path))
        if characteristic is None or message.sender not in characteristic.subscribers:
            return Message.new_error(message, "org.bluez.Error.Failed", "No notify session started")
        characteristic.subscribers.discard(str(message.sender))
        return None

    # ------------------------------------------------------------------- state and signals

    def _machine(self, path: str) -> Machine | None:
        for machine in self.machines:
            if path == machine.path or path.startswith(f"{machine.path}/"):
                return machine
        return None

    def _characteristic(self, machine: Machine | None, path: str) -> Characteristic | None:
        if machine is None or not machine.connected:
            return None
        for number, characteristics in enumerate(machine.services.values()):
            for index, characteristic in enumerate(characteristics):
                if path == _characteristic_path(machine, number, index):
                    return characteristic
        return None

    def _client_gone(self, name: str) -> None:
        self.scanners.discard(name)
        for machine in self.machines:
            for characteristics in machine.services.values():
                for characteristic in characteristics:
                    characteristic.subscribers.discard(name)
        self._changed.set()

    def _forget_subscribers(self, machine: Machine) -> None:
        for characteristics in machine.services.values():
            for characteristic in characteristics:
                characteristic.subscribers.clear()

    def _resolve(self, machine: Machine) -> None:
        if machine.resolved:
            for path, interfaces in self._gatt_objects(machine).items():
                self._added(path, interfaces)
        self._properties_changed(machine.path, DEVICE, {"ServicesResolved": Variant("b", True)})
        machine.resolved = True

    def _disconnected(self, machine: Machine) -> None:
        machine.connected = False
        self._forget_subscribers(machine)
        self._properties_changed(
            machine.path,
            DEVICE,
            {"ServicesResolved": Variant("b", False), "Connected": Variant("b", False)},
        )
        for path, interface in self._gatt_paths(machine):
            self._removed(path, [interface])
        self._changed.set()

    async def _advertise(self) -> None:
        count = 0
        while True:
            if self.scanners:
                count += 1
                for machine in self.machines:
                    if machine.in_reach and not machine.connected:
                        self._advertised(machine, count)
            await asyncio.sleep(ADVERTISING_S)

    def _advertised(self, machine: Machine, count: int) -> None:
        if not machine.known:
            machine.known = True
            self._added(machine.path, {DEVICE: self._device_properties(machine)})
        else:
            rssi = Variant("n", machine.rssi_dbm + count % 2)
            self._properties_changed(machine.path, DEVICE, {"RSSI": rssi})

    def _adapter_properties(self) -> dict[str, Variant]:
        return {
            "Address": Variant("s", "00:1A:7D:DA:71:13"),
            "Powered": Variant("b", self.powered),
            "Discovering": Variant("b", False),
            "Roles": Variant("as", ["central", "peripheral"]),
        }

    def _device_properties(self, machine: Machine) -> dict[str, Variant]:
        properties = {
            "Address": Variant("s", machine.address),
            "AddressType": Variant("s", machine.address_type),
            "Alias": Variant("s", machine.name or machine.address.replace(":", "-")),
            "Paired": Variant("b", False),
            "Connected": Variant("b", machine.connected),
            "ServicesResolved": Variant("b", machine.connected),
            "Adapter": Variant("o", ADAPTER_PATH),
            "UUIDs": Variant("as", [uuid_of(uuid) for uuid in machine.advertised]),
            "RSSI": Variant("n", machine.rssi_dbm),
        }
        if machine.connected:
            uuids = [uuid_of(uuid) for uuid in machine.services]
            properties["UUIDs"] = Variant("as", uuids)
        if machine.name is not None:
            properties["Name"] = Variant("s", machine.name)
        if machine.service_data:
            properties["ServiceData"] = Variant(
                "a{sv}",
                {uuid_of(uuid): Variant("ay", data) for uuid, data in machine.service_data.items()},
            )
        return properties

    def _gatt_objects(self, machine: Machine) -> dict[str, dict[str, dict[str, Variant]]]:
        objects: dict[str, dict[str, dict[str, Variant]]] = {}
        for number, (service, characteristics) in enumerate(machine.services.items()):
            service_path = _service_path(machine, number)
            objects[service_path] = {
                SERVICE: {
                    "UUID": Variant("s", uuid_of(service)),
                    "Device": Variant("o", machine.path),
                    "Primary": Variant("b", True),
                }
            }
            for index, characteristic in enumerate(characteristics):
                objects[_characteristic_path(machine, number, index)] = {
                    CHARACTERISTIC: {
                        "UUID": Variant("s", uuid_of(characteristic.uuid)),
                        "Service": Variant("o", service_path),
                        "Value": Variant("ay", characteristic.value),
                        "Notifying": Variant("b", False),
                        "Flags": Variant("as", list(characteristic.flags)),
                        "MTU": Variant("q", 185),
                    }
                }
        return objects

    def _gatt_paths(self, machine: Machine) -> list[tuple[str, str]]:
        objects = self._gatt_objects(machine)
        return [(path, next(iter(objects[path]))) for path in reversed(objects)]

    def _added(self, path: str, interfaces: Mapping[str, Mapping[str, Variant]]) -> None:
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", [path, interfaces])

    def _removed(self, path: str, interfaces: list[str]) -> None:
        self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, interfaces])

    def _value(self, path: str, payload: bytes) -> None:
        self._properties_changed(path, CHARACTERISTIC, {"Value": Variant("ay", payload)})

    def _properties_changed(self, path: str, interface: str, changed: dict[str, Variant]) -> None:
        self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", [interface, changed, []])

    def _signal(
        self, path: str, interface: str, member: str, signature: str, body: list[Any]
    ) -> None:
        self._send(Message.new_signal(path, interface, member, signature, body))

    def _send(self, message: Message) -> None:
        self._outgoing.put_nowait(message)

    async def _write(self, bus: MessageBus, outgoing: asyncio.Queue[Message]) -> None:
        """Send in order, and only what the socket takes: dbus-fast closes the bus otherwise."""
        if bus._fd is None:
            return
        poll = select.poll()
        poll.register(bus._fd, select.POLLOUT)
        while True:
            message = await outgoing.get()
            while not poll.poll(0):
                await asyncio.sleep(0.001)
            if not bus.connected:
                return
            await bus.send(message)

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _service_path(machine: Machine, number: int) -> str:
    return f"{machine.path}/service{16 * (number + 1):04x}"


def _characteristic_path(machine: Machine, number: int, index: int) -> str:
    return f"{_service_path(machine, number)}/char{16 * (number + 1) + index + 1:04x}"


@contextlib.asynccontextmanager
async def bluez(daemon: Daemon, *machines: Machine) -> AsyncIterator[FakeBluez]:
    """A running fake; at the end all that it and bleak opened is closed."""
    air = FakeBluez(daemon.address, machines)
    await air.start()
    try:
        yield air
    finally:
        await air.kill()
        # bleak keeps its connection until the loop is collected: here a loop lives for one test.
        manager = _global_instances.pop(asyncio.get_running_loop(), None)
        if manager is not None and manager._bus is not None:
            manager._bus.disconnect()
            if manager._bus_watcher_task is not None:
                await asyncio.wait({manager._bus_watcher_task}, timeout=5)
        # A bus that was disconnected closes its socket in the loop's next turn.
        for _ in range(3):
            await asyncio.sleep(0)


# ------------------------------------------------------------------------------ two machines


def rower(
    address: str = "C0:00:00:00:00:01", name: str | None = "Rower 1", **changes: Any
) -> Machine:
    """A rower with the Fitness Machine Service, device information and a battery."""
    services = {
        "180a": [
            Characteristic("2a29", ("read",), b"Acme"),
            Characteristic("2a24", ("read",), b"R1"),
            Characteristic("2a25", ("read",), b"SN" + address[-2:].encode()),
        ],
        "1826": [
            Characteristic("2ad1"),
            Characteristic("2acc", ("read",), bytes(8)),
            Characteristic("2ada"),
            Characteristic("2ad9", ("write", "indicate")),
        ],
        "180f": [Characteristic("2a19", ("read", "notify"), b"\x5a")],
    }
    return Machine(
        **{
            "address": address,
            "name": name,
            "services": services,
            "advertised": ("1826",),
            "service_data": {"1826": bytes.fromhex("011000")},
            **changes,
        }
    )


def strap(
    address: str = "C0:00:00:00:00:02", name: str | None = "Strap", **changes: Any
) -> Machine:
    """A chest strap."""
    services = {
        "180d": [Characteristic("2a37"), Characteristic("2a38", ("read",), b"\x01")],
        "180f": [Characteristic("2a19", ("read",), b"\x50")],
    }
    return Machine(
        **{
            "address": address,
            "name": name,
            "services": services,
            "advertised": ("180d",),
            **changes,
        }
    )
