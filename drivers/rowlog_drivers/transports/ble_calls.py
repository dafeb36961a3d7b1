"""Calls to the operating system's Bluetooth, each with a limit that holds even when it hangs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

GRACE_S: Final = 0.5
"""How long a call that was told to stop may tidy up, in seconds of life."""

_abandoned: set[asyncio.Future[Any]] = set()


async def within(
    seconds: float,
    call: Coroutine[Any, Any, T],
    undo: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> T:
    """The result of `call`, or TimeoutError after `seconds` of life and a second of grace.

    A time limit by cancelling alone does not do: when a connection attempt is cancelled, bleak
    asks BlueZ to disconnect and waits for the answer, for ever when BlueZ hangs. So the call is
    told to stop, told again, and then left behind. `undo` takes back what a call did that had
    just ended when its caller was cancelled.
    """
    task = asyncio.ensure_future(call)
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
    except asyncio.CancelledError:
        if undo is not None and task.done() and not task.cancelled() and not task.exception():
            _keep(asyncio.ensure_future(undo()))
        leave(task)
        raise
    if done:
        return task.result()
    for _ in range(2):
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE_S)
        if task.done():
            break
    leave(task)
    raise TimeoutError(f"no answer within {seconds:g} s")


def leave(task: asyncio.Future[Any]) -> None:
    """Tell a task to stop and wait for it no longer; what becomes of it is of no interest."""
    if task.done():
        if not task.cancelled():
            task.exception()
        return
    task.cancel()
    _keep(task)


async def settle(seconds: float) -> None:
    """Wait, at most so long, until calls that were left behind in this loop have ended."""
    loop = asyncio.get_running_loop()
    here = {task for task in _abandoned if task.get_loop() is loop}
    if here:
        await asyncio.wait(here, timeout=seconds)


def _keep(task: asyncio.Future[Any]) -> None:
    _abandoned.add(task)
    task.add_done_callback(_forget)


def _forget(task: asyncio.Future[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        task.exception()
