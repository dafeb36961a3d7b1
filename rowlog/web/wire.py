"""A running session in the words of the live page: all rounding is done here, none in the browser.

Messages are JSON objects, one a line where they go through a pipe, with `kind`:

- down: "stage" (how far the recording is), "now" (at every stroke), "past" (once a second: what
  grows slowly), "told" (a sentence)
- up: {"press": LABEL}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from rowlog import render
from rowlog.render_live import course
from rowlog.render_live_panels import fallen

if TYPE_CHECKING:
    from rowlog.live import Live, Moment, Rep, Source
    from rowlog.plan import Piece
    from rowlog.standing import Held

PRESSES: Final = ("next", "undo", "mark", "extend", "pause", "end")
"""What the page's buttons may say."""


def line(kind: str, **said: Any) -> str:
    """One message as JSON, without a line break in it."""
    return json.dumps({"kind": kind, **said}, separators=(",", ":"), allow_nan=False)


def stage(
    name: str, session: int | None = None, error: str | None = None, *, elsewhere: bool = False
) -> str:
    """How far the recording is; `error`: why it could not begin or go on.

    `elsewhere`: another program records it, and it is only watched here.
    """
    return line("stage", stage=name, session=session, error=error, elsewhere=elsewhere)


def now(live: Live) -> str:
    """What changes with every stroke."""
    moment = live.moment
    where = moment.standing
    zone = live.zone
    return line(
        "now",
        number=live.number,
        phase=where.phase,
        paused=live.held,
        elapsed=_clock(moment.t_s),
        pace=render.pace(moment.pace_s_per_500m),
        rate=render.whole(moment.stroke_rate_spm),
        watts=render.whole(moment.power_w),
        hr=render.whole(moment.heart_rate_bpm),
        metres=render.metres(moment.distance_m),
        strokes=moment.stroke_count,
        kcal=render.whole(moment.energy_kcal),
        last=_last(live),
        course=" · ".join(course(live)),
        fallen=fallen(live).replace("-", "−").removesuffix(" since"),
        zone=live.zone_name if zone is not None and zone >= 0 else None,
        zone_place=zone,
        ceiling=render.whole(live.ceiling_bpm) if live.above_ceiling else None,
        piece=_named(where.piece),
        number_of=[where.number, where.count],
        go=_to_go(live),
        countdown=None if live.countdown_s is None else round(live.countdown_s, 2),
        speed=live.speed,
        next=None if where.next is None else _named(where.next),
        next_work=None if where.next is None else where.next.kind == "work",
        at=live.at,
        share=round(live.strip[live.at].share, 4) if live.at is not None and live.strip else None,
        held=[_held(one) for one in moment.guidance],
        age=None if live.heard_s is None else round(max(0.0, moment.t_s - live.heard_s), 1),
        trouble=_trouble(moment),
        closed=live.closed,
    )


def _trouble(moment: Moment) -> str | None:
    """What is wrong with the database, and for how long memory takes its place."""
    if moment.trouble is None or moment.memory_left_s is None:
        return moment.trouble
    return f"Not stored yet, {moment.memory_left_s:.0f} s of memory left: {moment.trouble}"


def past(live: Live) -> str:
    """What changes with every second at most."""
    return line(
        "past",
        session=live.moment.session_id,
        plan=live.plan,
        machine=None if live.machine is None else render.printable(live.machine, 40),
        strip=[
            {
                "kind": piece.kind,
                "name": _activity(piece.activity) if piece.kind == "work" else "rest",
                "text": piece.text,
                "weight": round(piece.weight_s, 1),
                "state": piece.state,
            }
            for piece in live.strip
        ],
        reps=[_rep(rep) for rep in live.reps],
        rep_count=live.rep_count,
        hr=_trace(live.heart_rate.values),
        watts=_trace(live.power.values),
        zones=None
        if live.zones is None
        else [list(zone) for zone in zip(live.zones.names, live.zones.limits_bpm, strict=True)],
        sources=[_source(one, live.moment.t_s) for one in live.sources],
        gaps=live.gaps,
    )


def _last(live: Live) -> str | None:
    """The pace of the piece that was rowed last, to be shown in the rest after it."""
    pace = live.reps[-1].pace_s_per_500m if live.reps else None
    return None if pace is None else render.pace(pace)


