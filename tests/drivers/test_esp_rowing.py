"""ESP Rowing Monitor: its own values beside its FTMS."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.catalog import make_decoder
from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols import esp_rowing, ftms
from rowlog_drivers.records import RowerSample, Stroke, Undecoded

VECTORS: list[dict[str, Any]] = [
    vector
    for vector in json.loads(
        (Path(__file__).parent.parent / "vectors" / "vectors_machines.json").read_text("utf-8")
    )["vectors"]
    if vector["protocol"] == "esp_rowing"
]


def frame(channel: str, payload: bytes) -> Frame:
    return Frame(t_ns=0, source="rower", channel=channel, payload=payload)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    payload, expect = bytes.fromhex(vector["hex"]), vector["expect"]
    if vector["char"] == esp_rowing.METRICS_CHANNEL:
        metrics = esp_rowing.parse_metrics(payload)
        assert metrics is not None
        assert asdict(metrics) == expect
    elif vector["char"] == esp_rowing.FORCES_CHANNEL:
        forces = esp_rowing.parse_forces(payload)
        assert forces is not None
        assert (forces.parts, forces.part) == (expect["parts"], expect["part"])
        assert list(forces.force_n) == expect["force_n"]
    else:
        assert vector["char"] == esp_rowing.DELTA_TIMES_CHANNEL
        times = esp_rowing.parse_delta_times(payload)
        assert times is not None
        assert list(times) == expect["delta_s"]


def rowed(strokes: int) -> bytes:
    sample = RowerSample(
        t_ns=0, source="rower", stroke_rate_spm=24.0, stroke_count=strokes, distance_m=30.0
    )
    return ftms.encode_rower_data(sample)


def part(parts: int, number: int, *points: float) -> bytes:
    return bytes([parts, number]) + struct.pack(f"<{len(points)}f", *points)


def test_a_stroke_is_put_together() -> None:
    decoder = make_decoder("esp_rowing")
    metrics = bytes.fromhex("bb000018000d76")
    # Before FTMS has counted one there is no stroke that it could be of.
    (sample,) = decoder.decode(frame(esp_rowing.METRICS_CHANNEL, metrics))
    assert isinstance(sample, RowerSample)
    assert (sample.average_power_w, sample.drag_factor) == (187, 118)
    (count,) = decoder.decode(frame("2ad1", rowed(3)))
    assert isinstance(count, RowerSample)
    _, stroke = decoder.decode(frame(esp_rowing.METRICS_CHANNEL, metrics))
    assert isinstance(stroke, Stroke)
    assert (stroke.number, stroke.drive_s, stroke.recovery_s) == (3, 0.8125, 1.5)
    first, second = part(2, 1, 0.0, 110.5), part(2, 2, 240.25, 90.0)
    assert decoder.decode(frame(esp_rowing.FORCES_CHANNEL, first)) == ()
    (curve,) = decoder.decode(frame(esp_rowing.FORCES_CHANNEL, second))
    assert isinstance(curve, Stroke)
    assert (curve.number, curve.force_curve_n) == (3, (0.0, 110.5, 240.25, 90.0))
    # A part that is lost makes the curve none.
    assert decoder.decode(frame(esp_rowing.FORCES_CHANNEL, second)) == ()
    assert decoder.decode(frame(esp_rowing.DELTA_TIMES_CHANNEL, bytes(8))) == ()
    (bad,) = decoder.decode(frame(esp_rowing.FORCES_CHANNEL, b"\x01\x01\x00"))
    assert isinstance(bad, Undecoded)


@given(
    st.sampled_from(
        (
            esp_rowing.METRICS_CHANNEL,
            esp_rowing.FORCES_CHANNEL,
            esp_rowing.DELTA_TIMES_CHANNEL,
            "2ad1",
        )
    ),
    st.binary(max_size=80),
)
def test_no_bytes_make_it_raise(channel: str, payload: bytes) -> None:
    esp_rowing.EspRowingDecoder().decode(frame(channel, payload))
