"""The pages' addresses: what each is answered with. It reads the database and writes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import jinja2
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from rowlog import render
from rowlog.summary import NoSessionError
from rowlog.web import pages, wire
from rowlog.web.guard import BODY_BYTES, Access, Guard
from rowlog.web.hub import Hub, Viewer
from rowlog_drivers.clock import wall_now
from rowlog_drivers.errors import CallError, RowlogError

if TYPE_CHECKING:
    from rowlog.web.starting import Starter

ALIVE_S: Final = 5.0
"""A viewer hears at least so often that the server is there."""
BODY_S: Final = 10.0
"""A command arrives within this time."""
AT_ONCE: Final = 4
"""So many pages are made at a time."""
T = TypeVar("T")
THEMES: Final = ("dark", "light", "auto")
_FILES: Final = {
    "rowlog.css": "text/css; charset=utf-8",
    "rowlog.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages are about."""

    database: Path
    access: Access
    hub: Hub
    press: Callable[[str], bool]
    """Hands a key on to the recording; False when there is none."""
    starter: Starter | None = None
    """Starts recordings from the page; None where the recording is there already."""
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def app(self) -> Starlette:
        """All of it, with the guard before it."""
        return Starlette(
            routes=[
                Route("/", self._home),
                Route("/live", self._live),
                Route("/sessions", self._sessions),
                Route("/sessions/{number:int}", self._session),
                Route("/bests", self._bests),
                Route("/trends", self._trends),
                Route("/zones", self._zones),
                Route("/plan", self._plan),
                Route("/static/{name}", self._file),
                Route("/press", self._press, methods=["POST"]),
                Route("/start", self._start, methods=["POST"]),
                Route("/giveup", self._give_up, methods=["POST"]),
                WebSocketRoute("/feed", self._feed),
            ],
            middleware=[Middleware(Guard, access=self.access)],
            exception_handlers={
                RowlogError: self._failed,  # type: ignore[dict-item]
                HTTPException: self._not_there,  # type: ignore[dict-item]
            },
        )

    # ------------------------------------------------------------------------------- pages

    async def _home(self, request: Request) -> Response:
        there = self.hub.stage != "idle"
        return RedirectResponse("/live" if there else "/sessions", status_code=303)

    async def _live(self, request: Request) -> Response:
        known = await self._work(pages.known, self.database)
        can_start = self.starter is not None
        return self._page(request, "live.html", here="live", known=known, can_start=can_start)

    async def _sessions(self, request: Request) -> Response:
        return await self._history(request, "sessions.html", "sessions", pages.sessions)

    async def _session(self, request: Request) -> Response:
        number, by = request.path_params["number"], request.query_params.get("by")
        if number >= 2**63:  # no number that SQLite has
            raise HTTPException(404)
        found = await self._work(pages.session, self.database, number, by)
        return self._page(request, "session.html", here="sessions", **found)

    async def _bests(self, request: Request) -> Response:
        return await self._history(request, "bests.html", "bests", pages.bests)

    async def _trends(self, request: Request) -> Response:
        return await self._history(request, "trends.html", "trends", pages.trends)

    async def _zones(self, request: Request) -> Response:
        return await self._history(request, "zones.html", "zones", pages.zones)

    async def _history(
        self,
        request: Request,
        template: str,
        here: str,
        make: Callable[..., Mapping[str, Any]],
    ) -> Response:
        asked = pages.Asked.of(request.query_params)
        found = await self._work(make, self.database, asked, wall_now().date())
        return self._page(request, template, here=here, asked=asked, **found)

    async def _file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _FILES:
            raise HTTPException(404)
        return Response(_static(name), media_type=_FILES[name])

    async def _work(self, make: Callable[..., T], *words: object) -> T:
        """Read the database on a thread; few at a time, the others wait."""
        async with self.turns:
            return await run_in_threadpool(make, *words)

    def _page(
        self, request: Request, template: str, *, status: int = 200, **named: Any
    ) -> Response:
        theme = request.cookies.get("rowlog_theme", THEMES[0])
        text = (
            _templates()
            .get_template(template)
            .render(
                key=self.access.key,
                theme=theme if theme in THEMES else THEMES[0],
                stage=self.hub.stage,
                **named,
            )
        )
        return HTMLResponse(text.encode("utf-8", "replace"), status_code=status)

    def _failed(self, request: Request, error: RowlogError) -> Response:
        status = 503
        if isinstance(error, CallError):
            status = 400
        elif isinstance(error, NoSessionError):
            status = 404
        if request.method == "POST" or request.url.path == "/plan":
            return JSONResponse({"error": str(error)}, status)
        return self._page(
            request, "message.html", status=status, here="", title="Not possible", text=str(error)
        )

    def _not_there(self, request: Request, error: HTTPException) -> Response:
        text = "There is no such page." if error.status_code == 404 else error.detail
        return self._page(
            request, "message.html", status=error.status_code, here="", title="Nothing here",
            text=text,
        )  # fmt: skip

    # ------------------------------------------------------------------- the recording

    async def _plan(self, request: Request) -> Response:
        """What a plan means, while it is typed."""
        text = request.query_params.get("text", "")[:1000]
        return JSONResponse(await self._work(pages.plan, self.database, text))

    async def _press(self, request: Request) -> Response:
        label = (await _said(request)).get("label")
        if label not in wire.PRESSES:
            raise CallError("There is no such key.", f"One of: {', '.join(wire.PRESSES)}.")
        if self.hub.elsewhere:
            raise CallError("Another rowlog records this session.", "Steer it there.")
        if not self.press(label):
            raise CallError("Nothing is being recorded.", "Start a session first.")
        return JSONResponse({"pressed": label})

    async def _start(self, request: Request) -> Response:
        said = await _said(request)
        if self.starter is None:
            raise CallError(
                "This server belongs to one recording.", "Start others from: rowlog serve"
            )
        if self.hub.elsewhere:
            raise CallError("Another rowlog records a session.", "End it there first.")
        call = await self._work(pages.call_of, self.database, said)
        await self.starter.start(call)
        return JSONResponse({"started": True})

    async def _give_up(self, request: Request) -> Response:
        """Connect no longer; nothing has begun yet."""
        if self.starter is None or not self.starter.give_up():
            raise CallError("Nothing is being connected.", "End a session with its button.")
        return JSONResponse({"given_up": True})

    async def _feed(self, socket: WebSocket) -> None:
        """What the recording says, as it comes, until the viewer goes; or speaks out of turn."""
        await socket.accept()
        viewer = self.hub.join()
        speaking = asyncio.create_task(self._speak(socket, viewer))
        try:
            said = await socket.receive()
        finally:
            self.hub.leave(viewer)
            speaking.cancel()
        if said["type"] == "websocket.receive":
            await socket.close(1008)

    async def _speak(self, socket: WebSocket, viewer: Viewer) -> None:
        alive = wire.line("alive", key=self.access.key)
        with suppress(WebSocketDisconnect, OSError, RuntimeError):
            await socket.send_text(alive)
            while True:
                texts = await viewer.fetch(ALIVE_S)
                for text in texts or [alive]:
                    await socket.send_text(text)


async def _said(request: Request) -> dict[str, Any]:
    """The JSON object of a command. Raises CallError."""
    try:
        async with asyncio.timeout(BODY_S):
            body = b""
            async for part in request.stream():
                body += part
                if len(body) > BODY_BYTES:
                    break
            said = json.loads(body)
    except (TimeoutError, ValueError, RecursionError, ClientDisconnect):
        said = None
    if not isinstance(said, dict):
        raise CallError("The command cannot be read.", "Load the page again.")
    return said


_read: dict[str, bytes] = {}


def _static(name: str) -> bytes:
    if name not in _read:
        _read[name] = (files("rowlog.web") / "static" / name).read_bytes()
    return _read[name]


_made: list[jinja2.Environment] = []


def _templates() -> jinja2.Environment:
    if not _made:
        made = jinja2.Environment(
            loader=jinja2.PackageLoader("rowlog.web"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        made.filters |= {
            "clock": render.clock_time,
            "span": render.duration,
            "pace": render.pace,
            "whole": render.whole,
            "tenth": render.tenth,
            "metres": render.metres,
            "day": render.day,
            "short_day": render.short_day,
            "began": render.began,
            "shown": lambda text, width=60: render.printable(text or "", width),
        }
        _made.append(made)
    return _made[0]
