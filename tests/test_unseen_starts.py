"""A rest without a length whose end was not seen: the rep after it has all its metres."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from rowlog.notation import parse
from rowlog.segments import Segment
from rowlog.simulating import script_for
from rowlog.structuring import derive
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame
from rowlog_drivers.simulator import RowerKind, Simulation, simulate

SECOND: Final = 1_000_000_000
OPEN_RESTS: Final = "3x100m/...r"


@cache
def on_paper(rower: RowerKind) -> Simulation:
    """Three reps with rests that last until the rower goes on."""
    return simulate(script_for(parse(OPEN_RESTS)), rower=rower, strap=False, seed=3)


@pytest.mark.parametrize("rower", ["ftms", "s4"])
@pytest.mark.parametrize(
    ("from_s", "to_s"),
    [(0.5, 15.0), (-12.0, 15.0), (-40.0, 10.0), (-0.2, 22.0)],
    ids=["just begun", "in the rest", "long before", "for all of it"],
)
def test_a_rep_after_an_open_rest_that_begins_unseen_has_all_its_metres(
    rower: RowerKind, from_s: float, to_s: float
) -> None:
    """Instants are those around the second rep's start; no metre of it falls to the rest."""
    sim = on_paper(rower)
    reps = [one for one in sim.truth.stretches if one.kind == "work"]
    lost = [round((reps[1].start_s + at_s) * SECOND) for at_s in (from_s, to_s)]
    frames = [one for one in sim.frames if not lost[0] <= one.t_ns <= lost[1]]
    for t_ns, reason in zip(lost, (b"down lost", b"up"), strict=True):
        frames.append(Frame(t_ns=t_ns, source="rower", channel="link", payload=reason))
    frames.sort(key=lambda one: one.t_ns)
    told: dict[int, Segment] = {}
    for facts, _ in derive(
        frames, make_decoding(sim.sources), parse(OPEN_RESTS), round(sim.truth.end_s * SECOND)
    ):
        told |= {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    assert [told[index].kind for index in sorted(told)] == ["work", "rest"] * 3
    for index, rep in zip((0, 2, 4), reps, strict=True):
        assert told[index].figures.distance_m == pytest.approx(100.0)
        # When it began is as exact as the pace of the rep before.
        assert told[index].start.t_ns / SECOND == pytest.approx(rep.start_s, abs=1.0)
