"""What the summary says of stretches in which a machine was not heard."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rowlog import render
from rowlog.notation import parse
from rowlog.replaying import record_frames
from rowlog.simulating import script_for
from rowlog.store_judging import open_evidence
from rowlog.summary import GapSummary, QualitySummary, SessionSummary, Summary, load
from rowlog_drivers.clock import wall_now
from rowlog_drivers.frames import FramesHeader
from rowlog_drivers.simulator import Fault, Simulator, Stretch


def gap(
    metres: float | None, strokes: int | None = None, *, at_s: float = 221.4, seconds: float = 41.2
) -> GapSummary:
    """A gap of a rower."""
    return GapSummary("rower", at_s, seconds, "link: link lost", metres, strokes)


MANY = [gap(170.9, at_s=60.0 * number) for number in range(1, 6)]


@pytest.mark.parametrize(
    ("gaps", "told"),
    [
        ([], []),
        ([gap(170.9)], ["3:41: 41 s not seen; the machine counted 170 m in that time."]),
        ([gap(0.4, 0)], []),
        ([gap(None)], []),
        ([gap(None, 12)], ["3:41: 41 s not seen; the machine counted 12 strokes in that time."]),
        (
            [gap(500.0, at_s=3661.0, seconds=119.6)],
            ["1:01:01: 2:00 not seen; the machine counted 500 m in that time."],
        ),
        (
            MANY,
            [
                "1:00: 41 s not seen; the machine counted 170 m in that time.",
                "2:00: 41 s not seen; the machine counted 170 m in that time.",
                "3:00: 41 s not seen; the machine counted 170 m in that time.",
                "2 more such stretches, 1:22 in all.",
            ],
        ),
    ],
    ids=["none", "metres", "stood still", "unknown", "strokes", "long", "many"],
)
def test_gaps_are_told(gaps: list[GapSummary], told: list[str]) -> None:
    """A gap in which nothing was counted is in the number of gaps only."""
    session = SessionSummary(
        1, "2026-11-24T18:05:00+01:00", "said", None, None, "row", None, "complete"
    )
    quality = QualitySummary(frames=9, gaps=len(gaps))
    text = render.summary(
        Summary(session, (), (), (), quality, tuple(gaps)), render.Style(colour=False)
    )
    assert [line for line in text.splitlines() if "stretches" in line or "seen" in line] == told


def test_a_machine_that_began_again_unseen_is_told(tmp_path: Path) -> None:
    """What it counted before it began again cannot be known; the summary does not hide that."""
    faults = [Fault(name="silent", at_s=20.0, seconds=6.0), Fault(name="reset", at_s=23.0)]
    script = [Stretch(kind="wait", seconds=5), Stretch(kind="work", distance_m=200)]
    simulator = Simulator(script, faults=faults)
    header = FramesHeader(sources=simulator.sources, started_at=wall_now())
    database = tmp_path / "rowlog.db"
    shown = load(database, record_frames(simulator, header, database, plan=None))
    (gap,) = (gap for gap in shown.gaps if gap.source == "rower")
    assert gap.restarted
    text = render.summary(shown, render.Style(colour=False))
    assert "not seen; the machine began again in that time" in text


def test_what_is_estimated_of_a_gap_is_marked(tmp_path: Path) -> None:
    """A link lost from the first minute of work into the second: metres by the time rowed."""
    plan = parse("3x1:00/0:30r")
    simulator = Simulator(
        script_for(plan), strap=False, faults=[Fault(name="drop", at_s=46.9, seconds=70.0)]
    )
    header = FramesHeader(sources=simulator.sources, started_at=wall_now())
    database = tmp_path / "rowlog.db"
    shown = load(database, record_frames(simulator, header, database, plan=plan))
    works = [one for one in shown.segments if one.kind == "work"]
    assert [one.origins["distance_m"] for one in works] == ["estimated", "estimated", "measured"]
    assert [one.duration_s for one in works] == pytest.approx([60.0] * 3)
    truth = [one for one in simulator.truth.stretches if one.kind == "work"]
    for found, true in zip(works, truth, strict=True):
        assert found.distance_m == pytest.approx(true.distance_m, abs=3)
        assert found.stroke_count == pytest.approx(true.strokes, abs=1)
    assert shown.session.origins["work_distance_m"] == "estimated"
    lines = render.summary(shown, render.Style(colour=False)).splitlines()
    first, third = (next(one for one in lines if one.startswith(f"   {n} ")) for n in (1, 3))
    assert f"~{int(works[0].distance_m or 0)} " in first
    assert "~" not in third
    assert any(line.startswith("~ is estimated") for line in lines)


def test_nothing_that_is_estimated_is_a_best(tmp_path: Path) -> None:
    """A link lost before the first stroke: when the first piece began can only be guessed."""
    plan = parse("2x500m/1:00r")
    simulator = Simulator(
        script_for(plan), rower="s4", strap=False, faults=[Fault(name="drop", at_s=3, seconds=90)]
    )
    header = FramesHeader(sources=simulator.sources, started_at=wall_now())
    database = tmp_path / "rowlog.db"
    shown = load(database, record_frames(simulator, header, database, plan=plan))
    gap = next(one for one in shown.gaps if one.source == "rower")
    truth = [one for one in simulator.truth.stretches if one.distance_m == 500]
    rowed_s = min(one.end_s - one.start_s for one in truth)
    with closing(sqlite3.connect(database)) as db:
        efforts = db.execute(
            "SELECT kind, target, amount, start_t_ns / 1e9, end_t_ns / 1e9 FROM best_efforts"
        ).fetchall()
    assert {kind for kind, *_ in efforts} == {"distance", "time", "power"}
    assert ("distance", 500.0) in {(kind, target) for kind, target, *_ in efforts}
    for kind, target, amount, *edges_s in efforts:
        for edge_s in edges_s:
            assert not gap.started_at_s < edge_s < gap.started_at_s + gap.duration_s
        if kind == "distance":
            assert amount > 0.97 * rowed_s * target / 500
        elif kind == "time":
            assert amount < 1.03 * target / rowed_s * 500
    with open_evidence(database) as evidence:
        paces = [pace for _, pace in evidence.rowed_paces(None)]
    assert paces == pytest.approx([rowed_s], abs=1.0)


def test_the_power_of_what_was_heard_in_part_is_estimated(tmp_path: Path) -> None:
    """Away from 60 to 80 s of a piece that both ends of were seen: 200 m take 46 s."""
    plan = parse("1000m/0:30r+100m")
    simulator = Simulator(
        script_for(plan), strap=False, faults=[Fault(name="drop", at_s=60.0, seconds=20.0)]
    )
    header = FramesHeader(sources=simulator.sources, started_at=wall_now())
    database = tmp_path / "rowlog.db"
    shown = load(database, record_frames(simulator, header, database, plan=plan))
    first, second = (one for one in shown.segments if one.kind == "work")
    assert first.origins["mean_power_w"] == "estimated"
    assert first.origins["mean_pace_s_per_500m"] == "derived"
    assert second.origins["mean_power_w"] == "measured"
    assert shown.session.origins["mean_power_w"] == "estimated"
    of_first = [one.origins["mean_power_w"] for one in shown.splits if one.segment == first.index]
    assert of_first == ["measured", "estimated", "measured", "measured", "measured"]
    lines = render.split_lines(shown.splits[:3], render.Style(colour=False))
    assert [line.count("~") for line in lines[-3:]] == [0, 1, 0]


def test_splits_whose_edge_was_not_seen_are_marked(tmp_path: Path) -> None:
    """Of a minute in five splits of 12 s, from 5 s on: away from 20 to 40 s."""
    plan = parse("1:00/0:30r")
    simulator = Simulator(
        script_for(plan), strap=False, faults=[Fault(name="drop", at_s=20.0, seconds=20.0)]
    )
    header = FramesHeader(sources=simulator.sources, started_at=wall_now())
    database = tmp_path / "rowlog.db"
    shown = load(database, record_frames(simulator, header, database, plan=plan))
    estimated = [one.origins["distance_m"] == "estimated" for one in shown.splits]
    assert estimated == [False, True, True, False, False]
    lines = render.split_lines(shown.splits, render.Style(colour=False))
    assert ["~" in line for line in lines[-5:]] == estimated
