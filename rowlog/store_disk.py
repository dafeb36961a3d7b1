"""What kind of disk a database lies on, and how it is written to there."""

from __future__ import annotations

from pathlib import Path
from typing import Final

FORGETFUL: Final = frozenset({"vfat", "msdos", "exfat", "fat", "fuseblk", "hfs"})
"""File systems without a journal: after a power cut a deleted file may be there again."""
NETWORK: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs", "ncpfs", "fuse.sshfs", "davfs"}
)
"""File systems of another computer, on which SQLite's log cannot be shared."""
_MOUNTS: Final = Path("/proc/self/mountinfo")


def identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from another of the same name; None where there is none."""
    try:
        told = path.stat()
    except OSError:
        return None
    return told.st_dev, told.st_ino


def file_system(folder: Path) -> str | None:
    """The type of the file system that holds a folder, as Linux calls it; None where not told."""
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
        place = folder.resolve()
    except OSError:
        return None
    found: tuple[int, str | None] = (-1, None)
    for line in lines:
        words = line.split(" ")
        if "-" not in words or len(words) < 7:
            continue
        mount = Path(words[4].replace("\\040", " "))
        kind = words[words.index("-") + 1]
        depth = len(mount.parts)
        if place.is_relative_to(mount) and depth >= found[0]:
            found = (depth, kind)
    return found[1]


def is_careful(path: Path) -> bool:
    """Whether the database at `path` is to be written without a log, each commit to the disk.

    So on FAT, exFAT and network disks: slower, and readers and the writer wait for one another.
    """
    kind = file_system(path.parent)
    return kind in FORGETFUL or kind in NETWORK


def warning(path: Path) -> str | None:
    """What the user should know of the disk; None where there is nothing."""
    kind = file_system(path.parent)
    if kind in NETWORK:
        return (
            f"{path} lies on a network disk ({kind}): it is written in a slower, safer way, and "
            "only one computer may use it at a time. A disk of this computer is better."
        )
    if kind in FORGETFUL:
        return (
            f"{path} lies on a disk without a journal ({kind}): it is written in a slower, safer "
            "way, with every commit on the disk. A disk of this computer is better."
        )
    return None
