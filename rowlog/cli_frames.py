"""The commands about frames: sessions from recorded or simulated ones, what they mean, and out."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
    show_session,
)
from rowlog_drivers.errors import CallError, RowlogError


def add_to(app: typer.Typer) -> None:
    """Make the commands of this file some of `app`."""
    app.command()(replay)
    app.command()(demo)
    app.command()(decode)
    app.command()(frames)
    app.command()(export)


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
    """Record a session from a .frames file. It takes the same path as from a machine."""
    from rowlog.replaying import replay_file

    if speed is not None and not speed > 0:
        raise CallError(f"--speed is above 0, not {speed}.", "Leave it out for full speed.")
    with _database(db, temporary=dry_run) as path:
        session_id = replay_file(
            file,
            path,
            plan=plan_named(plan, database_path(db)) if plan is not None else None,
            athlete=athlete_named(path, athlete),
            speed=speed,
        )
        show_session(path, session_id, as_json=as_json)


def demo(
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Row a simulated session in seconds. Its summary is shown."""
    from rowlog.replaying import replay_demo

    keep = db is not None or bool(os.environ.get("ROWLOG_DB"))
    path = database_path(db) if keep else _temporary_path()
    session_id = replay_demo(path)
    show_session(path, session_id, as_json=as_json)
    if not as_json:
        command = os.environ.get("ROWLOG_COMMAND") or "rowlog"  # dev.py says how it was called
        named = f'"{path}"' if " " in str(path) else path
        typer.echo(f"\nKept in {path}. Look at it again with: {command} show --db {named}")


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
    """Give a session's raw frames. On the screen, or into a .frames file."""
    from rowlog import summary
    from rowlog.replaying import export_frames

    path = database_path(db)
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
        print_json({"session": number, "file": str(output), "frames": count})
        return
    typer.echo(f"{count} frames of session {number} written to {output}", err=True)


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
    """Write sessions as FIT, TCX, CSV, JSON or .frames. Each is read back before it counts.

    One session goes into FILE, in the format of its suffix; .csv alone is RowingData's, and
    .strokes.csv, .heart-rate.csv, .rr.csv, .force.csv and .samples.csv are tables. Several go
    into the folder FILE, in the --format that you name, FIT otherwise.
    """
    from rowlog.exporting import Exported, Filter, chosen, format_for
    from rowlog.exporting import export as run
    from rowlog.harmless import harmless

    path = database_path(db)
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
        raise RowlogError(
            "No session matches that.", "See which there are: rowlog sessions --limit 0"
        )
    folder = len(numbers) > 1 or sessions == "all" or only is not None or file.is_dir()
    known = format_for(file, format_name or ("fit" if folder else None))

    def tell(done: Exported) -> None:
        if as_json:
            return
        if done.file is None:
            typer.echo(f"Session {done.session_id} passed over: {done.why_not}.", err=True)
        else:
            name = harmless(str(done.file), keep="")
            typer.echo(f"{name}  {done.bytes / 1000:.1f} kB, read back and compared")
            for what in done.shortened:
                typer.echo(
                    f"Session {done.session_id}: {done.format.upper()} holds only the beginning "
                    f"of its {what}. All of it goes into: rowlog export {done.session_id} "
                    f"{done.session_id}.json",
                    err=True,
                )

    written = run(path, numbers, file, known, folder=folder, overwrite=force, on_file=tell)
    if as_json:
        print_json(
            [
                {
                    "session": done.session_id,
                    "file": str(done.file) if done.file is not None else None,
                    "format": done.format,
                    "bytes": done.bytes,
                    "why_not": done.why_not,
                    "shortened": list(done.shortened),
                }
                for done in written
            ]
        )


@contextmanager
def _database(db: Path | None, *, temporary: bool) -> Iterator[Path]:
    """The database to write to; a temporary one is gone afterwards."""
    if not temporary:
        yield database_path(db)
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
