"""A simulated rower and strap on the air: what `rowlog simulate ble` does."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from rowlog.simulating import OnPaper, held_by, script_of
from rowlog_drivers.clock import Clock
from rowlog_drivers.errors import CallError
from rowlog_drivers.peripheral import Event, Peripheral
from rowlog_drivers.peripheral_air import serve
from rowlog_drivers.simulator import RowerKind, Simulator

NAMES: Final = {"ftms": "Paper rower", "pm5": "PM5 430000001 Row"}
"""Under which each machine is advertised when nothing else is wanted; a PM5 by its number."""
NAME: Final = NAMES["ftms"]
MAX_SPEED: Final = 20.0
"""More than this no Bluetooth link carries."""


def simulate_ble(
    paper: OnPaper,
    *,
    name: str | None = None,
    adapter: str | None = None,
    for_s: float | None = None,
    tell: Callable[[Event], None] | None = None,
) -> None:
    """Keep it on the air until a signal comes or `for_s` seconds of session time are over.

    SIGINT, SIGTERM and SIGHUP take it off properly. Raises CallError for what cannot be
    simulated, and PeripheralError when it cannot be put, or kept, on the air.
    """
    if not 0 < paper.speed <= MAX_SPEED:
        raise CallError(
            f"A speed of {paper.speed:g} is not possible on the air.",
            f"It is above 0, at most {MAX_SPEED:g}.",
        )
    if paper.machine not in NAMES:
        raise CallError(
            f"{paper.machine!r} is no machine that can be put on the air.",
            f"There are: {', '.join(NAMES)}.",
        )
    clock = Clock(paper.speed)
    peripheral = Peripheral(
        lambda: session(paper),
        name=NAMES[paper.machine] if name is None else name,
        clock=clock,
        serial_number=f"PAPER-{paper.seed}",
        tell=tell,
    )
    limit_s = None if for_s is None else clock.life_s(for_s)
    asyncio.run(_serve(peripheral, adapter, limit_s, tell))


def session(paper: OnPaper) -> Simulator:
    """A session from its start; when the plan is done, machine and strap stay on."""
    pm5 = paper.machine == "pm5"
    kind: RowerKind = "pm5" if pm5 else "ftms"
    return Simulator(
        script_of(paper),
        rower=kind if paper.rower else None,
        strap=paper.strap,
        seed=paper.seed,
        faults=paper.faults,
        # A PM5 is asked how often it tells its status.
        rate_hz=10.0 if pm5 else paper.rate_hz,
        program=held_by(paper.plan) if pm5 else (),
        relay_heart_rate=paper.relay,
    )


async def _serve(
    peripheral: Peripheral,
    adapter: str | None,
    limit_s: float | None,
    tell: Callable[[Event], None] | None,
) -> None:
    serving = asyncio.ensure_future(serve(peripheral, adapter=adapter, tell=tell))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        # Not on Windows, where there is nothing to take off the air.
        with suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, serving.cancel)
    if limit_s is not None:
        loop.call_later(limit_s, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving
