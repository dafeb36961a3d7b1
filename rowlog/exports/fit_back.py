"""Reading a FIT file back with fitdecode, and comparing it with what was to be written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any, Final

from rowlog.contents import BeatRow, Contents
from rowlog.exports.checking import Difference, Expected, compare
from rowlog.exports.fit_figures import LAP_FIGURES, SESSION_FIGURES
from rowlog.exports.fit_words import parts, words, words_read
from rowlog.fit_layout import HRV, LAP, RECORD, SESSION
from rowlog.summary import SegmentSummary, SessionSummary


def differences(contents: Contents, path: Path) -> list[Difference]:
    """Read the file back with fitdecode, checksums and all, and compare its figures.

    Raises ValueError, and others of what is UNREADABLE, for what is no whole FIT file.
    """
    import fitdecode  # type: ignore[import-untyped]

    try:
        return _differences(contents, path)
    except fitdecode.FitError as error:
        raise ValueError(str(error)) from error


def _differences(contents: Contents, path: Path) -> list[Difference]:
    import fitdecode

    sessions, laps, metres, intervals, strokes = [], [], [0.0], 0, 0
    with fitdecode.FitReader(
        str(path), check_crc=fitdecode.CrcCheck.RAISE, error_handling=fitdecode.ErrorHandling.RAISE
    ) as reader:
        for frame in reader:
            if not isinstance(frame, fitdecode.FitDataMessage):
                continue
            if frame.global_mesg_num == SESSION:
                sessions.append(frame)
            elif frame.global_mesg_num == LAP:
                laps.append(frame)
            elif frame.global_mesg_num == RECORD:
                reached = frame.get_value("distance", fallback=None)
                if reached is not None:
                    metres.append(reached)
                strokes += frame.has_field("stroke_number")
            elif frame.global_mesg_num == HRV:
                times = frame.get_value("time")
                listed = times if isinstance(times, tuple) else (times,)
                intervals += sum(value is not None for value in listed)
    session = contents.session
    rowed = len(contents.series.distance_m[0]) > 0
    expected = [
        Expected("sessions", 1, len(sessions)),
        Expected("laps", max(1, len(contents.segments)), len(laps)),
        Expected(
            "metres of the last record", session.distance_m if rowed else 0.0, metres[-1], 0.0051
        ),
        Expected("strokes", len(contents.main_strokes), strokes),
        Expected(
            "RR intervals", _rr_count(contents.beats, session, contents.duration_s), intervals
        ),
    ]
    if len(sessions) == 1:
        expected += _figures_read(sessions[0], session, SESSION_FIGURES, "session")
        expected += _natives_read(sessions[0], session, "session")
        read = partial(_value, sessions[0])
        for name in ("start_from", "session_activity", "plan", "athlete", "note", "tags"):
            text = "".join(parts(words(session).get(name, ""))) or None
            expected.append(Expected(f"session: {name}", text, words_read(read, name)))
    if len(laps) == len(contents.segments):
        for number, (lap, segment) in enumerate(zip(laps, contents.segments, strict=True), 1):
            expected += _figures_read(lap, segment, LAP_FIGURES, f"lap {number}")
            expected += _natives_read(lap, segment, f"lap {number}")
            read = partial(_value, lap)
            for name in ("kind", "activity", "ended_by"):
                text = "".join(parts(getattr(segment, name)))
                expected.append(Expected(f"lap {number}: {name}", text, words_read(read, name)))
    return compare(expected)


_NATIVE: Final = (
    ("total_distance", "distance_m", 0.0051),
    ("total_calories", "energy_kcal", 0.501),
    ("avg_heart_rate", "mean_heart_rate_bpm", 0.501),
    ("max_heart_rate", "max_heart_rate_bpm", 0.501),
    ("avg_power", "mean_power_w", 0.501),
)
"""(FIT's field, ours, how far it may be off)."""


def _natives_read(frame: object, of: SessionSummary | SegmentSummary, where: str) -> list[Expected]:
    return [
        Expected(f"{where}: {field}", getattr(of, name), _value(frame, field), within)
        for field, name, within in _NATIVE
    ]


def _figures_read(
    frame: object, of: SessionSummary | SegmentSummary, names: Sequence[str], where: str
) -> list[Expected]:
    return [Expected(f"{where}: {name}", getattr(of, name), _value(frame, name)) for name in names]


def _value(frame: object, name: str) -> Any:
    value: Any = frame.get_value(name, fallback=None)  # type: ignore[attr-defined]
    return value


def _rr_count(beats: Sequence[BeatRow], session: SessionSummary, end_s: float) -> int:
    source = session.heart_rate_source
    last = ceil(end_s)
    return sum(
        len(beat.rr_ms)
        for beat in beats
        if beat.rr_ms and (source is None or beat.source == source) and int(beat.t_s) <= last
    )
