"""The commands as a user calls them: real processes, real files, real output."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rowlog import __version__, schema
from rowlog.cli import HOMES, whole_app

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "fixtures"
SPLIT = FIXTURES / "ftms" / "split_4x250m.frames"


def rowlog(
    *arguments: str | Path, db: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    variables = {key: value for key, value in os.environ.items() if key != "ROWLOG_DB"}
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "drivers")])
    variables["PYTHONIOENCODING"] = "utf-8"
    variables |= environment
    if db is not None:
        variables["ROWLOG_DB"] = str(db)
    return subprocess.run(
        [sys.executable, "-c", "from rowlog.cli import main; main()", *map(str, arguments)],
        env=variables,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def answer(*arguments: str | Path, db: Path | None = None) -> Any:
    """What a command prints as JSON."""
    done = rowlog(*arguments, "--json", db=db)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that holds one session: 4x250m/0:45r with a strap."""
    path = tmp_path_factory.mktemp("recorded") / "rowlog.db"
    done = rowlog("replay", SPLIT, "--db", path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize("more", [(), ("sessions",), ("nothing", "--such")])
def test_version(more: tuple[str, ...]) -> None:
    assert rowlog("--version", *more).stdout == f"rowlog {__version__}\n"


def test_it_runs_as_a_module_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rowlog", "--version"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "drivers")])},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"rowlog {__version__}\n"


def test_each_command_is_in_the_file_where_it_is_looked_for() -> None:
    app = whole_app()
    found: dict[str, str] = {}
    for command in app.registered_commands:
        name = command.name or str(getattr(command.callback, "__name__", ""))
        found[name] = str(getattr(command.callback, "__module__", ""))
    for group in app.registered_groups:
        assert group.typer_instance is not None
        first = group.typer_instance.registered_commands[0].callback
        found[str(group.name)] = str(getattr(first, "__module__", ""))
    assert found == {name: f"rowlog.{home}" for name, home in HOMES.items()}


def test_demo_needs_nothing_and_ends_with_the_table(tmp_path: Path) -> None:
    done = rowlog("demo", TMPDIR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    table = done.stdout.split("───\n")[1]
    reps = [line.split() for line in table.splitlines() if not line.startswith("rest")]
    assert [rep[0] for rep in reps if rep[0].isdigit()] == list("12345678")
    assert {rep[2] for rep in reps if rep[0].isdigit()} == {"500"}
    heads = next(line for line in lines if "metres" in line)
    assert heads.split() == [
        "time", "metres", "pace", "rate", "watts", "HR", "max", "end", "drop",
    ]  # fmt: skip
    kept = next(tmp_path.rglob("rowlog.db"))
    assert str(kept) in done.stdout


def test_demo_is_kept_where_it_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    assert rowlog("demo", "--db", path).returncode == 0
    assert rowlog("demo", db=path).returncode == 0
    assert [session["id"] for session in answer("sessions", db=path)] == [2, 1]


def test_replay_stores_and_show_only_reads(recorded: Path) -> None:
    before = recorded.read_bytes()
    shown = answer("show", db=recorded)
    assert shown["session"]["plan"] == "4x250m/0:45r"
    assert shown["session"]["status"] == "complete"
    work = [segment for segment in shown["segments"] if segment["kind"] == "work"]
    assert [segment["distance_m"] for segment in work] == [250.0] * 4
    assert shown["session"]["work_distance_m"] == 1000.0
    # Four pieces of 250 m have five splits of 50 m each.
    assert [split["distance_m"] for split in shown["splits"]] == pytest.approx([50.0] * 20)
    assert recorded.read_bytes() == before


def test_the_json_of_show_has_the_public_shape(recorded: Path) -> None:
    shown = answer("show", "1", db=recorded)
    assert list(shown) == [
        "session",
        "segments",
        "zones",
        "splits",
        "quality",
        "gaps",
        "heart",
        "segmentation",
        "segmentations",
        "exercises",
        "rounds",
        "bests",
        "erg",
    ]
    assert {
        "id", "started_at", "ended_at", "athlete", "activity", "plan", "status", "sources",
        "duration_s", "elapsed_s", "work_s", "rest_s", "distance_m", "work_distance_m",
        "rest_distance_m", "stroke_count", "energy_kcal", "mean_pace_s_per_500m", "mean_power_w",
        "mean_stroke_rate_spm", "mean_heart_rate_bpm", "max_heart_rate_bpm",
        "min_heart_rate_bpm", "heart_rate_coverage", "drag_factor", "origins",
    } <= shown["session"].keys()  # fmt: skip
    assert {
        "index", "kind", "activity", "target", "duration_s", "distance_m", "stroke_count",
        "energy_kcal", "mean_pace_s_per_500m", "mean_power_w", "mean_stroke_rate_spm",
        "mean_heart_rate_bpm", "max_heart_rate_bpm", "end_heart_rate_bpm",
        "heart_rate_drop_60s_bpm", "ended_by", "started_at_s", "clock", "origins",
    } <= shown["segments"][0].keys()  # fmt: skip
    assert shown["quality"].keys() == {
        "frames", "undecoded", "gaps", "link_losses", "machine_resets", "late_frames",
        "left_out_frames",
    }  # fmt: skip
    assert shown["segments"][0]["target"] == {"type": "distance", "value": 250.0}
    assert shown["zones"] == []
    assert shown["session"]["origins"]["mean_pace_s_per_500m"] == "derived"
    pace = shown["session"]["mean_pace_s_per_500m"]
    assert pace == pytest.approx(500 * shown["session"]["work_s"] / 1000.0)


def test_sessions_is_a_list_of_sessions(recorded: Path) -> None:
    (session,) = answer("sessions", db=recorded)
    assert session == answer("show", db=recorded)["session"] | {"sources": session["sources"]}
    assert "4x250m/0:45r" in rowlog("sessions", db=recorded).stdout


def test_dry_run_stores_nothing(tmp_path: Path) -> None:
    path = tmp_path / "none.db"
    done = rowlog("replay", SPLIT, "--dry-run", db=path)
    assert done.returncode == 0
    assert "4x250m/0:45r" in done.stdout
    assert not path.exists()


def test_another_plan_can_be_laid_over_a_recording(tmp_path: Path) -> None:
    shown = answer("replay", SPLIT, "--plan", "2x500m", "--dry-run", db=tmp_path / "none.db")
    assert shown["session"]["plan"] == "2x500m"


def test_frames_come_out_as_they_went_in(recorded: Path, tmp_path: Path) -> None:
    from rowlog_drivers.frames import read_frames

    out = tmp_path / "out.frames"
    assert rowlog("frames", "1", "--output", out, db=recorded).returncode == 0
    assert list(read_frames(out)) == list(read_frames(SPLIT))
    printed = rowlog("frames", db=recorded).stdout
    assert printed == out.read_text(encoding="utf-8")
    again = rowlog("frames", "1", "--output", out, db=recorded)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)


def test_decode_prints_one_object_per_record() -> None:
    done = rowlog("decode", "ftms", "2ad1", "0000340500", "ff")
    first, second = (json.loads(line) for line in done.stdout.splitlines())
    assert list(first)[:3] == ["type", "t_ns", "source"]
    assert (first["type"], first["t_ns"], first["source"]) == ("RowerSample", 0, "cli")
    assert (first["stroke_rate_spm"], first["stroke_count"]) == (26.0, 5)
    assert first["distance_m"] is None
    assert second["type"] == "Undecoded"
    assert done.returncode == 0


def test_decode_keeps_the_order_of_one_connection() -> None:
    # "IDD057" and "0034": register 057 holds 0x34 = 52 m, in two chunks of the serial line.
    done = rowlog("decode", "waterrower", "rx", b"IDD057".hex(), b"0034\r\n".hex())
    (record,) = (json.loads(text) for text in done.stdout.splitlines())
    assert record["distance_m"] == 52.0


def test_plan_echoes_or_points() -> None:
    parsed = answer("plan", "8 x 500m / 90s r")
    assert parsed["canonical"] == "8x500m/1:30r"
    assert (parsed["work_count"], parsed["work_m"], parsed["rest_s"]) == (8, 4000.0, 720.0)
    done = rowlog("plan", "8x500m/1:30r nonsense")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    (at,) = (number for number, line in enumerate(lines) if line.strip() == "^")
    assert lines[at - 1][lines[at].index("^") :] == "nonsense"


def test_a_workout_of_the_library_is_a_plan(tmp_path: Path) -> None:
    db = tmp_path / "rowlog.db"
    (tmp_path / "workouts.toml").write_text('[club]\nplan = "2x250m/0:30"\n[bad]\n', "utf-8")
    done = rowlog("workouts", db=db)
    assert done.returncode == 0
    assert "Back and Cardio" in done.stdout
    assert max(map(len, done.stdout.splitlines()[:-1])) <= 80
    assert done.stderr == f"rowlog: {tmp_path / 'workouts.toml'}, line 3, bad: plan is missing.\n"
    assert answer("workouts", "CLUB", db=db)[0]["plan"] == "2x250m/0:30r"
    assert answer("plan", "club", db=db)["canonical"] == "2x250m/0:30r"
    assert answer("replay", SPLIT, "--plan", "club", db=db)["session"]["plan"] == "2x250m/0:30r"
    unknown = rowlog("workouts", "tabatta", db=db)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "Did you mean tabata?" in unknown.stderr


def test_db_path_check_rebuild(recorded: Path) -> None:
    assert rowlog("db", "path", db=recorded).stdout.strip() == str(recorded)
    checked = answer("db", "check", db=recorded)
    assert (checked["ok"], checked["sessions"], checked["problems"]) == (True, 1, [])
    before = answer("show", db=recorded)
    assert answer("db", "rebuild", db=recorded) == {
        "rebuilt": [1],
        "read_again": [],
        "unread": [],
    }
    assert answer("show", db=recorded) == before
    smaller = answer("db", "compact", db=recorded)
    assert smaller["bytes"] == recorded.stat().st_size <= smaller["bytes_before"]
    assert answer("show", db=recorded) == before


def damaged(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)


def foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize("make", [damaged, foreign])
@pytest.mark.parametrize(
    "arguments", [("sessions",), ("show",), ("replay", str(SPLIT)), ("db", "rebuild")]
)
def test_what_is_no_database_of_ours_is_left_alone(
    make: Any, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "other.db"
    make(path)
    before = path.read_bytes()
    done = rowlog(*arguments, db=path)
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("replay", "missing.frames"), 1, ("missing.frames",)),
        (("show",), 1, ("No database at", "--db")),
        (("sessions",), 1, ("No database at",)),
        (("decode", "fmts", "2ad1", "00"), 2, ("fmts", "ftms")),
        (("decode", "ftms", "2ad1", "0g"), 2, ("0g", "hex")),
        (("plan", "8x500"), 2, ("^",)),
        (("plan", ""), 2, ("^",)),
        (("replay", str(SPLIT), "--plan", "8x"), 2, ("^",)),
        (("replay", str(SPLIT), "--speed", "0"), 2, ("--speed",)),
        (("show", "next"), 2, ("next", "last")),
        (("nonsense",), 2, ("nonsense",)),
    ],
)
def test_a_wrong_call_is_told_in_words(
    arguments: tuple[str, ...], code: int, words: tuple[str, ...], tmp_path: Path
) -> None:
    done = rowlog(*arguments, db=tmp_path / "none.db")
    assert done.returncode == code
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_malformed_file_stores_nothing(tmp_path: Path) -> None:
    lines = SPLIT.read_text(encoding="utf-8").splitlines()
    lines[-1] = "999.9 rower 2ad1 0g"
    broken = tmp_path / "broken.frames"
    broken.write_text("\n".join(lines), encoding="utf-8")
    path = tmp_path / "none.db"
    done = rowlog("replay", broken, db=path)
    assert done.returncode == 1
    assert f"broken.frames, line {len(lines)}" in done.stderr or (
        f"broken.frames:{len(lines)}" in done.stderr
    )
    assert not path.exists()


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    done = rowlog("replay", SPLIT, "--db", blocked / "rowlog.db")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert str(blocked) in done.stderr


