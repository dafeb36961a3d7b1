"""Which heart rates are believed: tables of readings, a second apart, None without contact."""

from __future__ import annotations

import pytest

from rowlog.heart import Plausibility
from rowlog_drivers.records import HeartRate

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("readings", "spike"),
    [
        ([140, 141, 142, 143], None),
        ([140, 238, 238, 141], (1, 3)),
        ([140, *[238] * 7, *[141] * 7], None),  # it stayed: believed
        ([140, 238, None, None, 142], (1, 4)),
        # Lost contact does not make what was read before it true.
        ([140, 238, 238, *[None] * 9, 141, 141], (1, 12)),
        # Where it has been elsewhere since, the leap was none either.
        ([110, 238, 238, *[None] * 9, 140, 141], (1, 12)),
        ([110, 160, 161, *[None] * 9, 165, 166], None),
        ([140, 100, 101, 139], (1, 3)),
        ([140, *[None] * 9, 170, 171], None),  # after a long silence anything may be true
    ],
)
def test_spikes(readings: list[int | None], spike: tuple[int, int] | None) -> None:
    plausibility = Plausibility()
    found: list[tuple[int, int]] = []
    doubted = False
    for second, bpm in enumerate(readings):
        reading = plausibility.read(
            HeartRate(
                t_ns=second * SECOND,
                source="strap",
                heart_rate_bpm=bpm or 0,
                contact=bpm is not None,
            )
        )
        assert reading.bpm == bpm
        doubted = reading.doubted
        if reading.spike_ns is not None:
            found.append((reading.spike_ns // SECOND, second))
    assert found == ([spike] if spike is not None else [])
    assert not doubted
