"""Device Information and Battery services: who made the device, and how full its battery is.

Layouts: Bluetooth SIG, Device Information Service (0x180A), Battery Service (0x180F) and GATT
Specification Supplement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rowlog_drivers.fields import Packer
from rowlog_drivers.records import MachineInfo, Record, Undecoded

STRINGS: Final[Mapping[str, str]] = {
    "2a29": "manufacturer",
    "2a24": "model",
    "2a25": "serial_number",
    "2a26": "firmware",
    "2a27": "hardware",
    "2a28": "software",
}
"""Characteristic to the field of MachineInfo that it fills."""

BATTERY: Final = "2a19"
PNP_ID: Final = "2a50"
SYSTEM_ID: Final = "2a23"

CHANNELS: Final = frozenset({*STRINGS, BATTERY, PNP_ID, SYSTEM_ID})
"""Every channel that `decode` takes."""

_FULL_PCT: Final = 100
_PNP_ID_BYTES: Final = 7
_SYSTEM_ID_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PnpId:
    """Numbers that name a product to a computer."""

    vendor_source: int
    """Who gave out the vendor number: 1 the Bluetooth SIG, 2 the USB Implementers' Forum."""
    vendor: int
    product: int
    version: int


def decode(channel: str, payload: bytes, *, t_ns: int, source: str) -> tuple[Record, ...]:
    """What a reading of one of `CHANNELS` says.

    PnP ID and System ID are well-formed numbers that the vocabulary has no field for: they give
    () when they have their length. Any other channel is Undecoded.
    """
    if channel in STRINGS:
        return (decode_string(channel, payload, t_ns=t_ns, source=source),)
    if channel == BATTERY:
        return (decode_battery(payload, t_ns=t_ns, source=source),)
    expected = {PNP_ID: _PNP_ID_BYTES, SYSTEM_ID: _SYSTEM_ID_BYTES}.get(channel)
    if expected is None:
        reason = f"{channel}: not a characteristic of the Device Information service"
    elif len(payload) != expected:
        reason = f"{channel}: {expected} bytes expected, got {len(payload)}"
    else:
        return ()
    return (Undecoded(t_ns=t_ns, source=source, reason=reason),)


def decode_string(
    channel: str, payload: bytes, *, t_ns: int, source: str
) -> MachineInfo | Undecoded:
    """One of the `STRINGS`: UTF-8 without terminator.

    Trailing NULs and blanks, which some devices pad with, are cut; bytes that are not UTF-8 are
    replaced. An empty string says nothing: None. A channel that is no string is Undecoded.
    """
    text = payload.decode("utf-8", "replace").rstrip("\0 \t\r\n") or None
    match channel:
        case "2a29":
            return MachineInfo(t_ns=t_ns, source=source, manufacturer=text)
        case "2a24":
            return MachineInfo(t_ns=t_ns, source=source, model=text)
        case "2a25":
            return MachineInfo(t_ns=t_ns, source=source, serial_number=text)
        case "2a26":
            return MachineInfo(t_ns=t_ns, source=source, firmware=text)
        case "2a27":
            return MachineInfo(t_ns=t_ns, source=source, hardware=text)
        case "2a28":
            return MachineInfo(t_ns=t_ns, source=source, software=text)
        case _:
            reason = f"{channel}: not a string of the Device Information service"
            return Undecoded(t_ns=t_ns, source=source, reason=reason)


def decode_battery(payload: bytes, *, t_ns: int, source: str) -> MachineInfo | Undecoded:
    """Battery Level (0x2A19), one byte: 0 to 100 percent; 101 to 255 are reserved: None.

    An empty payload is Undecoded; bytes after the first are ignored.
    """
    if not payload:
        return Undecoded(t_ns=t_ns, source=source, reason="2a19: 1 byte expected, got 0")
    level = payload[0]
    return MachineInfo(t_ns=t_ns, source=source, battery_pct=level if level <= _FULL_PCT else None)


def encode_battery(battery_pct: int) -> bytes:
    """Battery Level (0x2A19), clamped to 0 to 100 percent."""
    return Packer().unsigned(min(battery_pct, _FULL_PCT), 1).bytes()


def parse_pnp_id(payload: bytes) -> PnpId | None:
    """PnP ID (0x2A50), 7 bytes: u8 vendor source, u16 vendor, u16 product, u16 version.

    None when the payload has another length.
    """
    if len(payload) != _PNP_ID_BYTES:
        return None
    return PnpId(
        vendor_source=payload[0],
        vendor=int.from_bytes(payload[1:3], "little"),
        product=int.from_bytes(payload[3:5], "little"),
        version=int.from_bytes(payload[5:7], "little"),
    )
