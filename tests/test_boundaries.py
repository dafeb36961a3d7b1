"""The ends of distances against the truth; many more of them in benchmarks/boundaries.py."""

from __future__ import annotations

import pytest

from rowlog.notation import parse
from rowlog.segments import Segment
from rowlog.simulating import script_for
from rowlog.structuring import derive
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.simulator import Athlete, RowerKind, simulate

SEEDS = range(6)


@pytest.mark.parametrize(("rower", "within_s"), [("ftms", 0.2), ("pm5", 0.05)])
def test_the_end_of_a_distance_is_found_and_its_half_width_is_true(
    rower: RowerKind, within_s: float
) -> None:
    errors: list[float] = []
    covered = 0
    plan = parse("4x250m/0:30r")
    for seed in SEEDS:
        athlete = Athlete(pace_2000m_s_per_500m=100.0 + 7 * seed)
        simulation = simulate(
            script_for(plan), rower=rower, strap=False, seed=seed, rate_hz=2.0, athlete=athlete
        )
        told: dict[int, Segment] = {}
        end_ns = round(simulation.truth.end_s * 1e9)
        for facts, _ in derive(simulation.frames, make_decoding(simulation.sources), plan, end_ns):
            told |= {fact.index: fact for fact in facts if isinstance(fact, Segment)}
        found = [one for one in told.values() if one.kind == "work"]
        truth = [one for one in simulation.truth.stretches if one.kind == "work"]
        assert len(found) == len(truth) == 4
        for segment, true in zip(found, truth, strict=True):
            error_s = abs(segment.end.t_ns / 1e9 - true.end_s)
            errors.append(error_s)
            covered += error_s <= segment.end.uncertainty_s
            assert segment.figures.distance_m == pytest.approx(250.0)
    assert sum(error <= within_s for error in errors) >= 0.95 * len(errors)
    assert covered >= 0.95 * len(errors)
