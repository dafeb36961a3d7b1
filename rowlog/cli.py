"""The commands and nothing else: each parses its call, hands the work on, and prints."""

from __future__ import annotations

import gc
import json
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    ListenOption,
    MachineOption,
    PlanOption,
    PortOption,
    SessionArgument,
    SinceOption,
    TagOption,
    UntilOption,
    athlete_named,
    wanted_of,
)
from rowlog.cli_common import database_path as _path  # noqa: E402
from rowlog.cli_common import print_json as _print_json  # noqa: E402
from rowlog.cli_common import screen_style as _style  # noqa: E402
from rowlog_drivers.errors import CallError, RowlogError  # noqa: E402

if TYPE_CHECKING:
    from typer.models import CommandInfo

    from rowlog.finding import Found
    from rowlog.live import Moment
    from rowlog.plan import Plan
    from rowlog.ports import FoundPort
    from rowlog.recording import Begun
    from rowlog.render import Style
    from rowlog.screen import Screen
    from rowlog.sounds import Kind
    from rowlog.viewing import View
    from rowlog_drivers.peripheral import Event

app = typer.Typer(
    name="rowlog",
    help="Records rowing machines and heart rate, and keeps every byte of it.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
database = typer.Typer(
    help="Care for the database file.", rich_markup_mode=None, no_args_is_help=True
)
app.add_typer(database, name="db")
simulators = typer.Typer(
    help="Put simulated devices where other programs can reach them.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(simulators, name="simulate")


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
    """All commands: those of other files too, which are not loaded for the ones here."""
    from rowlog import cli_edit, cli_import, cli_report, cli_web, cli_years

    known = {_name(command) for command in app.registered_commands}
    if "zones" not in known:
        cli_years.add_to(app)
        cli_edit.add_to(app)
        cli_report.add_to(app)
        cli_import.add_to(app)
        cli_web.add_to(app)
    _care()
    if "watch" not in known:
        from rowlog import cli_care

        app.command()(cli_care.watch)
    return app


def _care() -> None:
    """Add the rest of `rowlog db`."""
    if "backup" not in {command.name for command in database.registered_commands}:
        from rowlog import cli_care

        cli_care.add_to(database)


def _only(words: list[str]) -> None:
    """Leave out the commands that are not called: typer would inspect each of them first."""
    if words == ["db"]:
        _care()
    for _ in range(2):
        called = [command for command in app.registered_commands if _name(command) in words]
        groups = [group for group in app.registered_groups if group.name in words]
        if called or groups or words == ["--version"]:
            app.registered_commands = called
            app.registered_groups = groups
            return
        whole_app()  # it is none of this file's


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


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", is_eager=True)
    ] = False,
) -> None:
    if version:
        from rowlog import __version__

        typer.echo(f"rowlog {__version__}")
        raise typer.Exit


