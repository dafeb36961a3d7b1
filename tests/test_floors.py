"""The floors: which room of the house may lean on which other.

The table below says it in one place; the imports of every module are read from its syntax tree,
those inside functions and under TYPE_CHECKING included, since a name that is known is leaned on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CELLS = {"rowlog": ROOT / "rowlog", "rowlog_drivers": ROOT / "drivers" / "rowlog_drivers"}

# Names of modules and packages; a package stands for all that is in it, and `*` for any ending.
CORE = (
    "rowlog.archive",
    "rowlog.athlete",
    "rowlog.zones",
    "rowlog.shape",
    "rowlog.wanted",
    "rowlog.starts",
    "rowlog.predictions",
    "rowlog.training",
    "rowlog.efforts",
    "rowlog.pulse",
    "rowlog.hrv",
    "rowlog.plan",
    "rowlog.resolving",
    "rowlog.programmed",
    "rowlog.notation",
    "rowlog.figures",
    "rowlog.counters",
    "rowlog.hearing",
    "rowlog.heart",
    "rowlog.movement",
    "rowlog.standing",
    "rowlog.timeline",
    "rowlog.crossings",
    "rowlog.segments",
    "rowlog.intervals",
    "rowlog.intervals_*",
    "rowlog.cuts",
    "rowlog.laps",
    "rowlog.keys",
    "rowlog.undoing",
    "rowlog.hindsight",
    "rowlog.estimating",
    "rowlog.judging",
    "rowlog.likeness",
    "rowlog.sameness",
    "rowlog.candidates",
    "rowlog.same_hearts",
    "rowlog.detection",
    "rowlog.patterns",
    "rowlog.detecting",
    "rowlog.totals",
    "rowlog.monitor",
    "rowlog.pipeline",
    "rowlog.periods",
    "rowlog.buffer",
    "rowlog.believing",
    "rowlog.bridging",
    "rowlog.bursts",
    "rowlog.unseen",
    "rowlog.outset",
    "rowlog.derivation",
    "rowlog.live",
    "rowlog.board",
    "rowlog.cues",
    "rowlog.metrics",
    "rowlog.fit_layout",
)
STORE = ("rowlog.store*", "rowlog.schema*")
WORK = (
    "rowlog.bluetooth*",
    "rowlog.devices*",
    "rowlog.doctor*",
    "rowlog.finding*",
    "rowlog.knowing*",
    "rowlog.scanning*",
    "rowlog.ports*",
    "rowlog.recorder*",
    "rowlog.recording*",
    "rowlog.viewing*",
    "rowlog.recovering*",
    "rowlog.resuming*",
    "rowlog.watching*",
    "rowlog.spilling*",
    "rowlog.key_lines*",
    "rowlog.replaying*",
    "rowlog.editing*",
    "rowlog.merging*",
    "rowlog.recognising*",
    "rowlog.tellings*",
    "rowlog.series*",
    "rowlog.simulating*",
    "rowlog.programming*",
    "rowlog.usb*",
    "rowlog.program_monitor*",
    "rowlog.structuring*",
    "rowlog.resegment*",
    "rowlog.rebuild*",
    "rowlog.summary*",
    "rowlog.imports*",
    "rowlog.importing*",
    "rowlog.previewing*",
    "rowlog.contents*",
    "rowlog.workouts*",
)
PLACES = ("rowlog.config",)
OUTPUT = ("rowlog.render*", "rowlog.harmless*", "rowlog.charts*", "rowlog.exports*")
FILES_OUT = ("rowlog.exporting*", "rowlog.reporting*")
VIEWS = ("rowlog.screen*", "rowlog.sounds*")
PAGES = ("rowlog.web",)
CLI = ("rowlog.cli*", "rowlog.__main__")
FOUNDATION = tuple(
    f"rowlog_drivers.{name}" for name in ("errors", "clock", "records", "fields", "frames")
)
FILES = ("os", "io", "pathlib", "shutil", "tempfile", "glob")
SQLITE = ("sqlite3", "sqlite_utils")

PRINTING = "printing"
OPENING = "opening files"
SQL = "SQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One row of the table: what some modules may and must not lean on."""

    name: str
    modules: tuple[str, ...]
    may: tuple[str, ...] | None = None
    """The modules of this project that it may import; None: any but those in `never`."""
    never: tuple[str, ...] = ()
    """Modules that it must not import, and habits (PRINTING, OPENING, SQL) it must not have."""


