"""Simulated sessions of many kinds, with everything that goes wrong, against what happened."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest

from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.segments import Segment
from rowlog.simulating import held_by, script_for
from rowlog.structuring import derive
from rowlog.timeline import Anomaly, Gap
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.records import Stroke
from rowlog_drivers.simulator import FAULTS, Simulation, StretchTruth, simulate

SECOND: Final = 1_000_000_000
PLANS: Final = (
    "4x150m/0:30r",
    "3x1:00/0:30r",
    "1000m",
    "v300m/0:40r+500m/1:00r+200m/0:15r",
    "2x(2x100m/0:15r)/0:40r",
    "2x(0:40 swings + 250m)/0:20r",
    "3x0:45/1:1",
    "0:30r+2x300m/0:30r",
    "4:00",
)
CALORIES: Final = ("4x20cal/1:00r", "2x(15cal/0:20r+100m/0:30r)", "3x10cal/0:30r")
KCAL_S: Final = 4.0
"""A kilocalorie takes nobody here longer."""
SAMPLE_S: Final = 0.5
"""The FTMS rower on paper sends twice a second; a metre takes half of that."""
FASTEST_MPS: Final = 5.0
"""Nobody here rows faster."""
SEEDS: Final = range(6)


class Lived:
    """One session: what happened, and what was made of its frames."""

    def __init__(self, text: str, rower: str, faults: tuple[str, ...], seed: int) -> None:
        plan = parse(text)
        self.programmed = rower == "pm5" and bool(held_by(plan))
        """Whether the machine holds the plan."""
        self.sim: Simulation = simulate(
            script_for(plan, paddling=seed % 2 == 0),
            rower=rower,  # type: ignore[arg-type]
            seed=seed,
            faults=faults,
            program=held_by(plan) if rower == "pm5" else (),
        )
        end_ns = round(self.sim.truth.end_s * SECOND)
        decoding = make_decoding(self.sim.sources)
        self.facts: list[Fact] = []
        totals: SessionTotals | None = None
        for facts, totals in derive(self.sim.frames, decoding, plan, end_ns):  # noqa: B007
            self.facts += facts
        assert totals is not None
        self.totals = totals
        told = {fact.index: fact for fact in self.facts if isinstance(fact, Segment)}
        self.segments = [told[index] for index in sorted(told)]
        self.pieces = [one for one in self.sim.truth.stretches if one.kind != "wait"]

    def window(self, name: str) -> tuple[float, float] | None:
        """From when to when a fault lasted; None when it did not come to it."""
        found = [fault for fault in self.sim.truth.faults if fault.name == name]
        if not found:
            return None
        return min(fault.start_s for fault in found), max(fault.end_s for fault in found)


@cache
def lived(rower: str, fault: str | None, seed: int) -> Lived:
    """A plan of the list, another one for each seed and fault."""
    text = PLANS[(seed * 5 + (FAULTS.index(fault) if fault else 0)) % len(PLANS)]
    return Lived(text, rower, (fault,) if fault else (), seed)


everything = pytest.mark.parametrize(
    ("rower", "fault", "seed"),
    [
        pytest.param(rower, fault, seed, id=f"{rower}-{fault or 'well'}-{seed}")
        for rower in ("ftms", "s4", "pm5")
        for fault in (None, *FAULTS)
        for seed in SEEDS
    ],
)


@everything
def test_every_rep_is_found_where_it_was(rower: str, fault: str | None, seed: int) -> None:
    session = lived(rower, fault, seed)
    assert [(one.kind, one.activity) for one in session.segments] == [
        (one.kind, "rest" if one.kind == "rest" else one.activity)
        if one.kind != "exercise"
        else ("work", one.activity)
        for one in session.pieces
    ]
    slack_s = SAMPLE_S
    for segment, piece in zip(session.segments, session.pieces, strict=True):
        if fault in ("drop", "silent"):
            # A boundary in a silence is known as exactly as it says, and moves what follows.
            slack_s = max(slack_s, SAMPLE_S + segment.end.uncertainty_s)
        assert segment.start.t_ns / SECOND == pytest.approx(piece.start_s, abs=slack_s)
        assert segment.end.t_ns / SECOND == pytest.approx(piece.end_s, abs=slack_s)
        target = segment.target
        assert target is not None
        if target.type == "distance":
            assert segment.figures.distance_m == pytest.approx(target.value)
        elif target.type == "time":
            assert segment.figures.duration_s == pytest.approx(target.value, abs=1e-6)


@pytest.mark.parametrize("rower", ["ftms", "s4"])
@pytest.mark.parametrize("fault", [None, *FAULTS])
@pytest.mark.parametrize("text", CALORIES)
def test_every_rep_by_calories_is_found(rower: str, fault: str | None, text: str) -> None:
    for seed in range(2):
        session = Lived(text, rower, (fault,) if fault else (), seed)
        assert [one.kind for one in session.segments] == [one.kind for one in session.pieces]
        slack_s = KCAL_S  # a count: a whole kilocalorie, on the S4 a stroke's, which is less
        for segment, piece in zip(session.segments, session.pieces, strict=True):
            if fault in ("drop", "silent"):
                slack_s = max(slack_s, KCAL_S + segment.end.uncertainty_s)
            assert segment.start.t_ns / SECOND == pytest.approx(piece.start_s, abs=slack_s)
            assert segment.end.t_ns / SECOND == pytest.approx(piece.end_s, abs=slack_s)
            if segment.target is not None and segment.target.type == "energy":
                assert segment.figures.energy_kcal == pytest.approx(segment.target.value)


@everything
def test_totals_are_exact_to_the_counters(rower: str, fault: str | None, seed: int) -> None:
    session = lived(rower, fault, seed)
    totals, truth = session.totals, session.sim.truth
    # FTMS counts whole metres, down; pulses of the S4 are centimetres.
    below_m, above_m, strokes = (1.0 if rower == "ftms" else 0.05), 0.01, 0
    if fault == "reset":
        # What went with the counter is estimated: a count on either side of the restart.
        below_m += 1.25 if rower == "ftms" else 0.05
        above_m += 0.5 if rower == "ftms" else 0.15
        strokes = 1
    truth_m = truth.distance_m
    if rower == "pm5":
        # Tenths of a metre, down; the metres of each rest whole, those after the end not at all,
        # and what is rowed before a restart after the last record is nowhere.
        below_m, strokes = 0.15, 0
        if session.programmed:
            truth_m = session.pieces[-1].end_distance_m
            below_m += sum(one.kind == "rest" for one in session.pieces)
        if fault == "reset":
            truth_m, below_m, strokes = truth.distance_m, below_m + SAMPLE_S * FASTEST_MPS, 1
        gone = session.window(fault) if fault in ("drop", "silent") else None
        if gone is not None and any(gone[0] - 2 < one.end_s < gone[1] for one in session.pieces):
            # Strokes are told as they are made, and counted anew with each interval.
            strokes = round((gone[1] - gone[0]) * 0.6) + 1
    if fault in ("drop", "silent") and rower == "s4":
        above_m += 1.0  # over a gap its register of whole metres counts
        below_m += 1.0
    assert totals.distance_m is not None
    assert truth_m - below_m <= totals.distance_m <= truth_m + above_m
    assert totals.stroke_count is not None
    assert truth.stroke_count - strokes <= totals.stroke_count <= truth.stroke_count
    if rower == "ftms":
        # Whole kilocalories, down; up to another one goes with a restart, and is estimated.
        below_kcal, above_kcal = (2.0, 1.0) if fault == "reset" else (1.0, 1e-6)
        assert totals.energy_kcal is not None
        assert truth.energy_kcal - below_kcal <= totals.energy_kcal
        assert totals.energy_kcal <= truth.energy_kcal + above_kcal
    numbers = {fact.number for fact in session.facts if isinstance(fact, Stroke)}
    assert numbers == set(range(1, max(numbers) + 1))
    if fault in ("drop", "silent") and rower in ("s4", "pm5"):
        # These tell each stroke as it is made: of those in a gap only the count is known.
        (gap,) = (fact for fact in session.facts if isinstance(fact, Gap))
        missed = (gap.stroke_count_after or 0) - (gap.stroke_count_before or 0)
        assert 0 <= totals.stroke_count - len(numbers) <= missed
    else:
        assert truth.stroke_count - strokes <= len(numbers) <= truth.stroke_count


@everything
def test_heart_rates_are_right(rower: str, fault: str | None, seed: int) -> None:
    session = lived(rower, fault, seed)
    lost = session.window("contact")
    for segment, piece in zip(session.segments, session.pieces, strict=True):
        if lost is not None and overlaps(piece, lost):
            continue  # nobody knows what the heart did meanwhile
        moved_s = max(
            abs(segment.start.t_ns / SECOND - piece.start_s),
            abs(segment.end.t_ns / SECOND - piece.end_s),
        )
        if moved_s <= SAMPLE_S:
            assert segment.figures.mean_heart_rate_bpm == pytest.approx(
                piece.mean_heart_rate_bpm, abs=1
            )
            assert segment.figures.max_heart_rate_bpm == pytest.approx(
                piece.max_heart_rate_bpm, abs=3
            )
    assert session.totals.max_heart_rate_bpm == pytest.approx(
        max(piece.max_heart_rate_bpm for piece in session.pieces), abs=1
    )
    if lost is None:
        assert session.totals.mean_heart_rate_bpm == pytest.approx(
            session.sim.truth.mean_heart_rate_bpm, abs=1
        )


@everything
def test_what_went_wrong_is_told_and_nothing_else(rower: str, fault: str | None, seed: int) -> None:
    session = lived(rower, fault, seed)
    totals = session.totals
    happened = {one.name for one in session.sim.truth.faults}
    # A PM5 says that a workout was begun anew; for the others it looks like a fault.
    resets = 1 if "reset" in happened and rower != "pm5" else 0
    assert totals.machine_resets == resets
    assert totals.link_losses == (1 if "drop" in happened else 0)
    assert totals.gaps == (1 if happened & {"drop", "silent"} else 0)
    assert (totals.undecoded > 0) == ("garbage" in happened)
    assert totals.late_frames == 0
    causes = [fact.cause.split(":")[0] for fact in session.facts if isinstance(fact, Gap)]
    assert causes == [
        cause for name, cause in (("drop", "link"), ("silent", "silence")) if name in happened
    ]
    odd = {fact.kind for fact in session.facts if isinstance(fact, Anomaly)}
    assert ("spike" in odd) == ("spike" in happened)
    assert ("machine_reset" in odd) == bool(resets)


def overlaps(piece: StretchTruth, window: tuple[float, float]) -> bool:
    return piece.start_s < window[1] + 1 and window[0] - 1 < piece.end_s


@pytest.mark.parametrize("rower", ["ftms", "s4", "pm5"])
@pytest.mark.parametrize("seed", range(4))
def test_all_faults_at_once_lose_no_rep(rower: str, seed: int) -> None:
    session = Lived("3x1:30/0:45r", rower, FAULTS, seed)
    by_piece: dict[int | None, list[Segment]] = {}
    for segment in session.segments:
        by_piece.setdefault(segment.piece, []).append(segment)
    assert [parts[0].kind for parts in by_piece.values()] == ["work", "rest"] * 3
    slack_s = SAMPLE_S
    if rower == "pm5":
        # Its pieces run on its own clock, which tells nothing of a silence in which it restarts.
        lost = session.window("silent")
        assert lost is not None
        slack_s += lost[1] - lost[0]
    for parts, piece in zip(by_piece.values(), session.pieces, strict=True):
        assert parts[0].start.t_ns / SECOND == pytest.approx(piece.start_s, abs=slack_s)
        assert parts[-1].end.t_ns / SECOND == pytest.approx(piece.end_s, abs=slack_s)
    truth, totals = session.sim.truth, session.totals
    # A restart while the machine is silent hides what was rowed in that silence before it.
    silence = session.window("silent")
    assert silence is not None
    hidden_m = 3 + (silence[1] - silence[0] + SAMPLE_S) * FASTEST_MPS
    assert totals.distance_m is not None
    assert truth.distance_m - hidden_m <= totals.distance_m <= truth.distance_m + 1
    assert totals.max_heart_rate_bpm == pytest.approx(
        max(piece.max_heart_rate_bpm for piece in session.pieces), abs=1
    )
    assert (totals.machine_resets, totals.link_losses) == (int(rower != "pm5"), 1)
    assert totals.gaps in (1, 2)  # one, where the silence follows the lost link at once