@app.command()
def record(
    plan: Annotated[
        str | None,
        typer.Argument(
            metavar="[PLAN]",
            help='Interval text, for example "8x500m/1:30r", or the name of a workout.',
        ),
    ] = None,
    rower: Annotated[
        str | None,
        typer.Option(
            "--rower",
            metavar="ADDR",
            help="The rowing machine: ble:NAME, serial:/dev/ttyACM0, sim:rower, auto.",
        ),
    ] = None,
    strap: Annotated[
        str | None,
        typer.Option(
            "--strap", metavar="ADDR", help="The heart-rate strap: ble:NAME, sim:strap, auto."
        ),
    ] = None,
    athlete: Annotated[
        str | None, typer.Option("--athlete", metavar="NAME", help="Who rows.")
    ] = None,
    limit: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="TIME", help="End after this time, for example 30:00 or 45s."
        ),
    ] = None,
    program: Annotated[
        bool,
        typer.Option(
            "--program",
            help="Send the plan to the monitor first: a Concept2 PM5, or single pieces over USB.",
        ),
    ] = False,
    new: Annotated[
        bool,
        typer.Option("--new", help="Begin a new session where the last one was interrupted."),
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="One plain line a second, without colours.")
    ] = False,
    keys_from: Annotated[
        str | None,
        typer.Option(
            "--keys",
            metavar="-",
            help="Read keys from standard input, a line each: next, pause, extend 50m, end.",
        ),
    ] = None,
    sound: Annotated[
        str | None,
        typer.Option(
            "--sound",
            metavar="KIND",
            help="bell, tones, speech or off; the bell is usual where a plan is followed.",
        ),
    ] = None,
    web: Annotated[
        bool,
        typer.Option("--web", help="Pages to watch and steer it in a browser, as rowlog serve."),
    ] = False,
    listen: ListenOption = None,
    port: PortOption = None,
    db: DbOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a second, the summary as the last.")
    ] = False,
) -> None:
    """Record a session as it happens; Ctrl-C ends it, with the summary.

    Without --rower and --strap the machine and the strap in reach are looked for by Bluetooth.
    A terminal shows the session in large numbers: ? tells the keys.
    """
    from rowlog.recording import record as run
    from rowlog.store_errors import SecondWriterError
    from rowlog_drivers.addresses import parse_address

    path = _path(db)
    parsed = _plan(plan, path) if plan is not None else None
    seconds = _seconds(limit) if limit is not None else None
    style = _style(plain=plain)
    keys = sys.stdin is not None and sys.stdin.isatty()
    screen = None if plain or as_json else _screen(style, sound, planned=parsed is not None)
    if screen is None and sound is not None:
        _check_sound(sound)
    teller = _Teller(style, as_json=as_json, keys=keys, screen=screen)
    views: list[View] = [] if screen is None else [screen]
    if keys_from is not None:
        views.append(_key_lines(keys_from, teller))
    nothing_named = rower is None and strap is None
    if nothing_named:
        rower = strap = "auto"
    from rowlog.cli_web import begin_pages

    pages = begin_pages(path, listen, port, web=web, err=as_json, covered=screen is not None)
    try:
        session_id = run(
            path,
            parse_address(rower) if rower is not None else None,
            parse_address(strap) if strap is not None else None,
            plan=parsed,
            athlete=athlete_named(path, athlete),
            for_s=seconds,
            optional=frozenset({"strap"}) if nothing_named else frozenset(),
            program=program,
            ask=_ask if sys.stdin.isatty() and sys.stderr.isatty() else None,
            tell=pages.telling(teller.tell),
            on_begin=teller.begin,
            on_moment=teller.moment,
            on_key=teller.key if keys else None,
            new=new,
            views=(*views, *pages.views),
            suspended=(lambda _: None) if screen is None else screen.suspended,
        )
    except SecondWriterError as error:
        pages.ended(None, str(error))
        if error.session_id is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        typer.echo(f"rowlog: {error.what}", err=True)
        if not typer.confirm("Watch it instead?", default=True, err=True):
            raise typer.Exit(1) from error
        from rowlog.cli_care import watch

        watch(plain=plain, db=db, as_json=as_json)
        return
    except RowlogError as error:
        pages.ended(None, str(error))
        raise
    finally:
        teller.end()
    pages.ended(session_id)
    if as_json:
        from rowlog import summary

        typer.echo(json.dumps(summary.as_json(summary.load(path, session_id))))
    else:
        typer.echo()
        _show(path, session_id, as_json=False, style=style)
    pages.linger()


def _screen(style: Style, sound: str | None, *, planned: bool) -> Screen | None:
    """The live view, where there is a terminal for it. Raises CallError for an unknown sound."""
    from rowlog import screen

    kind = _check_sound(sound if sound is not None else "bell" if planned else "off")
    if not screen.fits():
        return None
    colours = style.colour or "NO_COLOR" not in os.environ
    return screen.Screen(1, unicode=style.unicode, colours=colours, sound=kind)


def _check_sound(sound: str) -> Kind:
    from rowlog.sounds import KINDS

    for kind in KINDS:
        if kind == sound:
            return kind
    raise CallError(f"There is no sound {sound!r}.", f"There are: {', '.join(KINDS)}.")


def _key_lines(named: str, teller: _Teller) -> View:
    """Keys from standard input, which is no terminal. Raises CallError for anything else."""
    from rowlog.key_lines import KeyLines

    if named != "-":
        raise CallError(
            f"Keys are not read from {named!r}.",
            "Lines of standard input are, with --keys - (from a file: --keys - < FILE).",
        )
    if sys.stdin is None or sys.stdin.isatty():
        raise CallError(
            "Standard input is no pipe or file to read keys from.",
            "Give it one, or leave --keys out: a terminal's keys are read as they are typed.",
        )
    return KeyLines(sys.stdin.fileno(), pressed=teller.key, tell=teller.tell)


