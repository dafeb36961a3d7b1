"""Trends as text for people: tables, sparklines and charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from rowlog.render import NONE, Style, Table, metres, pace, printable, short_day, whole
from rowlog.render_periods import hours, period_label
from rowlog.render_years import heading, notes_of, sparkline
from rowlog.summary_trends import TrendPeriod, TrendsSummary, WorkoutSummary

Show = Callable[[float | None], str]


def _two(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return NONE if value is None else f"{100 * value:.1f} %"


def _one(value: float | None) -> str:
    return NONE if value is None else f"{value:.1f}"


LINES: Final[tuple[tuple[str, str, Show, bool], ...]] = (
    ("metres", "distance_m", metres, False),
    ("time", "duration_s", hours, False),
    ("pace of the work", "mean_pace_s_per_500m", pace, True),
    ("training load", "load", whole, False),
    ("fall in 30 s", "heart_rate_drop_30s_bpm", _one, False),
    ("fall in 60 s", "heart_rate_drop_60s_bpm", _one, False),
    ("fall in 120 s", "heart_rate_drop_120s_bpm", _one, False),
    ("metres per beat", "metres_per_beat", _two, False),
    ("watts per beat", "watts_per_beat", _two, False),
    ("decoupling", "decoupling", _share, False),
    ("heart rate at power", "heart_rate_at_power_bpm", whole, False),
    ("resting heart rate", "resting_heart_rate_bpm", whole, False),
    ("lowest heart rate", "min_heart_rate_bpm", whole, False),
    ("RMSSD before", "resting_rmssd_ms", _one, False),
)
"""What is followed: its name, its field, how it is written, and whether lower is drawn higher."""


def trends(shown: TrendsSummary, style: Style, *, charts: bool) -> str:
    """Totals by period, and what is known of each figure from first to last as a sparkline."""
    lines = heading(shown.asked)
    if not shown.periods:
        there = "" if not shown.asked.sessions else " in these dates"
        return style.fit("\n".join([*lines, f"No sessions{there}."]))
    followed = _followed(shown, style)
    lines += [*_totals(shown, style), "", *followed, *([""] if followed else ())]
    lines += _standing(shown)
    if charts:
        lines += _charts(shown, style)
    note = notes_of(shown.asked)
    return style.fit("\n".join([*lines, *(["", *note] if note else [])]))


def workout(shown: WorkoutSummary, style: Style, limit: int = 20) -> str:
    """The same workout over time: its latest sessions, a line each, and the pace of all drawn."""
    lines = heading(shown.asked)
    if not shown.sessions:
        return style.fit("\n".join([*lines, "No sessions."]))
    table = Table(
        ("session", "date", "pace", "fastest", "slowest", "rate", "watts", "HR", "max", "drop"),
        "rlrrrrrrrr",
    )
    for row in shown.sessions[-limit:]:
        drop = row.heart_rate_drop_60s_bpm
        table.row(
            str(row.session),
            short_day(row.started_at, row.start_from),
            pace(row.mean_pace_s_per_500m),
            pace(row.fastest_pace_s_per_500m),
            pace(row.slowest_pace_s_per_500m),
            _one(row.mean_stroke_rate_spm),
            whole(row.mean_power_w),
            whole(row.mean_heart_rate_bpm),
            whole(row.max_heart_rate_bpm),
            NONE if drop is None else f"-{whole(drop)}",
        )
    lines += table.lines(style)
    if len(shown.sessions) > limit:
        lines.append(f"{len(shown.sessions) - limit} earlier ones.")
    paces = [
        (float(k), row.mean_pace_s_per_500m)
        for k, row in enumerate(shown.sessions)
        if row.mean_pace_s_per_500m is not None
    ]
    if len(paces) >= 3:
        from rowlog.charts import line_chart, thinned

        every, paces = thinned(paces, min)
        of = "" if every == 1 else f", the best of every {every} sessions"
        lines += [
            "",
            f"Pace{of}, the faster the higher:",
            *line_chart(
                paces,
                style,
                label_y=pace,
                label_x=lambda k: shown.sessions[int(k)].started_at[:10],
                upside_down=True,
            ),
        ]
    return style.fit("\n".join(lines))


def _totals(shown: TrendsSummary, style: Style) -> list[str]:
    label = "week from" if shown.by == "week" else shown.by
    table = Table((label, "count", "h:mm", "metres", "pace", "load", "drop", "W/beat"), "lrrrrrrr")
    year = shown.periods[0].start[:4]
    most = max((period.distance_m or 0 for period in shown.periods), default=0)
    for period in shown.periods:
        name = period_label(shown.by, period.name, period.start, year)
        if not period.sessions:
            table.row(name, NONE, look=style.dim)
            continue
        fall = period.heart_rate_drop_60s_bpm
        table.row(
            name,
            str(period.sessions),
            hours(period.duration_s),
            metres(period.distance_m),
            pace(period.mean_pace_s_per_500m),
            whole(period.load),
            NONE if fall is None else f"-{whole(fall)}",
            _two(period.watts_per_beat),
            after="█" * round(12 * (period.distance_m or 0) / most) if most else "",
        )
    return table.lines(style)


def _followed(shown: TrendsSummary, style: Style) -> list[str]:
    """A line for each figure that is known in two periods at least."""
    table = Table(("", "first", "last", "change", "lowest", "highest"), "lrrrrr")
    earliest_first = shown.periods[::-1]
    count = 0
    for name, field, show, upside_down in LINES:
        values = [getattr(period, field) for period in earliest_first]
        known = [value for value in values if value is not None]
        if len(known) < 2 or (field in _ALONE and len(set(known)) < 2):
            continue
        count += 1
        label = f"{name}, {shown.power_w:g} W" if field == "heart_rate_at_power_bpm" else name
        drawn = [-v if upside_down and v is not None else v for v in values]
        table.row(
            label, show(known[0]), show(known[-1]), _change(known[0], known[-1]),
            show(min(known)), show(max(known)), after=sparkline(drawn[-24:]),
        )  # fmt: skip
    return table.lines(style) if count else []


_ALONE: Final = ("resting_heart_rate_bpm",)
"""Figures that are given by hand, and no trend while they stay the same."""


def _change(first: float, last: float) -> str:
    return NONE if first == 0 else f"{100 * (last - first) / abs(first):+.0f} %"


def _standing(shown: TrendsSummary) -> list[str]:
    """Streaks, and fitness and fatigue of today."""
    run = shown.streaks
    lines = [
        f"{_days(run.days, 'day')} and {_days(run.weeks, 'week')} in a row; the longest were "
        f"{_days(run.longest_days, 'day')} and {_days(run.longest_weeks, 'week')}."
    ]
    if shown.load:
        now = shown.load[-1]
        lines.append(
            f"Fitness {whole(now.fitness)}, fatigue {whole(now.fatigue)}, form "
            f"{whole(now.fitness - now.fatigue)} ({_KINDS[shown.load_by or '']} impulse a day, "
            "over 42 and 7 days)."
        )
        if shown.sessions_without_load:
            lines.append(
                f"{shown.sessions_without_load} sessions have no impulse, and count as nothing."
            )
    else:
        lines.append("No training load: it takes a heart rate and the athlete's maximum.")
    return lines


_KINDS: Final = {"banister": "Banister's", "edwards": "Edwards'"}


def _days(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _charts(shown: TrendsSummary, style: Style) -> list[str]:
    from rowlog.charts import line_chart

    lines: list[str] = []
    earliest_first = shown.periods[::-1]
    for name, field, show, upside_down in LINES:
        points = _points(earliest_first, field)
        if len(points) < 3 or field not in _DRAWN:
            continue
        lines += [
            "",
            f"{name[:1].upper()}{name[1:]}{', the faster the higher' if upside_down else ''}:",
            *line_chart(
                points,
                style,
                height=8,
                label_y=show,
                label_x=lambda k: earliest_first[int(k)].name,
                upside_down=upside_down,
            ),
        ]
    if len(shown.load) >= 14:
        recent = shown.load[-180:]
        for name, values in (
            ("Fitness", [row.fitness for row in recent]),
            ("Fatigue", [row.fatigue for row in recent]),
        ):
            say = whole if max(values) >= 10 else _one
            lines += [
                "",
                f"{name} over the last {len(recent)} days:",
                *line_chart(
                    [(float(k), value) for k, value in enumerate(values)],
                    style,
                    height=8,
                    label_y=say,
                    label_x=lambda k: recent[int(k)].date,
                ),
            ]
    return lines


_DRAWN: Final = (
    "distance_m", "mean_pace_s_per_500m", "load", "heart_rate_drop_60s_bpm", "watts_per_beat",
    "heart_rate_at_power_bpm",
)  # fmt: skip


def _points(periods: Sequence[TrendPeriod], field: str) -> list[tuple[float, float]]:
    return [
        (float(k), value)
        for k, period in enumerate(periods)
        if (value := getattr(period, field)) is not None
    ]


def title(shown: TrendsSummary) -> str:
    """What a picture of it is called."""
    words = [printable(word, 40) for word in shown.asked[:5] if word is not None]
    return " · ".join(["Trends", *words])
