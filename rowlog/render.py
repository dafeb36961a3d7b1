"""Summaries as text for people: rounding and units happen here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from rowlog.harmless import printable as printable

if TYPE_CHECKING:
    from rowlog.summary import (
        BestSummary,
        CheckSummary,
        GapSummary,
        HeartSummary,
        SegmentationSummary,
        SegmentSummary,
        SessionSummary,
        SplitSummary,
        Summary,
        ZoneSummary,
    )

BOLD: Final = "\x1b[1m"
DIM: Final = "\x1b[2m"
PLAIN: Final = "\x1b[0m"
NONE: Final = "–"
NEGLIGIBLE_M: Final = 25.0
"""Fewer metres outside the pieces are the wheel running out, and not worth a word."""
ESTIMATED: Final = "~"
"""Stands before a figure that hangs on an edge that nobody saw."""
GAPS_TOLD: Final = 3
"""So many stretches that were not seen have a line each."""
PADDLING_STROKES: Final = 3
"""A rest with fewer strokes has no pace worth showing."""
LEAST_SPREAD: Final = 0.02
"""Reps that differ by less than this share are not drawn as if they differed much."""
BARS: Final = "▁▂▃▄▅▆▇█"
COLUMNS: Final = 80
"""Characters of a line, at most, where a table may be as wide as that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How the text may look."""

    colour: bool = False
    """Whether escape sequences for bold and dim may be used."""
    unicode: bool = True
    """Whether more than ASCII can be shown."""

    def bold(self, text: str) -> str:
        """`text`, set off where that can be."""
        return f"{BOLD}{text}{PLAIN}" if self.colour else text

    def dim(self, text: str) -> str:
        """`text`, set back where that can be."""
        return f"{DIM}{text}{PLAIN}" if self.colour else text

    def fit(self, text: str) -> str:
        """`text` in the characters that can be shown."""
        if self.unicode:
            return text
        replaced = text.translate(_ASCII)
        return replaced.encode("ascii", "replace").decode("ascii")


_ASCII: Final = str.maketrans(
    {"–": "-", "─": "-", "·": "|", "×": "x", "▁": "_", "▂": "_", "▃": ".", "▄": ".", "▅": "=",
     "▆": "=", "▇": "#", "█": "#", "→": "->", "…": "..."}
)  # fmt: skip


def clock_time(seconds: float | None) -> str:
    """Seconds as m:ss.t or h:mm:ss.t, truncated to tenths as the monitors do."""
    if seconds is None:
        return NONE
    tenths = _truncated_tenths(seconds)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{tenths // 10:02d}.{tenths % 10}"
    return f"{minutes}:{tenths // 10:02d}.{tenths % 10}"


def pace(seconds: float | None, for_m: float = 500.0) -> str:
    """A pace in seconds per 500 m, told for so many metres, truncated to tenths of a second."""
    if seconds is None or seconds > 5999.9:
        return NONE
    return clock_time(seconds * for_m / 500.0)


def pace_head(for_m: float) -> str:
    """The head of a column of paces: which metres they are for goes without saying for 500."""
    return "pace" if for_m == 500.0 else f"/{for_m:g} m"


def whole(value: float | None) -> str:
    """A number rounded to the nearest whole one."""
    return NONE if value is None else str(int(value + 0.5) if value >= 0 else -int(0.5 - value))


def tenth(value: float | None) -> str:
    """A number rounded to tenths."""
    return NONE if value is None else f"{value:.1f}"


def metres(value: float | None) -> str:
    """Metres truncated to whole ones, as the monitors show them."""
    return NONE if value is None else str(int(value + 1e-6))


def duration(seconds: float | None) -> str:
    """A stretch in whole seconds: 45 s, 7:38, 1:02:03."""
    if seconds is None:
        return NONE
    return clock_time(int(seconds)).removesuffix(".0")


def day(iso: str | None, start: str = "said") -> str:
    """A date and time as people write it: Tue 24 Nov 2026, 18:05.

    `start` is who says that (see `starts`): without a time where none was said, and "~" before
    what is a file's own date.
    """
    if iso is None:
        return NONE
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return printable(iso)
    date_only = calendar_day(at)
    if start in ("day", "file"):
        return f"~{date_only}" if start == "file" else date_only
    return f"{date_only}, {at:%H:%M}"


def short_day(iso: str | None, start: str = "said", *, timed: bool = False) -> str:
    """Likewise without the weekday, and without the time unless it is `timed`: ~24 Nov 2026."""
    told = day(iso, start)
    if told == NONE or " " not in told:
        return told
    mark = "~" if told.startswith("~") else ""
    rest = mark + told.partition(" ")[2]
    return rest if timed else rest.partition(",")[0]


def began(iso: str | None, start: str = "said") -> str:
    """Likewise, and in words what of it is not known: ~Tue 24 Nov 2026 (date of the file)."""
    words = _STARTS.get(start)
    return f"{day(iso, start)} ({words})" if words else day(iso, start)


def undated(starts: Iterable[str]) -> list[str]:
    """The line that says what "~" before a date means, where one of those shown has it."""
    return [BY_FILE] if "file" in starts else []


def dated_by_file(count: int) -> str:
    """That so many sessions stand at dates which nobody said."""
    if count == 1:
        return "1 session stands at the date of its file, which does not say when it was rowed."
    return f"{count} sessions stand at the dates of their files, which do not say when they were."


BY_FILE: Final = "~ is the date of a file that does not say when it was rowed."
_STARTS: Final = {
    "file": "date of the file",
    "local": "no zone said",
    "day": "no time of day said",
}


def calendar_day(at: date) -> str:
    """A date as people write it: Tue 24 Nov 2026."""
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year}"


_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
)  # fmt: skip


_WORKOUT: Final = 24
"""Characters of a workout in the list of sessions, at most; fewer where other columns are wide."""


def sessions(rows: Sequence[SessionSummary], style: Style) -> str:
    """The list of sessions, newest first, one a line."""
    if not rows:
        return "No sessions yet. Record one, or try: rowlog demo"
    heads = ("id", "when", "workout", "metres", "work", "pace", "watts", "HR", "status")
    cells = [
        (
            str(row.id),
            short_day(row.started_at, row.start_from, timed=True),
            printable(row.plan or row.activity, _WORKOUT),
            metres(row.distance_m),
            duration(row.work_s),
            pace(row.mean_pace_s_per_500m),
            whole(row.mean_power_w),
            whole(row.mean_heart_rate_bpm),
            "" if row.status == "complete" else row.status,
        )
        for row in rows
    ]
    # The workout gets what the columns with something in them leave, the watts' too where that is
    # little: the pace tells them. A rule is one longer than each column, with two blanks between.
    widths = {
        column[0]: max(map(len, column)) + 2
        for column in zip(heads, *cells, strict=True)
        if column[0] != "workout" and any(cell not in ("", NONE) for cell in column[1:])
    }
    room = COLUMNS - 1 - sum(widths.values())
    without_watts = room < len("workout")
    if without_watts:
        room = max(len("workout"), room + widths.get("watts", 0))
    table = Table(heads, "rllrrrrrl")
    for one in cells:
        watts = NONE if without_watts else one[6]
        table.row(*one[:2], printable(one[2], room), *one[3:6], watts, *one[7:])
    lines = [*table.lines(style, lean=True), *undated(row.start_from for row in rows)]
    return style.fit("\n".join(lines))


def summary(shown: Summary, style: Style) -> str:
    """One session: its head, its interval table, and what there is to know of the recording."""
    session = shown.session
    blocks = [_head(shown, style)]
    if shown.segments:
        blocks.append("\n".join(_interval_table(shown, style)))
    else:
        blocks.append(_nothing_rowed(session))
    single = [segment for segment in shown.segments if segment.kind == "work"]
    if len(single) == 1 and len(shown.splits) > 1:
        blocks.append("\n".join(split_lines(shown.splits, style, shown.pace_m)))
    if shown.zones:
        blocks.append("\n".join(_zone_lines(shown)))
    notes = facts(shown)
    if len(shown.segmentations) > 1:
        notes += _other_cuts(shown)
    blocks.append("\n".join(notes))
    return style.fit("\n\n".join(block for block in blocks if block))


def check(report: CheckSummary, style: Style) -> str:
    """What a check of the database found."""
    lines = [
        f"{report.path}",
        f"{_count(report.sessions, 'session') or 'no sessions'}, "
        f"{_count(report.frames, 'frame') or 'no frames'}, {report.bytes / 1e6:.1f} MB.",
    ]
    lines += [
        f"Session {number} is not closed: it is being recorded, or was interrupted."
        for number in report.open_sessions
    ]
    lines += [f"Problem: {problem}" for problem in report.problems]
    if report.ok:
        lines.append(style.bold("The database is whole, and every frame can be read."))
    return style.fit("\n".join(lines))


def _head(shown: Summary, style: Style) -> str:
    session, way = shown.session, shown.segmentation
    title = (
        printable(session.plan, 60)
        if session.plan
        else _ACTIVITIES.get(session.activity, session.activity)
    )
    devices = ", ".join(
        "imported"
        if source.driver == "workout_file"
        else f"{source.name} ({printable(source.model or source.driver)})"
        for source in session.sources
    )
    status = "" if session.status == "complete" else f" · {session.status}"
    if way is not None and (way.origin in ("user", "device") or way.text != session.plan):
        cut = _cut_by(way, session.plan)
        status += f" · {cut}" if cut else ""
    head = f"Session {session.id} · {title}{status}"
    if len(head) > COLUMNS:  # how it is cut goes below
        title, _, below = head.rpartition(" · ")
        head = f"{title} ·\n{below}"
    when = began(session.started_at, session.start_from)
    lines = [style.bold(head), style.dim(f"{when} · {devices}" if devices else when)]
    said = [f"#{printable(tag)}" for tag in session.tags]
    if session.note:
        said.append(printable(" ".join(session.note.split()), 76))
    lines += [said_line for said_line in (" ".join(said),) if said_line]
    return "\n".join(lines)


def _cut_by(way: SegmentationSummary | None, plan: str | None) -> str:
    """In a few words how a session is cut here; empty where its own plan or nothing tells."""
    if way is None or way.origin == "plan" or (way.origin == "auto" and way.text is None):
        return ""
    if way.origin == "device":
        text = f" ({printable(way.text, 40)})" if way.text else ""
        return f"cut by the machine{text}"
    if way.origin == "auto":
        sure = "" if way.confidence is None else f", {100 * way.confidence:.0f} % sure"
        return f"looks like {printable(way.text or '', 60)}{sure}"
    return f"cut by {printable(way.text or plan or '', 60)}"


def _other_cuts(shown: Summary) -> list[str]:
    """A line about the other ways in which the session was cut; none where there are none."""
    rest = [way for way in shown.segmentations if way is not shown.segmentation]
    if not rest:
        return []
    names = ", ".join(_way_name(way) for way in rest)
    number = shown.session.id
    told = f"Also cut by {names}. See it with: rowlog show {number} --by {rest[0].id}"
    if len(told) <= COLUMNS:
        return [told]
    first, second = told.split(". See", 1)
    return [f"{first}.", f"See{second}"]


def _way_name(way: SegmentationSummary) -> str:
    words = {"auto": "what it looks like", "device": "the machine"}
    name = words.get(way.origin) or printable(way.text or "no plan", 40)
    return f"{name} ({way.id})"


_ACTIVITIES: Final = {"row": "rowing", "other": "heart rate", "mixed": "rowing and exercises"}


def _interval_table(shown: Summary, style: Style) -> list[str]:
    exercises = any(
        segment.kind == "work" and segment.activity not in ("row", "other")
        for segment in shown.segments
    )
    heads = [
        "",
        "time",
        "metres",
        pace_head(shown.pace_m),
        "rate",
        "watts",
        "HR",
        "max",
        "end",
        "drop",
    ]
    table = Table(
        (heads[0], "exercise", *heads[1:]) if exercises else heads,
        "rlrrrrrrrrr" if exercises else "rrrrrrrrrr",
    )
    works = [segment for segment in shown.segments if segment.kind == "work"]
    speeds = [1 / segment.mean_pace_s_per_500m for segment in works if segment.mean_pace_s_per_500m]
    reps = [segment for segment in works if segment.tag not in EASY]
    for segment, label in zip(shown.segments, labels(shown.segments), strict=True):
        work = segment.kind == "work"
        cells = [label]
        if exercises:
            cells.append(printable(segment.activity, 24) if work else "")
        cells += [clock_time(segment.duration_s), *figures(segment, work=work, pace_m=shown.pace_m)]
        bar = _bar(segment.mean_pace_s_per_500m, speeds) if work else ""
        if work and segment.tag is not None:
            bar = EASY.get(segment.tag, bar)
        table.row(*cells, after=bar, look=style.bold if work else style.dim)
    session = shown.session
    table.rule()
    blank = [""] if exercises else []
    table.row(
        "work",
        *blank,
        clock_time(session.work_s),
        metres(session.work_distance_m),
        pace(session.mean_pace_s_per_500m, shown.pace_m),
        _rate(session.mean_stroke_rate_spm),
        whole(session.mean_power_w),
        *work_heart_rate(reps),
        look=style.bold,
    )
    easy = [segment for segment in works if segment.tag in EASY]
    if easy:
        table.row(
            "easy",
            *blank,
            clock_time(sum(one.duration_s for one in easy)),
            metres(easy_metres(easy)),
            look=style.dim,
        )
    if session.rest_s:
        table.row(
            "rest", *blank, clock_time(session.rest_s), metres(session.rest_distance_m),
            look=style.dim,
        )  # fmt: skip
    table.row(
        "all",
        *blank,
        clock_time(session.duration_s),
        metres(session.distance_m),
        "", "", "",
        whole(session.mean_heart_rate_bpm),
        whole(session.max_heart_rate_bpm),
    )  # fmt: skip
    lean = exercises or not session.heart_rate_coverage  # no strap: no columns of it
    return table.lines(style, lean=lean, shorten="exercise")


EASY: Final = {"warm_up": "warm-up", "cool_down": "cool-down"}


def labels(segments: Sequence[SegmentSummary]) -> list[str]:
    """What each is called: pieces of work by number, "+" where one goes on, the rest by kind."""
    called = []
    number = 0
    piece = None
    for segment in segments:
        if segment.kind != "work":
            called.append(segment.kind)
            continue
        goes_on = number > 0 and segment.piece is not None and segment.piece == piece
        number += not goes_on
        called.append("+" if goes_on else str(number))
        piece = segment.piece
    return called


def figures(segment: SegmentSummary, *, work: bool, pace_m: float = 500.0) -> list[str]:
    """A segment's metres, pace, rate, watts, and mean, highest, end and fallen heart rate.

    The pace is told for `pace_m` metres.
    """
    moving = work or (segment.stroke_count or 0) >= PADDLING_STROKES
    drop = segment.heart_rate_drop_60s_bpm
    if drop is None and work:
        drop_text = "" if segment.end_heart_rate_bpm is None else NONE
    elif drop is None:
        drop_text = ""
    else:
        drop_text = f"-{whole(drop)}" if drop > 0 else whole(-drop)
    pace_text = pace(segment.mean_pace_s_per_500m, pace_m) if segment.mean_pace_s_per_500m else ""
    return [
        about(segment, "distance_m", metres(segment.distance_m))
        if segment.distance_m is not None
        else "",
        about(segment, "mean_pace_s_per_500m", pace_text) if moving else "",
        about(segment, "mean_stroke_rate_spm", _rate(segment.mean_stroke_rate_spm))
        if moving
        else "",
        about(segment, "mean_power_w", _watts(segment.mean_power_w)) if moving else "",
        _beats(segment.mean_heart_rate_bpm),
        _beats(segment.max_heart_rate_bpm),
        _beats(segment.end_heart_rate_bpm),
        drop_text,
    ]


def about(stretch: SegmentSummary | SplitSummary, name: str, text: str) -> str:
    """A figure as text, marked where it is estimated."""
    return f"{ESTIMATED}{text}" if text and stretch.origins.get(name) == "estimated" else text


def _beats(bpm: float | None) -> str:
    return "" if bpm is None else whole(bpm)


def _watts(power_w: float | None) -> str:
    return "" if power_w is None else whole(power_w)


def _rate(spm: float | None) -> str:
    return "" if not spm else tenth(spm)


def work_heart_rate(reps: Sequence[SegmentSummary]) -> list[str]:
    """The work's mean (by time) and highest heart rate."""
    known = [
        (segment.mean_heart_rate_bpm, segment.duration_s * (segment.heart_rate_coverage or 0.0))
        for segment in reps
        if segment.mean_heart_rate_bpm is not None
    ]
    seconds = sum(weight for _, weight in known)
    mean = sum(bpm * weight for bpm, weight in known) / seconds if seconds else None
    highest = max(
        (rep.max_heart_rate_bpm for rep in reps if rep.max_heart_rate_bpm is not None),
        default=None,
    )
    return [_beats(mean), _beats(highest)]


