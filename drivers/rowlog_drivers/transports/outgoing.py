"""The frames of one transport on their way up, until it is closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from rowlog_drivers.frames import Frame


class Outgoing:
    """Frames in order of arrival: the transport puts them, the device takes them."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._keeper: asyncio.Task[None] | None = None

    def put(self, frame: Frame) -> None:
        """One more frame."""
        self._queue.put_nowait(frame)

    def __len__(self) -> int:
        """How many wait to be taken."""
        return self._queue.qsize()

    def end(self) -> None:
        """No more frames come; those that did are still given."""
        self._queue.put_nowait(None)

    def end_with(self, keeper: asyncio.Task[None]) -> None:
        """End when the task that keeps the transport up ends, and raise what it failed with."""
        self._keeper = keeper
        keeper.add_done_callback(lambda _: self.end())

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame; ends when closed, after all that had come.

        Raises what the keeper failed with, unless it was cancelled.
        """
        while (frame := await self._queue.get()) is not None:
            yield frame
        self.end()  # whoever asks again is told the same
        if self._keeper is not None and self._keeper.done() and not self._keeper.cancelled():
            self._keeper.result()
