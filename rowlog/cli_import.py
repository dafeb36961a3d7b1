"""The command that takes in other programs' files; this file is loaded only where it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
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

if TYPE_CHECKING:
    from rowlog.importing import Imported
    from rowlog.previewing import FilePreview

TOLD_ONE_BY_ONE: Final = 20
"""Of more files only those are named that need a word; the others are counted."""

NOTHING_THERE: Final = "There was nothing to read: no file, but for links and hidden ones."

CLOCK_S: Final = 60.0
"""Clocks that are no further apart say the same."""


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
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in workouts of other programs. FIT, TCX, CSV, RR intervals, and .frames.

    CSV of RowingData, Painsled, ErgData, ErgStick, BoatCoach, RowPro, SmartRow, Hero, NK SpeedCoach
    and the Concept2 logbook, strokes or a whole season; folders, zip and tar archives of them too.
    The same content is never taken in twice, and the file's bytes are kept. A workout that is there
    already, by another program, is told, to be merged or left out. Breaking it off leaves whole
    sessions; call it again to go on. With --dry-run every file is read and checked, and told:
    its pieces where it is one workout, else a line for each.
    """
    from dataclasses import asdict

    from rowlog.importing_files import files_in

    if dry_run:
        _look(files, athlete, db, as_json=as_json)
        return
    from rowlog.importing import import_files

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
            _tell(done)
        if bar is not None:
            bar.draw(done.done, sum(len(one.sessions) for one in told), "session")

    if bar is not None:
        bar.draw(0.0, 0, "session")
    try:
        path = database_path(db)
        done = import_files(path, files, athlete=athlete_named(path, athlete), on_file=tell)
    except KeyboardInterrupt:
        if bar is not None:
            bar.clear()
        typer.echo(f"rowlog: Broken off. {_sum(told)} Call it again to go on.", err=True)
        raise typer.Exit(1) from None
    if bar is not None:
        bar.clear()
    if as_json:
        print_json(
            [
                {
                    "file": str(one.file),
                    "sessions": one.sessions,
                    "starts": [
                        {"started_at": at.isoformat(), "start_from": start}
                        for at, start in one.starts
                    ],
                    "known": one.known,
                    "overlaps": one.overlaps,
                    "same": [
                        {"session": twin.session, "clock_s": twin.clock_s} for twin in one.same
                    ],
                    "left_out": [asdict(told) for told in one.left_out],
                    "fault": one.fault,
                }
                for one in done
            ]
        )
    elif not done:
        typer.echo(NOTHING_THERE)
    elif len(done) > TOLD_ONE_BY_ONE or total > TOLD_ONE_BY_ONE:
        typer.echo(_sum(done))
    if any(one.fault is not None for one in done):
        raise typer.Exit(1)


def _look(files: list[Path], athlete: str | None, db: Path | None, *, as_json: bool) -> None:
    """Say what files hold, and take nothing in."""
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
            bar.draw(done.done, workouts, "workout")

    if bar is not None:
        bar.draw(0.0, 0, "workout")
    try:
        path = database_path(db)
        done = preview_files(path, files, athlete=athlete_named(path, athlete), on_file=tell)
    except KeyboardInterrupt:
        if bar is not None:
            bar.clear()
        raise
    if bar is not None:
        bar.clear()
    if as_json:
        print_json([one.as_json() for one in done])
    else:
        _show(done)
    if any(one.fault is not None for one in done):
        raise typer.Exit(1)


def _show(done: list[FilePreview]) -> None:
    from rowlog.render_previews import NOTHING_TAKEN, preview, previews

    style = screen_style()
    if not done:
        typer.echo(NOTHING_THERE)
    elif len(done) == 1 and len(done[0].workouts) == 1:
        typer.echo(preview(done[0], style))
    else:
        columns = get_terminal_size().columns if sys.stdout.isatty() else None
        typer.echo(previews(done, style, columns))
    typer.echo(NOTHING_TAKEN)