def _bar(pace_s_per_500m: float | None, speeds: Sequence[float]) -> str:
    """Eighths of a block for how fast a rep was among its fellows."""
    if pace_s_per_500m is None or len(speeds) < 2:
        return ""
    low, high = min(speeds), max(speeds)
    low = min(low, high * (1 - LEAST_SPREAD))
    share = (1 / pace_s_per_500m - low) / (high - low)
    return BARS[min(7, int(share * 7.999))]


def split_lines(splits: Iterable[SplitSummary], style: Style, pace_m: float = 500.0) -> list[str]:
    """The splits of one piece, a line each, under their head; pace for `pace_m` metres."""
    table = Table(
        ("split", "time", "metres", pace_head(pace_m), "rate", "watts", "HR", "max"), "rrrrrrrr"
    )
    heard = False
    for split in splits:
        table.row(str(split.index + 1), *split_figures(split, pace_m))
        heard = heard or split.mean_heart_rate_bpm is not None
    return table.lines(style, lean=not heard)


def split_figures(split: SplitSummary, pace_m: float = 500.0) -> list[str]:
    """A split's time, metres, pace, rate, watts, mean and highest heart rate."""
    return [
        clock_time(split.duration_s),
        about(split, "distance_m", metres(split.distance_m)),
        about(split, "mean_pace_s_per_500m", pace(split.mean_pace_s_per_500m, pace_m)),
        about(split, "mean_stroke_rate_spm", _rate(split.mean_stroke_rate_spm)),
        about(split, "mean_power_w", _watts(split.mean_power_w)),
        _beats(split.mean_heart_rate_bpm),
        _beats(split.max_heart_rate_bpm),
    ]


