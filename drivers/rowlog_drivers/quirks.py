"""Machines that behave in their own way, by advertised name, each with where that is known from.

What is *not decodable as specified* is a decoder option here; what is *decodable but wrong* is
judged above the drivers, by the treatments named here. Sources name public projects and their
issues.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Treatment = Literal[
    "power_from_pace",
    "rate_zero_is_rest",
    "values_stay",
    "zero_power_between",
    "rate_from_count",
    "late_start",
    "both_sides",
]
"""What is done about values that decode well and are wrong:

- power_from_pace: the power is not believed; it is derived from the pace.
- rate_zero_is_rest: pace and power are believed only while the stroke rate is above 0.
- values_stay: rate, pace and power are believed only as long as strokes are counted.
- zero_power_between: 0 W between two strokes' powers is none.
- rate_from_count: the stroke rate is not believed; it is derived from the stroke count.
- late_start: pace and power are believed from the second stroke after a start or a rest.
- both_sides: strokes on either side are counted, so that twice the rate is possible.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirk:
    """How machines of one advertised name differ from the specification."""

    prefix: str
    """Compared with the start of the advertised name, without regard to case."""
    driver: str
    """The driver that reads it; "" for machines that no driver reads."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Decoder options, as text."""
    treatments: tuple[Treatment, ...] = ()
    """What is done about its wrong values, in this order."""
    must_start: bool = False
    """Silent until control is requested and the start command is sent."""
    only_service: bool = False
    """Minds when other services than the driver's are looked at."""
    always_sends: bool = False
    """Sends even when nobody moves, so that silence means a dead link."""
    digits_follow: bool = False
    """Whether the name is the prefix and digits, so that longer words are other devices."""
    shared_name: bool = False
    """Whether bikes and treadmills have such names too, so that the advertised type decides."""
    note: str
    """What the machine does, for people."""
    source: str
    """Where that is known from."""

    def fits(self, name: str) -> bool:
        """Whether a machine of this advertised name is one of these."""
        folded, prefix = name.casefold(), self.prefix.casefold()
        rest = folded[len(prefix) :].strip()
        return folded.startswith(prefix) and (
            not self.digits_follow or (rest.isascii() and rest.isdigit())
        )


_ROWER: Final = "qdomyos-zwift, src/devices/ftmsrower/ftmsrower.cpp"
_SCAN: Final = "qdomyos-zwift, src/devices/bluetooth.cpp"
_TMI: Final = "TrackMyIndoorWorkout"

