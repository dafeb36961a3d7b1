"""The interval notation rowers write, read into a Plan and back: `8x500m/1:30r`.

It contains Rowers Workout Notation 0.1.0 and adds what rowers write besides. The rules:

- Work is a distance (`500m`, `5km`, `1.5k`), a time (`4:00`, `1:00:00`, `:30`, `90s`, `20min`,
  `5'`, `3'30"`), an energy (`20cal`), a heart rate to reach (`until >165bpm max 5:00`) or `open`.
  `m` is always metres. A bare number is an error, except in `A/B` where both are bare: seconds.
- A rest follows `/`: a time (`/1:30r`; the r may be left out), a distance (`/200m`), a ratio
  (`/1:1`: as long as the work; `/1:2`: twice as long), undefined (`/...r`, `/ur`) or
  `/rest until <120bpm max 2:00`. Seconds of a time have two digits: `1:10` is a time and `1:1` a
  ratio, which becomes a time after timed work. A rest counts wherever it is written, the last one
  too.
- `Nx` repeats one piece or a group in parentheses; a group's rest replaces the rest at the end of
  each of its repetitions. A single group is no exception: `(1000m + 500m)/3:00r` rests once.
- ` + ` puts pieces one after another. `v500m/1000m/500m` is a list: what has an r is the rest of
  the piece before it, all else is work. `15:00 (5:00@r20 + 10:00@r24)` divides a piece into parts.
- Guidance follows `@`, in any order, before or after the rest: rate (`r24`, `r18..22`, `20spm`),
  pace (`2:05..2:10`), pace from a best (`2k+10`; `30m` and `60m` are minutes here), power (`180W`),
  heart rate (`150bpm`, `85%max`, `<150bpm`), a zone (`UT2`, `Z2`) or `open`. On a group it holds
  for work without its own.
  `30:00r20` and `30r20` are `30:00@r20`, and `8x500r28` is metres: before a rate, up to 99 are
  minutes.
- An exercise is named after a time or `open`: `0:30 jumping jacks`, `open 10 burpees`. After
  `Run:` words are a note: `Run: 400m easy`; and `Run: 5k @20:00` is the time for all of it.
- `Row:`, `Ski:`, `Bike:`, `Run:`, `Cross:`, `Circuit:` or `Other:` names the machine of the pieces
  that follow, up to the next such name or the end of the group.
- `[w]`, `[c]`, `[t]` before a piece or `#warmup`, `#cooldown`, `#test` after it tag it; `[2000m]`
  after a piece or group sets the length of its splits.
- Any text after the plan is an error.

Full-width characters, typographic primes, dashes and `×` are read as their plain forms.
"""

from __future__ import annotations

from typing import Final

from rowlog.notation.grammar import Parser
from rowlog.notation.structure import NO_GUIDANCE, sequence_text, unroll
from rowlog.notation.words import MAX_METRES, MAX_SECONDS, NotationError
from rowlog.plan import ROW, Piece, Plan

__all__ = ["MAX_CHARACTERS", "NotationError", "canonical", "parse"]

MAX_CHARACTERS: Final = 10_000


def parse(text: str) -> Plan:
    """Read a plan; its `text` is the canonical form, which parses to an equal plan.

    Raises NotationError, and nothing else, for any text that is not wholly a plan.
    """
    if len(text) > MAX_CHARACTERS:
        raise NotationError(
            text, MAX_CHARACTERS, f"A plan has at most {MAX_CHARACTERS} characters."
        )
    parser = Parser(text)
    nodes = parser.plan()
    pieces: list[Piece] = []
    seconds = metres = 0.0
    for node in nodes:
        for piece in unroll(node, NO_GUIDANCE, None, None):
            if piece.target.type == "time":
                seconds += piece.target.value or 0.0
            elif piece.target.type == "distance":
                metres += piece.target.value or 0.0
            pieces.append(piece)
        if seconds > MAX_SECONDS:
            raise NotationError(text, node.at, "From here on the plan is longer than 24 hours.")
        if metres > MAX_METRES:
            raise NotationError(text, node.at, "From here on the plan is longer than 1000 km.")
    return Plan(pieces=tuple(pieces), text=sequence_text(nodes, ROW))


def canonical(plan: Plan) -> str:
    """The plan's compact notation, the same for all ways of writing the same structure."""
    return plan.text
