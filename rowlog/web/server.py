"""The server of the pages: one uvicorn on sockets that listen already, quiet and bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

import uvicorn

from rowlog.web.connections import Http, WebSocket

if TYPE_CHECKING:
    from rowlog.web.listening import Listening
    from rowlog.web.site import Site

MESSAGE_BYTES: Final = 1024
"""No viewer has anything longer to say."""
PING_S: Final = 10.0
END_S: Final = 2
"""Answers that are on their way get so long at the end."""


class Server(uvicorn.Server):
    """Serves the pages until `stop` is set; signals are left to whoever runs it."""

    async def serve_until(
        self, listening: Listening, stop: asyncio.Event, begun: Callable[[], Awaitable[None]]
    ) -> None:
        """Serve; `begun` runs once somebody may come."""

        async def ending() -> None:
            await stop.wait()
            self.should_exit = True

        async def beginning() -> None:
            while not self.started:
                await asyncio.sleep(0.005)
            await begun()

        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(ending())
            group.create_task(beginning())
            await self._serve(sockets=list(listening.sockets))
            waiting.cancel()


def make_server(site: Site) -> Server:
    """A server of these pages."""
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    return Server(
        uvicorn.Config(
            site.app(),
            loop="asyncio",
            http=Http,
            ws=WebSocket,
            ws_max_size=MESSAGE_BYTES,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=END_S,
            h11_max_incomplete_event_size=16_384,
        )
    )
