"""The course of a stretch that nobody saw: by hand where it can be, and whole whatever is known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog.bridging import Known, Unseen, course
from rowlog.notation import parse

PLANS = ("3x150m/0:30r", "3x1:00/0:30r", "4x10cal/0:30r", "3x100m/...r", "2x(0:40/1:1+100m/0:20r)")


def unseen(
    text: str, seconds: float, metres: float, *, at: int = 0, done_s: float = 20.0,
    done_m: float = 80.0, done_kcal: float = 5.0, known: Known | None = None,
    rest_s: float | None = None, kcal: float | None = None,
) -> Unseen:  # fmt: skip
    """A stretch after 20 s of a piece at 4 m/s; the wheel runs on for 8 m in each rest."""
    return Unseen(
        seconds=seconds, metres=metres, kcal=kcal, pieces=parse(text).pieces, at=at,
        done_s=done_s, done_m=done_m, done_kcal=done_kcal, last_work_s=20.0, speed_mps=4.0,
        spread=0.04, kcal_per_m=0.075, rest_m=8.0, rest_s=rest_s, step_m=1.0, known=known,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds", "metres", "ends"),
    [
        # 70 m more at 4 m/s: 17.5 s; 8 m in 30 s of rest; then 50 m of the next in 12.5 s.
        ("3x150m/0:30r", 60.0, 128.0, [(17.5, 70.0), (47.5, 78.0)]),
        # All of the next piece too: 150 m in 37.5 s, and 10 s into its rest.
        ("3x150m/0:30r", 95.0, 236.0, [(17.5, 70.0), (47.5, 78.0), (85.0, 228.0)]),
        # By the clock: 40 s more and 30 s of rest, then 20 s; 248 m less the rest's 8 in 60 s.
        ("3x1:00/0:30r", 90.0, 248.0, [(40.0, 160.0), (70.0, 168.0)]),
        # Slower than before, as the metres say: 3.6 m/s.
        ("3x1:00/0:30r", 90.0, 224.0, [(40.0, 144.0), (70.0, 152.0)]),
    ],
)
def test_a_course_that_can_be_worked_out_by_hand(
    text: str, seconds: float, metres: float, ends: list[tuple[float, float]]
) -> None:
    found = course(unseen(text, seconds, metres))
    assert found is not None
    told = [(turn.at_s, turn.metres) for turn in found.turns if turn.ends]
    assert [at for at, _ in told] == pytest.approx([at for at, _ in ends], abs=0.6)
    assert [m for _, m in told] == pytest.approx([m for _, m in ends], abs=1.5)
    by_clock = "1:00" in text
    assert all((turn.uncertainty_s == 0) == by_clock for turn in found.turns if turn.ends)


def test_what_a_monitor_says_goes_before_what_is_expected() -> None:
    """Its second interval began after 50 s, when 70 m were counted: the first ended at 20 s."""
    known = Known(piece=2, since_s=50.0, since_m=70.0)
    found = course(unseen("3x150m/0:30r", 60.0, 108.0, known=known))
    assert found is not None
    first, second = (turn for turn in found.turns if turn.ends)
    assert first.at_s == pytest.approx(20.0, abs=0.2)
    assert (second.at_s, second.metres, second.uncertainty_s) == (50.0, 70.0, 0.0)


def test_a_plan_that_was_not_followed_tells_nothing() -> None:
    assert course(unseen("3x150m/0:30r", 60.0, 20.0)) is None  # a stop
    assert course(unseen("3x150m/0:30r", 60.0, 240.0)) is None  # rowed on without the rest
    assert course(unseen("1000m", 60.0, 240.0)) is None  # no piece ended
    assert course(unseen("3x150m/0:30r", 60.0, 128.0, known=Known(piece=4))) is None
    assert course(unseen("3x1:00/0:30r", 90.0, 600.0)) is None  # faster than anybody rows
    assert course(unseen("3x1:00/0:30r", 90.0, 120.0)) is None  # a stop


@given(
    text=st.sampled_from(PLANS),
    seconds=st.floats(3.1, 900.0),
    speed=st.floats(0.0, 7.0),
    at=st.integers(0, 3),
    done_s=st.floats(0.0, 100.0),
    rest_s=st.none() | st.floats(1.0, 200.0),
    kcal=st.none() | st.floats(0.0, 200.0),
    since=st.none() | st.floats(0.0, 1.0),
)
@settings(max_examples=200, deadline=None)
def test_whatever_is_known_no_metre_is_made_and_time_goes_on(
    text: str, seconds: float, speed: float, at: int, done_s: float, rest_s: float | None,
    kcal: float | None, since: float | None,
) -> None:  # fmt: skip
    known = None
    if since is not None:
        known = Known(piece=at + 2, since_s=since * seconds, since_m=since * seconds * speed)
    given_ = unseen(
        text, seconds, seconds * speed, at=at, done_s=done_s, done_m=4.0 * done_s,
        done_kcal=0.3 * done_s, known=known, rest_s=rest_s, kcal=kcal,
    )  # fmt: skip
    found = course(given_)
    if found is None:
        return
    at_s = metres = energy = 0.0
    for turn in found.turns:
        assert at_s <= turn.at_s <= seconds + 1e-6
        assert metres - 1e-6 <= turn.metres
        assert energy - 1e-6 <= turn.kcal
        assert turn.uncertainty_s >= 0 and math.isfinite(turn.uncertainty_s)
        at_s, metres, energy = turn.at_s, turn.metres, turn.kcal
    assert metres <= seconds * speed + 1e-6
    assert 0 <= found.work_s <= seconds + 1e-6
