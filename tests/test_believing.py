"""Machines whose values decode well and are wrong: no figure is made of those.

Each machine sends frames as the protocol's tables have them, once a second, under the name that it
advertises. What is expected is what was rowed: 24 strokes a minute at 2:05, which is 4 m/s and, by
2.80 / (125 / 500)^3, 179.2 W.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.believing import Believed, Believing
from rowlog.derivation import Derivation
from rowlog.intervals import Segment
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.structuring import derive
from rowlog.timeline import Anomaly
from rowlog.totals import SessionTotals
from rowlog_drivers.catalog import NAME_OPTION, make_decoding
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols.ftms import encode_rower_data
from rowlog_drivers.quirks import QUIRKS
from rowlog_drivers.records import RowerSample, Stroke

S: Final = 1_000_000_000
WATTS: Final = 2.80 / (125 / 500) ** 3
PHASES: Final = (("still", 4), ("row", 60), ("still", 30), ("row", 60), ("still", 20))
PLAN: Final = "200m/0:30r+200m"
ROWING: Final = (10, 60)
"""Seconds that are well within the first stretch of rowing."""
RESTING: Final = (72, 93)
"""Seconds more than six after its last stroke."""

Said = Callable[[int, RowerSample], RowerSample]
"""What the machine sends at a second in place of what was rowed."""


def truth() -> list[RowerSample]:
    """One sample a second: 4 m/s and a stroke every 2.5 s while rowing."""
    samples: list[RowerSample] = []
    metres = rowed_s = second = 0
    for phase, seconds in PHASES:
        for _ in range(seconds):
            rowing = phase == "row"
            rowed_s += rowing
            metres += 4 * rowing
            samples.append(
                RowerSample(
                    t_ns=second * S,
                    source="rower",
                    stroke_rate_spm=24.0 * rowing,
                    stroke_count=int(rowed_s / 2.5),
                    distance_m=float(metres),
                    pace_s_per_500m=125.0 * rowing,
                    power_w=179.0 * rowing,
                    elapsed_s=float(second),
                )
            )
            second += 1
    return samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a session with such a machine led to."""

    samples: list[RowerSample]
    """As they are believed, one a second."""
    live: dict[str, list[float | None]]
    """The figures at each second."""
    segments: list[Segment]
    strokes: list[Stroke]
    doubted: list[Anomaly]
    totals: SessionTotals
    rebuilt: bool
    """Whether the stored frames lead to the same facts and figures."""

    def said(self, field: str, stretch: tuple[int, int]) -> set[float | None]:
        """The believed values of a field in some seconds."""
        return {getattr(one, field) for one in self.samples[slice(*stretch)]}


