"""Circuits and strap-only sessions: heart rate by exercise and round, and no work from drift."""

from __future__ import annotations

from pathlib import Path

import pytest

from rowlog.notation import parse
from rowlog.render import Style, Table
from rowlog.render_rounds import circuit
from rowlog.replaying import record_frames
from rowlog.segments import Segment
from rowlog.simulating import script_for
from rowlog.structuring import Recording
from rowlog.summary import Summary, load
from rowlog.summary_rounds import exercises_of
from rowlog.workouts import plan_of
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame, FramesHeader
from rowlog_drivers.simulator import simulate

MIXED = "3x(250m + 0:30 kettlebell swings/0:15r)/0:30r"


def recorded(text: str, folder: Path, *, rower: bool) -> tuple[Summary, list[float]]:
    plan = plan_of(text, folder / "rowlog.db")
    simulation = simulate(script_for(plan), rower="ftms" if rower else None, seed=4)
    header = FramesHeader(sources=simulation.sources, end_ns=round(simulation.truth.end_s * 1e9))
    number = record_frames(simulation.frames, header, folder / "rowlog.db", plan=plan)
    truth = [
        stretch.mean_heart_rate_bpm
        for stretch in simulation.truth.stretches
        if stretch.kind in ("work", "exercise")
    ]
    return load(folder / "rowlog.db", number), truth


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Summary, list[float]]:
    return recorded("back-and-cardio", tmp_path_factory.mktemp("circuit"), rower=False)


def test_the_sample_circuit_has_24_pieces_each_with_its_heart_rate(
    sample: tuple[Summary, list[float]],
) -> None:
    shown, truth = sample
    assert len(shown.segments) == 24
    for segment, mean_bpm in zip(shown.segments, truth, strict=True):
        assert segment.kind == "work"
        assert segment.duration_s == pytest.approx(30.0, abs=1e-6)
        assert segment.mean_heart_rate_bpm == pytest.approx(mean_bpm, abs=1.0)
        assert segment.max_heart_rate_bpm is not None
        assert segment.end_heart_rate_bpm is not None
        assert segment.max_heart_rate_bpm >= segment.end_heart_rate_bpm
        assert segment.distance_m is None
    assert [segment.round for segment in shown.segments] == [
        number for number in (1, 2, 3, 4) for _ in range(6)
    ]
    assert shown.session.activity == "circuit"


def test_exercises_and_rounds_are_summarised(sample: tuple[Summary, list[float]]) -> None:
    shown, truth = sample
    assert [(one.activity, one.count, round(one.work_s)) for one in shown.exercises] == [
        (name, 4, 120)
        for name in (
            "jumping jacks",
            "superman raises",
            "mountain climbers",
            "reverse snow angels",
            "burpees",
            "plank to push-up",
        )
    ]
    for place, one in enumerate(shown.exercises):
        assert one.mean_heart_rate_bpm == pytest.approx(sum(truth[place::6]) / 4, abs=1.0)
    assert [turn.number for turn in shown.rounds] == [1, 2, 3, 4]
    for place, turn in enumerate(shown.rounds):
        own = truth[6 * place : 6 * place + 6]
        assert turn.duration_s == pytest.approx(180.0)
        assert turn.mean_heart_rate_bpm == pytest.approx(sum(own) / 6, abs=1.0)
        assert turn.end_heart_rate_bpm == shown.segments[6 * place + 5].end_heart_rate_bpm
    lines = circuit(shown, Style()).splitlines()
    assert len(lines) == 2 + 6 + 1 + 2 + 4
    assert max(map(len, lines)) <= 80


def test_metres_that_drift_in_while_on_the_floor_are_no_work(tmp_path: Path) -> None:
    shown, _ = recorded(MIXED, tmp_path, rower=True)
    floor = [s for s in shown.segments if s.activity == "kettlebell swings"]
    rowed = [s for s in shown.segments if s.kind == "work" and s.activity == "row"]
    assert (len(floor), len(rowed)) == (3, 3)
    assert [s.distance_m for s in rowed] == pytest.approx([250.0] * 3)
    assert all(s.distance_m is None and s.stroke_count is None for s in floor)
    assert all(s.mean_heart_rate_bpm for s in floor)
    assert all(s.mean_power_w is None for s in floor)
    session = shown.session
    assert session.work_distance_m == pytest.approx(750.0)
    # Pace and rate are of the rowing, the exercises' time left out.
    rowed_s = sum(s.duration_s for s in rowed)
    assert session.work_s == pytest.approx(rowed_s + 90.0)
    assert session.mean_pace_s_per_500m == pytest.approx(500 * rowed_s / 750)
    strokes = sum(s.stroke_count or 0 for s in rowed)
    assert session.mean_stroke_rate_spm == pytest.approx(60 * strokes / rowed_s)
    # The wheel ran out after each 250 m: metres that are in the total and in no work.
    assert shown.session.distance_m is not None
    assert shown.session.distance_m > 760
    assert shown.session.activity == "mixed"
    assert [(one.activity, one.count) for one in shown.exercises] == [
        ("row", 3),
        ("kettlebell swings", 3),
    ]
    assert shown.exercises[0].distance_m == pytest.approx(750.0)
    assert shown.exercises[1].distance_m is None


def test_a_run_ends_by_a_key_whatever_the_rower_counts() -> None:
    # The wheel is turned for 6:00 meanwhile.
    simulation = simulate(script_for(parse("6:00")), seed=2)
    key = Frame(t_ns=200 * 10**9, source="user", channel="key", payload=b"next")
    frames = sorted([*simulation.frames, key], key=lambda frame: frame.t_ns)
    made = Recording(
        frames=lambda: frames,
        decoding=lambda: make_decoding(simulation.sources),
        end_ns=300 * 10**9,
    ).cut("plan", "Run: 400m easy + Other: 0:30 plank")
    told = {fact.index: fact for fact in made.facts if isinstance(fact, Segment)}
    run, plank = told[0], told[1]
    assert (run.activity, run.ended_by, run.end.t_ns) == ("run", "key", key.t_ns)
    assert run.figures.distance_m is None
    assert (plank.activity, plank.ended_by) == ("plank", "target")


def test_an_exercise_with_a_pause_in_it_is_done_once(
    sample: tuple[Summary, list[float]],
) -> None:
    first, *others = sample[0].segments
    parts = (first, first._replace(kind="pause", activity="pause"), first)
    assert [(one.activity, one.count) for one in exercises_of([*parts, *others])][:2] == [
        ("jumping jacks", 4),
        ("superman raises", 4),
    ]


def test_rowing_alone_is_no_circuit(tmp_path: Path) -> None:
    shown, _ = recorded("2x250m/0:30r", tmp_path, rower=True)
    assert shown.exercises == ()
    assert shown.rounds == ()


def test_the_tables_of_a_mixed_session_fit_a_line() -> None:
    """The exercise's name gives way: the columns are as wide as their figures."""
    table = Table(("", "exercise", "metres"), "rlr")
    table.row("1", "renegade rows with push-ups", "9" * 60, after="█")
    table.row("2", "plank", "")
    lines = table.lines(Style(), shorten="exercise")
    assert max(map(len, lines)) == 80
    assert "renegade ro…" in lines[2]
    assert "plank" in lines[3]
    # Where there is room, nothing is shortened.
    table = Table(("", "exercise"), "rl")
    table.row("1", "renegade rows with push-ups")
    assert table.lines(Style(), shorten="exercise")[2].endswith("push-ups")
