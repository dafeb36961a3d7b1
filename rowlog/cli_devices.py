"""The commands about devices: which are in reach, and why one is not heard."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

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
    from rowlog.finding import Found
    from rowlog.ports import FoundPort


def add_to(app: typer.Typer) -> None:
    """Make the commands of this file some of `app`."""
    app.command()(devices)
    app.command()(doctor)


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
    """List the rowers and straps in reach. It says which are known."""
    import asyncio

    from rowlog import render_devices, scanning

    path = database_path(db)
    if forget is not None:
        scanning.forget(path, forget)
        typer.echo(f"{forget} is not known any more.", err=True)
        return
    style = screen_style()
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
    """Find out why no data come. From the system to the first frame."""
    import asyncio

    from rowlog import render_devices, scanning

    path = database_path(db)
    say = None if as_json else typer.echo
    columns = _columns()
    steps, verdict, ok = asyncio.run(
        scanning.diagnose(
            path,
            device=device,
            seconds=seconds,
            on_step=lambda step: (
                say(render_devices.step(step, screen_style(), columns)) if say else None
            ),
        )
    )
    if as_json:
        print_json(
            {"ok": ok, "verdict": verdict, "steps": [render_devices.step_json(s) for s in steps]}
        )
    else:
        typer.echo(f"\n{render_devices.wrapped(verdict, columns)}")
    if not ok:
        raise typer.Exit(1)
