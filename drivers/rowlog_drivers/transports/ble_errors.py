"""What can go wrong with Bluetooth: each trouble by name, with the one thing to do about it."""

from __future__ import annotations

import asyncio
import sys
from enum import Enum
from pathlib import Path
from typing import Final

from bleak.exc import (
    BleakBluetoothNotAvailableError,
    BleakBluetoothNotAvailableReason,
    BleakCharacteristicNotFoundError,
    BleakDBusError,
    BleakDeviceNotFoundError,
    BleakGATTProtocolError,
)

from rowlog_drivers.errors import RowlogError

_RFKILL: Final = Path("/sys/class/rfkill")


class Trouble(Enum):
    """Why there is no link; the value is the short text that `down` frames carry."""

    NO_BUS = "system bus lost"
    """The D-Bus system bus, through which Linux talks to its Bluetooth service, is not there."""
    NO_SERVICE = "Bluetooth service not running"
    """bluetoothd is not running."""
    SERVICE_LOST = "Bluetooth service stopped or restarted"
    """bluetoothd went away while a device was connected; every link fell."""
    NO_BACKEND = "no Bluetooth library for this system"
    """What bleak needs on this system is not installed, or there is nothing for it."""
    NO_PERMISSION = "no permission to use Bluetooth"
    NO_ADAPTER = "no Bluetooth adapter"
    NOT_LOW_ENERGY = "adapter without Bluetooth Low Energy"
    ADAPTER_OFF = "adapter off"
    BLOCKED = "adapter blocked"
    """Switched off by rfkill: a key, a switch, or flight mode."""
    NOT_FOUND = "not found"
    """Nothing of that name or address was heard."""
    AMBIGUOUS = "two of one name"
    """Two machines answer to the name."""
    UNSURE = "found only by name"
    """A device of that name is in reach under another address, and nothing proves that it is it."""
    BUSY = "another program is connecting"
    NO_SLOT = "adapter has no link free"
    INTERFERENCE = "interference or out of range"
    TIMED_OUT = "no answer in time"
    MISSING = "services missing"
    """Connected, but without the characteristic that the driver reads."""
    REFUSED = "refused by the device"
    """The device answered with an error, for instance because it wants to be paired."""
    SILENT = "silent"
    """Connected, but nothing comes."""
    LOST = "link lost"
    """The device hung up, was switched off, or is out of reach."""
    SLEPT = "computer slept"
    """Links fall while it does, and the Bluetooth service may not notice."""
    OTHER = "Bluetooth error"


_NEXT_STEPS: Final = {
    Trouble.NO_BUS: "Start the system bus: sudo systemctl start dbus",
    Trouble.NO_SERVICE: "Start it: sudo systemctl start bluetooth",
    Trouble.SERVICE_LOST: "It is waited for; to start it: sudo systemctl start bluetooth",
    Trouble.NO_BACKEND: (
        "Install it anew, with what this system needs: python -m pip install --force-reinstall "
        "bleak"
    ),
    Trouble.NO_PERMISSION: "Allow this program to use Bluetooth in the system's settings.",
    Trouble.NO_ADAPTER: "Plug in a Bluetooth adapter, 4.0 or newer.",
    Trouble.NOT_LOW_ENERGY: "Use an adapter with Bluetooth 4.0 or newer.",
    Trouble.ADAPTER_OFF: "Switch Bluetooth on.",
    Trouble.BLOCKED: "Unblock it: rfkill unblock bluetooth",
    Trouble.NOT_FOUND: (
        "Wake it, and close other apps that may hold it: most machines talk to one at a time."
    ),
    Trouble.AMBIGUOUS: "Give its address instead of its name: rowlog devices",
    Trouble.UNSURE: (
        "Nobody else's is recorded unasked: if the other one is yours, end this session and name "
        "it: rowlog devices"
    ),
    Trouble.BUSY: "Close other apps that use this device.",
    Trouble.NO_SLOT: "Disconnect a Bluetooth device that is not needed.",
    Trouble.INTERFERENCE: "Go nearer, and keep the adapter away from Wi-Fi and USB 3 devices.",
    Trouble.TIMED_OUT: "Wake the device, or switch it off and on.",
    Trouble.MISSING: "Update the device's firmware, or choose another driver.",
    Trouble.REFUSED: "Switch the device off and on; if it stays so, pair it in the system first.",
    Trouble.SILENT: "Row a few strokes, or switch the device off and on.",
    Trouble.SLEPT: "It is connected again by itself.",
    Trouble.LOST: "Go nearer, and check that the device is on.",
    Trouble.OTHER: "Switch Bluetooth off and on.",
}

_ON_LINUX: Final = {
    Trouble.ADAPTER_OFF: "Switch it on: bluetoothctl power on",
    Trouble.NO_PERMISSION: (
        "Add yourself to the group: sudo usermod -aG bluetooth $USER, then log in again."
    ),
}

_NOT_AVAILABLE: Final = {
    BleakBluetoothNotAvailableReason.NO_BLUETOOTH: Trouble.NO_ADAPTER,
    BleakBluetoothNotAvailableReason.NO_BLE_CENTRAL_ROLE: Trouble.NOT_LOW_ENERGY,
    BleakBluetoothNotAvailableReason.POWERED_OFF: Trouble.ADAPTER_OFF,
    BleakBluetoothNotAvailableReason.DENIED_BY_USER: Trouble.NO_PERMISSION,
    BleakBluetoothNotAvailableReason.DENIED_BY_SYSTEM: Trouble.NO_PERMISSION,
    BleakBluetoothNotAvailableReason.DENIED_BY_UNKNOWN: Trouble.NO_PERMISSION,
}

