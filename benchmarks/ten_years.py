"""Ten years of rowing in one database, and what it costs to ask it.

Makes 3,000 sessions with 7.5 million strokes and 19 million heart rates (RR intervals included; no
frames, which lie apart in compressed blocks), keeps what is kept of each, and measures the queries,
the whole commands against a bare typer program, closing a session, and the size of the file:

    python benchmarks/ten_years.py [FOLDER] [SESSIONS] [--compact]

FOLDER needs 2 GB, with --compact 5, and is left empty. The bars: 10 ms a query, 1.5 times bare
typer a command, 20 ms to close, 30 s to compute all that is kept, 1.6 GB.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from array import array
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from importlib import import_module
from pathlib import Path

from rowlog import schema
from rowlog.heart import Beats
from rowlog.periods import Span
from rowlog.rebuild import rebuild_kept
from rowlog.store import Store, compact
from rowlog.store_pack import pack_rows
from rowlog.summary import load_sessions
from rowlog.summary_bests import load_bests
from rowlog.summary_periods import load_periods
from rowlog.summary_trends import load_trends
from rowlog.summary_zones import load_zones
from rowlog.wanted import Wanted

startup = import_module("startup")  # beside this file

SESSIONS = 3000
TODAY = date(2026, 11, 25)
BASE_S = 6300
"""Mean length of a session: 2,507 strokes at 24 a minute take 105 minutes."""
PLANS = ("90:00", "3x30:00/5:00r", "21097m", "60:00", "8x2000m/3:00r", "5000m")


@dataclass(frozen=True, slots=True)
class Template:
    """What several sessions share: rows without the session's number."""

    plan: str
    seconds: int
    metres: int
    watts: float
    bpm: float
    top_bpm: int
    strokes: list[tuple[object, ...]]
    beats: list[tuple[object, ...]]
    segments: list[tuple[object, ...]]


def template(plan: str, seed: int) -> Template:
    """A session of its plan, rowed with the ups and downs of a human."""
    random_ = random.Random(seed)
    seconds = round(BASE_S * random_.uniform(0.8, 1.2))
    pieces = {"3x30:00/5:00r": 3, "8x2000m/3:00r": 8}.get(plan, 1)
    rest_s = 240 if pieces > 1 else 0
    work_s = (seconds - rest_s * (pieces - 1)) // pieces
    strokes: list[tuple[object, ...]] = []
    beats: list[tuple[object, ...]] = []
    segments: list[tuple[object, ...]] = []
    metres, number, bpm, beaten, at = 0.0, 0, 80.0, 0.0, 0.0
    works = [(k * (work_s + rest_s), k * (work_s + rest_s) + work_s) for k in range(pieces)]
    marks = []
    for start, end in works:
        first_m = metres
        at = float(start)
        pace_m = random_.uniform(3.6, 4.4)
        while at < end:
            step = random_.gauss(2.39, 0.08)
            at += step
            speed = pace_m * (1 + 0.03 * random_.gauss(0, 1) + (0.08 if at - start < 40 else 0))
            metres += max(speed, 1.0) * step
            number += 1
            power = round(2.8 * speed**3)
            t_ns = round(at * 2) * 500_000_000 + 13_000_000
            strokes.append((number, t_ns, round(120 / step) / 2, power, int(metres), int(at)))
        marks.append((start, end, int(first_m), int(metres), number))
    for second in range(seconds):
        working = any(start <= second < end for start, end in works)
        goal = 132 + 14 * second / seconds if working else 105
        bpm += (goal - bpm) / 45 + random_.gauss(0, 0.35)
        beat = round(61_440 / bpm)  # in 1/1024 s, as straps send them
        beaten += bpm / 60
        sent = [beat + random_.choice((-4, 0, 3)) for _ in range(int(beaten))]
        beaten -= len(sent)
        text = json.dumps([units * 1000 / 1024 for units in sent], separators=(",", ":"))
        beats.append((second, second * 10**9 + 7_000_000, round(bpm), text))
    for index, (start, end, first_m, last_m, strokes_so_far) in enumerate(marks):
        segments.append((2 * index, "work", start, end, first_m, last_m, strokes_so_far))
        if index + 1 < pieces:
            segments.append((2 * index + 1, "rest", end, end + rest_s, last_m, last_m, 0))
    rates = [row[2] for row in beats]
    return Template(
        plan, seconds, int(metres), statistics.fmean(float(str(row[3])) for row in strokes),
        statistics.fmean(float(str(rate)) for rate in rates), max(int(str(rate)) for rate in rates),
        strokes, beats, segments,
    )  # fmt: skip


