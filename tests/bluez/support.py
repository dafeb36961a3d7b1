"""What the Bluetooth tests share: profiles, a tape of frames, a connected transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from rowlog_drivers.clock import Clock
from rowlog_drivers.frames import Frame
from rowlog_drivers.transports.ble import BleProfile, BleState, BleTransport
from rowlog_drivers.transports.ble_radio import Radio
from tests.bluez.fake import Daemon, FakeBluez, Machine, bluez

PATIENCE_S: Final = 60.0
"""How long a test waits for what must come, in seconds of life."""

ROWER: Final = BleProfile(
    notify=("2ad1", "2ada", "2ad3"),
    needs=("2ad1",),
    reads=("2a29", "2a24", "2a25", "2a26", "2acc", "2a19"),
)
STRAP: Final = BleProfile(notify=("2a37",), needs=("2a37",), reads=("2a38", "2a19"))


class Tape:
    """Takes a transport's frames as they come, from the moment it is made."""

    def __init__(self, transport: BleTransport) -> None:
        self.frames: list[Frame] = []
        self._came = asyncio.Event()
        self._task = asyncio.create_task(self._run(transport))

    async def _run(self, transport: BleTransport) -> None:
        async for frame in transport.frames():
            self.frames.append(frame)
            self._came.set()

    async def until(self, condition: Callable[[list[Frame]], bool]) -> None:
        """Wait until the frames so far are as wanted."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition(self.frames):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            seen = [(frame.channel, frame.payload) for frame in self.frames[-30:]]
            raise AssertionError(f"waited in vain; the last frames are {seen}") from None

    async def of(self, channel: str, count: int) -> list[Frame]:
        """The first `count` frames of a channel."""
        await self.until(lambda frames: sum(one.channel == channel for one in frames) >= count)
        return [frame for frame in self.frames if frame.channel == channel][:count]

    async def payloads(self, channel: str, count: int) -> list[bytes]:
        """What the first `count` frames of a channel hold."""
        return [frame.payload for frame in await self.of(channel, count)]

    async def links(self, count: int) -> list[str]:
        """What the first `count` link frames say."""
        return [payload.decode() for payload in await self.payloads("link", count)]

    async def end(self) -> None:
        """Wait until the transport has ended its frames."""
        async with asyncio.timeout(PATIENCE_S):
            await self._task


@asynccontextmanager
async def connected(
    daemon: Daemon,
    machine: Machine,
    *,
    profile: BleProfile = ROWER,
    rate: float = 1.0,
    **options: Any,
) -> AsyncIterator[tuple[FakeBluez, BleTransport, Tape]]:
    """A machine in the air, a transport that is connected to it, and its frames."""
    async with bluez(daemon, machine) as air:
        transport = BleTransport(
            machine.address, "rower", Clock(rate), profile, radio=Radio(), seed=1, **options
        )
        await transport.open()
        tape = Tape(transport)
        try:
            yield air, transport, tape
        finally:
            await transport.close()
            await tape.end()
        assert transport.state is BleState.CLOSED
