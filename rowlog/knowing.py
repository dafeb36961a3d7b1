"""A device whose address has changed is known again by the serial number that it tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rowlog.store_devices import KnownDevice
from rowlog_drivers.protocols import device_information
from rowlog_drivers.transports.ble_identity import MOST_ASKED, SERIAL_NUMBER, is_telling

if TYPE_CHECKING:
    from rowlog_drivers.transports.ble_radio import Radio, Sighting


async def known_by_serial(
    radio: Radio, strangers: Sequence[Sighting], missing: Sequence[KnownDevice]
) -> Mapping[str, KnownDevice]:
    """Which of the strangers are known devices under a new address, by their new address.

    Only those are asked that have the name of a known device which is not in reach itself; asking
    is a connection of a second that records nothing. A serial number that two of them tell is
    taken for nobody's.
    """
    sought = [device for device in missing if is_telling(device.serial_number)]
    names = {device.name for device in sought if device.name}
    asked = [one for one in strangers if one.name in names][:MOST_ASKED]
    told: dict[str, tuple[str, str]] = {}
    for one in asked:
        from rowlog_drivers.transports.ble_link import read_once

        payload = await read_once(radio, one, SERIAL_NUMBER)
        serial = None if payload is None else _text(payload)
        if serial is not None and one.name is not None:
            told[one.address] = (one.name, serial)
    return {
        address: device
        for address, who in told.items()
        for device in sought
        if (device.name, device.serial_number) == who and list(told.values()).count(who) == 1
    }


def _text(payload: bytes) -> str | None:
    info = device_information.decode_string(SERIAL_NUMBER, payload, t_ns=0, source="")
    return getattr(info, "serial_number", None)
