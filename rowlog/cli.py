"""The program: where its commands are, how errors are told, and the commands that look.

Each command parses its call, hands the work on, and prints. Those of other files are loaded when
one of them is called.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

gc.disable()  # collecting while typer loads would cost a short command some of its time
import typer  # noqa: E402

gc.freeze()
gc.enable()

from rowlog.cli_common import (  # noqa: E402
    ActivityOption,
    AthleteOption,
    DbOption,
    JsonOption,
    LastOption,
    MachineOption,
    PlanOption,
    SessionArgument,
    SinceOption,
    TagOption,
    UntilOption,
    database_path,
    plan_named,
    print_json,
    screen_style,
    show_session,
    wanted_of,
)
from rowlog_drivers.errors import RowlogError  # noqa: E402

if TYPE_CHECKING:
    from typer.models import CommandInfo

HOMES: Final = {
    "record": "cli_record",
    "devices": "cli_devices",
    "doctor": "cli_devices",
    "replay": "cli_frames",
    "demo": "cli_frames",
    "decode": "cli_frames",
    "sessions": "cli",
    "show": "cli",
    "resegment": "cli_plan",
    "summary": "cli",
    "plan": "cli_plan",
    "workouts": "cli_plan",
    "judge": "cli_plan",
    "frames": "cli_frames",
    "export": "cli_frames",
    "zones": "cli_years",
    "bests": "cli_years",
    "trends": "cli_years",
    "report": "cli_report",
    "import": "cli_import",
    "serve": "cli_web",
    "watch": "cli_care",
    "db": "cli_care",
    "simulate": "cli_simulate",
    "athlete": "cli_years",
    "edit": "cli_edit",
}
"""Where each command and group of commands is, in the order in which they are listed."""

app = typer.Typer(
    name="rowlog",
    help="Records rowing machines and heart rate, and keeps every byte of it.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; errors go to stderr in a sentence, with exit code 1 or 2."""
    if sys.stdout is None:  # closed by the caller
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that the screen cannot show must not end a recording.
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _warned
    with errors_told():
        _only(sys.argv[1:2])
        app()


