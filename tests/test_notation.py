"""The interval notation: what it reads, what it refuses and where, and that it round-trips."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rowlog.notation import MAX_CHARACTERS, NotationError, canonical, parse
from rowlog.plan import Band, Piece, Plan, Target
from rowlog_drivers.errors import CallError


def short(piece: Piece) -> str:
    """A piece in a few characters: `500m`, `r90s`, `r...`, `30s plank`."""
    target = piece.target
    value = "" if target.value is None else f"{target.value:g}"
    unit = {
        "time": f"{value}s",
        "distance": f"{value}m",
        "energy": f"{value}cal",
        "heart_rate_above": f">{value}",
        "heart_rate_below": f"<{value}",
        "open": "...",
        "ratio": f"*{value}",
    }[target.type]
    most = "" if target.at_most_s is None else f"!{target.at_most_s:g}"
    name = "" if piece.activity == "row" else f" {piece.activity}"
    return ("r" if piece.kind == "rest" else "") + unit + most + name


def pieces(text: str) -> list[str]:
    return [short(piece) for piece in parse(text).pieces]


READ: list[tuple[str, str, list[str]]] = [
    # text, canonical form, pieces
    # work
    ("500m", "500m", ["500m"]),
    ("5km", "5000m", ["5000m"]),
    ("5k", "5000m", ["5000m"]),
    ("1.5 km", "1500m", ["1500m"]),
    ("21.0975km", "21097.5m", ["21097.5m"]),
    ("10 metres", "10m", ["10m"]),
    ("4:00", "4:00", ["240s"]),
    ("30:00", "30:00", ["1800s"]),
    (":30", "0:30", ["30s"]),
    ("60:00", "1:00:00", ["3600s"]),
    ("1:00:00", "1:00:00", ["3600s"]),
    ("0:30.5", "0:30.5", ["30.5s"]),
    ("90s", "1:30", ["90s"]),
    ("30sec", "0:30", ["30s"]),
    ("20min", "20:00", ["1200s"]),
    ("1.5min", "1:30", ["90s"]),
    ("5'", "5:00", ["300s"]),
    ('30"', "0:30", ["30s"]),
    ("3'30\"", "3:30", ["210s"]),
    ("1h 30min", "1:30:00", ["5400s"]),
    ("20cal", "20cal", ["20cal"]),
    ("20 kcal", "20cal", ["20cal"]),
    ("9c", "9cal", ["9cal"]),
    ("open", "open", ["..."]),
    ("until >165bpm", "until >165bpm", [">165"]),
    ("work until > 165 bpm (max 5:00)", "until >165bpm max 5:00", [">165!300"]),
    # repetitions and rests; the last rest counts
    ("2x500m/1:30r", "2x500m/1:30r", ["500m", "r90s"] * 2),
    ("2 x 500m / 1:30", "2x500m/1:30r", ["500m", "r90s"] * 2),
    ("2X500m/90sr", "2x500m/1:30r", ["500m", "r90s"] * 2),
    ("2×500m/1.5min", "2x500m/1:30r", ["500m", "r90s"] * 2),
    ("２×５００ｍ／１：３０ｒ", "2x500m/1:30r", ["500m", "r90s"] * 2),
    ("\t2\u00a0x\u2009500m\u3000/1:30 r\n", "2x500m/1:30r", ["500m", "r90s"] * 2),
    ("2 x 500m / 3:30 rest", "2x500m/3:30r", ["500m", "r210s"] * 2),
    ("2x500m rest 1:30", "2x500m/1:30r", ["500m", "r90s"] * 2),
    ("2x5' / 2'", "2x5:00/2:00r", ["300s", "r120s"] * 2),
    ("2x5’/30”r", "2x5:00/0:30r", ["300s", "r30s"] * 2),
    ("1x500m", "500m", ["500m"]),
    ("500m on/200m off", "500m/200m", ["500m", "r200m"]),
    ("2x250M/500M", "2x250m/500m", ["250m", "r500m"] * 2),
    ("2x500m/...r", "2x500m/...r", ["500m", "r..."] * 2),
    ("2x500m/…", "2x500m/...r", ["500m", "r..."] * 2),
    ("2x500m/ur", "2x500m/...r", ["500m", "r..."] * 2),
    ("30/30", "0:30/0:30r", ["30s", "r30s"]),
    ("2x40 / 20", "2x0:40/0:20r", ["40s", "r20s"] * 2),
    (
        "2x500m/rest until <120bpm",
        "2x500m/rest until <120bpm",
        ["500m", "r<120"] * 2,
    ),
    (
        "500m/until ≤120 max 2min",
        "500m/rest until <120bpm max 2:00",
        ["500m", "r<120!120"],
    ),
    ("2x until >165/2:00", "2x until >165bpm/2:00r", [">165", "r120s"] * 2),
    # a ratio of work to rest: seconds after timed work, else kept
    ("4:00/1:10", "4:00/1:10r", ["240s", "r70s"]),
    ("4:00/1:1", "4:00/4:00r", ["240s", "r240s"]),
    ("4:00/1:2r", "4:00/8:00r", ["240s", "r480s"]),
    ("4:00/3:1", "4:00/1:20r", ["240s", "r80s"]),
    ("500m/1:1", "500m/1:1", ["500m", "r*1"]),
    ("500m/2:4", "500m/1:2", ["500m", "r*2"]),
    ("2x(1:00 + 2:00)/1:1", "2x(1:00 + 2:00)/3:00r", ["60s", "120s", "r180s"] * 2),
    # sequences and lists
    ("500m+1000m", "500m + 1000m", ["500m", "1000m"]),
    (
        "v500m/1:00r+1000m/2:00r",
        "500m/1:00r + 1000m/2:00r",
        ["500m", "r60s", "1000m", "r120s"],
    ),
    ("v500m/1000m/500m", "500m + 1000m + 500m", ["500m", "1000m", "500m"]),
    ("v1:00/2:00/1:00", "1:00 + 2:00 + 1:00", ["60s", "120s", "60s"]),
    (
        "v500m/1:00r/1000m/1:1/20cal",
        "500m/1:00r + 1000m/1:1 + 20cal",
        ["500m", "r60s", "1000m", "r*1", "20cal"],
    ),
    ("(500m/1:00r) + (1km)", "500m/1:00r + 1000m", ["500m", "r60s", "1000m"]),
    ("500m + 5:00r + 500m", "500m/5:00r + 500m", ["500m", "r300s", "500m"]),
    (
        "2x500m/1:00r + rest 5:00 + 500m",
        "2x500m/1:00r + 5:00r + 500m",
        ["500m", "r60s", "500m", "r60s", "r300s", "500m"],
    ),
    (
        "500m + rest until <120bpm + 500m",
        "500m/rest until <120bpm + 500m",
        ["500m", "r<120", "500m"],
    ),
    # groups: their rest replaces the rest at the end of each repetition, the last one too
    (
        "3x(4x500m/1:00r)/5:00r",
        "3x(4x500m/1:00r)/5:00r",
        [*["500m", "r60s"] * 3, "500m", "r300s"] * 3,
    ),
    (
        "2x(750m/3:00r + 500m/3:00r)",
        "2x(750m/3:00r + 500m/3:00r)",
        ["750m", "r180s", "500m", "r180s"] * 2,
    ),
    ("2x((500m+500m)/2min)", "2x(500m + 500m/2:00r)", ["500m", "500m", "r120s"] * 2),
    (
        "(500m + 2x250m/1:00r)/5:00r",
        "(500m + 2x250m/1:00r)/5:00r",
        ["500m", "250m", "r60s", "250m", "r300s"],
    ),
    (
        "2x(2x(250m/0:30r + 20cal)/1:00r + 500m)/5:00r",
        "2x(2x(250m/0:30r + 20cal)/1:00r + 500m)/5:00r",
        [*["250m", "r30s", "20cal", "r60s"] * 2, "500m", "r300s"] * 2,
    ),
    ("15:00 (5:00@r20 + 10:00@r24)", "5:00@r20 + 10:00@r24", ["300s", "600s"]),
    # circuits and other machines
    (
        "2x(0:30 Jumping  Jacks + 0:30 superman raises)/0:15r",
        "2x(0:30 jumping jacks + 0:30 superman raises)/0:15r",
        ["30s jumping jacks", "30s superman raises", "r15s"] * 2,
    ),
    (
        "2x(500m + 30s push-ups/10s + open 10 Burpees)",
        "2x(500m + 0:30 push-ups/0:10r + open 10 burpees)",
        ["500m", "30s push-ups", "r10s", "... 10 burpees"] * 2,
    ),
    ("0:30 plank + 0:15 rest", "0:30 plank/0:15r", ["30s plank", "r15s"]),
    ("0:30 Übung", "0:30 übung", ["30s übung"]),
    ("10:00 row", "10:00", ["600s"]),
    ("Row: 2000m", "2000m", ["2000m"]),
    ("Bike: 15000m", "Bike: 15000m", ["15000m bike"]),
    (
        "ski:2x500m/3:30r + 10:00 + Row: 1k",
        "Ski: 2x500m/3:30r + 10:00 + Row: 1000m",
        [*["500m ski", "r210s ski"] * 2, "600s ski", "1000m"],
    ),
    (
        "2x(Bike: 20cal + 20cal + Row: 500m) + 500m",
        "2x(Bike: 20cal + 20cal + Row: 500m) + 500m",
        [*["20cal bike", "20cal bike", "500m"] * 2, "500m"],
    ),
    (
        "Row: 2000m + Other: 2:00 Plank + Row: 2000m",
        "2000m + 2:00 plank + 2000m",
        ["2000m", "120s plank", "2000m"],
    ),
    ("Other: 10 Burpees", "open 10 burpees", ["... 10 burpees"]),
    (
        "Circuit: 2x(10 burpees + 20 squats + 30s plank)",
        "2x(open 10 burpees + open 20 squats + 0:30 plank)",
        ["... 10 burpees", "... 20 squats", "30s plank"] * 2,
    ),
    # a run has notes, not exercises
    ("Run: 400m Easy", "Run: 400m easy", ["400m run"]),
    ("Run: hill sprints/1:00", "Run: open hill sprints/1:00r", ["... run", "r60s run"]),
    (
        "Run: 15:00 tempo + Other: 2:00 plank + 1:00 burpees + Run: 400m + Row: 500m",
        "Run: 15:00 tempo + Other: 2:00 plank + 1:00 burpees + Run: 400m + Row: 500m",
        ["900s run", "120s plank", "60s burpees", "400m run", "500m"],
    ),
    (
        "2x(Run: 400m easy + Row: 0:30 plank) + 500m",
        "Run: 2x(400m easy + Other: 0:30 plank) + Row: 500m",
        [*["400m run", "30s plank"] * 2, "500m"],
    ),
    # a number whose unit the rate after it tells
    ("30r20", "30:00@r20", ["1800s"]),
    ("3x10r24/2:00", "3x10:00@r24/2:00r", ["600s", "r120s"] * 3),
    ("2x500r28/1:00r", "2x500m@r28/1:00r", ["500m", "r60s"] * 2),
    ("Other: 5:00", "Other: 5:00", ["300s other"]),
    # what rowingdata's parser is asked in its own tests, and what it got wrong
    ("3min/3min+3min", "3:00/3:00r + 3:00", ["180s", "r180s", "180s"]),
    (
        "2x30sec/30sec+5min/1min+2x10min",
        "2x0:30/0:30r + 5:00/1:00r + 2x10:00",
        [*["30s", "r30s"] * 2, "300s", "r60s", "600s", "600s"],
    ),
    ("4x1000m/5:00", "4x1000m/5:00r", ["1000m", "r300s"] * 4),
    ("40cal/1min", "40cal/1:00r", ["40cal", "r60s"]),
    ("3x10min@18-20spm/2min", "3x10:00@r18..20/2:00r", ["600s", "r120s"] * 3),
]


@pytest.mark.parametrize(("text", "canonical_form", "expected"), READ, ids=[r[0] for r in READ])
def test_reads(text: str, canonical_form: str, expected: list[str]) -> None:
    plan = parse(text)
    assert [short(piece) for piece in plan.pieces] == expected
    assert str(plan) == canonical(plan) == canonical_form
    assert parse(str(plan)) == plan


RATE, PACE, POWER, PULSE = "stroke_rate_spm", "pace_s_per_500m", "power_w", "heart_rate_bpm"


def rate(low: float | None, high: float | None) -> Band:
    return Band(quantity="stroke_rate_spm", low=low, high=high)


def pace(low: float | None, high: float | None) -> Band:
    return Band(quantity="pace_s_per_500m", low=low, high=high)


def power(low: float | None, high: float | None) -> Band:
    return Band(quantity="power_w", low=low, high=high)


def pulse(low: float | None, high: float | None) -> Band:
    return Band(quantity="heart_rate_bpm", low=low, high=high)


GUIDANCE: list[tuple[str, str, tuple[Band, ...]]] = [
    ("@r24", "@r24", (rate(24, 24),)),
    ("@20spm", "@r20", (rate(20, 20),)),
    ("@r18..22", "@r18..22", (rate(18, 22),)),
    ("@18-22 spm", "@r18..22", (rate(18, 22),)),
    ("@<24spm", "@<24spm", (rate(None, 24),)),
    ("r20", "@r20", (rate(20, 20),)),
    ("@1:45", "@1:45", (pace(105, 105),)),
    ("@2:05..2:10", "@2:05..2:10", (pace(125, 130),)),
    ("@2:10-2:05.5", "@2:05.5..2:10", (pace(125.5, 130),)),
    ("@<2:10", "@<2:10", (pace(None, 130),)),
    ("@180W", "@180W", (power(180, 180),)),
    ("@180..200 watts", "@180..200W", (power(180, 200),)),
    ("@>180w", "@>180W", (power(180, None),)),
    ("@150bpm", "@150bpm", (pulse(150, 150),)),
    ("@140..150bpm", "@140..150bpm", (pulse(140, 150),)),
    ("@r24@1:45", "@r24@1:45", (rate(24, 24), pace(105, 105))),
    (" @ 1:45 @ r24", "@r24@1:45", (rate(24, 24), pace(105, 105))),
    (
        "@150bpm@200W@2:00@r20",
        "@r20@2:00@200W@150bpm",
        (rate(20, 20), pace(120, 120), power(200, 200), pulse(150, 150)),
    ),
    (
        "@85%",
        "@85%max",
        (Band(quantity="heart_rate_bpm", low=85, high=85, reference="max_heart_rate"),),
    ),
    (
        "@80..85% HRmax",
        "@80..85%max",
        (Band(quantity="heart_rate_bpm", low=80, high=85, reference="max_heart_rate"),),
    ),
    ("@2k", "@2k", (Band(quantity="pace_s_per_500m", low=0, high=0, reference="2k"),)),
    ("@2k+10", "@2k+10", (Band(quantity="pace_s_per_500m", low=10, high=10, reference="2k"),)),
    (
        "@2k+5..2k+10",
        "@2k+5..2k+10",
        (Band(quantity="pace_s_per_500m", low=5, high=10, reference="2k"),),
    ),
    (
        "@6k-1-6k-5.5",
        "@6k-5.5..6k-1",
        (Band(quantity="pace_s_per_500m", low=-5.5, high=-1, reference="6k"),),
    ),
    (
        "@60m+2",
        "@60min+2",
        (Band(quantity="pace_s_per_500m", low=2, high=2, reference="60min"),),
    ),
]


@pytest.mark.parametrize(("text", "canonical_form", "bands"), GUIDANCE)
def test_guidance(text: str, canonical_form: str, bands: tuple[Band, ...]) -> None:
    before, after = (
        parse(f"4:00{text}/1:00r"),
        parse(f"4:00/1:00r{text}" if "@" in text else "4:00"),
    )
    assert before.pieces[0].bands == bands
    assert before.pieces[1].bands == ()
    assert str(before) == f"4:00{canonical_form}/1:00r"
    if "@" in text:
        assert after == before
    assert parse(str(before)) == before


def test_zones_and_open_guidance() -> None:
    steady, sprint, rest = parse("(2:30@ut2@r24 + 0:30@open)/0:30r").pieces
    assert (steady.zone, steady.bands, steady.free) == ("UT2", (rate(24, 24),), False)
    assert (sprint.zone, sprint.bands, sprint.free) == (None, (), True)
    assert rest.kind == "rest"
    assert str(parse("30:00@Z2")) == "30:00@Z2"


def test_guidance_of_a_group_holds_where_nothing_nearer_is_said() -> None:
    plan = parse("2x(500m@r28 + 500m@150W + 1:00@open)/2:00r@r24@UT1")
    assert str(plan) == "2x(500m@r28 + 500m@150W + 1:00@open)@r24@UT1/2:00r"
    first, second, sprint, rest = plan.pieces[:4]
    assert (first.bands, first.zone) == ((rate(28, 28),), "UT1")
    assert (second.bands, second.zone) == ((rate(24, 24), power(150, 150)), "UT1")
    assert (sprint.bands, sprint.zone, sprint.free) == ((), None, True)
    assert (rest.bands, rest.zone) == ((), None)


def test_a_plus_after_a_reference_pace_is_an_offset_only_before_at_most_two_digits() -> None:
    assert pieces("500m@2k+10") == ["500m"]
    assert pieces("500m@2k+10 + 500m") == ["500m", "500m"]
    assert pieces("500m@2k + 1000m") == ["500m", "1000m"]
    for text in ("500m@2k+1000m", "500m@2k+10s", "500m@2k+4:00", "500m@2k+5x500m"):
        with pytest.raises(NotationError) as caught:
            parse(text)
        assert caught.value.position == 7


def test_rounds_count_within_the_innermost_repeated_group() -> None:
    circuit = parse("[w]5:00 + 2x(0:30 squats + 2x(100m/0:10r + 20cal))/1:00r")
    assert [(short(piece), piece.round) for piece in circuit.pieces] == [
        ("300s", None),
        *(
            line
            for number in (1, 2)
            for line in (
                ("30s squats", number),
                ("100m", 1),
                ("r10s", 1),
                ("20cal", 1),
                ("100m", 2),
                ("r10s", 2),
                ("20cal", 2),
                ("r60s", number),
            )
        ),
    ]
    assert {piece.round for piece in parse("8x500m/1:30r").pieces} == {None}


def test_tags() -> None:
    text = "2000m #warmup + 2x500m/1:00r + 1000m #cooldown + 2k#benchmark"
    plan = parse(text)
    assert str(plan) == "[w]2000m + 2x500m/1:00r + [c]1000m + [t]2000m"
    assert [piece.tag for piece in plan.pieces] == ["warm_up", *[None] * 4, "cool_down", "test"]
    group = parse("[w]Bike: 2x(1:00 + 2:00 #test)/1:00r")
    assert [piece.tag for piece in group.pieces] == ["warm_up", "test", "warm_up"] * 2
    assert parse(str(group)) == group


def test_splits() -> None:
    plan = parse("[w]10:00 + 10000m[2k]")
    assert [piece.split for piece in plan.pieces] == [None, Target(type="distance", value=2000)]
    assert str(plan) == "[w]10:00 + 10000m [2000m]"
    assert str(parse("30:00 [5:00] @r20")) == "30:00@r20 [5:00]"
    assert str(parse("4x2000m/5:00r [500m]")) == "4x2000m/5:00r [500m]"
    # After a group they are of all its work that says nothing of its own.
    text = "2x(2x(10:00) [2:00] + 5:00@r20)/2:00r [5:00]"
    assert str(parse(text)) == "2x(2x(10:00 [2:00]) + 5:00@r20 [5:00])/2:00r"


@pytest.mark.parametrize(
    ("text", "work_count", "work_m", "work_s", "rest_s"),
    [
        ("8x500m/1:30r", 8, 4000, 0, 8 * 90),
        ("3x(4x500m/1:00r)/5:00r", 12, 6000, 0, 3 * (3 * 60 + 300)),
        ("10x30/30", 10, 0, 300, 300),
        ("4x4:00/1:1", 4, 0, 960, 960),
        ("4x500m/1:1", 4, 2000, 0, 0),
        ("10x20cal/1:00r", 10, 0, 0, 600),
    ],
)
def test_totals(text: str, work_count: int, work_m: float, work_s: float, rest_s: float) -> None:
    plan = parse(text)
    assert (plan.work_count, plan.work_m, plan.work_s, plan.rest_s) == (
        work_count,
        work_m,
        work_s,
        rest_s,
    )


REFUSED: list[tuple[str, int, str]] = [
    # text, position, a word of what is said
    ("", 0, "8x500m/1:30r"),
    ("   ", 0, "8x500m/1:30r"),
    ("banana", 0, "work"),
    # bare numbers
    ("20", 0, "20:00"),
    ("5 x 1500", 4, "1500m"),
    ("500/1:30", 0, "unit"),
    ("30/0:30", 0, "unit"),
    ("0:30/30", 5, "unit"),
    ("3x(750m/3r + 500m/3r)", 8, "3:00r"),
    ("30r41", 0, "30:00@r41"),
    ("30r2", 0, "unit"),
    ("500m/30r20", 5, "unit"),
    ("500m [30r20]", 6, "unit"),
    ("1.5r20", 0, "unit"),
    ("v250/500/1000/500/250m", 1, "250m"),
    ("10 burpees", 0, "open 10 burpees"),
    ("1'30", 2, "unit"),
    # trailing and foreign text
    ("4x500m/", 7, "rest"),
    ("4x500m/2min garbage", 12, "Leave"),
    ("8x500m/1:30r row", 13, "Leave"),
    ("500m garbage", 5, "Leave"),
    ("4x1000m/5:00min", 12, "Leave"),
    ("v4:00/1:00r...4 row", 11, "Expected +"),
    ("5,000m row", 1, "comma"),
    ("2k, 1k, 500m", 2, "+"),
    ("8 x 500m, 2 minutes rest", 8, "/"),
    ("1/3/5/3/1 minutes", 3, "one rest"),
    ("500m/1000m/500m", 10, "v500m"),
    ("10x3:00/1:1r/2:00", 12, "one rest"),
    ("500m x 4", 5, "in front"),
    ("500mm", 3, "unit"),
    ("1h30m", 2, "unit"),
    ("500m +", 6, "work"),
    ("+ 500m", 0, "work"),
    ("500m)", 4, "parenthesis"),
    ("2x(500m", 7, ")"),
    ("2x()", 3, "work"),
    ("2x(500m 3", 8, "+ before"),
    ("Bike:", 5, "work"),
    ("0:30 burpees2", 12, "+"),
    # times and ratios
    ("1:75", 2, "two digits"),
    ("1:5", 2, "two digits"),
    ("1:1", 2, "two digits"),
    ("1:001", 2, "two digits"),
    ("1:60:00", 2, "two digits"),
    ("500m/1:0", 5, "ratio"),
    ("500m/1:0r", 5, "1:00"),
    ("500m/10:1", 5, "10:01"),
    ("10:5", 3, "10:05"),
    ("0:90", 2, "1:30"),
    ("2x(500m + 500m)/1:1", 16, "time"),
    # nothing, too little, too much
    ("0m", 0, "10 m"),
    ("5m", 0, "5:00"),
    ("0:00", 0, "one second"),
    ("500m/0:00r", 5, "one second"),
    ("0/30", 0, "one second"),
    ("0cal", 0, "kilocalories"),
    ("1.5cal", 0, "kilocalories"),
    ("0x500m", 0, "1 to 1000"),
    ("1001x500m", 0, "1 to 1000"),
    ("99999999999999999999x500m", 0, "1 to 1000"),
    ("100x(11x500m)", 0, "1000 intervals"),
    ("600x500m + 401x100m", 11, "1000 intervals"),
    ("25:00:00", 0, "24 hours"),
    ("500m + 23:00:00/1:00:01", 7, "24 hours"),
    ("1001km", 0, "1000 km"),
    ("500m + 200x5001m", 7, "1000 km"),
    ("((((((((((500m))))))))))", 8, "8 deep"),
    ("1" * 400 + "m", 0, "digits"),
    ("1" * 400 + ":00", 0, "24 hours"),
    # structure
    ("3x4x500m/1:00r", 2, "group"),
    ("3x1:00r", 6, "work"),
    ("1:00r", 0, "work"),
    ("500m + 2x(1:00r)", 10, "work"),
    ("v500m/1:00+1000m/2:00", 6, "Work or rest"),
    ("15:00 (5:00 + 5:00)", 6, "add up"),
    ("15:00 (5:00 + 500m)", 6, "add up"),
    # heart rates
    ("500m/rest until >120bpm", 16, "<120bpm"),
    ("until 165", 6, ">165bpm"),
    ("until >300bpm", 7, "250"),
    ("until >165bpm max 500m", 18, "2:00"),
    # guidance
    ("500m@", 5, "guidance"),
    ("500m@20", 5, "guidance"),
    ("500m@r24@26spm", 9, "once"),
    ("500m@UT2@UT1", 9, "once"),
    ("500m@r24@open", 9, "open"),
    ("500m@r99", 6, "60"),
    ("500m@0:05", 5, "500 m"),
    ("500m@1:75", 5, "500 m"),
    ("500m@5000W", 5, "3000"),
    ("500m@20bpm", 5, "250"),
    ("500m@150%", 5, "100"),
    ("500m@<20..24spm", 6, "range"),
    ("500m@2k+5..5k+10", 11, "both ends"),
    ("30:00r12", 5, "@r12"),
    ("1:00r@r20 + 500m", 5, "another piece"),
    # tags and splits
    ("[x]500m", 0, "[w]"),
    ("[w]500m #test", 8, "once"),
    ("500m #fast", 5, "#warmup"),
    ("[2000m]10000m", 0, "follows"),
    ("10000m [5m]", 8, "10 m"),
    ("10000m [20000m]", 8, "longer"),
    ("100km [10m]", 7, "1000 splits"),
    ("10000m [2000m", 13, "]"),
    ("10000m []", 8, "splits"),
    ("2x(500m + 300m) [400m]", 17, "longer"),
    ("2x(500m + 60km)[50m]", 16, "1000 splits"),
    ("Row: Bike: 500m", 5, "once"),
]


@pytest.mark.parametrize(("text", "position", "word"), REFUSED, ids=[r[0][:30] for r in REFUSED])
def test_refuses(text: str, position: int, word: str) -> None:
    with pytest.raises(NotationError) as caught:
        parse(text)
    assert caught.value.position == position
    assert word in caught.value.expected
    assert caught.value.text == text


def test_the_message_points_at_the_place() -> None:
    with pytest.raises(CallError) as caught:
        parse("4x500m/2min garbage")
    assert caught.value.exit_code == 2
    lines = str(caught.value).splitlines()
    assert lines[1] == "    4x500m/2min garbage"
    assert lines[2] == "    " + " " * 12 + "^"
    assert lines[3].startswith("Leave this text out")


def test_the_caret_stands_under_wide_characters_and_in_long_texts() -> None:
    with pytest.raises(NotationError) as caught:
        parse("５００ｍ ?")
    assert str(caught.value).splitlines()[2] == "    " + " " * 9 + "^"
    with pytest.raises(NotationError) as caught:
        parse("500m + " * 900 + "?")
    _, shown, caret, _ = str(caught.value).splitlines()
    assert len(shown) < 120
    assert shown[caret.index("^")] == "?"


def test_refuses_endless_text() -> None:
    with pytest.raises(NotationError) as caught:
        parse("(" * (MAX_CHARACTERS + 1))
    assert caught.value.position == MAX_CHARACTERS


def test_the_longest_text_is_read_in_a_moment() -> None:
    started = time.process_time()
    for text in ("(" * 10_000, " " * 9_996 + "500m", "v" + "11m/" * 2_400, "1x" * 5_000):
        try:
            parse(text)
        except NotationError as refused:
            assert 0 <= refused.position <= len(text)
    assert time.process_time() - started < 2


# Plans at random: every way of writing that the grammar has.


def choice(*texts: str) -> st.SearchStrategy[str]:
    return st.sampled_from(texts)


def joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


def maybe(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | part


def number(low: int, high: int) -> st.SearchStrategy[str]:
    return st.integers(low, high).map(str)


def formatted(shape: str, *ranges: tuple[int, int]) -> st.SearchStrategy[str]:
    return st.tuples(*(st.integers(*r) for r in ranges)).map(lambda values: shape.format(*values))


BLANK = choice("", "", " ", "  ", "\u00a0")
DISTANCES = joined(number(10, 9000), BLANK, choice("m", "M", " metres")) | formatted(
    "{}.{}km", (1, 30), (0, 9999)
)
TIMES = (
    formatted("{}:{:02}", (1, 20), (0, 59))
    | formatted("{}:{:02}.{}", (1, 20), (0, 59), (0, 999))
    | formatted("1:{:02}:{:02}", (0, 59), (0, 59))
    | joined(number(9, 90), choice("s", "sec", '"', "min", "'", " min"))
    | formatted("{}'{}\"", (1, 9), (0, 59))
)
ENERGIES = joined(number(1, 300), choice("cal", "kcal", "c"))
LIMIT = maybe(joined(choice(" max "), TIMES) | joined(choice(" (max "), TIMES, choice(")")))
PULSES = joined(choice("until >", "until <", "until > "), number(60, 200), choice("", "bpm"), LIMIT)
NAMES = choice("jumping jacks", "Plank", "push-ups", "farmer's walk", "swings rechts", "row", "ski")
WORK = (
    DISTANCES
    | TIMES
    | ENERGIES
    | PULSES
    | joined(TIMES, choice(" "), NAMES)
    | choice("open", "open burpees", "open 12 burpees")
)
RESTS = joined(BLANK, choice("/"), BLANK).flatmap(
    lambda slash: (
        joined(TIMES, choice("", "r", " r", " rest"))
        | formatted("{}:{}", (1, 9), (1, 9))
        | joined(DISTANCES, choice("", "r"))
        | choice("...r", "ur", "…", "...")
        | joined(choice("rest until <", "until <"), number(60, 200), choice("", "bpm"), LIMIT)
    ).map(lambda rest: slash + rest)
)
PACES = formatted("{}:{:02}", (1, 4), (0, 59))
OFFSETS = joined(choice("+", "-"), number(0, 99))
RANGES = choice("..", "-")
GUIDANCES = st.lists(
    st.tuples(
        st.integers(0, 4),
        choice("@", " @ "),
    ).flatmap(
        lambda kind: st.tuples(
            st.just(kind[0]),
            (
                joined(choice("r"), number(10, 60))
                | joined(number(10, 60), RANGES, number(10, 60), choice("spm")),
                PACES
                | joined(PACES, RANGES, PACES)
                | joined(choice("2k", "5k", "6k", "30m", "60min"), maybe(OFFSETS))
                | joined(choice("2k"), OFFSETS, choice(".."), choice("2k"), OFFSETS),
                joined(choice("", "<", ">"), number(50, 900), choice("W", "w")),
                joined(number(60, 200), choice("bpm"))
                | joined(number(30, 100), RANGES, number(30, 100), choice("%", "%max")),
                choice("UT2", "ut1", "AT", "TR", "AN", "Z1", "Z5"),
            )[kind[0]].map(lambda said: kind[1] + said),
        )
    ),
    max_size=4,
    unique_by=lambda said: said[0],
).map(lambda said: "".join(text for _, text in said)) | choice("@open")
COUNTS = joined(number(1, 5), choice("x", " x ", "×", "X "))
PREFIXES = choice("", "", "", "Bike: ", "Row:", "Run: ", "[w]", "[c] ", "[t]Ski: ", "Other: [w]")
RUNS = joined(
    choice("Run: ", "[w]Run:"),
    DISTANCES,
    choice(" easy", " Hill sprints", ""),
    choice("", "@25:00", " @ 61:30", "@r80"),
)
INTERVALS = joined(
    PREFIXES, maybe(COUNTS), WORK, GUIDANCES, maybe(RESTS), maybe(choice(" [100cal]"))
) | joined(
    maybe(COUNTS),
    choice("30/30", "40 / 20") | joined(number(1, 2000), choice("r20", " r36"), maybe(RESTS)),
)
LISTS = joined(
    choice("v"),
    st.lists(DISTANCES | TIMES | ENERGIES, min_size=1, max_size=4).map(" / ".join),
    choice("", "/1:00r"),
)
LONE_RESTS = choice("5:00r", "rest 1:00", "...r", "rest until <120bpm", "200m rest")


def sequences(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(parts, min_size=1, max_size=3).map(" + ".join)


PLANS = sequences(
    st.recursive(
        INTERVALS | RUNS | LISTS | LONE_RESTS,
        lambda inner: joined(
            PREFIXES,
            maybe(COUNTS),
            choice("("),
            sequences(inner),
            choice(")"),
            GUIDANCES,
            maybe(RESTS),
            maybe(choice(" [100cal]", "[10m]")),
        ),
        max_leaves=5,
    )
)


def read_or_refused(text: str) -> Plan | None:
    try:
        return parse(text)
    except NotationError as refused:
        assert 0 <= refused.position <= len(text)
        assert refused.text == text
        assert refused.expected in str(refused)
        return None


@given(PLANS)
@example("Run: 3.228km@25:00")
@example("500m@3:52.342")
def test_round_trip(text: str) -> None:
    plan = read_or_refused(text)
    if plan is not None:
        again = parse(str(plan))
        assert again == plan
        assert str(again) == str(plan)


@given(INTERVALS)
def test_every_interval_of_the_grammar_is_read(text: str) -> None:
    try:
        plan = parse(text)
    except NotationError as refused:
        # What the generator cannot know: work shorter than its splits, rests that make a day.
        assert "split" in refused.expected or "24 hours" in refused.expected
        return
    assert plan.work_count >= 1
    assert parse(str(plan)) == plan


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    plan = read_or_refused(text)
    assert plan is None or parse(str(plan)) == plan


@given(st.text(alphabet="0123456789:x/+-@()[]#.,'\"<>% rmkvsWcalbpnutiodUT2×…"))
def test_any_text_in_the_notations_own_characters_is_read_or_refused(text: str) -> None:
    plan = read_or_refused(text)
    assert plan is None or parse(str(plan)) == plan


@given(st.text(min_size=1))
def test_any_name_of_an_exercise_round_trips(name: str) -> None:
    for shape in ("0:30 {}", "open 10 {}", "Other: {}"):
        plan = read_or_refused(shape.format(name))
        assert plan is None or parse(str(plan)) == plan


@given(PLANS, st.integers(0, 200), st.characters())
def test_a_slip_of_the_finger_is_read_or_refused(text: str, at: int, character: str) -> None:
    change: list[Callable[[], str]] = [
        lambda: text[:at] + character + text[at:],
        lambda: text[:at] + text[at + 1 :],
        lambda: text[:at],
    ]
    for slip in change:
        plan = read_or_refused(slip())
        assert plan is None or parse(str(plan)) == plan


@pytest.mark.parametrize("text", ["0:30 max burpees", "0:30 plank until failure", "0:40 work"])
def test_a_word_of_plans_in_a_name_is_told(text: str) -> None:
    with pytest.raises(NotationError) as caught:
        parse(text)
    word = text[caught.value.position :].split()[0]
    assert word in ("max", "until", "work")
    assert f"Leave {word} out" in caught.value.expected
