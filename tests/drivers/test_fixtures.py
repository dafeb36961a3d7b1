"""The simulated fixtures are what their generator writes, and their frames agree with the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures import generate
from rowlog_drivers.catalog import make_decoder
from rowlog_drivers.frames import read_frames
from rowlog_drivers.records import (
    HeartRate,
    MachineSplit,
    MachineState,
    MachineSummary,
    RowerSample,
    Stroke,
    Undecoded,
)

FOLDER = Path(__file__).resolve().parents[2] / "fixtures"


NAMES = [fixture.name for fixture in generate.FIXTURES]


def expectation(name: str) -> dict[str, Any]:
    path = FOLDER / name
    text = path.with_name(path.name.partition(".")[0] + ".expected.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_the_generator_writes_what_is_kept(tmp_path: Path) -> None:
    """When this fails the simulator changed: run `python fixtures/generate.py` and look."""
    for path in generate.generate(tmp_path):
        kept = FOLDER / path.relative_to(tmp_path)
        if path.suffix == ".json":
            assert path.read_text("utf-8") == kept.read_text("utf-8"), kept
        else:
            # Compared unpacked: compressors differ from one system to the next.
            new, old = read_frames(path), read_frames(kept)
            assert new.header == old.header, kept
            assert list(new) == list(old), kept


@pytest.mark.parametrize("name", NAMES)
def test_frames_agree_with_what_is_expected(name: str) -> None:
    file = read_frames(FOLDER / name)
    rower = file.header.source("rower")
    decoders = {source.name: make_decoder(source.driver) for source in file.header.sources}
    records = [record for frame in file for record in decoders[frame.source].decode(frame)]
    truth = expectation(name)
    garbage = [record for record in records if isinstance(record, Undecoded)]
    assert bool(garbage) == ("garbage" in name)
    assert file.header.plan == truth["plan"]
    assert file.header.end_s == pytest.approx(truth["session"]["duration_s"])
    hearts = [record for record in records if isinstance(record, HeartRate)]
    for segment in truth["segments"]:
        start, end = segment["started_at_s"], segment["started_at_s"] + segment["duration_s"]
        beats = [r.heart_rate_bpm for r in hearts if start <= r.t_ns / 1e9 < end]
        assert sum(beats) / len(beats) == pytest.approx(segment["mean_heart_rate_bpm"], abs=2)
    if rower is None:
        assert truth["session"]["distance_m"] is None
        return
    distances = [
        r.distance_m for r in records if isinstance(r, RowerSample) and r.distance_m is not None
    ]
    # A machine that starts its counter again says less than was rowed: the falls are added.
    steps = zip([0.0, *distances], distances, strict=False)
    rowed = sum(after - before if after >= before else after for before, after in steps)
    if rower.driver != "waterrower":  # which begins with the counter of a former row
        # What was rowed between the last record and the restart is lost with the counter.
        within = 4.0 if "reset" in name else 1.4
        if rower.driver == "pm5":  # whole metres in each of its three rests
            within = 3.0
        assert rowed == pytest.approx(truth["session"]["distance_m"], abs=within)
    assert ("reset" in name) == (distances != sorted(distances))
    work = [segment for segment in truth["segments"] if segment["kind"] == "work"]
    assert sum(segment["distance_m"] for segment in work) == pytest.approx(
        truth["session"]["work_distance_m"]
    )
    for before, after in zip(truth["segments"], truth["segments"][1:], strict=False):
        assert before["started_at_s"] + before["duration_s"] == pytest.approx(
            after["started_at_s"], abs=2e-6
        )


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("pm5/")])
def test_a_pm5_says_all_that_it_keeps_of_its_workout(name: str) -> None:
    file = read_frames(FOLDER / name)
    decoder = make_decoder("pm5")
    records = [r for frame in file if frame.source == "rower" for r in decoder.decode(frame)]
    truth = expectation(name)
    work = [one for one in truth["segments"] if one["kind"] == "work"]
    reports = [r for r in records if isinstance(r, MachineSplit) and r.distance_m is not None]
    rowed = sum(r.distance_m or 0.0 for r in reports)
    assert rowed == pytest.approx(sum(one["distance_m"] for one in work), abs=0.01)
    assert len(reports) == (len(work) if len(work) > 1 else 5)
    (whole,) = [r for r in records if isinstance(r, MachineSummary) and r.time_s is not None]
    assert whole.distance_m == pytest.approx(truth["session"]["work_distance_m"], abs=0.1)
    assert whole.time_s == pytest.approx(truth["session"]["work_s"], abs=0.05)
    curves = {r.number for r in records if isinstance(r, Stroke) and r.force_curve_n is not None}
    assert curves == set(range(1, truth["session"]["stroke_count"] + 1))
    belts = [r for r in records if isinstance(r, MachineState) and r.state == "heart_rate_belt"]
    relayed = any(isinstance(r, RowerSample) and r.heart_rate_bpm for r in records)
    assert len(belts) == relayed == ("intervals" in name)
