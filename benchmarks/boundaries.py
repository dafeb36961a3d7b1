"""How exactly the end of a distance is found, against the truth of sessions on paper.

Reps by distance with rests, rowed by another athlete at another pace on each seed: on a machine
that sends whole metres twice a second (FTMS), and on one that sends decimetres (a Concept2 by its
own service, without a workout of its own). The error of every crossing in time, and in the metres
that are rowed in so much time; and whether the half-width that is stated for it covers it.

    python benchmarks/boundaries.py [SESSIONS]

The bars: 95 % of crossings within 0.2 s and 1 m on whole metres, within 0.05 s and 0.1 m on
decimetres; the stated half-width covers the error in 95 %.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from rowlog.notation import parse
from rowlog.segments import Segment
from rowlog.simulating import script_for
from rowlog.structuring import derive
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.simulator import Athlete, RowerKind, simulate

SHARE = 0.95
BARS: dict[RowerKind, tuple[str, float, float]] = {
    "ftms": ("whole metres at 2 Hz", 0.2, 1.0),
    "pm5": ("decimetres", 0.05, 0.1),
}


@dataclass(frozen=True)
class Crossing:
    """One end of a distance, found and true."""

    error_s: float
    error_m: float
    stated_s: float


def crossings(rower: RowerKind, seed: int) -> list[Crossing]:
    """Those of one session."""
    random = Random(f"boundaries:{seed}")
    metres = random.choice((100, 250, 500, 750, 1000))
    plan = parse(f"{random.randint(3, 8)}x{metres}m/{random.choice((20, 30, 60))}sr")
    athlete = Athlete(pace_2000m_s_per_500m=random.uniform(95, 145))
    simulation = simulate(
        script_for(plan), rower=rower, strap=False, seed=seed, rate_hz=2.0, athlete=athlete
    )
    told: dict[int, Segment] = {}
    end_ns = round(simulation.truth.end_s * 1e9)
    for facts, _ in derive(simulation.frames, make_decoding(simulation.sources), plan, end_ns):
        told |= {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    found = [one for one in told.values() if one.kind == "work" and one.ended_by == "target"]
    truth = [one for one in simulation.truth.stretches if one.kind == "work"]
    if len(found) != len(truth):
        sys.exit(f"seed {seed} on {rower}: {len(found)} pieces found of {len(truth)}")
    held = []
    for segment, true in zip(found, truth, strict=True):
        error_s = abs(segment.end.t_ns / 1e9 - true.end_s)
        speed = metres / (true.end_s - true.start_s)
        held.append(Crossing(error_s, error_s * speed, segment.end.uncertainty_s))
    return held


def quantile(values: Sequence[float]) -> float:
    """What SHARE of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(SHARE * len(ordered)))]


def main() -> None:
    """Measure and print; exit status 1 when a bar is missed."""
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    met = True
    for rower, (name, bar_s, bar_m) in BARS.items():
        held = [one for seed in range(sessions) for one in crossings(rower, seed)]
        time_s = quantile([one.error_s for one in held])
        way_m = quantile([one.error_m for one in held])
        covered = sum(one.error_s <= one.stated_s for one in held) / len(held)
        stated = sorted(one.stated_s for one in held)[len(held) // 2]
        met = met and time_s <= bar_s and way_m <= bar_m and covered >= SHARE
        print(f"{name}: {len(held)} crossings in {sessions} sessions")
        print(f"  95 % within {time_s:.3f} s (bar {bar_s}) and {way_m:.2f} m (bar {bar_m})")
        print(f"  stated half-width, in the middle {stated:.3f} s, covers {100 * covered:.1f} %")
    print("bars met" if met else "bars MISSED")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
