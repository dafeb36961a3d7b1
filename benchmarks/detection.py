"""How well an unplanned row is structured: pieces counted, and their edges, against the truth.

Hundreds of sessions on paper, each of a seed of its own: repetitions by distance and time,
pyramids, sets, single pieces with and without a pause; rests that are stood, half paddled, or rowed
easily throughout; warm-up and cool-down; three kinds of machines at one to four records a second;
lost links, silences, garbage, restarts. And, where there are any, recordings of real rowers.

    python benchmarks/detection.py [SESSIONS] [FOLDER]

FOLDER holds rowingdata's test files (CSV). The bars: the right number of pieces in 95 % of
sessions, both edges within 2 s in 90 % of pieces.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random

from rowlog.cuts import Seen
from rowlog.detecting import cutting
from rowlog.notation import parse
from rowlog.structuring import Recording
from rowlog.timeline import Position
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.simulator import RowerKind, Stretch, simulate

PIECES_BAR = 0.95
EDGES_BAR = 0.90
EDGE_S = 2.0
SINGLE = ("steady", "pause")


@dataclass
class Session:
    """A session on paper and what is true of it."""

    kind: str
    script: list[Stretch]
    roles: list[str]
    """For each stretch: work, warm_up, cool_down, rest or wait."""
    text: str | None = None
    """The pattern, where the session has one."""


def session(random: Random) -> Session:
    """One at random."""
    kind = random.choice(
        ("distance", "distance", "time", "time", "short", "sets", "pyramid", "steady", "pause")
    )
    script: list[Stretch] = [Stretch(kind="wait", seconds=random.uniform(2, 20))]
    roles = ["wait"]
    pace = random.uniform(98, 135)
    recovery = random.choice(("still", "still", "half", "active"))

    def add(role: str, stretch: Stretch) -> None:
        script.append(stretch)
        roles.append(role)

    def rest(seconds: float) -> None:
        if recovery == "active" and seconds >= 30:
            easy = Stretch(
                kind="work",
                seconds=seconds,
                pace_s_per_500m=pace * random.uniform(1.3, 1.5),
                stroke_rate_spm=random.uniform(16, 19),
            )
            add("rest", easy)
        else:
            half = recovery == "half" and seconds >= 40
            add("rest", Stretch(kind="rest", seconds=seconds, paddling=half))

    def work(value: float, *, by_time: bool, slower: float = 0.0) -> None:
        held = (pace + slower) * random.uniform(0.985, 1.015)
        add(
            "work",
            Stretch(
                kind="work",
                seconds=value if by_time else None,
                distance_m=None if by_time else value,
                pace_s_per_500m=held,
            ),
        )

    if kind not in SINGLE and random.random() < 0.35:
        add(
            "warm_up",
            Stretch(
                kind="work",
                seconds=random.choice((180, 300, 480, 600)),
                pace_s_per_500m=pace * random.uniform(1.14, 1.3),
                stroke_rate_spm=random.uniform(18, 22),
            ),
        )
        if random.random() < 0.7:
            add("rest", Stretch(kind="rest", seconds=random.uniform(30, 180)))
    text = None
    if kind in ("distance", "time", "short"):
        by_time = kind != "distance"
        if kind == "distance":
            value: float = random.choice((200, 250, 300, 400, 500, 750, 1000, 1500, 2000))
            rest_s: float = random.choice((45, 60, 90, 120, 180, 210, 300))
            count = random.randint(2, 10 if value <= 750 else 5)
        elif kind == "time":
            value = random.choice((60, 90, 120, 180, 240, 300, 480, 600, 1200))
            rest_s = random.choice((30, 60, 90, 120, 180))
            count = random.randint(2, 8 if value <= 300 else 4)
        else:
            value = random.choice((20, 30, 40, 45))
            rest_s = random.choice((10, 15, 20, 30, 40, 60))
            count = random.randint(5, 16)
        for number in range(count):
            work(value, by_time=by_time)
            if number < count - 1:
                rest(rest_s)
        unit = f"{value:.0f}s" if by_time else f"{value:.0f}m"
        text = f"{count}x{unit}/{rest_s:.0f}s"
    elif kind == "sets":
        value, rest_s, between_s = random.choice((250, 500)), random.choice((30, 60)), 240
        sets, count = random.randint(2, 3), random.randint(3, 5)
        for number in range(sets):
            for place in range(count):
                work(value, by_time=False)
                if place < count - 1:
                    rest(rest_s)
            if number < sets - 1:
                rest(between_s)
        text = f"{sets}x({count}x{value}m/{rest_s}s)/{between_s}s"
    elif kind == "pyramid":
        ladder = random.choice(
            ((250, 500, 750, 1000, 750, 500, 250), (500, 1000, 500), (250, 500, 1000, 500, 250))
        )
        rest_s = random.choice((60, 90, 120))
        for place, metres in enumerate(ladder):
            work(metres, by_time=False, slower=2.5 * (metres / 500))
            if place < len(ladder) - 1:
                rest(rest_s)
        text = " + ".join(
            f"{metres}m" + (f"/{rest_s}s" if place < len(ladder) - 1 else "")
            for place, metres in enumerate(ladder)
        )
    else:
        stop = random.uniform(90, 240) if kind == "pause" else None
        add(
            "work",
            Stretch(
                kind="work",
                seconds=random.choice((600, 1200, 1800)),
                pace_s_per_500m=pace + 10,
                stop_after_s=stop,
                stop_s=random.uniform(8, 14),
            ),
        )
    if kind not in SINGLE and random.random() < 0.3:
        if random.random() < 0.7:
            add("rest", Stretch(kind="rest", seconds=random.uniform(30, 120)))
        add(
            "cool_down",
            Stretch(
                kind="work",
                seconds=random.choice((120, 180, 300)),
                pace_s_per_500m=pace * random.uniform(1.2, 1.4),
                stroke_rate_spm=random.uniform(16, 19),
            ),
        )
    add("wait", Stretch(kind="wait", seconds=random.uniform(5, 60)))
    return Session(kind=kind, script=script, roles=roles, text=text)


FAULTS = ((), (), (), ("silent",), ("drop",), ("garbage", "split"), ("frozen", "spike"), ("reset",))


def on_paper(sessions: int) -> tuple[int, int, int, int, Counter[str], Counter[str], int, int]:
    """Right sessions, pieces with good edges and all pieces; by kind; patterns named rightly."""
    right = edges_good = edges = named = nameable = 0
    wrong: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    for seed in range(sessions):
        random = Random(f"detection:{seed}")
        paper = session(random)
        rower: RowerKind = random.choice(("ftms", "ftms", "ftms", "s4", "pm5"))
        faults = random.choice(FAULTS)
        simulation = simulate(
            paper.script,
            rower=rower,
            strap=False,
            seed=seed,
            faults=faults,
            rate_hz=random.choice((1.0, 2.0, 2.0, 4.0)),
        )
        _, seen = Recording(
            frames=lambda s=simulation: s.frames,  # type: ignore[misc]
            decoding=lambda s=simulation: make_decoding(s.sources),  # type: ignore[misc]
            end_ns=round(simulation.truth.end_s * 1e9),
        ).watched()
        found = cutting(seen)
        truth = [
            stretch
            for stretch, role in zip(simulation.truth.stretches, paper.roles, strict=True)
            if role == "work"
        ]
        held: list[tuple[float, float]] = []
        if found is None:
            moved = [p.t_ns / 1e9 for p in seen.positions if p.moved]
            held = [(moved[0], moved[-1])]
        else:
            since_ns = found.start_ns
            for cut in found.cuts:
                if cut.kind == "work" and cut.tag is None:
                    held.append((since_ns / 1e9, cut.end_ns / 1e9))
                since_ns = cut.end_ns
        kinds[paper.kind] += 1
        if len(held) == len(truth):
            right += 1
            for (start_s, end_s), true in zip(held, truth, strict=True):
                edges += 1
                edges_good += max(abs(start_s - true.start_s), abs(end_s - true.end_s)) <= EDGE_S
        else:
            wrong[paper.kind] += 1
            if "-v" in sys.argv:
                print(seed, paper.kind, rower, faults, paper.text, len(truth), "found", len(held))
        if paper.text is not None:
            nameable += 1
            plan = parse(paper.text)
            if found is not None and found.text is not None:
                mains = [p for p in parse(found.text).pieces if p.tag is None]
                wanted = [p.target for p in plan.pieces if p.kind == "work"]
                named += [p.target for p in mains if p.kind == "work"] == wanted
    return right, sessions, edges_good, edges, kinds, wrong, named, nameable


def real(folder: Path) -> list[tuple[str, int, int, list[float]]]:
    """Recordings of real rowers: file, pieces found, pieces told, errors of edges in seconds."""
    results = []
    for name, reader, told in REAL:
        path = folder / name
        if not path.is_file():
            continue
        positions = reader(path)
        if not positions:
            sys.exit(f"nothing was read from {path}")
        found = cutting(Seen(facts=(), positions=positions, end_ns=positions[-1].t_ns))
        held: list[tuple[float, float]] = []
        if found is None:
            held = [(positions[0].t_ns / 1e9, positions[-1].t_ns / 1e9)]
        else:
            since_ns = found.start_ns
            for cut in found.cuts:
                if cut.kind == "work":
                    held.append((since_ns / 1e9, cut.end_ns / 1e9))
                since_ns = cut.end_ns
        errors = []
        if len(held) == len(told):
            for got, want in zip(held, told, strict=True):
                errors += [abs(g - w) for g, w in zip(got, want, strict=True) if w is not None]
        text = found.text if found is not None else None
        print(f"  {name}: {len(held)} of {len(told)} pieces; {text}")
        results.append((name, len(held), len(told), errors))
    return results


def _position(t_s: float, metres: float, strokes: int, *, moved: bool = True) -> Position:
    return Position(
        t_ns=round(t_s * 1e9),
        source="rower",
        distance_m=metres,
        stroke_count=strokes,
        energy_kcal=None,
        elapsed_s=t_s,
        exact_elapsed=True,
        moved=moved,
        began_ns=None,
        at_zero=False,
        distance_step_m=0.1,
        power_w=None,
        stroke_rate_spm=None,
        pace_s_per_500m=None,
    )


def _strokes(path: Path, time_name: str, metres_name: str, *, skip: int = 0) -> list[Position]:
    """A file with a stroke a row; clocks and distances that begin anew are carried on."""
    lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()[skip:]
    rows = list(csv.DictReader(lines))
    positions: list[Position] = []
    base_s = base_m = last_s = last_m = 0.0
    for row in rows:
        names = {(key or "").strip(): (value or "") for key, value in row.items()}
        try:
            t_s, metres = float(names[time_name]), float(names[metres_name])
        except (KeyError, ValueError):
            continue
        if base_s + t_s < last_s - 5:
            base_s = last_s
        if base_m + metres < last_m - 5:
            base_m = last_m
        last_s, last_m = max(last_s, base_s + t_s), max(last_m, base_m + metres)
        positions.append(_position(last_s, last_m, len(positions) + 1))
    return positions


def painsled(path: Path) -> list[Position]:
    """Painsled and what rowingdata writes."""
    return _strokes(path, "ElapsedTime (sec)", "Horizontal (meters)")


def smartrow(path: Path) -> list[Position]:
    """SmartRow: seconds by the clock, metres in all."""
    return _strokes(path, "Second (#)", "Distance (m)")


def rowpro(path: Path) -> list[Position]:
    """RowPro: a stroke a row, clock and metres beginning anew with each interval, rest of 2:00."""
    positions: list[Position] = []
    base_s = base_m = last_s = last_m = 0.0
    begun = False
    for line in path.read_text(errors="replace").splitlines():
        cells = line.split(",")
        begun = begun or line.startswith("Time,Distance,Pace")
        if not begun or len(cells) < 9 or not cells[0].isdigit():
            if positions and not line.strip():
                break
            continue
        t_s, metres = int(cells[0]) / 1000, float(cells[1])
        if base_s + t_s < last_s:
            base_s += 1320.0  # 20:00 of work and 2:00 of rest, as the header says
            base_m = last_m
        last_s, last_m = base_s + t_s, base_m + metres
        positions.append(_position(last_s, last_m, len(positions) + 1))
    return positions


def ergdata(path: Path) -> list[Position]:
    """ErgData's export of strokes."""
    return _strokes(path, "Time (seconds)", "Distance (meters)")


