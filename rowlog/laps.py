"""A finished workout cut as its file has it: the file's own laps, and what it says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Final, cast, get_args

from rowlog.counters import SECOND_NS
from rowlog.crossings import Mark
from rowlog.cuts import Cut, CutTracker
from rowlog.figures import Figures, Origin, Total
from rowlog.intervals import Boundary, Found
from rowlog.plan import ROW, Piece, Plan, Target, TargetType
from rowlog.segments import EndedBy, Recovery, Segment
from rowlog.timeline import Position
from rowlog.totals import SessionTotals
from rowlog_drivers.records import FileLap, FileTotals

_FIGURES: Final = tuple(
    field.name
    for field in fields(Figures)
    if field.name in {known.name for known in fields(FileLap)}
)
"""What a lap may say, and a segment has."""

_OF_THE_HEART: Final = tuple(
    name for name in _FIGURES if "heart_rate_bpm" in name or "drop" in name
)
"""Those that a piece may lack though the heart was heard: an end in a gap, a drop cut short."""

_OF_THE_WORK: Final = (
    "work_s", "rest_s", "work_distance_m", "rest_distance_m", "mean_pace_s_per_500m",
    "mean_power_w", "mean_stroke_rate_spm",
)  # fmt: skip
"""Totals that depend on where the pieces are: the file's only stand while its laps do."""

_TIMES: Final = ("duration_s", "elapsed_s", "work_s", "rest_s")
"""Totals whose origin is not told."""

_NEVER_NS: Final = 1 << 62


class LapTracker(CutTracker):
    """Cuts a session at its file's laps; what a lap says goes before what is derived in it."""

    def __init__(self, laps: Sequence[FileLap], plan: Plan | None) -> None:
        """There is one lap at least. `plan` is what the laps follow, None where nobody said."""
        self._laps = tuple(laps)
        self._numbers = _numbers(laps)
        super().__init__(_ns(laps[0].start_s), [_cut(lap) for lap in laps])
        self.device_led = plan is None
        if plan is not None and max(self._numbers) < len(plan.pieces):
            planned = [plan.pieces[number] for number in self._numbers]
            self.pieces = tuple(
                replace(piece, round=meant.round, tag=meant.tag, split=meant.split)
                for piece, meant in zip(self.pieces, planned, strict=True)
            )

    @property
    def _number(self) -> int:
        return self._numbers[self.at]

    def tick(self, t_ns: int) -> Found:
        """A second went by; what is off the machine begins without it."""
        self._begin_off_machine(t_ns)
        return super().tick(t_ns)

    def finish(self, t_ns: int) -> Found:
        """The session ends at `t_ns`, its laps where they end."""
        self._reach(t_ns)
        if self.at < 0:
            self._begin_off_machine(max(t_ns, self._start_ns))
        self._advance(_NEVER_NS)
        self.at = len(self.pieces)
        self._cut(self._track.mark_at(t_ns))
        return self._told()

    def _begin_off_machine(self, t_ns: int) -> None:
        off = self._laps[0].activity not in (None, ROW) or self._laps[0].kind == "rest"
        if self.at < 0 and off and not self._track and t_ns >= self._start_ns:
            self._reach(max(t_ns, self._now_ns))
            self._begin(Mark(t_ns=self._start_ns))

    def _enter(self, index: int, mark: Mark) -> None:
        super()._enter(index, mark)
        self.paused = self._piece is not None and self._laps[index].kind == "pause"

    def _advance(self, t_ns: int) -> None:
        while (boundary := self._next_boundary(t_ns)) is not None:
            self._apply(boundary)

    def _watch_motion(self, position: Position) -> None:
        """The file says where it was paused."""
        self._motion_ns = position.t_ns

    def _end_of(self, piece: Piece, begin: Mark, t_ns: int) -> Boundary | None:
        end = super()._end_of(piece, begin, t_ns)
        metres = self._laps[self.at].distance_m
        if end is None or metres is None or not self._track or self._on_floor(piece):
            return end
        return replace(end, quantity="distance_m", value=(begin.distance_m or 0.0) + metres)

    def _correct(self, total: Total) -> None:
        """A lap's own sums are the segment's, and count into the session's."""
        lap = self._laps[self.at]
        total.duration_s = total.duration_s if lap.duration_s is None else lap.duration_s
        total.distance_m = total.distance_m if lap.distance_m is None else lap.distance_m
        total.stroke_count = total.stroke_count if lap.stroke_count is None else lap.stroke_count
        total.energy_kcal = total.energy_kcal if lap.energy_kcal is None else lap.energy_kcal

    def _close(self, mark: Mark, ended_by: EndedBy, *, piece_goes_on: bool = False) -> None:
        at, before = self.at, len(self.segments)
        super()._close(mark, ended_by, piece_goes_on=piece_goes_on)
        if len(self.segments) > before:
            self.segments[-1] = self._found[-1] = _said(self.segments[-1], self._laps[at])

    def _tell_recovery(self, recovery: Recovery) -> None:
        ended = self.segments[recovery.index]
        lap = next(lap for lap in self._laps if _ns(lap.end_s) >= ended.end.t_ns)
        # Else rowlog wrote it, with what was known of the heart and its recovery.
        if lap.duration_s is None or lap.mean_heart_rate_bpm is None:
            super()._tell_recovery(recovery)


