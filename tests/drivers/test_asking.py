"""Devices that must be asked: one request at a time, again after trouble, in pieces as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Decoding, Device
from rowlog_drivers.errors import LinkLostError
from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.records import Record
from tests.support import PATIENCE_S


class Wire:
    """A transport that sends in pieces of three bytes and answers each request."""

    def __init__(self, failures: int = 0) -> None:
        self.sent: list[bytes] = []
        self.failures = failures
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()

    async def open(self) -> None:
        """Nothing to open."""

    async def frames(self) -> AsyncIterator[Frame]:
        while (frame := await self._frames.get()) is not None:
            yield frame

    async def send(self, request: Request) -> None:
        if self.failures:
            self.failures -= 1
            raise LinkLostError("Not connected.")
        self.sent.append(request.payload)
        for at in range(0, len(request.payload), 3):
            piece = request.payload[at : at + 3]
            self._frames.put_nowait(
                Frame(t_ns=0, source="m", channel="tx", payload=piece, sent=True)
            )
            await asyncio.sleep(0)
        self._frames.put_nowait(Frame(t_ns=0, source="m", channel="rx", payload=b"ok"))

    async def close(self) -> None:
        self._frames.put_nowait(None)


class Talk:
    """Asks for one thing after the other, once the answer before is there."""

    def __init__(self, questions: list[bytes]) -> None:
        self.left = list(questions)
        self.heard = bytearray()
        self.asked: bytes | None = None
        self.answers = 0

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        if frame.sent:
            self.heard += frame.payload
            if self.left and bytes(self.heard).endswith(self.left[0]):
                self.asked = self.left.pop(0)
        else:
            self.asked = None
            self.answers += 1
        return ()

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        return ()

    def next_request(self, t_ns: int) -> Request | None:
        if self.asked is not None or not self.left:
            return None
        return Request(channel="tx", payload=self.left[0])


def asked(questions: list[bytes], *, failures: int = 0, clock: bool = True) -> tuple[Wire, Talk]:
    wire, talk = Wire(failures), Talk(questions)

    async def run() -> None:
        device = Device(wire, Decoding({"m": talk}), clock=Clock(50.0) if clock else None)
        if not clock:
            await wire.close()
        async with asyncio.timeout(PATIENCE_S):
            async for _ in device.deliveries():
                if talk.answers == len(questions):
                    await wire.close()

    asyncio.run(run())
    return wire, talk


def test_each_request_is_sent_once_in_its_turn() -> None:
    questions = [b"abcdefgh", b"x", b"hello", b"y"]
    wire, talk = asked(questions)
    assert wire.sent == questions
    assert talk.heard == b"".join(questions)


@pytest.mark.parametrize("failures", [1, 3])
def test_what_could_not_be_sent_is_sent_later(failures: int) -> None:
    wire, _ = asked([b"abcd", b"e"], failures=failures)
    assert wire.sent == [b"abcd", b"e"]


def test_without_a_clock_nothing_is_asked() -> None:
    wire, _ = asked([b"abc"], clock=False)
    assert wire.sent == []
