"""Devices in reach and the doctor's findings, as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rowlog.render import NONE, Style, Table, printable

if TYPE_CHECKING:
    from rowlog.doctor_step import Step
    from rowlog.finding import Found
    from rowlog.live import Moment
    from rowlog.ports import FoundPort

PORT: Final = "serial:"
BACK_MOMENTS: Final = 5
"""A device that was heard at so many tellings is back: before that links may come and go."""


class LinkNews:
    """What is new about devices that are not heard: each trouble once, until the device is back."""

    def __init__(self) -> None:
        self._told: dict[str, set[str]] = {}
        self._well: dict[str, int] = {}
        self._heard: set[str] = set()
        """Those whose latest trouble was another than not to be heard."""

    def of(self, now: Moment) -> list[str]:
        """Sentences for what is told now, once a second."""
        news: list[str] = []
        for one in now.complaints:
            self._well[one.device] = 0
            told = self._told.setdefault(one.device, set())
            if (key := f"{one.trouble} {one.advice}") not in told:
                told.add(key)
                why = f"{printable(one.device)}: {one.trouble}"
                why += "." if one.heard else f" for {one.seconds:.0f} s; reconnecting."
                news.append(" ".join(filter(None, (why, one.advice))))
                if one.heard:
                    self._heard.add(one.device)
                else:
                    self._heard.discard(one.device)
        away = {one.device for one in now.complaints}
        for device in [device for device in self._told if device not in away]:
            self._well[device] += 1
            if self._well[device] == BACK_MOMENTS:
                del self._told[device]
                again = "sends as it should again" if device in self._heard else "heard again"
                news.append(f"{printable(device)}: {again}.")
        return news


def table(found: Sequence[Found | FoundPort], style: Style, columns: int) -> str:
    """The devices in reach, the nearest first, in lines of at most so many columns; "" for none.

    Serial ports that are no rower's are left to `closing`.
    """
    found = [one for one in found if not one.address.startswith(PORT) or _may_row(one)]
    if not found:
        return ""
    drawn = Table(("dBm", "kind", "name", "address", "", "what"), "rlllll")
    for one in found:
        marks = (("known", one.known is not None), ("connected", one.connected))
        drawn.row(
            str(one.rssi_dbm) if one.rssi_dbm is not None else NONE,
            one.identified.kind,
            one.label,
            one.address,
            ", ".join(mark for mark, true in marks if true),
            printable(one.identified.what if one.trouble is None else one.trouble.what, 120),
        )
    plain = Style(colour=False, unicode=style.unicode)
    return "\n".join(_cut(style.fit(line), columns, style.fit("…")) for line in drawn.lines(plain))


def _cut(line: str, columns: int, mark: str) -> str:
    if len(line) <= columns:
        return line.rstrip()
    return line[: columns - len(mark)].rstrip() + (mark if line[:1].strip("─-") else "")


def _may_row(one: Found | FoundPort) -> bool:
    return one.identified.kind == "rower"


def closing(found: Sequence[Found | FoundPort], *, deaf: bool = False) -> str:
    """What to say after the list; `deaf`: Bluetooth could not be listened to, which is told."""
    others = [one for one in found if one.address.startswith(PORT) and not _may_row(one)]
    also = ""
    if others:
        names = ", ".join(
            one.address.removeprefix(PORT) + (f" ({one.label})" if one.name else "")
            for one in others
        )
        also = f"\nOther serial ports, not asked: {names}"
    if len(others) == len(found):
        if deaf:
            return also.lstrip()
        return (
            "No rower and no strap is in reach. Wake the monitor, close other apps that may hold "
            f"it, wet the strap, plug in the cable; then: rowlog doctor{also}"
        )
    troubles = also + "".join(f"\n{one.trouble}" for one in found if one.trouble is not None)
    usable = [one for one in found if one.identified.driver is not None and one.trouble is None]
    options = " ".join(
        f"--{kind} {one.address}"
        for kind in ("rower", "strap")
        for one in [next((u for u in usable if u.identified.kind == kind), None)]
        if one is not None
    )
    troubles = f"\n{troubles.lstrip()}" if troubles else ""
    return troubles + (f"\nRecord with: rowlog record {options}" if options else "")


def as_json(found: Sequence[Found | FoundPort]) -> list[dict[str, object]]:
    """The devices in reach, the nearest first."""
    return [
        {
            "address": one.address,
            "name": one.name,
            "rssi_dbm": one.rssi_dbm,
            "kind": one.identified.kind,
            "driver": one.identified.driver,
            "what": one.identified.what,
            "certain": one.identified.certain,
            "known": one.known is not None,
            "connected": one.connected,
            "services": list(one.services),
            "trouble": None if one.trouble is None else str(one.trouble),
        }
        for one in found
    ]


def step(one: Step, style: Style, columns: int = 1000) -> str:
    """One finding of the doctor, in lines of at most so many columns where words allow."""
    mark = {"ok": "ok  ", "note": "note", "problem": "BAD "}[one.outcome]
    subject = f"{printable(one.device)}, {one.what}" if one.device is not None else one.what
    text = f"{mark}  {printable(subject, 48)}: {one.text}"
    return style.fit(_set_off(wrapped(text, columns, 6), one.outcome, style))


def _set_off(text: str, outcome: str, style: Style) -> str:
    if outcome != "problem":
        return text
    return "\n".join(style.bold(line) for line in text.split("\n"))


def wrapped(text: str, columns: int, indent: int = 0) -> str:
    """Text in lines of at most so many columns where words allow, the later ones set in."""
    from textwrap import wrap

    return "\n".join(
        wrap(
            text,
            columns,
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def step_json(one: Step) -> dict[str, object]:
    """One finding of the doctor as JSON."""
    return {"what": one.what, "device": one.device, "outcome": one.outcome, "text": one.text}
