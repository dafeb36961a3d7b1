"""First Degree Fitness consoles: lines, the decoder, and what keeps a console talking."""

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
from rowlog_drivers.protocols import fdf
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
    if vector["protocol"] == "fdf"
]
R = TypeVar("R", bound=Record)


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(v, id=v["id"]) for v in VECTORS if v["kind"] in kinds]


def kind(records: Iterable[Record], wanted: type[R]) -> list[R]:
    return [record for record in records if isinstance(record, wanted)]


def rx(payload: bytes, t_ms: int = 0) -> Frame:
    return Frame(t_ns=t_ms * MS, source="rower", channel="rx", payload=payload)


def tx(payload: bytes, t_ms: int = 0) -> Frame:
    return Frame(t_ns=t_ms * MS, source="rower", channel="tx", payload=payload, sent=True)


def read(*lines: str) -> list[Record]:
    decoder = fdf.FdfDecoder()
    return [record for line in lines for record in decoder.decode(rx(line.encode() + b"\r\n"))]


TYPES = {"C": "connected", "H": "heart_rate", "L": "level", "W": "keep_alive", "R": "reset"}


@pytest.mark.parametrize("vector", of_kind("line", "exchange"))
def test_line_vectors(vector: dict[str, Any]) -> None:
    text = vector["rx"] if vector["kind"] == "line" else vector["rx"][0]
    line = fdf.parse_line(text.encode())
    assert line is not None
    expect = dict(vector["expect"])
    if isinstance(line, fdf.StrokeLine):
        assert expect.pop("type", "stroke") == "stroke"
        said = {name: getattr(line, name) for name in fdf.StrokeLine.__dataclass_fields__} | {
            "paused": line.paused,
            "energy_kcal_per_hour": line.energy,
        }
        if expect.get("stroke_rate_spm", 0) is None:
            said["stroke_rate_spm"] = line.stroke_rate_spm or None
    elif line.code == ".":
        said = {"type": "banner"}
    else:
        said = {"type": TYPES.get(line.code, "info"), "code": line.code, "value": line.value}
        if line.code == "C":
            said["firmware"] = line.value
        elif line.code == "H":
            said["heart_rate_bpm"] = int(line.value)
        elif line.code == "L":
            said["resistance_level"] = int(line.value)
        elif line.code == "W":
            said["answer"] = "K"
    for name, value in expect.items():
        assert said[name] == value, name


@pytest.mark.parametrize("vector", of_kind("stream"))
def test_stream_vectors(vector: dict[str, Any]) -> None:
    decoder = fdf.FdfDecoder()
    records: list[Record] = []
    answers: list[str] = []
    for t_ms, line in vector["items"]:
        records += decoder.decode(rx(line.encode() + b"\r\n", t_ms))
        request = decoder.next_request(t_ms * MS)
        if request is not None and not request.expects_reply:
            decoder.decode(tx(request.payload, t_ms))
            answers.append(request.payload.decode().strip())
    expect = vector["expect"]
    assert len(kind(records, Stroke)) == expect["lines_with_stroke_rate"]
    distances = [s.distance_m for s in kind(records, RowerSample) if s.distance_m is not None]
    assert distances[-1] == expect["final_distance_m"]
    rates = [s.heart_rate_bpm for s in kind(records, RowerSample) if s.heart_rate_bpm is not None]
    assert rates[-1] == expect["last_heart_rate_bpm"]
    assert (kind(records, MachineState)[-1].state == "paused") == expect["paused"]
    assert answers == expect["answers"]


def test_recording_of_a_console(captures: Path) -> None:
    records: list[Record] = []
    decoder = fdf.FdfDecoder()
    text = (captures / "fdf_serial" / "fdf_ipm_serial.txt").read_text("utf-8")
    for line in text.splitlines():
        if not line.startswith("#"):
            records += decoder.decode(rx(line.split("\t")[1].encode() + b"\r\n"))
    assert kind(records, Undecoded) == []
    samples = [s for s in kind(records, RowerSample) if s.distance_m is not None]
    assert [(s.elapsed_s, s.distance_m) for s in samples] == [(0, 0), (4, 9), (6, 15), (10, 15)]
    # 4:08 for 500 m is 2.80 / (248 / 500)^3 = 22.9 W, and 300 + 3.4416 * 22.9 = 379 kcal/h.
    assert (samples[1].pace_s_per_500m, samples[1].power_w) == (248, 23)
    assert samples[1].energy_kcal_per_hour == 379
    assert [(s.number, s.stroke_rate_spm, s.power_w) for s in kind(records, Stroke)] == [
        (1, 14, 23),
        (2, 19, 26),
    ]


