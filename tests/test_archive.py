"""Frame blocks: what goes in comes out, to the byte and the nanosecond; damage is noticed."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rowlog.archive import BlockError, checksum, decode_block, encode_block
from rowlog_drivers.frames import MAX_NS, Frame

FRAMES = st.builds(
    Frame,
    t_ns=st.one_of(st.integers(0, 4_000_000_000_000), st.integers(-MAX_NS - 1, MAX_NS)),
    source=st.sampled_from(["rower", "strap", "user", "", "Ruder-µ"]),
    channel=st.sampled_from(["2ad1", "2a37", "link", "rx", ""]),
    payload=st.one_of(st.binary(max_size=40), st.binary(min_size=20, max_size=20)),
    sent=st.booleans(),
    late_ns=st.one_of(st.just(0), st.integers(-MAX_NS - 1, MAX_NS)),
)


@given(st.lists(FRAMES, max_size=60))
def test_a_block_gives_back_equal_frames(frames: list[Frame]) -> None:
    assert decode_block(encode_block(frames)) == frames


@given(st.binary(max_size=200))
@example(bytes.fromhex("8080806d0070"))  # 229 million frames of 112-byte kinds
@example(bytes.fromhex("8080808008000000"))  # two thousand million frames that take no bytes
@example(bytes.fromhex("0001000000000000000001"))  # a kind without frames, its times one byte wide
def test_what_is_no_block_is_refused(blob: bytes) -> None:
    for block in (blob, zlib.compress(blob)):
        try:
            decode_block(block)
        except BlockError:
            continue
        assert zlib.decompress(block)  # bytes that happen to be a block, at least a header


def rower(count: int) -> list[Frame]:
    """A steady rower: a counter and a constant, every 500 ms with a wobble of 3 ns."""
    return [
        Frame(
            t_ns=500_000_000 * number + number % 3,
            source="rower",
            channel="2ad1",
            payload=number.to_bytes(4, "little") + b"\x2c\x0b" * 8,
        )
        for number in range(count)
    ]


def test_every_cut_and_every_changed_byte_is_noticed_by_the_checksum() -> None:
    block = encode_block(rower(20))
    whole = checksum(block)
    assert len(whole) == 32
    for place in range(len(block)):
        changed = bytearray(block)
        changed[place] ^= 1
        assert checksum(bytes(changed)) != whole
        with pytest.raises(BlockError):
            decode_block(block[:place])


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(BlockError, match="encoding 2 is not known"):
        decode_block(encode_block([]), 2)


def test_bytes_left_over_are_no_block() -> None:
    block = zlib.compress(zlib.decompress(encode_block(rower(3))) + b"x")
    with pytest.raises(BlockError, match="1 bytes are left over"):
        decode_block(block)


def test_counters_cost_next_to_nothing() -> None:
    """2,000 frames of 20 bytes: 40,000 bytes of payload, of which only a counter moves."""
    assert len(encode_block(rower(2000))) < 400


def test_serial_text_is_kept_in_its_own_order() -> None:
    lines = [f"IDD1400{number:04X}\r\n".encode() for number in range(300)]
    frames = [
        Frame(t_ns=25_000_000 * number, source="s4", channel="rx", payload=line[: 3 + number % 9])
        for number, line in enumerate(lines)
    ]
    assert decode_block(encode_block(frames)) == frames
