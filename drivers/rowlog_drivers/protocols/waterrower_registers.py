"""The memory of a WaterRower S4 or S5: which address holds what, in which order and unit.

Addresses, units and orders are those of the maker's "Water Rower S4 & S5 USB Protocol", issue 1.04,
memory map of firmware 2.00; where recordings of firmware 2.10 could be compared, they agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One quantity that a memory reply held."""

    name: str
    """Ends in its unit; `_raw` where the document gives none."""
    value: int | float


@dataclass(frozen=True, slots=True)
class _Quantity:
    name: str
    address: int
    """Lowest address; the bytes follow upwards."""
    width: int
    read: Callable[[bytes], int | float | None]
    """From the bytes, lowest address first; None when they hold no value; ValueError when no
    machine writes such bytes."""


def _little(octets: bytes) -> int:
    return int.from_bytes(octets, "little")


def _big(octets: bytes) -> int:
    return int.from_bytes(octets, "big")


def _little_over(divisor: int) -> Callable[[bytes], float]:
    return lambda octets: int.from_bytes(octets, "little") / divisor


def _big_over(divisor: int) -> Callable[[bytes], float]:
    return lambda octets: int.from_bytes(octets, "big") / divisor


def _packed(octet: int, limit: int) -> int:
    """Two decimal digits, one a nibble: 0x59 is 59."""
    high, low = octet >> 4, octet & 0x0F
    number = 10 * high + low
    if high > 9 or low > 9 or number > limit:
        raise ValueError(f"{octet:02X} is no packed decimal number up to {limit} of the clock")
    return number


def _packed_up_to(limit: int) -> Callable[[bytes], int]:
    return lambda octets: _packed(octets[0], limit)


def _clock(octets: bytes) -> int:
    return _packed(octets[0], 59) + 60 * _packed(octets[1], 59) + 3600 * _packed(octets[2], 99)


def _tenths_and_seconds(octets: bytes) -> float:
    return int.from_bytes(octets[1:], "little") + octets[0] / 10


STEP_MS: Final = 25
"""Unit of the stroke times, milliseconds."""


def _steps(octets: bytes) -> int:
    return STEP_MS * octets[0]


def _rate(octets: bytes) -> float | None:
    return 60_000 / (STEP_MS * octets[0]) if octets[0] else None


def _recovery(octets: bytes) -> int | None:
    period, drive = octets
    return STEP_MS * (period - drive) if 0 < drive <= period else None