def _tell(done: Imported) -> None:
    """One file in a line, and each session that is of its time."""
    from rowlog.render import printable

    name = printable(done.file.name, 80)
    numbers = ", ".join(map(str, done.sessions))
    several = len(done.sessions) > 3
    if several:
        numbers = f"{done.sessions[0]} to {done.sessions[-1]}"
    typer.echo(
        f"{name}: imported before." if done.known else f"{name}: session{'s' * several} {numbers}."
    )
    for line in _undated(done):
        typer.echo(f"  {line}")
    for left_out in done.left_out:
        typer.echo(f"  {left_out}")
    for twin in done.same:
        which = "" if len(done.sessions) == 1 else " as one of them"
        typer.echo(f"  Session {twin.session} is the same workout{which}{_clock(twin.clock_s)}.")
    if done.same and len(done.sessions) == 1:
        what = "both" if len(done.same) == 1 else "them"
        others = " ".join(str(twin.session) for twin in done.same)
        typer.echo(f"  To make one of {what}: rowlog edit merge {others} {numbers}")
        typer.echo(f"  To leave this one out: rowlog edit delete {numbers}")
    told = {twin.session for twin in done.same}
    for number in done.overlaps:
        if number in told:
            continue
        if len(done.sessions) != 1:
            typer.echo(f"  Session {number} is of the same time as one of them.")
            continue
        typer.echo(
            f"  Session {number} is of the same time. To make one of both: "
            f"rowlog edit merge {number} {numbers}"
        )


def _undated(done: Imported) -> list[str]:
    """That a file does not say when its workouts were, and what stands for it."""
    from rowlog.render import began

    unsaid = [
        (number, begun)
        for number, begun in zip(done.sessions, done.starts, strict=True)
        if begun.start_from == "file"
    ]
    if not unsaid:
        return []
    number, (at, start) = unsaid[0]
    when = began(at.isoformat(), start)
    if len(done.sessions) > 1:
        return [f"{len(unsaid)} of them do not say when they were: {when}."]
    return [
        f"It does not say when it was: {when}.",
        f"To say when: rowlog edit start {number} {at:%Y-%m-%dT%H:%M}",
    ]


def _clock(seconds: float | None) -> str:
    """What is to be said of a session's clock that is so far behind; nothing within a minute."""
    if seconds is None:
        return ", though one of them does not say when it was"
    minutes = round(abs(seconds) / 60)
    if abs(seconds) < CLOCK_S:
        return ""
    way = "behind" if seconds > 0 else "ahead"
    if minutes >= 48 * 60:
        return f"; its clock is {round(minutes / 1440)} days {way}"
    hours, rest = divmod(minutes, 60)
    words = [f"{hours} h"] * bool(hours) + [f"{rest} min"] * bool(rest)
    return f"; its clock is {' '.join(words)} {way}"


def _sum(done: Sequence[Imported]) -> str:
    """All files together, in sentences."""
    numbers = [number for one in done for number in one.sessions]
    known, faulty = sum(one.known for one in done), sum(one.fault is not None for one in done)
    what = f"session {numbers[0]}" if len(numbers) == 1 else "no session"
    if len(numbers) > 1:
        what = f"{len(numbers)} sessions, {numbers[0]} to {numbers[-1]}"
    words = [f"{_files(len(done))} read: {what}."]
    if known:
        words.append(f"{_files(known)} imported before.")
    if faulty:
        words.append(f"{_files(faulty)} not taken in.")
    out = [told for one in done for told in one.left_out]
    for what in ("row", "cell"):
        lacking = sum(told.count for told in out if told.sort == what)
        if lacking:
            words.append(
                f"{lacking} {what}{' was' if lacking == 1 else 's were'} left out: which, and why, "
                "says the note of each session, and --json."
            )
    for what, how in (("column", "without metres"), ("date", "of a date that is not believed")):
        short = sum(any(told.sort == what for told in one.left_out) for one in done)
        if short:
            words.append(f"{_files(short)} {how}: see which with --json.")
    undated = sum(begun.start_from == "file" for one in done for begun in one.starts)
    if undated:
        from rowlog.render import dated_by_file

        words.append(dated_by_file(undated))
    same = sum(bool(one.same) for one in done)
    if same:
        words.append(
            f"{_files(same)} of a workout that was there: see which with --json; "
            "to make one of two, rowlog edit merge."
        )
    timed = sum(bool(one.overlaps) and not one.same for one in done)
    if timed:
        words.append(
            f"{_files(timed)} of the time of a session that was there: "
            "see rowlog sessions, and to make one of two, rowlog edit merge."
        )
    return " ".join(words)


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


class _Bar:
    """How far it is, on the last line of a terminal."""

    def __init__(self, total: int) -> None:
        self._total = total

    def draw(self, done: float, count: int, what: str) -> None:
        """Show that so many of all files are done, and how many came of them: of `what`, one."""
        said = f" {int(done)} of {_files(self._total)}, {count} {what}{'s' * (count != 1)}"
        width = max(10, min(40, get_terminal_size().columns - len(said) - 3))
        share = min(done / max(self._total, 1), 1.0)
        typer.echo(f"[{'=' * int(width * share):<{width}}]{said}", err=True, nl=False)

    def clear(self) -> None:
        """Take the line away, for others to be written."""
        typer.echo("\r\033[K", err=True, nl=False)
