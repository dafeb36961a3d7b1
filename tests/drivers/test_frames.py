"""The .frames format: what is read, what is written, and what each mistake is told."""

from __future__ import annotations

import gzip
import io
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rowlog_drivers.errors import FramesError
from rowlog_drivers.frames import (
    MAX_LINE_BYTES,
    MAX_NS,
    Frame,
    FramesHeader,
    SourceHeader,
    format_seconds,
    parse_seconds,
    read_frames,
    write_frames,
)

TOP = "# rowlog-frames 1\n# source: rower ftms\n"

EXAMPLE = """\
# rowlog-frames 1
# source: rower ftms name=My%20rower%2B split=yes
# source: strap heart_rate
# started_at: 2026-03-01T18:04:00.25+01:00
# end: 12.5
# machine: A rower, model 3
# firmware: 2.10
# plan: 8x500m/1:30r
# licence: CC0
# origin: a simulation
# note: first line
# note: second line
# drag: 120
# a comment without a colon
#
# Another comment: its first word is no key

0 rower link 7570
0.5 rower 2ad1 2c0b
0.500000001\tstrap\t2a37  06 \t
# note: a comment, being below a frame
1.25 rower >2ad9 00 late=1500
1.250 user key 7374617274
12 rower 2ad1 -
"""


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("frames")


def written(folder: Path, content: str | bytes, name: str = "x.frames") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def frame(t_ns: int, payload: bytes = b"\x01", **rest: object) -> Frame:
    return Frame(t_ns=t_ns, source="rower", channel="2ad1", payload=payload, **rest)  # type: ignore[arg-type]


EXAMPLE_HEADER = FramesHeader(
    sources=(
        SourceHeader(
            name="rower", driver="ftms", options=(("name", "My rower+"), ("split", "yes"))
        ),
        SourceHeader(name="strap", driver="heart_rate"),
    ),
    started_at=datetime(2026, 3, 1, 18, 4, 0, 250_000, timezone(timedelta(hours=1))),
    end_ns=12_500_000_000,
    machine="A rower, model 3",
    firmware="2.10",
    plan="8x500m/1:30r",
    licence="CC0",
    origin="a simulation",
    note="first line\nsecond line",
    extra=(("drag", "120"),),
)

EXAMPLE_FRAMES = [
    Frame(t_ns=0, source="rower", channel="link", payload=b"up"),
    Frame(t_ns=500_000_000, source="rower", channel="2ad1", payload=b"\x2c\x0b"),
    Frame(t_ns=500_000_001, source="strap", channel="2a37", payload=b"\x06"),
    Frame(
        t_ns=1_250_000_000,
        source="rower",
        channel="2ad9",
        payload=b"\x00",
        sent=True,
        late_ns=1500,
    ),
    Frame(t_ns=1_250_000_000, source="user", channel="key", payload=b"start"),
    Frame(t_ns=12_000_000_000, source="rower", channel="2ad1", payload=b""),
]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(EXAMPLE.encode(), id="plain"),
        pytest.param(EXAMPLE.replace("\n", "\r\n").encode(), id="lines end in CR LF"),
        pytest.param(b"\xef\xbb\xbf" + EXAMPLE.encode(), id="byte order mark"),
        pytest.param(EXAMPLE.rstrip().encode(), id="no line end at the end"),
        pytest.param(gzip.compress(EXAMPLE.encode()), id="gzipped, whatever its name"),
        pytest.param(
            gzip.compress(EXAMPLE[:99].encode()) + gzip.compress(EXAMPLE[99:].encode()),
            id="two gzip members",
        ),
    ],
)
def test_reads_the_example(folder: Path, content: bytes) -> None:
    file = read_frames(written(folder, content))
    assert file.header == EXAMPLE_HEADER
    assert list(file) == EXAMPLE_FRAMES
    assert list(file.frames) == EXAMPLE_FRAMES, "a file can be read again"
    assert file.header.end_s == 12.5


