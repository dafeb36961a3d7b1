"""Text of strangers, in every place that holds text and through every way out: it stays text."""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from contextlib import redirect_stderr, redirect_stdout
from html.parser import HTMLParser
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog.cli import errors_told, whole_app
from rowlog.exporting import safe_name
from rowlog.harmless import printable
from rowlog.replaying import replay_file

FIXTURES: Final = Path(__file__).resolve().parent.parent / "fixtures"
HOSTILE: Final = (
    "\x1b]0;owned\x07\x1b[2J\x1b[31m",  # a terminal's title, screen and colour
    "\x07\x08\x0c\r\n\t\x7f\x85\x9b31m",  # controls, of eight bits too
    "\u202egnp.exe\u2066\u200b\ufeff\u2028\u00ad",  # direction, nothing wide, a line's end
    "</script><img src=x onerror=alert(1)>\"'&",
    "'; DROP TABLE sessions; --",
    "a\0b",
    "[bold]x[/bold] {0} %s $HOME `id`",
)
"""What does something to a terminal, a page, a database or a formatter that believes it."""
LONG: Final = "\x1b[8m" * 2500
EVERYTHING: Final = "".join(HOSTILE)
FORMULAS: Final = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1")
NAMES: Final = (
    "../../x", "CON", "nul.txt", "a/b", "a\\b", "-rf", ".hidden", "..", "", " ", "x" * 300,
    "\u202egnp.exe", "a:b", "\x1b[2J", "\ud800", "e\u0301" * 200, *FORMULAS, *HOSTILE,
)  # fmt: skip
TEXTS: Final = {
    "sessions": ("note", "origin", "licence", "activity"),
    "sources": ("address",),
    "plans": ("name",),
    "tags": ("tag",),
    "athletes": ("name",),
    "notes": ("text",),
    "imports": ("name",),
    "markers": ("label",),
    "events": ("kind", "text"),
    "machine_infos": ("manufacturer", "model", "serial_number", "firmware", "hardware", "software"),
    "machine_states": ("text", "parameter"),
    "links": ("reason",),
    "undecoded": ("reason",),
    "anomalies": ("detail",),
    "segments": ("activity",),
    "known_devices": ("name", "serial_number", "address"),
}
"""Columns that hold what somebody or something else wrote, as far as a session has rows there."""


def call(*words: str) -> tuple[int, str]:
    """The exit code of a command in this process, and what it prints on either stream."""
    code = 0
    with (
        NamedTemporaryFile() as file,
        Path(file.name).open("w", encoding="utf-8", errors="backslashreplace") as out,
    ):
        with redirect_stdout(out), redirect_stderr(out):
            try:
                with errors_told():
                    whole_app()(list(words))
            except SystemExit as end:
                code = int(end.code or 0)
        out.flush()
        return code, Path(file.name).read_text(encoding="utf-8")


def said(database: Path, *words: str) -> str:
    """What a command prints; it ends well, or with a sentence."""
    code, text = call(*words, "--db", str(database))
    assert code in (0, 1) or text.startswith("rowlog: "), (words, text[-500:])
    return text


@pytest.fixture(scope="module", params=[EVERYTHING, LONG], ids=["everything", "10 kB"])
def poisoned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database whose every text is hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    database = folder / "rowlog.db"
    for name in ("calories_5x10cal_garbage", "strap_lost_2x500m"):
        replay_file(FIXTURES / "ftms" / f"{name}.frames", database)
    for words in (
        "athlete add me --max 188", "edit athlete 1 2 --name me", "edit tag 1 club",
        "edit note 1 hard", "edit note 2 soft",
    ):  # fmt: skip
        said(database, *words.split())
    db = sqlite3.connect(database)
    db.execute(
        "INSERT INTO known_devices"
        " (athlete_id, role, driver, address, name, serial_number, used_at) SELECT"
        " id, 'rower', 'ftms', 'x', 'x', 'x', '2026-11-26T07:00:00Z' FROM athletes"
    )
    db.execute(
        "INSERT INTO markers (session_id, t_ns, seq, source, label) VALUES (1, 5, 0, 'k', 'x')"
    )
    db.execute(
        "INSERT INTO events (session_id, t_ns, happened_at, kind, text)"
        " VALUES (1, 5, '2026-11-26T07:00:00Z', 'x', 'x')"
    )
    db.execute("PRAGMA foreign_keys = OFF")
    for table, columns in TEXTS.items():
        for column in columns:
            changed = db.execute(f"UPDATE {table} SET {column} = ?", (request.param,)).rowcount
            assert changed or table in ("notes", "imports", "anomalies"), table
    db.commit()
    db.close()
    return database


def rogue(text: str) -> set[str]:
    """The characters of a text that may do something to a terminal, by name."""
    return {
        f"{ord(c):04x} {unicodedata.name(c, '')}"
        for c in text
        if c != "\n" and (not c.isprintable() or unicodedata.category(c)[0] == "C")
    }


