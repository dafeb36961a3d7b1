"""A session that was interrupted goes on: the same plan where it was, nothing lost, a gap told."""

from __future__ import annotations

import json
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rowlog.notation import parse
from rowlog.rebuild import rebuild
from rowlog.replaying import export_frames
from rowlog.resuming import BY_ITSELF_S, to_go_on
from rowlog.simulating import script_for
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.store_rows import Source
from rowlog.structuring import derive
from rowlog.timeline import Gap
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.clock import wall_now
from rowlog_drivers.device import deliveries
from rowlog_drivers.simulator import simulate
from tests.support import PATIENCE_S, Process, rows, run

PLAN = "3x300m/0:30r"
SPEED = 50
OFTEN = "import rowlog.recording as r; r.TELL_EVERY_NS = 50_000_000\n"
SOON = OFTEN + (
    "import rowlog.resuming as r\n"
    "r.Interrupted.now_ns = lambda self, rate: self.last_ns + 12_000_000_000"
)
"""In the process that goes on: as if it were there again 12 s after the kill, whatever the load."""
ROWER = f"sim:rower?speed={SPEED}&seed=4"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")


def interrupted(
    database: Path, age_s: float, *, plan: str | None = PLAN, seconds: float = 120
) -> int:
    """A session that broke off `seconds` after it began, so long ago."""
    simulation = simulate(script_for(parse(PLAN)), seed=4)
    frames = [frame for frame in simulation.frames if frame.t_ns < seconds * 1e9]
    started_at = wall_now() - timedelta(seconds=age_s + frames[-1].t_ns / 1e9)
    with Store.open_writer(database) as store:
        number = store.begin_session(
            started_at=started_at,
            plan=plan,
            athlete=None,
            activity="row",
            sources=[
                Source(
                    name=one.name, driver=one.driver, address=f"sim:{one.name}", options=one.options
                )
                for one in simulation.sources
            ],
        )
        store.append(number, list(deliveries(frames, make_decoding(simulation.sources))), [])
    return number


def begin_and_kill(database: Path, *devices: str) -> dict[str, Any]:
    """A recording that is killed in its second piece of work; the last that it told."""
    with Process("record", PLAN, *devices, "--db", database, "--json", before=OFTEN) as recording:
        told = recording.object(lambda moment: moment["phase"] == "work" and moment["piece"] == 2)
        recording.process.kill()
        recording.process.wait(PATIENCE_S)
    return told


@pytest.mark.parametrize(
    "devices",
    [("--rower", ROWER, "--strap", "sim:strap"), ("--rower", f"sim:s4?speed={SPEED}")],
    ids=["ftms", "s4"],
)
def test_a_killed_recording_goes_on_in_the_rep_where_it_was(
    tmp_path: Path, devices: tuple[str, ...]
) -> None:
    database = tmp_path / "rowlog.db"
    told = begin_and_kill(database, *devices)
    with Process("record", *devices, "--db", database, "--json", before=SOON) as recording:
        again = recording.object()
        assert again["session_id"] == told["session_id"] == 1
        assert again["piece"] is None or again["piece"] >= 2
        assert again["frames_committed"] >= told["frames_committed"]
        code, lines, errors = recording.end()
    assert code == 0, errors
    assert "Session 1 goes on: it was interrupted" in errors
    shown = json.loads(lines[-1])
    assert shown["session"]["status"] == "complete"
    assert shown["session"]["plan"] == PLAN
    reps = [one for one in shown["segments"] if one["kind"] == "work"]
    # The machine went on counting meanwhile: every rep is whole, and so are the totals.
    assert [rep["distance_m"] for rep in reps] == [pytest.approx(300)] * 3
    assert {rep["ended_by"] for rep in reps} == {"target"}
    simulated = simulate(
        script_for(parse(PLAN)), seed=4 if "seed" in devices[1] else 1,
        rower="ftms" if "rower" in devices[1] else "s4", strap=len(devices) > 2,
    )  # fmt: skip
    list(simulated.frames)
    assert shown["session"]["distance_m"] == pytest.approx(simulated.truth.distance_m, abs=3)
    assert shown["session"]["stroke_count"] == pytest.approx(simulated.truth.stroke_count, abs=2)
    with open_reader(database) as reader:
        gaps = reader.records(1, Gap)
    assert "link: recording interrupted" in {gap.cause for gap in gaps}
    # What was stored as it happened is what the frames tell.
    before = rows(database, 1)
    assert rebuild(database).sessions == (1,)
    assert rows(database, 1) == before
    assert export_frames(database, 1, tmp_path / "out.frames") == shown["quality"]["frames"]


