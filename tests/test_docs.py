"""The documentation: its links lead somewhere, and it knows every command and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import typer.main

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md")), ROOT / "drivers/README.md"]
CHANGELOG = ROOT / "CHANGELOG.md"

# ------------------------------------------------------------------------------------- links

FENCE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)\s*?$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")
LINK = re.compile(
    r"""\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)"""  # [text](target "title"), images too
    r"""|^\s*\[[^\]]+\]:\s*<?(\S+?)>?(?:\s|$)"""  # [name]: target
    r"""|<(?:a|img|source)\s[^>]*?(?:href|src|srcset)="([^"]+)\"""",  # HTML
    re.MULTILINE,
)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def links(text: str) -> list[str]:
    """The targets of a page's links, code left out."""
    prose = CODE.sub("``", FENCE.sub("", text))
    return [next(filter(None, found)) for found in LINK.findall(prose)]


def anchors(text: str) -> set[str]:
    """The fragments that a page's headings answer to, as forges form them."""
    slugs: dict[str, int] = {}
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6}\s+(.+?)\s*#*$", FENCE.sub("", text), re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        count = slugs[slug] = slugs.get(slug, -1) + 1
        found.add(f"{slug}-{count}" if count else slug)
    return found


def broken_links(page: Path) -> list[str]:
    """The links of a page that lead to no file of this project, or to no heading in it."""
    text = page.read_text(encoding="utf-8")
    broken = []
    for link in links(text):
        if ELSEWHERE.match(link):
            continue
        name, _, fragment = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or not target.is_relative_to(ROOT):
            broken.append(f"{link}: no such file")
        elif (
            fragment
            and target.suffix == ".md"
            and fragment not in anchors(target.read_text(encoding="utf-8"))
        ):
            broken.append(f"{link}: no such heading")
    return broken


@pytest.mark.parametrize("page", [*PAGES, CHANGELOG], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert broken_links(page) == []


def test_the_link_reader_sees_every_kind_and_no_code() -> None:
    text = """# One: the `thing`
        [a](b.md) and ![c](d.png "title") and [e](<f.md#g>)
[h]: i.md
<img alt="" src="j.svg">
`[not](this.md)`
```sh
[nor](that.md)
```
"""
    assert links(text) == ["b.md", "d.png", "f.md#g", "i.md", "j.svg"]
    assert anchors(text + "## Two\n## Two\n") == {"one-the-thing", "two", "two-1"}


# ---------------------------------------------------------------------------------- commands

MENTION = re.compile(r"^\W*(?:uv run |python3 dev\.py run )?rowlog ((?:[a-z][\w|-]*\s?)+)")


def commands(app: typer.Typer) -> dict[tuple[str, ...], object]:
    """Every command and group by its words, `("db", "check")`, from what typer makes of `app`."""

    def below(command: object, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
        for name, child in getattr(command, "commands", {}).items():
            if not child.hidden:
                yield (*words, name), child
                yield from below(child, (*words, name))

    return dict(below(typer.main.get_command(app), ()))


def without_help(app: typer.Typer) -> list[str]:
    """The commands, options and arguments that do not say what they are for."""
    silent = []
    for words, command in commands(app).items():
        name = " ".join(words)
        if not getattr(command, "help", None):
            silent.append(name)
        silent += [
            f"{name}: {parameter.name}"
            for parameter in getattr(command, "params", ())
            if not getattr(parameter, "help", None)
        ]
    return silent


def mentions(text: str) -> set[tuple[str, ...]]:
    """The words after `rowlog` in a page's code; `db check|backup` counts as two commands."""
    found: set[tuple[str, ...]] = set()
    blocks = [match.group(0).splitlines()[1:-1] for match in FENCE.finditer(text)]
    spans = [span.strip("`") for span in CODE.findall(FENCE.sub("", text))]
    for line in [*spans, *(line for block in blocks for line in block)]:
        match = MENTION.match(line.replace("\\|", "|"))
        ways: list[tuple[str, ...]] = [()]
        for word in match.group(1).split() if match else ():
            ways = [(*way, choice) for way in ways for choice in word.split("|")]
        found.update(way[:length] for way in ways for length in range(1, len(way) + 1))
    return found


def documented() -> set[tuple[str, ...]]:
    """What the pages mention of the program; the changelog may also name what is no more."""
    return set().union(*(mentions(page.read_text(encoding="utf-8")) for page in PAGES))


def the_app() -> typer.Typer:
    from rowlog.cli import whole_app

    return whole_app()


def test_every_command_option_and_argument_has_help() -> None:
    assert commands(the_app())
    assert without_help(the_app()) == []


def test_every_command_is_documented() -> None:
    known = documented()
    assert [" ".join(words) for words in commands(the_app()) if words not in known] == []


def test_every_command_that_is_documented_exists() -> None:
    first = {words[0] for words in commands(the_app())}
    assert sorted({words[0] for words in documented()} - first) == []


def test_the_command_reader_finds_what_is_silent() -> None:
    app, group = typer.Typer(), typer.Typer()

    @app.command()
    def row(metres: int, hard: bool = typer.Option(False, help="Row hard.")) -> None:
        """Row."""

    @group.command()
    def check() -> None:
        pass

    app.add_typer(group, name="db", help="The file.")
    assert list(commands(app)) == [("row",), ("db",), ("db", "check")]
    assert without_help(app) == ["row: metres", "db check"]


def test_the_mention_reader_reads_code_only() -> None:
    text = """rowlog prose is no mention; `rowlog show 3` and `rowlog db check|backup` are.
```console
$ rowlog record 8x500m/1:30r
python3 dev.py run rowlog
uv run rowlog bests --json
```
"""
    assert mentions(text) == {
        ("show",),
        ("db",),
        ("db", "check"),
        ("db", "backup"),
        ("record",),
        ("bests",),
    }


def numbered_faults() -> list[list[str]]:
    """The lines of the tables of faults: number, fault, seen, kept, shown by."""
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    parts = page.partition("## What other recorders")[0].split("\n## ")[1:]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for part in parts
        for line in part.splitlines()
        if line.startswith("|") and not re.match(r"\|( # |-)", line)
    ]


def test_every_known_fault_has_its_line() -> None:
    """79 are known from other recorders; those beyond were met here. New ones get new numbers."""
    lines = numbered_faults()
    assert all(len(cells) == 5 and all(cells) for cells in lines), "number, fault, seen, kept, test"
    numbers = [int(cells[0]) for cells in lines if cells[0].isdigit()]
    assert len(numbers) == len(lines), "a line of docs/reliability.md has no number"
    assert sorted(numbers) == list(range(1, max(79, len(lines)) + 1))
    unshown = [cells[0] for cells in lines if "`test_" not in cells[4]]
    assert unshown == ["77", "78"], "nothing is uploaded"
    assert {cells[4] for cells in lines if cells[0] in unshown} == {"does not exist yet"}


def test_every_test_that_the_pages_name_exists() -> None:
    """A promise is worth the test that shows it."""
    tests = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("**/test_*.py")
    )
    defined = set(re.findall(r"^def (test_\w+)", tests, re.MULTILINE))
    named = {
        name for page in PAGES for name in re.findall(r"`(test_\w+)`", page.read_text("utf-8"))
    }
    assert len(named) > 40
    assert named <= defined, sorted(named - defined)
