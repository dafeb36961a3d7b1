"""Rows that a reader left out of a workout: how many, which, and what they lack."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_TOLD: Final = 6
"""So many lines, or runs of them, are named; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Rows of one kind that cannot be placed in a workout, and were left out of it."""

    count: int
    """0: no row, but what the file lacks in all of them, which `why` says as a sentence does."""
    row: str
    """What the format calls one: "row", "record" or "point"."""
    why: str
    """What they lack: "without a time"."""
    lines: tuple[int, ...] = ()
    """Where they stand in the file, the first line being 1; () where it is not made of lines."""
    workout: bool = False
    """Whether each would have been a workout, rather than a moment of one."""

    def __str__(self) -> str:
        """The sentence."""
        if not self.count:
            return f"{self.why}."
        one = self.count == 1
        text = f"{self.count} {self.row}{'' if one else 's'} {self.why} "
        text += "was left out" if one else "were left out"
        return f"{text}: {_lines(self.lines)}." if self.lines else f"{text}."


def left_out(
    row: str, why: str, lines: Sequence[int], *, workout: bool = False
) -> tuple[LeftOut, ...]:
    """Those that stand in these lines; () where there are none."""
    if not lines:
        return ()
    return (LeftOut(count=len(lines), row=row, why=why, lines=tuple(lines), workout=workout),)


def counted_out(row: str, why: str, count: int) -> tuple[LeftOut, ...]:
    """So many of a file that has no lines; () for 0."""
    return (LeftOut(count=count, row=row, why=why),) if count else ()


def lacking(column: str, so: str) -> tuple[LeftOut, ...]:
    """A column that a file should have, and what is unknown without it."""
    return (LeftOut(count=0, row="column", why=f"No column of {column} is known in it: {so}"),)


def csv_lines(text: str) -> list[int]:
    """The line in which each row of a CSV ends that is not empty."""
    reader = csv.reader(text.splitlines())
    return [reader.line_num for row in reader if any(map(str.strip, row))]


def _lines(lines: Sequence[int]) -> str:
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
    return f"line{'' if len(lines) == 1 else 's'} {words}"
