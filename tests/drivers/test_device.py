"""Transport and decoder together, and several devices merged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import pairwise

import pytest

from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Decoding, Device, deliveries, merge
from rowlog_drivers.errors import LinkLostError
from rowlog_drivers.frames import Frame, Request, SourceHeader
from rowlog_drivers.interface import Delivery
from rowlog_drivers.records import HeartRate, Marker, Undecoded
from rowlog_drivers.simulator import Stretch, simulate
from rowlog_drivers.transports.replay import ReplayTransport

STRAP = SourceHeader(name="strap", driver="heart_rate")


def beat(t_ns: int, bpm: int = 150, source: str = "strap", late_ns: int = 0) -> Frame:
    return Frame(t_ns=t_ns, source=source, channel="2a37", payload=bytes([0, bpm]), late_ns=late_ns)


class Scripted:
    """A transport that yields these frames, then waits or raises."""

    def __init__(
        self, frames: Sequence[Frame], error: Exception | None = None, *, waits: bool = False
    ) -> None:
        self._frames = frames
        self._error = error
        self._waits = waits
        self.closed = 0

    async def open(self) -> None:
        """Nothing to open."""

    async def frames(self) -> AsyncIterator[Frame]:
        for frame in self._frames:
            await asyncio.sleep(0)
            yield frame
        if self._waits:
            await asyncio.Event().wait()
        if self._error is not None:
            raise self._error

    async def send(self, request: Request) -> None:
        """Nobody listens."""

    async def close(self) -> None:
        self.closed += 1


def strap(transport: Scripted | ReplayTransport, name: str = "strap") -> Device:
    source = SourceHeader(name=name, driver="heart_rate")
    return Device(transport, make_decoding([source]))


async def collected(devices: Sequence[Device]) -> list[Delivery]:
    return [delivery async for batch in merge(devices) for delivery in batch]


def test_frames_travel_with_what_they_mean() -> None:
    delivery = make_decoding([STRAP]).deliver(beat(7))
    assert delivery.frame == beat(7)
    assert delivery.records == (HeartRate(t_ns=7, source="strap", heart_rate_bpm=150),)


def test_keys_need_no_driver() -> None:
    frame = Frame(t_ns=9, source="user", channel="key", payload=b"next")
    assert Decoding({}).deliver(frame).records == (Marker(t_ns=9, source="user", label="next"),)


def test_a_source_without_a_driver_is_undecoded() -> None:
    (record,) = Decoding({}).deliver(beat(9)).records
    assert isinstance(record, Undecoded)
    assert "strap" in record.reason


def test_a_late_frame_is_decoded_at_its_own_stamp_and_counts_at_its_new_one() -> None:
    seen: list[int] = []

    class Watching:
        def decode(self, frame: Frame) -> tuple[HeartRate, ...]:
            seen.append(frame.t_ns)
            return (HeartRate(t_ns=frame.t_ns, source=frame.source, heart_rate_bpm=150),)

        def finish(self, t_ns: int) -> tuple[HeartRate, ...]:
            return ()

    delivery = Decoding({"strap": Watching()}).deliver(beat(1000, late_ns=300))
    assert seen == [700]
    assert delivery.frame == beat(1000, late_ns=300)
    assert [record.t_ns for record in delivery.records] == [1000]


def test_what_decoders_hold_comes_at_the_end() -> None:
    sim = simulate([Stretch(kind="work", seconds=20)], rower="s4", strap=False)
    decoding = make_decoding(sim.sources)
    for delivery in deliveries(sim.frames, decoding):
        assert all(record.t_ns == delivery.t_ns for record in delivery.records)
    held = decoding.finish(20_000_000_000)
    assert all(record.t_ns == 20_000_000_000 for record in held)


def test_one_device_gives_its_frames_in_order() -> None:
    sim = simulate([Stretch(kind="work", seconds=30)])

    async def run() -> list[Delivery]:
        device = Device(ReplayTransport(sim.frames), make_decoding(sim.sources))
        return [delivery async for delivery in device.deliveries()]

    assert asyncio.run(run()) == list(deliveries(sim.frames, make_decoding(sim.sources)))


def test_several_devices_are_merged_whole() -> None:
    one = [beat(t, source="one") for t in range(0, 2000, 2)]
    other = [beat(t, source="other") for t in range(1, 2000, 2)]
    devices = [strap(Scripted(one), "one"), strap(Scripted(other), "other")]
    merged = asyncio.run(collected(devices))
    for name, frames in (("one", one), ("other", other)):
        assert [d.frame for d in merged if d.frame and d.frame.source == name] == frames


def test_more_than_can_wait_is_held_back_not_lost() -> None:
    frames = [beat(10_000_000 * number) for number in range(5000)]
    merged = asyncio.run(collected([strap(ReplayTransport(frames))]))
    assert [delivery.frame for delivery in merged] == frames


def test_a_device_that_fails_is_told_after_what_it_had_sent() -> None:
    error = LinkLostError("The strap is gone.", "Wet it.")
    got: list[Delivery] = []
    healthy = Scripted([], waits=True)

    async def run() -> None:
        failing = strap(Scripted([beat(1), beat(2)], error))
        async for batch in merge([failing, strap(healthy, "other")]):
            got.extend(batch)

    with pytest.raises(LinkLostError):
        asyncio.run(run())
    assert [delivery.t_ns for delivery in got] == [1, 2]


def test_even_a_fault_of_ours_is_told_and_not_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        asyncio.run(collected([strap(Scripted([beat(1)], ZeroDivisionError()))]))


def test_leaving_early_leaves_no_task_behind() -> None:
    async def run() -> int:
        merged = merge([strap(Scripted([beat(1)], waits=True))])
        async for _ in merged:
            break
        await merged.aclose()  # type: ignore[attr-defined]
        return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1


def test_with_a_clock_each_second_is_told_although_nothing_comes() -> None:
    async def run() -> list[int]:
        clock = Clock(rate=200)
        marks: list[int] = []
        async for batch in merge([strap(Scripted([], waits=True))], clock=clock):
            assert batch == []
            marks.append(clock.now_ns())
            if len(marks) == 3:
                break
        return marks

    marks = asyncio.run(run())
    assert all(one < other for one, other in pairwise(marks))


def test_closing_a_device_closes_its_transport() -> None:
    transport = Scripted([])

    async def run() -> None:
        device = strap(transport)
        await device.close()
        await device.close()

    asyncio.run(run())
    assert transport.closed == 2


def test_no_devices_end_at_once() -> None:
    assert asyncio.run(collected([])) == []