def _warned(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    """Say a warning of ours in a sentence; others are for developers."""
    if category.__module__.startswith("rowlog"):
        typer.echo(f"rowlog: {message}", err=True)


def whole_app() -> typer.Typer:
    """All commands, in the order of `HOMES`; those of other files are loaded for it."""
    for home in dict.fromkeys(HOMES.values()):
        _load(home)
    order = list(HOMES)
    app.registered_commands.sort(key=lambda command: order.index(_name(command) or ""))
    app.registered_groups.sort(key=lambda group: order.index(str(group.name)))
    return app


def _load(home: str) -> None:
    """Make the commands of a file part of the program, once."""
    module = f"rowlog.{home}"
    if home != "cli" and module not in _loaded:
        _loaded.add(module)
        import_module(module).add_to(app)


_loaded: set[str] = set()


def _only(words: list[str]) -> None:
    """Leave out the commands that are not called: typer would inspect each of them first."""
    called = words[0] if words else ""
    if called not in HOMES and called != "--version":
        whole_app()
        return
    if called in HOMES:
        _load(HOMES[called])
    app.registered_commands = [one for one in app.registered_commands if _name(one) == called]
    app.registered_groups = [one for one in app.registered_groups if one.name == called]


def _name(command: CommandInfo) -> str | None:
    if command.name is not None or command.callback is None:
        return command.name
    return str(command.callback.__name__).replace("_", "-")


@contextmanager
def errors_told() -> Iterator[None]:
    """End with a message and its exit code instead of a traceback."""
    try:
        yield
    except RowlogError as error:
        from rowlog.harmless import harmless

        typer.echo(f"rowlog: {harmless(str(error))}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        _nobody_listens()
        sys.exit(1)
    except OSError as error:
        if error.filename is not None:  # a name that no file can have
            from rowlog.harmless import printable

            name = printable(str(error.filename), 60)
            typer.echo(f"rowlog: {name} cannot be opened: {error.strerror or error}.", err=True)
            sys.exit(1)
        _nobody_listens()
        typer.echo(f"rowlog: The output cannot be written: {error.strerror or error}.", err=True)
        sys.exit(1)


def _nobody_listens() -> None:
    """Let what is still to be printed go nowhere, without a word of it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _version(wanted: bool) -> None:
    """Print the version and end, before anything is looked at that follows."""
    if wanted:
        from rowlog import __version__

        typer.echo(f"rowlog {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and end.", is_eager=True, callback=_version
        ),
    ] = False,
) -> None:
    pass


@app.command(name="sessions")
def list_sessions(
    db: DbOption = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="N", help="How many, newest first; 0 for all.")
    ] = 20,
    like: Annotated[
        str | None,
        typer.Option(
            "--like", metavar="PLAN", help="Only those of the same shape, as 8x500m/1:30r."
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    athlete: AthleteOption = None,
    activity: ActivityOption = None,
    plan: PlanOption = None,
    machine: MachineOption = None,
    tag: TagOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the recorded sessions."""
    from rowlog import summary

    path = database_path(db)
    wanted = None
    if any((since, until, last, athlete, activity, plan, machine, tag)):
        from rowlog.periods import Span, span_of
        from rowlog_drivers.clock import wall_now

        span = Span(None, None)
        if since is not None or until is not None or last is not None:
            span = span_of("season", wall_now().date(), since=since, until=until, last=last)
        wanted = wanted_of(path, span, athlete, activity, plan, tag, machine)
    if like is not None:
        rows = summary.load_alike(path, plan_named(like, path), wanted)[: limit or None]
    else:
        rows = summary.load_sessions(path, limit=limit or None, wanted=wanted)
    if as_json:
        print_json(summary.as_json(rows))
        return
    from rowlog import render

    if like is not None and not rows:
        typer.echo(f"No session has the shape of {like} yet.")
        return
    if wanted is not None and not rows:
        typer.echo("No session is all of that.")
        return
    typer.echo(render.sessions(rows, screen_style()))


@app.command()
def show(
    session: SessionArgument = "last",
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="WAY",
            help="As it was cut by: a number, plan, auto, device or interval text.",
        ),
    ] = None,
    splits: Annotated[
        str | None,
        typer.Option(
            "--splits", metavar="LENGTH", help="Splits of every piece: 100m, 1:00, 20cal."
        ),
    ] = None,
    piece: Annotated[
        int | None,
        typer.Option("--piece", min=1, metavar="N", help="With --splits: of this piece alone."),
    ] = None,
    chart: Annotated[
        bool, typer.Option("--chart", help="Draw pace and heart rate over time below it.")
    ] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one session with its interval table."""
    from rowlog import summary

    path = database_path(db)
    number = summary.session_number(path, session)
    if splits is None and piece is None:
        show_session(path, number, as_json=as_json, by=by)
        if chart and not as_json:
            _chart(path, number, by)
        return
    from rowlog.resegment import with_splits

    shown, pieces = with_splits(path, number, by, splits, piece)
    if as_json:
        print_json(summary.as_json(shown))
        return
    from rowlog.render_segments import split_tables

    show_session(path, number, as_json=False, by=by)
    typer.echo(f"\n{split_tables(pieces, shown.splits, screen_style(), shown.pace_m)}")
    if chart:
        _chart(path, number, by)


@app.command(name="summary")
def summarise(
    by: Annotated[
        str, typer.Option("--by", metavar="PERIOD", help="day, week, month, season or year.")
    ] = "week",
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    athlete: AthleteOption = None,
    activity: ActivityOption = None,
    plan: PlanOption = None,
    machine: MachineOption = None,
    tag: TagOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add up sessions. By day, week, month, season or year, the latest first.

    By default the last 14 days, 12 weeks, 12 months, or all seasons or years, under this week's,
    month's and season's totals. A session counts on the local date it began; weeks begin on
    Monday, seasons on 1 May, named after the year they end. Time is that of whole sessions; metres
    include those of rests, work m leaves them out; pace is that of the work.
    """
    from rowlog.periods import Span, kind_of, span_of
    from rowlog.summary_periods import load_periods
    from rowlog_drivers.clock import wall_now

    kind, today = kind_of(by), wall_now().date()
    span = span_of(kind, today, since=since, until=until, last=last)
    path = database_path(db)
    wanted = wanted_of(path, Span(None, None), athlete, activity, plan, tag, machine)
    shown = load_periods(path, kind, span, today, wanted)
    if as_json:
        from rowlog import summary

        print_json(summary.as_json(shown))
        return
    from rowlog.render_periods import periods

    everything = since is None and until is None and last is None
    typer.echo(periods(shown, screen_style(), current=everything))


def _chart(path: Path, number: int, by: str | None) -> None:
    from shutil import get_terminal_size

    from rowlog.contents import load_contents
    from rowlog.render_chart import session_charts

    contents = load_contents(path, number, by)
    columns = get_terminal_size().columns
    typer.echo(f"\n{session_charts(contents, screen_style(), columns)}")
