"""What the tests of the stack's behaviour may do to a room, so that they run in other rooms too.

The room here is the stand-in for BlueZ. Where a real BlueZ with virtual devices is (two adapters of
the kernel's hci_vhci, say, and a peripheral on one of them), a module that offers such a room is
named in ROWLOG_STACK as "module:function"; the function takes nothing and gives an async context
manager of a Stack, and the very same tests run there.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Literal, Protocol, cast

from tests.bluez.fake import Daemon, FakeBluez, bluez, rower, strap

Who = Literal["rower", "strap"]
DATA: Final[dict[Who, str]] = {"rower": "2ad1", "strap": "2a37"}
"""The characteristic that each device notifies."""
ELSEWHERE: Final = "ROWLOG_STACK"


class Stack(Protocol):
    """A room with a rower and a strap, and the Bluetooth of the computer in it."""

    def address(self, who: Who) -> str:
        """The device's Bluetooth address."""
        ...

    async def send(self, who: Who, payload: bytes) -> bool:
        """The device notifies its data; whether it had a link and somebody listened."""
        ...

    async def listened_to(self, who: Who) -> None:
        """Wait until somebody is subscribed to the device's data."""
        ...

    async def drop(self, who: Who, seconds: float) -> None:
        """The device hangs up and is out of reach for so long; returns at once."""
        ...

    async def mute(self, who: Who, muted: bool) -> None:
        """The link stands, and nothing gets through any more; or does again."""
        ...

    async def power(self, on: bool) -> None:
        """Switch the adapter off or on."""
        ...

    async def restart(self) -> None:
        """bluetoothd ends and is started again."""
        ...


class FakeStack:
    """The stand-in for BlueZ as a room."""

    def __init__(self, air: FakeBluez) -> None:
        self.air = air
        self._machines = dict(zip(DATA, air.machines, strict=True))
        self._tasks: set[asyncio.Task[None]] = set()

    def address(self, who: Who) -> str:
        return self._machines[who].address

    async def send(self, who: Who, payload: bytes) -> bool:
        return self.air.notify(self._machines[who], DATA[who], payload)

    async def listened_to(self, who: Who) -> None:
        await self.air.until_subscribed(self._machines[who], DATA[who])

    async def drop(self, who: Who, seconds: float) -> None:
        machine = self._machines[who]
        self.air.leave(machine)

        async def come_back() -> None:
            await asyncio.sleep(seconds)
            machine.in_reach = True

        task = asyncio.create_task(come_back())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def mute(self, who: Who, muted: bool) -> None:
        self._machines[who].silent = muted

    async def power(self, on: bool) -> None:
        self.air.power(on)

    async def restart(self) -> None:
        await self.air.restart()


def room(daemon: Daemon) -> AbstractAsyncContextManager[Stack]:
    """The room to test in."""
    named = os.environ.get(ELSEWHERE)
    if named is None:
        return _fake_room(daemon)
    module, _, function = named.partition(":")
    found = getattr(importlib.import_module(module), function)
    return cast(Callable[[], AbstractAsyncContextManager[Stack]], found)()


@asynccontextmanager
async def _fake_room(daemon: Daemon) -> AsyncIterator[Stack]:
    async with bluez(daemon, rower(), strap()) as air:
        yield FakeStack(air)
