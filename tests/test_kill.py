"""A recording killed at any moment: what was said to be kept is kept, and is made a session."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Final

import pytest

from rowlog.devices import open_devices
from rowlog.notation import parse
from rowlog.pipeline import Fact
from rowlog.rebuild import rebuild, recover
from rowlog.segments import Segment
from rowlog.simulating import script_for
from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.structuring import derive
from rowlog_drivers.addresses import parse_address
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import Frame
from rowlog_drivers.simulator import Simulator
from tests.support import PATIENCE_S, Process, rows, run

PLAN: Final = "12x100m/0:20r"
LONG: Final = "120x100m/0:20r"
"""Not over before it is killed, however busy the computer is that tells when."""
KILLS: Final = 200 if os.environ.get("ROWLOG_FAULTS") == "full" else 20
"""By default some, all by `python -m benchmarks.faults`."""
TOLD_OFTEN: Final = "import rowlog.recording as r; r.TELL_EVERY_NS = 10_000_000"
"""In the process to be killed: a line of JSON not every second but every hundredth of one."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is POSIX")


def simulator(address: str, *, strap: bool, plan: str = PLAN) -> Simulator:
    """The very devices that `rowlog record` makes of an address."""
    rower = parse_address(address)
    fault = rower.option("fault")
    return Simulator(
        script_for(parse(plan)),
        rower="s4" if rower.target == "s4" else "ftms",
        strap=strap,
        seed=int(rower.option("seed") or 1),
        faults=fault.split(",") if fault else (),
    )


def as_sent(frame: Frame) -> Frame:
    """A stored frame as its device sent it, however late it was taken in."""
    return replace(frame, t_ns=frame.t_ns - frame.late_ns, late_ns=0)


@pytest.mark.parametrize("number", range(KILLS))
def test_a_kill_loses_nothing_that_was_committed(
    tmp_path: Path, number: int, record_property: Callable[[str, object], None]
) -> None:
    random = Random(f"kill {number}")
    database = tmp_path / "rowlog.db"
    kind = random.choice(["rower", "rower", "s4"])
    fault = random.choice(["", "", "&fault=drop", "&fault=garbage,split", "&fault=reset,spike"])
    strap = random.random() < 0.7
    speed = min(300, random.choice([20, 100, 300, 600]))
    address = f"sim:{kind}?seed={number}&speed={speed}{fault}"
    arguments = ["record", LONG, "--rower", address, "--db", str(database), "--json"]
    if strap:
        arguments += ["--strap", "sim:strap"]
    lines = random.randint(1, 40)
    with Process(*arguments, before=TOLD_OFTEN) as recording:
        committed = 0
        for _ in range(lines):
            moment = recording.object()
            if "frames_committed" not in moment:
                pytest.fail("the session was over before it could be killed")
            committed = max(committed, moment["frames_committed"])
        recording.process.kill()
        recording.process.wait(PATIENCE_S)
    devices = simulator(address, strap=strap, plan=LONG)
    frames = check_after_a_kill(database, committed, devices, LONG, truth=not fault)
    record_property("kept", len(frames))


