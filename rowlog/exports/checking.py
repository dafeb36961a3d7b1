"""Comparing what was read back from a file with what should be in it."""

from __future__ import annotations

import csv
import math
import struct
import zlib
from collections.abc import Iterable
from typing import Final, NamedTuple

UNREADABLE: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, SyntaxError, TypeError,
    ValueError, csv.Error, struct.error, zlib.error,
)  # fmt: skip
"""What the readers of files raise for one that is not as it should be."""


class CannotSay(Exception):
    """The session has nothing that this format could hold; the text says what is missing."""


class Difference(NamedTuple):
    """One field that was not read back as it was meant."""

    field: str
    expected: object
    found: object

    def __str__(self) -> str:
        return f"{self.field} should be {self.expected} and reads {self.found}"


class Expected(NamedTuple):
    """One field to compare."""

    field: str
    expected: float | str | None
    found: float | str | None
    within: float = 1e-9
    """How far a number may be off: the format's resolution."""


def compare(expected: Iterable[Expected]) -> list[Difference]:
    """Those fields that are not as they should be."""
    return [
        Difference(field, wanted, found)
        for field, wanted, found, within in expected
        if not _same(wanted, found, within)
    ]


def _same(wanted: float | str | None, found: float | str | None, within: float) -> bool:
    if isinstance(wanted, str) or isinstance(found, str) or wanted is None or found is None:
        return wanted == found
    if math.isnan(wanted) or math.isnan(found):
        return math.isnan(wanted) and math.isnan(found)
    return abs(wanted - found) <= within + 1e-9 * abs(wanted)
