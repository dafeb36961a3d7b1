"""A real browser for tests: Debian's chromium, driven over its DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

from tests.support import PATIENCE_S, ROOT

FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-default-apps", "--no-first-run",
    "--host-resolver-rules=MAP erg.test 127.0.0.1", "--disable-dev-shm-usage",
    "--hide-scrollbars", "--mute-audio", "--remote-debugging-port=0",
)  # fmt: skip
AXE: Final = ROOT / ".venv" / "axe-core" / "axe.min.js"
"""Where `.ci/run` puts the accessibility engine."""


def chromium() -> str | None:
    """The browser's program; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


def axe_source() -> str | None:
    """The accessibility engine; None where it is not installed."""
    return AXE.read_text(encoding="utf-8") if AXE.is_file() else None


class Browser:
    """One browser; its tabs share nothing that matters to a test but cookies of a host."""

    def __init__(self) -> None:
        program = chromium()
        assert program is not None
        self._folder = TemporaryDirectory(prefix="rowlog-browser-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        told = Path(self._folder.name) / "DevToolsActivePort"
        until = time.monotonic() + PATIENCE_S
        lines: list[str] = []
        while len(lines) < 2:
            assert self._process.poll() is None, "the browser has ended"
            assert time.monotonic() < until, "the browser does not answer"
            lines = told.read_text().splitlines() if told.exists() else []
        self._sockets = ExitStack()
        self._socket = self._connect(f"ws://127.0.0.1:{lines[0]}{lines[1]}")
        self._port = lines[0]

    def tab(self, width: int = 390, height: int = 844) -> Tab:
        """A new, empty page of a screen's size."""
        context = _call(self._socket, 1, "Target.createBrowserContext", {})["browserContextId"]
        made = _call(
            self._socket, 2, "Target.createTarget",
            {"url": "about:blank", "browserContextId": context},
        )  # fmt: skip
        number = made["targetId"]
        tab = Tab(self._connect(f"ws://127.0.0.1:{self._port}/devtools/page/{number}"))
        for domain in ("Page", "Runtime", "Network", "Log"):
            tab.call(f"{domain}.enable")
        tab.size(width, height)
        return tab

    def _connect(self, url: str) -> ClientConnection:
        return self._sockets.enter_context(
            connect(url, max_size=None, compression=None, max_queue=None)
        )

    def close(self) -> None:
        """End it."""
        os.killpg(self._process.pid, signal.SIGKILL)  # its profile is thrown away
        self._process.wait(PATIENCE_S)
        self._sockets.close()
        self._folder.cleanup()


class Tab:
    """One page."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0
        self.problems: list[str] = []
        """What the browser said on its console that is amiss: errors, refused by a policy."""
        self.requests: list[str] = []
        """Every address that the page asked for."""

    def call(self, method: str, **named: Any) -> dict[str, Any]:
        """One call of the protocol."""
        self._number += 1
        return _call(self._socket, self._number, method, named, self._event)

    def _event(self, said: dict[str, Any]) -> None:
        method, about = said.get("method"), said.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(str(about["exceptionDetails"]))
        elif method == "Log.entryAdded" and about["entry"]["level"] == "error":
            self.problems.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            if not about["request"]["url"].startswith(("about:", "data:")):
                self.requests.append(about["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(about["url"])

    def size(self, width: int, height: int) -> None:
        """The screen's size, in CSS pixels."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip

    def open(self, url: str) -> None:
        """Load a page, and wait until it is there."""
        self.call("Page.navigate", url=url)
        self.wait("location.href !== 'about:blank' && document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """What a script is worth, a promise awaited."""
        found = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True,
            userGesture=True,
        )  # fmt: skip
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition: str, patience_s: float = PATIENCE_S) -> Any:
        """Wait until a condition is true in the page; what it is worth then."""
        until = time.monotonic() + patience_s
        limit = f"{min(patience_s, 2.0) * 1000:.0f}"
        script = _UNTIL.replace("LIMIT", limit).replace("WANTED", condition)
        while True:
            try:
                found = self.run(script)
            except AssertionError as error:  # the page went away under it
                found = None
                if time.monotonic() > until:
                    raise AssertionError(f"never true: {condition}") from error
            if found:
                return found
            assert time.monotonic() < until, f"never true: {condition}\n{self.text()[:800]}"

    def text(self) -> str:
        """All words that can be seen."""
        return str(self.run("document.body.innerText"))

    def press(self, key: str, code: str | None = None) -> None:
        """A key of the keyboard, down and up."""
        named = {"key": key, "code": code or key}
        virtual = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32}.get(key, ord(key[0].upper()))
        letters = {"text": {"Enter": "\r"}.get(key, key)} if len(key) == 1 or key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            said = {"type": kind, "windowsVirtualKeyCode": virtual, **named}
            self.call("Input.dispatchKeyEvent", **said, **(letters if kind == "keyDown" else {}))

    def click(self, selector: str) -> None:
        """Click in the middle of an element, as a finger would: what lies over it gets it."""
        x, y = self.run(
            f"(() => {{ const at = document.querySelector({selector!r}); "
            "at.scrollIntoView({block: 'center'}); const box = at.getBoundingClientRect(); "
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def shot(self, file: Path) -> None:
        """A picture of the screen."""
        found = self.call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(found["data"]))

    def close(self) -> None:
        """Close it."""
        self.call("Page.close")


_UNTIL: Final = """new Promise((done) => {
  const until = performance.now() + LIMIT;
  const look = () => {
    let found = false;
    try { found = (WANTED); } catch { /* not there yet */ }
    if (found || performance.now() > until) done(found || false); else setTimeout(look, 15);
  };
  look();
})"""


def _call(
    socket: ClientConnection,
    number: int,
    method: str,
    named: dict[str, Any],
    event: Any = lambda said: None,
) -> dict[str, Any]:
    socket.send(json.dumps({"id": number, "method": method, "params": named}))
    while True:
        said = json.loads(socket.recv(PATIENCE_S))
        if said.get("id") == number:
            assert "error" not in said, (method, named, said["error"])
            result: dict[str, Any] = said["result"]
            return result
        event(said)
