"""What imported files say of their pieces and of all, in a session that is made of several."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from rowlog.counters import SECOND_NS
from rowlog.plan import ROW
from rowlog.store_read import Reader, StoredSession
from rowlog.totals import SessionTotals
from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols.workout_file import encode

OF_THE_FILE: Final = ("lap", "totals")
"""Channels of an imported file's frames that tell of the whole of it."""
HEART: Final = ("heart_rate",)
"""The channel of a file's heart rates, and the driver of straps."""
_DRIVER: Final = "workout_file"
_REST_NS: Final = SECOND_NS
"""What lies between two files is a rest, where it is no shorter."""
_SUMS: Final = ("distance_m", "stroke_count", "energy_kcal")
"""Figures of a lap, and of the whole, that add up."""

_COUNTED: Final = {"sample": ("elapsed_s", "distance_m", "energy_kcal"), "stroke": ("number",)}
"""By channel, what a file's rows count from its beginning."""
_FASTEST_MPS: Final = 7.0
"""Nobody rows faster."""


@dataclass(frozen=True, slots=True)
class Part:
    """A session as it goes into the one that is made."""

    session: StoredSession
    offset_ns: int
    """By so much later than the session that is made does it begin."""
    channels: tuple[str, ...] | None = None
    """What is taken of it: the frames of these channels; None: all, but what tells of a file."""
    sources: tuple[str, ...] | None = None
    """Likewise those of these devices; None: all."""
    laps: bool = False
    """Whether the rowing is cut by its laps."""
    heartless: bool = False
    """Whether its heart rates are left out, since another one's tell each beat of the same."""

    @property
    def whole(self) -> bool:
        """Whether all of it is taken."""
        return self.channels is None and self.sources is None

    def takes(self, frame: Frame) -> bool:
        """Whether a frame of it goes in as it is."""
        if frame.channel in OF_THE_FILE:  # see `of_one` and `of_several`
            return False
        if self.sources is not None and frame.source not in self.sources:
            return False
        if self.heartless and frame.channel in HEART:
            return False
        return self.channels is None or frame.channel in self.channels


class Said(NamedTuple):
    """A frame of what files say, under the times of the session that is made."""

    frame: Frame
    by: int
    """The number of the session that says it."""


def is_file(session: StoredSession) -> bool:
    """Whether all of it came from a finished workout's file."""
    return all(source.driver == _DRIVER for source in session.sources)


def told(reader: Reader, session_id: int, *channels: str) -> list[Frame]:
    """What a file says of the whole, which stands before all else."""
    found = []
    for frame in reader.read_frames(session_id):
        if frame.channel not in OF_THE_FILE:
            break
        if frame.channel in channels:
            found.append(frame)
    return found


def of_one(reader: Reader, most: Part, laps: Part | None, *, heart: bool) -> list[Said]:
    """What files of one workout say of its pieces and of the whole.

    `laps`: another file of it, by whose laps it is cut. `heart`: whether what it says of the heart,
    and of how long all was, holds for all.
    """
    giver = laps or most
    found = list(_laps(reader, giver, heart=heart))
    whole: dict[str, object] = {}
    for part in (laps, most):
        for frame in told(reader, part.session.id, "totals") if part is not None else ():
            said = _said(frame, heart=heart)
            if not heart:
                said.pop("duration_s", None)
            whole |= said if part is most else {"plan": said.get("plan")}
    if whole or found:
        first = found[0].frame if found else told(reader, most.session.id, "totals")[0]
        payload = encode("totals", **whole)
        frame = replace(first, channel="totals", payload=payload)
        found.append(Said(frame, giver.session.id))
    return found


# Workouts that follow each other


def one_after_another(reader: Reader, parts: Iterable[Part]) -> list[Part]:
    """The files that tell of different workouts of which each ends before the next begins.

    In order of time; [] where there are not two, where they overlap, or where a recording rowed.
    """
    ordered = sorted(
        (part for part in parts if part.whole and _did_something(reader, part.session)),
        key=lambda part: part.offset_ns,
    )
    ends_ns = [part.offset_ns + (part.session.end_ns or 0) for part in ordered]
    apart = all(
        end_ns <= following.offset_ns
        for end_ns, following in zip(ends_ns, ordered[1:], strict=False)
    )
    files = all(is_file(part.session) for part in ordered)
    return ordered if len(ordered) > 1 and apart and files else []