def painsled_desktop(path: Path) -> list[Position]:
    """Painsled's export from a computer: wall times and whole metres."""
    positions: list[Position] = []
    first: datetime | None = None
    for cells in csv.reader(
        path.read_text(encoding="utf-8").splitlines()[1:], skipinitialspace=True
    ):
        at = datetime.fromisoformat(cells[1])
        first = first or at
        rowed = float(cells[3])
        moved = not positions or rowed > (positions[-1].distance_m or 0.0)
        count = (positions[-1].stroke_count or 0) if positions else 0
        positions.append(_position((at - first).total_seconds(), rowed, count + moved, moved=moved))
    return positions


REAL = (
    ("RP_interval.csv", rowpro, [(1320.0 * n, 1320.0 * n + 1200.0) for n in range(4)]),
    ("testdata.csv", painsled, [(None, None)]),
    ("ergdata_example.csv", ergdata, [(None, None)]),
    ("painsled_desktop_example.csv", painsled_desktop, [(None, None)]),
    ("smartrow_intervals.csv", smartrow, [(0.0, 719.0), (812.0, 1525.0), (1620.0, 2339.0)]),
)


def main() -> None:
    """Measure and print; exit status 1 when a bar is missed."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    sessions = int(words[0]) if words else 300
    began = time.perf_counter()
    right, count, good, edges, kinds, wrong, named, nameable = on_paper(sessions)
    print(f"{count} sessions on paper in {time.perf_counter() - began:.0f} s")
    for kind, total in sorted(kinds.items()):
        print(f"  {kind:9} {total - wrong[kind]:4} of {total}")
    print(f"right number of pieces: {100 * right / count:.1f} %; bar {100 * PIECES_BAR:.0f} %")
    share = f"{100 * good / edges:.1f} %; bar {100 * EDGES_BAR:.0f} %"
    print(f"pieces with both edges within {EDGE_S:g} s: {share}")
    print(f"work named rightly where there is a pattern: {100 * named / nameable:.1f} %")
    met = right / count >= PIECES_BAR and good / edges >= EDGES_BAR
    if len(words) > 1:
        print("recordings of real rowers")
        results = real(Path(words[1]))
        counted = sum(held == told for _, held, told, _ in results)
        errors = [error for *_, found in results for error in found]
        close = sum(error <= EDGE_S for error in errors)
        print(f"right number of pieces in {counted} of {len(results)}")
        print(f"edges within {EDGE_S:g} s: {close} of {len(errors)} that are known")
    print("bars met" if met else "bars MISSED")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