class _Teller:
    """Prints a recording once a second, until nobody listens; the recording goes on then.

    While a screen is open it shows all there is instead, and what is told as well.
    """

    def __init__(
        self, style: Style, *, as_json: bool, keys: bool, screen: Screen | None = None
    ) -> None:
        from rowlog.render_devices import LinkNews

        self._keys = keys
        self._screen = screen
        self._begun = False
        self._style = style
        self._as_json = as_json
        self._silent = False
        self._trouble: str | None = None
        self._news = LinkNews()

    def begin(self, begun: Begun) -> None:
        """The session has begun."""
        self._begun = True
        if begun.recovered:
            self._tell(f"Closed as recovered: session {', '.join(map(str, begun.recovered))}.")
        if not self._as_json and not self._on_screen:
            keys = " Keys: ? shows them." if self._keys else ""
            self._print(f"Recording session {begun.session_id}. Ctrl-C ends it.{keys}")

    def key(self, label: str) -> None:
        """A key was pressed: say so at once, the next second shows what it did."""
        from rowlog import render

        if self._screen is not None and self._on_screen:
            self._screen.key(label, render.key(label).removeprefix("rowlog: "))
        else:
            self._tell(render.key(label))

    def moment(self, moment: Moment) -> None:
        """A second went by."""
        from rowlog import render

        if moment.trouble != self._trouble:
            self._trouble = moment.trouble
            text = moment.trouble or "The database can be written again; nothing was lost."
            held = ""
            if moment.memory_left_s is not None:
                held = (
                    f" Recording goes on in memory, for {moment.memory_left_s:.0f} s; after that "
                    "into a file elsewhere."
                )
            self._tell(f"rowlog: {text}{held}")
        for text in self._news.of(moment):
            self._tell(f"rowlog: {text}")
        if self._as_json:
            self._print(json.dumps(render.moment_json(moment), allow_nan=False))
        elif not self._on_screen:
            self._print(render.moment(moment, self._style))

    def tell(self, line: str) -> None:
        """Say what happens, before the session and in it."""
        self._tell(line)

    def end(self) -> None:
        """The session is over: what the screen told stands after it, too."""
        if self._screen is not None:
            for line in self._screen.told:
                self._echo(line)

    @property
    def _on_screen(self) -> bool:
        return self._screen is not None and self._begun and self._screen.open

    def _tell(self, line: str) -> None:
        if self._screen is not None and self._on_screen:
            self._screen.tell(line.removeprefix("rowlog: "))
        else:
            self._echo(line)

    def _echo(self, line: str) -> None:
        with suppress(OSError):  # nobody may be listening there either
            typer.echo(line, err=True)

    def _print(self, line: str) -> None:
        if self._silent:
            return
        try:
            typer.echo(line)
            sys.stdout.flush()
        except OSError:
            self._silent = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@app.command()