def test_a_line_of_a_stroke() -> None:
    assert read("A8010540714410428014108067004") == [
        MachineState(t_ns=0, source="rower", state="rowing"),
        Stroke(t_ns=0, source="rower", number=1, stroke_rate_spm=14, power_w=108),
        RowerSample(
            t_ns=0,
            source="rower",
            elapsed_s=654,  # 0 h 10 min 54 s: hours and minutes, not plain seconds
            distance_m=7144,
            pace_s_per_500m=268,
            power_w=108,
            stroke_rate_spm=14,
            energy_kcal_per_hour=670,
            resistance=4,
        ),
    ]


def test_the_first_line_is_no_stroke_but_current() -> None:
    (sample,) = read("A5000000000000415000021037207")
    assert isinstance(sample, RowerSample)
    assert sample.stroke_rate_spm is None
    assert (sample.power_w, sample.pace_s_per_500m) == (21, 255)


def test_a_pause_is_told_once_with_its_averages() -> None:
    first = "A5000100001500528000018001207"
    records = read("A5000060001500358019026038907", first, first)
    assert [(s.state, s.parameter) for s in kind(records, MachineState)] == [
        ("rowing", None),
        ("paused", 12),
    ]
    assert len(kind(records, Stroke)) == 1
    last = kind(records, RowerSample)[-1]
    assert (last.power_w, last.average_power_w, last.average_pace_s_per_500m) == (None, 18, 328)
    assert last.energy_kcal_per_hour is None
    assert last.stroke_rate_spm == 0


def test_what_a_console_says_of_itself() -> None:
    assert read("C2135", "T5", "V2135014", "O871 72", "L7", "R", ".FDF IPM...", "W") == [
        MachineInfo(t_ns=0, source="rower", manufacturer="First Degree Fitness", firmware="2135"),
        MachineInfo(t_ns=0, source="rower", model="5"),
        MachineInfo(t_ns=0, source="rower", software="2135014"),
        MachineState(t_ns=0, source="rower", state="odometer", text="871 72"),
        RowerSample(t_ns=0, source="rower", resistance=7),
        MachineState(t_ns=0, source="rower", state="reset"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "A50000400009004080140230379",  # two digits are missing
        "A5000040000900408014023037907 ",
        "A5060040000900408014023037907",  # 60 minutes
        "AX000040000900408014023037907",
        "H65",
        "Hxxx",
        "L",
        "STROKES:4",
        "\x1b[2J",
    ],
)
def test_other_lines_are_undecoded(line: str) -> None:
    (record,) = read(line)
    assert isinstance(record, Undecoded)
    assert record.reason.isprintable()


LINES = st.builds(
    fdf.StrokeLine,
    model=st.integers(0, 9),
    elapsed_s=st.integers(0, 35_999),
    distance_m=st.integers(0, 99_999),
    flag=st.integers(0, 9),
    pace_s_per_500m=st.integers(0, 5_999),
    stroke_rate_spm=st.integers(0, 999),
    power_w=st.integers(0, 999),
    energy=st.integers(0, 9_999),
    resistance_level=st.integers(0, 99),
)


@given(LINES)
def test_lines_read_back(line: fdf.StrokeLine) -> None:
    sent = fdf.encode_stroke_line(line)
    assert sent.endswith(b"\r\n")
    assert len(sent) == 31
    assert fdf.parse_line(sent.rstrip()) == line


@given(st.binary(max_size=60))
def test_no_bytes_make_a_parser_raise(line: bytes) -> None:
    fdf.parse_line(line)


