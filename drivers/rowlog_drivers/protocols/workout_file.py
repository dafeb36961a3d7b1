"""Frames made from a finished workout's file: one record each, as JSON of its known fields.

An imported file is taken through the same path as a device's bytes, so that everything that can be
done with a recording can be done with it too. The channel names the record: `sample`, `stroke`,
`heart_rate`, `summary`, `lap` or `totals`; the payload is an object of its fields in UTF-8.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Final

from rowlog_drivers.frames import Frame
from rowlog_drivers.records import (
    FileLap,
    FileTotals,
    HeartRate,
    MachineSummary,
    Record,
    RowerSample,
    Stroke,
    Undecoded,
)

CHANNELS: Final[dict[str, type[Record]]] = {
    "sample": RowerSample,
    "stroke": Stroke,
    "heart_rate": HeartRate,
    "summary": MachineSummary,
    "lap": FileLap,
    "totals": FileTotals,
}


class WorkoutFileDecoder:
    """Reads what `encode` wrote."""

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The one record of a frame, or why there is none."""
        try:
            return (_record(frame),)
        except (ValueError, TypeError, RecursionError) as error:
            reason = f"{frame.channel}: {error}"[:200]
            return (Undecoded(t_ns=frame.t_ns, source=frame.source, reason=reason),)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is ever pending."""
        return ()


def encode(channel: str, **values: object) -> bytes:
    """The payload of one record; what is None is left out."""
    return _written({name: value for name, value in values.items() if value is not None}).encode()


_written: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_read: Final = json.JSONDecoder().decode


def _record(frame: Frame) -> Record:
    readers = _READERS.get(frame.channel)
    if readers is None:
        raise ValueError("no such channel")
    said = _read(frame.payload.decode())
    if not isinstance(said, dict):
        raise ValueError("an object expected")
    values = {name: readers.get(name, _unknown)(name, value) for name, value in said.items()}
    return CHANNELS[frame.channel](t_ns=frame.t_ns, source=frame.source, **values)


def _unknown(name: str, value: object) -> object:
    raise ValueError(f"no field {name}")


def _float(name: str, value: object) -> float:
    if (value.__class__ is float or value.__class__ is int) and -_MOST < value < _MOST:
        return float(value)
    raise _cannot_be(name, value)


def _int(name: str, value: object) -> int:
    if value.__class__ is int and -_MOST < value < _MOST:
        return value
    raise _cannot_be(name, value)


def _bool(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _cannot_be(name, value)


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise _cannot_be(name, value)


def _floats(name: str, value: object) -> tuple[float, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{name} is no list")
    return tuple(_float(name, item) for item in value)


def _cannot_be(name: str, value: object) -> ValueError:
    return ValueError(f"{name} cannot be {str(value)[:40]}")


_MOST: Final = 1e9
"""No figure of a workout is as large."""
_KINDS: Final[dict[str, Callable[[str, object], object]]] = {
    "tuple[float, ...]": _floats, "float": _float, "int": _int, "bool": _bool, "str": _text,
}  # fmt: skip
_READERS: Final = {
    channel: {
        field.name: _KINDS[str(field.type).removesuffix(" | None")] for field in fields(kind)[2:]
    }
    for channel, kind in CHANNELS.items()
}
"""By channel and field: what reads it, and raises ValueError for what it cannot be."""
