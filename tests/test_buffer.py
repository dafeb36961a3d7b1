"""Where the streams meet: order, ticks, lateness, windows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rowlog.buffer import Buffer
from rowlog_drivers.frames import Frame
from rowlog_drivers.interface import Delivery
from rowlog_drivers.records import HeartRate, RowerSample, Tick

SECOND_NS = 1_000_000_000


def delivery(t_ns: int, name: str = "rower", late_ns: int = 0) -> Delivery:
    """A frame with one record of the same stamp."""
    frame = Frame(t_ns=t_ns, source=name, channel="2ad1", payload=b"", late_ns=late_ns)
    return Delivery(frame, (RowerSample(t_ns=t_ns, source=name),))


def test_frames_of_several_sources_come_out_in_order_of_time() -> None:
    buffer = Buffer()
    for t_ns, name in ((300, "a"), (100, "b"), (200, "a"), (200, "b")):
        buffer.push(delivery(t_ns, name))
    out = list(buffer.drain())
    # At one instant, the order of arrival stands.
    assert [(one.t_ns, one.frame and one.frame.source) for one in out] == [
        (100, "b"),
        (200, "a"),
        (200, "b"),
        (300, "a"),
    ]
    assert buffer.late_count == 0


def test_a_tick_stands_before_everything_of_its_second() -> None:
    buffer = Buffer()
    for t_ns in (SECOND_NS - 1, SECOND_NS, 3 * SECOND_NS + 5):
        buffer.push(delivery(t_ns))
    out = list(buffer.drain())
    assert [(one.t_ns, one.frame is None) for one in out] == [
        (SECOND_NS - 1, False),
        (SECOND_NS, True),
        (SECOND_NS, False),
        (2 * SECOND_NS, True),
        (3 * SECOND_NS, True),
        (3 * SECOND_NS + 5, False),
    ]
    assert out[1].records == (Tick(t_ns=SECOND_NS, source=""),)


def test_time_goes_on_without_frames() -> None:
    buffer = Buffer()
    assert [one.t_ns for one in buffer.drain(2 * SECOND_NS)] == [SECOND_NS, 2 * SECOND_NS]
    assert list(buffer.drain(2 * SECOND_NS)) == []


def test_a_frame_ahead_of_the_clock_moves_time_on() -> None:
    buffer = Buffer()
    buffer.push(delivery(2_500_000_000))
    assert buffer.backlog == 1
    given = [one.t_ns for one in buffer.drain(SECOND_NS)]
    assert given == [SECOND_NS, 2 * SECOND_NS, 2_500_000_000]
    assert buffer.backlog == 0
    assert list(buffer.drain(2 * SECOND_NS)) == []


def test_a_frame_older_than_the_last_tick_gets_its_time_and_says_so() -> None:
    buffer = Buffer()
    list(buffer.drain(2 * SECOND_NS))
    buffer.push(delivery(2 * SECOND_NS - 7))
    (late,) = buffer.drain(2 * SECOND_NS)
    assert late.frame is not None
    assert (late.frame.t_ns, late.frame.late_ns) == (2 * SECOND_NS, 7)
    assert [record.t_ns for record in late.records] == [2 * SECOND_NS]
    assert buffer.late_count == 1


def test_windows_hold_the_valid_readings_of_the_last_seconds() -> None:
    buffer = Buffer()
    for second, power in ((1, 100.0), (2, 0.0), (3, 120.0), (8, 140.0)):
        t_ns = second * SECOND_NS
        frame = Frame(t_ns=t_ns, source="rower", channel="2ad1", payload=b"")
        buffer.push(Delivery(frame, (RowerSample(t_ns=t_ns, source="rower", power_w=power),)))
        strap = Frame(t_ns=t_ns, source="strap", channel="2a37", payload=b"")
        bpm = HeartRate(t_ns=t_ns, source="strap", heart_rate_bpm=150, contact=second != 8)
        buffer.push(Delivery(strap, (bpm,)))
    list(buffer.drain())
    times, values = buffer.window("power_w", 5)
    assert (times.tolist(), values.tolist()) == ([3.0, 8.0], [120.0, 140.0])
    times, values = buffer.window("heart_rate_bpm", 60)
    assert (times.tolist(), values.tolist()) == ([1.0, 2.0, 3.0], [150.0] * 3)
    assert buffer.window("stroke_rate_spm", 5)[0].shape == (0,)
    assert buffer.latest("power_w", 9 * SECOND_NS) == 140.0
    assert buffer.latest("heart_rate_bpm", 9 * SECOND_NS) is None
    assert buffer.latest("heart_rate_bpm", 9 * SECOND_NS, seconds=6) == 150.0
    assert buffer.latest("stroke_rate_spm", 9 * SECOND_NS) is None


def test_without_windows_the_same_is_given_out_and_nothing_kept() -> None:
    kept, unkept = Buffer(), Buffer(windows=False)
    for second in (1, 2, 3):
        t_ns = second * SECOND_NS + 5
        frame = Frame(t_ns=t_ns, source="rower", channel="2ad1", payload=b"")
        told = Delivery(frame, (RowerSample(t_ns=t_ns, source="rower", power_w=100.0),))
        kept.push(told)
        unkept.push(told)
    assert list(kept.drain()) == list(unkept.drain())
    assert kept.latest("power_w", 3 * SECOND_NS) == 100.0
    assert unkept.latest("power_w", 3 * SECOND_NS) is None


Step = tuple[str, int]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 6 * SECOND_NS)),
        st.tuples(st.just("drain"), st.integers(0, 6 * SECOND_NS)),
    ),
    max_size=40,
)


def lived(steps: list[Step]) -> list[Delivery]:
    """What a live buffer gives out when frames come, and time is told, in any order."""
    buffer = Buffer()
    out: list[Delivery] = []
    for what, t_ns in steps:
        if what == "push":
            buffer.push(delivery(t_ns, f"s{len(out)}"))
        else:
            out += buffer.drain(t_ns)
    out += buffer.drain()
    return out


@given(STEPS)
def test_time_never_falls_and_no_frame_is_lost(steps: list[Step]) -> None:
    out = lived(steps)
    times = [one.t_ns for one in out]
    assert times == sorted(times)
    assert sum(one.frame is not None for one in out) == sum(what == "push" for what, _ in steps)
    for one in out:
        assert all(record.t_ns == one.t_ns for record in one.records)


@given(STEPS)
def test_each_whole_second_ticks_once_and_before_what_follows(steps: list[Step]) -> None:
    out = lived(steps)
    ticks = [one.t_ns for one in out if one.frame is None]
    assert ticks == [SECOND_NS * number for number in range(1, len(ticks) + 1)]
    reached = 0
    for one in out:
        if one.frame is None:
            reached = one.t_ns
        assert one.t_ns - reached < SECOND_NS


@given(STEPS)
def test_stamps_say_when_a_frame_really_came(steps: list[Step]) -> None:
    came = sorted(t_ns for what, t_ns in steps if what == "push")
    out = [one.frame for one in lived(steps) if one.frame is not None]
    assert sorted(frame.t_ns - frame.late_ns for frame in out) == came


@given(STEPS)
def test_replaying_what_a_live_buffer_gave_out_gives_the_same(steps: list[Step]) -> None:
    out = lived(steps)
    again = Buffer()
    for one in out:
        if one.frame is not None:
            again.push(one)
    replayed = list(again.drain(max((one.t_ns for one in out), default=0)))
    assert replayed == out
