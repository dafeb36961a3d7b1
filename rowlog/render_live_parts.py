"""The smaller parts of the live view: the plan as a strip, finished reps, traces, devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rowlog.render import NONE, duration, pace, printable, whole
from rowlog.render_live_canvas import Canvas, length, plot

if TYPE_CHECKING:
    from rowlog.live import Live, Rep, Source, StripPiece, Trace

LEAST_SPAN_BPM: Final = 20.0
"""A heart rate that moves less fills no more of its curve than that."""
REP_COLUMNS: Final = 47
EXERCISE_WIDTH: Final = 14


# The plan


def draw_strip(canvas: Canvas, y: int, live: Live, *, labels: bool) -> int:
    """The plan as one row of blocks, each as wide as its piece is long; the row after it."""
    if not live.strip:
        return y
    rows = 2 if labels else 1
    for piece, start, end in places(live.strip, canvas.width):
        style, character = _looks(piece)
        done = start + round((end - start) * piece.share)
        if piece.state == "now":
            done = min(max(done, start + 1), end)  # where one is shows from the first instant
        canvas.fill(start, y, done - start, style, "█")
        rest = style if piece.state != "now" else f"{style}.left"
        canvas.fill(done, y, end - done, rest, character)
        if end - start >= 3:
            # A seam parts it from the next piece.
            canvas.text(end - 1, y, " ", "")
        if labels and length(piece.text) < end - start:
            style = "bold" if piece.state == "now" else "dim"
            canvas.text(start, y + 1, piece.text, style, end - start)
    return y + rows


def places(strip: tuple[StripPiece, ...], width: int) -> list[tuple[StripPiece, int, int]]:
    """The first cell of each piece and the one after its last; what is too short is left out.

    The piece that goes on always has one.
    """
    total_s = sum(piece.weight_s for piece in strip)
    found: list[tuple[StripPiece, int, int]] = []
    passed_s = 0.0
    for piece in strip:
        start = int(passed_s / total_s * width)
        passed_s += piece.weight_s
        end = int(passed_s / total_s * width + 1e-9)
        if piece.state == "now" and end <= start:
            start, end = (start, start + 1) if start < width else (width - 1, width)
            if found and found[-1][2] > start:
                before, first, _ = found.pop()
                if first < start:
                    found.append((before, first, start))
        elif found and found[-1][2] > start:
            start = found[-1][2]
        if end > start:
            found.append((piece, start, end))
    return found


def _looks(piece: StripPiece) -> tuple[str, str]:
    """The style of a piece, and the character of what of it is still to come."""
    if piece.kind == "rest":
        return f"strip.rest.{piece.state}", "─" if piece.state != "done" else "▬"
    return f"strip.work.{piece.state}", "░" if piece.state != "done" else "█"


# Finished reps


def draw_reps(canvas: Canvas, x: int, y: int, rows: int, live: Live) -> int:
    """The latest reps as a table, as many as there is room for; how wide it is."""
    named = any(rep.activity not in ("row", "other") for rep in live.reps)
    head, lines = reps_table(live.reps[-max(0, rows - 1) :] if rows > 1 else (), named=named)
    width = min(canvas.width, REP_COLUMNS)
    if not live.reps:
        return width if canvas.width < 76 else 0
    canvas.text(x, y, head, "dim", width)
    for row, line in enumerate(lines, 1):
        style = "bold" if row == len(lines) else ""
        canvas.text(x, y + row, line, style, width)
    return width


def reps_table(reps: tuple[Rep, ...], *, named: bool) -> tuple[str, list[str]]:
    """The table's head and its lines; `named`: with the exercise in the place of pace and rate."""
    middle = f"{'exercise':<{EXERCISE_WIDTH}}" if named else f"{'/500m':>7} {'spm':>3}   "
    head = f"{'#':>3} {'piece':<7} {'time':>7} {middle} {'W':>4} {'bpm':>3} {'max':>3}"
    return head, [_rep_line(rep, named=named) for rep in reps]


