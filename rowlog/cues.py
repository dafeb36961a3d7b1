"""What is worth a sound: a piece begins, is about to end, has ended; the heart is too high."""

from __future__ import annotations

from typing import Final, Literal

from rowlog.live import Live

Cue = Literal["start", "three", "two", "one", "rest", "over", "ceiling"]
"""Work begins; so many seconds until time ends the piece; a rest begins; all is done; the heart
rate has passed its ceiling."""

COUNTED: Final[dict[int, Cue]] = {3: "three", 2: "two", 1: "one"}
AGAIN_S: Final = 15.0
"""A heart rate that stays too high is told of again after so long."""


class Cues:
    """Finds the cues in one picture after the other. Each is given once."""

    def __init__(self) -> None:
        self._piece: tuple[str, int, int | None] | None = None
        self._counted: int | None = None
        self._ceiling_s: float | None = None

    def take(self, live: Live) -> tuple[Cue, ...]:
        """What is to be heard at this picture, the most pressing last."""
        cues: list[Cue] = []
        where = live.moment.standing
        if live.above_ceiling:
            if self._ceiling_s is None or live.moment.t_s - self._ceiling_s >= AGAIN_S:
                self._ceiling_s = live.moment.t_s
                cues.append("ceiling")
        else:
            self._ceiling_s = None
        if where.phase == "pause" or live.closed:
            return tuple(cues)
        piece = (where.phase, where.number, where.index)
        if piece != self._piece:
            before, self._piece, self._counted = self._piece, piece, None
            if before is not None:
                cues += _begun(before[0], piece[0])
        left = self._left(live)
        if left is not None and left != self._counted:
            first, self._counted = self._counted is None, left
            # A piece that is shorter than the count, or is seen late, is counted from there.
            if left in COUNTED and (not first or left == max(COUNTED)):
                cues.append(COUNTED[left])
        return tuple(cues)

    def _left(self, live: Live) -> int | None:
        """Whole seconds that are left, rounded up; None where time does not end the piece."""
        if live.countdown_s is None or live.moment.standing.phase not in ("work", "rest"):
            return None
        return -int(-live.countdown_s // 1)


def _begun(before: str, phase: str) -> list[Cue]:
    if phase == "work":
        return ["start"]
    if phase == "rest":
        return ["rest"]
    return ["over"] if phase == "done" and before != "done" else []
