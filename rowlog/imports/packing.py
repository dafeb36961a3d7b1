"""Compressed files opened, whatever they are compressed by, with a limit on what comes out."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import IO, Final, cast

from rowlog.imports.workout import ImportFault

MOST_BYTES: Final = 64_000_000
"""No file of one workout is larger, compressed or not."""

BROKEN: Final = (
    EOFError, LookupError, OSError, OverflowError, RuntimeError, ValueError,
    lzma.LZMAError, struct.error, zlib.error,
)  # fmt: skip
"""What unpacking raises for bytes that are not whole."""


def _xz(packed: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], lzma.LZMAFile(packed))


_OPENERS: Final[tuple[tuple[bytes, str, Callable[[IO[bytes]], IO[bytes]]], ...]] = (
    (b"\x1f\x8b", "gzip", lambda packed: cast(IO[bytes], gzip.GzipFile(fileobj=packed))),
    (b"BZh", "bzip2", lambda packed: cast(IO[bytes], bz2.BZ2File(packed))),
    (b"\xfd7zXZ\0", "xz", _xz),
)


def packer(start: bytes) -> str | None:
    """What bytes that begin so are compressed by: gzip, bzip2, xz; None: nothing known."""
    return next((name for magic, name, _ in _OPENERS if start.startswith(magic)), None)


def opened(packed: IO[bytes], name: str) -> IO[bytes]:
    """What is compressed by that, to be read."""
    return next(opener for _, known, opener in _OPENERS if known == name)(packed)


_OTHERS: Final = (
    (0, b"PK\x03\x04", "zip"), (0, b"PK\x05\x06", "zip"), (257, b"ustar", "tar"),
    (0, b"7z\xbc\xaf", "7-Zip"), (0, b"Rar!", "rar"), (0, b"\x28\xb5\x2f\xfd", "zstd"),
)  # fmt: skip
"""(at which byte, what stands there, what it is packed by)."""


def still_packed(name: str, content: bytes) -> ImportFault | None:
    """Why bytes that are an archive, once unpacked as far as that is done, are not opened."""
    found = packer(content[:8]) or next(
        (by for at, magic, by in _OTHERS if content.startswith(magic, at)), None
    )
    if found is None:
        return None
    if found in ("7-Zip", "rar", "zstd"):
        return ImportFault(
            f"{name} is packed by {found}, which rowlog does not open.",
            "Unpack it, and import what is in it; or pack it as zip.",
        )
    return ImportFault(
        f"{name} is a {found} within another archive, or packed twice: one within another is not "
        "opened.",
        "Unpack the outer one by hand, and import what is in it.",
    )


class Limited:
    """Reads on, but raises ImportFault once more came out than was allowed for."""

    def __init__(self, inner: IO[bytes], fault: ImportFault) -> None:
        self._inner = inner
        self._fault = fault
        self.left = 0
        """So many bytes may still be read."""

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`."""
        content = self._inner.read(size)
        self.left -= len(content)
        if self.left < 0:
            raise self._fault
        return content


def unpacked(name: str, content: bytes) -> bytes:
    """The content itself, of a compressed file as of a plain one. Raises ImportFault."""
    packed_by = packer(content[:8])
    if packed_by is not None:
        try:
            with opened(BytesIO(content), packed_by) as inside:
                content = inside.read(MOST_BYTES + 1)
        except BROKEN as error:
            raise ImportFault(f"{name} is no whole {packed_by} file.", "Copy it again.") from error
    if len(content) > MOST_BYTES:
        raise ImportFault(
            f"{name} holds over {MOST_BYTES // 1_000_000} MB, which no workout does.",
            "Name the file of one workout.",
        )
    return content
