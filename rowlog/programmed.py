"""The workout that a monitor was programmed with, step by step as it goes through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from rowlog.counters import SECOND_NS
from rowlog.plan import Target, TargetType
from rowlog_drivers.records import MachineState

StepKind = Literal["work", "rest", "over"]

_KINDS: Final[dict[str, StepKind]] = {
    "workout_row": "work",
    "interval_work_time": "work",
    "interval_work_distance": "work",
    "rest_end_to_work_time": "work",
    "rest_end_to_work_distance": "work",
    "interval_rest": "rest",
    "work_time_to_rest": "rest",
    "work_distance_to_rest": "rest",
    "wait_to_begin": "over",
    "workout_end": "over",
    "terminated": "over",
    "logged": "over",
    "rearm": "over",
}
"""A monitor's states of a workout, in Concept2's words; others end neither work nor rest."""

_TARGETS: Final[dict[str, TargetType]] = {
    "target_time_s": "time",
    "target_distance_m": "distance",
    "target_energy_kcal": "energy",
}
_FREE: Final = frozenset({"just_row", "just_row_splits", "menu"})
"""Programs that have no end of their own."""

STEP_SLACK: Final = {"time": 1.0, "distance": 1.5, "energy": 1.5, "ratio": 3.0}
"""A monitor's step that ends so near a plan's piece, in the unit of its target, ends that piece."""

Totals = Callable[[str, float], float]
"""The session's total for a counter's name and what the machine says of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the workout begins."""

    kind: StepKind
    """"over": the workout ended, or has not begun."""
    t_ns: int
    """When it began, as exactly as the monitor's clock tells."""
    told_ns: int
    """When it was told."""
    elapsed_s: float | None
    """The session's totals where it began; None where only its instant was told."""
    distance_m: float | None
    target: Target
    """Open where the step has no end of its own, and for rests."""
    programmed: bool
    """False for a free row."""
    number: int | None = None
    """Which of the workout's intervals it belongs to, from 1; None where that is not sure."""
    rest_left_s: float | None = None
    """How much of the rest was left when it was told; None where that is not told."""
    goes_on: bool = False
    """Whether it began before, and is told again since the monitor was away."""


class Programme:
    """Reads the steps out of what a monitor says of its states."""

    __slots__ = ("_numbered", "_program", "_target")

    def __init__(self) -> None:
        self._numbered: tuple[int, int | None] = (-1, None)
        """When it was told which interval is under way."""
        self._program = "menu"
        self._target = Target(type="open")

    def take(self, state: MachineState, total: Totals) -> Step | None:
        """Take the next state; the step that begins with it, None when none does."""
        if state.state == "program":
            self._program = state.text or "menu"
        elif state.state == "interval":
            self._numbered = (state.t_ns, state.interval_number)
        elif state.state in _TARGETS and isinstance(state.parameter, int | float):
            value = float(state.parameter)
            kind = _TARGETS[state.state]
            self._target = Target(type=kind, value=value) if value > 0 else Target(type="open")
        step = _KINDS.get(state.state)
        told = state.parameter
        number = self._numbered[1] if self._numbered[0] == state.t_ns else None
        goes_on = told is None and number is not None
        if step is None or not (goes_on or isinstance(told, tuple)):
            return None
        values = told if isinstance(told, tuple) else (0.0,)
        since_s, elapsed_s, distance_m, left_s = (*values, None, None, None)[:4]
        if since_s is None:
            return None
        programmed = self._program not in _FREE
        return Step(
            kind=step,
            t_ns=state.t_ns - round(since_s * SECOND_NS),
            told_ns=state.t_ns,
            elapsed_s=None if elapsed_s is None else total("elapsed_s", elapsed_s),
            distance_m=None if distance_m is None else total("distance_m", distance_m),
            target=self._target if step == "work" and programmed else Target(type="open"),
            programmed=programmed,
            number=number,
            rest_left_s=left_s,
            goes_on=goes_on,
        )
