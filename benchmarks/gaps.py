"""What a session is made of when its rower is away for a while, against what was rowed.

Sessions by distance, by time, by calories and mixed, each on machines of several kinds; in each a
stretch of 5 to 120 seconds is laid at every 5th second, from before the first stroke on, in which
the link is lost while the athlete rows on. Of what is told of it: how often the pieces are other
ones than those that were rowed, how far their edges and metres are from the truth, and how many
metres of work are missing or too many in all.

    python -m benchmarks.gaps [--coarse] [WORDS]

WORDS: only machines and plans that have these words. --coarse: every 15th second, fewer lengths.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rowlog.notation import parse
from rowlog.segments import Segment
from rowlog.simulating import held_by, script_for
from rowlog.structuring import derive
from rowlog.undoing import without_undone
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.simulator import Fault, RowerKind, Simulation, StretchTruth, simulate

SECOND: Final = 1_000_000_000
PLANS: Final = (
    "3x150m/0:30r",
    "1000m",
    "3x1:00/0:30r",
    "4:00",
    "3x10cal/0:30r",
    "v300m/0:40r+1:00/0:30r+200m/0:15r",
    "2x(0:40/0:20r+100m/0:30r)",
    "3x100m/...r",
)
LENGTHS_S: Final = (5, 10, 20, 40, 60, 90, 120)
EVERY_S: Final = 5
COARSE_LENGTHS_S: Final = (10, 40, 70, 110)
COARSE_EVERY_S: Final = 15


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of machine, and whether its monitor holds the plan."""

    name: str
    rower: RowerKind
    held: bool = False


MACHINES: Final = (
    Machine("ftms", "ftms"),
    Machine("pm5", "pm5"),
    Machine("pm5 held", "pm5", held=True),
    Machine("s4", "s4"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was made of one session with one gap in it."""

    at_s: float
    seconds: float
    same: bool
    """Whether the pieces are those that were rowed, in kind and order."""
    edge_s: float
    """The edge that is furthest off."""
    unstated_s: float
    """By how much an edge is off beyond the half-width that is stated for it, at most."""
    metres: float
    """The piece of work whose metres are furthest off."""
    total_m: float
    """Metres of all work, told less rowed."""
    segments: tuple[Segment, ...] = field(default=(), repr=False)
    truth: tuple[StretchTruth, ...] = field(default=(), repr=False)

    @property
    def harm(self) -> tuple[bool, float, float]:
        """By which of two is worse."""
        return (not self.same, max(self.metres, abs(self.total_m)), self.edge_s)


def lived(
    machine: Machine, text: str, gaps: Sequence[tuple[float, float]], *, seed: int = 1
) -> Simulation:
    """A plan rowed on a machine that is away in some stretches, each (since, seconds)."""
    plan = parse(text)
    return simulate(
        script_for(plan),
        rower=machine.rower,
        strap=False,
        seed=seed,
        faults=[Fault(name="drop", at_s=at_s, seconds=seconds) for at_s, seconds in gaps],
        program=held_by(plan) if machine.held else (),
    )


def outcome(simulation: Simulation, text: str, at_s: float, seconds: float) -> Outcome:
    """What is made of a session, beside what was rowed in it."""
    end_ns = round(simulation.truth.end_s * SECOND)
    chunks = derive(simulation.frames, make_decoding(simulation.sources), parse(text), end_ns)
    facts = without_undone([fact for facts, _ in chunks for fact in facts])
    told = {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    found = [told[index] for index in sorted(told)]
    truth = [one for one in simulation.truth.stretches if one.kind != "wait"]
    same = [one.kind for one in found] == [one.kind for one in truth]
    edge_s = unstated_s = metres = 0.0
    if same:
        for segment, true in zip(found, truth, strict=True):
            for mark, true_s in ((segment.start, true.start_s), (segment.end, true.end_s)):
                if mark is segment.end and segment.ended_by == "end":
                    continue  # a rest without a length goes on to the end of the session
                off_s = abs(mark.t_ns / SECOND - true_s)
                edge_s = max(edge_s, off_s)
                unstated_s = max(unstated_s, off_s - mark.uncertainty_s)
            if true.kind == "work":
                metres = max(metres, abs((segment.figures.distance_m or 0.0) - true.distance_m))
    work = sum(one.figures.distance_m or 0.0 for one in found if one.kind == "work")
    return Outcome(
        at_s=at_s,
        seconds=seconds,
        same=same,
        edge_s=edge_s,
        unstated_s=unstated_s,
        metres=metres,
        total_m=work - sum(one.distance_m for one in truth if one.kind == "work"),
        segments=tuple(found),
        truth=tuple(truth),
    )


def sweep(
    machine: Machine, text: str, lengths_s: Iterable[float], every_s: float, *, seed: int = 1
) -> Iterator[Outcome]:
    """A gap at every so many seconds of a session, as far as the machine is back before its end."""
    end_s = lived(machine, text, (), seed=seed).truth.end_s
    for seconds in lengths_s:
        at_s = 1.9
        while at_s + seconds < end_s - 1:
            yield outcome(lived(machine, text, [(at_s, seconds)], seed=seed), text, at_s, seconds)
            at_s += every_s


def line(machine: Machine, text: str, outcomes: Sequence[Outcome]) -> str:
    """One line of the table."""
    other = sum(not one.same for one in outcomes)
    worst = max(outcomes, key=lambda one: one.harm)
    edges = sorted(one.edge_s for one in outcomes)
    metres = sorted(one.metres for one in outcomes)
    last = len(outcomes) - 1
    return (
        f"{machine.name:<9}{text:<35}{len(outcomes):4}{other:6}"
        f"{edges[last * 9 // 10]:7.1f}{edges[last]:7.1f}"
        f"{max(one.unstated_s for one in outcomes):7.1f}"
        f"{metres[last * 9 // 10]:7.1f}{metres[last]:7.1f}"
        f"{min(one.total_m for one in outcomes):8.1f}{max(one.total_m for one in outcomes):7.1f}"
        f"   {worst.at_s:.1f}+{worst.seconds:.0f}"
    )


HEAD: Final = (
    "machine  plan                               gaps other  edge s          un-   piece m"
    "      all work m      worst\n"
    "                                                        9 of 10  most stated 9 of 10  most"
    "   least   most   at+s"
)


def main() -> None:
    """Sweep and print."""
    coarse = "--coarse" in sys.argv
    words = [word for word in sys.argv[1:] if word != "--coarse"]
    lengths_s, every_s = (COARSE_LENGTHS_S, COARSE_EVERY_S) if coarse else (LENGTHS_S, EVERY_S)
    print(HEAD)
    for machine in MACHINES:
        for text in PLANS:
            if all(word in f"{machine.name}/{text}" for word in words):
                print(
                    line(machine, text, list(sweep(machine, text, lengths_s, every_s))), flush=True
                )


if __name__ == "__main__":
    main()
