"""Workouts that a Concept2 monitor can be told to hold: frames to send, and limits by name.

Source: Concept2 PM CSAFE Communication Definition 0.27: commands and sample workouts of the
configuration wrapper 76, whose numbers are high byte first, and the limits of the monitors. Where
a printed sample's checksum is wrong the right one is sent. For `public` its samples of public
CSAFE, after a reset and with the command that begins, as public libraries send them over USB.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rowlog_drivers.errors import CallError
from rowlog_drivers.protocols.csafe_commands import (
    GO_IN_USE,
    PM,
    RESET,
    SET_CONFIGURATION,
    UNITS,
    Command,
    command,
    encode_commands,
)
from rowlog_drivers.protocols.csafe_frames import LONGEST_FRAME, encode_frame

Kind = Literal["time", "distance", "calories"]

LONGEST_DISTANCE_M: Final = 50_000
SHORTEST_DISTANCE_M: Final = 100
SHORTEST_TIME_S: Final = 20
LONGEST_TIME_S: Final = 9 * 3600 + 59 * 60 + 59
LONGEST_REST_S: Final = 9 * 60 + 55
MOST_CALORIES: Final = 65_535
MOST_INTERVALS: Final = {3: 30, 4: 30, 5: 50}
"""Monitor (PM3, PM4, PM5) to intervals, and splits, of one workout."""
STANDARD_WORKOUTS: Final = range(1, 16)
"""1 to 5 the standard list, 6 to 10 the custom list, 11 to 15 the favourites."""

_TYPE: Final = 0x01
_DURATION: Final = 0x03
_REST: Final = 0x04
_SPLIT: Final = 0x05
_CONFIGURE: Final = 0x14
_SCREEN: Final = 0x13
_INTERVAL_TYPE: Final = 0x17
_INTERVAL_NUMBER: Final = 0x18
_SET_TIME: Final = 0x20
_SET_DISTANCE: Final = 0x21
_SET_PROGRAM: Final = 0x24
_PREPARE_TO_ROW: Final = bytes([1, 1])
_TERMINATE: Final = bytes([1, 2])

_TIME: Final = 0x00
_DISTANCE: Final = 0x80
_CALORIES: Final = 0x40
_CALORIES_FIXED: Final = 0xC0
"""The maker's sample of a fixed number of calories has this, its samples of intervals have 40."""

_INTERVAL_TYPES: Final[dict[tuple[Kind, bool], int]] = {
    ("time", True): 0,
    ("distance", True): 1,
    ("calories", True): 6,
    ("time", False): 3,
    ("distance", False): 4,
    ("calories", False): 7,
}
"""(kind, whether the rest has a length) to the interval's type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One interval of a workout and the rest after it."""

    kind: Kind
    amount: float
    """Seconds (to 0.01), whole metres or whole kilocalories."""
    rest_s: int | None = 0
    """Whole seconds; None: until the rower goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A workout ready to be sent."""

    frames: tuple[bytes, ...]
    """To be sent in this order, each after the reply to the one before."""
    workout_type: int
    """What the monitor says of itself, in 0031 or by command 89, once it has taken it."""
    amount: float | None = None
    """Of the first interval, which it says then too; None for a free row."""
    before: tuple[bytes, ...] = ()
    """To be sent before `frames`; what is answered to these does not count."""


def interval_type(interval: Interval) -> int:
    """What the monitor calls an interval of this kind while it is worked on."""
    return _INTERVAL_TYPES[interval.kind, interval.rest_s is not None]


def just_row() -> Program:
    """A free row."""
    return Program(
        frames=(_frame([_set(_TYPE, bytes([1])), _set(_SCREEN, _PREPARE_TO_ROW)]),),
        workout_type=1,
    )


def standard(number: int) -> bytes:
    """One of the workouts that the monitor keeps: `STANDARD_WORKOUTS`. Raises CallError."""
    if number not in STANDARD_WORKOUTS:
        raise CallError(
            f"A Concept2 monitor keeps workouts 1 to 15, not {number}.",
            "1 to 5 are the standard list, 6 to 10 the custom list, 11 to 15 the favourites.",
        )
    return encode_frame(encode_commands([command(_SET_PROGRAM, bytes([number, 0]))]))


def terminate() -> bytes:
    """End the workout that is on the monitor."""
    return _frame([_set(_SCREEN, _TERMINATE)])