def _zone_lines(shown: Summary) -> list[str]:
    total = sum(zone.seconds for zone in shown.zones) or 1.0
    return [
        f"{zone.name:>7}  {_beats(zone.low_bpm):>3}{_to(zone)}{_beats(zone.high_bpm):<3}"
        f"  {duration(zone.seconds):>8}  {100 * zone.seconds / total:>3.0f} %"
        f"  {'█' * round(30 * zone.seconds / total)}".rstrip()
        for zone in shown.zones
        if zone.low_bpm is not None or zone.seconds >= 1
    ]


def _to(zone: ZoneSummary) -> str:
    """What stands between a zone's limits."""
    if zone.low_bpm is None:
        return " " if zone.high_bpm is None else "<"
    return "+" if zone.high_bpm is None else "–"


def told_bests(bests: Sequence[BestSummary]) -> list[BestSummary]:
    """New bests, as far as they are better by more than a counter of whole metres can tell."""
    found = []
    for best in bests:
        if best.before is None or best.before_started_at is None:
            continue
        over = best.kind == "distance"
        metre = best.amount / best.target if over else 1.0
        if abs(best.before - best.amount) > 2 * metre:  # one at either end
            found.append(best)
    return found


def _best_lines(bests: Sequence[BestSummary]) -> list[str]:
    lines = []
    for best in told_bests(bests):
        assert best.before is not None and best.before_started_at is not None
        over, gain = best.kind == "distance", abs(best.before - best.amount)
        since = day(best.before_started_at, best.before_start_from or "said").partition(",")[0]
        event = f"{best.target:g} m" if over else f"{best.target / 60:g} min"
        shown = clock_time(best.amount) if over else f"{metres(best.amount)} m"
        more = f"{gain:.1f} s" if over else f"{metres(gain)} m"
        lines.append(f"New best over {event}: {shown}, {more} better than on {since}.")
    return lines


