"""Whether everybody can read a report: contrast of its colours, and what an engine finds amiss."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from rowlog.charts_report import HEART, INK, LINE, PACE, POWER, RATE, SOFT, shade
from rowlog.contents import load_contents
from rowlog.periods import season_named
from rowlog.render_report import STYLE, page, table
from rowlog.replaying import replay_file
from rowlog.reporting import report_season, report_session
from rowlog.summary_athletes import add_athlete
from tests.browser import Browser, Tab, axe_source, chromium
from tests.support import ROOT

pytest.importorskip("matplotlib")

TEXT, GRAPHICS = 4.5, 3.0
"""The least contrast of text, and of what a picture says (WCAG 2.2, 1.4.3 and 1.4.11)."""


def luminance(colour: str) -> float:
    """Relative luminance of #rgb or #rrggbb (WCAG 2.2, relative luminance)."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """From 1, none, to 21, black on white."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def looks() -> dict[str, dict[str, str]]:
    """The colours of each look, as the page's own style has them."""
    found = {}
    for name, start in (
        ("light", ":root{"),
        ("dark", "@media(prefers-color-scheme:dark){:root{"),
        ("print", "@media print{:root{"),
    ):
        body = STYLE[STYLE.index(start) + len(start) :].split("}", 1)[0]
        found[name] = dict(re.findall(r"--(\w+):(#[0-9a-f]+)", body))
    return found


def test_contrast_is_reckoned_as_the_guideline_has_it() -> None:
    assert contrast("#000000", "#fff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("look", ["light", "dark", "print"])
def test_words_and_lines_stand_out_in_every_look(look: str) -> None:
    colours = looks()[look]
    for name in ("ink", "soft", "pace", "rate", "power", "heart"):
        assert contrast(colours[name], colours["bg"]) >= TEXT, name
    for name in ("pace", "rate", "power", "heart"):  # lines, on pieces and where nobody was heard
        for behind in ("bg", "shade", "gap"):
            assert contrast(colours[name], colours[behind]) >= GRAPHICS, (name, behind)
    for count in (2, 3, 8, 30):
        for place in range(count):
            assert contrast(shade(place, count), colours["bg"]) >= GRAPHICS, (place, count)


def test_a_picture_has_the_colours_of_the_page() -> None:
    light = looks()["light"]
    drawn = {"ink": INK, "soft": SOFT, "line": LINE, "pace": PACE, "rate": RATE, "power": POWER,
             "heart": HEART}  # fmt: skip
    assert {name: light[name] for name in drawn} == drawn


PAGES = ("piece", "intervals", "circuit", "season")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    database = folder / "r.db"
    fixtures = {
        "piece": "ftms/link_lost_1000m.frames",
        "intervals": "ftms/undefined_rests_4x300m.frames",
        "circuit": "heart_rate/circuit_off_the_machine.frames",
    }
    for number, (name, file) in enumerate(fixtures.items(), 1):
        if number == 1:
            today = date(2026, 1, 1)
            add_athlete(database, "Ann", {"max_heart_rate_bpm": 182}, None, today)
        replay_file(ROOT / "fixtures" / file, database, athlete="Ann")
        assert load_contents(database, number).summary.zones
        report_session(database, number, folder / f"{name}.html")
    season = season_named("2026", date(2026, 1, 1))
    report_season(database, season, folder / "season.html", athlete=None)
    return {name: folder / f"{name}.html" for name in PAGES}


@pytest.fixture(scope="module")
def tab() -> Iterator[Tab]:
    if chromium() is None:
        pytest.skip("chromium is not installed")
    browser = Browser()
    yield browser.tab()
    browser.close()


@pytest.fixture(scope="module")
def engine() -> str:
    source = axe_source()
    if source is None:
        pytest.skip("axe-core is not installed: npm pack axe-core, into .venv/axe-core")
    return source


def amiss(tab: Tab, engine: str) -> list[object]:
    """What the engine finds in the page as it is shown."""
    if not tab.run("Boolean(window.axe)"):
        tab.run(f"{engine}; true")
    found: list[object] = tab.run(
        "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map("
        "one => [one.id, one.help, one.nodes.slice(0, 3).map(node => node.html.slice(0, 200))]))"
    )
    return found


def shown_as(tab: Tab, scheme: str, media: str = "screen") -> None:
    wanted = [{"name": "prefers-color-scheme", "value": scheme}]
    tab.call("Emulation.setEmulatedMedia", media=media, features=wanted)


LOOKS = (("light", "screen"), ("dark", "screen"), ("dark", "print"))


@pytest.mark.parametrize("name", PAGES)
def test_an_engine_finds_nothing_amiss(
    name: str, pages: dict[str, Path], tab: Tab, engine: str
) -> None:
    tab.open(pages[name].as_uri())
    for look in LOOKS:
        shown_as(tab, *look)
        assert amiss(tab, engine) == [], look


def test_the_engine_would_find_it(pages: dict[str, Path], tab: Tab, engine: str) -> None:
    tab.open(pages["season"].as_uri())
    tab.run(
        "document.querySelector('main').insertAdjacentHTML("
        "'beforeend', '<p style=\"color:var(--line)\">faint</p>')"
    )
    for look in LOOKS:
        shown_as(tab, *look)
        assert [found[0] for found in amiss(tab, engine)] == ["color-contrast"], look  # type: ignore[index]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_a_telephone_and_is_white_on_paper(
    name: str, pages: dict[str, Path], tab: Tab
) -> None:
    tab.size(390, 844)
    shown_as(tab, "light")
    tab.open(pages[name].as_uri())
    assert tab.run("document.documentElement.scrollWidth") == 390
    seen = "[...document.querySelectorAll('.desk, .phone')].map(at => at.offsetParent !== null)"
    assert set(tab.run(seen)[::2]) == {False} and set(tab.run(seen)[1::2]) == {True}
    back = "getComputedStyle(document.body).backgroundColor"
    for look, colour in zip(LOOKS, ("255, 255, 255", "18, 23, 29", "255, 255, 255"), strict=True):
        shown_as(tab, *look)
        assert tab.run(back) == f"rgb({colour})"
    assert tab.problems == []