HEAVY = ("bleak", "numpy", "serial", "sqlite_utils", "rich", "pydantic", "asyncio")


@pytest.mark.parametrize(
    "arguments", [["--version"], ["show"], ["sessions"], ["summary"], ["show", "--json"]]
)
def test_reading_loads_nothing_heavy(arguments: list[str], recorded: Path) -> None:
    code = (
        "import sys\n"
        "from rowlog.cli import main\n"
        "sys.argv[1:] = sys.argv[1:]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)\n"
    )
    variables = dict(os.environ)
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "drivers")])
    variables["ROWLOG_DB"] = str(recorded)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.strip() == "[]"


def test_a_full_uuid_is_its_short_form() -> None:
    short = rowlog("decode", "ftms", "2ad1", "0000340500")
    full = rowlog("decode", "ftms", "00002AD1-0000-1000-8000-00805f9b34fb", "0000340500")
    assert full.stdout == short.stdout
    assert '"stroke_count": 5' in full.stdout


def test_times_that_are_no_session_are_refused(tmp_path: Path) -> None:
    epoch = tmp_path / "epoch.frames"
    epoch.write_text(
        "# rowlog-frames 1\n# source: r ftms\n1700000000 r 2ad1 0000340500\n", encoding="utf-8"
    )
    path = tmp_path / "none.db"
    done = rowlog("replay", epoch, db=path)
    assert done.returncode == 1
    assert "seconds since session start" in done.stderr
    assert not path.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("arguments", [("plan", "8x500m"), ("show",), ("frames",), ("--help",)])
