"""Plans as workouts for a Concept2 monitor: what it holds of them, and what it cannot hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.notation import parse
from rowlog.programming import intervals_of, program_for
from rowlog_drivers.errors import CallError
from rowlog_drivers.protocols.csafe import decode_frames
from rowlog_drivers.protocols.csafe_commands import parse_reply
from rowlog_drivers.protocols.csafe_frames import LONGEST_FRAME, CsafeFrame
from rowlog_drivers.protocols.csafe_programs import Interval, program
from rowlog_drivers.simulator.csafe_monitor import PaperMonitor


def m(metres: float, rest_s: int | None = 0) -> Interval:
    return Interval(kind="distance", amount=metres, rest_s=rest_s)


def s(seconds: float, rest_s: int | None = 0) -> Interval:
    return Interval(kind="time", amount=seconds, rest_s=rest_s)


def cal(kcal: float, rest_s: int | None = 0) -> Interval:
    return Interval(kind="calories", amount=kcal, rest_s=rest_s)


@pytest.mark.parametrize(
    ("text", "intervals", "workout_type"),
    [
        ("open", (), 1),
        ("2000m", (m(2000),), 3),
        ("30:00", (s(1800),), 5),
        ("100cal", (cal(100),), 10),
        ("8x500m/1:30r", (m(500, 90),) * 8, 8),
        ("3x4:00/3:00r", (s(240, 180),) * 3, 8),
        ("5x10cal/1:00r", (cal(10, 60),) * 5, 8),
        ("v500m/1:00r+1:00/2:00r+20cal", (m(500, 60), s(60, 120), cal(20)), 8),
        ("3x500m/...r", (m(500, None),) * 3, 9),
        ("3x1:00/1:1", (s(60, 60),) * 3, 8),
        ("2x(2x100m/0:15r)/0:40r", (m(100, 15), m(100, 40)) * 2, 8),
        ("500m/0:30r+0:30r+500m", (m(500, 60), m(500)), 8),
    ],
)
def test_what_a_monitor_holds_of_a_plan(
    text: str, intervals: tuple[Interval, ...], workout_type: int
) -> None:
    plan = parse(text)
    assert program_for(plan).workout_type == workout_type
    if intervals:
        assert intervals_of(plan) == intervals


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("3x50m/1:00r", "takes a piece of 100 to 50000 m, not 50"),
        ("10x0:10/0:50r", "takes a piece of 20 to 35999 s, not 10"),
        ("60000m", "takes a piece of 100 to 50000 m, not 60000"),
        ("3x500m/12:00r", "takes a rest of 0 to 595 whole s, not 720"),
        ("51x200m/0:30r", "holds 1 to 50 intervals, not 51"),
        ("0:30r+500m", "begins with work, the plan with a rest"),
        ("3x(0:30 swings + 0:30 rowing)/0:15r", "Piece 1 is swings: .* knows nothing but rowing"),
        ("500m/1:1", "The rest that is piece 2 lasts as long as the work before it takes"),
        ("500m/rest until <120bpm", "The rest that is piece 2 ends by heart rate"),
        ("500m/200mr", "The rest that is piece 2 ends by distance"),
        ("500m+open", "Piece 2 ends with no end"),
    ],
)
def test_what_no_monitor_holds_is_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(CallError, match=why) as caught:
        program_for(parse(text))
    assert caught.value.exit_code == 2


def test_a_piece_may_have_splits_of_its_own() -> None:
    monitor = PaperMonitor()
    (frame,) = program_for(parse("2000m [500m]")).frames
    monitor.take(frame)
    assert monitor.workout[0].split_raw == 500
    with pytest.raises(CallError, match="splits of the same kind"):
        program_for(parse("2000m [2:00]"))


_amounts = st.one_of(
    st.builds(m, st.integers(100, 50_000)),
    st.builds(s, st.integers(2_000, 3_599_900).map(lambda hundredths: hundredths / 100)),
    st.builds(cal, st.integers(1, 65_535)),
)
_TARGETS = {"time": 0x00, "distance": 0x80, "calories": 0x40}
_TYPES = {"time": (0, 3), "distance": (1, 4), "calories": (6, 7)}


@given(
    st.lists(
        st.tuples(_amounts, st.one_of(st.none(), st.integers(0, 595))), min_size=2, max_size=50
    )
)
def test_a_monitor_on_paper_holds_what_was_sent(
    chosen: list[tuple[Interval, int | None]],
) -> None:
    """The frames, through framing and byte stuffing, give the intervals back."""
    intervals = [
        Interval(kind=one.kind, amount=one.amount, rest_s=rest_s) for one, rest_s in chosen
    ]
    made = program(intervals)
    monitor = PaperMonitor()
    for frame in made.frames:
        assert len(frame) <= LONGEST_FRAME
        (answer,) = monitor.take(frame)
        (reply,) = decode_frames([answer])
        assert isinstance(reply, CsafeFrame)
        parsed = parse_reply(reply.contents)
        assert parsed is not None
        assert parsed.status.previous == "ok"
    assert monitor.workout_type == made.workout_type
    assert len(monitor.workout) == len(intervals)
    for held, wanted in zip(monitor.workout, intervals, strict=True):
        assert held.target_type == _TARGETS[wanted.kind]
        per = 100 if wanted.kind == "time" else 1
        assert held.target_raw == round(wanted.amount * per)
        assert held.rest_s == (wanted.rest_s or 0)
        assert held.interval_type == _TYPES[wanted.kind][wanted.rest_s is None]


@given(st.binary(max_size=100))
def test_no_bytes_make_the_monitor_raise(noise: bytes) -> None:
    PaperMonitor().take(noise)
    if noise:
        PaperMonitor().answer(noise)