@pytest.mark.parametrize(
    ("text", "t_ns"),
    [
        ("0", 0),
        ("1", 1_000_000_000),
        ("0.000000001", 1),
        ("0.1", 100_000_000),
        ("3.141592653", 3_141_592_653),
        ("86399.999999999", 86_399_999_999_999),  # a float would be off by some nanoseconds
        ("9223372036.854775807", MAX_NS),
        ("9223372036.854775808", None),
        ("0.0000000001", None),
        ("-1", None),
        ("+1", None),
        ("1.", None),
        (".5", None),
        ("1e3", None),
        ("1_0", None),
        ("٣", None),
        ("", None),
        ("nan", None),
    ],
)
def test_seconds_are_exact(text: str, t_ns: int | None) -> None:
    assert parse_seconds(text) == t_ns


@given(st.integers(min_value=0, max_value=MAX_NS))
def test_every_nanosecond_survives_and_is_written_short(t_ns: int) -> None:
    text = format_seconds(t_ns)
    assert parse_seconds(text) == t_ns
    assert "." not in text or not text.endswith("0")


MISTAKES: list[tuple[str, str | bytes, int | None, str]] = [
    ("empty", "", 1, "the file is empty"),
    ("no version", "# source: rower ftms\n0 rower 2ad1 00\n", 1, "the first line"),
    ("other version", "# rowlog-frames 2\n", 1, "format version 2"),
    ("version twice", TOP + "# rowlog-frames 1\n", 3, "a second `# rowlog-frames`"),
    ("source without driver", "# rowlog-frames 1\n# source: rower\n", 2, "1 words"),
    ("source twice", TOP + "# source: rower pm5\n", 3, "a second source"),
    ("option without =", TOP + "# source: a b c\n", 3, "the option 'c'"),
    ("option twice", TOP + "# source: a b c=1 c=2\n", 3, "a second option"),
    ("bad percent", TOP + "# source: a b name=50%\n", 3, "percent-encoded"),
    ("percent, not UTF-8", TOP + "# source: a b name=%ff\n", 3, "percent-encoded"),
    ("started_at twice", TOP + "# plan: 500m\n# plan: 600m\n", 4, "a second `# plan:`"),
    ("started_at", TOP + "# started_at: yesterday\n", 3, "ISO 8601"),
    ("started_at without offset", TOP + "# started_at: 2026-03-01T18:04:00\n", 3, "offset"),
    ("end", TOP + "# end: soon\n", 3, "`# end:`"),
    ("too few columns", TOP + "0 rower 2ad1\n", 3, "3 columns"),
    ("payload with blanks", TOP + "0 rower 2ad1 00 01\n", 3, "'01'"),
    ("too many columns", TOP + "0 rower 2ad1 00 late=1 x\n", 3, "6 columns"),
    ("late without a number", TOP + "0 rower 2ad1 00 late=-5\n", 3, "late=NS"),
    ("late beyond bounds", TOP + f"0 rower 2ad1 00 late={MAX_NS + 1}\n", 3, "late=NS"),
    ("unknown source", TOP + "0 strap 2a37 00\n", 3, "no source is called 'strap'"),
    ("user is only for keys", TOP + "0 user 2a37 00\n", 3, "no source is called 'user'"),
    ("odd hex", TOP + "\n0 rower 2ad1 000\n", 4, "odd number of hex digits"),
    ("no hex", TOP + "0 rower 2ad1 0g\n", 3, "not hex"),
    ("upper-case channel", TOP + "0 rower 2AD1 00\n", 3, "'2AD1'"),
    ("channel is >", TOP + "0 rower > 00\n", 3, "'>'"),
    ("time goes back", TOP + "2 rower 2ad1 00\n1.5 rower 2ad1 00\n", 4, "from 2 to 1.5"),
    ("negative time", TOP + "-1 rower 2ad1 00\n", 3, "negative"),
    ("ten places", TOP + "1.0000000000 rower 2ad1 00\n", 3, "more than 9 places"),
    ("no time", TOP + "now rower 2ad1 00\n", 3, "'now'"),
    ("Latin-1", TOP.encode() + b"# note: caf\xe9\n", 3, "not UTF-8"),
    ("UTF-16", TOP.encode("utf-16"), 1, "not UTF-8"),
    ("long line", TOP + "0 rower 2ad1 " + "00" * MAX_LINE_BYTES + "\n", 3, "a line of more than"),
    ("cut gzip", gzip.compress(EXAMPLE.encode(), mtime=0)[:-30], None, "cut short"),
    ("damaged gzip", b"\x1f\x8b\x08\x00garbage and more of it", 1, "damaged"),
    ("binary", bytes(range(255, 0, -1)), 1, "not UTF-8"),
]


