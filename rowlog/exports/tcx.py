"""TCX activities: a lap for each segment, a point a second, exact figures in an extension.

Written in the order that Garmin's schema asks for. `Sport` has no rowing there, so it says Other;
what TCX holds in whole beats, or has no place for, stands in elements of our own within Extensions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from rowlog.contents import Contents, Grid
from rowlog.exports.checking import Difference, Expected, compare
from rowlog.exports.fit_figures import LAP_FIGURES, SESSION_FIGURES
from rowlog.exports.fit_words import words
from rowlog.summary import SegmentSummary, SessionSummary

TCX: Final = "http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"
ACTIVITY: Final = "http://www.garmin.com/xmlschemas/ActivityExtension/v2"
OWN: Final = "urn:rowlog:figures:1"

_HEAD: Final = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<TrainingCenterDatabase xmlns="{TCX}" xmlns:x="{ACTIVITY}" xmlns:r="{OWN}">\n'
    '<Activities>\n<Activity Sport="Other">\n'
)
_FOOT: Final = "</Activity>\n</Activities>\n</TrainingCenterDatabase>\n"


def write(contents: Contents, out: BinaryIO) -> None:
    """Write the session as a TCX activity."""
    out.write("".join(_lines(contents)).encode("utf-8"))


def _lines(contents: Contents) -> Iterator[str]:
    session = contents.session
    started = datetime.fromisoformat(session.started_at).astimezone(UTC)
    grid = contents.grid()
    yield _HEAD
    yield f"<Id>{_time(started, 0.0)}</Id>\n"
    if contents.segments:
        # What was rowed before and after all pieces has its points in the first and the last lap.
        owner = grid.segment.copy()
        outside = np.flatnonzero(owner < 0)
        owner[outside] = np.where(outside < np.argmax(owner >= 0), 0, len(contents.segments) - 1)
        grid = grid._replace(segment=owner)
        for place, segment in enumerate(contents.segments):
            yield from _lap(segment, place, started, grid)
    else:
        yield from _only_lap(session, started, contents.duration_s, grid)
    notes = (session.plan or session.activity, session.note)
    yield "<Notes>" + escape(_clean("\n".join(filter(None, notes)))) + "</Notes>\n"
    yield "<Extensions><r:Session"
    yield f" started_at={quoteattr(session.started_at)}"
    for name, text in _words(session).items():
        yield f" {name}={_quoted(text)}"
    yield f"{_figures(session, SESSION_FIGURES)}/></Extensions>\n"
    yield _FOOT


def _words(session: SessionSummary) -> dict[str, str]:
    """What goes along in words; here its activity has a place of its own."""
    told = words(session)
    return {"activity": told.pop("session_activity"), **told}


def _lap(segment: SegmentSummary, place: int, started: datetime, grid: Grid) -> Iterator[str]:
    yield f'<Lap StartTime="{_time(started, segment.started_at_s)}">\n'
    yield _lap_head(segment.duration_s, segment.distance_m, segment.energy_kcal)
    yield _beats("AverageHeartRateBpm", segment.mean_heart_rate_bpm)
    yield _beats("MaximumHeartRateBpm", segment.max_heart_rate_bpm)
    yield f"<Intensity>{'Active' if segment.kind == 'work' else 'Resting'}</Intensity>\n"
    if segment.mean_stroke_rate_spm is not None:
        yield f"<Cadence>{min(254, round(segment.mean_stroke_rate_spm))}</Cadence>\n"
    yield f"<TriggerMethod>{_trigger(segment)}</TriggerMethod>\n"
    yield from _points(started, grid, [i for i, of in enumerate(grid.segment) if of == place])
    yield "<Extensions>"
    if segment.mean_power_w is not None:
        yield f"<x:LX><x:AvgWatts>{round(segment.mean_power_w)}</x:AvgWatts></x:LX>"
    target = ""
    if segment.target is not None:
        target = f" target_type={_quoted(segment.target.type)}"
        if segment.target.value is not None:
            target += f' target_value="{segment.target.value!r}"'
    yield (
        f"<r:Lap kind={_quoted(segment.kind)} activity={_quoted(segment.activity)} "
        f"ended_by={_quoted(segment.ended_by)}{target}{_figures(segment, LAP_FIGURES)}/>"
    )
    yield "</Extensions>\n</Lap>\n"


def _only_lap(
    session: SessionSummary, started: datetime, end_s: float, grid: Grid
) -> Iterator[str]:
    """The lap that TCX needs where the session has no segments."""
    yield f'<Lap StartTime="{_time(started, 0.0)}">\n'
    yield _lap_head(end_s, session.distance_m, session.energy_kcal)
    yield _beats("AverageHeartRateBpm", session.mean_heart_rate_bpm)
    yield _beats("MaximumHeartRateBpm", session.max_heart_rate_bpm)
    yield "<Intensity>Active</Intensity>\n<TriggerMethod>Manual</TriggerMethod>\n"
    yield from _points(started, grid, range(len(grid.t_s)))
    yield "</Lap>\n"


def _lap_head(seconds: float, metres: float | None, kcal: float | None) -> str:
    return (
        f"<TotalTimeSeconds>{seconds!r}</TotalTimeSeconds>\n"
        f"<DistanceMeters>{metres or 0.0!r}</DistanceMeters>\n"
        f"<Calories>{min(65535, round(kcal or 0))}</Calories>\n"
    )


def _beats(name: str, bpm: float | None) -> str:
    if bpm is None or not 1 <= round(bpm) <= 255:
        return ""
    return f"<{name}><Value>{round(bpm)}</Value></{name}>\n"


def _points(started: datetime, grid: Grid, places: Sequence[int]) -> Iterator[str]:
    if not len(places):
        return
    yield "<Track>\n"
    for i in places:
        metres, bpm = float(grid.distance_m[i]), float(grid.heart_rate_bpm[i])
        rate, speed = float(grid.stroke_rate_spm[i]), float(grid.speed_mps[i])
        power = float(grid.power_w[i])
        point = [f"<Trackpoint><Time>{_time(started, float(grid.t_s[i]))}</Time>"]
        if metres == metres:
            point.append(f"<DistanceMeters>{metres:.3f}</DistanceMeters>")
        if bpm == bpm and 1 <= round(bpm) <= 255:
            point.append(f"<HeartRateBpm><Value>{round(bpm)}</Value></HeartRateBpm>")
        if rate == rate:
            point.append(f"<Cadence>{min(254, round(rate))}</Cadence>")
        if speed == speed or power == power:
            point.append("<Extensions><x:TPX>")
            if speed == speed:
                point.append(f"<x:Speed>{speed:.4f}</x:Speed>")
            if power == power:
                point.append(f"<x:Watts>{round(power)}</x:Watts>")
            point.append("</x:TPX></Extensions>")
        point.append("</Trackpoint>\n")
        yield "".join(point)
    yield "</Track>\n"


def _trigger(segment: SegmentSummary) -> str:
    if segment.ended_by in ("target", "rest_over") and segment.target is not None:
        return {"time": "Time", "ratio": "Time", "distance": "Distance"}.get(
            segment.target.type, "Manual"
        )
    return "Manual"


def _figures(of: SessionSummary | SegmentSummary, names: Sequence[str]) -> str:
    known = ((name, getattr(of, name)) for name in names)
    return "".join(f' {name}="{value!r}"' for name, value in known if value is not None)


def _time(started: datetime, seconds: float) -> str:
    at = started + timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _quoted(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    """Text without the characters that XML 1.0 cannot hold."""
    return "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the file back with the standard XML parser, and compare its figures."""
    from xml.etree import ElementTree as Tree

    # The file is one that was just written here; foreign ones are read elsewhere, with limits.
    root = Tree.parse(path).getroot()
    laps = root.findall(f".//{{{TCX}}}Lap")
    session = contents.session
    points = root.findall(f".//{{{TCX}}}Trackpoint/{{{TCX}}}DistanceMeters")
    last = float(points[-1].text or "nan") if points else None
    rowed = len(contents.series.distance_m[0]) > 0
    expected = [
        Expected("laps", max(1, len(contents.segments)), len(laps)),
        Expected("metres of the last point", session.distance_m if rowed else None, last, 0.0011),
    ]
    own = root.find(f".//{{{OWN}}}Session")
    if own is None:
        expected.append(Expected("session", "exact figures", None))
    else:
        expected += _read(own.attrib, session, SESSION_FIGURES, "session")
        told = _words(session)
        expected += [
            Expected(
                f"session: {name}", _clean(told[name]) if name in told else None, own.get(name)
            )
            for name in ("start_from", "activity", "plan", "athlete", "note", "tags")
        ]
    if len(laps) == len(contents.segments):
        for number, (lap, segment) in enumerate(zip(laps, contents.segments, strict=True), 1):
            where = f"lap {number}"
            own = lap.find(f".//{{{OWN}}}Lap")
            expected += [
                Expected(
                    f"{where}: {name}",
                    _clean(getattr(segment, name)),
                    None if own is None else own.get(name),
                )
                for name in ("kind", "activity", "ended_by")
            ]
            expected += _read({} if own is None else own.attrib, segment, LAP_FIGURES, where)
            for name, wanted, within in (
                ("TotalTimeSeconds", segment.duration_s, 0.0),
                ("DistanceMeters", segment.distance_m or 0.0, 0.0),
                ("Calories", segment.energy_kcal or 0, 0.501),
                ("AverageHeartRateBpm", segment.mean_heart_rate_bpm, 0.501),
                ("MaximumHeartRateBpm", segment.max_heart_rate_bpm, 0.501),
            ):
                found = lap.find(f"{{{TCX}}}{name}")
                if found is not None and len(found):
                    found = found[0]
                value = None if found is None else float(found.text or "nan")
                expected.append(Expected(f"{where}: {name}", wanted, value, within))
    return compare(expected)


def _read(
    attributes: dict[str, str],
    of: SessionSummary | SegmentSummary,
    names: Sequence[str],
    where: str,
) -> list[Expected]:
    return [
        Expected(
            f"{where}: {name}",
            getattr(of, name),
            float(attributes[name]) if name in attributes else None,
        )
        for name in names
    ]
