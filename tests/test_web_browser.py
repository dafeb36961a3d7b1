"""The pages in a real browser: how they look on each screen, by keyboard, and to who cannot see."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from rowlog.replaying import replay_file
from rowlog.summary import load, load_sessions
from rowlog.summary_athletes import add_athlete
from rowlog.web import wire
from tests.browser import Browser, Tab, axe_source, chromium
from tests.support import ROOT, Process
from tests.web_support import Served, at, recorded, served

pytestmark = pytest.mark.skipif(chromium() is None, reason="chromium is not installed")

PHONE, ON_ITS_SIDE, TABLET, DESK = (390, 844), (844, 390), (1180, 820), (1440, 900)
PAGES = ("/sessions", "/sessions/1", "/sessions/3", "/bests", "/trends", "/zones", "/nothing")
STAGE = "document.body.dataset.stage === '{}'"
SEEN = "(id => {{ const at = document.getElementById(id); return !at.closest('[hidden]'); }})('{}')"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    started = Browser()
    yield started
    started.close()


@dataclass
class Said:
    """A database with sessions, and what a recording into it told its page."""

    database: Path
    messages: list[str]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> Said:
    path = tmp_path_factory.mktemp("pages") / "rowlog.db"
    messages = recorded(path, "3x250m@r18..20@<140bpm/1:00r", for_s=235, speed="100", seed="1")
    known = {"max_heart_rate_bpm": 185.0, "resting_heart_rate_bpm": 55.0}
    add_athlete(path, "Ann", known, None, date(2026, 11, 26))
    for name in (
        "ftms/undefined_rests_4x300m.frames",
        "heart_rate/circuit_off_the_machine.frames",
        "ftms/link_lost_1000m.frames",
    ):
        replay_file(ROOT / "fixtures" / name, path, athlete="Ann")
    return Said(path, messages)


@pytest.fixture(scope="module")
def site(said: Said) -> Iterator[Served]:
    with served(said.database) as here:
        yield here


@pytest.fixture(scope="module")
def tab(browser: Browser, site: Served) -> Tab:
    return browser.tab()


@pytest.fixture
def rowing(tab: Tab, site: Served, said: Said) -> Tab:
    """The live page, in the middle of the second piece."""
    for kind in ("stage", "past", "now"):
        site.tell(_at(said, kind))
    tab.size(*PHONE)
    tab.open(f"{site.url}/live")
    tab.wait(SEEN.format("row"))
    return tab


def _at(said: Said, kind: str, phase: str = "work", **changed: Any) -> str:
    """What was told in the middle of the second piece, or of the rest after it."""

    def wanted(one: dict[str, Any]) -> bool:
        if kind == "stage":
            return True
        if kind == "past":
            return bool([piece["state"] for piece in one["strip"]][2] == "now")
        return bool(one["phase"] == phase and one["number_of"][0] == 2 and one["share"] > 0.2)

    return json.dumps({**json.loads(at(said.messages, kind, wanted)), **changed})


def _fits(tab: Tab) -> None:
    wide, screen = tab.run("[document.documentElement.scrollWidth, innerWidth]")
    assert wide <= screen, f"{wide} dots on a screen of {screen}"


def _accessible(tab: Tab, engine: str) -> None:
    """What the engine finds amiss, in both looks."""
    if not tab.run("Boolean(window.axe)"):
        tab.run(f"{engine}; true")
    for theme in ("dark", "light"):
        tab.run(f"document.documentElement.dataset.theme = '{theme}'")
        found = tab.run(
            "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map("
            "one => [one.id, one.help, one.nodes.slice(0, 3).map(node => node.html + ' ' + "
            "node.failureSummary)]))"
        )
        assert found == [], f"{theme}: {json.dumps(found, indent=1)}"


@pytest.fixture(scope="module")
def engine() -> str:
    source = axe_source()
    if source is None:
        pytest.skip("axe-core is not installed: npm pack axe-core, into .venv/axe-core")
    return source


# -------------------------------------------------------------------------------- all pages


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_each_screen_and_loads_nothing_from_elsewhere(
    tab: Tab, site: Served, path: str
) -> None:
    tab.problems.clear()
    tab.requests.clear()
    tab.size(*PHONE)
    tab.open(site.url + path)
    for size in (PHONE, ON_ITS_SIDE, TABLET, DESK):
        tab.size(*size)
        _fits(tab)
    hosts = {url.split("/")[2] for url in tab.requests}
    assert hosts == {f"localhost:{site.listening.port}"}
    assert [one for one in tab.problems if "404" not in one or path != "/nothing"] == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible(tab: Tab, site: Served, engine: str, path: str) -> None:
    tab.size(*PHONE)
    tab.open(site.url + path)
    _accessible(tab, engine)


def test_colours_stay_as_they_were_chosen(tab: Tab, site: Served) -> None:
    tab.open(f"{site.url}/sessions")
    look = "getComputedStyle(document.body.parentElement).backgroundColor"
    assert tab.run(look) == "rgb(11, 15, 20)"  # dark, whatever the device likes
    tab.click("#theme")
    assert tab.run(look) == "rgb(255, 255, 255)"
    tab.open(f"{site.url}/bests")
    assert tab.run("document.documentElement.dataset.theme") == "light"
    assert tab.run(look) == "rgb(255, 255, 255)"
    for _ in range(2):
        tab.click("#theme")
    assert tab.run("document.documentElement.dataset.theme") == "dark"


# ------------------------------------------------------------------------------------- live


def test_the_live_page_is_read_at_a_glance_on_each_screen(rowing: Tab, said: Said) -> None:
    now = json.loads(_at(said, "now"))
    rowing.wait(f"document.getElementById('pace').textContent === '{now['pace']}'")
    text = rowing.text()
    for words in ("Piece 2 of 3: 250m", "Next: 1:00 rest", "Rate 18–20", now["watts"]):
        assert words in text
    for width, height in (PHONE, ON_ITS_SIDE, TABLET, DESK):
        rowing.size(width, height)
        _fits(rowing)
        sizes, cut, below = rowing.run(
            "(() => { const all = [...document.querySelectorAll('.num b')]; return ["
            "all.map(at => parseFloat(getComputedStyle(at).fontSize)), "
            "all.filter(at => at.scrollWidth > at.closest('.num').clientWidth).map(at => at.id), "
            "document.querySelector('.controls').getBoundingClientRect().bottom]; })()"
        )
        assert cut == []
        # Two metres away a digit of 12 mm is read at ease: 45 dots on a telephone, more elsewhere.
        assert min(sizes) >= (45 if height > 400 else 40), (width, height, sizes)
        assert max(sizes) >= (90 if width < 400 else 100) or (width, height) == ON_ITS_SIDE
        assert below <= height, "the buttons are within the first screen"
        if (width, height) in (TABLET, DESK):
            tall = rowing.run("document.documentElement.scrollHeight")
            assert tall <= height, "nothing is to be scrolled to"
        lines = rowing.run(
            "[...document.querySelectorAll('.controls button')].filter(at => !at.hidden).map(at =>"
            " { const text = document.createRange(); text.selectNodeContents(at);"
            " return [at.textContent, text.getClientRects().length, at.scrollWidth <= "
            "at.clientWidth]; }).filter(([, lines, fits]) => lines !== 1 || !fits)"
        )
        assert lines == [], (width, height)
        wide = rowing.run(
            "(() => { const w = [...document.querySelectorAll('.controls button:not([hidden])')]."
            "map(at => at.getBoundingClientRect().width); return Math.max(...w) / Math.min(...w);"
            " })()"
        )
        assert wide < 2.5, (width, height)


@pytest.mark.parametrize(
    ("stage", "shown"),
    [("idle", "idle"), ("connecting", "waiting"), ("recording", "opening"), ("ended", "opening")],
)
def test_the_live_page_says_where_it_is_before_the_server_speaks(
    site: Served, stage: str, shown: str
) -> None:
    """As it is painted first, before any of its script has run."""
    site.tell(wire.stage(stage))
    try:
        text = site.ask("/live")[1].decode()
    finally:
        site.tell(wire.stage("idle"))
    open_sections = re.findall(r'<(?:section|div) id="(\w+)">', text)
    assert open_sections == [shown]


def test_the_live_page_is_accessible(rowing: Tab, site: Served, said: Said, engine: str) -> None:
    for phase in ("work", "rest"):
        still = {"countdown": None, "speed": 1.0, "age": 0.1}
        site.tell(_at(said, "now", phase, zone="AT", zone_place=2, ceiling="140", **still))
        resting = "document.getElementById('row').classList.contains('resting')"
        rowing.wait(f"{resting} === {str(phase == 'rest').lower()}")
        rowing.size(*PHONE)
        _accessible(rowing, engine)
    rowing.click("#end")
    rowing.wait("document.getElementById('sure').open")
    _accessible(rowing, engine)
    rowing.press("Escape")


def test_buttons_and_keys_reach_the_recording(rowing: Tab, site: Served) -> None:
    site.pressed.clear()
    for label in ("next", "undo", "pause", "extend", "mark"):
        rowing.click(f'[data-press="{label}"]')
        rowing.wait("document.getElementById('said').textContent !== ''")
    for key in "nupem":
        rowing.press(key)
    _until_pressed(rowing, site, 10)
    assert site.pressed[:5] == ["next", "undo", "pause", "extend", "mark"]
    assert sorted(site.pressed[5:]) == sorted(site.pressed[:5])


def _until_pressed(tab: Tab, site: Served, count: int) -> None:
    for _ in range(200):
        if len(site.pressed) >= count:
            return
        tab.run("new Promise(done => setTimeout(done, 10))")
    raise AssertionError(site.pressed)


def test_ending_is_asked_for_once_more(rowing: Tab, site: Served) -> None:
    site.pressed.clear()
    rowing.press("q")
    rowing.wait("document.getElementById('sure').open")
    assert rowing.run("document.activeElement.id") == "sure-no"
    rowing.press("n")  # no key of the recording now
    rowing.press("Escape")
    rowing.wait("!document.getElementById('sure').open")
    rowing.click("#end")
    rowing.wait("document.getElementById('sure').open")
    assert site.pressed == []
    rowing.press("Tab")
    rowing.press("Enter")
    _until_pressed(rowing, site, 1)
    assert site.pressed == ["end"]


def test_every_button_is_reached_by_tab(rowing: Tab) -> None:
    wanted = rowing.run(
        "[...document.querySelectorAll('a[href], button')].filter(at => !at.closest('[hidden]') "
        "&& !at.closest('dialog')).length"
    )
    rowing.run("document.activeElement.blur()")
    seen = set()
    for _ in range(wanted + 3):
        rowing.press("Tab")
        seen.add(rowing.run(
            "(at => (at.id || at.dataset.press || at.getAttribute('href') || at.tagName))"
            "(document.activeElement)"
        ))  # fmt: skip
    assert {"next", "undo", "pause", "extend", "mark", "end", "theme", "/sessions"} <= seen
    outline = rowing.run("document.getElementById('end').focus(), "
                         "getComputedStyle(document.activeElement).outlineStyle")  # fmt: skip
    assert outline != "none"


def test_a_countdown_is_seen_and_said(rowing: Tab, site: Served, said: Said) -> None:
    site.tell(_at(said, "now", "rest", countdown=2.9, speed=1.0, next="250m", next_work=True))
    rowing.wait("document.getElementById('row').classList.contains('counting')")
    rowing.wait("document.getElementById('cue').textContent.startsWith('Row in ')")
    assert rowing.run("document.getElementById('go-label').textContent") == "Row in"
    # The clock of the page runs on by itself.
    rowing.wait("document.getElementById('go').textContent === '0:01'")


def test_above_the_ceiling_is_told_in_words_and_looks(
    rowing: Tab, site: Served, said: Said
) -> None:
    held = [{"name": "HR", "place": "hr", "limits": "≤ 140", "state": "above",
             "advice": "ease off"}]  # fmt: skip
    site.tell(_at(said, "now", zone="TR", zone_place=3, ceiling="140", held=held))
    rowing.wait("document.getElementById('zone').textContent === '▲ above 140'")
    assert "▲ HR ≤ 140: ease off" in rowing.text()
    assert rowing.run("document.getElementById('tile-hr').classList.contains('over')")


def test_a_sprint_of_more_than_a_thousand_watts_is_within_its_tile(
    rowing: Tab, site: Served, said: Said
) -> None:
    site.tell(_at(said, "now", watts="1012"))
    rowing.wait("document.getElementById('watts').textContent === '1012'")
    for size in (PHONE, ON_ITS_SIDE, TABLET, DESK):
        rowing.size(*size)
        assert rowing.run(
            "document.getElementById('watts').getBoundingClientRect().width <= "
            "document.getElementById('tile-watts').clientWidth"
        ), size


def test_what_is_stale_is_told_and_greyed(rowing: Tab, site: Served, said: Said) -> None:
    assert not rowing.run(SEEN.format("stale"))
    site.tell(_at(said, "now", age=9.0, speed=1.0))
    rowing.wait("document.getElementById('stale').textContent === "
                "'No device heard for 9 s.'")  # fmt: skip
    assert rowing.run("document.getElementById('row').classList.contains('old')")
    colours = (
        "new Set([...document.querySelectorAll('.num b')].map(at => getComputedStyle(at).color))"
    )
    assert rowing.run(f"({colours}).size") == 1
    site.tell(_at(said, "now", age=0.1, speed=1.0))
    rowing.wait("document.getElementById('stale').hidden")
    # Nothing comes of the server either: after three seconds.
    rowing.wait("document.getElementById('stale').textContent.startsWith('No news for 3 s.')")
    assert rowing.run("document.getElementById('row').classList.contains('old')")


def test_the_end_leads_to_the_session(rowing: Tab, site: Served) -> None:
    site.tell(wire.stage("ended", 1))
    rowing.wait(SEEN.format("over"))
    assert not rowing.run(SEEN.format("row"))
    rowing.click("#over-link")
    rowing.wait("location.pathname === '/sessions/1'")
    rowing.wait("document.querySelector('h1').textContent.startsWith('3x250m')")


def test_where_the_screen_cannot_be_kept_on_the_page_says_so(browser: Browser, said: Said) -> None:
    """A name that is no loopback is no secure context: as on a telephone."""
    with served(
        said.database, address="0.0.0.0", token="a-secret", names=frozenset({"erg.test"})
    ) as here:
        there = browser.tab()
        url = f"http://erg.test:{here.listening.port}"
        there.open(f"{url}/?token=a-secret")
        there.wait("location.pathname === '/sessions'")
        assert "token" not in there.run("location.href")
        for kind in ("stage", "past", "now"):
            here.tell(_at(said, kind))
        there.open(f"{url}/live")
        there.wait(
            "document.getElementById('awake').textContent.includes('cannot keep the screen')"
        )
        there.close()


def test_the_page_comes_back_after_the_server(browser: Browser, said: Said) -> None:
    there = browser.tab()
    with served(said.database) as first:
        port = first.listening.port
        for kind in ("stage", "past", "now"):
            first.tell(_at(said, kind))
        there.open(f"{first.url}/live")
        there.wait(SEEN.format("row"))
        there.run("window.before = true")
    with served(said.database, port=port) as second:
        for kind in ("stage", "past", "now"):
            second.tell(_at(said, kind, **({"pace": "1:23.4"} if kind == "now" else {})))
        there.wait("!window.before && document.getElementById('pace').textContent === '1:23.4'")
        second.pressed.clear()
        there.click('[data-press="mark"]')
        _until_pressed(there, second, 1)
    there.close()


# ------------------------------------------------------------------------------------ whole


def test_a_session_is_started_steered_and_ended_from_the_page(
    browser: Browser, tmp_path: Path
) -> None:
    """`rowlog serve` as a user has it."""
    engine = axe_source()
    path = tmp_path / "rowlog.db"
    with Process("serve", "--db", path, "--port", "0", "--json") as server:
        url = server.object()["url"]
        there = browser.tab()
        there.open(f"{url}live")
        there.wait(SEEN.format("idle"))
        if engine is not None:
            _accessible(there, engine)
        _fits(there)
        _type(there, "plan", "3x100q")
        there.wait("document.getElementById('sums').classList.contains('error-text')")
        _type(there, "plan", "30:00")
        there.wait("document.getElementById('sums').textContent.includes('30:00 by time')")
        _type(there, "rower", "sim:rower?speed=10")
        _type(there, "strap", "sim:strap?speed=10")
        there.click("#start .go")
        there.wait(STAGE.format("recording"))
        there.wait("document.getElementById('pace').textContent.includes(':')")
        there.press("m")
        there.wait("document.getElementById('said').textContent === 'Marked'")
        there.click("#end")
        there.click("#sure-yes")
        there.wait(SEEN.format("over"))
        if engine is not None:
            _accessible(there, engine)
        there.click("#over-link")
        there.wait("document.querySelector('h1')?.textContent === '30:00'")
        (session,) = load_sessions(path)
        assert session.status == "complete"
        assert load(path, session.id).quality.frames > 0
        server.send(signal.SIGTERM)
        assert server.end()[0] == 0
        there.close()


def _type(tab: Tab, name: str, text: str) -> None:
    tab.run(
        f"(at => {{ at.value = {text!r}; at.dispatchEvent(new Event('input')); }})"
        f"(document.querySelector('[name=\"{name}\"]'))"
    )
