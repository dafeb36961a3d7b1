"""Devices in reach and the doctor's findings, as text and as JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rowlog.render import Style, printable

if TYPE_CHECKING:
    from rowlog.doctor import Step
    from rowlog.finding import Found


class Lines:
    """Tells of every device once, and again when more is known of it."""

    def __init__(self, style: Style, say: Callable[[str], object] | None) -> None:
        self._style = style
        self._say = say
        self._told: dict[str, str] = {}

    def found(self, one: Found) -> None:
        """A device was heard."""
        text = line(one)
        said = text.split("dBm", 1)[-1]
        if self._say is not None and self._told.get(one.address) != said:
            self._told[one.address] = said
            self._say(self._style.fit(text))


def line(one: Found) -> str:
    """One device in a line."""
    sighting = one.sighting
    signal = f"{sighting.rssi_dbm:>4}" if sighting.rssi_dbm is not None else "   –"
    marks = [mark for mark, true in (("known", one.known), ("held", sighting.connected)) if true]
    return (
        f"{signal} dBm  {one.identified.kind:<5}  {sighting.label:<24}  {one.address:<21}  "
        f"{printable(one.identified.what, 60)}{'  (' + ', '.join(marks) + ')' if marks else ''}"
    )


def closing(found: Sequence[Found]) -> str:
    """What to say after the list."""
    if not found:
        return (
            "No rower and no strap is in reach. Wake the monitor, close other apps that may hold "
            "it, wet the strap; then: rowlog doctor"
        )
    usable = [one for one in found if one.identified.driver is not None]
    options = " ".join(
        f"--{kind} {one.address}"
        for kind in ("rower", "strap")
        for one in [next((u for u in usable if u.identified.kind == kind), None)]
        if one is not None
    )
    return f"\nRecord with: rowlog record {options}" if options else ""


def as_json(found: Sequence[Found]) -> list[dict[str, object]]:
    """The devices in reach, the nearest first."""
    return [
        {
            "address": one.address,
            "name": one.sighting.name,
            "rssi_dbm": one.sighting.rssi_dbm,
            "kind": one.identified.kind,
            "driver": one.identified.driver,
            "what": one.identified.what,
            "certain": one.identified.certain,
            "known": one.known is not None,
            "connected": one.sighting.connected,
            "services": list(one.sighting.services),
        }
        for one in found
    ]


def step(one: Step, style: Style) -> str:
    """One finding of the doctor in a line."""
    mark = {"ok": "ok  ", "note": "note", "problem": "BAD "}[one.outcome]
    text = f"{mark}  {printable(one.what, 24)}: {one.text}"
    return style.fit(style.bold(text) if one.outcome == "problem" else text)


def step_json(one: Step) -> dict[str, object]:
    """One finding of the doctor as JSON."""
    return {"what": one.what, "outcome": one.outcome, "text": one.text}