def outranked(totals: SessionTotals, said: FileTotals, *, by_laps: bool) -> SessionTotals:
    """The totals with the file's own in place of those derived, which are kept beside.

    `by_laps`: whether the session is cut as the file has it.
    """
    known: dict[str, Any] = {
        field.name: value
        for field in fields(SessionTotals)
        if field.name in {told.name for told in fields(FileTotals)}
        and (value := getattr(said, field.name)) is not None
        and (by_laps or field.name not in _OF_THE_WORK)
    }
    derived = tuple(
        (name, value)
        for name in known
        if name != "activity" and (value := getattr(totals, name)) is not None
    )
    origins: dict[str, Origin] = dict(totals.origins)
    told = [name for name in known if name not in (*_TIMES, "activity", "heart_rate_coverage")]
    origins |= dict.fromkeys(told, "machine")
    return replace(
        totals, **known, origins=tuple(origins.items()), derived=totals.derived + derived
    )


def _cut(lap: FileLap) -> Cut:
    ended_by = cast(EndedBy, lap.ended_by if lap.ended_by in get_args(EndedBy) else "device")
    target = None
    if lap.target_type in get_args(TargetType):
        target = Target(type=cast(TargetType, lap.target_type), value=lap.target_value)
    return Cut(
        kind="rest" if lap.kind == "rest" else "work",
        end_ns=_ns(lap.end_s),
        ended_by=ended_by,
        target=target,
        activity=lap.activity or ROW,
    )


def _numbers(laps: Sequence[FileLap]) -> list[int]:
    """Which piece each lap belongs to: a pause is of the one before it, and so is what follows."""
    numbers, number = [], 0
    for place, lap in enumerate(laps):
        if place and lap.kind != "pause" and laps[place - 1].kind != "pause":
            number += 1
        numbers.append(number)
    return numbers


def _said(segment: Segment, lap: FileLap) -> Segment:
    """The segment with what its lap says of it, which is all where rowlog wrote that."""
    known: dict[str, Any] = {
        name: value for name in _FIGURES if (value := getattr(lap, name)) is not None
    }
    if not known:
        return segment
    origins: dict[str, Origin] = dict(segment.figures.origins)
    told = [name for name in known if name not in ("duration_s", "heart_rate_coverage")]
    origins |= dict.fromkeys(told, "machine")
    if lap.duration_s is not None:  # what rowlog does not say was not known
        unknown = [name for name in _OF_THE_HEART if name not in known]
        known |= dict.fromkeys(unknown)
        origins = {name: origin for name, origin in origins.items() if name not in unknown}
    figures = replace(segment.figures, **known, origins=tuple(origins.items()))
    return replace(segment, figures=figures)


def _ns(seconds: float) -> int:
    return round(seconds * SECOND_NS)
