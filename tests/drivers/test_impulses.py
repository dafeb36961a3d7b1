"""Flywheel impulses as text: strangers' recordings, and a wheel on paper that can be worked out."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.catalog import make_decoder
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols import impulses
from rowlog_drivers.protocols.impulses import Wheel, encode_impulse, parse_line
from rowlog_drivers.protocols.waterrower_lines import LineFramer
from rowlog_drivers.records import Record, RowerSample, Stroke, Undecoded

VECTORS: list[dict[str, Any]] = [
    vector
    for vector in json.loads(
        (Path(__file__).parent.parent / "vectors" / "vectors_machines.json").read_text("utf-8")
    )["vectors"]
    if vector["protocol"] == "pulse_text"
]
K = 100e-6
"""Drag factor 100."""
INERTIA = 0.1
ANGLE = 2 * math.pi / 6


def turned(torque_nm: list[tuple[float, float]]) -> list[float]:
    """Impulses of a wheel with six magnets on which these torques work, for so many seconds each.

    I d(omega)/dt = torque - k omega^2, in steps of 0.1 ms, from 60 rad/s on.
    """
    omega, angle, since_s, found = 60.0, 0.0, 0.0, []
    step_s = 1e-4
    for torque, seconds in torque_nm:
        for _ in range(round(seconds / step_s)):
            omega += (torque - K * omega * omega) / INERTIA * step_s
            angle += omega * step_s
            since_s += step_s
            if angle >= ANGLE:
                over_s = (angle - ANGLE) / omega
                found.append(since_s - over_s)
                angle, since_s = angle - ANGLE, over_s
    return found


ROW = [(14.0, 0.7), (0.0, 1.4)] * 12
"""Twelve strokes: 0.7 s of pull, 1.4 s of none: 28.6 a minute."""


def decoded(lines: bytes, cut: int | None = None, **options: str) -> list[Record]:
    decoder = make_decoder("impulses", tuple(options.items()))
    pieces = [lines] if cut is None else [lines[n : n + cut] for n in range(0, len(lines), cut)]
    return [
        record
        for piece in pieces
        for record in decoder.decode(Frame(t_ns=0, source="rower", channel="rx", payload=piece))
    ]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    """The lines of a public recording, cut anywhere, are the times that they say."""
    chunks = vector.get("chunks") or [f"{line}\n" for _, line in vector["items"]]
    framer = LineFramer()
    times = [parse_line(line) for chunk in chunks for line in framer.feed(chunk.encode())]
    expect = vector["expect"]
    if "delta_s" in expect:
        assert times == expect["delta_s"]
    else:
        said = [one for one in times if one is not None]
        assert len(said) == len(times) == expect["pulses"]
        assert sum(said) == pytest.approx(expect["total_s"], abs=1e-6)
        assert (min(said), max(said)) == (expect["shortest_s"], expect["longest_s"])


def test_a_wheel_that_can_be_worked_out() -> None:
    """The torque of nobody tells the drag factor; the metres are the angle times (k/2.8)^(1/3)."""
    row = turned(ROW)
    records = decoded(b"".join(map(encode_impulse, row)), inertia="0.1", magnets="6")
    last = [one for one in records if isinstance(one, RowerSample)][-1]
    strokes = [one for one in records if isinstance(one, Stroke) and one.drive_s is not None]
    assert last.drag_factor == pytest.approx(100, abs=2)
    assert last.stroke_count == 12
    metres = len(row) * ANGLE * (K / 2.8) ** (1 / 3)
    assert last.distance_m == pytest.approx(metres, rel=0.02)
    assert last.elapsed_s == pytest.approx(12 * 2.1, abs=0.3)
    assert [one.number for one in strokes] == list(range(1, 12))
    for one in strokes[1:]:
        assert one.stroke_rate_spm == pytest.approx(60 / 2.1, abs=0.6)
        assert one.drive_s == pytest.approx(0.7, abs=0.08)
    # 14 Nm through 0.7 s of every 2.1 s, at some 100 rad/s: what is put in goes out as drag.
    mean_w = sum(one.power_w or 0 for one in strokes[6:]) / len(strokes[6:])
    assert mean_w == pytest.approx(2.8 * (metres / (12 * 2.1)) ** 3, rel=0.25)


def test_a_wheel_that_runs_out_is_not_rowed() -> None:
    wheel = Wheel(magnets=6, inertia=INERTIA, drag=100.0)
    for seconds in turned([*ROW, (0.0, 60.0)]):
        wheel.impulse(seconds)
    limit = Wheel(magnets=6, inertia=INERTIA, drag=100.0)
    for seconds in turned([*ROW, (0.0, 4.7)]):
        limit.impulse(seconds)
    assert wheel.distance_m == pytest.approx(limit.distance_m, abs=3)
    assert wheel.strokes == 12


@pytest.mark.parametrize(
    ("name", "wheel", "metres", "strokes", "drag"),
    [
        (
            "Concept2_RowErg_Session_2000meters.csv",
            Wheel(magnets=6, inertia=0.101545, drag=None), 2028.3, 205, 80.8,
        ),
        (
            "WRX700_2magnets_session.csv",
            Wheel(magnets=2, inertia=0.72, drag=32000), 8406, 845, None,
        ),
    ],
)  # fmt: skip
def test_recordings(
    captures: Path, name: str, wheel: Wheel, metres: float, strokes: int, drag: float | None
) -> None:
    """The totals are those that another program's tests assert for the same files."""
    for line in (captures / "openrowingmonitor" / name).read_bytes().splitlines():
        seconds = parse_line(line)
        if seconds is not None and seconds > 0:
            wheel.impulse(seconds)
    assert wheel.distance_m == pytest.approx(metres, rel=0.002)
    assert wheel.strokes == pytest.approx(strokes, abs=1)
    if drag is not None:
        assert wheel.drag == pytest.approx(drag, abs=0.5)


