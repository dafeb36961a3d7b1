"""What all texts over years share: the heading, and what is not counted in."""

from __future__ import annotations

from datetime import date
from typing import Final

from rowlog.render import calendar_day, dated_by_file, printable
from rowlog.summary_years import Asked

SPARKS: Final = "▁▂▃▄▅▆▇█"


def heading(asked: Asked) -> list[str]:
    """Who and what was asked for, and when, where that is not all there is; an empty line."""
    parts = [printable(word, 40) for word in asked[:5] if word is not None]
    if asked.since is not None or asked.until is not None:
        parts.append(_dates(asked.since, asked.until))
    return [" · ".join(parts), ""] if parts else []


def notes_of(asked: Asked) -> list[str]:
    """That sessions are not counted in, or are nobody's, and what to do about it."""
    lines = []
    if asked.unkept:
        count = "1 session is" if asked.unkept == 1 else f"{asked.unkept} sessions are"
        lines.append(f"{count} not counted in yet. Do it with: rowlog db rebuild --kept")
    if asked.nobodys:
        count, they = (
            ("1 session is", "it is")
            if asked.nobodys == 1
            else (f"{asked.nobodys} sessions are", "they are")
        )
        whose = printable(asked.only_athlete or "NAME", 40)
        name = f'"{whose}"' if " " in whose else whose
        if asked.only_athlete is not None:
            lines.append(
                f"{count} nobody's, without zones and load. If {they} {whose}'s:\n"
                f"rowlog edit athlete nobody --name {name}"
            )
        else:
            lines.append(
                f"{count} nobody's, without zones and load. Say whose: rowlog edit athlete --help"
            )
    if asked.dated_by_file:
        lines.append(dated_by_file(asked.dated_by_file))
    return lines


def sparkline(values: list[float | None]) -> str:
    """Values as blocks from the lowest to the highest; a blank for what is not known."""
    known = [value for value in values if value is not None]
    if not known:
        return " " * len(values)
    low, high = min(known), max(known)
    spread = high - low
    return "".join(
        " "
        if value is None
        else SPARKS[min(7, int((value - low) / spread * 7.999))]
        if spread
        else SPARKS[3]
        for value in values
    )


def _dates(since: str | None, until: str | None) -> str:
    first, last = (
        None if at is None else calendar_day(date.fromisoformat(at)) for at in (since, until)
    )
    if first is None:
        return f"up to {last}"
    return f"from {first}" if last is None else f"{first} to {last}"