def test_killed_again_and_again_it_is_one_session(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    devices = ("--rower", ROWER)
    begin_and_kill(database, *devices)
    for _ in range(2):
        with Process(
            "record", PLAN, *devices, "--db", database, "--json", before=SOON
        ) as recording:
            recording.object(lambda moment: moment["frames_committed"] > 0)
            recording.process.kill()
            recording.process.wait(PATIENCE_S)
    with Process("record", *devices, "--db", database, "--json", before=SOON) as recording:
        recording.object()
        recording.send(signal.SIGINT)
        code, lines, errors = recording.end()
    assert code == 0, errors
    assert json.loads(lines[-1])["session"]["id"] == 1
    with open_reader(database) as reader:
        assert [one.status for one in reader.sessions()] == ["complete"]
    before = rows(database, 1)
    rebuild(database)
    assert rows(database, 1) == before


def test_what_goes_on_by_itself_and_what_is_offered(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    questions: list[tuple[str, list[str], int | None]] = []

    def ask(question: str, choices: Any, default: int | None = None) -> int | None:
        questions.append((question, list(choices), default))
        return 0

    assert to_go_on(database, None, None, None) is None  # there is no database
    number = interrupted(database, 9 * 60)
    found = to_go_on(database, None, None, ask)
    assert found is not None
    assert (found.id, str(found.plan), questions) == (number, PLAN, [])
    assert found.age_s == pytest.approx(9 * 60, abs=20)
    # Session time has gone on with the wall clock.
    assert found.now_ns(1.0) / 1e9 == pytest.approx(120 + 9 * 60, abs=20)
    assert to_go_on(database, parse("5000m"), None, ask) is None
    assert to_go_on(database, parse(PLAN), "Ida", ask) is None
    assert to_go_on(database, parse(PLAN), None, ask) is not None
    assert questions == []


@pytest.mark.parametrize(("age_s", "asked"), [(BY_ITSELF_S + 60, True), (86_400.0, False)])
def test_an_older_one_goes_on_only_when_asked_for(
    tmp_path: Path, age_s: float, asked: bool
) -> None:
    database = tmp_path / "rowlog.db"
    interrupted(database, age_s)
    questions: list[str] = []

    def ask(question: str, choices: Any, default: int | None = None) -> int | None:
        assert default == 1
        questions.append(question)
        return 0

    assert to_go_on(database, None, None, None) is None
    assert (to_go_on(database, None, None, ask) is not None) == asked
    assert len(questions) == asked
    assert to_go_on(database, None, None, lambda *_: 1) is None


@pytest.mark.parametrize(("seconds", "done"), [(120, False), (10_000, True)])
def test_a_plan_that_was_rowed_begins_anew_when_it_is_asked_for(
    tmp_path: Path, seconds: float, done: bool
) -> None:
    database = tmp_path / "rowlog.db"
    number = interrupted(database, 60, seconds=seconds)
    with Store.open_writer(database) as store:
        frames = list(store.read_frames(number))
        decoding = make_decoding(simulate(script_for(parse(PLAN)), seed=4).sources)
        for facts, _ in derive(frames, decoding, parse(PLAN), frames[-1].t_ns):
            store.append(number, [], facts)
    assert (to_go_on(database, parse(PLAN), None, None) is None) == done
    # Without a word it goes on: whoever rows out belongs to it.
    assert to_go_on(database, None, None, None) is not None


def test_a_clock_that_went_backwards_resumes_nothing_by_itself(tmp_path: Path) -> None:
    interrupted(tmp_path / "rowlog.db", -3600)
    assert to_go_on(tmp_path / "rowlog.db", None, None, None) is None


def test_new_closes_the_old_one(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    interrupted(database, 60)
    done = run("record", "--new", "--rower", ROWER, "--for", "1s", "--db", database)
    assert done.returncode == 0, done.stderr
    assert "Closed as recovered: session 1." in done.stderr
    with open_reader(database) as reader:
        assert [one.status for one in reader.sessions()] == ["complete", "recovered"]


def test_another_kind_of_machine_is_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    interrupted(database, 60)
    done = run("record", "--rower", "sim:s4?speed=60", "--for", "1s", "--db", database)
    assert done.returncode == 1
    assert "has another rower. Begin a new one with --new" in done.stderr
    with open_reader(database) as reader:
        assert [one.status for one in reader.sessions()] == ["interrupted"]
