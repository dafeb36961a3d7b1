"""A session's report as one page of HTML that needs nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from rowlog.render import began, duration, facts, printable, whole
from rowlog.render_rows import devices_line, key_figures, report_tables, thousands, title_of
from rowlog.summary import SessionSummary, Summary, ZoneSummary

if TYPE_CHECKING:
    from rowlog.charts_inline import Chart
    from rowlog.contents import Contents

_TELEPHONE_PX: Final = 328
"""What a narrow one has for a table."""
_LONG: Final = 36
"""A title of more characters than this is set smaller."""


def session_page(contents: Contents, charts: Sequence[Chart], judged: str | None) -> str:
    """The whole page; `judged`: a line on how the plan was kept, None without one."""
    session, shown = contents.session, contents.summary
    when = began(session.started_at, session.start_from)
    said = [when, session.athlete or "", devices_line(session)]
    if session.status != "complete":
        said.append(session.status)
    parts = [
        "<header>",
        heading(title_of(contents)),
        f'<p class="soft">{" · ".join(escape(printable(s, 120)) for s in said if s)}</p>',
        key_list(key_figures(shown)),
        _notes(session),
        f"<p>{escape(printable(judged, 400))}</p>" if judged else "",
        _unheard(session),
        "</header>",
    ]
    if not shown.segments:
        parts.append("<p>Nothing was rowed, and no piece of work was found.</p>")
    over_time = [chart for chart in charts if chart.name == "Over time"]
    parts += [chart_section(chart) for chart in over_time]
    parts += [_table_section(title, *rows) for title, rows in report_tables(shown)]
    rest = [chart for chart in charts if chart not in over_time]
    parts += [chart_section(chart) for chart in rest if not chart.half]
    beside = [chart_section(chart) for chart in rest if chart.half]
    zones = _zones(shown.zones)
    if beside:
        parts.append(f'<div class="beside">{"".join([*beside, zones])}</div>')
    else:
        parts.append(zones)
    parts.append(_facts(shown))
    return page(f"{title_of(contents)}, {when}", parts)


def heading(title: str) -> str:
    """The page's title, escaped here."""
    small = ' class="long"' if len(title) > _LONG else ""
    return f"<h1{small}>{escape(title)}</h1>"


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
    caption: str,
    heads: Sequence[str],
    rows: Sequence[tuple[str, Sequence[str]]],
    *,
    text: int = 0,
    second: Iterable[str] = (),
) -> str:
    """A table with its heads; each row is (class, cells), its first cell its name.

    The first `text` columns after it hold words, not numbers. On a telephone the columns of the
    heads in `second`, or the last ones, stand in a second line of each row, where one line has no
    room for all. All is escaped here.
    """
    below = {at for at, head in enumerate(heads) if head in set(second)}
    firsts = [at for at in range(1 + text, len(heads)) if at not in below]
    every = sorted([*firsts, *below])
    if _needed_px(heads, rows, [0, *every]) <= _TELEPHONE_PX:
        firsts, below = every, set()
    elif not below:
        half = (len(every) + 1) // 2
        firsts, below = every[:half], set(every[half:])
    # What a telephone makes of rows is no table any more for some readers of screens: hence roles.
    cells = "".join(
        f'<th scope="col" role="columnheader"{_look(at, text, below)}>{escape(head)}</th>'
        for at, head in enumerate(heads)
    )
    lines = []
    for look, row in rows:
        rest = "".join(
            f'<td role="cell"{_look(at, text, below)}>{escape(thousands(cell))}</td>'
            for at, cell in enumerate(row[1:], 1)
        )
        lines.append(
            f'<tr role="row" class="{look}"><th scope="row" role="rowheader">'
            f"{escape(row[0])}</th>{rest}</tr>"
        )
    columns = ""
    if below or text:
        columns = f' class="lines" style="{_columns(heads, rows, firsts, sorted(below))}"'
    return (
        f'<div class="wide" role="region" aria-label="{escape(caption)}" tabindex="0">'
        f'<table role="table"{columns}><caption class="hidden">{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{cells}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(lines)}</tbody></table></div>'
    )


def _needed_px(
    heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], columns: Iterable[int]
) -> float:
    """About how wide these columns are beside each other on a telephone."""
    return sum(
        max([len(heads[at]) * 7.0, *(len(thousands(row[at])) * 8.2 for _, row in rows)]) + 11.5
        for at in columns
    )


def _columns(
    heads: Sequence[str],
    rows: Sequence[tuple[str, Sequence[str]]],
    firsts: Sequence[int],
    below: Sequence[int],
) -> str:
    """The widths of a row of two lines: its name's, then as the longest cells of either line.

    And the least of the whole, below which a table scrolls: for who has letters of twice the size.
    """
    longest = [
        max([0.95 * len(w) for w in head.split()] + [len(thousands(r[at])) for _, r in rows])
        for at, head in enumerate(heads)
    ]
    count = max(len(firsts), len(below))
    shares = []
    for place in range(count):
        both = [line[place] for line in (firsts, below) if place < len(line) > 1]
        shares.append(max(3.0, *(longest[at] for at in both)))
    first = max(len(row[0]) for _, row in rows) * 0.62 + 0.3 if rows else 3.0
    widths = " ".join([f"{first:.1f}em", *(f"minmax(0,{share:.1f}fr)" for share in shares)])
    least = 0.85 * first + sum(0.53 * share + 0.18 for share in shares)
    return f"--columns:{widths};--least:{least:.1f}rem"


def _look(at: int, text: int, below: set[int]) -> str:
    names = ["words"] if at <= text else []
    if at and at <= text:
        names.append("own")
    if at in below:
        names += ["below", "alone"] if len(below) == 1 else ["below"]
    return f' class="{" ".join(names)}"' if names else ""


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
    note = printable(" ".join((session.note or "").split()), 4000)
    return "".join(f"<p>{escape(text)}</p>" for text in (tags, note) if text)


