"""A private bus for each test, with bleak pointed to it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bluez.fake import Daemon

if sys.platform != "linux":
    collect_ignore_glob = ["*.py"]


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A running dbus-daemon that stands for the system bus."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("no dbus-daemon here: install Debian's package dbus-daemon")
    from tests.bluez.fake import Daemon

    daemon = Daemon()
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", daemon.address)
    yield daemon
    daemon.kill()