def fixed(kind: Kind, amount: float, *, split: float | None = None, monitor: int = 5) -> Program:
    """One piece of a fixed time, distance or energy.

    Args:
        kind: what `amount` is: seconds (to 0.01), metres or kilocalories.
        amount: 20 s to 9:59:59, 100 to 50000 m, 1 to 65535 kcal.
        split: length of a split in the same unit; None: as long as the monitors make it by
            themselves: a fifth of the piece, and not below what is allowed.
        monitor: 3, 4 or 5: which PM it is.

    Raises CallError, naming the limit that does not hold.
    """
    most = _most(monitor)
    _check(kind, amount)
    if split is None:
        split = _default_split(kind, amount)
    _check(kind, split, "split")
    if split > amount:
        raise CallError(f"A split of {split:g} is longer than the piece of {amount:g}.")
    if _counts(kind, amount) > most * _counts(kind, split):
        raise CallError(
            f"A PM{monitor} holds up to {most} splits; {amount:g} in splits of {split:g} has more.",
            "Choose longer splits.",
        )
    workout_type = {"distance": 3, "time": 5, "calories": 10}[kind]
    target = _CALORIES_FIXED if kind == "calories" else None
    return Program(
        frames=(
            _frame(
                [
                    _set(_TYPE, bytes([workout_type])),
                    _set(_DURATION, _duration(kind, amount, target)),
                    _set(_SPLIT, _duration(kind, split, target)),
                    _set(_CONFIGURE, b"\x01"),
                    _set(_SCREEN, _PREPARE_TO_ROW),
                ]
            ),
        ),
        workout_type=workout_type,
        amount=amount,
    )


def repeated(kind: Kind, amount: float, rest_s: int, *, monitor: int = 5) -> Program:
    """Intervals of one length with one rest, until the rower stops. Raises CallError."""
    _most(monitor)
    _check(kind, amount)
    _check_rest(rest_s)
    workout_type = {"time": 6, "distance": 7, "calories": 12}[kind]
    return Program(
        frames=(
            _frame(
                [
                    _set(_TYPE, bytes([workout_type])),
                    _set(_DURATION, _duration(kind, amount)),
                    _set(_REST, rest_s.to_bytes(2, "big")),
                    _set(_CONFIGURE, b"\x01"),
                    _set(_SCREEN, _PREPARE_TO_ROW),
                ]
            ),
        ),
        workout_type=workout_type,
        amount=amount,
    )


def variable(intervals: Sequence[Interval], *, monitor: int = 5) -> Program:
    """Intervals of any kinds and lengths, each with its own rest. Raises CallError.

    The workout ends with the last interval's rest; as many frames as it takes.
    """
    most = _most(monitor)
    if not 1 <= len(intervals) <= most:
        raise CallError(
            f"A PM{monitor} holds 1 to {most} intervals, not {len(intervals)}.",
            "Row without programming the monitor: rowlog counts the intervals itself.",
        )
    undefined = any(interval.rest_s is None for interval in intervals)
    workout_type = 9 if undefined else 8
    groups: list[list[Command]] = []
    for number, interval in enumerate(intervals):
        _check(interval.kind, interval.amount)
        if interval.rest_s is not None:
            _check_rest(interval.rest_s)
        group = [_set(_INTERVAL_NUMBER, bytes([number]))]
        if number == 0:
            group.append(_set(_TYPE, bytes([workout_type])))
        rested = interval.rest_s is not None
        group += [
            _set(_INTERVAL_TYPE, bytes([_INTERVAL_TYPES[interval.kind, rested]])),
            _set(_DURATION, _duration(interval.kind, interval.amount)),
            _set(_REST, (interval.rest_s or 0).to_bytes(2, "big")),
            _set(_CONFIGURE, b"\x01"),
        ]
        groups.append(group)
    groups.append([_set(_SCREEN, _PREPARE_TO_ROW)])
    amount = intervals[0].amount
    return Program(frames=_packed(groups), workout_type=workout_type, amount=amount)


def program(
    intervals: Sequence[Interval], *, split: float | None = None, monitor: int = 5
) -> Program:
    """The workout in the form that fits it: one piece without rest is `fixed`, else `variable`.

    Equal intervals are sent one by one too: the monitor's form for them knows no last one.
    `split` is for a single piece. Raises CallError, naming the limit that does not hold.
    """
    if len(intervals) == 1 and intervals[0].rest_s == 0:
        return fixed(intervals[0].kind, intervals[0].amount, split=split, monitor=monitor)
    if split is not None:
        raise CallError("A Concept2 monitor has splits in a single piece only, not in intervals.")
    return variable(intervals, monitor=monitor)


