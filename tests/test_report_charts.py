"""What stands in a report's charts: their scales, lines and words, and that all can be read."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from rowlog.charts_inline import MIDDLE_IN, NARROW_IN, WIDE_IN
from rowlog.charts_pages import Part, Rows, paged
from rowlog.charts_pieces import (
    compared,
    draw_pieces,
    draw_recovery,
    draw_zones,
    pieces_heights,
    places,
    recoveries,
)
from rowlog.charts_poster import head, parts_of
from rowlog.charts_report import drawing, figure, pace_scale
from rowlog.charts_reps import reps_of
from rowlog.charts_tracks import draw_tracks, heights, lasting
from rowlog.charts_values import scaled, smoothed, tracks, tracks_told, widened
from rowlog.contents import Contents, load_contents
from rowlog.render import Style, pace
from rowlog.render_chart import session_charts
from rowlog.render_rows import interval_rows, key_figures, split_rows
from rowlog.replaying import replay_file
from tests.support import ROOT

FIXTURES = (
    "ftms/intervals_8x500m.frames.gz",
    "ftms/stop_in_the_middle_750m.frames",
    "heart_rate/circuit_off_the_machine.frames",
    "waterrower/intervals_3x300m_reset.frames.gz",
    "pm5/intervals_3x200m.frames.gz",
    "ftms/link_lost_1000m.frames",
)
EIGHT, STOP, CIRCUIT, WATER, FORCE, LOST = range(1, 7)
NAN = float("nan")


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Contents]:
    path = tmp_path_factory.mktemp("charts") / "rowlog.db"
    for name in FIXTURES:
        replay_file(ROOT / "fixtures" / name, path, athlete="Ann")
    return {number: load_contents(path, number) for number in range(1, len(FIXTURES) + 1)}


# --------------------------------------------------------------------------------- values


def test_a_line_is_the_mean_of_its_neighbours_in_its_own_piece() -> None:
    """A window of 2 s reaches one second to either side, but not over holes nor other pieces."""
    values = np.array([1.0, 2.0, 6.0, NAN, 8.0, 10.0, 30.0])
    piece = np.array([0, 0, 0, 0, 0, 0, 1])
    mean, lowest, highest = smoothed(values, piece, 2.0)
    np.testing.assert_allclose(mean, [1.5, 3.0, 4.0, NAN, 9.0, 9.0, 30.0])
    np.testing.assert_allclose(lowest, [1.0, 1.0, 2.0, NAN, 8.0, 8.0, 30.0])
    np.testing.assert_allclose(highest, [2.0, 6.0, 6.0, NAN, 10.0, 10.0, 30.0])


def test_what_lasts_no_time_is_not_drawn() -> None:
    """The first run lasts 2 s, the second 4 s."""
    t_s = np.arange(10.0)
    values = np.array([NAN, 5.0, 5.0, 5.0, NAN, 7.0, 7.0, 7.0, 7.0, 7.0])
    kept = lasting(t_s, values, 3.0)
    assert np.isnan(kept[:5]).all() and (kept[5:] == 7).all()


@pytest.mark.parametrize(
    ("low", "high", "least", "wanted"),
    [(30.0, 32.0, 6.0, (28.0, 34.0)), (1.0, 3.0, 6.0, (0.0, 6.0)), (20.0, 30.0, 6.0, (20.0, 30.0))],
)
def test_a_scale_spans_enough(
    low: float, high: float, least: float, wanted: tuple[float, float]
) -> None:
    assert widened(low, high, least) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        (112.3, 119.0, ["1:54", "1:56", "1:58"]),
        (100.0, 160.0, ["1:45", "2:00", "2:15", "2:30"]),
        (114.1, 115.0, ["1:54.2", "1:54.4", "1:54.6", "1:54.8", "1:55.0"]),
    ],
)
def test_a_scale_of_paces_has_round_marks_and_the_fast_ones_above(
    low: float, high: float, wanted: list[str]
) -> None:
    made, (axis,) = figure(6.0, [2.0])
    pace_scale(axis, low, high)
    FigureCanvasAgg(made).draw()  # type: ignore[no-untyped-call]
    assert [mark.get_text() for mark in axis.get_yticklabels()][-len(wanted) :] == wanted
    assert axis.get_ylim() == (high, low)


def test_the_last_digits_wavering_does_not_fill_the_scale(contents: dict[int, Contents]) -> None:
    one = contents[EIGHT]
    grid = one.grid()
    spans = {}
    for track in tracks(one, grid):
        low, high, _ = scaled(one, grid, track)
        spans[track.kind] = high - low
    assert spans["pace"] >= 10 and spans["rate"] >= 6 and spans["power"] >= 40
    assert spans["heart"] >= 30


def test_a_rower_says_nothing_of_an_exercise_off_it(contents: dict[int, Contents]) -> None:
    """The second piece is made one with battle ropes: no rate, power or pace is drawn in it."""
    one = contents[EIGHT]
    second = reps_of(one.segments)[1].segment.index
    ropes = tuple(
        s._replace(activity="battle ropes") if s.index == second else s for s in one.segments
    )
    mixed = one._replace(summary=one.summary._replace(segments=ropes))
    grid = mixed.grid()
    inside = grid.segment == second
    before = {track.kind: track.values for track in tracks(one, grid)}
    for track in tracks(mixed, grid):
        assert np.isnan(track.values[inside]).all() == (track.kind != "heart")
        assert not np.isnan(before[track.kind][inside]).all()
        same = np.isclose(track.values, before[track.kind], equal_nan=True)
        assert same[~inside].all()


def test_a_machine_without_a_pace_is_drawn_by_its_metres(contents: dict[int, Contents]) -> None:
    one = contents[WATER]
    assert len(one.series.pace_s_per_500m[0]) == 0 == len(one.series.power_w[0])
    grid = one.grid()
    known = {track.kind: track for track in tracks(one, grid)}
    assert set(known) == {"pace", "rate", "power", "heart"}
    for segment in one.segments:
        if segment.kind == "work":
            inner = (grid.t_s > segment.started_at_s + 10) & (
                grid.t_s < segment.started_at_s + segment.duration_s - 10
            )
            speed = float(known["pace"].values[inner].mean())
            assert 500 / speed == pytest.approx(segment.mean_pace_s_per_500m, rel=0.02)
            assert float(known["power"].values[inner].mean()) == pytest.approx(
                segment.mean_power_w, rel=0.03
            )


def test_the_metres_of_a_rest_do_not_slow_the_pieces_beside_it(
    contents: dict[int, Contents],
) -> None:
    """A window over a piece's end would mix the last strokes with the wheel running out."""
    one = contents[WATER]
    grid = one.grid()
    (paces, *_) = tracks(one, grid)
    shown = paces.told(paces.values)
    for index, segment in enumerate(one.segments):
        if segment.kind == "work" and segment.mean_pace_s_per_500m is not None:
            last = shown[grid.segment == index][-5:]
            assert (last < 1.04 * segment.mean_pace_s_per_500m).sum() >= 3


