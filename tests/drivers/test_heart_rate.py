"""Heart-rate straps: measurements, where they sit, battery."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Decoder
from rowlog_drivers.protocols import heart_rate
from rowlog_drivers.protocols.heart_rate import StrapDecoder
from rowlog_drivers.records import HeartRate, Link, MachineInfo, Record, Undecoded

VECTORS = json.loads(
    (Path(__file__).resolve().parent.parent / "vectors" / "vectors_ble.json").read_text("utf-8")
)["vectors"]

CONTACT = {"not_supported": None, "not_detected": False, "detected": True}


def frame(channel: str, payload: bytes, **changes: Any) -> Frame:
    return Frame(t_ns=5, source="strap", channel=channel, payload=payload, **changes)


def decode_one(channel: str, text: str) -> Record:
    """The single record of one payload in hex."""
    (record,) = StrapDecoder().decode(frame(channel, bytes.fromhex(text)))
    assert (record.t_ns, record.source) == (5, "strap")
    return record


def measured(heart_rate_bpm: int, **values: Any) -> HeartRate:
    return HeartRate(t_ns=5, source="strap", heart_rate_bpm=heart_rate_bpm, **values)


def vectors(characteristic: str) -> list[Any]:
    return [
        pytest.param(vector, id=vector["id"])
        for vector in VECTORS
        if vector["characteristic"] == characteristic
    ]


# --- vectors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("2a37"))
def test_measurement_vector(vector: dict[str, Any]) -> None:
    (text,) = vector["frames"]
    record = decode_one("2a37", text)
    if vector.get("error"):
        assert isinstance(record, Undecoded)
        return
    expect = vector["expect"]
    rr_ms = None
    if "rr_raw_1024" in expect:
        rr_ms = tuple(raw * 1000 / 1024 for raw in expect["rr_raw_1024"])
        assert [ms / 1000 for ms in rr_ms] == expect["rr_intervals_s"]
    assert record == measured(
        expect["heart_rate_bpm"],
        rr_ms=rr_ms,
        contact=CONTACT[expect["sensor_contact"]],
        energy_kj=expect.get("energy_expended_kj"),
    )


@pytest.mark.parametrize("vector", vectors("2a19"))
def test_battery_vector(vector: dict[str, Any]) -> None:
    (text,) = vector["frames"]
    percent = vector["expect"]["battery_percent"]
    assert decode_one("2a19", text) == MachineInfo(t_ns=5, source="strap", battery_pct=percent)
    assert heart_rate.encode_battery(percent).hex() == text


@pytest.mark.parametrize("vector", vectors("2a38"))
def test_body_location_vector(vector: dict[str, Any]) -> None:
    (text,) = vector["frames"]
    location = vector["expect"]["body_sensor_location"]
    assert decode_one("2a38", text) == MachineInfo(t_ns=5, source="strap", body_location=location)
    assert heart_rate.encode_body_location(location).hex() == text


# --- measurements ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "payload", "expected"),
    [
        ("8 bit", "00 48", measured(72)),
        ("16 bit", "01 2c01", measured(300)),
        ("contact bit without the feature", "02 48", measured(72)),
        ("contact lost", "04 00", measured(0, contact=False)),
        ("contact", "06 48", measured(72, contact=True)),
        ("energy", "08 48 6400", measured(72, energy_kj=100)),
        ("energy at its end", "08 48 ffff", measured(72, energy_kj=65535)),
        ("energy after 16 bit", "09 4800 6400", measured(72, energy_kj=100)),
        ("RR after 16 bit", "11 4800 0004", measured(72, rr_ms=(1000.0,))),
        ("RR after energy", "18 48 6400 0004", measured(72, energy_kj=100, rr_ms=(1000.0,))),
        ("no beat ended", "10 48", measured(72, rr_ms=())),
        ("oldest first", "10 48 0002 0004", measured(72, rr_ms=(500.0, 1000.0))),
        ("half an RR is dropped", "10 48 0004 01", measured(72, rr_ms=(1000.0,))),
        ("half the only RR is dropped", "10 48 01", measured(72, rr_ms=())),
        ("a very long RR", "10 48 ffff", measured(72, rr_ms=(65535 * 1000 / 1024,))),
        ("energy cut in half", "08 48 64", measured(72, truncated=True)),
        ("energy missing", "1e 48", measured(72, contact=True, truncated=True)),
        ("energy cut, no RR from it", "18 48 64", measured(72, truncated=True)),
        ("reserved bits", "e0 48", measured(72)),
        ("surplus", "00 48 1234", measured(72)),
    ],
)
def test_measurement(name: str, payload: str, expected: HeartRate) -> None:
    assert decode_one("2a37", payload) == expected


@pytest.mark.parametrize("payload", ["", "00", "16", "01", "0148"])
def test_half_a_heart_rate_is_not_guessed_at(payload: str) -> None:
    record = decode_one("2a37", payload)
    assert isinstance(record, Undecoded)
    assert record.reason.startswith("2a37: ")


def test_an_interval_is_counted_in_1024ths() -> None:
    # 1041 / 1024 s = 1016.6015625 ms, not 1041 ms.
    record = decode_one("2a37", "163c1104")
    assert isinstance(record, HeartRate)
    assert record.rr_ms == (1016.6015625,)


@given(
    st.integers(0, 0xFFFF),
    st.none() | st.lists(st.integers(0, 0xFFFF), max_size=9),
    st.none() | st.booleans(),
    st.none() | st.integers(0, 0xFFFF),
    st.booleans(),
)
def test_a_measurement_reads_as_it_was_written(
    heart_rate_bpm: int,
    raw_rr: list[int] | None,
    contact: bool | None,
    energy_kj: int | None,
    wide: bool,
) -> None:
    rr_ms = None if raw_rr is None else tuple(raw * 1000 / 1024 for raw in raw_rr)
    payload = heart_rate.encode_measurement(
        heart_rate_bpm, rr_ms=rr_ms, contact=contact, energy_kj=energy_kj, wide=wide
    )
    assert payload[0] & 1 == (wide or heart_rate_bpm > 255)
    assert heart_rate.decode_measurement(payload, t_ns=5, source="strap") == measured(
        heart_rate_bpm, rr_ms=rr_ms, contact=contact, energy_kj=energy_kj
    )


@pytest.mark.parametrize(
    ("rr_ms", "raw"),
    [
        (1000.0, 1024),
        (1000.4, 1024),  # 1024.41
        (1000.6, 1025),  # 1024.61
        (0.0, 0),
        (-5.0, 0),
        (70_000.0, 65535),
    ],
)
def test_an_interval_is_written_to_the_nearest_1024th(rr_ms: float, raw: int) -> None:
    payload = heart_rate.encode_measurement(60, rr_ms=[rr_ms])
    assert payload == bytes([0x10, 60]) + raw.to_bytes(2, "little")


@pytest.mark.parametrize("rr_ms", [float("nan"), float("inf"), float("-inf")])
def test_no_interval_is_refused(rr_ms: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        heart_rate.encode_measurement(60, rr_ms=[rr_ms])


def test_intervals_may_be_any_iterable() -> None:
    intervals = [500.0, 1000.0]
    assert heart_rate.encode_measurement(60, rr_ms=iter(intervals)).hex() == "103c00020004"


# --- companions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "percent"),
    [("00", 0), ("64", 100), ("65", None), ("ff", None), ("5700", 87)],
)
def test_battery(payload: str, percent: int | None) -> None:
    assert decode_one("2a19", payload) == MachineInfo(t_ns=5, source="strap", battery_pct=percent)


@pytest.mark.parametrize(("percent", "payload"), [(0, "00"), (100, "64"), (140, "64"), (-3, "00")])
def test_battery_is_written_within_its_range(percent: int, payload: str) -> None:
    assert heart_rate.encode_battery(percent).hex() == payload


@pytest.mark.parametrize(
    ("payload", "location"),
    [
        ("00", "other"),
        ("01", "chest"),
        ("02", "wrist"),
        ("03", "finger"),
        ("04", "hand"),
        ("05", "ear_lobe"),
        ("06", "foot"),
        ("07", None),
        ("ff", None),
    ],
)
def test_body_location(payload: str, location: str | None) -> None:
    assert decode_one("2a38", payload) == MachineInfo(
        t_ns=5, source="strap", body_location=location
    )
    if location is not None:
        assert heart_rate.encode_body_location(location).hex() == payload


def test_an_unknown_body_location_is_refused() -> None:
    with pytest.raises(ValueError, match="chest"):
        heart_rate.encode_body_location("elbow")


@pytest.mark.parametrize("channel", ["2a19", "2a38"])
def test_an_empty_reading_is_undecoded(channel: str) -> None:
    assert isinstance(decode_one(channel, ""), Undecoded)


# --- the decoder -------------------------------------------------------------------------------


def test_the_decoder_keeps_the_contract() -> None:
    decoder = StrapDecoder()
    assert isinstance(decoder, Decoder)
    assert decoder.finish(9) == ()


@pytest.mark.parametrize(
    ("channel", "payload", "expected"),
    [
        ("2a29", b"Polar Electro Oy\x00", {"manufacturer": "Polar Electro Oy"}),
        ("2a24", b"H10", {"model": "H10"}),
        ("2a25", b"1234", {"serial_number": "1234"}),
        ("2a26", b"5.0.0", {"firmware": "5.0.0"}),
        ("2a27", b"00760690.05", {"hardware": "00760690.05"}),
        ("2a28", b"3.1.1", {"software": "3.1.1"}),
    ],
)
def test_who_made_the_strap(channel: str, payload: bytes, expected: dict[str, Any]) -> None:
    assert StrapDecoder().decode(frame(channel, payload)) == (
        MachineInfo(t_ns=5, source="strap", **expected),
    )


def test_the_link_goes_down() -> None:
    assert StrapDecoder().decode(frame("link", b"down out of reach")) == (
        Link(t_ns=5, source="strap", up=False, reason="out of reach"),
    )


def test_what_was_sent_says_nothing() -> None:
    assert StrapDecoder().decode(frame("2a39", b"\x01", sent=True)) == ()


def test_an_unknown_channel_is_undecoded_by_name() -> None:
    record = decode_one("2ad1", "0000")
    assert isinstance(record, Undecoded)
    assert "2ad1" in record.reason


@pytest.mark.parametrize("channel", ["2a37", "2a38", "2a19", "2a29", "2a50", "link", "2ad1"])
@given(payload=st.binary(max_size=64))
def test_no_bytes_make_the_decoder_raise(channel: str, payload: bytes) -> None:
    records = StrapDecoder().decode(frame(channel, payload))
    assert len(records) <= 1
    assert all((record.t_ns, record.source) == (5, "strap") for record in records)


def test_every_flags_octet_with_every_length_gives_one_record() -> None:
    for flags in range(256):
        for size in range(24):
            payload = (bytes([flags]) + bytes(range(60, 90)))[:size]
            record = heart_rate.decode_measurement(payload, t_ns=5, source="strap")
            needed = 3 if size and flags & 1 else 2
            assert isinstance(record, Undecoded if size < needed else HeartRate)
            if isinstance(record, HeartRate):
                assert record.truncated is bool(flags & 8 and size < needed + 2)
                assert (record.rr_ms is None) is (not flags & 16 or record.truncated)


# --- recordings of real straps -----------------------------------------------------------------


def test_recorded_straps(captures: Path) -> None:
    recording = json.loads((captures / "hr" / "hr_2a37_vectors.json").read_text("utf-8"))
    packets = [packet for group in recording["groups"] for packet in group["packets"]]
    assert len(packets) == 15
    for packet in packets:
        plain = packet["decode"]
        rr_ms = None
        if "rr_1024" in plain:
            rr_ms = tuple(raw * 1000 / 1024 for raw in plain["rr_1024"])
            assert [round(ms, 1) for ms in rr_ms] == pytest.approx(plain["rr_ms"], abs=0.11)
        assert decode_one("2a37", packet["hex"]) == measured(
            plain["hr"], rr_ms=rr_ms, contact=plain["contact"]
        )
