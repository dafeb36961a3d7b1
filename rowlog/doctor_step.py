"""One finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was looked at."""

    what: str
    """What was looked at: "adapter", "scan", "first frame"; a serial port by its name."""
    outcome: Outcome
    """"note": nothing wrong, but worth knowing."""
    text: str
    """What was seen, and what to do about it."""
    connected: bool = False
    """Whether it is about a device that is connected."""
    device: str | None = None
    """The Bluetooth device that it is about, fit for a terminal; None: none in particular."""

    @property
    def subject(self) -> str:
        """What to call it before a colon."""
        return self.what if self.device is None else f"{self.device}, {self.what}"
