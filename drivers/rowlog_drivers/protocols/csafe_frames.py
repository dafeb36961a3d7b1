"""CSAFE framing: flags, byte stuffing, checksum, extended addresses, and how links cut frames.

Source: CSAFE Protocol Technical Specification, Physical and Logical Interface; Concept2 PM CSAFE
Communication Definition 0.27 for the limits, the addresses and the USB reports.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rowlog_drivers.errors import CallError

EXTENDED_START: Final = 0xF0
START: Final = 0xF1
STOP: Final = 0xF2
STUFF: Final = 0xF3

HOST: Final = 0x00
DEFAULT_MONITOR: Final = 0xFD
ALL_MONITORS: Final = 0xFF

LONGEST_FRAME: Final = 120
"""Bytes of a frame after stuffing, flags included, that a Concept2 monitor takes."""
LONGEST_HELD: Final = 1024
"""More bytes without a stop flag are noise: memory stays bounded."""
PIECE_BYTES: Final = 20
"""Bytes of one Bluetooth write or notification."""
REPORT_BYTES: Final = {1: 21, 4: 63, 2: 121}
"""USB report id to the report's length, the id included; shortest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsafeFrame:
    """What stood between the flags, unstuffed, its checksum right."""

    contents: bytes
    destination: int | None = None
    """Address; None in a standard frame."""
    sender: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BadFrame:
    """Bytes that began as a frame and were none."""

    reason: str


def checksum(contents: bytes) -> int:
    """All bytes of the contents joined by exclusive or; a reply's status byte is one of them."""
    result = 0
    for octet in contents:
        result ^= octet
    return result


def encode_frame(contents: bytes, *, destination: int | None = None, sender: int = HOST) -> bytes:
    """A whole frame; an extended one, with addresses, when a destination is given.

    Raises CallError for empty contents and for a frame of more than `LONGEST_FRAME` bytes.
    """
    if not contents:
        raise CallError("A CSAFE frame has at least one command.")
    addresses = b"" if destination is None else bytes([destination, sender])
    start = START if destination is None else EXTENDED_START
    body = bytearray([start])
    for octet in addresses + contents + bytes([checksum(contents)]):
        if octet >= EXTENDED_START and octet <= STUFF:
            body += bytes([STUFF, octet - EXTENDED_START])
        else:
            body.append(octet)
    body.append(STOP)
    if len(body) > LONGEST_FRAME:
        raise CallError(
            f"A CSAFE frame has up to {LONGEST_FRAME} bytes, not {len(body)}.",
            "Send the commands in several frames.",
        )
    return bytes(body)


def pieces(frame: bytes, size: int = PIECE_BYTES) -> tuple[bytes, ...]:
    """The frame in pieces of up to `size` bytes, as Bluetooth carries it."""
    return tuple(frame[at : at + size] for at in range(0, len(frame), size))


def encode_report(frame: bytes, *, reply_bytes: int = 0) -> bytes:
    """The frame as a USB report: report id, frame, zeros.

    The monitor answers in a report of the kind that it was asked with, so `reply_bytes`, the size
    of the expected reply, counts as well. Raises CallError for what fits no report.
    """
    needed = max(len(frame), reply_bytes) + 1
    for number, size in REPORT_BYTES.items():
        if needed <= size:
            return (bytes([number]) + frame).ljust(size, b"\0")
    raise CallError(
        f"A USB report holds up to {max(REPORT_BYTES.values()) - 1} bytes, not {needed - 1}."
    )


class CsafeFramer:
    """Bytes in any portions to frames; every start flag begins a frame anew."""

    __slots__ = ("_held", "_inside")

    def __init__(self) -> None:
        self._held = bytearray()
        self._inside = False

    def feed(self, portion: bytes) -> list[CsafeFrame | BadFrame]:
        """The frames that this portion completes; bytes outside frames are dropped."""
        found: list[CsafeFrame | BadFrame] = []
        for octet in portion:
            if octet in (START, EXTENDED_START):
                if self._inside:
                    found.append(BadFrame(reason="a frame without its stop flag"))
                self._held = bytearray([octet])
                self._inside = True
            elif not self._inside:
                continue
            elif octet == STOP:
                self._inside = False
                found.append(_frame(bytes(self._held)))
            else:
                self._held.append(octet)
                if len(self._held) > LONGEST_HELD:
                    self._inside = False
                    found.append(BadFrame(reason=f"no stop flag in {LONGEST_HELD} bytes"))
        return found

    def drop(self) -> BadFrame | None:
        """Forget a frame that has begun, because its rest will not come; None: none had."""
        if not self._inside:
            return None
        self._inside = False
        return BadFrame(reason="a frame without its stop flag")


def decode_frames(portions: Iterable[bytes]) -> list[CsafeFrame | BadFrame]:
    """All frames of some portions of bytes."""
    framer = CsafeFramer()
    return [frame for portion in portions for frame in framer.feed(portion)]


def _frame(held: bytes) -> CsafeFrame | BadFrame:
    body = bytearray()
    stuffed = False
    for octet in held[1:]:
        if stuffed:
            if octet > STUFF - EXTENDED_START:
                return BadFrame(reason=f"{octet:02x} after a stuffing byte")
            body.append(EXTENDED_START + octet)
            stuffed = False
        elif octet == STUFF:
            stuffed = True
        else:
            body.append(octet)
    if stuffed:
        return BadFrame(reason="a stuffing byte at the end")
    addresses: Sequence[int] = ()
    if held[0] == EXTENDED_START:
        if len(body) < 2:
            return BadFrame(reason="an extended frame without addresses")
        addresses = tuple(body[:2])
        del body[:2]
    if len(body) < 2:
        return BadFrame(reason="a frame without contents")
    contents, said = bytes(body[:-1]), body[-1]
    right = checksum(contents)
    if said != right:
        return BadFrame(reason=f"checksum {said:02x}, {right:02x} expected")
    return CsafeFrame(
        contents=contents,
        destination=addresses[0] if addresses else None,
        sender=addresses[1] if addresses else None,
    )
