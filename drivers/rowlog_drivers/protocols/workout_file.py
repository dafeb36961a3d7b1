"""Frames made from a finished workout's file: one record each, as JSON of its known fields.

An imported file is taken through the same path as a device's bytes, so that everything that can be
done with a recording can be done with it too. The channel names the record: `sample`, `stroke`,
`heart_rate`, `summary`, `lap` or `totals`; the payload is an object of its fields in UTF-8.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields
from typing import Any, Final

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

_NUMBERS: Final = {
    name: {f.name: str(f.type) for f in fields(kind)[2:]} for name, kind in CHANNELS.items()
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
    known = {name: value for name, value in values.items() if value is not None}
    return json.dumps(known, separators=(",", ":"), allow_nan=False).encode()


def _record(frame: Frame) -> Record:
    types = _NUMBERS.get(frame.channel)
    if types is None:
        raise ValueError("no such channel")
    said = json.loads(frame.payload)
    if not isinstance(said, dict):
        raise ValueError("an object expected")
    values = {name: _value(name, value, types.get(name)) for name, value in said.items()}
    return CHANNELS[frame.channel](t_ns=frame.t_ns, source=frame.source, **values)


def _value(name: str, value: Any, kind: str | None) -> Any:
    if kind is None:
        raise ValueError(f"no field {name}")
    if "tuple" in kind:
        if not isinstance(value, list):
            raise ValueError(f"{name} is no list")
        return tuple(_number(name, item, "float") for item in value)
    return _number(name, value, kind)


def _number(name: str, value: Any, kind: str) -> float | int | bool | str:
    if kind.startswith("str"):
        if isinstance(value, str):
            return value
    elif isinstance(value, bool):
        if "bool" in kind:
            return value
    elif isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e9:
        if "float" in kind:
            return float(value)
        if isinstance(value, int) and "int" in kind:
            return value
    raise ValueError(f"{name} cannot be {str(value)[:40]}")
