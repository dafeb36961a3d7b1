"""How many plans a second are read, from the plainest to a mixed circuit.

    python benchmarks/notation.py [ROUNDS]

The bar: 10,000 plans a second over all that rowlog's own library holds.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time

from rowlog.notation import parse
from rowlog.workouts_known import KNOWN

BAR = 10_000


def main() -> None:
    """Measure and print; exit status 1 when the bar is missed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    texts = [workout.plan for workout in KNOWN]
    spent: dict[str, list[float]] = {text: [] for text in texts}
    for _ in range(rounds):
        for text in texts:
            began = time.perf_counter()
            parse(text)
            spent[text].append(time.perf_counter() - began)
    print(f"Python {platform.python_version()}; {rounds} rounds of {len(texts)} plans; medians")
    costs = {text: statistics.median(times) * 1e6 for text, times in spent.items()}
    for text in (min(costs, key=costs.__getitem__), max(costs, key=costs.__getitem__)):
        print(f"{costs[text]:6.1f} us  {text[:64]}{'...' if len(text) > 64 else ''}")
    # Of each plan the median, so that what else the computer does is left out.
    rate = 1e6 * len(texts) / sum(costs.values())
    met = rate >= BAR
    print(f"{rate:,.0f} plans a second; bar {BAR:,} {'met' if met else 'MISSED'}")
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
