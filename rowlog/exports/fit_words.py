"""What a FIT file says in words: long texts in parts, and the plan as a workout of steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from rowlog.exports.fit_writer import Field, FitWriter
from rowlog.fit_layout import (
    ENUM,
    INTENSITY_ACTIVE,
    INTENSITY_COOL_DOWN,
    INTENSITY_REST,
    INTENSITY_WARM_UP,
    MESSAGE_INDEX,
    MOST_PARTS,
    STRING,
    TEXT_BYTES,
    UINT16,
    UINT32,
    WORKOUT,
    WORKOUT_STEP,
    part_name,
)
from rowlog.notation import NotationError, parse
from rowlog.plan import ROW, Piece, Target
from rowlog.summary import SessionSummary

_MOST_STEPS: Final = 1000
_OPEN: Final = 5
_DURATIONS: Final = {"time": (0, 1000.0), "distance": (1, 100.0), "energy": (4, 1.0)}
"""(what ends a piece: (FIT's wkt_step_duration, how many of its units make one of ours))."""
_INTENSITIES: Final = {"warm_up": INTENSITY_WARM_UP, "cool_down": INTENSITY_COOL_DOWN}


def own_words(writer: FitWriter, name: str, text: str) -> Iterator[Field]:
    """A text of any length in developer fields `name`, `name_2`, ...; what is too long is cut."""
    for number, part in enumerate(parts(text), 1):
        yield writer.own(part_name(name, number), STRING, part)


def words(session: SessionSummary) -> dict[str, str]:
    """What goes along in words, by rowlog's names for it; tags a line each."""
    told = {
        "start_from": session.start_from,
        "session_activity": session.activity,
        "plan": session.plan,
        "athlete": session.athlete,
        "note": session.note,
        "tags": "\n".join(session.tags),
    }
    return {name: text for name, text in told.items() if text}


def parts(text: str) -> list[str]:
    """A text as FIT's fields can hold it: each at most 254 bytes, none with a NUL in it."""
    left = text.replace("\0", "").encode("utf-8", "replace")
    found: list[str] = []
    while left and len(found) < MOST_PARTS:
        part = left[:TEXT_BYTES].decode("utf-8", "ignore")
        found.append(part)
        left = left[len(part.encode("utf-8")) :]
    return found


def shortened(session: SessionSummary) -> list[str]:
    """By rowlog's names, those texts of which FIT holds the beginning alone."""
    told = words(session).items()
    return [name for name, text in told if "".join(parts(text)) != text.replace("\0", "")]


def words_read(value_of: Callable[[str], object], name: str) -> str | None:
    """The text that was written under a name; None where none was."""
    read = [value_of(part_name(name, number)) for number in range(1, MOST_PARTS + 1)]
    return "".join(part for part in read if isinstance(part, str)) or None


def steps(plan: str | None, sport: tuple[int, int]) -> Iterator[tuple[int, list[Field]]]:
    """The messages that tell other programs what was meant: a workout, and each of its steps."""
    try:
        pieces = parse(plan).pieces if plan is not None else ()
    except NotationError:
        return
    if plan is None or not 0 < len(pieces) <= _MOST_STEPS:
        return
    yield (
        WORKOUT,
        [
            Field(4, ENUM, sport[0]),
            Field(11, ENUM, sport[1]),
            Field(6, UINT16, len(pieces)),
            Field(8, STRING, parts(plan)[0]),
        ],
    )
    for place, piece in enumerate(pieces):
        yield WORKOUT_STEP, list(_step(place, piece))


def _step(place: int, piece: Piece) -> Iterator[Field]:
    yield Field(MESSAGE_INDEX, UINT16, place)
    if piece.kind == "work" and piece.activity != ROW:
        yield Field(0, STRING, parts(piece.activity)[0])
    kind, value = _duration(piece.target)
    yield Field(1, ENUM, kind)
    if value is not None:
        yield Field(2, UINT32, value)
    yield Field(3, ENUM, 2)  # no target within the step
    work = _INTENSITIES.get(piece.tag or "", INTENSITY_ACTIVE)
    yield Field(7, ENUM, work if piece.kind == "work" else INTENSITY_REST)


def _duration(target: Target) -> tuple[int, float | None]:
    known = _DURATIONS.get(target.type)
    if known is None or target.value is None:
        return _OPEN, None
    return known[0], target.value * known[1]
