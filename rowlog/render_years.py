"""What all texts over years share: the heading, and what is not counted in."""

from __future__ import annotations

from datetime import date
from typing import Final

from rowlog.render import calendar_day, printable
from rowlog.summary_years import Asked

SPARKS: Final = "▁▂▃▄▅▆▇█"


def heading(asked: Asked) -> list[str]:
    """Who and what was asked for, and when, where that is not all there is; an empty line."""
    parts = [printable(word, 40) for word in asked[:5] if word is not None]
    if asked.since is not None or asked.until is not None:
        parts.append(_dates(asked.since, asked.until))
    return [" · ".join(parts), ""] if parts else []


def unkept_note(asked: Asked) -> list[str]:
    """That sessions are not counted in, and what to do about it."""
    if not asked.unkept:
        return []
    count = "1 session is" if asked.unkept == 1 else f"{asked.unkept} sessions are"
    return [f"{count} not counted in yet. Do it with: rowlog db rebuild --kept"]


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
