"""Names in the air: UUIDs as channels, and what a stranger calls itself as printable text."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

NAME_COLUMNS: Final = 32
"""How much of an advertised name is shown."""

# Bluetooth Core Specification, volume 3, part B, section 2.5.1: the Base UUID.
_BASE: Final = "-0000-1000-8000-00805f9b34fb"
# Concept2 PM5 Bluetooth interface: ce06XXXX with one base for all of its services.
_CONCEPT2: Final = "-43e5-11e4-916c-0800200c9a66"
_SHORT: Final = re.compile(r"[0-9a-f]{4}")
_CONCEPT2_SHORT: Final = re.compile(r"ce06[0-9a-f]{4}")


def channel_of(uuid: str) -> str:
    """The channel that a service or characteristic stands under in frames.

    Four hex digits for 16-bit UUIDs ("2ad1"), eight for Concept2's ("ce060031"), otherwise the
    full UUID; always lower-case.
    """
    full = uuid.lower()
    if full.startswith("0000") and full.endswith(_BASE):
        return full[4:8]
    if full.startswith("ce06") and full.endswith(_CONCEPT2):
        return full[:8]
    return full


def uuid_of(channel: str) -> str:
    """The full lower-case UUID of a channel; anything that is no short form is full already."""
    short = channel.lower()
    if _SHORT.fullmatch(short):
        return f"0000{short}{_BASE}"
    if _CONCEPT2_SHORT.fullmatch(short):
        return f"{short}{_CONCEPT2}"
    return short


def printable(name: str, columns: int = NAME_COLUMNS) -> str:
    r"""A name that may come from anyone, fit for a terminal: at most `columns` wide, one line.

    Control, format and surrogate characters, which could move a cursor or turn the direction of
    text, become escapes such as `\x1b`; what is too long ends with an ellipsis.
    """
    pieces: list[str] = []
    width = 0
    for character in name:
        piece = character if character.isprintable() else _escape(character)
        wide = unicodedata.east_asian_width(character) in "WF"
        piece_width = 2 if wide else 0 if unicodedata.combining(character) else len(piece)
        pieces.append(piece)
        width += piece_width
        if width > columns or len(pieces) > 4 * columns:
            return _cut(pieces, columns)
    return "".join(pieces)


def _escape(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _cut(pieces: list[str], columns: int) -> str:
    kept: list[str] = []
    width = 0
    for piece in pieces:
        width += sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in piece)
        if width > columns - 1:
            break
        kept.append(piece)
    return "".join(kept) + "…"
