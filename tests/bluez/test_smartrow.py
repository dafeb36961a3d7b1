"""A SmartRow in a room: known by its name, kept alive, heard whole, through the real bleak."""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Final

import pytest

from rowlog.bluetooth import connect
from rowlog.devices import Opened
from rowlog.pipeline import Pipeline
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.clock import Clock
from rowlog_drivers.protocols import smartrow
from rowlog_drivers.protocols.smartrow import FORCE_STEP_N, Message, encode_message
from rowlog_drivers.records import Link, MachineInfo, RowerSample, Stroke, Undecoded
from rowlog_drivers.transports.ble_names import uuid_of
from tests.bluez.fake import Characteristic, Daemon, Machine, bluez
from tests.bluez.test_pm5 import Heard

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

AT: Final = "C0:00:00:00:00:06"
WRITE: Final = uuid_of(smartrow.WRITE_CHANNEL)
NOTIFY: Final = uuid_of(smartrow.NOTIFY_CHANNEL)
SECONDS: Final = 24
LOST_AT_S: Final = 12
CURVE: Final = ((0, 8, 15, 22, 27, 31, 34, 35), (35, 35, 34, 33, 30, 28, 26, 24),
                (20, 17, 13, 9, 5, 2, 1, 0))  # fmt: skip


def said(t_s: int) -> bytes:
    """What it says in a second: 4 m, and with every other second a stroke."""
    metres, strokes = 4 * t_s, t_s // 2
    messages = [Message(type="a", distance_m=metres, elapsed_s=t_s)]
    if t_s % 2 == 0:
        messages += [
            Message(type="b", distance_m=metres, work_j=423.4, stroke_length_m=1.25),
            Message(type="c", distance_m=metres, power_w=179, average_power_w=177.4),
            Message(type="e", distance_m=metres, pace_s_per_500m=125, average_pace_s_per_500m=125),
            Message(type="f", distance_m=metres, peak_force_n=722, stopped=False),
            *(
                Message(type=letter, distance_m=metres, force_points=points)
                for letter, points in zip("xyz", CURVE, strict=True)
            ),
        ]
    messages.append(
        Message(type="d", distance_m=metres, stroke_rate_spm=30.0, stroke_count=strokes)
    )
    return b"".join(map(encode_message, messages))


def test_a_row_with_a_link_that_is_lost(daemon: Daemon) -> None:
    """It says the next second's messages whenever it is told that the host is there."""
    machine = Machine(
        address=AT,
        name="SmartRow",
        services={
            uuid_of(smartrow.SERVICE): [
                Characteristic(WRITE, ("write-without-response",)),
                Characteristic(NOTIFY),
            ]
        },
    )
    t_s = 0

    async def run() -> Heard:
        async with bluez(daemon, machine) as air:

            def written(uuid: str, payload: bytes) -> None:
                nonlocal t_s
                assert (uuid, payload) == (WRITE, b"$")
                t_s += 1
                lines = b"\rV@\rmartRow V200'+'\r" if t_s == 1 else b""
                lines += said(t_s)
                for at in range(0, len(lines), 20):  # cut wherever a notification is full
                    air.notify(machine, NOTIFY, lines[at : at + 20])
                if t_s == LOST_AT_S:
                    asyncio.get_running_loop().call_soon(air.drop, machine)

            machine.on_write = written
            clock = Clock(20.0)
            empty = Opened(devices=(), sources=(), addresses={}, clock=clock)
            on_air = await connect(empty, {"rower": parse_address("ble:SmartRow")}, [])
            assert on_air.found["rower"].identified.driver == "smartrow"
            heard = Heard()
            listening = asyncio.create_task(heard.run(on_air.opened))
            await heard.until(lambda: t_s >= SECONDS)
            await heard.until(
                lambda: any(
                    isinstance(one, RowerSample) and one.stroke_count == SECONDS // 2
                    for one in heard.records
                )
            )
            await asyncio.gather(*(one.close() for one in on_air.opened.devices))
            await listening
        return heard

    heard = asyncio.run(run())
    records = heard.records
    assert [one for one in records if isinstance(one, Undecoded)] == []
    assert [one.up for one in records if isinstance(one, Link)] == [True, False, True]
    assert {one.firmware for one in records if isinstance(one, MachineInfo)} == {"200"}
    # A sign of life once a second of the session, no oftener, and at once on a new link.
    signs = [
        one.frame.t_ns
        for one in heard.deliveries
        if one.frame is not None and one.frame.sent and one.frame.payload == b"$"
    ]
    back_ns = [one.t_ns for one in records if isinstance(one, Link) and one.up][1]
    for before, after in itertools.pairwise(signs):
        assert after - before >= 1_000_000_000 or before < back_ns <= after
    # Every stroke once, with its curve; a link that is lost takes none away.
    pipeline = Pipeline()
    for delivery in heard.deliveries:
        pipeline.feed(delivery)
    position = pipeline.position
    assert position is not None
    assert (position.distance_m, position.stroke_count) == (4.0 * (SECONDS - 1), SECONDS // 2)
    told = [one for one in records if isinstance(one, Stroke)]
    assert [one.number for one in told] == list(range(1, SECONDS // 2 + 1))
    curve = tuple(point * FORCE_STEP_N for third in CURVE for point in third)
    assert {one.force_curve_n for one in told} == {curve}
    assert {(one.work_j, one.peak_force_n, one.drive_length_m) for one in told} == {
        (423.4, 722, 1.25)
    }
