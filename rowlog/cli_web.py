"""The command that serves pages; its file is loaded only where it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rowlog.cli_common import (
    DbOption,
    JsonOption,
    ListenOption,
    PortOption,
    database_path,
    screen_style,
)
from rowlog_drivers.errors import CallError

if TYPE_CHECKING:
    from rowlog.viewing import View
    from rowlog.web.beside import Beside


def add_to(app: typer.Typer) -> None:
    """Make the command of this file one of `app`."""
    app.command()(serve)


def serve(
    listen: ListenOption = None,
    port: PortOption = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve your sessions as pages. New ones can be started there.

    Only this computer can open them unless --listen lets others in. Takes:
    pip install "rowlog[web]"
    """
    from rowlog.web import check_installed

    check_installed()
    from rowlog.web.serving import serve as run

    path = database_path(db)

    def told(url: str, lines: list[str]) -> None:
        if as_json:
            import json

            typer.echo(json.dumps({"url": url}))
            sys.stdout.flush()
            return
        tell_address("Open", url, lines)
        typer.echo("Ctrl-C ends it.")
        sys.stdout.flush()

    run(path, listen, port, told)


class Pages:
    """The pages beside a recording; nothing at all where they are not asked for."""

    def __init__(self, beside: Beside | None, *, err: bool) -> None:
        self._beside = beside
        self._err = err

    @property
    def views(self) -> tuple[View, ...]:
        """What watches the recording for them."""
        return () if self._beside is None else (self._beside.view,)

    def telling(self, tell: Callable[[str], None]) -> Callable[[str], None]:
        """Who tells a sentence to the terminal, tells it to the pages too."""
        beside = self._beside
        if beside is None:
            return tell

        def told(text: str) -> None:
            tell(text)
            beside.tell(text)

        return told

    def ended(self, session_id: int | None, error: str | None = None) -> None:
        """The recording is over; `error` says why it could not go on."""
        if self._beside is not None:
            self._beside.ended(session_id, error)

    def linger(self) -> None:
        """After the summary: they stay as long as somebody looks at them."""
        if self._beside is None:
            return
        if self._beside.looked_at():
            text = "The pages stay while somebody looks at them; Ctrl-C closes them."
            typer.echo(text, err=self._err)
        self._beside.linger()
        self._beside.close()


def begin_pages(
    database: Path, listen: str | None, port: int | None, *, web: bool, err: bool, covered: bool
) -> Pages:
    """Start the pages beside a recording where they are asked for, and tell their address.

    `err`: whether to stderr; `covered`: whether a screen is to cover it. They end with this
    program. Raises CallError, WebError.
    """
    if not web:
        if listen is not None or port is not None:
            raise CallError("--listen and --port are for pages.", "Add --web.")
        return Pages(None, err=err)
    from rowlog.web.beside import Beside

    beside = Beside(database, listen, port)
    tell_address("Watch and steer it at", beside.url, beside.told, err=err)
    if covered and "token=" in beside.url and sys.stdin.isatty():
        typer.echo("Enter begins the session.", nl=False)
        sys.stdin.readline()
    return Pages(beside, err=err)


def tell_address(word: str, url: str, lines: list[str], *, err: bool = False) -> None:
    """Print the address, on a terminal as a code too where another device can open it."""
    typer.echo(f"{word}: {url}", err=err)
    for line in lines:
        typer.echo(line, err=err)
    if err:
        return
    if sys.stdout.isatty() and "token=" in url and screen_style().unicode:
        from rowlog.web.code import code

        for line in code(url, colour=screen_style().colour):
            typer.echo(line)
