"""A running session drawn for somebody who rows two metres away: a picture in, cells out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowlog.render import duration, metres, pace, printable, whole
from rowlog.render_live_canvas import (
    Canvas,
    big_width,
    drawable,
)
from rowlog.render_live_panels import (
    draw_panels,
    go_word,
    middle_panels,
    piece_words,
    top_panels,
    whole_seconds,
)
from rowlog.render_live_parts import draw_reps, draw_status, draw_strip, draw_traces

if TYPE_CHECKING:
    from rowlog.live import Live

LEAST: Final = (40, 12)
"""Columns and rows below which only lines of text are drawn."""
HURRY_S: Final = 3.0
"""So long before a piece begins or ends by time the whole top of the screen says so."""
TALL: Final = 32
"""From so many rows on the top line is in large letters."""
STALE_S: Final = 3.0
"""Without a frame for so long the screen says so."""
MEAN_M: Final = 50.0
"""The mean pace of a piece is worth a word after so many metres."""
HELP: Final = (
    ("n space", "next piece"),
    ("p", "pause, go on"),
    ("e", "longer"),
    ("u", "undo a key"),
    ("m", "mark"),
    ("q q", "end"),
    ("Ctrl-C", "end at once"),
    ("?", "this"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What is shown besides the session itself."""

    unicode: bool = True
    braille: bool = True
    """Whether the terminal's letters have braille: a Linux console's have not."""
    help: bool = False
    asking: bool = False
    """Whether a key would end the session now."""
    hint: str = "? keys"
    """What the last line says at its end."""
    news: str | None = None
    """The latest thing that happened, as long as it is new."""


