"""Imported workouts that follow each other, made one: pieces behind each other, and their sums."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rowlog.editing import edit_start, undo
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.importing import import_files
from rowlog.merging import merge_sessions
from rowlog.rebuild import rebuild
from rowlog.summary import Summary, load
from tests.support import run
from tests.test_known_again import circuit
from tests.test_sameness import BEGAN, laps, strokes, taken_in

PLANS = ("3x250m/0:30r", "2x1:00/0:30r")
SUMS = ("distance_m", "work_distance_m", "work_s", "stroke_count", "energy_kcal")
FIGURES = ("duration_s", "distance_m", "stroke_count", "energy_kcal", "mean_heart_rate_bpm")
LATER = timedelta(minutes=20)


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """By format, two workouts of different plans, as rowlog wrote them; the second comes later."""
    folder = tmp_path_factory.mktemp("two")
    files = [
        circuit(plan, 70 + place, folder, (BEGAN + place * LATER).isoformat())
        for place, plan in enumerate(PLANS)
    ]
    import_files(folder / "o.db", files)
    made: dict[str, list[Path]] = {"frames": files}
    for name, suffix in (("rowingdata", "csv"), ("fit", "fit"), ("tcx", "tcx")):
        format_ = named(name)
        assert format_ is not None
        made[name] = [folder / f"{number}.{suffix}" for number in (1, 2)]
        for number, file in enumerate(made[name], 1):
            export(folder / "o.db", [number], file, format_, folder=False)
    return made


def pieces(shown: Summary) -> list[tuple[Any, ...]]:
    return [(one.kind, *(getattr(one, name) for name in FIGURES)) for one in shown.segments]


def added(name: str, *parts: Summary) -> float:
    return sum(getattr(part.session, name) or 0 for part in parts)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize("names", [("fit", "fit"), ("rowingdata", "fit"), ("tcx", "rowingdata")])
def test_files_that_follow_each_other_keep_all_their_pieces_and_add_up(
    names: tuple[str, str], order: tuple[int, int], exports: dict[str, list[Path]], tmp_path: Path
) -> None:
    """A rest lies between them, the plan of neither is that of both, and undoing gives all back."""
    database = tmp_path / "i.db"
    files = [exports[names[place]][place] for place in range(2)]
    import_files(database, [files[place] for place in order])
    parts = [load(database, order.index(place) + 1) for place in (0, 1)]
    made = merge_sessions(database, [1, 2])
    assert made.told_twice == ()
    now = load(database, made.session)
    first, second = (pieces(part) for part in parts)
    for piece, was in zip(pieces(now)[: len(first)], first, strict=True):
        assert piece[0] == was[0]
        assert piece[1:] == pytest.approx(was[1:])
    for piece, was in zip(pieces(now)[-len(second) :], second, strict=True):
        assert piece[0] == was[0]
        assert piece[1:] == pytest.approx(was[1:])
    (between,) = pieces(now)[len(first) : -len(second)]
    assert between[0] == "rest"
    rowed_s = sum(one.duration_s for one in parts[0].segments)
    assert between[1] == pytest.approx(LATER.total_seconds() - rowed_s, abs=6)
    assert parts[0].session.plan is not None and now.session.plan is None
    for name in SUMS:
        assert getattr(now.session, name) == pytest.approx(added(name, *parts)), name
    assert rebuild(database, [made.session]).sessions == (made.session,)
    assert load(database, made.session) == now
    undo(database, None)
    assert [load(database, order.index(place) + 1) for place in (0, 1)] == parts


def test_a_file_without_laps_is_a_piece_of_its_own_behind_one_that_has_them(tmp_path: Path) -> None:
    """Four laps, and half an hour later rowing of which no lap is told."""
    bare = laps(strokes(31, 300.0), BEGAN + timedelta(minutes=50)).replace(b"lapIdx", b"x")
    taken_in(tmp_path, laps(strokes(30), BEGAN), bare)
    database = tmp_path / "i.db"
    one, two = load(database, 1), load(database, 2)
    now = load(database, merge_sessions(database, [1, 2]).session)
    assert [(s.kind, s.distance_m) for s in now.segments] == [
        *((s.kind, s.distance_m) for s in one.segments),
        ("rest", 0.0),
        *((s.kind, s.distance_m) for s in two.segments),
    ]
    assert now.session.stroke_count == added("stroke_count", one, two)
    assert now.session.work_s == pytest.approx(added("work_s", one, two))


def test_halves_of_a_file_without_laps_lose_no_stroke(tmp_path: Path) -> None:
    """What is between the last stroke of the one and the first of the other has no number."""
    head, *rows = laps(strokes(32), BEGAN).replace(b"lapIdx", b"x").splitlines()
    middle = len(rows) // 2
    taken_in(tmp_path, b"\n".join([head, *rows[:middle]]), b"\n".join([head, *rows[middle:]]))
    database = tmp_path / "i.db"
    one, two = load(database, 1), load(database, 2)
    now = load(database, merge_sessions(database, [1, 2]).session)
    assert now.session.stroke_count == added("stroke_count", one, two)
    assert now.session.distance_m == pytest.approx(added("distance_m", one, two), abs=11)
    assert [s.kind for s in now.segments] == ["work"]


def test_a_strap_worn_through_both_adds_the_heart_and_nothing_else(tmp_path: Path) -> None:
    rr = b"".join(b"%d\n" % (600 + k % 37) for k in range(3600))
    later = BEGAN + timedelta(minutes=25)
    taken_in(tmp_path, laps(strokes(33), BEGAN), laps(strokes(34, 400.0), later), rr)
    database = tmp_path / "i.db"
    edit_start(database, 3, (BEGAN - timedelta(minutes=1)).isoformat())
    one, two = load(database, 1), load(database, 2)
    now = load(database, merge_sessions(database, [1, 2, 3]).session)
    work = [s for s in now.segments if s.kind == "work"]
    assert [s.distance_m for s in work] == [s.distance_m for s in (*one.segments, *two.segments)]
    assert None not in [s.mean_heart_rate_bpm for s in work]
    assert now.session.stroke_count == added("stroke_count", one, two)


def test_workouts_at_one_time_are_not_laid_behind_each_other(
    exports: dict[str, list[Path]], tmp_path: Path
) -> None:
    """Two people's: the pieces are those of the plan that the first has."""
    database = tmp_path / "i.db"
    import_files(database, exports["fit"])
    edit_start(database, 2, (BEGAN + timedelta(seconds=30)).isoformat())
    now = load(database, merge_sessions(database, [1, 2]).session)
    assert now.session.plan == load_plan(exports, tmp_path)


def load_plan(exports: dict[str, list[Path]], folder: Path) -> str | None:
    import_files(folder / "alone.db", exports["fit"][:1])
    return load(folder / "alone.db", 1).session.plan


def test_the_command_shows_what_was_rowed_in_both(
    exports: dict[str, list[Path]], tmp_path: Path
) -> None:
    database = tmp_path / "i.db"
    import_files(database, exports["fit"])
    said = run("edit", "merge", "1", "2", "--db", database)
    assert said.stdout == "Sessions 1 and 2 are session 3 now.\n"
    shown = run("show", "3", "--db", database).stdout
    assert "outside the pieces" not in shown