def public(kind: Kind, amount: float, *, split: float | None = None, monitor: int = 5) -> Program:
    """One piece of a fixed time or distance, by commands that need no rights, as USB wants it.

    The arguments are those of `fixed`; seconds are whole. Raises CallError, naming what does not
    hold.
    """
    if kind == "calories":
        raise CallError(
            "Over USB a Concept2 monitor takes no piece that ends by calories: its public commands "
            "have no such goal.",
            "Choose the piece on the monitor, or send it over Bluetooth.",
        )
    same = fixed(kind, amount, split=split, monitor=monitor)
    if split is None:
        split = _default_split(kind, amount)
    if kind == "time":
        if amount != int(amount):
            raise CallError(f"Over USB a Concept2 monitor takes whole seconds, not {amount:g}.")
        minutes, seconds = divmod(int(amount), 60)
        goal = command(_SET_TIME, bytes([minutes // 60, minutes % 60, seconds]))
    else:
        goal = command(_SET_DISTANCE, int(amount).to_bytes(2, "little") + bytes([UNITS["m"]]))
    target = {"time": _TIME, "distance": _DISTANCE}[kind]
    in_splits = bytes([target]) + _counts(kind, split).to_bytes(4, "little")
    return Program(
        before=(_frame([command(RESET)]),),
        frames=(
            _frame(
                [
                    goal,
                    command(_SPLIT, in_splits, wrapper=PM),
                    command(_SET_PROGRAM, bytes(2)),
                    command(GO_IN_USE),
                ]
            ),
        ),
        workout_type=same.workout_type,
        amount=amount,
    )


def _set(id: int, data: bytes) -> Command:
    return command(id, data, wrapper=SET_CONFIGURATION)


def _frame(commands: Sequence[Command]) -> bytes:
    return encode_frame(encode_commands(commands))


def _packed(groups: Sequence[Sequence[Command]]) -> tuple[bytes, ...]:
    """As few frames as hold all groups, none of which is parted."""
    frames: list[bytes] = []
    held: list[Command] = []
    for group in groups:
        if held and _stuffed_bytes([*held, *group]) > LONGEST_FRAME:
            frames.append(_frame(held))
            held = []
        held += group
    return (*frames, _frame(held))


def _stuffed_bytes(commands: Sequence[Command]) -> int:
    contents = encode_commands(commands)
    special = sum(0xF0 <= octet <= 0xF3 for octet in contents)
    return len(contents) + special + 4  # flags, and a checksum that may need two bytes


def _duration(kind: Kind, amount: float, target: int | None = None) -> bytes:
    if target is None:
        target = {"time": _TIME, "distance": _DISTANCE, "calories": _CALORIES}[kind]
    return bytes([target]) + _counts(kind, amount).to_bytes(4, "big")


def _counts(kind: Kind, amount: float) -> int:
    return round(amount * 100) if kind == "time" else round(amount)


def _default_split(kind: Kind, amount: float) -> float:
    """A fifth of the piece, in whole seconds, metres or kilocalories, within the limits."""
    least = {"time": SHORTEST_TIME_S, "distance": SHORTEST_DISTANCE_M, "calories": 1}[kind]
    return min(amount, max(float(least), float(-(-amount // 5))))


def _most(monitor: int) -> int:
    most = MOST_INTERVALS.get(monitor)
    if most is None:
        raise CallError(
            f"Concept2 monitors that can be programmed are PM3, 4 and 5, not {monitor}."
        )
    return most


def _check(kind: Kind, amount: float, what: str = "piece") -> None:
    limits: dict[Kind, tuple[float, float, str]] = {
        "time": (SHORTEST_TIME_S, LONGEST_TIME_S, "s"),
        "distance": (SHORTEST_DISTANCE_M, LONGEST_DISTANCE_M, "m"),
        "calories": (1, MOST_CALORIES, "kcal"),
    }
    if kind not in limits:
        raise CallError(
            f"A Concept2 monitor holds pieces of time, distance or calories, not of {kind!r}.",
            "Row it without programming the monitor.",
        )
    least, most, unit = limits[kind]
    if not least <= amount <= most:
        raise CallError(
            f"A Concept2 monitor takes a {what} of {least:g} to {most:g} {unit}, not {amount:g}.",
            "Choose one within these limits, or row without programming the monitor.",
        )
    if kind != "time" and amount != int(amount):
        raise CallError(f"A Concept2 monitor takes whole {unit}, not {amount:g}.")


def _check_rest(rest_s: int) -> None:
    if not 0 <= rest_s <= LONGEST_REST_S or rest_s != int(rest_s):
        raise CallError(
            f"A Concept2 monitor takes a rest of 0 to {LONGEST_REST_S} whole s, not {rest_s}.",
            "Choose a shorter rest, or an undefined one.",
        )
