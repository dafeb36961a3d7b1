"""WaterRower: lines, the decoder on vectors and recordings, the dialogue, the old binary stream."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Decoder, Dialogue
from rowlog_drivers.protocols import waterrower as wr
from rowlog_drivers.protocols import waterrower_s3 as s3
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
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "vectors_machines.json").read_text("utf-8")
)["vectors"]
R = TypeVar("R", bound=Record)


def vectors(protocol: str, *kinds: str) -> list[Any]:
    found = [v for v in VECTORS if v["protocol"] == protocol and v["kind"] in kinds]
    return [pytest.param(v, id=v["id"]) for v in found]


def rx(payload: bytes, t_ns: int = 0) -> Frame:
    return Frame(t_ns=t_ns, source="rower", channel="rx", payload=payload)


def tx(payload: bytes, t_ns: int = 0) -> Frame:
    return Frame(t_ns=t_ns, source="rower", channel="tx", payload=payload, sent=True)


def link(payload: bytes, t_ns: int = 0) -> Frame:
    return Frame(t_ns=t_ns, source="rower", channel="link", payload=payload)


def feed(decoder: Decoder, *script: tuple[int, str]) -> list[Record]:
    """Lines at milliseconds; `>` stands before what the host sent, `link ` before link frames."""
    records: list[Record] = []
    for t_ms, text in script:
        if text.startswith("link "):
            frame = link(text[5:].encode(), t_ms * MS)
        else:
            make = tx if text.startswith(">") else rx
            frame = make(text.lstrip(">").encode() + b"\r\n", t_ms * MS)
        records += decoder.decode(frame)
    return records


def kind(records: Iterable[Record], wanted: type[R]) -> list[R]:
    return [record for record in records if isinstance(record, wanted)]


def told(records: Iterable[Record], field: str) -> list[Any]:
    """The values of one field of the samples that carry it."""
    values = [getattr(sample, field) for sample in kind(records, RowerSample)]
    return [value for value in values if value is not None]


def strokes(records: Iterable[Record]) -> dict[int, dict[str, Any]]:
    """What is known of each stroke, its records merged as they are above the decoder."""
    merged: dict[int, dict[str, Any]] = {}
    for stroke in kind(records, Stroke):
        known = merged.setdefault(stroke.number, {})
        for field in ("stroke_rate_spm", "drive_s", "recovery_s", "power_w"):
            value = getattr(stroke, field)
            if value is not None:
                assert field not in known, "said twice"
                known[field] = value
    return merged


def facts(line: wr.Line) -> dict[str, Any]:
    """A parsed line under the names that the vectors use."""
    if not isinstance(line, wr.Memory):
        fields = line.__dataclass_fields__
        return {"type": line.type} | {name: getattr(line, name) for name in fields}
    known = {reading.name: reading.value for reading in line.readings}
    names = wr.FLAG_NAMES.get(line.address, ())
    flags = {name: name in line.flags for name in names if name}
    return {"register": line.register, "flags": flags} | known


def check(line: wr.Line, expect: dict[str, Any], tol: float = 1e-6) -> None:
    found = facts(line)
    for name, value in expect.items():
        if name == "flags":
            assert {flag: found["flags"][flag] for flag in value} == value
        elif isinstance(value, float):
            assert found[name] == pytest.approx(value, abs=tol)
        else:
            assert found[name] == value, name


# Lines


@pytest.mark.parametrize("vector", vectors("wr_s4", "line", "exchange"))
def test_line_vectors(vector: dict[str, Any]) -> None:
    lines = vector["rx"] if vector["kind"] == "exchange" else [vector["rx"]]
    if vector["expect"].get("type") == "reset_done":
        records = feed(wr.S4Decoder(), (0, ">" + vector["tx"][0]), *((1, line) for line in lines))
        assert [state.state for state in kind(records, MachineState)] == ["reset"]
        assert isinstance(wr.parse_line(lines[-1]), wr.Ping) is vector["expect"]["ready"]
        return
    (line,) = lines
    check(wr.parse_line(line), vector["expect"])
    check(wr.parse_line(line.lower().encode() + b"\r\n"), vector["expect"])


@pytest.mark.parametrize("vector", vectors("wr_s4", "chunks"))
def test_chunk_vectors(vector: dict[str, Any]) -> None:
    framer = wr.LineFramer()
    lines = [line for chunk in vector["chunks"] for line in framer.feed(chunk.encode())]
    assert [line.decode() for line in lines] == vector["expect"]["lines"]


def encode(request: dict[str, Any]) -> list[str]:
    """The lines, without their ends, of a workout as the vectors write one."""
    unit = request.get("display_unit", "m")
    work = [part.get("metres", part.get("seconds")) for part in request.get("intervals", ())]
    rests = [part["rest_s"] for part in request.get("intervals", ())[1:]]
    encoders: dict[str, Callable[[], bytes | tuple[bytes, ...]]] = {
        "single_distance": lambda: wr.program_distance(request["metres"], unit=unit),
        "single_duration": lambda: wr.program_duration(request["seconds"]),
        "interval_distance": lambda: wr.program_distance_intervals(work, rests, unit=unit),
        "interval_duration": lambda: wr.program_duration_intervals(work, rests),
    }
    sent = encoders[request["workout"]]()
    lines = [sent] if isinstance(sent, bytes) else list(sent)
    assert all(line.endswith(b"\r\n") and line.count(b"\r") == 1 for line in lines)
    return [line.decode().strip() for line in lines]


@pytest.mark.parametrize("vector", vectors("wr_s4", "encode"))
def test_encode_vectors(vector: dict[str, Any]) -> None:
    assert encode(vector["request"]) == vector["tx"]


@pytest.mark.parametrize("vector", vectors("wr_s4", "reject"))
def test_reject_vectors(vector: dict[str, Any]) -> None:
    if "request" in vector:
        with pytest.raises(CallError, match="64000"):
            encode(vector["request"])
        return
    decoder = wr.S4Decoder()
    for line in vector["rx"]:
        assert isinstance(wr.parse_line(line), wr.Rejected)
        (record,) = feed(decoder, (0, line))
        assert isinstance(record, Undecoded)
        assert line in record.reason
    for line in vector["then"]:
        check(wr.parse_line(line), vector["expect"]["then"])
        (sample,) = feed(decoder, (1, line))
        assert isinstance(sample, RowerSample)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        # Two or three bytes at once: the highest address stands first.
        ("IDT140620005", {"stroke_count": 5, "stroke_period_ms": 2450}),
        ("IDD1421E62", {"stroke_period_ms": 2450, "drive_time_ms": 750, "recovery_time_ms": 1700}),
        ("IDT055120049", {"distance_m": 73}),
        ("IDD0832320", {"pulses_per_step": 32, "step_cm": 35}),
        # Pairs that the machine keeps high byte first come out swapped: 0x0078 is 120.
        ("IDD1A57800", {"pace_s_per_500m": 120}),
        ("IDD1A1F401", {"zone_speed_mps": 5.0}),
        ("IDD1A7E001", {"pace_s_per_2km": 480}),
        # 1:02 and three tenths counting down.
        ("IDT05A003E03", {"duration_displayed_s": 62.3}),
        ("IDT1E1014530", {"clock_s": 6330, "clock_minutes_part": 45}),
        ("IDS1E159", {"clock_seconds_part": 59}),
        # 70000 = 0x011170; a read of two bytes holds 70000 - 65536 = 4464.
        ("IDT08A011170", {"energy_cal": 70000, "energy_kcal": 70.0}),
        ("IDD08A1170", {"energy_cal": 4464}),
        ("IDD1A0058C", {"heart_rate_bpm": 140}),
        ("IDD1B401F4", {"interval_2_work_raw": 500}),
        ("IDD1B2003C", {"interval_1_rest_s": 60}),
        ("IDS14200", {"stroke_period_ms": 0, "stroke_rate_spm": None}),
        ("IDS05549", {"distance_m": None}),
        ("IDSABC12", {}),
    ],
)
def test_registers(line: str, values: dict[str, float | None]) -> None:
    reply = wr.parse_line(line)
    assert isinstance(reply, wr.Memory)
    for name, value in values.items():
        assert reply.value(name) == (value if value is None else pytest.approx(value)), name
    if not values:
        assert reply.readings == ()
        assert reply.raw == 0x12


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("", "truncated"),
        ("S", "truncated"),
        ("ERRO", "truncated"),
        ("_WR", "truncated"),
        ("P", "truncated"),
        ("P0", "pulse"),
        ("P001", "pulse"),
        ("PXX", "pulse"),
        ("P+1", "pulse"),
        ("SSS", "no packet"),
        ("ß", "ASCII"),  # would be SS in upper case
        ("PING ", "no packet"),
        ("ID", "size"),
        ("IDX0550000", "size"),
        ("IDS", "address"),
        ("IDS05", "address"),
        ("IDSG5500", "address"),
        ("IDS0550G", "hexadecimal"),
        ("IDD055 049", "hexadecimal"),
        ("IDD0550_49", "hexadecimal"),
        ("IDD055", "data digits"),
        ("IDT08A00", "data digits"),
        ("IDS1E15A", "packed decimal"),
        ("IDS1E160", "packed decimal"),
        ("IV4021", "5 digits"),
        ("IV402100", "5 digits"),
        ("IV4A210", "5 digits"),
        ("AK0", "no packet"),
        ("X" * 49, "longer"),
    ],
)
def test_lines_that_are_no_packets(line: str, reason: str) -> None:
    parsed = wr.parse_line(line)
    assert isinstance(parsed, wr.Rejected)
    assert reason in parsed.reason


def test_keys_have_labels() -> None:
    labels = {key: wr.parse_line(key) for key in ("AIS", "AKR", "AK1", "AK9")}
    assert {key: line.label for key, line in labels.items() if isinstance(line, wr.Key)} == {
        "AIS": "interactive",
        "AKR": "reset",
        "AK1": "units",
        "AK9": "hold/cancel",
    }


def test_a_reason_holds_nothing_that_steers_a_terminal() -> None:
    (record,) = wr.S4Decoder().decode(rx(b"\x1b[2J\x9b\xff\n"))
    assert isinstance(record, Undecoded)
    assert record.reason.isprintable()


@given(st.binary(max_size=60))
def test_parse_line_takes_any_bytes(line: bytes) -> None:
    assert wr.parse_line(line).type


@given(st.text(max_size=60))
def test_parse_line_takes_any_text(line: str) -> None:
    assert wr.parse_line(line).type


@given(st.integers(0, 0xFFF), st.integers(1, 3), st.data())
def test_replies_and_requests_read_back(register: int, width: int, data: st.DataObject) -> None:
    value = data.draw(st.integers(0, 256**width - 1))
    request = wr.parse_request(wr.read_request(register, width))
    assert request == wr.ReadRequest(register=f"{register:03X}", width=width)
    reply = wr.parse_line(wr.encode_reply(register, width, value))
    if isinstance(reply, wr.Rejected):  # only the clock may not hold every byte
        assert "packed decimal" in reply.reason
    else:
        assert isinstance(reply, wr.Memory)
        assert (reply.address, reply.width, reply.raw) == (register, width, value)


@given(st.integers(0, 36_000 - 1))
def test_the_clock_reads_back(seconds: int) -> None:
    reply = wr.parse_line(wr.encode_reply("1E1", 3, wr.packed_clock(seconds)))
    assert isinstance(reply, wr.Memory)
    assert reply.value("clock_s") == seconds


def test_what_a_simulator_sends_reads_back() -> None:
    assert wr.parse_line(wr.encode_pulses(12)) == wr.Pulses(count=12)
    assert wr.parse_line(wr.encode_model()) == wr.Model(model=4, firmware="02.10")
    assert wr.parse_line(wr.encode_reply(0x1A5, 2, wr.swap(120))) == wr.parse_line("IDD1A57800")
    words = {
        wr.WR: wr.Hardware,
        wr.OK: wr.Ok,
        wr.ERROR: wr.Error,
        wr.PING: wr.Ping,
        wr.SS: wr.StrokeStart,
        wr.SE: wr.StrokeEnd,
    }
    assert all(isinstance(wr.parse_line(word), line) for word, line in words.items())


@pytest.mark.parametrize(
    ("call", "limit"),
    [
        (lambda: wr.program_distance(0), "1 to 64000"),
        (lambda: wr.program_distance(5001, unit="strokes"), "1 to 5000"),
        (lambda: wr.program_distance(500, unit="yards"), "miles"),
        (lambda: wr.program_duration(18_001), "1 to 18000"),
        (lambda: wr.program_duration_intervals([60, 60], [3601]), "1 to 3600"),
        (lambda: wr.program_duration_intervals([60, 60], [0]), "1 to 3600"),
        (lambda: wr.program_duration_intervals([60, 0], [60]), "1 to 18000"),
        (lambda: wr.program_distance_intervals([500] * 10, [60] * 9), "1 to 9"),
        (lambda: wr.program_distance_intervals([], []), "1 to 9"),
        (lambda: wr.program_distance_intervals([500, 500], [60, 60]), "1 rests"),
        (lambda: wr.program_distance_intervals([500, 64_001], [60]), "1 to 64000"),
        (lambda: wr.read_request("1A9", 4), "1, 2 or 3"),
        (lambda: wr.read_request(0x1000, 1), "000 to FFF"),
        (lambda: wr.encode_reply("055", 1, 256), "256 does not fit"),
        (lambda: wr.encode_pulses(256), "0 to 255"),
        (lambda: wr.encode_model(4, "2.1"), "02.10"),
    ],
)
def test_limits_are_named(call: Callable[[], object], limit: str) -> None:
    with pytest.raises(CallError, match=limit):
        call()


def test_the_longest_workouts_are_allowed() -> None:
    assert wr.program_distance(64_000, unit="km") == b"WSI3FA00\r\n"
    assert wr.program_distance(5_000, unit="strokes") == b"WSI41388\r\n"
    assert wr.program_duration(18_000) == b"WSU4650\r\n"
    assert wr.program_duration_intervals([60] * 9, [3_600] * 8)[1] == b"WIN0E10003C\r\n"


# Framing


@st.composite
def cut(draw: st.DrawFn, stream: st.SearchStrategy[bytes]) -> tuple[bytes, list[bytes]]:
    """A stream, and the pieces of it between random places."""
    octets = draw(stream)
    places = sorted(draw(st.lists(st.integers(0, len(octets)), max_size=20)))
    return octets, [octets[a:b] for a, b in zip([0, *places], [*places, len(octets)], strict=True)]


NOISY = st.lists(
    st.one_of(
        st.sampled_from(
            [b"SS\r\n", b"SE\r", b"PING\n", b"\r\n", b"P0C\r\n", b"IDD0550049\r\n", b"ID", b"\0"]
        ),
        st.binary(max_size=20),
        st.integers(4090, 4100).map(lambda n: b"x" * n),
    ),
    max_size=12,
).map(b"".join)


@given(cut(NOISY))
def test_lines_do_not_depend_on_the_cuts(stream: tuple[bytes, list[bytes]]) -> None:
    octets, pieces = stream
    whole, cut_up = wr.LineFramer(), wr.LineFramer()
    expected = whole.feed(octets)
    assert tuple(line for piece in pieces for line in cut_up.feed(piece)) == expected
    assert (cut_up.overflows, cut_up.dropped_bytes) == (whole.overflows, whole.dropped_bytes)
    assert all(0 < len(line) <= 4096 for line in expected)


def test_a_line_that_never_ends_is_dropped_and_the_next_one_read() -> None:
    framer = wr.LineFramer()
    lines = [line for _ in range(1000) for line in framer.feed(b"noise" * 20)]
    assert [len(line) for line in lines] == [4096]
    assert framer.feed(b"PING\r\nSS\r\n") == (b"SS",)
    # 1000 * 100 bytes and the 4 of PING, which belongs to the endless line.
    assert (framer.overflows, framer.dropped_bytes) == (1, 100_004 - 4096)


def test_an_endless_line_is_said_once() -> None:
    decoder = wr.S4Decoder()
    records = [r for _ in range(100) for r in decoder.decode(rx(b"A" * 100))]
    assert [type(record) for record in records] == [Undecoded]
    assert told(feed(decoder, (0, ""), (1, "IDD1400005")), "stroke_count") == [5]


def test_nuls_are_dropped() -> None:
    assert wr.LineFramer().feed(b"\0PI\0NG\0\r\0\n\0") == (b"PING",)


# The decoder, record by record


def test_it_is_a_dialogue() -> None:
    assert isinstance(wr.S4Decoder(), Dialogue)
    assert isinstance(s3.S3Decoder(), Decoder)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("IDD0550049", "distance_m", 73),
        ("IDD0570034", "distance_m", 52),
        ("IDD1400005", "stroke_count", 5),
        ("IDT140620105", "stroke_count", 261),
        ("IDS1A914", "stroke_rate_spm", 20),
        ("IDS1A08C", "heart_rate_bpm", 140),
        ("IDS1A000", "heart_rate_bpm", 0),
        ("IDT08A0003E8", "energy_kcal", 1.0),
        ("IDD1A57800", "pace_s_per_500m", 120),
        ("IDD14A0171", "speed_mps", 3.69),
        ("IDT1E1000730", "elapsed_s", 450),
    ],
)
def test_one_reply_gives_one_sample_of_one_field(line: str, field: str, value: float) -> None:
    (sample,) = feed(wr.S4Decoder(), (7, line))
    expected: dict[str, Any] = {field: value}
    assert sample == RowerSample(t_ns=7 * MS, source="rower", **expected)


@pytest.mark.parametrize(
    "line", ["IDD0880072", "IDS14262", "IDS1431E", "IDS1E130", "IDD148008C", "PING", "OK", "_WR_"]
)
def test_these_lines_alone_give_no_record(line: str) -> None:
    assert feed(wr.S4Decoder(), (0, line)) == []


def test_what_the_machine_says_of_itself_is_said_when_it_changes() -> None:
    records = feed(
        wr.S4Decoder(),
        (0, "IV40210"),
        (1, "IDS0A9B4"),
        (2, "IDS0A9B4"),
        (3, "IDS00D32"),
        (4, "IDS00D32"),
        (5, "IDS03E40"),
        (6, "IDS04909"),
        (7, "IDS0490E"),
        (8, "IDS00F03"),
        (9, "AK5"),
        (10, "IDS00D00"),
    )
    assert kind(records, MachineInfo) == [
        MachineInfo(
            t_ns=0,
            source="rower",
            manufacturer="WaterRower",
            model="WaterRower S4",
            firmware="02.10",
        ),
        MachineInfo(t_ns=1 * MS, source="rower", tank_volume_l=18.0),
    ]
    states = [(s.t_ns // MS, s.state, s.code, s.text) for s in kind(records, MachineState)]
    assert states == [
        (3, "screen", 0x32, "workout_distance_intervals"),
        (5, "program", 0x40, "workout_distance_interval"),
        (6, "work", 0x09, "work pc_connected"),
        (7, "rest", 0x0E, "rest battery_low pc_connected"),
        (8, "intervals_left", 3, None),
        (9, "key", None, "OK"),
        (10, "screen", 0x00, "normal"),
    ]


def test_an_error_names_what_was_asked() -> None:
    records = feed(
        wr.S4Decoder(),
        (0, ">IRD057"),
        (5, ">IRD 057"),
        (10, "IDD0570034"),
        (12, "ERROR"),
        (13, "ERROR"),
    )
    reasons = [record.reason for record in kind(records, Undecoded)]
    assert reasons == [
        "the machine answered ERROR to IRD 057",
        "the machine answered ERROR to no known request",
    ]


def test_other_channels_are_undecoded() -> None:
    frame = Frame(t_ns=0, source="rower", channel="2ad1", payload=b"PING\r\n")
    for decoder in (wr.S4Decoder(), s3.S3Decoder()):
        (record,) = decoder.decode(frame)
        assert isinstance(record, Undecoded)


def test_energy_of_two_bytes_goes_on_past_its_wrap() -> None:
    decoder = wr.S4Decoder()
    # 65.000 kcal, 65.535, then 0.464 + 65.536, then the same again from three bytes.
    lines = ("IDD08AFDE8", "IDD08AFFFF", "IDD08A01D0", "IDT08A0101D0", "IDD08A01D1")
    records = feed(decoder, *((n * 1000, line) for n, line in enumerate(lines)))
    assert told(records, "energy_kcal") == [65.0, 65.535, 66.0, 66.0, 66.001]


def test_energy_that_falls_back_is_a_restart() -> None:
    lines = ("IDD08AFDE8", "IDD08A0000", "IDD08A2000", "IDD08A1000")
    records = feed(wr.S4Decoder(), *((n * 1000, line) for n, line in enumerate(lines)))
    assert told(records, "energy_kcal") == [65.0, 0.0, 8.192, 4.096]


# Distance


def pulse_lines(start_ms: int, count: int, size: int = 8) -> list[tuple[int, str]]:
    """`count` packets of `size` pulses, one each 25 ms."""
    return [(start_ms + 25 * n, f"P{size:02X}") for n in range(count)]


def test_distance_of_pulses_is_said_five_times_a_second_and_whole_at_the_end() -> None:
    decoder = wr.S4Decoder()
    # 4 s of 8 pulses each 25 ms: 160 * 8 = 1280 pulses = 40 steps of 35 cm = 14 m.
    records = feed(decoder, *pulse_lines(0, 160))
    samples = kind(records, RowerSample)
    stamps = [sample.t_ns // MS for sample in samples]
    assert stamps == list(range(0, 4000, 175))
    (last,) = decoder.finish(4000 * MS)
    assert isinstance(last, RowerSample)
    assert last.distance_m == pytest.approx(14.0)
    assert decoder.finish(4000 * MS) == ()


def test_pulses_go_on_where_the_register_was_and_outrank_it() -> None:
    decoder = wr.S4Decoder()
    records = feed(
        decoder, (0, "IDD0550034"), (100, "P20"), (200, "IDD0550035"), (400, "P20"), (500, "PING")
    )
    # 52 m, then 32 pulses = 35 cm, twice; the register's 53 is not heard.
    assert told(records, "distance_m") == pytest.approx([52, 52.35, 52.7])
    assert decoder.finish(600 * MS) == ()


def test_a_pulse_packet_without_pulses_takes_nothing_over() -> None:
    records = feed(wr.S4Decoder(), (0, "P00"), (10, "IDD0550034"), (20, "P00"), (30, "IDD0550035"))
    assert told(records, "distance_m") == [52, 53]


def test_the_better_register_goes_on_where_the_other_was() -> None:
    records = feed(
        wr.S4Decoder(),
        (0, "IDD0570064"),
        (1000, "IDD0550028"),
        (2000, "IDD0570066"),
        (3000, "IDD055002B"),
    )
    # 057 said 100; 055 says 40 and then 43: 100 and 103. The second 057 is not heard.
    assert told(records, "distance_m") == [100, 100, 103]


def test_two_registers_that_agree_need_no_shift() -> None:
    records = feed(wr.S4Decoder(), (0, "IDD0570064"), (200, "IDD0550065"))
    assert told(records, "distance_m") == [100, 101]


def test_a_register_that_falls_is_said_as_it_is() -> None:
    records = feed(
        wr.S4Decoder(), (0, "IDD0570064"), (1, "IDD0550028"), (2, "IDD0550000"), (3, "IDD0550001")
    )
    assert told(records, "distance_m") == [100, 100, 0, 1]


def test_constants_of_the_machine_scale_what_follows() -> None:
    decoder = wr.S4Decoder()
    feed(decoder, (0, "P40"), (10, "IDS08310"), (20, "P10"), (30, "IDS084FF"), (40, "P10"))
    (last,) = decoder.finish(50 * MS)
    assert isinstance(last, RowerSample)
    # 64 pulses at 32 a step, 32 pulses at 16 a step, 35 cm each; a step of 255 cm cannot be set.
    assert last.distance_m == pytest.approx(0.70 + 0.70)


def test_reset_restarts_every_axis() -> None:
    decoder = wr.S4Decoder()
    records = feed(
        decoder,
        (0, "SS"),
        (25, "P40"),
        (50, "P40"),
        (60, "IDD08AFDE8"),
        (70, ">RESET"),
        (80, "OK"),
        (91, "PING"),
        (100, "IDD08A2710"),
        (400, "P20"),
    )
    distances = told(records, "distance_m")
    # 64 pulses, at RESET the other 64 too, then from 0 on.
    assert distances == [
        pytest.approx(0.7),
        pytest.approx(1.4),
        0,
        pytest.approx(0.35),
    ]
    assert told(records, "energy_kcal") == [65.0, 10.0]
    states = [state.state for state in kind(records, MachineState)]
    assert states == ["reset", "idle"]


def test_an_ok_for_something_else_is_no_reset() -> None:
    records = feed(wr.S4Decoder(), (0, ">WSI103E8"), (5, "OK"), (6, ">RESET"), (1200, ">USB"))
    records += feed(wr.S4Decoder(), (0, ">RESET"), (5, "ERROR"), (10, "OK"))
    assert kind(records, MachineState) == []


@pytest.mark.parametrize(
    ("before", "after", "metres"),
    [
        ("IDD0550064", "IDD0550000", 0),
        ("IDD0550064", "IDD0550003", 3),
        ("IDD0570064", "IDD0570000", 0),
        ("IDD1400014", "IDD1400000", 0),
    ],
)
def test_a_register_that_falls_restarts_the_pulses(before: str, after: str, metres: float) -> None:
    decoder = wr.S4Decoder()
    script = [*pulse_lines(0, 40), (1000, before), (1300, after), (1400, after)]
    records = feed(decoder, *script, *pulse_lines(1700, 40))
    records += decoder.finish(3000 * MS)
    distances = told(records, "distance_m")
    # 320 pulses = 3.5 m before and after.
    assert max(distances[: distances.index(metres)]) == pytest.approx(3.5)
    assert distances[-1] == pytest.approx(metres + 3.5)


@pytest.mark.parametrize(
    "readings",
    [
        ["IDD0551000", "IDD0551001"],
        ["IDD055FFFE", "IDD0550001"],  # wraps at 65536 m
        ["IDD05707D0", "IDD05707CE", "IDD05707CC"],  # counts down from 2000 m
    ],
)
def test_registers_that_move_as_they_should_restart_nothing(readings: list[str]) -> None:
    script = pulse_lines(0, 20)
    for number, reading in enumerate(readings):
        script += [(500 + 1000 * number, reading), *pulse_lines(501 + 1000 * number, 20)]
    decoder = wr.S4Decoder()
    distances = told([*feed(decoder, *script), *decoder.finish(10_000 * MS)], "distance_m")
    assert distances == sorted(distances)
    # 160 pulses, each 35 / 32 cm, per block.
    assert distances[-1] == pytest.approx(1.75 * (1 + len(readings)))


def test_metres_rowed_while_the_cable_was_out_are_counted() -> None:
    decoder = wr.S4Decoder()
    records = feed(
        decoder,
        *pulse_lines(0, 40),
        (1000, "IDD0550003"),
        (2000, "link down cable out"),
        (9000, "link up"),
        *pulse_lines(9000, 40),
        (10_100, "IDD055002A"),
        (10_200, "IDD055002A"),
    )
    # 3.5 m of pulses at 3 m of the register, 3.5 m more, and the register went on by 39 m.
    assert told(records, "distance_m")[-1] == pytest.approx(3.5 + 39)


def test_a_machine_that_restarted_while_the_cable_was_out_is_followed() -> None:
    decoder = wr.S4Decoder()
    records = feed(
        decoder,
        *pulse_lines(0, 400),
        (10_000, "IDD0550023"),
        (11_000, "link down cable out"),
        (19_000, "link up"),
        (19_100, "IDD0550004"),
    )
    assert told(records, "distance_m")[-2:] == [pytest.approx(35), 4]


# Strokes


def test_one_stroke() -> None:
    decoder = wr.S4Decoder()
    records = feed(
        decoder,
        (1000, "SS"),
        (1150, "IDD0880000"),
        (1300, "IDD0880072"),
        (1500, "IDD0880070"),
        (1800, "SE"),
        (2200, "IDD0880000"),
        (3500, "SS"),
        (4200, "SE"),
        (4300, "IDD0880064"),
    )
    records += decoder.finish(5000 * MS)
    # 2.5 s from SS to SS: 24 a minute; drives of 0.8 and 0.7 s; recovery from 1.8 to 3.5 s.
    assert strokes(records) == {
        1: {"drive_s": 0.8, "stroke_rate_spm": 24.0, "recovery_s": 1.7, "power_w": 0x72},
        2: {"drive_s": 0.7, "power_w": 0x64},
    }
    assert [(s.number, s.t_ns // MS) for s in kind(records, Stroke)] == [
        (1, 1000),
        (1, 1800),
        (1, 3500),
        (2, 3500),
        (2, 4200),
        (2, 5000),
    ]
    assert decoder.finish(5000 * MS) == ()
    assert told(records, "power_w") == []


def test_the_distance_stands_before_the_stroke_it_belongs_to() -> None:
    records = feed(wr.S4Decoder(), (0, "P20"), (100, "P20"), (110, "SS"), (120, "P20"), (130, "SE"))
    assert [type(record) for record in records] == [
        RowerSample,
        RowerSample,
        Stroke,
        RowerSample,
        Stroke,
    ]


@pytest.mark.parametrize(
    ("script", "known"),
    [
        ([(0, "SE"), (1000, "SE")], {}),
        ([(0, "IDD0880064"), (1000, "SS"), (9000, "PING")], {1: {}}),
        ([(0, "SS"), (6000, "SE")], {1: {}}),
        ([(0, "SS"), (0, "SE")], {1: {}}),
        ([(0, "SS"), (500, "SE"), (900, "SE")], {1: {"drive_s": 0.5}}),
        # A pause: PING came, or it lasted too long.
        (
            [(0, "SS"), (500, "SE"), (4000, "PING"), (5000, "SS")],
            {1: {"drive_s": 0.5}, 2: {}},
        ),
        ([(0, "SS"), (500, "SE"), (10_500, "SS")], {1: {"drive_s": 0.5}, 2: {}}),
    ],
)
def test_absurd_strokes(script: list[tuple[int, str]], known: dict[int, Any]) -> None:
    decoder = wr.S4Decoder()
    records = feed(decoder, *script)
    assert strokes([*records, *decoder.finish(60_000 * MS)]) == known


def test_idle_is_said_at_the_first_ping_after_rowing() -> None:
    records = feed(
        wr.S4Decoder(),
        *((0, "PING"), (1000, "SS"), (1500, "IDD0880064"), (1600, "SE")),
        *((5000, "PING"), (6000, "PING"), (7000, "SS"), (9000, "PING")),
    )
    states = [(s.state, s.t_ns // MS) for s in kind(records, MachineState)]
    assert states == [("idle", 5000), ("idle", 9000)]
    # Nothing is held back while the machine idles.
    assert [s.t_ns // MS for s in kind(records, Stroke) if s.power_w == 100] == [5000]


def test_a_lost_link_closes_the_stroke_and_drops_the_half_line() -> None:
    decoder = wr.S4Decoder()
    records = feed(decoder, (0, "SS"), (300, "IDD0880064"))
    records += decoder.decode(rx(b"IDD05", 400 * MS))
    records += feed(decoder, (500, "link down unplugged"), (900, "link up"), (1000, "PING"))
    assert [type(record) for record in records] == [Stroke, Stroke, Link, Link]
    assert strokes(records) == {1: {"power_w": 100}}


# Whole recordings


def recording(path: Path) -> list[Frame]:
    """Frames of a file of rows `t_ms <TAB> text with escaped line ends`."""
    frames: list[Frame] = []
    for row in path.read_text("ascii").splitlines():
        if not row.startswith("#"):
            t_ms, text = row.split("\t")
            payload = text.replace("\\r", "\r").replace("\\n", "\n").encode("ascii")
            frames.append(rx(payload, int(t_ms) * MS))
    return frames


def decode_all(frames: Iterable[Frame]) -> list[Record]:
    decoder = wr.S4Decoder()
    records: list[Record] = []
    end_ns = 0
    for frame in frames:
        records += decoder.decode(frame)
        end_ns = frame.t_ns
    return [*records, *decoder.finish(end_ns)]


def pulses_file(captures: Path) -> Path:
    return captures / "codefoster_waterrower" / "s4_32s_with_pulses.tsv"


def reset_file(captures: Path) -> Path:
    return captures / "waterrower_ble" / "s4_2025-12-06_reset_midway.tsv"


def watts_file(captures: Path) -> Path:
    return captures / "waterrower_ble" / "s4_2024-02-11_watts_and_rate.tsv"


def check_pulses_recording(records: list[Record]) -> None:
    distances = told(records, "distance_m")
    # 10682 * 35 / 3200 = 116.834 m.
    assert distances == sorted(distances)
    assert distances[-1] == pytest.approx(116.834, abs=0.001)
    assert 32 * 5 < len(distances) < 32 * 6 + 25
    assert kind(records, Undecoded) == []
    assert told(records, "stroke_count")[-1] == 12
    assert told(records, "energy_kcal")[-1] == 4.426
    known = strokes(records)
    assert sorted(known) == list(range(1, 13))
    assert [n for n, stroke in known.items() if "power_w" in stroke] == [4]
    assert known[4]["power_w"] == 114
    assert all("drive_s" in stroke for stroke in known.values())
    # The monitor itself says 0.725 s and 2.475 s of the last strokes.
    assert known[11]["drive_s"] == pytest.approx(0.725, abs=0.05)
    assert known[11]["stroke_rate_spm"] == pytest.approx(60 / 2.475, abs=1)
    assert "recovery_s" not in known[12]


def check_reset_recording(records: list[Record]) -> None:
    distances = told(records, "distance_m")
    fall = distances.index(0)
    assert set(distances[:fall]) == {52}
    assert distances[fall:] == sorted(distances[fall:])
    assert distances[-1] == 142
    counts = told(records, "stroke_count")
    assert set(counts[: counts.index(0)]) == {5}
    assert counts[counts.index(0) :] == sorted(counts[counts.index(0) :])
    assert counts[-1] == 20
    energies = told(records, "energy_kcal")
    assert set(energies[: energies.index(0)]) == {1.147}
    assert energies[-1] == 6.039
    known = strokes(records)
    assert sorted(known) == list(range(1, 21))
    assert min(s.t_ns for s in kind(records, Stroke)) == 39_265 * MS
    assert told(records, "stroke_rate_spm")[-1] == 24
    assert kind(records, Undecoded) == []


@pytest.mark.parametrize("vector", vectors("wr_s4", "stream"))
def test_stream_vectors(vector: dict[str, Any]) -> None:
    records = decode_all(rx(text.encode() + b"\r\n", t_ms * MS) for t_ms, text in vector["items"])
    checks = {"wr-stream-1": check_reset_recording, "wr-xstream-1": check_pulses_recording}
    checks[vector["id"]](records)


def test_recording_with_pulses(captures: Path) -> None:
    check_pulses_recording(decode_all(recording(pulses_file(captures))))


def test_recording_with_a_reset(captures: Path) -> None:
    check_reset_recording(decode_all(recording(reset_file(captures))))


def test_recording_of_watts(captures: Path) -> None:
    records = decode_all(recording(watts_file(captures)))
    known = strokes(records)
    assert sorted(known) == list(range(1, 73))
    assert told(records, "distance_m") == []
    assert told(records, "power_w") == []
    powers = [stroke["power_w"] for stroke in known.values() if "power_w" in stroke]
    # 22 readings are not 0, each in a stroke of its own.
    assert len(powers) == 22
    assert (min(powers), max(powers)) == (80, 143)
    assert sum(powers) / 22 == pytest.approx(101, abs=1)
    rates = [stroke["stroke_rate_spm"] for stroke in known.values() if "stroke_rate_spm" in stroke]
    assert len(rates) == 71
    # 71 periods from 6.020 s on; their mean is 2.68 s.
    assert 60 * len(rates) / sum(60 / rate for rate in rates) == pytest.approx(22.4, abs=0.1)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_recordings_cut_at_other_places_give_the_same_records(captures: Path, seed: int) -> None:
    dice = random.Random(seed)
    for path in (pulses_file(captures), reset_file(captures), watts_file(captures)):
        frames = recording(path)
        pieces: list[Frame] = []
        for frame in frames:
            places = sorted(dice.choices(range(len(frame.payload) + 1), k=dice.randrange(4)))
            ends = [*places, len(frame.payload)]
            pieces += [
                rx(frame.payload[a:b], frame.t_ns) for a, b in zip([0, *places], ends, strict=True)
            ]
        assert decode_all(pieces) == decode_all(frames)


@given(cut(NOISY))
def test_records_do_not_depend_on_the_cuts(stream: tuple[bytes, list[bytes]]) -> None:
    octets, pieces = stream
    assert decode_all(map(rx, pieces)) == decode_all([rx(octets)])


FRAMES = st.builds(
    Frame,
    t_ns=st.integers(-(10**12), 10**15),
    source=st.just("rower"),
    channel=st.sampled_from(["rx", "rx", "rx", "tx", "link", "2ad1"]),
    payload=st.one_of(
        st.binary(max_size=80),
        NOISY,
        st.sampled_from([b"up", b"down", b"RESET\r\n", b"OK\r\n", b"IRD055\r\n", b"ERROR\r\n"]),
        st.builds(wr.encode_reply, st.integers(0, 0x1FF), st.just(2), st.integers(0, 0xFFFF)),
        st.builds(wr.encode_pulses, st.integers(0, 255)),
    ),
    sent=st.booleans(),
)


@given(st.lists(FRAMES, max_size=40), st.sampled_from([wr.S4Decoder, s3.S3Decoder]))
def test_no_frame_makes_a_decoder_raise(
    frames: list[Frame], make: type[wr.S4Decoder] | type[s3.S3Decoder]
) -> None:
    decoder = make()
    for frame in frames:
        for record in decoder.decode(frame):
            assert (record.t_ns, record.source) == (frame.t_ns, "rower")
        if isinstance(decoder, wr.S4Decoder):
            decoder.next_request(frame.t_ns)
    decoder.finish(0)


# The dialogue


class Monitor:
    """A scripted S4: answers after `delay_ms`, rows a stroke each 2.5 s when told to."""

    def __init__(
        self,
        *,
        delay_ms: int = 12,
        rowing: bool = False,
        pulses: bool = False,
        deaf_to: str = "",
        refuses: str = "",
        lose: frozenset[int] = frozenset(),
        dead: tuple[int, int] = (0, 0),
    ) -> None:
        self.delay_ms = delay_ms
        self.rowing = rowing
        self.pulses = pulses
        self.deaf_to = deaf_to
        self.refuses = refuses
        self.lose = lose
        self.dead = dead
        self.asked: list[tuple[int, str]] = []
        self.due: list[tuple[int, bytes]] = []

    def hear(self, t_ms: int, payload: bytes) -> None:
        text = payload.decode().strip()
        self.asked.append((t_ms, text))
        if text == self.deaf_to or len(self.asked) in self.lose or self.is_dead(t_ms):
            return
        self.due.append((t_ms + self.delay_ms, self.answer(t_ms, text)))

    def answer(self, t_ms: int, text: str) -> bytes:
        if text == self.refuses:
            return wr.ERROR
        if text == "USB":
            return wr.WR
        if text == "IV?":
            return wr.encode_model()
        request = wr.parse_request(text.encode())
        if request is None:
            return wr.OK
        return wr.encode_reply(request.register, request.width, self.memory(t_ms, request.register))

    def memory(self, t_ms: int, register: str) -> int:
        metres = t_ms * 4 // 1000 if self.rowing else 0
        values = {
            "055": metres,
            "140": t_ms // 2500,
            "088": 120 if t_ms % 2500 < 950 and self.rowing else 0,
            "1E1": wr.packed_clock(t_ms // 1000),
            "083": 32,
            "084": 35,
            "0A9": 0xB4,
        }
        return values.get(register, 0)

    def is_dead(self, t_ms: int) -> bool:
        return self.dead[0] <= t_ms < self.dead[1]

    def speak(self, t_ms: int) -> list[bytes]:
        said = [payload for due_ms, payload in self.due if due_ms <= t_ms]
        self.due = [(due_ms, payload) for due_ms, payload in self.due if due_ms > t_ms]
        if self.rowing:
            said += [wr.SS] if t_ms % 2500 == 0 else []
            said += [wr.SE] if t_ms % 2500 == 800 else []
            said += [wr.encode_pulses(9)] if self.pulses and t_ms % 25 == 0 else []
        elif t_ms % 1000 == 0:
            said.append(wr.PING)
        return [] if self.is_dead(t_ms) else said


def converse(monitor: Monitor, *, until_ms: int, every_ms: int = 5) -> list[Record]:
    """The decoder and a monitor, in steps; checks what must hold at every one of them."""
    decoder = wr.S4Decoder()
    frames: list[Frame] = []
    records: list[Record] = []
    for t_ms in range(0, until_ms, every_ms):
        t_ns = t_ms * MS
        for payload in monitor.speak(t_ms):
            frames.append(rx(payload, t_ns))
            records += decoder.decode(frames[-1])
        request = decoder.next_request(t_ns)
        # Asking alone changes nothing.
        assert decoder.next_request(t_ns) == request
        if request is not None:
            assert request.channel == "tx"
            frames.append(tx(request.payload, t_ns))
            assert decoder.decode(frames[-1]) == ()
            monitor.hear(t_ms, request.payload)
    # The same frames give the same records and the same next question.
    again = wr.S4Decoder()
    assert [r for frame in frames for r in again.decode(frame)] == records
    end_ns = until_ms * MS
    assert again.next_request(end_ns) == decoder.next_request(end_ns)
    return records


def gaps(monitor: Monitor) -> list[int]:
    stamps = [t_ms for t_ms, _ in monitor.asked]
    return [after - before for before, after in pairwise(stamps)]


def test_the_dialogue_begins_with_the_handshake() -> None:
    monitor = Monitor()
    converse(monitor, until_ms=500)
    assert [text for _, text in monitor.asked[:3]] == ["USB", "IV?", "IRD055"]
    assert sum(text in ("USB", "IV?") for _, text in monitor.asked) == 2


def test_a_row_is_polled_at_the_right_moments() -> None:
    monitor = Monitor(rowing=True)
    records = converse(monitor, until_ms=30_000)
    assert min(gaps(monitor)) >= 30
    distances = [(s.t_ns // MS, s.distance_m) for s in kind(records, RowerSample) if s.distance_m]
    for start in range(1000, 29_000, 1000):
        assert sum(start <= t_ms < start + 1000 for t_ms, _ in distances) >= 5
    # Every stroke but the one before the first handshake has its power, count and times.
    power_reads = [t_ms % 2500 for t_ms, text in monitor.asked if text == "IRD088"]
    assert all(100 <= since < 950 for since in power_reads)
    assert 3 * 11 <= len(power_reads) <= 4 * 12
    assert all(s["power_w"] == 120 for n, s in strokes(records).items() if n < 12)
    assert sum(text == "IRD142" for _, text in monitor.asked) >= 12
    asked = {text for _, text in monitor.asked}
    for packet in ("IRS1A9", "IRT08A", "IRD14A", "IRS1A0", "IRT1E1", "IRD140"):
        assert sum(text == packet for _, text in monitor.asked) >= 25, packet
    for packet in ("IRS00D", "IRS03E", "IRS049"):
        assert 5 <= sum(text == packet for _, text in monitor.asked) <= 7
    for packet in ("IRS0A9", "IRS083", "IRS084"):
        assert sum(text == packet for _, text in monitor.asked) == 1
    assert len(asked) == 18
    assert kind(records, Undecoded) == []


def test_pulses_need_few_reads_of_distance() -> None:
    monitor = Monitor(rowing=True, pulses=True)
    records = converse(monitor, until_ms=20_000)
    reads = sum(text == "IRD055" for _, text in monitor.asked)
    assert 35 <= reads <= 45
    # 800 packets of 9 pulses.
    assert told(records, "distance_m")[-1] == pytest.approx(7200 * 0.35 / 32, abs=1)


@pytest.mark.parametrize("delay_ms", [1, 12, 60, 250])
def test_never_two_requests_are_open(delay_ms: int) -> None:
    monitor = Monitor(delay_ms=delay_ms, rowing=True)
    records = converse(monitor, until_ms=10_000)
    assert min(gaps(monitor)) >= max(30, delay_ms)
    # However slow the machine is, its distance leaves room for the rest.
    assert told(records, "distance_m")
    assert told(records, "energy_kcal")


def test_a_lost_reply_is_asked_again_after_a_second() -> None:
    monitor = Monitor(lose=frozenset({6}))
    converse(monitor, until_ms=4000)
    (lost_ms, lost), (again_ms, again) = monitor.asked[5], monitor.asked[6]
    assert again == lost
    assert 1000 <= again_ms - lost_ms <= 1010
    assert max(gaps(monitor)[6:]) < 500


@pytest.mark.parametrize("packet", ["IRS1A0", "IRS083", "IRD055", "IV?", "IRD088", "IRD140"])
def test_a_register_that_never_answers_does_not_stop_the_rest(packet: str) -> None:
    monitor = Monitor(rowing=True, deaf_to=packet)
    converse(monitor, until_ms=60_000)
    assert sum(text == packet for _, text in monitor.asked) < 8
    assert sum(text == "IRT08A" for _, text in monitor.asked) > 35


@pytest.mark.parametrize("packet", ["IRS1A0", "IRS083", "IRD055", "IV?", "IRD088", "IRD142"])
def test_what_the_machine_refuses_twice_is_not_asked_again(packet: str) -> None:
    monitor = Monitor(rowing=True, refuses=packet)
    records = converse(monitor, until_ms=30_000)
    assert sum(text == packet for _, text in monitor.asked) == 2
    reasons = [record.reason for record in kind(records, Undecoded)]
    assert reasons == [f"the machine answered ERROR to {packet}"] * 2


def test_the_handshake_is_repeated_until_the_machine_wakes() -> None:
    monitor = Monitor(dead=(0, 5500))
    converse(monitor, until_ms=7000)
    assert [text for _, text in monitor.asked[:8]] == ["USB"] * 7 + ["IV?"]
    assert gaps(monitor)[:6] == [1000] * 6


def test_a_machine_that_fell_silent_is_greeted_again() -> None:
    monitor = Monitor(dead=(5000, 12_000))
    converse(monitor, until_ms=15_000)
    packets = [text for t_ms, text in monitor.asked if 8000 < t_ms < 12_000]
    assert packets
    assert set(packets[1:]) == {"USB"}
    assert "IRD055" in [text for t_ms, text in monitor.asked if t_ms > 13_000]


def test_reset_is_followed_by_a_new_greeting_and_exit_by_nothing() -> None:
    decoder = wr.S4Decoder()
    feed(decoder, (0, ">USB"), (10, "_WR_"), (50, ">RESET"))
    assert decoder.next_request(100 * MS) is None
    feed(decoder, (110, "OK"), (121, "PING"))
    request = decoder.next_request(130 * MS)
    assert request is not None
    assert request.payload == wr.USB
    feed(decoder, (200, ">EXIT"), (210, "OK"))
    assert decoder.next_request(60_000 * MS) is None
    feed(decoder, (70_000, "link down"), (71_000, "link up"))
    assert decoder.next_request(72_000 * MS) == request


def test_a_late_ok_does_not_pass_for_the_greeting() -> None:
    decoder = wr.S4Decoder()
    feed(decoder, (0, ">USB"), (5, "OK"))
    assert decoder.next_request(500 * MS) is None
    feed(decoder, (510, "_WR_"))
    request = decoder.next_request(520 * MS)
    assert request is not None
    assert request.payload == wr.IV


# Series 2 and 3


@pytest.mark.parametrize("vector", vectors("wr_s3", "frame"))
def test_s3_vectors(vector: dict[str, Any]) -> None:
    (message,) = s3.S3Framer().feed(bytes.fromhex(vector["hex"]))
    found = {"type": message.type}
    found |= {name: getattr(message, name) for name in message.__dataclass_fields__}
    assert found == vector["expect"]


def test_s3_row() -> None:
    decoder = wr.S3Decoder()
    script = [
        (0, "ff 18 21"),
        (700, "fc"),
        (1000, "fe 19"),
        (2000, "fe ff"),  # a data byte that could be a first one
        (2400, "fb 8c"),
        (2500, "ff 17 20"),
        (2600, "fd fe ff"),
        (9000, "fc"),
    ]
    records: list[Record] = []
    for t_ms, text in script:
        records += decoder.decode(rx(bytes.fromhex(text), t_ms * MS))
    # 2.5 m, then 25.5 m more.
    assert told(records, "distance_m") == [2.5, 28.0]
    assert told(records, "stroke_count") == [1, 2]
    assert told(records, "heart_rate_bpm") == [140]
    assert told(records, "speed_mps") == [3.3, 3.2]
    # Drive 0.7 s, recovery 2.5 - 0.7 s; the last drive is absurdly long.
    assert strokes(records) == {
        1: {"stroke_rate_spm": 24},
        2: {"drive_s": 0.7, "recovery_s": 1.8, "stroke_rate_spm": 23},
    }


def test_s3_skips_what_starts_no_message() -> None:
    decoder = wr.S3Decoder()
    records = [*decoder.decode(rx(b"\x01\x60\xfe")), *decoder.decode(rx(b"\x19\x02"))]
    records += decoder.decode(link(b"down"))
    assert [type(record) for record in records] == [Undecoded, RowerSample, Undecoded, Link]
    assert told(records, "distance_m") == [2.5]
    noise = [record for _ in range(10) for record in decoder.decode(rx(b"\x00" * 64))]
    assert len(noise) == 2


@given(cut(st.binary(max_size=600)))
def test_s3_records_do_not_depend_on_the_cuts(stream: tuple[bytes, list[bytes]]) -> None:
    octets, pieces = stream
    whole, cut_up = wr.S3Decoder(), wr.S3Decoder()
    expected = (*whole.decode(rx(octets)), *whole.finish(0))
    found = [record for piece in pieces for record in cut_up.decode(rx(piece))]
    assert (*found, *cut_up.finish(0)) == expected
