"""Reports: what is in a page and a picture, what is not, and what is said when there is none."""

from __future__ import annotations

import html
import importlib.util
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_hex
from typer.testing import CliRunner

from rowlog.charts_inline import charts
from rowlog.charts_pieces import force_curves, recoveries
from rowlog.charts_report import GAP, figure
from rowlog.charts_reps import reps_of
from rowlog.charts_season import draw_bests
from rowlog.charts_tracks import draw_tracks
from rowlog.charts_values import gaps_of, tracks
from rowlog.cli import whole_app
from rowlog.contents import Contents, load_contents
from rowlog.exporting import ExportError
from rowlog.periods import season_named
from rowlog.render import Style, clock_time, metres, pace, tenth, whole
from rowlog.render_chart import session_charts
from rowlog.render_report import session_page
from rowlog.render_rows import title_of
from rowlog.replaying import replay_file
from rowlog.reporting import ReportError, report_session
from rowlog.summary_bests import Best
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import FramesHeader, write_frames
from rowlog_drivers.simulator import Stretch, simulate
from tests.support import ROOT
from tests.test_trends import TODAY as TODAY_DATE
from tests.test_years_commands import call

FIXTURES = (
    "ftms/undefined_rests_4x300m.frames",
    "ftms/link_lost_1000m.frames",
    "heart_rate/circuit_off_the_machine.frames",
    "waterrower/intervals_3x300m_reset.frames.gz",
)
RESTS, LOST, CIRCUIT, WATER = range(1, 5)
HOSTILE = "<script>alert(1)</script>\"'&$\\frac{$</style>\x1b[31m"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("reports") / "rowlog.db"
    for name in FIXTURES:
        replay_file(ROOT / "fixtures" / name, path, athlete="Ann")
    return path


@pytest.fixture(scope="module")
def contents(database: Path) -> dict[int, Contents]:
    return {number: load_contents(database, number) for number in (RESTS, LOST, CIRCUIT, WATER)}


@pytest.fixture(scope="module")
def pages(contents: dict[int, Contents]) -> dict[int, str]:
    return {number: session_page(one, charts(one), None) for number, one in contents.items()}


