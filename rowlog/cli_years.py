"""The commands about athletes and years: loaded when one of them is called, or all are listed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rowlog.cli_common import (
    ActivityOption,
    AthleteOption,
    DbOption,
    JsonOption,
    LastOption,
    MachineOption,
    PictureOption,
    PlanOption,
    SinceOption,
    TagOption,
    UntilOption,
    athlete_named,
    database_path,
    picture_file,
    print_json,
    screen_style,
    wanted_of,
)

if TYPE_CHECKING:
    from rowlog.athlete import Value

athletes = typer.Typer(
    help="Who rows: what zones and training load are judged by.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

BornOption = Annotated[
    int | None, typer.Option("--born", metavar="YEAR", help="The year of birth.")
]
SexOption = Annotated[
    str | None,
    typer.Option("--sex", metavar="WORD", help="female or male, which two formulas ask for."),
]
MassOption = Annotated[
    float | None, typer.Option("--mass", metavar="KG", help="The mass in kilograms.")
]
RestingOption = Annotated[
    float | None, typer.Option("--resting", metavar="BPM", help="The resting heart rate.")
]
MaxOption = Annotated[
    float | None, typer.Option("--max", metavar="BPM", help="The maximum heart rate.")
]
ThresholdOption = Annotated[
    float | None,
    typer.Option("--threshold-hr", metavar="BPM", help="The heart rate at the lactate threshold."),
]
PowerOption = Annotated[
    float | None,
    typer.Option("--threshold-power", metavar="W", help="The power at the lactate threshold."),
]
ZonesByOption = Annotated[
    str | None,
    typer.Option("--zones-by", metavar="WAY", help="max, reserve, threshold or limits."),
]
ZoneNamesOption = Annotated[
    str | None,
    typer.Option("--zone-names", metavar="WORD", help="rowing (UT2 to AN) or numbers (Z1 to Z5)."),
]
LimitsOption = Annotated[
    str | None,
    typer.Option(
        "--limits", metavar="BPM,...", help="Where the five zones begin: 110,130,150,165,178."
    ),
]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="DATE",
        help="True from this day on; else a first value always was, and others are from today.",
    ),
]


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the program."""
    app.add_typer(athletes, name="athlete")
    app.command()(zones)
    app.command()(bests)
    app.command()(trends)


@athletes.command(name="list")
def list_athletes(db: DbOption = None, as_json: JsonOption = False) -> None:
    """List who rows."""
    from rowlog.summary_athletes import load_athletes
    from rowlog_drivers.clock import wall_now

    rows = load_athletes(database_path(db), wall_now().date())
    if as_json:
        from rowlog.summary import as_json as plain

        print_json(plain(rows))
        return
    from rowlog.render_athletes import athletes as text

    typer.echo(text(rows, screen_style()))


