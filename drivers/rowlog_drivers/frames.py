"""Frame and Request, and the .frames text files that hold them.

A .frames file is UTF-8 text: `# rowlog-frames 1`, header lines `# key: value`, then one frame a
line, `SECONDS SOURCE CHANNEL HEX [late=NS]`. It may be gzipped. The format is a
public contract: extend it, do not rename what stands.
"""

from __future__ import annotations

import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, NoReturn, TextIO
from urllib.parse import quote, unquote

from rowlog_drivers.errors import FramesError

FRAMES_VERSION: Final = 1
"""The version of the .frames format that is read and written."""

MAX_LINE_BYTES: Final = 1 << 20
"""A longer line is no frame: half a megabyte of payload is beyond what any device sends."""

MAX_PAYLOAD_BYTES: Final = 500_000
"""What fits a line with room for the other columns."""

MAX_GAP_NS: Final = 86_400_000_000_000
"""A day: nothing that is recorded is silent for longer within one session."""

MAX_NS: Final = (1 << 63) - 1
"""The latest instant that the database can hold, about 292 years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Some bytes, when, from whom: everything a device does reaches us as one of these."""

    t_ns: int
    """Nanoseconds since session start, stamped where the bytes entered."""
    source: str
    """Name of the device within the session."""
    channel: str
    """Lower-case UUID ("2ad1", "ce060031"), "rx" or "tx" for serial, "link", or "key"."""
    payload: bytes
    sent: bool = False
    """True for what the host sent; written with a leading ">" in .frames files."""
    late_ns: int = 0
    """By how much the stamp was moved forward to keep the processing order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Something that a decoder wants sent to its device."""

    channel: str
    """Where to write it: a characteristic, or "tx" for a serial line."""
    payload: bytes
    expects_reply: bool = True
    """Whether the device answers; the next request waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceHeader:
    """One device of a .frames file: a `# source:` line."""

    name: str
    """As it stands in the frames: printable, without blanks."""
    driver: str
    """Name of the driver in the catalogue: "ftms", "heart_rate", "waterrower", ..."""
    options: tuple[tuple[str, str], ...] = ()
    """(key, value) pairs in order: the advertised `name`, and decoder options."""

    def option(self, key: str) -> str | None:
        """The value of the option `key`; None when it is not given."""
        return next((value for name, value in self.options if name == key), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class FramesHeader:
    """What stands above the frames. Texts are one line each, but for the note."""

    version: int = FRAMES_VERSION
    sources: tuple[SourceHeader, ...] = ()
    started_at: datetime | None = None
    """Wall time of the session's instant 0, with its offset; None when nobody said."""
    end_ns: int | None = None
    """The session's last instant, nanoseconds; None when it is that of the last frame."""
    machine: str | None = None
    firmware: str | None = None
    plan: str | None = None
    """Interval text of what was meant to be done."""
    licence: str | None = None
    origin: str | None = None
    """Where the capture comes from."""
    note: str | None = None
    """Free text; each of its lines becomes a line of its own."""
    extra: tuple[tuple[str, str], ...] = ()
    """Other header lines, (key, value), kept as they were."""

    @property
    def end_s(self) -> float | None:
        """`end_ns` in seconds."""
        return None if self.end_ns is None else self.end_ns / 1e9

    def source(self, name: str) -> SourceHeader | None:
        """The source called `name`; None when there is none."""
        return next((source for source in self.sources if source.name == name), None)


@dataclass(frozen=True, slots=True)
class FramesFile:
    """A .frames file whose header has been read; iterating reads the frames, each time anew.

    Iteration holds one line in memory at a time and raises FramesError where the file is
    malformed, after the frames before it.
    """

    path: Path
    header: FramesHeader

    def __iter__(self) -> Iterator[Frame]:
        return _frames(self.path)

    @property
    def frames(self) -> Iterator[Frame]:
        """The frames from the first on."""
        return _frames(self.path)

    def verify(self) -> None:
        """Read it to its end, so that a fault is told before anything is made of it.

        Raises FramesError for what is malformed, and where nothing happens for over a day: then
        the times are no seconds since session start.
        """
        last_ns = 0
        for frame in self.frames:
            self._near(frame.t_ns, last_ns, "a frame")
            last_ns = frame.t_ns
        if self.header.end_ns is not None:
            self._near(self.header.end_ns, last_ns, "the end")

    def _near(self, t_ns: int, last_ns: int, what: str) -> None:
        if t_ns - last_ns > MAX_GAP_NS:
            raise FramesError(
                f"{self.path}: {what} at {format_seconds(t_ns)} s comes "
                f"{(t_ns - last_ns) // MAX_GAP_NS} days after what is before it.",
                "Times are seconds since session start, not the time of day or of an epoch.",
                path=str(self.path),
                expected="less than a day without a frame",
            )


