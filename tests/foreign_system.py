"""Imports rowlog as if on another system: run with a platform's name and, perhaps, a command.

Nothing that only Linux has can be imported then: dbus-fast, and on Windows the modules of POSIX.
Prints what could not be imported, one module a line, or what the command prints.
"""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing.pool
import pkgutil
import platform
import sys
import types
import urllib.request
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from typing import Final

# What belongs to Python and to libraries is chosen for this system, before rowlog sees another.
import numpy as np
import serial
import serial.tools.list_ports
import sqlite_utils
import typer
import uvicorn.server

OURS: Final = (
    *(asyncio, multiprocessing.pool, urllib.request),
    *(np, serial, serial.tools.list_ports, sqlite_utils, typer, uvicorn.server),
)
POSIX: Final = ("termios", "tty", "pty", "fcntl")
WINDOWS: Final = ("msvcrt", "_winapi")


class Refusal:
    """Finds no module of another system."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.split(".")[0] in self._names:
            raise ModuleNotFoundError(f"no {name} on this system", name=name)
        return None


def pretend(system: str) -> None:
    """Let the modules that are imported from now on believe that they run there."""
    absent = ("dbus_fast", *(POSIX if system == "win32" else ()))
    sys.meta_path.insert(0, Refusal(*absent))
    for name in absent:
        sys.modules.pop(name, None)
    if system == "win32":
        sys.modules.update({name: types.ModuleType(name) for name in WINDOWS})
    sys.platform = system
    platform.system = lambda: {"win32": "Windows", "darwin": "Darwin"}.get(system, system)


def missing() -> list[str]:
    """The modules of rowlog that cannot be imported."""
    import rowlog
    import rowlog_drivers

    failed = []
    for package in (rowlog, rowlog_drivers):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            # Pictures need what matplotlib needs there, to which rowlog adds nothing.
            if found.name.endswith("__main__") or found.name.startswith("rowlog.charts"):
                continue
            try:
                importlib.import_module(found.name)
            except ImportError as error:
                failed.append(f"{found.name}: {error}")
    return failed


if __name__ == "__main__":
    pretend(sys.argv[1])
    if len(sys.argv) == 2:
        sys.stdout.write("\n".join(missing()))
    else:
        from rowlog.cli import main

        sys.argv = ["rowlog", *sys.argv[2:]]
        main()
