"""How often one workout told twice is known as one, and two workouts are taken for one.

Run: python -m benchmarks.sameness [SESSIONS]

Each session on paper is rowed by a simulated athlete and told by two monitors that hear the same
strokes in their own way, then written more coarsely, as files do: tenths of seconds and metres,
whole ones, or a row a second without strokes. It is compared with each, and with the same plan
rowed another day: as precisely as a machine would (nobody does), every piece within 0.3 %, and
within 1 % in pace and rate. Hearts are left out; where both know them, they tell more apart.
Parts are its first and its last three fifths, as a copy that broke off or a recording that began
late has them, compared with the whole of the same day and of another.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Final, Literal

from rowlog.counters import SECOND_NS
from rowlog.sameness import Course, course, same, within
from rowlog.structuring import Recording
from rowlog_drivers.catalog import make_decoding
from rowlog_drivers.records import Stroke
from rowlog_drivers.simulator import RowerKind, Stretch, simulate

KINDS: Final = ("5k", "2k", "8x500m", "30:00", "4x4:00")
VARIED: Final = (0.0, 0.003, 0.01)
"""By what share pace and rate of a piece differ from what was meant."""
Telling = Literal["as heard", "tenths", "whole", "a second"]
TELLINGS: Final[tuple[Telling, ...]] = ("as heard", "tenths", "whole", "a second")
MONITORS: Final[tuple[tuple[RowerKind, RowerKind], ...]] = (
    ("ftms", "pm5"), ("pm5", "ftms"), ("s4", "ftms"),
)  # fmt: skip
Strokes = Sequence[tuple[float, float]]
"""(seconds since the start, metres) of each stroke."""


def script(kind: str, pace: float, rate: float, varied: float, random: Random) -> list[Stretch]:
    """A plan as somebody rows it: `pace` in s per 500 m and `rate` in strokes a minute, varied."""

    def work(*, metres: float | None = None, seconds: float | None = None) -> Stretch:
        return Stretch(
            kind="work",
            distance_m=metres,
            seconds=seconds,
            pace_s_per_500m=pace * (1 + random.uniform(-varied, varied)),
            stroke_rate_spm=rate * (1 + random.uniform(-varied, varied)),
        )

    def rested(pieces: Iterable[Stretch], seconds: float) -> list[Stretch]:
        rest = Stretch(kind="rest", seconds=seconds)
        return [part for piece in pieces for part in (piece, rest)]

    if kind == "5k":
        return [work(metres=1000) for _ in range(5)]
    if kind == "2k":
        return [work(metres=500) for _ in range(4)]
    if kind == "8x500m":
        return rested((work(metres=500) for _ in range(8)), 90)
    if kind == "30:00":
        return [work(seconds=360) for _ in range(5)]
    return rested((work(seconds=240) for _ in range(4)), 180)


def rowed(script: Sequence[Stretch], seed: int, rower: RowerKind, rate_hz: float = 2.0) -> Strokes:
    """The strokes of a session on paper, as rowlog hears them from that monitor."""
    wait = Stretch(kind="wait", seconds=5)
    simulation = simulate(
        [wait, *script, wait], rower=rower, seed=seed, strap=False, rate_hz=rate_hz
    )
    whole, _ = Recording(
        frames=lambda: simulation.frames,
        decoding=lambda: make_decoding(simulation.sources),
        end_ns=round(simulation.truth.end_s * SECOND_NS),
    ).watched()
    return [
        (fact.t_ns / SECOND_NS, fact.total_distance_m)
        for fact in whole.facts
        if isinstance(fact, Stroke) and fact.total_distance_m is not None
    ]


def told(strokes: Strokes, telling: Telling, since_s: float) -> Course | None:
    """The same strokes as a file has them whose clock began `since_s` earlier."""
    moved = [(t_s + since_s, metres) for t_s, metres in strokes]
    if telling == "tenths":
        moved = [(round(t_s, 1), round(metres, 1)) for t_s, metres in moved]
    elif telling == "whole":
        moved = [(float(int(t_s)), float(int(metres))) for t_s, metres in moved]
    elif telling == "a second":
        moved = list(_by_second(moved))
    return course(moved, by_stroke=telling != "a second")


def _by_second(strokes: Strokes) -> Iterable[tuple[float, float]]:
    times = [t_s for t_s, _ in strokes]
    for second in range(int(times[0]) + 1, int(times[-1])):
        place = bisect_right(times, second)
        (before_s, before_m), (after_s, after_m) = strokes[place - 1], strokes[place]
        share = (second - before_s) / (after_s - before_s)
        yield float(second), round(before_m + share * (after_m - before_m), 1)


def measure(
    sessions: int, kinds: Sequence[str] = KINDS, varied: Sequence[float] = VARIED
) -> dict[tuple[str, float, Telling], tuple[int, int]]:
    """For (what was compared, how it varies, telling): how often that was wrong, and of how many.

    "one" or "two" workouts, a "part" of one, or a "part of another".
    """
    random = Random("sameness")
    wrong: Counter[tuple[str, float, Telling]] = Counter()
    all_: Counter[tuple[str, float, Telling]] = Counter()
    for number in range(sessions):
        kind, share = kinds[number % len(kinds)], varied[number // len(kinds) % len(varied)]
        pace, rate = random.uniform(105, 135), random.uniform(20, 28)
        first, second = MONITORS[number % len(MONITORS)]
        meant = script(kind, pace, rate, share, random)
        another = script(kind, pace, rate, share, random)
        heard = told(rowed(meant, 2 * number, first, random.choice((1.0, 2.0, 4.0))), "as heard", 0)
        pairs = {
            "one": rowed(meant, 2 * number, second),
            "two": rowed(another, 2 * number + 1, second),
        }
        for what, strokes in pairs.items():
            for telling in TELLINGS:
                other = told(strokes, telling, random.uniform(0, 60))
                if heard is None or other is None:
                    raise SystemExit(f"session {number} is too short")
                all_[what, share, telling] += 1
                wrong[what, share, telling] += (same(heard, other) is None) == (what == "one")
                if telling == "a second":
                    continue
                fifth = len(strokes) // 5
                for cut in (strokes[: 3 * fifth], strokes[2 * fifth :]):
                    part = told([(t_s, m - cut[0][1]) for t_s, m in cut], telling, 17.0)
                    if part is None:
                        raise SystemExit(f"a part of session {number} is too short")
                    kind_ = "part" if what == "one" else "part of another"
                    all_[kind_, share, telling] += 1
                    missed = within(part, heard) is None
                    wrong[kind_, share, telling] += missed == (what == "one")
    return {key: (wrong[key], count) for key, count in all_.items()}


def main() -> None:
    """Print what was measured."""
    sessions = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    for (what, share, telling), (wrong, count) in sorted(measure(sessions).items()):
        fault = "not known as one" if what in ("one", "part") else "taken for one"
        words = what if what.startswith("part") else f"{what} workout{'s' * (what == 'two')}"
        print(f"{words}, {share:.1%} varied, {telling}: ", end="")
        print(f"{wrong} of {count} {fault}")


if __name__ == "__main__":
    main()