def _heart_lines(heart: HeartSummary | None) -> list[str]:
    """What the heart tells, a line for each kind of thing that is known."""
    if heart is None:
        return []
    worth = []
    if heart.metres_per_beat is not None:
        worth.append(f"{heart.metres_per_beat:.2f} m")
    if heart.watts_per_beat is not None:
        worth.append(f"{heart.watts_per_beat:.2f} W")
    parts = [f"{' and '.join(worth)} per beat"] if worth else []
    if heart.decoupling is not None:
        parts.append(f"decoupling {100 * heart.decoupling:.1f} %")
    if heart.banister is not None:
        parts.append(f"training impulse {whole(heart.banister)} (Banister)")
    elif heart.edwards is not None:
        parts.append(f"training impulse {whole(heart.edwards)} (Edwards)")
    lines = [f"Heart: {', '.join(parts)}."] if parts else []
    for words, found in (("Beats", heart.variability), ("Before", heart.resting)):
        if found.mean_rr_ms is not None:
            lines.append(
                f"{words}: {found.intervals} RR intervals, "
                f"{100 * found.corrected / found.intervals:.1f} % left out; RMSSD "
                f"{tenth(found.rmssd_ms)}, SDNN {tenth(found.sdnn_ms)} ms, pNN50 "
                f"{tenth(found.pnn50_pct)} %."
            )
    odd = []
    if heart.spikes:
        odd.append(_count(heart.spikes, "spike"))
    if heart.stuck_s:
        odd.append(f"{duration(heart.stuck_s)} stuck at one value")
    if odd:
        lines.append(f"Odd in the heart rate: {', '.join(odd)}.")
    return lines