_QUANTITIES: Final = (
    _Quantity("screen_mode_raw", 0x00D, 1, _little),
    _Quantity("screen_sub_mode_raw", 0x00E, 1, _little),
    _Quantity("intervals_left", 0x00F, 1, _little),
    _Quantity("display_cycling_raw", 0x03D, 1, _little),
    # Counts of 0.1 m says the maker, of 0.01 m say others: the unit is left open.
    _Quantity("distance_fraction_raw", 0x054, 1, _little),
    _Quantity("distance_m", 0x055, 2, _little),
    _Quantity("distance_displayed_m", 0x057, 2, _little),
    _Quantity("duration_displayed_s", 0x05A, 3, _tenths_and_seconds),
    _Quantity("duration_displayed_s", 0x05B, 2, _little),
    _Quantity("total_distance_fraction_raw", 0x080, 1, _little),
    _Quantity("total_distance_m", 0x081, 2, _little),
    # So many pulses of the paddle (083) are so many centimetres (084).
    _Quantity("pulses_per_step", 0x083, 1, _little),
    _Quantity("step_cm", 0x084, 1, _little),
    _Quantity("power_w", 0x088, 2, _little),
    # 24 bits; a reply of two bytes holds the lower 16 and wraps every 65.536 kcal.
    _Quantity("energy_cal", 0x08A, 3, _little),
    _Quantity("energy_kcal", 0x08A, 3, _little_over(1000)),
    _Quantity("energy_cal", 0x08A, 2, _little),
    _Quantity("energy_kcal", 0x08A, 2, _little_over(1000)),
    _Quantity("heart_rate_zone_high_bpm", 0x090, 1, _little),
    _Quantity("heart_rate_zone_low_bpm", 0x091, 1, _little),
    _Quantity("speed_zone_high_raw", 0x092, 2, _big),
    _Quantity("speed_zone_low_raw", 0x094, 2, _big),
    _Quantity("mph_zone_high_raw", 0x096, 2, _big),
    _Quantity("mph_zone_low_raw", 0x098, 2, _big),
    _Quantity("pace_500m_zone_high_raw", 0x09A, 2, _big),
    _Quantity("pace_500m_zone_low_raw", 0x09C, 2, _big),
    _Quantity("pace_2km_zone_high_raw", 0x09E, 2, _big),
    _Quantity("pace_2km_zone_low_raw", 0x0A0, 2, _big),
    _Quantity("stroke_rate_zone_high_spm", 0x0A2, 1, _little),
    _Quantity("stroke_rate_zone_low_spm", 0x0A3, 1, _little),
    _Quantity("prognostic_s", 0x0A4, 2, _big),
    _Quantity("prognostic_speed_mps", 0x0A6, 3, _big_over(10_000)),
    _Quantity("tank_volume_l", 0x0A9, 1, _little_over(10)),
    _Quantity("stroke_count", 0x140, 2, _little),
    # Averages of the monitor over several strokes; 0 until about the fourth.
    _Quantity("stroke_period_ms", 0x142, 1, _steps),
    _Quantity("stroke_rate_spm", 0x142, 1, _rate),
    _Quantity("drive_time_ms", 0x143, 1, _steps),
    _Quantity("recovery_time_ms", 0x142, 2, _recovery),
    # Within the running second, in steps of 35 cm: not a speed.
    _Quantity("distance_this_second_cm", 0x148, 2, _little),
    _Quantity("speed_mps", 0x14A, 2, _little_over(100)),
    _Quantity("stored_speeds", 0x14C, 1, _little),
    _Quantity("average_speed_mps", 0x14D, 2, _little_over(100)),
    _Quantity("heart_rate_bpm", 0x1A0, 1, _little),
    # These pairs stand high byte first, so a reply shows them swapped.
    _Quantity("zone_speed_mps", 0x1A1, 2, _big_over(100)),
    _Quantity("zone_speed_mph", 0x1A3, 2, _big_over(10)),
    _Quantity("pace_s_per_500m", 0x1A5, 2, _big),
    _Quantity("pace_s_per_2km", 0x1A7, 2, _big),
    # A plain binary number, unlike the clock.
    _Quantity("stroke_rate_spm", 0x1A9, 1, _little),
    *(_Quantity(f"interval_{n}_work_raw", 0x1AC + 4 * n, 2, _little) for n in range(1, 10)),
    *(_Quantity(f"interval_{n}_rest_s", 0x1AE + 4 * n, 2, _little) for n in range(1, 9)),
    _Quantity("work_intervals", 0x1D9, 1, _little),
    _Quantity("clock_tenths_part", 0x1E0, 1, _packed_up_to(99)),
    _Quantity("clock_seconds_part", 0x1E1, 1, _packed_up_to(59)),
    _Quantity("clock_minutes_part", 0x1E2, 1, _packed_up_to(59)),
    _Quantity("clock_hours_part", 0x1E3, 1, _packed_up_to(99)),
    _Quantity("clock_s", 0x1E1, 3, _clock),
    _Quantity("workout_time_s", 0x1E8, 2, _little),
    _Quantity("workout_distance_m", 0x1EA, 2, _little),
    _Quantity("workout_stroke_count", 0x1EC, 2, _little),
    # Sources disagree on the order of this pair; both readings are given.
    _Quantity("workout_limit_raw", 0x1EE, 2, _little),
    _Quantity("workout_limit_swapped_raw", 0x1EE, 2, _big),
    _Quantity("time_above_zone_s", 0x1F0, 3, _tenths_and_seconds),
    _Quantity("time_in_zone_s", 0x1F3, 3, _tenths_and_seconds),
    _Quantity("time_below_zone_s", 0x1F6, 3, _tenths_and_seconds),
    _Quantity("peak_heart_rate_bpm", 0x1F9, 1, _little),
)