def _clock(seconds: float | None) -> str:
    """Whole seconds, always with minutes: 0:07, 1:02:03."""
    return render.NONE if seconds is None else render.clock_time(int(seconds))[:-2]


def _trace(values: Sequence[float | None]) -> list[int | None]:
    return [None if value is None else round(value) for value in values]


def _activity(name: str) -> str:
    return render.printable(name, 40)


def _named(piece: Piece | None) -> str | None:
    """A piece in a few words: "500m", "1:00 rest", "0:30 jumping jacks"."""
    if piece is None:
        return None
    from rowlog.live import target_text

    text = target_text(piece.target)
    text = "" if text == "open" else text
    what = "rest" if piece.kind == "rest" else piece.activity
    if what in ("row", "other"):
        return text or "row"
    return f"{text} {_activity(what)}".strip()


def _to_go(live: Live) -> list[str | None] | None:
    """What is left of the piece: value, unit, and what kind of thing it is; None where open.

    Without a target: the time since the piece began.
    """
    where = live.moment.standing
    piece, left = where.piece, where.to_go
    if piece is None:
        return None
    kind = piece.target.type
    if left is None:
        return [_clock(where.seconds), "", "since"]
    if kind in ("time", "ratio"):
        return [_up(left), "", "time"]
    if kind == "distance":
        return [str(-int(-left // 1)), "m", "distance"]
    if kind == "energy":
        return [str(-int(-left // 1)), "cal", "energy"]
    sign = "<" if kind == "heart_rate_below" else ">"
    return [f"{sign}{left:.0f}", "bpm", "heart"]


def _up(seconds: float) -> str:
    """A time that is left, whole seconds rounded up so that 0:00 is the end."""
    return _clock(-(-seconds // 1))


_QUANTITIES: Final = {
    "stroke_rate_spm": ("Rate", "rate"),
    "pace_s_per_500m": ("Pace", "pace"),
    "power_w": ("Watts", "watts"),
    "heart_rate_bpm": ("HR", "hr"),
}
_ADVICE: Final = {
    ("stroke_rate_spm", "below"): "rate up",
    ("stroke_rate_spm", "above"): "rate down",
    # A pace below its band is a faster one.
    ("pace_s_per_500m", "below"): "ease off",
    ("pace_s_per_500m", "above"): "faster",
    ("power_w", "below"): "more power",
    ("power_w", "above"): "ease off",
    ("heart_rate_bpm", "below"): "harder",
    ("heart_rate_bpm", "above"): "ease off",
}


def _held(held: Held) -> dict[str, str]:
    """One band of guidance: what it is, its limits, and whether it is kept."""
    name, place = _QUANTITIES[held.quantity]
    show = render.pace if held.quantity == "pace_s_per_500m" else render.whole
    limits = [show(value) for value in (held.low, held.high) if value is not None]
    if held.low is None and limits:
        limits = [f"≤ {limits[0]}"]
    elif held.high is None and limits:
        limits = [f"≥ {limits[0]}"]
    elif len(limits) == 2 and limits[0] == limits[1]:
        limits = limits[:1]
    advice = _ADVICE.get((held.quantity, held.state), "")
    return {
        "name": name,
        "place": place,
        "limits": "–".join(limits),
        "state": held.state,
        "advice": advice,
    }


def _rep(rep: Rep) -> list[str]:
    """A row of the table of reps."""
    name = rep.target or ""
    if rep.activity not in ("row", "other"):
        name = f"{name} {_activity(rep.activity)}".strip()
    return [
        str(rep.number),
        name,
        render.clock_time(rep.duration_s),
        render.metres(rep.distance_m),
        render.pace(rep.pace_s_per_500m),
        render.tenth(rep.stroke_rate_spm),
        render.whole(rep.power_w),
        render.whole(rep.mean_heart_rate_bpm),
        render.whole(rep.max_heart_rate_bpm),
    ]


def _source(source: Source, t_s: float) -> dict[str, Any]:
    """One device and how it is heard."""
    return {
        "name": render.printable(source.source, 20),
        "state": source.state,
        "age": None if source.heard_s is None else round(max(0.0, t_s - source.heard_s)),
        "gaps": source.gaps,
        "trouble": None if source.trouble is None else render.printable(source.trouble, 120),
        "advice": None if source.advice is None else render.printable(source.advice, 200),
    }