@given(st.lists(LINES, max_size=5), st.data())
def test_records_do_not_depend_on_the_cuts(
    lines: list[fdf.StrokeLine], data: st.DataObject
) -> None:
    stream = b"H065\r\n" + b"".join(map(fdf.encode_stroke_line, lines)) + b"noise\0\r\nL7\r\n"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    whole, cut = fdf.FdfDecoder(), fdf.FdfDecoder()
    records: list[Record] = []
    for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        records += cut.decode(rx(stream[a:b]))
    assert records == list(whole.decode(rx(stream)))


FRAMES = st.builds(
    lambda channel, payload, sent, t_ms: Frame(
        t_ns=t_ms * MS, source="rower", channel=channel, payload=payload, sent=sent
    ),
    st.sampled_from(["rx", "tx", "link", "2ad1"]),
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"C2135\r\n", b"W\r\n", b"H065\r\n", b"T5\r\n", b"C\n", b"K\n", b"H\n"]),
        LINES.map(fdf.encode_stroke_line),
    ),
    st.booleans(),
    st.integers(0, 20_000),
)


@given(st.lists(FRAMES, max_size=40))
def test_no_frame_makes_the_decoder_raise(frames: list[Frame]) -> None:
    decoder = fdf.FdfDecoder()
    for frame in sorted(frames, key=lambda frame: frame.t_ns):
        for record in decoder.decode(frame):
            assert record.t_ns == frame.t_ns
        decoder.next_request(frame.t_ns)
    assert decoder.finish(20_000 * MS) == ()


def test_a_console_is_woken_asked_and_kept_awake() -> None:
    decoder = fdf.FdfDecoder()
    assert isinstance(decoder, Dialogue)
    replies = {"T": b"T5", "V": b"V2135014", "O": b"O871 72", "L": b"L7", "H": b"H065"}
    asked: list[tuple[int, str]] = []
    due: tuple[int, bytes] | None = None
    for t_ms in range(0, 6_000, 20):
        if due is not None and t_ms >= due[0]:
            decoder.decode(rx(due[1] + b"\r\n", t_ms))
            due = None
        if t_ms == 5_000:
            decoder.decode(rx(b"W\r\n", t_ms))
        request = decoder.next_request(t_ms * MS)
        if request is None:
            continue
        letter = request.payload.decode().strip()
        asked.append((t_ms, letter))
        decoder.decode(tx(request.payload, t_ms))
        if letter == "C":
            # It sleeps at first, then shows its banner, then answers.
            woken = {1_000: b".FDF IPM...", 2_000: b"C2135"}.get(t_ms)
            due = None if woken is None else (t_ms + 40, woken)
        elif letter in replies:
            due = (t_ms + 40, replies[letter])
    letters = [letter for _, letter in asked]
    assert letters[:8] == ["C", "C", "C", "T", "V", "O", "L", "H"]
    assert [t_ms for t_ms, letter in asked if letter == "C"] == [0, 1_000, 2_000]
    assert (5_000, "K") in asked
    assert letters.count("K") == 1
    assert 3 <= letters.count("H") <= 5


def test_a_console_without_heart_rate_is_not_asked_for_ever() -> None:
    decoder = fdf.FdfDecoder()
    decoder.decode(rx(b"C2135\r\n"))
    asked: list[str] = []
    for t_ms in range(0, 60_000, 50):
        request = decoder.next_request(t_ms * MS)
        if request is not None:
            asked.append(request.payload.decode().strip())
            decoder.decode(tx(request.payload, t_ms))
    assert asked.count("H") == 3


def test_a_lost_link_drops_the_half_line_and_wakes_anew() -> None:
    decoder = fdf.FdfDecoder()
    decoder.decode(rx(b"C2135\r\nA50000"))
    link = Frame(t_ns=0, source="rower", channel="link", payload=b"down")
    assert decoder.decode(link) == (Link(t_ns=0, source="rower", up=False),)
    request = decoder.next_request(0)
    assert request is not None
    assert request.payload == b"C\n"
    assert decoder.decode(rx(b"L7\r\n")) == (RowerSample(t_ns=0, source="rower", resistance=7),)
