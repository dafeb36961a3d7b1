"""dev.py: what it decides, without a network; and the pins it installs from."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import dev

ROOT = Path(__file__).resolve().parent.parent


def a_filled_checkout(root: Path, level: str) -> Path:
    """A folder that looks as a checkout does after `set_up`."""
    (root / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    (root / "constraints.txt").write_text("numpy==2.4.6\n", encoding="utf-8")
    python = dev.venv_program(root, "python")
    python.parent.mkdir(parents=True)
    python.write_bytes(b"")
    dev.stamp_path(root).write_text(json.dumps(dev.stamp(root, level)), encoding="utf-8")
    return root


# ------------------------------------------------------------------------- the right Python


@pytest.mark.parametrize("version", [(3, 11), (3, 11, 2), (3, 14, 0), (4, 0)])
def test_a_new_enough_python_is_taken(version: tuple[int, ...]) -> None:
    assert dev.refusal(version) is None


@pytest.mark.parametrize("version", [(3, 10, 13), (3, 9), (2, 7, 18)])
def test_an_old_python_is_refused_in_one_line(version: tuple[int, ...]) -> None:
    sentence = dev.refusal(version)
    assert sentence is not None
    assert "needs Python 3.11 or newer" in sentence
    assert f"this is Python {version[0]}.{version[1]}." in sentence
    assert "\n" not in sentence


def test_the_refusal_names_a_python_that_will_do() -> None:
    assert "Run dev.py with python3.12." in (dev.refusal((3, 9), "python3.12") or "")


def test_an_old_python_can_read_the_file_that_refuses_it() -> None:
    source = (ROOT / "dev.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    names = {
        alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names
    }
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names
    assert "tomllib" not in names  # came with 3.11


def test_the_oldest_python_is_the_one_that_the_package_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">={}.{}".format(*dev.OLDEST)
    assert {"test", "dev"} <= project["optional-dependencies"].keys()


# ---------------------------------------------------------------------------- ways to set up


def test_uv_comes_first_then_venv_then_the_pip_of_the_system() -> None:
    found = dev.ways(ROOT, uv="/opt/uv", ensurepip=True, system_pip=True)
    assert [way.name for way in found] == ["uv", "venv", "the system's pip"]
    assert [way.pip_inside for way in found] == [False, True, False]


@pytest.mark.parametrize("only", ["uv", "ensurepip", "system_pip"])
def test_each_way_fills_the_environment_of_the_checkout_with_the_pinned(only: str) -> None:
    (way,) = dev.ways(
        ROOT,
        uv="/opt/uv" if only == "uv" else None,
        ensurepip=only == "ensurepip",
        system_pip=only == "system_pip",
    )
    assert way.make[-1] == str(ROOT / ".venv")
    assert way.install[-3:] == ("--constraint", "constraints.txt", "--editable")
    assert str(dev.venv_program(ROOT, "python")) in way.install
    assert {"--compile", "--compile-bytecode"} & set(way.install)


def test_a_machine_without_any_way_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a bare Debian: Python's modules venv and ensurepip are missing, and no pip or uv."""
    (tmp_path / "pyproject.toml").write_bytes(b"")
    (tmp_path / "constraints.txt").write_bytes(b"")
    monkeypatch.setattr(dev, "ways_here", lambda root: [])
    monkeypatch.setattr(dev, "has_apt", lambda: True)
    with pytest.raises(dev.SetupError, match=r"`(sudo )?apt install python3-venv`"):
        dev.set_up(tmp_path, "runtime")
    assert not (tmp_path / ".venv").exists()


def test_other_systems_are_not_sent_to_apt() -> None:
    assert "apt" not in dev.no_way(debian=False)
    assert "ensurepip" in dev.no_way(debian=False)


def test_a_failed_installation_shows_its_end_and_the_next_step(tmp_path: Path) -> None:
    a_filled_checkout(tmp_path, "runtime")
    script = "import sys; print('\\n'.join(f'line {n}' for n in range(30))); sys.exit(1)"
    make, install = (sys.executable, "-c", ""), (sys.executable, "-c", script)
    way = dev.Way("pip", make, install, pip_inside=False)
    with pytest.raises(dev.SetupError) as raised:
        dev.attempt(way, tmp_path, "runtime")
    problem = str(raised.value)
    assert "line 29" in problem
    assert "line 9\n" not in problem
    assert "Check the network" in problem
    assert "run this command again" in problem


def test_when_uv_fails_pip_gets_its_turn(tmp_path: Path) -> None:
    a_filled_checkout(tmp_path, "runtime")
    make, install = (sys.executable, "-c", ""), (sys.executable, "-c", "raise SystemExit(1)")
    way = dev.Way("uv", make, install, pip_inside=False)
    assert "uv could not install" in dev.attempt(way, tmp_path, "runtime")


def test_an_installer_that_is_not_there_is_no_traceback(tmp_path: Path) -> None:
    code, output = dev.quietly([str(tmp_path / "missing")])
    assert code == 127
    assert output


def test_installers_compile_byte_code_and_keep_every_other_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "kept")
    script = "import os, sys; print(sys.dont_write_bytecode, os.environ['PIP_INDEX_URL'])"
    assert dev.quietly([sys.executable, "-c", script]) == (0, f"False kept{os.linesep}")


# --------------------------------------------------------------------------------- the stamp


@pytest.mark.parametrize(
    ("filled", "wanted", "ready"),
    [
        ("runtime", "runtime", True),
        ("runtime", "test", False),
        ("test", "runtime", True),
        ("test", "test", True),
        ("test", "dev", False),
        ("dev", "runtime", True),
        ("dev", "test", True),
    ],
)
def test_a_level_holds_the_earlier_ones(
    tmp_path: Path, filled: str, wanted: str, ready: bool
) -> None:
    assert dev.is_ready(a_filled_checkout(tmp_path, filled), wanted) is ready


