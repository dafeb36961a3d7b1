"""`rowlog record` as a rower meets it: real processes, devices on paper, real failures."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rowlog.store import Store
from rowlog.store_read import open_reader
from rowlog.watching import StoppedError, recorded_now, watch
from rowlog_drivers.clock import wall_now
from tests.support import MAIN, PATIENCE_S, ROOT, Locked, Process, environment, run

FAST = "sim:rower?speed=60"
PLAN = "2x100m/0:15r"
SPLIT = ROOT / "fixtures" / "ftms" / "split_4x250m.frames"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


def show(database: Path, session: str = "last") -> dict[str, Any]:
    done = run("show", session, "--db", database, "--json")
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def work(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [segment for segment in shown["segments"] if segment["kind"] == "work"]


def integrity(database: Path) -> str:
    connection = sqlite3.connect(database)
    try:
        found: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
        return found
    finally:
        connection.close()


# What is recorded


def test_a_replayed_recording_cut_short_ends_where_it_was_cut(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    piece = ROOT / "fixtures" / "ftms" / "piece_2000m.frames"
    replay = f"replay:{piece}?speed=20"
    done = run("record", "--rower", replay, "--for", "0:40", "--db", database)
    assert done.returncode == 0, done.stderr
    # Of the 8 min that the file's header speaks of, 40 s were recorded, or what a slow start left.
    assert 20 < show(database)["session"]["duration_s"] < 60


def test_a_plan_is_followed_to_its_end(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    done = run(
        "record", PLAN, "--rower", FAST, "--strap", "sim:strap", "--athlete", "Ida",
        "--db", database, "--plain",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.startswith("Recording session 1. Ctrl-C ends it.\n")
    assert "Session 1 · 2x100m/0:15r" in done.stdout
    shown = show(database)
    session = shown["session"]
    assert session["status"] == "complete"
    assert session["plan"] == PLAN
    assert session["athlete"] == "Ida"
    assert session["activity"] == "row"
    assert [source["address"] for source in session["sources"]] == [FAST, "sim:strap"]
    assert [segment["kind"] for segment in shown["segments"]] == ["work", "rest"] * 2
    assert [rep["distance_m"] for rep in work(shown)] == [100.0, 100.0]
    assert [rep["ended_by"] for rep in work(shown)] == ["target", "target"]
    assert [rep["mean_heart_rate_bpm"] is not None for rep in work(shown)] == [True, True]
    assert session["rest_s"] == pytest.approx(30.0, abs=0.001)


def test_guidance_in_words_of_the_athlete_has_numbers_while_rowing(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    assert run("athlete", "add", "Ida", "--max", "190", "--db", database).returncode == 0
    done = run(
        "record", "5000m@2k+5@<60%max", "--rower", FAST, "--strap", "sim:strap", "--for", "2:30",
        "--db", database, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "for want of a best, a maximum heart rate or zones: 2k+5." in done.stderr
    told = [json.loads(line).get("guidance") for line in done.stdout.splitlines()]
    pace, heart = next(held for held in told if held)
    assert (pace["low"], pace["high"], pace["state"]) == (None, None, "unknown")
    assert (heart["low"], heart["high"]) == (None, pytest.approx(114.0))
    assert heart["state"] in ("in", "above", "unknown")


def test_json_is_an_object_a_second_and_the_summary_last(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    done = run(
        "record", "3x100m/0:30r", "--rower", FAST, "--strap", "sim:strap", "--db", database,
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *moments, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(moments) >= 3
    committed = [moment["frames_committed"] for moment in moments]
    assert committed == sorted(committed)
    times = [moment["t_s"] for moment in moments]
    assert times == sorted(times)
    assert {moment["session_id"] for moment in moments} == {1}
    assert {moment["trouble"] for moment in moments} == {None}
    assert [moment["work_count"] for moment in moments] == [3] * len(moments)
    assert moments[-1]["phase"] == "done"
    assert committed[-1] == last["quality"]["frames"]
    assert last == show(database)


def test_a_live_session_tells_where_it_stands(tmp_path: Path) -> None:
    with Process(
        "record", "1:00/0:30r", "--rower", "sim:rower?speed=30", "--db", tmp_path / "a.db", "--json"
    ) as recording:
        working = recording.object(lambda moment: moment["phase"] == "work")
        assert working["piece"] == 0
        assert working["to_go"] == pytest.approx(60 - working["piece_s"], abs=0.01)
        assert working["stroke_count"] > 0
        resting = recording.object(lambda moment: moment["phase"] == "rest")
        assert resting["piece"] == 1
        assert 0 <= resting["to_go"] <= 30
        assert recording.end()[0] == 0


@pytest.mark.parametrize(
    ("devices", "activity", "sources"),
    [
        (("--strap", "sim:strap?speed=60"), "other", ["strap"]),
        (("--rower", FAST), "row", ["rower"]),
        (("--rower", "sim:s4?speed=60"), "row", ["rower"]),
        (("--rower", FAST, "--strap", "sim:strap"), "row", ["rower", "strap"]),
    ],
    ids=["strap", "ftms", "s4", "both"],
)
def test_any_device_alone_or_together(
    tmp_path: Path, devices: tuple[str, ...], activity: str, sources: list[str]
) -> None:
    database = tmp_path / "rowlog.db"
    done = run("record", *devices, "--for", "1:00", "--db", database, "--json")
    assert done.returncode == 0, done.stderr
    shown = show(database)
    assert shown["session"]["status"] == "complete"
    assert shown["session"]["activity"] == activity
    assert [source["name"] for source in shown["session"]["sources"]] == sources
    assert (shown["session"]["stroke_count"] is None) == (sources == ["strap"])
    assert (shown["session"]["mean_heart_rate_bpm"] is None) == ("strap" not in sources)
    # It ends after its time, on the clock that the devices live by: 60 is one second of life.
    assert shown["session"]["duration_s"] == pytest.approx(60, abs=15)


def test_a_circuit_needs_only_a_strap(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    text = "2x(0:30 jumping jacks + 0:20 Klimmzüge)/0:15r"
    done = run("record", text, "--strap", "sim:strap?speed=60", "--db", database)
    assert done.returncode == 0, done.stderr
    shown = show(database)
    assert shown["session"]["activity"] == "circuit"
    assert [(rep["activity"], rep["duration_s"]) for rep in work(shown)] == [
        ("jumping jacks", 30.0),
        ("klimmzüge", 20.0),
    ] * 2
    assert all(rep["mean_heart_rate_bpm"] for rep in work(shown))


def test_rowing_and_exercises_mix(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    text = "2x(100m + 0:20 swings)/0:15r"
    done = run("record", text, "--rower", FAST, "--strap", "sim:strap", "--db", database)
    assert done.returncode == 0, done.stderr
    shown = show(database)
    assert shown["session"]["activity"] == "mixed"
    assert [rep["activity"] for rep in work(shown)] == ["row", "swings"] * 2


def test_a_recorded_file_is_a_device_too(tmp_path: Path) -> None:
    database, exported = tmp_path / "rowlog.db", tmp_path / "short.frames"
    address = f"replay:{SPLIT}?speed=200"
    done = run("record", "4x250m/0:45r", "--rower", address, "--db", database)
    assert done.returncode == 0, done.stderr
    shown = show(database)
    assert [rep["distance_m"] for rep in work(shown)] == [250.0] * 4
    assert run("replay", SPLIT, "--db", database).returncode == 0
    replayed = show(database)
    assert shown["segments"] == replayed["segments"]
    assert shown["quality"] == replayed["quality"]
    assert run("frames", "1", "-o", exported, "--db", database).returncode == 0
    assert frames_of(exported) == frames_of(SPLIT)


def frames_of(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def test_a_recorded_rower_with_a_strap_on_paper(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    done = run(
        "record", "--rower", f"replay:{SPLIT}?speed=200", "--strap", "sim:strap?seed=4",
        "--for", "1:40", "--db", database,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    names = [source["name"] for source in show(database)["session"]["sources"]]
    assert len(names) == len(set(names)) == 3  # the file has a strap of its own


# How it ends


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
def test_signals_end_a_session_properly(tmp_path: Path, name: str, as_json: bool) -> None:
    database = tmp_path / "rowlog.db"
    arguments = ["record", "8x500m/1:30r", "--rower", "sim:rower?speed=20", "--db", str(database)]
    with Process(*arguments, *(["--json"] if as_json else [])) as recording:
        recording.line()
        if as_json:
            recording.object(lambda moment: (moment["stroke_count"] or 0) > 0)
        recording.send(getattr(signal, name))
        code, lines, errors = recording.end()
    assert code == 0, errors
    assert errors == ""
    shown = show(database)
    assert shown["session"]["status"] == "complete"
    if as_json:
        assert json.loads(lines[-1]) == shown
        assert work(shown)[0]["ended_by"] == "end"
    else:
        assert any(line.startswith("Session 1 · ") for line in lines)


def test_a_signal_in_the_first_instant_is_heard(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    with Process("record", "--rower", "sim:rower", "--db", database) as recording:
        recording.line(lambda line: line.startswith("Recording session 1"))
        recording.send(signal.SIGTERM)
        assert recording.end()[0] == 0
    assert show(database)["session"]["status"] == "complete"


def test_without_a_hangup_it_outlives_its_terminal(tmp_path: Path) -> None:
    before = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    arguments = ("record", "--rower", "sim:rower?speed=60", "--db", tmp_path / "a.db", "--json")
    with Process(*arguments, before=before) as recording:
        seen = recording.object()
        recording.send(signal.SIGHUP)
        recording.object(lambda moment: moment["t_s"] > seen["t_s"] + 60)
        recording.send(signal.SIGINT)
        assert recording.end()[0] == 0


@pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
def test_nobody_need_listen(tmp_path: Path, as_json: bool) -> None:
    """`rowlog record ... | head -1`: the reader goes, the recording does not."""
    database = tmp_path / "rowlog.db"
    reading, writing = os.pipe()
    arguments = ["record", PLAN, "--rower", "sim:rower?speed=60", "--db", str(database)]
    if as_json:
        arguments.append("--json")
    with Process(*arguments, stdout=writing) as recording:
        os.close(writing)
        assert os.read(reading, 1)
        os.close(reading)
        code, _, errors = recording.end()
    assert code == 0, errors
    shown = show(database)
    assert shown["session"]["status"] == "complete"
    assert [rep["distance_m"] for rep in work(shown)] == [100.0, 100.0]


def test_no_output_at_all(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    command = ["record", PLAN, "--rower", FAST, "--db", str(database)]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh", sys.executable, "-c", MAIN, *command],
        env=environment(),
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0
    assert show(database)["session"]["status"] == "complete"


def test_names_that_the_screen_cannot_show(tmp_path: Path) -> None:
    done = run(
        "record", "0:30 Klimmzüge", "--strap", "sim:strap?speed=60", "--db", tmp_path / "a.db",
        PYTHONIOENCODING="ascii",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# Wrong calls


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--rower", "rower"], 2, ["'rower' is no device address", "sim:rower"]),
        (["--rower", "smoke:1"], 2, ["no device address"]),
        (["--rower", "sim:"], 2, ["does not say which device"]),
        (["--rower", "sim:bike"], 2, ["sim:bike", "sim:s4"]),
        (["--rower", "sim:strap"], 2, ["sim:strap", "sim:rower"]),
        (["--strap", "sim:rower"], 2, ["sim:rower", "sim:strap"]),
        (["--rower", "sim:rower?fault=flood"], 2, ["'flood'", "drop"]),
        (["--rower", "sim:rower?speeed=3"], 2, ["'speeed'", "speed"]),
        (["--rower", "sim:rower?speed=0"], 2, ["speed=0", "above 0"]),
        (["--rower", "sim:rower?speed=nan"], 2, ["speed=nan is no number"]),
        (["--rower", "sim:rower?speed=fast"], 2, ["speed=fast is no number", "speed=3"]),
        (["--rower", "sim:rower?seed=inf"], 2, ["seed=inf is no whole number"]),
        (["--rower", "sim:rower?seed=1.5"], 2, ["seed=1.5 is no whole number"]),
        (["--rower", "sim:rower?rate=99"], 2, ["10 records a second"]),
        (["--rower", "sim:rower?relay=maybe"], 2, ["relay=maybe"]),
        (["--rower", "sim:rower?speed"], 2, ["KEY=VALUE"]),
        (["--rower", f"replay:{SPLIT}?fault=drop"], 2, ["'fault'", "speed"]),
        (["--rower", "replay:nowhere.frames"], 1, ["nowhere.frames", "no such file"]),
        (["--rower", "sim:rower", "--for", "nonsense"], 2, ["'nonsense' is no time", "30:00"]),
        (["--rower", "sim:rower", "--for", "500m"], 2, ["'500m' is no time"]),
        (["--rower", "sim:rower", "--for", "0:00"], 2, ["'0:00' is no time"]),
        (["8x", "--rower", "sim:rower"], 2, ["^"]),
        (["--tower", "sim:rower"], 2, ["--tower"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_wrong_calls_are_told_and_leave_nothing(
    tmp_path: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    database = tmp_path / "rowlog.db"
    done = run("record", *arguments, "--db", database)
    assert done.returncode == code
    assert done.stdout == ""
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert not database.exists()


def test_a_broken_file_is_told_before_a_session_begins(tmp_path: Path) -> None:
    broken = tmp_path / "broken.frames"
    broken.write_text("\n".join([*SPLIT.read_text().splitlines()[:40], "nonsense"]) + "\n")
    done = run("record", "--rower", f"replay:{broken}", "--db", tmp_path / "a.db")
    assert done.returncode == 1
    assert f"{broken}" in done.stderr
    assert "41" in done.stderr
    assert not (tmp_path / "a.db").exists()


# Where it cannot be stored


def test_a_second_recorder_is_told_who_records(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    with Process("record", "--rower", "sim:rower", "--db", database, "--json") as first:
        first.object()
        second = run("record", "--rower", "sim:rower", "--db", database)
        assert second.returncode == 1
        assert f"Process {first.process.pid}, which records session 1 since" in second.stderr
        assert "rowlog watch" in second.stderr
        assert second.stdout == ""
        first.object()
        first.send(signal.SIGINT)
        assert first.end()[0] == 0
    with open_reader(database) as reader:
        assert [session.status for session in reader.sessions()] == ["complete"]
    done = run("watch", "--db", database)
    assert (done.returncode, "Nothing is being recorded" in done.stderr) == (2, True)


def test_a_recording_is_watched_and_does_not_notice(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    often = "import rowlog.watching as w; w.LOOK_EVERY_S = 0.1"
    slow = "sim:rower?speed=5"
    with Process("record", PLAN, "--rower", slow, "--db", database, "--json") as first:
        first.object(lambda moment: moment["frames_committed"] > 20)
        with Process("watch", "--db", database, "--json", before=often) as viewer:
            seen = viewer.object(lambda moment: moment["distance_m"] is not None)
            first.send(signal.SIGINT)
            code, lines, errors = viewer.end()
        ended, told, troubles = first.end()
    assert (code, ended) == (0, 0), errors + troubles
    assert seen["session_id"] == 1
    assert seen["work_count"] == 2
    *moments, summary = [json.loads(line) for line in lines]
    assert moments[-1]["distance_m"] == pytest.approx(summary["session"]["distance_m"])
    assert {json.loads(line)["trouble"] for line in told[:-1]} == {None}
    assert summary == json.loads(told[-1])


def test_watching_ends_when_what_recorded_is_killed(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    often = "import rowlog.watching as w; w.LOOK_EVERY_S = 0.1"
    slow = "sim:rower?speed=5"
    with Process("record", PLAN, "--rower", slow, "--db", database, "--json") as first:
        first.object(lambda moment: moment["frames_committed"] > 20)
        with Process("watch", "--db", database, "--json", before=often) as viewer:
            viewer.object(lambda moment: moment["distance_m"] is not None)
            first.process.kill()
            code, _, errors = viewer.end()
    assert code == 1
    assert "session 1 has stopped without ending it. Go on with it: rowlog record" in errors


@pytest.mark.skipif(sys.platform == "win32", reason="no open file is deleted there")
def test_watching_ends_when_the_database_is_deleted(tmp_path: Path) -> None:
    """What records goes on writing to a file that has no name any more."""
    database = tmp_path / "rowlog.db"
    with closing(Store.open_writer(database)) as store:
        number = store.begin_session(
            started_at=wall_now(), plan=None, athlete=None, activity="row", sources=[]
        )
        assert recorded_now(database) == number
        with pytest.raises(StoppedError, match="was deleted, moved or replaced while session 1"):
            watch(database, lambda _: None, pause=lambda _: database.unlink())
        assert recorded_now(database) is None


def test_a_reader_that_never_lets_go_blocks_no_recording(tmp_path: Path) -> None:
    """A viewer, or a shell with an open transaction that only reads."""
    database = tmp_path / "rowlog.db"
    assert run("record", "--rower", FAST, "--for", "1s", "--db", database).returncode == 0
    reader = sqlite3.connect(database, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    done = run("record", PLAN, "--rower", FAST, "--db", database, "--json")
    assert reader.execute("SELECT count(*) FROM sessions").fetchone() == (1,)
    reader.close()
    assert done.returncode == 0, done.stderr
    *moments, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert {moment["trouble"] for moment in moments} == {None}
    # Not a question of gaps: at this speed a busy computer misses seconds in an instant.
    assert summary["quality"]["frames"] == moments[-1]["frames_committed"]
    assert [one["ended_by"] for one in summary["segments"] if one["kind"] == "work"] == [
        "target"
    ] * 2


def test_no_session_begins_where_no_folder_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    done = run("record", "--rower", "sim:rower", "--db", tmp_path / "file" / "rowlog.db")
    assert done.returncode == 1
    assert str(tmp_path / "file") in done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_session_begins_in_a_foreign_database(tmp_path: Path) -> None:
    foreign, text = tmp_path / "foreign.db", tmp_path / "text.db"
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE books (title)")
    connection.commit()
    connection.close()
    text.write_text("not a database, but long enough to be taken for one\n" * 100)
    for path in (foreign, text):
        before = path.read_bytes()
        done = run("record", "--rower", "sim:rower", "--db", path)
        assert done.returncode == 1
        assert str(path) in done.stderr
        assert "--db" in done.stderr
        assert path.read_bytes() == before


def limit(size: int) -> str:
    """Python that keeps its process from writing files longer than `size` bytes."""
    return f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"


def test_no_session_begins_on_a_full_disk(tmp_path: Path) -> None:
    assert resource.RLIMIT_FSIZE >= 0
    database = tmp_path / "rowlog.db"
    with Process(
        "record", "--rower", "sim:rower", "--db", database, before=limit(8192)
    ) as recording:
        code, lines, errors = recording.end()
    assert code == 1
    assert "full" in errors
    assert "--db" in errors
    assert "Traceback" not in errors
    assert lines == []


def test_a_disk_that_fills_up_is_told_at_once(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    assert run("record", "--rower", FAST, "--for", "1s", "--db", database).returncode == 0
    # Shorter patience than a rower's, so that the test need not wait for a minute.
    elsewhere = tmp_path / "elsewhere"
    before = (
        f"{limit(600_000)}\nimport os, rowlog.recording as r, rowlog.recorder as q\n"
        f"r.HOLD_S, q.LAST_HOLD_S = 3.0, 0.5; os.environ['XDG_DATA_HOME'] = {str(elsewhere)!r}"
    )
    arguments = ("record", "--rower", "sim:rower?speed=400", "--strap", "sim:strap")
    with Process(*arguments, "--db", database, "--json", before=before) as recording:
        told = recording.error("Nothing more can be written")
        assert "the disk is full" in told
        assert "Recording goes on in memory" in told
        troubled = recording.object(lambda moment: moment["trouble"] is not None)
        assert 0 < troubled["memory_left_s"] <= 3
        later = recording.object(lambda moment: "goes on into" in moment["trouble"])
        assert later["frames_committed"] == troubled["frames_committed"]
        assert later["distance_m"] > troubled["distance_m"]
        recording.send(signal.SIGINT)
        code, _, errors = recording.end()
    kept = later["frames_committed"]
    assert code == 1
    assert "frames of session 2 are in" in errors
    assert "Traceback" not in errors
    assert integrity(database) == "ok"
    (file,) = (elsewhere / "rowlog").glob("*.frames")
    spilled = len(frames_of(file))
    assert spilled > kept
    with open_reader(database) as reader:
        assert reader.session().status == "interrupted"
        assert len(list(reader.read_frames(2))) == kept
    # With room again the next recording takes it in, and closes it.
    done = run(
        "record", "--new", "--rower", FAST, "--for", "1s", "--db", database,
        XDG_DATA_HOME=str(elsewhere),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "is in the database now" in done.stderr
    assert "Closed as recovered: session 2." in done.stderr
    assert show(database, "2")["quality"]["frames"] == spilled
    assert not file.exists()


def test_a_locked_database_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    database, exported = tmp_path / "rowlog.db", tmp_path / "out.frames"
    with Process(
        "record", "--rower", "sim:rower?speed=10", "--db", database, "--json"
    ) as recording:
        recording.object(lambda moment: moment["frames_committed"] > 0)
        with Locked(database):
            assert "another program" in recording.error("does not answer").lower()
            begun = recording.object(lambda moment: moment["trouble"] is not None)
            later = recording.object(lambda moment: moment["t_s"] > begun["t_s"] + 20)
            assert later["frames_committed"] == begun["frames_committed"]
            assert later["distance_m"] > (begun["distance_m"] or 0)
        recording.error("can be written again; nothing was lost")
        recording.object(lambda moment: moment["frames_committed"] > later["frames_committed"] + 40)
        recording.send(signal.SIGINT)
        code, lines, errors = recording.end()
    assert code == 0, errors
    committed = [json.loads(line)["frames_committed"] for line in lines[:-1]]
    assert committed == sorted(committed)
    shown = json.loads(lines[-1])
    assert shown["session"]["status"] == "complete"
    # Two records a second, and none is missing: no gap, and every stamp follows the last closely.
    assert shown["quality"]["gaps"] == 0
    assert run("frames", "-o", exported, "--db", database).returncode == 0
    times = [float(line.split()[0]) for line in frames_of(exported)]
    assert len(times) == shown["quality"]["frames"]
    assert max(after - before for before, after in pairwise(times)) < 0.6


def test_the_end_waits_for_a_locked_database(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    with Process(
        "record", "30:00", "--rower", "sim:rower?speed=10", "--db", database, "--json"
    ) as recording:
        recording.object(lambda moment: moment["frames_committed"] > 0)
        with Locked(database):
            recording.error("does not answer")
            recording.send(signal.SIGINT)
            waiting = recording.object(lambda moment: moment["phase"] not in ("waiting", "work"))
            assert (waiting["phase"], waiting["trouble"] is None) == ("ended", False)
        code, lines, errors = recording.end()
    assert code == 0, errors
    assert json.loads(lines[-2])["phase"] == "ended"  # half an hour was planned, and not rowed
    assert json.loads(lines[-1])["session"]["status"] == "complete"


def test_locked_at_the_start_is_said_in_words(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    assert run("record", "--rower", FAST, "--for", "1s", "--db", database).returncode == 0
    with Locked(database):
        done = run("record", "--rower", FAST, "--for", "1s", "--db", database)
    assert done.returncode == 1
    assert f"Another program holds the database {database} locked." in done.stderr
    assert done.stdout == ""


def test_what_cannot_be_recovered_does_not_stand_in_the_way(tmp_path: Path) -> None:
    database = tmp_path / "rowlog.db"
    with Process("record", "--rower", FAST, "--db", database, "--json") as recording:
        recording.object(lambda moment: moment["frames_committed"] > 0)
        recording.process.kill()
        recording.process.wait(PATIENCE_S)
    connection = sqlite3.connect(database)
    connection.execute("UPDATE sources SET driver = 'not_installed'")
    connection.commit()
    connection.close()
    done = run("record", "--rower", FAST, "--for", "1s", "--db", database)
    assert done.returncode == 0, done.stderr
    with open_reader(database) as reader:
        assert [session.status for session in reader.sessions()] == ["complete", "interrupted"]
        assert list(reader.read_frames(1))
