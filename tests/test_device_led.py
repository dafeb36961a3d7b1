"""A workout that the monitor holds: its intervals are the segments, or agree with the plan's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from rowlog import summary
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.rebuild import rebuild
from rowlog.replaying import replay_file
from rowlog.resegment import resegment
from rowlog.segments import Segment
from rowlog.simulating import held_by, script_for
from rowlog.structuring import derive
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame, FramesHeader, SourceHeader, write_frames
from rowlog_drivers.records import MachineState, Stroke
from rowlog_drivers.simulator import Simulation, Stretch, StretchTruth, simulate
from tests.test_monitor import recording

SECOND: Final = 1_000_000_000
SOURCE: Final = SourceHeader(name="rower", driver="pm5")
PLANS: Final = (
    "3x150m/0:30r",
    "3x0:45/0:20r",
    "2x10cal/0:30r",
    "500m",
    "2:00",
    "30cal",
    "v300m/0:40r+1:00/...r+15cal",
    "2x200m/...r",
    "2x150m",
)


@cache
def rowed(text: str, rate_hz: float = 10.0) -> Simulation:
    """The plan, rowed on a PM5 that was programmed with it."""
    plan = parse(text)
    program = held_by(plan)
    assert program
    return simulate(
        script_for(plan),
        rower="pm5",
        strap=False,
        rate_hz=rate_hz,
        program=program,
        relay_heart_rate=True,
    )


def derived(
    frames: Iterable[Frame], text: str | None, end_s: float | None = None
) -> tuple[list[Segment], SessionTotals, list[Fact]]:
    facts: list[Fact] = []
    totals: SessionTotals | None = None
    end_ns = None if end_s is None else round(end_s * SECOND)
    plan = parse(text) if text is not None else None
    for found, totals in derive(frames, make_decoding([SOURCE]), plan, end_ns):  # noqa: B007
        facts += found
    assert totals is not None
    told = {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    return [told[index] for index in sorted(told)], totals, facts


def pieces(sim: Simulation) -> list[StretchTruth]:
    return [one for one in sim.truth.stretches if one.kind != "wait"]


@pytest.mark.parametrize("text", PLANS)
@pytest.mark.parametrize("planned", [False, True], ids=["no plan", "with the plan"])
def test_intervals_are_found_to_a_hundredth_of_a_second(text: str, planned: bool) -> None:
    sim = rowed(text)
    segments, totals, _ = derived(sim.frames, text if planned else None, sim.truth.end_s)
    truth = pieces(sim)
    assert [one.kind for one in segments] == [one.kind for one in truth]
    plan = parse(text)
    for segment, happened, piece in zip(segments, truth, plan.pieces, strict=True):
        # The clock tells hundredths, down, the radio is some milliseconds late. The end of the
        # workout is told by the first status after it; and where calories or a rest without a
        # length end the work, its clock does not stop.
        slack_s = 0.35 if "cal" in text or "..." in text else 0.025
        at_end = max(slack_s, 0.12) if happened is truth[-1] else slack_s
        end_s = happened.end_s
        if happened is truth[-1] and plan.pieces[-1].target.type == "open":
            end_s = sim.truth.end_s  # nothing ends it but the session
        assert segment.start.t_ns / SECOND == pytest.approx(happened.start_s, abs=slack_s)
        assert segment.end.t_ns / SECOND == pytest.approx(end_s, abs=at_end)
        figures = segment.figures
        if happened.kind == "rest":
            assert segment.ended_by in ("device", "rest_over", "end")
            continue
        assert segment.ended_by == ("target" if planned else "device")
        assert segment.target == piece.target
        if piece.target.type == "distance":
            assert figures.distance_m == piece.target.value
            assert figures.duration_s == pytest.approx(happened.duration_s, abs=0.021)
        elif piece.target.type == "time":
            assert figures.duration_s == pytest.approx(piece.target.value)
            assert figures.distance_m == pytest.approx(happened.distance_m, abs=0.45)
        assert figures.mean_heart_rate_bpm == pytest.approx(happened.mean_heart_rate_bpm, abs=1)
    # No restart of its counters was a fault, no rest a pause, and no metre was lost.
    assert (totals.machine_resets, totals.gaps) == (0, 0)
    rests = sum(one.kind == "rest" for one in truth)
    assert totals.distance_m == pytest.approx(truth[-1].end_distance_m, abs=0.15 + rests)
    numbers = [one.number for one in derived(sim.frames, None)[2] if isinstance(one, Stroke)]
    # Strokes after the end of the workout are counted by nobody.
    assert numbers == list(range(1, truth[-1].end_strokes + 1))
    assert totals.stroke_count == truth[-1].end_strokes


def test_each_interval_has_what_the_monitor_says_of_it() -> None:
    sim = rowed("3x150m/0:30r")
    segments, _, _ = derived(sim.frames, None)
    work = [one.figures for one in segments if one.kind == "work"]
    # The paper monitor's drag factor rises by one with each interval.
    assert [one.drag_factor for one in work] == [118, 119, 120]
    for figures, happened in zip(work, pieces(sim)[::2], strict=True):
        # Power is that of the mean pace, energy whole, as the monitor has them.
        speed = 150 / happened.duration_s
        assert figures.mean_power_w == pytest.approx(2.80 * speed**3, abs=1.5)
        assert figures.energy_kcal == round(happened.energy_kcal)
        origins = dict(figures.origins)
        assert origins["mean_power_w"] == origins["drag_factor"] == "machine"
        assert origins["distance_m"] == "measured"


def test_a_free_row_after_the_workout_is_a_piece_of_its_own() -> None:
    script = [
        Stretch(kind="wait", seconds=3.0),
        Stretch(kind="work", distance_m=200.0),
        Stretch(kind="wait", seconds=12.0),
        Stretch(kind="work", distance_m=100.0),
        Stretch(kind="wait", seconds=3.0),
    ]
    program = held_by(parse("200m"))
    frames = simulate(script, rower="pm5", strap=False, program=program).frames
    again = simulate(script[3:], rower="pm5", strap=False).frames
    # The workout, and what follows it when a free row is chosen on the monitor.
    later_ns = frames[-1].t_ns
    frames = (*frames, *(replace(one, t_ns=one.t_ns + later_ns) for one in again[10:]))
    segments, totals, _ = derived(frames, None)
    assert [one.kind for one in segments] == ["work", "work"]
    assert segments[0].ended_by == "device"
    assert segments[0].figures.distance_m == 200.0
    assert segments[1].target is None
    # With the metres in which the wheel runs out, that a free row counts.
    assert segments[1].figures.distance_m == pytest.approx(108, abs=2)
    assert totals.distance_m == pytest.approx(308, abs=2)
    assert totals.machine_resets == 0


def test_a_recording_that_begins_within_an_interval() -> None:
    sim = rowed("3x150m/0:30r")
    (first, *_) = pieces(sim)
    began_ns = round((first.start_s + 10) * SECOND)
    frames = [one for one in sim.frames if one.t_ns >= began_ns]
    segments, _, _ = derived(frames, None, sim.truth.end_s)
    assert [one.kind for one in segments] == ["work", "rest"] * 3
    assert segments[0].start.t_ns / SECOND == pytest.approx(first.start_s + 10, abs=0.15)
    assert segments[0].end.t_ns / SECOND == pytest.approx(first.end_s, abs=0.03)
    assert segments[2].figures.distance_m == pytest.approx(150.0)


@pytest.mark.parametrize("rate", [0.99, 1.01], ids=["its clock is fast", "its clock is slow"])
def test_a_monitor_whose_clock_is_off_by_a_hundredth_loses_no_metre(rate: float) -> None:
    """Eight rests of a minute put the plan's clock off by five seconds, were it alone."""
    text = "8x150m/1:00r"
    frames = [replace(one, t_ns=round(one.t_ns * rate)) for one in rowed(text, 2.0).frames]
    segments, totals, _ = derived(frames, text)
    assert [one.kind for one in segments] == ["work", "rest"] * 8
    truth = pieces(rowed(text, 2.0))
    for segment, happened in zip(segments, truth, strict=True):
        assert segment.start.t_ns / SECOND == pytest.approx(happened.start_s * rate, abs=0.65)
        if happened.kind == "work":
            assert segment.figures.distance_m == 150.0
            # By the monitor's clock, as long as it took.
            assert segment.figures.duration_s == pytest.approx(happened.duration_s, abs=0.65)
    assert totals.work_distance_m == 1200.0


