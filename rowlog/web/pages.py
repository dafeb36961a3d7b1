"""What stands on each page of history: what the summaries answer, in order for a template."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final
from urllib.parse import urlencode

from rowlog import render
from rowlog.periods import Span
from rowlog.render_rows import interval_rows, key_figures
from rowlog.summary import SessionSummary, Summary, load, load_sessions
from rowlog.summary_bests import load_bests
from rowlog.summary_known import Choices, load_choices
from rowlog.summary_periods import load_periods
from rowlog.summary_trends import TrendPeriod, TrendsSummary, load_trends
from rowlog.summary_zones import ZonesPeriod, load_zones
from rowlog.wanted import Wanted
from rowlog.web.drawing import NUMBERS, SECONDS, Axis, Line, Shade, bar, chart, round_marks
from rowlog.web.starting import Call
from rowlog_drivers.errors import CallError, RowlogError

Plot = tuple[str, str, str]
"""Heading, unit and drawing."""
LEAST_ROOM: Final = 1.0
"""Seconds, watts or beats above and below a curve: there are whole ones to mark beside it, and a
tenth of a second between two months does not look like much."""
A_PAGE: Final = 50
"""So many sessions are listed at a time."""
KEPT: Final = 32
"""The charts of so many sessions are kept: up to 2 MB."""
MONTHS: Final = 24
"""So many months are drawn."""
BY: Final = ("month", "season", "week")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the form above a list says; None: anything."""

    athlete: str | None = None
    activity: str | None = None
    plan: str | None = None
    tag: str | None = None
    machine: str | None = None
    since: str | None = None
    until: str | None = None
    by: str = BY[0]
    pages: int = 1
    """How much of a long list."""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Asked:
        """From an address. Raises CallError."""
        said = {name: query[name] for name in _FILTERS if query.get(name)}
        for name in ("since", "until"):
            if name in said:
                said[name] = _date(said[name]).isoformat()
        by = query.get("by", BY[0])
        pages = query.get("pages", "1")
        return cls(
            **said,
            by=by if by in BY else BY[0],
            pages=min(int(pages), 1000) if pages.isascii() and pages.isdigit() and pages else 1,
        )

    @property
    def wanted(self) -> Wanted:
        """As the summaries are asked."""
        return Wanted(
            self.athlete, self.activity, self.plan, self.tag, self.machine, self.since, self.until
        )

    @property
    def span(self) -> Span:
        """The dates."""
        return Span(*(None if day is None else _date(day) for day in (self.since, self.until)))

    @property
    def filtered(self) -> bool:
        """Whether anything is left out."""
        return self.wanted != Wanted()

    def query(self, **changed: Any) -> str:
        """The same question with other words, for an address."""
        said = replace(self, **changed)
        kept = {name: getattr(said, name) for name in _FILTERS if getattr(said, name)}
        if said.by != BY[0]:
            kept["by"] = said.by
        if said.pages > 1:
            kept["pages"] = str(said.pages)
        return "?" + urlencode(kept) if kept else "?"


_FILTERS: Final = tuple(field.name for field in fields(Asked))[:7]


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CallError(f"{text[:40]!r} is no date.", "Write it as 2026-11-24.") from error


def known(database: Path) -> Choices:
    """What can be chosen."""
    return load_choices(database)


def sessions(database: Path, asked: Asked, today: date) -> dict[str, Any]:
    """The list of sessions, by month."""
    there = database.exists()
    limit = A_PAGE * asked.pages
    rows = load_sessions(database, limit + 1, asked.wanted) if there else ()
    months: list[tuple[str, list[SessionSummary]]] = []
    for row in rows[:limit]:
        at = datetime.fromisoformat(row.started_at)
        name = f"{_MONTHS[at.month - 1]} {at.year}"
        if not months or months[-1][0] != name:
            months.append((name, []))
        months[-1][1].append(row)
    current = None
    if there and rows:
        current = load_periods(database, "season", Span(None, None), today, asked.wanted).current
    return {
        "months": months,
        "more": len(rows) > limit,
        "current": current,
        "known": known(database),
        "title_of": title_of,
    }


_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ACTIVITIES: Final = {"row": "Rowing", "other": "Heart rate", "mixed": "Rowing and exercises"}


def title_of(row: SessionSummary) -> str:
    """A session in a few words."""
    return render.printable(row.plan or _ACTIVITIES.get(row.activity, row.activity), 80)