ROOMS = (
    Room(
        name="the drivers' foundation",
        modules=(*FOUNDATION, "rowlog_drivers.interface"),
        may=(*FOUNDATION, "rowlog_drivers.interface"),
        never=("asyncio", "logging", PRINTING),
    ),
    Room(
        name="protocols",
        modules=("rowlog_drivers.protocols",),
        may=(
            "rowlog_drivers.records",
            "rowlog_drivers.frames",
            "rowlog_drivers.fields",
            "rowlog_drivers.interface",
            "rowlog_drivers.errors",
            "rowlog_drivers.protocols",
        ),
        never=("asyncio", "time", "bleak", "serial", "logging", *SQLITE, *FILES, PRINTING, OPENING),
    ),
    Room(
        name="transports",
        modules=("rowlog_drivers.transports",),
        may=(
            "rowlog_drivers.frames",
            "rowlog_drivers.clock",
            "rowlog_drivers.errors",
            "rowlog_drivers.interface",
            "rowlog_drivers.transports",
        ),
        never=("rowlog_drivers.protocols", "rowlog_drivers.records", PRINTING),
    ),
    Room(
        name="devices",
        modules=(
            "rowlog_drivers",
            "rowlog_drivers.simulator",
            "rowlog_drivers.allowance",
            "rowlog_drivers.device",
            "rowlog_drivers.catalog",
            "rowlog_drivers.addresses",
            "rowlog_drivers.quirks",
            "rowlog_drivers.identify",
            "rowlog_drivers.peripheral*",
            "rowlog_drivers.pseudo_terminal",
        ),
        may=("rowlog_drivers",),
        never=(PRINTING,),
    ),
    Room(
        name="the core",
        modules=CORE,
        may=(
            "rowlog_drivers.records",
            "rowlog_drivers.frames",
            "rowlog_drivers.interface",
            "rowlog_drivers.errors",
            *CORE,
        ),
        never=("asyncio", "time", *SQLITE, *FILES, PRINTING, OPENING),
    ),
    Room(name="the places", modules=PLACES, may=(), never=("asyncio", "logging", PRINTING)),
    Room(name="the store", modules=STORE, never=(*WORK, *OUTPUT, *CLI, PRINTING)),
    Room(
        name="the work", modules=WORK, never=("typer", *OUTPUT, *VIEWS, *FILES_OUT, *CLI, PRINTING)
    ),
    Room(
        name="output",
        modules=OUTPUT,
        never=(*STORE, "rowlog_drivers", *FILES_OUT, *CLI, PRINTING),
    ),
    Room(name="views", modules=VIEWS, never=("typer", *STORE, *FILES_OUT, *CLI, PRINTING)),
    Room(name="files out", modules=FILES_OUT, never=("typer", *STORE, *CLI, PRINTING)),
    Room(
        name="the pages",
        modules=PAGES,
        may=(
            *PAGES,
            "rowlog.summary*",
            "rowlog.contents",
            "rowlog.series",
            "rowlog.render*",
            "rowlog.live",
            "rowlog.viewing",
            "rowlog.recording",
            "rowlog.watching",
            "rowlog.workouts",
            "rowlog.periods",
            "rowlog.wanted",
            "rowlog.plan",
            "rowlog.standing",
            "rowlog_drivers.addresses",
            "rowlog_drivers.clock",
            "rowlog_drivers.errors",
        ),
        never=("typer", PRINTING),
    ),
    Room(name="commands", modules=("rowlog", *CLI)),
)

ONLY = {
    "rowlog": ("rowlog",),
    "bleak": ("rowlog_drivers.transports.ble*",),
    "dbus_fast": ("rowlog_drivers.transports.ble*", "rowlog_drivers.peripheral_bluez"),
    "hid": ("rowlog_drivers.transports.hid",),
    "serial": ("rowlog_drivers.transports.serial_port",),
    "sqlite3": STORE,
    "sqlite_utils": STORE,
    SQL: STORE,
    "typer": CLI,
    "starlette": PAGES,
    "uvicorn": PAGES,
    "jinja2": PAGES,
    "segno": PAGES,
}
"""What only these modules may import or have."""


