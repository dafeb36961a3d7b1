"""Linux only: which adapters there are, and when BlueZ's daemon leaves the system bus.

A bluetoothd that was killed says no goodbye, and bleak takes no notice: it goes on calling its
devices connected.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

_KERNEL: Final = Path("/sys/class/bluetooth")


def adapters(folder: Path | None = None) -> tuple[str, ...] | None:
    """The adapters that the kernel knows, "hci0", sorted; None where there is no such list.

    Needs neither the service nor a permission. `folder`: where the kernel shows them; None: the
    usual place, which is missing where the kernel never saw one.
    """
    if folder is None:
        if sys.platform != "linux":
            return None
        folder = _KERNEL
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return ()
    return tuple(sorted(name for name in names if name.startswith("hci") and ":" not in name))


class Watch(Protocol):
    """A watch that runs."""

    @property
    def alive(self) -> bool:
        """Whether it still hears of anything."""
        ...

    async def close(self) -> None:
        """End it; safe to call twice."""
        ...


async def watch_service(gone: Callable[[], None]) -> Watch | None:
    """Call `gone` whenever bluetoothd stops or is replaced; None where there is no BlueZ.

    Raises OSError or EOFError when the bus cannot be reached.
    """
    if sys.platform != "linux":
        return None
    from dbus_fast import AuthError, BusType, InvalidAddressError, Message, MessageType
    from dbus_fast.aio import MessageBus

    async def close(bus: MessageBus) -> None:
        bus.disconnect()
        with suppress(OSError, EOFError):
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    class BusWatch:
        def __init__(self, bus: MessageBus) -> None:
            self._bus = bus

        @property
        def alive(self) -> bool:
            return self._bus.connected

        async def close(self) -> None:
            await close(self._bus)

    def heard(message: Message) -> bool:
        if (
            message.message_type is MessageType.SIGNAL
            and message.member == "NameOwnerChanged"
            and message.sender == "org.freedesktop.DBus"
            and message.body[0] == "org.bluez"
            and message.body[1]
        ):
            gone()
        return False

    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        await bus.connect()
        bus.add_message_handler(heard)
        await bus.call(
            Message(
                destination="org.freedesktop.DBus",
                path="/org/freedesktop/DBus",
                interface="org.freedesktop.DBus",
                member="AddMatch",
                signature="s",
                body=[
                    "type='signal',sender='org.freedesktop.DBus',"
                    "member='NameOwnerChanged',arg0='org.bluez'"
                ],
            )
        )
    except (AuthError, InvalidAddressError) as error:
        await close(bus)
        raise ConnectionError(str(error)) from error
    except BaseException:
        bus.disconnect()
        raise
    return BusWatch(bus)
