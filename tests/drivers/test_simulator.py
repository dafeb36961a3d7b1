"""The simulator: equal seeds give equal bytes, and every byte agrees with the truth."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Iterator
from itertools import count, islice, pairwise

import pytest

from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Decoder
from rowlog_drivers.protocols import ftms, heart_rate
from rowlog_drivers.protocols.waterrower import S4Decoder
from rowlog_drivers.records import HeartRate, Link, MachineState, RowerSample, Stroke, Undecoded
from rowlog_drivers.simulator import (
    FAULTS,
    Athlete,
    Fault,
    Simulation,
    Simulator,
    Stretch,
    StretchTruth,
    simulate,
)

WAIT = Stretch(kind="wait", seconds=5)
REST = Stretch(kind="rest", seconds=30)
PADDLE = Stretch(kind="rest", seconds=40, paddling=True)


def metres(distance_m: float) -> Stretch:
    return Stretch(kind="work", distance_m=distance_m)


INTERVALS = [WAIT, metres(250), REST, metres(250), PADDLE, Stretch(kind="work", seconds=60), REST]


def rower_samples(session: Simulation) -> list[RowerSample]:
    decoder = ftms.RowerDecoder()
    records = [r for f in session.frames if f.source == "rower" for r in decoder.decode(f)]
    return [record for record in records if isinstance(record, RowerSample)]


def heart_rates(session: Simulation) -> list[HeartRate]:
    decoder = heart_rate.StrapDecoder()
    records = [r for f in session.frames if f.source == "strap" for r in decoder.decode(f)]
    return [record for record in records if isinstance(record, HeartRate)]


def digest(frames: Iterator[Frame] | tuple[Frame, ...]) -> str:
    sha = hashlib.sha256()
    for frame in frames:
        sha.update(f"{frame.t_ns} {frame.source} {frame.channel} {frame.sent} ".encode())
        sha.update(frame.payload)
    return sha.hexdigest()


def stretch_at(session: Simulation, t_ns: int) -> StretchTruth:
    return next(s for s in session.truth.stretches if t_ns / 1e9 <= s.end_s)


def happened(session: Simulation, name: str) -> tuple[float, float]:
    fault = next(fault for fault in session.truth.faults if fault.name == name)
    return fault.start_s, fault.end_s


@pytest.mark.parametrize("rower", ["ftms", "s4"])
def test_equal_seeds_give_equal_bytes(rower: str) -> None:
    def session(seed: int) -> str:
        return digest(simulate(INTERVALS, rower=rower, seed=seed, faults=FAULTS).frames)  # type: ignore[arg-type]

    assert session(7) == session(7)
    assert session(7) != session(8)


def test_the_bytes_are_the_same_on_every_platform() -> None:
    """Only exactly rounded operations are used; change this when the simulator is changed."""
    session = simulate([metres(100)], seed=3)
    assert session.truth.stretches[0].end_s.hex() == PIECE_END
    assert digest(session.frames)[:16] == PIECE_DIGEST


PIECE_END = "0x1.61e9e781048dbp+4"
PIECE_DIGEST = "4f9fbfd04f248373"


def test_truth_is_exact_and_without_gaps() -> None:
    truth = simulate(INTERVALS).truth
    kinds = [stretch.kind for stretch in truth.stretches]
    assert kinds == ["wait", "work", "rest", "work", "rest", "work", "rest"]
    for before, after in pairwise(truth.stretches):
        assert (before.end_s, before.end_distance_m) == (after.start_s, after.start_distance_m)
        assert (before.end_strokes, before.end_energy_kcal) == (
            after.start_strokes,
            after.start_energy_kcal,
        )
    wait, first, rest, second, paddle, timed, _ = truth.stretches
    assert (wait.end_s, wait.distance_m, wait.strokes) == (5.0, 0.0, 0)
    assert first.end_distance_m == 250.0
    assert second.end_distance_m == second.start_distance_m + 250.0
    assert rest.end_s == rest.start_s + 30
    assert timed.end_s == timed.start_s + 60
    assert 3 < rest.distance_m < 15, "the wheel runs out"
    assert rest.strokes == 0
    assert rest.energy_kcal == 0
    assert 2 <= paddle.strokes <= 8
    assert paddle.distance_m > rest.distance_m + 10
    assert truth.distance_m == pytest.approx(sum(s.distance_m for s in truth.stretches))
    assert truth.stroke_count == sum(s.strokes for s in truth.stretches)
    assert truth.energy_kcal == pytest.approx(sum(s.energy_kcal for s in truth.stretches))
    assert truth.total("work")[1] == pytest.approx(500 + timed.distance_m)
    assert truth.end_s == truth.stretches[-1].end_s


def test_a_piece_is_rowed_like_a_piece() -> None:
    piece = simulate([metres(2000)], athlete=Athlete(pace_2000m_s_per_500m=120)).truth.stretches[0]
    pace = 500 * piece.duration_s / piece.distance_m
    assert 116 < pace < 124
    assert 26 < 60 * piece.strokes / piece.duration_s < 34
    # 2:00 is 2.80 / 0.24^3 = 202.5 W, so 4 * 0.8604 * 202.5 + 300 = 997 kcal an hour.
    assert piece.energy_kcal == pytest.approx(997 * piece.duration_s / 3600, rel=0.08)
    assert 150 < piece.max_heart_rate_bpm <= 186


@pytest.mark.parametrize("relay", [False, True])
def test_ftms_counters_agree_with_the_truth(relay: bool) -> None:
    session = simulate(INTERVALS, relay_heart_rate=relay)
    samples = rower_samples(session)
    first_catch_s = session.truth.stretches[1].start_s
    flags = {f.payload[:2].hex() for f in session.frames if f.channel == "2ad1"}
    assert flags == {"2c0b" if relay else "2c09"}
    for sample in samples:
        t_s = sample.t_ns / 1e9
        truth = stretch_at(session, sample.t_ns)
        assert sample.distance_m is not None
        assert sample.stroke_count is not None
        assert sample.energy_kcal is not None
        assert sample.elapsed_s is not None
        assert truth.start_distance_m - 1 <= sample.distance_m <= truth.end_distance_m
        assert truth.start_strokes <= sample.stroke_count <= truth.end_strokes
        assert truth.start_energy_kcal - 1 <= sample.energy_kcal <= truth.end_energy_kcal
        assert -0.005 <= max(t_s - first_catch_s, 0) - sample.elapsed_s < 1.01
        assert sample.complete
        assert not sample.truncated
    for stretch in session.truth.stretches:
        # At 2 Hz and 5 m/s at most, plus the metre that is cut off.
        last = [s for s in samples if s.t_ns / 1e9 <= stretch.end_s][-1]
        assert last.distance_m is not None
        assert stretch.end_distance_m - last.distance_m < 5 * 0.51 + 1
    gaps = [b.t_ns - a.t_ns for a, b in pairwise(samples)]
    assert all(abs(gap - 500_000_000) <= 4_100_000 for gap in gaps)
    assert len(set(gaps)) > 100, "stamps jitter"


def test_moving_time_stands_still_with_the_wheel() -> None:
    session = simulate([metres(250), REST, metres(250)], moving_time_only=True)
    elapsed = rower_samples(session)[-1].elapsed_s
    rest = session.truth.stretches[1]
    coasting_s = 5.0
    assert elapsed is not None
    assert elapsed == pytest.approx(session.truth.end_s - rest.duration_s + coasting_s, abs=1.6)


def test_after_stopping_the_machine_shows_zeros() -> None:
    session = simulate([metres(100), REST])
    last = rower_samples(session)[-1]
    assert (last.stroke_rate_spm, last.pace_s_per_500m, last.power_w) == (0, 0, 0)


def test_heart_rate_is_a_heart_rate() -> None:
    session = simulate([Stretch(kind="wait", seconds=60), metres(2000), *[REST] * 4])
    readings = heart_rates(session)
    assert all(40 <= reading.heart_rate_bpm <= 200 for reading in readings)
    assert all(reading.contact is True for reading in readings)
    assert all(abs(b.heart_rate_bpm - a.heart_rate_bpm) <= 5 for a, b in pairwise(readings)), (
        "it has inertia"
    )
    intervals = [rr for reading in readings for rr in reading.rr_ms or ()]
    assert sum(intervals) / 1000 == pytest.approx(session.truth.end_s, abs=3)
    assert {len(reading.rr_ms or ()) for reading in readings} >= {0, 1, 2, 3}
    # Heart rate from the intervals alone, over the work, against the truth.
    work = session.truth.stretches[1]
    told = [r for r in readings if work.start_s + 2 < r.t_ns / 1e9 < work.end_s]
    beats = [rr for reading in told for rr in reading.rr_ms or ()]
    assert 60_000 * len(beats) / sum(beats) == pytest.approx(work.mean_heart_rate_bpm, abs=2.5)
    mean = sum(reading.heart_rate_bpm for reading in told) / len(told)
    assert mean == pytest.approx(work.mean_heart_rate_bpm, abs=1.5)
    assert session.truth.stretches[-1].end_heart_rate_bpm < work.end_heart_rate_bpm - 40


def test_exercises_off_the_machine_move_only_the_heart() -> None:
    script = [
        Stretch(kind="exercise", activity="kettlebell swings", seconds=30),
        Stretch(kind="rest", seconds=15),
    ] * 4
    session = simulate(script, rower=None)
    assert {frame.source for frame in session.frames} == {"strap"}
    assert session.truth.distance_m == 0
    assert session.truth.stretches[-2].activity == "kettlebell swings"
    assert session.truth.stretches[-2].end_heart_rate_bpm > 110


def test_an_unplanned_stop_stays_within_the_piece() -> None:
    script = [Stretch(kind="work", distance_m=500, stop_after_s=40, stop_s=20)]
    (piece,) = simulate(script).truth.stretches
    ((start, end),) = piece.pauses
    assert 40 <= start < 43
    assert end - start == pytest.approx(20, abs=1e-5)
    assert piece.distance_m == 500
    assert piece.duration_s > 125


def test_pieces_that_follow_each_other_are_one_row() -> None:
    whole = simulate([metres(500)]).truth
    halves = simulate([metres(250), metres(250)]).truth
    assert halves.stretches[0].end_distance_m == 250
    assert halves.distance_m == 500
    assert halves.stroke_count == pytest.approx(whole.stroke_count, abs=4)


def test_work_by_energy_and_rest_by_heart_rate_end_where_they_should() -> None:
    script = [
        Stretch(kind="work", energy_kcal=20),
        Stretch(kind="rest", below_bpm=130, seconds=300),
        metres(100),
    ]
    work, rest, _ = simulate(script).truth.stretches
    assert work.energy_kcal == pytest.approx(20, abs=1e-9)
    assert 129 < rest.end_heart_rate_bpm <= 130
    assert rest.duration_s < 120


# --- the S4 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
def test_the_s4_agrees_with_the_truth(seed: int) -> None:
    session = simulate([WAIT, metres(300), REST], rower="s4", seed=seed, strap=False)
    decoder = S4Decoder()
    records = [record for frame in session.frames for record in decoder.decode(frame)]
    assert not [record for record in records if isinstance(record, Undecoded)]
    piece = session.truth.stretches[1]
    samples = [record for record in records if isinstance(record, RowerSample)]
    for sample in samples:
        if sample.distance_m is not None:
            truth = stretch_at(session, sample.t_ns)
            # Whole steps of 35 cm, cut to whole metres, in chunks that may come a tick later.
            assert truth.start_distance_m - 1.6 <= sample.distance_m
            assert sample.distance_m <= truth.end_distance_m + 0.5
    last = [s.distance_m for s in samples if s.distance_m is not None][-1]
    assert last == pytest.approx(session.truth.distance_m, abs=1.4)
    counts = [s.stroke_count for s in samples if s.stroke_count is not None]
    assert counts[-1] == piece.strokes
    energy = [s.energy_kcal for s in samples if s.energy_kcal is not None]
    # A stroke's energy is counted with the next catch: that of the last one never.
    stroke_kcal = session.truth.energy_kcal / piece.strokes
    assert 0 < session.truth.energy_kcal - energy[-1] < 1.1 * stroke_kcal
    assert len({r.number for r in records if isinstance(r, Stroke)}) == pytest.approx(
        piece.strokes, abs=1
    )
    stream = b"".join(f.payload for f in session.frames if f.channel == "rx")
    assert stream.count(b"SS\r\n") == piece.strokes
    assert stream.count(b"SE\r\n") == piece.strokes
    chunks = [f.payload for f in session.frames if f.channel == "rx"]
    assert any(not chunk.endswith(b"\n") for chunk in chunks), "chunks split lines"


def test_an_s4_begins_with_a_former_row_until_reset() -> None:
    session = simulate([WAIT, metres(100)], rower="s4", stale=True, reset_at_s=3.0)
    decoder = S4Decoder()
    seen: list[tuple[int, float]] = []
    restarts = []
    for frame in session.frames:
        if frame.source != "rower":
            continue
        for record in decoder.decode(frame):
            if isinstance(record, RowerSample) and record.distance_m is not None:
                seen.append((record.t_ns, record.distance_m))
            if isinstance(record, MachineState):
                restarts.append(record.t_ns)
    assert seen[0][1] == pytest.approx(52, abs=1)
    after = [distance for t_ns, distance in seen if 3.5e9 < t_ns < 5e9]
    assert after
    assert set(after) == {0}
    assert seen[-1][1] == pytest.approx(100, abs=3)
    sent = [f.payload for f in session.frames if f.sent]
    assert sent.count(b"RESET\r\n") == 1
    assert sent[0] == b"USB\r\n"


# --- faults ----------------------------------------------------------------------------------


def test_garbage_is_not_decodable_and_the_rest_is() -> None:
    session = simulate(INTERVALS, faults=["garbage"])
    decoders: dict[str, Decoder] = {
        "rower": ftms.RowerDecoder(),
        "strap": heart_rate.StrapDecoder(),
    }
    for source, decoder in decoders.items():
        records = [r for f in session.frames if f.source == source for r in decoder.decode(f)]
        undecoded = sum(isinstance(record, Undecoded) for record in records)
        assert 3 < undecoded < 0.1 * len(records)
    clean = simulate(INTERVALS)
    assert [s.distance_m for s in rower_samples(session)] == [
        s.distance_m for s in rower_samples(clean)
    ]


def test_split_records_join_to_the_whole_ones() -> None:
    session = simulate(INTERVALS, faults=["split"])
    flags = [f.payload[:2].hex() for f in session.frames if f.channel == "2ad1"]
    assert set(flags) == {"ff0a", "0001"}
    joined = list(ftms.assemble(rower_samples(session)))
    assert all(sample.complete for sample in joined)
    whole = rower_samples(simulate(INTERVALS))
    assert [(s.distance_m, s.stroke_count, s.energy_kcal) for s in joined] == [
        (s.distance_m, s.stroke_count, s.energy_kcal) for s in whole
    ]


@pytest.mark.parametrize("rower", ["ftms", "s4"])
def test_a_dropped_link_says_so_and_counters_go_on(rower: str) -> None:
    fault = Fault(name="drop", at_s=20, seconds=8)
    session = simulate([metres(500)], rower=rower, faults=[fault], strap=False)  # type: ignore[arg-type]
    decoder = ftms.RowerDecoder() if rower == "ftms" else S4Decoder()
    records = [record for frame in session.frames for record in decoder.decode(frame)]
    links = [record for record in records if isinstance(record, Link)]
    assert [link.up for link in links] == [True, False, True]
    down_s, up_s = links[1].t_ns / 1e9, links[2].t_ns / 1e9
    assert down_s == pytest.approx(20, abs=0.6)
    assert up_s == pytest.approx(28, abs=0.6)
    assert not [f for f in session.frames if down_s < f.t_ns / 1e9 < up_s and f.channel != "link"]
    assert happened(session, "drop") == pytest.approx((down_s, up_s), abs=0.02)
    distances = [r.distance_m for r in records if isinstance(r, RowerSample) and r.distance_m]
    assert distances[-1] == pytest.approx(500, abs=3)


def test_drop_hits_the_strap_when_there_is_no_rower() -> None:
    session = simulate([Stretch(kind="exercise", seconds=90)], rower=None, faults=["drop"])
    links = [frame.payload for frame in session.frames if frame.channel == "link"]
    assert links == [b"up", b"down connection lost", b"up"]


def test_silence_is_silent_while_rowing() -> None:
    session = simulate([metres(500)], faults=["silent"])
    start, end = happened(session, "silent")
    assert end - start >= 4
    samples = rower_samples(session)
    assert not [s for s in samples if start - 0.01 <= s.t_ns / 1e9 <= end]
    assert [frame for frame in session.frames if frame.channel == "link"][2:] == []
    assert any(start < frame.t_ns / 1e9 < end for frame in session.frames), "the strap goes on"


def test_a_reset_starts_the_counters_at_zero() -> None:
    session = simulate([metres(500), REST], faults=["reset"])
    start, _ = happened(session, "reset")
    samples = rower_samples(session)
    (index,) = [i for i, (a, b) in enumerate(pairwise(samples)) if b.distance_m < a.distance_m]  # type: ignore[operator]
    after = samples[index + 1]
    assert after.t_ns / 1e9 == pytest.approx(start, abs=0.01)
    assert (after.distance_m, after.stroke_count, after.elapsed_s, after.energy_kcal) == (0,) * 4
    assert session.truth.distance_m > 500, "the truth goes on"


def test_16_bit_counters_come_round() -> None:
    samples = rower_samples(simulate([metres(500)], faults=["wrap"]))
    for name in ("stroke_count", "elapsed_s"):
        values = [getattr(sample, name) for sample in samples]
        assert max(values) >= 65534
        assert sum(b < a for a, b in pairwise(values)) == 1


def test_the_s4_distance_comes_round() -> None:
    session = simulate([metres(300)], rower="s4", faults=["wrap"], strap=False)
    stream = b"".join(f.payload for f in session.frames if f.channel == "rx")
    values = [int(line[6:], 16) for line in stream.split(b"\r\n") if line.startswith(b"IDD055")]
    assert values[0] in range(65_449, 65_452)
    assert sum(b < a for a, b in pairwise(values)) == 1
    assert values[-1] == pytest.approx(65_450 + 300 - 65_536, abs=4)


def test_a_frozen_machine_keeps_its_last_values() -> None:
    session = simulate([metres(100), REST], faults=["frozen"])
    start, _ = happened(session, "frozen")
    frozen = [s for s in rower_samples(session) if s.t_ns / 1e9 > start]
    assert len(frozen) > 20
    assert len({(s.stroke_rate_spm, s.pace_s_per_500m, s.power_w) for s in frozen}) == 1
    assert frozen[0].power_w


def test_a_strap_off_the_chest_holds_its_last_value() -> None:
    session = simulate([metres(500)], faults=["contact"])
    start, end = happened(session, "contact")
    off = [r for r in heart_rates(session) if r.contact is False]
    assert len(off) >= 8
    assert all(start - 0.01 <= r.t_ns / 1e9 <= end + 0.01 for r in off)
    assert len({r.heart_rate_bpm for r in off}) == 1
    assert all(r.rr_ms is None for r in off)


def test_spikes_are_absurd_and_short() -> None:
    session = simulate([metres(500)], faults=["spike"])
    hearts = [r for r in heart_rates(session) if r.heart_rate_bpm > 220]
    rates = [s for s in rower_samples(session) if (s.stroke_rate_spm or 0) > 100]
    assert 1 <= len(hearts) <= 4
    assert 1 <= len(rates) <= 8
    assert all(sample.pace_s_per_500m == 21 for sample in rates)


@pytest.mark.parametrize("rower", ["ftms", "s4", None])
@pytest.mark.parametrize("seed", range(3))
def test_all_faults_at_once_keep_the_order(rower: str | None, seed: int) -> None:
    session = simulate(INTERVALS, rower=rower, seed=seed, faults=FAULTS)  # type: ignore[arg-type]
    assert all(a.t_ns <= b.t_ns for a, b in pairwise(session.frames))
    assert session.frames[-1].t_ns / 1e9 <= session.truth.end_s


def test_wrong_calls_are_told() -> None:
    with pytest.raises(CallError, match="'melt' is no fault"):
        simulate([WAIT], faults=["melt"])
    with pytest.raises(CallError, match="records a second"):
        simulate([WAIT], rate_hz=0)
    with pytest.raises(CallError, match="needs a rower or a strap"):
        simulate([WAIT], rower=None, strap=False)
    with pytest.raises(ValueError, match="must end"):
        Stretch(kind="work")
    with pytest.raises(ValueError, match="above 0"):
        Stretch(kind="work", distance_m=-5)


# --- living on and on ------------------------------------------------------------------------


def test_a_script_without_end_runs_in_flat_memory() -> None:
    endless = (metres(500) if n % 2 == 0 else REST for n in count())
    simulator = Simulator(endless)
    frames = iter(simulator)
    last = next(islice(frames, 2000, None))
    tracemalloc.start()
    try:
        for frame in islice(frames, 8000):
            assert frame.t_ns >= last.t_ns
            last = frame
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert last.t_ns > 3000e9, "most of an hour"
    assert grown < 300_000
    assert len(simulator.truth.stretches) > 30