def devices(
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, max=600, metavar="N", help="How long to listen.")
    ] = 8.0,
    athlete: Annotated[
        str | None, typer.Option("--athlete", metavar="NAME", help="Whose devices are known.")
    ] = None,
    forget: Annotated[
        str | None, typer.Option("--forget", metavar="ADDR", help="Know this device no longer.")
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the rowers and straps in reach, and whether they are known."""
    import asyncio

    from rowlog import render_devices, scanning

    path = _path(db)
    if forget is not None:
        scanning.forget(path, forget)
        typer.echo(f"{forget} is not known any more.", err=True)
        return
    style = _style()
    table = _Redrawn(lambda found, columns: render_devices.table(found, style, columns))
    watch = table.draw if style.colour and not as_json else None
    seen = asyncio.run(
        scanning.scan(path, athlete_named(path, athlete), seconds=seconds, on_change=watch)
    )
    found = list(seen.found)
    if seen.trouble is not None:
        typer.echo(f"rowlog: {seen.trouble}", err=True)
    if as_json:
        # In ASCII: a name may hold what moves a terminal's cursor or turns its text.
        typer.echo(json.dumps(render_devices.as_json(found), indent=2))
    else:
        table.draw(found)
        if last := render_devices.closing(found, deaf=seen.trouble is not None):
            typer.echo(last)
    if seen.in_vain:
        raise typer.Exit(1)


def _columns() -> int:
    """How wide the terminal is; 1000 where the text goes into a file or a pipe."""
    from shutil import get_terminal_size

    return get_terminal_size((200, 24)).columns if sys.stdout.isatty() else 1000


class _Redrawn:
    """A text on a terminal that is drawn over itself when it changes."""

    def __init__(self, text: Callable[[list[Found | FoundPort], int], str]) -> None:
        self._text = text
        self._rows = 0

    def draw(self, found: list[Found | FoundPort]) -> None:
        """Show it anew."""
        text = self._text(found, _columns())
        if self._rows:
            typer.echo(f"\x1b[{self._rows}F\x1b[J", nl=False)
        self._rows = text.count("\n") + 1 if text else 0
        if text:
            typer.echo(text)


@app.command()
def doctor(
    device: Annotated[
        str | None,
        typer.Argument(metavar="[DEVICE]", help="Its name or address; those in reach otherwise."),
    ] = None,
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, max=600, metavar="N", help="How long to listen.")
    ] = 8.0,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find out why there is no data, from the system to the first frame."""
    import asyncio

    from rowlog import render_devices, scanning

    path = _path(db)
    say = None if as_json else typer.echo
    columns = _columns()
    steps, verdict, ok = asyncio.run(
        scanning.diagnose(
            path,
            device=device,
            seconds=seconds,
            on_step=lambda step: say(render_devices.step(step, _style(), columns)) if say else None,
        )
    )
    if as_json:
        _print_json(
            {"ok": ok, "verdict": verdict, "steps": [render_devices.step_json(s) for s in steps]}
        )
    else:
        typer.echo(f"\n{render_devices.wrapped(verdict, columns)}")
    if not ok:
        raise typer.Exit(1)


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .frames or .frames.gz file.")],
    plan: Annotated[
        str | None,
        typer.Option(
            "--plan", metavar="PLAN", help="A plan or a workout's name; else the file's own plan."
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            "--speed", metavar="N", help="N times real time; as fast as possible by default."
        ),
    ] = None,
    athlete: Annotated[
        str | None, typer.Option("--athlete", metavar="NAME", help="Who rowed it.")
    ] = None,
    db: DbOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the summary and store nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Record a session from a .frames file, along the same path as from a machine."""
    from rowlog.replaying import replay_file

    if speed is not None and not speed > 0:
        raise CallError(f"--speed is above 0, not {speed}.", "Leave it out for full speed.")
    with _database(db, temporary=dry_run) as path:
        session_id = replay_file(
            file,
            path,
            plan=_plan(plan, _path(db)) if plan is not None else None,
            athlete=athlete_named(path, athlete),
            speed=speed,
        )
        _show(path, session_id, as_json=as_json)


@app.command()
def demo(
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Row a simulated interval session in seconds and show its summary."""
    from rowlog.replaying import replay_demo

    keep = db is not None or bool(os.environ.get("ROWLOG_DB"))
    path = _path(db) if keep else _temporary_path()
    session_id = replay_demo(path)
    _show(path, session_id, as_json=as_json)
    if not as_json:
        command = os.environ.get("ROWLOG_COMMAND") or "rowlog"  # dev.py says how it was called
        named = f'"{path}"' if " " in str(path) else path
        typer.echo(f"\nKept in {path}. Look at it again with: {command} show --db {named}")


@app.command()
def decode(
    driver: Annotated[str, typer.Argument(metavar="DRIVER", help="For example ftms.")],
    channel: Annotated[
        str, typer.Argument(metavar="CHANNEL", help="For example 2ad1, or rx for serial.")
    ],
    payloads: Annotated[
        list[str], typer.Argument(metavar="HEX...", help="Frames in order, in hex; - if empty.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON is what is printed in any case.")
    ] = True,
) -> None:
    """Show what frames mean: one JSON object per record and line."""
    from rowlog_drivers.catalog import make_decoder
    from rowlog_drivers.device import Decoding
    from rowlog_drivers.frames import Frame
    from rowlog_drivers.records import fields_of

    decoding = Decoding({"cli": make_decoder(driver)})
    sent = channel.startswith(">")
    for text in payloads:
        frame = Frame(
            t_ns=0,
            source="cli",
            channel=channel.removeprefix(">").lower(),
            payload=_payload(text),
            sent=sent,
        )
        for record in decoding.deliver(frame).records:
            typer.echo(json.dumps({"type": type(record).__name__, **fields_of(record)}))
    for record in decoding.finish(0):
        typer.echo(json.dumps({"type": type(record).__name__, **fields_of(record)}))


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

    path = _path(db)
    wanted = None
    if any((since, until, last, athlete, activity, plan, machine, tag)):
        from rowlog.periods import Span, span_of
        from rowlog_drivers.clock import wall_now

        span = Span(None, None)
        if since is not None or until is not None or last is not None:
            span = span_of("season", wall_now().date(), since=since, until=until, last=last)
        wanted = wanted_of(path, span, athlete, activity, plan, tag, machine)
    if like is not None:
        rows = summary.load_alike(path, _plan(like, path), wanted)[: limit or None]
    else:
        rows = summary.load_sessions(path, limit=limit or None, wanted=wanted)
    if as_json:
        _print_json(summary.as_json(rows))
        return
    from rowlog import render

    if like is not None and not rows:
        typer.echo(f"No session has the shape of {like} yet.")
        return
    if wanted is not None and not rows:
        typer.echo("No session is all of that.")
        return
    typer.echo(render.sessions(rows, _style()))


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

    path = _path(db)
    number = summary.session_number(path, session)
    if splits is None and piece is None:
        _show(path, number, as_json=as_json, by=by)
        if chart and not as_json:
            _chart(path, number, by)
        return
    from rowlog.resegment import with_splits

    shown, pieces = with_splits(path, number, by, splits, piece)
    if as_json:
        _print_json(summary.as_json(shown))
        return
    from rowlog.render_segments import split_tables

    _show(path, number, as_json=False, by=by)
    typer.echo(f"\n{split_tables(pieces, shown.splits, _style(), shown.pace_m)}")
    if chart:
        _chart(path, number, by)


@app.command()
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
    """Cut a stored session into other pieces, beside the ways in which it was cut before.

    By another plan; by what it looks like (auto), by what the machine told (device), or by its
    own plan again (plan). What is cut last is shown and counted from then on.
    """
    from rowlog import summary

    path = _path(db)
    number = summary.session_number(path, session)
    if how is not None:
        from rowlog.resegment import resegment as cut

        way = cut(path, number, how, shown=not beside)
        _show(path, number, as_json=as_json, by=str(way))
        return
    shown = summary.load(path, number)
    if as_json:
        _print_json(summary.as_json(shown.segmentations))
        return
    from rowlog.render_segments import ways

    typer.echo(ways(shown, _style()))


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
    """Add up sessions by day, week, month, season or year, the latest first.

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
    path = _path(db)
    wanted = wanted_of(path, Span(None, None), athlete, activity, plan, tag, machine)
    shown = load_periods(path, kind, span, today, wanted)
    if as_json:
        from rowlog import summary

        _print_json(summary.as_json(shown))
        return
    from rowlog.render_periods import periods

    everything = since is None and until is None and last is None
    typer.echo(periods(shown, _style(), current=everything))


@app.command()
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
    """Read interval text: echo its canonical form, totals and length, or point at the error."""
    from rowlog import render
    from rowlog.summary_athletes import load_athlete
    from rowlog.summary_judging import pace_2k
    from rowlog_drivers.clock import wall_now

    path = _path(db)
    parsed = _plan(text, path)
    athlete = athlete_named(path, athlete)
    if athlete is not None:
        load_athlete(path, athlete, wall_now().date())  # an unknown one is told
    pace = pace_2k(path, athlete)
    if as_json:
        _print_json(render.plan_json(parsed, pace))
        return
    typer.echo(render.plan(parsed, _style(), pace))


@app.command()
def workouts(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="One of them, in full; all by default."),
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the workouts that can be rowed by name: classics, circuits and your own."""
    from dataclasses import replace

    from rowlog import render_workouts
    from rowlog.notation import parse
    from rowlog.workouts import library

    books = library(_path(db))
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
        _print_json(render_workouts.as_json(books, plans))
    elif name is not None:
        from rowlog import render

        typer.echo(render_workouts.workout(books.workouts[0], _style()))
        typer.echo(f"\n{render.plan(parse(books.workouts[0].plan), _style())}")
    else:
        typer.echo(render_workouts.library(books, _style()))


@app.command()
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
    """Judge a session by its plan: time in band, evenness of the reps, and a score of 100."""
    from rowlog import summary
    from rowlog.summary_judging import load_judged

    path = _path(db)
    judged = load_judged(path, summary.session_number(path, session), by, recover)
    if as_json:
        _print_json(summary.as_json(judged))
        return
    from rowlog import render_judging

    typer.echo(render_judging.judged(judged, _style()))


@app.command()
def frames(
    session: SessionArgument = "last",
    db: DbOption = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write there (.gz compresses)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite the file if it exists.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --output: print as JSON what was written.")
    ] = False,
) -> None:
    """Give a session's raw frames as a .frames file, on the screen or into a file."""
    from rowlog import summary
    from rowlog.replaying import export_frames

    path = _path(db)
    number = summary.session_number(path, session)
    if output is None:
        if not sys.stdout.isatty():
            export_frames(path, number, sys.stdout)
            return
        from io import StringIO

        from rowlog.harmless import harmless

        text = StringIO()
        export_frames(path, number, text)
        typer.echo(harmless(text.getvalue()), nl=False)
        return
    if output.exists() and not force:
        raise CallError(f"{output} exists already.", "Name another file, or add --force.")
    count = export_frames(path, number, output)
    if as_json:
        _print_json({"session": number, "file": str(output), "frames": count})
        return
    typer.echo(f"{count} frames of session {number} written to {output}", err=True)


