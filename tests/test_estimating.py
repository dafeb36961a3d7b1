"""How long a plan takes: exact where it says so itself, else by a pace, else not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from rowlog.estimating import estimate, pace_over_2k
from rowlog.notation import parse
from rowlog.replaying import replay_demo
from rowlog.summary_judging import pace_2k


@pytest.mark.parametrize(
    ("text", "pace", "seconds", "by_pace", "open_pieces"),
    [
        ("4x4:00/3:00r", None, 4 * 240 + 4 * 180, False, 0),
        ("2x500m@2:00/1:00r", None, 2 * 120 + 120, False, 0),
        ("500m@2:00/1:1", None, 240, False, 0),
        # 2.80 / 0.2^3 W is 1:40 for 500 m
        ("1000m@350W", None, 200, False, 0),
        ("2000m", 110.0, 440, True, 0),
        ("2000m", None, None, True, 0),
        ("4000m", 110.0, 8 * 115, True, 0),  # twice as far, 5 s slower
        ("8x500m/1:30r", 110.0, 8 * 110 + 8 * 90, True, 0),  # as one piece of 2000 m
        ("2000m@2k+10", 110.0, 480, True, 0),
        ("2000m + open/rest until <120bpm", 110.0, 440, True, 2),
        ("2000m/rest until <120bpm max 2:00", 110.0, 560, True, 0),
        ("0:30 plank/0:15r", None, 45, False, 0),
        ("2000m/100m", 110.0, 440 + 31, True, 0),  # 155 s for 500 m
    ],
)
def test_estimates(
    text: str, pace: float | None, seconds: float | None, by_pace: bool, open_pieces: int
) -> None:
    found = estimate(parse(text), pace)
    assert found.seconds == (None if seconds is None else pytest.approx(seconds, abs=0.5))
    assert found.by_pace is by_pace
    assert found.open_pieces == open_pieces


def test_energy_takes_the_calories_of_the_pace() -> None:
    # 1:50 is 262.96 W: 4 x 262.96 x 0.8604 + 300 = 1205 kcal an hour
    found = estimate(parse("20cal@1:50"), None)
    assert found.seconds == pytest.approx(3600 * 20 / 1205.0, rel=1e-3)


def test_a_pace_is_carried_over_to_2000_m() -> None:
    assert pace_over_2k(4000, 115.0) == pytest.approx(110.0)
    assert pace_over_2k(1000, 105.0) == pytest.approx(110.0)


def test_the_pace_is_what_was_rowed(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    assert pace_2k(database, None) is None
    replay_demo(database)  # 8x500m at 1:54 to 1:55
    held = pace_2k(database, None)
    assert held is not None
    assert 110 < held < 130
    assert pace_2k(database, "Ann") is None
