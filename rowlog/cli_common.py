"""What all commands share: options, where the database is, how text and JSON are printed."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rowlog_drivers.errors import CallError

if TYPE_CHECKING:
    from rowlog.render import Style

DbOption = Annotated[
    Path | None,
    typer.Option(
        "--db",
        metavar="FILE",
        help="The database; else $ROWLOG_DB, else the one in your data directory.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
SessionArgument = Annotated[
    str, typer.Argument(metavar="[ID]", help="The session's number, or last.")
]


def database_path(db: Path | None) -> Path:
    """The database that a call means. Raises CallError for a folder."""
    from rowlog.config import default_path

    path = db.expanduser() if db is not None else default_path()
    if path.is_dir():
        raise CallError(f"{path} is a folder.", "Name a file in it with --db.")
    return path


def screen_style(*, plain: bool = False) -> Style:
    """What the screen can show: colours only on a terminal, blocks only in a wide encoding."""
    from rowlog.render import Style

    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and not plain
    colour = colour and os.environ.get("TERM") != "dumb"
    encoding = (sys.stdout.encoding or "ascii").lower().replace("-", "")
    return Style(colour=colour, unicode=encoding in ("utf8", "utf16", "utf32", "gb18030"))


def print_json(value: object) -> None:
    """Print a value as JSON, which knows no NaN."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))
