"""Recordings that are started from a page: each a process of its own, one at a time."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from rowlog.web import wire
from rowlog.web.hub import Hub
from rowlog.web.piping import LINE_BYTES
from rowlog_drivers.errors import CallError

END_S: Final = 15.0
"""A recording gets so long to end when the server does."""
SAID: Final = 2000
"""So much of what a recording said when it failed is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a recording is started with; addresses and plan as the command line takes them."""

    database: str
    plan: str | None = None
    rower: str | None = None
    strap: str | None = None
    athlete: str | None = None


class Starter:
    """Starts recordings and hands on what they say. Used on the event loop of the server."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a recording that was started here goes on, or is about to."""
        return self._reading is not None and not self._reading.done()

    async def start(self, call: Call) -> None:
        """Start a recording. Raises CallError while another goes on."""
        if self.busy:
            raise CallError("A session is being recorded already.", "End it first.")
        self._hub.clear()
        self._stage("connecting")
        self._reading = asyncio.create_task(self._record(call))

    def press(self, label: str) -> bool:
        """Hand a key on to the recording; False when there is none."""
        process = self._process
        if process is None or process.stdin is None or process.returncode is not None:
            return False
        process.stdin.write(json.dumps({"press": label}).encode() + b"\n")
        return True

    def give_up(self) -> bool:
        """Stop connecting; False when that is over, or nothing was to be connected."""
        if self._process is None or self._hub.stage != "connecting":
            return False
        with suppress(ProcessLookupError):
            self._process.terminate()
        return True

    async def close(self) -> None:
        """End the recording that goes on, and wait until it is stored."""
        if self._reading is None or self._reading.done():
            return
        with suppress(TimeoutError):
            self.press("end")
            async with asyncio.timeout(END_S):
                await asyncio.shield(self._reading)
            return
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()  # a signal that ends it in good order, too
            with suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await self._process.wait()

    def _stage(self, name: Any, session: int | None = None, error: str | None = None) -> None:
        self._hub.stage = name
        self._hub.tell("stage", wire.stage(name, session, error))

    async def _record(self, call: Call) -> None:
        ended = False
        try:
            self._process = process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "rowlog.web.recorded",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=LINE_BYTES,
                # Ctrl-C is for the server, which ends the recording in good order.
                start_new_session=sys.platform != "win32",
            )  # fmt: skip
            if process.stdin is None or process.stdout is None or process.stderr is None:
                raise OSError(0, "it has no pipes")
            process.stdin.write(json.dumps(asdict(call)).encode() + b"\n")
            said = asyncio.create_task(_tail(process.stderr))
            while raw := await process.stdout.readline():
                ended = self._hand_on(raw.decode("utf-8", "replace").rstrip("\n"))
            code, words = await process.wait(), await said
            if not ended:
                text = f"The recording has stopped (code {code}). {words}".strip()
                self._stage("ended", None, f"{text} What was recorded is kept.")
        except OSError as error:
            self._stage("ended", None, f"No recording could be started: {error.strerror}.")
        finally:
            self._process = None

    def _hand_on(self, text: str) -> bool:
        """Tell all viewers; returns whether this was the end."""
        try:
            said = json.loads(text)
        except ValueError:
            return False
        kind = str(said.get("kind"))
        if kind == "stage":
            self._hub.stage = said["stage"]
        self._hub.tell(kind, text)
        return kind == "stage" and self._hub.stage == "ended"


async def _tail(stream: asyncio.StreamReader) -> str:
    """The last words of a process."""
    kept = b""
    while part := await stream.read(4096):
        kept = (kept + part)[-SAID:]
    return kept.decode("utf-8", "replace").strip().rpartition("\n")[2]