@pytest.mark.parametrize(
    ("content", "line", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES]
)
def test_mistakes_name_file_line_and_expectation(
    folder: Path, content: str | bytes, line: int | None, said: str
) -> None:
    path = written(folder, content, "bad.frames")
    with pytest.raises(FramesError) as caught:
        list(read_frames(path))
    error = caught.value
    assert said in str(error)
    assert str(path) in str(error)
    assert error.path == str(path)
    assert error.expected
    assert error.next_step
    if line is not None:
        assert error.line == line
        assert f"line {line}" in str(error) or "after line" in str(error)


def test_frames_before_a_mistake_are_read(folder: Path) -> None:
    frames = iter(read_frames(written(folder, TOP + "0 rower 2ad1 01\n1 rower 2ad1 0\n")))
    assert next(frames) == frame(0)
    with pytest.raises(FramesError):
        next(frames)


@pytest.mark.parametrize("name", ["", "missing.frames", "nul\0.frames"])
def test_folders_and_missing_files_are_told(folder: Path, name: str) -> None:
    with pytest.raises(FramesError) as caught:
        read_frames(folder / name)
    assert str(folder) in str(caught.value)
    assert caught.value.line is None


@given(st.binary(max_size=400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_cause_anything_but_a_frames_error(folder: Path, noise: bytes) -> None:
    for content in (noise, TOP.encode() + noise, gzip.compress(TOP.encode())[:-4] + noise):
        try:
            list(read_frames(written(folder, content)))
        except FramesError as error:
            assert error.path


NAMES = st.from_regex(r"[a-zA-Z0-9_äß.-]{1,8}", fullmatch=True)
LINES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=30).map(
    str.strip
)
TEXT = LINES.map(lambda text: text or None)


@st.composite
def recordings(draw: st.DrawFn) -> tuple[FramesHeader, list[Frame]]:
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    options = st.dictionaries(
        st.from_regex(r"[a-z_]{1,6}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        max_size=3,
    )
    header = FramesHeader(
        sources=tuple(
            SourceHeader(name=name, driver="ftms", options=tuple(draw(options).items()))
            for name in names
        ),
        started_at=draw(
            st.none()
            | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9))]))
        ),
        end_ns=draw(st.none() | st.integers(0, MAX_NS)),
        machine=draw(TEXT),
        plan=draw(TEXT),
        note="\n".join(draw(st.lists(LINES, max_size=3))).strip() or None,
        extra=tuple(
            draw(st.lists(st.tuples(st.from_regex(r"x[a-z0-9_]{0,5}", fullmatch=True), LINES)))
        ),
    )
    frames = st.builds(
        Frame,
        t_ns=st.integers(0, 10**14),
        source=st.sampled_from(names),
        channel=st.sampled_from(["2ad1", "rx", "tx", "link", "ce060031"]),
        payload=st.binary(max_size=30),
        sent=st.booleans(),
        late_ns=st.integers(0, 10**10),
    )
    return header, sorted(draw(st.lists(frames, max_size=12)), key=lambda one: one.t_ns)


