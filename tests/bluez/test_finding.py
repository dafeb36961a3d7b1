"""Which devices a session takes: what is in reach, whose it is, and who is asked."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

import pytest

from rowlog import finding
from rowlog.finding import Found, choose, look_around, profile_of
from rowlog.render import Style
from rowlog.render_devices import as_json, closing, table
from rowlog.store_devices import KnownDevice
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import Role
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.transports.ble_radio import Radio
from tests.bluez.fake import Characteristic, Daemon, FakeBluez, Machine, bluez, rower, strap

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="BlueZ is Linux's")

LOOK_S: Final = 0.6
"""Enough in this room, where a device is heard fifty times a second."""
ROWER_AT: Final = "ble:C0:00:00:00:00:01"
STRAP_AT: Final = "ble:C0:00:00:00:00:02"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look around that does not take ten seconds."""
    monkeypatch.setattr(finding, "SCAN_S", LOOK_S)
    monkeypatch.setattr(finding, "NAMESAKE_S", 0.3)


def known(role: Role, address: str, athlete: str | None = None) -> KnownDevice:
    """A device that this athlete recorded before."""
    return KnownDevice(
        role=role,
        driver="ftms" if role == "rower" else "heart_rate",
        address=address,
        name=None,
        serial_number=None,
        athlete=athlete,
        used_at=datetime.fromisoformat("2026-11-24T18:05:00+01:00"),
    )


class Asked:
    """Answers every question with one place, and keeps the questions."""

    def __init__(self, place: int | None) -> None:
        self.place = place
        self.questions: list[tuple[str, list[str]]] = []
        self.defaults: list[int | None] = []

    def __call__(
        self, question: str, choices: Sequence[str], default: int | None = None
    ) -> int | None:
        self.questions.append((question, list(choices)))
        self.defaults.append(default)
        return self.place


def chosen(
    daemon: Daemon,
    machines: Sequence[Machine],
    wanted: Mapping[Role, str],
    mine: Sequence[KnownDevice] = (),
    *,
    athlete: str | None = None,
    optional: frozenset[Role] = frozenset(),
    ask: Asked | None = None,
) -> tuple[dict[str, str], list[str]]:
    """The address taken for each role, and what was told."""
    told: list[str] = []

    async def run() -> dict[Role, Found]:
        async with bluez(daemon, *machines):
            return await choose(
                Radio(),
                {role: parse_address(text) for role, text in wanted.items()},
                mine,
                athlete=athlete,
                optional=optional,
                ask=ask,
                tell=told.append,
            )

    return {role: one.address for role, one in asyncio.run(run()).items()}, told


BOTH: Final[dict[Role, str]] = {"rower": "auto", "strap": "auto"}
TREADMILL: Final = {"1826": bytes.fromhex("010100")}
SECOND: Final = "C0:00:00:00:00:03"


@pytest.mark.parametrize(
    ("machines", "mine", "athlete", "taken"),
    [
        pytest.param(lambda: [rower()], [], None, {"rower": ROWER_AT}, id="the only rower"),
        pytest.param(
            lambda: [rower(), strap()], [], None, {"rower": ROWER_AT}, id="and nobody's strap"
        ),
        pytest.param(
            lambda: [rower(), strap()], [known("strap", STRAP_AT)], None,
            {"rower": ROWER_AT, "strap": STRAP_AT}, id="one's own strap",
        ),
        pytest.param(
            lambda: [rower(), strap()], [known("strap", STRAP_AT.lower())], None,
            {"rower": ROWER_AT, "strap": STRAP_AT}, id="in any case of letters",
        ),
        pytest.param(
            lambda: [rower(), strap()], [known("strap", STRAP_AT, "Ann")], "Ann",
            {"rower": ROWER_AT, "strap": STRAP_AT}, id="Ann's strap for Ann",
        ),
        pytest.param(
            lambda: [rower(), strap()], [known("strap", STRAP_AT, "Ann")], None,
            {"rower": ROWER_AT}, id="Ann's strap for nobody in particular",
        ),
        pytest.param(
            lambda: [rower(), strap()], [known("strap", STRAP_AT)], "Ann",
            {"rower": ROWER_AT}, id="nobody's strap for Ann",
        ),
        pytest.param(
            lambda: [rower(), rower(SECOND, "Rower 2")], [known("rower", f"ble:{SECOND}")], None,
            {"rower": f"ble:{SECOND}"}, id="the known rower of two",
        ),
        pytest.param(
            lambda: [rower(), rower(SECOND, "Rower 2")],
            [known("rower", f"ble:{SECOND}", "Ann"), known("rower", ROWER_AT)], "Ann",
            {"rower": f"ble:{SECOND}"}, id="one's own before the household's",
        ),
        pytest.param(
            lambda: [rower(), rower(SECOND, "Rower 2")],
            [known("rower", f"ble:{SECOND}", "Ann"), known("rower", ROWER_AT)], "Ben",
            {"rower": ROWER_AT}, id="the household's before another's",
        ),
        pytest.param(
            lambda: [rower(advertised=(), service_data={}, name=None)],
            [known("rower", ROWER_AT)], None, {"rower": ROWER_AT},
            id="a known one that says nothing of itself",
        ),
        pytest.param(
            lambda: [rower(service_data={}, name=None)], [], None, {"rower": ROWER_AT},
            id="a machine that does not say which",
        ),
        pytest.param(
            lambda: [rower(), rower(SECOND, "FS-1", service_data=TREADMILL)],
            [], None, {"rower": ROWER_AT}, id="a treadmill is no rower",
        ),
    ],
)  # fmt: skip
def test_what_is_taken_unasked(
    daemon: Daemon, machines: object, mine: list[KnownDevice], athlete: str | None,
    taken: dict[str, str],
) -> None:  # fmt: skip
    assert callable(machines)
    found, _ = chosen(
        daemon, machines(), BOTH, mine, athlete=athlete, optional=frozenset({"strap"})
    )
    assert found == taken


