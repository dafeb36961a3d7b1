"""Frames of a machine that come in the wrong order: nothing restarts, and nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from rowlog.derivation import Derivation
from rowlog.notation import parse
from rowlog.simulating import script_for
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.device import deliveries
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.simulator import simulate

PLAN = "3x250m/0:30r"


def totals(frames: list[Frame], sources: tuple[SourceHeader, ...]) -> tuple[SessionTotals, int]:
    """What a session of these frames comes to, and how many restarts it saw."""
    derivation = Derivation(parse(PLAN))
    derivation.take(list(deliveries(frames, make_decoding(sources))), None)
    _, figures = derivation.finish(frames[-1].t_ns, [])
    return figures, derivation.pipeline.timeline.reset_count


@pytest.mark.parametrize("every", [2, 5, 17])
def test_neighbours_that_changed_places(every: int) -> None:
    """Each nth record of the rower comes after the one that follows it: half a second late."""
    paper = simulate(script_for(parse(PLAN)), seed=12)
    rows = [place for place, one in enumerate(paper.frames) if one.channel == "2ad1"]
    swapped = list(paper.frames)
    for number, (place, following) in enumerate(pairwise(rows)):
        if number % every == 0 and number % 2 == 0:
            one, other = swapped[place], swapped[following]
            swapped[place] = replace(one, payload=other.payload)
            swapped[following] = replace(other, payload=one.payload)
    straight, _ = totals(list(paper.frames), tuple(paper.sources))
    bent, resets = totals(swapped, tuple(paper.sources))
    assert resets == 0
    assert bent.distance_m == straight.distance_m
    assert bent.stroke_count == straight.stroke_count
    assert bent.frames == straight.frames
    assert bent.work_s == pytest.approx(straight.work_s, abs=0.6)
