"""Rowing machines over the Fitness Machine service: bytes to records and back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Decoder
from rowlog_drivers.protocols import device_information, ftms
from rowlog_drivers.protocols.link import decode_key, decode_link, encode_link
from rowlog_drivers.records import (
    ControlReply,
    HeartRate,
    Link,
    MachineInfo,
    MachineState,
    Marker,
    Record,
    RowerSample,
    Undecoded,
)

VECTORS = json.loads(
    (Path(__file__).resolve().parent.parent / "vectors" / "vectors_ble.json").read_text("utf-8")
)["vectors"]

RENAMED = {
    "avg_stroke_rate_spm": "average_stroke_rate_spm",
    "avg_pace_s_per_500m": "average_pace_s_per_500m",
    "avg_power_w": "average_power_w",
    "resistance_level": "resistance",
    "energy_kcal_per_h": "energy_kcal_per_hour",
    "energy_kcal_per_min": "energy_kcal_per_minute",
    "elapsed_time_s": "elapsed_s",
    "remaining_time_s": "remaining_s",
}
NOT_VALUES = {"t_ns", "source", "complete", "truncated", "extra_bytes"}
VALUES = [f.name for f in fields(RowerSample) if f.name not in NOT_VALUES]

# The characteristic's table as printed: flag bit, name, bytes, signed, counts per unit, and the
# value that stands for "not available". Bit 0 announces its fields by being clear.
TABLE: list[tuple[int, str, int, bool, int, int | None]] = [
    (0, "stroke_rate_spm", 1, False, 2, None),
    (0, "stroke_count", 2, False, 1, None),
    (1, "average_stroke_rate_spm", 1, False, 2, None),
    (2, "distance_m", 3, False, 1, None),
    (3, "pace_s_per_500m", 2, False, 1, 0xFFFF),
    (4, "average_pace_s_per_500m", 2, False, 1, 0xFFFF),
    (5, "power_w", 2, True, 1, 0x7FFF),
    (6, "average_power_w", 2, True, 1, 0x7FFF),
    (7, "resistance", 2, True, 1, 0x7FFF),
    (8, "energy_kcal", 2, False, 1, 0xFFFF),
    (8, "energy_kcal_per_hour", 2, False, 1, 0xFFFF),
    (8, "energy_kcal_per_minute", 1, False, 1, 0xFF),
    (9, "heart_rate_bpm", 1, False, 1, None),
    (10, "met", 1, False, 10, None),
    (11, "elapsed_s", 2, False, 1, None),
    (12, "remaining_s", 2, False, 1, None),
]


def announced(flags: int) -> list[tuple[int, str, int, bool, int, int | None]]:
    return [row for row in TABLE if (flags ^ 1) >> row[0] & 1]


def announced_length(flags: int) -> int:
    return 2 + sum(row[2] for row in announced(flags))


def walk(payload: bytes, payload_limit: int = 20) -> RowerSample:
    """The plainest possible reader of the table, as a second opinion."""
    flags = int.from_bytes(payload[:2], "little")
    one_short = len(payload) == announced_length(flags) - 1 and len(payload) != payload_limit
    at, truncated, values = 2, False, {}
    for _, name, width, signed, per_unit, unavailable in announced(flags):
        if name == "resistance" and one_short:
            width, signed, unavailable = 1, False, None
        if at + width > len(payload):
            truncated = True
            break
        raw = int.from_bytes(payload[at : at + width], "little", signed=signed)
        values[name] = None if raw == unavailable else raw / per_unit
        at += width
    return RowerSample(
        t_ns=5,
        source="rower",
        complete=flags & 1 == 0,
        truncated=truncated,
        extra_bytes=0 if truncated else len(payload) - at,
        **values,  # type: ignore[arg-type]
    )


def read(payload: bytes, **options: Any) -> RowerSample:
    sample = ftms.decode_rower_data(payload, t_ns=5, source="rower", **options)
    assert isinstance(sample, RowerSample)
    return sample


def said(sample: RowerSample) -> dict[str, float]:
    """The fields of a sample that hold a value."""
    return {name: value for name in VALUES if (value := getattr(sample, name)) is not None}


def frame(channel: str, payload: bytes, **changes: Any) -> Frame:
    return Frame(t_ns=5, source="rower", channel=channel, payload=payload, **changes)


def decode_one(channel: str, text: str) -> Record:
    """The single record of one payload in hex."""
    (record,) = ftms.RowerDecoder().decode(frame(channel, bytes.fromhex(text)))
    assert (record.t_ns, record.source) == (5, "rower")
    return record


def vectors(characteristic: str) -> list[Any]:
    return [
        pytest.param(vector, id=vector["id"])
        for vector in VECTORS
        if vector["characteristic"] == characteristic
    ]


# --- vectors -----------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", vectors("2ad1"))
def test_rower_data_vector(vector: dict[str, Any]) -> None:
    payloads = [bytes.fromhex(text) for text in vector["frames"]]
    decoder = ftms.RowerDecoder()
    records = [record for p in payloads for record in decoder.decode(frame("2ad1", p))]
    assert len(records) == len(payloads)
    if vector.get("error"):
        assert all(isinstance(record, Undecoded) for record in records)
        return
    samples = [record for record in records if isinstance(record, RowerSample)]
    assert len(samples) == len(records)

    expected = {RENAMED.get(name, name): value for name, value in vector["expect"].items()}
    last_known: dict[str, float] = {}
    for sample in samples:
        last_known |= said(sample)
    assert last_known == {name: value for name, value in expected.items() if value is not None}
    if "complete" in vector:
        assert samples[-1].complete is vector["complete"]
    assert [s.truncated for s in samples] == [vector.get("truncated", False)] * len(samples)
    extra = vector.get("extra_bytes", 0)
    assert [s.extra_bytes for s in samples] == (
        extra if isinstance(extra, list) else [extra] * len(samples)
    )
    if "records" in vector:
        assert [
            {"complete": record.complete, "fields": said(record)}
            for record in ftms.assemble(samples)
        ] == vector["records"]


@pytest.mark.parametrize("vector", vectors("2acc"))
def test_feature_vector(vector: dict[str, Any]) -> None:
    (payload,) = map(bytes.fromhex, vector["frames"])
    features = tuple(vector["expect"]["feature_bits"])
    targets = tuple(vector["expect"]["target_bits"])
    assert decode_one("2acc", payload.hex()) == MachineInfo(
        t_ns=5, source="rower", features=features, target_features=targets
    )
    assert ftms.encode_features(features, targets) == payload


@pytest.mark.parametrize("vector", vectors("2ad3"))
def test_training_status_vector(vector: dict[str, Any]) -> None:
    (payload,) = map(bytes.fromhex, vector["frames"])
    expect = vector["expect"]
    assert decode_one("2ad3", payload.hex()) == MachineState(
        t_ns=5,
        source="rower",
        state=expect["status_name"],
        code=expect["status"],
        text=expect["text"],
    )
    assert ftms.encode_training_status(expect["status_name"], expect["text"]) == payload


@pytest.mark.parametrize("vector", vectors("2ada"))
def test_status_vector(vector: dict[str, Any]) -> None:
    (payload,) = map(bytes.fromhex, vector["frames"])
    expect = vector["expect"]
    assert decode_one("2ada", payload.hex()) == MachineState(
        t_ns=5,
        source="rower",
        state=expect["name"],
        code=expect["op"],
        parameter=expect["param"],
    )
    assert ftms.encode_status(expect["name"], expect["param"]) == payload


@pytest.mark.parametrize("vector", vectors("2ad9_indication"))
def test_control_reply_vector(vector: dict[str, Any]) -> None:
    (payload,) = map(bytes.fromhex, vector["frames"])
    expect = vector["expect"]
    assert decode_one("2ad9", payload.hex()) == ControlReply(
        t_ns=5,
        source="rower",
        request=expect["request_op"],
        result=expect["result"],
        result_name=expect["result_name"],
    )
    assert ftms.encode_control_reply(expect["request_op"], expect["result_name"]) == payload


@pytest.mark.parametrize("vector", vectors("2ad6"))
def test_range_vector(vector: dict[str, Any]) -> None:
    (payload,) = map(bytes.fromhex, vector["frames"])
    low, high, step = (vector["expect"][key] for key in ("min", "max", "step"))
    assert decode_one("2ad6", payload.hex()) == MachineInfo(
        t_ns=5, source="rower", ranges=(("resistance", low, high, step),)
    )
    assert ftms.encode_range("2ad6", low, high, step) == payload


@pytest.mark.parametrize("vector", vectors("service_data_1826"))
def test_service_data_vector(vector: dict[str, Any]) -> None:
    (payload,) = map(bytes.fromhex, vector["frames"])
    expected = ftms.ServiceData(
        available=vector["expect"]["available"],
        machine_types=tuple(vector["expect"]["machine_types"]),
    )
    assert ftms.parse_service_data(payload) == expected
    assert ftms.encode_service_data(machine_types=expected.machine_types) == payload


# --- rower data --------------------------------------------------------------------------------


def test_a_full_frame_reads_like_the_table() -> None:
    # 2c0b = 0x0b2c: bit 0 clear (rate, count), 2 distance, 3 pace, 5 power, 8 energy, 9 heart
    # rate, 11 elapsed. 0x31 = 49 half strokes; 0x019c = 412; 0x0007d0 = 2000; 0x01d8 = 472.
    assert read(bytes.fromhex("2c0b319c01d007007600d5007900080411a4d801")) == RowerSample(
        t_ns=5,
        source="rower",
        stroke_rate_spm=24.5,
        stroke_count=412,
        distance_m=2000,
        pace_s_per_500m=118,
        power_w=213,
        energy_kcal=121,
        energy_kcal_per_hour=1032,
        energy_kcal_per_minute=17,
        heart_rate_bpm=164,
        elapsed_s=472,
    )


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\xff"])
def test_half_a_flags_word_is_undecoded(payload: bytes) -> None:
    record = ftms.decode_rower_data(payload, t_ns=5, source="rower")
    assert record == Undecoded(
        t_ns=5, source="rower", reason=f"2ad1: 2 bytes or more expected, got {len(payload)}"
    )


@pytest.mark.parametrize(
    ("name", "payload", "resistance", "elapsed_s"),
    [
        ("two bytes", "8108 0800 5400", 8, 84),
        ("two bytes, signed", "8108 feff 5400", -2, 84),
        ("one byte, as the payload is one short", "8108 08 5400", 8, 84),
        ("one byte, unsigned", "8108 ff 5400", 255, 84),
        ("two bytes missing: cut, not narrow", "8108 0854", 0x5408, None),
        ("not available", "8108 ff7f 5400", None, 84),
    ],
)
def test_resistance_level(
    name: str, payload: str, resistance: int | None, elapsed_s: int | None
) -> None:
    sample = read(bytes.fromhex(payload))
    assert (sample.resistance, sample.elapsed_s) == (resistance, elapsed_s)


def test_a_payload_at_the_limit_of_the_link_is_cut_and_not_narrow() -> None:
    # 0x01bc announces rate and count 3, distance 3, both paces 4, power 2, resistance 2 and
    # energy 5: with the flags 21 bytes.
    payload = (0x01BC).to_bytes(2, "little") + bytes(range(1, 19))
    assert len(payload) == announced_length(0x01BC) - 1 == 20
    cut = read(payload)
    assert cut.truncated
    assert cut.resistance == 13 | 14 << 8
    assert cut.energy_kcal_per_minute is None
    whole = read(payload, payload_limit=100)
    assert not whole.truncated
    assert whole.resistance == 13
    assert whole.energy_kcal_per_minute == 18


def test_every_flags_word_agrees_with_the_plain_walker() -> None:
    for flags in range(0x2000):
        full = flags.to_bytes(2, "little") + bytes((7 * i + flags) % 256 for i in range(35))
        length = announced_length(flags)
        for size in {2, length // 2 + 1, length - 2, length - 1, length, length + 1, 20}:
            if size >= 2:
                assert read(full[:size]) == walk(full[:size]), (hex(flags), size)


def test_every_flags_word_with_every_length_gives_one_record() -> None:
    decoder = ftms.RowerDecoder()
    filling = bytes.fromhex("ff7f") * 16
    for flags in range(0x2000):
        start = flags.to_bytes(2, "little")
        length = announced_length(flags)
        for size in range(33):
            (record,) = decoder.decode(frame("2ad1", (start + filling)[:size]))
            if size < 2:
                assert isinstance(record, Undecoded)
                continue
            assert isinstance(record, RowerSample)
            assert record.extra_bytes == max(size - length, 0)
            if record.truncated:
                assert size < length


@given(st.integers(0, 7), st.binary(min_size=2, max_size=40))
def test_reserved_flag_bits_change_nothing(reserved: int, payload: bytes) -> None:
    clear = bytes([payload[0], payload[1] & 0x1F]) + payload[2:]
    marked = bytes([clear[0], clear[1] | reserved << 5]) + payload[2:]
    assert read(marked) == read(clear) == walk(clear)


@given(st.binary(min_size=2, max_size=40), st.integers(0, 40))
def test_a_cut_only_takes_fields_away(payload: bytes, size: int) -> None:
    size = min(max(size, 2), len(payload))
    whole, cut = read(payload), read(payload[:size], payload_limit=size)
    assert cut.complete is whole.complete
    if whole == read(payload, payload_limit=len(payload)):  # no one-byte resistance
        assert said(cut).items() <= said(whole).items()


@pytest.mark.parametrize(
    ("options", "changed"),
    [
        ({"stroke_rate_scale": 1.0}, {"stroke_rate_spm": 49, "average_stroke_rate_spm": 48}),
        ({"energy_scale": 0.1}, {"energy_kcal": 12.1}),
        ({"use_distance": False}, {"distance_m": None}),
    ],
)
def test_an_option_changes_its_fields_and_no_other(
    options: dict[str, Any], changed: dict[str, float | None]
) -> None:
    # 0x0b2e: as the full frame, with the average stroke rate after the stroke count.
    payload = bytes.fromhex("2e0b319c0130d007007600d5007900080411a4d801")
    plain = said(read(payload))
    assert (plain["average_stroke_rate_spm"], plain["energy_kcal"]) == (24.0, 121)
    (record,) = ftms.RowerDecoder(**options).decode(frame("2ad1", payload))
    assert isinstance(record, RowerSample)
    assert record == read(payload, **options)
    assert said(record) == {k: v for k, v in (plain | changed).items() if v is not None}
    assert (record.truncated, record.extra_bytes) == (False, 0)


def test_energy_that_is_not_available_stays_so_when_scaled() -> None:
    sample = read(bytes.fromhex("0101ffff000000"), energy_scale=0.1)
    assert (sample.energy_kcal, sample.energy_kcal_per_hour) == (None, 0)


@pytest.mark.parametrize("name", ["stroke_rate_scale", "energy_scale", "payload_limit"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_an_option_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        ftms.RowerDecoder(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("stroke_rate_scale", "1", 1.0),
        ("energy_scale", "0.1", 0.1),
        ("use_distance", "no", False),
        ("use_distance", "TRUE", True),
        ("payload_limit", "182", 182),
    ],
)
def test_options_are_read_from_text(name: str, text: str, value: object) -> None:
    parsed = ftms.OPTIONS[name](text)
    assert parsed == value
    ftms.RowerDecoder(**{name: parsed})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("stroke_rate_scale", "half"),
        ("stroke_rate_scale", "0"),
        ("energy_scale", "nan"),
        ("energy_scale", "-0.1"),
        ("use_distance", "maybe"),
        ("payload_limit", "20.5"),
        ("payload_limit", "0"),
        ("payload_limit", "²"),
    ],
)
def test_a_bad_option_says_what_was_expected(name: str, text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        ftms.OPTIONS[name](text)


# --- rower data, written -----------------------------------------------------------------------


def sample_for(flags: int, seed: int) -> RowerSample:
    """A sample with a value, away from "not available", in each field that `flags` announces."""
    values: dict[str, Any] = {}
    for position, (_, name, width, signed, per_unit, _) in enumerate(announced(flags)):
        top = (1 << (8 * width - signed)) - 1
        raw = (seed * 7919 + position * 104729) % top - (top // 2 if signed else 0)
        values[name] = raw / per_unit
    return RowerSample(t_ns=5, source="rower", complete=not flags & 1, **values)


def test_every_flags_word_reads_as_it_was_written() -> None:
    for flags in range(0x2000):
        sample = sample_for(flags, flags)
        payload = ftms.encode_rower_data(sample, more_data=bool(flags & 1))
        assert payload[:2] == flags.to_bytes(2, "little")
        assert len(payload) == announced_length(flags)
        assert read(payload) == sample
        joined = list(ftms.assemble(map(read, ftms.encode_split(sample))))
        if flags & 1:
            said_first = {"stroke_rate_spm": 0, "stroke_count": 0} | said(sample)
            assert [said(record) for record in joined] == [said_first]
        else:
            assert joined == [sample]


def samples() -> st.SearchStrategy[RowerSample]:
    """Samples that the wire can hold: any flags word, any values, some not available."""
    return st.builds(sample_for, st.integers(0, 0x1FFF), st.integers(0, 1 << 24))


@given(samples(), st.integers(7, 40))
def test_a_split_record_keeps_to_the_standard(sample: RowerSample, limit: int) -> None:
    parts = ftms.encode_split(sample, limit)
    assert all(len(part) <= limit for part in parts)
    decoded = [read(part, payload_limit=limit) for part in parts]
    assert [part.complete for part in decoded] == [False] * (len(parts) - 1) + [True]
    assert [part.stroke_count is not None for part in decoded] == [p.complete for p in decoded]
    names = [name for part in decoded for name in said(part)]
    assert len(names) == len(set(names))
    whole = ftms.encode_rower_data(sample)
    assert (len(parts) == 1) == (len(whole) <= limit)
    assert list(ftms.assemble(decoded)) == [read(whole)]


def test_a_record_of_everything_takes_two_notifications() -> None:
    # 30 bytes: 14 of fields up to the resistance level fill the first (energy would make 21),
    # and 2 + 3 + 5 + 1 + 1 + 2 + 2 = 16 the second.
    parts = ftms.encode_split(sample_for(0x1FFE, 3))
    assert [len(part) for part in parts] == [16, 16]
    assert [part[:2].hex() for part in parts] == ["ff00", "001f"]


def test_too_small_a_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="7 or more"):
        ftms.encode_split(sample_for(0x1FFE, 3), 6)


@pytest.mark.parametrize(
    ("name", "value", "read_as"),
    [
        ("pace_s_per_500m", 1e6, 0xFFFE),
        ("power_w", 40_000, 0x7FFE),
        ("power_w", -40_000, -0x8000),
        ("energy_kcal", 70_000, 0xFFFE),
        ("energy_kcal_per_minute", 255, 254),
        ("distance_m", 1e9, 0xFFFFFF),
        ("stroke_count", 70_000, 0xFFFF),
        ("stroke_rate_spm", 200, 127.5),
        ("stroke_rate_spm", 24.6, 24.5),
        ("met", 12.34, 12.3),
        ("heart_rate_bpm", 300, 255),
        ("elapsed_s", -1, 0),
    ],
)
def test_what_a_field_cannot_hold_is_rounded_and_clamped(
    name: str, value: float, read_as: float
) -> None:
    sample = RowerSample(t_ns=5, source="rower", **{name: value})  # type: ignore[arg-type]
    assert getattr(read(ftms.encode_rower_data(sample)), name) == read_as


def test_of_the_energies_a_missing_one_is_sent_as_not_available() -> None:
    sample = RowerSample(t_ns=5, source="rower", energy_kcal=9, energy_kcal_per_hour=471)
    payload = ftms.encode_rower_data(sample)
    assert payload.hex() == "0001" + "00" + "0000" + "0900" + "d701" + "ff"
    assert read(payload).energy_kcal_per_minute is None


def test_the_quirks_can_be_written_too() -> None:
    sample = RowerSample(t_ns=5, source="rower", stroke_rate_spm=24, stroke_count=7, resistance=200)
    payload = ftms.encode_rower_data(sample, stroke_rate_scale=1, narrow_resistance=True)
    assert payload.hex() == "8000" + "18" + "0700" + "c8"
    assert read(payload, stroke_rate_scale=1) == sample


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_number_is_refused(value: float) -> None:
    sample = RowerSample(t_ns=5, source="rower", power_w=value)
    with pytest.raises(ValueError, match="power_w"):
        ftms.encode_rower_data(sample)


# --- assembler ---------------------------------------------------------------------------------


def part(t_ns: int, complete: bool, **values: Any) -> RowerSample:
    return RowerSample(t_ns=t_ns, source="rower", complete=complete, **values)


def test_parts_are_joined_under_the_last_part_s_time() -> None:
    parts = [
        part(1, False, distance_m=203, extra_bytes=1),
        part(2, True, stroke_count=36, truncated=True, extra_bytes=2),
    ]
    assert list(ftms.assemble(parts)) == [
        part(2, True, distance_m=203, stroke_count=36, truncated=True, extra_bytes=3)
    ]


def test_a_lost_closing_part_cuts_the_record_short() -> None:
    parts = [
        part(1, False, distance_m=90),
        part(2, False, distance_m=94),
        part(3, True, stroke_count=11),
    ]
    assert list(ftms.assemble(parts)) == [
        part(1, False, distance_m=90),
        part(3, True, distance_m=94, stroke_count=11),
    ]


def test_a_part_after_the_closing_part_goes_with_the_next_record() -> None:
    # As the First Degree Viking Pro V sends: energy follows the closing part.
    parts = [
        part(1, False, distance_m=98),
        part(1, True, stroke_count=11),
        part(1, False, energy_kcal=4),
        part(2, False, distance_m=100),
        part(3, False, distance_m=102),
    ]
    assert list(ftms.assemble(parts)) == [
        part(1, True, distance_m=98, stroke_count=11),
        part(2, False, energy_kcal=4, distance_m=100),
        part(3, False, distance_m=102),
    ]


def test_parts_that_say_nothing_make_no_record_of_their_own() -> None:
    assert list(ftms.assemble([part(1, False)])) == []
    assert list(ftms.assemble([part(1, False), part(2, True, stroke_count=1)])) == [
        part(2, True, stroke_count=1)
    ]


@given(st.lists(st.binary(min_size=2, max_size=24), max_size=12))
def test_the_assembler_loses_nothing_and_invents_nothing(payloads: list[bytes]) -> None:
    decoded = [read(payload) for payload in payloads]
    records = list(ftms.assemble(decoded))
    assert sum(record.complete for record in records) == sum(s.complete for s in decoded)
    given_values = sorted((k, v) for s in decoded for k, v in said(s).items())
    assert sorted((k, v) for r in records for k, v in said(r).items()) == given_values
    assert list(ftms.assemble(iter(decoded))) == records


@given(st.lists(samples(), max_size=6), st.integers(7, 30))
def test_split_records_come_back_whole(written: list[RowerSample], limit: int) -> None:
    parts = [p for sample in written for p in ftms.encode_split(sample, limit)]
    joined = ftms.assemble(read(p, payload_limit=limit) for p in parts)
    assert list(joined) == [read(ftms.encode_rower_data(sample)) for sample in written]


# --- states, features, ranges, control ---------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "state", "code", "parameter"),
    [
        ("01", "reset", 0x01, None),
        ("0100", "reset", 0x01, None),  # a surplus zero byte is seen
        ("02", "stopped_or_paused_by_user", 0x02, None),
        ("0200", "stopped_or_paused_by_user", 0x02, 0),
        ("0202", "stopped_or_paused_by_user", 0x02, 2),
        ("03", "stopped_by_safety_key", 0x03, None),
        ("05e803", "target_speed_changed", 0x05, 10.0),
        ("05e8", "target_speed_changed", 0x05, None),
        ("06ecff", "target_incline_changed", 0x06, -2.0),
        ("0719", "target_resistance_level_changed", 0x07, 2.5),
        ("071900", "target_resistance_level_changed", 0x07, 2.5),
        ("07f6ff", "target_resistance_level_changed", 0x07, -1.0),
        ("08c800", "target_power_changed", 0x08, 200),
        ("08ceff", "target_power_changed", 0x08, -50),
        ("0996", "target_heart_rate_changed", 0x09, 150),
        ("0a2c01", "targeted_energy_changed", 0x0A, 300),
        ("0be803", "targeted_steps_changed", 0x0B, 1000),
        ("0ce803", "targeted_strides_changed", 0x0C, 1000),
        ("0d881300", "targeted_distance_changed", 0x0D, 5000),
        ("0e0807", "targeted_training_time_changed", 0x0E, 1800),
        ("0f3c007800", "targeted_time_in_2_heart_rate_zones_changed", 0x0F, (60, 120)),
        ("0f3c0078", "targeted_time_in_2_heart_rate_zones_changed", 0x0F, None),
        ("10010002000300", "targeted_time_in_3_heart_rate_zones_changed", 0x10, (1, 2, 3)),
        (
            "1101000200030004000500",
            "targeted_time_in_5_heart_rate_zones_changed",
            0x11,
            (1, 2, 3, 4, 5),
        ),
        ("12f40164002833", "bike_simulation_parameters_changed", 0x12, (0.5, 1.0, 0.004, 0.51)),
        ("133852", "wheel_circumference_changed", 0x13, 2104.8),
        ("1402", "spin_down_status", 0x14, 2),
        ("153500", "targeted_cadence_changed", 0x15, 26.5),
        ("ff", "control_permission_lost", 0xFF, None),
        ("00", "unknown", 0x00, None),
        ("1601", "unknown", 0x16, None),
        ("fe", "unknown", 0xFE, None),
    ],
)
def test_machine_status(payload: str, state: str, code: int, parameter: ftms.Parameter) -> None:
    assert decode_one("2ada", payload) == MachineState(
        t_ns=5, source="rower", state=state, code=code, parameter=parameter
    )


def test_an_empty_machine_status_is_undecoded() -> None:
    assert isinstance(decode_one("2ada", ""), Undecoded)


@pytest.mark.parametrize(
    ("payload", "state", "code", "text"),
    [
        ("", "unknown", None, None),
        ("00", "unknown", None, None),
        ("01", "unknown", None, None),
        ("0000", "other", 0, None),
        ("0100", "other", 0, ""),  # text announced and empty, as the WRX1000 sends it
        ("0003", "low_intensity_interval", 3, None),
        ("0005", "recovery_interval", 5, None),
        ("000d", "manual_mode", 13, None),
        ("000f", "post_workout", 15, None),
        ("0010", "unknown", 16, None),
        ("00ff", "unknown", 255, None),
        ("0001476f", "idle", 1, None),  # text bytes without their flag
        ("0101476f00", "idle", 1, "Go"),
        ("0101ff", "idle", 1, "\ufffd"),
    ],
)
def test_training_status(payload: str, state: str, code: int | None, text: str | None) -> None:
    assert decode_one("2ad3", payload) == MachineState(
        t_ns=5, source="rower", state=state, code=code, text=text
    )


@pytest.mark.parametrize(
    ("payload", "features", "targets"),
    [
        ("", (), ()),
        ("0640", (1, 2, 14), ()),  # two bytes, as OpenRowingMonitor sends
        ("00000080", (31,), ()),
        ("0000000000000100", (), (16,)),
        ("0000000001000000ff", (), (0,)),
    ],
)
def test_features(payload: str, features: tuple[int, ...], targets: tuple[int, ...]) -> None:
    assert decode_one("2acc", payload) == MachineInfo(
        t_ns=5, source="rower", features=features, target_features=targets
    )


@pytest.mark.parametrize(
    ("channel", "payload", "expected"),
    [
        ("2ad4", "6400d0070a00", ("speed_kmh", 1.0, 20.0, 0.1)),
        ("2ad5", "ecff96000500", ("inclination_pct", -2.0, 15.0, 0.5)),
        ("2ad6", "f6ff96000a00", ("resistance", -1.0, 15.0, 1.0)),
        ("2ad6", "016401", ("resistance", 1, 100, 1)),
        ("2ad6", "0a0096000a00ff", ("resistance", 1.0, 15.0, 1.0)),
        ("2ad7", "3cdc01", ("heart_rate_bpm", 60, 220, 1)),
        ("2ad8", "0000d0070100", ("power_w", 0, 2000, 1)),
    ],
)
def test_supported_range(
    channel: str, payload: str, expected: tuple[str, float, float, float]
) -> None:
    assert decode_one(channel, payload) == MachineInfo(t_ns=5, source="rower", ranges=(expected,))
    _, low, high, step = expected
    written = ftms.encode_range(channel, low, high, step, narrow=len(payload) == 6)
    assert written.hex() == payload[: 2 * len(written)]


@pytest.mark.parametrize("channel", sorted(ftms.RANGE_CHANNELS))
@pytest.mark.parametrize("payload", ["", "01", "0102"])
def test_a_short_range_is_undecoded(channel: str, payload: str) -> None:
    assert isinstance(decode_one(channel, payload), Undecoded)


@pytest.mark.parametrize(
    ("payload", "request_op", "result", "name"),
    [
        ("800701", 0x07, 0x01, "success"),
        ("801102", 0x11, 0x02, "op_code_not_supported"),
        ("800503", 0x05, 0x03, "invalid_parameter"),
        ("800704", 0x07, 0x04, "operation_failed"),
        ("800705", 0x07, 0x05, "control_not_permitted"),
        ("800700", 0x07, 0x00, "reserved"),
        ("8007060000", 0x07, 0x06, "reserved"),
    ],
)
def test_control_reply(payload: str, request_op: int, result: int, name: str) -> None:
    assert decode_one("2ad9", payload) == ControlReply(
        t_ns=5, source="rower", request=request_op, result=result, result_name=name
    )


@pytest.mark.parametrize("payload", ["", "80", "8000", "000001"])
def test_what_is_no_control_reply_is_undecoded(payload: str) -> None:
    assert isinstance(decode_one("2ad9", payload), Undecoded)


@pytest.mark.parametrize(
    ("request_name", "parameter", "payload"),
    [
        ("request_control", None, "00"),
        (ftms.REQUEST_CONTROL, None, "00"),
        ("reset", None, "01"),
        ("start", None, "07"),
        (ftms.START_OR_RESUME, None, "07"),
        ("stop", None, "0801"),
        ("pause", None, "0802"),
        (ftms.STOP_OR_PAUSE, ftms.PAUSE, "0802"),
        ("set_target_speed", 12.34, "02d204"),
        ("set_target_inclination", -1.5, "03f1ff"),
        ("set_target_resistance_level", 2.5, "0419"),
        ("set_target_power", 200, "05c800"),
        ("set_targeted_distance", 5000, "0c881300"),
        ("set_targeted_training_time", 1800, "0d0807"),
        ("set_targeted_time_in_2_heart_rate_zones", (60, 120), "0e3c007800"),
        ("set_targeted_cadence", 26.5, "143500"),
    ],
)
def test_control_request(request_name: int | str, parameter: ftms.Parameter, payload: str) -> None:
    written = ftms.encode_control(request_name, parameter)
    assert written.hex() == payload
    parsed = ftms.parse_control(written)
    assert parsed is not None
    assert parsed.op == written[0]
    assert parsed.name == ftms.CONTROL_NAMES[written[0]]
    if parameter is not None:
        assert parsed.parameter == parameter


def test_a_resistance_level_can_take_two_bytes() -> None:
    written = ftms.encode_control("set_target_resistance_level", 30.0, wide_resistance=True)
    assert written.hex() == "042c01"
    parsed = ftms.parse_control(written)
    assert parsed is not None
    assert parsed.parameter == 30.0


@pytest.mark.parametrize(
    ("request_name", "parameter", "message"),
    [
        ("go", None, "not a request"),
        (0x80, None, "not a request"),
        ("set_target_power", None, "needs a parameter"),
        ("set_target_power", (1, 2), "takes 1 numbers"),
        ("set_target_power", float("nan"), "finite"),
        ("request_control", 1, "takes 0 numbers"),
        ("stop", 1, "takes no parameter"),
    ],
)
def test_a_bad_control_request_is_refused(
    request_name: int | str, parameter: ftms.Parameter, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ftms.encode_control(request_name, parameter)


def test_what_a_client_wrote_may_be_anything() -> None:
    assert ftms.parse_control(b"") is None
    assert ftms.parse_control(b"\x7f\x01") == ftms.ControlRequest(
        op=0x7F, name="unknown", parameter=None
    )


@pytest.mark.parametrize("op", sorted(ftms.STATUS_NAMES))
@given(raw=st.binary(min_size=10, max_size=10))
def test_every_status_reads_as_it_was_written(op: int, raw: bytes) -> None:
    state = ftms.decode_status(bytes([op]) + raw, t_ns=5, source="rower")
    assert isinstance(state, MachineState)
    again = ftms.encode_status(state.state, state.parameter, wide_resistance=True)
    assert ftms.decode_status(again, t_ns=5, source="rower") == state
    assert (bytes([op]) + raw).startswith(again)


@pytest.mark.parametrize("code", range(len(ftms.TRAINING_STATES)))
@pytest.mark.parametrize("text", [None, "", "500 m, Schlagzahl 24 – los"])
def test_every_training_status_reads_as_it_was_written(code: int, text: str | None) -> None:
    payload = ftms.encode_training_status(ftms.TRAINING_STATES[code], text)
    assert payload == ftms.encode_training_status(code, text)
    state = ftms.decode_training_status(payload, t_ns=5, source="rower")
    assert (state.code, state.text) == (code, text)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ftms.encode_status("resting"),
        lambda: ftms.encode_status(0x16),
        lambda: ftms.encode_training_status("resting"),
        lambda: ftms.encode_training_status(256),
        lambda: ftms.encode_control_reply("start up", 1),
        lambda: ftms.encode_control_reply(0, "fine"),
        lambda: ftms.encode_control_reply(0, 256),
        lambda: ftms.encode_features([32]),
        lambda: ftms.encode_range("2ad1", 0, 1, 1),
        lambda: ftms.encode_range("2ad8", 0, float("inf"), 1),
        lambda: ftms.encode_service_data(machine_types=["canoe"]),
    ],
)
def test_what_cannot_be_said_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError):
        wrong()


@pytest.mark.parametrize(
    ("payload", "available", "types"),
    [
        ("", None, ()),
        ("01", True, ()),
        ("0110", True, ("rower",)),  # the type in one byte
        ("010010", True, ("rower",)),  # its bytes swapped
        ("001000", False, ("rower",)),
        ("fe1000", False, ("rower",)),  # reserved flags
        ("013100", True, ("treadmill", "rower", "indoor_bike")),
        ("01c0ff", True, ftms.MACHINE_TYPES),
        ("01c000", True, ()),  # undefined types
    ],
)
def test_service_data(payload: str, available: bool | None, types: tuple[str, ...]) -> None:
    assert ftms.parse_service_data(bytes.fromhex(payload)) == ftms.ServiceData(
        available=available, machine_types=types
    )


# --- the decoder -------------------------------------------------------------------------------

CHANNELS = [
    "2ad1",
    "2ad3",
    "2ad9",
    "2ada",
    "2acc",
    "2a37",
    "2a38",
    "link",
    "2ad2",
    "ce060031",
    *sorted(ftms.RANGE_CHANNELS),
    *sorted(device_information.CHANNELS),
]


def test_the_decoder_keeps_the_contract() -> None:
    decoder = ftms.RowerDecoder()
    assert isinstance(decoder, Decoder)
    assert decoder.finish(9) == ()


@pytest.mark.parametrize("channel", CHANNELS)
@given(payload=st.binary(max_size=64))
def test_no_bytes_make_the_decoder_raise(channel: str, payload: bytes) -> None:
    records = ftms.RowerDecoder().decode(frame(channel, payload))
    assert len(records) <= 1
    assert all((record.t_ns, record.source) == (5, "rower") for record in records)


@given(st.text(max_size=8), st.binary(max_size=24), st.booleans())
def test_no_channel_makes_the_decoder_raise(channel: str, payload: bytes, sent: bool) -> None:
    ftms.RowerDecoder().decode(frame(channel, payload, sent=sent))


def test_what_was_sent_says_nothing() -> None:
    decoder = ftms.RowerDecoder()
    assert decoder.decode(frame("2ad9", ftms.encode_control("start"), sent=True)) == ()
    assert decoder.decode(frame("2ad1", b"\x01\x00", sent=True)) == ()


def test_an_unknown_channel_is_undecoded_by_name() -> None:
    record = decode_one("ce060031", "00")
    assert isinstance(record, Undecoded)
    assert "ce060031" in record.reason


@pytest.mark.parametrize(
    ("channel", "payload", "expected"),
    [
        ("2a37", b"\x06\x4c", HeartRate(t_ns=5, source="rower", heart_rate_bpm=76, contact=True)),
        ("2a38", b"\x01", MachineInfo(t_ns=5, source="rower", body_location="chest")),
        ("2a19", b"\x57", MachineInfo(t_ns=5, source="rower", battery_pct=87)),
        ("2a29", b"Concept2", MachineInfo(t_ns=5, source="rower", manufacturer="Concept2")),
        ("2a24", b"PM5\x00\x00", MachineInfo(t_ns=5, source="rower", model="PM5")),
        ("2a25", b"430000001 ", MachineInfo(t_ns=5, source="rower", serial_number="430000001")),
        ("2a26", b"", MachineInfo(t_ns=5, source="rower")),
        ("2a27", b"\xff1", MachineInfo(t_ns=5, source="rower", hardware="\ufffd1")),
        ("2a28", b"1.2", MachineInfo(t_ns=5, source="rower", software="1.2")),
        ("link", b"up", Link(t_ns=5, source="rower", up=True)),
    ],
)
def test_companions_of_a_rower(channel: str, payload: bytes, expected: Record) -> None:
    assert ftms.RowerDecoder().decode(frame(channel, payload)) == (expected,)


@pytest.mark.parametrize(("channel", "size"), [("2a50", 7), ("2a23", 8)])
def test_numbers_without_a_field_are_read_over(channel: str, size: int) -> None:
    decoder = ftms.RowerDecoder()
    assert decoder.decode(frame(channel, bytes(size))) == ()
    for wrong in (0, size - 1, size + 1):
        (record,) = decoder.decode(frame(channel, bytes(wrong)))
        assert isinstance(record, Undecoded)


def test_the_numbers_of_a_product() -> None:
    assert device_information.parse_pnp_id(
        bytes.fromhex("016b0002000100")
    ) == device_information.PnpId(vendor_source=1, vendor=0x6B, product=2, version=1)
    assert device_information.parse_pnp_id(b"\x01") is None


def test_device_information_takes_only_its_own_channels() -> None:
    assert isinstance(
        device_information.decode_string("2a19", b"x", t_ns=5, source="rower"), Undecoded
    )
    (record,) = device_information.decode("2ad1", b"x", t_ns=5, source="rower")
    assert isinstance(record, Undecoded)
    short = ftms.decode_range("2ad1", bytes(6), t_ns=5, source="rower")
    assert isinstance(short, Undecoded)


# --- link and key ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "up", "reason"),
    [
        (b"up", True, None),
        (b"down", False, None),
        (b"down ", False, None),
        (b"down the strap was taken off", False, "the strap was taken off"),
        (b"down \xff", False, "\ufffd"),
    ],
)
def test_link(payload: bytes, up: bool, reason: str | None) -> None:
    assert decode_link(frame("link", payload)) == Link(t_ns=5, source="rower", up=up, reason=reason)


@pytest.mark.parametrize("payload", [b"", b"UP", b"up again", b"upset", b"downward", b"\x00"])
def test_what_is_no_link_state_is_undecoded(payload: bytes) -> None:
    assert isinstance(decode_link(frame("link", payload)), Undecoded)


@pytest.mark.parametrize(("up", "reason"), [(True, None), (False, None), (False, "timed out")])
def test_a_link_reads_as_it_was_written(up: bool, reason: str | None) -> None:
    link = decode_link(frame("link", encode_link(up, reason)))
    assert link == Link(t_ns=5, source="rower", up=up, reason=reason)


@pytest.mark.parametrize(("payload", "label"), [(b"lap", "lap"), (b"", ""), (b"\xff", "\ufffd")])
def test_key(payload: bytes, label: str) -> None:
    assert decode_key(frame("key", payload)) == Marker(t_ns=5, source="rower", label=label)


# --- recordings of real machines ---------------------------------------------------------------

IN_RECORDINGS = {
    "stroke_rate": "stroke_rate_spm",
    "avg_stroke_rate": "average_stroke_rate_spm",
    "pace_s": "pace_s_per_500m",
    "avg_pace_s": "average_pace_s_per_500m",
    "avg_power_w": "average_power_w",
    "energy_per_hour": "energy_kcal_per_hour",
    "energy_per_min": "energy_kcal_per_minute",
    "heart_rate": "heart_rate_bpm",
}
NOT_AVAILABLE = {
    ("energy_kcal", 0xFFFF),
    ("energy_kcal_per_hour", 0xFFFF),
    ("energy_kcal_per_minute", 0xFF),
}


def named(recorded: dict[str, float]) -> dict[str, float]:
    """The values of a recording under our names, without those that mean "not available"."""
    renamed = {IN_RECORDINGS.get(name, name): value for name, value in recorded.items()}
    return {name: v for name, v in renamed.items() if (name, v) not in NOT_AVAILABLE}


def test_first_degree_viking_pro_v(captures: Path) -> None:
    recording = json.loads((captures / "ardurower" / "ftms_viking_pro_v.json").read_text("utf-8"))
    packets = recording["packets"]
    assert len(packets) == 8
    for packet in packets:
        sample = read(bytes.fromhex(packet["hex"]))
        assert said(sample) == named(packet["decoded_by_nrf_connect"])
        assert (sample.truncated, sample.extra_bytes) == (False, 0)
    # Fragment B: distance every second, a stroke and its energy in the last one.
    joined = list(
        ftms.assemble(read(bytes.fromhex(p["hex"])) for p in packets if p["fragment"] == "B")
    )
    assert [record.complete for record in joined] == [False, False, False, True, False]
    assert (joined[3].distance_m, joined[3].stroke_count) == (98, 11)
    assert said(joined[4]).keys() == {
        "energy_kcal",
        "energy_kcal_per_hour",
        "energy_kcal_per_minute",
    }


def machine_packets(folder: Path) -> Iterator[dict[str, Any]]:
    recording = json.loads(
        (folder / "trackmyindoorworkout" / "ftms_vectors.json").read_text("utf-8")
    )
    for machine in recording["machines"].values():
        yield from machine["packets"]


def test_kayakpro_and_skillrow(captures: Path) -> None:
    packets = list(machine_packets(captures))
    assert len(packets) >= 8
    for packet in packets:
        payload = bytes.fromhex(packet["hex"])
        plain = packet["spec_decode"]
        sample = read(payload)
        assert said(sample) == named(plain["fields"])
        assert sample.truncated is plain["truncated"]
        assert sample.extra_bytes == len(bytes.fromhex(plain["left_over_bytes"]))
        assert sample.complete is (int(plain["flags"], 16) & 1 == 0)
