"""Pauses by key: the piece's clock and its metres stand still, on the machine and off it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rowlog.derivation import Derivation
from rowlog.notation import parse
from rowlog.rebuild import rebuild
from rowlog.replaying import replay_file
from rowlog.segments import Segment
from rowlog.simulating import script_for
from rowlog.standing import Standing, standing
from rowlog.structuring import Recording, Structure
from rowlog.summary import load
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame, FramesHeader, write_frames
from rowlog_drivers.simulator import Simulation, Stretch, simulate
from tests.support import rows

START_S = 5.0
"""The athlete on paper waits so long."""


@pytest.fixture(scope="module")
def stopping() -> Simulation:
    # Rows a minute, sits for a minute, rows for five.
    return simulate(script_for(parse("1:00/1:00r + 5:00")), seed=2)


@pytest.fixture(scope="module")
def steady() -> Simulation:
    return simulate(script_for(parse("6:00")), seed=2)


@pytest.fixture(scope="module")
def strap_alone() -> Simulation:
    return simulate(script_for(parse("6:00")), seed=2, rower=None)


def frames(simulation: Simulation, keys: dict[float, str]) -> list[Frame]:
    pressed = [
        Frame(
            t_ns=round((START_S + at_s) * 1e9), source="user", channel="key", payload=label.encode()
        )
        for at_s, label in keys.items()
    ]
    return sorted([*simulation.frames, *pressed], key=lambda frame: frame.t_ns)


def followed(simulation: Simulation, keys: dict[float, str], text: str) -> Structure:
    held = frames(simulation, keys)
    return Recording(
        frames=lambda: held,
        decoding=lambda: make_decoding(simulation.sources),
        end_ns=round(simulation.truth.end_s * 1e9),
    ).cut("plan", text)


def segments(made: Structure) -> list[Segment]:
    told = {fact.index: fact for fact in made.facts if isinstance(fact, Segment)}
    return [told[index] for index in sorted(told)]


def lengths(made: Structure) -> list[tuple[str, float, str]]:
    return [
        (one.kind, round((one.end.t_ns - one.start.t_ns) / 1e9, 1), one.ended_by)
        for one in segments(made)
    ]


def near(seconds: float, within: float = 0.6) -> object:
    return pytest.approx(seconds, abs=within)


def test_the_clock_stands_still_until_it_is_rowed_again(stopping: Simulation) -> None:
    held = lengths(followed(stopping, {61.0: "pause"}, "3:00/0:30r"))
    assert held == [
        ("work", near(61.0), "pause"),
        ("pause", near(59.0, 1.5), "resume"),
        ("work", near(119.0), "target"),
        ("rest", 30.0, "rest_over"),
    ]
    assert held[0][1] + held[2][1] == pytest.approx(180.0, abs=0.2)


@pytest.mark.parametrize("rower", ["ftms", "s4", "pm5"])
def test_what_the_wheel_runs_out_before_a_stop_shows_is_rowed(rower: str) -> None:
    # The monitor's metres go on to 1000, so the piece is of 1000 m, whatever it counted late.
    stops = [Stretch(kind="wait", seconds=5.0)]
    stops += [Stretch(kind="work", distance_m=1000, stop_after_s=100.0, stop_s=25.0)]
    stops += [Stretch(kind="wait", seconds=8.0)]
    stopping = simulate(stops, seed=7, rower=rower)  # type: ignore[arg-type]
    made = segments(followed(stopping, {}, "1000m"))
    assert [one.kind for one in made] == ["work", "pause", "work"]
    assert made[1].figures.distance_m == 0.0
    rowed = sum(one.figures.distance_m or 0.0 for one in made if one.kind == "work")
    assert rowed == pytest.approx(1000.0, abs=1e-6)


def test_what_the_wheel_runs_out_is_no_part_of_the_piece(stopping: Simulation) -> None:
    plain = segments(followed(stopping, {}, "500m"))
    made = segments(followed(stopping, {60.5: "pause"}, "500m"))
    work = [one for one in made if one.kind == "work"]
    assert sum(one.figures.distance_m or 0.0 for one in work) == pytest.approx(500.0, abs=0.01)
    drifted = next(one for one in made if one.kind == "pause").figures.distance_m
    assert drifted is not None
    assert drifted > 1.0
    assert plain[-1].end.distance_m == pytest.approx(500.0, abs=0.01)
    assert work[-1].end.distance_m == pytest.approx(500.0 + drifted, abs=0.01)


def test_a_key_goes_on_before_the_first_stroke(stopping: Simulation) -> None:
    # At 70 s the stop is a pause already, from the last movement; at 90 s the clock goes on.
    held = lengths(followed(stopping, {70.0: "pause", 90.0: "pause"}, "3:00"))
    work_s = sum(seconds for kind, seconds, _ in held if kind == "work")
    away_s = sum(seconds for kind, seconds, _ in held if kind == "pause")
    # Of the 60 s of sitting, the clock stood for 20 s.
    assert work_s + away_s == near(200.0)
    assert held[-1][2] == "target"
    assert lengths(followed(stopping, {70.0: "pause", 90.0: "resume"}, "3:00")) == held


def test_rowing_on_ends_the_pause_with_the_second_stroke(steady: Simulation) -> None:
    work, pause, more = lengths(followed(steady, {30.0: "pause"}, "1:00"))
    assert (work[0], pause[0], pause[2], more[2]) == ("work", "pause", "resume", "target")
    assert 1.5 < pause[1] < 6.0
    assert work[1] + more[1] == pytest.approx(60.0, abs=0.2)


def test_a_rest_is_paused_too(stopping: Simulation) -> None:
    keys = {70.0: "pause", 90.0: "pause"}
    held = lengths(followed(stopping, keys, "1:00/0:30r + 4:00"))
    assert held[:4] == [
        ("work", 60.0, "target"),
        ("rest", near(10.0), "pause"),
        ("pause", near(20.0), "resume"),
        ("rest", near(20.0), "rest_over"),
    ]
    assert followed(stopping, keys, "1:00/0:30r + 4:00").totals.rest_s == near(30.0)
    # Rowing again ends the pause of a rest, and an undefined rest with it.
    held = lengths(followed(stopping, {70.0: "pause"}, "1:00/...r + 4:00"))
    assert held[:3] == [
        ("work", 60.0, "target"),
        ("rest", near(10.0), "pause"),
        ("pause", near(50.0, 1.5), "resume"),
    ]
    assert held[3][0] == "work"


def test_an_exercise_stands_still_whatever_the_wheel_does(steady: Simulation) -> None:
    plan = "3x(0:30 burpees + 0:30 plank)/0:15r"
    held = lengths(followed(steady, {20.0: "pause", 60.0: "pause"}, plan))
    assert held[:4] == [
        ("work", near(25.0), "pause"),  # the first exercise waits for no stroke
        ("pause", 40.0, "resume"),
        ("work", near(5.0), "target"),
        ("work", 30.0, "target"),
    ]


def test_an_exercise_with_a_strap_alone(strap_alone: Simulation) -> None:
    plan = "2x(0:30 burpees + 0:30 plank)/0:15r"
    held = lengths(followed(strap_alone, {20.0: "pause", 60.0: "pause"}, plan))
    assert [kind for kind, _, _ in held] == [
        "work", "pause", "work", "work", "rest", "work", "work", "rest",
    ]  # fmt: skip
    assert held[1] == ("pause", 40.0, "resume")
    assert held[0][1] + held[2][1] == pytest.approx(30.0, abs=0.01)


def test_the_next_key_ends_a_paused_piece(stopping: Simulation) -> None:
    held = lengths(followed(stopping, {61.0: "pause", 80.0: "next"}, "3:00/0:30r + 3:00"))
    assert held[:3] == [
        ("work", near(61.0), "pause"),
        ("pause", near(19.0), "key"),
        ("rest", 30.0, "rest_over"),
    ]


def test_a_session_that_ends_in_a_pause_ends_where_it_began(stopping: Simulation) -> None:
    # Off the machine only a key goes on.
    held = lengths(followed(stopping, {30.0: "pause"}, "open burpees"))
    assert [(kind, why) for kind, _, why in held] == [("work", "end")]


@pytest.mark.parametrize("after_s", [0.1, 20.0])
@pytest.mark.parametrize("text", ["3:00/0:30r", "700m", "2x(1:00 plank + 1:00 burpees)"])
def test_a_pause_is_taken_back(stopping: Simulation, text: str, after_s: float) -> None:
    plain = followed(stopping, {}, text)
    made = followed(stopping, {61.0: "pause", 61.0 + after_s: "undo"}, text)
    assert segments(made) == segments(plain)
    assert replace(made.totals, frames=0) == replace(plain.totals, frames=0)


def test_two_keys_between_two_samples_are_a_short_pause(steady: Simulation) -> None:
    held = lengths(followed(steady, {30.2: "pause", 30.4: "pause"}, "1:00/0:30r"))
    assert held[0][1] + held[2][1] == near(60.0, 0.1)
    assert held[1] == ("pause", 0.2, "resume")
    assert held[3] == ("rest", 30.0, "rest_over")
    # There is nothing to go on with.
    plain = followed(steady, {}, "1:00/0:30r")
    assert segments(followed(steady, {20.0: "resume"}, "1:00/0:30r")) == segments(plain)


def test_a_pause_at_the_very_end_is_of_the_piece_that_it_was_pressed_in(
    steady: Simulation,
) -> None:
    whole = segments(followed(steady, {}, "500m/0:30r"))
    end_s = whole[0].end.t_ns / 1e9 - START_S
    before = lengths(followed(steady, {end_s - 0.1: "pause"}, "500m/0:30r"))
    assert before[0][0::2] == ("work", "pause")
    after = lengths(followed(steady, {end_s + 0.1: "pause", end_s + 9.0: "pause"}, "500m/0:30r"))
    assert after[0][0::2] == ("work", "target")
    assert after[1][0::2] == ("rest", "pause")


def moments(simulation: Simulation, keys: dict[float, str], text: str) -> list[Standing]:
    """Where it stands at each whole second of the session."""
    derivation = Derivation(parse(text))
    decoding = make_decoding(simulation.sources)
    told: list[Standing] = []
    for frame in frames(simulation, keys):
        while len(told) < frame.t_ns // 1_000_000_000:
            pipeline = derivation.pipeline
            now_ns = len(told) * 1_000_000_000
            told.append(standing(pipeline.tracker, pipeline.position, now_ns))
        derivation.take([decoding.deliver(frame)])
    return told


def test_what_is_shown_stands_still_at_once(stopping: Simulation) -> None:
    told = moments(stopping, {61.0: "pause", 80.0: "pause"}, "2:30")
    at = {second: told[round(START_S) + second] for second in (60, 62, 79, 82)}
    assert [at[second].phase for second in at] == ["work", "pause", "pause", "work"]
    assert at[62].to_go == at[79].to_go == near(89.0)
    assert at[62].metres == at[79].metres
    assert at[82].to_go == near(87.0)


def test_a_key_shows_at_once_what_a_silent_machine_has_not_told(stopping: Simulation) -> None:
    # Nothing is heard of the rower while nobody rows: its next sample comes with the first stroke.
    quiet = replace(
        stopping,
        frames=tuple(
            frame
            for frame in stopping.frames
            if frame.source != "rower" or not START_S + 62 < frame.t_ns / 1e9 < START_S + 121
        ),
    )
    told = moments(quiet, {70.0: "next"}, "1:00/10:00r + 5:00")
    at = {second: told[round(START_S) + second] for second in (69, 72, 110)}
    assert [(at[second].phase, at[second].number) for second in at] == [
        ("rest", 1), ("work", 2), ("work", 2),
    ]  # fmt: skip
    assert at[110].to_go == near(260.0)
    told = moments(quiet, {70.0: "pause", 90.0: "next"}, "1:00/10:00r + 5:00")
    assert [told[round(START_S) + second].phase for second in (69, 72, 92)] == [
        "rest", "pause", "work",
    ]  # fmt: skip


def test_a_recording_and_its_rebuild_are_equal(stopping: Simulation, tmp_path: Path) -> None:
    file, database = tmp_path / "row.frames", tmp_path / "rowlog.db"
    header = FramesHeader(
        sources=stopping.sources, end_ns=round(stopping.truth.end_s * 1e9), plan="3:00/0:30r"
    )
    keys = {40.0: "pause", 41.0: "undo", 61.0: "pause", 90.0: "pause", 150.0: "pause"}
    write_frames(file, header, frames(stopping, keys))
    number = replay_file(file, database)
    shown = load(database, number)
    assert [one.kind for one in shown.segments][:3] == ["work", "pause", "pause"]
    tables = rows(database, number)
    rebuild(database)
    assert rows(database, number) == tables
