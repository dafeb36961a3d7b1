"""Parts of a workout, hearts without rowing, and many sessions at one time: what is offered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rowlog.editing import delete_sessions, edit_start, undo
from rowlog.exporting import export
from rowlog.exports import named
from rowlog.importing import import_files
from rowlog.merging import merge_sessions
from rowlog.notation import parse
from rowlog.recognising import How
from rowlog.same_hearts import pulse, same_heart
from rowlog.sameness import within
from rowlog.simulating import script_for
from rowlog.summary import Summary, load, load_sessions
from rowlog_drivers.errors import CallError
from rowlog_drivers.frames import FramesHeader, read_frames, write_frames
from rowlog_drivers.simulator import simulate
from tests.support import ROOT, run
from tests.test_sameness import BEGAN, ergdata, known, laps, strokes, taken_in
from tests.test_starts import SEASON, row

FTMS = ROOT / "fixtures" / "ftms"
Found = list[tuple[float, float]]


def cut(found: Found, low: float, high: float) -> Found:
    """A share of the strokes, as a clock has them that began with the first of these."""
    kept = found[int(low * len(found)) : int(high * len(found))]
    return [(t_s - kept[0][0] + 1.0, metres - kept[0][1]) for t_s, metres in kept]


# ------------------------------------------------------------------ parts of a workout


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.5), (0.0, 0.9), (0.4, 1.0)])
def test_the_beginning_and_the_end_of_a_workout_are_known_as_parts(low: float, high: float) -> None:
    for seed in range(6):
        whole, another = strokes(seed), strokes(seed + 50)
        part = cut(whole, low, high)
        for telling in ("as heard", "tenths", "whole"):
            found = within(known(part, telling), known(whole))
            assert found is not None, (seed, telling)
            first_s = whole[int(low * len(whole))][0]
            assert found.later_s == pytest.approx(1.0 - first_s, abs=0.8)
            assert within(known(part, telling), known(another)) is None
        assert within(known(whole), known(part)) is None  # the longer is no part


def test_a_middle_is_found_where_the_clock_says_it_was() -> None:
    whole = strokes(3)
    first = len(whole) // 4
    part = known(cut(whole, 0.25, 0.75), "tenths")
    assert within(part, known(whole)) is None
    assert within(part, known(whole), [whole[first][1]]) is not None


HOWS: list[tuple[str, bool, How]] = [
    # what is there first, whether the other says when it was, how the first stands to it
    ("whole", True, "whole"), ("whole", False, "whole"),
    ("part", True, "part"), ("part", False, "part"),
]  # fmt: skip


@pytest.mark.parametrize(("first", "dated", "how"), HOWS)
def test_a_copy_that_broke_off_and_the_whole_are_offered_to_be_merged(
    first: str, dated: bool, how: How, tmp_path: Path
) -> None:
    found = strokes(21)
    half = found[: len(found) // 2]
    whole_file = laps(found, BEGAN)
    half_file = ergdata(half, BEGAN + timedelta(hours=1) if dated else None)
    order = [whole_file, half_file] if first == "whole" else [half_file, whole_file]
    done = taken_in(tmp_path, *order, ergdata(strokes(22), BEGAN + timedelta(days=1)))
    assert [(one.other, one.how) for one in done[1].offers] == [(1, how)]
    assert [(twin.session, twin.how) for twin in done[1].same] == [(1, how)]
    assert done[2].offers == ()
    if dated:
        clock_s = done[1].offers[0].clock_s
        assert clock_s == pytest.approx(3600 if first == "whole" else -3600, abs=2)


def test_a_short_part_is_known_by_its_clock_alone(tmp_path: Path) -> None:
    """100 strokes: with a clock that says so, or is a whole hour off."""
    found = strokes(23)
    part = found[:100]
    done = taken_in(
        tmp_path,
        laps(found, BEGAN),
        ergdata(part, BEGAN),
        ergdata(part, BEGAN + timedelta(hours=2)).replace(b",24,", b",25,"),
        ergdata(part, BEGAN + timedelta(hours=2, minutes=4)).replace(b",24,", b",26,"),
        ergdata(part, None).replace(b",24,", b",27,"),
    )
    hows = [[twin.how for twin in one.same if twin.session == 1] for one in done]
    assert hows == [[], ["whole"], [], [], []]  # the third is the same as the second, which it says


SAME_FIGURES = (
    "distance_m", "work_distance_m", "work_s", "rest_s", "stroke_count", "mean_pace_s_per_500m",
    "mean_heart_rate_bpm", "max_heart_rate_bpm", "min_heart_rate_bpm", "energy_kcal", "plan",
    "mean_power_w", "duration_s", "started_at",
)  # fmt: skip


def the_same(one: Summary, other: Summary) -> None:
    for name in SAME_FIGURES:
        wanted = getattr(other.session, name)
        if isinstance(wanted, float):
            wanted = pytest.approx(wanted, abs=1e-6)
        assert getattr(one.session, name) == wanted, name
    assert one.segments == other.segments
    assert one.heart == other.heart


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A recording whole and broken off in its fourth piece, each also as FIT and as a table."""
    folder = tmp_path_factory.mktemp("broken")
    opened = read_frames(FTMS / "intervals_8x500m.frames.gz")
    header, frames = opened.header, tuple(opened)
    half = tuple(frame for frame in frames if frame.t_ns < 700 * 10**9)
    write_frames(folder / "half.frames", FramesHeader(
        sources=header.sources, started_at=header.started_at, plan=header.plan,
    ), half)  # fmt: skip
    write_frames(folder / "whole.frames", header, frames)
    files = {name: folder / f"{name}.frames" for name in ("half", "whole")}
    import_files(folder / "i.db", [files["half"], files["whole"]])
    for number, name in ((1, "half"), (2, "whole")):
        for format_, suffix in (("fit", ".fit"), ("rowingdata", ".csv")):
            known_format = named(format_)
            assert known_format is not None
            files[name + suffix] = folder / f"{name}{suffix}"
            export(folder / "i.db", [number], files[name + suffix], known_format, folder=False)
    return files


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("part", "whole"),
    [("half", "whole"), ("half", "whole.fit"), ("half.fit", "whole"), ("half.fit", "whole.fit"),
     ("half.csv", "whole.fit"), ("half", "whole.csv")],
)  # fmt: skip
def test_merging_a_copy_that_broke_off_keeps_the_whole(
    part: str, whole: str, order: tuple[int, int], broken_off: dict[str, Path], tmp_path: Path
) -> None:
    """Every stroke, piece, metre and RR interval of it."""
    database = tmp_path / "i.db"
    files = [(broken_off[part], broken_off[whole])[place] for place in order]
    _, again = import_files(database, files)
    how = "whole" if order == (1, 0) else "part"
    assert [(one.other, one.how) for one in again.offers] == [(1, how)]
    longer = order.index(1) + 1
    made = merge_sessions(database, [1, 2])
    assert (made.rowing, made.told_twice) == (longer, (3 - longer,))
    the_same(load(database, made.session), load(database, longer))


