"""Frame blocks: many frames as one compressed blob, exact to the byte and the nanosecond.

Pure: bytes in, bytes out. The layout (encoding 1) is described for other programs in
docs/database.md; it is columnar, so that zlib sees like beside like. A block holds, after
decompression and in this order, where `varint` is an unsigned LEB128 number and `text` a varint
length followed by UTF-8:

1. varint: number of frames; varint: number of kinds; each kind as text source, text channel and
   one byte `sent` (0 or 1).
2. the kind of every frame, as a column.
3. for every kind: its times as a column of steps (below).
4. varint: number of late frames; for each a varint, how many places after the late frame before
   it, and its `late_ns` (zigzag).
5. for every kind: its payload lengths as a column, a byte for the way, its payloads.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Final

from rowlog_drivers.frames import Frame

ENCODING: Final = 1
"""The layout that is written."""

BLOCK_FRAMES: Final = 8_192
"""How many frames a block holds at most; what one reader must hold in memory."""

BLOCK_BYTES: Final = 4 << 20
"""How many bytes of payload a block holds at most, a first longer payload excepted."""

MOST_FRAMES: Final = 1 << 20
"""A block that announces more is damaged: constant columns take no bytes that would tell."""

_JOINED: Final = 0
"""Payloads one after the other."""
_PLANES: Final = 1
"""Payloads of equal length side by side: all first bytes, then all second bytes, ..."""


class BlockError(ValueError):
    """A block that does not decode: it is damaged, or of an encoding that is not known."""


def checksum(block: bytes) -> bytes:
    """SHA-256 of a block as it is stored, 32 bytes."""
    return hashlib.sha256(block).digest()


def encode_block(frames: Sequence[Frame]) -> bytes:
    """The frames as one blob; `decode_block` gives back equal frames in the same order."""
    kinds: dict[tuple[str, str, bool], int] = {}
    order: list[int] = []
    members: list[list[Frame]] = []
    for frame in frames:
        kind = (frame.source, frame.channel, frame.sent)
        place = kinds.setdefault(kind, len(kinds))
        if place == len(members):
            members.append([])
        members[place].append(frame)
        order.append(place)
    out = bytearray()
    _put_varint(out, len(frames))
    _put_varint(out, len(kinds))
    for source, channel, sent in kinds:
        _put_text(out, source)
        _put_text(out, channel)
        out.append(sent)
    _put_column(out, order)
    for same in members:
        _put_times(out, [frame.t_ns for frame in same])
    late = [(place, frame.late_ns) for place, frame in enumerate(frames) if frame.late_ns]
    _put_varint(out, len(late))
    before = 0
    for place, late_ns in late:
        _put_varint(out, place - before)
        _put_varint(out, _zigzag(late_ns))
        before = place
    for same in members:
        _put_payloads(out, [frame.payload for frame in same])
    return zlib.compress(bytes(out), 9)


def decode_block(block: bytes, encoding: int = ENCODING) -> list[Frame]:
    """The frames of a block, in order. Raises BlockError for anything that is no whole block."""
    if encoding != ENCODING:
        raise BlockError(f"encoding {encoding} is not known, only {ENCODING}")
    try:
        reader = _Block(zlib.decompress(block))
        frames = _take_frames(reader)
    except (zlib.error, IndexError, struct.error, UnicodeDecodeError, OverflowError) as error:
        raise BlockError(f"the block is damaged ({error})") from error
    if reader.at != len(reader.bytes):
        raise BlockError(f"{len(reader.bytes) - reader.at} bytes are left over after the frames")
    return frames


def _take_frames(reader: _Block) -> list[Frame]:
    count = reader.varint()
    if count > MOST_FRAMES:
        raise IndexError(f"{count} frames are announced, {MOST_FRAMES} is the most")
    kinds = [(reader.text(), reader.text(), reader.flag()) for _ in range(reader.varint())]
    order = reader.column(count)
    sizes = [0] * len(kinds)
    for kind in order:
        sizes[kind] += 1
    if 0 in sizes:
        raise IndexError("a kind without frames")
    times = [iter(reader.times(size)) for size in sizes]
    late: dict[int, int] = {}
    place = 0
    for _ in range(reader.varint()):
        place += reader.varint()
        late[place] = _unzigzag(reader.varint())
    payloads = [iter(reader.payloads(size)) for size in sizes]
    return [
        Frame(
            t_ns=next(times[kind]),
            source=kinds[kind][0],
            channel=kinds[kind][1],
            payload=next(payloads[kind]),
            sent=kinds[kind][2],
            late_ns=late.get(place, 0),
        )
        for place, kind in enumerate(order)
    ]


# ------------------------------------------------------------------------------------- writing


def _put_varint(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _put_text(out: bytearray, text: str) -> None:
    encoded = text.encode("utf-8")
    _put_varint(out, len(encoded))
    out += encoded


def _put_column(out: bytearray, numbers: Sequence[int]) -> None:
    """Unsigned numbers: one byte width, then their lowest bytes, their second bytes, ..."""
    width = (max(numbers, default=0).bit_length() + 7) // 8
    out.append(width)
    _put_planes(out, [number.to_bytes(width, "little") for number in numbers], width)


def _put_times(out: bytearray, times: Sequence[int]) -> None:
    """A first time (zigzag), the customary step (zigzag), and how each step differs from it."""
    _put_varint(out, _zigzag(times[0]))
    steps = [after - before for before, after in pairwise(times)]
    customary = sorted(steps)[len(steps) // 2] if steps else 0
    _put_varint(out, _zigzag(customary))
    _put_column(out, [_zigzag(step - customary) for step in steps])


def _put_payloads(out: bytearray, payloads: Sequence[bytes]) -> None:
    """Whichever way is smaller: one after the other, or by length and then side by side."""
    _put_column(out, [len(payload) for payload in payloads])
    joined = b"".join(payloads)
    planes = bytearray()
    for same in _by_length(payloads).values():
        _put_planes(planes, same, len(same[0]))
    if len(zlib.compress(planes, 6)) < len(zlib.compress(joined, 6)):
        out.append(_PLANES)
        out += planes
    else:
        out.append(_JOINED)
        out += joined


def _by_length(payloads: Iterable[bytes]) -> dict[int, list[bytes]]:
    groups: dict[int, list[bytes]] = {}
    for payload in payloads:
        groups.setdefault(len(payload), []).append(payload)
    return groups


def _put_planes(out: bytearray, rows: Sequence[bytes], width: int) -> None:
    """Rows of `width` bytes, column by column; each as it is (0) or as differences (1)."""
    joined = b"".join(rows)
    for place in range(width):
        plane = joined[place::width]
        if plane.count(plane[:1]) == len(plane):  # as the names of JSON's fields are
            out.append(0)
            out += plane
            continue
        steps = _steps(plane)
        if len(zlib.compress(steps, 1)) < len(zlib.compress(plane, 1)):
            out.append(1)
            out += steps
        else:
            out.append(0)
            out += plane


def _steps(plane: bytes) -> bytes:
    """How each byte differs from the one before it, modulo 256; the first from 0.

    All at once, as one large number: the highest bit of each byte is kept out of the subtraction,
    so that none borrows from its neighbour, and put right after it.
    """
    size = len(plane)
    high = int.from_bytes(b"\x80" * size)
    now, before = int.from_bytes(plane), int.from_bytes(plane[:-1])
    steps = ((now | high) - (before & ~high)) ^ ((now ^ before) & high ^ high)
    return steps.to_bytes(size)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1


def _unzigzag(number: int) -> int:
    return number >> 1 if not number & 1 else -((number + 1) >> 1)


# ------------------------------------------------------------------------------------- reading


class _Block:
    """A cursor over a decompressed block."""

    def __init__(self, block: bytes) -> None:
        self.bytes = block
        self.at = 0

    def take(self, size: int) -> bytes:
        piece = self.bytes[self.at : self.at + size]
        if len(piece) < size:
            raise IndexError(f"{size} bytes wanted, {len(piece)} left")
        self.at += size
        return piece

    def varint(self) -> int:
        number = shift = 0
        while True:
            byte = self.take(1)[0]
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def flag(self) -> bool:
        return self.take(1) != b"\0"

    def text(self) -> str:
        return self.take(self.varint()).decode("utf-8")

    def column(self, count: int) -> list[int]:
        width = self.take(1)[0]
        if width == 1:
            return list(self.rows(count, 1))
        return [int.from_bytes(row, "little") for row in self.planes(count, width)]

    def times(self, count: int) -> list[int]:
        at_ns = _unzigzag(self.varint())
        customary = _unzigzag(self.varint())
        times = [at_ns]
        for difference in self.column(count - 1):
            at_ns += customary + _unzigzag(difference)
            times.append(at_ns)
        return times

    def payloads(self, count: int) -> list[bytes]:
        lengths = self.column(count)
        if self.take(1)[0] == _JOINED:
            return [self.take(length) for length in lengths]
        sizes: dict[int, int] = {}
        for length in lengths:
            sizes[length] = sizes.get(length, 0) + 1
        groups = {length: iter(self.planes(size, length)) for length, size in sizes.items()}
        return [next(groups[length]) for length in lengths]

    def planes(self, count: int, width: int) -> list[bytes]:
        if not width:
            return [b""] * count
        rows = self.rows(count, width)
        return [rows[start : start + width] for start in range(0, count * width, width)]

    def rows(self, count: int, width: int) -> bytes:
        """So many rows of `width` bytes, 1 at least, one after the other."""
        if width * (count + 1) > len(self.bytes) - self.at:
            raise IndexError(f"{count} rows of {width} bytes do not fit into what is left")
        rows = bytearray(count * width)
        for place in range(width):
            differs = self.flag()
            plane = self.take(count)
            if differs:
                plane = bytes([value & 0xFF for value in accumulate(plane)])
            rows[place::width] = plane
        return bytes(rows)
