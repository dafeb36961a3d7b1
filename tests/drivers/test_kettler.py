"""Kettler consoles: the status line, and one question at a time."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.catalog import make_decoder
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Dialogue
from rowlog_drivers.protocols import kettler
from rowlog_drivers.records import Link, MachineInfo, MachineState, Record, RowerSample, Undecoded

MS = 1_000_000
VECTORS: list[dict[str, Any]] = [
    vector
    for vector in json.loads(
        (Path(__file__).parent.parent / "vectors" / "vectors_machines.json").read_text("utf-8")
    )["vectors"]
    if vector["protocol"] == "kettler"
]


def frame(payload: bytes, t_ms: int = 0, channel: str = "rx") -> Frame:
    return Frame(
        t_ns=t_ms * MS, source="rower", channel=channel, payload=payload, sent=channel == "tx"
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_vectors(vector: dict[str, Any]) -> None:
    (line,) = vector["rx"]
    status = kettler.parse_status(line.encode())
    assert status is not None
    assert asdict(status) == vector["expect"]
    decoder = kettler.KettlerDecoder()
    (tx,) = vector["tx"]
    assert kettler.STATUS.strip().decode() == tx
    decoder.decode(frame(kettler.STATUS, channel="tx"))
    (sample,) = decoder.decode(frame(line.encode() + b"\r\n"))
    assert isinstance(sample, RowerSample)
    assert sample.distance_m == vector["expect"]["distance_m"]
    assert sample.stroke_rate_spm == vector["expect"]["cadence_rpm"]
    assert sample.power_w == vector["expect"]["power_w"]
    assert sample.speed_mps == pytest.approx(vector["expect"]["speed_kmh"] / 3.6)


statuses = st.builds(
    kettler.Status,
    heart_rate_bpm=st.none() | st.integers(1, 220),
    cadence_rpm=st.integers(0, 200),
    speed_kmh=st.integers(0, 900).map(lambda tenths: tenths / 10),
    distance_m=st.integers(0, 9_999).map(lambda hundreds: hundreds * 100),
    target_power_w=st.integers(0, 999),
    energy_kj=st.integers(0, 9_999),
    elapsed_s=st.integers(0, 99 * 60 + 59),
    power_w=st.integers(0, 999),
)


@given(statuses)
def test_a_status_is_read_as_it_was_written(status: kettler.Status) -> None:
    line = kettler.encode_status(status)
    assert kettler.parse_status(line.rstrip(b"\r\n")) == status


@given(st.lists(st.binary(max_size=60)))
def test_no_bytes_make_it_raise(chunks: list[bytes]) -> None:
    decoder = kettler.KettlerDecoder()
    for chunk in chunks:
        decoder.decode(frame(chunk))


def test_the_dialogue() -> None:
    decoder = make_decoder("kettler")
    assert isinstance(decoder, Dialogue)
    asked: list[bytes] = []
    replies = {
        kettler.IDENTITY: b"SJ10X SKYLON 5\r\n",
        kettler.VERSION: b"121\r\n",
        kettler.STATUS: b"142\t028\t112\t0035\t025\t0118\t12:07\t150\r\n",
    }
    told: list[Record] = []
    for t_ms in range(0, 2_000, 20):
        request = decoder.next_request(t_ms * MS)
        if request is None:
            continue
        asked.append(request.payload)
        assert decoder.decode(frame(request.payload, t_ms, "tx")) == ()
        assert decoder.next_request(t_ms * MS) is None, "one question at a time"
        answer = replies[request.payload]
        told += decoder.decode(frame(answer[:3], t_ms + 5))
        told += decoder.decode(frame(answer[3:], t_ms + 10))
    assert asked == [kettler.IDENTITY, kettler.VERSION, *[kettler.STATUS] * 4]
    infos = [one for one in told if isinstance(one, MachineInfo)]
    assert [(one.manufacturer, one.model, one.firmware) for one in infos] == [
        ("Kettler", "SJ10X SKYLON 5", None),
        (None, None, "121"),
    ]
    assert sum(isinstance(one, RowerSample) for one in told) == 4


def test_metres_between_the_hundreds_are_those_of_its_speed() -> None:
    """14.4 km/h are 4 m/s, 2 m a status; the counter keeps them within its hundred."""
    decoder = kettler.KettlerDecoder()
    told = []
    shown = [0] * 60 + [100] * 30 + [0]
    for number, metres in enumerate(shown):
        status = kettler.Status(
            heart_rate_bpm=None,
            cadence_rpm=24,
            speed_kmh=14.4,
            distance_m=metres,
            target_power_w=25,
            energy_kj=0,
            elapsed_s=number // 2,
            power_w=150,
        )
        (sample,) = decoder.decode(frame(kettler.encode_status(status), number * 500))
        assert isinstance(sample, RowerSample)
        told.append(sample.distance_m)
    assert told[:50] == pytest.approx([2.0 * number for number in range(50)])
    assert told[50:60] == pytest.approx([99.9] * 10)
    assert told[60:90] == pytest.approx([101.9 + 2.0 * number for number in range(30)])
    assert told[90] == 0.0  # it began anew


def test_a_lost_answer_and_a_lost_link() -> None:
    decoder = kettler.KettlerDecoder()
    decoder.decode(frame(kettler.IDENTITY, 0, "tx"))
    assert decoder.next_request(999 * MS) is None
    request = decoder.next_request(1_000 * MS)
    assert request is not None
    assert request.payload == kettler.VERSION
    (error, undecoded) = decoder.decode(frame(b"ERROR\r\nACK\r\nnoise\t\r\n", 1_500))
    assert isinstance(error, MachineState)
    assert isinstance(undecoded, Undecoded)
    (link,) = decoder.decode(frame(b"up", 2_000, "link"))
    assert isinstance(link, Link)
    again = decoder.next_request(2_000 * MS)
    assert again is not None
    assert again.payload == kettler.IDENTITY