# ----------------------------------------------------------------------------- reading sources

STATEMENT = re.compile(
    r"\s*(SELECT\s|INSERT\s+(OR\s+\w+\s+)?INTO\s|REPLACE\s+INTO\s|UPDATE\s+\S+\s+SET\s|"
    r"DELETE\s+FROM\s|(CREATE|DROP)\s+(TEMP\s+)?(TABLE|VIEW|INDEX|UNIQUE|TRIGGER|VIRTUAL)\s|"
    r"ALTER\s+TABLE\s|PRAGMA\s+\w|WITH\s+\w+\s+AS\s|VACUUM\b|ATTACH\s|"
    r"BEGIN(\s+(IMMEDIATE|EXCLUSIVE|DEFERRED|TRANSACTION))?\s*;?\s*$)"
)


@dataclass(frozen=True, slots=True, order=True)
class Use:
    """One thing that a module leans on, and where."""

    line: int
    what: str


def within(module: str, names: tuple[str, ...]) -> bool:
    """Whether `module` is one of `names` or lies in one that is a package."""
    return any(fnmatchcase(module, name) or fnmatchcase(module, f"{name}.*") for name in names)


def docstrings(tree: ast.AST) -> set[int]:
    """The identities of the nodes that are docstrings or other bare strings."""
    return {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}


def imports(module: str, tree: ast.AST, known: Mapping[str, str]) -> Iterator[Use]:
    """Every module that `module` imports, by its full name, as deep as it is a module."""
    package = is_package(module, known)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (Use(node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + (1 if package else 0)]
                base = ".".join([*parts, base] if base else parts)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Use(node.lineno, full if full in known else base)
        elif (
            isinstance(node, ast.Call)
            and called(node) in ("importlib.import_module", "import_module", "__import__")
            and node.args
            and isinstance(node.args[0], ast.Constant)
            and isinstance(node.args[0].value, str)
        ):
            yield Use(node.lineno, node.args[0].value)


def is_package(module: str, known: Mapping[str, str]) -> bool:
    """Whether `module` stands for an `__init__.py`."""
    return module in CELLS or any(name.startswith(f"{module}.") for name in known)


def called(node: ast.Call) -> str:
    """The dotted name that is called; "" when it is no plain name."""
    return ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""


def habits(tree: ast.AST) -> Iterator[Use]:
    """Printing, opening files and SQL, wherever the module does so."""
    plain_text = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = called(node)
            if name in ("print", "typer.echo", "typer.secho", "rich.print"):
                yield Use(node.lineno, PRINTING)
            elif name == "open" or name.endswith((".read_text", ".read_bytes", ".write_text")):
                yield Use(node.lineno, OPENING)
            elif name.endswith((".execute", ".executemany", ".executescript")):
                yield Use(node.lineno, SQL)
        elif isinstance(node, ast.Attribute) and ast.unparse(node) in ("sys.stdout", "sys.stderr"):
            yield Use(node.lineno, PRINTING)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in plain_text
            and STATEMENT.match(node.value)
        ):
            yield Use(node.lineno, SQL)


def violations(sources: Mapping[str, str]) -> list[str]:
    """What breaks the table, one sentence each: `module:line leans on ..., which ...`."""
    found = []
    for module, source in sorted(sources.items()):
        tree = ast.parse(source, filename=module)
        used = sorted({*imports(module, tree, sources), *habits(tree)})
        room = room_of(module)
        if room is None:
            found.append(f"{module}: in no room of the table; name it in ROOMS")
            continue
        for use in used:
            where = f"{module}:{use.line}"
            ours = use.what.split(".")[0] in CELLS
            if within(use.what, room.never):
                found.append(f"{where}: {use.what} is never for {room.name}")
            elif ours and room.may is not None and not within(use.what, room.may):
                found.append(f"{where}: {use.what} is not for {room.name}")
            for what, alone in ONLY.items():
                if within(use.what, (what,)) and not within(module, alone):
                    found.append(f"{where}: {use.what} is only for {', '.join(alone)}")
    return found


def room_of(module: str) -> Room | None:
    """The room that names the module most closely; None when no room does."""
    if module in CELLS:  # the packages' own front doors, not all that lies in them
        return next(room for room in ROOMS if module in room.modules)
    rooms = [room for room in ROOMS if within(module, tuple(set(room.modules) - set(CELLS)))]
    return rooms[0] if rooms else None


