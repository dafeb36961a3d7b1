"""Reading TCX activities, with limits on what XML may do; few of its elements are in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, cast
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from rowlog.imports.cells import SLOWEST_M_PER_S, Cells
from rowlog.imports.left_out import left_out
from rowlog.imports.workout import (
    MOST_LAPS,
    MOST_POINTS,
    MOST_WORKOUTS,
    ImportFault,
    Lap,
    Point,
    Workout,
    bounded,
    figures_in,
    instant,
    note_in,
    shown,
    tags_in,
)
from rowlog.starts import UNKNOWN, start_of
from rowlog_drivers.records import FileLap, FileTotals

MOST_TAGS: Final = 4_500_000
"""A point a second for two days, of a dozen elements."""
MOST_KEPT: Final = 200_000
"""Elements in memory at once: those of laps, and of the points that were just read."""
MOST_DEPTH: Final = 1_000
"""Elements within one another; a TCX has ten."""
MOST_IN_ONE: Final = 1_000_000
"""Characters of one tag, or of one text."""
_STEP: Final = 65_536
"""So many characters are read at a time."""
_ENCODINGS: Final = frozenset(
    ("utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "utf-16")
)
_DECLARED: Final = re.compile(r"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([^\"']{1,40})[\"']")
_POINT: Final = {
    "DistanceMeters": "distance_m", "Cadence": "stroke_rate_spm", "Watts": "power_w",
    "Speed": "speed", "Value": "heart_rate_bpm",
}  # fmt: skip
"""(element of a trackpoint: what kind of figure it holds)."""
_OWN = "{urn:rowlog:figures:1}"


def is_tcx(content: bytes) -> bool:
    """Whether a file begins as a TCX does, in narrow characters or wide ones."""
    return b"<TrainingCenterDatabase" in content[:8000].replace(b"\0", b"")


def read(name: str, content: bytes) -> list[Workout]:
    """The activities of a TCX file. Raises ImportFault."""
    text = _text(name, content)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ImportFault(
            f"{name} defines entities, which no TCX file needs and which can fill a memory.",
            "Export it again from the program that it comes from.",
        )
    at = text.find("<TrainingCenterDatabase") + len("<TrainingCenterDatabase")
    if 'xsi:type="' in text and "xmlns:xsi=" not in text[at : text.find(">", at)]:
        text = text[:at] + ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' + text[at:]
    if text.count("<") > MOST_TAGS:
        raise ImportFault(
            f"{name} holds more than {MOST_TAGS:,} tags, which no workout does.",
            "Name a file of one workout, or split this one.",
        )
    found: list[Workout] = []
    try:
        for workout in _workouts(name, text):
            found.append(workout)
            bounded(name, "workouts", len(found), MOST_WORKOUTS)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise ImportFault(f"{name} is no whole XML: {error}.", "Export it again.") from error
    if not found:
        raise ImportFault(f"{name} is a TCX without an activity.", "Export the workout itself.")
    return found


def _text(name: str, content: bytes) -> str:
    """The file's text, by the encoding that it names, and no other. Raises ImportFault."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    else:
        content = content.replace(b"\0", b"")  # some watches pad their files with them
        found = _DECLARED.match(content[:300].decode("latin-1").lstrip("\u00ef\u00bb\u00bf \r\n"))
        encoding = found[1].lower() if found is not None else "utf-8"
        if encoding == "utf-16":  # but it is not
            encoding = "utf-8"
    if encoding not in _ENCODINGS:
        raise ImportFault(
            f'{name} says that it is written in "{shown(encoding)}", as no TCX file is.',
            "Export it again, or save it as UTF-8.",
        )
    try:
        text = content.decode("utf-8-sig" if encoding in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ImportFault(
            f"{name}: line {line} is not written in {encoding}, as the file says that it is.",
            "Export it again, or save it as UTF-8.",
        ) from error
    return text.replace("\0", "").lstrip()


class _Trackpoint(NamedTuple):
    at: datetime
    point: Point
    """Its time is still to be set."""


class _Track:
    """What the trackpoints of an activity told so far."""

    def __init__(self, name: str, before: int = 0) -> None:
        """`before`: so many trackpoints were in the file's other activities."""
        self.points: list[_Trackpoint] = []
        self.firsts: list[datetime] = []
        """Of each lap its start, and its first point's."""
        self.zoned = False
        """Whether one of those says its zone."""
        self.laps: list[Element] = []
        self.untimed: list[int] = []
        self.told = Cells(name, row="figure", counted="trackpoint")
        self._name = name
        self._before = before
        self.count = 0
        """Trackpoints, those without a time too."""
        self._fresh = True

    def take(self, element: Element) -> int:
        """One trackpoint; returns how many elements are within it. Raises ImportFault."""
        self.count += 1
        number, figure = self.count, self.told.figure
        bounded(self._name, "trackpoints", self._before + number, MOST_POINTS)
        inner = list(element.iter())
        said = {_name(child.tag): child.text for child in inner}
        at = _time(said.get("Time"))
        if at is None:
            self.untimed.append(number)
            return len(inner) - 1
        if self._fresh:
            self._begin(said.get("Time"))
            self._fresh = False
        found = {
            known: figure(known, text, number)
            for tag, text in said.items()
            if (known := _POINT.get(tag)) is not None
        }
        speed, bpm = found.pop("speed", None), found.pop("heart_rate_bpm", None)
        pace = 500.0 / speed if speed and speed >= SLOWEST_M_PER_S else None
        beat = None if bpm is None else int(bpm)
        point = Point(
            0.0,
            pace_s_per_500m=pace,
            heart_rate_bpm=beat,
            line=number,
            **found,  # type: ignore[arg-type]
        )
        self.points.append(_Trackpoint(at, point))
        return len(inner) - 1

    def end_lap(self, element: Element) -> None:
        """One lap, whose points were told. Raises ImportFault."""
        self.laps.append(element)
        bounded(self._name, "laps", len(self.laps), MOST_LAPS)
        self._begin(element.get("StartTime"))
        self._fresh = True

    def _begin(self, text: str | None) -> None:
        said, at = instant(text), _time(text)
        if at is not None and said is not None:
            self.firsts.append(at)
            self.zoned |= said.tzinfo is not None


def _workouts(name: str, text: str) -> Iterator[Workout]:
    """Each activity when its end was read; points are let go of as soon as they were."""
    parser: ElementTree.XMLPullParser[Any] = ElementTree.XMLPullParser(("end",))
    track = _Track(name)
    kept = depth = read = at = 0
    while at < len(text):
        end = text.rfind(">", at, at + _STEP) + 1
        if not end:
            end = text.find(">", at) + 1 or len(text)
            bounded(name, "characters in one element", end - at, MOST_IN_ONE)
        part, at = text[at:end], end
        ends = part.count("</")
        depth += part.count("<") - part.count("<!") - part.count("<?") - 2 * ends - part.count("/>")
        bounded(name, "elements within one another", depth, MOST_DEPTH)
        parser.feed(part)
        events: Iterator[tuple[str, Element]] = cast(Any, parser.read_events())
        for _, element in events:
            kept += 1
            tag = _name(element.tag)
            if tag == "Trackpoint":
                kept -= track.take(element)
                element.clear()
            elif tag == "Track":
                kept -= len(element)
                element.clear()
            elif tag == "Lap":
                if not element.tag.startswith(_OWN):
                    track.end_lap(element)
            elif tag == "Activity":
                yield _workout(name, element, track)
            if tag in ("Activity", "Course"):
                kept -= len(list(element.iter())) - 1
                element.clear()
                read += track.count
                track = _Track(name, read)
        bounded(name, "elements beside its trackpoints", kept, MOST_KEPT)
    parser.close()


def _workout(name: str, activity: Element, track: _Track) -> Workout:
    first = start = min(track.firsts) if track.firsts else None
    own = next((e for e in activity.iter(_OWN + "Session")), None)
    if own is not None and own.get("started_at"):
        start = instant(own.get("started_at"))
    start_from = start_of(None if own is None else own.get("start_from"))
    if own is None and start is not None and not track.zoned:
        start = start.replace(tzinfo=None)
    points = [
        point._replace(t_s=(at - first).total_seconds())
        for at, point in track.points
        if first is not None
    ]
    points.sort(key=lambda point: point.t_s)
    told, totals = (Cells(name, row="figure", counted=what) for what in ("lap", "session"))

    def leave_out(name: str, value: object) -> None:
        totals.leave_out(name.replace("_", " "), shown(str(value)), 1)

    said: dict[str, float | str] = {}
    if own is not None:
        said = figures_in(own.attrib, FileTotals, but=("plan",), told=leave_out)
    return Workout(
        format="tcx",
        started_at=None if start_from == UNKNOWN else start,
        dated_at=start if start_from == UNKNOWN else None,
        start_from=start_from,
        points=tuple(points),
        laps=tuple(_lap(lap, first, number, told) for number, lap in enumerate(track.laps, 1))
        if own is None
        else _own(activity, told),
        laps_are_own=own is not None,
        said=said,
        plan=None if own is None else own.get("plan"),
        athlete=None if own is None else own.get("athlete"),
        note=note_in(own.get("note") if own is not None else _notes(activity)),
        tags=() if own is None else tags_in(own.get("tags")),
        left_out=(
            *left_out("trackpoint", "without a time", track.untimed, counted="trackpoint"),
            *track.told.left_out(),
            *told.left_out(),
            *totals.left_out(),
        ),
        counted="trackpoint",
    )


def _notes(activity: Element) -> str | None:
    """What somebody wrote to the whole."""
    return next((child.text for child in activity if _name(child.tag) == "Notes"), None)


def _lap(lap: Element, first: datetime | None, number: int, told: Cells) -> Lap:
    said = {_name(child.tag): child.text for child in lap}
    begun = lap.get("StartTime")
    at = _time(begun)
    if at is None and begun:
        told.leave_out("start", begun, number)
    start_s = None
    if at is not None and first is not None:
        start_s = told.judged("piece_start_s", (at - first).total_seconds(), number, begun)
    kcal = told.figure("energy_kcal", said.get("Calories"), number)
    return Lap(
        said.get("Intensity") == "Resting",
        told.figure("piece_s", said.get("TotalTimeSeconds"), number) or 0.0,
        told.figure("piece_m", said.get("DistanceMeters"), number),
        start_s,
        {"energy_kcal": kcal} if kcal else {},
    )


def _own(activity: Element, told: Cells) -> tuple[Lap, ...]:
    """The laps as rowlog wrote them, to the last digit."""
    laps = []
    for number, lap in enumerate(activity.iter(_OWN + "Lap"), 1):

        def leave_out(name: str, value: object, number: int = number) -> None:
            told.leave_out(name.replace("_", " "), shown(str(value)), number)

        said = figures_in(lap.attrib, FileLap, but=("number", "start_s", "end_s"), told=leave_out)
        start_s = told.figure("at", lap.get("started_at_s"), number)
        seconds = told.figure("piece_s", lap.get("duration_s"), number)
        if start_s is not None and seconds is not None and "kind" in said:
            laps.append(Lap(said["kind"] == "rest", seconds, None, start_s, said))
    return tuple(laps)


@lru_cache(maxsize=256)  # a file has few names, tens of thousands of times
def _name(tag: str) -> str:
    return tag.rsplit("}", 1)[-1]


def _time(text: str | None) -> datetime | None:
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
