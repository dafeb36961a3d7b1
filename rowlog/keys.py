"""Keys that are pressed while a plan is followed, and what they make of a piece."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.plan import Piece

NEXT: Final = frozenset({"next", "skip", "lap"})
"""Ends the piece."""
EXTEND: Final = "extend"
"""Makes the piece longer: by 30 s, 100 m or 5 kcal as it is measured, or as `extend 50m` says."""
PAUSE: Final = "pause"
"""Stops the piece's clock and its count of metres; once more, they go on."""
RESUME: Final = "resume"
"""They go on; nothing where there is no pause."""
UNDO: Final = "undo"
"""Takes the last key back, as if it had not been pressed; once more, the one before."""
UNDO_NS: Final = 60 * SECOND_NS
"""For so long a key can be taken back."""
TYPED: Final = {"n": "next", " ": "next", "p": PAUSE, "e": EXTEND, "u": UNDO, "m": "mark"}
"""What the keys of a keyboard are called. A mark changes nothing; it stands in the recording."""
QUIT: Final = "q"
"""Asks whether the session is to end; the same key again, or one of YES, ends it."""
YES: Final = "y\r\n"
HELP: Final = "?h"
"""Tell which keys there are."""
STEPS: Final = {"time": 30.0, "distance": 100.0, "energy": 5.0}
_AMOUNT: Final = re.compile(r"extend +(\d{1,5})(s|m|cal)")
_UNITS: Final = {"s": "time", "m": "distance", "cal": "energy"}


def extended(piece: Piece, label: str) -> Piece:
    """The piece made longer by what the key says; itself where it is not measured so."""
    target = piece.target
    kind, step = target.type, STEPS.get(target.type)
    if amount := _AMOUNT.fullmatch(label):
        kind, step = _UNITS[amount[2]], float(amount[1])  # type: ignore[assignment]
    if target.at_most_s is not None and (kind == "time" or label == EXTEND):
        longer = target.at_most_s + (step or STEPS["time"])
        return replace(piece, target=replace(target, at_most_s=longer))
    if kind != target.type or step is None or target.value is None:
        return piece
    return replace(piece, target=replace(target, value=target.value + step))


def is_key(label: str) -> bool:
    """Whether a marker changes how a plan goes on, and can be taken back."""
    plain = label in NEXT or label in (EXTEND, PAUSE, RESUME)
    return plain or _AMOUNT.fullmatch(label) is not None
