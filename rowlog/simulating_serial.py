"""A simulated WaterRower on a pseudo-terminal: what `rowlog simulate serial` does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from rowlog.plan import Plan
from rowlog.simulating import OnPaper, held_by, script_of
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import CallError
from rowlog_drivers.protocols.csafe_programs import Interval
from rowlog_drivers.pseudo_terminal import Event, SerialMachine
from rowlog_drivers.simulator.s4_live import LiveS4

MAX_SPEED: Final = 20.0
"""Beyond it a program could not send its requests as often as it should."""


MOST_INTERVALS: Final = 9


def machine_of(paper: OnPaper) -> LiveS4:
    """A monitor whose athlete sits down now; when the plan is done it stays on.

    Raises CallError for a plan that it is to hold and cannot.
    """
    program = _held(paper.plan) if paper.held else ()
    return LiveS4(script_of(paper), seed=paper.seed, faults=paper.faults, program=program)


def _held(plan: Plan | None) -> tuple[Interval, ...]:
    """The plan as a WaterRower's own workout. Raises CallError where it cannot hold it."""
    held = held_by(plan)
    kinds = {one.kind for one in held}
    rested = all(one.rest_s for one in held[:-1])
    if len(kinds) == 1 and kinds <= {"distance", "time"} and rested and len(held) <= MOST_INTERVALS:
        return held
    raise CallError(
        f"A WaterRower cannot hold {'no plan' if plan is None else plan}.",
        f"It takes up to {MOST_INTERVALS} intervals, all by distance or all by time, "
        "with timed rests between them.",
    )


def simulate_serial(
    paper: OnPaper,
    *,
    link: Path | None = None,
    for_s: float | None = None,
    tell: Callable[[Event], None] | None = None,
) -> None:
    """Keep the port until a signal comes or `for_s` seconds of session time are over.

    Raises CallError for what cannot be simulated, TerminalError when there can be no port.
    """
    if not 0 < paper.speed <= MAX_SPEED:
        raise CallError(
            f"A speed of {paper.speed:g} is not possible on a serial line.",
            f"It is above 0, at most {MAX_SPEED:g}.",
        )
    machine_of(paper)  # what cannot be simulated is told at once, not when somebody connects
    clock = Clock(paper.speed)
    port = SerialMachine(lambda: machine_of(paper), clock=clock, link=link, tell=tell)
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        with suppress(ValueError):  # not in the main thread
            before[number] = signal.signal(number, lambda *_: port.stop())
    timer = threading.Timer(clock.life_s(for_s), port.stop) if for_s is not None else None
    try:
        if timer is not None:
            timer.start()
        port.run()
    finally:
        if timer is not None:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
