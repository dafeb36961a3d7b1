"""A stretch that nobody saw is told anew once what follows shows how it was rowed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from benchmarks.gaps import MACHINES, Outcome, lived, outcome
from rowlog.notation import parse
from rowlog.rebuild import rebuild
from rowlog.replaying import replay_file
from rowlog.segments import Segment
from rowlog.structuring import derive
from rowlog.summary import load
from rowlog.undoing import TakenBack, without_undone
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame, FramesHeader, write_frames
from tests.support import rows

SECOND: Final = 1_000_000_000
BY_NAME: Final = {machine.name: machine for machine in MACHINES}


@cache
def told(name: str, text: str, at_s: float, seconds: float) -> Outcome:
    """What is made of a session whose link was lost once; on paper its first stroke is at 5 s."""
    return outcome(lived(BY_NAME[name], text, [(at_s, seconds)]), text, at_s, seconds)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize(
    ("at_s", "seconds"),
    [(1.9, 50.0), (4.5, 40.0), (6.5, 60.0), (3.1, 60.0)],
    ids=["before it", "at once", "two strokes, to its end", "to near its end"],
)
def test_a_link_lost_about_the_first_stroke_that_is_back_in_the_rest(
    name: str, at_s: float, seconds: float
) -> None:
    """Work from 5.0 to 38.2 s, a rest to 68.2 s: where that ends tells when it began."""
    one = told(name, "3x150m/0:30r", at_s, seconds)
    assert one.same
    assert one.edge_s <= 1.5
    assert one.metres <= 0.1


@pytest.mark.parametrize("name", BY_NAME)
def test_works_by_time_and_rests_in_proportion_are_found_out_too(name: str) -> None:
    for text, gap in (
        ("3x1:00/0:30r", (3.0, 75.0)),  # work to 65 s, a rest to 95 s
        ("2x150m/1:1", (6.0, 50.0)),  # work to 38.2 s, a rest as long
    ):
        one = told(name, text, *gap)
        assert one.same, text
        assert one.edge_s <= 2.0, text
        assert one.metres <= 3.0, text


def test_a_rest_in_which_somebody_paddles_is_dated_by_no_stroke_within_it() -> None:
    """The strokes on paper go on for some seconds after ten calories: no rest ended there."""
    one = told("ftms", "3x10cal/0:30r", 31.9, 10.0)
    assert one.same
    assert one.edge_s <= 8.0


def test_who_stands_after_a_stretch_is_in_a_rest_without_a_length_still() -> None:
    """Its metres would have been rowed by somebody slower, who began the next piece again."""
    plan, gap = "3x1:00/...r", (10.0, 78.0)  # work to 65 s, a rest to 140 s
    one = outcome(lived(BY_NAME["s4"], plan, [gap], seed=0), plan, *gap)
    assert one.same
    assert one.edge_s <= 0.5
    one = told("ftms", plan, 2.0, 118.5)  # before the first stroke: its time is not known
    assert one.same
    assert one.unstated_s <= 0.5
    assert one.metres <= 3.0


def test_strokes_that_end_the_work_are_no_end_of_its_rest() -> None:
    """Heard again 2.7 s before the work ends, with polls between two risings of its metres."""
    one = told("s4", "2x(0:40/0:20r+100m/0:30r)", 1.9, 40.0)
    assert one.same
    assert one.edge_s <= 3.0


def facts_of(keys: Sequence[tuple[float, str]] = ()) -> list[object]:
    """Of `3x150m/0:30r` on FTMS, away from 2.5 to 52.5 s, with keys pressed meanwhile."""
    simulation = lived(BY_NAME["ftms"], "3x150m/0:30r", [(2.5, 50.0)])
    pressed = [
        Frame(t_ns=round(at_s * SECOND), source="user", channel="key", payload=label.encode())
        for at_s, label in keys
    ]
    frames = sorted([*simulation.frames, *pressed], key=lambda frame: frame.t_ns)
    end_ns = round(simulation.truth.end_s * SECOND)
    decoding = make_decoding(simulation.sources)
    chunks = derive(frames, decoding, parse("3x150m/0:30r"), end_ns)
    return [fact for facts, _ in chunks for fact in facts]


def test_what_was_told_before_is_taken_back_and_told_again() -> None:
    facts = facts_of()
    (at,) = [number for number, fact in enumerate(facts) if isinstance(fact, TakenBack)]
    before = [fact for fact in facts[:at] if isinstance(fact, Segment)]
    assert [segment.index for segment in before] == [0, 1]
    assert before[0].end.uncertainty_s > 5.0
    first, rest, *_ = (fact for fact in without_undone(facts) if isinstance(fact, Segment))  # type: ignore[arg-type]
    assert first.index == 0
    assert first.end.t_ns / SECOND == pytest.approx(38.2, abs=0.5)
    assert first.end.uncertainty_s <= 1.5
    assert rest.figures.duration_s == pytest.approx(30.0)


def test_a_key_goes_by_what_is_shown() -> None:
    """Who ends the rest by key saw it as it was told: that is not told anew."""
    facts = facts_of([(60.0, "next")])
    assert not any(isinstance(fact, TakenBack) for fact in facts)
    rest = next(fact for fact in facts if isinstance(fact, Segment) and fact.kind == "rest")
    assert rest.ended_by == "key"
    assert rest.end.t_ns == 60 * SECOND


def test_a_session_that_ends_in_the_rest_says_how_little_is_known() -> None:
    """Nobody rows again: that the work was over halfway of what there was time for is said so."""
    simulation = lived(BY_NAME["ftms"], "150m/1:00r+150m", [(2.5, 50.0)])
    frames = [frame for frame in simulation.frames if frame.t_ns < 80 * SECOND]
    decoding = make_decoding(simulation.sources)
    chunks = derive(frames, decoding, parse("150m/1:00r+150m"), 80 * SECOND)
    found = [fact for facts, _ in chunks for fact in facts if isinstance(fact, Segment)]
    assert [segment.kind for segment in found] == ["work", "rest"]
    off_s = abs(found[0].end.t_ns / SECOND - 38.2)
    assert off_s <= found[0].end.uncertainty_s
    assert ("distance_m", "estimated") not in found[0].figures.origins
    assert ("mean_pace_s_per_500m", "estimated") in found[0].figures.origins


def test_what_is_stored_is_what_a_rebuild_tells(tmp_path: Path) -> None:
    simulation = lived(BY_NAME["pm5"], "2x150m/0:20r", [(3.0, 45.0)])
    file, database = tmp_path / "row.frames", tmp_path / "rowlog.db"
    header = FramesHeader(
        sources=simulation.sources,
        end_ns=round(simulation.truth.end_s * SECOND),
        plan="2x150m/0:20r",
    )
    write_frames(file, header, simulation.frames)
    number = replay_file(file, database)
    works = [one for one in load(database, number).segments if one.kind == "work"]
    assert [one.distance_m for one in works] == pytest.approx([150.0, 150.0])
    assert [one.started_at_s for one in works] == pytest.approx([5.0, 58.2], abs=1.0)
    tables = rows(database, number)
    rebuild(database)
    assert rows(database, number) == tables
