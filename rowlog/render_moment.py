"""A recording's second as a plain line and as JSON, and what its keys are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowlog.render import Style, duration, metres, pace, printable, whole
from rowlog.render_plan import activity_words, target_words

if TYPE_CHECKING:
    from rowlog.live import Moment
    from rowlog.standing import Standing


def moment(now: Moment, style: Style) -> str:
    """One second of a recording as a plain line."""
    where = now.standing
    number = f"{where.number}/{where.count}" if where.count is not None else ""
    phase = "ready" if where.phase == "waiting" else where.phase
    words = [f"{duration(now.t_s):>7}", f"{number:>5}", f"{phase:<5}"]
    piece = where.piece
    off_machine = (
        piece is not None and piece.kind == "work" and piece.activity not in ("row", "other")
    )
    if piece is not None and off_machine:
        words.append(printable(activity_words(piece), 18))
    words.append(f"{_to_go(where):>13}")
    guidance = [style.bold(word) for word in _off_guidance(now)]
    if now.distance_m is not None and not guidance:  # 80 columns hold one of the two
        words.append(f"{metres(now.distance_m):>6} m")
    away = {
        one.source: style.bold(f"{one.source}: {one.trouble} {one.seconds:.0f} s")
        for one in now.complaints
    }
    strap = away.pop("strap", None)
    # What is not heard, or cannot be trusted, leaves its place to why.
    if away:
        words += away.values()
    elif where.phase == "rest" and where.next is not None:
        coming = (
            "" if where.next.activity == "row" else f"{printable(activity_words(where.next), 18)} "
        )
        words.append(f"{f'next {coming}{target_words(where.next.target)}':<23}")
    elif off_machine and now.pace_s_per_500m is None:
        pass  # the exercise's name has the room
    else:
        words += [
            f"{pace(now.pace_s_per_500m, now.pace_m):>6}",
            f"{whole(now.stroke_rate_spm):>3} spm",
            f"{whole(now.power_w):>4} W",
        ]
    words.append(strap or f"{whole(now.heart_rate_bpm):>3} bpm")
    words += guidance
    if now.memory_left_s is not None:
        words.append(style.bold(f"IN MEMORY, {now.memory_left_s:.0f} s LEFT"))
    elif now.trouble is not None:
        words.append(style.bold("CHECK THE DISK"))
    return style.fit("  ".join(words))


def moment_json(now: Moment) -> dict[str, object]:
    """One second of a recording as JSON."""
    from dataclasses import asdict

    where = now.standing
    return {
        "session_id": now.session_id,
        "t_s": now.t_s,
        "frames_committed": now.frames_committed,
        "phase": where.phase,
        "piece": where.index,
        "work_number": where.number,
        "work_count": where.count,
        "piece_s": where.seconds,
        "piece_m": where.metres,
        "to_go": where.to_go,
        "next": None if where.next is None else asdict(where.next),
        "guidance": [asdict(one) for one in now.guidance],
        "distance_m": now.distance_m,
        "stroke_count": now.stroke_count,
        "energy_kcal": now.energy_kcal,
        "pace_s_per_500m": now.pace_s_per_500m,
        "stroke_rate_spm": now.stroke_rate_spm,
        "power_w": now.power_w,
        "heart_rate_bpm": now.heart_rate_bpm,
        "trouble": now.trouble,
        "memory_left_s": now.memory_left_s,
        "complaints": [
            {
                "source": one.source,
                "device": one.device,
                "trouble": one.trouble,
                "seconds": one.seconds,
                "advice": one.advice,
            }
            for one in now.complaints
        ],
    }


def key(label: str) -> str:
    """What a key that was pressed asks for; "help" tells which keys there are."""
    if label == "help":
        return KEYS_HELP
    return f"rowlog: {_KEYS.get(label, f'key: {label}')}"


KEYS_HELP: Final = (
    "rowlog: n or space next piece, p pause, e longer, u undo, m mark, q twice or Ctrl-C end, "
    "? this"
)


_KEYS: Final = {
    "next": "key: next piece (u takes it back)",
    "extend": "key: this piece longer (u takes it back)",
    "pause": "key: pause or go on (u takes it back)",
    "undo": "key: undo",
    "mark": "key: mark",
    "end?": "end the session? q again or y ends it, within 5 s",
    "end": "key: end",
}


_OFF: Final = {
    ("stroke_rate_spm", "below"): "rate up",
    ("stroke_rate_spm", "above"): "rate down",
    ("pace_s_per_500m", "below"): "slower",
    ("pace_s_per_500m", "above"): "faster",
    ("power_w", "below"): "more watts",
    ("power_w", "above"): "fewer watts",
    ("heart_rate_bpm", "below"): "HR low",
    ("heart_rate_bpm", "above"): "HR high",
}
"""What to do where a piece's guidance is not kept."""


def _off_guidance(now: Moment) -> list[str]:
    """What is off the piece's guidance; "in band" where all of it is kept."""
    off = [_OFF[one.quantity, one.state] for one in now.guidance if one.state in ("below", "above")]
    if not off and any(one.state == "in" for one in now.guidance):
        return ["in band"]
    return list(dict.fromkeys(off))  # two bands of one quantity say it once


def _to_go(where: Standing) -> str:
    piece = where.piece
    if piece is None:
        return ""
    if where.to_go is None:
        return duration(where.seconds)
    if piece.target.type in ("time", "ratio"):
        return f"{duration(where.to_go + 0.999)} to go"
    if piece.target.type == "distance":
        return f"{whole(where.to_go)} m to go"
    if piece.target.type == "energy":
        return f"{whole(where.to_go)} cal to go"
    sign = ">" if piece.target.type == "heart_rate_above" else "<"
    return f"until {sign}{whole(where.to_go)} bpm"
