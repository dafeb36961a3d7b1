"""The table of drivers, its quirks, and drivers of other distributions."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rowlog_drivers.catalog import (
    DRIVERS,
    find_driver,
    find_quirk,
    make_decoder,
    make_decoding,
)
from rowlog_drivers.errors import CallError, UnknownDriverError
from rowlog_drivers.frames import Frame, SourceHeader
from rowlog_drivers.interface import Decoder
from rowlog_drivers.quirks import HABITS, QUIRKS, Habit
from rowlog_drivers.records import HeartRate, RowerSample


@pytest.mark.parametrize("name", sorted(DRIVERS))
def test_every_driver_makes_a_decoder_of_its_own(name: str) -> None:
    one, other = make_decoder(name), make_decoder(name)
    assert isinstance(one, Decoder)
    assert one is not other
    assert DRIVERS[name].name == name
    assert DRIVERS[name].role in ("rower", "strap")
    assert DRIVERS[name].summary


def test_an_unknown_driver_names_the_known_ones() -> None:
    with pytest.raises(UnknownDriverError) as caught:
        find_driver("rowperfect")
    assert "'rowperfect'" in str(caught.value)
    for name in DRIVERS:
        assert name in str(caught.value)


@pytest.mark.parametrize("quirk", QUIRKS, ids=lambda quirk: quirk.prefix)
def test_every_quirk_can_be_applied_and_says_where_it_is_known_from(quirk: object) -> None:
    found = next(one for one in QUIRKS if one is quirk)
    assert found.note
    assert found.source
    if found.driver not in DRIVERS:
        return  # a machine that is named so that nobody takes it for another
    decoder = make_decoder(found.driver, [("name", f"{found.prefix}1234")])
    assert isinstance(decoder, Decoder)


# The rowers whose behaviour is known, by a name that they advertise.
MACHINES = [
    ("PM5 430000001 Row", "Concept2"),
    ("S4 COMMS 120", "WaterRower"),
    ("Rower 8200", "First Degree"),
    ("ROWER 12", "First Degree"),
    ("XG123", "Mr Captain"),
    ("KayakPro 1", "KayakPro"),
    ("KP123", "KayakPro"),
    ("WRX1000", "WRX1000"),
    ("YOSUDA-1", "YOSUDA"),
    ("VIRTUFIT-UP2 1", "VirtuFit"),
    ("KS-WLT-W1", "KingSmith"),
    ("WHIPR 1", "WHIPR"),
    ("DFIT-L-R1", "DFIT"),
    ("I-ROWER", "I-Rower"),
    ("SF-RW5856", "Sunny"),
    ("IROWER 1", "Fytter"),
    ("MRK-R06-1", "Merach R06"),
    ("DOMYOS-ROW-1", "Domyos"),
    ("TC12345", "Domyos"),
    ("ICONSOLE+1", "iConsole+"),
    ("FS-123", "FitShow"),
    ("MRK-R11S-1", "Merach R11S"),
    ("WDK1234", "WDK"),
    ("JOROTO-MR280PRO", "JOROTO"),
    ("MRK-R50", "Merach"),
    ("NORDLYS", "Nordlys"),
    ("SMARTROWER", "Chaoke"),
    ("SmartRow 1", "SmartRow"),
    ("CARE 1", "CARE"),
    ("CR 00123", "CityRow"),
    ("H-181-1", "FTMS"),
    ("MRK-CRYDN-1", "Merach"),
    ("MRK-R15-1", "Merach R15"),
    ("YOROTO-RW-1", "YOROTO"),
    ("COACH 2", "Coach 2"),
    ("ROGUE CONSOLE 1", "Rogue"),
]


@pytest.mark.parametrize(("name", "machine"), MACHINES)
def test_every_machine_that_is_known_has_its_row(name: str, machine: str) -> None:
    fitting = [quirk for quirk in QUIRKS if quirk.fits(name)]
    longest = max(fitting, key=lambda quirk: len(quirk.prefix))
    assert machine in longest.note
    assert "/" in longest.source or "issue" in longest.source or "pull request" in longest.source


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.machine)
def test_what_no_name_tells_has_its_source_too(habit: Habit) -> None:
    assert habit.note
    assert "/" in habit.source or "pull request" in habit.source


@pytest.mark.parametrize(
    ("advertised", "prefix"),
    [
        ("FS-7A8B", "FS-"),
        ("fs-7a8b", "FS-"),
        ("WHIPR_01", "WHIPR"),
        ("MRK-R11S-77", "MRK-R11S-"),
        ("MRK-R99", "MRK-"),
        ("Mark", None),
        ("My FS-1", None),
        ("", None),
        (None, None),
    ],
)
def test_quirks_go_by_the_start_of_the_advertised_name(
    advertised: str | None, prefix: str | None
) -> None:
    quirk = find_quirk("ftms", advertised)
    assert (quirk.prefix if quirk is not None else None) == prefix
    assert find_quirk("heart_rate", advertised) is None


def first(decoder: Decoder, channel: str, payload: str) -> object:
    frame = Frame(t_ns=0, source="x", channel=channel, payload=bytes.fromhex(payload))
    return decoder.decode(frame)[0]


# Rower Data with nothing but stroke rate 20 (0x28 halves) and 10 strokes: flags 0x0000.
PLAIN = "0000280a00"


@pytest.mark.parametrize(
    ("options", "rate"),
    [
        ((), 20),
        ((("name", "Paper rower"),), 20),
        ((("name", "WHIPR 1"),), 40),
        ((("stroke_rate_scale", "1"),), 40),
        # What is given goes before what is known.
        ((("name", "WHIPR 1"), ("stroke_rate_scale", "0.5")), 20),
    ],
)
def test_options_reach_the_decoder(options: tuple[tuple[str, str], ...], rate: float) -> None:
    sample = first(make_decoder("ftms", options), "2ad1", PLAIN)
    assert isinstance(sample, RowerSample)
    assert sample.stroke_rate_spm == rate


def test_an_unknown_option_names_the_known_ones() -> None:
    with pytest.raises(CallError, match=r"no option 'stroke_rate'.*stroke_rate_scale"):
        make_decoder("ftms", [("stroke_rate", "1")])
    with pytest.raises(CallError, match="It has: none"):
        make_decoder("heart_rate", [("speed", "1")])


def test_a_wrong_option_says_what_is_wrong() -> None:
    with pytest.raises(CallError, match="stroke_rate_scale=fast of ftms is wrong"):
        make_decoder("ftms", [("stroke_rate_scale", "fast")])


def test_a_recording_gets_a_decoder_for_each_of_its_sources() -> None:
    decoding = make_decoding(
        [
            SourceHeader(name="rower", driver="ftms", options=(("name", "Paper rower"),)),
            SourceHeader(name="strap", driver="heart_rate"),
        ]
    )
    frame = Frame(t_ns=5, source="strap", channel="2a37", payload=bytes.fromhex("0096"))
    assert decoding.deliver(frame).records == (
        HeartRate(t_ns=5, source="strap", heart_rate_bpm=150),
    )


def distribution(folder: Path, module: str, target: str) -> None:
    """A distribution `strangers` with one driver, as pip would install it."""
    (folder / "stranger.py").write_text(module)
    info = folder / "strangers-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: strangers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[rowlog.drivers]\nstranger = {target}\n")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "stranger", raising=False)
    return tmp_path


GOOD = """
from rowlog_drivers.catalog import Driver
from rowlog_drivers.protocols.heart_rate import StrapDecoder

DRIVER = Driver(name="stranger", role="strap", summary="a test", decoder=StrapDecoder)
"""


def test_drivers_of_other_distributions_are_found(folder: Path) -> None:
    distribution(folder, GOOD, "stranger:DRIVER")
    assert find_driver("stranger").summary == "a test"
    assert isinstance(first(make_decoder("stranger"), "2a37", "0096"), HeartRate)


@pytest.mark.parametrize(
    ("module", "target", "message"),
    [
        ("raise OSError('no disk')", "stranger:DRIVER", "strangers cannot be loaded: no disk"),
        ("DRIVER = 3", "stranger:DRIVER", "strangers is no Driver"),
        (GOOD, "stranger:OTHER", "strangers cannot be loaded"),
    ],
)
def test_a_broken_foreign_driver_names_its_package(
    folder: Path, module: str, target: str, message: str
) -> None:
    distribution(folder, module, target)
    with pytest.raises(UnknownDriverError, match=message):
        find_driver("stranger")
