"""Sessions that could be of one workout are found as if each was looked at, one after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from random import Random
from tempfile import TemporaryFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog import candidates, recognising
from rowlog.candidates import Beginnings, Instants
from rowlog.importing_sessions import parts_of
from rowlog.recognising import Recognised, Twin
from rowlog.same_hearts import Pulse
from rowlog.sameness import Course, Sketch, course, same, within
from rowlog.store_read import ClosedWorkout
from rowlog.store_whole import Whole
from rowlog.totals import SessionTotals
from rowlog_drivers.records import HeartRate
from tests.test_known_again import Found, cut
from tests.test_sameness import BEGAN, ergdata, known, laps, strokes


class OneByOne(Recognised):
    """The same search, which looks at every session there is."""

    def _all(self) -> list[ClosedWorkout]:
        return [self._sessions[number] for number in sorted(self._rowed)]

    def _as_far(self, one: Whole) -> list[ClosedWorkout]:
        rowed_m = one.totals.distance_m or 0.0
        slack_m = max(12.0, 0.005 * rowed_m)
        return [
            known
            for known in self._all()
            if -slack_m <= (known.distance_m or 0) - rowed_m < slack_m
        ]

    def _near(self, one: Whole) -> list[ClosedWorkout]:
        return [known for known in self._as_far(one) if recognising._may_be_of_one_time(known, one)]

    def _in_strokes(self, one: Whole, drawn: Sketch) -> list[ClosedWorkout]:
        return self._as_far(one)

    def _together(self, one: Whole) -> set[int]:
        return {k.number for k in self._all() if recognising._may_be_together(one, k)}

    def _alike(self, mine: Course) -> set[int]:
        begun = self._begun()
        return {
            known.number
            for known in self._all()
            if recognising._begins_alike(begun.get(known.number, []), mine)
        }

    def _may_be_part(self, mine: Course, number: int) -> bool:
        return True

    def _may_be_same(self, mine: Course, number: int) -> bool:
        return True

    def _beat_like(self, bpm: float, *, alone: bool) -> list[int]:
        found = [*self._pulsed, *self._pulsed_alone]
        return [number for mean_bpm, number in sorted(found) if abs(mean_bpm - bpm) <= 2.0]

    def _hearts(self, one: Whole) -> list[Twin]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(recognising, "_days_apart", lambda *_: False)
            return super()._hearts(one)


def whole_of(content: bytes) -> Whole:
    (part,) = parts_of("x.csv", content, BEGAN, None, frozenset())
    (whole,) = part.wholes
    return whole


def heart_alone(one: Whole, later: timedelta) -> Whole:
    """What a strap's own recording has of it."""
    totals = one.totals
    return replace(
        one,
        started_at=one.started_at + later,
        facts=tuple(fact for fact in one.facts if isinstance(fact, HeartRate)),
        totals=SessionTotals(
            activity="other", duration_s=totals.duration_s, work_s=0.0, rest_s=0.0,
            mean_heart_rate_bpm=totals.mean_heart_rate_bpm, frames=totals.frames,
            heart_rate_source=totals.heart_rate_source,
        ),
    )  # fmt: skip


@cache
def pool() -> list[Whole]:
    """Workouts by the same athlete, alike and not, each told in several ways, whole and in part."""
    made: list[Whole] = []
    for seed in range(7):
        found = strokes(seed, 500.0 if seed % 3 else 900.0, stop_s=30.0 if seed == 4 else 0.0)
        began = BEGAN + timedelta(days=seed // 2, hours=3 * (seed % 2))
        longer: Found = cut(found, 0.0, 0.8)
        made += [
            whole_of(ergdata(found, began, beats=True)),
            whole_of(laps(found, began + timedelta(hours=seed % 3, seconds=90))),
            whole_of(ergdata(longer, None if seed % 2 else began + timedelta(seconds=20))),
            whole_of(ergdata(cut(found, 0.3, 1.0), began + timedelta(minutes=2))),
            whole_of(ergdata(cut(found, 0.2, 0.7), began + timedelta(days=40))),
        ]
        first = made[-5]
        made += [heart_alone(first, timedelta(seconds=3)), heart_alone(first, timedelta(days=9))]
    return made


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_an_index_and_a_look_at_each_name_the_same_sessions(seed: int) -> None:
    order = list(pool())
    Random(seed).shuffle(order)
    with (
        pytest.MonkeyPatch.context() as patch,
        TemporaryFile() as one_file,
        TemporaryFile() as other_file,
    ):
        patch.setattr(recognising, "MANY", 0)  # so that none is too few
        patch.setattr(candidates, "MANY", 0)
        indexed, plain = Recognised(None, [], one_file), OneByOne(None, [], other_file)
        hows: set[str] = set()
        for number, one in enumerate(order[:25], 1):
            found = indexed.same_as(one)
            assert found == plain.same_as(one), number
            hows |= {twin.how for twin in found}
            indexed.add(number, one)
            plain.add(number, one)
        assert hows


def test_the_pool_has_every_kind_of_twin() -> None:
    with TemporaryFile() as file:
        indexed = Recognised(None, [], file)
        hows = set()
        for number, one in enumerate(pool(), 1):
            hows |= {twin.how for twin in indexed.same_as(one)}
            indexed.add(number, one)
    assert hows == {"same", "part", "whole", "heart"}


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 200), st.integers(0, 2), st.floats(0, 0.3), st.floats(0.6, 1.0),
    st.sampled_from(["as heard", "tenths", "whole"]), st.floats(-3.0, 20.0),
    st.sampled_from([0.0, 20.0]),
)  # fmt: skip
def test_what_is_left_out_at_a_first_look_is_found_by_no_closer_one(
    seed: int, other: int, low: float, high: float, telling: str, more_m: float, stop_s: float
) -> None:
    whole = known(strokes(seed, 700.0, stop_s=stop_s))
    found = [(t_s, m + more_m) for t_s, m in cut(strokes(seed + other, 700.0), low, high)]
    part = known(found, telling)  # type: ignore[arg-type]
    laid, again = Instants(whole), Instants(part)
    if within(part, whole) is not None:
        assert laid.may_hold(again)
    if same(part, whole) is not None:
        assert again.may_be(laid)
    if other == 0 and low == 0 and more_m == 0 and not stop_s:
        assert laid.may_hold(again)


