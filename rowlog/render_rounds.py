"""A circuit by exercise and by round, as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowlog.render import Table, clock_time, metres, printable, whole

if TYPE_CHECKING:
    from rowlog.render import Style
    from rowlog.summary import Summary


def circuit(shown: Summary, style: Style) -> str:
    """Two tables: what was done, and how the rounds went; empty where there was no circuit."""
    if not shown.exercises:
        return ""
    table = Table(("exercise", "times", "time", "metres", "HR", "max", "end"), "lrrrrrr")
    for cells in exercise_rows(shown):
        table.row(*cells)
    blocks = ["\n".join(table.lines(style, lean=True))]
    turns = round_rows(shown)
    if turns:
        table = Table(("round", "time", "work", "metres", "HR", "max", "end"), "rrrrrrr")
        for cells in turns:
            table.row(*cells)
        blocks.append("\n".join(table.lines(style, lean=True)))
    return style.fit("\n\n".join(blocks))


def exercise_rows(shown: Summary) -> list[list[str]]:
    """What was done: exercise, times, time, metres, mean, highest and end heart rate."""
    return [
        [
            printable("rowing" if one.activity == "row" else one.activity, 30),
            str(one.count),
            clock_time(one.work_s),
            "" if one.distance_m is None else metres(one.distance_m),
            *_beats(one.mean_heart_rate_bpm, one.max_heart_rate_bpm, one.end_heart_rate_bpm),
        ]
        for one in shown.exercises
    ]


def round_rows(shown: Summary) -> list[list[str]]:
    """How the rounds went: number, time, work, metres, heart rates; [] of a circuit of one."""
    if not shown.exercises or len(shown.rounds) < 2:
        return []
    return [
        [
            str(turn.number),
            clock_time(turn.duration_s),
            clock_time(turn.work_s),
            "" if turn.distance_m is None else metres(turn.distance_m),
            *_beats(turn.mean_heart_rate_bpm, turn.max_heart_rate_bpm, turn.end_heart_rate_bpm),
        ]
        for turn in shown.rounds
    ]


def _beats(*values: float | None) -> list[str]:
    return ["" if value is None else whole(value) for value in values]
