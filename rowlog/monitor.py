"""What the machine's own monitor says of the session: it wins where it tells of the same rowing."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Final, TypeVar

from rowlog.figures import Origin, mean_pace
from rowlog.intervals import Segment, Split, Tracker
from rowlog.totals import SessionTotals
from rowlog_drivers.records import MachineSplit, MachineSummary, Record

DISTANCE_SHARE: Final = 0.02
DISTANCE_SLACK_M: Final = 5.0
TIME_SHARE: Final = 0.02
TIME_SLACK_S: Final = 3.0
"""By so much what was derived may differ from the monitor's word of the same rowing."""


R = TypeVar("R", bound=Record)


class MonitorWord:
    """Joins the parts in which a monitor tells splits and summaries, of one rower.

    A monitor sums up a workout in several records, and may say some of them again (a minute later,
    with the recovery heart rate): records of one time and distance are of one workout.
    """

    __slots__ = ("_splits", "_workouts")

    def __init__(self) -> None:
        self._workouts: list[MachineSummary] = []
        self._splits: dict[int, MachineSplit] = {}

    def take(self, record: MachineSplit | MachineSummary) -> None:
        """Take what the monitor says next."""
        if isinstance(record, MachineSplit):
            known_split = self._splits.get(record.number)
            self._splits[record.number] = (
                record if known_split is None else _joined(known_split, record)
            )
            return
        if self._workouts and not _differ(self._workouts[-1], record):
            self._workouts[-1] = _joined(self._workouts[-1], record)
        else:
            self._workouts.append(record)

    def outrank(self, totals: SessionTotals) -> SessionTotals:
        """The totals with the monitor's figures in place of those derived for the same rowing.

        Only where the session is one workout of the monitor: it summed up one, and that one's
        time and distance are those of the session's work. Mean pace comes from the monitor's own
        time and distance, the drag factor, where the summary has none, from its splits. What was
        derived is kept beside, in `derived`.
        """
        if len(self._workouts) != 1:
            return totals
        said = self._workouts[0]
        if said.time_s is None or said.distance_m is None:
            return totals
        if not _same_rowing(said, totals.work_distance_m, totals.work_s):
            return totals
        monitors: dict[str, float | None] = {
            "work_s": said.time_s,
            "work_distance_m": said.distance_m,
            "stroke_count": said.stroke_count,
            "energy_kcal": said.energy_kcal,
            "mean_pace_s_per_500m": mean_pace(said.distance_m, said.time_s),
            "mean_power_w": said.power_w,
            "mean_stroke_rate_spm": said.stroke_rate_spm,
            "drag_factor": said.drag_factor if said.drag_factor else self._drag_factor(),
        }
        known = {name: value for name, value in monitors.items() if value is not None}
        derived = tuple(
            (name, value) for name in known if (value := getattr(totals, name)) is not None
        )
        origins: dict[str, Origin] = dict(totals.origins)
        origins |= dict.fromkeys((name for name in known if name != "work_s"), "machine")
        return replace(
            totals,
            work_s=said.time_s,
            work_distance_m=said.distance_m,
            stroke_count=totals.stroke_count if said.stroke_count is None else said.stroke_count,
            energy_kcal=known.get("energy_kcal", totals.energy_kcal),
            mean_pace_s_per_500m=known.get("mean_pace_s_per_500m", totals.mean_pace_s_per_500m),
            mean_power_w=known.get("mean_power_w", totals.mean_power_w),
            mean_stroke_rate_spm=known.get("mean_stroke_rate_spm", totals.mean_stroke_rate_spm),
            drag_factor=_whole(known.get("drag_factor", totals.drag_factor)),
            origins=tuple(origins.items()),
            derived=derived,
        )

    def of_segments(
        self, record: MachineSplit | MachineSummary, tracker: Tracker
    ) -> list[Segment | Split]:
        """The segment that a split or summary tells of, with the monitor's figures in it.

        A split is the interval of its number where the monitor holds intervals, and the summary
        the one piece of a workout that has no others. What was rowed with a pause is left alone.
        """
        said: MachineSplit | MachineSummary
        if isinstance(record, MachineSplit):
            said, place = self._splits[record.number], record.number - 1
        else:
            said, place = self._workouts[-1], 0
            if len(tracker.workout) != 1:
                return []
        if not 0 <= place < len(tracker.workout) or len(tracker.workout[place]) != 1:
            return []
        index = tracker.workout[place][0]
        figures = tracker.segments[index].figures
        if not _same_rowing(said, figures.distance_m, figures.duration_s):
            return []
        known = {
            name: value
            for name, value in (
                ("stroke_count", said.stroke_count),
                ("energy_kcal", said.energy_kcal),
                ("mean_power_w", said.power_w),
                ("mean_stroke_rate_spm", said.stroke_rate_spm),
                ("drag_factor", said.drag_factor or None),
            )
            if value is not None
        }
        if not known:
            return []
        origins: dict[str, Origin] = {**dict(figures.origins), **dict.fromkeys(known, "machine")}
        changed: dict[str, Any] = {**known, "origins": tuple(origins.items())}
        return tracker.retell(index, replace(figures, **changed))

    def _drag_factor(self) -> int | None:
        """Mean of the splits' drag factors, weighted by their time; None when none has one."""
        weight = weighted = 0.0
        for split in self._splits.values():
            if split.drag_factor and split.time_s:
                weight += split.time_s
                weighted += split.drag_factor * split.time_s
        return round(weighted / weight) if weight else None


def _joined(known: R, more: R) -> R:
    """The later record over the earlier one, which stands where the later says nothing."""
    said: dict[str, Any] = {
        field.name: value
        for field in fields(more)
        if (value := getattr(more, field.name)) is not None
    }
    return replace(known, **said)


def _differ(one: MachineSummary, other: MachineSummary) -> bool:
    """Whether two records cannot be of the same workout."""
    return any(
        a is not None and b is not None and a != b
        for a, b in ((one.time_s, other.time_s), (one.distance_m, other.distance_m))
    )


def _same_rowing(
    said: MachineSplit | MachineSummary, distance_m: float | None, seconds: float
) -> bool:
    """Whether time and distance are those that the monitor says."""
    if said.time_s is None or said.distance_m is None or distance_m is None:
        return False
    return _near(said.distance_m, distance_m, DISTANCE_SHARE, DISTANCE_SLACK_M) and _near(
        said.time_s, seconds, TIME_SHARE, TIME_SLACK_S
    )


def _near(said: float, derived: float, share: float, slack: float) -> bool:
    return abs(said - derived) <= max(share * said, slack)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
