"""Sets rowlog up in a fresh clone and runs it, with nothing but Python's standard library.

    python3 dev.py demo [ARGS...]   a simulated session, from first stroke to summary
    python3 dev.py run ARGS...      any rowlog command
    python3 dev.py test [ARGS...]   the tests; arguments go to pytest
    python3 dev.py faults [WORDS]   every known fault injected, and what came out; --full: hundreds
    python3 dev.py check            lint, format and types, for contributors
    python3 dev.py setup            everything the above need, ahead of time

All of it lives in .venv inside this checkout, with the versions that constraints.txt pins. The
first run fetches the packages, later ones start at once. On Windows write `py dev.py`.
"""

# Python 3.7 must be able to read this file, so that it can say which Python rowlog needs.

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping, NamedTuple, NoReturn, Sequence  # noqa: UP035 (Python 3.7)

ROOT = Path(__file__).resolve().parent
OLDEST = (3, 11)
NEWEST_TRIED = (3, 14)
WINDOWS = os.name == "nt"

REQUIREMENT = {"runtime": ".", "test": ".[test]", "dev": ".[dev]"}
"""What to install at each level; a later level holds the earlier ones."""
LEVELS = tuple(REQUIREMENT)


class SetupError(Exception):
    """The environment cannot be made; the text says why and what to do next."""


class Way(NamedTuple):
    """One way to make .venv and to fill it."""

    name: str
    make: tuple[str, ...]
    """The command that makes .venv, or gives an existing one its pip."""
    install: tuple[str, ...]
    """The command that installs, still without the requirement."""
    pip_inside: bool
    """Whether `install` needs pip within .venv."""


def refusal(version: Sequence[int], newer: str | None = None) -> str | None:
    """Why this Python will not do; None when it will. `newer` is another on this machine."""
    if tuple(version[:2]) >= OLDEST:
        return None
    has = "{}.{}".format(*version[:2])
    needs = "{}.{}".format(*OLDEST)
    remedy = (
        f"Run dev.py with {newer}" if newer else "Install a newer Python and run dev.py with it"
    )
    return f"rowlog needs Python {needs} or newer; this is Python {has}. {remedy}."


def newer_python() -> str | None:
    """The name of a Python on PATH that is new enough, the newest first; None without one."""
    for minor in range(NEWEST_TRIED[1], OLDEST[1] - 1, -1):
        name = f"python3.{minor}"
        if shutil.which(name) and succeeds([name, "--version"]):
            return name
    return None


# ------------------------------------------------------------------ what is there already


def venv_program(root: Path, name: str) -> Path:
    """Where a program of the environment is: `bin/NAME`, on Windows `Scripts/NAME.exe`."""
    return root / ".venv" / ("Scripts" if WINDOWS else "bin") / (name + ".exe" if WINDOWS else name)


def stamp_path(root: Path) -> Path:
    """The file that tells for what the environment was last filled."""
    return root / ".venv" / "rowlog-setup.json"


def stamp(root: Path, level: str) -> dict[str, str]:
    """What holds for an environment filled now, at `level`; any difference asks for a refill."""
    wanted = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        wanted.update((root / name).read_bytes())
    return {
        "level": level,
        "packages": wanted.hexdigest(),
        "root": str(root),  # the installed programs name their place in full
        "python": os.path.realpath(str(venv_program(root, "python"))),  # gone after an upgrade
    }


