"""What the tests of the pages share: a server in this process, and what a recording says."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

from rowlog.notation import parse
from rowlog.recording import record
from rowlog.web.guard import Access
from rowlog.web.hub import Hub
from rowlog.web.listening import Listening, listen
from rowlog.web.piping import PipedView
from rowlog.web.server import make_server
from rowlog.web.site import Site
from rowlog_drivers.addresses import parse_address
from tests.support import PATIENCE_S


@dataclass
class Served:
    """Pages that are served by a thread of this process."""

    listening: Listening
    access: Access
    hub: Hub
    loop: asyncio.AbstractEventLoop
    pressed: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.listening.port}"

    def do(self, work: Callable[[], Any]) -> Any:
        """Do something on the server's loop."""

        async def done() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(PATIENCE_S)

    def tell(self, text: str) -> None:
        """What a recording says."""
        said = json.loads(text)

        def told() -> None:
            if said["kind"] == "stage":
                self.hub.stage = said["stage"]
            self.hub.tell(said["kind"], text)

        self.do(told)

    def ask(
        self,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        host: str | None = None,
        **headers: str,
    ) -> tuple[HTTPResponse, bytes]:
        """One request; `host` None: the right one."""
        connection = HTTPConnection("127.0.0.1", self.listening.port, timeout=PATIENCE_S)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"127.0.0.1:{self.listening.port}")
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def command(self, path: str, **said: object) -> tuple[int, dict[str, Any]]:
        """A command as the page gives it."""
        answer, body = self.ask(
            path,
            "POST",
            json.dumps(said).encode(),
            Origin=f"http://127.0.0.1:{self.listening.port}",
            X_Rowlog_Key=self.access.key,
        )
        return answer.status, json.loads(body)


@contextmanager
def served(
    database: Path,
    *,
    address: str | None = None,
    port: int = 0,
    token: str | None = None,
    names: frozenset[str] = frozenset(),
) -> Iterator[Served]:
    """Serve pages until the block ends; `names`: what else the computer is called."""
    listening = listen(address, port)
    access = Access(port=listening.port, names=listening.names | names, token=token)
    hub, begun, made = Hub(), threading.Event(), []
    stops: list[asyncio.Event] = []

    async def run() -> None:
        stop = asyncio.Event()
        stops.append(stop)
        here = Served(listening, access, hub, asyncio.get_running_loop())

        def press(label: str) -> bool:
            here.pressed.append(label)
            return hub.stage == "recording"

        made.append(here)

        async def ready() -> None:
            begun.set()

        site = Site(database=database, access=access, hub=hub, press=press)
        await make_server(site).serve_until(listening, stop, ready)

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert begun.wait(PATIENCE_S)
    try:
        yield made[0]
    finally:
        made[0].loop.call_soon_threadsafe(stops[0].set)
        thread.join(PATIENCE_S)
        listening.close()
        assert not thread.is_alive()


def recorded(database: Path, plan: str, *, for_s: float | None = None, **options: str) -> list[str]:
    """All messages of a simulated recording, from its first to its last."""
    into, out = os.pipe()
    presses, nobody = os.pipe()
    said: list[str] = []

    def read() -> None:
        with os.fdopen(into, "rb") as source:
            said.extend(line.decode().rstrip("\n") for line in source)

    thread = threading.Thread(target=read)
    thread.start()
    query = "&".join(f"{name}={value}" for name, value in options.items())
    with os.fdopen(out, "wb") as written, os.fdopen(presses, "rb") as back:
        try:
            record(
                database,
                parse_address(f"sim:rower?{query}"),
                parse_address(f"sim:strap?{query}"),
                plan=parse(plan),
                for_s=for_s,
                views=[PipedView(written, back, alone=False)],
            )
        finally:
            os.close(nobody)
    thread.join(PATIENCE_S)
    return said


def at(messages: list[str], kind: str, wanted: Callable[[dict[str, Any]], bool] = bool) -> str:
    """The first message of a kind that is wanted."""
    for text in messages:
        said = json.loads(text)
        if said["kind"] == kind and wanted(said):
            return text
    raise AssertionError(f"no such {kind}")
