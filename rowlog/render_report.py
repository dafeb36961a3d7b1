"""A session's report as one page of HTML that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from rowlog.render import (
    NONE,
    clock_time,
    day,
    duration,
    figures,
    metres,
    pace,
    printable,
    tenth,
    whole,
    work_heart_rate,
)
from rowlog.summary import SessionSummary, Summary, ZoneSummary

if TYPE_CHECKING:
    from rowlog.charts_inline import Chart
    from rowlog.contents import Contents

_ACTIVITIES: Final = {"row": "Rowing", "other": "Heart rate", "mixed": "Rowing and exercises"}
_HEADS: Final = (
    "Time", "Metres", "Pace", "Rate", "Watts", "HR", "Highest", "At end", "After 60 s",
)  # fmt: skip


def title_of(contents: Contents) -> str:
    """What was rowed, in a line that is safe to show but not escaped."""
    session = contents.session
    way = contents.summary.segmentation
    said = session.plan or (way.text if way is not None and way.origin == "auto" else None)
    return printable(said, 60) if said else _ACTIVITIES.get(session.activity, session.activity)


def key_figures(session: SessionSummary) -> list[tuple[str, str, str]]:
    """The figures at the head of a report: name, value, unit; those that are known."""
    rowed = session.work_distance_m is not None
    every = [
        ("Work", metres(session.work_distance_m), "m", rowed),
        ("Time of work", clock_time(session.work_s), "", session.work_s),
        ("Mean pace", pace(session.mean_pace_s_per_500m), "/500 m", session.mean_pace_s_per_500m),
        ("Stroke rate", tenth(session.mean_stroke_rate_spm), "spm", session.mean_stroke_rate_spm),
        ("Mean power", whole(session.mean_power_w), "W", session.mean_power_w),
        ("Heart rate", whole(session.mean_heart_rate_bpm), "bpm", session.mean_heart_rate_bpm),
        ("Highest", whole(session.max_heart_rate_bpm), "bpm", session.max_heart_rate_bpm),
    ]
    return [(name, value, unit) for name, value, unit, known in every if known]


def session_page(contents: Contents, charts: Sequence[Chart], judged: str | None) -> str:
    """The whole page; `judged`: a line on how the plan was kept, None without one."""
    session, shown = contents.session, contents.summary
    devices = ", ".join(
        f"{source.name} ({printable(source.model or source.driver)})" for source in session.sources
    )
    said = [day(session.started_at), session.athlete or "", devices]
    if session.status != "complete":
        said.append(session.status)
    parts = [
        "<header>",
        f"<h1>{escape(title_of(contents))}</h1>",
        f'<p class="soft">{" · ".join(escape(printable(s, 120)) for s in said if s)}</p>',
        _notes(session),
        key_list(key_figures(session)),
        f"<p>{escape(printable(judged, 400))}</p>" if judged else "",
        _unheard(session),
        "</header>",
    ]
    over_time = [chart for chart in charts if chart.name == "Over time"]
    parts += [chart_section(chart) for chart in over_time]
    parts.append(_interval_table(shown))
    parts += [chart_section(chart) for chart in charts if chart not in over_time]
    parts.append(_zones(shown.zones))
    parts.append(_quality(shown))
    return page(f"{title_of(contents)}, {day(session.started_at)}", parts)


def page(title: str, parts: Sequence[str]) -> str:
    """A document round its parts, with the style that all reports have."""
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'{body}\n</main>\n<footer class="soft">Made by rowlog</footer>\n</body>\n</html>\n'
    )


def table(
    caption: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], *, text: int = 0
) -> str:
    """A table with its heads; each row is (class, cells), its first cell its name.

    The first `text` columns after it hold words, not numbers. All is escaped here.
    """
    cells = "".join(
        f'<th scope="col"{_words(at, text)}>{escape(head)}</th>' for at, head in enumerate(heads)
    )
    lines = []
    for look, row in rows:
        rest = "".join(
            f"<td{_words(at, text)}>{escape(cell)}</td>" for at, cell in enumerate(row[1:], 1)
        )
        lines.append(f'<tr class="{look}"><th scope="row">{escape(row[0])}</th>{rest}</tr>')
    return (
        f'<div class="wide" role="region" aria-label="{escape(caption)}" tabindex="0"><table>'
        f'<caption class="hidden">{escape(caption)}</caption>'
        f"<thead><tr>{cells}</tr></thead><tbody>{''.join(lines)}</tbody></table></div>"
    )


def _words(at: int, text: int) -> str:
    return ' class="words"' if at <= text else ""


def key_list(figures: Sequence[tuple[str, str, str]]) -> str:
    """The figures at the head, escaped here: name, value, unit."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}"
        f"{f' <small>{escape(unit)}</small>' if unit else ''}</dd></div>"
        for name, value, unit in figures
    )
    return f'<dl class="key">{items}</dl>' if items else ""


