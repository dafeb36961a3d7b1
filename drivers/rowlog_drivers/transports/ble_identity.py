"""Whether a device heard under another address is the one that was lost: certain, or not.

Addresses of many straps and phones are private and random, and change every quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rowlog_drivers.transports.ble_radio import Sighting

Read = Callable[["Sighting", str], Awaitable[bytes | None]]
"""One value of a device that is not connected, by its channel; None when it cannot be had."""

SERIAL_NUMBER: Final = "2a25"
"""Serial Number String of the Device Information service."""
MOST_ASKED: Final = 3
"""So many devices are asked for their serial number at most, in each search."""
_STAYS: Final = 0xC0
"""A random address whose first byte is this or more stays at least as long as the battery."""
LEAST_CHARACTERS: Final = 4
"""A shorter serial number, or one of a single character repeated, is no device's own."""


def is_telling(serial: str | None) -> bool:
    """Whether a serial number tells one device from others."""
    return serial is not None and len(serial) >= LEAST_CHARACTERS and len(set(serial)) > 1


class Identity:
    """What is known of a device that was connected, by which it is known again.

    Attributes:
        address: where it was last, None before it was connected.
        proven_address: the same, as far as its serial number tells that it is the same device.
    """

    def __init__(self) -> None:
        self.address: str | None = None
        self.proven_address: str | None = None
        self._sighting: Sighting | None = None
        self._serial: str | None = None
        self._strangers: set[str] = set()

    def connected(self, sighting: Sighting) -> None:
        """It is connected, as it was heard."""
        if self.address in (None, sighting.address):
            self.proven_address = sighting.address
        if self._sighting is None or sighting.name:
            self._sighting = sighting
        self.address = sighting.address

    def told_serial(self, payload: bytes) -> None:
        """It told its serial number."""
        self._serial = _text(payload)

    def is_like(self, other: Sighting) -> bool:
        """Whether what is heard under another address may be it.

        It has its name and one of its services, and no program is connected to it.
        """
        known = self._sighting
        if known is None or not known.name or other.name != known.name:
            return False
        if other.connected or other.address == self.address:
            return False
        return not (known.services and other.services) or not set(known.services).isdisjoint(
            other.services
        )

    async def among(self, alike: Iterable[Sighting], read: Read | None) -> Sighting | None:
        """The one of those alike that is certainly it; None: none is, or that cannot be told.

        By its serial number where it has told one, which `read` asks of each, once. Otherwise it
        is the only one of its name that has no serial number either, if its address is one that
        may change. `read` None: it minds being asked.
        """
        candidates = list(alike)
        if read is None or not is_telling(self._serial):
            if len(candidates) != 1 or not self._may_move():
                return None
            payload = None if read is None else await read(candidates[0], SERIAL_NUMBER)
            if payload is None or not is_telling(_text(payload)):
                return candidates[0]
            self._strangers.add(candidates[0].address)
            return None
        same: list[Sighting] = []
        asked = [one for one in candidates if one.address not in self._strangers]
        for one in asked[:MOST_ASKED]:
            payload = await read(one, SERIAL_NUMBER)
            if payload is None:
                continue  # asked again in the next search
            if _text(payload) == self._serial:
                same.append(one)
            else:
                self._strangers.add(one.address)
        if len(same) != 1:
            return None
        self.address = self.proven_address = same[0].address
        return same[0]

    def are_strangers(self, alike: Iterable[Sighting]) -> bool:
        """Whether all of those alike have told a serial number of their own."""
        return all(one.address in self._strangers for one in alike)

    def _may_move(self) -> bool:
        """Whether its address is one that changes: neither public nor random once and for all.

        Other systems than BlueZ do not tell. The two highest bits of a random address say which it
        is; both are set in those that stay (Bluetooth Core Specification, vol. 6 part B, 1.3.2).
        """
        if self._sighting is None:
            return False
        details = self._sighting.device.details
        properties = details.get("props", {}) if isinstance(details, dict) else {}
        kind = properties.get("AddressType")
        if kind == "random":
            return int(self._sighting.address[:2], 16) < _STAYS
        return kind != "public"


def _text(payload: bytes) -> str:
    return payload.decode("utf-8", "replace").rstrip("\x00 ").strip()
