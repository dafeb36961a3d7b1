"""What a simulated Bluetooth peripheral offers and sends: plain data, for any radio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Flag = Literal["read", "write", "notify", "indicate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic:
    """One characteristic of a service."""

    uuid: str
    """16-bit, or eight digits of a maker's own, in lower-case hex."""
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One primary service."""

    uuid: str
    """16-bit, or eight digits of a maker's own, in lower-case hex."""
    characteristics: tuple[Characteristic, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification or indication."""

    uuid: str
    payload: bytes
