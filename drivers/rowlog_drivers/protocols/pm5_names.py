"""Names of a Concept2 monitor's channels, and what its codes mean, by Bluetooth and by CSAFE.

Source: Concept2 PM Bluetooth Smart Communications Interface Definition 1.30, appendix; the same
enumerations stand in the PM CSAFE Communication Definition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHANNEL_PREFIX: Final = "ce06"
"""A channel is the middle part of the characteristic's UUID: CE06xxxx-43E5-11E4-916C-..."""
MULTIPLEXED: Final = 0x80
"""The characteristic that carries the values of all others, each behind its id."""


def channel(characteristic: int) -> str:
    """The channel of a characteristic, given the last byte of its number: 0x31 is "ce060031"."""
    return f"{CHANNEL_PREFIX}{characteristic:04x}"


REQUEST_CHANNEL: Final = channel(0x21)
"""CSAFE requests are written here, in pieces of up to 20 bytes."""
REPLY_CHANNEL: Final = channel(0x22)
SAMPLE_RATE_CHANNEL: Final = channel(0x34)
MULTIPLEXED_CHANNEL: Final = channel(MULTIPLEXED)

_STATUS: Final = (0x31, 0x32, 0x33)
_STROKES: Final = (0x35, 0x36, 0x3D)
_RESULTS: Final = (0x37, 0x38, 0x39, 0x3A, 0x3F)
_MONITOR: Final = (0x3B, 0x3E)

READ_CHANNELS: Final = tuple(map(channel, (0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x34)))
"""Worth reading once after connecting; the values of a workout give old bytes when read."""
SUBSCRIBE_CHANNELS: Final = (
    *map(channel, (*_STATUS, *_STROKES, *_RESULTS, *_MONITOR)),
    MULTIPLEXED_CHANNEL,
    REPLY_CHANNEL,
)
"""To subscribe to, as far as the monitor has them. What is subscribed directly the monitor no
longer sends through 0080, which then only carries what has no characteristic of its own (003c)."""

WORKOUT_TYPES: Final[Mapping[int, str]] = {
    0: "just_row",
    1: "just_row_splits",
    2: "fixed_distance",
    3: "fixed_distance_splits",
    4: "fixed_time",
    5: "fixed_time_splits",
    6: "fixed_time_intervals",
    7: "fixed_distance_intervals",
    8: "variable_intervals",
    9: "variable_intervals_undefined_rest",
    10: "fixed_calories_splits",
    11: "fixed_watt_minutes_splits",
    12: "fixed_calorie_intervals",
    13: "menu",
}
"""13 stands outside the published list: real monitors send it while their menu is shown."""

INTERVAL_TYPES: Final[Mapping[int, str]] = {
    0: "time",
    1: "distance",
    2: "rest",
    3: "time_undefined_rest",
    4: "distance_undefined_rest",
    5: "undefined_rest",
    6: "calories",
    7: "calories_undefined_rest",
    8: "watt_minutes",
    9: "watt_minutes_undefined_rest",
    255: "none",
}

WORKOUT_STATES: Final[Mapping[int, str]] = {
    0: "wait_to_begin",
    1: "workout_row",
    2: "countdown_pause",
    3: "interval_rest",
    4: "interval_work_time",
    5: "interval_work_distance",
    6: "rest_end_to_work_time",
    7: "rest_end_to_work_distance",
    8: "work_time_to_rest",
    9: "work_distance_to_rest",
    10: "workout_end",
    11: "terminated",
    12: "logged",
    13: "rearm",
}

ROWING_STATES: Final[Mapping[int, str]] = {0: "rowing_inactive", 1: "rowing_active"}

STROKE_STATES: Final[Mapping[int, str]] = {
    0: "waiting_for_minimum_speed",
    1: "waiting_for_acceleration",
    2: "driving",
    3: "dwelling_after_drive",
    4: "recovery",
}

TARGET_TIME: Final = 0x00
TARGET_CALORIES: Final = 0x40
TARGET_DISTANCE: Final = 0x80
TARGET_WATT_MINUTES: Final = 0xC0

TARGETS: Final[Mapping[int, tuple[str, int]]] = {
    TARGET_TIME: ("target_time_s", 100),
    TARGET_CALORIES: ("target_energy_kcal", 1),
    TARGET_DISTANCE: ("target_distance_m", 1),
    TARGET_WATT_MINUTES: ("target_work_watt_minutes", 1),
}
"""Duration type to what the duration is of, and how many counts make one of its unit."""

OPERATIONAL_STATES: Final[Mapping[int, str]] = {
    0: "monitor_reset",
    1: "monitor_ready",
    2: "monitor_workout",
    3: "monitor_warm_up",
    4: "monitor_race",
    5: "monitor_power_off",
    6: "monitor_pause",
    7: "monitor_boot_loader",
    8: "monitor_ship",
    9: "monitor_idle_charging",
    10: "monitor_idle",
    11: "monitor_factory_test",
    12: "monitor_firmware_update",
    13: "monitor_drag_factor",
    100: "monitor_calibration",
}

SAMPLE_PERIODS_MS: Final[Mapping[int, int]] = {0: 1000, 1: 500, 2: 250, 3: 100}
"""Code of the sample rate to the time between two status notifications."""

ROW_ERG: Final = "RowErg"
SKI_ERG: Final = "SkiErg"
BIKE_ERG: Final = "BikeErg"
DYNO: Final = "Dyno"

_ROW: Final = frozenset({0, 1, 2, 3, 5, 7, 8, 16, 17, 18, 19, 20, 32, 224})
_SKI: Final = frozenset({128, 143, 225})
_BIKE: Final = frozenset({192, 193, 194, 207, 226})
_DYNO: Final = 64


def erg_name(machine_type: int) -> str | None:
    """Which kind of machine the monitor sits on; None for a code that nobody has published."""
    if machine_type in _ROW:
        return ROW_ERG
    if machine_type in _SKI:
        return SKI_ERG
    if machine_type in _BIKE:
        return BIKE_ERG
    return DYNO if machine_type == _DYNO else None


def pace_distance_m(machine_type: int) -> int:
    """The distance that the monitor's own pace display refers to: 1000 m on a BikeErg, else 500.

    What it sends over Bluetooth is documented per 500 m for all machines, so a BikeErg's display
    shows twice the value of `pace_s_per_500m`.
    """
    return 1000 if erg_name(machine_type) == BIKE_ERG else 500
