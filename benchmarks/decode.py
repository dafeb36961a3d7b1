"""What decoding a packet costs, against naive decoders of the same bytes in the same run.

Rower Data (FTMS) and Heart Rate Measurement, each as its driver gives it: a whole record, checked,
under its time and source. The naive decoders below walk the flags with `int.from_bytes`, checking
nothing, into a dictionary: once as it is, and once made into the same record. All take turns,
round by round, so that whatever else the machine does falls on all. S4 lines have no naive twin;
theirs is the time alone.

    python benchmarks/decode.py [ROUNDS]

The bar: no more than 1.25 times the naive decoder that gives the same record. The ratio to the
bare dictionary is printed beside it; the record itself, frozen and typed, costs much of that.
"""

from __future__ import annotations

import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols.ftms import RowerDecoder
from rowlog_drivers.protocols.heart_rate import StrapDecoder
from rowlog_drivers.protocols.waterrower import S4Decoder, parse_line
from rowlog_drivers.records import HeartRate, RowerSample
from rowlog_drivers.simulator import Simulator, Stretch

BAR = 1.25
PACKETS = 5_000
TEN_FIELDS = bytes.fromhex("2c0b319c01d007007600d5007900080411a4d801")
"""20 bytes: rates, strokes, distance, pace, power, energies, heart rate and elapsed time."""

Fields = dict[str, Any]


def naive_rower(payload: bytes) -> Fields:
    """Rower Data as one would first write it."""
    flags = int.from_bytes(payload[:2], "little")
    at = 2
    fields: Fields = {}

    def number(size: int, signed: bool = False) -> int:
        nonlocal at
        value = int.from_bytes(payload[at : at + size], "little", signed=signed)
        at += size
        return value

    if not flags & 0x0001:
        fields["stroke_rate_spm"] = number(1) / 2
        fields["stroke_count"] = number(2)
    if flags & 0x0002:
        fields["average_stroke_rate_spm"] = number(1) / 2
    if flags & 0x0004:
        fields["distance_m"] = number(3)
    if flags & 0x0008:
        fields["pace_s_per_500m"] = number(2)
    if flags & 0x0010:
        fields["average_pace_s_per_500m"] = number(2)
    if flags & 0x0020:
        fields["power_w"] = number(2, signed=True)
    if flags & 0x0040:
        fields["average_power_w"] = number(2, signed=True)
    if flags & 0x0080:
        fields["resistance"] = number(2, signed=True)
    if flags & 0x0100:
        fields["energy_kcal"] = number(2)
        fields["energy_kcal_per_hour"] = number(2)
        fields["energy_kcal_per_minute"] = number(1)
    if flags & 0x0200:
        fields["heart_rate_bpm"] = number(1)
    if flags & 0x0400:
        fields["met"] = number(1) / 10
    if flags & 0x0800:
        fields["elapsed_s"] = number(2)
    if flags & 0x1000:
        fields["remaining_s"] = number(2)
    return fields


def naive_strap(payload: bytes) -> Fields:
    """Heart Rate Measurement as one would first write it."""
    flags = payload[0]
    fields: Fields = {}
    at = 1
    size = 2 if flags & 0x01 else 1
    fields["heart_rate_bpm"] = int.from_bytes(payload[at : at + size], "little")
    at += size
    if flags & 0x04:
        fields["contact"] = bool(flags & 0x02)
    if flags & 0x08:
        fields["energy_kj"] = int.from_bytes(payload[at : at + 2], "little")
        at += 2
    if flags & 0x10:
        rr_ms = []
        while at + 2 <= len(payload):
            rr_ms.append(int.from_bytes(payload[at : at + 2], "little") * 1000 / 1024)
            at += 2
        fields["rr_ms"] = tuple(rr_ms)
    return fields


def packets(channel: str) -> list[Frame]:
    """What a simulated rower and strap send on one channel, over and over."""
    simulator = Simulator([Stretch(kind="work", seconds=600.0)], relay_heart_rate=True)
    frames = [frame for frame in simulator if frame.channel == channel]
    return [frames[place % len(frames)] for place in range(PACKETS)]


def lines() -> list[str]:
    """What a simulated S4 sends, line by line."""
    frames = Simulator([Stretch(kind="work", seconds=120.0)], rower="s4", strap=False)
    stream = b"".join(frame.payload for frame in frames if frame.channel == "rx")
    found = stream.decode("ascii").split()
    return [found[place % len(found)] for place in range(PACKETS)]


def chunks() -> list[Frame]:
    """What a simulated S4 sends, in the chunks that a serial port gives."""
    frames = Simulator([Stretch(kind="work", seconds=300.0)], rower="s4", strap=False)
    return [frame for frame in frames if frame.channel == "rx"][:PACKETS]


def us(work: Callable[[], None], count: int) -> float:
    """Microseconds of each of `count` pieces that `work` goes through."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) / count * 1e6


def compare(
    name: str,
    frames: Sequence[Frame],
    decode: Callable[[Frame], object],
    naive: Callable[[bytes], Fields],
    record: Callable[..., object],
    rounds: int,
) -> bool:
    """Print one line; whether the bar is met."""

    def ours() -> None:
        for frame in frames:
            decode(frame)

    def recorded() -> None:
        for frame in frames:
            record(t_ns=frame.t_ns, source=frame.source, **naive(frame.payload))

    def bare() -> None:
        for frame in frames:
            naive(frame.payload)

    turns = [[us(work, len(frames)) for work in (ours, recorded, bare)] for _ in range(rounds + 1)]
    turns = turns[1:]
    our, same, bare_us = (statistics.median(column) for column in zip(*turns, strict=True))
    ratio = statistics.median(turn[0] / turn[1] for turn in turns)
    to_bare = statistics.median(turn[0] / turn[2] for turn in turns)
    print(
        f"{name:<32} rowlog {our:5.2f}   naive record {same:5.2f}, ratio {ratio:4.2f}"
        f"   naive dictionary {bare_us:5.2f}, ratio {to_bare:4.2f}"
        f"   bar {BAR} {'met' if ratio <= BAR else 'MISSED'}"
    )
    return ratio <= BAR


def main() -> None:
    """Measure and print; exit status 1 when the bar is missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print(f"{rounds} rounds of {PACKETS} packets in turn; medians, microseconds a packet")
    rower, strap = RowerDecoder().decode, StrapDecoder().decode
    same = [Frame(t_ns=1, source="rower", channel="2ad1", payload=TEN_FIELDS)] * PACKETS
    met = [
        compare("FTMS, 20 bytes", same, rower, naive_rower, RowerSample, rounds),
        compare("FTMS, simulated", packets("2ad1"), rower, naive_rower, RowerSample, rounds),
        compare("heart rate and RR", packets("2a37"), strap, naive_strap, HeartRate, rounds),
    ]
    texts, pieces = lines(), chunks()

    def parse() -> None:
        for text in texts:
            parse_line(text)

    def listen() -> None:
        decoder = S4Decoder()
        for frame in pieces:
            decoder.decode(frame)

    for name, work, count in (
        ("S4, parse_line", parse, len(texts)),
        ("S4, a chunk through the decoder", listen, len(pieces)),
    ):
        print(f"{name:<32} rowlog {statistics.median(us(work, count) for _ in range(rounds)):5.2f}")
    sys.exit(0 if all(met) else 1)


if __name__ == "__main__":
    main()
