"""A running session drawn for somebody who rows two metres away: a picture in, cells out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowlog.render import (
    NONE,
    band_words,
    duration,
    metres,
    pace,
    printable,
    target_words,
    whole,
)
from rowlog.render_live_canvas import (
    Canvas,
    big_rows,
    big_width,
    drawable,
    gap,
    scale_for,
    tail_scale,
)
from rowlog.render_live_parts import draw_reps, draw_status, draw_strip, draw_traces

if TYPE_CHECKING:
    from rowlog.live import Live
    from rowlog.plan import Piece, Quantity
    from rowlog.standing import Held

LEAST: Final = (40, 12)
"""Columns and rows below which only lines of text are drawn."""
HURRY_S: Final = 3.0
"""So long before a piece begins or ends by time the whole top of the screen says so."""
SOON_S: Final = 10.0
TALL: Final = 32
"""From so many rows on the top line is in large letters."""
STALE_S: Final = 3.0
"""Without a frame for so long the screen says so."""
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
    for panels in (_top(live), _middle(live)):
        _draw_panels(canvas, y, rows, panels)
        y += rows
    _draw_news(canvas, y, live, shown)
    y += 1
    bottom = canvas.height - 1 - y
    if bottom > 0:
        wide = draw_reps(canvas, 0, y, bottom, live)
        left = canvas.width - wide - 2
        if left >= 12:
            draw_traces(canvas, wide + 2, y, left, bottom, live, braille=shown.braille)
    draw_status(canvas, canvas.height - 1, live)


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
        return (
            f"PAUSED{number}: ROW ON, OR P" if live.held else f"STOPPED{number}: ROW ON"
        ), "pause"
    if where.phase == "done":
        return "DONE: Q Q ENDS", "done"
    if where.phase == "ended":
        return "ENDED", "done"
    if countdown is not None and countdown <= HURRY_S:
        seconds = f"{max(1, _ceil(countdown))}"
        if where.phase == "work":
            return f"STOP IN {seconds}", "hurry"
        if where.next is not None:
            return f"{_go(where.next)} IN {seconds}", "hurry"
    if where.phase == "rest":
        return f"REST{number}", "rest"
    tag = {"warm_up": "WARM UP", "cool_down": "COOL DOWN", "test": "TEST"}.get(
        (where.piece.tag if where.piece is not None else None) or "", "WORK"
    )
    return f"{tag}{number}", "work"


def _go(coming: Piece) -> str:
    if coming.kind == "rest":
        return "REST"
    return "ROW" if coming.activity in ("row", "other") else "GO"


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
        words.append(f"now {_piece_words(where.piece)}")
    if where.next is not None:
        words.append(f"then {_piece_words(where.next)}" if words else _piece_words(where.next))
    elif live.plan is not None and where.piece is not None:
        words.append("then done")
    if where.piece is None or live.plan is None:
        words += [one for one in _totals(live) if one]
    return " " + " · ".join(words)


def _totals(live: Live) -> list[str]:
    now = live.moment
    return [
        f"{metres(now.distance_m)} m" if now.distance_m is not None else "",
        f"{now.stroke_count} stroke{'s' * (now.stroke_count != 1)}" if now.stroke_count else "",
        f"{whole(now.energy_kcal)} kcal" if now.energy_kcal is not None else "",
    ]


def _piece_words(piece: Piece) -> str:
    text = target_words(piece.target)
    if piece.kind == "rest":
        return f"rest {text}"
    if piece.activity not in ("row", "other"):
        return f"{printable(piece.activity, 24)} {text}"
    return text


# The large numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One large number and what it is."""

    label: str
    text: str
    tail: str = ""
    """Tenths, drawn smaller."""
    style: str = "bold"
    sign: str = ""
    """"▲" for more, "▼" for less: what to do about it."""
    said: str = ""
    """What is to be kept, and whether it is, beside the label."""
    said_style: str = ""
    weight: float = 1.0
    """Of the width of the screen."""


def _top(live: Live) -> list[Panel]:
    now, where = live.moment, live.moment.standing
    if where.phase in ("done", "ended"):
        return [
            Panel(label="DISTANCE m", text=whole(now.distance_m)),
            Panel(label="TIME", text=duration(now.t_s)),
        ]
    coming = where.next
    if where.phase == "waiting" or where.phase == "rest":
        first = Panel(label="NEXT", text="END" if where.phase == "rest" else "ROW", style="")
        if coming is not None:
            text = _large(coming)
            wide = 1.0 if text[:1].isdigit() else 1.3
            first = Panel(label=f"NEXT {_said_of(coming)}".rstrip(), text=text, weight=wide)
    elif where.piece is not None and where.piece.activity not in ("row", "other"):
        name = printable(where.piece.activity, 24)
        first = Panel(label=f"NOW {name}", text=name.upper(), weight=1.3)
    elif _rows(live):
        held, sign, style = _guided(live, "pace_s_per_500m")
        main, _, tenth = pace(now.pace_s_per_500m).partition(".")
        first = Panel(
            label="PACE /500 m", text=main, tail=f".{tenth}" if tenth else "", style=style,
            sign=sign, said=held, said_style=style,
        )  # fmt: skip
    else:
        first = Panel(label="SESSION", text=duration(now.t_s))
    return [first, _to_go(live)]


