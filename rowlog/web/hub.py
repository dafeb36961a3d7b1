"""Who looks at the live page: each gets the latest, and none holds up anything by not reading."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

Stage = Literal["idle", "connecting", "recording", "ended"]
"""Of the recording that the live page is about: "idle" when there was none yet."""

KEPT: Final = ("now", "past", "stage")
"""Kinds of messages of which only the latest counts; "stage" says how far a recording is."""
TOLD: Final = 20
"""So many sentences of a recording are kept for who looks later."""
QUEUED: Final = 8
"""So many sentences wait for one who reads slowly, the oldest dropped."""


class Viewer:
    """One who looks: a place for the latest message of each kind."""

    def __init__(self) -> None:
        self._slots: dict[str, str] = {}
        self._told: list[str] = []
        self._woken = asyncio.Event()

    def put(self, kind: str, text: str) -> None:
        """A message; it takes the place of one of its kind that was not fetched."""
        if kind in KEPT:
            self._slots[kind] = text
        else:
            self._told = [*self._told[1 - QUEUED :], text]
        self._woken.set()

    async def fetch(self, patience_s: float) -> list[str]:
        """What came since, in the order in which it is to be shown; [] when nothing did."""
        try:
            async with asyncio.timeout(patience_s):
                await self._woken.wait()
        except TimeoutError:
            return []
        self._woken.clear()
        slots, told = self._slots, self._told
        self._slots, self._told = {}, []
        order = ("stage", "past", "now")
        return [*told, *(slots[kind] for kind in order if kind in slots)]


class Hub:
    """What the recording said last, for all who look. Used on one event loop."""

    def __init__(self) -> None:
        self.viewers: set[Viewer] = set()
        self.stage: Stage = "idle"
        self.elsewhere = False
        """Whether another program records it, so that it cannot be steered from here."""
        self.looked = False
        """Whether anybody ever did."""
        self._latest: dict[str, str] = {}
        self._told: list[str] = []

    def clear(self) -> None:
        """Forget the recording before."""
        self._latest.clear()
        self._told.clear()

    def tell(self, kind: str, text: str) -> None:
        """A message of the recording, as it is to be sent."""
        if kind in KEPT:
            self._latest[kind] = text
        else:
            self._told = [*self._told[1 - TOLD :], text]
        for viewer in self.viewers:
            viewer.put(kind, text)

    def join(self) -> Viewer:
        """A new viewer, who gets at once what there is."""
        viewer = Viewer()
        for text in self._told[-QUEUED:]:
            viewer.put("told", text)
        for kind, text in self._latest.items():
            viewer.put(kind, text)
        self.viewers.add(viewer)
        self.looked = True
        return viewer

    def leave(self, viewer: Viewer) -> None:
        """One looks no longer."""
        self.viewers.discard(viewer)
