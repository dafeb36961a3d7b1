"""Where rowlog keeps its things on this system."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

DATABASE_VARIABLE: Final = "ROWLOG_DB"
DATABASE_NAME: Final = "rowlog.db"


def default_path() -> Path:
    r"""The database to use when the call names none.

    `ROWLOG_DB` if it is set and not empty, else `rowlog.db` in the platform's data folder:
    `$XDG_DATA_HOME/rowlog` or `~/.local/share/rowlog`, on macOS
    `~/Library/Application Support/rowlog`, on Windows `%LOCALAPPDATA%\rowlog`. Nothing is made.
    """
    named = os.environ.get(DATABASE_VARIABLE)
    return Path(named).expanduser() if named else data_folder() / DATABASE_NAME


def db_option(path: Path) -> str:
    """What a command that is told to somebody needs to mean this database.

    " --db PATH", quoted for a shell; "" for the one that is used where none is named.
    """
    if path.expanduser().absolute() == default_path().absolute():
        return ""
    if sys.platform == "win32":
        from subprocess import list2cmdline

        return f" --db {list2cmdline([str(path)])}"
    from shlex import quote

    return f" --db {quote(str(path))}"


def data_folder() -> Path:
    """Where this system has programs keep their data; it may not be there yet."""
    home = Path.home()
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else home / "AppData" / "Local") / "rowlog"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "rowlog"
    shared = os.environ.get("XDG_DATA_HOME", "")
    # A relative XDG_DATA_HOME is to be ignored (XDG Base Directory Specification, "Basics").
    return (Path(shared) if Path(shared).is_absolute() else home / ".local" / "share") / "rowlog"