WIDTHS = (320, 360, 390, 768, 1280)
_READABLE = """[...document.querySelectorAll('svg text')]
  .filter(at => at.getClientRects().length && at.textContent.trim())
  .map(at => {
    const svg = at.ownerSVGElement, box = at.getBoundingClientRect();
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return [at.textContent, parseFloat(getComputedStyle(at).fontSize) * scale, box.left, box.right];
  })"""


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_words_in_charts_are_large_enough_and_all_on_the_screen(
    name: str, width: int, pages: dict[str, Path], tab: Tab
) -> None:
    tab.size(width, 844)
    shown_as(tab, "light")
    tab.open(pages[name].as_uri())
    found = tab.run(_READABLE)
    assert len(found) > 10
    for text, pixels, left, right in found:
        assert pixels >= 9.3, (text, pixels)
        assert left >= 0 and right <= width, (text, left, right)
    assert tab.run("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("name", PAGES)
def test_tables_need_no_scrolling_on_a_telephone(
    name: str, pages: dict[str, Path], tab: Tab
) -> None:
    tab.size(360, 844)
    shown_as(tab, "light")
    tab.open(pages[name].as_uri())
    wide = "[...document.querySelectorAll('.wide')].map(at => [at.scrollWidth, at.clientWidth])"
    assert all(needed <= there for needed, there in tab.run(wide))
    # What stands in a second line of a row stands below the names of the second line.
    cells = tab.run(
        "[...document.querySelectorAll('.lines')].map(table => { "
        "const [head, row] = ['thead tr', 'tbody tr'].map(at => table.querySelector(at)); "
        "return [...row.cells].map((cell, at) => [cell.className, "
        "cell.getBoundingClientRect().right - head.cells[at].getBoundingClientRect().right, "
        "cell.getBoundingClientRect().top - row.getBoundingClientRect().top]); })"
    )
    for row in cells:
        assert all(abs(aside) < 1 for _, aside, _ in row)
        lines = {"below" in look: top for look, _, top in row[1:]}
        assert len(lines) == 1 or lines[True] > lines[False] + 10


@pytest.mark.parametrize("name", PAGES)
def test_a_reader_of_screens_finds_the_same_tables_on_a_telephone(
    name: str, pages: dict[str, Path], tab: Tab
) -> None:
    tab.call("Accessibility.enable")
    shown_as(tab, "light")
    found = []
    for width in (1280, 360):
        tab.size(width, 844)
        tab.open(pages[name].as_uri())
        nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
        roles = [node["role"]["value"] for node in nodes if not node["ignored"]]
        kinds = ("table", "row", "columnheader", "rowheader", "cell", "gridcell")
        found.append({kind: roles.count(kind) for kind in kinds})
    tab.call("Accessibility.disable")
    assert found[0] == found[1]
    assert found[0]["table"] >= 1 and found[0]["columnheader"] >= 4 and found[0]["rowheader"] >= 3


def test_a_page_breaks_no_chart_on_paper(pages: dict[str, Path], tab: Tab) -> None:
    """On A4 every section but a table's is kept whole, and is no higher than the paper."""
    tab.size(680, 990)  # 180 by 262 mm at 96 dots an inch: what the margins leave
    tab.open(pages["intervals"].as_uri())
    shown_as(tab, "light", "print")
    sections = tab.run(
        "[...document.querySelectorAll('section')].map(at => [at.className, "
        "getComputedStyle(at).breakInside, at.getBoundingClientRect().height])"
    )
    assert {look: how for look, how, _ in sections} == {"": "avoid", "long": "auto"}
    assert all(height < 990 for _, _, height in sections)


@pytest.mark.parametrize(
    ("metres", "lines"), [("2000", False), ("1234567", True)], ids=["short", "long"]
)
def test_a_row_takes_two_lines_only_where_one_has_no_room(
    metres: str, lines: bool, tmp_path: Path, tab: Tab
) -> None:
    """Without figures that belong below the others, the last ones go there."""
    heads = ("Month", "Sessions", "Time", "Metres", "Pace")
    made = table("Months", heads, [("", ("May 2026", "31", "23:16:01", metres, "2:05.9"))])
    if not lines:
        made = table("Months", ("Month", "Metres"), [("", ("May 2026", metres))])
    assert ('class="lines"' in made) == lines
    file = tmp_path / "table.html"
    file.write_text(page("Months", [made]), encoding="utf-8")
    tab.size(360, 844)
    shown_as(tab, "light")
    tab.open(file.as_uri())
    needed, there = tab.run(
        "[document.querySelector('.wide').scrollWidth, document.querySelector('.wide').clientWidth]"
    )
    assert needed <= there
    assert (
        tab.run("document.querySelector('tbody tr').getBoundingClientRect().height > 40") == lines
    )


@pytest.mark.parametrize("name", PAGES)
def test_letters_of_twice_the_size_run_into_nothing(
    name: str, pages: dict[str, Path], tab: Tab
) -> None:
    """A table scrolls then, as the page does not; no cell's words stand over those of another."""
    tab.size(390, 844)
    shown_as(tab, "light")
    tab.open(pages[name].as_uri())
    tab.run("document.documentElement.style.fontSize = '200%'; true")
    assert tab.run("document.documentElement.scrollWidth") == 390
    over = tab.run("""[...document.querySelectorAll('tr')].flatMap(row => {
      const boxes = [...row.cells].filter(at => at.textContent).map(at => {
        const range = document.createRange(); range.selectNodeContents(at);
        return [at.textContent, range.getBoundingClientRect()]; });
      return boxes.flatMap(([text, one], at) => boxes.slice(at + 1)
        .filter(([, other]) => Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1
          && Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 4)
        .map(([beside]) => [text, beside])); })""")
    assert over == []
