"""Nothing leaves the computer unasked, no text becomes code, and others on it cannot read along."""

from __future__ import annotations

import ast
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from rowlog.replaying import replay_file
from rowlog.store_backup import backup
from tests.support import ROOT, environment

FIXTURE: Final = ROOT / "fixtures" / "ftms" / "stop_in_the_middle_750m.frames"
SOURCES: Final = sorted([*(ROOT / "rowlog").rglob("*.py"), *(ROOT / "drivers").rglob("*.py")])

# ---------------------------------------------------------------------------- the network

WATCHED: Final = """
import sys, os
seen = []
def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg",
                 "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
        seen.append(f"{event} {arguments[1:]}")
        raise PermissionError(f"blocked: {event}")
    if event in ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"):
        words = arguments[1] if event == "subprocess.Popen" else arguments
        seen.append(f"{event} {words}")
sys.addaudithook(watch)
"""
COMMANDS: Final = """
from rowlog.cli import errors_told, whole_app
def call(words):
    try:
        with errors_told():
            whole_app()(words)
    except SystemExit as end:
        if end.code:
            print("FAILED", words, end.code, file=sys.stderr)
for line in sys.argv[1].splitlines():
    call(line.split())
print("SEEN", seen)
"""


def watched(code: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WATCHED + code, *arguments],
        env=environment(ROWLOG_DB=str(cwd / "rowlog.db"), HOME=str(cwd)),
        cwd=cwd, capture_output=True, encoding="utf-8", timeout=100, check=False,
    )  # fmt: skip


def test_no_command_reaches_for_the_network(tmp_path: Path) -> None:
    """From a recording to a report: no address is looked up, no socket connected or bound."""
    commands = f"""replay {FIXTURE}
record 100m --rower sim:rower?speed=200 --plain
sessions
show 1 --chart
judge 1
plan 8x500m/1:30r
athlete add me --max 188
edit athlete 1 --name me
zones
bests --curves
trends
frames 1 -o a.frames
export 1 out/ --format fit
export 1 b.tcx
export 1 c.csv
report 1 d.html
import b.tcx
db backup f.db
db rebuild
db compact"""
    done = watched(COMMANDS, commands, cwd=tmp_path)
    assert "FAILED" not in done.stderr, done.stderr[-2000:]
    seen = ast.literal_eval(done.stdout.splitlines()[-1].removeprefix("SEEN "))
    assert [one for one in seen if "'fc-list'" not in one] == []  # matplotlib looks for fonts
    names = {path.name for path in tmp_path.iterdir()}
    assert {"a.frames", "b.tcx", "c.csv", "d.html", "f.db"} <= names


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
    ],
)
def test_who_does_is_noticed(tmp_path: Path, attempt: str) -> None:
    code = f"\ntry:\n    {attempt}\nexcept OSError:\n    print(seen)\n"
    assert len(watched(code, cwd=tmp_path).stdout) > 4


# -------------------------------------------------------------------------------- the code

MODULES: Final = {
    "pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "yaml", "codeop",
    "requests", "httpx", "aiohttp", "http.client", "urllib.request", "ftplib",
    "smtplib", "telnetlib", "xmlrpc", "telemetry", "sentry_sdk",
}  # fmt: skip
"""Modules that make code of bytes, or reach elsewhere."""
CALLS: Final = {"eval", "exec", "compile", "__import__", "execfile"}
ATTRIBUTES: Final = {("os", "system"), ("os", "popen"), ("numpy", "load"), ("np", "load")}
KEYWORDS: Final = {"shell", "allow_pickle"}


def dangers(source: str) -> Iterator[str]:
    """What a source does that would make code of somebody's text, or send it off."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            base = getattr(node, "module", None)
            names = [alias.name for alias in node.names]
            names += [base] if base else []
            names += [f"{base}.{name}" for name in names if base]
            if not getattr(node, "level", 0):
                yield from (f"{node.lineno}: {name}" for name in names if name in MODULES)
        if not isinstance(node, ast.Call):
            continue
        called = node.func
        if isinstance(called, ast.Name) and called.id in CALLS:
            yield f"{node.lineno}: {called.id}()"
        if (
            isinstance(called, ast.Attribute)
            and isinstance(called.value, ast.Name)
            and (called.value.id, called.attr) in ATTRIBUTES
        ):
            yield f"{node.lineno}: {called.value.id}.{called.attr}()"
        yield from (
            f"{node.lineno}: {keyword.arg}="
            for keyword in node.keywords
            if keyword.arg in KEYWORDS
            and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
        )


def test_no_text_becomes_code() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): told
        for path in SOURCES
        if (told := list(dangers(path.read_text(encoding="utf-8"))))
    }
    assert found == {}
    assert len(SOURCES) > 150


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from yaml import load", "eval(x)", "exec(x)", "import urllib.request",
        "from urllib import request", "subprocess.run(x, shell=True)", "os.system(x)",
        "np.load(x, allow_pickle=True)", "from http.client import HTTPConnection",
    ],
)  # fmt: skip
def test_the_reader_of_sources_finds_it(source: str) -> None:
    assert list(dangers(source))


# ------------------------------------------------------------------------------- the files


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a user's folder by other means")
def test_a_new_database_is_for_its_owner_alone(tmp_path: Path) -> None:
    """With what is beside it and its copies; one that is there keeps the mode it was given."""

    def modes() -> dict[str, int]:
        return {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}

    old = os.umask(0o022)
    try:
        database = tmp_path / "rowlog.db"
        replay_file(FIXTURE, database)
        backup(database, tmp_path / "copy.db")
        private = {name: mode for name, mode in modes().items() if not name.endswith(".lock")}
        assert {"rowlog.db", "copy.db"} <= private.keys()
        assert set(private.values()) == {0o600}
        database.chmod(0o660)
        replay_file(FIXTURE, database)
        assert modes()["rowlog.db"] == 0o660
    finally:
        os.umask(old)