def _nothing_rowed(session: SessionSummary) -> str:
    if session.status == "interrupted":
        return (
            f"{duration(session.duration_s)} recorded when it was interrupted; its figures come "
            "when the next recording, or rowlog db rebuild, closes it."
        )
    return f"{duration(session.duration_s)} recorded, nothing rowed in it."


def easy_metres(segments: Sequence[SegmentSummary]) -> float:
    """The metres of stretches; 0 where none are known."""
    return sum(one.distance_m or 0.0 for one in segments)


def facts(shown: Summary) -> list[str]:
    """What the figures rest on, and what was odd about the recording."""
    session, quality = shown.session, shown.quality
    notes: list[str] = []
    if session.heart_rate_coverage:
        source = session.heart_rate_source or "strap"
        share = f"{100 * session.heart_rate_coverage:.0f} %"
        beats = f"Heart rate from {source}, {share} of the time"
        low = session.min_heart_rate_bpm
        notes.append(f"{beats}, lowest {whole(low)}." if low is not None else f"{beats}.")
    notes += _heart_lines(shown.heart)
    notes += _best_lines(shown.bests)
    strokes = [_count(session.stroke_count, "stroke")] if session.stroke_count else []
    if session.energy_kcal is not None:
        strokes.append(f"{whole(session.energy_kcal)} kcal")
    if session.drag_factor is not None:
        strokes.append(f"drag factor {session.drag_factor}")
    if strokes:
        notes.append(f"{', '.join(strokes)}.")
    outside = _outside(shown)
    if outside >= NEGLIGIBLE_M:
        notes.append(f"{metres(outside)} m outside the pieces.")
    notes += _unseen(shown.gaps)
    if any("estimated" in one.origins.values() for one in shown.segments):
        notes.append(f"{ESTIMATED} is estimated: nobody saw all of that.")
    odd = [
        _count(quality.gaps, "gap"),
        _count(quality.link_losses, "lost link"),
        _count(quality.machine_resets, "machine reset"),
        _count(quality.undecoded, "undecoded frame"),
        _count(quality.late_frames, "late frame"),
        _left_out(quality.left_out_frames),
    ]
    seen = ", ".join(text for text in odd if text)
    frames = _count(quality.frames, "frame") or "No frame"
    notes.append(f"{frames} kept; {seen}." if seen else f"{frames} kept, no gaps.")
    return notes


