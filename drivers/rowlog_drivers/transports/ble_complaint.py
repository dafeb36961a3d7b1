"""What is told of a device that is not heard, and from when on people are told what to do."""

from __future__ import annotations

from typing import Final

from rowlog_drivers.interface import Complaint
from rowlog_drivers.transports.ble_errors import BluetoothError, Trouble

HOPELESS: Final = frozenset(
    {
        Trouble.NO_BUS,
        Trouble.NO_SERVICE,
        Trouble.NO_BACKEND,
        Trouble.NO_PERMISSION,
        Trouble.NO_ADAPTER,
        Trouble.NOT_LOW_ENERGY,
        Trouble.ADAPTER_OFF,
        Trouble.BLOCKED,
        Trouble.AMBIGUOUS,
        Trouble.MISSING,
    }
)
"""What does not mend itself within the time that opening may take: somebody must do something."""

ADVISED_S: Final = 30.0
"""Other troubles mostly pass: what to do is told when they have lasted so long, session time."""
ADVISED_ATTEMPTS: Final = 3
"""Or, when links will not come up, after so many attempts."""


def complain(
    source: str, device: str, trouble: BluetoothError, *, seconds: float, attempts: int
) -> Complaint:
    """What to tell of a device that has not been heard for `seconds` of session time."""
    cause = trouble.trouble
    due = (
        cause in HOPELESS
        or cause is Trouble.UNSURE
        or seconds >= ADVISED_S
        or (cause is Trouble.INTERFERENCE and attempts >= ADVISED_ATTEMPTS)
    )
    return Complaint(
        source=source,
        device=device,
        trouble=cause.value,
        seconds=seconds,
        advice=trouble.next_step if due else None,
    )
