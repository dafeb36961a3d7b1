"""The pages beside a recording that the command line began: a process of their own, kept apart."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from rowlog.web import WebError, check_installed, wire
from rowlog.web.piping import PipedView, lines, write_later, write_line
from rowlog_drivers.errors import CallError

HEAR_S: Final = 3.0
"""Pages that do not read for so long, once all is over, have died without a word."""


class Beside:
    """The server of the pages, and the way to it."""

    def __init__(self, database: Path, listen: str | None, port: int | None) -> None:
        """Start it. Raises WebError and CallError, as `listening.listen` does."""
        check_installed()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rowlog.web.serving"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            **_apart(),
        )
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise WebError("The pages cannot be reached.")
        self._out, self._back = stdin, stdout
        call = {"database": str(database), "listen": listen, "port": port}
        try:
            write_line(self._out, json.dumps(call))
            ready = next(lines(self._back), None)
        except OSError:
            ready = None
        if ready is None or "error" in ready:
            self.close()
            if ready is None:
                raise WebError("The server of the pages did not start.", "Try: rowlog serve")
            kind = CallError if ready.get("code") == CallError.exit_code else WebError
            raise kind(str(ready["error"]))
        self.url = str(ready["url"])
        """Opens the pages; with the token where one is asked for."""
        self.told = [str(line) for line in ready["told"]]  # type: ignore[attr-defined]
        """What there is to say of it, a line each."""

    @property
    def view(self) -> PipedView:
        """Watches the recording for the pages."""
        return PipedView(self._out, self._back, alone=False)

    def tell(self, text: str) -> None:
        """A sentence for who looks already; never waits."""
        write_later(self._out, wire.line("told", text=text))

    def ended(self, session: int | None, error: str | None = None) -> None:
        """The recording is over. Pages that do not even hear that are done away with."""
        said = write_later(self._out, wire.stage("ended", session, error))
        said.join(HEAR_S)
        if said.is_alive():
            self._process.kill()
        with suppress(OSError, ValueError):
            self._out.close()

    def looked_at(self) -> bool:
        """Once it has ended: whether somebody looks at the pages, so that they stay."""
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return True
        return False

    def linger(self) -> None:
        """Wait as long as somebody looks at the pages."""
        with suppress(KeyboardInterrupt):
            self._process.wait()

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(HEAR_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(OSError, ValueError):
            self._out.close()
        self._back.close()


def _apart() -> dict[str, Any]:
    """Ctrl-C is for the recording, not for its pages; and the recording goes first."""
    if sys.platform == "win32":
        new_group, below_normal = 0x00000200, 0x00004000
        return {"creationflags": new_group | below_normal}
    return {"start_new_session": True}
