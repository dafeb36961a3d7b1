"""When a session began, as far as anybody said it: to the second, by the day, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, get_args

Start = Literal["said", "local", "day", "file", "user"]
"""Where the start of a session is from.

"said": the recording or the file says it, with its zone. "local": the file says it without a zone;
it is taken for the time of the place where it was imported. "day": the file says the day alone.
"file": the file says nothing, and its own date stands for it. "user": somebody said it by hand.
"""
STARTS: Final[tuple[Start, ...]] = get_args(Start)
TIMED: Final = ("said", "local", "user")
"""Of these the time of the day is known."""
FIRST_YEAR: Final = 1995
LAST_YEAR: Final = 2100
"""A clock that was never set tells of other years, and so does a slip of the pen."""
UNKNOWN: Final = "file"
HEADER: Final = "start"
"""The key of a .frames file's header that says so; its texts:"""
_TEXTS: Final[dict[str, Start]] = {
    "the local time, without a zone": "local",
    "the day alone": "day",
    "unknown, by the file's date": "file",
    "as the user said": "user",
}


def told(start: Start) -> tuple[tuple[str, str], ...]:
    """What a .frames header says of it; () where the start is what it seems to be."""
    return tuple((HEADER, text) for text, known in _TEXTS.items() if known == start)


def split_off(pairs: Iterable[tuple[str, str]]) -> tuple[Start, tuple[tuple[str, str], ...]]:
    """What a .frames header says of the start, and its other pairs."""
    start: Start = "said"
    others = []
    for key, text in pairs:
        if key == HEADER and text in _TEXTS:
            start = _TEXTS[text]
        else:
            others.append((key, text))
    return start, tuple(others)


def start_of(text: object) -> Start:
    """The start that a word of a file means; "said" for any other."""
    return next((start for start in STARTS if start == text), "said")
