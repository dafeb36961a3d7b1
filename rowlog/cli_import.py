"""The command that takes in other programs' files; this file is loaded only where it is called."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rowlog.cli_common import (
    DbOption,
    JsonOption,
    athlete_named,
    database_path,
    print_json,
    screen_style,
)
from rowlog_drivers.errors import CallError

if TYPE_CHECKING:
    from rowlog.importing import Imported
    from rowlog.previewing import FilePreview

TOLD_ONE_BY_ONE: Final = 20
"""Of more files only those are named that need a word; the others are counted."""

NOTHING_THERE: Final = "There was nothing to read: no file, but for links and hidden ones."


def add_to(app: typer.Typer) -> None:
    """Make the command of this file one of `app`."""
    app.command(name="import")(import_)


def import_(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Files, folders of them, or archives.")
    ],
    athlete: Annotated[
        str | None, typer.Option("--athlete", metavar="NAME", help="Who rowed it.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what the files hold: nothing is taken in."),
    ] = False,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="With --dry-run: by rows alone, without looking for pieces."),
    ] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in workouts of other programs. FIT, TCX, CSV, RR intervals, and .frames.

    CSV of RowingData, Painsled, ErgData, ErgStick, BoatCoach, RowPro, SmartRow, Hero, NK SpeedCoach
    and the Concept2 logbook, strokes or a whole season; folders, zip and tar archives of them too.
    The same content is never taken in twice, and the file's bytes are kept. A workout that is there
    already, by another program, is told, to be merged or left out. Breaking it off leaves whole
    sessions; call it again to go on. With --dry-run all that is done and told, and nothing
    taken in: its pieces where it is one workout, else a line for each.
    """
    from rowlog.importing_files import files_in

    if dry_run:
        _look(files, athlete, db, quick=quick, as_json=as_json)
        return
    if quick:
        raise CallError("A quick look takes nothing in.", "Add --dry-run, or leave out --quick.")
    from rowlog.config import db_option
    from rowlog.importing import import_files
    from rowlog.render_imports import lines
    from rowlog.render_imports import total as sum_of

    path = database_path(db)
    named = db_option(path)
    total = len(files_in(files))
    told: list[Imported] = []
    bar = _Bar(total) if sys.stderr.isatty() else None

    def tell(done: Imported) -> None:
        told.append(done)
        if bar is not None:
            bar.clear()
        if done.fault is not None:
            typer.echo(f"rowlog: {done.fault}", err=True)
        elif not as_json and total <= TOLD_ONE_BY_ONE:
            typer.echo("\n".join(lines(done, db=named)))
        if bar is not None:
            bar.draw(done.done, sum(len(one.sessions) for one in told), "session")

    if bar is not None:
        bar.draw(0.0, 0, "session")
    _break_off_when_told()
    try:
        done = import_files(path, files, athlete=athlete_named(path, athlete), on_file=tell)
    except KeyboardInterrupt:
        if bar is not None:
            bar.clear()
        typer.echo(f"rowlog: Broken off. {sum_of(told)} Call it again to go on.", err=True)
        raise typer.Exit(1) from None
    if bar is not None:
        bar.clear()
    if as_json:
        print_json([one.as_json() for one in done])
    elif not done:
        typer.echo(NOTHING_THERE)
    elif len(done) > TOLD_ONE_BY_ONE or total > TOLD_ONE_BY_ONE:
        typer.echo(sum_of(done))
    if any(one.fault is not None for one in done):
        raise typer.Exit(1)


def _break_off_when_told() -> None:
    """A closed terminal and a computer that shuts down break it off as Ctrl-C does."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) == signal.SIG_DFL:  # else nohup
            signal.signal(number, signal.default_int_handler)


def _look(
    files: list[Path], athlete: str | None, db: Path | None, *, quick: bool, as_json: bool
) -> None:
    """Say what files hold, and take nothing in."""
    from rowlog.config import db_option
    from rowlog.importing_files import files_in
    from rowlog.previewing import preview_files

    bar = _Bar(len(files_in(files))) if sys.stderr.isatty() else None
    workouts = 0

    def tell(done: FilePreview) -> None:
        nonlocal workouts
        workouts += len(done.workouts)
        if bar is not None:
            bar.clear()
        if done.fault is not None:
            typer.echo(f"rowlog: {done.fault}", err=True)
        if bar is not None:
            bar.draw(done.would.done, workouts, "workout")

    if bar is not None:
        bar.draw(0.0, 0, "workout")
    try:
        path = database_path(db)
        named = athlete_named(path, athlete)
        done = preview_files(path, files, athlete=named, quick=quick, on_file=tell)
    except KeyboardInterrupt:
        if bar is not None:
            bar.clear()
        raise
    if bar is not None:
        bar.clear()
    if as_json:
        print_json([one.as_json() for one in done])
    else:
        _show(done, db_option(path))
    if any(one.fault is not None for one in done):
        raise typer.Exit(1)


def _show(done: list[FilePreview], db: str) -> None:
    from rowlog.render_previews import NOTHING_TAKEN, preview, previews

    style = screen_style()
    if not done:
        typer.echo(NOTHING_THERE)
    elif len(done) == 1 and len(done[0].workouts) == 1:
        typer.echo(preview(done[0], style, db))
    else:
        columns = get_terminal_size().columns if sys.stdout.isatty() else None
        typer.echo(previews(done, style, columns))
    typer.echo(NOTHING_TAKEN)


class _Bar:
    """How far it is, on the last line of a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total

    def draw(self, done: float, count: int, what: str) -> None:
        """Show that so many of all files are done, and how many of what came of them."""
        files = f"{self._total} file{'' if self._total == 1 else 's'}"
        said = f" {int(done)} of {files}, {count} {what}{'' if count == 1 else 's'}"
        width = max(10, min(40, get_terminal_size().columns - len(said) - 3))
        share = min(done / max(self._total, 1), 1.0)
        typer.echo(f"[{'=' * int(width * share):<{width}}]{said}", err=True, nl=False)

    def clear(self) -> None:
        """Take the line away, for others to be written."""
        typer.echo("\r\033[K", err=True, nl=False)
