"""A transport whose frames were recorded: it stamps nothing and gives nothing a meaning."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from rowlog_drivers.clock import Clock
from rowlog_drivers.frames import Frame, FramesFile, FramesHeader, Request, read_frames

_FRAMES_A_TURN: Final = 256
"""At full speed, how many frames pass before other tasks get their turn."""


class ReplayTransport:
    """Yields recorded frames, sent ones included, under the stamps that they were recorded with.

    Args:
        frames: a .frames file, or frames in order of time.
        clock: the session's clock; a new one when None. Not read at full speed.
        speed: how many recorded seconds pass in one second of `clock`, above 0;
            None: as fast as asked.
    """

    def __init__(
        self,
        frames: str | Path | Iterable[Frame],
        *,
        clock: Clock | None = None,
        speed: float | None = None,
    ) -> None:
        if speed is not None and not speed > 0:
            raise ValueError(f"a replay's speed is above 0, not {speed}")
        self._frames = frames
        self._clock = clock
        self._speed = speed
        self._header: FramesHeader | None = None
        self._closed = asyncio.Event()

    @property
    def header(self) -> FramesHeader | None:
        """The file's header, once open; None for frames that came without a file."""
        return self._header

    async def open(self) -> None:
        """Read the file's header. Raises FramesError when that cannot be."""
        if isinstance(self._frames, (str, Path)):
            opened = read_frames(self._frames)
            self._frames, self._header = opened, opened.header
        elif isinstance(self._frames, FramesFile):
            self._header = self._frames.header

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame in its recorded order; ends with the recording or when closed."""
        frames = self._frames
        if isinstance(frames, (str, Path)):
            frames = read_frames(frames)
        clock = self._clock if self._clock is not None else Clock()
        zero_ns = 0 if self._speed is None else clock.now_ns()
        since_ns = 0
        if clock.goes_on and self._speed is not None:
            # The machine went on while nobody recorded it: what it sent then is lost.
            zero_ns, since_ns = 0, int(zero_ns * self._speed)
        for count, frame in enumerate(frames):
            if frame.t_ns < since_ns:
                continue
            if self._speed is not None:
                await self._wait(clock, zero_ns + int(frame.t_ns / self._speed))
            elif count % _FRAMES_A_TURN == 0:
                await asyncio.sleep(0)
            if self._closed.is_set():
                return
            yield frame

    async def send(self, request: Request) -> None:
        """Nothing: a recording cannot be asked, and what was asked then is among its frames."""

    async def close(self) -> None:
        """End `frames()`, at once even while it waits; safe to call twice."""
        self._closed.set()

    async def _wait(self, clock: Clock, due_ns: int) -> None:
        while not self._closed.is_set() and (left_ns := due_ns - clock.now_ns()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(clock.life_s(left_ns / 1e9)):
                    await self._closed.wait()
