"""Cells of a file as figures: what is none, or what nobody reaches, is left out of it and told."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from rowlog.imports.left_out import LeftOut
from rowlog.imports.workout import FARTHEST_M, LONGEST_S, ImportFault, shown

SLOWEST_M_PER_S: Final = 0.005
"""What is slower stands: its pace is none."""
MOST_QUOTED: Final = 3
"""So many different texts are told of one column; that there are others is said."""
LONGEST_QUOTE: Final = 24

_NUMBER: Final = re.compile(
    r"\s*(?:(?:(\d{1,9}):)?(\d{1,9}):|[+-])?(\d{1,400}(?:[.,]\d{0,400})?(?:e[+-]?\d{1,9})?)\s*m?\s*",
    re.IGNORECASE | re.ASCII,
)
_NOTHING: Final = " \t\u00a0-:.\u2013\u2014"
"""A cell of nothing but these says nothing: "", "-", "---", "--:--.-"."""


class Kind(NamedTuple):
    """What a figure is of, and from where to where somebody who rows may reach."""

    words: str
    most: float
    least: float = 0.0
    refused: bool = False
    """Whether a file in which one lies beyond is refused: all that follows would lie wrong."""


KINDS: Final[Mapping[str, Kind]] = {
    "t_s": Kind("time", LONGEST_S, refused=True),
    "distance_m": Kind("distance", FARTHEST_M, refused=True),
    "stroke_rate_spm": Kind("cadence", 1_000.0),
    "power_w": Kind("watts", 10_000.0),
    "pace_s_per_500m": Kind("pace", 100_000.0),
    "speed": Kind("speed", 100.0),
    "heart_rate_bpm": Kind("heart rate", 300.0),
    "rr_ms": Kind("RR interval", 10_000.0),
    "drag_factor": Kind("drag factor", 10_000.0),
    "energy_kcal": Kind("calories", 1_000_000.0),
    "count": Kind("stroke number", 1_000_000.0),
    "stroke_distance_m": Kind("metres of a stroke", 10_000.0),
    "drive_s": Kind("drive time", 100_000.0),
    "recovery_s": Kind("recovery time", 1_000_000.0),
    "drive_length_m": Kind("drive length", 1_000.0),
    "work_j": Kind("work", 1_000_000.0),
    "peak_force_n": Kind("peak force", 1_000_000.0),
    "mean_force_n": Kind("mean force", 1_000_000.0),
    "unix_s": Kind("time stamp", 4.2e9),
    "lap": Kind("lap number", 1_000_000.0),
    "state": Kind("workout state", 255.0),
    "kind": Kind("type", 255.0),
    "at": Kind("time of a stroke", LONGEST_S),
    "piece_start_s": Kind("start of a piece", LONGEST_S, least=-LONGEST_S),
    "piece_s": Kind("time of a piece", LONGEST_S),
    "piece_m": Kind("metres of a piece", FARTHEST_M),
    "rest_s": Kind("rest time", LONGEST_S),
    "rest_m": Kind("rest metres", FARTHEST_M),
    "kcal_per_hour": Kind("calories an hour", 100_000.0),
}
"""What is beyond is a fault of the file, in units of rowlog."""


class Cells:
    """Reads a file's cells one by one, and remembers which of them it left out."""

    def __init__(self, name: str, *, row: str = "cell", counted: str = "line") -> None:
        """`name` is the file's; `row` is what its format calls a cell, `counted` a place in it."""
        self._name = name
        self._row = row
        self._counted = counted
        self._places: dict[tuple[str, str], list[int]] = {}
        self._quoted: dict[tuple[str, str], list[str]] = {}

    def figure(self, kind: str, cell: str | None, line: int, times: float = 1.0) -> float | None:
        """What a cell says, times so much; None where that is nothing, or is left out.

        Raises ImportFault where nobody reaches it and the kind's are refused.
        """
        if cell is not None:
            try:
                plain, known = float(cell) * times, KINDS[kind]
            except ValueError:
                pass
            else:  # as most are
                if known.least <= plain <= known.most and "_" not in cell:
                    return plain
        value = number(cell or "")
        if value is None and is_nothing(cell):
            return None
        return self.judged(kind, None if value is None else value * times, line, cell)

    def judged(
        self, kind: str, value: float | None, line: int, cell: object = None
    ) -> float | None:
        """The figure itself where somebody can reach it; None where it is left out.

        `value` is None where `cell`, what stands in the file, is no figure. Raises as `figure`.
        """
        known = KINDS[kind]
        if value is not None and known.least <= value <= known.most:
            return value
        said = shown(str(value if cell is None else cell).strip())[:LONGEST_QUOTE]
        if value is None or not math.isfinite(value):
            if kind != "t_s":  # who reads it tells of the row
                self.leave_out(known.words, said, line)
        elif known.refused:
            raise ImportFault(
                f'{self._name}: {self._counted} {line} tells of "{said}" as its {known.words}, '
                "which no workout reaches.",
                "Correct or remove it, or export the file again.",
            )
        elif value > known.most:
            self._note(known.words, f"beyond {known.most:,.0f}", line)
        else:
            self._note(known.words, f"below {known.least:,.0f}", line)
        return None

    def leave_out(self, words: str, said: str, line: int) -> None:
        """Note a cell of these words that says something else."""
        self._note(words, "", line)
        texts = self._quoted.setdefault((words, ""), [])
        if said not in texts and len(texts) <= MOST_QUOTED:
            texts.append(said)

    def left_out(self) -> tuple[LeftOut, ...]:
        """What was left out so far, by column; () for nothing."""
        return tuple(
            LeftOut(
                count=len(places),
                row=self._row,
                why=f"of {words} {why or self._says(words, len(places))}",
                lines=tuple(dict.fromkeys(places)),
                counted=self._counted,
            )
            for (words, why), places in self._places.items()
        )

    def _says(self, words: str, count: int) -> str:
        texts = self._quoted[words, ""]
        quoted = [f'"{text}"' for text in texts[:MOST_QUOTED]]
        if len(texts) > MOST_QUOTED:
            quoted.append("others")
        told = " and ".join(filter(None, (", ".join(quoted[:-1]), quoted[-1])))
        return f"that {'says' if count == 1 else 'say'} {told}"

    def _note(self, words: str, why: str, line: int) -> None:
        self._places.setdefault((words, why), []).append(line)