def test_a_piece_with_a_pause_counts_as_a_whole(contents: dict[int, Contents]) -> None:
    one = contents[STOP]
    (rep,) = reps_of(one.segments)
    first, second = rep.stretches
    assert rep.end_s == second.started_at_s + second.duration_s
    assert first.distance_m is not None and second.distance_m is not None
    whole = 500 * (first.duration_s + second.duration_s) / (first.distance_m + second.distance_m)
    assert rep.pace_s_per_500m == pytest.approx(whole)
    assert rep.pace_s_per_500m == pytest.approx(one.session.mean_pace_s_per_500m, abs=0.05)
    assert rep.max_heart_rate_bpm == max(
        s.max_heart_rate_bpm for s in rep.stretches if s.max_heart_rate_bpm is not None
    )


def test_pieces_of_one_exercise_stand_beside_each_other(contents: dict[int, Contents]) -> None:
    reps = reps_of(contents[CIRCUIT].segments)
    assert [rep.name for rep in reps[:2]] == ["jumping jacks", "squats"]
    where = places(reps)
    assert sorted(where, key=where.__getitem__) == [1, 3, 5, 2, 4, 6]
    assert where[2] - where[5] > where[5] - where[3] == 1


def test_a_fall_of_the_heart_rate_is_broken_where_the_strap_was_silent(
    contents: dict[int, Contents],
) -> None:
    one = contents[EIGHT]
    rep = reps_of(one.segments)[0]
    times, beats = one.series.heart_rate_bpm
    kept = ~((times > rep.end_s + 30) & (times < rep.end_s + 50))
    series = one.series
    holed = one._replace(series=_replaced(series, heart_rate_bpm=(times[kept], beats[kept])))
    fall = recoveries(holed)[0]
    (at,) = np.flatnonzero(np.isnan(fall.heart_rate_bpm))
    assert fall.t_s[at - 1] <= 30 and fall.t_s[at + 1] >= 50
    assert not np.isnan(recoveries(one)[0].heart_rate_bpm).any()
    seldom = times[::30], beats[::30]
    assert recoveries(one._replace(series=_replaced(series, heart_rate_bpm=seldom))) == []


