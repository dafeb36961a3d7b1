"""The simulated fixtures are what their generator writes, and their frames agree with the truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fixtures import generate
from rowlog_drivers.frames import read_frames
from rowlog_drivers.interface import Decoder
from rowlog_drivers.protocols import ftms, heart_rate
from rowlog_drivers.protocols.waterrower import S4Decoder
from rowlog_drivers.records import HeartRate, RowerSample, Undecoded

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
    decoders: dict[str, Decoder] = {"strap": heart_rate.StrapDecoder()}
    rower = file.header.source("rower")
    if rower is not None:
        decoders["rower"] = S4Decoder() if rower.driver == "waterrower" else ftms.RowerDecoder()
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