@athletes.command(name="show")
def show_athlete(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Who; may be left out for the only one.")
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one athlete: what is known now, the zones, and the history."""
    _show_athlete(database_path(db), name, as_json=as_json)


@athletes.command(name="add")
def add_athlete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As it is given to --athlete.")],
    born: BornOption = None,
    sex: SexOption = None,
    mass: MassOption = None,
    resting: RestingOption = None,
    maximum: MaxOption = None,
    threshold_hr: ThresholdOption = None,
    threshold_power: PowerOption = None,
    zones_by: ZonesByOption = None,
    zone_names: ZoneNamesOption = None,
    limits: LimitsOption = None,
    since: FromOption = None,
    another: Annotated[
        bool, typer.Option("--another", help="Beside one whose name is spelled alike: Ann and ann.")
    ] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an athlete known, with what zones and training load need."""
    from rowlog.summary_athletes import add_athlete as add
    from rowlog_drivers.clock import wall_now

    path = database_path(db)
    values = _values(
        born, sex, mass, resting, maximum, threshold_hr, threshold_power, zones_by, zone_names,
        limits,
    )  # fmt: skip
    add(path, name, values, since, wall_now().date(), another=another)
    _show_athlete(path, name, as_json=as_json)


@athletes.command(name="set")
def set_athlete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Who.")],
    born: BornOption = None,
    sex: SexOption = None,
    mass: MassOption = None,
    resting: RestingOption = None,
    maximum: MaxOption = None,
    threshold_hr: ThresholdOption = None,
    threshold_power: PowerOption = None,
    zones_by: ZonesByOption = None,
    zone_names: ZoneNamesOption = None,
    limits: LimitsOption = None,
    since: FromOption = None,
    forget: Annotated[
        list[str] | None,
        typer.Option(
            "--forget", metavar="OPTION", help="Forget a value and its history: max, mass, ..."
        ),
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change what is known of an athlete. Earlier sessions keep what was true then."""
    from rowlog.summary_athletes import set_athlete as change
    from rowlog_drivers.clock import wall_now
    from rowlog_drivers.errors import CallError

    path = database_path(db)
    values = _values(
        born, sex, mass, resting, maximum, threshold_hr, threshold_power, zones_by, zone_names,
        limits,
    )  # fmt: skip
    forgotten = []
    for option in forget or ():
        if option not in _QUANTITIES:
            raise CallError(
                f"--forget {option!r} is no value of an athlete.",
                f"Name one of: {', '.join(_QUANTITIES)}.",
            )
        forgotten.append(_QUANTITIES[option])
    if not values and not forgotten:
        raise CallError("Nothing was given to set.", "For example: --max 188 --resting 50")
    name = athlete_named(path, name) or name
    change(path, name, values, since, wall_now().date(), tuple(forgotten))
    _show_athlete(path, name, as_json=as_json)


_QUANTITIES = {
    "born": "birth_year",
    "sex": "sex",
    "mass": "mass_kg",
    "resting": "resting_heart_rate_bpm",
    "max": "max_heart_rate_bpm",
    "threshold-hr": "threshold_heart_rate_bpm",
    "threshold-power": "threshold_power_w",
    "zones-by": "zones_by",
    "zone-names": "zone_names",
    "limits": "zone_limits",
}
"""What an option says, in the order in which `_values` takes them."""


def _values(*given: Value | None) -> dict[str, Value]:
    return {
        quantity: value
        for quantity, value in zip(_QUANTITIES.values(), given, strict=True)
        if value is not None
    }


def _show_athlete(path: Path, name: str | None, *, as_json: bool) -> None:
    from rowlog.summary_athletes import load_athlete
    from rowlog_drivers.clock import wall_now

    row = load_athlete(path, athlete_named(path, name), wall_now().date())
    if as_json:
        from rowlog.summary import as_json as plain

        print_json(plain(row))
        return
    from rowlog.render_athletes import athlete as text

    typer.echo(text(row, screen_style()))


def zones(
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
    """Add up time in heart-rate zones. By day, week, month, season or year.

    Each session is judged by the values that its athlete had on its day. Time without a valid heart
    rate is unknown, and shown so.
    """
    from rowlog.periods import kind_of, span_of
    from rowlog.summary_zones import load_zones
    from rowlog_drivers.clock import wall_now

    kind, today = kind_of(by), wall_now().date()
    span = span_of(kind, today, since=since, until=until, last=last)
    path = database_path(db)
    wanted = wanted_of(path, span, athlete, activity, plan, tag, machine)
    shown = load_zones(path, wanted, kind, span, today)
    if as_json:
        from rowlog.summary import as_json as plain

        print_json(plain(shown))
        return
    from rowlog.render_zones import zones as text

    typer.echo(text(shown, screen_style()))


def bests(
    event: Annotated[
        str | None,
        typer.Argument(metavar="[EVENT]", help="One event, session by session: 2000m, 30min."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", metavar="WHAT", help="season, year, athlete or machine.")
    ] = None,
    whole: Annotated[
        bool, typer.Option("--whole", help="Only pieces of their own, not parts of longer ones.")
    ] = False,
    curves: Annotated[
        bool, typer.Option("--curves", help="Curves, critical power and predictions too.")
    ] = False,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    athlete: AthleteOption = None,
    activity: ActivityOption = None,
    plan: PlanOption = None,
    machine: MachineOption = None,
    tag: TagOption = None,
    picture: PictureOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the best efforts over every ranked distance and time.

    They are looked for within all work, whatever the piece was meant to be; rests never count.
    """
    from rowlog.periods import Span, span_of
    from rowlog.summary_bests import load_bests, load_event
    from rowlog_drivers.clock import wall_now

    span = Span(None, None)
    if since is not None or until is not None or last is not None:
        span = span_of("season", wall_now().date(), since=since, until=until, last=last)
    path, only_whole = database_path(db), True if whole else None
    wanted = wanted_of(path, span, athlete, activity, plan, tag, machine)
    if event is not None:
        found = load_event(path, wanted, event, whole=only_whole)
        if as_json:
            from rowlog.summary import as_json as plain

            print_json(plain(found))
            return
        from rowlog.render_bests import event as event_text

        typer.echo(event_text(found, screen_style()))
        return
    shown = load_bests(path, wanted, by=by, whole=only_whole)
    if picture is not None:
        file = picture_file(picture)
        from rowlog.charts_pictures import bests_picture

        bests_picture(shown, file)
        typer.echo(f"Drawn into {file}", err=True)
    if as_json:
        from rowlog.summary import as_json as plain

        print_json(plain(shown))
        return
    from rowlog.render_bests import bests as text

    typer.echo(text(shown, screen_style(), curves=curves))


def trends(
    by: Annotated[
        str, typer.Option("--by", metavar="PERIOD", help="day, week, month, season or year.")
    ] = "month",
    power: Annotated[
        float | None,
        typer.Option(
            "--power", metavar="W", help="The power to tell the heart rate at; else the commonest."
        ),
    ] = None,
    charts: Annotated[bool, typer.Option("--charts", help="Draw charts below the tables.")] = False,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    athlete: AthleteOption = None,
    activity: ActivityOption = None,
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="PLAN", help="One workout, session by session."),
    ] = None,
    machine: MachineOption = None,
    tag: TagOption = None,
    picture: PictureOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how things went over months or years.

    Totals, pace, training load with fitness and fatigue, recovery, efficiency, and the heart rate
    at one power. With --plan: the same workout over time.
    """
    from rowlog.periods import Span, kind_of, span_of
    from rowlog.summary_trends import load_trends, load_workout
    from rowlog_drivers.clock import wall_now

    kind, today = kind_of(by), wall_now().date()
    dated = since is not None or until is not None or last is not None
    path = database_path(db)
    if plan is not None:
        span = Span(None, None)
        if dated:
            span = span_of(kind, today, since=since, until=until, last=last)
        found = load_workout(path, wanted_of(path, span, athlete, activity, plan, tag, machine))
        if as_json:
            from rowlog.summary import as_json as plain

            print_json(plain(found))
            return
        from rowlog.render_trends import workout

        typer.echo(workout(found, screen_style()))
        return
    span = span_of(kind, today, since=since, until=until, last=last)
    wanted = wanted_of(path, span, athlete, activity, plan, tag, machine)
    days = None if as_json or picture is not None else 180  # as many as the charts draw
    shown = load_trends(path, wanted, kind, span, today, power_w=power, days=days)
    if picture is not None:
        file = picture_file(picture)
        from rowlog.charts_pictures import trends_picture

        trends_picture(shown, file)
        typer.echo(f"Drawn into {file}", err=True)
    if as_json:
        from rowlog.summary import as_json as plain

        print_json(plain(shown))
        return
    from rowlog.render_trends import trends as text

    typer.echo(text(shown, screen_style(), charts=charts))