def _replaced(record: Any, **named: Any) -> Any:
    from dataclasses import replace

    return replace(record, **named)


def test_what_is_told_of_a_chart_is_what_it_shows(contents: dict[int, Contents]) -> None:
    one = contents[CIRCUIT]
    grid = one.grid()
    beats = grid.heart_rate_bpm[~np.isnan(grid.heart_rate_bpm)]
    told = tracks_told(one, grid, tracks(one, grid))
    assert told == f"heart rate from {beats.min():.0f} to {beats.max():.0f} beats a minute"


# --------------------------------------------------------------------------------- words


def _words(made: Figure) -> Iterator[tuple[Axes, str, Any]]:
    """Every word that can be seen in a drawing, and where it stands, in dots."""
    canvas = FigureCanvasAgg(made)
    canvas.draw()  # type: ignore[no-untyped-call]
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    for axis in made.axes:
        marks = [*axis.get_xticklabels(), *axis.get_yticklabels()]
        low, high = sorted(axis.get_ylim())
        outside = {
            id(mark)
            for at, mark in zip(axis.get_yticks(), axis.get_yticklabels(), strict=True)
            if not low <= at <= high
        }
        shown = axis.xaxis.get_tick_params().get("labelbottom", True)
        legend = axis.get_legend()
        others = [axis.title, axis._left_title, axis.xaxis.label, *axis.texts]  # type: ignore[attr-defined]
        for text in [*marks, *others, *(legend.get_texts() if legend else [])]:
            unnamed = text in axis.get_xticklabels() and not shown
            seen = text.get_visible() and text.get_text().strip() and not unnamed
            if seen and id(text) not in outside:
                yield axis, text.get_text(), text.get_window_extent(renderer)


def _drawn(one: Contents, width: float) -> Iterator[Figure]:
    grid = one.grid()
    known = tracks(one, grid)
    made, axes = figure(width, heights(len(known), width))
    draw_tracks(axes, one, grid, width)
    yield made
    if compared(one):
        made, axes = figure(width, pieces_heights(one))
        draw_pieces(axes, one, width)
        yield made
    if recoveries(one):
        made, (axis,) = figure(width, [2.9])
        draw_recovery(axis, one, width)
        yield made


@pytest.mark.parametrize("width", [WIDE_IN, MIDDLE_IN, NARROW_IN])
@pytest.mark.parametrize("number", [EIGHT, CIRCUIT, FORCE, LOST])
def test_no_words_run_into_each_other_or_out_of_the_picture(
    contents: dict[int, Contents], number: int, width: float
) -> None:
    with drawing():
        for made in _drawn(contents[number], width):
            words = list(_words(made))
            assert len(words) > 5
            edge = made.bbox
            for _, text, box in words:
                assert box.x0 >= edge.x0 - 1 and box.x1 <= edge.x1 + 1, text
                assert box.y0 >= edge.y0 - 1 and box.y1 <= edge.y1 + 1, text
            for (_, text, box), (_, other, beside) in combinations(words, 2):
                across = min(box.x1, beside.x1) - max(box.x0, beside.x0)
                down = min(box.y1, beside.y1) - max(box.y0, beside.y0)
                assert across < 1.5 or down < 1.5, (text, other)


def test_names_that_have_no_room_become_numbers(contents: dict[int, Contents]) -> None:
    one = contents[CIRCUIT]
    for width, wanted in ((NARROW_IN, "1"), (24.0, "jumping jacks")):
        axes = figure(width, [1.5])[1]
        draw_tracks(axes, one, one.grid(), width)
        names = [text.get_text() for text in axes[0].texts]
        assert names[0] == wanted and len(names) == 6