def read_frames(path: str | Path) -> FramesFile:
    """Open a .frames file, gzipped or not (told by its content), and read its header.

    Raises FramesError, naming file, line and what was expected, for anything malformed.
    """
    path = Path(path)
    with _Reader(path) as reader:
        return FramesFile(path, reader.header())


def write_frames(target: str | Path | TextIO, header: FramesHeader, frames: Iterable[Frame]) -> int:
    """Write a .frames file and return how many frames it holds.

    A path that ends in `.gz` is gzipped, equal content giving equal bytes. A file appears under
    its name only when it is whole; an existing one is replaced. Blanks around header texts are
    dropped and line breaks in them (but for the note) become blanks.

    Raises FramesError when the file cannot be written, or for frames that the format cannot
    hold: decreasing time, a source without header, a channel or name with blanks.
    """
    if not isinstance(target, (str, Path)):
        name = getattr(target, "name", None)
        return _write(target, header, frames, name if isinstance(name, str) else "the stream")
    path = Path(target)
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            with path.open("wb") as out:
                return _write_bytes(out, header, frames, path)
        path = path.resolve()
        part = path.with_name(path.name + ".part")
        try:
            with part.open("wb") as out:
                count = _write_bytes(out, header, frames, path)
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    except OSError as error:
        raise FramesError(
            f"{target}: cannot be written: {error.strerror or error}.",
            "Check the folder, its permissions and the free space, or name another file.",
            path=str(target),
        ) from error
    return count


def parse_seconds(text: str) -> int | None:
    """Nanoseconds of a decimal number of seconds with at most 9 places, exactly.

    None when `text` is not one, is negative, or is beyond `MAX_NS`.
    """
    match = _SECONDS.fullmatch(text)
    if match is None:
        return None
    whole, places = match.groups()
    t_ns = int(whole) * 1_000_000_000 + int((places or "").ljust(9, "0"))
    return t_ns if t_ns <= MAX_NS else None


def format_seconds(t_ns: int) -> str:
    """The shortest decimal number of seconds that `parse_seconds` reads as `t_ns` (0 or more)."""
    whole, places = divmod(t_ns, 1_000_000_000)
    return f"{whole}.{places:09}".rstrip("0") if places else str(whole)


_SECONDS: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,9}))?")
_CHANNEL: Final = re.compile(r">?[a-z0-9][a-z0-9_.:-]*")
_HEADER: Final = re.compile(r"#[ \t]*([a-z][a-z0-9_.-]*):([ \t]*)(.*)", re.DOTALL)
_VERSION: Final = re.compile(r"#[ \t]*rowlog-frames[ \t]+([0-9]{1,9})")
_OPTION_KEY: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_LATE: Final = re.compile(r"late=([0-9]{1,19})")
_TEXTS: Final = ("machine", "firmware", "plan", "licence", "origin")
_KNOWN: Final = frozenset((*_TEXTS, "source", "started_at", "end", "note"))
_KEY_CHANNEL: Final = "key"
_KEY_SOURCE: Final = "user"
_LINE_FORM: Final = "SECONDS SOURCE CHANNEL HEX, then optionally late=NS"
_QUOTE_SAFE: Final = ":/,+()@"


