"""Force curves as CSV: a row a point, so that any program can draw and group them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from rowlog.contents import Contents
from rowlog.exports.cells import read_table, total, write_table
from rowlog.exports.checking import CannotSay, Difference, Expected, compare

COLUMNS: Final = ("source", "number", "t_s", "drive_s", "point", "force_n")


def write(contents: Contents, out: BinaryIO) -> None:
    """Write every point of every curve. Raises CannotSay where the machine sent none."""
    rows = list(_rows(contents))
    if not rows:
        raise CannotSay("its machine sent no force curves")
    write_table(out, COLUMNS, rows)


def _rows(contents: Contents) -> Iterator[tuple[object, ...]]:
    for stroke in contents.strokes:
        for point, force_n in enumerate(stroke.force_curve_n or ()):
            yield (stroke.source, stroke.number, stroke.t_s, stroke.drive_s, point, force_n)


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the table back, and compare its sums."""
    rows = read_table(path)
    forces = [force for stroke in contents.strokes for force in stroke.force_curve_n or ()]
    return compare(
        [
            Expected("points", len(forces), len(rows)),
            Expected("sum of force_n", sum(forces), total(rows, "force_n")),
            *(
                Expected(
                    f"sum of {name}",
                    sum(
                        (getattr(one, name) or 0) * len(one.force_curve_n or ())
                        for one in contents.strokes
                    ),
                    total(rows, name),
                )
                for name in ("number", "t_s", "drive_s")
            ),
        ]
    )
