"""Reading TCX activities, with limits on what XML may do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from rowlog.imports.left_out import counted_out
from rowlog.imports.workout import (
    ImportFault,
    Lap,
    Point,
    Workout,
    figures_in,
    instant,
    note_in,
    tags_in,
)
from rowlog.starts import UNKNOWN, start_of
from rowlog_drivers.records import FileLap, FileTotals

MOST_TAGS: Final = 5_000_000
"""A point a second with ten values for two days and more."""
_OWN = "{urn:rowlog:figures:1}"


def read(name: str, content: bytes) -> list[Workout]:
    """The activities of a TCX file. Raises ImportFault."""
    content = content.replace(b"\0", b"")  # some watches pad their files with them
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise ImportFault(
            f"{name} defines entities, which no TCX file needs and which can fill a memory.",
            "Export it again from the program that it comes from.",
        )
    if b'xsi:type="' in content and b"xmlns:xsi=" not in content.split(b"xsi:type", 1)[0]:
        at = content.find(b"<TrainingCenterDatabase") + len(b"<TrainingCenterDatabase")
        space = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        if space not in content[: at + 2000].split(b">", 2)[1:2][0]:
            content = content[:at] + space + content[at:]
    if content.count(b"<") > MOST_TAGS:
        raise ImportFault(
            f"{name} holds over {MOST_TAGS} tags, which no workout does.",
            "Name the file of one workout.",
        )
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ImportFault(f"{name} is no whole XML: {error}.", "Export it again.") from error
    return [_workout(activity) for activity in root.iter() if _tag(activity) == "Activity"]


def _workout(activity: Element) -> Workout:
    laps = [child for child in activity if _tag(child) == "Lap"]
    points: list[Point] = []
    times = [at for lap in laps for at in _times(lap)]
    start = min(times) if times else None
    untimed = 0
    trackpoint = activity.tag.removesuffix("Activity") + "Trackpoint"  # with its namespace
    for lap in laps:
        for element in lap.iter(trackpoint):
            said = {_tag(child): child.text for child in element.iter()}
            at = _time(said.get("Time"))
            if at is None or start is None:
                untimed += 1
                continue
            speed, bpm = _number(said.get("Speed")), _number(said.get("Value"))
            points.append(
                Point(
                    t_s=(at - start).total_seconds(),
                    distance_m=_number(said.get("DistanceMeters")),
                    stroke_rate_spm=_number(said.get("Cadence")),
                    power_w=_number(said.get("Watts")),
                    pace_s_per_500m=500.0 / speed if speed else None,
                    heart_rate_bpm=None if bpm is None else int(bpm),
                )
            )
    first = start
    own = next((e for e in activity.iter(_OWN + "Session")), None)
    if own is not None and own.get("started_at"):
        start = instant(own.get("started_at"))
    start_from = start_of(None if own is None else own.get("start_from"))
    if own is None and start is not None and not _zoned(laps):
        start = start.replace(tzinfo=None)
    points.sort(key=lambda point: point.t_s)
    return Workout(
        format="tcx",
        started_at=None if start_from == UNKNOWN else start,
        dated_at=start if start_from == UNKNOWN else None,
        start_from=start_from,
        points=tuple(points),
        laps=tuple(_lap(lap, first) for lap in laps) if own is None else _own(activity),
        laps_are_own=own is not None,
        said={} if own is None else figures_in(own.attrib, FileTotals, but=("plan",)),
        plan=None if own is None else own.get("plan"),
        athlete=None if own is None else own.get("athlete"),
        note=note_in(own.get("note") if own is not None else _notes(activity)),
        tags=() if own is None else tags_in(own.get("tags")),
        left_out=counted_out("point", "without a time", untimed),
    )


def _notes(activity: Element) -> str | None:
    """What somebody wrote to the whole."""
    return next((child.text for child in activity if _tag(child) == "Notes"), None)


def _times(lap: Element) -> list[datetime]:
    """When a lap began, and its first point; what came before the first piece counts too."""
    first = next((child.text for child in lap.iter() if _tag(child) == "Time"), None)
    return [at for at in (_time(lap.get("StartTime")), _time(first)) if at is not None]


def _zoned(laps: Sequence[Element]) -> bool:
    """Whether its times say their zone."""
    texts = [lap.get("StartTime") for lap in laps]
    texts += [child.text for lap in laps for child in lap.iter() if _tag(child) == "Time"][:1]
    return any(at.tzinfo is not None for text in texts if (at := instant(text)) is not None)


def _lap(lap: Element, first: datetime | None) -> Lap:
    said = {_tag(child): child.text for child in lap}
    at = _time(lap.get("StartTime"))
    kcal = _number(said.get("Calories"))
    return Lap(
        said.get("Intensity") == "Resting",
        _number(said.get("TotalTimeSeconds")) or 0.0,
        _number(said.get("DistanceMeters")),
        None if at is None or first is None else (at - first).total_seconds(),
        {"energy_kcal": kcal} if kcal else {},
    )


def _own(activity: Element) -> tuple[Lap, ...]:
    """The laps as rowlog wrote them, to the last digit."""
    laps = []
    for lap in activity.iter(_OWN + "Lap"):
        said = figures_in(lap.attrib, FileLap, but=("number", "start_s", "end_s"))
        start_s, seconds = _number(lap.get("started_at_s")), _number(lap.get("duration_s"))
        if start_s is not None and seconds is not None and "kind" in said:
            laps.append(Lap(said["kind"] == "rest", seconds, None, start_s, said))
    return tuple(laps)


def _tag(element: Element) -> str:
    return _name(element.tag) if isinstance(element.tag, str) else ""


@lru_cache(maxsize=256)  # a file has few names, tens of thousands of times
def _name(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
