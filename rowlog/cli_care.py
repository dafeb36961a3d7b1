"""Commands that keep a database safe: a copy of it, and what can be had of a damaged one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rowlog.cli_common import DbOption, JsonOption, database_path, print_json, screen_style

if TYPE_CHECKING:
    from rowlog.live import Moment
    from rowlog.recovering import BroughtBack


database = typer.Typer(
    help="Care for the database file.", rich_markup_mode=None, no_args_is_help=True
)


def add_to(app: typer.Typer) -> None:
    """Make the commands of this file some of `app`."""
    app.command()(watch)
    app.add_typer(database, name="db")


@database.command(name="path")
def db_path(db: DbOption = None, as_json: JsonOption = False) -> None:
    """Print where the database is."""
    path = database_path(db)
    if as_json:
        print_json({"path": str(path), "exists": path.exists()})
    else:
        typer.echo(str(path))


@database.command(name="check")
def db_check(db: DbOption = None, as_json: JsonOption = False) -> None:
    """Check that the file is whole and that every frame can be read."""
    from rowlog import summary

    report = summary.check(database_path(db))
    if as_json:
        print_json(summary.as_json(report))
    else:
        from rowlog import render

        typer.echo(render.check(report, screen_style()))
    if not report.ok:
        raise typer.Exit(1)


@database.command(name="rebuild")
def db_rebuild(
    session: Annotated[
        str, typer.Argument(metavar="[ID]", help="One session's number; all by default.")
    ] = "all",
    kept: Annotated[
        bool,
        typer.Option(
            "--kept", help="Only bests, zones and what the heart tells, from strokes and beats."
        ),
    ] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make all that is derived anew. From the stored frames and the imported files."""
    from rowlog.rebuild import rebuild, rebuild_kept

    path = database_path(db)
    numbers = None
    if session != "all":
        from rowlog import summary

        numbers = [summary.session_number(path, session)]
    if kept:
        count = rebuild_kept(path, numbers)
        if as_json:
            print_json({"kept": count})
        else:
            typer.echo(f"Bests, zones and hearts of {count} sessions computed anew.")
        return
    rebuilt = rebuild(path, numbers)
    count = len(rebuilt.sessions)
    if as_json:
        unread = [{"session": one.session_id, "why": one.why} for one in rebuilt.unread]
        told = {"rebuilt": rebuilt.sessions, "read_again": rebuilt.read_again, "unread": unread}
        print_json(told)
    else:
        typer.echo(f"{count} {'session' if count == 1 else 'sessions'} rebuilt.")
        if rebuilt.read_again:
            better = ", ".join(map(str, rebuilt.read_again))
            typer.echo(f"Read better than before from the imported file: {better}.")
        for one in rebuilt.unread:
            stays = f"Session {one.session_id} stays as it was read"
            typer.echo(f"rowlog: {stays}: {one.why}", err=True)


