"""On macOS and Windows: nothing that only Linux has is needed, outside what is guarded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rowlog_drivers.transports.ble_names import channel_of
from tests.support import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there it is the real thing")
SYSTEMS = ("darwin", "win32")


def there(system: str, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """rowlog as on that system, or without arguments what it cannot import there."""
    return subprocess.run(
        [sys.executable, str(ROOT / "tests" / "foreign_system.py"), system, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "HOME": str(home)},
        check=False,
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_everything_but_the_device_on_the_air_can_be_imported(system: str, tmp_path: Path) -> None:
    """BlueZ's own GATT server is Linux's, and is loaded only where `simulate ble` runs there."""
    result = there(system, tmp_path)
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "rowlog_drivers.peripheral_bluez: no dbus_fast on this system"
    ]


@pytest.mark.parametrize("system", SYSTEMS)
def test_commands_for_devices_there(system: str, tmp_path: Path) -> None:
    """Without what bleak needs on that system: a sentence and JSON, not a traceback."""
    assert "--rower" in there(system, tmp_path, "record", "--help").stdout
    result = there(system, tmp_path, "devices", "--json", "--seconds", "1")
    assert result.returncode == 1
    assert isinstance(json.loads(result.stdout), list)
    assert result.stderr.startswith("rowlog: Bluetooth: no Bluetooth library for this system. ")
    assert result.stderr.count("\n") == 1
    result = there(system, tmp_path, "simulate", "ble")
    assert "needs Linux with BlueZ" in result.stderr


def test_a_channel_of_a_mac_is_as_elsewhere() -> None:
    """Core Bluetooth writes UUIDs in capitals, and 16-bit ones short."""
    assert channel_of("2AD1") == "2ad1"
    assert channel_of("CE060031-43E5-11E4-916C-0800200C9A66") == "ce060031"
