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
    undated,
    whole,
)
from rowlog.render_imports import lines, total
from rowlog.starts import TIMED, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowlog.previewing import FilePreview
    from rowlog.previewing_workouts import PiecePreview, WorkoutPreview
    from rowlog.render import Style

NOTHING_TAKEN: Final = "Nothing was taken in. To do so, leave out --dry-run."
_SHORTEST_NAME: Final = 12


def preview(shown: FilePreview, style: Style, db: str = "") -> str:
    """A file of one workout: what it says, its pieces, and what an import would say of it.

    `db` as in `render_imports.lines`.
    """
    (workout,) = shown.workouts
    plan = f" · {printable(workout.plan, 60)}" if workout.plan else ""
    if workout.looks_like and workout.confidence is not None:
        sure = f"{100 * workout.confidence:.0f} % sure"
        plan = f" · looks like {printable(workout.looks_like, 40)}, {sure}"
    doubted = next((one for one in workout.left_out if one.sort == "date"), None)
    when = str(doubted) if doubted else "It does not say when it was."
    if workout.started_at is not None:
        when = began(workout.started_at, workout.start_from)
    head = [
        style.bold(printable(f"{shown.file.name} · {workout.format}{plan}", COLUMNS)),
        style.dim(when + (f" · {printable(workout.athlete, 40)}" if workout.athlete else "")),
    ]
    note = workout.note or ""
    for told in workout.left_out:  # an import's lines say it
        note = note.replace(str(told), "")
    if note.strip():
        head.append(printable(" ".join(note.split()), COLUMNS))
    facts = []
    if workout.stroke_count is not None:
        facts.append(f"{workout.stroke_count} stroke{'' if workout.stroke_count == 1 else 's'}")
    if workout.energy_kcal is not None:
        facts.append(f"{whole(workout.energy_kcal)} kcal")
    notes = [", ".join(facts) + "."] if facts else []
    said = lines(shown.would, would=True, db=db)
    if shown.quick:
        head_says = workout.started_at is None
        left_out = [one for one in workout.left_out if one is not doubted or not head_says]
        said = ["It was imported before."] if workout.known else [*map(str, left_out)]
        if not workout.pieces and workout.work_s is None:
            notes.append("It tells of no pieces; they are looked for without --quick.")
    blocks = [head, _pieces(workout, style), [*notes, *said]]
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
    if workout.work_s is not None and workout.pieces:
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
    found = [(one, workout) for one in shown for workout in one.workouts]
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
    workouts = [workout for _, workout in found if not workout.known]
    strokes = [one.stroke_count for one in workouts if one.stroke_count is not None]
    rowed = [one.distance_m for one in workouts if one.distance_m is not None]
    total = (
        _count(len(workouts), "workout" if len(workouts) == len(found) else "new workout"),
        "",
        duration(sum(one.duration_s for one in workouts)) if workouts else NONE,
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
    for row, (one, workout) in zip(cells, found, strict=True):
        mark = _mark(one, workout)
        name = printable(one.file.name, 200)
        table.row(*row, after=mark + _end_of(name, room, len(mark)))
    table.rule()
    table.row(*total, look=style.bold)
    return style.fit("\n".join([*table.lines(style, lean=True), "", _sum(shown)]))


def _when(workout: WorkoutPreview) -> str:
    if workout.started_at is None:
        return NONE
    said = workout.started_at[:16].replace("T", " ")
    if workout.start_from in TIMED:
        return said
    return f"{'~' * (workout.start_from == UNKNOWN)}{said[:10]}"


def _end_of(name: str, room: int | None, taken: int) -> str:
    """A name, by its end where it is too long: names of many files begin alike."""
    if room is None or len(name) + taken <= room:
        return name
    return "…" + name[-max(1, room - taken - 1) :]


def _mark(shown: FilePreview, workout: WorkoutPreview) -> str:
    """How it stands to what is there; `_sum` says what the marks mean."""
    if workout.known:
        return "* "
    offer = next((one for one in shown.would.offers if one.session == workout.session), None)
    if offer is None:
        return ""
    return f"{'+' if offer.how == 'time' else '='}{offer.other} "


def _sum(shown: Sequence[FilePreview]) -> str:
    """What the marks mean, and what an import would say of all files together."""
    offers = [one.how for each in shown for one in each.would.offers]
    words = []
    if any(workout.known for one in shown for workout in one.workouts):
        words.append("* was imported before.")
    if any(how != "time" for how in offers):
        words.append("=3 is of the same workout as session 3, all or a part of it.")
    if "time" in offers:
        words.append("+3 is likely to belong to session 3, of the same time.")
    words += undated(workout.start_from for one in shown for workout in one.workouts)
    return "\n".join([*words, total([one.would for one in shown], would=True)])


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
