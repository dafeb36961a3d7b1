"""Rows and cells that a reader left out of a workout: how many, which, and what they lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_TOLD: Final = 6
"""So many lines, or runs of them, are named; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Rows or cells of one kind that cannot be part of a workout, and were left out of it."""

    count: int
    """0: no row, but what the file lacks in all of them, which `why` says as a sentence does."""
    row: str
    """What the format calls one: "row", "record" or "point"; "cell" or "figure": a part of one."""
    why: str
    """What they lack: "without a time"."""
    lines: tuple[int, ...] = ()
    """Where they stand in the file, the first line being 1; () where it is not made of lines."""
    workout: bool = False
    """Whether each would have been a workout, rather than a moment of one."""
    counted: str = "line"
    """What the numbers in `lines` count: the lines of the file, or what it has in their place."""

    @property
    def sort(self) -> str:
        """What they are counted as where all files are summed up."""
        return {"cell": "cell", "figure": "cell", "column": "column", "date": "date"}.get(
            self.row, "row"
        )

    def __str__(self) -> str:
        """The sentence."""
        if not self.count:
            return f"{self.why}."
        one = self.count == 1
        text = f"{self.count} {self.row}{'' if one else 's'} {self.why} "
        text += "was left out" if one else "were left out"
        return f"{text}: {_lines(self.lines, self.counted)}." if self.lines else f"{text}."


def left_out(
    row: str, why: str, lines: Sequence[int], *, workout: bool = False, counted: str = "line"
) -> tuple[LeftOut, ...]:
    """Those that stand in these lines; () where there are none."""
    if not lines:
        return ()
    return (
        LeftOut(
            count=len(lines), row=row, why=why, lines=tuple(lines), workout=workout, counted=counted
        ),
    )


def counted_out(row: str, why: str, count: int) -> tuple[LeftOut, ...]:
    """So many of a file that has no lines; () for 0."""
    return (LeftOut(count=count, row=row, why=why),) if count else ()


def lacking(column: str, so: str) -> tuple[LeftOut, ...]:
    """A column that a file should have, and what is unknown without it."""
    return (LeftOut(count=0, row="column", why=f"No column of {column} is known in it: {so}"),)


def unbelieved_date(said: str) -> tuple[LeftOut, ...]:
    """A date that no workout was at, and what is dated by instead."""
    why = f'It says "{said}" as its date, which is not believed'
    return (LeftOut(count=0, row="date", why=why),)


def _lines(lines: Sequence[int], counted: str) -> str:
    """In words: line 4; lines 4, 7 to 12 and 20."""
    runs: list[list[int]] = []
    for line in lines:
        if runs and line == runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    told: list[str] = []
    for first, last in runs[:MOST_TOLD]:
        ends = [str(first)] if first == last else [str(first), str(last)]
        told += ends if last <= first + 1 else [" to ".join(ends)]
    more = sum(last - first + 1 for first, last in runs[MOST_TOLD:])
    if more:
        told.append(f"{more} more")
    words = told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
    return f"{counted}{'' if len(lines) == 1 else 's'} {words}"