class Page(HTMLParser):
    """Tags in order, the rows of every table, and whether each tag is closed in its place."""

    VOID = ("meta", "path", "use", "br", "rect")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: list[list[list[str]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            self.tables[-1][-1][-1] += data


@pytest.mark.parametrize("number", (RESTS, LOST, CIRCUIT, WATER))
def test_a_page_asks_for_nothing_elsewhere(pages: dict[int, str], number: int) -> None:
    page = Page(pages[number])
    names = {name for name, _ in page.tags}
    assert not names & {"script", "link", "img", "iframe", "object", "image", "base", "form", "a"}
    for _, attributes in page.tags:
        for name, value in attributes.items():
            if name in ("href", "xlink:href", "src"):
                assert value is not None and value.startswith("#")
            assert not name.startswith("on")
    assert not re.search(r"https?:|url\((?!#)|@import|//", pages[number])
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 0
    used = re.findall(r"url\(#([^)]*)\)|href=\"#([^\"]*)\"", pages[number])
    assert {one or other for one, other in used} <= set(ids)


@pytest.mark.parametrize("number", (RESTS, LOST, CIRCUIT, WATER))
def test_a_page_can_be_heard(pages: dict[int, str], number: int) -> None:
    page = Page(pages[number])
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1 and set(levels[1:]) == {2}
    assert ("html", {"lang": "en"}) in page.tags
    drawn = [attributes for name, attributes in page.tags if attributes.get("role") == "img"]
    assert drawn and all(attributes["aria-label"] for attributes in drawn)
    heads = [attributes.get("scope") for name, attributes in page.tags if name == "th"]
    assert set(heads) == {"col", "row"}
    assert sum(name == "caption" for name, _ in page.tags) == len(page.tables)


@pytest.mark.parametrize("number", (RESTS, LOST, CIRCUIT, WATER))
def test_every_piece_is_in_the_table_with_the_numbers_of_show(
    database: Path, pages: dict[int, str], number: int
) -> None:
    shown = json.loads(call(database, "show", str(number), "--json"))
    head, *rows = Page(pages[number]).tables[0]
    found = [dict(zip(head, row, strict=True)) for row in rows]
    segments = shown["segments"]
    assert len(found) == len(segments) + (3 if shown["session"]["rest_s"] else 2)
    for row, segment in zip(found, segments, strict=False):
        assert row["Time"] == clock_time(segment["duration_s"])
        work = segment["kind"] == "work"
        assert (row["Piece"] == segment["kind"]) != work
        if "Metres" in row:
            assert row["Metres"] == _or_empty(metres, segment["distance_m"])
        if "HR" in row:
            assert row["HR"] == _or_empty(whole, segment["mean_heart_rate_bpm"])
        if work and "Pace" in row:
            assert row["Pace"] == _about(segment, "mean_pace_s_per_500m", pace)
        if work and "Rate" in row:
            assert row["Rate"] == _about(segment, "mean_stroke_rate_spm", tenth)
        if work and "Watts" in row:
            assert row["Watts"] == _about(segment, "mean_power_w", whole)
        if "Highest" in row:
            assert row["Highest"] == _or_empty(whole, segment["max_heart_rate_bpm"])
        if "At end" in row:
            assert row["At end"] == _or_empty(whole, segment["end_heart_rate_bpm"])
        if work and "After 60 s" in row:
            fallen = segment["heart_rate_drop_60s_bpm"]
            assert row["After 60 s"] == ("–" if fallen is None else f"-{whole(fallen)}")
        if work and "Exercise" in row:
            assert row["Exercise"] == segment["activity"]
    work_row = found[len(segments)]
    assert work_row["Time"] == clock_time(shown["session"]["work_s"])
    assert found[-1]["Time"] == clock_time(shown["session"]["duration_s"])


@pytest.mark.parametrize("number", (RESTS, LOST, CIRCUIT, WATER))
def test_the_head_splits_and_zones_have_the_numbers_of_show(
    database: Path, pages: dict[int, str], number: int
) -> None:
    shown = json.loads(call(database, "show", str(number), "--json"))
    session = shown["session"]
    found = dict(re.findall(r"<dt>([^<]*)</dt><dd>([^<]*?)(?: <small>|</dd>)", pages[number]))
    wanted = {
        "Work": _or_empty(metres, session["work_distance_m"]),
        "Time of work": _or_empty(clock_time, session["work_s"]),
        "Mean pace": _or_empty(pace, session["mean_pace_s_per_500m"]),
        "Stroke rate": _or_empty(tenth, session["mean_stroke_rate_spm"]),
        "Mean power": _or_empty(whole, session["mean_power_w"]),
        "Mean heart rate": _or_empty(whole, _mean_of_work(shown["segments"])),
        "Highest": _or_empty(whole, max(_of_work(shown["segments"], "max_heart_rate_bpm"))),
    }
    assert found == {name: value for name, value in wanted.items() if value}
    tables = {table[0][0]: table for table in Page(pages[number]).tables}
    pieces = {s["piece"] for s in shown["segments"] if s["kind"] == "work"}
    assert ("Split" in tables) == (len(pieces) <= 2 and len(shown["splits"]) > 1)
    if "Split" in tables:
        head, *rows = tables["Split"]
        for row, split in zip(rows, shown["splits"], strict=True):
            cells = dict(zip(head, row, strict=True))
            assert cells["Time"] == clock_time(split["duration_s"])
            assert cells["Pace"] == _about(split, "mean_pace_s_per_500m", pace)
            assert cells["Watts"] == _about(split, "mean_power_w", whole)
            assert cells["HR"] == whole(split["mean_heart_rate_bpm"])
    for title, key, work in (("Exercise", "exercises", "Time"), ("Round", "rounds", "Work")):
        assert (title in tables) == bool(shown[key])
        found_rows = tables.get(title, [[]])
        for told_row, one in zip(found_rows[1:], shown[key], strict=True):
            said = dict(zip(found_rows[0], told_row, strict=True))
            assert said[work] == clock_time(one["work_s"])
            assert said["HR"] == whole(one["mean_heart_rate_bpm"])
    lines = call(database, "show", str(number)).splitlines()
    told = [html.unescape(line) for line in re.findall("<li>([^<]*)</li>", pages[number])]
    assert len(told) >= 3 and [line for line in lines if line in told] == told
    # The athlete's maximum is not known: no zones are told.
    assert "Zone" not in tables and shown["zones"] == []


def _of_work(segments: list[dict[str, Any]], name: str) -> list[float]:
    return [one[name] for one in segments if one["kind"] == "work" and one[name] is not None]


def _mean_of_work(segments: list[dict[str, Any]]) -> float:
    """By the time: the rests, in which a heart goes down, are no part of it."""
    heard = [one for one in segments if one["kind"] == "work" and one["heart_rate_coverage"]]
    seconds = [one["duration_s"] * one["heart_rate_coverage"] for one in heard]
    return float(np.average(_of_work(heard, "mean_heart_rate_bpm"), weights=seconds))


def _about(stretch: dict[str, Any], name: str, show: Any) -> str:
    """A figure as it is told, marked where it is estimated."""
    text = _or_empty(show, stretch[name])
    return f"~{text}" if text and stretch["origins"].get(name) == "estimated" else text


def _or_empty(show: Any, value: float | None) -> str:
    return "" if value is None else str(show(value))


def test_what_a_machine_does_not_say_is_not_drawn(pages: dict[int, str]) -> None:
    names = {number: re.findall("<h2>([^<]*)</h2>", page) for number, page in pages.items()}
    assert names[CIRCUIT] == [
        "Over time", "Intervals", "Exercises", "Rounds", "Piece by piece", "Notes",
    ]  # fmt: skip
    assert "Force" not in names[WATER]
    told = [t["aria-label"] for _, t in Page(pages[CIRCUIT]).tags if t.get("role") == "img"]
    assert told[0] is not None and "heart rate over time" in told[0] and "pace" not in told[0]


def test_hostile_words_stay_words(contents: dict[int, Contents], tmp_path: Path) -> None:
    one = contents[CIRCUIT]
    segments = tuple(s._replace(activity=HOSTILE) for s in one.segments)
    session = one.session._replace(
        plan=HOSTILE, athlete=HOSTILE, note=HOSTILE, tags=(HOSTILE,), activity=HOSTILE
    )
    hostile = one._replace(summary=one.summary._replace(session=session, segments=segments))
    page = session_page(hostile, charts(hostile), HOSTILE)
    assert "script" not in {name for name, _ in Page(page).tags}
    assert page.count("</style>") == 1
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(1)" in page
    from rowlog.charts_poster import poster

    for kind in ("svg", "pdf", "png"):
        with (tmp_path / f"poster.{kind}").open("wb") as out:
            poster(hostile, out, kind)
    picture = (tmp_path / "poster.svg").read_text(encoding="utf-8")
    assert "<script" not in picture
    root = ElementTree.fromstring(picture)
    (title,) = root.findall("{http://www.w3.org/2000/svg}title")
    assert title.text == root.get("aria-label") == title_of(hostile)
    assert root.get("role") == "img" and "<script>alert(1)" in title.text


def test_force_curves_are_means_over_the_drive(contents: dict[int, Contents]) -> None:
    """Half of the strokes peak at 100 N, half at 300 N, with other numbers of points: 200 N."""
    one = contents[RESTS]
    assert force_curves(one) == []
    (first, *_) = reps_of(one.segments)
    inside = [s for s in one.main_strokes if first.segment.started_at_s < s.t_s <= first.end_s]
    pair = (
        inside[0]._replace(force_curve_n=(0.0, 50.0, 100.0, 50.0, 0.0)),
        inside[1]._replace(force_curve_n=(0.0, 75.0, 150.0, 225.0, 300.0, 225.0, 150.0, 75.0, 0.0)),
    )
    with_force = one._replace(strokes=pair)
    ((name, number, newtons),) = force_curves(with_force)
    assert (name, number, len(newtons)) == ("1", 1, 61)
    assert newtons[30] == pytest.approx(200.0)
    assert newtons[15] == pytest.approx(100.0)
    assert "a peak of 200 newtons" in charts(with_force)[-1].told


def test_recovery_ends_where_the_next_piece_begins(contents: dict[int, Contents]) -> None:
    one = contents[RESTS]
    reps = reps_of(one.segments)
    found = recoveries(one)
    assert found
    for rep, times, _ in found:
        later = [other.segment.started_at_s for other in reps if other.number > rep.number]
        end_s = min([rep.end_s + 120, one.duration_s, *later[:1]])
        assert times[0] >= 0 and times[-1] <= end_s - rep.end_s


def test_pictures_by_suffix(database: Path, tmp_path: Path) -> None:
    for suffix, start in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        file = tmp_path / f"row{suffix}"
        said = json.loads(call(database, "report", str(RESTS), str(file), "--json"))
        raw = file.read_bytes()
        assert raw.startswith(start)
        assert said == {"file": str(file), "format": suffix[1:], "bytes": len(raw)}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["row.pdf", "row.png", "row.svg"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ((Stretch(kind="wait", seconds=5.0),), "Nothing was rowed"),
        (
            (
                Stretch(kind="wait", seconds=4.0),
                Stretch(kind="work", seconds=2.0),
                Stretch(kind="wait", seconds=6.0),
            ),
            "Intervals",
        ),
    ],
    ids=["nothing", "one stroke"],
)
def test_a_report_of_next_to_nothing(
    script: tuple[Stretch, ...], said: str, tmp_path: Path
) -> None:
    session = simulate(script)
    path, database = tmp_path / "row.frames", tmp_path / "r.db"
    end_ns = round(session.truth.end_s * 1e9)
    write_frames(path, FramesHeader(sources=session.sources, end_ns=end_ns), session.frames)
    number = replay_file(path, database)
    for suffix in ("html", "png", "pdf"):
        report_session(database, number, tmp_path / f"row.{suffix}")
    text = (tmp_path / "row.html").read_text(encoding="utf-8")
    assert said in text
    # No rate and no power is drawn that was 0 all the time.
    told = [t["aria-label"] for _, t in Page(text).tags if t.get("role") == "img"]
    assert any("power" in (one or "") for one in told) == (said == "Intervals")
    assert "beats a minute" in (told[0] or "")


def test_nothing_is_overwritten_unasked(database: Path, tmp_path: Path) -> None:
    file = tmp_path / "row.html"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(CallError, match="exists already"):
        call(database, "report", str(file))
    assert file.read_text(encoding="utf-8") == "mine"
    assert "kB" in call(database, "report", str(file), "--force")
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_calls_that_are_wrong(database: Path, tmp_path: Path) -> None:
    for words, what in (
        ((str(tmp_path / "row.doc"),), "does not say what"),
        ((str(tmp_path / "none" / "row.html"),), "There is no folder"),
        (("1", "2", str(tmp_path / "row.html")), "a session and a file"),
        (("soon", str(tmp_path / "row.html"), "--season"), "is no season"),
        ((str(tmp_path / "row.html"), "--athlete", "Ann"), "--athlete"),
    ):
        with pytest.raises(CallError, match=what) as raised:
            call(database, "report", *words)
        assert raised.value.exit_code == 2
    with pytest.raises(ReportError, match="No session was rowed in the season 1990"):
        call(database, "report", "--season", "1990", str(tmp_path / "row.html"))
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_it_says_so(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = importlib.util.find_spec
    monkeypatch.setattr(
        "rowlog.reporting.find_spec", lambda name: None if name == "matplotlib" else known(name)
    )
    with pytest.raises(ReportError, match="take matplotlib") as raised:
        report_session(database, RESTS, tmp_path / "row.html")
    assert raised.value.exit_code == 1
    assert "rowlog[report]" in str(raised.value)


def test_a_folder_that_cannot_be_written(database: Path) -> None:
    with pytest.raises(ExportError, match="cannot be written"):
        report_session(database, RESTS, Path("/proc/row.svg"))


@pytest.mark.parametrize("suffix", (".html", ".png", ".svg", ".pdf"))
def test_a_season(database: Path, tmp_path: Path, suffix: str) -> None:
    sessions = json.loads(call(database, "sessions", "--json", "--limit", "0"))
    began = min(session["started_at"] for session in sessions)
    year = int(began[:4]) + (began[5:7] >= "05")
    inside = [s for s in sessions if f"{year - 1}-05" <= s["started_at"][:7] < f"{year}-05"]
    file = tmp_path / f"season{suffix}"
    call(database, "report", "--season", str(year), str(file))
    assert file.stat().st_size > 1000
    if suffix == ".html":
        text = file.read_text(encoding="utf-8")
        assert f"<dt>Sessions</dt><dd>{len(inside)}</dd>" in text
        assert not re.search(r"https?:|url\((?!#)|@import|<script", text)
        (months, *_) = Page(text).tables
        assert sum(int(row[1]) for row in months[1:]) == len(inside)


def best_over(kind: str, target: float, pace_s: float) -> Best:
    metres_, seconds = (
        (target, target * pace_s / 500) if kind == "distance" else (target * 500 / pace_s, target)
    )
    return Best(
        event="", kind=kind, target=target, time_s=seconds, distance_m=metres_,
        pace_s_per_500m=pace_s, power_w=200.0, whole=True, session=1,
        started_at="2026-01-02T03:04:05+00:00", start_from="said", athlete=None, machine=None,
        plan=None,
    )  # fmt: skip


@pytest.mark.parametrize("width", [3.6, 8.0])
def test_bests_over_distances_and_over_times_are_lines_of_their_own(width: float) -> None:
    rows = [best_over("distance", m, p) for m, p in ((500, 92), (5000, 109), (6000, 110))]
    rows += [best_over("time", t, p) for t, p in ((60, 88), (1800, 108.5), (3600, 112))]
    made, (axis,) = figure(width, [2.7])
    draw_bests(axis, rows, width)
    distances, times = axis.get_lines()
    assert np.asarray(distances.get_xdata()).tolist() == [500, 5000, 6000]
    assert np.asarray(times.get_ydata()).tolist() == [88, 108.5, 112]
    legend = axis.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["over a distance", "over a time"]
    minutes = [text.get_text() for text in axis.texts]
    assert minutes == (["1'", "30'", "60'"] if width < 5 else ["1 min", "30 min", "60 min"])
    made.canvas.draw()
    named = [label.get_window_extent() for label in axis.get_xticklabels() if label.get_text()]
    assert len(named) >= 2
    assert not any(a.overlaps(b) for a, b in pairwise(named))
    low, high = axis.get_ylim()
    assert low > high  # the fast ones at the top


def test_seasons_by_name() -> None:
    assert season_named(None, TODAY_DATE).name == "2027"
    assert season_named("2026", TODAY_DATE).start.isoformat() == "2025-05-01"
    for text in ("26", "0001", "20x6", "２０２６"):
        with pytest.raises(CallError, match="is no season"):
            season_named(text, TODAY_DATE)


# --------------------------------------------------------------------------------- terminal


def test_charts_in_the_terminal(database: Path, contents: dict[int, Contents]) -> None:
    text = call(database, "show", str(RESTS), "--chart")
    assert "Pace of the work" in text
    assert all(len(line) <= 80 for line in text.splitlines())
    words = ["show", str(RESTS), "--chart", "--db", str(database)]
    done = CliRunner().invoke(whole_app(), words, env={"COLUMNS": "120"})
    assert max(len(line) for line in done.output.splitlines()) > 100
    plain = session_charts(contents[RESTS], Style(unicode=False))
    assert plain.isascii() and "*" in plain and "====" in plain
    strap = session_charts(contents[CIRCUIT], Style())
    assert "Pace" not in strap and "Heart rate" in strap


def test_nothing_is_drawn_where_a_device_was_not_heard(contents: dict[int, Contents]) -> None:
    one = contents[LOST]
    (gap,) = one.summary.gaps
    grid = one.grid()
    axes = figure(9.0, [1.5] * len(tracks(one, grid)))[1]
    draw_tracks(axes, one, grid, 9.0)
    inside = (grid.t_s > gap.started_at_s) & (grid.t_s < gap.started_at_s + gap.duration_s)
    drawn = [np.asarray(axis.get_lines()[-1].get_ydata(), dtype=float)[inside] for axis in axes]
    assert inside.sum() >= 5
    rower, strap = drawn[:-1], drawn[-1]
    assert rower and all(np.isnan(values).all() for values in rower)
    assert not np.isnan(strap).any()
    tinted = [any(to_hex(patch.get_facecolor()) == GAP for patch in axis.patches) for axis in axes]
    assert tinted == [True] * len(rower) + [False]


def test_a_heart_rate_that_the_rower_relays_is_lost_with_it(contents: dict[int, Contents]) -> None:
    one = contents[LOST]
    (gap,) = one.summary.gaps
    relayed = one._replace(series=replace(one.series, heart_rate_source=gap.source))
    for heart in (True, False):
        assert gaps_of(relayed, heart=heart) == [gap]
    assert gaps_of(one, heart=True) == []
