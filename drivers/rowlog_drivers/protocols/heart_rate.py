"""Heart-rate straps and bands: the Heart Rate service and its companions.

Layouts: Bluetooth SIG, Heart Rate Service (0x180D), Heart Rate Measurement (0x2A37) and Body
Sensor Location (0x2A38) in the GATT Specification Supplement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from rowlog_drivers.fields import Cursor, Packer
from rowlog_drivers.frames import Frame
from rowlog_drivers.protocols import device_information
from rowlog_drivers.protocols.device_information import decode_battery, encode_battery
from rowlog_drivers.protocols.link import decode_link
from rowlog_drivers.records import HeartRate, MachineInfo, Record, Undecoded

__all__ = [
    "BODY_LOCATIONS",
    "BODY_LOCATION_CHANNEL",
    "MEASUREMENT_CHANNEL",
    "OPTIONS",
    "StrapDecoder",
    "decode_battery",
    "decode_body_location",
    "decode_measurement",
    "encode_battery",
    "encode_body_location",
    "encode_measurement",
]

MEASUREMENT_CHANNEL: Final = "2a37"
BODY_LOCATION_CHANNEL: Final = "2a38"

BODY_LOCATIONS: Final = ("other", "chest", "wrist", "finger", "hand", "ear_lobe", "foot")
"""Names of the Body Sensor Location codes, by code; the codes after these are reserved."""

OPTIONS: Final[Mapping[str, Callable[[str], object]]] = {}
"""Decoder options by name, each with the parser of its text; a strap has none."""

_WIDE: Final = 0x01
_CONTACT_DETECTED: Final = 0x02
_CONTACT_SUPPORTED: Final = 0x04
_ENERGY: Final = 0x08
_RR: Final = 0x10

_RR_PER_SECOND: Final = 1024
_RR_MS: Final = tuple(raw * 1000 / _RR_PER_SECOND for raw in range(2048))
"""Milliseconds of every RR interval below 2 s, so that a beat costs a look-up."""


class StrapDecoder:
    """Heart rate, where the sensor sits, battery, and who made it. Keeps no state.

    What the host sent (reset of the energy counter) gives no record.
    """

    __slots__ = ()

    def decode(self, frame: Frame) -> tuple[Record, ...]:
        """The record of this frame; Undecoded for bytes or channels that are not a strap's."""
        if frame.sent:
            return ()
        channel = frame.channel
        if channel == MEASUREMENT_CHANNEL:
            return (decode_measurement(frame.payload, t_ns=frame.t_ns, source=frame.source),)
        if channel == "link":
            return (decode_link(frame),)
        if channel == BODY_LOCATION_CHANNEL:
            return (decode_body_location(frame.payload, t_ns=frame.t_ns, source=frame.source),)
        if channel in device_information.CHANNELS:
            return device_information.decode(
                channel, frame.payload, t_ns=frame.t_ns, source=frame.source
            )
        reason = f"{channel}: not a channel of a heart-rate sensor"
        return (Undecoded(t_ns=frame.t_ns, source=frame.source, reason=reason),)

    def finish(self, t_ns: int) -> tuple[Record, ...]:
        """Nothing is ever pending."""
        return ()


