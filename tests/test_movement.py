"""What the live line shows when nobody rows any more and the wheel runs on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rowlog.live import Moment
from rowlog.movement import Movement
from rowlog.recording import record
from rowlog.timeline import Position
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.frames import Frame, FramesHeader, SourceHeader, write_frames
from rowlog_drivers.protocols import ftms
from rowlog_drivers.records import RowerSample

S = 1_000_000_000
ROWED_S, COASTED_S, SPM, MPS = 30, 40, 24, 3.5
SPEED = 20.0


def coasting(path: Path) -> None:
    """24 strokes a minute for 30 s, then 40 s in which the machine keeps pace, rate and watts."""
    frames = []
    for quarter in range(4 * (ROWED_S + COASTED_S)):
        t_s = quarter / 4
        sample = RowerSample(
            t_ns=quarter * S // 4,
            source="rower",
            stroke_rate_spm=float(SPM),
            stroke_count=int(min(t_s, ROWED_S - 0.1) * SPM / 60) + 1,
            distance_m=float(int(MPS * t_s)),
            pace_s_per_500m=round(500 / MPS),
            power_w=120.0,
        )
        payload = ftms.encode_rower_data(sample)
        frames.append(Frame(t_ns=sample.t_ns, source="rower", channel="2ad1", payload=payload))
    header = FramesHeader(
        sources=(SourceHeader(name="rower", driver="ftms"),),
        started_at=datetime(2026, 3, 1, tzinfo=UTC),
        end_ns=frames[-1].t_ns,
    )
    write_frames(path, header, frames)


def test_after_two_missed_strokes_nothing_is_shown_but_the_metres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last stroke is counted at 28 s, two are missed 5 s later; the distance goes on."""
    monkeypatch.setattr("rowlog.recording.TELL_EVERY_NS", 20_000_000)
    path = tmp_path / "coasting.frames"
    coasting(path)
    moments: list[Moment] = []
    record(
        tmp_path / "rowlog.db",
        parse_address(f"replay:{path}?speed={SPEED:g}"),
        None,
        on_moment=moments.append,
    )
    last_s = 60 / SPM * int((ROWED_S - 0.1) * SPM / 60)
    rowing = [one for one in moments if 6 < one.t_s < last_s + 4]
    over = [one for one in moments if last_s + 6 < one.t_s < ROWED_S + COASTED_S]
    assert rowing
    assert over
    assert {one.stroke_rate_spm for one in rowing} == {SPM}
    assert {one.power_w for one in rowing} == {120}
    assert {(one.pace_s_per_500m, one.stroke_rate_spm, one.power_w) for one in over} == {
        (None, None, None)
    }
    metres = [one.distance_m for one in over if one.distance_m is not None]
    assert metres == sorted(metres)
    assert metres[-1] > metres[0]


POSITION = Position(
    t_ns=0,
    source="rower",
    distance_m=0.0,
    stroke_count=0,
    energy_kcal=None,
    elapsed_s=None,
    exact_elapsed=False,
    moved=True,
    began_ns=None,
    at_zero=False,
    distance_step_m=0.0,
    power_w=None,
    stroke_rate_spm=None,
    pace_s_per_500m=None,
)


@pytest.mark.parametrize(
    ("spm", "shown_s"),
    [(None, 5.0), (40.0, 5.0), (24.0, 5.0), (15.0, 8.0), (1.0, 15.0)],
)
def test_slow_strokes_are_waited_for(spm: float | None, shown_s: float) -> None:
    movement = Movement()
    movement.take(POSITION)
    movement.take(replace(POSITION, t_ns=S, stroke_count=1))
    # The distance goes on.
    for second in range(2, 30):
        movement.take(replace(POSITION, t_ns=second * S, stroke_count=1))
        assert movement.still(second * S, spm) == (second - 1 > shown_s)
    movement.take(replace(POSITION, t_ns=30 * S, stroke_count=2))
    assert not movement.still(30 * S, spm)


def test_a_machine_that_counts_no_strokes_is_judged_by_its_metres() -> None:
    movement = Movement()
    for second in range(20):
        movement.take(replace(POSITION, t_ns=second * S, stroke_count=None))
        assert not movement.still(second * S, 24.0)
    for second in range(20, 30):
        movement.take(replace(POSITION, t_ns=second * S, stroke_count=None, moved=False))
        assert movement.still(second * S, 24.0) == (second - 19 > 5)
