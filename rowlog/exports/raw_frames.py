""".frames: every byte that the devices sent, as text that can be replayed."""

from __future__ import annotations

import gzip
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

from rowlog.contents import Contents
from rowlog.exports.checking import CannotSay, Difference, Expected, compare
from rowlog.replaying import export_frames, frames_digest, stored_digest


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every frame, compressed where the file's name says so.

    Raises CannotSay for a session that was imported from another format.
    """
    if not contents.summary.quality.frames:
        raise CannotSay("it was imported and has no frames of its own")
    if str(getattr(out, "name", "")).endswith(".gz"):
        with gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed:
            _text(contents, packed)  # type: ignore[arg-type]
    else:
        _text(contents, out)


def _text(contents: Contents, out: BinaryIO) -> None:
    text = TextIOWrapper(out, encoding="utf-8", newline="\n")
    export_frames(contents.database, contents.session.id, text)
    text.flush()
    text.detach()


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the file back, and compare every frame by a digest."""
    stored = stored_digest(contents.database, contents.session.id)
    read = frames_digest(path)
    return compare(
        [
            Expected("frames", stored.frames, read.frames),
            Expected("the bytes of all frames", stored.sha256, read.sha256),
        ]
    )
