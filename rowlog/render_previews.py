"""What files hold, before anything of it is taken in, as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowlog.render import (
    COLUMNS,
    NONE,
    PADDLING_STROKES,
    Table,
    began,
    clock_time,
    duration,
    metres,
    pace,
    printable,
    tenth,
    whole,
)
from rowlog.starts import TIMED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowlog.previewing import FilePreview
    from rowlog.previewing_workouts import PiecePreview, WorkoutPreview
    from rowlog.render import Style

NOTHING_TAKEN: Final = "Nothing was taken in. To do so, leave out --dry-run."
_SHORTEST_NAME: Final = 12


def preview(shown: FilePreview, style: Style) -> str:
    """A file of one workout: what it says, its pieces, and what is there of it."""
    (workout,) = shown.workouts
    plan = f" · {printable(workout.plan, 60)}" if workout.plan else ""
    when = "It does not say when it began."
    if workout.started_at is not None:
        when = began(workout.started_at, workout.start_from)
    lines = [
        style.bold(printable(f"{shown.file.name} · {workout.format}{plan}", COLUMNS)),
        style.dim(when + (f" · {printable(workout.athlete, 40)}" if workout.athlete else "")),
    ]
    if workout.note:
        lines.append(printable(" ".join(workout.note.split()), COLUMNS))
    facts = []
    if workout.stroke_count is not None:
        facts.append(f"{workout.stroke_count} stroke{'' if workout.stroke_count == 1 else 's'}")
    if workout.energy_kcal is not None:
        facts.append(f"{whole(workout.energy_kcal)} kcal")
    notes = [", ".join(facts) + "."] if facts else []
    if not workout.pieces and workout.work_s is None:
        notes.append("It tells of no pieces; they are looked for when it is taken in.")
    notes += map(str, workout.left_out)
    if workout.known:
        notes.append("It was imported before.")
    if workout.overlaps:
        notes.append(f"It is {_same_time(workout.overlaps)}.")
    blocks = [lines, _pieces(workout, style), notes]
    return style.fit("\n\n".join("\n".join(block) for block in blocks if block))


def _pieces(workout: WorkoutPreview, style: Style) -> list[str]:
    table = Table(
        ("", "exercise", "time", "metres", "pace", "rate", "watts", "HR", "max"), "rlrrrrrrr"
    )
    number = 0
    before = ""
    for piece in workout.pieces:
        work = piece.kind == "work"
        goes_on = work and before == "pause" and workout.plan is not None
        number += work and not goes_on
        before = piece.kind
        exercise = piece.activity if work and piece.activity not in ("row", "other") else ""
        table.row(
            "+" if goes_on else str(number) if work else piece.kind,
            printable(exercise, 24),
            clock_time(piece.duration_s),
            metres(piece.distance_m),
            *_figures(piece),
            whole(piece.mean_heart_rate_bpm),
            whole(piece.max_heart_rate_bpm),
            look=style.bold if work else style.dim,
        )
    if workout.pieces:
        table.rule()
    if workout.work_s is not None:
        table.row(
            "work",
            "",
            clock_time(workout.work_s),
            metres(workout.work_distance_m),
            pace(workout.mean_pace_s_per_500m),
            tenth(workout.mean_stroke_rate_spm),
            whole(workout.mean_power_w),
            look=style.bold,
        )
    if workout.rest_s:
        table.row(
            "rest", "", clock_time(workout.rest_s), metres(workout.rest_distance_m), look=style.dim
        )
    table.row(
        "all",
        "",
        clock_time(workout.duration_s),
        metres(workout.distance_m),
        *([""] * 3),
        whole(workout.mean_heart_rate_bpm),
        whole(workout.max_heart_rate_bpm),
    )
    return table.lines(style, lean=True)


def _figures(piece: PiecePreview) -> tuple[str, str, str]:
    """Its pace, rate and watts, where somebody rowed."""
    if piece.kind != "work" and (piece.stroke_count or 0) < PADDLING_STROKES:
        return "", "", ""
    return (
        pace(piece.mean_pace_s_per_500m),
        tenth(piece.mean_stroke_rate_spm),
        whole(piece.mean_power_w),
    )


def previews(shown: Sequence[FilePreview], style: Style, columns: int | None = None) -> str:
    """The workouts of many files, a line each, and what they add up to.

    `columns` is how long a line may be; None: as long as the files' names are.
    """
    found = [(one.file.name, workout) for one in shown for workout in one.workouts]
    if not found:
        return _sum(shown)
    heads = ("when", "format", "time", "metres", "strokes", "HR", "max")
    cells = [
        (
            _when(workout),
            workout.format,
            duration(workout.duration_s),
            metres(workout.distance_m),
            NONE if workout.stroke_count is None else str(workout.stroke_count),
            whole(workout.mean_heart_rate_bpm),
            whole(workout.max_heart_rate_bpm),
        )
        for _, workout in found
    ]
    workouts = [workout for _, workout in found]
    strokes = [one.stroke_count for one in workouts if one.stroke_count is not None]
    rowed = [one.distance_m for one in workouts if one.distance_m is not None]
    total = (
        _count(len(workouts), "workout"),
        "",
        duration(sum(one.duration_s for one in workouts)),
        metres(sum(rowed) if rowed else None),
        str(sum(strokes)) if strokes else NONE,
        "",
        "",
    )
    room = None
    if columns is not None:
        widths = [
            max(map(len, column)) + 2
            for column in zip(heads, *cells, total, strict=True)
            if any(cell not in ("", NONE) for cell in column[1:])
        ]
        room = max(_SHORTEST_NAME, columns - sum(widths))
    table = Table(heads, "llrrrrr")
    for row, (name, workout) in zip(cells, found, strict=True):
        mark = _mark(workout)
        table.row(*row, after=mark + _end_of(printable(name, 200), room, len(mark)))
    table.rule()
    table.row(*total, look=style.bold)
    return style.fit("\n".join([*table.lines(style, lean=True), "", _sum(shown)]))


def _when(workout: WorkoutPreview) -> str:
    if workout.started_at is None:
        return NONE
    said = workout.started_at[:16].replace("T", " ")
    return said if workout.start_from in TIMED else said[:10]


def _end_of(name: str, room: int | None, taken: int) -> str:
    """A name, by its end where it is too long: names of many files begin alike."""
    if room is None or len(name) + taken <= room:
        return name
    return "…" + name[-max(1, room - taken - 1) :]


def _mark(workout: WorkoutPreview) -> str:
    """What of it is there already; `_sum` says what the marks mean."""
    if workout.known:
        return "* "
    return f"~{workout.overlaps[0]} " if workout.overlaps else ""


def _same_time(sessions: Sequence[int]) -> str:
    more = len(sessions) - 1
    return f"of the time of session {sessions[0]}" + (f" and {more} more" if more else "")


def _sum(shown: Sequence[FilePreview]) -> str:
    """How many files were read, and what cannot or need not be taken in."""
    words = [f"{_count(len(shown), 'file')} read."]
    known, faulty = sum(one.known for one in shown), sum(one.fault is not None for one in shown)
    if known:
        words.append(f"{_count(known, 'file')} imported before (*).")
    if faulty:
        words.append(f"{_count(faulty, 'file')} cannot be taken in.")
    same = sum(bool(each.overlaps) for one in shown for each in one.workouts)
    if same:
        words.append(f"{_count(same, 'workout')} of the time of a session that is there (~).")
    out = [told for one in shown for each in one.workouts for told in each.left_out]
    for what in ("row", "cell"):
        lacking = sum(told.count for told in out if told.sort == what)
        if lacking:
            words.append(f"{_count(lacking, what)} will be left out: which, and why, says --json.")
    undated = sum(
        any(told.sort == "date" for told in each.left_out) for one in shown for each in one.workouts
    )
    if undated:
        words.append(f"{_count(undated, 'workout')} of a date that is not believed: see --json.")
    return "\n".join(words)


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
