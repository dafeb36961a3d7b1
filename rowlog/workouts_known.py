"""The workouts that rowlog knows: classics of indoor rowing, and back and cardio circuits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Workout:
    """One workout of the library."""

    name: str
    """How it is called in a command: lower case, words joined by hyphens."""
    group: str
    """Under which it is listed."""
    plan: str
    """Interval text, as it was written."""
    about: str
    """What it is, in half a sentence."""


_CIRCUIT: Final = (
    "0:30 jumping jacks + 0:30 superman raises + 0:30 mountain climbers + "
    "0:30 reverse snow angels + 0:30 burpees + 0:30 plank to push-up"
)

_GROUPS: Final[tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...]] = (
    (
        "Ranked pieces",
        (
            ("test-100m", "[t]100m", "the shortest ranked piece: all out from the first stroke"),
            ("test-500m", "[t]500m", "ranked sprint"),
            ("test-1k", "[t]1000m", "ranked"),
            ("test-2k", "[t]2000m [500m]", "the distance of racing, in splits of 500 m"),
            ("test-5k", "[t]5000m", "ranked"),
            ("test-6k", "[t]6000m", "the autumn test"),
            ("test-10k", "[t]10000m", "ranked"),
            ("test-half-marathon", "[t]21097m", "ranked, in five splits"),
            ("test-marathon", "[t]42195m [2000m]", "ranked, in splits of 2000 m"),
            ("test-1min", "[t]1:00", "ranked: metres in a minute"),
            ("test-4min", "[t]4:00", "ranked: metres in 4 minutes"),
            ("test-30min", "[t]30:00", "ranked: metres in half an hour"),
            ("test-60min", "[t]1:00:00", "the hour"),
        ),
    ),
    (
        "Steady",
        (
            ("30r20", "30:00@r20", "half an hour at rate 20: the test of strength per stroke"),
            ("60r20", "1:00:00@r20", "an hour at rate 20"),
            ("3x20", "3x20:00@r18..20@UT2/2:00r", "an hour of aerobic base in three parts"),
            ("2x30", "2x30:00@UT2/3:00r", "the same in two"),
            ("rate-ladder", "3x(4:00@r18 + 3:00@r20 + 2:00@r22 + 1:00@r24)/2:00r",
             "10 minutes up the rates, three times"),
        ),
    ),
    (
        "Pete Plan",
        (
            ("pete-8x500", "8x500m/3:30r", "speed day of week 1"),
            ("pete-pyramid",
             "250m/1:30r + 500m/3:00r + 750m/4:30r + 1000m/6:00r + 750m/4:30r + 500m/3:00r + 250m",
             "speed day of week 2: 1:30 of rest for each 250 m before it"),
            ("pete-4x1000", "4x1000m/5:00r", "speed day of week 3"),
            ("pete-5x1500", "5x1500m/5:00r", "endurance day of week 1"),
            ("pete-waterfall", "3000m/5:00r + 2500m/5:00r + 2000m",
             "endurance day of week 2: 3 km, 2.5 km, 2 km"),
            ("pete-4x2000", "4x2000m/5:00r", "endurance day of week 3"),
            ("pete-steady", "10000m@2k+18..2k+25", "the days between"),
        ),
    ),
    (
        "Wolverine Plan",
        (
            ("level1-4x1000", "4x1000m/3:00r@2k", "level 1: 4 km of race-pace intervals"),
            ("level1-8x500", "8x500m/3:30r@2k-2", "level 1"),
            ("level1-pyramid",
             "250m/1:30r + 500m/3:00r + 750m/4:30r + 1000m/6:00r + 750m/4:30r + 500m/3:00r + 250m",
             "level 1"),
            ("level2-5x1500", "5x1500m/5:00r@2k+5", "level 2: 7.5 km of long intervals"),
            ("level2-4x2000", "4x2000m/5:00r@2k+6", "level 2"),
            ("level2-3x3000", "3x3000m/6:00r@2k+8", "level 2"),
            ("level3-15x3", "15x3:00/1:00r", "level 3: hard, continuous in all but name"),
            ("level3-12k", "12000m", "level 3: steady, a little further each week"),
            ("level4-60",
             "6x(2:00@r16 + 2:00@r18 + 2:00@r20 + 2:00@r18 + 2:00@r16)",
             "level 4: an hour in 10-minute rate sequences"),
            ("level4-40",
             "4x(4:00@r18 + 3:00@r20 + 2:00@r22 + 1:00@r24)",
             "level 4: 40 minutes, the rates rising in each 10"),
        ),
    ),
    (
        "Intervals",
        (
            ("tabata", "8x0:20/0:10r", "20 s all out, 10 s to breathe, eight times"),
            ("30-30", "20x0:30/0:30r", "20 minutes of half a minute on, half a minute off"),
            ("40-20", "3x(10x0:40/0:20r)/3:00r", "three sets of ten"),
            ("10x1", "10x1:00/1:00r", "a minute hard, a minute easy"),
            ("4x4", "4x4:00/3:00r", "four minutes near the maximum, four times"),
            ("5x5", "5x5:00/1:1", "five minutes on, five off"),
            ("8x500-pulse", "8x500m/rest until <120bpm max 3:00",
             "500 m whenever the heart is ready"),
            ("calories", "10x20cal/1:00r", "20 kilocalories, ten times"),
            ("pyramid", "1:00/1:00r + 2:00/2:00r + 3:00/3:00r + 4:00/4:00r + "
             "3:00/3:00r + 2:00/2:00r + 1:00", "up and down by minutes, rests alike"),
            ("distance-pyramid", "250m/1:00r + 500m/1:30r + 1000m/2:00r + 500m/1:30r + 250m",
             "up and down by metres"),
            ("step-test",
             "3:00@2k+28/1:00r + 3:00@2k+24/1:00r + 3:00@2k+20/1:00r + 3:00@2k+16/1:00r + "
             "3:00@2k+12/1:00r + 3:00@2k+8/1:00r + [t]3:00@open",
             "seven steps, each 4 s faster, the last all out"),
        ),
    ),
    (
        "Back and Cardio",
        (
            ("back-and-cardio", f"4x({_CIRCUIT})",
             "six exercises of 30 s, four rounds, no rest"),
            ("back-and-cardio-3", f"3x({_CIRCUIT})/0:30r",
             "the same in three rounds, 30 s between them"),
            ("row-and-ropes",
             "5x(500m + 0:30 battle ropes/0:15r + 0:30 kettlebell swings)/1:30r",
             "rowing, ropes and kettlebell, five rounds"),
            ("row-and-crawl",
             "4x(500m/0:15r + 0:45 renegade rows with push-ups/0:15r + 0:45 bear crawls)/1:30r",
             "rowing, then rows and crawls on the floor"),
            ("back-builder",
             "4x(250m + 0:40 renegade rows with push-ups/0:20r + 0:40 kettlebell swings/0:20r + "
             "0:40 superman raises/0:20r + 0:40 reverse snow angels)/1:30r",
             "short and strong on the machine, the back after it"),
            ("cardio-mix",
             "3x(2:00 + 0:30 battle ropes/0:15r + 0:30 bear crawls/0:15r + "
             "0:30 kettlebell swings/0:15r + 0:30 renegade rows with push-ups)/2:00r",
             "two minutes of rowing, then four stations, three rounds"),
            ("row-then-circuit",
             f"[w]5:00@<22spm + 4x500m/1:00r + 2x({_CIRCUIT})/1:00r + [c]3:00",
             "intervals first, then two rounds of the circuit"),
        ),
    ),
)  # fmt: skip

KNOWN: Final[tuple[Workout, ...]] = tuple(
    Workout(name=name, group=group, plan=plan, about=about)
    for group, entries in _GROUPS
    for name, plan, about in entries
)
