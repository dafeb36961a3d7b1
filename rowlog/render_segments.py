"""How a session was cut, and splits of any length, as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rowlog.render import Table, printable, split_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rowlog.render import Style
    from rowlog.summary import SplitSummary, Summary


def ways(shown: Summary, style: Style) -> str:
    """All ways in which a session was cut, a line each."""
    table = Table(("no", "by", "plan or pattern", "sure", ""), "rllrl")
    for way in shown.segmentations:
        table.row(
            str(way.id),
            way.origin,
            printable(way.text or "–", 44),
            "" if way.confidence is None else f"{100 * way.confidence:.0f} %",
            "shown" if way.is_default else "",
        )
    return style.fit("\n".join(table.lines(style)))


def split_tables(
    pieces: Sequence[tuple[int, frozenset[int]]],
    splits: Sequence[SplitSummary],
    style: Style,
    pace_m: float = 500.0,
) -> str:
    """The splits of pieces of work, a table each; `pieces` are their numbers and segments."""
    blocks: list[str] = []
    for number, segments in pieces:
        own = [split for split in splits if split.segment in segments]
        if own:
            blocks.append(
                "\n".join([style.bold(f"Piece {number}"), *split_lines(own, style, pace_m)])
            )
    return style.fit("\n\n".join(blocks))
