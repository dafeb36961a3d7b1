"""A stored session cut anew: side by side, none destructive, one the default."""

from __future__ import annotations

from pathlib import Path
from shutil import copy

import pytest

from rowlog.cuts import Cut, CutTracker
from rowlog.likeness import Rowed, alike, same_shape
from rowlog.notation import parse
from rowlog.rebuild import rebuild
from rowlog.render import Style, summary
from rowlog.replaying import record_frames
from rowlog.resegment import resegment, with_splits
from rowlog.simulating import script_for
from rowlog.structuring import Recording
from rowlog.summary import Summary, load, load_alike
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import FramesHeader
from rowlog_drivers.simulator import Simulation, simulate
from tests.support import rows

PLAN = "4x250m/0:45r"


def simulated(text: str, seed: int = 3) -> Simulation:
    return simulate(script_for(parse(text)), seed=seed)


def record(simulation: Simulation, database: Path, plan: str | None) -> int:
    header = FramesHeader(
        sources=simulation.sources, end_ns=round(simulation.truth.end_s * 1e9), machine="on paper"
    )
    return record_frames(
        simulation.frames, header, database, plan=parse(plan) if plan is not None else None
    )


@pytest.fixture(scope="module")
def rowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("cut") / "rowlog.db"
    record(simulated(PLAN), database, PLAN)
    return database


@pytest.fixture
def database(rowed: Path, tmp_path: Path) -> Path:
    return Path(copy(rowed, tmp_path / "rowlog.db"))


def work(shown: Summary) -> list[float]:
    return [s.distance_m or 0.0 for s in shown.segments if s.kind == "work"]


def test_a_session_is_cut_in_several_ways_and_none_is_lost(database: Path) -> None:
    before = load(database, 1)
    assert [way.text for way in before.segmentations] == [PLAN]
    second = resegment(database, 1, "2x500m")
    shown = load(database, 1)
    assert [(way.origin, way.text, way.is_default) for way in shown.segmentations] == [
        ("user", "2x500m", True),
        ("plan", PLAN, False),
    ]
    assert shown.segmentation == shown.segmentations[0]
    assert sum(work(shown)) == pytest.approx(1000)
    # The session's figures are those of the way that is shown: its pauses are no rests.
    assert (shown.session.rest_s, before.session.rest_s) == (0.0, 180.0)
    assert shown.session.plan == PLAN
    first = load(database, 1, "plan")
    assert first.segments == before.segments
    assert first.splits == before.splits
    assert first.session.work_s == pytest.approx(before.session.work_s)
    assert first.session.rest_s == pytest.approx(180.0)
    assert first.session.mean_power_w == pytest.approx(before.session.mean_power_w, rel=1e-3)
    assert load(database, 1, str(second)) == shown
    # The same way again is that way, and its own plan again is as at first.
    assert resegment(database, 1, "2x500m") == second
    resegment(database, 1, "plan")
    again = load(database, 1)
    assert again.session == before.session
    assert again.segments == before.segments
    assert len(again.segmentations) == 2


def test_a_way_may_stand_beside_what_is_shown(database: Path) -> None:
    before = load(database, 1)
    resegment(database, 1, "open", shown=False)
    after = load(database, 1)
    assert after.session == before.session
    assert after.segments == before.segments
    assert [s.kind for s in load(database, 1, "open").segments] == [
        *["work", "pause"] * 3,
        "work",
    ]


def test_rebuilding_keeps_every_way(database: Path) -> None:
    resegment(database, 1, "2x500m")
    before = [load(database, 1, way) for way in (None, "plan")]
    tables = rows(database, 1)
    rebuild(database)
    assert [load(database, 1, way) for way in (None, "plan")] == before
    assert rows(database, 1) == tables


