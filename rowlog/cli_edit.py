"""The commands that change what is said of sessions; loaded when one of them is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rowlog.cli_common import DbOption, JsonOption, athlete_named, database_path, print_json
from rowlog_drivers.errors import CallError

edits = typer.Typer(
    help="Change what is said of sessions; every change can be undone.",
    rich_markup_mode=None,
    no_args_is_help=True,
)

SessionNumber = Annotated[str, typer.Argument(metavar="ID", help="The session's number, or last.")]
SessionNumbers = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Sessions by their numbers, or last.")
]


def add_to(app: typer.Typer) -> None:
    """Make these commands part of the program."""
    app.add_typer(edits, name="edit")


@edits.command(name="note")
def edit_note(
    session: SessionNumber,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='What to note; "" takes it away.')],
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a note to a session, in the place of the one it has."""
    from rowlog.editing import edit_note as put
    from rowlog.summary import session_number

    path = database_path(db)
    number = session_number(path, session)
    put(path, number, text)
    _say({"session": number, "note": text.strip() or None}, f"Noted at session {number}.", as_json)


@edits.command(name="tag")
def edit_tag(
    session: SessionNumber,
    tags: Annotated[
        list[str], typer.Argument(metavar="TAG...", help="Tags to add, as in race or technique.")
    ],
    remove: Annotated[bool, typer.Option("--remove", help="Take these tags away instead.")] = False,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add tags to a session, or take them away."""
    from rowlog.editing import edit_tags
    from rowlog.summary import session_number

    path = database_path(db)
    number = session_number(path, session)
    left = edit_tags(path, number, () if remove else tags, tags if remove else ())
    words = f"Session {number} has {', '.join(left) if left else 'no tags'}."
    _say({"session": number, "tags": list(left)}, words, as_json)


@edits.command(name="athlete")
def edit_athlete(
    sessions: Annotated[
        list[str],
        typer.Argument(
            metavar="ID...", help="Sessions by their numbers, last, or nobody: all without one."
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Whose they are; nobody's without.")
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whose sessions are; they are judged anew by that."""
    from rowlog.editing import edit_athlete as put

    if name is not None and not name.strip():
        raise CallError(
            "An athlete's name is not empty.", "Leave --name out where they are nobody's."
        )
    path = database_path(db)
    if sessions == ["nobody"]:
        from rowlog.summary_athletes import nobodys_sessions

        numbers = nobodys_sessions(path)
    else:
        numbers = _numbers(path, sessions)
    name = athlete_named(path, name)
    put(path, numbers, name)
    _say(
        {"sessions": numbers, "athlete": name}, f"{_count(numbers)} of {name or 'nobody'}.", as_json
    )


@edits.command(name="start")
def edit_start(
    session: SessionNumber,
    when: Annotated[
        str, typer.Argument(metavar="WHEN", help="Date and time, as in 2019-03-02T18:05.")
    ],
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say when a session began. For one whose file does not say, or whose clock was wrong."""
    from rowlog.editing import edit_start as put
    from rowlog.render import day
    from rowlog.summary import session_number

    path = database_path(db)
    number = session_number(path, session)
    at = put(path, number, when).isoformat()
    words = f"Session {number} began on {day(at)}."
    _say({"session": number, "started_at": at, "start_from": "user"}, words, as_json)


@edits.command(name="delete")
def delete(sessions: SessionNumbers, db: DbOption = None, as_json: JsonOption = False) -> None:
    """Take sessions out of every list and sum. Their bytes stay until they are purged."""
    from rowlog.config import db_option
    from rowlog.editing import delete_sessions

    path = database_path(db)
    numbers = _numbers(path, sessions)
    delete_sessions(path, numbers)
    it = "it" if len(numbers) == 1 else "them"
    words = f"{_count(numbers)} deleted. Bring {it} back with: rowlog edit undo{db_option(path)}"
    _say({"deleted": numbers}, words, as_json)


@edits.command(name="merge")
def merge(
    sessions: SessionNumbers,
    plan: Annotated[
        str | None,
        typer.Option("--plan", metavar="PLAN", help="Interval text; else the plan that they have."),
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make one session of several. A strap recorded apart, a session that was broken off.

    Files that tell of the same rowing, whatever their clocks say, become one: the one that says
    most, with laps and heart rates of the others where it has none.
    """
    from rowlog.merging import merge_sessions

    path = database_path(db)
    numbers = _numbers(path, sessions)
    made = merge_sessions(path, numbers, plan=plan)
    told_twice = list(made.told_twice)
    words = f"{_count(numbers)} are session {made.session} now."
    if told_twice:
        words += f" Clock and rowing are session {made.rowing}'s."
    _say({"session": made.session, "merged": numbers, "told_twice": told_twice}, words, as_json)


@edits.command(name="undo")
def undo(
    number: Annotated[
        int | None,
        typer.Argument(metavar="[N]", help="The change's number; else the latest that stands."),
    ] = None,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Undo a change; called again, the one before it."""
    from rowlog.editing import undo as take_back

    change = take_back(database_path(db), number)
    part = "" if number in (None, change.id) else f"change {change.id}, which {number} is part of: "
    words = f"Undone: {part}{change.words}."
    _say(
        {
            "undone": change.id,
            "kind": change.kind,
            "session": change.sessions[0],
            "sessions": change.sessions,
        },
        words,
        as_json,
    )


@edits.command(name="list")
def list_edits(
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="How many, the latest first.")
    ] = 20,
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what was changed, and whether it was undone."""
    from rowlog.store_edits import read_changes

    changes = read_changes(database_path(db), limit)
    if as_json:
        print_json(
            [
                {
                    "id": change.id,
                    "edited_at": change.edited_at,
                    "kind": change.kind,
                    "session": change.sessions[0],
                    "before": change.edits[0].before,
                    "undone": change.undone,
                    "edits": [
                        {"session": edit.session, "before": edit.before} for edit in change.edits
                    ],
                }
                for change in changes
            ]
        )
        return
    if not changes:
        typer.echo("Nothing was changed yet.")
    for change in changes:
        undone = ", undone" if change.undone else ""
        typer.echo(f"{change.id:>4}  {change.edited_at[:16]}  {change.words}{undone}")


@edits.command(name="purge")
def purge(
    session: Annotated[
        int, typer.Argument(metavar="ID", help="The number of a session that was deleted.")
    ],
    db: DbOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a deleted session out for good. Frames and all: this is not undone."""
    from rowlog.editing import purge_session

    purge_session(database_path(db), session)
    _say({"purged": session}, f"Session {session} is gone for good.", as_json)


def _numbers(path: Path, sessions: list[str]) -> list[int]:
    """Which sessions are meant, each once."""
    from rowlog.summary import session_number

    return list(dict.fromkeys(session_number(path, session) for session in sessions))


def _count(numbers: list[int]) -> str:
    from rowlog.store_edits import counted

    return counted(numbers).capitalize()


def _say(value: dict[str, object], words: str, as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        typer.echo(words)
