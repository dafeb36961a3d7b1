"""What views are told of a recording, and that none of them can hurt it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import pytest

from rowlog.board import Board, strip_of, zone_of
from rowlog.derivation import Derivation, Derived
from rowlog.live import TRACE_S, Live, Moment, Rep, target_text
from rowlog.notation import parse
from rowlog.plan import Plan, Target
from rowlog.rebuild import rebuild
from rowlog.recording import record
from rowlog.simulating import script_for
from rowlog.standing import standing
from rowlog.summary import Summary, load
from rowlog.summary_athletes import add_athlete
from rowlog.viewing import Controls, Feed
from rowlog.zones import Zones
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.simulator import Simulator
from tests.support import DERIVED, rows

PLAN = "2x200m/0:20r@r28"
SPEED = 30.0


@dataclass
class Watching:
    """A view that keeps every picture it gets, and presses keys."""

    press: dict[str, str] = field(default_factory=dict)
    """At the first picture of a phase: the key to press."""
    name: str = "The watcher"
    seen: list[Live] = field(default_factory=list)

    def run(self, feed: Feed, controls: Controls) -> None:
        after = 0
        while (live := feed.wait(after)) is not None:
            self.seen.append(live)
            after = live.number
            where = live.moment.standing
            key = self.press.pop(f"{where.phase} {where.number}", None)
            if key is not None:
                controls.press(key)


class Failing:
    """A view that cannot show anything."""

    name = "The mirror"

    def run(self, feed: Feed, controls: Controls) -> None:
        feed.wait()
        raise ZeroDivisionError("nothing to see")


@dataclass
class Stuck:
    """A view that hangs at its first picture."""

    over: threading.Event
    name: str = "The post"

    def run(self, feed: Feed, controls: Controls) -> None:
        feed.wait()
        self.over.wait()


@dataclass(frozen=True)
class Watched:
    """A session and what its views saw."""

    seen: list[Live]
    told: list[str]
    summary: Summary


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """Two pieces on a simulated rower with a strap, by an athlete whose maximum is 150."""
    database = tmp_path_factory.mktemp("live") / "rowlog.db"
    add_athlete(database, "Kim", {"max_heart_rate_bpm": 150.0}, None, date(2026, 1, 1))
    watching, over, told = Watching(), threading.Event(), list[str]()
    session_id = record(
        database,
        parse_address(f"sim:rower?speed={SPEED:g}"),
        parse_address(f"sim:strap?speed={SPEED:g}"),
        plan=parse(PLAN),
        athlete="Kim",
        for_s=150,
        tell=told.append,
        views=(watching, Failing(), Stuck(over)),
    )
    over.set()
    return Watched(watching.seen, told, load(database, session_id))


def test_a_view_that_fails_or_hangs_does_not_hurt_the_recording(watched: Watched) -> None:
    session = watched.summary.session
    assert session.status == "complete"
    ends = [one.ended_by for one in watched.summary.segments]
    assert ends[:3] == ["target", "rest_over", "target"]
    assert watched.told == [
        "The mirror has failed: ZeroDivisionError('nothing to see'). "
        "The recording goes on without it."
    ]


def test_pictures_come_in_order_and_the_last_always_comes(watched: Watched) -> None:
    numbers = [live.number for live in watched.seen]
    assert numbers == sorted(set(numbers))
    times = [live.moment.t_s for live in watched.seen[:-1]]
    assert times == sorted(times)
    last = watched.seen[-1]
    assert last.closed
    assert not any(live.closed for live in watched.seen[:-1])
    assert last.moment.frames_committed == watched.summary.quality.frames


def test_the_strip_shows_the_plan_and_where_it_stands(watched: Watched) -> None:
    first = watched.seen[0]
    assert (first.plan, first.at) == ("2x200m@r28/0:20r", None)
    assert [piece.text for piece in first.strip] == ["200m", "0:20", "200m", "0:20"]
    assert {piece.state for piece in first.strip} <= {"next", "later"}
    at_work = [live for live in watched.seen if live.at == 0]
    shares = [live.strip[0].share for live in at_work]
    assert shares == sorted(shares)
    assert 0 < shares[len(shares) // 2] < 1
    assert [piece.state for piece in at_work[-1].strip] == ["now", "next", "later", "later"]
    done = watched.seen[-1].strip
    assert {piece.state for piece in done} == {"done"}
    assert {piece.share for piece in done} == {1.0}


def test_a_rest_counts_down_into_work(watched: Watched) -> None:
    resting = [live for live in watched.seen if live.at == 1]
    counts = [live.countdown_s for live in resting]
    assert all(count is not None and 0 <= count <= 20 for count in counts)
    assert counts == sorted(counts, key=lambda count: -(count or 0))
    coming = resting[0].moment.standing.next
    assert coming is not None
    assert coming.kind == "work"
    at_work = [live for live in watched.seen if live.at == 0]
    assert all(live.countdown_s is None for live in at_work)
    estimates = [live.to_go_s for live in at_work if live.to_go_s is not None]
    assert estimates[-1] < estimates[0] < 120


def test_finished_reps_are_those_of_the_summary(watched: Watched) -> None:
    last = watched.seen[-1]
    stored = [one for one in watched.summary.segments if one.kind == "work"]
    assert last.rep_count == len(last.reps) == len(stored) == 2
    for number, (rep, one) in enumerate(zip(last.reps, stored, strict=True), 1):
        assert isinstance(rep, Rep)
        assert (rep.number, rep.target, rep.activity) == (number, "200m", "row")
        assert rep.duration_s == pytest.approx(one.duration_s)
        assert rep.pace_s_per_500m == pytest.approx(one.mean_pace_s_per_500m)
        assert rep.power_w == pytest.approx(one.mean_power_w)
        assert rep.max_heart_rate_bpm == one.max_heart_rate_bpm
        assert rep.end_heart_rate_bpm == one.end_heart_rate_bpm
    # The first is told in the rest after it, or even sooner.
    assert any(live.at == 1 and live.rep_count == 1 for live in watched.seen)


def test_the_heart_is_in_a_zone_and_may_pass_its_ceiling(watched: Watched) -> None:
    beating = [live for live in watched.seen if live.moment.heart_rate_bpm is not None]
    assert beating
    for live in beating:
        bpm = live.moment.heart_rate_bpm or 0.0
        assert live.ceiling_bpm == 150.0
        assert live.above_ceiling == (bpm > 150.0)
        # UT2 from 55 %, UT1 from 70 %, AT 80 %, TR 85 %, AN 95 % of 150, in whole beats.
        limits = (82, 105, 120, 128, 142)
        place = sum(bpm >= limit for limit in limits)
        assert live.zone_name == ("below", "UT2", "UT1", "AT", "TR", "AN")[place]


def test_traces_have_a_value_a_second(watched: Watched) -> None:
    last = watched.seen[-1]
    assert last.heart_rate.end_s == last.power.end_s == int(last.moment.t_s)
    assert len(last.heart_rate.values) == min(TRACE_S, int(last.moment.t_s))
    assert max(value or 0 for value in last.power.values) > 100


def test_a_trace_has_a_hole_where_nothing_was_seen() -> None:
    """A session that goes on at 1:00 after a crash: nothing is known of the minute before."""
    (live,) = islice(pictures(parse("5:00")), 12, 13)
    board, derivation = Board(started_at=live.started_at), Derivation()
    later = replace(live.moment, t_s=60.0, heart_rate_bpm=100.0)
    board.take(derivation, Derived((), ()), later)
    assert board.live(derivation, later).heart_rate.values == (None,) * 55 + (100.0,) * 5


def test_every_device_is_heard(watched: Watched) -> None:
    last = watched.seen[-1]
    assert {one.source for one in last.sources} == {"rower", "strap"}
    middle = watched.seen[len(watched.seen) // 2]
    assert [one.state for one in middle.sources] == ["heard", "heard"]
    assert middle.heard_s is not None
    assert middle.moment.t_s - middle.heard_s < 60


def test_keys_that_a_view_presses_replay(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    watching = Watching(press={"work 1": "next", "rest 1": "mark", "work 2": "end"})
    session_id = record(
        database,
        parse_address("sim:rower?speed=40"),
        None,
        plan=parse("3x10:00/0:20r"),
        views=(watching,),
    )
    first, rest, second = load(database, session_id).segments
    assert (first.kind, first.ended_by, rest.ended_by) == ("work", "key", "rest_over")
    assert (second.kind, second.ended_by) == ("work", "end")
    tables = rows(database, session_id, (*DERIVED, "markers"))
    assert len(tables["markers"]) == 2
    rebuild(database)
    assert rows(database, session_id, tables) == tables


def test_a_key_that_is_none_is_refused(tmp_path: Path) -> None:
    class Bungling(Watching):
        def run(self, feed: Feed, controls: Controls) -> None:
            controls.press("format c:")

    told: list[str] = []
    record(
        tmp_path / "rowlog.db",
        parse_address("sim:rower?speed=40"),
        None,
        for_s=20,
        tell=told.append,
        views=(Bungling(),),
    )
    assert told == [
        "The watcher has failed: ValueError(\"there is no key 'format c:'\"). "
        "The recording goes on without it."
    ]


def test_a_feed_gives_the_newest_and_ends(watched: Watched) -> None:
    feed, (first, second) = Feed(), watched.seen[:2]
    assert feed.wait(seconds=0.0) is None
    feed.put(first)
    feed.put(second)
    assert feed.wait() is second
    assert feed.wait(second.number, seconds=0.0) is None
    feed.close()
    assert feed.wait(second.number) is None
    assert feed.wait() is feed.latest is second
    assert feed.closed


def test_a_picture_runs_on_by_itself(watched: Watched) -> None:
    """A second of life is 30 of this session: a rest of 20 s is over within half a second."""
    resting = next(live for live in watched.seen if live.at == 1)
    left = resting.countdown_s
    assert left is not None
    later = resting.since(left / 2 / SPEED)
    assert later.countdown_s == pytest.approx(left / 2)
    assert later.moment.standing.to_go == pytest.approx(left / 2)
    assert later.moment.t_s == pytest.approx(resting.moment.t_s + left / 2)
    assert later.strip[1].share == pytest.approx(1 - left / 2 / 20)
    over = resting.since(100)
    assert (over.countdown_s, over.strip[1].share, over.at) == (0.0, 1.0, 1)
    at_work = next(live for live in watched.seen if live.at == 0)
    assert at_work.since(1).moment.standing.to_go == at_work.moment.standing.to_go
    assert at_work.since(1).moment.standing.seconds == pytest.approx(
        at_work.moment.standing.seconds + SPEED
    )
    assert watched.seen[-1].since(1) is watched.seen[-1]


def test_the_guidance_of_a_heart_rate_is_its_ceiling(watched: Watched) -> None:
    live = next(live for live in watched.seen if live.at == 0)
    board = Board(started_at=live.started_at, zones=live.zones)
    assert board._ceiling_bpm(live.moment) == 150.0
    (rate,) = live.moment.guidance
    heart = replace(rate, quantity="heart_rate_bpm", low=None, high=135.0)
    assert board._ceiling_bpm(replace(live.moment, guidance=(rate, heart))) == 135.0


def pictures(plan: Plan, *faults: str) -> Iterator[Live]:
    """A picture every ten seconds of a session on paper, as a recording would have it."""
    simulator = Simulator(script_for(plan), rower="ftms", strap=True, seed=1, faults=faults)
    decoding, derivation = make_decoding(simulator.sources), Derivation(plan)
    names = [source.name for source in simulator.sources]
    board = Board(started_at=datetime(2026, 1, 1, tzinfo=UTC), plan=plan, sources=names)
    for count, frame in enumerate(simulator):
        derived = derivation.take([decoding.deliver(frame)])
        pipeline, t_ns = derivation.pipeline, frame.t_ns
        moment = Moment(
            session_id=1,
            t_s=t_ns / 1e9,
            frames_committed=count,
            standing=standing(pipeline.tracker, pipeline.position, t_ns),
            guidance=(),
            distance_m=None,
            stroke_count=None,
            energy_kcal=None,
            pace_s_per_500m=None,
            stroke_rate_spm=None,
            power_w=derivation.buffer.latest("power_w", t_ns),
            heart_rate_bpm=derivation.buffer.latest("heart_rate_bpm", t_ns),
            trouble=None,
            memory_left_s=None,
            complaints=(),
        )
        board.take(derivation, derived, moment)
        if count % 10 == 0:
            yield board.live(derivation, moment)


def test_a_long_session_keeps_only_what_is_shown() -> None:
    """An hour of 30/30: 60 reps, of which 40 are kept; traces of five minutes."""
    *_, last = pictures(parse("60x30s/30s"))
    assert last.rep_count == 60
    assert [rep.number for rep in last.reps] == list(range(21, 61))
    assert len(last.heart_rate.values) == len(last.power.values) == TRACE_S == 300
    assert len(last.strip) == 120


def test_a_link_that_drops_is_lost_and_then_a_gap() -> None:
    seen = list(pictures(parse("5:00"), "drop"))
    states = [next(one.state for one in live.sources if one.source == "rower") for live in seen]
    assert states[-1] == "heard"
    assert {"lost", "silent"} & set(states)
    gaps = [live.gaps for live in seen]
    assert (gaps[0], gaps[-1]) == (0, 1)
    rower = next(one for one in seen[-1].sources if one.source == "rower")
    assert rower.gaps == 1


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Target(type="distance", value=500.0), "500m"),
        (Target(type="time", value=90.0), "1:30"),
        (Target(type="time", value=3600.0), "1:00:00"),
        (Target(type="energy", value=20.0), "20cal"),
        (Target(type="heart_rate_below", value=120.0), "<120bpm"),
        (Target(type="heart_rate_above", value=150.0), ">150bpm"),
        (Target(type="ratio", value=1.0), "1x"),
        (Target(type="open"), "open"),
    ],
)
def test_targets_in_a_few_characters(target: Target, text: str) -> None:
    assert target_text(target) == text


def test_places_in_the_strip_are_as_long_as_their_pieces() -> None:
    strip = strip_of(parse("4:00/1:1+500m/2:00r").pieces, -1)
    # 500 m at 2:00 /500 m; a rest as long as the work before it.
    assert [piece.weight_s for piece in strip] == [240.0, 240.0, 120.0, 120.0]
    assert strip[0].state == "next"


@pytest.mark.parametrize(
    ("bpm", "zone"), [(None, None), (99.0, -1), (100.0, 0), (139.9, 2), (200.0, 4)]
)
def test_a_zone_reaches_from_its_limit_to_below_the_next(
    bpm: float | None, zone: int | None
) -> None:
    zones = Zones("limits", ("A", "B", "C", "D", "E"), (100, 110, 120, 140, 160), None)
    assert zone_of(zones, bpm) == zone
    assert zone_of(None, bpm) is None
