"""A session that another program records, on the live page of a server that did not start it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rowlog.watching import recorded_now, watch
from rowlog.web import wire
from rowlog.web.hub import Hub, Stage
from rowlog.web.piping import pictures
from rowlog_drivers.errors import CallError, RowlogError

if TYPE_CHECKING:
    from rowlog.viewing import Controls, Feed

LOOK_EVERY_S: Final = 2.0
"""How often it is looked whether somebody records."""


class Onlooker:
    """Looks for a recording that others began, and tells the hub of it. Reads, and never writes."""

    def __init__(self, database: Path, hub: Hub, busy: Callable[[], bool]) -> None:
        """`busy` says whether the recording is the server's own, which tells of itself."""
        self._database = database
        self._hub = hub
        self._busy = busy
        self._left = threading.Event()

    async def run(self) -> None:
        """Look until it is cancelled."""
        try:
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                if not self._busy() and (number := await self._recorded()):
                    await self._watch(number)
        finally:
            self._left.set()

    async def _recorded(self) -> int | None:
        return await asyncio.to_thread(recorded_now, self._database)

    async def _watch(self, number: int) -> None:
        if self._busy():
            return
        self._hub.clear()
        self._hub.elsewhere = True
        error: str | None = None
        try:
            view = _HubView(asyncio.get_running_loop(), self._tell)
            await asyncio.to_thread(
                watch, self._database, lambda _: None, pause=self._pause, views=(view,)
            )
        except CallError:  # it ended in the meantime
            pass
        except (RowlogError, OSError) as failed:
            error = str(failed)
        finally:
            self._hub.elsewhere = False
        self._stage("ended", wire.stage("ended", number, error))

    def _pause(self, seconds: float) -> None:
        """Wait, unless the server ends. Raises CallError then."""
        if self._left.wait(seconds):
            raise CallError("The server ends.")

    def _tell(self, kind: str, text: str) -> None:
        if not self._hub.elsewhere:
            return  # what is left of one that is over
        if kind == "stage":
            self._stage("recording", text)
        else:
            self._hub.tell(kind, text)

    def _stage(self, stage: Stage, text: str) -> None:
        self._hub.stage = stage
        self._hub.tell("stage", text)


class _HubView:
    """A view that tells the hub, on whose event loop it is told."""

    name = "The live page"

    def __init__(self, loop: asyncio.AbstractEventLoop, tell: Callable[[str, str], None]) -> None:
        self._loop = loop
        self._tell = tell

    def run(self, feed: Feed, controls: Controls) -> None:
        """Tell what the feed has until it is closed."""
        with suppress(RuntimeError):  # the loop has ended
            for kind, text in pictures(feed, elsewhere=True):
                self._loop.call_soon_threadsafe(self._tell, kind, text)