def test_the_heart_of_a_part_is_taken_where_the_whole_has_none(tmp_path: Path) -> None:
    """The half has no start and no pieces; the whole keeps its own."""
    found = strokes(24)
    half = ergdata(found[: len(found) // 2], None, beats=True)
    _, again = taken_in(tmp_path, laps(found, BEGAN), half)
    assert [(one.other, one.how, one.clock_s) for one in again.offers] == [(1, "whole", None)]
    database = tmp_path / "i.db"
    made = merge_sessions(database, [2, 1])
    whole, now, part = load(database, 1), load(database, made.session), load(database, 2)
    assert made.rowing == 1
    for name in ("distance_m", "work_s", "stroke_count", "mean_pace_s_per_500m", "started_at"):
        assert getattr(now.session, name) == getattr(whole.session, name), name
    assert [one.duration_s for one in now.segments] == [one.duration_s for one in whole.segments]
    assert (whole.session.max_heart_rate_bpm, now.session.start_from) == (None, "said")
    assert now.session.max_heart_rate_bpm == part.session.max_heart_rate_bpm


def test_what_does_not_say_when_it_was_is_laid_beside_nothing(tmp_path: Path) -> None:
    """A strap's intervals without a date: it takes somebody to say it, whatever the file's date."""
    rr = b"".join(b"%d\n" % (600 + k % 37) for k in range(600))
    taken_in(tmp_path, ergdata(strokes(25), BEGAN), rr)
    database = tmp_path / "i.db"
    with pytest.raises(CallError, match=r"Session 2 does not say when it was.* edit start 2 "):
        merge_sessions(database, [1, 2])
    edit_start(database, 2, BEGAN.isoformat())
    made = merge_sessions(database, [1, 2])
    assert load(database, made.session).session.mean_heart_rate_bpm is not None


def test_a_strap_beside_a_file_takes_nothing_from_its_pieces_and_sums(tmp_path: Path) -> None:
    """Laps of no even metres, and energy: cut and told as before, with the heart of the strap."""
    found = strokes(26)
    told = laps(found, BEGAN).decode().splitlines()
    rows = [f"{row},{k}" for k, row in enumerate(told[1:])]
    rowed = "\n".join([told[0] + ",Calories (kCal)", *rows]).encode()
    rr = b"".join(b"%d\n" % (600 + k % 37) for k in range(2600))
    taken_in(tmp_path, rowed, rr)
    database = tmp_path / "i.db"
    edit_start(database, 2, (BEGAN - timedelta(minutes=1)).isoformat())
    was, strap = load(database, 1), load(database, 2)
    now = load(database, merge_sessions(database, [2, 1]).session)
    assert (len(was.segments), was.session.energy_kcal) == (4, len(found) - 1)
    for name in ("distance_m", "work_s", "stroke_count", "energy_kcal", "mean_pace_s_per_500m"):
        assert getattr(now.session, name) == getattr(was.session, name), name
    for name in ("duration_s", "distance_m", "stroke_count", "energy_kcal"):
        pieces = [getattr(one, name) for one in was.segments if one.kind == "work"]
        assert [getattr(one, name) for one in now.segments if one.kind == "work"] == pieces, name
    strap_bpm = strap.session.mean_heart_rate_bpm
    assert now.session.mean_heart_rate_bpm == pytest.approx(strap_bpm, abs=0.01)
    assert None not in [one.mean_heart_rate_bpm for one in now.segments if one.kind == "work"]
    undo(database, None)
    assert load(database, 1) == was


def test_intervals_of_the_heart_are_kept_where_the_rowing_has_rates_alone(
    broken_off: dict[str, Path], tmp_path: Path
) -> None:
    """TCX has the rates of each second, the table of heart rates what is between beats, too."""
    database = tmp_path / "i.db"
    import_files(database, [broken_off["whole"]])
    files = [tmp_path / "whole.tcx", tmp_path / "whole.heart-rate.csv"]
    for file, name in zip(files, ("tcx", "heart-rate"), strict=True):
        format_ = named(name)
        assert format_ is not None
        export(database, [1], file, format_, folder=False)
    twice = tmp_path / "twice.db"
    import_files(twice, files)
    made = merge_sessions(twice, [1, 2])
    assert (made.rowing, made.told_twice) == (1, (2,))
    now, heart = load(twice, made.session), load(twice, 2)
    assert now.heart is not None and heart.heart is not None
    assert now.heart.variability is not None and heart.heart.variability is not None
    assert now.heart.variability == heart.heart.variability
    assert now.session.distance_m == load(twice, 1).session.distance_m


def test_a_table_without_strokes_that_broke_off_is_known_by_its_clock(
    broken_off: dict[str, Path], tmp_path: Path
) -> None:
    """TCX has a place a second: a part of it is one only where the clock says the same."""
    tcx = named("tcx")
    assert tcx is not None
    import_files(tmp_path / "o.db", [broken_off["half"], broken_off["whole"]])
    files = [tmp_path / "half.tcx", tmp_path / "whole.tcx"]
    for number, file in enumerate(files, 1):
        export(tmp_path / "o.db", [number], file, tcx, folder=False)
    for name, later_h, known_again in (("a", 0, True), ("b", 1, True), ("c", 24, False)):
        database = tmp_path / f"{name}.db"
        import_files(database, files[:1])
        began = datetime.fromisoformat(load(database, 1).session.started_at)
        edit_start(database, 1, (began - timedelta(hours=later_h)).isoformat())
        again, recording = import_files(database, [files[1], broken_off["whole"]])
        part = [(1, "part")] * known_again
        assert [(one.other, one.how) for one in again.offers] == part, name
        assert [(one.other, one.how) for one in recording.offers] == [(2, "same")]
        if known_again:
            made = merge_sessions(database, [1, 2])
            assert made.told_twice == (1,)
            the_same(load(database, made.session), load(database, 2))


# ------------------------------------------------------------------ hearts


def circuit(text: str, seed: int, folder: Path, began: str = "2026-05-03T18:05:00+02:00") -> Path:
    """A session with a strap, its plan rowed or not."""
    plan = parse(text)
    sim = simulate(script_for(plan), seed=seed)
    off = all(piece.activity != "row" for piece in plan.pieces if piece.kind == "work")
    sources = [one for one in sim.sources if not off or one.driver == "heart_rate"]
    names = {one.name for one in sources}
    header = FramesHeader(
        sources=tuple(sources), started_at=datetime.fromisoformat(began), plan=str(plan),
        end_ns=round(sim.truth.end_s * 1e9),
    )  # fmt: skip
    path = folder / f"{seed}-{len(text)}.frames"
    write_frames(path, header, [frame for frame in sim.frames if frame.source in names])
    return path


CIRCUITS = (
    "3x(0:30 jumping jacks + 0:30 superman raises + 0:30 plank)/0:20r",
    "3x(150m + 0:40 kettlebell swings)/0:30r",
)


@pytest.mark.parametrize("text", CIRCUITS, ids=["off the machine", "mixed"])
def test_a_session_with_little_or_no_rowing_is_known_again_by_its_heart(
    text: str, tmp_path: Path
) -> None:
    """From every format that holds it; another day's is not, and merging changes nothing."""
    own = circuit(text, 5, tmp_path)
    database = tmp_path / "i.db"
    import_files(database, [own])
    for name in ("fit", "tcx", "heart-rate", "rr"):
        known_format = named(name)
        assert known_format is not None
        out = tmp_path / f"out-{name}{known_format.suffix}"
        export(database, [1], out, known_format, folder=False)
        (again,) = import_files(database, [out])
        twins = {twin.session: twin for twin in again.same}
        assert 1 in twins, name
        assert twins[1].how in ("heart", "same"), name
        if name in ("fit", "tcx"):
            assert twins[1].clock_s == pytest.approx(0, abs=2)
        made = merge_sessions(database, [1, again.sessions[0]])
        the_same(load(database, made.session), load(database, 1))
        undo(database, None)
        delete_sessions(database, again.sessions)
    others = [
        circuit(text, seed, tmp_path, f"2026-05-0{day}T18:05:00+02:00")
        for day, seed in ((4, 6), (5, 7))
    ]
    for one in import_files(database, others):
        assert (one.same, one.offers) == ((), ())
    # The rates of a simulated heart are those of the day before, to the beat: a day apart it is
    # nevertheless another, in a file without intervals too.
    tcx = named("tcx")
    assert tcx is not None
    for number in database_numbers(database)[-2:]:
        export(database, [number], tmp_path / f"{number}.tcx", tcx, folder=False)
        (again,) = import_files(database, [tmp_path / f"{number}.tcx"])
        assert [one.other for one in again.offers] == [number]
        assert [twin.session for twin in again.same] == [number]


def database_numbers(database: Path) -> list[int]:
    """The sessions that are there, the earliest number first."""
    return sorted(session.id for session in load_sessions(database))


def beats_of(seed: int, count: int = 600) -> list[tuple[float, int, tuple[float, ...] | None]]:
    """A heart that goes up and down, an interval a beat."""
    random, t_s = Random(seed), 0.0
    told: list[tuple[float, int, tuple[float, ...] | None]] = []
    level = 60_000 / random.uniform(95, 105)
    for k in range(count):
        goal = level * (1.25 - 0.45 * ((k % 300) / 300))
        rr = goal + random.gauss(0, 8.0)
        t_s += rr / 1000
        told.append((t_s, round(60_000 / rr), (rr,)))
    return told


def test_the_same_intervals_are_one_heart_whatever_the_clock() -> None:
    for seed in range(8):
        told = beats_of(seed)
        one = pulse(told)
        rounded = pulse([(t + 40.0, bpm, tuple(map(round, rr or ()))) for t, bpm, rr in told[50:]])
        assert one is not None
        assert rounded is not None
        found = same_heart(one, rounded)
        assert found is not None
        assert found.by_intervals
        assert found.later_s == pytest.approx(-40.0, abs=0.01)
        other = pulse(beats_of(seed + 100))
        assert other is not None
        assert same_heart(one, other) is None
        assert same_heart(one, other, 0.0) is None


def test_intervals_that_are_all_alike_tell_nothing() -> None:
    flat = pulse([(0.8 * k, 75, (800.0,)) for k in range(1, 300)])
    assert flat is not None
    assert same_heart(flat, flat) is None


def test_rates_alone_tell_only_where_they_rose_and_fell() -> None:
    def rates(seed: int, rise: float) -> list[tuple[float, int, None]]:
        random = Random(seed)
        at = 110.0
        told = []
        for second in range(600):
            goal = 110 + rise * ((second // 60) % 2)
            at += (goal - at) / 15 + random.gauss(0, 0.6)
            told.append((float(second), round(at), None))
        return told

    for seed in range(8):
        one, other = pulse(rates(seed, 45)), pulse(rates(seed + 50, 45))
        moved = pulse([(t + 0.4, bpm, rr) for t, bpm, rr in rates(seed, 45)])
        flat = pulse(rates(seed, 0))
        assert one is not None
        assert other is not None
        assert moved is not None
        assert flat is not None
        assert same_heart(one, moved) is not None
        assert same_heart(one, other, 0.0) is None
        assert same_heart(flat, flat, 0.0) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(0, 30), st.integers(0, 255),
            st.none() | st.lists(st.floats(1, 3000), max_size=3).map(tuple),
        ),
        max_size=150,
    ),
    st.none() | st.floats(-1e5, 1e5),
)  # fmt: skip
def test_any_heart_is_compared_without_a_fault(
    steps: Sequence[tuple[float, int, tuple[float, ...] | None]], clock_s: float | None
) -> None:
    t_s, told = 0.0, []
    for took_s, bpm, rr in steps:
        t_s += took_s
        told.append((t_s, bpm, rr))
    one = pulse(told)
    if one is not None:
        found = same_heart(one, one, clock_s)
        assert found is None or abs(found.later_s) < t_s + 4


# ------------------------------------------------------------------ many at one time


def test_a_class_of_eight_floods_nobody_with_offers(tmp_path: Path) -> None:
    """Nobody's rowing is offered to be merged with another's; it is told how many there are."""
    done = taken_in(tmp_path, *(ergdata(strokes(30 + n), BEGAN) for n in range(8)))
    assert [one.offers for one in done] == [()] * 8
    assert [len(one.overlaps) for one in done] == [*range(8)]
    (tmp_path / "9.csv").write_bytes(ergdata(strokes(60), BEGAN + timedelta(seconds=20)))
    said = run("import", tmp_path / "9.csv", "--db", tmp_path / "i.db").stdout
    assert said == "9.csv: session 9.\n  8 other sessions are of the same time.\n"


def test_a_strap_of_that_time_is_offered_to_the_one_it_fits_best(tmp_path: Path) -> None:
    """Of three who rowed, the third at the very time; one of them had a heart of its own."""
    rowed = [
        ergdata(strokes(40), BEGAN - timedelta(seconds=90)),
        ergdata(strokes(41), BEGAN, beats=True),
        ergdata(strokes(42), BEGAN + timedelta(seconds=4)),
    ]
    taken_in(tmp_path, *rowed)
    strap = circuit("20:00 biking", 4, tmp_path, BEGAN.isoformat())
    said = run("import", strap, "--db", tmp_path / "i.db").stdout.splitlines()
    assert said[1:] == [
        "  Session 3 is of the same time.",
        f"  To make one of both: rowlog edit merge 3 4 --db {tmp_path / 'i.db'}",
        "  2 more are of the same time.",
    ]


def test_a_folder_of_one_workout_offers_one_and_groups_the_rest(tmp_path: Path) -> None:
    found = strokes(50)
    files = [laps(found, BEGAN + timedelta(hours=n)) for n in range(5)]
    done = taken_in(tmp_path, *files)
    assert [[(one.other, one.how) for one in each.offers] for each in done] == [
        [], [(1, "same")], [(2, "same")], [(3, "same")], [(4, "same")],
    ]  # fmt: skip
    (tmp_path / "x.csv").write_bytes(ergdata(found, BEGAN))
    said = run("import", tmp_path / "x.csv", "--db", tmp_path / "i.db").stdout.splitlines()
    assert said == [
        "x.csv: session 6.",
        "  Session 1 is the same workout.",
        "  So are sessions 2, 3, 4 and 1 more.",
        f"  To make one of both: rowlog edit merge 1 6 --db {tmp_path / 'i.db'}",
        f"  To leave this one out: rowlog edit delete 6 --db {tmp_path / 'i.db'}",
    ]


@pytest.mark.parametrize(("name", "offered"), [("Ben", False), ("Ann", True), (None, True)])
def test_a_named_athletes_rowing_is_nobody_elses(
    name: str | None, offered: bool, tmp_path: Path
) -> None:
    """A row of a season has no strokes: it may be of the file of its time, but not of Ben's."""
    long = strokes(51)[:201]
    scaled = [(t_s * 480 / long[-1][0], metres * 2000 / long[-1][1]) for t_s, metres in long]
    (tmp_path / "a.csv").write_bytes(ergdata(scaled, BEGAN))
    import_files(tmp_path / "i.db", [tmp_path / "a.csv"], athlete="Ann")
    season = SEASON + row(0, f"{BEGAN.astimezone():%Y-%m-%d %H:%M:%S}")
    (tmp_path / "s.csv").write_text(season)
    (done,) = import_files(tmp_path / "i.db", [tmp_path / "s.csv"], athlete=name)
    assert [(one.other, one.how) for one in done.offers] == [(1, "time")] * offered