@database.command(name="compact")
def db_compact(db: DbOption = None, as_json: JsonOption = False) -> None:
    """Make the file smaller. It is written anew without the room left in its pages."""
    from rowlog.store import compact

    path = database_path(db)
    before, after = compact(path)
    if as_json:
        print_json({"path": str(path), "bytes_before": before, "bytes": after})
    else:
        typer.echo(f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB now. {path}")


@database.command(name="backup")
def backup(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="The copy, or a folder for it; by default beside the database."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there already.")
    ] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy the database, and check the copy. Also while a recording goes on."""
    from rowlog.store_backup import backup as copy

    made = copy(database_path(db), file, overwrite=force)
    if as_json:
        print_json(
            {
                "path": str(made.path),
                "bytes": made.bytes,
                "sessions": made.sessions,
                "frames": made.frames,
            }
        )
    else:
        what = "session" if made.sessions == 1 else "sessions"
        typer.echo(f"{made.sessions} {what}, {made.bytes / 1e6:.1f} MB, checked: {made.path}")


@database.command(name="recover")
def recover(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="The damaged file; by default the database itself, or what was moved aside last.",
        ),
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring back what a damaged database holds. The damaged file is kept."""
    from rowlog.recovering import recover_database

    def tell(one: BroughtBack) -> None:
        if not as_json:
            typer.echo(_line(one))

    done = recover_database(database_path(db), file, on_session=tell)
    count = len(done.sessions)
    if as_json:
        print_json(
            {
                "damaged": done.damaged and str(done.damaged),
                "into": str(done.into),
                "fault": done.fault,
                "already_there": done.already_there,
                "sessions": [
                    {
                        "id": one.id,
                        "was": one.was,
                        "started_at": one.started_at and one.started_at.isoformat(),
                        "frames": one.frames,
                        "frames_lost": one.frames_lost,
                    }
                    for one in done.sessions
                ],
            }
        )
        _ended(found=bool(count or done.already_there or done.damaged is None))
        return
    if done.damaged is None:  # what came of that has been said by the store
        typer.echo(f"Nothing else is wrong with {done.into}")
        return
    if done.fault is not None:
        typer.echo(f"The database was damaged ({done.fault}).")
    typer.echo(f"{count} {'session' if count == 1 else 'sessions'} brought back into {done.into}.")
    if done.already_there:
        typer.echo(f"{done.already_there} had been brought back before.")
    hurt = sum(one.frames_lost != 0 for one in done.sessions)
    if hurt:
        typer.echo(f"{hurt} not whole: see above; figures that were read are kept as they were.")
    typer.echo(f"The damaged file is kept: {done.damaged}")
    _ended(found=bool(count or done.already_there))


def _ended(*, found: bool) -> None:
    """The work has failed where no session was found."""
    if not found:
        typer.echo("rowlog: No session was found in it; is it a database of rowlog?", err=True)
        raise typer.Exit(1)


def watch(
    plain: Annotated[
        bool, typer.Option("--plain", help="One plain line a second, without colours.")
    ] = False,
    db: DbOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a second, the summary as the last.")
    ] = False,
) -> None:
    """Watch what another rowlog records. Ctrl-C ends only the watching."""
    import json
    import os
    from contextlib import suppress

    from rowlog import render, render_moment, summary
    from rowlog import screen as live
    from rowlog.screen_terminal import watched_only
    from rowlog.watching import watch as run

    path = database_path(db)
    style = screen_style(plain=plain)

    def tell(moment: Moment) -> None:
        if as_json:
            typer.echo(json.dumps(render_moment.moment_json(moment), allow_nan=False))
        else:
            typer.echo(render_moment.moment(moment, style))

    if not plain and not as_json and live.fits():
        screen = live.Screen(
            1,
            unicode=style.unicode,
            colours=style.colour or "NO_COLOR" not in os.environ,
            sound="off",
            hint="Ctrl-C ends the watching",
        )
        ended: int | None = None
        with suppress(KeyboardInterrupt), watched_only(screen.suspended):
            ended = run(path, lambda _: None, views=(screen,))
        if ended is not None:
            typer.echo(render.summary(summary.load(path, ended), style))
        return
    with suppress(KeyboardInterrupt):
        number = run(path, tell)
        shown = summary.load(path, number)
        if as_json:
            typer.echo(json.dumps(summary.as_json(shown)))
        else:
            typer.echo(f"\n{render.summary(shown, style)}")


def _line(one: BroughtBack) -> str:
    when = "start not known" if one.started_at is None else f"{one.started_at:%Y-%m-%d %H:%M}"
    now = "" if one.id == one.was else f", number {one.was} before"
    if one.frames_lost == 0:
        what = f"{one.frames} frames"
    elif one.frames_lost is None:
        what = f"{one.frames} frames, some are lost"
    else:
        what = f"{one.frames} frames, {one.frames_lost} are lost"
    return f"{one.id:>6}  {when}  {what}{now}"
