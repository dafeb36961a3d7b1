"""Whether everybody can read a report: contrast of its colours, and what an engine finds amiss."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from datetime import date
from html import unescape
from pathlib import Path

import pytest

from rowlog.charts_report import HEART, INK, LINE, PACE, POWER, RATE, SOFT, shade
from rowlog.contents import load_contents
from rowlog.periods import season_named
from rowlog.render_report import STYLE
from rowlog.replaying import replay_file
from rowlog.reporting import report_season, report_session
from rowlog.summary_athletes import add_athlete
from tests.support import ROOT

pytest.importorskip("matplotlib")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = ROOT / ".venv" / "axe-core" / "axe.min.js"
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


PAGES = ("intervals", "circuit", "season")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    database = folder / "r.db"
    fixtures = {
        "intervals": "ftms/link_lost_1000m.frames",
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


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed in .venv/axe-core")
@pytest.mark.parametrize("name", [*PAGES, "spoilt"])
def test_an_engine_finds_nothing_amiss(name: str, pages: dict[str, Path], tmp_path: Path) -> None:
    page = pages["season" if name == "spoilt" else name].read_text()
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    if name == "spoilt":
        page = page.replace("</main>", '<p style="color:var(--line)">faint</p></main>')
    copy = tmp_path / "page.html"
    copy.write_text(page.replace("</body>", f"<script>{AXE.read_text()}</script>{ASK}</body>"))
    told = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
         "--disable-background-networking", "--window-size=390,844",
         f"--user-data-dir={tmp_path}/u", "--virtual-time-budget=20000", copy.as_uri()],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    found = re.search(r'<pre id="found">(.*?)</pre>', told.stdout, re.DOTALL)
    assert found is not None, told.stderr[-500:]
    amiss = json.loads(unescape(found[1]))
    if name == "spoilt":
        assert [[one[0] for one in look] for look in amiss] == [["color-contrast"]] * 2
    else:
        assert amiss == [[], []], json.dumps(amiss, indent=1)[:3000]


ASK = """<pre id="found"></pre><script>
const look = () => axe.run(document.querySelector("main"), {resultTypes: ["violations"]}).then(
  found => found.violations.map(one => [one.id, one.help, one.nodes.slice(0, 3).map(
    node => node.html.slice(0, 200))]));
const style = document.querySelector("style");
(async () => {
  const asked = "(prefers-color-scheme:dark)", told = [];
  const plain = style.textContent;
  for (const media of ["(max-width:0px)", "(min-width:0px)"]) {
    style.textContent = plain.replace(asked, media);
    told.push(await look());
  }
  document.getElementById("found").textContent = JSON.stringify(told);
})();
</script>"""