def test_what_a_session_does_not_have_is_told(database: Path) -> None:
    with pytest.raises(CallError, match="told no intervals of its own"):
        resegment(database, 1, "device")
    with pytest.raises(CallError, match=r"was not cut by 'auto'; there are 1 \(plan\)"):
        load(database, 1, "auto")
    with pytest.raises(CallError, match=r"resegment 1 '2x\(250m/1:00r\)'"):
        load(database, 1, "2x(250m/1:00r)")
    for no_plan in ("7", "nonsense"):
        with pytest.raises(CallError, match="Name one of these, or cut it anew"):
            load(database, 1, no_plan)
    with pytest.raises(CallError, match="no piece 5"):
        with_splits(database, 1, None, "100m", 5)
    with pytest.raises(CallError, match="no length of splits"):
        with_splits(database, 1, None, "8x500m", None)
    assert len(load(database, 1).segmentations) == 1


def test_splits_of_any_length_in_any_piece(database: Path) -> None:
    shown, pieces = with_splits(database, 1, None, "100m", None)
    assert [number for number, _ in pieces] == [1, 2, 3, 4]
    lengths = [round(split.distance_m or 0.0, 6) for split in shown.splits]
    assert lengths == [100.0, 100.0, 50.0] * 4
    one, _ = with_splits(database, 1, None, "0:20", 3)
    assert {split.segment for split in one.splits} == {4}
    assert [split.duration_s for split in one.splits[:-1]] == pytest.approx([20.0, 20.0])
    assert sum(split.duration_s for split in one.splits) == pytest.approx(
        one.segments[4].duration_s
    )
    stored, _ = with_splits(database, 1, None, None, 2)
    assert [round(split.distance_m or 0.0, 6) for split in stored.splits] == [50.0] * 5


def test_cuts_at_known_instants_have_the_figures_of_a_plan(rowed: Path) -> None:
    simulation = simulated(PLAN)
    planned = load(rowed, 1)
    ends = [s.started_at_s + s.duration_s for s in planned.segments]
    cuts = [
        Cut(
            kind="work" if segment.kind == "work" else "rest",
            end_ns=round(end_s * 1e9),
            ended_by="device" if segment.kind == "work" else "rest_over",
        )
        for segment, end_s in zip(planned.segments, ends, strict=True)
    ]
    recording = Recording(
        frames=lambda: simulation.frames,
        decoding=lambda: make_decoding(simulation.sources),
        end_ns=round(simulation.truth.end_s * 1e9),
    )
    made = recording._cut(
        None, CutTracker(round(planned.segments[0].started_at_s * 1e9), cuts), None
    )
    assert made.totals.work_s == pytest.approx(planned.session.work_s, abs=1e-6)
    assert made.totals.rest_s == pytest.approx(planned.session.rest_s, abs=1e-6)
    assert made.totals.work_distance_m == pytest.approx(planned.session.work_distance_m, abs=2.0)
    assert made.totals.mean_power_w == pytest.approx(planned.session.mean_power_w, rel=1e-3)


# ------------------------------------------------------------------------------- of one shape


def piece(number: int, metres: float, seconds: float, kind: str = "work") -> Rowed:
    return Rowed(number, kind, "row" if kind == "work" else "rest", None, seconds, metres, None)


def intervals(
    count: int, metres: float, rest_s: float, *, last_rest: bool = True, first: int = 0
) -> list[Rowed]:
    held = []
    for number in range(count):
        held.append(piece(first + 2 * number, metres, metres * 0.23))
        if last_rest or number < count - 1:
            held.append(piece(first + 2 * number + 1, 5.0, rest_s, "rest"))
    return held


