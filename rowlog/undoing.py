"""Taking keys back: the tracker as if they had not been pressed, given again what came since."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

from rowlog.intervals import Found, Segment, Split, Tracker
from rowlog.keys import UNDO, UNDO_NS
from rowlog_drivers.records import Marker, Record

MOST: Final = 20
"""So many keys can be taken back one after another."""


@dataclass(slots=True)
class _Pressed:
    """A key: the tracker before it, and what came between it and the next one."""

    before: Tracker
    t_ns: int
    since: list[Callable[[Tracker], Found]] = field(default_factory=list)


@dataclass(slots=True)
class Undoing:
    """Keeps what keys changed, so that they can be taken back, the last one first."""

    _keys: list[_Pressed] = field(default_factory=list)

    @property
    def open(self) -> bool:
        """Whether there is a key that can be taken back."""
        return bool(self._keys)

    def pressed(self, tracker: Tracker, t_ns: int) -> None:
        """A key is about to change the tracker."""
        self._forget(t_ns)
        self._keys.append(_Pressed(deepcopy(tracker), t_ns))
        del self._keys[:-MOST]

    def fed(self, call: Callable[[Tracker], Found], t_ns: int) -> None:
        """The tracker was given something, which it is to be given again after an undo."""
        self._forget(t_ns)
        if self._keys:
            self._keys[-1].since.append(call)

    def undo(self, t_ns: int) -> tuple[Tracker, Found] | None:
        """The tracker as if the last key had not been pressed, and what it told; None: none was."""
        self._forget(t_ns)
        if not self._keys:
            return None
        key = self._keys.pop()
        tracker = key.before
        found: Found = []
        for call in key.since:
            found += call(tracker)
        if self._keys:
            self._keys[-1].since += key.since
        return tracker, found

    def _forget(self, t_ns: int) -> None:
        """What was pressed too long ago cannot be taken back."""
        while self._keys and t_ns - self._keys[0].t_ns > UNDO_NS:
            del self._keys[0]


def without_undone(facts: Sequence[Record | Segment | Split]) -> list[Record | Segment | Split]:
    """The facts without the segments and splits that an undo took back and nothing told again."""
    kept = list(facts)
    places = [
        place for place, fact in enumerate(facts) if isinstance(fact, Marker) and fact.label == UNDO
    ]
    for place in reversed(places):
        later = [fact for fact in kept[place:] if isinstance(fact, Segment)]
        least = min((fact.index for fact in later), default=None)
        if least is None:
            continue
        told = {fact.index for fact in later}
        split = {
            (fact.segment_index, fact.index) for fact in kept[place:] if isinstance(fact, Split)
        }
        kept = [
            fact
            for at, fact in enumerate(kept)
            if at >= place
            or not (
                (isinstance(fact, Segment) and fact.index >= least and fact.index not in told)
                or (
                    isinstance(fact, Split)
                    and fact.segment_index >= least
                    and (fact.segment_index, fact.index) not in split
                )
            )
        ]
    return kept