def draw(live: Live, shown: Shown, width: int, height: int) -> Canvas:
    """The whole screen. Nothing is written outside of it, whatever its size."""
    canvas = Canvas(width, height, unicode=shown.unicode)
    if width < LEAST[0] or height < LEAST[1]:
        _draw_lines(canvas, live, shown)
    else:
        _draw_all(canvas, live, shown)
    if shown.help:
        _draw_help(canvas)
    if shown.asking:
        text = " End the session?  q or y: end it   any other key: row on "
        canvas.fill(0, height // 2, width, "alarm")
        canvas.text(max(0, (width - len(text)) // 2), height // 2, text, "alarm")
    return canvas


def _draw_all(canvas: Canvas, live: Live, shown: Shown) -> None:
    tall = canvas.height >= TALL
    y = _draw_banner(canvas, live, 3 if tall else 1)
    y = draw_strip(canvas, y, live, labels=tall)
    canvas.text(0, y, _next_line(live), "", canvas.width)
    y += 1
    room = canvas.height - y - 2  # the news and the devices
    rows = room // 2 if room < 12 else max(6, room * 35 // 100)
    for panels in (top_panels(live), middle_panels(live)):
        draw_panels(canvas, y, rows, panels)
        y += rows
    _draw_news(canvas, y, live, shown)
    y += 1
    bottom = canvas.height - 1 - y
    if bottom > 0:
        wide = draw_reps(canvas, 0, y, bottom, live)
        left = canvas.width - wide - 2
        if left >= 12:
            draw_traces(canvas, wide + 2, y, left, bottom, live, braille=shown.braille)
    draw_status(canvas, canvas.height - 1, live, shown.hint)


# The top


def phase_words(live: Live) -> tuple[str, str]:
    """What goes on in a few words, and the name of its style."""
    where = live.moment.standing
    number = f" {where.number}/{where.count}" if where.count is not None else ""
    countdown = live.countdown_s
    if where.phase == "waiting":
        ready = any(one.state == "heard" for one in live.sources)
        return ("READY: ROW TO START" if ready else "WAITING FOR THE DEVICES"), "ready"
    if where.phase == "pause":
        if where.piece is not None and where.piece.activity not in ("row", "other"):
            return f"PAUSED{number}: P GOES ON", "pause"
        return (
            f"PAUSED{number}: ROW ON, OR P" if live.held else f"STOPPED{number}: ROW ON"
        ), "pause"
    if where.phase == "done":
        return "DONE: Q TWICE ENDS", "done"
    if where.phase == "ended":
        return "ENDED", "done"
    if countdown is not None and countdown <= HURRY_S:
        seconds = f"{max(1, whole_seconds(countdown))}"
        if where.phase == "work":
            return f"STOP IN {seconds}", "hurry"
        if where.next is not None:
            return f"{go_word(where.next)} IN {seconds}", "hurry"
    if where.phase == "rest":
        return f"REST{number}", "rest"
    tag = {"warm_up": "WARM UP", "cool_down": "COOL DOWN", "test": "TEST"}.get(
        (where.piece.tag if where.piece is not None else None) or "", "WORK"
    )
    return f"{tag}{number}", "work"


def _draw_banner(canvas: Canvas, live: Live, rows: int) -> int:
    words, style = phase_words(live)
    clock = duration(live.moment.t_s)
    for y in range(rows):
        canvas.fill(0, y, canvas.width, style)
    room = canvas.width - 2
    if rows == 3:
        large = words.replace(",", "")
        if drawable(large) and big_width(large, 1) + 2 + big_width(clock, 1) <= room:
            canvas.big(1, 0, large, 1, style)
            canvas.big(canvas.width - 1 - big_width(clock, 1), 0, clock, 1, style)
            return rows
    middle = rows // 2
    canvas.text(1, middle, words, style, room)
    canvas.right(canvas.width - 1, middle, clock, style)
    return rows


def _next_line(live: Live) -> str:
    """What this piece is, what comes then, how much is left."""
    where = live.moment.standing
    words: list[str] = []
    if where.piece is not None and live.plan is not None:
        words.append(f"now {piece_words(where.piece)}")
    if where.next is not None:
        words.append(f"then {piece_words(where.next)}" if words else piece_words(where.next))
    elif live.plan is not None and where.piece is not None:
        words.append("then done")
    words += course(live)
    if where.piece is None or live.plan is None:
        words += [one for one in _totals(live) if one]
    return " " + " · ".join(words)


def course(live: Live) -> list[str]:
    """A rowed piece's mean pace so far, and what it comes to if that is kept."""
    where, piece = live.moment.standing, live.moment.standing.piece
    if piece is None or where.phase != "work" or not where.metres or where.metres < MEAN_M:
        return []
    if where.seconds <= 0 or piece.activity not in ("row", "other"):
        return []
    mean_s = 500.0 * where.seconds / where.metres
    words = [f"mean {pace(mean_s)}"]
    if where.to_go is not None and piece.target.type == "distance":
        words.append(f"makes {pace(where.seconds + where.to_go / 500.0 * mean_s)}")
    elif where.to_go is not None and piece.target.type == "time":
        words.append(f"makes {metres(where.metres + where.to_go / mean_s * 500.0)} m")
    return words


def _totals(live: Live) -> list[str]:
    now = live.moment
    return [
        f"{metres(now.distance_m)} m" if now.distance_m is not None else "",
        f"{now.stroke_count} stroke{'s' * (now.stroke_count != 1)}" if now.stroke_count else "",
        f"{whole(now.energy_kcal)} kcal" if now.energy_kcal is not None else "",
    ]


# News, and what lies over everything


def alarm(live: Live) -> str | None:
    """What must be known at once; None when all is well."""
    if live.moment.memory_left_s is not None:
        left_s = live.moment.memory_left_s
        return f"NOT STORED YET, {left_s:.0f} s OF MEMORY LEFT: {live.moment.trouble}"
    if live.moment.trouble is not None:
        return live.moment.trouble
    for one in live.sources:
        if one.trouble is not None and one.advice is not None:
            return f"{one.source}: {one.trouble}. {one.advice}"
        working = live.moment.standing.phase == "work" and one.heard_s is not None
        if working and one.state in ("silent", "lost"):
            since_s = live.moment.t_s - (one.heard_s or 0.0)
            why = "" if one.trouble is None else f": {printable(one.trouble, 40)}"
            return f"The {one.source} has not been heard for {since_s:.0f} s{why}"
    stale_s = live.moment.t_s - (live.heard_s if live.heard_s is not None else live.moment.t_s)
    if stale_s > STALE_S and not live.closed and live.moment.standing.phase != "waiting":
        return f"Nothing was heard for {stale_s:.0f} s: the numbers are old."
    if live.above_ceiling:
        bpm, limit = whole(live.moment.heart_rate_bpm), whole(live.ceiling_bpm)
        return f"HEART RATE {bpm}, ABOVE {limit}: EASE OFF"
    return None


def _draw_news(canvas: Canvas, y: int, live: Live, shown: Shown) -> None:
    text = alarm(live)
    if text is not None:
        canvas.fill(0, y, canvas.width, "alarm")
        canvas.text(1, y, text, "alarm", canvas.width - 2)
    elif shown.news is not None:
        canvas.text(1, y, shown.news, "news", canvas.width - 2)
    elif live.plan is not None:
        canvas.text(1, y, " · ".join(one for one in _totals(live) if one), "dim", canvas.width - 2)


def _draw_help(canvas: Canvas) -> None:
    inner = 28
    x = max(0, (canvas.width - inner - 2) // 2)
    y = max(0, (canvas.height - len(HELP) - 4) // 2)
    lines = ["KEYS", *(f"{key:<8} {does}" for key, does in HELP), "the recording goes on"]
    canvas.text(x, y, f"┌{'─' * inner}┐", "help")
    for row, line in enumerate(lines, 1):
        canvas.text(x, y + row, f"│ {line:<{inner - 1}}│", "help")
    canvas.text(x, y + len(lines) + 1, f"└{'─' * inner}┘", "help")


def _draw_lines(canvas: Canvas, live: Live, shown: Shown) -> None:
    """A screen that is too small for large numbers."""
    words, style = phase_words(live)
    canvas.fill(0, 0, canvas.width, style)
    canvas.text(0, 0, words, style)
    panels = [*top_panels(live), *middle_panels(live)]
    lines = [f"{panel.label} {panel.text}{panel.tail} {panel.sign}".rstrip() for panel in panels]
    lines.append(_next_line(live).strip())
    told = alarm(live) or shown.news
    if told:
        lines.insert(0, told)
    for y, line in enumerate(lines, 1):
        canvas.text(0, y, line, "bold")