def _left_out(count: int) -> str:
    frames = _count(count, "frame")
    return f"{frames} left out beyond 100 a second" if frames else ""


_WHY: Final = {
    "link: computer slept": "computer slept",
    "link: recording interrupted": "rowlog was not running",
}
"""Causes of a gap that are worth a word."""


def _why(cause: str) -> str:
    """Why something was not seen, in brackets, where it had nothing to do with the machine."""
    return f" ({_WHY[cause]})" if cause in _WHY else ""


def _unseen(gaps: Sequence[GapSummary]) -> list[str]:
    """What the machine counted while it was not heard, a line for each stretch."""
    counted: list[tuple[GapSummary, str]] = []
    for gap in gaps:
        if gap.restarted:
            counted.append((gap, "began again in that time, and what it counted before is lost"))
        elif gap.distance_m is not None and gap.distance_m >= 1:
            counted.append((gap, f"counted {metres(gap.distance_m)} m in that time"))
        elif gap.distance_m is None and gap.stroke_count:
            counted.append((gap, f"counted {_count(gap.stroke_count, 'stroke')} in that time"))
    lines = [
        f"{duration(gap.started_at_s)}: {_seconds(gap.duration_s)} not seen{_why(gap.cause)}; "
        f"the machine {what}."
        for gap, what in counted[:GAPS_TOLD]
    ]
    if len(counted) > GAPS_TOLD:
        rest = sum(gap.duration_s for gap, _ in counted[GAPS_TOLD:])
        lines.append(f"{len(counted) - GAPS_TOLD} more such stretches, {_seconds(rest)} in all.")
    return lines


