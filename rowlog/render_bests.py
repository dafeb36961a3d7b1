"""Best efforts as text for people."""

from __future__ import annotations

from collections.abc import Sequence

from rowlog.charts import line_chart, thinned
from rowlog.render import NONE, Style, Table, clock_time, metres, pace, printable, short_day, whole
from rowlog.render_years import heading, notes_of
from rowlog.summary_bests import Best, BestsSummary, EventSummary


def bests(shown: BestsSummary, style: Style, *, curves: bool) -> str:
    """The table of events; with `curves` what they predict, and the curves themselves."""
    lines = heading(shown.asked)
    if not shown.bests and not shown.groups:
        lines += [_nothing(shown.asked.sessions), *notes_of(shown.asked)]
        return style.fit("\n".join(lines))
    if shown.by is not None:
        for group in shown.groups:
            lines += [style.bold(printable(group.name, 40)), *_table(group.bests, style), ""]
    else:
        lines += _table(shown.bests, style, who=shown.several_athletes)
    if curves:
        lines += ["", *_models(shown), "", *_predictions(shown, style), *_curves(shown, style)]
    note = notes_of(shown.asked)
    return style.fit("\n".join([*lines, *(["", *note] if note else [])]).rstrip())


def event(shown: EventSummary, style: Style, limit: int = 10) -> str:
    """One event by session, the best first."""
    lines = [*heading(shown.asked), style.bold(shown.event)]
    if not shown.bests:
        return style.fit("\n".join([*lines, _nothing(shown.asked.sessions)]))
    lines += _table(shown.bests[:limit], style, events=False)
    more = len(shown.bests) - limit
    if more > 0:
        lines.append(f"{more} more.")
    in_time = sorted(shown.bests, key=lambda best: best.started_at)
    if len(in_time) >= 3:
        paces = [(float(k), best.pace_s_per_500m) for k, best in enumerate(in_time)]
        every, paces = thinned(paces, min)
        of = "" if every == 1 else f", the best of every {every} sessions"
        lines += [
            "",
            f"Pace over time{of}, the faster the higher:",
            *line_chart(
                paces,
                style,
                label_y=pace,
                label_x=lambda k: in_time[int(k)].started_at[:10],
                upside_down=True,
            ),
        ]
    return style.fit("\n".join(lines))


def _table(
    rows: Sequence[Best], style: Style, *, who: bool = False, events: bool = True
) -> list[str]:
    heads = ["event", "best", "pace", "watts", "rowed as", "date", "session"]
    align = "rrrrllr"
    if who:
        heads, align = [*heads, "who"], align + "l"
    table = Table(heads if events else ["", *heads[1:]], align)
    for number, row in enumerate(rows, 1):
        best = clock_time(row.time_s) if row.kind == "distance" else f"{metres(row.distance_m)} m"
        table.row(
            row.event if events else str(number),
            best,
            pace(row.pace_s_per_500m),
            whole(row.power_w),
            "piece" if row.whole else f"in {printable(row.plan, 18)}" if row.plan else "within",
            short_day(row.started_at, row.start_from),
            str(row.session),
            *([printable(row.athlete or "", 12)] if who else []),
        )
    return table.lines(style)


def _models(shown: BestsSummary) -> list[str]:
    if shown.several_athletes:
        return ["Critical power, predictions and VO2max are one athlete's: name one, --athlete."]
    lines = []
    model = shown.critical_power
    if model is None:
        lines.append("Critical power is not known: it takes three hard efforts of 2 to 20 minutes.")
    else:
        lines.append(
            f"Critical power {whole(model.power_w)} W (± {whole(model.power_error_w)}), W' "
            f"{model.reserve_j / 1000:.1f} kJ (± {model.reserve_error_j / 1000:.1f}): work over "
            f"time,\n{model.efforts} efforts of 2 to 20 min."
        )
    if shown.vo2max is not None:
        values = [
            f"{value:.1f} ml/kg/min{words}"
            for value, words in (
                (shown.vo2max.untrained, ""),
                (shown.vo2max.trained, " if highly trained"),
            )
            if value is not None
        ]
        if values:
            lines.append("VO2max, Concept2's estimate from 2000 m: " + ",\n".join(values) + ".")
    return lines


def _predictions(shown: BestsSummary, style: Style) -> list[str]:
    if not shown.predictions:
        return []
    known = {best.event: best for best in shown.bests}
    by = f"from {shown.predicted_from}" if shown.predicted_from else NONE
    table = Table(("event", "best", f"Paul {by}", "by power"), "rrrr")
    for row in shown.predictions:
        best = known.get(row.event)
        timed = row.event.endswith("min")
        texts = [
            f"{metres(amount)} m" if timed and amount is not None else clock_time(amount)
            for amount in (
                (best.distance_m if timed else best.time_s) if best else None,
                row.paul_m if timed else row.paul_s,
                row.curve_m if timed else row.curve_s,
            )
        ]
        table.row(row.event, *texts)
    return [*table.lines(style), ""]


def _curves(shown: BestsSummary, style: Style) -> list[str]:
    lines: list[str] = []
    over = [(best.distance_m, best.pace_s_per_500m) for best in shown.bests]
    if len(over) >= 3:
        lines += [
            "Pace by distance, the faster the higher:",
            *line_chart(
                sorted(over), style, label_y=pace, label_x=lambda m: f"{metres(m)} m",
                log_x=True, upside_down=True,
            ),
            "",
        ]  # fmt: skip
    power = [(best.time_s, best.power_w) for best in shown.power]
    if len(power) >= 3:
        lines += [
            "Power by time:",
            *line_chart(power, style, label_y=lambda w: f"{whole(w)} W", label_x=_span, log_x=True),
        ]
    return lines


def _span(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"


def _nothing(sessions: int) -> str:
    if not sessions:
        return "No sessions."
    return "No such effort yet. The shortest that is kept are 100 m and 1 minute of work."