def stamped_level(root: Path) -> str | None:
    """The level that the environment is filled to and still good for; None: it must be filled."""
    try:
        found = json.loads(stamp_path(root).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    level = found.get("level") if isinstance(found, dict) else None
    if level not in LEVELS or found != stamp(root, level):
        return None
    return level if Path(found["python"]).exists() else None


def is_ready(root: Path, level: str) -> bool:
    """Whether nothing needs doing for `level`; reads two small files and starts nothing."""
    found = stamped_level(root)
    return found is not None and LEVELS.index(found) >= LEVELS.index(level)


def is_usable(root: Path) -> bool:
    """Whether .venv has a new enough Python that still finds its packages."""
    probe = (
        "import os, sys, sysconfig; "
        "there = os.path.isdir(sysconfig.get_paths()['purelib']); "
        f"sys.exit(0 if there and sys.version_info >= {OLDEST} else 1)"
    )
    return succeeds([str(venv_program(root, "python")), "-c", probe])


# ------------------------------------------------------------------------------- setting up


def ways(root: Path, *, uv: str | None, ensurepip: bool, system_pip: bool) -> list[Way]:
    """How the environment can be made with what this machine has, the quickest first."""
    # The Python below an active environment: that one may be the .venv about to be replaced.
    python = getattr(sys, "_base_executable", None) or sys.executable
    venv, inside = str(root / ".venv"), str(venv_program(root, "python"))
    pinned = ("--quiet", "--constraint", "constraints.txt", "--editable")
    pip = ("install", "--no-input", "--compile", *pinned)
    found = []
    if uv is not None:
        make: tuple[str, ...] = (uv, "venv", "--quiet", "--python", python, venv)
        install: tuple[str, ...] = (uv, "pip", "install", "--python", inside, "--compile-bytecode")
        found.append(Way("uv", make, (*install, *pinned), pip_inside=False))
    if ensurepip:
        make = (python, "-m", "venv", venv)
        found.append(Way("venv", make, (inside, "-m", "pip", *pip), pip_inside=True))
    if system_pip:
        make = (python, "-m", "venv", "--without-pip", venv)
        install = (python, "-m", "pip", "--python", inside, *pip)
        found.append(Way("the system's pip", make, install, pip_inside=False))
    return found


def ways_here(root: Path) -> list[Way]:
    """The ways of this machine."""
    uv = shutil.which("uv")
    has_venv = importlib.util.find_spec("venv") is not None
    return ways(
        root,
        uv=uv if uv and succeeds([uv, "--version"]) else None,
        ensurepip=has_venv and importlib.util.find_spec("ensurepip") is not None,
        system_pip=has_venv and system_pip_version() >= (22, 3),  # the first that has --python
    )


def system_pip_version() -> tuple[int, int]:
    """The version of the pip beside this Python; (0, 0) without one."""
    python = getattr(sys, "_base_executable", None) or sys.executable
    code, output = quietly([python, "-m", "pip", "--version"])
    found = re.search(r"^pip (\d+)\.(\d+)", output, re.MULTILINE)
    return (int(found.group(1)), int(found.group(2))) if code == 0 and found else (0, 0)


def has_apt() -> bool:
    """Whether this is Debian, Ubuntu or one of their kin."""
    return shutil.which("apt-get") is not None


def no_way(debian: bool) -> str:
    """The sentence for a machine that has neither uv, nor ensurepip, nor pip."""
    if debian:
        sudo = "" if WINDOWS or os.geteuid() == 0 else "sudo "
        return (
            "This Python came without what fills an environment. Run "
            f"`{sudo}apt install python3-venv`, then this command again."
        )
    return (
        "This Python came without its modules venv and ensurepip, and there is no uv or pip 22.3. "
        "Install one of these with your system's packages, then run this command again."
    )


def set_up(root: Path, level: str) -> None:
    """Bring .venv to at least `level`. Raises SetupError, saying what to do next."""
    if is_ready(root, level):
        return
    level = max(level, stamped_level(root) or level, key=LEVELS.index)
    candidates = ways_here(root)
    if not candidates:
        raise SetupError(no_way(has_apt()))
    fresh = not (root / ".venv").exists()
    say("making .venv in this checkout; fetches about 90 MB ..." if fresh else "updating .venv ...")
    started = time.monotonic()
    if (root / ".venv").exists() and not is_usable(root):
        try:
            shutil.rmtree(str(root / ".venv"))
        except OSError as error:
            raise SetupError(f"The old .venv is broken and cannot be removed: {error}.") from error
    problem = ""
    for way in candidates:
        problem = attempt(way, root, level)
        if not problem:
            break
    else:
        raise SetupError(problem)
    stamp_path(root).write_text(json.dumps(stamp(root, level), indent=1), encoding="utf-8")
    say(f"ready after {time.monotonic() - started:.0f} s, by {way.name}.")


def attempt(way: Way, root: Path, level: str) -> str:
    """Make and fill the environment one way; returns what went wrong, "" when nothing did.

    Raises SetupError when pip cannot install: another pip would meet the same network.
    """
    python = str(venv_program(root, "python"))
    made = succeeds([python, "-m", "pip", "--version"]) if way.pip_inside else is_usable(root)
    if not made:
        code, output = quietly(way.make, cwd=root)
        if code != 0:
            return f"{tail(output)}\n{way.name} could not make .venv. {no_way(has_apt())}"
    code, output = quietly([*way.install, REQUIREMENT[level]], cwd=root)
    if code == 0:
        return ""
    problem = (
        f"{tail(output)}\n{way.name} could not install the packages; its last words are above. "
        "Check the network, and the proxy and package index that pip is set to, then run this "
        "command again: what was fetched is kept."
    )
    if way.name == "uv":
        return problem
    raise SetupError(problem)


def installer_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for installers: as it is, but byte-code gets compiled.

    Without byte-code each start of rowlog takes twice as long, for ever.
    """
    return {k: v for k, v in environment.items() if k != "PYTHONDONTWRITEBYTECODE"}


# ------------------------------------------------------------------------ running and saying


def quietly(command: Sequence[str], cwd: Path | None = None) -> tuple[int, str]:
    """Run an installer without a terminal; its exit code and all it printed."""
    try:
        done = subprocess.run(
            list(command),
            cwd=None if cwd is None else str(cwd),
            env=installer_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
    except OSError as error:
        return 127, str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace")


def succeeds(command: Sequence[str]) -> bool:
    """Whether a command can be started and exits with 0."""
    return quietly(command)[0] == 0


def tail(output: str, lines: int = 6, width: int = 300) -> str:
    """The last lines of an installer's output, cut to `width`; of lines that begin alike one."""
    last = {line[:30]: line[:width] for line in output.splitlines() if line.strip()}
    return "\n".join(list(last.values())[-lines:])


def say(text: str) -> None:
    """One line about the setting up, apart from what the command prints."""
    print(f"dev.py: {text}", file=sys.stderr, flush=True)


def become(command: Sequence[str], cwd: Path | None = None) -> NoReturn:
    """End as `command`: its terminal, its signals, its exit code."""
    if cwd is not None:
        os.chdir(str(cwd))
    if not WINDOWS:
        os.execv(command[0], list(command))
    with subprocess.Popen(list(command)) as child:  # Windows has no exec worth the name
        while True:
            try:
                sys.exit(child.wait())
            except KeyboardInterrupt:
                continue  # the child was told as well, and ends as it sees fit


def own_command() -> str:
    """What to type for any rowlog command, as this file was called: `python3 dev.py run`.

    rowlog itself is in .venv, where no shell looks for it: its hints begin with this.
    """
    python = "py" if WINDOWS else Path(sys.executable).name or "python3"
    words = (python, sys.argv[0], "run")
    return " ".join(f'"{word}"' if " " in word else word for word in words)


def check(root: Path) -> int:
    """Run every checker, also after one has complained; 1 when any has."""
    python = str(venv_program(root, "python"))
    checkers = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
    results = [subprocess.call([python, "-m", *words], cwd=str(root)) for words in checkers]
    return 1 if any(results) else 0


def on_all_cores(arguments: Sequence[str]) -> list[str]:
    """What makes pytest run the whole suite in several processes; [] where a part is named.

    One more than there are cores: many tests wait for a device. A file's tests stay together,
    for what they share.
    """
    if any(not word.startswith("-") or word.startswith("-n") for word in arguments):
        return []
    return ["-n", str((os.cpu_count() or 1) + 1), "--dist", "loadfile"]


def main(arguments: Sequence[str]) -> int:
    """Do one command; its exit code, 2 when there is no such command."""
    command, rest = (arguments[0], list(arguments[1:])) if arguments else ("", [])
    if command in ("-h", "--help", "help"):
        print(__doc__)
        return 0
    refused = refusal(sys.version_info[:2], newer_python() if sys.version_info < OLDEST else None)
    if refused is not None:
        say(refused)
        return 1
    if command in ("demo", "run"):
        set_up(ROOT, "runtime")
        rowlog = str(venv_program(ROOT, "rowlog"))
        os.environ["ROWLOG_COMMAND"] = own_command()
        become([rowlog, *(["demo"] if command == "demo" else []), *rest])
    if command == "test":
        set_up(ROOT, "test")
        python = str(venv_program(ROOT, "python"))
        become([python, "-m", "pytest", *on_all_cores(rest), *rest], cwd=ROOT)
    if command == "faults":
        set_up(ROOT, "test")
        words = [word for word in rest if word != "--full"]
        quick = [] if "--full" in rest else ["--quick"]
        python = str(venv_program(ROOT, "python"))
        become([python, "-m", "benchmarks.faults", *quick, *words], cwd=ROOT)
    if command in ("setup", "check") and not rest:
        set_up(ROOT, "dev")
        return check(ROOT) if command == "check" else 0
    print(__doc__, file=sys.stderr)
    say(f"there is no such command: {' '.join(arguments)}" if arguments else "which command?")
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetupError as error:
        for line in str(error).splitlines():
            say(line)
        sys.exit(1)
    except KeyboardInterrupt:
        say("stopped; run the same command again to go on.")
        sys.exit(130)
