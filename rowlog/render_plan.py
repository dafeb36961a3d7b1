"""Plans as text for people and as JSON: their pieces, what ends them, and what to keep to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rowlog.render import Style, Table, clock_time, duration, metres, pace, whole

if TYPE_CHECKING:
    from rowlog.plan import Band, Piece, Plan, Target


def plan(parsed: Plan, style: Style, pace_2k: float | None = None) -> str:
    """A plan: its canonical form, its pieces, what they add up to, and how long it takes.

    `pace_2k` is the athlete's pace over 2000 m, in seconds per 500 m; None: not known.
    """
    table = Table(("", "piece", "target", "guidance"), "rlrl")
    number = 0
    for piece in parsed.pieces:
        work = piece.kind == "work"
        number += work
        table.row(
            str(number) if work else "",
            activity_words(piece) if work else "rest",
            target_words(piece.target),
            "  ".join(
                [*(band_words(band) for band in piece.bands), *([piece.zone] if piece.zone else [])]
            ),
            look=style.bold if work else style.dim,
        )
    sums = [f"{parsed.work_count} {'piece' if parsed.work_count == 1 else 'pieces'} of work"]
    if parsed.work_m:
        sums.append(f"{metres(parsed.work_m)} m")
    if parsed.work_s:
        sums.append(f"{duration(parsed.work_s)} by time")
    if parsed.rest_s:
        sums.append(f"{duration(parsed.rest_s)} of rest")
    lines = [style.bold(parsed.text), "", *table.lines(style), "", ", ".join(sums) + "."]
    return style.fit("\n".join([*lines, _length(parsed, pace_2k)]))


def plan_json(parsed: Plan, pace_2k: float | None = None) -> dict[str, object]:
    """A plan as JSON: canonical, work_count, work_m, work_s, rest_s, pieces, and an estimate."""
    from dataclasses import asdict

    from rowlog.estimating import estimate

    found = estimate(parsed, pace_2k)
    return {
        "canonical": parsed.text,
        "work_count": parsed.work_count,
        "work_m": parsed.work_m,
        "work_s": parsed.work_s,
        "rest_s": parsed.rest_s,
        "pieces": [asdict(piece) for piece in parsed.pieces],
        "estimated_s": found.seconds,
        "estimated_by_pace_s_per_500m": pace_2k if found.by_pace else None,
        "open_pieces": found.open_pieces,
    }


def target_words(target: Target) -> str:
    """What ends a piece, as "500 m", "1:30", "until below 120 bpm"."""
    value = target.value
    limit = f", at most {duration(target.at_most_s)}" if target.at_most_s is not None else ""
    if value is None:
        return f"open{limit}"
    texts = {
        "time": duration(value) if value % 1 == 0 else clock_time(value),
        "distance": f"{value:g} m",
        "energy": f"{value:g} kcal",
        "heart_rate_above": f"until above {value:g} bpm",
        "heart_rate_below": f"until below {value:g} bpm",
        "ratio": f"{value:g} × the work",
    }
    return texts.get(target.type, target.type) + limit


def band_words(band: Band) -> str:
    """A band to stay within, as "r24", "1:55.0–2:00.0 /500m", "180–200 W", "≤150 bpm"."""
    if band.reference == "max_heart_rate":
        return f"{_range(band, whole)} % of maximum"
    if band.reference is not None:
        ends = sorted({end for end in (band.low, band.high) if end is not None})
        return " to ".join(f"{band.reference}{end:+g} s" for end in ends)
    units: dict[str, tuple[Callable[[float | None], str], str]] = {
        "stroke_rate_spm": (whole, "spm"),
        "pace_s_per_500m": (pace, "/500m"),
        "power_w": (whole, "W"),
        "heart_rate_bpm": (whole, "bpm"),
    }
    show, unit = units[band.quantity]
    return f"{_range(band, show)} {unit}"


def activity_words(piece: Piece) -> str:
    """What is done in a piece, with what the plan notes of it."""
    return piece.activity if piece.note is None else f"{piece.activity} {piece.note}"


def _length(parsed: Plan, pace_2k: float | None) -> str:
    """How long a plan takes, in a sentence."""
    from rowlog.estimating import estimate

    found = estimate(parsed, pace_2k)
    if found.seconds is None:
        return "How long it takes is not known: nothing was rowed yet that tells your pace."
    more = ""
    if found.open_pieces:
        many = found.open_pieces
        takes = "open piece takes" if many == 1 else f"{many} open pieces take"
        more = f", and as long as the {takes}"
    if not found.by_pace or pace_2k is None:
        return f"{duration(found.seconds)} in all{more}."
    told = f"by your pace over 2000 m, {pace(pace_2k)}"
    return f"About {duration(found.seconds)} in all, {told}{more}."


def _range(band: Band, show: Callable[[float | None], str]) -> str:
    if band.low is None:
        return f"up to {show(band.high)}"
    if band.high is None:
        return f"from {show(band.low)}"
    return show(band.low) if band.low == band.high else f"{show(band.low)}–{show(band.high)}"
