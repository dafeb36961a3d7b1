"""What a session is structured into, and the heart's recovery after it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.figures import Figures, Origin, Stream
from rowlog.plan import Tag, Target

SegmentKind = Literal["work", "rest", "pause"]
EndedBy = Literal["target", "key", "device", "rest_over", "link", "end", "pause", "resume"]

DROPS_S: Final = (30, 60, 120)
"""So long after a piece of work it is read how far the heart rate has fallen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of work, rest or unplanned pause."""

    index: int
    """Position in the session, from 0."""
    piece: int | None
    """Index of the plan's piece; None without a plan."""
    kind: SegmentKind
    activity: str
    target: Target | None
    start: Mark
    end: Mark
    ended_by: EndedBy
    clock: Literal["machine", "host"]
    figures: Figures
    round: int | None = None
    tag: Tag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One part of a piece of work."""

    segment_index: int
    """The segment that the split began in."""
    index: int
    """Position within the piece, from 0."""
    start: Mark
    end: Mark
    figures: Figures


@dataclass(slots=True)
class Recovery:
    """How far the heart rate falls after a piece of work, as long as nothing is worked on."""

    index: int
    """Of the segment that ended."""
    end_ns: int
    source: str
    end_bpm: float
    _fallen: dict[int, float | None] = field(default_factory=dict)

    def read(self, t_ns: int, heart_rate: Stream) -> bool:
        """Time has come to `t_ns`; whether a drop became known by it."""
        before = len(self._fallen)
        for seconds in DROPS_S[before:]:
            at_ns = self.end_ns + seconds * SECOND_NS
            if t_ns < at_ns:
                break
            bpm = heart_rate.at(at_ns)
            self._fallen[seconds] = None if bpm is None else self.end_bpm - bpm
        return len(self._fallen) > before

    def cut_short(self, t_ns: int) -> bool:
        """Work began again at `t_ns`, found out only now; whether a drop was read too late."""
        late = [
            seconds
            for seconds, bpm in self._fallen.items()
            if bpm is not None and self.end_ns + seconds * SECOND_NS > t_ns
        ]
        for seconds in late:
            self._fallen[seconds] = None
        return bool(late)

    def told(self, segment: Segment) -> Segment:
        """The segment with what is known of its drops."""
        return replace(
            segment,
            figures=replace(
                segment.figures,
                heart_rate_drop_30s_bpm=self._fallen.get(30),
                heart_rate_drop_60s_bpm=self._fallen.get(60),
                heart_rate_drop_120s_bpm=self._fallen.get(120),
                origins=_with_drops(segment.figures.origins, self._fallen),
            ),
        )


def _with_drops(
    origins: tuple[tuple[str, Origin], ...], fallen: dict[int, float | None]
) -> tuple[tuple[str, Origin], ...]:
    drops: list[tuple[str, Origin]] = [
        (f"heart_rate_drop_{seconds}s_bpm", "derived")
        for seconds, bpm in sorted(fallen.items())
        if bpm is not None
    ]
    kept = tuple(pair for pair in origins if not pair[0].startswith("heart_rate_drop_"))
    return kept + tuple(drops)
