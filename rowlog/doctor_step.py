"""One finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was looked at."""

    what: str
    outcome: Outcome
    """"note": nothing wrong, but worth knowing."""
    text: str
    """What was seen, and what to do about it."""
    connected: bool = False
    """Whether it is about a device that is connected."""
