"""What one delivery costs the engine, whatever lies behind it.

A session of a thousand 20-second intervals, each delivery given to ordering, timeline, intervals
and figures one at a time, as a live recording does; decoding and database are not in it. The cost
is taken over ten intervals at a time: the first ten, and ten after 90, 290 and 990 others. It is
processor time, so that what else the computer does is not in it.

    python benchmarks/engine.py [ROUNDS]

The bars: a delivery after 990 intervals costs at most 1.25 times one in the first ten, and at most
20 microseconds.
"""

from __future__ import annotations

import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Sequence

from rowlog.derivation import Derivation
from rowlog.notation import parse
from rowlog.simulating import script_for
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.interface import Delivery
from rowlog_drivers.simulator import Simulator

BAR = 1.25
COST_BAR_US = 20.0
PLAN = "1000x0:20/0:10r"
TEN_REPS_S = 300
WINDOWS = (0, 90, 290, 990)
"""How many intervals lie behind when ten are measured."""


def deliveries() -> list[Delivery]:
    """The session, decoded."""
    simulator = Simulator(script_for(parse(PLAN)))
    decoding = make_decoding(simulator.sources)
    return [decoding.deliver(frame) for frame in simulator]


def once(session: Sequence[Delivery]) -> list[float]:
    """Microseconds a delivery in each of the windows."""
    derivation = Derivation(parse(PLAN))
    take, tracker = derivation.take, derivation.pipeline.tracker
    first_s = [5 + behind * TEN_REPS_S // 10 for behind in WINDOWS]
    costs: list[float] = []
    behind: list[int] = []
    place = 0
    for start_s in first_s:
        while session[place].t_ns / 1e9 < start_s:
            take((session[place],))
            place += 1
        behind.append(sum(segment.kind == "work" for segment in tracker.segments))
        first, began = place, time.process_time()
        while place < len(session) and session[place].t_ns / 1e9 < start_s + TEN_REPS_S:
            take((session[place],))
            place += 1
        costs.append((time.process_time() - began) / (place - first) * 1e6)
    wrong = [(had, want) for had, want in zip(behind, WINDOWS, strict=True) if had != want]
    if wrong:
        sys.exit(f"intervals behind, found and expected: {wrong}")
    return costs


def main() -> None:
    """Measure and print; exit status 1 when the bar is missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    session = deliveries()
    print(f"{rounds} rounds of {len(session)} deliveries ({PLAN}); medians")
    results = [once(session) for _ in range(rounds)]
    first = WINDOWS.index(0)
    for place, behind in enumerate(WINDOWS):
        cost = statistics.median(result[place] for result in results)
        ratio = statistics.median(result[place] / result[first] for result in results)
        print(f"{behind:5} intervals behind   {cost:6.2f} us a delivery   ratio {ratio:.2f}")
    met = ratio <= BAR and cost <= COST_BAR_US
    print(f"bars {BAR} and {COST_BAR_US:g} us {'met' if met else 'MISSED'}")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
