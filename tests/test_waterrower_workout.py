"""A workout that a WaterRower holds itself: its work and rest phases are the segments."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog import summary
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.rebuild import rebuild
from rowlog.replaying import replay_file
from rowlog.segments import Segment
from rowlog.simulating import OnPaper, held_by, script_for
from rowlog.simulating_serial import machine_of
from rowlog.structuring import derive
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import Frame, FramesHeader, SourceHeader, write_frames
from rowlog_drivers.protocols import waterrower as wr
from rowlog_drivers.protocols.waterrower_lines import LineFramer
from rowlog_drivers.protocols.waterrower_workout import Carried
from rowlog_drivers.records import MachineState, Record, RowerSample
from rowlog_drivers.simulator.s4_live import LiveS4
from rowlog_drivers.simulator.script import StretchTruth

SECOND: Final = 1_000_000_000
MS: Final = 1_000_000
STEP_MS: Final = 5
SOURCE: Final = SourceHeader(name="rower", driver="waterrower")
PLANS: Final = ("3x150m/0:30r", "3x0:45/0:20r", "300m", "1:30")


@cache
def rowed(text: str, *, pulses: bool = True) -> tuple[tuple[Frame, ...], list[StretchTruth]]:
    """The plan, rowed on an S4 that holds it and is polled as `record` does.

    `pulses`: False for a monitor that sends nothing of itself, as an S5 may be.
    """
    plan = parse(text)
    machine = LiveS4(script_for(plan), seed=3, program=held_by(plan))
    decoder = wr.S4Decoder()
    frames = [Frame(t_ns=0, source="rower", channel="link", payload=b"up")]
    framer = LineFramer()

    def put(payload: bytes, t_ms: int, *, sent: bool = False) -> None:
        if not pulses and not sent:
            lines = framer.feed(payload)
            told = [line for line in lines if not line.startswith((b"P0", b"P1", b"SS", b"SE"))]
            payload = b"".join(line + b"\r\n" for line in told)
        if payload:
            channel = "tx" if sent else "rx"
            frames.append(
                Frame(t_ns=t_ms * MS, source="rower", channel=channel, payload=payload, sent=sent)
            )
            decoder.decode(frames[-1])

    stretches = len(script_for(plan))
    t_ms = 0
    while len(machine.stretches) < stretches:
        t_ms += STEP_MS
        put(machine.advance(t_ms / 1000), t_ms)
        request = decoder.next_request(t_ms * MS)
        if request is not None:
            put(request.payload, t_ms, sent=True)
            put(machine.answer(request.payload), t_ms)
    return tuple(frames), [one for one in machine.stretches if one.kind != "wait"]


def derived(frames: tuple[Frame, ...]) -> tuple[list[Segment], SessionTotals, list[Fact]]:
    facts: list[Fact] = []
    totals: SessionTotals | None = None
    for found, totals in derive(frames, make_decoding([SOURCE]), None, None):  # noqa: B007
        facts += found
    assert totals is not None
    told = {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    return [told[index] for index in sorted(told)], totals, facts


@pytest.mark.parametrize("pulses", [True, False], ids=["pulses", "registers alone"])
@pytest.mark.parametrize("text", PLANS)
def test_the_monitors_phases_are_the_segments(text: str, pulses: bool) -> None:
    frames, truth = rowed(text, pulses=pulses)
    while truth[-1].kind == "rest":  # after its last interval the monitor holds no rest
        truth = truth[:-1]
    segments, totals, _ = derived(frames)
    assert [one.kind for one in segments][: len(truth)] == [one.kind for one in truth]
    for segment, happened in zip(segments, truth, strict=False):
        # Asked twice a second: half of that off at most, and what the answer takes.
        assert segment.start.t_ns / SECOND == pytest.approx(happened.start_s, abs=0.45)
        assert segment.end.t_ns / SECOND == pytest.approx(happened.end_s, abs=0.45)
        assert segment.ended_by == "device"
        assert segment.figures.distance_m == pytest.approx(happened.distance_m, abs=3.0)
    # No start of an interval was a fault of the machine, nor was anything counted twice.
    assert totals.machine_resets == 0
    assert totals.gaps == 0
    assert totals.distance_m == pytest.approx(truth[-1].end_distance_m, abs=12.0)
    assert totals.stroke_count == pytest.approx(truth[-1].end_strokes, abs=1)


def test_a_stored_session_knows_that_the_monitor_cut_it(tmp_path: Path) -> None:
    frames, truth = rowed(PLANS[0])
    file, database = tmp_path / "row.frames", tmp_path / "rowlog.db"
    write_frames(file, FramesHeader(sources=(SOURCE,), end_ns=frames[-1].t_ns), frames)
    number = replay_file(file, database)
    shown = summary.load(database, number)
    assert [one.origin for one in shown.segmentations] == ["device"]
    work = [one for one in shown.segments if one.kind == "work"]
    assert [one.ended_by for one in work] == ["device"] * 3
    assert shown.session.work_distance_m == pytest.approx(450, abs=4)
    happened_s = sum(one.duration_s for one in truth if one.kind == "work")
    assert shown.session.work_s == pytest.approx(happened_s, abs=1.5)
    rebuild(database)
    assert summary.load(database, number) == shown


def test_the_steps_are_asked_for_twice_a_second_beside_five_distances() -> None:
    frames, truth = rowed(PLANS[0], pulses=False)
    first_ns, last_ns = round(truth[0].start_s * SECOND), round(truth[-2].end_s * SECOND)
    asked = [one for one in frames if one.sent and first_ns < one.t_ns < last_ns]
    assert min(after.t_ns - before.t_ns for before, after in pairwise(asked)) >= 25 * MS
    seconds = (last_ns - first_ns) / SECOND
    for packet, least in ((b"IRS049", 1.8), (b"IRS00D", 1.8), (b"IRD055", 5.0)):
        assert sum(packet in one.payload for one in asked) / seconds >= least


def fed(*lines: tuple[int, str]) -> list[Record]:
    decoder = wr.S4Decoder()
    records: list[Record] = []
    for t_ms, line in lines:
        payload = f"{line}\r\n".encode()
        records += decoder.decode(
            Frame(t_ns=t_ms * MS, source="rower", channel="rx", payload=payload)
        )
    return records


def test_a_display_that_counts_down_counts_nothing() -> None:
    """057 falls to 0 in each interval of a distance workout, and jumps up with the next."""
    lines = [(0, "IDS03E40"), (1, "IDS04901"), (2, "SS")]
    for n in range(40):
        t_ms = 100 + n * 1000
        lines += [(t_ms, "P20")] * 11 + [(t_ms + 1, f"IDD057{(500 - 50 * n) % 500:04X}")]
    records = fed(*lines, (41_000, "PING"))
    told = [one.distance_m for one in records if isinstance(one, RowerSample)]
    metres = [one for one in told if one is not None]
    assert metres == sorted(metres)
    assert metres[-1] == pytest.approx(40 * 11 * 0.35)


def test_a_workout_that_is_set_but_not_begun_has_no_steps() -> None:
    records = fed((0, "IDS03E40"), (1, "IDS04901"), (500, "IDS04901"), (900, "IDS04902"))
    steps = [one for one in records if isinstance(one, MachineState) and one.parameter]
    assert steps == []


def test_without_a_workout_work_and_rest_are_only_told() -> None:
    records = fed((0, "IDS03E01"), (1, "IDS04901"), (2, "SS"), (9, "IDS04902"), (12, "IDS04901"))
    states = [(one.state, one.parameter) for one in records if isinstance(one, MachineState)]
    assert states == [("program", None), ("work", None), ("rest", None), ("work", None)]


def test_each_step_is_told_once_and_a_free_row_follows_the_end() -> None:
    records = fed(
        (0, "IDS03E80"),
        (1, "IDS04901"),
        (100, "SS"),
        (2500, "SS"),
        (3000, "IDS04901"),
        (3500, "IDS04902"),
        (3600, "IDS00DF1"),
        (4000, "IDS04902"),
        (4400, "IDS04901"),
        (9000, "IDS00DF0"),
        (9100, "IDS04900"),
        (12000, "SS"),
        (14500, "SS"),
    )
    steps = [
        (one.state, one.t_ns // MS, one.parameter)
        for one in records
        if isinstance(one, MachineState) and one.parameter
    ]
    assert steps == [
        ("interval_work_time", 100, (0.0,)),
        ("interval_rest", 3500, (0.25,)),
        ("interval_work_time", 4400, (0.2,)),
        ("workout_end", 9000, (0.0,)),
        ("workout_row", 12000, (0.0,)),
    ]


def test_a_restart_of_the_machine_outside_a_workout_is_still_one() -> None:
    records = fed((0, "IDD0550064"), (1000, "IDD0550003"))
    assert [one.distance_m for one in records if isinstance(one, RowerSample)] == [100, 3]


@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=9), min_size=1, max_size=9))
def test_a_counter_is_carried_over_any_intervals(intervals: list[list[int]]) -> None:
    """Each interval counts from 0: what is told never falls, and ends with the sum of all."""
    counter = Carried()
    told, total = [], 0
    for grown in intervals:
        now = 0
        told.append(counter.take(0, 0, carry=True))
        for step in grown:
            now += step
            told.append(counter.take(now, 0, carry=True))
        total += now
    assert told == sorted(told)
    assert told[-1] == total


def test_the_clock_goes_on_and_may_count_down() -> None:
    clock = Carried(clock=True)
    readings = ((0, 58), (1, 59), (2, 0), (3, 1))
    told = [clock.take(value, t_s * SECOND, carry=True) for t_s, value in readings]
    assert told == [58, 59, 60, 61]
    down = Carried(clock=True)
    falling = list(range(60, 0, -1))
    told = [down.take(value, n * SECOND, carry=True) for n, value in enumerate(falling)]
    assert told == falling


@pytest.mark.parametrize("text", ["3x150m", "500m/1:00r+2:00", "10x100m/0:30r", "20cal"])
def test_what_an_s4_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(CallError, match="WaterRower"):
        machine_of(OnPaper(plan=parse(text), held=True))


def test_a_simulated_monitor_holds_the_plan_when_told_to() -> None:
    """Register 03E: intervals by distance; none when the athlete only follows the plan."""
    for held, mode in ((True, 0x40), (False, 0)):
        machine = machine_of(OnPaper(plan=parse(PLANS[0]), held=held))
        machine.answer(b"USB\r\n")
        assert machine.answer(b"IRS03E\r\n") == f"IDS03E{mode:02X}\r\n".encode()
