"""What all commands share: options, where the database is, how text and JSON are printed."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rowlog_drivers.errors import CallError

if TYPE_CHECKING:
    from rowlog.periods import Span
    from rowlog.plan import Plan
    from rowlog.render import Style
    from rowlog.wanted import Wanted

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
AthleteOption = Annotated[
    str | None, typer.Option("--athlete", metavar="NAME", help="Only who is called so.")
]
ActivityOption = Annotated[
    str | None, typer.Option("--activity", metavar="NAME", help="Only this, for example row.")
]
PlanOption = Annotated[
    str | None,
    typer.Option(
        "--plan", metavar="PLAN", help="Only this workout, whatever guidance it was rowed with."
    ),
]
TagOption = Annotated[
    str | None, typer.Option("--tag", metavar="TAG", help="Only sessions with this tag.")
]
MachineOption = Annotated[
    str | None, typer.Option("--machine", metavar="NAME", help="Only on this rowing machine.")
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="DATE", help="From then on: 2026-11-24, 2026-W48, 2026-11 or 2026."
    ),
]
UntilOption = Annotated[
    str | None, typer.Option("--until", metavar="DATE", help="Up to then, its last day too.")
]
LastOption = Annotated[
    str | None,
    typer.Option("--last", metavar="TIME", help="30d, 12w, 6m or 1y, up to today or --until."),
]
ListenOption = Annotated[
    str | None,
    typer.Option(
        "--listen",
        metavar="ADDR",
        help="Let others in by this address of the computer, 0.0.0.0 for all; asks for a key.",
    ),
]
PortOption = Annotated[
    int | None,
    typer.Option("--port", metavar="N", help="The port; 8372 or the next free one otherwise."),
]
PictureOption = Annotated[
    Path | None,
    typer.Option(
        "--picture", metavar="FILE", help="Draw it into this .png, .svg or .pdf (rowlog[report])."
    ),
]


def picture_file(file: Path) -> Path:
    """Where a picture goes. Raises CallError for what cannot be one, and without matplotlib."""
    from importlib.util import find_spec

    if file.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise CallError(f"{file} names no picture.", "End it with .png, .svg or .pdf.")
    if not file.absolute().parent.is_dir():
        raise CallError(f"There is no folder {file.absolute().parent}.", "Make it first.")
    if find_spec("matplotlib") is None:
        raise CallError(
            "Pictures take matplotlib, which is not installed.",
            'Install it with: pip install "rowlog[report]"',
        )
    return file


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
    from rowlog.harmless import json_text

    typer.echo(json_text(value, indent=2))


def athlete_named(path: Path, name: str | None) -> str | None:
    """The athlete that `--athlete` means; told where it is spelled in another way than there."""
    if name is None:
        return None
    from rowlog.store_athletes import spelled_in

    there = spelled_in(path, name)
    if there != name:
        from rowlog.harmless import printable

        typer.echo(
            f"rowlog: {printable(name, 40)} is taken for the athlete {printable(there, 40)}.",
            err=True,
        )
    return there


def wanted_of(
    path: Path,
    span: Span,
    athlete: str | None,
    activity: str | None,
    plan: str | None,
    tag: str | None,
    machine: str | None,
) -> Wanted:
    """The sessions that a call asks for. Raises NotationError for what is no plan."""
    from rowlog.wanted import Wanted

    shape = None
    if plan is not None:
        from rowlog.notation import parse
        from rowlog.shape import shape_of

        shape = shape_of(parse(plan).text)
    since, until = (None if day is None else day.isoformat() for day in span)
    return Wanted(athlete_named(path, athlete), activity, shape, tag, machine, since, until)


def plan_named(text: str, database: Path) -> Plan:
    """What a call means by a plan: interval text, or a workout's name. Raises CallError."""
    from rowlog.workouts import plan_of

    return plan_of(text, database)


def seconds_of(text: str) -> float:
    """A time such as 30:00, 45s or 20min. Raises CallError."""
    from rowlog.notation import NotationError, parse

    try:
        pieces = parse(text).pieces
    except NotationError:
        pieces = ()
    if len(pieces) != 1 or pieces[0].target.type != "time" or not pieces[0].target.value:
        raise CallError(f"{text!r} is no time.", "Write 30:00, 45s or 20min.")
    return pieces[0].target.value


def show_session(
    path: Path,
    session_id: int,
    *,
    as_json: bool,
    style: Style | None = None,
    by: str | None = None,
) -> None:
    """Print a stored session, with splits `by` a length where that is named."""
    from rowlog import summary

    shown = summary.load(path, session_id, by)
    if as_json:
        print_json(summary.as_json(shown))
        return
    from rowlog import render

    typer.echo(render.summary(shown, style or screen_style()))
    if shown.exercises:
        from rowlog.render_rounds import circuit

        typer.echo(f"\n{circuit(shown, style or screen_style())}")
    if "@" in (shown.session.plan or "") and shown.session.status != "recording":
        from rowlog.render_judging import line
        from rowlog.summary_judging import judge as judged

        typer.echo(line(judged(path, shown)))