def circles(sources: Mapping[str, str]) -> list[str]:
    """Import circles among the modules, each once, as `a -> b -> a`."""
    graph = {
        module: sorted(
            {use.what for use in imports(module, ast.parse(source, filename=module), sources)}
            & (sources.keys() - {module})
        )
        for module, source in sources.items()
    }
    found: list[str] = []
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> None:
        if module in path:
            found.append(" -> ".join([*path[path.index(module) :], module]))
        elif module not in done:
            for needed in graph[module]:
                walk(needed, [*path, module])
            done.add(module)

    for module in sorted(graph):
        walk(module, [])
    return found


def project() -> dict[str, str]:
    """The source of every module of both packages, by its dotted name."""
    sources = {}
    for cell, folder in CELLS.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [cell, *path.relative_to(folder).with_suffix("").parts]
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            sources[name] = path.read_text(encoding="utf-8")
    return sources


# ------------------------------------------------------------------------------------- tests


def test_every_module_keeps_to_its_floor() -> None:
    assert violations(project()) == []


def test_no_import_goes_in_a_circle() -> None:
    assert circles(project()) == []


def test_the_table_is_about_modules_that_exist() -> None:
    """A checker that reads nothing finds nothing."""
    modules = project()
    assert {"rowlog", "rowlog.plan", "rowlog_drivers.records"} <= modules.keys()
    assert any(use.what == "rowlog_drivers.frames" for use in uses("rowlog_drivers.interface"))


def uses(module: str) -> list[Use]:
    """What a module of the project imports."""
    sources = project()
    return list(imports(module, ast.parse(sources[module]), sources))


NEIGHBOURS = dict.fromkeys(
    (
        *CORE,
        *FOUNDATION,
        "rowlog.cli",
        "rowlog.contents",
        "rowlog.exporting",
        "rowlog.exports",
        "rowlog.imports",
        "rowlog.render",
        "rowlog.store",
        "rowlog.summary",
        "rowlog_drivers.device",
        "rowlog_drivers.protocols",
        "rowlog_drivers.protocols.ftms",
        "rowlog_drivers.transports",
    ),
    "",
)
"""Empty modules round the one that a test is about."""

