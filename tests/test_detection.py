"""What nobody planned, structured: pieces, rests, warm-up and cool-down, and the pattern's name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog.cuts import Seen
from rowlog.detecting import cutting
from rowlog.detection import Bout, find
from rowlog.notation import parse
from rowlog.patterns import pattern
from rowlog.rebuild import rebuild
from rowlog.replaying import record_frames
from rowlog.resegment import resegment
from rowlog.simulating import script_for
from rowlog.structuring import Recording
from rowlog.summary import load
from rowlog.timeline import Position
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.frames import FramesHeader
from rowlog_drivers.simulator import Simulation, Stretch, simulate
from tests.support import rows

EASY = {"pace_s_per_500m": 165.0, "stroke_rate_spm": 17.0}
WARM = {"pace_s_per_500m": 145.0, "stroke_rate_spm": 20.0}


def work(**what: float) -> Stretch:
    return Stretch(kind="work", **what)  # type: ignore[arg-type]


def rest(seconds: float, *, paddling: bool = False) -> Stretch:
    return Stretch(kind="rest", seconds=seconds, paddling=paddling)


WAIT = Stretch(kind="wait", seconds=8)


def between(stretches: list[Stretch], gap: Stretch) -> list[Stretch]:
    return [part for stretch in stretches for part in (stretch, gap)][:-1]


def seen(simulation: Simulation) -> Seen:
    recording = Recording(
        frames=lambda: simulation.frames,
        decoding=lambda: make_decoding(simulation.sources),
        end_ns=round(simulation.truth.end_s * 1e9),
    )
    return recording.watched()[1]


REPS = [work(distance_m=500)] * 4
SHORTER = [work(distance_m=250)] * 3
CASES: list[tuple[str, list[Stretch], list[int], str | None]] = [
    # what, script, which of it are pieces (an index below 0: not work), name
    ("stood rests", between(REPS, rest(90)), [0, 2, 4, 6], "4x500m/1:30r"),
    ("paddled rests", between(REPS, rest(90, paddling=True)), [0, 2, 4, 6], "4x500m/1:30r"),
    (
        "rowed rests",
        between(REPS, work(seconds=60, **EASY)),
        [0, 2, 4, 6],
        "4x500m/1:00r",
    ),
    ("by time", between([work(seconds=120)] * 3, rest(60)), [0, 2, 4], "3x2:00/1:00r"),
    ("short", between([work(seconds=20)] * 8, rest(10)), list(range(0, 16, 2)), "8x0:20/0:10r"),
    (
        "warm-up and cool-down",
        [
            work(seconds=300, **WARM),
            rest(60),
            *between(REPS, rest(90)),
            rest(120),
            work(seconds=180, **EASY),
        ],
        [2, 4, 6, 8],
        "[w]5:00/1:00r + 4x500m/1:30r + [c]3:00",
    ),
    (
        "a warm-up that goes over into work",
        [work(seconds=300, **WARM), *between(REPS, rest(90))],
        [1, 3, 5, 7],
        None,
    ),
    (
        "sets",
        [*between(SHORTER, rest(30)), rest(180), *between(SHORTER, rest(30))],
        [0, 2, 4, 6, 8, 10],
        "2x(3x250m/0:30r)/3:00r",
    ),
    (
        "a pyramid",
        [
            work(distance_m=250), rest(60), work(distance_m=500), rest(120),
            work(distance_m=250),
        ],
        [0, 2, 4],
        "250m/1:00r + 500m/2:00r + 250m",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("script", "pieces", "name"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_pieces_are_found_and_named(
    script: list[Stretch], pieces: list[int], name: str | None
) -> None:
    simulation = simulate([WAIT, *script, WAIT], seed=7, strap=False)
    found = cutting(seen(simulation))
    assert found is not None
    held = []
    since_ns = found.start_ns
    for cut in found.cuts:
        if cut.kind == "work" and cut.tag is None:
            held += [(since_ns / 1e9, cut.end_ns / 1e9)]
        since_ns = cut.end_ns
    truth = [simulation.truth.stretches[1 + place] for place in pieces]
    assert len(held) == len(truth)
    for (start_s, end_s), true in zip(held, truth, strict=True):
        assert start_s == pytest.approx(true.start_s, abs=2.5)
        assert end_s == pytest.approx(true.end_s, abs=2.5)
    if name is not None:
        assert found.text == name
        assert found.confidence is not None
        assert 0.5 < found.confidence <= 1


@pytest.mark.parametrize(
    "script",
    [
        [work(seconds=600)],
        [work(seconds=900, stop_after_s=200.0, stop_s=12.0)],
        [work(distance_m=2000), rest(60)],
        [rest(60)],
    ],
    ids=["steady", "a pause", "one piece", "nothing"],
)
def test_one_piece_stays_one(script: list[Stretch]) -> None:
    assert cutting(seen(simulate([WAIT, *script, WAIT], seed=3, strap=False))) is None


@pytest.mark.parametrize("faults", [("silent",), ("drop",), ("garbage", "split"), ("frozen",)])
def test_what_goes_wrong_makes_no_pieces(faults: tuple[str, ...]) -> None:
    script = [WAIT, *between(REPS, rest(90)), WAIT]
    found = cutting(seen(simulate(script, seed=5, strap=False, faults=faults)))
    assert found is not None
    assert sum(cut.kind == "work" for cut in found.cuts) == 4


def at(start_s: float, end_s: float, metres: float, tag: str | None = None) -> Bout:
    return Bout(start_s, end_s, metres, 60, tag)


@pytest.mark.parametrize(
    ("bouts", "text"),
    [
        # 115 s each by the clock's second, 500 m each to 4 m: metres were meant
        ([at(0, 114, 503), at(174, 291, 498), at(351, 467, 501)], "3x500m/1:00r"),
        ([at(0, 240.5, 1043), at(330, 571, 1010), at(661, 900.6, 985)], "3x4:00/1:30r"),
        # rests that are no round figures
        ([at(0, 114, 503), at(197, 313, 498), at(413, 530, 501)], "3x500m/...r"),
        # nothing round about it
        ([at(0, 110, 463), at(170, 341, 727)], None),
        ([at(0, 600, 2300, "warm_up"), at(660, 774, 500), at(834, 950, 500)],
         "[w]10:00/1:00r + 2x500m/1:00r"),
    ],
)  # fmt: skip
def test_patterns(bouts: list[Bout], text: str | None) -> None:
    found = pattern(bouts)
    assert (found.text if found is not None else None) == text
    if found is not None:
        assert str(parse(found.text)) == found.text


def position(t_s: float, metres: float, strokes: int, *, moved: bool = True) -> Position:
    return Position(
        t_ns=round(t_s * 1e9), source="rower", distance_m=metres, stroke_count=strokes,
        energy_kcal=None, elapsed_s=None, exact_elapsed=False, moved=moved,
        began_ns=None, at_zero=False, distance_step_m=1.0, power_w=None,
        stroke_rate_spm=None, pace_s_per_500m=None,
    )  # fmt: skip


def test_a_file_with_a_row_for_each_stroke_was_rowed_up_to_its_last_row() -> None:
    # 3 s and 11 m a stroke, a row at the end of each: 5:00 from 0 and from 420 s; of each piece's
    # last stroke, cut short by 2 s, there is no row.
    rows = [
        position(start_s + 3.0 * n, 11.0 * (n + place * 99), n + place * 99)
        for place, start_s in enumerate((0.0, 420.0))
        for n in range(1, 100)
    ]
    found = cutting(Seen(facts=(), positions=rows, end_ns=round(720e9)))
    assert found is not None
    first, rest, last = found.cuts
    assert 297.0 <= first.end_ns / 1e9 <= 300.0
    assert rest.end_ns / 1e9 == pytest.approx(420.0, abs=2.0)
    assert 717.0 <= last.end_ns / 1e9 <= 720.0


counts = st.lists(
    st.tuples(st.floats(0.05, 90), st.floats(0, 40), st.integers(0, 30), st.booleans()),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(counts)
def test_any_row_is_structured_or_left_alone(steps: list[tuple[float, float, int, bool]]) -> None:
    positions = []
    t_s = metres = 0.0
    strokes = 0
    for seconds, further, more, moved in steps:
        t_s, metres, strokes = t_s + seconds, metres + further, strokes + more
        positions.append(position(t_s, metres, strokes, moved=moved))
    found = find(positions)
    if found is not None:
        edges = [edge for bout in found.bouts for edge in (bout.start_s, bout.end_s)]
        assert len(found.bouts) >= 2
        assert edges == sorted(edges)
        assert 0 <= found.contrast <= 1
        named = cutting(Seen(facts=(), positions=positions, end_ns=round(t_s * 1e9)))
        assert named is not None
        assert named.text is None or str(parse(named.text)) == named.text


# ---------------------------------------------------------------------------- in the database


@pytest.fixture(scope="module")
def unplanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("unplanned") / "rowlog.db"
    simulation = simulate(script_for(parse("4x250m/0:45r")), seed=3)
    header = FramesHeader(
        sources=simulation.sources, end_ns=round(simulation.truth.end_s * 1e9), machine="on paper"
    )
    record_frames(simulation.frames, header, database, plan=None)
    return database


def test_a_session_without_a_plan_is_structured_when_it_ends(unplanned: Path) -> None:
    shown = load(unplanned, 1)
    assert [segment.kind for segment in shown.segments] == [*["work", "rest"] * 3, "work"]
    assert shown.session.plan is None
    way = shown.segmentation
    assert way is not None
    assert (way.origin, way.text) == ("auto", "4x250m/0:45r")
    assert way.confidence is not None
    assert way.confidence > 0.8
    assert shown.session.rest_s == pytest.approx(135, abs=4)
    assert shown.session.work_distance_m == pytest.approx(1000, abs=15)
    assert all(segment.heart_rate_drop_30s_bpm for segment in shown.segments[0:-1:2])


def test_rebuilding_finds_the_same(unplanned: Path) -> None:
    before, tables = load(unplanned, 1), rows(unplanned, 1)
    rebuild(unplanned)
    assert load(unplanned, 1) == before
    assert rows(unplanned, 1) == tables


def test_as_one_piece_it_can_still_be_had(unplanned: Path) -> None:
    resegment(unplanned, 1, "open", shown=False)
    assert {segment.kind for segment in load(unplanned, 1, "open").segments} == {"work", "pause"}
    assert load(unplanned, 1).segmentation == load(unplanned, 1, "auto").segmentation
