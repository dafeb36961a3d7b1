"""A session judged, as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowlog.render import NONE, Table, clock_time, duration, pace, printable, whole

if TYPE_CHECKING:
    from rowlog.render import Style
    from rowlog.summary_judging import BandSummary, JudgedSummary, PieceSummary, RepsSummary

_NAMES: Final = {
    "stroke_rate_spm": "rate",
    "pace_s_per_500m": "pace",
    "power_w": "watts",
    "heart_rate_bpm": "HR",
}


def judged(found: JudgedSummary, style: Style) -> str:
    """The score, each piece with its time in band, and how even the reps were."""
    blocks: list[str] = []
    head = f"Session {found.session_id}"
    if found.plan is not None and found.score is not None:
        head += f" · {printable(found.plan, 50)} · {found.score:.0f} of 100"
    blocks.append(style.bold(head))
    if found.pieces:
        blocks.append("\n".join(_table(found, style)))
    reps = [_reps(one) for one in found.reps]
    if reps:
        blocks.append("\n".join(reps))
    if found.unresolved:
        said = ", ".join(found.unresolved)
        blocks.append(
            f"Not judged for want of a best, a maximum heart rate or zones: {said}. "
            "See: rowlog athlete set --help"
        )
    return style.fit("\n\n".join(blocks))


def line(found: JudgedSummary) -> str:
    """The score in a line, for below a session."""
    if found.score is None:
        return ""
    return f"{score_said(found)} More: rowlog judge {found.session_id}"


def score_said(found: JudgedSummary) -> str:
    """The score alone; "" without one."""
    return "" if found.score is None else f"Kept to the plan: {found.score:.0f} of 100."


def _table(found: JudgedSummary, style: Style) -> list[str]:
    guided = any(piece.bands for piece in found.pieces)
    recovering = found.recovery_to_bpm is not None
    heads = ["", "piece", "target", "done"]
    align = "rlrr"
    if guided:
        heads += ["guidance", "in band", "below", "above"]
        align += "lrrr"
    heads.append("score")
    align += "r"
    if recovering:
        heads.append(f"to {whole(found.recovery_to_bpm)} bpm")
        align += "r"
    table = Table(heads, align)
    for piece in found.pieces:
        bands = piece.bands or (None,)
        for place, band in enumerate(bands):
            first = place == 0
            cells = (
                [str(piece.number), printable(piece.activity, 22), _target(piece),
                 f"{100 * piece.done:.0f} %"] if first else ["", "", "", ""]
            )  # fmt: skip
            if guided:
                cells += _band(band)
            cells.append(f"{100 * piece.score:.0f}" if first and found.plan is not None else "")
            if recovering:
                cells.append(duration(piece.recovery_s) if first else "")
            table.row(*cells)
    return table.lines(style, shorten="piece")


def _target(piece: PieceSummary) -> str:
    if piece.target_value is None:
        return piece.target_type or NONE
    units = {"distance": " m", "energy": " kcal", "heart_rate_above": " bpm"}
    if piece.target_type == "time":
        return duration(piece.target_value)
    return f"{piece.target_value:g}{units.get(piece.target_type or '', '')}"


def _band(band: BandSummary | None) -> list[str]:
    if band is None:
        return ["", "", "", ""]
    if band.share is None:
        return [f"{_NAMES.get(band.quantity, '')} {band.said}".strip(), NONE, "", ""]
    return [
        f"{_NAMES[band.quantity]} {band.said}",
        f"{100 * band.share:.0f} %",
        duration(band.below_s) if band.below_s else "",
        duration(band.above_s) if band.above_s else "",
    ]


def _reps(reps: RepsSummary) -> str:
    unit = {"distance": f"{reps.target_value:g} m", "energy": f"{reps.target_value:g} kcal"}
    what = unit.get(reps.target_type) or clock_time(reps.target_value).removesuffix(".0")
    trend = reps.trend_s_per_500m
    way = "slower" if trend > 0 else "faster"
    course = f"each {abs(trend):.1f} s {way}" if abs(trend) >= 0.05 else "no trend"
    return (
        f"{reps.count} times {what}: {pace(reps.fastest_s_per_500m)} to "
        f"{pace(reps.slowest_s_per_500m)}, spread {100 * reps.spread:.1f} %, {course}."
    )
