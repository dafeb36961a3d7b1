"""Zip and tar archives: their files one after the other, with limits on what they unpack to."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple, cast
from zipfile import BadZipFile, ZipFile, ZipInfo

from rowlog.imports.packing import BROKEN, MOST_BYTES, Limited, opened, packer
from rowlog.imports.workout import ImportFault, shown

MOST_MEMBERS: Final = 20_000
MOST_TOTAL: Final = 4_000_000_000
"""Bytes that the files of one archive may come to."""
MOST_RATIO: Final = 200
"""Text of numbers packs to a tenth; what packs to less than this is made to do harm."""
_SMALL: Final = 5_000
"""Bytes that any file may be packed in."""
_HEADERS: Final = 1_000_000
"""Bytes that a tar archive may take to say what comes next."""


_EMPTY_ZIP: Final = b"PK\x05\x06"
_ENCRYPTED: Final = 1
"""The bit of a zip member's flags that says so."""


class Member(NamedTuple):
    """One file of an archive."""

    name: str
    """With its folders, fit to be shown."""
    content: bytes | ImportFault
    """Or why it cannot, or must not, be unpacked."""
    share: float
    """How far through the archive it stands, 0 to 1."""


def is_archive(file: Path) -> bool:
    """Whether the file begins as a zip or tar archive does, compressed or not. Raises OSError."""
    with file.open("rb") as raw:
        start = raw.read(512)
        if start.startswith((b"PK\x03\x04", _EMPTY_ZIP)):
            return True
        name = packer(start)
        if name is not None:
            raw.seek(0)
            try:
                start = opened(raw, name).read(512)
            except BROKEN:
                return False
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "replace")
    except (tarfile.HeaderError, ValueError):
        return False
    return True


def members(file: Path) -> Iterator[Member]:
    """The files of an archive, one in memory at a time; links, devices and hidden files left out.

    A member that cannot or must not be unpacked comes as the reason why. Nothing is ever written,
    so its path leads nowhere. Raises ImportFault for what is no whole archive, or goes on for too
    long; OSError for what cannot be read.
    """
    with file.open("rb") as raw:
        start = raw.read(8)
        raw.seek(0)
        try:
            if start.startswith(b"PK"):
                yield from _zipped(file, raw)
            else:
                yield from _taped(file, raw, packer(start))
        except (BadZipFile, tarfile.TarError, *BROKEN) as error:
            raise ImportFault(
                f"{file.name} is no whole archive: it is damaged, or a part of it is missing.",
                "Copy it again.",
            ) from error


def _zipped(file: Path, raw: IO[bytes]) -> Iterator[Member]:
    with ZipFile(raw) as archive:
        listed = [one for one in archive.infolist() if one.filename and not one.is_dir()]
        if len(listed) > MOST_MEMBERS or sum(one.file_size for one in listed) > MOST_TOTAL:
            raise _too_much(file)
        listed.sort(key=lambda member: member.filename)
        for place, one in enumerate(listed, 1):
            if _hidden(one.filename) or (one.external_attr >> 28) not in (0, 8):  # links
                continue
            name = shown(one.filename)
            yield Member(name, _member(file, archive, one, name), place / len(listed))


def _member(file: Path, archive: ZipFile, one: ZipInfo, name: str) -> bytes | ImportFault:
    packed = max(one.compress_size, _SMALL)
    if one.file_size > MOST_BYTES or one.file_size > MOST_RATIO * packed:
        return _too_large(f"{file.name}/{name}", one.file_size, one.compress_size)
    where, by_hand = f"{file.name}/{name}", "Unpack it by hand, and import what comes out."
    if one.flag_bits & _ENCRYPTED:
        return ImportFault(f"{where} is locked by a password.", by_hand)
    try:
        with archive.open(one) as inside:
            return inside.read(MOST_BYTES + 1)
    except NotImplementedError:
        return ImportFault(f"{where} is packed in a way that rowlog does not open.", by_hand)
    except (BadZipFile, *BROKEN):
        return ImportFault(
            f"{where} is damaged, and cannot be unpacked.", "Copy the archive again."
        )


def _taped(file: Path, raw: IO[bytes], packed_by: str | None) -> Iterator[Member]:
    size = max(file.stat().st_size, 1)
    tape = Limited(raw if packed_by is None else opened(raw, packed_by), _too_much(file))
    left = MOST_TOTAL if packed_by is None else min(MOST_TOTAL, MOST_RATIO * max(size, _SMALL))
    tape.left = _HEADERS
    count = 0
    with tarfile.open(fileobj=cast(IO[bytes], tape), mode="r|") as archive:
        while (one := archive.next()) is not None:
            archive.members = []  # type: ignore[attr-defined]  # it would keep them all
            count += 1
            left -= one.size
            if count > MOST_MEMBERS or left < 0:
                raise _too_much(file)
            tape.left = one.size + _HEADERS
            if not one.isreg() or _hidden(one.name):
                continue
            name, share = shown(one.name), min(raw.tell() / size, 1.0)
            if one.size > MOST_BYTES:
                yield Member(name, _too_large(f"{file.name}/{name}", one.size, None), share)
                continue
            inside = archive.extractfile(one)
            content = b"" if inside is None else inside.read(MOST_BYTES + 1)
            yield Member(name, content, share)


def _hidden(name: str) -> bool:
    return name.rsplit("/", 1)[-1].startswith(".") or name.startswith("__MACOSX/")


def _too_much(file: Path) -> ImportFault:
    return ImportFault(
        f"{file.name} holds more than {MOST_MEMBERS:,} files, or unpacks to over "
        f"{MOST_TOTAL // 10**9} GB or {MOST_RATIO} times its size.",
        "Unpack it by hand if you trust it, and import the folder.",
    )


def _too_large(where: str, size: int, packed: int | None) -> ImportFault:
    of = "" if packed is None else f" from {packed / 1e6:.3f} MB"
    return ImportFault(
        f"{where} unpacks to {size / 1e6:.0f} MB{of}, which no workout does.",
        "Unpack it by hand if you trust it.",
    )
