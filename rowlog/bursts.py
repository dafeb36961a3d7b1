"""What a link held back and delivered at once, put where the machine's own clock has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from rowlog.counters import SECOND_NS
from rowlog.programmed import Step
from rowlog.timeline import Position
from rowlog_drivers.records import MachineSplit, MachineSummary

STALL_NS: Final = 3 * SECOND_NS // 2
"""A rower that was not heard for so long may have been held back."""
AT_ONCE_NS: Final = 150_000_000
"""What was held back comes one right after the other: no machine sends as fast for long."""
ALL_WITHIN_NS: Final = SECOND_NS // 2
"""All of it comes within this."""
LEAST_S: Final = 1.5
"""Of the machine's time within what came at once: less makes no difference."""
NOT_LATE_NS: Final = SECOND_NS // 4
"""Clocks of two devices differ by less while a link is held up."""
STANDS: Final = 6
"""A status is told in three records: so many of one time are more than one of them."""
SLOWER: Final = 3.0
"""The machine's time goes by so many times as fast while what was held back comes."""


Heard = Position | Step | MachineSplit | MachineSummary
"""What a rower says of how it gets on."""


class Burst:
    """Holds what a rower says after a silence until it is clear whether it all came at once.

    Positions, steps of a monitor's workout and its splits, in their order. Where they came at
    once, each gets the time at which the machine made it, by its own clock, the last being new;
    else they are given back as they came. A clock of whole seconds is taken to run evenly over
    the records of one second.
    """

    __slots__ = ("_clocked", "_held", "_last_ns", "_since_ns")

    def __init__(self) -> None:
        self._held: list[Heard] = []
        self._clocked: list[bool] = []
        """Of each that is held, whether it is a position that tells the machine's time anew."""
        self._last_ns: int | None = None
        """When the rower was heard last."""
        self._since_ns = 0
        """When the first came that is held."""

    def __bool__(self) -> bool:
        return bool(self._held)

    def holds(self, heard: Heard, *, clocked: bool = False) -> bool:
        """Whether this has to wait: it is kept. What was held and is over is to be taken before.

        `clocked`: it is a position that tells the machine's time anew.
        """
        t_ns = heard.told_ns if isinstance(heard, Step) else heard.t_ns
        before_ns, self._last_ns = self._last_ns, t_ns
        stalled = before_ns is not None and t_ns - before_ns >= STALL_NS
        if not self._held and not stalled:
            return False
        if not self._held:
            self._since_ns = t_ns
        self._held.append(heard)
        self._clocked.append(clocked)
        return True

    def over(self, t_ns: int) -> bool:
        """Whether at this time nothing more can belong to what is held."""
        if not self._held or self._last_ns is None:
            return False
        return t_ns - self._last_ns > AT_ONCE_NS or t_ns - self._since_ns > ALL_WITHIN_NS

    def taken(self, before: Position | None) -> Sequence[Heard]:
        """What was held, under the times at which it was made; `before` is what was taken last."""
        held, self._held = self._held, []
        clocked, self._clocked = self._clocked, []
        stood = [
            one
            for one, tells in zip(held, clocked, strict=True)
            if tells and isinstance(one, Position)
        ]
        if len(stood) < 2 or not _at_once(stood):
            return held
        made_ns = _made_ns(stood, before)
        times = iter(made_ns)
        told: list[Heard] = []
        now_ns = began_ns = before.t_ns if before is not None else made_ns[0]
        following_ns = next(times)
        moving = False
        for one, tells in zip(held, clocked, strict=True):
            # What tells no time stands before what does in the same frame.
            if isinstance(one, Step):
                shift_ns = one.told_ns - following_ns
                told.append(replace(one, t_ns=one.t_ns - shift_ns, told_ns=following_ns))
                continue
            if not isinstance(one, Position):
                told.append(one)
                continue
            before_ns, now_ns = now_ns, following_ns
            if tells:
                following_ns = next(times, now_ns)
            if not moving:
                began_ns = before_ns
            moving = one.moved
            began = one.began_ns
            if began is not None and began > now_ns:
                began = min(began_ns, now_ns)
            told.append(replace(one, t_ns=now_ns, began_ns=began))
        return told


def _at_once(stood: Sequence[Position]) -> bool:
    first, last = stood[0], stood[-1]
    ran_s = (last.elapsed_s or 0.0) - (first.elapsed_s or 0.0)
    took_s = (last.t_ns - first.t_ns) / SECOND_NS
    return ran_s >= LEAST_S and ran_s > SLOWER * took_s


def _made_ns(stood: Sequence[Position], before: Position | None) -> list[int]:
    """When each was made: by the machine's clock, counted on from before, or back from the last.

    A clock that stands still in rests is counted on until it does, and back to where it goes on.
    """
    clock = [one.elapsed_s or 0.0 for one in stood]
    last_ns = stood[-1].t_ns
    back_ns = [last_ns - round((clock[-1] - at_s) * SECOND_NS) for at_s in _evenly(clock)]
    made_ns = back_ns
    if before is not None and before.elapsed_s is not None and any(at_s % 1 for at_s in clock):
        on_ns = [before.t_ns + round((at_s - before.elapsed_s) * SECOND_NS) for at_s in clock]
        still_ns = last_ns - on_ns[-1]
        if -NOT_LATE_NS < still_ns < SECOND_NS:
            made_ns = on_ns
        elif still_ns >= SECOND_NS:
            first, end = _longest(clock)
            if end - first >= STANDS:
                made_ns = [
                    *on_ns[:first],
                    *(
                        on_ns[first] + still_ns * number // (end - first)
                        for number in range(end - first)
                    ),
                    *back_ns[end:],
                ]
    since_ns = before.t_ns if before is not None else made_ns[0]
    told: list[int] = []
    for at_ns in made_ns:
        since_ns = min(last_ns, max(since_ns, at_ns))
        told.append(since_ns)
    return told


def _longest(clock: Sequence[float]) -> tuple[int, int]:
    """Where the clock shows one time for the most records: the first of them, and the one after."""
    best = (0, 0)
    first = 0
    for number, at_s in enumerate(clock):
        if at_s != clock[first]:
            first = number
        if number + 1 - first > best[1] - best[0]:
            best = (first, number + 1)
    return best


def _evenly(clock: Sequence[float]) -> list[float]:
    """A clock of whole seconds, with parts: as many records of one second as there are."""
    if any(elapsed_s % 1 for elapsed_s in clock):
        return list(clock)
    return [
        elapsed_s + (number - clock.index(elapsed_s)) / clock.count(elapsed_s)
        for number, elapsed_s in enumerate(clock)
    ]
