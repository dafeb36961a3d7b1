"""An unplanned row cut by what it looks like, with the pattern's name and how sure it is."""

from __future__ import annotations

from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.cuts import Cut, Cutting, Seen
from rowlog.detection import find
from rowlog.patterns import pattern
from rowlog.plan import Tag

_TAGS: Final[dict[str | None, Tag | None]] = {
    None: None,
    "warm_up": "warm_up",
    "cool_down": "cool_down",
}
NO_REST_S: Final = 1.5
"""Pieces that are no further apart follow one another without a rest."""


def cutting(seen: Seen) -> Cutting | None:
    """The pieces and rests of a row; None where it is one piece with its pauses."""
    found = find(seen.positions)
    if found is None:
        return None
    cuts: list[Cut] = []
    bouts = found.bouts
    for place, bout in enumerate(bouts):
        end_ns = _ns(bout.end_s)
        following = bouts[place + 1] if place + 1 < len(bouts) else None
        if following is not None and following.start_s - bout.end_s <= NO_REST_S:
            end_ns = _ns(following.start_s)
        cuts.append(
            Cut(kind="work", end_ns=min(end_ns, seen.end_ns), ended_by="end", tag=_TAGS[bout.tag])
        )
        if following is not None and end_ns < _ns(following.start_s):
            cuts.append(Cut(kind="rest", end_ns=_ns(following.start_s), ended_by="rest_over"))
    named = pattern(bouts)
    clear = 0.6 + 0.4 * found.contrast
    return Cutting(
        start_ns=_ns(bouts[0].start_s),
        cuts=tuple(cuts),
        text=named.text if named is not None else None,
        confidence=clear * named.fit if named is not None else None,
    )


def _ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)
