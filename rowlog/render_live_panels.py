"""The large numbers of the live view: which there are in each phase, and how each is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rowlog.render import (
    NONE,
    duration,
    pace,
    printable,
    whole,
)
from rowlog.render_live_canvas import (
    Canvas,
    big_rows,
    big_width,
    drawable,
    gap,
    length,
    scale_for,
    tail_scale,
)
from rowlog.render_plan import band_words, target_words

if TYPE_CHECKING:
    from rowlog.live import Live
    from rowlog.plan import Piece, Quantity
    from rowlog.standing import Held

SOON_S: Final = 10.0
"""A countdown is set off for so long."""


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


def top_panels(live: Live) -> list[Panel]:
    """What one most looks at: pace and what is left, or what comes and when."""
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
    elif has_rower(live):
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
        label = "REST LEFT" if where.next is None else f"{go_word(where.next)} IN"
    if where.to_go is None:
        return Panel(label="TIME", text=duration(where.seconds))
    kind = piece.target.type
    if kind in ("time", "ratio"):
        return Panel(label=label, text=_count(where.to_go), style=style)
    if kind in ("distance", "energy"):
        unit = "m" if kind == "distance" else "kcal"
        word = "TO GO" if where.phase != "rest" else f"{label}:"
        about = "" if live.to_go_s is None else f"about {duration(live.to_go_s)}"
        text = f"{whole_seconds(where.to_go)}"
        return Panel(label=f"{word} {unit}", text=text, style=style, said=about, said_style="dim")
    sign = ">" if kind == "heart_rate_above" else "<"
    limit = "" if live.countdown_s is None else f", at most {_count(live.countdown_s)}"
    return Panel(label=f"UNTIL HEART RATE{limit}", text=f"{sign}{whole(where.to_go)}")


def middle_panels(live: Live) -> list[Panel]:
    """Rate, heart rate and watts; in a rest those of the last rep."""
    now, phase = live.moment, live.moment.standing.phase
    heart = _heart(live)
    if not has_rower(live):
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
    said = " ".join(filter(None, (zone, held, fallen(live))))
    if live.above_ceiling:
        said, style, sign = f"{zone or ''} ABOVE {whole(live.ceiling_bpm)}".strip(), "bad", "▼"
    elif live.zone is not None and style in ("bold", "good"):
        style = f"zone{live.zone}"
    return Panel(
        label="HEART", text=whole(live.moment.heart_rate_bpm), style=style, sign=sign, said=said,
        said_style=style, weight=1.1,
    )  # fmt: skip


def fallen(live: Live) -> str:
    """In a rest, how far the heart rate has fallen since the rep's end."""
    now_bpm = live.moment.heart_rate_bpm
    end_bpm = live.reps[-1].end_heart_rate_bpm if live.reps else None
    if live.moment.standing.phase != "rest" or now_bpm is None or end_bpm is None:
        return ""
    return f"{now_bpm - end_bpm:+.0f} since"


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


def draw_panels(canvas: Canvas, y: int, rows: int, panels: list[Panel]) -> None:
    """Draw numbers side by side in so many rows, each in its share of the width."""
    whole_weight = sum(panel.weight for panel in panels)
    x, passed = 0, 0.0
    for panel in panels:
        passed += panel.weight
        end = round(canvas.width * passed / whole_weight)
        last = panel is panels[-1]
        _draw_panel(canvas, x, y, end - x - (0 if last else 1), rows, panel)
        x = end


def _draw_panel(canvas: Canvas, x: int, y: int, width: int, rows: int, panel: Panel) -> None:
    label = panel.label
    if panel.said and length(f"{label} {panel.said}") > width:
        label = label.partition(" ")[0]  # what is to be done is worth more than the unit
    end = canvas.text(x, y, label, "label", width)
    if panel.said:
        canvas.text(end + 1, y, panel.said, panel.said_style or "label", x + width - end - 1)
    known = panel.text != NONE
    style = panel.style if known else "dim"
    # Of a name as many words as there is room for: the label has all of it.
    parts = panel.text.split(" ")
    texts = [" ".join(parts[:count]) for count in range(len(parts), 0, -1)] if known else ["-"]
    tail = panel.tail if known else ""
    for text in filter(drawable, texts):
        alone = scale_for(text, width, rows - 1, unicode=canvas.unicode, tail=tail)
        if alone is None:
            continue
        scale, arrow = _beside(panel.sign, alone, text, tail, width, rows - 1, canvas)
        after = canvas.big(x, y + 1, text, scale, style)
        if tail:
            small = tail_scale(scale)
            after = canvas.big(after, y + 1 + big_rows(scale) - big_rows(small), tail, small, style)
        if arrow:
            canvas.big(after - gap(scale) + 2, y + 1, panel.sign, arrow, style)
        return
    canvas.text(x, y + rows // 2, f"{panel.text}{panel.tail} {panel.sign}".rstrip(), style, width)


def _beside(
    sign: str, alone: int, text: str, tail: str, width: int, rows: int, canvas: Canvas
) -> tuple[int, int]:
    """The scales of a number and of the arrow beside it; 0 for no arrow.

    A number makes room for the arrow by one size at most: it is what is read.
    """
    for arrow in (2, 1) if sign and canvas.unicode else (2,) if sign else ():
        room = width - big_width(sign, arrow) - 2
        scale = scale_for(text, room, rows, unicode=canvas.unicode, tail=tail)
        if scale is not None and scale >= min(alone, max(2, alone - 1)):
            return scale, arrow
    return alone, 0


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
        return piece_words(piece)
    words = [*map(band_words, piece.bands), *([piece.zone] if piece.zone else [])]
    return "" if not words else f"@ {', '.join(words)}"


def has_rower(live: Live) -> bool:
    """Whether there is a rowing machine."""
    named = any(one.source != "strap" for one in live.sources)
    return named or live.moment.distance_m is not None


def go_word(coming: Piece) -> str:
    """What a piece asks for when it begins."""
    if coming.kind == "rest":
        return "REST"
    return "ROW" if coming.activity in ("row", "other") else "GO"


def piece_words(piece: Piece) -> str:
    """A piece in words: "500 m", "rest 1:30", "squats 0:30"."""
    text = target_words(piece.target)
    if piece.kind == "rest":
        return f"rest {text}"
    if piece.activity not in ("row", "other"):
        return f"{printable(piece.activity, 24)} {text}"
    return text


def _count(seconds: float) -> str:
    """Seconds that are left, as they are counted down: 0:01 until it is over."""
    return duration(float(whole_seconds(seconds)))


def whole_seconds(value: float) -> int:
    """Rounded up to a whole number."""
    return -int(-value // 1)
