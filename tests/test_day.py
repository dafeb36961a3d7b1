"""Hours of recording, in which nothing may grow that does not have to."""

from __future__ import annotations

import sys

import pytest

from benchmarks.day import measure


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read as Linux tells it")
def test_memory_stays_flat_hour_after_hour() -> None:
    """Along the whole path. Were each frame kept, 10,800 of an hour would take 3 MB.

    `python -m benchmarks.day` rows the whole day.
    """
    day = measure(hours=3)
    assert len(day.hours_mb) == 3
    assert day.frames > 30_000
    assert day.growth_mb < 1.5
