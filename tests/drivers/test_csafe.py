"""CSAFE: framing, commands, replies, workouts for the monitor, and the dialogue."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame, Request
from rowlog_drivers.interface import Dialogue
from rowlog_drivers.protocols import csafe
from rowlog_drivers.protocols import csafe_commands as commands
from rowlog_drivers.protocols import csafe_frames as frames
from rowlog_drivers.protocols import csafe_programs as programs
from rowlog_drivers.protocols.csafe_counting import Counting
from rowlog_drivers.protocols.pm5_strokes import LBF_N, PolledCurve
from rowlog_drivers.records import (
    ControlReply,
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
    if vector["protocol"] == "csafe"
]
R = TypeVar("R", bound=Record)


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(v, id=v["id"]) for v in VECTORS if v["kind"] in kinds]


def kind(records: Iterable[Record], wanted: type[R]) -> list[R]:
    return [record for record in records if isinstance(record, wanted)]


def one_frame(*portions: str) -> csafe.CsafeFrame:
    (found,) = csafe.decode_frames(bytes.fromhex(portion) for portion in portions)
    assert isinstance(found, csafe.CsafeFrame)
    return found


def reply_of(*portions: str) -> csafe.Reply:
    reply = csafe.parse_reply(one_frame(*portions).contents)
    assert reply is not None
    return reply


def check_status(status: csafe.ReplyStatus, expect: dict[str, Any]) -> None:
    assert status.toggle == expect["frame_toggle"]
    assert status.previous == expect["previous_frame"]
    assert status.state == expect["state"]


def check_reply(reply: csafe.Reply, expect: dict[str, Any]) -> None:
    if "status" in expect:
        check_status(reply.status, expect["status"])
    assert reply.truncated == expect.get("truncated", False)
    assert len(reply.blocks) == len(expect["blocks"])
    for block, wanted in zip(reply.blocks, expect["blocks"], strict=True):
        assert f"{block.id:02x}" == wanted["id"]
        assert (block.wrapper and f"{block.wrapper:02x}") == wanted["wrapper"]
        if "data_hex" in wanted:
            assert block.data.hex() == wanted["data_hex"]
        said = dict(block.meanings)
        for name, value in wanted.get("decoded", {}).items():
            found = said[name]
            if isinstance(found, tuple):
                found = list(found)  # type: ignore[assignment]
            assert found == (pytest.approx(value) if isinstance(value, float) else value), name


def check_request(contents: bytes, expect: list[dict[str, Any]]) -> None:
    assert [
        {
            "wrapper": None if one.wrapper is None else f"{one.wrapper:02x}",
            "id": f"{one.id:02x}",
            "data_hex": one.data.hex(),
        }
        for one in csafe.parse_request(contents)
    ] == expect


# Vectors


@pytest.mark.parametrize("vector", of_kind("frame", "exchange"))
def test_frame_vectors(vector: dict[str, Any]) -> None:
    expect = vector["expect"]
    if vector["kind"] == "exchange":
        check_request(one_frame(*vector["tx"]).contents, expect["request_commands"])
        check_reply(reply_of(*vector["rx"]), expect)
        return
    portions = vector.get("fragments") or [vector["hex"]]
    if vector["direction"] == "request":
        check_request(one_frame(*portions).contents, expect["commands"])
    else:
        check_reply(reply_of(*portions), expect)


@pytest.mark.parametrize("vector", of_kind("frame", "exchange"))
def test_frames_are_written_as_they_were_read(vector: dict[str, Any]) -> None:
    portions = vector.get("fragments") or vector.get("rx") or [vector["hex"]]
    frame = one_frame(*portions)
    assert csafe.encode_frame(frame.contents).hex() == "".join(portions)
    if vector.get("direction") == "request":
        assert csafe.encode_commands(csafe.parse_request(frame.contents)) == frame.contents


def programmed(request: dict[str, Any]) -> tuple[bytes, ...]:
    """The frames for what a vector asks for."""
    match request["workout"]:
        case "predefined":
            return (csafe.standard(request["number"]),)
        case "just_row":
            return csafe.just_row().frames
        case "fixed_distance":
            return csafe.fixed("distance", request["metres"], split=request["split_m"]).frames
        case "fixed_time":
            return csafe.fixed("time", request["seconds"], split=request["split_s"]).frames
        case "fixed_calories":
            return csafe.fixed("calories", request["kcal"], split=request["split_kcal"]).frames
        case "fixed_distance_interval":
            return csafe.repeated("distance", request["metres"], request["rest_s"]).frames
        case "fixed_time_interval":
            return csafe.repeated("time", request["seconds"], request["rest_s"]).frames
        case "terminate":
            return (csafe.terminate(),)
    raise AssertionError(request)


@pytest.mark.parametrize("vector", of_kind("encode"))
def test_encode_vectors(vector: dict[str, Any]) -> None:
    request = vector["request"]
    if "hid_report_for" in request:
        report = csafe.encode_report(bytes.fromhex(request["hid_report_for"]))
        assert report[0] == request["report_id"]
        assert len(report) == request["report_length_with_id"]
        assert [report.hex()] == vector["tx"]
        return
    assert [frame.hex() for frame in programmed(request)] == vector["tx"]


@pytest.mark.parametrize("vector", of_kind("reject"))
def test_reject_vectors(vector: dict[str, Any]) -> None:
    framer = csafe.CsafeFramer()
    bad = [one for hex_ in vector["rx"] for one in framer.feed(bytes.fromhex(hex_))]
    assert not any(isinstance(one, csafe.CsafeFrame) for one in bad)
    good = [one for hex_ in vector["then"] for one in framer.feed(bytes.fromhex(hex_))]
    (frame,) = [one for one in good if isinstance(one, csafe.CsafeFrame)]
    reply = csafe.parse_reply(frame.contents)
    assert reply is not None
    check_status(reply.status, vector["expect"]["then"]["status"])
    assert len([one for one in bad + good if isinstance(one, csafe.BadFrame)]) == 1


@pytest.mark.parametrize("vector", of_kind("stream"))
def test_stream_vectors(vector: dict[str, Any]) -> None:
    found = csafe.decode_frames(bytes.fromhex(hex_) for _, hex_ in vector["items"])
    expect = vector["expect"]
    good = [one for one in found if isinstance(one, csafe.CsafeFrame)]
    assert (len(good), len(found) - len(good)) == (expect["frames"], expect["bad_checksums"])
    curve = PolledCurve()
    curves: list[tuple[int, ...]] = []
    for frame in good:
        reply = csafe.parse_reply(frame.contents)
        assert reply is not None
        for block in reply.blocks:
            points = dict(block.meanings).get("force_lbf")
            if isinstance(points, tuple):
                whole = curve.add(points)
                if whole is not None:
                    curves.append(whole)
    assert len(curves) == expect["force_curves"]
    assert [len(one) for one in curves] == expect["points_per_curve"]
    assert [max(one) for one in curves] == expect["peak_lbf_per_curve"]
    assert list(curves[0]) == expect["first_curve_lbf"]
    assert list(curves[1]) == expect["second_curve_lbf"]


# Framing


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        ("f18180f2", "checksum 80, 81 expected"),
        ("f181f304f2", "04 after a stuffing byte"),
        ("f18181f3f2", "a stuffing byte at the end"),
        ("f1f2", "without contents"),
        ("f181f2", "without contents"),
        ("f0fd00f2", "without contents"),
        ("f0fdf2", "without addresses"),
        ("f1818181f1", "without its stop flag"),
        ("f1" + "00" * 1100, "no stop flag in 1024 bytes"),
    ],
)
def test_frames_that_are_none(stream: str, reason: str) -> None:
    (bad,) = csafe.decode_frames([bytes.fromhex(stream)])
    assert isinstance(bad, csafe.BadFrame)
    assert reason in bad.reason


def test_bytes_outside_frames_are_dropped() -> None:
    assert csafe.decode_frames([b"\0noise\xf2\xf3"]) == []
    found = csafe.decode_frames([b"\x02\xf1\x81\x81\xf2\0\0\0"])
    assert found == [csafe.CsafeFrame(contents=b"\x81")]


def test_addresses_are_not_in_the_checksum() -> None:
    frame = csafe.encode_frame(b"\x80", destination=frames.DEFAULT_MONITOR)
    assert frame.hex() == "f0fd008080f2"
    assert csafe.decode_frames([frame]) == [
        csafe.CsafeFrame(contents=b"\x80", destination=0xFD, sender=0)
    ]
    # An address that is a flag is stuffed as everything else.
    assert csafe.encode_frame(b"\x80", destination=0xF2).hex() == "f0f302008080f2"


CONTENTS = st.binary(min_size=1, max_size=50)


@given(CONTENTS, st.one_of(st.none(), st.integers(0, 0xFF)), st.integers(0, 0xFF), st.data())
def test_frames_read_back_however_they_are_cut(
    contents: bytes, destination: int | None, sender: int, data: st.DataObject
) -> None:
    whole = csafe.encode_frame(contents, destination=destination, sender=sender)
    # No flag stands within a frame, so a reader finds the next one whatever was lost.
    assert not set(whole[1:-1]) & {0xF0, 0xF1, 0xF2}
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    portions = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    (found,) = csafe.decode_frames(portions)
    assert found == csafe.CsafeFrame(
        contents=contents,
        destination=destination,
        sender=None if destination is None else sender,
    )


@given(st.binary(max_size=200))
def test_no_bytes_make_the_framer_raise(stream: bytes) -> None:
    for found in csafe.decode_frames([stream]):
        if isinstance(found, csafe.CsafeFrame):
            assert csafe.parse_reply(found.contents) is not None


def test_limits_of_frames_are_named() -> None:
    with pytest.raises(CallError, match="at least one command"):
        csafe.encode_frame(b"")
    with pytest.raises(CallError, match="up to 120 bytes, not 121"):
        csafe.encode_frame(bytes(118))
    assert len(csafe.encode_frame(bytes(117))) == 120
    with pytest.raises(CallError, match="up to 120 bytes, not 121"):
        csafe.encode_report(bytes(121))


@pytest.mark.parametrize(
    ("size", "reply", "report", "length"),
    [
        (4, 0, 1, 21),
        (20, 0, 1, 21),
        (21, 0, 4, 63),
        (4, 62, 4, 63),
        (63, 0, 2, 121),
        (8, 80, 2, 121),
    ],
)
def test_a_report_is_as_long_as_request_and_reply_need(
    size: int, reply: int, report: int, length: int
) -> None:
    found = csafe.encode_report(bytes(size), reply_bytes=reply)
    assert (found[0], len(found)) == (report, length)


def test_pieces_of_20_bytes() -> None:
    cut = csafe.pieces(bytes(range(45)))
    assert [len(piece) for piece in cut] == [20, 20, 5]
    assert b"".join(cut) == bytes(range(45))


# Commands

COMMANDS = st.one_of(
    st.builds(
        lambda id, wrapper: commands.Command(id=id, wrapper=wrapper),
        st.integers(0x80, 0xFF),
        st.sampled_from([None, *sorted(commands.WRAPPERS)]),
    ),
    st.builds(
        lambda id, data, wrapper: commands.Command(id=id, data=data, wrapper=wrapper),
        st.integers(0, 0x7F).filter(lambda id: id not in commands.WRAPPERS),
        st.binary(max_size=8),
        st.sampled_from([None, *sorted(commands.WRAPPERS)]),
    ),
)


@given(st.lists(COMMANDS, min_size=1, max_size=20))
def test_requests_read_back(asked: list[commands.Command]) -> None:
    assert list(csafe.parse_request(csafe.encode_commands(asked))) == asked


BLOCKS = st.tuples(
    st.sampled_from([None, 0x1A, 0x7E, 0x7F]),
    st.integers(0, 0xFF).filter(lambda id: id not in commands.WRAPPERS),
    st.binary(max_size=12),
)


@given(st.integers(0, 0xFF), st.lists(BLOCKS, max_size=8))
def test_replies_read_back(octet: int, said: list[tuple[int | None, int, bytes]]) -> None:
    reply = csafe.parse_reply(csafe.encode_reply(octet, said))
    assert reply is not None
    assert reply.status == csafe.parse_status(octet)
    assert [(block.wrapper, block.id, block.data) for block in reply.blocks] == said
    assert not reply.truncated


@given(st.binary(max_size=60))
def test_no_contents_make_a_reader_raise(contents: bytes) -> None:
    csafe.parse_request(contents)
    reply = csafe.parse_reply(contents)
    assert (reply is None) == (contents == b"")


@given(st.lists(st.integers(0, 0xFFFF), max_size=16), st.sampled_from([0x1A, 0x7F]))
def test_force_plots_read_back(points: list[int], wrapper: int) -> None:
    data = csafe.encode_force_block(points, wrapper)
    assert len(data) == 33
    reply = csafe.parse_reply(csafe.encode_reply(0x09, [(wrapper, 0x6B, data)]))
    assert reply is not None
    assert dict(reply.blocks[0].meanings) == {
        "valid_bytes": 2 * len(points),
        "force_lbf": tuple(points),
    }


@pytest.mark.parametrize(
    ("wrapper", "id", "data", "said"),
    [
        # The public commands.
        (None, 0xA1, "d20424", {"distance_m": 1234}),
        (None, 0xA1, "0a0021", {"distance_m": 10_000}),
        (None, 0xA1, "0a0099", {}),
        (None, 0xA3, "7600", {"energy_kcal": 118}),
        (None, 0xA6, "f00039", {"pace_s_per_500m": 120.0}),
        (None, 0xA6, "f00040", {}),
        (None, 0x94, "343330303730343339", {"serial_number": "430070439"}),
        (None, 0x94, "ff1b5b324a", {}),
        (None, 0xA0, "0102", {}),
        # One command through two wrappers: low byte first, then high byte first.
        (0x1A, 0xA0, "983a000055", {"work_time_s": 150.85}),
        (0x7F, 0xA0, "00003a98", {"work_time_s": 150.0}),
        (0x1A, 0xA3, "e803000005", {"work_distance_m": 100.5}),
        (0x7F, 0xA3, "000003e8", {"work_distance_m": 100.0}),
        (0x7F, 0xCF, "1e00", {"rest_time_s": 30}),
        (0x1A, 0xC1, "62", {"drag_factor": 98}),
        (0x1A, 0x9F, "03", {"interval_count": 3}),
        (0x1A, 0xE8, "80d0070000", {"duration_type_enum": 0x80, "duration_raw": 2000}),
        (0x7F, 0xE8, "80000007d0", {"duration_type_enum": 0x80, "duration_raw": 2000}),
        (
            0x1A,
            0x6E,
            "e30346b4007c0200f5070a00dd04e70e",
            {
                "stroke_distance_m": 9.95,
                "drive_s": 0.7,
                "recovery_s": 1.8,
                "drive_length_m": 1.24,
                "stroke_count": 2,
                "peak_force_lbf": 203.7,
                "impulse_raw": 10,
                "mean_force_lbf": 124.5,
                "work_j": 381.5,
            },
        ),
        # What is cut short says what is there; what is not known says nothing.
        (0x1A, 0x6E, "e30346", {"stroke_distance_m": 9.95, "drive_s": 0.7}),
        (0x1A, 0x6B, "14", {"valid_bytes": 0, "force_lbf": ()}),
        (0x1A, 0x6B, "", {}),
        (0x1A, 0x55, "01", {}),
    ],
)
def test_meanings(wrapper: int | None, id: int, data: str, said: dict[str, Any]) -> None:
    reply = csafe.parse_reply(csafe.encode_reply(1, [(wrapper, id, bytes.fromhex(data))]))
    assert reply is not None
    assert dict(reply.blocks[0].meanings) == said


def test_what_was_set_is_answered_by_its_ids() -> None:
    reply = csafe.parse_reply(bytes.fromhex("0176040103" + "1413"))
    assert reply is not None
    assert [block.id for block in reply.blocks] == [0x01, 0x03, 0x14, 0x13]
    assert not reply.truncated


@pytest.mark.parametrize("contents", ["01b4", "01b40310", "011a02a005", "011a"])
def test_a_block_that_is_cut_is_said(contents: str) -> None:
    reply = csafe.parse_reply(bytes.fromhex(contents))
    assert reply is not None
    assert reply.truncated


# Workouts


@pytest.mark.parametrize(
    ("call", "limit"),
    [
        (lambda: csafe.fixed("distance", 99), "100 to 50000 m, not 99"),
        (lambda: csafe.fixed("distance", 50_001), "100 to 50000 m, not 50001"),
        (lambda: csafe.fixed("distance", 500.5), "whole m, not 500.5"),
        (lambda: csafe.fixed("time", 19.99), "20 to 35999 s, not 19.99"),
        (lambda: csafe.fixed("time", 36_000), "20 to 35999 s, not 36000"),
        (lambda: csafe.fixed("calories", 0), "1 to 65535 kcal, not 0"),
        (lambda: csafe.fixed("distance", 2000, split=50), "split of 100 to 50000 m, not 50"),
        (lambda: csafe.fixed("distance", 500, split=600), "longer than the piece"),
        (lambda: csafe.fixed("distance", 10_000, split=100), "up to 50 splits"),
        (lambda: csafe.fixed("distance", 5_000, split=100, monitor=4), "PM4 holds up to 30"),
        (lambda: csafe.fixed("distance", 5_000, monitor=2), "PM3, 4 and 5, not 2"),
        (lambda: csafe.repeated("distance", 500, 596), "rest of 0 to 595 whole s, not 596"),
        (lambda: csafe.repeated("time", 10, 60), "20 to 35999 s, not 10"),
        (lambda: csafe.variable([]), "1 to 50 intervals, not 0"),
        (lambda: csafe.variable([csafe.Interval(kind="time", amount=30)] * 51), "not 51"),
        (lambda: csafe.variable([csafe.Interval(kind="time", amount=5)]), "not 5"),
        (lambda: csafe.standard(16), "1 to 15, not 16"),
        (
            lambda: csafe.program([csafe.Interval(kind="time", amount=60)] * 2, split=30),
            "in a single piece only",
        ),
        (lambda: csafe.fixed("strokes", 30), "not of 'strokes'"),  # type: ignore[arg-type]
    ],
)
def test_what_a_monitor_cannot_hold_is_refused_with_the_reason(call: Any, limit: str) -> None:
    with pytest.raises(CallError, match=limit):
        call()


def test_the_longest_workouts_are_allowed() -> None:
    csafe.fixed("distance", 50_000, split=1_000)
    csafe.fixed("time", 35_999, split=720)
    csafe.repeated("distance", 100, 595)
    csafe.variable([csafe.Interval(kind="calories", amount=10, rest_s=None)] * 50)


@pytest.mark.parametrize(
    ("kind_", "amount", "split"),
    [
        ("distance", 2000, 400),
        ("distance", 300, 100),
        ("distance", 100, 100),
        ("time", 1200, 240),
        ("time", 60, 20),
        ("calories", 100, 20),
    ],
)
def test_a_piece_has_five_splits_unless_they_are_too_short(
    kind_: programs.Kind, amount: float, split: float
) -> None:
    assert csafe.fixed(kind_, amount) == csafe.fixed(kind_, amount, split=split)


def settings_of(program: csafe.Program) -> list[tuple[int, str]]:
    asked: list[tuple[int, str]] = []
    for frame in program.frames:
        for one in csafe.parse_request(one_frame(frame.hex()).contents):
            assert one.wrapper == 0x76
            asked.append((one.id, one.data.hex()))
    return asked


def test_variable_intervals() -> None:
    program = csafe.program(
        [
            csafe.Interval(kind="distance", amount=500, rest_s=60),
            csafe.Interval(kind="time", amount=90.5, rest_s=120),
            csafe.Interval(kind="calories", amount=20),
        ]
    )
    assert program.workout_type == 8
    assert len(program.frames) == 1
    assert settings_of(program) == [
        (0x18, "00"),
        (0x01, "08"),
        (0x17, "01"),
        (0x03, "80000001f4"),
        (0x04, "003c"),
        (0x14, "01"),
        (0x18, "01"),
        (0x17, "00"),
        (0x03, "000000235a"),
        (0x04, "0078"),
        (0x14, "01"),
        (0x18, "02"),
        (0x17, "06"),
        (0x03, "4000000014"),
        (0x04, "0000"),
        (0x14, "01"),
        (0x13, "0101"),
    ]


def test_an_undefined_rest_makes_another_kind_of_workout() -> None:
    program = csafe.program(
        [
            csafe.Interval(kind="distance", amount=500, rest_s=None),
            csafe.Interval(kind="time", amount=60, rest_s=None),
            csafe.Interval(kind="calories", amount=20, rest_s=30),
        ]
    )
    assert program.workout_type == 9
    asked = settings_of(program)
    assert [data for id, data in asked if id == 0x01] == ["09"]
    assert [data for id, data in asked if id == 0x17] == ["04", "03", "06"]
    assert [data for id, data in asked if id == 0x04] == ["0000", "0000", "001e"]


def test_one_piece_without_rest_is_a_piece() -> None:
    assert csafe.program([csafe.Interval(kind="distance", amount=2000)]) == csafe.fixed(
        "distance", 2000
    )


@given(
    st.lists(
        st.builds(
            csafe.Interval,
            kind=st.just("distance"),
            amount=st.integers(100, 50_000),
            rest_s=st.one_of(st.none(), st.integers(0, 595)),
        ),
        min_size=2,
        max_size=50,
    )
)
def test_every_frame_fits_and_no_interval_is_lost(intervals: list[csafe.Interval]) -> None:
    program = csafe.program(intervals)
    assert all(len(frame) <= 120 for frame in program.frames)
    asked = settings_of(program)
    assert [int(data, 16) for id, data in asked if id == 0x18] == list(range(len(intervals)))
    assert [int(data[2:], 16) for id, data in asked if id == 0x03] == [
        interval.amount for interval in intervals
    ]
    assert asked[-1] == (0x13, "0101")
    assert [id for id, _ in asked].count(0x01) == 1


# The dialogue


class Monitor:
    """A PM that answers over USB, for as far as the dialogue goes."""

    def __init__(self, *, manufacturer: int = 22) -> None:
        self.manufacturer = manufacturer
        self.toggle = 0
        self.stroke_state = 0
        self.plot: list[int] = []
        self.stroke_count = 0
        self.elapsed = 0
        self.metres = 0
        self.asked: list[str] = []

    def answer(self, report: bytes) -> bytes:
        (frame,) = csafe.decode_frames([report[1:]])
        assert isinstance(frame, csafe.CsafeFrame)
        said: list[tuple[int | None, int, bytes]] = []
        for one in csafe.parse_request(frame.contents):
            data = self.say(one)
            self.asked.append(f"{one.wrapper or 0:02x}.{one.id:02x}")
            if data is not None:
                said.append((one.wrapper, one.id, data))
        self.toggle ^= 0x80
        reply = csafe.encode_frame(csafe.encode_reply(self.toggle | 0x09, said))
        assert len(reply) < len(report), "the reply does not fit the report"
        return csafe.encode_report(reply, reply_bytes=len(report) - 1)

    def say(self, one: commands.Command) -> bytes | None:
        if one.wrapper is None:
            own = self.manufacturer == commands.CONCEPT2
            seconds = self.elapsed // 100 if own else 25
            metres = self.metres // 10 if own else 100
            return {
                commands.VERSION: bytes([self.manufacturer, 2, 5, 0x54, 1, 0x14, 0]),
                commands.SERIAL: b"430070439",
                commands.CADENCE: bytes([24, 0, 0x54]),
                commands.POWER: bytes([179, 0, 0x58]),
                commands.PACE: bytes([250, 0, 0x39]),
                commands.HEART_RATE: b"\0",
                commands.CALORIES: b"\6\0",
                commands.WORK_TIME: bytes([0, 0, seconds]),
                commands.HORIZONTAL: bytes([metres, 0, 0x24]),
            }.get(one.id)
        match one.id:
            case commands.PM_WORK_TIME:
                return self.elapsed.to_bytes(4, "little") + b"\0"
            case commands.PM_WORK_DISTANCE:
                return self.metres.to_bytes(4, "little") + b"\0"
            case commands.PM_STROKE_STATE:
                return bytes([self.stroke_state])
            case commands.PM_DRAG_FACTOR:
                return b"\x62"
            case commands.PM_FORCE_PLOT:
                points, self.plot = self.plot[:10], self.plot[10:]
                return csafe.encode_force_block(points)
            case commands.PM_STROKE_STATS:
                stats = "e30346b4007c{:02x}00f5070a00dd04e70e"
                return bytes.fromhex(stats.format(self.stroke_count))
            case commands.PM_WORKOUT_TYPE:
                return b"\3"
            case commands.PM_WORKOUT_STATE:
                return b"\1"
            case commands.PM_INTERVAL_TYPE:
                return b"\1"
            case commands.PM_INTERVAL_COUNT:
                return b"\0"
        return None


def converse(
    decoder: csafe.CsafeDecoder, monitor: Monitor, from_ms: int, until_ms: int, reply_ms: int = 15
) -> list[Record]:
    """Let them talk: a request whenever there is one, its answer a little later."""
    records: list[Record] = []
    due: tuple[int, bytes] | None = None
    for t_ms in range(from_ms, until_ms, 5):
        if due is not None and t_ms >= due[0]:
            records += decoder.decode(
                Frame(t_ns=t_ms * MS, source="rower", channel="rx", payload=due[1])
            )
            due = None
        request = decoder.next_request(t_ms * MS)
        if request is None:
            continue
        assert due is None, "two requests are open"
        assert request.channel == "tx"
        frame = Frame(
            t_ns=t_ms * MS, source="rower", channel="tx", payload=request.payload, sent=True
        )
        assert decoder.decode(frame) == ()
        due = (t_ms + reply_ms, monitor.answer(request.payload))
    return records


POINTS = [19, 33, 66, 78, 101, 120, 136, 148, 160, 171, 182, 196, 203, 184, 145, 88, 50, 8]


def test_a_row_over_usb() -> None:
    decoder, monitor = csafe.CsafeDecoder(link="usb"), Monitor()
    assert isinstance(decoder, Dialogue)
    first = converse(decoder, monitor, 0, 1_500)
    assert monitor.asked[:3] == ["00.91", "00.94", "00.80"]
    assert kind(first, MachineInfo) == [
        MachineInfo(
            t_ns=15 * MS,
            source="rower",
            manufacturer="Concept2",
            model="PM5",
            hardware="340",
            software="20",
        ),
        MachineInfo(t_ns=15 * MS, source="rower", serial_number="430070439"),
    ]
    assert "1a.6b" not in monitor.asked, "no force plot is asked for while nobody pulls"
    assert {state.state for state in kind(first, MachineState)} == {
        "offline",
        "program",
        "workout_row",
        "interval_type",
        "interval",
    }
    monitor.stroke_state, monitor.plot = 2, list(POINTS)
    monitor.elapsed, monitor.metres, monitor.stroke_count = 352, 129, 2
    drive = converse(decoder, monitor, 1_500, 2_200)
    monitor.stroke_state = 4
    recovery = converse(decoder, monitor, 2_200, 3_500)
    samples = [s for s in kind(drive, RowerSample) if s.elapsed_s is not None]
    assert (samples[-1].elapsed_s, samples[-1].distance_m) == (3.52, 12.9)
    assert samples[-1].pace_s_per_500m == 125.0
    assert (samples[-1].stroke_rate_spm, samples[-1].power_w) == (24, 179)
    told = kind(drive + recovery, Stroke)
    assert {stroke.number for stroke in told} == {2}
    (curve,) = [stroke.force_curve_n for stroke in told if stroke.force_curve_n is not None]
    assert curve == tuple(point * LBF_N for point in POINTS)
    assert told[0].peak_force_n == 203.7 * LBF_N
    assert (told[0].drive_s, told[0].work_j) == (0.7, 381.5)
    slow = [s for s in kind(recovery, RowerSample) if s.drag_factor is not None]
    assert (slow[-1].drag_factor, slow[-1].energy_kcal, slow[-1].heart_rate_bpm) == (98, 6, 0)


def test_a_machine_of_another_maker_is_asked_what_all_understand() -> None:
    decoder, monitor = csafe.CsafeDecoder(link="usb"), Monitor(manufacturer=7)
    records = converse(decoder, monitor, 0, 2_000)
    assert not any(asked.startswith("1a") for asked in monitor.asked)
    sample = kind(records, RowerSample)[-1]
    assert (sample.elapsed_s, sample.distance_m, sample.power_w) == (25, 100, 179)
    assert kind(records, MachineInfo)[0].manufacturer == "CSAFE 7"


def test_values_are_asked_for_ten_times_a_second() -> None:
    decoder, monitor = csafe.CsafeDecoder(link="usb"), Monitor()
    records = converse(decoder, monitor, 0, 10_000)
    distances = [s for s in kind(records, RowerSample) if s.distance_m is not None]
    assert 80 <= len(distances) <= 101


@pytest.mark.parametrize("goal", [None, 100.0, 2000.0])
@pytest.mark.parametrize("rounded", [math.floor, round])
def test_what_is_displayed_counts_up_or_down(
    goal: float | None, rounded: Callable[[float], int]
) -> None:
    """2000.0, 1999.9, ... with 0, 0, ... beside it are 0.0, 0.1, ...; 0.0, 0.1, ... are that."""
    counting = Counting()
    for tenths in range(round(10 * (goal or 300.0)) + 1):
        true = tenths / 10
        shown = true if goal is None else goal - true
        assert counting.take(rounded(true), shown) == pytest.approx(true)
        assert counting.goal == goal or goal is None
    # The workout stays on the display when it is over, until the next one is there.
    assert counting.take(0, 500.0) == 0.0
    assert counting.goal == 500.0
    assert counting.take(0, 0.0) == 0.0
    assert counting.goal is None


@given(st.lists(st.tuples(st.integers(0, 65_535), st.integers(0, 2**32 - 1).map(lambda n: n / 10))))
def test_whatever_is_displayed_the_whole_metres_are_believed(said: list[tuple[int, float]]) -> None:
    counting = Counting()
    for whole, fine in said:
        assert abs(counting.take(whole, fine) - whole) <= 1.06


def test_the_length_of_a_workout_shows_before_it_begins() -> None:
    """A3 says 2000.0 m while A1 says 0: the state machine of a recording is told of 2000 m."""
    decoder = csafe.CsafeDecoder(link="serial")
    held, _ = csafe.HELD_REQUESTS
    reply = csafe.encode_frame(
        csafe.encode_reply(
            0x01,
            [
                (0x1A, commands.PM_WORKOUT_TYPE, b"\3"),
                (0x1A, commands.PM_WORKOUT_STATE, b"\0"),
                (0x1A, commands.PM_WORK_TIME, bytes(5)),
                (0x1A, commands.PM_WORK_DISTANCE, bytes.fromhex("204e000000")),
                (None, commands.WORK_TIME, bytes(3)),
                (None, commands.HORIZONTAL, bytes([0, 0, 0x24])),
            ],
        )
    )
    records = exchange(decoder, held, reply.hex())
    (sample,) = kind(records, RowerSample)
    assert (sample.elapsed_s, sample.distance_m) == (0.0, 0.0)
    told = [(one.state, one.text, one.parameter) for one in kind(records, MachineState)]
    assert told[1:] == [
        ("program", "fixed_distance_splits", None),
        ("wait_to_begin", None, None),
        ("target_distance_m", None, 2000.0),
    ]


def test_a_lost_reply_is_waited_for_and_then_forgotten() -> None:
    decoder = csafe.CsafeDecoder(link="serial")
    request = decoder.next_request(0)
    assert request is not None
    assert decoder.next_request(0) == request, "asking changes nothing"
    decoder.decode(Frame(t_ns=0, source="rower", channel="tx", payload=request.payload, sent=True))
    assert decoder.next_request(999 * MS) is None
    assert decoder.next_request(1_000 * MS) == request


def exchange(
    decoder: csafe.CsafeDecoder, request: bytes, reply: str, t_ms: int = 0
) -> tuple[Record, ...]:
    frame = Frame(t_ns=t_ms * MS, source="rower", channel="tx", payload=request, sent=True)
    assert decoder.decode(frame) == ()
    answer = replace(frame, channel="rx", sent=False, payload=bytes.fromhex(reply))
    return decoder.decode(answer)


@pytest.mark.parametrize(
    ("reply", "result", "name"),
    [("f181760401031413f3f2", None, None), ("f10101f2", 0, "ok"), ("f11111f2", 1, "reject")],
)
def test_what_became_of_a_workout_is_told(reply: str, result: int | None, name: str | None) -> None:
    decoder = csafe.CsafeDecoder(link="serial")
    records = exchange(decoder, csafe.fixed("distance", 2000).frames[0], reply)
    if result is None:
        assert kind(records, Undecoded)
        return
    assert kind(records, ControlReply) == [
        ControlReply(t_ns=0, source="rower", request=0x76, result=result, result_name=name or "")
    ]


def test_over_bluetooth_requests_fit_one_write_and_replies_come_in_pieces() -> None:
    decoder = csafe.CsafeDecoder(link="ble")
    request = decoder.next_request(0)
    # Version, serial number, status; 91 ^ 94 ^ 80 = 85.
    assert request == Request(channel="ce060021", payload=bytes.fromhex("f191948085f2"))
    vector = next(v for v in VECTORS if v["id"] == "cs-x01")
    records: list[Record] = []
    for piece in vector["fragments"]:
        payload = bytes.fromhex(piece)
        frame = Frame(t_ns=0, source="rower", channel="ce060022", payload=payload)
        records += decoder.decode(frame)
    assert [state.state for state in kind(records, MachineState)] == ["offline"]
    assert kind(records, Undecoded) == []


def test_a_lost_link_drops_the_half_reply() -> None:
    decoder = csafe.CsafeDecoder(link="serial")
    half = Frame(t_ns=0, source="rower", channel="rx", payload=bytes.fromhex("f181"))
    assert decoder.decode(half) == ()
    link = Frame(t_ns=0, source="rower", channel="link", payload=b"down unplugged")
    undecoded, down = decoder.decode(link)
    assert isinstance(undecoded, Undecoded)
    assert down == Link(t_ns=0, source="rower", up=False, reason="unplugged")
    rest = replace(half, payload=bytes.fromhex("81f2"))
    assert decoder.decode(rest) == ()


def test_a_link_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="serial, usb, ble"):
        csafe.CsafeDecoder(link="rs485")


def test_other_channels_are_undecoded() -> None:
    frame = Frame(t_ns=0, source="rower", channel="2ad1", payload=b"\1")
    (record,) = csafe.CsafeDecoder().decode(frame)
    assert isinstance(record, Undecoded)


STREAM = st.lists(
    st.builds(
        lambda channel, payload, sent, t_ms: Frame(
            t_ns=t_ms * MS, source="rower", channel=channel, payload=payload, sent=sent
        ),
        st.sampled_from(["rx", "tx", "ce060021", "ce060022", "link", "2ad1"]),
        st.one_of(
            st.binary(max_size=40),
            st.lists(BLOCKS, max_size=4).map(
                lambda said: csafe.encode_frame(csafe.encode_reply(0x81, said))
            ),
            st.lists(COMMANDS, min_size=1, max_size=4).map(
                lambda asked: csafe.encode_frame(csafe.encode_commands(asked))
            ),
        ),
        st.booleans(),
        st.integers(0, 20_000),
    ),
    max_size=40,
)


@given(STREAM, st.sampled_from(["serial", "usb", "ble"]))
def test_no_frame_makes_the_decoder_raise(stream: list[Frame], link: str) -> None:
    decoder = csafe.CsafeDecoder(link=link)
    for frame in sorted(stream, key=lambda frame: frame.t_ns):
        for record in decoder.decode(frame):
            assert record.t_ns == frame.t_ns
            assert record.source == "rower"
        decoder.next_request(frame.t_ns)
    assert decoder.finish(20_000 * MS) == ()
