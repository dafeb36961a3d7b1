"""Exports: sessions chosen, files named, written, read back, and only then put in their place."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import file_digest, sha256
from io import BufferedIOBase
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from rowlog import exports
from rowlog.contents import Contents, load_contents
from rowlog.exports import FORMATS, Exporter, Format
from rowlog.exports.checking import UNREADABLE, CannotSay
from rowlog.starts import TIMED, UNKNOWN
from rowlog.summary import SessionSummary, load_sessions, session_number
from rowlog_drivers.errors import CallError, RowlogError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_DIFFERENCES_TOLD: Final = 3


class ExportError(RowlogError):
    """A file that cannot be written, or does not say what it should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which sessions; what is None does not choose."""

    since: date | None = None
    """Local date on which a session began, at the earliest."""
    until: date | None = None
    """At the latest."""
    athlete: str | None = None
    activity: str | None = None

    def takes(self, session: SessionSummary) -> bool:
        """Whether a session is among them."""
        began = date.fromisoformat(session.started_at[:10])
        return (
            (self.since is None or began >= self.since)
            and (self.until is None or began <= self.until)
            and (self.athlete is None or session.athlete == self.athlete)
            and (self.activity is None or session.activity == self.activity)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One session that was written, or could not be."""

    session_id: int
    file: Path | None
    """None when it was passed over."""
    format: str
    bytes: int = 0
    why_not: str | None = None
    """Why it was passed over; None when it was written."""
    shortened: tuple[str, ...] = ()
    """The texts, "note" or "plan", that the format holds the beginning of alone."""


def chosen(database: Path, words: str, only: Filter | None) -> list[int]:
    """The sessions that a call names: "last", numbers as in 3,5-8, or "all", oldest first.

    Raises CallError for what is none of these, StoreError for what cannot be read.
    """
    if words == "all" or only is not None:
        wanted = None if words in ("all", "last") else set(_numbers(words))
        found = [
            session.id
            for session in load_sessions(database)
            if session.duration_s is not None
            and (wanted is None or session.id in wanted)
            and (only is None or only.takes(session))
        ]
        return sorted(found)
    if words == "last":
        return [session_number(database, words)]
    return [session_number(database, str(number)) for number in _numbers(words)]


def _numbers(words: str) -> Iterator[int]:
    for part in words.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,9})(?:\s*-\s*([0-9]{1,9}))?\s*", part)
        if found is None:
            raise CallError(f"{words!r} names no sessions.", "Write a number, 3,5-8, last or all.")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first or last - first > 100_000:
            raise CallError(f"{part!r} is no range of sessions.", "Write it as in 5-8.")
        yield from range(first, last + 1)


def format_for(target: Path, name: str | None) -> Format:
    """The format that is meant. Raises CallError when it is not known, or not said."""
    if name is not None:
        found = exports.named(name)
        if found is None:
            names = ", ".join(known.name for known in FORMATS)
            raise CallError(f"There is no format {name!r}.", f"Name one of: {names}.")
        return found
    found = exports.by_suffix(target.name)
    if found is None:
        suffixes = ", ".join(known.suffix for known in FORMATS)
        raise CallError(
            f"{target.name or target} does not say in which format.",
            f"End it in one of {suffixes}, or add --format.",
        )
    return found


def export(
    database: Path,
    numbers: Sequence[int],
    target: Path,
    known: Format,
    *,
    folder: bool,
    overwrite: bool = False,
    on_file: Callable[[Exported], None] | None = None,
) -> list[Exported]:
    """Write sessions, each read back before it counts as done.

    With `folder`, `target` is one, made when it is not there, and a session that the format cannot
    hold is passed over; without it the one session goes into the file `target`. Raises ExportError,
    CallError for a file that exists, StoreError.
    """
    done = []
    names: dict[int, str] = {}
    if folder:
        _make_folder(target)
        names = {session.id: _file_name(session, known) for session in load_sessions(database)}
        there = [number for number in numbers if os.path.lexists(target / names[number])]
        if there and not overwrite:  # all or none: what stands there is seen before the first
            raise CallError(
                f"{target} holds {len(there)} of these {len(numbers)} files already, such as "
                f"{names[there[0]]}. Nothing was written.",
                "Name another folder, or add --force.",
            )
    for number in numbers:
        try:
            file = target / names[number] if folder else target
            exported = _export(database, number, file, known, overwrite=overwrite)
        except CannotSay as error:
            if not folder:
                raise ExportError(
                    f"Session {number} cannot be written as {known.name}: {error}.",
                    "Choose another --format.",
                ) from error
            exported = Exported(session_id=number, file=None, format=known.name, why_not=str(error))
        done.append(exported)
        if on_file is not None:
            on_file(exported)
    return done


def _export(database: Path, number: int, file: Path, known: Format, *, overwrite: bool) -> Exported:
    check_free(file, overwrite=overwrite)
    contents = load_contents(database, number)
    if contents.session.duration_s is None:
        raise ExportError(
            f"Session {number} is not closed yet.",
            "End its recording first; one that was interrupted is closed by: rowlog db rebuild",
        )
    module = exports.exporter(known)

    def check(part: Path) -> None:
        wrong = _wrong(module, contents, part)
        if wrong is not None:
            raise ExportError(
                f"{file} was not written: read back, it does not say what the database says. "
                f"{wrong}.",
                "Please report it with the session's frames: rowlog frames ID",
            )

    size = write_whole(
        file, lambda out: module.write(contents, out), check=check, overwrite=overwrite
    )
    return Exported(
        session_id=number,
        file=file,
        format=known.name,
        bytes=size,
        shortened=_shortened(module, contents.session),
    )