def _rep_line(rep: Rep, *, named: bool) -> str:
    if named:
        name = "row" if rep.activity == "row" else printable(rep.activity, EXERCISE_WIDTH)
        middle = f"{name:<{EXERCISE_WIDTH}}"[:EXERCISE_WIDTH]
    else:
        middle = f"{pace(rep.pace_s_per_500m):>7} {whole(rep.stroke_rate_spm):>3}   "
    target = rep.target
    if target is None:
        target = NONE if rep.distance_m is None else f"{rep.distance_m:.0f}m"
    return (
        f"{rep.number:>3} {target[:7]:<7} {_time(rep.duration_s):>7} {middle} "
        f"{whole(rep.power_w):>4} {whole(rep.mean_heart_rate_bpm):>3} "
        f"{whole(rep.max_heart_rate_bpm):>3}"
    )


def _time(seconds: float) -> str:
    return pace(seconds) if seconds < 3600 else duration(seconds)


# Traces


def draw_traces(
    canvas: Canvas, x: int, y: int, width: int, rows: int, live: Live, *, braille: bool
) -> None:
    """Heart rate and power of the last minutes, one above the other where there is room."""
    wanted: list[tuple[str, Trace, str]] = []
    if any(value is not None for value in live.heart_rate.values):
        wanted.append(("heart", live.heart_rate, "heart"))
    if any(value is not None for value in live.power.values):
        wanted.append(("W", live.power, "power"))
    if rows < 6:
        wanted = wanted[:1]
    for place, (name, trace, style) in enumerate(wanted):
        top = y + rows * place // len(wanted)
        room = y + rows * (place + 1) // len(wanted) - top
        known = [value for value in trace.values if value is not None]
        low, high = min(known), max(known)
        canvas.text(x, top, _legend(name, low, high, len(trace.values)), "dim", width)
        if name == "heart":
            spare = max(0.0, LEAST_SPAN_BPM - (high - low)) / 2
            low, high = low - spare, high + spare
        else:
            low = 0.0
        lines = plot(
            list(trace.values), width, room - 1, low=low, high=high,
            braille=braille and canvas.unicode,
        )  # fmt: skip
        for row, line in enumerate(lines, 1):
            canvas.text(x, top + row, line, style, width)


def _legend(name: str, low: float, high: float, seconds: int) -> str:
    unit = "bpm" if name == "heart" else "W"
    word = "HEART" if name == "heart" else "POWER"
    span = f"{seconds // 60} min" if seconds >= 120 else f"{seconds} s"
    return f"{word} {whole(low)}–{whole(high)} {unit}, {span}"


# Devices


def draw_status(canvas: Canvas, y: int, live: Live, hint: str) -> None:
    """The devices and whether they are heard, the gaps so far, and at the end a hint."""
    right = canvas.right(canvas.width, y, hint, "dim")
    x = 0
    for source in live.sources:
        mark, style, words = _heard(source, live)
        x = canvas.text(x, y, f"{mark} {words}", style, right - 1 - x) + 2
    said = [f"{live.gaps} gap{'s' if live.gaps != 1 else ''}"] if live.gaps else []
    said.append(f"{live.moment.frames_committed} frames")
    if live.machine:
        said.insert(0, printable(live.machine, 24))
    if x < right - 1:
        canvas.text(x, y, " · ".join(said), "dim", right - 1 - x)


def _heard(source: Source, live: Live) -> tuple[str, str, str]:
    name = printable(source.source, 12)
    if source.state == "heard":
        return "●", "good", name
    if source.state == "waiting":
        return "○", "dim", f"{name}: waiting"
    since_s = live.moment.t_s - (source.heard_s or 0.0)
    why = source.trouble or ("silent" if source.state == "silent" else "lost")
    return "✗", "bad", f"{name}: {printable(why, 30)} {since_s:.0f} s"
