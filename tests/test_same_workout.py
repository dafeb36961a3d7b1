"""One workout in two files by two programs: the same session, whichever file it is read from."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog.contents import load_contents
from rowlog.importing import import_files
from rowlog.imports.stamps import ended, sharpened
from rowlog.imports.workout import Point
from rowlog.summary import Summary, load

FIT = ("testdata.csv", "testdata_export.fit")
PAINSLED = ("painsled_out_data.csv", "painsled_desktop_example.csv")
WORTH = (
    "distance_m", "work_distance_m", "stroke_count", "max_heart_rate_bpm", "min_heart_rate_bpm",
)  # fmt: skip


def both(captures: Path, names: tuple[str, str], database: Path) -> tuple[Summary, Summary]:
    import_files(database, [captures / "rowingdata" / name for name in names])
    return load(database, 1), load(database, 2)


def test_a_fit_export_is_the_session_that_it_was_exported_from(
    captures: Path, tmp_path: Path
) -> None:
    """All but the laps and the energy to 0.1 kcal, which rowingdata does not write.

    FIT holds records at whole seconds and the length since the first of them in thousandths. The
    file's own clock says 539.94 s, the host's, by which rowingdata goes, 2.80 s and 537.242 s.
    """
    table, fit = both(captures, FIT, tmp_path / "i.db")
    for field in (*WORTH, "drag_factor"):
        assert getattr(table.session, field) == getattr(fit.session, field), field
    assert fit.session.work_s == pytest.approx(5.4 / 1.902 + 537.242, abs=0.002)
    assert fit.session.work_s == pytest.approx(table.session.work_s, abs=0.15)
    assert fit.session.mean_pace_s_per_500m == pytest.approx(
        table.session.mean_pace_s_per_500m, abs=0.04
    )
    assert fit.session.mean_stroke_rate_spm == pytest.approx(
        table.session.mean_stroke_rate_spm, abs=0.01
    )
    assert fit.session.mean_power_w == pytest.approx(table.session.mean_power_w, abs=0.5)
    assert fit.session.mean_heart_rate_bpm == pytest.approx(
        table.session.mean_heart_rate_bpm, abs=0.1
    )
    assert fit.session.energy_kcal == pytest.approx(table.session.energy_kcal, abs=1)
    assert fit.session.started_at[:22] == table.session.started_at[:22]  # to hundredths
    one, other = (load_contents(tmp_path / "i.db", number).main_strokes for number in (1, 2))
    assert len(one) == len(other) == 191
    for stroke, twin in zip(one, other, strict=True):
        assert stroke.t_s == pytest.approx(twin.t_s, abs=0.9)  # whole seconds on the one side
        assert stroke.total_distance_m == twin.total_distance_m


def test_both_exports_of_painsled_are_one_session(captures: Path, tmp_path: Path) -> None:
    """The telephone's clock is an hour off, and counts whole seconds: the pieces are as exact."""
    phone, desktop = both(captures, PAINSLED, tmp_path / "i.db")
    for field in (*WORTH, "work_s", "mean_pace_s_per_500m", "mean_stroke_rate_spm"):
        told = getattr(phone.session, field)
        assert told == pytest.approx(getattr(desktop.session, field), abs=1e-6), field
    assert phone.session.stroke_count == 661  # as both files number them
    assert phone.session.mean_power_w == pytest.approx(desktop.session.mean_power_w)
    assert phone.session.duration_s == pytest.approx(desktop.session.duration_s, abs=0.5)
    assert phone.session.mean_heart_rate_bpm == pytest.approx(
        desktop.session.mean_heart_rate_bpm, abs=0.05
    )
    assert [s.kind for s in phone.segments] == [s.kind for s in desktop.segments]
    assert [s.kind for s in phone.segments] == ["work", "pause", "work"]
    for here, there in zip(phone.segments, desktop.segments, strict=True):
        assert here.duration_s == pytest.approx(there.duration_s, abs=0.005)
        assert (here.distance_m, here.stroke_count) == (there.distance_m, there.stroke_count)
        # where 0 s is, the telephone knows to a second only
        assert here.started_at_s - there.started_at_s == pytest.approx(0.3, abs=0.01)
    one, other = (load_contents(tmp_path / "i.db", number).main_strokes for number in (1, 2))
    assert len(one) == len(other) == 638
    for stroke, twin in zip(one, other, strict=True):
        assert stroke.t_s - twin.t_s == pytest.approx(0.298, abs=0.005)
        assert stroke.number == twin.number
        assert (stroke.drive_s, stroke.recovery_s) == pytest.approx((twin.drive_s, twin.recovery_s))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    strokes=st.integers(12, 300),
    stamp=st.sampled_from(["rounded", "cut off"]),
    since=st.floats(0, 1),
)
def test_whole_seconds_are_told_apart_by_how_long_strokes_took(
    seed: int, strokes: int, stamp: str, since: float
) -> None:
    """Whichever way a program makes them whole: the times between strokes come back."""
    random = Random(seed)
    lengths = [random.uniform(1.8, 3.2) for _ in range(strokes)]
    true = [since]
    for length in lengths:
        true.append(true[-1] + length)
    whole = [float(round(t) if stamp == "rounded" else int(t)) for t in true[:-1]]
    points = [
        Point(t_s=at - whole[0], stroke=k, drive_s=0.7, recovery_s=length - 0.7)
        for k, (at, length) in enumerate(zip(whole, lengths, strict=True), 1)
    ]
    found = sharpened(points)
    for (one, other), length in zip(pairwise(found), lengths, strict=False):
        assert other.t_s - one.t_s == pytest.approx(length, abs=0.002)
    assert found[0].t_s == 0.0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 60),
            st.none() | st.floats(0, 60),
            st.none() | st.floats(0, 60),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_sharpened_times_stay_in_order_and_within_a_second(
    rows: list[tuple[int, float | None, float | None, bool]],
) -> None:
    points, at = [], 0.0
    for place, (seconds, drive_s, recovery_s, stroke) in enumerate(rows):
        number = place + 1 if stroke else None
        points.append(Point(t_s=at, stroke=number, drive_s=drive_s, recovery_s=recovery_s))
        at += seconds
    found = sharpened(points)
    assert [point._replace(t_s=0) for point in found] == [p._replace(t_s=0) for p in points]
    for before, after in pairwise(found):
        assert before.t_s <= after.t_s
    for was, now in zip(points, found, strict=True):
        assert abs(was.t_s - now.t_s) <= 1.0 + 1e-3


def test_times_with_parts_of_a_second_and_unknown_lengths_stay_as_they_are() -> None:
    timed = [Point(t_s=2.0 * k, stroke=k, drive_s=0.7, recovery_s=1.5) for k in range(1, 30)]
    finer = [timed[0]._replace(t_s=1.9), *timed[1:]]
    unsaid = [point._replace(recovery_s=None) for point in timed]
    assert sharpened(finer) == finer
    assert sharpened(unsaid) == unsaid


def test_the_last_stroke_before_a_wait_ends_where_the_metres_did() -> None:
    """0.7 s of drive and 1.9 s of recovery after 10.0 s: the 11 m of the stroke end at 12.6 s."""
    stroke = Point(
        t_s=10.0, distance_m=100.0, stroke=9, drive_s=0.7, recovery_s=1.9, stroke_distance_m=11.0
    )
    waiting = Point(t_s=15.0, distance_m=111.0)
    assert ended([stroke, waiting]) == [stroke, Point(t_s=12.6, distance_m=111.0), waiting]
    further = waiting._replace(distance_m=140.0)  # somebody rowed on unseen
    assert ended([stroke, further]) == [stroke, further]