@pytest.mark.parametrize(
    ("plan", "rowed", "same"),
    [
        ("4x500m/1:30r", intervals(4, 500, 90), True),
        ("4x500m/1:30r", intervals(4, 500, 90, last_rest=False), True),
        ("4x500m/1:30r", intervals(3, 500, 90), False),
        ("4x500m/1:30r", intervals(4, 510, 90), True),  # 2 % is 10 m
        ("4x500m/1:30r", intervals(4, 511, 90), False),
        ("4x500m/1:30r", intervals(4, 500, 103), True),  # 15 % is 13.5 s
        ("4x500m/1:30r", intervals(4, 500, 105), False),
        ("4x500m/...r", intervals(4, 500, 400), True),
        ("4x500m/1:1", intervals(4, 500, 115), True),
        ("4x500m/1:1", intervals(4, 500, 240), False),
        ("2x500m", intervals(2, 500, 90), False),
        ("2x500m", [piece(0, 500, 115), piece(1, 500, 115)], True),
        ("1000m", [piece(0, 600, 140), piece(0, 400, 95)], True),  # a pause between
        ("2:00 + 1000m", [piece(0, 520, 121.9), piece(1, 1000, 230)], True),
        ("2:00 + 1000m", [piece(0, 520, 123), piece(1, 1000, 230)], False),
        ("[w]5:00 + 2x500m/1:30r", intervals(2, 500, 90), True),
        (
            "2x500m/1:30r",
            [Rowed(0, "work", "row", "warm_up", 300, 900, None), *intervals(2, 500, 90, first=1)],
            True,
        ),
    ],
)
def test_alike(plan: str, rowed: list[Rowed], same: bool) -> None:
    assert alike(parse(plan), rowed) is same


@pytest.mark.parametrize(
    ("plan", "pattern", "same"),
    [
        ("6x500m/1:30r", "[w]5:00/1:30r + 6x500m/1:30r + [c]5:00", True),
        ("6x500m@r28/1:30r", "6x500m/1:30r", True),
        ("5x500m/1:30r + 500m", "6x500m/1:30r", True),
        ("6x500m/1:00r", "6x500m/1:30r", False),
        ("5x500m/1:30r", "6x500m/1:30r", False),
        ("6x500m/1:30r", "what is this", False),
    ],
)
def test_a_pattern_that_was_recognised_has_a_shape_too(plan: str, pattern: str, same: bool) -> None:
    assert same_shape(parse(plan), pattern) is same


def test_sessions_of_one_shape_are_found(database: Path) -> None:
    record(simulated("3x250m/0:45r"), database, "3x250m/0:45r")
    record(simulated(PLAN, seed=5), database, None)  # recognised by itself
    assert [found.id for found in load_alike(database, parse("4x250m/0:40r"))] == [3, 1]
    assert [found.id for found in load_alike(database, parse("3x250m/0:45r@r28"))] == [2]
    assert load_alike(database, parse("5x250m/0:45r")) == ()
    # Under whatever way it was cut: what is shown may be another.
    resegment(database, 1, "1000m")
    assert [found.id for found in load_alike(database, parse(PLAN))] == [3, 1]


def test_warm_up_and_cool_down_are_no_part_of_the_work(tmp_path: Path) -> None:
    database, text = tmp_path / "rowlog.db", "[w]1:00/0:20r + 2x250m/0:20r + [c]1:00"
    record(simulated(text), database, text)
    resegment(database, 1, "[w]1:00/0:20r + [t]500m")
    resegment(database, 1, "plan")
    shown = load(database, 1)
    assert [s.tag for s in shown.segments if s.kind == "work"] == [
        "warm_up",
        None,
        None,
        "cool_down",
    ]
    reps = [s for s in shown.segments if s.kind == "work" and s.tag is None]
    session = shown.session
    assert session.work_distance_m == pytest.approx(500)
    assert session.work_s == pytest.approx(sum(rep.duration_s for rep in reps))
    assert session.mean_pace_s_per_500m == pytest.approx(session.work_s)
    test = load(database, 1, "2").session  # the other way in which it was cut
    assert test.work_distance_m == pytest.approx(500)
    printed = summary(shown, Style())
    assert "\neasy " in printed
    assert "outside the pieces" not in printed
