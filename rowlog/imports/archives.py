"""Zip archives: their files one after the other, with limits on what they unpack to."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

from rowlog.imports.workout import ImportFault

MOST_MEMBERS: Final = 20_000
MOST_MEMBER_BYTES: Final = 64_000_000
MOST_RATIO: Final = 200
"""Text of numbers packs to a tenth; a member that packs to less than this is made to do harm."""


def is_archive(file: Path) -> bool:
    """Whether the file begins as a zip archive does. Raises OSError."""
    with file.open("rb") as opened:
        return opened.read(4) == b"PK\x03\x04"


def members(file: Path) -> Iterator[tuple[str, bytes | ImportFault]]:
    """Name and content of each file in an archive, one in memory at a time.

    A member that cannot or must not be unpacked comes as the reason why. Raises ImportFault for
    what is no whole archive, OSError for what cannot be read.
    """
    try:
        with ZipFile(file) as archive:
            listed = [one for one in archive.infolist() if not one.is_dir()]
            if len(listed) > MOST_MEMBERS:
                raise ImportFault(
                    f"{file.name} holds {len(listed)} files, over {MOST_MEMBERS}.",
                    "Unpack it, and import the folder.",
                )
            for one in sorted(listed, key=lambda member: member.filename):
                if one.filename.rsplit("/", 1)[-1].startswith("."):
                    continue
                where = f"{file.name}/{one.filename}"
                too_packed = one.file_size > MOST_RATIO * max(one.compress_size, 5_000)
                if one.file_size > MOST_MEMBER_BYTES or too_packed:
                    yield (
                        one.filename,
                        ImportFault(
                            f"{where} unpacks to {one.file_size / 1e6:.0f} MB of "
                            f"{one.compress_size / 1e6:.3f} MB, which no workout does.",
                            "Unpack it by hand if you trust it.",
                        ),
                    )
                    continue
                try:
                    with archive.open(one) as packed:
                        content = packed.read(MOST_MEMBER_BYTES + 1)
                except (BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as why:
                    yield (
                        one.filename,
                        ImportFault(f"{where} cannot be unpacked: {why}.", "Unpack it by hand."),
                    )
                    continue
                yield one.filename, content
    except (BadZipFile, ValueError) as error:
        raise ImportFault(f"{file.name} is no whole archive: {error}.", "Copy it again.") from error