def test_a_ready_environment_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_filled_checkout(tmp_path, "test")

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a second run must not start a program")

    monkeypatch.setattr(subprocess, "run", refuse)
    dev.set_up(tmp_path, "test")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_new_pins_or_dependencies_ask_for_a_refill(tmp_path: Path, changed: str) -> None:
    a_filled_checkout(tmp_path, "dev")
    (tmp_path / changed).write_text("another\n", encoding="utf-8")
    assert not dev.is_ready(tmp_path, "runtime")


def test_a_moved_checkout_asks_for_a_refill(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    a_filled_checkout(tmp_path / "old", "dev")
    (tmp_path / "old").rename(tmp_path / "new")
    assert not dev.is_ready(tmp_path / "new", "runtime")


def test_a_python_that_went_away_asks_for_a_refill(tmp_path: Path) -> None:
    a_filled_checkout(tmp_path, "dev")
    dev.venv_program(tmp_path, "python").unlink()
    assert not dev.is_ready(tmp_path, "runtime")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"level": "all"}', '{"level": "dev"}'])
def test_a_damaged_stamp_asks_for_a_refill(tmp_path: Path, text: str) -> None:
    a_filled_checkout(tmp_path, "dev")
    dev.stamp_path(tmp_path).write_text(text, encoding="utf-8")
    assert not dev.is_ready(tmp_path, "runtime")


# ---------------------------------------------------------------------------------- commands


@pytest.mark.parametrize("arguments", [[], ["dmeo"], ["setup", "now"]])
def test_a_wrong_call_ends_with_2_and_the_usage(arguments: list[str]) -> None:
    done = call(*arguments)
    assert done.returncode == 2
    assert "python3 dev.py demo" in done.stderr
    assert done.stdout == ""


def test_help_is_an_answer() -> None:
    done = call("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "python3 dev.py test" in done.stdout


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "dev.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.skipif(dev.WINDOWS, reason="the stand-in for the installed program is a script")
@pytest.mark.parametrize("command", ["demo", "run"])
def test_rowlog_is_told_how_it_was_called(tmp_path: Path, command: str) -> None:
    """Its hints must work in a shell that finds dev.py, but no rowlog."""
    root = tmp_path.resolve() / "a clone"
    root.mkdir()
    (root / "dev.py").write_bytes((ROOT / "dev.py").read_bytes())
    a_filled_checkout(root, "runtime")
    program = dev.venv_program(root, "rowlog")
    program.write_text('#!/bin/sh\necho "$ROWLOG_COMMAND"\n', encoding="utf-8")
    program.chmod(0o755)
    python = Path(sys.executable).name

    def told(path: str, cwd: Path) -> str:
        words = [sys.executable, path, command]
        return subprocess.check_output(words, cwd=cwd, text=True, timeout=30)

    assert told("dev.py", root) == f"{python} dev.py run\n"
    assert told("a clone/dev.py", root.parent) == f'{python} "a clone/dev.py" run\n'


@pytest.mark.parametrize(
    ("told", "command"), [({}, "rowlog"), ({"ROWLOG_COMMAND": "py dev.py run"}, "py dev.py run")]
)
@pytest.mark.parametrize("name", ["kept.db", "kept here.db"])
def test_the_demo_ends_with_a_command_that_can_be_typed(
    tmp_path: Path, told: dict[str, str], command: str, name: str
) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "ROWLOG_COMMAND"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "drivers")])
    environment["PYTHONIOENCODING"] = "utf-8"
    path = tmp_path / name
    words = [sys.executable, "-c", "from rowlog.cli import main; main()", "demo", "--db", str(path)]
    done = subprocess.run(
        words,
        env=environment | told,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    hint = done.stdout.splitlines()[-1].partition("with: ")[2]
    assert hint == f"{command} show --db " + (f'"{path}"' if " " in name else str(path))


# ---------------------------------------------------------------------------------- the pins

PIN = re.compile(
    r"([a-z0-9-]+)==[0-9][0-9a-z.!]*( ; (python_full_version|sys_platform|platform_\w+) .+)?"
)


def pins() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def test_pins_are_bare() -> None:
    """Name and version only: no host, no file, no hash."""
    assert [line for line in pins() if not PIN.fullmatch(line)] == []


def test_every_direct_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in project["optional-dependencies"].values():
        wanted += extra
    names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in wanted}
    pinned = {line.split("==")[0] for line in pins()}
    assert {re.sub(r"[-_.]+", "-", name) for name in names} - {"rowlog"} <= pinned


def test_whatever_those_need_is_pinned_too() -> None:
    """What an installation of everything brings along, as far as it is installed here."""
    pinned = {line.split("==")[0] for line in pins()}
    ahead = [("rowlog", extra) for extra in ("", "dev", "fuzz")]
    seen: set[tuple[str, str]] = set()
    while ahead:
        name, extra = ahead.pop()
        seen.add((name, extra))
        try:
            requirements = map(Requirement, requires(name) or ())
        except PackageNotFoundError:
            continue
        for one in requirements:
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                known = canonicalize_name(one.name)
                ahead += {(known, wanted) for wanted in (one.extras or {""})} - seen
    needed = {name for name, _ in seen}
    assert len(needed) > 25
    assert needed - {"rowlog", "pip"} <= pinned, needed - pinned


def test_the_whole_suite_runs_on_all_cores_and_a_part_does_not() -> None:
    assert dev.on_all_cores([])[0] == "-n"
    assert dev.on_all_cores(["-rs"]) == dev.on_all_cores([])
    assert dev.on_all_cores(["tests/test_dev.py"]) == []
    assert dev.on_all_cores(["-n0"]) == []