def of_several(reader: Reader, parts: Sequence[Part], *, heart: bool) -> list[Said]:
    """What files of workouts that follow each other say together.

    Their pieces one behind the other, a rest where time lies between them, and their sums. Of a
    file that has no laps, where another one has, the pieces stand as they were found in it. No plan
    is said: each file's own fits only that.

    `heart`: whether what they say of the heart holds for all.
    """
    found: list[Said] = []
    if any(told(reader, part.session.id, "lap") for part in parts):
        end_ns = 0
        for part in parts:
            laps = list(_laps(reader, part, heart=heart)) or list(_found(reader, part))
            began_s = _began_s(reader, part)
            for place, lap in enumerate(laps):
                said = json.loads(lap.frame.payload)
                if place == 0 and said["start_s"] < began_s < said["end_s"]:
                    said["start_s"] = began_s
                begin_ns = round(said["start_s"] * SECOND_NS)
                if found and begin_ns - end_ns >= _REST_NS:
                    rest = {"kind": "rest", "start_s": end_ns / SECOND_NS, "end_s": said["start_s"]}
                    payload = encode("lap", **rest, number=len(found))
                    found.append(Said(replace(lap.frame, payload=payload), part.session.id))
                payload = encode("lap", **said | {"number": len(found)})
                found.append(Said(replace(lap.frame, payload=payload), part.session.id))
                end_ns = round(said["end_s"] * SECOND_NS)
    whole = _together([part.session.totals for part in parts if part.session.totals is not None])
    if whole or found:
        source = parts[0].session.sources[0].name
        frame = Frame(t_ns=0, source=source, channel="totals", payload=encode("totals", **whole))
        found.append(Said(frame, parts[0].session.id))
    return found


class Counted(NamedTuple):
    """What had been counted before a file that follows another one, and goes on in it."""

    elapsed_s: float = 0.0
    distance_m: float = 0.0
    energy_kcal: float = 0.0
    number: int = 0
    """Of strokes."""
    stood_m: float = 0.0
    """Where the metres stand when the file begins."""
    standing_s: tuple[float, ...] = ()
    """Instants before its first piece, since the file's beginning, at which they still do."""

    def stands(self, part: Part) -> list[Frame]:
        """That nothing was rowed since, and the clock ran: else that is of its first piece."""
        source = part.session.sources[0].name
        return [
            Frame(
                t_ns=round(at_s * SECOND_NS),
                source=source,
                channel="sample",
                payload=encode("sample", elapsed_s=self.elapsed_s + at_s, distance_m=self.stood_m),
            )
            for at_s in self.standing_s
        ]

    def before(self, frame: Frame) -> Frame:
        """A frame of the file as it counts on."""
        names = _COUNTED.get(frame.channel)
        if names is None:
            return frame
        said: dict[str, Any] = json.loads(frame.payload)
        more = {name: said[name] + getattr(self, name) for name in names if name in said}
        return replace(frame, payload=encode(frame.channel, **said | more))


