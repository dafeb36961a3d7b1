"""Histories of next to nothing: every question over years is answered, in words and without NaN."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import pytest

from rowlog.notation import parse
from rowlog.replaying import record_frames
from rowlog.simulating import script_for
from rowlog_drivers.frames import FramesHeader
from rowlog_drivers.simulator import simulate
from tests.test_years_commands import answer, call

QUESTIONS = (
    ("summary",),
    ("summary", "--by", "season"),
    ("bests",),
    ("bests", "--curves"),
    ("bests", "--whole"),
    ("bests", "--by", "athlete"),
    ("bests", "2000m"),
    ("trends",),
    ("trends", "--by", "year", "--charts"),
    ("zones",),
    ("zones", "--by", "year"),
    ("athlete", "show"),
    ("athlete", "list"),
    ("sessions",),
)
OF_ONE = (("show",), ("judge",))
NOT_SAID = re.compile(r"\b(nan|inf|infinity|None)\b", re.IGNORECASE)


def asked(path: Path, *questions: tuple[str, ...]) -> None:
    """Ask all, as people and as machines do."""
    for words in questions:
        text = call(path, *words)
        assert text.strip(), words
        assert not NOT_SAID.search(text), (words, text)
        answer(path, *words)  # strict JSON, which knows no NaN


def ann(path: Path) -> Path:
    call(path, "athlete", "add", "Ann", "--max", "185", "--resting", "50", "--sex", "female")
    return path


def test_nothing_at_all(tmp_path: Path) -> None:
    asked(ann(tmp_path / "rowlog.db"), *QUESTIONS)


@pytest.mark.parametrize(
    ("name", "seconds", "strap", "beats"),
    [
        ("one frame", 0.2, False, True),
        ("one stroke", 5.5, False, True),
        ("one stroke with a heart rate", 5.5, True, True),
        ("no heart rate", 60.0, False, True),
        ("a strap that measures nothing", 60.0, True, False),
    ],
)
def test_one_session_of_next_to_nothing(
    tmp_path: Path, name: str, seconds: float, strap: bool, beats: bool
) -> None:
    simulation = simulate(script_for(parse("200m@2:00")), strap=strap, seed=2)
    frames = [
        frame
        for frame in simulation.frames
        if frame.t_ns <= seconds * 1e9 and (beats or frame.channel != "2a37")
    ]
    assert frames, name
    path = ann(tmp_path / "rowlog.db")
    header = FramesHeader(sources=simulation.sources, end_ns=round(seconds * 1e9))
    record_frames(frames, header, path, plan=parse("200m"), athlete="Ann")
    asked(path, *QUESTIONS, *OF_ONE)


def test_one_stroke_has_no_rate(tmp_path: Path) -> None:
    """Half a second after it began 1 stroke would be 120 a minute."""
    simulation = simulate(script_for(parse("200m@2:00")), strap=False, seed=2)
    path = tmp_path / "rowlog.db"
    for seconds, strokes in ((5.5, 1), (7.5, 2)):
        header = FramesHeader(sources=simulation.sources, end_ns=round(seconds * 1e9))
        frames = [frame for frame in simulation.frames if frame.t_ns <= seconds * 1e9]
        record_frames(frames, header, path, plan=parse("200m"))
        shown = answer(path, "show")
        work = shown["segments"][0]
        assert (work["stroke_count"], shown["session"]["stroke_count"]) == (strokes, strokes)
        rates = [one["mean_stroke_rate_spm"] for one in (work, shown["session"])]
        if strokes == 1:
            assert rates == [None, None]
            assert not {"mean_stroke_rate_spm"} & work["origins"].keys()
        else:
            assert rates == [pytest.approx(60 * strokes / work["duration_s"])] * 2


@pytest.mark.parametrize(
    ("rower", "strap", "channels", "title"),
    [
        ("ftms", True, {"link"}, "rowing"),
        ("ftms", True, {"2a37"}, "heart rate"),
        (None, True, {"2a37"}, "heart rate"),
        (None, True, {"link"}, "heart rate"),
    ],
)
def test_a_rower_that_says_nothing_is_no_strap(
    tmp_path: Path, rower: Literal["ftms"] | None, strap: bool, channels: set[str], title: str
) -> None:
    simulation = simulate(script_for(parse("0:20")), rower=rower, strap=strap, seed=2)
    frames = [frame for frame in simulation.frames if frame.channel in channels]
    path = tmp_path / "rowlog.db"
    header = FramesHeader(sources=simulation.sources, end_ns=20_000_000_000)
    record_frames(frames, header, path, plan=None)
    assert call(path, "show").splitlines()[0] == f"Session 1 · {title}"


def test_a_rower_alone_has_no_columns_of_a_heart(tmp_path: Path) -> None:
    rowed = simulate(script_for(parse("2:00")), seed=2, strap=False)
    path = tmp_path / "rowlog.db"
    record_frames(rowed.frames, FramesHeader(sources=rowed.sources), path, plan=parse("2:00"))
    told = call(path, "show").splitlines()
    assert told[3].split() == ["time", "metres", "pace", "rate", "watts"]
    assert "split    time  metres    pace  rate  watts" in told
    assert not {"HR", "max", "end", "drop", "–"} & set(" ".join(told).split())


def test_a_strap_alone(tmp_path: Path) -> None:
    simulation = simulate(script_for(parse("0:20 swings")), rower=None, seed=2)
    path = ann(tmp_path / "rowlog.db")
    header = FramesHeader(sources=simulation.sources, end_ns=20_000_000_000)
    record_frames(simulation.frames, header, path, plan=None, athlete="Ann")
    asked(path, *QUESTIONS, ("show",))