def _shortened(module: Exporter, session: SessionSummary) -> tuple[str, ...]:
    cut: Callable[[SessionSummary], list[str]] | None = getattr(module, "shortened", None)
    return () if cut is None else tuple(cut(session))


def _wrong(module: Exporter, contents: Contents, part: Path) -> str | None:
    """What a file does not say as the session has it, by field; None when all is right."""
    try:
        found = module.differences(contents, part)
    except (RowlogError, *UNREADABLE) as error:
        return f"It cannot be read: {error or type(error).__name__}".rstrip(".")
    if not found:
        return None
    told = "; ".join(map(str, found[:_DIFFERENCES_TOLD]))
    more = len(found) - _DIFFERENCES_TOLD
    return f"{told[0].upper()}{told[1:]}{f'; and {more} more' if more > 0 else ''}"


def check_free(file: Path, *, overwrite: bool) -> None:
    """Raise CallError where a file cannot be put, or stands already and must not be replaced."""
    if file.is_dir():
        raise CallError(f"{file} is a folder.", "Name a file in it.")
    if file.exists() and not file.is_file():  # /dev/null would be replaced by a file
        raise CallError(f"{file} is no file.", "Name one that is not there yet.")
    if not overwrite and os.path.lexists(file):
        raise CallError(f"{file} exists already.", "Name another file, or add --force.")


def write_whole(
    file: Path,
    write: Callable[[BinaryIO], object],
    *,
    check: Callable[[Path], None] | None = None,
    overwrite: bool = False,
) -> int:
    """Write a file beside its place, sync it, check it, and only then give it its name.

    With `check` it is also read back from the disk, byte by byte, before it counts as written.
    Returns its bytes. Raises CallError where it exists, ExportError where it cannot be written, and
    what `check` raises.
    """
    part: Path | None = None
    try:
        # Its name ends as the file's, since that says whether it is compressed.
        with NamedTemporaryFile(
            dir=file.parent, prefix=".rowlog-", suffix=f"-{file.name[-20:]}", delete=False
        ) as out:
            part = Path(out.name)
            digested = _Digested(cast(BinaryIO, out.file))
            write(cast(BinaryIO, out.file if check is None else digested))
            out.flush()
            os.fsync(out.fileno())
            _forget(out.fileno())
        if check is not None:
            check(part)
            if _digest(part) != digested.digest:
                raise ExportError(
                    f"{file} was not written: what the disk gives back is not what was written.",
                    "Check the disk, or name a file on another one.",
                )
        size = part.stat().st_size
        part.chmod(0o666 & ~_umask())
        _put(part, file, overwrite=overwrite)
    except FileExistsError as error:
        raise CallError(f"{file} exists already.", "Name another file, or add --force.") from error
    except OSError as error:
        raise ExportError(
            f"{file} cannot be written: {error.strerror or error}.",
            "Check the folder, its permissions and the free space, or name another file.",
        ) from error
    finally:
        if part is not None:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    return size


class _Digested(BufferedIOBase):
    """A file that remembers a digest of what is written to it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self._sum = out, sha256()
        self.name = out.name

    def writable(self) -> bool:
        """It is for that alone."""
        return True

    def write(self, content: ReadableBuffer) -> int:
        """Write, and remember."""
        self._sum.update(content)
        return self._out.write(content)

    def flush(self) -> None:
        """Have the file written, if that is still open."""
        if not self._out.closed:
            self._out.flush()

    @property
    def digest(self) -> bytes:
        """SHA-256 of all that was written."""
        return self._sum.digest()


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return file_digest(file, sha256).digest()


def _forget(descriptor: int) -> None:
    """Have what is read next come from the disk, where the system can be asked for that."""
    if hasattr(os, "posix_fadvise"):
        with suppress(OSError):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _put(part: Path, file: Path, *, overwrite: bool) -> None:
    """Give the whole file its name, at once, and make that last."""
    if overwrite:
        part.replace(file)
    else:
        try:
            os.link(part, file)  # fails where the name was taken meanwhile, as rename does not
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if os.path.lexists(file):
                raise FileExistsError(file) from None
            part.replace(file)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _make_folder(target: Path) -> None:
    named_as_file = exports.by_suffix(target.name) is not None
    if not target.is_dir() and (named_as_file or os.path.lexists(target)):
        raise CallError(
            f"Each session goes into a file of its own, and {target} names no folder.",
            "Name one, and the format with --format.",
        )
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ExportError(
            f"The folder {target} cannot be made: {error.strerror or error}.", "Name another one."
        ) from error


def _file_name(session: SessionSummary, known: Format) -> str:
    """A name that any system takes, and that sorts by date: 2026-11-24-0422-8x500m-1.

    about-2026-11-24-8x500m-1 where the date is that of a file which said none.
    """
    when = session.started_at[:16].replace("T", "-").replace(":", "")
    if session.start_from not in TIMED:
        when = f"{'about-' * (session.start_from == UNKNOWN)}{when[:10]}"
    return f"{when}-{safe_name(session.plan or session.activity)}-{session.id}{known.suffix}"


def safe_name(text: str) -> str:
    """`text` as a part of a file's name: letters, digits and single hyphens, 40 at most."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:40].strip("-") or "session"
