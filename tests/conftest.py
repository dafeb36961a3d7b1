"""What the tests share."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from rowlog.importing import import_files

ROOT = Path(__file__).resolve().parent.parent

# What is tried is right or wrong however busy the computer is. A change is judged by what it
# changes: where CI is set, the same is tried each time; elsewhere, and by the fuzzer, ever more.
settings.register_profile(
    "rowlog",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("rowlog")

# A background job of a shell, and nohup, ignore signals, and what is started there inherits it.
for number, usual in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    known = getattr(signal, number, None)
    if known is not None and signal.getsignal(known) == signal.SIG_IGN:
        signal.signal(known, usual)


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of strangers' recordings, which a user's clone does not have."""
    folder = ROOT.parent / "shared" / "captures"
    if not folder.is_dir():
        pytest.skip("no folder of recordings beside this checkout")
    return folder


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a session of each fixture, in their order; only to be read."""
    database = tmp_path_factory.mktemp("recorded") / "a.db"
    import_files(database, sorted((ROOT / "fixtures").glob("*/*.frames*")))
    return database
