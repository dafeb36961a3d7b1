"""SQLite's write-ahead log read frame by frame: what in it is wrong, and what it should be.

The layout is SQLite's own, "Database File Format" (https://sqlite.org/fileformat2.html), section 4.
Each frame's checksum goes on from that of the frame before, so SQLite believes nothing behind the
first one that does not fit: one flipped bit takes all commits after it. The checksum is linear
modulo 2^32, so that the difference tells which bit it was; where it is one of a word's highest,
several are possible, and what the page was before and after decides.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

HEAD_BYTES: Final = 32
FRAME_HEAD_BYTES: Final = 24
_MAGIC: Final = (0x377F0682, 0x377F0683)
_VERSION: Final = 3007000
_WORD: Final = 0xFFFFFFFF

Sums = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mend:
    """Bytes that were other ones when the log was written."""

    place: int
    """From the log's beginning."""
    was: bytes
    """What should be there, in the place of as many bytes."""


@dataclass(frozen=True, slots=True)
class LogFrame:
    """One page as a commit left it."""

    number: int
    """Of the page, from 1."""
    is_commit: bool
    """Whether it is the last one of its commit."""
    content: bytes
    """The page, mended."""


@dataclass(frozen=True, slots=True)
class Log:
    """What a log holds, up to the last commit that is in it whole."""

    frames: tuple[LogFrame, ...] = ()
    """As they were written, those that could be mended too, up to the first that could not."""
    mends: tuple[Mend, ...] = ()
    """What makes SQLite read all of `frames`; () where it does."""
    beyond: tuple[LogFrame, ...] = ()
    """Frames that are whole behind the first one that is not and cannot be mended: of commits that
    nobody knows what they were made on."""


def read_log(content: bytes, page: Callable[[int], bytes] = lambda _: b"") -> Log:
    """Read a log; one without frames where it is none. `page` tells the database's own pages."""
    told = _read_head(content)
    if told is None:
        return Log()
    order, size, salts, state, mends = told
    step = FRAME_HEAD_BYTES + size
    raws = [
        content[place : place + step] for place in range(HEAD_BYTES, len(content) - step + 1, step)
    ]
    read: list[_Read | None] = []
    """None: it is damaged beyond mending."""
    for number, raw in enumerate(raws):
        if not _near(raw[8:16], salts):
            break  # of an earlier round of the log: here it ended
        following = raws[number + 1] if number + 1 < len(raws) else None
        one = _read_frame(raw, order, salts, state, following)
        read.append(one)
        state = _sums(raw[16:24]) if one is None else one.after
    _settle(read, page)
    whole = _until_none(read)
    frames = _committed([one.frame for one in whole])
    beyond = _committed([one.frame for one in read[len(whole) :] if one is not None])
    for number, good in enumerate(whole[: len(frames)]):
        for place, was in good.mends[:1]:
            mends.append(Mend(HEAD_BYTES + number * step + place, was))
    return Log(frames, tuple(mends) if frames else (), beyond)


def last_commit(content: bytes) -> int:
    """The number, from 1, of the last frame that seems to end a commit; 0 for none.

    -1 where the log's own header is wrong. Looks at no page, so that it takes an instant.
    """
    if len(content) < HEAD_BYTES:
        return 0
    magic, _, size, _, _, _, one, two = struct.unpack(">8I", content[:HEAD_BYTES])
    order = ">" if magic & 1 else "<"
    if magic not in _MAGIC or checksum(content[:24], order, (0, 0)) != (one, two):
        return -1
    salts = content[16:24]
    step = FRAME_HEAD_BYTES + size
    last = 0
    for number, place in enumerate(range(HEAD_BYTES, len(content) - step + 1, step), 1):
        there = content[place + 8 : place + 16]
        if there != salts and not _near(there, salts):
            break
        if content[place + 4 : place + 8] != bytes(4):
            last = number
    return last


def checksum(content: bytes, order: str, state: Sums) -> Sums:
    """SQLite's checksum of the log, carried on from `state` (section 4.2)."""
    one, two = state
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & _WORD
        two = (two + odd + one) & _WORD
    return one, two


@dataclass(slots=True)
class _Read:
    """A frame that follows on those before it."""

    raw: bytes
    after: Sums
    """The checksum that the next one goes on from."""
    mends: list[tuple[int, bytes]] = field(default_factory=list)
    """What may be wrong in it, of which one thing is: where, and what should be there."""

    @property
    def frame(self) -> LogFrame:
        raw = self.raw
        for place, was in self.mends[:1]:
            raw = _put(raw, place, was)
        number, committed = struct.unpack(">2I", raw[:8])
        return LogFrame(number, bool(committed), raw[FRAME_HEAD_BYTES:])


def _read_head(content: bytes) -> tuple[str, int, bytes, Sums, list[Mend]] | None:
    """Byte order, page size, salts and checksum of a log's header, and what is wrong in it."""
    if len(content) < HEAD_BYTES:
        return None
    head, told = content[:24], _sums(content[24:HEAD_BYTES])
    for magic in _MAGIC:
        order = ">" if magic & 1 else "<"
        sums = checksum(head, order, (0, 0))
        tries: list[tuple[int, bytes]] = [(0, head[:4])]
        if sums != told:
            tries = _wrong_bits(head, order, sums, told)
            if _one_bit(content[24:HEAD_BYTES], _packed(sums)):
                tries.append((24, _packed(sums)))
        for place, was in tries:
            mended = _put(content[:HEAD_BYTES], place, was)
            named, version, size, _ = struct.unpack(">4I", mended[:16])
            salts = mended[16:24]
            first = content[HEAD_BYTES + 8 : HEAD_BYTES + 16] or salts
            if (named, version) != (magic, _VERSION) or not 512 <= size <= 65536 or size & size - 1:
                continue
            if mended == content[:HEAD_BYTES]:
                return order, size, salts, told, []
            if first == salts:
                return order, size, salts, _sums(mended[24:]), [Mend(place, was)]
    return None