def test_numbers_that_have_no_room_are_left_out_evenly(contents: dict[int, Contents]) -> None:
    one = contents[EIGHT]
    (segment, *_) = one.segments
    many = tuple(
        segment._replace(index=at, piece=at, started_at_s=40.0 * at, duration_s=20.0)
        for at in range(40)
    )
    narrow = one._replace(summary=one.summary._replace(segments=many))
    axes = figure(NARROW_IN, [1.5] * 4)[1]
    draw_tracks(axes, narrow, narrow.grid(), NARROW_IN)
    numbers = [int(text.get_text()) for text in axes[0].texts]
    assert len(numbers) >= 8 and len(set(np.diff(numbers))) == 1


def test_zones_are_told_beside_their_bars(contents: dict[int, Contents]) -> None:
    from rowlog.summary import ZoneSummary

    one = contents[EIGHT]
    zones = (
        ZoneSummary("below", None, 100.0, 30.0),
        ZoneSummary("UT2", 100.0, 130.0, 60.0),
        ZoneSummary("AN", 180.0, None, 0.0),
        ZoneSummary("unknown", None, None, 10.0),
    )
    _, (axis,) = figure(4.6, [2.0])
    draw_zones(axis, one._replace(summary=one.summary._replace(zones=zones)), 4.6)
    names = [mark.get_text() for mark in axis.get_yticklabels()]
    assert names == ["not known", "below 100", "UT2  100–130", "AN  180–"]
    assert [text.get_text() for text in axis.texts] == [
        "0:10 · 10 %", "0:30 · 30 %", "1:00 · 60 %", "0:00 · 0 %",
    ]  # fmt: skip


# --------------------------------------------------------------------------------- pages


def test_pages_of_paper_hold_all_rows_once_and_cut_no_chart() -> None:
    rows = [("work", [str(at)]) for at in range(100)]
    table = Rows("Intervals", ["Piece"], rows)
    charts = [Part(4.0, lambda into: None) for _ in range(4)]
    pages = paged([charts[0], table, *charts[1:]])
    assert all(sum(part.height_in for part in page) <= 11.69 - 1.4 + 1e-9 for page in pages)
    assert [part for page in pages for part in page if part in charts] == charts
    taken = [part.height_in for page in pages for part in page if part not in charts]
    ends = 0.62 + 0.12
    assert sum(round((height - ends) / 0.205) for height in taken) == 100
    assert len(taken) >= 3


def test_a_picture_holds_the_tables(contents: dict[int, Contents]) -> None:
    for number, names in ((EIGHT, ["Intervals"]), (LOST, ["Intervals", "Splits"])):
        one = contents[number]
        tables = [part for part in parts_of(one, 9.0, paper=True) if isinstance(part, Rows)]
        assert [table.title for table in tables] == names
        assert (list(tables[0].heads), list(tables[0].rows)) == interval_rows(one.summary)


def test_a_sheet_leaves_the_rests_of_many_pieces_out(contents: dict[int, Contents]) -> None:
    one = contents[EIGHT]
    many = one._replace(summary=one.summary._replace(segments=one.segments * 3))
    (sheet,) = [part for part in parts_of(many, 9.0, paper=False) if isinstance(part, Rows)]
    (paper,) = [part for part in parts_of(many, 9.0, paper=True) if isinstance(part, Rows)]
    assert "without the rests" in sheet.title and len(sheet.rows) == 24 + 3
    assert len(paper.rows) == 48 + 3


def test_a_long_title_takes_two_lines(contents: dict[int, Contents]) -> None:
    title = "250m/1:30r + 500m/1:30r + 750m/1:30r + 1000m/1:30r + 750m/1:30r + 500m"
    short, long = (head(text, ["Ann"], [], 9.0) for text in ("2000m", title))
    made = Figure(figsize=(9, 2))
    long.draw(made.subfigures(1, 1))
    (into,) = made.subfigs
    assert long.height_in == pytest.approx(short.height_in + 0.34)
    assert " ".join(text.get_text() for text in into.texts[:2]) == title


