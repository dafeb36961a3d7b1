"""What pace is told for: 500 m on a RowErg and a SkiErg, 1000 m on a BikeErg."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rowlog import render, render_moment, summary
from rowlog.pipeline import Pipeline
from rowlog.render import Style
from rowlog.replaying import replay_file
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import FramesHeader, write_frames
from rowlog_drivers.protocols.csafe_programs import Interval
from rowlog_drivers.simulator import Erg, Stretch, simulate
from tests.test_link_news import MOMENT

PLAIN = Style(colour=False, unicode=True)
SCRIPT = (
    Stretch(kind="wait", seconds=3.0),
    Stretch(kind="work", distance_m=100.0, pace_s_per_500m=120.0),
    Stretch(kind="wait", seconds=6.0),
)


@pytest.mark.parametrize(
    ("erg", "said", "head", "shown"),
    [
        ("row", "RowErg", "pace", "2:00.0"),
        ("ski", "SkiErg", "pace", "2:00.0"),
        ("bike", "BikeErg", "/1000 m", "4:00.1"),
    ],
)
def test_pace_is_told_as_the_machine_tells_it(
    tmp_path: Path, erg: Erg, said: str, head: str, shown: str
) -> None:
    program = (Interval(kind="distance", amount=100),)
    session = simulate(SCRIPT, rower="pm5", strap=False, erg=erg, program=program)
    path, database = tmp_path / "row.frames", tmp_path / "rowlog.db"
    header = FramesHeader(
        sources=session.sources, started_at=datetime(2026, 3, 1, tzinfo=UTC), plan="100m"
    )
    write_frames(path, header, session.frames)
    found = summary.load(database, replay_file(path, database))
    assert found.erg == said
    # Stored and as JSON it is always for 500 m.
    pace_s = found.session.mean_pace_s_per_500m
    assert pace_s == pytest.approx(120.0, abs=1.0)
    text = render.summary(found, PLAIN)
    table = next(line for line in text.splitlines() if "time  metres" in line)
    assert head in table
    told = render.pace(pace_s, found.pace_m)
    assert told == shown
    (whole,) = [line for line in text.splitlines() if line.lstrip().startswith("work")]
    assert told in whole
    assert head in render.split_lines(found.splits, PLAIN, found.pace_m)[0]

    pipeline, decoding = Pipeline(), make_decoding(session.sources)
    for frame in session.frames:
        pipeline.feed(decoding.deliver(frame))
    assert pipeline.erg == said
    moment = replace(MOMENT, pace_s_per_500m=120.0, pace_m=summary.pace_m(pipeline.erg))
    assert ("4:00.0" if erg == "bike" else "2:00.0") in render_moment.moment(moment, PLAIN)
    assert render_moment.moment_json(moment)["pace_s_per_500m"] == 120.0
