"""Connections that are bounded: how many, and how long one may say nothing or not read."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

MOST: Final = 64
"""So many connections at a time; a telephone has about six open."""
MOST_TOLD: Final = 256
"""Of those above `MOST` so many are told so; others are just closed."""
BUSY_S: Final = 2.0
"""One that is to be told so has asked for something within this time."""
HELLO_S: Final = 10.0
"""Within this time a new connection has sent its request."""
STALLED_S: Final = 15.0
"""One that has not read for so long what was sent to it is cut off."""

_BUSY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 29\r\n\r\n"
    b"Too many are looking already."
)


class Http(H11Protocol):
    """One connection; those above the bound are told so and closed."""

    _busy = False
    _hello: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection was made."""
        super().connection_made(transport)
        there = len(self.connections)
        if there > MOST + MOST_TOLD:
            transport.abort()
            return
        self._busy = there > MOST
        patience_s = BUSY_S if self._busy else HELLO_S
        self._hello = self.loop.call_later(patience_s, self._unanswered)

    def data_received(self, data: bytes) -> None:
        """Bytes came in."""
        if self._busy:
            # Not before it has asked: who is closed with words unread never sees the answer.
            self.transport.write(_BUSY)
            self.transport.close()
            return
        super().data_received(data)
        if self.cycle is not None and self._hello is not None:
            self._hello.cancel()
            self._hello = None

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        for timer in (self._hello, self._stalled):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        """It becomes a WebSocket, which has its own timers."""
        for timer in (self._hello, self._stalled):
            if timer is not None:
                timer.cancel()
        super().handle_websocket_upgrade(event)

    def pause_writing(self) -> None:
        """The other side does not read."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The other side reads again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _unanswered(self) -> None:
        if self.cycle is None:
            self.transport.abort()


class WebSocket(WebSocketsSansIOProtocol):
    """One viewer of the live page; it is cut off where it does not read."""

    _stalled: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The other side does not read."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The other side reads again."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def keepalive_timeout(self) -> None:
        """The other side does not answer."""
        # To close in good order would wait for it to read first.
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)