def test_who_is_there_is_asked(daemon: Daemon) -> None:
    """Which of two rowers, and whether the strap is one's own; the nearest stands first."""
    ask = Asked(0)
    machines = [rower(rssi_dbm=-80), rower(SECOND, "Rower 2", rssi_dbm=-40), strap()]
    found, told = chosen(daemon, machines, BOTH, ask=ask, optional=frozenset({"strap"}))
    assert found == {"rower": f"ble:{SECOND}", "strap": STRAP_AT}
    assert [question for question, _ in ask.questions] == [
        "Which rower is yours?",
        "Is this your strap?",
    ]
    assert ask.questions[0][1][0].startswith(f"Rower 2 (ble:{SECOND}, -")
    assert told == []


def test_no_is_an_answer(daemon: Daemon) -> None:
    ask = Asked(None)
    found, told = chosen(daemon, [rower(), strap()], BOTH, ask=ask, optional=frozenset({"strap"}))
    assert (found, told) == ({"rower": ROWER_AT}, [])
    with pytest.raises(RowlogError, match=f"No strap was chosen. Name one: --strap {STRAP_AT}"):
        chosen(daemon, [rower(), strap()], BOTH, ask=ask)


@pytest.mark.parametrize(
    ("address", "machines"),
    [
        ("ble:c0:00:00:00:00:01", lambda: [rower()]),
        ("ble:Rower 1", lambda: [rower(), rower(SECOND, "Rower 2")]),
        ("ble:Rower 1", lambda: [rower(advertised=(), service_data={})]),
        ("ble:C0:00:00:00:00:01", lambda: [rower(), rower(SECOND)]),
    ],
    ids=["address", "name", "says nothing of itself", "address of one of two of a name"],
)
def test_what_is_named_is_taken(daemon: Daemon, address: str, machines: object) -> None:
    assert callable(machines)
    found, _ = chosen(daemon, machines(), {"rower": address})
    assert found == {"rower": ROWER_AT}


def test_a_known_device_needs_no_whole_scan(daemon: Daemon) -> None:
    async def run() -> float:
        async with bluez(daemon, rower(), strap()):
            mine = [known("rower", ROWER_AT), known("strap", STRAP_AT)]
            loop = asyncio.get_running_loop()
            began = loop.time()
            wanted: dict[Role, str] = {"rower": "auto", "strap": "auto"}
            finding.SCAN_S = 20.0  # type: ignore[misc]  # put back by the fixture
            await choose(
                Radio(), {role: parse_address(text) for role, text in wanted.items()}, mine
            )
            return loop.time() - began

    assert asyncio.run(run()) < 3


@pytest.mark.parametrize("role", ["rower", "strap"])
def test_of_several_of_ones_own_the_one_used_last_is_proposed(daemon: Daemon, role: Role) -> None:
    """Not the nearest, nor the first that is heard; without anybody to ask it is taken."""
    make = rower if role == "rower" else strap
    addresses = ["C0:00:00:00:00:0A", "C0:00:00:00:00:0B"]
    machines = [
        make(address, rssi_dbm=dbm) for address, dbm in zip(addresses, (-40, -80), strict=True)
    ]
    mine = [known(role, f"ble:{addresses[1]}"), known(role, f"ble:{addresses[0]}")]
    ask = Asked(1)
    found, _ = chosen(daemon, machines, {role: "auto"}, mine, ask=ask)
    assert found == {role: f"ble:{addresses[0]}"}
    ((question, choices),) = ask.questions
    assert question == f"Several {role}s of yours are in reach. Which one?"
    assert choices[0].endswith(", used last")
    assert addresses[1] in choices[0]
    assert ask.defaults == [0]
    found, told = chosen(daemon, machines, {role: "auto"}, mine)
    assert found == {role: f"ble:{addresses[1]}"}
    assert len(told) == 1
    assert f"2 {role}s of yours are in reach: taking" in told[0]
    assert told[0].endswith(f"To take another: --{role} ble:{addresses[0]}")