class _Reader:
    """The lines of one file, with their numbers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line = 0
        self.pending: str | None = None
        """The first frame line, met while the header was read."""
        try:
            raw = path.open("rb")
        except FileNotFoundError as error:
            raise self._unreadable("there is no such file.", "Check the name.") from error
        except IsADirectoryError as error:
            raise self._unreadable(
                "is a folder.", "Name a .frames or .frames.gz file in it."
            ) from error
        except (OSError, ValueError) as error:
            raise self._unreadable(f"cannot be opened: {error}.", "Check the name.") from error
        try:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"
        except OSError as error:
            raw.close()
            raise self._unreadable(f"cannot be read: {error}.", "Check the name.") from error
        self._raw = raw
        self._stream: BinaryIO | gzip.GzipFile = (
            gzip.GzipFile(fileobj=raw, mode="rb") if packed else raw
        )

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        self._raw.close()

    def next_line(self) -> str | None:
        """The next line without its end; None after the last one."""
        if self.pending is not None:
            line, self.pending = self.pending, None
            return line
        try:
            raw = self._stream.readline(MAX_LINE_BYTES + 1)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise FramesError(
                f"{self.path}, after line {self.line}: the gzip data is cut short or damaged.",
                "Fetch or copy the file again; what stands before this line is sound.",
                path=str(self.path),
                line=self.line + 1,
                expected="whole gzip data",
            ) from error
        except OSError as error:
            raise self._unreadable(f"cannot be read: {error}.", "Check the disk.") from error
        if not raw:
            return None
        self.line += 1
        if len(raw) > MAX_LINE_BYTES:
            self.fail(
                f"a line of more than {MAX_LINE_BYTES} bytes",
                f"a frame: {_LINE_FORM}",
                "Is this a .frames file at all?",
            )
        if self.line == 1 and raw.startswith(b"\xef\xbb\xbf"):
            raw = raw[3:]
        try:
            return raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            return self.fail(
                f"byte 0x{raw[error.start]:02x} at column {error.start + 1} is not UTF-8",
                "UTF-8 text",
                "Save the file as UTF-8.",
            )

    def fail(self, found: str, expected: str, next_step: str) -> NoReturn:
        """Raise what is wrong with the current line."""
        raise FramesError(
            f"{self.path}, line {self.line}: {found}; expected {expected}.",
            next_step,
            path=str(self.path),
            line=self.line,
            expected=expected,
        )

    def header(self) -> FramesHeader:
        """Read up to the first frame, which is left as the next line."""
        self._version()
        texts: dict[str, str | None] = {}
        seen: set[str] = set()
        notes: list[str] = []
        extra: list[tuple[str, str]] = []
        sources: dict[str, SourceHeader] = {}
        started_at: datetime | None = None
        end_ns: int | None = None
        while (line := self.next_line()) is not None:
            stripped = line.strip()
            if not stripped:
                continue
            if not stripped.startswith("#"):
                self.pending = line
                break
            match = _HEADER.fullmatch(stripped)
            if match is None:
                if _VERSION.fullmatch(stripped):
                    self.fail(
                        "a second `# rowlog-frames` line",
                        "one such line, the first of the file",
                        "Were two files joined? Keep them apart.",
                    )
                continue
            key, blank, value = match[1], match[2], match[3].strip()
            if key not in _KNOWN:
                if blank or not value:
                    extra.append((key, value))
                continue
            if key in seen and key not in ("source", "note"):
                self.fail(f"a second `# {key}:`", f"one `# {key}:` at most", "Remove one of them.")
            seen.add(key)
            if key == "source":
                source = self._source(value)
                if source.name in sources:
                    self.fail(
                        f"a second source called {source.name!r}",
                        "a name of its own for each source",
                        "Rename one of them, in its frames too.",
                    )
                sources[source.name] = source
            elif key == "note":
                notes.append(value)
            elif key == "started_at":
                started_at = self._started_at(value)
            elif key == "end":
                end_ns = self._seconds(value, "`# end:`")
            else:
                texts[key] = value or None
        return FramesHeader(
            sources=tuple(sources.values()),
            started_at=started_at,
            end_ns=end_ns,
            machine=texts.get("machine"),
            firmware=texts.get("firmware"),
            plan=texts.get("plan"),
            licence=texts.get("licence"),
            origin=texts.get("origin"),
            note="\n".join(notes).strip() or None,
            extra=tuple(extra),
        )

    def _version(self) -> None:
        line = self.next_line()
        match = None if line is None else _VERSION.fullmatch(line.strip())
        expected = f"`# rowlog-frames {FRAMES_VERSION}`"
        if match is None:
            self.line = 1
            self.fail(
                "the file is empty" if line is None else "the first line is something else",
                expected,
                "If the file holds frames, put that line on top.",
            )
        if int(match[1]) != FRAMES_VERSION:
            self.fail(
                f"format version {match[1]}",
                expected,
                "It was written by another rowlog: update this one.",
            )

    def _source(self, value: str) -> SourceHeader:
        form = "`# source: NAME DRIVER [key=value ...]`"
        example = "For instance: # source: rower ftms name=My%20rower"
        words = value.split()
        if len(words) < 2:
            self.fail(f"{len(words)} words after `source:`", form, example)
        name, driver, *rest = words
        printable = name.isprintable() and driver.isprintable()
        if name.startswith("#") or "=" in driver or not printable:
            self.fail(f"name {name!r} and driver {driver!r}", form, example)
        options: list[tuple[str, str]] = []
        for word in rest:
            key, equals, text = word.partition("=")
            if not equals or not _OPTION_KEY.fullmatch(key):
                self.fail(f"the option {word!r}", form, example)
            if any(key == other for other, _ in options):
                self.fail(f"a second option {key!r}", "each option once", "Remove one of them.")
            try:
                if _BAD_PERCENT.search(text):
                    raise ValueError(text)
                options.append((key, unquote(text, errors="strict")))
            except ValueError:
                self.fail(
                    f"the value {text!r} of {key!r}",
                    "percent-encoded UTF-8",
                    "A blank is %20, a percent sign %25.",
                )
        return SourceHeader(name=name, driver=driver, options=tuple(options))

    def _started_at(self, value: str) -> datetime:
        try:
            started_at = datetime.fromisoformat(value)
        except ValueError:
            started_at = None
        if started_at is None or started_at.utcoffset() is None:
            self.fail(
                f"the time {value!r}",
                "ISO 8601 with an offset",
                "For instance: # started_at: 2026-03-01T18:04:00+01:00",
            )
        return started_at

    def _seconds(self, text: str, what: str) -> int:
        t_ns = parse_seconds(text)
        if t_ns is None:
            if text.startswith("-"):
                found = f"{what} is negative: {text!r}"
            elif len(text.partition(".")[2]) > 9:
                found = f"{what} has more than 9 places: {text!r}"
            else:
                found = f"{what} is {text!r}"
            self.fail(
                found,
                "seconds since session start, a decimal number with at most 9 places",
                "For instance: 12.25",
            )
        return t_ns

    def frame(self, line: str, header: FramesHeader, last_ns: int) -> Frame | None:
        """The frame of this line; None for a blank line or a comment."""
        words = line.split()
        if not words or words[0].startswith("#"):
            return None
        if not 4 <= len(words) <= 5:
            self.fail(
                f"{len(words)} columns", _LINE_FORM, "An empty payload is written as a hyphen."
            )
        t_ns = self._seconds(words[0], "the time")
        if t_ns < last_ns:
            self.fail(
                f"the time goes back from {format_seconds(last_ns)} to {words[0]}",
                "times that never decrease",
                "Move the line to where it belongs.",
            )
        source, channel, digits = words[1], words[2], words[3]
        if header.source(source) is None and not (
            source == _KEY_SOURCE and channel == _KEY_CHANNEL
        ):
            names = ", ".join(known.name for known in header.sources) or "none"
            self.fail(
                f"no source is called {source!r}",
                f"one of the header's sources ({names})",
                f"Add a line above the frames: # source: {source} DRIVER",
            )
        if not _CHANNEL.fullmatch(channel):
            self.fail(
                f"the channel {channel!r}",
                "a lower-case UUID, rx, tx, link or key, with a leading > for what was sent",
                "For instance: 2ad1 or >tx",
            )
        late_ns = 0
        if len(words) == 5:
            match = _LATE.fullmatch(words[4])
            if match is None or int(match[1]) > MAX_NS:
                self.fail(
                    f"the last column {words[4]!r}",
                    "late=NS, a whole number of nanoseconds",
                    "Write the payload without blanks.",
                )
            late_ns = int(match[1])
        sent = channel.startswith(">")
        return Frame(
            t_ns=t_ns,
            source=source,
            channel=channel[1:] if sent else channel,
            payload=b"" if digits == "-" else self._payload(digits),
            sent=sent,
            late_ns=late_ns,
        )

    def _payload(self, digits: str) -> bytes:
        try:
            return bytes.fromhex(digits)
        except ValueError:
            odd = all(digit in "0123456789abcdefABCDEF" for digit in digits)
            found = "an odd number of hex digits" if odd else "a payload that is not hex"
            short = digits if len(digits) <= 24 else digits[:24] + "..."
            self.fail(
                f"{found}: {short!r}",
                "two hex digits a byte, or - for no bytes",
                "Was the line cut?",
            )

    def _unreadable(self, what: str, next_step: str) -> FramesError:
        return FramesError(f"{self.path}: {what}", next_step, path=str(self.path))


def _frames(path: Path) -> Iterator[Frame]:
    with _Reader(path) as reader:
        header = reader.header()
        last_ns = 0
        while (line := reader.next_line()) is not None:
            frame = reader.frame(line, header, last_ns)
            if frame is not None:
                last_ns = frame.t_ns
                yield frame


def _write_bytes(out: BinaryIO, header: FramesHeader, frames: Iterable[Frame], path: Path) -> int:
    if path.suffix == ".gz":
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=out, mtime=0) as packed,
            io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as packed_text,
        ):
            return _write(packed_text, header, frames, str(path))
    text = io.TextIOWrapper(out, encoding="utf-8", newline="\n")
    try:
        return _write(text, header, frames, str(path))
    finally:
        text.detach()


class FramesWriter:
    """A .frames file that is written as frames come."""

    def __init__(self, out: TextIO, header: FramesHeader, name: str) -> None:
        """Write the header; `name` is the file's in messages. Raises FramesError."""
        try:
            top = "".join(line + "\n" for line in _header_lines(header, name))
            top.encode()
        except UnicodeEncodeError as error:
            raise FramesError(
                f"{name}: the header cannot be written: {error.object!r} is not Unicode text.",
                "The file would not be readable.",
                path=name,
            ) from error
        out.write(top)
        self.count = 0
        """How many frames were written."""
        self._out = out
        self._name = name
        self._sources = {source.name for source in header.sources}
        self._last_ns = 0

    def write(self, frames: Iterable[Frame]) -> None:
        """Write frames, each on a line. Raises FramesError for one that the format cannot hold."""
        for frame in frames:
            fault = _frame_fault(frame, self._sources, self._last_ns)
            if fault is not None:
                raise FramesError(
                    f"{self._name}: frame {self.count + 1} cannot be written: {fault}.",
                    "The file would not be readable.",
                    path=self._name,
                )
            self.count += 1
            self._last_ns = frame.t_ns
            self._out.write(
                f"{format_seconds(frame.t_ns)} {frame.source} {'>' if frame.sent else ''}"
                f"{frame.channel} {frame.payload.hex() or '-'}"
                f"{f' late={frame.late_ns}' if frame.late_ns else ''}\n"
            )


