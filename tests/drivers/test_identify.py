"""What devices are taken for by what they advertise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rowlog_drivers.catalog import DRIVERS
from rowlog_drivers.identify import identify

ROWER = {"1826": bytes.fromhex("011000")}
SWAPPED = {"1826": bytes.fromhex("010010")}
BIKE = {"1826": bytes.fromhex("012000")}
UNTOLD = {"1826": bytes.fromhex("010000")}


@pytest.mark.parametrize(
    ("name", "services", "service_data", "kind", "driver", "certain"),
    [
        ("Rower X", ("1826",), ROWER, "rower", "ftms", True),
        ("YOSUDA 1", ("1826",), SWAPPED, "rower", "ftms", True),
        (None, (), ROWER, "rower", "ftms", True),  # service data alone
        ("Console", ("1826",), UNTOLD, "rower", "ftms", False),
        ("Console", ("1826",), {}, "rower", "ftms", False),
        ("Bike 5", ("1826",), BIKE, "other", "ftms", True),
        ("VIRTUFIT-UP2 7", ("1826",), BIKE, "rower", "ftms", True),  # a known rower all the same
        ("FS-ABC123", ("1826",), BIKE, "other", "ftms", True),  # FitShow makes bikes too
        ("FS-ABC123", ("1826",), UNTOLD, "rower", "ftms", True),
        ("Polar H10 1234", ("180d",), {}, "strap", "heart_rate", True),
        ("WRX1000", ("180d", "1826"), ROWER, "rower", "ftms", True),  # has a receiver of its own
        ("SF-RW5856", (), {}, "rower", "ftms", True),  # by its name alone
        ("CARE 123", ("1826",), ROWER, "other", None, True),
        ("FS-ABC123", ("fff0",), {}, "other", None, True),  # no FTMS: the maker's own alone
        ("PM5", ("1826",), {}, "rower", "ftms", True),  # a program that plays one
        ("PM5 430012345 Row", ("1826",), ROWER, "rower", "pm5", True),
        ("TC12345", (), {}, "rower", "ftms", True),
        ("TCL soundbar", (), {}, None, None, True),
        ("WDK1234", (), {}, "rower", "ftms", True),
        ("Headphones", ("110b",), {}, None, None, True),
        (None, (), {}, None, None, True),
    ],
)
def test_a_device_is_taken_for(
    name: str | None,
    services: tuple[str, ...],
    service_data: dict[str, bytes],
    kind: str | None,
    driver: str | None,
    certain: bool,
) -> None:
    found = identify(name, services, service_data)
    if kind is None:
        assert found is None
        return
    assert found is not None
    assert (found.kind, found.driver, found.certain) == (kind, driver, certain)
    assert found.what


def test_a_concept2_is_read_by_its_own_service_where_there_is_a_driver() -> None:
    found = identify("PM5 430012345 Row", ("ce060000", "1826"), ROWER)
    assert found is not None
    assert found.kind == "rower"
    assert found.driver == ("pm5" if "pm5" in DRIVERS else "ftms")
    assert "RowErg" in found.what
    ski = identify("PM5 430012345 Ski", ("ce060000", "1826"), ROWER)
    assert ski is not None
    assert "SkiErg" in ski.what


@given(
    st.none() | st.text(max_size=40),
    st.lists(st.sampled_from(["1826", "180d", "ce060000", "180f"]), max_size=4),
    st.dictionaries(st.sampled_from(["1826", "180d"]), st.binary(max_size=6), max_size=2),
)
def test_nothing_that_is_advertised_is_an_error(
    name: str | None, services: list[str], service_data: dict[str, bytes]
) -> None:
    found = identify(name, services, service_data)
    assert found is None or found.kind in ("rower", "strap", "other")
