"""SmartRow: messages, strokes put together from them, and the sign of life."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Dialogue
from rowlog_drivers.protocols import smartrow
from rowlog_drivers.records import (
    Link,
    MachineInfo,
    MachineState,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)

MS = 1_000_000
VECTORS: list[dict[str, Any]] = [
    vector
    for vector in json.loads(
        (Path(__file__).parent.parent / "vectors" / "vectors_machines.json").read_text("utf-8")
    )["vectors"]
    if vector["protocol"] == "smartrow"
]
R = TypeVar("R", bound=Record)


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(v, id=v["id"]) for v in VECTORS if v["kind"] == kind]


def kind(records: Iterable[Record], wanted: type[R]) -> list[R]:
    return [record for record in records if isinstance(record, wanted)]


def rx(payload: bytes, t_ms: int = 0, channel: str = "1236") -> Frame:
    return Frame(t_ns=t_ms * MS, source="rower", channel=channel, payload=payload)


def feed(decoder: smartrow.SmartRowDecoder, *messages: smartrow.Message) -> list[Record]:
    return [
        record
        for message in messages
        for record in decoder.decode(rx(smartrow.encode_message(message)))
    ]


@pytest.mark.parametrize("vector", of_kind("line"))
def test_line_vectors(vector: dict[str, Any]) -> None:
    message = smartrow.parse_message(vector["rx"].encode())
    assert isinstance(message, smartrow.Message)
    for name, value in vector["expect"].items():
        found = getattr(message, name)
        assert (list(found) if isinstance(found, tuple) else found) == value, name


@pytest.mark.parametrize("vector", of_kind("reject"))
def test_reject_vectors(vector: dict[str, Any]) -> None:
    decoder = smartrow.SmartRowDecoder()
    (bad,) = [r for line in vector["rx"] for r in decoder.decode(rx(line.encode() + b"\r"))]
    assert isinstance(bad, Undecoded)
    assert "checksum B3, B2 expected" in bad.reason
    (good,) = [r for line in vector["then"] for r in decoder.decode(rx(line.encode() + b"\r"))]
    assert isinstance(good, RowerSample)


def test_both_generations_of_firmware(captures: Path) -> None:
    text = (captures / "smartrow" / "smartrow_frames.txt").read_text("utf-8")
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            version, hex_ = line.split("\t")[:2]
            found[version] = smartrow.parse_message(bytes.fromhex(hex_).rstrip(b"\r"))
    two, three = found["V2"], found["V3"]
    assert isinstance(two, smartrow.Message)
    assert isinstance(three, smartrow.Message)
    assert (two.type, two.distance_m) == ("f", 300)
    assert (three.type, three.distance_m, three.peak_force_n) == ("f", 71, None)


def third(letter: str, *points: int) -> smartrow.Message:
    return smartrow.Message(type=letter, distance_m=10, force_points=points)


CURVE = (
    third("x", 0, 8, 15, 22, 27, 31, 34, 35),
    third("y", 35, 35, 34, 33, 30, 28, 26, 24),
    third("z", 20, 17, 13, 9, 5, 2, 1, 0),
)


def count(strokes: int, rate_spm: float | None = 25.4, metres: int = 10) -> smartrow.Message:
    return smartrow.Message(
        type="d", distance_m=metres, stroke_rate_spm=rate_spm, stroke_count=strokes
    )


def test_a_stroke_is_told_with_what_was_said_of_it() -> None:
    decoder = smartrow.SmartRowDecoder()
    assert kind(feed(decoder, count(0, None)), Stroke) == []
    records = feed(
        decoder,
        smartrow.Message(type="a", distance_m=9, elapsed_s=91),
        smartrow.Message(type="b", distance_m=9, work_j=423.4, stroke_length_m=1.25),
        smartrow.Message(type="c", distance_m=9, power_w=179, average_power_w=177.4),
        smartrow.Message(type="e", distance_m=9, pace_s_per_500m=126, average_pace_s_per_500m=125),
        smartrow.Message(type="f", distance_m=9, peak_force_n=722, stopped=False),
        *CURVE,
        count(1),
        count(1),
    )
    points = [point for message in CURVE for point in message.force_points or ()]
    assert kind(records, Stroke) == [
        Stroke(
            t_ns=0,
            source="rower",
            number=1,
            stroke_rate_spm=25.4,
            power_w=179,
            work_j=423.4,
            drive_length_m=1.25,
            peak_force_n=722,
            force_curve_n=tuple(20.0 * point for point in points),
        )
    ]
    samples = kind(records, RowerSample)
    assert [s.elapsed_s for s in samples if s.elapsed_s is not None] == [91]
    assert [s.average_power_w for s in samples if s.average_power_w is not None] == [177.4]
    assert [s.pace_s_per_500m for s in samples if s.pace_s_per_500m is not None] == [126]
    assert [s.stroke_count for s in samples if s.stroke_count is not None] == [1, 1]
    assert kind(records, MachineState) == [MachineState(t_ns=0, source="rower", state="rowing")]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_curve_that_misses_a_third_is_none(lost: int) -> None:
    decoder = smartrow.SmartRowDecoder()
    feed(decoder, count(0))
    messages = [message for n, message in enumerate(CURVE) if n != lost]
    (stroke,) = kind(feed(decoder, *messages, count(1)), Stroke)
    assert stroke.force_curve_n is None


def test_numbers_go_on_after_a_reset() -> None:
    decoder = smartrow.SmartRowDecoder()
    records = feed(decoder, *map(count, (5, 6, 7, 0, 1, 2)))
    assert [stroke.number for stroke in kind(records, Stroke)] == [6, 7, 8, 9]


def test_stopping_is_told_once() -> None:
    decoder = smartrow.SmartRowDecoder()
    still = smartrow.Message(type="f", distance_m=9, peak_force_n=0, stopped=True)
    assert [s.state for s in kind(feed(decoder, still, still), MachineState)] == ["stopped"]


def test_what_it_says_beside_its_messages() -> None:
    decoder = smartrow.SmartRowDecoder()
    records = decoder.decode(rx(b"\rV@\rmartRow V200'+'\r"))
    assert records == (MachineInfo(t_ns=0, source="rower", model="SmartRow", firmware="200"),)
    (three,) = decoder.decode(rx(b"Smartrow 'V3.00\r"))
    assert isinstance(three, MachineInfo)
    assert three.firmware == "3.00"
    (locked,) = decoder.decode(rx(b"KEYLOCK=1234\r"))
    assert isinstance(locked, MachineState)
    assert locked.state == "key_lock"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"a0036300131   B", "16 characters expected, got 15"),
        (b"g0036300131   B8", "a message of type g"),
        (b"a0x36300131   FA", "distance 0x363"),
    ],
)
def test_lines_that_are_no_messages(line: bytes, reason: str) -> None:
    assert smartrow.parse_message(line) == reason


def test_a_message_in_two_notifications() -> None:
    decoder = smartrow.SmartRowDecoder()
    assert decoder.decode(rx(b"c0036217")) == ()
    (sample,) = decoder.decode(rx(b"9 1774F2\r"))
    assert isinstance(sample, RowerSample)
    assert sample.power_w == 179
    # A lost link drops the half message.
    decoder.decode(rx(b"c00362"))
    link = Frame(t_ns=0, source="rower", channel="link", payload=b"down")
    assert decoder.decode(link) == (Link(t_ns=0, source="rower", up=False),)
    assert len(decoder.decode(rx(b"c00362179 1774F2\r"))) == 1


def test_it_gives_a_sign_of_life_every_second() -> None:
    decoder = smartrow.SmartRowDecoder()
    assert isinstance(decoder, Dialogue)
    at: list[int] = []
    for t_ms in range(0, 5_000, 50):
        request = decoder.next_request(t_ms * MS)
        if request is not None:
            assert (request.channel, request.payload) == ("1235", b"$")
            at.append(t_ms)
            decoder.decode(
                Frame(t_ns=t_ms * MS, source="rower", channel="1235", payload=b"$", sent=True)
            )
    assert at == [0, 1_000, 2_000, 3_000, 4_000]


def test_other_channels_are_undecoded() -> None:
    (record,) = smartrow.SmartRowDecoder().decode(rx(b"", channel="2ad1"))
    assert isinstance(record, Undecoded)


METRES = st.integers(0, 99_999)
MESSAGES = st.one_of(
    st.builds(
        smartrow.Message, type=st.just("a"), distance_m=METRES, elapsed_s=st.integers(0, 35_999)
    ),
    st.builds(
        smartrow.Message,
        type=st.just("b"),
        distance_m=METRES,
        work_j=st.integers(0, 99_999).map(lambda tenths: tenths / 10),
        stroke_length_m=st.integers(0, 999).map(lambda cm: cm / 100),
    ),
    st.builds(
        smartrow.Message,
        type=st.just("c"),
        distance_m=METRES,
        power_w=st.integers(0, 999),
        average_power_w=st.integers(0, 99_999).map(lambda tenths: tenths / 10),
    ),
    st.builds(
        smartrow.Message,
        type=st.just("d"),
        distance_m=METRES,
        stroke_rate_spm=st.one_of(st.none(), st.integers(1, 999).map(lambda tenths: tenths / 10)),
        stroke_count=st.integers(0, 9_999),
    ),
    st.builds(
        smartrow.Message,
        type=st.just("e"),
        distance_m=METRES,
        pace_s_per_500m=st.integers(0, 599),
        average_pace_s_per_500m=st.one_of(st.none(), st.integers(0, 599)),
    ),
    st.builds(
        smartrow.Message,
        type=st.just("f"),
        distance_m=METRES,
        peak_force_n=st.one_of(st.none(), st.integers(0, 9_999)),
        stopped=st.booleans(),
    ),
    st.builds(
        smartrow.Message,
        type=st.sampled_from("xyz"),
        distance_m=METRES,
        force_points=st.tuples(*[st.integers(0, 0x5D)] * 8),
    ),
)


@given(MESSAGES)
def test_messages_read_back(message: smartrow.Message) -> None:
    sent = smartrow.encode_message(message)
    assert len(sent) == 17
    assert sent.endswith(b"\r")
    assert smartrow.parse_message(sent[:-1]) == message


@given(st.binary(max_size=30))
def test_no_bytes_make_a_parser_raise(line: bytes) -> None:
    smartrow.parse_message(line)


@given(st.binary(min_size=8, max_size=8), st.sampled_from(b"abcdefxyz"))
def test_no_fields_make_a_parser_raise(rest: bytes, letter: int) -> None:
    checked = bytes([letter]) + b"00363" + rest
    line = checked + b"%02X" % (sum(checked) & 0xFF)
    assert isinstance(smartrow.parse_message(line), smartrow.Message)


FRAMES = st.builds(
    lambda channel, payload, sent, t_ms: Frame(
        t_ns=t_ms * MS, source="rower", channel=channel, payload=payload, sent=sent
    ),
    st.sampled_from(["1236", "1236", "1235", "link", "rx"]),
    st.one_of(st.binary(max_size=40), MESSAGES.map(smartrow.encode_message)),
    st.booleans(),
    st.integers(0, 20_000),
)


@given(st.lists(FRAMES, max_size=40))
def test_no_frame_makes_the_decoder_raise(frames: list[Frame]) -> None:
    decoder = smartrow.SmartRowDecoder()
    for frame in sorted(frames, key=lambda frame: frame.t_ns):
        for record in decoder.decode(frame):
            assert record.t_ns == frame.t_ns
        decoder.next_request(frame.t_ns)
    assert decoder.finish(20_000 * MS) == ()
