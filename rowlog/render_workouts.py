"""The library of workouts as text for people."""

from __future__ import annotations

from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from rowlog.render import COLUMNS, printable

if TYPE_CHECKING:
    from rowlog.plan import Plan
    from rowlog.render import Style
    from rowlog.workouts import Library, Workout


def library(books: Library, style: Style) -> str:
    """All workouts by group: name, then plan and what it is."""
    width = max(len(workout.name) for workout in books.workouts) + 2
    blocks: list[str] = []
    ordered = sorted(books.workouts, key=lambda workout: _place(books, workout))
    for group, workouts in groupby(ordered, key=lambda workout: workout.group):
        lines = [style.bold(printable(group, 40))]
        for workout in workouts:
            texts = wrap(printable(workout.plan, 1000), COLUMNS - width - 2, break_on_hyphens=False)
            about = wrap(printable(workout.about, 200), COLUMNS - width - 2, break_on_hyphens=False)
            name = printable(workout.name, width).ljust(width)
            lines.append(f"  {name}{texts[0]}")
            lines += [" " * (width + 2) + text for text in texts[1:]]
            lines += [style.dim(" " * (width + 2) + text) for text in about]
        blocks.append("\n".join(lines))
    own = f'Your own: a [name] on a line, and plan = "8x500m/1:30r" below it, in\n{books.own_file}'
    blocks.append(f"Row one of them with: rowlog record NAME\n{own}")
    return style.fit("\n\n".join(blocks))


def _place(books: Library, workout: Workout) -> int:
    """Groups in the order in which each is first met."""
    groups = list(dict.fromkeys(known.group for known in books.workouts))
    return groups.index(workout.group)


def workout(found: Workout, style: Style) -> str:
    """The head of one workout, above its plan."""
    title = style.bold(f"{found.name} · {printable(found.group, 40)}")
    return style.fit(f"{title}\n{printable(found.about, 200)}" if found.about else title)


def as_json(books: Library, plans: dict[str, Plan]) -> list[dict[str, object]]:
    """Each workout: name, group, about, plan (canonical) and what it adds up to."""
    return [
        {
            "name": workout.name,
            "group": workout.group,
            "about": workout.about,
            "plan": plans[workout.name].text,
            "work_count": plans[workout.name].work_count,
            "work_m": plans[workout.name].work_m,
            "work_s": plans[workout.name].work_s,
            "rest_s": plans[workout.name].rest_s,
        }
        for workout in books.workouts
    ]