def make(path: Path, sessions: int) -> tuple[int, int]:
    """The database; how many strokes and heart rates are in it."""
    schema.prepare(path)
    templates = [template(PLANS[k % len(PLANS)], k) for k in range(24)]
    first = datetime(2016, 11, 26, 6, 30, tzinfo=timezone(timedelta(hours=1)))
    strokes = beats = 0
    with closing(schema.connect(path)) as db:
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        db.execute("INSERT INTO athletes (id, name) VALUES (1, 'Ann')")
        db.executemany(
            "INSERT INTO athlete_values VALUES (1, ?, ?, ?)",
            [
                ("max_heart_rate_bpm", "0001-01-01", 192.0),
                ("max_heart_rate_bpm", "2021-01-01", 187.0),
                ("resting_heart_rate_bpm", "0001-01-01", 52.0),
                ("sex", "0001-01-01", "female"),
                ("mass_kg", "0001-01-01", 68.0),
            ],
        )
        for number in range(1, sessions + 1):
            made = templates[number % len(templates)]
            started = first + timedelta(days=3652 * (number - 1) / sessions)
            db.execute(
                "INSERT INTO sessions (id, started_at, ended_at, end_ns, athlete_id, activity, "
                "plan, state) VALUES (?, ?, ?, ?, 1, 'row', ?, 'complete')",
                (
                    number,
                    started.isoformat(),
                    (started + timedelta(seconds=made.seconds)).isoformat(),
                    made.seconds * 10**9,
                    made.plan,
                ),
            )
            db.executemany(
                "INSERT INTO sources VALUES (?, ?, ?, ?, NULL, '[]')",
                [(number, "rower", 0, "ftms"), (number, "strap", 1, "heart_rate")],
            )
            db.execute(
                "INSERT INTO segmentations (id, session_id, origin, text, is_default) "
                "VALUES (?, ?, 'plan', ?, 1)",
                (number, number, made.plan),
            )
            db.executemany(
                "INSERT INTO strokes (session_id, source, number, t_ns, stroke_rate_spm, power_w, "
                "total_distance_m, elapsed_s, inferred) VALUES (?, 'rower', ?, ?, ?, ?, ?, ?, 1)",
                ((number, *row) for row in made.strokes),
            )
            db.executemany(
                "INSERT INTO heart_rates (session_id, seq, t_ns, source, heart_rate_bpm, rr_ms, "
                "contact, truncated) VALUES (?, ?, ?, 'strap', ?, ?, 1, 0)",
                ((number, *row) for row in made.beats),
            )
            db.executemany(
                'INSERT INTO segments (session_id, segmentation_id, "index", piece, kind, '
                "activity, start_t_ns, start_distance_m, start_interpolated, start_uncertainty_s, "
                "end_t_ns, end_distance_m, end_stroke_count, end_interpolated, end_uncertainty_s, "
                "ended_by, clock, duration_s, distance_m, mean_pace_s_per_500m, "
                "heart_rate_drop_60s_bpm, origins) VALUES (?, ?, ?, ?, ?, 'row', ?, ?, 1, 0.2, ?, "
                "?, ?, 1, 0.2, 'target', 'host', ?, ?, ?, ?, '{}')",
                [
                    (
                        number, number, index, index, kind, start * 10**9, first_m, end * 10**9,
                        last_m, count, end - start, last_m - first_m,
                        500 * (end - start) / (last_m - first_m) if last_m > first_m else None,
                        30.0 if kind == "work" else None,
                    )
                    for index, kind, start, end, first_m, last_m, count in _typed(made.segments)
                ],
            )  # fmt: skip
            db.execute(
                "INSERT INTO session_totals (session_id, version, activity, duration_s, work_s, "
                "rest_s, distance_m, work_distance_m, rest_distance_m, stroke_count, energy_kcal, "
                "mean_pace_s_per_500m, mean_power_w, mean_stroke_rate_spm, mean_heart_rate_bpm, "
                "max_heart_rate_bpm, min_heart_rate_bpm, heart_rate_coverage, heart_rate_source, "
                "frames, undecoded, gaps, link_losses, machine_resets, late_frames, origins) "
                "VALUES (?, 1, 'row', ?, ?, 0, ?, ?, 0, ?, 900, ?, ?, 24, ?, ?, 79, 1.0, 'strap', "
                "18900, 0, 0, 0, 0, 0, '{}')",
                (
                    number, made.seconds, made.seconds, made.metres, made.metres,
                    len(made.strokes), 500 * made.seconds / made.metres, made.watts, made.bpm,
                    made.top_bpm,
                ),
            )  # fmt: skip
            pack_rows(db, number)
            strokes += len(made.strokes)
            beats += len(made.beats)
        db.execute("COMMIT")
    return strokes, beats