def _notes(session: SessionSummary) -> str:
    tags = " ".join(f"#{printable(tag)}" for tag in session.tags)
    note = printable(" ".join((session.note or "").split()), 600)
    return "".join(f"<p>{escape(text)}</p>" for text in (tags, note) if text)


def chart_section(chart: Chart) -> str:
    """One chart under its heading."""
    return (
        f"<section><h2>{escape(chart.name)}</h2>"
        f'<div role="img" aria-label="{escape(chart.told)}">'
        f'<div class="desk">{chart.wide}</div><div class="phone">{chart.narrow}</div></div>'
        "</section>"
    )


def _interval_table(shown: Summary) -> str:
    if not shown.segments:
        return ""
    heads, rows = interval_rows(shown)
    text = 1 if "Exercise" in heads else 0
    return "<section><h2>Intervals</h2>" + table("Intervals", heads, rows, text=text) + "</section>"


def interval_rows(shown: Summary) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """The heads and rows of the interval table, without columns that nothing is known of.

    Each row is (class, cells): "work" and "rest" as in the segments, then "work sum", "rest" and
    "all" for the totals. Nothing is escaped.
    """
    if not shown.segments:
        return [], []
    reps = [segment for segment in shown.segments if segment.kind == "work"]
    exercises = any(segment.activity not in ("row", "other") for segment in reps)
    rows: list[tuple[str, list[str]]] = []
    number, piece = 0, -1
    for segment in shown.segments:
        work = segment.kind == "work"
        label = segment.kind
        if work and (segment.piece is None or segment.piece != piece):
            number += 1
            label = str(number)
        elif work:
            label = "+"
        if work:
            piece = -1 if segment.piece is None else segment.piece
        named = [printable(segment.activity, 40) if work else ""] if exercises else []
        cells = [clock_time(segment.duration_s), *figures(segment, work=work)]
        rows.append(("work" if work else "rest", [label, *named, *cells]))
    session = shown.session
    blank = [""] if exercises else []
    total = [
        "work", *blank, clock_time(session.work_s), metres(session.work_distance_m),
        pace(session.mean_pace_s_per_500m),
        tenth(session.mean_stroke_rate_spm), whole(session.mean_power_w),
        *work_heart_rate(reps), "", "",
    ]  # fmt: skip
    rows.append(("work sum", total))
    if session.rest_s:
        rest = ["rest", *blank, clock_time(session.rest_s), metres(session.rest_distance_m)]
        rows.append(("rest", rest + [""] * (len(total) - len(rest))))
    whole_row = [
        "all", *blank, clock_time(session.duration_s), metres(session.distance_m), "", "", "",
        whole(session.mean_heart_rate_bpm), whole(session.max_heart_rate_bpm), "", "",
    ]  # fmt: skip
    rows.append(("all", whole_row))
    empty = [
        at for at in range(2 if exercises else 1, len(total))
        if all(row[at] in ("", NONE) for _, row in rows)
    ]  # fmt: skip
    heads = ["Piece", *(["Exercise"] if exercises else []), *_HEADS]
    kept = [at for at in range(len(heads)) if at not in empty]
    return [heads[at] for at in kept], [(look, [row[at] for at in kept]) for look, row in rows]


