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
from rowlog.segments import Segment

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


@pytest.mark.parametrize("name", ["pm5", "pm5-held"])
def test_a_link_that_is_back_just_before_the_end_costs_no_piece(name: str) -> None:
    """A PM5 tells its strokes with the next one, and there is none: its metres count all the same.

    Back at 276.9 s, in the last rest; the session ends at 280 s.
    """
    machine = next(one for one in MACHINES if one.name.replace(" ", "-") == name)
    one = outcome(lived(machine, "3x1:00/0:30r", [(166.9, 110.0)]), "3x1:00/0:30r", 166.9, 110.0)
    assert one.same
    assert abs(one.total_m) <= 3.0


def pieces(name: str, text: str, gap: tuple[float, float], seed: int) -> tuple[Segment, ...]:
    """What is told of a session with one stretch in it that nobody saw."""
    machine = next(one for one in MACHINES if one.name == name)
    return outcome(lived(machine, text, [gap], seed=seed), text, *gap).segments


def test_no_energy_is_taken_back_after_a_stretch_that_nobody_saw() -> None:
    """Ten calories that a piece must have had may be a little more than were counted by then."""
    told = pieces("ftms", "3x10cal/0:30r", (14.6, 119.3), 14)
    assert len(told) == 6
    assert all((one.figures.energy_kcal or 0.0) >= 0.0 for one in told)


def test_of_pieces_after_the_link_was_lost_for_good_no_metre_is_known() -> None:
    told = pieces("s4", "10x0:05/0:05r", (73.5, 193.7), 3)
    seen = [one for one in told if one.start.t_ns < 73.5 * 1e9]
    lost = told[len(seen) :]
    assert len(lost) >= 6
    assert all(one.figures.distance_m is not None for one in seen)
    assert all(one.figures.distance_m is None for one in lost)
    assert all(one.figures.stroke_count is None for one in lost)


@pytest.mark.parametrize("name", ["s4", "ftms", "pm5"])
def test_what_began_unseen_is_placed_by_the_speed_that_is_seen_after_it(name: str) -> None:
    """Away from before the first stroke until into the second piece."""
    gap = (3.0, 90.0)
    machine = next(one for one in MACHINES if one.name == name)
    one = outcome(lived(machine, "3x150m/0:30r", [gap], seed=11), "3x150m/0:30r", *gap)
    assert one.same
    assert one.edge_s <= 2.5
    assert one.metres <= 3.0
    first, _, second, *_ = one.segments
    assert dict(first.figures.origins)["mean_pace_s_per_500m"] == "estimated"
    for piece in (first, second):  # a PM5 had not said a count before: its strokes are not known
        rate = piece.figures.mean_stroke_rate_spm
        assert (rate is None) == (name == "pm5")
        assert rate is None or rate == pytest.approx(33, abs=3)


def test_strokes_that_nobody_saw_are_shared_out_as_the_metres_are() -> None:
    """A PM5 says its count with the next stroke alone, a second after its metres."""
    told = pieces("pm5", "3x200m", (29.8, 91.5), 49)
    assert [one.figures.stroke_count for one in told] == pytest.approx([24, 24, 24], abs=1)
    assert all(("stroke_count", "estimated") in one.figures.origins for one in told)
    assert all(("mean_stroke_rate_spm", "estimated") in one.figures.origins for one in told)
    works = pieces("ftms", "3x10cal/0:30r", (14.6, 119.3), 14)[::2]
    assert all(30 <= (one.figures.mean_stroke_rate_spm or 0) <= 40 for one in works)


def test_strokes_that_are_counted_only_after_a_rest_are_of_no_piece() -> None:
    """A PM5 that is back in a rest says what it counted with the first stroke of the next piece."""
    told = pieces("pm5", "3x1:00/0:30r", (89.1, 77.2), 59)
    rates = [one.figures.mean_stroke_rate_spm for one in told if one.kind == "work"]
    assert rates[0] == pytest.approx(32, abs=2)
    assert rates[2] is None
    told = pieces("pm5", "2x(0:40/0:20r+100m/0:30r)", (6.4, 50.7), 24)
    rates = [one.figures.mean_stroke_rate_spm for one in told if one.kind == "work"]
    assert rates[1] is None
    assert rates[2:] == pytest.approx([32, 32], abs=3)
