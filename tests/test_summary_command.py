"""Totals by period: sums over real databases, and the command in a process of its own."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rowlog.periods import KINDS, Kind, Span, period_of
from rowlog.render import Style
from rowlog.render import sessions as listed
from rowlog.render_periods import periods as rendered
from rowlog.store import Store
from rowlog.summary import SessionSummary
from rowlog.summary_periods import PeriodsSummary, PeriodTotals, load_periods
from rowlog.totals import SessionTotals
from rowlog.wanted import Wanted
from rowlog_drivers.errors import CallError
from tests.support import run

TODAY = date(2026, 11, 24)  # a Tuesday
ALL = Span(None, None)


class Rowed(NamedTuple):
    """A session to be stored; without totals it stays open."""

    started_at: str
    totals: SessionTotals | None
    athlete: str | None = None
    activity: str = "row"


def totals(**figures: Any) -> SessionTotals:
    """Figures of a session of 30 minutes; what is not named is unknown."""
    return SessionTotals(
        **{"activity": "row", "duration_s": 1800.0, "work_s": 0.0, "rest_s": 0.0, **figures}
    )


def stored(path: Path, sessions: Iterable[Rowed]) -> Path:
    """A database with these sessions, written by the store."""
    with Store.open_writer(path) as store:
        for rowed in sessions:
            started_at = datetime.fromisoformat(rowed.started_at)
            session_id = store.begin_session(
                started_at=started_at,
                plan=None,
                athlete=rowed.athlete,
                activity=rowed.activity,
                sources=(),
            )
            if rowed.totals is not None:
                store.close_session(session_id, ended_at=started_at, end_ns=0, totals=rowed.totals)
    return path


def by_name(shown: PeriodsSummary) -> dict[str, PeriodTotals]:
    return {period.name: period for period in shown.periods}


# ----------------------------------------------------------------------------------- the sums


def test_sums_and_means_of_a_week(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "rowlog.db",
        [
            Rowed(
                "2026-11-23T06:30:00+01:00",
                totals(
                    duration_s=1000.0, work_s=240.0, rest_s=100.0, distance_m=1100.0,
                    work_distance_m=1000.0, rest_distance_m=90.0, stroke_count=100,
                    energy_kcal=60.0, mean_pace_s_per_500m=120.0, mean_heart_rate_bpm=150.0,
                    max_heart_rate_bpm=180.0, heart_rate_coverage=1.0,
                ),
            ),
            Rowed(
                "2026-11-29T23:59:59+01:00",
                totals(
                    duration_s=2000.0, work_s=450.0, distance_m=1500.0, work_distance_m=1500.0,
                    stroke_count=150, mean_pace_s_per_500m=150.0, mean_heart_rate_bpm=120.0,
                    max_heart_rate_bpm=140.0, heart_rate_coverage=0.25,
                ),
            ),
            # A circuit with a strap that was never heard: time, and nothing else.
            Rowed(
                "2026-11-25T18:00:00+01:00",
                totals(activity="other", duration_s=600.0, work_s=300.0, heart_rate_coverage=0.0),
            ),
        ],
    )  # fmt: skip
    week = by_name(load_periods(path, "week", ALL, TODAY))["2026-W48"]
    assert (week.start, week.end) == ("2026-11-23", "2026-11-29")
    assert (week.sessions, week.open_sessions) == (3, 0)
    assert week.duration_s == 3600.0
    assert (week.work_s, week.rest_s) == (990.0, 100.0)
    assert (week.distance_m, week.work_distance_m) == (2600.0, 2500.0)
    assert (week.rest_distance_m, week.stroke_count, week.energy_kcal) == (90.0, 250, 60.0)
    # 240 s and 450 s for 2500 m, so neither the 135 s between the paces nor 990 s of all work.
    assert week.mean_pace_s_per_500m == pytest.approx(500 * 690 / 2500)
    # 150 for 1000 s, 120 for a quarter of 2000 s.
    assert week.mean_heart_rate_bpm == pytest.approx((150 * 1000 + 120 * 500) / 1500)
    assert week.max_heart_rate_bpm == 180.0


def test_unknown_is_none_and_no_session_is_zero(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "rowlog.db",
        [
            Rowed("2026-11-02T08:00:00+00:00", totals(activity="other")),
            Rowed("2026-11-17T08:00:00+00:00", None),
        ],
    )
    weeks = by_name(load_periods(path, "week", ALL, TODAY))
    assert list(weeks) == ["2026-W48", "2026-W47", "2026-W46", "2026-W45"]
    strap_only, none, still_open = weeks["2026-W45"], weeks["2026-W46"], weeks["2026-W47"]
    assert (strap_only.duration_s, strap_only.distance_m, strap_only.stroke_count) == (
        1800.0, None, None,
    )  # fmt: skip
    assert strap_only.mean_pace_s_per_500m is strap_only.mean_heart_rate_bpm is None
    assert (none.sessions, none.duration_s, none.distance_m, none.stroke_count) == (0, 0, 0, 0)
    assert none.mean_pace_s_per_500m is none.max_heart_rate_bpm is None
    assert (still_open.sessions, still_open.open_sessions) == (1, 1)
    assert still_open.duration_s is still_open.distance_m is None


@pytest.mark.parametrize(
    ("started_at", "day"),
    [
        ("2026-04-30T23:59:59.999999+09:00", "2026-04-30"),  # 14:59 in Greenwich
        ("2026-05-01T00:00:00+09:00", "2026-05-01"),  # still 30 April in Greenwich
        ("2026-04-30T23:30:00-05:00", "2026-04-30"),  # 1 May there
    ],
)
def test_a_session_belongs_to_the_local_date_it_began_on(
    started_at: str, day: str, tmp_path: Path
) -> None:
    path = stored(tmp_path / "rowlog.db", [Rowed(started_at, totals(distance_m=10.0))])
    for kind in KINDS:
        rowed = [p for p in load_periods(path, kind, ALL, TODAY).periods if p.sessions]
        assert [p.name for p in rowed] == [period_of(kind, date.fromisoformat(day)).name]


def test_periods_are_cut_at_the_dates_asked_for(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "rowlog.db",
        [
            Rowed(f"2026-03-{day:02d}T08:00:00+00:00", totals(distance_m=1000.0 + day))
            for day in (4, 5, 10, 11)
        ],
    )
    span = Span(date(2026, 3, 5), date(2026, 3, 10))  # a Thursday to a Tuesday
    shown = load_periods(path, "week", span, TODAY)
    assert [(p.start, p.end, p.distance_m) for p in shown.periods] == [
        ("2026-03-09", "2026-03-10", 1010.0),
        ("2026-03-05", "2026-03-08", 1005.0),
    ]
    assert (shown.total.start, shown.total.end) == ("2026-03-05", "2026-03-10")
    assert (shown.total.sessions, shown.total.distance_m) == (2, 2015.0)
    assert shown.current.lifetime.sessions == 4
    assert load_periods(path, "week", Span(None, date(2026, 3, 3)), TODAY).periods == ()
    later = load_periods(path, "day", Span(date(2026, 3, 12), date(2026, 3, 13)), TODAY)
    assert [p.sessions for p in later.periods] == [0, 0]


def test_a_session_dated_after_today_is_shown(tmp_path: Path) -> None:
    path = stored(tmp_path / "rowlog.db", [Rowed("2027-01-01T08:00:00+00:00", totals())])
    names = [p.name for p in load_periods(path, "year", ALL, TODAY).periods]
    assert names == ["2027"]


def test_only_an_athlete_or_an_activity(tmp_path: Path) -> None:
    path = stored(
        tmp_path / "rowlog.db",
        [
            Rowed("2026-11-23T08:00:00+00:00", totals(distance_m=1.0), "Anna"),
            Rowed("2026-11-23T09:00:00+00:00", totals(distance_m=2.0), "Ben"),
            Rowed("2026-11-23T10:00:00+00:00", totals(activity="mixed", distance_m=4.0), "Anna"),
            Rowed("2026-11-23T11:00:00+00:00", totals(distance_m=8.0)),
        ],
    )

    def metres(**only: str) -> float | None:
        shown = load_periods(path, "day", ALL, TODAY, Wanted(**only))
        assert shown.current.lifetime.distance_m == shown.total.distance_m
        return shown.total.distance_m

    assert metres() == 15.0
    assert metres(athlete="Anna") == 5.0
    assert metres(activity="row") == 11.0
    assert metres(athlete="Anna", activity="mixed") == 4.0
    assert metres(athlete="Ben", activity="mixed") == 0
    with pytest.raises(CallError, match=r"'Cleo'.*Anna, Ben"):
        metres(athlete="Cleo")
    with pytest.raises(CallError, match=r"'swim'.*mixed, row"):
        metres(activity="swim")


@pytest.fixture(scope="module")
def ten_years(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[tuple[date, float]]]:
    """A database of 3,000 sessions over ten years, and what they are: (date, metres)."""
    path = stored(tmp_path_factory.mktemp("years") / "rowlog.db", [])
    chance = random.Random(7)
    first = datetime.fromisoformat("2016-12-01T06:00:00+01:00")
    rowed = sorted(
        (first + timedelta(days=chance.randrange(3640), minutes=chance.randrange(900)))
        for _ in range(3000)
    )
    metres = [float(chance.randrange(500, 15000)) for _ in rowed]
    with closing(sqlite3.connect(path)) as db, db:
        db.executemany(
            "INSERT INTO sessions (id, started_at, activity, state) VALUES (?, ?, 'row', "
            "'complete')",
            [(number, at.isoformat()) for number, at in enumerate(rowed, 1)],
        )
        db.executemany(
            "INSERT INTO session_totals (session_id, version, activity, duration_s, work_s, "
            "rest_s, distance_m, work_distance_m, mean_pace_s_per_500m, stroke_count, energy_kcal, "
            "mean_heart_rate_bpm, heart_rate_coverage, frames, undecoded, gaps, "
            "link_losses, machine_resets, late_frames, origins) "
            "VALUES (?, 1, 'row', 1800, ?, 0, ?, ?, 125, 800, 320, 150, 1, 0, 0, 0, 0, 0, 0, '{}')",
            [(number, m / 4, m, m) for number, m in enumerate(metres, 1)],
        )
    return path, [(at.date(), m) for at, m in zip(rowed, metres, strict=True)]


@pytest.mark.parametrize("kind", KINDS)
def test_ten_years_add_up(kind: Kind, ten_years: tuple[Path, list[tuple[date, float]]]) -> None:
    path, rowed = ten_years
    expected: dict[str, float] = {}
    for day, metres in rowed:
        name = period_of(kind, day).name
        expected[name] = expected.get(name, 0.0) + metres
    shown = load_periods(path, kind, ALL, TODAY)
    assert {p.name: p.distance_m for p in shown.periods if p.sessions} == expected
    assert sum(p.sessions for p in shown.periods) == shown.total.sessions == 3000
    assert shown.total.distance_m == shown.current.lifetime.distance_m == sum(expected.values())
    assert shown.total.mean_pace_s_per_500m == pytest.approx(125.0)
    # The latest first, each ending the day before the one above begins.
    for later, earlier in zip(shown.periods, shown.periods[1:], strict=False):
        assert later.start is not None and earlier.end is not None
        next_day = date.fromisoformat(earlier.end) + timedelta(days=1)
        assert next_day.isoformat() == later.start


# ------------------------------------------------------------------------------ for people


@pytest.mark.parametrize("kind", KINDS)
def test_ten_years_fit_in_80_columns(
    kind: Kind, ten_years: tuple[Path, list[tuple[date, float]]]
) -> None:
    text = rendered(load_periods(ten_years[0], kind, ALL, TODAY), Style(), current=True)
    assert max(map(len, text.splitlines())) <= 80


def test_the_table(tmp_path: Path) -> None:
    figures = totals(
        duration_s=3725.0, work_s=1200.0, distance_m=5432.9, work_distance_m=5000.0,
        mean_pace_s_per_500m=119.99, stroke_count=500, energy_kcal=299.6,
        mean_heart_rate_bpm=149.5, heart_rate_coverage=1.0,
    )  # fmt: skip
    path = stored(
        tmp_path / "rowlog.db",
        [
            Rowed("2026-11-10T08:00:00+00:00", figures),
            Rowed("2026-11-24T08:00:00+00:00", None),
            Rowed("2026-11-24T09:00:00+00:00", figures),
        ],
    )
    text = rendered(load_periods(path, "week", ALL, TODAY), Style(), current=True)
    rows = [line.split() for line in text.splitlines() if not line.startswith("─")]
    one = ["1:02", "5432", "5000", "1:59.9", "500", "300", "150"]
    two = ["2:04", "10865", "10000", "1:59.9", "1000", "599", "150"]
    assert rows[0] == ["week", "from", "count", "h:mm", "metres", "work", "m", "pace",
                       "strokes", "kcal", "HR"]  # fmt: skip
    assert rows[1:8] == [
        ["this", "week", "2*", *one],
        ["this", "month", "3*", *two],
        ["season", "2027", "3*", *two],
        ["lifetime", "3*", *two],
        ["23", "Nov", "2026", "2*", *one],
        ["16", "Nov", "2026", "–"],
        ["9", "Nov", "2026", "1", *one],
    ]
    assert not any(row[:1] == ["total"] for row in rows), "lifetime says it already"
    assert "no figures yet" in text.splitlines()[-1]
    days = rendered(load_periods(path, "day", ALL, TODAY), Style(), current=False).splitlines()
    assert days[0] == "Tue 10 Nov 2026 to Tue 24 Nov 2026"
    assert days[4].startswith("Tue 24 Nov ")
    assert days[-3].split() == ["total", "3*", *two]
    months = rendered(load_periods(path, "month", ALL, TODAY), Style(), current=False)
    assert months.splitlines()[4].startswith("Nov 2026 ")
    assert "total" not in months, "of one period it would say the same twice"


def test_the_year_of_a_day_is_named_where_it_is_another(tmp_path: Path) -> None:
    path = stored(tmp_path / "rowlog.db", [Rowed("2025-12-31T08:00:00+00:00", totals())])
    span = Span(None, date(2026, 1, 1))
    lines = rendered(load_periods(path, "day", span, TODAY), Style(), current=False).splitlines()
    assert lines[4].startswith("Thu 1 Jan  ")
    assert lines[5].startswith("31 Dec 2025  ")


# ----------------------------------------------------------------------------- the command


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with three sessions: two of Anna in March 2026, one in April of nobody."""
    return stored(
        tmp_path_factory.mktemp("recorded") / "rowlog.db",
        [
            Rowed("2026-03-01T18:00:00+01:00", totals(distance_m=500.0), "Anna"),
            Rowed("2026-03-02T18:00:00+01:00", totals(distance_m=700.0), "Anna"),
            Rowed("2026-04-30T18:00:00+02:00", totals(distance_m=900.0)),
        ],
    )


