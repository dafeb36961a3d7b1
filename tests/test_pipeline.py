"""Whole sessions through the real path: simulated ones with their truth, and strangers' bytes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog.derivation import Derivation
from rowlog.intervals import Segment, Split
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.structuring import derive
from rowlog.timeline import Anomaly, Gap
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.records import HeartRate, Link, Stroke
from rowlog_drivers.simulator import FAULTS, Simulation, Stretch, simulate

S = 1_000_000_000

SAMPLE_S = 0.5
"""The simulated FTMS rower sends twice a second, the S4 is asked for its registers as often."""
METRE_S = 0.25
"""One count of distance takes about so long."""


def work(**ends: float) -> Stretch:
    return Stretch(kind="work", **ends)  # type: ignore[arg-type]


def rest(seconds: float, *, paddling: bool = False) -> Stretch:
    return Stretch(kind="rest", seconds=seconds, paddling=paddling)


WAIT = Stretch(kind="wait", seconds=4)
AFTER = Stretch(kind="rest", seconds=5)
"""What is still sent after the last piece."""

SESSIONS: dict[str, tuple[Stretch, ...]] = {
    "4x500m/1:30r": (WAIT, *(work(distance_m=500), rest(90)) * 4),
    "6x1:00/1:00r": (WAIT, *(work(seconds=60), rest(60, paddling=True)) * 6),
    "2000m": (WAIT, work(distance_m=2000), AFTER),
    "v500m/1:00r+1000m/2:00r": (
        WAIT,
        *(work(distance_m=500), rest(60)),
        *(work(distance_m=1000), rest(120)),
    ),
    "3x500m/...r": (
        WAIT,
        *(work(distance_m=500), rest(50)),
        *(work(distance_m=500), rest(70)),
        *(work(distance_m=500), rest(30)),
    ),
    "2x1000m/1:00r": (
        WAIT,
        *(work(distance_m=1000, stop_after_s=100, stop_s=20), rest(60)),
        *(work(distance_m=1000), rest(60)),
    ),
    "2x3:00/1:00r": (
        WAIT,
        *(work(seconds=180, stop_after_s=100, stop_s=20), rest(60)),
        *(work(seconds=180), rest(60)),
    ),
}


@cache
def simulated(text: str, rower: str, seed: int, fault: str | None = None) -> Simulation:
    return simulate(
        SESSIONS[text],
        rower=rower,  # type: ignore[arg-type]
        seed=seed,
        faults=() if fault is None else (fault,),
    )


def derived(
    frames: tuple[Frame, ...] | list[Frame],
    sources: tuple[SourceHeader, ...],
    text: str | None,
    end_ns: int | None = None,
) -> tuple[list[Fact], SessionTotals]:
    facts: list[Fact] = []
    totals = None
    plan = parse(text) if text is not None else None
    for batch, totals in derive(frames, make_decoding(sources), plan, end_ns):  # noqa: B007
        facts += batch
    assert totals is not None
    return facts, totals


def lived(text: str, sim: Simulation) -> tuple[list[Fact], SessionTotals]:
    return derived(sim.frames, sim.sources, text, round(sim.truth.end_s * S))


def segments_of(facts: list[Fact]) -> list[Segment]:
    latest = {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    return [latest[index] for index in sorted(latest)]


def check(
    text: str,
    sim: Simulation,
    facts: list[Fact],
    *,
    lost_s: float = 0.0,
    beats: bool = True,
) -> None:
    """Every rep is found where it was; `lost_s`: what a fault hides of the counters."""
    by_piece: dict[int | None, list[Segment]] = {}
    segments = segments_of(facts)
    for one, other in pairwise(segments):
        assert one.end.t_ns <= other.start.t_ns
    for segment in segments:
        by_piece.setdefault(segment.piece, []).append(segment)
    truths = [s for s in sim.truth.stretches if s.kind in ("work", "rest")]
    if text == "2000m":
        truths = truths[:1]
    assert list(by_piece) == list(range(len(truths)))
    slack_s = max(SAMPLE_S, METRE_S) + lost_s
    for truth, parts in zip(truths, by_piece.values(), strict=True):
        expected = ["work", "pause", "work"] if truth.pauses else [truth.kind]
        assert [part.kind for part in parts] == expected
        assert parts[0].start.t_ns / S == pytest.approx(truth.start_s, abs=slack_s)
        assert parts[-1].end.t_ns / S == pytest.approx(truth.end_s, abs=slack_s)
        metres = sum(part.figures.distance_m or 0 for part in parts)
        assert metres == pytest.approx(truth.distance_m, abs=2 + 4.5 * slack_s)
        if truth.kind == "work" and "m" in text:
            assert metres == pytest.approx(truth.distance_m, abs=1e-6)
        strokes = sum(part.figures.stroke_count or 0 for part in parts)
        assert strokes == pytest.approx(truth.strokes, abs=1 if lost_s == 0 else 2)
        mean = parts[0].figures.mean_heart_rate_bpm
        if len(parts) == 1 and beats:
            assert mean == pytest.approx(truth.mean_heart_rate_bpm, abs=1)
        for start_s, end_s in truth.pauses:
            pause = parts[1]
            # The wheel runs on for a few seconds after the last stroke.
            assert start_s - 1 < pause.start.t_ns / S < start_s + 7
            assert pause.end.t_ns / S == pytest.approx(end_s, abs=1)


@pytest.mark.parametrize("rower", ["ftms", "s4"])
@pytest.mark.parametrize("text", SESSIONS)
@pytest.mark.parametrize("seed", range(2))
def test_simulated_sessions_agree_with_their_truth(text: str, rower: str, seed: int) -> None:
    sim = simulated(text, rower, seed)
    facts, totals = lived(text, sim)
    check(text, sim, facts)
    truth = sim.truth
    assert totals.distance_m == pytest.approx(truth.distance_m, abs=2.5)
    # The last stroke may begin in the very last instant, after the last sample.
    assert truth.stroke_count - (totals.stroke_count or 0) in (0, 1)
    assert totals.mean_heart_rate_bpm == pytest.approx(truth.mean_heart_rate_bpm or 0, abs=1)
    if rower == "ftms":
        assert totals.energy_kcal == pytest.approx(truth.energy_kcal, abs=1.1)
    assert (totals.machine_resets, totals.gaps, totals.undecoded) == (0, 0, 0)


@pytest.mark.parametrize("rower", ["ftms", "s4"])
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("text", ["4x500m/1:30r", "6x1:00/1:00r"])
def test_no_fault_loses_a_rep_or_is_counted_as_rowing(text: str, fault: str, rower: str) -> None:
    sim = simulated(text, rower, 3, fault)
    facts, totals = lived(text, sim)
    # A restart hides what was rowed between the last sample before it and the restart; the S4
    # asks for its counters, so it may hide a second.
    check(text, sim, facts, lost_s=1.0 if fault == "reset" else 0.0, beats=fault != "contact")
    assert totals.machine_resets == (1 if fault == "reset" else 0)
    lost_m = 6 if fault == "reset" else 0
    assert sim.truth.distance_m - lost_m - 2.5 <= (totals.distance_m or 0)
    assert (totals.distance_m or 0) <= sim.truth.distance_m + 1
    happened = {one.name for one in sim.truth.faults}
    if fault == "drop":
        assert totals.link_losses == 1
        assert [fact.cause.split(":")[0] for fact in facts if isinstance(fact, Gap)] == ["link"]
    if fault == "silent":
        assert [fact.cause for fact in facts if isinstance(fact, Gap)] == ["silence"]
    if fault == "garbage" and fault in happened:
        assert totals.undecoded > 0
    assert (totals.max_heart_rate_bpm or 0) < 190


@given(st.integers(4, 10_000), st.sampled_from(sorted(SESSIONS)), st.sampled_from(["ftms", "s4"]))
@settings(max_examples=12, deadline=None)
def test_any_seed_agrees_with_its_truth(seed: int, text: str, rower: str) -> None:
    sim = simulate(SESSIONS[text], rower=rower, seed=seed)  # type: ignore[arg-type]
    check(text, sim, lived(text, sim)[0])


def test_reps_by_energy_agree_with_their_truth() -> None:
    script = [WAIT, *(s for _ in range(4) for s in (work(energy_kcal=20), rest(60)))]
    sim = simulate(script, seed=2)
    facts, _ = lived("4x20cal/1:00r", sim)
    segments = segments_of(facts)
    truths = [s for s in sim.truth.stretches if s.kind in ("work", "rest")]
    assert [s.kind for s in segments] == [t.kind for t in truths]
    for segment, truth in zip(segments, truths, strict=True):
        # One count of energy takes about three seconds.
        assert segment.end.t_ns / S == pytest.approx(truth.end_s, abs=3.5)
    assert [s.figures.energy_kcal for s in segments[::2]] == [20] * 4


# Live and later


def live(
    sim: Simulation, text: str, random: Random
) -> tuple[list[Frame], list[Fact], SessionTotals]:
    """As recorded: frames come in small batches, some late, and time goes on by itself."""
    decoding = make_decoding(sim.sources)
    derivation = Derivation(parse(text))
    emitted: list[Frame] = []
    facts: list[Fact] = []
    arriving = sorted(
        (frame.t_ns + (random.randrange(1_600_000_000) if random.random() < 0.05 else 0), at)
        for at, frame in enumerate(sim.frames)
    )
    # Within a source the order stands: a radio or a wire does not overtake itself.
    queues: dict[str, list[Frame]] = {}
    for frame in reversed(sim.frames):
        queues.setdefault(frame.source, []).append(frame)
    batch = []
    for now_ns, at in arriving:
        frame = queues[sim.frames[at].source].pop()
        batch.append(decoding.deliver(frame))
        if random.random() < 0.5:
            done = derivation.take(batch, max(now_ns, frame.t_ns))
            emitted += [d.frame for d in done.deliveries if d.frame is not None]
            facts += done.facts
            batch = []
    done = derivation.take(batch)
    end_ns = round(sim.truth.end_s * S) + 2 * S
    last, totals = derivation.finish(end_ns, decoding.finish(end_ns))
    for part in (done, last):
        emitted += [d.frame for d in part.deliveries if d.frame is not None]
        facts += part.facts
    return emitted, facts, totals


@given(st.integers(0, 1 << 32), st.sampled_from(["ftms", "s4"]), st.sampled_from([None, "drop"]))
@settings(max_examples=6, deadline=None)
def test_a_rebuild_from_the_stored_frames_gives_equal_facts(
    seed: int, rower: str, fault: str | None
) -> None:
    text = "6x1:00/1:00r"
    sim = simulated(text, rower, 3, fault)
    emitted, facts, totals = live(sim, text, Random(seed))
    assert len(emitted) == len(sim.frames)
    assert all(one.t_ns <= other.t_ns for one, other in pairwise(emitted))
    again, same = derived(emitted, sim.sources, text, round(sim.truth.end_s * S) + 2 * S)
    assert again == facts
    assert same == totals


def test_late_frames_are_counted() -> None:
    sim = simulated("6x1:00/1:00r", "ftms", 3)
    emitted, _, totals = live(sim, "6x1:00/1:00r", Random(5))
    assert totals.late_frames == sum(frame.late_ns > 0 for frame in emitted) > 0


# Strangers' machines


def recorded(path: Path) -> list[Frame]:
    """A recording of lines `milliseconds TAB text`, line ends escaped, as frames."""
    frames = []
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            milliseconds, _, text = line.partition("\t")
            payload = text.replace("\\r", "\r").replace("\\n", "\n").encode()
            frames.append(
                Frame(
                    t_ns=int(milliseconds) * 1_000_000,
                    source="rower",
                    channel="rx",
                    payload=payload,
                )
            )
    return frames


S4 = (SourceHeader(name="rower", driver="waterrower"),)


def test_an_s4_that_restarts_midway(captures: Path) -> None:
    frames = recorded(captures / "waterrower_ble" / "s4_2025-12-06_reset_midway.tsv")
    facts, totals = derived(frames, S4, None)
    # It still held an earlier row at first: none of that is counted.
    assert (totals.distance_m, totals.stroke_count, totals.machine_resets) == (142.0, 20, 1)
    assert sum(isinstance(fact, Stroke) for fact in facts) == 20
    resets = [f for f in facts if isinstance(f, Anomaly) and f.kind == "machine_reset"]
    assert [reset.source for reset in resets] == ["rower"]
    (segment,) = segments_of(facts)
    assert (segment.kind, segment.figures.stroke_count) == ("work", 20)


def test_an_s4_that_was_asked_for_watts_and_rate_alone(captures: Path) -> None:
    frames = recorded(captures / "waterrower_ble" / "s4_2024-02-11_watts_and_rate.tsv")
    facts, totals = derived(frames, S4, None)
    assert (totals.distance_m, totals.stroke_count) == (None, 72)
    assert sum(isinstance(fact, Stroke) for fact in facts) == 72
    assert totals.mean_pace_s_per_500m is None


def test_an_s4_with_its_pulses(captures: Path) -> None:
    frames = recorded(captures / "codefoster_waterrower" / "s4_32s_with_pulses.tsv")
    _, totals = derived(frames, S4, None)
    assert 116 <= (totals.distance_m or 0) <= 117
    assert totals.stroke_count == 12


@given(st.integers(0, 1 << 32))
@settings(max_examples=10, deadline=None)
def test_where_the_bytes_of_an_s4_were_cut_makes_no_difference(captures: Path, seed: int) -> None:
    random = Random(seed)
    frames = recorded(captures / "codefoster_waterrower" / "s4_32s_with_pulses.tsv")
    cut: list[Frame] = []
    for frame in frames:
        rest_of = frame.payload
        while rest_of:
            length = random.randint(1, len(rest_of))
            cut.append(replace(frame, payload=rest_of[:length]))
            rest_of = rest_of[length:]
    facts, totals = derived(frames, S4, None)
    again, same = derived(cut, S4, None)
    assert again == facts
    assert replace(same, frames=totals.frames) == totals


# Small promises


def test_facts_of_an_unknown_source_are_undecoded() -> None:
    frame = Frame(t_ns=0, source="ghost", channel="2ad1", payload=b"\x00")
    _, totals = derived([frame], (), None)
    assert (totals.frames, totals.undecoded, totals.activity) == (1, 1, "other")


def test_a_session_of_nothing_has_no_figures() -> None:
    facts, totals = derived([], (), None, 10 * S)
    assert facts == []
    assert totals.distance_m is None
    assert totals.origins == ()
    assert totals.work_s == 0


def test_every_figure_that_is_known_says_where_it_comes_from() -> None:
    _, totals = lived("4x500m/1:30r", simulated("4x500m/1:30r", "ftms", 0))
    origins = dict(totals.origins)
    assert origins["mean_pace_s_per_500m"] == "derived"
    assert origins["distance_m"] == "measured"
    for name in origins:
        assert getattr(totals, name) is not None
    assert "drag_factor" not in origins


def test_segments_and_splits_are_told_while_the_session_goes_on() -> None:
    sim = simulated("4x500m/1:30r", "ftms", 0)
    derivation = Derivation(parse("4x500m/1:30r"))
    decoding = make_decoding(sim.sources)
    told_at: dict[int, float] = {}
    splits = 0
    for frame in sim.frames:
        for fact in derivation.take([decoding.deliver(frame)]).facts:
            if isinstance(fact, Segment) and fact.index not in told_at:
                told_at[fact.index] = (frame.t_ns - fact.end.t_ns) / S
            splits += isinstance(fact, Split)
    # The sample after a boundary tells of it.
    assert len(told_at) == 7
    assert max(told_at.values()) < 1.1
    assert splits == 20


def test_strap_and_links_are_facts_too() -> None:
    sim = simulated("6x1:00/1:00r", "ftms", 3, "drop")
    facts, totals = lived("6x1:00/1:00r", sim)
    assert sum(isinstance(f, Link) and not f.up for f in facts) == totals.link_losses == 1
    assert sum(isinstance(f, HeartRate) for f in facts) > 700
    assert totals.heart_rate_source == "strap"
    assert totals.heart_rate_coverage == pytest.approx(1, abs=0.01)