def _to_go(live: Live) -> Panel:
    now, where = live.moment, live.moment.standing
    piece = where.piece
    if where.phase == "waiting" or piece is None:
        return Panel(label="TIME", text=duration(now.t_s), style="dim")
    style = "bold"
    if live.countdown_s is not None and live.countdown_s <= SOON_S:
        style = "soon"
    label = "LEFT"
    if where.phase == "rest":
        label = "REST LEFT" if where.next is None else f"{_go(where.next)} IN"
    if where.to_go is None:
        return Panel(label="TIME", text=duration(where.seconds))
    kind = piece.target.type
    if kind in ("time", "ratio"):
        return Panel(label=label, text=_count(where.to_go), style=style)
    if kind in ("distance", "energy"):
        unit = "m" if kind == "distance" else "kcal"
        word = "TO GO" if where.phase != "rest" else f"{label}:"
        about = "" if live.to_go_s is None else f"about {duration(live.to_go_s)}"
        text = f"{_ceil(where.to_go)}"
        return Panel(label=f"{word} {unit}", text=text, style=style, said=about, said_style="dim")
    sign = ">" if kind == "heart_rate_above" else "<"
    limit = "" if live.countdown_s is None else f", at most {_count(live.countdown_s)}"
    return Panel(label=f"UNTIL HEART RATE{limit}", text=f"{sign}{whole(where.to_go)}")


def _middle(live: Live) -> list[Panel]:
    now, phase = live.moment, live.moment.standing.phase
    heart = _heart(live)
    if not _rows(live):
        return [heart]
    if phase == "rest":
        last = live.reps[-1] if live.reps else None
        main, _, tenth = pace(last.pace_s_per_500m if last else None).partition(".")
        return [
            Panel(
                label="LAST /500 m", text=main, tail=f".{tenth}" if tenth else "", style="",
                weight=1.25,
            ),
            heart,
            Panel(label="LAST WATTS", text=whole(last.power_w if last else None), style=""),
        ]  # fmt: skip
    rate, rate_sign, rate_style = _guided(live, "stroke_rate_spm")
    power, power_sign, power_style = _guided(live, "power_w")
    return [
        Panel(
            label="RATE spm", text=whole(now.stroke_rate_spm), style=rate_style, sign=rate_sign,
            said=rate, said_style=rate_style, weight=0.95,
        ),
        heart,
        Panel(
            label="WATTS", text=whole(now.power_w), style=power_style, sign=power_sign,
            said=power, said_style=power_style,
        ),
    ]  # fmt: skip


def _heart(live: Live) -> Panel:
    held, sign, style = _guided(live, "heart_rate_bpm")
    zone = live.zone_name
    if zone == "below" and live.zones is not None:
        zone = f"below {live.zones.names[0]}"
    said = " ".join(filter(None, (zone, held)))
    if live.above_ceiling:
        said, style, sign = f"{zone or ''} ABOVE {whole(live.ceiling_bpm)}".strip(), "bad", "▼"
    elif live.zone is not None and style in ("bold", "good"):
        style = f"zone{live.zone}"
    return Panel(
        label="HEART", text=whole(live.moment.heart_rate_bpm), style=style, sign=sign, said=said,
        said_style=style, weight=1.1,
    )  # fmt: skip


def _guided(live: Live, quantity: Quantity) -> tuple[str, str, str]:
    """What is to be kept of a quantity; what to do, as a sign; the style of its number."""
    held = next((one for one in live.moment.guidance if one.quantity == quantity), None)
    if held is None or (held.low is None and held.high is None):
        return "", "", "bold"
    words = _range(held)
    if held.state == "in":
        return f"{words} ✓ in", "", "good"
    if held.state == "unknown":
        return words, "", "bold"
    # A pace is seconds: below its band one is too fast.
    more = (held.state == "below") != (quantity == "pace_s_per_500m")
    verb = _VERBS[quantity]
    return f"{words} {verb[0] if more else verb[1]}", "▲" if more else "▼", "warn"