def test_the_json_has_the_public_shape(recorded: Path) -> None:
    done = run(
        "summary", "--by", "month", "--since", "2026-03", "--until", "2026", "--json",
        "--db", recorded,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert list(shown) == [
        "by", "since", "until", "athlete", "activity", "plan", "tag", "machine", "periods", "total",
        "current", "dated_by_file",
    ]  # fmt: skip
    assert (shown["by"], shown["since"], shown["until"]) == ("month", "2026-03-01", "2026-12-31")
    assert [period["name"] for period in shown["periods"]][-2:] == ["2026-04", "2026-03"]
    assert shown["periods"][-1] == {
        "name": "2026-03", "start": "2026-03-01", "end": "2026-03-31",
        "sessions": 2, "open_sessions": 0,
        "duration_s": 3600.0, "work_s": 0.0, "rest_s": 0.0,
        "distance_m": 1200.0, "work_distance_m": None, "rest_distance_m": None,
        "stroke_count": None, "energy_kcal": None, "mean_pace_s_per_500m": None,
        "mean_heart_rate_bpm": None, "max_heart_rate_bpm": None,
    }  # fmt: skip
    assert shown["total"]["distance_m"] == 2100.0
    assert list(shown["current"]) == ["week", "month", "season", "lifetime"]
    assert shown["current"]["lifetime"]["sessions"] == 3


def test_by_season_over_all(recorded: Path) -> None:
    done = run("summary", "--by", "season", "--athlete", "Anna", "--db", recorded)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Anna\n\nseason ")
    words = [line.split() for line in done.stdout.splitlines()]
    assert ["2026", "2", "1:00", "1200", "–", "–", "–", "–", "–"] in words
    assert any(line[:2] == ["this", "week"] for line in words)


def test_by_week_is_the_default_and_a_range_leaves_out_the_rest(recorded: Path) -> None:
    done = run("summary", "--until", "2026-03-02", "--db", recorded)
    lines = done.stdout.splitlines()
    assert lines[0] == "Mon 23 Feb 2026 to Mon 2 Mar 2026"
    assert lines[2].startswith("week from")
    assert [line[:11] for line in lines[4:6]] == ["2 Mar 2026 ", "23 Feb 2026"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--by", "fortnight"), ("fortnight", "day, week, month, season or year")),
        (("--since", "soon"), ("--since", "soon", "2026-11-24")),
        (("--since", "2026-03-02", "--until", "2026-03-01"), ("after",)),
        (("--last", "12"), ("--last", "12w")),
        (("--last", "1y", "--since", "2026"), ("--last", "--since")),
        (("--athlete", "Bob"), ("Bob", "Anna")),
        (("--activity", "swim"), ("swim", "row")),
    ],
)
def test_a_wrong_call_is_explained(
    arguments: tuple[str, ...], words: tuple[str, ...], recorded: Path
) -> None:
    done = run("summary", *arguments, "--db", recorded)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_nothing_to_add_up_is_said(recorded: Path, tmp_path: Path) -> None:
    empty = stored(tmp_path / "rowlog.db", [])
    done = run("summary", "--db", empty)
    assert (done.returncode, done.stdout) == (
        0, "No sessions yet. Record one, or try: rowlog demo\n",
    )  # fmt: skip
    shown = json.loads(run("summary", "--json", "--db", empty).stdout)
    assert (shown["periods"], shown["total"]["sessions"]) == ([], 0)
    before = run("summary", "--until", "2025", "--db", recorded)
    assert before.stdout == (
        "No sessions up to Wed 31 Dec 2025; there are 3, Sun 1 Mar 2026 to Thu 30 Apr 2026.\n"
    )
    missing = run("summary", "--db", tmp_path / "none.db")
    assert (missing.returncode, "No database at" in missing.stderr) == (1, True)
    nobody = run("summary", "--athlete", "Anna", "--db", empty)
    assert (nobody.returncode, "Anna" in nobody.stderr) == (2, True)


def test_the_list_of_sessions_fits_a_line_however_many_there_are() -> None:
    long = SessionSummary(
        id=3000,
        started_at="2026-11-25T10:17:00+00:00",
        start_from="said",
        ended_at=None,
        athlete=None,
        activity="row",
        plan="4x(0:30 jumping jacks + 0:30 plank)/0:30r",
        status="interrupted",
        work_s=7_199.0,
        distance_m=30_157.0,
        mean_pace_s_per_500m=122.0,
        mean_power_w=203.0,
        mean_heart_rate_bpm=139.0,
    )
    heads, _, line = listed([long], Style()).splitlines()
    assert max(map(len, (heads, line))) <= 80
    assert heads.split() == [
        "id", "when", "workout", "metres", "work", "pace", "HR", "status",
    ]  # fmt: skip
    assert line.split()[-1] == "interrupted"
    assert "4x(0:30 j…" in line
    # What says nothing of any session takes no room, and the workout gets it.
    heads, rule, line = listed(
        [long._replace(status="complete", mean_power_w=None, plan="v" * 30)], Style()
    ).splitlines()
    assert "status" not in heads and "watts" not in heads
    assert "v" * 16 in line
    assert len(rule) <= 80
