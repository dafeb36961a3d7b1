"""A Concept2 PM5 on the air: what an app sees of it through BlueZ, which is a fake one here."""

from __future__ import annotations

import asyncio
import itertools
import sys
from typing import Final

import pytest

from rowlog.notation import parse
from rowlog.simulating import OnPaper
from rowlog.simulating_ble import NAMES, session, simulate_ble
from rowlog_drivers.catalog import make_decoder
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame
from rowlog_drivers.identify import identify
from rowlog_drivers.protocols import csafe, pm5
from rowlog_drivers.protocols.csafe_commands import SERIAL, VERSION, command, encode_commands
from rowlog_drivers.records import MachineSplit, MachineSummary, Record, Stroke
from rowlog_drivers.transports.ble_names import channel_of
from tests.bluez.fake import CHARACTERISTIC, SERVICE, Daemon
from tests.bluez.test_peripheral import on_air, run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

PAPER: Final = OnPaper(plan=parse("2x100m/0:20r"), strap=False, speed=60.0, machine="pm5")
DIRECT: Final = tuple(
    map(pm5.channel, (0x31, 0x32, 0x33, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3A, 0x3D))
)
RATE: Final = pm5.SAMPLE_RATE_CHANNEL


def expected(channel: str, paper: OnPaper = PAPER, until_s: float = 120.0) -> list[bytes]:
    """What the simulator itself says on a channel."""
    payloads = []
    for frame in session(paper):
        if frame.t_ns > until_s * 1e9:
            break
        if frame.channel == channel and not frame.sent:
            payloads.append(frame.payload)
    return payloads


def decoded(heard: dict[str, list[bytes]], channels: tuple[str, ...]) -> list[Record]:
    """As the recorder would decode it, channel by channel."""
    decoder = make_decoder("pm5")
    return [
        record
        for channel in channels
        for payload in heard[channel]
        for record in decoder.decode(
            Frame(t_ns=0, source="rower", channel=channel, payload=payload)
        )
    ]


def test_it_looks_like_a_pm5_and_its_whole_workout_is_heard(daemon: Daemon) -> None:
    """Ten status values a second, as it is told; 240 are 24 s: nothing of a workout is missed."""

    async def work() -> None:
        async with on_air(daemon, PAPER, name=NAMES["pm5"]) as (server, _):
            advertisement = server.advertisement
            assert advertisement is not None
            services = tuple(map(channel_of, advertisement["ServiceUUIDs"]))
            assert services == ("ce060000",)
            found = identify(advertisement["LocalName"], services, {})
            assert found is not None
            assert (found.kind, found.driver) == ("rower", "pm5")
            offered = {
                channel_of(one[SERVICE]["UUID"])
                for one in server.application.values()
                if SERVICE in one
            }
            assert offered == {"ce060010", "ce060020", "ce060030"}
            flags = {
                channel_of(one["UUID"]): set(one["Flags"])
                for interfaces in server.application.values()
                if (one := interfaces.get(CHARACTERISTIC))
            }
            assert flags["ce060021"] == {"write"}
            assert flags[RATE] == {"read", "write"}
            assert await server.read("ce060012") == b"430000001"
            assert await server.read(RATE) == b"\x01"
            await server.write(RATE, b"\x03")
            assert await server.read(RATE) == b"\x03"
            await server.write(RATE, b"\x09")  # no rate that there is
            assert await server.read(RATE) == b"\x03"
            await server.subscribe(*DIRECT)
            await server.until_heard("ce060039", 1)
            await server.until_heard("ce06003a", 1)
        heard = server.heard
        # The session began with the first of these: its status was heard from the start.
        assert heard["ce060035"] == expected("ce060035")
        assert heard["ce06003d"] == expected("ce06003d")
        assert heard["ce060037"] == expected("ce060037")
        status = expected("ce060031")
        assert heard["ce060031"][:300] == status[:300]
        records = decoded(heard, ("ce060036", "ce060035", "ce06003d", "ce060037", "ce060039"))
        splits = [one for one in records if isinstance(one, MachineSplit)]
        assert [(one.number, one.distance_m) for one in splits] == [(1, 100.0), (2, 100.0)]
        (whole,) = [one for one in records if isinstance(one, MachineSummary)]
        assert whole.distance_m == 200.0
        strokes = {one.number for one in records if isinstance(one, Stroke)}
        assert len(strokes) >= 20

    run(work())


def test_what_has_no_subscription_of_its_own_comes_through_0080(daemon: Daemon) -> None:
    """Twice a second, as it is by itself, and the status not: that was subscribed."""

    async def work() -> None:
        async with on_air(daemon, PAPER, name=NAMES["pm5"]) as (server, _):
            await server.subscribe("ce060031", pm5.MULTIPLEXED_CHANNEL)
            heard = (await server.until_heard(pm5.MULTIPLEXED_CHANNEL, 90))[:90]
            values = [pm5.decode_multiplexed(one) for one in heard]
            assert not any(isinstance(one, pm5.Malformed) for one in values)
            kinds = {type(one) for one in values}
            assert pm5.GeneralStatus not in kinds
            assert {pm5.AdditionalStatus1, pm5.AdditionalStatus2, pm5.StrokeData} <= kinds
            elapsed = [
                value.elapsed_s
                for one in server.heard["ce060031"]
                if isinstance(value := pm5.decode_value(0x31, one), pm5.GeneralStatus)
                and value.workout_state == 5
            ]
            steps = [after - before for before, after in itertools.pairwise(elapsed)]
            assert steps[3:9] == pytest.approx([0.5] * 6, abs=0.02)

    run(work())


def test_its_control_service_answers_and_takes_no_workout(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon, PAPER, name=NAMES["pm5"]) as (server, _):
            await server.subscribe("ce060022", "ce060031")

            async def answer(frame: bytes) -> csafe.Reply:
                known = len(server.heard["ce060022"])
                for piece in csafe.pieces(frame):
                    await server.write("ce060021", piece)
                framer = csafe.CsafeFramer()
                found: list[csafe.CsafeFrame | csafe.BadFrame] = []
                while not found:
                    known += 1
                    payload = (await server.until_heard("ce060022", known))[known - 1]
                    assert len(payload) <= 20
                    found = framer.feed(payload)
                assert isinstance(found[0], csafe.CsafeFrame)
                reply = csafe.parse_reply(found[0].contents)
                assert reply is not None
                return reply

            who = csafe.encode_frame(encode_commands([command(VERSION), command(SERIAL)]))
            said = {block.id: block for block in (await answer(who)).blocks}
            assert said[VERSION].integer("model") == 5
            assert said[SERIAL].data == b"430000001"
            for frame in (
                *csafe.fixed("distance", 2000).frames,
                *csafe.public("distance", 2000).frames,
            ):
                assert (await answer(frame)).status.previous in ("reject", "not_ready")

    run(work())


def test_an_unknown_machine_is_refused() -> None:
    with pytest.raises(CallError, match="no machine that can be put on the air"):
        simulate_ble(OnPaper(machine="s4"))


def test_nothing_waits_that_nobody_subscribed_to(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon, PAPER, name=NAMES["pm5"]) as (server, events):
            await server.subscribe("ce060035")
            await server.until_heard("ce060035", 4)
            assert set(server.heard) - {"ce060035"} == set()
            await server.unsubscribe("ce060035")
            await server.until(lambda: any(one.name == "alone" for one in events))
            await asyncio.sleep(0)

    run(work())