FLAG_NAMES: Final[dict[int, tuple[str, ...]]] = {
    0x03E: (
        "zone_hr",
        "zone_intensity",
        "zone_stroke_rate",
        "zone_prognostics",
        "workout_distance",
        "workout_duration",
        "workout_distance_interval",
        "workout_duration_interval",
    ),
    0x03F: (
        "buzzer_2hz",
        "buzzer_1hz",
        "zone_scroll_up",
        "zone_scroll_down",
        "workout_configured_last",
        "duration_counts_down",
    ),
    0x041: (
        "intensity_mps",
        "intensity_mph",
        "intensity_500m",
        "intensity_2km",
        "intensity_w",
        "intensity_cal_per_hour",
        "intensity_litres",
        "intensity_average",
    ),
    0x042: (
        "distance_projected",
        "distance_shown",
        "distance_unit_m",
        "distance_unit_miles",
        "distance_unit_km",
        "distance_unit_strokes",
        "",
        "distance_digits_off",
    ),
    0x044: (
        "program_load",
        "program_workout",
        "program_store",
        "program_interval",
        "program_program",
        "program_advanced",
        "program_digits_6",
        "program_digits_7",
    ),
    0x045: ("duration_shown", "duration_projected"),
    0x046: (
        "heart_rate_shown",
        "heart_rate_prognostics",
        "heart_rate_unit_bpm",
        "heart_rate_unit_percent",
        "heart_rate_symbol",
        "",
        "",
        "heart_rate_digits_off",
    ),
    0x047: (
        "stroke_rate_shown",
        "stroke_rate_unit_spm",
        "stroke_rate_half",
        "",
        "",
        "",
        "",
        "stroke_rate_digits_off",
    ),
    0x048: (
        "zone_bar_low",
        "zone_bar_1",
        "zone_bar_2",
        "zone_bar_3",
        "zone_bar_4",
        "zone_bar_5",
        "zone_bar_high",
    ),
    0x049: (
        "work",
        "rest",
        "battery_low",
        "pc_connected",
        "line",
        "memory_card_5",
        "memory_card_6",
        "memory_card_7",
    ),
}
"""Names of the bits of the flag registers, bit 0 first; empty where a bit has no meaning."""

_SCREENS: Final = {
    0x0: "normal",
    0x1: "units",
    0x2: "zones",
    0x3: "workout",
    0x4: "advanced",
    0x5: "stored_programs",
}
_SCREENS_IN_FULL: Final = {
    0x30: "workout_distance",
    0x31: "workout_duration",
    0x32: "workout_distance_intervals",
    0x33: "workout_duration_intervals",
    0xF0: "interval_hold_at_end",
    0xF1: "interval_hold_in_rest",
    0xFE: "interactive",
    0xFF: "display_test",
}


def screen_name(code: int) -> str:
    """The name of the screen that register 00D tells; "unknown" for a reserved code."""
    return _SCREENS_IN_FULL.get(code) or _SCREENS.get(code >> 4, "unknown")


def _by_address() -> dict[int, tuple[_Quantity, ...]]:
    found: dict[int, list[_Quantity]] = {}
    for quantity in _QUANTITIES:
        found.setdefault(quantity.address, []).append(quantity)
    return {address: tuple(quantities) for address, quantities in found.items()}


_BY_ADDRESS: Final = _by_address()


def read_memory(address: int, octets: bytes) -> tuple[Reading, ...]:
    """Every quantity that lies whole in `octets`, which start at `address` and go upwards.

    A quantity that is known in two widths is read in the longer one that fits. () where the map
    tells nothing. Raises ValueError for a clock that is not packed decimal.
    """
    readings: list[Reading] = []
    for offset in range(len(octets)):
        seen: set[str] = set()
        for quantity in _BY_ADDRESS.get(address + offset, ()):
            end = offset + quantity.width
            if end > len(octets) or quantity.name in seen:
                continue
            value = quantity.read(octets[offset:end])
            if value is not None:
                seen.add(quantity.name)
                readings.append(Reading(name=quantity.name, value=value))
    return tuple(readings)


def read_flags(address: int, octets: bytes) -> tuple[str, ...]:
    """The names of the bits that are set in the flag registers among `octets`."""
    return tuple(
        name
        for offset, octet in enumerate(octets)
        for bit, name in enumerate(FLAG_NAMES.get(address + offset, ()))
        if name and octet >> bit & 1
    )