def test_a_bike_has_its_paces_for_a_thousand_metres(contents: dict[int, Contents]) -> None:
    one = contents[EIGHT]
    bike = one._replace(summary=one.summary._replace(erg="BikeErg"))
    (mean,) = [cells for look, cells in interval_rows(bike.summary)[1] if "sum" in look]
    heads, rows = interval_rows(bike.summary)
    assert heads[3] == "/1000 m"
    session = one.session
    wanted = pace(session.mean_pace_s_per_500m, 1000.0)
    assert mean[3] == wanted and rows[0][1][3] == pace(one.segments[0].mean_pace_s_per_500m, 1000.0)
    figures = {name: (value, unit) for name, value, unit in key_figures(bike.summary)}
    assert figures["Mean pace"] == (wanted, "/1000 m")
    grid = one.grid()
    (track, *_), (before, *_) = tracks(bike, grid), tracks(one, grid)
    assert track.unit == "/1000 m"
    low, high, _ = scaled(bike, grid, track)
    assert (low, high) == pytest.approx([2 * end for end in scaled(one, grid, before)[:2]])
    axes = figure(9.0, pieces_heights(bike))[1]
    draw_pieces(axes, bike, 9.0)
    assert axes[0].get_title(loc="left") == f"Pace of each piece, /1000 m; mean {wanted}"
    assert "Pace of the work, /1000 m" in session_charts(bike, Style())


def test_a_warm_up_is_named_and_compared_with_nothing(contents: dict[int, Contents]) -> None:
    one = contents[EIGHT]
    first, *others = one.segments
    tagged = (first._replace(tag="warm_up"), *others)
    warm = one._replace(summary=one.summary._replace(segments=tagged))
    _, rows = interval_rows(warm.summary)
    assert rows[0][1][0] == "1 warm-up" and rows[2][1][0] == "2"
    (easy,) = [cells for _, cells in rows if cells[0] == "easy"]
    assert easy[1:3] == rows[0][1][1:3]
    axes = figure(9.0, pieces_heights(warm))[1]
    draw_pieces(axes, warm, 9.0)
    numbers = [mark.get_text() for mark in axes[-1].get_xticklabels()]
    assert numbers == list("2345678")


# --------------------------------------------------------------------------------- splits


def test_splits_stand_where_there_are_few_pieces(contents: dict[int, Contents]) -> None:
    assert split_rows(contents[EIGHT].summary) == ([], [])
    shown = contents[STOP].summary
    heads, rows = split_rows(shown)
    assert heads[:4] == ["Split", "Time", "Metres", "Pace"]
    assert [row[0] for _, row in rows] == [str(at + 1) for at in range(len(shown.splits))]


# --------------------------------------------------------------------------------- terminal


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 300])
@pytest.mark.parametrize("unicode", [True, False])
def test_charts_fit_the_screen(contents: dict[int, Contents], columns: int, unicode: bool) -> None:
    for one in contents.values():
        text = session_charts(one, Style(unicode=unicode), columns)
        assert all(len(line) <= columns for line in text.splitlines())
        assert unicode or text.isascii()


def test_a_chart_in_the_terminal_has_times_and_numbers(contents: dict[int, Contents]) -> None:
    lines = session_charts(contents[EIGHT], Style(), 80).splitlines()
    numbers = lines.index(next(line for line in lines if line.split() == list("12345678")))
    assert lines[numbers - 2].split() == ["0:00", "5:00", "10:00", "15:00", "20:00", "25:00"]
    axis = lines[numbers - 3]
    assert axis.count("┬") == 6 and axis.index("┬") == 7
    # Each number stands below its piece.
    blocks = lines[numbers - 1]
    for number in "12345678":
        assert blocks[lines[numbers].index(number)] in "▀▘"


def test_the_first_strokes_do_not_flatten_a_chart_in_the_terminal(
    contents: dict[int, Contents],
) -> None:
    """Most of the pieces' line stands in the middle of the drawing, not along its lower edge."""
    lines = session_charts(contents[EIGHT], Style(), 80).splitlines()[1:9]
    drawn = [sum(character > "⠀" for character in line[7:]) for line in lines]
    assert sum(drawn[2:6]) > 0.9 * sum(drawn) > 0
