"""The two halves of a driver: a Transport moves bytes, a Decoder gives them meaning."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.records import Record


@dataclass(frozen=True, slots=True)
class Delivery:
    """One frame with everything it was decoded into: evidence and meaning travel together.

    `frame` is None only for a Tick, which the buffer inserts and no device sent.
    """

    frame: Frame | None
    records: tuple[Record, ...]

    @property
    def t_ns(self) -> int:
        """When, in nanoseconds since session start."""
        return self.frame.t_ns if self.frame is not None else self.records[0].t_ns


@runtime_checkable
class Decoder(Protocol):
    """Bytes to records, one instance per connection; pure: no I/O, no clock, never raises.

    A decoder is given every frame of its source in order, those that the host sent included, so
    that a dialogue replays. Bytes that it cannot read become an `Undecoded` record.
    """

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records that this frame completes, oldest first; () when it completes none."""
        ...

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """What was still pending when the connection or the session ended at `t_ns`."""
        ...


@runtime_checkable
class Dialogue(Decoder, Protocol):
    """A decoder that must ask its device for values."""

    def next_request(self, t_ns: int) -> Request | None:
        """What to send at `t_ns`; None while it is too early or an answer is awaited.

        The transport reports what it sent as a frame with `sent` set, which `decode` is given:
        only then does the decoder count the request as asked.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Why a device that is being recorded is not heard at the moment, or what is wrong with it."""

    source: str
    """What it is called in frames."""
    device: str
    """What people call it, fit for a terminal."""
    trouble: str
    """What is wrong, in a few words: "silent", "link lost"."""
    seconds: float
    """Session seconds since it was last heard."""
    advice: str | None = None
    """The one thing to do, in a sentence; None while it may well mend itself."""
    heard: bool = False
    """Whether it is heard all the same, and something else is wrong."""


class Transport(Protocol):
    """I/O without meaning: opens a link, stamps what comes in, sends what it is given."""

    async def open(self) -> None:
        """Connect. Raises RowlogError, saying what to do, when that cannot be."""
        ...

    def frames(self) -> AsyncIterator[Frame]:
        """Every frame in order of arrival, sent ones included; ends when the link is given up."""
        ...

    async def send(self, request: Request) -> None:
        """Write to the device. Raises LinkLostError when the link is down."""
        ...

    async def close(self) -> None:
        """Let go of the device; safe to call twice."""
        ...


@runtime_checkable
class Waking(Protocol):
    """A transport whose link does not outlive the computer's sleep."""

    def woke(self) -> None:
        """The computer slept and is awake again: make a new link at once."""
        ...


@runtime_checkable
class Watched(Protocol):
    """A transport that tells why nothing comes."""

    def complaint(self) -> Complaint | None:
        """What is wrong now; None when all is well."""
        ...