@given(recordings(), st.sampled_from(["r.frames", "r.frames.gz"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_round_trips_are_whole(
    folder: Path, recording: tuple[FramesHeader, list[Frame]], name: str
) -> None:
    header, frames = recording
    assert write_frames(folder / name, header, iter(frames)) == len(frames)
    file = read_frames(folder / name)
    assert file.header == header
    assert list(file) == frames


def test_the_example_is_written_back_minimal() -> None:
    out = io.StringIO()
    assert write_frames(out, EXAMPLE_HEADER, EXAMPLE_FRAMES) == 6
    assert out.getvalue().splitlines() == [
        "# rowlog-frames 1",
        "# source: rower ftms name=My%20rower+ split=yes",
        "# source: strap heart_rate",
        "# started_at: 2026-03-01T18:04:00.250000+01:00",
        "# end: 12.5",
        "# machine: A rower, model 3",
        "# firmware: 2.10",
        "# plan: 8x500m/1:30r",
        "# licence: CC0",
        "# origin: a simulation",
        "# note: first line",
        "# note: second line",
        "# drag: 120",
        "0 rower link 7570",
        "0.5 rower 2ad1 2c0b",
        "0.500000001 strap 2a37 06",
        "1.25 rower >2ad9 00 late=1500",
        "1.25 user key 7374617274",
        "12 rower 2ad1 -",
    ]


def test_gzip_is_deterministic(folder: Path) -> None:
    for name in ("a.frames.gz", "b.frames.gz"):
        write_frames(folder / name, EXAMPLE_HEADER, EXAMPLE_FRAMES)
    first = (folder / "a.frames.gz").read_bytes()
    assert first == (folder / "b.frames.gz").read_bytes()
    assert first[4:8] == bytes(4), "no time stamp"
    assert first[3] == 0, "no file name"


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        ([frame(5), frame(4)], "frame 2 cannot be written"),
        ([frame(-1)], "negative"),
        ([frame(0, late_ns=-1)], "late by -1"),
        ([frame(0, bytes(600_000))], "600000 bytes"),
        ([Frame(t_ns=0, source="strap", channel="2a37", payload=b"")], "'strap'"),
        ([Frame(t_ns=0, source="rower", channel=">tx", payload=b"")], "'>tx'"),
        ([Frame(t_ns=0, source="rower", channel="2A D1", payload=b"")], "'2A D1'"),
    ],
)
@pytest.mark.parametrize("name", ["w.frames", "w.frames.gz"])
def test_what_could_not_be_read_back_is_not_written(
    folder: Path, frames: list[Frame], said: str, name: str
) -> None:
    header = FramesHeader(sources=(SourceHeader(name="rower", driver="ftms"),))
    write_frames(folder / name, header, [])
    before = (folder / name).read_bytes()
    with pytest.raises(FramesError, match=said):
        write_frames(folder / name, header, frames)
    assert (folder / name).read_bytes() == before, "the earlier file is left as it was"
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    "header",
    [
        FramesHeader(sources=(SourceHeader(name="my rower", driver="ftms"),)),
        FramesHeader(sources=(SourceHeader(name="", driver="ftms"),)),
        FramesHeader(sources=(SourceHeader(name="a", driver="b"),) * 2),
        FramesHeader(sources=(SourceHeader(name="a", driver="b", options=(("x y", "z"),)),)),
        FramesHeader(started_at=datetime(2026, 3, 1)),  # noqa: DTZ001 - the fault under test
        FramesHeader(end_ns=-1),
        FramesHeader(extra=(("plan", "500m"),)),
        FramesHeader(extra=(("Not a key", ""),)),
        FramesHeader(note="\ud800"),
    ],
)
def test_headers_that_could_not_be_read_back_are_refused(header: FramesHeader) -> None:
    with pytest.raises(FramesError, match="the header cannot be written"):
        write_frames(io.StringIO(), header, [])


def test_a_folder_that_is_not_there_is_told(folder: Path) -> None:
    with pytest.raises(FramesError, match="cannot be written"):
        write_frames(folder / "none" / "x.frames", FramesHeader(), [])


def test_memory_stays_flat(folder: Path) -> None:
    """A file is read a line at a time: 20,000 frames would take some 5 MB as a list."""
    path = folder / "long.frames.gz"
    header = FramesHeader(sources=(SourceHeader(name="rower", driver="ftms"),))
    write_frames(path, header, (frame(n * 10**9) for n in range(20_000)))
    tracemalloc.start()
    try:
        assert sum(1 for _ in read_frames(path)) == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
