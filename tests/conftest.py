"""What the tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# What is tried is right or wrong however busy the computer is.
settings.register_profile("rowlog", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rowlog")


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of strangers' recordings, which a user's clone does not have."""
    folder = ROOT.parent / "shared" / "captures"
    if not folder.is_dir():
        pytest.skip("no folder of recordings beside this checkout")
    return folder
