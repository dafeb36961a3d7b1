"""What FIT files are made of: base types, message and field numbers, the checksum.

Source: the FIT protocol description and the public profile (global message and field numbers).
"""

from __future__ import annotations

from typing import Final, NamedTuple

EPOCH_S: Final = 631_065_600
"""Unix time of FIT's instant 0, 31 December 1989 UTC."""


class BaseType(NamedTuple):
    """How a field's bytes are read."""

    code: int
    size: int
    format: str
    """struct's letter; "s" for text and bytes."""
    invalid: int | None
    """What stands for "not known"; None where no number does."""


ENUM: Final = BaseType(0x00, 1, "B", 0xFF)
SINT8: Final = BaseType(0x01, 1, "b", 0x7F)
UINT8: Final = BaseType(0x02, 1, "B", 0xFF)
SINT16: Final = BaseType(0x83, 2, "h", 0x7FFF)
UINT16: Final = BaseType(0x84, 2, "H", 0xFFFF)
SINT32: Final = BaseType(0x85, 4, "i", 0x7FFFFFFF)
UINT32: Final = BaseType(0x86, 4, "I", 0xFFFFFFFF)
STRING: Final = BaseType(0x07, 1, "s", None)
FLOAT32: Final = BaseType(0x88, 4, "f", None)
FLOAT64: Final = BaseType(0x89, 8, "d", None)
UINT8Z: Final = BaseType(0x0A, 1, "B", 0)
UINT16Z: Final = BaseType(0x8B, 2, "H", 0)
UINT32Z: Final = BaseType(0x8C, 4, "I", 0)
BYTE: Final = BaseType(0x0D, 1, "s", None)
SINT64: Final = BaseType(0x8E, 8, "q", 0x7FFFFFFFFFFFFFFF)
UINT64: Final = BaseType(0x8F, 8, "Q", 0xFFFFFFFFFFFFFFFF)
UINT64Z: Final = BaseType(0x90, 8, "Q", 0)

BASE_TYPES: Final = {
    kind.code: kind
    for kind in (
        ENUM, SINT8, UINT8, SINT16, UINT16, SINT32, UINT32, STRING, FLOAT32, FLOAT64,
        UINT8Z, UINT16Z, UINT32Z, BYTE, SINT64, UINT64, UINT64Z,
    )
}  # fmt: skip

FILE_ID: Final = 0
SESSION: Final = 18
LAP: Final = 19
RECORD: Final = 20
EVENT: Final = 21
DEVICE_INFO: Final = 23
ACTIVITY: Final = 34
WORKOUT: Final = 26
WORKOUT_STEP: Final = 27
HRV: Final = 78
FIELD_DESCRIPTION: Final = 206
DEVELOPER_DATA_ID: Final = 207

TIMESTAMP: Final = 253
MESSAGE_INDEX: Final = 254

SPORT_TRAINING: Final = 10
SPORT_ROWING: Final = 15
SUB_SPORT_INDOOR_ROWING: Final = 14
SUB_SPORT_CARDIO_TRAINING: Final = 26
INTENSITY_ACTIVE: Final = 0
INTENSITY_REST: Final = 1
INTENSITY_WARM_UP: Final = 2
INTENSITY_COOL_DOWN: Final = 3

APPLICATION_ID: Final = bytes.fromhex("726f776c6f672d6578706f72742d3031")
"""Who made our developer fields, in developer_data_id."""

TEXT_BYTES: Final = 254
"""A field has 255 bytes at most, and a text ends with a NUL."""
MOST_PARTS: Final = 24
"""Of a text that is longer than one field: 6,096 bytes in all."""


def part_name(name: str, number: int) -> str:
    """The developer field that holds a part of a long text, the first being 1."""
    return name if number == 1 else f"{name}_{number}"


_CRC: Final = (
    0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
    0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
)  # fmt: skip
"""The CRC-16 of each half byte, polynomial 0x8005 mirrored (FIT protocol, "CRC")."""


def _byte_crc(byte: int) -> int:
    crc = (0 >> 4) ^ _CRC[byte & 0xF]
    return (crc >> 4) ^ _CRC[crc & 0xF] ^ _CRC[byte >> 4]


_CRC_OF_BYTE: Final = tuple(_byte_crc(byte) for byte in range(256))


def crc16(content: bytes, crc: int = 0) -> int:
    """FIT's checksum of `content`, going on from `crc`."""
    table = _CRC_OF_BYTE
    for byte in content:
        crc = (crc >> 8) ^ table[(crc ^ byte) & 0xFF]
    return crc
