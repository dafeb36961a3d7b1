"""Keys while a plan is followed: early end, extension, and taking the last one back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rowlog.keys import extended
from rowlog.notation import parse
from rowlog.plan import Piece, Target
from rowlog.rebuild import rebuild
from rowlog.replaying import replay_file
from rowlog.segments import Segment
from rowlog.simulating import script_for
from rowlog.standing import guidance
from rowlog.structuring import Recording, Structure
from rowlog.summary import Summary, load
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame, FramesHeader, write_frames
from rowlog_drivers.simulator import Simulation, simulate
from tests.support import rows

PLAN = "3x1:00/0:30r"
START_S = 5.0
"""The athlete on paper waits so long."""


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    # Rows on for six minutes, whatever the plan wants: keys change the plan, not the rowing.
    return simulate(script_for(parse("6:00")), seed=2)


def frames(simulation: Simulation, keys: dict[float, str]) -> list[Frame]:
    pressed = [
        Frame(
            t_ns=round((START_S + at_s) * 1e9),
            source="user",
            channel="key",
            payload=label.encode(),
        )
        for at_s, label in keys.items()
    ]
    return sorted([*simulation.frames, *pressed], key=lambda frame: frame.t_ns)


def followed(simulation: Simulation, keys: dict[float, str], text: str = PLAN) -> Structure:
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


WHOLE = [("work", 60.0, "target"), ("rest", 30.0, "rest_over")] * 3


def test_without_a_key(simulation: Simulation) -> None:
    assert lengths(followed(simulation, {})) == WHOLE


@pytest.mark.parametrize("key", ["next", "skip", "lap"])
def test_a_piece_ends_early(simulation: Simulation, key: str) -> None:
    first, rest, *others = lengths(followed(simulation, {40.0: key}))
    assert first[0] == "work"
    assert first[1] == pytest.approx(40.0, abs=0.5)  # it began with the first stroke
    assert first[2] == "key"
    assert [rest, *others] == WHOLE[1:]


@pytest.mark.parametrize(
    ("key", "seconds"), [("extend", 90.0), ("extend 15s", 75.0), ("extend 50m", 60.0)]
)
def test_a_piece_becomes_longer(simulation: Simulation, key: str, seconds: float) -> None:
    made = followed(simulation, {20.0: key})
    assert lengths(made) == [("work", seconds, "target"), *WHOLE[1:]]
    first = segments(made)[0]
    assert first.target == Target(type="time", value=seconds)


def test_the_first_piece_is_left_out_before_the_first_stroke(simulation: Simulation) -> None:
    plan = "[w]10:00/2:00r + 1:00/0:30r + 0:20 plank"
    made = followed(simulation, {-3.0: "next"}, plan)
    assert lengths(made) == [*WHOLE[:2], ("work", 20.0, "target")]
    assert [one.piece for one in segments(made)] == [2, 3, 4]
    # Twice: an exercise waits for no stroke.
    plank = followed(simulation, {-3.0: "next", -2.0: "skip"}, plan)
    assert lengths(plank) == [("work", 20.0, "target")]
    # The wait before it is none of its time.
    assert segments(plank)[0].figures.duration_s == pytest.approx(20.0)
    assert plank.totals.work_s == pytest.approx(20.0)
    # Nothing is left to begin with after the last one; and it can be taken back.
    assert lengths(followed(simulation, {-3.0: "next"}, "1:00/0:30r")) == WHOLE[:2]
    taken_back = followed(simulation, {-3.0: "next", -2.0: "undo"}, plan)
    assert segments(taken_back) == segments(followed(simulation, {}, plan))


def test_without_a_plan_no_key_ends_the_row(simulation: Simulation) -> None:
    held = frames(simulation, {40.0: "next", 50.0: "extend"})
    made = Recording(
        frames=lambda: held,
        decoding=lambda: make_decoding(simulation.sources),
        end_ns=round(simulation.truth.end_s * 1e9),
    ).cut("auto", None)
    assert [(one.kind, one.ended_by) for one in segments(made)] == [("work", "end")]


def test_a_rest_becomes_longer_twice(simulation: Simulation) -> None:
    held = lengths(followed(simulation, {70.0: "extend", 80.0: "extend"}))
    assert held[:2] == [WHOLE[0], ("rest", 90.0, "rest_over")]


@pytest.mark.parametrize("key", ["next", "extend"])
@pytest.mark.parametrize("after_s", [0.5, 10.0, 45.0])
def test_a_key_is_taken_back(simulation: Simulation, key: str, after_s: float) -> None:
    plain = followed(simulation, {})
    made = followed(simulation, {40.0: key, 40.0 + after_s: "undo"})
    assert segments(made) == segments(plain)
    assert replace(made.totals, frames=0) == replace(plain.totals, frames=0)


def test_keys_are_taken_back_the_last_one_first_and_only_soon(simulation: Simulation) -> None:
    one = followed(simulation, {20.0: "extend"})
    assert segments(followed(simulation, {20.0: "extend", 40.0: "extend", 50.0: "undo"})) == (
        segments(one)
    )
    twice = {20.0: "extend", 40.0: "extend", 50.0: "undo", 51.0: "undo"}
    plain = segments(followed(simulation, {}))
    assert segments(followed(simulation, twice)) == plain
    assert segments(followed(simulation, {**twice, 52.0: "undo"})) == plain
    ended = {30.0: "next", 40.0: "next", 45.0: "extend", 50.0: "undo", 55.0: "undo", 60.0: "undo"}
    assert segments(followed(simulation, ended)) == plain
    # A key that is too old keeps no later one from being taken back.
    late = {1.0: "extend", 50.0: "extend", 62.0: "undo", 63.0: "undo"}
    assert segments(followed(simulation, late)) == segments(followed(simulation, {1.0: "extend"}))
    assert segments(followed(simulation, {20.0: "extend", 81.0: "undo"})) == segments(one)
    assert segments(followed(simulation, {20.0: "undo"})) == segments(followed(simulation, {}))


def test_what_was_told_long_before_a_key_outlives_its_undo() -> None:
    # The first rep's heart-rate drop at 120 s is told after the undo; rep and rest stay told.
    simulation = simulate(script_for(parse("1:00/5:00r")), seed=2)
    plan = "1:00/1:00r + 1:00r + 1:00r + 2:00"
    made = followed(simulation, {170.0: "pause", 171.0: "undo"}, plan)
    assert segments(made) == segments(followed(simulation, {}, plan))
    assert segments(made)[0].figures.heart_rate_drop_120s_bpm is not None
    # What a key cut short is whole again: the drop at 60 s that work began before.
    early = followed(simulation, {100.0: "next", 130.0: "undo"}, "1:00/2:00r + 1:00")
    assert segments(early) == segments(followed(simulation, {}, "1:00/2:00r + 1:00"))


def test_what_an_undo_took_back_is_not_stored(simulation: Simulation, tmp_path: Path) -> None:
    # The key ends the only piece and begins the rest, which goes on to the end; it is taken back.
    file, database = tmp_path / "row.frames", tmp_path / "rowlog.db"
    header = FramesHeader(
        sources=simulation.sources, end_ns=round(simulation.truth.end_s * 1e9), plan="10:00/0:10r"
    )
    write_frames(file, header, frames(simulation, {200.0: "next", 230.0: "undo"}))
    number = replay_file(file, database)
    shown: Summary = load(database, number)
    assert [(one.kind, one.ended_by) for one in shown.segments] == [("work", "end")]
    # Three whole ones of 2:00, the first told before the key, and what was left of the session.
    assert [round(split.duration_s) for split in shown.splits] == [120, 120, 120, 5]
    tables = rows(database, number)
    rebuild(database)
    assert rows(database, number) == tables


def work(kind: str, value: float | None, most: float | None = None) -> Piece:
    return Piece(kind="work", target=Target(type=kind, value=value, at_most_s=most))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("piece", "key", "longer"),
    [
        (work("time", 60), "extend", work("time", 90)),
        (work("distance", 500), "extend", work("distance", 600)),
        (work("energy", 20), "extend", work("energy", 25)),
        (work("distance", 500), "extend 250m", work("distance", 750)),
        (work("distance", 500), "extend 30s", work("distance", 500)),
        (work("open", None), "extend", work("open", None)),
        (
            work("heart_rate_below", 120, 60),
            "extend",
            work("heart_rate_below", 120, 90),
        ),
    ],
)
def test_what_extending_means(piece: Piece, key: str, longer: Piece) -> None:
    assert extended(piece, key) == longer


def test_guidance_is_judged_while_rowing() -> None:
    (piece,) = parse("500m@r28@1:50..1:55@<160bpm@200W").pieces
    latest = {"stroke_rate_spm": 26.0, "pace_s_per_500m": 112.0, "heart_rate_bpm": 161.0}
    held = guidance(piece, latest.get)
    assert [(one.quantity, one.state) for one in held] == [
        ("stroke_rate_spm", "below"),
        ("pace_s_per_500m", "in"),
        ("power_w", "unknown"),
        ("heart_rate_bpm", "above"),
    ]
    (best,) = guidance(parse("500m@2k+5").pieces[0], latest.get)
    assert (best.state, best.low, best.value) == ("unknown", None, 112.0)
    assert guidance(parse("500m/1:00r").pieces[1], latest.get) == ()
    assert guidance(None, latest.get) == ()
