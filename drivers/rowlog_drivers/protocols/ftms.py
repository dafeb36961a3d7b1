"""Rowing machines that speak the Bluetooth Fitness Machine Service (0x1826).

`RowerDecoder` turns what such a machine sends into records. The codecs of its characteristics
are in `rower_data` and `fitness_machine`; every public name of theirs is offered here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Final, Protocol

from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols import device_information
from rowlog_drivers.protocols.fitness_machine import (
    CONTROL_CHANNEL,
    CONTROL_NAMES,
    FEATURE_CHANNEL,
    MACHINE_TYPES,
    PAUSE,
    RANGE_CHANNELS,
    REQUEST_CONTROL,
    RESET,
    RESULT_NAMES,
    START_OR_RESUME,
    STATUS_CHANNEL,
    STATUS_NAMES,
    STOP,
    STOP_OR_PAUSE,
    TRAINING_STATES,
    TRAINING_STATUS_CHANNEL,
    ControlRequest,
    Parameter,
    ServiceData,
    decode_control_reply,
    decode_features,
    decode_range,
    decode_status,
    decode_training_status,
    encode_control,
    encode_control_reply,
    encode_features,
    encode_range,
    encode_service_data,
    encode_status,
    encode_training_status,
    parse_control,
    parse_service_data,
)
from rowlog_drivers.protocols.heart_rate import (
    BODY_LOCATION_CHANNEL,
    MEASUREMENT_CHANNEL,
    decode_body_location,
    decode_measurement,
)
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.protocols.rower_data import (
    DEFAULT_PAYLOAD_LIMIT,
    DEFAULT_STROKE_RATE_SCALE,
    ROWER_DATA_CHANNEL,
    RowerDataReader,
    assemble,
    decode_rower_data,
    encode_rower_data,
    encode_split,
)
from rowlog_drivers.records import Record, Undecoded

__all__ = [
    "CONTROL_CHANNEL",
    "CONTROL_NAMES",
    "FEATURE_CHANNEL",
    "MACHINE_TYPES",
    "OPTIONS",
    "PAUSE",
    "RANGE_CHANNELS",
    "REQUEST_CONTROL",
    "RESET",
    "RESULT_NAMES",
    "ROWER_DATA_CHANNEL",
    "START_OR_RESUME",
    "STATUS_CHANNEL",
    "STATUS_NAMES",
    "STOP",
    "STOP_OR_PAUSE",
    "TRAINING_STATES",
    "TRAINING_STATUS_CHANNEL",
    "ControlRequest",
    "Parameter",
    "RowerDecoder",
    "ServiceData",
    "assemble",
    "decode_control_reply",
    "decode_features",
    "decode_range",
    "decode_rower_data",
    "decode_status",
    "decode_training_status",
    "encode_control",
    "encode_control_reply",
    "encode_features",
    "encode_range",
    "encode_rower_data",
    "encode_service_data",
    "encode_split",
    "encode_status",
    "encode_training_status",
    "parse_control",
    "parse_service_data",
]


class RowerDecoder:
    """Everything a fitness machine's rower sends, one record a frame; keeps no state.

    Beside the Fitness Machine service it reads what such machines expose as well: heart rate,
    battery and device information. What the host sent gives no record; the answers do.
    """

    __slots__ = ("_reader",)

    def __init__(
        self,
        *,
        stroke_rate_scale: float = DEFAULT_STROKE_RATE_SCALE,
        energy_scale: float = 1.0,
        use_distance: bool = True,
        payload_limit: int = DEFAULT_PAYLOAD_LIMIT,
    ) -> None:
        """A decoder for one connection, with what this machine does otherwise than specified.

        Args:
            stroke_rate_scale: strokes per minute of one count, for both stroke rates. The
                standard has 0.5; KingSmith WR1 (`KS-WLT`) and WHIPR send whole strokes: 1.
            energy_scale: kilocalories of one count of the total energy. FitShow consoles (`FS-`)
                count tenths: 0.1. Energy per hour and per minute are taken as specified.
            use_distance: False drops the total distance, which is not usable on iConsole+,
                FitShow and Merach R11S consoles.
            payload_limit: bytes that the link carries in a notification, ATT_MTU - 3. A payload
                of just this length may have been cut, which matters to the resistance level.

        Raises ValueError for a scale or limit that is not a positive number.
        """
        self._reader = RowerDataReader(
            stroke_rate_scale=stroke_rate_scale,
            energy_scale=energy_scale,
            use_distance=use_distance,
            payload_limit=payload_limit,
        )

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The records of this frame; Undecoded for bytes or channels that cannot be read."""
        if frame.sent:
            return ()
        channel, payload, t_ns, source = frame.channel, frame.payload, frame.t_ns, frame.source
        if channel == ROWER_DATA_CHANNEL:
            return (self._reader.read(payload, t_ns, source),)
        if channel == "link":
            return (decode_link(frame),)
        if channel in _READERS:
            return (_READERS[channel](payload, t_ns=t_ns, source=source),)
        if channel in RANGE_CHANNELS:
            return (decode_range(channel, payload, t_ns=t_ns, source=source),)
        if channel in device_information.CHANNELS:
            return device_information.decode(channel, payload, t_ns=t_ns, source=source)
        reason = f"{channel}: not a channel of a fitness machine"
        return (Undecoded(t_ns=t_ns, source=source, reason=reason),)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is ever pending: joining split records is up to `assemble`."""
        return ()


class _Read(Protocol):
    def __call__(self, payload: bytes, *, t_ns: int, source: str) -> Record: ...


_READERS: Final[Mapping[str, _Read]] = {
    STATUS_CHANNEL: decode_status,
    TRAINING_STATUS_CHANNEL: decode_training_status,
    FEATURE_CHANNEL: decode_features,
    CONTROL_CHANNEL: decode_control_reply,
    MEASUREMENT_CHANNEL: decode_measurement,
    BODY_LOCATION_CHANNEL: decode_body_location,
}


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (isfinite(value) and value > 0):
        raise ValueError(f"a positive number is expected, not {text!r}")
    return value


def _flag(text: str) -> bool:
    flags = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
    if text.lower() not in flags:
        raise ValueError(f"yes or no is expected, not {text!r}")
    return flags[text.lower()]


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"a whole number of bytes is expected, not {text!r}")
    return int(text)


OPTIONS: Final[Mapping[str, Callable[[str], object]]] = {
    "stroke_rate_scale": _positive,
    "energy_scale": _positive,
    "use_distance": _flag,
    "payload_limit": _limit,
}
"""`RowerDecoder`'s options by name, each with the parser of its text, which raises ValueError."""
