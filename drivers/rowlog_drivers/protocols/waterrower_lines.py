"""The lines of a WaterRower S4 or S5: cut from the serial stream, and parsed one by one.

Source of every packet: "Water Rower S4 & S5 USB Protocol", issue 1.04. Packets are ASCII, ended by
CR LF, and at most 50 bytes long with everything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from rowlog_drivers.protocols.waterrower_registers import Reading, read_flags, read_memory

LONGEST_LINE: Final = 48
"""Bytes of a packet without its CR LF."""
BUFFER_LIMIT: Final = 4096
"""Bytes that may wait for their line end."""

_SIZES: Final = {"S": 1, "D": 2, "T": 3}
_SIZE_NAMES: Final = {"S": "single", "D": "double", "T": "triple"}
SIZE_LETTERS: Final = {width: letter for letter, width in _SIZES.items()}
"""The letter that a read of so many bytes is asked with."""

KEY_LABELS: Final = {
    "R": "reset",
    "1": "units",
    "2": "zones",
    "3": "workout",
    "4": "up",
    "5": "OK",
    "6": "down",
    "7": "advanced",
    "8": "program",
    "9": "hold/cancel",
}
"""The keys of the monitor by the last character of their packet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """`_WR_`: the answer to `USB`; the machine is a WaterRower and sends from now on."""

    type: ClassVar[str] = "hardware"
    is_waterrower: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """`IVmvvvv`: which monitor, with which firmware."""

    type: ClassVar[str] = "model"
    model: int
    """4 or 5: S4, S5."""
    firmware: str
    """High and low part as sent: "02.10"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """`PING`: once a second while nobody rows."""

    type: ClassVar[str] = "ping"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ok:
    """`OK`: done, where there is no other reply."""

    type: ClassVar[str] = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Error:
    """`ERROR`: the machine did not understand, or will not."""

    type: ClassVar[str] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokeStart:
    """`SS`: the paddle accelerates, a drive begins."""

    type: ClassVar[str] = "stroke_start"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrokeEnd:
    """`SE`: the paddle slows down, the drive is over."""

    type: ClassVar[str] = "stroke_end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulses:
    """`Pxx`: pulses of the paddle in the last 25 ms."""

    type: ClassVar[str] = "pulses"
    count: int
    """0 to 255; machines send up to about 12."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`AKx` or `AIS`: a key of the monitor, in interactive mode."""

    type: ClassVar[str] = "key"
    key: str
    """What follows `AK`; "IS" for `AIS`."""
    label: str
    """What is printed on the key, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`IDS`, `IDD`, `IDT`: one, two or three bytes of memory."""

    type: ClassVar[str] = "memory"
    register: str
    """Lowest address read, three hexadecimal digits in upper case."""
    width: int
    """Bytes: 1, 2 or 3."""
    raw: int
    """The bytes as one number, highest address first, as they stand in the reply."""
    readings: tuple[Reading, ...]
    """What the bytes mean; () for an address without a known meaning."""
    flags: tuple[str, ...]
    """Names of the bits set in flag registers."""

    @property
    def address(self) -> int:
        """The register as a number."""
        return int(self.register, 16)

    @property
    def octets(self) -> bytes:
        """The bytes in memory order, lowest address first."""
        return self.raw.to_bytes(self.width, "little")

    def value(self, name: str) -> int | float | None:
        """The quantity of that name; None when this reply does not hold it."""
        return next((reading.value for reading in self.readings if reading.name == name), None)

    def integer(self, name: str) -> int | None:
        """Like `value`, for quantities that are counted."""
        value = self.value(name)
        return None if value is None else int(value)

    def octet(self, address: int) -> int | None:
        """The byte at `address`; None when this reply does not cover it."""
        offset = address - self.address
        return self.octets[offset] if 0 <= offset < self.width else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A line that is no packet of the machine: noise, or part of a packet."""

    type: ClassVar[str] = "rejected"
    line: str
    """The line, what is not printable escaped, shortened."""
    reason: str


Line = (
    Hardware
    | Model
    | Ping
    | Ok
    | Error
    | StrokeStart
    | StrokeEnd
    | Pulses
    | Key
    | Memory
    | Rejected
)

_WORDS: Final[dict[str, Line]] = {
    "_WR_": Hardware(),
    "PING": Ping(),
    "OK": Ok(),
    "ERROR": Error(),
    "SS": StrokeStart(),
    "SE": StrokeEnd(),
    "AIS": Key(key="IS", label="interactive"),
    **{f"AK{key}": Key(key=key, label=label) for key, label in KEY_LABELS.items()},
}
_HEX: Final = re.compile(r"[0-9A-F]*")
_LINE_ENDS: Final = re.compile(rb"[\r\n]")


class LineFramer:
    """Cuts a stream of bytes at CR, LF or CR LF, however it arrives in pieces.

    Empty lines are left out and NULs dropped. The result depends on the bytes alone, never on
    where the pieces were cut.
    """

    __slots__ = ("_pending", "_skipping", "dropped_bytes", "overflows")

    def __init__(self) -> None:
        self._pending = bytearray()
        self._skipping = False
        self.overflows = 0
        """Lines that grew longer than BUFFER_LIMIT."""
        self.dropped_bytes = 0
        """Bytes of such lines beyond the limit."""

    def feed(self, chunk: bytes) -> tuple[bytes, ...]:
        """The lines that `chunk` completes, without their ends.

        A line longer than BUFFER_LIMIT is given once, cut to that length, which no parser takes
        for a packet; its remainder is dropped up to the next line end.
        """
        lines: list[bytes] = []
        *ended, rest = _LINE_ENDS.split(chunk.replace(b"\0", b""))
        for piece in ended:
            self._append(piece, lines)
            if self._pending:
                lines.append(bytes(self._pending))
                self._pending.clear()
            self._skipping = False
        self._append(rest, lines)
        return tuple(lines)

    def clear(self) -> None:
        """Forget the unfinished line: the link was cut in it."""
        self._pending.clear()
        self._skipping = False

    def _append(self, piece: bytes, lines: list[bytes]) -> None:
        if self._skipping:
            self.dropped_bytes += len(piece)
            return
        self._pending += piece
        excess = len(self._pending) - BUFFER_LIMIT
        if excess > 0:
            lines.append(bytes(self._pending[:BUFFER_LIMIT]))
            self._pending.clear()
            self._skipping = True
            self.overflows += 1
            self.dropped_bytes += excess


def printable(line: bytes) -> str:
    """A line as text for people: shortened, nothing in it that could steer a terminal."""
    shown = line[:LONGEST_LINE].decode("latin-1").encode("unicode_escape").decode("ascii")
    return shown if len(line) <= LONGEST_LINE else shown + "..."


def parse_line(line: str | bytes) -> Line:
    """One packet of the machine, with or without its line end, in upper or lower case.

    Never raises: what is no packet comes back as Rejected, with the reason.
    """
    octets = line.encode("utf-8", "replace") if isinstance(line, str) else bytes(line)
    octets = octets.rstrip(b"\r\n")
    parsed = _parse(octets)
    if isinstance(parsed, str):
        return Rejected(line=printable(octets), reason=parsed)
    return parsed


def _parse(octets: bytes) -> Line | str:
    """The packet, or why it is none."""
    if len(octets) > LONGEST_LINE:
        return f"longer than a packet's {LONGEST_LINE} bytes"
    # Before upper(), which would turn letters beyond ASCII into others.
    if not octets.isascii():
        return "a byte that is not ASCII"
    text = octets.decode("ascii").upper()
    word = _WORDS.get(text)
    if word is not None:
        return word
    if text.startswith("ID"):
        return _parse_memory(text)
    if text.startswith("IV"):
        return _parse_model(text)
    if len(text) == 3 and text[0] == "P" and _HEX.fullmatch(text, 1):
        return Pulses(count=int(text[1:], 16))
    if any(known.startswith(text) for known in _WORDS):
        return "a truncated packet"
    if text[0] == "P" and len(text) <= 4:
        return "a pulse packet without exactly two hexadecimal digits"
    return "no packet of a WaterRower"


def _parse_model(text: str) -> Model | str:
    digits = text[2:]
    if len(digits) != 5 or not digits.isdigit():
        return f"a model packet has 5 digits, this one {len(digits)} characters that should be"
    return Model(model=int(digits[0]), firmware=f"{digits[1:3]}.{digits[3:5]}")


def _parse_memory(text: str) -> Memory | str:
    width = _SIZES.get(text[2:3])
    if width is None:
        return "a memory reply without its size S, D or T"
    register, value = text[3:6], text[6:]
    if len(register) < 3 or not _HEX.fullmatch(register):
        return "a memory reply without an address of three hexadecimal digits"
    if not _HEX.fullmatch(value):
        return "data that are not hexadecimal"
    if len(value) != 2 * width:
        name = _SIZE_NAMES[text[2]]
        return f"a {name} reply has {2 * width} data digits, this one {len(value)}"
    address, octets = int(register, 16), bytes.fromhex(value)[::-1]
    try:
        readings = read_memory(address, octets)
    except ValueError as error:
        return str(error)
    return Memory(
        register=register,
        width=width,
        raw=int(value, 16),
        readings=readings,
        flags=read_flags(address, octets),
    )