@app.command()
def export(
    sessions: Annotated[str, typer.Argument(metavar="ID", help="A number, 3,5-8, last, or all.")],
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Where to; a folder for several sessions.")
    ],
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="NAME",
            help="fit, tcx, rowingdata, strokes, heart-rate, rr, force, samples, json, frames; "
            "else by the file's suffix.",
        ),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Only from then on.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Only up to then.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--last", metavar="TIME", help="Only the last 30d, 12w, 6m, 1y.")
    ] = None,
    athlete: Annotated[
        str | None, typer.Option("--athlete", metavar="NAME", help="Only who is called so.")
    ] = None,
    activity: Annotated[
        str | None, typer.Option("--activity", metavar="NAME", help="Only this, for example row.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what exists.")] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write sessions as FIT, TCX, CSV, JSON or .frames, each read back before it counts.

    One session goes into FILE, in the format of its suffix; .csv alone is RowingData's, and
    .strokes.csv, .heart-rate.csv, .rr.csv, .force.csv and .samples.csv are tables. Several go
    into the folder FILE, in the --format that you name, FIT otherwise.
    """
    from rowlog.exporting import Exported, Filter, chosen, format_for
    from rowlog.exporting import export as run

    path = _path(db)
    only = None
    if any(word is not None for word in (since, until, last, athlete, activity)):
        from rowlog.periods import span_of
        from rowlog_drivers.clock import wall_now

        span = span_of("day", wall_now().date(), since=since, until=until, last=last)
        dated = any(word is not None for word in (since, until, last))
        only = Filter(
            since=span.since if dated else None,
            until=span.until if dated else None,
            athlete=athlete_named(path, athlete),
            activity=activity,
        )
    numbers = chosen(path, sessions, only)
    if not numbers:
        raise RowlogError("No session is so.", "See which there are: rowlog sessions --limit 0")
    folder = len(numbers) > 1 or sessions == "all" or only is not None or file.is_dir()
    known = format_for(file, format_name or ("fit" if folder else None))

    def tell(done: Exported) -> None:
        if as_json:
            return
        if done.file is None:
            typer.echo(f"Session {done.session_id} passed over: {done.why_not}.", err=True)
        else:
            typer.echo(f"{done.file}  {done.bytes / 1000:.1f} kB, read back and compared")

    written = run(path, numbers, file, known, folder=folder, overwrite=force, on_file=tell)
    if as_json:
        _print_json(
            [
                {
                    "session": done.session_id,
                    "file": str(done.file) if done.file is not None else None,
                    "format": done.format,
                    "bytes": done.bytes,
                    "why_not": done.why_not,
                }
                for done in written
            ]
        )


@simulators.command(name="ble")
def simulate_ble(
    plan: Annotated[
        str | None,
        typer.Argument(metavar="[PLAN]", help="What the athlete follows; else rows on and on."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Under which it is advertised."),
    ] = None,
    machine: Annotated[
        str,
        typer.Option("--machine", metavar="KIND", help="ftms, or pm5 for a Concept2 monitor."),
    ] = "ftms",
    adapter: Annotated[
        str | None,
        typer.Option("--adapter", metavar="HCI", help="As in hci0; else the first that can."),
    ] = None,
    no_rower: Annotated[bool, typer.Option("--no-rower", help="The strap alone.")] = False,
    no_strap: Annotated[bool, typer.Option("--no-strap", help="The rower alone.")] = False,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Another athlete, equally plausible.")
    ] = 1,
    fault: Annotated[
        str, typer.Option("--fault", metavar="NAME,...", help="What goes wrong, as of sim:rower.")
    ] = "",
    speed: Annotated[
        float, typer.Option("--speed", metavar="N", help="N seconds of a session in one.")
    ] = 1.0,
    rate: Annotated[
        float, typer.Option("--rate", metavar="HZ", help="Records a second of the rower.")
    ] = 2.0,
    relay: Annotated[
        bool, typer.Option("--relay", help="The rower sends the heart rate too.")
    ] = False,
    paddling: Annotated[
        bool, typer.Option("--paddling", help="Some light strokes in the rests.")
    ] = False,
    limit: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="End after this time, as in 30:00 or 45s."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each thing that happens.")
    ] = False,
) -> None:
    """Be a Bluetooth rower and strap that any app can connect to; Ctrl-C ends it.

    Needs Linux with BlueZ, and an adapter that the app does not use itself.
    """
    from rowlog.harmless import harmless, json_text
    from rowlog.simulating import OnPaper
    from rowlog.simulating_ble import simulate_ble as run

    def tell(event: Event) -> None:
        shown = {"event": event.name, "text": event.text}
        typer.echo(json_text(shown) if as_json else harmless(event.text))
        sys.stdout.flush()

    run(
        OnPaper(
            plan=_plan(plan, _path(None)) if plan is not None else None,
            rower=not no_rower,
            strap=not no_strap,
            seed=seed,
            faults=[word.strip() for word in fault.split(",") if word.strip()],
            speed=speed,
            rate_hz=rate,
            relay=relay,
            paddling=paddling,
            machine=machine,
        ),
        name=name,
        adapter=adapter,
        for_s=_seconds(limit) if limit is not None else None,
        tell=tell,
    )


@simulators.command(name="serial")
def simulate_serial(
    plan: Annotated[
        str | None,
        typer.Argument(metavar="[PLAN]", help="What the athlete follows; else rows on and on."),
    ] = None,
    link: Annotated[
        Path | None,
        typer.Option("--link", metavar="FILE", help="A link that always points to the port."),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Another athlete, equally plausible.")
    ] = 1,
    fault: Annotated[
        str, typer.Option("--fault", metavar="NAME,...", help="What goes wrong, as of sim:s4.")
    ] = "",
    speed: Annotated[
        float, typer.Option("--speed", metavar="N", help="N seconds of a session in one.")
    ] = 1.0,
    paddling: Annotated[
        bool, typer.Option("--paddling", help="Some light strokes in the rests.")
    ] = False,
    held: Annotated[
        bool, typer.Option("--held", help="The monitor holds PLAN as its own workout.")
    ] = False,
    limit: Annotated[
        str | None,
        typer.Option("--for", metavar="TIME", help="End after this time, as in 30:00 or 45s."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object for each thing that happens.")
    ] = False,
) -> None:
    """Be a WaterRower S4 on a serial port that any program can open; Ctrl-C ends it.

    Prints where the port is. Needs Linux or macOS. At a speed other than 1, tell the recorder too:
    --rower "serial:PATH?speed=N".
    """
    from rowlog.harmless import harmless, json_text
    from rowlog.simulating import OnPaper
    from rowlog.simulating_serial import simulate_serial as run
    from rowlog_drivers.pseudo_terminal import Event as PortEvent

    def tell(event: PortEvent) -> None:
        shown = {"event": event.name, "text": event.text, "path": event.path}
        typer.echo(json_text(shown) if as_json else harmless(event.text))
        sys.stdout.flush()

    run(
        OnPaper(
            plan=_plan(plan, _path(None)) if plan is not None else None,
            strap=False,
            seed=seed,
            faults=[word.strip() for word in fault.split(",") if word.strip()],
            speed=speed,
            paddling=paddling,
            held=held,
        ),
        link=link,
        for_s=_seconds(limit) if limit is not None else None,
        tell=tell,
    )


@database.command(name="path")
def db_path(db: DbOption = None, as_json: JsonOption = False) -> None:
    """Print where the database is."""
    path = _path(db)
    if as_json:
        _print_json({"path": str(path), "exists": path.exists()})
    else:
        typer.echo(str(path))


@database.command(name="check")
def db_check(db: DbOption = None, as_json: JsonOption = False) -> None:
    """Check that the file is whole and that every frame can be read."""
    from rowlog import summary

    report = summary.check(_path(db))
    if as_json:
        _print_json(summary.as_json(report))
    else:
        from rowlog import render

        typer.echo(render.check(report, _style()))
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
    """Make all derived rows anew from the stored frames and the imported files."""
    from rowlog.rebuild import rebuild, rebuild_kept

    path = _path(db)
    numbers = None
    if session != "all":
        from rowlog import summary

        numbers = [summary.session_number(path, session)]
    if kept:
        count = rebuild_kept(path, numbers)
        if as_json:
            _print_json({"kept": count})
        else:
            typer.echo(f"Bests, zones and hearts of {count} sessions computed anew.")
        return
    rebuilt = rebuild(path, numbers)
    count = len(rebuilt.sessions)
    if as_json:
        unread = [{"session": one.session_id, "why": one.why} for one in rebuilt.unread]
        told = {"rebuilt": rebuilt.sessions, "read_again": rebuilt.read_again, "unread": unread}
        _print_json(told)
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
    """Make the file smaller: write it anew without the room that is left in its pages."""
    from rowlog.store import compact

    path = _path(db)
    before, after = compact(path)
    if as_json:
        _print_json({"path": str(path), "bytes_before": before, "bytes": after})
    else:
        typer.echo(f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB now. {path}")


def _show(
    path: Path,
    session_id: int,
    *,
    as_json: bool,
    style: Style | None = None,
    by: str | None = None,
) -> None:
    from rowlog import summary

    shown = summary.load(path, session_id, by)
    if as_json:
        _print_json(summary.as_json(shown))
        return
    from rowlog import render

    typer.echo(render.summary(shown, style or _style()))
    if shown.exercises:
        from rowlog.render_rounds import circuit

        typer.echo(f"\n{circuit(shown, style or _style())}")
    if "@" in (shown.session.plan or "") and shown.session.status != "recording":
        from rowlog.render_judging import line
        from rowlog.summary_judging import judge as judged

        typer.echo(line(judged(path, shown)))


def _chart(path: Path, number: int, by: str | None) -> None:
    from rowlog.contents import load_contents
    from rowlog.render_chart import session_charts

    contents = load_contents(path, number, by)
    typer.echo(f"\n{session_charts(contents, _style())}")


def _plan(text: str, database: Path) -> Plan:
    from rowlog.workouts import plan_of

    return plan_of(text, database)


@contextmanager
def _database(db: Path | None, *, temporary: bool) -> Iterator[Path]:
    """The database to write to; a temporary one is gone afterwards."""
    if not temporary:
        yield _path(db)
        return
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="rowlog-") as folder:
        yield Path(folder) / "rowlog.db"


def _temporary_path() -> Path:
    from tempfile import mkdtemp

    return Path(mkdtemp(prefix="rowlog-demo-")) / "rowlog.db"


def _payload(text: str) -> bytes:
    if text == "-":
        return b""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise CallError(
            f"{text!r} is not hex.", "Write two digits a byte, as in 0000340500, or - for none."
        ) from None


def _ask(question: str, choices: Sequence[str], default: int | None = None) -> int | None:
    """Put a question on the terminal; no answer is the default, or no when there is none.

    Signals, which otherwise wait for the event loop, end the waiting for an answer.
    """
    import signal

    def stop(*_: object) -> None:
        raise RowlogError("Stopped before the session began; nothing was recorded.")

    for number, choice in enumerate(choices, 1):
        typer.echo(f"  {number}  {choice}", err=True)
    numbers = [getattr(signal, name) for name in _ENDING if hasattr(signal, name)]
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        otherwise = "none" if default is None else f"number {default + 1}"
        typer.echo(f"{question} Its number, or nothing for {otherwise}: ", nl=False, err=True)
        _wait_for_a_line()
        line = sys.stdin.readline()
        answer = line.strip()
        if line and not answer and default is not None:
            answer = str(default + 1)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if answer.isdigit() and 1 <= int(answer) <= len(choices):
        return int(answer) - 1
    return None


_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")


def _wait_for_a_line() -> None:
    """Until standard input has a line, or a signal has come.

    One that comes in the instant before a blocking read would be heard only after the line.
    """
    import select
    import signal

    if sys.platform == "win32":
        return
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    try:
        select.select([sys.stdin, heard], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(heard)
        os.close(told)


def _seconds(text: str) -> float:
    """A time such as 30:00, 45s or 20min."""
    from rowlog.notation import NotationError, parse

    try:
        pieces = parse(text).pieces
    except NotationError:
        pieces = ()
    if len(pieces) != 1 or pieces[0].target.type != "time" or not pieces[0].target.value:
        raise CallError(f"{text!r} is no time.", "Write 30:00, 45s or 20min.")
    return pieces[0].target.value