@pytest.mark.parametrize(
    ("line", "seconds"),
    [(b"0.080654", 0.080654), (b"-0.5", -0.5), (b"1e-3", 1e-3), (b"7", 7.0), (b"x", None),
     (b"0.1 0.2", None), (b"nan", None), (b"", None), (b"1" * 9, None)],
)  # fmt: skip
def test_lines(line: bytes, seconds: float | None) -> None:
    assert parse_line(line) == seconds


def test_noise_is_undecoded_and_what_a_counter_lost_is_left_out() -> None:
    records = decoded(b"-3.2\r\nhello\r\n0.01\r\n")
    assert [type(one) for one in records] == [Undecoded, RowerSample]


@given(st.floats(min_value=1e-6, max_value=999))
def test_impulses_read_back(seconds: float) -> None:
    assert parse_line(encode_impulse(seconds).strip()) == pytest.approx(seconds, abs=5e-7)


@given(st.lists(st.one_of(st.binary(max_size=60), st.floats(0, 5).map(encode_impulse))))
def test_no_bytes_make_the_decoder_raise(chunks: list[bytes]) -> None:
    decoder = impulses.ImpulseDecoder()
    for chunk in chunks:
        decoder.decode(Frame(t_ns=0, source="rower", channel="rx", payload=chunk))
    assert decoder.finish(0) == ()


def test_records_do_not_depend_on_the_cuts() -> None:
    lines = b"".join(map(encode_impulse, turned(ROW[:6])))
    assert decoded(lines, cut=7) == decoded(lines, cut=1) == decoded(lines)


@pytest.mark.parametrize(
    ("key", "text"), [("magnets", "0"), ("magnets", "many"), ("inertia", "-1"), ("drag", "nan")]
)
def test_options_out_of_range_are_refused(key: str, text: str) -> None:
    with pytest.raises(CallError, match=f"The option {key}={text} of impulses is wrong"):
        make_decoder("impulses", ((key, text),))