def decode_measurement(payload: bytes, *, t_ns: int, source: str) -> HeartRate | Undecoded:
    """Heart Rate Measurement (0x2A37): u8 flags, heart rate, [u16 energy], [u16 RR ...].

    Too short for flags and heart rate is Undecoded: half of a 16-bit value is not guessed at.
    When the announced energy does not fit, the heart rate is kept, marked truncated, without
    energy and RR intervals. An odd last byte of the RR intervals is dropped. Contact is None
    unless the sensor says that it supports the feature. Reserved flag bits are ignored.
    """
    size = len(payload)
    wide = size > 0 and payload[0] & _WIDE
    at = 3 if wide else 2
    if size < at:
        reason = f"2a37: {at} bytes or more expected, got {size}"
        return Undecoded(t_ns=t_ns, source=source, reason=reason)
    flags = payload[0]
    heart_rate_bpm = payload[1] | payload[2] << 8 if wide else payload[1]
    energy_kj: int | None = None
    rr_ms: tuple[float, ...] | None = None
    cursor = Cursor(payload, at)
    if flags & _ENERGY:
        energy_kj = cursor.unsigned(2)
    if flags & _RR and not cursor.truncated:
        at = cursor.offset
        # The last start is size - 2, so that an odd last byte starts no interval.
        rr_ms = tuple([_rr_ms(payload[i] | payload[i + 1] << 8) for i in range(at, size - 1, 2)])
    contact = bool(flags & _CONTACT_DETECTED) if flags & _CONTACT_SUPPORTED else None
    return HeartRate(
        t_ns=t_ns,
        source=source,
        heart_rate_bpm=heart_rate_bpm,
        rr_ms=rr_ms,
        contact=contact,
        energy_kj=energy_kj,
        truncated=cursor.truncated,
    )


def encode_measurement(
    heart_rate_bpm: int,
    rr_ms: Iterable[float] | None = None,
    contact: bool | None = None,
    energy_kj: int | None = None,
    wide: bool = False,
) -> bytes:
    """Heart Rate Measurement (0x2A37), the inverse of `decode_measurement`.

    Args:
        heart_rate_bpm: 0 to 65535, clamped; above 255 the 16-bit form is used in any case.
        rr_ms: RR intervals in milliseconds, oldest first, each sent to the nearest 1/1024 s and
            clamped to 0 to 64 s; () sets the flag and sends none, None clears the flag.
        contact: skin contact; None when the sensor cannot tell.
        energy_kj: energy expended since reset, 0 to 65535 kJ, clamped; None is not sent.
        wide: whether a small heart rate takes 16 bits too.

    A 20-byte notification holds nine RR intervals, eight with energy or the 16-bit form; more
    are written all the same. Raises ValueError for an RR interval that is not a finite number.
    """
    wide = wide or heart_rate_bpm > 0xFF
    flags = _WIDE if wide else 0
    if contact is not None:
        flags |= _CONTACT_SUPPORTED | (_CONTACT_DETECTED if contact else 0)
    if energy_kj is not None:
        flags |= _ENERGY
    if rr_ms is not None:
        flags |= _RR
    packer = Packer().unsigned(flags, 1).unsigned(heart_rate_bpm, 2 if wide else 1)
    if energy_kj is not None:
        packer.unsigned(energy_kj, 2)
    for interval in rr_ms or ():
        packer.unsigned(_nearest(interval * _RR_PER_SECOND / 1000), 2)
    return packer.bytes()


def decode_body_location(payload: bytes, *, t_ns: int, source: str) -> MachineInfo | Undecoded:
    """Body Sensor Location (0x2A38), one byte; None for a reserved code.

    An empty payload is Undecoded; bytes after the first are ignored.
    """
    if not payload:
        return Undecoded(t_ns=t_ns, source=source, reason="2a38: 1 byte expected, got 0")
    code = payload[0]
    location = BODY_LOCATIONS[code] if code < len(BODY_LOCATIONS) else None
    return MachineInfo(t_ns=t_ns, source=source, body_location=location)


def encode_body_location(location: str) -> bytes:
    """Body Sensor Location (0x2A38). Raises ValueError for a name not in `BODY_LOCATIONS`."""
    if location not in BODY_LOCATIONS:
        raise ValueError(f"{location!r} is not a body location: {', '.join(BODY_LOCATIONS)}")
    return Packer().unsigned(BODY_LOCATIONS.index(location), 1).bytes()


def _rr_ms(raw: int) -> float:
    return _RR_MS[raw] if raw < len(_RR_MS) else raw * 1000 / _RR_PER_SECOND


def _nearest(value: float) -> int:
    if value != value or abs(value) == float("inf"):
        raise ValueError("an RR interval must be a finite number of milliseconds")
    return round(value)