def _zones(zones: Sequence[ZoneSummary]) -> str:
    if not any(zone.low_bpm is not None for zone in zones):
        return ""
    total = sum(zone.seconds for zone in zones) or 1.0
    rows = []
    for zone in zones:
        if zone.low_bpm is None and zone.seconds < 1:
            continue
        share = 100 * zone.seconds / total
        bar = f'<i style="width:{share:.1f}%"></i>' if share else ""
        limits = " – ".join(whole(bpm) for bpm in (zone.low_bpm, zone.high_bpm) if bpm is not None)
        limits = f"below {limits}" if zone.low_bpm is None and limits else limits
        rows.append(
            f'<tr><th scope="row">{escape(zone.name)}</th><td>{escape(limits)}</td>'
            f"<td>{duration(zone.seconds)}</td><td>{share:.0f} %</td>"
            f'<td class="bar" aria-hidden="true">{bar}</td></tr>'
        )
    heads = "".join(f'<th scope="col">{head}</th>' for head in ("Zone", "Beats", "Time", "Share"))
    return (
        '<section><h2>Heart-rate zones</h2><div class="wide"><table>'
        '<caption class="hidden">Time in each heart-rate zone</caption>'
        f'<thead><tr>{heads}<td class="bar" aria-hidden="true"></td></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _quality(shown: Summary) -> str:
    words = []
    if shown.gaps:
        seconds = sum(gap.duration_s for gap in shown.gaps)
        what = "gap" if len(shown.gaps) == 1 else "gaps"
        words.append(
            f"A device was not heard for {duration(seconds)} in all, in {len(shown.gaps)} {what}; "
            "they are tinted in the charts."
        )
    return f'<p class="soft">{escape(" ".join(words))}</p>' if words else ""


def _unheard(session: SessionSummary) -> str:
    if session.distance_m is None and session.mean_heart_rate_bpm is not None:
        return '<p class="soft">Without a rowing machine: the heart rate is all that is known.</p>'
    return ""


STYLE: Final = """
:root{--bg:#fff;--ink:#1b2530;--soft:#5b6672;--line:#d9dee3;--shade:#e9f0f7;--gap:#f6e3c8;
--pace:#1f66a8;--rate:#2c7a4b;--power:#8a5a00;--heart:#b8322a;
--font:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
@media(prefers-color-scheme:dark){:root{--bg:#12171d;--ink:#e8edf2;--soft:#a3afbb;--line:#2d3742;
--shade:#1e2b39;--gap:#4a3a1e;--pace:#6cb2f2;--rate:#6fcf97;--power:#e0b050;--heart:#ff8a7a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 var(--font)}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem}
h1{font-size:clamp(1.7rem,5vw,2.6rem);line-height:1.15;margin:0;letter-spacing:-.02em;
overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2.5rem 0 .75rem;letter-spacing:-.01em}
p{margin:.4rem 0;overflow-wrap:anywhere}
.soft,footer{color:var(--soft)}
footer{max-width:60rem;margin:0 auto;padding:0 1.25rem 2rem;font-size:.85rem}
.key{display:flex;flex-wrap:wrap;gap:1rem 2.2rem;margin:1.5rem 0 0;padding:1rem 0;
border-top:2px solid var(--ink);border-bottom:1px solid var(--line)}
.key dt{font-size:.8rem;color:var(--soft)}
.key dd{margin:0;font-size:1.5rem;font-weight:600;font-variant-numeric:tabular-nums;line-height:1.2}
.key small{font-size:.85rem;font-weight:400;color:var(--soft)}
.wide{overflow-x:auto;background:
linear-gradient(to right,var(--bg) 60%,transparent) 0 0/2rem 100% local no-repeat,
linear-gradient(to left,var(--bg) 60%,transparent) 100% 0/2rem 100% local no-repeat,
linear-gradient(to left,var(--line),transparent) 100% 0/1.2rem 100% scroll no-repeat}
.wide:focus-visible{outline:2px solid var(--pace)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.95rem}
th,td{padding:.3rem .6rem;text-align:right;white-space:nowrap}
th:first-child,td:first-child,.words{text-align:left;padding-left:0}
thead th{color:var(--soft);font-weight:500;font-size:.8rem}
thead th,thead td{border-bottom:1px solid var(--ink)}
tbody tr{border-bottom:1px solid var(--line)}
tr.work td,tr.work th{font-weight:600}
tr.rest td,tr.rest th{color:var(--soft);font-weight:400}
tr.all th{font-weight:400}
tr.sum td,tr.sum th{border-top:1px solid var(--ink)}
.bar{width:45%;padding-right:0}
.bar i{display:block;height:.8rem;background:var(--heart);border-radius:2px;min-width:1px;
print-color-adjust:exact;-webkit-print-color-adjust:exact}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
svg{display:block;width:100%;height:auto;overflow:visible}
svg *{stroke-linejoin:round;stroke-linecap:butt}
.phone{display:none}
@media screen and (max-width:640px){.desk{display:none}.phone{display:block}
main{padding:1.25rem 1rem}th,td{padding:.3rem .36rem;font-size:.82rem}thead th{font-size:.72rem}
th:first-child{position:sticky;left:0;background:var(--bg)}
.bar{width:30%}.key{gap:.8rem 1.5rem}.key dd{font-size:1.3rem}}
@page{margin:18mm 15mm}
@media print{:root{--bg:#fff;--ink:#1b2530;--soft:#5b6672;--line:#d9dee3;--shade:#e9f0f7;
--gap:#f6e3c8;--pace:#1f66a8;--rate:#2c7a4b;--power:#8a5a00;--heart:#b8322a}
main{max-width:none;padding:0}section{break-inside:avoid}h2{margin-top:1.2rem;break-after:avoid}
body{font-size:11pt}tr{break-inside:avoid}thead{display:table-header-group}}
"""
