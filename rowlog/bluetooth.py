"""Bluetooth devices for a session: found, chosen, connected together, remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rowlog.devices import Opened
from rowlog.finding import Ask, Found, Tell, choose, needed_options, profile_of
from rowlog.pipeline import Pipeline
from rowlog.store_devices import KnownDevice
from rowlog_drivers.addresses import Address
from rowlog_drivers.catalog import NAME_OPTION, Role, make_decoding
from rowlog_drivers.clock import Clock
from rowlog_drivers.device import Device
from rowlog_drivers.errors import RowlogError
from rowlog_drivers.frames import SourceHeader
from rowlog_drivers.transports.ble import BleTransport
from rowlog_drivers.transports.ble_radio import Radio


class Motion:
    """Whether the rower moved when it was last heard: what its transport may know of that."""

    def __init__(self) -> None:
        self.pipeline: Pipeline | None = None
        """Set once the session records."""

    def __call__(self) -> bool:
        """Whether it moved."""
        position = self.pipeline.position if self.pipeline is not None else None
        return position is not None and position.moved


@dataclass(frozen=True, slots=True, kw_only=True)
class OnAir:
    """The Bluetooth devices of one session, connected."""

    opened: Opened
    """The session's devices, those included."""
    found: Mapping[Role, Found]
    motion: Motion
    transports: Mapping[Role, BleTransport]

    def moved(self) -> dict[Role, str]:
        """Addresses that devices have now, by their serial numbers, and did not have at first."""
        now = {role: self.transports[role].identity.proven_address for role in self.found}
        return {
            role: f"ble:{address}"
            for role, address in now.items()
            if address is not None and f"ble:{address}" != self.found[role].address
        }


async def connect(
    opened: Opened,
    wanted: Mapping[Role, Address],
    known: Sequence[KnownDevice],
    *,
    athlete: str | None = None,
    optional: frozenset[Role] = frozenset(),
    ask: Ask | None = None,
    tell: Tell | None = None,
) -> OnAir:
    """Find and connect the devices that are wanted, all at a time; they join `opened`.

    An optional one that cannot be had is told of and left out. Raises RowlogError for the others,
    with nothing left connected. The session's time begins when all are found.
    """
    radio = Radio()
    if tell is not None:
        tell(f"Looking for your {' and your '.join(wanted)} ...")
    found = await choose(
        radio, wanted, known, athlete=athlete, optional=optional, ask=ask, tell=tell
    )
    opened.clock.restart()
    motion = Motion()
    transports = {
        role: BleTransport(
            one.sighting,
            role,
            opened.clock,
            profile_of(one),
            radio=radio,
            moving=motion if role == "rower" else None,
        )
        for role, one in found.items()
    }
    try:
        for device in opened.devices:
            await device.transport.open()
        failed = await _open(transports)
        for role, error in failed.items():
            if role not in optional:
                raise error
            if tell is not None:
                tell(f"Recording goes on without the {role}: {error}")
    except BaseException:
        await asyncio.gather(
            *(device.close() for device in opened.devices),
            *(transport.close() for transport in transports.values()),
        )
        raise
    kept = {role: one for role, one in found.items() if role not in failed}
    return OnAir(
        opened=_joined(opened, kept, transports, opened.clock),
        found=kept,
        motion=motion,
        transports=transports,
    )


async def _open(transports: Mapping[Role, BleTransport]) -> dict[Role, RowlogError]:
    """Open all at a time; what went wrong with those that could not be."""
    outcomes = await asyncio.gather(
        *(transport.open() for transport in transports.values()), return_exceptions=True
    )
    failed: dict[Role, RowlogError] = {}
    for role, outcome in zip(transports, outcomes, strict=True):
        if isinstance(outcome, RowlogError):
            failed[role] = outcome
        elif outcome is not None:
            raise outcome
    return failed


def to_remember(
    air: OnAir, serial_numbers: Mapping[str, str], used_at: datetime
) -> list[KnownDevice]:
    """What is kept of the devices of a session; serial numbers by source, as far as known."""
    moved = air.moved()
    return [
        KnownDevice(
            role=role,
            driver=one.identified.driver or "ftms",
            address=moved.get(role, one.address),
            name=one.sighting.name,
            serial_number=serial_numbers.get(role),
            athlete=None,
            used_at=used_at,
            moved_from=one.address if role in moved else _moved_from(one),
        )
        for role, one in air.found.items()
    ]


def _moved_from(one: Found) -> str | None:
    """The address that a device was known by, when that is another than it has now."""
    if one.known is None or one.known.address.casefold() == one.address.casefold():
        return None
    return one.known.address


def _joined(
    opened: Opened,
    found: Mapping[Role, Found],
    transports: Mapping[Role, BleTransport],
    clock: Clock,
) -> Opened:
    sources: list[SourceHeader] = []
    devices: list[Device] = []
    for role, one in found.items():
        name = one.sighting.name
        header = SourceHeader(
            name=role,
            driver=one.identified.driver or "ftms",
            options=(
                *(((NAME_OPTION, name),) if name else ()),
                *needed_options(one),
                *one.options,
            ),
        )
        sources.append(header)
        devices.append(Device(transports[role], make_decoding([header]), clock=clock))
    return replace(
        opened,
        devices=(*opened.devices, *devices),
        sources=(*opened.sources, *sources),
        addresses=opened.addresses | {role: one.address for role, one in found.items()},
        clock=clock,
        running=True,
    )
