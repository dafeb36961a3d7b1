"""Keys that come as lines of text, from a script or a foot switch: a label a line."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import Empty, Queue
from typing import Final

from rowlog.viewing import Controls, Feed

LONGEST: Final = 100
"""A line of more bytes is no label."""
LOOK_EVERY_S: Final = 0.2
"""How often it is looked whether the recording is over."""


class KeyLines:
    """Presses the keys that a file, pipe or socket names, a label a line, as they come.

    What is none of them is told, and changes nothing. When the input ends the recording goes on.

    Args:
        source: the file descriptor to read.
        pressed: hears the label of every key that was pressed.
        tell: hears of each line that is no label.
    """

    name = "Reading keys"

    def __init__(
        self, source: int, *, pressed: Callable[[str], None], tell: Callable[[str], None]
    ) -> None:
        self._source = source
        self._pressed = pressed
        self._tell = tell
        self._lines: Queue[str | None] = Queue()

    def run(self, feed: Feed, controls: Controls) -> None:
        """Press what comes until the recording or the input is over."""
        # Reading may block for ever, so it has a thread that nobody waits for.
        threading.Thread(target=self._read, name="rowlog-key-lines", daemon=True).start()
        while not feed.closed:
            try:
                line = self._lines.get(timeout=LOOK_EVERY_S)
            except Empty:
                continue
            if line is None:
                return
            label = " ".join(line.lower().split())
            try:
                controls.press(label)
            except ValueError:
                self._tell(
                    f"rowlog: {line!r} is no key. There are next, pause, resume, extend, "
                    "extend 50m, undo, mark and end."
                )
            else:
                self._pressed(label)

    def _read(self) -> None:
        held = b""
        while True:
            try:
                read = os.read(self._source, 4096)
            except OSError:
                read = b""
            *lines, held = (held + (read or b"\n")).split(b"\n")
            for line in lines:
                if text := line[:LONGEST].decode("utf-8", "replace").strip():
                    self._lines.put(text)
            held = held[: LONGEST + 1]
            if not read:
                self._lines.put(None)
                return