def counted_before(reader: Reader, parts: Sequence[Part]) -> dict[int, Counted]:
    """By the numbers of the sessions, what each file of several counts on from.

    A file begins at zero, but for one that is the next part of a longer one: its metres go on.
    """
    found: dict[int, Counted] = {}
    last: dict[str, float] = {}
    for before_part, part in zip((parts[0], *parts), parts, strict=False):
        first: dict[str, float] = {}
        own: dict[str, float] = {}
        for frame in reader.read_frames(part.session.id):
            for name in _COUNTED.get(frame.channel, ()):
                said = json.loads(frame.payload).get(name)
                if said is not None:
                    first.setdefault(name, said)
                    own[name] = said
        before = {name: last.get(name, 0.0) for name in ("distance_m", "energy_kcal", "number")}
        if last:
            since_s = (part.offset_ns - parts[0].offset_ns) / SECOND_NS
            rise_m = first.get("distance_m", 0.0) - before["distance_m"]
            goes_on = 0 <= rise_m <= _FASTEST_MPS * max(0.0, since_s - last.get("elapsed_s", 0.0))
            began_s = _began_s(reader, part) - part.offset_ns / SECOND_NS
            first_s = first.get("elapsed_s", 0.0)
            ended_s = (before_part.offset_ns + (before_part.session.end_ns or 0)) / SECOND_NS
            ended_s -= parts[0].offset_ns / SECOND_NS
            rowed = "distance_m" in first and "distance_m" in last
            standing_s = _before_s(min(began_s, first_s), ended_s - since_s)
            found[part.session.id] = Counted(
                elapsed_s=since_s,
                distance_m=0.0 if goes_on else -rise_m,
                energy_kcal=before["energy_kcal"],
                number=int(before["number"]),
                stood_m=before["distance_m"],
                standing_s=() if goes_on or not rowed else standing_s,
            )
        now = found.get(part.session.id, Counted())
        last |= {name: value + getattr(now, name) for name, value in own.items()}
    return found


def _before_s(began_s: float, ended_s: float) -> tuple[float, ...]:
    """Instants before something begins, and after the file before has ended.

    Two of them: what comes after a silence is told only once it is clear that more does not come.
    """
    last_ns = round(began_s * SECOND_NS) - 1
    instants = (last_ns - SECOND_NS + 1) / SECOND_NS, last_ns / SECOND_NS
    return tuple(at_s for at_s in instants if at_s > ended_s)


def _did_something(reader: Reader, session: StoredSession) -> bool:
    """Whether a session rowed, or its file tells what else was done."""
    if session.totals is not None and session.totals.distance_m:
        return True
    return any(_said(lap, heart=True).get("activity") for lap in told(reader, session.id, "lap"))


def _found(reader: Reader, part: Part) -> Iterator[Said]:
    """The pieces of a file without laps, as if it had told them."""
    for number, segment in enumerate(reader.segments(part.session.id)):
        payload = encode(
            "lap",
            number=number,
            kind=segment.kind,
            start_s=(segment.start.t_ns + part.offset_ns) / SECOND_NS,
            end_s=(segment.end.t_ns + part.offset_ns) / SECOND_NS,
            **{name: getattr(segment.figures, name) for name in _SUMS},
        )
        source = part.session.sources[0].name
        frame = Frame(t_ns=0, source=source, channel="lap", payload=payload)
        yield Said(frame, part.session.id)


def _began_s(reader: Reader, part: Part) -> float:
    """When the first piece of a file began: with its first movement, which may be after its lap."""
    first = next(iter(reader.segments(part.session.id)), None)
    return 0.0 if first is None else (first.start.t_ns + part.offset_ns) / SECOND_NS


def _together(all_: Sequence[SessionTotals]) -> dict[str, object]:
    """What holds of all: sums of what a file or its monitor counted, and what was done.

    Times and means follow from the pieces, and what no file says is counted anew.
    """
    whole: dict[str, object] = {}
    for name in _SUMS:
        known = [value for one in all_ if (value := getattr(one, name)) is not None]
        if any((name, "machine") in one.origins for one in all_):
            whole[name] = sum(known)
    activities = {one.activity for one in all_}
    if activities != {ROW}:
        whole["activity"] = activities.pop() if len(activities) == 1 else "mixed"
    return whole


def _laps(reader: Reader, part: Part, *, heart: bool) -> Iterator[Said]:
    for frame in told(reader, part.session.id, "lap"):
        said = _said(frame, heart=heart)
        for edge in ("start_s", "end_s"):
            said[edge] = max(0.0, said[edge] + part.offset_ns / SECOND_NS)
        yield Said(replace(frame, payload=encode("lap", **said)), part.session.id)


def _said(frame: Frame, *, heart: bool) -> dict[str, Any]:
    """What a frame says of a lap or of the whole, with or without the heart."""
    said: dict[str, Any] = json.loads(frame.payload)
    return {name: value for name, value in said.items() if heart or "heart_rate" not in name}