_VERBS: Final = {
    "stroke_rate_spm": ("UP", "DOWN"),
    "pace_s_per_500m": ("FASTER", "SLOWER"),
    "power_w": ("MORE", "LESS"),
    "heart_rate_bpm": ("LOW", "EASE OFF"),
}
"""What to do where there is too little of a quantity, and too much."""


def _range(held: Held) -> str:
    show = pace if held.quantity == "pace_s_per_500m" else whole
    if held.low is None:
        return f"≤{show(held.high)}"
    if held.high is None:
        return f"from {show(held.low)}"
    return show(held.low) if held.low == held.high else f"{show(held.low)}–{show(held.high)}"


def _draw_panels(canvas: Canvas, y: int, rows: int, panels: list[Panel]) -> None:
    whole_weight = sum(panel.weight for panel in panels)
    x, passed = 0, 0.0
    for panel in panels:
        passed += panel.weight
        end = round(canvas.width * passed / whole_weight)
        last = panel is panels[-1]
        _draw_panel(canvas, x, y, end - x - (0 if last else 1), rows, panel)
        x = end


def _draw_panel(canvas: Canvas, x: int, y: int, width: int, rows: int, panel: Panel) -> None:
    end = canvas.text(x, y, panel.label, "label", width)
    if panel.said:
        canvas.text(end + 1, y, panel.said, panel.said_style or "label", x + width - end - 1)
    known = panel.text != NONE
    style = panel.style if known else "dim"
    # Of a name as many words as there is room for: the label has all of it.
    parts = panel.text.split(" ")
    texts = [" ".join(parts[:count]) for count in range(len(parts), 0, -1)] if known else ["-"]
    for text, sign in ((text, sign) for text in texts for sign in dict.fromkeys((panel.sign, ""))):
        taken = big_width(sign, 2) + 2 if sign else 0
        if not drawable(text):
            continue
        scale = scale_for(
            text, width - taken, rows - 1, unicode=canvas.unicode, tail=panel.tail if known else ""
        )
        if scale is None or (sign and scale < 2):
            continue
        after = canvas.big(x, y + 1, text, scale, style)
        if panel.tail:
            small = tail_scale(scale)
            after = canvas.big(
                after, y + 1 + big_rows(scale) - big_rows(small), panel.tail, small, style
            )
        if sign:
            canvas.big(after - gap(scale) + 2, y + 1, sign, min(scale, 2), style)
        return
    canvas.text(x, y + rows // 2, f"{panel.text}{panel.tail} {panel.sign}".rstrip(), style, width)


def _large(piece: Piece) -> str:
    """A piece in a few large letters."""
    if piece.kind == "work" and piece.activity not in ("row", "other"):
        return printable(piece.activity, 24).upper()
    kind, value = piece.target.type, piece.target.value
    if value is None:
        return "ROW" if piece.kind == "work" else "REST"
    if kind == "time":
        return duration(value)
    if kind == "distance":
        return f"{value:g}M"
    if kind == "energy":
        return f"{value:g}CAL"
    if kind == "ratio":
        return "REST"
    return f"{'>' if kind == 'heart_rate_above' else '<'}{value:g}"


def _said_of(piece: Piece) -> str:
    """An exercise's whole name, or what guidance there is."""
    if piece.kind == "work" and piece.activity not in ("row", "other"):
        return _piece_words(piece)
    words = [*map(band_words, piece.bands), *([piece.zone] if piece.zone else [])]
    return "" if not words else f"@ {', '.join(words)}"


def _rows(live: Live) -> bool:
    """Whether there is a rowing machine."""
    named = any(one.source != "strap" for one in live.sources)
    return named or live.moment.distance_m is not None


# News, and what lies over everything


def alarm(live: Live) -> str | None:
    """What must be known at once; None when all is well."""
    if live.moment.trouble is not None:
        return f"NOT STORED YET: {live.moment.trouble} Recording goes on in memory."
    for one in live.sources:
        if one.trouble is not None and one.advice is not None:
            return f"{one.source}: {one.trouble}. {one.advice}"
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
    panels = [*_top(live), *_middle(live)]
    lines = [f"{panel.label} {panel.text}{panel.tail} {panel.sign}".rstrip() for panel in panels]
    lines.append(_next_line(live).strip())
    told = alarm(live) or shown.news
    if told:
        lines.insert(0, told)
    for y, line in enumerate(lines, 1):
        canvas.text(0, y, line, "bold")


def _count(seconds: float) -> str:
    """Seconds that are left, as they are counted down: 0:01 until it is over."""
    return duration(float(_ceil(seconds)))


def _ceil(value: float) -> int:
    return -int(-value // 1)
