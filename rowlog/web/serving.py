"""The process of the pages: `rowlog serve`, or `-m rowlog.web.serving` beside a recording."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from rowlog.web import wire
from rowlog.web.guard import Access
from rowlog.web.hub import Hub, Stage
from rowlog.web.listening import Listening, listen
from rowlog.web.onlooking import Onlooker
from rowlog.web.piping import lines, standard_pipes, write_line
from rowlog.web.server import make_server
from rowlog.web.site import Site
from rowlog.web.starting import Starter
from rowlog_drivers.errors import RowlogError

LINGER_S: Final = 20.0
"""Beside a recording that is over, the pages go when nobody has looked at them for so long."""
HANG_UP: Final = (
    [signal.SIGHUP]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN
    else []
)
"""The terminal is closed; nohup has it ignored."""
NICE: Final = 10
"""The recording goes first."""


def access_to(listening: Listening) -> Access:
    """What is asked of those who come: a token where others than this computer can."""
    return Access(
        port=listening.port,
        names=listening.names,
        token=secrets.token_urlsafe(16) if listening.beyond else None,
    )


def url_of(listening: Listening, access: Access) -> str:
    """The address to open, with the token where one is asked for."""
    query = f"?token={access.token}" if access.token is not None else ""
    return f"{listening.origin}/{query}"


def told_of(listening: Listening) -> list[str]:
    """What there is to say of it besides its address, a line each."""
    if not listening.beyond:
        return ["Only this computer can open it; for a phone or tablet add: --listen 0.0.0.0"]
    return [
        "Whoever has this address, with its key, can see the history and press the buttons.",
        "It is not encrypted: use it in a network that you trust.",
    ]


def serve(
    database: Path,
    address: str | None,
    port: int | None,
    told: Callable[[str, list[str]], None],
) -> None:
    """Serve history, and start recordings from the page, until a signal comes.

    `told` hears the address to open, and what there is to say of it. Raises WebError, CallError.
    """
    listening = listen(address, port)
    access, hub = access_to(listening), Hub()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, *HANG_UP):
            try:
                loop.add_signal_handler(number, stop.set)
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        starter = Starter(hub)
        looking = asyncio.create_task(Onlooker(database, hub, lambda: starter.busy).run())
        site = Site(database=database, access=access, hub=hub, press=starter.press, starter=starter)

        async def begun() -> None:
            told(url_of(listening, access), told_of(listening))

        try:
            await make_server(site).serve_until(listening, stop, begun)
        finally:
            looking.cancel()
            await starter.close()

    try:
        asyncio.run(run())
    finally:
        listening.close()


def main() -> int:
    """The pages beside a recording, whose call is the first line of standard input."""
    out, back = standard_pipes()
    call = json.loads(back.readline())
    if hasattr(os, "nice"):
        os.nice(NICE)
    try:
        listening = listen(call["listen"], call["port"])
    except RowlogError as error:
        write_line(out, json.dumps({"error": str(error), "code": error.exit_code}))
        return error.exit_code
    access = access_to(listening)
    asyncio.run(_beside(Path(call["database"]), listening, access, out, back))
    return 0


async def _beside(
    database: Path, listening: Listening, access: Access, out: IO[bytes], back: IO[bytes]
) -> None:
    loop, stop, hub = asyncio.get_running_loop(), asyncio.Event(), Hub()
    hub.stage = "connecting"
    hub.tell("stage", wire.stage("connecting"))

    def press(label: str) -> bool:
        if hub.stage != "recording":
            return False
        try:
            write_line(out, json.dumps({"press": label}))
        except OSError:
            return False
        return True

    def take(said: dict[str, object]) -> None:
        kind = str(said.get("kind"))
        if kind == "stage":
            hub.stage = cast(Stage, said["stage"])
        hub.tell(kind, json.dumps(said, separators=(",", ":")))

    async def gone() -> None:
        if hub.stage != "ended":
            hub.stage = "ended"
            hub.tell("stage", wire.stage("ended", None, "The recording has stopped."))
        quiet = 0.0
        while hub.looked and quiet < LINGER_S:
            await asyncio.sleep(0.5)
            quiet = 0.0 if hub.viewers else quiet + 0.5
        stop.set()

    waits: list[asyncio.Task[Any]] = []

    def listen_to() -> None:
        for said in lines(back):
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(take, said)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(lambda: waits.append(asyncio.create_task(gone())))

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    site = Site(database=database, access=access, hub=hub, press=press)

    async def begun() -> None:
        ready = {"url": url_of(listening, access), "told": told_of(listening)}
        write_line(out, json.dumps(ready))
        threading.Thread(target=listen_to, daemon=True).start()

    try:
        await make_server(site).serve_until(listening, stop, begun)
    finally:
        listening.close()


if __name__ == "__main__":
    os._exit(main())  # the thread that reads may wait for ever, and has nothing to lose
