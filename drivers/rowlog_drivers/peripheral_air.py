"""A peripheral on the air, through whatever Bluetooth the system has."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from rowlog_drivers.peripheral import Event, Hindrance, Peripheral, PeripheralError


async def serve(
    peripheral: Peripheral,
    *,
    adapter: str | None = None,
    tell: Callable[[Event], None] | None = None,
) -> None:
    """Keep the peripheral on the air until cancelled; it is taken off whatever happens.

    `adapter` names the system's Bluetooth adapter, as in "hci0"; None: the first that can.
    Raises PeripheralError, saying why, when that cannot be, or cannot be any longer.
    """
    if sys.platform != "linux":
        raise PeripheralError(
            "A simulated Bluetooth device needs Linux with BlueZ.",
            "Use one as second machine, or record simulated devices without Bluetooth: "
            "rowlog record --rower sim:rower --strap sim:strap",
            hindrance=Hindrance.NOT_LINUX,
        )
    from rowlog_drivers.peripheral_bluez import BluezAir

    air = BluezAir(peripheral, adapter)
    running: asyncio.Task[None] | None = None
    try:
        await air.open()
        if tell is not None:
            text = f"On the air as {peripheral.name!r}, through {air.adapter}."
            tell(Event(name="on_air", text=text))
        running = asyncio.create_task(peripheral.run(air))
        await asyncio.wait({running, air.gone}, return_when=asyncio.FIRST_COMPLETED)
        for future in (air.gone, running):
            if future.done():
                future.result()
    finally:
        if running is not None:
            running.cancel()
            await asyncio.wait({running})
        await air.close()
