"""Reports: a session or a season as a page or a picture, written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, Final

from rowlog.exporting import check_free, write_whole
from rowlog.periods import Period
from rowlog_drivers.errors import CallError, RowlogError

SUFFIXES: Final = (".html", ".png", ".svg", ".pdf")


class ReportError(RowlogError):
    """A report that cannot be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A report that was written."""

    file: Path
    format: str
    """"html", "png", "svg" or "pdf"."""
    bytes: int


def check_target(file: Path, *, overwrite: bool) -> str:
    """The format that a file's name asks for.

    Raises CallError for another suffix, a missing folder and a file that exists, ReportError where
    matplotlib is missing.
    """
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise CallError(
            f"{file} does not say what the report should be.",
            "End it with .html, .png, .svg or .pdf.",
        )
    if not file.absolute().parent.is_dir():
        raise CallError(f"There is no folder {file.absolute().parent}.", "Make it first.")
    check_free(file, overwrite=overwrite)
    if find_spec("matplotlib") is None:
        raise ReportError(
            "Reports take matplotlib, which is not installed.",
            'Install it with: pip install "rowlog[report]"',
        )
    return suffix[1:]


def report_session(
    database: Path,
    session_id: int,
    file: Path,
    *,
    by: str | None = None,
    overwrite: bool = False,
) -> Reported:
    """Write the report of one session, cut as `by` says.

    Raises CallError, ReportError, ExportError, StoreError.
    """
    kind = check_target(file, overwrite=overwrite)
    from rowlog.contents import load_contents

    contents = load_contents(database, session_id, by)
    if contents.session.duration_s is None:
        raise ReportError(
            f"Session {session_id} is not closed yet.",
            "End its recording first; one that was interrupted is closed by: rowlog db rebuild",
        )
    if kind == "html":
        from rowlog.charts_inline import charts
        from rowlog.render_report import session_page

        judged = None
        if "@" in (contents.session.plan or ""):
            from rowlog.render_judging import score_said
            from rowlog.summary_judging import judge

            judged = score_said(judge(database, contents.summary))
        return _text(file, session_page(contents, charts(contents), judged), overwrite=overwrite)
    from rowlog.charts_poster import poster

    return _written(file, kind, lambda out: poster(contents, out, kind), overwrite=overwrite)


def report_season(
    database: Path, period: Period, file: Path, *, athlete: str | None, overwrite: bool = False
) -> Reported:
    """Write the report of a season. Raises as `report_session` does."""
    kind = check_target(file, overwrite=overwrite)
    from rowlog.periods import Span
    from rowlog.summary_bests import load_bests
    from rowlog.summary_trends import load_trends
    from rowlog.wanted import Wanted

    span = Span(period.start, period.end)
    since, until = period.start.isoformat(), period.end.isoformat()
    wanted = Wanted(athlete=athlete, since=since, until=until)
    shown = load_trends(database, wanted, "month", span, period.end)
    if not any(month.sessions for month in shown.periods):
        raise ReportError(
            f"No session was rowed in the season {period.name}, {since} to {until}.",
            "See which there are: rowlog sessions --limit 0",
        )
    from rowlog import charts_season

    bests = load_bests(database, wanted)
    if kind != "html":
        return _written(
            file, kind, lambda out: charts_season.poster(period, shown, bests, out, kind),
            overwrite=overwrite,
        )  # fmt: skip
    from rowlog.render_season import season_page

    text = season_page(period, shown, bests, charts_season.charts(period, shown, bests))
    return _text(file, text, overwrite=overwrite)


def _text(file: Path, text: str, *, overwrite: bool) -> Reported:
    # A name may hold what no encoding holds.
    raw = text.encode("utf-8", "replace")
    return _written(file, "html", lambda out: out.write(raw), overwrite=overwrite)


def _written(
    file: Path, kind: str, write: Callable[[BinaryIO], object], *, overwrite: bool
) -> Reported:
    size = write_whole(file, write, overwrite=overwrite)
    return Reported(file=file, format=kind, bytes=size)
