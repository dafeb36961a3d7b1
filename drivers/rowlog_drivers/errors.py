"""The base error: what happened, to what, and what to do next."""

from __future__ import annotations


class RowlogError(Exception):
    """Anything rowlog cannot do, said so that the reader can act on it.

    Attributes:
        what: one sentence without the remedy, naming the device or file.
        next_step: what to do about it; None when nothing can be done.
        exit_code: what a command ends with: 1 the work failed, 2 the call was wrong.
    """

    exit_code = 1

    def __init__(self, what: str, next_step: str | None = None) -> None:
        super().__init__(what if next_step is None else f"{what} {next_step}")
        self.what = what
        self.next_step = next_step


class CallError(RowlogError):
    """The call itself was wrong: an unknown name, a bad value, a missing file."""

    exit_code = 2


class FramesError(RowlogError):
    """A .frames file that cannot be read.

    Attributes:
        path: the file as it was named.
        line: 1-based line number; None when the fault is not in one line.
        expected: what should have stood there; None when the file could not be read at all.
    """

    def __init__(
        self,
        what: str,
        next_step: str | None = None,
        *,
        path: str,
        line: int | None = None,
        expected: str | None = None,
    ) -> None:
        super().__init__(what, next_step)
        self.path = path
        self.line = line
        self.expected = expected


class AddressError(CallError):
    """A device address that names no known transport or driver."""


class UnknownDriverError(CallError):
    """A driver name that is not in the catalogue."""


class LinkLostError(RowlogError):
    """A device that was connected is not any more."""