def _write(out: TextIO, header: FramesHeader, frames: Iterable[Frame], name: str) -> int:
    writer = FramesWriter(out, header, name)
    writer.write(frames)
    return writer.count


def _frame_fault(frame: Frame, sources: set[str], last_ns: int) -> str | None:
    if not last_ns <= frame.t_ns <= MAX_NS:
        return (
            f"its time {frame.t_ns} ns comes after {last_ns} ns"
            if frame.t_ns >= 0
            else (f"its time {frame.t_ns} ns is negative")
        )
    if not 0 <= frame.late_ns <= MAX_NS:
        return f"it is late by {frame.late_ns} ns"
    if len(frame.payload) > MAX_PAYLOAD_BYTES:
        return f"its payload has {len(frame.payload)} bytes, {MAX_PAYLOAD_BYTES} at most"
    is_key = frame.source == _KEY_SOURCE and frame.channel == _KEY_CHANNEL
    if frame.source not in sources and not is_key:
        return f"no source is called {frame.source!r}"
    if frame.channel.startswith(">") or not _CHANNEL.fullmatch(frame.channel):
        return f"the channel {frame.channel!r} is not lower-case letters and digits"
    return None


def _header_lines(header: FramesHeader, name: str) -> Iterator[str]:
    def fail(fault: str) -> NoReturn:
        raise FramesError(
            f"{name}: the header cannot be written: {fault}.",
            "The file would not be readable.",
            path=name,
        )

    yield f"# rowlog-frames {FRAMES_VERSION}"
    names: set[str] = set()
    for source in header.sources:
        for word in (source.name, source.driver):
            if not word or not word.isprintable() or word != "".join(word.split()):
                fail(f"the source {source.name!r} or its driver {source.driver!r} has blanks")
        if source.name in names or source.name.startswith("#") or "=" in source.driver:
            fail(f"the source {source.name!r} twice, or with a name or driver that is none")
        names.add(source.name)
        keys = [key for key, _ in source.options]
        if len(set(keys)) < len(keys) or not all(map(_OPTION_KEY.fullmatch, keys)):
            fail(f"the options {keys} of {source.name!r}")
        options = "".join(f" {key}={quote(text, _QUOTE_SAFE)}" for key, text in source.options)
        yield f"# source: {source.name} {source.driver}{options}"
    if header.started_at is not None:
        if header.started_at.utcoffset() is None:
            fail(f"started_at {header.started_at} has no offset")
        yield f"# started_at: {header.started_at.isoformat()}"
    if header.end_ns is not None:
        if not 0 <= header.end_ns <= MAX_NS:
            fail(f"the end {header.end_ns} ns")
        yield f"# end: {format_seconds(header.end_ns)}"
    for key in _TEXTS:
        text = _one_line(getattr(header, key) or "")
        if text:
            yield f"# {key}: {text}"
    if header.note is not None and header.note.strip():
        for line in header.note.strip().split("\n"):
            yield f"# note: {line.strip()}".rstrip()
    for key, text in header.extra:
        if key in _KNOWN or not _HEADER.fullmatch(f"# {key}:"):
            fail(f"the extra key {key!r}")
        yield f"# {key}: {_one_line(text)}".rstrip()


def _one_line(text: str) -> str:
    return " ".join(part.strip() for part in text.split("\n")).strip()