def recorded(name: str, said: Said, *, rate_scale: float = 0.5) -> Outcome:
    """The session as it is recorded, from frames to figures."""
    header = SourceHeader(name="rower", driver="ftms", options=((NAME_OPTION, name),))
    decoding = make_decoding([header])
    derivation = Derivation(parse(PLAN), treatments=decoding.treatments)
    samples: list[RowerSample] = []
    live: dict[str, list[float | None]] = {"power_w": [], "stroke_rate_spm": []}
    facts: list[Fact] = []
    frames: list[Frame] = []
    for second, sample in enumerate(truth()):
        payload = encode_rower_data(said(second, sample), stroke_rate_scale=rate_scale)
        frame = Frame(t_ns=second * S, source="rower", channel="2ad1", payload=payload)
        frames.append(frame)
        derived = derivation.take([decoding.deliver(frame)])
        (delivery,) = derived.deliveries
        assert delivery.frame is not None
        assert delivery.frame.payload == payload
        samples += [record for record in delivery.records if isinstance(record, RowerSample)]
        facts += derived.facts
        for quantity, values in live.items():
            values.append(derivation.buffer.latest(quantity, second * S, seconds=1.5))
    derived, totals = derivation.finish(len(samples) * S)
    facts += derived.facts
    again = list(derive(frames, make_decoding([header]), parse(PLAN), len(samples) * S))
    segments = {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    return Outcome(
        samples=samples,
        live=live,
        segments=list(segments.values()),
        strokes=[fact for fact in facts if isinstance(fact, Stroke)],
        doubted=[f for f in facts if isinstance(f, Anomaly) and f.kind == "doubted"],
        totals=totals,
        rebuilt=[fact for batch, _ in again for fact in batch] == facts and again[-1][1] == totals,
    )


def mean_power_w(outcome: Outcome) -> list[float | None]:
    """Of each piece of work."""
    return [one.figures.mean_power_w for one in outcome.segments if one.kind == "work"]


def test_what_was_rowed_is_what_is_recorded() -> None:
    """Of a machine that needs no treatment."""
    outcome = recorded("Nordlys 1", lambda _, sample: sample)
    assert mean_power_w(outcome) == pytest.approx([179.0, 179.0])
    assert not any(isinstance(sample, Believed) for sample in outcome.samples)
    assert outcome.doubted == []


def test_wdk_the_power_is_the_paces() -> None:
    """It sends three times the power; the origin of the figure says that it is derived."""
    outcome = recorded("WDK 1234", lambda _, one: replace(one, power_w=3 * (one.power_w or 0)))
    assert outcome.said("power_w", ROWING) == {WATTS}
    assert outcome.live["power_w"][30] == WATTS
    assert mean_power_w(outcome) == pytest.approx([WATTS, WATTS])
    assert outcome.totals.mean_power_w == pytest.approx(WATTS)
    assert dict(outcome.totals.origins)["mean_power_w"] == "derived"
    assert dict(outcome.segments[0].figures.origins)["mean_power_w"] == "derived"
    assert {stroke.power_w for stroke in outcome.strokes} <= {WATTS, None}
    # The first power of each bout is marked, as sent: the rest of 30 s lies between.
    assert [(one.field, one.value) for one in outcome.doubted] == [("power_w", 537.0)] * 2


def test_dfit_pace_and_power_stay_when_nobody_rows() -> None:
    """They count only while the stroke rate is above 0."""

    def stay(second: int, one: RowerSample) -> RowerSample:
        return one if second < 5 else replace(one, pace_s_per_500m=125.0, power_w=179.0)

    outcome = recorded("DFIT-L-R 7", stay)
    assert outcome.said("power_w", RESTING) == outcome.said("pace_s_per_500m", RESTING) == {None}
    assert outcome.said("power_w", ROWING) == {179.0}
    assert outcome.live["power_w"][80] is None
    assert mean_power_w(outcome) == pytest.approx([179.0, 179.0])
    assert {(one.field, one.value) for one in outcome.doubted} == {
        ("power_w", 179.0),
        ("pace_s_per_500m", 125.0),
    }
    assert len(outcome.doubted) == 4  # both, in the rest and at the end


def test_whipr_no_power_between_good_ones() -> None:
    """Every third frame says 0 W; it sends whole strokes a minute besides."""

    def gaps(second: int, one: RowerSample) -> RowerSample:
        return replace(one, power_w=0.0) if second % 3 == 0 else one

    outcome = recorded("WHIPR 2", gaps, rate_scale=1.0)
    assert outcome.said("power_w", ROWING) == {179.0, None}
    assert outcome.said("stroke_rate_spm", ROWING) == {24.0}
    assert mean_power_w(outcome) == pytest.approx([179.0, 179.0])
    assert outcome.totals.mean_power_w == pytest.approx(179.0)
    assert outcome.said("power_w", (66, 93)) == {0.0}  # in a rest 0 W is what it is
    assert [(one.field, one.value) for one in outcome.doubted] == [("power_w", 0.0)] * 2


def test_kayakpro_strokes_of_both_sides_are_strokes() -> None:
    """84 a minute, faster than any rower."""

    def paddled(_: int, one: RowerSample) -> RowerSample:
        rate = one.stroke_rate_spm or 0.0
        return replace(
            one, stroke_rate_spm=3.5 * rate, stroke_count=round(3.5 * (one.stroke_count or 0))
        )

    outcome = recorded("KayakPro 9", paddled)
    assert outcome.said("stroke_rate_spm", ROWING) == {84.0}
    rates = {one.stroke_rate_spm for one in outcome.strokes if 10 * S < one.t_ns < 60 * S}
    assert rates == {84.0}
    plain = recorded("Rower 1", lambda _, one: one).totals.mean_stroke_rate_spm
    assert plain is not None
    assert outcome.totals.mean_stroke_rate_spm == pytest.approx(3.5 * plain, rel=0.01)
    other = recorded("Rower 1", paddled)
    assert {one.stroke_rate_spm for one in other.strokes} == {None}


def test_joroto_rates_without_strokes_and_a_start_that_is_too_fast() -> None:
    """The rate is the count's, and pace and power count from the second stroke."""

    def spiking(second: int, one: RowerSample) -> RowerSample:
        if second % 20 < 7 or not one.stroke_rate_spm:
            one = replace(one, stroke_rate_spm=30.0 + 5 * (second % 8))
        if 0 <= second - 4 < 4 or 0 <= second - 94 < 4:
            one = replace(one, pace_s_per_500m=70.0, power_w=300.0)
        return one

    outcome = recorded("JOROTO-MR280PRO 5", spiking)
    rates = outcome.said("stroke_rate_spm", (20, 60))
    assert all(rate is not None and abs(rate - 24) <= 2.5 for rate in rates)
    assert outcome.said("stroke_rate_spm", RESTING) == {None}
    assert outcome.live["stroke_rate_spm"][80] is None
    assert 300.0 not in outcome.said("power_w", (0, 200))
    assert 70.0 not in outcome.said("pace_s_per_500m", (0, 200))
    assert mean_power_w(outcome) == pytest.approx([179.0, 179.0])
    told = [one.stroke_rate_spm for one in outcome.strokes if one.stroke_rate_spm is not None]
    assert max(told) < 28
    assert outcome.totals.distance_m == 480.0
    assert {one.field for one in outcome.doubted} == {
        "stroke_rate_spm",
        "pace_s_per_500m",
        "power_w",
    }


def test_pm5_values_that_stay_after_the_last_stroke() -> None:
    """By its FTMS service: rate, pace and power are those of the last stroke until the next."""

    def stay(second: int, one: RowerSample) -> RowerSample:
        if second < 5:
            return one
        return replace(one, stroke_rate_spm=24.0, pace_s_per_500m=125.0, power_w=179.0)

    outcome = recorded("PM5 430000001 Row", stay)
    for field in ("stroke_rate_spm", "pace_s_per_500m", "power_w"):
        assert outcome.said(field, RESTING) == {None}
    assert outcome.said("power_w", ROWING) == {179.0}
    assert outcome.live["power_w"][80] is outcome.live["stroke_rate_spm"][80] is None
    assert mean_power_w(outcome) == pytest.approx([179.0, 179.0])


@pytest.mark.parametrize("name", sorted({quirk.prefix for quirk in QUIRKS if quirk.treatments}))
def test_a_rebuild_believes_what_the_recording_believed(name: str) -> None:
    def odd(second: int, one: RowerSample) -> RowerSample:
        return replace(one, power_w=float(37 * second % 400), stroke_rate_spm=second % 60 / 1)

    assert recorded(f"{name} 1" if name != "WDK" else "WDK 1234", odd).rebuilt


def test_strokes_that_are_told_at_one_instant_have_no_rate() -> None:
    """A computer that was held up takes them in at once; so does a late frame that is dated on."""
    believing = Believing({"rower": ("rate_from_count",)})

    def rate(t_ns: int, count: int) -> float | None:
        sample = RowerSample(t_ns=t_ns, source="rower", stroke_rate_spm=31.0, stroke_count=count)
        frame = Frame(t_ns=t_ns, source="rower", channel="2ad1", payload=b"")
        (believed,) = believing.judge(Delivery(frame, (sample,))).records
        assert isinstance(believed, Believed)
        return believed.stroke_rate_spm

    assert [rate(S, count) for count in (1, 2, 3, 4, 5)] == [None] * 5
    assert rate(3 * S, 6) == 60.0 * 4 / 2


def test_every_treatment_of_the_table_has_its_source_and_is_known() -> None:
    treated = [quirk for quirk in QUIRKS if quirk.treatments]
    assert len(treated) == 7
    for quirk in treated:
        assert quirk.source
        Believing({"rower": quirk.treatments})
    with pytest.raises(KeyError):
        Believing({"rower": ("nothing",)})


@given(
    st.lists(
        st.tuples(
            st.one_of(st.just(0), st.integers(0, 10 * S)),
            st.one_of(st.none(), st.floats(0, 130)),
            st.one_of(st.none(), st.integers(0, 0xFFFF)),
            st.one_of(st.none(), st.floats(0, 0xFFFF)),
            st.one_of(st.none(), st.floats(-32768, 32767)),
        ),
        max_size=30,
    )
)
def test_whatever_comes_nothing_is_raised_and_nothing_else_is_changed(
    told: list[tuple[int, float | None, int | None, float | None, float | None]],
) -> None:
    """Every treatment at a time; distance, count and time stay as they were sent."""
    names = tuple(dict.fromkeys(name for quirk in QUIRKS for name in quirk.treatments))
    believing = Believing({"rower": names})
    t_ns = 0
    for step_ns, rate, count, pace, power in told:
        t_ns += step_ns
        sample = RowerSample(
            t_ns=t_ns, source="rower", stroke_rate_spm=rate, stroke_count=count,
            pace_s_per_500m=pace, power_w=power, distance_m=5.0,
        )  # fmt: skip
        frame = Frame(t_ns=t_ns, source="rower", channel="2ad1", payload=b"")
        (believed,) = believing.judge(Delivery(frame, (sample,))).records
        assert isinstance(believed, Believed)
        assert (believed.t_ns, believed.stroke_count, believed.distance_m) == (t_ns, count, 5.0)
        for field in believed.unknown:
            assert getattr(believed, field) is None
            assert getattr(sample, field) is not None
