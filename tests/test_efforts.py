"""The best windows of a curve, against looking at all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rowlog.efforts import Curve, can_be, energy_curve

POINTS = st.lists(
    st.tuples(st.floats(0.5, 30.0), st.one_of(st.just(0.0), st.floats(0.5, 60.0))),
    min_size=2,
    max_size=25,
)
"""Steps of a curve: seconds, and metres, which may stand still."""


def curve(steps: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    t_s = np.concatenate(([0.0], np.cumsum([seconds for seconds, _ in steps])))
    metres = np.concatenate(([0.0], np.cumsum([metres for _, metres in steps])))
    return t_s, metres


def shortest(t_s: np.ndarray, metres: np.ndarray, amount: float) -> float:
    """The shortest window by trying a start at, and an end at, every point and 2,000 between."""
    starts = np.union1d(t_s, np.linspace(t_s[0], t_s[-1], 2001))
    best = np.inf
    for start in starts:
        goal = np.interp(start, t_s, metres) + amount
        if goal > metres[-1] + 1e-9:
            continue
        after = int(np.searchsorted(metres, goal - 1e-12))
        before = max(after - 1, 0)
        rise = metres[after] - metres[before]
        share = (goal - metres[before]) / rise if rise > 0 else 1.0
        best = min(best, t_s[before] + share * (t_s[after] - t_s[before]) - start)
    for end in t_s:
        goal = np.interp(end, t_s, metres) - amount
        if goal < metres[0] - 1e-9:
            continue
        before = int(np.searchsorted(metres, goal + 1e-12, side="right")) - 1
        after = min(before + 1, len(t_s) - 1)
        rise = metres[after] - metres[before]
        share = (goal - metres[before]) / rise if rise > 0 else 0.0
        best = min(best, end - (t_s[before] + share * (t_s[after] - t_s[before])))
    return float(best)


@pytest.mark.parametrize(
    ("kind", "target", "amount", "rowed"),
    [
        ("distance", 500.0, 54.9, False), ("distance", 500.0, 55.0, True),
        ("distance", 100.0, 0.1, False), ("distance", 42195.0, 9000.0, True),
        ("time", 60.0, 546.0, False), ("time", 60.0, 545.0, True),
        ("power", 5.0, 2100.1, False), ("power", 5.0, 2100.0, True),
    ],
)  # fmt: skip
def test_nobody_rows_faster(kind: str, target: float, amount: float, rowed: bool) -> None:
    assert can_be(kind, target, amount) is rowed


@given(POINTS, st.floats(0.05, 1.0))
def test_the_fastest_window_is_that_of_brute_force(
    steps: list[tuple[float, float]], share: float
) -> None:
    t_s, metres = curve(steps)
    assume(metres[-1] > 1.0)
    amount = share * float(metres[-1])
    found = Curve(t_s, metres).fastest(amount)
    assert found is not None
    expected = shortest(t_s, metres, amount)
    assert found.end_s - found.start_s <= expected + 1e-3
    # It is a window of the curve, and so no shorter than the best there is.
    within = np.interp([found.start_s, found.end_s], t_s, metres)
    assert within[1] - within[0] == pytest.approx(amount, abs=1e-6)


@given(POINTS, st.floats(0.05, 1.0))
def test_the_furthest_window_is_that_of_brute_force(
    steps: list[tuple[float, float]], share: float
) -> None:
    t_s, metres = curve(steps)
    seconds = share * float(t_s[-1])
    found = Curve(t_s, metres).furthest(seconds)
    assert found is not None
    starts = np.linspace(0.0, t_s[-1] - seconds, 2001)
    amounts = np.interp(starts + seconds, t_s, metres) - np.interp(starts, t_s, metres)
    assert found.amount >= amounts.max() - 1e-9
    assert found.end_s - found.start_s == pytest.approx(seconds)
    within = np.interp([found.start_s, found.end_s], t_s, metres)
    assert within[1] - within[0] == pytest.approx(found.amount, abs=1e-6)


def test_by_hand() -> None:
    """5 m/s, a stop of 10 s, then 4 m/s: the best 500 m are the first, the best 600 m hold it."""
    made = Curve(np.array([0.0, 100.0, 110.0, 210.0]), np.array([0.0, 500.0, 500.0, 900.0]))
    best = made.fastest(500.0)
    assert best is not None
    assert (best.start_s, best.end_s) == (0.0, 100.0)
    longer = made.fastest(600.0)
    assert longer is not None
    assert longer.end_s - longer.start_s == pytest.approx(135.0)  # 500 m, the stop, 100 m
    minute = made.furthest(60.0)
    assert minute is not None
    assert minute.amount == 300.0


@pytest.mark.parametrize(
    ("t_s", "metres"),
    [([], []), ([1.0], [5.0]), ([1.0, 1.0], [5.0, 6.0]), ([0.0, 9.0], [3.0, 3.0])],
)
def test_of_next_to_nothing_nothing_is_best(t_s: list[float], metres: list[float]) -> None:
    made = Curve(np.array(t_s), np.array(metres))
    assert made.fastest(100.0) is None
    assert made.furthest(60.0) is None
    assert made.fastest(0.0) is None


def test_a_fall_is_levelled_and_points_may_come_in_any_order() -> None:
    made = Curve(np.array([20.0, 0.0, 10.0]), np.array([90.0, 0.0, 100.0]))
    assert (made.total, made.seconds) == (100.0, 20.0)


def test_energy_of_strokes() -> None:
    """200 W for 2 s each; what is not known is no work, and a gap of 30 s counts 6 s."""
    made = energy_curve(np.array([0.0, 2.0, 4.0, 34.0]), np.array([np.nan, 200.0, np.nan, 100.0]))
    assert made.total == 400.0 + 600.0


def test_no_window_begins_or_ends_where_nothing_was_seen() -> None:
    """5 m/s, and 10 m/s in ten seconds that nobody saw: a window may hold all of them, or none."""
    t_s = np.array([0.0, 10.0, 20.0, 30.0])
    metres = np.array([0.0, 50.0, 150.0, 200.0])
    seen = Curve(t_s, metres, [(10.0, 20.0)])
    for amount, seconds in ((40.0, 8.0), (100.0, 10.0), (150.0, 20.0)):
        window = seen.fastest(amount)
        assert window is not None
        assert window.end_s - window.start_s == pytest.approx(seconds)
    furthest = seen.furthest(8.0)
    assert furthest is not None
    assert furthest.amount == pytest.approx(40.0)
    assert Curve(t_s, metres, [(0.0, 30.0)]).furthest(8.0) is None
    assert Curve(t_s, metres, [(-1.0, 31.0)]).fastest(100.0) is None
