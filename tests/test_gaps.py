"""A rower that is away for a while: the pieces are those that were rowed, whatever it hides."""

from __future__ import annotations

import os

import pytest

from benchmarks.gaps import (
    EVERY_S,
    LENGTHS_S,
    MACHINES,
    PLANS,
    Machine,
    Outcome,
    lived,
    outcome,
    sweep,
)

FULL = os.environ.get("ROWLOG_FAULTS") == "full"
FEW = ((16.9, 20.0), (31.9, 70.0), (86.9, 40.0))
"""(since, seconds): within a piece, over one or two boundaries, and over more than a piece."""


def bars(text: str) -> tuple[float, float]:
    """How far a piece's metres may be off, and an edge beyond its stated half-width."""
    if "cal" in text:
        return 35.0, 5.0  # a kilocalorie is eight metres, and what one costs is not sure
    return 3.0, 2.0


@pytest.mark.parametrize("text", PLANS)
@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name.replace(" ", "-"))
def test_what_was_rowed_while_the_link_was_lost_is_told_by_the_plan(
    machine: Machine, text: str
) -> None:
    outcomes: list[Outcome]
    if FULL:
        outcomes = list(sweep(machine, text, LENGTHS_S, EVERY_S))
    else:
        outcomes = [outcome(lived(machine, text, [gap]), text, *gap) for gap in FEW]
    most_m, most_s = bars(text)
    for one in outcomes:
        told = f"away from {one.at_s} s for {one.seconds} s: {one}"
        assert one.same, told
        assert one.metres <= most_m, told
        assert one.unstated_s <= most_s, told
