"""The command that writes reports; its file is loaded only where it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rowlog.cli_common import (
    AthleteOption,
    DbOption,
    JsonOption,
    athlete_named,
    database_path,
    print_json,
)
from rowlog_drivers.errors import CallError


def add_to(app: typer.Typer) -> None:
    """Make the command of this file one of `app`."""
    app.command()(report)


def report(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[ID] FILE",
            help="A session, or with --season the year it ends in; then the file. "
            "Without the first, the last session or the present season.",
        ),
    ],
    season: Annotated[
        bool, typer.Option("--season", help="A whole season, from May to April.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="WAY", help="A session as it was cut by, as in rowlog show."),
    ] = None,
    athlete: AthleteOption = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what exists.")] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a report of a session or a season. As .html, .png, .svg or .pdf.

    A page is one file that needs no network. Takes matplotlib: pip install "rowlog[report]"
    """
    from rowlog.reporting import check_target, report_season, report_session

    if len(words) > 2:
        raise CallError("A report takes a session and a file.", "Try: rowlog report 12 row.html")
    first, file = (words[0] if len(words) == 2 else None), Path(words[-1]).expanduser()
    if by is not None and season:
        raise CallError("--by cuts one session, not a season.", "Leave one of the two out.")
    if athlete is not None and not season:
        raise CallError("--athlete chooses sessions of a season.", "Add --season, or leave it out.")
    check_target(file, overwrite=force)
    path = database_path(db)
    if season:
        from rowlog.periods import season_named
        from rowlog_drivers.clock import wall_now

        period = season_named(first, wall_now().date())
        done = report_season(
            path, period, file, athlete=athlete_named(path, athlete), overwrite=force
        )
    else:
        from rowlog.summary import session_number

        number = session_number(path, first or "last")
        done = report_session(path, number, file, by=by, overwrite=force)
    if as_json:
        print_json({"file": str(done.file), "format": done.format, "bytes": done.bytes})
        return
    typer.echo(f"{done.file}  {done.bytes / 1000:.1f} kB")