def session(database: Path, number: int, by: str | None) -> dict[str, Any]:
    """One session; its charts where it is closed and something was heard."""
    shown = load(database, number, by)
    plots: tuple[Plot, ...] = ()
    trouble = None
    if shown.session.duration_s is not None and shown.session.status != "recording":
        try:
            plots = _plots(database, shown)
        except RowlogError as error:
            trouble = str(error)
    heads, rows = interval_rows(shown)
    return {
        "shown": shown,
        "session": shown.session,
        "title": title_of(shown.session),
        "figures": key_figures(shown),
        "plots": plots,
        "trouble": trouble,
        "heads": heads,
        "rows": rows,
        "zones": _zone_rows(shown),
        "ways": shown.segmentations if len(shown.segmentations) > 1 else (),
        "unseen_s": sum(gap.duration_s for gap in shown.gaps),
        "judged": _judged(database, shown),
        "new_bests": render.told_bests(shown.bests),
        "splits": shown.splits if len(shown.splits) > 1 else (),
    }


_drawn: OrderedDict[tuple[Path, str], tuple[Plot, ...]] = OrderedDict()
_drawing = Lock()


def _plots(database: Path, shown: Summary) -> tuple[Plot, ...]:
    """A session's charts over time; those that were drawn lately are kept. Raises StoreError."""
    # All that is known of it, so that charts are drawn anew when it was edited or cut anew.
    key = (database, repr(shown))
    with _drawing:
        if key in _drawn:
            _drawn.move_to_end(key)
            return _drawn[key]
    from rowlog.contents import Contents
    from rowlog.series import load_series
    from rowlog.web.drawing_session import over_time

    series = load_series(database, shown.session.id)
    made = tuple(over_time(Contents(shown, series, (), (), database)))
    with _drawing:
        _drawn[key] = made
        while len(_drawn) > KEPT:
            _drawn.popitem(last=False)
    return made


def _judged(database: Path, shown: Summary) -> str:
    """How the plan was kept, in a sentence; "" where there is nothing to judge."""
    if "@" not in (shown.session.plan or "") or shown.session.status == "recording":
        return ""
    from rowlog.summary_judging import judge

    found = judge(database, shown)
    return "" if found.score is None else f"Kept to the plan: {found.score:.0f} of 100."


def _zone_rows(shown: Summary) -> list[dict[str, Any]]:
    if not any(zone.low_bpm is not None for zone in shown.zones):
        return []
    total = sum(zone.seconds for zone in shown.zones) or 1.0
    most = max(zone.seconds for zone in shown.zones) or 1.0
    rows: list[dict[str, Any]] = []
    place = 0
    for zone in shown.zones:
        inside = zone.name not in ("below", "unknown")
        place += inside
        if not inside and zone.seconds < 1:
            continue
        limits = " – ".join(
            render.whole(bpm) for bpm in (zone.low_bpm, zone.high_bpm) if bpm is not None
        )
        share = zone.seconds / total
        rows.append(
            {
                "name": zone.name,
                "limits": f"below {limits}" if zone.low_bpm is None and limits else limits,
                "seconds": zone.seconds,
                "share": share,
                "bar": bar(zone.seconds / most, f"zone{place}" if inside else "zone0"),
            }
        )
    return rows


def bests(database: Path, asked: Asked, today: date) -> dict[str, Any]:
    """Best efforts, what they predict, and the curves through them."""
    if not database.exists():
        return {"shown": None, "known": known(database), "plots": []}
    shown = load_bests(database, asked.wanted)
    plots = []
    over = sorted((best.distance_m, best.pace_s_per_500m) for best in shown.bests)
    if len(over) >= 3:
        plots.append(("Pace by distance", "/500 m", _by_log(
            "Pace of the best efforts by distance", over, lambda m: f"{m:.0f} m", "pace", True
        )))  # fmt: skip
    power = sorted((best.time_s, best.power_w) for best in shown.power)
    if len(power) >= 3:
        plots.append(("Power by time", "W", _by_log(
            "Highest mean power by time", power, _span_text, "power", False
        )))  # fmt: skip
    return {"shown": shown, "known": known(database), "plots": plots, "predicted": {
        row.event: row for row in shown.predictions
    }}  # fmt: skip


