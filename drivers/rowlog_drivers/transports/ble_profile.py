"""What a driver wants of a Bluetooth device, and how a machine differs: data, not code."""

from __future__ import annotations

from dataclasses import dataclass

from rowlog_drivers.frames import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class BleProfile:
    """What a driver wants of a device, and how a machine differs."""

    notify: tuple[str, ...]
    """Channels to subscribe to, in this order; those that the device lacks are left out."""
    needs: tuple[str, ...]
    """Those of `notify` without which it is not the device that the driver reads."""
    reads: tuple[str, ...] = ()
    """Channels to read once, before subscribing; those that the device lacks are left out."""
    start: tuple[Request, ...] = ()
    """What to send once subscribed, for machines that are silent until told to start.

    Each channel is subscribed to as well, and each answer awaited; a refusal changes nothing.
    Nothing is ever sent without this.
    """
    always_sends: bool = False
    """Whether it sends even when nobody moves, so that silence always means a dead link."""
    only_services: tuple[str, ...] = ()
    """Services to look at, for machines that mind others being looked at; (): all."""
    piece_bytes: tuple[tuple[str, int], ...] = ()
    """Channels that take so many bytes a write at most: longer requests are written in pieces."""