def _seconds(seconds: float) -> str:
    """A stretch in whole seconds: 41 s, 1:02."""
    return f"{whole(seconds)} s" if seconds < 59.5 else duration(seconds + 0.5)


def _outside(shown: Summary) -> float:
    session = shown.session
    if session.distance_m is None:
        return 0.0
    easy = [one for one in shown.segments if one.kind == "work" and one.tag in EASY]
    inside = (session.work_distance_m or 0.0) + (session.rest_distance_m or 0.0) + easy_metres(easy)
    return session.distance_m - inside


def _count(count: int, what: str) -> str:
    if not count:
        return ""
    plural = "es" if what.endswith("s") else "s"
    return f"{count} {what}{'' if count == 1 else plural}"


def _truncated_tenths(seconds: float) -> int:
    """Whole tenths of a second, cut off; a hair below a tenth counts as that tenth."""
    return int(max(seconds, 0.0) * 10 + 1e-6)


Look = Callable[[str], str]


class Table:
    """Columns that line up, with rules between groups of rows."""

    def __init__(self, heads: Sequence[str], align: str) -> None:
        """`align` has "l" or "r" for each column."""
        self._heads = list(heads)
        self._align = align
        self._rows: list[tuple[list[str], str, Look | None] | None] = []

    def row(self, *cells: str, after: str = "", look: Look | None = None) -> None:
        """Add a row; missing cells stay empty; `after` stands behind the last column."""
        padded = [*cells, *[""] * (len(self._heads) - len(cells))]
        self._rows.append((padded, after, look))

    def rule(self) -> None:
        """Add a line between what stands above and below."""
        self._rows.append(None)

    def lines(self, style: Style, *, lean: bool = False, shorten: str | None = None) -> list[str]:
        """The table, a string a line; `lean` leaves out columns in which nothing is known.

        `shorten` is the head of the column whose words give way where a line would be too long.
        """
        if lean:
            self._drop_empty()
        if shorten in self._heads:
            self._shorten(self._heads.index(shorten))
        cells = [self._heads, *[row[0] for row in self._rows if row is not None]]
        widths = [max(len(row[column]) for row in cells) for column in range(len(self._heads))]
        line = " ".join("─" * (width + 1) for width in widths)
        line = "─" * len(line)
        out = [style.dim(self._joined(self._heads, widths)), style.dim(line)]
        for row in self._rows:
            if row is None:
                out.append(style.dim(line))
                continue
            text = self._joined(row[0], widths)
            shown = row[2](text.rstrip()) if row[2] is not None else text.rstrip()
            if row[1]:
                shown += " " * (len(text) - len(text.rstrip())) + f"  {row[1]}"
            out.append(shown)
        return [text.rstrip() for text in out]

    def _shorten(self, place: int) -> None:
        """Tell a column shorter, as far as 80 columns ask for it and its head lets."""
        rows = [row for row in self._rows if row is not None]
        widths = [
            max(map(len, column))
            for column in zip(self._heads, *(row[0] for row in rows), strict=True)
        ]
        after = max((len(row[1]) + 2 for row in rows if row[1]), default=1)
        over = sum(widths) + 2 * (len(widths) - 1) + after - COLUMNS
        if over > 0:
            room = max(len(self._heads[place]), widths[place] - over)
            for row in rows:
                row[0][place] = printable(row[0][place], room)

    def _drop_empty(self) -> None:
        rows = [row[0] for row in self._rows if row is not None]
        kept = [
            place
            for place in range(len(self._heads))
            if any(row[place] not in ("", NONE) for row in rows)
        ]
        self._heads = [self._heads[place] for place in kept]
        self._align = "".join(self._align[place] for place in kept)
        self._rows = [
            row if row is None else ([row[0][place] for place in kept], *row[1:])
            for row in self._rows
        ]

    def _joined(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        return "  ".join(
            cell.rjust(width) if align == "r" else cell.ljust(width)
            for cell, width, align in zip(cells, widths, self._align, strict=True)
        )