COMMANDS: Final = (
    "sessions", "show", "show 1 --splits 500m --chart", "judge", "summary", "zones --by month",
    "bests --by athlete", "bests --by machine", "bests --curves", "trends --charts",
    "athlete list", "athlete show", "edit list", "workouts", "db check", "db rebuild",
    "resegment 2 auto", "edit note 1 -",
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_nothing_reaches_a_terminal(poisoned: Path, command: str) -> None:
    assert rogue(said(poisoned, *command.split())) == set()


@pytest.mark.parametrize("command", ["sessions", "show", "athlete list", "edit list"])
def test_json_tells_all_of_it_in_escapes(poisoned: Path, command: str) -> None:
    text = said(poisoned, *command.split(), "--json")
    assert rogue(text) == set()
    json.loads(text)


def test_the_database_holds_it_as_it_came(poisoned: Path) -> None:
    kept = json.loads(said(poisoned, "show", "--json"))
    assert kept["session"]["note"] in (EVERYTHING, LONG)


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.seen.update(name for name, _ in attributes if name.startswith("on"))


def test_a_page_stays_a_page(poisoned: Path, tmp_path: Path) -> None:
    for words in (("1",), ("2026", "--season")):
        page = tmp_path / f"{words[0]}.html"
        told = said(poisoned, "report", words[0], str(page), *words[1:])
        assert page.exists(), told
        text = page.read_text(encoding="utf-8")
        assert Tags(text).seen.isdisjoint({"script", "img", "onerror"})
        assert rogue(text) == set()
        assert len(text) < 2_000_000


def test_a_page_of_the_browser_view_stays_a_page(poisoned: Path) -> None:
    pytest.importorskip("starlette")
    from tests.web_support import served

    with served(poisoned) as site:
        for path in ("/sessions", "/sessions/1", "/sessions/2", "/bests", "/trends", "/zones"):
            answer, body = site.ask(path)
            text = body.decode()
            seen = Tags(text).seen
            assert answer.status == 200, path
            assert seen.isdisjoint({"img", "onerror", "onload"}), path
            assert text.count("<script") == text.count("<script src=") + text.count("<script defer")
            assert rogue(text) == set(), path


FORMATS: Final = ("fit", "tcx", "rowingdata", "strokes", "heart-rate", "samples", "json", "frames")


def test_files_stay_in_their_folder_and_are_read(poisoned: Path, tmp_path: Path) -> None:
    """Each is read back by the exporter itself before it counts as written."""
    folder = tmp_path / "out"
    for name in FORMATS:
        said(poisoned, "export", "all", f"{folder}/", "--format", name)
    written = sorted(folder.iterdir())
    assert len(written) >= 2 * len(FORMATS) - 2
    assert [path for path in tmp_path.iterdir() if path != folder] == []
    assert all(re.fullmatch(r"[\w.-]+", path.name) for path in written)
    for path in written:
        if path.suffix == ".tcx":
            ElementTree.parse(path)
        if path.suffix in (".csv", ".json"):
            text = path.read_text(encoding="utf-8").replace("\r\n", "\n")
            assert rogue(text.replace("\t", " ")) == set(), path.name


def test_sql_is_no_sql(poisoned: Path) -> None:
    for words in ("sessions --athlete", "zones --activity", "bests --machine", "trends --tag"):
        for text in HOSTILE[3:]:
            said(poisoned, *words.split(), text)
    assert len(json.loads(said(poisoned, "sessions", "--json"))) == 2


@pytest.mark.parametrize("text", [*(text.replace("\0", "") for text in HOSTILE), "\udcff", LONG])
def test_what_is_typed_comes_back_harmless(tmp_path: Path, text: str) -> None:
    """Notes, tags, names and plans that are hostile, and their refusals."""
    database = tmp_path / "rowlog.db"
    replay_file(FIXTURES / "ftms" / "stop_in_the_middle_750m.frames", database)
    calls = (
        ("edit", "note", "1", text), ("edit", "tag", "1", text),
        ("edit", "athlete", "1", "--name", text),
        ("athlete", "add", text), ("edit", "list"), ("show",), ("show", text), ("plan", text),
        ("workouts", text), ("sessions", "--plan", text), ("sessions", "--since", text),
        ("resegment", "1", text), ("export", "1", str(tmp_path / "x"), "--format", text),
        ("decode", text, "2ad1", "00"), ("replay", text), ("import", text),
        ("athlete", "list"),
    )  # fmt: skip
    for words in calls:
        more = () if words[0] in ("plan", "decode") else ("--db", str(database))
        code, text = call(*words, *more)
        assert code in (0, 1, 2), words
        assert rogue(text) == set(), words[:2]
        assert "The output cannot be written" not in text, words[:2]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_a_file_is_a_name(name: str, tmp_path: Path) -> None:
    part = safe_name(name)
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}", part)
    assert (tmp_path / f"2026-11-24-0422-{part}-1.csv").parent == tmp_path


@given(st.text(), st.integers(2, 80))
def test_any_text_is_shown_in_its_columns(text: str, width: int) -> None:
    shown = printable(text, width)
    assert rogue(shown) == set()
    assert len(shown) <= width
