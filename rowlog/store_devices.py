"""Devices that were recorded before, by athlete; they are preferred the next time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rowlog.schema import open_for_reading
from rowlog.store_errors import NoDatabaseError, translated


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownDevice:
    """A device that was recorded before."""

    role: str
    """"rower" or "strap"."""
    driver: str
    address: str
    """With its scheme: "ble:AA:BB:CC:DD:EE:FF"."""
    name: str | None
    """As it advertised it, raw."""
    serial_number: str | None
    athlete: str | None
    """Whose it is; None: anybody's."""
    used_at: datetime
    """When it was last recorded."""
    moved_from: str | None = None
    """The address that it was known by until it got this one; only when it is remembered."""


def known_devices(path: Path, athlete: str | None = None) -> list[KnownDevice]:
    """The devices of one athlete and of nobody in particular, last used first; None: all.

    A database that does not exist yet knows none. Raises StoreError.
    """
    try:
        db, path = open_for_reading(path)
    except NoDatabaseError:
        return []
    try:
        with translated(path):
            rows = db.execute(
                "SELECT role, driver, address, known_devices.name, serial_number, athletes.name, "
                "used_at FROM known_devices LEFT JOIN athletes ON athletes.id = athlete_id "
                "WHERE :athlete IS NULL OR athlete_id IS NULL OR athletes.name = :athlete "
                "ORDER BY (athletes.name IS :athlete) DESC, used_at DESC",
                {"athlete": athlete},
            ).fetchall()
    finally:
        db.close()
    return [
        KnownDevice(
            role=row[0],
            driver=row[1],
            address=row[2],
            name=row[3],
            serial_number=row[4],
            athlete=row[5],
            used_at=datetime.fromisoformat(row[6]),
        )
        for row in rows
    ]


def remember(
    db: sqlite3.Connection, athlete_id: int | None, devices: Sequence[KnownDevice]
) -> None:
    """Keep devices as known, within the transaction of the caller; their athlete is the id's."""
    for device in devices:
        db.execute(
            "INSERT INTO known_devices (athlete_id, role, driver, address, name, serial_number, "
            "used_at) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (coalesce(athlete_id, 0), role, address) DO UPDATE SET "
            "driver = excluded.driver, name = excluded.name, used_at = excluded.used_at, "
            "serial_number = coalesce(excluded.serial_number, serial_number)",
            (
                athlete_id,
                device.role,
                device.driver,
                device.address,
                device.name,
                device.serial_number,
                device.used_at.isoformat(),
            ),
        )
        if device.moved_from is not None:
            db.execute(
                "DELETE FROM known_devices WHERE coalesce(athlete_id, 0) = coalesce(?, 0) "
                "AND role = ? AND address = ?",
                (athlete_id, device.role, device.moved_from),
            )


def forget(db: sqlite3.Connection, address: str) -> int:
    """Know a device no longer, whosever it is; how many entries that were."""
    return db.execute(
        "DELETE FROM known_devices WHERE address = ? COLLATE NOCASE", (address,)
    ).rowcount
