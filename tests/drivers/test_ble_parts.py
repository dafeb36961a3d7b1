"""The Bluetooth transport's arithmetic and names, without any Bluetooth."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.transports.ble_calls import settle, within
from rowlog_drivers.transports.ble_liveness import Liveness
from rowlog_drivers.transports.ble_names import NAME_COLUMNS, channel_of, printable, uuid_of

SECOND = 1_000_000_000

CHANNELS = [
    ("0000180D-0000-1000-8000-00805F9B34FB", "180d"),
    ("00002ad1-0000-1000-8000-00805f9b34fb", "2ad1"),
    ("ce060031-43e5-11e4-916c-0800200c9a66", "ce060031"),
    ("fb005c80-02e7-f387-1cad-8acd2d8df0c8", "fb005c80-02e7-f387-1cad-8acd2d8df0c8"),
    ("0001180d-0000-1000-8000-00805f9b34fb", "0001180d-0000-1000-8000-00805f9b34fb"),
]


@pytest.mark.parametrize(("uuid", "channel"), CHANNELS)
def test_uuids_and_channels(uuid: str, channel: str) -> None:
    assert channel_of(uuid) == channel
    assert uuid_of(channel) == uuid.lower()
    assert channel_of(channel) == channel


NAMES = [
    ("PM5 430000000 Row", "PM5 430000000 Row"),
    ("", ""),
    ("a\x1b[31mred\x07", r"a\x1b[31mred\x07"),
    ("row\u202ereversed", r"row\u202ereversed"),
    ("a\nb\x00c", r"a\x0ab\x00c"),
    ("Ruderger\u00e4t", "Rudergerät"),
    ("x" * 32, "x" * 32),
    ("x" * 33, "x" * 31 + "…"),
    ("漢" * 16, "漢" * 16),
    ("漢" * 17, "漢" * 15 + "…"),
    ("a" + "\u0301" * 10_000, None),
]


@pytest.mark.parametrize(("name", "shown"), NAMES)
def test_names_of_strangers(name: str, shown: str | None) -> None:
    text = printable(name)
    assert shown is None or text == shown
    assert len(text) <= 4 * NAME_COLUMNS + 1


@given(st.text(max_size=200))
def test_no_name_reaches_the_terminal_unescaped(name: str) -> None:
    text = printable(name)
    assert text.isprintable()
    text.encode()


def after(*gaps_s: float) -> Liveness:
    """A source that sent once and then after each of these pauses."""
    liveness = Liveness(0)
    t_ns = 5 * SECOND
    liveness.heard(t_ns)
    for gap_s in gaps_s:
        t_ns += int(gap_s * SECOND)
        liveness.heard(t_ns)
    return liveness


LIMITS = [
    ("nothing heard yet", Liveness(0), 10),
    ("too little to know", after(1), 10),
    ("once a second", after(1, 1, 1), 3),
    ("four times a second", after(*[0.25] * 20), 3),
    ("twenty times a second", after(*[0.05] * 30), 3),
    ("two parts, once a second", after(*[0.01, 0.99] * 8), 3),
    ("once a second, one long pause", after(1, 1, 1, 30, 1, 1), 3),
    ("once a stroke: 3 x 2.5 s", after(2.5, 2.5, 2.5), 7.5),
    ("every two seconds", after(2, 2, 2), 6),
    ("every five seconds: no more than 10 s", after(5, 5, 5), 10),
    ("it has become brisk: the latest count", after(*[5] * 5, *[1] * 24), 3),
]


@pytest.mark.parametrize(("name", "liveness", "limit_s"), LIMITS)
def test_how_long_a_source_may_be_silent(name: str, liveness: Liveness, limit_s: float) -> None:
    assert liveness.limit_ns() == limit_s * SECOND, name


@pytest.mark.parametrize(
    ("liveness", "patience_s"),
    [(Liveness(0), 3), (after(1, 1, 1), 2), (after(*[0.25] * 9), 1.5), (after(4, 4, 4), 8)],
)
def test_patience_after_subscribing_again(liveness: Liveness, patience_s: float) -> None:
    assert liveness.patience_ns() == patience_s * SECOND


def test_a_call_that_will_not_end_is_left_behind() -> None:
    told = 0

    async def stubborn() -> None:
        nonlocal told
        while told < 3:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told += 1

    async def run() -> float:
        loop = asyncio.get_running_loop()
        started = loop.time()
        with pytest.raises(TimeoutError):
            await within(0.05, stubborn())
        return loop.time() - started

    assert asyncio.run(run()) < 2
    assert told == 3


def test_what_a_call_did_is_taken_back_when_nobody_waits_any_more() -> None:
    undone = asyncio.Event()

    async def act() -> str:
        return "done"

    async def undo() -> None:
        undone.set()

    async def run() -> None:
        waiting = asyncio.create_task(within(5, act(), undo))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        await settle(1)
        assert waiting.cancelled()
        assert undone.is_set()

    asyncio.run(run())
