"""Concept2 PM5 over Bluetooth: values by vector, records, strokes, curves, a whole recording."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields, replace
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Decoder, Dialogue
from rowlog_drivers.protocols import pm5
from rowlog_drivers.protocols import pm5_values as values
from rowlog_drivers.protocols.csafe import FORCE_REQUEST
from rowlog_drivers.protocols.pm5_names import WORKOUT_STATES
from rowlog_drivers.protocols.pm5_strokes import LBF_N, PartedCurve
from rowlog_drivers.protocols.stroke_numbers import StrokeNumbers
from rowlog_drivers.records import (
    ControlReply,
    Link,
    MachineInfo,
    MachineSplit,
    MachineState,
    MachineSummary,
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
    if vector["protocol"] == "pm5_ble"
]
R = TypeVar("R", bound=Record)


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(v, id=v["id"]) for v in VECTORS if v["kind"] in kinds]


def rx(number: str, payload: str | bytes, t_ms: float = 0) -> Frame:
    """A notification of characteristic `number` ("0031"), in hex or bytes."""
    given = bytes.fromhex(payload) if isinstance(payload, str) else payload
    return Frame(t_ns=round(t_ms * MS), source="rower", channel=f"ce06{number}", payload=given)


def told(value: pm5.Value, t_ms: float = 0) -> Frame:
    """The notification that says `value`."""
    return rx(f"{pm5.characteristic_of(value):04x}", pm5.encode_value(value), t_ms)


def feed(decoder: Decoder, frames: Iterable[Frame]) -> list[Record]:
    return [record for frame in frames for record in decoder.decode(frame)]


def kind(records: Iterable[Record], wanted: type[R]) -> list[R]:
    return [record for record in records if isinstance(record, wanted)]


def strokes(records: Iterable[Record]) -> dict[int, dict[str, Any]]:
    """What is known of each stroke, its records merged as they are above the decoder."""
    merged: dict[int, dict[str, Any]] = {}
    last = 0
    for stroke in kind(records, Stroke):
        assert stroke.number >= last, "a stroke that was over is told again"
        last = stroke.number
        known = merged.setdefault(stroke.number, {})
        for field in fields(Stroke):
            value = getattr(stroke, field.name)
            if value is not None:
                known[field.name] = value
    return merged


# Values, as the vectors state them

SYNONYMS = {
    "drive_time_s": "drive_s",
    "recovery_time_s": "recovery_s",
    "average_force_lbf": "mean_force_lbf",
    "stroke_power_w": "power_w",
    "stroke_kcal_per_hour": "energy_kcal_per_hour",
    "projected_time_s": "projected_time_s",
    "split_number": "number",
    "workout_duration_raw": "target_raw",
    "workout_duration_type_enum": "target_type",
    "split_kcal": "split_energy_kcal",
    "average_stroke_rate_spm": "stroke_rate_spm",
    "ending_heart_rate_bpm": "end_heart_rate_bpm",
    "average_heart_rate_bpm": "heart_rate_bpm",
    "average_kcal_per_hour": "energy_kcal_per_hour",
    "total_rest_distance_m": "rest_distance_m",
    "hr_manufacturer_id": "manufacturer_id",
    "hr_device_type": "device_type",
    "hr_belt_id": "belt_id",
    "force_total_parts": "parts",
    "force_part": "part",
    "force_lbf": "points_lbf",
    "sample_period_ms": "period_ms",
}
OF_KIND: dict[type[Any], dict[str, str]] = {
    pm5.SplitData: {"rest_time_s": "rest_s"},
    pm5.AdditionalSplitData: {
        "split_stroke_rate_spm": "stroke_rate_spm",
        "split_work_heart_rate_bpm": "heart_rate_bpm",
        "split_rest_heart_rate_bpm": "rest_heart_rate_bpm",
        "split_average_pace_s_per_500m": "pace_s_per_500m",
        "split_kcal": "energy_kcal",
        "split_kcal_per_hour": "energy_kcal_per_hour",
        "split_speed_mps": "speed_mps",
        "split_power_w": "power_w",
    },
    pm5.WorkoutSummary: {"average_pace_s_per_500m": "pace_s_per_500m"},
    pm5.AdditionalSummary: {"rest_time_s": "rest_s", "average_power_w": "power_w"},
}


def field_of(value: object, name: str) -> Any:
    """What a value says under the name that the vectors use."""
    if name in ("workout_target_m", "workout_target_s"):
        assert isinstance(value, pm5.GeneralStatus)
        assert value.target is not None
        what, amount = value.target
        assert what == {"m": "target_distance_m", "s": "target_time_s"}[name[-1]]
        return amount
    if name == "split_size_m":
        name = "split_size_raw"
    if name == "log_date":
        return getattr(value, name).isoformat()
    if name == "log_time":
        return getattr(value, name).strftime("%H:%M")
    if isinstance(value, pm5.InfoText):
        texts = {"serial": "0012", "hardware_revision": "0013", "firmware_revision": "0014"}
        number = texts.get(name, {"manufacturer": "0015"}.get(name))
        assert number == f"{value.characteristic:04x}"
        return value.text
    found = OF_KIND.get(type(value), {}).get(name) or SYNONYMS.get(name)
    if found is None:
        found = name.removesuffix("_enum")
    answer = getattr(value, found)
    return list(answer) if isinstance(answer, tuple) else answer


def value_of(vector: dict[str, Any]) -> pm5.Value | pm5.Malformed:
    payload = bytes.fromhex(vector["hex"])
    if vector["char"] == "0080":
        return pm5.decode_multiplexed(payload)
    return pm5.decode_value(int(vector["char"], 16), payload)


@pytest.mark.parametrize("vector", of_kind("notify", "read"))
def test_vectors(vector: dict[str, Any]) -> None:
    value = value_of(vector)
    assert not isinstance(value, pm5.Malformed)
    for name, expected in vector["expect"].items():
        if name == "multiplexed_id":
            assert f"{pm5.characteristic_of(value):04x}" == expected
        elif name == "average_pace_s_per_500m" and expected is None:
            assert isinstance(value, pm5.WorkoutSummary)
            assert value.pace_s_per_500m is None
        else:
            found = field_of(value, name)
            assert found == (
                pytest.approx(expected, abs=1e-6) if isinstance(expected, float) else expected
            ), name


@pytest.mark.parametrize("vector", of_kind("notify", "read"))
def test_vectors_are_written_as_they_were_read(vector: dict[str, Any]) -> None:
    value = value_of(vector)
    assert not isinstance(value, pm5.Malformed)
    encode = pm5.encode_multiplexed if vector["char"] == "0080" else pm5.encode_value
    assert encode(value).hex() == vector["hex"]


@pytest.mark.parametrize("vector", of_kind("reject"))
def test_reject_vectors(vector: dict[str, Any]) -> None:
    assert isinstance(value_of(vector), pm5.Malformed)
    (record,) = pm5.Pm5Decoder().decode(rx(vector["char"].lower(), vector["hex"]))
    assert isinstance(record, Undecoded)


@pytest.mark.parametrize("vector", of_kind("notify", "read"))
def test_surplus_bytes_are_ignored(vector: dict[str, Any]) -> None:
    if vector["char"] in ("0012", "0013", "0014", "0015"):
        return  # a text has no length of its own
    value = value_of(vector)
    longer = value_of(vector | {"hex": vector["hex"] + "00" * 16})
    for field in fields(value):
        known = getattr(value, field.name)
        # What the shorter value did not have, the surplus may be taken for.
        assert known is None or getattr(longer, field.name) == known


@pytest.mark.parametrize(
    ("characteristic", "length", "missing"),
    [
        # Lengths seen on monitors with old firmware, and what those do not say.
        (0x32, 16, {"erg_machine_type"}),
        (0x38, 18, {"erg_machine_type"}),
        (0x33, 18, {"average_power_w"}),
        (0x35, 18, {"work_j"}),
        (0x39, 18, {"pace_s_per_500m"}),
        (0x3A, 18, {"interval_type"}),
    ],
)
def test_older_and_shorter_forms(characteristic: int, length: int, missing: set[str]) -> None:
    value = pm5.decode_value(characteristic, bytes([0x11] * length))
    assert not isinstance(value, pm5.Malformed)
    optional = {field.name for field in fields(value) if getattr(value, field.name) is None}
    assert missing <= optional <= missing | {"average_power_w"}


# Random values and random bytes

RAW = {1: 0xFF, 2: 0xFFFF, 3: 0xFFFFFF, 4: 0xFFFFFFFF, 8: 0xFFFFFFFFFFFFFFFF}


@st.composite
def some_value(draw: st.DrawFn, *, multiplexed: bool) -> pm5.Value:
    """A value as some monitor may send it, each field within its width."""
    layout = draw(st.sampled_from(values._LAYOUTS))
    if multiplexed and layout.characteristic in (0x16, 0x34):
        layout = values._BY_CHARACTERISTIC[0x31]
    given: dict[str, Any] = {}
    for item in layout.chosen(multiplexed=multiplexed):
        if item.form == "date":
            given[item.name] = draw(st.dates(date(2000, 1, 1), date(2127, 12, 31)))
        elif item.form == "clock":
            hour, minute = draw(st.integers(0, 23)), draw(st.integers(0, 59))
            given[item.name] = time(hour, minute)
        else:
            raw = draw(st.integers(0, RAW[item.width]))
            given[item.name] = values._read(item, raw)
    value: pm5.Value = layout.kind(**given)
    return value


@given(some_value(multiplexed=False))
def test_values_read_back(value: pm5.Value) -> None:
    number = pm5.characteristic_of(value)
    assert pm5.decode_value(number, pm5.encode_value(value)) == value


@given(some_value(multiplexed=True))
def test_multiplexed_values_read_back(value: pm5.Value) -> None:
    assert pm5.decode_multiplexed(pm5.encode_multiplexed(value)) == value


@given(st.lists(st.integers(0, 400), max_size=135))
def test_force_curves_read_back(points: list[int]) -> None:
    curve = PartedCurve()
    whole = None
    for part in pm5.force_parts(tuple(points)):
        assert whole is None
        read = pm5.decode_value(0x3D, pm5.encode_value(part))
        assert read == part
        whole = curve.add(part)
    assert (whole or ()) == tuple(points)


@given(st.text("abc 012-.", max_size=20))
def test_texts_read_back(text: str) -> None:
    value = pm5.InfoText(characteristic=0x14, text=text.strip())
    assert pm5.decode_value(0x14, pm5.encode_value(value) + b"\0\0") == value


def test_what_cannot_be_sent_is_said() -> None:
    with pytest.raises(ValueError, match="not sent through 0080"):
        pm5.encode_multiplexed(pm5.SamplePeriod(code=1))
    with pytest.raises(ValueError, match="135 points"):
        pm5.force_parts((1,) * 136)


NUMBERS = st.one_of(
    st.sampled_from([*sorted(values.CHARACTERISTICS), 0x17, 0x18, 0x22, 0x80]),
    st.integers(0, 0xFF),
)
FRAMES = st.builds(
    lambda number, payload, sent, t_ms: replace(rx(f"{number:04x}", payload, t_ms), sent=sent),
    NUMBERS,
    st.one_of(
        st.binary(max_size=24),
        st.binary(max_size=40).map(lambda octets: b"\xf1" + octets + b"\xf2"),
    ),
    st.booleans(),
    st.integers(0, 10_000),
)


@given(st.lists(FRAMES, max_size=60))
def test_no_frame_makes_the_decoder_raise(frames: list[Frame]) -> None:
    decoder = pm5.Pm5Decoder()
    for frame in sorted(frames, key=lambda frame: frame.t_ns):
        for record in decoder.decode(frame):
            assert record.t_ns == frame.t_ns
            assert record.source == "rower"
        decoder.next_request(frame.t_ns)
    assert decoder.finish(10_000 * MS) == ()


# Records

STATUS = pm5.GeneralStatus(
    elapsed_s=60.0,
    distance_m=250.5,
    workout_type=7,
    interval_type=1,
    workout_state=5,
    rowing_state=1,
    stroke_state=2,
    total_work_distance_raw=0,
    target_raw=500,
    target_type=0x80,
    drag_factor=120,
)


def states(records: Iterable[Record]) -> list[str]:
    return [record.state for record in kind(records, MachineState)]


def test_a_status_is_one_sample_and_states_come_when_they_change() -> None:
    decoder = pm5.Pm5Decoder()
    first = decoder.decode(told(STATUS))
    assert first == (
        MachineState(
            t_ns=0, source="rower", state="program", code=7, text="fixed_distance_intervals"
        ),
        MachineState(t_ns=0, source="rower", state="interval_type", code=1, text="distance"),
        MachineState(t_ns=0, source="rower", state="target_distance_m", code=0x80, parameter=500),
        # It began no later than this, as far as the first status can tell.
        MachineState(
            t_ns=0,
            source="rower",
            state="interval_work_distance",
            code=5,
            parameter=(0.0, 60.0, 250.5),
        ),
        MachineState(t_ns=0, source="rower", state="rowing_active", code=1),
        RowerSample(t_ns=0, source="rower", elapsed_s=60.0, distance_m=250.5, drag_factor=120),
    )
    assert len(decoder.decode(told(STATUS))) == 1
    resting = replace(STATUS, interval_type=2, workout_state=3)
    assert states(decoder.decode(told(resting))) == ["interval_type", "interval_rest"]
    # A new connection hears all of them again.
    link = Frame(t_ns=0, source="rower", channel="link", payload=b"down gone")
    assert decoder.decode(link) == (Link(t_ns=0, source="rower", up=False, reason="gone"),)
    assert len(states(decoder.decode(told(resting)))) == 4
    # That of the workout once it is known which interval is under way.
    assert states(decoder.decode(rx("0033", f"{6000:06x}" + "00" * 17))) == [
        "interval",
        "interval_rest",
    ]


@pytest.mark.parametrize(
    ("target_type", "raw", "state", "parameter"),
    [
        (0x00, 6000, "target_time_s", 60.0),
        (0x40, 100, "target_energy_kcal", 100),
        (0x80, 2000, "target_distance_m", 2000),
        (0xC0, 5, "target_work_watt_minutes", 5),
        (0x11, 5, "unknown", 5),
    ],
)
def test_targets(target_type: int, raw: int, state: str, parameter: float) -> None:
    records = pm5.Pm5Decoder().decode(
        told(replace(STATUS, target_type=target_type, target_raw=raw))
    )
    (found,) = [r for r in kind(records, MachineState) if r.code == target_type and r.parameter]
    assert (found.state, found.parameter) == (state, parameter)


def test_the_menu_is_no_interval() -> None:
    menu = replace(STATUS, workout_type=13, interval_type=255, workout_state=0, drag_factor=None)
    records = pm5.Pm5Decoder().decode(told(menu))
    assert states(records) == ["program", "target_distance_m", "wait_to_begin", "rowing_active"]
    assert kind(records, RowerSample)[0].drag_factor is None


@pytest.mark.parametrize("code", sorted(WORKOUT_STATES))
def test_every_workout_state_has_a_name_of_its_own(code: int) -> None:
    records = pm5.Pm5Decoder().decode(told(replace(STATUS, workout_state=code)))
    assert WORKOUT_STATES[code] in states(records)
    assert list(WORKOUT_STATES.values()).count(WORKOUT_STATES[code]) == 1


@pytest.mark.parametrize(
    ("code", "name", "pace_m"),
    [
        (0, "RowErg", 500),
        (5, "RowErg", 500),
        (8, "RowErg", 500),
        (32, "RowErg", 500),
        (224, "RowErg", 500),
        (64, "Dyno", 500),
        (128, "SkiErg", 500),
        (143, "SkiErg", 500),
        (225, "SkiErg", 500),
        (192, "BikeErg", 1000),
        (194, "BikeErg", 1000),
        (207, "BikeErg", 1000),
        (226, "BikeErg", 1000),
        (99, None, 500),
    ],
)
def test_erg_machines(code: int, name: str | None, pace_m: int) -> None:
    assert pm5.erg_name(code) == name
    (state,) = pm5.Pm5Decoder().decode(rx("0016", bytes([code])))
    assert state == MachineState(
        t_ns=0,
        source="rower",
        state="erg_machine",
        code=code,
        text=name or "unknown",
        parameter=pace_m,
    )


def test_speed_and_rate() -> None:
    decoder = pm5.Pm5Decoder()
    records = decoder.decode(rx("0032", "40e201e1101b97332d022f000000000000"))
    assert states(records) == ["erg_machine"]
    assert records[-1] == RowerSample(
        t_ns=0,
        source="rower",
        elapsed_s=1234.56,
        speed_mps=4.321,
        stroke_rate_spm=27,
        heart_rate_bpm=151,
        pace_s_per_500m=115.71,
        average_pace_s_per_500m=120.34,
    )
    # 255 is no heart rate.
    (sample,) = decoder.decode(rx("0032", "b50300ba0f16ffb530b7320000000000"))
    assert isinstance(sample, RowerSample)
    assert sample.heart_rate_bpm is None


def test_intervals_are_numbered_from_one() -> None:
    decoder = pm5.Pm5Decoder()
    hex_of = "e80300{:02x}a0000200b732a0000200000000000000"
    first = decoder.decode(rx("0033", hex_of.format(0)))
    assert first == (
        MachineState(t_ns=0, source="rower", state="interval", interval_number=1, code=0),
        RowerSample(t_ns=0, source="rower", elapsed_s=10.0, average_power_w=160, energy_kcal=2),
    )
    assert states(decoder.decode(rx("0033", hex_of.format(0)))) == []
    (second, _) = decoder.decode(rx("0033", hex_of.format(1)))
    assert isinstance(second, MachineState)
    assert second.interval_number == 2


def test_a_split_in_its_two_parts() -> None:
    decoder = pm5.Pm5Decoder()
    frames = [
        rx("0037", "c40900e80300fa0000640000000000000101"),
        rx("0038", "c40900180000e20406009403a00fb3006201"),
    ]
    assert feed(decoder, frames) == [
        MachineSplit(
            t_ns=0,
            source="rower",
            number=1,
            kind="distance",
            time_s=25.0,
            distance_m=100,
            rest_s=0,
            rest_distance_m=0,
        ),
        MachineSplit(
            t_ns=0,
            source="rower",
            number=1,
            stroke_rate_spm=24,
            pace_s_per_500m=125.0,
            power_w=179,
            energy_kcal=6,
            energy_kcal_per_hour=916,
            drag_factor=98,
        ),
    ]


def test_a_summary_in_its_parts() -> None:
    third = pm5.AdditionalSummary2(
        log_date=date(2026, 3, 1),
        log_time=time(18, 5),
        pace_s_per_500m=120.0,
        game=0x10,
        game_score=0,
        erg_machine_type=0,
    )
    frames = [
        rx("0039", "1b3105128cbb00204e0019ab9e70ae790003b004"),
        rx("003a", "1b31051201f401047600cb000000000000e703"),
        rx("0080", pm5.encode_multiplexed(third)),
    ]
    one, two, three, state = feed(pm5.Pm5Decoder(), frames)
    assert one == MachineSummary(
        t_ns=0,
        source="rower",
        workout="fixed_distance_splits",
        time_s=480.12,
        distance_m=2000.0,
        stroke_rate_spm=25,
        pace_s_per_500m=120.0,
        heart_rate_bpm=158,
        min_heart_rate_bpm=112,
        max_heart_rate_bpm=174,
        end_heart_rate_bpm=171,
        drag_factor=121,
    )
    assert two == MachineSummary(
        t_ns=0,
        source="rower",
        power_w=203,
        energy_kcal=118,
        energy_kcal_per_hour=999,
        interval_count=4,
        rest_s=0,
        rest_distance_m=0,
    )
    assert three == MachineSummary(t_ns=0, source="rower", pace_s_per_500m=120.0)
    assert isinstance(state, MachineState)
    assert state.state == "verified"


def test_what_a_monitor_says_of_itself() -> None:
    frames = [
        rx("0011", b"PM5\0\0\0"),
        rx("0012", b"430070439"),
        rx("0013", b"340"),
        rx("0014", b"8200-000320-020.000\0"),
        rx("0015", b"Concept2"),
        rx("0017", "f701"),
        rx("0018", "fb00"),
        rx("0034", "03"),
        rx("003b", "7b01a7d20000"),
        rx("003e", pm5.encode_value(pm5.AdditionalStatus3(
            operational_state=2, verification_state=0, screen=1, last_error=0,
            calibration_mode=0, calibration_state=0, calibration_status=0, game=0, game_score=0,
        ))),
        rx("003f", pm5.encode_value(pm5.LoggedWorkout(
            workout_hash=0xABCDEF, log_address=99, log_size=1000, erg_model_type=0,
        ))),
        Frame(t_ns=0, source="rower", channel="2a19", payload=b"\x63"),
    ]  # fmt: skip
    assert feed(pm5.Pm5Decoder(), frames) == [
        MachineInfo(t_ns=0, source="rower", model="PM5"),
        MachineInfo(t_ns=0, source="rower", serial_number="430070439"),
        MachineInfo(t_ns=0, source="rower", hardware="340"),
        MachineInfo(t_ns=0, source="rower", firmware="8200-000320-020.000"),
        MachineInfo(t_ns=0, source="rower", manufacturer="Concept2"),
        MachineState(t_ns=0, source="rower", state="sample_period_ms", code=3, parameter=100),
        MachineState(
            t_ns=0, source="rower", state="heart_rate_belt", code=53927, parameter=(123, 1)
        ),
        MachineState(t_ns=0, source="rower", state="monitor_workout", code=2),
        MachineState(
            t_ns=0,
            source="rower",
            state="logged_workout",
            code=99,
            text="0000000000abcdef",
            parameter=1000,
        ),
        MachineInfo(t_ns=0, source="rower", battery_pct=99),
    ]


@pytest.mark.parametrize("channel", ["2ad1", "ce060099", "ce06", "ce0600zz", "rx", "", "ce070031"])
def test_other_channels_are_undecoded(channel: str) -> None:
    frame = Frame(t_ns=0, source="rower", channel=channel, payload=b"\1\2\3")
    (record,) = pm5.Pm5Decoder().decode(frame)
    assert isinstance(record, Undecoded)
    assert channel in record.reason


def test_every_value_to_subscribe_to_is_read() -> None:
    for channel in pm5.SUBSCRIBE_CHANNELS + pm5.READ_CHANNELS:
        for record in pm5.Pm5Decoder().decode(
            Frame(t_ns=0, source="rower", channel=channel, payload=b"")
        ):
            assert "not a channel" not in getattr(record, "reason", "")


def test_the_shared_characteristic_says_the_same() -> None:
    direct, shared = pm5.Pm5Decoder(), pm5.Pm5Decoder()
    one = direct.decode(told(STATUS))
    other = shared.decode(rx("0080", pm5.encode_multiplexed(STATUS)))
    assert one == other


# Strokes

STROKE = pm5.StrokeData(
    elapsed_s=3.52,
    distance_m=12.9,
    drive_length_m=1.24,
    drive_s=0.7,
    recovery_s=1.8,
    stroke_distance_m=9.95,
    peak_force_lbf=203.7,
    mean_force_lbf=124.5,
    work_j=381.5,
    stroke_count=2,
)
CURVE = (12, 33, 57, 80, 101, 130, 160, 190, 203, 180, 128, 99, 51, 7)


def stroke(count: int, elapsed_s: float, **said: Any) -> pm5.StrokeData:
    return replace(STROKE, stroke_count=count, elapsed_s=elapsed_s, **said)


def power(count: int, elapsed_s: float, power_w: int = 150) -> pm5.AdditionalStrokeData:
    return pm5.AdditionalStrokeData(
        elapsed_s=elapsed_s, power_w=power_w, energy_kcal_per_hour=816, stroke_count=count
    )


def test_a_stroke_is_told_in_newtons_and_counted_once() -> None:
    records = pm5.Pm5Decoder().decode(told(STROKE))
    assert records == (
        Stroke(
            t_ns=0,
            source="rower",
            number=2,
            drive_s=0.7,
            recovery_s=1.8,
            drive_length_m=1.24,
            distance_m=9.95,
            work_j=381.5,
            peak_force_n=203.7 * LBF_N,
            mean_force_n=124.5 * LBF_N,
        ),
        RowerSample(t_ns=0, source="rower", elapsed_s=3.52, distance_m=12.9, stroke_count=2),
    )


def test_a_recovery_belongs_to_the_stroke_that_it_ends() -> None:
    decoder = pm5.Pm5Decoder()
    records = feed(
        decoder,
        [
            told(value)
            for value in (
                stroke(1, 0.83, recovery_s=0.0),
                power(1, 0.83),
                stroke(1, 2.74, recovery_s=1.8),
                stroke(2, 3.52, recovery_s=1.8),  # the drive is new, the recovery is not
                power(2, 3.52),
                stroke(2, 5.49, recovery_s=1.87),
                stroke(3, 6.18, recovery_s=1.87),
            )
        ],
    )
    found = strokes(records)
    assert list(found) == [1, 2, 3]
    assert found[1]["recovery_s"] == 1.8
    assert found[2]["recovery_s"] == 1.87
    assert "recovery_s" not in found[3]
    assert found[2]["power_w"] == 150


def test_a_recovery_is_kept_when_the_end_of_its_drive_was_lost() -> None:
    decoder = pm5.Pm5Decoder()
    records = feed(
        decoder,
        [told(stroke(1, 2.7, recovery_s=1.8)), told(stroke(2, 5.5, recovery_s=1.9))],
    )
    assert strokes(records)[2]["recovery_s"] == 1.9


def test_numbers_go_on_when_an_interval_counts_anew() -> None:
    numbers = StrokeNumbers()
    said = [(1, 0.8), (1, 2.7), (2, 3.5), (3, 6.1), (1, 0.9), (1, 2.8), (2, 3.6), (5, 11.0)]
    assert [numbers.take(*one) for one in said] == [1, 1, 2, 3, 4, 4, 5, 8]


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        # One stroke an interval: the same count, but the machine's time begins anew.
        ([(1, 20.0), (1, 0.9)], [1, 2]),
        # Connected in mid-workout: the monitor's own numbers.
        ([(57, 140.0), (58, 142.5)], [57, 58]),
        # A late word of a stroke that is over is none of the latest.
        ([(5, 10.0), (6, 12.0), (5, 12.0)], [5, 6, None]),
        # The first stroke of the interval was not heard.
        ([(9, 30.0), (2, 4.0)], [9, 11]),
        # No stroke yet.
        ([(0, 0.0), (1, 1.0)], [None, 1]),
        # Without a time a lower count is a new beginning (CSAFE).
        ([(9, None), (1, None)], [9, 10]),
    ],
)
def test_stroke_numbers(said: list[tuple[int, float | None]], numbers: list[int | None]) -> None:
    counter = StrokeNumbers()
    assert [counter.take(count, elapsed_s) for count, elapsed_s in said] == numbers


def curve_frames(points: tuple[int, ...] = CURVE) -> list[Frame]:
    return [told(part) for part in pm5.force_parts(points)]


def test_a_curve_goes_to_the_stroke_with_its_peak() -> None:
    decoder = pm5.Pm5Decoder()
    records = feed(
        decoder, [told(stroke(1, 0.8, peak_force_lbf=150.0)), told(STROKE), *curve_frames()]
    )
    found = strokes(records)
    assert "force_curve_n" not in found[1]
    assert found[2]["force_curve_n"] == tuple(point * LBF_N for point in CURVE)
    assert max(found[2]["force_curve_n"]) <= found[2]["peak_force_n"]


def test_a_curve_that_comes_before_its_stroke_waits() -> None:
    decoder = pm5.Pm5Decoder()
    early = feed(decoder, [told(stroke(1, 0.8, peak_force_lbf=150.0)), *curve_frames()])
    assert "force_curve_n" not in strokes(early)[1]
    late = feed(decoder, [told(STROKE)])
    assert strokes(late)[2]["force_curve_n"] == tuple(point * LBF_N for point in CURVE)


def test_a_curve_that_fits_neither_stroke_goes_to_the_one_it_came_after() -> None:
    decoder = pm5.Pm5Decoder()
    odd = (10, 60, 90, 60, 10)
    records = feed(
        decoder,
        [told(stroke(1, 0.8, peak_force_lbf=150.0)), *curve_frames(odd), told(STROKE)],
    )
    found = strokes(records)
    assert found[1]["force_curve_n"] == tuple(point * LBF_N for point in odd)
    assert "force_curve_n" not in found[2]


def test_a_stroke_has_one_curve() -> None:
    decoder = pm5.Pm5Decoder()
    records = feed(decoder, [told(STROKE), *curve_frames(), *curve_frames()])
    assert sum(one.force_curve_n is not None for one in kind(records, Stroke)) == 1


@pytest.mark.parametrize("lost", [0, 1])
def test_a_curve_that_misses_a_part_is_dropped_and_the_next_one_read(lost: int) -> None:
    decoder = pm5.Pm5Decoder()
    frames = curve_frames()
    assert len(frames) == 2
    del frames[lost]
    assert feed(decoder, [told(STROKE), *frames])[2:] == []
    assert len(feed(decoder, curve_frames())) == 1


def test_a_link_that_breaks_within_a_curve_drops_it() -> None:
    decoder = pm5.Pm5Decoder()
    first, second = curve_frames()
    link = Frame(t_ns=0, source="rower", channel="link", payload=b"down")
    records = feed(decoder, [told(STROKE), first, link, second])
    assert all(one.force_curve_n is None for one in kind(records, Stroke))


# What it asks


def sent(channel: str, payload: bytes, t_ms: float) -> Frame:
    return Frame(t_ns=round(t_ms * MS), source="rower", channel=channel, payload=payload, sent=True)


def test_the_fastest_rate_is_asked_for_once_a_connection() -> None:
    decoder = pm5.Pm5Decoder()
    assert isinstance(decoder, Dialogue)
    request = decoder.next_request(0)
    assert request is not None
    assert (request.channel, request.payload) == ("ce060034", b"\x03")
    assert not request.expects_reply
    assert decoder.decode(sent(request.channel, request.payload, 1)) == ()
    assert decoder.next_request(2 * MS) is None
    decoder.decode(Frame(t_ns=3 * MS, source="rower", channel="link", payload=b"up"))
    assert decoder.next_request(4 * MS) == request


def driving(decoder: pm5.Pm5Decoder) -> None:
    decoder.decode(sent("ce060034", b"\x03", 0))
    feed(decoder, [told(stroke(1, 0.8)), told(stroke(2, 3.5)), told(STATUS)])


def test_curves_are_asked_for_where_none_come() -> None:
    decoder = pm5.Pm5Decoder()
    driving(decoder)
    request = decoder.next_request(1_000 * MS)
    assert request is not None
    assert (request.channel, request.payload) == ("ce060021", FORCE_REQUEST)
    decoder.decode(sent(request.channel, request.payload, 1_000))
    assert decoder.next_request(1_500 * MS) is None, "an answer is awaited"
    decoder.decode(rx("0022", "f1891a236b21140000", 1_050))
    assert decoder.next_request(2_100 * MS) == request, "the answer is lost"
    for n in range(6):
        decoder.decode(sent(request.channel, request.payload, 3_000 + 1_100 * n))
    assert decoder.next_request(60_000 * MS) is None, "this monitor does not answer"


def test_curves_are_not_asked_for_where_they_come() -> None:
    decoder = pm5.Pm5Decoder()
    driving(decoder)
    feed(decoder, curve_frames())
    assert decoder.next_request(1_000 * MS) is None


# A recording


def recording(captures: Path) -> list[Frame]:
    """The 100 m row of a real PM5, in order of time."""
    frames: list[Frame] = []
    for line in (captures / "ergometerjs" / "pm5_row100m.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        if "hex" not in event:
            continue
        t_ms = event["t_return_ms" if event["event"] == "readCharacteristic" else "t_ms"]
        frame = rx(event["char"], event["hex"], t_ms)
        frames.append(replace(frame, sent=event["event"] == "writeCharacteristic"))
    return sorted(frames, key=lambda frame: frame.t_ns)


def test_recording_of_100_m(captures: Path) -> None:
    records = feed(pm5.Pm5Decoder(), recording(captures))
    assert kind(records, Undecoded) == []
    found = strokes(records)
    assert list(found) == list(range(1, 11))
    powers = [109, 142, 173, 183, 193, 197, 183, 186, 188, 191]
    assert [one["power_w"] for one in found.values()] == powers
    recoveries = [1.8, 1.87, 1.9, 1.84, 1.96, 2.0, 1.85, 1.9, 1.83]
    assert [found[number]["recovery_s"] for number in range(1, 10)] == recoveries
    # The rower stopped after the tenth drive.
    assert "recovery_s" not in found[10]
    # Curves were asked for by CSAFE: nine of them, each with the peak that 0035 says, in pounds.
    curves = [one["force_curve_n"] for one in found.values() if "force_curve_n" in one]
    assert [len(curve) for curve in curves] == [22, 42, 36, 34, 36, 34, 35, 37, 36]
    for number in range(1, 10):
        assert max(found[number]["force_curve_n"]) == pytest.approx(
            int(found[number]["peak_force_n"] / LBF_N) * LBF_N
        )
    # The recording's host chose a workout from the monitor's list: command 24.
    assert [(r.request, r.result_name) for r in kind(records, ControlReply)] == [(0x24, "ok")]
    assert [s.state for s in kind(records, MachineState) if s.state in WORKOUT_STATES.values()] == [
        "wait_to_begin",
        "workout_row",
        "workout_end",
        "logged",
    ]
    assert [split.number for split in kind(records, MachineSplit)] == [1, 1]
    one, two = kind(records, MachineSummary)
    assert (one.time_s, one.distance_m, one.pace_s_per_500m, one.stroke_rate_spm) == (
        25.0,
        100.0,
        125.0,
        24,
    )
    assert (two.power_w, two.energy_kcal) == (179, 6)
    elapsed = [s.elapsed_s for s in kind(records, RowerSample) if s.elapsed_s is not None]
    assert all(before <= after for before, after in pairwise(elapsed))


@pytest.mark.parametrize("vector", of_kind("stream"))
def test_stream_vectors(vector: dict[str, Any]) -> None:
    frames = [rx(char.lower(), payload, t_ms) for t_ms, char, payload in vector["items"]]
    records = feed(pm5.Pm5Decoder(), frames)
    expect = vector["expect"]
    found = strokes(records)
    assert list(found) == [one["n"] for one in expect["strokes"]]
    assert [one["power_w"] for one in found.values()] == [
        one["power_w"] for one in expect["strokes"]
    ]
    assert found[2]["recovery_s"] == expect["recovery_time_of_stroke_2_s"]
    first: dict[int, float | None] = {}
    for sample in kind(records, RowerSample):
        if sample.stroke_count is not None:
            first.setdefault(sample.stroke_count, sample.elapsed_s)
    assert list(first.values()) == [one["elapsed_s"] for one in expect["strokes"]]
    last = [s for s in kind(records, RowerSample) if s.distance_m is not None][-1]
    assert (last.elapsed_s, last.distance_m) == (
        expect["final_elapsed_s"],
        expect["final_distance_m"],
    )
    energies = [s.energy_kcal for s in kind(records, RowerSample) if s.energy_kcal is not None]
    assert energies[-1] == expect["energy_kcal"]
    summary = kind(records, MachineSummary)[-1]
    assert summary.power_w == expect["average_power_w"]
    assert len({split.number for split in kind(records, MachineSplit)}) == expect["splits"]
    assert ("workout_end" in states(records)) == expect["workout_ended"]
