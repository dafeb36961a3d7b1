"""Sends a workout to a Concept2 monitor that is connected, and sees to it that it took it."""

from __future__ import annotations

from typing import Final

from rowlog_drivers.device import Device
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Request
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols.csafe_programs import Program
from rowlog_drivers.protocols.pm5_names import REQUEST_CHANNEL, WORKOUT_TYPES
from rowlog_drivers.records import ControlReply, MachineState

ANSWER_S: Final = 3.0
"""How long an answer may take, in seconds of life."""
TAKEN_S: Final = 6.0
"""How long it may take until the monitor's own status says what it holds."""
TRIES: Final = 2
_SAME: Final = 0.02
"""By so little two lengths of a workout may differ, in their unit."""


async def send_program(device: Device, program: Program, *, label: str) -> None:
    """Make the monitor hold the workout; before `device.deliveries()`, which gives all of it.

    Raises RowlogError where the monitor does not answer, refuses, or holds something else, saying
    what to do.
    """
    for frame in program.frames:
        reply = await _answered(device, frame)
        if reply is None:
            raise RowlogError(
                f"{label} does not answer when it is sent the workout.",
                "Close other apps that may hold it, and try again, or leave out --program.",
            )
        if reply.result_name != "ok":
            raise RowlogError(
                f"{label} refused the workout ({reply.result_name.replace('_', ' ')}).",
                "End what it shows with its Menu key, go to its main menu, and try again.",
            )
    shows = _Shows(program)
    for delivery in device.held:
        shows(delivery)
    if not (shows.right or await device.listen(shows, TAKEN_S)):
        raise RowlogError(
            f"{label} took the workout and does not hold it: it shows {shows.text}.",
            "Go to its main menu, and try again, or choose the workout on the monitor.",
        )


async def _answered(device: Device, frame: bytes) -> ControlReply | None:
    """What the monitor says to a frame; None when it says nothing, asked twice."""
    for _ in range(TRIES):
        await device.transport.send(Request(channel=REQUEST_CHANNEL, payload=frame))
        before = len(device.held)
        if await device.listen(_replied, ANSWER_S):
            for delivery in reversed(device.held[before:]):
                for record in delivery.records:
                    if isinstance(record, ControlReply):
                        return record
    return None


def _replied(delivery: Delivery) -> bool:
    return any(isinstance(record, ControlReply) for record in delivery.records)


class _Shows:
    """What the monitor says it holds; called with what comes, true once it is what was sent."""

    def __init__(self, program: Program) -> None:
        self._wanted = WORKOUT_TYPES[program.workout_type]
        self._amount = program.amount
        self._kind: str | None = None
        self._target: float | None = None

    def __call__(self, delivery: Delivery) -> bool:
        for record in delivery.records:
            if not isinstance(record, MachineState):
                continue
            if record.state == "program":
                self._kind = record.text
            elif record.state.startswith("target_") and isinstance(record.parameter, int | float):
                self._target = float(record.parameter)
        return self.right

    @property
    def right(self) -> bool:
        if self._kind != self._wanted:
            return False
        return self._amount is None or (
            self._target is not None and abs(self._target - self._amount) < _SAME
        )

    @property
    def text(self) -> str:
        """In words, for people."""
        if self._kind is None:
            return "nothing that it tells of"
        target = "" if self._target is None else f" of {self._target:g}"
        return f"{self._kind.replace('_', ' ')}{target}"