def chart_section(chart: Chart) -> str:
    """One chart under its heading."""
    return (
        f"<section><h2>{escape(chart.name)}</h2>"
        f'<div role="img" aria-label="{escape(chart.told)}">'
        f'<div class="desk">{chart.wide}</div><div class="tablet">{chart.middle}</div>'
        f'<div class="phone">{chart.narrow}</div></div></section>'
    )


_HEART: Final = ("HR", "Highest", "At end", "After 60 s")


def _table_section(
    title: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]
) -> str:
    text = 1 if "Exercise" in heads[1:] else 0
    return (
        f'<section class="long"><h2>{title}</h2>'
        + table(title, heads, rows, text=text, second=_HEART)
        + "</section>"
    )


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
        name = "not known" if zone.name == "unknown" else zone.name
        rows.append(
            f'<tr><th scope="row">{escape(name)}</th><td>{escape(limits)}</td>'
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


def _facts(shown: Summary) -> str:
    """What the figures rest on, and what was odd, a line each."""
    items = "".join(f"<li>{escape(printable(line, 400))}</li>" for line in facts(shown))
    return f'<section><h2>Notes</h2><ul class="soft">{items}</ul></section>'


def _unheard(session: SessionSummary) -> str:
    if session.distance_m is None and session.mean_heart_rate_bpm is not None:
        return '<p class="soft">Without a rowing machine: the heart rate is all that is known.</p>'
    return ""


STYLE: Final = """
:root{--bg:#fff;--ink:#1b2530;--soft:#5b6672;--line:#d9dee3;--shade:#e1ebf5;--gap:#f6e3c8;
--pace:#1f66a8;--rate:#2c7a4b;--power:#8a5a00;--heart:#b8322a;
--font:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
@media(prefers-color-scheme:dark){:root{--bg:#12171d;--ink:#e8edf2;--soft:#a3afbb;--line:#2d3742;
--shade:#1e2b39;--gap:#4a3a1e;--pace:#6cb2f2;--rate:#6fcf97;--power:#e0b050;--heart:#ff8a7a}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:1rem/1.5 var(--font)}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem}
h1{font-size:clamp(1.7rem,5vw,2.6rem);line-height:1.15;margin:0;letter-spacing:-.02em;
overflow-wrap:anywhere}
h1.long{font-size:clamp(1.3rem,3.4vw,1.75rem);line-height:1.25}
h2{font-size:1.15rem;margin:2.5rem 0 .75rem;letter-spacing:-.01em}
p{margin:.4rem 0;overflow-wrap:anywhere}
.soft,footer{color:var(--soft)}
ul{margin:0;padding:0;list-style:none;font-size:.9rem}
footer{max-width:60rem;margin:0 auto;padding:0 1.25rem 2rem;font-size:.85rem}
.key{display:flex;flex-wrap:wrap;gap:1rem 1.6rem;margin:1.5rem 0 0;padding:1rem 0;
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
thead th,thead td{border-bottom:1px solid var(--ink);vertical-align:bottom}
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
.tablet,.phone{display:none}
.beside{display:grid;grid-template-columns:1fr 1fr;column-gap:2.5rem}
.beside>*{min-width:0}
.beside>:nth-child(odd):last-child{grid-column:1/-1}
@media screen and (max-width:51em){.desk{display:none}.tablet{display:block}
.beside{display:block}th,td{padding:.3rem .4rem}}
@media screen and (max-width:34em){.tablet{display:none}.phone{display:block}
main{padding:1.25rem 1rem}th,td{padding:.3rem .36rem;font-size:.85rem}thead th{font-size:.75rem}
.bar{width:30%}.key{gap:.8rem 1.5rem}.key dd{font-size:1.3rem}
.lines,.lines thead,.lines tbody{display:block}
.lines{min-width:var(--least)}
.lines tr{display:grid;grid-template-columns:var(--columns);align-items:baseline;
padding:.2rem 0;line-height:1.35}
.lines th,.lines td{padding:.05rem 0 .05rem .25rem;border:0}
.lines thead tr{border-bottom:1px solid var(--ink);align-items:end}
.lines thead th{white-space:normal;line-height:1.2}
.lines tr.sum td,.lines tr.sum th{border:0}
.lines tr.sum{border-top:1px solid var(--ink)}
.lines tr>:first-child{grid-row:1/4;grid-column:1;padding-left:0}
.lines .own{grid-row:1;grid-column:2/-1}.lines td.own:empty{position:absolute}
.lines td.below{font-weight:400;color:var(--soft)}
.lines .below:not(.below~.below){grid-column-start:2}
.lines .alone{grid-column:2/-1}}
@page{margin:16mm 15mm}
@media print{:root{--bg:#fff;--ink:#1b2530;--soft:#5b6672;--line:#d9dee3;--shade:#e1ebf5;
--gap:#f6e3c8;--pace:#1f66a8;--rate:#2c7a4b;--power:#8a5a00;--heart:#b8322a}
main{max-width:none;padding:0}section{break-inside:avoid}section.long{break-inside:auto}
h2{margin-top:1.2rem;break-after:avoid}h1{font-size:24pt}h1.long{font-size:16pt}
.beside{column-gap:1.5rem}.key{gap:.5rem 1.4rem;margin-top:.8rem;padding:.5rem 0}
.key dd{font-size:1.2rem}.wide{overflow:visible;background:none}th,td{padding:.16rem .4rem}
footer{max-width:none;padding:1rem 0 0}
body{font-size:10pt}tr{break-inside:avoid}thead{display:table-header-group}}
"""
