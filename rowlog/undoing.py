"""Taking keys back: the tracker as if they had not been pressed, given again what came since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from rowlog.intervals import Found, Segment, Split, Tracker
from rowlog.keys import UNDO_NS
from rowlog_drivers.records import Record

MOST: Final = 20
"""So many keys can be taken back one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """Of what was told before, this is not so; what is so all the same is told again after it."""

    segments: frozenset[int]
    """By index."""
    splits: frozenset[tuple[int, int]]
    """By index of their segment and their own."""


@dataclass(slots=True)
class Since:
    """A tracker at some instant; what came since, and what was told of it."""

    before: Tracker
    t_ns: int
    calls: list[Callable[[Tracker], Found]] = field(default_factory=list)
    segments: set[int] = field(default_factory=set)
    splits: set[tuple[int, int]] = field(default_factory=set)

    @staticmethod
    def now(tracker: Tracker, t_ns: int) -> Since:
        """As it is now, whatever becomes of it."""
        # What never changes is shared: to copy a thousand segments would take a tenth of a second.
        fixed = (*tracker.segments, *tracker.pieces, tracker.plan)
        return Since(deepcopy(tracker, {id(one): one for one in fixed}), t_ns)

    def told(self, found: Found) -> None:
        """Keep which segments and splits were told."""
        for one in found:
            if isinstance(one, Segment):
                self.segments.add(one.index)
            else:
                self.splits.add((one.segment_index, one.index))

    def again(self) -> tuple[Tracker, TakenBack, Found]:
        """The tracker of then, given again what came; what is not so, and what is."""
        tracker = self.before
        found: Found = []
        for call in self.calls:
            found += call(tracker)
        again = {one.index for one in found if isinstance(one, Segment)}
        # Told before, and otherwise since: as it was.
        found += [
            tracker.segments[index]
            for index in sorted(self.segments - again)
            if index < len(tracker.segments)
        ]
        back = TakenBack(segments=frozenset(self.segments), splits=frozenset(self.splits))
        return tracker, back, found


@dataclass(slots=True)
class Undoing:
    """Keeps what keys changed, so that they can be taken back, the last one first."""

    keys: list[Since] = field(default_factory=list)
    """Those that can be taken back, in order."""

    def pressed(self, tracker: Tracker, t_ns: int) -> None:
        """A key is about to change the tracker."""
        self._forget(t_ns)
        self.keys.append(Since.now(tracker, t_ns))
        del self.keys[:-MOST]

    def fed(self, call: Callable[[Tracker], Found], found: Found, t_ns: int) -> None:
        """The tracker was given something, and told `found`; after an undo it is given it again."""
        self._forget(t_ns)
        if self.keys:
            self.keys[-1].calls.append(call)
            self.keys[-1].told(found)

    def told(self, found: Found) -> None:
        """What the key itself made known, and what was told beside the tracker."""
        if self.keys:
            self.keys[-1].told(found)

    def undo(self, t_ns: int) -> tuple[Tracker, TakenBack, Found] | None:
        """The tracker as if the last key had not been pressed; None: none was.

        Also what was told since and is not so, and what is.
        """
        self._forget(t_ns)
        if not self.keys:
            return None
        key = self.keys.pop()
        tracker, back, found = key.again()
        if self.keys:
            earlier = self.keys[-1]
            earlier.calls += key.calls
            earlier.segments |= key.segments
            earlier.splits |= key.splits
            earlier.told(found)
        return tracker, back, found

    def _forget(self, t_ns: int) -> None:
        """What was pressed too long ago cannot be taken back."""
        while self.keys and t_ns - self.keys[0].t_ns > UNDO_NS:
            del self.keys[0]


def without_undone(
    facts: Sequence[Record | Segment | Split | TakenBack],
) -> list[Record | Segment | Split]:
    """The facts without the segments and splits that an undo took back."""
    kept: list[Record | Segment | Split] = []
    for fact in facts:
        if isinstance(fact, TakenBack):
            kept = [one for one in kept if not _taken(one, fact)]
        else:
            kept.append(fact)
    return kept


def _taken(fact: Record | Segment | Split, back: TakenBack) -> bool:
    if isinstance(fact, Segment):
        return fact.index in back.segments
    return isinstance(fact, Split) and (fact.segment_index, fact.index) in back.splits
