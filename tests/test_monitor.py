"""The monitor's own word against what was derived: when it wins, and a real PM5's whole row."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rowlog.intervals import Segment
from rowlog.monitor import MonitorWord
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog.structuring import derive
from rowlog.totals import SessionTotals, with_origins
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.protocols import pm5
from rowlog_drivers.records import MachineSplit, MachineSummary, Stroke

MS = 1_000_000
STARTED = datetime(2016, 3, 6, 11, 36, tzinfo=UTC)
DERIVED = with_origins(
    SessionTotals(
        activity="row",
        duration_s=700.0,
        elapsed_s=481.0,
        work_s=481.0,
        rest_s=0.0,
        distance_m=2003.0,
        work_distance_m=2003.0,
        stroke_count=200,
        energy_kcal=117.0,
        mean_pace_s_per_500m=120.1,
        mean_power_w=201.5,
        mean_stroke_rate_spm=24.9,
        drag_factor=120,
    )
)


def summary(**said: object) -> MachineSummary:
    return replace(MachineSummary(t_ns=0, source="rower"), **said)  # type: ignore[arg-type]


def split(number: int, **said: object) -> MachineSplit:
    return replace(MachineSplit(t_ns=0, source="rower", number=number), **said)  # type: ignore[arg-type]


WHOLE = summary(time_s=480.12, distance_m=2000.0, stroke_rate_spm=25, drag_factor=121)
MORE = summary(power_w=203, energy_kcal=118)


def outranked(
    records: Iterable[MachineSplit | MachineSummary], totals: SessionTotals = DERIVED
) -> SessionTotals:
    word = MonitorWord()
    for record in records:
        word.take(record)
    return word.outrank(totals)


def test_the_monitor_wins_and_what_was_derived_is_kept() -> None:
    found = outranked([WHOLE, MORE])
    assert found == replace(
        DERIVED,
        work_s=480.12,
        work_distance_m=2000.0,
        energy_kcal=118,
        mean_pace_s_per_500m=500 * 480.12 / 2000,
        mean_power_w=203,
        mean_stroke_rate_spm=25,
        drag_factor=121,
        origins=found.origins,
        derived=(
            ("work_s", 481.0),
            ("work_distance_m", 2003.0),
            ("energy_kcal", 117.0),
            ("mean_pace_s_per_500m", 120.1),
            ("mean_power_w", 201.5),
            ("mean_stroke_rate_spm", 24.9),
            ("drag_factor", 120),
        ),
    )
    origins = dict(found.origins)
    assert {name for name, origin in origins.items() if origin == "machine"} == {
        "work_distance_m",
        "energy_kcal",
        "mean_pace_s_per_500m",
        "mean_power_w",
        "mean_stroke_rate_spm",
        "drag_factor",
    }
    # The session's own totals and its strokes were counted all along.
    assert (origins["distance_m"], origins["stroke_count"]) == ("measured", "measured")


@pytest.mark.parametrize(
    ("why", "records"),
    [
        ("it said nothing", []),
        ("it said no time", [MORE]),
        ("two workouts", [WHOLE, MORE, summary(time_s=100.0, distance_m=500.0)]),
        ("another distance", [summary(time_s=480.0, distance_m=1900.0)]),
        ("another time", [summary(time_s=500.0, distance_m=2000.0)]),
    ],
)
def test_what_was_derived_stays(why: str, records: list[MachineSummary]) -> None:
    assert outranked(records) == DERIVED, why


def test_a_summary_that_is_said_again_is_of_the_same_workout() -> None:
    again = replace(WHOLE, recovery_heart_rate_bpm=138)
    assert outranked([WHOLE, MORE, again]) == outranked([WHOLE, MORE])


def test_drag_comes_from_the_splits_where_the_summary_has_none() -> None:
    splits = [
        split(1, time_s=300.0),
        split(1, drag_factor=100),
        split(2, time_s=100.0),
        split(2, drag_factor=120),
        split(3, time_s=80.0),
    ]
    # (300 * 100 + 100 * 120) / 400
    found = outranked([*splits, replace(WHOLE, drag_factor=None)])
    assert found.drag_factor == 105
    assert outranked([*splits, WHOLE]).drag_factor == 121


def test_what_the_monitor_does_not_say_stays_derived() -> None:
    found = outranked([summary(time_s=480.0, distance_m=2000.0)])
    assert (found.mean_power_w, found.drag_factor) == (201.5, 120)
    assert dict(found.origins)["mean_power_w"] == "measured"
    assert "mean_power_w" not in dict(found.derived)


def test_a_session_without_distance_is_left_alone() -> None:
    totals = replace(DERIVED, work_distance_m=None)
    assert outranked([WHOLE], totals) == totals


# A real monitor

HEADER = SourceHeader(name="rower", driver="pm5")


def recording(captures: Path) -> list[Frame]:
    """The 100 m row of a real PM5, its .jsonl made into frames."""
    frames: list[Frame] = []
    for line in (captures / "ergometerjs" / "pm5_row100m.jsonl").read_text("utf-8").splitlines():
        event = json.loads(line)
        if "hex" not in event:
            continue
        read = event["event"] == "readCharacteristic"
        frames.append(
            Frame(
                t_ns=event["t_return_ms" if read else "t_ms"] * MS,
                source="rower",
                channel=f"ce06{event['char']}",
                payload=bytes.fromhex(event["hex"]),
                sent=event["event"] == "writeCharacteristic",
            )
        )
    return sorted(frames, key=lambda frame: frame.t_ns)


def derived(frames: list[Frame], plan: str | None) -> tuple[list[Fact], SessionTotals]:
    facts: list[Fact] = []
    totals: SessionTotals | None = None
    decoding = make_decoding([HEADER])
    for batch, found in derive(frames, decoding, parse(plan) if plan else None, None):
        facts += batch
        totals = found
    assert totals is not None
    return facts, totals


@pytest.mark.parametrize("plan", [None, "100m"])
def test_a_row_is_told_as_its_monitor_told_it(captures: Path, plan: str | None) -> None:
    facts, totals = derived(recording(captures), plan)
    assert (totals.work_s, totals.work_distance_m, totals.distance_m) == (25.0, 100.0, 100.0)
    assert totals.mean_pace_s_per_500m == 125.0
    assert (totals.mean_stroke_rate_spm, totals.mean_power_w) == (24, 179)
    assert (totals.energy_kcal, totals.stroke_count, totals.drag_factor) == (6, 10, 98)
    assert (totals.elapsed_s, totals.machine_resets, totals.undecoded) == (25.0, 0, 0)
    # The mean of the strokes' powers is another figure than the monitor's, and is kept.
    assert 170 < dict(totals.derived)["mean_power_w"] < 178
    # Each stroke once, complete, though the monitor tells it in up to four notifications.
    strokes = [fact for fact in facts if isinstance(fact, Stroke)]
    assert [stroke.number for stroke in strokes] == list(range(1, 11))
    powers = [109, 142, 173, 183, 193, 197, 183, 186, 188, 191]
    assert [stroke.power_w for stroke in strokes] == powers
    assert [stroke.force_curve_n is not None for stroke in strokes] == [True] * 9 + [False]
    assert [stroke.recovery_s for stroke in strokes[:2]] == [1.8, 1.87]


def test_what_was_outranked_is_stored(captures: Path, tmp_path: Path) -> None:
    _, totals = derived(recording(captures), None)
    database = tmp_path / "rowlog.db"
    with Store.open_writer(database) as store:
        number = store.begin_session(
            started_at=STARTED,
            plan=None,
            athlete=None,
            activity="row",
            sources=[Source(name="rower", driver="pm5")],
        )
        store.close_session(number, end_ns=1, ended_at=STARTED, totals=totals)
    with open_reader(database) as reader:
        assert reader.session(number).totals == totals


# Intervals, whose counters start anew


def interval_frames(intervals: int = 3, strokes: int = 10, rest_s: int = 20) -> list[Frame]:
    """A PM5 with intervals of `strokes` strokes of 2.5 s and 10 m each, and rests between."""
    frames: list[Frame] = []

    def say(t_ms: float, value: pm5.Value) -> None:
        number = pm5.characteristic_of(value)
        frames.append(
            Frame(
                t_ns=round(t_ms * MS),
                source="rower",
                channel=pm5.channel(number),
                payload=pm5.encode_value(value),
            )
        )

    def status(t_ms: float, elapsed_s: float, *, resting: bool, over: int) -> None:
        say(
            t_ms,
            pm5.GeneralStatus(
                elapsed_s=elapsed_s,
                distance_m=elapsed_s * 4,
                workout_type=7,
                interval_type=2 if resting else 1,
                workout_state=3 if resting else 5,
                rowing_state=0 if resting else 1,
                stroke_state=4,
                total_work_distance_raw=0,
                target_raw=strokes * 10,
                target_type=0x80,
                drag_factor=120,
            ),
        )
        say(
            t_ms + 1,
            pm5.AdditionalStatus2(
                elapsed_s=elapsed_s,
                interval_count=over,
                average_power_w=179,
                energy_kcal=round(over * 6 + elapsed_s / 4),
                split_average_pace_s_per_500m=125.0,
                split_average_power_w=179,
                split_energy_kcal=0,
                last_split_time_s=0.0,
                last_split_distance_m=0,
            ),
        )

    work_ms = strokes * 2500
    for interval in range(intervals):
        began_ms = 5_000 + interval * (work_ms + rest_s * 1000)
        for t_ms in range(0, work_ms + 1, 500):
            status(began_ms + t_ms, t_ms / 1000, resting=False, over=interval)
        for number in range(1, strokes + 1):
            drive_ms = (number - 1) * 2500 + 800
            for t_ms, recovery_s in ((drive_ms, 0.0), (number * 2500 - 10, 1.7)):
                say(
                    began_ms + t_ms,
                    pm5.StrokeData(
                        elapsed_s=t_ms / 1000,
                        distance_m=t_ms / 250,
                        drive_length_m=1.2,
                        drive_s=0.8,
                        recovery_s=recovery_s,
                        stroke_distance_m=10.0,
                        peak_force_lbf=170.0,
                        mean_force_lbf=100.0,
                        work_j=400.0,
                        stroke_count=number,
                    ),
                )
        for t_ms in range(500, rest_s * 1000, 500):
            status(began_ms + work_ms + t_ms, work_ms / 1000, resting=True, over=interval)
    return sorted(frames, key=lambda frame: frame.t_ns)


def test_counters_that_start_anew_with_each_interval_add_up() -> None:
    facts, totals = derived(interval_frames(), "3x100m/0:20r")
    assert totals.stroke_count == 30
    assert totals.distance_m == pytest.approx(300.0, abs=2.0)
    assert totals.elapsed_s == pytest.approx(75.0, abs=0.6)
    strokes = [fact for fact in facts if isinstance(fact, Stroke)]
    assert [stroke.number for stroke in strokes] == list(range(1, 31))
    segments = {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    assert [segment.kind for segment in segments.values()] == ["work", "rest"] * 3
    for index in (0, 2, 4):
        figures = segments[index].figures
        assert figures.distance_m == pytest.approx(100.0, abs=2.0)