_DBUS: Final = {
    "org.freedesktop.DBus.Error.ServiceUnknown": Trouble.NO_SERVICE,
    "org.freedesktop.DBus.Error.NameHasNoOwner": Trouble.NO_SERVICE,
    "org.freedesktop.DBus.Error.NoReply": Trouble.NO_SERVICE,
    "org.freedesktop.DBus.Error.Disconnected": Trouble.NO_BUS,
    "org.freedesktop.DBus.Error.AccessDenied": Trouble.NO_PERMISSION,
    "org.freedesktop.DBus.Error.UnknownObject": Trouble.LOST,
    "org.freedesktop.DBus.Error.UnknownMethod": Trouble.LOST,
    "org.bluez.Error.NotReady": Trouble.ADAPTER_OFF,
    "org.bluez.Error.InProgress": Trouble.BUSY,
    "org.bluez.Error.NotConnected": Trouble.LOST,
    "org.bluez.Error.DoesNotExist": Trouble.NOT_FOUND,
    "org.bluez.Error.NotPermitted": Trouble.REFUSED,
    "org.bluez.Error.NotAuthorized": Trouble.REFUSED,
    "org.bluez.Error.NotSupported": Trouble.REFUSED,
}

_TEXTS: Final = (
    ("connection slot", Trouble.NO_SLOT),
    ("create-socket", Trouble.NO_SLOT),
    ("limit exceeded", Trouble.NO_SLOT),
    ("limited resources", Trouble.NO_SLOT),
    ("not enough resources", Trouble.NO_SLOT),
    ("already in progress", Trouble.BUSY),
    ("abort", Trouble.INTERFERENCE),
    ("connection-timeout", Trouble.INTERFERENCE),
    ("page-timeout", Trouble.INTERFERENCE),
    ("failed to discover services", Trouble.INTERFERENCE),
    ("adapter '", Trouble.NO_ADAPTER),
    ("not connected", Trouble.LOST),
    ("disconnected", Trouble.LOST),
)
"""What stands in errors that have no name of their own, lower-case, and what it means."""


class BluetoothError(RowlogError):
    """Bluetooth, or one device of it, cannot be used.

    Attributes:
        trouble: why.
    """

    def __init__(self, what: str, next_step: str | None = None, *, trouble: Trouble) -> None:
        super().__init__(what, advice(trouble) if next_step is None else next_step)
        self.trouble = trouble


def advice(trouble: Trouble) -> str:
    """The one thing to do about it, for this system."""
    if sys.platform == "linux" and trouble in _ON_LINUX:
        return _ON_LINUX[trouble]
    return _NEXT_STEPS[trouble]


def trouble_of(error: BaseException) -> Trouble:
    """What an error of bleak, D-Bus or the system means."""
    if isinstance(error, BluetoothError):
        return error.trouble
    if isinstance(error, BleakBluetoothNotAvailableError):
        trouble = _NOT_AVAILABLE.get(error.reason, Trouble.OTHER)
        return Trouble.BLOCKED if trouble is Trouble.ADAPTER_OFF and is_blocked() else trouble
    if isinstance(error, BleakDeviceNotFoundError):
        return Trouble.NOT_FOUND
    if isinstance(error, BleakCharacteristicNotFoundError):
        return Trouble.MISSING
    if isinstance(error, BleakGATTProtocolError):
        return Trouble.REFUSED
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return Trouble.TIMED_OUT
    if isinstance(error, ImportError) or "unsupported platform" in str(error).lower():
        return Trouble.NO_BACKEND
    if isinstance(error, PermissionError):
        return Trouble.NO_PERMISSION
    if isinstance(error, (OSError, EOFError)):
        return Trouble.NO_BUS
    return _trouble_in_text(error)


def _trouble_in_text(error: BaseException) -> Trouble:
    if isinstance(error, BleakDBusError):
        if error.dbus_error.startswith("org.freedesktop.DBus.Error.Spawn"):
            return Trouble.NO_SERVICE
        if error.dbus_error in _DBUS:
            trouble = _DBUS[error.dbus_error]
            return Trouble.BLOCKED if trouble is Trouble.ADAPTER_OFF and is_blocked() else trouble
    text = str(error).lower()
    return next((trouble for words, trouble in _TEXTS if words in text), Trouble.OTHER)


def explain(error: BaseException, device: str | None = None) -> BluetoothError:
    """The same error for people, naming the device when there is one."""
    if isinstance(error, BluetoothError):
        return error
    trouble = trouble_of(error)
    subject = "Bluetooth" if device is None else device
    text = f"{subject}: {trouble.value}"
    if trouble is Trouble.NO_BUS and device is None and isinstance(error, OSError):
        text = f"{subject}: no system bus on this computer"
    if trouble is Trouble.OTHER:
        text += f" ({' '.join(str(error).split())[:200] or type(error).__name__})"
    return BluetoothError(f"{text}.", trouble=trouble)


def is_blocked(folder: Path | None = None) -> bool:
    """Whether rfkill holds Bluetooth back; False on systems without rfkill.

    `folder`: where the kernel shows its switches; None: the usual one.
    """
    root = _RFKILL if folder is None else folder
    for switch in sorted(root.glob("rfkill*")) if root.is_dir() else ():
        try:
            if (switch / "type").read_text().strip() == "bluetooth" and any(
                (switch / kind).read_text().strip() == "1" for kind in ("soft", "hard")
            ):
                return True
        except OSError:
            continue
    return False