def _typed(
    rows: list[tuple[object, ...]],
) -> Iterator[tuple[int, str, int, int, int, int, int]]:
    for index, kind, *numbers in rows:
        start, end, first_m, last_m, count = (int(str(value)) for value in numbers)
        yield int(str(index)), str(kind), start, end, first_m, last_m, count


def ms(work: Callable[[], object], runs: int = 15) -> float:
    """The median of milliseconds of processor time, after one run that fills the caches.

    What is asked lies in memory, so it takes as long on a machine that does nothing else.
    """
    work()
    times = []
    gc.disable()
    for _ in range(runs):
        began = time.process_time()
        work()
        times.append((time.process_time() - began) * 1000)
    gc.enable()
    return statistics.median(times)


def told(what: str, measured: float, bar: float, unit: str) -> None:
    """One line: what it cost, and whether that is within the bar."""
    verdict = "within" if measured <= bar else "ABOVE"
    print(f"{what:<44}{measured:>9.2f} {unit:<5} {verdict} the bar of {bar:g}", flush=True)


def main() -> None:
    """Make, measure, take away."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    folder = Path(words[0]) if words else Path(tempfile.gettempdir())
    count = int(words[1]) if len(words) > 1 else SESSIONS
    with tempfile.TemporaryDirectory(dir=folder, prefix="ten-years-") as name:
        path = Path(name) / "rowlog.db"
        began = time.perf_counter()
        strokes, beats = make(path, count)
        print(
            f"{count} sessions, {strokes / 1e6:.2f} million strokes, {beats / 1e6:.2f} million "
            f"heart rates made in {time.perf_counter() - began:.0f} s",
            flush=True,
        )
        began, before = time.perf_counter(), sum(os.times()[:4])
        rebuild_kept(path)
        told("computing all that is kept, all cores", time.perf_counter() - began, 30, "s")
        print(f"    of which processor time, over all cores {sum(os.times()[:4]) - before:.0f} s")
        with Store.open_writer(path) as store:
            store.sync()
        sizes(path)
        told("size of the file as it grew", path.stat().st_size / 1e9, 1.6, "GB")
        if "--compact" in sys.argv:
            compact(path)
            told("size of the file, compacted", path.stat().st_size / 1e9, 1.6, "GB")
        queries(path)
        commands(path)


def queries(path: Path) -> None:
    """The questions, asked of the open program."""
    everything, no_dates = Wanted(), Span(None, None)
    season = Wanted(since="2026-05-01", until="2027-04-30")
    told("list of 20", ms(lambda: load_sessions(path, 20)), 10, "ms")
    told("totals by season", ms(lambda: load_periods(path, "season", no_dates, TODAY)), 10, "ms")
    told("bests over 13 events", ms(lambda: load_bests(path, everything)), 10, "ms")
    told("bests of this season", ms(lambda: load_bests(path, season)), 10, "ms")
    told(
        "zones by season", ms(lambda: load_zones(path, everything, "season", no_dates, TODAY)),
        10, "ms",
    )  # fmt: skip
    year = Span(date(2025, 12, 1), None)
    dated = Wanted(since="2025-12-01")
    told(
        "zones by month, a year", ms(lambda: load_zones(path, dated, "month", year, TODAY)),
        10, "ms",
    )  # fmt: skip
    told(
        "trends by month, a year",
        ms(lambda: load_trends(path, dated, "month", year, TODAY, days=180)), 10, "ms",
    )  # fmt: skip
    told(
        "trends by season, ten years",
        ms(lambda: load_trends(path, everything, "season", no_dates, TODAY, days=180)), 10, "ms",
    )  # fmt: skip
    closing_one(path)


def sizes(path: Path) -> None:
    """What each table takes with its indexes, where this SQLite can tell."""
    with closing(schema.connect(path)) as db:
        try:
            rows = db.execute(
                "SELECT tbl_name, sum(pgsize) AS size FROM dbstat "
                "JOIN sqlite_schema AS made ON made.name = dbstat.name "
                "GROUP BY tbl_name HAVING size > 500000 ORDER BY size DESC"
            ).fetchall()
        except sqlite3.OperationalError:
            return
    for table, size in rows:
        print(f"    {table:<40}{size / 1e6:>9.1f} MB")


def closing_one(path: Path) -> None:
    """What is computed and written when a session is closed, commit included."""
    numbers = range(1, 25)
    with closing(schema.connect(path)) as db:
        relayed = {number: {"rower": _relayed(db, number)} for number in numbers}
    with Store.open_writer(path) as store:
        store.keep(1)

        def cost_ms(number: int, beats: Beats | None) -> float:
            began = time.process_time()
            store.keep(number, relayed=beats)
            return (time.process_time() - began) * 1000

        own = statistics.median(cost_ms(number, None) for number in numbers)
        told("closing a session of 105 min", own, 20, "ms")
        source = "UPDATE session_totals SET heart_rate_source = ? WHERE session_id <= 24"
        for word, costs in (("rower", relayed), ("strap", None)):
            with closing(schema.connect(path)) as db:
                db.execute(source, (word,))
            if costs is not None:
                other = statistics.median(cost_ms(number, costs[number]) for number in numbers)
                told("the same, heart rate only from the rower", other, 20, "ms")
        for number in numbers:
            store.keep(number)


def _relayed(db: sqlite3.Connection, number: int) -> tuple[array[int], array[float]]:
    """A session's heart rate as a rower that sends at 2 Hz relays it."""
    times, beats = array("q"), array("d")
    for t_ns, bpm in db.execute(
        "SELECT t_ns, heart_rate_bpm FROM heart_rates WHERE session_id = ? ORDER BY seq", (number,)
    ):
        times.extend((t_ns, t_ns + 500_000_000))
        beats.extend((bpm, bpm))
    return times, beats