def check_after_a_kill(
    database: Path, committed: int, devices: Simulator, plan: str, *, truth: bool
) -> list[Frame]:
    """The file is whole, nothing is missing, and the next writer makes a session of it."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
    with open_reader(database) as reader:
        frames = list(reader.read_frames(1))
        assert len(frames) >= committed > 0
        assert [session.status for session in reader.sessions()] == ["interrupted"]

    # Of each device exactly the first frames that it sent, to the byte and the nanosecond.
    last_ns = max(frame.t_ns for frame in frames)
    sent: dict[str, list[Frame]] = {source.name: [] for source in devices.sources}
    for frame in devices:
        sent[frame.source].append(frame)
        if frame.t_ns > last_ns:
            break
    done = devices.truth.stretches
    for source, expected in sent.items():
        stored = [as_sent(frame) for frame in frames if frame.source == source]
        assert stored == expected[: len(stored)]

    with Store.open_writer(database) as store:
        assert recover(store) == [1]
        assert recover(store) == []
    with open_reader(database) as reader:
        session = reader.session(1)
        assert session.status == "recovered"
        assert session.end_ns == last_ns
        assert list(reader.read_frames(1)) == frames
        segments = reader.segments(1)

    # The stored figures are those of the stored frames, no more and no less.
    facts: list[Fact] = []
    totals = None
    for batch, totals in derive(frames, make_decoding(devices.sources), parse(plan), last_ns):  # noqa: B007
        facts += batch
    told = {fact.index: fact for fact in facts if isinstance(fact, Segment)}
    assert session.totals == totals
    assert segments == [told[index] for index in sorted(told)]
    before = rows(database, 1)
    assert rebuild(database).sessions == (1,)
    assert rows(database, 1) == before

    # And they tell what happened up to then: every rep that was over is there. A busy computer may
    # have heard more of the strap than of the rower, and what it heard late counts as then.
    if truth:
        rower = devices.sources[0].name
        rowed_ns = max((frame.t_ns for frame in frames if frame.source == rower), default=0)
        heard = accumulate((frame.t_ns for frame in frames), max)
        late_s = max(at_ns - frame.t_ns for at_ns, frame in zip(heard, frames, strict=True)) / 1e9
        near_s = 0.75 + late_s
        over = [s for s in done if s.kind == "work" and s.end_s < rowed_ns / 1e9 - 1.5]
        reps = [s for s in segments if s.kind == "work"]
        assert len(reps) >= len(over)
        for rep, true in zip(reps, over, strict=False):
            assert rep.figures.distance_m == pytest.approx(100)
            assert rep.start.t_ns / 1e9 == pytest.approx(true.start_s, abs=near_s)
            assert rep.end.t_ns / 1e9 == pytest.approx(true.end_s, abs=near_s)
    return frames


@pytest.mark.parametrize("number", range(4))
def test_a_kill_while_the_session_is_closed(tmp_path: Path, number: int) -> None:
    """Between the first block of packed frames and the last, or before, or after."""
    database = tmp_path / "rowlog.db"
    # Blocks are made of few frames here, so that a session of minutes has many of them.
    before = (
        "import os, signal, rowlog.store as s, rowlog.store_pack as p\n"
        "p.BLOCK_FRAMES = 300\n"
        "whole, blocks = s.pack_block, []\n"
        "def pack_block(db, path, session_id):\n"
        "    blocks.append(session_id)\n"
        f"    if len(blocks) > {number}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return whole(db, path, session_id)\n"
        "s.pack_block = pack_block"
    )
    arguments = ("record", PLAN, "--rower", "sim:rower?speed=600", "--strap", "sim:strap")
    with Process(*arguments, "--db", database, "--json", before=before) as recording:
        recording.process.wait(PATIENCE_S)
        assert recording.process.returncode == -signal.SIGKILL
    shown = run("show", "--db", database, "--json")
    assert shown.returncode == 0, shown.stderr
    session = json.loads(shown.stdout)
    # The figures are stored before packing begins: the session is complete.
    assert session["session"]["status"] == "complete"
    with open_reader(database) as reader:
        frames = list(reader.read_frames(1))
    assert len(frames) == session["quality"]["frames"]
    whole = list(simulator("sim:rower", strap=True))
    assert [as_sent(frame) for frame in frames if frame.source == "rower"] == [
        frame for frame in whole if frame.source == "rower"
    ]
    with Store.open_writer(database) as store:
        assert recover(store) == []
    with open_reader(database) as reader:
        assert list(reader.read_frames(1)) == frames
        assert reader.session().status == "complete"
    connection = sqlite3.connect(database)
    assert connection.execute("SELECT count(*) FROM frames").fetchone() == (0,)
    connection.close()


def test_an_interrupted_session_is_listed_and_closed_by_the_next(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    with Process(
        "record", "--rower", "sim:rower?speed=60", "--db", database, "--json"
    ) as recording:
        recording.object(lambda moment: (moment["stroke_count"] or 0) > 3)
        recording.process.kill()
        recording.process.wait(PATIENCE_S)
    before = database.read_bytes()
    for command in (("sessions",), ("show",), ("frames",), ("db", "check")):
        done = run(*command, "--db", database)
        assert done.returncode == 0, done.stderr
    assert "interrupted" in run("sessions", "--db", database).stdout
    assert database.read_bytes() == before  # readers write nothing
    done = run("record", "--new", "--rower", "sim:rower?speed=60", "--for", "1s", "--db", database)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "Closed as recovered: session 1.\n"
    listed = json.loads(run("sessions", "--db", database, "--json").stdout)
    assert [(one["id"], one["status"]) for one in listed] == [(2, "complete"), (1, "recovered")]


def test_the_devices_of_these_tests_are_those_of_the_program() -> None:
    rower = parse_address("sim:rower?seed=7&fault=drop")
    opened = open_devices(rower, parse_address("sim:strap"), plan=parse(PLAN))
    assert opened.sources == simulator(str(rower), strap=True).sources