def _read_frame(
    raw: bytes, order: str, salts: bytes, state: Sums, following: bytes | None
) -> _Read | None:
    """A frame that goes on from `state`; None for one that does not, with all of its bits but one.

    `following` is what comes behind it, None for the last one.
    """
    covered = _covered(raw)
    after, told = checksum(covered, order, state), _sums(raw[16:24])
    if after == told:  # no checksum covers the salts, but that of the rest tells enough
        return _Read(raw, after, [] if raw[8:16] == salts else [(8, salts)])
    if raw[8:16] != salts:
        return None
    bits = [
        (place if place < 8 else place + FRAME_HEAD_BYTES - 8, was)
        for place, was in _wrong_bits(covered, order, after, told)
    ]
    bits = [one for one in bits if one[0] >= 8 or _is_sane(_put(raw, *one))]
    if _is_sane(raw):  # else one of its two numbers is the wrong one
        bits = [one for one in bits if one[0] >= 8] or bits
    else:
        bits = [one for one in bits if one[0] < 8]
    in_sums = _one_bit(raw[16:24], _packed(after))
    if in_sums and bits:  # the next one tells which of both it is
        if following is None:
            return None
        theirs = _covered(following), _sums(following[16:24])
        in_sums = checksum(theirs[0], order, after) == theirs[1]
        if not in_sums and checksum(theirs[0], order, told) != theirs[1]:
            return None
    if in_sums:
        return _Read(raw, after, [(16, _packed(after))])
    return _Read(raw, told, bits) if bits else None


def _settle(read: list[_Read | None], page: Callable[[int], bytes]) -> None:
    """Put first which of several bits is the wrong one, where that makes a difference.

    It makes none where the same page was written again later. Else the wrong one is where the page
    is not as it was before; where that does not tell either, the frame is given up.
    """
    whole = _until_none(read)
    number = 0
    while number < len(whole):
        one = whole[number]
        number += 1
        if len(one.mends) < 2:
            continue
        frames, which = _committed([other.frame for other in whole]), one.frame.number
        if any(frame.number == which for frame in frames[number:]):
            continue
        earlier = [frame.content for frame in frames[: number - 1] if frame.number == which]
        before = earlier[-1] if earlier else page(which)
        fitting = [
            (place, was)
            for place, was in one.mends
            if before[place - FRAME_HEAD_BYTES :][: len(was)] == was
        ]
        if len(fitting) == 1:
            one.mends.sort(key=lambda mend: mend not in fitting)
        elif number <= len(frames):  # what is in no whole commit does not count
            read[number - 1] = None
            whole, number = whole[: number - 1], 0  # those before may have relied on it


def _until_none(read: list[_Read | None]) -> list[_Read]:
    found: list[_Read] = []
    for one in read:
        if one is None:
            break
        found.append(one)
    return found


def _committed(frames: list[LogFrame]) -> tuple[LogFrame, ...]:
    """Those up to the last that ends a commit."""
    ends = [number for number, frame in enumerate(frames, 1) if frame.is_commit]
    return tuple(frames[: ends[-1]]) if ends else ()


def _is_sane(raw: bytes) -> bool:
    """Whether a frame's page and the file's length can be: no file of ours has 2^26 pages."""
    number, length = _sums(raw[:8])
    return 0 < number < 1 << 26 and length < 1 << 26


def _covered(raw: bytes) -> bytes:
    """What a frame's checksum is made of."""
    return raw[:8] + raw[FRAME_HEAD_BYTES:]


def _sums(raw: bytes) -> Sums:
    one, two = struct.unpack(">2I", raw)
    return one, two


def _packed(sums: Sums) -> bytes:
    return struct.pack(">2I", *sums)


def _put(raw: bytes, place: int, was: bytes) -> bytes:
    return raw[:place] + was + raw[place + len(was) :]


def _near(one: bytes, other: bytes) -> bool:
    """Whether they are the same, or one bit differs."""
    return one == other or _one_bit(one, other)


def _one_bit(one: bytes, other: bytes) -> bool:
    """Whether just one bit differs."""
    differing = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return differing.bit_count() == 1


def _wrong_bits(content: bytes, order: str, is_: Sums, told: Sums) -> list[tuple[int, bytes]]:
    """The words, each with one bit changed, that would make the checksum what it is told to be.

    And where they are. A word that is greater by d makes the sums greater by (d, d), an odd one by
    (0, d), and each pair of words behind it takes (a, b) to (a + b, a + 2 b): Fibonacci's numbers,
    of whose neighbours one is odd, and so has an inverse.
    """
    first, second = (told[0] - is_[0]) & _WORD, (told[1] - is_[1]) & _WORD
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    found: list[tuple[int, bytes]] = []
    even, odd = (1, 1), (0, 1)
    for pair in range(len(words) - 2, -1, -2):
        for word, (a, b) in ((pair, even), (pair + 1, odd)):
            by = first * pow(a, -1, 1 << 32) if a & 1 else second * pow(b, -1, 1 << 32)
            by &= _WORD
            if (a * by) & _WORD != first or (b * by) & _WORD != second:
                continue
            was = (words[word] + by) & _WORD
            if (was ^ words[word]).bit_count() == 1:
                found.append((word * 4, struct.pack(f"{order}I", was)))
        even = (even[0] + even[1]) & _WORD, (even[0] + 2 * even[1]) & _WORD
        odd = (odd[0] + odd[1]) & _WORD, (odd[0] + 2 * odd[1]) & _WORD
    return found
