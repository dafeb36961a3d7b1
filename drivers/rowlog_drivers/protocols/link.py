"""Frames that no device sent: a link that came up or went down, and keys of the user."""

from __future__ import annotations

from rowlog_drivers.frames import Frame
from rowlog_drivers.records import Link, Marker, Undecoded


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


def decode_key(frame: Frame) -> Marker:
    """The key that the user pressed; its label is the payload, read as UTF-8 with replacement."""
    return Marker(
        t_ns=frame.t_ns, source=frame.source, label=frame.payload.decode("utf-8", "replace")
    )
