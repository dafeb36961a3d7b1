"""The library of workouts: all can be rowed, and a slip in the user's own is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.notation import NotationError, parse
from rowlog.workouts import OWN_GROUP, Workout, library, plan_of, read_own
from rowlog.workouts_known import KNOWN
from rowlog_drivers.errors import CallError


@pytest.mark.parametrize("workout", KNOWN, ids=lambda workout: workout.name)
def test_every_known_workout_is_a_plan_and_its_name_is_no_other(workout: Workout) -> None:
    plan = parse(workout.plan)
    assert plan.work_count >= 1
    assert workout.about
    try:
        named = parse(workout.name)
    except NotationError:
        return
    assert named.text == plan.text  # 30r20


def test_names_are_told_apart() -> None:
    assert len({workout.name for workout in KNOWN}) == len(KNOWN)


def test_the_sample_circuit_has_four_rounds_of_six_exercises() -> None:
    plan = plan_of("back-and-cardio", Path("nowhere/rowlog.db"))
    assert plan.work_count == 24
    assert [piece.activity for piece in plan.pieces[:6]] == [
        "jumping jacks",
        "superman raises",
        "mountain climbers",
        "reverse snow angels",
        "burpees",
        "plank to push-up",
    ]
    assert {piece.target.value for piece in plan.pieces} == {30.0}
    assert [piece.round for piece in plan.pieces[::6]] == [1, 2, 3, 4]


OWN = """\
# mine
[tuesday]
plan = "6x750m/2:00r"
about = "club night"

[thursday]
plan = "6x750/2:00r"

[friday]
about = "no plan"

[saturday]
plan = 5
rounds = 3

[Long-Run]
plan = "1:00:00@r18..20"
group = "Steady"
"""


def test_a_bad_entry_is_named_and_hides_no_good_one() -> None:
    good, faults = read_own(OWN)
    assert [(w.name, w.plan, w.about, w.group) for w in good] == [
        ("tuesday", "6x750m/2:00r", "club night", OWN_GROUP),
        ("Long-Run", "1:00:00@r18..20", "", "Steady"),
    ]
    assert [(fault.line, fault.key) for fault in faults] == [
        (7, "thursday.plan"),
        (9, "friday"),
        (13, "saturday.plan"),
    ]
    assert "character 3" in faults[0].text
    assert "unit" in faults[0].text
    assert "plan is missing" in faults[1].text
    assert str(faults[2]) == "line 13, saturday.plan: this is to be text in quotation marks"


@pytest.mark.parametrize(
    ("text", "good", "faults"),
    [
        ('[a]\nplan = "500m"\n[b]\nplan = 500m\n[c]\nplan = "2k"\n', ["a", "c"], [(4, "b")]),
        ('[a]\nplan = "500m\n\n[b]\nplan = "1k"\n', ["b"], [(2, "a")]),
        ('plan = "500m"\n[b]\nplan = "1k"\n', ["b"], [(1, "plan")]),
        ('[a]\nplan = "500m"\n[a]\nplan = "1k"\n', ["a"], [(3, "a")]),
        ('[A]\nplan = "500m"\n[a]\nplan = "1k"\n', ["A"], [(3, "a")]),
        ('[a]\nplan = "500m"\nsets = "4"\n', [], [(3, "a.sets")]),
        ('[b]\nplan = "1k"\n[a]\nplan = "500m"\n[a.b]\nplan = "1k"\n', ["b"], [(5, "a.b")]),
        ('[a]\nplan = "500m"\n[plan]\nabout = "x"\n', ["a"], [(3, "plan")]),
        ('["my own"]\nplan = "500m"\n', [], [(1, "my own")]),
        ('[2k]\nplan = "500m"\n', [], [(1, "2k")]),
        ('a = { plan = "500m" }\nb.plan = "1k"\nc = {plan = 4}\n', ["a", "b"], [(3, "c.plan")]),
        ("what is this\n", [], [(1, None)]),
        ("", [], []),
        ("# nothing yet\n", [], []),
    ],
)
def test_slips(text: str, good: list[str], faults: list[tuple[int, str | None]]) -> None:
    workouts, found = read_own(text)
    assert [workout.name for workout in workouts] == good
    assert [(fault.line, fault.key) for fault in found] == faults


@given(st.text(alphabet='[]ab="\n #{}.,plan0m5\\'))
def test_any_text_is_read_and_every_fault_has_its_line(text: str) -> None:
    _, faults = read_own(text)
    for fault in faults:
        assert 1 <= fault.line <= len(text.split("\n"))


def test_the_users_own_goes_first(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    (tmp_path / "workouts.toml").write_text('[Tabata]\nplan = "10x0:20/0:10r"\n', encoding="utf-8")
    books = library(database)
    assert books.own_file == tmp_path / "workouts.toml"
    assert books.workouts[0].name == "Tabata"
    assert [w.name for w in books.workouts].count("tabata") == 0
    assert str(plan_of("tabata", database)) == "10x0:20/0:10r"
    assert str(plan_of("8x500m/1:30", database)) == "8x500m/1:30r"


def test_a_name_that_is_none_is_told_in_words(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    (tmp_path / "workouts.toml").write_text('[club]\nplan = "6x750"\n', encoding="utf-8")
    with pytest.raises(CallError, match="Did you mean tabata"):
        plan_of("tabatta", database)
    with pytest.raises(CallError, match=r"workouts\.toml, line 2, club\.plan: character 3"):
        plan_of("club", database)
    with pytest.raises(NotationError):
        plan_of("8x500/1:30r", database)


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "workouts.toml").write_bytes(b'[a]\nplan = "\xff"\n')
    books = library(tmp_path / "rowlog.db")
    assert [str(fault) for fault in books.faults] == ["it is not UTF-8 text (byte 13)"]
    assert len(books.workouts) == len(KNOWN)
