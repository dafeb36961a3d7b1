"""What a link holds back and delivers at once: it is placed where the machine made it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.segments import Segment, Split
from rowlog.simulating import held_by, script_for
from rowlog.structuring import derive
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame
from rowlog_drivers.simulator import RowerKind, Simulation, simulate

SECOND = 1_000_000_000
PLANS = ("1000m", "3x1:00/0:30r", "3x150m/0:30r", "2x200m/...r")
STALLS = ((20.3, 2.5), (33.1, 6.0), (61.7, 9.0), (95.2, 14.0))
"""(since, seconds): from the work of a piece, over its end, over a start."""


def delayed(frames: tuple[Frame, ...], since_s: float, seconds: float) -> list[Frame]:
    """The same frames, where a link held those of a stretch back to its end, a little apart."""
    since_ns, until_ns = round(since_s * SECOND), round((since_s + seconds) * SECOND)
    late = 0
    told: list[Frame] = []
    for frame in frames:
        if since_ns <= frame.t_ns < until_ns:
            late += 1
            frame = replace(frame, t_ns=until_ns + late * 100_000)
        elif until_ns <= frame.t_ns < until_ns + late * 100_000:
            frame = replace(frame, t_ns=until_ns + late * 100_000)
        told.append(frame)
    return told


def derived(sim: Simulation, frames: list[Frame], text: str) -> tuple[list[Segment], list[Split]]:
    """Segments, and splits in order of their ends."""
    found: list[Fact] = []
    end_ns = round(sim.truth.end_s * SECOND)
    for facts, _ in derive(frames, make_decoding(sim.sources), parse(text), end_ns):
        found += facts
    segments = {one.index: one for one in found if isinstance(one, Segment)}
    splits = {(one.segment_index, one.index): one for one in found if isinstance(one, Split)}
    return [segments[at] for at in sorted(segments)], [splits[at] for at in sorted(splits)]


@pytest.mark.parametrize("text", PLANS)
@pytest.mark.parametrize(("rower", "held"), [("ftms", False), ("pm5", False), ("pm5", True)])
def test_what_came_late_in_one_go_bends_no_split(rower: RowerKind, held: bool, text: str) -> None:
    plan = parse(text)
    program = held_by(plan) if held else ()
    sim = simulate(script_for(plan), rower=rower, strap=False, seed=2, program=program)
    segments, splits = derived(sim, list(sim.frames), text)
    # A clock of whole seconds is run evenly; one that stands in rests is half a second off after.
    within_s = 0.05 if rower == "pm5" and not held else 0.6
    for since_s, seconds in STALLS:
        late, late_splits = derived(sim, delayed(sim.frames, since_s, seconds), text)
        told = f"{seconds} s from {since_s} s"
        assert [one.kind for one in late] == [one.kind for one in segments], told
        expected: list[Segment | Split] = [*segments, *splits]
        found: list[Segment | Split] = [*late, *late_splits]
        for was, now in zip(expected, found, strict=True):
            assert now.start.t_ns / SECOND == pytest.approx(
                was.start.t_ns / SECOND, abs=within_s
            ), told
            assert now.end.t_ns / SECOND == pytest.approx(was.end.t_ns / SECOND, abs=within_s), told
            assert not now.figures.estimated, told
