"""Sends a workout to a Concept2 monitor that is connected, and sees to it that it took it."""

from __future__ import annotations

from typing import Final, Literal

from rowlog_drivers.device import Device
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import Request
from rowlog_drivers.interface import Delivery
from rowlog_drivers.protocols.csafe import HELD_REQUESTS, MOST_REPLY_BYTES
from rowlog_drivers.protocols.csafe_frames import encode_report
from rowlog_drivers.protocols.csafe_programs import Program
from rowlog_drivers.protocols.pm5_names import (
    REPLY_CHANNEL,
    REQUEST_CHANNEL,
    WORKOUT_STATES,
    WORKOUT_TYPES,
)
from rowlog_drivers.records import ControlReply, MachineState

ANSWER_S: Final = 3.0
"""How long an answer may take, in seconds of life."""
TAKEN_S: Final = 6.0
"""How long it may take until the monitor's own status says what it holds."""
TRIES: Final = 2
ASKINGS: Final = 6
"""So often it is asked meanwhile."""
_SAME: Final = 0.02
"""By so little two lengths of a workout may differ, in their unit."""
_SPLITS: Final = "_splits"
_UNDER_WAY: Final = frozenset(WORKOUT_STATES[code] for code in range(1, 10))

Link = Literal["ble", "usb"]


async def send_program(
    device: Device, program: Program, *, label: str, link: Link = "ble", asks: bool = False
) -> None:
    """Make the monitor hold the workout; before `device.deliveries()`, which gives all of it.

    Args:
        device: the monitor, open.
        program: what it is to hold.
        label: what people call it.
        link: what it is connected by.
        asks: whether it must be asked what it holds, since it does not tell of itself.

    Raises RowlogError where the monitor does not answer, refuses, or holds something else, saying
    what to do.
    """
    if program.before:
        await _refuse_under_way(device, label, link)
    for frame in program.before:
        await device.transport.send(_request(frame, link))
        await device.listen(_is_answer, ANSWER_S)
    for frame in program.frames:
        reply = await _answered(device, frame, link)
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
    if asks:
        taken = await _asked(device, shows, link)
    else:
        taken = shows.right or await device.listen(shows, TAKEN_S)
    if not taken:
        raise RowlogError(
            f"{label} took the workout and does not hold it: it shows {shows.text}.",
            "Go to its main menu, and try again, or choose the workout on the monitor.",
        )


async def _refuse_under_way(device: Device, label: str, link: Link) -> None:
    """Raises RowlogError where somebody rows a workout, which a reset would end."""
    await device.transport.send(_request(HELD_REQUESTS[0], link))
    await device.listen(_is_answer, ANSWER_S)
    states = [
        record.state
        for delivery in device.held
        for record in delivery.records
        if isinstance(record, MachineState) and record.state in WORKOUT_STATES.values()
    ]
    if states and states[-1] in _UNDER_WAY:
        raise RowlogError(
            f"{label} has a workout under way.",
            "End it with the Menu key, go to the main menu, and try again.",
        )


def _request(frame: bytes, link: Link) -> Request:
    if link == "usb":
        return Request(channel="tx", payload=encode_report(frame, reply_bytes=MOST_REPLY_BYTES))
    return Request(channel=REQUEST_CHANNEL, payload=frame)


async def _asked(device: Device, shows: _Shows, link: Link) -> bool:
    """Whether it holds the workout, asked until it does, for some seconds."""

    def heard(delivery: Delivery) -> bool:
        shows(delivery)
        return _is_answer(delivery)

    for _ in range(ASKINGS):
        for request in HELD_REQUESTS:
            await device.transport.send(_request(request, link))
            await device.listen(heard, ANSWER_S)
            if shows.right:
                return True
        await device.listen(shows, TAKEN_S / ASKINGS)
    # A monitor that does not know the second request, and counts up, does not tell how long it is.
    return shows.right or shows.right_as_far_as_told


def _is_answer(delivery: Delivery) -> bool:
    """Whether a reply is complete: over USB each report is one, elsewhere it says something."""
    frame = delivery.frame
    if frame is None or frame.sent:
        return False
    return frame.channel == "rx" or (frame.channel == REPLY_CHANNEL and bool(delivery.records))


async def _answered(device: Device, frame: bytes, link: Link) -> ControlReply | None:
    """What the monitor says to a frame; None when it says nothing, asked twice."""
    for _ in range(TRIES):
        await device.transport.send(_request(frame, link))
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
    def right_as_far_as_told(self) -> bool:
        """Whether the kind is right, and no length was told."""
        return self._kind_is_right and self._target is None

    @property
    def _kind_is_right(self) -> bool:
        # Whether it has splits does not change what is rowed.
        kind = self._kind or ""
        return kind.removesuffix(_SPLITS) == self._wanted.removesuffix(_SPLITS)

    @property
    def right(self) -> bool:
        if not self._kind_is_right:
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