def test_output_that_cannot_be_written_is_told(arguments: tuple[str, ...], recorded: Path) -> None:
    variables = dict(os.environ) | {"ROWLOG_DB": str(recorded)}
    variables["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "drivers")])
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from rowlog.cli import main; main()", *arguments],
            env=variables,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr


def test_a_recording_of_nothing_is_no_session(tmp_path: Path) -> None:
    file, database = tmp_path / "nothing.frames", tmp_path / "rowlog.db"
    file.write_text("# rowlog-frames 1\n# source: rower ftms\n# end: 30\n", encoding="utf-8")
    for command in ("replay", "import"):
        done = rowlog(command, file, "--db", database)
        assert done.returncode == 1
        assert "is a recording of nothing: no frame is in it." in done.stderr
    assert not database.exists() or answer("sessions", db=database) == []


@pytest.mark.skipif(sys.platform == "win32", reason="no signal ends a process there")
def test_ctrl_c_while_the_program_loads_ends_it_without_a_word() -> None:
    """Pressed as the first of the large modules is looked for."""
    script = (
        "import os, signal, sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'rowlog.cli':\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from rowlog.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "sessions"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "drivers")])},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


def test_a_replayed_session_ends_when_it_did(recorded: Path) -> None:
    from datetime import datetime

    session = answer("show", "1", db=recorded)["session"]
    began, ended = (datetime.fromisoformat(session[key]) for key in ("started_at", "ended_at"))
    assert (ended - began).total_seconds() == pytest.approx(session["duration_s"], abs=0.5)
    assert ended.utcoffset() == began.utcoffset()


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    done = rowlog("sessions", "--db", tmp_path)
    assert (done.returncode, "is a folder" in done.stderr) == (2, True)


def test_the_advice_for_an_older_schema_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database of the first schema is brought up to date by the command that is named."""
    older = tmp_path / "older.db"
    monkeypatch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
    monkeypatch.setattr(schema, "SCHEMA_VERSION", 1)
    schema.prepare(older)
    told = rowlog("show", db=older)
    assert told.returncode == 1
    assert "rowlog db rebuild" in told.stderr
    assert rowlog("db", "rebuild", db=older).returncode == 0
    assert rowlog("sessions", db=older).returncode == 0
    assert len(list(tmp_path.glob("older-before-schema-*.db"))) == 1


def test_text_that_is_damaged_is_no_traceback(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    path.write_bytes(recorded.read_bytes())
    with sqlite3.connect(path) as db:
        db.execute("UPDATE sessions SET plan = CAST(x'ff38' AS TEXT)")
    db.close()
    for arguments in (("show",), ("sessions",), ("frames",), ("db", "check"), ("db", "rebuild")):
        done = rowlog(*arguments, db=path)
        assert "Traceback" not in done.stderr, arguments
        if arguments != ("db", "check"):
            assert (done.returncode, "damaged" in done.stderr) == (1, True), arguments


def test_the_header_of_a_recording_comes_out_as_it_went_in(tmp_path: Path) -> None:
    from rowlog_drivers.frames import read_frames

    given = tmp_path / "given.frames"
    given.write_text(
        "# rowlog-frames 1\n# source: r ftms name=My%20rower\n# machine: WR1\n# firmware: 7.1\n"
        "# my-key: kept\n# note: two\n# note: lines\n# started_at: 2026-05-03T18:05:00+02:00\n"
        "# end: 4\n0.5 r 2ad1 0000340500\n",
        encoding="utf-8",
    )
    path, out = tmp_path / "rowlog.db", tmp_path / "out.frames"
    assert rowlog("replay", given, db=path).returncode == 0
    assert rowlog("frames", "1", "--output", out, db=path).returncode == 0
    assert read_frames(out).header == read_frames(given).header