def test_where_plan_and_monitor_differ_the_plan_rules() -> None:
    sim = rowed("3x150m/0:30r")
    segments, _, _ = derived(sim.frames, "100m/0:10r+2:00", sim.truth.end_s)
    assert [(one.kind, one.ended_by) for one in segments if one.kind != "pause"][:2] == [
        ("work", "target"),
        ("rest", "rest_over"),
    ]
    assert segments[0].figures.distance_m == 100.0
    assert segments[1].figures.duration_s == pytest.approx(10.0)
    assert segments[2].target == parse("2:00").pieces[0].target


def without_link(sim: Simulation, from_s: float, to_s: float) -> list[Frame]:
    """The row as it is heard when the link is lost between two instants."""
    lost = (round(from_s * SECOND), round(to_s * SECOND))
    frames = [one for one in sim.frames if not lost[0] < one.t_ns < lost[1]]
    at = next(n for n, one in enumerate(frames) if one.t_ns >= lost[1])
    down = Frame(t_ns=lost[0], source="rower", channel="link", payload=b"down lost")
    up = Frame(t_ns=lost[1], source="rower", channel="link", payload=b"up")
    frames[at:at] = [down, up]
    return frames


@pytest.mark.parametrize("rest_s", [0.5, 12.0])
@pytest.mark.parametrize("planned", [False, True], ids=["no plan", "with the plan"])
@pytest.mark.parametrize("text", ["2x150m/0:30r", "2x0:45/0:30r"])
def test_link_lost_at_the_end_of_an_interval_makes_no_pause_of_it(
    text: str, planned: bool, rest_s: float
) -> None:
    """For its last 10 s and the beginning of the rest nothing is heard; the monitor counted on."""
    sim = rowed(text)
    first = pieces(sim)[0]
    frames = without_link(sim, first.end_s - 10, first.end_s + rest_s)
    segments, totals, _ = derived(frames, text if planned else None, sim.truth.end_s)
    assert [one.kind for one in segments] == ["work", "rest", "work", "rest"]
    for segment, happened in zip(segments[::2], pieces(sim)[::2], strict=True):
        assert segment.figures.duration_s == pytest.approx(happened.duration_s, abs=0.025)
        metres = happened.end_distance_m - happened.start_distance_m
        assert segment.figures.distance_m == pytest.approx(metres, abs=0.45)
    # Strokes are told by the monitor's word of the interval, which is said once, at its end.
    if rest_s < 1:
        assert totals.stroke_count == pieces(sim)[-1].end_strokes


