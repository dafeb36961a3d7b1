"""The commands about plans: read, listed, kept to, and laid over a stored session."""

from __future__ import annotations

from typing import Annotated

import typer

from rowlog.cli_common import (
    DbOption,
    JsonOption,
    SessionArgument,
    athlete_named,
    database_path,
    plan_named,
    print_json,
    screen_style,
    show_session,
)
from rowlog_drivers.errors import CallError


def add_to(app: typer.Typer) -> None:
    """Make the commands of this file some of `app`."""
    app.command()(plan)
    app.command()(workouts)
    app.command()(judge)
    app.command()(resegment)


def resegment(
    session: Annotated[str, typer.Argument(metavar="ID", help="The session's number, or last.")],
    how: Annotated[
        str | None,
        typer.Argument(
            metavar="[HOW]",
            help="A plan or a workout's name; plan, auto or device. Else list what there is.",
        ),
    ] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Leave what is shown and counted as it is.")
    ] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Cut a stored session into other pieces. The ways in which it was cut before are kept.

    By another plan; by what it looks like (auto), by what the machine told (device), or by its
    own plan again (plan). What is cut last is shown and counted from then on.
    """
    from rowlog import summary

    path = database_path(db)
    number = summary.session_number(path, session)
    if how is not None:
        from rowlog.resegment import resegment as cut

        way = cut(path, number, how, shown=not beside)
        show_session(path, number, as_json=as_json, by=str(way))
        return
    shown = summary.load(path, number)
    if as_json:
        print_json(summary.as_json(shown.segmentations))
        return
    from rowlog.render_segments import ways

    typer.echo(ways(shown, screen_style()))


def plan(
    text: Annotated[
        str,
        typer.Argument(metavar="TEXT", help='For example "8x500m/1:30r", or a workout\'s name.'),
    ],
    athlete: Annotated[
        str | None,
        typer.Option("--athlete", metavar="NAME", help="By whose bests its length is estimated."),
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read a plan and say what it comes to. A mistake is pointed at."""
    from rowlog import render_plan
    from rowlog.summary_athletes import load_athlete
    from rowlog.summary_judging import pace_2k
    from rowlog_drivers.clock import wall_now

    path = database_path(db)
    parsed = plan_named(text, path)
    athlete = athlete_named(path, athlete)
    if athlete is not None:
        load_athlete(path, athlete, wall_now().date())  # an unknown one is told
    pace = pace_2k(path, athlete)
    if as_json:
        print_json(render_plan.plan_json(parsed, pace))
        return
    typer.echo(render_plan.plan(parsed, screen_style(), pace))


def workouts(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="One of them, in full; all by default."),
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the workouts with a name. Classics, circuits and your own."""
    from dataclasses import replace

    from rowlog import render_workouts
    from rowlog.notation import parse
    from rowlog.workouts import library

    books = library(database_path(db))
    for fault in books.faults:
        typer.echo(f"rowlog: {books.own_file}, {fault}.", err=True)
    if name is not None:
        found = books.find(name)
        if found is None:
            near = books.like(name)
            raise CallError(
                f"There is no workout called {name!r}.",
                f"Did you mean {' or '.join(near)}?" if near else "See: rowlog workouts",
            )
        books = replace(books, workouts=(found,))
    if as_json:
        plans = {workout.name: parse(workout.plan) for workout in books.workouts}
        print_json(render_workouts.as_json(books, plans))
    elif name is not None:
        from rowlog import render_plan

        typer.echo(render_workouts.workout(books.workouts[0], screen_style()))
        typer.echo(f"\n{render_plan.plan(parse(books.workouts[0].plan), screen_style())}")
    else:
        typer.echo(render_workouts.library(books, screen_style()))


def judge(
    session: SessionArgument = "last",
    recover: Annotated[
        float | None,
        typer.Option(
            "--recover",
            min=30,
            max=250,
            metavar="BPM",
            help="Tell how long the heart took to fall to this rate after each piece.",
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option("--by", metavar="WAY", help="As it was cut by: a number, plan, auto, ..."),
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a session by its plan. Time in band, evenness of the reps, and a score of 100."""
    from rowlog import summary
    from rowlog.summary_judging import load_judged

    path = database_path(db)
    judged = load_judged(path, summary.session_number(path, session), by, recover)
    if as_json:
        print_json(summary.as_json(judged))
        return
    from rowlog import render_judging

    typer.echo(render_judging.judged(judged, screen_style()))