QUIRKS: Final[tuple[Quirk, ...]] = (
    Quirk(
        prefix="PM5",
        driver="pm5",
        always_sends=True,
        note="Concept2 PM5: sends its status as long as its screen is on",
        source="tijmenvangulik/ErgometerJS row100meter.ts; Concept2 Bluetooth definition 1.30",
    ),
    Quirk(
        prefix="PM5",
        driver="ftms",
        always_sends=True,
        treatments=("values_stay",),
        note="Concept2 PM5: records in two parts, drag factor as resistance, values that stay "
        "after the last stroke; older firmware has no FTMS, only Concept2's own services",
        source=f"{_TMI} test/concept2_old_ftms_test.dart; {_ROWER}, issue 3625",
    ),
    Quirk(
        prefix="S4 COMMS",
        driver="ftms",
        note="WaterRower S4 with ComModule: hangs up when it is told anything, falls silent every "
        "other minute, elapsed time off by a minute for single frames",
        source="svenmeier/coxswain BluetoothRower.java, issues 106, 137; "
        "WaterRower-UK/WaterRowerData-Android",
    ),
    Quirk(
        prefix="Rower 8200",
        driver="ftms",
        note="First Degree Fitness Viking: only the rower characteristic, three kinds of frames, "
        "counters that do not begin at zero",
        source="zpukr/ArduRower issue 1; svenmeier/coxswain issue 144",
    ),
    Quirk(
        prefix="XG",
        driver="ftms",
        note="Mr Captain: frames cut at 20 bytes, distance in steps of 10 m",
        source=f"{_TMI} test/mr_captain_test.dart, issue 291",
    ),
    Quirk(
        prefix="KayakPro",
        driver="ftms",
        treatments=("both_sides",),
        note="KayakPro: both sides count as strokes, 70 to 90 a minute; no energy",
        source=f"{_TMI} test/kayak_pro_test.dart",
    ),
    Quirk(
        prefix="KP",
        driver="ftms",
        treatments=("both_sides",),
        note="KayakPro: both sides count as strokes, 70 to 90 a minute; no energy",
        source=f"{_TMI} test/kayak_pro_test.dart",
    ),
    Quirk(
        prefix="WRX1000",
        driver="ftms",
        note="WRX1000: neither distance nor time; a heart-rate service of its own",
        source="zpukr/ArduRower issue 3",
    ),
    Quirk(
        prefix="YOSUDA",
        driver="ftms",
        note="YOSUDA: advertises the machine type with its bytes swapped",
        source=f"{_TMI} lib/utils/scan_result_ex.dart, issue 513",
    ),
    Quirk(
        prefix="VIRTUFIT-UP2",
        driver="ftms",
        note="VirtuFit Ultimate Pro 2: no hint of a rower in its advertising",
        source=f"{_TMI} issue 404",
    ),
    Quirk(
        prefix="KS-WLT",
        driver="ftms",
        options={"stroke_rate_scale": "1"},
        note="KingSmith WR1: sends whole strokes per minute, not halves",
        source=f"{_ROWER}, issue 1118",
    ),
    Quirk(
        prefix="WHIPR",
        driver="ftms",
        options={"stroke_rate_scale": "1"},
        treatments=("zero_power_between",),
        note="WHIPR: sends whole strokes per minute, not halves; 0 W between good frames",
        source=_ROWER,
    ),
    Quirk(
        prefix="DFIT-L-R",
        driver="ftms",
        treatments=("rate_zero_is_rest",),
        note="DFIT: pace and power stay above zero when nobody rows",
        source=_ROWER,
    ),
    *(
        Quirk(
            prefix=prefix,
            driver="ftms",
            must_start=True,
            only_service=True,
            note=f"{machine}: silent until told to start, and when other services are used",
            source=f"{_ROWER}, issues 842, 1289, 4061",
        )
        for prefix, machine in (
            ("I-ROWER", "I-Rower"),
            ("SF-RW", "Sunny SF-RW"),
            ("IROWER ", "Fytter iRower"),
            ("MRK-R06-", "Merach R06"),
        )
    ),
    Quirk(
        prefix="DOMYOS-ROW-",
        driver="ftms",
        only_service=True,
        note="Domyos: minds when other services are used; older ones have no FTMS",
        source=f"{_ROWER}, issue 4188; Decathlon/domyos-developers issue 3",
    ),
    Quirk(
        prefix="TC",
        driver="ftms",
        only_service=True,
        digits_follow=True,
        shared_name=True,
        note="Domyos console of the TC series: minds when other services are used",
        source=f"{_ROWER}, issue 4188",
    ),
    Quirk(
        prefix="ICONSOLE+",
        driver="ftms",
        shared_name=True,
        options={"use_distance": "no"},
        note="iConsole+ consoles: total distance not usable",
        source=f"{_ROWER}, issue 4624",
    ),
    Quirk(
        prefix="FS-",
        driver="ftms",
        shared_name=True,
        options={"use_distance": "no", "energy_scale": "0.1"},
        note="FitShow consoles: total distance not usable, energy ten times too high; some have "
        "only the maker's own service",
        source=f"{_ROWER}, issues 3872, 4198, 4840",
    ),
    Quirk(
        prefix="MRK-R11S-",
        driver="ftms",
        options={"use_distance": "no"},
        note="Merach R11S: total distance not usable",
        source=f"{_ROWER}, issue 3872",
    ),
    Quirk(
        prefix="WDK",
        driver="ftms",
        digits_follow=True,
        treatments=("power_from_pace",),
        note="WDK: its power is not to be trusted",
        source="qdomyos-zwift, pull request 4676",
    ),
    Quirk(
        prefix="JOROTO-MR280PRO",
        driver="ftms",
        treatments=("rate_from_count", "late_start"),
        note="JOROTO MR280PRO: stroke rates of 30 to 66 while no stroke is counted; the first "
        "paces after a start or a rest are far too fast",
        source="qdomyos-zwift, issue 4986, pull request 5111",
    ),
    Quirk(
        prefix="MRK-",
        driver="ftms",
        shared_name=True,
        note="Merach: pace 0 at rest; the R15 sends no energy; the R28 has the maker's own service",
        source="qdomyos-zwift, issues 4035, 4941, pull request 5054",
    ),
    Quirk(
        prefix="NORDLYS",
        driver="ftms",
        note="Skandika Nordlys: never reports its resistance",
        source="qdomyos-zwift, issue 3667",
    ),
    Quirk(
        prefix="SMARTROWER",
        driver="ftms",
        note="Chaoke 107a SMARTROWER: an FTMS machine, not the SmartRow of WaterRowers",
        source="qdomyos-zwift, issues 4033, 4031",
    ),
    Quirk(
        prefix="SmartRow",
        driver="smartrow",
        note="SmartRow: the maker's own protocol",
        source="qdomyos-zwift, issues 4033, 4031; inonoob/pirowflo",
    ),
    Quirk(
        prefix="CARE",
        driver="",
        note="CARE rowers speak the maker's own protocol, which rowlog does not read",
        source="qdomyos-zwift, issue 2874",
    ),
    *(
        Quirk(prefix=prefix, driver="ftms", note=note, source=_SCAN)
        for prefix, note in (
            ("CR 00", "CityRow"),
            ("H-181-", "an FTMS rower"),
            ("MRK-CRYDN-", "Merach"),
            ("MRK-R15-", "Merach R15: sends no energy"),
            ("YOROTO-RW-", "YOROTO"),
            ("COACH 2", "Coach 2"),
            ("ROGUE CONSOLE ", "Rogue"),
        )
    ),
    Quirk(
        prefix="ROWER ",
        driver="ftms",
        note="First Degree Fitness",
        source="zpukr/ArduRower issue 1; svenmeier/coxswain issue 144",
    ),
)
"""What is known of single machines; the longest matching prefix counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What machines do whose advertised name is not known or is the owner's choice.

    None of it needs an option: every decoder copes with it for every machine.
    """

    machine: str
    note: str
    """What it does, for people."""
    source: str
    """Where that is known from."""


HABITS: Final[tuple[Habit, ...]] = (
    Habit(
        machine="Technogym Skillrow, Aquafeel",
        note="records in two parts; a reserved flag with four bytes more; heart rate comes into "
        "the records in mid-session",
        source=f"{_TMI} test/technogym_skillrow_test.dart, issue 320",
    ),
    Habit(
        machine="console that splits its records",
        note="flags 0x00ff and 0x0b00 in turn; the second part has no power, which is not 0 W",
        source="qdomyos-zwift, pull request 4956",
    ),
    Habit(
        machine="OpenRowingMonitor",
        note="pace 0 while paused; elapsed time is moving time; features of two bytes, status with "
        "a parameter 0",
        source="JaapvanEkris/openrowingmonitor app/peripherals/ble/ftms/",
    ),
    Habit(
        machine="qdomyos-zwift as a rower, named PM5",
        note="no service data, and features that are not those of its records; it has none of "
        "Concept2's services",
        source="qdomyos-zwift src/virtualdevices/virtualrower.cpp",
    ),
)
"""What is known of machines that no name tells."""