BREACHES = [
    ("rowlog_drivers.device", "import rowlog.plan", "rowlog.plan is not for devices"),
    ("rowlog_drivers.device", "from rowlog import plan", "rowlog.plan is only for rowlog"),
    ("rowlog_drivers.protocols.ftms", "import asyncio", "asyncio is never for protocols"),
    ("rowlog_drivers.protocols.ftms", "from time import monotonic", "time is never for protocols"),
    ("rowlog_drivers.protocols.ftms", "import logging.handlers", "logging.handlers is never"),
    ("rowlog_drivers.protocols.ftms", "from rowlog_drivers import clock", "clock is not for"),
    ("rowlog_drivers.protocols.ftms", "from .. import device", "device is not for protocols"),
    ("rowlog_drivers.protocols.ftms", "import bleak", "bleak is never for protocols"),
    ("rowlog_drivers.transports.usb", "import bleak.exc", "bleak.exc is only for"),
    ("rowlog_drivers.peripheral", "from dbus_fast import Message", "dbus_fast is only for"),
    ("rowlog_drivers.transports.ble", "from serial import Serial", "serial is only for"),
    (
        "rowlog_drivers.transports.ble",
        "from rowlog_drivers.records import Tick",
        "records is never",
    ),
    ("rowlog_drivers.transports.ble", "from ..protocols import ftms", "protocols.ftms is never"),
    ("rowlog_drivers.records", "from rowlog_drivers.device import x", "device is not for the dr"),
    ("rowlog.timeline", "def f():\n import asyncio", "rowlog.timeline:2: asyncio is never"),
    ("rowlog.timeline", "if TYPE_CHECKING:\n import sqlite3", ":2: sqlite3 is never for the core"),
    ("rowlog.buffer", "from rowlog_drivers.clock import Clock", "clock is not for the core"),
    ("rowlog.periods", "from rowlog_drivers.clock import wall_now", "clock is not for the core"),
    ("rowlog.plan", "open('x')", "opening files is never for the core"),
    ("rowlog.plan", "from pathlib import Path", "pathlib is never for the core"),
    ("rowlog.metrics", "from rowlog import store", "rowlog.store is not for the core"),
    ("rowlog.recorder", "import sqlite3", "sqlite3 is only for"),
    ("rowlog.recorder", "x = 'SELECT 1 FROM frames'", "SQL is only for"),
    ("rowlog.recorder", "x = f'DELETE FROM {table}'", "SQL is only for"),
    ("rowlog.summary", "db.execute(text)", "SQL is only for"),
    ("rowlog.summary", "import typer", "typer is never for the work"),
    ("rowlog.config", "print(1)", "printing is never for the places"),
    ("rowlog.imports.fit", "from rowlog.render import text", "render is never for the work"),
    ("rowlog.imports.fit", "importlib.import_module('typer')", "typer is never for the work"),
    ("rowlog.render", "import rowlog.store", "rowlog.store is never for output"),
    ("rowlog.exports.fit", "import rowlog_drivers.frames", "rowlog_drivers.frames is never for"),
    ("rowlog.exports.fit", "from ..store import Store", "rowlog.store is never for output"),
    ("rowlog.charts", "sys.stdout.write('x')", "printing is never for output"),
    ("rowlog.exporting", "from rowlog.store import Store", "rowlog.store is never for files out"),
    ("rowlog.contents", "from rowlog import exporting", "rowlog.exporting is never for the work"),
    ("rowlog.store", "from rowlog.summary import Summary", "rowlog.summary is never for the st"),
    ("rowlog.schema", "from rowlog import cli", "rowlog.cli is never for the store"),
    ("rowlog.web.pages", "from rowlog.store import Store", "rowlog.store is not for the pages"),
    ("rowlog.web.site", "print(1)", "printing is never for the pages"),
    ("rowlog.summary", "import starlette.requests", "starlette.requests is only for"),
    ("rowlog.attic", "", "rowlog.attic: in no room of the table"),
]


@pytest.mark.parametrize(("module", "source", "complaint"), BREACHES)
def test_a_breach_is_found(module: str, source: str, complaint: str) -> None:
    found = violations({**NEIGHBOURS, module: source})
    assert any(complaint in line and line.startswith(module) for line in found), found


RIGHTS = [
    ("rowlog_drivers.protocols.pm5", "from rowlog_drivers.protocols import csafe"),
    ("rowlog_drivers.transports.ble", "import asyncio, bleak\nfrom ..clock import Clock"),
    ("rowlog_drivers.transports.serial_port", "import serial, time"),
    ("rowlog_drivers.peripheral_bluez", "from dbus_fast.aio import MessageBus"),
    ("rowlog.intervals", "import numpy\nfrom rowlog.plan import Plan"),
    ("rowlog.pipeline", "from rowlog import timeline, intervals"),
    ("rowlog.store", "import sqlite3\nx = 'SELECT 1'\nx.execute(x)"),
    ("rowlog.schema_views", "import sqlite_utils"),
    ("rowlog.recorder", "from rowlog.store import Store\nimport asyncio, time"),
    ("rowlog.recorder", "x = 'Select a rower from the list'\n'''SELECT in a docstring'''"),
    ("rowlog.render", "from rowlog.summary import Summary"),
    ("rowlog.cli", "import typer\nprint(1)\nfrom rowlog import store, render"),
    ("rowlog.web.site", "import starlette, jinja2\nfrom rowlog.summary import Summary"),
]


@pytest.mark.parametrize(("module", "source"), RIGHTS)
def test_what_is_allowed_passes(module: str, source: str) -> None:
    assert violations({**NEIGHBOURS, module: source}) == []


def test_a_circle_is_found_wherever_its_imports_are() -> None:
    sources = {
        "rowlog.plan": "from rowlog import notation",
        "rowlog.notation": "def f():\n from rowlog.buffer import x",
        "rowlog.buffer": "if TYPE_CHECKING:\n from . import plan",
        "rowlog.metrics": "from rowlog import plan",
    }
    assert circles(sources) == ["rowlog.buffer -> rowlog.plan -> rowlog.notation -> rowlog.buffer"]
    assert circles({**sources, "rowlog.buffer": ""}) == []
