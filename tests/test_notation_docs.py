"""The page of the notation: every example on it is read, or refused, as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rowlog.cli import errors_told
from rowlog.notation import MAX_CHARACTERS, NotationError, parse
from rowlog.notation.structure import MACHINES
from rowlog.plan import Plan

PAGE = (Path(__file__).resolve().parent.parent / "docs/notation.md").read_text(encoding="utf-8")
SPAN = re.compile(r"`([^`\n]+)`")
ERROR = re.compile(
    r'^\$ rowlog plan "(?P<plan>.*)"\n'
    r"(?P<said>rowlog: .* at character (?P<character>\d+):\n"
    r"    (?P<shown>.*)\n    (?P<caret> *\^)\n(?P<expected>.*)\n)",
    re.MULTILINE,
)


def rows(*header: str) -> list[list[str]]:
    """The rows of all tables under this header, a list of cells each."""
    found: list[list[str]] = []
    within = False
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            within = False
        elif cells == list(header):
            within = True
        elif within and set(line) != set("|-"):
            found.append(cells)
    return found


def spans(cell: str) -> list[str]:
    return SPAN.findall(cell)


def seconds(text: str) -> float:
    minutes, rest = text.split(":")
    return int(minutes) * 60 + int(rest)


READ = [
    (text, spans(row[2])[0])
    for row in rows("You write", "It means", "Canonical form")
    for text in spans(row[0])
]
COUNTED = rows("Plan", "Pieces of work", "Rest in all")
LIMITS = [row for row in rows("What", "Read", "Refused") if row[0] != "Characters"]
ELSEWHERE = rows("RWN 0.1.0", "Why it is refused", "Instead")
OTHERWISE = rows("RWN 0.1.0, and how it is read", "There it means", "For that, write")
ERRORS = list(ERROR.finditer(PAGE))


def test_the_examples_are_found() -> None:
    tables = PAGE.count("\n|---")
    others = 4  # those of totals, limits and RWN
    assert PAGE.count("| You write | It means | Canonical form |") == tables - others
    assert len(READ) > 100
    assert len(ERRORS) == PAGE.count("$ rowlog plan") > 10
    assert all((COUNTED, LIMITS, ELSEWHERE, OTHERWISE))


@pytest.mark.parametrize(("text", "canonical"), READ)
def test_reads(text: str, canonical: str) -> None:
    plan = parse(text)
    assert str(plan) == canonical
    assert parse(canonical) == plan


@pytest.mark.parametrize(("plan", "works", "rest"), COUNTED)
def test_counts(plan: str, works: str, rest: str) -> None:
    parsed = parse(spans(plan)[0])
    assert (parsed.work_count, parsed.rest_s) == (int(works), seconds(rest))


@pytest.mark.parametrize(("what", "read", "refused"), LIMITS, ids=[row[0] for row in LIMITS])
def test_limits(what: str, read: str, refused: str) -> None:
    parse(spans(read)[0])
    with pytest.raises(NotationError):
        parse(spans(refused)[0])


def test_the_limit_of_characters() -> None:
    assert f"| Characters | {MAX_CHARACTERS:,} | {MAX_CHARACTERS + 1:,} |" in PAGE
    parse("500m".rjust(MAX_CHARACTERS))
    with pytest.raises(NotationError):
        parse("500m".rjust(MAX_CHARACTERS + 1))


@pytest.mark.parametrize("error", ERRORS, ids=[error["plan"] for error in ERRORS])
def test_says_what_does_not_fit(error: re.Match[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotationError) as caught:
        parse(error["plan"])
    assert caught.value.position == int(error["character"]) - 1 == error["caret"].index("^")
    assert caught.value.expected == error["expected"]
    with pytest.raises(SystemExit) as ended, errors_told():
        parse(error["plan"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == error["said"]


@pytest.mark.parametrize(("theirs", "why", "ours"), ELSEWHERE)
def test_what_differs_from_rwn_is_refused_and_its_replacement_read(
    theirs: str, why: str, ours: str
) -> None:
    with pytest.raises(NotationError):
        parse(spans(theirs)[0])
    parse(spans(ours)[0])


@pytest.mark.parametrize(("theirs", "means", "ours"), OTHERWISE)
def test_what_is_read_otherwise_than_in_rwn_can_be_written(
    theirs: str, means: str, ours: str
) -> None:
    here = parse(spans(theirs)[0])
    assert str(here) == spans(theirs)[1]
    assert parse(spans(ours)[0]) != here


def test_the_bare_example_in_the_text_is_refused() -> None:
    assert "`20` could be" in PAGE
    with pytest.raises(NotationError):
        parse("20")


def test_every_machine_and_zone_is_named_and_read() -> None:
    for machine in MACHINES:
        assert f"`{machine.capitalize()}:`" in PAGE
        assert activity(parse(f"{machine.capitalize()}: 5:00")) == machine
    for zone in ("UT2", "UT1", "AT", "TR", "AN", "Z1", "Z5"):
        assert f"`{zone}`" in PAGE
        assert parse(f"5:00@{zone}").pieces[0].zone == zone
    for best in ("2k", "5k", "6k", "30min", "60min"):
        assert f"`{best}`" in PAGE
        assert parse(f"500m@{best}").pieces[0].bands[0].reference == best


def test_words_are_a_note_after_a_run_and_name_an_exercise_elsewhere() -> None:
    assert "`Run: 15:00 tempo` is a run" in PAGE
    run, bike = parse("Run: 15:00 tempo"), parse("Bike: 15:00 tempo")
    assert (activity(run), run.pieces[0].note) == ("run", "tempo")
    assert (activity(bike), bike.pieces[0].note) == ("tempo", None)


def activity(plan: Plan) -> str:
    return plan.pieces[0].activity
