"""Athletes as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from rowlog.render import NONE, Style, Table, calendar_day, printable, whole
from rowlog.summary_athletes import AthleteSummary

WORDS: Final = {
    "birth_year": ("born", ""),
    "sex": ("sex", ""),
    "mass_kg": ("mass", " kg"),
    "resting_heart_rate_bpm": ("resting heart rate", " bpm"),
    "max_heart_rate_bpm": ("maximum heart rate", " bpm"),
    "threshold_heart_rate_bpm": ("heart rate at threshold", " bpm"),
    "threshold_power_w": ("power at threshold", " W"),
    "zones_by": ("zones by", ""),
    "zone_names": ("zones named", ""),
    "zone_limits": ("own zones from", " bpm"),
}
ZONES_BY: Final = {
    "max": "by share of the maximum heart rate",
    "reserve": "by heart-rate reserve, between resting and maximum",
    "threshold": "by the heart rate at the lactate threshold",
    "limits": "by own limits",
}


def athletes(rows: Sequence[AthleteSummary], style: Style) -> str:
    """All athletes, one a line."""
    if not rows:
        return "No athletes yet. Make one with: rowlog athlete add NAME --max 188 --resting 50"
    table = Table(
        ("name", "born", "kg", "rest", "max", "threshold", "zones", "sessions"), "lrrrrrlr"
    )
    for row in rows:
        now = row.now
        table.row(
            printable(row.name, 24),
            NONE if now.birth_year is None else str(now.birth_year),
            _number(now.mass_kg),
            whole(now.resting_heart_rate_bpm),
            whole(now.max_heart_rate_bpm),
            whole(now.threshold_heart_rate_bpm),
            NONE if row.zones_by is None else row.zones_by,
            str(row.sessions),
        )
    return style.fit("\n".join(table.lines(style)))


def athlete(row: AthleteSummary, style: Style) -> str:
    """One athlete: what is true today, the zones, and what was true before."""
    lines = [style.bold(printable(row.name))]
    told = [
        f"{words:<24}{_shown(value)}{unit}"
        for name, (words, unit) in WORDS.items()
        if (value := getattr(row.now, name)) is not None
    ]
    lines += told or ["Nothing is known yet."]
    blocks = ["\n".join(lines)]
    if row.zones and row.zones_by is not None:
        table = Table(("zone", "from", "to", "bpm"), "lrrl")
        for zone in row.zones:
            to = NONE if zone.high_bpm is None else whole(zone.high_bpm)
            table.row(zone.name, whole(zone.low_bpm), to)
        blocks.append("\n".join([f"Zones {ZONES_BY[row.zones_by]}:", *table.lines(style)]))
    else:
        blocks.append(f'No zones yet. Say: rowlog athlete set "{row.name}" {row.missing} ...')
    earlier = [change for change in row.history if change.since is not None]
    if earlier:
        table = Table(("since", "what", "value"), "lll")
        for change in row.history:
            words, unit = WORDS[change.quantity]
            when = (
                "the beginning"
                if change.since is None
                else calendar_day(date.fromisoformat(change.since))
            )
            table.row(when, words, f"{_shown(change.value)}{unit}")
        blocks.append("\n".join(table.lines(style)))
    count = "1 session" if row.sessions == 1 else f"{row.sessions or 'No'} sessions"
    blocks.append(f"{count}.")
    return style.fit("\n\n".join(blocks))


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:g}"


def _shown(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"
