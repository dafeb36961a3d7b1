"""A session cut at instants that are known beforehand: found by detection, or told by a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.intervals import Boundary, Found, Segment, Split, Tracker
from rowlog.plan import ROW, Piece, PieceKind, Tag, Target
from rowlog.programmed import Step
from rowlog.segments import EndedBy
from rowlog.timeline import Position
from rowlog_drivers.records import Record

ALMOST_NS = SECOND_NS
"""A movement that began so shortly before a cut, or later, began with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One piece between two known instants. Pieces follow one another without a gap."""

    kind: PieceKind
    end_ns: int
    """It ends here; it begins where the one before ends."""
    ended_by: EndedBy
    target: Target | None = None
    """What it was to reach; None when nobody said."""
    activity: str = ROW
    tag: Tag | None = None
    round: int | None = None
    split: Target | None = None
    """Length of its splits; None: the customary ones."""


class CutTracker(Tracker):
    """Cuts a session at given instants; pauses, figures and splits are the tracker's own."""

    def __init__(self, start_ns: int, cuts: Sequence[Cut]) -> None:
        """The first piece begins at `start_ns`; there is one piece at least."""
        super().__init__(None)
        self._start_ns = start_ns
        self._cuts = tuple(cuts)
        since_ns = start_ns
        pieces = []
        for cut in cuts:
            seconds = Target(type="time", value=(cut.end_ns - since_ns) / SECOND_NS)
            target = cut.target or Target(type="open")
            pieces.append(
                Piece(
                    kind=cut.kind,
                    target=seconds if cut.kind == "rest" else target,
                    activity=cut.activity,
                    tag=cut.tag,
                    round=cut.round,
                    split=cut.split,
                )
            )
            since_ns = cut.end_ns
        self.pieces = tuple(pieces)

    def marker(self, t_ns: int, label: str) -> Found:
        """Keys end nothing here: the cuts are known."""
        self._reach(t_ns)
        return self._told()

    def step(self, step: Step) -> Found:
        """Nor does a monitor's own workout."""
        self._reach(step.told_ns)
        return self._told()

    @property
    def _starts_at_once(self) -> bool:
        return False

    @property
    def _several(self) -> bool:
        return True

    def _told_target(self, piece: Piece) -> Target | None:
        return self._cuts[self.at].target

    def _await_start(self, position: Position) -> None:
        if position.t_ns < self._start_ns:
            return
        began_ns = position.began_ns
        from_standstill = began_ns is not None and began_ns >= self._start_ns - ALMOST_NS
        mark = self._track.start_mark if from_standstill else self._track.mark_at
        self._cut(mark(self._start_ns))
        self._enter(0, self._cut_mark)
        self._motion_ns = self._start_ns

    def _due_ns(self, piece: Piece, begin: Mark) -> int:
        return 0  # pieces end where they are cut, whatever their target

    def _end_of(self, piece: Piece, begin: Mark, t_ns: int) -> Boundary | None:
        cut = self._cuts[self.at]
        if cut.end_ns > t_ns:
            return None
        return Boundary(max(cut.end_ns, self._cursor_ns), cut.ended_by)


def with_splits(cuts: Sequence[Cut], split: Target) -> tuple[Cut, ...]:
    """The same cuts, every piece of work in splits of one length."""
    return tuple(replace(cut, split=split) if cut.kind == "work" else cut for cut in cuts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutting:
    """A whole session cut at known instants, and what it looks like."""

    start_ns: int
    """Where the first piece begins."""
    cuts: tuple[Cut, ...]
    text: str | None = None
    """The pattern in the interval notation; None when there is none."""
    confidence: float | None = None
    """In that pattern, 0 to 1; None when there is nothing to be sure of."""


class Watching(Tracker):
    """Cuts nothing but pauses, and keeps where the rower stood: what a cutting is found in."""

    def __init__(self) -> None:
        super().__init__(None)
        self.positions: list[Position] = []

    def position(self, position: Position) -> Found:
        """The rower stands somewhere new."""
        self.positions.append(position)
        return super().position(position)

    def step(self, step: Step) -> Found:
        """A monitor's own workout is not followed: it has a way of its own to be cut by."""
        self._reach(step.told_ns)
        return self._told()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a session holds before anybody cuts it."""

    facts: Sequence[Record | Segment | Split]
    """All facts, in order; its segments are one piece with its pauses."""
    positions: Sequence[Position]
    """Where the rower stood, in order of time."""
    end_ns: int