def test_link_lost_between_two_intervals_keeps_both() -> None:
    """From the middle of the first to the middle of the second nothing is heard."""
    sim = rowed("3x150m/0:30r", 4.0)
    first, _, second, *_ = pieces(sim)
    frames = without_link(sim, first.end_s - 10, second.start_s + 10)
    segments, totals, _ = derived(frames, None, sim.truth.end_s)
    work = [one for one in segments if one.kind == "work"]
    assert len(work) == 3
    # The second began when its clock says; the rest before it was not heard, nor its metres.
    assert work[1].start.t_ns / SECOND == pytest.approx(second.start_s, abs=0.05)
    assert work[1].figures.distance_m == pytest.approx(150.0)
    assert work[2].figures.distance_m == 150.0
    assert totals.distance_m == pytest.approx(sim.truth.distance_m, abs=12)


# A real monitor, through the code of `rowlog replay`


@pytest.mark.parametrize("plan", [None, "100m"])
def test_a_real_row_is_told_as_its_monitor_told_it(
    captures: Path, tmp_path: Path, plan: str | None
) -> None:
    frames = recording(captures)
    file, database = tmp_path / "row.frames", tmp_path / "rowlog.db"
    write_frames(file, FramesHeader(sources=(SOURCE,)), frames)
    number = replay_file(file, database, plan=None if plan is None else parse(plan))
    shown = summary.load(database, number)
    (segment,) = shown.segments
    told: Sequence[object] = (shown.session, segment)
    for one in told:
        assert one.mean_pace_s_per_500m == pytest.approx(125.0)  # type: ignore[attr-defined]
        assert one.mean_stroke_rate_spm == 24  # type: ignore[attr-defined]
        assert one.mean_power_w == 179  # type: ignore[attr-defined]
        assert one.energy_kcal == 6  # type: ignore[attr-defined]
        assert one.stroke_count == 10  # type: ignore[attr-defined]
        assert one.drag_factor == 98  # type: ignore[attr-defined]
        assert one.distance_m == 100.0  # type: ignore[attr-defined]
    assert segment.duration_s == pytest.approx(25.0)
    assert shown.session.work_s == 25.0
    assert segment.ended_by == ("device" if plan is None else "target")
    assert segment.target is not None
    assert (segment.target.type, segment.target.value) == ("distance", 100.0)


def test_the_steps_of_a_real_row_have_their_instants(captures: Path) -> None:
    _, _, facts = derived(recording(captures), None)
    steps = [
        one for one in facts if isinstance(one, MachineState) and isinstance(one.parameter, tuple)
    ]
    assert [one.state for one in steps][-2:] == ["workout_row", "workout_end"]
    (began, ended) = (one.t_ns / SECOND - one.parameter[0] for one in steps[-2:])  # type: ignore[index]
    # 25.00 s by its clock; a status comes every half second, and not to the millisecond.
    assert ended - began == pytest.approx(25.0, abs=0.3)


@pytest.mark.parametrize("plan", [None, "3x150m/0:30r"])
def test_a_stored_session_knows_that_the_machine_cut_it(tmp_path: Path, plan: str | None) -> None:
    sim = rowed("3x150m/0:30r", 2.0)
    file, database = tmp_path / "row.frames", tmp_path / "rowlog.db"
    header = FramesHeader(sources=sim.sources, end_ns=round(sim.truth.end_s * SECOND))
    write_frames(file, header, sim.frames)
    number = replay_file(file, database, plan=None if plan is None else parse(plan))
    shown = summary.load(database, number)
    origins = [one.origin for one in shown.segmentations]
    assert origins == (["device"] if plan is None else ["plan"])
    if plan is not None:
        resegment(database, number, "device")
        shown = summary.load(database, number, "device")
    assert [one.ended_by for one in shown.segments] == ["device"] * 6
    assert [one.drag_factor for one in shown.segments[::2]] == [118, 119, 120]
    assert [one.target for one in shown.segments[::2]] == [("distance", 150.0)] * 3
    rebuild(database)
    assert summary.load(database, number, "device") == shown
