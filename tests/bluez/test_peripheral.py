"""The simulator on the air: what centrals see of it through BlueZ, which is a fake one here."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from dbus_fast import DBusError
from hypothesis import given
from hypothesis import strategies as st

from rowlog.notation import parse
from rowlog.simulating import OnPaper
from rowlog.simulating_ble import MAX_SPEED, session, simulate_ble
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import CallError
from rowlog_drivers.peripheral import (
    Event,
    Hindrance,
    Peripheral,
    PeripheralError,
    RefusedWriteError,
)
from rowlog_drivers.peripheral_air import serve
from rowlog_drivers.protocols import ftms, heart_rate
from rowlog_drivers.records import HeartRate, RowerSample
from tests.bluez.fake import CHARACTERISTIC, HANG, SERVICE, Daemon, Fail
from tests.bluez.fake_server import (
    PHONE,
    TABLET,
    FakeServer,
    adapter,
    serving_bluez,
)
from tests.bluez.support import PATIENCE_S

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PLAN: Final = OnPaper(plan=parse("500m"), seed=3, speed=60.0)

REQUEST, RESET, START = b"\x00", b"\x01", b"\x07"
STOP, PAUSE = b"\x08\x01", b"\x08\x02"


@asynccontextmanager
async def on_air(
    daemon: Daemon, paper: OnPaper = PLAN, *, keep_s: float = 60.0, name: str = "Paper rower"
) -> AsyncIterator[tuple[FakeServer, list[Event]]]:
    """The peripheral, advertised, and all that happens to it."""
    events: list[Event] = []
    async with serving_bluez(daemon) as server:

        def tell(event: Event) -> None:
            events.append(event)
            server.look()

        peripheral = Peripheral(
            lambda: session(paper),
            name=name,
            clock=Clock(paper.speed),
            serial_number=f"PAPER-{paper.seed}",
            keep_s=keep_s,
            tell=tell,
        )
        serving = asyncio.ensure_future(serve(peripheral))
        try:
            await server.until_advertised()
            yield server, events
        finally:
            serving.cancel()
            await asyncio.wait({serving})
        assert server.advertisement is None
        assert server.application == {}


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def expected(paper: OnPaper, channel: str, until_s: float) -> list[bytes]:
    """What the simulator itself says on a channel up to an instant."""
    payloads = []
    for frame in session(paper):
        if frame.t_ns > until_s * 1e9:
            break
        if frame.channel == channel:
            payloads.append(frame.payload)
    return payloads


def sample(payload: bytes) -> RowerSample:
    record = ftms.decode_rower_data(payload, t_ns=0, source="rower")
    assert isinstance(record, RowerSample)
    return record


# ----------------------------------------------------------------------- what it looks like


def test_the_services_are_those_of_a_rower_and_a_strap(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, _):
            advertisement = server.advertisement
            assert advertisement == {
                "Type": "peripheral",
                "ServiceUUIDs": ["1826", "180d"],
                "ServiceData": {"1826": bytes.fromhex("011000")},
                "LocalName": "Paper rower",
                "Discoverable": True,
            }
            services = {
                path: interfaces[SERVICE]["UUID"][4:8]
                for path, interfaces in server.application.items()
                if SERVICE in interfaces
            }
            table = {
                (services[one["Service"]], one["UUID"][4:8], *one["Flags"])
                for interfaces in server.application.values()
                if (one := interfaces.get(CHARACTERISTIC))
            }
            assert table == {
                ("1826", "2acc", "read"),
                ("1826", "2ad1", "notify"),
                ("1826", "2ad3", "read", "notify"),
                ("1826", "2ada", "notify"),
                ("1826", "2ad9", "write", "indicate"),
                ("180d", "2a37", "notify"),
                ("180d", "2a38", "read"),
                ("180f", "2a19", "read", "notify"),
                ("180a", "2a29", "read"),
                ("180a", "2a24", "read"),
                ("180a", "2a25", "read"),
                ("180a", "2a26", "read"),
            }
            assert server.calls[-2:] == [
                ("/org/bluez/hci0", "RegisterApplication"),
                ("/org/bluez/hci0", "RegisterAdvertisement"),
            ]

    run(work())


@pytest.mark.parametrize(
    ("paper", "advertised", "offered"),
    [
        (OnPaper(strap=False), ["1826"], {"1826", "180a"}),
        (OnPaper(rower=False), ["180d"], {"180d", "180f", "180a"}),
    ],
)
def test_a_rower_or_a_strap_alone(
    daemon: Daemon, paper: OnPaper, advertised: list[str], offered: set[str]
) -> None:
    async def work() -> None:
        async with on_air(daemon, paper) as (server, _):
            assert server.advertisement is not None
            assert server.advertisement["ServiceUUIDs"] == advertised
            assert {
                interfaces[SERVICE]["UUID"][4:8]
                for interfaces in server.application.values()
                if SERVICE in interfaces
            } == offered

    run(work())


def test_what_can_be_read_says_what_the_simulator_says(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, _):
            for uuid in ("2acc", "2a38", "2a19", "2a29", "2a24", "2a26"):
                assert await server.read(uuid) == expected(PLAN, uuid, 1.0)[0], uuid
            assert await server.read("2a25") == b"PAPER-3"
            assert await server.read("2ad3") == ftms.encode_training_status("idle")
            assert await server.read("2a24", offset=6) == b"rower"
            with pytest.raises(DBusError, match="beyond"):
                await server.read("2a24", offset=12)
            with pytest.raises(DBusError, match="not readable"):
                await server.read("2ad1")
            with pytest.raises(DBusError, match="not writable"):
                await server.write("2ad1", b"\x00")

    run(work())


# ------------------------------------------------------------------------------ what it sends


def test_who_subscribes_hears_the_simulators_own_frames(daemon: Daemon) -> None:
    """30 records of a rower are 15 s of a session: 5 s of waiting, then strokes."""

    async def work() -> None:
        async with on_air(daemon) as (server, events):
            await server.subscribe("2ad1", "2ada", "2ad3", "2a37")
            rower = (await server.until_heard("2ad1", 30))[:30]
            strap = (await server.until_heard("2a37", 12))[:12]
            assert rower == expected(PLAN, "2ad1", 20.0)[:30]
            # The strap's subscription comes after the rower's, which the session begins with.
            told = expected(PLAN, "2a37", 30.0)
            assert told.index(strap[0]) <= 3
            assert strap == told[told.index(strap[0]) :][:12]
            assert server.heard["2ada"] == [ftms.encode_status("started_or_resumed_by_user")]
            assert server.heard["2ad3"] == [ftms.encode_training_status("manual_mode")]
            assert await server.read("2ad3") == ftms.encode_training_status("manual_mode")
            assert (sample(rower[-1]).stroke_count or 0) > 0
            assert [event.name for event in events] == ["begun"]

    run(work())


@pytest.mark.parametrize("fault", ["split", "garbage", "frozen"])
def test_faults_of_the_frames_are_on_the_air_too(daemon: Daemon, fault: str) -> None:
    paper = OnPaper(plan=parse("0:20"), faults=(fault,), speed=60.0, strap=False)

    async def work() -> None:
        async with on_air(daemon, paper) as (server, _):
            await server.subscribe("2ad1")
            heard = (await server.until_heard("2ad1", 70))[:70]
            assert heard == expected(paper, "2ad1", 60.0)[:70]
            assert heard != expected(OnPaper(plan=parse("0:20")), "2ad1", 60.0)[:70]

    run(work())


def test_nothing_is_sent_that_nobody_subscribed_to(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, events):
            await server.subscribe("2a19", "2ada", "2ad9")
            assert events == []
            await server.subscribe("2a37")
            await server.until_heard("2a37", 3)
            assert server.heard.keys() == {"2a19", "2a37"}
            assert server.heard["2a19"] == expected(PLAN, "2a19", 1.0)

    run(work())


def test_a_short_absence_finds_the_machine_where_it_is_by_then(daemon: Daemon) -> None:
    """The first stroke, 5 s into the session, is told by the status, which is no data."""
    paper = replace(PLAN, speed=10.0)

    async def work() -> None:
        async with on_air(daemon, paper) as (server, events):
            await server.subscribe("2ad1", "2a37", "2ada")
            await server.until_heard("2ad1", 2)
            await server.unsubscribe("2ad1", "2a37")
            count = len(server.heard["2ad1"])
            await server.until_heard("2ada", 1)
            assert len(server.heard["2ad1"]) == count
            await server.subscribe("2ad1")
            await server.until_heard("2ad1", count + 10)
            after = server.heard["2ad1"][count : count + 10]
            records = expected(PLAN, "2ad1", 60.0)
            assert records.index(after[0]) >= 10
            assert after == records[records.index(after[0]) :][:10]
            assert [event.name for event in events] == ["begun", "alone"]

    run(work())


def test_an_absence_counts_from_its_own_beginning(daemon: Daemon) -> None:
    """After 9 s of listening a moment alone is no 8 s."""
    paper = replace(PLAN, speed=20.0)

    async def work() -> None:
        async with on_air(daemon, paper, keep_s=8.0) as (server, events):
            await server.subscribe("2ad1")
            await server.until_heard("2ad1", 18)
            await server.unsubscribe("2ad1")
            count = len(server.heard["2ad1"])
            await server.subscribe("2ad1")
            await server.until_heard("2ad1", count + 3)
            assert [event.name for event in events] == ["begun", "alone"]

    run(work())


def test_after_a_long_absence_everything_begins_anew(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon, keep_s=0.5) as (server, events):
            await server.subscribe("2ad1")
            assert sample((await server.until_heard("2ad1", 30))[-1]).distance_m
            await server.unsubscribe("2ad1")
            await server.until(lambda: events[-1].name == "over")
            count = len(server.heard["2ad1"])
            assert await server.read("2ad3") == ftms.encode_training_status("idle")
            await server.subscribe("2ad1")
            await server.until_heard("2ad1", count + 30)
            again = server.heard["2ad1"][count : count + 30]
            assert again == expected(PLAN, "2ad1", 20.0)[:30]

    run(work())


def test_the_machine_stays_on_when_the_plan_is_done(daemon: Daemon) -> None:
    paper = OnPaper(plan=parse("0:05"), speed=60.0, strap=False)

    async def work() -> None:
        async with on_air(daemon, paper) as (server, _):
            await server.subscribe("2ad1")
            heard = await server.until_heard("2ad1", 60)
            assert sample(heard[-1]).stroke_rate_spm == 0
            assert (sample(heard[-1]).distance_m or 0) > 10

    run(work())


def test_a_lost_link_is_hidden_and_comes_back(daemon: Daemon) -> None:
    """The fault hits 24 to 30 s after the first work; the counters go on meanwhile."""
    paper = OnPaper(plan=parse("5:00"), faults=("drop",), speed=60.0)

    async def work() -> None:
        async with on_air(daemon, paper) as (server, events):
            await server.read("2a29")
            await server.subscribe("2ad1", "2a37")
            await server.until(lambda: server.advertisement is None)
            assert server.calls[-1] == ("/org/bluez/hci0", "UnregisterAdvertisement")
            await server.until(lambda: server.calls[-1] == (PHONE, "Disconnect"))
            await server.unsubscribe("2ad1", "2a37")
            last = sample(server.heard["2ad1"][-1])
            await server.until_advertised()
            count = len(server.heard["2ad1"])
            await server.subscribe("2ad1", "2a37")
            after = sample((await server.until_heard("2ad1", count + 1))[count])
            assert (after.elapsed_s or 0) - (last.elapsed_s or 0) >= 5
            assert (after.distance_m or 0) > (last.distance_m or 0)
            names = [event.name for event in events]
            assert names == ["begun", "lost", "alone", "regained"]

    run(work())


# ------------------------------------------------------------------------- the control point


def reply(request: bytes, result: int) -> bytes:
    return bytes([0x80, request[0], result])


def test_the_answer_follows_the_response_and_the_status_follows_the_answer(
    daemon: Daemon,
) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, _):
            await server.subscribe("2ad9", "2ada", "2ad3")
            assert await server.control(REQUEST) == bytes.fromhex("800001")
            server.order.clear()
            assert await server.control(START) == bytes.fromhex("800701")
            await server.until_heard("2ad3", 1)
            assert server.order[:4] == ["response", "2ad9", "2ada", "2ad3"]
            assert server.heard["2ada"] == [b"\x04"]

    run(work())


DIALOGUES: Final[list[tuple[str, list[tuple[bytes, str, int]]]]] = [
    ("control comes first", [(START, PHONE, 5), (REQUEST, PHONE, 1), (START, PHONE, 1)]),
    ("unknown requests", [(b"\x05\x64\x00", PHONE, 2), (b"\x7f", PHONE, 2)]),
    ("start twice", [(REQUEST, PHONE, 1), (START, PHONE, 1), (START, PHONE, 4)]),
    ("nothing to stop", [(REQUEST, PHONE, 1), (STOP, PHONE, 4), (PAUSE, PHONE, 4)]),
    (
        "pause, resume, stop, start",
        [
            (REQUEST, PHONE, 1),
            (START, PHONE, 1),
            (PAUSE, PHONE, 1),
            (PAUSE, PHONE, 4),
            (START, PHONE, 1),
            (STOP, PHONE, 1),
            (STOP, PHONE, 4),
            (START, PHONE, 1),
        ],
    ),
    (
        "a stop says which",
        [(REQUEST, PHONE, 1), (START, PHONE, 1), (b"\x08", PHONE, 3), (b"\x08\x03", PHONE, 3)],
    ),
    ("reset ends control", [(REQUEST, PHONE, 1), (RESET, PHONE, 1), (START, PHONE, 5)]),
    (
        "one holds control",
        [(REQUEST, PHONE, 1), (REQUEST, TABLET, 5), (START, TABLET, 5), (REQUEST, PHONE, 1)],
    ),
]


@pytest.mark.parametrize("dialogue", [one for _, one in DIALOGUES], ids=[n for n, _ in DIALOGUES])
def test_the_control_point_answers_as_the_standard_has_it(
    daemon: Daemon, dialogue: list[tuple[bytes, str, int]]
) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, _):
            await server.subscribe("2ad9")
            answers = [await server.control(request, central) for request, central, _ in dialogue]
            assert answers == [reply(request, result) for request, _, result in dialogue]
            assert not server.heard["2ada"]

    run(work())


def test_a_write_without_indications_is_refused(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, _):
            with pytest.raises(DBusError) as refused:
                await server.write("2ad9", REQUEST)
            assert refused.value.type == "org.bluez.Error.ImproperlyConfigured"
            await server.subscribe("2ad9")
            with pytest.raises(DBusError) as refused:
                await server.write("2ad9", b"")
            assert refused.value.type == "org.bluez.Error.InvalidValueLength"

    run(work())


def test_control_ends_with_the_link(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, _):
            await server.subscribe("2ad9")
            await server.control(REQUEST, PHONE)
            await server.leave(PHONE)
            assert await server.control(REQUEST, TABLET) == reply(REQUEST, 1)
            await server.unsubscribe("2ad9")
            await server.subscribe("2ad9")
            assert await server.control(REQUEST, PHONE) == reply(REQUEST, 1)

    run(work())


def test_a_paused_machine_stands_and_the_strap_goes_on(daemon: Daemon) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, _):
            await server.subscribe("2ad1", "2a37", "2ad9", "2ada")
            await server.control(REQUEST)
            await server.until_heard("2ad1", 20)
            assert await server.control(PAUSE) == reply(PAUSE, 1)
            count, beats = len(server.heard["2ad1"]), len(server.heard["2a37"])
            await server.until_heard("2a37", beats + 5)
            assert len(server.heard["2ad1"]) == count
            held = heart_rate.decode_measurement(server.heard["2a37"][-1], t_ns=0, source="strap")
            assert isinstance(held, HeartRate)
            assert held.heart_rate_bpm > 40
            assert held.rr_ms is None
            resumed_s = asyncio.get_running_loop().time()
            await server.control(START)
            await server.until_heard("2ad1", count + 20)
            # At 2 Hz these are 9.5 s and more: nothing is made up for.
            lived_s = (asyncio.get_running_loop().time() - resumed_s) * PLAN.speed
            assert lived_s > 9
            # What was not sent in the pause was not lived either: no record is missing.
            assert server.heard["2ad1"] == expected(PLAN, "2ad1", 60.0)[: len(server.heard["2ad1"])]
            assert b"\x02\x02" in server.heard["2ada"]

    run(work())


@pytest.mark.parametrize("requests", [(RESET,), (STOP, START)], ids=["reset", "stop and start"])
def test_counters_begin_again(daemon: Daemon, requests: tuple[bytes, ...]) -> None:
    async def work() -> None:
        async with on_air(daemon) as (server, _):
            await server.subscribe("2ad1", "2ad9")
            await server.control(REQUEST)
            assert sample((await server.until_heard("2ad1", 30))[-1]).distance_m
            for request in requests:
                assert await server.control(request) == reply(request, 1)
            count = len(server.heard["2ad1"])
            await server.until_heard("2ad1", count + 5)
            assert server.heard["2ad1"][count : count + 5] == expected(PLAN, "2ad1", 5.0)[:5]

    run(work())


@given(st.lists(st.binary(max_size=6), max_size=12))
def test_no_bytes_break_the_control_point(requests: list[bytes]) -> None:
    """Each is answered for what it asked, or refused for being empty."""
    peripheral = Peripheral(lambda: session(PLAN), name="Paper rower", clock=Clock())
    peripheral.subscribe("2ad9")
    for payload in [REQUEST, *requests]:
        if payload:
            (notice,) = peripheral.write(payload, PHONE)
            assert notice.payload[:2] == bytes([0x80, payload[0]])
            assert notice.payload[2] in ftms_results
        else:
            with pytest.raises(RefusedWriteError):
                peripheral.write(payload, PHONE)


ftms_results: Final = {1, 2, 3, 4, 5}


# -------------------------------------------------------------------------------- troubles


def trouble(
    daemon: Daemon,
    adapters: dict[str, Any] | None = None,
    script: dict[str, Fail] | None = None,
    wanted: str | None = None,
    disturb: Callable[[FakeServer], Coroutine[Any, Any, None]] | None = None,
) -> PeripheralError:
    """What `serve` ends with."""

    async def work() -> PeripheralError:
        async with serving_bluez(daemon, adapters) as server:
            server.script |= script or {}
            peripheral = Peripheral(lambda: session(PLAN), name="Paper rower", clock=Clock())
            serving = asyncio.ensure_future(serve(peripheral, adapter=wanted))
            if disturb is not None:
                await server.until_advertised()
                await disturb(server)
            with pytest.raises(PeripheralError) as raised:
                await asyncio.wait_for(serving, PATIENCE_S)
            # Whatever had been registered is not left behind.
            registered = [member for _, member in server.calls if member.startswith("Register")]
            gone = [member for _, member in server.calls if member.startswith("Unregister")]
            assert disturb is not None or len(gone) == max(len(registered) - 1, 0)
            return raised.value

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("adapters", "hindrance", "told"),
    [
        ({}, Hindrance.NO_ADAPTER, "Plug in"),
        ({"hci0": adapter(powered=False)}, Hindrance.OFF, "bluetoothctl power on"),
        ({"hci0": adapter(managers=False)}, Hindrance.NO_PERIPHERAL, "hci0"),
        ({"hci0": adapter(roles=("central",))}, Hindrance.NO_PERIPHERAL, "another adapter"),
        (
            {"hci0": adapter(managers=False), "hci1": adapter(powered=False)},
            Hindrance.OFF,
            "hci1",
        ),
    ],
)
def test_an_adapter_that_will_not_do_is_told_by_name(
    daemon: Daemon,
    monkeypatch: pytest.MonkeyPatch,
    adapters: dict[str, Any],
    hindrance: Hindrance,
    told: str,
) -> None:
    monkeypatch.setattr("rowlog_drivers.peripheral_bluez.is_blocked", lambda: False)
    error = trouble(daemon, adapters)
    assert error.hindrance is hindrance
    assert told in str(error)


def test_rfkill_is_told_apart_from_off(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rowlog_drivers.peripheral_bluez.is_blocked", lambda: True)
    error = trouble(daemon, {"hci0": adapter(powered=False)})
    assert error.hindrance is Hindrance.BLOCKED
    assert "rfkill unblock bluetooth" in str(error)


def test_an_adapter_that_is_not_there_is_told_with_those_that_are(daemon: Daemon) -> None:
    error = trouble(daemon, {"hci0": adapter(), "hci1": adapter()}, wanted="hci7")
    assert error.hindrance is Hindrance.NO_ADAPTER
    assert "'hci7'" in str(error)
    assert "hci0, hci1" in str(error)


@pytest.mark.parametrize(
    ("wanted", "chosen"), [(None, "/org/bluez/hci1"), ("hci2", "/org/bluez/hci2")]
)
def test_the_first_adapter_that_can_is_taken(
    daemon: Daemon, wanted: str | None, chosen: str
) -> None:
    """An old BlueZ does not tell roles; its managers say enough."""

    async def work() -> None:
        adapters = {
            "hci0": adapter(powered=False),
            "hci1": adapter(roles=None),
            "hci2": adapter(),
        }
        async with serving_bluez(daemon, adapters) as server:
            peripheral = Peripheral(lambda: session(PLAN), name="Paper rower", clock=Clock())
            serving = asyncio.ensure_future(serve(peripheral, adapter=wanted))
            await server.until_advertised()
            serving.cancel()
            await asyncio.wait({serving})
            assert [path for path, _ in server.calls if path != "/"] == [chosen] * 4

    run(work())


@pytest.mark.parametrize(
    ("method", "answer", "hindrance"),
    [
        ("GetManagedObjects", "org.freedesktop.DBus.Error.AccessDenied", Hindrance.NO_PERMISSION),
        ("RegisterApplication", "org.bluez.Error.NotAuthorized", Hindrance.NO_PERMISSION),
        ("RegisterApplication", "org.bluez.Error.InvalidArguments", Hindrance.REFUSED),
        ("RegisterAdvertisement", "org.bluez.Error.NotPermitted", Hindrance.FULL),
        ("RegisterAdvertisement", "org.bluez.Error.NotReady", Hindrance.OFF),
        (
            "RegisterAdvertisement",
            "org.freedesktop.DBus.Error.UnknownMethod",
            Hindrance.NO_PERIPHERAL,
        ),
    ],
)
def test_a_refusal_is_told_by_name(
    daemon: Daemon,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    answer: str,
    hindrance: Hindrance,
) -> None:
    monkeypatch.setattr("rowlog_drivers.peripheral_bluez.is_blocked", lambda: False)
    error = trouble(daemon, script={method: Fail(answer, "words of its own")})
    assert error.hindrance is hindrance
    assert ("words of its own" in str(error)) is (hindrance is Hindrance.REFUSED)
    assert error.next_step


def test_a_hanging_service_is_not_waited_for_in_vain(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rowlog_drivers.peripheral_bluez.ANSWER_S", 0.2)
    error = trouble(daemon, script={"RegisterApplication": HANG})
    assert error.hindrance is Hindrance.NO_ANSWER


def test_without_a_bus_or_its_service(daemon: Daemon) -> None:
    def ends_with() -> PeripheralError:
        with pytest.raises(PeripheralError) as raised:
            simulate_ble(OnPaper())
        return raised.value

    assert ends_with().hindrance is Hindrance.NO_SERVICE
    daemon.kill()
    error = ends_with()
    assert error.hindrance is Hindrance.NO_BUS
    assert "sudo systemctl start dbus" in str(error)


def test_a_service_that_stops_ends_it(daemon: Daemon) -> None:
    error = trouble(daemon, disturb=lambda server: server.stop())
    assert error.hindrance is Hindrance.SERVICE_LOST


def test_an_adapter_that_is_pulled_ends_it(daemon: Daemon) -> None:
    error = trouble(daemon, disturb=lambda server: server.release())
    assert error.hindrance is Hindrance.RELEASED


def test_another_system_is_told_what_to_do_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(PeripheralError) as raised:
        simulate_ble(OnPaper())
    assert raised.value.hindrance is Hindrance.NOT_LINUX
    assert "sim:rower" in str(raised.value)


@pytest.mark.parametrize(
    ("paper", "name", "told"),
    [
        (OnPaper(speed=MAX_SPEED + 1), "Rower", "speed"),
        (OnPaper(speed=0.0), "Rower", "speed"),
        (OnPaper(speed=float("nan")), "Rower", "speed"),
        (OnPaper(faults=("fire",)), "Rower", "'fire'"),
        (OnPaper(rate_hz=11.0), "Rower", "records a second"),
        (OnPaper(rower=False, strap=False), "Rower", "a rower or a strap"),
        (OnPaper(), "", "name"),
        (OnPaper(), "Rudergerät für alle Tage im Jahr", "name"),
    ],
)
def test_a_wrong_call_is_told(paper: OnPaper, name: str, told: str) -> None:
    with pytest.raises(CallError, match=told):
        simulate_ble(paper, name=name)


# ------------------------------------------------------------------------------ the command


@pytest.mark.parametrize(
    ("options", "ends"),
    [
        ((), signal.SIGINT),
        ((), signal.SIGTERM),
        ((), signal.SIGHUP),
        (("--for", "4s"), None),
    ],
)
def test_the_command_takes_itself_off_the_air(
    daemon: Daemon, options: tuple[str, ...], ends: signal.Signals | None
) -> None:
    async def work() -> None:
        async with serving_bluez(daemon) as server:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from rowlog.cli import main; main()",
                *("simulate", "ble", "500m", "--json", "--speed", "20", "--name", "Kahn"),
                *options,
                cwd=ROOT,
                env={
                    "DBUS_SYSTEM_BUS_ADDRESS": daemon.address,
                    "PYTHONPATH": f"{ROOT}:{ROOT / 'drivers'}",
                },
                stdout=subprocess.PIPE,
            )
            assert process.stdout is not None
            assert (await server.until_advertised())["LocalName"] == "Kahn"
            lines = [json.loads(await process.stdout.readline())]
            if ends is not None:
                await server.subscribe("2ad1")
                await server.until_heard("2ad1", 3)
                process.send_signal(ends)
            rest = await asyncio.wait_for(process.stdout.read(), PATIENCE_S)
            lines += [json.loads(line) for line in rest.splitlines()]
            assert await process.wait() == 0
            assert [line["event"] for line in lines] == ["on_air"] + ["begun"] * (ends is not None)
            assert "'Kahn'" in lines[0]["text"]
            assert "hci0" in lines[0]["text"]
            assert [member for _, member in server.calls[-2:]] == [
                "UnregisterAdvertisement",
                "UnregisterApplication",
            ]
            assert server.advertisement is None

    run(work())