def test_other_days_are_mostly_left_out_at_a_first_look() -> None:
    laid = [Instants(known(strokes(seed))) for seed in range(20)]
    assert all(one.may_be(one) and one.may_hold(one) for one in laid)
    apart = [(a, b) for a in laid for b in laid if a is not b]
    assert sum(a.may_be(b) for a, b in apart) < len(apart) / 10


def test_beginnings_are_found_as_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "MANY", 0)
    begun = {
        seed: [strokes(seed)[k - 1] for k in (20, 60, 100, 140)[: 2 + seed % 3]]
        for seed in range(60)
    }
    beginnings = Beginnings()
    for number, beginning in begun.items():
        beginnings.add(number, beginning)
    for seed in (0, 1, 2, 70):
        mine = known(strokes(seed), "tenths")
        limit_s = recognising._beginning_within(mine)
        found = set(beginnings.alike(mine, limit_s))
        exact = {n for n, told in begun.items() if recognising._begins_alike(told, mine)}
        assert exact <= found
        assert (seed in found) == (seed % 3 > 0 and seed < 60)
        assert len(found) < len(begun)


def test_hearts_of_other_days_are_not_read_where_only_rates_could_tell() -> None:
    first = pool()[0]
    short = course(strokes(1), by_stroke=True)
    assert short is not None
    heard = Pulse(beats=tuple((float(t_s), 120) for t_s in range(100)), rr=())
    day = ClosedWorkout(
        number=1, started_at=first.started_at + timedelta(days=2), ended_at=first.ended_at
        + timedelta(days=2), start_known=True, distance_m=None, stroke_count=None, frames=1,
    )  # fmt: skip
    assert recognising._days_apart(first, day, heard)
    assert not recognising._days_apart(first, day._replace(start_known=False), heard)
    assert not recognising._days_apart(first, day._replace(started_at=first.started_at), heard)
    told = tuple((float(k), 800.0) for k in range(60))
    assert not recognising._days_apart(first, day, replace(heard, rr=told))


def test_sessions_are_found_by_their_clocks_up_to_the_limit() -> None:
    clocks = candidates.Clocks()
    hours = [*range(-30, 31)]
    for number, hour in enumerate(hours):
        began = BEGAN + timedelta(hours=hour)
        clocks.add(number, began, began + timedelta(minutes=30 + 90 * (hour == -20)))
    ended = BEGAN + timedelta(minutes=30)
    around = {hours[number] for number in clocks.around(BEGAN, ended, 26 * 3600.0)}
    assert around == set(range(-26, 27))
    together = {hours[number] for number in clocks.together(BEGAN, ended, 14 * 3600.0)}
    assert together == set(range(-14, 15))
    assert set(clocks.together(BEGAN + timedelta(hours=-18.5), ended, 0.0)) >= {10}


def test_who_moved_as_long_is_within_the_limits() -> None:
    for moving_s in (100.0, 799.0, 3600.0):
        drawn = Sketch(moving_s, 10.0, (), False)
        low_s, high_s = drawn.moving_within
        for step in range(-600, 601):
            other = Sketch(moving_s + step / 20, 10.0, (), False)
            assert low_s <= other.moving_s < high_s or drawn.unlike(other)
