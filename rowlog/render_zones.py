"""Time in heart-rate zones as text for people."""

from __future__ import annotations

from rowlog.render import NONE, Style, Table, whole
from rowlog.render_periods import hours, period_label
from rowlog.render_years import heading, notes_of
from rowlog.summary_zones import ZonesPeriod, ZonesSummary


def zones(shown: ZonesSummary, style: Style) -> str:
    """A table with a period a line, and the shares of all of them."""
    if not shown.total.sessions:
        return style.fit("\n".join([*heading(shown.asked), "No sessions."]))
    names = [zone.name for zone in shown.total.zones]
    lows = ["" if zone.low_bpm is None else f"{whole(zone.low_bpm)}+" for zone in shown.total.zones]
    label = "week from" if shown.by == "week" else shown.by
    table = Table((label, "count", *names, "load"), "lr" + "r" * (len(names) + 1))
    if any(lows):
        table.row("", "", *lows, look=style.dim)
    year = (shown.periods[0].start or "")[:4] if shown.periods else ""
    for period in shown.periods:
        _row(table, period_label(shown.by, period.name, period.start, year), period, style)
    table.rule()
    _row(table, "total", shown.total, style)
    known = sum(zone.seconds for zone in shown.total.zones)
    if known:
        shares = [f"{100 * zone.seconds / known:.0f} %" for zone in shown.total.zones]
        table.row("share", "", *shares, look=style.bold)
    lines = [*heading(shown.asked), *table.lines(style), "", *_notes(shown)]
    return style.fit("\n".join(lines).rstrip())


def _row(table: Table, label: str, period: ZonesPeriod, style: Style) -> None:
    if not period.sessions:
        table.row(label, NONE, look=style.dim)
        return
    load = period.banister if period.banister is not None else period.edwards
    cells = [hours(zone.seconds) if zone.seconds >= 30 else "" for zone in period.zones]
    table.row(label, str(period.sessions), *cells, whole(load))


def _notes(shown: ZonesSummary) -> list[str]:
    total = shown.total
    notes = []
    without = total.sessions - total.with_heart_rate
    if total.banister is not None:
        notes.append("Time as h:mm. Load: Banister's training impulse.")
    elif total.edwards is not None:
        notes.append(
            "Time as h:mm. Load: Edwards' training impulse. Banister's needs a resting heart rate\n"
            "and a sex."
        )
    if without:
        notes.append(f"{without} of {total.sessions} sessions have no heart rate.")
    if total.not_judged_s >= 1:
        notes.append(
            f"{hours(total.not_judged_s)} are in no zone: whose they are, or that athlete's "
            "maximum heart rate,\nis not known. See: rowlog athlete --help"
        )
    notes += notes_of(shown.asked)
    return notes
