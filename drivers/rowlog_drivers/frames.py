"""Frame and Request, and the .frames text files that hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Some bytes, when, from whom: everything a device does reaches us as one of these."""

    t_ns: int
    """Nanoseconds since session start, stamped where the bytes entered."""
    source: str
    """Name of the device within the session."""
    channel: str
    """Lower-case UUID ("2ad1", "ce060031"), "rx" or "tx" for serial, "link", or "key"."""
    payload: bytes
    sent: bool = False
    """True for what the host sent; written with a leading ">" in .frames files."""
    late_ns: int = 0
    """By how much the stamp was moved forward to keep the processing order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something that a decoder wants sent to its device."""

    channel: str
    """Where to write it: a characteristic, or "tx" for a serial line."""
    payload: bytes
    expects_reply: bool = True
    """Whether the device answers; the next request waits for it."""
