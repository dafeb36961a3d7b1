"""The replay transport: recorded frames, untouched, as fast as asked or at the clock's pace."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import FramesError
from rowlog_drivers.frames import Frame, FramesHeader, Request, SourceHeader, write_frames
from rowlog_drivers.interface import Transport
from rowlog_drivers.transports.replay import ReplayTransport

FRAMES = [
    Frame(t_ns=0, source="s4", channel="tx", payload=b"USB\r\n", sent=True),
    Frame(t_ns=2_000_000_000, source="s4", channel="rx", payload=b"_WR_\r\n"),
    Frame(t_ns=4_000_000_000, source="s4", channel="link", payload=b"down unplugged", late_ns=7),
]
HEADER = FramesHeader(sources=(SourceHeader(name="s4", driver="waterrower"),))


async def collect(transport: Transport) -> list[Frame]:
    await transport.open()
    frames = [frame async for frame in transport.frames()]
    await transport.close()
    await transport.close()
    return frames


def test_full_speed_gives_every_frame_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "x.frames.gz"
    write_frames(path, HEADER, FRAMES)
    transport = ReplayTransport(path)
    assert asyncio.run(collect(transport)) == FRAMES
    assert transport.header == HEADER
    assert asyncio.run(collect(ReplayTransport(FRAMES))) == FRAMES


@pytest.mark.parametrize(("rate", "speed", "least_s"), [(100, 1, 4.0), (10, 20, 0.2)])
def test_the_clock_paces(rate: float, speed: float, least_s: float) -> None:
    """4 recorded seconds take 4 / speed seconds of the clock (and 1 / rate of those of life)."""
    clock = Clock(rate)
    assert asyncio.run(collect(ReplayTransport(FRAMES, clock=clock, speed=speed))) == FRAMES
    assert clock.now_ns() >= least_s * 1e9


def test_closing_ends_a_wait_at_once() -> None:
    late = [FRAMES[0], Frame(t_ns=10**15, source="s4", channel="rx", payload=b"")]

    async def close_after_the_first() -> int:
        transport = ReplayTransport(late, speed=1)
        await transport.open()
        count = 0
        async for _ in transport.frames():
            count += 1
            asyncio.get_running_loop().call_soon(lambda: asyncio.ensure_future(transport.close()))
        return count

    assert asyncio.run(close_after_the_first()) == 1


def test_other_tasks_get_their_turn_at_full_speed() -> None:
    async def run() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        await collect(ReplayTransport(FRAMES[:1] * 1000))
        task.cancel()
        return turns

    assert asyncio.run(run()) >= 3


def test_a_recording_cannot_be_asked() -> None:
    transport = ReplayTransport(FRAMES)
    asyncio.run(transport.send(Request(channel="tx", payload=b"RESET\r\n")))
    assert asyncio.run(collect(transport)) == FRAMES


def test_a_missing_file_is_told_on_opening(tmp_path: Path) -> None:
    with pytest.raises(FramesError, match="no such file"):
        asyncio.run(ReplayTransport(tmp_path / "x.frames").open())


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_speed_is_above_zero(speed: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        ReplayTransport(FRAMES, speed=speed)
