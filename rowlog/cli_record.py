"""Recording a session as it happens: the command, and what it says meanwhile."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from rowlog.cli_common import (
    DbOption,
    ListenOption,
    PortOption,
    athlete_named,
    database_path,
    plan_named,
    screen_style,
    seconds_of,
    show_session,
)
from rowlog_drivers.errors import CallError, RowlogError

if TYPE_CHECKING:
    from rowlog.live import Moment
    from rowlog.recording import Begun
    from rowlog.render import Style
    from rowlog.screen import Screen
    from rowlog.sounds import Kind
    from rowlog.viewing import View


def add_to(app: typer.Typer) -> None:
    """Make the commands of this file some of `app`."""
    app.command()(record)


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
    """Record a session as it happens. Ctrl-C ends it, with the summary.

    Without --rower and --strap the machine and the strap in reach are looked for by Bluetooth.
    A terminal shows the session in large numbers: ? tells the keys.
    """
    from rowlog.recording import record as run
    from rowlog.store_errors import SecondWriterError
    from rowlog_drivers.addresses import parse_address

    path = database_path(db)
    parsed = plan_named(plan, path) if plan is not None else None
    seconds = seconds_of(limit) if limit is not None else None
    style = screen_style(plain=plain)
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
        show_session(path, session_id, as_json=False, style=style)
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
        from rowlog import render_moment

        if self._screen is not None and self._on_screen:
            self._screen.key(label, render_moment.key(label).removeprefix("rowlog: "))
        else:
            self._tell(render_moment.key(label))

    def moment(self, moment: Moment) -> None:
        """A second went by."""
        from rowlog import render_moment

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
            self._print(json.dumps(render_moment.moment_json(moment), allow_nan=False))
        elif not self._on_screen:
            self._print(render_moment.moment(moment, self._style))

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
