"""Frames that no device sent: a link that came up or went down, a flood, and keys of the user."""

from __future__ import annotations

from typing import Final

from rowlog_drivers.frames import Frame
from rowlog_drivers.records import Flood, Link, Marker, Undecoded

FLOOD_CHANNEL: Final = "flood"
"""Where it stands how many frames of a source were left out."""


def decode_link(frame: Frame) -> Link | Undecoded:
    """What a `link` frame says; its payload is UTF-8 `up`, `down` or `down REASON`.

    Bytes of the reason that are not UTF-8 are replaced; any other payload is Undecoded.
    """
    word, _, reason = frame.payload.decode("utf-8", "replace").partition(" ")
    reason = reason.strip()
    if word == "up" and not reason:
        return Link(t_ns=frame.t_ns, source=frame.source, up=True)
    if word == "down":
        return Link(t_ns=frame.t_ns, source=frame.source, up=False, reason=reason or None)
    return Undecoded(
        t_ns=frame.t_ns, source=frame.source, reason='link: "up" or "down REASON" expected'
    )


def encode_link(up: bool, reason: str | None = None) -> bytes:
    """The payload of a `link` frame; `reason` is for people and only kept when going down."""
    if up:
        return b"up"
    return b"down" if reason is None else f"down {reason}".encode()


def decode_flood(frame: Frame) -> Flood | Undecoded:
    """How many frames were left out; the payload is their number in decimal digits."""
    digits = frame.payload.decode("ascii", "replace")
    if not (digits.isdecimal() and digits.isascii() and len(digits) <= 18):
        reason = "flood: a number of frames expected"
        return Undecoded(t_ns=frame.t_ns, source=frame.source, reason=reason)
    return Flood(t_ns=frame.t_ns, source=frame.source, count=int(digits))


def encode_flood(count: int) -> bytes:
    """The payload of a `flood` frame."""
    return str(count).encode()


def decode_key(frame: Frame) -> Marker:
    """The key that the user pressed; its label is the payload, read as UTF-8 with replacement."""
    return Marker(
        t_ns=frame.t_ns, source=frame.source, label=frame.payload.decode("utf-8", "replace")
    )