def commands(path: Path) -> None:
    """Whole commands, each in turn with a bare typer program; by processor time, as `ms`."""
    with tempfile.TemporaryDirectory() as name:
        environment = {
            **os.environ,
            "ROWLOG_DB": str(path),
            "PYTHONPATH": os.pathsep.join([name, *filter(None, [os.environ.get("PYTHONPATH")])]),
        }
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        (Path(name) / "bare_typer.py").write_text(startup.BARE, encoding="utf-8")
        bare = "from bare_typer import main; main()"
        for words in (
            ["sessions"], ["show"], ["summary"], ["bests"], ["zones"], ["trends"],
            ["trends", "--by", "season"],
        ):  # fmt: skip
            subprocess.run(
                [sys.executable, "-c", startup.ROWLOG, *words],
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            cost_s(bare, ["show"], environment)
            ratios = [
                cost_s(startup.ROWLOG, words, environment) / cost_s(bare, ["show"], environment)
                for _ in range(15)
            ]
            told(f"rowlog {' '.join(words)}", statistics.median(ratios), 1.5, "times")


def cost_s(code: str, words: list[str], environment: dict[str, str]) -> float:
    """Seconds of processor time of one whole run."""
    from resource import RUSAGE_CHILDREN, getrusage  # finer than os.times; not on Windows

    before = getrusage(RUSAGE_CHILDREN)
    startup.wall_s(code, words, environment)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
