"""Writing FIT: messages into bytes, each definition when it is first needed.

An encoder of our own: the one in Garmin's kit may not be passed on freely, and the others in the
open are forks that take a hundred times as long.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from rowlog.fit_layout import (
    APPLICATION_ID,
    BYTE,
    DEVELOPER_DATA_ID,
    FIELD_DESCRIPTION,
    STRING,
    UINT8,
    BaseType,
    crc16,
)

PROTOCOL_VERSION: Final = 0x20
"""2.0, the first with developer fields."""
PROFILE_VERSION: Final = 21194
_SLOTS: Final = 16
"""How many definitions can be in force at once."""


class Field(NamedTuple):
    """One value of a message."""

    number: int
    kind: BaseType
    value: float | str | bytes | Sequence[int]
    """Already in the file's own unit; several numbers make an array."""
    developer: bool = False


Shape = tuple[int, tuple[tuple[int, int, int, bool], ...]]


class FitWriter:
    """Collects messages, and makes the file of them."""

    def __init__(self) -> None:
        self._body = bytearray()
        self._slots: dict[Shape, int] = {}
        self._own: dict[str, tuple[int, BaseType]] = {}

    def message(self, number: int, fields: Sequence[Field]) -> None:
        """Append a message of the global `number`."""
        packed = [(field, _packed(field)) for field in fields]
        packed.sort(key=lambda pair: pair[0].developer)
        shape: Shape = (
            number,
            tuple((f.number, len(content), f.kind.code, f.developer) for f, content in packed),
        )
        slot = self._slots.get(shape)
        if slot is None:
            slot = self._define(shape)
        self._body.append(slot)
        for _, content in packed:
            self._body += content

    def own(self, name: str, kind: BaseType, value: float | str, units: str = "") -> Field:
        """A developer field by its name, described in the file when it is first used."""
        known = self._own.get(name)
        if known is None:
            if not self._own:
                self.message(
                    DEVELOPER_DATA_ID,
                    (Field(1, BYTE, APPLICATION_ID), Field(3, UINT8, 0)),
                )
            known = (len(self._own), kind)
            self._own[name] = known
            described = [
                Field(0, UINT8, 0),
                Field(1, UINT8, known[0]),
                Field(2, UINT8, kind.code),
                Field(3, STRING, name),
            ]
            if units:
                described.append(Field(8, STRING, units))
            self.message(FIELD_DESCRIPTION, described)
        return Field(known[0], known[1], value, developer=True)

    def content(self) -> bytes:
        """The whole file."""
        head = struct.pack(
            "<BBHI4s", 14, PROTOCOL_VERSION, PROFILE_VERSION, len(self._body), b".FIT"
        )
        head += struct.pack("<H", crc16(head))
        whole = head + bytes(self._body)
        return whole + struct.pack("<H", crc16(whole))

    def _define(self, shape: Shape) -> int:
        if len(self._slots) < _SLOTS:
            slot = len(self._slots)
        else:  # the oldest definition gives way
            oldest = next(iter(self._slots))
            slot = self._slots.pop(oldest)
        self._slots[shape] = slot
        number, fields = shape
        native = [field for field in fields if not field[3]]
        own = [field for field in fields if field[3]]
        self._body += struct.pack(
            "<BBBHB", 0x40 | (0x20 if own else 0) | slot, 0, 0, number, len(native)
        )
        for field_number, size, code, _ in native:
            self._body += bytes((field_number, size, code))
        if own:
            self._body.append(len(own))
            for field_number, size, _, _ in own:
                self._body += bytes((field_number, size, 0))
        return slot


def _packed(field: Field) -> bytes:
    value, kind = field.value, field.kind
    if isinstance(value, str):
        text = value.encode("utf-8")[:254]
        return text.decode("utf-8", "ignore").encode("utf-8") + b"\0"
    if isinstance(value, bytes):
        return value
    if isinstance(value, int | float):
        return struct.pack(f"<{kind.format}", _fitting(value, kind))
    return struct.pack(f"<{len(value)}{kind.format}", *(_fitting(item, kind) for item in value))


def _fitting(value: float, kind: BaseType) -> float:
    """The nearest value that the field can hold and that does not mean "not known"."""
    if kind.format in "fd":
        return float(value)
    bits = 8 * kind.size
    signed = kind.format.islower()
    lowest = -(1 << (bits - 1)) if signed else (1 if kind.invalid == 0 else 0)
    highest = (1 << (bits - 1)) - 2 if signed else (1 << bits) - 2
    return max(lowest, min(highest, round(value)))