def column(
    kind: str, cells: Sequence[str], lines: Sequence[int], times: float, told: Cells
) -> list[float | None]:
    """What the cells of a column say, as `told.figure` reads each."""
    try:
        values = list(map(float, cells))  # most columns are full of plain numbers: this is fast
    except ValueError:
        pass
    else:
        known = KINDS[kind]
        lowest, highest = min(values, default=0.0) * times, max(values, default=0.0) * times
        sound = math.isfinite(sum(values)) and "_" not in "".join(cells)
        if sound and known.least <= lowest and highest <= known.most:
            return [*values] if times == 1 else [value * times for value in values]
    return [told.figure(kind, cell, line, times) for cell, line in zip(cells, lines, strict=True)]


def number(cell: str) -> float | None:
    """What a cell says: 12.5, 12,5, "6 m" or 2:48.2 as seconds; None for anything else.

    NaN or infinite where the cell says so, or says more than a number can hold.
    """
    try:
        value = float(cell)  # most cells are plain numbers, and this is fast
    except ValueError:
        pass
    else:
        if "_" not in cell:
            return value
    found = _NUMBER.fullmatch(cell)
    if found is None:
        return None
    hours, minutes, rest = found.groups()
    seconds = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(rest.replace(",", "."))
    return -seconds if cell.lstrip().startswith("-") else seconds


def whole(value: float | None) -> int | None:
    """A count, a heart rate or a drag factor; None where a program wrote 0 for unknown."""
    return int(value) if value and math.isfinite(value) else None


def is_nothing(cell: str | None) -> bool:
    """Whether a cell says nothing: it is empty, or holds what programs write for that."""
    return not cell or not cell.strip(_NOTHING)