def _span_text(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 else f"{seconds / 60:g} min"


def _by_log(
    told: str, points: Sequence[tuple[float, float]], text: Any, look: str, upside_down: bool
) -> str:
    """A curve over a scale on which equal factors are equally far apart."""
    from math import log

    scaled = [(log(x), y) for x, y in points]
    values = [y for _, y in points]
    low, high = min(values), max(values)
    room = max((high - low) * 0.12, LEAST_ROOM)
    low, high = low - room, high + room
    marks = round_marks(
        low, high, (lambda s: render.clock_time(s)[:-2]) if upside_down else render.whole,
        SECONDS if upside_down else NUMBERS,
    )  # fmt: skip
    few = [points[0], *points[len(points) // 3 : -1 : max(1, len(points) // 3)], points[-1]]
    x = Axis(low=scaled[0][0], high=scaled[-1][0], marks=[(log(at), text(at)) for at, _ in few])
    y = Axis(low=high, high=low, marks=marks) if upside_down else Axis(
        low=low, high=high, marks=marks
    )  # fmt: skip
    return chart(told, x, y, lines=[Line(points=scaled, look=look)], height=200)


def trends(database: Path, asked: Asked, today: date) -> dict[str, Any]:
    """How things went by month, season or week."""
    if not database.exists():
        return {"shown": None, "known": known(database), "plots": []}
    kind = asked.by if asked.by in ("month", "season", "week") else "month"
    shown = load_trends(database, asked.wanted, kind, asked.span, today, days=365)  # type: ignore[arg-type]
    periods = list(reversed(shown.periods[:MONTHS]))
    plots = [
        made
        for made in (
            _columns("Metres", "m", periods, "distance_m", "Metres by period", "pace"),
            _curve("Pace of work", "/500 m", periods, "mean_pace_s_per_500m", "pace"),
            _curve(
                f"Heart rate at {render.whole(shown.power_w)} W", "bpm", periods,
                "heart_rate_at_power_bpm", "heart",
            ),
            _curve("Fall in 60 s of rest", "bpm", periods, "heart_rate_drop_60s_bpm", "rate"),
            _fitness(shown),
        )
        if made is not None
    ]  # fmt: skip
    return {"shown": shown, "known": known(database), "plots": plots, "by": BY}


def _period_axis(periods: Sequence[Any]) -> Axis:
    step = -(-len(periods) // 5)
    marks = [(k + 0.5, one.name) for k, one in enumerate(periods) if k % step == 0]
    return Axis(low=0.0, high=float(len(periods) or 1), marks=marks)


def _columns(
    name: str, unit: str, periods: Sequence[TrendPeriod], field: str, told: str, look: str
) -> tuple[str, str, str] | None:
    values = [getattr(period, field) or 0.0 for period in periods]
    if not any(values):
        return None
    high = max(values) * 1.1
    shades = [
        Shade(
            start=k + 0.15, end=k + 0.85, top=value, look=f"column {look}",
            said=f"{period.name}: {render.metres(value)} {unit}, {period.sessions} sessions",
        )
        for k, (period, value) in enumerate(zip(periods, values, strict=True))
        if value
    ]  # fmt: skip
    y = Axis(low=0.0, high=high, marks=round_marks(0.0, high, _thousands, NUMBERS)[1:])
    return name, unit, chart(told, _period_axis(periods), y, shades=shades, height=180)


def _thousands(value: float) -> str:
    return f"{value:,.0f}".replace(",", " ")


def _curve(
    name: str, unit: str, periods: Sequence[TrendPeriod], field: str, look: str
) -> tuple[str, str, str] | None:
    points = [(k + 0.5, getattr(period, field)) for k, period in enumerate(periods)]
    values = [value for _, value in points if value is not None]
    if len(values) < 2:
        return None
    is_pace = field.startswith("mean_pace")
    low, high = min(values), max(values)
    room = max((high - low) * 0.15, LEAST_ROOM)
    low, high = low - room, high + room
    text = (lambda s: render.clock_time(s)[:-2]) if is_pace else render.whole
    marks = round_marks(low, high, text, SECONDS if is_pace else NUMBERS)
    y = Axis(low=high, high=low, marks=marks) if is_pace else Axis(low=low, high=high, marks=marks)
    # A period without sessions does not break the line: the next one goes on from the last.
    line = Line(points=[(x, value) for x, value in points if value is not None], look=look)
    told = f"{name} by period, from {text(values[0])} to {text(values[-1])}"
    return name, unit, chart(told, _period_axis(periods), y, lines=[line])


def _fitness(shown: TrendsSummary) -> tuple[str, str, str] | None:
    days = shown.load
    if len(days) < 14:
        return None
    high = max(max(day.fitness, day.fatigue) for day in days) * 1.1 or 1.0
    marks = [
        (float(k), f"{_MONTHS[int(day.date[5:7]) - 1][:3]} {day.date[:4]}")
        for k, day in enumerate(days)
        if day.date.endswith("-01") and int(day.date[5:7]) % 3 == 1
    ]
    x = Axis(low=0.0, high=float(len(days) - 1), marks=marks)
    y = Axis(low=0.0, high=high, marks=round_marks(0.0, high, render.whole, NUMBERS))
    lines = [
        Line(points=[(float(k), one.fatigue) for k, one in enumerate(days)], look="heart thin"),
        Line(
            points=[(float(k), one.fitness) for k, one in enumerate(days)], look="pace", area=True
        ),
    ]
    told = f"Fitness and fatigue by day, today {days[-1].fitness:.0f} and {days[-1].fatigue:.0f}"
    return "Fitness (filled) and fatigue", "", chart(told, x, y, lines=lines, height=180)


def zones(database: Path, asked: Asked, today: date) -> dict[str, Any]:
    """Time in zones by month, season or week."""
    if not database.exists():
        return {"shown": None, "known": known(database), "plot": "", "total": []}
    kind = asked.by if asked.by in ("month", "season", "week") else "month"
    shown = load_zones(database, asked.wanted, kind, asked.span, today)  # type: ignore[arg-type]
    periods = list(reversed(shown.periods[:MONTHS]))
    return {
        "shown": shown,
        "known": known(database),
        "plot": _stacked(periods),
        "total": _total(shown.total),
        "by": BY,
    }


def _stacked(periods: Sequence[ZonesPeriod]) -> str:
    sums = [sum(zone.seconds for zone in period.zones[:-1]) for period in periods]
    if not any(sums):
        return ""
    high = max(sums) * 1.08
    shades = []
    for k, period in enumerate(periods):
        low = 0.0
        for place, zone in enumerate(period.zones[:-1]):
            if zone.seconds > 0:
                said = f"{period.name}, {zone.name}: {render.duration(zone.seconds)}"
                shades.append(
                    Shade(start=k + 0.15, end=k + 0.85, low=low, top=low + zone.seconds,
                          look=f"zone{place}", said=said)
                )  # fmt: skip
            low += zone.seconds
    hours = [(3600.0 * h, f"{h:g} h") for h, _ in round_marks(0, high / 3600, str, NUMBERS, 5)[1:]]
    y = Axis(low=0.0, high=high, marks=hours)
    told = "Time in each heart-rate zone by period, as in the table"
    return chart(told, _period_axis(periods), y, shades=shades, height=220)


def _total(period: ZonesPeriod) -> list[dict[str, Any]]:
    every = sum(zone.seconds for zone in period.zones) or 1.0
    most = max(zone.seconds for zone in period.zones) or 1.0
    return [
        {
            "name": zone.name,
            "low": zone.low_bpm,
            "seconds": zone.seconds,
            "share": zone.seconds / every,
            "bar": bar(zone.seconds / most, f"zone{place}" if place < 6 else "zone0"),
        }
        for place, zone in enumerate(period.zones)
        if zone.seconds >= 1
    ]


def plan(database: Path, text: str) -> dict[str, Any]:
    """What a plan means: its canonical text and what it adds up to, or what is wrong and where."""
    from rowlog.workouts import plan_of

    if not text.strip():
        return {"plan": None, "sums": "Row as you like; pieces are found afterwards."}
    try:
        parsed = plan_of(text, database)
    except RowlogError as error:
        return {"error": str(error), "position": getattr(error, "position", None)}
    sums = [f"{parsed.work_count} {'piece' if parsed.work_count == 1 else 'pieces'} of work"]
    if parsed.work_m:
        sums.append(f"{render.metres(parsed.work_m)} m")
    if parsed.work_s:
        sums.append(f"{render.duration(parsed.work_s)} by time")
    if parsed.rest_s:
        sums.append(f"{render.duration(parsed.rest_s)} of rest")
    return {"plan": parsed.text, "sums": ", ".join(sums) + "."}


def call_of(database: Path, said: Mapping[str, Any]) -> Call:
    """What a recording is started with. Raises CallError, NotationError for what cannot be."""
    from rowlog.workouts import plan_of
    from rowlog_drivers.addresses import parse_address

    words: dict[str, str | None] = {}
    for name in ("plan", "rower", "strap", "athlete"):
        value = said.get(name)
        if value is not None and not (isinstance(value, str) and len(value) <= 1000):
            raise CallError(f"{name} is no text.", "Load the page again.")
        words[name] = (value or "").strip() or None
    if words["plan"] is not None:
        words["plan"] = plan_of(words["plan"], database).text
    for name in ("rower", "strap"):
        text = words[name]
        if text is not None and parse_address(text).scheme == "replay":
            # Who holds the key of the page is not to name files of this computer.
            raise CallError(
                "A recorded file is not replayed from the page.",
                "In a terminal: rowlog replay FILE",
            )
    if words["rower"] is None and words["strap"] is None:
        raise CallError("No device is named.", "Choose a rowing machine or a strap.")
    return Call(database=str(database), **words)
