"""What a report says of a session in figures: its head, the rows of its tables; nothing escaped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowlog.render import (
    EASY,
    NONE,
    clock_time,
    easy_metres,
    figures,
    labels,
    metres,
    pace,
    printable,
    split_figures,
    tenth,
    whole,
    work_heart_rate,
)
from rowlog.render_rounds import exercise_rows, round_rows
from rowlog.summary import SessionSummary, Summary

if TYPE_CHECKING:
    from rowlog.contents import Contents

_ACTIVITIES: Final = {"row": "Rowing", "other": "Heart rate", "mixed": "Rowing and exercises"}
Table = tuple[list[str], list[tuple[str, list[str]]]]
"""Heads, and rows of (look, cells)."""


def thousands(text: str) -> str:
    """A whole number with a comma where it has five digits or more: 9999, 13,724."""
    return f"{int(text):,}" if len(text) >= 5 and text.isdecimal() else text


def title_of(contents: Contents, width: int = 200) -> str:
    """What was rowed, in a line that is safe to show but not escaped."""
    session = contents.session
    way = contents.summary.segmentation
    said = session.plan or (way.text if way is not None and way.origin == "auto" else None)
    return printable(said, width) if said else _ACTIVITIES.get(session.activity, session.activity)


def devices_line(session: SessionSummary) -> str:
    """The devices, each with its model; safe to show but not escaped."""
    return ", ".join(
        f"{source.name} ({printable(source.model or source.driver)})"
        for source in session.sources
        if source.driver != "workout_file"
    )


def key_figures(shown: Summary) -> list[tuple[str, str, str]]:
    """The figures at the head of a report, all of the work: name, value, unit; those known.

    Of a session without pieces the heart rates are those of all of it.
    """
    session, pace_m = shown.session, shown.pace_m
    speed = pace(session.mean_pace_s_per_500m, pace_m)
    reps = [one for one in shown.segments if one.kind == "work" and one.tag not in EASY]
    mean, highest = whole(session.mean_heart_rate_bpm), whole(session.max_heart_rate_bpm)
    if reps:
        mean, highest = work_heart_rate(reps)
    rowed = session.work_distance_m is not None
    every = [
        ("Work", thousands(metres(session.work_distance_m)), "m", rowed),
        ("Time of work", clock_time(session.work_s), "", session.work_s),
        ("Mean pace", speed, f"/{pace_m:g} m", session.mean_pace_s_per_500m),
        ("Stroke rate", tenth(session.mean_stroke_rate_spm), "spm", session.mean_stroke_rate_spm),
        ("Mean power", whole(session.mean_power_w), "W", session.mean_power_w),
        ("Mean heart rate", mean, "bpm", mean not in ("", NONE)),
        ("Highest", highest, "bpm", highest not in ("", NONE)),
    ]
    return [(name, value, unit) for name, value, unit, known in every if known]


def interval_rows(shown: Summary) -> Table:
    """The heads and rows of the interval table, without columns that nothing is known of.

    Each row is (class, cells): "work" and "rest" as in the segments, then "work sum", "rest" and
    "all" for the totals. Nothing is escaped.
    """
    if not shown.segments:
        return [], []
    works = [segment for segment in shown.segments if segment.kind == "work"]
    reps = [segment for segment in works if segment.tag not in EASY]
    exercises = any(segment.activity not in ("row", "other") for segment in works)
    rows: list[tuple[str, list[str]]] = []
    for segment, label in zip(shown.segments, labels(shown.segments), strict=True):
        work = segment.kind == "work"
        if work:
            label = " ".join([label, EASY.get(segment.tag or "", "")]).rstrip()
        named = [printable(segment.activity, 40) if work else ""] if exercises else []
        cells = [clock_time(segment.duration_s), *figures(segment, work=work, pace_m=shown.pace_m)]
        rows.append(("work" if work else "rest", [label, *named, *cells]))
    session = shown.session
    blank = [""] if exercises else []
    total = [
        "work", *blank, clock_time(session.work_s), metres(session.work_distance_m),
        pace(session.mean_pace_s_per_500m, shown.pace_m),
        tenth(session.mean_stroke_rate_spm), whole(session.mean_power_w),
        *work_heart_rate(reps), "", "",
    ]  # fmt: skip
    rows.append(("work sum", total))
    easy = [segment for segment in works if segment.tag in EASY]
    if easy:
        seconds = sum(segment.duration_s for segment in easy)
        cells = ["easy", *blank, clock_time(seconds), metres(easy_metres(easy))]
        rows.append(("rest", cells + [""] * (len(total) - len(cells))))
    if session.rest_s:
        rest = ["rest", *blank, clock_time(session.rest_s), metres(session.rest_distance_m)]
        rows.append(("rest", rest + [""] * (len(total) - len(rest))))
    whole_row = [
        "all", *blank, clock_time(session.duration_s), metres(session.distance_m), "", "", "",
        whole(session.mean_heart_rate_bpm), whole(session.max_heart_rate_bpm), "", "",
    ]  # fmt: skip
    rows.append(("all", whole_row))
    heads = ["Piece", *(["Exercise"] if exercises else []), *_heads(shown)]
    return known_columns(heads, rows, 2 if exercises else 1)


def split_rows(shown: Summary) -> Table:
    """The heads and rows of the splits, where there are so few pieces that all can be shown.

    The first column is the split's number within its piece, behind that of the piece where there
    are two. Nothing is escaped.
    """
    pieces: dict[int, int] = {}
    number, piece = 0, -1
    for segment in shown.segments:
        if segment.kind == "work":
            number += segment.piece is None or segment.piece != piece
            piece = -1 if segment.piece is None else segment.piece
            pieces[segment.index] = number
    if not 1 <= number <= 2 or len(shown.splits) < 2:
        return [], []
    rows = []
    for split in shown.splits:
        name = str(split.index + 1)
        if number > 1:
            name = f"{pieces.get(split.segment, 1)}, {name}"
        rows.append(("split", [name, *split_figures(split, shown.pace_m)]))
    return known_columns(["Split", *_heads(shown)[:-2]], rows, 1)


def _heads(shown: Summary) -> list[str]:
    """The heads of a row's figures; what metres a pace is for goes without saying for 500."""
    return [
        "Time", "Metres", "Pace" if shown.pace_m == 500.0 else f"/{shown.pace_m:g} m", "Rate",
        "Watts", "HR", "Highest", "At end", "After 60 s",
    ]  # fmt: skip


def report_tables(shown: Summary) -> list[tuple[str, Table]]:
    """Every table that there is something for, with its title."""
    rounds = [("", row) for row in round_rows(shown)]
    exercises = [("", row) for row in exercise_rows(shown)]
    beats = ["HR", "Highest", "At end"]
    found = [
        ("Intervals", interval_rows(shown)),
        ("Splits", split_rows(shown)),
        ("Exercises", known_columns(["Exercise", "Times", "Time", "Metres", *beats], exercises, 1)),
        ("Rounds", known_columns(["Round", "Time", "Work", "Metres", *beats], rounds, 1)),
    ]
    return [(title, (heads, rows)) for title, (heads, rows) in found if rows]


def known_columns(heads: list[str], rows: list[tuple[str, list[str]]], always: int) -> Table:
    """A table without those columns, after the first ones, of which nothing is known."""
    kept = [
        at
        for at in range(len(heads))
        if at < always or any(row[at] not in ("", NONE) for _, row in rows)
    ]
    return [heads[at] for at in kept], [(look, [row[at] for at in kept]) for look, row in rows]
