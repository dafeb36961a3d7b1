"""A whole interval session by Bluetooth, with the clock at 20 times life and a link lost in it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from rowlog import render, summary
from rowlog.bluetooth import OnAir, connect
from rowlog.devices import Opened
from rowlog.notation import parse
from rowlog.rebuild import rebuild
from rowlog.recorder import Progress, Recorder
from rowlog.simulating import script_for
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog_drivers.addresses import Address, parse_address
from rowlog_drivers.catalog import Role
from rowlog_drivers.clock import Clock, wall_now
from rowlog_drivers.frames import Frame
from rowlog_drivers.simulator import Simulation, simulate
from tests.bluez.fake import Daemon, FakeBluez, Machine, bluez, rower, strap
from tests.support import PATIENCE_S, rows

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

RATE: Final = 20.0
PLAN: Final = "4x500m/1:00r"
AWAY_S: Final = 41.0
"""How long the rower is out of reach, in session seconds: a third of a rep."""
DATA: Final = {"rower": "2ad1", "strap": "2a37"}
LAST: Final = bytes([0, 99])
"""The strap's last word, unlike all before: those have RR intervals."""


def on_paper() -> Simulation:
    """What the devices send, and what was rowed."""
    return simulate(script_for(parse(PLAN)), seed=7)


async def play(
    air: FakeBluez,
    machines: Mapping[str, Machine],
    frames: list[Frame],
    clock: Clock,
    away_s: float,
) -> list[tuple[str, bytes]]:
    """Send what is due; the rower is out of reach from `away_s` on; what did not get through.

    While a device is just being subscribed to again, since a busy computer was late, it waits.
    """
    begin_s = clock.now_ns() / 1e9
    lost: list[tuple[str, bytes]] = []
    gone = back = False
    for frame in frames:
        t_s = frame.t_ns / 1e9
        if t_s >= away_s and not gone:
            gone = True
            air.leave(machines["rower"])
        if t_s >= away_s + AWAY_S and not back:
            back = machines["rower"].in_reach = True
        await asyncio.sleep(max(0.0, clock.life_s(begin_s + t_s - clock.now_ns() / 1e9)))
        machine = machines["rower" if frame.source == "rower" else "strap"]
        listeners = machine.characteristic(frame.channel).subscribers
        await air.until(lambda: bool(listeners) or not machine.connected)  # noqa: B023 - awaited
        if not air.notify(machine, frame.channel, frame.payload):
            lost.append((frame.source, frame.payload))
    return lost


async def record(
    air: OnAir, store: Store, stop: asyncio.Event, session_id: int, last: bytes
) -> None:
    """As the program does; ends when the payload `last` is stored."""
    recorder = Recorder(
        air.opened.devices, store, session_id, plan=parse(PLAN), clock=air.opened.clock
    )
    air.motion.pipeline = recorder.derivation.pipeline

    def watch(progress: Progress) -> None:
        frames = [delivery.frame for delivery in progress.derived.deliveries]
        if any(frame is not None and frame.payload == last for frame in frames):
            stop.set()

    await recorder.run(stop=stop, on_progress=watch)


def test_a_session_with_a_lost_link_in_rep_3(daemon: Daemon, tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    paper = on_paper()
    reps = [stretch for stretch in paper.truth.stretches if stretch.kind == "work"]
    away_s = reps[2].start_s + (reps[2].end_s - reps[2].start_s - AWAY_S) / 2
    frames = [frame for frame in paper.frames if frame.channel == DATA[frame.source]]
    machines = {"rower": rower(), "strap": strap()}

    async def run() -> list[tuple[str, bytes]]:
        async with bluez(daemon, *machines.values()) as fake:
            clock = Clock(RATE)
            wanted: dict[Role, Address] = {
                "rower": parse_address(f"ble:{machines['rower'].address}"),
                "strap": parse_address(f"ble:{machines['strap'].address}"),
            }
            opened = Opened(devices=(), sources=(), addresses={}, clock=clock)
            air = await connect(opened, wanted, [])
            with Store.open_writer(database) as store:
                session_id = store.begin_session(
                    started_at=wall_now() - timedelta(seconds=1),
                    plan=PLAN,
                    athlete=None,
                    activity="row",
                    sources=[
                        Source(name=one.name, driver=one.driver, options=one.options)
                        for one in air.opened.sources
                    ],
                )
                stop = asyncio.Event()
                recording = asyncio.create_task(record(air, store, stop, session_id, LAST))
                lost = await play(fake, machines, frames, clock, away_s)
                assert fake.notify(machines["strap"], DATA["strap"], LAST)
                async with asyncio.timeout(PATIENCE_S):
                    await recording
            assert not any(machine.connected for machine in machines.values())
            return lost

    lost = asyncio.run(run())
    with open_reader(database) as reader:
        kept = list(reader.read_frames(1))
    for source, channel in DATA.items():
        missing = [payload for name, payload in lost if name == source]
        sent = [frame.payload for frame in frames if frame.source == source]
        stored = [
            frame.payload for frame in kept if (frame.source, frame.channel) == (source, channel)
        ]
        if source == "strap":
            assert stored == [*sent, LAST]
            continue
        place = sent.index(missing[0])
        assert sent[place : place + len(missing)] == missing
        assert stored == sent[:place] + sent[place + len(missing) :]
        assert len(missing) >= 2 * AWAY_S - 2

    shown = summary.load(database, 1)
    work = [segment for segment in shown.segments if segment.kind == "work"]
    assert [segment.distance_m for segment in work] == pytest.approx([500.0] * 4, abs=0.5)
    for segment, truth in zip(work, reps, strict=True):
        seconds = truth.end_s - truth.start_s
        assert segment.duration_s == pytest.approx(seconds, abs=1.5)
    assert [segment.kind for segment in shown.segments].count("rest") >= 3
    gaps = [gap for gap in shown.gaps if gap.source == "rower"]
    (gap,) = (gap for gap in gaps if gap.cause.startswith("link: "))
    # A busy computer that stands still for 0.15 s misses 3 s of such a session.
    assert all(other.duration_s < AWAY_S for other in gaps if other is not gap)
    assert AWAY_S - 1 <= gap.duration_s <= AWAY_S + 40
    assert shown.quality.link_losses == 1
    text = render.summary(shown, render.Style(colour=False))
    assert gap.distance_m is not None
    assert gap.distance_m > 50
    assert (
        f"{round(gap.duration_s)} s not seen; the machine counted {int(gap.distance_m)} m in that "
        "time." in text
    )

    before = rows(database, 1)
    assert rebuild(database).sessions == (1,)
    assert rows(database, 1) == before
