"""What goes wrong with serial ports, and the remedy for each, as exact as the system can tell."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from rowlog_drivers.errors import RowlogError

LONGEST_SHOWN: Final = 40
"""Bytes of a strange answer that are shown."""
MODEM_MANAGER: Final = "ModemManager"
MODEM_RULE: Final = (
    'echo \'ATTRS{idVendor}=="04d8", ATTRS{idProduct}=="000a", ENV{ID_MM_DEVICE_IGNORE}="1"\' | '
    "sudo tee /etc/udev/rules.d/77-rowlog.rules && sudo udevadm control --reload"
)
"""What keeps ModemManager away from WaterRowers; it counts from the next plugging in."""


class Trouble(Enum):
    """What is wrong with a port; the value is the reason that a `link` frame tells."""

    MISSING = "cable out"
    NO_PERMISSION = "no permission"
    BUSY = "in use by another program"
    NO_TERMINAL = "no serial port"
    UNPLUGGED = "unplugged"
    STUCK = "takes no bytes"
    SILENT = "silent"
    STRANGER = "answers as no known machine"
    OVERRUN = "more came than could be taken"


class SerialPortError(RowlogError):
    """A serial port that cannot be used, or not any more.

    Attributes:
        trouble: what is wrong.
        heard: the bytes that a machine sent which was not understood.
    """

    def __init__(
        self, what: str, next_step: str | None = None, *, trouble: Trouble, heard: bytes = b""
    ) -> None:
        super().__init__(what, next_step)
        self.trouble = trouble
        self.heard = heard


def missing(path: str) -> SerialPortError:
    """The port does not exist."""
    return SerialPortError(
        f"{path} is not there.",
        "Plug the machine's cable in and see: rowlog devices",
        trouble=Trouble.MISSING,
    )


def silent(path: str) -> SerialPortError:
    """The port can be used, and nothing comes from it."""
    return SerialPortError(
        f"{path}: nothing answers.",
        "Switch the monitor on, check that it is the right port, and unplug and replug the cable: "
        "a monitor that nobody listened to may hang. If it needs another driver, name it: "
        f"serial:{path}?driver=fdf",
        trouble=Trouble.SILENT,
    )


def stranger(path: str, heard: bytes) -> SerialPortError:
    """Something answers that no driver knows."""
    return SerialPortError(
        f"{path}: something answers, but not as a machine that rowlog knows: {shown(heard)}.",
        f"If it is a rower, name its driver (serial:{path}?driver=waterrower_s3), or report these "
        f"bytes: {heard[:LONGEST_SHOWN].hex()}",
        trouble=Trouble.STRANGER,
        heard=heard,
    )


def fallen(path: str, trouble: Trouble) -> SerialPortError:
    """A port that was open is lost."""
    return SerialPortError(f"{path}: {trouble.value}.", "It is looked for.", trouble=trouble)


def from_opening(path: str, error: Exception) -> SerialPortError:
    """Why a port could not be opened."""
    number = _number(error)
    text = str(error)
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO) or "FileNotFoundError" in text:
        return missing(path)
    if sys.platform == "win32" and "PermissionError" in text:  # Windows' word for a port in use
        return busy(path)
    if number in (errno.EACCES, errno.EPERM):
        return no_permission(path)
    if number in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return busy(path)
    if number in (errno.ENOTTY, errno.EINVAL, errno.EISDIR) or not isinstance(error, OSError):
        return SerialPortError(
            f"{path} is no serial port.",
            "See them all: rowlog devices",
            trouble=Trouble.NO_TERMINAL,
        )
    return SerialPortError(
        f"{path} cannot be opened: {text}.",
        "Unplug and replug the cable.",
        trouble=Trouble.UNPLUGGED,
    )


def _number(error: BaseException | None) -> int | None:
    """The system's number of an error, which pyserial may have wrapped in one without."""
    if error is None:
        return None
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if error.args and isinstance(error.args[0], int):  # as termios.error keeps it
        return error.args[0]
    return _number(error.__context__)


def busy(path: str) -> SerialPortError:
    """Another program has the port."""
    held_by = holders(path)
    who = f" by {', '.join(held_by)}" if held_by else ""
    next_step = "Close the other program, then try again."
    if any(MODEM_MANAGER in holder for holder in held_by) or (not held_by and modem_manager_runs()):
        next_step = f"ModemManager takes it for a modem; keep it away: {MODEM_RULE}"
    return SerialPortError(f"{path} is in use{who}.", next_step, trouble=Trouble.BUSY)


def no_permission(path: str) -> SerialPortError:
    """The user may not open the port; what lets them depends on the device's group."""
    return SerialPortError(
        f"{path} may not be opened by you.",
        _permission_remedy(path),
        trouble=Trouble.NO_PERMISSION,
    )


def _permission_remedy(path: str) -> str:
    if sys.platform == "win32":
        return "Close other programs that use it."
    import grp
    import pwd

    name = str(os.geteuid())
    with suppress(KeyError):
        name = pwd.getpwuid(os.geteuid()).pw_name
    try:
        status = Path(path).stat()
        group = grp.getgrgid(status.st_gid)
    except (OSError, KeyError):
        return f"Run: sudo chmod a+rw {path}"
    if not status.st_mode & stat.S_IWGRP or group.gr_gid == 0:
        return f"Its group {group.gr_name} may not either. Run: sudo chmod a+rw {path}"
    if name in group.gr_mem:
        return f"You are in the group {group.gr_name}, but not since this login: log in again."
    return f"Run: sudo usermod -aG {group.gr_name} {name}   and then log out and in again."


def holders(path: str) -> list[str]:
    """The programs that have the port open, as "name (PID)"; only those that one may look at."""
    found: list[str] = []
    with suppress(OSError):
        device = str(Path(path).resolve())
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            with suppress(OSError):
                files = list((process / "fd").iterdir())
                if any(_target(file) == device for file in files):
                    found.append(f"{_name(process)} ({process.name})")
    return found


def _target(file: Path) -> str | None:
    with suppress(OSError):
        return str(file.readlink())
    return None


def modem_manager_runs() -> bool:
    """Whether the program runs that takes serial ports for modems."""
    with suppress(OSError):
        return any(
            _name(process) == MODEM_MANAGER
            for process in Path("/proc").iterdir()
            if process.name.isdigit()
        )
    return False


def _name(process: Path) -> str:
    with suppress(OSError):
        name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
        return "".join(letter for letter in name if letter.isprintable())
    return "another program"


def shown(heard: bytes) -> str:
    """Bytes as text for people, shortened, nothing in it that could steer a terminal."""
    text = heard[:LONGEST_SHOWN].decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"'{text}'{'...' if len(heard) > LONGEST_SHOWN else ''}"