OLD: Final = "ble:C0:00:00:00:00:99"


@pytest.mark.parametrize(
    ("machines", "serial", "taken"),
    [
        pytest.param(lambda: [strap_telling("SN77")], "SN77", STRAP_AT, id="its own"),
        pytest.param(lambda: [strap_telling("SN77\0\0")], "SN77", STRAP_AT, id="padded"),
        pytest.param(lambda: [strap_telling("SN78")], "SN77", None, id="another's"),
        pytest.param(lambda: [strap_telling("SN77", "Other")], "SN77", None, id="another name"),
        pytest.param(lambda: [strap()], "SN77", None, id="tells none"),
        pytest.param(lambda: [strap_telling("0000")], "0000", None, id="a maker's filler"),
        pytest.param(
            lambda: [strap_telling("SN77"), strap_telling("SN77", address=SECOND)],
            "SN77", None, id="two tell the same",
        ),
    ],
)  # fmt: skip
def test_a_strap_is_known_again_by_its_serial_number(
    daemon: Daemon, machines: object, serial: str, taken: str | None
) -> None:
    """Its address has changed; the name alone is not enough, it is everybody's."""
    assert callable(machines)
    mine = replace(known("strap", OLD), name="Strap", serial_number=serial)
    all_there = machines()
    found, told = chosen(daemon, all_there, BOTH, [mine], optional=frozenset({"rower", "strap"}))
    assert found == ({} if taken is None else {"strap": taken})
    if taken is not None:
        assert told == [
            f"Strap has a new address, {taken}; it is your strap by its serial number {serial}."
        ]
    assert not any(machine.connected for machine in all_there)


def strap_telling(serial: str, name: str = "Strap", address: str = STRAP_AT[4:]) -> Machine:
    """A strap with a serial number."""
    belt = strap(address, name)
    belt.services["180a"] = [Characteristic("2a25", ("read",), serial.encode())]
    return belt


HOSTILE: Final = "\x1b[2J\u202eevil\u009b31m\u200b\nRower" + "x" * 90


def test_hostile_names(daemon: Daemon) -> None:
    """A name may hold anything; nothing of it reaches a terminal that could move its cursor."""

    async def run() -> tuple[list[Found], FakeBluez]:
        machines = [rower(name=HOSTILE), strap(name="\x07\r\x1b]0;own\x07")]
        async with bluez(daemon, *machines) as air:
            return await look_around(Radio(), [], seconds=LOOK_S), air

    found, _ = asyncio.run(run())
    assert {one.sighting.name for one in found} == {HOSTILE, "\x07\r\x1b]0;own\x07"}
    shown = "\n".join([table(found, Style(colour=True), 400), closing(found)])
    assert all(character.isprintable() for character in shown.replace("\n", ""))
    assert r"\x1b[2J\u202eevil\x9b31m" in shown
    assert len(shown.splitlines()) == 6
    assert as_json(found)[0]["name"] in {HOSTILE, "\x07\r\x1b]0;own\x07"}
    with pytest.raises(RowlogError) as raised:
        chosen(daemon, [rower(name=HOSTILE), rower(SECOND, HOSTILE)], {"rower": "auto"})
    assert all(character.isprintable() for character in str(raised.value))


@pytest.mark.parametrize(
    ("name", "starts", "only", "always"),
    [
        ("Rower 1", 0, (), False),
        ("I-ROWER 7", 2, ("1826",), False),
        ("DOMYOS-ROW-1", 0, ("1826",), False),
    ],
)
def test_quirks_reach_the_transport(
    daemon: Daemon, name: str, starts: int, only: tuple[str, ...], *, always: bool
) -> None:
    """The control point is written for machines that the catalogue says must be started."""

    async def run() -> list[Found]:
        async with bluez(daemon, rower(name=name)):
            return await look_around(Radio(), [], seconds=LOOK_S)

    (one,) = asyncio.run(run())
    profile = profile_of(one)
    assert len(profile.start) == starts
    assert profile.only_services == only
    assert profile.always_sends is always
    assert (profile.reads == ()) is bool(only)
